//! Lambda's HTTP: the operation in method and path; an invocation's settings in headers, its
//! payload as the body.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{
    LARGEST_EVENT_BYTES, LARGEST_SYNCHRONOUS_BYTES, LATEST, Lambda, Reference, Work, check_size, invalid,
    operations::take_reference, settings::not_in_set,
};
use crate::{
    caller::Caller,
    wire::{
        Input, Request, Response, ServiceError, ServiceResult, new_request_id,
        rest_json::{self, Matched, Route, body, route},
    },
};

/// The operations offered.
const ROUTES: &[Route] = &[
    ("CreateFunction", "POST", "/2015-03-31/functions", 201),
    ("ListFunctions", "GET", "/2015-03-31/functions", 200),
    ("GetFunction", "GET", "/2015-03-31/functions/{FunctionName}", 200),
    ("DeleteFunction", "DELETE", "/2015-03-31/functions/{FunctionName}", 204),
    ("GetFunctionConfiguration", "GET", "/2015-03-31/functions/{FunctionName}/configuration", 200),
    ("UpdateFunctionConfiguration", "PUT", "/2015-03-31/functions/{FunctionName}/configuration", 200),
    ("UpdateFunctionCode", "PUT", "/2015-03-31/functions/{FunctionName}/code", 200),
    ("ListVersionsByFunction", "GET", "/2015-03-31/functions/{FunctionName}/versions", 200),
    (INVOKE, "POST", "/2015-03-31/functions/{FunctionName}/invocations", 200),
    ("GetPolicy", "GET", "/2015-03-31/functions/{FunctionName}/policy", 200),
    ("AddPermission", "POST", "/2015-03-31/functions/{FunctionName}/policy", 201),
    ("RemovePermission", "DELETE", "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", 204),
    ("PutFunctionConcurrency", "PUT", "/2017-10-31/functions/{FunctionName}/concurrency", 200),
    ("DeleteFunctionConcurrency", "DELETE", "/2017-10-31/functions/{FunctionName}/concurrency", 204),
    ("GetFunctionConcurrency", "GET", "/2019-09-30/functions/{FunctionName}/concurrency", 200),
    ("ListTags", "GET", "/2017-03-31/tags/{Resource}", 200),
    ("TagResource", "POST", "/2017-03-31/tags/{Resource}", 204),
    ("UntagResource", "DELETE", "/2017-03-31/tags/{Resource}", 204),
    ("GetAccountSettings", "GET", "/2016-08-19/account-settings", 200),
    // Known, so that a refusal can name them.
    ("PublishVersion", "POST", "/2015-03-31/functions/{FunctionName}/versions", 201),
    ("InvokeAsync", "POST", "/2014-11-13/functions/{FunctionName}/invoke-async", 202),
    ("InvokeWithResponseStream", "POST", "/2021-11-15/functions/{FunctionName}/response-streaming-invocations", 200),
    ("CreateAlias", "POST", "/2015-03-31/functions/{FunctionName}/aliases", 201),
    ("ListAliases", "GET", "/2015-03-31/functions/{FunctionName}/aliases", 200),
    ("GetAlias", "GET", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 200),
    ("UpdateAlias", "PUT", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 200),
    ("DeleteAlias", "DELETE", "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 204),
    ("CreateEventSourceMapping", "POST", "/2015-03-31/event-source-mappings", 202),
    ("ListEventSourceMappings", "GET", "/2015-03-31/event-source-mappings", 200),
    ("GetEventSourceMapping", "GET", "/2015-03-31/event-source-mappings/{UUID}", 200),
    ("UpdateEventSourceMapping", "PUT", "/2015-03-31/event-source-mappings/{UUID}", 202),
    ("DeleteEventSourceMapping", "DELETE", "/2015-03-31/event-source-mappings/{UUID}", 202),
    ("ListLayers", "GET", "/2018-10-31/layers", 200),
    ("PublishLayerVersion", "POST", "/2018-10-31/layers/{LayerName}/versions", 201),
    ("ListLayerVersions", "GET", "/2018-10-31/layers/{LayerName}/versions", 200),
    ("CreateFunctionUrlConfig", "POST", "/2021-10-31/functions/{FunctionName}/url", 201),
    ("GetFunctionUrlConfig", "GET", "/2021-10-31/functions/{FunctionName}/url", 200),
    ("UpdateFunctionUrlConfig", "PUT", "/2021-10-31/functions/{FunctionName}/url", 200),
    ("DeleteFunctionUrlConfig", "DELETE", "/2021-10-31/functions/{FunctionName}/url", 204),
    ("PutFunctionEventInvokeConfig", "PUT", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200),
    ("UpdateFunctionEventInvokeConfig", "POST", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200),
    ("GetFunctionEventInvokeConfig", "GET", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 200),
    ("DeleteFunctionEventInvokeConfig", "DELETE", "/2019-09-25/functions/{FunctionName}/event-invoke-config", 204),
    ("PutProvisionedConcurrencyConfig", "PUT", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 202),
    ("GetProvisionedConcurrencyConfig", "GET", "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 200),
    ("GetFunctionCodeSigningConfig", "GET", "/2020-06-30/functions/{FunctionName}/code-signing-config", 200),
    ("PutRuntimeManagementConfig", "PUT", "/2021-07-20/functions/{FunctionName}/runtime-management-config", 200),
    ("GetRuntimeManagementConfig", "GET", "/2021-07-20/functions/{FunctionName}/runtime-management-config", 200),
    ("PutFunctionRecursionConfig", "PUT", "/2024-08-31/functions/{FunctionName}/recursion-config", 200),
    ("GetFunctionRecursionConfig", "GET", "/2024-08-31/functions/{FunctionName}/recursion-config", 200),
];
const INVOKE: &str = "Invoke";
/// How long Lambda waits before it tries a queued invocation again: after a minute, and once more
/// after two.
const RETRY_AFTER: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];
/// How long a throttled queued invocation waits.
const THROTTLED_AGAIN: Duration = Duration::from_secs(1);

/// Whether Lambda has this operation.
pub(crate) fn has_operation(name: &str) -> bool {
    ROUTES.iter().any(|(operation, ..)| *operation == name)
}

/// The operation that a request asks for.
pub(crate) fn operation_of(request: &Request) -> Option<&'static str> {
    route(ROUTES, request.method(), request.uri().path(), request.uri().query()).map(|matched| matched.operation)
}

