//! What an execution environment writes to its log stream: the function's own lines as they come,
//! and the platform's lines in the format and from the level that the function's settings say.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::settings::{LogFormat, LogLevel, Logging};
use crate::logs::{LogLine, Logs};

/// Bytes without a line break that are kept back: a longer line is written in pieces.
const LONGEST_LINE_BYTES: usize = 256 * 1024;
/// Bytes of the log's end that an answer may carry.
const TAIL_BYTES: usize = 4096;

/// Whether a phase ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Success,
    /// The function said that it failed.
    Failure,
    /// The runtime ended or could not be started.
    Error,
    Timeout,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Timeout => "timeout",
        }
    }
}

/// What the platform says of an invocation when it is over.
#[derive(Debug, Clone)]
pub(super) struct Summary {
    pub request_id: String,
    pub status: Status,
    /// `Runtime.ExitError` and its like.
    pub error_type: Option<String>,
    pub duration: Duration,
    /// There for the first invocation of an environment.
    pub init_duration: Option<Duration>,
    pub memory_size_mb: u32,
    pub max_memory_used_mb: u64,
    pub produced_bytes: usize,
}

/// Writes the lines of one environment.
pub(super) struct LogStream {
    logs: Arc<Logs>,
    group: String,
    stream: String,
    settings: Logging,
    runtime: String,
    runtime_version_arn: String,
    /// The function's output after its last line break.
    unfinished: Vec<u8>,
    /// The end of what this invocation wrote.
    tail: Vec<u8>,
}

impl LogStream {
    /// A fresh stream of the function's group, which is made where it is not there.
    pub fn new(logs: Arc<Logs>, settings: Logging, runtime: &str, runtime_version_arn: &str) -> Self {
        logs.ensure_group(&settings.group);
        let today = Timestamp::now().strftime("%Y/%m/%d").to_string();
        Self {
            logs,
            group: settings.group.clone(),
            stream: format!("{today}/[$LATEST]{}", uuid::Uuid::new_v4().simple()),
            settings,
            runtime: runtime.to_owned(),
            runtime_version_arn: runtime_version_arn.to_owned(),
            unfinished: Vec::new(),
            tail: Vec::new(),
        }
    }

    /// The stream's name.
    pub fn name(&self) -> &str {
        &self.stream
    }

    /// The last of what was written since [`Self::start`].
    pub fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Takes the function's output as it came; whole lines are written at once.
    pub fn function_output(&mut self, bytes: &[u8]) {
        self.unfinished.extend_from_slice(bytes);
        let mut lines = Vec::new();
        while let Some(end) = self.unfinished.iter().position(|byte| *byte == b'\n') {
            let rest = self.unfinished.split_off(end + 1);
            let line = std::mem::replace(&mut self.unfinished, rest);
            lines.push(line);
        }
        if self.unfinished.len() >= LONGEST_LINE_BYTES {
            lines.push(std::mem::take(&mut self.unfinished));
        }
        self.write_function_lines(&lines);
    }

    /// The function threw: what its runtime writes of that.
    pub fn threw(&mut self, request_id: &str, error_type: &str, message: &str) {
        let now = Timestamp::now();
        let line = match self.settings.format {
            LogFormat::Text => format!("[ERROR] {error_type}: {message}\n"),
            LogFormat::Json => {
                let words = if message.is_empty() { error_type } else { message };
                let line = json!({
                    "timestamp": iso(now),
                    "level": "ERROR",
                    "message": words,
                    "errorType": error_type,
                    "lambdaRequestId": request_id,
                });
                format!("{line}\n")
            }
        };
        self.write_function_lines(&[line.into_bytes()]);
    }

    /// Writes what came without a line break, as at the end of an invocation.
    pub fn finish_line(&mut self) {
        if !self.unfinished.is_empty() {
            let line = std::mem::take(&mut self.unfinished);
            self.write_function_lines(&[line]);
        }
    }

    fn write_function_lines(&mut self, lines: &[Vec<u8>]) {
        let now = Timestamp::now();
        let messages = lines
            .iter()
            .filter(|line| !line.trim_ascii().is_empty() && !self.settings.hides(line))
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        self.write(now, messages);
    }

