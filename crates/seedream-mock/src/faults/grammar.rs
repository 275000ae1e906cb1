//! The grammar, stated once: every word with how it is read, how it is written, and what it means to people.

use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

use crate::faults::fault::Fault;
use crate::faults::shapes::{BodyFault, CodingFault, ErrorFault, LengthFault, StreamFault, TaskFault};
use crate::faults::word_enum::FaultValue;
use crate::faults::words::{BytePosition, ConnectionEnd, FaultTarget, ImageFault, RefusalCause, SseFault};
use crate::time;

/// One word of the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FaultWord {
    /// How it is written.
    pub form: &'static str,
    /// What it does.
    pub does: &'static str,
    /// A whole fault with it.
    pub example: &'static str,
    /// What its values are, where they are words themselves.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub values: &'static [FaultValue],
}

/// Every word of the grammar, in the order in which a fault is written.
pub const fn fault_words() -> &'static [FaultWord] {
    &WORDS
}

/// One word, for programs.
pub(crate) struct GrammarEntry {
    word: FaultWord,
    pub(crate) name: &'static str,
    pub(crate) takes: WordArgument,
    /// Sets what a value says.
    pub(crate) read: fn(&mut Fault, &str) -> Result<(), String>,
    /// The value, where the fault has one.
    pub(crate) write: fn(&Fault) -> Option<String>,
}

/// What follows the name of a word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WordArgument {
    Nothing,
    /// `=` and a value.
    Value,
    /// `@` and a place.
    Place,
}

/// The entry of a name.
pub(crate) fn find(name: &str) -> Option<&'static GrammarEntry> {
    TABLE.iter().find(|entry| entry.name == name)
}

const WORDS: [FaultWord; TABLE.len()] = {
    let mut words = [TABLE[0].word; TABLE.len()];
    let mut place = 0;
    while place < TABLE.len() {
        words[place] = TABLE[place].word;
        place += 1;
    }
    words
};

/// An entry; its name and what it takes stand in its form.
const fn entry(
    form: &'static str,
    does: &'static str,
    example: &'static str,
    read: fn(&mut Fault, &str) -> Result<(), String>,
    write: fn(&Fault) -> Option<String>,
) -> GrammarEntry {
    let bytes = form.as_bytes();
    let mut end = 0;
    while end < bytes.len() && bytes[end] != b'=' && bytes[end] != b'@' {
        end += 1;
    }
    let takes = match bytes.len() > end {
        false => WordArgument::Nothing,
        true if bytes[end] == b'@' => WordArgument::Place,
        true => WordArgument::Value,
    };
    let (name, _) = form.split_at(end);
    GrammarEntry { word: FaultWord { form, does, example, values: &[] }, name, takes, read, write }
}

impl GrammarEntry {
    const fn of(mut self, values: &'static [FaultValue]) -> Self {
        self.word.values = values;
        self
    }
}

/// An entry for a member that is an `Option`, a `Vec` (`[member]`) or a `bool` (`!member`).
macro_rules! entry {
    ($form:expr, $does:literal, $example:literal, [$member:ident] $read:ident) => {
        entry(
            $form,
            $does,
            $example,
            |fault, value| value.split(',').map($read).collect::<Result<_, _>>().map(|read| fault.$member = read),
            |fault| listed(&fault.$member),
        )
    };
    ($form:expr, $does:literal, $example:literal, !$member:ident) => {
        entry(
            $form,
            $does,
            $example,
            |fault, _| {
                fault.$member = true;
                Ok(())
            },
            |fault| fault.$member.then(String::new),
        )
    };
    ($form:expr, $does:literal, $example:literal, $member:ident $read:ident) => {
        entry(
            $form,
            $does,
            $example,
            |fault, value| $read(value).map(|read| fault.$member = Some(read)),
            |fault| fault.$member.as_ref().map(ToString::to_string),
        )
    };
    ($form:expr, $does:literal, $example:literal, $member:ident $read:ident $write:path) => {
        entry(
            $form,
            $does,
            $example,
            |fault, value| $read(value).map(|read| fault.$member = Some(read)),
            |fault| fault.$member.map($write),
        )
    };
}

