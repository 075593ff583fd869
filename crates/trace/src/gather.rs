//! The walk: which accounts and outputs taint can reach, in how few transfers.
//!
//! Level by level, a batch a level: what taint of any policy could reach is
//! reached here, whatever the policy makes of it later. In: a view, the book,
//! the settings. Out: whole ledgers of the accounts walked through, Bitcoin
//! transactions walked through, the depth of every followed transfer, and every
//! place the walk stopped with the reason. Taint itself is [`crate::settle`]'s.
//!
//! What comes in gets a number at once ([`crate::ids`]); the walk itself compares
//! and indexes numbers only. Levels are taken in the accounts' own order, so that
//! numbers decide nothing.

mod past;

use std::collections::BTreeSet;

use model::{
    Account, Asset, Book, Direction, Expansion, Limits, Outpoint, Role, Seek, Transaction,
    Transfer, TransferKind, TxId, U256, UtxoTransaction, View, ViewError,
};

pub use self::past::{AccountState, At, Gathered, Ledger, NOBODY, OutState, Row, Utxo};

use crate::TraceError;
use crate::crossing;
use crate::order::{self, Step};
use crate::poisoning;
use crate::settings::{MinValue, Settings, Source};

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

/// What the next level starts from; some of it perhaps twice.
#[derive(Default)]
struct Frontier {
    accounts: Vec<u32>,
    outs: Vec<u32>,
}

impl Frontier {
    fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.outs.is_empty()
    }
}

/// A walk under way. The highest-value route drives it one account at a time.
pub struct Walk<'a> {
    view: &'a dyn View,
    book: &'a Book,
    settings: &'a Settings,
    pub out: Gathered,
    /// Receivers of a source transaction: one transfer away from the start.
    receivers: Vec<u32>,
    /// By purse: the first arrival of taint so far, in the direction of the walk.
    arrivals: Vec<Option<Arrival>>,
    reach: Reach,
    counterparties: poisoning::Counterparties,
}

