//! Takes in a chain in order of time and keeps its clusters.
//!
//! In: transactions, one after the other, final ones first, then those of blocks that may be undone. Out:
//! [`Clusters`], the CoinJoin rounds that were met, and counts. A CoinJoin is recognised before anything else is
//! asked of a transaction, and merges nothing.
//!
//! Account chains: transfers of nothing and of tokens nobody vouches for are passed over, since anybody can make
//! those in anybody's name.

mod code;
mod place;

use std::collections::BTreeMap;

use model::{
    Account, Address, Asset, Chain, Registry, Transfer, TransferKind, TxHash, TxId, UtxoTransaction,
};

use crate::cluster::logged::Logged;
use crate::cluster::names::Names;
use crate::cluster::{Clusters, Excluded, Mark};
use crate::coinjoin::{self, Family, Past};
use crate::heuristics::change::{self, Payment};
use crate::heuristics::deposit::{self, Arrived, Holders};
use crate::heuristics::funding::{self, Collectors, Funders};
use crate::heuristics::peel_chain::{self, Waiting};
use crate::heuristics::{Merge, Met, Rule, Rules, co_spend, same_key};
use crate::script::can_be_owned;

pub use code::CodeError;
pub use place::Place;

pub struct Clusterer {
    chain: Chain,
    rules: Rules,
    services: Services,
    names: Names,
    clusters: Clusters,
    rounds: Rounds,
    waiting: Waiting,
    holders: Holders,
    funders: Funders,
    collectors: Collectors,
    /// Those that are vouched for and were met.
    assets: Vec<Asset>,
    /// Where each block that can be undone begins.
    hot: Vec<Hot>,
    last: Option<Place>,
    taken: Taken,
}

/// How much was taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub transactions: u64,
    /// Transfers, or inputs and outputs.
    pub transfers: u64,
    /// Transactions that could be a CoinJoin, were all inputs known: they merge nothing.
    pub unsure: u64,
}

/// Addresses that pay for many, by their bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    kinds: BTreeMap<Box<[u8]>, ServiceKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServiceKind {
    /// Gives its customers addresses of their own.
    Exchange,
    Other,
}

type Rounds = Logged<TxHash, Family>;

impl Past for Rounds {
    fn family(&self, tx: &TxHash) -> Option<Family> {
        self.get(tx).copied()
    }
}

/// The moment before a block.
struct Hot {
    height: u64,
    mark: Mark,
    names: usize,
    assets: usize,
    logs: [usize; 5],
    last: Option<Place>,
    taken: Taken,
}

/// What waits is looked through for what waited too long after so many transactions.
const FORGET_EVERY: u64 = 1 << 18;
/// The number of an output that nobody owns.
const NOBODY: u32 = u32::MAX;

impl Clusterer {
    pub fn new(chain: Chain, rules: Rules, services: Services, excluded: Excluded) -> Clusterer {
        Clusterer {
            chain,
            rules,
            services,
            names: Names::default(),
            clusters: Clusters::new(excluded),
            rounds: Rounds::default(),
            waiting: Waiting::default(),
            holders: Holders::default(),
            funders: Funders::default(),
            collectors: Collectors::default(),
            assets: Vec::new(),
            hot: Vec::new(),
            last: None,
            taken: Taken::default(),
        }
    }

    pub fn chain(&self) -> Chain {
        self.chain
    }

    pub fn rules(&self) -> Rules {
        self.rules
    }

    pub fn clusters(&self) -> &Clusters {
        &self.clusters
    }

    pub fn taken(&self) -> Taken {
        self.taken
    }

    /// The last transaction that was taken in.
    pub fn last(&self) -> Option<&Place> {
        self.last.as_ref()
    }

    /// The number of an address that was met.
    pub fn number(&self, address: &Address) -> Option<u32> {
        self.names.number(address.bytes())
    }

    /// # Panics
    /// When there is no such number.
    pub fn account(&self, number: u32) -> Account {
        let bytes = self.names.get(number);
        let address = Address::from_bytes(bytes, self.chain);
        Account { chain: self.chain, address: address.expect("it was an address when it was met") }
    }

    /// Every CoinJoin round that was met, by hash.
    pub fn rounds(&self) -> Vec<(TxHash, Family)> {
        self.rounds.sorted().into_iter().map(|(hash, family)| (*hash, *family)).collect()
    }

    pub fn family(&self, tx: &TxHash) -> Option<Family> {
        self.rounds.family(tx)
    }

    /// Takes back what a transaction merged.
    pub fn exclude(&mut self, tx: TxHash) {
        self.with_marks(|clusters, marks| clusters.exclude(tx, marks));
    }

    /// Takes back what a rule merged.
    pub fn exclude_rule(&mut self, rule: Rule) {
        self.with_marks(|clusters, marks| clusters.exclude_rule(rule, marks));
    }

