//! What S3 refuses with: its own errors, and the document and headers that carry them.

use std::fmt::Write as _;

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use s3s::{S3Error, S3ErrorCode};
use serde::Deserialize;
use serde_json::Value;

use crate::wire::{self, Response, ServiceError};

/// Carries an error's further members from the backend through `s3s` to [`document`], which takes
/// it off again: `s3s` writes code and message only.
const MEMBERS: HeaderName = HeaderName::from_static("x-error-members");
/// `s3s` writes errors far shorter than this.
const LONGEST_DOCUMENT_BYTES: usize = 64 * 1024;

/// A refusal and the headers that go with it.
#[derive(Debug)]
pub(super) struct Refusal {
    pub error: ServiceError,
    pub headers: Vec<(&'static str, String)>,
}

/// What an operation gives back over HTTP.
pub(super) type Answer<T> = Result<T, Refusal>;

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        Self { error, headers: Vec::new() }
    }
}

impl Refusal {
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl From<Refusal> for S3Error {
    fn from(refusal: Refusal) -> Self {
        let Refusal { error, headers } = refusal;
        let Ok(code) = error.code.parse::<S3ErrorCode>();
        let mut answer = Self::with_message(code, error.message);
        answer.set_status_code(error.status);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                map.insert(HeaderName::from_static(name), value);
            }
        }
        if !error.members.is_empty() {
            let members: Vec<(&str, Value)> = error.members;
            // Escaped to ASCII, since a header carries it.
            let text = serde_json::to_string(&members).unwrap_or_default();
            if let Ok(value) = HeaderValue::from_str(&ascii(&text)) {
                map.insert(MEMBERS, value);
            }
        }
        answer.set_headers(map);
        answer
    }
}

/// The same JSON in ASCII.
fn ascii(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |mut text, letter| {
        if letter.is_ascii() && !letter.is_ascii_control() {
            text.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
        text
    })
}

/// 404 `NoSuchBucket`.
pub(super) fn no_such_bucket(bucket: &str) -> ServiceError {
    ServiceError::not_found("NoSuchBucket", "The specified bucket does not exist").with("BucketName", bucket)
}

/// 404 `NoSuchKey`.
pub(super) fn no_such_key(key: &str) -> ServiceError {
    ServiceError::not_found("NoSuchKey", "The specified key does not exist.").with("Key", key)
}

/// 404 `NoSuchVersion`.
pub(super) fn no_such_version(key: &str, version: &str) -> ServiceError {
    ServiceError::not_found("NoSuchVersion", "The specified version does not exist.")
        .with("Key", key)
        .with("VersionId", version)
}

/// 404 `NoSuchUpload`.
pub(super) fn no_such_upload(upload_id: &str) -> ServiceError {
    ServiceError::not_found(
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
         completed.",
    )
    .with("UploadId", upload_id)
}

/// 400 `InvalidArgument`.
pub(super) fn invalid_argument(message: &str, name: &str, value: &str) -> ServiceError {
    ServiceError::bad_request("InvalidArgument", message).with("ArgumentName", name).with("ArgumentValue", value)
}

