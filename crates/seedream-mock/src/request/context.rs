//! One request to a provider and everything that its endpoint needs.

use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use seedream_fixtures::{ErrorFamily, FieldRole, LossFacts, ProviderFacts, RelayFacts, ResponseFamily, RouteFacts};
use serde_json::Value;

use crate::digits::{hex, push_hex, push_number};
use crate::engine::services::Services;
use crate::faults::grammar::Fault;
use crate::faults::notation::FaultError;
use crate::faults::rate_counters::RateKey;
use crate::faults::select::{FaultSources, SelectedFaults};
use crate::faults::word_values::{FaultTarget, ImageFault};
use crate::faults::{cut_upload, select};
use crate::hash;
use crate::hash::MixHasher;
use crate::image::signed_url::UrlScope;
use crate::image::test_image::TestImage;
use crate::json::path;
use crate::json::path::Object;
use crate::request::address::{Address, RouteQuestion};
use crate::request::auth::Admission;
use crate::request::{address, auth};
use crate::settings::Settings;
use crate::settings::relay_profile::{RelayBehavior, RelayProfile};
use crate::state::session::Session;
use crate::state::sessions::SessionView;

/// One request to a provider. It is read once and never changes.
pub(crate) struct RequestContext<'e> {
    pub(crate) services: &'e Services,
    pub(crate) request: &'e Request<Bytes>,
    /// The path below the provider's prefix.
    pub(crate) below: &'e str,
    pub(crate) provider: &'e ProviderFacts,
    pub(crate) route: Option<&'e RouteFacts>,
    /// The task that the path names; empty where it names none.
    pub(crate) task_id: &'e str,
    /// How the relay before the provider behaves.
    pub(crate) profile: &'e RelayProfile,
    pub(crate) now: Timestamp,
    pub(crate) session: &'e str,
    /// The settings of the session.
    pub(crate) settings: Arc<Settings>,
    /// The scheme and authority of this mock, as this client reaches it.
    pub(crate) origin: String,
    /// The place of the request among all requests of the mock.
    pub(crate) ordinal: u64,
    pub(crate) request_id: String,
    /// The client's key.
    pub(crate) bearer: Option<&'e str>,
    /// The body, if it is JSON.
    pub(crate) json: Option<&'e Value>,
    /// The [hash](path::hash) of the body: equal requests have it in common.
    pub(crate) body_hash: u64,
    /// The model that the body names.
    pub(crate) model: Option<&'e str>,
    /// Why no endpoint is asked.
    pub(crate) rejection: Option<Rejection>,
    /// The fault of this request.
    pub(crate) fault: Fault,
    /// The faults of later requests that this one leads to: polls and downloads.
    pub(crate) later: Vec<Fault>,
    /// The name by which rate limits count this request, where a limit does.
    pub(crate) counted: Option<String>,
}

/// Why a request gets no further than its key and its faults.
#[derive(Debug)]
pub(crate) enum Rejection {
    /// The key is missing or unknown.
    UnknownKey,
    /// The key is a mistyped test key.
    NoTestKey,
    /// A fault in the request cannot be read.
    BadFault(FaultError),
}

impl<'e> RequestContext<'e> {
    /// Reads a request below a provider's prefix.
    pub(crate) fn read(
        services: &'e Services,
        (now, ordinal): (Timestamp, u64),
        request: &'e Request<Bytes>,
        address: &Address<'e>,
        provider: &'e ProviderFacts,
        json: Option<&'e Value>,
    ) -> Self {
        let question = RouteQuestion {
            method: request.method().as_str(),
            path: address.below,
            query: request.uri().query(),
            json,
        };
        let found = address::find(provider, &question);
        let (route, task_id) = found.map_or((None, ""), |(route, id)| (Some(route), id));
        let session = address.session.or_else(|| services.task_session(task_id)).unwrap_or(address::DEFAULT_SESSION);
        let SessionView { patch, has_rules } = services.sessions.view(session);
        let settings = services.settings.with(&patch);
        let profile = services.settings.initial().profiles.of(&provider.id);
        let bearer = auth::bearer(request.headers());
        let text = |role| path::text(json?.as_object()?, &provider.field(role)?.name);
        let model = text(FieldRole::Model);

        let faults = |key: Option<Box<Fault>>| {
            let Some(route) = route else { return Ok(SelectedFaults::default()) };
            if let Some(selected) = cut_upload::selected(request) {
                return Ok(selected);
            }
            let target = FaultTarget::of(route.name);
            let later = |session: &mut Session| session.task(task_id).map(|task| task.later.clone());
            let sources = FaultSources {
                header: select::header(request.headers()),
                prompt: text(FieldRole::Prompt),
                key: key.map(|fault| *fault),
                carried: match target {
                    FaultTarget::Poll => services.sessions.with(session, now, later).unwrap_or_default(),
                    _ => Vec::new(),
                },
                name: task_id,
                caller: RateKey { provider: &provider.id, model: model.unwrap_or_default(), key: bearer },
            };
            if sources.are_silent() && !has_rules {
                return Ok(SelectedFaults::default());
            }
            select::choose(services, session, now, target, sources)
        };
        let required = route.is_some_and(|route| route.auth_required.unwrap_or(provider.auth.required));
        let selected = match auth::judge(bearer, required, &settings.keys, settings.slow) {
            // A client without a valid key gets nothing else, not even a fault.
            Admission::Unknown => Err(Rejection::UnknownKey),
            Admission::NoTestKey => Err(Rejection::NoTestKey),
            Admission::Known(key) => faults(key).map_err(Rejection::BadFault),
        };
        let (SelectedFaults { now: fault, later, counted }, rejection) = match selected {
            Ok(selected) => (selected, None),
            Err(rejection) => (SelectedFaults::default(), Some(rejection)),
        };
        Self {
            services,
            request,
            below: address.below,
            provider,
            route,
            task_id,
            profile,
            now,
            session,
            origin: origin(request),
            ordinal,
            request_id: request_id(family(provider, route, profile), now, settings.seed, ordinal),
            settings,
            bearer,
            json,
            body_hash: path::hash(json),
            model,
            rejection,
            fault,
            later,
            counted,
        }
    }

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

