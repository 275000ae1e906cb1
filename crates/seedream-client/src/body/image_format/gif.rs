//! GIF: blocks up to the trailer.

use super::split_field::{Damage, SplitField, skip};

#[derive(Clone, Debug, Default)]
pub(super) struct Gif {
    place: GifPlace,
    has_image: bool,
}

#[derive(Clone, Debug)]
enum GifPlace {
    Head(SplitField<13>),
    Block,
    /// The name of an extension.
    Label,
    Image(SplitField<9>),
    /// Color tables and the like, with what follows them.
    Skip(u64, AfterSkip),
    /// The length of a part of the data.
    Length,
    Part(u64),
    Ended,
    Damaged(Damage),
}

#[derive(Clone, Copy, Debug)]
enum AfterSkip {
    Block,
    /// The size of the first code, then data.
    Code,
    Length,
}

impl Default for GifPlace {
    fn default() -> Self {
        Self::Head(SplitField::default())
    }
}

impl Gif {
    pub(super) fn feed(&mut self, mut input: &[u8]) {
        while let Some(&byte) = input.first() {
            match &mut self.place {
                GifPlace::Head(bytes) => {
                    let Some(head) = bytes.take(&mut input) else { return };
                    self.place = table(head[10], AfterSkip::Block);
                }
                GifPlace::Image(bytes) => {
                    let Some(head) = bytes.take(&mut input) else { return };
                    self.has_image = true;
                    self.place = table(head[8], AfterSkip::Code);
                }
                GifPlace::Skip(left, then) => {
                    let then = *then;
                    if skip(left, &mut input) {
                        self.place = after(then);
                    }
                }
                GifPlace::Part(left) => {
                    if skip(left, &mut input) {
                        self.place = GifPlace::Length;
                    }
                }
                GifPlace::Ended | GifPlace::Damaged(_) => return,
                place => {
                    input = &input[1..];
                    *place = match (&*place, byte) {
                        (GifPlace::Label, _) => GifPlace::Length,
                        (GifPlace::Length, 0) => GifPlace::Block,
                        (GifPlace::Length, length) => GifPlace::Part(length.into()),
                        (_, b'!') => GifPlace::Label,
                        (_, b',') => GifPlace::Image(SplitField::default()),
                        (_, b';') if self.has_image => GifPlace::Ended,
                        (_, b';') => GifPlace::Damaged("it has no image data".into()),
                        // Some encoders end data twice.
                        (_, 0) => GifPlace::Block,
                        _ => GifPlace::Damaged("what follows a block is no block".into()),
                    };
                }
            }
        }
    }

    pub(super) fn ended(&self) -> bool {
        matches!(self.place, GifPlace::Ended)
    }

    pub(super) fn missing(&self) -> Option<String> {
        match &self.place {
            GifPlace::Ended => None,
            GifPlace::Damaged(why) => Some(format!("the GIF is damaged: {why}")),
            _ => Some("the GIF ends before its trailer".into()),
        }
    }
}

/// A table of colors, where these flags say that there is one.
fn table(flags: u8, then: AfterSkip) -> GifPlace {
    if flags & 0x80 == 0 { after(then) } else { GifPlace::Skip(3 << ((flags & 7) + 1), then) }
}

fn after(then: AfterSkip) -> GifPlace {
    match then {
        AfterSkip::Block => GifPlace::Block,
        AfterSkip::Code => GifPlace::Skip(1, AfterSkip::Length),
        AfterSkip::Length => GifPlace::Length,
    }
}
