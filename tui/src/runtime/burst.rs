//! A paste from a terminal that does not bracket it comes as keys, faster than hands are.

use std::{io, time::Duration};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures::{Stream, StreamExt};

/// Keys that follow each other within this are no typing.
const BETWEEN: Duration = Duration::from_millis(3);
/// So many of them are a paste: fewer may have waited for each other on a slow line.
const AT_LEAST: usize = 6;
/// A longer paste is taken in parts.
const AT_MOST: usize = 64 * 1024;

/// The event, and those that came with it: as one paste where they are one, else as they came.
pub async fn gather(keys: &mut (impl Stream<Item = io::Result<Event>> + Unpin), first: Event) -> Vec<Event> {
    let mut events = vec![first];
    while events.len() < AT_MOST && events.last().is_some_and(|event| text_of(event).is_some()) {
        match tokio::time::timeout(BETWEEN, keys.next()).await {
            Ok(Some(Ok(event))) => events.push(event),
            // An error comes again when the stream is asked again.
            Ok(Some(Err(_)) | None) | Err(_) => break,
        }
    }
    as_paste(events)
}

/// The keys that are text at the start of these as one paste, where they are enough.
fn as_paste(events: Vec<Event>) -> Vec<Event> {
    let typed = events.iter().take_while(|event| text_of(event).is_some()).count();
    let mut letters = events[..typed].iter().filter_map(text_of);
    let first = letters.next();
    // A key held down repeats itself.
    let held = letters.all(|letter| Some(letter) == first);
    if typed < AT_LEAST || held {
        return events;
    }
    let text = events[..typed].iter().filter_map(text_of).collect();
    let mut together = vec![Event::Paste(text)];
    together.extend(events.into_iter().skip(typed));
    together
}

/// The letter that a key would be in a text.
fn text_of(event: &Event) -> Option<char> {
    let Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) = event else { return None };
    if modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        return None;
    }
    match code {
        KeyCode::Char(letter) => Some(*letter),
        KeyCode::Enter => Some('\n'),
        KeyCode::Tab => Some('\t'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<Event> {
        let code = |letter| if letter == '\n' { KeyCode::Enter } else { KeyCode::Char(letter) };
        text.chars().map(|letter| Event::Key(KeyEvent::new(code(letter), KeyModifiers::NONE))).collect()
    }

    async fn gathered(events: Vec<Event>) -> Vec<Event> {
        let mut events = events.into_iter();
        let first = events.next().expect("an event");
        let mut rest = futures::stream::iter(events.map(Ok)).chain(futures::stream::pending());
        gather(&mut rest, first).await
    }

    #[tokio::test]
    async fn what_comes_at_once_is_a_paste() {
        assert_eq!(gathered(keys("Yx3k=\nsq")).await, [Event::Paste("Yx3k=\nsq".to_owned())]);
    }

    #[tokio::test]
    async fn a_few_keys_and_a_key_held_down_are_typed() {
        for text in ["s", "3kkt", "jjjjjjjjjj"] {
            assert_eq!(gathered(keys(text)).await, keys(text));
        }
    }

    #[tokio::test]
    async fn what_is_no_text_ends_it() {
        let mut events = keys("abcdef");
        events.extend([Event::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Event::FocusLost]);
        let gathered = gathered(events.clone()).await;
        // What stands behind it waits in the stream.
        assert_eq!(gathered, [Event::Paste("abcdef".to_owned()), events[6].clone()]);
    }
}