    fn with_marks(&mut self, work: impl FnOnce(&mut Clusters, &mut [Mark])) {
        let mut marks: Vec<Mark> = self.hot.iter().map(|hot| hot.mark).collect();
        work(&mut self.clusters, &mut marks);
        self.hot.iter_mut().zip(marks).for_each(|(hot, mark)| hot.mark = mark);
    }

    /// What comes from here on is of a block that may be undone.
    pub fn begin_hot(&mut self, height: u64) {
        self.log_changes(true);
        let hot = Hot {
            height,
            mark: self.clusters.mark(),
            names: self.names.len(),
            assets: self.assets.len(),
            logs: self.log_marks(),
            last: self.last.clone(),
            taken: self.taken,
        };
        self.hot.push(hot);
    }

    /// The last block that can be undone.
    pub fn hot_height(&self) -> Option<u64> {
        self.hot.last().map(|hot| hot.height)
    }

    /// Forgets the blocks above a height, or all that can be forgotten.
    pub fn unwind(&mut self, to: Option<u64>) {
        while let Some(hot) = self.hot.pop_if(|hot| to.is_none_or(|to| hot.height > to)) {
            self.clusters.undo_to(hot.mark);
            self.names.truncate(hot.names);
            self.assets.truncate(hot.assets);
            self.undo_logs(hot.logs);
            (self.last, self.taken) = (hot.last, hot.taken);
        }
        self.log_changes(!self.hot.is_empty());
    }

    /// The blocks up to a height can no longer be undone.
    pub fn settle(&mut self, to: u64) {
        let settled = self.hot.iter().take_while(|hot| hot.height <= to).count();
        if settled == 0 {
            return;
        }
        let (end, logs) = match self.hot.get(settled) {
            Some(next) => (next.mark, next.logs),
            None => (self.clusters.mark(), self.log_marks()),
        };
        self.hot.drain(..settled);
        self.with_marks(|clusters, marks| clusters.settle(end, marks));
        self.settle_logs(logs);
        for hot in &mut self.hot {
            hot.logs.iter_mut().zip(logs).for_each(|(mark, settled)| *mark -= settled);
        }
        self.log_changes(!self.hot.is_empty());
    }

    fn log_changes(&mut self, is_on: bool) {
        self.rounds.log_changes(is_on);
        self.waiting.log_changes(is_on);
        self.holders.log_changes(is_on);
        self.funders.log_changes(is_on);
        self.collectors.log_changes(is_on);
    }

    fn log_marks(&self) -> [usize; 5] {
        let Clusterer { rounds, waiting, holders, funders, collectors, .. } = self;
        [rounds.mark(), waiting.mark(), holders.mark(), funders.mark(), collectors.mark()]
    }

    fn undo_logs(&mut self, [rounds, waiting, holders, funders, collectors]: [usize; 5]) {
        self.rounds.undo_to(rounds);
        self.waiting.undo_to(waiting);
        self.holders.undo_to(holders);
        self.funders.undo_to(funders);
        self.collectors.undo_to(collectors);
    }

    fn settle_logs(&mut self, [rounds, waiting, holders, funders, collectors]: [usize; 5]) {
        self.rounds.settle(rounds);
        self.waiting.settle(waiting);
        self.holders.settle(holders);
        self.funders.settle(funders);
        self.collectors.settle(collectors);
    }

    /// Takes in the next Bitcoin transaction.
    pub fn take_utxo(&mut self, tx: &UtxoTransaction) {
        let inputs: Vec<u32> = tx
            .inputs
            .iter()
            .filter_map(|input| input.previous.as_ref())
            .map(|output| self.meet(&output.address).number)
            .filter(|number| *number != NOBODY)
            .collect();
        let mut merges = Vec::new();
        let met: Vec<Met> = tx.outputs.iter().map(|output| self.meet(&output.address)).collect();
        if self.rules.has(Rule::SameKey) {
            let fresh = met.iter().zip(&tx.outputs).filter(|(met, _)| met.is_fresh);
            fresh.for_each(|(met, output)| self.same_keys(*met, &output.address, &mut merges));
        }
        if self.rules.has(Rule::PeelChain) {
            let decided = peel_chain::spent(&mut self.waiting, tx).into_iter();
            merges.extend(decided.map(|(a, b)| Merge { a, b, rule: Rule::PeelChain }));
        }
        self.payment(tx, &inputs, &met, &mut merges);
        self.put(tx.id, &merges);
        let legs = (tx.inputs.len() + tx.outputs.len()) as u64;
        self.note(Place::of_utxo(tx), legs);
    }

