//! The members of the body, in the order of docs.gogogotoken.ai/overseas/seedream-images.

use seedream_core::{Checked, Count, ResponseFormat};
use serde::Serialize;

pub(crate) const MEMBERS: &[&str] = &["model", "prompt", "n", "size", "response_format"];

#[derive(Serialize)]
pub(crate) struct Body<'a> {
    model: &'a str,
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<&'static str>,
}

impl<'a> Body<'a> {
    pub(crate) fn of(checked: &'a Checked) -> Self {
        let request = checked.request();
        Self {
            model: checked.model().as_str(),
            prompt: &request.prompt,
            n: request.count.and_then(Count::number),
            size: checked.size().and_then(|size| size.size.as_deref()),
            response_format: request.response_format.map(ResponseFormat::wire),
        }
    }
}
