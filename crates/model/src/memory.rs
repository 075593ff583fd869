//! The slow, obviously right [`View`]: everything in memory, nothing clever.
//!
//! It takes [`Fact`]s in any order and settles what several sources say of the
//! same transfer by the same rules every store must follow:
//! - a transfer is its transaction and position; one without a position is the
//!   n-th equal one of its transaction, and merges with a positioned equal;
//! - where traces cover a block they replace the transactions' own value;
//! - a failed transaction moved only its fee;
//! - an event of a non-fungible token is not an amount;
//! - a Bitcoin transaction counts when its block stands, and then replaces
//!   what rows say of it.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use crate::headers::{self, Placed};
use crate::transfer::Equal;
use crate::{
    Account, Asset, AssetKind, AssetMeta, BlockFact, Chain, Coverage, Degree, Direction, Evidence,
    Expansion, Fact, Freezable, Freeze, Freezes, Input, Limits, Outpoint, Output, Position,
    Reached, Seek, Spend, TimeSource, Timestamp, Transaction, Transfer, TransferKind, TxHash, TxId,
    U256, UtxoTransaction, View, ViewError,
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
    freezes: Vec<Freeze>,
}

impl Memory {
    pub fn from_facts(facts: impl IntoIterator<Item = Fact>) -> Memory {
        let mut heap = Heap::default();
        for fact in facts {
            heap.take(fact);
        }
        heap.settle()
    }

    /// A past that was settled before: nothing is merged or decided again.
    pub fn settled(
        mut transfers: Vec<Transfer>,
        utxo: Vec<UtxoTransaction>,
        assets: Vec<AssetMeta>,
    ) -> Memory {
        transfers.extend(utxo.iter().flat_map(legs));
        let utxo = utxo.into_iter().map(|tx| (tx.id, tx)).collect();
        let assets = assets.into_iter().map(|meta| (meta.asset.clone(), meta)).collect();
        Memory::index(transfers, utxo, assets)
    }

    /// Every transfer, legs of Bitcoin transactions included, in time order.
    pub fn transfers(&self) -> &[Transfer] {
        &self.transfers
    }

    /// What issuers did to holders, in time order.
    pub fn freezes(&self) -> &[Freeze] {
        &self.freezes
    }

