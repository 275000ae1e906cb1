//! Prompts from standard input and from files.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use crate::support::{CANARY, Place, Ran, Upstream};

/// Runs the binary with this on its standard input.
fn piped(mut command: Command, input: &[u8]) -> Ran {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // It may end without having read all of it.
    drop(child.stdin.take().unwrap().write_all(input));
    Ran::of(child.wait_with_output().unwrap())
}

#[test]
fn the_prompt_is_read_from_standard_input_or_a_file() {
    let place = Place::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let env = [("ARK_API_KEY", CANARY)];
    let rest = ["--provider", "ark", "--base-url", &base];
    std::fs::write(place.path("prompt.txt"), "\u{feff}a lighthouse\nin fog\r\n").unwrap();

    piped(place.command(&[&["generate", "-"][..], &rest].concat(), &env), b"a lighthouse\nin fog\n").ends(0);
    assert_eq!(upstream.sent()["prompt"], "a lighthouse\nin fog");
    piped(place.command(&[&["generate", "--prompt-file", "-"][..], &rest].concat(), &env), b"from a pipe").ends(0);
    assert_eq!(upstream.sent()["prompt"], "from a pipe");
    place.run(&[&["generate", "--prompt-file", "prompt.txt"][..], &rest].concat(), &env).ends(0);
    assert_eq!(upstream.sent()["prompt"], "a lighthouse\nin fog");

    let plan = piped(place.command(&[&["plan", "-", "--json"][..], &rest].concat(), &env), b"two\n\n");
    assert_eq!(plan.ends(0).json()["plans"][0]["body"]["prompt"], "two\n");
    assert_eq!(plan.stderr, "");
    let plan = place.run(&[&["plan", "--prompt-file", "prompt.txt", "--json"][..], &rest].concat(), &env);
    assert_eq!(plan.ends(0).json()["plans"][0]["body"]["prompt"], "a lighthouse\nin fog");
    assert_eq!(upstream.count("POST"), 3);
}

#[test]
fn what_says_nothing_or_is_no_text_is_refused_before_anything_is_sent() {
    let place = Place::new();
    let upstream = Upstream::start();
    let base = upstream.base("ark");
    let rest = ["--provider", "ark", "--base-url", &base];
    std::fs::create_dir(place.path("folder")).unwrap();
    for (name, content) in [("empty.txt", &b""[..]), ("blank.txt", b"\xef\xbb\xbf \t\r\n\n"), ("latin.txt", b"caf\xe9")]
    {
        std::fs::write(place.path(name), content).unwrap();
    }
    for command in ["generate", "plan"] {
        for (input, told) in [
            (&b""[..], "standard input: the prompt is empty"),
            (b"\n", "standard input: the prompt is empty"),
            (b" \n\t\n", "standard input: the prompt is empty"),
            (b"\xff\xfea\0", "standard input: this is not UTF-8 text"),
        ] {
            piped(place.command(&[&[command, "-"][..], &rest].concat(), &[]), input).ends(2).says(told);
        }
        for (file, told) in [
            ("empty.txt", "--prompt-file empty.txt: the prompt is empty"),
            ("blank.txt", "--prompt-file blank.txt: the prompt is empty"),
            ("latin.txt", "--prompt-file latin.txt: this is not UTF-8 text"),
            ("none.txt", "--prompt-file none.txt: No such file"),
            ("folder", "--prompt-file folder: Is a directory"),
        ] {
            place.run(&[&[command, "--prompt-file", file][..], &rest].concat(), &[]).ends(2).says(told);
        }
        for blank in ["", " ", "\n"] {
            place.run(&[&[command, blank][..], &rest].concat(), &[]).ends(2).says("the prompt is empty");
        }
        place
            .run(&[&[command, "x", "--prompt-file", "empty.txt"][..], &rest].concat(), &[])
            .ends(2)
            .says("cannot be used");
        place.run(&[&[command][..], &rest].concat(), &[]).ends(2).says("PROMPT");
    }
    assert_eq!(upstream.count("POST"), 0);
}
