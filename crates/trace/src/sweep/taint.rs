//! Where did it all go: taint over a whole chain in one reading.
//!
//! No walk, no budget, no report: two random accesses a transfer, asked for ahead. In:
//! a chain's columns and thefts, each by settings of its own. Out: what of each rests
//! with whom, what reached services, what went in fees and what ended elsewhere, to the
//! base unit; the books balance or it panics, as in [`crate::settle`].
//!
//! It rounds as the settling does, and takes transfers in the columns' order. It leaves
//! out what only whole ledgers tell: look-alikes, swaps, the fewest transfers from a
//! source. Where files do not say the order within a second, [`crate::run`] does more
//! than the columns' order can.

use hashbrown::{HashMap, HashSet};
use model::{
    Account, Address, Book, Chain, ColumnBatch, Columns, Direction, Key, Role, Subject,
    TransferKind, U256,
};

use super::cells::{Cells, narrow};
use super::outputs::{Outputs, Stays};
use super::places::{Located, Owners, Places, SINK};
use crate::gather::role_of;
use crate::poisoning;
use crate::settle::Totals;
use crate::{Policy, Settings, Source, TraceError};

/// How far ahead of its use a purse is asked for.
const AHEAD: usize = 24;

/// What a theft became, by the columns' numbers of accounts and assets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tainted {
    /// By asset; none where nothing of it was booked.
    pub totals: Vec<Option<Totals>>,
    /// Account, asset, base; by account and asset.
    pub resting: Vec<(u32, u32, U256)>,
    pub services: Vec<(u32, u32, U256)>,
    /// Transfers that carried taint: what a walk without a budget would follow at least.
    pub transfers: u64,
    /// Accounts that taint reached.
    pub accounts: u64,
}

/// Follows several thefts through a chain, forward, in one pass over its columns.
///
/// Conserving policies that need no order within a purse, and poison: `haircut`, `tiho`,
/// `poison`. Sources are accounts. Others are refused.
pub fn taint(
    columns: &mut dyn Columns,
    book: &Book,
    thefts: &[Settings],
) -> Result<Vec<Tainted>, TraceError> {
    let degrees = degrees(columns, thefts)?;
    let mut sweeps = Vec::with_capacity(thefts.len());
    for settings in thefts {
        sweeps.push(Sweep::new(columns, book, settings)?);
    }
    columns.rewind(None)?;
    if columns.assets().first().is_some_and(|asset| asset.chain.is_utxo()) {
        return follow_outputs(columns, book, sweeps);
    }
    let mut places = Places::new(columns.account_count(), columns.assets().len());
    let (mut batch, mut located) = (ColumnBatch::default(), Located::default());
    while columns.next(&mut batch)? {
        places.locate(&batch, &mut located);
        sweeps.iter_mut().for_each(|sweep| sweep.take_batch(&batch, &located, &degrees));
    }
    let owners = places.into_owners();
    Ok(sweeps.into_iter().map(|sweep| sweep.close(&owners)).collect())
}

fn follow_outputs(
    columns: &mut dyn Columns,
    book: &Book,
    mut sweeps: Vec<Sweep<'_>>,
) -> Result<Vec<Tainted>, TraceError> {
    let mut batch = ColumnBatch::default();
    while columns.next(&mut batch)? {
        for sweep in &mut sweeps {
            sweep.take_outputs(&batch, &Names { columns, book })?;
        }
    }
    let names = Names { columns, book };
    sweeps.iter_mut().try_for_each(|sweep| sweep.close_transaction(&names))?;
    // Outputs say themselves whose they are.
    let nobody = Places::new(0, 0).into_owners();
    Ok(sweeps.into_iter().map(|sweep| sweep.close(&nobody)).collect())
}

/// Who is a service, where one key has addresses enough that each account must be asked for.
struct Names<'a> {
    columns: &'a dyn Columns,
    book: &'a Book,
}

