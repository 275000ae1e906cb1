//! What a run found: the JSON is the source, everything that people read is made from it.

mod html;
mod junit;
mod table;

use std::collections::BTreeMap;

use seedream_fixtures::{EvidenceKind, FactSource, RecordedBody, RecordedExchange};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Case, Law, Level, Subject};

/// What a run found. Equal runs have equal reports: nothing in it is a time or a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The form of this report.
    pub schema: String,
    /// The name of the requirements.
    pub requirements: String,
    /// The pattern that chose the cases; such a report is partial.
    pub filter: Option<String>,
    /// How many cases ended in each way.
    pub counts: BTreeMap<Status, usize>,
    /// How sure the facts are that the cases are about, by the number of cases.
    pub facts: BTreeMap<String, usize>,
    /// What is wrong with the run itself: cases that are missing, and entries of the known failures that do not hold.
    pub faults: Vec<Fault>,
    /// The cases, in the order of their names.
    pub cases: Vec<Entry>,
}

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Status {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// It does not, as is known.
    KnownFailing,
    /// It holds, and is listed as known to fail: a failure.
    Stale,
    /// Nothing was to be run: the provider's document gives the law no ground, as the reason says.
    Skip,
    /// It could not be judged: the fault is the suite's or its data's.
    HarnessError,
    /// It was left out by the filter.
    NotRun,
}

impl Status {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::KnownFailing => "known-failing",
            Self::Stale => "stale",
            Self::Skip => "skip",
            Self::HarnessError => "harness-error",
            Self::NotRun => "not-run",
        }
    }
}

/// What is wrong with a run itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// An entry of the known failures has run out, or fits no case.
    Known(String),
    /// Fewer cases ran than the requirements want.
    TooFew(String),
}

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// `<law>/<provider>/…`.
    pub name: String,
    /// The law.
    pub law: Law,
    /// The provider's id.
    pub provider: String,
    /// The area of its exchange, or the model.
    pub area: String,
    /// How much it weighs.
    pub level: Level,
    /// How it ended.
    pub status: Status,
    /// Why it is known to fail, or was skipped.
    pub reason: Option<String>,
    /// What differs.
    pub differences: Vec<String>,
    /// Where the fact stands.
    pub source: Option<FactSource>,
    /// The rules of the document that it shows.
    pub rules: Vec<Quote>,
    /// What is sent and answered, where the case is about an exchange: `{"request": …, "response": …}`.
    pub exchange: Option<Value>,
    /// The exchange as a shell command, with the key in a variable.
    pub curl: Option<String>,
    /// The command that runs this case alone.
    pub command: String,
}

/// A rule of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// Its name.
    pub id: String,
    /// The number of the document.
    pub document: String,
    /// The lines that state it.
    pub lines: String,
    /// What it says, in our words.
    pub says: String,
}

impl Report {
    /// The report as JSON.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The report as a table for a terminal, with every failure below it.
    pub fn to_table(&self) -> String {
        table::table(self)
    }

    /// The report as JUnit XML.
    pub fn to_junit(&self) -> String {
        junit::junit(self)
    }

    /// The report as one HTML file, with a page a case, that loads nothing.
    pub fn to_html(&self) -> String {
        html::html(self)
    }

    /// How many cases ended in one way.
    pub fn count(&self, status: Status) -> usize {
        self.counts.get(&status).copied().unwrap_or(0)
    }

    /// What the command ends with: 0 if all is well, 1 where a case that gates fails or is stale, or a known failure does not
    /// hold, 3 where a case could not be judged, 4 where nothing or too little ran.
    pub fn exit_code(&self) -> u8 {
        let gates = |entry: &Entry| match entry.status {
            // Nobody is held to our own conclusions.
            Status::Fail => entry.level != Level::May,
            Status::Stale => true,
            _ => false,
        };
        let known = self.faults.iter().any(|fault| matches!(fault, Fault::Known(_)));
        if known || self.cases.iter().any(gates) {
            return 1;
        }
        if self.count(Status::HarnessError) > 0 {
            return 3;
        }
        let ran = self.cases.iter().any(|entry| !matches!(entry.status, Status::NotRun | Status::Skip));
        if !ran || self.faults.iter().any(|fault| matches!(fault, Fault::TooFew(_))) { 4 } else { 0 }
    }
}

