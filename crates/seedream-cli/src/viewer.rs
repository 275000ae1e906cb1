//! `--open`: shows saved images with the system's viewer.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::{console::Console, provider_selection::environment, report::PurchaseResult};

/// The variable that names another program. It gets the paths of all images.
const VARIABLE: &str = "SEEDREAM_OPENER";

/// Opens the saved images, and waits until the opener ends; most end at once. A failure is a warning: the images are there.
pub(crate) fn open(results: &[PurchaseResult], console: &Console) {
    let images = results.iter().flat_map(|result| &result.outcome().images);
    // A path that begins with a dash would be taken for a flag.
    let files = images.filter_map(|image| std::path::absolute(image.location.file()?).ok());
    let files: Vec<_> = files.collect();
    if files.is_empty() {
        return;
    }
    for mut command in commands(environment(VARIABLE).filter(|program| !program.trim().is_empty()), &files) {
        let program = command.get_program().to_string_lossy().into_owned();
        let ended = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let problem = match ended {
            Ok(status) if status.success() => continue,
            Ok(status) => format!("{program} ended with {status}"),
            Err(error) => format!("{program} cannot be started: {error}"),
        };
        let remedy = format!("name a viewer in {VARIABLE}; the images are saved");
        return console.note(&format!("warning: --open: {problem}; {remedy}"));
    }
}

/// The commands that open files.
fn commands(opener: Option<String>, files: &[PathBuf]) -> Vec<Command> {
    let of_all = |program: &str| {
        let mut command = Command::new(program);
        command.args(files);
        vec![command]
    };
    match opener {
        Some(program) => of_all(&program),
        None if cfg!(target_os = "macos") => of_all("open"),
        // Both take one file.
        None => files
            .iter()
            .map(|file| {
                let mut command = Command::new(if cfg!(windows) { "rundll32" } else { "xdg-open" });
                command.args(cfg!(windows).then_some("url.dll,FileProtocolHandler")).arg(file);
                command
            })
            .collect(),
    }
}
