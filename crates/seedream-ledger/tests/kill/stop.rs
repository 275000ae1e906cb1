//! Workers that are stopped and continue.

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use seedream_ledger::{Ledger, Taken, WorkerOptions};
use seedream_mock::MockServer;

use super::{
    audit::Audit,
    point::{Kill, Kind, Point},
    process::{Assignment, BATCH},
};

/// A stopped worker holds its lock: nothing that it holds is taken, and it ends what it has begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_stopped_around_its_post_keeps_its_line() {
    for point in [Point::PostBegins, Point::PostAnswered] {
        let folder = tempfile::tempdir().unwrap();
        let server = MockServer::start().await.unwrap();
        let path = folder.path().join("b.ledger");
        let mut assignment = Assignment::new(path.to_str().unwrap(), folder.path(), &server, vec![Kind::Synchronous]);
        assignment.kill = Some(Kill::StopAt(point));
        let (assignment, mut child) = tokio::task::spawn_blocking(move || {
            let child = assignment.start(0);
            let (_, status) = waitpid(Some(Pid::from_child(&child)), WaitOptions::UNTRACED).unwrap().unwrap();
            assert!(status.stopped(), "{}", point.name());
            (assignment, child)
        })
        .await
        .unwrap();
        let ledger = Ledger::open(&assignment.ledger).unwrap();
        let second = ledger.worker(WorkerOptions::of_batch(BATCH)).unwrap();
        assert!(matches!(second.take().await.unwrap(), Taken::Nothing), "{}", point.name());
        std::fs::remove_file(assignment.hit(0)).unwrap();
        kill_process(Pid::from_child(&child), Signal::CONT).unwrap();
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
        assert!(ended.await.unwrap().success());
        let audit = Audit::of(&ledger, &server, &assignment).await;
        assert_eq!((audit.settled, audit.saved, audit.bought_twice.len()), (1, 1, 0), "{}", point.name());
    }
}
