//! The fault grammar, stated once: the members of a [`Fault`], how each is written, and what it does.
//!
//! The table below is the source of the struct, of the parser, of the writer, of the JSON form and of the help.

use std::time::Duration;

use serde::Serialize;

use crate::faults::shape_words::{BodyFault, CodingFault, ErrorFault, LengthFault, StreamFault, TaskFault, Truncation};
use crate::faults::word_enum::FaultValue;
use crate::faults::word_values::{
    BytePosition, ByteRate, ConnectionEnd, FaultTarget, ImageFault, Probability, RefusalCause, SseFault,
};
use crate::time;

/// One word of the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FaultWord {
    /// How it is written: `status=STATUS`.
    pub form: &'static str,
    /// What it does.
    pub does: &'static str,
    /// A whole fault with it: `status=503`.
    pub example: &'static str,
    /// Its values, where they are words themselves.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub values: &'static [FaultValue],
}

/// Every word of the grammar, in the order in which a fault is written.
pub const fn fault_words() -> &'static [FaultWord] {
    &WORDS
}

/// One word with its parser and its writer.
pub(crate) struct GrammarEntry {
    pub(crate) word: FaultWord,
    pub(crate) name: &'static str,
    pub(crate) takes: WordArgument,
    /// Sets the member of a fault from the text of a value.
    pub(crate) read: fn(&mut Fault, &str) -> Result<(), String>,
    /// The text of the member, where it is set.
    pub(crate) write: fn(&Fault) -> Option<String>,
    /// The name of another word, without which this one has no effect; empty if there is none.
    pub(crate) needs: &'static str,
}

/// What follows the name of a word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WordArgument {
    Nothing,
    /// `=` and a value.
    Value,
    /// `@` and a position.
    Position,
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

impl GrammarEntry {
    /// An entry; its name and its argument are parsed from its form.
    const fn new(
        word: FaultWord,
        read: fn(&mut Fault, &str) -> Result<(), String>,
        write: fn(&Fault) -> Option<String>,
        needs: &'static str,
    ) -> Self {
        let bytes = word.form.as_bytes();
        let mut end = 0;
        while end < bytes.len() && bytes[end] != b'=' && bytes[end] != b'@' {
            end += 1;
        }
        let takes = match bytes.len() > end {
            false => WordArgument::Nothing,
            true if bytes[end] == b'@' => WordArgument::Position,
            true => WordArgument::Value,
        };
        let (name, _) = word.form.split_at(end);
        Self { word, name, takes, read, write, needs }
    }
}

/// A member of a fault: `None`, an empty list and `false` are not written.
trait Member {
    fn set(&mut self, text: &str) -> Result<(), String>;
    fn text(&self) -> Option<String>;
}

impl<T: WordValue> Member for Option<T> {
    fn set(&mut self, text: &str) -> Result<(), String> {
        *self = Some(T::parse_value(text)?);
        Ok(())
    }

    fn text(&self) -> Option<String> {
        self.as_ref().map(T::to_text)
    }
}

impl<T: WordValue> Member for Vec<T> {
    fn set(&mut self, text: &str) -> Result<(), String> {
        *self = text.split(',').map(T::parse_value).collect::<Result<_, _>>()?;
        Ok(())
    }

    fn text(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.iter().map(T::to_text).collect::<Vec<_>>().join(","))
    }
}

impl Member for bool {
    fn set(&mut self, _text: &str) -> Result<(), String> {
        *self = true;
        Ok(())
    }

    fn text(&self) -> Option<String> {
        self.then(String::new)
    }
}

/// One value of a word.
trait WordValue: Sized {
    fn parse_value(text: &str) -> Result<Self, String>;
    fn to_text(&self) -> String;
}

/// Values that are read by `FromStr`, whose error is a sentence or is replaced by one.
macro_rules! values {
    ($($Type:ty $(: $rule:literal)?),+ $(,)?) => {
        $(impl WordValue for $Type {
            fn parse_value(text: &str) -> Result<Self, String> {
                text.parse::<Self>()$(.map_err(|_| format!("{text} {}", $rule)))?
            }

            fn to_text(&self) -> String {
                self.to_string()
            }
        })+
    };
}

