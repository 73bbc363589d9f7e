//! Whether the endpoint answers, and what its clock says: one request without a signature, which
//! whoever answers refuses, with the date in its answer.

use std::time::{Duration, SystemTime};

use super::{PATIENCE, report::Check};
use crate::target::{CaBundle, causes};

/// AWS refuses a request whose time is further off (Signature Version 4: requests are good for five
/// minutes).
const REFUSED_FROM: Duration = Duration::from_mins(5);
/// Times on the screen would be visibly wrong from here on.
const NOTICED_FROM: Duration = Duration::from_mins(1);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The address that was asked.
    pub address: String,
    /// How long it took, or why nothing came.
    pub took: Result<Duration, String>,
    /// The server's clock minus this machine's.
    pub skew: Option<Skew>,
}

/// How far this machine's clock is off; whole seconds are all that an HTTP date tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skew {
    /// By how much.
    pub by: Duration,
    /// This machine's is ahead.
    pub ahead: bool,
}

impl Skew {
    /// Between the moment in the middle of a request and the date of its answer.
    fn between(here: SystemTime, there: SystemTime) -> Self {
        match here.duration_since(there) {
            Ok(by) => Self { by, ahead: true },
            Err(error) => Self { by: error.duration(), ahead: false },
        }
    }
}

/// Asks an address; every answer is an answer.
pub async fn ask(address: &str, ca_bundle: Option<&CaBundle>) -> Answer {
    let answer = |took, skew| Answer { address: address.to_owned(), took, skew };
    let mut builder = reqwest::Client::builder()
        .timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none());
    let loopback = reqwest::Url::parse(address).ok().and_then(|url| url.host_str().map(crate::target::is_loopback));
    if loopback == Some(true) {
        builder = builder.no_proxy();
    }
    if let Some(certificates) = ca_bundle.and_then(|bundle| bundle.certificates().ok()) {
        builder = builder.tls_certs_only(certificates);
    }
    let client = match builder.build() {
        Ok(client) => client,
        Err(error) => return answer(Err(causes(&error)), None),
    };
    let began = SystemTime::now();
    match client.get(address).send().await {
        Err(error) => answer(Err(causes(&error)), None),
        Ok(response) => {
            let took = began.elapsed().unwrap_or_default();
            let date = response.headers().get("date").and_then(|date| date.to_str().ok());
            let skew = date.and_then(http_date).map(|there| Skew::between(began + took / 2, there));
            answer(Ok(took), skew)
        }
    }
}

/// A date as HTTP writes it.
fn http_date(text: &str) -> Option<SystemTime> {
    let date = aws_smithy_types::DateTime::from_str(text, aws_smithy_types::date_time::Format::HttpDate).ok()?;
    SystemTime::try_from(date).ok()
}

/// Whether it answers, and whether the clocks agree.
pub fn checks(answer: &Answer) -> Vec<Check> {
    let reached = match &answer.took {
        Ok(took) => Check::good("endpoint", format!("{} answers in {} ms", answer.address, took.as_millis())),
        Err(error) => Check::bad(
            "endpoint",
            format!("{} does not answer: {error}", answer.address),
            format!("curl -v {}  # shows where it stops: name, proxy, or certificate", answer.address),
        ),
    };
    vec![reached, clock(answer.skew)]
}

fn clock(skew: Option<Skew>) -> Check {
    let Some(Skew { by, ahead }) = skew else {
        return Check::unknown("clock", "no answer told the time");
    };
    let direction = if ahead { "ahead of" } else { "behind" };
    let off = format!("this machine's clock is {} s {direction} the server's", by.as_secs());
    let fix = match std::env::consts::OS {
        "macos" => "sudo sntp -sS time.apple.com",
        _ => "sudo timedatectl set-ntp true",
    };
    if by >= REFUSED_FROM {
        Check::bad("clock", format!("{off}: AWS refuses requests that are 5 minutes off"), fix)
    } else if by >= NOTICED_FROM {
        Check::good("clock", format!("{off}: AWS still accepts that")).with_fix(fix)
    } else {
        Check::good("clock", "agrees with the server's")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skew(seconds: u64, ahead: bool) -> Check {
        clock(Some(Skew { by: Duration::from_secs(seconds), ahead }))
    }

    #[test]
    fn a_clock_that_is_five_minutes_off_fails() {
        assert_eq!(skew(2, true).ok, Some(true));
        assert!(skew(2, true).fix.is_none());
        assert_eq!((skew(90, false).ok, skew(90, false).fix.is_some()), (Some(true), true));
        for ahead in [true, false] {
            let check = skew(300, ahead);
            assert_eq!((check.ok, check.fix.is_some()), (Some(false), true));
        }
        assert_eq!(clock(None).ok, None);
    }

    #[test]
    fn the_date_of_an_answer_is_a_time() {
        // RFC 9110, section 5.6.7.
        let there = http_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("a date");
        let skew = Skew::between(there + Duration::from_secs(400), there);
        assert_eq!((skew.by.as_secs(), skew.ahead), (400, true));
    }

    #[tokio::test]
    async fn an_address_where_nobody_listens_fails() {
        // The port was free a moment ago and belongs to nobody.
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
        let checks = checks(&ask(&format!("http://{free}"), None).await);
        assert_eq!((checks[0].ok, checks[1].ok), (Some(false), None));
        assert!(checks[0].fix.as_deref().is_some_and(|fix| fix.starts_with("curl -v")));
    }
}
