//! A store that refuses, and one that fails once something was bought.

use std::{io, sync::Arc};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use seedream_client::{
    Exactly, Fallback, FinishedPurchase, ImageProvider, Job, JobError, JobEvent, Location, NewImage, Output, Refusal,
};
use seedream_core::{Charge, ErrorKind, WarningKind};

use super::{ACCEPTED, Act, DONE, Ledger, ONE, Shelf, Wire, client, kept, png, wire, with};
use crate::tiny_dialects::{Tiny, TinyTasks, request};

const REFUSALS: [(fn() -> Refusal, ErrorKind); 5] = [
    (|| Refusal::Budget { message: "it is used up".into() }, ErrorKind::NotRecorded),
    (|| Refusal::AlreadyBought { id: "job/1".into() }, ErrorKind::NotRecorded),
    (|| Refusal::Running { id: "job/1".into() }, ErrorKind::NotRecorded),
    (|| Refusal::Fenced { id: "job/1".into() }, ErrorKind::NotRecorded),
    (|| Refusal::storage("the ledger is closed", io::Error::other("locked")), ErrorKind::Storage),
];

fn refusal(error: &JobError) -> &Refusal {
    error.error().cause().expect("a cause").downcast_ref().expect("a refusal")
}

/// The same request through a client, a pointer and a fallback of two.
fn ways(wire: &Wire) -> Vec<Job> {
    let one: Arc<dyn ImageProvider> = Arc::new(client(Tiny, wire));
    let two = Fallback::new(vec![one.clone(), one.clone()]).unwrap();
    vec![client(Tiny, wire).job(request()), one.job(request()), two.job(request())]
}

