//! Decodes tasks. Statuses are `pending`, `processing`, `completed` and `failed`, results are URLs in `results`
//! (docs.evolink.ai, seedream-4.5-image-generate).

use std::time::Duration;

use seedream_core::{Charge, ModelId};
use seedream_wire::{Reader, Tasks};

use crate::error_codes;

/// "The links of images are good for 24 hours."
const LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The task decoder.
pub(crate) fn tasks(model: &ModelId) -> Tasks {
    Tasks {
        reader: Reader { model: model.clone(), kind_of: error_codes::of_http, lifetime: Some(LIFETIME) },
        kind_of_failure: error_codes::of_task,
        results: "results",
        // The charge depends on the number of generated images.
        failed: Charge::No,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use seedream_core::{Decoded, ErrorKind, Response, Task, TaskId, TaskState, Timestamp};

    use super::*;

    fn response(body: &'static str) -> Response {
        Response::new(StatusCode::OK, HeaderMap::new(), body, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn an_accepted_task_is_found_in_every_shape() {
        for (body, id) in [
            (r#"{"id":"task-unified-1-a","status":"pending"}"#, "task-unified-1-a"),
            (r#"{"id":12345,"status":"pending"}"#, "12345"),
            (r#"{"task_id":"t-2","status":"pending"}"#, "t-2"),
            (r#"{"code":200,"data":{"id":"t-3","status":"submitted"}}"#, "t-3"),
        ] {
            let Ok(Decoded::Accepted(acceptance)) = tasks(&"m".into()).accepted(&response(body)) else {
                panic!("{body}")
            };
            assert_eq!(acceptance.id.as_str(), id);
        }
        let error = tasks(&"m".into()).accepted(&response(r#"{"created":1,"id":"../x"}"#)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedResponse);
        assert_eq!(error.charge(), Charge::Unknown);
    }

    #[test]
    fn an_array_names_no_task() {
        for body in ["[1]", r#"["task-unified-1-a"]"#, r#"{"data":[1]}"#] {
            let error = tasks(&"m".into()).accepted(&response(body)).unwrap_err();
            assert_eq!((error.kind(), error.charge()), (ErrorKind::MalformedResponse, Charge::Unknown), "{body}");
        }
    }

    #[test]
    fn finished_images_are_found_in_every_shape() {
        let task = Task::new("evolink", "https://a.example", TaskId::new("t").unwrap(), "m".into());
        for (body, count) in [
            (r#"{"status":"completed","results":["https://p/0","https://p/1"]}"#, 2),
            (r#"{"status":"completed","results":"https://p/0"}"#, 1),
            (r#"{"status":"completed","results":[{"url":"https://p/0"}]}"#, 1),
            (r#"{"id":1,"status":"completed","results":[],"result_data":[{"image_url":"https://p/0"}]}"#, 1),
            (r#"{"data":{"status":"completed","results":["https://p/0"]}}"#, 1),
        ] {
            let Ok(TaskState::Done(generation)) = tasks(&task.model).state(&task, &response(body)) else {
                panic!("{body}")
            };
            assert_eq!(generation.images().count(), count, "{body}");
        }
    }
}
