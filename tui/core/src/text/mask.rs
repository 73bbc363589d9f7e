//! Masking what a crowd, a recording or a ticket must not learn: account ids (in ARNs too),
//! credentials and tokens, host names and addresses.
//!
//! What is masked is found by its form, and by being known: whoever has the account's id or this
//! machine's name at hand adds it to the [`Mask`]. A false find costs a word, a missed one a secret:
//! where a form is in doubt it is masked. Addresses of this machine itself (`127.0.0.1`) and AWS's
//! public endpoints stay, since they tell nothing.

use std::{borrow::Cow, ops::Range};

/// What was masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Secret {
    /// Twelve digits.
    Account,
    /// An access key's id or a principal's.
    Key,
    /// A secret key, token, signature or password.
    Token,
    /// A host's name or address.
    Host,
}

impl Secret {
    /// What stands in its place.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Account => "‹account›",
            Self::Key => "‹key›",
            Self::Token => "‹token›",
            Self::Host => "‹host›",
        }
    }
}

/// Finds secrets by their form, and those that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mask {
    known: Vec<(String, Secret)>,
}

/// Shorter words are in too many others to be masked for being known.
const SHORTEST_KNOWN: usize = 4;

impl Mask {
    /// Finds by form alone.
    pub const fn new() -> Self {
        Self { known: Vec::new() }
    }

    /// Finds this word, too, wherever it stands. Too short ones, loopback and twelve zeros, the local
    /// cloud's account, are no secret.
    #[must_use]
    pub fn with(mut self, word: &str, secret: Secret) -> Self {
        let public = word.len() < SHORTEST_KNOWN || is_loopback(word) || is_public_endpoint(word);
        let zeros = secret == Secret::Account && word.bytes().all(|digit| digit == b'0');
        if !public && !zeros && !self.known.iter().any(|(known, _)| known == word) {
            self.known.push((word.to_owned(), secret));
            // A longer word may contain a shorter one.
            self.known.sort_by_key(|(known, _)| std::cmp::Reverse(known.len()));
        }
        self
    }

    /// The text with a word in place of each secret.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let spans = self.spans(text);
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut masked = String::with_capacity(text.len());
        let mut from = 0;
        for (span, secret) in spans {
            masked.push_str(&text[from..span.start]);
            masked.push_str(secret.word());
            from = span.end;
        }
        masked.push_str(&text[from..]);
        Cow::Owned(masked)
    }

    /// Where the secrets stand, in order and apart, as ranges of bytes at borders of characters.
    pub fn spans(&self, text: &str) -> Vec<(Range<usize>, Secret)> {
        let mut spans = Vec::new();
        for (word, secret) in &self.known {
            spans.extend(text.match_indices(word.as_str()).map(|(at, _)| (at..at + word.len(), *secret)));
        }
        named(text, &mut spans);
        words(text, &mut spans);
        accounts(text, &mut spans);
        spans.sort_by_key(|(span, _)| (span.start, std::cmp::Reverse(span.end)));
        let mut end = 0;
        spans.retain(|(span, _)| {
            let apart = span.start >= end;
            if apart {
                end = span.end;
            }
            apart
        });
        spans
    }

    /// Where the start, or the end, of a known word stands at the end, or the start, of a text that
    /// was cut there: what is left of a secret at the edge of a screen.
    pub fn cut_spans(&self, text: &str) -> Vec<(Range<usize>, Secret)> {
        let mut spans = Vec::new();
        for (word, secret) in &self.known {
            let borders = word.char_indices().map(|(at, _)| at).filter(|at| *at >= SHORTEST_KNOWN);
            if let Some(cut) = borders.clone().rfind(|at| text.ends_with(&word[..*at])) {
                spans.push((text.len() - cut..text.len(), *secret));
            }
            if let Some(cut) =
                borders.map(|at| &word[at..]).find(|rest| rest.len() >= SHORTEST_KNOWN && text.starts_with(rest))
            {
                spans.push((0..cut.len(), *secret));
            }
        }
        spans
    }
}

/// The text with a word in place of each secret that its form gives away.
pub fn mask(text: &str) -> Cow<'_, str> {
    Mask::new().text(text)
}

