use seedream::adapters::{Ark, Evolink};
use seedream::seedream_core::{GeneratedImage, ImageData, TaskId};
use seedream::{Client, ImageProvider as _, ImageRequest, Task};
use serde_json::json;

use super::*;

fn status(plan: &Plan, requests: u32) -> Status {
    let mut status = Status::default();
    status.expect(plan, requests);
    status
}

fn ark() -> Plan {
    let client = Client::builder(Ark).key("k").build().unwrap();
    client.plan(&ImageRequest::new("doubao-seedream-4-0-250828", "a kite")).unwrap()
}

fn made() -> JobEvent {
    let data = ImageData::Bytes("image".into());
    JobEvent::Image(GeneratedImage::new(0, data))
}

fn saved() -> JobEvent {
    let image = json!({"index": 0, "file": "out/ark-0.jpg", "width": null, "height": null, "media_type": "image/jpeg",
        "bytes": 1, "sha256": "00", "url": null, "expires_at": null, "other": {}, "warnings": []});
    JobEvent::Saved(serde_json::from_value(image).unwrap())
}

/// The line after each event, with the estimated time and whether it is printed without a terminal.
fn lines(status: &mut Status, events: &[(u64, JobEvent)]) -> String {
    let mut lines = vec![status.short()];
    for (second, event) in events {
        let is_news = status.update(event, Duration::from_secs(*second));
        let of = status.estimate().map(|total| format!("; of {}", seconds(total))).unwrap_or_default();
        lines.push(format!("{}{of}{}", status.short(), if is_news { "; printed" } else { "" }));
    }
    lines.join("\n")
}

#[test]
fn a_task_is_queued_then_in_progress_then_saved() {
    let client = Client::builder(Evolink).key("k").build().unwrap();
    let mut status = status(&client.plan(&ImageRequest::new("seedream-4.5", "a kite")).unwrap(), 1);
    let mut task = Task::new("evolink", "https://e.example", TaskId::new("t-1").unwrap(), "seedream-4.5".into());
    task.estimated_seconds = Some(45);
    task.usage.reserved = Some(Amount::micros(1_800_000, "credits"));
    let progress = |percent| JobEvent::Progress { status: "processing".to_owned(), percent };
    let events = [
        (1, JobEvent::Accepted { task, record: None }),
        (8, progress(None)),
        (20, progress(Some(40))),
        (60, made()),
        (61, saved()),
    ];
    insta::assert_snapshot!(lines(&mut status, &events), @r"
    sending
    queued, 1.8 credits reserved; of 46s
    processing, 1.8 credits reserved; of 46s; printed
    processing 40%, 1.8 credits reserved; of 50s
    saving, 1.8 credits reserved; of 50s
    1 saved, 1.8 credits reserved
    ");
}

#[test]
fn several_images_are_counted_and_paid() {
    let mut status = status(&ark(), 4);
    let retrying =
        |attempt, milliseconds, kind| JobEvent::Retrying { attempt, wait: Duration::from_millis(milliseconds), kind };
    let events = [
        (1, retrying(2, 500, ErrorKind::RateLimited)),
        (2, retrying(3, 0, ErrorKind::Transport)),
        (65, made()),
        (65, saved()),
        (66, made()),
        (67, JobEvent::Waiting),
    ];
    insta::assert_snapshot!(lines(&mut status, &events), @r"
    sending
    rate limited, retrying in 0.5 s (2 of 3); printed
    no connection, trying the next endpoint (3 of 3); printed
    saving, 0.03 USD spent
    1 of 4 saved, 0.03 USD spent; of 4m20s
    saving, 1 of 4 saved, 0.06 USD spent; of 4m20s
    waiting for the response, 1 of 4 saved, 0.06 USD spent; of 4m20s
    ");
}

#[test]
fn the_words_of_a_provider_do_not_control_the_terminal() {
    let mut status = Status::default();
    status.update(&JobEvent::Progress { status: "a\u{1b}[2Jb\nc".to_owned(), percent: None }, Duration::ZERO);
    assert_eq!(status.short(), "a [2Jb c");
}
