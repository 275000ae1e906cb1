//! One pace over all tasks of a client.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;

use seedream_client::{Client, ImageProvider as _, ResponseBody, Transport, TransportError};
use seedream_core::{Charge, ErrorKind, Policy, Task, TaskId};
use tokio::time::Instant;

use crate::tiny_dialects::TinyTasks;

/// Never done, but after so many polls of a task.
#[derive(Debug)]
struct Patient {
    start: Instant,
    done_after: usize,
    polls: std::sync::Mutex<Vec<(Duration, String)>>,
}

impl Patient {
    fn new(done_after: usize) -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), done_after, polls: std::sync::Mutex::default() })
    }

    fn polls(&self) -> Vec<(Duration, String)> {
        self.polls.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Patient {
    async fn send(&self, request: Request<Bytes>) -> Result<http::Response<ResponseBody>, TransportError> {
        let path = request.uri().path().to_owned();
        let mut polls = self.polls.lock().unwrap();
        polls.push((self.start.elapsed(), path.clone()));
        let done = polls.iter().filter(|(_, other)| *other == path).count() > self.done_after;
        let body = match done {
            true => r#"{"status":"done","data":[{"url":"https://a.example/0.png"}]}"#,
            false => r#"{"status":"running"}"#,
        };
        Ok(http::Response::new(ResponseBody::from(body)))
    }
}

fn client(transport: Arc<Patient>, per_second: u32, deadline: Duration) -> Client {
    let mut policy = Policy::default();
    policy.deadline = deadline;
    let builder = Client::builder(TinyTasks).base_url("https://tiny.example").transport(transport);
    builder.policy(policy).seed(1).polls_per_second(per_second).build().unwrap()
}

fn task(number: usize) -> Task {
    let id = TaskId::new(format!("job-{number}")).unwrap();
    Task::new("tiny", "https://tiny.example", id, "m".into())
}

#[tokio::test(start_paused = true)]
async fn all_tasks_of_a_client_and_its_clones_share_one_pace_and_all_get_their_turn() {
    let transport = Patient::new(5);
    let client = client(transport.clone(), 10, Duration::from_secs(3600));
    let outcomes = join_all((0..100).map(|number| {
        let client = client.clone();
        async move { client.collect(task(number)).await }
    }));
    assert!(outcomes.await.iter().all(Result::is_ok));
    let polls = transport.polls();
    assert_eq!(polls.len(), 600);
    for window in polls.windows(11) {
        assert!(window[10].0 - window[0].0 >= Duration::from_secs(1), "11 polls in a second: {window:?}");
    }
    let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, (_, path)) in polls.iter().enumerate() {
        *asked.entry(path).or_default() += 1;
        let round = number / 100 + 1;
        assert!(
            asked[path.as_str()] <= round + 1,
            "{path} was asked for {} times in round {round}",
            asked[path.as_str()]
        );
    }
    assert_eq!(asked.len(), 100);
    let took = polls[599].0;
    assert!(took < Duration::from_secs(65), "600 polls at 10 a second need about 60 s, not {took:?}");
}

#[tokio::test(start_paused = true)]
async fn one_task_does_not_notice_and_0_takes_the_limit_away() {
    for (per_second, tasks, at_most) in [(20, 1, Duration::from_secs(60)), (0, 50, Duration::from_secs(60))] {
        let transport = Patient::new(3);
        let client = client(transport.clone(), per_second, Duration::from_secs(600));
        join_all((0..tasks).map(|number| client.collect(task(number)))).await;
        let polls = transport.polls();
        assert!(polls.last().unwrap().0 < at_most);
        assert!(polls[..tasks].iter().all(|(at, _)| at.is_zero()), "the first polls are sent at once");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_turn_behind_the_deadline_keeps_the_task() {
    let transport = Patient::new(usize::MAX);
    let client = client(transport.clone(), 1, Duration::from_secs(30));
    let start = Instant::now();
    let errors = join_all((0..100).map(|number| client.collect(task(number)))).await;
    assert_eq!(start.elapsed(), Duration::from_secs(30));
    assert!((30..=31).contains(&transport.polls().len()), "one a second, and perhaps one as the time is up");
    for (number, error) in errors.into_iter().enumerate() {
        let error = error.unwrap_err();
        assert_eq!(
            (error.kind(), error.charge(), error.task()),
            (ErrorKind::Timeout, Charge::Unknown, Some(&task(number)))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_leaves_the_queue() {
    let transport = Patient::new(0);
    let client = client(transport.clone(), 1, Duration::from_secs(600));
    client.collect(task(0)).await.unwrap();
    let mut gone: Vec<_> = (1..100).map(|number| Box::pin(client.collect(task(number)))).collect();
    for waiting in &mut gone {
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    }
    drop(gone);
    client.collect(task(100)).await.unwrap();
    assert_eq!(transport.polls().last().unwrap(), &(Duration::from_secs(1), "/v1/jobs/job-100".to_owned()));
}
