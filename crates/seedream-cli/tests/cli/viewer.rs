//! `--open`.

#![cfg(unix)]

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::support::Workdir;

/// A program that writes down what it was given.
fn opener(workdir: &Workdir, end: &str) -> String {
    let path = workdir.path("opener");
    fs::write(&path, format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}'\n{end}\n", workdir.path("opened").display()))
        .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
fn saved_images_are_opened_and_nothing_else() {
    let workdir = Workdir::new();
    let program = opener(&workdir, "exit 0");
    let env = [("SEEDREAM_OPENER", program.as_str())];
    let args = ["generate", "2 images of a kite", "--provider", "ark", "--count", "2", "--mock", "--open"];
    let ran = workdir.run(&args, &env);
    assert!(!ran.exits_with(0).stderr.contains("warning: --open"), "{ran:#?}");
    let opened = fs::read_to_string(workdir.path("opened")).unwrap();
    let images = ["out/ark-0.jpg", "out/ark-1.jpg"].map(|name| workdir.path(name).canonicalize().unwrap());
    let opened: Vec<_> = opened.lines().map(|path| fs::canonicalize(path).unwrap()).collect();
    assert_eq!(opened, images);

    fs::remove_file(workdir.path("opened")).unwrap();
    let refused = ["generate", "x", "--provider", "gogogotoken", "--size", "1024x1024", "--mock", "--open"];
    workdir.run(&refused, &env).exits_with(2);
    assert!(!workdir.path("opened").exists());
}

#[test]
fn a_viewer_that_fails_is_a_warning_and_changes_no_exit_code() {
    let workdir = Workdir::new();
    let failing = opener(&workdir, "exit 3");
    let args = ["generate", "x", "--provider", "ark", "--mock", "--open"];
    for (program, told) in [(failing.as_str(), "ended with exit status: 3"), ("no-such-viewer", "cannot be started")] {
        let ran = workdir.run(&args, &[("SEEDREAM_OPENER", program)]);
        ran.exits_with(0).stderr_contains("warning: --open: ").stderr_contains(told);
        ran.stderr_contains("name a viewer in SEEDREAM_OPENER; the images are saved");
    }
    // The system's own: there is none in an empty environment.
    let ran = workdir.run(&args, &[("PATH", "/nonexistent")]);
    ran.exits_with(0).stderr_contains("warning: --open: ");
}
