//! Wrong passwords: after a few, a pause that grows.
//!
//! Counted by name, whether somebody has that name or not, and by where they came from, so that the
//! answer tells nothing. One address is stopped early; a name asked for from many addresses only late,
//! for else a stranger could lock people out. It is counted in memory; once it pauses somebody it is kept
//! in the database as well, so that a restart unlocks nobody and other servers know.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use case::db::{DbError, Row, Tx};

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

#[derive(Clone, Copy)]
struct Failures {
    name: Hash,
    count: u32,
    until: i64,
    last: i64,
    /// It stands in the database.
    is_kept: bool,
}

/// An attempt that was let through, and what of it is to be kept.
#[derive(Default)]
pub struct Noted {
    pauses: Vec<(Hash, Failures)>,
    /// The next attempt has to wait, for the first time.
    pub is_first_pause: bool,
}

impl Lockout {
    /// Err: seconds to wait. An attempt that is let through counts as failed until [`Lockout::succeed`],
    /// or many at once would all pass before the first has failed.
    pub fn attempt(&self, name: &str, address: IpAddr, now: i64) -> Result<Noted, i64> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (name_hash, both) = (secret::hash(name), keys(name, address));
        for (key, _) in &both {
            if let Some(failures) = held.get(key)
                && now < failures.until
            {
                return Err(failures.until - now);
            }
        }
        make_room(&mut held, now);
        let mut noted = Noted::default();
        for (key, free) in both {
            let fresh = Failures { name: name_hash, count: 0, until: 0, last: now, is_kept: false };
            let failures = held.entry(key).or_insert(fresh);
            if now - failures.last > FORGOTTEN_S {
                *failures = Failures { is_kept: failures.is_kept, ..fresh };
            }
            failures.count = failures.count.saturating_add(1);
            failures.last = now;
            failures.until = now + pause_s(failures.count, free);
            if failures.until > now {
                noted.pauses.push((key, *failures));
                noted.is_first_pause |= failures.count == free;
            }
        }
        Ok(noted)
    }

    pub fn succeed(&self, name: &str, address: IpAddr) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in keys(name, address) {
            held.remove(&key);
        }
    }

    /// What stands in the database holds here; what was taken out there is taken out here.
    pub(super) fn meet(&self, kept: &BTreeMap<Hash, Kept>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|key, failures| !failures.is_kept || kept.contains_key(key));
        for (key, Kept(theirs)) in kept {
            let ours = held.entry(*key).or_insert(*theirs);
            ours.is_kept = true;
            ours.count = ours.count.max(theirs.count);
            ours.until = ours.until.max(theirs.until);
            ours.last = ours.last.max(theirs.last);
        }
    }
}

/// As it stands in the database.
pub(super) struct Kept(Failures);

impl Noted {
    pub fn is_pause(&self) -> bool {
        !self.pauses.is_empty()
    }

    /// The longest of them ends then.
    pub fn until(&self) -> Option<i64> {
        self.pauses.iter().map(|(_, failures)| failures.until).max()
    }

    pub(super) fn keep(&self, tx: &mut Tx<'_>) -> Result<(), DbError> {
        for (key, failures) in &self.pauses {
            tx.run(
                "INSERT INTO lockouts (hash, name_hash, count, until, last) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hash) DO UPDATE \
                 SET count = excluded.count, until = excluded.until, last = excluded.last",
                &[
                    key.as_slice().into(),
                    failures.name.as_slice().into(),
                    i64::from(failures.count).into(),
                    failures.until.into(),
                    failures.last.into(),
                ],
            )?;
            let old = failures.last - FORGOTTEN_S;
            tx.run("DELETE FROM lockouts WHERE last < $1 AND until < $1", &[old.into()])?;
        }
        Ok(())
    }
}

pub(super) fn read(tx: &mut Tx<'_>) -> Result<BTreeMap<Hash, Kept>, DbError> {
    let rows = tx.rows(
        "SELECT hash, name_hash, count, until, last FROM lockouts ORDER BY until DESC LIMIT 50000",
        &[],
    )?;
    let hash = |row: &Row, column| -> Result<Hash, DbError> {
        let bytes = row.bytes(column)?.try_into();
        bytes.map_err(|_| DbError::Shape("a hash is not of 32 bytes".into()))
    };
    let of = |row: &Row| {
        let failures = Failures {
            name: hash(row, 1)?,
            count: u32::try_from(row.int(2)?).unwrap_or(u32::MAX),
            until: row.int(3)?,
            last: row.int(4)?,
            is_kept: true,
        };
        Ok((hash(row, 0)?, Kept(failures)))
    };
    rows.iter().map(of).collect()
}

/// Nobody is paused under this name any more.
pub(super) fn forget(tx: &mut Tx<'_>, name: &str) -> Result<(), DbError> {
    let name = secret::hash(name);
    tx.run("DELETE FROM lockouts WHERE name_hash = $1", &[name.as_slice().into()]).map(drop)
}

/// Of who has signed in: their own, not those of others who try that name elsewhere.
pub(super) fn forget_from(tx: &mut Tx<'_>, name: &str, address: IpAddr) -> Result<(), DbError> {
    for (key, _) in keys(name, address) {
        tx.run("DELETE FROM lockouts WHERE hash = $1", &[key.as_slice().into()])?;
    }
    Ok(())
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

/// Where it is full, those go first that would be let through at once anyway.
fn make_room(held: &mut HashMap<Hash, Failures>, now: i64) {
    if held.len() < HELD_MAX {
        return;
    }
    held.retain(|_, failures| now < failures.until || now - failures.last < 60);
    let mut untils: Vec<i64> = held.values().map(|failures| failures.until).collect();
    if untils.len() >= HELD_MAX {
        untils.sort_unstable();
        let least = untils[untils.len() / 4];
        held.retain(|_, failures| failures.until > least);
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
        assert_eq!(lockout.attempt("ada", HERE, 1000).err(), Some(1));
        assert!(lockout.attempt("ada", HERE, 1001).is_ok());
        assert_eq!(lockout.attempt("ada", HERE, 1001).err(), Some(2));
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
    fn somebody_who_is_paused_is_told_to_be_kept_once_for_the_first_time() {
        let lockout = Lockout::default();
        let first = |at| {
            lockout.attempt("ada", HERE, at).map(|noted| (noted.is_pause(), noted.is_first_pause))
        };
        for _ in 0..FREE - 1 {
            assert_eq!(first(1000), Ok((false, false)));
        }
        assert_eq!(first(1000), Ok((true, true)));
        assert_eq!(first(1001), Ok((true, false)));
    }

    #[test]
    fn a_flood_of_names_frees_nobody_who_waits_long() {
        let lockout = Lockout::default();
        for turn in 0..14 {
            lockout.attempt("ada", HERE, 1000 + turn * 600).ok();
        }
        // The last pause, of 512 s, is not over.
        let now = 1000 + 13 * 600 + 100;
        for n in 0..HELD_MAX {
            lockout.attempt(&n.to_string(), THERE, now).ok();
        }
        assert!(lockout.attempt("ada", HERE, now).is_err());
        assert!(lockout.0.lock().unwrap().len() <= HELD_MAX + 2);
    }

    #[test]
    fn the_pause_has_an_end() {
        assert_eq!(pause_s(u32::MAX, FREE), PAUSE_MAX_S);
    }
}
