//! The mock's Python guide runs with the built binary.

use std::path::Path;
use std::process::Command;

use crate::support::Workdir;

#[test]
fn the_python_guide_runs() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seedream-mock/examples/guide.py");
    let workdir = Workdir::new();
    let mut command = Command::new("python3");
    command.arg(guide).args([env!("CARGO_BIN_EXE_seedream"), "mock", "serve"]).current_dir(workdir.path("."));
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped: python3 cannot be run: {error}");
            return;
        }
    };
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && message.contains("Ran 6 tests") && message.trim_end().ends_with("OK"),
        "{message}"
    );
}