/// The services of a chain on which a key has one account.
fn services(
    columns: &dyn Columns,
    book: &Book,
    confidence_min: u8,
) -> Result<HashSet<u32>, TraceError> {
    let Some(chain) = columns.assets().first().map(|asset| asset.chain) else {
        return Ok(HashSet::new());
    };
    let mut services = HashSet::new();
    for label in book.all_labels() {
        let account = match &label.subject {
            Subject::Account(account) => Some(account.clone()).filter(|of| of.chain == chain),
            Subject::Identifier(identifier) => account_of(&identifier.key, chain),
            Subject::Transaction(_) => None,
        };
        let Some(account) = account else { continue };
        if role_of(book, &account, confidence_min) != Role::Other {
            services.extend(columns.number(&account)?);
        }
    }
    Ok(services)
}

fn account_of(key: &Key, chain: Chain) -> Option<Account> {
    let address = match (key, chain) {
        (Key::Keccak(bytes), Chain::Evm(_)) => Address::Evm(*bytes),
        (Key::Keccak(bytes), Chain::Tron(_)) => Address::Tron(*bytes),
        (Key::Solana(bytes), Chain::Solana(_)) => Address::Solana(*bytes),
        _ => return None,
    };
    Some(Account { chain, address })
}

/// Counts each account's transfers, where any theft stops at hubs that could be.
fn degrees(columns: &mut dyn Columns, thefts: &[Settings]) -> Result<Vec<u32>, TraceError> {
    if thefts.iter().all(|theft| theft.hub_degree == u64::MAX) {
        return Ok(Vec::new());
    }
    let mut degrees = vec![0u32; columns.account_count()];
    let mut batch = ColumnBatch::default();
    columns.rewind(None)?;
    while columns.next(&mut batch)? {
        for (n, account) in batch.from.iter().chain(&batch.to).enumerate() {
            if let Some(ahead) = batch.from.get(n + AHEAD).or_else(|| batch.to.get(n)) {
                prefetch_index::prefetch_index(&degrees, *ahead as usize);
            }
            if let Some(degree) = degrees.get_mut(*account as usize) {
                *degree = degree.saturating_add(1);
            }
        }
    }
    Ok(degrees)
}

struct Sweep<'a> {
    settings: &'a Settings,
    policy: Policy,
    sources: Vec<u32>,
    /// By asset: what is too small to be a payment.
    assets: Vec<Rule>,
    cells: Cells,
    outputs: Outputs,
    /// By account, a bit: taint came and went on. So small that it stays in the cache.
    passes: Vec<u64>,
    /// By account: has taint come to it, and does it stay there?
    reached: Vec<Reached>,
    accounts: u64,
    /// Accounts where taint stays by their label; on Bitcoin they are asked for one by one.
    services: HashSet<u32>,
    served: HashMap<(u32, u32), U256>,
    totals: Vec<Option<Totals>>,
    transfers: u64,
}

struct Rule {
    dust: U256,
}

