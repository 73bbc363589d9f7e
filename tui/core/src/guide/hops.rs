//! The five hops: what each is, how it is set, its limits, what it costs, where it stands in the
//! template, and what its trouble means.

use super::{Known, Part, bundled, template::TEMPLATE, text};
use crate::{
    pipeline::{AuthMode, Estimate, Hop, HopCost, limits},
    text::{number::grouped, safe::visible},
};

/// What a hop is.
pub const fn what(hop: Hop) -> &'static str {
    match hop {
        Hop::Api => {
            "API: an HTTP API of API Gateway. It takes POST /submit, hands the request to the function, and gives the \
             function's answer back to the client. It never tries the function twice. What it refuses by itself (401, 403, \
             404, 413, 429, 503) shows in its access log and not in the function's."
        }
        Hop::Lambda => {
            "Lambda: runs the function, one request at a time in each execution environment. The function checks that the \
             body is JSON, puts it to the stream as one record, and answers 202 with shard and sequence number. The first \
             request of a new environment waits for its cold start."
        }
        Hop::Kinesis => {
            "Kinesis: the data stream. It keeps records in order within a shard, for any number of readers: Firehose is \
             one, this app another. A record's partition key chooses its shard. Reading takes nothing away: a record goes \
             when its retention is over."
        }
        Hop::Firehose => {
            "Firehose: reads the stream and gathers records in its buffer, then writes them to S3 as one object. It has no \
             window to look into: what it holds is told here from what went in and what came out. It delivers at least \
             once, so a line can come twice."
        }
        Hop::S3 => {
            "S3: the bucket where events end, one object a delivery, one event a line. A key begins with the hour in UTC \
             when the object's oldest record arrived. What could not be delivered as it is lies under errors/."
        }
    }
}

/// What trouble at a hop means and what to do.
pub const fn trouble(hop: Hop) -> &'static str {
    match hop {
        Hop::Api => {
            "Requests were not accepted. 429 is the API's throttle: send slower, or deploy with a larger ThrottleRate. \
             4xx is the request itself, 5xx the function or the stream behind it. Press 1, then ! for the answer; 2 for logs."
        }
        Hop::Lambda => "The function wrote errors. Press 2, then ! for the line; Enter opens it.",
        Hop::Kinesis => "The stream cannot be read from here at the moment. The line under the ledger says why.",
        Hop::Firehose => {
            "A delivery failed or is late. Records wait in the stream meanwhile, until their retention is over. Press 2, \
             then f source=delivery for Firehose's own words."
        }
        Hop::S3 => "The bucket cannot be read from here at the moment. The line under the ledger says why.",
    }
}

/// A setting that is a parameter of the stack.
struct Parameter {
    hop: Hop,
    name: &'static str,
    means: &'static str,
}

const PARAMETERS: [Parameter; 13] = [
    Parameter {
        hop: Hop::Api,
        name: "ThrottleRate",
        means: "requests a second get through over time; more are answered 429",
    },
    Parameter { hop: Hop::Api, name: "ThrottleBurst", means: "requests get through at once, above the rate" },
    Parameter { hop: Hop::Api, name: "AuthMode", means: "" },
    Parameter { hop: Hop::Api, name: "JwtIssuer", means: "whose tokens are taken, with AuthMode JWT" },
    Parameter { hop: Hop::Api, name: "JwtAudience", means: "whom a token must name, with AuthMode JWT" },
    Parameter { hop: Hop::Lambda, name: "Architecture", means: "the processor that the code was built for" },
    Parameter { hop: Hop::Lambda, name: "PartitionKeyPointer", means: "" },
    Parameter { hop: Hop::Lambda, name: "LogRetentionDays", means: "days that log lines are kept" },
    Parameter { hop: Hop::Kinesis, name: "ShardCount", means: "" },
    Parameter {
        hop: Hop::Kinesis,
        name: "RetentionHours",
        means: "hours that a record is kept, delivered or not; above 24 costs more",
    },
    Parameter {
        hop: Hop::Firehose,
        name: "BufferIntervalSeconds",
        means: "seconds at most from the oldest record in the buffer to its delivery",
    },
    Parameter { hop: Hop::Firehose, name: "BufferSizeMB", means: "MB in the buffer are delivered before that" },
    Parameter {
        hop: Hop::S3,
        name: "BucketBaseName",
        means: "begins the bucket's name; account and region complete it",
    },
];

