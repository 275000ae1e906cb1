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
    ModelInfo, Response, Result, Site, Source, StreamDecoder, StreamDialect,
};
use seedream_wire::{Reader, post};
use serde_json::{Map, Value};

use capabilities::PAGE;

#[cfg(feature = "client")]
pub use seedream_client;
pub use seedream_core;

/// The dialect of doc.aimanyi.top/api-349230272.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ark;

const IDS: Source = Source::published("volcengine.com/docs/82379/1541523", "model");

static DESCRIPTOR: LazyLock<Descriptor> = LazyLock::new(|| {
    let models = [
        ModelEntry::new("doubao-seedream-4-0-250828", Family::Seedream4, Source::documented(PAGE, "title"))
            .aliases(["seedream-4-0-250828"]),
        ModelEntry::new("doubao-seedream-4-5-251128", Family::Seedream4_5, IDS).aliases(["seedream-4-5-251128"]),
        ModelEntry::new("doubao-seedream-5-0-260128", Family::Seedream5Lite, IDS).aliases([
            "doubao-seedream-5-0-lite-260128",
            "seedream-5-0-260128",
            "seedream-5-0-lite-260128",
        ]),
        ModelEntry::new("doubao-seedream-5-0-pro-260628", Family::Seedream5Pro, IDS)
            .aliases(["dola-seedream-5-0-pro-260628"]),
        ModelEntry::new("doubao-seedream-5-0-flash-260915", Family::Seedream5Flash, IDS)
            .aliases(["dola-seedream-5-0-flash-260915"]),
        ModelEntry::new("dola-seedream-5-5-261028", Family::Seedream5_5, capabilities::page_5_5("model"))
            .aliases(["seedream-5-5-261028"]),
        ModelEntry::new("doubao-seedream-3-0-t2i-250415", Family::Seedream3T2i, IDS)
            .aliases(["seedream-3-0-t2i-250415"]),
    ];
    Descriptor::new("ark", "Volcengine Ark and relays of its form", PAGE, models)
        .pages(["volcengine.com", "ai.byteplus.com", "docs.byteplus.com"])
        .base_urls(["https://ark.cn-beijing.volces.com/api/v3"])
        .key_variables(["ARK_API_KEY"])
        .base_url_variables(["ARK_BASE_URL"])
        .key_optional()
        .sites([Site::new(
            "BytePlus",
            "https://ark.ap-southeast.bytepluses.com/api/v3",
            [
                "seedream-4-0-250828",
                "seedream-4-5-251128",
                "seedream-5-0-260128",
                "dola-seedream-5-0-pro-260628",
                "dola-seedream-5-0-flash-260915",
                "dola-seedream-5-5-261028",
            ],
            Source::published_on(
                "2026-11-28",
                "ai.byteplus.com/ark/region:ap-southeast-1/docs/image-generation-api",
                "model",
            ),
        )])
});

impl Ark {
    fn reader(model: ModelId) -> Reader {
        // "The link is good for 24 hours after the image was made" (doc.aimanyi.top/api-349230272, response_format).
        Reader { model, kind_of: error_codes::kind_of, lifetime: Some(Duration::from_secs(24 * 3600)) }
    }
}

impl Dialect for Ark {
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
        Self::reader(request.model().clone()).outcome(response)
    }

    fn is_lenient(&self) -> bool {
        true
    }

    fn effective(&self, request: &Checked, mut members: Map<String, Value>) -> Effective {
        let rules = capabilities::of(&DESCRIPTOR, request.model());
        if !rules.images.count_refused {
            members.entry("sequential_image_generation").or_insert_with(|| "disabled".into());
        }
        if let Some(size) = rules.size.default {
            members.entry("size").or_insert_with(|| size.into());
        }
        members.entry("response_format").or_insert_with(|| "url".into());
        members.entry("watermark").or_insert_with(|| true.into());
        members.entry("stream").or_insert_with(|| false.into());
        Effective { body: members, max_images: Some(request.ceiling()) }
    }

    fn streaming(&self) -> Option<&dyn StreamDialect> {
        Some(self)
    }

    fn catalog(&self) -> Option<&dyn CatalogDialect> {
        Some(self)
    }
}

impl StreamDialect for Ark {
    fn decoder(&self, request: &Checked) -> Box<dyn StreamDecoder> {
        Self::reader(request.model().clone()).stream(request.ceiling())
    }
}

/// Published, not documented: Volcengine supports it, and BytePlus too by two reports of live calls; the plans do not.
impl CatalogDialect for Ark {
    fn models_request(&self) -> http::Request<Bytes> {
        let mut request = http::Request::new(Bytes::new());
        *request.uri_mut() = http::Uri::from_static("/models");
        request
    }

    fn decode_models(&self, response: &Response) -> Result<Vec<ModelInfo>> {
        seedream_wire::models(&Self::reader("".into()), response)
    }
}
