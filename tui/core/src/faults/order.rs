//! An order as people give it: `crash=20%`, `slow=2s,for=2m`, `kinesis-throttle=5x,50%`.

use std::{fmt, time::Duration};

use super::Kind;
use crate::text::time;

/// The longest that a fault delays something or is on.
const LONGEST: Duration = Duration::from_hours(24);

/// One order: what is to go wrong, how often and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What goes wrong.
    pub kind: Kind,
    /// How late, of a fault that is a delay.
    pub amount: Option<Duration>,
    /// Of a hundred that come by, how many meet it: 1 to 100.
    pub percent: u8,
    /// How many meet it; `None`: all, until it is taken back.
    pub count: Option<u32>,
    /// How long it is on; `None`: until it is taken back, or has been met as often as it counts.
    pub lasts: Option<Duration>,
    /// The one function, stream, delivery stream or API that it is about; `None`: any.
    pub of: Option<String>,
}

/// Why a text is no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WrongOrder(String);

impl Order {
    /// Everything that comes by meets it, until it is taken back.
    pub const fn new(kind: Kind) -> Self {
        Self { kind, amount: kind.amount(), percent: 100, count: None, lasts: None, of: None }
    }

    /// What of it is not as [`Self::new`] has it, in words: `20 %`, `2 s, 50 %, 5 times, for 2 min`.
    pub fn strength(&self) -> String {
        let parts = [
            self.amount.map(time::duration),
            (self.percent < 100).then(|| format!("{} %", self.percent)),
            self.count.map(times),
            self.lasts.map(|lasts| format!("for {}", remaining(lasts))),
            self.of.as_ref().map(|of| format!("of {of}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Name and strength, as the header says it: `crash 20 %`.
    pub fn words(&self) -> String {
        let strength = self.strength();
        if strength.is_empty() { self.kind.name().to_owned() } else { format!("{} {strength}", self.kind.name()) }
    }

    /// A part after the name: `20%`, `5x`, `2s`, `for=2m`, `of=NAME`.
    fn set(&mut self, part: &str) -> Result<(), WrongOrder> {
        let wrong = |words: String| Err(WrongOrder(words));
        let name = self.kind.name();
        if let Some(text) = part.strip_prefix("for=") {
            self.lasts = Some(duration_of("for", text)?);
        } else if let Some(text) = part.strip_prefix("of=") {
            if text.is_empty() {
                return wrong("`of=` names nothing: write of=NAME, or leave it out".to_owned());
            }
            self.of = Some(text.to_owned());
        } else if let Some(text) = part.strip_suffix('%') {
            match text.trim().parse::<u8>() {
                Ok(percent @ 1..=100) => self.percent = percent,
                _ => return wrong(format!("`{part}` is no share: write 1% to 100%")),
            }
        } else if let Some(text) = part.strip_suffix('x') {
            match text.trim().parse::<u32>() {
                Ok(count @ 1..) => self.count = Some(count),
                _ => return wrong(format!("`{part}` is no count: write 1x, 5x, …")),
            }
        } else if read_duration(part).is_some() {
            if self.kind.amount().is_none() {
                return wrong(format!(
                    "{name} is no delay and takes no {part}: {name}=20% is how often, {name}=5x how many, \
                     {name},for={part} how long"
                ));
            }
            self.amount = Some(duration_of(name, part)?);
        } else {
            let delay = if self.kind.amount().is_some() { "2s, " } else { "" };
            return wrong(format!("`{part}` is nothing that {name} takes: write {delay}20%, 5x, for=2m or of=NAME"));
        }
        Ok(())
    }
}

impl fmt::Display for Order {
    /// As people write it, so that it can be read again.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.amount.map(written),
            (self.percent < 100).then(|| format!("{}%", self.percent)),
            self.count.map(|count| format!("{count}x")),
            self.lasts.map(|lasts| format!("for={}", written(lasts))),
            self.of.as_ref().map(|of| format!("of={of}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        formatter.write_str(self.kind.name())?;
        for (index, part) in parts.iter().enumerate() {
            let mark = if index == 0 && !part.contains('=') { "=" } else { "," };
            write!(formatter, "{mark}{part}")?;
        }
        Ok(())
    }
}

/// The orders of a text: names with what belongs to each, all apart by commas.
pub fn parse(text: &str) -> Result<Vec<Order>, WrongOrder> {
    let mut orders: Vec<Order> = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (name, value) =
            part.split_once('=').map_or((part, None), |(name, value)| (name.trim(), Some(value.trim())));
        if let Some(kind) = Kind::of_name(name) {
            let mut order = Order::new(kind);
            if let Some(value) = value {
                order.set(value)?;
            }
            orders.push(order);
            continue;
        }
        let known =
            matches!(name, "for" | "of") || value.is_none() && name.starts_with(|first: char| first.is_ascii_digit());
        match orders.last_mut() {
            Some(order) if known => order.set(part)?,
            _ if part.is_empty() => return Err(WrongOrder(format!("a fault's name is missing: {}", names()))),
            _ => return Err(WrongOrder(format!("there is no fault `{name}`{}: {}", nearest(name), names()))),
        }
    }
    Ok(orders)
}

/// A duration as `500ms`, `2s`, `5m`, `1h`, also with a fraction: `1.5s`.
pub fn read_duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (number, unit) = text.split_at(unit_at);
    let milliseconds = match unit.trim() {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" | "min" => 60_000.0,
        "h" => 3_600_000.0,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    Duration::try_from_secs_f64(number * milliseconds / 1_000.0).ok()
}

fn duration_of(what: &str, text: &str) -> Result<Duration, WrongOrder> {
    match read_duration(text) {
        Some(duration) if (Duration::from_millis(1)..=LONGEST).contains(&duration) => Ok(duration),
        _ => Err(WrongOrder(format!("{what}={text} is no time from 1ms to 24h: write 500ms, 10s or 5m"))),
    }
}

/// As [`read_duration`] reads it.
fn written(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    match milliseconds {
        _ if milliseconds.is_multiple_of(3_600_000) => format!("{}h", milliseconds / 3_600_000),
        _ if milliseconds.is_multiple_of(60_000) => format!("{}m", milliseconds / 60_000),
        _ if milliseconds.is_multiple_of(1_000) => format!("{}s", milliseconds / 1_000),
        _ => format!("{milliseconds}ms"),
    }
}

/// A time that runs down.
fn remaining(time: Duration) -> String {
    if time < Duration::from_secs(1) { time::duration(time) } else { time::whole_seconds(time) }
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn names() -> String {
    format!("there are {}", Kind::ALL.map(Kind::name).join(", "))
}

/// The name that was meant, where one is near: the same words, or the same letters but few.
fn nearest(name: &str) -> String {
    let likeness = |kind: &Kind| {
        let known = kind.name();
        let same = known.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
        let within = known.split('-').any(|word| word.len() > 3 && name.contains(word));
        if within || same >= 3 { same + usize::from(within) * 4 } else { 0 }
    };
    let best = Kind::ALL.into_iter().max_by_key(likeness).filter(|kind| likeness(kind) > 0);
    best.map(|kind| format!(", but {}", kind.name())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("crash", "crash")]
    #[case("crash=20%", "crash 20 %")]
    #[case("slow", "slow 2 s")]
    #[case("slow=500ms,20%", "slow 500 ms, 20 %")]
    #[case("kinesis-throttle=5x", "kinesis-throttle 5 times")]
    #[case("firehose-delay=30s,for=2m", "firehose-delay 30 s, for 2 min")]
    #[case("api-503=1x,of=abc", "api-503 once, of abc")]
    fn an_order_is_read_and_written_again(#[case] text: &str, #[case] words: &str) {
        let orders = parse(text).unwrap();
        assert_eq!(orders.len(), 1);
        assert_eq!(orders[0].words(), words);
        assert_eq!(parse(&orders[0].to_string()).unwrap(), orders);
    }

    #[test]
    fn several_orders_stand_in_one_text() {
        let orders = parse("crash=20%, slow=3s, for=1m, kinesis-throttle").unwrap();
        assert_eq!(
            orders.iter().map(|order| order.kind).collect::<Vec<_>>(),
            [Kind::Crash, Kind::Slow, Kind::KinesisThrottle]
        );
        assert_eq!(orders[1].lasts, Some(Duration::from_mins(1)));
        assert_eq!(orders[0].lasts, None);
    }

    #[rstest]
    #[case("", "name is missing: there are api-503")]
    #[case("crsh", "there is no fault `crsh`")]
    #[case("throttle", "there is no fault `throttle`, but kinesis-throttle:")]
    #[case("firehose-twise", ", but firehose-twice:")]
    #[case("crash=0%", "write 1% to 100%")]
    #[case("crash=101%", "write 1% to 100%")]
    #[case("crash=0x", "no count")]
    #[case("crash=2s", "crash,for=2s how long")]
    #[case("crash=often", "write 20%, 5x, for=2m or of=NAME")]
    #[case("slow=fast", "write 2s, 20%")]
    #[case("slow=0s", "no time from 1ms")]
    #[case("slow=2s,for=ever", "for=ever is no time")]
    #[case("for=2m", "there is no fault `for`")]
    #[case("crash,of=", "names nothing")]
    #[case("crash,,slow", "name is missing")]
    fn what_is_wrong_is_said(#[case] text: &str, #[case] words: &str) {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn every_kind_has_a_name_of_its_own_that_reads_as_it_is_written() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_name(kind.name()), Some(kind));
            assert_eq!(parse(&Order::new(kind).to_string()).unwrap(), [Order::new(kind)]);
            assert!(kind.amount().is_none_or(|amount| kind.amounts().contains(&amount)));
        }
    }
}
