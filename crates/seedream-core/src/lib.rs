//! A typed request for Seedream images, and a sans-I/O state machine for one billable request.
//!
//! - [`ImageRequest`] describes the images; [`Capabilities::check`] finds every violated rule before a byte is sent.
//! - [`Dialect`] is the trait of an adapter: pure functions from a checked request to HTTP, and from a response to a value.
//! - [`Operation`] runs one billable request without I/O: when to send, retry and poll, and whether a failed request may have been billed.
//! - [`Error::charge`] states whether a failed request may have been billed.
//! - `ImageProvider` of `seedream-client` is any dialect with its endpoint and key.
//!
//! [`docs`] lists the design decisions and their reasons.
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod dialect;
#[doc = include_str!("docs/decisions.md")]
pub mod docs {}
mod error;
pub mod json;
mod model;
mod operation;
mod public_hosts;
mod rules;
pub mod sse;
mod stored;

pub use dialect::{
    Acceptance, Blobs, CatalogDialect, Decoded, Descriptor, Dialect, Effective, Encoded, ModelEntry, ModelInfo, Plan,
    Response, Site, StreamDecoder, StreamDialect, StreamItem, TaskDialect, TaskState,
};
pub use error::{Attempt, Charge, Error, ErrorKind, Medium, Result, Stage, StoredError, charge_of, redact};
pub use model::{
    Amount, Count, Event, Family, Field, GeneratedImage, Generation, ImageData, ImageFailure, ImagePrice, ImageRequest,
    ImageSource, InvalidTaskId, ModelId, OutputFormat, ParseReferenceError, ParseSizeError, ParseTimestampError,
    Pixels, Price, PromptMode, ProviderId, Ratio, ResponseFormat, Size, Task, TaskId, Tier, Timestamp, Usage, Warning,
    WarningKind,
};
pub use operation::{Backoff, Exchange, Input, Operation, Pace, Policy, Purpose, Record, Step, Then};
pub use public_hosts::{is_loopback_host, is_public_host, is_public_ip};
pub use rules::{
    BackgroundRule, CAPABILITIES_SCHEMA, Capabilities, CapabilitiesPatch, Checked, FieldRule, FieldRules, ImagesRule,
    LayersRule, Limits, Members, Narrowed, Nearest, Overrides, PixelRule, Precedence, PromptRule, ReferenceRule,
    RelayMinimum, Resolution, Row, Seller, SizeRule, Source, SourceKind, Standing, StatedBy, Strictness, Support,
    TABLE, TotalRule, Violation, Waiver, WireSize, nearest_ratio, row,
};
