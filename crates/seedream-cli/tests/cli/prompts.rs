//! Prompts from standard input and from files.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use crate::support::{CANARY, RunResult, Upstream, Workdir};

/// Runs the binary with this standard input.
fn piped(mut command: Command, input: &[u8]) -> RunResult {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // The process may exit before it reads all of it.
    drop(child.stdin.take().unwrap().write_all(input));
    RunResult::of(child.wait_with_output().unwrap())
}

#[test]
fn the_prompt_is_read_from_standard_input_or_a_file() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let env = [("ARK_API_KEY", CANARY)];
    let rest = ["--provider", "ark", "--base-url", &base];
    std::fs::write(workdir.path("prompt.txt"), "\u{feff}a lighthouse\nin fog\r\n").unwrap();

    piped(workdir.command(&[&["generate", "-"][..], &rest].concat(), &env), b"a lighthouse\nin fog\n").exits_with(0);
    assert_eq!(upstream.sent()["prompt"], "a lighthouse\nin fog");
    piped(workdir.command(&[&["generate", "--prompt-file", "-"][..], &rest].concat(), &env), b"from a pipe")
        .exits_with(0);
    assert_eq!(upstream.sent()["prompt"], "from a pipe");
    workdir.run(&[&["generate", "--prompt-file", "prompt.txt"][..], &rest].concat(), &env).exits_with(0);
    assert_eq!(upstream.sent()["prompt"], "a lighthouse\nin fog");

    let plan = piped(workdir.command(&[&["plan", "-", "--json"][..], &rest].concat(), &env), b"two\n\n");
    assert_eq!(plan.exits_with(0).json()["plans"][0]["body"]["prompt"], "two\n");
    assert_eq!(plan.stderr, "");
    let plan = workdir.run(&[&["plan", "--prompt-file", "prompt.txt", "--json"][..], &rest].concat(), &env);
    assert_eq!(plan.exits_with(0).json()["plans"][0]["body"]["prompt"], "a lighthouse\nin fog");
    assert_eq!(upstream.count("POST"), 3);
}

#[test]
fn blank_and_non_text_prompts_are_refused_before_sending() {
    let workdir = Workdir::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let rest = ["--provider", "ark", "--base-url", &base];
    std::fs::create_dir(workdir.path("folder")).unwrap();
    for (name, content) in [("empty.txt", &b""[..]), ("blank.txt", b"\xef\xbb\xbf \t\r\n\n"), ("latin.txt", b"caf\xe9")]
    {
        std::fs::write(workdir.path(name), content).unwrap();
    }
    for command in ["generate", "plan"] {
        for (input, message) in [
            (&b""[..], "standard input: the prompt is empty"),
            (b"\n", "standard input: the prompt is empty"),
            (b" \n\t\n", "standard input: the prompt is empty"),
            (b"\xff\xfea\0", "standard input: the prompt is not UTF-8 text"),
        ] {
            piped(workdir.command(&[&[command, "-"][..], &rest].concat(), &[]), input)
                .exits_with(2)
                .stderr_contains(message);
        }
        for (file, message) in [
            ("empty.txt", "--prompt-file empty.txt: the prompt is empty"),
            ("blank.txt", "--prompt-file blank.txt: the prompt is empty"),
            ("latin.txt", "--prompt-file latin.txt: the prompt is not UTF-8 text"),
            ("none.txt", "--prompt-file none.txt: No such file"),
            ("folder", "--prompt-file folder: Is a directory"),
        ] {
            workdir
                .run(&[&[command, "--prompt-file", file][..], &rest].concat(), &[])
                .exits_with(2)
                .stderr_contains(message);
        }
        for blank in ["", " ", "\n"] {
            workdir
                .run(&[&[command, blank][..], &rest].concat(), &[])
                .exits_with(2)
                .stderr_contains("the prompt is empty");
        }
        workdir
            .run(&[&[command, "x", "--prompt-file", "empty.txt"][..], &rest].concat(), &[])
            .exits_with(2)
            .stderr_contains("cannot be used");
        workdir.run(&[&[command][..], &rest].concat(), &[]).exits_with(2).stderr_contains("PROMPT");
    }
    assert_eq!(upstream.count("POST"), 0);
}
