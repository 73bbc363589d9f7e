//! What moves along the strip: a mark for each event, from hop to hop as its hops are really
//! observed; density where they are many.

use std::{collections::VecDeque, time::Duration};

use crate::{events::Timestamp, pipeline::Hop, trace::EventNumber};

/// How many marks there are at most: more are a flow.
const MOST: usize = 48;
/// How long a mark takes from one hop to the next.
const TRAVEL: Duration = Duration::from_millis(450);
/// From so many observations at a hop within a second on, they are a flow.
const MANY: u64 = 16;
/// How long a mark that arrived is known: what is seen of its event then goes on from there.
const KNOWN_FOR: Duration = Duration::from_secs(3);
/// How long what was observed counts as flowing.
const FLOWS_FOR: Duration = Duration::from_secs(1);

/// One event on its way.
#[derive(Debug, Clone, Copy)]
struct Mark {
    number: EventNumber,
    /// The hop that it stands at or left, by its place in the row.
    at: u8,
    /// When it came there.
    since: Timestamp,
    /// The last hop at which the event was observed.
    target: u8,
}

/// What was observed at a hop of late.
#[derive(Debug, Clone, Copy, Default)]
struct Observed {
    /// Since when it is counted.
    since: Timestamp,
    count: u64,
    /// How many came in the second before.
    before: u64,
}

/// What moves.
#[derive(Debug, Default)]
pub struct Flow {
    marks: VecDeque<Mark>,
    observed: [Observed; 5],
}

/// What moves on the line from a hop to the next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moving {
    /// Where single events are, in thousandths of the line.
    pub marks: Vec<u16>,
    /// How many a second flow where they are too many for marks; 0: none.
    pub a_second: u64,
    /// What a flow moves by: it grows with time.
    pub phase: u16,
}

impl Flow {
    /// An event was observed at a hop. Of one that was sent from here a moment ago, `fresh`, the whole way is
    /// shown, whichever hop told of it first.
    pub fn observe(&mut self, number: EventNumber, hop: Hop, fresh: bool, now: Timestamp, hold: Duration) {
        let target = place(hop);
        let observed = &mut self.observed[usize::from(target)];
        if now.since(observed.since) >= FLOWS_FOR {
            let recent = now.since(observed.since) < FLOWS_FOR * 2;
            observed.before = if recent { observed.count } else { 0 };
            observed.since = now;
            observed.count = 0;
        }
        observed.count += 1;
        if let Some(mark) = self.marks.iter_mut().find(|mark| mark.number == number) {
            if mark.at == mark.target && target > mark.target {
                // It waited long enough where it is.
                mark.since = mark.since.max(now.minus(hold));
                if hop == Hop::S3 {
                    // An object comes out of Firehose, wherever the event was seen last.
                    mark.at = mark.at.max(place(Hop::Firehose));
                }
            }
            mark.target = mark.target.max(target);
            return;
        }
        if observed.count > MANY || observed.before > MANY {
            return;
        }
        if self.marks.len() >= MOST {
            // One that arrived makes room.
            let Some(parked) = self.marks.iter().position(|mark| mark.at == mark.target) else { return };
            self.marks.remove(parked);
        }
        // A record in the stream went through the gateway and the function; an object comes out of
        // Firehose. The way before was seen already, or is known only now.
        let at = match hop {
            Hop::Api | Hop::Lambda => 0,
            Hop::Kinesis | Hop::Firehose if fresh => 0,
            Hop::Kinesis | Hop::Firehose => 1,
            Hop::S3 => 3,
        };
        self.marks.push_back(Mark { number, at, since: now, target });
    }

    /// Time passes: marks go on, and those that arrived are forgotten after a while. Each hop holds a
    /// mark for `hold`.
    pub fn pass(&mut self, now: Timestamp, hold: Duration) {
        let step = hold + TRAVEL;
        for mark in &mut self.marks {
            while mark.at < mark.target && now.since(mark.since) >= step {
                mark.at += 1;
                mark.since = mark.since.plus(step);
            }
        }
        self.marks.retain(|mark| mark.at < mark.target || now.since(mark.since) < KNOWN_FOR);
    }

    /// Something moves: the screen is to be drawn again soon.
    pub fn moves(&self, now: Timestamp, hold: Duration) -> bool {
        let stays = hold.max(TRAVEL / 4);
        self.marks.iter().any(|mark| mark.at < mark.target || now.since(mark.since) < stays)
            || self.observed.iter().any(|observed| observed.flows(now))
    }

    /// What moves on the line that leads from a hop to the next.
    pub fn on_line(&self, from: Hop, now: Timestamp, hold: Duration) -> Moving {
        let line = place(from);
        let mut marks: Vec<u16> = self
            .marks
            .iter()
            .filter(|mark| mark.at == line && mark.at < mark.target)
            .map(|mark| {
                let passed = now.since(mark.since).saturating_sub(hold).as_millis().min(TRAVEL.as_millis());
                u16::try_from(passed * 1000 / TRAVEL.as_millis()).unwrap_or(1000)
            })
            .collect();
        marks.sort_unstable();
        // What is seen at the next hop came along this line.
        let next = self.observed.get(usize::from(line) + 1).copied().unwrap_or_default();
        let a_second = if next.flows(now) { next.count.max(next.before) } else { 0 };
        let phase = u16::try_from(now.as_millis().rem_euclid(60_000) / 50).unwrap_or(0);
        Moving { marks, a_second, phase }
    }

    /// Lets the marks go whose events are not known by their number any more: they turned out to be
    /// others'.
    pub fn retain(&mut self, known: impl Fn(EventNumber) -> bool) {
        self.marks.retain(|mark| known(mark.number));
    }

