//! Creating pictures by the provider's rules, where no documented exchange is equal.

use std::borrow::Cow;

use http::{HeaderMap, header};
use seedream_fixtures::{Cause, Kind, ReplyFamily, Role, RouteName};

use super::answer::Answer;
use super::ask::Ask;
use super::call::Call;
use super::members::{self, Object};
use super::normalise::{self, Effective};
use super::problem::Fill;
use super::reply::{self, Item};
use super::rules::{self, Strictness, Violation};
use super::said::Said;
use super::script::Chunk;
use super::settings::Validate;
use super::{items, stream, task};
use crate::fault::{BodyFault, Fault, Refusal, SseFault};

/// Answers a request for pictures.
pub(crate) fn create(call: &Call<'_>) -> Answer {
    let Some(body) = call.object() else {
        let detail = "the request body must be a JSON object.";
        let fill = Fill { field: "body", detail, ..Fill::default() };
        let violations = vec![format!("body: json: {detail}")];
        return Answer { violations, ..call.problem(Cause::Invalid, &fill).into() };
    };
    let (relayed, lost) = call.relayed(body);
    let own = matches!(relayed, Cow::Borrowed(_));
    let body = &*relayed;
    let effective = normalise::effective(call.provider, body);
    let said = Said::of(call.provider, body);
    let sent_on = match &effective {
        Cow::Borrowed(_) => said.clone(),
        Cow::Owned(effective) => Said::of(call.provider, effective),
    };
    let broken = violations(call, &said, &sent_on);
    let lines = broken.iter().map(Violation::line).collect();

    let strict = call.conduct.validate == Validate::Strict;
    let mut answer = match broken.iter().find(|violation| strict && !violation.advice) {
        Some(violation) => refuse(call, body, violation),
        None => by_rules(call, &Ask::read(&said, &sent_on).repeated(call.repeat())),
    };
    answer.violations = lines;
    let ignored = rules::unknown_members(call.provider, body)
        .into_iter()
        .map(|name| format!("{name} is not a documented member and was ignored"));
    answer.notes = lost.into_iter().map(|name| format!("{name} was lost at the relay")).chain(ignored).collect();
    answer.effective = Effective::of(effective, own);
    answer
}

/// What is wrong with the content type of a request for images. What is taken besides `application/json` no document says.
pub(crate) fn mislabelled(call: &Call<'_>, headers: &HeaderMap) -> Option<Violation> {
    let creates = call.route.is_some_and(|route| route.name == RouteName::Create);
    if !creates || call.conduct.any_content_type || call.conduct.validate == Validate::Off {
        return None;
    }
    let label = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = label.and_then(|label| label.split(';').next()).unwrap_or_default().trim();
    let is_json = media_type.eq_ignore_ascii_case("application/json");
    (!is_json).then(|| Violation::new("Content-Type", "content_type", "must be application/json."))
}

/// The refusal of a request for its content type: the error is the provider's, that it comes is our guess.
pub(crate) fn refuse_label(call: &Call<'_>, violation: &Violation) -> Answer {
    let nothing = Object::new();
    let refusal = refuse(call, call.object().unwrap_or(&nothing), violation);
    Answer { violations: vec![violation.line()], evidence: Kind::Derived, ..refusal }
}

/// The rules a request breaks, in one line each, for an answer that was found elsewhere.
pub(crate) fn broken_rules(call: &Call<'_>) -> Vec<String> {
    let found = |body| {
        let effective = normalise::effective(call.provider, body);
        violations(call, &Said::of(call.provider, body), &Said::of(call.provider, &effective))
    };
    let broken = call.object().map(found).unwrap_or_default();
    broken.iter().map(Violation::line).collect()
}

fn violations(call: &Call<'_>, body: &Said<'_>, effective: &Said<'_>) -> Vec<Violation> {
    match call.conduct.validate {
        Validate::Off => Vec::new(),
        Validate::Strict | Validate::Warn => {
            let strictness = Strictness {
                callbacks: call.conduct.strict_callbacks,
                min_pixels: call.route.and_then(|route| route.min_pixels),
            };
            rules::violations(body, effective, strictness)
        }
    }
}

fn refuse(call: &Call<'_>, body: &Object, violation: &Violation) -> Answer {
    call.problem(violation.cause, &Fill::of(violation, model_name(call, body))).into()
}

/// The model a request names, for sentences about it.
pub(crate) fn model_name<'b>(call: &Call<'_>, body: &'b Object) -> &'b str {
    call.provider.field(Role::Model).and_then(|field| members::text(body, &field.name)).unwrap_or_default()
}

fn by_rules(call: &Call<'_>, ask: &Ask<'_>) -> Answer {
    if call.reply() == ReplyFamily::Task {
        return task::create(call, ask);
    }
    // Events under the name of JSON.
    let mislabelled = call.fault.shapes(BodyFault::Sse) && !ask.stream;
    let streams = mislabelled || (ask.stream && !call.fault.streams(SseFault::Json));
    let items = items::items(call, ask);
    // One picture alone is refused as a whole (providers.md 1.7); in a stream it is an event like others.
    if let ([Item::Withheld { cause, .. }], false) = (items.as_slice(), streams) {
        return refuse_whole(call, *cause);
    }
    if streams {
        let mut answer = stream::answer(call, ask, &items);
        if mislabelled {
            answer.content_type = "application/json".into();
        }
        return answer;
    }
    let content = reply::content(call, ask, &items);
    let each = call.fault.pace.unwrap_or_default();
    let after = each.saturating_mul(u32::try_from(items.len()).unwrap_or(u32::MAX));
    let chunk = Chunk { after, content: content.flawed(call.flaw()) };
    Answer { billed: reply::made(&items), ..Answer::new(200, "application/json", vec![chunk]) }
}

fn refuse_whole(call: &Call<'_>, cause: Cause) -> Answer {
    let fault = Fault { refuse: Some(Refusal::of(cause)), code: call.fault.code.clone(), ..Fault::default() };
    call.faulty(&fault).map_or_else(|| call.problem(cause, &Fill::default()).into(), Answer::from)
}