pub(crate) const TABLE: &[GrammarEntry] = &[
    entry!(
        FaultTarget::FORM,
        "which requests; create unless said, picture for picture=, in a header the request it stands on",
        "on=poll status=500 times=2",
        on read
    )
    .of(FaultTarget::VALUES),
    entry!("times=N", "only the first N of them", "status=429 times=2", times number),
    entry!(
        "p=CHANCE",
        "each of them with this probability; the same seed, session and order decide the same",
        "p=0.3 seed=7 status=503",
        chance read
    ),
    entry!(
        "seed=N",
        "what p= decides from; the mock's own seed unless said",
        "p=0.5 seed=1 reset@before",
        seed number
    ),
    entry!(
        "rpm=N",
        "only beyond N requests a minute of a key and model; refuse=request-rate unless said",
        "rpm=60 retry-after=7",
        rpm number
    ),
    entry!("ipm=N", "only after N pictures within a minute; refuse=rate-limited unless said", "ipm=500", ipm number),
    entry!(
        "concurrent=N",
        "only beyond N at a time: answers whose delay and pace are not over, and tasks; refuse=concurrency unless said",
        "concurrent=2",
        concurrent number
    ),
    entry!(
        "quota=N",
        "only after N pictures in all; refuse=quota unless said",
        "quota=100 refuse=balance",
        quota number
    ),
    entry!(
        RefusalCause::FORM,
        "the provider's own refusal: status, code and sentence are its own",
        "refuse=rate-limited",
        refuse read
    )
    .of(RefusalCause::VALUES),
    entry!(
        "status=STATUS",
        "an error with this status in the provider's form; nothing is billed",
        "status=503",
        status status
    ),
    entry!(
        "code=CODE",
        "the code of the error, of the failed task, of the withheld picture",
        "status=503 code=ServerOverloaded",
        code text
    ),
    entry!("message=TEXT", "the message of the error", "status=400 message=\"not today\"", message text),
    entry!("retry-after=SECONDS|DATE", "the retry-after header", "status=429 retry-after=7", retry_after text),
    entry!(
        "should-retry=true|false",
        "the x-should-retry header",
        "status=429 should-retry=false",
        should_retry boolean
    ),
    entry!("delay=TIME", "the head waits, on the mock's clock", "delay=2s", delay time time::write),
    entry!(
        "pace=TIME",
        "each picture takes so long: events of a stream come at this pace, the first brings the head",
        "pace=500ms",
        pace time time::write
    ),
    entry(
        "reset@before|head[:BYTE]|body[:BYTE]|request[:BYTE]",
        "a TCP reset at this byte of the answer, which is billed; request: while the request's body is still being read, which is not",
        "reset@body:100",
        |fault, value| read(value).map(|place| fault.end = Some((ConnectionEnd::Reset, place))),
        |fault| ended(fault, ConnectionEnd::Reset),
    ),
    entry(
        "close@before|head[:BYTE]|body[:BYTE]|request[:BYTE]",
        "the connection is closed at this byte of the answer, or of the request's body",
        "close@head",
        |fault, value| read(value).map(|place| fault.end = Some((ConnectionEnd::Close, place))),
        |fault| ended(fault, ConnectionEnd::Close),
    ),
    entry!("stall@before|head[:BYTE]|body[:BYTE]", "the answer stops at this byte", "stall@body:10", stall stop),
    entry!(
        "for=TIME",
        "how long it stalls, on the mock's clock; for ever unless said",
        "stall@head for=30s",
        stall_for time time::write
    ),
    entry!("drip=BYTES/TIME", "so many bytes of the body at a time", "drip=1/10ms", drip read),
    entry!("html=STATUS", "a gateway's page instead of the answer; nothing is billed", "html=502", html status),
    entry!(
        "redirect=STATUS",
        "a redirect to the same path instead of the answer; nothing is billed",
        "redirect=307 times=1",
        redirect status
    ),
    entry!("to=URL", "where the redirect leads", "redirect=302 to=http://169.254.169.254/", to text),
    entry!("empty", "the answer without its body", "empty", !empty),
    entry!("garbage", "a body that is not JSON under the name of JSON", "garbage", !garbage),
    entry!("label=TYPE", "the content type that the head names", "label=text/plain", label text),
    entry!(
        "oversize=BYTES",
        "the body is filled up with spaces to at least this length",
        "oversize=1048576",
        oversize number
    ),
    entry!(
        "truncate=BYTE|-BYTE|brace",
        "the body ends here, in order: after so many bytes, so many before its end, after its first complete inner object",
        "truncate=50",
        truncate read
    ),
    entry!(
        LengthFault::FORM,
        "the head promises more bytes than come, or names no length, so that the body ends with the connection",
        "length=wrong",
        length read
    )
    .of(LengthFault::VALUES),
    entry(
        "gzip=broken",
        "the body says that it is compressed and is not",
        "gzip=broken",
        |fault, value| {
            fault.broken_gzip = value == "broken";
            if fault.broken_gzip { Ok(()) } else { Err(format!("{value} is not broken")) }
        },
        |fault| fault.broken_gzip.then(|| String::from("broken")),
    ),
    entry!(
        CodingFault::FORM,
        "any response is packed so, several on top of each other in this order; without a label, with a label alone, half of it, or with a gibibyte of spaces in it",
        "coding=gzip",
        [coding] read
    )
    .of(CodingFault::VALUES),
    entry!(
        BodyFault::FORM,
        "the JSON of the response differs; several with commas",
        "body=images,url-list",
        [body] read
    )
    .of(BodyFault::VALUES),
    entry!(
        ErrorFault::FORM,
        "the JSON of the error differs: what stands around it, and what its message holds; refuse=invalid unless said",
        "refuse=moderated-prompt status=451 error=nested",
        [error] read
    )
    .of(ErrorFault::VALUES),
    entry!("moderate=INDEX[,INDEX]", "these pictures are withheld, the others follow", "moderate=1", [moderate] number),
    entry!(
        "fail=INDEX",
        "generation ends at this picture with the provider's internal error",
        "fail=2",
        fail number
    ),
    entry!(
        TaskFault::FORM,
        "a task never ends, ends without pictures, goes back before it ends, or is told otherwise; several with commas",
        "task=failed code=generation_timeout",
        [task] read
    )
    .of(TaskFault::VALUES),
    entry!(
        SseFault::FORM,
        "a stream differs from Ark's; several with commas",
        "sse=crlf,no-done",
        [sse] read
    )
    .of(SseFault::VALUES),
    entry!(
        StreamFault::FORM,
        "a stream is framed badly, says things twice, miscounts, or does not end; several with commas",
        "stream=one-newline",
        [stream] read
    )
    .of(StreamFault::VALUES),
    entry!(
        ImageFault::FORM,
        "a picture's file is not what it should be, or its connection does not last",
        "picture=corrupt times=1",
        image read
    )
    .of(ImageFault::VALUES),
];