    /// What the owner of the inputs is shown to own, unless there are several.
    fn payment(
        &mut self,
        tx: &UtxoTransaction,
        inputs: &[u32],
        met: &[Met],
        merges: &mut Vec<Merge>,
    ) {
        if let Some(round) = coinjoin::recognise(tx, &self.rounds) {
            return self.rounds.set(tx.id.hash, Some(round.family));
        }
        if coinjoin::may_be(tx) {
            self.taken.unsure += 1;
            return;
        }
        if self.rules.has(Rule::CoSpend) {
            merges.extend(co_spend::merges(inputs));
        }
        let known: Option<Vec<_>> = tx.inputs.iter().map(|input| input.previous.as_ref()).collect();
        let (Some(owner), Some(known)) = (inputs.first(), known) else { return };
        let payment = Payment { inputs: known, outputs: &tx.outputs, met };
        if let Some((at, rule)) = change::find(&payment, self.rules)
            && met[at].number != *owner
        {
            merges.push(Merge { a: *owner, b: met[at].number, rule });
        }
        if self.rules.has(Rule::PeelChain) {
            let outputs: Vec<u32> = met.iter().map(|met| met.number).collect();
            if let Some(pending) = peel_chain::begins(tx, inputs, &outputs) {
                self.waiting.set(tx.id.hash, Some(pending));
            }
        }
    }

    fn same_keys(&self, met: Met, address: &Address, merges: &mut Vec<Merge>) {
        for form in same_key::other_forms(address) {
            if let Some(a) = self.names.number(form.bytes())
                && a != met.number
            {
                merges.push(Merge { a, b: met.number, rule: Rule::SameKey });
            }
        }
    }

    /// Takes in the next transaction of an account chain: all its transfers, in their order.
    pub fn take_transfers(&mut self, transfers: &[Transfer]) {
        let Some(first) = transfers.first() else { return };
        let mut merges = Vec::new();
        for transfer in transfers {
            let is_value = transfer.kind == TransferKind::Value && !transfer.amount.is_zero();
            if is_value && is_vouched_for(&transfer.asset) {
                self.transfer(transfer, &mut merges);
            }
        }
        self.put(first.tx, &merges);
        self.note(Place::of_transfer(first), transfers.len() as u64);
    }

    fn transfer(&mut self, transfer: &Transfer, merges: &mut Vec<Merge>) {
        let from =
            transfer.from.as_ref().map(|address| (self.meet(address), self.service(address)));
        let to = transfer.to.as_ref().map(|address| (self.meet(address), self.service(address)));
        let (Some((from, None)), Some((to, payee))) = (from, to) else { return };
        let (sender, receiver, time) = (from.number, to.number, transfer.time.as_second());
        if self.rules.has(Rule::DepositReuse) {
            let asset = self.asset(&transfer.asset);
            if payee == Some(ServiceKind::Exchange) {
                let amount = transfer.amount;
                merges.extend(deposit::swept(&mut self.holders, sender, asset, amount, time));
            } else {
                deposit::paid_another(&mut self.holders, sender);
            }
            if payee.is_none() {
                let paid = Arrived { from: sender, asset, amount: transfer.amount, time };
                deposit::arrived(&mut self.holders, receiver, paid);
            }
        }
        if self.rules.has(Rule::SharedFunding) && payee.is_none() {
            if to.is_fresh {
                funding::funded(&mut self.funders, sender, receiver);
            }
            merges.extend(funding::paid(&self.funders, &mut self.collectors, sender, receiver));
        }
    }

    fn service(&self, address: &Address) -> Option<ServiceKind> {
        self.services.kinds.get(address.bytes()).copied()
    }

    fn asset(&mut self, asset: &Asset) -> u32 {
        let known = self.assets.iter().position(|known| known == asset);
        let at = known.unwrap_or_else(|| {
            self.assets.push(asset.clone());
            self.assets.len() - 1
        });
        u32::try_from(at).expect("few assets are vouched for")
    }

    fn meet(&mut self, address: &Address) -> Met {
        if !can_be_owned(address) {
            return Met { number: NOBODY, is_fresh: false };
        }
        let met = self.names.meet(address.bytes());
        if met.is_fresh {
            self.clusters.grow(self.names.len());
        }
        met
    }

    fn put(&mut self, tx: TxId, merges: &[Merge]) {
        self.clusters.merge(merges, tx.hash, self.hot.is_empty());
    }

    fn note(&mut self, place: Place, transfers: u64) {
        let now = place.time.as_second();
        self.last = Some(place);
        self.taken.transactions += 1;
        self.taken.transfers += transfers;
        if self.taken.transactions.is_multiple_of(FORGET_EVERY) {
            let oldest = now - 2 * peel_chain::DAYS_MAX * 86_400;
            self.waiting.retain(|pending| pending.time >= oldest);
        }
    }
}

/// The chain's own asset, or a token the registry knows: of any other nobody knows who made its transfers.
fn is_vouched_for(asset: &Asset) -> bool {
    asset.is_native() || Registry::shipped().get(asset).is_some()
}

impl Services {
    /// The first kind an address is given stays, and an exchange is one whatever else it is.
    pub fn add(&mut self, address: &Address, kind: ServiceKind) {
        let known = self.kinds.entry(address.bytes().into()).or_insert(kind);
        *known = (*known).min(kind);
    }

    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Bytes that say all of them, to tell whether they changed.
    pub fn said(&self) -> impl Iterator<Item = (&[u8], ServiceKind)> {
        self.kinds.iter().map(|(bytes, kind)| (&bytes[..], *kind))
    }
}
