//! The moments at which a worker is killed.

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};

/// How a line is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Synchronous,
    Stream,
    Task,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Synchronous, Self::Stream, Self::Task];
}

macro_rules! points {
    ($($name:ident $text:literal $kinds:ident,)*) => {
        /// A moment in the life of a line.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub(crate) enum Point { $($name),* }

        impl Point {
            pub(crate) const ALL: &[Self] = &[$(Self::$name),*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// Whether a line of this kind comes by it.
            pub(crate) fn is_of(self, kind: Kind) -> bool {
                match self { $(Self::$name => $kinds(kind)),* }
            }
        }
    };
}

const fn every(_: Kind) -> bool {
    true
}

fn task(kind: Kind) -> bool {
    kind == Kind::Task
}

fn stream(kind: Kind) -> bool {
    kind == Kind::Stream
}

points! {
    Planned "the line is planned" every,
    Taken "the line is reserved" every,
    IntentCommits "COMMIT of the intent begins" every,
    IntentCommitted "COMMIT of the intent succeeded" every,
    IntentRecorded "the intent is on record" every,
    PostBegins "the POST is handed to the transport" every,
    PostAnswered "the provider has answered the POST" every,
    BodyBegins "the head of the response was read" every,
    BodyArrives "a part of the response has arrived" every,
    FirstImageArrived "an event with an image was read" stream,
    FirstImageRecorded "the first image of a stream is on record" stream,
    TaskArrived "the acceptance was read" task,
    TaskCommits "COMMIT of the acceptance begins" task,
    TaskCommitted "COMMIT of the acceptance succeeded" task,
    TaskRecorded "the acceptance is on record" task,
    PollBegins "a poll is handed to the transport" task,
    PollAnswered "the provider has answered a poll" task,
    ResponseArrived "the response was read" every,
    ResponseCommits "COMMIT of the response begins" every,
    ResponseCommitted "COMMIT of the response succeeded" every,
    ResponseRecorded "the response is on record" every,
    DownloadBegins "a download is handed to the transport" every,
    DownloadArrives "a part of an image has arrived" every,
    ImageSaved "an image is saved" every,
    ImageRecorded "an image is on record" every,
    EndReached "the outcome is known" every,
    EndRecorded "the outcome is handed to the store" every,
}

impl Point {
    /// Whether a line that is killed there stays unknown: its attempt is on record, and no evidence of what became of it.
    pub(crate) fn leaves_unknown(self, kind: Kind) -> bool {
        match self {
            Self::IntentCommitted
            | Self::IntentRecorded
            | Self::PostBegins
            | Self::PostAnswered
            | Self::BodyBegins
            | Self::BodyArrives => true,
            Self::FirstImageArrived => kind == Kind::Stream,
            Self::TaskArrived | Self::TaskCommits => kind == Kind::Task,
            Self::ResponseArrived | Self::ResponseCommits => kind == Kind::Synchronous,
            _ => false,
        }
    }

    /// Whether the images of a stream that had not arrived by then may be lost with its connection.
    pub(crate) fn may_break_off(self, kind: Kind) -> bool {
        let is_between = matches!(
            self,
            Self::FirstImageRecorded
                | Self::DownloadBegins
                | Self::DownloadArrives
                | Self::ImageSaved
                | Self::ImageRecorded
        );
        is_between && kind == Kind::Stream
    }
}

/// Where a process sends itself a signal.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Kill {
    /// Stops, until another process continues it, the first time that it is at a point.
    StopAt(Point),
    /// The n-th time that it is at a point, from 1.
    At(Point, u32),
    /// The n-th time that it is at any point, from 1.
    After(u32),
}

static PLAN: OnceLock<(Option<Kill>, PathBuf)> = OnceLock::new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// Says where this process ends, and in which file it says that it was there.
pub(crate) fn plan(kill: Option<Kill>, hit: &Path) {
    PLAN.set((kill, hit.to_owned())).unwrap();
}

/// Kills or stops this process, if it is its time.
pub(crate) fn reach(point: impl Into<Option<Point>>) {
    let Some(point) = point.into() else { return };
    let (Some(kill), hit) = PLAN.get().unwrap() else { return };
    let (at, signal) = match *kill {
        Kill::At(only, _) | Kill::StopAt(only) if only != point => return,
        Kill::At(_, at) | Kill::After(at) => (at, Signal::KILL),
        Kill::StopAt(_) => (1, Signal::STOP),
    };
    if COUNT.fetch_add(1, Ordering::SeqCst) + 1 == at {
        // What a process has written is there after its death.
        File::create(hit).unwrap().write_all(point.name().as_bytes()).unwrap();
        kill_process(getpid(), signal).unwrap();
        // The signal may reach another thread first, and this one goes no further.
        while hit.exists() {
            std::thread::yield_now();
        }
    }
}
