//! How times are shown: local, in UTC, or as how long ago.

use super::App;
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

impl Times {
    /// All of them, in the order in which the key goes through them.
    pub const ALL: [Self; 3] = [Self::Local, Self::Utc, Self::Relative];

    /// Its name, as a command or a setting has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Utc => "utc",
            Self::Relative => "relative",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|times| times.name() == name)
    }

    const fn next(self) -> Self {
        match self {
            Self::Local => Self::Utc,
            Self::Utc => Self::Relative,
            Self::Relative => Self::Local,
        }
    }
}

impl App {
    /// How times are shown.
    pub const fn times(&self) -> Times {
        self.times
    }

    /// Times are shown like this from now on.
    pub fn set_times(&mut self, times: Times) {
        self.times = times;
        if let Some(detail) = self.detail.take() {
            let (pane, row) = (detail.pane, detail.row);
            self.detail = Some(self.detail_again(detail, pane, row));
        }
        self.dirty = true;
    }

    pub(super) fn turn_times(&mut self) {
        self.set_times(self.times.next());
        let words = match self.times {
            Times::Local => format!("Times are local, {}.", self.offset.name()),
            Times::Utc => "Times are in UTC.".to_owned(),
            Times::Relative => "Rows say how long ago they are.".to_owned(),
        };
        self.say(words);
    }

    /// The offset in which times are shown.
    pub const fn offset(&self) -> UtcOffset {
        match self.times {
            Times::Utc => UtcOffset(0),
            Times::Local | Times::Relative => self.offset,
        }
    }

    /// A row's time, as wide for every row: to the millisecond or the second, or how long ago.
    pub fn row_time(&self, time: Timestamp, fine: bool) -> String {
        match self.times {
            Times::Relative => format!("{:>10}", ago(self.now.millis_since(time))),
            _ if fine => self.offset().clock_millis(time),
            _ => self.offset().clock(time),
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

    #[test]
    fn a_setting_is_known_by_its_name() {
        for times in Times::ALL {
            assert_eq!(Times::named(times.name()), Some(times));
        }
        assert_eq!(Times::named("lunar"), None);
    }
}
