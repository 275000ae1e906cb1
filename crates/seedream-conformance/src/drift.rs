//! What a provider has changed since its document was read: fixtures against an OpenAPI file, a saved page or a recorded exchange.

mod difference;
mod fixture_facts;
mod openapi;
mod recorded_exchange;
mod recording;
mod saved_page;

use seedream_core::Dialect;
use seedream_fixtures::RecordedExchange;
use serde_json::Value;

pub use difference::{Drift, DriftSeverity};
pub use fixture_facts::DriftFacts;
pub use recording::RecordedDrift;

impl DriftFacts<'_> {
    /// Compares with an OpenAPI file: base URL, routes, keys, members of a request with their types, values and bounds, statuses
    /// with their examples, and the members of a response. A bound that the file does not state is not compared: prose may state it.
    ///
    /// # Errors
    /// The file has no create route of this provider.
    pub fn against_openapi(&self, file: &Value) -> Result<Vec<Drift>, String> {
        openapi::compare(self, file).map(sorted)
    }

    /// Compares with the text of a saved page.
    ///
    /// Every documented model, path, member, value, code and status, the numbers of lengths and ranges and the pixels of tables
    /// must stand in it somewhere; model ids and `WIDTHxHEIGHT` that stand in it must be known. Of a fact whose source has a note
    /// only the name is compared, since part of it is from elsewhere. Where things stand, and what the prose between them says,
    /// is not compared.
    pub fn against_document(&self, text: &str) -> Vec<Drift> {
        sorted(saved_page::compare(self, text))
    }

    /// Compares with a recorded exchange: the members of its response with those of the fixtures of the same operation and status.
    ///
    /// # Errors
    /// The recording has no response.
    pub fn against_exchange(&self, recorded: &RecordedExchange) -> Result<Vec<Drift>, String> {
        recorded_exchange::compare(self, recorded).map(sorted)
    }

    /// Says of an exchange that was recorded from the provider how the documents differ from it, and how the adapter does.
    pub fn against_recording(&self, dialect: &dyn Dialect, recorded: &RecordedExchange) -> RecordedDrift {
        let drift = recording::compare(self, dialect, recorded);
        RecordedDrift { document: sorted(drift.document), ..drift }
    }
}

fn sorted(mut drifts: Vec<Drift>) -> Vec<Drift> {
    drifts.sort();
    drifts.dedup();
    drifts
}

#[cfg(test)]
mod tests {
    use seedream_fixtures::{exchange, library};
    use serde_json::json;

    use super::*;

