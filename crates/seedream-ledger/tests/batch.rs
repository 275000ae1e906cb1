//! Batches: what is planned, taken, bought, collected and decided.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

#[path = "stores/entries.rs"]
#[allow(dead_code, reason = "other tests use them too")]
mod entries;
#[path = "support/ledgers.rs"]
mod ledgers;

use std::{path::Path, sync::Arc, time::Duration};

use entries::{answered, ended, image, intent, refused, task};
use ledgers::Place;
use seedream_client::{Intent, JobRecord, JobStore, RecordEntry, Refusal};
use seedream_core::{Amount, Charge};
use seedream_ledger::{
    Budget, Comparison, IMAGES, JobFilter, Ledger, LedgerError, LineWork, PlannedLine, Resolution, Taken, Worker,
    WorkerOptions,
    protocol::{Illegal, LineState, Verdict},
};
use serde_json::json;

const IMAGE: &str = "https://a.example/0.png";

fn lines(prompts: &[&str]) -> Vec<PlannedLine> {
    prompts.iter().map(|prompt| PlannedLine::new(&json!({ "prompt": prompt }))).collect()
}

fn named(id: &str, prompt: &str) -> PlannedLine {
    let mut line = PlannedLine::new(&json!({"id": id, "prompt": prompt}));
    line.id = Some(id.to_owned());
    line
}

fn images(count: i64) -> Budget {
    Budget::of_batch(Amount::micros(count * 1_000_000, IMAGES))
}

fn worker(ledger: &Ledger) -> Worker {
    ledger.worker(WorkerOptions::of_batch("b")).unwrap()
}

async fn begun(worker: &Worker, work: &LineWork) -> Box<dyn JobRecord> {
    let mut intent = intent(&work.job);
    intent.purchase = work.purchase;
    worker.begin(&intent).await.unwrap()
}

async fn finish(mut record: Box<dyn JobRecord>, job: &str) {
    record.append(answered(IMAGE, true)).await.unwrap();
    record.append(image(Path::new("out"))).await.unwrap();
    record.append(ended(job, Charge::Yes, 1)).await.unwrap();
}

async fn buy(worker: &Worker, work: LineWork) {
    finish(begun(worker, &work).await, &work.job).await;
}

async fn line(worker: &Worker) -> LineWork {
    match worker.take().await.unwrap() {
        Taken::Send(work) => work,
        other => panic!("{other:?}"),
    }
}

/// Buys all that may be bought, and says how many lines that were.
async fn run(worker: &Worker) -> usize {
    for bought in 0.. {
        match worker.take().await.unwrap() {
            Taken::Send(work) => buy(worker, work).await,
            Taken::BudgetUsedUp(_) | Taken::Nothing => return bought,
            other => panic!("{other:?}"),
        }
    }
    unreachable!()
}

