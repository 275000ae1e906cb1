//! Quarry Images: an invented provider whose responses are tasks, and whose whole document is `quarry.txt`.
//!
//! Sizes are ratios with a level in lower case, codes are numbers, everything is in an envelope, and what a task costs stands in its
//! last poll. Nothing of the workspace knows it: the mock serves it by `fixtures/quarry/provider.json`.

use std::{sync::LazyLock, time::Duration};

use bytes::Bytes;
use http::Request;
use seedream_core::{
    Capabilities, Charge, Checked, Count, Decoded, Descriptor, Dialect, Effective, ErrorKind, Family, Field, FieldRule,
    Generation, ImageData, ImagesRule, Limits, Medium, Members, ModelEntry, ModelId, Ratio, ReferenceRule, Response,
    Result, SizeRule, Source, Stage, Task, TaskDialect, TaskState, Tier, Timestamp,
};
use seedream_wire::{Reader, Tasks, get, post};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// The dialect of Quarry Images.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quarry;

const DOCUMENT: &str = "quarry";

const fn stated(at: &'static str) -> Source {
    Source::documented(DOCUMENT, at)
}

static DESCRIPTOR: LazyLock<Descriptor> = LazyLock::new(|| {
    let models = [
        ModelEntry::new("quarry-4.5", Family::Seedream4_5, stated("model")),
        ModelEntry::new("quarry-4", Family::Seedream4, stated("model")),
    ];
    Descriptor::new("quarry", "Quarry Images", DOCUMENT, models)
        .base_urls(["https://api.quarry.example"])
        .key_variables(["QUARRY_API_KEY"])
        .base_url_variables(["QUARRY_BASE_URL"])
});

/// The members of the body, in the order of the document.
const MEMBERS: &[&str] = &["model", "prompt", "size", "resolution", "n", "watermark"];

const RATIOS: [Ratio; 5] = [Ratio::of(1, 1), Ratio::of(4, 3), Ratio::of(3, 4), Ratio::of(16, 9), Ratio::of(9, 16)];

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    watermark: Option<bool>,
}

/// What a code of an error means.
fn kind_of(_status: u16, code: &str) -> Option<ErrorKind> {
    Some(match code {
        "1001" => ErrorKind::InvalidRequest,
        "1002" => ErrorKind::rejected(Stage::Input, Medium::Text),
        "1101" => ErrorKind::Authentication,
        "1201" => ErrorKind::Balance,
        "1301" => ErrorKind::TaskNotFound,
        "1401" => ErrorKind::RateLimited,
        "1501" => ErrorKind::Server,
        _ => return None,
    })
}

/// What a code of a failed task means.
fn kind_of_failure(code: &str) -> Option<ErrorKind> {
    Some(match code {
        "2001" => ErrorKind::TaskFailed,
        "2002" => ErrorKind::rejected(Stage::Output, Medium::Image),
        _ => return None,
    })
}

fn tasks(model: &ModelId) -> Tasks {
    Tasks {
        reader: Reader { model: model.clone(), kind_of, lifetime: Some(Duration::from_secs(24 * 3600)) },
        kind_of_failure,
        results: "images",
        failed: Charge::No,
    }
}

/// What the family of most resellers does not state: when the URL of an image ends, and what the task costs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Poll {
    data: PollData,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PollData {
    cost: Option<Number>,
    result: PollResult,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PollResult {
    images: Vec<PollImage>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PollImage {
    url: Vec<String>,
    expires_at: Option<i64>,
}

/// Adds it to the images that were found; a body of another form adds nothing.
fn complete(generation: &mut Generation, response: &Response) {
    let Poll { data } = serde_json::from_slice(&response.body).unwrap_or_default();
    if let Some(cost) = data.cost {
        generation.usage.other.insert("cost".into(), Value::Number(cost));
    }
    for image in generation.outcomes.iter_mut().flatten() {
        let ImageData::Url { url, expires_at } = &mut image.data else { continue };
        let told = data.result.images.iter().find(|told| told.url.contains(url));
        let at = told.and_then(|told| Timestamp::from_unix_seconds(told.expires_at?));
        *expires_at = at.or(*expires_at);
    }
}

impl Dialect for Quarry {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        let resolution = DESCRIPTOR.resolve(model);
        let mut size = SizeRule::only_ratios(&RATIOS, Some("1:1"), stated("size"));
        size.qualities = match resolution.family {
            Some(Family::Seedream4) => vec![Tier::K1, Tier::K2, Tier::K4],
            Some(_) => vec![Tier::K2, Tier::K4],
            None => Tier::ALL.to_vec(),
        };
        if resolution.family.is_none() {
            size.source = Limits::unknown().size.source;
        }
        let members = Members::new(MEMBERS.iter().copied(), stated("POST /v1/images/generations"));
        let mut rules = Capabilities::new(&DESCRIPTOR, resolution, size, members);
        rules.references = ReferenceRule::absent(stated("POST /v1/images/generations"));
        rules.images = ImagesRule::up_to(4, stated("n"));
        rules.images.prompt_decides = false;
        rules.fields = [FieldRule::honoured(Field::Watermark, stated("watermark")).default(false)].into();
        rules
    }

    fn encode(&self, checked: &Checked) -> Result<Request<Bytes>> {
        checked.belongs_to(&DESCRIPTOR.id)?;
        let (request, size) = (checked.request(), checked.size());
        let body = Body {
            model: checked.model().as_str(),
            prompt: &request.prompt,
            size: size.and_then(|size| size.size.as_deref()),
            resolution: size.and_then(|size| size.quality).map(|tier| tier.as_str().to_lowercase()),
            n: request.count.and_then(Count::number),
            watermark: request.watermark,
        };
        post("/v1/images/generations", &body, &request.extra)
    }

    fn decode(&self, checked: &Checked, response: &Response) -> Result<Decoded> {
        tasks(checked.model()).accepted(response)
    }

    fn is_lenient(&self) -> bool {
        true
    }

    fn effective(&self, checked: &Checked, mut members: Map<String, Value>) -> Effective {
        members.entry("size").or_insert_with(|| "1:1".into());
        members.entry("resolution").or_insert_with(|| "2k".into());
        members.entry("n").or_insert_with(|| 1.into());
        members.entry("watermark").or_insert_with(|| false.into());
        Effective { body: members, max_images: Some(checked.ceiling()) }
    }

    fn tasks(&self) -> Option<&dyn TaskDialect> {
        Some(self)
    }
}

impl TaskDialect for Quarry {
    fn poll(&self, task: &Task) -> Result<Request<Bytes>> {
        get(&format!("/v1/tasks/{}?language=en", task.id))
    }

    fn decode_poll(&self, task: &Task, response: &Response) -> Result<TaskState> {
        let state = tasks(&task.model).state(task, response).map_err(|error| error.with_provider(&DESCRIPTOR.id))?;
        Ok(match state {
            TaskState::Done(mut generation) => {
                complete(&mut generation, response);
                TaskState::Done(generation)
            }
            other => other,
        })
    }
}
