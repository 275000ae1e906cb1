//! How far a task is.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use seedream_fixtures::CodeFacts;

use crate::faults::grammar::Fault;
use crate::faults::shape_words::TaskFault;
use crate::image::test_image::TestImage;
use crate::settings::TaskEnd;
use crate::time::later;

/// One accepted task.
#[derive(Debug, Clone)]
pub(crate) struct MockTask {
    pub(crate) id: Arc<str>,
    pub(crate) model: String,
    pub(crate) created: Timestamp,
    pub(crate) images: Vec<TestImage>,
    /// When it ends; `None` means never.
    pub(crate) end: Option<TaskEnd>,
    /// When it ends at the latest: a task with a callback may never be polled.
    pub(crate) deadline: Option<Timestamp>,
    /// Whether its progress goes back.
    pub(crate) backward: bool,
    /// The faults of its reports.
    pub(crate) faults: Vec<TaskFault>,
    /// Why it ends without images: a code and a sentence.
    pub(crate) failure: Option<(CodeFacts, String)>,
    /// Whether it was cancelled by hand.
    pub(crate) cancelled: bool,
    /// The faults of its polls and its downloads.
    pub(crate) later: Vec<Fault>,
    /// What its result URLs carry of that.
    pub(crate) image_faults: String,
    /// Whether its images are asked for as files rather than as URLs.
    pub(crate) inline: bool,
    /// How long it is expected to take, in seconds.
    pub(crate) estimate: u64,
    /// The credits of one image.
    pub(crate) credits: f64,
    /// For how many images credits were reserved.
    pub(crate) reserved: u32,
    /// How long its result URLs open.
    pub(crate) result_seconds: u64,
    /// The provider's id.
    pub(crate) provider: String,
    /// The URL of its callback, and the origin of the mock as its client reaches it.
    pub(crate) callback: Option<(String, String)>,
    /// How often it was asked for.
    pub(crate) polls: u32,
    /// The percentage that it was moved to by hand, which is its least progress.
    pub(crate) moved: u8,
    /// When it was first seen ended; result URLs count their day from here.
    pub(crate) ended: Option<Timestamp>,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskProgress {
    Pending,
    Processing(u8),
    /// Completed or failed.
    Ended(Timestamp),
}

impl MockTask {
    /// How far it is at its `polls`-th poll. It never goes back unless it is asked to.
    pub(crate) fn progress(&self, now: Timestamp) -> TaskProgress {
        match self.by_itself(now) {
            TaskProgress::Pending if self.moved > 0 => TaskProgress::Processing(self.moved),
            TaskProgress::Processing(percent) => TaskProgress::Processing(percent.max(self.moved)),
            progress => progress,
        }
    }

    fn by_itself(&self, now: Timestamp) -> TaskProgress {
        if let Some(at) = self.ended {
            return TaskProgress::Ended(at);
        }
        let Some(end) = self.end else {
            return if self.polls < 2 { TaskProgress::Pending } else { TaskProgress::Processing(50) };
        };
        if let Some(deadline) = self.ends_at().filter(|deadline| now >= *deadline) {
            return TaskProgress::Ended(deadline);
        }
        let progress = match end {
            TaskEnd::Polls(end) => {
                // Going back takes three polls before the last.
                let end = if self.backward { end.max(4) } else { end };
                by_polls(self.polls, end, now)
            }
            TaskEnd::Time(whole) => self.by_time(whole, now),
            TaskEnd::Hand => TaskProgress::Pending,
        };
        if self.backward { backward(progress, self.polls, end) } else { progress }
    }

    /// When it ends by itself, if it does. A time of its own comes before the deadline.
    pub(crate) fn ends_at(&self) -> Option<Timestamp> {
        match self.end? {
            TaskEnd::Polls(_) => self.ended.or(self.deadline),
            TaskEnd::Time(whole) => self.ended.or_else(|| Some(later(self.created, whole))),
            TaskEnd::Hand => self.ended,
        }
    }

    /// Ends it if its time has come, and says when that was.
    pub(crate) fn end_by(&mut self, now: Timestamp) -> Option<Timestamp> {
        if let TaskProgress::Ended(at) = self.progress(now) {
            self.ended = Some(at);
        }
        self.ended
    }

