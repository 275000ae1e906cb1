//! What async-openai does when only its base URL and its key are changed. One line a scenario, as `judge.py` reads it.

#[path = "../session.rs"]
mod session;

use async_openai::{
    Client,
    config::OpenAIConfig,
    error::OpenAIError,
    types::images::{CreateImageRequestArgs, ImageModel},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures::StreamExt;
use serde_json::{Value, json};
use session::{MODEL, Seen, Session, check};

const CLIENT: &str = "async-openai";

fn client(session: &Session, key: &str) -> Client<OpenAIConfig> {
    Client::with_config(OpenAIConfig::new().with_api_base(session.base()).with_api_key(key))
}

/// The crate's own answer type wants `input_tokens`, which Ark does not send: the image is paid for and lost.
async fn typed(session: &Session) -> Seen {
    let model = ImageModel::Other(MODEL.into());
    let request = CreateImageRequestArgs::default().model(model).prompt("a paper kite").build()?;
    match client(session, "sk-anything").images().generate(request).await {
        Err(OpenAIError::JSONDeserialize(error, _)) => {
            check(error.to_string().contains("missing field `input_tokens`"), "it misses input_tokens")?;
            Ok("JSONDeserialize: missing field `input_tokens`; paid and lost".into())
        }
        other => Err(format!("{other:?}").into()),
    }
}

/// With a type of one's own the same response is readable.
async fn url(session: &Session) -> Seen {
    let request = json!({ "model": MODEL, "prompt": "a paper kite", "size": "1024x1024" });
    let response: Value = client(session, "sk-anything").images().generate_byot(request).await?;
    let image = &response["data"][0];
    let url = image["url"].as_str().ok_or("no url")?;
    let bytes = reqwest::get(url).await?.error_for_status()?.bytes().await?;
    session.keep(0, image["size"].as_str().ok_or("no size")?, &bytes)?;
    Ok("byot: a URL that opens".into())
}

async fn b64_json(session: &Session) -> Seen {
    let request =
        json!({ "model": MODEL, "prompt": "a paper kite", "size": "1024x1024", "response_format": "b64_json" });
    let response: Value = client(session, "sk-anything").images().generate_byot(request).await?;
    let image = &response["data"][0];
    let bytes = BASE64_STANDARD.decode(image["b64_json"].as_str().ok_or("no b64_json")?)?;
    session.keep(0, image["size"].as_str().ok_or("no size")?, &bytes)?;
    Ok("byot: base64".into())
}

async fn stream(session: &Session) -> Seen {
    let request = json!({
        "model": MODEL, "prompt": "3 posters of a paper kite", "size": "1024x1024", "stream": true,
        "sequential_image_generation": "auto", "sequential_image_generation_options": { "max_images": 3 },
    });
    let mut events = client(session, "sk-anything").images().generate_stream_byot::<_, Value>(request).await?;
    let mut types = Vec::new();
    while let Some(event) = events.next().await {
        let event = event?;
        if let Some(url) = event["url"].as_str() {
            let bytes = reqwest::get(url).await?.error_for_status()?.bytes().await?;
            session.keep(types.len(), event["size"].as_str().ok_or("no size")?, &bytes)?;
        }
        types.push(event["type"].as_str().unwrap_or_default().to_owned());
    }
    let made = "image_generation.partial_succeeded";
    check(types == [made, made, made, "image_generation.completed"], &format!("the events are {types:?}"))?;
    Ok("byot: 3 partial_succeeded, completed".into())
}

/// With a type of one's own an error item is readable too.
async fn withheld(session: &Session) -> Seen {
    let request = json!({
        "model": MODEL, "prompt": "3 posters of a paper kite", "size": "1024x1024",
        "sequential_image_generation": "auto", "sequential_image_generation_options": { "max_images": 3 },
    });
    let response: Value = client(session, "sk-mock-partial").images().generate_byot(request).await?;
    for (index, item) in response["data"].as_array().ok_or("no data")?.iter().enumerate() {
        match item["url"].as_str() {
            Some(url) => {
                let bytes = reqwest::get(url).await?.error_for_status()?.bytes().await?;
                session.keep(index, item["size"].as_str().ok_or("no size")?, &bytes)?;
            }
            None => check(item["error"]["code"].is_string(), "the item without an image has an error")?,
        }
    }
    Ok("byot drops nothing: the list of images contains an error item".into())
}

async fn refused(session: &Session, key: &str, size: &str, status: u16, code: &str) -> Seen {
    let request = json!({ "model": MODEL, "prompt": "a paper kite", "size": size });
    match client(session, key).images().generate_byot::<_, Value>(request).await {
        Err(OpenAIError::ApiError(error)) => {
            check(error.status_code.as_u16() == status, &format!("the status is {}", error.status_code))?;
            check(error.api_error.code.as_deref() == Some(code), &format!("the code is {:?}", error.api_error.code))?;
            Ok(format!("ApiError, {code}"))
        }
        other => Err(format!("{other:?}").into()),
    }
}

/// A response that is lost on the way is not asked for again.
async fn lost(session: &Session) -> Seen {
    let request = json!({ "model": MODEL, "prompt": "a paper kite" });
    match client(session, "sk-mock-reset").images().generate_byot::<_, Value>(request).await {
        Err(OpenAIError::Reqwest(_)) => Ok("Reqwest; one attempt".into()),
        other => Err(format!("{other:?}").into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let session = Session("typed");
    session.report(1, 1, 0, &typed(&session).await);
    let session = Session("url");
    session.report(1, 1, 1, &url(&session).await);
    let session = Session("b64_json");
    session.report(1, 1, 1, &b64_json(&session).await);
    let session = Session("stream");
    session.report(1, 3, 3, &stream(&session).await);
    let session = Session("group-withheld");
    session.report(1, 2, 2, &withheld(&session).await);
    let session = Session("400");
    session.report(1, 0, 0, &refused(&session, "sk-anything", "512x512", 400, "InvalidParameter").await);
    let session = Session("401");
    session.report(1, 0, 0, &refused(&session, "sk-mock-401", "1024x1024", 401, "AuthenticationError").await);
    let session = Session("429");
    let code = "ModelAccountIpmRateLimitExceeded";
    session.report(4, 0, 0, &refused(&session, "sk-mock-429", "1024x1024", 429, code).await);
    let session = Session("lost");
    session.report(1, 1, 0, &lost(&session).await);
}
