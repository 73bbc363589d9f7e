//! Many events: a burst of so many, or a steady rate until it is stopped. The app hands out those
//! that are due whenever time passes, so that each is numbered, counted, and on the ledger.

use std::collections::HashSet;

use super::{App, Effect, Question, Target};
use crate::{
    events::{Answer, Sent, Timestamp},
    text::{number, time},
};

/// How much of a rate is made up for at most, after answers or the screen took their time.
const CAUGHT_UP_MILLIS: u64 = 1_000;
/// Events without an answer at once, where a rate is asked for.
const MOST_IN_FLIGHT: usize = 64;
/// Events without an answer at once, where they go as fast as answers come.
const AT_ONCE: usize = 16;
/// The largest burst.
const MOST_EVENTS: u64 = 1_000_000;
/// The highest rate, events a second.
const MOST_A_SECOND: u64 = 2_000;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadPlan {
    /// How many; `None`: until it is stopped.
    pub count: Option<u64>,
    /// Events a second; `None`: as fast as answers come.
    pub rate: Option<u64>,
}

impl LoadPlan {
    /// `500 events at 50/s`, `events at 5/s until you stop it`.
    pub fn words(self) -> String {
        let rate = self.rate.map(|rate| format!(" at {}/s", number::grouped(rate)));
        match (self.count, rate) {
            (Some(count), Some(rate)) => format!("{}{rate}", number::counted(count, "event")),
            (Some(count), None) => format!("{} as fast as answers come", number::counted(count, "event")),
            (None, rate) => format!("events{} until you stop it", rate.unwrap_or_default()),
        }
    }
}

/// Many events being sent.
#[derive(Debug)]
pub(super) struct Load {
    plan: LoadPlan,
    began: Timestamp,
    /// When it was last seen how many are due.
    looked: Timestamp,
    /// How many are due by the rate, in thousandths.
    owed: u64,
    begun: u64,
    /// Those without an answer.
    waiting: HashSet<u64>,
    accepted: u64,
    throttled: u64,
    refused: u64,
    unanswered: u64,
    /// No more are begun.
    stopped: bool,
}

impl Load {
    fn new(plan: LoadPlan, now: Timestamp) -> Self {
        Self {
            plan,
            began: now,
            looked: now,
            owed: 1_000,
            begun: 0,
            waiting: HashSet::new(),
            accepted: 0,
            throttled: 0,
            refused: 0,
            unanswered: 0,
            stopped: false,
        }
    }

    /// How many are to be begun now. What a pause has held up is not sent all at once afterwards: the
    /// rate is what was agreed to.
    fn due(&mut self, now: Timestamp) -> u64 {
        let left = self.plan.count.map_or(u64::MAX, |count| count.saturating_sub(self.begun));
        let most = if self.plan.rate.is_some() { MOST_IN_FLIGHT } else { AT_ONCE };
        let room = most.saturating_sub(self.waiting.len()) as u64;
        let by_rate = self.plan.rate.map_or(u64::MAX, |rate| {
            let passed = u64::try_from(now.millis_since(self.looked)).unwrap_or(0);
            self.looked = now;
            let most = rate.saturating_mul(CAUGHT_UP_MILLIS).max(1_000);
            self.owed = self.owed.saturating_add(passed.saturating_mul(rate)).min(most);
            self.owed / 1_000
        });
        let due = if self.stopped { 0 } else { left.min(room).min(by_rate) };
        if self.plan.rate.is_some() {
            self.owed -= due * 1_000;
        }
        due
    }

    fn is_over(&self) -> bool {
        let all_begun = self.stopped || self.plan.count.is_some_and(|count| self.begun >= count);
        all_begun && self.waiting.is_empty()
    }

    fn answered(&mut self, sent: &Sent) {
        if self.waiting.remove(&sent.seq) {
            match &sent.answer {
                Answer::Accepted { .. } => self.accepted += 1,
                Answer::Refused { status: 429, .. } => self.throttled += 1,
                Answer::Refused { .. } => self.refused += 1,
                Answer::Unanswered { .. } => self.unanswered += 1,
            }
        }
    }

