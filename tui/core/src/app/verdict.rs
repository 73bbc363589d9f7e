//! What is wrong, in two lines: which hop stops, since when, why, and what waits because of it.
//!
//! Rows that fail are gathered into streaks as they come; [`verdict`] chooses what matters most of
//! them and of what is late, missing or not read. It is a pure function of [`Evidence`].

use std::{collections::BTreeMap, time::Duration};

use super::{App, Context, EventSource, Pane, Row, Sign, TailState};
use crate::{
    events::{Access, Answer, LambdaRequestId, Level, LogLine, LogSource, Timestamp},
    pipeline::ERROR_PREFIX,
    text::{log_line, number, safe::visible, time, time::UtcOffset},
    trace::{EventNumber, Held, Ledger, StageState},
};

/// How long a streak of trouble is news after it was seen last.
const NEWS: Duration = Duration::from_mins(1);
/// How late Firehose may be before it is said: its own retries and the listing of the bucket take a moment.
pub(super) const LATE_FROM: Duration = Duration::from_secs(5);
/// From this age on a moment is told in hours and minutes.
const MINUTES_FROM: Duration = Duration::from_mins(10);
/// How many cells a reason takes at most.
const REASON_LETTERS: usize = 160;

/// What can go wrong at a hop, the weightiest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Firehose says that it can't deliver.
    Delivery,
    /// Firehose gave up and wrote under the error prefix.
    GaveUp,
    /// The function ran into its time-out.
    FunctionTimedOut,
    /// The function failed.
    FunctionFailed,
    /// The stream did not take a record, or did not say so.
    StreamFailed,
    /// The stream takes no more records for now.
    StreamThrottled,
    /// The API answered 5xx, and nothing above says why.
    ApiFailed,
    /// No answer came.
    Unanswered,
    /// The API lets no more requests through.
    ApiThrottled,
    /// The API or the function refused what was sent.
    Refused,
}

/// A kind of trouble as it was seen again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streak {
    /// When it was seen first.
    pub since: Timestamp,
    /// When it was seen last.
    pub last: Timestamp,
    /// How often what was sent from here showed it.
    answers: u64,
    /// How often a log or an object showed it: of everyone's events, and it may be behind.
    lines: u64,
    /// What was said last.
    pub reason: String,
    /// The row that showed it last.
    pub row: (Pane, u64),
    /// The invocation of the last line: it writes more than one.
    invocation: Option<LambdaRequestId>,
}

impl Streak {
    /// How often it was seen.
    pub fn count(&self) -> u64 {
        self.answers.max(self.lines)
    }
}

/// Every kind of trouble that was seen, each as a streak.
#[derive(Debug, Default)]
pub struct Troubles {
    streaks: BTreeMap<Trouble, Streak>,
    /// Until when deliveries are known to have worked.
    delivered: Timestamp,
}

impl Troubles {
    /// A row came; `place`: where it stands. A row that shows trouble goes on with its streak, one that
    /// shows that a hop works ends one.
    pub fn see(&mut self, row: &Row, place: (Pane, u64)) {
        if let Row::Object(object) = row
            && !object.key.as_str().starts_with(ERROR_PREFIX)
        {
            // An object's date has whole seconds.
            let until = object.time.plus(Duration::from_secs(1));
            self.delivered = self.delivered.max(until);
            if self.streaks.get(&Trouble::Delivery).is_some_and(|streak| streak.last < until) {
                self.streaks.remove(&Trouble::Delivery);
            }
        }
        let Some((trouble, time, reason)) = seen_in(row) else { return };
        // A line about what was tried again, and worked, may come after the object.
        if trouble == Trouble::Delivery && time < self.delivered {
            return;
        }
        let invocation = match row {
            Row::Log { line, .. } => line.lambda_request_id.clone(),
            _ => None,
        };
        let ended = self.streaks.get(&trouble).is_some_and(|streak| time.since(streak.last) > NEWS);
        if ended && trouble != Trouble::Delivery {
            self.streaks.remove(&trouble);
        }
        let streak = self.streaks.entry(trouble).or_insert_with(|| Streak {
            since: time,
            last: time,
            answers: 0,
            lines: 0,
            reason: String::new(),
            row: place,
            invocation: None,
        });
        streak.since = streak.since.min(time);
        streak.last = streak.last.max(time);
        let again = invocation.is_some() && streak.invocation == invocation;
        match row {
            Row::Sent(_) => streak.answers += 1,
            _ if again => {}
            _ => streak.lines += 1,
        }
        if !again || streak.reason.is_empty() {
            streak.reason = reason;
        }
        streak.row = place;
        streak.invocation = invocation;
    }