    /// The number of this request among the equal requests of its session, from 1. Each call counts.
    pub(crate) fn repeat(&self) -> u32 {
        let mut hasher = MixHasher::default();
        (self.provider.id.as_str(), self.body_hash).hash(&mut hasher);
        let hash = hasher.finish();
        self.services.sessions.with(self.session, self.now, |session| session.repeats.next(hash))
    }

    /// The software of the relay, if its data is there.
    pub(crate) fn relay(&self) -> Option<&'e RelayFacts> {
        self.services.library.relay(ErrorFamily::NewApi)
    }

    /// What the relay loses and misstates, where it is a lossy one.
    pub(crate) fn losses(&self) -> Option<&'e LossFacts> {
        self.services.library.losses().first().filter(|_| self.profile.has(RelayBehavior::LossyRelay))
    }

    /// The headers that carry the id of a request.
    pub(crate) fn request_id_headers(&self) -> &'e [String] {
        let relay = self.relay().filter(|_| self.profile.has(RelayBehavior::NewApi));
        relay.map_or(&self.provider.request_id_headers, |relay| &relay.request_id_headers)
    }

    /// The id that this request has with other software.
    pub(crate) fn request_id_of(&self, family: ErrorFamily) -> String {
        request_id(family, self.now, self.settings.seed, self.ordinal)
    }

    /// The URL of an image that is made now.
    pub(crate) fn url(&self, image: &TestImage) -> String {
        let scope = UrlScope { origin: &self.origin, session: self.session, faults: &self.image_faults() };
        self.services.signer.url(&scope, image, self.now, self.provider.limits.result_seconds)
    }

    /// The faults of later downloads, as text.
    pub(crate) fn image_faults(&self) -> String {
        if self.later.is_empty() {
            return String::new();
        }
        let faults = self.later.iter().filter(|fault| fault.aim(FaultTarget::Create) == FaultTarget::Image);
        let texts: Vec<String> = faults.map(ToString::to_string).collect();
        texts.join(";")
    }

    /// How the images inside the response are wrong: by this fault, or by that of the downloads.
    pub(crate) fn image_fault(&self) -> Option<ImageFault> {
        self.fault.image.or_else(|| self.later.iter().find_map(|fault| fault.image))
    }
}

/// The form of errors on a route, with the relay before the provider.
fn family(provider: &ProviderFacts, route: Option<&RouteFacts>, profile: &RelayProfile) -> ErrorFamily {
    match route.and_then(|route| route.errors).unwrap_or(provider.errors) {
        _ if profile.has(RelayBehavior::NewApi) => ErrorFamily::NewApi,
        ErrorFamily::TextCode | ErrorFamily::TextCodePoll if profile.has(RelayBehavior::IntegerCodes) => {
            ErrorFamily::StatusCode
        }
        family => family,
    }
}

/// An id in the form of the software that answers.
pub(crate) fn request_id(family: ErrorFamily, now: Timestamp, seed: u64, ordinal: u64) -> String {
    let hash = hash::digest([&b"request"[..], &seed.to_be_bytes(), &ordinal.to_be_bytes()]);
    match family {
        ErrorFamily::NewApi | ErrorFamily::Upstream => {
            format!("{}{}", now.strftime("%Y%m%d%H%M%S%9f"), hex(&hash[..4]))
        }
        ErrorFamily::CodeParam
        | ErrorFamily::TextCode
        | ErrorFamily::TextCodePoll
        | ErrorFamily::StatusCode
        | ErrorFamily::Template => {
            let mut id = String::with_capacity("02".len() + "1795132800000".len() + 2 * 19);
            id.push_str("02");
            let millis = now.as_millisecond();
            if millis < 0 {
                id.push('-');
            }
            push_number(&mut id, millis.unsigned_abs());
            push_hex(&mut id, &hash[..19]);
            id
        }
    }
}

/// Marks a request that came over TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OverTls;

/// The scheme and authority by which the client reaches the mock: after port forwarding these are not the mock's own.
fn origin(request: &Request<Bytes>) -> String {
    let header = request.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = header.or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    let scheme = if request.extensions().get::<OverTls>().is_some() { "https://" } else { "http://" };
    [scheme, host.unwrap_or("localhost")].concat()
}
