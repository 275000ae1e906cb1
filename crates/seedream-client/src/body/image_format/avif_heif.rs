//! AVIF and HEIF: boxes with a length. Nothing marks the end, so an image is complete where a box ends and both its description
//! (`meta` or `moov`) and its data (`mdat`, or `idat` in `meta`) are there.

use super::split_field::{Damage, SplitField, skip};

#[derive(Clone, Debug, Default)]
pub(super) struct Boxes {
    place: BoxPlace,
    /// How many bytes have passed.
    at: u64,
    /// Where the box ends whose boxes are read.
    within: u64,
    described: bool,
    has_data: bool,
}

#[derive(Clone, Debug)]
enum BoxPlace {
    Head(SplitField<8>),
    /// The length, which needs 64 bits.
    Long([u8; 4], SplitField<8>),
    Content(u64),
    /// A box that goes on to the end of the file.
    Rest,
    Damaged(Damage),
}

impl Default for BoxPlace {
    fn default() -> Self {
        Self::Head(SplitField::default())
    }
}

/// Whether a file of this brand is an image, and not a film.
pub(super) fn is_image(brand: &[u8]) -> bool {
    const BRANDS: [&[u8]; 10] =
        [b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"];
    BRANDS.contains(&brand)
}

impl Boxes {
    pub(super) fn feed(&mut self, mut input: &[u8]) {
        while !input.is_empty() {
            let before = input.len();
            match &mut self.place {
                BoxPlace::Head(bytes) => {
                    let head = bytes.take(&mut input);
                    self.at += (before - input.len()) as u64;
                    let Some([a, b, c, d, name @ ..]) = head else { return };
                    self.place = match u32::from_be_bytes([a, b, c, d]) {
                        0 => self.open(name, None),
                        1 => BoxPlace::Long(name, SplitField::default()),
                        length => self.sized(name, u64::from(length).checked_sub(8)),
                    };
                }
                BoxPlace::Long(name, bytes) => {
                    let (name, length) = (*name, bytes.take(&mut input));
                    self.at += (before - input.len()) as u64;
                    let Some(length) = length else { return };
                    self.place = self.sized(name, u64::from_be_bytes(length).checked_sub(16));
                }
                BoxPlace::Content(left) => {
                    let over = skip(left, &mut input);
                    self.at += (before - input.len()) as u64;
                    if over {
                        self.place = BoxPlace::default();
                    }
                }
                BoxPlace::Rest | BoxPlace::Damaged(_) => return,
            }
        }
    }

    fn sized(&mut self, name: [u8; 4], content: Option<u64>) -> BoxPlace {
        match content {
            Some(content) => self.open(name, Some(content)),
            None => BoxPlace::Damaged("a box is shorter than its head".into()),
        }
    }

    /// Goes on in a box with so much content; to the end where that is not said.
    fn open(&mut self, name: [u8; 4], content: Option<u64>) -> BoxPlace {
        self.described |= matches!(&name, b"meta" | b"moov");
        self.has_data |= matches!(&name, b"mdat" | b"idat");
        match content {
            // Its version and flags stand before the boxes in it.
            Some(content @ 4..) if &name == b"meta" => {
                self.within = self.at.saturating_add(content);
                BoxPlace::Content(4)
            }
            Some(0) => BoxPlace::default(),
            Some(content) => BoxPlace::Content(content),
            None => BoxPlace::Rest,
        }
    }

    pub(super) fn missing(&self) -> Option<String> {
        let what = match &self.place {
            BoxPlace::Damaged(why) => return Some(format!("the HEIF or AVIF is damaged: {why}")),
            BoxPlace::Head(bytes) if bytes.filled > 0 || self.at < self.within => "ends in the middle of a box",
            BoxPlace::Long(..) | BoxPlace::Content(_) => "ends in the middle of a box",
            BoxPlace::Head(_) | BoxPlace::Rest if !self.described => "ends before its description",
            BoxPlace::Head(_) | BoxPlace::Rest if !self.has_data => "ends before its image data",
            BoxPlace::Head(_) | BoxPlace::Rest => return None,
        };
        Some(format!("the HEIF or AVIF {what}"))
    }
}
