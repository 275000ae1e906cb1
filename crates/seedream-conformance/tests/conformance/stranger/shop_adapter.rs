//! The adapter and its facts. The facts are made from those of evolink, whose form of tasks it has.

use std::{fs, sync::LazyLock};

use bytes::Bytes;
use seedream::adapters::Evolink;
use seedream_core::{
    Capabilities, Checked, Count, Decoded, Descriptor, Dialect, Effective, Error, Family, Field, FieldRule, Generation,
    ImagesRule, Members, ModelEntry, ModelId, Ratio, ReferenceRule, Response, Result, SizeRule, Source, Standing, Task,
    TaskDialect, TaskState, Tier,
};
use seedream_fixtures::FixtureLibrary;
use serde_json::{Map, Value, json};

/// What the adapter does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mistake {
    None,
    UpperCaseTier,
    ShortPath,
    PollsJobs,
    AddsQuery,
    InventsEstimate,
    LongEstimate,
    WrongDefault,
    NoKeyVariable,
    StrictUnknown,
    NoMessage,
    NoRaw,
    NoRequestId,
    OneSeed,
    OneRatio,
}

#[derive(Debug)]
pub(crate) struct Shop(pub(crate) Mistake);

const RATIOS: [Ratio; 3] = [Ratio::of(1, 1), Ratio::of(16, 9), Ratio::of(9, 16)];

const MEMBERS: [&str; 6] = ["model", "prompt", "n", "size", "quality", "seed"];

fn source() -> Source {
    Source::documented("002", "request body")
}

fn descriptor() -> Descriptor {
    let models = [ModelEntry::new("doubao-seedream-4.5", Family::Seedream4_5, source())];
    Descriptor::new("shop", "Shop", "002", models).base_urls(["https://api.shop.example/v1"])
}

static DESCRIPTOR: LazyLock<Descriptor> = LazyLock::new(|| descriptor().key_variables(["SHOP_API_KEY"]));
static WITHOUT_KEY: LazyLock<Descriptor> = LazyLock::new(descriptor);

impl Shop {
    fn is(&self, mistake: Mistake) -> bool {
        self.0 == mistake
    }

    fn read(&self, mut generation: Generation) -> Generation {
        if self.is(Mistake::NoRaw) {
            generation.raw = Bytes::new();
        }
        generation
    }

    fn failed(&self, error: Error, response: &Response) -> Error {
        let mut response = response.clone();
        if self.is(Mistake::NoRequestId) {
            response.headers.clear();
        } else if !self.is(Mistake::NoMessage) {
            return error;
        }
        let message = if self.is(Mistake::NoMessage) { "it failed" } else { error.message() };
        Error::from_response(error.kind(), message, &response)
            .with_code_and_param(error.code().map(str::to_owned), error.param().map(str::to_owned))
            .with_charge(error.charge())
    }
}

impl Dialect for Shop {
    fn descriptor(&self) -> &Descriptor {
        if self.is(Mistake::NoKeyVariable) { &WITHOUT_KEY } else { &DESCRIPTOR }
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        let resolution = DESCRIPTOR.resolve(model);
        let known = resolution.standing == Standing::Sold;
        let mut size = SizeRule::only_ratios(&RATIOS, Some("1:1"), source());
        size.qualities = vec![Tier::K2, Tier::K4];
        let mut rules = Capabilities::new(&DESCRIPTOR, resolution, size, Members::new(MEMBERS, source()));
        rules.references = ReferenceRule::absent(source());
        rules.images = if known { ImagesRule::up_to(15, source()) } else { ImagesRule::up_to(None, source()) };
        if !known && self.is(Mistake::StrictUnknown) {
            rules.images = ImagesRule::up_to(4, source());
        }
        rules.fields = [FieldRule::honoured(Field::Seed, source()).within(0.0, 99.0)].into();
        rules
    }

    fn encode(&self, checked: &Checked) -> Result<http::Request<Bytes>> {
        checked.belongs_to("shop")?;
        let request = checked.request();
        let tier = checked.size().and_then(|size| size.quality).map(|tier| tier.to_string());
        let spelled = |tier: String| if self.is(Mistake::UpperCaseTier) { tier } else { tier.to_lowercase() };
        let ratio = checked.size().and_then(|size| size.size.as_deref());
        let ratio = ratio.map(|ratio| if self.is(Mistake::OneRatio) { "16:9" } else { ratio });
        let seed = request.seed.map(|seed| if self.is(Mistake::OneSeed) { 1 } else { seed });
        let body = json!({
            "model": checked.model(), "prompt": request.prompt, "n": request.count.and_then(Count::number), "size": ratio,
            "quality": tier.map(spelled), "seed": seed,
        });
        let mut members = body.as_object().unwrap().clone();
        members.retain(|_, value| !value.is_null());
        let path = if self.is(Mistake::ShortPath) { "/generations" } else { "/images/generations" };
        members.extend(request.extra.clone());
        let request = http::Request::post(path).header("content-type", "application/json");
        Ok(request.body(Value::from(members).to_string().into()).unwrap())
    }

