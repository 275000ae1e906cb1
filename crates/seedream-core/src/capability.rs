//! What a provider's model takes: typed rules, each with the document it was read from.

mod special;

use serde::{Deserialize, Serialize};

pub use self::special::{BackgroundRule, LayersRule};
use crate::{
    Descriptor, Family, Field, ModelId, PixelRule, Pixels, Price, Ratio, Row, Source, StatedBy, TABLE, Tier,
    limits::ARK, source::Seller,
};

/// The rules of one model at one provider.
///
/// Plain data, so that rules can be stored, compared with a document and corrected without a new release.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The provider's id.
    pub provider: &'static str,
    pub(crate) seller: Seller,
    /// Whether the request goes to a relay: a host that speaks this dialect and is not the provider's own.
    pub relay: bool,
    /// The model that was asked for.
    pub requested: ModelId,
    /// The id under which this provider sells it; the requested one where nobody here knows the model.
    pub model: ModelId,
    /// Whether it is sold here.
    pub standing: Standing,
    /// Sizes.
    pub size: SizeRule,
    /// Reference images.
    pub references: ReferenceRule,
    /// How many images.
    pub images: ImagesRule,
    /// The prompt.
    pub prompt: PromptRule,
    /// The optional fields; one that is not listed has no member in this dialect's body.
    pub fields: Vec<FieldRule>,
    /// The members that the adapter writes itself, so that `extra` may not name them, and where the document lists them.
    pub members: (&'static [&'static str], Source),
    /// Members that the document says have no effect, with that document.
    pub ignored_members: (&'static [&'static str], Source),
    /// A member of `extra` that takes precedence over a field, as ope.ai's explicit `sequential_image_generation` does over `n`.
    pub overrides: Option<Override>,
    /// The member `background` of `extra`; `None` where nothing is known of it.
    pub background: Option<BackgroundRule>,
    /// The member `layer_decomposition` of `extra`; `None` where nothing is known of it.
    pub layers: Option<LayersRule>,
    /// What an image costs, where that is published.
    pub price: Option<Price>,
}

/// Whether a provider sells a model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It does.
    Sold(Option<Family>),
    /// It does not, but others do: the ids that this provider sells.
    Elsewhere {
        /// What the id spells.
        family: Family,
        /// What this provider sells instead.
        sold: Vec<ModelId>,
        /// Where its list was read.
        source: Source,
    },
    /// Nobody here knows the id: it is sent as it is, and no rule of a model is checked.
    Unknown,
}

/// What an id means to one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The id that was asked for.
    pub requested: ModelId,
    /// The id to send.
    pub model: ModelId,
    /// Whether it is sold here.
    pub standing: Standing,
}

impl Resolution {
    /// The family, where it is known.
    pub fn family(&self) -> Option<Family> {
        match self.standing {
            Standing::Sold(family) => family,
            Standing::Elsewhere { family, .. } => Some(family),
            Standing::Unknown => None,
        }
    }
}

/// A member of `extra` that decides in place of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The member.
    pub member: &'static str,
    /// The field that then has no effect.
    pub field: Field,
    /// What happens, as a sentence for a person.
    pub says: &'static str,
}

/// Whether a field has an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// It does what it says.
    Honoured,
    /// It may be sent and changes nothing: always warned about.
    Ignored,
    /// The provider answers with an error: refused here.
    Refused,
}

/// Which sizes a model takes, and in which spelling.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SizeRule {
    /// Levels that may be sent as `size`.
    pub tiers: Vec<Tier>,
    /// Ratios that may be sent as `size`.
    pub ratios: Vec<Ratio>,
    /// Levels that go with a ratio in a member of their own (document 002, quality).
    pub qualities: Vec<Tier>,
    /// Whether `auto` may be sent as `size`.
    pub auto: bool,
    /// The rule of width x height; `None` where pixels may not be sent.
    pub pixels: Option<PixelRule>,
    /// Which pixels a ratio has at a level, where a ratio has to be put into pixels.
    pub table: Vec<Row>,
    /// Where the table was read.
    pub table_source: Source,
    /// What the provider takes where nothing is sent, as it would be written on the wire.
    pub default: Option<String>,
    /// Where the levels, the ratios and the qualities were read, and `pixels`, unless `narrowed` says otherwise.
    pub source: Source,
    /// Who narrows `tiers` and `pixels`, where the provider's own page allows more.
    pub narrowed: Option<Narrowed>,
    /// The least number of pixels that relays of the dialect state, where it is more than `pixels` says.
    pub relay_min: Option<(u64, Source)>,
}

