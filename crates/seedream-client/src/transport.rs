//! How bytes travel, and what is known of a request that failed on the way.
//!
//! [`http_transport`] is what an embedder can implement; `reqwest` is the default implementation. Nothing here knows a provider, an
//! operation or a job.

#[cfg(feature = "reqwest")]
pub(crate) mod ca_certificates;
#[cfg(feature = "reqwest")]
mod certificate_names;
mod deadline;
mod departure;
mod error;
mod http_transport;
#[cfg(feature = "reqwest")]
mod proxy_environment;
#[cfg(feature = "reqwest")]
pub(crate) mod reqwest;
mod response_body;
#[cfg(feature = "reqwest")]
mod tls;
#[cfg(feature = "reqwest")]
mod untrusted_certificate;
#[cfg(feature = "reqwest")]
mod watched_body;

pub(crate) use self::deadline::later;
#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestTransport;
pub use self::{
    deadline::SendBefore,
    departure::Departure,
    error::{Reached, TransportError},
    http_transport::Transport,
    response_body::ResponseBody,
};