fn read<T: FromStr<Err = String>>(value: &str) -> Result<T, String> {
    value.parse()
}

fn text(value: &str) -> Result<String, String> {
    Ok(value.to_owned())
}

fn number<T: FromStr>(value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{value} is no number that can be meant"))
}

fn boolean(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| format!("{value} is neither true nor false"))
}

/// What lies below is not a final answer, what lies above no server may send.
fn status(value: &str) -> Result<u16, String> {
    let status = value.parse().ok().filter(|status| (200..1000).contains(status));
    status.ok_or_else(|| format!("{value} is no status from 200 to 999"))
}

fn time(value: &str) -> Result<Duration, String> {
    time::read(value).ok_or_else(|| format!("{value} is no length of time such as 500ms, 7s or 25h"))
}

/// Where an answer stops: a request stops only with its connection.
fn stop(value: &str) -> Result<BytePosition, String> {
    match value.parse()? {
        BytePosition::Request(_) => Err(format!("{value} is none of before, head, head:BYTE, body, body:BYTE")),
        place => Ok(place),
    }
}

fn ended(fault: &Fault, ending: ConnectionEnd) -> Option<String> {
    fault.end.filter(|(own, _)| *own == ending).map(|(_, place)| place.to_string())
}

fn listed(items: &[impl ToString]) -> Option<String> {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    (!items.is_empty()).then(|| items.join(","))
}
