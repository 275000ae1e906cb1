//! The names of the mock's own headers.

use http::HeaderName;

/// In a request, the faults of it.
pub(crate) const FAULT: HeaderName = HeaderName::from_static("x-mock-fault");

/// In a request, the exchange that is forced; in a response, the exchange that it is taken from, or `-`.
pub(crate) const FIXTURE: HeaderName = HeaderName::from_static("x-mock-fixture");

/// In a response, how sure it is.
pub(crate) const EVIDENCE: HeaderName = HeaderName::from_static("x-mock-evidence");

/// In a response, what else the mock noticed, such as members that it ignored.
pub(crate) const NOTE: HeaderName = HeaderName::from_static("x-mock-note");

/// In a response, the rules that the request breaks.
pub(crate) const VIOLATION: HeaderName = HeaderName::from_static("x-mock-violation");
