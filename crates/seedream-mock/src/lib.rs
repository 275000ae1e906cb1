#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod builder;
mod clock;
mod engine;
mod fault;
mod picture;
mod profile;
mod server;
mod span;
#[cfg(feature = "wiremock")]
mod wiremock;

pub use builder::MockServerBuilder;
pub use clock::Clock;
pub use engine::{
    Bill, Chunk, Content, Difference, Dress, End, Engine, Entry, Miss, Packed, Page, Paid, Part, Script, Settings,
    TaskEnd, Validate, Verdict, Wanted,
};
pub use fault::{
    BodyFault, Chance, Coding, Cut, Drip, Ending, ErrorFault, Fault, FaultError, FaultValue, FaultWord, Length, On,
    PictureFault, Place, Refusal, SseFault, StreamFault, TaskFault, Term, Thousands, faults, parse as parse_faults,
};
pub use picture::{Format, Picture};
pub use profile::{Habit, Profile, ProfileError, Profiles};
pub use server::MockServer;
#[cfg(feature = "wiremock")]
pub use wiremock::Responder;
