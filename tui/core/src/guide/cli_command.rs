//! The AWS CLI command that shows the same as a row, a hop or a pane, to be copied into a shell.

use std::fmt;

use crate::events::{ObjectKey, SequenceNumber, ShardId};

/// Where the AWS CLI has to look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CliPlace {
    /// The endpoint; `None`: AWS's own.
    pub endpoint_url: Option<String>,
    /// The region; `None`: not known.
    pub region: Option<String>,
    /// The profile, where one was chosen.
    pub profile: Option<String>,
}

/// A command for a POSIX shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliCommand {
    /// Words that are quoted already.
    words: Vec<String>,
}

impl fmt::Display for CliCommand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.words.join(" "))
    }
}

impl CliCommand {
    /// The command in lines of at most so many letters where its words allow it, each but the last
    /// ending in a backslash, so that it can be copied as it stands.
    pub fn lines(&self, width: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut line = String::new();
        let mut words = self.words.iter().peekable();
        while let Some(word) = words.next() {
            // An option and its value stay together.
            let value = words.next_if(|next| word.starts_with("--") && !next.starts_with("--"));
            let piece = value.map_or_else(|| word.clone(), |value| format!("{word} {value}"));
            let room = width.saturating_sub(2);
            if !line.trim().is_empty() && line.chars().count() + 1 + piece.chars().count() > room {
                lines.push(format!("{line} \\"));
                " ".clone_into(&mut line);
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&piece);
        }
        lines.push(line);
        lines
    }

    /// With one more command that reads what this one prints.
    #[must_use]
    fn piped(mut self, words: &[&str]) -> Self {
        self.words.push("|".to_owned());
        self.words.extend(words.iter().map(|word| quoted(word)));
        self
    }
}

/// As a shell takes it; what would steer a terminal is written out.
fn quoted(word: &str) -> String {
    if !word.chars().any(|letter| letter.is_control() && letter != '\n') {
        return shell_words::quote(word).into_owned();
    }
    let mut text = "$'".to_owned();
    for letter in word.chars() {
        match letter {
            '\\' | '\'' => text.extend(['\\', letter]),
            letter if letter.is_control() => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    text.extend(["\\x", &hex::encode([byte])]);
                }
            }
            letter => text.push(letter),
        }
    }
    text.push('\'');
    text
}

