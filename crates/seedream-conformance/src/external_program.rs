//! Adapters in any language: a program that is asked in lines of JSON.
//!
//! `seedream conformance run --exec 'python3 adapter.py'` starts the program (words parted by spaces, no shell) and judges it as any
//! other adapter. It reads one question a line from its standard input and writes one response a line to its standard output, in the same
//! order; its standard error is left alone.
//!
//! ```text
//! {"id": 7, "method": "decode", "params": {…}}
//! {"id": 7, "result": {…}}
//! ```
//!
//! | method | params | result |
//! |---|---|---|
//! | `describe` | none | the provider and the rules of its models: asked first, once |
//! | `encode` | `checked` | `{"method": "POST", "path": "/v1/images/generations", "json": {…}}`, the path below the base URL, no key |
//! | `decode` | `checked`, `response` | what the response means |
//! | `effective` | `checked`, `json` | `json`, the body that `encode` wrote, after the provider's defaults |
//! | `poll` | `task` | as `encode` |
//! | `decode_poll` | `task`, `response` | what the response means |
//! | `event` | `checked`, `frame` | `{"images": […]}`: what one event of a stream brought |
//! | `finish` | `checked`, `frames`, `response` | what a whole stream means |
//! | `models` | none | as `encode` |
//! | `decode_models` | `response` | `{"models": ["id", …]}`, or an error |
//!
//! The three pairs after `effective` are asked only of a program that names them among its `abilities`: `tasks`, `streaming`,
//! `catalog`. What it does not name and its document does not have is skipped, with the reason; what its document has fails.
//!
//! `describe` gives (`abilities`, `capabilities`, `aliases` and `key_variables`, which are `["GOGOGOTOKEN_API_KEY"]` unless stated, are
//! optional):
//!
//! ```text
//! {"id": "gogogotoken", "document": "docs.gogogotoken.ai/overseas/seedream-images", "base_urls": ["https://…"], "default_model": "…",
//!  "abilities": ["catalog"],
//!  "capabilities": RULES,                          for every model
//!  "models": [{"id": "…", "family": "seedream-4.5", "aliases": […], "capabilities": RULES}],
//!  "unknown": RULES}                               for a model that is not known: no limit but what is stated
//!
//! RULES: {"members": {"names": ["model", "prompt", …]},              the members that `encode` writes by itself
//!         "ignored_members": {"names": ["style", …]},                members that are taken and have no effect
//!         "precedence": {"member": "…", "field": "count", "message": "…"},      a member that beats a field, and how
//!         "size": {"tiers": ["2K"], "ratios": ["16:9"], "qualities": ["2K"], "auto": false, "default": "2048x2048",
//!                  "pixels": {"min": 3686400, "max": 16777216, "max_aspect": 16},
//!                  "table": [{"tier": "2K", "ratio": "16:9", "pixels": "2848x1600"}]},     Ark's own unless stated
//!         "references": {"max": 10, "inline": true, "max_bytes": 10485760, "media_types": ["image/png"],
//!                        "side_above": 14, "pixels": {"min": 1, "max": 36000000}},
//!         "images": {"max": 15, "advised_max": 15, "auto": false, "prompt_decides": true, "count_refused": false,
//!                    "with_references": {"limit": 15, "truncates": false}},     references and images together
//!         "prompt": {"advised_chars": 2000, "advised_length": false},       the latter: 300 Chinese characters, 600 English words
//!         "background": {"values": ["opaque"]},                             of the member that `extra` reaches; [] where it is refused
//!         "layers": {"most": 16, "open": false},                            most layers beside the base, 0 where they are refused
//!         "fields": {"seed": {"support": "honoured", "values": […], "range": [0, 9], "default": 1, "unsaid": 1}}}
//! ```
//!
//! RULES are a part of the one schema of capabilities, which `seedream models --json` prints and `--limits` reads
//! ([`CAPABILITIES_SCHEMA`](seedream_core::CAPABILITIES_SCHEMA)).
//!
//! Every member of RULES is optional; without `references` or `images` there are none, or one. `checked` is a request that has passed
//! these rules: `{"model": "…", "request": {…}, "size": "2048x2048", "quality": "2K"}`, the request in its stored form. `response` is
//! `{"status": 200, "headers": {…}, "body": "…", "truncated": false, "repaired": false}`. What a response means is one of:
//!
//! ```text
//! {"images": [{"index": 0, "url": "https://…", "size": "2048x2048", "format": "png", "expires_at": 1795132800, "other": {…}},
//!             {"index": 1, "base64": "…"}, {"index": 2, "error": ERROR}],
//!  "reported_model": "…", "created": 1795132800, "request_id": "…", "usage": {"generated_images": 2}}
//! {"accepted": "task-id", "estimated_seconds": 45, "can_cancel": true, …}
//! {"running": "processing", "progress": 40, "estimated_seconds": 45}      and the images that are there already
//! {"failed": ERROR, …}                            the task has failed; with `error` it was the poll that did
//! {"error": {"kind": "rate_limited", "code": "…", "message": "…", "param": "…", "stage": "input", "medium": "text", "charge": "no"}, …}
//! ```
//!
//! Beside images `warnings` (`[{"kind": "undocumented", "message": "…"}]`) says what is odd, and `charge` what they cost where `usage`
//! does not say; `other_ids` stands beside `accepted` where a response names several ids, and `"complete": true` beside the images of
//! an event where nothing but an end can follow. They are for a program that names `lenient` among its abilities: it promises to read
//! shapes that its document does not show, and the law `crooked` holds it to that. Every program is held to what the operation does
//! around it: a body that is almost JSON, or was cut, is repaired before it is asked, and `truncated` or `repaired` says so.
//!
//! `…` are `reported_model`, `created`, `request_id` and `usage`: they may stand beside images and beside an error, and all but
//! `request_id` beside a task that was accepted. Without a `request_id` it is read from the headers, without a `charge` it follows from
//! kind and status.
//!
//! A program that ends, answers out of turn, or not within ten seconds cannot be judged: it is stopped, every case that needs it is a
//! harness error, and the command ends with 3. A response of another form makes a harness error of its case alone.