/// Names, in small letters and without `-` and `_`, whose values are secrets.
const NAMES: [&str; 24] = [
    "secretaccesskey",
    "awssecretaccesskey",
    "secretkey",
    "secret",
    "clientsecret",
    "sessiontoken",
    "awssessiontoken",
    "securitytoken",
    "xamzsecuritytoken",
    "xamzsignature",
    "xamzcredential",
    "signature",
    "credential",
    "password",
    "passwd",
    "passphrase",
    "privatekey",
    "apikey",
    "xapikey",
    "authorization",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "token",
];

/// Ways to prove who one is whose proof follows after a space.
const SCHEMES: [&str; 3] = ["bearer", "basic", "digest"];

/// `secretAccessKey: …`, `"password":"…"`, `X-Amz-Signature=…`, `Bearer …`.
fn named(text: &str, spans: &mut Vec<(Range<usize>, Secret)>) {
    for word in runs(text, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
        let name: String = text[word.clone()]
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        let value = if SCHEMES.contains(&name.as_str()) {
            let rest = &text[word.end..];
            let skipped = rest.len() - rest.trim_start_matches(' ').len();
            if skipped == 0 { None } else { value_at(text, word.end + skipped) }
        } else if NAMES.contains(&name.as_str()) {
            after_separator(text, word.end).and_then(|at| value_at(text, at))
        } else {
            None
        };
        let Some(value) = value else { continue };
        // What follows a scheme is found by the scheme; a signature of AWS names its own parts.
        let first = text[value.clone()].to_ascii_lowercase();
        if SCHEMES.contains(&first.as_str()) || first.starts_with("aws4-") {
            continue;
        }
        // A sentence that speaks of tokens names none.
        if SCHEMES.contains(&name.as_str()) && value.len() < 8 {
            continue;
        }
        spans.push((value, Secret::Token));
    }
}

/// Where the value begins behind `":"`, `=`, `: `.
fn after_separator(text: &str, from: usize) -> Option<usize> {
    let rest = text[from..].trim_start_matches(['\\', '"', '\'', ' ']);
    let rest = rest.strip_prefix([':', '='])?;
    let rest = rest.trim_start_matches(['\\', '"', '\'', ' ']);
    Some(text.len() - rest.len())
}

/// The value that begins there, if one does that is not masked yet.
fn value_at(text: &str, from: usize) -> Option<Range<usize>> {
    let rest = &text[from..];
    let end = rest
        .find(|letter: char| {
            letter.is_whitespace() || matches!(letter, '"' | '\'' | '\\' | ',' | ';' | '&' | '}' | ')' | ']')
        })
        .unwrap_or(rest.len());
    let plain =
        end > 0 && !rest.starts_with(['‹', '{', '[', '$', '•']) && !matches!(&rest[..end], "null" | "true" | "false");
    plain.then_some(from..from + end)
}

/// Secrets that are one word: keys, tokens, hosts.
fn words(text: &str, spans: &mut Vec<(Range<usize>, Secret)>) {
    for word in runs(text, |byte| byte.is_ascii_alphanumeric()) {
        if is_key_id(&text[word.clone()]) {
            spans.push((word, Secret::Key));
        }
    }
    for word in
        runs(text, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'=' | b'_' | b'-' | b'.'))
    {
        if is_token(&text[word.clone()]) {
            spans.push((word, Secret::Token));
        }
    }
    for word in runs(text, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+')) {
        if is_secret_key(&text[word.clone()]) {
            spans.push((word, Secret::Token));
        }
    }
    authorities(text, spans);
    for word in runs(text, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')) {
        // The full stop of a sentence is no part of a name.
        let trimmed = text[word.clone()].trim_matches(['.', '-']);
        let start = word.start + text[word.clone()].find(trimmed).unwrap_or(0);
        if is_host(trimmed) && !is_loopback(trimmed) && !is_public_endpoint(trimmed) {
            spans.push((start..start + trimmed.len(), Secret::Host));
        }
    }
    for word in runs(text, |byte| byte.is_ascii_hexdigit() || byte == b':') {
        let address = &text[word.clone()];
        let groups = address.split(':').count();
        let is_address = address.bytes().any(|byte| byte.is_ascii_hexdigit())
            && address.split(':').all(|group| group.len() <= 4)
            && groups <= 8
            && (groups == 8 || (groups > 2 && address.contains("::")));
        // Paths of some languages have double colons, too: what is longer than the word is none.
        let alone = !text[..word.start].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
            && !text[word.end..].starts_with(|letter: char| letter.is_alphanumeric() || letter == '_');
        if is_address && alone && address != "::1" {
            spans.push((word, Secret::Host));
        }
    }
}