/// A setting that the template fixes: the resource, the property, what it means.
const FIXED: [(Hop, &str, &str, &str); 9] = [
    (Hop::Api, "Route", "RouteKey", "the one request that it knows; all others are answered 404"),
    (Hop::Api, "Integration", "PayloadFormatVersion", "the form in which the function gets the request"),
    (Hop::Lambda, "Function", "MemorySize", "MB of memory, and with them a share of a processor"),
    (Hop::Lambda, "Function", "Timeout", "seconds until an invocation is ended; below the API's own limit"),
    (Hop::Lambda, "Function", "Runtime", "a plain system that starts the function's own binary"),
    (Hop::Kinesis, "Stream", "EncryptionType", "records are encrypted with the key that AWS keeps for Kinesis"),
    (Hop::Firehose, "DeliveryStream", "CompressionFormat", "objects are plain text, for anyone to read"),
    (Hop::S3, "Bucket", "BlockPublicAcls", "the bucket is closed to the public"),
    (Hop::S3, "Bucket", "UpdateReplacePolicy", "another name leaves the old bucket with its objects"),
];

/// How a hop is set, with the values of what is deployed.
pub fn settings(parts: &mut Vec<Part>, hop: Hop, known: &Known) {
    parts.push(Part::Heading("How it is set here"));
    parts.extend(name_of(hop, known));
    for parameter in PARAMETERS.iter().filter(|parameter| parameter.hop == hop) {
        let value = value_of(parameter.name, known);
        if parameter.name.starts_with("Jwt") && value.as_deref().is_none_or(str::is_empty) {
            continue;
        }
        parts.push(Part::Fact(parameter.name.to_owned(), parameter_words(parameter, value.as_deref())));
    }
    if !known.settings.is_known() && known.outputs.is_some() {
        parts.push(text(
            "The stack tells no parameters of this template: what is not known here, the commands below show.",
        ));
        return;
    }
    for (_, resource, property, means) in FIXED.iter().filter(|(of, ..)| *of == hop) {
        if let Some(found) = bundled().property(resource, property) {
            let value = found.value.trim_matches('"');
            parts.push(Part::Fact(
                (*property).to_owned(),
                format!("{value} (set by template.yaml:{}): {means}", found.line),
            ));
        }
    }
}

/// What the hop is called in the account.
fn name_of(hop: Hop, known: &Known) -> Option<Part> {
    let outputs = known.outputs?;
    let (what, name) = match hop {
        Hop::Api => ("Address", &outputs.submit_url),
        Hop::Lambda => ("Function", &outputs.function_name),
        Hop::Kinesis => ("Stream", &outputs.stream_name),
        Hop::Firehose => ("Delivery stream", &outputs.delivery_stream_name),
        Hop::S3 => ("Bucket", &outputs.bucket_name),
    };
    Some(Part::Fact(what.to_owned(), visible(name).into_owned()))
}

/// A parameter's value, where it is known: Firehose's buffering is known of any pipeline.
fn value_of(name: &str, known: &Known) -> Option<String> {
    let told = known.settings.get(name).map(str::to_owned);
    told.or_else(|| {
        let buffering = known.buffering?;
        match name {
            "BufferIntervalSeconds" => Some(buffering.interval_seconds.to_string()),
            "BufferSizeMB" => Some(buffering.size_mb.to_string()),
            _ => None,
        }
    })
}

