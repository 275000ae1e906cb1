//! Many lines, several workers, and kills at random.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    sync::Mutex,
    thread,
};

use seedream_mock::MockServer;

use super::{
    audit::Audit,
    ledgers::Place,
    point::{Kill, Kind, Point},
    process::{Assignment, Defect},
};

const LINES: usize = 1_000;
const WORKERS: u32 = 4;
const KILLS: u32 = 50;
/// How many lines a worker buys side by side.
const AT_ONCE: usize = 4;

/// What a soak came to.
#[derive(Debug, Default)]
struct Soak {
    audit: Audit,
    kills: u32,
    /// How many kills hit a worker while a POST was under way.
    with_post: u32,
    /// Lines whose attempt was under way at a kill: on record as begun, and no evidence handed to the store.
    under_way: BTreeSet<String>,
    /// Lines of which a kill hit the writing of the intent or of the evidence, so that either is right.
    either: BTreeSet<String>,
}

impl Soak {
    /// What is wrong.
    fn problems(&self) -> Vec<String> {
        let Self { audit, kills, with_post, under_way, either } = self;
        let mut problems = Vec::new();
        let mut check = |good: bool, problem: String| {
            if !good {
                problems.push(problem);
            }
        };
        check(audit.lost.is_empty(), format!("lost: {:?}", audit.lost));
        check(audit.bought_twice.is_empty(), format!("bought twice: {:?}", audit.bought_twice));
        check(audit.not_bought == 0, format!("{} lines were never bought", audit.not_bought));
        let Audit { billed, saved, broken_off, .. } = audit;
        check(saved + broken_off == *billed, format!("{billed} images billed, {saved} saved, {broken_off} broken off"));
        check(*broken_off <= *kills * AT_ONCE as u32, format!("{broken_off} images broken off by {kills} kills"));
        let unexplained: Vec<_> = audit.unknown.difference(under_way).filter(|line| !either.contains(*line)).collect();
        check(unexplained.is_empty(), format!("unknown although no kill hit them: {unexplained:?}"));
        let forgotten: Vec<_> = under_way.difference(&audit.unknown).collect();
        check(forgotten.is_empty(), format!("under way at a kill and not unknown: {forgotten:?}"));
        check(*kills == KILLS, format!("{kills} kills"));
        check(*with_post >= 20, format!("{with_post} kills with a POST under way"));
        problems
    }

    fn print(&self, database: &str) {
        let Self { audit, kills, with_post, under_way, either } = self;
        let in_flight =
            under_way.len() + either.intersection(&audit.unknown).filter(|line| !under_way.contains(*line)).count();
        println!(
            "{database}: {LINES} lines, {WORKERS} workers, {kills} kills, {with_post} of them with a POST under way"
        );
        println!("settled        {}", audit.settled);
        println!("lost           {}", audit.lost.len());
        println!("bought twice   {}", audit.bought_twice.len());
        println!("unknown        {}", audit.unknown.len());
        println!("attempts in flight at a kill  {in_flight}");
        let Audit { billed, saved, broken_off, .. } = audit;
        println!(
            "images billed for settled lines {billed}, on disk {saved}, never arrived since their stream broke off {broken_off}"
        );
    }

    /// Reads what a process that was killed had written down.
    fn add_kill(&mut self, assignment: &Assignment, number: u32) {
        self.kills += 1;
        assert!(assignment.hit(number).exists(), "it was killed where it was to be killed");
        let mut last: BTreeMap<String, String> = BTreeMap::new();
        for line in read(&assignment.event_log(number)).lines() {
            let (what, job) = line.split_once(' ').unwrap();
            // Evidence that follows on other evidence changes nothing of this.
            let is_known = last.get(job).is_some_and(|last| last == "recorded");
            if !(is_known && what == "evidence") {
                last.insert(job.to_owned(), what.to_owned());
            }
        }
        let of = |what: &[&str]| {
            last.iter()
                .filter(|(_, last)| what.contains(&last.as_str()))
                .map(|(job, _)| job.clone())
                .collect::<BTreeSet<_>>()
        };
        let under_way = of(&["begun"]);
        self.with_post += u32::from(!under_way.is_empty());
        self.under_way.extend(under_way);
        self.either.extend(of(&["begins", "evidence"]));
    }
}

fn read(path: &Path) -> String {
    // A process that never began anything has no such file.
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % limit).unwrap()
    }

    /// Every other kill is at the response to a POST, the rest anywhere.
    fn kill(&mut self, number: u32) -> Kill {
        if number.is_multiple_of(2) {
            Kill::At(Point::PostAnswered, 1 + self.below(15))
        } else {
            Kill::After(1 + self.below(200))
        }
    }
}

/// Runs workers until all that they can buy is bought; the first of them are killed.
async fn soak(place: &Place, defect: Option<Defect>) -> Soak {
    let builder = MockServer::builder().journal_capacity(100 * LINES).estimated_seconds(1);
    let server = builder.start().await.unwrap();
    let lines = (0..LINES).map(|number| Kind::ALL[number % 3]).collect();
    let mut assignment = Assignment::new(place, &server, lines);
    (assignment.at_once, assignment.defect) = (AT_ONCE, defect);
    let workers = tokio::task::spawn_blocking({
        let assignment = assignment.clone();
        move || run_workers(&assignment)
    });
    let mut soak = workers.await.unwrap();
    // What the last that were killed have left.
    place.all_workers_ended();
    assert!(assignment.clone().ended(KILLS + WORKERS).await.success());
    soak.audit = Audit::of(&place.open(), &server, &assignment).await;
    soak
}

/// As many processes at a time as there are workers; one that was killed is followed by another.
fn run_workers(assignment: &Assignment) -> Soak {
    let soak = Mutex::new(Soak::default());
    let numbers = Mutex::new((0..KILLS + WORKERS, Numbers(1)));
    let next = || {
        let (numbers, random) = &mut *numbers.lock().unwrap();
        let number = numbers.next().unwrap();
        let kill = (number < KILLS).then(|| random.kill(number));
        (number, Assignment { kill, ..assignment.clone() })
    };
    let run = || loop {
        let (number, assignment) = next();
        let status = assignment.start(number).wait().unwrap();
        if status.signal() != Some(9) {
            assert!(status.success(), "{status}");
            return;
        }
        soak.lock().unwrap().add_kill(&assignment, number);
    };
    thread::scope(|scope| (0..WORKERS).for_each(|_| drop(scope.spawn(run))));
    soak.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_are_killed_at_random_lose_nothing_and_buy_nothing_twice() {
    for place in Place::each() {
        let soak = soak(&place, None).await;
        soak.print(place.database);
        assert_eq!(soak.problems(), [""; 0], "{}", place.database);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_does_not_do_its_work_is_found() {
    for (defect, problem) in [
        (Defect::BuysNothing, "lines were never bought"),
        (Defect::CallsEverythingUnknown, "unknown although no kill hit them"),
    ] {
        let problems = soak(&Place::each()[0], Some(defect)).await.problems();
        assert!(problems.iter().any(|found| found.contains(problem)), "{problems:?}");
    }
}
