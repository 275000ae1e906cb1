//! Requests that are cut off while their body is still being read.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use jiff::Timestamp;
use seedream_fixtures::RouteName;

use super::answer::Answer;
use super::faults::{self, Chosen, Sources};
use super::route::{self, Address};
use super::traffic::Caller;
use super::{Engine, auth};
use crate::fault::{Fault, On, Place};

/// What was chosen for a request before its body came. It travels with the request, so that nothing is chosen twice.
#[derive(Clone)]
struct Upload(Chosen);

impl Engine {
    /// After how many bytes of its body a request is cut off, if it is. Only what stands in its head and in its session can
    /// say so: a prompt is part of what does not come.
    pub(crate) fn cuts_upload(&self, now: impl Fn(&str) -> Timestamp, head: &mut Parts) -> Option<u64> {
        let header = head.headers.get(faults::HEADER).and_then(|value| value.to_str().ok());
        let is_said = header.is_some_and(|text| text.contains("request"));
        if !is_said && !self.cuts_uploads.load(Ordering::Relaxed) {
            return None;
        }
        let address = Address::read(head.uri.path());
        let provider = self.library.provider(address.house)?;
        let (route, _) = route::find(provider, head.method.as_str(), address.below)?;
        let session = address.session.unwrap_or(route::DEFAULT_SESSION);
        let conduct = self.conduct(session);
        let required = route.auth_required.unwrap_or(provider.auth.required);
        let bearer = auth::bearer(&head.headers);
        let auth::Verdict::Known(key) = auth::judge(bearer, required, &self.settings.keys, conduct.slow) else {
            return None;
        };
        let caller = Caller { provider: &provider.id, model: "", key: bearer };
        let sources = Sources { header, key: key.map(|fault| *fault), caller, ..Sources::default() };
        let target = target(route.name);
        let (byte, chosen) = faults::choose_early(self, session, now(session), target, sources)?;
        head.extensions.insert(Upload(chosen));
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
pub(super) fn target(route: RouteName) -> On {
    match route {
        RouteName::Create => On::Create,
        RouteName::Task => On::Poll,
        RouteName::Models | RouteName::Credits => On::Models,
    }
}

/// Whether a fault cuts a request off.
pub(super) fn cuts(fault: &Fault) -> bool {
    matches!(fault.end, Some((_, Place::Request(_))))
}

/// What was chosen for a request before its body came.
pub(super) fn chosen(request: &Request<Bytes>) -> Option<Chosen> {
    request.extensions().get::<Upload>().map(|upload| upload.0.clone())
}

/// The answer to a request that did not come whole, which nobody gets.
pub(super) fn nothing() -> Answer {
    let notes = vec![String::from("the connection ended while the request was still being read")];
    Answer { notes, ..Answer::new(400, "text/plain", Vec::new()) }
}