mod child_process;
mod describe;
mod response_meaning;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, header::CONTENT_TYPE};
use seedream_core::{
    Blobs, Capabilities, CatalogDialect, Checked, Decoded, Descriptor, Dialect, Effective, Generation, ModelId,
    ModelInfo, Response, Result, StreamDecoder, StreamDialect, StreamItem, Task, TaskDialect, TaskState, sse::Frame,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json, value::RawValue};

use child_process::Program;
use describe::ProgramDescription;
use response_meaning::ResponseMeaning;

use crate::case::HarnessFault;

/// An adapter that is a program.
#[derive(Clone, Debug)]
pub struct ExecDialect {
    program: Arc<Program>,
    described: Arc<ProgramDescription>,
}

/// A request as the program writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramRequest {
    method: String,
    path: String,
    json: Option<Box<RawValue>>,
}

impl ExecDialect {
    /// Starts a program and asks it to describe itself.
    ///
    /// # Errors
    /// It does not start, or its description is not usable.
    pub fn start(command: &str) -> std::result::Result<Self, String> {
        let program = Program::start(command, child_process::PATIENCE)?;
        let described = program.ask("describe", &json!({})).map_err(|HarnessFault(said)| said)?;
        let described = serde_json::from_str::<describe::DescribeResult>(described.get());
        let described = described.map_err(|error| error.to_string()).and_then(ProgramDescription::try_from);
        let described = described.map_err(|error| format!("`{command}` does not describe itself: {error}"))?;
        Ok(Self { program: Arc::new(program), described: Arc::new(described) })
    }

    /// Asks. A program that fails ends the case: its fault is not the adapter's response.
    fn ask<T: DeserializeOwned>(&self, method: &str, params: &Value) -> T {
        let response = self.program.ask(method, params);
        let read = response.and_then(|response| {
            serde_json::from_str(response.get())
                .map_err(|error| self.program.unusable(&format!("answers {method} with what cannot be used: {error}")))
        });
        read.unwrap_or_else(|fault| std::panic::resume_unwind(Box::new(fault)))
    }

    fn request(&self, method: &str, params: &Value) -> Request<Bytes> {
        let written: ProgramRequest = self.ask(method, params);
        let verb = Method::from_bytes(written.method.as_bytes()).unwrap_or(Method::POST);
        let request = Request::builder().method(verb).uri(&written.path);
        let body = written.json.map(|json| Bytes::from(json.get().to_owned()));
        let request = if body.is_some() { request.header(CONTENT_TYPE, "application/json") } else { request };
        let request = request.body(body.unwrap_or_default());
        let fault = |error| self.program.unusable(&format!("answers {method} with an invalid request: {error}"));
        request.map_err(fault).unwrap_or_else(|fault| std::panic::resume_unwind(Box::new(fault)))
    }
}

