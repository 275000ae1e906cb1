//! What the five documents print: each example request is what `plan` makes, each printed response is what the mock gives to it, and
//! each row of their tables holds, by the line in which it stands (`fixtures/<provider>/printed.json`).

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, fmt::Debug, process::ExitCode, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use libtest_mimic::{Arguments, Failed, Trial};
use seedream::seedream_core::{Capabilities, Checked, Dialect, Response, StatedBy, Timestamp};
use seedream::{Charge, Client, Error, ErrorKind, ImageProvider as _, ImageRequest, Plan, Strictness};
use seedream_fixtures::{FixtureLibrary, PrintedRow, PrintedTable, RecordedBody, RecordedExchange};
use seedream_mock::MockServer;
use serde_json::{Map, Value, json};

type Outcome = Result<(), Failed>;

fn main() -> ExitCode {
    let mut trials = vec![Trial::test("every document is whole", whole)];
    for document in documents() {
        for (at, row) in document.rows.iter().enumerate() {
            let (document, id) = (document.clone(), document.id());
            let name = format!("{id}/{}/{}/{at}", row.table, row.lines);
            trials.push(Trial::test(name, move || document.check(row)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn documents() -> impl Iterator<Item = Document> {
    seedream::dialects().into_iter().map(Document::new)
}

/// Nine examples with nine prompts, 24 sizes, and no table without a row.
fn whole() -> Outcome {
    let mut rows: BTreeMap<(String, PrintedTable), usize> = BTreeMap::new();
    let mut prompts = Vec::new();
    for document in documents() {
        let id = document.id();
        for row in document.rows {
            *rows.entry((id.clone(), row.table)).or_default() += 1;
            prompts.extend(row.prompt_sha256.clone());
        }
    }
    let of = |table| rows.iter().filter(move |((_, of), _)| *of == table);
    let examples: Vec<_> = of(PrintedTable::Examples).map(|((id, _), count)| (id.as_str(), *count)).collect();
    let expected = vec![("aiearth", 4), ("ark", 1), ("evolink", 1), ("gogogotoken", 2), ("opeai", 1)];
    same("examples", &expected, &examples)?;
    prompts.sort();
    prompts.dedup();
    same("prompts", &9, &prompts.len())?;
    // Each of the 24 as it is printed and by its name, and the three tiers.
    same("sizes of opeai", &51, &rows[&("opeai".to_owned(), PrintedTable::Sizes)])?;
    same("documents with a table of errors", &3, &of(PrintedTable::Errors).count())?;
    same("documents with fields", &5, &of(PrintedTable::Fields).count())?;
    same("documents with limits", &5, &of(PrintedTable::Limits).count())
}

/// An adapter and what its document prints.
#[derive(Clone)]
struct Document {
    dialect: Arc<dyn Dialect>,
    rows: &'static [PrintedRow],
}

impl Document {
    fn new(dialect: Arc<dyn Dialect>) -> Self {
        let rows = seedream_fixtures::printed(&dialect.descriptor().id);
        Self { dialect, rows }
    }

    fn id(&self) -> String {
        self.dialect.descriptor().id.to_string()
    }

    fn check(&self, row: &PrintedRow) -> Outcome {
        match (&row.prompt_sha256, row.status, &row.reads) {
            (Some(hash), ..) => self.example(row, hash),
            (_, Some(status), _) => self.error(row, status),
            (.., Some(at)) => self.member(row, at),
            _ => self.request(row),
        }
    }

    /// `plan` makes the printed body, and the mock gives the printed response to it.
    fn example(&self, row: &PrintedRow, hash: &str) -> Outcome {
        let exchange = self.exchange(row)?;
        same("prompt_sha256", &Some(hash), &exchange.prompt_sha256.as_deref())?;
        let given: ImageRequest = serde_json::from_value(exchange.given.clone().unwrap())?;
        let body = exchange.request.as_ref().unwrap().json_value().unwrap();
        same("body", &body, &body_of(&self.plan(&given)?)?)?;

        let path = format!("/{}{}", exchange.provider(), exchange.request.as_ref().unwrap().path);
        let request = http::Request::post(path)
            .header("authorization", "Bearer sk-any")
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))?;
        let example = MockServer::builder().engine().handle(std::time::SystemTime::now(), &request);
        same("status", &200, &example.status)?;
        let evidence = if row.response_lines.is_some() { "documented" } else { "derived" };
        same("evidence", &Some(evidence), &example.header("x-mock-evidence"))?;
        if row.response_lines.is_some() {
            let Some(RecordedBody::Json(printed)) = exchange.response.as_ref().map(|response| &response.body) else {
                return Err("the fixture has no response".into());
            };
            let printed: Value = serde_json::from_str(printed.get())?;
            let given: Value = serde_json::from_slice(&example.body())?;
            // URLs, ids and times are live: what they are is the same, and so is every number beside them. How long a task is
            // expected to take follows the mock's own pace, except for the document's own prompt.
            same("response", &stable(&printed), &stable(&given))?;
        }
        Ok(())
    }

    /// The status is read as what the table says it means, with its advice.
    fn error(&self, row: &PrintedRow, status: u16) -> Outcome {
        let body = row.body.clone().unwrap_or_else(|| json!({"error": {"message": "see the table", "code": ""}}));
        let response =
            Response::new(StatusCode::from_u16(status)?, HeaderMap::new(), body.to_string(), Timestamp::now());
        let error = self.dialect.decode(&self.checked(&self.plain())?, &response).unwrap_err();
        same("kind", &row.kind.as_deref(), &Some(error.kind().as_str()))?;
        let charge = if row.charge.as_deref() == Some("no") { Charge::No } else { Charge::Unknown };
        same("charge", &charge, &error.charge())?;
        let advice = error.advice().unwrap_or_default();
        holds(row.advice.as_ref().is_none_or(|words| advice.contains(words)), || format!("advice: {advice:?}"))
    }

    /// Another value of a member of the response changes what is read.
    fn member(&self, row: &PrintedRow, at: &str) -> Outcome {
        let exchange = self.exchange(row)?;
        let Some(RecordedBody::Json(printed)) = exchange.response.as_ref().map(|recorded| &recorded.body) else {
            return Err("the fixture has no response".into());
        };
        let mut body: Value = serde_json::from_str(printed.get())?;
        let checked = self.checked(&self.plain())?;
        let read = |body: &Value| {
            let response = Response::new(StatusCode::OK, HeaderMap::new(), body.to_string(), Timestamp::UNIX_EPOCH);
            let outcome = self.dialect.decode(&checked, &response);
            // What was read, without the response itself.
            outcome.map(|outcome| format!("{outcome:?}")).map_err(|error| error.to_string())
        };
        let before = read(&body);
        let member = body.pointer_mut(at).ok_or_else(|| format!("the response has no {at}"))?;
        *member = match &member {
            Value::String(_) if at.ends_with("b64_json") => json!("iVBORw0KGgo="),
            Value::String(text) => json!(format!("{text}9")),
            Value::Number(number) => json!(number.as_f64().unwrap_or(0.0) + 1.0),
            Value::Bool(flag) => json!(!*flag),
            other => return Err(format!("{at} is {other}").into()),
        };
        holds(read(&body) != before, || format!("{at} is not read"))
    }

    /// A request is refused, warned about, or sent with the members that the row names.
    fn request(&self, row: &PrintedRow) -> Outcome {
        let mut request = serde_json::to_value(self.plain())?;
        for (name, value) in row.request.as_ref().ok_or("the row says nothing")? {
            request[name] = written_out(value);
        }
        let request: ImageRequest = serde_json::from_value(request)?;
        let planned = self.rules(&request, row.relay).check(&request, Strictness::Strict);
        if let Some(field) = &row.refuses {
            return refused(row, field, planned);
        }
        let checked = planned?;
        let told: Vec<_> = checked.warnings().iter().map(|warning| warning.message.as_str()).collect();
        if let Some(words) = &row.warns {
            holds(told.iter().any(|told| told.contains(words.as_str())), || format!("warnings: {told:?}"))?;
        }
        let plan = self.plan(&request)?;
        let sent = body_of(&plan)?;
        contains("body", &row.writes, sent.as_object().unwrap())?;
        contains("effective", &row.effective, &plan.effective)?;
        row.most.map_or(Ok(()), |most| same("most images", &most, &plan.max_images))
    }

    fn exchange(&self, row: &PrintedRow) -> Result<&'static RecordedExchange, Failed> {
        let id = format!("{}/{}", self.dialect.descriptor().id, row.exchange.as_deref().unwrap_or_default());
        let library: &FixtureLibrary = seedream_fixtures::library();
        library.exchange(&id).ok_or_else(|| format!("there is no {id}").into())
    }

    fn plain(&self) -> ImageRequest {
        ImageRequest::new(&self.dialect.descriptor().default_model, "a kite over a harbour")
    }

    fn rules(&self, request: &ImageRequest, relay: bool) -> Capabilities {
        let mut rules = self.dialect.capabilities(&request.model);
        rules.relay = relay;
        rules
    }

    fn checked(&self, request: &ImageRequest) -> Result<Checked, Error> {
        self.rules(request, false).check(request, Strictness::Strict)
    }

    fn plan(&self, request: &ImageRequest) -> Result<Plan, Error> {
        Client::builder(self.dialect.clone()).key("sk-any").build()?.plan(request)
    }
}

/// Refused for this field by the provider's own page, with the nearest legal value.
fn refused(row: &PrintedRow, field: &str, planned: Result<Checked, Error>) -> Outcome {
    let Err(error) = planned else { return Err("it is not refused".into()) };
    same("kind", &ErrorKind::InvalidRequest, &error.kind())?;
    let list = error.violations();
    let violation = list.iter().find(|violation| violation.field.to_string() == field);
    let violation = violation.ok_or_else(|| format!("violations: {list:?}"))?;
    same("stated by", &StatedBy::Seller, &violation.stated_by)?;
    same("nearest", &row.nearest, &violation.nearest.as_ref().map(ToString::to_string))
}

/// `{"repeat": "x", "times": 3, "after": "y"}` stands for `yxxx`.
fn written_out(value: &Value) -> Value {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    match value.get("times").and_then(Value::as_u64) {
        Some(times) => json!(format!("{}{}", text("after"), text("repeat").repeat(usize::try_from(times).unwrap()))),
        None => value.clone(),
    }
}

fn body_of(plan: &Plan) -> Result<Value, serde_json::Error> {
    serde_json::from_str(plan.body.get())
}

/// A response without what differs from run to run.
fn stable(body: &Value) -> Value {
    match body {
        Value::Object(members) => {
            let mut kept = Map::new();
            for (name, value) in members {
                let live = matches!(name.as_str(), "created" | "url" | "id" | "estimated_time");
                kept.insert(name.clone(), if live { json!(value.is_string()) } else { stable(value) });
            }
            kept.into()
        }
        Value::Array(items) => items.iter().map(stable).collect(),
        other => other.clone(),
    }
}

fn contains(what: &str, expected: &Map<String, Value>, seen: &Map<String, Value>) -> Outcome {
    for (name, value) in expected {
        same(&format!("{what}.{name}"), &Some(value), &seen.get(name))?;
    }
    Ok(())
}

fn same<T: PartialEq + Debug>(what: &str, expected: &T, seen: &T) -> Outcome {
    holds(expected == seen, || format!("{what}: expected {expected:?}, saw {seen:?}"))
}

fn holds(holds: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}
