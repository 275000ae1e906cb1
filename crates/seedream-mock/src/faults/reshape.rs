//! Responses in other forms: the same images, tasks and errors, in JSON that no page shows.

pub(crate) mod accepted_task;
pub(crate) mod error;
pub(crate) mod images;
pub(crate) mod invalid_json;
pub(crate) mod links;
pub(crate) mod loose_json;
pub(crate) mod task_status;

use crate::faults::reshape::images::ImageList;
use crate::faults::reshape::loose_json::LooseJson;
use crate::faults::shape_words::BodyFault;
use crate::request::context::RequestContext;
use crate::response::chunk::{Chunk, ChunkContent};
use crate::response::endpoint_response::EndpointResponse;

/// The shapes of a whole response in which a task stands for the images.
const TASKS: [BodyFault; 4] = [BodyFault::Task, BodyFault::TaskList, BodyFault::TaskObject, BodyFault::TaskEnvelope];

/// Does to the JSON of a response what a fault says. Streams and other bodies stay.
pub(crate) fn apply(context: &RequestContext<'_>, response: EndpointResponse) -> EndpointResponse {
    let fault = &context.fault;
    if (fault.body.is_empty() && fault.error.is_empty()) || response.streamed {
        return response;
    }
    let EndpointResponse { chunks, .. } = &response;
    let [Chunk { after, content }] = chunks.as_slice() else { return response };
    let Some(document) = LooseJson::read(plain(content)) else { return response };
    let after = *after;
    let mut response = EndpointResponse { chunks: Vec::new(), ..response };
    let document = if response.status >= 400 {
        error::shaped(&fault.error, response.status, document)
    } else {
        success(context, &mut response, document)
    };
    let document = invalid_json::shaped(&fault.body, document);
    let content = document.write(fault.shapes(BodyFault::TrailingCommas));
    response.chunks.push(Chunk { after, content: content.flawed(context.image_fault()) });
    response
}

/// The text of an error, as a fault wants it.
pub(crate) fn error_text(context: &RequestContext<'_>, status: u16, text: String) -> String {
    let forms = &context.fault.error;
    match LooseJson::read(&ChunkContent::Bytes(text.clone().into())) {
        Some(document) if !forms.is_empty() => error::written(&error::shaped(forms, status, document)),
        _ => text,
    }
}

/// A content without the faults of its images.
fn plain(content: &ChunkContent) -> &ChunkContent {
    match content {
        ChunkContent::Flawed(_, content) => plain(content),
        content => content,
    }
}

fn success(context: &RequestContext<'_>, response: &mut EndpointResponse, mut document: LooseJson) -> LooseJson {
    let shapes = &context.fault.body;
    if let Some(shape) = shapes.iter().copied().find(|shape| TASKS.contains(shape)) {
        let accepted = response.reserved.as_ref().map(|(id, _)| id.as_str());
        return if accepted.is_some() || response.billed > 0 {
            accepted_task::shaped(context, shape, accepted, document)
        } else {
            document
        };
    }
    let Some(items) = ImageList::take(&mut document) else { return document };
    let mut items = items.reshaped(context, context.request.uri().path());
    if shapes.contains(&BodyFault::Overbilled) && response.billed > 0 {
        response.billed += 1;
        images::count(&mut document, response.billed);
    }
    if shapes.contains(&BodyFault::UnreadableFree) {
        items.break_first();
        images::count(&mut document, 0);
    }
    items.put(shapes, document)
}
