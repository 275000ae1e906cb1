//! HTTP requests of all adapters: a POST with a JSON body and `extra` last, or a GET.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use seedream_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde_json::{Map, Value};

/// Creates a POST with a JSON body: the members of `body` in their order, then those of `extra`.
///
/// # Errors
/// [`ErrorKind::Config`] if `body` is not an object or `path` is not valid: a bug of the adapter.
pub fn post(path: &str, body: &impl Serialize, extra: &Map<String, Value>) -> Result<http::Request<Bytes>> {
    let bug = |what: &str| {
        Error::new(ErrorKind::Config, format!("the request cannot be encoded: {what}; this is a bug of the adapter"))
    };
    let mut json = serde_json::to_string(body).map_err(|error| bug("its body is not JSON").with_source(error))?;
    for (name, value) in extra {
        let open = json.pop();
        if open != Some('}') {
            return Err(bug("its body is not an object"));
        }
        if !json.ends_with('{') {
            json.push(',');
        }
        json.push_str(&Value::from(name.as_str()).to_string());
        json.push(':');
        json.push_str(&value.to_string());
        json.push('}');
    }
    http::Request::post(path)
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from(json))
        .map_err(|error| bug("its path is not valid").with_source(error))
}

/// Creates a GET without a body.
///
/// # Errors
/// [`ErrorKind::Config`] if `path` is not valid: a bug of the adapter.
pub fn get(path: &str) -> Result<http::Request<Bytes>> {
    let bug = |error| {
        Error::new(ErrorKind::Config, "the request cannot be encoded: its path is not valid").with_source(error)
    };
    http::Request::get(path).body(Bytes::new()).map_err(bug)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn extra_comes_last_and_verbatim() {
        #[derive(Serialize)]
        struct Body {
            prompt: &'static str,
            model: &'static str,
        }
        let extra = json!({"a\"b": [1, null], "z": {"y": 1.5}});
        let request = post("/v1", &Body { prompt: "p", model: "m" }, extra.as_object().unwrap()).unwrap();
        insta::assert_snapshot!(String::from_utf8_lossy(request.body()), @r#"{"prompt":"p","model":"m","a\"b":[1,null],"z":{"y":1.5}}"#);
        let empty = post("/v1", &json!({}), json!({"a": 1}).as_object().unwrap()).unwrap();
        assert_eq!(empty.body().as_ref(), br#"{"a":1}"#);
        assert!(post("/v1", &json!([]), json!({"a": 1}).as_object().unwrap()).is_err());
    }
}
