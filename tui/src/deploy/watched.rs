//! Pipelines that Tailwater did not deploy: found by a stack's resources, or named one by one. They are
//! only watched.

use tailwater_core::{
    events::{LogSource, StackStatus},
    pipeline::{AuthMode, Buffering, Layout, Outputs},
};

use super::{
    DeployError, Deployed, Stack,
    destroy::{BUCKET, DELIVERY_STREAM, FUNCTION, LOG_GROUP, Pieces},
};
use crate::target::Target;

/// Streams.
const STREAM: &str = "AWS::Kinesis::Stream";
/// When Firehose delivers where it is not told otherwise (Firehose API reference, `BufferingHints`).
const USUAL_BUFFERING: Buffering = Buffering { interval_seconds: 300, size_mb: 5 };

/// What is watched, named one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watch {
    /// The stream.
    pub stream: Option<String>,
    /// The log groups.
    pub log_groups: Vec<String>,
    /// The bucket.
    pub bucket: Option<String>,
    /// What the keys in the bucket begin with.
    pub prefix: Option<String>,
}

impl Watch {
    /// As a pipeline. Whether it is there shows when it is read.
    pub fn pipeline(&self) -> Deployed {
        let mut found = Deployed {
            status: StackStatus::from(""),
            outputs: Outputs {
                stream_name: self.stream.clone().unwrap_or_default(),
                bucket_name: self.bucket.clone().unwrap_or_default(),
                ..Outputs::default()
            },
            buffering: USUAL_BUFFERING,
            auth_mode: AuthMode::default(),
            log_groups: self.log_groups.iter().map(|group| (source_of(group), group.clone())).collect(),
            settings: tailwater_core::pipeline::Settings::default(),
            layout: Layout { prefix: self.prefix.clone().unwrap_or_default(), errors: String::new() },
        };
        name_groups(&mut found);
        found
    }
}

/// The pipeline that a stack is: by its outputs where it has those of the template, else, of a stack that
/// others made, by its resources.
pub async fn pipeline_of(target: &Target, stack_name: &str, stack: &Stack) -> Result<Deployed, DeployError> {
    match stack.deployed(stack_name) {
        Err(_) if !stack.own => of_resources(target, stack_name, stack).await,
        other => other,
    }
}

async fn of_resources(target: &Target, stack_name: &str, stack: &Stack) -> Result<Deployed, DeployError> {
    let pieces = Pieces::of(&target.cloudformation(), &stack.id).await?;
    let first = |resource_type: &str| pieces.ids(resource_type).next().map(str::to_owned);
    let mut watch = Watch {
        stream: first(STREAM),
        log_groups: pieces.ids(LOG_GROUP).map(str::to_owned).collect(),
        bucket: first(BUCKET),
        prefix: None,
    };
    let function = first(FUNCTION);
    if let Some(function) = &function {
        let group = group_of(target, function).await;
        if !watch.log_groups.contains(&group) {
            watch.log_groups.push(group);
        }
    }
    let mut buffering = USUAL_BUFFERING;
    let mut errors = None;
    let delivery_stream = first(DELIVERY_STREAM);
    if let Some(name) = &delivery_stream
        && let Some(delivery) = delivery(target, name).await
    {
        // Where Firehose delivers is what counts, among several buckets, and where the bucket is another
        // stack's.
        watch.bucket = delivery.bucket.or(watch.bucket);
        watch.prefix = delivery.prefix;
        errors = delivery.errors;
        buffering = delivery.buffering;
        watch.log_groups.extend(delivery.log_group.filter(|group| !watch.log_groups.contains(group)));
    }
    if watch.stream.is_none() && watch.bucket.is_none() && watch.log_groups.is_empty() {
        return Err(DeployError::Nothing(stack_name.to_owned()));
    }
    let mut found = watch.pipeline();
    found.status = stack.status.clone();
    found.buffering = buffering;
    found.layout.errors = errors.unwrap_or_default();
    found.outputs.function_name = function.unwrap_or_default();
    found.outputs.delivery_stream_name = delivery_stream.unwrap_or_default();
    Ok(found)
}