    /// The streak of a kind that is still news.
    fn news(&self, trouble: Trouble, now: Timestamp) -> Option<&Streak> {
        let streak = self.streaks.get(&trouble)?;
        (trouble == Trouble::Delivery || now.since(streak.last) <= NEWS).then_some(streak)
    }
}

/// What a row shows of trouble: its kind, its time, and what it says.
fn seen_in(row: &Row) -> Option<(Trouble, Timestamp, String)> {
    let (trouble, time, reason) = match row {
        Row::Sent(sent) => match &sent.answer {
            Answer::Accepted { .. } => return None,
            Answer::Refused { status: 429, .. } => (Trouble::ApiThrottled, sent.time, "429".to_owned()),
            Answer::Refused { status, message, .. } => {
                let trouble = if *status >= 500 { Trouble::ApiFailed } else { Trouble::Refused };
                (trouble, sent.time, format!("{status} {message}"))
            }
            Answer::Unanswered { message } => (Trouble::Unanswered, sent.time, message.clone()),
        },
        Row::Log { line, brief } => {
            let (trouble, reason) = match line.source {
                LogSource::Delivery => (Trouble::Delivery, delivery_reason(line)),
                LogSource::Access => access_trouble(line)?,
                LogSource::Function => function_trouble(line, brief)?,
            };
            (trouble, line.time, reason)
        }
        Row::Object(object) if object.key.as_str().starts_with(ERROR_PREFIX) => {
            (Trouble::GaveUp, object.time, object.key.as_str().to_owned())
        }
        _ => return None,
    };
    Some((trouble, time, visible(reason.trim().trim_end_matches('.')).chars().take(REASON_LETTERS).collect()))
}

fn access_trouble(line: &LogLine) -> Option<(Trouble, String)> {
    let status = Access::parse(&line.message)?.status?;
    match status.parse::<u16>().ok()? {
        429 => Some((Trouble::ApiThrottled, status)),
        500.. => Some((Trouble::ApiFailed, status)),
        400.. => Some((Trouble::Refused, status)),
        _ => None,
    }
}

/// The function's own line names what the stream did; Lambda's lines name what the function did.
fn function_trouble(line: &LogLine, brief: &str) -> Option<(Trouble, String)> {
    let fields = serde_json::from_str::<serde_json::Value>(&line.message).unwrap_or_default();
    let text = |name: &str| fields.get(name).and_then(serde_json::Value::as_str);
    let error = || text("error").unwrap_or(brief).to_owned();
    match text("outcome") {
        Some("throttled") => return Some((Trouble::StreamThrottled, error())),
        Some("failed" | "unknown") => return Some((Trouble::StreamFailed, error())),
        // What the client sent was refused: its answer says so.
        Some(_) => return None,
        None => {}
    }
    if line.level < Level::Error {
        return None;
    }
    let record = fields.get("record");
    let status = record.and_then(|record| record.get("status")).and_then(serde_json::Value::as_str);
    let timed_out = status == Some("timeout") || line.message.contains("Task timed out");
    if timed_out {
        let ran = record.and_then(|record| record.get("metrics")?.get("durationMs")?.as_f64());
        let words = ran.map_or_else(
            || brief.to_owned(),
            |ran| {
                let ran = Duration::from_secs_f64(ran.clamp(0.0, 1e9) / 1_000.0);
                format!("timed out after {}", time::duration(ran))
            },
        );
        return Some((Trouble::FunctionTimedOut, words));
    }
    let kind = record.and_then(|record| record.get("errorType")).and_then(serde_json::Value::as_str);
    Some((Trouble::FunctionFailed, kind.unwrap_or(brief).to_owned()))
}

