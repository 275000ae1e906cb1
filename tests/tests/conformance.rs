//! Every law over every dialect of ours, as named trials: `cargo test --test conformance encode/ark`.

use std::process::ExitCode;

fn main() -> ExitCode {
    seedream_conformance::run(seedream::dialects())
}
