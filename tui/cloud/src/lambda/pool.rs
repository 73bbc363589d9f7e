//! The execution environments of one function that wait for work, and how many invocations run.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::environment::Job;

/// An environment that can take an invocation.
#[derive(Debug)]
pub(super) struct Seat {
    /// Unique within the pool.
    pub id: u64,
    /// What it runs: it takes work only while this is the pool's.
    pub generation: u64,
    pub jobs: mpsc::Sender<Job>,
    /// Ends the environment.
    pub retire: CancellationToken,
}

/// The environments of one function.
#[derive(Debug, Default)]
pub(super) struct Pool {
    state: Mutex<State>,
    next_id: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    generation: u64,
    /// The last one that finished is last: the warmest goes first, so that the others grow old.
    idle: Vec<(Seat, Instant)>,
    running: u32,
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What new environments are to run.
    pub fn generation(&self) -> u64 {
        self.state().generation
    }

    /// A number for a new environment.
    pub fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes the environment that was used last.
    pub fn take_idle(&self) -> Option<Seat> {
        self.state().idle.pop().map(|(seat, _)| seat)
    }

    /// Lets an environment wait for work; `false`: it is of an older generation, and must end.
    pub fn put_back(&self, seat: Seat) -> bool {
        let mut state = self.state();
        let current = seat.generation == state.generation;
        if current {
            state.idle.push((seat, Instant::now()));
        }
        current
    }

    /// Takes an environment out; `false`: it was taken for work before.
    pub fn remove(&self, id: u64) -> bool {
        let mut state = self.state();
        let before = state.idle.len();
        state.idle.retain(|(seat, _)| seat.id != id);
        state.idle.len() < before
    }

    /// Ends the environments that wait; those that work end after it. Code or settings changed.
    pub fn retire_all(&self) {
        let mut state = self.state();
        state.generation += 1;
        for (seat, _) in state.idle.drain(..) {
            seat.retire.cancel();
        }
    }

    /// Since when the environment has waited that waits longest.
    pub fn longest_idle(&self) -> Option<Instant> {
        self.state().idle.first().map(|(_, since)| *since)
    }

    /// Ends the environment that waits longest.
    pub fn retire_longest_idle(&self) {
        let mut state = self.state();
        if !state.idle.is_empty() {
            state.idle.remove(0).0.retire.cancel();
        }
    }

    /// Counts an invocation in, where fewer than `limit` run; it is counted out when what is given
    /// back is dropped.
    pub fn count_in(self: &std::sync::Arc<Self>, limit: Option<u32>) -> Option<Running> {
        let mut state = self.state();
        if limit.is_some_and(|limit| state.running >= limit) {
            return None;
        }
        state.running += 1;
        Some(Running(self.clone()))
    }
}

/// An invocation that is counted.
#[derive(Debug)]
pub(super) struct Running(std::sync::Arc<Pool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.state().running -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn seat(pool: &Pool) -> Seat {
        let retire = CancellationToken::new();
        Seat { id: pool.next_id(), generation: pool.generation(), jobs: mpsc::channel(1).0, retire }
    }

    #[test]
    fn the_environment_used_last_goes_first_and_the_one_waiting_longest_ends_first() {
        let pool = Pool::default();
        let (first, second) = (seat(&pool), seat(&pool));
        let ends = first.retire.clone();
        let last = second.id;
        assert!(pool.put_back(first) && pool.put_back(second));
        pool.retire_longest_idle();
        assert!(ends.is_cancelled());
        assert_eq!(pool.take_idle().map(|seat| seat.id), Some(last));
        assert!(pool.take_idle().is_none());
    }

    #[test]
    fn a_change_ends_those_that_wait_and_refuses_those_that_come_back() {
        let pool = Pool::default();
        let (waits, works) = (seat(&pool), seat(&pool));
        let ends = waits.retire.clone();
        assert!(pool.put_back(waits));
        pool.retire_all();
        assert!(ends.is_cancelled());
        assert!(!pool.put_back(works));
    }

    #[test]
    fn a_reservation_bounds_what_runs_at_once() {
        let pool = Arc::new(Pool::default());
        let one = pool.count_in(Some(1));
        assert!(one.is_some() && pool.count_in(Some(1)).is_none());
        drop(one);
        assert!(pool.count_in(Some(1)).is_some());
        assert!(pool.count_in(Some(0)).is_none());
    }
}
