//! How many images a model makes.

use crate::Source;

/// How many images a model makes for one request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ImagesRule {
    /// The most that may be asked for; `None` where the document states no number.
    pub max: Option<u32>,
    /// The most that the document advises, without saying that more is refused (document 004, n).
    pub advised_max: Option<u32>,
    /// Whether a group may be asked for without a number ([`Count::Auto`](crate::Count::Auto)).
    pub auto: bool,
    /// Whether asking for a number at all is an error (Ark 5.0 pro refuses even `disabled`).
    pub count_refused: bool,
    /// The most of references and images together.
    pub with_references: Option<TotalRule>,
    /// Whether the model reads from the prompt how many to make, so that the number is only a ceiling.
    pub prompt_decides: bool,
    /// Where all this was read.
    pub source: Source,
}

impl ImagesRule {
    /// Up to `max` images, as many as the prompt asks for.
    pub fn up_to(max: impl Into<Option<u32>>, source: Source) -> Self {
        Self {
            max: max.into(),
            advised_max: None,
            auto: false,
            count_refused: false,
            with_references: None,
            prompt_decides: true,
            source,
        }
    }

    /// One image, and no member may ask for more.
    pub fn single(source: Source) -> Self {
        Self {
            max: Some(1),
            advised_max: None,
            auto: false,
            count_refused: true,
            with_references: None,
            prompt_decides: false,
            source,
        }
    }
}

/// A limit of references and images together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TotalRule {
    /// The limit.
    pub limit: u32,
    /// Whether the provider then makes fewer images, instead of answering with an error.
    pub truncates: bool,
    /// Where this was read.
    pub source: Source,
}