/// `AKIA…`, `ASIA…`: an access key's id; `AROA…`, `AIDA…`: a principal's.
fn is_key_id(word: &str) -> bool {
    const PREFIXES: [&str; 9] = ["AKIA", "ASIA", "AROA", "AIDA", "AGPA", "AIPA", "ANPA", "ANVA", "ABIA"];
    (16..=128).contains(&word.len())
        && PREFIXES.iter().any(|prefix| word.starts_with(prefix))
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// A JSON Web Token, or a session token of AWS.
fn is_token(word: &str) -> bool {
    let jwt = word.starts_with("eyJ") && word.len() > 20 && word.matches('.').count() >= 2;
    let session = word.len() >= 100 && ["IQoJ", "FwoG", "FQoG"].iter().any(|start| word.starts_with(start));
    jwt || session
}

/// Forty letters, digits and signs of base64: the form of a secret access key. A hash in hexadecimal
/// digits is none.
fn is_secret_key(word: &str) -> bool {
    word.len() == 40
        && word.bytes().any(|byte| byte.is_ascii_uppercase())
        && word.bytes().any(|byte| byte.is_ascii_lowercase())
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && !word.bytes().all(|byte| byte.is_ascii_hexdigit())
        && word.split('/').count() <= 4
}

/// Whatever stands where a URL names a host.
fn authorities(text: &str, spans: &mut Vec<(Range<usize>, Secret)>) {
    for (at, _) in text.match_indices("://") {
        // A bucket is no host.
        if text[..at].ends_with("s3") {
            continue;
        }
        let from = at + "://".len();
        let rest = &text[from..];
        let end = rest
            .find(|letter: char| {
                letter.is_whitespace()
                    || matches!(letter, '/' | '?' | '#' | '"' | '\'' | '\\' | ')' | '>' | ',' | ';' | '…')
            })
            .unwrap_or(rest.len());
        let authority = &rest[..end];
        if let Some(sign) = authority.rfind('@') {
            spans.push((from..from + sign, Secret::Token));
        }
        let host_from = from + authority.rfind('@').map_or(0, |sign| sign + 1);
        let host = &text[host_from..from + end];
        let host = if host.starts_with('[') {
            &host[..host.find(']').map_or(host.len(), |close| close + 1)]
        } else {
            host.split(':').next().unwrap_or(host)
        };
        let public = is_loopback(host) || is_public_endpoint(host);
        if !host.is_empty() && !public && !host.starts_with(['‹', '{', '$', '•']) {
            spans.push((host_from..host_from + host.len(), Secret::Host));
        }
    }
}

/// The last parts of host names; not those that are the ends of files' names, too.
const DOMAINS: [&str; 24] = [
    "com",
    "net",
    "org",
    "io",
    "edu",
    "gov",
    "mil",
    "info",
    "biz",
    "dev",
    "app",
    "cloud",
    "aws",
    "ai",
    "internal",
    "local",
    "localdomain",
    "lan",
    "corp",
    "home",
    "intranet",
    "example",
    "arpa",
    "ch",
];

/// A name in a domain, or an address of four numbers.
fn is_host(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    let named = |part: &&str| !part.is_empty() && part.len() <= 63;
    if let Some(address) = word.strip_prefix("ip-")
        && address.split('-').count() == 4
        && address.split('-').all(is_byte)
    {
        return true;
    }
    if parts.len() < 2 || !parts.iter().all(named) {
        return false;
    }
    if parts.len() == 4 && parts.iter().all(|part| is_byte(part)) {
        return true;
    }
    let last = parts[parts.len() - 1].to_ascii_lowercase();
    let second = parts[parts.len() - 2].to_ascii_lowercase();
    let in_a_country = parts.len() >= 3
        && last.len() == 2
        && last.bytes().all(|byte| byte.is_ascii_alphabetic())
        && ["co", "com", "org", "net", "ac", "gov", "edu"].contains(&second.as_str());
    let letters = parts.iter().any(|part| part.bytes().any(|byte| byte.is_ascii_alphabetic()));
    letters && (DOMAINS.contains(&last.as_str()) || in_a_country)
}

fn is_byte(part: &str) -> bool {
    !part.is_empty() && part.len() <= 3 && part.parse::<u8>().is_ok()
}

/// This machine, whichever it is.
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host == "0.0.0.0"
        || host.trim_matches(['[', ']']) == "::1"
        || (host.starts_with("127.") && host.split('.').count() == 4 && host.split('.').all(is_byte))
}

