//! Responses in another dress: the same images, tasks and errors, in JSON that no document shows.

mod almost;
mod dress;
mod error;
mod items;
mod json;
mod links;
mod tasks;
pub(crate) mod told;

use super::answer::Answer;
use super::call::Call;
use super::script::{Chunk, Content};
use crate::fault::{BodyFault, PictureFault};
use items::Items;
use json::Json;

pub use dress::Dress;

/// The shapes of a whole response in which a task stands for the images.
const TASKS: [BodyFault; 4] = [BodyFault::Task, BodyFault::TaskList, BodyFault::TaskObject, BodyFault::TaskEnvelope];

/// Does to the JSON of a response what a fault says; `path` is what was asked for. Streams and other bodies stay.
pub(crate) fn apply(call: &Call<'_>, path: &str, answer: Answer) -> Answer {
    let fault = &call.fault;
    if (fault.body.is_empty() && fault.error.is_empty()) || answer.streamed {
        return answer;
    }
    let Answer { chunks, .. } = &answer;
    let [Chunk { after, content }] = chunks.as_slice() else { return answer };
    let Some(document) = Json::read(plain(content)) else { return answer };
    let after = *after;
    let mut answer = Answer { chunks: Vec::new(), ..answer };
    let document = if answer.status >= 400 {
        error::shaped(&fault.error, answer.status, document)
    } else {
        success(call, path, &mut answer, document)
    };
    let document = almost::shaped(&fault.body, document);
    let content = document.write(fault.shapes(BodyFault::TrailingCommas));
    answer.chunks.push(Chunk { after, content: content.flawed(call.flaw()) });
    answer
}

/// The text of an error, as a fault wants it.
pub(crate) fn error_text(call: &Call<'_>, status: u16, text: String) -> String {
    let forms = &call.fault.error;
    match Json::read(&Content::Bytes(text.clone().into())) {
        Some(document) if !forms.is_empty() => error::written(&error::shaped(forms, status, document)),
        _ => text,
    }
}

/// A content without what is wrong with its images.
fn plain(content: &Content) -> &Content {
    match content {
        Content::Flawed(_, content) => plain(content),
        content => content,
    }
}

fn success(call: &Call<'_>, path: &str, answer: &mut Answer, mut document: Json) -> Json {
    let shapes = &call.fault.body;
    if let Some(shape) = shapes.iter().copied().find(|shape| TASKS.contains(shape)) {
        let accepted = answer.reserved.as_ref().map(|(id, _)| id.as_str());
        return if accepted.is_some() || answer.billed > 0 {
            tasks::shaped(call, shape, accepted, document)
        } else {
            document
        };
    }
    let Some(items) = Items::take(&mut document) else { return document };
    let mut items = items.dressed(call, path);
    if shapes.contains(&BodyFault::Overbilled) && answer.billed > 0 {
        answer.billed += 1;
        items::count(&mut document, answer.billed);
    }
    if shapes.contains(&BodyFault::UnreadableFree) {
        items.spoil_first();
        items::count(&mut document, 0);
    }
    items.put(shapes, document)
}

/// How the images inside a response are wrong.
impl Call<'_> {
    /// Such a flaw, if the response or the downloads are to have one.
    pub(crate) fn flaw(&self) -> Option<PictureFault> {
        self.fault.picture.or_else(|| self.later.iter().find_map(|fault| fault.picture))
    }
}
