//! Whom and what taint can reach, over a whole chain, for up to 64 thefts at once.
//!
//! It stops where the walk does: at services and hubs, outside the window, below the
//! floor, at what is too small or no payment at all. It may reach more than the walk,
//! never less: the order within a moment is left open, an account that ever paid a swap
//! venue may have swapped anything for anything, hops are not counted, and look-alikes
//! are not seen. In: columns, the book, settings that go the same way. Out: a bit a theft
//! for every account, or for every Bitcoin transaction.

use std::ops::Range;

use hashbrown::HashMap;
use model::{
    Account, Address, Book, Chain, ColumnBatch, Columns, Direction, Key, Role, Subject, Timestamp,
    Transaction, TransferKind, U256, View,
};

use super::read::{Survey, moments};
use crate::gather::role_of;
use crate::poisoning;
use crate::settings::{CrossingDecision, MinValue, Source};
use crate::{Settings, TraceError};

pub const THEFTS_MAX: usize = 64;

/// One bit for each theft.
pub type Mask = u64;

pub struct Reached {
    /// Account chains, by account: the thefts that walk through it.
    pub accounts: Vec<Mask>,
    /// Bitcoin: by transaction, the thefts and one of its legs.
    pub transactions: HashMap<u64, (Mask, u64)>,
    /// Transfers the walks would gather, all thefts together.
    pub transfers: u64,
    /// By theft.
    pub by_theft: Vec<u64>,
}

/// Reaches over one chain. All settings go in the direction of the first.
pub fn reach(
    view: &dyn View,
    columns: &mut dyn Columns,
    book: &Book,
    chain: Chain,
    thefts: &[Settings],
) -> Result<Reached, TraceError> {
    let Some(first) = thefts.first() else { return Err(TraceError::NoSource) };
    let direction = first.direction;
    let is_venue = venues(columns, book, chain, thefts)?;
    let survey = Survey::read(columns, &is_venue)?;
    let bounds = Bounds::of(view, columns, thefts)?;
    let mut sweep = Sweep {
        direction,
        is_service: services(columns, book, chain, bounds.confidence)?,
        bounds,
        stops: vec![Stands::Unknown; columns.account_count()],
        masks: vec![0; columns.account_count()],
        purses: HashMap::new(),
        open: HashMap::new(),
        transactions: HashMap::new(),
        sources: HashMap::new(),
        forced: Vec::new(),
        source_outs: HashMap::new(),
        is_disordered: false,
        has_news: false,
        survey: &survey,
    };
    sweep.start(view, columns, chain, thefts)?;
    loop {
        sweep.has_news = false;
        survey.each_window(columns, direction, &mut |window| sweep.window(window, chain))?;
        // A child that stands before its parent is met too early: once more.
        if !(chain.is_utxo() && sweep.is_disordered && sweep.has_news) {
            break;
        }
    }
    Ok(sweep.close(thefts.len()))
}

/// Where all of the thefts stop at the latest.
struct Bounds {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    hub_degree: u64,
    /// Of one asset, less is not followed.
    floor: Option<(u32, U256)>,
    /// By asset: less is no payment; none where nothing of it is.
    dust: Vec<Option<U256>>,
    confidence: u8,
}

impl Bounds {
    fn of(
        view: &dyn View,
        columns: &dyn Columns,
        thefts: &[Settings],
    ) -> Result<Bounds, TraceError> {
        let least = |times: Vec<Option<Timestamp>>| times.into_iter().collect::<Option<Vec<_>>>();
        let since = least(thefts.iter().map(|theft| theft.since).collect());
        let until = least(thefts.iter().map(|theft| theft.until).collect());
        let metas = view.assets(columns.assets())?;
        let payment = |n: usize| {
            let asset = &columns.assets()[n];
            let counts = |theft: &&Settings| {
                let meta = theft.registry.get(asset).or(metas.get(n));
                meta.is_none_or(|meta| poisoning::imitation(asset, meta, &theft.registry).is_none())
            };
            thefts.iter().filter(counts).map(|theft| theft.registry.dust(asset)).min()
        };
        Ok(Bounds {
            since: since.and_then(|times| times.into_iter().min()),
            until: until.and_then(|times| times.into_iter().max()),
            hub_degree: thefts.iter().map(|theft| theft.hub_degree).max().unwrap_or(u64::MAX),
            floor: floor(columns, thefts),
            dust: (0..columns.assets().len()).map(payment).collect(),
            confidence: thefts.iter().map(|theft| theft.stop_confidence).max().unwrap_or(0),
        })
    }

