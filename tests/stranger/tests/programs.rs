//! Programs of a stranger against the mock: what they print, time limits, cancelling, and an application's own tests.

use std::time::Duration;

use seedream::{Charge, Client, ErrorKind, ImageProvider as _, ImageRequest, adapters::Ark};
use seedream_mock::{Fault, MockServer};

#[path = "../examples/one_adapter.rs"]
#[allow(dead_code, reason = "its main is for cargo run")]
mod one_adapter;
#[path = "../examples/server.rs"]
#[allow(dead_code, reason = "its main is for cargo run")]
mod server;
#[path = "../examples/tasks.rs"]
#[allow(dead_code, reason = "its main is for cargo run")]
mod tasks;

#[tokio::test]
async fn one_adapter_prints_images_failures_and_cost() {
    let (mock, _) = ark([Fault::moderate([1])]).await;
    let folder = tempfile::tempdir().expect("a folder");
    let lines = one_adapter::run(&mock.base_url("ark").expect("it serves ark"), folder.path()).await;
    let lines = lines.expect("two images were made");
    assert_eq!(lines[0], "at most 3 images");
    let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!((count("image "), count("failed: ")), (2, 1), "{lines:?}");
    assert_eq!(lines.last().map(String::as_str), Some("billed: 2 images, charge: yes"));
}

#[tokio::test]
async fn a_provider_of_ones_own_with_tasks_is_served_by_its_fixtures() {
    let mock = MockServer::builder().fixtures(tasks::FIXTURES).expect("good fixtures").start().await;
    let mock = mock.expect("the mock starts");
    let folder = tempfile::tempdir().expect("a folder");
    let lines = tasks::run(&mock.base_url("quarry").expect("it serves quarry"), folder.path()).await;
    let lines = lines.expect("two images were made");
    assert_eq!(lines.last().map(String::as_str), Some("cost: 0.08 dollars, charge: yes"), "{lines:?}");
    let files = std::fs::read_dir(folder.path()).expect("a folder").map(|file| file.expect("a file").path());
    let mut images = 0;
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "jpeg" || extension == "jpg"))
    {
        assert!(std::fs::read(file).expect("an image").starts_with(b"\xff\xd8\xff"));
        images += 1;
    }
    assert_eq!(images, 2, "{lines:?}");
    let paid = mock.default_session().paid();
    assert_eq!((paid.images, paid.credits), (2, 0.08));
    let polls = mock.default_session().journal().iter().filter(|entry| entry.method == "GET").count();
    assert!(polls >= 3, "three polls end a task, and the images are fetched");
}

#[tokio::test]
async fn a_service_asks_each_provider_and_may_cancel() {
    let mock = MockServer::start().await.expect("the mock starts");
    let folder = tempfile::tempdir().expect("a folder");
    let service = server::Service::new(|id| mock.base_url(id), folder.path().to_owned()).expect("clients");
    assert_eq!(service.ids().count(), 5);
    for id in service.ids() {
        let answer = service.generate(id, "a lighthouse in fog", Duration::from_secs(60)).await.expect("images");
        let server::Answer::Done(outcome) = answer else { panic!("{answer:?}") };
        assert_eq!((outcome.images.len(), outcome.provider.as_str()), (1, id));
    }
    // Cancelled at once: either nothing was sent, or what was bought is delivered.
    match service.generate_and_cancel("ark", "a lighthouse").await {
        Ok(outcome) => assert_eq!(outcome.images.len(), 1),
        Err(error) => assert_eq!((error.kind(), error.charge()), (ErrorKind::Cancelled, Charge::No)),
    }
}

async fn ark(faults: impl IntoIterator<Item = Fault>) -> (MockServer, Client) {
    let mock = MockServer::start().await.expect("the mock starts");
    mock.default_session().add_faults(faults);
    let url = mock.base_url("ark").expect("it serves ark");
    let client = Client::builder(Ark).base_url(url).key("sk-test").build().expect("a client");
    (mock, client)
}

#[tokio::test]
async fn a_rate_limit_passes_and_one_image_is_bought() {
    let (mock, client) = ark([Fault::status(429).times(1)]).await;
    let generation = client.generate(ImageRequest::new("seedream-4.5", "a fox").single()).await.expect("an image");
    assert_eq!(generation.images().count(), 1);
    assert_eq!(mock.default_session().paid().images, 1);
}

#[tokio::test]
async fn a_dropped_connection_is_not_sent_again() {
    let (mock, client) = ark([Fault::reset(seedream_mock::BytePosition::Before)]).await;
    let error = client.generate(ImageRequest::new("seedream-4.5", "a fox")).await.expect_err("no response came");
    assert_eq!((error.kind(), error.charge()), (ErrorKind::Transport, Charge::Unknown));
    assert!(!error.is_safe_to_retry());
    assert_eq!(mock.default_session().journal().len(), 1);
}
