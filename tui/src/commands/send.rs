//! `tailwater send`

use std::{
    io::Read,
    num::NonZeroUsize,
    path::Path,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hdrhistogram::Histogram;
use rand::RngExt;
use serde_json::json;
use tailwater_core::{events::Sent, text::placeholders, trace::Ledger};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    CLOUD_ENDED, CommandError, CommandResult, End, gone, leave, pipeline, print, say, stopped, target, trace::Following,
};
use crate::{
    cli::{Global, Output, SendArgs},
    send::{CONCURRENCY, Load, Sender, all_headers, run},
};

/// What is sent where nothing is given.
const SAMPLE: &str = include_str!("../../../assets/events/signup.json");
/// The longest time that is told apart: longer than any request can take.
const LONGEST_MICROS: u64 = 60_000_000;
/// How many results may wait to be printed.
const RESULTS_AHEAD: usize = 256;

/// Posts events and prints the result of each, then of all.
pub async fn send(global: &Global, args: SendArgs) -> CommandResult {
    let template = template(&args)?;
    // A template with a mistake is found before anything is sent.
    placeholders::fill(&template, 1, crate::target::now(), &mut || 0)
        .map_err(|error| CommandError::Usage(format!("the event's placeholders: {error}")))?;
    all_headers(&args.header, args.bearer.as_deref())?;
    let target = target(global).await?;
    let result = post(global, &args, template, &target).await;
    leave(&target).await;
    result
}

async fn post(global: &Global, args: &SendArgs, template: String, target: &crate::target::Target) -> CommandResult {
    let deployed = pipeline(target, global).await?;
    let sender =
        Sender::new(target, &deployed.outputs.submit_url, deployed.auth_mode, &args.header, args.bearer.as_deref())?;
    let load = Load {
        rate: args.rate,
        concurrency: args.concurrency.unwrap_or(if args.count == 1 { NonZeroUsize::MIN } else { CONCURRENCY }),
    };
    // What has a number or an id of its own is equal to no other.
    let distinct = args.count == 1 || ["{{seq}}", "{{uuid}}"].iter().any(|own| template.contains(own));
    let mut following = if args.wait { Some(Following::start(target, &deployed, !distinct).await?) } else { None };
    let events = (1..=args.count).map(move |seq| {
        let filled = placeholders::fill(&template, seq, crate::target::now(), &mut || rand::rng().random());
        // Checked above: what is wrong with a template is wrong with every filling.
        (seq, Bytes::from(filled.unwrap_or_else(|_| template.clone())))
    });
    let stop = CancellationToken::new();
    let (results, received) = mpsc::channel(RESULTS_AHEAD);
    let deadline = tokio::time::Instant::now() + args.timeout;
    let sending = async {
        run(&sender, load, events, &results, &stop).await;
        drop(results);
    };
    let mut shown = Shown::new(global.output)?;
    let showing = shown.show(received, following.as_mut(), deadline, &stop);
    let interrupted = async {
        tokio::select! {
            () = stopped() => {}
            () = gone(target) => say(CLOUD_ENDED),
        }
        stop.cancel();
        std::future::pending::<()>().await;
    };
    let result = tokio::select! {
        ((), result) = async { tokio::join!(sending, showing) } => result,
        () = interrupted => Ok(()),
    };
    let ended = match following {
        Some(following) => following.end(global.output).await,
        None => None,
    };
    result?;
    shown.summary(ended.as_ref())?;
    if stop.is_cancelled() {
        say("Stopped: what was under way has been finished, the rest was not sent.");
        return Ok(End::Interrupted);
    }
    Ok(match ended {
        Some(ledger) if ledger.on_the_way > 0 => End::TimeLimit,
        Some(ledger) if ledger.in_s3 < ledger.sent => End::Failed,
        _ if shown.failed > 0 => End::Failed,
        _ => End::Done,
    })
}

/// What has been printed.
struct Shown {
    output: Output,
    latencies: Histogram<u64>,
    sent: u64,
    failed: u64,
    began: Instant,
    /// How long the sending took.
    took: Duration,
}

