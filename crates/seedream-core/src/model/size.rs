//! Image sizes: tiers, pixels, aspect ratios.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The size of an image, in one of the four forms that providers accept.
///
/// Its text form is its serde form: `2K`, `2048x2048`, `16:9`, `16:9@2K`, `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Size {
    /// A tier; the model takes the aspect ratio from the prompt.
    Tier(Tier),
    /// Exact width and height.
    Pixels(Pixels),
    /// An aspect ratio, at a tier or at the provider's default tier.
    Ratio {
        /// Width to height.
        ratio: Ratio,
        /// The tier; `None` is the provider's default, or `2K` if a size table is used.
        tier: Option<Tier>,
    },
    /// The provider decides.
    Auto,
}

/// A resolution tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Tier {
    /// About 1 megapixel.
    K1,
    /// About 2.4 megapixels (5.0 pro and flash).
    K1_5,
    /// About 4.2 megapixels.
    K2,
    /// About 9.4 megapixels.
    K3,
    /// About 16.8 megapixels.
    K4,
}

/// Width and height in pixels, both at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pixels {
    width: u32,
    height: u32,
}

/// An aspect ratio, width to height, as written: `16:9`. Both numbers are at least 1; `32:18` stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ratio {
    width: u16,
    height: u16,
}

impl Tier {
    /// All tiers, smallest first.
    pub const ALL: [Self; 5] = [Self::K1, Self::K1_5, Self::K2, Self::K3, Self::K4];

    /// The text form, such as `2K`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::K1 => "1K",
            Self::K1_5 => "1.5K",
            Self::K2 => "2K",
            Self::K3 => "3K",
            Self::K4 => "4K",
        }
    }
}

impl Pixels {
    /// Width and height, from numbers known only at run time; [`Pixels::of`] is for constants.
    ///
    /// # Errors
    /// One of them is 0.
    pub fn new(width: u32, height: u32) -> Result<Self, ParseSizeError> {
        let pixels = Self { width, height };
        if width == 0 || height == 0 { Err(ParseSizeError { text: pixels.to_string() }) } else { Ok(pixels) }
    }

    /// Width and height written in the source: `Pixels::of(2048, 2048)`.
    ///
    /// # Panics
    /// One of them is 0; in a constant, this is a compile error.
    pub const fn of(width: u32, height: u32) -> Self {
        assert!(width > 0 && height > 0, "an image has at least one pixel in each direction");
        Self { width, height }
    }

    /// Width in pixels.
    pub const fn width(self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub const fn height(self) -> u32 {
        self.height
    }

    /// The number of pixels.
    pub fn area(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Width divided by height.
    pub fn aspect(self) -> f64 {
        f64::from(self.width) / f64::from(self.height)
    }
}

impl Ratio {
    /// Width to height, from numbers known only at run time; [`Ratio::of`] is for constants.
    ///
    /// # Errors
    /// One of them is 0.
    pub fn new(width: u16, height: u16) -> Result<Self, ParseSizeError> {
        let ratio = Self { width, height };
        if width == 0 || height == 0 { Err(ParseSizeError { text: ratio.to_string() }) } else { Ok(ratio) }
    }

    /// Width to height written in the source: `Ratio::of(16, 9)`.
    ///
    /// # Panics
    /// One of them is 0; in a constant, this is a compile error.
    pub const fn of(width: u16, height: u16) -> Self {
        assert!(width > 0 && height > 0, "both numbers of a ratio are at least 1");
        Self { width, height }
    }

    /// The number before the colon.
    pub const fn width(self) -> u16 {
        self.width
    }

    /// The number after the colon.
    pub const fn height(self) -> u16 {
        self.height
    }

    /// Width divided by height.
    pub fn aspect(self) -> f64 {
        f64::from(self.width) / f64::from(self.height)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tier(tier) => tier.fmt(f),
            Self::Pixels(pixels) => pixels.fmt(f),
            Self::Ratio { ratio, tier: None } => ratio.fmt(f),
            Self::Ratio { ratio, tier: Some(tier) } => write!(f, "{ratio}@{tier}"),
            Self::Auto => f.write_str("auto"),
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.width, self.height)
    }
}

/// A text that is not a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseSizeError {
    text: String,
}

impl fmt::Display for ParseSizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a size: write a tier (1K, 1.5K, 2K, 3K, 4K), width x height (2048x2048), a ratio (16:9), \
             a ratio at a tier (16:9@2K), or auto",
            self.text.chars().take(40).collect::<String>()
        )
    }
}

impl std::error::Error for ParseSizeError {}

impl FromStr for Size {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, ParseSizeError> {
        let trimmed = text.trim();
        let parsed = if trimmed.eq_ignore_ascii_case("auto") {
            Some(Self::Auto)
        } else if let Some((ratio, tier)) = trimmed.split_once('@') {
            match (ratio.parse(), tier.parse()) {
                (Ok(ratio), Ok(tier)) => Some(Self::Ratio { ratio, tier: Some(tier) }),
                _ => None,
            }
        } else {
            (trimmed.parse().map(Self::Tier).ok())
                .or_else(|| trimmed.parse().map(Self::Pixels).ok())
                .or_else(|| trimmed.parse().map(|ratio| Self::Ratio { ratio, tier: None }).ok())
        };
        parsed.ok_or_else(|| ParseSizeError { text: text.into() })
    }
}

