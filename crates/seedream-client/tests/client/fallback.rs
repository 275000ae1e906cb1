//! The next provider is tried where the one before it declined at no cost, and only there.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::Request;
use seedream_client::{Client, Fallback, ImageProvider, Reached};
use seedream_core::*;
use serde_json::{Map, Value};

use crate::{
    scripted_transport::{Act, Script},
    tiny_dialects::{Tiny, TinyTasks, request},
};

const DONE: Act = Act::Answer(200, &[], r#"{"data":[{"url":"https://a.example/0.png"}]}"#);
const REJECTED: Act = Act::Answer(422, &[], "not this");

static OTHER: LazyLock<Descriptor> = LazyLock::new(|| {
    Descriptor::new("other", "Other", "test", []).base_urls(["https://other.example"]).default_model("tiny-1")
});

/// The same words under another name, and without a rule for seeds.
#[derive(Debug)]
struct Other<D>(D);

impl<D: Dialect> Dialect for Other<D> {
    fn descriptor(&self) -> &Descriptor {
        &OTHER
    }

    fn capabilities(&self, model: &ModelId) -> Capabilities {
        let mut rules = self.0.capabilities(model);
        rules.fields.insert(FieldRule::honoured(Field::Seed, Source::derived("a test")));
        rules
    }

    fn encode(&self, request: &Checked) -> Result<Request<Bytes>> {
        self.0.encode(request)
    }

    fn decode(&self, request: &Checked, response: &Response) -> Result<Decoded> {
        self.0.decode(request, response)
    }

    fn effective(&self, request: &Checked, members: Map<String, Value>) -> Effective {
        self.0.effective(request, members)
    }

    fn tasks(&self) -> Option<&dyn TaskDialect> {
        self.0.tasks().map(|_| self as &dyn TaskDialect)
    }
}

impl<D: Dialect> TaskDialect for Other<D> {
    fn poll(&self, task: &Task) -> Result<Request<Bytes>> {
        self.0.tasks().unwrap().poll(task)
    }

    fn decode_poll(&self, task: &Task, response: &Response) -> Result<TaskState> {
        self.0.tasks().unwrap().decode_poll(task, response)
    }
}

fn client(dialect: impl Dialect, base_url: &str, script: &Script) -> Arc<dyn ImageProvider> {
    let builder = Client::builder(dialect).base_url(base_url);
    Arc::new(builder.transport(Arc::new(script.clone())).seed(1).build().unwrap())
}

/// `tiny`, which answers with these acts, and `other`, which delivers.
fn pair(acts: impl IntoIterator<Item = Act>) -> (Fallback, Script, Script) {
    let (first, second) = (Script::new(acts), Script::new([DONE]));
    let tiny = client(Tiny, "https://tiny.example", &first);
    let other = client(Other(Tiny), "https://other.example", &second);
    (Fallback::new(vec![tiny, other]).unwrap(), first, second)
}

#[tokio::test(start_paused = true)]
async fn the_next_provider_is_asked_where_the_first_refused_for_nothing() {
    let not_sent = || Act::Fail(Reached::NotSent);
    let busy = || Act::Answer(429, &[], "slow down");
    for (acts, asked, why) in [
        (vec![not_sent(), not_sent(), not_sent()], 3, "transport"),
        (vec![busy(), busy(), busy()], 3, "rate_limited"),
        (vec![Act::Answer(401, &[], "who are you")], 1, "authentication"),
        (vec![Act::Answer(402, &[], "no money")], 1, "balance"),
        (vec![Act::Answer(403, &[], "not you")], 1, "permission_denied"),
        (vec![Act::Answer(410, &[], "what model")], 1, "model_not_found"),
        (vec![Act::Answer(423, &[], "enough")], 1, "quota_exhausted"),
    ] {
        let (fallback, first, second) = pair(acts);
        let generation = fallback.generate(request()).await.unwrap();
        assert_eq!((first.sent().len(), second.sent().len(), generation.images().count()), (asked, 1, 1), "{why}");
        let [warning] = &generation.warnings[..] else { panic!("{:?}", generation.warnings) };
        assert_eq!(warning.kind, WarningKind::FellBack);
        assert!(warning.message.contains("tiny") && warning.message.contains(why), "{warning}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_after_an_outcome_that_is_not_known() {
    for (act, charge) in [
        // A class that would allow it, and only the charge says no.
        (Act::Fail(Reached::Sent), Charge::Unknown),
        (Act::Answer(500, &[], "oh"), Charge::Unknown),
        (Act::Answer(408, &[], ""), Charge::Unknown),
        (Act::Answer(200, &[], "not to be read"), Charge::Unknown),
        (Act::Answer(499, &[], ""), Charge::Unknown),
        // And what would be refused everywhere.
        (Act::Answer(400, &[], "bad"), Charge::No),
    ] {
        let (fallback, _, second) = pair([act]);
        let error = fallback.generate(request()).await.unwrap_err();
        assert_eq!((error.charge(), error.provider(), second.sent().len()), (charge, Some("tiny"), 0), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_never_asked_for_elsewhere() {
    let accepted = Act::Answer(200, &[], r#"{"id":"job-1","eta":4}"#);
    let first = Script::new([accepted, Act::Answer(401, &[], "key revoked")]);
    let second = Script::new([DONE]);
    let tiny = client(TinyTasks, "https://tiny.example", &first);
    let fallback = Fallback::new(vec![tiny, client(Other(Tiny), "https://other.example", &second)]).unwrap();
    let error = fallback.generate(request()).await.unwrap_err();
    assert_eq!((error.kind(), error.charge(), second.sent().len()), (ErrorKind::Authentication, Charge::Unknown, 0));
    assert_eq!(error.task().unwrap().id.as_str(), "job-1");
}

#[tokio::test(start_paused = true)]
async fn rejected_content_goes_elsewhere_only_where_the_user_says_so() {
    let (fallback, _, second) = pair([REJECTED]);
    let error = fallback.generate(request()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ContentRejected { .. }) && second.sent().is_empty(), "{error}");
    let (fallback, _, second) = pair([REJECTED]);
    fallback.after_rejected_content(true).generate(request()).await.unwrap();
    assert_eq!(second.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rule_of_one_provider_is_no_rule_of_the_next_and_the_plan_says_so() {
    let (fallback, first, second) = pair([DONE]);
    let plan = fallback.plan(&request().seed(7)).unwrap();
    assert_eq!((plan.provider.as_str(), plan.url.as_str()), ("other", "https://other.example/v1/images"));
    assert!(
        plan.warnings.iter().any(|warning| warning.kind == WarningKind::FellBack && warning.message.contains("seed"))
    );
    assert_eq!(fallback.plan(&request()).unwrap().provider, "tiny");
    let generation = fallback.generate(request().seed(7)).await.unwrap();
    assert_eq!((first.sent().len(), second.sent().len(), generation.warnings.len()), (0, 1, 1));
    // What nobody takes is refused by the last one.
    let error = fallback.plan(&ImageRequest::new("tiny-1", "")).unwrap_err();
    assert_eq!((error.kind(), error.violations().len()), (ErrorKind::InvalidRequest, 1));
}

#[tokio::test(start_paused = true)]
async fn where_all_refuse_the_attempts_of_all_are_kept_and_events_too() {
    let (first, second) = (Script::new([Act::Answer(401, &[], "no")]), Script::new([Act::Answer(429, &[], "wait")]));
    let tiny = client(Tiny, "https://tiny.example", &first);
    let all = Fallback::new(vec![tiny, client(Other(Tiny), "https://other.example", &second)]).unwrap();
    let mut events: Vec<_> = all.events(request()).await.unwrap().collect().await;
    let error = events.pop().unwrap().unwrap_err();
    assert!(events.iter().all(|event| matches!(event, Ok(Event::Retrying { .. }))) && events.len() == 2, "{events:?}");
    let attempts: Vec<_> = error.attempts().iter().map(|a| (a.number, a.place.as_str(), a.outcome.as_str())).collect();
    let other = "https://other.example";
    assert_eq!(
        attempts,
        [
            (1, "https://tiny.example", "tiny: HTTP 401"),
            (2, other, "other: HTTP 429"),
            (3, other, "other: HTTP 429"),
            (4, other, "other: HTTP 429")
        ]
    );
    assert_eq!((error.kind(), error.charge(), error.provider()), (ErrorKind::RateLimited, Charge::No, Some("other")));
}

#[tokio::test(start_paused = true)]
async fn a_task_is_collected_where_it_belongs() {
    const COLLECTED: Act = Act::Answer(200, &[], r#"{"status":"done","data":[{"url":"https://a.example/0.png"}]}"#);
    let scripts = [Script::new([COLLECTED]), Script::new([Act::Answer(404, &[], "")]), Script::new([COLLECTED])];
    let providers = vec![
        client(TinyTasks, "https://tiny.example", &scripts[0]),
        client(Other(TinyTasks), "https://other.example", &scripts[1]),
        client(Other(TinyTasks), "https://other.example", &scripts[2]),
    ];
    let all = Fallback::new(providers).unwrap();
    let task = |provider: &'static str| {
        Task::new(provider, format!("https://{provider}.example"), TaskId::new("job-1").unwrap(), "m".into())
    };
    all.collect(task("other")).await.unwrap();
    let sent: Vec<_> = scripts.iter().map(|script| script.sent().len()).collect();
    assert_eq!(sent, [0, 1, 1], "the second account of the same provider knows it");
    all.collect(task("tiny")).await.unwrap();
    let error = all.collect(task("third")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.charge(), error.task()),
        (ErrorKind::Config, Charge::Unknown, Some(&task("third")))
    );
    assert!(Fallback::new(Vec::new()).is_err());
}