/// `S3 AccessDenied` of a delivery error's line.
fn delivery_reason(line: &LogLine) -> String {
    let fields = serde_json::from_str::<serde_json::Value>(&line.message).unwrap_or_default();
    match fields.get("errorCode").and_then(serde_json::Value::as_str) {
        Some(code) => code.replacen('.', " ", 1),
        None => log_line::brief(line),
    }
}

/// What leads to the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// An event's trace.
    Trace(EventNumber),
    /// A row.
    Row(Pane, u64),
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How bad it is.
    pub sign: Sign,
    /// Which hop, since when, why, how often. Safe to print.
    pub head: String,
    /// What waits because of it, or what it means.
    pub more: String,
    /// Where the reason is to be seen.
    pub why: Option<Why>,
}

/// All that a verdict is made from.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The rows that showed trouble.
    pub troubles: &'a Troubles,
    /// The sources that can't be read, with what came back.
    pub unread: Vec<(EventSource, &'a TailState)>,
    /// What Firehose holds.
    pub held: Held,
    /// When it should deliver that.
    pub due: Option<Timestamp>,
    /// An event that Firehose holds, the oldest.
    pub oldest_held: Option<EventNumber>,
    /// Where the events sent from here are.
    pub ledger: Ledger,
    /// The first event that is missing.
    pub first_missing: Option<EventNumber>,
    /// How long the stream keeps records, where that is known.
    pub retention: Option<Duration>,
    /// The offset in which times are shown.
    pub offset: UtcOffset,
    /// The time.
    pub now: Timestamp,
}

/// What is wrong, the weightiest of it; `None` where nothing is.
pub fn verdict(evidence: &Evidence) -> Option<Verdict> {
    use Trouble::{
        ApiFailed, ApiThrottled, Delivery, FunctionFailed, FunctionTimedOut, GaveUp, Refused, StreamFailed,
        StreamThrottled, Unanswered,
    };
    let first_of = |kinds: &[Trouble]| {
        kinds.iter().find_map(|kind| evidence.troubles.news(*kind, evidence.now).map(|streak| (*kind, streak)))
    };
    first_of(&[Delivery, GaveUp, FunctionTimedOut, FunctionFailed, StreamFailed, StreamThrottled, ApiFailed])
        .map(|(kind, streak)| of_streak(kind, streak, evidence))
        .or_else(|| unread(evidence))
        .or_else(|| missing(evidence))
        .or_else(|| late(evidence))
        .or_else(|| {
            first_of(&[Unanswered, ApiThrottled, Refused]).map(|(kind, streak)| of_streak(kind, streak, evidence))
        })
}

fn of_streak(kind: Trouble, streak: &Streak, evidence: &Evidence) -> Verdict {
    let what = match kind {
        Trouble::Delivery | Trouble::GaveUp => "Stops at Firehose",
        Trouble::FunctionTimedOut | Trouble::FunctionFailed => "Fails at Lambda",
        Trouble::StreamFailed => "Fails at Kinesis",
        Trouble::StreamThrottled => "Throttled at Kinesis",
        Trouble::ApiFailed => "Fails at the API",
        Trouble::Unanswered => "No answer from the API",
        Trouble::ApiThrottled => "Throttled at the API",
        Trouble::Refused => "Refused at the API",
    };
    let mild =
        matches!(kind, Trouble::StreamThrottled | Trouble::Unanswered | Trouble::ApiThrottled | Trouble::Refused);
    let since = moment(streak.since, evidence);
    let reason = match kind {
        Trouble::GaveUp => "it gave up and wrote under errors/",
        _ => streak.reason.as_str(),
    };
    let times = match streak.count() {
        1 => "once".to_owned(),
        count => number::counted(count, "time"),
    };
    Verdict {
        sign: if mild { Sign::Attention } else { Sign::Failed },
        head: format!("{what} since {since}: {reason}, {times}"),
        more: means(kind, evidence),
        why: Some(Why::Row(streak.row.0, streak.row.1)),
    }
}

