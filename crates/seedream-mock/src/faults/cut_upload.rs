//! Requests that are cut off while their body is still being read.

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use jiff::Timestamp;

use crate::engine::services::Services;
use crate::faults::rate_counters::RateKey;
use crate::faults::select;
use crate::faults::select::{FaultSources, SelectedFaults};
use crate::faults::word_values::FaultTarget;
use crate::request::address::{Address, RouteQuestion};
use crate::request::auth::Admission;
use crate::request::{address, auth};

/// The faults that were selected for a request before its body came. They travel with the request, so that nothing is
/// selected twice.
#[derive(Clone)]
struct EarlySelection(SelectedFaults);

/// After how many bytes of its body a request is cut off, if it is. Only its head and its session can say so: the prompt is
/// part of the body.
pub(crate) fn cut_after(services: &Services, now: impl Fn(&str) -> Timestamp, head: &mut Parts) -> Option<u64> {
    let header = select::header(&head.headers);
    if !header.is_some_and(|text| text.contains("request")) && !services.sessions.cuts_requests() {
        return None;
    }
    let address = Address::read(head.uri.path());
    let provider = services.library.provider(address.prefix)?;
    let question =
        RouteQuestion { method: head.method.as_str(), path: address.below, query: head.uri.query(), json: None };
    let (route, _) = address::find(provider, &question)?;
    let session = address.session.unwrap_or(address::DEFAULT_SESSION);
    let settings = services.settings_of(session);
    let required = route.auth_required.unwrap_or(provider.auth.required);
    let bearer = auth::bearer(&head.headers);
    let Admission::Known(key) = auth::judge(bearer, required, &settings.keys, settings.slow) else { return None };
    let caller = RateKey { provider: &provider.id, model: "", key: bearer };
    let sources = FaultSources { header, key: key.map(|fault| *fault), caller, ..FaultSources::default() };
    let target = FaultTarget::of(route.name);
    let (byte, selected) = select::choose_early(services, session, now(session), target, sources)?;
    head.extensions.insert(EarlySelection(selected));
    Some(byte)
}

/// The faults that were selected for a request before its body came.
pub(crate) fn selected(request: &Request<Bytes>) -> Option<SelectedFaults> {
    request.extensions().get::<EarlySelection>().map(|early| early.0.clone())
}
