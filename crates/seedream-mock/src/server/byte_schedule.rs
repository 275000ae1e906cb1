//! Where the bytes of a response stop, end, or slow down. Counts bytes and knows no socket.

use std::time::Duration;

use crate::faults::word_values::{BytePosition, ByteRate, ConnectionEnd};
use crate::response::script::{Script, ScriptEnd};

/// What ends a head.
const HEAD_END: &[u8; 4] = b"\r\n\r\n";

/// What is to be done with a response's bytes, and how far they are.
#[derive(Debug)]
pub(crate) struct ByteSchedule {
    end: Option<(ConnectionEnd, BytePosition)>,
    stall: Option<(BytePosition, Option<Duration>)>,
    drip: Option<ByteRate>,
    /// The bytes of the head so far.
    head: u64,
    /// How much of [`HEAD_END`] stands at the end of them.
    matched: usize,
    /// The bytes of the body so far, once the head is complete.
    body: Option<u64>,
    /// The bytes of the body since the last drop.
    dropped: u32,
}

/// The next thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteStep {
    /// Write so many bytes.
    Write(usize),
    /// Wait; without a time for ever.
    Wait(Option<Duration>),
    /// End the connection.
    End(ConnectionEnd),
}

impl ByteSchedule {
    /// What a script wants, unless it wants nothing but to be sent.
    pub(crate) fn of(script: &Script) -> Option<Self> {
        let end = match script.end {
            ScriptEnd::Complete => None,
            ScriptEnd::Reset => Some((ConnectionEnd::Reset, BytePosition::Before)),
            ScriptEnd::Cut(ending, place) => Some((ending, place)),
        };
        let wanted = end.is_some() || script.stall.is_some() || script.drip.is_some();
        wanted.then(|| Self::new(end, script.stall, script.drip))
    }

    fn new(
        end: Option<(ConnectionEnd, BytePosition)>,
        stall: Option<(BytePosition, Option<Duration>)>,
        drip: Option<ByteRate>,
    ) -> Self {
        Self { end, stall, drip, head: 0, matched: 0, body: None, dropped: 0 }
    }

    /// A body that ends, in the order of TCP, before the head said it would.
    pub(crate) fn closing_after(bytes: u64) -> Self {
        Self::new(Some((ConnectionEnd::Close, BytePosition::Body(bytes))), None, None)
    }

    /// A response whose end is still unknown.
    #[cfg(feature = "record")]
    pub(crate) fn open() -> Self {
        Self::new(None, None, None)
    }

    /// Ends the connection at a place that is not written yet.
    #[cfg(feature = "record")]
    pub(crate) fn end_at(&mut self, ending: ConnectionEnd, place: BytePosition) {
        self.end = Some((ending, place));
    }

    /// What to do with the next bytes.
    pub(crate) fn step(&self, bytes: &[u8]) -> WriteStep {
        if let Some(step) = self.due() {
            return step;
        }
        let mut limit = bytes.len();
        for place in [self.stall.map(|(place, _)| place), self.end.map(|(_, place)| place)].into_iter().flatten() {
            limit = self.until(place, bytes).map_or(limit, |until| limit.min(until));
        }
        if let Some(drip) = self.drip {
            if self.body.is_some() {
                let left = drip.bytes.saturating_sub(self.dropped) as usize;
                if left == 0 {
                    return WriteStep::Wait(Some(drip.every));
                }
                limit = limit.min(left);
            } else if let Some(end) = self.head_end(bytes) {
                limit = limit.min(end);
            }
        }
        WriteStep::Write(limit)
    }

    /// What is to be done before anything else is written.
    pub(crate) fn due(&self) -> Option<WriteStep> {
        if let Some((_, time)) = self.stall.filter(|(place, _)| self.is_at(*place)) {
            return Some(WriteStep::Wait(time));
        }
        self.end.filter(|(_, place)| self.is_at(*place)).map(|(ending, _)| WriteStep::End(ending))
    }

    /// These bytes are written.
    pub(crate) fn wrote(&mut self, bytes: &[u8]) {
        let in_head = if self.body.is_some() { 0 } else { self.head_end(bytes).unwrap_or(bytes.len()) };
        for byte in &bytes[..in_head] {
            self.matched = self.matching(self.matched, *byte);
        }
        self.head += in_head as u64;
        if self.matched == HEAD_END.len() {
            let rest = bytes.len() - in_head;
            self.body = Some(self.body.unwrap_or_default() + rest as u64);
            self.dropped = self.dropped.saturating_add(u32::try_from(rest).unwrap_or(u32::MAX));
        }
    }

    /// The wait is over.
    pub(crate) fn waited(&mut self) {
        if self.stall.is_some_and(|(place, _)| self.is_at(place)) {
            self.stall = None;
        } else {
            self.dropped = 0;
        }
    }

