//! Makes text that came from outside safe to print: whatever would steer a terminal, reorder a
//! line or hide in it becomes a visible symbol.

use std::borrow::Cow;

/// The text with control characters, escape sequences, bidirectional controls and invisible marks
/// as visible symbols: `␛[31m`, `⟨202E⟩`. Nothing in the result moves a cursor or changes a line's
/// direction or width.
///
/// Joiners are shown too, although emoji are joined with them: terminals disagree about the width
/// of what is joined. Only a presentation selector after a character of its own is left out.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    let mut before = None;
    for letter in text.chars() {
        match letter {
            '\u{0}'..='\u{1f}' => safe.push(picture(letter)),
            '\u{7f}' => safe.push('␡'),
            '\u{fe0e}' | '\u{fe0f}' if before.is_some_and(|before: char| !before.is_ascii() && !is_hidden(before)) => {}
            _ if is_hidden(letter) => safe.push_str(&code(letter)),
            _ => safe.push(letter),
        }
        before = Some(letter);
    }
    Cow::Owned(safe)
}

/// The symbol of a C0 control character: `␛` for escape.
fn picture(control: char) -> char {
    char::from_u32(0x2400 + u32::from(control)).unwrap_or('\u{fffd}')
}

/// `⟨202E⟩`.
fn code(letter: char) -> String {
    format!("⟨{:04X}⟩", u32::from(letter))
}

/// Whether a terminal would obey this character, or a reader not see it.
const fn is_hidden(letter: char) -> bool {
    matches!(letter,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        // Soft hyphen, grapheme joiner, Arabic letter mark, Hangul and Khmer fillers.
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        // Mongolian selectors and vowel separator.
        | '\u{180b}'..='\u{180f}'
        // Zero-width space and joiners, direction marks, separators, embeddings, isolates.
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        // Tags and the supplementary variation selectors.
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_is_not_copied() {
        assert!(matches!(visible("Zürich, 東京, 👍, שלום"), Cow::Borrowed(_)));
    }

    #[test]
    fn escapes_controls_and_bidi_are_shown() {
        assert_eq!(visible("\u{1b}]0;x\u{7}\r\n\t\u{7f}\0"), "␛]0;x␇␍␊␉␡␀");
        assert_eq!(visible("a\u{202e}b\u{9b}c\u{200b}"), "a⟨202E⟩b⟨009B⟩c⟨200B⟩");
        assert_eq!(visible("\u{e0041}"), "⟨E0041⟩");
    }

    #[test]
    fn a_presentation_selector_goes_only_after_a_character_of_its_own() {
        assert_eq!(visible("❤\u{fe0f}"), "❤");
        assert_eq!(visible("a\u{fe0f}"), "a⟨FE0F⟩");
        assert_eq!(visible("❤\u{fe0f}\u{fe0f}"), "❤⟨FE0F⟩");
    }

    proptest! {
        #[test]
        fn nothing_hidden_remains(text in any::<String>()) {
            prop_assert!(!visible(&text).chars().any(is_hidden));
        }
    }
}