/// Whose log a group is, by its name.
fn source_of(group: &str) -> LogSource {
    let name = group.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["/aws/lambda/"]) {
        LogSource::Function
    } else if has(&["firehose", "delivery"]) {
        LogSource::Delivery
    } else if has(&["apigateway", "api-gateway", "access", "/aws/http-api"]) {
        LogSource::Access
    } else {
        LogSource::Function
    }
}

/// The first group of each source stands among the outputs, too.
fn name_groups(found: &mut Deployed) {
    let first = |source: LogSource| {
        found.log_groups.iter().find(|(of, _)| *of == source).map(|(_, group)| group.clone()).unwrap_or_default()
    };
    let (function, access, delivery) =
        (first(LogSource::Function), first(LogSource::Access), first(LogSource::Delivery));
    found.outputs.log_group_name = function;
    found.outputs.access_log_group_name = access;
    found.outputs.delivery_log_group_name = delivery;
}

/// Where a function writes its lines.
async fn group_of(target: &Target, function: &str) -> String {
    let usual = format!("/aws/lambda/{function}");
    let answer = target.lambda().get_function_configuration().function_name(function).send().await;
    let Ok(answer) = answer else { return usual };
    answer.logging_config().and_then(|logging| logging.log_group()).map_or(usual, str::to_owned)
}

/// How Firehose delivers.
struct Delivery {
    bucket: Option<String>,
    prefix: Option<String>,
    errors: Option<String>,
    buffering: Buffering,
    log_group: Option<String>,
}

/// What Firehose says of a delivery stream; `None`: it cannot be looked at, or it delivers elsewhere.
async fn delivery(target: &Target, name: &str) -> Option<Delivery> {
    let answer = target.firehose().describe_delivery_stream().delivery_stream_name(name).send().await.ok()?;
    let described = answer.delivery_stream_description?;
    let to = described.destinations.into_iter().find_map(|to| to.extended_s3_destination_description)?;
    let hints = to.buffering_hints.as_ref();
    let number = |value: Option<i32>, usual: u64| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(usual);
    Some(Delivery {
        bucket: to.bucket_arn.rsplit(':').next().map(str::to_owned),
        prefix: to.prefix.clone(),
        // Below what is fixed in it errors stand by their kind and the hour.
        errors: to.error_output_prefix.as_deref().and_then(|prefix| prefix.split("!{").next()).map(str::to_owned),
        buffering: Buffering {
            interval_seconds: number(
                hints.and_then(|hints| hints.interval_in_seconds),
                USUAL_BUFFERING.interval_seconds,
            ),
            size_mb: number(hints.and_then(|hints| hints.size_in_mbs), USUAL_BUFFERING.size_mb),
        },
        log_group: to.cloud_watch_logging_options.and_then(|logging| logging.log_group_name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_group_says_by_its_name_whose_it_is() {
        for (group, source) in [
            ("/aws/lambda/orders", LogSource::Function),
            ("/aws/kinesisfirehose/orders", LogSource::Delivery),
            ("/aws/vendedlogs/apigateway/orders", LogSource::Access),
            ("orders-api-access", LogSource::Access),
            ("orders", LogSource::Function),
        ] {
            assert_eq!(source_of(group), source, "{group}");
        }
    }

    #[test]
    fn what_is_named_is_watched_and_nothing_else() {
        let watch = Watch {
            stream: Some("orders".to_owned()),
            log_groups: vec!["/aws/lambda/a".to_owned(), "/aws/lambda/b".to_owned()],
            ..Watch::default()
        };
        let found = watch.pipeline();
        assert_eq!((found.outputs.stream_name.as_str(), found.outputs.bucket_name.as_str()), ("orders", ""));
        assert_eq!(found.outputs.log_group_name, "/aws/lambda/a");
        assert_eq!(found.log_groups.len(), 2);
        assert_eq!(found.outputs.submit_url, "", "nothing is sent there");
    }
}