/// `lambda.amazonaws.com`, `kinesis.ap-southeast-2.amazonaws.com`: everybody's.
fn is_public_endpoint(host: &str) -> bool {
    let Some(before) = host.strip_suffix(".amazonaws.com") else { return host == "amazonaws.com" };
    let mut parts = before.split('.');
    let service = parts.next().unwrap_or_default();
    let region = parts.next();
    let is_region =
        |region: &str| region.split('-').count() >= 3 && region.ends_with(|last: char| last.is_ascii_digit());
    !service.is_empty() && region.is_none_or(is_region) && parts.next().is_none()
}

/// Twelve digits that are no part of something longer.
fn accounts(text: &str, spans: &mut Vec<(Range<usize>, Secret)>) {
    for run in runs(text, |byte| byte.is_ascii_digit()) {
        if run.len() != 12 || text[run.clone()].bytes().all(|digit| digit == b'0') {
            continue;
        }
        let before = &text[..run.start];
        let after = &text[run.end..];
        let in_a_word = |letter: char| letter.is_alphanumeric();
        let in_a_fraction = before.ends_with('.')
            && before[..before.len() - 1].ends_with(|letter: char| letter.is_ascii_digit())
            || after.starts_with('.') && after[1..].starts_with(|letter: char| letter.is_ascii_digit());
        let within = before.ends_with(in_a_word) || after.starts_with(in_a_word) || in_a_fraction;
        if !within && !before.ends_with("shardId-") && !ends_a_uuid(text, &run) {
            spans.push((run, Secret::Account));
        }
    }
}

