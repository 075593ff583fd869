//! Freeze requests: asked of whoever can stop value, by two people, under a clock, until it is back.
//!
//! [`state`](FreezeState) is the table of what follows what; `store` does each step in one
//! transaction with its journal entry and its event; [`due`] says what a clock asks for, and
//! [`remind`] tells it once; [`moving`] sees a holder's account run while it is to be frozen, and
//! [`warn`] tells that once, wherever its block stands;
//! [`figures`] count what was asked, frozen and recovered; [`packet`] is what goes out, signed.
//! Who can stop value, and by which law, is in [`crate::holders`].

mod clock;
mod figures;
mod kept;
mod motion;
mod moves;
pub mod packet;
mod places;
mod remind;
mod state;
mod store;
#[cfg(test)]
mod tests;

use std::fmt;

use model::{Account, Asset, Marking, Timestamp, U256};
use serde::{Deserialize, Serialize};

use crate::CaseError;
use crate::db::{Migration, Tx, Value};
use crate::ids::{self, CaseId};

pub use clock::{Clocks, Due, DueKind, due};
pub use figures::{Figures, Sum, Worth, figures};
pub use kept::{KeptPacket, keep_packet, packet_of, sign_packet};
pub use motion::{Moved, moving};
pub use moves::{ToldMove, settle_moves, stands, told_moves, warn};
pub use places::{Place, Plan, Stopper, drafts, places};
pub use remind::remind;
pub use state::FreezeState;
pub use store::{
    FreezeFilter, approve, counts, draft, draft_all, extend, get, list, live, reach, record_frozen,
    revise, sent,
};

pub(crate) const MIGRATIONS: &[Migration] = &[
    "
    CREATE TABLE freeze_request (
        id BIGINT PRIMARY KEY,
        case_id BIGINT,
        revision BIGINT NOT NULL,
        state TEXT NOT NULL,
        title TEXT NOT NULL,
        marking TEXT NOT NULL,
        holder TEXT NOT NULL,
        jurisdiction TEXT NOT NULL,
        reference TEXT,
        legal_basis TEXT NOT NULL,
        acknowledge_s BIGINT NOT NULL,
        freeze_s BIGINT NOT NULL,
        drafted_by TEXT NOT NULL,
        approved_by TEXT,
        reason TEXT,
        created BIGINT NOT NULL,
        revised BIGINT NOT NULL,
        approved BIGINT,
        sent BIGINT,
        acknowledged BIGINT,
        frozen BIGINT,
        frozen_until BIGINT,
        ended BIGINT
    );
    CREATE INDEX freeze_by_state ON freeze_request (state, id);
    CREATE INDEX freeze_by_case ON freeze_request (case_id, id);
    CREATE TABLE freeze_item (
        request BIGINT NOT NULL,
        number BIGINT NOT NULL,
        account TEXT NOT NULL,
        asset TEXT NOT NULL,
        asked TEXT NOT NULL,
        frozen TEXT NOT NULL,
        recovered TEXT NOT NULL,
        PRIMARY KEY (request, number)
    );
    CREATE TABLE freeze_author (
        request BIGINT NOT NULL,
        actor TEXT NOT NULL,
        PRIMARY KEY (request, actor)
    );
    CREATE TABLE freeze_told (
        request BIGINT NOT NULL,
        kind TEXT NOT NULL,
        deadline BIGINT NOT NULL,
        level BIGINT NOT NULL,
        PRIMARY KEY (request, kind, deadline, level)
    );
    CREATE TABLE freeze_packet (
        request BIGINT NOT NULL,
        revision BIGINT NOT NULL,
        sha256 TEXT NOT NULL,
        made BIGINT NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (request, revision)
    )
",
    "
    ALTER TABLE freeze_packet ADD COLUMN signed BIGINT;
    UPDATE freeze_packet SET signed = made
",
    "
    CREATE TABLE freeze_moved (
        request BIGINT NOT NULL,
        chain TEXT NOT NULL,
        tx TEXT NOT NULL,
        move TEXT NOT NULL,
        height BIGINT,
        is_final BIGINT NOT NULL,
        alert BIGINT NOT NULL,
        PRIMARY KEY (request, chain, tx, move)
    );
    CREATE INDEX freeze_moved_in_time ON freeze_moved (request, chain, tx, move) WHERE is_final = 0;
    ALTER TABLE freeze_request ADD COLUMN is_nobodys BIGINT NOT NULL DEFAULT 0;
    UPDATE freeze_request SET is_nobodys = 1 WHERE NOT EXISTS (SELECT 1 FROM freeze_author a
        WHERE a.request = freeze_request.id AND a.actor LIKE 'person:%')
",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FreezeId(pub i64);

impl FreezeId {
    fn next(tx: &mut Tx<'_>) -> Result<FreezeId, CaseError> {
        ids::next(tx, "freeze").map(FreezeId)
    }
}

impl fmt::Display for FreezeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl From<FreezeId> for Value {
    fn from(id: FreezeId) -> Value {
        Value::Int(id.0)
    }
}

/// What shall be frozen at one account. Amounts are base units; `recovered ≤ frozen ≤ asked`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FreezeItem {
    pub account: Account,
    pub asset: Asset,
    #[serde(serialize_with = "as_text")]
    pub asked: U256,
    #[serde(serialize_with = "as_text")]
    pub frozen: U256,
    #[serde(serialize_with = "as_text")]
    pub recovered: U256,
}

fn as_text<S: serde::Serializer>(amount: &U256, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(amount)
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FreezeRequest {
    pub id: FreezeId,
    pub case: Option<CaseId>,
    /// Counts the drafts: an approval is of one.
    pub revision: i64,
    pub state: FreezeState,
    pub title: String,
    pub marking: Marking,
    /// The holder's name, as in [`crate::holders`].
    pub holder: String,
    /// ISO 3166-1, two letters: under whose law it is asked.
    pub jurisdiction: String,
    pub reference: Option<String>,
    pub legal_basis: Vec<String>,
    pub clocks: Clocks,
    pub items: Vec<FreezeItem>,
    pub drafted_by: String,
    pub approved_by: Option<String>,
    /// Why it was refused, withdrawn, or sent back to the draft.
    pub reason: Option<String>,
    pub created: Timestamp,
    pub revised: Timestamp,
    pub approved: Option<Timestamp>,
    pub sent: Option<Timestamp>,
    pub acknowledged: Option<Timestamp>,
    pub frozen: Option<Timestamp>,
    /// When the freeze runs out, where it does.
    pub frozen_until: Option<Timestamp>,
    pub ended: Option<Timestamp>,
}

/// What a draft says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeDraft {
    pub case: Option<CaseId>,
    pub title: String,
    pub marking: Marking,
    pub holder: String,
    pub jurisdiction: String,
    pub reference: Option<String>,
    pub legal_basis: Vec<String>,
    /// None: those of the jurisdiction, else 24 and 72 hours.
    pub clocks: Option<Clocks>,
    /// Account, asset, amount in base units.
    pub asks: Vec<(Account, Asset, U256)>,
}

/// What is told with a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Why: needed to refuse, withdraw, or go back to the draft.
    pub reason: Option<String>,
    /// When it happened, where that was earlier than it is written down.
    pub at: Option<Timestamp>,
    /// To `frozen` and `extended`: until when.
    pub until: Option<Timestamp>,
    /// To `frozen`: how much of each item, in their order. To `returned`: how much came back of each.
    pub amounts: Option<Vec<U256>>,
}
