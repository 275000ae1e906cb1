//! A connection: ours, so that a response can be a reset, stop at a byte, or drip. A plain server only ever says goodbye
//! in order.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[cfg(feature = "record")]
use crate::faults::word_values::BytePosition;
use crate::faults::word_values::ConnectionEnd;
use crate::server::byte_schedule::{ByteSchedule, WriteStep};
use crate::server::connection_watch::ConnectionWatch;
use crate::server::transport::Transport;
use crate::state::clock::Clock;

/// What a handler wants of the bytes of its response. Clones are of the same connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnectionSchedule(Arc<PlannedSchedule>);

#[derive(Debug, Default)]
struct PlannedSchedule {
    /// Whether there may be one: nearly no response has one, and every write asks for it.
    is_planned: AtomicBool,
    active: Mutex<Option<ActiveSchedule>>,
}

/// What is to be done with a response's bytes, and the clock that this goes by.
#[derive(Debug)]
struct ActiveSchedule {
    schedule: ByteSchedule,
    clock: Clock,
}

impl ConnectionSchedule {
    /// What holds for the response that is about to be written.
    pub(crate) fn plan(&self, schedule: Option<ByteSchedule>, clock: Clock) {
        let PlannedSchedule { is_planned, active } = &*self.0;
        if schedule.is_some() || is_planned.load(Ordering::Acquire) {
            let mut active = active.lock().unwrap_or_else(PoisonError::into_inner);
            is_planned.store(schedule.is_some(), Ordering::Release);
            *active = schedule.map(|schedule| ActiveSchedule { schedule, clock });
        }
    }

    /// Ends the response that is being written at a place.
    #[cfg(feature = "record")]
    pub(crate) fn end_at(&self, ending: ConnectionEnd, place: BytePosition) {
        self.planned(|plan| plan.schedule.end_at(ending, place));
    }

    /// Works with what is planned, if anything is.
    fn planned<T>(&self, work: impl FnOnce(&mut ActiveSchedule) -> T) -> Option<T> {
        if !self.0.is_planned.load(Ordering::Acquire) {
            return None;
        }
        self.0.active.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(work)
    }
}

/// One connection.
pub(crate) struct FaultySocket {
    stream: Transport,
    caller: ConnectionSchedule,
    watch: ConnectionWatch,
    /// What a stall or a drip waits for.
    pause: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl FaultySocket {
    pub(crate) fn new(stream: Transport, caller: ConnectionSchedule, watch: ConnectionWatch) -> Self {
        // Small events of a stream must not wait for each other; a socket that refuses still works.
        drop(stream.tcp().set_nodelay(true));
        Self { stream, caller, watch, pause: None }
    }

    /// How many of these bytes may be written now; `None` where the response has no schedule.
    fn allowed(
        &mut self,
        cx: &mut Context<'_>,
        step: impl Fn(&ByteSchedule) -> WriteStep,
    ) -> Poll<io::Result<Option<usize>>> {
        loop {
            let planned = self.caller.planned(|plan| (step(&plan.schedule), plan.clock.clone()));
            let Some((step, clock)) = planned else { return Poll::Ready(Ok(None)) };
            match step {
                WriteStep::Write(bytes) => return Poll::Ready(Ok(Some(bytes))),
                WriteStep::End(ending) => return Poll::Ready(Err(self.end(cx, ending))),
                WriteStep::Wait(time) => {
                    let pause = self.pause.get_or_insert_with(|| Box::pin(wait(clock, time)));
                    ready!(pause.as_mut().poll(cx));
                    self.pause = None;
                    self.caller.planned(|plan| plan.schedule.waited());
                }
            }
        }
    }

    /// Ends the connection: the error makes the server drop it. With zero linger the close that follows sends RST.
    fn end(&mut self, cx: &mut Context<'_>, ending: ConnectionEnd) -> io::Error {
        match ending {
            ConnectionEnd::Reset => match self.stream.tcp().set_zero_linger() {
                Ok(()) => io::ErrorKind::ConnectionReset.into(),
                Err(error) => error,
            },
            ConnectionEnd::Close => {
                // A socket that is gone already is closed as well.
                drop(Pin::new(&mut self.stream).poll_shutdown(cx));
                io::ErrorKind::BrokenPipe.into()
            }
        }
    }

    fn write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let allowed = ready!(self.allowed(cx, |schedule| schedule.step(bytes)))?.unwrap_or(bytes.len());
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &bytes[..allowed]))?;
        self.caller.planned(|plan| plan.schedule.wrote(&bytes[..written]));
        Poll::Ready(Ok(written))
    }
}

/// Without a time, the wait lasts until the end of the clock's time, so that it counts as a waiter of the clock.
async fn wait(clock: Clock, time: Option<Duration>) {
    match time {
        Some(time) => clock.sleep(time).await,
        None => clock.sleep_until(Timestamp::MAX).await,
    }
}

impl AsyncRead for FaultySocket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.watch.received();
        }
        read
    }
}

impl AsyncWrite for FaultySocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.caller.planned(|_| ()).is_none() {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        }
        let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
        self.write(cx, first)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // What is due after the last byte of all is never followed by a write.
        ready!(self.allowed(cx, |schedule| schedule.due().unwrap_or(WriteStep::Write(0))))?;
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.watch.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ending = match self.caller.planned(|plan| plan.schedule.due()) {
            Some(Some(WriteStep::End(ending))) => ending,
            _ => ConnectionEnd::Close,
        };
        if ending == ConnectionEnd::Reset {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
