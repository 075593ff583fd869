//! Rows of an address, from all pages of all lists, as facts.
//!
//! A row that comes twice, because rows were pushed down between two pages, is
//! one. What has no position is numbered among its equals, after those that
//! have one, as [`model::Position`] wants it; and one event that moves several
//! things gives its position to none of them, as a node's block says it too.

use std::collections::{BTreeMap, BTreeSet};

use model::{Evidence, Fact, Position, Transfer, TransferKind, TxId};

use super::{Ask, HistoryError};
use crate::nth::Nth;
use crate::source::{Kind, Lie, SourceError};

/// One row of one list.
#[derive(Debug, Default)]
pub struct Row {
    /// Tells it from any other row of its list. None where the provider gives
    /// nothing that does, and never gives a row twice.
    pub id: Option<String>,
    pub moved: Vec<Moved>,
    /// What it says beside.
    pub facts: Vec<Fact>,
}

#[derive(Debug)]
pub struct Moved {
    /// Its position counts only where `place` says so.
    pub transfer: Transfer,
    pub place: Place,
    pub evidence: Evidence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The transfer's own position is right.
    Own,
    /// An event with this index, which may have moved more.
    Log(u32),
    /// The provider does not say.
    Nowhere,
}

#[derive(Debug, Default)]
pub struct Collected {
    ids: BTreeSet<String>,
    rows: u64,
    moved: Vec<Moved>,
    facts: Vec<Fact>,
}

impl Collected {
    /// Was there anything that was not known?
    pub fn take(&mut self, rows: Vec<Row>) -> bool {
        let before = self.rows;
        for row in rows {
            if row.id.is_some_and(|id| !self.ids.insert(id)) {
                continue;
            }
            self.rows += 1;
            self.moved.extend(row.moved);
            self.facts.extend(row.facts);
        }
        self.rows > before
    }

    /// Rows that are not asked for: were any not seen yet?
    pub fn skip(&mut self, ids: Vec<String>) -> bool {
        let before = self.ids.len();
        self.ids.extend(ids.into_iter().map(|id| format!("skipped {id}")));
        self.ids.len() > before
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    pub fn into_facts(self) -> Vec<Fact> {
        let Collected { mut moved, mut facts, .. } = self;
        let mut by_log: BTreeMap<(TxId, u32), u32> = BTreeMap::new();
        let mut tx_index: BTreeMap<TxId, u32> = BTreeMap::new();
        for one in &moved {
            if let Place::Log(log) = one.place {
                *by_log.entry((one.transfer.tx, log)).or_default() += 1;
            }
            if let Some(index) = one.transfer.tx_index {
                tx_index.insert(one.transfer.tx, index);
            }
        }
        for one in &mut moved {
            let tx = one.transfer.tx;
            // What one list of a transaction knows, the others may leave out.
            one.transfer.tx_index = one.transfer.tx_index.or(tx_index.get(&tx).copied());
            if let Place::Log(log) = one.place {
                let is_alone = by_log.get(&(tx, log)) == Some(&1);
                one.place = if is_alone { Place::Own } else { Place::Nowhere };
                if is_alone {
                    one.transfer.position = Position::Log(log);
                }
                if is_alone && one.transfer.kind == TransferKind::Nft {
                    facts.push(Fact::NftLog { tx, log_index: log });
                }
            }
        }
        let mut nth = Nth::default();
        for one in moved.iter().filter(|one| one.place == Place::Own) {
            nth.next(&one.transfer);
        }
        for one in moved.iter_mut().filter(|one| one.place == Place::Nowhere) {
            one.transfer.position = nth.next(&one.transfer);
        }
        let transfers = moved
            .into_iter()
            .map(|Moved { transfer, evidence, .. }| Fact::Transfer { transfer, evidence });
        facts.extend(transfers);
        facts
    }
}

pub fn lie(name: String, ask: &Ask, what: &str) -> HistoryError {
    let what = format!("{what}, asked about {}", ask.account);
    SourceError::new(&name, Kind::from(Lie::Impossible(what))).on(ask.account.chain).into()
}
