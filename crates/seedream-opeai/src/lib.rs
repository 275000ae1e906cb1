#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod body;
mod capabilities;
mod error_codes;
mod gateway;

use std::{sync::LazyLock, time::Duration};

use bytes::Bytes;
use seedream_core::{
    Capabilities, Checked, Decoded, Descriptor, Dialect, Effective, Family, ModelEntry, ModelId, Response, Result,
    Source, StreamDecoder, StreamDialect,
};
use seedream_wire::{Reader, post};
use serde_json::{Map, Value};

use capabilities::PAGE;

#[cfg(feature = "client")]
pub use seedream_client;
pub use seedream_core;

/// The dialect of ope.ai, the seedream series.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opeai;

const MODELS: Source = Source::documented(PAGE, "models and their normalisation");

static DESCRIPTOR: LazyLock<Descriptor> = LazyLock::new(|| {
    let models = [
        ModelEntry::new("bytedance-seedream-5.0", Family::Seedream5Lite, MODELS),
        ModelEntry::new("doubao-seedream-4.5", Family::Seedream4_5, MODELS).aliases(["doubao-seedream-4-5-251128"]),
        ModelEntry::new("doubao-seedream-4.0", Family::Seedream4, MODELS).aliases(["doubao-seedream-4-0-250828"]),
        ModelEntry::new(
            "doubao-seedream-3-0-t2i-250415",
            Family::Seedream3T2i,
            Source::documented(PAGE, "default of size"),
        )
        .aliases(["seedream-3-0-t2i-250415"]),
    ];
    Descriptor::new("opeai", "ope.ai", PAGE, models)
        .pages(["wiki.ope.ai"])
        .base_urls(["https://api-platform.ope.ai"])
        .key_variables(["OPEAI_API_KEY"])
        .base_url_variables(["OPEAI_BASE_URL"])
});

impl Opeai {
    fn reader(request: &Checked) -> Reader {
        // Ark's lifetime, an assumption: the page does not state how long a link is valid.
        let lifetime = Some(Duration::from_secs(24 * 3600));
        Reader { model: request.model().clone(), kind_of: error_codes::kind_of, lifetime }
    }
}

impl Dialect for Opeai {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        capabilities::of(&DESCRIPTOR, model)
    }

    fn encode(&self, request: &Checked) -> Result<http::Request<Bytes>> {
        request.belongs_to(&DESCRIPTOR.id)?;
        post("/v1/images/generations", &body::Body::of(request), &request.request().extra)
    }

    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded> {
        Self::reader(request).outcome(response)
    }

    fn is_lenient(&self) -> bool {
        true
    }

    fn effective(&self, request: &Checked, members: Map<String, Value>) -> Effective {
        gateway::normalise(members, request.ceiling())
    }

    fn streaming(&self) -> Option<&dyn StreamDialect> {
        Some(self)
    }
}

impl StreamDialect for Opeai {
    fn decoder(&self, request: &Checked) -> Box<dyn StreamDecoder> {
        Self::reader(request).stream(request.ceiling())
    }
}
