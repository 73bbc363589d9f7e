//! Text in so many cells, whatever letters it has.

use tailwater_core::text::safe::visible;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many cells a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// At most so many cells of the text, with `…` where something is cut off.
pub fn cut(text: &str, cells: usize) -> String {
    // Cheap first: most texts are short.
    if text.len() <= cells || (text.len() <= cells * 8 && text.width() <= cells) {
        return text.to_owned();
    }
    if cells == 0 {
        return String::new();
    }
    let mut kept = String::new();
    let mut taken = 0;
    for letter in text.chars() {
        let cells_of_letter = letter.width().unwrap_or(0);
        if taken + cells_of_letter > cells - 1 {
            kept.push('…');
            return kept;
        }
        taken += cells_of_letter;
        kept.push(letter);
    }
    kept
}

/// The end of a text whose start says little, in at most so many cells, with `…` before it.
pub fn end_of(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let mut end = Vec::new();
    let mut taken = 1;
    for letter in text.chars().rev() {
        taken += letter.width().unwrap_or(0);
        if taken > cells {
            break;
        }
        end.push(letter);
    }
    end.push('…');
    end.iter().rev().collect()
}

/// Exactly so many cells: cut, or filled up on the right.
pub fn left(text: &str, cells: usize) -> String {
    let mut fitted = cut(text, cells);
    fitted.push_str(&" ".repeat(cells.saturating_sub(width(&fitted))));
    fitted
}

/// The text without its first cells.
pub fn skip(text: &str, cells: usize) -> &str {
    let mut skipped = 0;
    for (index, letter) in text.char_indices() {
        if skipped >= cells {
            return &text[index..];
        }
        skipped += letter.width().unwrap_or(0);
    }
    ""
}

/// The text in pieces of at most so many cells, at most so many pieces.
pub fn pieces(text: &str, cells: usize, most: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut taken = 0;
    for letter in text.chars() {
        let cells_of_letter = letter.width().unwrap_or(0);
        if taken + cells_of_letter > cells.max(2) {
            if pieces.len() == most {
                break;
            }
            pieces.push(String::new());
            taken = 0;
        }
        taken += cells_of_letter;
        if let Some(piece) = pieces.last_mut() {
            piece.push(letter);
        }
    }
    pieces
}

/// The text in lines of at most so many cells, broken between words where that is possible.
pub fn paragraphs(text: &str, cells: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let paragraph = visible(paragraph);
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && width(&line) + 1 + width(word) > cells {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            if width(word) > cells {
                let mut parts = pieces(word, cells, usize::MAX);
                let last = parts.pop().unwrap_or_default();
                lines.extend(parts);
                line = last;
            } else {
                line.push_str(word);
            }
        }
        lines.push(line);
    }
    lines
}

/// The start of bytes as safe text: enough for so many cells, whatever the size of the whole.
pub fn start_of(bytes: &[u8], cells: usize) -> String {
    let most = cells.saturating_mul(4).saturating_add(64);
    let start = &bytes[..bytes.len().min(most)];
    let text = String::from_utf8_lossy(start);
    let text = text.trim_end_matches('\n');
    visible(if start.len() < bytes.len() { text.trim_end_matches('\u{fffd}') } else { text }).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_are_never_halved() {
        assert_eq!(cut("東京都", 6), "東京都");
        assert_eq!(cut("東京都", 5), "東京…");
        assert_eq!(cut("東京都", 4), "東…");
        assert_eq!(left("東京都", 4), "東… ");
        assert_eq!(width(&left("東京都 👍🏽 é", 20)), 20);
        assert_eq!(cut("abc", 0), "");
        assert_eq!(end_of("東京都", 6), "東京都");
        assert_eq!(end_of("東京都", 5), "…京都");
        assert_eq!(end_of("東京都", 4), "…都");
    }

    #[test]
    fn pieces_and_paragraphs_keep_every_letter() {
        assert_eq!(pieces("abcdef", 4, 9), ["abcd", "ef"]);
        assert_eq!(pieces("abcdefghi", 4, 2), ["abcd", "efgh"]);
        assert_eq!(paragraphs("one two three\nfour", 8), ["one two", "three", "four"]);
        assert_eq!(paragraphs("abcdefghij x", 4), ["abcd", "efgh", "ij x"]);
        assert_eq!(skip("東京都", 3), "都");
    }

    #[test]
    fn the_start_of_bytes_is_safe() {
        assert_eq!(start_of(b"a\x1b[31m\n", 10), "a␛[31m");
        assert_eq!(start_of(b"\xff", 10), "\u{fffd}");
        assert!(start_of(&vec![b'x'; 1 << 20], 10).len() < 200);
    }
}
