//! The walk: which accounts and outputs taint can reach, in how few transfers.
//!
//! Level by level, a batch a level: what taint of any policy could reach is
//! reached here, whatever the policy makes of it later. In: a view, the book,
//! the settings. Out: whole ledgers of the accounts walked through, Bitcoin
//! transactions walked through, the depth of every followed transfer, and every
//! place the walk stopped with the reason. Taint itself is [`crate::settle`]'s.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Account, Asset, AssetMeta, Book, Direction, Expansion, Finding, Limits, Outpoint, Output, Role,
    Seek, Transaction, Transfer, TransferId, TransferKind, TxId, U256, UtxoTransaction, View,
    ViewError,
};

use crate::crossing::{self, Crossing};
use crate::poisoning;
use crate::settings::{MinValue, Settings, Source};
use crate::{TraceError, order};

/// A transfer's place in [`Gathered::transfers`].
pub type At = usize;

#[derive(Debug, Default)]
pub struct Gathered {
    pub transfers: Vec<Transfer>,
    places: BTreeMap<TransferId, At>,
    /// Account chains: the whole known history of each account walked through.
    pub ledgers: BTreeMap<Account, Vec<At>>,
    /// Fewest transfers from a source, for each followed transfer.
    pub depths: BTreeMap<At, u32>,
    /// Transfers of a source transaction: tainted whatever their sender holds.
    pub forced: BTreeSet<At>,
    /// Transfers kept out of the walk, and by which finding.
    pub excluded: BTreeMap<At, model::FindingKind>,
    pub findings: Vec<Finding>,
    pub crossings: Vec<Crossing>,
    pub crossings_at: BTreeMap<Account, Vec<usize>>,
    /// Bitcoin: transactions walked through, by the depth of their outputs.
    pub utxo: BTreeMap<TxId, UtxoTransaction>,
    pub utxo_depths: BTreeMap<TxId, u32>,
    /// Bitcoin: outpoints of the sources themselves.
    pub source_outpoints: BTreeSet<Outpoint>,
    pub source_accounts: BTreeSet<Account>,
    /// Bitcoin: who holds each outpoint seen, and how much.
    pub holders: BTreeMap<Outpoint, Output>,
    pub outpoint_stops: BTreeMap<Outpoint, Stop>,
    pub stops: BTreeMap<Account, Stop>,
    pub roles: BTreeMap<Account, Role>,
    pub metas: BTreeMap<Asset, AssetMeta>,
    /// Days and assets a comparison wanted a price for and had none.
    pub unpriced: BTreeSet<(Asset, model::Date)>,
    /// Accounts whose history the view does not vouch for.
    pub incomplete: BTreeSet<Account>,
    /// Accounts with more transfers than the budget let in.
    pub truncated: BTreeSet<Account>,
    budget_left: usize,
}

/// Why the walk ended at an account.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// Labelled as a place where many people's money mixes.
    Service,
    /// As many transfers away as the settings allow.
    Hops,
    /// The budget of transfers was used up.
    Budget,
    /// So many transfers that it must be a service nobody labelled.
    Hub,
    /// Too little to be a payment.
    Dust,
}

pub fn gather(view: &dyn View, book: &Book, settings: &Settings) -> Result<Gathered, TraceError> {
    let mut walk = Walk::new(view, book, settings);
    let mut frontier = walk.start()?;
    let mut receivers = std::mem::take(&mut walk.receivers);
    let mut level = 0;
    while !frontier.is_empty() || !receivers.is_empty() {
        frontier = walk.step(frontier, level)?;
        frontier.accounts.append(&mut receivers);
        level += 1;
    }
    Ok(walk.out)
}

#[derive(Default)]
struct Frontier {
    accounts: BTreeSet<Account>,
    outpoints: BTreeSet<Outpoint>,
}

impl Frontier {
    fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.outpoints.is_empty()
    }
}

/// A walk under way. The highest-value route drives it one account at a time.
pub struct Walk<'a> {
    view: &'a dyn View,
    book: &'a Book,
    settings: &'a Settings,
    pub out: Gathered,
    /// Receivers of a source transaction: one transfer away from the start.
    receivers: BTreeSet<Account>,
}