impl<'a> Walk<'a> {
    pub fn new(view: &'a dyn View, book: &'a Book, settings: &'a Settings) -> Walk<'a> {
        let mut out = Gathered::default();
        out.budget_left = settings.budget;
        for decision in &settings.crossings {
            if let crate::CrossingDecision::Declared(declared) = decision {
                let venue = out.account_id(declared.venue.clone());
                out.states[venue as usize].role = Some(Role::Swap);
            }
        }
        Walk {
            view,
            book,
            settings,
            out,
            receivers: Vec::new(),
            arrivals: Vec::new(),
            reach: Reach::default(),
            counterparties: poisoning::Counterparties::default(),
        }
    }

    fn start(&mut self) -> Result<Frontier, TraceError> {
        let mut frontier = Frontier::default();
        for source in &self.settings.sources {
            match source {
                Source::Account(account) if account.chain.is_utxo() => {
                    self.start_address(account, &mut frontier)?
                }
                Source::Account(account) => frontier.accounts.push(self.source_account(account)),
                Source::Outpoint(outpoint) => self.start_outpoint(*outpoint, &mut frontier)?,
                Source::Transaction(tx) => self.start_transaction(tx, &mut frontier)?,
            }
        }
        Ok(frontier)
    }

    pub fn source_account(&mut self, account: &Account) -> u32 {
        let id = self.out.account_id(account.clone());
        if !std::mem::replace(&mut self.out.states[id as usize].is_source, true) {
            self.out.source_accounts.push(id);
        }
        id
    }

    fn source_out(&mut self, out: u32, frontier: &mut Frontier) {
        if !std::mem::replace(&mut self.out.out_states[out as usize].is_source, true) {
            self.out.source_outs.push(out);
        }
        frontier.outs.push(out);
    }

    /// Everything a Bitcoin address sent (backward: received) in the window.
    fn start_address(
        &mut self,
        account: &Account,
        frontier: &mut Frontier,
    ) -> Result<(), TraceError> {
        self.source_account(account);
        let seek = Seek::all(account.clone());
        let limits =
            Limits { since: self.settings.since, until: self.settings.until, ..Limits::NONE };
        let legs = self.view.expand(self.settings.direction, &[seek], &limits)?;
        let ids = legs.reached.iter().flat_map(|r| &r.transfers).map(|leg| leg.tx).collect();
        for tx in self.bitcoin(ids)? {
            let Some(utxo) = &self.out.utxo[tx as usize] else { continue };
            for out in own_outs(utxo, account, self.settings.direction) {
                self.source_out(out, frontier);
            }
        }
        Ok(())
    }

    fn start_outpoint(
        &mut self,
        outpoint: Outpoint,
        frontier: &mut Frontier,
    ) -> Result<(), TraceError> {
        let known = self.bitcoin(vec![outpoint.tx])?.into_iter().next();
        let known = known.and_then(|tx| self.out.utxo[tx as usize].as_ref());
        let Some(out) = known.and_then(|utxo| utxo.outputs.get(outpoint.index as usize)) else {
            return Err(TraceError::UnknownSource { source_text: outpoint.to_string() });
        };
        self.source_out(*out, frontier);
        Ok(())
    }

    fn start_transaction(&mut self, id: &TxId, frontier: &mut Frontier) -> Result<(), TraceError> {
        match self.view.transaction(id)? {
            None => Err(TraceError::UnknownSource { source_text: id.to_string() }),
            Some(Transaction::Utxo(tx)) => {
                // Its outputs are held by somebody even where nobody spends them.
                self.bitcoin(vec![*id])?;
                for outpoint in order::outpoints(&tx) {
                    let out = self.out.out_id(&outpoint);
                    self.source_out(out, frontier);
                }
                Ok(())
            }
            Some(Transaction::Account { transfers, .. }) => {
                self.start_transfers(transfers);
                Ok(())
            }
        }
    }

    fn start_transfers(&mut self, transfers: Vec<Transfer>) {
        for transfer in transfers {
            let at = self.out.add(transfer, NOBODY);
            self.learn_assets(&[at]);
            self.screen(&[at]);
            let row = &mut self.out.rows[at as usize];
            if row.excluded.is_some() || row.kind == TransferKind::Fee {
                continue;
            }
            row.depth = 1;
            row.is_forced = true;
            row.is_event = true;
            let receiver = row.destination(self.settings.direction);
            if receiver != NOBODY {
                self.receivers.push(receiver);
            }
        }
    }

    /// One level: every account and output of the frontier, in batches.
    fn step(&mut self, frontier: Frontier, level: u32) -> Result<Frontier, TraceError> {
        let mut next = Frontier::default();
        self.step_accounts(frontier.accounts, level, &mut next)?;
        self.step_outs(frontier.outs, level, &mut next)?;
        Ok(next)
    }

    fn step_accounts(
        &mut self,
        mut accounts: Vec<u32>,
        level: u32,
        next: &mut Frontier,
    ) -> Result<(), TraceError> {
        accounts.sort_unstable();
        accounts.dedup();
        self.out.accounts.sort(&mut accounts);
        let new = accounts.iter().copied().filter(|account| !self.out.is_walked(*account));
        let walked = self.admit(new.collect(), level)?;
        self.fetch(&walked)?;
        for account in accounts {
            if self.out.is_walked(account) && !self.out.accounts.get(account).chain.is_utxo() {
                self.relax(account, next);
            }
        }
        Ok(())
    }

    /// Which of these accounts the walk may go through; the others get their stop.
    fn admit(&mut self, accounts: Vec<u32>, level: u32) -> Result<Vec<u32>, TraceError> {
        // First what needs no question: a view may have to ask far away.
        let mut open = Vec::new();
        for account in accounts {
            let is_source = self.out.states[account as usize].is_source;
            let stop = match self.role(account) {
                Role::Service | Role::Mixer | Role::Bridge if !is_source => Some(Stop::Service),
                Role::Swap if !is_source => Some(Stop::Service),
                // Of a source everything is read, if only to say what was not followed.
                _ if self.settings.hops_max.is_some_and(|max| level >= max) && !is_source => {
                    Some(Stop::Hops)
                }
                _ => None,
            };
            self.out.states[account as usize].stop = stop;
            if stop.is_none() {
                open.push(account);
            }
        }
        let named: Vec<Account> =
            open.iter().map(|account| self.out.accounts.get(*account).clone()).collect();
        let degrees = if named.is_empty() { Vec::new() } else { self.view.degree(&named)? };
        let mut admitted = Vec::new();
        for (account, degree) in open.into_iter().zip(degrees) {
            let size = degree.sent.saturating_add(degree.received);
            let is_source = self.out.states[account as usize].is_source;
            let stop = if size > self.settings.hub_degree && !is_source {
                Some(Stop::Hub)
            } else if self.out.budget_left == 0 {
                Some(Stop::Budget)
            } else {
                None
            };
            self.out.states[account as usize].stop = stop;
            if stop.is_none() {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                self.out.budget_left = self.out.budget_left.saturating_sub(size);
                admitted.push(account);
            }
        }
        Ok(admitted)
    }

    /// Whole ledgers, both directions: balances before the taint matter too.
    pub fn fetch(&mut self, accounts: &[u32]) -> Result<(), TraceError> {
        if accounts.is_empty() {
            return Ok(());
        }
        let named = accounts.iter().map(|account| self.out.accounts.get(*account).clone());
        let seeks: Vec<Seek> = named.map(Seek::all).collect();
        // A source may be a hub: even it gives no more than the budget.
        let limits = Limits { per_account: self.settings.budget, ..Limits::NONE };
        let sent = self.view.expand(Direction::Forward, &seeks, &limits)?;
        self.keep(sent, accounts);
        let received = self.view.expand(Direction::Backward, &seeks, &limits)?;
        self.keep(received, accounts);
        for account in accounts {
            self.prepare(*account);
        }
        Ok(())
    }

    fn keep(&mut self, expansion: Expansion, accounts: &[u32]) {
        for (reached, account) in expansion.reached.into_iter().zip(accounts) {
            let state = &mut self.out.states[*account as usize];
            state.is_walked = true;
            state.is_incomplete |= !reached.is_complete;
            state.is_truncated |= reached.is_truncated;
            for transfer in reached.transfers {
                let at = self.out.add(transfer, *account);
                self.out.rows[at as usize].is_event = true;
                self.out.ledgers[*account as usize].ats.push(at);
            }
        }
    }

    /// Orders an account's ledger, learns its assets, and reads it for poisoning
    /// and swaps.
    fn prepare(&mut self, account: u32) {
        let mut ats = std::mem::take(&mut self.out.ledgers[account as usize].ats);
        order::in_time(&mut ats, &self.out, account);
        self.learn_assets(&ats);
        self.screen(&ats);
        self.counterparties.look_alikes(account, &ats, &mut self.out);
        let venues = self.venues(account, &ats);
        let found = crossing::infer(account, &ats, &mut self.out, &venues, self.settings);
        self.out.unpriced.extend(found.unpriced);
        let first = crate::ids::number(self.out.crossings.len());
        self.out.crossings.extend(found.crossings);
        let crossings = (first..crate::ids::number(self.out.crossings.len())).collect();
        let mut ledger = Ledger { ats, crossings, steps: Vec::new() };
        if !ledger.crossings.is_empty() {
            ledger.steps = order::steps(account, &ledger, &self.out, self.settings.direction);
        }
        self.out.ledgers[account as usize] = ledger;
    }

    fn learn_assets(&mut self, ats: &[At]) {
        let is_unknown = |asset: &u32| self.out.asset_states[*asset as usize].meta.is_none();
        let mut unknown: Vec<u32> =
            ats.iter().map(|at| self.out.row_at(*at).asset).filter(is_unknown).collect();
        if unknown.is_empty() {
            return;
        }
        unknown.sort_unstable();
        unknown.dedup();
        let named: Vec<Asset> =
            unknown.iter().map(|asset| self.out.assets.get(*asset).clone()).collect();
        let registry = &self.settings.registry;
        for (id, asset) in unknown.iter().zip(&named) {
            self.out.asset_states[*id as usize].dust = registry.dust(asset);
        }
        // What the view cannot say stays unknown; the walk does not depend on it.
        let metas = self.view.assets(&named).unwrap_or_default();
        for ((id, asset), meta) in unknown.into_iter().zip(named).zip(metas) {
            let meta = registry.get(&asset).cloned().unwrap_or(meta);
            let state = &mut self.out.asset_states[id as usize];
            state.imitation = poisoning::imitation(&asset, &meta, registry);
            state.meta = Some(meta);
        }
    }

    fn screen(&mut self, ats: &[At]) {
        for at in ats {
            poisoning::screen(*at, &mut self.out);
        }
    }

    /// The swap venues among those an account paid.
    fn venues(&mut self, account: u32, ats: &[At]) -> BTreeSet<u32> {
        let mut venues = BTreeSet::new();
        for at in ats {
            let row = self.out.row_at(*at);
            let (from, to) = (row.from, row.to);
            if from == account && to != NOBODY && self.role(to) == Role::Swap {
                venues.insert(to);
            }
        }
        venues
    }

    /// The meaning of an account: that of its surest label that has one.
    pub fn role(&mut self, account: u32) -> Role {
        if let Some(role) = self.out.states[account as usize].role {
            return role;
        }
        let named = self.out.accounts.get(account);
        let role = role_of(self.book, named, self.settings.stop_confidence);
        self.out.states[account as usize].role = Some(role);
        role
    }

    /// Gives every transfer the account can pass taint on by its depth, and the
    /// receivers to the next level.
    fn relax(&mut self, account: u32, next: &mut Frontier) {
        let ledger = std::mem::take(&mut self.out.ledgers[account as usize]);
        let mut reach = std::mem::take(&mut self.reach);
        reach.start(self.out.states[account as usize].is_source, self.out.assets.len());
        if ledger.crossings.is_empty() {
            match self.settings.direction {
                Direction::Forward => {
                    ledger.ats.iter().for_each(|at| self.pass(account, *at, &mut reach, next))
                }
                Direction::Backward => {
                    ledger.ats.iter().rev().for_each(|at| self.pass(account, *at, &mut reach, next))
                }
            }
        }
        for step in &ledger.steps {
            match *step {
                Step::Arrive(at) => self.arrive(at, &mut reach),
                Step::Cross(n) => self.cross(n, &mut reach),
                Step::Leave(at) => self.leave(at, &reach, next),
            }
        }
        // Payments to a venue that only a crossing makes matter, going backward; where
        // several do, the last.
        for (at, depth) in reach.legs.drain(..).rev() {
            let row = &mut self.out.rows[at as usize];
            if row.depth == 0 {
                row.depth = depth + 1;
            }
        }
        self.reach = reach;
        self.out.ledgers[account as usize] = ledger;
    }

    fn pass(&mut self, account: u32, at: At, reach: &mut Reach, next: &mut Frontier) {
        match order::step(account, at, self.out.row_at(at), self.settings.direction) {
            Some(Step::Arrive(at)) => self.arrive(at, reach),
            Some(Step::Leave(at)) => self.leave(at, reach, next),
            _ => {}
        }
    }

    fn arrive(&self, at: At, reach: &mut Reach) {
        let row = self.out.row_at(at);
        if row.depth != 0 {
            reach.arrive(row.asset, row.depth);
        }
    }

    fn cross(&mut self, n: u32, reach: &mut Reach) {
        let crossing = &self.out.crossings[n as usize];
        reach.cross(crossing, self.settings.direction);
        // The leg that brought a seen swap's other asset back.
        if let (Some(at), Some(depth)) = (crossing.return_leg, reach.depth(crossing.out_asset)) {
            let row = &mut self.out.rows[at as usize];
            if row.depth == 0 {
                row.depth = depth + 1;
            }
        }
    }

    fn leave(&mut self, at: At, reach: &Reach, next: &mut Frontier) {
        let row = self.out.row_at(at);
        let Some(depth) = reach.depth(row.asset) else { return };
        let is_known = row.depth != 0 && row.depth <= depth + 1;
        if is_known
            || self.settings.hops_max.is_some_and(|max| depth >= max)
            || !follows(at, &self.out, self.settings)
        {
            return;
        }
        let destination = row.destination(self.settings.direction);
        self.out.rows[at as usize].depth = depth + 1;
        if destination != NOBODY
            && self.role(destination) != Role::Swap
            && self.changes(at, destination)
        {
            next.accounts.push(destination);
        }
    }

    /// Can this arrival change what the account passes on? Not where as much arrived
    /// before it from no farther away; and a service passes nothing on.
    fn changes(&mut self, at: At, account: u32) -> bool {
        let row = self.out.row_at(at);
        let direction = self.settings.direction;
        let here = Arrival { time: row.time, height: row.height, depth: row.depth };
        self.arrivals.resize(self.out.purses.len(), None);
        let first = &mut self.arrivals[row.destination_purse(direction) as usize];
        let state = &self.out.states[account as usize];
        match first {
            Some(first) if first.is_before(&here, direction) => {
                if first.depth <= here.depth {
                    return !state.is_walked && state.stop != Some(Stop::Service);
                }
            }
            _ => *first = Some(here),
        }
        state.stop != Some(Stop::Service)
    }

    fn step_outs(
        &mut self,
        mut outs: Vec<u32>,
        level: u32,
        next: &mut Frontier,
    ) -> Result<(), TraceError> {
        outs.sort_unstable();
        outs.dedup();
        outs.retain(|out| self.admit_out(*out, level));
        let open: Vec<Outpoint> = outs.iter().map(|out| self.out.outpoint(*out)).collect();
        let ids: Vec<TxId> = match self.settings.direction {
            Direction::Forward => {
                self.view.spends(&open)?.into_iter().flatten().map(|spend| spend.tx).collect()
            }
            Direction::Backward => open.iter().map(|outpoint| outpoint.tx).collect(),
        };
        for tx in self.bitcoin(ids)? {
            let Some(utxo) = &mut self.out.utxo[tx as usize] else { continue };
            if !self.settings.is_in_window(utxo.tx.time) || utxo.depth != 0 {
                continue;
            }
            utxo.depth = level + 1;
            let size = utxo.inputs.len() + utxo.outputs.len();
            self.out.budget_left = self.out.budget_left.saturating_sub(size);
            next.outs.extend(match self.settings.direction {
                Direction::Forward => &utxo.outputs,
                Direction::Backward => &utxo.inputs,
            });
        }
        Ok(())
    }

    /// May the walk follow this output on? It gets its stop if not.
    fn admit_out(&mut self, out: u32, level: u32) -> bool {
        let state = &self.out.out_states[out as usize];
        let Some((holder, value)) = state.holder.filter(|_| !state.is_source) else { return true };
        let chain = self.out.accounts.get(holder).chain;
        let is_dust = U256::from(value) < self.settings.registry.dust(&Asset::native(chain));
        let stop = match self.role(holder) {
            Role::Service | Role::Mixer | Role::Bridge | Role::Swap => Some(Stop::Service),
            Role::Other if is_dust => Some(Stop::Dust),
            Role::Other if self.settings.hops_max.is_some_and(|max| level >= max) => {
                Some(Stop::Hops)
            }
            Role::Other if self.out.budget_left == 0 => Some(Stop::Budget),
            Role::Other => None,
        };
        if stop.is_some() {
            self.out.out_states[out as usize].stop = stop;
        }
        stop.is_none()
    }

    /// Bitcoin transactions by id, kept for the settling. In order of their ids.
    pub fn bitcoin(&mut self, mut ids: Vec<TxId>) -> Result<Vec<u32>, ViewError> {
        ids.sort_unstable();
        ids.dedup();
        let txs: Vec<u32> = ids.iter().map(|id| self.out.tx_id(*id)).collect();
        let is_missing = |tx: &u32| self.out.utxo[*tx as usize].is_none();
        let missing: Vec<TxId> =
            ids.iter().zip(&txs).filter(|(_, tx)| is_missing(tx)).map(|(id, _)| *id).collect();
        for transaction in self.view.transactions(&missing)?.into_iter().flatten() {
            if let Transaction::Utxo(tx) = transaction {
                self.keep_bitcoin(tx);
            }
        }
        Ok(txs.into_iter().filter(|tx| self.out.utxo[*tx as usize].is_some()).collect())
    }

    fn keep_bitcoin(&mut self, tx: UtxoTransaction) {
        let chain = tx.id.chain;
        let number = self.out.tx_id(tx.id);
        let asset = self.out.asset_id(&Asset::native(chain));
        let mut hold = |outpoint: &Outpoint, output: Option<&model::Output>| {
            let out = self.out.out_id(outpoint);
            if let Some(output) = output {
                let holder = Account { chain, address: output.address.clone() };
                let holder = self.out.account_id(holder);
                self.out.purses.id((holder, asset));
                self.out.out_states[out as usize].holder = Some((holder, output.value));
            }
            out
        };
        let made = order::outpoints(&tx).zip(&tx.outputs);
        let outputs = made.map(|(outpoint, output)| hold(&outpoint, Some(output))).collect();
        let spent = tx.inputs.iter();
        let inputs = spent.map(|input| hold(&input.outpoint, input.previous.as_ref())).collect();
        self.out.utxo[number as usize] = Some(Utxo { tx, inputs, outputs, depth: 0 });
    }
}

/// When taint came to a purse, and from how far.
#[derive(Clone, Debug)]
struct Arrival {
    time: model::Timestamp,
    height: Option<u64>,
    depth: u32,
}

impl Arrival {
    /// Surely before: of one moment only the ledger knows.
    fn is_before(&self, other: &Arrival, direction: Direction) -> bool {
        let (a, b) = ((self.time, self.height), (other.time, other.height));
        match direction {
            Direction::Forward => a < b,
            Direction::Backward => a > b,
        }
    }
}

/// Can this transfer pass taint on at all?
fn follows(at: At, gathered: &Gathered, settings: &Settings) -> bool {
    let row = gathered.row_at(at);
    row.excluded.is_none()
        && row.kind != TransferKind::Fee
        && settings.is_in_window(row.time)
        && is_large_enough(at, gathered, settings)
}

/// How near a source taint of each asset is, at one moment of one account's ledger.
#[derive(Default)]
struct Reach {
    is_source: bool,
    /// By asset: the reading it was said in, and the depth.
    best: Vec<(u32, u32)>,
    reading: u32,
    legs: Vec<(At, u32)>,
}

impl Reach {
    fn start(&mut self, is_source: bool, assets: usize) {
        self.is_source = is_source;
        self.best.resize(assets, (0, 0));
        self.reading += 1;
    }