/// Answers a request.
pub(super) async fn answer(lambda: &Arc<Lambda>, caller: &Caller, request: &Request) -> Response {
    let Some(matched) = route(ROUTES, request.method(), request.uri().path(), request.uri().query()) else {
        let named = format!("{} {}", request.method(), request.uri().path());
        return rest_json::answer(Err(ServiceError::unknown_operation("Lambda", &named)), 200, error_body);
    };
    if matched.operation == INVOKE {
        let result = async {
            let call = InvokeRequest::from_http(lambda, &matched, request)?;
            invoke(lambda, call).await
        };
        return match result.await {
            Ok(answer) => answer.into_response(),
            Err(error) => rest_json::answer(Err(error), 200, error_body),
        };
    }
    let status = matched.status;
    let result = async {
        let operation = matched.operation;
        let input = input(matched, request)?;
        lambda.call(caller, operation, input).await
    };
    rest_json::answer(result.await, status, error_body)
}

/// The body of an error: whose fault it is, its message and the members of its shape. Lambda's
/// exceptions disagree on the name of their message, and clients read the one of their model.
pub(crate) fn error_body(error: &ServiceError) -> Value {
    let message = match error.code.as_str() {
        "ResourceNotFoundException" | "ServiceException" => "Message",
        _ => "message",
    };
    let fault = if error.status.is_client_error() { "User" } else { "Service" };
    let mut body = json!({"Type": fault, message: error.message});
    for (name, value) in &error.members {
        body[*name] = value.clone();
    }
    body
}

/// The members of body, query and path.
fn input(matched: Matched, request: &Request) -> ServiceResult<Input> {
    let mut members = body(request)?;
    for (name, mut values) in matched.query {
        if name == "tagKeys" {
            members.insert("TagKeys".to_owned(), json!(values));
        } else if let Some(value) = values.pop() {
            members.insert(name, value.into());
        }
    }
    members.extend(matched.path);
    Input::new(matched.operation, Value::Object(members))
}

/// How an invocation is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    RequestResponse,
    Event,
    DryRun,
}

/// One call of Invoke.
pub(super) struct InvokeRequest {
    reference: Reference,
    kind: Kind,
    wants_log: bool,
    client_context: Option<String>,
    payload: Bytes,
}

impl InvokeRequest {
    fn from_http(lambda: &Lambda, matched: &Matched, request: &Request) -> ServiceResult<Self> {
        let mut members = matched.path.clone();
        if let Some(qualifier) = matched.query.get("Qualifier").and_then(|values| values.last()) {
            members.insert("Qualifier".to_owned(), qualifier.as_str().into());
        }
        let mut input = Input::new(INVOKE, Value::Object(members))?;
        let reference = take_reference(lambda, &mut input)?;
        let headers = request.headers();
        Self::new(
            reference,
            text(headers, "x-amz-invocation-type"),
            text(headers, "x-amz-log-type"),
            text(headers, "x-amz-client-context"),
            request.body().clone(),
        )
    }

    /// The same out of an operation's input, the payload in base64.
    pub fn from_input(lambda: &Lambda, input: &mut Input) -> ServiceResult<Self> {
        let reference = take_reference(lambda, input)?;
        let (kind, log, context) =
            (input.string("InvocationType")?, input.string("LogType")?, input.string("ClientContext")?);
        let payload = BASE64_STANDARD
            .decode(input.string("Payload")?.unwrap_or_default())
            .map_err(|_| ServiceError::bad_request("SerializationException", "Payload must be base64-encoded."))?;
        Self::new(reference, kind.as_deref(), log.as_deref(), context.as_deref(), payload.into())
    }

