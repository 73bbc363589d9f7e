//! What of the request differs from the usual one, so that one sees how refusals look: its method,
//! path and headers. And a `curl` command in, and out.

use super::{App, Effect, Pane, Row, Target};
use crate::{
    pipeline::AuthMode,
    text::{curl, safe::visible},
};

/// The header that is sent unless it is taken away or set to another value.
const USUAL_HEADER: (&str, &str) = ("Content-Type", "application/json");

/// What of a request differs from the usual one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestEdits {
    /// Another method than `POST`.
    pub method: Option<String>,
    /// Another path than the pipeline's, with its query.
    pub path: Option<String>,
    /// Headers beside the usual one, or in its place; one without a value is not sent.
    pub headers: Vec<(String, String)>,
}

impl RequestEdits {
    /// Whether the request is the usual one.
    pub const fn is_usual(&self) -> bool {
        self.method.is_none() && self.path.is_none() && self.headers.is_empty()
    }

    fn set_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        if !(name.eq_ignore_ascii_case(USUAL_HEADER.0) && value == USUAL_HEADER.1) {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
    }

    /// In words, secrets masked: `PUT /wrong · X-Trace: 1`.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        let line: Vec<&str> = [&self.method, &self.path].into_iter().flatten().map(String::as_str).collect();
        if !line.is_empty() {
            parts.push(line.join(" "));
        }
        parts.extend(self.headers.iter().map(|(name, value)| {
            if value.is_empty() { format!("no {name}") } else { format!("{name}: {}", curl::shown_value(name, value)) }
        }));
        visible(&parts.join(" · ")).into_owned()
    }

    /// Every header of the request.
    fn all_headers(&self) -> Vec<(String, String)> {
        let has_usual = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(USUAL_HEADER.0));
        let usual = (!has_usual).then(|| (USUAL_HEADER.0.to_owned(), USUAL_HEADER.1.to_owned()));
        usual.into_iter().chain(self.headers.iter().cloned()).collect()
    }
}

/// A method: letters, since nothing else names one.
fn method(text: &str) -> Result<String, String> {
    let is_one = !text.is_empty() && text.len() <= 20 && text.chars().all(|letter| letter.is_ascii_alphabetic());
    if is_one { Ok(text.to_uppercase()) } else { Err("A method is one word of letters, such as PUT.".to_owned()) }
}

fn path(text: &str) -> Result<String, String> {
    let is_one =
        text.starts_with('/') && !text.starts_with("//") && text.chars().all(|letter| letter.is_ascii_graphic());
    if is_one { Ok(text.to_owned()) } else { Err("A path begins with / and has no spaces, such as /wrong.".to_owned()) }
}

