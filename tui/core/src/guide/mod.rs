//! Explains what is looked at: what a hop, a row, a resource or a call is, what its settings mean
//! with the values of what is deployed, its limits, what it costs, where the template says so, and
//! the AWS CLI command that shows the same. What is not known is said.

mod answers;
mod calls;
pub mod cli_command;
mod hops;
mod rows;
mod template;

use crate::{
    events::{ApiRequestId, LambdaRequestId, LogLine, ObjectKey, Record, Sent, SequenceNumber, ShardId},
    pipeline::{Buffering, Hop, Outputs, Settings},
};
pub use cli_command::{CliCommand, CliPlace};
pub use hops::trouble;
pub use template::{Found, TEMPLATE, Template, bundled};

/// What is to be explained.
#[derive(Debug, Clone, Copy)]
pub enum Topic<'a> {
    /// Where events are written and sent.
    Send,
    /// The three log groups.
    Logs,
    /// The stream's records.
    Records,
    /// The bucket's objects.
    Objects,
    /// A hop.
    Hop(Hop),
    /// An answer to what was sent.
    Sent(&'a Sent),
    /// A log line.
    Log(&'a LogLine),
    /// A record.
    Record(&'a Record),
    /// An object.
    Object {
        /// Its bucket.
        bucket: &'a str,
        /// Its key.
        key: &'a ObjectKey,
    },
    /// One event's way through the hops.
    Trace(TraceIds<'a>),
    /// The stack.
    Stack,
    /// A resource of the stack.
    Resource {
        /// Its name in the template.
        logical_id: &'a str,
        /// `AWS::Kinesis::Stream`.
        resource_type: &'a str,
    },
    /// The calls to AWS's APIs that this program makes, each a service and an operation.
    Calls(&'a [(&'a str, &'a str)]),
}

/// What one event is called at the hops, as far as that is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct TraceIds<'a> {
    /// The gateway's id of its request.
    pub api_request_id: Option<&'a str>,
    /// Its record's place in the stream.
    pub record: Option<(&'a ShardId, &'a SequenceNumber)>,
    /// The object it is in, and the line in that, from 1.
    pub landing: Option<(&'a ObjectKey, u64)>,
    /// When it was first seen, in milliseconds since 1970.
    pub from_millis: i64,
}

/// What is known of the pipeline.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    /// It is on the embedded cloud.
    pub is_local: bool,
    /// The time, in milliseconds since 1970.
    pub now_millis: i64,
    /// Where the AWS CLI has to look.
    pub place: CliPlace,
    /// The stack.
    pub stack_name: &'a str,
    /// What its parts are called, once it is there.
    pub outputs: Option<&'a Outputs>,
    /// When Firehose delivers, once it is there.
    pub buffering: Option<Buffering>,
    /// How it is set.
    pub settings: &'a Settings,
}

/// A piece of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// What the pieces after it are about.
    Heading(&'static str),
    /// A paragraph.
    Text(String),
    /// A name and what there is to say of it.
    Fact(String, String),
    /// A command for a shell.
    Command(CliCommand),
}

fn text(words: impl Into<String>) -> Part {
    Part::Text(words.into())
}

/// What a topic is, in a few lines: what stands first.
pub fn what(topic: &Topic, known: &Known) -> Vec<Part> {
    match topic {
        Topic::Send => vec![
            text("Send: an event is a JSON document, posted to the API. What is in the editor is sent as it stands."),
            text(
                "Placeholders are filled anew for each event: {{uuid}} {{now}} {{seq}} {{int A B}} {{pick a b c}}. \
                 Behind → stands what will be put to the stream, below it the answer to each event.",
            ),
        ],
        Topic::Logs => vec![text(
            "Logs: three log groups in one: what the function writes, what the API logs of each request (a 404 or 429 \
             shows only there), and what Firehose says when it cannot deliver (source=function, access, delivery).",
        )],
        Topic::Records => vec![text(
            "Records: what is in the Kinesis stream, as any consumer reads it, in the order of the shard. The function \
             puts each event as one line of JSON without whitespace between its parts. Firehose reads the same records.",
        )],
        Topic::Objects => vec![text(
            "Objects: what Firehose wrote to S3: many records in one object, one a line. It gathers until its interval \
             or its size is reached, whichever comes first. Delivery is at least once: a line can come twice.",
        )],
        Topic::Hop(hop) => vec![text(hops::what(*hop))],
        Topic::Sent(sent) => answers::what(sent, known),
        Topic::Log(line) => rows::log(line),
        Topic::Record(record) => rows::record(record),
        Topic::Object { key, .. } => rows::object(key),
        Topic::Trace(_) => vec![text(
            "A trace: one event's way through the hops. Each time is by the clock of whoever measured it and no finer \
             than it was measured. A hop that is missing says why: still held, refused, or not seen yet. It goes on \
             as more is seen.",
        )],
        Topic::Stack => vec![text(
            "Stack: what CloudFormation does, resource by resource, on a time axis. A resource waits for what it \
             refers to. When one fails, CloudFormation undoes the whole operation: the first failure is the cause.",
        )],
        Topic::Resource { logical_id, resource_type } => rows::resource(logical_id, resource_type),
        Topic::Calls(operations) => calls::what(operations),
    }
}

/// The rest of an explanation: settings with their values, limits, costs, the template, commands.
pub fn more(topic: &Topic, known: &Known) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(hop) = hop_of(topic) {
        hops::settings(&mut parts, hop, known);
        hops::limits(&mut parts, hop);
        hops::costs(&mut parts, hop, matches!(topic, Topic::Logs | Topic::Log(_)), known);
        hops::in_template(&mut parts, hop);
    }
    if let Topic::Stack | Topic::Resource { .. } = topic {
        parts.push(Part::Heading("Its parameters here"));
        hops::all_parameters(&mut parts, known);
    }
    let commands = commands(topic, known);
    if !commands.is_empty() {
        parts.push(Part::Heading("The same with the AWS CLI (y copies)"));
        parts.extend(commands.into_iter().map(Part::Command));
        if let Some(file) = &known.settings.keys_file {
            parts.push(text(format!(
                "The local cloud wants its own keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY stand in {file}"
            )));
        }
    }
    parts
}

/// The AWS CLI commands that show what a topic shows.
pub fn commands(topic: &Topic, known: &Known) -> Vec<CliCommand> {
    let place = &known.place;
    let lately = known.now_millis - LATELY_MILLIS;
    let stack = || vec![place.stack(known.stack_name), place.stack_events(known.stack_name)];
    let Some(outputs) = known.outputs else {
        return match topic {
            Topic::Resource { logical_id, .. } => vec![place.stack_resource(known.stack_name, logical_id)],
            Topic::Calls(_) => vec![place.identity()],
            _ => stack(),
        };
    };
    match topic {
        Topic::Send | Topic::Hop(Hop::Api) => {
            vec![
                place.stage(api_id(&outputs.api_url), known.stack_name),
                place.log_lines(&outputs.access_log_group_name, lately),
            ]
        }
        Topic::Hop(Hop::Lambda) => {
            vec![place.function(&outputs.function_name), place.log_lines(&outputs.log_group_name, lately)]
        }
        Topic::Logs => [&outputs.log_group_name, &outputs.access_log_group_name, &outputs.delivery_log_group_name]
            .map(|group| place.log_lines(group, lately))
            .into(),
        Topic::Records | Topic::Hop(Hop::Kinesis) => {
            vec![place.stream(&outputs.stream_name), place.records(&outputs.stream_name, &FIRST_SHARD.into())]
        }
        Topic::Hop(Hop::Firehose) => vec![
            place.delivery_stream(&outputs.delivery_stream_name),
            place.log_lines(&outputs.delivery_log_group_name, lately),
        ],
        Topic::Objects | Topic::Hop(Hop::S3) => vec![place.objects(&outputs.bucket_name)],
        Topic::Sent(sent) => sent.api_request_id().map_or_else(Vec::new, |id| {
            [&outputs.access_log_group_name, &outputs.log_group_name]
                .map(|group| place.log_lines_with(group, id.as_str(), sent.time.as_millis() - LOOK_BEFORE_MILLIS))
                .into()
        }),
        Topic::Log(line) => {
            let id = line.lambda_request_id.as_ref().map(LambdaRequestId::as_str);
            match id.or(line.api_request_id.as_ref().map(ApiRequestId::as_str)) {
                Some(id) => vec![place.log_lines_with(&line.group, id, line.time.as_millis() - LOOK_BEFORE_MILLIS)],
                None => vec![place.log_lines(&line.group, lately)],
            }
        }
        Topic::Record(record) => vec![place.record(&outputs.stream_name, &record.shard_id, &record.sequence_number)],
        Topic::Object { bucket, key } => vec![place.object(bucket, key)],
        Topic::Trace(ids) => of_trace(ids, known, outputs),
        Topic::Stack => stack(),
        Topic::Resource { logical_id, .. } => vec![place.stack_resource(known.stack_name, logical_id)],
        Topic::Calls(_) => vec![place.identity()],
    }
}

/// One event at each hop where it was seen: its access line and the function's, its record, its line in
/// the object.
fn of_trace(ids: &TraceIds, known: &Known, outputs: &Outputs) -> Vec<CliCommand> {
    let place = &known.place;
    let from = ids.from_millis - LOOK_BEFORE_MILLIS;
    let mut commands = Vec::new();
    if let Some(id) = ids.api_request_id {
        let groups = [&outputs.access_log_group_name, &outputs.log_group_name];
        commands.extend(groups.map(|group| place.log_lines_with(group, id, from)));
    }
    commands.extend(ids.record.map(|(shard, number)| place.record(&outputs.stream_name, shard, number)));
    commands.extend(ids.landing.map(|(key, line)| place.object_line(&outputs.bucket_name, key, line)));
    commands
}

/// The first shard of a stream.
const FIRST_SHARD: &str = "shardId-000000000000";
/// How far back the last lines of a log group go, in milliseconds.
const LATELY_MILLIS: i64 = 600_000;
/// How long before a row's own time its lines are looked for, in milliseconds.
const LOOK_BEFORE_MILLIS: i64 = 60_000;

/// The API's id, from AWS's own address of it: `https://a1b2c3.execute-api.…`.
fn api_id(api_url: &str) -> Option<&str> {
    let (id, rest) = api_url.strip_prefix("https://")?.split_once('.')?;
    rest.starts_with("execute-api.").then_some(id)
}

/// The hop whose settings a topic is about.
fn hop_of(topic: &Topic) -> Option<Hop> {
    use crate::events::LogSource;
    match topic {
        Topic::Send | Topic::Sent(_) => Some(Hop::Api),
        Topic::Logs => Some(Hop::Lambda),
        Topic::Records | Topic::Record(_) => Some(Hop::Kinesis),
        Topic::Objects => Some(Hop::Firehose),
        Topic::Object { .. } => Some(Hop::S3),
        Topic::Hop(hop) => Some(*hop),
        Topic::Log(line) => Some(match line.source {
            LogSource::Function => Hop::Lambda,
            LogSource::Access => Hop::Api,
            LogSource::Delivery => Hop::Firehose,
        }),
        Topic::Resource { resource_type, .. } => Hop::of_resource_type(resource_type),
        Topic::Trace(_) | Topic::Stack | Topic::Calls(_) => None,
    }
}

#[cfg(test)]
mod tests;
