//! Benchmarks: `cargo bench -p seedream-benches --bench codec` for one exchange without I/O, `--bench client` for what this client
//! costs beside others, and `--bench mock` for what the mock costs beside a minimal server and wiremock; `-- small` runs one part.
//! `--bench batch` measures the ledger, and batches of 10,000 and 100,000 lines.
//! `--bench instructions` counts, under valgrind, what reading a response takes and how it grows with the response.
//!
//! With `--json` each writes its figures to `target/bench/<name>.json` as well; `RESULTS.md` is made from them.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use serde_json::Value;

/// The arguments of a bench: what follows `--`.
#[derive(Debug)]
pub struct Arguments {
    /// The parts to run; all where there are none.
    pub names: Vec<String>,
    /// Everything that begins with a dash, but for the `--bench` that cargo adds.
    pub flags: Vec<String>,
}

impl Arguments {
    /// Those of this process.
    pub fn read() -> Self {
        let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
        let (flags, names) = arguments.partition(|argument| argument.starts_with('-'));
        Self { names, flags }
    }

    /// Whether a flag is there.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|known| known == flag)
    }

    /// Whether a part is to be run.
    pub fn asks_for(&self, part: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| name == part)
    }

    /// Writes the figures of a bench where `--json` asks for them. `tmp` is its `CARGO_TARGET_TMPDIR`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, tmp: &str, bench: &str, figures: &Value) -> io::Result<()> {
        if !self.has("--json") {
            return Ok(());
        }
        let folder = Path::new(tmp).with_file_name("bench");
        fs::create_dir_all(&folder)?;
        let path = folder.join(bench).with_extension("json");
        fs::write(&path, serde_json::to_string_pretty(figures)?)?;
        writeln!(io::stdout(), "\nwritten to {}", path.display())
    }
}