impl<'a> Walk<'a> {
    pub fn new(view: &'a dyn View, book: &'a Book, settings: &'a Settings) -> Walk<'a> {
        let mut out = Gathered { budget_left: settings.budget, ..Gathered::default() };
        for decision in &settings.crossings {
            if let crate::CrossingDecision::Declared(declared) = decision {
                out.roles.insert(declared.venue.clone(), Role::Swap);
            }
        }
        Walk { view, book, settings, out, receivers: BTreeSet::new() }
    }

    fn start(&mut self) -> Result<Frontier, TraceError> {
        let mut frontier = Frontier::default();
        for source in &self.settings.sources {
            match source {
                Source::Account(account) if account.chain.is_utxo() => {
                    self.start_address(account, &mut frontier)?
                }
                Source::Account(account) => {
                    self.out.source_accounts.insert(account.clone());
                    frontier.accounts.insert(account.clone());
                }
                Source::Outpoint(outpoint) => self.start_outpoint(*outpoint, &mut frontier)?,
                Source::Transaction(tx) => self.start_transaction(tx, &mut frontier)?,
            }
        }
        Ok(frontier)
    }

    /// Everything a Bitcoin address sent (backward: received) in the window.
    fn start_address(
        &mut self,
        account: &Account,
        frontier: &mut Frontier,
    ) -> Result<(), TraceError> {
        self.out.source_accounts.insert(account.clone());
        let seek = Seek::all(account.clone());
        let limits =
            Limits { since: self.settings.since, until: self.settings.until, ..Limits::NONE };
        let legs = self.view.expand(self.settings.direction, &[seek], &limits)?;
        let ids: BTreeSet<TxId> =
            legs.reached.iter().flat_map(|r| &r.transfers).map(|leg| leg.tx).collect();
        for tx in self.bitcoin(&ids)? {
            let own = own_outpoints(&tx, account, self.settings.direction);
            self.out.source_outpoints.extend(own.iter().copied());
            frontier.outpoints.extend(own);
        }
        Ok(())
    }

    fn start_outpoint(
        &mut self,
        outpoint: Outpoint,
        frontier: &mut Frontier,
    ) -> Result<(), TraceError> {
        let known = self.bitcoin(&BTreeSet::from([outpoint.tx]))?.into_iter().next();
        let exists = known.is_some_and(|tx| (outpoint.index as usize) < tx.outputs.len());
        if !exists {
            return Err(TraceError::UnknownSource { source_text: outpoint.to_string() });
        }
        self.out.source_outpoints.insert(outpoint);
        frontier.outpoints.insert(outpoint);
        Ok(())
    }

    fn start_transaction(&mut self, id: &TxId, frontier: &mut Frontier) -> Result<(), TraceError> {
        match self.view.transaction(id)? {
            None => Err(TraceError::UnknownSource { source_text: id.to_string() }),
            Some(Transaction::Utxo(tx)) => {
                let outpoints: Vec<Outpoint> = order::outpoints(&tx).collect();
                // Its outputs are held by somebody even where nobody spends them.
                self.bitcoin(&BTreeSet::from([*id]))?;
                self.out.source_outpoints.extend(outpoints.iter().copied());
                frontier.outpoints.extend(outpoints);
                Ok(())
            }
            Some(Transaction::Account { transfers, .. }) => {
                self.start_transfers(transfers);
                Ok(())
            }
        }
    }

    fn start_transfers(&mut self, transfers: Vec<Transfer>) {
        let direction = self.settings.direction;
        for transfer in transfers {
            let at = self.out.add(transfer);
            self.learn_assets(&[at]);
            self.screen_poisoning(&[at], None);
            let transfer = &self.out.transfers[at];
            if self.out.excluded.contains_key(&at) || transfer.kind == TransferKind::Fee {
                continue;
            }
            self.out.depths.insert(at, 1);
            self.out.forced.insert(at);
            self.receivers.extend(destination(&self.out.transfers[at], direction));
        }
    }

    /// One level: every account and output of the frontier, in batches.
    fn step(&mut self, frontier: Frontier, level: u32) -> Result<Frontier, TraceError> {
        let mut next = Frontier::default();
        self.step_accounts(&frontier.accounts, level, &mut next)?;
        self.step_outpoints(frontier.outpoints, level, &mut next)?;
        Ok(next)
    }

    fn step_accounts(
        &mut self,
        accounts: &BTreeSet<Account>,
        level: u32,
        next: &mut Frontier,
    ) -> Result<(), TraceError> {
        let new: Vec<Account> = accounts
            .iter()
            .filter(|account| !self.out.ledgers.contains_key(account))
            .cloned()
            .collect();
        let walked = self.admit(new, level)?;
        self.fetch(&walked)?;
        for account in accounts.iter().filter(|account| !account.chain.is_utxo()) {
            if self.out.ledgers.contains_key(account) {
                self.relax(account, next);
            }
        }
        Ok(())
    }

    /// Which of these accounts the walk may go through; the others get their stop.
    fn admit(&mut self, accounts: Vec<Account>, level: u32) -> Result<Vec<Account>, TraceError> {
        let degrees = self.view.degree(&accounts)?;
        let mut admitted = Vec::new();
        for (account, degree) in accounts.into_iter().zip(degrees) {
            let size = degree.sent.saturating_add(degree.received);
            let is_source = self.out.source_accounts.contains(&account);
            let stop = match self.role(&account) {
                Role::Service | Role::Mixer | Role::Bridge if !is_source => Some(Stop::Service),
                Role::Swap if !is_source => Some(Stop::Service),
                _ if self.settings.hops_max.is_some_and(|max| level >= max) => Some(Stop::Hops),
                _ if size > self.settings.hub_degree && !is_source => Some(Stop::Hub),
                _ if self.out.budget_left == 0 => Some(Stop::Budget),
                _ => None,
            };
            match stop {
                Some(stop) => drop(self.out.stops.insert(account, stop)),
                None => {
                    self.out.stops.remove(&account);
                    let size = usize::try_from(size).unwrap_or(usize::MAX);
                    self.out.budget_left = self.out.budget_left.saturating_sub(size);
                    admitted.push(account);
                }
            }
        }
        Ok(admitted)
    }

    /// Whole ledgers, both directions: balances before the taint matter too.
    pub fn fetch(&mut self, accounts: &[Account]) -> Result<(), TraceError> {
        if accounts.is_empty() {
            return Ok(());
        }
        let seeks: Vec<Seek> = accounts.iter().cloned().map(Seek::all).collect();
        // A source may be a hub: even it gives no more than the budget.
        let limits = Limits { per_account: self.settings.budget, ..Limits::NONE };
        let sent = self.view.expand(Direction::Forward, &seeks, &limits)?;
        let received = self.view.expand(Direction::Backward, &seeks, &limits)?;
        for account in accounts {
            self.out.ledgers.insert(account.clone(), Vec::new());
        }
        self.keep(sent);
        self.keep(received);
        for account in accounts {
            self.prepare(account);
        }
        Ok(())
    }

    fn keep(&mut self, expansion: Expansion) {
        for reached in expansion.reached {
            if !reached.is_complete {
                self.out.incomplete.insert(reached.account.clone());
            }
            if reached.is_truncated {
                self.out.truncated.insert(reached.account.clone());
            }
            for transfer in reached.transfers {
                let at = self.out.add(transfer);
                self.out.ledgers.entry(reached.account.clone()).or_default().push(at);
            }
        }
    }

    /// Orders an account's ledger, learns its assets, and reads it for poisoning
    /// and swaps.
    fn prepare(&mut self, account: &Account) {
        let mut ledger = self.out.ledgers.remove(account).unwrap_or_default();
        ledger.sort_unstable();
        ledger.dedup();
        order::in_time(&mut ledger, &self.out.transfers, account);
        self.learn_assets(&ledger);
        self.screen_poisoning(&ledger, Some(account));
        let venues = self.venues(account, &ledger);
        let found = crossing::infer(account, &ledger, &self.out, &venues, self.settings);
        self.out.unpriced.extend(found.unpriced);
        let first = self.out.crossings.len();
        self.out.crossings.extend(found.crossings);
        let own = first..self.out.crossings.len();
        self.out.crossings_at.entry(account.clone()).or_default().extend(own);
        self.out.ledgers.insert(account.clone(), ledger);
    }

    fn learn_assets(&mut self, ledger: &[At]) {
        let unknown: BTreeSet<Asset> = ledger
            .iter()
            .map(|at| self.out.transfers[*at].asset.clone())
            .filter(|asset| !self.out.metas.contains_key(asset))
            .collect();
        let unknown: Vec<Asset> = unknown.into_iter().collect();
        // What the view cannot say stays unknown; the walk does not depend on it.
        let metas = self.view.assets(&unknown).unwrap_or_default();
        for (asset, meta) in unknown.into_iter().zip(metas) {
            let meta = self.settings.registry.get(&asset).cloned().unwrap_or(meta);
            self.out.metas.insert(asset, meta);
        }
    }

    fn screen_poisoning(&mut self, ledger: &[At], account: Option<&Account>) {
        let found = poisoning::find(ledger, account, &self.out, &self.settings.registry);
        self.out.excluded.extend(found.excluded);
        self.out.findings.extend(found.findings);
    }

    /// The swap venues among those an account paid.
    fn venues(&mut self, account: &Account, ledger: &[At]) -> BTreeSet<Account> {
        let paid: BTreeSet<Account> = ledger
            .iter()
            .map(|at| &self.out.transfers[*at])
            .filter(|transfer| transfer.from.as_ref() == Some(&account.address))
            .filter_map(Transfer::to_account)
            .collect();
        paid.into_iter().filter(|venue| self.role(venue) == Role::Swap).collect()
    }

    /// The meaning of an account: that of its surest label that has one.
    pub fn role(&mut self, account: &Account) -> Role {
        if let Some(role) = self.out.roles.get(account) {
            return *role;
        }
        let role = role_of(self.book, account, self.settings.stop_confidence);
        self.out.roles.insert(account.clone(), role);
        role
    }

    /// Gives every transfer the account can pass taint on by its depth, and the
    /// receivers to the next level.
    fn relax(&mut self, account: &Account, next: &mut Frontier) {
        let ledger = self.out.ledgers.get(account).cloned().unwrap_or_default();
        let is_source = self.out.source_accounts.contains(account);
        let mut reach = Reach { is_source, ..Reach::default() };
        for step in order::steps(account, &ledger, &self.out, self.settings.direction) {
            match step {
                order::Step::Arrive(at) => {
                    if let Some(depth) = self.out.depths.get(&at) {
                        reach.arrive(&self.out.transfers[at].asset, *depth);
                    }
                }
                order::Step::Cross(n) => {
                    reach.cross(&self.out.crossings[n], self.settings.direction);
                    self.reach_return(n, &reach);
                }
                order::Step::Leave(at) => self.leave(at, &reach, next),
            }
        }
        self.reach_legs(&reach);
    }

    /// The leg that brought a seen swap's other asset back.
    fn reach_return(&mut self, n: usize, reach: &Reach) {
        let crossing = &self.out.crossings[n];
        if let (Some(at), Some(depth)) = (crossing.return_leg, reach.depth(&crossing.out_asset)) {
            self.out.depths.entry(at).or_insert(depth + 1);
        }
    }

    /// Payments to a venue that only a crossing makes matter, going backward.
    fn reach_legs(&mut self, reach: &Reach) {
        for (at, depth) in &reach.legs {
            self.out.depths.entry(*at).or_insert(depth + 1);
        }
    }

    fn leave(&mut self, at: At, reach: &Reach, next: &mut Frontier) {
        let transfer = &self.out.transfers[at];
        let Some(depth) = reach.depth(&transfer.asset) else { return };
        if !self.follows(at) || self.settings.hops_max.is_some_and(|max| depth >= max) {
            return;
        }
        if self.out.depths.get(&at).is_some_and(|known| *known <= depth + 1) {
            return;
        }
        let destination = destination(transfer, self.settings.direction);
        self.out.depths.insert(at, depth + 1);
        if let Some(account) = destination
            && self.role(&account) != Role::Swap
        {
            next.accounts.insert(account);
        }
    }

    fn follows(&self, at: At) -> bool {
        let transfer = &self.out.transfers[at];
        if self.out.excluded.contains_key(&at)
            || transfer.kind == TransferKind::Fee
            || !self.settings.is_in_window(transfer.time)
        {
            return false;
        }
        is_large_enough(transfer, &self.out.metas, self.settings)
    }

    fn step_outpoints(
        &mut self,
        outpoints: BTreeSet<Outpoint>,
        level: u32,
        next: &mut Frontier,
    ) -> Result<(), TraceError> {
        let open: Vec<Outpoint> = outpoints
            .into_iter()
            .filter(|outpoint| self.admit_outpoint(*outpoint, level))
            .collect();
        let ids: BTreeSet<TxId> = match self.settings.direction {
            Direction::Forward => {
                self.view.spends(&open)?.into_iter().flatten().map(|spend| spend.tx).collect()
            }
            Direction::Backward => open.iter().map(|outpoint| outpoint.tx).collect(),
        };
        for tx in self.bitcoin(&ids)? {
            if !self.settings.is_in_window(tx.time) || self.out.utxo_depths.contains_key(&tx.id) {
                continue;
            }
            self.out.utxo_depths.insert(tx.id, level + 1);
            let size = tx.inputs.len() + tx.outputs.len();
            self.out.budget_left = self.out.budget_left.saturating_sub(size);
            next.outpoints.extend(match self.settings.direction {
                Direction::Forward => order::outpoints(&tx).collect::<Vec<_>>(),
                Direction::Backward => tx.inputs.iter().map(|input| input.outpoint).collect(),
            });
        }
        Ok(())
    }

    /// May the walk follow this output on? It gets its stop if not.
    fn admit_outpoint(&mut self, outpoint: Outpoint, level: u32) -> bool {
        if self.out.source_outpoints.contains(&outpoint) {
            return true;
        }
        let Some(output) = self.out.holders.get(&outpoint).cloned() else { return true };
        let chain = outpoint.tx.chain;
        let is_dust = U256::from(output.value) < self.settings.registry.dust(&Asset::native(chain));
        let stop = match self.role(&Account { chain, address: output.address }) {
            Role::Service | Role::Mixer | Role::Bridge | Role::Swap => Some(Stop::Service),
            Role::Other if is_dust => Some(Stop::Dust),
            Role::Other if self.settings.hops_max.is_some_and(|max| level >= max) => {
                Some(Stop::Hops)
            }
            Role::Other if self.out.budget_left == 0 => Some(Stop::Budget),
            Role::Other => None,
        };
        self.out.outpoint_stops.extend(stop.map(|stop| (outpoint, stop)));
        stop.is_none()
    }

    /// Bitcoin transactions by id, kept for the settling.
    pub fn bitcoin(&mut self, ids: &BTreeSet<TxId>) -> Result<Vec<UtxoTransaction>, ViewError> {
        let missing: Vec<TxId> =
            ids.iter().filter(|id| !self.out.utxo.contains_key(id)).copied().collect();
        for transaction in self.view.transactions(&missing)?.into_iter().flatten() {
            if let Transaction::Utxo(tx) = transaction {
                self.out.holders.extend(order::outpoints(&tx).zip(tx.outputs.iter().cloned()));
                let spent = tx
                    .inputs
                    .iter()
                    .filter_map(|input| Some((input.outpoint, input.previous.clone()?)));
                self.out.holders.extend(spent);
                self.out.utxo.insert(tx.id, tx);
            }
        }
        Ok(ids.iter().filter_map(|id| self.out.utxo.get(id).cloned()).collect())
    }
}

impl Gathered {
    fn add(&mut self, transfer: Transfer) -> At {
        let id = transfer.id();
        if let Some(at) = self.places.get(&id) {
            return *at;
        }
        let at = self.transfers.len();
        self.places.insert(id, at);
        self.transfers.push(transfer);
        at
    }

