//! Filter patterns on JSON messages: conditions on selected values, joined by `&&`, `||`, `( )`.

use serde_json::Value;

use super::PatternError;

/// What the values of a message must be.
#[derive(Debug, Clone)]
pub(in crate::logs) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Test(Selector, Test),
}

/// Where a value is: `$.user.roles[0]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::logs) struct Selector(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Index(usize),
    /// `[*]`: one of the items.
    Each,
}

/// What a selected value must be.
#[derive(Debug, Clone)]
pub(in crate::logs) enum Test {
    /// Text, `*` in it for any; `true`: must not fit.
    Text(String, bool),
    Number(Comparison, f64),
    Null,
    True,
    False,
    Exists,
    NotExists,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::logs) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    /// Reads `{ ... }`.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let mut parser = Parser { rest: text };
        parser.expect("{")?;
        let condition = parser.any()?;
        parser.expect("}")?;
        parser.skip_space();
        if let Some(letter) = parser.rest.chars().next() {
            return Err(PatternError::Syntax(format!("'{letter}' follows the closing brace")));
        }
        Ok(condition)
    }

    /// Whether a message is a JSON object and fits.
    pub fn matches(&self, message: &str) -> bool {
        match serde_json::from_str::<Value>(message) {
            Ok(value @ Value::Object(_)) => self.holds(&value),
            _ => false,
        }
    }

    fn holds(&self, message: &Value) -> bool {
        match self {
            Self::All(conditions) => conditions.iter().all(|condition| condition.holds(message)),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(message)),
            Self::Test(selector, test) => {
                let mut values = Vec::new();
                select(message, &selector.0, &mut values);
                match test {
                    Test::NotExists => values.is_empty(),
                    test => values.iter().any(|value| test.holds(value)),
                }
            }
        }
    }
}

fn select<'a>(value: &'a Value, steps: &[Step], found: &mut Vec<&'a Value>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(value);
        return;
    };
    match step {
        Step::Member(name) => {
            if let Some(member) = value.get(name) {
                select(member, rest, found);
            }
        }
        Step::Index(index) => {
            if let Some(item) = value.get(index) {
                select(item, rest, found);
            }
        }
        Step::Each => {
            for item in value.as_array().into_iter().flatten() {
                select(item, rest, found);
            }
        }
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Text(wanted, negated) => {
                let fits = match value {
                    Value::String(text) => wildcard(wanted, text),
                    Value::Number(number) => wildcard(wanted, &number.to_string()),
                    Value::Bool(flag) => wildcard(wanted, &flag.to_string()),
                    _ => return false,
                };
                fits != *negated
            }
            Self::Number(comparison, wanted) => {
                let number = match value {
                    Value::Number(number) => number.as_f64(),
                    Value::String(text) => text.parse().ok(),
                    _ => None,
                };
                number.is_some_and(|number| comparison.holds(number, *wanted))
            }
            Self::Null => value.is_null(),
            Self::True => *value == Value::Bool(true),
            Self::False => *value == Value::Bool(false),
            Self::Exists => true,
            Self::NotExists => false,
        }
    }
}

impl Comparison {
    #[expect(clippy::float_cmp, reason = "a pattern asks for this very number")]
    fn holds(self, number: f64, wanted: f64) -> bool {
        match self {
            Self::Equal => number == wanted,
            Self::NotEqual => number != wanted,
            Self::Less => number < wanted,
            Self::LessOrEqual => number <= wanted,
            Self::Greater => number > wanted,
            Self::GreaterOrEqual => number >= wanted,
        }
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any characters.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes `token` where it is next.
    fn take(&mut self, token: &str) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes a word of the syntax, in any case, where it is next.
    fn take_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let is_next = self.rest.get(..word.len()).is_some_and(|next| next.eq_ignore_ascii_case(word))
            && !self.rest[word.len()..].starts_with(|letter: char| letter.is_alphanumeric());
        if is_next {
            self.rest = &self.rest[word.len()..];
        }
        is_next
    }