    fn depth(&self, asset: u32) -> Option<u32> {
        let (reading, depth) = self.best[asset as usize];
        if self.is_source { Some(0) } else { (reading == self.reading).then_some(depth) }
    }

    fn arrive(&mut self, asset: u32, depth: u32) {
        let best = &mut self.best[asset as usize];
        *best = if best.0 == self.reading {
            (self.reading, depth.min(best.1))
        } else {
            (self.reading, depth)
        };
    }

    /// Forward, what was paid to the venue reaches what came back; backward,
    /// what came back reaches what was paid.
    fn cross(&mut self, crossing: &crossing::Crossing, direction: Direction) {
        match direction {
            Direction::Forward => {
                let nearest = crossing.legs.iter().filter_map(|leg| self.depth(leg.asset)).min();
                if let Some(depth) = nearest {
                    self.arrive(crossing.out_asset, depth);
                }
            }
            Direction::Backward => {
                if let Some(depth) = self.depth(crossing.out_asset) {
                    for leg in &crossing.legs {
                        self.legs.push((leg.at, depth));
                        self.arrive(leg.asset, depth);
                    }
                }
            }
        }
    }
}

/// Which outputs of this transaction the address itself spent, or received.
fn own_outs(utxo: &Utxo, account: &Account, direction: Direction) -> Vec<u32> {
    let is_own = |output: &model::Output| output.address == account.address;
    match direction {
        Direction::Forward => {
            let inputs = utxo.tx.inputs.iter().zip(&utxo.inputs);
            let own = inputs.filter(|(input, _)| input.previous.as_ref().is_some_and(is_own));
            own.map(|(_, out)| *out).collect()
        }
        Direction::Backward => {
            let outputs = utxo.tx.outputs.iter().zip(&utxo.outputs);
            outputs.filter(|(output, _)| is_own(output)).map(|(_, out)| *out).collect()
        }
    }
}

/// Where a transfer leads in the direction of the walk.
pub fn destination(transfer: &Transfer, direction: Direction) -> Option<Account> {
    match direction {
        Direction::Forward => transfer.to_account(),
        Direction::Backward => transfer.from_account(),
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
pub fn is_large_enough(at: At, gathered: &Gathered, settings: &Settings) -> bool {
    let Some(min_value) = &settings.min_value else { return true };
    let transfer = gathered.transfer(at);
    match min_value {
        MinValue::Base { asset, base } => transfer.asset != *asset || transfer.amount >= *base,
        MinValue::BeyondSources(floors) => {
            let row = gathered.row_at(at);
            let is_source = |end: u32| end != NOBODY && gathered.states[end as usize].is_source;
            is_source(row.from)
                || is_source(row.to)
                || floors.get(&transfer.asset).is_none_or(|floor| transfer.amount >= *floor)
        }
        MinValue::UsdE12(floor) => {
            let decimals = gathered.decimals_known(gathered.row_at(at).asset);
            let value: Option<U256> = decimals.and_then(|d| {
                settings.prices.value_e12(&transfer.asset, transfer.amount, d, transfer.time)
            });
            value.is_none_or(|value| value >= *floor)
        }
    }
}
