//! Breaking things: the panel of the local cloud's faults, which of them are on, and what is said
//! of them all the time.

use std::time::Duration;

use super::{App, Effect, Target};
use crate::{
    faults::{Adjustment, Exercise, Kind, Order, Standing, fill},
    text::{number, time},
};

/// Shares that can be chosen, in percent.
const PERCENTS: [u8; 7] = [1, 5, 10, 20, 50, 80, 100];
/// Counts that can be chosen; after the last it is met without end.
const COUNTS: [u32; 6] = [1, 2, 3, 5, 10, 50];
/// Times that can be chosen; after the last it is on without end.
const TIMES: [Duration; 6] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_mins(1),
    Duration::from_mins(2),
    Duration::from_mins(5),
    Duration::from_mins(10),
];

/// What is asked of the local cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultOrder {
    /// Take this order.
    Put(Order),
    /// Take this one in the place of those.
    Replace(Vec<String>, Order),
    /// Take these orders back.
    TakeBack(Vec<String>),
    /// Take all orders back.
    Clear,
}

/// The panel's state.
#[derive(Debug)]
pub struct Breaking {
    open: bool,
    selected: usize,
    column: Adjustment,
    /// How each is ordered when it is turned on, in the order of [`Kind::ALL`].
    drafts: Vec<Order>,
    standing: Vec<Standing>,
    /// Those that were taken back here: their end is no news.
    taken_back: Vec<String>,
    /// Why the cloud was not understood, or not reached.
    error: Option<String>,
}

impl Default for Breaking {
    fn default() -> Self {
        Self {
            open: false,
            selected: Kind::ALL.iter().position(|kind| *kind == Kind::Crash).unwrap_or_default(),
            column: Adjustment::Percent,
            drafts: Kind::ALL.map(Order::new).into(),
            standing: Vec::new(),
            taken_back: Vec::new(),
            error: None,
        }
    }
}

/// A row of the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRow {
    /// Which fault.
    pub kind: Kind,
    /// It is on.
    pub on: bool,
    /// It is the one that keys are about.
    pub selected: bool,
    /// What stands in the columns of [`Adjustment::ALL`]; empty: it has none.
    pub cells: [String; 4],
    /// How often it was met: `met 3`; empty: it is off.
    pub met: String,
}

impl Breaking {
    pub(super) fn kind(&self) -> Kind {
        Kind::ALL[self.selected.min(Kind::ALL.len() - 1)]
    }

    fn draft(&self, kind: Kind) -> Order {
        let index = Kind::ALL.iter().position(|known| *known == kind);
        index.and_then(|index| self.drafts.get(index)).cloned().unwrap_or_else(|| Order::new(kind))
    }

    fn set_draft(&mut self, order: Order) {
        if let Some(index) = Kind::ALL.iter().position(|known| *known == order.kind) {
            self.drafts[index] = order;
        }
    }

    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Standing> {
        self.standing.iter().filter(move |standing| standing.order.as_ref().is_some_and(|order| order.kind == kind))
    }

    /// Takes in what is on now; says what ended by itself or was ended by others.
    fn set_standing(&mut self, standing: Vec<Standing>) -> Option<String> {
        let before = std::mem::replace(&mut self.standing, standing);
        let is_new = |standing: &&Standing| !before.iter().any(|known| known.id == standing.id);
        let new: Vec<Order> = self.standing.iter().filter(is_new).filter_map(|new| new.order.clone()).collect();
        for order in new {
            self.set_draft(settled(order));
        }
        let ended: Vec<&str> = before
            .iter()
            .filter(|known| !self.standing.iter().any(|standing| standing.id == known.id))
            .filter(|known| !self.taken_back.contains(&known.id))
            .map(|known| known.order.as_ref().map_or(known.words.as_str(), |order| order.kind.name()))
            .collect();
        self.taken_back.retain(|id| self.standing.iter().any(|standing| standing.id == *id));
        match ended[..] {
            [] => None,
            [one] => Some(format!("{one} is over: what comes from now on does not meet it.")),
            _ => Some(format!("{} are over: what comes from now on does not meet them.", ended.join(", "))),
        }
    }

    fn forget(&mut self, ids: &[String]) {
        self.taken_back.extend_from_slice(ids);
    }
}

/// An order that runs already, as it was given: what is left of its time is rounded up to one that
/// can be chosen.
fn settled(mut order: Order) -> Order {
    order.lasts = order.lasts.map(|left| TIMES.into_iter().find(|time| *time >= left).unwrap_or(left));
    order
}

