//! A response before it becomes a script: what is sent and what the journal says about it.

use std::borrow::Cow;

use seedream_fixtures::EvidenceKind;
use serde::Serialize;

use crate::faults::word_values::{BytePosition, ConnectionEnd};
use crate::request::gateway_rewrite::ForwardedRequest;
use crate::response::chunk::Chunk;

/// What is sent, why, and what the journal says about it.
#[derive(Debug)]
pub(crate) struct EndpointResponse {
    pub(crate) status: u16,
    pub(crate) content_type: Cow<'static, str>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) streamed: bool,
    /// What follows its chunks again and again, for ever.
    pub(crate) repeats: Option<Chunk>,
    /// Whether its body has no length and ends with the connection.
    pub(crate) until_close: bool,
    /// Where and how its connection ends, whatever a fault says.
    pub(crate) closes: Option<(ConnectionEnd, BytePosition)>,
    /// The id of the exchange it was taken from.
    pub(crate) fixture: Option<String>,
    pub(crate) evidence: EvidenceKind,
    /// The broken rules, in one line each.
    pub(crate) violations: Vec<String>,
    /// What the provider's gateway made of the request.
    pub(crate) effective: ForwardedRequest,
    /// The images that are billed.
    pub(crate) billed: u32,
    /// The task that was accepted, and how many images were reserved for it.
    pub(crate) reserved: Option<(String, u32)>,
    /// What else is worth knowing.
    pub(crate) notes: Vec<String>,
}

impl EndpointResponse {
    /// A JSON text with a status; ours unless it says otherwise.
    pub(crate) fn json(status: u16, text: impl Into<bytes::Bytes>) -> Self {
        Self::new(status, "application/json", vec![Chunk::text(text)])
    }

    /// A JSON text made from a value that always serialises.
    pub(crate) fn value(status: u16, value: &impl Serialize) -> Self {
        Self::json(status, serde_json::to_vec(value).unwrap_or_default())
    }

    pub(crate) fn new(status: u16, content_type: impl Into<Cow<'static, str>>, chunks: Vec<Chunk>) -> Self {
        Self {
            status,
            content_type: content_type.into(),
            headers: Vec::new(),
            chunks,
            streamed: false,
            repeats: None,
            until_close: false,
            closes: None,
            fixture: None,
            evidence: EvidenceKind::Derived,
            violations: Vec::new(),
            effective: ForwardedRequest::None,
            billed: 0,
            reserved: None,
            notes: Vec::new(),
        }
    }
}
