//! How JSON stands in the body of a response.

use memchr::{memchr2, memchr3};

/// How long a string is, in bytes as it stands in the JSON, before it is worth lifting.
pub(crate) const THRESHOLD: usize = 1024;

/// How the JSON is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodySyntax {
    /// It is the whole body.
    Json,
    /// It stands after `data:` in lines.
    Events,
}

/// What a line of data in an event stream begins with.
pub(super) const DATA_FIELD: &[u8] = b"data:";

/// Where a string may end, or its line where lines end strings.
pub(super) fn string_stop(syntax: BodySyntax, rest: &[u8]) -> Option<usize> {
    if syntax == BodySyntax::Json {
        return memchr2(b'"', b'\\', rest);
    }
    // Three at a time is what SIMD does; the fourth is looked for only before the first of them.
    let stop = memchr3(b'"', b'\\', b'\n', rest);
    memchr::memchr(b'\r', &rest[..stop.unwrap_or(rest.len())]).or(stop)
}
