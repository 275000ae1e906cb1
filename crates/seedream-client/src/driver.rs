//! Drives an [`Operation`](seedream_core::Operation): sends what it says, waits as long as it says, and reports what happened.
//!
//! [`operation_driver`] is the loop, [`operation_io`] its requests and responses. Nothing runs in the background: dropping the stream
//! stops everything at once, and nothing is sent any more. Nothing here saves an image.

mod incoming_response;
mod operation_driver;
mod operation_io;
mod operation_trace;
mod poll_pacer;
mod relative_links;
mod request_sender;
mod response_reader;
mod spooled_images;

pub(crate) use self::{
    operation_driver::events,
    poll_pacer::PollPacer,
    request_sender::{RequestSender, SendFailure},
    response_reader::ExpectedBody,
};