    fn write(&mut self, time: Timestamp, messages: Vec<String>) {
        if messages.is_empty() {
            return;
        }
        for message in &messages {
            self.tail.extend_from_slice(message.as_bytes());
            if !message.ends_with('\n') {
                self.tail.push(b'\n');
            }
        }
        let too_much = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..too_much);
        let timestamp_ms = time.as_millisecond();
        let lines =
            messages.into_iter().map(|message| LogLine { timestamp_ms, message: trim_break(message) }).collect();
        // Where the group was deleted meanwhile, the lines are lost, as on AWS for a role that may not
        // make groups; making it again would leave it behind when a stack is deleted.
        let _ = self.logs.put(&self.group, &self.stream, lines);
    }

    fn platform(&mut self, level: LogLevel, kind: &str, record: &Value, text: Option<String>) {
        let now = Timestamp::now();
        match self.settings.format {
            LogFormat::Text => self.write(now, text.into_iter().collect()),
            LogFormat::Json if level >= self.settings.system_level => {
                let line = json!({"time": iso(now), "type": format!("platform.{kind}"), "record": record});
                self.write(now, vec![line.to_string()]);
            }
            LogFormat::Json => {}
        }
    }

    /// The environment is being started.
    pub fn init_start(&mut self) {
        let (version, arn) = (runtime_version(&self.runtime), self.runtime_version_arn.clone());
        let text = format!("INIT_START Runtime Version: {version}\tRuntime Version ARN: {arn}\t");
        let record = json!({
            "initializationType": "on-demand",
            "phase": "init",
            "runtimeVersion": version,
            "runtimeVersionArn": arn,
            "functionVersion": "$LATEST",
        });
        self.platform(LogLevel::Info, "initStart", &record, Some(text));
    }

    /// The environment is ready, or is not: `phase` is `init`, or `invoke` where the start was
    /// repeated within an invocation.
    pub fn init_done(&mut self, phase: &str, status: Status, error_type: Option<&str>, duration: Duration) {
        let level = if status == Status::Success { LogLevel::Debug } else { LogLevel::Warn };
        let mut done = json!({"initializationType": "on-demand", "phase": phase, "status": status.word()});
        let mut report = json!({
            "initializationType": "on-demand",
            "phase": phase,
            "status": status.word(),
            "metrics": {"durationMs": rounded(duration)},
        });
        if let Some(error_type) = error_type {
            done["errorType"] = error_type.into();
            report["errorType"] = error_type.into();
        }
        self.platform(level, "initRuntimeDone", &done, None);
        let text = (status != Status::Success).then(|| {
            let error = error_type.map_or_else(String::new, |kind| format!("\tError Type: {kind}"));
            format!(
                "INIT_REPORT Init Duration: {:.2} ms\tPhase: {phase}\tStatus: {}{error}",
                milliseconds(duration),
                status.word()
            )
        });
        self.platform(level, "initReport", &report, text);
    }

    /// An invocation begins.
    pub fn start(&mut self, request_id: &str) {
        self.tail.clear();
        self.platform(
            LogLevel::Info,
            "start",
            &json!({"requestId": request_id, "functionVersion": "$LATEST", "version": "$LATEST"}),
            Some(format!("START RequestId: {request_id} Version: $LATEST")),
        );
    }

    /// The runtime ended: `message` is `RequestId: … Error: Runtime exited …`.
    pub fn fault(&mut self, message: &str, error_type: &str) {
        let text = format!("{message}\n{error_type}");
        self.platform(LogLevel::Warn, "fault", &message.into(), Some(text));
    }

    /// The function ran out of time.
    pub fn timed_out(&mut self, request_id: &str, seconds: u32) {
        // JSON says it with the status of the report.
        if self.settings.format == LogFormat::Text {
            let now = Timestamp::now();
            self.write(now, vec![format!("{} {request_id} Task timed out after {seconds}.00 seconds\n", iso(now))]);
        }
    }

    /// An invocation is over; everything that it wrote has been written before.
    pub fn report(&mut self, summary: &Summary) {
        let Summary { request_id, status, error_type, duration, init_duration, .. } = summary;
        let level = if *status == Status::Success { LogLevel::Debug } else { LogLevel::Warn };
        let mut done = json!({
            "requestId": request_id,
            "status": status.word(),
            "metrics": {"durationMs": rounded(*duration), "producedBytes": summary.produced_bytes},
        });
        // Billed by the millisecond begun.
        let billed_ms = duration.as_micros().div_ceil(1000);
        let mut metrics = json!({
            "durationMs": rounded(*duration),
            "billedDurationMs": u64::try_from(billed_ms).unwrap_or(u64::MAX),
            "memorySizeMB": summary.memory_size_mb,
            "maxMemoryUsedMB": summary.max_memory_used_mb,
        });
        if let Some(init) = init_duration {
            metrics["initDurationMs"] = rounded(*init).into();
        }
        let mut report = json!({"requestId": request_id, "metrics": metrics, "status": status.word()});
        if let Some(error_type) = error_type {
            done["errorType"] = error_type.as_str().into();
            report["errorType"] = error_type.as_str().into();
        }
        self.platform(level, "runtimeDone", &done, Some(format!("END RequestId: {request_id}")));
        let init =
            init_duration.map_or_else(String::new, |init| format!("Init Duration: {:.2} ms\t", milliseconds(init)));
        let outcome = match (status, error_type) {
            (Status::Timeout, _) => "Status: timeout".to_owned(),
            (Status::Error, Some(error_type)) => format!("Status: error\tError Type: {error_type}"),
            _ => String::new(),
        };
        let text = format!(
            "REPORT RequestId: {request_id}\tDuration: {:.2} ms\tBilled Duration: {billed_ms} ms\t\
             Memory Size: {} MB\tMax Memory Used: {} MB\t{init}{outcome}",
            milliseconds(*duration),
            summary.memory_size_mb,
            summary.max_memory_used_mb,
        );
        let level = if *status == Status::Success { LogLevel::Info } else { LogLevel::Warn };
        self.platform(level, "report", &report, Some(text));
    }
}

/// `provided:al2023.v1` out of `provided.al2023`: the embedded cloud has one version of each.
fn runtime_version(runtime: &str) -> String {
    format!("{}.v1", runtime.replace('.', ":"))
}

fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Milliseconds with three decimals, as AWS writes them.
fn rounded(duration: Duration) -> f64 {
    (milliseconds(duration) * 1000.0).round() / 1000.0
}

fn trim_break(mut message: String) -> String {
    let kept = message.trim_end_matches(['\n', '\r']).len();
    message.truncate(kept);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runtimes_version_has_awss_form() {
        assert_eq!(runtime_version("provided.al2023"), "provided:al2023.v1");
    }
}