    fn is_in_window(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time <= until)
    }

    fn lets_through(&self, window: &ColumnBatch, n: usize) -> bool {
        let (asset, amount) = (window.assets[n], window.amounts[n]);
        window.kinds[n] != TransferKind::Fee
            && !poisoning::is_absurd(amount)
            && self.is_in_window(window.times[n])
            && self.floor.is_none_or(|(of, floor)| of != asset || amount >= floor)
            && (window.kinds[n] == TransferKind::Reward
                || (!amount.is_zero() && self.dust[asset as usize].is_some_and(|d| amount >= d)))
    }
}

/// The lowest floor, where every theft has one on the same asset.
fn floor(columns: &dyn Columns, thefts: &[Settings]) -> Option<(u32, U256)> {
    let mut floors = Vec::new();
    for theft in thefts {
        let Some(MinValue::Base { asset, base }) = &theft.min_value else { return None };
        floors.push((asset, *base));
    }
    let (asset, _) = *floors.first()?;
    let is_one = floors.iter().all(|(other, _)| *other == asset);
    let number = (0u32..).zip(columns.assets()).find(|(_, known)| *known == asset)?.0;
    let least = floors.iter().map(|(_, base)| *base).min()?;
    is_one.then_some((number, least))
}

/// Accounts that some label or decision calls a swap venue.
fn venues(
    columns: &dyn Columns,
    book: &Book,
    chain: Chain,
    thefts: &[Settings],
) -> Result<Vec<bool>, TraceError> {
    let mut is_venue = vec![false; columns.account_count()];
    let labelled = book.all_labels().iter().filter(|label| label.role() == Role::Swap);
    let labelled = labelled.filter_map(|label| account_of(&label.subject, chain));
    let declared = thefts.iter().flat_map(|theft| &theft.crossings);
    let declared = declared.filter_map(|decision| match decision {
        CrossingDecision::Declared(declared) => Some(declared.venue.clone()),
        CrossingDecision::Refused(_) => None,
    });
    for account in labelled.chain(declared).filter(|account| account.chain == chain) {
        if let Some(number) = columns.number(&account)? {
            is_venue[number as usize] = true;
        }
    }
    Ok(is_venue)
}

fn account_of(subject: &Subject, chain: Chain) -> Option<Account> {
    let address = match subject {
        Subject::Account(account) => return Some(account.clone()),
        Subject::Transaction(_) => return None,
        Subject::Identifier(identifier) => match (&identifier.key, chain) {
            (Key::Keccak(bytes), Chain::Evm(_)) => Address::Evm(*bytes),
            (Key::Keccak(bytes), Chain::Tron(_)) => Address::Tron(*bytes),
            (Key::Solana(bytes), _) => Address::Solana(*bytes),
            _ => return None,
        },
    };
    Some(Account { chain, address })
}

/// Accounts whose label ends a walk, as far as labels name accounts; the walk itself
/// finds the others.
fn services(
    columns: &dyn Columns,
    book: &Book,
    chain: Chain,
    confidence: u8,
) -> Result<Vec<bool>, TraceError> {
    let mut is_service = vec![false; columns.account_count()];
    for label in book.all_labels().iter().filter(|label| label.role() != Role::Other) {
        let named = account_of(&label.subject, chain).filter(|account| account.chain == chain);
        if let Some(account) = named
            && role_of(book, &account, confidence) != Role::Other
            && let Some(number) = columns.number(&account)?
        {
            is_service[number as usize] = true;
        }
    }
    Ok(is_service)
}

#[derive(Clone, Copy, PartialEq)]
enum Stands {
    Unknown,
    Passes,
    Stops,
}

struct Sweep<'a> {
    direction: Direction,
    bounds: Bounds,
    survey: &'a Survey,
    is_service: Vec<bool>,
    stops: Vec<Stands>,
    /// By account: thefts that reached it in any asset.
    masks: Vec<Mask>,
    /// By account and asset.
    purses: HashMap<(u32, u32), Mask>,
    /// Bitcoin: outputs taint is on, by ordinal.
    open: HashMap<u64, Mask>,
    transactions: HashMap<u64, (Mask, u64)>,
    sources: HashMap<u32, Mask>,
    /// Receivers of source transactions: when, who, what. The last comes first.
    forced: Vec<(Timestamp, u32, u32, Mask)>,
    /// Bitcoin: outputs of source transactions, by time, holder and value.
    source_outs: HashMap<(Timestamp, u32, U256), Mask>,
    is_disordered: bool,
    has_news: bool,
}

