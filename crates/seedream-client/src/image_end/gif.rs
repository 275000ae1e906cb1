//! GIF: blocks up to the trailer.

use super::{Damage, Gather, skip};

#[derive(Clone, Debug, Default)]
pub(super) struct Gif {
    place: Place,
    has_image: bool,
}

#[derive(Clone, Debug)]
enum Place {
    Head(Gather<13>),
    Block,
    /// The name of an extension.
    Label,
    Image(Gather<9>),
    /// Color tables and the like, with what follows them.
    Skip(u64, Then),
    /// The length of a part of the data.
    Length,
    Part(u64),
    Ended,
    Damaged(Damage),
}

#[derive(Clone, Copy, Debug)]
enum Then {
    Block,
    /// The size of the first code, then data.
    Code,
    Length,
}

impl Default for Place {
    fn default() -> Self {
        Self::Head(Gather::default())
    }
}

impl Gif {
    pub(super) fn feed(&mut self, mut input: &[u8]) {
        while let Some(&byte) = input.first() {
            match &mut self.place {
                Place::Head(bytes) => {
                    let Some(head) = bytes.take(&mut input) else { return };
                    self.place = table(head[10], Then::Block);
                }
                Place::Image(bytes) => {
                    let Some(head) = bytes.take(&mut input) else { return };
                    self.has_image = true;
                    self.place = table(head[8], Then::Code);
                }
                Place::Skip(left, then) => {
                    let then = *then;
                    if skip(left, &mut input) {
                        self.place = after(then);
                    }
                }
                Place::Part(left) => {
                    if skip(left, &mut input) {
                        self.place = Place::Length;
                    }
                }
                Place::Ended | Place::Damaged(_) => return,
                place => {
                    input = &input[1..];
                    *place = match (&*place, byte) {
                        (Place::Label, _) => Place::Length,
                        (Place::Length, 0) => Place::Block,
                        (Place::Length, length) => Place::Part(length.into()),
                        (_, b'!') => Place::Label,
                        (_, b',') => Place::Image(Gather::default()),
                        (_, b';') if self.has_image => Place::Ended,
                        (_, b';') => Place::Damaged("it has no image data".into()),
                        // Some encoders end data twice.
                        (_, 0) => Place::Block,
                        _ => Place::Damaged("what follows a block is no block".into()),
                    };
                }
            }
        }
    }

    pub(super) fn ended(&self) -> bool {
        matches!(self.place, Place::Ended)
    }

    pub(super) fn missing(&self) -> Option<String> {
        match &self.place {
            Place::Ended => None,
            Place::Damaged(why) => Some(format!("the GIF is damaged: {why}")),
            _ => Some("the GIF ends before its trailer".into()),
        }
    }
}

/// A table of colors, where these flags say that there is one.
fn table(flags: u8, then: Then) -> Place {
    if flags & 0x80 == 0 { after(then) } else { Place::Skip(3 << ((flags & 7) + 1), then) }
}

fn after(then: Then) -> Place {
    match then {
        Then::Block => Place::Block,
        Then::Code => Place::Skip(1, Then::Length),
        Then::Length => Place::Length,
    }
}
