//! `seedream completions` and `seedream man`: what shells and `man` read.

use std::{fs, path::Path};

use clap_complete::Shell;

use crate::{args::command, console::Console, exit::Exit, failure::Failure};

/// Prints the completions for a shell.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn completions(shell: Shell, console: &Console) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "seedream", &mut script);
    console.line(String::from_utf8_lossy(&script).trim_end())?;
    Ok(Exit::Ok)
}

/// Writes a manual page for each command into a folder, which is made if it is missing.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn man(folder: &Path, console: &Console) -> Result<Exit, Failure> {
    let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command(), folder));
    let shown = folder.display();
    written.map_err(|error| Failure::other(format!("--out {shown}: {error}; name a folder that can be written")))?;
    console.note(&format!("the manual pages are in {shown}; read one with: man {shown}/seedream.1"));
    Ok(Exit::Ok)
}