#[tokio::test(start_paused = true)]
async fn what_a_store_refuses_is_not_sent() {
    for (refuse, kind) in REFUSALS {
        let wire = wire(|_, _| Act::ok(ONE));
        for job in ways(&wire) {
            let (ledger, shelf) = (Ledger::default().refuse(1, refuse), Shelf::default());
            let error = with(job, &ledger, &shelf).run().await.unwrap_err();
            assert_eq!(refusal(&error).to_string(), refuse().to_string());
            assert_eq!(
                (error.error().kind(), error.error().charge(), error.outcome().charge),
                (kind, Charge::No, Charge::No)
            );
            assert_eq!((error.outcome().endpoint.as_str(), error.outcome().record.as_deref()), ("", None));
            assert_eq!((ledger.log(), shelf.names()), (vec![], vec![]));
        }
        assert_eq!(wire.lines(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_and_an_output_of_another_kind_work_through_every_provider() {
    let wire = wire(|_, _| Act::ok(ONE));
    for job in ways(&wire) {
        let (ledger, shelf) = (Ledger::default(), Shelf::default());
        let outcome = with(job, &ledger, &shelf).run().await.unwrap();
        assert_eq!(ledger.log(), ["intent", "answered", "image", "ended"]);
        assert_eq!((shelf.names(), shelf.images()), (vec!["tiny-0.json".into(), "tiny-1-0-0.png".into()], vec![png()]));
        assert_eq!(outcome.images[0].location.to_string(), "shelf://tiny-1-0-0.png");
        assert!(ledger.is_over() && outcome.record.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_and_a_known_id_are_refused_before_anything_is_sent() {
    let wire = wire(|_, _| Act::ok(ONE));
    let (ledger, shelf) = (Ledger::default().budget(2), Shelf::default());
    let client = client(Tiny, &wire);
    kept(&client, &ledger, &shelf).id("mine").run().await.unwrap();
    let error = kept(&client, &ledger, &shelf).id("mine").run().await.unwrap_err();
    assert!(matches!(refusal(&error), Refusal::AlreadyBought { id } if id == "mine/1"));
    let two = Exactly::new(kept(&client, &ledger, &shelf), 5).at_a_time(1).attempts(50).run().await;
    assert_eq!(
        (two.delivered(), two.purchases.len(), wire.posts()),
        (1, 2, 2),
        "what is refused once is not asked again"
    );
    assert!(matches!(refusal(two.purchases[1].as_ref().unwrap_err()), Refusal::Budget { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_second_attempt_that_is_refused_goes_nowhere_else() {
    for (refuse, kind) in REFUSALS {
        // After a 429, and after a connection that was not made.
        for first in [Act::status(429), Act::Refuse] {
            let response = first.clone();
            let wire = wire(move |_, _| response.clone());
            let transport = Arc::new(wire.clone());
            let mirrored = seedream_client::Client::builder(Tiny).mirror("https://mirror.example").seed(1);
            let mirrored = mirrored.transport(transport).build().unwrap();
            let other: Arc<dyn ImageProvider> = Arc::new(client(Tiny, &wire));
            let two = Fallback::new(vec![Arc::new(mirrored), other]).unwrap();
            let (ledger, shelf) = (Ledger::default().refuse(2, refuse), Shelf::default());
            let error = with(two.job(request()), &ledger, &shelf).run().await.unwrap_err();
            assert_eq!((error.error().kind(), error.error().charge()), (kind, Charge::No), "{first:?}");
            assert_eq!(refusal(&error).to_string(), refuse().to_string());
            assert_eq!(wire.posts(), usize::from(matches!(first, Act::Response(..))));
            assert_eq!(ledger.intents().len(), 1);
            assert!(ledger.is_over(), "{:?}", ledger.log());
        }
    }
}

/// Each append fails in turn; the images come, it is told, and nothing more is bought.
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_after_the_purchase_never_ends_the_job() {
    for tasks in [false, true] {
        let appends = if tasks { 4 } else { 3 };
        for failing in 0..appends {
            let wire = wire(move |line, _| match (tasks, line.starts_with("POST")) {
                (true, true) => Act::ok(ACCEPTED),
                (true, false) => Act::ok(DONE),
                (false, _) => Act::ok(ONE),
            });
            let (ledger, shelf) = (Ledger::default().fail(failing), Shelf::default());
            let client = if tasks { client(TinyTasks, &wire) } else { client(Tiny, &wire) };
            let job = kept(&client, &ledger, &shelf);
            let control = job.control().clone();
            let events: Vec<_> = job.events().collect().await;
            let told = events.iter().filter(|event| matches!(event, JobEvent::NotRecorded(_))).count();
            let Some(JobEvent::Ended(ended)) = events.last() else { panic!("{events:?}") };
            let outcome = ended.as_ref().as_ref().unwrap();
            assert_eq!((told, outcome.images.len(), shelf.images()), (1, 1, vec![png()]), "append {failing}");
            let warned = outcome.warnings.iter().filter(|warning| warning.kind == WarningKind::NotKept);
            assert_eq!(warned.count(), 1, "{:?}", outcome.warnings);
            assert_eq!((wire.posts(), outcome.charge), (1, Charge::Yes));

            let next = kept(&client, &ledger, &shelf).controlled_by(&control).run().await.unwrap_err();
            assert_eq!((next.error().kind(), next.error().charge(), wire.posts()), (ErrorKind::Storage, Charge::No, 1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn once_a_refusal_could_not_be_recorded_nothing_is_sent_again() {
    for first in [Act::status(429), Act::status(402), Act::Refuse] {
        let response = first.clone();
        let wire = wire(move |_, number| if number == 0 { response.clone() } else { Act::ok(ONE) });
        let one: Arc<dyn ImageProvider> = Arc::new(client(Tiny, &wire));
        let two = Fallback::new(vec![one.clone(), one]).unwrap();
        let (ledger, shelf) = (Ledger::default().fail(0), Shelf::default());
        let error = with(two.job(request()), &ledger, &shelf).run().await.unwrap_err();
        assert_eq!((error.error().kind(), error.error().charge()), (ErrorKind::Storage, Charge::No), "{first:?}");
        assert_eq!(wire.posts(), usize::from(matches!(first, Act::Response(..))));
        assert!(error.outcome().warnings.iter().any(|warning| warning.kind == WarningKind::NotKept));

        let (ledger, shelf) = (Ledger::default().fail(1), Shelf::default());
        let bought = wire.posts();
        let all = Exactly::new(with(client(Tiny, &wire).job(request()), &ledger, &shelf), 4).at_a_time(1).run().await;
        assert_eq!((all.purchases.len(), wire.posts() - bought), (1, 1), "no other purchase is begun");
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_taken_over_delivers_and_buys_no_more() {
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let other = ledger.clone();
    let wire = wire(|_, _| Act::ok(ONE)).seen(move |line| {
        if line.starts_with("POST") {
            other.fence();
        }
    });
    let outcome = kept(&client(Tiny, &wire), &ledger, &shelf).run().await.unwrap();
    assert_eq!((ledger.log(), shelf.images()), (vec!["intent"], vec![png()]));
    let warned: Vec<_> = outcome.warnings.iter().filter(|warning| warning.kind == WarningKind::NotKept).collect();
    assert!(matches!(&warned[..], [one] if one.message.contains("has taken over")), "told once: {warned:?}");
    assert!(outcome.record.is_some(), "the other process has it");
}

#[tokio::test(start_paused = true)]
async fn what_a_store_has_to_say_is_a_warning_of_one_outcome() {
    let wire = wire(|_, _| Act::ok(ONE));
    let (ledger, shelf) = (Ledger::default().warn("the ledger is wet"), Shelf::default());
    let two = Exactly::new(kept(&client(Tiny, &wire), &ledger, &shelf), 2).at_a_time(1).run().await;
    let told: Vec<_> = two.outcomes().flat_map(|outcome| &outcome.warnings).map(|warning| &*warning.message).collect();
    assert_eq!(told, ["the ledger is wet"]);
    assert!(two.outcomes().flat_map(|outcome| &outcome.warnings).all(|warning| warning.kind == WarningKind::Other));
}

#[tokio::test(start_paused = true)]
async fn who_was_asked_in_vain_is_named_by_each_attempt() {
    let wire = wire(|_, _| Act::status(402));
    let one: Arc<dyn ImageProvider> = Arc::new(client(Tiny, &wire));
    let two = Fallback::new(vec![one.clone(), one]).unwrap();
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let error = with(two.job(request()), &ledger, &shelf).run().await.unwrap_err();
    let attempts: Vec<_> = error.outcome().attempts.iter().map(|attempt| (attempt.number, &*attempt.outcome)).collect();
    assert_eq!(attempts, [(1, "tiny: HTTP 402"), (2, "tiny: HTTP 402")]);
    assert_eq!(ledger.log(), ["intent", "refused", "intent", "refused", "ended"]);
    assert!(shelf.names().is_empty() && ledger.is_over());
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_billed_has_metadata_and_a_record() {
    let wire = wire(|_, _| Act::status(500));
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let error = kept(&client(Tiny, &wire), &ledger, &shelf).run().await.unwrap_err();
    assert_eq!((error.error().charge(), error.outcome().charge), (Charge::Unknown, Charge::Unknown));
    assert_eq!((shelf.names(), ledger.is_over()), (vec!["tiny-0.json".to_owned()], false));
    assert!(error.outcome().record.is_some() && error.outcome().sidecar.is_some());
}

#[tokio::test(start_paused = true)]
async fn failures_that_cost_nothing_have_metadata_too() {
    let wire = wire(|_, _| Act::ok(r#"{"data":[{}],"billed":0}"#));
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let error = kept(&client(Tiny, &wire), &ledger, &shelf).run().await.unwrap_err();
    assert_eq!((error.error().charge(), error.outcome().failures.len()), (Charge::No, 1));
    assert_eq!((shelf.names(), ledger.is_over()), (vec!["tiny-0.json".to_owned()], true));
}

/// An output whose disk is full.
#[derive(Debug)]
struct Full;

#[async_trait]
impl Output for Full {
    async fn save(&self, _: NewImage) -> io::Result<Location> {
        Err(io::Error::other("no space is left"))
    }

    async fn finish(&self, _: FinishedPurchase<'_>) -> io::Result<Option<Location>> {
        Ok(None)
    }
}

#[tokio::test(start_paused = true)]
async fn once_an_image_could_not_be_saved_nothing_more_is_bought() {
    let bought = wire(|_, _| Act::ok(ONE));
    let job = client(Tiny, &bought).job(request()).output(Arc::new(Full));
    let control = job.control().clone();
    let three = Exactly::new(job.clone(), 3).at_a_time(1).run().await;
    assert_eq!((three.purchases.len(), bought.posts(), three.charge()), (1, 1, Charge::Yes));
    assert_eq!(three.purchases[0].as_ref().unwrap_err().error().kind(), ErrorKind::Storage);
    let next = client(Tiny, &bought).job(request()).controlled_by(&control).run().await.unwrap_err();
    assert_eq!((next.error().kind(), next.error().charge(), bought.posts()), (ErrorKind::Storage, Charge::No, 1));
    assert!(next.error().message().contains("an image could not be saved"), "{next}");

    // A download that fails says nothing of the disk.
    let gone = Wire::new(|line, _| if line.starts_with("POST") { Act::ok(ONE) } else { Act::status(403) });
    let (ledger, shelf) = (Ledger::default(), Shelf::default());
    let two = Exactly::new(kept(&client(Tiny, &gone), &ledger, &shelf), 2).at_a_time(1).run().await;
    assert_eq!((two.purchases.len(), gone.posts()), (2, 2));
}
