//! One request to a provider and everything that answering it needs.

use std::fmt::Write as _;

use jiff::Timestamp;
use seedream_fixtures::{ErrorFamily, Provider, ReplyFamily, Route};
use serde_json::Value;

use super::Engine;
use super::conduct::Conduct;
use super::digest;
use super::images_url::Place;
use super::members::Object;
use super::problem::{Fill, Problem};
use super::spoil;
use crate::fault::{Fault, On};
use crate::picture::Picture;
use crate::profile::{Habit, Profile};

/// One request to a provider.
pub(crate) struct Call<'e> {
    pub(crate) engine: &'e Engine,
    pub(crate) provider: &'e Provider,
    pub(crate) route: Option<&'e Route>,
    /// How the relay before the provider behaves.
    pub(crate) profile: &'e Profile,
    pub(crate) now: Timestamp,
    pub(crate) session: &'e str,
    /// How its session's requests are answered.
    pub(crate) conduct: Conduct,
    /// What stands before a path of this mock, as this caller reaches it.
    pub(crate) origin: String,
    /// What goes wrong with it.
    pub(crate) fault: Fault,
    /// What goes wrong with later requests because of it.
    pub(crate) later: Vec<Fault>,
    pub(crate) ordinal: u64,
    pub(crate) request_id: String,
    /// The caller's key.
    pub(crate) bearer: Option<&'e str>,
    /// The body, if it is JSON.
    pub(crate) json: Option<&'e Value>,
    /// [That](super::members::hash) of the body: equal requests have it in common.
    pub(crate) body_hash: u64,
}

impl<'e> Call<'e> {
    /// The form of errors on this route.
    pub(crate) fn family(&self) -> ErrorFamily {
        family(self.provider, self.route, self.profile)
    }

    /// The form of successes on this route.
    pub(crate) fn reply(&self) -> ReplyFamily {
        self.route.and_then(|route| route.reply).unwrap_or(self.provider.reply)
    }

    /// The body, if it is a JSON object.
    pub(crate) fn object(&self) -> Option<&'e Object> {
        self.json.and_then(Value::as_object)
    }

    /// The how many of the equal requests of its session it is, from 1. It is counted once, where images are made.
    pub(crate) fn repeat(&self) -> u32 {
        let hash = digest::number(&[self.provider.id.as_bytes(), &self.body_hash.to_be_bytes()]);
        self.engine.sessions().with(self.session, self.now, |session| session.repeats.next(hash))
    }

    /// The error a fault asks for, if it asks for one.
    pub(crate) fn faulty(&self, fault: &Fault) -> Option<Problem> {
        let model = self.object().map(|body| super::create::model_name(self, body)).unwrap_or_default();
        let fill = Fill { field: "prompt", detail: "the mock was asked to refuse it.", model, ..Fill::default() };
        spoil::refusal(fault, self, &fill)
    }

    /// The headers that carry the id of a request.
    pub(crate) fn request_id_headers(&self) -> &'e [String] {
        let relay = self.relay().filter(|_| self.profile.has(Habit::NewApi));
        relay.map_or(&self.provider.request_id_headers, |relay| &relay.request_id_headers)
    }

    /// The id this request would have with other software.
    pub(crate) fn request_id_of(&self, family: ErrorFamily) -> String {
        request_id(family, self.now, self.engine.settings().seed, self.ordinal)
    }

    /// The URL of a picture that is made now.
    pub(crate) fn url(&self, picture: &Picture) -> String {
        self.url_at(picture, self.now)
    }

    /// The URL of a picture that was made at a time.
    pub(crate) fn url_at(&self, picture: &Picture, made: Timestamp) -> String {
        let place = Place { origin: &self.origin, session: self.session, faults: &self.picture_faults() };
        self.engine.signer().url(&place, picture, made, self.provider.limits.result_seconds)
    }

    /// What downloads of its pictures are to suffer, as text.
    pub(crate) fn picture_faults(&self) -> String {
        if self.later.is_empty() {
            return String::new();
        }
        let faults = self.later.iter().filter(|fault| fault.aim(On::Create) == On::Picture);
        let texts: Vec<String> = faults.map(ToString::to_string).collect();
        texts.join(";")
    }
}

/// The form of errors on a route, behind a relay.
pub(crate) fn family(provider: &Provider, route: Option<&Route>, profile: &Profile) -> ErrorFamily {
    match route.and_then(|route| route.errors).unwrap_or(provider.errors) {
        _ if profile.has(Habit::NewApi) => ErrorFamily::NewApi,
        ErrorFamily::Evolink | ErrorFamily::EvolinkTask if profile.has(Habit::IntegerCodes) => {
            ErrorFamily::EvolinkLegacy
        }
        family => family,
    }
}

/// An id in the form of the software that answers.
pub(crate) fn request_id(family: ErrorFamily, now: Timestamp, seed: u64, ordinal: u64) -> String {
    let hash = digest::digest(&[b"request", &seed.to_be_bytes(), &ordinal.to_be_bytes()]);
    match family {
        ErrorFamily::NewApi | ErrorFamily::Upstream => {
            format!("{}{}", now.strftime("%Y%m%d%H%M%S%9f"), digest::hex(&hash[..4]))
        }
        ErrorFamily::Ark | ErrorFamily::Evolink | ErrorFamily::EvolinkTask | ErrorFamily::EvolinkLegacy => {
            let mut id = String::with_capacity("02".len() + "1795132800000".len() + 2 * 19);
            id.push_str("02");
            // Texts take everything that is written into them.
            let _ = write!(id, "{}", now.as_millisecond());
            digest::push_hex(&mut id, &hash[..19]);
            id
        }
    }
}
