//! What a reader has to hold for any bytes at all, as functions that panic where it does not.
//!
//! [`TARGETS`] are run over their seeds by `cargo test`, and over what a fuzzer makes of them by the program `fuzz`.
#![forbid(unsafe_code)]

mod input;
mod scripted_client;
mod seeds;
pub mod targets;

use std::{
    fs, io,
    path::Path,
    sync::{Mutex, PoisonError},
};

use peak_alloc::PeakAlloc;

/// Counts what is allocated, so that memory out of proportion is a failure.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// One reader under test.
#[derive(Debug)]
pub struct Target {
    /// The name of its seeds, of its regressions and of its corpus.
    pub name: &'static str,
    /// Reads bytes, and panics where a property does not hold.
    run: fn(&[u8]),
    /// Where its corpus begins.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Memory that a run may take whatever the length of its input, in MiB.
    free: usize,
}

/// How many bytes of memory a run may take for each byte of its input, beside what is free. Each reader is run several times, and
/// what it returned is kept for comparison.
const FACTOR: usize = 128;

impl Target {
    /// Runs it, and panics where a property does not hold or memory is out of proportion.
    pub fn run(&self, input: &[u8]) {
        // Memory is counted for the whole process.
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        (self.run)(input);
        let taken = MEMORY.peak_usage().saturating_sub(before);
        drop(alone);
        let allowed = (self.free << 20) + FACTOR * input.len();
        assert!(taken <= allowed, "{} bytes of input take {taken} bytes of memory", input.len());
    }
}

/// Every target.
pub static TARGETS: &[Target] = &[
    Target { name: "json", run: targets::json::run, seeds: seeds::bodies, free: 2 },
    Target { name: "sse", run: targets::sse::run, seeds: seeds::bodies, free: 1 },
    Target { name: "decode", run: targets::decode::run, seeds: seeds::responses, free: 4 },
    Target { name: "stream", run: targets::stream::run, seeds: seeds::streams, free: 2 },
    Target { name: "lift", run: targets::lift::run, seeds: seeds::lifted, free: 8 },
    // A response may unpack to a thousand times its length.
    Target { name: "coding", run: targets::coding::run, seeds: seeds::packed, free: 256 },
    Target { name: "image_end", run: targets::image_end::run, seeds: seeds::images, free: 2 },
    Target { name: "mock", run: targets::mock::run, seeds: seeds::requests, free: 64 },
];

/// The target of a name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Writes the corpus that each target begins with, what was found before included, to `<folder>/<target>`, and the words that
/// occur in them to `<folder>/words`, a dictionary of libFuzzer.
///
/// # Errors
/// A file or folder that cannot be read or written.
pub fn write_corpora(folder: &Path) -> io::Result<()> {
    for target in TARGETS {
        let corpus = folder.join(target.name);
        fs::create_dir_all(&corpus)?;
        for (at, seed) in (target.seeds)().into_iter().chain(regressions(target)?).enumerate() {
            fs::write(corpus.join(format!("seed-{at}")), seed)?;
        }
    }
    let quoted = |word: String| format!("\"{}\"\n", word.replace('\\', "\\\\").replace('"', "\\\""));
    fs::write(folder.join("words"), seeds::words().into_iter().map(quoted).collect::<String>())
}

/// What was found before, in `regressions/<target>/`.
///
/// # Errors
/// A file that cannot be read.
pub fn regressions(target: &Target) -> io::Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(target.name);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.sort();
    files.into_iter().map(fs::read).collect()
}