impl Entry {
    pub(crate) fn new(case: &Case, subject: &Subject, again: &str) -> Self {
        let quote = |rule: &&'static seedream_fixtures::DocumentRule| Quote {
            id: rule.id.clone(),
            document: subject.provider().map(|provider| provider.document.id.clone()).unwrap_or_default(),
            lines: rule.lines.clone(),
            says: rule.says.clone(),
        };
        let name = case.name();
        Self {
            law: case.law(),
            provider: case.provider().to_owned(),
            area: case.area().to_owned(),
            level: case.level(),
            status: Status::NotRun,
            reason: None,
            differences: Vec::new(),
            source: case.source().cloned(),
            rules: case.rules().iter().map(quote).collect(),
            exchange: case.exchange().map(shown),
            curl: case.exchange().and_then(|exchange| curl(exchange, subject)),
            command: format!("seedream conformance run{again} --run '{name}'"),
            name,
        }
    }

    /// Everything that is told of a case that does not hold: what differs from which rule, the exchange, and how to see it again.
    fn told(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.differences.iter().chain(&self.reason).cloned().collect();
        for side in ["request", "response"] {
            let shown = self.exchange.as_ref().map(|exchange| &exchange[side]).filter(|side| !side.is_null());
            lines.extend(shown.map(|shown| format!("{side:8} {shown}")));
        }
        lines.extend(self.curl.as_ref().map(|curl| format!("try it   {curl}")));
        lines.push(format!("again    {}", self.command));
        lines
    }
}

/// How sure a fact is, for the counts; a law needs no fact.
pub(crate) fn kind(source: Option<&FactSource>) -> &'static str {
    source.map_or("law", |source| EvidenceKind::as_str(source.kind))
}

/// An exchange as its document shows it.
fn shown(exchange: &RecordedExchange) -> Value {
    let request = exchange.request.as_ref().map(|request| {
        json!({ "method": request.method, "path": request.path, "headers": request.headers, "json": request.json_value() })
    });
    let response = exchange.response.as_ref().map(|response| {
        let body = match &response.body {
            RecordedBody::Json(raw) => json!({ "json": serde_json::from_str::<Value>(raw.get()).unwrap_or_default() }),
            RecordedBody::Text(text) => json!({ "text": text }),
            RecordedBody::Base64(text) => json!({ "base64": text }),
            RecordedBody::Sse(text) => json!({ "sse": text }),
        };
        json!({ "status": response.status, "headers": response.headers, "body": body })
    });
    json!({ "given": exchange.given, "request": request, "response": response })
}

/// The request of an exchange as a shell command.
fn curl(exchange: &RecordedExchange, subject: &Subject) -> Option<String> {
    let request = exchange.request.as_ref()?;
    let base = subject.provider()?.base_urls.first()?;
    let host = base.split('/').take(3).collect::<Vec<_>>().join("/");
    let mut command = format!("curl -X {} '{host}{}' -H \"Authorization: Bearer $KEY\"", request.method, request.path);
    if let Some(json) = &request.json {
        let body = json.get().replace('\'', r"'\''");
        command.push_str(&format!(" -H 'Content-Type: application/json' -d '{body}'"));
    }
    Some(command)
}

#[cfg(test)]
mod tests {
    use seedream_fixtures::EvidenceKind;

    use super::*;

    fn report(level: Level, status: Status) -> Report {
        let source = FactSource {
            document: Some("003".into()),
            at: None,
            lines: Some("15".into()),
            kind: EvidenceKind::Documented,
            url: None,
            note: None,
            read: None,
        };
        let quote = Quote { id: "003-size".into(), document: "003".into(), lines: "15".into(), says: "2K".into() };
        let entry = Entry {
            name: "encode/ark/generate/x".into(),
            law: Law::Encode,
            provider: "ark".into(),
            area: "generate".into(),
            level,
            status,
            reason: None,
            differences: vec!["body/size: expected \"2K\", saw \"4K\"".into(), "the rule 003-size: 2K <&>".into()],
            source: Some(source),
            rules: vec![quote],
            exchange: Some(json!({ "given": null, "request": {"method": "POST"}, "response": {"status": 200} })),
            curl: Some("curl -X POST 'https://a.example'".into()),
            command: "seedream conformance run --run 'encode/ark/generate/x'".into(),
        };
        Report {
            schema: "seedream-conformance/1".into(),
            requirements: "2026-11".into(),
            filter: None,
            counts: BTreeMap::from([(status, 1)]),
            facts: BTreeMap::from([("documented".into(), 1)]),
            faults: Vec::new(),
            cases: vec![entry],
        }
    }

    #[test]
    fn a_failure_shows_the_pointer_the_rule_the_exchange_and_how_to_see_it_again() {
        let report = report(Level::Must, Status::Fail);
        let shown = [
            "body/size: expected \"2K\", saw \"4K\"",
            "the rule 003-size",
            r#"request  {"method":"POST"}"#,
            r#"response {"status":200}"#,
            "curl -X POST 'https://a.example'",
            "seedream conformance run --run 'encode/ark/generate/x'",
        ];
        let junit = report.to_junit().replace("&quot;", "\"").replace("&apos;", "'");
        for text in [report.to_table(), junit] {
            for shown in shown {
                assert!(text.contains(shown), "{shown} is missing in {text}");
            }
        }
    }

    #[test]
    fn what_gates_nothing_is_no_failure_for_machines_either() {
        let failures = |level| report(level, Status::Fail).to_junit().matches("<failure").count();
        assert_eq!((failures(Level::Must), failures(Level::Should), failures(Level::May)), (1, 1, 0));
    }
}
