//! What a relay before a provider does: members it loses, and what it says where the provider has no route.

use std::borrow::Cow;

use seedream_fixtures::{ErrorFamily, Relay, Role, RouteName};
use serde::Serialize;

use super::answer::Answer;
use super::call::Call;
use super::members::{self, Object};
use super::models;
use super::script::Chunk;
use crate::profile::Habit;

/// Where new-api lists its models.
const MODELS: &str = "/v1/models";

impl<'e> Call<'e> {
    /// The software of the relay, if its data is there.
    pub(crate) fn relay(&self) -> Option<&'e Relay> {
        self.engine.library().relay(ErrorFamily::NewApi)
    }

    /// What of a body arrives at the provider, and what is lost on the way.
    pub(crate) fn relayed<'b>(&self, body: &'b Object) -> (Cow<'b, Object>, Vec<String>) {
        let Some(relay) = self.relay().filter(|_| self.profile.has(Habit::DropFields)) else {
            return (Cow::Borrowed(body), Vec::new());
        };
        let keeps = |name: &String| relay.keeps.contains(name);
        let lost = members::names(body).filter(|name| !keeps(name)).cloned().collect();
        let kept = body.iter().filter(|(name, _)| keeps(name));
        let mut kept: Object = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        let model = self.provider.field(Role::Model).map(|field| field.name.as_str());
        if let Some(model) = model.filter(|model| members::get(&kept, model).is_none()) {
            members::set(&mut kept, model, relay.default_model.as_str().into());
        }
        (Cow::Owned(kept), lost)
    }

    /// What the relay says where the provider would not have been asked, or is not there.
    pub(crate) fn unrouted(&self, method: &str, below: &str) -> Option<Answer> {
        let lists = self.route.is_some_and(|route| route.name == RouteName::Models);
        if self.profile.has(Habit::EmptyNotFound) && (self.route.is_none() || lists) {
            return Some(Answer::new(404, "text/plain; charset=utf-8", vec![Chunk::text("")]));
        }
        if self.route.is_some() || !self.profile.has(Habit::NewApi) {
            return None;
        }
        let model = below.strip_prefix(MODELS).filter(|_| method == "GET");
        Some(match model.map(|name| name.strip_prefix('/').unwrap_or(name)) {
            Some("") => models::list(self.provider, ErrorFamily::NewApi),
            Some(name) if self.provider.model(name).is_none() => no_such_model(name),
            Some(name) => models::one(name),
            None => no_such_url(method, below),
        })
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Failure<'a>,
}

/// In the order in which new-api writes its members.
#[derive(Serialize)]
struct Failure<'a> {
    message: String,
    r#type: &'static str,
    param: &'a str,
    code: &'static str,
}

fn failure(status: u16, message: String, param: &str, code: &'static str) -> Answer {
    Answer::value(status, &Envelope { error: Failure { message, r#type: "invalid_request_error", param, code } })
}

/// A model that it does not know is an error under status 200 (controller/model.go RetrieveModel).
fn no_such_model(name: &str) -> Answer {
    failure(200, format!("The model '{name}' does not exist"), "model", "model_not_found")
}

/// A path that it does not know (controller/relay.go RelayNotFound).
fn no_such_url(method: &str, path: &str) -> Answer {
    failure(404, format!("Invalid URL ({method} {path})"), "", "")
}
