//! What goes out.

use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use seedream::seedream_core::{Response, Standing, TABLE, TaskId, TaskState, Timestamp, WarningKind};
use seedream::{
    Client, ImageProvider as _, ImageRequest, ImageSource, ModelId, Size, Strictness, Task, Tier, dialects,
};
use seedream_core::Decoded;
use serde_json::{Map, Value, json};

use crate::mock_and_clients::{Desk, dialect};

fn any_extra() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!({"nested": [1, {"a": "b"}]})),
    ];
    prop::collection::btree_map("theirs_[a-z]{1,8}", value, 0..4).prop_map(|map| map.into_iter().collect())
}

proptest! {
    #[test]
    fn members_of_theirs_survive_on_the_way_out(extra in any_extra()) {
        for dialect in dialects() {
            let client = Client::builder(dialect.clone()).build().unwrap();
            let mut request = ImageRequest::new(&dialect.descriptor().default_model, "a lighthouse");
            request.extra = extra.clone();
            let plan = client.plan(&request).unwrap();
            let body: Map<String, Value> = serde_json::from_str(plan.body.get()).unwrap();
            for (name, value) in &extra {
                prop_assert_eq!(body.get(name), Some(value));
            }
        }
    }
}

proptest! {
    #[test]
    fn members_of_theirs_survive_on_the_way_back(theirs in any_extra()) {
        let with = |mut body: Value| {
            body.as_object_mut().unwrap().extend(theirs.clone());
            body
        };
        for dialect in dialects().into_iter().filter(|dialect| dialect.tasks().is_none()) {
            let request = ImageRequest::new(&dialect.descriptor().default_model, "a lighthouse");
            let checked = dialect.capabilities(&request.model).check(&request, Strictness::Strict).unwrap();
            let item = with(json!({"url": "https://pictures.example/0.png"}));
            let body = with(json!({"data": [item], "usage": with(json!({"generated_images": 1}))})).to_string();
            let Decoded::Done(generation) = dialect.decode(&checked, &ok(&body)).unwrap() else { panic!("pictures") };
            prop_assert_eq!(&generation.images().next().unwrap().other, &theirs);
            prop_assert_eq!(&generation.usage.other, &theirs);
            prop_assert_eq!(&generation.raw, &body, "the answer is kept as it came");
        }
        let evolink = dialect("evolink");
        let task = Task::new("evolink", "https://api.evolink.ai", TaskId::new("task-unified-1-a").unwrap(), "m".into());
        let body = with(json!({"id": "task-unified-1-a", "status": "completed", "results": ["https://p.example/0.png"]}));
        let state = evolink.tasks().unwrap().decode_poll(&task, &ok(&body.to_string())).unwrap();
        let TaskState::Done(generation) = state else { panic!("pictures") };
        prop_assert_eq!(generation.raw, body.to_string());
    }
}

fn ok(body: &str) -> Response {
    Response::new(StatusCode::OK, HeaderMap::new(), body.to_owned(), Timestamp::UNIX_EPOCH)
}

#[test]
fn a_member_that_a_field_writes_is_no_extra_under_any_strictness() {
    for dialect in dialects() {
        for strictness in [Strictness::Strict, Strictness::Lenient, Strictness::Off] {
            let request = ImageRequest::new(&dialect.descriptor().default_model, "a kite").extra("prompt", "another");
            let error = dialect.capabilities(&request.model).check(&request, strictness).unwrap_err();
            assert!(error.message().contains("prompt"), "{dialect:?} {strictness:?}: {error}");
        }
    }
}

#[tokio::test]
async fn the_reported_id_is_kept_apart_and_an_unknown_one_passes_with_a_warning() {
    for dialect in dialects() {
        let desk = Desk::open().await;
        let generation = desk.client(&dialect).generate(ImageRequest::new("seedream-4.5", "a kite")).await.unwrap();
        let post = desk.journal().into_iter().find(|entry| entry.method == "POST").unwrap();
        assert_eq!(post.body["model"], generation.model.as_str(), "{dialect:?}");
        assert!(generation.reported_model.is_some(), "{dialect:?}");
        if dialect.descriptor().id == "gogogotoken" {
            // A relay answers with the id of its own supplier.
            assert_ne!(generation.reported_model.as_deref(), Some(generation.model.as_str()));
        }
        let plan = desk.client(&dialect).plan(&ImageRequest::new("ep-20260101-abcde", "a kite")).unwrap();
        let body: Value = serde_json::from_str(plan.body.get()).unwrap();
        assert_eq!(body["model"], "ep-20260101-abcde", "{dialect:?}");
        assert!(plan.warnings.iter().any(|warning| warning.kind == WarningKind::UnknownModel), "{dialect:?}");
    }
}

