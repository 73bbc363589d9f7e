//! The calls that this program made, summed up by operation: the calls view, and what they cost.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::App;
use crate::{
    events::{Call, CallOutcome},
    text::{number, time},
};

/// The longest call that is told apart, in microseconds: ten minutes.
const LONGEST_MICROS: u64 = 600_000_000;
/// Two digits of a duration are shown, and so many are kept.
const DIGITS: u8 = 2;
/// How many operations are told apart; further ones are counted together.
const MOST_OPERATIONS: usize = 200;

/// What calls cost at list prices of us-east-1, in US dollars (the pricing pages of AWS, 2026-11).
/// Reading Kinesis by `GetRecords`, reading logs and asking CloudFormation cost nothing by the call.
const PRICES: [(&str, &str, f64); 4] = [
    // S3 Standard, requests: 0.005 a thousand PUT, COPY, POST, LIST; 0.0004 a thousand others.
    ("S3", "PutObject", 0.005 / 1_000.0),
    ("S3", "ListObjectsV2", 0.005 / 1_000.0),
    ("S3", "ListObjectVersions", 0.005 / 1_000.0),
    ("S3", "GetObject", 0.000_4 / 1_000.0),
];
/// Data out to the Internet, a GB, without the first 100 GB of a month, which are free (EC2 on-demand
/// pricing, data transfer, 2026-11).
const TRANSFER_USD_PER_GB: f64 = 0.09;
/// Bytes of a GB, as AWS bills it.
const GB: f64 = 1_073_741_824.0;

/// How a budget of calls stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallBudget {
    /// What it is for: `records`.
    pub name: String,
    /// The service of the calls that it is for.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// Calls within the window.
    pub used: u64,
    /// Calls that are allowed within it; `None`: as many as one likes.
    pub allowed: Option<u64>,
    /// The window, in seconds.
    pub window_seconds: u64,
}

/// The calls of one operation.
#[derive(Debug)]
pub struct OperationCalls {
    /// How many.
    pub count: u64,
    /// How many ended with an error, throttled ones included.
    pub errors: u64,
    /// How often one was sent again.
    pub retries: u64,
    /// How many attempts were refused because there were too many.
    pub throttled: u64,
    /// Bytes of the answers.
    pub answer_bytes: u64,
    /// The code of the last error.
    pub last_error: Option<String>,
    micros: Histogram<u32>,
}

impl OperationCalls {
    fn new() -> Option<Self> {
        Some(Self {
            count: 0,
            errors: 0,
            retries: 0,
            throttled: 0,
            answer_bytes: 0,
            last_error: None,
            micros: Histogram::new_with_bounds(1, LONGEST_MICROS, DIGITS).ok()?,
        })
    }

    fn add(&mut self, call: &Call) {
        self.count += 1;
        self.retries += u64::from(call.attempts.saturating_sub(1));
        self.throttled += u64::from(call.throttled);
        self.answer_bytes += call.answer_bytes;
        match &call.outcome {
            CallOutcome::Answered => {}
            CallOutcome::Throttled(code) | CallOutcome::Failed(code) => {
                self.errors += 1;
                self.last_error = Some(code.clone());
            }
        }
        self.micros.saturating_record(u64::try_from(call.duration.as_micros()).unwrap_or(LONGEST_MICROS).max(1));
    }

    /// Half of the calls took at most this long.
    pub fn p50(&self) -> std::time::Duration {
        std::time::Duration::from_micros(self.micros.value_at_quantile(0.5))
    }

    /// 99 of 100 calls took at most this long.
    pub fn p99(&self) -> std::time::Duration {
        std::time::Duration::from_micros(self.micros.value_at_quantile(0.99))
    }
}

/// All calls of the session.
#[derive(Debug, Default)]
pub struct Calls {
    operations: BTreeMap<(String, String), OperationCalls>,
    budgets: Vec<CallBudget>,
    total: u64,
}

impl Calls {
    /// A call was made.
    pub fn add(&mut self, call: &Call) {
        self.total += 1;
        let key = (call.service.clone(), call.operation.clone());
        if !self.operations.contains_key(&key) {
            let key =
                if self.operations.len() < MOST_OPERATIONS { key.clone() } else { ("others".into(), String::new()) };
            if let Some(new) = OperationCalls::new() {
                self.operations.entry(key).or_insert(new);
            }
        }
        let others = ("others".to_owned(), String::new());
        let key = if self.operations.contains_key(&key) { key } else { others };
        if let Some(operation) = self.operations.get_mut(&key) {
            operation.add(call);
        }
    }

    /// How the budgets stand; whether that is news.
    pub fn set_budgets(&mut self, budgets: Vec<CallBudget>) -> bool {
        let news = self.budgets != budgets;
        self.budgets = budgets;
        news
    }

    /// By service and operation.
    pub fn operations(&self) -> impl ExactSizeIterator<Item = (&str, &str, &OperationCalls)> {
        self.operations.iter().map(|((service, operation), calls)| (service.as_str(), operation.as_str(), calls))
    }

    /// The budget of an operation.
    pub fn budget(&self, service: &str, operation: &str) -> Option<&CallBudget> {
        self.budgets.iter().find(|budget| budget.service == service && budget.operation == operation)
    }

    /// How many calls were made.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// How many attempts were throttled.
    pub fn throttled(&self) -> u64 {
        self.operations.values().map(|calls| calls.throttled).sum()
    }