    fn new(
        reference: Reference,
        kind: Option<&str>,
        log: Option<&str>,
        context: Option<&str>,
        payload: Bytes,
    ) -> ServiceResult<Self> {
        let kind = match kind {
            None | Some("RequestResponse") => Kind::RequestResponse,
            Some("Event") => Kind::Event,
            Some("DryRun") => Kind::DryRun,
            Some(other) => return Err(not_in_set("invocationType", other, "[Event, RequestResponse, DryRun]")),
        };
        let wants_log = match log {
            None | Some("None") => false,
            Some("Tail") => kind == Kind::RequestResponse,
            Some(other) => return Err(not_in_set("logType", other, "[None, Tail]")),
        };
        let client_context = context
            .map(|context| {
                BASE64_STANDARD
                    .decode(context)
                    .ok()
                    .filter(|json| serde_json::from_slice::<IgnoredAny>(json).is_ok())
                    .and_then(|json| String::from_utf8(json).ok())
                    .ok_or_else(|| invalid("Client context must be a valid Base64-encoded JSON object."))
            })
            .transpose()?;
        // A function that is called with nothing gets an empty object.
        let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
        Ok(Self { reference, kind, wants_log, client_context, payload })
    }
}

/// What Invoke answers.
pub(super) struct InvokeAnswer {
    status: StatusCode,
    request_id: String,
    payload: Bytes,
    function_error: Option<&'static str>,
    log: Option<String>,
}

/// Runs, queues or only checks an invocation.
pub(super) async fn invoke(lambda: &Arc<Lambda>, request: InvokeRequest) -> ServiceResult<InvokeAnswer> {
    let InvokeRequest { reference, kind, wants_log, client_context, payload } = request;
    let (name, limit) = match kind {
        Kind::Event => ("Event", LARGEST_EVENT_BYTES),
        Kind::RequestResponse | Kind::DryRun => ("RequestResponse", LARGEST_SYNCHRONOUS_BYTES),
    };
    check_size(payload.len(), name, limit)?;
    let function = lambda.find(&reference)?;
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(&payload) {
        return Err(ServiceError::bad_request(
            "InvalidRequestContentException",
            format!("Could not parse request body into json: Could not parse payload into json: {error}"),
        ));
    }
    let work = Work { request_id: new_request_id(), payload, client_context, wants_log };
    let mut answer = InvokeAnswer {
        status: StatusCode::OK,
        request_id: work.request_id.clone(),
        payload: Bytes::new(),
        function_error: None,
        log: None,
    };
    match kind {
        Kind::DryRun => answer.status = StatusCode::NO_CONTENT,
        Kind::Event => {
            answer.status = StatusCode::ACCEPTED;
            if function.reserved == Some(0) {
                return Err(super::throttled("ReservedFunctionConcurrentInvocationLimitExceeded"));
            }
            tokio::spawn(run_queued(Arc::downgrade(lambda), lambda.site.stop.clone(), reference, work));
        }
        Kind::RequestResponse => {
            let (invocation, log) = lambda.run(&reference, work).await?;
            answer.payload = invocation.payload;
            answer.function_error = invocation.function_error;
            answer.log = wants_log.then(|| BASE64_STANDARD.encode(log));
        }
    }
    Ok(answer)
}

/// Runs a queued invocation, again where the function fails; the answer goes nowhere, as on AWS
/// without a destination. Does not keep the cloud alive.
async fn run_queued(
    lambda: std::sync::Weak<Lambda>,
    stop: tokio_util::sync::CancellationToken,
    reference: Reference,
    work: Work,
) {
    let mut retries = RETRY_AFTER.iter();
    loop {
        let Some(alive) = lambda.upgrade() else { return };
        let outcome = alive.run(&reference, work.clone()).await;
        drop(alive);
        let pause = match outcome {
            Ok((invocation, _)) if invocation.function_error.is_none() => return,
            Err(error) if error.status == StatusCode::TOO_MANY_REQUESTS => THROTTLED_AGAIN,
            Err(error) if error.status == StatusCode::NOT_FOUND => return,
            _ => match retries.next() {
                Some(pause) => *pause,
                None => return,
            },
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

impl InvokeAnswer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.payload));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set("x-amzn-requestid", &self.request_id);
        if self.status == StatusCode::OK {
            set("x-amz-executed-version", LATEST);
        }
        if let Some(error) = self.function_error {
            set("x-amz-function-error", error);
        }
        if let Some(log) = &self.log {
            set("x-amz-log-result", log);
        }
        response
    }

    /// The answer in the shape of the API, the payload in base64.
    pub fn into_json(self) -> Value {
        json!({
            "StatusCode": self.status.as_u16(),
            "ExecutedVersion": LATEST,
            "FunctionError": self.function_error,
            "LogResult": self.log,
            "Payload": BASE64_STANDARD.encode(&self.payload),
        })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
