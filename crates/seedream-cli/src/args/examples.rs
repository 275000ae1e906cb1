//! The examples at the end of each command's help.

use clap::Command;

/// What to type, by the words of the command.
pub(super) const EXAMPLES: [(&str, &[&str]); 33] = [
    ("", &["seedream generate \"a lighthouse in fog\" --mock", "seedream doctor"]),
    (
        "generate",
        &[
            "seedream generate \"a lighthouse in fog\" --provider ark --size 16:9@2K",
            "seedream generate \"the same at night\" --image day.jpg --name {slug}-{index} --open",
            "seedream generate \"a kite\" --exactly 4 --print-paths",
            "seedream generate \"a kite\" --mock",
        ],
    ),
    ("plan", &["seedream plan \"eight posters\" --provider ark --count 8 --size 4K"]),
    ("resume", &["seedream resume out", "seedream resume evolink:task-unified-1"]),
    ("batch", &["seedream batch jobs.jsonl --provider ark --budget 200images", "seedream batch jobs.csv --mock"]),
    ("jobs list", &["seedream jobs list --ledger jobs.jsonl.ledger --state unknown"]),
    ("jobs show", &["seedream jobs show kite --ledger jobs.jsonl.ledger"]),
    ("jobs resume", &["seedream jobs resume --ledger jobs.jsonl.ledger --provider ark"]),
    ("jobs resolve", &["seedream jobs resolve kite/1 --paid --ledger jobs.jsonl.ledger"]),
    ("jobs export", &["seedream jobs export --ledger jobs.jsonl.ledger"]),
    ("spend", &["seedream spend --ledger jobs.jsonl.ledger --since 2026-11-01"]),
    ("storage check", &["seedream storage check s3://team-images/lighthouses"]),
    ("models", &["seedream models --provider ark", "seedream models --live"]),
    ("config show", &["seedream config show --config-profile work"]),
    ("doctor", &["seedream doctor --provider ark"]),
    (
        "completions",
        &[
            "seedream completions bash > ~/.local/share/bash-completion/completions/seedream",
            "seedream completions fish > ~/.config/fish/completions/seedream.fish",
            "seedream completions zsh > ~/.zfunc/_seedream   # with fpath+=~/.zfunc before compinit in ~/.zshrc",
        ],
    ),
    ("man", &["seedream man --out ~/.local/share/man/man1"]),
    ("mock serve", &["seedream mock serve --port 8080", "seedream mock serve --fixtures recording --strict"]),
    (
        "mock record",
        &["seedream mock record --provider ark --upstream https://ark.example/api/v3 --budget 20 --out recording"],
    ),
    ("mock check", &["seedream mock check recording"]),
    ("mock ca", &["seedream mock ca --at https://127.0.0.1:8080 > ca.pem"]),
    ("mock health", &["seedream mock health --at http://127.0.0.1:8080"]),
    ("mock verify", &["seedream mock verify --provider ark --count 1"]),
    ("mock ctl clock", &["seedream mock ctl clock --advance 25h"]),
    ("mock ctl faults", &["seedream mock ctl faults --clear status=500"]),
    ("mock ctl tasks", &["seedream mock ctl tasks --complete"]),
    ("mock ctl settings", &["seedream mock ctl settings task=time=5s"]),
    ("mock ctl reset", &["seedream mock ctl reset journal ledger"]),
    ("conformance run", &["seedream conformance run --run decode/ark"]),
    ("conformance trace", &["seedream conformance trace"]),
    ("conformance lint", &["seedream conformance lint fixtures"]),
    ("conformance drift", &["seedream conformance drift --provider ark --document page.html"]),
    ("conformance mutants", &["seedream conformance mutants"]),
];

/// The command of these words and those below it, with their examples.
pub(super) fn with_examples(command: Command, words: &str) -> Command {
    let names: Vec<_> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let command = names.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |sub| with_examples(sub, format!("{words} {name}").trim_start()))
    });
    let Some((_, lines)) = EXAMPLES.iter().find(|(of, _)| *of == words) else { return command };
    let rest = command.get_after_help().map(|rest| format!("\n\n{rest}")).unwrap_or_default();
    let title = if lines.len() > 1 { "Examples" } else { "Example" };
    let help = format!("{title}:\n  {}{rest}", lines.join("\n  "));
    command.after_help(help)
}
