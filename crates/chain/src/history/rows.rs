//! Rows of an address, from all pages of all lists, as facts.
//!
//! A row that comes twice, because rows were pushed down between two pages, is
//! one. Where rows leave open in which order the address got and gave, the transaction
//! itself may tell ([`Lack`], [`Inside`]). What has no position is numbered among its equals, after those that
//! have one, as [`model::Position`] wants it; and one event that moves several
//! things gives its position to none of them, as a node's block says it too.

use std::collections::{BTreeMap, BTreeSet};

use model::{Address, Asset, Equal, Evidence, Fact, Position, Transfer, TransferKind, TxId};

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

/// What rows do not tell of a transaction, and what was left open decides who got whose
/// money at the address asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lack {
    pub tx: TxId,
    pub height: Option<u64>,
    /// Its place in its block.
    pub place: bool,
    /// The order of its calls.
    pub calls: bool,
    /// The order of its events.
    pub logs: bool,
}

/// What a transaction says of itself when asked: its place, and what stands where in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inside {
    pub height: Option<u64>,
    pub tx_index: Option<u32>,
    /// In their order.
    pub moved: Vec<(Equal, Position)>,
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

    /// What one row of a transaction knows, others may leave out.
    fn share(&mut self) {
        let mut known: BTreeMap<TxId, (Option<u64>, Option<u32>)> = BTreeMap::new();
        for Moved { transfer, .. } in &self.moved {
            let of = known.entry(transfer.tx).or_default();
            *of = (of.0.or(transfer.height), of.1.or(transfer.tx_index));
        }
        for Moved { transfer, .. } in &mut self.moved {
            let (height, tx_index) = known[&transfer.tx];
            transfer.height = transfer.height.or(height);
            transfer.tx_index = transfer.tx_index.or(tx_index);
        }
    }

    /// The transactions whose rows leave open in which order this address got and gave
    /// of one asset. A transaction's own value is known to come first, its fee last.
    pub fn lacks(&mut self, address: &Address) -> Vec<Lack> {
        self.share();
        let mut moments: BTreeMap<(model::Timestamp, &Asset), Vec<&Moved>> = BTreeMap::new();
        for one in &self.moved {
            let is = |end: &Option<Address>| end.as_ref() == Some(address);
            // One to oneself counts too: it shows money that nobody saw come.
            if is(&one.transfer.from) || is(&one.transfer.to) {
                moments.entry((one.transfer.time, &one.transfer.asset)).or_default().push(one);
            }
        }
        let mut lacks = BTreeMap::new();
        for shared in moments.into_values().filter(|shared| shared.len() > 1) {
            lacks_inside(&shared, &mut lacks);
            lacks_places(&shared, &mut lacks);
        }
        lacks.into_values().collect()
    }

    /// Gives rows of this transaction the positions it told.
    pub fn place(&mut self, tx: &TxId, inside: Inside) {
        let mut taken: BTreeSet<Position> = BTreeSet::new();
        for one in self.moved.iter().filter(|one| one.transfer.tx == *tx) {
            match one.place {
                Place::Own => drop(taken.insert(one.transfer.position.clone())),
                Place::Log(log) => drop(taken.insert(Position::Log(log))),
                Place::Nowhere => {}
            }
        }
        for one in self.moved.iter_mut().filter(|one| one.transfer.tx == *tx) {
            one.transfer.height = one.transfer.height.or(inside.height);
            one.transfer.tx_index = one.transfer.tx_index.or(inside.tx_index);
            if one.place != Place::Nowhere {
                continue;
            }
            let equal = one.transfer.equal();
            let free = inside.moved.iter().find(|(of, at)| *of == equal && !taken.contains(at));
            if let Some((_, position)) = free {
                taken.insert(position.clone());
                one.place = match *position {
                    Position::Log(log) => Place::Log(log),
                    _ => Place::Own,
                };
                one.transfer.position = position.clone();
            }
        }
    }

    pub fn into_facts(mut self) -> Vec<Fact> {
        self.share();
        let Collected { mut moved, mut facts, .. } = self;
        let mut by_log: BTreeMap<(TxId, u32), u32> = BTreeMap::new();
        for one in &moved {
            if let Place::Log(log) = one.place {
                *by_log.entry((one.transfer.tx, log)).or_default() += 1;
            }
        }
        for one in &mut moved {
            let tx = one.transfer.tx;
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

impl Moved {
    /// Between a transaction's own value and its fee.
    fn is_inside(&self) -> bool {
        let is_first = match &self.transfer.position {
            Position::Call(path) => self.place == Place::Own && path.is_empty(),
            _ => false,
        };
        !is_first && self.transfer.kind != TransferKind::Fee
    }

    fn lack(&self) -> Lack {
        let (tx, height) = (self.transfer.tx, self.transfer.height);
        Lack { tx, height, place: false, calls: false, logs: false }
    }
}

/// Of rows of one moment and asset: does one of a transaction not say where in it?
fn lacks_inside(shared: &[&Moved], lacks: &mut BTreeMap<TxId, Lack>) {
    let mut by_tx: BTreeMap<TxId, Vec<&Moved>> = BTreeMap::new();
    for one in shared.iter().filter(|one| one.is_inside()) {
        by_tx.entry(one.transfer.tx).or_default().push(one);
    }
    for of_tx in by_tx.into_values() {
        let is_alike =
            of_tx.windows(2).all(|two| two[0].transfer.equal() == two[1].transfer.equal());
        for one in of_tx.iter().filter(|one| !is_alike && one.place == Place::Nowhere) {
            let lack = lacks.entry(one.transfer.tx).or_insert_with(|| one.lack());
            match one.evidence {
                Evidence::Log => lack.logs = true,
                _ => lack.calls = true,
            }
        }
    }
}

/// Of several transactions: which do not say where in their block they are?
fn lacks_places(shared: &[&Moved], lacks: &mut BTreeMap<TxId, Lack>) {
    let placeless =
        |one: &&&Moved| one.transfer.height.is_none() || one.transfer.tx_index.is_none();
    for one in shared.iter().filter(placeless) {
        let (tx, height) = (one.transfer.tx, one.transfer.height);
        let is_shared = shared.iter().any(|other| {
            let is_other_block =
                matches!((height, other.transfer.height), (Some(a), Some(b)) if a != b);
            other.transfer.tx != tx && !is_other_block
        });
        if is_shared {
            lacks.entry(tx).or_insert_with(|| one.lack()).place = true;
        }
    }
}

pub fn lie(name: String, ask: &Ask, what: &str) -> HistoryError {
    let what = format!("{what}, asked about {}", ask.account);
    SourceError::new(&name, Kind::from(Lie::Impossible(what))).on(ask.account.chain).into()
}