values! {
    FaultTarget, RefusalCause, BodyFault, CodingFault, ErrorFault, StreamFault, TaskFault, SseFault, ImageFault,
    LengthFault, BytePosition, ByteRate, Probability, Truncation,
    u32: "is not a whole number from 0 to 4294967295", u64: "is not a whole number from 0 to 18446744073709551615",
    bool: "is neither true nor false",
}

impl WordValue for String {
    fn parse_value(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn to_text(&self) -> String {
        self.clone()
    }
}

/// A status: below 200 is no final response, above 999 no server can send.
impl WordValue for u16 {
    fn parse_value(text: &str) -> Result<Self, String> {
        let status = text.parse().ok().filter(|status| (200..1000).contains(status));
        status.ok_or_else(|| format!("{text} is not a status from 200 to 999"))
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

impl WordValue for Duration {
    fn parse_value(text: &str) -> Result<Self, String> {
        time::read(text).ok_or_else(|| format!("{text} is not a duration such as 500ms, 7s or 25h"))
    }

    fn to_text(&self) -> String {
        time::write(*self)
    }
}

/// The grammar: each member of a fault with its type, and the words that write it: form, meaning, example, the word that it
/// needs, and where the type cannot do it, a parser and a writer.
macro_rules! grammar {
    ($($member:ident: $Type:ty = $([
        $form:expr, $does:literal, $example:literal $(, needs $needs:literal)? $(, values $values:expr)?
        $(, via $read:expr, $write:expr)?
    ]),+;)+) => {
        /// One fault: what goes wrong, with which requests, and how often. The default does nothing.
        ///
        /// A member is the value of one word; [`fault_words`] lists all words with their forms. The constructors, such as
        /// [`Fault::status`], cover what tests need most, and every fault can be read from its text:
        /// `"status=503 times=2".parse::<Fault>()?`.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Fault {
            $($(#[doc = concat!("`", $example, "`: ", $does, ".\n")])+ pub $member: $Type,)+
        }

        /// Every word, in the order in which a fault is written.
        pub(crate) const TABLE: &[GrammarEntry] = &[$($(GrammarEntry::new(
            FaultWord { form: $form, does: $does, example: $example, values: grammar!(@values $($values)?) },
            grammar!(@read $member $($read)?),
            grammar!(@write $member $($write)?),
            concat!($($needs)?),
        ),)+)+];
    };
    (@values) => { &[] };
    (@values $values:expr) => { $values };
    (@read $member:ident) => { |fault, text| fault.$member.set(text) };
    (@read $member:ident $read:expr) => { $read };
    (@write $member:ident) => { |fault| fault.$member.text() };
    (@write $member:ident $write:expr) => { $write };
}

grammar! {
    on: Option<FaultTarget> = [
        FaultTarget::FORM,
        "the requests that it hits; default: create; with image=, image downloads; in a header, the request with that header",
        "on=poll status=500 times=2", values FaultTarget::VALUES
    ];
    times: Option<u32> = [
        "times=N",
        "only the first N of these requests, at least 1",
        "status=429 times=2",
        via set_times, |fault| fault.times.text()
    ];
    chance: Option<Probability> = [
        "p=CHANCE",
        "each of these requests with this probability; the same seed, session and order of requests give the same result",
        "p=0.3 seed=7 status=503"
    ];
    seed: Option<u64> = [
        "seed=N",
        "the seed of p=; default: the seed of the mock",
        "p=0.5 seed=1 reset@before", needs "p"
    ];
    rpm: Option<u32> = [
        "rpm=N",
        "only beyond N requests per minute of one key and model; default effect: refuse=request-rate",
        "rpm=60 retry-after=7"
    ];
    ipm: Option<u32> = ["ipm=N", "only after N images within a minute; default effect: refuse=rate-limited", "ipm=500"];
    concurrent: Option<u32> = [
        "concurrent=N",
        "only beyond N at a time: responses whose delay and pace have not ended, and tasks; default effect: refuse=concurrency",
        "concurrent=2"
    ];
    quota: Option<u32> = [
        "quota=N",
        "only after N images in all; default effect: refuse=quota",
        "quota=100 refuse=balance"
    ];
    refuse: Option<RefusalCause> = [
        RefusalCause::FORM,
        "the provider's own refusal, with its status, code and message",
        "refuse=rate-limited", values RefusalCause::VALUES
    ];
    status: Option<u16> = [
        "status=STATUS",
        "an error with this status in the provider's form; nothing is billed",
        "status=503"
    ];
    code: Option<String> = [
        "code=CODE",
        "the code of the error, of the failed task or of the withheld image",
        "status=503 code=ServerOverloaded"
    ];
    message: Option<String> = ["message=TEXT", "the message of the error", "status=400 message=\"not today\""];
    retry_after: Option<String> = [
        "retry-after=SECONDS|DATE",
        "the retry-after header",
        "status=429 retry-after=7",
        via set_retry_after, |fault| fault.retry_after.clone()
    ];
    should_retry: Option<bool> = ["should-retry=true|false", "the x-should-retry header", "status=429 should-retry=false"];
    delay: Option<Duration> = ["delay=TIME", "the head is delayed, on the mock's clock", "delay=2s"];
    pace: Option<Duration> = [
        "pace=TIME",
        "the time that each image takes: events of a stream come at this pace, the head with the first",
        "pace=500ms"
    ];
    end: Option<(ConnectionEnd, BytePosition)> = [
        "reset@before|head[:BYTE]|body[:BYTE]|request[:BYTE]",
        "a TCP reset at this byte of the response, and the request is billed; with request:, at this byte of the request's body, and nothing is billed",
        "reset@body:100",
        via |fault, text| set_end(fault, ConnectionEnd::Reset, text), |fault| end(fault, ConnectionEnd::Reset)
    ], [
        "close@before|head[:BYTE]|body[:BYTE]|request[:BYTE]",
        "the connection is closed at this byte of the response, or of the request's body",
        "close@head",
        via |fault, text| set_end(fault, ConnectionEnd::Close, text), |fault| end(fault, ConnectionEnd::Close)
    ];
    stall: Option<BytePosition> = [
        "stall@before|head[:BYTE]|body[:BYTE]",
        "the response stalls at this byte",
        "stall@body:10",
        via set_stall, |fault| fault.stall.text()
    ];
    stall_for: Option<Duration> = [
        "for=TIME",
        "how long it stalls, on the mock's clock; default: forever",
        "stall@head for=30s", needs "stall"
    ];
    drip: Option<ByteRate> = ["drip=BYTES/TIME", "the body comes this many bytes at a time", "drip=1/10ms"];
    html: Option<u16> = ["html=STATUS", "the page of a gateway in the place of the response; nothing is billed", "html=502"];
    redirect: Option<u16> = [
        "redirect=STATUS",
        "a redirect to the same path in the place of the response; nothing is billed",
        "redirect=307 times=1"
    ];
    to: Option<String> = [
        "to=URL",
        "where the redirect leads",
        "redirect=302 to=http://169.254.169.254/", needs "redirect"
    ];
    empty: bool = ["empty", "the response without its body", "empty"];
    garbage: bool = ["garbage", "a body that is not JSON, labeled as JSON", "garbage"];
    label: Option<String> = ["label=TYPE", "the content type that the head names", "label=text/plain"];
    oversize: Option<u64> = [
        "oversize=BYTES",
        "the body is filled up with spaces to at least this length",
        "oversize=1048576"
    ];
    truncate: Option<Truncation> = [
        "truncate=BYTE|-BYTE|brace",
        "the body ends here without a connection error: after this many bytes, this many before its end, or after its first complete inner object",
        "truncate=50"
    ];
    length: Option<LengthFault> = [
        LengthFault::FORM,
        "the head promises more bytes than come, or has no length, so that the body ends with the connection",
        "length=wrong", values LengthFault::VALUES
    ];
    broken_gzip: bool = [
        "gzip=broken",
        "the body is labeled as compressed and is not",
        "gzip=broken",
        via set_gzip, |fault| fault.broken_gzip.then(|| String::from("broken"))
    ];
    coding: Vec<CodingFault> = [
        CodingFault::FORM,
        "any response is compressed: several codings in this order, without a label, with a label alone, half of it, or with a gibibyte of spaces in it",
        "coding=gzip", values CodingFault::VALUES
    ];
    body: Vec<BodyFault> = [
        BodyFault::FORM,
        "the JSON of the response differs; several with commas",
        "body=images,url-list", values BodyFault::VALUES
    ];
    error: Vec<ErrorFault> = [
        ErrorFault::FORM,
        "the JSON of the error differs: its envelope, and the content of its message; default effect: refuse=invalid",
        "refuse=moderated-prompt status=451 error=nested", values ErrorFault::VALUES
    ];
    moderate: Vec<u32> = ["moderate=INDEX[,INDEX]", "these images are withheld, the others follow", "moderate=1"];
    fail: Option<u32> = ["fail=INDEX", "generation ends at this image with the provider's internal error", "fail=2"];
    task: Vec<TaskFault> = [
        TaskFault::FORM,
        "a task never ends, ends without images, goes back before it ends, or is reported in another form; several with commas",
        "task=failed code=generation_timeout", values TaskFault::VALUES
    ];
    sse: Vec<SseFault> = [
        SseFault::FORM,
        "a stream differs from the provider's; several with commas",
        "sse=crlf,no-done", values SseFault::VALUES
    ];
    stream: Vec<StreamFault> = [
        StreamFault::FORM,
        "a stream is badly framed, repeats events, miscounts, or does not end; several with commas",
        "stream=one-newline", values StreamFault::VALUES
    ];
    image: Option<ImageFault> = [
        ImageFault::FORM,
        "the file of an image is damaged, or its connection ends early",
        "image=corrupt times=1", values ImageFault::VALUES
    ];
}

fn set_times(fault: &mut Fault, text: &str) -> Result<(), String> {
    match u32::parse_value(text)? {
        0 => Err(String::from("0 hits no request: use at least 1")),
        times => {
            fault.times = Some(times);
            Ok(())
        }
    }
}

/// Seconds or an HTTP date, as the header has them.
fn set_retry_after(fault: &mut Fault, text: &str) -> Result<(), String> {
    if text.parse::<u64>().is_err() && jiff::fmt::rfc2822::parse(text).is_err() {
        return Err(format!(
            "{text} is neither a whole number of seconds nor an HTTP date: write 7 or \"Wed, 21 Oct 2026 07:28:00 GMT\""
        ));
    }
    fault.retry_after = Some(text.to_owned());
    Ok(())
}

fn set_end(fault: &mut Fault, end: ConnectionEnd, text: &str) -> Result<(), String> {
    if fault.end.is_some_and(|(own, _)| own != end) {
        return Err(String::from("a connection ends once: use one of reset@ and close@"));
    }
    fault.end = Some((end, text.parse()?));
    Ok(())
}

fn end(fault: &Fault, end: ConnectionEnd) -> Option<String> {
    fault.end.filter(|(own, _)| *own == end).map(|(_, position)| position.to_string())
}

/// A response stalls, a request does not.
fn set_stall(fault: &mut Fault, text: &str) -> Result<(), String> {
    match text.parse()? {
        BytePosition::Request(_) => Err(format!("{text} is not one of before, head, head:BYTE, body, body:BYTE")),
        position => {
            fault.stall = Some(position);
            Ok(())
        }
    }
}

fn set_gzip(fault: &mut Fault, text: &str) -> Result<(), String> {
    fault.broken_gzip = text == "broken";
    if fault.broken_gzip { Ok(()) } else { Err(format!("{text} is not broken")) }
}
