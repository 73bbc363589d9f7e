//! `tailwater fault`: breaks something in the embedded cloud that runs, or mends it.

use std::fmt::Write;

use serde_json::{Value, json};
use tailwater_core::{
    faults::{Exercise, Kind, Order, Standing, parse},
    text::{number, safe::visible},
};

use super::{CommandError, CommandResult, End, print, say};
use crate::{
    cli::{Global, Output, Where},
    target::{Orders, Target},
};

/// Why there is nothing to break.
const NO_CLOUD: &str = "no embedded cloud runs for you, so there is nothing to break: open the app, or run \
                        `tailwater local`, in another terminal";

/// Says what is on, turns faults on, or turns them off.
pub async fn fault(global: &Global, words: &[String]) -> CommandResult {
    let wish = Wish::read(words)?;
    check(global)?;
    if !global.fault.is_empty() {
        let words = "with `tailwater fault` write the faults without --fault".to_owned();
        return Err(CommandError::Usage(words));
    }
    let target = Target::join()?.ok_or_else(|| CommandError::Failed(NO_CLOUD.to_owned()))?;
    let orders = orders(&target)?;
    match wish {
        Wish::List => list(global.output, &orders.list().await?),
        Wish::Put(wanted) => {
            for order in wanted {
                let id = orders.put(&order).await?;
                print::line(global.output, || put_json(&id, &order), || put_text(&order))?;
            }
            Ok(End::Done)
        }
        Wish::Clear(kinds) => {
            let deleted = if kinds.is_empty() {
                orders.take_back(None).await?
            } else {
                let is_wanted =
                    |standing: &Standing| standing.order.as_ref().is_some_and(|order| kinds.contains(&order.kind));
                let ids: Vec<String> =
                    orders.list().await?.into_iter().filter(is_wanted).map(|standing| standing.id).collect();
                orders.take_back(Some(&ids)).await?
            };
            let text = || match deleted {
                0 => "Nothing was broken.".to_owned(),
                deleted => format!("Turned {} off.", number::counted(deleted, "fault")),
            };
            print::line(global.output, || json!({"event": "cleared", "deleted": deleted}), text)
        }
    }
}

/// Orders what `--fault` says, before anything else is done with the target.
pub(super) async fn give(global: &Global, target: &Target) -> Result<(), CommandError> {
    if global.fault.is_empty() {
        return Ok(());
    }
    let to = orders(target)?;
    for order in global.fault.iter().flat_map(|faults| &faults.0) {
        to.put(order).await?;
        say(&format!("{} is on: {}.", order.words(), order.kind.does()));
    }
    if target.embedded().is_none() {
        say(
            "The cloud was running before: the faults stay on when this command ends. `tailwater fault clear` ends them.",
        );
    }
    Ok(())
}

/// Checks before any call that `--fault` is about the local cloud.
pub(super) fn check(global: &Global) -> Result<(), CommandError> {
    if global.target == Where::Local {
        return Ok(());
    }
    Err(CommandError::Usage("faults go with --target local: nothing of AWS is ever broken on purpose".to_owned()))
}

fn orders(target: &Target) -> Result<Orders, CommandError> {
    Orders::to(target)?.ok_or_else(|| CommandError::Failed(NO_CLOUD.to_owned()))
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    List,
    Put(Vec<Order>),
    /// Those of these kinds, or all.
    Clear(Vec<Kind>),
}

impl Wish {
    fn read(words: &[String]) -> Result<Self, CommandError> {
        let usage = |words: String| CommandError::Usage(words);
        match words.split_first() {
            None => Ok(Self::List),
            Some((word, rest)) if word == "list" => match rest {
                [] => Ok(Self::List),
                [other, ..] => Err(usage(format!("`list` stands alone: what is `{other}`?"))),
            },
            Some((word, rest)) if word == "clear" => {
                let names = rest.iter().flat_map(|names| names.split(','));
                let kinds = names.map(|name| match parse(name).map_err(|error| usage(error.to_string()))?.as_slice() {
                    [order] if *order == Order::new(order.kind) => Ok(order.kind),
                    _ => Err(usage(format!("`clear` takes names alone: what is `{name}`?"))),
                });
                kinds.collect::<Result<_, _>>().map(Self::Clear)
            }
            Some(_) => {
                let orders = words.iter().map(|text| parse(text).map_err(|error| usage(error.to_string())));
                orders.collect::<Result<Vec<_>, _>>().map(|orders| Self::Put(orders.concat()))
            }
        }
    }
}

fn list(output: Output, standing: &[Standing]) -> CommandResult {
    if standing.is_empty() && output == Output::Text {
        return print::line(output, || Value::Null, || "Nothing is broken.".to_owned());
    }
    for fault in standing {
        let text = || {
            let does = fault.order.as_ref().map_or("", |order| order.kind.does());
            format!("{}  met {}  {does}", visible(&fault.words), number::counted(fault.met, "time"))
        };
        print::line(output, || listed_json(fault), text)?;
    }
    Ok(End::Done)
}

fn listed_json(fault: &Standing) -> Value {
    json!({
        "event": "fault",
        "id": fault.id,
        "name": fault.order.as_ref().map(|order| order.kind.name()),
        "order": fault.order.as_ref().map(ToString::to_string),
        "words": fault.words,
        "met": fault.met,
    })
}

fn put_json(id: &str, order: &Order) -> Value {
    json!({"event": "fault", "id": id, "name": order.kind.name(), "order": order.to_string(), "met": 0})
}

/// That it is on, with its exercise.
fn put_text(order: &Order) -> String {
    let Exercise { see, place, why, tell, .. } = order.kind.exercise();
    let mut text = format!("{} is on: {}.\n", order.words(), order.kind.does());
    for (heading, words) in [("See", see), ("Where", place), ("Why", why), ("On AWS", tell)] {
        // Writing into memory does not fail.
        let _ = writeln!(text, "  {heading:<8}{words}");
    }
    text.push_str("End it with `tailwater fault clear`.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Wish, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Wish::read(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn words_are_a_wish() {
        assert_eq!(read(&[]), Ok(Wish::List));
        assert_eq!(read(&["list"]), Ok(Wish::List));
        assert_eq!(read(&["clear"]), Ok(Wish::Clear(Vec::new())));
        assert_eq!(read(&["clear", "crash,slow"]), Ok(Wish::Clear(vec![Kind::Crash, Kind::Slow])));
        let put = read(&["crash=20%", "slow=3s,for=1m"]).expect("orders");
        assert!(matches!(put, Wish::Put(orders) if orders.len() == 2 && orders[1].lasts.is_some()));
        for wrong in [&["list", "x"][..], &["clear", "crash=20%"], &["clear", "nothing"], &["crsh"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
