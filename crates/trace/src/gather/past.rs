//! What the walk has seen, as dense tables.

use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;
use model::{
    Account, Address, Asset, AssetMeta, Chain, Direction, Finding, FindingKind, Outpoint, Position,
    Role, Timestamp, Transfer, TransferId, TransferKind, TxId, U256, UtxoTransaction,
};

use super::Stop;
use crate::crossing::Crossing;
use crate::ids::{Ids, Numbers, number};
use crate::order::Step;
use crate::poisoning::{self, Look};

/// A transfer's place in [`Gathered::transfers`] and [`Gathered::rows`].
pub type At = u32;

/// No account at this end of a transfer; no purse.
pub const NOBODY: u32 = u32::MAX;

#[derive(Debug, Default)]
pub struct Gathered {
    pub transfers: Vec<Transfer>,
    /// Of each transfer what the walk and the settling ask, in numbers.
    pub rows: Vec<Row>,
    places: Numbers,
    hasher: DefaultHashBuilder,
    pub accounts: Ids<Account>,
    pub states: Vec<AccountState>,
    /// Account chains: the whole known history of each account walked through.
    pub ledgers: Vec<Ledger>,
    pub assets: Ids<Asset>,
    pub asset_states: Vec<AssetState>,
    /// What an account may hold of an asset: (account, asset).
    pub purses: Ids<(u32, u32)>,
    /// Bitcoin's transactions.
    pub txs: Ids<TxId>,
    /// Bitcoin: transactions seen, by the number of their id.
    pub utxo: Vec<Option<Utxo>>,
    /// Bitcoin: outputs seen, (transaction, index).
    pub outs: Ids<(u32, u32)>,
    pub out_states: Vec<OutState>,
    pub findings: Vec<Finding>,
    pub crossings: Vec<Crossing>,
    pub source_accounts: Vec<u32>,
    /// Bitcoin: outputs of the sources themselves.
    pub source_outs: Vec<u32>,
    /// Days and assets a comparison wanted a price for and had none.
    pub unpriced: std::collections::BTreeSet<(Asset, model::Date)>,
    pub(super) budget_left: usize,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub time: Timestamp,
    pub height: Option<u64>,
    pub from: u32,
    pub to: u32,
    pub asset: u32,
    pub from_purse: u32,
    pub to_purse: u32,
    /// Fewest transfers from a source; 0 where it is not followed.
    pub depth: u32,
    pub kind: TransferKind,
    /// Kept out of the walk, and by which finding.
    pub excluded: Option<FindingKind>,
    /// Does the data say where in its block it stands?
    pub is_placed: bool,
    /// Looked at by itself for poisoning.
    pub is_screened: bool,
    /// Of a source transaction: tainted whatever its sender holds.
    pub is_forced: bool,
    /// In a ledger, or forced: it takes part in the settling.
    pub is_event: bool,
}

#[derive(Clone, Debug, Default)]
pub struct AccountState {
    pub stop: Option<Stop>,
    /// None until somebody asked.
    pub role: Option<Role>,
    pub is_source: bool,
    pub is_walked: bool,
    /// The view does not vouch for its history.
    pub is_incomplete: bool,
    /// It has more transfers than the budget let in.
    pub is_truncated: bool,
    pub look: Option<Look>,
}

#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub ats: Vec<At>,
    pub crossings: Vec<u32>,
    /// Only where there are crossings: the ledger with them in their places.
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, Default)]
pub struct AssetState {
    pub meta: Option<AssetMeta>,
    /// Why it is taken for an imitation.
    pub imitation: Option<String>,
    pub dust: U256,
}

#[derive(Clone, Debug)]
pub struct Utxo {
    pub tx: UtxoTransaction,
    pub inputs: Vec<u32>,
    pub outputs: Vec<u32>,
    /// Depth of its outputs; 0 where the walk did not go through it.
    pub depth: u32,
}

#[derive(Clone, Debug, Default)]
pub struct OutState {
    /// Who holds it and how much, where that is known.
    pub holder: Option<(u32, u64)>,
    pub stop: Option<Stop>,
    pub is_source: bool,
}

impl Gathered {
    pub fn account_id(&mut self, account: Account) -> u32 {
        let id = self.accounts.id(account);
        if id as usize == self.states.len() {
            self.states.push(AccountState::default());
            self.ledgers.push(Ledger::default());
        }
        id
    }

    pub fn asset_id(&mut self, asset: &Asset) -> u32 {
        // Most transfers are of the asset of the one before.
        if let Some(last) = self.rows.last().filter(|row| self.assets.get(row.asset) == asset) {
            return last.asset;
        }
        if let Some(id) = self.assets.find(asset) {
            return id;
        }
        self.asset_states.push(AssetState::default());
        self.assets.id(asset.clone())
    }

    pub fn tx_id(&mut self, tx: TxId) -> u32 {
        let id = self.txs.id(tx);
        if id as usize == self.utxo.len() {
            self.utxo.push(None);
        }
        id
    }

    pub fn out_id(&mut self, outpoint: &Outpoint) -> u32 {
        let tx = self.tx_id(outpoint.tx);
        let id = self.outs.id((tx, outpoint.index));
        if id as usize == self.out_states.len() {
            self.out_states.push(OutState::default());
        }
        id
    }

