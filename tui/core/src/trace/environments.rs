//! The function's environments, as their log streams show them: what belongs to an invocation although
//! its line does not say so, and what is said of an invocation before it is known whose it is.

use std::collections::{HashMap, VecDeque};

use super::Trace;
use crate::events::{FunctionLog, LambdaRequestId, Level, LogLine, PlatformReport, ReportStatus, Timestamp};

/// How many environments are remembered.
const ENVIRONMENTS_KEPT: usize = 256;
/// How many invocations are remembered of which nothing else is known.
const INVOCATIONS_KEPT: usize = 2_000;
/// How much of a line is kept that says why a function failed, in characters.
const WORDS_KEPT: usize = 500;

/// What the platform says of an invocation.
#[derive(Debug, Clone, Default)]
pub(super) struct Invocation {
    init_at: Option<Timestamp>,
    started_at: Option<Timestamp>,
    report: Option<PlatformReport>,
    reported_at: Option<Timestamp>,
    fault: Option<String>,
}

impl Invocation {
    /// Tells a trace what is known.
    pub fn tell(self, trace: &mut Trace) {
        macro_rules! tell {
            ($($field:ident),*) => { $( if let Some(value) = self.$field { trace.$field = Some(value); } )* };
        }
        tell!(init_at, started_at, report, reported_at, fault);
    }
}

#[derive(Debug, Default)]
struct Environment {
    /// Its start, until an invocation has it.
    init_at: Option<Timestamp>,
    /// The invocation that runs.
    running: Option<LambdaRequestId>,
    /// What the function wrote last in it.
    last_line: Option<String>,
}

/// The environments and the invocations of which nothing else is known.
#[derive(Debug, Default)]
pub(super) struct Environments {
    by_stream: HashMap<String, Environment>,
    order: VecDeque<String>,
    invocations: HashMap<LambdaRequestId, Invocation>,
    invocation_order: VecDeque<LambdaRequestId>,
}

impl Environments {
    /// A line of the function's log group that is not the function's own line of an event: the
    /// invocation it is about, and what it says of that.
    pub fn line(&mut self, line: &LogLine, said: FunctionLog) -> Option<(LambdaRequestId, Invocation)> {
        let time = line.own_time();
        let environment = self.environment(&line.stream);
        let mut invocation = Invocation::default();
        let id = match said {
            FunctionLog::InitStart => {
                environment.init_at = Some(time);
                return None;
            }
            FunctionLog::Start => {
                let id = line.lambda_request_id.clone()?;
                environment.running = Some(id.clone());
                environment.last_line = None;
                invocation.started_at = Some(time);
                // Lines of one time may come in any order: a start that is later is another's.
                invocation.init_at = environment.init_at.take_if(|init| *init <= time);
                id
            }
            FunctionLog::Fault(words) => {
                let id = line.lambda_request_id.clone().or_else(|| environment.running.clone())?;
                invocation.fault = Some(shortened(match environment.last_line.take() {
                    Some(last) => format!("{last} ({words})"),
                    None => words,
                }));
                id
            }
            FunctionLog::Report(report, error_type) => {
                let id = line.lambda_request_id.clone()?;
                invocation.report = Some(report);
                invocation.reported_at = Some(time);
                if matches!(report.status, ReportStatus::Failure | ReportStatus::Error) {
                    invocation.fault = environment.last_line.take().or(error_type);
                }
                environment.running = None;
                id
            }
            FunctionLog::Other => {
                let tells = line.level == Level::Error || line.message.contains("panicked at");
                if tells && environment.running.is_some() && !line.message.starts_with("{\"time\"") {
                    environment.last_line.get_or_insert_with(|| shortened(line.message.clone()));
                }
                return None;
            }
            FunctionLog::Event(_) => return None,
        };
        Some((id, invocation))
    }

    /// What is said of an invocation whose trace is not known yet.
    pub fn keep(&mut self, id: LambdaRequestId, invocation: Invocation) {
        let known = self.invocations.entry(id.clone()).or_insert_with(|| {
            self.invocation_order.push_back(id);
            Invocation::default()
        });
        known.init_at = invocation.init_at.or(known.init_at);
        known.started_at = invocation.started_at.or(known.started_at);
        known.report = invocation.report.or(known.report);
        known.reported_at = invocation.reported_at.or(known.reported_at);
        known.fault = known.fault.take().or(invocation.fault);
        while self.invocation_order.len() > INVOCATIONS_KEPT {
            if let Some(oldest) = self.invocation_order.pop_front() {
                self.invocations.remove(&oldest);
            }
        }
    }

    /// What was said of an invocation, now that its trace is known.
    pub fn take(&mut self, id: &LambdaRequestId) -> Option<Invocation> {
        self.invocations.remove(id)
    }

    fn environment(&mut self, stream: &str) -> &mut Environment {
        if !self.by_stream.contains_key(stream) {
            self.order.push_back(stream.to_owned());
            if self.order.len() > ENVIRONMENTS_KEPT
                && let Some(oldest) = self.order.pop_front()
            {
                self.by_stream.remove(&oldest);
            }
        }
        self.by_stream.entry(stream.to_owned()).or_default()
    }
}

fn shortened(text: String) -> String {
    if text.chars().nth(WORDS_KEPT).is_some() { text.chars().take(WORDS_KEPT).chain(['…']).collect() } else { text }
}
