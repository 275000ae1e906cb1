//! Completions and manual pages.

use std::{fs, process::Command};

use crate::support::Workdir;

#[cfg(unix)]
#[test]
fn bash_completes_commands_and_flags() {
    let workdir = Workdir::new();
    let ran = workdir.run(&["completions", "bash"], &[]);
    fs::write(workdir.path("seedream.bash"), &ran.exits_with(0).stdout).unwrap();
    let complete = |words: &[&str]| {
        // As bash calls the function that the script registers.
        let script = "source seedream.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
                      function=$(complete -p seedream | sed 's/.*-F \\([^ ]*\\).*/\\1/'); \
                      $function seedream \"${COMP_WORDS[$COMP_CWORD]}\" \"${COMP_WORDS[$COMP_CWORD-1]}\"; printf '%s\\n' \"${COMPREPLY[@]}\"";
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", script, "bash"]).args(words).current_dir(workdir.path(""));
        let output = bash.output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete(&["seedream", "gen"]), ["generate"]);
    assert_eq!(complete(&["seedream", "config", "sh"]), ["show"]);
    assert_eq!(complete(&["seedream", "generate", "--ca"]), ["--callback-url", "--ca-cert"]);
    assert!(complete(&["seedream", "generate", "--provider", "ev"]).contains(&"evolink".to_owned()));
}

#[test]
fn each_shell_has_completions_and_each_command_a_page() {
    let workdir = Workdir::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        workdir.run(&["completions", shell], &[]).exits_with(0).stdout_contains("generate");
    }
    workdir.run(&["completions", "csh"], &[]).exits_with(2).stderr_contains("possible values");
    workdir.run(&["man", "--out", "share/man1"], &[]).exits_with(0).stderr_contains("man share/man1/seedream.1");
    let pages = workdir.names("share/man1");
    for page in ["seedream.1", "seedream-generate.1", "seedream-mock-serve.1", "seedream-config-show.1"] {
        assert!(pages.iter().any(|name| name == page), "{page}: {pages:?}");
    }
    let page = fs::read_to_string(workdir.path("share/man1/seedream-generate.1")).unwrap();
    assert!(page.starts_with(".ie") && page.contains(".TH") && page.contains("exactly"), "{}", &page[..200]);
    fs::write(workdir.path("file"), "").unwrap();
    workdir
        .run(&["man", "--out", "file/below"], &[])
        .exits_with(1)
        .stderr_contains("name a folder that can be written");
}