    pub fn find(&self, id: &TransferId) -> Option<&Transfer> {
        self.places.get(id).map(|at| &self.transfers[*at])
    }

    pub fn decimals(&self, asset: &Asset) -> u8 {
        self.metas.get(asset).and_then(|meta| meta.decimals).unwrap_or(0)
    }
}

/// How near a source taint of each asset is, at one moment of one account's ledger.
#[derive(Default)]
struct Reach {
    is_source: bool,
    best: BTreeMap<Asset, u32>,
    legs: BTreeMap<At, u32>,
}

impl Reach {
    fn depth(&self, asset: &Asset) -> Option<u32> {
        if self.is_source { Some(0) } else { self.best.get(asset).copied() }
    }

    fn arrive(&mut self, asset: &Asset, depth: u32) {
        let best = self.best.entry(asset.clone()).or_insert(depth);
        *best = depth.min(*best);
    }

    /// Forward, what was paid to the venue reaches what came back; backward,
    /// what came back reaches what was paid.
    fn cross(&mut self, crossing: &Crossing, direction: Direction) {
        match direction {
            Direction::Forward => {
                let nearest = crossing.legs.iter().filter_map(|leg| self.depth(&leg.asset)).min();
                if let Some(depth) = nearest {
                    self.arrive(&crossing.out_asset, depth);
                }
            }
            Direction::Backward => {
                if let Some(depth) = self.depth(&crossing.out_asset) {
                    for leg in &crossing.legs {
                        self.legs.insert(leg.at, depth);
                        self.arrive(&leg.asset, depth);
                    }
                }
            }
        }
    }
}

/// Which outputs of this transaction the address itself spent, or received.
fn own_outpoints(tx: &UtxoTransaction, account: &Account, direction: Direction) -> Vec<Outpoint> {
    let is_own = |output: &model::Output| output.address == account.address;
    match direction {
        Direction::Forward => tx
            .inputs
            .iter()
            .filter(|input| input.previous.as_ref().is_some_and(is_own))
            .map(|input| input.outpoint)
            .collect(),
        Direction::Backward => order::outpoints(tx)
            .zip(&tx.outputs)
            .filter(|(_, output)| is_own(output))
            .map(|(outpoint, _)| outpoint)
            .collect(),
    }
}

/// Where a transfer leads in the direction of the walk.
pub fn destination(transfer: &Transfer, direction: Direction) -> Option<Account> {
    match direction {
        Direction::Forward => transfer.to_account(),
        Direction::Backward => transfer.from_account(),
    }
}

/// Where a transfer comes from in the direction of the walk.
pub fn origin(transfer: &Transfer, direction: Direction) -> Option<Account> {
    match direction {
        Direction::Forward => transfer.from_account(),
        Direction::Backward => transfer.to_account(),
    }
}

/// The role of the surest label that says one.
pub fn role_of(book: &Book, account: &Account, confidence_min: u8) -> Role {
    book.labels(account)
        .into_iter()
        .filter(|label| label.confidence.level >= confidence_min)
        .map(model::Label::role)
        .find(|role| *role != Role::Other)
        .unwrap_or(Role::Other)
}

/// Does a transfer pass the settings' floor?
pub fn is_large_enough(
    transfer: &Transfer,
    metas: &BTreeMap<Asset, AssetMeta>,
    settings: &Settings,
) -> bool {
    match &settings.min_value {
        None => true,
        Some(MinValue::Base { asset, base }) => {
            transfer.asset != *asset || transfer.amount >= *base
        }
        Some(MinValue::UsdE12(floor)) => {
            let decimals = metas.get(&transfer.asset).and_then(|meta| meta.decimals);
            let date = model::day_of(transfer.time);
            let value: Option<U256> = decimals
                .and_then(|d| settings.prices.value_e12(&transfer.asset, transfer.amount, d, date));
            value.is_none_or(|value| value >= *floor)
        }
    }
}