fn parameter_words(parameter: &Parameter, value: Option<&str>) -> String {
    let template = bundled();
    let default = template.default_of(parameter.name).unwrap_or_default();
    let Some(value) = value else {
        let default = if default.is_empty() { "empty" } else { default };
        return format!("not known; the template's default is {default}");
    };
    let means = match parameter.name {
        "AuthMode" => match AuthMode::parse(value) {
            AuthMode::None => "whoever knows the address may post".to_owned(),
            AuthMode::Iam => "requests are signed by someone with execute-api:Invoke; this app signs".to_owned(),
            AuthMode::Jwt => "requests bring a token of JwtIssuer (TAILWATER_BEARER)".to_owned(),
        },
        "PartitionKeyPointer" if value.is_empty() => {
            "empty: each record gets a random partition key, which spreads events evenly over the shards".to_owned()
        }
        "PartitionKeyPointer" => {
            "what stands there in the event becomes its partition key: equal ones stay in order".to_owned()
        }
        "ShardCount" => {
            let shards: u64 = value.parse().unwrap_or(1);
            format!(
                "takes in {} records and {} MB a second, gives out {} MB a second",
                grouped(limits::SHARD_RECORDS_IN * shards),
                limits::SHARD_MB_IN * shards,
                limits::SHARD_MB_OUT * shards
            )
        }
        _ => parameter.means.to_owned(),
    };
    let shown = if value.is_empty() { String::new() } else { format!("{}: ", visible(value)) };
    let default = if value == default || default.is_empty() { String::new() } else { format!(" (default {default})") };
    format!("{shown}{means}{default}")
}

/// Every parameter of the stack with its value.
pub fn all_parameters(parts: &mut Vec<Part>, known: &Known) {
    if !known.settings.is_known() {
        parts.push(text("Not known: the stack is not there yet, or was not made from template.yaml."));
        return;
    }
    for parameter in &PARAMETERS {
        let line =
            bundled().parameter(parameter.name).map(|line| format!("; template.yaml:{line}")).unwrap_or_default();
        let words = parameter_words(parameter, value_of(parameter.name, known).as_deref());
        parts.push(Part::Fact(parameter.name.to_owned(), format!("{words}{line}")));
    }
}

/// What AWS allows at a hop.
pub fn limits(parts: &mut Vec<Part>, hop: Hop) {
    let words = match hop {
        Hop::Api => format!(
            "A body of {} MB, {} bytes of request line and headers, {} s for the function's answer (then 503, while the \
             function runs on).",
            limits::API_BODY_MB,
            grouped(limits::API_HEADER_BYTES),
            limits::API_TIMEOUT.as_secs()
        ),
        Hop::Lambda => format!(
            "{} MB for a request with its envelope; {} executions at once in an account that did not ask for more. The \
             function itself refuses events above {} KiB, which is what a record can hold.",
            limits::LAMBDA_PAYLOAD_MB,
            grouped(limits::LAMBDA_CONCURRENCY),
            grouped(limits::RECORD_BYTES as u64 / 1024)
        ),
        Hop::Kinesis => format!(
            "Each shard takes {} records and {} MB a second in, gives {} MB a second out, and answers {} GetRecords a \
             second to all its readers together; Firehose takes {} of them. Retention is {} hours at most.",
            grouped(limits::SHARD_RECORDS_IN),
            limits::SHARD_MB_IN,
            limits::SHARD_MB_OUT,
            limits::SHARD_READS,
            limits::FIREHOSE_READS,
            grouped(limits::RETENTION_MOST_HOURS)
        ),
        Hop::Firehose => format!(
            "An interval of 0 to {} s and a buffer of 1 to {} MB. It reads a stream from when it became active: what was \
             put before may never land. It tries a failed delivery again for as long as the stream keeps the records.",
            limits::BUFFER_MOST_SECONDS,
            limits::BUFFER_MOST_MB
        ),
        Hop::S3 => format!(
            "No limit on objects or size that matters here; {} puts a second under one prefix. Dates have whole seconds, so \
             a landing is known to 1 s.",
            grouped(limits::S3_PUTS_A_PREFIX)
        ),
    };
    parts.push(Part::Heading("Its limits on AWS"));
    parts.push(text(words));
}