/// The value after or before in a list, at whose end stands `None`: without end.
fn step<T: Copy + PartialOrd>(values: &[T], now: Option<T>, up: bool) -> Option<T> {
    match (now, up) {
        (None, true) => None,
        (None, false) => values.last().copied(),
        (Some(now), true) => values.iter().find(|value| **value > now).copied(),
        (Some(now), false) => values.iter().rfind(|value| **value < now).or(values.first()).copied(),
    }
}

fn adjusted(mut order: Order, column: Adjustment, up: bool) -> Order {
    match column {
        Adjustment::Amount => {
            let amounts = order.kind.amounts();
            order.amount = step(amounts, order.amount, up).or(amounts.last().copied());
        }
        Adjustment::Percent => order.percent = step(&PERCENTS, Some(order.percent), up).unwrap_or(100),
        Adjustment::Count => order.count = step(&COUNTS, order.count, up),
        Adjustment::Lasts => order.lasts = step(&TIMES, order.lasts, up),
    }
    order
}

impl App {
    /// The panel.
    pub const fn breaking(&self) -> &Breaking {
        &self.breaking
    }

    /// Things can be broken: on the local cloud alone, once it is there.
    pub(super) fn can_break(&self) -> bool {
        self.target == Target::Local && self.cloud.is_some()
    }

    /// What is on, in the words of the header: `crash 20 %`.
    pub fn faults_on(&self) -> Vec<&str> {
        self.breaking.standing.iter().map(|standing| standing.words.as_str()).collect()
    }

    /// Whether the panel is open.
    pub const fn breaks(&self) -> bool {
        self.breaking.open
    }

    pub(super) fn open_breaking(&mut self) {
        self.detail = None;
        self.trace = None;
        self.breaking.open = true;
    }

    pub(super) fn close_breaking(&mut self) {
        self.breaking.open = false;
    }

    /// What the cloud said of its faults.
    pub(super) fn set_faults(&mut self, answer: Result<Vec<Standing>, String>) {
        match answer {
            Ok(standing) => {
                self.breaking.error = None;
                if let Some(news) = self.breaking.set_standing(standing) {
                    self.say(news);
                }
            }
            Err(error) => self.breaking.error = Some(error),
        }
    }

    /// Why nothing is known of the faults.
    pub fn breaking_error(&self) -> Option<&str> {
        self.breaking.error.as_deref()
    }

    pub(super) fn move_in_breaking(&mut self, rows: isize) {
        let last = Kind::ALL.len() - 1;
        self.breaking.selected = self.breaking.selected.saturating_add_signed(rows).min(last);
        let kind = self.breaking.kind();
        if !kind.adjusts(self.breaking.column) {
            self.breaking.column = Adjustment::Percent;
        }
    }

    /// The next column that the fault has, or the one before.
    pub(super) fn turn_adjustment(&mut self, back: bool) {
        let kind = self.breaking.kind();
        let mut columns: Vec<Adjustment> = Adjustment::ALL.into_iter().filter(|column| kind.adjusts(*column)).collect();
        if back {
            columns.reverse();
        }
        let at = columns.iter().position(|column| *column == self.breaking.column).unwrap_or_default();
        self.breaking.column = columns[(at + 1) % columns.len()];
    }

    /// Stronger or weaker; one that is on is ordered anew.
    pub(super) fn adjust_fault(&mut self, up: bool) -> Vec<Effect> {
        let kind = self.breaking.kind();
        let before = self.breaking.draft(kind);
        let order = adjusted(before.clone(), self.breaking.column, up);
        if order == before {
            return Vec::new();
        }
        self.breaking.set_draft(order.clone());
        let ids = self.ids_of(kind);
        if ids.is_empty() {
            return Vec::new();
        }
        self.breaking.forget(&ids);
        vec![Effect::Break(FaultOrder::Replace(ids, order))]
    }

    /// On, or off where it is on.
    pub(super) fn turn_fault(&mut self) -> Vec<Effect> {
        let kind = self.breaking.kind();
        let ids = self.ids_of(kind);
        if ids.is_empty() {
            return vec![Effect::Break(FaultOrder::Put(self.breaking.draft(kind)))];
        }
        self.breaking.forget(&ids);
        vec![Effect::Break(FaultOrder::TakeBack(ids))]
    }

    /// All off.
    pub(super) fn clear_faults(&mut self) -> Vec<Effect> {
        let ids: Vec<String> = self.breaking.standing.iter().map(|standing| standing.id.clone()).collect();
        self.breaking.forget(&ids);
        vec![Effect::Break(FaultOrder::Clear)]
    }

    /// Something is on that can be taken back.
    pub(super) fn has_faults(&self) -> bool {
        !self.breaking.standing.is_empty()
    }

