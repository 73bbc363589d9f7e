//! JSON paths: the values of a text that one names, with the digits they were sent with.

use serde_json_path::JsonPath;

use crate::text::json_tree::Tree;

/// A JSON path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    whole: JsonPath,
    /// The same in steps, where it names one value at most: then no other value is looked at.
    steps: Option<Vec<Step>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Element(usize),
}

impl Path {
    /// Reads a path; the error is the place in it, in characters, and what is wrong.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let whole = JsonPath::parse(text).map_err(|error| {
            (error.position().saturating_sub(1), error.message().trim_end_matches(['.', ' ']).to_owned())
        })?;
        Ok(Self { whole, steps: steps(text) })
    }

    /// The values it names.
    pub fn values(&self, text: &str, tree: &Tree) -> Vec<usize> {
        if let Some(steps) = &self.steps {
            let found = steps.iter().try_fold(0, |at, step| match step {
                Step::Member(name) => tree.member(text, at, name),
                Step::Element(index) => tree.element(at, *index),
            });
            return found.into_iter().collect();
        }
        // The library works on parsed values; where it finds one, the text that stands there counts.
        let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return Vec::new() };
        let located = self.whole.query_located(&value);
        let place = |location: &serde_json_path::NormalizedPath<'_>| {
            location.iter().try_fold(0, |at, step| match (step.as_name(), step.as_index()) {
                (Some(name), _) => tree.member(text, at, name),
                (None, Some(index)) => tree.element(at, index),
                (None, None) => None,
            })
        };
        located.locations().filter_map(place).collect()
    }
}

/// The steps of a path that names one value at most; `None`: it may name several.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, remains) = after.split_at(end);
            if name.is_empty() || name == "*" {
                return None;
            }
            steps.push(Step::Member(name.to_owned()));
            rest = remains;
        } else {
            let (inner, remains) = rest.strip_prefix('[')?.split_once(']')?;
            let quoted = ['\'', '"'].into_iter().find_map(|quote| {
                inner.strip_prefix(quote)?.strip_suffix(quote).filter(|name| !name.contains([quote, '\\']))
            });
            steps.push(match quoted {
                Some(name) => Step::Member(name.to_owned()),
                None => Step::Element(inner.parse().ok()?),
            });
            rest = remains;
        }
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(path: &str, text: &str) -> Vec<String> {
        let tree = Tree::of(text, 1_000).expect("JSON");
        let path = Path::parse(path).expect(path);
        path.values(text, &tree).into_iter().map(|node| tree.raw(text, node).to_owned()).collect()
    }

    #[test]
    fn one_value_or_many_come_as_they_are_written() {
        let text = r#"{"a":{"b c":[1.0,{"d":10000000000000000000001}]},"d":2e0}"#;
        assert_eq!(values("$.a['b c'][1].d", text), ["10000000000000000000001"]);
        assert_eq!(values("$..d", text), ["2e0", "10000000000000000000001"]);
        assert_eq!(values("$.a[\"b c\"][0]", text), ["1.0"]);
        assert_eq!(values("$.a['b c'][-1].d", text), ["10000000000000000000001"]);
        assert_eq!(values("$.a.b", text), Vec::<String>::new());
        assert_eq!(values("$", "7"), ["7"]);
        assert_eq!(values("$.a.*[?@.d > 3].d", text), ["10000000000000000000001"]);
    }

    #[test]
    fn only_paths_to_one_value_are_walked_in_steps() {
        for path in ["$.a.*", "$..a", "$[*]", "$[-1]", "$['a','b']", "$[0:2]", "$[?@.a]", "$['a\\'b']"] {
            assert_eq!(steps(path), None, "{path}");
        }
        assert_eq!(steps("$.ab['c']"), Some(vec![Step::Member("ab".into()), Step::Member("c".into())]));
    }
}
