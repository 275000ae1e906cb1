//! Every point, every kind of line, every store.

use std::os::unix::process::ExitStatusExt as _;

use seedream_ledger::Ledger;
use seedream_mock::MockServer;
use tokio::task::JoinSet;

use super::{
    audit::Audit,
    point::{Kill, Kind, Point},
    process::Assignment,
};

/// How many workers run at the same time; they wait for polls most of the time.
const AT_ONCE: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_at_any_point_loses_nothing_and_buys_nothing_twice() {
    let mut cases = Kind::ALL.into_iter().flat_map(|kind| {
        Point::ALL.iter().copied().filter(move |point| point.is_of(kind)).map(move |point| (kind, point))
    });
    let mut running = JoinSet::new();
    let mut table = Vec::new();
    loop {
        while running.len() < AT_ONCE
            && let Some((kind, point)) = cases.next()
        {
            running.spawn(killed_and_run_again(kind, point));
        }
        let Some(row) = running.join_next().await else { break };
        table.push(row.unwrap());
    }
    table.sort_by_key(|row| (row.0 as usize, row.1 as usize));
    println!("{:<12} {:<44} lost twice unknown settled billed saved", "kind", "killed when");
    for (kind, point, audit) in &table {
        let (kind, point, Audit { settled, billed, saved, .. }) = (format!("{kind:?}"), point.name(), audit);
        let (lost, twice, unknown) = (audit.lost.len(), audit.bought_twice.len(), audit.unknown.len());
        println!("{kind:<12} {point:<44} {lost:>4} {twice:>5} {unknown:>7} {settled:>7} {billed:>6} {saved:>5}");
    }
    for (kind, point, audit) in table {
        let what = format!("{kind:?}, killed when {}: {audit:?}", point.name());
        assert!(audit.lost.is_empty() && audit.bought_twice.is_empty() && audit.not_bought == 0, "{what}");
        assert_eq!(audit.unknown.len(), usize::from(point.leaves_unknown(kind)), "{what}");
        assert_eq!(audit.settled, usize::from(!point.leaves_unknown(kind)), "{what}");
        assert_eq!(audit.saved + audit.broken_off, audit.billed, "{what}");
        assert!(audit.broken_off == 0 || point.may_break_off(kind), "{what}");
    }
}

async fn killed_and_run_again(kind: Kind, point: Point) -> (Kind, Point, Audit) {
    let folder = tempfile::tempdir().unwrap();
    let server = MockServer::start().await.unwrap();
    let path = folder.path().join("b.ledger");
    let mut assignment = Assignment::new(path.to_str().unwrap(), folder.path(), &server, vec![kind]);
    assignment.kill = Some(Kill::At(point, 1));
    let killed = tokio::task::spawn_blocking({
        let assignment = assignment.clone();
        move || assignment.start(0).wait().unwrap()
    });
    let status = killed.await.unwrap();
    assert_eq!(status.signal(), Some(9), "{kind:?}, {}: {status}", point.name());
    assert_eq!(std::fs::read_to_string(assignment.hit(0)).unwrap(), point.name(), "the point was hit");
    assignment.kill = None;
    let again = tokio::task::spawn_blocking({
        let assignment = assignment.clone();
        move || assignment.start(1).wait().unwrap()
    });
    assert!(again.await.unwrap().success(), "{kind:?}, {}", point.name());
    let ledger = Ledger::open(&assignment.ledger).unwrap();
    (kind, point, Audit::of(&ledger, &server, &assignment).await)
}
