//! A deployment's preview: lines for people, a JSON line each for programs.

use serde_json::{Value, json};
use tailwater_core::{
    pipeline::{Change, Estimate, Preview, PropertyChange, Replacement},
    text::safe::visible,
};

/// How many characters of a value are shown to people.
const LONGEST_VALUE: usize = 100;

/// The preview as lines for people.
pub fn text(preview: &Preview) -> Vec<String> {
    let mut lines = Vec::new();
    let verb = if preview.creates { "Creates" } else { "Updates" };
    lines.push(match preview.changes.len() {
        0 => format!("{verb} stack {}: no resource changes, only outputs, tags or policies.", preview.stack_name),
        1 => format!("{verb} stack {}: 1 resource changes.", preview.stack_name),
        count => format!("{verb} stack {}: {count} resources change.", preview.stack_name),
    });
    let width = |of: fn(&Change) -> &str| preview.changes.iter().map(|change| of(change).len()).max().unwrap_or(0);
    let (id_width, type_width) = (width(|change| &change.logical_id), width(|change| &change.resource_type));
    for change in &preview.changes {
        let replaced = match change.replacement {
            Replacement::Yes => "  ! REPLACED",
            Replacement::Maybe => "  ! may be replaced",
            Replacement::No if change.action == "Remove" => "  ! REMOVED",
            Replacement::No => "",
        };
        let line = format!(
            "  {} {:<7} {:<id_width$}  {:<type_width$}{replaced}",
            sign(&change.action),
            change.action,
            visible(&change.logical_id),
            visible(&change.resource_type)
        );
        lines.push(line.trim_end().to_owned());
        if change.action == "Modify" && change.properties.is_empty() {
            lines.push("      (which properties change is not told)".to_owned());
        }
        for property in &change.properties {
            lines.extend(property_text(property));
        }
    }
    if !preview.parameters.is_empty() {
        lines.push("Parameters other than the template's defaults:".to_owned());
        let width = preview.parameters.iter().map(|parameter| parameter.name.len()).max().unwrap_or(0);
        for parameter in &preview.parameters {
            let default = match parameter.default.as_deref() {
                None => "no default".to_owned(),
                Some("") => "default: empty".to_owned(),
                Some(default) => format!("default: {}", cut(default)),
            };
            lines.push(format!("  {:<width$}  {}  ({default})", parameter.name, cut(&parameter.value)));
        }
    }
    if let Some(estimate) = &preview.estimate {
        lines.push(estimate_text(estimate));
    }
    if !preview.losses.is_empty() {
        lines.push("What is lost by this:".to_owned());
        lines.extend(preview.losses.iter().map(|loss| format!("  ! {}", visible(loss))));
    }
    lines
}

const fn sign(action: &str) -> char {
    match action.as_bytes() {
        b"Add" | b"Import" => '+',
        b"Remove" => '-',
        _ => '~',
    }
}

/// A property before and after, each on a line of its own.
fn property_text(property: &PropertyChange) -> Vec<String> {
    let path = property.path.strip_prefix("/Properties/").unwrap_or(&property.path);
    let cause = property.cause.as_deref().map(|cause| format!("  (from {})", visible(cause))).unwrap_or_default();
    let mut lines = vec![format!("      {}{cause}", visible(path))];
    if let Some(before) = &property.before {
        lines.push(format!("        - {}", cut(before)));
    }
    match &property.after {
        Some(after) => lines.push(format!("        + {}", cut(after))),
        // Not every server that speaks like AWS tells values.
        None if property.before.is_none() => {
            lines.push("        (no value is told, neither before nor after)".to_owned());
        }
        None if property.cause.is_some() => lines.push("        + (known once it is there)".to_owned()),
        None => {}
    }
    lines
}

/// What it costs, always said to be an estimate.
fn estimate_text(estimate: &Estimate) -> String {
    format!(
        "Roughly (an estimate, not a bill): {:.2} USD a day while idle, {:.2} USD for a million events of {} B. List \
         prices of {}, {}, from {}.",
        estimate.idle_usd_per_day,
        estimate.usd_per_million_events,
        Estimate::EVENT_BYTES,
        estimate.priced_region,
        estimate.as_of,
        estimate.source
    )
}

/// The beginning of a value, safe to print.
fn cut(value: &str) -> String {
    let safe = visible(value);
    match safe.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}… ({} characters)", &safe[..end], value.chars().count()),
        None => safe.into_owned(),
    }
}

