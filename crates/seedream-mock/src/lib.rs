#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod builder;
mod endpoints;
mod engine;
mod faults;
mod hash;
mod image;
mod json;
mod pipeline;
mod profile;
mod record;
mod request;
mod response;
mod server;
mod settings;
mod settings_patch;
mod signed_url;
mod state;
mod suggest;
mod time;
#[cfg(feature = "wiremock")]
mod wiremock;

pub use builder::MockServerBuilder;
pub use endpoints::admin::journal::JournalPage;
pub use endpoints::admin::reset::ResetPart;
pub use endpoints::admin::verify::{Expectation, NearestEntry, Verification};
pub use engine::Engine;
pub use faults::fault::Fault;
pub use faults::grammar::{FaultValue, FaultWord, fault_words};
pub use faults::shapes::{
    BodyFault, CodingFault, ErrorFault, LengthFault, StatusWord, StreamFault, TaskFault, Thousands, Truncation,
};
pub use faults::text::{FaultError, parse as parse_faults};
pub use faults::words::{
    BytePosition, ByteRate, ConnectionEnd, FaultTarget, ImageFault, Probability, RefusalCause, SseFault,
};
pub use image::{ImageFormat, TestImage};
pub use json::diff::Difference;
pub use profile::{RelayBehavior, RelayProfile, RelayProfileError, RelayProfiles};
pub use response::coding::PackedPiece;
pub use response::script::{Chunk, ChunkContent, Script, ScriptEnd};
pub use response::text_encoding::TextEncoding;
pub use server::MockServer;
pub use settings::{Settings, TaskEnd, Validate};
pub use state::clock::Clock;
pub use state::journal::JournalEntry;
pub use state::ledger::{LedgerEntry, PaidTotal};
#[cfg(feature = "wiremock")]
pub use wiremock::Responder;
