//! Tasks: created by a request, advanced by polls or by time.

use std::time::Duration;

use jiff::Timestamp;
use seedream_fixtures::{Cause, Kind};
use serde::Serialize;

use super::answer::Answer;
use super::ask::Ask;
use super::auth::Behaviour;
use super::call::Call;
use super::digest;
use super::problem::Fill;
use super::route::DEFAULT_SESSION;
use super::settings::TaskEnd;
use crate::clock::later;
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
    /// How often it was asked for.
    pub(crate) polls: u32,
    /// When it was first seen completed; result URLs count their day from here.
    pub(crate) completed: Option<Timestamp>,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Pending,
    Processing(u8),
    Completed(Timestamp),
}

impl Task {
    /// How far it is at its `polls`-th poll. It never goes back.
    fn progress(&self, now: Timestamp) -> Progress {
        if let Some(at) = self.completed {
            return Progress::Completed(at);
        }
        match self.end {
            None if self.polls < 2 => Progress::Pending,
            None => Progress::Processing(50),
            Some(TaskEnd::Polls(end)) => by_polls(self.polls, end, now),
            Some(TaskEnd::Time(whole)) => self.by_time(whole, now),
        }
    }

    fn by_time(&self, whole: Duration, now: Timestamp) -> Progress {
        let end = later(self.created, whole);
        if now >= end {
            return Progress::Completed(end);
        }
        let passed = now.duration_since(self.created).as_secs_f64() / whole.as_secs_f64();
        let percent = (passed * 100.0).clamp(0.0, 99.0) as u8;
        if percent < 10 { Progress::Pending } else { Progress::Processing(percent) }
    }
}

fn by_polls(polls: u32, end: u32, now: Timestamp) -> Progress {
    if polls >= end {
        return Progress::Completed(now);
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
    task_info: DetailInfo,
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

/// How many pictures a task will deliver; the key that withholds one is told from here.
fn delivered(call: &Call<'_>, ask: &Ask<'_>) -> u32 {
    let withheld = u32::from(call.behaviour == Behaviour::Partial && ask.images > 1);
    ask.images - withheld
}

/// Keeps a new task and returns its id.
pub(crate) fn accept(call: &Call<'_>, ask: &Ask<'_>, model: &str) -> String {
    let settings = call.engine.settings();
    let id = new_id(call.now, &call.session, settings.seed, call.ordinal);
    let mut pictures = ask.pictures(settings.seed);
    // Fewer results than ordered is how this dialect says that some failed.
    pictures.truncate(delivered(call, ask) as usize);
    let task = Task {
        id: id.clone(),
        model: model.to_owned(),
        created: call.now,
        pictures,
        end: (call.behaviour != Behaviour::Stuck).then_some(settings.task),
        polls: 0,
        completed: None,
    };
    call.engine.sessions().with(&call.session, call.now, |session| session.keep_task(task));
    id
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
        if let Progress::Completed(at) = progress {
            task.completed = Some(at);
        }
        Some((task.clone(), progress))
    });
    match polled {
        Some((task, progress)) => detail(call, &task, progress),
        None => call.problem(Cause::TaskNotFound, &Fill::default()).into(),
    }
}

fn detail(call: &Call<'_>, task: &Task, progress: Progress) -> Answer {
    let (status, percent, results) = match progress {
        Progress::Pending => ("pending", 0, None),
        Progress::Processing(percent) => ("processing", percent, None),
        Progress::Completed(at) => {
            let urls = task.pictures.iter().map(|picture| call.url_at(picture, at));
            ("completed", 100, Some(urls.collect()))
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
        task_info: DetailInfo { can_cancel: percent < 100 },
        r#type: "image",
    };
    Answer { evidence: Kind::Derived, ..Answer::value(200, &body) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn task(end: Option<TaskEnd>) -> Task {
        let created = Timestamp::from_second(1_757_165_031).unwrap();
        let (id, model) = (String::new(), String::new());
        Task { id, model, created, pictures: Vec::new(), end, polls: 0, completed: None }
    }

    fn percent(progress: Progress) -> u8 {
        match progress {
            Progress::Pending => 0,
            Progress::Processing(percent) => percent,
            Progress::Completed(_) => 100,
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