/// What waits because of a trouble, or what it means for what was sent.
fn means(kind: Trouble, evidence: &Evidence) -> String {
    let ledger = evidence.ledger;
    match kind {
        Trouble::Delivery => waiting(evidence),
        Trouble::GaveUp => "Its records are in that object, base64: nothing of them waits any more.".to_owned(),
        Trouble::FunctionTimedOut | Trouble::FunctionFailed | Trouble::StreamFailed | Trouble::ApiFailed => {
            match ledger.unanswered {
                0 => "What failed before its put left no record.".to_owned(),
                unproved => {
                    format!("{} without proof: put or not, a record would show it.", number::counted(unproved, "event"))
                }
            }
        }
        Trouble::StreamThrottled => {
            "Nothing was put of these. A shard takes 1 MB or 1,000 records a second.".to_owned()
        }
        Trouble::Unanswered => "Each may have arrived or not: a record or log line would show it.".to_owned(),
        Trouble::ApiThrottled => {
            "Nothing was put of these: ThrottleRate a second go through, ThrottleBurst at once.".to_owned()
        }
        Trouble::Refused => "Nothing was put of these: the answer says what to change.".to_owned(),
    }
}

/// `18,402 records wait in Kinesis, the oldest 19 min of its 24 h: none expired.`
fn waiting(evidence: &Evidence) -> String {
    let held = evidence.held;
    let Some(oldest) = held.oldest.filter(|_| held.records > 0) else {
        return "No record that was seen here waits.".to_owned();
    };
    let age = evidence.now.since(oldest);
    let wait = if held.records == 1 { "waits" } else { "wait" };
    let records = number::counted(held.records, "record");
    match evidence.retention {
        Some(retention) if age >= retention => format!(
            "{records} {wait} in Kinesis, the oldest {}: past the {} that it keeps them.",
            time::whole_seconds(age),
            hours(retention)
        ),
        Some(retention) => format!(
            "{records} {wait} in Kinesis, the oldest {} of its {}: none expired.",
            time::whole_seconds(age),
            hours(retention)
        ),
        None => format!("{records} {wait} in Kinesis, the oldest {}.", time::whole_seconds(age)),
    }
}

/// A retention as its setting has it: in hours, in days where it is long.
fn hours(retention: Duration) -> String {
    match retention.as_secs() / 3_600 {
        hours @ 0..=72 => format!("{hours} h"),
        hours => format!("{} d", hours / 24),
    }
}

fn unread(evidence: &Evidence) -> Option<Verdict> {
    let (source, state) = evidence.unread.first()?;
    let (sign, head) = match state {
        TailState::Retrying { error, after } => (
            Sign::Attention,
            format!("{} can't be read: {error}. Tried again in {}", source_name(*source), time::duration(*after)),
        ),
        TailState::Ended { error } => {
            (Sign::Failed, format!("{} are not read any more: {error}", source_name(*source)))
        }
        TailState::Following | TailState::Slowed { .. } => return None,
    };
    let more = "What is missing here because of that need not be missing in the pipeline.".to_owned();
    Some(Verdict { sign, head: visible(&head).into_owned(), more, why: None })
}

fn missing(evidence: &Evidence) -> Option<Verdict> {
    let missing = evidence.ledger.missing;
    (missing > 0).then(|| Verdict {
        sign: Sign::Failed,
        head: format!("{} missing: put to Kinesis, past the time for delivery, in no object", events(missing)),
        more: waiting(evidence),
        why: evidence.first_missing.map(Why::Trace),
    })
}

