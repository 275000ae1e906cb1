//! Damaged files of images.

use bytes::Bytes;

use crate::faults::word_values::ImageFault;
use crate::image::test_image::TestImage;
use crate::response::html_page::html_page;

/// How much of an image comes before it is cut.
const CUT: usize = 80;

/// How much of an image's end is cut.
const CUT_END: usize = 4;

/// What follows an image's end.
const TRAILING: &[u8] = b"\r\n<!-- served by mock-cdn in 12 ms -->\r\n";

impl ImageFault {
    /// The file of an image with this damage.
    pub(crate) fn file(self, image: &TestImage, render: &dyn Fn(&TestImage) -> Bytes) -> Bytes {
        match self {
            Self::Truncated => {
                let file = render(image);
                file.slice(..file.len() / 2)
            }
            Self::Corrupt => {
                let mut file = render(image).to_vec();
                // The first bytes still say what it was meant to be.
                file.iter_mut().skip(48).step_by(7).for_each(|byte| *byte ^= 0x5a);
                file.into()
            }
            Self::WrongSize => {
                let half = |side: u32| (side / 2).max(1);
                render(&TestImage { width: half(image.width), height: half(image.height), ..image.clone() })
            }
            Self::Html => html_page(200).into(),
            Self::Cut | Self::CutLength => {
                let file = render(image);
                file.slice(..file.len().min(CUT))
            }
            Self::CutEnd => {
                let file = render(image);
                file.slice(..file.len().saturating_sub(CUT_END))
            }
            Self::Trailing => [render(image).as_ref(), TRAILING].concat().into(),
            Self::CloseEvery | Self::CloseEveryUntagged => render(image),
        }
    }
}