    fn expect(&mut self, token: &str) -> Result<(), PatternError> {
        if self.take(token) { Ok(()) } else { Err(self.unexpected(token)) }
    }

    fn unexpected(&self, wanted: &str) -> PatternError {
        match self.rest.chars().next() {
            Some(letter) => PatternError::Character(letter),
            None => PatternError::Syntax(format!("it ends where {wanted} is wanted")),
        }
    }

    fn any(&mut self) -> Result<Condition, PatternError> {
        let mut conditions = vec![self.all()?];
        while self.take("||") {
            conditions.push(self.all()?);
        }
        Ok(one_or(conditions, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, PatternError> {
        let mut conditions = vec![self.one()?];
        while self.take("&&") {
            conditions.push(self.one()?);
        }
        Ok(one_or(conditions, Condition::All))
    }

    fn one(&mut self) -> Result<Condition, PatternError> {
        if self.take("(") {
            let condition = self.any()?;
            self.expect(")")?;
            return Ok(condition);
        }
        let selector = self.selector()?;
        Ok(Condition::Test(selector, self.test()?))
    }

    fn selector(&mut self) -> Result<Selector, PatternError> {
        self.expect("$")?;
        let mut steps = Vec::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix('.') {
                self.rest = rest;
                let name = self.span(|letter| letter.is_alphanumeric() || "_-@#/".contains(letter));
                if name.is_empty() {
                    return Err(self.unexpected("a member's name"));
                }
                steps.push(Step::Member(name.to_owned()));
            } else if let Some(rest) = self.rest.strip_prefix('[') {
                self.rest = rest;
                if self.take("*") {
                    steps.push(Step::Each);
                } else {
                    let digits = self.span(|letter| letter.is_ascii_digit());
                    steps.push(Step::Index(digits.parse().map_err(|_| self.unexpected("an index"))?));
                }
                self.expect("]")?;
            } else if steps.is_empty() {
                return Err(self.unexpected("a member"));
            } else {
                return Ok(Selector(steps));
            }
        }
    }

    fn test(&mut self) -> Result<Test, PatternError> {
        if self.take_word("IS") {
            for (word, test) in [("NULL", Test::Null), ("TRUE", Test::True), ("FALSE", Test::False)] {
                if self.take_word(word) {
                    return Ok(test);
                }
            }
            return Err(self.unexpected("NULL, TRUE or FALSE"));
        }
        if self.take_word("NOT") {
            return if self.take_word("EXISTS") { Ok(Test::NotExists) } else { Err(self.unexpected("EXISTS")) };
        }
        if self.take_word("EXISTS") {
            return Ok(Test::Exists);
        }
        let comparisons = [
            ("!=", Comparison::NotEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<=", Comparison::LessOrEqual),
            ("=", Comparison::Equal),
            (">", Comparison::Greater),
            ("<", Comparison::Less),
        ];
        let comparison = comparisons
            .into_iter()
            .find_map(|(token, comparison)| self.take(token).then_some(comparison))
            .ok_or_else(|| self.unexpected("a comparison"))?;
        self.skip_space();
        let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let negated = comparison == Comparison::NotEqual;
        if self.rest.starts_with('"') {
            let mut letters = self.rest.chars().peekable();
            let text = super::quoted(&mut letters)?;
            self.rest = &self.rest[self.rest.len() - letters.map(char::len_utf8).sum::<usize>()..];
            return if equality {
                Ok(Test::Text(text, negated))
            } else {
                Err(PatternError::Syntax(format!("\"{text}\" is compared with = or != only")))
            };
        }
        if self.rest.starts_with('%') {
            return Err(PatternError::Unsupported("regular expressions (%...%)"));
        }
        let word = self.span(|letter| !letter.is_whitespace() && !"(){}&|=<>!\"".contains(letter));
        if let Ok(number) = word.parse::<f64>() {
            return Ok(Test::Number(comparison, number));
        }
        if word.is_empty() || !equality {
            return Err(self.unexpected("a number"));
        }
        Ok(Test::Text(word.to_owned(), negated))
    }

    fn span(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|letter| !wanted(letter)).unwrap_or(self.rest.len());
        let (span, rest) = self.rest.split_at(end);
        self.rest = rest;
        span
    }
}

fn one_or(mut conditions: Vec<Condition>, many: impl FnOnce(Vec<Condition>) -> Condition) -> Condition {
    if conditions.len() == 1 { conditions.remove(0) } else { many(conditions) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const MESSAGE: &str = r#"{"level":"ERROR","ms":12.5,"user":{"name":"Ann","roles":["admin","dev"]},
        "ok":true,"gone":null,"detail-type":"x","count":"7"}"#;

    #[rstest]
    #[case(r#"{ $.level = "ERROR" }"#, true)]
    #[case("{ $.level = ERROR }", true)]
    #[case("{$.level=ERR*}", true)]
    #[case(r#"{ $.level = "*RRO*" }"#, true)]
    #[case(r#"{ $.level != "ERROR" }"#, false)]
    #[case(r#"{ $.missing != "ERROR" }"#, false)]
    #[case("{ $.ms > 12 && $.ms <= 12.5 }", true)]
    #[case("{ $.ms < 12 || $.user.name = Ann }", true)]
    #[case("{ ($.ms < 12 || $.ms > 100) && $.user.name = Ann }", false)]
    #[case("{ $.ms < 12 || $.ms > 100 && $.user.name = Ann }", false)]
    #[case("{ $.user.roles[1] = dev }", true)]
    #[case("{ $.user.roles[*] = admin }", true)]
    #[case("{ $.user.roles[2] = dev }", false)]
    #[case("{ $.ok IS TRUE }", true)]
    #[case("{ $.ok is false }", false)]
    #[case("{ $.ok = true }", true)]
    #[case("{ $.gone IS NULL }", true)]
    #[case("{ $.missing IS NULL }", false)]
    #[case("{ $.missing NOT EXISTS }", true)]
    #[case("{ $.gone NOT EXISTS }", false)]
    #[case("{ $.detail-type = x }", true)]
    #[case("{ $.count = 7 }", true)]
    fn conditions(#[case] pattern: &str, #[case] fits: bool) {
        assert_eq!(Condition::parse(pattern).unwrap().matches(MESSAGE), fits, "{pattern}");
    }

    #[test]
    fn what_is_no_json_object_never_fits() {
        let condition = Condition::parse("{ $.x NOT EXISTS }").unwrap();
        assert!(!condition.matches("plain text"));
        assert!(!condition.matches("[1]"));
        assert!(condition.matches("{}"));
    }

    #[rstest]
    #[case(r#"{ $."detail-type" = "x" }"#, "Invalid character(s) in term '\"'")]
    #[case("{ level = x }", "Invalid character(s) in term 'l'")]
    #[case("{ $.level = x", "Invalid filter pattern: it ends where } is wanted")]
    #[case("{ $.level = x } y", "Invalid filter pattern: 'y' follows the closing brace")]
    #[case(r#"{ $.level > "x" }"#, "Invalid filter pattern: \"x\" is compared with = or != only")]
    #[case("{ $.a = %x% }", "The embedded cloud does not support regular expressions (%...%) in a filter pattern.")]
    #[case("{ $.a ~ 1 }", "Invalid character(s) in term '~'")]
    fn refusals(#[case] pattern: &str, #[case] message: &str) {
        assert_eq!(Condition::parse(pattern).unwrap_err().to_string(), message);
    }

    #[rstest]
    #[case("*", "", true)]
    #[case("a*c", "abc", true)]
    #[case("a*c", "ac", true)]
    #[case("a*a", "a", false)]
    #[case("*b*", "abc", true)]
    #[case("a**c", "abc", true)]
    #[case("abc", "abcd", false)]
    fn wildcards(#[case] pattern: &str, #[case] text: &str, #[case] fits: bool) {
        assert_eq!(wildcard(pattern, text), fits, "{pattern} on {text}");
    }
}
