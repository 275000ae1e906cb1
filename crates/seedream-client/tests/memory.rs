//! What thousands of waiting tasks cost in memory.
#![allow(clippy::unwrap_used, reason = "clippy knows helpers of tests as code")]

#[path = "client/tiny_dialects.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod tiny_dialects;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;

use peak_alloc::PeakAlloc;
use seedream_client::{Client, ImageProvider as _, ResponseBody, Transport, TransportError};
use seedream_core::{ImageRequest, Policy, Task};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Accepts everything and is never done.
#[derive(Debug, Default)]
struct Endless {
    submits: AtomicUsize,
    polls: AtomicUsize,
}

#[async_trait]
impl Transport for Endless {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        let body = if request.method() == http::Method::POST {
            format!(r#"{{"id":"job-{:08}","eta":45}}"#, self.submits.fetch_add(1, Ordering::SeqCst))
        } else {
            self.polls.fetch_add(1, Ordering::SeqCst);
            r#"{"status":"running"}"#.to_owned()
        };
        Ok(http::Response::new(body.into()))
    }
}

/// The whole heap of a task: the value itself and its texts.
fn heap_of(task: &Task) -> usize {
    let texts = [task.provider.len(), task.endpoint.capacity()];
    size_of::<Task>() + texts.iter().sum::<usize>() + task.id.as_str().len() + task.model.as_str().len()
}

/// Whoever waits for many tasks holds one future a task: this measures all of it, tokio's part included, while some wait for
/// their time, some for their turn, and the rest has been asked for at least once.
async fn measure(tasks: usize, prompt: usize) -> usize {
    let transport = Arc::new(Endless::default());
    let mut policy = Policy::default();
    policy.deadline = Duration::from_secs(86_400);
    let builder = Client::builder(tiny_dialects::TinyTasks).base_url("https://tiny.example").key(tiny_dialects::KEY);
    let client = builder.transport(transport.clone()).policy(policy).seed(1).polls_per_second(1000).build().unwrap();
    let before = HEAP.current_usage();
    let waiting: Vec<_> = (0..tasks)
        .map(|_| {
            let client = client.clone();
            // Long enough that keeping it would be seen.
            let prompt = "x".repeat(prompt);
            tokio::spawn(async move { client.generate(ImageRequest::new("tiny-1", prompt)).await })
        })
        .collect();
    for _ in 0..3600 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        if transport.polls.load(Ordering::SeqCst) >= tasks * 2 {
            break;
        }
    }
    assert!(transport.polls.load(Ordering::SeqCst) >= tasks * 2, "tasks are asked for");
    assert_eq!(transport.submits.load(Ordering::SeqCst), tasks);
    let each = (HEAP.current_usage() - before) / tasks;
    for task in waiting {
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    each
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_tasks_in_flight_stay_under_2_kib_each() {
    let task =
        Task::new("tiny", "https://tiny.example", seedream_core::TaskId::new("job-00000000").unwrap(), "m".into());
    let beyond = |each: usize| each.saturating_sub(heap_of(&task));
    measure(10, 1).await;
    let (thousand, few, all) = (measure(1_000, 1).await, measure(3_000, 1).await, measure(10_000, 5_000).await);
    println!(
        "each of 1 000: {thousand}, of 3 000: {few}, of 10 000: {all} bytes, of which the task {}",
        heap_of(&task)
    );
    assert!(beyond(all) < 2048, "{all} bytes each, {} of them beyond the task", beyond(all));
    assert!(all.abs_diff(thousand) < 256, "flat: {thousand} bytes each of 1 000, {all} of 10 000");
}
