//! How times are shown: local, in UTC, or as how long ago.

use super::{App, Effect};
use crate::{
    events::Timestamp,
    text::{number, time::UtcOffset},
};

/// How times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    /// In this machine's time zone.
    #[default]
    Local,
    /// In UTC.
    Utc,
    /// In rows, as how long ago; elsewhere as local.
    Relative,
}

impl App {
    /// How times are shown.
    pub fn times(&self) -> Times {
        match (self.ago, self.offset == UtcOffset::default()) {
            (true, _) => Times::Relative,
            (false, true) => Times::Utc,
            (false, false) => Times::Local,
        }
    }

    /// The next way to show times: local, in UTC, how long ago.
    pub(super) fn turn_times(&mut self) -> Vec<Effect> {
        let local = self.look.local();
        let (words, utc) = match self.times() {
            Times::Local => ("Times are in UTC.".to_owned(), Some("on")),
            Times::Utc => {
                self.ago = true;
                ("Rows say how long ago they are.".to_owned(), None)
            }
            Times::Relative => {
                self.ago = false;
                let in_utc = local == UtcOffset::default();
                let words =
                    if in_utc { "Times are in UTC.".to_owned() } else { format!("Times are local, {}.", local.name()) };
                (words, (!in_utc).then_some("off"))
            }
        };
        let effects = utc.map(|word| self.set_utc(word)).and_then(Result::ok).unwrap_or_default();
        if let Some(detail) = self.detail.take() {
            let (pane, row) = (detail.pane, detail.row);
            self.detail = Some(self.detail_again(detail, pane, row));
        }
        self.say(words);
        effects
    }

    /// A row's time, as wide for every row: to the millisecond or the second, or how long ago.
    pub fn row_time(&self, time: Timestamp, fine: bool) -> String {
        match (self.ago, fine) {
            (true, _) => format!("{:>10}", ago(self.now.millis_since(time))),
            (false, true) => self.offset.clock_millis(time),
            (false, false) => self.offset.clock(time),
        }
    }
}

/// `12 s ago`, `59 min ago`, `23 h ago`, `4 d ago`; `in 2 s` where clocks differ.
fn ago(millis: i64) -> String {
    let seconds = millis.unsigned_abs() / 1000;
    let span = match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", number::grouped(seconds / 86_400)),
    };
    if millis < 0 && seconds > 0 { format!("in {span}") } else { format!("{span} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_ago_is_told_in_one_unit() {
        assert_eq!([0, 999, 59_999, 60_000].map(ago), ["0 s ago", "0 s ago", "59 s ago", "1 min ago"]);
        assert_eq!([3_599_000, 7_200_000, 864_000_000].map(ago), ["59 min ago", "2 h ago", "10 d ago"]);
        assert_eq!([-400, -2_000].map(ago), ["0 s ago", "in 2 s"]);
    }
}
