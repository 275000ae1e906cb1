#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod builder;
mod digits;
mod endpoints;
mod engine;
mod faults;
mod hash;
mod headers;
mod image;
mod json;
#[cfg(feature = "tls")]
mod presented_ca;
#[cfg(feature = "record")]
mod record;
mod recording;
mod request;
mod response;
mod server;
mod settings;
mod settings_patch;
mod state;
mod suggest;
mod time;
#[cfg(feature = "wiremock")]
mod wiremock;

pub use builder::MockServerBuilder;
pub use endpoints::admin::verify::{Expectation, NearestEntry, Verification};
pub use endpoints::recording_index::ReplayReport;
pub use engine::Engine;
pub use faults::grammar::{Fault, FaultWord, fault_words};
pub use faults::notation::{FaultError, parse as parse_faults};
pub use faults::shape_words::{
    BodyFault, CodingFault, ErrorFault, LengthFault, StatusWord, StreamFault, TaskFault, Thousands, Truncation,
};
pub use faults::word_enum::FaultValue;
pub use faults::word_values::{
    BytePosition, ByteRate, ConnectionEnd, FaultTarget, ImageFault, Probability, RefusalCause, SseFault,
};
pub use image::test_image::{ImageFormat, TestImage};
pub use json::diff::Difference;
#[cfg(feature = "tls")]
pub use presented_ca::presented_ca;
#[cfg(feature = "record")]
pub use record::recorder::{RecordOptions, RecordingSummary};
pub use response::chunk::Chunk;
pub use response::script::{Script, ScriptEnd};
pub use server::mock_server::MockServer;
pub use server::mock_session::MockSession;
pub use settings::cors_origin::CorsOrigin;
pub use settings::relay_profile::{RelayBehavior, RelayProfile, RelayProfileError, RelayProfiles, relay_behaviors};
pub use settings::{AcceptedContentTypes, CallbackReach, OnMiss, Settings, TaskEnd, Validate};
pub use state::clock::Clock;
pub use state::journal_entry::JournalEntry;
pub use state::ledger::{LedgerEntry, PaidTotal};
pub use state::reset_part::ResetPart;
#[cfg(feature = "wiremock")]
pub use wiremock::Responder;