    fn is_at(&self, place: BytePosition) -> bool {
        match place {
            BytePosition::Before | BytePosition::Request(_) => self.head == 0,
            BytePosition::Head(byte) => self.body.is_none() && self.head == byte,
            BytePosition::Body(byte) => self.body == Some(byte),
        }
    }

    /// How many of the next bytes come before a place; `None` where it is not among them.
    fn until(&self, place: BytePosition, bytes: &[u8]) -> Option<usize> {
        let until = match (place, self.body) {
            (BytePosition::Before | BytePosition::Request(_) | BytePosition::Head(_), Some(_)) => return None,
            (BytePosition::Before | BytePosition::Request(_), None) => 0,
            (BytePosition::Head(byte), None) => byte.checked_sub(self.head)?,
            (BytePosition::Body(byte), Some(body)) => byte.checked_sub(body)?,
            (BytePosition::Body(byte), None) => (self.head_end(bytes)? as u64).checked_add(byte)?,
        };
        usize::try_from(until).ok().filter(|until| *until <= bytes.len())
    }

    /// Where the head ends among the next bytes.
    fn head_end(&self, bytes: &[u8]) -> Option<usize> {
        let mut matched = self.matched;
        bytes
            .iter()
            .position(|byte| {
                matched = self.matching(matched, *byte);
                matched == HEAD_END.len()
            })
            .map(|last| last + 1)
    }

    fn matching(&self, matched: usize, byte: u8) -> usize {
        match byte {
            _ if HEAD_END.get(matched) == Some(&byte) => matched + 1,
            b'\r' => 1,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nserver: mock\r\n\r\nthe body of it";
    const HEAD: usize = ANSWER.len() - 14;

    /// Everything that is written, and the steps in between, where writes come in pieces of some length.
    fn play(mut schedule: ByteSchedule, piece: usize) -> (Vec<u8>, Vec<WriteStep>) {
        let (mut written, mut steps) = (Vec::new(), Vec::new());
        while written.len() < ANSWER.len() {
            let rest = &ANSWER[written.len()..];
            match schedule.step(&rest[..rest.len().min(piece)]) {
                WriteStep::Write(0) => panic!("no progress"),
                WriteStep::Write(count) => {
                    schedule.wrote(&rest[..count]);
                    written.extend_from_slice(&rest[..count]);
                }
                WriteStep::End(ending) => {
                    steps.push(WriteStep::End(ending));
                    return (written, steps);
                }
                wait @ WriteStep::Wait(_) => {
                    steps.push(wait);
                    schedule.waited();
                }
            }
        }
        steps.extend(schedule.due());
        (written, steps)
    }

    proptest! {
        #[test]
        fn a_response_ends_at_its_byte_however_it_is_written(at in 0..=ANSWER.len(), piece in 1usize..64) {
            let place = if at < HEAD { BytePosition::Head(at as u64) } else { BytePosition::Body((at - HEAD) as u64) };
            let (written, steps) = play(ByteSchedule::new(Some((ConnectionEnd::Reset, place)), None, None), piece);
            prop_assert_eq!(written.len(), at);
            prop_assert_eq!(steps, vec![WriteStep::End(ConnectionEnd::Reset)]);
        }

        #[test]
        fn a_response_stalls_once_and_continues(at in 0..=HEAD + 13, piece in 1usize..64) {
            let place = if at < HEAD { BytePosition::Head(at as u64) } else { BytePosition::Body((at - HEAD) as u64) };
            let (written, steps) = play(ByteSchedule::new(None, Some((place, None)), None), piece);
            prop_assert_eq!(&written, ANSWER);
            prop_assert_eq!(steps, vec![WriteStep::Wait(None)]);
        }

        #[test]
        fn a_body_drips(bytes in 1u32..20, piece in 1usize..64) {
            let every = Duration::from_millis(7);
            let (written, steps) = play(ByteSchedule::new(None, None, Some(ByteRate { bytes, every })), piece);
            prop_assert_eq!(&written, ANSWER);
            prop_assert_eq!(steps.len(), 14usize.div_ceil(bytes as usize) - 1);
        }
    }

    #[test]
    fn places_that_do_not_come_change_nothing() {
        for place in [BytePosition::Head(1000), BytePosition::Body(1000)] {
            let (written, steps) = play(ByteSchedule::new(Some((ConnectionEnd::Close, place)), None, None), 10);
            assert_eq!((written.as_slice(), steps.len()), (ANSWER, 0));
        }
        let (written, steps) =
            play(ByteSchedule::new(Some((ConnectionEnd::Close, BytePosition::Before)), None, None), 10);
        assert_eq!((written.len(), steps.len()), (0, 1));
    }
}
