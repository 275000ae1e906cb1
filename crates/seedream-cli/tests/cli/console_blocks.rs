//! The console blocks of a document: commands, and what they print.

use crate::support::Workdir;

/// The fenced blocks of a language.
pub(crate) fn blocks<'t>(document: &'t str, language: &str) -> Vec<&'t str> {
    let fence = format!("```{language}\n");
    let parts = document.split(fence.as_str()).skip(1);
    parts.map(|rest| &rest[..rest.find("```").expect("a block ends")]).collect()
}

/// A command of a console block, its exit code, and the lines of its output.
pub(crate) struct Shown<'t> {
    pub(crate) args: Vec<String>,
    code: i32,
    pub(crate) output: Vec<&'t str>,
}

/// The `seedream` commands of a document, without `cargo test`.
pub(crate) fn shown(document: &str) -> Vec<Shown<'_>> {
    let mut all: Vec<Shown<'_>> = Vec::new();
    let mut ours = false;
    for line in blocks(document, "console").into_iter().flat_map(str::lines) {
        let Some(command) = line.strip_prefix("$ ") else {
            if let Some(last) = all.last_mut().filter(|_| ours) {
                last.output.push(line);
            }
            continue;
        };
        let (command, code) = command.split_once(" # exit ").unwrap_or((command, "0"));
        let binary = ["cargo run --release -- ", "seedream "].iter().find_map(|name| command.strip_prefix(name));
        ours = binary.is_some();
        if let Some(args) = binary {
            all.push(Shown { args: words(args), code: code.parse().unwrap(), output: Vec::new() });
        }
    }
    all
}

/// Splits a line into words, with single and double quotes as in a shell.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, ' ') => words.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// A line with its durations and days replaced.
fn steady(line: &str) -> String {
    let is_time = |word: &str| word.strip_suffix('s').is_some_and(|number| number.parse::<f64>().is_ok());
    let is_day = |word: &str| word.len() == 10 && word.split('-').map(str::len).eq([4, 2, 2]);
    let steady = |word| {
        if is_time(word) {
            "TIME"
        } else if is_day(word) {
            "DAY"
        } else {
            word
        }
    };
    line.split_whitespace().map(steady).collect::<Vec<_>>().join(" ")
}

impl Shown<'_> {
    /// Runs it, and finds what is shown in what it prints, in this order; `…` stands for anything.
    pub(crate) fn runs(&self, workdir: &Workdir, env: &[(&str, &str)]) {
        let args: Vec<_> = self.args.iter().map(String::as_str).collect();
        let ran = workdir.run(&args, env);
        ran.exits_with(self.code);
        let printed: Vec<_> = ran.stdout.lines().chain(ran.stderr.lines()).map(steady).collect();
        let mut rest = printed.iter();
        for line in self.output.iter().filter(|line| **line != "…") {
            let line = steady(line);
            assert!(rest.any(|printed| *printed == line), "{args:?} does not print, in order: {line}\n{ran:#?}");
        }
    }
}
