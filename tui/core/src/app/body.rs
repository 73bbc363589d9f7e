//! The body of an open row: JSON as a tree that folds, else text, else bytes.

use std::collections::HashSet;

use bytes::Bytes;

use super::{DetailLine, detail::size_words};
use crate::text::{
    find, hex_dump,
    json_tree::{Kind, Tree},
    number,
    safe::visible,
};

/// How many lines a body is shown with at most.
const MOST_LINES: usize = 20_000;
/// How many values a tree has at most; a text with more is shown as text.
const MOST_VALUES: usize = 200_000;

/// Deeper levels are not indented further, so that hostile nesting costs no memory.
const DEEPEST_INDENT: usize = 24;

/// A line of a JSON tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonLine {
    /// The value it is of.
    pub node: usize,
    /// How deep it stands.
    pub depth: usize,
    /// It can be folded, and whether it is.
    pub fold: Option<bool>,
    /// It is the bracket that closes the value.
    pub closes: bool,
    /// The key and the value, as they were sent, safe to print.
    pub text: String,
}

impl JsonLine {
    /// Cells that it is moved to the right.
    pub fn indent(&self) -> usize {
        2 * self.depth.min(DEEPEST_INDENT)
    }
}

/// The body of an open row.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// There is none.
    None,
    /// A JSON text.
    Json {
        /// What it is.
        name: &'static str,
        /// The text, as it was sent.
        text: String,
        /// Its values.
        tree: Tree,
        /// The values that are folded.
        folded: HashSet<usize>,
        /// It is shown as bytes.
        as_bytes: bool,
    },
    /// Any other bytes.
    Plain {
        /// What it is.
        name: &'static str,
        /// The bytes, as they were sent.
        bytes: Bytes,
        /// It is shown as bytes.
        as_bytes: bool,
    },
}

impl Body {
    /// Reads a body.
    pub(super) fn of(name: &'static str, bytes: Bytes) -> Self {
        let text = std::str::from_utf8(&bytes).ok();
        if let Some((text, tree)) = text.and_then(|text| Some((text, Tree::of(text, MOST_VALUES)?))) {
            return Self::Json { name, text: text.to_owned(), tree, folded: HashSet::new(), as_bytes: false };
        }
        let as_bytes = text.is_none();
        Self::Plain { name, bytes, as_bytes }
    }

    /// Its lines as it is folded now.
    pub(super) fn lines(&self) -> Vec<DetailLine> {
        match self {
            Self::None => Vec::new(),
            Self::Json { name, text, as_bytes: true, .. } => byte_lines(name, text.as_bytes()),
            Self::Plain { name, bytes, as_bytes: true } => byte_lines(name, bytes),
            Self::Json { name, text, tree, folded, .. } => {
                let mut lines = vec![heading(name, "JSON", text.len())];
                tree_lines(text, tree, folded, &mut lines);
                lines
            }
            Self::Plain { name, bytes, .. } => {
                let text = String::from_utf8_lossy(bytes);
                let mut lines = vec![heading(name, "text", bytes.len())];
                let all = text.lines().count();
                lines.extend(text.lines().take(MOST_LINES).map(|line| DetailLine::Text(visible(line).into_owned())));
                say_more(&mut lines, all.saturating_sub(MOST_LINES));
                lines
            }
        }
    }

