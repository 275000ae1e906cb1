//! What can be seen from outside of one run: its spans, and no secret.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fmt::{self, Write as _},
    sync::{Arc, Mutex},
    time::Duration,
};

use seedream::adapters::{Ark, Evolink};
use seedream::seedream_client::{DownloadOptions, SaveOptions};
use seedream::seedream_core::{Dialect, Pace, Policy};
use seedream::{Client, Event, Generation, ImageData, ImageProvider as _, ImageRequest, ImageSource};
use seedream_mock::{MockServer, TaskEnd};
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
};

/// Keeps every span of ours when it closes, in that order, with the names of those it lies in.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<String>>);

/// The fields of a span as text, without what differs from run to run.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let name = field.name();
        match name {
            "elapsed_ms" | "wait_ms" | "bytes" | "client_request_id" | "task" => {
                write!(self.0, " {name}=[{name}]").unwrap();
            }
            _ => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields(String::new());
        attributes.record(&mut fields);
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        values.record(context.span(id).unwrap().extensions_mut().get_mut::<Fields>().unwrap());
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "seedream" {
            let mut fields = Fields(String::new());
            event.record(&mut fields);
            writeln!(self.0.lock().unwrap(), "{}{}", event.metadata().level(), fields.0).unwrap();
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).unwrap();
        if span.metadata().target().starts_with("seedream") {
            let path: Vec<_> = span.scope().from_root().map(|span| span.name()).collect();
            let extensions = span.extensions();
            let fields = &extensions.get::<Fields>().unwrap().0;
            writeln!(self.0.lock().unwrap(), "{}{fields}", path.join("/")).unwrap();
        }
    }
}

const CANARIES: [&str; 4] = ["canary-key", "canary-prompt", "canary-signature", "iVBORw0KGgo"];

impl Seen {
    /// What was seen of a run, with the address of the mock and what it chose taken out.
    fn text(&self, mock: &MockServer) -> String {
        let text = self.0.lock().unwrap().replace(&mock.url(), "[mock]");
        for secret in CANARIES.into_iter().chain(["X-Tos", "Bearer", "base64", "?"]) {
            assert!(!text.contains(secret), "{secret} can be seen from outside:\n{text}");
        }
        let steady = |line: &str| match line.split_once("[mock]/pictures/") {
            Some((before, rest)) => {
                format!("{before}[mock]/pictures/[picture]{}", &rest[rest.find('"').unwrap_or(0)..])
            }
            None => match line.split_once("/v1/tasks/") {
                Some((before, rest)) => format!("{before}/v1/tasks/[task]{}", &rest[rest.find('"').unwrap_or(0)..]),
                None => line.to_owned(),
            },
        };
        text.lines().map(|line| steady(line) + "\n").collect()
    }
}

/// Watches everything that this thread does, until the guard is dropped.
fn watch() -> (Seen, tracing::subscriber::DefaultGuard) {
    let seen = Seen::default();
    let subscriber = tracing_subscriber::registry().with(seen.clone());
    (seen, tracing::subscriber::set_default(subscriber))
}

async fn mock() -> MockServer {
    MockServer::builder().task(TaskEnd::Polls(2)).estimated_seconds(0).start().await.unwrap()
}

fn client(dialect: impl Dialect, mock: &MockServer, key: &str) -> Client {
    let mut policy = Policy::default();
    policy.pace = Pace { shortest: Duration::from_millis(1), longest: Duration::from_millis(1) };
    policy.backoff.first = Duration::from_millis(1);
    let base = mock.base_url(&dialect.descriptor().id).unwrap();
    let builder = Client::builder(dialect).base_url(base).key(key.to_owned()).policy(policy);
    // What is not there is asked for once.
    builder.download(DownloadOptions::default().waits(Duration::ZERO, Duration::ZERO)).build().unwrap()
}

async fn save(client: &Client, generation: &Generation) {
    let folder = tempfile::tempdir().unwrap();
    let saved = client.save(generation, &SaveOptions::new(folder.path(), "canary-prompt")).await;
    assert_eq!(saved.failures().count(), 0);
}

#[tokio::test]
async fn a_task_from_its_submit_to_its_image() {
    let mock = mock().await;
    let (seen, _guard) = watch();
    let client = client(Evolink, &mock, "sk-canary-key");
    let request = ImageRequest::new("doubao-seedream-4.5", "canary-prompt")
        .reference(ImageSource::url("https://example.com/a.png?signature=canary-signature"));
    let generation = client.generate(request).await.unwrap();
    save(&client, &generation).await;
    insta::assert_snapshot!(seen.text(&mock));
}

#[tokio::test]
async fn a_group_one_by_one() {
    let mock = mock().await;
    let (seen, _guard) = watch();
    let client = client(Ark, &mock, "sk-canary-key");
    let request = ImageRequest::new("doubao-seedream-4-5-251128", "2 images of a canary-prompt").count(2).stream(true);
    let inline = request.clone().response_format(seedream::ResponseFormat::B64Json);
    save(&client, &client.generate(request).await.unwrap()).await;
    save(&client, &client.generate(inline).await.unwrap()).await;
    insta::assert_snapshot!(seen.text(&mock));
}

#[tokio::test]
async fn each_retry_is_an_event() {
    let mock = mock().await;
    let (seen, _guard) = watch();
    let request = ImageRequest::new("doubao-seedream-4.5", "canary-prompt");
    client(Evolink, &mock, "sk-mock-429").generate(request).await.unwrap_err();
    let text = seen.text(&mock);
    let events: Vec<_> = text.lines().filter(|line| line.starts_with("INFO")).collect();
    let expected = |attempt: u32| {
        format!(r#"INFO message=the request is sent again attempt={attempt} wait_ms=[wait_ms] kind="rate_limited""#)
    };
    assert_eq!(events, [expected(2), expected(3)], "{text}");
}

#[tokio::test]
async fn what_fails_and_what_is_left() {
    let mock = mock().await;
    let (seen, _guard) = watch();
    let request = || ImageRequest::new("doubao-seedream-4.5", "canary-prompt");
    // Refused, lost with an open bill, dropped as soon as it is accepted, and collected.
    client(Evolink, &mock, "sk-mock-401").generate(request()).await.unwrap_err();
    client(Evolink, &mock, "sk-mock-reset").generate(request()).await.unwrap_err();
    let client = client(Evolink, &mock, "sk-canary-key");
    let mut events = client.events(request()).await.unwrap();
    let Some(Ok(Event::Submitted(task))) = events.next().await else { panic!("not accepted") };
    drop(events);
    let generation = client.collect(task).await.unwrap();
    // An image that is not there, and one that nobody fetches.
    let mut image = generation.images().next().unwrap().clone();
    let ImageData::Url { url, .. } = &mut image.data else { panic!("{image:?}") };
    *url = format!("{}/nowhere.png?X-Tos-Signature=canary-signature", mock.url());
    client.fetch(&image).await.unwrap_err();
    image.data = ImageData::Url { url: "data:image/png;base64,iVBORw0KGgo".into(), expires_at: None };
    client.fetch(&image).await.unwrap_err();
    insta::assert_snapshot!(seen.text(&mock));
}
