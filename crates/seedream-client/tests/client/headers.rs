//! What goes along with requests, and what does not.

use seedream_client::{ImageProvider as _, SaveOptions};
use seedream_core::{ErrorKind, ImageRequest};
use serde_json::json;
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path},
};

use crate::{
    saving::PNG,
    tiny_dialects::{Tiny, TinyTasks, client, request},
};

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn key_agent_and_id_go_with_submit_and_poll_and_the_key_not_with_a_download() {
    let server = MockServer::start().await;
    let done = json!({ "status": "done", "data": [{ "url": format!("{}/pictures/0.png?sig=1", server.uri()) }] });
    let responses = [
        ("POST", "/v1/jobs", ResponseTemplate::new(200).set_body_json(json!({ "id": "job-1" }))),
        ("GET", "/v1/jobs/job-1", ResponseTemplate::new(200).set_body_json(done)),
        ("GET", "/pictures/0.png", ResponseTemplate::new(200).set_body_bytes(PNG)),
    ];
    for (verb, at, response) in responses {
        Mock::given(method(verb)).and(path(at)).respond_with(response).mount(&server).await;
    }
    let client = client(TinyTasks, &server.uri()).build().unwrap();
    let generation = client.generate(request()).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let saved = client.save(&generation, &SaveOptions::new(directory.path(), "tiny")).await;
    assert_eq!(saved.images().count(), 1, "{saved:?}");

    let requests = server.received_requests().await.unwrap();
    let [submit, poll, download] = &requests[..] else { panic!("{requests:?}") };
    for request in [submit, poll] {
        assert_eq!(header(request, "authorization"), Some("Bearer canary-0123456789"));
        assert_eq!(header(request, "user-agent"), Some(concat!("seedream/", env!("CARGO_PKG_VERSION"))));
        assert_eq!(header(request, "x-client-request-id"), header(submit, "x-client-request-id"));
        assert_eq!(header(request, "x-client-request-id").unwrap().len(), 36);
        assert_eq!(header(request, "accept-encoding"), Some("identity"));
    }
    assert_eq!(header(submit, "content-length").unwrap(), submit.body.len().to_string());
    assert_eq!(header(submit, "content-type"), Some("application/json"));
    assert_eq!((header(download, "authorization"), header(download, "x-client-request-id")), (None, None));
    assert!(header(download, "user-agent").unwrap().starts_with("seedream/"));
    assert_eq!((header(download, "accept-encoding"), download.method.as_str()), (Some("identity"), "GET"));

    client.generate(request()).await.unwrap();
    let later = server.received_requests().await.unwrap();
    assert_ne!(header(&later[3], "x-client-request-id"), header(submit, "x-client-request-id"));
}

#[tokio::test]
async fn without_a_key_there_is_no_authorization_and_the_agent_can_be_set() {
    let server = MockServer::start().await;
    let list = json!({ "data": [{ "id": "tiny-1" }, { "id": "tiny-2" }] });
    Mock::given(path("/base/v1/models"))
        .respond_with(ResponseTemplate::new(200).set_body_json(list))
        .mount(&server)
        .await;
    let builder = seedream_client::Client::builder(Tiny).base_url(format!("{}/base/", server.uri()));
    let client = builder.user_agent("Mozilla/5.0").build().unwrap();
    let models: Vec<_> = client.models().await.unwrap().into_iter().map(|model| model.id.as_str().to_owned()).collect();
    assert_eq!(models, ["tiny-1", "tiny-2"]);
    let requests = server.received_requests().await.unwrap();
    assert_eq!(
        (header(&requests[0], "authorization"), header(&requests[0], "user-agent")),
        (None, Some("Mozilla/5.0"))
    );
}

#[tokio::test]
async fn a_list_of_models_costs_nothing_whatever_becomes_of_it() {
    let server = MockServer::start().await;
    Mock::given(path("/v1/models")).respond_with(ResponseTemplate::new(500)).mount(&server).await;
    let error = client(Tiny, &server.uri()).build().unwrap().models().await.unwrap_err();
    assert_eq!((error.charge(), error.provider()), (seedream_core::Charge::No, Some("tiny")));
    let error = client(TinyTasks, &server.uri()).build().unwrap().models().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn one_client_keeps_the_models_of_its_requests_apart() {
    let client = client(Tiny, "https://tiny.example").build().unwrap();
    for model in ["tiny-1", "tiny-2", "tiny-2", "tiny-1"] {
        let plan = client.plan(&ImageRequest::new(model, "a lighthouse")).unwrap();
        assert_eq!(plan.model.as_str(), model);
    }
}
