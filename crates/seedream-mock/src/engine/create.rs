//! Creating pictures by the provider's rules, where no documented exchange is equal.

use seedream_fixtures::{Cause, ReplyFamily, Role};
use serde_json::Value;

use super::answer::Answer;
use super::ask::Ask;
use super::auth::Behaviour;
use super::call::Call;
use super::members::{self, Object};
use super::problem::{Fill, withheld};
use super::reply::{self, Item};
use super::rules::{self, Strictness, Violation};
use super::script::Chunk;
use super::settings::Validate;
use super::{normalise, stream, task};

/// Answers a request for pictures.
pub(crate) fn create(call: &Call<'_>) -> Answer {
    let Some(body) = call.object() else {
        let detail = "the request body must be a JSON object.";
        let fill = Fill { field: "body", detail, ..Fill::default() };
        let violations = vec![format!("body: json: {detail}")];
        return Answer { violations, ..call.problem(Cause::Invalid, &fill).into() };
    };
    let effective = normalise::effective(call.provider, body);
    let broken = violations(call, body);
    let lines = broken.iter().map(Violation::line).collect();

    let strict = call.engine.settings().validate == Validate::Strict;
    let mut answer = match broken.first().filter(|_| strict) {
        Some(violation) => refuse(call, body, violation),
        None => by_rules(call, &Ask::read(call.provider, body, &effective)),
    };
    answer.violations = lines;
    answer.notes = rules::unknown_members(call.provider, body)
        .into_iter()
        .map(|name| format!("{name} is not a documented member and was ignored"))
        .collect();
    answer.effective = Some(Value::Object(effective));
    answer
}

/// The rules a request breaks, in one line each, for an answer that was found elsewhere.
pub(crate) fn broken_rules(call: &Call<'_>) -> Vec<String> {
    let broken = call.object().map(|body| violations(call, body)).unwrap_or_default();
    broken.iter().map(Violation::line).collect()
}

fn violations(call: &Call<'_>, body: &Object) -> Vec<Violation> {
    let settings = call.engine.settings();
    match settings.validate {
        Validate::Off => Vec::new(),
        Validate::Strict | Validate::Warn => {
            rules::violations(call.provider, body, Strictness { callbacks: settings.strict_callbacks })
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
    let created = call.now.as_second();
    let family = call.reply();
    if family == ReplyFamily::Task {
        return task::create(call, ask);
    }
    let items = items(call, ask);
    let mut answer = if ask.stream {
        Answer { streamed: true, ..Answer::new(200, stream::MEDIA_TYPE, stream::events(ask, &items, created)) }
    } else {
        let content = match family {
            ReplyFamily::ArkRelay => reply::ark_relay(ask, &items, created),
            ReplyFamily::Ark | ReplyFamily::Task => reply::ark(ask, &items, created),
        };
        Answer::new(200, "application/json", vec![Chunk::now(content)])
    };
    answer.billed = reply::made(&items);
    answer
}

/// The pictures of a group; the key `sk-mock-partial` withholds the second of several.
fn items(call: &Call<'_>, ask: &Ask<'_>) -> Vec<Item> {
    let pictures = ask.pictures(call.engine.settings().seed);
    let several = pictures.len() > 1;
    let item = |(place, picture)| {
        if several && place == 1 && call.behaviour == Behaviour::Partial {
            let (code, message) = withheld(call.provider);
            Item::Withheld { code, message }
        } else {
            let url = call.url(&picture);
            Item::Made { picture, url }
        }
    };
    pictures.into_iter().enumerate().map(item).collect()
}
