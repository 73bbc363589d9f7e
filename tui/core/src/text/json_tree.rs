//! A JSON text as a tree of places in it: every value is the text that stands there, so that a
//! number keeps the digits it was sent with and a key that stands twice is there twice.
//!
//! The nodes stand in one list, each before what is in it, so that neither hostile depth nor the
//! end of a large tree costs a stack.

use std::{borrow::Cow, ops::Range};

use super::json::{self, Tokens};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`.
    Object,
    /// `[…]`.
    Array,
    /// `"…"`.
    String,
    /// A number, as written.
    Number,
    /// `true`, `false`, `null`.
    Literal,
}

/// A value of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// The place of its key with its quotes, where it is a member.
    pub key: Option<Range<usize>>,
    /// The place of the value.
    pub span: Range<usize>,
    /// How deep it stands: the whole is at 0.
    pub depth: usize,
    /// Its place among its brothers.
    pub index: usize,
    /// The value it stands in.
    pub parent: Option<usize>,
    /// The first node behind it that is not in it.
    pub next: usize,
    /// How many values stand directly in it.
    pub children: usize,
}

/// The values of a JSON text. It holds places alone: the text is handed in again where it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// Reads a text; `None` where it is no JSON or has more values than `most`.
    pub fn of(text: &str, most: usize) -> Option<Self> {
        json::check(text).ok()?;
        let mut nodes: Vec<Node> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        let mut key: Option<Range<usize>> = None;
        let mut tokens = Tokens::of(text);
        while let Some(token) = tokens.next() {
            let end = text.len() - tokens.rest.len();
            let span = end - token.len()..end;
            let kind = match token.as_bytes()[0] {
                b'}' | b']' => {
                    if let Some(closed) = open.pop() {
                        let next = nodes.len();
                        nodes[closed].next = next;
                        nodes[closed].span.end = end;
                    }
                    continue;
                }
                b',' | b':' => continue,
                b'{' => Kind::Object,
                b'[' => Kind::Array,
                b'"' => Kind::String,
                b'-' | b'0'..=b'9' => Kind::Number,
                _ => Kind::Literal,
            };
            let parent = open.last().copied();
            if kind == Kind::String && key.is_none() && parent.is_some_and(|open| nodes[open].kind == Kind::Object) {
                key = Some(span);
                continue;
            }
            if nodes.len() == most {
                return None;
            }
            let index = parent.map_or(0, |parent| {
                nodes[parent].children += 1;
                nodes[parent].children - 1
            });
            let at = nodes.len();
            let (depth, key) = (open.len(), key.take());
            nodes.push(Node { kind, key, span, depth, index, parent, next: at + 1, children: 0 });
            if matches!(kind, Kind::Object | Kind::Array) {
                open.push(at);
            }
        }
        Some(Self { nodes })
    }

    /// All values, each before what is in it.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The values that stand directly in one.
    pub fn children(&self, of: usize) -> impl Iterator<Item = usize> {
        let end = self.nodes[of].next;
        let first = Some(of + 1).filter(|first| *first < end);
        std::iter::successors(first, move |child| Some(self.nodes[*child].next).filter(|next| *next < end))
    }

    /// The member with this name; the last one, where it stands several times.
    pub fn member(&self, text: &str, of: usize, name: &str) -> Option<usize> {
        if self.nodes[of].kind != Kind::Object {
            return None;
        }
        let named = |child: &usize| self.key(text, *child).is_some_and(|key| key == name);
        self.children(of).filter(named).last()
    }

    /// The element at this place of an array.
    pub fn element(&self, of: usize, index: usize) -> Option<usize> {
        if self.nodes[of].kind == Kind::Array { self.children(of).nth(index) } else { None }
    }

    /// A member's name, its escapes resolved.
    pub fn key<'a>(&self, text: &'a str, node: usize) -> Option<Cow<'a, str>> {
        self.nodes[node].key.clone().map(|span| unquoted(&text[span]))
    }

    /// The value as it is written.
    pub fn raw<'a>(&self, text: &'a str, node: usize) -> &'a str {
        &text[self.nodes[node].span.clone()]
    }

    /// What the value says: a string without its quotes and escapes, anything else as it is written.
    pub fn content<'a>(&self, text: &'a str, node: usize) -> Cow<'a, str> {
        let raw = self.raw(text, node);
        if self.nodes[node].kind == Kind::String { unquoted(raw) } else { Cow::Borrowed(raw) }
    }

    /// The JSON path that leads to a value: `$.items[0].id`, `$['a b']`.
    pub fn path(&self, text: &str, node: usize) -> String {
        let mut steps = Vec::new();
        let mut at = node;
        while let Some(parent) = self.nodes[at].parent {
            steps.push(match self.key(text, at) {
                Some(name) if is_plain(&name) => format!(".{name}"),
                Some(name) => format!("['{}']", escaped(&name)),
                None => format!("[{}]", self.nodes[at].index),
            });
            at = parent;
        }
        steps.push("$".to_owned());
        steps.reverse();
        steps.concat()
    }
}

/// Whether a name may stand behind a point in a JSON path (RFC 9535's shorthand).
fn is_plain(name: &str) -> bool {
    let begins = name.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_');
    begins && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// A name between single quotes in a normalized path.
fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            '\'' | '\\' => text.extend(['\\', letter]),
            '\u{0}'..='\u{1f}' => text.extend(["\\u00", &hex::encode([letter as u8])]),
            _ => text.push(letter),
        }
    }
    text
}

/// A string without its quotes and escapes; one with an escape that means nothing stays as written.
fn unquoted(raw: &str) -> Cow<'_, str> {
    let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or(raw);
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    serde_json::from_str(raw).map_or(Cow::Borrowed(inner), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MANY: usize = 1_000_000;

    #[test]
    fn values_are_places_in_the_text() {
        let text = r#" {"a" : [1.50e+03, {"b c":"\u00e9"}], "a":null, "long": 123456789012345678901234567890} "#;
        let tree = Tree::of(text, MANY).expect("a tree");
        let raws: Vec<&str> = (0..tree.nodes().len()).map(|node| tree.raw(text, node)).collect();
        assert_eq!(
            raws[1..],
            [
                r#"[1.50e+03, {"b c":"\u00e9"}]"#,
                "1.50e+03",
                r#"{"b c":"\u00e9"}"#,
                r#""\u00e9""#,
                "null",
                "123456789012345678901234567890"
            ]
        );
        assert_eq!(tree.path(text, 4), "$.a[1]['b c']");
        assert_eq!(tree.content(text, 4), "é");
        assert_eq!(tree.children(0).collect::<Vec<_>>(), [1, 5, 6]);
        assert_eq!(tree.member(text, 0, "a"), Some(5), "the last of two");
        assert_eq!(tree.element(1, 1), Some(3));
        assert_eq!((tree.element(1, 2), tree.member(text, 1, "a"), tree.element(0, 0)), (None, None, None));
    }

    #[test]
    fn what_is_no_json_or_too_much_is_no_tree() {
        assert_eq!(Tree::of("{\"a\":", MANY), None);
        assert_eq!(Tree::of("[1,2,3]", 3), None);
        assert_eq!(Tree::of("[]", 1).expect("a tree").children(0).count(), 0);
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(Tree::of(&deep, MANY).expect("a tree").nodes().len(), 50_000);
    }

    #[test]
    fn a_path_names_every_key() {
        let text = r#"{"it's":{"\\":{"":{"\u0001":1}}}}"#;
        let tree = Tree::of(text, MANY).expect("a tree");
        assert_eq!(tree.path(text, 4), r"$['it\'s']['\\']['']['\u0001']");
    }

    proptest! {
        #[test]
        fn a_path_leads_back_to_its_value(keys in proptest::collection::vec("[a-z'\\\\ é0-9\u{1}\"]{0,4}", 1..5)) {
            let mut text = "7".to_owned();
            for key in keys.iter().rev() {
                text = format!("{{{}:[0,{text}]}}", serde_json::Value::from(key.as_str()));
            }
            let tree = Tree::of(&text, MANY).expect("a tree");
            let last = tree.nodes().len() - 1;
            let path = serde_json_path::JsonPath::parse(&tree.path(&text, last)).expect("a path");
            let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            prop_assert!(path.query(&value).exactly_one().is_ok_and(|found| *found == 7));
        }
    }
}