fn checked_json(checked: &Checked) -> Value {
    let size = checked.size();
    json!({
        "model": checked.model(), "request": checked.request(),
        "size": size.and_then(|size| size.size.as_deref()),
        "quality": size.and_then(|size| size.quality).map(|quality| quality.to_string()),
    })
}

fn response_json(response: &Response) -> Value {
    let headers = response
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), Value::from(String::from_utf8_lossy(value.as_bytes()).into_owned())));
    json!({
        "status": response.status.as_u16(), "headers": headers.collect::<Map<_, _>>(),
        "body": String::from_utf8_lossy(&response.body), "truncated": response.truncated,
        "repaired": response.repaired,
    })
}

fn frame_json(frame: &Frame) -> Value {
    json!({ "event": frame.event, "data": frame.data })
}

impl Dialect for ExecDialect {
    fn descriptor(&self) -> &Descriptor {
        &self.described.descriptor
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        self.described.capabilities(model)
    }

    fn encode(&self, request: &Checked) -> Result<Request<Bytes>> {
        request.belongs_to(&self.descriptor().id)?;
        Ok(self.request("encode", &json!({ "checked": checked_json(request) })))
    }

    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded> {
        let params = json!({ "checked": checked_json(request), "response": response_json(response) });
        self.ask::<ResponseMeaning>("decode", &params).outcome(request.model(), response)
    }

    fn effective(&self, request: &Checked, members: Map<String, Value>) -> Effective {
        let body = self.ask("effective", &json!({ "checked": checked_json(request), "json": members }));
        Effective { body, max_images: Some(request.ceiling()) }
    }

    fn is_lenient(&self) -> bool {
        self.described.can("lenient")
    }

    fn tasks(&self) -> Option<&dyn TaskDialect> {
        self.described.can("tasks").then_some(self)
    }

    fn streaming(&self) -> Option<&dyn StreamDialect> {
        self.described.can("streaming").then_some(self)
    }

    fn catalog(&self) -> Option<&dyn CatalogDialect> {
        self.described.can("catalog").then_some(self)
    }
}

impl TaskDialect for ExecDialect {
    fn poll(&self, task: &Task) -> Result<Request<Bytes>> {
        Ok(self.request("poll", &json!({ "task": task })))
    }

    fn decode_poll(&self, task: &Task, response: &Response) -> Result<TaskState> {
        let params = json!({ "task": task, "response": response_json(response) });
        self.ask::<ResponseMeaning>("decode_poll", &params).state(&task.model, response)
    }
}

impl CatalogDialect for ExecDialect {
    fn models_request(&self) -> Request<Bytes> {
        self.request("models", &json!({}))
    }

    fn decode_models(&self, response: &Response) -> Result<Vec<ModelInfo>> {
        self.ask::<ResponseMeaning>("decode_models", &json!({ "response": response_json(response) })).models(response)
    }
}

impl StreamDialect for ExecDialect {
    fn decoder(&self, request: &Checked) -> Box<dyn StreamDecoder> {
        let (checked, model) = (checked_json(request), request.model().clone());
        Box::new(ProgramStreamDecoder {
            dialect: self.clone(),
            checked,
            model,
            frames: Vec::new(),
            blobs: Blobs::default(),
            complete: false,
        })
    }
}

/// Remembers a stream, so that the program needs no memory.
struct ProgramStreamDecoder {
    dialect: ExecDialect,
    checked: Value,
    model: ModelId,
    frames: Vec<Value>,
    blobs: Blobs,
    complete: bool,
}

impl fmt::Debug for ProgramStreamDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgramStreamDecoder").field("frames", &self.frames.len()).finish_non_exhaustive()
    }
}

impl StreamDecoder for ProgramStreamDecoder {
    fn event(&mut self, event: &Frame, blobs: &Blobs) -> Vec<StreamItem> {
        blobs.iter().for_each(|(token, data)| self.blobs.insert(token, data.clone()));
        let params = json!({ "checked": self.checked, "frame": frame_json(event) });
        self.frames.push(frame_json(event));
        let meaning = self.dialect.ask::<ResponseMeaning>("event", &params);
        self.complete |= meaning.complete;
        let outcomes = meaning.outcomes(&self.blobs);
        outcomes.into_iter().map(|outcome| outcome.map_or_else(StreamItem::Failed, StreamItem::Image)).collect()
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn finish(self: Box<Self>, head: &Response) -> Result<Generation> {
        let params = json!({ "checked": self.checked, "frames": self.frames, "response": response_json(head) });
        let meaning: ResponseMeaning = self.dialect.ask("finish", &params);
        meaning.generation(&self.model, &head.clone().with_blobs(self.blobs))
    }
}
