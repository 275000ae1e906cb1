//! PNG: chunks with a checksum each, up to `IEND`.

use crc32fast::Hasher;

use super::split_field::{Damage, SplitField};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

#[derive(Clone, Debug, Default)]
pub(super) struct Png {
    place: PngPlace,
    has_data: bool,
}

#[derive(Clone, Debug)]
enum PngPlace {
    Signature(SplitField<8>),
    Head(SplitField<8>),
    Data { name: [u8; 4], left: usize, checksum: Hasher },
    Checksum { name: [u8; 4], expected: u32, bytes: SplitField<4> },
    Ended,
    Damaged(Damage),
}

impl Default for PngPlace {
    fn default() -> Self {
        Self::Signature(SplitField::default())
    }
}

impl Png {
    pub(super) fn feed(&mut self, mut input: &[u8]) {
        while !input.is_empty() {
            self.place = match std::mem::replace(&mut self.place, PngPlace::Ended) {
                PngPlace::Signature(mut bytes) => match bytes.take(&mut input) {
                    Some(_) => PngPlace::Head(SplitField::default()),
                    None => PngPlace::Signature(bytes),
                },
                PngPlace::Head(mut bytes) => match bytes.take(&mut input) {
                    Some([a, b, c, d, name @ ..]) => self.begin(u32::from_be_bytes([a, b, c, d]), name),
                    None => PngPlace::Head(bytes),
                },
                PngPlace::Data { name, mut left, mut checksum } => {
                    let (data, rest) = input.split_at(left.min(input.len()));
                    checksum.update(data);
                    left -= data.len();
                    input = rest;
                    if left == 0 { closing(name, checksum) } else { PngPlace::Data { name, left, checksum } }
                }
                PngPlace::Checksum { name, expected, mut bytes } => match bytes.take(&mut input) {
                    None => PngPlace::Checksum { name, expected, bytes },
                    Some(found) if u32::from_be_bytes(found) != expected => {
                        PngPlace::Damaged(format!("the checksum of its {} chunk is wrong", shown(name)))
                    }
                    Some(_) if &name == b"IEND" && !self.has_data => PngPlace::Damaged("it has no image data".into()),
                    Some(_) if &name == b"IEND" => PngPlace::Ended,
                    Some(_) => PngPlace::Head(SplitField::default()),
                },
                last @ (PngPlace::Ended | PngPlace::Damaged(_)) => {
                    self.place = last;
                    return;
                }
            };
        }
    }

    fn begin(&mut self, length: u32, name: [u8; 4]) -> PngPlace {
        if length > i32::MAX as u32 || !name.iter().all(u8::is_ascii_alphabetic) {
            return PngPlace::Damaged("what follows a chunk is no chunk".into());
        }
        self.has_data |= &name == b"IDAT";
        let mut checksum = Hasher::new();
        checksum.update(&name);
        let left = usize::try_from(length).unwrap_or(usize::MAX);
        if left == 0 { closing(name, checksum) } else { PngPlace::Data { name, left, checksum } }
    }

    pub(super) fn ended(&self) -> bool {
        matches!(self.place, PngPlace::Ended)
    }

    pub(super) fn missing(&self) -> Option<String> {
        match &self.place {
            PngPlace::Ended => None,
            PngPlace::Damaged(why) => Some(format!("the PNG is damaged: {why}")),
            _ => Some("the PNG ends before its IEND chunk".into()),
        }
    }
}

fn closing(name: [u8; 4], checksum: Hasher) -> PngPlace {
    PngPlace::Checksum { name, expected: checksum.finalize(), bytes: SplitField::default() }
}

fn shown(name: [u8; 4]) -> String {
    name.iter().map(|byte| char::from(*byte)).collect()
}
