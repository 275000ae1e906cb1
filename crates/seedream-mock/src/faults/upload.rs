//! Requests that are cut off while their body is still being read.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use jiff::Timestamp;
use seedream_fixtures::RouteName;

use crate::engine::Engine;
use crate::faults::fault::Fault;
use crate::faults::rate::RateKey;
use crate::faults::select;
use crate::faults::select::{FaultSources, SelectedFaults};
use crate::faults::words::{BytePosition, FaultTarget};
use crate::request::address::Address;
use crate::request::{address, auth};
use crate::response::endpoint_response::EndpointResponse;

/// What was chosen for a request before its body came. It travels with the request, so that nothing is chosen twice.
#[derive(Clone)]
struct EarlySelection(SelectedFaults);

impl Engine {
    /// After how many bytes of its body a request is cut off, if it is. Only what stands in its head and in its session can
    /// say so: a prompt is part of what does not come.
    pub(crate) fn cuts_upload(&self, now: impl Fn(&str) -> Timestamp, head: &mut Parts) -> Option<u64> {
        let header = head.headers.get(select::HEADER).and_then(|value| value.to_str().ok());
        let is_said = header.is_some_and(|text| text.contains("request"));
        if !is_said && !self.cuts_uploads.load(Ordering::Relaxed) {
            return None;
        }
        let address = Address::read(head.uri.path());
        let provider = self.library.provider(address.prefix)?;
        let (route, _) = address::find(provider, head.method.as_str(), address.below)?;
        let session = address.session.unwrap_or(address::DEFAULT_SESSION);
        let conduct = self.conduct(session);
        let required = route.auth_required.unwrap_or(provider.auth.required);
        let bearer = auth::bearer(&head.headers);
        let auth::Admission::Known(key) = auth::judge(bearer, required, &self.settings.keys, conduct.slow) else {
            return None;
        };
        let caller = RateKey { provider: &provider.id, model: "", key: bearer };
        let sources = FaultSources { header, key: key.map(|fault| *fault), caller, ..FaultSources::default() };
        let target = target(route.name);
        let (byte, chosen) = select::choose_early(self, session, now(session), target, sources)?;
        head.extensions.insert(EarlySelection(chosen));
        Some(byte)
    }

    /// Remembers that some fault cuts requests off.
    pub(crate) fn expect_uploads(&self, faults: &[Fault]) {
        if faults.iter().any(cuts) {
            self.cuts_uploads.store(true, Ordering::Relaxed);
        }
    }
}

/// What a request of a route is, for faults.
pub(crate) fn target(route: RouteName) -> FaultTarget {
    match route {
        RouteName::Create => FaultTarget::Create,
        RouteName::Task => FaultTarget::Poll,
        RouteName::Models | RouteName::Credits => FaultTarget::Models,
    }
}

/// Whether a fault cuts a request off.
pub(crate) fn cuts(fault: &Fault) -> bool {
    matches!(fault.end, Some((_, BytePosition::Request(_))))
}

/// What was chosen for a request before its body came.
pub(crate) fn chosen(request: &Request<Bytes>) -> Option<SelectedFaults> {
    request.extensions().get::<EarlySelection>().map(|upload| upload.0.clone())
}

/// The answer to a request that did not come whole, which nobody gets.
pub(crate) fn nothing() -> EndpointResponse {
    let notes = vec![String::from("the connection ended while the request was still being read")];
    EndpointResponse { notes, ..EndpointResponse::new(400, "text/plain", Vec::new()) }
}
