//! What a million requests leave behind: images of ever new prompts, tasks that are made and polled, and downloads.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    Result,
    load_generator::{self, Next},
    peer::{PATH, Peer},
    report::{Wanted, compare, say},
};

const REQUESTS: usize = 1_000_000;

/// It asks no longer than this, however far it is.
const MOST: Duration = Duration::from_secs(300);

/// Where memory is looked at, in percent of the requests.
const MARKS: [usize; 5] = [10, 25, 50, 75, 100];

pub(crate) fn measure() -> Result<Value> {
    let server = Peer::Mock.start()?;
    let idle = server.resident()? / 1024.0;
    say(&format!("\nmemory of the mock over {REQUESTS} requests; {idle:.1} MiB before the first"));
    let next: Next = Arc::new(next);
    let (mut from, mut asked, mut residents) = (0, 0, Vec::new());
    for mark in MARKS {
        let to = REQUESTS / 100 * mark;
        let share = MOST.mul_f64((to - from) as f64 / REQUESTS as f64);
        asked += load_generator::ask(server.address, from..to, share, &next)?.waits.len();
        let resident = server.resident()? / 1024.0;
        say(&format!("  at {mark:>3} %, after {asked:>7} requests: {resident:>6.1} MiB"));
        residents.push(json!({ "percent": mark, "requests": asked, "resident_mib": resident }));
        from = to;
    }
    let at = |mark: usize| residents[mark]["resident_mib"].as_f64().unwrap_or(f64::NAN);
    // Up to the first mark what is kept fills up to its limits, and for some time behind it the heap settles.
    let verdict = compare("memory at 100 %, of that at 50 %", Wanted::AtMost(1.05), at(4) / at(2));
    Ok(json!({ "idle_mib": idle, "marks": residents, "verdicts": [verdict] }))
}

/// A task is polled until it is done; one in five others makes a task, one in a hundred fetches the last image: at the
/// first mark everything that is kept up to a limit has reached it.
fn next(number: usize, last: &str) -> Vec<u8> {
    if let Some(id) = member(last, "id").filter(|_| member(last, "status").is_some_and(|status| status != "completed"))
    {
        return load_generator::get(&format!("/evolink/v1/tasks/{id}"));
    }
    let url = member(last, "url").and_then(|url| url.strip_prefix("http://127.0.0.1:40000"));
    if let Some(path) = url.filter(|_| number % 100 == 1) {
        return load_generator::get(path);
    }
    if number.is_multiple_of(5) {
        let body = format!(r#"{{"model":"doubao-seedream-4.5","prompt":"a kite, number {number}","n":1}}"#);
        return load_generator::post("/evolink/v1/images/generations", &body);
    }
    let prompt = format!("a lighthouse in fog, number {number}");
    load_generator::post(
        PATH,
        &format!(
            r#"{{"model":"doubao-seedream-5-0-260128","prompt":"{prompt}","size":"2048x2048","output_format":"png"}}"#
        ),
    )
}

/// The first text of that name in a body.
fn member<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let (_, value) = body.split_once(&format!("\"{name}\":\""))?;
    value.split('"').next()
}
