//! The keys of delivered objects: a prefix with its expressions, and Firehose's own name.
//!
//! <https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html>,
//! <https://docs.aws.amazon.com/firehose/latest/dev/s3-object-name.html>

use jiff::Timestamp;
use rand::RngExt;

/// What a prefix without a time of its own is followed by.
const USUAL_TIME: &str = "yyyy/MM/dd/HH/";

/// A prefix that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prefix {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Letters of a date as Java's `DateTimeFormatter` has them.
    Time(Vec<Field>),
    RandomString,
    ErrorOutputType,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Field {
    Text(String),
    /// A conversion of `strftime`.
    Time(&'static str),
}

impl Prefix {
    /// Reads a prefix. The error names what is not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("!{") {
            push_text(&mut parts, &rest[..start]);
            let expression = &rest[start + 2..];
            let end = expression.find('}').ok_or_else(|| format!("The expression {} has no end", &rest[start..]))?;
            parts.push(expression_of(&expression[..end])?);
            rest = &expression[end + 1..];
        }
        push_text(&mut parts, rest);
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The prefix as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether there is any expression in it.
    pub fn has_expressions(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, Part::Text(_)))
    }

    /// Whether it says what kind of error led to an object.
    pub fn names_error_type(&self) -> bool {
        self.parts.contains(&Part::ErrorOutputType)
    }

    fn has_time(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Time(_)))
    }

    fn evaluate(&self, time: Timestamp) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Time(fields) => text.push_str(&written(fields, time)),
                Part::RandomString => text.push_str(&random_string()),
                // Nothing is delivered under an error prefix here: what S3 does not take is retried.
                Part::ErrorOutputType => {}
            }
        }
        text
    }
}

/// The key of an object whose oldest record arrived at `time`.
pub(super) fn object_key(
    prefix: Option<&Prefix>,
    name: &str,
    version: u64,
    time: Timestamp,
    extension: &str,
) -> String {
    let mut key = prefix.map(|prefix| prefix.evaluate(time)).unwrap_or_default();
    if !prefix.is_some_and(Prefix::has_time) {
        key.push_str(&fields_of(USUAL_TIME).map(|fields| written(&fields, time)).unwrap_or_default());
    }
    let at = time.strftime("%Y-%m-%d-%H-%M-%S");
    format!("{key}{name}-{version}-{at}-{}{extension}", uuid::Uuid::new_v4())
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

fn expression_of(expression: &str) -> Result<Part, String> {
    match expression.split_once(':') {
        Some(("timestamp", pattern)) => fields_of(pattern).map(Part::Time),
        Some(("firehose", "random-string")) => Ok(Part::RandomString),
        Some(("firehose", "error-output-type")) => Ok(Part::ErrorOutputType),
        _ => Err(format!("The embedded cloud does not support the expression !{{{expression}}} in a prefix")),
    }
}

fn fields_of(pattern: &str) -> Result<Vec<Field>, String> {
    let mut fields = Vec::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches(letter).len();
        if letter == '\'' {
            let end = rest[1..].find('\'').ok_or_else(|| format!("The pattern {pattern} has a quote without end"))?;
            let quoted = &rest[1..=end];
            fields.push(Field::Text(if quoted.is_empty() { "'" } else { quoted }.to_owned()));
            rest = &rest[end + 2..];
            continue;
        }
        if letter.is_ascii_alphabetic() {
            fields.push(Field::Time(conversion(letter, run).ok_or_else(|| {
                format!("The embedded cloud does not support {} in the time pattern {pattern}", &rest[..run])
            })?));
        } else {
            fields.push(Field::Text(rest[..run].to_owned()));
        }
        rest = &rest[run..];
    }
    Ok(fields)
}

fn conversion(letter: char, run: usize) -> Option<&'static str> {
    Some(match (letter, run) {
        ('y' | 'u' | 'Y', 4 | 1) => "%Y",
        ('y' | 'u' | 'Y', 2) => "%y",
        ('M' | 'L', 2) => "%m",
        ('M' | 'L', 1) => "%-m",
        ('M' | 'L', 3) => "%b",
        ('M' | 'L', 4) => "%B",
        ('d', 2) => "%d",
        ('d', 1) => "%-d",
        ('D', 3) => "%j",
        ('H', 2) => "%H",
        ('H', 1) => "%-H",
        ('m', 2) => "%M",
        ('m', 1) => "%-M",
        ('s', 2) => "%S",
        ('s', 1) => "%-S",
        ('S', 3) => "%3f",
        ('E', 1..=3) => "%a",
        ('E', 4) => "%A",
        _ => return None,
    })
}

fn written(fields: &[Field], time: Timestamp) -> String {
    fields
        .iter()
        .map(|field| match field {
            Field::Text(text) => text.clone(),
            Field::Time(conversion) => time.strftime(conversion).to_string(),
        })
        .collect()
}

fn random_string() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = rand::rng();
    (0..11).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn time() -> Timestamp {
        "2026-03-09T07:05:04.012Z".parse().unwrap()
    }

    fn without_uuid(key: &str) -> String {
        let end = key.find("-07-05-04-").unwrap() + "-07-05-04-".len();
        let uuid = &key[end..end + 36];
        assert!(uuid.parse::<uuid::Uuid>().is_ok(), "{key}");
        key.replacen(uuid, "UUID", 1)
    }

    #[rstest]
    #[case(None, "", "2026/03/09/07/d-1-2026-03-09-07-05-04-UUID")]
    #[case(Some("raw/"), "", "raw/2026/03/09/07/d-1-2026-03-09-07-05-04-UUID")]
    #[case(Some("y=!{timestamp:yyyy}/m=!{timestamp:MM}/"), ".gz", "y=2026/m=03/d-1-2026-03-09-07-05-04-UUID.gz")]
    #[case(Some("!{timestamp:'at 'HH.mm.ss.SSS}/"), "", "at 07.05.04.012/d-1-2026-03-09-07-05-04-UUID")]
    fn keys_are_aws_keys(#[case] prefix: Option<&str>, #[case] extension: &str, #[case] expected: &str) {
        let prefix = prefix.map(|text| Prefix::parse(text).unwrap());
        let key = object_key(prefix.as_ref(), "d", 1, time(), extension);
        assert_eq!(without_uuid(&key), expected);
    }

    #[test]
    fn a_random_string_differs_from_object_to_object() {
        let prefix = Prefix::parse("!{firehose:random-string}/").unwrap();
        assert_ne!(prefix.evaluate(time()), prefix.evaluate(time()));
        assert_eq!(prefix.evaluate(time()).len(), 12);
    }

    #[rstest]
    #[case("!{partitionKeyFromQuery:customer}/")]
    #[case("!{timestamp:yyyy")]
    #[case("!{timestamp:QQ}/")]
    fn what_is_not_understood_is_refused(#[case] text: &str) {
        assert!(Prefix::parse(text).is_err());
    }
}
