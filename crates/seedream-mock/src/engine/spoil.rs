//! Answers gone wrong: what stands instead of an answer, and what is done to one.

use bytes::Bytes;
use seedream_fixtures::{Cause, ErrorFamily, Kind};

use super::answer::Answer;
use super::call::Call;
use super::coding;
use super::problem::{Fill, Problem};
use super::script::{Chunk, Content};
use crate::fault::{Cut, Fault, Length, PictureFault};
use crate::picture::Picture;

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
pub(crate) fn instead(fault: &Fault, target: &str) -> Option<Answer> {
    if let Some(status) = fault.html {
        return Some(Answer::new(status, "text/html", vec![Chunk::text(page(status))]));
    }
    let status = fault.redirect?;
    let mut answer = Answer::new(status, "text/plain", Vec::new());
    answer.headers.push((String::from("location"), fault.to.clone().unwrap_or_else(|| target.to_owned())));
    Some(answer)
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
pub(crate) fn refusal(fault: &Fault, call: &Call<'_>, fill: &Fill<'_>) -> Option<Problem> {
    let cause = match (fault.refuse, fault.status) {
        (Some(refusal), _) => refusal.cause(),
        (None, Some(status)) => cause_of(status),
        // What says how an error looks means that there is one.
        (None, None) if fault.error.is_empty() => return None,
        (None, None) => Cause::Invalid,
    };
    let mut answer = call.template(cause)?.clone();
    if let Some(status) = fault.status {
        if call.family() == ErrorFamily::Ark && status != answer.status {
            answer.kind = String::from(kind_of(status));
        }
        answer.status = status;
    }
    if let Some(code) = &fault.code {
        answer.code.clone_from(code);
    }
    if let Some(message) = &fault.message {
        answer.message.clone_from(message);
    }
    let altered = fault.status.is_some() || fault.code.is_some() || fault.message.is_some();
    let problem = call.filled(&answer, fill);
    Some(if altered { Problem { evidence: Kind::Derived, ..problem } } else { problem })
}

/// What a provider means by a status.
fn cause_of(status: u16) -> Cause {
    match status {
        401 => Cause::Unauthorized,
        402 => Cause::Balance,
        403 => Cause::Forbidden,
        404 => Cause::ModelNotFound,
        429 => Cause::RateLimited,
        400..500 => Cause::Invalid,
        _ => Cause::Internal,
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
pub(crate) fn spoil(mut answer: Answer, fault: &Fault) -> Answer {
    let mut header = |name: &str, value: &str| answer.headers.push((name.to_owned(), value.to_owned()));
    if let Some(value) = &fault.retry_after {
        header("retry-after", value);
    }
    if let Some(retry) = fault.should_retry {
        header("x-should-retry", if retry { "true" } else { "false" });
    }
    if fault.broken_gzip {
        header("content-encoding", "gzip");
        answer.chunks.insert(0, Chunk::text(GZIP));
    }
    if fault.garbage {
        answer.content_type = "application/json".into();
        answer.chunks = vec![Chunk::text(GARBAGE)];
    }
    if fault.empty {
        answer.chunks.clear();
    }
    if let Some(label) = &fault.label {
        answer.content_type = label.clone().into();
    }
    if fault.garbage || fault.empty || fault.length == Some(Length::Wrong) {
        answer.streamed = false;
    }
    if let Some(bytes) = fault.oversize {
        answer.streamed = true;
        answer.chunks.extend(padding(bytes));
    }
    if let Some(cut) = fault.truncate {
        answer.chunks = truncated(answer.chunks, cut);
    }
    if fault.empty || fault.garbage || fault.truncate.is_some() {
        answer.repeats = None;
    }
    coding::pack(answer, &fault.coding)
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
fn truncated(chunks: Vec<Chunk>, cut: Cut) -> Vec<Chunk> {
    let after = chunks.iter().map(|chunk| chunk.after).sum();
    let whole = Content::Joined(chunks.into_iter().map(|chunk| chunk.content).collect());
    vec![Chunk { after, content: Content::Beginning(Box::new(whole), cut) }]
}

impl PictureFault {
    /// A picture's file, wrong in this way.
    pub(crate) fn file(self, picture: &Picture, render: &dyn Fn(&Picture) -> Bytes) -> Bytes {
        match self {
            Self::Truncated => {
                let file = render(picture);
                file.slice(..file.len() / 2)
            }
            Self::Corrupt => {
                let mut file = render(picture).to_vec();
                // The first bytes still say what it was meant to be.
                file.iter_mut().skip(48).step_by(7).for_each(|byte| *byte ^= 0x5a);
                file.into()
            }
            Self::WrongSize => {
                let half = |side: u32| (side / 2).max(1);
                render(&Picture { width: half(picture.width), height: half(picture.height), ..picture.clone() })
            }
            Self::Html => page(200).into(),
            Self::Cut | Self::CutLength => {
                let file = render(picture);
                file.slice(..file.len().min(CUT))
            }
            Self::CutEnd => {
                let file = render(picture);
                file.slice(..file.len().saturating_sub(CUT_END))
            }
            Self::Trailing => [render(picture).as_ref(), TRAILING].concat().into(),
            Self::CloseEvery | Self::CloseEveryUntagged => render(picture),
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