async fn states(ledger: &Ledger) -> Vec<LineState> {
    let jobs = ledger.jobs(JobFilter::of_batch("b")).await.unwrap();
    jobs.iter().flat_map(|job| job.purchases.iter().map(|purchase| purchase.state)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_lines_side_by_side_a_budget_of_10_buys_10_and_none_after_a_restart() {
    for place in Place::each() {
        let prompts: Vec<_> = (0..64).map(|number| number.to_string()).collect();
        let prompts: Vec<_> = prompts.iter().map(String::as_str).collect();
        let first = place.open();
        first.plan_lines("b", lines(&prompts)).await.unwrap();
        let mut bought = 0;
        for _ in 0..2 {
            let again = place.open();
            let options = || WorkerOptions::of_batch("b").budget(images(10));
            let workers = [first.worker(options()).unwrap(), again.worker(options()).unwrap()];
            let tasks: Vec<_> = (0..64)
                .map(|number| {
                    let worker = workers[number % 2].clone();
                    tokio::spawn(async move {
                        match worker.take().await.unwrap() {
                            Taken::Send(work) => {
                                buy(&worker, work).await;
                                1
                            }
                            Taken::BudgetUsedUp(message) => {
                                assert!(message.contains("0 images are left"), "{message}");
                                0
                            }
                            other => panic!("{other:?}"),
                        }
                    })
                })
                .collect();
            for task in tasks {
                bought += task.await.unwrap();
            }
            assert_eq!(bought, 10);
        }
        let settled = states(&first).await.into_iter().filter(|state| *state == LineState::Settled).count();
        assert_eq!(settled, 10);
    }
}

#[tokio::test]
async fn a_hold_stays_while_it_is_unknown_and_a_bill_above_it_is_recorded() {
    for place in Place::each() {
        let ledger = place.open();
        ledger.plan_lines("b", lines(&["1", "2", "3"])).await.unwrap();
        let worker = ledger.worker(WorkerOptions::of_batch("b").budget(images(2))).unwrap();
        let unknown = line(&worker).await;
        drop(begun(&worker, &unknown).await);
        let second = line(&worker).await;
        assert!(matches!(worker.take().await.unwrap(), Taken::BudgetUsedUp(_)));
        let mut record = begun(&worker, &second).await;
        let mut dear = answered(IMAGE, true);
        if let RecordEntry::Answered { generation, .. } = &mut dear {
            generation.usage.generated_images = Some(4);
        }
        record.append(dear).await.unwrap();
        record.append(ended(&second.job, Charge::Yes, 1)).await.unwrap();
        let spent = ledger.spend(Some("b"), None).await.unwrap();
        let told: Vec<_> = spent
            .iter()
            .map(|row| {
                (
                    row.state,
                    row.held.to_string(),
                    row.billed.to_string(),
                    row.delivered,
                    row.billed_images,
                    row.comparison,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (LineState::Settled, "0 images".into(), "4 images".into(), 1, 4, Comparison::Over),
                (LineState::Unknown, "1 images".into(), "0 images".into(), 0, 0, Comparison::Unknown),
            ]
        );
        assert!(matches!(worker.take().await.unwrap(), Taken::BudgetUsedUp(_)));
        // A larger budget has room again.
        let rich = ledger.worker(WorkerOptions::of_batch("b").budget(images(6))).unwrap();
        assert_eq!(run(&rich).await, 1);
    }
}

#[tokio::test]
async fn money_needs_a_price_and_one_that_is_larger_than_planned_has_to_fit() {
    for place in Place::each() {
        let ledger = place.open();
        let usd = |micros| Amount::micros(micros, "USD");
        let mut priced = named("priced", "1");
        priced.most_cost = Some(usd(40));
        ledger.plan_lines("b", vec![priced, named("free", "2")]).await.unwrap();
        let worker = ledger.worker(WorkerOptions::of_batch("b").budget(Budget::of_day(usd(50)))).unwrap();
        let work = line(&worker).await;
        let mut dearer = intent(&work.job);
        dearer.most_cost = Some(usd(60));
        let refusal = worker.begin(&dearer).await.unwrap_err();
        assert!(matches!(&refusal, Refusal::Budget { message } if message.contains("0.00006 USD")), "{refusal}");
        dearer.most_cost = None;
        assert!(matches!(worker.begin(&dearer).await, Err(Refusal::Budget { .. })));
        dearer.most_cost = Some(usd(45));
        let record = worker.begin(&dearer).await.unwrap();
        drop(work);
        finish(record, "b/priced").await;
        assert!(
            matches!(worker.take().await.unwrap(), Taken::BudgetUsedUp(message) if message.contains("no price in USD"))
        );
    }
}

/// What a dead worker reserved for another budget does not count towards this one.
#[tokio::test]
async fn a_reservation_in_another_unit_is_made_anew() {
    for place in Place::each() {
        let ledger = place.open();
        let usd = |micros| Amount::micros(micros, "USD");
        let mut priced = named("priced", "1");
        priced.most_cost = Some(usd(40));
        ledger.plan_lines("b", vec![priced]).await.unwrap();
        let dead = ledger.worker(WorkerOptions::of_batch("b").budget(images(1))).unwrap();
        std::mem::forget(line(&dead).await);
        drop(dead);
        let worker = ledger.worker(WorkerOptions::of_batch("b").budget(Budget::of_batch(usd(40)))).unwrap();
        let work = line(&worker).await;
        let mut priced = intent(&work.job);
        priced.most_cost = Some(usd(40));
        finish(worker.begin(&priced).await.unwrap(), &work.job).await;
        assert_eq!(ledger.spend(None, None).await.unwrap()[0].billed, usd(40));
    }
}

#[tokio::test]
async fn a_line_that_was_planned_without_a_price_may_be_served_by_a_provider_that_has_one() {
    for place in Place::each() {
        let ledger = place.open();
        ledger.plan_lines("b", lines(&["1"])).await.unwrap();
        let worker = worker(&ledger);
        let work = line(&worker).await;
        let mut priced = intent(&work.job);
        priced.most_cost = Some(Amount::micros(40, "USD"));
        let record = worker.begin(&priced).await.unwrap();
        finish(record, &work.job).await;
        let spent = ledger.spend(Some("b"), None).await.unwrap();
        let told: Vec<_> = spent.iter().map(|row| (row.state, row.attempts, row.billed.to_string())).collect();
        assert_eq!(told, [(LineState::Settled, 1, "0.00004 USD".to_owned())]);
    }
}

#[tokio::test]
async fn two_lines_with_one_id_are_refused() {
    for place in Place::each() {
        let ledger = place.open();
        let twice = vec![named("a", "1"), named("b", "1"), named("a", "2")];
        let error = ledger.plan_lines("b", twice).await.unwrap_err();
        assert!(matches!(&error, LedgerError::Repeated(ids) if ids == &["a"]), "{error}");
        assert!(ledger.jobs(JobFilter::of_batch("b")).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn run_again_only_what_was_never_sent_is_sent() {
    for place in Place::each() {
        let ledger = place.open();
        let same = lines(&["a lighthouse", "a lighthouse", "a harbour"]);
        let report = ledger.plan_lines("b", same.clone()).await.unwrap();
        assert_eq!((report.new, report.known, report.gone), (3, 0, 0), "the same prompt twice is two lines");
        let first = worker(&ledger);
        let work = line(&first).await;
        assert_eq!((work.position, &work.row), (0, &json!({"prompt": "a lighthouse"})));
        buy(&first, work).await;
        let report = ledger.plan_lines("b", same.clone()).await.unwrap();
        assert_eq!((report.new, report.known, report.gone), (0, 3, 0));
        // A line that is gone from the file is not sent; back in it, it is.
        let report = ledger.plan_lines("b", same[..2].to_vec()).await.unwrap();
        assert_eq!(report.gone, 1);
        assert_eq!(run(&worker(&ledger)).await, 1);
        assert_eq!(run(&worker(&ledger)).await, 0);
        ledger.plan_lines("b", same.clone()).await.unwrap();
        assert_eq!(run(&worker(&ledger)).await, 1);
        // Another batch with the same rows is another purchase.
        ledger.plan_lines("c", same).await.unwrap();
        assert_eq!(run(&ledger.worker(WorkerOptions::of_batch("c")).unwrap()).await, 3);
    }
}

#[tokio::test]
async fn a_line_with_an_id_may_change_until_it_is_sent() {
    for place in Place::each() {
        let ledger = place.open();
        ledger.plan_lines("b", vec![named("x", "one"), named("y", "one")]).await.unwrap();
        ledger.plan_lines("b", vec![named("x", "two"), named("y", "one")]).await.unwrap();
        let worker = worker(&ledger);
        let work = line(&worker).await;
        assert_eq!(work.row["prompt"], "two");
        buy(&worker, work).await;
        let refused = ledger.plan_lines("b", vec![named("x", "three"), named("new", "1")]).await.unwrap_err();
        assert!(matches!(&refused, LedgerError::Changed(ids) if ids == &["x"]), "{refused}");
        assert_eq!(ledger.jobs(JobFilter::of_batch("b")).await.unwrap().len(), 2, "nothing of it was planned");
    }
}

#[tokio::test]
async fn what_was_bought_is_collected_first_and_what_expires_first_before_the_rest() {
    for place in Place::each() {
        let ledger = place.open();
        ledger.plan_lines("b", lines(&["1", "2", "3", "4"])).await.unwrap();
        let first = worker(&ledger);
        let (mut jobs, mut open) = (Vec::new(), Vec::new());
        for entry in
            [RecordEntry::Accepted { task: task() }, expiring("2030-01-01T00:00:00Z"), expiring("2029-01-01T00:00:00Z")]
        {
            let work = line(&first).await;
            let mut record = begun(&first, &work).await;
            record.append(entry).await.unwrap();
            jobs.push(work.job.clone());
            open.push(record);
        }
        // Its process ends.
        drop((first, open));
        let second = worker(&ledger);
        let mut collected = Vec::new();
        for _ in 0..3 {
            match second.take().await.unwrap() {
                Taken::Collect(record) => {
                    let (history, open) = second.open(&record).await.unwrap();
                    assert!(history.task().is_some() || history.answered().is_some());
                    assert!(matches!(second.open(&record).await, Err(Refusal::Running { .. })));
                    drop(open);
                    collected.push(record);
                }
                other => panic!("{other:?}"),
            }
        }
        // A task is kept for a day, as far as is known.
        assert_eq!(collected, [&jobs[0], &jobs[2], &jobs[1]].map(Clone::clone));
        assert!(matches!(second.take().await.unwrap(), Taken::Send(_)), "each is given once");
    }
}

fn expiring(at: &str) -> RecordEntry {
    let mut entry = answered(IMAGE, true);
    if let RecordEntry::Answered { generation, .. } = &mut entry {
        let data = seedream_core::ImageData::Url { url: IMAGE.into(), expires_at: Some(at.parse().unwrap()) };
        generation.outcomes = vec![Ok(seedream_core::GeneratedImage::new(0, data))];
    }
    entry
}

#[tokio::test]
async fn a_line_that_was_taken_and_dropped_is_free_again() {
    for place in Place::each() {
        let ledger = place.open();
        ledger.plan_lines("b", lines(&["1"])).await.unwrap();
        let (one, two) = (worker(&ledger), worker(&ledger));
        let work = line(&one).await;
        assert_eq!(states(&ledger).await, [LineState::Reserved]);
        assert!(matches!(two.take().await.unwrap(), Taken::Nothing));
        assert!(matches!(two.begin(&intent(&work.job)).await, Err(Refusal::Running { .. })));
        drop(work);
        assert_eq!(states(&ledger).await, [LineState::Planned]);
        let work = line(&two).await;
        // Its worker ends without a word, and keeps what it reserved for the next.
        drop((work, two));
        assert_eq!(run(&one).await, 1);
    }
}

#[tokio::test]
async fn a_person_waits_for_a_live_worker_and_what_arrives_later_is_a_conflict() {
    for place in Place::each() {
        let ledger = place.open();
        let owner = ledger.worker(WorkerOptions::default().deadline(Duration::from_secs(1_000))).unwrap();
        let mut record = owner.begin(&intent("one")).await.unwrap();
        for verdict in [Verdict::NotPaid, Verdict::Again] {
            let early = ledger.resolve("one", Resolution::new(verdict)).await.unwrap_err();
            assert!(matches!(early, LedgerError::Illegal { why: Illegal::TooEarly { .. }, .. }), "{early}");
        }
        let state = ledger.resolve("one", Resolution::new(Verdict::NotPaid).force()).await.unwrap();
        assert_eq!(state, LineState::Failed);
        let mut second = intent("one");
        second.attempt = 2;
        assert!(matches!(record.attempt(&second).await, Err(Refusal::Fenced { .. })));
        record.append(answered(IMAGE, true)).await.unwrap();
        let job = ledger.show("one").await.unwrap().unwrap();
        let attempt = &job.job.purchases[0].attempts[0];
        assert_eq!((attempt.state, attempt.charge, attempt.is_conflict), (LineState::Answered, Charge::Yes, true));
        assert_eq!((attempt.verdict, job.entries[0].len()), (Some(Verdict::NotPaid), 2));
        drop(record);
        let (history, record) = owner.open("one").await.unwrap();
        assert!(history.is_whole());
        finish(record, "one").await;
        assert_eq!(ledger.spend(None, None).await.unwrap()[0].conflicts, 1);
    }
}

#[tokio::test]
async fn what_a_dead_worker_left_is_decided_at_once_and_bought_again_once() {
    for place in Place::each() {
        let ledger = place.open();
        let dead = worker(&ledger);
        for job in ["paid", "unpaid", "again"] {
            drop(dead.begin(&intent(job)).await.unwrap());
        }
        drop(dead);
        let of = |verdict| Resolution::new(verdict).budget(images(1));
        assert_eq!(ledger.resolve("paid", of(Verdict::Paid)).await.unwrap(), LineState::Failed);
        assert_eq!(ledger.resolve("unpaid", of(Verdict::NotPaid)).await.unwrap(), LineState::Failed);
        let full = ledger.resolve("again", of(Verdict::Again)).await.unwrap_err();
        assert!(matches!(full, LedgerError::Illegal { why: Illegal::Budget { .. }, .. }), "{full}");
        assert_eq!(ledger.resolve("again", Resolution::new(Verdict::Again)).await.unwrap(), LineState::Reserved);
        for (job, why) in [("again", "state"), ("nobody", "no job")] {
            let refused = ledger.resolve(job, Resolution::new(Verdict::Again)).await.unwrap_err();
            assert!(refused.to_string().contains(why), "{refused}");
        }
        let worker = worker(&ledger);
        assert!(matches!(worker.begin(&intent("paid")).await, Err(Refusal::AlreadyBought { .. })));
        for job in ["unpaid", "again"] {
            finish(worker.begin(&intent(job)).await.unwrap(), job).await;
            assert!(matches!(worker.begin(&intent(job)).await, Err(Refusal::AlreadyBought { .. })), "{job}");
        }
    }
}

#[tokio::test]
async fn failed_lines_are_tried_again_where_that_is_wanted_and_cancelled_ones_are_not_sent() {
    for place in Place::each() {
        let ledger = place.open();
        ledger.plan_lines("b", lines(&["1", "2", "3"])).await.unwrap();
        let worker = worker(&ledger);
        let (one, two) = (line(&worker).await, line(&worker).await);
        for (work, charge) in [(&one, Charge::No), (&two, Charge::Yes)] {
            let mut record = begun(&worker, work).await;
            record.append(refused(charge)).await.unwrap();
            record.append(ended(&work.job, charge, 0)).await.unwrap();
        }
        let third = ledger.jobs(JobFilter::of_batch("b").state(LineState::Planned)).await.unwrap().remove(0);
        ledger.cancel(&third.purchases[0].record).await.unwrap();
        assert_eq!(states(&ledger).await, [LineState::Failed, LineState::Failed, LineState::Cancelled]);
        assert_eq!(run(&worker).await, 0);
        assert!(ledger.cancel(&two.job).await.is_err());
        assert_eq!(ledger.retry_failed("b").await.unwrap(), 1);
        assert_eq!(run(&worker).await, 1);
        assert_eq!(states(&ledger).await, [LineState::Settled, LineState::Failed, LineState::Cancelled]);
    }
}

#[tokio::test]
async fn jobs_are_read_in_pages_and_exported_with_what_was_recorded() {
    for place in Place::each() {
        let ledger = place.open();
        let mut two = PlannedLine::new(&json!({"prompt": "two"}));
        two.purchases = 2;
        ledger.plan_lines("b", vec![two, named("x", "three")]).await.unwrap();
        assert_eq!(run(&worker(&ledger)).await, 3);
        let first = ledger.export(JobFilter::of_batch("b").page(0, 1)).await.unwrap();
        assert_eq!((first.len(), first[0].job.purchases.len(), first[0].entries[1].len()), (1, 2, 4));
        let next = ledger.jobs(JobFilter::of_batch("b").page(first[0].job.id, 10)).await.unwrap();
        let told = serde_json::to_value(&next).unwrap();
        assert_eq!((&told[0]["job"], &told[0]["purchases"][0]["state"]), (&json!("b/x"), &json!("settled")));
        assert_eq!(ledger.show("b/x").await.unwrap().unwrap().job, next[0]);
        assert!(ledger.show("b/none").await.unwrap().is_none());
    }
}

/// Every public future can be sent to another thread.
#[test]
fn futures_are_send() {
    fn send<T: Send>(_: impl Fn(&'static Ledger, &'static Worker) -> T) {}
    send(|ledger, _| ledger.plan_lines("", Vec::new()));
    send(|ledger, _| ledger.jobs(JobFilter::default()));
    send(|ledger, _| ledger.show(""));
    send(|ledger, _| ledger.export(JobFilter::default()));
    send(|ledger, _| ledger.spend(None, None));
    send(|ledger, _| ledger.resolve("", Resolution::new(Verdict::Paid)));
    send(|ledger, _| ledger.cancel(""));
    send(|ledger, _| ledger.retry_failed(""));
    send(|ledger, _| ledger.flush());
    send(|_, worker| worker.take());
    let _: fn(Worker) -> Arc<dyn JobStore> = |worker| Arc::new(worker);
    let _ = Intent::new("", "", "m".into());
}
