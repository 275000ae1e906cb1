//! Delivers callbacks: attempts, timeouts and pauses, all on the mock's clock.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::endpoints::callbacks;
use crate::endpoints::callbacks::{Callback, Delivery, is_delivered};
use crate::server::shared::Shared;

/// Sends what is due, until it is dropped.
pub(crate) async fn deliver(shared: Shared) {
    let mut rounds = JoinSet::new();
    loop {
        for callback in callbacks::take(shared.services(), |session| shared.now(session)) {
            rounds.spawn(attempts(shared.clone(), callback));
        }
        tokio::select! {
            () = shared.notifiers.tasks.notified() => {}
            () = next_due(&shared) => {}
            Some(_) = rounds.join_next() => {}
        }
    }
}

/// Waits until a task of some session ends by itself; each session has its own time.
async fn next_due(shared: &Shared) {
    let due = callbacks::next(shared.services()).into_iter().map(|(session, at)| {
        let clock = shared.clocks.of(&session);
        Box::pin(async move { clock.sleep_until(at).await })
    });
    let mut due: Vec<_> = due.collect();
    let mut any = |cx: &mut Context<'_>| due.iter_mut().any(|due| due.as_mut().poll(cx).is_ready());
    poll_fn(|cx| if any(cx) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// Every attempt for one callback.
async fn attempts(shared: Shared, callback: Callback) {
    let clock = shared.clocks.of(&callback.session);
    let record = |attempt: usize, outcome: &Delivery| {
        callbacks::record(shared.services(), clock.timestamp(), &callback, attempt, outcome);
        shared.notifiers.journal_grew();
    };
    let receiver = match CallbackReceiver::read(&callback.url) {
        Ok(receiver) => receiver,
        Err(reason) => return record(1, &Err(reason)),
    };
    let mut pauses = callback.pauses.iter().copied();
    for attempt in 1.. {
        if !callbacks::is_wanted(shared.services(), &callback) {
            return;
        }
        let outcome: Delivery = tokio::select! {
            outcome = receiver.post(&callback.body) => outcome.map_err(|error| format!("failed: {error}")),
            () = clock.sleep(callback.timeout) => Err(format!("no response within {} s", callback.timeout.as_secs())),
        };
        record(attempt, &outcome);
        match pauses.next() {
            Some(pause) if !is_delivered(&outcome) => clock.sleep(pause).await,
            _ => return,
        }
    }
}

/// The receiver of a callback: on this machine, over HTTP.
struct CallbackReceiver {
    authority: String,
    host: String,
    port: u16,
    target: String,
}

impl CallbackReceiver {
    fn read(url: &str) -> Result<Self, String> {
        let uri: http::Uri = url.parse().map_err(|error| format!("not sent: {error}"))?;
        if uri.scheme_str() != Some("http") {
            return Err(String::from("not sent: this mock calls back over http only, to receivers on this machine"));
        }
        let authority = uri.authority().ok_or("not sent: no host")?;
        Ok(Self {
            authority: authority.as_str().rsplit('@').next().unwrap_or_default().to_owned(),
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            target: uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned(),
        })
    }

    /// Sends one POST and returns the status of its response.
    async fn post(&self, body: &[u8]) -> io::Result<u16> {
        let mut addresses = tokio::net::lookup_host((self.host.as_str(), self.port)).await?;
        let here = addresses.find(|address| address.ip().is_loopback());
        let here = here.ok_or_else(|| io::Error::other("the receiver is not on this machine"))?;
        let stream = TokioIo::new(TcpStream::connect(here).await?);
        let (mut sender, connection) = http1::handshake(stream).await.map_err(io::Error::other)?;
        let request = Request::post(&self.target)
            .header(header::HOST, &self.authority)
            .header(header::USER_AGENT, concat!("seedream-mock/", env!("CARGO_PKG_VERSION")))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_LENGTH, body.len())
            .header(header::CONNECTION, "close")
            .body(Full::new(Bytes::copy_from_slice(body)))
            .map_err(io::Error::other)?;
        let mut response = pin!(sender.send_request(request));
        let response = tokio::select! {
            biased;
            response = &mut response => response,
            // The connection has handed over what there is.
            _ = connection => response.await,
        };
        response.map(|response| response.status().as_u16()).map_err(|error| match error {
            error if error.is_parse() || error.is_incomplete_message() || error.is_canceled() => {
                io::Error::new(io::ErrorKind::InvalidData, "the receiver does not respond with HTTP/1")
            }
            error => io::Error::other(error),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_are_read_from_their_urls() {
        let read = |url: &str| {
            CallbackReceiver::read(url).map(|it| format!("{} {} {} {}", it.authority, it.host, it.port, it.target))
        };
        assert_eq!(read("http://127.0.0.1:8080/hook?a=1").unwrap(), "127.0.0.1:8080 127.0.0.1 8080 /hook?a=1");
        assert_eq!(read("http://[::1]:9").unwrap(), "[::1]:9 ::1 9 /");
        assert_eq!(read("http://localhost/hook").unwrap(), "localhost localhost 80 /hook");
        assert!(read("https://example.com/hook").unwrap_err().starts_with("not sent"));
        assert!(read("hook").unwrap_err().starts_with("not sent"));
    }
}