fn header(name: &str, value: &str) -> Result<(String, String), String> {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
    if name.is_empty() || !name.chars().all(is_of_name) {
        return Err("A header is NAME: VALUE, its name of letters, digits and hyphens.".to_owned());
    }
    if !value.chars().all(|letter| letter == ' ' || letter.is_ascii_graphic()) {
        return Err("A header's value is plain ASCII.".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

impl App {
    /// What of the request differs from the usual one.
    pub const fn request(&self) -> &RequestEdits {
        &self.request
    }

    /// `:method PUT`.
    pub(super) fn set_method(&mut self, text: &str) -> Result<Vec<Effect>, String> {
        let method = method(text.trim())?;
        self.request.method = (method != "POST").then_some(method);
        Ok(self.request_changed())
    }

    /// `:path /wrong`.
    pub(super) fn set_path(&mut self, text: &str) -> Result<Vec<Effect>, String> {
        let path = path(text.trim())?;
        self.request.path = (path != self.usual_path()).then_some(path);
        Ok(self.request_changed())
    }

    /// `:header NAME: VALUE`; without a value the header is not sent.
    pub(super) fn set_header(&mut self, text: &str) -> Result<Vec<Effect>, String> {
        let Some((name, value)) = text.split_once(':') else {
            return Err("A header is NAME: VALUE; NAME: alone leaves it out.".to_owned());
        };
        let (name, value) = header(name.trim(), value.trim())?;
        self.request.set_header(&name, &value);
        Ok(self.request_changed())
    }

    /// `:reset-request`.
    pub(super) fn reset_request(&mut self) -> Vec<Effect> {
        self.request = RequestEdits::default();
        self.request_changed()
    }

    fn request_changed(&mut self) -> Vec<Effect> {
        let words = if self.request.is_usual() {
            "The request is the usual one again: POST to the pipeline's own address, as JSON.".to_owned()
        } else {
            format!("The request differs: {}. :reset-request takes that back.", self.request.words())
        };
        self.say(words);
        Vec::new()
    }

    fn usual_path(&self) -> String {
        let url = self.deployment.ready().map_or("", |ready| ready.outputs.submit_url.as_str());
        let bare = url.split_once("://").map_or(url, |(_, bare)| bare);
        bare.find('/').map_or_else(|| "/submit".to_owned(), |at| bare[at..].to_owned())
    }

    /// A pasted `curl` command becomes body, headers, method and path; whether it was one.
    pub(super) fn take_curl(&mut self, text: &str) -> bool {
        if !curl::is_curl(text) {
            return false;
        }
        match self.request_of(text) {
            Err(why) => self.say(format!("The curl command was not taken over. {why}")),
            Ok((request, body, host)) => {
                self.focus_on(Pane::Send);
                if let Some(body) = body {
                    let now = self.now;
                    self.send.pasted(body, now);
                }
                self.request = request;
                let own = self.deployment.ready().is_some_and(|ready| ready.outputs.submit_url.contains(&host));
                let not_there = if own { String::new() } else { format!(", not to {}", visible(&host)) };
                self.say(format!("From curl, not sent yet: s sends it to this pipeline{not_there}."));
            }
        }
        true
    }

    fn request_of(&self, text: &str) -> Result<(RequestEdits, Option<String>, String), String> {
        let curl = curl::parse(text)?;
        let mut request = RequestEdits::default();
        let method = method(&curl.method)?;
        request.method = (method != "POST").then_some(method);
        let path = path(&curl.path)?;
        request.path = (path != self.usual_path()).then_some(path);
        for (name, value) in &curl.headers {
            let (name, value) = header(name, value)?;
            request.set_header(&name, &value);
        }
        Ok((request, curl.body, curl.host))
    }

    /// `:curl`, `:curl secrets`: copies the command that posts the same event. A whole `curl` command
    /// is taken over.
    pub(super) fn copy_curl(&mut self, text: &str) -> Result<Vec<Effect>, String> {
        let secrets = match text.trim() {
            "" => false,
            "secrets" => true,
            // The command line itself was typed or pasted.
            rest => {
                self.take_curl(&format!("curl {rest}"));
                return Ok(Vec::new());
            }
        };
        let Some(ready) = self.deployment.ready() else { return Err("The pipeline is not there yet.".to_owned()) };
        let mut url = ready.outputs.submit_url.clone();
        if let Some(path) = &self.request.path {
            url.truncate(url.len() - self.usual_path().len());
            url.push_str(path);
        }
        let chosen = self.pane(Pane::Send).selected().filter(|_| !self.pane(Pane::Send).following());
        let body = match chosen {
            Some((_, Row::Sent(sent))) => String::from_utf8_lossy(&sent.body).into_owned(),
            _ => self.send.filled().to_owned(),
        };
        let further = self.authorization();
        let method = self.request.method.as_deref().unwrap_or("POST");
        let command = curl::write(&url, method, &self.request.all_headers(), &body, &further, secrets);
        let masked = !secrets && self.request.headers.iter().any(|(name, _)| curl::is_secret(name));
        let masked = if masked { " Its token is masked; :curl secrets copies it too." } else { "" };
        self.say(format!("Copied a curl command that posts the same event, if the terminal takes it.{masked}"));
        Ok(vec![Effect::Copy(command)])
    }

    /// What a request proves who one is with, as words of a shell that hold no secret.
    fn authorization(&self) -> String {
        let own = self.request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let settings = &self.deployment.settings;
        match settings.auth_mode() {
            _ if own => String::new(),
            Some(AuthMode::Jwt) => "-H \"Authorization: Bearer $TAILWATER_BEARER\"".to_owned(),
            Some(AuthMode::Iam) if matches!(self.target, Target::Aws { .. } | Target::Local) => {
                let region = settings.region.as_deref().unwrap_or_default();
                format!(
                    "--aws-sigv4 {} --user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\" -H \"X-Amz-Security-Token: \
                     $AWS_SESSION_TOKEN\"",
                    shell_words::quote(&format!("aws:amz:{region}:execute-api"))
                )
            }
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_how_it_differs_and_no_secret() {
        let mut request = RequestEdits { method: Some("PUT".to_owned()), path: Some("/x".to_owned()), headers: vec![] };
        request.set_header("Authorization", "Bearer abc");
        request.set_header("content-type", "");
        assert_eq!(request.words(), "PUT /x · Authorization: Bearer *** · no content-type");
        request.set_header("Content-Type", "application/json");
        request.set_header("authorization", "Basic abc");
        assert_eq!(request.words(), "PUT /x · authorization: Basic ***");
        assert_eq!(request.all_headers()[0].1, "application/json");
    }

    #[test]
    fn what_would_break_a_request_is_refused() {
        for bad in ["", "PO ST", "P/T"] {
            assert!(method(bad).is_err(), "{bad}");
        }
        for bad in ["wrong", "//evil", "/a b", "/\u{1b}"] {
            assert!(path(bad).is_err(), "{bad}");
        }
        assert!(header("a b", "c").is_err() && header("a", "b\nc").is_err() && header("", "c").is_err());
        assert_eq!(header("X-A", "b c").unwrap(), ("X-A".to_owned(), "b c".to_owned()));
    }
}
