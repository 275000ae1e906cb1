//! Requests and outcomes: plain values, independent of the provider.
//!
//! This module contains no rule of a provider and no I/O.

mod event;
mod field;
mod generation;
mod model_id;
mod money;
mod provider_id;
mod reference;
mod request;
mod size;
mod task;
mod timestamp;
mod usage;
mod warning;

pub use event::Event;
pub use field::Field;
pub use generation::{GeneratedImage, Generation, ImageData, ImageFailure};
pub use model_id::{Family, ModelId};
pub use money::{Amount, ImagePrice, Price};
pub use provider_id::ProviderId;
pub use reference::{ImageSource, ParseReferenceError};
pub use request::{Count, ImageRequest, OutputFormat, PromptMode, ResponseFormat};
pub use size::{ParseSizeError, Pixels, Ratio, Size, Tier};
pub use task::{InvalidTaskId, Task, TaskId};
pub use timestamp::{ParseTimestampError, Timestamp};
pub use usage::Usage;
pub use warning::{Warning, WarningKind};
