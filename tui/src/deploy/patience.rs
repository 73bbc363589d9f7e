//! What is waited out: a throttled API, credentials that have ended, a network that is gone. It is
//! said once and tried again until it works; anything else ends the wait.

use std::time::{Duration, Instant};

use rand::RngExt;
use tokio::sync::mpsc::Sender;

use super::{DeployError, Progress, failure::Kind, note};

/// The longest wait between two tries.
const LONGEST: Duration = Duration::from_secs(20);
/// Below this pace the target is the embedded cloud, which is on this machine.
const NEAR: Duration = Duration::from_secs(1);
/// How many times in a row the embedded cloud may be out of reach before it is taken to have ended.
const NEAR_TRIES: u32 = 5;

/// How long nothing may work before the wait ends: longer than a laptop's nap or a lunch without a login.
const AT_MOST: Duration = Duration::from_hours(2);

/// Patience with calls that are made again and again.
pub struct Patience<'a> {
    pace: Duration,
    progress: &'a Sender<Progress>,
    failures: u32,
    /// When the first of the failures in a row was.
    since: Option<Instant>,
    said: Option<Kind>,
}

impl<'a> Patience<'a> {
    /// For calls at this pace.
    pub fn new(pace: Duration, progress: &'a Sender<Progress>) -> Self {
        Self { pace, progress, failures: 0, since: None, said: None }
    }

    /// A call worked.
    pub async fn relieved(&mut self) {
        self.failures = 0;
        self.since = None;
        if let Some(Kind::Expired | Kind::Credentials | Kind::Network | Kind::Clock) = self.said.take() {
            note(self.progress, "AWS answers again.".to_owned()).await;
        }
    }

    /// A call failed: waits before the next one, or gives the error back where waiting cannot help.
    pub async fn bear(&mut self, error: DeployError) -> Result<(), DeployError> {
        let explained = error.explained();
        let Some(explained) = explained.filter(|explained| self.can_pass(explained.kind)) else { return Err(error) };
        if self.since.get_or_insert_with(Instant::now).elapsed() > AT_MOST {
            return Err(error);
        }
        self.failures += 1;
        let words = match explained.kind {
            // Too many calls are nothing to act on: it goes slower by itself.
            Kind::Throttled => None,
            Kind::Expired | Kind::Credentials => Some(format!(
                "{error}. The operation goes on by itself. Log in again in another terminal (`aws sso login`): this \
                 one goes on by itself then"
            )),
            _ => Some(format!("{error}. The operation goes on by itself; trying until there is an answer")),
        };
        if let Some(words) = words.filter(|_| self.said != Some(explained.kind)) {
            note(self.progress, format!("{words}.")).await;
        }
        self.said = Some(explained.kind);
        tokio::time::sleep(self.pause()).await;
        Ok(())
    }

    fn can_pass(&self, kind: Kind) -> bool {
        match kind {
            Kind::Throttled => true,
            Kind::Network | Kind::Expired | Kind::Credentials | Kind::Clock => {
                self.pace >= NEAR || self.failures < NEAR_TRIES
            }
            _ => false,
        }
    }

    /// Twice as long each time, and never twice the same, so that two who were refused together do
    /// not come back together.
    fn pause(&self) -> Duration {
        let doubled = self.pace.saturating_mul(1 << self.failures.min(6)).min(LONGEST.max(self.pace));
        doubled.mul_f64(rand::rng().random_range(0.5..1.0))
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    fn failed(answer: &str) -> DeployError {
        DeployError::Call { tried: "read the events of stack demo".into(), answer: answer.into() }
    }

    #[tokio::test]
    async fn what_passes_is_said_once_and_waited_out() {
        let (progress, mut told) = mpsc::channel(8);
        let mut patience = Patience::new(Duration::from_millis(1), &progress);
        for _ in 0..2 {
            patience.bear(failed("Throttling: Rate exceeded")).await.expect("borne");
        }
        for _ in 0..2 {
            patience
                .bear(failed("ExpiredToken: The security token included in the request is expired"))
                .await
                .expect("borne");
        }
        patience.relieved().await;
        patience.bear(failed("ValidationError: Stack [demo] does not exist")).await.expect_err("it cannot pass");
        drop(progress);
        let mut notes = Vec::new();
        while let Some(Progress::Note(text)) = told.recv().await {
            notes.push(text);
        }
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(notes[0].contains("aws sso login") && notes[0].contains("ExpiredToken"), "{notes:?}");
        assert_eq!(notes[1], "AWS answers again.");
    }

    #[test]
    fn each_wait_is_longer_up_to_a_limit() {
        let (progress, _told) = mpsc::channel(1);
        let mut patience = Patience::new(Duration::from_secs(2), &progress);
        patience.failures = 1;
        assert!(patience.pause() >= Duration::from_secs(2));
        patience.failures = 30;
        assert!(patience.pause() <= LONGEST && patience.pause() >= LONGEST / 2);
    }
}
