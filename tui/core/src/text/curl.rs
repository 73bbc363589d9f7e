//! A `curl` command as a request, and a request as a `curl` command.

/// Headers whose values are never shown unless asked for.
const SECRET_HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "x-api-key", "x-amz-security-token", "x-auth-token"];

/// A request, as a `curl` command makes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Curl {
    /// `POST` where it carries a body and names none, else `GET`.
    pub method: String,
    /// The host with its port; empty where the command names none.
    pub host: String,
    /// The path with its query.
    pub path: String,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<String>,
}

/// Whether a text is a `curl` command.
pub fn is_curl(text: &str) -> bool {
    bare(text).strip_prefix("curl").is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

/// The command without the prompt it may have been copied with.
fn bare(text: &str) -> &str {
    let text = text.trim_start();
    text.strip_prefix("$ ").unwrap_or(text).trim_start()
}

/// Whether a header's value is a secret.
pub fn is_secret(header: &str) -> bool {
    SECRET_HEADERS.iter().any(|secret| secret.eq_ignore_ascii_case(header))
}

/// A header's value as it may be shown: `Bearer ***`.
pub fn shown_value(header: &str, value: &str) -> String {
    match value.split_once(' ') {
        _ if !is_secret(header) => value.to_owned(),
        Some((scheme, _)) if scheme.chars().all(char::is_alphabetic) => format!("{scheme} ***"),
        _ => "***".to_owned(),
    }
}

/// What an option takes.
enum Takes {
    Method,
    Header,
    Data {
        joined_by: &'static str,
        reads_files: bool,
        json: bool,
    },
    HeaderNamed(&'static str),
    Url,
    /// Says nothing of the request.
    Skipped,
    /// Like that, and has a value.
    SkippedValue,
    /// Cannot be taken over, and why.
    Refused(&'static str),
}

fn takes(option: &str) -> Option<Takes> {
    Some(match option {
        "-X" | "--request" => Takes::Method,
        "-H" | "--header" => Takes::Header,
        "-d" | "--data" | "--data-ascii" | "--data-binary" => {
            Takes::Data { joined_by: "&", reads_files: true, json: false }
        }
        "--data-raw" => Takes::Data { joined_by: "&", reads_files: false, json: false },
        "--json" => Takes::Data { joined_by: "", reads_files: true, json: true },
        "-A" | "--user-agent" => Takes::HeaderNamed("User-Agent"),
        "-e" | "--referer" => Takes::HeaderNamed("Referer"),
        "-b" | "--cookie" => Takes::HeaderNamed("Cookie"),
        "--url" => Takes::Url,
        "-s" | "--silent" | "-S" | "--show-error" | "-v" | "--verbose" | "-i" | "--include" | "-L" | "--location"
        | "-k" | "--insecure" | "-f" | "--fail" | "--fail-with-body" | "-g" | "--globoff" | "-N" | "--no-buffer"
        | "-#" | "--progress-bar" | "--compressed" | "--http1.1" | "--http2" | "-4" | "-6" => Takes::Skipped,
        "-o" | "--output" | "-w" | "--write-out" | "-m" | "--max-time" | "--connect-timeout" | "--retry"
        | "--retry-delay" | "-x" | "--proxy" | "--cacert" | "--resolve" | "--aws-sigv4" => Takes::SkippedValue,
        "-u" | "--user" => Takes::Refused(
            "names a user with a password, which is not taken over: a signed request is signed with your AWS credentials, \
             and a token goes into -H 'Authorization: Bearer …'",
        ),
        "-F" | "--form" | "--form-string" => {
            Takes::Refused("sends a form in parts: the function takes JSON. Give the JSON with -d")
        }
        "--data-urlencode" => Takes::Refused("encodes its value as a form does: give the JSON with -d"),
        "-T" | "--upload-file" => Takes::Refused("sends a file: paste what is in it"),
        "-E" | "--cert" | "--key" => {
            Takes::Refused("proves who one is by a certificate, which an HTTP API does not ask for")
        }
        "-K" | "--config" => Takes::Refused("reads further options from a file"),
        "-G" | "--get" => Takes::Refused("puts the data into the address: the API takes a body"),
        "-I" | "--head" => Takes::Refused("asks for headers alone: events are posted"),
        _ => return None,
    })
}

/// Reads a `curl` command; an error says what of it cannot be taken over, and why.
pub fn parse(text: &str) -> Result<Curl, String> {
    let text = bare(text).replace("\r\n", "\n");
    if text.contains(" $'") {
        return Err("The command quotes with $'…', which only some shells read: quote with '…' instead.".to_owned());
    }
    let words = shell_words::split(&text).map_err(|_| "The command has a quote that is never closed.".to_owned())?;
    let mut reading = Reading::default();
    let mut words = words.into_iter().skip(1);
    while let Some(word) = words.next() {
        if word == "--" || !word.starts_with('-') || word == "-" {
            if word != "--" {
                reading.url(&word)?;
            }
            continue;
        }
        let mut rest = word;
        // `-sSXPOST`: short options in one word, the last with its value.
        loop {
            let (option, attached, more) = split(&rest);
            let Some(takes) = takes(&option) else {
                return Err(format!("curl's option {option} is not known here: leave it out."));
            };
            if let Takes::Skipped = takes {
                match more {
                    Some(next) => {
                        rest = next;
                        continue;
                    }
                    None => break,
                }
            }
            if let Takes::Refused(why) = takes {
                return Err(format!("curl's option {option} {why}."));
            }
            let value = attached.or_else(|| words.next());
            let value = value.ok_or_else(|| format!("curl's option {option} lacks its value."))?;
            reading.take(&option, &takes, value)?;
            break;
        }
    }
    reading.done()
}

/// An option, the value that is attached to it, and the short options after it in the same word.
fn split(word: &str) -> (String, Option<String>, Option<String>) {
    if word.starts_with("--") {
        return match word.split_once('=') {
            Some((option, value)) => (option.to_owned(), Some(value.to_owned()), None),
            None => (word.to_owned(), None, None),
        };
    }
    let mut letters = word.chars();
    letters.next();
    let option: String = ['-'].into_iter().chain(letters.next()).collect();
    let rest = letters.as_str();
    let attached = (!rest.is_empty()).then(|| rest.to_owned());
    (option, attached, (!rest.is_empty()).then(|| format!("-{rest}")))
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    method: Option<String>,
    url: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    json: bool,
}

impl Reading {
    fn url(&mut self, url: &str) -> Result<(), String> {
        if self.url.replace(url.to_owned()).is_some() {
            return Err("The command has two addresses: one event goes to one.".to_owned());
        }
        Ok(())
    }

    fn take(&mut self, option: &str, takes: &Takes, value: String) -> Result<(), String> {
        match takes {
            Takes::Method => self.method = Some(value.to_uppercase()),
            Takes::Url => return self.url(&value),
            Takes::HeaderNamed(name) => self.headers.push(((*name).to_owned(), value)),
            Takes::Header => {
                if value.starts_with('@') {
                    return Err(format!("curl's option {option} {value} reads headers from a file: paste them."));
                }
                let Some((name, value)) = value.split_once(':') else {
                    return Err(format!("{value} is no header: NAME: VALUE."));
                };
                self.headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            Takes::Data { joined_by, reads_files, json } => {
                if *reads_files && value.starts_with('@') {
                    return Err(format!("curl's option {option} {value} reads a file: paste what is in it instead."));
                }
                self.json |= *json;
                match &mut self.body {
                    Some(body) => {
                        body.push_str(joined_by);
                        body.push_str(&value);
                    }
                    None => self.body = Some(value),
                }
            }
            Takes::Skipped | Takes::SkippedValue | Takes::Refused(_) => {}
        }
        Ok(())
    }

    fn done(mut self) -> Result<Curl, String> {
        let Some(url) = self.url else { return Err("The command has no address.".to_owned()) };
        let bare = url.split_once("://").map_or(url.as_str(), |(_, bare)| bare);
        let end = bare.find(['/', '?']).unwrap_or(bare.len());
        let (host, path) = bare.split_at(end);
        let path = path.split('#').next().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let has = |name: &str| self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if self.body.is_some() && !has("content-type") {
            // What curl itself says of a body without more.
            let of_curl = if self.json { "application/json" } else { "application/x-www-form-urlencoded" };
            self.headers.push(("Content-Type".to_owned(), of_curl.to_owned()));
        }
        // The client's own.
        self.headers.retain(|(name, _)| !["host", "content-length"].iter().any(|own| own.eq_ignore_ascii_case(name)));
        let usual = if self.body.is_some() { "POST" } else { "GET" };
        Ok(Curl {
            method: self.method.unwrap_or_else(|| usual.to_owned()),
            host: host.rsplit('@').next().unwrap_or_default().to_owned(),
            path,
            headers: self.headers,
            body: self.body,
        })
    }
}

/// The command that makes a request to an address; secrets are masked unless they are asked for.
/// `further` are words that are quoted already.
pub fn write(
    url: &str,
    method: &str,
    headers: &[(String, String)],
    body: &str,
    further: &str,
    secrets: bool,
) -> String {
    let mut words = vec!["curl".to_owned()];
    if method != "POST" {
        words.extend(["-X".to_owned(), shell_words::quote(method).into_owned()]);
    }
    words.push(shell_words::quote(url).into_owned());
    for (name, value) in headers {
        let value = if secrets { value.clone() } else { shown_value(name, value) };
        // curl takes a header away where it has no value.
        let header = if value.is_empty() { format!("{name}:") } else { format!("{name}: {value}") };
        words.extend(["-H".to_owned(), shell_words::quote(&header).into_owned()]);
    }
    if !further.is_empty() {
        words.push(further.to_owned());
    }
    words.extend(["--data-raw".to_owned(), shell_words::quote(body).into_owned()]);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(curl: &Curl) -> Vec<String> {
        curl.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
    }

    #[test]
    fn a_command_as_the_readme_has_it() {
        let curl = parse(
            "$ curl -X POST http://127.0.0.1:3000/submit?a=1 \\\r\n  -H \"Content-Type: application/json\" \\\n  -d '{\"event\": \"sign up\"}'",
        )
        .unwrap();
        assert_eq!(
            (curl.method.as_str(), curl.host.as_str(), curl.path.as_str()),
            ("POST", "127.0.0.1:3000", "/submit?a=1")
        );
        assert_eq!(headers(&curl), ["Content-Type: application/json"]);
        assert_eq!(curl.body.as_deref(), Some("{\"event\": \"sign up\"}"));
    }

    #[test]
    fn options_in_one_word_and_values_attached() {
        let curl = parse("curl -sSXput -H'X-A:b' --data-raw='@x' https://h").unwrap();
        assert_eq!((curl.method.as_str(), curl.path.as_str()), ("PUT", "/"));
        assert_eq!(curl.body.as_deref(), Some("@x"));
        assert_eq!(headers(&curl), ["X-A: b", "Content-Type: application/x-www-form-urlencoded"]);
    }

    #[test]
    fn data_is_joined_as_curl_joins_it() {
        assert_eq!(parse("curl h -d a=1 -d b=2").unwrap().body.as_deref(), Some("a=1&b=2"));
        let json = parse("curl h --json '{\"a\":' --json '1}'").unwrap();
        assert_eq!(json.body.as_deref(), Some("{\"a\":1}"));
        assert_eq!(headers(&json), ["Content-Type: application/json"]);
        assert_eq!(parse("curl h/x").unwrap().method, "GET");
    }

    #[test]
    fn what_cannot_be_taken_over_says_why() {
        for (command, why) in [
            ("curl h -d @body.json", "@body.json reads a file"),
            ("curl h -u me:secret", "names a user with a password"),
            ("curl h -F a=b", "in parts"),
            ("curl h --frobnicate", "--frobnicate is not known"),
            ("curl h -d", "lacks its value"),
            ("curl -d '{}", "never closed"),
            ("curl -d x", "no address"),
            ("curl a b", "two addresses"),
            ("curl h -H nothing", "no header"),
            ("curl h -d $'a'", "$'…'"),
        ] {
            let error = parse(command).unwrap_err();
            assert!(error.contains(why) && !error.contains("secret"), "{command}: {error}");
        }
        assert!(is_curl("  curl x") && is_curl("$ curl x") && !is_curl("curly x") && !is_curl("{\"curl\": 1}"));
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let given =
            [("Content-Type".to_owned(), "text/plain".to_owned()), ("X-It".to_owned(), "it's $HOME".to_owned())];
        let body = "{\"a\": \"it's\n$(x) `y` é\"}";
        let command = write("https://h/submit?x=a b", "PUT", &given, body, "", false);
        let curl = parse(&command).unwrap();
        assert_eq!(
            (curl.method.as_str(), curl.path.as_str(), curl.body.as_deref()),
            ("PUT", "/submit?x=a b", Some(body))
        );
        assert_eq!(curl.headers, given);
    }

    #[test]
    fn secrets_are_masked_unless_asked_for() {
        let given =
            [("Authorization".to_owned(), "Bearer abc.def".to_owned()), ("X-Api-Key".to_owned(), "k".to_owned())];
        let masked = write("h", "POST", &given, "", "", false);
        assert!(
            masked.contains("'Authorization: Bearer ***'")
                && !masked.contains("abc")
                && masked.contains("X-Api-Key: ***")
        );
        assert!(write("h", "POST", &given, "", "", true).contains("Bearer abc.def"));
    }
}
