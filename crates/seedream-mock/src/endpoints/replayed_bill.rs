//! What a played response costs: as many images as it states or shows, and of an accepted task as many as its recorded polls show.

use std::collections::BTreeSet;

use seedream_fixtures::{
    OperationKind, Placeholder, RecordedBody, RecordedExchange, RecordedResponse, RecordedWire, TaskFacts,
};
use serde_json::Value;

use crate::recording::delivered_images::DeliveredImages;
use crate::request::context::RequestContext;
use crate::request::fields::RequestFields;
use crate::request::gateway_rewrite;
use crate::request::generation_spec::GenerationSpec;

/// The images that a played exchange bills.
pub(crate) fn images(context: &RequestContext<'_>, exchange: &RecordedExchange) -> u32 {
    let (Some(recorded), Some(wire)) = (&exchange.response, &exchange.wire) else { return 0 };
    if exchange.operation != OperationKind::Create || !(200..300).contains(&recorded.status) {
        return 0;
    }
    let shown = delivered(recorded, wire);
    if shown > 0 {
        return shown;
    }
    task(context, recorded).unwrap_or_default()
}

fn delivered(recorded: &RecordedResponse, wire: &RecordedWire) -> u32 {
    let DeliveredImages { stated, inline } = DeliveredImages::of(&recorded.body);
    stated.unwrap_or_else(|| {
        // A stream names an image more than once, and a body other pages than images.
        let images = wire.images.iter().filter(|image| image.file.is_some() || image.failure.is_some());
        let urls: BTreeSet<_> = images.map(|image| (&image.url, &image.file)).collect();
        u32::try_from(urls.len()).unwrap_or(u32::MAX).saturating_add(inline)
    })
}

/// The images of the task that a response accepts: those that its polls show, none where they say that it failed, and as many as the
/// request asks for where its end was not recorded.
fn task(context: &RequestContext<'_>, accepted: &RecordedResponse) -> Option<u32> {
    let form = context.provider.task.as_ref()?;
    let accepted = json(accepted)?;
    let id = accepted.pointer(form.accepted.place(Placeholder::Id)?)?.as_str()?;
    let exchanges = context.services.library.exchanges().iter();
    let polls = exchanges.filter(|exchange| {
        let request = exchange.request.as_ref().filter(|_| exchange.provider() == context.provider.id);
        exchange.operation == OperationKind::Poll && request.is_some_and(|request| request.path.contains(id))
    });
    let polls: Vec<_> = polls.filter_map(|exchange| exchange.response.as_ref().zip(exchange.wire.as_ref())).collect();
    let shown = polls.iter().map(|(response, wire)| delivered(response, wire)).max().unwrap_or_default();
    if shown > 0 || polls.iter().any(|(response, _)| has_failed(form, response)) {
        return Some(shown);
    }
    let body = context.object()?;
    let effective = gateway_rewrite::effective(context.provider, body);
    let fields = (RequestFields::of(context.provider, body), RequestFields::of(context.provider, &effective));
    Some(GenerationSpec::read(&fields.0, &fields.1).reserved)
}

fn has_failed(form: &TaskFacts, response: &RecordedResponse) -> bool {
    let status = form.failed.place(Placeholder::Status).zip(json(response));
    status.is_some_and(|(place, body)| {
        body.pointer(place).is_some_and(|status| Some(status) == form.status.failed.as_ref())
    })
}

fn json(response: &RecordedResponse) -> Option<Value> {
    match &response.body {
        RecordedBody::Json(raw) => serde_json::from_str(raw.get()).ok(),
        RecordedBody::Text(text) => serde_json::from_str(text).ok(),
        RecordedBody::Sse(_) | RecordedBody::Base64(_) => None,
    }
}
