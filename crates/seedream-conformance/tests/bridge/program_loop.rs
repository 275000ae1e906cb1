//! The other side of the pipe: reads a question, has the adapter respond.

use std::{
    error::Error,
    io::{self, BufRead as _, Write as _},
    sync::Arc,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use seedream_core::{Blobs, Checked, Dialect, ImageRequest, Response, Strictness, Task, Timestamp, sse::Frame};
use serde_json::{Value, json};

use crate::program_responses;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Responds until the input ends.
pub(crate) fn speak(id: &str) -> Result<()> {
    let dialects = seedream::dialects();
    let dialect = dialects.iter().find(|dialect| dialect.descriptor().id == id).ok_or("no adapter of that id")?;
    let mut stdout = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        let method = question["method"].as_str().unwrap_or_default();
        let result = example(dialect, method, &question["params"])?;
        writeln!(stdout, "{}", json!({ "id": question["id"], "result": result }))?;
        stdout.flush()?;
    }
    Ok(())
}

fn example(dialect: &Arc<dyn Dialect>, method: &str, params: &Value) -> Result<Value> {
    let missing = || format!("{method} is no ability of {}", dialect.descriptor().id);
    Ok(match method {
        "describe" => program_responses::description(&**dialect),
        "encode" => program_responses::request(&dialect.encode(&checked(dialect, params)?)?)?,
        "decode" => program_responses::outcome(dialect.decode(&checked(dialect, params)?, &response(params)?)),
        "effective" => {
            dialect.effective(&checked(dialect, params)?, serde_json::from_value(params["json"].clone())?).body.into()
        }
        "poll" => program_responses::request(&dialect.tasks().ok_or_else(missing)?.poll(&task(params)?)?)?,
        "decode_poll" => {
            let tasks = dialect.tasks().ok_or_else(missing)?;
            program_responses::state(tasks.decode_poll(&task(params)?, &response(params)?))
        }
        "event" => {
            let mut decoder = dialect.streaming().ok_or_else(missing)?.decoder(&checked(dialect, params)?);
            let frame = frame(&params["frame"]);
            let items = decoder.event(&frame, &Blobs::default());
            let complete = items.is_empty() && frame.data.contains(".completed\"");
            program_responses::items(items, complete)
        }
        "finish" => {
            let mut decoder = dialect.streaming().ok_or_else(missing)?.decoder(&checked(dialect, params)?);
            for event in params["frames"].as_array().into_iter().flatten() {
                decoder.event(&frame(event), &Blobs::default());
            }
            program_responses::generation(decoder.finish(&response(params)?))
        }
        "models" => program_responses::request(&dialect.catalog().ok_or_else(missing)?.models_request())?,
        "decode_models" => {
            program_responses::models(dialect.catalog().ok_or_else(missing)?.decode_models(&response(params)?))
        }
        _ => return Err(format!("{method} is not a method of the protocol").into()),
    })
}

/// What has passed the rules once passes them again.
fn checked(dialect: &Arc<dyn Dialect>, params: &Value) -> Result<Checked> {
    let request: ImageRequest = serde_json::from_value(params["checked"]["request"].clone())?;
    Ok(dialect.capabilities(&request.model).check(&request, Strictness::Off)?)
}

fn task(params: &Value) -> Result<Task> {
    Ok(serde_json::from_value(params["task"].clone())?)
}

fn frame(said: &Value) -> Frame {
    let text = |name: &str| said[name].as_str().map(str::to_owned);
    Frame { event: text("event"), data: text("data").unwrap_or_default() }
}

fn response(params: &Value) -> Result<Response> {
    let said = &params["response"];
    let mut headers = HeaderMap::new();
    for (name, value) in said["headers"].as_object().into_iter().flatten() {
        headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value.as_str().unwrap_or_default())?);
    }
    let status = StatusCode::from_u16(u16::try_from(said["status"].as_u64().unwrap_or_default())?)?;
    let body = Bytes::from(said["body"].as_str().unwrap_or_default().to_owned());
    let mut response = Response::new(status, headers, body, Timestamp::now());
    (response.truncated, response.repaired) = (said["truncated"] == true, said["repaired"] == true);
    Ok(response)
}
