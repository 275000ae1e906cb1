//! The grammar as a list, for people.

use serde::Serialize;

/// One word of the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FaultWord {
    /// How it is written.
    pub form: &'static str,
    /// What it does.
    pub does: &'static str,
    /// A whole fault with it.
    pub example: &'static str,
}

const fn word(form: &'static str, does: &'static str, example: &'static str) -> FaultWord {
    FaultWord { form, does, example }
}

/// Every word of the grammar, in the order in which a fault is written.
pub const fn faults() -> &'static [FaultWord] {
    &WORDS
}

const WORDS: [FaultWord; 35] = [
    word(
        "on=create|poll|picture|models|any",
        "which requests; create unless said, picture for picture=, in a header the request it stands on",
        "on=poll status=500 times=2",
    ),
    word("times=N", "only the first N of them", "status=429 times=2"),
    word(
        "p=CHANCE",
        "each of them with this probability; the same seed, session and order decide the same",
        "p=0.3 seed=7 status=503",
    ),
    word("seed=N", "what p= decides from; the mock's own seed unless said", "p=0.5 seed=1 reset@before"),
    word(
        "rpm=N",
        "only beyond N requests a minute of a key and model; refuse=request-rate unless said",
        "rpm=60 retry-after=7",
    ),
    word("ipm=N", "only after N pictures within a minute; refuse=rate-limited unless said", "ipm=500"),
    word(
        "concurrent=N",
        "only beyond N at a time: answers whose delay and pace are not over, and tasks; refuse=concurrency unless said",
        "concurrent=2",
    ),
    word("quota=N", "only after N pictures in all; refuse=quota unless said", "quota=100 refuse=balance"),
    word(
        "refuse=unauthorized|balance|forbidden|model-not-found|model-closed|invalid|rate-limited|request-rate|concurrency|quota|overloaded|internal|moderated|moderated-prompt|moderated-reference",
        "the provider's own refusal: status, code and sentence are its own",
        "refuse=rate-limited",
    ),
    word("status=STATUS", "an error with this status in the provider's form; nothing is billed", "status=503"),
    word(
        "code=CODE",
        "the code of the error, of the failed task, of the withheld picture",
        "status=503 code=ServerOverloaded",
    ),
    word("message=TEXT", "the message of the error", "status=400 message=\"not today\""),
    word("retry-after=SECONDS|DATE", "the retry-after header", "status=429 retry-after=7"),
    word("should-retry=true|false", "the x-should-retry header", "status=429 should-retry=false"),
    word("delay=TIME", "the head waits, on the mock's clock", "delay=2s"),
    word(
        "pace=TIME",
        "each picture takes so long: events of a stream come at this pace, the first brings the head",
        "pace=500ms",
    ),
    word(
        "reset@before|head[:BYTE]|body[:BYTE]",
        "a TCP reset at this byte of the answer, which is billed",
        "reset@body:100",
    ),
    word("close@before|head[:BYTE]|body[:BYTE]", "the connection is closed at this byte of the answer", "close@head"),
    word("stall@before|head[:BYTE]|body[:BYTE]", "the answer stops at this byte", "stall@body:10"),
    word("for=TIME", "how long it stalls, on the mock's clock; for ever unless said", "stall@head for=30s"),
    word("drip=BYTES/TIME", "so many bytes of the body at a time", "drip=1/10ms"),
    word("html=STATUS", "a gateway's page instead of the answer; nothing is billed", "html=502"),
    word(
        "redirect=STATUS",
        "a redirect to the same path instead of the answer; nothing is billed",
        "redirect=307 times=1",
    ),
    word("to=URL", "where the redirect leads", "redirect=302 to=http://169.254.169.254/"),
    word("empty", "the answer without its body", "empty"),
    word("garbage", "a body that is not JSON under the name of JSON", "garbage"),
    word("oversize=BYTES", "the body is filled up with spaces to at least this length", "oversize=1048576"),
    word("truncate=BYTE", "the body ends here, in order", "truncate=50"),
    word("length=wrong", "the head promises more bytes than come", "length=wrong"),
    word("gzip=broken", "the body says that it is compressed and is not", "gzip=broken"),
    word("moderate=INDEX[,INDEX]", "these pictures are withheld, the others follow", "moderate=1"),
    word("fail=INDEX", "generation ends at this picture with the provider's internal error", "fail=2"),
    word(
        "task=stuck|failed|backward",
        "a task never ends, ends without pictures, or goes back before it ends",
        "task=failed code=generation_timeout",
    ),
    word(
        "sse=no-completed|no-done|crlf|cr|split|multiline|pretty|cut|json|json-as-stream|openai|comments|error",
        "a stream differs from Ark's; several with commas",
        "sse=crlf,no-done",
    ),
    word(
        "picture=corrupt|truncated|wrong-size|html",
        "a picture's file is not what it should be",
        "picture=corrupt times=1",
    ),
];
