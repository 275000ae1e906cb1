//! Answers gone wrong: what stands instead of an answer, and what is done to one.

use bytes::Bytes;
use seedream_fixtures::{ErrorCause, ErrorFamily, EvidenceKind};

use crate::faults::fault::Fault;
use crate::faults::shapes::{LengthFault, Truncation};
use crate::faults::words::ImageFault;
use crate::image::TestImage;
use crate::request::context::RequestContext;
use crate::response::coding;
use crate::response::endpoint_response::EndpointResponse;
use crate::response::error::{ErrorDetails, ErrorResponse};
use crate::response::script::{Chunk, ChunkContent};

/// What nobody can read as JSON.
const GARBAGE: &[u8] = b"\x00\xff\xfe{[\"created\": mock garbage \x80";

/// The beginning of a gzip stream.
const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03";

/// How much of an image comes before it is cut.
const CUT: usize = 80;

/// How much of an image's end is cut.
const CUT_END: usize = 4;

/// What follows an image's end.
const TRAILING: &[u8] = b"\r\n<!-- served by mock-cdn in 12 ms -->\r\n";

/// How much padding is one chunk.
const PADDING: usize = 1 << 20;

/// The page of a gateway, or a redirect, where one stands instead of the answer. `target` is where a redirect leads if the
/// fault does not say.
pub(crate) fn instead(fault: &Fault, target: &str) -> Option<EndpointResponse> {
    if let Some(status) = fault.html {
        return Some(EndpointResponse::new(status, "text/html", vec![Chunk::text(page(status))]));
    }
    let status = fault.redirect?;
    let mut response = EndpointResponse::new(status, "text/plain", Vec::new());
    response.headers.push((String::from("location"), fault.to.clone().unwrap_or_else(|| target.to_owned())));
    Some(response)
}

fn page(status: u16) -> String {
    let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let title = format!("{status} {}", reason.unwrap_or("Error"));
    format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>seedream-mock</center>\r\n</body>\r\n</html>\r\n"
    )
}

/// The error a fault asks for, in the provider's form.
pub(crate) fn refusal(fault: &Fault, context: &RequestContext<'_>, fill: &ErrorDetails<'_>) -> Option<ErrorResponse> {
    let cause = match (fault.refuse, fault.status) {
        (Some(refusal), _) => refusal.cause(),
        (None, Some(status)) => cause_of(status),
        // What says how an error looks means that there is one.
        (None, None) if fault.error.is_empty() => return None,
        (None, None) => ErrorCause::Invalid,
    };
    let mut template = context.template(cause)?.clone();
    if let Some(status) = fault.status {
        if context.family() == ErrorFamily::Ark && status != template.status {
            template.kind = String::from(kind_of(status));
        }
        template.status = status;
    }
    if let Some(code) = &fault.code {
        template.code.clone_from(code);
    }
    if let Some(message) = &fault.message {
        template.message.clone_from(message);
    }
    let altered = fault.status.is_some() || fault.code.is_some() || fault.message.is_some();
    let problem = context.filled(&template, fill);
    Some(if altered { ErrorResponse { evidence: EvidenceKind::Derived, ..problem } } else { problem })
}

/// What a provider means by a status.
fn cause_of(status: u16) -> ErrorCause {
    match status {
        401 => ErrorCause::Unauthorized,
        402 => ErrorCause::Balance,
        403 => ErrorCause::Forbidden,
        404 => ErrorCause::ModelNotFound,
        429 => ErrorCause::RateLimited,
        400..500 => ErrorCause::Invalid,
        _ => ErrorCause::Internal,
    }
}

/// Ark's type of an error with a status (providers.md 1.7).
fn kind_of(status: u16) -> &'static str {
    match status {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        429 => "TooManyRequests",
        400..500 => "BadRequest",
        _ => "InternalServerError",
    }
}

/// Does to an answer what a fault says.
pub(crate) fn spoil(mut response: EndpointResponse, fault: &Fault) -> EndpointResponse {
    let mut header = |name: &str, value: &str| response.headers.push((name.to_owned(), value.to_owned()));
    if let Some(value) = &fault.retry_after {
        header("retry-after", value);
    }
    if let Some(retry) = fault.should_retry {
        header("x-should-retry", if retry { "true" } else { "false" });
    }
    if fault.broken_gzip {
        header("content-encoding", "gzip");
        response.chunks.insert(0, Chunk::text(GZIP));
    }
    if fault.garbage {
        response.content_type = "application/json".into();
        response.chunks = vec![Chunk::text(GARBAGE)];
    }
    if fault.empty {
        response.chunks.clear();
    }
    if let Some(label) = &fault.label {
        response.content_type = label.clone().into();
    }
    if fault.garbage || fault.empty || fault.length == Some(LengthFault::Wrong) {
        response.streamed = false;
    }
    if let Some(bytes) = fault.oversize {
        response.streamed = true;
        response.chunks.extend(padding(bytes));
    }
    if let Some(cut) = fault.truncate {
        response.chunks = truncated(response.chunks, cut);
    }
    if fault.empty || fault.garbage || fault.truncate.is_some() {
        response.repeats = None;
    }
    coding::pack(response, &fault.coding)
}

/// So many spaces, which JSON does not mind.
fn padding(bytes: u64) -> impl Iterator<Item = Chunk> {
    let block = Bytes::from(vec![b' '; PADDING.min(usize::try_from(bytes).unwrap_or(PADDING))]);
    let whole = bytes / PADDING as u64;
    let rest = block.slice(..(bytes % PADDING as u64) as usize);
    let blocks = std::iter::repeat_n(block, usize::try_from(whole).unwrap_or(usize::MAX));
    blocks.chain((!rest.is_empty()).then_some(rest)).map(Chunk::text)
}

/// A body's beginning.
fn truncated(chunks: Vec<Chunk>, cut: Truncation) -> Vec<Chunk> {
    let after = chunks.iter().map(|chunk| chunk.after).sum();
    let whole = ChunkContent::Joined(chunks.into_iter().map(|chunk| chunk.content).collect());
    vec![Chunk { after, content: ChunkContent::Beginning(Box::new(whole), cut) }]
}

impl ImageFault {
    /// A picture's file, wrong in this way.
    pub(crate) fn file(self, image: &TestImage, render: &dyn Fn(&TestImage) -> Bytes) -> Bytes {
        match self {
            Self::Truncated => {
                let file = render(image);
                file.slice(..file.len() / 2)
            }
            Self::Corrupt => {
                let mut file = render(image).to_vec();
                // The first bytes still say what it was meant to be.
                file.iter_mut().skip(48).step_by(7).for_each(|byte| *byte ^= 0x5a);
                file.into()
            }
            Self::WrongSize => {
                let half = |side: u32| (side / 2).max(1);
                render(&TestImage { width: half(image.width), height: half(image.height), ..image.clone() })
            }
            Self::Html => page(200).into(),
            Self::Cut | Self::CutLength => {
                let file = render(image);
                file.slice(..file.len().min(CUT))
            }
            Self::CutEnd => {
                let file = render(image);
                file.slice(..file.len().saturating_sub(CUT_END))
            }
            Self::Trailing => [render(image).as_ref(), TRAILING].concat().into(),
            Self::CloseEvery | Self::CloseEveryUntagged => render(image),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::padding;

    #[test]
    fn m15_padding_has_its_length() {
        for bytes in [0u64, 1, 5, 1 << 20, (1 << 20) + 1, 3 << 20] {
            let length: usize = padding(bytes).map(|chunk| chunk.content.bytes(|_| unreachable!()).len()).sum();
            assert_eq!(length as u64, bytes);
        }
    }
}