    /// How many marks are on their way to a hop that they have not reached.
    pub fn before(&self, hop: Hop) -> u64 {
        let place = place(hop);
        self.marks.iter().filter(|mark| mark.at < place && mark.target >= place).count() as u64
    }

    /// The hop at which the newest event's mark is, as long as it is on its way.
    pub fn newest_at(&self, now: Timestamp, hold: Duration) -> Option<Hop> {
        let stays = hold.max(TRAVEL / 4);
        let on_its_way = |mark: &&Mark| mark.at < mark.target || now.since(mark.since) < stays;
        self.marks
            .iter()
            .filter(on_its_way)
            .max_by_key(|mark| mark.number)
            .map(|mark| Hop::ALL[usize::from(mark.at).min(4)])
    }

    /// How many marks stand at a hop or are held there.
    pub fn held_at(&self, hop: Hop, now: Timestamp, hold: Duration) -> usize {
        let place = place(hop);
        self.marks.iter().filter(|mark| mark.at == place && now.since(mark.since) < hold).count()
    }

    /// Nothing moves any more.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Observed {
    fn flows(&self, now: Timestamp) -> bool {
        now.since(self.since) < FLOWS_FOR && self.count.max(self.before) > MANY
    }
}

const fn place(hop: Hop) -> u8 {
    hop as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_HOLD: Duration = Duration::ZERO;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + millis)
    }

    fn marks(flow: &Flow, from: Hop, now: i64) -> Vec<u16> {
        flow.on_line(from, at(now), NO_HOLD).marks
    }

    #[test]
    fn a_mark_goes_as_far_as_its_event_was_observed() {
        let mut flow = Flow::default();
        flow.observe(EventNumber::Own(1), Hop::Lambda, false, at(0), NO_HOLD);
        assert_eq!(marks(&flow, Hop::Api, 225), [500]);
        flow.pass(at(500), NO_HOLD);
        assert!(marks(&flow, Hop::Lambda, 500).is_empty(), "nothing was seen behind the function");
        flow.observe(EventNumber::Own(1), Hop::Firehose, false, at(520), NO_HOLD);
        flow.pass(at(700), NO_HOLD);
        assert_eq!(marks(&flow, Hop::Lambda, 700).len(), 1);
        flow.pass(at(1_200), NO_HOLD);
        assert_eq!(marks(&flow, Hop::Kinesis, 1_200).len(), 1);
        assert!(flow.moves(at(1_200), NO_HOLD));
        flow.pass(at(3_000), NO_HOLD);
        assert!(!flow.moves(at(3_000), NO_HOLD));
        flow.observe(EventNumber::Own(1), Hop::S3, false, at(9_000), NO_HOLD);
        assert_eq!(marks(&flow, Hop::Firehose, 9_045), [100]);
    }

    #[test]
    fn a_fresh_event_goes_the_whole_way_once_whatever_tells_of_it_first() {
        let mut flow = Flow::default();
        let number = EventNumber::Own(1);
        flow.observe(number, Hop::Firehose, true, at(0), NO_HOLD);
        flow.observe(number, Hop::Lambda, true, at(10), NO_HOLD);
        assert_eq!(marks(&flow, Hop::Api, 225), [500]);
        assert_eq!((flow.before(Hop::Firehose), flow.before(Hop::S3)), (1, 0));
        flow.pass(at(1_400), NO_HOLD);
        assert_eq!(flow.before(Hop::Firehose), 0);
        assert!(!flow.moves(at(1_600), NO_HOLD));
        // What is seen later goes on from where it waits, at once and not from the start.
        flow.observe(number, Hop::S3, true, at(2_000), NO_HOLD);
        assert_eq!(marks(&flow, Hop::Firehose, 2_225), [500]);
    }

    #[test]
    fn each_hop_holds_it_as_long_as_asked() {
        let hold = Duration::from_millis(400);
        let mut flow = Flow::default();
        flow.observe(EventNumber::Own(1), Hop::Kinesis, false, at(0), NO_HOLD);
        assert_eq!(flow.held_at(Hop::Lambda, at(399), hold), 1);
        assert_eq!(flow.on_line(Hop::Lambda, at(399), hold).marks, [0]);
        assert_eq!(flow.held_at(Hop::Lambda, at(400), hold), 0);
        assert_eq!(flow.on_line(Hop::Lambda, at(625), hold).marks, [500]);
        flow.pass(at(860), hold);
        assert_eq!(flow.held_at(Hop::Kinesis, at(860), hold), 1, "it stays in sight where it ends");
        flow.pass(at(1_260), hold);
        assert!(!flow.moves(at(1_260), hold));
    }

    #[test]
    fn many_are_a_flow_that_ends_with_them() {
        let mut flow = Flow::default();
        for number in 0..500 {
            flow.observe(EventNumber::Own(number), Hop::Kinesis, false, at(0), NO_HOLD);
        }
        assert!(flow.marks.len() <= MOST);
        assert_eq!(flow.on_line(Hop::Lambda, at(900), NO_HOLD).a_second, 500);
        for number in 500..900 {
            flow.observe(EventNumber::Own(number), Hop::Kinesis, false, at(1_000), NO_HOLD);
        }
        assert_eq!(flow.on_line(Hop::Lambda, at(1_100), NO_HOLD).a_second, 500);
        flow.pass(at(5_000), NO_HOLD);
        assert!(!flow.moves(at(5_000), NO_HOLD));
        let still = flow.on_line(Hop::Lambda, at(5_000), NO_HOLD);
        assert_eq!((still.marks.len(), still.a_second), (0, 0));
    }
}
