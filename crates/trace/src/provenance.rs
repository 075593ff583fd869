//! Where the value that an address holds came from, kept up to date transfer by transfer.
//!
//! For every balance a short list of the marked counterparties ([`crate::exposure::marks`])
//! it came from, moved by haircut in the order of time: who sends a part sends that part of
//! each. So what an address is exposed to is one look-up, and nobody walks. In: transfers
//! in order, from a whole chain ([`sweep`]) or a block ([`Books::block`]). Out: [`Entry`]s by
//! account, on Bitcoin [`Holding`]s of outputs beside them; [`code`] turns them into bytes.
//!
//! ```text
//!            [mixer] 40 ─► a: mixer 40 (direct), unseen 60 ── 50 ─► b: mixer 20, unseen 30
//! ```
//!
//! The parts of a balance always add up to it. At most [`PARTS_MAX`] services are kept apart;
//! what is smaller is the sum *others*, so that cutting is seen. What is kept by service, and
//! never by category: categories are read from the labels of the day.

mod apply;
pub mod block;
pub mod code;
mod parts;
pub mod sweep;

use std::collections::BTreeMap;
use std::hash::Hash;

use hashbrown::HashMap;
use model::{Account, Asset, Date, Timestamp, TransferId, U256};
use sha2::{Digest, Sha256};

pub use self::parts::{Part, Parts};
use crate::exposure::{Marked, ServiceKey, Way};
use crate::ids::Ids;

/// Services that are kept apart in one balance.
pub const PARTS_MAX: usize = 16;

/// An unmarked account with more transfers than this passes nothing on: it must be a service
/// nobody labelled, and its customers have nothing to do with each other.
pub const HUB_TRANSFERS: u64 = 20_000;

/// The rules above. What another version kept is made anew.
pub const RULES: u32 = 1;

/// Where value came from: a service, before or after it was listed, or one of the four that
/// are none. It is made from the name itself, so that no order of arrival shows in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(pub u64);

impl Origin {
    /// Sent beyond what was ever seen to arrive.
    pub const UNSEEN: Origin = Origin(0);
    /// Rewards, mints.
    pub const ISSUED: Origin = Origin(1);
    /// Services too small to be kept apart.
    pub const OTHERS: Origin = Origin(2);
    /// Out of an unlabelled hub.
    pub const HUB: Origin = Origin(3);
    const FIRST: u64 = 4;

    pub fn is_service(self) -> bool {
        self.0 >= Origin::FIRST
    }

    pub fn of(name: &OriginName) -> Origin {
        let text = format!("{} {}", name.key, name.phase.letter());
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let first = digest.first_chunk::<8>().expect("a digest is longer");
        // 62 bits, so that SQLite's signed integers hold it.
        Origin((u64::from_be_bytes(*first) >> 2).max(Origin::FIRST))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OriginName {
    pub key: ServiceKey,
    pub phase: Phase,
}

/// When value left (or reached) a marked counterparty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// It is on no list, or no list says since when.
    Undated,
    /// Before the day it was listed.
    Before,
    /// On that day or later.
    After,
}

impl Phase {
    pub const ALL: [Phase; 3] = [Phase::Undated, Phase::Before, Phase::After];

    pub fn letter(self) -> &'static str {
        match self {
            Phase::Undated => "u",
            Phase::Before => "b",
            Phase::After => "a",
        }
    }

    pub fn of_letter(letter: &str) -> Option<Phase> {
        Phase::ALL.into_iter().find(|phase| phase.letter() == letter)
    }
}

/// What is kept of one unmarked account. `R` names a transfer: its id, or while a whole
/// chain is read its ordinal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<R> {
    /// Sent and received, to know hubs by.
    pub transfers: u64,
    pub holdings: BTreeMap<Asset, Holding>,
    pub dealings: BTreeMap<(Asset, Way, Origin), Dealing<R>>,
}

/// Of one asset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Ever, in base units.
    pub received: U256,
    pub sent: U256,
    /// What is held, by where it came from. On Bitcoin it stands with the outputs.
    pub parts: Parts,
}