    fn facts(provider: &str) -> DriftFacts<'static> {
        DriftFacts::of(library(), provider).expect("embedded")
    }

    fn file() -> Value {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/evolink/openapi.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn lines(drifts: &[Drift]) -> Vec<String> {
        drifts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_openapi_file_of_evolink_differs_in_nothing() {
        let facts = DriftFacts::at(library(), "https://api.evolink.ai").expect("embedded");
        assert_eq!((facts.provider(), lines(&facts.against_openapi(&file()).unwrap())), ("evolink", vec![]));
        assert!(DriftFacts::at(library(), "https://nobody.example").is_none());
    }

    #[test]
    fn what_an_openapi_file_changes_is_told_field_by_field() {
        let request = "/components/schemas/ImageGenerationRequest";
        let example = "/components/schemas/ImageGenerationResponse";
        let create = "/paths/~1v1~1images~1generations/post";
        for (pointer, value, told) in [
            (
                "/servers/0/url",
                json!("https://b.example"),
                "breaking  servers: the fixtures say https://api.evolink.ai, now it is https://b.example",
            ),
            ("/security", json!([]), "breaking  security: the fixtures say bearer, now it is no key"),
            (
                &format!("{request}/required"),
                json!(["model", "prompt", "size"]),
                "breaking  request.size: the fixtures say optional, now it is required",
            ),
            (
                &format!("{request}/required"),
                json!(["model"]),
                "notice    request.prompt: the fixtures say required, now it is optional",
            ),
            (
                &format!("{request}/properties/n/maximum"),
                json!(10),
                "breaking  request.n.maximum: the fixtures say 15, now it is 10",
            ),
            (
                &format!("{request}/properties/n/maximum"),
                json!(20),
                "notice    request.n.maximum: the fixtures say 15, now it is 20",
            ),
            (
                &format!("{request}/properties/n/minimum"),
                json!(2),
                "breaking  request.n.minimum: the fixtures say 1, now it is 2",
            ),
            (
                &format!("{request}/properties/n/type"),
                json!("string"),
                "breaking  request.n.type: the fixtures say integer, now it is string",
            ),
            (
                &format!("{request}/properties/prompt/maxLength"),
                json!(4000),
                "notice    request.prompt.maxLength: the fixtures say 2000, now it is 4000",
            ),
            (
                &format!("{request}/properties/image_urls/maxItems"),
                json!(10),
                "breaking  request.image_urls.maxItems: the fixtures say 14, now it is 10",
            ),
            (
                &format!("{request}/properties/quality/enum"),
                json!(["2K", "4K", "8K"]),
                "notice    request.quality.enum: the fixtures say nothing, now it is 8K",
            ),
            (
                &format!("{request}/properties/quality/enum"),
                json!(["2K"]),
                "breaking  request.quality.enum: the fixtures say 4K, now it is nothing",
            ),
            (
                &format!("{request}/properties/size/default"),
                json!("4096x4096"),
                "breaking  request.size.default: the fixtures say 2048x2048, now it is 4096x4096",
            ),
            (
                &format!("{request}/properties/model/enum/0"),
                json!("doubao-seedream-5"),
                "breaking  request.model.enum: the fixtures say doubao-seedream-4.5, now it is nothing",
            ),
            (
                &format!("{example}/properties/status/enum/3"),
                json!("error"),
                "breaking  responses.200.status.enum: the fixtures say nothing, now it is error",
            ),
            (
                &format!("{example}/properties/created/type"),
                json!("string"),
                "breaking  responses.200.created.type: the fixtures say integer, now it is string",
            ),
            (
                "/components/schemas/TaskInfo/properties",
                json!({"can_cancel": {"type": "boolean"}}),
                "breaking  responses.200.task_info.estimated_time: the fixtures say a member, now it is nothing",
            ),
            (
                &format!("{create}/responses/402/content/application~1json/example/error/code"),
                json!("poor"),
                "breaking  responses.402.error.code: the fixtures say \"insufficient_quota\", now it is \"poor\"",
            ),
        ] {
            let mut file = file();
            *file.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
            let told_of = lines(&facts("evolink").against_openapi(&file).unwrap());
            assert!(told_of.iter().any(|line| line == told), "{told}: {told_of:#?}");
        }
    }

    #[test]
    fn members_routes_and_statuses_that_come_and_go_are_told() {
        let mut file = file();
        let members = |file: &mut Value, schema: &str| {
            file["components"]["schemas"][schema]["properties"].as_object_mut().unwrap().clone()
        };
        let mut request = members(&mut file, "ImageGenerationRequest");
        request.insert("seed".into(), json!({"type": "integer"}));
        request.remove("callback_url");
        file["components"]["schemas"]["ImageGenerationRequest"]["properties"] = request.into();
        let mut example = members(&mut file, "ImageGenerationResponse");
        example.insert("results".into(), json!({"type": "array"}));
        file["components"]["schemas"]["ImageGenerationResponse"]["properties"] = example.into();
        file["paths"]["/v1/images/edits"] = json!({"post": {}});
        let responses = &mut file["paths"]["/v1/images/generations"]["post"]["responses"];
        responses["451"] = json!({});
        responses.as_object_mut().unwrap().remove("402");
        assert_eq!(
            lines(&facts("evolink").against_openapi(&file).unwrap()),
            [
                "breaking  request.callback_url: the fixtures say a member, now it is nothing",
                "notice    paths./v1/images/edits: the fixtures say nothing, now it is POST",
                "notice    request.seed: the fixtures say nothing, now it is a member",
                "notice    responses.200.results: the fixtures say nothing, now it is a member",
                "notice    responses.402: the fixtures say a status, now it is nothing",
                "notice    responses.451: the fixtures say nothing, now it is a status",
            ]
        );
        assert_eq!(lines(&facts("evolink").against_openapi(&json!({})).unwrap()).len(), 1);
    }

    #[test]
    fn a_page_that_lost_a_limit_or_names_a_new_model_is_told() {
        let page = "POST /v1/images/generations model prompt n size response_format url b64_json doubao-seedream-5-0-lite \
                    doubao-seedream-4-5 seedream-5-0-260128 >= 3,686,400 2048×2048 400 InvalidParameter 1 15";
        assert_eq!(lines(&facts("gogogotoken").against_document(page)), [""; 0]);
        let changed =
            page.replace("response_format", "").replace("doubao-seedream-4-5", "doubao-seedream-6-0") + " 8192x8192";
        assert_eq!(
            lines(&facts("gogogotoken").against_document(&changed)),
            [
                "breaking  member response_format: the fixtures say response_format, now it is nowhere in the page",
                "breaking  model: the fixtures say doubao-seedream-4-5, now it is nowhere in the page",
                "notice    model: the fixtures say nothing, now it is doubao-seedream-6-0",
                "notice    size: the fixtures say nothing, now it is 8192x8192",
            ]
        );
    }

    #[test]
    fn a_recording_is_held_against_the_documents_and_against_the_adapter() {
        let dialects = seedream::dialects();
        let dialect = dialects.iter().find(|dialect| &*dialect.descriptor().id == "ark").unwrap();
        let judged = |body: Value| {
            let file = json!({
                "source": {"kind": "observed"}, "request": {"method": "POST", "path": "/api/v3/images/generations"},
                "response": {"status": 200, "json": body},
                "wire": {"images": [{"url": "https://a.example/0.png", "status": 200}]},
            });
            let exchange: RecordedExchange = serde_json::from_value(file).unwrap();
            let drift = facts("ark").against_recording(&**dialect, &exchange);
            (lines(&drift.document), drift.adapter)
        };
        let body = json!({
            "model": "doubao-seedream-4-0-250828", "created": 1_795_000_000,
            "data": [{"url": "https://a.example/0.png", "size": "2048x2048"}],
            "usage": {"generated_images": 1, "output_tokens": 16384, "total_tokens": 16384},
        });
        assert_eq!(judged(body.clone()), (vec![], vec![]));
        let mut new = body.clone();
        new["queue_seconds"] = json!(7);
        assert_eq!(
            judged(new),
            (
                vec![String::from("notice    body.queue_seconds: the fixtures say nothing, now it is integer")],
                vec![String::from("/queue_seconds is not read")],
            )
        );
        let mut other = body;
        other["data"] = json!([{"link": {"deep": 1}}]);
        let (document, adapter) = judged(other);
        assert!(document.iter().any(|line| line.starts_with("notice    body.data.*.link")), "{document:?}");
        assert!(adapter[0].contains("image"), "{adapter:?}");
    }

    #[test]
    fn a_recording_is_compared_member_by_member() {
        let facts = facts("evolink");
        let recorded = |json: Value| {
            let file =
                json!({"source": {"kind": "observed"}, "operation": "poll", "response": {"status": 200, "json": json}});
            lines(&facts.against_exchange(&serde_json::from_value(file).unwrap()).unwrap())
        };
        let known = exchange("evolink/tasks/completed").expect("embedded");
        assert_eq!(lines(&facts.against_exchange(known).unwrap()), [""; 0]);
        let now = json!({"created": "now", "id": "task-unified-1", "model": "m", "object": "o", "status": "completed",
                         "results": ["https://a.example/0.png"], "type": "image", "eta": 1});
        assert_eq!(
            recorded(now),
            [
                "breaking  body.created: the fixtures say integer, now it is string",
                "breaking  body.progress: the fixtures say integer, now it is nothing",
                "notice    body.eta: the fixtures say nothing, now it is integer",
            ]
        );
        let teapot =
            json!({"source": {"kind": "observed"}, "operation": "poll", "response": {"status": 418, "text": ""}});
        let told = lines(&facts.against_exchange(&serde_json::from_value(teapot).unwrap()).unwrap());
        assert!(
            told.len() == 1 && told[0].starts_with("notice    status: ") && told[0].ends_with("now it is 418"),
            "{told:?}"
        );
    }
}
