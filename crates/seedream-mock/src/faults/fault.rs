//! Faults: what a test asks the mock to do wrong, in one grammar for every place where it can be asked.
//!
//! A [`Fault`] is written as words: `status=503 code=ServerOverloaded times=2`, several faults with `;` between them. The
//! same words are the members of its JSON form. [`faults`] lists all of them.

use std::time::Duration;

use crate::faults::rate::RateUsage;
use crate::faults::shapes::{BodyFault, CodingFault, ErrorFault, LengthFault, StreamFault, TaskFault, Truncation};
use crate::faults::words::{
    BytePosition, ByteRate, ConnectionEnd, FaultTarget, ImageFault, Probability, RefusalCause, SseFault,
};

/// One thing to do wrong, and when. The default does nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fault {
    /// Which requests; where absent, those that create pictures, or the pictures themselves for [`Fault::picture`]. A
    /// header without it means the request it stands on.
    pub on: Option<FaultTarget>,
    /// Only the first so many requests.
    pub times: Option<u32>,
    /// How likely it is each time. The decision hangs on the seed, the session, the fault and how often it was met.
    pub chance: Option<Probability>,
    /// What the decisions are made from; the mock's own seed where absent.
    pub seed: Option<u64>,
    /// Only what exceeds so many requests a minute, of one key and model.
    pub rpm: Option<u32>,
    /// Only what follows so many pictures within a minute, of one key and model.
    pub ipm: Option<u32>,
    /// Only what exceeds so many requests at a time, of one key and model; tasks that have not ended count.
    pub concurrent: Option<u32>,
    /// Only what follows so many pictures in all, of one key and model.
    pub quota: Option<u32>,
    /// The provider's own refusal.
    pub refuse: Option<RefusalCause>,
    /// An error with this status, in the provider's form.
    pub status: Option<u16>,
    /// The code of the error, of the failed task or of the withheld picture.
    pub code: Option<String>,
    /// The message of the error.
    pub message: Option<String>,
    /// The `retry-after` header: seconds or a date.
    pub retry_after: Option<String>,
    /// The `x-should-retry` header.
    pub should_retry: Option<bool>,
    /// How long the head waits.
    pub delay: Option<Duration>,
    /// How long each picture takes.
    pub pace: Option<Duration>,
    /// Where and how the connection ends early.
    pub end: Option<(ConnectionEnd, BytePosition)>,
    /// Where the answer stops.
    pub stall: Option<BytePosition>,
    /// How long it stops; for ever where absent.
    pub stall_for: Option<Duration>,
    /// How slowly the body comes.
    pub drip: Option<ByteRate>,
    /// A page of HTML with this status instead of the answer.
    pub html: Option<u16>,
    /// A redirect with this status instead of the answer.
    pub redirect: Option<u16>,
    /// Where the redirect leads; the same path where absent.
    pub to: Option<String>,
    /// The answer's status and headers without its body.
    pub empty: bool,
    /// A body that is not JSON under the name of JSON.
    pub garbage: bool,
    /// The content type that the head names.
    pub label: Option<String>,
    /// The body is filled up to at least this length, in bytes.
    pub oversize: Option<u64>,
    /// Where the body ends early, in order.
    pub truncate: Option<Truncation>,
    /// How its length is wrong.
    pub length: Option<LengthFault>,
    /// The body says that it is compressed and is not.
    pub broken_gzip: bool,
    /// How the body is packed, in this order.
    pub coding: Vec<CodingFault>,
    /// How the JSON of the response differs.
    pub body: Vec<BodyFault>,
    /// How the JSON of the error differs.
    pub error: Vec<ErrorFault>,
    /// The places of pictures that are withheld; the others follow.
    pub moderate: Vec<u32>,
    /// The place of the picture at which generation fails; none follow.
    pub fail: Option<u32>,
    /// How a task goes wrong, or is told otherwise.
    pub task: Vec<TaskFault>,
    /// How a stream differs.
    pub sse: Vec<SseFault>,
    /// How a stream is framed badly, miscounts, or does not end.
    pub stream: Vec<StreamFault>,
    /// How a picture's file is wrong.
    pub image: Option<ImageFault>,
}

impl Fault {
    /// Whether it does nothing at all.
    pub fn is_empty(&self) -> bool {
        // Nearly every fault is the default, and need not be copied.
        *self == Self::default() || self.clone().without_conditions() == Self::default()
    }

    /// What it does, without when.
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

    /// What it does where it hits. A limit that says nothing else refuses as the provider does.
    pub(crate) fn effect(&self, usage: &RateUsage) -> Self {
        let effect = self.clone().without_conditions();
        let silent = effect
            == Self { retry_after: effect.retry_after.clone(), should_retry: effect.should_retry, ..Self::default() };
        let refuse = self.exceeded(usage).filter(|_| silent);
        Self { refuse: refuse.or(effect.refuse), ..effect }
    }

    /// Whether it is about how much there is.
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

    /// Both, this one first where they disagree.
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

    /// Whether the answer is another one, so that no documented exchange may stand for it.
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

    /// Whether a task goes wrong, or is told, in this way.
    pub(crate) fn tasks(&self, way: &TaskFault) -> bool {
        self.task.contains(way)
    }

    /// Whether the body is shaped in this way.
    pub(crate) fn shapes(&self, shape: BodyFault) -> bool {
        self.body.contains(&shape)
    }
}
