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

mod dialect;
#[doc = include_str!("docs/decisions.md")]
pub mod docs {}
mod error;
pub mod json;
mod model;
mod net;
mod operation;
mod rules;
pub mod sse;
mod stored;

pub use dialect::{
    Acceptance, Blobs, CatalogDialect, Decoded, Descriptor, Dialect, Effective, Encoded, ModelEntry, ModelInfo, Plan,
    Response, Site, StreamDecoder, StreamDialect, StreamItem, TaskDialect, TaskState,
};
pub use error::{Attempt, Charge, Error, ErrorKind, ErrorReport, Medium, Result, Stage, charge_of, redact};
pub use model::{
    Amount, Count, Event, Family, Field, GeneratedImage, Generation, ImageData, ImageFailure, ImagePrice, ImageRequest,
    ImageSource, InvalidTaskId, ModelId, OutputFormat, ParseReferenceError, ParseSizeError, ParseTimestampError,
    Pixels, Price, PromptMode, ProviderId, Ratio, ResponseFormat, Size, Task, TaskId, Tier, Timestamp, Usage, Warning,
    WarningKind,
};
pub use net::{is_loopback_host, is_public_host, is_public_ip};
pub use operation::{Backoff, Exchange, Input, Operation, Pace, Policy, Purpose, Record, Step, Then};
pub use rules::{
    BackgroundRule, CAPABILITIES_SCHEMA, Capabilities, CapabilitiesPatch, Checked, FieldRule, FieldRules, ImagesRule,
    LayersRule, Limits, Members, Narrowed, Nearest, Overrides, PixelRule, Precedence, PromptRule, ReferenceRule,
    RelayMinimum, Resolution, Row, Seller, SizeRule, Source, SourceKind, Standing, StatedBy, Strictness, Support,
    TABLE, TotalRule, Violation, WireSize, nearest_ratio, row,
};