    fn decode(&self, checked: &Checked, response: &Response) -> Result<Decoded> {
        match Evolink.decode(checked, response) {
            Ok(Decoded::Accepted(mut acceptance)) => {
                acceptance.estimated_seconds = match self.0 {
                    Mistake::InventsEstimate => Some(60),
                    Mistake::LongEstimate => Some(600),
                    _ => acceptance.estimated_seconds,
                };
                Ok(Decoded::Accepted(acceptance))
            }
            Ok(Decoded::Done(generation)) => Ok(Decoded::Done(self.read(generation))),
            Err(error) => Err(self.failed(error, response)),
            other => other,
        }
    }

    fn effective(&self, checked: &Checked, mut members: Map<String, Value>) -> Effective {
        let default = if self.is(Mistake::WrongDefault) { 2 } else { 1 };
        members.entry("n").or_insert_with(|| default.into());
        members.entry("size").or_insert_with(|| "1:1".into());
        Effective { body: members, max_images: Some(checked.ceiling()) }
    }

    fn is_lenient(&self) -> bool {
        true
    }

    fn tasks(&self) -> Option<&dyn TaskDialect> {
        Some(self)
    }
}

impl TaskDialect for Shop {
    fn poll(&self, task: &Task) -> Result<http::Request<Bytes>> {
        let folder = if self.is(Mistake::PollsJobs) { "jobs" } else { "tasks" };
        let query = if self.is(Mistake::AddsQuery) { "?language=en" } else { "" };
        Ok(http::Request::get(format!("/{folder}/{}{query}", task.id)).body(Bytes::new()).unwrap())
    }

    fn decode_poll(&self, task: &Task, response: &Response) -> Result<TaskState> {
        match Evolink.decode_poll(task, response) {
            Ok(TaskState::Done(generation)) => Ok(TaskState::Done(self.read(generation))),
            Ok(TaskState::Failed(error)) => Ok(TaskState::Failed(self.failed(error, response))),
            Err(error) => Err(self.failed(error, response)),
            other => other,
        }
    }
}

/// Its facts with a change of `provider.json`; the faults where they cannot be read.
pub(crate) fn facts(edit: impl Fn(&mut Value)) -> std::result::Result<FixtureLibrary, Vec<String>> {
    let evolink = |file: &str| -> Value {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/evolink");
        serde_json::from_str(&fs::read_to_string(format!("{folder}/{file}")).unwrap()).unwrap()
    };
    let source = json!({"document": "002", "lines": "1", "kind": "documented"});
    let member = |name: &str, kind: &str| json!({"name": name, "type": [kind], "role": name, "source": source});
    let mut provider = evolink("provider.json");
    (provider["id"], provider["name"]) = ("shop".into(), "Shop".into());
    provider["base_urls"] = json!(["https://api.shop.example/v1"]);
    provider["routes"].as_array_mut().unwrap().truncate(2);
    // Its exchanges are fewer than those of evolink, and show less.
    provider["task"]["source"] = json!({"kind": "derived"});
    provider["models"].as_array_mut().unwrap().truncate(1);
    let model = &mut provider["models"][0];
    model["size"] = json!({
        "ratios": ["1:1", "16:9", "9:16"], "qualities": ["2k", "4k"], "default": "1:1", "default_pixels": "2048x2048",
        "table": "seedream",
    });
    let members = model.as_object_mut().unwrap();
    members.retain(|name, _| {
        !["references", "references_plus_images", "refused", "ignored", "values"].contains(&name.as_str())
    });
    let (mut count, mut seed) = (member("count", "integer"), member("seed", "integer"));
    (count["name"], count["default"]) = ("n".into(), 1.into());
    (seed["min"], seed["max"]) = (0.into(), 99.into());
    let texts = ["model", "prompt", "size", "quality"].map(|name| member(name, "string"));
    provider["fields"] = texts.into_iter().chain([count, seed]).collect();
    edit(&mut provider);
    let query = provider["routes"][1]["path"].as_str().and_then(|path| path.split_once('?')).map(|(_, query)| query);

    let mut files = vec![("provider.json".to_owned(), provider.clone())];
    let says = "A request has a ratio 1:1, 16:9 or 9:16, a quality 2k or 4k, n of 1 to 15, and a seed from 0 to 99.";
    files.push((
        "rules.json".to_owned(),
        json!([{"id": "body", "lines": "1", "says": says, "cases": ["generate/minimal"]}]),
    ));
    let mut minimal = evolink("generate/create-4-5.json");
    minimal.as_object_mut().unwrap().remove("prompt_sha256");
    minimal["given"] = json!({"model": "doubao-seedream-4.5", "prompt": "a still lake"});
    minimal["request"]["json"] = minimal["given"].clone();
    for (at, name) in [("/response/json/task_info", "estimated_time"), ("/expect/task", "estimated_seconds")] {
        minimal.pointer_mut(at).unwrap().as_object_mut().unwrap().remove(name);
    }
    files.push(("generate/minimal.json".to_owned(), minimal));
    for name in ["pending", "processing", "completed", "failed-service-error"] {
        let mut poll = evolink(&format!("tasks/{name}.json"));
        if let (Some(query), Some(path)) = (query, poll["request"]["path"].as_str()) {
            poll["request"]["path"] = format!("{path}?{query}").into();
        }
        if let Some(info) = poll["response"]["json"]["task_info"].as_object_mut() {
            info.remove("estimated_time");
        }
        files.push((format!("tasks/{name}.json"), poll));
    }
    files.push(("errors/key.json".to_owned(), evolink("errors/create-401.json")));
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join("shop").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content.to_string()).unwrap();
    }
    seedream_fixtures::load_dir(folder.path()).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}
