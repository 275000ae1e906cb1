//! A request encodes to the documented one, without an undocumented member: a create with its body, a poll and a list of models with
//! their whole path.

use bytes::Bytes;
use http::Request;
use seedream_core::{Dialect, Strictness, TaskId};
use seedream_fixtures::{
    ExpectedPreflight, OperationKind, ProviderFacts, RecordedExchange, RecordedRequest, RouteName,
};
use serde_json::Value;

use crate::{Case, CaseFailure, Law, Subject, fixture::convert_exchange, harness::difference::Differences};

pub(crate) fn cases(subject: &Subject) -> Vec<Case> {
    let provider = subject.provider();
    let of = |case: &'static RecordedExchange| {
        let (dialect, provider) = (subject.dialect().clone(), subject.provider());
        Case::of(Law::Encode, subject, case, move || match case.operation {
            OperationKind::Create => check(&*dialect, provider, case),
            _ => check_path(&*dialect, provider, case),
        })
    };
    subject.exchanges().filter(|case| is_sent(case, provider)).map(of).collect()
}

/// Whether a fixture shows a request of ours and its form on the wire.
fn is_sent(case: &RecordedExchange, provider: Option<&ProviderFacts>) -> bool {
    let Some(request) = &case.request else { return false };
    let named = |name| provider.is_some_and(|provider| provider.route(name, &request.path).is_some());
    match case.operation {
        OperationKind::Create => {
            case.given.is_some() && request.json.is_some() && case.preflight != Some(ExpectedPreflight::Refused)
        }
        // An id that no adapter may send is the subject of the law `tasks`.
        OperationKind::Poll => named(RouteName::Task) && provider.is_some_and(|p| task_id(p, &request.path).is_some()),
        OperationKind::Models => named(RouteName::Models),
        OperationKind::Credits | OperationKind::Callback | OperationKind::Other => false,
    }
}

fn check(dialect: &dyn Dialect, provider: Option<&ProviderFacts>, case: &RecordedExchange) -> Result<(), CaseFailure> {
    let Some(request) = convert_exchange::given(case).transpose()? else {
        return Err(CaseFailure::harness("the fixture has no `given`"));
    };
    let Some(wire) = &case.request else { return Err(CaseFailure::harness("the fixture has no request")) };
    let checked = dialect
        .capabilities(&request.model)
        .check(&request, Strictness::Strict)
        .map_err(|error| CaseFailure::new(format!("is refused: {error}")))?;
    let encoded = dialect.encode(&checked).map_err(|error| CaseFailure::new(format!("cannot be encoded: {error}")))?;

    let mut d = Differences::default();
    same_target(&mut d, provider, RouteName::Create, wire, &encoded);
    let body: Value = serde_json::from_slice(encoded.body()).unwrap_or_default();
    d.json("body", &wire.json_value().unwrap_or_default(), &body);
    if let Some(provider) = provider {
        for member in undocumented(provider, &body) {
            let named = request.extra.contains_key(&member);
            d.holds(named, || format!("body.{member}: the document knows no such member"));
        }
    }
    d.into_result()
}

/// A request without a body: a poll of the task whose id is in the path, or a list of models.
fn check_path(
    dialect: &dyn Dialect,
    provider: Option<&ProviderFacts>,
    case: &RecordedExchange,
) -> Result<(), CaseFailure> {
    let missing = |what: &str| CaseFailure::new(format!("the document has {what}, the adapter has none"));
    let Some(wire) = &case.request else { return Err(CaseFailure::harness("the fixture has no request")) };
    let (name, encoded) = if case.operation == OperationKind::Poll {
        let id = provider.and_then(|provider| task_id(provider, &wire.path));
        let id = id.ok_or_else(|| CaseFailure::harness("the fixture's path has no task id"))?;
        let mut task = convert_exchange::task(dialect)?;
        task.id = id;
        let poll = dialect.tasks().ok_or_else(|| missing("tasks"))?.poll(&task);
        (RouteName::Task, poll.map_err(|error| CaseFailure::new(format!("cannot be polled: {error}")))?)
    } else {
        (RouteName::Models, dialect.catalog().ok_or_else(|| missing("a list of models"))?.models_request())
    };
    let mut d = Differences::default();
    same_target(&mut d, provider, name, wire, &encoded);
    d.into_result()
}

/// Compares method, path and query.
fn same_target(
    d: &mut Differences,
    provider: Option<&ProviderFacts>,
    name: RouteName,
    wire: &RecordedRequest,
    encoded: &Request<Bytes>,
) {
    d.same("method", &wire.method.as_str(), &encoded.method().as_str());
    let Some(provider) = provider else { return };
    let path = encoded.uri().path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    d.same("path below the base URL", &below_base(provider, name, &wire.path), &path);
}

/// What of a documented path stands below the base URL. A path of another host is that of the provider's own route.
fn below_base<'a>(provider: &'a ProviderFacts, name: RouteName, path: &'a str) -> &'a str {
    let below = |path: &'a str| {
        let bases = provider.base_paths();
        bases.filter_map(|base| path.strip_prefix(base)).find(|rest| rest.starts_with('/'))
    };
    let own = provider.routes.iter().filter(|route| route.name == name).find_map(|route| below(&route.path));
    below(path).or(own).unwrap_or(path)
}

/// The task of the path of a poll; `None` where its id is none that an adapter sends.
fn task_id(provider: &ProviderFacts, path: &str) -> Option<TaskId> {
    TaskId::new(provider.route(RouteName::Task, path)?.id(path)?).ok()
}

/// The members of a body that the document does not know.
fn undocumented(provider: &ProviderFacts, body: &Value) -> Vec<String> {
    let Some(members) = body.as_object() else { return Vec::new() };
    let known =
        |name: &String| provider.fields.iter().any(|field| field.name == *name) || provider.ignored.contains(name);
    members.keys().filter(|name| !known(name)).cloned().collect()
}
