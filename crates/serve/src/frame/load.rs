//! How much is asked of the server, and when it is too much.
//!
//! Three measures: requests worked on at once, how late the machine is with what it has to do, and
//! how fast one key or address asks. Each refusal is cheap and says when to come back.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::app::Settings;

pub struct Load {
    start: Instant,
    in_flight: AtomicUsize,
    in_flight_max: usize,
    lag_us: AtomicU64,
    lag_max_us: u64,
    addresses: Addresses,
}

/// One request that is worked on; ends when it is dropped.
pub struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Load {
    pub fn new(settings: &Settings) -> Load {
        Load {
            start: Instant::now(),
            in_flight: AtomicUsize::new(0),
            in_flight_max: settings.in_flight_max,
            lag_us: AtomicU64::new(0),
            lag_max_us: u64::try_from(settings.lag_max.as_micros()).unwrap_or(u64::MAX),
            addresses: Addresses::new(Rate::per_s(settings.address_per_s)),
        }
    }

    /// Nothing: the request is to be shed.
    pub fn enter(&self) -> Option<InFlight<'_>> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let entered = InFlight(&self.in_flight);
        let is_late = self.lag_us.load(Ordering::Relaxed) > self.lag_max_us;
        (before < self.in_flight_max && !is_late).then_some(entered)
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub fn lag(&self) -> Duration {
        Duration::from_micros(self.lag_us.load(Ordering::Relaxed))
    }

    /// Nanoseconds since the server began: what [`Bucket`] counts in.
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Err: how long to wait.
    pub fn admit_address(&self, address: IpAddr) -> Result<(), Duration> {
        self.addresses.admit(address, self.now_ns())
    }

    /// Watches how late a task is woken: what is behind it in the queue waits as long.
    pub async fn watch(&self) {
        const STEP: Duration = Duration::from_millis(10);
        loop {
            let before = Instant::now();
            tokio::time::sleep(STEP).await;
            let late = before.elapsed().saturating_sub(STEP + Duration::from_millis(2));
            self.lag_us
                .store(u64::try_from(late.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

/// So many a second, and so many at once.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    interval_ns: u64,
    burst_ns: u64,
}

impl Rate {
    /// With what came in two seconds allowed at once. 0 is no limit.
    pub fn per_s(count: u32) -> Rate {
        if count == 0 {
            return Rate { interval_ns: 0, burst_ns: 0 };
        }
        Rate { interval_ns: 1_000_000_000 / u64::from(count), burst_ns: 2_000_000_000 }
    }

    /// The generic cell rate algorithm: when the next would be due if all came evenly.
    fn next(self, due_ns: u64, now_ns: u64) -> Result<u64, Duration> {
        let due = due_ns.max(now_ns);
        let ahead = due - now_ns;
        if ahead > self.burst_ns {
            return Err(Duration::from_nanos(ahead - self.burst_ns));
        }
        Ok(due + self.interval_ns)
    }
}

/// How fast one key asks.
#[derive(Debug, Default)]
pub struct Bucket(AtomicU64);

impl Bucket {
    pub fn admit(&self, rate: Rate, now_ns: u64) -> Result<(), Duration> {
        if rate.interval_ns == 0 {
            return Ok(());
        }
        let mut due = self.0.load(Ordering::Relaxed);
        loop {
            let next = rate.next(due, now_ns)?;
            match self.0.compare_exchange_weak(due, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(seen) => due = seen,
            }
        }
    }
}

/// How fast each address asks, in parts so that threads seldom meet.
struct Addresses {
    rate: Rate,
    parts: [Mutex<HashMap<IpAddr, u64>>; 16],
}

/// Addresses remembered in one part; those that are not ahead of their time are forgotten first.
const PART_MAX: usize = 4096;

impl Addresses {
    fn new(rate: Rate) -> Addresses {
        Addresses { rate, parts: std::array::from_fn(|_| Mutex::default()) }
    }

    fn admit(&self, address: IpAddr, now_ns: u64) -> Result<(), Duration> {
        if self.rate.interval_ns == 0 {
            return Ok(());
        }
        let address = network(address);
        let part = &self.parts[part_of(address)];
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.rate.next(part.get(&address).copied().unwrap_or(0), now_ns)?;
        if part.len() >= PART_MAX && !part.contains_key(&address) {
            part.retain(|_, due| *due > now_ns);
            if part.len() >= PART_MAX {
                part.clear();
            }
        }
        part.insert(address, next);
        Ok(())
    }
}

fn part_of(address: IpAddr) -> usize {
    let last = match address {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(address) => address.octets()[7],
    };
    usize::from(last) % 16
}

/// Who has one IPv6 address has its /64.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => IpAddr::V4(address),
            None => {
                let upper = u128::from(address) >> 64 << 64;
                IpAddr::V6(Ipv6Addr::from(upper))
            }
        },
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lets_through_a_burst_and_then_its_rate() {
        let (bucket, rate) = (Bucket::default(), Rate::per_s(10));
        let at_once = (0..100).filter(|_| bucket.admit(rate, 0).is_ok()).count();
        assert_eq!(at_once, 21);
        let later = (0..100).filter(|_| bucket.admit(rate, 1_000_000_000).is_ok()).count();
        assert_eq!(later, 10);
    }

    #[test]
    fn a_refusal_says_how_long_to_wait_and_waiting_helps() {
        let (bucket, rate) = (Bucket::default(), Rate::per_s(5));
        let wait = (0..100).find_map(|_| bucket.admit(rate, 0).err()).unwrap();
        assert!(bucket.admit(rate, u64::try_from(wait.as_nanos()).unwrap()).is_ok());
    }

    #[test]
    fn one_ipv6_network_is_one_asker_and_the_memory_of_askers_is_bounded() {
        let addresses = Addresses::new(Rate::per_s(1));
        let of = |n: u128| IpAddr::V6(Ipv6Addr::from((0x2001_0db8_u128 << 96) | n));
        let let_through = (0..50).filter(|n| addresses.admit(of(*n), 0).is_ok()).count();
        assert_eq!(let_through, 3);
        for n in 0..200_000_u128 {
            let _ = addresses.admit(of(n << 64), 0);
        }
        let held: usize = addresses.parts.iter().map(|part| part.lock().unwrap().len()).sum();
        assert!(held <= 16 * PART_MAX);
    }

    #[test]
    fn what_is_more_than_can_be_worked_on_is_shed_and_later_requests_are_not() {
        let load = Load::new(&Settings { in_flight_max: 2, ..Settings::default() });
        let first = load.enter();
        let second = load.enter();
        assert!(first.is_some() && second.is_some());
        assert!(load.enter().is_none());
        drop(first);
        assert!(load.enter().is_some());
    }
}