#[test]
fn every_id_of_the_documents_is_resolved_and_another_sellers_id_becomes_our_own() {
    for dialect in dialects() {
        let descriptor = dialect.descriptor();
        let provider = seedream_fixtures::provider(&descriptor.id).unwrap();
        for id in provider.models.iter().flat_map(|model| model.aliases.iter().chain([&model.id])) {
            let resolution = descriptor.resolve(&ModelId::new(id));
            assert!(matches!(resolution.standing, Standing::Sold), "{id} at {}", descriptor.id);
            assert_eq!(resolution.model.as_str(), id, "an id of its own is sent as it is");
        }
        let spellings =
            ["doubao-seedream-4.5", "doubao-seedream-4-5-251128", "seedream-4-5-251128", "doubao-seedream-4-5"];
        let families: Vec<_> = spellings.iter().map(|id| descriptor.resolve(&ModelId::from(*id)).family).collect();
        assert!(families.iter().all(|family| family.is_some() && *family == families[0]), "{}", descriptor.id);
        let unknown = descriptor.resolve(&"ep-20260101-abcde".into());
        assert_eq!((unknown.model.as_str(), unknown.standing), ("ep-20260101-abcde", Standing::Unknown));
    }
}

/// Document 004, section 3, its two 4K rows of 4:3 and 3:4 the right way round.
const ROWS: &str = "\
2K 1:1 2048x2048, 2K 4:3 2304x1728, 2K 3:4 1728x2304, 2K 16:9 2848x1600, 2K 9:16 1600x2848, 2K 3:2 2496x1664, 2K 2:3 1664x2496, \
2K 21:9 3136x1344, 3K 1:1 3072x3072, 3K 4:3 3456x2592, 3K 3:4 2592x3456, 3K 16:9 4096x2304, 3K 9:16 2304x4096, \
3K 3:2 3744x2496, 3K 2:3 2496x3744, 3K 21:9 4704x2016, 4K 1:1 4096x4096, 4K 4:3 4704x3520, 4K 3:4 3520x4704, \
4K 16:9 5504x3040, 4K 9:16 3040x5504, 4K 3:2 4992x3328, 4K 2:3 3328x4992, 4K 21:9 6240x2656";

#[test]
fn all_rows_of_the_size_table_reach_every_dialect_in_its_own_words() {
    let rows = TABLE.map(|row| format!("{} {} {}", row.tier, row.ratio, row.pixels));
    assert_eq!(rows.join(", "), ROWS);
    for entry in TABLE {
        let size = Size::Ratio { ratio: entry.ratio, tier: Some(entry.tier) };
        assert_eq!(size.to_string().parse::<Size>().unwrap(), size);
        for dialect in dialects() {
            // The family whose levels this dialect has: 3K is lite's, 4K is 4.5's everywhere.
            let model = if entry.tier == Tier::K3 { "seedream-5.0-lite" } else { "seedream-4.5" };
            let request = ImageRequest::new(model, "a lighthouse").size(size);
            let checked = dialect.capabilities(&request.model).check(&request, Strictness::Strict).unwrap();
            let wire = checked.size().unwrap();
            if dialect.descriptor().id == "evolink" {
                assert_eq!((wire.size.as_deref(), wire.quality), (Some(&*entry.ratio.to_string()), Some(entry.tier)));
            } else {
                assert_eq!((wire.size.as_deref(), wire.quality), (Some(&*entry.pixels.to_string()), None));
            }
        }
    }
}

#[tokio::test]
async fn the_plan_is_what_the_provider_then_gets_and_makes_of_it() {
    for dialect in dialects() {
        let desk = Desk::open().await;
        let client = desk.client(&dialect);
        let mut request = ImageRequest::new("seedream-4.5", "three views of a lighthouse")
            .size(Size::ratio(16, 9).at(Tier::K2))
            .count(3);
        if dialect.capabilities(&"seedream-4.5".into()).references.member {
            request = request.reference(ImageSource::url("https://example.com/lighthouse.png"));
        }
        let plan = client.plan(&request).unwrap();
        client.generate(request).await.unwrap();
        let journal = desk.journal();
        let post = journal.iter().find(|entry| entry.method == "POST").unwrap();
        let body: Value = serde_json::from_str(plan.body.get()).unwrap();
        assert_eq!(body, post.body, "{dialect:?}");
        assert!(plan.url.ends_with(&post.path), "{} {}", plan.url, post.path);
        assert!(plan.max_images >= post.billed, "{dialect:?}");
        if let Some(effective) = &post.effective {
            for (name, value) in effective.as_object().unwrap() {
                assert_eq!(plan.effective.get(name), Some(value), "{dialect:?}: effective {name}");
            }
        }
    }
}

#[tokio::test]
async fn a_user_agent_is_always_sent_and_can_be_set() {
    let desk = Desk::open().await;
    let ark = dialect("ark");
    let request = ImageRequest::new("seedream-4.0", "a lighthouse");
    desk.client(&ark).generate(request.clone()).await.unwrap();
    let base = desk.client(&ark).base_url().to_owned();
    let own = Client::builder(ark).base_url(base).key("sk-any".to_owned()).user_agent("Mozilla/5.0 (mine)");
    own.build().unwrap().generate(request).await.unwrap();
    let agents: Vec<_> = desk.journal().iter().map(|entry| entry.headers["user-agent"].clone()).collect();
    assert_eq!(agents, [concat!("seedream/", env!("CARGO_PKG_VERSION")), "Mozilla/5.0 (mine)"]);
}
