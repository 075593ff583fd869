//! A town whose every address has a known owner: what clustering is measured on.
//!
//! People pay each other, exchanges give them deposit addresses, sweep and pay out in batches, firms pay wages, and on
//! Bitcoin some mix in CoinJoin rounds of the four families. In: [`OwnersSettings`]. Out: a [`Town`], its blocks
//! and its [`OwnersTruth`]. Held in memory whole. Seeded: the same settings give the same town.
//!
//! It shows what a rule does where the truth is known. It is made to resemble a chain and is none: a rule's error here
//! is no promise of its error there.

mod account;
mod bitcoin;
mod rounds;

use model::{BlockFact, Chain, Timestamp};

use crate::block::Block;
use crate::draw::Draw;
use crate::names::Names;
use crate::services::Service;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnersSettings {
    pub chain: Chain,
    pub seed: u64,
    pub transactions: u32,
    pub people: u32,
    /// Do some payments have the payee's inputs too? Only Bitcoin has them.
    pub has_payjoins: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnersError {
    #[error("{found} people are too few for a town: expected at least {PEOPLE_MIN}")]
    TooFewPeople { found: u32 },
    #[error("towns exist on Bitcoin and on EVM chains, not on {chain}")]
    NoTown { chain: Chain },
}

pub const PEOPLE_MIN: u32 = 60;

pub struct Town {
    pub blocks: Vec<Block>,
    pub truth: OwnersTruth,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OwnersTruth {
    pub version: u32,
    pub chain: Chain,
    pub seed: u64,
    pub owners: Vec<Owner>,
    /// Which output of a payment is the payer's change.
    pub changes: Vec<KnownChange>,
    pub rounds: Vec<KnownRound>,
    /// Payments whose inputs are the payer's and the payee's: their hashes.
    pub payjoins: Vec<String>,
    pub services: Vec<Service>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Owner {
    pub name: String,
    pub addresses: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KnownChange {
    pub tx: String,
    pub output: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KnownRound {
    pub tx: String,
    /// `wasabi1`, `wasabi2`, `whirlpool`, `joinmarket`.
    pub family: String,
    /// Names of owners.
    pub participants: Vec<String>,
}

impl Town {
    /// # Errors
    /// When the settings ask for less than a town can be.
    pub fn build(settings: &OwnersSettings) -> Result<Town, OwnersError> {
        if settings.people < PEOPLE_MIN {
            return Err(OwnersError::TooFewPeople { found: settings.people });
        }
        match settings.chain {
            Chain::Bitcoin(_) => Ok(bitcoin::build(settings)),
            Chain::Evm(_) => Ok(account::build(settings)),
            chain => Err(OwnersError::NoTown { chain }),
        }
    }
}

/// Blocks being filled.
struct Blocks {
    blocks: Vec<Block>,
    chain: Chain,
    names: Names,
    seconds: i64,
    height: u64,
    step: i64,
}

impl Blocks {
    fn new(settings: &OwnersSettings, first: &str, height: u64, step: i64) -> Blocks {
        let first: Timestamp = first.parse().expect("a valid time");
        Blocks {
            blocks: Vec::new(),
            chain: settings.chain,
            names: Names::new(settings.chain, settings.seed),
            seconds: first.as_second(),
            height,
            step,
        }
    }

    fn open(&mut self) {
        self.height += 1;
        self.seconds += self.step;
        let header = BlockFact {
            chain: self.chain,
            hash: Some(self.names.block(self.height)),
            parent: Some(self.names.block(self.height - 1)),
            height: Some(self.height),
            time: self.time(),
            work: Some([1; 32]),
        };
        self.blocks.push(Block {
            header,
            transfers: Vec::new(),
            failed: Vec::new(),
            transactions: Vec::new(),
        });
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_second(self.seconds).expect("a time of this century")
    }

    fn last(&mut self) -> &mut Block {
        self.blocks.last_mut().expect("a block is open")
    }
}

fn draw(settings: &OwnersSettings) -> Draw {
    Draw::new(settings.seed, u64::from_be_bytes(*b"owners\0\0"))
}
