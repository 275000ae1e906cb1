//! The rules of a model at a provider, each with its source, and the check of a request against them.
//!
//! Rules are plain data; a dialect encodes the checked request.

mod capabilities;
mod check;
mod extra_members;
mod field_rule;
mod images_rule;
mod limits;
mod overrides;
mod patch;
mod pixel_rule;
mod reference_rule;
mod size_rule;
mod size_table;
pub(crate) mod source;
mod standing;
mod violation;

/// The JSON Schema of [`Capabilities`] and of every format that contains a part of them: `limits` (a file of [`Overrides`]),
/// `description` (a program of the conformance suite) and `models` (`seedream models --json`), each below `$defs`.
pub const CAPABILITIES_SCHEMA: &str = include_str!("rules/capabilities.schema.json");

pub use capabilities::{Capabilities, Members, Precedence};
pub use check::{Checked, Strictness, WireSize};
pub use extra_members::{BackgroundRule, LayersRule};
pub use field_rule::{FieldRule, FieldRules, PromptRule, Support};
pub use images_rule::{ImagesRule, TotalRule};
pub use limits::Limits;
pub use overrides::Overrides;
pub use patch::CapabilitiesPatch;
pub use pixel_rule::PixelRule;
pub use reference_rule::ReferenceRule;
pub use size_rule::{Narrowed, RelayMinimum, SizeRule};
pub use size_table::{Row, TABLE, nearest_ratio, row};
pub use source::{Seller, Source, SourceKind, StatedBy};
pub use standing::{Resolution, Standing};
pub use violation::{Nearest, Violation, Waiver};
