//! The slow, obviously right [`View`]: everything in memory, nothing clever.
//!
//! It takes [`Fact`]s in any order and settles what several sources say of the
//! same transfer by the same rules every store must follow:
//! - a transfer is its transaction and position; one without a position is the
//!   n-th equal one of its transaction, and merges with a positioned equal;
//! - where traces cover a block they replace the transactions' own value;
//! - a failed transaction moved only its fee;
//! - an event of a non-fungible token is not an amount;
//! - a Bitcoin transaction counts when its block stands.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use crate::headers::{self, Placed};
use crate::transfer::Equal;
use crate::{
    Account, Asset, AssetKind, AssetMeta, BlockFact, Chain, Coverage, Degree, Direction, Evidence,
    Expansion, Fact, Input, Limits, Outpoint, Output, Position, Reached, Seek, Spend, TimeSource,
    Timestamp, Transaction, Transfer, TransferKind, TxId, U256, UtxoTransaction, View,
    ViewError,
};

#[derive(Clone, Debug, Default)]
pub struct Memory {
    transfers: Vec<Transfer>,
    utxo: BTreeMap<TxId, UtxoTransaction>,
    spends: HashMap<Outpoint, Spend>,
    sent: HashMap<Account, Vec<usize>>,
    received: HashMap<Account, Vec<usize>>,
    by_tx: HashMap<TxId, Vec<usize>>,
    assets: BTreeMap<Asset, AssetMeta>,
}

impl Memory {
    pub fn from_facts(facts: impl IntoIterator<Item = Fact>) -> Memory {
        let mut heap = Heap::default();
        for fact in facts {
            heap.take(fact);
        }
        heap.settle()
    }

    /// Every transfer, legs of Bitcoin transactions included, in time order.
    pub fn transfers(&self) -> &[Transfer] {
        &self.transfers
    }

    fn index(transfers: Vec<Transfer>, utxo: BTreeMap<TxId, UtxoTransaction>, assets: BTreeMap<Asset, AssetMeta>) -> Memory {
        let mut memory = Memory { transfers, utxo, assets, ..Memory::default() };
        memory.transfers.sort_by(Transfer::cmp_time);
        for (at, transfer) in memory.transfers.iter().enumerate() {
            memory.by_tx.entry(transfer.tx).or_default().push(at);
            if let Some(account) = transfer.from_account() {
                memory.sent.entry(account).or_default().push(at);
            }
            if let Some(account) = transfer.to_account() {
                memory.received.entry(account).or_default().push(at);
            }
        }
        for tx in memory.utxo.values() {
            for (at, input) in (0u32..).zip(&tx.inputs) {
                memory.spends.insert(input.outpoint, Spend { tx: tx.id, input: at });
            }
        }
        memory
    }

    fn at(&self, places: Option<&Vec<usize>>) -> impl Iterator<Item = &Transfer> {
        places.into_iter().flatten().map(|at| &self.transfers[*at])
    }
}

impl View for Memory {
    fn expand(&self, direction: Direction, frontier: &[Seek], limits: &Limits) -> Result<Expansion, ViewError> {
        let reached = frontier.iter().map(|seek| {
            let places = match direction {
                Direction::Forward => self.sent.get(&seek.account),
                Direction::Backward => self.received.get(&seek.account),
            };
            let mut transfers: Vec<Transfer> = self
                .at(places)
                .filter(|transfer| limits.lets_through(transfer) && seek.lets_through(direction, transfer))
                .cloned()
                .collect();
            let is_truncated = limits.cut(direction, &mut transfers);
            Reached { account: seek.account.clone(), transfers, is_truncated, is_complete: false }
        });
        Ok(Expansion { reached: reached.collect() })
    }

    fn spends(&self, outpoints: &[Outpoint]) -> Result<Vec<Option<Spend>>, ViewError> {
        Ok(outpoints.iter().map(|outpoint| self.spends.get(outpoint).cloned()).collect())
    }

    fn transaction(&self, id: &TxId) -> Result<Option<Transaction>, ViewError> {
        if let Some(tx) = self.utxo.get(id) {
            return Ok(Some(Transaction::Utxo(tx.clone())));
        }
        let mut transfers: Vec<Transfer> = self.at(self.by_tx.get(id)).cloned().collect();
        transfers.sort_by(|a, b| a.position.cmp(&b.position));
        Ok((!transfers.is_empty()).then_some(Transaction::Account { id: *id, transfers }))
    }

    fn degree(&self, accounts: &[Account]) -> Result<Vec<Degree>, ViewError> {
        let count = |places: Option<&Vec<usize>>| places.map_or(0, |places| places.len() as u64);
        Ok(accounts
            .iter()
            .map(|account| Degree { sent: count(self.sent.get(account)), received: count(self.received.get(account)) })
            .collect())
    }

