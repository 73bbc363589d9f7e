//! How often AWS may be asked, in one place: the figures, and what holds them.
//!
//! A call takes its place before its request leaves, whoever makes it, so several readers of one
//! source and the SDK's own retries share what there is. On the embedded cloud calls cost nothing
//! and are only counted.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rand::RngExt;

use super::Time;

/// Over this long it is counted what was used and what is left.
pub const BUDGET_WINDOW: Duration = Duration::from_secs(10);

/// What has a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Budgeted {
    /// `GetRecords`, for each shard. Kinesis answers five a second of a shard, to all its readers
    /// together; Firehose takes one of them (Kinesis Data Streams quotas).
    Records,
    /// `FilterLogEvents`, in all: CloudWatch Logs answers five a second for an account and region in
    /// some regions (CloudWatch Logs quotas), and others want to read, too.
    Logs,
    /// `ListObjectsV2`: each costs as much as a put.
    Objects,
    /// `DescribeStackEvents` and `DescribeEvents`, which CloudFormation throttles early.
    Stack,
}

impl Budgeted {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Records, Self::Logs, Self::Objects, Self::Stack];

    /// What to call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Logs => "logs",
            Self::Objects => "objects",
            Self::Stack => "stack events",
        }
    }

    /// The service and the operation that it is for, as they are recorded.
    pub const fn call(self) -> (&'static str, &'static str) {
        match self {
            Self::Records => ("Kinesis", "GetRecords"),
            Self::Logs => ("CloudWatch Logs", "FilterLogEvents"),
            Self::Objects => ("S3", "ListObjectsV2"),
            Self::Stack => ("CloudFormation", "DescribeStackEvents"),
        }
    }

    /// The budget that a call belongs to.
    pub(super) fn of(service: &str, operation: &str) -> Option<Self> {
        match (service, operation) {
            ("Kinesis", "GetRecords") => Some(Self::Records),
            ("CloudWatch Logs", "FilterLogEvents") => Some(Self::Logs),
            ("S3", "ListObjectsV2") => Some(Self::Objects),
            ("CloudFormation", "DescribeStackEvents" | "DescribeEvents") => Some(Self::Stack),
            _ => None,
        }
    }

    /// The least and the most time between two calls on AWS; in between by chance, so that many
    /// readers don't come at once.
    const fn spacing(self) -> (Duration, Duration) {
        match self {
            Self::Records | Self::Logs => (Duration::from_millis(500), Duration::from_millis(500)),
            Self::Objects => (Duration::from_secs(2), Duration::from_secs(2)),
            Self::Stack => (Duration::from_secs(2), Duration::from_secs(3)),
        }
    }
}

/// How a budget stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetState {
    /// Which.
    pub of: Budgeted,
    /// Calls within [`BUDGET_WINDOW`].
    pub used: u64,
    /// Calls that are allowed within it; `None`: as many as one likes.
    pub allowed: Option<u64>,
}

impl BudgetState {
    /// Calls that are left within the window.
    pub fn left(&self) -> Option<u64> {
        self.allowed.map(|allowed| allowed.saturating_sub(self.used))
    }
}

/// Holds the budgets of a target.
#[derive(Debug)]
pub(super) struct Budget {
    time: Time,
    held: bool,
    places: Mutex<HashMap<(Budgeted, String), Places>>,
}

/// The places of one budget.
#[derive(Debug, Default)]
struct Places {
    next: Option<Instant>,
    taken: VecDeque<Instant>,
}

impl Budget {
    /// A budget that is held, or only counted.
    pub(super) fn new(time: Time, held: bool) -> Self {
        Self { time, held, places: Mutex::default() }
    }

    /// Takes a place and waits for it; says how long that took. `key` tells what has a budget of its
    /// own apart: the shard.
    pub(super) async fn spend(&self, of: Budgeted, key: &str) -> Duration {
        let now = self.time.now();
        let place = self.take(of, key, now);
        if place > now {
            self.time.sleep_until(place).await;
        }
        self.time.now().saturating_duration_since(now)
    }

    fn take(&self, of: Budgeted, key: &str, now: Instant) -> Instant {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let places = places.entry((of, key.to_owned())).or_default();
        let place = places.next.filter(|_| self.held).map_or(now, |next| next.max(now));
        let (least, most) = of.spacing();
        places.next = Some(place + rand::rng().random_range(least..=most));
        places.taken.push_back(place);
        while places.taken.pop_front_if(|taken| *taken + BUDGET_WINDOW <= now).is_some() {}
        place
    }

    /// How all of them stand.
    pub(super) fn state(&self) -> Vec<BudgetState> {
        let now = self.time.now();
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        Budgeted::ALL
            .into_iter()
            .map(|of| {
                let own = || places.iter().filter(move |((kind, _), _)| *kind == of).map(|(_, places)| places);
                let recent = |taken: &&Instant| **taken <= now && **taken + BUDGET_WINDOW > now;
                let used = own().map(|places| places.taken.iter().filter(recent).count() as u64).sum();
                let one = BUDGET_WINDOW.as_millis() / of.spacing().0.as_millis();
                let keys = own().filter(|places| places.taken.iter().any(|taken| recent(&taken))).count().max(1);
                BudgetState {
                    of,
                    used,
                    allowed: self.held.then(|| u64::try_from(one).unwrap_or_default() * keys as u64),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Moved;

    #[tokio::test]
    async fn calls_keep_their_distance_and_shards_have_their_own() {
        let (moved, time) = Moved::new();
        let budget = Budget::new(time, true);
        let began = moved.now();
        let places: Vec<Duration> = (0..4).map(|_| budget.take(Budgeted::Records, "0", began) - began).collect();
        assert_eq!(places, [0, 500, 1_000, 1_500].map(Duration::from_millis));
        assert_eq!(budget.take(Budgeted::Records, "1", began), began);
        for _ in 0..50 {
            budget.take(Budgeted::Stack, "", began);
        }
        let places = budget.places.lock().expect("places");
        let taken = &places[&(Budgeted::Stack, String::new())].taken;
        let apart: Vec<Duration> = taken.iter().zip(taken.iter().skip(1)).map(|(a, b)| *b - *a).collect();
        assert!(apart.iter().all(|apart| (2.0..=3.0).contains(&apart.as_secs_f64())), "{apart:?}");
        assert!(apart.windows(2).any(|two| two[0] != two[1]), "by chance");
    }

    #[tokio::test]
    async fn what_is_left_can_be_asked() {
        let (moved, time) = Moved::new();
        let budget = Budget::new(time, true);
        let of = |kind: Budgeted| budget.state().into_iter().find(|state| state.of == kind).expect("a state");
        assert_eq!((of(Budgeted::Records).used, of(Budgeted::Records).allowed), (0, Some(20)));
        budget.spend(Budgeted::Objects, "").await;
        assert_eq!((of(Budgeted::Objects).used, of(Budgeted::Objects).allowed), (1, Some(5)));
        moved.pass(BUDGET_WINDOW).await;
        assert_eq!(of(Budgeted::Objects).used, 0);
    }

    #[tokio::test]
    async fn nothing_waits_where_calls_cost_nothing() {
        let (moved, time) = Moved::new();
        let budget = Budget::new(time, false);
        for _ in 0..5 {
            budget.spend(Budgeted::Stack, "").await;
        }
        assert_eq!(moved.passed(), Duration::ZERO);
        let state = budget.state();
        assert!(state.iter().any(|state| state.of == Budgeted::Stack && state.used == 5 && state.allowed.is_none()));
    }
}
