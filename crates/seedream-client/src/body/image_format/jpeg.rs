//! JPEG: segments with a length, and scans that the next marker ends. A thumbnail stands in a segment, so that its end is not
//! taken for the image's.

use memchr::memchr;

use super::split_field::{Damage, SplitField, skip};

#[derive(Clone, Debug, Default)]
pub(super) struct Jpeg {
    place: JpegPlace,
    has_scan: bool,
}

#[derive(Clone, Debug, Default)]
enum JpegPlace {
    /// Before a marker, or in the data of a scan: both end at the next `FF`.
    #[default]
    Data,
    /// After an `FF`.
    Marker,
    Length(u8, SplitField<2>),
    Segment(u64),
    Ended,
    Damaged(Damage),
}

const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

impl Jpeg {
    pub(super) fn feed(&mut self, mut input: &[u8]) {
        while let Some(&byte) = input.first() {
            match &mut self.place {
                JpegPlace::Data => match memchr(0xff, input) {
                    Some(at) => {
                        input = &input[at + 1..];
                        self.place = JpegPlace::Marker;
                    }
                    None => return,
                },
                JpegPlace::Marker => {
                    input = &input[1..];
                    self.marker(byte);
                }
                JpegPlace::Length(marker, bytes) => {
                    let marker = *marker;
                    let Some(length) = bytes.take(&mut input) else { return };
                    self.has_scan |= marker == SCAN;
                    self.place = match u64::from(u16::from_be_bytes(length)).checked_sub(2) {
                        None => JpegPlace::Damaged("a segment has no length".into()),
                        Some(0) => JpegPlace::Data,
                        Some(left) => JpegPlace::Segment(left),
                    };
                }
                JpegPlace::Segment(left) => {
                    if skip(left, &mut input) {
                        self.place = JpegPlace::Data;
                    }
                }
                JpegPlace::Ended | JpegPlace::Damaged(_) => return,
            }
        }
    }

    fn marker(&mut self, byte: u8) {
        self.place = match byte {
            // Filling before a marker.
            0xff => JpegPlace::Marker,
            // An `FF` of the data, a restart, or a marker that stands alone.
            0 | 1 | 0xd0..=0xd8 => JpegPlace::Data,
            END if self.has_scan => JpegPlace::Ended,
            END => JpegPlace::Damaged("it has no image data".into()),
            // Nothing else below is a marker.
            2..=0xbf => JpegPlace::Data,
            marker => JpegPlace::Length(marker, SplitField::default()),
        };
    }

    pub(super) fn ended(&self) -> bool {
        matches!(self.place, JpegPlace::Ended)
    }

    pub(super) fn missing(&self) -> Option<String> {
        match &self.place {
            JpegPlace::Ended => None,
            JpegPlace::Damaged(why) => Some(format!("the JPEG is damaged: {why}")),
            _ => Some("the JPEG ends before its end marker".into()),
        }
    }
}
