//! Texts in one piece of memory: what is kept of every request and is read of very few.

use std::fmt;

/// The length of a text that is not there.
const NOTHING: u32 = u32::MAX;

/// A sequence of texts, each of which may be missing.
#[derive(Clone)]
pub(crate) struct TextArena(Vec<u8>);

impl fmt::Debug for TextArena {
    /// The texts hold keys as they came.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TextArena({} bytes)", self.0.len())
    }
}

/// Builds a [`TextArena`].
pub(crate) struct TextArenaBuilder(Vec<u8>);

impl TextArenaBuilder {
    /// Reserves room for a number of texts and of bytes. Other numbers are allowed, but cost an allocation.
    pub(crate) fn new(texts: usize, bytes: usize) -> Self {
        Self(Vec::with_capacity(texts * size_of::<u32>() + bytes))
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.push_bytes(text.as_bytes());
    }

    /// A text whose bytes are to be checked by its reader, who asks for [`ArenaTexts::bytes`].
    pub(crate) fn push_bytes(&mut self, text: &[u8]) {
        // No text is longer than a `u32` counts: bodies are limited far below that.
        let length = u32::try_from(text.len()).ok().filter(|length| *length != NOTHING).unwrap_or_default();
        self.0.extend_from_slice(&length.to_ne_bytes());
        self.0.extend_from_slice(&text[..length as usize]);
    }

    pub(crate) fn push_if(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.push(text),
            None => self.0.extend_from_slice(&NOTHING.to_ne_bytes()),
        }
    }

    pub(crate) fn done(self) -> TextArena {
        TextArena(self.0)
    }
}

impl TextArena {
    /// How many bytes a text takes that is not there.
    pub(crate) const MISSING: usize = size_of::<u32>();

    /// Texts as they stand in [`Self::beginning`].
    pub(crate) fn of(texts: &[u8]) -> Self {
        Self(texts.to_vec())
    }

    /// The same with a missing one between.
    pub(crate) fn joined(before: &[u8], after: &[u8]) -> Self {
        Self([before, &NOTHING.to_ne_bytes(), after].concat())
    }

    /// All texts, as they are kept.
    pub(crate) fn bytes_of_texts(&self) -> &[u8] {
        &self.0
    }

    /// The first texts, as they are kept.
    pub(crate) fn beginning(&self, texts: usize) -> &[u8] {
        let mut rest = self.texts();
        for _ in 0..texts {
            rest.bytes();
        }
        &self.0[..self.0.len() - rest.0.len()]
    }

    /// How much memory it takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.0.capacity()
    }

    pub(crate) fn texts(&self) -> ArenaTexts<'_> {
        ArenaTexts(&self.0)
    }
}

/// The texts in their order.
pub(crate) struct ArenaTexts<'a>(&'a [u8]);

impl<'a> Iterator for ArenaTexts<'a> {
    type Item = Option<&'a str>;

    fn next(&mut self) -> Option<Option<&'a str>> {
        Some(self.bytes()?.map(|text| std::str::from_utf8(text).unwrap_or_default()))
    }
}

impl<'a> ArenaTexts<'a> {
    /// The next text as it was written.
    pub(crate) fn bytes(&mut self) -> Option<Option<&'a [u8]>> {
        let (length, rest) = self.0.split_first_chunk()?;
        let length = u32::from_ne_bytes(*length);
        let (text, rest) = if length == NOTHING {
            (None, rest)
        } else {
            rest.split_at_checked(length as usize).map(|(text, rest)| (Some(text), rest))?
        };
        self.0 = rest;
        Some(text)
    }

    /// The next text, if it is there.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        self.next().flatten()
    }

    /// The same as one's own.
    pub(crate) fn own(&mut self) -> Option<String> {
        self.text().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_come_out_as_they_went_in(texts in proptest::collection::vec(proptest::option::of(".{0,40}"), 0..12)) {
            let mut packer = TextArenaBuilder::new(0, 0);
            for text in &texts {
                packer.push_if(text.as_deref());
            }
            let packed = packer.done();
            let read: Vec<Option<String>> = packed.texts().map(|text| text.map(str::to_owned)).collect();
            prop_assert_eq!(read, texts);
            let mut behind = packed.texts();
            prop_assert!(behind.by_ref().count() < 12 && behind.text().is_none());
        }
    }
}