/// Rules of a size that are not the provider's own: those of the vendor whose models it resells, or ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Narrowed {
    /// The levels that the provider's own page allows.
    pub tiers: Vec<Tier>,
    /// The width and height that the provider's own page allows.
    pub pixels: PixelRule,
    /// Where the narrower rules were read.
    pub source: Source,
}

impl SizeRule {
    /// Width x height only; a level or a ratio is put into pixels by the table of document 004.
    pub fn only_pixels(pixels: PixelRule, default: &str, source: Source) -> Self {
        Self::levels(&[], pixels, default, source)
    }

    /// Levels or pixels, as Ark and its relays take them, with the table of document 004.
    pub fn levels(tiers: &[Tier], pixels: PixelRule, default: &str, source: Source) -> Self {
        Self {
            tiers: tiers.to_vec(),
            ratios: Vec::new(),
            qualities: Vec::new(),
            auto: false,
            pixels: Some(pixels),
            table: TABLE.to_vec(),
            table_source: Source::published(ARK, "size"),
            default: Some(default.into()),
            source,
            narrowed: None,
            relay_min: None,
        }
    }

    /// States that the provider's own page, `source`, allows these levels and pixels, and that everything narrower is the rule
    /// of the page from which the sizes were read.
    #[must_use]
    pub fn stated_by(mut self, source: Source, tiers: &[Tier], pixels: PixelRule) -> Self {
        let narrower = std::mem::replace(&mut self.source, source);
        self.narrowed = Some(Narrowed { tiers: tiers.to_vec(), pixels, source: narrower });
        self
    }

    /// The legal size nearest to the one asked for ([`PixelRule::nearest`]); one of the table takes its place where it is as near.
    /// `None` where pixels may not be sent.
    pub fn nearest(&self, asked: Pixels) -> Option<Pixels> {
        Some(self.pixels?.nearest_of(asked, self.table.iter().map(|row| row.pixels)))
    }
}

/// Which reference images a model takes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReferenceRule {
    /// The most images; 0 where a model takes none, `None` where the document states no number.
    pub max: Option<u32>,
    /// Whether the dialect has a member for them.
    pub member: bool,
    /// Whether they may travel in the body as a data URI, or as a URL only.
    pub inline: bool,
    /// The most bytes of one image.
    pub max_bytes: Option<u64>,
    /// Where `max_bytes` was read, if not where the rest was.
    pub max_bytes_source: Option<Source>,
    /// Media types, lower-case; empty where the document states none.
    pub media_types: Vec<String>,
    /// Width and height must both be larger than this.
    pub side_above: Option<u32>,
    /// Area and shape.
    pub pixels: Option<PixelRule>,
    /// Where all this was read.
    pub source: Source,
}

/// What a reseller takes of one reference.
const RESOLD_BYTES: u64 = 10 * 1024 * 1024;

impl ReferenceRule {
    /// No reference images: the dialect has no member for them.
    pub fn absent(source: Source) -> Self {
        Self {
            max: Some(0),
            member: false,
            inline: false,
            max_bytes: None,
            max_bytes_source: None,
            media_types: Vec::new(),
            side_above: None,
            pixels: None,
            source,
        }
    }

    /// As a reseller takes them: 10 MB each, which is the least that any of their pages states. Ark itself takes 30 MB.
    #[must_use]
    pub fn resold(mut self) -> Self {
        if let Some(bytes) = &mut self.max_bytes {
            *bytes = RESOLD_BYTES;
            self.max_bytes_source = Some(Source::derived("resellers that state a number take 10 MB"));
        }
        self
    }

    /// At most `max`, by URL or inline, with no further rule.
    pub fn at_most(max: impl Into<Option<u32>>, source: Source) -> Self {
        Self { max: max.into(), member: true, inline: true, ..Self::absent(source) }
    }
}

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

