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
    Capabilities, CatalogDialect, Checked, Decoded, Descriptor, Dialect, Effective, Family, ModelEntry, ModelId,
    ModelInfo, Response, Result, Source,
};
use seedream_wire::{Reader, post};
use serde_json::{Map, Value};

use capabilities::PAGE;

#[cfg(feature = "client")]
pub use seedream_client;
pub use seedream_core;

/// The dialect of docs.aioagi.tech/api-reference/endpoint/seedream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Aiearth;

/// The page names "the Seedream series" and refers to `GET /models`.
const SERIES: Source = Source::derived("the provider's page names the series, Ark publishes the ids");

static DESCRIPTOR: LazyLock<Descriptor> = LazyLock::new(|| {
    let models = [
        ModelEntry::new("doubao-seedream-5-0-260128", Family::Seedream5Lite, Source::documented(PAGE, "model")),
        ModelEntry::new("doubao-seedream-4-5-251128", Family::Seedream4_5, SERIES),
        ModelEntry::new("doubao-seedream-4-0-250828", Family::Seedream4, SERIES),
        ModelEntry::new("doubao-seedream-3-0-t2i-250415", Family::Seedream3T2i, SERIES),
    ];
    Descriptor::new("aiearth", "AIOAGI (aiearth)", PAGE, models)
        .pages(["docs.aioagi.tech"])
        .base_urls(["https://api.aiearth.dev/v1", "https://api.aiearth.vip/v1"])
        .key_variables(["AIEARTH_API_KEY", "AIO_API_KEY"])
        .base_url_variables(["AIEARTH_BASE_URL", "AIO_BASE_URL"])
});

impl Aiearth {
    fn reader(model: ModelId) -> Reader {
        // The page states only that links expire; 24 hours is the lifetime at Ark.
        Reader { model, kind_of: error_codes::kind_of, lifetime: Some(Duration::from_secs(24 * 3600)) }
    }
}

impl Dialect for Aiearth {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        capabilities::of(&DESCRIPTOR, model)
    }

    fn encode(&self, request: &Checked) -> Result<http::Request<Bytes>> {
        request.belongs_to(&DESCRIPTOR.id)?;
        post("/images/generations", &body::Body::of(request), &request.request().extra)
    }

    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded> {
        Self::reader(request.model().clone()).outcome(response).map_err(error_codes::advise)
    }

    fn is_lenient(&self) -> bool {
        true
    }

    fn effective(&self, request: &Checked, mut members: Map<String, Value>) -> Effective {
        members.entry("response_format").or_insert_with(|| "url".into());
        members.entry("output_format").or_insert_with(|| "jpeg".into());
        members.entry("watermark").or_insert_with(|| true.into());
        if let Some(size) = capabilities::of(&DESCRIPTOR, request.model()).size.default {
            members.entry("size").or_insert_with(|| size.into());
        }
        Effective { body: members, max_images: Some(request.ceiling()) }
    }

    fn catalog(&self) -> Option<&dyn CatalogDialect> {
        Some(self)
    }
}

impl CatalogDialect for Aiearth {
    fn models_request(&self) -> http::Request<Bytes> {
        let mut request = http::Request::new(Bytes::new());
        *request.uri_mut() = http::Uri::from_static("/models");
        request
    }

    fn decode_models(&self, response: &Response) -> Result<Vec<ModelInfo>> {
        seedream_wire::models(&Self::reader("".into()), response).map_err(error_codes::advise)
    }
}
