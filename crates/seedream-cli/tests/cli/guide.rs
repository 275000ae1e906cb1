//! The mock's guide in Python runs as it stands, with the built binary.

use std::path::Path;
use std::process::Command;

use crate::support::Place;

#[test]
fn the_guide_in_python_runs() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seedream-mock/examples/guide.py");
    let place = Place::new();
    let mut command = Command::new("python3");
    command.arg(guide).args([env!("CARGO_BIN_EXE_seedream"), "mock", "serve"]).current_dir(place.path("."));
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped: python3 cannot be run: {error}");
            return;
        }
    };
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("Ran 6 tests") && told.trim_end().ends_with("OK"), "{told}");
}