impl Rule {
    fn is_dust(&self, amount: U256) -> bool {
        !self.dust.is_zero() && amount < self.dust
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Reached {
    No,
    Passes,
    Stays,
}

impl<'a> Sweep<'a> {
    fn new(
        columns: &dyn Columns,
        book: &Book,
        settings: &'a Settings,
    ) -> Result<Sweep<'a>, TraceError> {
        let policy = settings.policy;
        if !matches!(policy, Policy::Haircut | Policy::Tiho | Policy::Poison) {
            return Err(TraceError::NotSwept { what: format!("the policy {policy}") });
        }
        if settings.direction == Direction::Backward {
            return Err(TraceError::NotSwept { what: "the direction backward".into() });
        }
        let mut sources = Vec::new();
        for source in &settings.sources {
            let Source::Account(account) = source else {
                return Err(TraceError::NotSwept { what: format!("the source {source}") });
            };
            sources.extend(columns.number(account)?);
        }
        let assets = columns.assets();
        let rule = |asset| Rule { dust: settings.registry.dust(asset) };
        Ok(Sweep {
            settings,
            policy,
            sources,
            assets: assets.iter().map(rule).collect(),
            cells: Cells::new(policy),
            outputs: Outputs::default(),
            passes: vec![0; columns.account_count().div_ceil(64)],
            reached: vec![Reached::No; columns.account_count()],
            accounts: 0,
            services: services(columns, book, settings.stop_confidence)?,
            served: HashMap::new(),
            totals: vec![None; assets.len()],
            transfers: 0,
        })
    }

    fn take_batch(&mut self, batch: &ColumnBatch, located: &Located, degrees: &[u32]) {
        self.cells.grow(located.purses);
        self.cells.relocate(&located.moved);
        for n in 0..batch.len() {
            if let Some(from) = located.from.get(n + AHEAD) {
                self.cells.prefetch(*from);
                self.cells.prefetch(located.to[n + AHEAD]);
            }
            let (from, to) = (located.from[n], located.to[n]);
            if !self.move_short(batch, n, from, to, degrees) {
                self.transfer(batch, n, from, to, degrees);
            }
        }
    }

    /// [`Sweep::transfer`] for the most of them, where all numbers are of at most 128 bits. False, and
    /// nothing has moved, where they are not.
    #[inline]
    fn move_short(
        &mut self,
        batch: &ColumnBatch,
        n: usize,
        from: u32,
        to: u32,
        degrees: &[u32],
    ) -> bool {
        let Some(base) = narrow(batch.amounts[n]).filter(|base| *base != 0) else {
            return false;
        };
        if self.settings.until.is_some_and(|until| batch.times[n] > until) {
            return true;
        }
        let Some(mut taint) = self.cells.take_short(from, base) else { return false };
        if self.sources.contains(&batch.from[n]) && self.is_theft(batch, n) {
            self.totals(batch.assets[n]).tainted_in += U256::from(base - taint);
            taint = base;
        }
        if taint != 0 {
            self.transfers += 1;
            let rule = &self.assets[batch.assets[n] as usize];
            if to == SINK || rule.is_dust(batch.amounts[n]) || !self.is_passed(batch.to[n]) {
                let stays = self.arrive(batch, n, U256::from(taint), degrees);
                taint = narrow(stays).expect("no more than what came");
            }
        }
        if to != SINK && !self.cells.put_short(to, base, taint) {
            self.cells.put(to, batch.amounts[n], U256::from(taint));
        }
        true
    }

    fn transfer(&mut self, batch: &ColumnBatch, n: usize, from: u32, to: u32, degrees: &[u32]) {
        let (asset, amount) = (batch.assets[n], batch.amounts[n]);
        if amount.is_zero() || poisoning::is_absurd(amount) {
            return;
        }
        if self.settings.until.is_some_and(|until| batch.times[n] > until) {
            return;
        }
        let mut taint = self.cells.take(from, amount);
        if self.sources.contains(&batch.from[n]) && self.is_theft(batch, n) {
            self.totals(asset).tainted_in += amount - taint;
            taint = amount;
        }
        if !taint.is_zero() {
            self.transfers += 1;
            // Most often to someone who has let taint pass before.
            let rule = &self.assets[asset as usize];
            if to == SINK || rule.is_dust(amount) || !self.is_passed(batch.to[n]) {
                taint = self.arrive(batch, n, taint, degrees);
            }
        }
        if to != SINK {
            self.cells.put(to, amount, taint);
        }
    }

    /// Does a source send this as its theft?
    fn is_theft(&self, batch: &ColumnBatch, n: usize) -> bool {
        batch.kinds[n] != TransferKind::Fee
            && batch.from[n] != batch.to[n]
            && batch.amounts[n] >= self.assets[batch.assets[n] as usize].dust
            && self.settings.is_in_window(batch.times[n])
    }

    /// What of the taint goes on with whom it comes to, should anybody get it.
    #[inline(never)]
    fn arrive(&mut self, batch: &ColumnBatch, n: usize, taint: U256, degrees: &[u32]) -> U256 {
        let (to, asset) = (batch.to[n], batch.assets[n]);
        if batch.kinds[n] == TransferKind::Fee {
            self.totals(asset).fees += taint;
        } else if to == ColumnBatch::NOBODY || self.assets[asset as usize].is_dust(batch.amounts[n])
        {
            self.totals(asset).cut += taint;
        } else if self.stays(to, degrees) {
            self.serve(to, asset, taint);
        } else {
            return taint;
        }
        U256::ZERO
    }

    #[inline]
    fn is_passed(&self, account: u32) -> bool {
        self.passes[account as usize / 64] >> (account % 64) & 1 == 1
    }

    /// Is it a service by its label, or so large that it must be one?
    fn stays(&mut self, account: u32, degrees: &[u32]) -> bool {
        if let Some(known) = self.known(account) {
            return known;
        }
        let degree = degrees.get(account as usize).copied().unwrap_or(0);
        let is_hub = u64::from(degree) > self.settings.hub_degree;
        let stays =
            (is_hub || self.services.contains(&account)) && !self.sources.contains(&account);
        self.note(account, stays)
    }

    /// As [`Sweep::stays`] on Bitcoin, where it is what a source spends that is its theft, not all that
    /// comes to it.
    fn keeps(&mut self, account: u32, names: &Names<'_>) -> Result<bool, TraceError> {
        if let Some(known) = self.known(account) {
            return Ok(known);
        }
        let is_service = !names.book.all_labels().is_empty() && {
            let named = names.columns.account(account)?;
            role_of(names.book, &named, self.settings.stop_confidence) != Role::Other
        };
        Ok(self.note(account, is_service))
    }

    fn known(&self, account: u32) -> Option<bool> {
        match self.reached[account as usize] {
            Reached::No => None,
            reached => Some(reached == Reached::Stays),
        }
    }

    /// Taint comes to it for the first time.
    fn note(&mut self, account: u32, stays: bool) -> bool {
        self.reached[account as usize] = if stays { Reached::Stays } else { Reached::Passes };
        self.passes[account as usize / 64] |= u64::from(!stays) << (account % 64);
        self.accounts += 1;
        stays
    }

    fn take_outputs(&mut self, batch: &ColumnBatch, names: &Names<'_>) -> Result<(), TraceError> {
        for n in 0..batch.len() {
            if self.outputs.ends_before(batch.transactions[n]) {
                self.close_transaction(names)?;
            }
            // Beyond the window value rests where it is.
            if !self.settings.is_in_window(batch.times[n]) {
                continue;
            }
            if batch.from[n] == ColumnBatch::NOBODY {
                self.outputs.make(batch, n);
            } else {
                self.outputs.spend(batch, n, self.sources.contains(&batch.from[n]));
            }
        }
        Ok(())
    }

    fn close_transaction(&mut self, names: &Names<'_>) -> Result<(), TraceError> {
        let Some(done) = self.outputs.distribute(self.policy) else { return Ok(()) };
        let totals = self.totals(done.asset);
        totals.tainted_in += done.tainted_in;
        totals.fees += done.fee;
        for made in done.outputs {
            self.transfers += u64::from(!made.taint.is_zero());
            let stays = if self.keeps(made.to, names)? {
                Stays::Service
            } else if made.base < self.assets[done.asset as usize].dust {
                Stays::Dust
            } else {
                Stays::No
            };
            self.outputs.hold(&made, done.asset, stays);
        }
        Ok(())
    }

    fn serve(&mut self, account: u32, asset: u32, taint: U256) {
        if !taint.is_zero() {
            self.totals(asset).at_services += taint;
            *self.served.entry((account, asset)).or_default() += taint;
        }
    }

    fn close(mut self, owners: &Owners) -> Tainted {
        let mut rests = self.cells.tainted(owners);
        for held in std::mem::take(&mut self.outputs).into_held() {
            match held.stays {
                Stays::No => rests.push((held.to, held.asset, held.taint)),
                Stays::Service => self.serve(held.to, held.asset, held.taint),
                Stays::Dust => self.totals(held.asset).cut += held.taint,
            }
        }
        rests.retain(|(.., base)| !base.is_zero());
        rests.sort_unstable();
        // Outputs of one holder are one row.
        rests.dedup_by(|next, row| {
            let is_one = (next.0, next.1) == (row.0, row.1);
            row.2 += if is_one { next.2 } else { U256::ZERO };
            is_one
        });
        for (_, asset, base) in &rests {
            self.totals(*asset).resting += *base;
        }
        if self.policy.conserves() {
            for totals in self.totals.iter().flatten() {
                assert!(
                    totals.balance(),
                    "taint is not conserved under {}: {totals:?}",
                    self.policy
                );
            }
        }
        let row = |((account, asset), base)| (account, asset, base);
        let mut services: Vec<(u32, u32, U256)> = self.served.into_iter().map(row).collect();
        services.sort_unstable();
        Tainted {
            totals: self.totals,
            resting: rests,
            services,
            transfers: self.transfers,
            accounts: self.accounts,
        }
    }

    fn totals(&mut self, asset: u32) -> &mut Totals {
        self.totals[asset as usize].get_or_insert_default()
    }
}