fn late(evidence: &Evidence) -> Option<Verdict> {
    let due = evidence.due?;
    let late = evidence.now.since(due);
    (late > LATE_FROM && evidence.held.records > 0).then(|| Verdict {
        sign: Sign::Attention,
        head: format!("Late at Firehose since {}: due {} ago", moment(due, evidence), time::whole_seconds(late)),
        more: waiting(evidence),
        why: evidence.oldest_held.map(Why::Trace),
    })
}

fn events(count: u64) -> String {
    let are = if count == 1 { "is" } else { "are" };
    format!("{} {are}", number::counted(count, "event"))
}

/// A moment, the coarser the longer ago.
fn moment(time: Timestamp, evidence: &Evidence) -> String {
    let clock = evidence.offset.clock(time);
    let old = evidence.now.since(time) > MINUTES_FROM;
    if old { clock.rsplit_once(':').map_or_else(|| clock.clone(), |(minutes, _)| minutes.to_owned()) } else { clock }
}

const fn source_name(source: EventSource) -> &'static str {
    match source {
        EventSource::Logs => "Logs",
        EventSource::Records => "Records",
        EventSource::Objects => "Objects",
    }
}

impl App {
    /// What is wrong, where something is; worked out once for each state.
    pub fn verdict(&self) -> Option<Verdict> {
        if let Some(known) = self.known_verdict.borrow().as_ref() {
            return known.clone();
        }
        let verdict = self.look_for_trouble();
        *self.known_verdict.borrow_mut() = Some(verdict.clone());
        verdict
    }

    fn look_for_trouble(&self) -> Option<Verdict> {
        self.deployment.ready()?;
        let sources = [EventSource::Logs, EventSource::Records, EventSource::Objects];
        let unread = sources.iter().filter_map(|source| self.tails.get(source).map(|state| (*source, state)));
        let ledger = self.ledger();
        let evidence = Evidence {
            troubles: &self.troubles,
            unread: unread
                .filter(|(_, state)| matches!(state, TailState::Retrying { .. } | TailState::Ended { .. }))
                .collect(),
            held: self.held(),
            due: self.due(),
            oldest_held: self.due().filter(|due| self.now.since(*due) > LATE_FROM).and_then(|_| self.oldest_held()),
            first_missing: (ledger.missing > 0).then(|| self.first_missing()).flatten(),
            ledger,
            retention: self.retention(),
            offset: self.offset,
            now: self.now,
        };
        let mut verdict = verdict(&evidence)?;
        // The event's whole way says more than the one row that failed.
        if let Some(Why::Row(pane, id)) = verdict.why {
            match self.pane(pane).history().get(id) {
                Some(row) => {
                    if let Some(number) = row.number(&self.traces) {
                        verdict.why = Some(Why::Trace(number));
                    }
                }
                None => verdict.why = None,
            }
        }
        Some(verdict)
    }

    /// How long the stream keeps a record, where the stack says so.
    pub(super) fn retention(&self) -> Option<Duration> {
        let hours = self.deployment.settings.number("RetentionHours")?;
        Some(Duration::from_secs(hours.saturating_mul(3_600)))
    }