impl CliPlace {
    /// `aws SERVICE OPERATION …` with what says where to look.
    fn command(&self, words: &[&str]) -> CliCommand {
        let mut all = vec!["aws".to_owned()];
        all.extend(words.iter().map(|word| quoted(word)));
        let mut option = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                all.extend([name.to_owned(), quoted(value)]);
            }
        };
        option("--endpoint-url", &self.endpoint_url);
        option("--region", &self.region);
        option("--profile", &self.profile);
        CliCommand { words: all }
    }

    /// Takes what a command prints as a value of this one.
    fn with_value_of(&self, words: &[&str], option: &str, value: &CliCommand) -> CliCommand {
        let mut command = self.command(words);
        let mut inner = value.words.clone();
        if let Some(first) = inner.first_mut() {
            first.insert_str(0, "\"$(");
        }
        if let Some(last) = inner.last_mut() {
            last.push_str(")\"");
        }
        let place = command.words.iter().skip(1).position(|word| word.starts_with("--")).map_or(0, |index| index + 1);
        let at = if place == 0 { command.words.len() } else { place };
        command.words.splice(at..at, [option.to_owned()].into_iter().chain(inner));
        command
    }

    /// Who one is.
    pub fn identity(&self) -> CliCommand {
        self.command(&["sts", "get-caller-identity"])
    }

    /// The stack: its status, parameters and outputs.
    pub fn stack(&self, stack_name: &str) -> CliCommand {
        self.command(&["cloudformation", "describe-stacks", "--stack-name", stack_name])
    }

    /// The stack's last events.
    pub fn stack_events(&self, stack_name: &str) -> CliCommand {
        self.command(&["cloudformation", "describe-stack-events", "--stack-name", stack_name, "--max-items", "20"])
    }

    /// A resource of the stack.
    pub fn stack_resource(&self, stack_name: &str, logical_id: &str) -> CliCommand {
        let words = ["cloudformation", "describe-stack-resource", "--stack-name", stack_name];
        self.command(&[&words[..], &["--logical-resource-id", logical_id]].concat())
    }

    /// The stage of the API with its throttle, by the API's id; where that is not known, by its name,
    /// which is the stack's.
    pub fn stage(&self, api_id: Option<&str>, stack_name: &str) -> CliCommand {
        let stage = ["apigatewayv2", "get-stage", "--stage-name", "$default"];
        if let Some(id) = api_id {
            return self.command(&[&stage[..], &["--api-id", id]].concat());
        }
        let query = format!("Items[?Name=='{stack_name}'].ApiId | [0]");
        let find = self.command(&["apigatewayv2", "get-apis", "--query", &query, "--output", "text"]);
        self.with_value_of(&stage, "--api-id", &find)
    }

    /// The function's settings.
    pub fn function(&self, name: &str) -> CliCommand {
        self.command(&["lambda", "get-function-configuration", "--function-name", name])
    }

    /// The lines of a log group from a moment on. The AWS CLI's own `logs tail` is of its version 2 alone.
    pub fn log_lines(&self, group: &str, from_millis: i64) -> CliCommand {
        let from = from_millis.to_string();
        let words = ["logs", "filter-log-events", "--log-group-name", group, "--start-time", &from];
        self.command(&[&words[..], &["--query", "events[].message", "--output", "text"]].concat())
    }

    /// The lines of a log group that hold a text, such as an id, from a moment on.
    pub fn log_lines_with(&self, group: &str, text: &str, from_millis: i64) -> CliCommand {
        let pattern = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let from = from_millis.to_string();
        let words = ["logs", "filter-log-events", "--log-group-name", group, "--filter-pattern", &pattern];
        self.command(&[&words[..], &["--start-time", &from, "--query", "events[].message"]].concat())
    }

    /// The stream: shards, retention, encryption.
    pub fn stream(&self, name: &str) -> CliCommand {
        self.command(&["kinesis", "describe-stream-summary", "--stream-name", name])
    }

    /// The oldest records that a shard still keeps.
    pub fn records(&self, stream: &str, shard: &ShardId) -> CliCommand {
        self.records_from(stream, shard, &["TRIM_HORIZON"], "100")
    }

    /// One record.
    pub fn record(&self, stream: &str, shard: &ShardId, number: &SequenceNumber) -> CliCommand {
        self.records_from(stream, shard, &["AT_SEQUENCE_NUMBER", "--starting-sequence-number", number.as_str()], "1")
    }

    fn records_from(&self, stream: &str, shard: &ShardId, from: &[&str], limit: &str) -> CliCommand {
        let words = ["kinesis", "get-shard-iterator", "--stream-name", stream, "--shard-id", shard.as_str()];
        let rest = ["--query", "ShardIterator", "--output", "text"];
        let iterator = self.command(&[&words[..], &["--shard-iterator-type"], from, &rest].concat());
        self.with_value_of(&["kinesis", "get-records", "--limit", limit], "--shard-iterator", &iterator)
    }

    /// The delivery stream: buffering, destination, role.
    pub fn delivery_stream(&self, name: &str) -> CliCommand {
        self.command(&["firehose", "describe-delivery-stream", "--delivery-stream-name", name])
    }

    /// The bucket's objects.
    pub fn objects(&self, bucket: &str) -> CliCommand {
        self.command(&["s3", "ls", &format!("s3://{bucket}/"), "--recursive"])
    }

    /// An object's text.
    pub fn object(&self, bucket: &str, key: &ObjectKey) -> CliCommand {
        self.command(&["s3", "cp", &format!("s3://{bucket}/{key}"), "-"])
    }

    /// A line of an object, from 1.
    pub fn object_line(&self, bucket: &str, key: &ObjectKey, line: u64) -> CliCommand {
        self.object(bucket, key).piped(&["sed", "-n", &format!("{line}p")])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> CliPlace {
        CliPlace {
            endpoint_url: Some("http://127.0.0.1:4566".to_owned()),
            region: Some("ap-southeast-2".to_owned()),
            profile: None,
        }
    }

    #[test]
    fn a_command_says_where_to_look() {
        assert_eq!(
            local().function("tailwater-submit").to_string(),
            "aws lambda get-function-configuration --function-name tailwater-submit --endpoint-url \
             http://127.0.0.1:4566 --region ap-southeast-2"
        );
        let aws =
            CliPlace { profile: Some("my prod".to_owned()), region: Some("eu-west-1".to_owned()), endpoint_url: None };
        assert_eq!(aws.identity().to_string(), "aws sts get-caller-identity --region eu-west-1 --profile 'my prod'");
    }

    #[test]
    fn what_a_shell_would_read_otherwise_is_quoted() {
        let place = CliPlace::default();
        for hostile in ["$(reboot)", "a; b", "it's", "`x`", "a\nb", "*", "é \"q\""] {
            let command = place.stack(hostile).to_string();
            let words = shell_words::split(&command).expect("words");
            assert_eq!(words.last().map(String::as_str), Some(hostile), "{command}");
        }
        let found = place.log_lines_with("/aws/lambda/f", "Yx3k=\"", 5).to_string();
        assert!(found.contains(r#"--filter-pattern '"Yx3k=\""'"#), "{found}");
        assert!(place.stage(Some("a1b2"), "s").to_string().contains("'$default'"));
    }

    #[test]
    fn a_record_is_read_with_an_iterator_of_its_own() {
        let command = local().record("s", &"shardId-000000000000".into(), &"4966".into()).to_string();
        assert_eq!(
            command,
            "aws kinesis get-records --shard-iterator \"$(aws kinesis get-shard-iterator --stream-name s --shard-id \
             shardId-000000000000 --shard-iterator-type AT_SEQUENCE_NUMBER --starting-sequence-number 4966 --query \
             ShardIterator --output text --endpoint-url http://127.0.0.1:4566 --region ap-southeast-2)\" --limit 1 \
             --endpoint-url http://127.0.0.1:4566 --region ap-southeast-2"
        );
    }

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("it's"), shell_words::quote("it's"));
        assert_eq!(quoted("a\u{1b}[2J'\\\r"), r"$'a\x1b[2J\'\\\x0d'");
    }

    #[test]
    fn a_broken_command_is_the_same_command() {
        let command = local().record("s", &"shardId-000000000000".into(), &"4966".into());
        let lines = command.lines(60);
        assert!(lines.len() > 3 && lines.iter().all(|line| line.chars().count() <= 76), "{lines:#?}");
        let joined = lines.join("\n").replace(" \\\n", " ");
        let bare = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(bare(&joined), command.to_string());
        assert_eq!(local().object_line("b", &"k 1".into(), 4).to_string().split(" | ").last(), Some("sed -n 4p"));
    }
}