    /// The text, as it was sent; bytes that are none as they look in hexadecimal.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Json { text, .. } => Some(text.clone()),
            Self::Plain { bytes, .. } => Some(match std::str::from_utf8(bytes) {
                Ok(text) => text.to_owned(),
                Err(_) => hex_dump::lines(bytes).join("\n") + "\n",
            }),
        }
    }

    pub(super) const fn has_bytes(&self) -> bool {
        !matches!(self, Self::None)
    }

    pub(super) fn turn_bytes(&mut self) {
        match self {
            Self::None => {}
            Self::Json { as_bytes, .. } => *as_bytes = !*as_bytes,
            // What is no text can be shown as nothing else.
            Self::Plain { as_bytes, bytes, .. } => *as_bytes = !*as_bytes || std::str::from_utf8(bytes).is_err(),
        }
    }

    /// Whether a value has something in it to fold.
    pub(super) fn folds(&self, node: usize) -> bool {
        matches!(self, Self::Json { tree, .. } if tree.nodes().get(node).is_some_and(|node| node.children > 0))
    }

    pub(super) fn is_folded(&self, node: usize) -> bool {
        matches!(self, Self::Json { folded, .. } if folded.contains(&node))
    }

    pub(super) fn parent(&self, node: usize) -> Option<usize> {
        match self {
            Self::Json { tree, .. } => tree.nodes().get(node)?.parent,
            _ => None,
        }
    }

    pub(super) fn fold(&mut self, node: usize, fold: bool) {
        let folds = self.folds(node);
        if let Self::Json { folded, .. } = self {
            if fold && folds {
                folded.insert(node);
            } else {
                folded.remove(&node);
            }
        }
    }

    /// Folds every value but the whole, or none.
    pub(super) fn fold_all(&mut self, fold: bool) {
        if let Self::Json { folded, tree, .. } = self {
            folded.clear();
            if fold {
                let all = tree.nodes().iter().enumerate().skip(1);
                folded.extend(all.filter(|(_, node)| node.children > 0).map(|(index, _)| index));
            }
        }
    }

    /// Unfolds what texts in small letters stand in; whether anything was.
    pub(super) fn unfold_for(&mut self, marks: &[String]) -> bool {
        let Self::Json { folded, tree, text, .. } = self else { return false };
        let before = folded.len();
        folded.retain(|node| {
            let raw = tree.raw(text, *node).as_bytes();
            !marks.iter().any(|mark| find::contains(raw, mark))
        });
        folded.len() < before
    }

    /// Takes over what is folded and how it is shown.
    pub(super) fn fold_like(&mut self, before: &Self) {
        match (self, before) {
            (
                Self::Json { folded, as_bytes, text, .. },
                Self::Json { folded: folded_before, as_bytes: as_before, text: text_before, .. },
            ) if text == text_before => {
                folded.clone_from(folded_before);
                *as_bytes = *as_before;
            }
            (Self::Plain { as_bytes, .. }, Self::Plain { as_bytes: as_before, .. }) => *as_bytes = *as_before,
            _ => {}
        }
    }

    /// A value as it was sent: of a string, what it says.
    pub(super) fn value(&self, node: usize) -> Option<String> {
        match self {
            Self::Json { text, tree, .. } => Some(tree.content(text, node).into_owned()),
            _ => None,
        }
    }

    /// The JSON path of a value.
    pub(super) fn path(&self, node: usize) -> Option<String> {
        match self {
            Self::Json { text, tree, .. } => Some(tree.path(text, node)),
            _ => None,
        }
    }
}

fn heading(name: &str, kind: &str, bytes: usize) -> DetailLine {
    DetailLine::Heading(format!("{name}: {kind}, {}", size_words(bytes as u64)))
}

fn byte_lines(name: &str, bytes: &[u8]) -> Vec<DetailLine> {
    let mut lines = vec![heading(name, "bytes", bytes.len())];
    let shown = &bytes[..bytes.len().min(MOST_LINES * 16)];
    lines.extend(hex_dump::lines(shown).into_iter().map(DetailLine::Text));
    say_more(&mut lines, bytes.len().div_ceil(16).saturating_sub(MOST_LINES));
    lines
}

fn say_more(lines: &mut Vec<DetailLine>, more: usize) {
    if more > 0 {
        lines.push(DetailLine::Text(format!("… and {}; y copies all", number::counted(more as u64, "more line"))));
    }
}

