//! Harbour Pictures: an invented provider, whose whole document is `harbour.txt`.
//!
//! It shows what a stranger writes for a provider of his own: this adapter, `fixtures/harbour` and one line in
//! `tests/conformance.rs`. Nothing of the workspace knows it. [`quarry`] is another provider, whose responses are tasks.

pub mod quarry;

use std::{sync::LazyLock, time::Duration};

use bytes::Bytes;
use seedream_core::{
    Capabilities, CatalogDialect, Checked, Count, Decoded, Descriptor, Dialect, Effective, ErrorKind, Family, Field,
    FieldRule, ImagesRule, Limits, Medium, Members, ModelEntry, ModelId, ModelInfo, PixelRule, ReferenceRule, Response,
    ResponseFormat, Result, SizeRule, Source, Stage,
};
use seedream_wire::{Reader, get, models, post};
use serde::Serialize;
use serde_json::{Map, Value};

/// The dialect of Harbour Pictures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Harbour;

const DOCUMENT: &str = "harbour";

const fn stated(at: &'static str) -> Source {
    Source::documented(DOCUMENT, at)
}

static DESCRIPTOR: LazyLock<Descriptor> = LazyLock::new(|| {
    let models = [
        ModelEntry::new("harbour-large", Family::Seedream4_5, stated("model")),
        ModelEntry::new("harbour-classic", Family::Seedream4, stated("model")),
    ];
    Descriptor::new("harbour", "Harbour Pictures", DOCUMENT, models)
        .base_urls(["https://api.harbour.example/v2"])
        .key_variables(["HARBOUR_API_KEY"])
        .base_url_variables(["HARBOUR_BASE_URL"])
});

/// The members of the body, in the order of the document.
const MEMBERS: &[&str] = &["model", "text", "pictures", "pixels", "deliver", "mark", "seed"];

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pictures: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pixels: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliver: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
}

impl Harbour {
    fn reader(model: ModelId) -> Reader {
        Reader { model, kind_of, lifetime: Some(Duration::from_secs(6 * 3600)) }
    }
}

/// What a code means; what has none is understood by its status.
fn kind_of(_status: u16, code: &str) -> Option<ErrorKind> {
    Some(match code {
        "bad_value" => ErrorKind::InvalidRequest,
        "unsuitable" => ErrorKind::rejected(Stage::Input, Medium::Text),
        "withheld" => ErrorKind::rejected(Stage::Output, Medium::Image),
        "bad_key" => ErrorKind::Authentication,
        "empty" => ErrorKind::Balance,
        "slow_down" => ErrorKind::RateLimited,
        // "No machine is free; nothing was made or billed."
        "full" => ErrorKind::Overloaded,
        "broken" => ErrorKind::Server,
        _ => return None,
    })
}

impl Dialect for Harbour {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        let resolution = DESCRIPTOR.resolve(model);
        let family = resolution.family;
        let pixels =
            |least| SizeRule::only_pixels(PixelRule::new(least, 16_777_216, 16), "2048x2048", stated("pixels"));
        let size = match family {
            Some(Family::Seedream4) => pixels(921_600),
            Some(_) => pixels(3_686_400),
            None => {
                let mut size = Limits::unknown().size;
                size.tiers.clear();
                size
            }
        };
        let mut rules = Capabilities::new(
            &DESCRIPTOR,
            resolution,
            size,
            Members::new(MEMBERS.iter().copied(), stated("POST /pictures")),
        );
        rules.references = ReferenceRule::absent(stated("POST /pictures"));
        rules.images = ImagesRule::up_to(8, stated("pictures"));
        rules.images.prompt_decides = false;
        let seed = match family {
            Some(Family::Seedream4) => FieldRule::refused(Field::Seed, stated("seed")),
            _ => FieldRule::honoured(Field::Seed, stated("seed")),
        };
        rules.fields = [
            FieldRule::honoured(Field::ResponseFormat, stated("deliver")).one_of(&["url", "b64_json"]).default("url"),
            FieldRule::honoured(Field::Watermark, stated("mark")).default(false),
            seed.within(0.0, 2_147_483_647.0),
        ]
        .into();
        rules
    }

    fn encode(&self, checked: &Checked) -> Result<http::Request<Bytes>> {
        checked.belongs_to(&DESCRIPTOR.id)?;
        let request = checked.request();
        let body = Body {
            model: checked.model().as_str(),
            text: &request.prompt,
            pictures: request.count.and_then(Count::number),
            pixels: checked.size().and_then(|size| size.size.as_deref()),
            deliver: request.response_format.map(ResponseFormat::wire),
            mark: request.watermark,
            seed: request.seed,
        };
        post("/pictures", &body, &request.extra)
    }

    fn decode(&self, checked: &Checked, response: &Response) -> Result<Decoded> {
        Self::reader(checked.model().clone()).outcome(response)
    }

    fn is_lenient(&self) -> bool {
        true
    }

    fn effective(&self, checked: &Checked, mut members: Map<String, Value>) -> Effective {
        members.entry("pictures").or_insert_with(|| 1.into());
        members.entry("pixels").or_insert_with(|| "2048x2048".into());
        members.entry("deliver").or_insert_with(|| "url".into());
        members.entry("mark").or_insert_with(|| false.into());
        Effective { body: members, max_images: Some(checked.ceiling()) }
    }

    fn catalog(&self) -> Option<&dyn CatalogDialect> {
        Some(self)
    }
}

impl CatalogDialect for Harbour {
    fn models_request(&self) -> http::Request<Bytes> {
        get("/models").expect("the path is a path")
    }

    fn decode_models(&self, response: &Response) -> Result<Vec<ModelInfo>> {
        models(&Self::reader("".into()), response)
    }
}