    /// `212 of 500 sent, 198 accepted, 14 throttled (429), 49.8/s`.
    fn words(&self, now: Timestamp) -> String {
        let of = self.plan.count.map(|count| format!(" of {}", number::grouped(count))).unwrap_or_default();
        let mut words =
            format!("{}{of} sent: {} accepted", number::grouped(self.begun), number::grouped(self.accepted));
        let further = [(self.throttled, "throttled (429)"), (self.refused, "refused"), (self.unanswered, "unanswered")];
        for (count, what) in further.into_iter().filter(|(count, _)| *count > 0) {
            words.extend([", ", &number::grouped(count), " ", what]);
        }
        let passed = now.since(self.began).as_secs_f64();
        if passed >= 1.0 {
            #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
            let reached = self.begun as f64 / passed;
            words.extend([", ", &format!("{reached:.1}"), "/s reached"]);
        }
        words
    }
}

impl App {
    /// `:burst COUNT [RATE]`.
    pub(super) fn burst(&mut self, text: &str) -> Result<Vec<Effect>, String> {
        let usage = "Numbers: :burst 500 50 is 500 events at 50 a second.";
        let numbers: Option<Vec<u64>> =
            text.split_whitespace().map(|word| word.trim_end_matches("/s").parse().ok()).collect();
        let plan = match numbers.as_deref() {
            Some([count]) => LoadPlan { count: Some(*count), rate: None },
            Some([count, rate]) => LoadPlan { count: Some(*count), rate: Some(*rate) },
            _ => return Err(usage.to_owned()),
        };
        self.begin_load(plan)
    }

    /// `:rate A_SECOND`.
    pub(super) fn steady(&mut self, text: &str) -> Result<Vec<Effect>, String> {
        match text.trim().trim_end_matches("/s").parse() {
            Ok(rate) => self.begin_load(LoadPlan { count: None, rate: Some(rate) }),
            Err(_) => Err("A number: :rate 5 is 5 events a second.".to_owned()),
        }
    }

    fn begin_load(&mut self, plan: LoadPlan) -> Result<Vec<Effect>, String> {
        if plan.count.is_some_and(|count| !(1..=MOST_EVENTS).contains(&count)) {
            return Err(format!("A burst has 1 to {} events.", number::grouped(MOST_EVENTS)));
        }
        if plan.rate.is_some_and(|rate| !(1..=MOST_A_SECOND).contains(&rate)) {
            return Err(format!("A rate is 1 to {} events a second.", number::grouped(MOST_A_SECOND)));
        }
        if self.is_looked_at() {
            return Err(super::NOTHING_IS_CHANGED.to_owned());
        }
        if self.load.is_some() {
            return Err("Events are being sent already: x stops that first.".to_owned());
        }
        if !self.is_ready() {
            return Err("The pipeline is not there yet.".to_owned());
        }
        if !self.send.check().is_good() {
            return Err(format!("Not sent, {}. e edits it.", self.send.check().words()));
        }
        if matches!(self.target, Target::Aws { .. }) {
            self.question = Some(Question::LoadToAws(plan));
            return Ok(Vec::new());
        }
        Ok(self.load_agreed(plan))
    }

    /// Begins to send.
    pub(super) fn load_agreed(&mut self, plan: LoadPlan) -> Vec<Effect> {
        self.notice = None;
        self.load = Some(Load::new(plan, self.now));
        let template = self.send.text().to_owned();
        let mut effects = self.load_due();
        if self.send.remember(&template) {
            effects.push(Effect::Remember(template));
        }
        effects
    }

