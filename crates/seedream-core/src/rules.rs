//! The rules of a model at a provider, each with its source, and the check of a request against them.
//!
//! Rules are plain data; a dialect encodes the checked request.

mod capabilities;
mod capabilities_patch;
mod check;
mod extra_members;
mod field_rule;
mod images_rule;
mod model_limits;
mod model_standing;
mod overrides;
mod pixel_rule;
mod reference_rule;
pub(crate) mod rule_source;
mod size_rule;
mod size_table;
mod violation;

/// The JSON Schema of [`Capabilities`] and of every format that contains a part of them: `limits` (a file of [`Overrides`]),
/// `description` (a program of the conformance suite) and `models` (`seedream models --json`), each below `$defs`.
pub const CAPABILITIES_SCHEMA: &str = include_str!("rules/capabilities.schema.json");

pub use capabilities::{Capabilities, Members, Precedence};
pub use capabilities_patch::CapabilitiesPatch;
pub use check::{Checked, Strictness, WireSize};
pub use extra_members::{BackgroundRule, LayersRule};
pub use field_rule::{FieldRule, FieldRules, PromptRule, Support};
pub use images_rule::{ImagesRule, TotalRule};
pub use model_limits::Limits;
pub use model_standing::{Resolution, Standing};
pub use overrides::Overrides;
pub use pixel_rule::PixelRule;
pub use reference_rule::ReferenceRule;
pub use rule_source::{Seller, Source, SourceKind, StatedBy};
pub use size_rule::{Narrowed, RelayMinimum, SizeRule};
pub use size_table::{Row, TABLE, nearest_ratio, row};
pub use violation::{Nearest, Violation, Waiver};
