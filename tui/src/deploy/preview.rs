//! What a change set is about to do: each property before and after, what is lost, what it costs.

use aws_sdk_cloudformation::types::{Replacement as Replaced, ResourceChange, ResourceChangeDetail};
use tailwater_core::pipeline::{Change, Estimate, ParameterDifference, PropertyChange, Replacement, Sizing};

use super::{stack::value_of, template};
use crate::target::{Kind, Target};

/// What CloudFormation writes for a value that it knows only once it is there.
const KNOWN_LATER: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

/// A change as CloudFormation tells it.
pub fn change(told: &ResourceChange) -> Option<Change> {
    Some(Change {
        action: told.action()?.as_str().to_owned(),
        logical_id: told.logical_resource_id()?.to_owned(),
        physical_id: told.physical_resource_id().filter(|id| !id.is_empty()).map(str::to_owned),
        resource_type: told.resource_type()?.to_owned(),
        replacement: match told.replacement().map(Replaced::as_str) {
            Some("True") => Replacement::Yes,
            Some("Conditional") => Replacement::Maybe,
            _ => Replacement::No,
        },
        properties: properties(told.details()),
    })
}

/// The properties that change, each once: CloudFormation tells one for each of its causes.
fn properties(details: &[ResourceChangeDetail]) -> Vec<PropertyChange> {
    let mut found: Vec<PropertyChange> = Vec::new();
    for detail in details {
        let Some(target) = detail.target() else { continue };
        let attribute = target.attribute().map_or("Properties", |attribute| attribute.as_str());
        let path = match (target.path(), target.name()) {
            (Some(path), _) => path.to_owned(),
            (None, Some(name)) => format!("/{attribute}/{name}"),
            (None, None) => format!("/{attribute}"),
        };
        let is_known = |value: &&str| *value != KNOWN_LATER;
        let change = PropertyChange {
            path,
            before: target.before_value().map(str::to_owned),
            after: target.after_value().filter(is_known).map(str::to_owned),
            cause: detail.causing_entity().map(str::to_owned),
        };
        match found.iter_mut().find(|known| known.path == change.path) {
            Some(known) => {
                known.before = known.before.take().or(change.before);
                known.after = known.after.take().or(change.after);
                known.cause = known.cause.take().or(change.cause);
            }
            None => found.push(change),
        }
    }
    found
}

/// What is lost if these changes are executed, a line each.
pub fn losses(changes: &[Change]) -> Vec<String> {
    changes.iter().filter_map(loss).collect()
}

fn loss(change: &Change) -> Option<String> {
    // Not every endpoint tells it.
    let name = change.physical_id.as_deref().map(|id| format!(" {id}")).unwrap_or_default();
    let (what, goes) = match change.resource_type.as_str() {
        "AWS::Kinesis::Stream" => ("Stream", "the records it still holds go"),
        "AWS::S3::Bucket" if change.action == "Remove" => {
            ("Bucket", "it goes with everything in it; S3 refuses as long as it holds objects")
        }
        // The template's UpdateReplacePolicy is Retain.
        "AWS::S3::Bucket" => (
            "Bucket",
            "a new, empty one takes its place; the old one stays in the account with its objects, outside the stack",
        ),
        "AWS::Logs::LogGroup" => ("Log group", "the lines it holds go"),
        "AWS::KinesisFirehose::DeliveryStream" => (
            "Delivery stream",
            "what it still buffers goes, and records that come before the new one is active are not delivered",
        ),
        "AWS::ApiGatewayV2::Api" => ("API", "its address goes, and clients have to be told the new one"),
        _ => return None,
    };
    let verb = match (change.action.as_str(), change.replacement) {
        ("Remove", _) => "is removed",
        ("Modify", Replacement::Yes) => "is replaced",
        ("Modify", Replacement::Maybe) => "may be replaced",
        ("Modify", Replacement::No) if keeps_shorter(change) => {
            return Some(format!("{what}{name} keeps what it holds less long: what is older goes"));
        }
        _ => return None,
    };
    Some(format!("{what}{name} {verb}: {goes}"))
}

/// Whether a retention gets shorter.
fn keeps_shorter(change: &Change) -> bool {
    let number = |value: &Option<String>| value.as_deref()?.parse::<u64>().ok();
    change.properties.iter().any(|property| {
        ["/RetentionPeriodHours", "/RetentionInDays"].iter().any(|end| property.path.ends_with(end))
            && number(&property.before).zip(number(&property.after)).is_some_and(|(before, after)| after < before)
    })
}

/// The parameters whose value is another than the template's default.
pub fn differences(parameters: &[(String, String)]) -> Vec<ParameterDifference> {
    template::parameters()
        .filter_map(|(name, default)| {
            let value = value_of(parameters, name)?;
            (default != Some(value)).then(|| ParameterDifference {
                name: name.to_owned(),
                default: default.map(str::to_owned),
                value: value.to_owned(),
            })
        })
        .collect()
}

