//! Error codes that several providers share, since relays forward them.
//!
//! An adapter's `error_codes.rs` checks its own table first, then these.

use seedream_core::{ErrorKind, Medium, Stage};

/// The codes of Ark (public: its error code page of 2026-08-18).
pub fn ark(code: &str) -> Option<ErrorKind> {
    Some(match code {
        // The suffix after the dot names the missing or invalid member.
        _ if starts(code, &["MissingParameter", "InvalidParameter", "InvalidArgumentError"]) => {
            ErrorKind::InvalidRequest
        }
        // A reference that is empty, not an image, or cannot be fetched.
        _ if starts(code, &["InvalidImageURL"]) => ErrorKind::ReferenceImage,
        "OutofContextError" | "InvalidEndpoint.ClosedEndpoint" | "BadRequest" => ErrorKind::InvalidRequest,
        // Moderation names the rejected content.
        _ if starts(code, &["InputText"]) => ErrorKind::rejected(Stage::Input, Medium::Text),
        _ if starts(code, &["InputImage"]) => ErrorKind::rejected(Stage::Input, Medium::Image),
        _ if starts(code, &["OutputText"]) => ErrorKind::rejected(Stage::Output, Medium::Text),
        _ if starts(code, &["OutputImage"]) => ErrorKind::rejected(Stage::Output, Medium::Image),
        _ if starts(code, &["SensitiveContentDetected"]) => ErrorKind::rejected(Stage::Unknown, Medium::Unknown),
        // Moderation itself failed: temporary, but only a response that is a refusal is sent again.
        "ContentSecurityDetectionError" => ErrorKind::Overloaded,
        "AuthenticationError" => ErrorKind::Authentication,
        // The account or its balance.
        "AccountOverdueError" | "InvalidSubscription" | "OperationDenied.ServiceOverdue" => ErrorKind::Balance,
        "InvalidAccountStatus" | "AccessDenied" | "ModelNotOpen" => ErrorKind::PermissionDenied,
        _ if starts(code, &["OperationDenied"]) => ErrorKind::PermissionDenied,
        "UnsupportedModel" => ErrorKind::ModelNotFound,
        _ if starts(code, &["InvalidEndpointOrModel", "NotFound"]) => ErrorKind::ModelNotFound,
        // Temporary limits.
        "RequestBurstTooFast" | "AccountRateLimitExceeded" => ErrorKind::RateLimited,
        _ if starts(code, &["RateLimitExceeded"]) || code.ends_with("RateLimitExceeded") => ErrorKind::RateLimited,
        "ServerOverloaded" | "InflightBatchsizeExceeded" => ErrorKind::Overloaded,
        // The window of a plan, a free trial, or a limit that the owner set.
        "QuotaExceeded" | "SetLimitExceeded" => ErrorKind::QuotaExhausted,
        "InternalServiceError" => ErrorKind::Server,
        _ => return None,
    })
}

/// The codes of new-api and its forks (public: its source), the software that several resellers run.
pub fn new_api(code: &str) -> Option<ErrorKind> {
    Some(match code {
        "invalid_request" | "bad_request_body" | "convert_request_failed" | "read_request_body_failed" => {
            ErrorKind::InvalidRequest
        }
        // Their own word lists, checked before the request is forwarded.
        "sensitive_words_detected" | "prompt_blocked" => ErrorKind::rejected(Stage::Input, Medium::Text),
        "invalid_api_key" => ErrorKind::Authentication,
        "access_denied" => ErrorKind::PermissionDenied,
        "insufficient_user_quota" => ErrorKind::Balance,
        // The quota of this key.
        "pre_consume_token_quota_failed" => ErrorKind::QuotaExhausted,
        "model_not_found" => ErrorKind::ModelNotFound,
        "token_concurrency_limit_reached" | "rate_limit_exceeded" => ErrorKind::RateLimited,
        // No channel is available, or the channel returned no usable response.
        "get_channel_failed" | "do_request_failed" | "bad_response" | "bad_response_body" | "empty_response" => {
            ErrorKind::Server
        }
        _ if starts(code, &["channel:"]) => ErrorKind::Server,
        _ => return None,
    })
}