    fn scan(
        &self,
        chain: Chain,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        visit: &mut dyn FnMut(&Transfer) -> ControlFlow<()>,
    ) -> Result<(), ViewError> {
        let limits = Limits { since, until, ..Limits::NONE };
        for transfer in self.transfers.iter().filter(|t| t.tx.chain == chain && limits.lets_through(t)) {
            if visit(transfer).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn assets(&self, assets: &[Asset]) -> Result<Vec<AssetMeta>, ViewError> {
        Ok(assets
            .iter()
            .map(|asset| self.assets.get(asset).cloned().unwrap_or_else(|| AssetMeta::unknown(asset.clone())))
            .collect())
    }

    fn coverage(&self) -> Result<Vec<Coverage>, ViewError> {
        let mut chains: BTreeMap<Chain, Coverage> = BTreeMap::new();
        for transfer in &self.transfers {
            let chain = transfer.tx.chain;
            chains.entry(chain).or_insert_with(|| Coverage::nothing(chain)).add(transfer);
        }
        Ok(chains.into_values().collect())
    }
}

/// Facts as they came, before they are settled.
#[derive(Default)]
struct Heap {
    claims: Vec<(Transfer, Evidence)>,
    utxo: Vec<UtxoTransaction>,
    blocks: Vec<BlockFact>,
    covered: BTreeSet<(Chain, u64)>,
    failed: BTreeSet<TxId>,
    nfts: BTreeSet<(TxId, u32)>,
    assets: BTreeMap<Asset, AssetMeta>,
}

impl Heap {
    fn take(&mut self, fact: Fact) {
        match fact {
            Fact::Transfer { transfer, evidence } => self.claims.push((transfer, evidence)),
            Fact::Utxo(tx) => self.utxo.push(tx),
            Fact::Block(block) => self.blocks.push(block),
            Fact::TracesCover { chain, height } => {
                self.covered.insert((chain, height));
            }
            Fact::Failed { tx } => {
                self.failed.insert(tx);
            }
            Fact::NftLog { tx, log_index } => {
                self.nfts.insert((tx, log_index));
            }
            Fact::Asset(meta) => merge_meta(&mut self.assets, meta),
            Fact::Oddity(_) => {}
        }
    }

    fn settle(self) -> Memory {
        let utxo = self.settle_utxo();
        let mut transfers = self.settle_account();
        transfers.extend(utxo.values().flat_map(legs));
        Memory::index(transfers, utxo, self.assets)
    }

    fn settle_account(&self) -> Vec<Transfer> {
        let mut kept: Vec<&(Transfer, Evidence)> = self.claims.iter().filter(|claim| self.stands(claim)).collect();
        // The better known one first, so that merging keeps what it says.
        kept.sort_by_key(|(transfer, evidence)| {
            (transfer.time_source, transfer.height.is_none(), transfer.tx_index.is_none(), *evidence == Evidence::Row)
        });
        let mut by_id: BTreeMap<_, Transfer> = BTreeMap::new();
        for (transfer, _) in kept {
            let transfer = self.as_nft(transfer.clone());
            by_id.entry(transfer.id()).and_modify(|known| complete(known, &transfer)).or_insert(transfer);
        }
        merge_equals(by_id.into_values().collect())
            .into_iter()
            .map(|transfer| self.with_time(transfer))
            .collect()
    }

    fn stands(&self, (transfer, evidence): &(Transfer, Evidence)) -> bool {
        let moves_value = transfer.kind != TransferKind::Fee;
        let is_replaced = moves_value
            && *evidence == Evidence::Transaction
            && transfer.height.is_some_and(|height| self.covered.contains(&(transfer.tx.chain, height)));
        !is_replaced && !(moves_value && self.failed.contains(&transfer.tx))
    }

    fn as_nft(&self, mut transfer: Transfer) -> Transfer {
        let Position::Log(log) = transfer.position else { return transfer };
        let AssetKind::Token(contract) = &transfer.asset.kind else { return transfer };
        if self.nfts.contains(&(transfer.tx, log)) {
            transfer.asset.kind = AssetKind::Nft { contract: contract.clone(), id: transfer.amount };
            transfer.amount = U256::from(1);
            transfer.kind = TransferKind::Nft;
        }
        transfer
    }

    fn with_time(&self, mut transfer: Transfer) -> Transfer {
        if transfer.time_source == TimeSource::Stated {
            return transfer;
        }
        let Some(height) = transfer.height else { return transfer };
        let blocks = self.blocks.iter().filter(|b| b.chain == transfer.tx.chain);
        let stated = self.claims.iter().map(|(t, _)| t).filter(|t| {
            t.tx.chain == transfer.tx.chain && t.time_source == TimeSource::Stated
        });
        let known = blocks
            .filter_map(|b| Some((b.height?, b.time)))
            .chain(stated.filter_map(|t| Some((t.height?, t.time))));
        if let Some((at, time)) = known.filter(|(at, _)| *at <= height).max() {
            transfer.time = time;
            transfer.time_source = if at == height { TimeSource::Stated } else { TimeSource::Estimated };
        }
        transfer
    }

    fn settle_utxo(&self) -> BTreeMap<TxId, UtxoTransaction> {
        let placed = headers::place(&self.blocks);
        let mut settled: BTreeMap<TxId, UtxoTransaction> = BTreeMap::new();
        for tx in &self.utxo {
            let place = tx.block.and_then(|block| placed.get(&block));
            if place.is_some_and(|place| !place.stands) {
                continue;
            }
            let mut tx = tx.clone();
            tx.height = tx.height.or(place.and_then(|place: &Placed| place.height));
            settled.entry(tx.id).or_insert(tx);
        }
        let outputs: HashMap<Outpoint, Output> = settled.values().flat_map(outputs).collect();
        for input in settled.values_mut().flat_map(|tx| &mut tx.inputs) {
            resolve(input, &outputs);
        }
        settled
    }
}

fn outputs(tx: &UtxoTransaction) -> impl Iterator<Item = (Outpoint, Output)> {
    (0u32..).zip(&tx.outputs).map(|(index, output)| (Outpoint { tx: tx.id, index }, output.clone()))
}

fn resolve(input: &mut Input, outputs: &HashMap<Outpoint, Output>) {
    if input.previous.is_none() {
        input.previous = outputs.get(&input.outpoint).cloned();
    }
}

/// A Bitcoin transaction as transfers: its known inputs, then its outputs.
pub fn legs(tx: &UtxoTransaction) -> Vec<Transfer> {
    let leg = |position: Position, output: &Output| {
        let address = Some(output.address.clone());
        let is_input = matches!(position, Position::Input(_));
        Transfer {
            tx: tx.id,
            position,
            height: tx.height,
            tx_index: tx.index,
            time: tx.time,
            time_source: TimeSource::Stated,
            from: address.clone().filter(|_| is_input),
            to: address.filter(|_| !is_input),
            asset: Asset::native(tx.id.chain),
            amount: U256::from(output.value),
            kind: if tx.is_coinbase { TransferKind::Reward } else { TransferKind::Value },
        }
    };
    let inputs = (0u32..).zip(&tx.inputs).filter_map(|(n, input)| Some((Position::Input(n), input.previous.as_ref()?)));
    let outputs = (0u32..).zip(&tx.outputs).map(|(n, output)| (Position::Output(n), output));
    inputs.chain(outputs).map(|(position, output)| leg(position, output)).collect()
}

/// Drops each transfer without position that has a positioned equal.
fn merge_equals(transfers: Vec<Transfer>) -> Vec<Transfer> {
    let mut groups: BTreeMap<(TxId, Equal), (Vec<Transfer>, Vec<Transfer>)> = BTreeMap::new();
    for transfer in transfers {
        let group = groups.entry((transfer.tx, transfer.equal())).or_default();
        match transfer.position {
            Position::Nth(_) => group.1.push(transfer),
            _ => group.0.push(transfer),
        }
    }
    let mut merged = Vec::new();
    for (mut positioned, nth) in groups.into_values() {
        for transfer in nth {
            let Position::Nth(n) = transfer.position else { continue };
            match positioned.get_mut(n as usize) {
                Some(known) => complete(known, &transfer),
                None => merged.push(transfer),
            }
        }
        merged.extend(positioned);
    }
    merged
}

/// Fills what one source left open from what another says.
fn complete(known: &mut Transfer, other: &Transfer) {
    known.height = known.height.or(other.height);
    known.tx_index = known.tx_index.or(other.tx_index);
    if other.time_source < known.time_source {
        known.time = other.time;
        known.time_source = other.time_source;
    }
}

fn merge_meta(assets: &mut BTreeMap<Asset, AssetMeta>, meta: AssetMeta) {
    let known = assets.entry(meta.asset.clone()).or_insert_with(|| AssetMeta::unknown(meta.asset.clone()));
    known.symbol = known.symbol.take().or(meta.symbol);
    known.decimals = known.decimals.or(meta.decimals);
    if known.freezable == crate::Freezable::Unknown {
        known.freezable = meta.freezable;
    }
}

