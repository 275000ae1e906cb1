//! One request to a provider and everything that answering it needs.

use std::fmt::Write as _;

use jiff::Timestamp;
use seedream_fixtures::{ErrorFamily, ProviderFacts, ResponseFamily, RouteFacts};
use serde_json::Value;

use crate::engine::Engine;
use crate::faults::apply;
use crate::faults::fault::Fault;
use crate::faults::words::FaultTarget;
use crate::hash;
use crate::image::TestImage;
use crate::json::path::Object;
use crate::profile::{RelayBehavior, RelayProfile};
use crate::response::error::{ErrorDetails, ErrorResponse};
use crate::settings_patch::Conduct;
use crate::signed_url::UrlScope;

/// One request to a provider.
pub(crate) struct RequestContext<'e> {
    pub(crate) engine: &'e Engine,
    pub(crate) provider: &'e ProviderFacts,
    pub(crate) route: Option<&'e RouteFacts>,
    /// How the relay before the provider behaves.
    pub(crate) profile: &'e RelayProfile,
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

impl<'e> RequestContext<'e> {
    /// The form of errors on this route.
    pub(crate) fn family(&self) -> ErrorFamily {
        family(self.provider, self.route, self.profile)
    }

    /// The form of successes on this route.
    pub(crate) fn response_family(&self) -> ResponseFamily {
        self.route.and_then(|route| route.response).unwrap_or(self.provider.response)
    }

    /// The body, if it is a JSON object.
    pub(crate) fn object(&self) -> Option<&'e Object> {
        self.json.and_then(Value::as_object)
    }

    /// The how many of the equal requests of its session it is, from 1. It is counted once, where images are made.
    pub(crate) fn repeat(&self) -> u32 {
        let hash = hash::number(&[self.provider.id.as_bytes(), &self.body_hash.to_be_bytes()]);
        self.engine.sessions().with(self.session, self.now, |session| session.repeats.next(hash))
    }

    /// The error a fault asks for, if it asks for one.
    pub(crate) fn faulty(&self, fault: &Fault) -> Option<ErrorResponse> {
        let model = self.object().map(|body| crate::endpoints::generate::model_name(self, body)).unwrap_or_default();
        let fill = ErrorDetails {
            field: "prompt",
            detail: "the mock was asked to refuse it.",
            model,
            ..ErrorDetails::default()
        };
        apply::refusal(fault, self, &fill)
    }

    /// The headers that carry the id of a request.
    pub(crate) fn request_id_headers(&self) -> &'e [String] {
        let relay = self.relay().filter(|_| self.profile.has(RelayBehavior::NewApi));
        relay.map_or(&self.provider.request_id_headers, |relay| &relay.request_id_headers)
    }

    /// The id this request would have with other software.
    pub(crate) fn request_id_of(&self, family: ErrorFamily) -> String {
        request_id(family, self.now, self.engine.settings().seed, self.ordinal)
    }

    /// The URL of a picture that is made now.
    pub(crate) fn url(&self, image: &TestImage) -> String {
        self.url_at(image, self.now)
    }

    /// The URL of a picture that was made at a time.
    pub(crate) fn url_at(&self, image: &TestImage, made: Timestamp) -> String {
        let place = UrlScope { origin: &self.origin, session: self.session, faults: &self.image_faults() };
        self.engine.signer().url(&place, image, made, self.provider.limits.result_seconds)
    }

    /// What downloads of its pictures are to suffer, as text.
    pub(crate) fn image_faults(&self) -> String {
        if self.later.is_empty() {
            return String::new();
        }
        let faults = self.later.iter().filter(|fault| fault.aim(FaultTarget::Create) == FaultTarget::Image);
        let texts: Vec<String> = faults.map(ToString::to_string).collect();
        texts.join(";")
    }
}

/// The form of errors on a route, behind a relay.
pub(crate) fn family(provider: &ProviderFacts, route: Option<&RouteFacts>, profile: &RelayProfile) -> ErrorFamily {
    match route.and_then(|route| route.errors).unwrap_or(provider.errors) {
        _ if profile.has(RelayBehavior::NewApi) => ErrorFamily::NewApi,
        ErrorFamily::Evolink | ErrorFamily::EvolinkTask if profile.has(RelayBehavior::IntegerCodes) => {
            ErrorFamily::EvolinkLegacy
        }
        family => family,
    }
}

/// An id in the form of the software that answers.
pub(crate) fn request_id(family: ErrorFamily, now: Timestamp, seed: u64, ordinal: u64) -> String {
    let hash = hash::digest(&[b"request", &seed.to_be_bytes(), &ordinal.to_be_bytes()]);
    match family {
        ErrorFamily::NewApi | ErrorFamily::Upstream => {
            format!("{}{}", now.strftime("%Y%m%d%H%M%S%9f"), hash::hex(&hash[..4]))
        }
        ErrorFamily::Ark | ErrorFamily::Evolink | ErrorFamily::EvolinkTask | ErrorFamily::EvolinkLegacy => {
            let mut id = String::with_capacity("02".len() + "1795132800000".len() + 2 * 19);
            id.push_str("02");
            // Texts take everything that is written into them.
            let _ = write!(id, "{}", now.as_millisecond());
            hash::push_hex(&mut id, &hash[..19]);
            id
        }
    }
}