/// Whether a code is one of `families`, or one of them with a suffix, with or without a dot.
fn starts(code: &str, families: &[&str]) -> bool {
    families.iter().any(|family| code.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_codes_are_understood() {
        let rejected = ErrorKind::rejected;
        for (kind, codes) in [
            (ErrorKind::InvalidRequest, &["MissingParameter.prompt", "InvalidParameter.UnsupportedParameter"][..]),
            (ErrorKind::InvalidRequest, &["InvalidArgumentError.x", "OutofContextError", "BadRequest"]),
            (ErrorKind::InvalidRequest, &["InvalidEndpoint.ClosedEndpoint"]),
            (ErrorKind::ReferenceImage, &["InvalidImageURL.EmptyURL"]),
            (rejected(Stage::Input, Medium::Text), &["InputTextSensitiveContentDetected"]),
            (rejected(Stage::Input, Medium::Image), &["InputImageSensitiveContentDetected.PrivacyInformation"]),
            (rejected(Stage::Output, Medium::Text), &["OutputTextSensitiveContentDetected"]),
            (rejected(Stage::Output, Medium::Image), &["OutputImageRiskDetection"]),
            (rejected(Stage::Unknown, Medium::Unknown), &["SensitiveContentDetected.Violence"]),
            (
                ErrorKind::Overloaded,
                &["ContentSecurityDetectionError", "ServerOverloaded", "InflightBatchsizeExceeded"],
            ),
            (ErrorKind::Authentication, &["AuthenticationError"]),
            (ErrorKind::Balance, &["AccountOverdueError", "InvalidSubscription", "OperationDenied.ServiceOverdue"]),
            (ErrorKind::PermissionDenied, &["InvalidAccountStatus", "AccessDenied", "ModelNotOpen"]),
            (ErrorKind::PermissionDenied, &["OperationDenied.ServiceNotOpen"]),
            (ErrorKind::ModelNotFound, &["UnsupportedModel", "InvalidEndpointOrModel.NotFound", "NotFound"]),
            (ErrorKind::RateLimited, &["RequestBurstTooFast", "AccountRateLimitExceeded"]),
            (ErrorKind::RateLimited, &["ModelAccountIpmRateLimitExceeded", "RateLimitExceeded.EndpointRPMExceeded"]),
            (ErrorKind::QuotaExhausted, &["QuotaExceeded", "SetLimitExceeded"]),
            (ErrorKind::Server, &["InternalServiceError"]),
        ] {
            codes.iter().for_each(|code| assert_eq!(ark(code), Some(kind), "{code}"));
        }
        assert_eq!(ark("SomethingNew"), None);
    }

    #[test]
    fn codes_of_relays_are_understood() {
        for (kind, codes) in [
            (ErrorKind::InvalidRequest, &["invalid_request", "bad_request_body", "convert_request_failed"][..]),
            (ErrorKind::rejected(Stage::Input, Medium::Text), &["sensitive_words_detected", "prompt_blocked"]),
            (ErrorKind::Authentication, &["invalid_api_key"]),
            (ErrorKind::PermissionDenied, &["access_denied"]),
            (ErrorKind::Balance, &["insufficient_user_quota"]),
            (ErrorKind::QuotaExhausted, &["pre_consume_token_quota_failed"]),
            (ErrorKind::ModelNotFound, &["model_not_found"]),
            (ErrorKind::RateLimited, &["token_concurrency_limit_reached", "rate_limit_exceeded"]),
            (ErrorKind::Server, &["get_channel_failed", "do_request_failed", "bad_response", "empty_response"]),
            (ErrorKind::Server, &["channel:no_available_key"]),
        ] {
            codes.iter().for_each(|code| assert_eq!(new_api(code), Some(kind), "{code}"));
        }
        assert_eq!(new_api("something_new"), None);
    }
}
