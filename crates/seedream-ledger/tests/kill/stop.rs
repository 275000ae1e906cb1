//! Workers that are stopped and continue.

use std::process::Child;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use seedream_ledger::{JobFilter, Taken, WorkerOptions, protocol::LineState};
use seedream_mock::MockServer;

use super::{
    audit::Audit,
    ledgers::Place,
    point::{Kill, Kind, Point},
    process::{Assignment, BATCH},
};

/// A file: the worker holds its lock, nothing that it holds is taken, and it ends what it has begun. A server: it is not seen, its line
/// is taken over as unknown, and its response is recorded all the same when it continues.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_stopped_around_its_post_ends_its_line_when_it_continues() {
    for point in [Point::PostBegins, Point::PostAnswered] {
        for place in Place::each() {
            let what = format!("{}, {}", place.database, point.name());
            let server = MockServer::start().await.unwrap();
            let mut assignment = Assignment::new(&place, &server, vec![Kind::Synchronous]);
            assignment.kill = Some(Kill::StopAt(point));
            let mut child = stopped(assignment.clone()).await;
            place.all_workers_ended();
            let ledger = place.open();
            let second = ledger.worker(WorkerOptions::of_batch(BATCH)).unwrap();
            assert!(matches!(second.take().await.unwrap(), Taken::Nothing), "{what}");
            let job = ledger.jobs(JobFilter::default()).await.unwrap().remove(0);
            let expected = if place.database == "postgres" { LineState::Unknown } else { LineState::Sent };
            assert_eq!(job.purchases[0].state, expected, "{what}");
            std::fs::remove_file(assignment.hit(0)).unwrap();
            kill_process(Pid::from_child(&child), Signal::CONT).unwrap();
            let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
            assert!(ended.await.unwrap().success(), "{what}");
            let audit = Audit::of(&ledger, &server, &assignment).await;
            assert_eq!((audit.settled, audit.saved, audit.bought_twice.len()), (1, 1, 0), "{what}");
        }
    }
}

/// Starts a process, and waits until it is stopped.
async fn stopped(assignment: Assignment) -> Child {
    let wait = move || {
        let child = assignment.start(0);
        let (_, status) = waitpid(Some(Pid::from_child(&child)), WaitOptions::UNTRACED).unwrap().unwrap();
        assert!(status.stopped());
        child
    };
    tokio::task::spawn_blocking(wait).await.unwrap()
}
