//! What a fault does: when it hits, how two of them combine, and how a test makes one.

use std::time::Duration;

use crate::faults::grammar::Fault;
use crate::faults::rate_counters::RateUsage;
use crate::faults::shape_words::{BodyFault, StreamFault, TaskFault};
use crate::faults::word_values::{
    BytePosition, ConnectionEnd, FaultTarget, ImageFault, Probability, RefusalCause, SseFault,
};

/// Constructors of the faults that tests need most. Each hits the requests that create images, unless [`Fault::on`] says
/// otherwise, and hits every one of them, unless [`Fault::times`] does.
impl Fault {
    /// An error with this status, in the provider's form.
    pub fn status(status: u16) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// The provider's own refusal for a cause, with its status, code and message.
    pub fn refuse(cause: RefusalCause) -> Self {
        Self { refuse: Some(cause), ..Self::default() }
    }

    /// A TCP reset at a byte of the response.
    pub fn reset(at: BytePosition) -> Self {
        Self { end: Some((ConnectionEnd::Reset, at)), ..Self::default() }
    }

    /// The end of the connection at a byte of the response.
    pub fn close(at: BytePosition) -> Self {
        Self { end: Some((ConnectionEnd::Close, at)), ..Self::default() }
    }

    /// A pause at a byte of the response: of this length on the mock's clock, or without an end.
    pub fn stall(at: BytePosition, time: Option<Duration>) -> Self {
        Self { stall: Some(at), stall_for: time, ..Self::default() }
    }

    /// A head that comes late, on the mock's clock.
    pub fn delay(time: Duration) -> Self {
        Self { delay: Some(time), ..Self::default() }
    }

    /// The HTML page of a gateway, with this status, in the place of the response.
    pub fn html(status: u16) -> Self {
        Self { html: Some(status), ..Self::default() }
    }

    /// Withholds the images at these places of a group, from 0.
    pub fn moderate(places: impl IntoIterator<Item = u32>) -> Self {
        Self { moderate: places.into_iter().collect(), ..Self::default() }
    }

    /// A task that goes wrong.
    pub fn task(fault: TaskFault) -> Self {
        Self { task: vec![fault], ..Self::default() }
    }

    /// A download of an image that goes wrong.
    pub fn image(fault: ImageFault) -> Self {
        Self { image: Some(fault), ..Self::default() }
    }

    /// Hits other requests than those that create images.
    #[must_use]
    pub fn on(self, target: FaultTarget) -> Self {
        Self { on: Some(target), ..self }
    }

    /// Hits only the first requests, this many.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Hits each request with a probability from 0 to 1. The decision depends on the seed, the session, the fault and the
    /// number of the request, so that equal runs decide equally.
    #[must_use]
    pub fn probability(self, probability: f64) -> Self {
        Self { chance: Some(Probability::new(probability)), ..self }
    }

    /// The code of the error, of the failed task or of the withheld image.
    #[must_use]
    pub fn code(self, code: impl Into<String>) -> Self {
        Self { code: Some(code.into()), ..self }
    }

    /// The message of the error.
    #[must_use]
    pub fn message(self, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..self }
    }

    /// The `retry-after` header: seconds or a date.
    #[must_use]
    pub fn retry_after(self, value: impl Into<String>) -> Self {
        Self { retry_after: Some(value.into()), ..self }
    }
}

impl Fault {
    /// Whether it does nothing at all.
    pub fn is_empty(&self) -> bool {
        // Nearly every fault is the default, and need not be copied.
        *self == Self::default() || self.clone().without_conditions() == Self::default()
    }

    /// The same without its conditions.
    fn without_conditions(self) -> Self {
        Self {
            on: None,
            times: None,
            chance: None,
            seed: None,
            rpm: None,
            ipm: None,
            concurrent: None,
            quota: None,
            ..self
        }
    }

    /// Its effect where it hits. A limit without another effect refuses as the provider does.
    pub(crate) fn effect(&self, usage: &RateUsage) -> Self {
        let effect = self.clone().without_conditions();
        let silent = effect
            == Self { retry_after: effect.retry_after.clone(), should_retry: effect.should_retry, ..Self::default() };
        let refuse = self.exceeded(usage).filter(|_| silent);
        Self { refuse: refuse.or(effect.refuse), ..effect }
    }

    /// Whether it is a rate limit.
    pub(crate) fn is_limit(&self) -> bool {
        self.rpm.is_some() || self.ipm.is_some() || self.concurrent.is_some() || self.quota.is_some()
    }

