//! Tasks: created by a request, advanced by polls or by time.

use std::time::Duration;

use jiff::Timestamp;
use seedream_fixtures::{Cause, Kind, Role};
use serde::Serialize;

use super::Engine;
use super::answer::Answer;
use super::ask::Ask;
use super::call::Call;
use super::digest;
use super::images_url::Place;
use super::items::places;
use super::members;
use super::problem::Fill;
use super::route::DEFAULT_SESSION;
use super::settings::TaskEnd;
use crate::clock::later;
use crate::fault::{Fault, TaskFault};
use crate::picture::Picture;

/// What every task's id starts with (document 002's example, and the published error for ids without it).
const PREFIX: &str = "task-unified-";

/// How many characters follow the time in an id.
const RANDOM: usize = 8;

/// One accepted task.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) created: Timestamp,
    pub(crate) pictures: Vec<Picture>,
    /// When it ends; `None` means never.
    pub(crate) end: Option<TaskEnd>,
    /// When it ends at the latest: nobody may poll a task that calls back.
    pub(crate) deadline: Option<Timestamp>,
    /// Whether its progress goes back.
    pub(crate) backward: bool,
    /// Why it ends without pictures: a code and a sentence.
    pub(crate) failure: Option<(String, String)>,
    /// What is to go wrong with its polls and its pictures.
    pub(crate) later: Vec<Fault>,
    /// What its result URLs carry of that.
    pub(crate) picture_faults: String,
    /// How long its result URLs open.
    pub(crate) result_seconds: u64,
    /// The provider's id.
    pub(crate) provider: String,
    /// Whom to tell when it ends, and what stands before a path of this mock for him.
    pub(crate) callback: Option<(String, String)>,
    /// How often it was asked for.
    pub(crate) polls: u32,
    /// When it was first seen ended; result URLs count their day from here.
    pub(crate) ended: Option<Timestamp>,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Pending,
    Processing(u8),
    /// Completed or failed.
    Ended(Timestamp),
}

impl Task {
    /// How far it is at its `polls`-th poll. It never goes back unless it is asked to.
    pub(crate) fn progress(&self, now: Timestamp) -> Progress {
        if let Some(at) = self.ended {
            return Progress::Ended(at);
        }
        let Some(end) = self.end else {
            return if self.polls < 2 { Progress::Pending } else { Progress::Processing(50) };
        };
        if let Some(deadline) = self.ends_at().filter(|deadline| now >= *deadline) {
            return Progress::Ended(deadline);
        }
        let progress = match end {
            TaskEnd::Polls(end) => {
                // Going back takes three polls before the last.
                let end = if self.backward { end.max(4) } else { end };
                by_polls(self.polls, end, now)
            }
            TaskEnd::Time(whole) => self.by_time(whole, now),
        };
        if self.backward { backward(progress, self.polls, end) } else { progress }
    }

    /// When it ends by itself, if it does. A time of its own comes before the deadline.
    pub(crate) fn ends_at(&self) -> Option<Timestamp> {
        match self.end? {
            TaskEnd::Polls(_) => self.ended.or(self.deadline),
            TaskEnd::Time(whole) => self.ended.or_else(|| Some(later(self.created, whole))),
        }
    }

    /// Ends it if its time has come, and says when that was.
    pub(crate) fn end_by(&mut self, now: Timestamp) -> Option<Timestamp> {
        if let Progress::Ended(at) = self.progress(now) {
            self.ended = Some(at);
        }
        self.ended
    }

    fn by_time(&self, whole: Duration, now: Timestamp) -> Progress {
        let end = later(self.created, whole);
        if now >= end {
            return Progress::Ended(end);
        }
        let passed = now.duration_since(self.created).as_secs_f64() / whole.as_secs_f64();
        let percent = (passed * 100.0).clamp(0.0, 99.0) as u8;
        if percent < 10 { Progress::Pending } else { Progress::Processing(percent) }
    }
}

/// The way down: from two thirds over one third to pending, or what is left of the time.
fn backward(progress: Progress, polls: u32, end: TaskEnd) -> Progress {
    match (progress, end) {
        (Progress::Ended(_), _) => progress,
        (Progress::Processing(percent), TaskEnd::Time(_)) if percent > 90 => Progress::Pending,
        (Progress::Processing(percent), TaskEnd::Time(_)) => Progress::Processing(100 - percent),
        (Progress::Pending, TaskEnd::Time(_)) => Progress::Processing(99),
        (_, TaskEnd::Polls(_)) => match polls {
            0 | 1 => Progress::Processing(66),
            2 => Progress::Processing(33),
            _ => Progress::Pending,
        },
    }
}

fn by_polls(polls: u32, end: u32, now: Timestamp) -> Progress {
    if polls >= end {
        return Progress::Ended(now);
    }
    let percent = u8::try_from(u64::from(polls) * 100 / u64::from(end)).unwrap_or(99);
    if polls < 2 && end > 2 { Progress::Pending } else { Progress::Processing(percent) }
}

