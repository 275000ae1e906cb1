//! Delivers callbacks: attempts, timeouts and pauses, all on the mock's clock.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::endpoints::callbacks::{Callback, Delivery, RETRIES, TIMEOUT, is_delivered};
use crate::server::Shared;

/// The longest head of an answer that is looked at.
const LONGEST_HEAD: usize = 64 * 1024;

/// Sends what is due, until it is dropped.
pub(crate) async fn deliver(shared: Shared) {
    let mut rounds = JoinSet::new();
    loop {
        for callback in shared.engine.take_callbacks(|session| shared.now(session)) {
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
    let due = shared.engine.next_callbacks().into_iter().map(|(session, at)| {
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
        shared.engine.record_callback(clock.now(), &callback, attempt, outcome);
        shared.notifiers.journal.send_replace(());
    };
    let receiver = match CallbackReceiver::read(&callback.url) {
        Ok(receiver) => receiver,
        Err(reason) => return record(1, &Err(reason)),
    };
    let mut pauses = RETRIES.into_iter();
    for attempt in 1.. {
        if !shared.engine.wants(&callback) {
            return;
        }
        let outcome: Delivery = tokio::select! {
            outcome = receiver.post(&callback.body) => outcome.map_err(|error| format!("failed: {error}")),
            () = clock.sleep(TIMEOUT) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
        };
        record(attempt, &outcome);
        match pauses.next() {
            Some(pause) if !is_delivered(&outcome) => clock.sleep(pause).await,
            _ => return,
        }
    }
}

/// Who is called back: somebody on this machine, over HTTP.
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

    /// Sends one POST and reads the status of its answer.
    async fn post(&self, body: &[u8]) -> io::Result<u16> {
        let mut addresses = tokio::net::lookup_host((self.host.as_str(), self.port)).await?;
        let here = addresses.find(|address| address.ip().is_loopback());
        let here = here.ok_or_else(|| io::Error::other("the receiver is not on this machine"))?;
        let mut stream = TcpStream::connect(here).await?;
        let head = format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\nuser-agent: seedream-mock/{}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            self.target,
            self.authority,
            env!("CARGO_PKG_VERSION"),
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
        status(&mut stream).await
    }
}

/// The status in the first line of an answer.
async fn status(stream: &mut TcpStream) -> io::Result<u16> {
    let mut response = Vec::new();
    while !response.windows(2).any(|end| end == b"\r\n") && response.len() < LONGEST_HEAD {
        if stream.read_buf(&mut response).await? == 0 {
            break;
        }
    }
    let line = response.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let status = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("HTTP/1."));
    let status = status.and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the receiver does not speak HTTP/1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m13_receivers_are_read_from_their_urls() {
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