/// Whether these are the last twelve digits of `8-4-4-4-12`.
fn ends_a_uuid(text: &str, last: &Range<usize>) -> bool {
    let Some(start) = last.start.checked_sub(24).filter(|start| text.is_char_boundary(*start)) else { return false };
    let mut parts = text[start..last.start].split('-');
    [8, 4, 4, 4, 0].iter().all(|length| {
        parts.next().is_some_and(|part| part.len() == *length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}

/// The longest runs of such bytes; all of them ASCII.
fn runs(text: &str, of: impl Fn(u8) -> bool + Copy) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + bytes[from..].iter().position(|byte| of(*byte))?;
        let length = bytes[start..].iter().position(|byte| !of(*byte)).unwrap_or(bytes.len() - start);
        from = start + length;
        Some(start..from)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("arn:aws:iam::123456789012:role/OnCall", "arn:aws:iam::‹account›:role/OnCall")]
    #[case("account 123456789012.", "account ‹account›.")]
    #[case("s3://bucket-123456789012-ap-southeast-2/2026/11", "s3://bucket-‹account›-ap-southeast-2/2026/11")]
    #[case(r#"{"accountId":"123456789012"}"#, r#"{"accountId":"‹account›"}"#)]
    #[case("AKIAIOSFODNN7EXAMPLE and ASIAQ3EGABCDEFGHIJKL", "‹key› and ‹key›")]
    #[case("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = ‹token›")]
    #[case("found wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMP1EKEY here", "found ‹token› here")]
    #[case(
        r#"{"SecretAccessKey":"abc","SessionToken":"IQoJb3"}"#,
        r#"{"SecretAccessKey":"‹token›","SessionToken":"‹token›"}"#
    )]
    #[case(r#"{\"password\":\"hunter2\"}"#, r#"{\"password\":\"‹token›\"}"#)]
    #[case("Authorization: Bearer eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl", "Authorization: Bearer ‹token›")]
    #[case("authorization: Basic dXNlcjpwYXNz", "authorization: Basic ‹token›")]
    #[case("x-api-key: 12345678", "x-api-key: ‹token›")]
    #[case(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261124/x/aws4_request, Signature=0a1b2c",
        "AWS4-HMAC-SHA256 Credential=‹token›, Signature=‹token›"
    )]
    #[case("?X-Amz-Signature=abcdef&X-Amz-Date=1", "?X-Amz-Signature=‹token›&X-Amz-Date=1")]
    #[case("POST https://a1b2c3.execute-api.ap-southeast-2.amazonaws.com/submit", "POST https://‹host›/submit")]
    #[case("http://ministack:4566/health", "http://‹host›:4566/health")]
    #[case("https://user:pass@proxy.corp:3128", "https://‹token›@‹host›:3128")]
    #[case("dns error: db1.prod.internal, 10.0.3.17", "dns error: ‹host›, ‹host›")]
    #[case("alice@example.com said so.", "alice@‹host› said so.")]
    #[case("ip-10-0-3-17.ec2.internal", "‹host›")]
    #[case("from 2001:db8::17 port", "from ‹host› port")]
    #[case("www.shop.co.uk", "‹host›")]
    fn secrets_are_masked(#[case] text: &str, #[case] masked: &str) {
        assert_eq!(mask(text), masked);
    }

    #[rstest]
    #[case("http://127.0.0.1:3000/submit and localhost:4566, [::1]")]
    #[case("kinesis.ap-southeast-2.amazonaws.com, firehose.amazonaws.com")]
    #[case("shardId-000000000001 49660000000000000000000000000000000000000000000000008823")]
    #[case("91aa0c0e-1f2b-4c3d-8e9f-123456789012")]
    #[case("bucket-000000000000-ap-southeast-2")]
    #[case("template.yaml, app.rs, 14:02:07.118, 1795525327000, v1.2.3, ui::strip, 0.123456789012")]
    #[case("the token of a bearer is wanted: send one")]
    #[case(r#"{"token":null,"event":"signup","user_id":417}"#)]
    #[case("da39a3ee5e6b4b0d3255bfef95601890afd80709")]
    #[case("/aws/lambda/tailwater-function 2026/11/24/[$LATEST]0123456789abcdef")]
    fn what_is_no_secret_stays(#[case] text: &str) {
        assert_eq!(mask(text), text);
        assert!(matches!(mask(text), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_known_is_masked_wherever_it_stands() {
        let mask =
            Mask::new().with("123456789012", Secret::Account).with("buildbox", Secret::Host).with("ab", Secret::Host);
        assert_eq!(mask.text("x123456789012y on buildbox7, ab"), "x‹account›y on ‹host›7, ab");
        let zeros = Mask::new().with("000000000000", Secret::Account).with("127.0.0.1", Secret::Host);
        assert_eq!(zeros, Mask::new());
    }

    #[test]
    fn what_is_left_of_a_known_secret_at_an_edge_is_found() {
        let mask = Mask::new().with("123456789012", Secret::Account);
        assert_eq!(mask.cut_spans("arn:aws:iam::12345"), [(13..18, Secret::Account)]);
        assert_eq!(mask.cut_spans("6789012:role"), [(0..7, Secret::Account)]);
        assert!(mask.cut_spans("arn:aws:iam::123").is_empty());
    }

    proptest! {
        #[test]
        fn masking_twice_changes_nothing_more(text in "[ -~‹›é]{0,80}") {
            let once = mask(&text).into_owned();
            prop_assert_eq!(mask(&once).into_owned(), once.clone());
        }

        #[test]
        fn any_text_can_be_masked(text in any::<String>()) {
            let _ = mask(&text);
        }

        #[test]
        fn an_account_never_remains(before in "[ :/,\"-]{0,3}", account in "[1-9][0-9]{11}", after in "[ :/,\"]{0,3}") {
            let text = format!("{before}{account}{after}");
            prop_assert!(!mask(&text).contains(&account), "{}", text);
        }
    }
}
