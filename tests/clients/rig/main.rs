//! What rig does when only its base URL and its key are changed. It reads base64 alone, which it asks for if told to.

#[path = "../session.rs"]
mod session;

use base64::{Engine, prelude::BASE64_STANDARD};
use rig_core::{
    error::ProviderError,
    image_generation::{ImageGenerationRequestBuilder, ImageGenerationResponse},
    providers::openai::OpenAIConfig,
};
use serde_json::{Value, json};
use session::{MODEL, Seen, Session, check};

const CLIENT: &str = "rig";

async fn generate(
    session: &Session,
    key: &str,
    side: u32,
    more: Value,
) -> Result<ImageGenerationResponse, ProviderError> {
    let request = ImageGenerationRequestBuilder::new("3 posters of a paper kite").width(side).height(side);
    let client = OpenAIConfig::new(key).with_base_url(session.base()).client();
    client.image_generation(MODEL).call(request.additional_params(more).build()).await
}

fn group() -> Value {
    json!({
        "response_format": "b64_json",
        "sequential_image_generation": "auto", "sequential_image_generation_options": { "max_images": 3 },
    })
}

/// A response that rig cannot read: the images are paid for and lost.
fn unread(response: Result<ImageGenerationResponse, ProviderError>, paid: &str) -> Seen {
    match response {
        Err(ProviderError::Json(error)) if error.to_string().contains("missing field `b64_json`") => {
            Ok(format!("JsonError: missing field `b64_json`; {paid}, is lost"))
        }
        other => Err(format!("{other:?}").into()),
    }
}

async fn url(session: &Session) -> Seen {
    unread(generate(session, "sk-anything", 1024, json!({})).await, "the image, paid")
}

async fn b64_json(session: &Session, more: Value, seen: &str) -> Seen {
    let response = generate(session, "sk-anything", 1024, more).await?;
    session.keep(0, "1024x1024", &response.image)?;
    Ok(seen.into())
}

/// rig returns the first image; the others are in its raw response.
async fn images(session: &Session) -> Seen {
    let response = generate(session, "sk-anything", 1024, group()).await?;
    for (index, item) in response.raw["data"].as_array().ok_or("no data")?.iter().enumerate() {
        let image = BASE64_STANDARD.decode(item["b64_json"].as_str().ok_or("no b64_json")?)?;
        check(index > 0 || image == response.image, "the first image is the response's")?;
        session.keep(index, item["size"].as_str().ok_or("no size")?, &image)?;
    }
    Ok("the first image; the others in the raw response alone".into())
}

async fn withheld(session: &Session) -> Seen {
    unread(generate(session, "sk-mock-partial", 1024, group()).await, "the whole group, two images paid")
}

async fn refused(session: &Session, key: &str, side: u32, status: u16, code: &str) -> Seen {
    let error = generate(session, key, side, json!({})).await.err().ok_or("no error")?;
    let report = error.report();
    check(report.http_status == Some(status), &format!("the status is {:?}", report.http_status))?;
    check(report.code.as_deref() == Some(code), &format!("the code is {:?}", report.code))?;
    Ok(format!("ProviderError::ProviderResponse, {code}"))
}

/// A response that is lost on the way is not asked for again.
async fn lost(session: &Session) -> Seen {
    match generate(session, "sk-mock-reset", 1024, json!({})).await {
        Err(ProviderError::Http(_)) => Ok("ProviderError::Http; one attempt".into()),
        other => Err(format!("{other:?}").into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let base64 = json!({ "response_format": "b64_json" });
    let square = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAEAAAABAAQAAAACCEkxzAAAAD0lEQVR42mNgGAWjgHwAAAJAAAHgTR1EAAAAAElFTkSuQmCC";
    let reference = json!({ "response_format": "b64_json", "image": square });
    let session = Session("url");
    session.report(1, 1, 0, &url(&session).await);
    let session = Session("b64_json");
    session.report(1, 1, 1, &b64_json(&session, base64, "base64, as additional_params ask for it").await);
    let session = Session("references");
    session.report(1, 1, 1, &b64_json(&session, reference, "a reference as a data URI in additional_params").await);
    let session = Session("group");
    session.report(1, 3, 3, &images(&session).await);
    let session = Session("group-withheld");
    session.report(1, 2, 0, &withheld(&session).await);
    let session = Session("400");
    session.report(1, 0, 0, &refused(&session, "sk-anything", 512, 400, "InvalidParameter").await);
    let session = Session("401");
    session.report(1, 0, 0, &refused(&session, "sk-mock-401", 1024, 401, "AuthenticationError").await);
    let session = Session("429");
    session.report(1, 0, 0, &refused(&session, "sk-mock-429", 1024, 429, "ModelAccountIpmRateLimitExceeded").await);
    let session = Session("lost");
    session.report(1, 1, 0, &lost(&session).await);
}
