//! A target under libFuzzer, which `.ci/release` builds and runs: the environment variable `SEEDREAM_FUZZ` names it. Where
//! `SEEDREAM_FUZZ_CORPORA` names a folder instead, the corpora are written there.
#![no_main]

use std::{env, path::Path, process, sync::LazyLock};

use seedream_fuzz::{TARGETS, Target, target, write_corpora};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = env::var("SEEDREAM_FUZZ").unwrap_or_default();
    let known: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
    target(&name).unwrap_or_else(|| panic!("SEEDREAM_FUZZ names one of {}", known.join(", ")))
});

libfuzzer_sys::fuzz_target!(
    init: {
        if let Some(folder) = env::var_os("SEEDREAM_FUZZ_CORPORA") {
            write_corpora(Path::new(&folder)).expect("the folder can be written to");
            process::exit(0);
        }
    },
    |input: &[u8]| TARGET.run(input)
);
