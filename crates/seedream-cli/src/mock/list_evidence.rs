//! `seedream mock evidence`: the evidence for the responses.

use std::collections::BTreeMap;

use seedream_fixtures::{EvidenceKind, FactSource, RecordedExchange, exchanges};
use serde::Serialize;

use crate::{
    args::EvidenceArgs,
    console::Console,
    exit::Exit,
    failure::Failure,
    table::{Table, cell},
};

const KINDS: [(EvidenceKind, &str); 4] = [
    (EvidenceKind::Documented, "in a provider's API reference"),
    (EvidenceKind::Published, "on another public page"),
    (EvidenceKind::Observed, "in a recorded request"),
    (EvidenceKind::Derived, "inferred"),
];

#[derive(Serialize)]
struct Evidence {
    counts: BTreeMap<&'static str, BTreeMap<&'static str, usize>>,
    exchanges: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    id: &'static str,
    kind: &'static str,
    source: &'static FactSource,
}

/// Counts the exchanges by evidence, or lists them.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn evidence(args: &EvidenceArgs, console: &Console) -> Result<Exit, Failure> {
    let mut counts: BTreeMap<_, BTreeMap<_, usize>> = BTreeMap::new();
    for exchange in exchanges() {
        let kinds =
            counts.entry(exchange.provider()).or_insert_with(|| KINDS.map(|(kind, _)| (kind.as_str(), 0)).into());
        *kinds.entry(exchange.source.kind.as_str()).or_default() += 1;
    }
    if args.json {
        let line =
            |it: &'static RecordedExchange| Line { id: it.id(), kind: it.source.kind.as_str(), source: &it.source };
        console.json(&Evidence { counts, exchanges: exchanges().iter().map(line).collect() })?;
        return Ok(Exit::Ok);
    }
    console.data(&if args.list { list() } else { table(&counts) })?;
    Ok(Exit::Ok)
}

fn table(counts: &BTreeMap<&str, BTreeMap<&str, usize>>) -> String {
    let headers = KINDS.map(|(kind, _)| kind.as_str().to_uppercase());
    let mut table = Table::new(&[&["EXCHANGES OF"], headers.each_ref().map(String::as_str).as_slice()].concat());
    let row = |name: &str, of: &dyn Fn(&str) -> usize| {
        let numbers = KINDS.iter().map(|(kind, _)| of(kind.as_str()).to_string());
        std::iter::once(name.to_owned()).chain(numbers).collect()
    };
    for (provider, kinds) in counts {
        table.row(row(provider, &|kind| kinds[kind]));
    }
    table.row(row("all", &|kind| counts.values().map(|kinds| kinds[kind]).sum()));
    let meanings = KINDS.map(|(kind, meaning)| format!("{}: {meaning}", kind.as_str()));
    let (whole, printed) = example_requests();
    format!(
        "{table}\n{}. Responses without an exchange are derived from the documented rules. The mock recognizes the {whole} example requests \
         of the documents by the SHA-256 of their prompts: {printed} have a printed response, which the mock returns; the others get a \
         derived one. `seedream mock profiles` lists the relays; `mock serve --profile` puts one before a provider.",
        meanings.join(", ")
    )
}

/// The number of example requests in the documents, and of those with a printed response.
fn example_requests() -> (usize, usize) {
    let examples = || exchanges().iter().filter(|it| it.prompt_sha256.is_some() && it.response.is_some());
    (examples().count(), examples().filter(|it| it.source.kind == EvidenceKind::Documented).count())
}

fn list() -> String {
    let mut table = Table::new(&["EXCHANGE", "EVIDENCE", "SOURCE"]);
    for exchange in exchanges() {
        let FactSource { document, at, lines, url, note, .. } = &exchange.source;
        let document = document.as_ref().map(|number| format!("document {number}"));
        let lines = lines.as_ref().map(|lines| format!("lines {lines}"));
        let parts = [document, at.clone(), lines, url.clone(), note.clone()].into_iter().flatten();
        let source = parts.collect::<Vec<_>>().join(", ");
        table.row(vec![exchange.id().to_owned(), exchange.source.kind.as_str().to_owned(), cell(source)]);
    }
    table.to_string()
}