impl Shown {
    fn new(output: Output) -> Result<Self, CommandError> {
        let latencies = Histogram::new_with_bounds(1, LONGEST_MICROS, 3)
            .map_err(|error| CommandError::Failed(error.to_string()))?;
        Ok(Self { output, latencies, sent: 0, failed: 0, began: Instant::now(), took: Duration::ZERO })
    }

    /// Prints each result, and where events are followed each trace, until all has ended.
    async fn show(
        &mut self,
        mut received: mpsc::Receiver<Sent>,
        mut following: Option<&mut Following>,
        deadline: tokio::time::Instant,
        stop: &CancellationToken,
    ) -> Result<(), CommandError> {
        let mut sending = true;
        let follows = following.is_some();
        loop {
            let seen = async {
                match following.as_deref_mut() {
                    Some(following) => following.look().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                result = received.recv(), if sending => match result {
                    Some(result) => {
                        self.sent += 1;
                        self.took = self.began.elapsed();
                        self.failed += u64::from(!result.accepted());
                        self.latencies.saturating_record(u64::try_from(result.latency.as_micros()).unwrap_or(u64::MAX));
                        print::line(self.output, || print::sent_json(&result), || print::sent_text(&result))?;
                        if let Some(following) = &mut following {
                            following.sent(&result);
                        }
                    }
                    None => sending = false,
                },
                seen = seen => seen?,
                () = tokio::time::sleep_until(deadline), if follows => return Ok(()),
            }
            let all_ended = match &mut following {
                Some(following) => {
                    following.print_ended(self.output, sending)?;
                    following.all_ended()
                }
                None => true,
            };
            // Stopped: what is under way is finished, and its way is not waited for.
            if !sending && (all_ended || stop.is_cancelled()) {
                return Ok(());
            }
        }
    }

    /// Prints what became of all.
    fn summary(&self, followed: Option<&Ledger>) -> CommandResult {
        let Self { output, latencies, sent, failed, took, .. } = self;
        let seconds = took.as_secs_f64();
        let percentile = |p: f64| (!latencies.is_empty()).then(|| latencies.value_at_quantile(p) as f64 / 1_000.0);
        let rate = if seconds > 0.0 { (*sent as f64 / seconds * 10.0).round() / 10.0 } else { 0.0 };
        print::line(
            *output,
            || {
                let mut summary = json!({
                    "event": "summary",
                    "sent": sent,
                    "failed": failed,
                    "p50Ms": percentile(0.5),
                    "p99Ms": percentile(0.99),
                    "ratePerSecond": rate,
                });
                if let Some(ledger) = followed {
                    summary["inS3"] = ledger.in_s3.into();
                    summary["onTheWay"] = ledger.on_the_way.into();
                    summary["refused"] = ledger.refused.into();
                    summary["unanswered"] = ledger.unanswered.into();
                    summary["missing"] = ledger.missing.into();
                    summary["duplicates"] = ledger.duplicates.into();
                }
                summary
            },
            || {
                let figures = percentile(0.5)
                    .zip(percentile(0.99))
                    .map(|(p50, p99)| format!(", p50 {p50:.1} ms, p99 {p99:.1} ms"))
                    .unwrap_or_default();
                let followed = followed
                    .map(|ledger| {
                        format!(
                            "\n{} in S3, {} on the way, {} refused, {} unanswered, {} missing, {} duplicates",
                            ledger.in_s3,
                            ledger.on_the_way,
                            ledger.refused,
                            ledger.unanswered,
                            ledger.missing,
                            ledger.duplicates
                        )
                    })
                    .unwrap_or_default();
                format!("{sent} sent, {failed} failed{figures}, {rate}/s{followed}")
            },
        )
    }
}

fn template(args: &SendArgs) -> Result<String, CommandError> {
    let trouble = |error: std::io::Error, path: &Path| {
        CommandError::Usage(format!("read the event from {}: {error}", path.display()))
    };
    match (&args.data, &args.file) {
        (Some(data), _) => Ok(data.clone()),
        (None, Some(path)) if path == Path::new("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|error| trouble(error, path))?;
            Ok(text)
        }
        (None, Some(path)) => std::fs::read_to_string(path).map_err(|error| trouble(error, path)),
        (None, None) => Ok(SAMPLE.to_owned()),
    }
}
