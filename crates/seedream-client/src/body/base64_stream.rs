//! Takes images out of JSON, or out of an event stream, while it arrives.
//!
//! A string is extracted wherever it stands, if it is long and its first bytes, decoded, are those of an image, or if it says so: a
//! data URI of an image, or a member whose name says base64. A prompt that is echoed, however much it looks like base64, is never
//! touched, and what only looked like base64 is restored as it was.
//!
//! [`extractor`] is the entry: it feeds [`scanner`], which finds strings and decodes them with [`decoder`].

mod base64_alphabet;
mod body_syntax;
mod decoder;
mod extractor;
mod held_string;
mod member;
mod reencode;
mod scanner;
mod string_start;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    body_syntax::{BodySyntax, THRESHOLD},
    extractor::{BodySink, ImageExtractor, keep_body, put_back},
};
