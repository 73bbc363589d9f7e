//! Whatever comes in whatever order: the ledger balances, nothing is counted twice, memory is bounded.

use proptest::collection::vec;

use super::*;

/// Something that a source sees of an event.
#[derive(Debug, Clone, Copy)]
enum Seen {
    Sending,
    Accepted,
    Refused,
    Failed,
    Unanswered,
    Function,
    Throttled,
    Record,
    Line,
    ErrorLine,
}

const ALL: [Seen; 10] = [
    Seen::Sending,
    Seen::Accepted,
    Seen::Refused,
    Seen::Failed,
    Seen::Unanswered,
    Seen::Function,
    Seen::Throttled,
    Seen::Record,
    Seen::Line,
    Seen::ErrorLine,
];

fn see(traces: &mut Traces, seen: Seen, seq: u64, step: usize) {
    let body = format!("{}\n", seq % 3);
    let refused = |status, nothing_put| Answer::Refused {
        status,
        nothing_put,
        api_request_id: Some(format!("api-{seq}").into()),
        message: String::new(),
    };
    match seen {
        Seen::Sending => traces.sending(seq, Timestamp::from_millis(1_000)),
        Seen::Accepted => traces.sent(&accepted(seq)),
        Seen::Refused => traces.sent(&sent(seq, refused(429, true))),
        Seen::Failed => traces.sent(&sent(seq, refused(503, false))),
        Seen::Unanswered => traces.sent(&sent(seq, Answer::Unanswered { message: String::new() })),
        Seen::Function => traces.log(&function_line(seq)),
        Seen::Throttled => traces.log(&line(&format!(
            r#"{{"apiRequestId":"api-{seq}","lambdaRequestId":"lambda-{seq}","outcome":"throttled","attempts":3}}"#
        ))),
        Seen::Record => traces.record(&record(seq, &body)),
        Seen::Line => traces.object(&object(&format!("o{step}"), &[&body])),
        Seen::ErrorLine => traces.object(&object(&format!("errors/o{step}"), &[&body])),
    }
}

/// The ledger as it is when every trace is counted anew.
fn recounted(traces: &Traces, now: Timestamp) -> Ledger {
    let mut ledger = Ledger::default();
    let deadline = traces.deadline();
    for (_, trace) in traces.own() {
        ledger.sent += 1;
        match Term::of(trace) {
            Term::InS3 => ledger.in_s3 += 1,
            Term::Put(put_in) if is_overdue(put_in, now, deadline) => ledger.missing += 1,
            Term::Lost => {
                ledger.missing += 1;
                ledger.lost += 1;
            }
            Term::Refused => ledger.refused += 1,
            Term::Unanswered => ledger.unanswered += 1,
            Term::Put(_) | Term::Awaited | Term::Seen | Term::Unfollowed => ledger.on_the_way += 1,
        }
    }
    ledger.others = traces.all().filter(|(number, _)| matches!(number, EventNumber::Other(_))).count() as u64;
    ledger
}

proptest! {
    /// Any source may say anything, also what contradicts itself, in any order.
    #[test]
    fn the_ledger_balances_at_every_moment(steps in vec((0..ALL.len(), 1..7_u64), 1..120), overdue: bool) {
        let mut traces = Traces::new();
        traces.set_interval(Duration::from_secs(10));
        let now = Timestamp::from_millis(if overdue { 100_000 } else { 2_000 });
        for (step, (kind, seq)) in steps.into_iter().enumerate() {
            see(&mut traces, ALL[kind], seq, step);
            let ledger = traces.ledger(now);
            prop_assert!(ledger.balances(), "{ledger:?}");
            prop_assert_eq!(Ledger { duplicates: 0, ..ledger }, recounted(&traces, now));
            let landed = traces.all().filter(|(_, trace)| trace.landing.is_some()).count();
            let numbers: usize = traces.objects.iter().filter(|(key, _)| !key.as_str().starts_with("errors/"))
                .map(|(_, numbers)| numbers.len()).sum();
            prop_assert_eq!(landed, numbers);
            for (number, _) in traces.all() {
                let waterfall = traces.waterfall(number, now);
                prop_assert!(waterfall.is_some_and(|waterfall| waterfall.rows.len() == 6));
            }
        }
    }

    /// Each event is seen by every source once: the order makes no difference.
    #[test]
    fn every_order_ends_the_same(order in Just((0..32_u64).collect::<Vec<_>>()).prop_shuffle()) {
        let mut traces = Traces::new();
        for step in order {
            let seq = step % 8 + 1;
            let seen = match step / 8 {
                0 => Seen::Accepted,
                1 => Seen::Function,
                2 => Seen::Record,
                _ => Seen::Line,
            };
            see(&mut traces, seen, seq, usize::try_from(step).unwrap_or(0));
        }
        let ledger = traces.ledger(Timestamp::from_millis(60_000));
        prop_assert_eq!((ledger.sent, ledger.in_s3, ledger.others, ledger.duplicates), (8, 8, 0, 0));
        prop_assert_eq!(traces.held(), Held::default());
        for seq in 1..=8 {
            let waterfall = traces.waterfall(EventNumber::Own(seq), Timestamp::from_millis(60_000)).expect("a trace");
            let identical = waterfall.identical.expect("equal ones");
            prop_assert!(identical.position >= 1 && identical.position <= identical.of, "{identical:?}");
            prop_assert_eq!(identical.of, if seq % 3 == 0 { 2 } else { 3 });
        }
    }
}

