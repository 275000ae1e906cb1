//! One typed request for Seedream images, and the machine that owns the money.
//!
//! - [`ImageRequest`] says what somebody wants; [`Capabilities::check`] finds every rule that it breaks before a byte is sent.
//! - [`Dialect`] is what an adapter implements: pure functions between a checked request, HTTP, and what came back.
//! - [`Operation`] owns the life of one paid request, without I/O: when it is sent, when it may be sent again, how a task is
//!   collected.
//! - [`Error::charge`] says whether a failed request may have cost something.
//! - `ImageProvider` of `seedream-client` is what a program holds: any dialect with its endpoint and key.
//!
//! Why it is built this way, and where it departs from its first design, is in [`docs`].
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod capability;
mod check;
mod dialect;
#[doc = include_str!("docs/decisions.md")]
pub mod docs {}
mod encoded;
mod error;
mod generation;
pub mod json;
mod limits;
mod model;
mod money;
mod net;
mod operation;
mod overrides;
mod provider;
mod redact;
mod reference;
mod request;
mod response;
mod size;
mod source;
pub mod sse;
mod stored;
mod task;
mod usage;
mod violation;
mod warning;

pub use capability::{
    BackgroundRule, Capabilities, FieldRule, ImagesRule, LayersRule, Narrowed, Override, PromptRule, ReferenceRule,
    Resolution, SizeRule, Standing, Support, TotalRule,
};
pub use check::{Checked, Strictness, WireSize};
pub use dialect::{
    Acceptance, CatalogDialect, Decoded, Descriptor, Dialect, Effective, ModelEntry, ModelInfo, Site, StreamDecoder,
    StreamDialect, StreamItem, TaskDialect,
};
pub use encoded::Encoded;
pub use error::{Attempt, Charge, Error, ErrorKind, ErrorReport, Medium, Result, Stage, charge_of};
pub use generation::{GeneratedImage, Generation, ImageData, ImageFailure};
pub use jiff::Timestamp;
pub use limits::Limits;
pub use model::{Family, ModelId};
pub use money::{Amount, ImagePrice, Price};
pub use net::{is_loopback_host, is_public_host, is_public_ip};
pub use operation::{Backoff, Exchange, Input, Operation, Pace, Policy, Purpose, Record, Step, Then};
pub use overrides::Overrides;
pub use provider::{Event, EventStream, Plan};
pub use redact::redact;
pub use reference::{ImageSource, ParseReferenceError};
pub use request::{Count, Field, ImageRequest, OutputFormat, PromptMode, ResponseFormat};
pub use response::{Blobs, Response};
pub use size::{ParseSizeError, PixelRule, Pixels, Ratio, Row, Size, TABLE, Tier, nearest_ratio, row};
pub use source::{Source, SourceKind, StatedBy};
pub use task::{Task, TaskId, TaskState};
pub use usage::Usage;
pub use violation::{Nearest, Violation};
pub use warning::{Warning, WarningKind};
