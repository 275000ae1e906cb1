//! Every point, every kind of line, every store.

use std::os::unix::process::ExitStatusExt as _;

use seedream_mock::MockServer;
use tokio::task::JoinSet;

use super::{
    audit::Audit,
    ledgers::Place,
    point::{Kill, Kind, Point},
    process::Assignment,
};

/// How many workers run at the same time; they wait for polls most of the time.
const AT_ONCE: usize = 4;

/// What a case came to.
struct Row {
    database: &'static str,
    kind: Kind,
    point: Point,
    audit: Audit,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_at_any_point_loses_nothing_and_buys_nothing_twice() {
    let mut cases = Kind::ALL.into_iter().flat_map(|kind| {
        let points = Point::ALL.iter().copied().filter(move |point| point.is_of(kind));
        points.flat_map(move |point| Place::each().into_iter().map(move |place| (place, kind, point)))
    });
    let mut running = JoinSet::new();
    let mut table = Vec::new();
    loop {
        while running.len() < AT_ONCE
            && let Some((place, kind, point)) = cases.next()
        {
            running.spawn(killed_and_run_again(place, kind, point));
        }
        let Some(row) = running.join_next().await else { break };
        table.push(row.unwrap());
    }
    table.sort_by_key(|row| (row.database, row.kind as usize, row.point as usize));
    println!("{:<9} {:<12} {:<44} lost twice unknown settled billed saved", "store", "kind", "killed when");
    for Row { database, kind, point, audit } in &table {
        let (kind, point, Audit { settled, billed, saved, .. }) = (format!("{kind:?}"), point.name(), audit);
        let (lost, twice, unknown) = (audit.lost.len(), audit.bought_twice.len(), audit.unknown.len());
        println!(
            "{database:<9} {kind:<12} {point:<44} {lost:>4} {twice:>5} {unknown:>7} {settled:>7} {billed:>6} {saved:>5}"
        );
    }
    for Row { database, kind, point, audit } in table {
        let what = format!("{database}, {kind:?}, killed when {}: {audit:?}", point.name());
        assert!(audit.lost.is_empty() && audit.bought_twice.is_empty() && audit.not_bought == 0, "{what}");
        assert_eq!(audit.unknown.len(), usize::from(point.leaves_unknown(kind)), "{what}");
        assert_eq!(audit.settled, usize::from(!point.leaves_unknown(kind)), "{what}");
        assert_eq!(audit.saved + audit.broken_off, audit.billed, "{what}");
        assert!(audit.broken_off == 0 || point.may_break_off(kind), "{what}");
    }
}

async fn killed_and_run_again(place: Place, kind: Kind, point: Point) -> Row {
    let what = format!("{}, {kind:?}, {}", place.database, point.name());
    let server = MockServer::start().await.unwrap();
    let mut assignment = Assignment::new(&place, &server, vec![kind]);
    assignment.kill = Some(Kill::At(point, 1));
    let status = assignment.clone().ended(0).await;
    assert_eq!(status.signal(), Some(9), "{what}: {status}");
    assert_eq!(std::fs::read_to_string(assignment.hit(0)).unwrap(), point.name(), "the point was hit");
    place.all_workers_ended();
    assignment.kill = None;
    assert!(assignment.clone().ended(1).await.success(), "{what}");
    let audit = Audit::of(&place.open(), &server, &assignment).await;
    Row { database: place.database, kind, point, audit }
}