/// A new id; it carries its session, because pollers send no header.
pub(crate) fn new_id(now: Timestamp, session: &str, seed: u64, ordinal: u64) -> String {
    let random = digest::number(&[b"task", &seed.to_be_bytes(), &ordinal.to_be_bytes()]);
    let digit = |n: usize| char::from_digit((random >> (5 * n) & 31) as u32, 32).unwrap_or('0');
    let random: String = (0..RANDOM).map(digit).collect();
    let tail = if session == DEFAULT_SESSION { String::new() } else { format!("-{session}") };
    format!("{PREFIX}{}-{random}{tail}", now.as_second())
}

/// The session an id carries.
pub(crate) fn session_of(id: &str) -> Option<&str> {
    let rest = id.strip_prefix(PREFIX)?;
    let (_, random_and_session) = rest.split_once('-')?;
    let session = random_and_session.get(RANDOM..)?.strip_prefix('-')?;
    super::route::is_session(session).then_some(session)
}

#[derive(Serialize)]
struct Created<'a> {
    created: i64,
    id: &'a str,
    model: &'a str,
    object: &'static str,
    progress: u8,
    status: &'static str,
    task_info: CreatedInfo,
    r#type: &'static str,
    usage: Reserved,
}

#[derive(Serialize)]
struct CreatedInfo {
    can_cancel: bool,
    estimated_time: u64,
}

#[derive(Serialize)]
struct Reserved {
    billing_rule: &'static str,
    credits_reserved: f64,
    user_group: &'static str,
}

#[derive(Serialize)]
struct Detail<'a> {
    created: i64,
    id: &'a str,
    model: &'a str,
    object: &'static str,
    progress: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<Vec<String>>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<TaskError<'a>>,
    task_info: DetailInfo,
    r#type: &'static str,
}

#[derive(Serialize)]
struct TaskError<'a> {
    code: &'a str,
    message: &'a str,
    r#type: &'static str,
}

#[derive(Serialize)]
struct DetailInfo {
    can_cancel: bool,
}

const OBJECT: &str = "image.generation.task";

/// Accepts a task.
pub(crate) fn create(call: &Call<'_>, ask: &Ask<'_>) -> Answer {
    let task = accept(call, ask, &ask.reported);
    let each = ask.model.and_then(|model| model.credits).unwrap_or(1.0);
    let settings = call.engine.settings();
    let body = Created {
        created: call.now.as_second(),
        id: &task,
        model: &ask.reported,
        object: OBJECT,
        progress: 0,
        status: "pending",
        task_info: CreatedInfo { can_cancel: true, estimated_time: settings.estimated_seconds },
        r#type: "image",
        usage: Reserved {
            billing_rule: "per_call",
            // Rounded, so that three times 1.8 is 5.4 and not one bit more.
            credits_reserved: (each * f64::from(ask.reserved) * 1e4).round() / 1e4,
            user_group: "default",
        },
    };
    let mut answer = Answer::value(200, &body);
    answer.billed = delivered(call, ask);
    answer
}

/// How many pictures a task will deliver.
fn delivered(call: &Call<'_>, ask: &Ask<'_>) -> u32 {
    if call.fault.task == Some(TaskFault::Failed) {
        return 0;
    }
    let made = places(ask.images, &call.fault).into_iter().filter(Option::is_none).count();
    u32::try_from(made).unwrap_or(u32::MAX)
}

/// Keeps a new task and returns its id.
pub(crate) fn accept(call: &Call<'_>, ask: &Ask<'_>, model: &str) -> String {
    let settings = call.engine.settings();
    let id = new_id(call.now, &call.session, settings.seed, call.ordinal);
    let mut pictures = ask.pictures(settings.seed);
    // Fewer results than ordered is how this dialect says that some failed.
    pictures.truncate(delivered(call, ask) as usize);
    let callback = callback_url(call).map(|url| (url.to_owned(), call.origin.clone()));
    let deadline = callback.as_ref().map(|_| later(call.now, Duration::from_secs(settings.estimated_seconds)));
    let task = Task {
        id: id.clone(),
        model: model.to_owned(),
        created: call.now,
        failure: pictures.is_empty().then(|| failure(&call.fault)),
        pictures,
        end: (call.fault.task != Some(TaskFault::Stuck)).then_some(settings.task),
        deadline,
        backward: call.fault.task == Some(TaskFault::Backward),
        later: call.later.clone(),
        picture_faults: call.picture_faults(),
        result_seconds: call.provider.limits.result_seconds,
        provider: call.provider.id.clone(),
        callback,
        polls: 0,
        ended: None,
    };
    call.engine.sessions().with(&call.session, call.now, |session| session.keep_task(task));
    id
}