/// Transfers with one marked counterparty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dealing<R> {
    pub base: U256,
    pub count: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    /// The largest, as evidence.
    pub largest_base: U256,
    pub largest: R,
}

/// An unspent output of an unmarked address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub account: Account,
    pub parts: Parts,
}

/// Accounts and outputs under way.
pub struct Books<'a, R> {
    marked: &'a Marked,
    accounts: Ids<Account>,
    marks: Vec<Option<Mark>>,
    entries: Vec<Option<Entry<R>>>,
    outputs: HashMap<R, Output>,
    names: BTreeMap<Origin, OriginName>,
    /// All that were read, those that move nothing included.
    pub transfers: u64,
}

/// A marked account.
#[derive(Clone, Debug)]
struct Mark {
    key: ServiceKey,
    listed_on: Option<Date>,
}

impl<R> Default for Entry<R> {
    fn default() -> Entry<R> {
        Entry { transfers: 0, holdings: BTreeMap::new(), dealings: BTreeMap::new() }
    }
}

impl<'a, R: Clone + Eq + Hash> Books<'a, R> {
    pub fn new(marked: &'a Marked) -> Books<'a, R> {
        Books {
            marked,
            accounts: Ids::default(),
            marks: Vec::new(),
            entries: Vec::new(),
            outputs: HashMap::new(),
            names: BTreeMap::new(),
            transfers: 0,
        }
    }

    /// Goes on from what was kept of an account.
    pub fn load(&mut self, account: Account, entry: Entry<R>) {
        let id = self.account(account);
        self.entries[id as usize] = Some(entry);
    }

    pub fn load_output(&mut self, id: R, output: Output) {
        self.outputs.insert(id, output);
    }

    /// Everything there is of accounts, in their order.
    pub fn entries(&self) -> Vec<(&Account, &Entry<R>)> {
        let all = (0u32..).zip(&self.entries);
        let kept = all.filter_map(|(id, entry)| Some((self.accounts.get(id), entry.as_ref()?)));
        let mut kept: Vec<_> = kept.collect();
        kept.sort_by(|a, b| a.0.cmp(b.0));
        kept
    }

    /// Unspent outputs, in no order.
    pub fn outputs(&self) -> impl Iterator<Item = (&R, &Output)> {
        self.outputs.iter()
    }

    /// The services that origins stand for.
    pub fn names(&self) -> &BTreeMap<Origin, OriginName> {
        &self.names
    }

    /// The marked accounts that were met, each with what was said of it ([`Marked::said`]).
    pub fn met(&self) -> impl Iterator<Item = (&Account, String)> {
        let marked = (0u32..).zip(&self.marks).filter(|(_, mark)| mark.is_some());
        marked.filter_map(|(id, _)| {
            let account = self.accounts.get(id);
            Some((account, self.marked.said(account)?))
        })
    }

    fn account(&mut self, account: Account) -> u32 {
        let id = self.accounts.id(account);
        if id as usize == self.marks.len() {
            let named = self.accounts.get(id);
            let mark = self.marked.key(named).map(|key| {
                let listed_on = self.marked.listed_on(&key);
                Mark { key, listed_on }
            });
            self.marks.push(mark);
            self.entries.push(None);
        }
        id
    }

    fn is_marked(&self, account: u32) -> bool {
        self.marks[account as usize].is_some()
    }

    fn entry(&mut self, account: u32) -> &mut Entry<R> {
        self.entries[account as usize].get_or_insert_default()
    }

    /// The origin a marked account is, at a time.
    fn origin(&mut self, account: u32, time: Timestamp) -> Origin {
        let Some(mark) = &self.marks[account as usize] else { return Origin::UNSEEN };
        let phase = match mark.listed_on {
            None => Phase::Undated,
            Some(date) if model::day_of(time) >= date => Phase::After,
            Some(_) => Phase::Before,
        };
        let name = OriginName { key: mark.key.clone(), phase };
        let origin = Origin::of(&name);
        self.names.entry(origin).or_insert(name);
        origin
    }
}

/// The account of a transfer id's kept entry, with names for people.
pub type KeptEntry = Entry<TransferId>;