/// What a hop costs; `logs`: the log lines are what is looked at.
pub fn costs(parts: &mut Vec<Part>, hop: Hop, logs: bool, known: &Known) {
    let region = known.settings.region.as_deref().unwrap_or_default();
    let sizing = known.settings.sizing();
    let cost = if logs { HopCost::of_logs(region, sizing) } else { HopCost::of(region, hop, sizing) };
    let here = if known.is_local {
        "Nothing here: it runs on this machine. On AWS, at list prices: "
    } else {
        "At list prices: "
    };
    let idle = if cost.idle_usd_per_day > 0.0 {
        format!("${:.2} a day while nothing comes, ", cost.idle_usd_per_day)
    } else {
        "nothing while nothing comes, ".to_owned()
    };
    let of = if logs { " with their log lines" } else { "" };
    let foreign = if cost.priced_region == region { "" } else { "; other regions are up to a third dearer" };
    parts.push(Part::Heading("What it costs"));
    parts.push(text(format!(
        "{here}{idle}${:.2} for a million events of {} bytes{of} ({}, {}{foreign}).",
        cost.usd_per_million_events,
        grouped(Estimate::EVENT_BYTES),
        cost.priced_region,
        cost.as_of
    )));
}

/// Where the template has a hop: its resources with their lines.
pub fn in_template(parts: &mut Vec<Part>, hop: Hop) {
    let places: Vec<String> = resources_of(hop).into_iter().map(|(name, line)| format!("{name} {line}")).collect();
    let parameters: Vec<String> = PARAMETERS
        .iter()
        .filter(|parameter| parameter.hop == hop)
        .filter_map(|parameter| Some(format!("{} {}", parameter.name, bundled().parameter(parameter.name)?)))
        .collect();
    parts.push(Part::Heading("Where template.yaml says so (name and line)"));
    parts.push(text(format!("Resources: {}", places.join(", "))));
    parts.push(text(format!("Parameters: {}", parameters.join(", "))));
}

/// The resources of a hop: those of its service, and the roles and log groups that stand with them.
fn resources_of(hop: Hop) -> Vec<(&'static str, usize)> {
    let mut of = None;
    let mut found = Vec::new();
    let names = TEMPLATE.lines().skip_while(|line| *line != "Resources:").skip(1);
    let names = names.take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    let name = |line: &'static str| {
        let name = line.strip_prefix("  ")?.strip_suffix(':')?;
        name.chars().all(char::is_alphanumeric).then_some(name)
    };
    for name in names.filter_map(name) {
        let template = bundled();
        if let Some(hop) = template.resource_type(name).and_then(Hop::of_resource_type) {
            of = Some(hop);
        }
        if of == Some(hop)
            && let Some(line) = template.resource(name)
        {
            found.push((name, line));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_belongs_to_a_hop_with_its_roles_and_logs() {
        let names = |hop| resources_of(hop).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(Hop::Lambda), ["FunctionPermission", "Function", "FunctionRole", "FunctionLogGroup"]);
        assert_eq!(names(Hop::Kinesis), ["Stream"]);
        assert!(names(Hop::Firehose).contains(&"DeliveryRole") && names(Hop::S3).contains(&"Bucket"));
        let all: usize = Hop::ALL.iter().map(|hop| names(*hop).len()).sum();
        let in_file = TEMPLATE.matches("\n    Type: AWS::").count();
        assert_eq!(all, in_file);
    }

    #[test]
    fn what_is_explained_stands_in_the_template() {
        for parameter in &PARAMETERS {
            assert!(bundled().parameter(parameter.name).is_some(), "{}", parameter.name);
        }
        for (_, resource, property, _) in FIXED {
            assert!(bundled().property(resource, property).is_some(), "{resource} {property}");
        }
    }
}
