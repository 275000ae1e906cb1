//! The examples at the end of each command's help.

use clap::{Command, CommandFactory as _};

use super::Cli;

/// What to type, by the words of the command.
const EXAMPLES: [(&str, &[&str]); 22] = [
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
    ("conformance run", &["seedream conformance run --run decode/ark"]),
    ("conformance trace", &["seedream conformance trace"]),
    ("conformance lint", &["seedream conformance lint fixtures"]),
    ("conformance drift", &["seedream conformance drift --provider ark --document page.html"]),
    ("conformance mutants", &["seedream conformance mutants"]),
];

/// The command line with its examples.
pub(crate) fn command() -> Command {
    with_examples(Cli::command(), "")
}

fn with_examples(command: Command, words: &str) -> Command {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a line, as a shell reads them: up to a redirection or a comment.
    fn words(line: &str) -> Vec<&str> {
        let parts = line.split('"').enumerate();
        let words = parts.flat_map(
            |(number, part)| {
                if number % 2 == 1 { vec![part] } else { part.split_whitespace().collect() }
            },
        );
        words.take_while(|word| !matches!(*word, ">" | "#")).collect()
    }

    fn commands(command: &Command, words: &str, found: &mut Vec<String>) {
        for sub in command.get_subcommands() {
            let words = format!("{words} {}", sub.get_name()).trim_start().to_owned();
            if sub.has_subcommands() { commands(sub, &words, found) } else { found.push(words) }
        }
    }

    #[test]
    fn each_command_has_an_example_that_is_accepted() {
        for line in EXAMPLES
            .iter()
            .flat_map(|(_, lines)| *lines)
            .filter(|line| cfg!(feature = "storage") || !line.contains("s3:"))
        {
            let parsed = command().try_get_matches_from(words(line));
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
        }
        let mut all = Vec::new();
        commands(&command(), "", &mut all);
        // Those of the mock stand in its guide.
        all.retain(|words| !words.starts_with("mock "));
        let without: Vec<_> = all.iter().filter(|words| EXAMPLES.iter().all(|(of, _)| of != words)).collect();
        assert!(without.is_empty(), "{without:?}");
    }
}