    pub fn outpoint(&self, out: u32) -> Outpoint {
        let (tx, index) = *self.outs.get(out);
        Outpoint { tx: *self.txs.get(tx), index }
    }

    /// Keeps a transfer; one that is held already is the same one. `owner` is an
    /// account it is likely to name.
    pub fn add(&mut self, transfer: Transfer, owner: u32) -> At {
        let hash = self.hash(&transfer.tx, &transfer.position);
        let is_nth = matches!(transfer.position, Position::Nth(_));
        let is_same = |at: At| {
            let known = &self.transfers[at as usize];
            known.tx == transfer.tx
                && known.position == transfer.position
                && (!is_nth || known.equal() == transfer.equal())
        };
        if let Some(at) = self.places.find(hash, is_same) {
            return at;
        }
        let row = self.row(&transfer, owner);
        let at = number(self.rows.len());
        self.places.insert(hash, at);
        self.rows.push(row);
        self.transfers.push(transfer);
        at
    }

    /// A transaction's first bytes tell it from any other that is not made to look so.
    fn hash(&self, tx: &TxId, position: &Position) -> u64 {
        self.hasher.hash_one((tx.hash.bytes().first_chunk::<16>(), position))
    }

    fn row(&mut self, transfer: &Transfer, owner: u32) -> Row {
        let chain = transfer.tx.chain;
        let from = self.end(transfer.from.as_ref(), chain, owner);
        let to = self.end(transfer.to.as_ref(), chain, owner);
        let asset = self.asset_id(&transfer.asset);
        let mut purse = |account| match account {
            NOBODY => NOBODY,
            account => self.purses.id((account, asset)),
        };
        let (from_purse, to_purse) = (purse(from), purse(to));
        Row {
            time: transfer.time,
            height: transfer.height,
            from,
            to,
            asset,
            from_purse,
            to_purse,
            depth: 0,
            kind: transfer.kind,
            excluded: None,
            is_placed: transfer.tx_index.is_some()
                && !matches!(transfer.position, Position::Nth(_)),
            is_screened: false,
            is_forced: false,
            is_event: false,
        }
    }

    fn end(&mut self, address: Option<&Address>, chain: Chain, owner: u32) -> u32 {
        let Some(address) = address else { return NOBODY };
        if owner != NOBODY {
            let owned = self.accounts.get(owner);
            if owned.address == *address && owned.chain == chain {
                return owner;
            }
        }
        self.account_id(Account { chain, address: address.clone() })
    }

    pub fn row_at(&self, at: At) -> &Row {
        &self.rows[at as usize]
    }

    pub fn transfer(&self, at: At) -> &Transfer {
        &self.transfers[at as usize]
    }

    pub fn is_walked(&self, account: u32) -> bool {
        account != NOBODY && self.states[account as usize].is_walked
    }

    pub fn decimals_known(&self, asset: u32) -> Option<u8> {
        self.asset_states[asset as usize].meta.as_ref().and_then(|meta| meta.decimals)
    }

    pub fn decimals(&self, asset: u32) -> u8 {
        self.decimals_known(asset).unwrap_or(0)
    }

    pub fn ids(&self, ats: &[At]) -> Vec<TransferId> {
        ats.iter().map(|at| self.transfer(*at).id()).collect()
    }

    /// Of a finding's transfers.
    pub fn find(&self, id: &TransferId) -> Option<&Transfer> {
        let at = self.places.find(self.hash(&id.tx, &id.position), |at| {
            let known = self.transfer(at);
            known.tx == id.tx
                && known.position == id.position
                && id.equal.as_deref().is_none_or(|equal| known.equal() == *equal)
        });
        at.map(|at| self.transfer(at))
    }

    /// The part of an account's text that a forger copies.
    pub fn look(&mut self, account: u32) -> Look {
        if let Some(look) = self.states[account as usize].look {
            return look;
        }
        let look = poisoning::look_of(self.accounts.get(account));
        self.states[account as usize].look = Some(look);
        look
    }
}

impl Row {
    /// Who a transfer goes to in the direction of the walk.
    pub fn destination(&self, direction: Direction) -> u32 {
        match direction {
            Direction::Forward => self.to,
            Direction::Backward => self.from,
        }
    }

    /// Who it comes from in the direction of the walk.
    pub fn origin(&self, direction: Direction) -> u32 {
        match direction {
            Direction::Forward => self.from,
            Direction::Backward => self.to,
        }
    }

    pub fn destination_purse(&self, direction: Direction) -> u32 {
        match direction {
            Direction::Forward => self.to_purse,
            Direction::Backward => self.from_purse,
        }
    }

    pub fn origin_purse(&self, direction: Direction) -> u32 {
        match direction {
            Direction::Forward => self.from_purse,
            Direction::Backward => self.to_purse,
        }
    }

    /// One of no known height may be of any block of its second.
    pub fn is_of_moment(&self, other: &Row) -> bool {
        self.time == other.time
            && (self.height == other.height || self.height.is_none() || other.height.is_none())
    }
}