    /// Begins those that are due by now.
    pub(super) fn load_due(&mut self) -> Vec<Effect> {
        let now = self.now;
        if self.load.is_some() && !self.is_ready() {
            self.stop_load();
            return Vec::new();
        }
        let Some(load) = &mut self.load else { return Vec::new() };
        // A recording says itself what was sent when.
        let due = if self.fed { 0 } else { load.due(now) };
        let mut events = Vec::new();
        for _ in 0..due {
            match self.send.take_one_of_many(now) {
                Ok((seq, body)) => {
                    load.begun += 1;
                    load.waiting.insert(seq);
                    self.traces.sending(seq, now);
                    events.push((seq, body));
                }
                Err(why) => {
                    load.stopped = true;
                    self.notice = Some((why, now.plus(super::NOTICE_STAYS)));
                    break;
                }
            }
        }
        if load.is_over() {
            self.end_load();
        }
        if events.is_empty() {
            return Vec::new();
        }
        self.send.began();
        self.forget_sums();
        self.dirty = true;
        vec![Effect::Send { events, rate: None, request: self.request.clone() }]
    }

    /// These were begun, as the recording says.
    pub(super) fn load_begun(&mut self, seqs: &[u64]) {
        if let Some(load) = &mut self.load {
            load.begun += seqs.len() as u64;
            load.waiting.extend(seqs);
        }
    }

    /// An event was answered, or will not be.
    pub(super) fn load_answered(&mut self, sent: &Sent) {
        if let Some(load) = &mut self.load {
            load.answered(sent);
            if load.is_over() {
                self.end_load();
            }
        }
    }

    fn end_load(&mut self) {
        if let Some(load) = self.load.take() {
            let took = time::duration(self.now.since(load.began));
            self.say(format!("Done in {took}: {}.", load.words(self.now)));
        }
    }

    /// No more are begun; those that are under way are waited for. Says whether there was anything to
    /// stop.
    pub(super) fn stop_load(&mut self) -> bool {
        let Some(load) = self.load.as_mut().filter(|load| !load.stopped) else { return false };
        load.stopped = true;
        if load.is_over() {
            self.end_load();
        }
        true
    }

    /// Many events are being sent: time has to be told often.
    pub fn is_loading(&self) -> bool {
        self.load.is_some()
    }

    /// How sending many events goes.
    pub(super) fn load_words(&self) -> Option<String> {
        let load = self.load.as_ref()?;
        let stopping = if load.stopped { " Stopping: answers are waited for." } else { " x stops it." };
        Some(format!("{}.{stopping}", load.words(self.now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + millis)
    }

    #[test]
    fn a_rate_is_kept_by_the_clock_and_bounded_by_answers() {
        let mut load = Load::new(LoadPlan { count: Some(500), rate: Some(50) }, at(0));
        assert_eq!(load.due(at(0)), 1);
        load.begun = 1;
        assert_eq!((load.due(at(19)), load.due(at(20)), load.due(at(120))), (0, 1, 5));
        load.waiting.extend(0..60);
        assert_eq!(load.due(at(300)), 4, "what is not answered makes it wait");
        load.waiting.clear();
        assert_eq!(load.due(at(60_000)), 50, "a minute's pause is not made up for all at once");
        load.begun = 499;
        assert_eq!(load.due(at(100_000)), 1);
        load.stopped = true;
        assert_eq!(load.due(at(100_000)), 0);
    }

    #[test]
    fn without_a_rate_answers_set_the_pace() {
        let mut load = Load::new(LoadPlan { count: Some(20), rate: None }, at(0));
        assert_eq!(load.due(at(0)), 16);
        load.begun = 16;
        load.waiting.extend(0..16);
        assert_eq!(load.due(at(5_000)), 0);
        load.waiting.remove(&3);
        assert_eq!(load.due(at(5_000)), 1);
    }

    #[test]
    fn a_plan_says_what_it_does() {
        let words = |count, rate| LoadPlan { count, rate }.words();
        assert_eq!(words(Some(500), Some(50)), "500 events at 50/s");
        assert_eq!(words(None, Some(5)), "events at 5/s until you stop it");
        assert_eq!(words(Some(1), None), "1 event as fast as answers come");
    }
}
