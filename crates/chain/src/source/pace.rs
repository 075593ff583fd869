//! How fast a node is asked: so many questions at once, fewer when it groans,
//! and again after a while when it may yet answer.

use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{Kind, SourceError};

/// Bounds for talking to one node.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Questions under way at once.
    pub at_once_max: usize,
    /// How often one question is asked in all.
    pub tries_max: u32,
    /// The wait before the second try; each further one waits twice as long.
    pub wait: Duration,
    pub wait_max: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            at_once_max: 16,
            tries_max: 5,
            wait: Duration::from_millis(200),
            wait_max: Duration::from_secs(20),
        }
    }
}

/// Keeps to the limits. The number of questions at once is halved when the node
/// says it is asked too often, and grows by one with so many answers as there
/// may be questions (additive increase, multiplicative decrease, as in TCP).
pub struct Pace {
    limits: Limits,
    permits: Semaphore,
    state: Mutex<State>,
}

struct State {
    at_once: usize,
    /// Permits to take out of circulation as they come back.
    to_drop: usize,
    answers: usize,
    /// For jitter only.
    seed: u64,
}

impl Pace {
    pub fn new(limits: Limits) -> Pace {
        let at_once = limits.at_once_max.max(1);
        let seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
        Pace {
            limits,
            permits: Semaphore::new(at_once),
            state: Mutex::new(State { at_once, to_drop: 0, answers: 0, seed }),
        }
    }

    /// Asks until it is answered, refused, or asked often enough.
    pub async fn ask<T, F>(&self, mut question: impl FnMut() -> F) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, SourceError>>,
    {
        let mut tried = 0;
        loop {
            let permit =
                self.permits.acquire().await.expect("the semaphore lives as long as the pace");
            let answer = question().await;
            if self.settle(&answer) {
                permit.forget();
            } else {
                drop(permit);
            }
            tried += 1;
            match answer {
                Err(error) if error.is_transient() && tried < self.limits.tries_max => {
                    tokio::time::sleep(self.wait(tried, &error)).await;
                }
                answer => return answer,
            }
        }
    }

    /// How many questions may be under way now.
    pub fn at_once(&self) -> usize {
        self.state().at_once
    }

    /// Learns from an answer. Is this question's permit to be dropped?
    fn settle<T>(&self, answer: &Result<T, SourceError>) -> bool {
        let mut state = self.state();
        match answer {
            Ok(_) => {
                state.answers += 1;
                if state.answers >= state.at_once && state.at_once < self.limits.at_once_max {
                    state.answers = 0;
                    state.at_once += 1;
                    match state.to_drop {
                        0 => self.permits.add_permits(1),
                        _ => state.to_drop -= 1,
                    }
                }
            }
            Err(error) if matches!(error.kind, Kind::RateLimited { .. }) => {
                let fewer = (state.at_once / 2).max(1);
                state.to_drop += state.at_once - fewer;
                state.at_once = fewer;
                state.answers = 0;
            }
            Err(_) => {}
        }
        let is_dropped = state.to_drop > 0;
        state.to_drop -= usize::from(is_dropped);
        is_dropped
    }

    /// Twice as long each time, a random part of it, so that many do not come
    /// back at one moment; or what the node asked for.
    fn wait(&self, tried: u32, error: &SourceError) -> Duration {
        if let Kind::RateLimited { after: Some(after) } = error.kind {
            return after.min(self.limits.wait_max);
        }
        let wait = self.limits.wait.saturating_mul(1 << (tried - 1).min(16));
        let wait = wait.min(self.limits.wait_max);
        let mut state = self.state();
        // splitmix64: https://prng.di.unimi.it/splitmix64.c
        state.seed = state.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let share = u32::try_from((z ^ (z >> 31)) % 1024).expect("below 1024");
        wait / 2 + wait / 2 * share / 1024
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        let wait = Duration::from_millis(1);
        Pace::new(Limits { at_once_max: 8, tries_max: 4, wait, wait_max: wait })
    }

    fn error(kind: Kind) -> SourceError {
        SourceError::new("http://node", kind)
    }

    async fn failing(pace: &Pace, kind: fn() -> Kind) -> u32 {
        let mut tried = 0;
        let answer = pace
            .ask(|| {
                tried += 1;
                std::future::ready(Err::<(), _>(error(kind())))
            })
            .await;
        assert!(answer.is_err());
        tried
    }

    #[tokio::test]
    async fn only_what_may_yet_be_answered_is_asked_again() {
        let pace = pace();
        assert_eq!(failing(&pace, || Kind::Transient("no connection".into())).await, 4);
        assert_eq!(failing(&pace, || Kind::RateLimited { after: None }).await, 4);
        assert_eq!(failing(&pace, || Kind::NotFound).await, 1);
        assert_eq!(failing(&pace, || Kind::Refused("no".into())).await, 1);
    }

    #[tokio::test]
    async fn a_node_that_groans_is_asked_less_and_then_slowly_more() {
        let pace = pace();
        assert_eq!(failing(&pace, || Kind::RateLimited { after: None }).await, 4);
        assert_eq!(pace.at_once(), 1);
        for _ in 0..200 {
            pace.ask(|| std::future::ready(Ok(()))).await.expect("answers");
        }
        assert_eq!(pace.at_once(), 8);
        // Every permit is back.
        assert_eq!(pace.permits.available_permits(), 8);
    }
}
