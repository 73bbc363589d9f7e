//! What is shown before a yes: the preview of a deployment, what has to be done first, and what the
//! end of the stack would mean. Loud things stand first.

use super::{App, Sign, Target, Work};
use crate::{
    pipeline::{Change, Estimate, Preview, PropertyChange, Replacement},
    text::{number, safe::visible},
};

/// How many letters of a value are shown: a whole policy is no help in a diff.
const VALUE_LETTERS: usize = 200;

/// A line of what is shown before a yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskingLine {
    /// Cells it is moved to the right.
    pub indent: usize,
    /// The state, where it has one.
    pub sign: Option<Sign>,
    /// It is a heading.
    pub heading: bool,
    /// The words, safe to print.
    pub words: String,
}

fn plain(indent: usize, words: impl Into<String>) -> AskingLine {
    AskingLine { indent, sign: None, heading: false, words: words.into() }
}

fn heading(words: impl Into<String>) -> AskingLine {
    AskingLine { indent: 0, sign: None, heading: true, words: words.into() }
}

fn loud(sign: Sign, words: impl Into<String>) -> AskingLine {
    AskingLine { indent: 0, sign: Some(sign), heading: false, words: words.into() }
}

/// A value in few letters.
fn short(value: &str) -> String {
    let safe = visible(value);
    match safe.char_indices().nth(VALUE_LETTERS) {
        Some((end, _)) => format!("{}… ({} characters)", &safe[..end], number::grouped(value.chars().count() as u64)),
        None => safe.into_owned(),
    }
}

fn change_lines(lines: &mut Vec<AskingLine>, change: &Change) {
    let (sign, words) = match (change.action.as_str(), change.replacement) {
        ("Remove", _) => (Some(Sign::Failed), "DELETED"),
        (_, Replacement::Yes) => (Some(Sign::Failed), "REPLACED: data goes"),
        (_, Replacement::Maybe) => (Some(Sign::Attention), "may be REPLACED"),
        ("Add", _) => (None, "made"),
        ("Import", _) => (None, "taken into the stack"),
        _ => (None, "changed"),
    };
    let kind = change.resource_type.strip_prefix("AWS::").unwrap_or(&change.resource_type);
    lines.push(AskingLine {
        indent: 0,
        sign,
        heading: false,
        words: format!("{:<20} {:<31} {words}", visible(&change.logical_id), visible(kind)).trim_end().to_owned(),
    });
    lines.extend(change.properties.iter().flat_map(property_lines));
}

/// A property: in one line where both values are short.
fn property_lines(property: &PropertyChange) -> Vec<AskingLine> {
    let path = visible(property.path.strip_prefix("/Properties/").unwrap_or(&property.path));
    let cause = property.cause.as_ref().map(|cause| format!("  (by {})", visible(cause))).unwrap_or_default();
    let before = property.before.as_deref().map_or_else(|| "not set".to_owned(), short);
    let after = property.after.as_deref().map_or_else(|| "known only then".to_owned(), short);
    let line = format!("{path}: {before} → {after}{cause}");
    if line.chars().count() <= 72 {
        return vec![plain(4, line)];
    }
    vec![plain(4, format!("{path}{cause}")), plain(6, format!("before {before}")), plain(6, format!("after  {after}"))]
}

fn estimate_line(estimate: &Estimate) -> String {
    format!(
        "Estimate: {:.2} USD a day while idle, {:.2} USD for a million events of {} (list prices of {}, {}: {}).",
        estimate.idle_usd_per_day,
        estimate.usd_per_million_events,
        number::size(Estimate::EVENT_BYTES),
        estimate.priced_region,
        estimate.as_of,
        estimate.source
    )
}

fn preview_lines(preview: &Preview) -> Vec<AskingLine> {
    let mut lines = Vec::new();
    if !preview.losses.is_empty() {
        lines.push(heading("What is lost by this"));
        lines.extend(preview.losses.iter().map(|loss| loud(Sign::Failed, visible(loss))));
        lines.push(plain(0, ""));
    }
    if let Some(estimate) = &preview.estimate {
        lines.push(plain(0, estimate_line(estimate)));
        lines.push(plain(0, ""));
    }
    let count = number::counted(preview.changes.len() as u64, "resource");
    lines.push(heading(if preview.changes.is_empty() {
        "No resource changes: only outputs, tags or policies".to_owned()
    } else if preview.creates {
        format!("{count} will be made")
    } else {
        format!("{count} will change")
    }));
    // What goes or is replaced stands above what only changes.
    let is_loud = |change: &&Change| change.action == "Remove" || change.replacement != Replacement::No;
    let (first, rest): (Vec<&Change>, Vec<&Change>) = preview.changes.iter().partition(is_loud);
    for change in first.into_iter().chain(rest) {
        change_lines(&mut lines, change);
    }
    if !preview.parameters.is_empty() {
        lines.push(plain(0, ""));
        lines.push(heading("Parameters that differ from the template's defaults"));
        lines.extend(preview.parameters.iter().map(|parameter| {
            let default = parameter.default.as_deref().map_or_else(
                || "no default".to_owned(),
                |default| {
                    if default.is_empty() {
                        "default: empty".to_owned()
                    } else {
                        format!("default: {}", short(default))
                    }
                },
            );
            plain(2, format!("{} = {}  ({default})", visible(&parameter.name), short(&parameter.value)))
        }));
    }
    lines
}

