//! A tour for newcomers: it watches what they do and what happens to their event, and goes on by
//! itself. It ends with their own event in S3.

use super::{App, Context, Pane, Target};
use crate::{
    events::{Answer, Timestamp},
    text::time,
    trace::{EventNumber, Trace},
};

/// How many lines the tour takes at the lower end of the screen: a title and two of words.
pub const TOUR_LINES: u16 = 3;

/// Where the tour is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Strip,
    Answer,
    LogLine,
    Record,
    Wait,
    Landed,
    Trace,
    End,
}

const STEPS: [Step; 8] =
    [Step::Strip, Step::Answer, Step::LogLine, Step::Record, Step::Wait, Step::Landed, Step::Trace, Step::End];

/// The tour, while it is on.
#[derive(Debug, Clone, Copy)]
pub struct Tour {
    /// The index of the step.
    step: usize,
    /// Events with this number and above are of the tour.
    from: u64,
}

/// What the tour says now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TourWords {
    /// `Tour 2 of 8: the answer`.
    pub title: String,
    /// What is to be seen, and the key to press.
    pub text: String,
}

impl App {
    /// Begins the tour, from its beginning.
    pub fn begin_tour(&mut self) {
        self.notice = None;
        self.help = None;
        self.detail = None;
        self.trace = None;
        self.tour_offered = false;
        self.tour = Some(Tour { step: 0, from: self.send.next_seq() });
        self.leave_large();
        self.focus_on(Pane::Send);
    }

    /// Ends it.
    pub(super) fn end_tour(&mut self) {
        self.tour = None;
    }

    /// Whoever has never sent anything is offered the tour.
    pub(super) fn offer_tour(&mut self, earlier: usize) {
        self.tour_offered = earlier == 0;
    }

    /// The tour is offered and can begin.
    pub(super) fn is_tour_offered(&self) -> bool {
        self.tour_offered && self.tour.is_none() && self.is_ready() && self.traces.own().next().is_none()
    }

    /// The tour is on.
    pub(super) fn is_on_tour(&self) -> bool {
        self.tour.is_some()
    }

    /// The lines that the tour takes.
    pub const fn tour_lines(&self) -> u16 {
        if self.tour.is_some() { TOUR_LINES } else { 0 }
    }

    /// Looks at what was done and what happened, and goes on.
    pub(super) fn watch_tour(&mut self) {
        let Some(mut tour) = self.tour else { return };
        while tour.step + 1 < STEPS.len() && self.is_done(STEPS[tour.step], tour) {
            tour.step += 1;
        }
        self.tour = Some(tour);
    }

    /// The tour's event: the last one sent in it that was accepted.
    fn tour_event(&self, tour: Tour) -> Option<(u64, &Trace)> {
        let mut own = self.traces.own().rev().take_while(|(seq, _)| *seq >= tour.from);
        own.find(|(_, trace)| matches!(trace.answer, Some(Answer::Accepted { .. })))
    }

    fn is_done(&self, step: Step, tour: Tour) -> bool {
        let event = self.tour_event(tour);
        let looks_at = |pane: Pane| self.focus == pane && self.context_beneath_help() == Context::Panes;
        match step {
            Step::Strip => event.is_some(),
            Step::Answer => looks_at(Pane::Logs),
            Step::LogLine => looks_at(Pane::Records),
            Step::Record => looks_at(Pane::Objects),
            Step::Wait => self.traces.own().any(|(seq, trace)| seq >= tour.from && trace.landing.is_some()),
            Step::Landed => matches!(self.trace(), Some(EventNumber::Own(seq)) if seq >= tour.from),
            Step::Trace => self.detail.as_ref().is_some_and(|detail| detail.pane == Pane::Objects),
            Step::End => false,
        }
    }

    /// What the tour says now, while it is on.
    pub fn tour(&self) -> Option<TourWords> {
        let tour = self.tour?;
        let step = STEPS[tour.step];
        let name = match step {
            Step::Strip => "the pipeline",
            Step::Answer => "the answer",
            Step::LogLine => "its log line",
            Step::Record => "its record",
            Step::Wait => "Firehose waits",
            Step::Landed => "it is in S3",
            Step::Trace => "its trace",
            Step::End => "your event, in S3",
        };
        let title = format!("Tour {} of {}: {name}", tour.step + 1, STEPS.len());
        Some(TourWords { title, text: self.tour_text(step, tour) })
    }

    fn tour_text(&self, step: Step, tour: Tour) -> String {
        let event = self.tour_event(tour);
        let number = event.map_or_else(|| "Your event".to_owned(), |(seq, _)| format!("#{seq}"));
        match step {
            Step::Strip => self.tour_start(tour),
            Step::Answer => {
                let took = event.and_then(|(_, trace)| trace.latency).map(time::duration).unwrap_or_default();
                format!(
                    "{number} was answered 202 in {took}: the function has put it to Kinesis. What it wrote on the way \
                     stands in Logs. Press 2."
                )
            }
            Step::LogLine => "The function writes a line for each event; Lambda's REPORT says how long it ran. The API logs each \
                              request too. Press 3 for the record."
                .to_owned(),
            Step::Record => "Your event is a record of the stream: JSON on one line, in order, for any reader. Firehose is one. \
                             Press 4 for what it makes of it."
                .to_owned(),
            Step::Wait => self.tour_wait(&number),
            Step::Landed => {
                let landing = event.and_then(|(_, trace)| trace.landing.as_ref());
                let line = landing.map_or_else(|| "a line".to_owned(), |landing| format!("line {}", landing.line));
                format!("Firehose has written an object, and {number} is {line} of it. Press t: its trace, from your key to that line.")
            }
            Step::Trace => "Each row is a hop, each time by the clock of who measured it. Press q to leave it, then 4 and Enter: the \
                            object, opened."
                .to_owned(),
            Step::End => {
                let more = if self.target == Target::Local { "B breaks something on purpose, f" } else { "f" };
                format!("There it is, line by line. Next: {more} filters, : finds any action, ? explains what you look at.")
            }
        }
    }

    /// The first step; where an event was refused, what to do about that.
    fn tour_start(&self, tour: Tour) -> String {
        let last = self.traces.own().next_back().filter(|(seq, _)| *seq >= tour.from);
        match last.map(|(seq, trace)| (seq, &trace.answer)) {
            Some((seq, Some(answer))) => {
                let answer = match answer {
                    Answer::Refused { status, .. } => format!("was answered {status}"),
                    _ => "got no answer".to_owned(),
                };
                format!("#{seq} {answer}: it goes no further. Enter on its row says why. Change it with e, or press s again.")
            }
            Some((seq, None)) => format!("#{seq} is on its way to the API. Its answer comes when the function has put it."),
            None => "The five names at the top are the pipeline, left to right as the data flows. An event stands ready in Send. Press s: it \
                     goes in at API."
                .to_owned(),
        }
    }

    fn tour_wait(&self, number: &str) -> String {
        let buffering = self.deployment.ready().map(|ready| ready.buffering);
        let until = buffering.map_or_else(
            || "until its interval or size is reached".to_owned(),
            |buffering| format!("for {} s or until {} MB", buffering.interval_seconds, buffering.size_mb),
        );
        let due = self.due().map(|due: Timestamp| format!(", {}", self.due_words(due))).unwrap_or_default();
        format!(
            "Firehose gathers records {until}, then writes one object. {number} is in its buffer{due}. Wait, or send more with s."
        )
    }
}