impl FromStr for Tier {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, ParseSizeError> {
        // Ark's error texts list tiers in lower case, its pages in upper case; Ark accepts both.
        Self::ALL
            .into_iter()
            .find(|tier| tier.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| ParseSizeError { text: text.into() })
    }
}

impl FromStr for Pixels {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, ParseSizeError> {
        let error = || ParseSizeError { text: text.into() };
        let (width, height) = text.split_once(['x', 'X', '×']).ok_or_else(error)?;
        match (number(width), number(height)) {
            (Some(width), Some(height)) => Ok(Self { width, height }),
            _ => Err(error()),
        }
    }
}

impl FromStr for Ratio {
    type Err = ParseSizeError;

    fn from_str(text: &str) -> Result<Self, ParseSizeError> {
        let error = || ParseSizeError { text: text.into() };
        let (width, height) = text.split_once(':').ok_or_else(error)?;
        match (number(width), number(height)) {
            (Some(width), Some(height)) => Ok(Self { width, height }),
            _ => Err(error()),
        }
    }
}

/// A number of at least 1, digits only: `+16` and ` 16` are not valid.
fn number<N: FromStr + PartialOrd + From<u8>>(text: &str) -> Option<N> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|n| *n >= N::from(1))
}

macro_rules! serde_as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

serde_as_text!(Size, Tier, Pixels, Ratio);

impl From<Pixels> for Size {
    fn from(pixels: Pixels) -> Self {
        Self::Pixels(pixels)
    }
}

impl From<Ratio> for Size {
    fn from(ratio: Ratio) -> Self {
        Self::Ratio { ratio, tier: None }
    }
}

impl TryFrom<&str> for Size {
    type Error = ParseSizeError;

    fn try_from(text: &str) -> Result<Self, ParseSizeError> {
        text.parse()
    }
}

impl Size {
    /// Exact width and height, written in the source. For numbers known only at run time, [`Pixels::new`] returns an error.
    ///
    /// ```
    /// # use seedream_core::Size;
    /// assert_eq!(Size::pixels(2560, 1440).to_string(), "2560x1440");
    /// ```
    ///
    /// # Panics
    /// One of them is 0.
    pub const fn pixels(width: u32, height: u32) -> Self {
        Self::Pixels(Pixels::of(width, height))
    }

    /// An aspect ratio, written in the source, at the provider's default tier; [`Size::at`] sets one. For numbers known only at run
    /// time, [`Ratio::new`] returns an error.
    ///
    /// ```
    /// # use seedream_core::{Size, Tier};
    /// assert_eq!(Size::ratio(16, 9).at(Tier::K2).to_string(), "16:9@2K");
    /// ```
    ///
    /// # Panics
    /// One of them is 0.
    pub const fn ratio(width: u16, height: u16) -> Self {
        Self::Ratio { ratio: Ratio::of(width, height), tier: None }
    }

    /// Sets the tier of a ratio; any other size is unchanged.
    #[must_use]
    pub const fn at(self, tier: Tier) -> Self {
        match self {
            Self::Ratio { ratio, .. } => Self::Ratio { ratio, tier: Some(tier) },
            other => other,
        }
    }
}

impl From<Tier> for Size {
    fn from(tier: Tier) -> Self {
        Self::Tier(tier)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_size() -> impl Strategy<Value = Size> {
        let tier = || prop::sample::select(Tier::ALL.to_vec());
        prop_oneof![
            tier().prop_map(Size::Tier),
            (1..=u32::MAX, 1..=u32::MAX).prop_map(|(w, h)| Size::pixels(w, h)),
            (1..=u16::MAX, 1..=u16::MAX, prop::option::of(tier()))
                .prop_map(|(w, h, tier)| Size::Ratio { ratio: Ratio::of(w, h), tier }),
            Just(Size::Auto),
        ]
    }

    proptest! {
        #[test]
        fn text_and_json_round_trip(size in any_size()) {
            prop_assert_eq!(size.to_string().parse::<Size>().unwrap(), size);
            let json = serde_json::to_string(&size).unwrap();
            prop_assert_eq!(serde_json::from_str::<Size>(&json).unwrap(), size);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*") {
            let _ = text.parse::<Size>();
        }
    }

    #[test]
    fn other_spellings_are_understood() {
        assert_eq!("2k".parse(), Ok(Size::Tier(Tier::K2)));
        assert_eq!(" 2048×2048 ".parse(), Ok(Size::pixels(2048, 2048)));
        assert_eq!("AUTO".parse(), Ok(Size::Auto));
    }

    #[test]
    fn nothing_is_zero_wide_or_high() {
        for (width, height) in [(0, 9), (16, 0), (0, 0)] {
            assert!(Pixels::new(width, height).unwrap_err().to_string().contains(&format!("{width}x{height}")));
            assert!(Ratio::new(width as u16, height as u16).is_err());
        }
        assert_eq!(Pixels::new(1, 4096), Ok(Pixels::of(1, 4096)));
        assert_eq!(Ratio::new(16, 9), Ok(Ratio::of(16, 9)));
    }

    #[test]
    fn an_invalid_size_is_an_error_that_lists_the_valid_forms() {
        for text in ["", "5K", "0x4", "2048", "16:0", "16:9@", "16:9@5K", "-1x5", "1x2x3", "99999999999x1"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        insta::assert_snapshot!("5K".parse::<Size>().unwrap_err(), @"`5K` is not a size: write a tier (1K, 1.5K, 2K, 3K, 4K), width x height (2048x2048), a ratio (16:9), a ratio at a tier (16:9@2K), or auto");
    }
}
