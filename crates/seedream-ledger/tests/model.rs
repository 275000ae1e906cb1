//! Explores what two workers, a person and faults can do to a line of two purchases, by the function that the stores execute.
//!
//! The search is written here instead of taken from a crate: `stateright`, the one that is maintained, needs 25 other crates, an HTTP
//! server among them, and does not search backwards, which shows that an end can be reached from each state.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

#[path = "model/search.rs"]
mod search;
#[path = "model/world.rs"]
mod world;

use std::time::Instant;

use search::{Search, trace};
use world::{Variant, World};

/// Visits every state, prints their number, and compares what happened with what can happen.
fn explored(purchases: u32, limit: i64, faults: u8, never: &[&str]) {
    let started = Instant::now();
    let search = Search::run(World::new(Variant::Right, purchases, limit, faults, 1));
    let (states, steps, seconds) = (search.states(), search.edges.len(), started.elapsed().as_secs_f64());
    println!("{purchases} purchases, {faults} faults: {states} states, {steps} steps, {seconds:.1} s");
    if let Some((at, broken)) = &search.broken {
        panic!("{broken}\n{}", trace(&search, *at));
    }
    if let Some(at) = search.without_end() {
        panic!("no end can be reached\n{}", trace(&search, at));
    }
    assert!(states >= 100_000, "{states} states are too few to show anything");
    let missing: Vec<_> = world::KINDS.iter().filter(|kind| !search.kinds.contains(*kind)).copied().collect();
    assert_eq!(missing, never);
}

/// With a budget for one and a half.
#[test]
fn a_line_of_two_purchases_keeps_the_laws_in_every_state_and_reaches_an_end() {
    explored(2, 15, 1, &["a person says again"]);
}

/// With a budget for two attempts, and more faults than the other leaves time for.
#[test]
fn one_purchase_keeps_the_laws_under_two_faults() {
    explored(1, 25, 2, &[]);
}

#[test]
fn each_broken_variant_is_found() {
    for (variant, law) in [
        (Variant::NoSyncBeforeSending, "is not on record as sent"),
        (Variant::NextBeforeLastIsOnRecord, "may have been billed"),
        (Variant::EvidenceFenced, "evidence was refused"),
        (Variant::HoldReleasedWhileUnknown, "budget"),
        (Variant::LeaseByWorkersClock, "after a person decided"),
    ] {
        let search = Search::run(World::new(variant, 2, 15, 2, 1));
        let Some((at, broken)) = &search.broken else { panic!("{variant:?} is not found") };
        println!("{variant:?}, after {} states: {broken}\n{}", search.states(), trace(&search, *at));
        assert!(broken.contains(law), "{variant:?}: {broken}");
    }
}