/// Whom a request wants to be called back.
fn callback_url<'c>(call: &'c Call<'_>) -> Option<&'c str> {
    members::text(call.object()?, &call.provider.field(Role::Callback)?.name)
}

/// Why a task ends without pictures (providers.md 2.6).
fn failure(fault: &Fault) -> (String, String) {
    let code = if fault.fail.is_some() { "service_error" } else { "content_policy_violation" };
    let code = fault.code.clone().unwrap_or_else(|| String::from(code));
    let published = "Content policy violation.\nYour request was blocked by safety filters...";
    let message = match code.as_str() {
        "content_policy_violation" => String::from(published),
        other => format!("The task failed: {}.", other.replace('_', " ")),
    };
    (code, fault.message.clone().unwrap_or(message))
}

/// Answers a poll.
pub(crate) fn poll(call: &Call<'_>, id: &str) -> Answer {
    if !id.starts_with(PREFIX) {
        return call.problem(Cause::TaskIdInvalid, &Fill::default()).into();
    }
    let polled = call.engine.sessions().with(&call.session, call.now, |session| {
        let task = session.task(id)?;
        // A stuck task is stuck for its own key only in that it never ends; polls are still counted.
        task.polls = task.polls.saturating_add(1);
        let progress = task.progress(call.now);
        if let Progress::Ended(at) = progress {
            task.ended = Some(at);
        }
        Some((task.clone(), progress))
    });
    match polled {
        Some((task, progress)) => {
            let body = detail(call.engine, &call.origin, &call.session, &task, progress);
            Answer { evidence: Kind::Derived, ..Answer::json(200, body) }
        }
        None => call.problem(Cause::TaskNotFound, &Fill::default()).into(),
    }
}

/// A task as it is told to who asks, or to who is called back.
pub(crate) fn detail(engine: &Engine, origin: &str, session: &str, task: &Task, progress: Progress) -> Vec<u8> {
    let (status, percent, results, error) = match (progress, &task.failure) {
        (Progress::Pending, _) => ("pending", 0, None, None),
        (Progress::Processing(percent), _) => ("processing", percent, None, None),
        (Progress::Ended(_), Some((code, message))) => {
            ("failed", 0, None, Some(TaskError { code, message, r#type: "task_error" }))
        }
        (Progress::Ended(at), None) => {
            let place = Place { origin, session, faults: &task.picture_faults };
            let url = |picture| engine.signer().url(&place, picture, at, task.result_seconds);
            ("completed", 100, Some(task.pictures.iter().map(url).collect()), None)
        }
    };
    let body = Detail {
        created: task.created.as_second(),
        id: &task.id,
        model: &task.model,
        object: OBJECT,
        progress: percent,
        results,
        status,
        error,
        task_info: DetailInfo { can_cancel: matches!(status, "pending" | "processing") },
        r#type: "image",
    };
    // Structs of texts and numbers always serialise.
    serde_json::to_vec(&body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn task(end: Option<TaskEnd>) -> Task {
        let created = Timestamp::from_second(1_757_165_031).unwrap();
        Task {
            id: String::new(),
            model: String::new(),
            created,
            pictures: Vec::new(),
            end,
            deadline: None,
            backward: false,
            failure: None,
            later: Vec::new(),
            picture_faults: String::new(),
            result_seconds: 0,
            provider: String::new(),
            callback: None,
            polls: 0,
            ended: None,
        }
    }

    fn percent(progress: Progress) -> u8 {
        match progress {
            Progress::Pending => 0,
            Progress::Processing(percent) => percent,
            Progress::Ended(_) => 100,
        }
    }

    #[test]
    fn m12_ids_carry_their_session() {
        let now = Timestamp::from_second(1_757_165_031).unwrap();
        let id = new_id(now, "blue-2", 0, 7);
        assert!(id.starts_with("task-unified-1757165031-") && id.ends_with("-blue-2"), "{id}");
        assert_eq!(session_of(&id), Some("blue-2"));
        let id = new_id(now, DEFAULT_SESSION, 0, 7);
        assert_eq!(id.len(), "task-unified-1757165031-".len() + RANDOM);
        assert_eq!(session_of(&id), None);
        assert_eq!(session_of("task-unified-1757165031-seedream4d"), None);
    }

    #[test]
    fn m12_three_polls_are_pending_processing_completed() {
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
    fn m12_stuck_tasks_never_end() {
        let mut task = task(None);
        task.polls = u32::MAX;
        assert_eq!(task.progress(Timestamp::MAX), Progress::Processing(50));
    }

    #[test]
    fn m16_a_backward_task_goes_back_and_still_ends() {
        let mut task = Task { backward: true, ..task(Some(TaskEnd::Polls(3))) };
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
        fn m12_progress_never_goes_back(end in 1u32..20, seconds in 1u64..100, by_time: bool) {
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
