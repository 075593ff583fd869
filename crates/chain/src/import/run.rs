//! One file being imported: where its facts go, and what it came to.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use model::{Chain, Evidence, Fact, Oddity, Transfer, TransferId};

use super::error::{ImportError, Place, Problem};
use super::{Options, Progress, Sink};
use crate::bitcoin::frames::Key;

/// What a file came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows of a table, or blocks of a Bitcoin file.
    pub rows: u64,
    pub transfers: u64,
    /// Bitcoin transactions, or rows of a table of transactions.
    pub transactions: u64,
    pub blocks: u64,
    pub oddities: u64,
    /// The SHA-256 of the file's bytes, in hex.
    pub sha256: String,
    pub chains: BTreeSet<Chain>,
}

pub struct Run<'a> {
    pub name: String,
    pub options: &'a Options,
    /// Contracts that other files of the plan call ERC-721.
    pub nft_contracts: Arc<BTreeSet<[u8; 20]>>,
    /// What the node obfuscates its block files with.
    pub key: Option<Key>,
    pub summary: Summary,
    pub read: Rc<Cell<u64>>,
    reported: u64,
    progress: Progress<'a>,
    sink: Sink<'a>,
}

/// Progress is told once so many bytes, not with every row.
const PROGRESS_BYTES: u64 = 1 << 18;

impl<'a> Run<'a> {
    pub fn new(
        name: &str,
        options: &'a Options,
        progress: Progress<'a>,
        sink: Sink<'a>,
    ) -> Run<'a> {
        Run {
            name: name.to_string(),
            options,
            nft_contracts: Arc::default(),
            key: None,
            summary: Summary::default(),
            read: Rc::default(),
            reported: 0,
            progress,
            sink,
        }
    }

    pub fn row(&mut self) {
        self.summary.rows += 1;
        if self.read.get() >= self.reported + PROGRESS_BYTES {
            self.reported = self.read.get();
            (self.progress)(self.reported);
        }
    }

    pub fn state(&mut self, fact: Fact) -> Result<(), ImportError> {
        match &fact {
            Fact::Transfer { transfer, .. } => {
                self.summary.transfers += 1;
                self.summary.chains.insert(transfer.tx.chain);
            }
            Fact::Utxo(tx) => {
                self.summary.transactions += 1;
                self.summary.chains.insert(tx.id.chain);
            }
            Fact::Block(block) => {
                self.summary.blocks += 1;
                self.summary.chains.insert(block.chain);
            }
            Fact::Oddity(_) => self.summary.oddities += 1,
            Fact::TracesCover { .. }
            | Fact::Failed { .. }
            | Fact::NftLog { .. }
            | Fact::Coinbase { .. }
            | Fact::Freeze(_)
            | Fact::Asset(_) => {}
        }
        (self.sink)(fact).map_err(|source| ImportError {
            source: Some(source),
            ..self.error(None, None, Problem::NotKept)
        })
    }

    pub fn transfer(&mut self, transfer: Transfer, evidence: Evidence) -> Result<(), ImportError> {
        self.state(Fact::Transfer { transfer, evidence })
    }

    pub fn oddity(
        &mut self,
        place: Option<Place>,
        what: impl Into<String>,
    ) -> Result<(), ImportError> {
        self.oddity_of(place, what, None)
    }

    pub fn oddity_of(
        &mut self,
        place: Option<Place>,
        what: impl Into<String>,
        transfer: Option<TransferId>,
    ) -> Result<(), ImportError> {
        let at = place.map_or(self.name.clone(), |place| format!("{}: {place}", self.name));
        self.state(Fact::Oddity(Oddity { at, what: what.into(), transfer }))
    }

    pub fn error(
        &self,
        place: Option<Place>,
        field: Option<&str>,
        problem: Problem,
    ) -> ImportError {
        ImportError::new(&self.name, place, field, problem)
    }

    pub fn finish(mut self, sha256: String) -> Summary {
        (self.progress)(self.read.get());
        self.summary.sha256 = sha256;
        self.summary
    }
}