impl App {
    /// Where what is asked about would happen, in full.
    pub fn place_words(&self) -> String {
        match &self.target {
            Target::Local => "On the local cloud: nothing leaves this machine".to_owned(),
            Target::Aws { account_id, region, endpoint_url, elsewhere, .. } => {
                let at = endpoint_url.as_ref().map(|url| format!(", at {url}")).unwrap_or_default();
                let elsewhere: Vec<String> = elsewhere.iter().map(|service| format!(", {service}")).collect();
                let elsewhere = elsewhere.concat();
                visible(&format!("In account {account_id}, {region}{at}{elsewhere}")).into_owned()
            }
        }
    }

    /// What is shown before a yes, scrolled or not.
    pub fn preview_lines(&self) -> Vec<AskingLine> {
        let mut lines = vec![plain(0, self.place_words()), plain(0, "")];
        match &self.deployment.work {
            Some(Work::Previewed(preview)) => lines.extend(preview_lines(preview)),
            Some(Work::First(first)) => {
                lines.extend([loud(Sign::Attention, visible(&first.why)), plain(0, "")]);
                lines.push(heading(format!("First: {}", visible(&first.what))));
                lines.extend(first.losses.iter().map(|loss| loud(Sign::Failed, visible(loss))));
                lines.push(plain(0, ""));
                lines.push(plain(0, "After that the changes are shown, and asked about again."));
            }
            _ => return Vec::new(),
        }
        lines
    }

    /// What stands over the lines before a yes.
    pub fn asking_title(&self) -> String {
        let stack = visible(self.stack_name.as_str()).into_owned();
        let what = match &self.deployment.work {
            Some(Work::Previewed(preview)) if preview.creates => "Create stack",
            Some(Work::Previewed(_)) => "Update stack",
            Some(Work::First(_)) => "Before deploying stack",
            _ => "Destroy stack",
        };
        format!("{what} {stack}?")
    }

    /// What the end of the stack would mean, as it is chosen now.
    pub fn destroy_lines(&self) -> Vec<AskingLine> {
        let Some(how) = &self.destroying else { return Vec::new() };
        let bucket = self
            .deployment
            .ready()
            .map_or_else(|| "its bucket".to_owned(), |ready| format!("bucket {}", visible(&ready.outputs.bucket_name)));
        let interval = self.deployment.ready().map(|ready| ready.buffering.interval_seconds);
        let mut lines = vec![plain(0, self.place_words()), plain(0, ""), heading("What is lost")];
        if how.keep_data {
            lines.push(loud(
                Sign::Done,
                format!("b  {bucket} stays with its objects, and goes on costing what they take"),
            ));
        } else {
            lines.push(loud(
                Sign::Failed,
                format!("b  {bucket}: every object, version and unfinished upload is DELETED"),
            ));
        }
        if how.now {
            lines.push(loud(Sign::Failed, "i  Firehose is not waited for: what it buffers is LOST"));
        } else {
            let wait = interval.map_or_else(|| "its interval".to_owned(), |seconds| format!("{seconds} s"));
            lines.push(loud(Sign::Done, format!("i  Firehose gets {wait} to deliver what it buffers")));
        }
        lines
            .push(loud(Sign::Failed, "   the stream with the records it still keeps, the log groups with their lines"));
        if how.artifacts {
            lines.push(loud(
                Sign::Failed,
                "a  the function's code is DELETED, with its bucket where no other stack uses it",
            ));
        } else {
            lines
                .push(loud(Sign::Done, "a  the function's code stays in the artifact bucket, for the next deployment"));
        }
        if how.retain_stuck {
            lines.push(loud(
                Sign::Attention,
                "x  what CloudFormation cannot delete STAYS in the account, without a stack",
            ));
        } else {
            lines.push(loud(Sign::Done, "x  what CloudFormation cannot delete stops it there, and is named"));
        }
        lines.push(plain(0, ""));
        lines.push(heading("What is done, in this order"));
        let mut steps = vec!["The intake stops: the API answers 5xx."];
        if how.keep_data {
            steps.push("The stack is updated so that its bucket is kept.");
        }
        if !how.now {
            steps.push("Firehose delivers what it holds.");
        }
        steps.push("The delivery stream is deleted, so that it cannot write again.");
        if !how.keep_data {
            steps.push("The bucket is emptied.");
        }
        steps.push("The stack is deleted, then log groups that Lambda made by itself.");
        if how.artifacts {
            steps.push("The function's code is deleted, and its bucket where no other stack uses it.");
        }
        steps.push("What is left in the account is listed, with what it costs.");
        lines.extend(steps.iter().enumerate().map(|(index, step)| plain(2, format!("{}. {step}", index + 1))));
        lines.push(plain(0, ""));
        lines.push(plain(0, "b, i, a and x choose. Enter goes on to typing the stack's name. Esc leaves it as it is."));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(before: Option<&str>, after: Option<&str>) -> PropertyChange {
        PropertyChange {
            path: "/Properties/ShardCount".to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
            cause: None,
        }
    }

    #[test]
    fn a_property_says_before_and_after_however_long() {
        let words = |property: &PropertyChange| -> Vec<String> {
            property_lines(property).into_iter().map(|line| line.words).collect()
        };
        assert_eq!(words(&property(Some("1"), Some("2"))), ["ShardCount: 1 → 2"]);
        assert_eq!(words(&property(None, None)), ["ShardCount: not set → known only then"]);
        let long = words(&property(Some(&"x".repeat(300)), Some("\u{1b}[2J")));
        assert_eq!(long.len(), 3);
        assert!(long[1].ends_with("… (300 characters)") && long[2] == "after  ␛[2J", "{long:?}");
    }
}