/// 412 `PreconditionFailed` on a condition (`If-Match`, …).
pub(super) fn precondition_failed(condition: &str) -> ServiceError {
    ServiceError::new(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        .with("Condition", condition)
}

/// 403 `AccessDenied`.
pub(super) fn access_denied() -> ServiceError {
    ServiceError::new(403, "AccessDenied", "Access Denied")
}

/// 501 `NotImplemented`, naming what of S3 this cloud does not act on.
pub(super) fn not_offered(what: &str) -> ServiceError {
    ServiceError::new(501, "NotImplemented", format!("The embedded cloud does not support {what}."))
}

/// 400 `MalformedXML`.
pub(super) fn malformed_xml() -> ServiceError {
    ServiceError::bad_request(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

/// 500 for what the disk answers.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(super) fn disk(error: std::io::Error) -> ServiceError {
    ServiceError::new(
        500,
        "InternalError",
        format!("We encountered an internal error: the body could not be kept or read: {error}"),
    )
}

/// The words of S3 for the codes that `s3s` gives by itself, in its own words or none.
fn words(code: &str) -> Option<&'static str> {
    Some(match code {
        "AccessDenied" => "Access Denied",
        "ExpiredToken" => "The provided token has expired.",
        "IncompleteBody" => "You did not provide the number of bytes specified by the Content-Length HTTP header",
        "InvalidAccessKeyId" => "The AWS Access Key Id you provided does not exist in our records.",
        "InvalidBucketName" => "The specified bucket is not valid.",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "KeyTooLongError" => "Your key is too long",
        "MalformedXML" => "The XML you provided was not well-formed or did not validate against our published schema",
        "MaxMessageLengthExceeded" => "Your request was too big.",
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "MissingRequestBodyError" => "Request body is empty.",
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "RequestTimeTooSkewed" => "The difference between the request time and the current time is too large.",
        "SignatureDoesNotMatch" => {
            "The request signature we calculated does not match the signature you provided. Check your key and \
             signing method."
        }
        _ => return None,
    })
}

#[derive(Default, Deserialize)]
struct Written {
    #[serde(rename = "Code", default)]
    code: String,
    #[serde(rename = "Message")]
    message: Option<String>,
}

/// Gives a refusal that `s3s` wrote the document of S3, with the members, ids and words that it
/// has there. `about` are the members that the request tells. A HEAD's refusal has no body.
pub(super) async fn document(
    response: http::Response<s3s::Body>,
    is_head: bool,
    about: impl FnOnce(&str, &str) -> Vec<(&'static str, String)>,
) -> Response {
    let (mut parts, body) = response.into_parts();
    let members = parts.headers.remove(MEMBERS);
    let bytes = Limited::new(body, LONGEST_DOCUMENT_BYTES).collect().await.map(http_body_util::Collected::to_bytes);
    let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()).unwrap_or_default();
    let Written { code, message } = quick_xml::de::from_str(&text).unwrap_or_default();
    let mut error = ServiceError::new(parts.status.as_u16(), code, message.unwrap_or_default());
    if let Some(members) =
        members.and_then(|value| serde_json::from_slice::<Vec<(String, Value)>>(value.as_bytes()).ok())
    {
        return written(&error, &members, is_head, parts.headers);
    }
    let further: Vec<(String, Value)> = about(&error.code, &error.message)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect();
    // What `s3s` says when a presigned address has expired is what S3 says.
    if error.message != "Request has expired"
        && let Some(words) = words(&error.code)
    {
        words.clone_into(&mut error.message);
    }
    written(&error, &further, is_head, parts.headers)
}

/// A refusal that never reached `s3s`.
pub(super) fn at_once(error: &ServiceError, is_head: bool) -> Response {
    let members: Vec<(String, Value)> =
        error.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    written(error, &members, is_head, HeaderMap::new())
}

fn written(error: &ServiceError, members: &[(String, Value)], is_head: bool, mut headers: HeaderMap) -> Response {
    let request_id = wire::new_request_id();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    element(&mut text, "Code", &error.code);
    element(&mut text, "Message", &error.message);
    for (name, value) in members {
        match value {
            Value::String(value) => element(&mut text, name, value),
            value => element(&mut text, name, &value.to_string()),
        }
    }
    element(&mut text, "RequestId", &request_id);
    element(&mut text, "HostId", &host_id(&request_id));
    text.push_str("</Error>");
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    let bodiless = is_head || error.status == StatusCode::NOT_MODIFIED;
    let mut response = Response::new(if bodiless { Body::empty() } else { Body::from(text) });
    *response.status_mut() = error.status;
    *response.headers_mut() = headers;
    identify(response.headers_mut(), &request_id);
    response
}

/// Puts on an answer what every answer of S3 carries.
pub(super) fn identify(headers: &mut HeaderMap, request_id: &str) {
    for (name, value) in [("x-amz-request-id", request_id.to_owned()), ("x-amz-id-2", host_id(request_id))] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers.insert(header::SERVER, HeaderValue::from_static("AmazonS3"));
}

fn host_id(request_id: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(request_id)
}

fn element(text: &mut String, name: &str, value: &str) {
    let value = quick_xml::escape::escape(value);
    text.extend(["<", name, ">", &value, "</", name, ">"]);
}