    fn ids_of(&self, kind: Kind) -> Vec<String> {
        self.breaking.of_kind(kind).map(|standing| standing.id.clone()).collect()
    }

    /// The rows of the panel.
    pub fn fault_rows(&self) -> Vec<FaultRow> {
        let row = |(index, kind): (usize, Kind)| {
            let standing: Vec<&Standing> = self.breaking.of_kind(kind).collect();
            let order = standing.first().and_then(|standing| standing.order.clone());
            let on = order.is_some();
            let order = order.unwrap_or_else(|| self.breaking.draft(kind));
            let met: u64 = standing.iter().map(|standing| standing.met).sum();
            FaultRow {
                kind,
                on,
                selected: index == self.breaking.selected,
                cells: cells(&order),
                met: if on { format!("met {}", number::grouped(met)) } else { String::new() },
            }
        };
        Kind::ALL.into_iter().enumerate().map(row).collect()
    }

    /// Faults that only programs order: they are on, and have no row.
    pub fn other_faults(&self) -> Vec<&str> {
        let other = self.breaking.standing.iter().filter(|standing| standing.order.is_none());
        other.map(|standing| standing.words.as_str()).collect()
    }

    /// The column that left and right adjust.
    pub const fn adjustment(&self) -> Adjustment {
        self.breaking.column
    }

    /// What the selected fault does, and its exercise with the pipeline's names where it is on: a
    /// heading and a text each.
    pub fn exercise(&self) -> Vec<(&'static str, String)> {
        let kind = self.breaking.kind();
        if self.breaking.of_kind(kind).next().is_none() {
            return Vec::new();
        }
        let Exercise { see, place, why, tell, command } = kind.exercise();
        let filled =
            |text: &str| self.deployment.ready().map_or_else(|| text.to_owned(), |ready| fill(text, &ready.outputs));
        vec![
            ("See", see.to_owned()),
            ("Where", place.to_owned()),
            ("Why", why.to_owned()),
            ("On AWS", tell.to_owned()),
            ("", filled(command)),
        ]
    }
}

fn cells(order: &Order) -> [String; 4] {
    let amount = order.amount.map(time::duration).unwrap_or_default();
    let percent = if order.percent == 100 { "all".to_owned() } else { format!("{} %", order.percent) };
    let count = order.count.map_or_else(|| "no end".to_owned(), |count| format!("{count}×"));
    let lasts = order.lasts.map_or_else(|| "no end".to_owned(), time::whole_seconds);
    [amount, percent, count, lasts]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::parse;

    fn standing(id: &str, text: &str, met: u64) -> Standing {
        let order = parse(text).unwrap().remove(0);
        Standing { id: id.to_owned(), words: order.words(), order: Some(order), met }
    }

    #[test]
    fn a_value_steps_to_the_next_and_ends_without_end() {
        assert_eq!(step(&COUNTS, Some(4), true), Some(5));
        assert_eq!(step(&COUNTS, Some(50), true), None);
        assert_eq!(step(&COUNTS, None, true), None);
        assert_eq!(step(&COUNTS, None, false), Some(50));
        assert_eq!(step(&COUNTS, Some(1), false), Some(1));
    }

    #[test]
    fn what_ends_by_itself_is_said_and_what_was_taken_back_here_is_not() {
        let mut breaking = Breaking::default();
        assert_eq!(breaking.set_standing(vec![standing("1", "crash", 0), standing("2", "slow=3s,for=119s", 0)]), None);
        assert_eq!(breaking.draft(Kind::Slow), parse("slow=3s,for=2m").unwrap()[0]);
        breaking.forget(&["1".to_owned()]);
        assert_eq!(breaking.set_standing(vec![standing("2", "slow=3s,for=60s", 4)]), None);
        let news = breaking.set_standing(Vec::new()).unwrap();
        assert!(news.starts_with("slow is over"), "{news}");
        assert_eq!(breaking.draft(Kind::Slow), parse("slow=3s,for=2m").unwrap()[0], "it is kept for the next time");
    }

    #[test]
    fn every_adjustment_goes_up_and_down() {
        for column in Adjustment::ALL {
            let order = Order::new(Kind::FirehoseDelay);
            let down = adjusted(order.clone(), column, false);
            assert_ne!(down, order, "{column:?}");
            assert_eq!(adjusted(down, column, true), order, "{column:?}");
        }
        let strongest = (0..9).fold(Order::new(Kind::Slow), |order, _| adjusted(order, Adjustment::Amount, true));
        assert_eq!(strongest.amount, Kind::Slow.amounts().last().copied());
    }
}
