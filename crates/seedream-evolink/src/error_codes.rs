//! The meaning of the error codes of docs.evolink.ai, seedream-4.5-image-generate, and of its sibling pages. Older pages print the status
//! as the code; such errors are classified by status.

use seedream_core::{ErrorKind, Medium, Stage};

/// Codes of an HTTP error.
pub(crate) fn of_http(status: u16, code: &str) -> Option<ErrorKind> {
    Some(match code {
        "invalid_request" => ErrorKind::InvalidRequest,
        // A poll whose id does not begin with `task-unified-`.
        "invalid_task_id" => ErrorKind::InvalidRequest,
        // "Invalid or expired token."
        "unauthorized" => ErrorKind::Authentication,
        // "Insufficient quota. Please top up your account." The poll page spells the second.
        "insufficient_quota" | "quota_exceeded" => ErrorKind::Balance,
        // "Token does not have access to model."
        "model_access_denied" | "permission_denied" => ErrorKind::PermissionDenied,
        "task_not_found" => ErrorKind::TaskNotFound,
        // Stated for tasks only; a gateway that looks at the prompt before it accepts the task can have no other code for it.
        "content_policy_violation" => ErrorKind::rejected(Stage::Unknown, Medium::Unknown),
        "rate_limit_exceeded" => ErrorKind::RateLimited,
        "internal_error" => ErrorKind::Server,
        // Older pages, by status only: an unknown model, and a reference that is too large.
        "" if status == 404 => ErrorKind::ModelNotFound,
        "" if status == 413 => ErrorKind::ReferenceImage,
        _ => return None,
    })
}

/// Codes of a failed task (public page of error codes). Another poll does not change them; only a new request does.
pub(crate) fn of_task(code: &str) -> Option<ErrorKind> {
    Some(match code {
        // Only the message states which of the two was rejected.
        "content_policy_violation" => ErrorKind::rejected(Stage::Unknown, Medium::Unknown),
        "invalid_parameters" => ErrorKind::InvalidRequest,
        "image_processing_error" | "image_dimension_mismatch" => ErrorKind::ReferenceImage,
        "request_cancelled" => ErrorKind::Cancelled,
        // In a task this code means rate or concurrency, not the account.
        "quota_exceeded" => ErrorKind::RateLimited,
        "resource_exhausted" => ErrorKind::Overloaded,
        "generation_failed_no_content"
        | "generation_timeout"
        | "resource_not_found"
        | "service_error"
        | "service_unavailable"
        | "unknown_error" => ErrorKind::TaskFailed,
        _ => return None,
    })
}
