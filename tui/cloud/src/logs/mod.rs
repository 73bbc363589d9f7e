//! `CloudWatch` Logs: groups, streams, events; `FilterLogEvents` and the reads of the usual tools.
//!
//! Events live in memory, ordered by time. They are bounded by each group's retention and, over all
//! groups, by [`store::KEPT_BYTES`]; what was let go is counted.

mod event_id;
mod events;
mod groups;
mod live_tail;
mod pattern;
mod store;
mod streams;

use std::sync::{Arc, Mutex, MutexGuard};

use crate::{
    Place,
    caller::Caller,
    wire::{Input, Request, Response, ServiceError, ServiceResult, json},
};

/// One line to keep.
#[derive(Debug, Clone)]
pub(crate) struct LogLine {
    /// Milliseconds since 1970, as whoever wrote it measured.
    pub timestamp_ms: i64,
    pub message: String,
}

/// The log groups.
pub(crate) struct Logs {
    place: Arc<Place>,
    store: Mutex<store::Store>,
}

impl Logs {
    /// No groups yet.
    pub fn new(place: Arc<Place>) -> Arc<Self> {
        Arc::new(Self { place, store: Mutex::default() })
    }

    /// Makes the group where it is not there, as Lambda does; one that never expires.
    pub fn ensure_group(&self, group: &str) {
        let mut store = self.store();
        if !store.groups.contains_key(group) {
            store.groups.insert(group.to_owned(), store::Group::new(now_ms()));
        }
    }

    /// Appends lines; makes the stream where it is not there. Fails where there is no group.
    pub fn put(&self, group: &str, stream: &str, lines: Vec<LogLine>) -> ServiceResult<()> {
        self.store().put(group, stream, lines, now_ms())
    }

    /// A request whose signature was checked; `StartLiveTail` answers with an event stream.
    pub async fn http(self: &Arc<Self>, caller: &Caller, request: Request) -> Response {
        let result = async {
            let (operation, input) = json::parse(&request)?;
            let input = Input::new(&operation, input)?;
            if operation == "StartLiveTail" {
                return self.start_live_tail(input).map_err(invalid_parameter);
            }
            Ok(json::answer(Ok(self.call(caller, &operation, input).await?)))
        };
        result.await.unwrap_or_else(|error| json::answer(Err(error)))
    }

    /// A Logs operation, input and output as JSON.
    #[expect(clippy::unused_async, reason = "every service is called alike")]
    pub async fn call(&self, _caller: &Caller, operation: &str, input: Input) -> ServiceResult {
        let result = match operation {
            "CreateLogGroup" => self.create_log_group(input),
            "DeleteLogGroup" => self.delete_log_group(input),
            "DescribeLogGroups" => self.describe_log_groups(input),
            "PutRetentionPolicy" => self.put_retention_policy(input),
            "DeleteRetentionPolicy" => self.delete_retention_policy(input),
            "TagResource" | "TagLogGroup" => self.tag(input),
            "UntagResource" | "UntagLogGroup" => self.untag(input),
            "ListTagsForResource" | "ListTagsLogGroup" => self.list_tags(input),
            "CreateLogStream" => self.create_log_stream(input),
            "DeleteLogStream" => self.delete_log_stream(input),
            "DescribeLogStreams" => self.describe_log_streams(input),
            "PutLogEvents" => self.put_log_events(input),
            "GetLogEvents" => self.get_log_events(input),
            "FilterLogEvents" => self.filter_log_events(input),
            _ => Err(ServiceError::unknown_operation("CloudWatch Logs", operation)),
        };
        result.map_err(invalid_parameter)
    }

    fn store(&self) -> MutexGuard<'_, store::Store> {
        self.store.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The name of a group that is given by name or by ARN, with or without the final `:*`.
    fn group_of(&self, identifier: &str) -> ServiceResult<String> {
        if !identifier.starts_with("arn:") {
            return Ok(identifier.to_owned());
        }
        identifier
            .strip_prefix(&self.place.arn("logs", "log-group:"))
            .map(|name| name.strip_suffix(":*").unwrap_or(name).to_owned())
            .ok_or_else(no_group)
    }

    /// Takes the group that an input names by `logGroupName` or `logGroupIdentifier`.
    fn take_group(&self, input: &mut Input) -> ServiceResult<String> {
        match (input.string("logGroupName")?, input.string("logGroupIdentifier")?) {
            (Some(_), Some(_)) => Err(invalid("LogGroup name and LogGroup identifier cannot be both specified.")),
            (Some(name), None) | (None, Some(name)) => self.group_of(&name),
            (None, None) => Err(invalid(
                "1 validation error detected: Value null at 'logGroupName' failed to satisfy constraint: \
                 Member must not be null",
            )),
        }
    }

    fn group_arn(&self, name: &str) -> String {
        self.place.arn("logs", &format!("log-group:{name}"))
    }
}

/// Logs says `InvalidParameterException` where other services say `ValidationException`.
fn invalid_parameter(mut error: ServiceError) -> ServiceError {
    if error.code == "ValidationException" {
        "InvalidParameterException".clone_into(&mut error.code);
    }
    error
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::bad_request("InvalidParameterException", message)
}

/// A value that a constraint of its member refuses.
fn constraint(member: &str, value: impl std::fmt::Display, constraint: &str) -> ServiceError {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

fn no_group() -> ServiceError {
    ServiceError::bad_request("ResourceNotFoundException", "The specified log group does not exist.")
}

fn no_stream() -> ServiceError {
    ServiceError::bad_request("ResourceNotFoundException", "The specified log stream does not exist.")
}

fn bad_token() -> ServiceError {
    invalid("The specified nextToken is invalid.")
}

/// Takes `limit`, which lies between 1 and `largest`, which it also is where it is absent.
fn take_limit(input: &mut Input, largest: usize) -> ServiceResult<usize> {
    let Some(limit) = input.integer("limit")? else { return Ok(largest) };
    match usize::try_from(limit) {
        Ok(0) | Err(_) => Err(constraint("limit", limit, "Member must have value greater than or equal to 1")),
        Ok(count) if count > largest => {
            Err(constraint("limit", limit, &format!("Member must have value less than or equal to {largest}")))
        }
        Ok(count) => Ok(count),
    }
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
