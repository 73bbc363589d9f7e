//! Filter patterns: AWS's terms (`ERROR`, `"a phrase"`, `?this ?that`, `-without`) and JSON patterns
//! (`{ $.level = "ERROR" && $.ms > 3 }`).

mod json;

/// What an event must be like.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// Each of the terms, one of the optional ones, none of the excluded ones.
    Terms(Terms),
    /// A condition on a message that is a JSON object.
    Json(json::Condition),
}

/// Pieces of text, told apart by case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Terms {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PatternError {
    /// AWS's words for a character that needs quotes, or is not in the syntax.
    #[error("Invalid character(s) in term '{0}'")]
    Character(char),
    /// The pattern ends too early or goes on too long.
    #[error("Invalid filter pattern: {0}")]
    Syntax(String),
    /// Syntax of AWS that is not offered here.
    #[error("The embedded cloud does not support {0} in a filter pattern.")]
    Unsupported(&'static str),
}

impl Pattern {
    /// Reads a pattern; an empty one matches everything.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let text = text.trim();
        match text.chars().next() {
            Some('{') => Ok(Self::Json(json::Condition::parse(text)?)),
            Some('[') => Err(PatternError::Unsupported("space-delimited fields ([a, b, ...])")),
            _ => Ok(Self::Terms(Terms::parse(text)?)),
        }
    }

    /// Whether a message fits.
    pub fn matches(&self, message: &str) -> bool {
        match self {
            Self::Terms(terms) => terms.matches(message),
            Self::Json(condition) => condition.matches(message),
        }
    }
}

impl Terms {
    fn parse(text: &str) -> Result<Self, PatternError> {
        let mut terms = Self::default();
        let mut letters = text.chars().peekable();
        while let Some(&first) = letters.peek() {
            if first.is_whitespace() {
                letters.next();
                continue;
            }
            let list = match first {
                '?' => &mut terms.any,
                '-' => &mut terms.none,
                _ => &mut terms.all,
            };
            if matches!(first, '?' | '-') {
                letters.next();
            }
            let term = match letters.peek() {
                Some('"') => quoted(&mut letters)?,
                Some('%') => return Err(PatternError::Unsupported("regular expressions (%...%)")),
                _ => plain(&mut letters)?,
            };
            list.push(term);
        }
        // AWS ignores optional terms that stand beside others.
        if !terms.all.is_empty() || !terms.none.is_empty() {
            terms.any.clear();
        }
        Ok(terms)
    }

    fn matches(&self, message: &str) -> bool {
        self.all.iter().all(|term| message.contains(term.as_str()))
            && (self.any.is_empty() || self.any.iter().any(|term| message.contains(term.as_str())))
            && !self.none.iter().any(|term| message.contains(term.as_str()))
    }
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// A term in double quotes; a backslash takes the next character as it is.
fn quoted(letters: &mut Letters<'_>) -> Result<String, PatternError> {
    letters.next();
    let mut term = String::new();
    loop {
        match letters.next() {
            Some('"') => return Ok(term),
            Some('\\') => term.extend(letters.next()),
            Some(letter) => term.push(letter),
            None => return Err(PatternError::Syntax("a quotation mark is not closed".into())),
        }
    }
}

/// A term of letters, digits and underscores: what else there is needs quotes.
fn plain(letters: &mut Letters<'_>) -> Result<String, PatternError> {
    let mut term = String::new();
    while let Some(&letter) = letters.peek() {
        if letter.is_whitespace() {
            break;
        }
        if !letter.is_alphanumeric() && letter != '_' {
            return Err(PatternError::Character(letter));
        }
        term.push(letter);
        letters.next();
    }
    if term.is_empty() {
        return Err(PatternError::Syntax("a ? or - stands without a term".into()));
    }
    Ok(term)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", "anything", true)]
    #[case("ERROR", "[ERROR 400] bad", true)]
    #[case("ERROR", "[error 400] bad", false)]
    #[case("Exception", "NullPointerException", true)]
    #[case("ERROR ARGUMENTS", "ERROR: missing ARGUMENTS", true)]
    #[case("ERROR ARGUMENTS", "ERROR alone", false)]
    #[case("\"bad request\"", "a bad request came", true)]
    #[case("\"bad request\"", "a request, bad", false)]
    #[case(r#""\"id\":\"a-b\"""#, r#"{"id":"a-b"}"#, true)]
    #[case("?ERROR ?WARN", "WARN: hot", true)]
    #[case("?ERROR ?WARN", "INFO: fine", false)]
    #[case("ERROR -EXITING", "ERROR now", true)]
    #[case("ERROR -EXITING", "ERROR, EXITING", false)]
    #[case("-\"not this\"", "not this", false)]
    #[case("?WARN INFO", "INFO: optional terms beside others are ignored", true)]
    fn terms(#[case] pattern: &str, #[case] message: &str, #[case] fits: bool) {
        assert_eq!(Pattern::parse(pattern).unwrap().matches(message), fits, "{pattern} on {message}");
    }

    #[rstest]
    #[case("a-b", "Invalid character(s) in term '-'")]
    #[case("Status:", "Invalid character(s) in term ':'")]
    #[case("\"open", "Invalid filter pattern: a quotation mark is not closed")]
    #[case("%[0-9]%", "The embedded cloud does not support regular expressions (%...%) in a filter pattern.")]
    #[case("[a, b]", "The embedded cloud does not support space-delimited fields ([a, b, ...]) in a filter pattern.")]
    #[case("?", "Invalid filter pattern: a ? or - stands without a term")]
    fn refusals(#[case] pattern: &str, #[case] message: &str) {
        assert_eq!(Pattern::parse(pattern).unwrap_err().to_string(), message);
    }
}
