//! A provider that answers without a network: one small image as base64.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use seedream::seedream_client::{ResponseBody, Transport, TransportError};
use seedream::{Client, ImageProvider, ImageRequest};
use serde_json::Value;

use crate::Result;

/// A PNG of one pixel.
const IMAGE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[derive(Debug)]
struct Prepared(Duration);

#[async_trait]
impl Transport for Prepared {
    async fn send(&self, _: http::Request<Bytes>) -> std::result::Result<http::Response<ResponseBody>, TransportError> {
        if !self.0.is_zero() {
            tokio::time::sleep(self.0).await;
        }
        let body = format!(
            r#"{{"model":"doubao-seedream-4-0-250828","created":1764000000,"data":[{{"b64_json":"{IMAGE}","size":"1x1"}}],"usage":{{"generated_images":1,"output_tokens":1,"total_tokens":1}}}}"#
        );
        Ok(http::Response::new(ResponseBody::from(body)))
    }
}

/// A client of it; each response takes so long.
pub(crate) fn client(takes: Duration) -> Result<Arc<dyn ImageProvider>> {
    let client = Client::builder(seedream::adapters::Ark).key("a-key").transport(Arc::new(Prepared(takes))).build()?;
    Ok(Arc::new(client))
}

/// The request of a line.
pub(crate) fn request(row: &Value) -> ImageRequest {
    ImageRequest::new("seedream-4.0", row["prompt"].as_str().unwrap_or_default())
        .response_format(seedream::ResponseFormat::B64Json)
}
