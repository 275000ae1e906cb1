//! What a user reads first.

use crate::support::Place;

#[test]
fn every_command_explains_itself() {
    let place = Place::new();
    for words in
        ["", "generate", "plan", "resume", "models", "mock", "mock serve", "conformance run", "conformance mutants"]
    {
        let args: Vec<_> = words.split_whitespace().chain(["--help"]).collect();
        let ran = place.run(&args, &[]);
        ran.ends(0);
        assert_eq!(ran.stderr, "");
        insta::assert_snapshot!(format!("help {words}").trim().replace(' ', "-"), ran.stdout);
    }
}

#[test]
fn a_mistake_is_told_on_standard_error_and_ends_with_2() {
    let place = Place::new();
    for (args, told) in [
        (&["generate"][..], "<PROMPT>"),
        (&["generate", "x", "--size", "5K"], "1K, 1.5K, 2K, 3K, 4K"),
        (&["generate", "x", "--provider", "openai"], "gogogotoken"),
        (&["generate", "x", "--mock", "--base-url", "http://a"], "cannot be used with"),
        (&["generate", "x", "--deadline", "10"], "90s, 10m or 1h30m"),
        (&["generate", "x", "--mock", "--extra", "style=vivid"], "quotes"),
        (&["generate", "x", "--mock", "--size", "4K", "--tier", "2K"], "--tier 2K contradicts --size 4K"),
        (&["generate", "x", "--mock", "--image", "no-such-file.png"], "no-such-file.png"),
        (&["mock", "serve", "--host", "0.0.0.0"], "--admin-token"),
        (&["mock", "serve", "--task", "hand"], "polls=3 or time=5s"),
        (&["resume", "nothing"], "no PROVIDER:ID"),
    ] {
        let ran = place.run(args, &[]);
        ran.ends(2).says(told);
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(place.names("."), [""; 0]);
}