    /// What the requests cost, and what the bytes that came would at most, in US dollars.
    fn dollars(&self) -> (f64, f64) {
        let price = |service: &str, operation: &str| {
            PRICES.iter().find(|(of, what, _)| *of == service && *what == operation).map_or(0.0, |(_, _, price)| *price)
        };
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let requests =
            self.operations().map(|(service, operation, calls)| price(service, operation) * calls.count as f64);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let bytes = self.operations.values().map(|calls| calls.answer_bytes).sum::<u64>() as f64;
        (requests.sum(), bytes / GB * TRANSFER_USD_PER_GB)
    }
}

/// `less than $0.01`, `$1.24`.
fn dollars(amount: f64) -> String {
    if amount < 0.01 { "less than $0.01".to_owned() } else { format!("${amount:.2}") }
}

impl App {
    /// The calls that this program made.
    pub const fn calls(&self) -> &Calls {
        &self.calls
    }

    /// What is taken from the account's limits, in few words: `we read records 18 of 20 in 10 s`.
    pub fn budget_words(&self) -> Option<String> {
        let parts: Vec<String> = self
            .calls
            .budgets
            .iter()
            .filter_map(|budget| {
                let allowed = budget.allowed?;
                Some(format!("{} {} of {allowed}", budget.name, budget.used.min(allowed)))
            })
            .collect();
        let window = self.calls.budgets.first()?.window_seconds;
        (!parts.is_empty())
            .then(|| format!("Read in the last {window} s: {} that we allow ourselves.", parts.join(", ")))
    }

    /// What the calls of this session cost, at list prices.
    pub fn cost_words(&self) -> String {
        if matches!(self.target, super::Target::Local) {
            return "Nothing is billed: the local cloud answers these calls.".to_owned();
        }
        let (requests, transfer) = self.calls.dollars();
        format!(
            "Estimate for these calls: requests {}, transfer out at most {} (list prices of us-east-1, 2026-11)",
            dollars(requests),
            dollars(transfer)
        )
    }

    /// The calls view's rows: service and operation, then its figures.
    pub fn call_rows(&self) -> Vec<CallRow> {
        self.calls
            .operations()
            .map(|(service, operation, calls)| CallRow {
                service: service.to_owned(),
                operation: operation.to_owned(),
                trouble: calls.errors > 0 || calls.throttled > 0,
                figures: [
                    number::grouped(calls.count),
                    number::grouped(calls.errors),
                    number::grouped(calls.retries),
                    number::grouped(calls.throttled),
                    time::duration(calls.p50()),
                    time::duration(calls.p99()),
                    match self.calls.budget(service, operation) {
                        Some(CallBudget { used, allowed: Some(allowed), .. }) => {
                            format!("{} of {allowed}", allowed.saturating_sub(*used))
                        }
                        _ => String::new(),
                    },
                ],
                last_error: calls.last_error.clone().unwrap_or_default(),
            })
            .collect()
    }
}

/// A row of the calls view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    /// `Kinesis`.
    pub service: String,
    /// `GetRecords`.
    pub operation: String,
    /// Some failed or were throttled.
    pub trouble: bool,
    /// Calls, errors, retries, throttled, p50, p99, left of the budget.
    pub figures: [String; 7],
    /// The code of the last error.
    pub last_error: String,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::events::Timestamp;

    fn call(operation: &str, millis: u64, outcome: CallOutcome) -> Call {
        Call {
            service: "S3".to_owned(),
            operation: operation.to_owned(),
            started: Timestamp::default(),
            duration: Duration::from_millis(millis),
            attempts: 2,
            throttled: u32::from(matches!(outcome, CallOutcome::Throttled(_))),
            answer_bytes: 1 << 30,
            outcome,
        }
    }

    #[test]
    fn calls_are_summed_up_by_operation() {
        let mut calls = Calls::default();
        for millis in 1..=100 {
            calls.add(&call("GetObject", millis, CallOutcome::Answered));
        }
        calls.add(&call("ListObjectsV2", 5, CallOutcome::Throttled("SlowDown".to_owned())));
        calls.add(&call("ListObjectsV2", 5, CallOutcome::Failed("AccessDenied".to_owned())));
        let all: Vec<_> = calls.operations().collect();
        let (_, name, get) = &all[0];
        assert_eq!((*name, get.count, get.errors, get.retries), ("GetObject", 100, 0, 100));
        assert!(get.p50().as_millis().abs_diff(50) <= 1 && get.p99().as_millis().abs_diff(99) <= 1);
        let (_, _, list) = &all[1];
        assert_eq!((list.errors, list.throttled, list.last_error.as_deref()), (2, 1, Some("AccessDenied")));
        let (requests, transfer) = calls.dollars();
        assert!((requests - (100.0 * 0.000_000_4 + 2.0 * 0.000_005)).abs() < 1e-9);
        assert!((transfer - 102.0 * 0.09).abs() < 1e-6);
    }

    #[test]
    fn the_number_of_operations_is_bounded() {
        let mut calls = Calls::default();
        for number in 0..MOST_OPERATIONS + 50 {
            calls.add(&call(&format!("Operation{number}"), 1, CallOutcome::Answered));
        }
        assert_eq!(calls.operations().len(), MOST_OPERATIONS + 1);
        assert_eq!(calls.total(), 250);
    }
}
