//! The events of a request.

use futures_util::StreamExt as _;
use seedream_core::{Charge, Error, ErrorKind, Event, EventStream, Generation, Result};

/// The last event of a stream, with the others thrown away.
pub(crate) async fn finished(mut events: EventStream) -> Result<Generation> {
    while let Some(event) = events.next().await {
        if let Event::Finished(generation) = event? {
            return Ok(generation);
        }
    }
    let message = "the operation ended without an outcome";
    Err(Error::new(ErrorKind::Config, message).with_charge(Charge::Unknown))
}
