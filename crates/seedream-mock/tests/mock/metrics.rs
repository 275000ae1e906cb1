//! The metrics, read by a parser of Prometheus' text format.

use std::collections::BTreeMap;

use prometheus_parse::{Scrape, Value};
use seedream_mock::MockServer;
use serde_json::json;

use crate::http1_client::{get, post, send};

const ARK: &str = "/ark/api/v3/images/generations";
const EVOLINK: &str = "/evolink/v1/images/generations";

fn scrape(text: &str) -> Scrape {
    Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap()
}

/// The values of a metric, by its labels in the order of their names.
fn values(scrape: &Scrape, metric: &str) -> BTreeMap<String, f64> {
    let named = scrape.samples.iter().filter(|sample| sample.metric == metric);
    let of = named.map(|sample| {
        let labels: BTreeMap<_, _> = sample.labels.iter().collect();
        let value = match &sample.value {
            Value::Counter(value) | Value::Gauge(value) => *value,
            other => panic!("{metric}: {other:?}"),
        };
        (labels.into_values().cloned().collect::<Vec<_>>().join(" "), value)
    });
    of.collect()
}

fn map(values: &[(&str, f64)]) -> BTreeMap<String, f64> {
    values.iter().map(|(labels, value)| ((*labels).to_owned(), *value)).collect()
}

fn nonzero(values: BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    values.into_iter().filter(|(_, value)| *value != 0.0).collect()
}

#[tokio::test]
async fn requests_images_bills_faults_tasks_and_latency_are_counted() {
    let mock = MockServer::start().await.unwrap();
    let kite = json!({ "model": "doubao-seedream-4-0-250828", "prompt": "a secret kite" });
    let made = post(&mock, ARK, &kite).await.json();
    get(&mock, made["data"][0]["url"].as_str().unwrap()).await;
    let faulty = [("authorization", "Bearer sk-secret"), ("x-mock-fault", "status=503 retry-after=7")];
    send(&mock, "POST", ARK, &faulty, kite.to_string().as_bytes()).await.unwrap();
    let group = json!({ "model": "doubao-seedream-4.5", "prompt": "two views", "n": 2 });
    let first = post(&mock, EVOLINK, &group).await.json();
    post(&mock, "/s/blue/evolink/v1/images/generations", &group).await;
    for _ in 0..3 {
        get(&mock, &format!("/evolink/v1/tasks/{}", first["id"].as_str().unwrap())).await;
    }
    for path in ["/secret/one", "/secret/two"] {
        get(&mock, path).await;
    }

    let response = get(&mock, "/metrics").await;
    assert_eq!(response.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(!response.text().contains("secret"), "{}", response.text());
    let scraped = scrape(response.text());
    let requests = [
        ("ark create 200", 1.0),
        ("ark create 503", 1.0),
        ("ark image 200", 1.0),
        ("evolink create 200", 2.0),
        ("evolink task 200", 3.0),
        (" other 404", 2.0),
    ];
    assert_eq!(values(&scraped, "seedream_mock_requests_total"), map(&requests));
    let images = nonzero(values(&scraped, "seedream_mock_images_total"));
    assert_eq!(images, map(&[("ark", 1.0), ("evolink", 4.0)]));
    let paid = nonzero(values(&scraped, "seedream_mock_billed_images"));
    assert_eq!(paid, map(&[("ark", 1.0), ("evolink", 4.0)]));
    let ledger: f64 = mock.ledger().iter().filter_map(|bill| bill.credits).sum();
    assert_eq!(nonzero(values(&scraped, "seedream_mock_billed_credits")), map(&[("evolink", ledger)]));
    let faults = values(&scraped, "seedream_mock_faults_total");
    assert_eq!(faults, map(&[("retry-after", 1.0), ("status", 1.0)]));
    let tasks = nonzero(values(&scraped, "seedream_mock_tasks"));
    assert_eq!(tasks, map(&[("completed", 1.0), ("pending", 1.0)]));
    let latency = scraped.samples.iter().find(|sample| sample.metric == "seedream_mock_response_seconds").unwrap();
    let Value::Histogram(steps) = &latency.value else { panic!("{latency:?}") };
    assert!(steps.windows(2).all(|pair| pair[0].count <= pair[1].count));
    let last = steps.last().unwrap();
    assert!(last.less_than.is_infinite() && last.count == 10.0, "{steps:?}");
    assert_eq!(get(&mock, "/__mock/v1/metrics").await.text(), response.text(), "a look counts as no request");

    // A reset empties the ledger, and no counter goes back.
    post(&mock, "/__mock/v1/reset", &json!({ "clear": ["session"] })).await;
    let after = scrape(get(&mock, "/metrics").await.text());
    assert_eq!(values(&after, "seedream_mock_requests_total"), map(&requests));
    assert_eq!(nonzero(values(&after, "seedream_mock_billed_images")), map(&[("evolink", 2.0)]));
}

#[tokio::test]
async fn with_an_admin_token_metrics_need_it() {
    let mock = MockServer::builder().admin_token("t0ken").start().await.unwrap();
    for path in ["/metrics", "/__mock/v1/metrics"] {
        assert_eq!(get(&mock, path).await.status, 401, "{path}");
        let response = send(&mock, "GET", path, &[("authorization", "Bearer t0ken")], b"").await.unwrap();
        assert!(response.status == 200 && !response.text().contains("t0ken"), "{path}");
        assert_eq!(send(&mock, "POST", path, &[("authorization", "Bearer t0ken")], b"").await.unwrap().status, 405);
    }
}
