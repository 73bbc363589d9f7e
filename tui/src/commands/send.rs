//! `tailwater send`

use std::{io::Read, num::NonZeroUsize, path::Path, time::Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use rand::RngExt;
use serde_json::json;
use tailwater_core::text::placeholders;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{CLOUD_ENDED, CommandError, CommandResult, End, gone, leave, pipeline, print, say, stopped, target};
use crate::{
    cli::{Global, SendArgs},
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
    let events = (1..=args.count).map(move |seq| {
        let filled = placeholders::fill(&template, seq, crate::target::now(), &mut || rand::rng().random());
        // Checked above: what is wrong with a template is wrong with every filling.
        (seq, Bytes::from(filled.unwrap_or_else(|_| template.clone())))
    });
    let stop = CancellationToken::new();
    let (results, mut received) = mpsc::channel(RESULTS_AHEAD);
    let began = Instant::now();
    let sending = async {
        run(&sender, load, events, &results, &stop).await;
        drop(results);
    };
    let output = global.output;
    let mut latencies = Histogram::<u64>::new_with_bounds(1, LONGEST_MICROS, 3)
        .map_err(|error| CommandError::Failed(error.to_string()))?;
    let (mut sent, mut failed) = (0_u64, 0_u64);
    let showing = async {
        while let Some(result) = received.recv().await {
            sent += 1;
            failed += u64::from(!result.accepted());
            latencies.saturating_record(u64::try_from(result.latency.as_micros()).unwrap_or(u64::MAX));
            print::line(output, || print::sent_json(&result), || print::sent_text(&result))?;
        }
        Ok::<_, CommandError>(())
    };
    let interrupted = async {
        tokio::select! {
            () = stopped() => {}
            () = gone(target) => say(CLOUD_ENDED),
        }
        stop.cancel();
        std::future::pending::<()>().await;
    };
    let shown = tokio::select! {
        ((), shown) = async { tokio::join!(sending, showing) } => shown,
        () = interrupted => Ok(()),
    };
    shown?;
    let seconds = began.elapsed().as_secs_f64();
    let percentile = |p: f64| (!latencies.is_empty()).then(|| latencies.value_at_quantile(p) as f64 / 1_000.0);
    let rate = if seconds > 0.0 { (sent as f64 / seconds * 10.0).round() / 10.0 } else { 0.0 };
    print::line(
        output,
        || {
            json!({
                "event": "summary",
                "sent": sent,
                "failed": failed,
                "p50Ms": percentile(0.5),
                "p99Ms": percentile(0.99),
                "ratePerSecond": rate,
            })
        },
        || {
            let figures = percentile(0.5)
                .zip(percentile(0.99))
                .map(|(p50, p99)| format!(", p50 {p50:.1} ms, p99 {p99:.1} ms"))
                .unwrap_or_default();
            format!("{sent} sent, {failed} failed{figures}, {rate}/s")
        },
    )?;
    if stop.is_cancelled() {
        say("Stopped: what was under way has been finished, the rest was not sent.");
        return Ok(End::Interrupted);
    }
    Ok(if failed == 0 { End::Done } else { End::Failed })
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
