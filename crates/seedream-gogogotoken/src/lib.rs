#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod body;
mod capabilities;
mod error_codes;

use std::{sync::LazyLock, time::Duration};

use bytes::Bytes;
use seedream_core::{
    Capabilities, Checked, Decoded, Descriptor, Dialect, Effective, Family, ModelEntry, ModelId, Response, Result,
    Source,
};
use seedream_wire::{Reader, post};
use serde_json::{Map, Value};

use capabilities::PAGE;

#[cfg(feature = "client")]
pub use seedream_client;
pub use seedream_core;

/// The dialect of docs.gogogotoken.ai/overseas/seedream-images.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gogogotoken;

const MODELS: Source = Source::documented(PAGE, "model");

static DESCRIPTOR: LazyLock<Descriptor> = LazyLock::new(|| {
    let models = [
        ModelEntry::new("doubao-seedream-5-0-lite", Family::Seedream5Lite, MODELS),
        ModelEntry::new("doubao-seedream-4-5", Family::Seedream4_5, MODELS),
    ];
    Descriptor::new("gogogotoken", "gogogotoken", PAGE, models)
        .pages(["docs.gogogotoken."])
        .base_urls(["https://gogogotoken.ai"])
        .key_variables(["GOGOGOTOKEN_API_KEY"])
        .base_url_variables(["GOGOGOTOKEN_BASE_URL"])
});

impl Gogogotoken {
    fn reader(request: &Checked) -> Reader {
        // The page states only "URLs usually live for a while (24 hours, for example)".
        let lifetime = Some(Duration::from_secs(24 * 3600));
        Reader { model: request.model().clone(), kind_of: error_codes::kind_of, lifetime }
    }
}

impl Dialect for Gogogotoken {
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
        Self::reader(request).outcome(response).map_err(error_codes::advise)
    }

    fn is_lenient(&self) -> bool {
        true
    }

    fn effective(&self, request: &Checked, mut members: Map<String, Value>) -> Effective {
        members.entry("n").or_insert_with(|| 1.into());
        members.entry("size").or_insert_with(|| "2048x2048".into());
        members.entry("response_format").or_insert_with(|| "url".into());
        Effective { body: members, max_images: Some(request.ceiling()) }
    }
}
