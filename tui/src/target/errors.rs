//! The SDK's errors in words, and what they mean whatever the operation.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// An SDK error in one line: the service's code and words where it answered, else what failed on
/// the way there.
pub fn error_text<E, R>(error: &SdkError<E, R>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug,
{
    if let Some(service) = error.as_service_error() {
        return match (service.code(), service.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            _ => service.to_string(),
        };
    }
    causes(error)
}

/// An error with everything that caused it, in one line.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = cause.source();
    }
    text
}

/// Codes that say that the one who answered has no such operation: those of AWS's protocols, and of
/// servers that speak like AWS.
const UNKNOWN_OPERATION: [&str; 9] = [
    "UnknownOperationException",
    "UnknownOperation",
    "InvalidAction",
    "UnknownAction",
    "NotImplemented",
    "NotImplementedError",
    "NotImplementedException",
    "UnsupportedOperation",
    "UnsupportedOperationException",
];

/// Whether whoever answered has no such operation, as servers do that speak like AWS but are not.
/// AWS itself has every operation that this program knows; ask [`super::Target::lacks`] to have the
/// place taken into account.
pub fn is_unknown_operation<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: ProvideErrorMetadata,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    if code.is_some_and(|code| UNKNOWN_OPERATION.contains(&code)) {
        return true;
    }
    let Some(status) = error.raw_response().map(|response| response.status().as_u16()) else { return false };
    match status {
        501 => true,
        // No code of its own: nobody knew the path or the target. S3's answers to HEAD have none either,
        // and mean that the object is not there.
        404 | 405 => code.is_none_or(|code| code == "MethodNotAllowed" || code == "404" || code == "405"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};

    use super::*;

    fn answer(status: u16, code: Option<&str>) -> SdkError<ErrorMetadata, HttpResponse> {
        let mut metadata = ErrorMetadata::builder();
        if let Some(code) = code {
            metadata = metadata.code(code);
        }
        let status = StatusCode::try_from(status).expect("a status");
        SdkError::service_error(metadata.build(), HttpResponse::new(status, SdkBody::empty()))
    }

    #[test]
    fn an_operation_that_is_not_there_is_told_from_one_that_fails() {
        for (status, code) in [
            // AWS JSON protocols (Smithy specification), the query protocol, S3, other servers.
            (404, Some("UnknownOperationException")),
            (400, Some("InvalidAction")),
            (501, Some("NotImplemented")),
            (501, Some("InternalFailure")),
            (501, None),
            (404, None),
            (405, Some("MethodNotAllowed")),
        ] {
            assert!(is_unknown_operation(&answer(status, code)), "{status} {code:?}");
        }
        for (status, code) in [
            (400, Some("ResourceNotFoundException")),
            (404, Some("NoSuchBucket")),
            (404, Some("ResourceNotFoundException")),
            (403, Some("AccessDenied")),
            (500, None),
        ] {
            assert!(!is_unknown_operation(&answer(status, code)), "{status} {code:?}");
        }
    }
}
