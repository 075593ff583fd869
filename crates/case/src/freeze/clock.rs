//! Clocks: when a holder should have answered, and what is due at a moment.

use model::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FreezeId, FreezeRequest, FreezeState};
use crate::holders::jurisdictions;

/// How long a holder has, in seconds from sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clocks {
    pub acknowledge_s: i64,
    pub freeze_s: i64,
}

impl Default for Clocks {
    fn default() -> Clocks {
        Clocks { acknowledge_s: 24 * HOUR, freeze_s: 72 * HOUR }
    }
}

impl Clocks {
    /// The desk's own, unless the jurisdiction's row sets others.
    pub fn of(jurisdiction: &str) -> Clocks {
        let own = Clocks::default();
        let row = jurisdictions::of(jurisdiction);
        let row = row.as_ref();
        Clocks {
            acknowledge_s: row.and_then(|row| row.acknowledge_s).unwrap_or(own.acknowledge_s),
            freeze_s: row.and_then(|row| row.freeze_s).unwrap_or(own.freeze_s),
        }
    }
}

const HOUR: i64 = 3600;
/// A draft or an approval that lies longer is reminded of: value moves in minutes.
const LIES_S: i64 = HOUR;
/// Before a freeze runs out.
const EXPIRY_S: [i64; 2] = [7 * 24 * HOUR, 24 * HOUR];
/// How long after a deadline the next step of an escalation comes.
const ESCALATION_S: [i64; 3] = [0, 24 * HOUR, 72 * HOUR];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DueKind {
    /// A draft waits for somebody to approve it.
    Approve,
    /// It is approved and not sent.
    Send,
    Acknowledge,
    Freeze,
    /// The freeze runs out: extend it or seize.
    Expiry,
}

/// Something about a request that somebody must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Due {
    pub request: FreezeId,
    pub kind: DueKind,
    /// 0 reminds before the deadline; from 1 on it is past, and higher goes to higher people.
    pub level: i64,
    pub deadline: Timestamp,
}

/// What is due now. Of each clock only its latest step.
pub fn due(requests: &[FreezeRequest], now: Timestamp) -> Vec<Due> {
    let mut all: Vec<Due> = requests.iter().filter_map(|request| of_one(request, now)).collect();
    all.sort_by_key(|due| (due.deadline, due.request, due.kind));
    all
}

fn of_one(request: &FreezeRequest, now: Timestamp) -> Option<Due> {
    use FreezeState::{Acknowledged, Approved, Drafted, Extended, Frozen, Sent};
    let (kind, start, length_s, before) = match request.state {
        Drafted => (DueKind::Approve, request.revised, LIES_S, None),
        Approved => (DueKind::Send, request.approved?, LIES_S, None),
        Sent => {
            let clock_s = request.clocks.acknowledge_s;
            (DueKind::Acknowledge, request.sent?, clock_s, Some(clock_s / 4))
        }
        Acknowledged => {
            let clock_s = request.clocks.freeze_s;
            (DueKind::Freeze, request.sent?, clock_s, Some(clock_s / 4))
        }
        Frozen | Extended => return expiry(request, now),
        _ => return None,
    };
    let deadline = after(start, length_s);
    let late_s = now.as_second() - deadline.as_second();
    let level = match level(late_s) {
        Some(level) => level,
        None if before.is_some_and(|before| late_s >= -before) => 0,
        None => return None,
    };
    // Who never acknowledged has not frozen either: after its deadline that is what counts.
    if request.state == Sent {
        let freeze_by = after(start, request.clocks.freeze_s);
        if now >= freeze_by && freeze_by > deadline {
            let level = self::level(now.as_second() - freeze_by.as_second()).unwrap_or(1);
            return Some(Due {
                request: request.id,
                kind: DueKind::Freeze,
                level,
                deadline: freeze_by,
            });
        }
    }
    Some(Due { request: request.id, kind, level, deadline })
}

fn expiry(request: &FreezeRequest, now: Timestamp) -> Option<Due> {
    let deadline = request.frozen_until?;
    let left_s = deadline.as_second() - now.as_second();
    let level = match EXPIRY_S.iter().filter(|before| left_s <= **before).count() {
        0 => return None,
        1 => 0,
        _ if left_s > 0 => 1,
        _ => 2,
    };
    Some(Due { request: request.id, kind: DueKind::Expiry, level, deadline })
}

/// None before the deadline.
fn level(late_s: i64) -> Option<i64> {
    let passed = ESCALATION_S.iter().filter(|step| late_s >= **step).count();
    i64::try_from(passed).ok().filter(|level| *level > 0)
}

pub(super) fn after(start: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(start.as_second().saturating_add(seconds)).unwrap_or(Timestamp::MAX)
}