    /// The key that leads to the verdict's reason, where one does now.
    pub fn why_key(&self, verdict: &Verdict) -> Option<&'static str> {
        verdict.why?;
        match self.context() {
            Context::Panes if self.enter_is_why() => Some("Enter"),
            Context::Panes if !self.focus.is_apart() => Some("!"),
            _ => None,
        }
    }

    /// Whether `Enter` has no row to open here and leads to the reason of what is wrong.
    pub(super) fn enter_is_why(&self) -> bool {
        let free = self.pane(self.focus).is_empty() || (self.focus == Pane::Send && self.pane(Pane::Send).following());
        free && !self.focus.is_apart()
    }

    /// Whether there is a reason to go to.
    pub(super) fn has_why(&self) -> bool {
        self.verdict().is_some_and(|verdict| verdict.why.is_some())
    }

    /// Goes to what shows the reason of what is wrong; whether there was one.
    pub(super) fn open_why(&mut self) -> bool {
        match self.verdict().and_then(|verdict| verdict.why) {
            Some(Why::Trace(number)) => {
                self.open_trace(number);
                true
            }
            Some(Why::Row(pane, id)) => {
                self.open_row(pane, id);
                true
            }
            None => false,
        }
    }

    /// The first of the last events sent from here that is past the time for delivery.
    fn first_missing(&self) -> Option<EventNumber> {
        let missing = |number: EventNumber| {
            let waterfall = self.traces.waterfall(number, self.now);
            let gone = |state: &StageState| matches!(state, StageState::Overdue { .. } | StageState::Lost { .. });
            waterfall.is_some_and(|waterfall| waterfall.rows.iter().any(|row| gone(&row.state)))
        };
        let put = self.traces.own().filter(|(_, trace)| trace.landing.is_none() && trace.put());
        put.map(|(seq, _)| EventNumber::Own(seq)).find(|number| missing(*number))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rstest::rstest;

    use super::*;
    use crate::events::{ObjectKey, Sent};

    const NOW: Timestamp = Timestamp::from_millis(1_795_525_327_000);

    fn before(seconds: u64) -> Timestamp {
        NOW.minus(Duration::from_secs(seconds))
    }

    fn line(source: LogSource, seconds_before: u64, message: &str) -> Row {
        let (level, lambda_request_id, api_request_id) = LogLine::read(message);
        Row::log(LogLine {
            time: before(seconds_before),
            ingestion_time: before(seconds_before),
            source,
            group: String::new(),
            stream: String::new(),
            event_id: String::new(),
            lambda_request_id,
            api_request_id,
            level,
            message: message.to_owned(),
        })
    }

    fn sent(answer: Answer) -> Row {
        Row::Sent(Sent { seq: 1, time: before(3), latency: Duration::ZERO, body: Bytes::new(), answer })
    }

    fn refused(status: u16, message: &str) -> Row {
        sent(Answer::Refused { status, nothing_put: true, api_request_id: None, message: message.to_owned() })
    }

    fn object(key: &str, seconds_before: u64) -> Row {
        Row::Object(super::super::ObjectRow {
            time: before(seconds_before),
            bucket: String::new(),
            key: ObjectKey(key.to_owned()),
            size_bytes: 1,
            lines: Ok(1),
            head: String::new(),
        })
    }

    fn evidence(troubles: &Troubles) -> Evidence<'_> {
        Evidence {
            troubles,
            unread: Vec::new(),
            held: Held::default(),
            due: None,
            oldest_held: None,
            ledger: Ledger::default(),
            first_missing: None,
            retention: None,
            offset: UtcOffset(3600),
            now: NOW,
        }
    }

    fn seen(rows: &[Row]) -> Troubles {
        let mut troubles = Troubles::default();
        for (id, row) in (0..).zip(rows) {
            troubles.see(row, (Pane::Logs, id));
        }
        troubles
    }

    fn head(troubles: &Troubles) -> Option<String> {
        verdict(&evidence(troubles)).map(|verdict| verdict.head)
    }

    const DENIED: &str = r#"{"errorCode":"S3.AccessDenied","errorMessage":"Access was denied.","level":"ERROR"}"#;

    #[rstest]
    #[case::throttled(refused(429, "Too Many Requests"), "! Throttled at the API since 14:02:04: 429, once")]
    #[case::throttled_by_others(
        line(LogSource::Access, 3, r#"{"requestId":"a","status":"429"}"#),
        "! Throttled at the API since 14:02:04: 429, once"
    )]
    #[case::refused(
        refused(400, "the body is no JSON"),
        "! Refused at the API since 14:02:04: 400 the body is no JSON, once"
    )]
    #[case::failed(
        refused(503, "Service Unavailable"),
        "✗ Fails at the API since 14:02:04: 503 Service Unavailable, once"
    )]
    #[case::unanswered(
        sent(Answer::Unanswered { message: "connection refused".to_owned() }),
        "! No answer from the API since 14:02:04: connection refused, once"
    )]
    #[case::function_fails(
        line(LogSource::Function, 3, r#"{"type":"platform.report","record":{"requestId":"l","status":"error","errorType":"Runtime.ExitError","metrics":{"durationMs":3.0}}}"#),
        "✗ Fails at Lambda since 14:02:04: Runtime.ExitError, once"
    )]
    #[case::function_times_out(
        line(LogSource::Function, 3, r#"{"type":"platform.report","record":{"requestId":"l","status":"timeout","metrics":{"durationMs":10000.0}}}"#),
        "✗ Fails at Lambda since 14:02:04: timed out after 10 s, once"
    )]
    #[case::stream_throttles(
        line(LogSource::Function, 3, r#"{"level":"WARN","outcome":"throttled","lambdaRequestId":"l","error":"ProvisionedThroughputExceededException"}"#),
        "! Throttled at Kinesis since 14:02:04: ProvisionedThroughputExceededException, once"
    )]
    #[case::stream_fails(
        line(
            LogSource::Function,
            3,
            r#"{"level":"ERROR","outcome":"failed","lambdaRequestId":"l","error":"InternalFailure"}"#
        ),
        "✗ Fails at Kinesis since 14:02:04: InternalFailure, once"
    )]
    #[case::delivery_fails(
        line(LogSource::Delivery, 3, DENIED),
        "✗ Stops at Firehose since 14:02:04: S3 AccessDenied, once"
    )]
    #[case::given_up(
        object("errors/2026/11/24/x", 3),
        "✗ Stops at Firehose since 14:02:04: it gave up and wrote under errors/, once"
    )]
    fn every_kind_of_trouble_names_hop_since_when_and_reason(#[case] row: Row, #[case] words: &str) {
        let verdict = verdict(&evidence(&seen(&[row]))).expect("a verdict");
        assert_eq!(format!("{} {}", verdict.sign.text(), verdict.head), words);
        assert_eq!(verdict.why, Some(Why::Row(Pane::Logs, 0)));
        assert!(!verdict.more.is_empty());
    }

    #[test]
    fn what_waits_because_of_it_is_told_against_the_retention() {
        let rows: Vec<Row> = (0..212).map(|_| line(LogSource::Delivery, 1_140, DENIED)).collect();
        let troubles = seen(&rows);
        let held = Held { records: 18_402, bytes: 1, oldest: Some(before(1_140)) };
        let day = Some(Duration::from_hours(24));
        let verdict_of = |evidence: Evidence| verdict(&evidence).expect("a verdict");
        let told = verdict_of(Evidence { held, retention: day, ..evidence(&troubles) });
        assert_eq!(told.head, "Stops at Firehose since 13:43: S3 AccessDenied, 212 times");
        assert_eq!(told.more, "18,402 records wait in Kinesis, the oldest 19 min of its 24 h: none expired.");
        let long = Held { records: 1, bytes: 1, oldest: Some(before(90_000)) };
        let told = verdict_of(Evidence { held: long, retention: day, ..evidence(&troubles) });
        assert_eq!(
            told.more,
            "1 record waits in Kinesis, the oldest 25 h: past the 24 h that it keeps them.".replace("25 h", "1 d 1 h")
        );
        let told = verdict_of(Evidence { held: long, ..evidence(&troubles) });
        assert_eq!(told.more, "1 record waits in Kinesis, the oldest 1 d 1 h.");
    }

    #[test]
    fn a_delivery_that_works_again_ends_it() {
        let troubles = seen(&[line(LogSource::Delivery, 600, DENIED)]);
        assert!(head(&troubles).is_some(), "it stops until something shows that it works");
        let troubles = seen(&[line(LogSource::Delivery, 600, DENIED), object("2026/a", 700)]);
        assert!(head(&troubles).is_some(), "an object from before proves nothing");
        let troubles = seen(&[line(LogSource::Delivery, 600, DENIED), object("2026/a", 300)]);
        assert_eq!(head(&troubles), None);
        // The line comes after the object of the try that worked.
        let troubles = seen(&[object("2026/a", 300), line(LogSource::Delivery, 600, DENIED)]);
        assert!(troubles.news(Trouble::Delivery, NOW).is_none());
    }

    #[test]
    fn what_is_long_over_is_no_news_and_a_new_streak_begins_anew() {
        let throttled = |seconds| line(LogSource::Access, seconds, r#"{"requestId":"a","status":"429"}"#);
        assert_eq!(head(&seen(&[throttled(100)])), None);
        let troubles = seen(&[throttled(200), throttled(199), throttled(10), throttled(9)]);
        assert_eq!(head(&troubles).as_deref(), Some("Throttled at the API since 14:01:57: 429, 2 times"));
    }

    #[test]
    fn one_request_is_counted_once_whoever_tells_of_it() {
        let of = |lambda: &str| {
            line(
                LogSource::Function,
                3,
                &format!(
                    r#"{{"type":"platform.report","record":{{"requestId":"{lambda}","status":"error","metrics":{{"durationMs":3.0}}}}}}"#
                ),
            )
        };
        let end = line(
            LogSource::Function,
            3,
            r#"{"type":"platform.runtimeDone","record":{"requestId":"l1","status":"error","errorType":"Runtime.ExitError"}}"#,
        );
        let troubles = seen(&[end, of("l1"), of("l2")]);
        assert!(head(&troubles).expect("a verdict").ends_with("2 times"), "{troubles:?}");
        let own = refused(429, "");
        let logged = line(LogSource::Access, 3, r#"{"requestId":"a","status":"429"}"#);
        assert!(head(&seen(&[own, logged])).expect("a verdict").ends_with("429, once"));
    }

    #[test]
    fn the_cause_is_named_before_what_follows_from_it() {
        let fault = r#"{"type":"platform.report","record":{"requestId":"l","status":"error","errorType":"Runtime.ExitError","metrics":{"durationMs":3.0}}}"#;
        let troubles = seen(&[refused(503, "Service Unavailable"), line(LogSource::Function, 3, fault)]);
        assert!(head(&troubles).expect("a verdict").starts_with("Fails at Lambda"));
    }

    #[test]
    fn late_missing_and_unread_are_said_with_what_shows_them() {
        let troubles = Troubles::default();
        let held = Held { records: 4, bytes: 136, oldest: Some(before(40)) };
        let late =
            Evidence { held, due: Some(before(30)), oldest_held: Some(EventNumber::Own(39)), ..evidence(&troubles) };
        let told = verdict(&late).expect("a verdict");
        assert_eq!(told.head, "Late at Firehose since 14:01:37: due 30 s ago");
        assert_eq!(told.more, "4 records wait in Kinesis, the oldest 40 s.");
        assert_eq!(told.why, Some(Why::Trace(EventNumber::Own(39))));
        let ledger = Ledger { sent: 1, missing: 1, ..Ledger::default() };
        let first_missing = Some(EventNumber::Own(1));
        let told = verdict(&Evidence { ledger, first_missing, ..late }).expect("a verdict");
        assert!(told.head.starts_with("1 event is missing: "), "{told:?}");
        assert_eq!(told.why, Some(Why::Trace(EventNumber::Own(1))));
        let state = TailState::Ended { error: "no permission".to_owned() };
        let unread = vec![(EventSource::Records, &state)];
        let told = verdict(&Evidence { unread, ..evidence(&troubles) }).expect("a verdict");
        assert_eq!(told.head, "Records are not read any more: no permission");
        assert_eq!(verdict(&evidence(&troubles)), None);
    }
}