/// What a prompt may be.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PromptRule {
    /// The most characters that are advised; documents state it in tokens, so it is no rule of ours.
    pub advised_chars: Option<usize>,
    /// What there is to know about that number, such as two statements of it that differ.
    pub note: Option<&'static str>,
    /// Whether the document advises at most 300 Chinese characters or 600 English words.
    pub advised_length: bool,
    /// Where this was read.
    pub source: Source,
}

/// The rule of one optional field.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FieldRule {
    /// The field.
    pub field: Field,
    /// Whether it has an effect.
    pub support: Support,
    /// The values it may have, in their stored form; empty where any is allowed.
    pub values: Vec<&'static str>,
    /// The range of a number.
    pub range: Option<(f64, f64)>,
    /// Where the range was read, if not where the rest was.
    pub range_source: Option<Source>,
    /// What the provider takes where nothing is sent.
    pub default: Option<serde_json::Value>,
    /// A value that is said by sending nothing.
    pub unsaid: Option<serde_json::Value>,
    /// Where this was read.
    pub source: Source,
}

impl FieldRule {
    /// A field with an effect.
    pub fn honoured(field: Field, source: Source) -> Self {
        Self {
            field,
            support: Support::Honoured,
            values: Vec::new(),
            range: None,
            range_source: None,
            default: None,
            unsaid: None,
            source,
        }
    }

    /// A field that may be sent and changes nothing.
    pub fn ignored(field: Field, source: Source) -> Self {
        Self { support: Support::Ignored, ..Self::honoured(field, source) }
    }

    /// A field that the provider answers with an error.
    pub fn refused(field: Field, source: Source) -> Self {
        Self { support: Support::Refused, ..Self::honoured(field, source) }
    }

    /// Limits the values.
    #[must_use]
    pub fn one_of(mut self, values: &[&'static str]) -> Self {
        self.values = values.to_vec();
        self
    }

    /// Limits the range.
    #[must_use]
    pub fn within(mut self, least: f64, most: f64) -> Self {
        self.range = Some((least, most));
        self
    }

    /// States where the range was read, which the provider's own page does not name.
    #[must_use]
    pub fn range_from(mut self, source: Source) -> Self {
        self.range_source = Some(source);
        self
    }

    /// States a value that is said by sending nothing.
    #[must_use]
    pub fn unsaid(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.unsaid = Some(value.into());
        self
    }

    /// States the provider's default.
    #[must_use]
    pub fn default(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.default = Some(value.into());
        self
    }
}

impl Capabilities {
    /// Rules with the sizes and the members of the body given, without references, one image, any prompt and no optional
    /// field: an adapter adds what its document states.
    pub fn new(
        provider: &Descriptor,
        resolution: Resolution,
        size: SizeRule,
        members: (&'static [&'static str], Source),
    ) -> Self {
        let source = members.1.clone();
        Self {
            provider: provider.id,
            seller: Seller { name: provider.name, pages: provider.pages },
            relay: false,
            requested: resolution.requested,
            model: resolution.model,
            standing: resolution.standing,
            size,
            references: ReferenceRule::absent(source.clone()),
            images: ImagesRule::single(source.clone()),
            prompt: PromptRule::any(source.clone()),
            fields: Vec::new(),
            members,
            ignored_members: (&[], source),
            overrides: None,
            background: None,
            layers: None,
            price: None,
        }
    }

    /// Who states a rule of this source.
    pub fn stated_by(&self, source: &Source) -> StatedBy {
        self.seller.states(source)
    }

    /// The rule of an optional field; `None` where this dialect has no member for it.
    pub fn field(&self, field: Field) -> Option<&FieldRule> {
        self.fields.iter().find(|rule| rule.field == field)
    }
}

impl PromptRule {
    /// Any length.
    pub fn any(source: Source) -> Self {
        Self { advised_chars: None, note: None, advised_length: false, source }
    }

    /// Ark's advice on the length, which no provider enforces.
    pub fn advised(source: Source) -> Self {
        Self { advised_length: true, ..Self::any(source) }
    }

    /// At most about this many characters.
    pub fn at_most(chars: usize, source: Source) -> Self {
        Self { advised_chars: Some(chars), ..Self::any(source) }
    }
}