    /// The first of its limits that one request more would exceed, as the provider refuses it.
    pub(crate) fn exceeded(&self, usage: &RateUsage) -> Option<RefusalCause> {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let limits = [
            (self.rpm, count(usage.requests), RefusalCause::RequestRate),
            (self.ipm, usage.images, RefusalCause::RateLimited),
            (self.concurrent, count(usage.underway), RefusalCause::Concurrency),
            (self.quota, usage.total, RefusalCause::Quota),
        ];
        limits.into_iter().find_map(|(limit, used, refusal)| (used >= u64::from(limit?)).then_some(refusal))
    }

    /// Which requests it is about, where those of `default` are meant if it does not say.
    pub(crate) fn aim(&self, default: FaultTarget) -> FaultTarget {
        let own = if self.image.is_some() { FaultTarget::Image } else { default };
        self.on.unwrap_or(own)
    }

    /// Both; this one decides where both set a member.
    pub(crate) fn over(mut self, other: &Self) -> Self {
        let own: Vec<&str> = self.words().map(|word| word.entry.name).collect();
        // The two ways to end early are one.
        let ends = own.iter().any(|name| matches!(*name, "reset" | "close"));
        for word in other.words() {
            let name = word.entry.name;
            let is_end = matches!(name, "reset" | "close");
            let is_set = own.contains(&name) || (is_end && ends);
            if !is_set {
                // What a fault writes, a fault reads.
                drop((word.entry.read)(&mut self, &word.value));
            }
        }
        self
    }

    /// Whether the response is another one, so that no documented exchange may stand for it.
    pub(crate) fn changes_response(&self) -> bool {
        !self.moderate.is_empty()
            || self.fail.is_some()
            || !self.task.is_empty()
            || !self.sse.is_empty()
            || !self.stream.is_empty()
            || self.body.contains(&BodyFault::Sse)
            || self.pace.is_some()
            || self.image.is_some()
    }

    /// Whether it cuts a request off while its body is being read.
    pub(crate) fn cuts_request(&self) -> bool {
        matches!(self.end, Some((_, BytePosition::Request(_))))
    }

    /// Whether it is about the bytes of HTTP/1: where a connection ends, stalls or drips, and what its head says of the length.
    pub(crate) fn shapes_bytes(&self) -> bool {
        let ends = [
            ImageFault::Cut,
            ImageFault::CutLength,
            ImageFault::CutEnd,
            ImageFault::CloseEvery,
            ImageFault::CloseEveryUntagged,
        ];
        self.end.is_some()
            || self.stall.is_some()
            || self.drip.is_some()
            || self.length.is_some()
            || self.image.is_some_and(|fault| ends.contains(&fault))
    }

    /// Whether the file of a download has other bytes than its image.
    pub(crate) fn alters_file(&self) -> bool {
        let whole = [None, Some(ImageFault::CloseEvery), Some(ImageFault::CloseEveryUntagged)];
        !whole.contains(&self.image)
            || self.empty
            || self.garbage
            || self.oversize.is_some()
            || self.truncate.is_some()
            || self.broken_gzip
            || !self.coding.is_empty()
    }

    /// Whether a stream has this difference.
    pub(crate) fn streams(&self, difference: SseFault) -> bool {
        self.sse.contains(&difference)
    }

    /// Whether a stream has this flaw.
    pub(crate) fn flows(&self, flaw: &StreamFault) -> bool {
        self.stream.contains(flaw)
    }

    /// Whether a task has this fault.
    pub(crate) fn tasks(&self, way: &TaskFault) -> bool {
        self.task.contains(way)
    }

    /// Whether the body is shaped in this way.
    pub(crate) fn shapes(&self, shape: BodyFault) -> bool {
        self.body.contains(&shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constructors_say_what_their_texts_say() {
        let second = Duration::from_secs(1);
        for (fault, text) in [
            (Fault::status(429).times(1), "times=1 status=429"),
            (Fault::refuse(RefusalCause::Balance).on(FaultTarget::Any), "on=any refuse=balance"),
            (Fault::reset(BytePosition::Body(10)), "reset@body:10"),
            (Fault::close(BytePosition::Before), "close@before"),
            (Fault::stall(BytePosition::Head(12), Some(second)), "stall@head:12 for=1s"),
            (Fault::stall(BytePosition::Body(1), None), "stall@body:1"),
            (Fault::delay(second).probability(0.5), "p=0.5 delay=1s"),
            (Fault::html(502), "html=502"),
            (Fault::moderate([0, 2]).code("x"), "code=x moderate=0,2"),
            (Fault::task(TaskFault::Stuck), "task=stuck"),
            (Fault::image(ImageFault::Html).times(2), "times=2 image=html"),
            (Fault::status(503).message("m").retry_after("7"), "status=503 message=m retry-after=7"),
        ] {
            assert_eq!(fault.to_string(), text);
            assert_eq!(text.parse(), Ok(fault));
        }
    }
}
