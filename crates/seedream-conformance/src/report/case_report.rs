//! One case in a report.

use seedream_fixtures::{FactSource, RecordedBody, RecordedExchange};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Case, Law, RequirementLevel, Subject};

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CaseStatus {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// It does not, as is known.
    KnownFailing,
    /// It holds, and is listed as known to fail: a failure.
    Stale,
    /// Nothing was to be run: the provider's document has nothing for the law, as the reason says.
    Skip,
    /// It could not be judged: the fault is the suite's or its data's.
    HarnessError,
    /// It was left out by the filter.
    NotRun,
}

impl CaseStatus {
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

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseReport {
    /// `<law>/<provider>/…`.
    pub name: String,
    /// The law.
    pub law: Law,
    /// The provider's id.
    pub provider: String,
    /// The area of its exchange, or the model.
    pub area: String,
    /// How much it weighs.
    pub level: RequirementLevel,
    /// How it ended.
    pub status: CaseStatus,
    /// Why it is known to fail, or was skipped.
    pub reason: Option<String>,
    /// What differs.
    pub differences: Vec<String>,
    /// Where the fact stands.
    pub source: Option<FactSource>,
    /// The rules of the document that it shows.
    pub rules: Vec<RuleQuote>,
    /// Request and response, where the case is about an exchange: `{"request": …, "response": …}`.
    pub exchange: Option<Value>,
    /// The exchange as a shell command, with the key in a variable.
    pub curl: Option<String>,
    /// The command that runs this case alone.
    pub command: String,
}

/// A rule of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleQuote {
    /// Its name.
    pub id: String,
    /// The number of the document.
    pub document: String,
    /// The lines that state it.
    pub lines: String,
    /// What it says, in our words.
    pub says: String,
}

impl CaseReport {
    pub(crate) fn new(case: &Case, subject: &Subject, again: &str) -> Self {
        let quote = |rule: &&'static seedream_fixtures::DocumentRule| RuleQuote {
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
            status: CaseStatus::NotRun,
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

    /// The lines about a case that does not hold: what differs from which rule, the exchange, and how to see it again.
    pub(super) fn told(&self) -> Vec<String> {
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