    fn by_time(&self, whole: Duration, now: Timestamp) -> TaskProgress {
        let end = later(self.created, whole);
        if now >= end {
            return TaskProgress::Ended(end);
        }
        let passed = now.duration_since(self.created).as_secs_f64() / whole.as_secs_f64();
        let percent = (passed * 100.0).clamp(0.0, 99.0) as u8;
        if percent < 10 { TaskProgress::Pending } else { TaskProgress::Processing(percent) }
    }
}

/// The way down: from two thirds over one third to pending, or what is left of the time.
fn backward(progress: TaskProgress, polls: u32, end: TaskEnd) -> TaskProgress {
    match (progress, end) {
        (TaskProgress::Ended(_), _) => progress,
        (TaskProgress::Processing(percent), TaskEnd::Time(_)) if percent > 90 => TaskProgress::Pending,
        (TaskProgress::Processing(percent), TaskEnd::Time(_)) => TaskProgress::Processing(100 - percent),
        (TaskProgress::Pending, TaskEnd::Time(_)) => TaskProgress::Processing(99),
        (_, TaskEnd::Polls(_) | TaskEnd::Hand) => match polls {
            0 | 1 => TaskProgress::Processing(66),
            2 => TaskProgress::Processing(33),
            _ => TaskProgress::Pending,
        },
    }
}

fn by_polls(polls: u32, end: u32, now: Timestamp) -> TaskProgress {
    if polls >= end {
        return TaskProgress::Ended(now);
    }
    let percent = u8::try_from(u64::from(polls) * 100 / u64::from(end)).unwrap_or(99);
    if polls < 2 && end > 2 { TaskProgress::Pending } else { TaskProgress::Processing(percent) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn task(end: Option<TaskEnd>) -> MockTask {
        let created = Timestamp::from_second(1_757_165_031).unwrap();
        MockTask {
            id: "".into(),
            model: String::new(),
            created,
            images: Vec::new(),
            end,
            deadline: None,
            backward: false,
            faults: Vec::new(),
            failure: None,
            cancelled: false,
            later: Vec::new(),
            image_faults: String::new(),
            inline: false,
            estimate: 0,
            credits: 1.0,
            reserved: 1,
            result_seconds: 0,
            provider: String::new(),
            callback: None,
            polls: 0,
            moved: 0,
            ended: None,
        }
    }

    fn percent(progress: TaskProgress) -> u8 {
        match progress {
            TaskProgress::Pending => 0,
            TaskProgress::Processing(percent) => percent,
            TaskProgress::Ended(_) => 100,
        }
    }

    #[test]
    fn three_polls_are_pending_processing_completed() {
        let mut task = task(Some(TaskEnd::Polls(3)));
        let now = task.created;
        let seen: Vec<u8> = (1..=3)
            .map(|poll| {
                task.polls = poll;
                percent(task.progress(now))
            })
            .collect();
        assert_eq!(seen, [0, 66, 100]);
    }

    #[test]
    fn stuck_tasks_never_end() {
        let mut task = task(None);
        task.polls = u32::MAX;
        assert_eq!(task.progress(Timestamp::MAX), TaskProgress::Processing(50));
    }

    #[test]
    fn a_backward_task_goes_back_and_still_ends() {
        let mut task = MockTask { backward: true, ..task(Some(TaskEnd::Polls(3))) };
        let now = task.created;
        let seen: Vec<u8> = (1..=4)
            .map(|poll| {
                task.polls = poll;
                percent(task.progress(now))
            })
            .collect();
        assert_eq!(seen, [66, 33, 0, 100]);
        task.end = Some(TaskEnd::Time(Duration::from_secs(10)));
        let seen: Vec<u8> =
            [0, 3, 6, 9, 10].map(|second| percent(task.progress(later(now, Duration::from_secs(second))))).to_vec();
        assert_eq!(seen, [99, 70, 40, 10, 100]);
    }

    proptest! {
        #[test]
        fn progress_never_goes_back(end in 1u32..20, seconds in 1u64..100, by_time: bool) {
            let end = if by_time { TaskEnd::Time(Duration::from_secs(seconds)) } else { TaskEnd::Polls(end) };
            let mut task = task(Some(end));
            let mut last = 0;
            for step in 0..120u64 {
                task.polls += 1;
                let now = percent(task.progress(later(task.created, Duration::from_secs(step))));
                prop_assert!(now >= last);
                last = now;
            }
            prop_assert_eq!(last, 100);
        }
    }
}