/// What the pipeline will roughly cost; `None` where nothing is billed.
pub fn estimate(target: &Target, parameters: &[(String, String)]) -> Option<Estimate> {
    (target.kind() == Kind::Aws).then(|| Estimate::of(target.region(), sizing(parameters)))
}

fn sizing(parameters: &[(String, String)]) -> Sizing {
    let usual = Sizing::default();
    let value = |name: &str| value_of(parameters, name).map(str::to_owned).or_else(|| template::default_of(name));
    let number = |name: &str, usual: u32| value(name).and_then(|value| value.parse().ok()).unwrap_or(usual);
    Sizing {
        shards: number("ShardCount", usual.shards),
        retention_hours: number("RetentionHours", usual.retention_hours),
        buffer_mb: number("BufferSizeMB", usual.buffer_mb),
        log_retention_days: number("LogRetentionDays", usual.log_retention_days),
        is_arm: value("Architecture").as_deref() == Some("arm64"),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::{ChangeAction, ChangeSource, ResourceAttribute, ResourceTargetDefinition};

    use super::*;

    fn detail(before: Option<&str>, after: Option<&str>, cause: Option<&str>) -> ResourceChangeDetail {
        let target = ResourceTargetDefinition::builder()
            .attribute(ResourceAttribute::Properties)
            .name("ShardCount")
            .path("/Properties/ShardCount")
            .set_before_value(before.map(str::to_owned))
            .set_after_value(after.map(str::to_owned));
        ResourceChangeDetail::builder()
            .target(target.build())
            .change_source(ChangeSource::ParameterReference)
            .set_causing_entity(cause.map(str::to_owned))
            .build()
    }

    // Shaped as DescribeChangeSet answers with IncludePropertyValues: a parameter's change is told
    // twice, as its own and as the template's.
    #[test]
    fn a_property_is_told_once_with_its_cause() {
        let told = ResourceChange::builder()
            .action(ChangeAction::Modify)
            .logical_resource_id("Stream")
            .physical_resource_id("api-kinesis-stream")
            .resource_type("AWS::Kinesis::Stream")
            .replacement(Replaced::False)
            .details(detail(Some("1"), Some("2"), None))
            .details(detail(Some("1"), Some("2"), Some("ShardCount")))
            .build();
        let change = change(&told).expect("a change");
        assert_eq!(
            change.properties,
            [PropertyChange {
                path: "/Properties/ShardCount".into(),
                before: Some("1".into()),
                after: Some("2".into()),
                cause: Some("ShardCount".into()),
            }]
        );
        assert!(losses(&[change]).is_empty());
    }

    #[test]
    fn a_value_known_later_is_none() {
        let later = properties(&[detail(Some("a"), Some(KNOWN_LATER), Some("Stream.Arn"))]);
        assert_eq!((later[0].before.as_deref(), later[0].after.as_deref()), (Some("a"), None));
    }

    fn changed(action: &str, resource_type: &str, replacement: Replacement) -> Change {
        Change {
            action: action.into(),
            logical_id: "It".into(),
            physical_id: Some("its-name".into()),
            resource_type: resource_type.into(),
            replacement,
            properties: Vec::new(),
        }
    }

    #[test]
    fn what_is_lost_is_named() {
        let lost = |action, resource_type, replacement| losses(&[changed(action, resource_type, replacement)]);
        assert_eq!(
            lost("Modify", "AWS::Kinesis::Stream", Replacement::Yes),
            ["Stream its-name is replaced: the records it still holds go"]
        );
        assert_eq!(
            lost("Modify", "AWS::Kinesis::Stream", Replacement::Maybe),
            ["Stream its-name may be replaced: the records it still holds go"]
        );
        assert_eq!(
            lost("Remove", "AWS::Logs::LogGroup", Replacement::No),
            ["Log group its-name is removed: the lines it holds go"]
        );
        let nameless = Change { physical_id: None, ..changed("Modify", "AWS::Kinesis::Stream", Replacement::Maybe) };
        assert_eq!(losses(&[nameless]), ["Stream may be replaced: the records it still holds go"]);
        assert!(lost("Modify", "AWS::S3::Bucket", Replacement::Yes)[0].contains("stays in the account"));
        for harmless in [
            lost("Add", "AWS::Kinesis::Stream", Replacement::No),
            lost("Modify", "AWS::S3::Bucket", Replacement::No),
            lost("Modify", "AWS::IAM::Role", Replacement::Yes),
        ] {
            assert!(harmless.is_empty(), "{harmless:?}");
        }
    }

    #[test]
    fn only_what_differs_from_the_template_is_told() {
        let parameters = [("ShardCount", "2"), ("RetentionHours", "24"), ("ArtifactKey", "functions/1.zip")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let differences = differences(&parameters);
        assert_eq!(differences.len(), 1, "{differences:?}");
        assert_eq!((differences[0].name.as_str(), differences[0].default.as_deref()), ("ShardCount", Some("1")));
        assert_eq!(sizing(&parameters).shards, 2);
    }
}
