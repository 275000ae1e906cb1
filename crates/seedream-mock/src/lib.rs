//! A local upstream that answers like the Seedream resellers, with real pictures and without a key.
//!
//! All five dialects are on one port, each below its own prefix; documented requests get the documented answers, every
//! other valid request is answered by the provider's rules. Everything that differs between providers is data of
//! [`seedream_fixtures`]; this crate knows no adapter.
//!
//! ```
//! # async fn example() -> std::io::Result<()> {
//! let mock = seedream_mock::MockServer::builder().seed(7).start().await?;
//! let base = mock.base_url("evolink").expect("a provider");
//! // Point a client at `base`; any key will do. Then look at what it asked:
//! for entry in mock.journal() {
//!     assert_eq!(entry.provider.as_deref(), Some("evolink"));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The [`Engine`] can be called without a socket, at any time one likes:
//!
//! ```
//! use seedream_mock::{Engine, Settings};
//!
//! let engine = Engine::new(Settings::default());
//! let request = http::Request::get("http://mock/evolink/v1/credits")
//!     .header("authorization", "Bearer sk-anything")
//!     .body(bytes::Bytes::new())
//!     .expect("a request");
//! assert_eq!(engine.handle(jiff::Timestamp::UNIX_EPOCH, &request).status, 200);
//! ```

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod builder;
mod clock;
mod engine;
mod fault;
mod picture;
mod server;
mod span;
#[cfg(feature = "wiremock")]
mod wiremock;

pub use builder::MockServerBuilder;
pub use clock::Clock;
pub use engine::{
    Bill, Chunk, Content, Difference, End, Engine, Entry, Miss, Part, Script, Settings, TaskEnd, Validate, Verdict,
    Wanted,
};
pub use fault::{
    Drip, Ending, Fault, FaultError, FaultWord, On, PictureFault, Place, Refusal, SseFault, TaskFault, faults,
    parse as parse_faults,
};
pub use picture::{Format, Picture};
pub use server::MockServer;
#[cfg(feature = "wiremock")]
pub use wiremock::Responder;