/// Events without end, each landing so many events later.
fn endless(count: u64, behind: u64) -> Traces {
    let mut traces = Traces::new();
    traces.set_interval(Duration::from_mins(1));
    for seq in 1..=count + behind {
        if seq <= count {
            traces.sent(&accepted(seq));
            traces.log(&function_line(seq));
            traces.record(&record(seq, &format!("{seq}\n")));
        }
        if seq > behind {
            let landed = seq - behind;
            traces.object(&object(&format!("o{landed}"), &[&format!("{landed}\n")]));
        }
    }
    traces
}

#[test]
fn what_lands_long_after_it_was_let_go_is_counted() {
    let count = TRACES_KEPT as u64 * 4;
    let traces = endless(count, TRACES_KEPT as u64 * 2);
    let ledger = traces.ledger(Timestamp::from_millis(2_000));
    assert_eq!((ledger.sent, ledger.in_s3, ledger.on_the_way, ledger.others), (count, count, 0, 0), "{ledger:?}");
    assert!(traces.let_go() >= count - TRACES_KEPT as u64);
    assert_eq!(traces.held(), Held::default());
    assert!(traces.store.sizes().iter().all(|size| *size <= TRACES_KEPT * 20), "{:?}", traces.store.sizes());
    let (groups, order) = traces.lines.sizes();
    assert!(groups <= 2 * TRACES_KEPT && order <= 3 * TRACES_KEPT, "{groups} {order}");
}

#[test]
fn a_line_of_an_event_that_was_let_go_makes_no_new_one() {
    let count = TRACES_KEPT as u64 + 500;
    let mut traces = endless(count, 0);
    traces.log(&function_line(1));
    traces.record(&record(1, "1\n"));
    let ledger = traces.ledger(Timestamp::from_millis(2_000));
    assert_eq!((ledger.sent, ledger.in_s3, ledger.others), (count, count, 0));
}

#[test]
fn others_events_are_bounded_too() {
    let mut traces = Traces::new();
    for seq in 1..=TRACES_KEPT as u64 * 3 {
        traces.record(&record(seq, &format!("{seq}\n")));
    }
    assert!(traces.all().count() <= TRACES_KEPT);
    assert_eq!(traces.ledger(Timestamp::default()).others, TRACES_KEPT as u64 * 3);
    let (oldest, _) = traces.all().next().expect("a trace");
    assert_eq!(traces.beside(oldest, true), None);
    assert!(traces.beside(oldest, false).is_some());
}

/// How long a million events take: `cargo test -p tailwater-core --lib --release -- --ignored a_million`.
#[test]
#[ignore = "it measures"]
fn a_million_events() {
    let began = std::time::Instant::now();
    let count = 1_000_000;
    let traces = endless(count, 5_000);
    let took = began.elapsed();
    let ledger = traces.ledger(Timestamp::from_millis(2_000));
    assert_eq!((ledger.sent, ledger.in_s3), (count, count));
    println!("{count} events in {took:?}: {:?} each; {:?}", took / 1_000_000, traces.store.sizes());
}