    fn index(
        transfers: Vec<Transfer>,
        utxo: BTreeMap<TxId, UtxoTransaction>,
        assets: BTreeMap<Asset, AssetMeta>,
    ) -> Memory {
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
    fn expand(
        &self,
        direction: Direction,
        frontier: &[Seek],
        limits: &Limits,
    ) -> Result<Expansion, ViewError> {
        let reached = frontier.iter().map(|seek| {
            let places = match direction {
                Direction::Forward => self.sent.get(&seek.account),
                Direction::Backward => self.received.get(&seek.account),
            };
            let mut transfers: Vec<Transfer> = self
                .at(places)
                .filter(|transfer| {
                    limits.lets_through(transfer) && seek.lets_through(direction, transfer)
                })
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
            .map(|account| Degree {
                sent: count(self.sent.get(account)),
                received: count(self.received.get(account)),
            })
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
        for transfer in
            self.transfers.iter().filter(|t| t.tx.chain == chain && limits.lets_through(t))
        {
            if visit(transfer).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn assets(&self, assets: &[Asset]) -> Result<Vec<AssetMeta>, ViewError> {
        Ok(assets
            .iter()
            .map(|asset| {
                self.assets.get(asset).cloned().unwrap_or_else(|| AssetMeta::unknown(asset.clone()))
            })
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
    claims: Vec<Claim>,
    utxo: Vec<UtxoTransaction>,
    blocks: Vec<BlockFact>,
    covered: BTreeSet<(Chain, u64)>,
    failed: BTreeSet<TxId>,
    nfts: BTreeSet<(TxId, u32)>,
    assets: BTreeMap<Asset, AssetMeta>,
    freezes: Freezes,
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
            Fact::Asset(meta) => {
                let known = self.assets.entry(meta.asset.clone());
                merge_meta(known.or_insert_with(|| AssetMeta::unknown(meta.asset.clone())), &meta);
            }
            Fact::Freeze(freeze) => self.freezes.add(freeze),
            Fact::Coinbase { .. } | Fact::Oddity(_) => {}
        }
    }

    fn settle(self) -> Memory {
        let utxo = self.settle_utxo();
        let mut transfers = self.settle_account(&utxo);
        transfers.extend(utxo.values().flat_map(legs));
        let freezes = self.freezes.into_vec();
        Memory { freezes, ..Memory::index(transfers, utxo, self.assets) }
    }

    /// What rows say of a Bitcoin transaction counts until it is held itself.
    fn settle_account(&self, utxo: &BTreeMap<TxId, UtxoTransaction>) -> Vec<Transfer> {
        let mut by_tx: BTreeMap<TxId, Vec<Claim>> = BTreeMap::new();
        for claim in self.claims.iter().filter(|claim| !utxo.contains_key(&claim.0.tx)) {
            by_tx.entry(claim.0.tx).or_default().push(claim.clone());
        }
        by_tx
            .into_iter()
            .flat_map(|(tx, claims)| {
                let told = self.told(&tx, &claims);
                settle_transaction(claims, &told)
            })
            .map(|transfer| self.with_time(transfer))
            .collect()
    }

    fn told(&self, tx: &TxId, claims: &[Claim]) -> Told {
        let heights = claims.iter().filter_map(|(transfer, _)| transfer.height);
        Told {
            is_failed: self.failed.contains(tx),
            nft_logs: self.nfts.range((*tx, 0)..=(*tx, u32::MAX)).map(|(_, log)| *log).collect(),
            covered: heights.filter(|height| self.covered.contains(&(tx.chain, *height))).collect(),
        }
    }

    fn with_time(&self, mut transfer: Transfer) -> Transfer {
        if transfer.time_source == TimeSource::Stated {
            return transfer;
        }
        let Some(height) = transfer.height else {
            return transfer;
        };
        let blocks = self.blocks.iter().filter(|b| b.chain == transfer.tx.chain);
        let stated = self
            .claims
            .iter()
            .map(|(t, _)| t)
            .filter(|t| t.tx.chain == transfer.tx.chain && t.time_source == TimeSource::Stated);
        let known = blocks
            .filter_map(|b| Some((b.height?, b.time)))
            .chain(stated.filter_map(|t| Some((t.height?, t.time))));
        if let Some((at, time)) = known.filter(|(at, _)| *at <= height).max() {
            transfer.time = time;
            transfer.time_source =
                if at == height { TimeSource::Stated } else { TimeSource::Estimated };
        }
        transfer
    }

    fn settle_utxo(&self) -> BTreeMap<TxId, UtxoTransaction> {
        let mut blocks: BTreeMap<Chain, Vec<&BlockFact>> = BTreeMap::new();
        for block in &self.blocks {
            blocks.entry(block.chain).or_default().push(block);
        }
        let placed: BTreeMap<Chain, HashMap<TxHash, Placed>> =
            blocks.into_iter().map(|(chain, blocks)| (chain, headers::place(blocks))).collect();
        let mut by_id: BTreeMap<TxId, Vec<UtxoTransaction>> = BTreeMap::new();
        for tx in &self.utxo {
            let place = tx.block.and_then(|block| placed.get(&tx.id.chain)?.get(&block));
            by_id.entry(tx.id).or_default().extend(place_transaction(tx.clone(), place));
        }
        let mut settled: BTreeMap<TxId, UtxoTransaction> = by_id
            .into_iter()
            .filter_map(|(id, claims)| Some((id, merge_transactions(claims)?)))
            .collect();
        let outputs: HashMap<Outpoint, Output> = settled.values().flat_map(outputs).collect();
        for input in settled.values_mut().flat_map(|tx| &mut tx.inputs) {
            resolve(input, &outputs);
        }
        settled
    }
}

/// A transfer as one source tells it.
pub type Claim = (Transfer, Evidence);

/// What is said of a transaction beside its transfers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub is_failed: bool,
    /// The log indexes that move a non-fungible token.
    pub nft_logs: BTreeSet<u32>,
    /// Those of its claims' heights that traces cover.
    pub covered: BTreeSet<u64>,
}

/// Settles what all sources claim of one transaction, in whatever order they
/// came. Times are left as claimed: those need the whole chain.
pub fn settle_transaction(claims: Vec<Claim>, told: &Told) -> Vec<Transfer> {
    let mut kept: Vec<Claim> = claims.into_iter().filter(|claim| told.lets_stand(claim)).collect();
    kept.sort_by(best_first);
    let kept: Vec<Transfer> = kept.into_iter().map(|(transfer, _)| told.as_nft(transfer)).collect();
    let nfts: BTreeSet<Equal> = kept.iter().filter_map(as_if_fungible).collect();
    let mut by_id: BTreeMap<_, Transfer> = BTreeMap::new();
    for mut transfer in kept {
        // A row has no log index to say it moves an NFT; its positioned equal has.
        if matches!(transfer.position, Position::Nth(_)) && nfts.contains(&transfer.equal()) {
            transfer = into_nft(transfer);
        }
        by_id
            .entry(transfer.id())
            .and_modify(|known| complete(known, &transfer))
            .or_insert(transfer);
    }
    merge_equals(by_id.into_values().collect())
}

/// The better known claim first, so that merging keeps what it says; then an
/// order of content, so that the order of files never matters.
fn best_first((a, a_evidence): &Claim, (b, b_evidence): &Claim) -> Ordering {
    let rank = |transfer: &Transfer, evidence: &Evidence| {
        (
            transfer.time_source,
            transfer.height.is_none(),
            transfer.tx_index.is_none(),
            *evidence == Evidence::Row,
        )
    };
    rank(a, a_evidence)
        .cmp(&rank(b, b_evidence))
        .then_with(|| a.cmp_time(b))
        .then_with(|| a.kind.cmp(&b.kind))
}

impl Told {
    fn lets_stand(&self, (transfer, evidence): &Claim) -> bool {
        let is_fee = transfer.kind == TransferKind::Fee;
        let is_replaced = *evidence == Evidence::Transaction
            && transfer.height.is_some_and(|height| self.covered.contains(&height));
        is_fee || !(is_replaced || self.is_failed)
    }

    fn as_nft(&self, transfer: Transfer) -> Transfer {
        match transfer.position {
            Position::Log(log) if self.nft_logs.contains(&log) => into_nft(transfer),
            _ => transfer,
        }
    }
}

/// What was taken for an amount of a token is the token's id.
fn into_nft(mut transfer: Transfer) -> Transfer {
    if let AssetKind::Token(contract) = transfer.asset.kind {
        transfer.asset.kind = AssetKind::Nft { contract, id: transfer.amount };
        transfer.amount = U256::from(1);
        transfer.kind = TransferKind::Nft;
    }
    transfer
}

/// A positioned NFT as a source would tell it that takes its id for an amount.
fn as_if_fungible(transfer: &Transfer) -> Option<Equal> {
    let AssetKind::Nft { contract, id } = &transfer.asset.kind else {
        return None;
    };
    let asset = Asset::token(transfer.asset.chain, contract.clone());
    let is_positioned = !matches!(transfer.position, Position::Nth(_));
    is_positioned.then(|| Equal { asset, amount: *id, ..transfer.equal() })
}

/// A transaction where its block is; none when that block lost.
pub fn place_transaction(
    mut tx: UtxoTransaction,
    place: Option<&Placed>,
) -> Option<UtxoTransaction> {
    if place.is_some_and(|place| !place.stands) {
        return None;
    }
    tx.height = tx.height.or(place.and_then(|place| place.height));
    Some(tx)
}

/// One transaction from all that is said of it, in whatever order: the best
/// placed claim, completed from the others. None from none.
pub fn merge_transactions(mut claims: Vec<UtxoTransaction>) -> Option<UtxoTransaction> {
    claims.sort_by(best_placed_first);
    let mut claims = claims.into_iter();
    let mut known = claims.next()?;
    for other in claims {
        known.height = known.height.or(other.height);
        known.index = known.index.or(other.index);
        known.block = known.block.or(other.block);
        for (input, told) in known.inputs.iter_mut().zip(other.inputs) {
            if input.outpoint == told.outpoint {
                input.previous = input.previous.take().or(told.previous);
            }
        }
    }
    Some(known)
}

/// The one that knows its place first, then the lower one, then by content.
fn best_placed_first(a: &UtxoTransaction, b: &UtxoTransaction) -> Ordering {
    let place = |tx: &UtxoTransaction| {
        (
            tx.height.is_none(),
            tx.height,
            tx.index.is_none(),
            tx.index,
            tx.time,
            tx.block.is_none(),
            tx.block,
            tx.is_coinbase,
        )
    };
    let output = |output: &Output| (output.address.clone(), output.value);
    let outputs = |tx: &UtxoTransaction| tx.outputs.iter().map(output).collect::<Vec<_>>();
    let inputs = |tx: &UtxoTransaction| {
        let input = |input: &Input| {
            (input.outpoint, input.previous.is_none(), input.previous.as_ref().map(output))
        };
        tx.inputs.iter().map(input).collect::<Vec<_>>()
    };
    place(a)
        .cmp(&place(b))
        .then_with(|| outputs(a).cmp(&outputs(b)))
        .then_with(|| inputs(a).cmp(&inputs(b)))
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
    let inputs = (0u32..).take(tx.inputs.len()).map(Position::Input);
    let outputs = (0u32..).take(tx.outputs.len()).map(Position::Output);
    inputs.chain(outputs).filter_map(|position| leg(tx, position)).collect()
}

/// One leg of a Bitcoin transaction; none for an input that is not known.
pub fn leg(tx: &UtxoTransaction, position: Position) -> Option<Transfer> {
    let (output, is_input) = match position {
        Position::Input(n) => (tx.inputs.get(n as usize)?.previous.as_ref()?, true),
        Position::Output(n) => (tx.outputs.get(n as usize)?, false),
        _ => return None,
    };
    let address = Some(output.address.clone());
    Some(Transfer {
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
    })
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
            let Position::Nth(n) = transfer.position else {
                continue;
            };
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

/// Where sources differ, the lower symbol and the fewer decimals are kept, and
/// that an issuer can freeze: a rule, so that the order of files never matters.
pub fn merge_meta(known: &mut AssetMeta, told: &AssetMeta) {
    known.symbol = known.symbol.take().into_iter().chain(told.symbol.clone()).min();
    known.decimals = known.decimals.into_iter().chain(told.decimals).min();
    known.freezable = match (known.freezable, told.freezable) {
        (Freezable::Yes, _) | (_, Freezable::Yes) => Freezable::Yes,
        (Freezable::No, _) | (_, Freezable::No) => Freezable::No,
        (Freezable::Unknown, Freezable::Unknown) => Freezable::Unknown,
    };
}