/// The tree's lines: what is folded says how much is in it.
fn tree_lines(text: &str, tree: &Tree, folded: &HashSet<usize>, lines: &mut Vec<DetailLine>) {
    let nodes = tree.nodes();
    let is_last = |at: usize| nodes[at].parent.is_none_or(|parent| nodes[at].index + 1 == nodes[parent].children);
    let comma = |at: usize| if is_last(at) { "" } else { "," };
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    let most = lines.len() + MOST_LINES;
    while at < nodes.len() || !open.is_empty() {
        if lines.len() >= most {
            let words = format!("… and more: {} shown; y copies all", number::counted(MOST_LINES as u64, "line"));
            lines.push(DetailLine::Text(words));
            return;
        }
        if let Some(closed) = open.pop_if(|open| nodes[*open].next <= at) {
            let bracket = if nodes[closed].kind == Kind::Object { '}' } else { ']' };
            let depth = nodes[closed].depth;
            let text = format!("{bracket}{}", comma(closed));
            lines.push(DetailLine::Json(JsonLine { node: closed, depth, fold: None, closes: true, text }));
            continue;
        }
        let node = &nodes[at];
        let key = node.key.clone().map(|key| format!("{}: ", visible(&text[key]))).unwrap_or_default();
        let fold = (node.children > 0).then(|| folded.contains(&at));
        let (value, next) = match (node.kind, fold) {
            (Kind::Object, Some(true)) => {
                (format!("{{ {} }}{}", number::counted(node.children as u64, "member"), comma(at)), node.next)
            }
            (Kind::Array, Some(true)) => {
                (format!("[ {} ]{}", number::counted(node.children as u64, "element"), comma(at)), node.next)
            }
            (Kind::Object, Some(false)) => ("{".to_owned(), at + 1),
            (Kind::Array, Some(false)) => ("[".to_owned(), at + 1),
            (Kind::Object, None) => (format!("{{}}{}", comma(at)), at + 1),
            (Kind::Array, None) => (format!("[]{}", comma(at)), at + 1),
            _ => (format!("{}{}", visible(tree.raw(text, at)), comma(at)), at + 1),
        };
        let line = JsonLine { node: at, depth: node.depth, fold, closes: false, text: format!("{key}{value}") };
        lines.push(DetailLine::Json(line));
        if fold == Some(false) {
            open.push(at);
        }
        at = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &Body) -> Vec<String> {
        let show = |line: &DetailLine| match line {
            DetailLine::Json(line) => format!("{}{}", " ".repeat(line.depth), line.text),
            DetailLine::Heading(text) | DetailLine::Text(text) => text.clone(),
            other => format!("{other:?}"),
        };
        body.lines().iter().map(show).collect()
    }

    #[test]
    fn a_tree_shows_what_was_sent_and_folds() {
        let text = "{\"n\":1.0e2,\"big\":12345678901234567890,\"a\":[1,{\"b\":[]}],\"n\":\"\u{202e}\\u00e9\"}\n";
        let mut body = Body::of("Data", Bytes::from(text));
        let all = [
            "Data: JSON, 74 B",
            "{",
            " \"n\": 1.0e2,",
            " \"big\": 12345678901234567890,",
            " \"a\": [",
            "  1,",
            "  {",
            "   \"b\": []",
            "  }",
            " ],",
            " \"n\": \"⟨202E⟩\\u00e9\"",
            "}",
        ];
        assert_eq!(shown(&body)[1..], all[1..]);
        body.fold_all(true);
        assert_eq!(shown(&body)[1..], ["{", all[2], all[3], " \"a\": [ 2 elements ],", all[10], "}"]);
        assert!(body.unfold_for(&["\"b\"".to_owned()]));
        assert_eq!(shown(&body)[1..], all[1..]);
        body.fold(0, true);
        assert_eq!(shown(&body)[1..], ["{ 4 members }"]);
        assert_eq!(body.value(2).as_deref(), Some("12345678901234567890"));
        assert_eq!(body.path(6).as_deref(), Some("$.a[1].b"));
    }

    #[test]
    fn what_is_no_text_is_bytes_and_text_can_be() {
        let mut body = Body::of("Data", Bytes::from_static(b"\xff\x00"));
        assert_eq!(shown(&body)[0], "Data: bytes, 2 B");
        assert!(shown(&body)[1].contains("ff 00"));
        body.turn_bytes();
        assert_eq!(shown(&body)[0], "Data: bytes, 2 B");
        let mut body = Body::of("Line", Bytes::from_static(b"a\x1b[2J\nb"));
        assert_eq!(shown(&body), ["Line: text, 7 B", "a␛[2J", "b"]);
        body.turn_bytes();
        assert!(shown(&body)[1].contains("61 1b 5b"));
    }

    #[test]
    fn hostile_depth_and_length_are_bounded() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(shown(&Body::of("Data", deep.into())).len(), MOST_LINES + 2);
        let long = format!("[{}1]", "1,".repeat(300_000));
        assert_eq!(shown(&Body::of("Data", long.into()))[0], "Data: text, 600.0 KB (600,003 B)");
    }
}
