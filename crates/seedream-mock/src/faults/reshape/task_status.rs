//! Tasks reported in other forms: how they are accepted, what ends them, and where their results stand.

use crate::faults::reshape::loose_json::LooseJson;
use crate::faults::shape_words::TaskFault;
use crate::response::chunk::ChunkContent;

/// Words that say that a task failed, in whatever letters.
const FAILING: [&str; 14] = [
    "failed",
    "failure",
    "fail",
    "error",
    "errored",
    "canceled",
    "cancelled",
    "expired",
    "timeout",
    "timed_out",
    "timedout",
    "aborted",
    "rejected",
    "terminated",
];

/// Whether a task with these faults ends as failed.
pub(crate) fn fails(faults: &[TaskFault]) -> bool {
    faults.iter().any(|fault| match fault {
        TaskFault::Failed | TaskFault::FailedResults => true,
        TaskFault::Word(word) => FAILING.contains(&word.as_str().to_ascii_lowercase().as_str()),
        _ => false,
    })
}

/// The response that accepts a task; `other` is an id that nothing can be asked about.
pub(crate) fn accepted(faults: &[TaskFault], id: &str, other: &str, body: ChunkContent) -> ChunkContent {
    let id = || LooseJson::value(id);
    let document = faults.iter().find_map(|fault| {
        Some(match fault {
            TaskFault::AcceptedBare => LooseJson::object([("code", LooseJson::value(&1)), ("result", id())]),
            TaskFault::AcceptedStatus => LooseJson::object([
                ("status", LooseJson::value("success")),
                ("data", LooseJson::object([("task_id", id())])),
            ]),
            TaskFault::TwoIds => {
                let mut document = LooseJson::read(&body)?;
                document.set("id", LooseJson::value(other));
                document.set("task_id", id());
                document
            }
            _ => return None,
        })
    });
    document.map_or(body, |document| document.write(false))
}

/// How a task is, in other places; `ended` says whether it has.
pub(crate) fn polled(faults: &[TaskFault], ended: bool, body: ChunkContent) -> ChunkContent {
    if faults.is_empty() {
        return body;
    }
    let Some(mut document) = LooseJson::read(&body) else { return body };
    for fault in faults {
        match fault {
            TaskFault::ResultUrl => result_url(&mut document, ended),
            TaskFault::ResultData => {
                if let Some(LooseJson::List(urls)) = document.take("results") {
                    let items = urls.into_iter().map(|url| LooseJson::object([("url", url)])).collect();
                    document.set("result", LooseJson::object([("data", LooseJson::List(items))]));
                }
            }
            TaskFault::ResultText => {
                if let Some(results) = document.get_mut("results") {
                    let text = String::from_utf8_lossy(&written(results)).into_owned();
                    *results = LooseJson::value(&text);
                }
            }
            TaskFault::EmptyResult => {
                if let Some(results) = document.get_mut("results") {
                    *results = LooseJson::List(vec![LooseJson::value("")]);
                }
            }
            _ => {}
        }
    }
    if faults.contains(&TaskFault::Envelope) {
        document = LooseJson::object([("code", LooseJson::value(&200)), ("data", document)]);
    }
    document.write(false)
}

/// One URL instead of the results, or a list where there are several; the reason of a failure beside it.
fn result_url(document: &mut LooseJson, ended: bool) {
    if let Some(LooseJson::List(mut urls)) = document.take("results") {
        let url = if urls.len() == 1 { urls.remove(0) } else { LooseJson::List(urls) };
        document.set("result_url", url);
    }
    if ended {
        let error = document.take("error");
        let reason = error.and_then(|error| error.get("message")?.text()).unwrap_or_default();
        document.set("fail_reason", LooseJson::value(&reason));
    }
}

/// A value as text; the files of images stay out.
fn written(json: &LooseJson) -> Vec<u8> {
    json.write(false).bytes(|_| bytes::Bytes::new()).into()
}