/// The preview as JSON lines: one a change, then one with the rest.
pub fn json(preview: &Preview) -> Vec<Value> {
    let mut lines: Vec<Value> = preview.changes.iter().map(change_json).collect();
    let parameters: Vec<Value> = preview
        .parameters
        .iter()
        .map(|parameter| json!({"name": parameter.name, "default": parameter.default, "value": parameter.value}))
        .collect();
    lines.push(json!({
        "event": "preview",
        "stackName": preview.stack_name,
        "changeSet": preview.change_set,
        "creates": preview.creates,
        "parameters": parameters,
        "losses": preview.losses,
        "estimate": preview.estimate.as_ref().map(estimate_json),
    }));
    lines
}

fn change_json(change: &Change) -> Value {
    let properties: Vec<Value> = change
        .properties
        .iter()
        .map(|property| {
            json!({
                "path": property.path,
                "before": property.before,
                "after": property.after,
                "cause": property.cause,
            })
        })
        .collect();
    json!({
        "event": "change",
        "action": change.action,
        "logicalId": change.logical_id,
        "physicalId": change.physical_id,
        "type": change.resource_type,
        // Null: it depends on values that are known only then.
        "replacement": match change.replacement {
            Replacement::Yes => json!(true),
            Replacement::No => json!(false),
            Replacement::Maybe => Value::Null,
        },
        "properties": properties,
    })
}

fn estimate_json(estimate: &Estimate) -> Value {
    json!({
        "isEstimate": true,
        "idleUsdPerDay": estimate.idle_usd_per_day,
        "usdPerMillionEvents": estimate.usd_per_million_events,
        "eventBytes": Estimate::EVENT_BYTES,
        "pricedRegion": estimate.priced_region,
        "asOf": estimate.as_of,
        "source": estimate.source,
    })
}

#[cfg(test)]
mod tests {
    use tailwater_core::pipeline::{ParameterDifference, Sizing};

    use super::*;

    fn preview() -> Preview {
        let change = |action: &str, id: &str, kind: &str, replacement, properties| Change {
            action: action.into(),
            logical_id: id.into(),
            physical_id: None,
            resource_type: kind.into(),
            replacement,
            properties,
        };
        let property = |path: &str, before: Option<&str>, after: Option<&str>, cause: Option<&str>| PropertyChange {
            path: path.into(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
            cause: cause.map(str::to_owned),
        };
        Preview {
            stack_name: "demo".into(),
            change_set: "tailwater-1".into(),
            creates: false,
            can_roll_back: false,
            changes: vec![
                change(
                    "Modify",
                    "Stream",
                    "AWS::Kinesis::Stream",
                    Replacement::Yes,
                    vec![property("/Properties/Name", Some("api"), Some("other\u{1b}[31m"), Some("StreamName"))],
                ),
                change(
                    "Modify",
                    "DeliveryStream",
                    "AWS::KinesisFirehose::DeliveryStream",
                    Replacement::Maybe,
                    vec![property("/Properties/Source", Some(&"x".repeat(300)), None, Some("Stream.Arn"))],
                ),
                change("Add", "Extra", "AWS::IAM::Role", Replacement::No, Vec::new()),
            ],
            parameters: vec![ParameterDifference {
                name: "StreamName".into(),
                default: Some("api-kinesis-stream".into()),
                value: "other".into(),
            }],
            losses: vec!["Stream api is replaced: the records it still holds go".into()],
            estimate: Some(Estimate::of("ap-southeast-2", Sizing::default())),
        }
    }

    #[test]
    fn people_see_all_of_it_aligned_cut_and_safe() {
        let lines = text(&preview());
        assert_eq!(lines[0], "Updates stack demo: 3 resources change.");
        assert_eq!(lines[1], "  ~ Modify  Stream          AWS::Kinesis::Stream                  ! REPLACED");
        assert_eq!(&lines[2..5], ["      Name  (from StreamName)", "        - api", "        + other␛[31m"]);
        assert_eq!(lines[5], "  ~ Modify  DeliveryStream  AWS::KinesisFirehose::DeliveryStream  ! may be replaced");
        assert_eq!(lines[7], format!("        - {}… (300 characters)", "x".repeat(100)));
        assert_eq!(lines[8], "        + (known once it is there)");
        assert_eq!(lines[9], "  + Add     Extra           AWS::IAM::Role");
        assert_eq!(lines[11], "  StreamName  other  (default: api-kinesis-stream)");
        assert!(lines[12].contains("an estimate") && lines[12].contains("prices of us-east-1"), "{}", lines[12]);
        assert_eq!(lines[14], "  ! Stream api is replaced: the records it still holds go");
    }

    #[test]
    fn programs_get_a_line_a_change_and_one_with_the_rest() {
        let lines = json(&preview());
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0]["properties"][0]["cause"], "StreamName");
        assert_eq!((&lines[0]["replacement"], &lines[1]["replacement"]), (&json!(true), &Value::Null));
        assert_eq!(lines[3]["losses"].as_array().map(Vec::len), Some(1));
        assert_eq!(lines[3]["estimate"]["isEstimate"], true);
    }
}
