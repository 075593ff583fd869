//! Wrong passwords: after a few, a pause that grows.
//!
//! Counted in memory by name, whether somebody has that name or not, and by where they came from, so
//! that the answer tells nothing. One address is stopped early; a name asked for from many addresses
//! only late, for else a stranger could lock people out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use super::secret::{self, Hash};
use crate::frame::load::network;

/// Free attempts of one address for one name, and of all addresses for one name.
const FREE: u32 = 5;
const FREE_ALL: u32 = 50;
const PAUSE_MAX_S: i64 = 15 * 60;
/// Failures are forgotten after so long.
const FORGOTTEN_S: i64 = 3600;
const HELD_MAX: usize = 100_000;

#[derive(Default)]
pub struct Lockout(Mutex<HashMap<Hash, Failures>>);

#[derive(Clone, Copy, Default)]
struct Failures {
    count: u32,
    until: i64,
    last: i64,
}

impl Lockout {
    /// Err: seconds to wait. An attempt that is let through counts as failed until [`Lockout::succeed`],
    /// or many at once would all pass before the first has failed.
    pub fn attempt(&self, name: &str, address: IpAddr, now: i64) -> Result<(), i64> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let both = keys(name, address);
        for (key, _) in &both {
            if let Some(failures) = held.get(key)
                && now < failures.until
            {
                return Err(failures.until - now);
            }
        }
        make_room(&mut held, now);
        for (key, free) in both {
            let failures = held.entry(key).or_default();
            if now - failures.last > FORGOTTEN_S {
                *failures = Failures::default();
            }
            failures.count = failures.count.saturating_add(1);
            failures.last = now;
            failures.until = now + pause_s(failures.count, free);
        }
        Ok(())
    }

    pub fn succeed(&self, name: &str, address: IpAddr) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in keys(name, address) {
            held.remove(&key);
        }
    }
}

fn keys(name: &str, address: IpAddr) -> [(Hash, u32); 2] {
    let here = format!("{name}\n{}", network(address));
    [(secret::hash(&here), FREE), (secret::hash(name), FREE_ALL)]
}

/// 1, 2, 4 … seconds for each failure that is not free.
fn pause_s(count: u32, free: u32) -> i64 {
    match count.checked_sub(free) {
        None => 0,
        Some(over) => (1_i64 << over.min(20)).min(PAUSE_MAX_S),
    }
}

fn make_room(held: &mut HashMap<Hash, Failures>, now: i64) {
    if held.len() < HELD_MAX {
        return;
    }
    held.retain(|_, failures| now < failures.until || now - failures.last < 60);
    if held.len() >= HELD_MAX {
        held.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

    #[test]
    fn pauses_grow_and_a_success_ends_them() {
        let lockout = Lockout::default();
        for _ in 0..FREE {
            assert!(lockout.attempt("ada", HERE, 1000).is_ok());
        }
        assert_eq!(lockout.attempt("ada", HERE, 1000), Err(1));
        assert!(lockout.attempt("ada", HERE, 1001).is_ok());
        assert_eq!(lockout.attempt("ada", HERE, 1001), Err(2));
        lockout.succeed("ada", HERE);
        assert!(lockout.attempt("ada", HERE, 1001).is_ok());
    }

    #[test]
    fn a_stranger_elsewhere_does_not_lock_somebody_out_at_once() {
        let lockout = Lockout::default();
        for _ in 0..FREE {
            let _ = lockout.attempt("ada", THERE, 1000);
        }
        assert!(lockout.attempt("ada", THERE, 1000).is_err());
        assert!(lockout.attempt("ada", HERE, 1000).is_ok());
    }

    #[test]
    fn the_pause_has_an_end() {
        assert_eq!(pause_s(u32::MAX, FREE), PAUSE_MAX_S);
    }
}