impl Sweep<'_> {
    fn start(
        &mut self,
        view: &dyn View,
        columns: &dyn Columns,
        chain: Chain,
        thefts: &[Settings],
    ) -> Result<(), TraceError> {
        for (n, theft) in thefts.iter().enumerate() {
            let bit: Mask = 1 << n;
            for source in theft.sources.iter().filter(|s| Settings::source_chain(s) == chain) {
                match source {
                    Source::Account(account) => {
                        if let Some(number) = columns.number(account)? {
                            *self.sources.entry(number).or_default() |= bit;
                            self.masks[number as usize] |= bit;
                        }
                    }
                    Source::Transaction(tx) => {
                        self.start_transaction(view.transaction(tx)?, None, columns, bit)?
                    }
                    Source::Outpoint(outpoint) => {
                        let tx = view.transaction(&outpoint.tx)?;
                        self.start_transaction(tx, Some(outpoint.index), columns, bit)?
                    }
                }
            }
        }
        self.forced.sort_unstable();
        if self.direction == Direction::Forward {
            self.forced.reverse();
        }
        Ok(())
    }

    fn start_transaction(
        &mut self,
        transaction: Option<Transaction>,
        only: Option<u32>,
        columns: &dyn Columns,
        bit: Mask,
    ) -> Result<(), TraceError> {
        match transaction {
            Some(Transaction::Utxo(tx)) => {
                for (index, output) in (0u32..).zip(&tx.outputs) {
                    let holder = Account { chain: tx.id.chain, address: output.address.clone() };
                    let Some(holder) = columns.number(&holder)? else { continue };
                    if only.is_none_or(|only| only == index) {
                        let key = (tx.time, holder, U256::from(output.value));
                        *self.source_outs.entry(key).or_default() |= bit;
                    }
                }
            }
            Some(Transaction::Account { transfers, .. }) => {
                for transfer in transfers {
                    let receiver = crate::gather::destination(&transfer, self.direction);
                    let asset = (0u32..).zip(columns.assets());
                    let asset = asset.filter(|(_, known)| **known == transfer.asset).last();
                    let (Some(receiver), Some((asset, _))) = (receiver, asset) else { continue };
                    if let Some(receiver) = columns.number(&receiver)? {
                        self.forced.push((transfer.time, receiver, asset, bit));
                    }
                }
            }
            None => {}
        }
        Ok(())
    }

    fn window(&mut self, window: &ColumnBatch, chain: Chain) {
        for moment in moments(window, self.direction) {
            self.force(window.times[moment.start]);
            loop {
                let has_news = if chain.is_utxo() {
                    self.transactions_of(window, moment.clone())
                } else {
                    self.transfers_of(window, moment.clone())
                };
                self.has_news |= has_news;
                if !has_news || moment.len() == 1 {
                    break;
                }
            }
        }
    }

    /// What source transactions brought by now.
    fn force(&mut self, now: Timestamp) {
        while let Some((time, receiver, asset, bit)) = self.forced.last().copied() {
            let is_due = match self.direction {
                Direction::Forward => time <= now,
                Direction::Backward => time >= now,
            };
            if !is_due {
                break;
            }
            self.forced.pop();
            self.mark(receiver, asset, bit);
        }
    }

    fn transfers_of(&mut self, window: &ColumnBatch, moment: Range<usize>) -> bool {
        let mut has_news = false;
        for n in moment {
            let (from, to) = match self.direction {
                Direction::Forward => (window.from[n], window.to[n]),
                Direction::Backward => (window.to[n], window.from[n]),
            };
            if from == ColumnBatch::NOBODY || self.masks[from as usize] == 0 {
                continue;
            }
            if to == ColumnBatch::NOBODY || to == from || !self.bounds.lets_through(window, n) {
                continue;
            }
            let mask = self.leaving(from, window.assets[n]);
            has_news |= mask != 0 && self.mark(to, window.assets[n], mask);
        }
        has_news
    }

    /// The thefts whose taint this account passes on in this asset.
    fn leaving(&self, account: u32, asset: u32) -> Mask {
        let always = self.sources.get(&account).copied().unwrap_or_default();
        let held = if self.survey.pays_venue[account as usize] {
            self.masks[account as usize]
        } else {
            self.purses.get(&(account, asset)).copied().unwrap_or_default()
        };
        always | held
    }

    /// Taint comes to an account; did it not before?
    fn mark(&mut self, account: u32, asset: u32, mask: Mask) -> bool {
        if self.stops_at(account) {
            return false;
        }
        self.masks[account as usize] |= mask;
        let known = self.purses.entry((account, asset)).or_default();
        let has_news = mask & !*known != 0;
        *known |= mask;
        has_news
    }

    /// A source among the thefts may be a service in another's walk: both are let through.
    fn stops_at(&mut self, account: u32) -> bool {
        let known = self.stops[account as usize];
        if known != Stands::Unknown {
            return known == Stands::Stops;
        }
        let is_hub = u64::from(self.survey.degrees[account as usize]) > self.bounds.hub_degree;
        let is_service = self.is_service[account as usize];
        let stops = (is_hub || is_service) && !self.sources.contains_key(&account);
        self.stops[account as usize] = if stops { Stands::Stops } else { Stands::Passes };
        stops
    }

    fn transactions_of(&mut self, window: &ColumnBatch, moment: Range<usize>) -> bool {
        let mut starts: Vec<usize> = moment.clone().collect();
        starts.retain(|n| {
            *n == moment.start || window.transactions[*n] != window.transactions[*n - 1]
        });
        starts.push(moment.end);
        let mut legs: Vec<Range<usize>> = starts.windows(2).map(|pair| pair[0]..pair[1]).collect();
        if self.direction == Direction::Backward {
            legs.reverse();
        }
        let mut has_news = false;
        for legs in legs {
            has_news |= self.transaction(window, legs);
        }
        has_news
    }

    fn transaction(&mut self, window: &ColumnBatch, legs: Range<usize>) -> bool {
        let mut mask = 0;
        for n in legs.clone() {
            mask |= self.enter(window, n);
        }
        if mask == 0 {
            return false;
        }
        let ordinal = window.ordinals[legs.start];
        self.transactions.entry(window.transactions[legs.start]).or_insert((0, ordinal)).0 |= mask;
        let mut has_news = false;
        if self.bounds.is_in_window(window.times[legs.start]) {
            for n in legs {
                has_news |= self.leave(window, n, mask);
            }
        }
        has_news
    }

    /// The thefts whose taint a leg brings into its transaction.
    fn enter(&mut self, window: &ColumnBatch, n: usize) -> Mask {
        let is_input = window.from[n] != ColumnBatch::NOBODY;
        let spent = window.spends[n];
        self.is_disordered |= spent != ColumnBatch::NONE && spent > window.ordinals[n];
        if !is_input {
            let key = (window.times[n], window.to[n], window.amounts[n]);
            if let Some(bit) = self.source_outs.get(&key).copied() {
                let open = self.open.entry(window.ordinals[n]).or_default();
                self.has_news |= *open & bit != bit;
                *open |= bit;
                let leg = (0, window.ordinals[n]);
                self.transactions.entry(window.transactions[n]).or_insert(leg).0 |= bit;
            }
        }
        let (counts, holder, output) = match self.direction {
            Direction::Forward => (is_input, window.from[n], spent),
            Direction::Backward => (!is_input, window.to[n], window.ordinals[n]),
        };
        if !counts {
            return 0;
        }
        let own = self.sources.get(&holder).copied().unwrap_or_default();
        own | self.open.get(&output).copied().unwrap_or_default()
    }

    /// Lets taint out on the other side; is any of it new?
    fn leave(&mut self, window: &ColumnBatch, n: usize, mask: Mask) -> bool {
        let is_input = window.from[n] != ColumnBatch::NOBODY;
        let (counts, holder, output) = match self.direction {
            Direction::Forward => (!is_input, window.to[n], window.ordinals[n]),
            Direction::Backward => (is_input, window.from[n], window.spends[n]),
        };
        if !counts || holder == ColumnBatch::NOBODY || output == ColumnBatch::NONE {
            return false;
        }
        let dust = self.bounds.dust[window.assets[n] as usize].unwrap_or_default();
        // Of Bitcoin holders hubs do not stop a walk, and sources may be services.
        if window.amounts[n] < dust || self.is_service[holder as usize] {
            return false;
        }
        let open = self.open.entry(output).or_default();
        let has_news = mask & !*open != 0;
        *open |= mask;
        has_news
    }

    fn close(self, thefts: usize) -> Reached {
        let mut by_theft = vec![0u64; thefts];
        let mut transfers = 0;
        let walked = self.masks.iter().zip(&self.survey.degrees);
        for (mask, size) in walked.filter(|(mask, _)| **mask != 0) {
            transfers += u64::from(*size);
            for (n, count) in by_theft.iter_mut().enumerate() {
                *count += u64::from(*size) * (mask >> n & 1);
            }
        }
        let masks: Vec<Mask> = self.transactions.values().map(|(mask, _)| *mask).collect();
        transfers += masks.len() as u64;
        for mask in masks {
            by_theft.iter_mut().enumerate().for_each(|(n, count)| *count += mask >> n & 1);
        }
        Reached { accounts: self.masks, transactions: self.transactions, transfers, by_theft }
    }
}
