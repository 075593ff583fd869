//! What is known of accounts and prices while new blocks are looked at.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use case::watches::{Known, Target, Watch};
use model::{Account, Asset, Book, Chain, Prices, Transfer, U256, View};
use store::Store;
use trace::exposure::Way;

use crate::cell::Cell;
use crate::clusters::{self, services};
use crate::exposure;

/// Clusters are read anew at most so often: of a large chain that takes seconds.
const CLUSTERS_EVERY: Duration = Duration::from_secs(300);

/// Kept from one look to the next.
#[derive(Default)]
pub struct Kept {
    clusters: BTreeMap<Chain, Clusters>,
}

/// Who is in the clusters that are watched.
struct Clusters {
    watched: BTreeSet<Account>,
    at: Instant,
    /// By member, the accounts that stand for its cluster.
    members: HashMap<Account, Vec<String>>,
}

pub struct Knows<'a> {
    cell: &'a Cell,
    book: Arc<Book>,
    prices: Prices,
    decimals: RefCell<HashMap<Asset, Option<u8>>>,
    store: &'a Store,
    members: Option<&'a HashMap<Account, Vec<String>>>,
    /// Shares that were asked for, by account and category.
    shares: RefCell<HashMap<(Account, String), Option<u32>>>,
}

impl<'a> Knows<'a> {
    pub fn of(
        kept: &'a mut Kept,
        store: &'a Store,
        cell: &'a Cell,
        chain: Chain,
        watches: &[Watch],
    ) -> Result<Knows<'a>> {
        let book = cell.now().screener.book().clone();
        let is_priced = |watch: &Watch| matches!(watch.target, Target::Usd { .. });
        let prices = match watches.iter().any(is_priced) {
            true => exposure::prices(store)?,
            false => Prices::default(),
        };
        kept.refresh(store, &book, chain, watches)?;
        let members = kept.clusters.get(&chain).map(|clusters| &clusters.members);
        Ok(Knows {
            cell,
            book,
            prices,
            decimals: RefCell::default(),
            store,
            members,
            shares: RefCell::default(),
        })
    }

    fn decimals(&self, asset: &Asset) -> Option<u8> {
        if let Some(known) = self.decimals.borrow().get(asset) {
            return *known;
        }
        let registered = model::Registry::shipped().get(asset).and_then(|meta| meta.decimals);
        let stored = || self.store.assets(std::slice::from_ref(asset)).ok()?.first()?.decimals;
        let found = registered.or_else(stored);
        self.decimals.borrow_mut().insert(asset.clone(), found);
        found
    }

    /// The largest share, over assets, of what is held or came in and owes to a category.
    fn share(&self, account: &Account, category: &str) -> Option<u32> {
        let screened = self.cell.exposure(account).ok()??;
        let flows = screened.exposure?.flows;
        let came_in = flows.iter().filter(|flow| flow.direction == Way::In && !flow.is_imitation);
        let of = came_in.flat_map(|flow| &flow.categories);
        let shares = of.filter(|row| row.category == category).map(|row| row.share);
        let largest = shares.fold(None, |largest: Option<f64>, share| {
            Some(largest.map_or(share, |largest| largest.max(share)))
        })?;
        #[expect(clippy::cast_possible_truncation, reason = "it is between 0 and 10,000")]
        let points = (largest.clamp(0.0, 1.0) * 10_000.0).round() as u32;
        Some(points)
    }
}

impl Known for Knows<'_> {
    fn entities(&self, account: &Account) -> Vec<String> {
        let mut names = Vec::new();
        for label in self.book.labels(account) {
            names.push(label.name.clone());
            names.extend(label.actor.clone());
        }
        names.extend(self.members.and_then(|all| all.get(account)).into_iter().flatten().cloned());
        names
    }

    fn usd_e12(&self, transfer: &Transfer) -> Option<U256> {
        let decimals = self.decimals(&transfer.asset)?;
        self.prices.value_e12(&transfer.asset, transfer.amount, decimals, transfer.time)
    }

    fn exposure(&self, account: &Account, category: &str) -> Option<u32> {
        let key = (account.clone(), category.to_string());
        if let Some(known) = self.shares.borrow().get(&key) {
            return *known;
        }
        let share = self.share(account, category);
        self.shares.borrow_mut().insert(key, share);
        share
    }
}

impl Kept {
    /// Reads the clusters of a chain where any is watched and what is kept of them is old.
    fn refresh(
        &mut self,
        store: &Store,
        book: &Book,
        chain: Chain,
        watches: &[Watch],
    ) -> Result<()> {
        let stands_for = |watch: &Watch| match &watch.target {
            Target::Entity { name } if watch.is_active => name.parse::<Account>().ok(),
            _ => None,
        };
        let watched: BTreeSet<Account> = watches
            .iter()
            .filter_map(stands_for)
            .filter(|account| account.chain == chain)
            .collect();
        if watched.is_empty() {
            self.clusters.remove(&chain);
            return Ok(());
        }
        let is_fresh = self
            .clusters
            .get(&chain)
            .is_some_and(|kept| kept.watched == watched && kept.at.elapsed() < CLUSTERS_EVERY);
        if is_fresh {
            return Ok(());
        }
        let mut members: HashMap<Account, Vec<String>> = HashMap::new();
        let shown = clusters::read(store, chain, services::of(book, chain))?;
        for account in &watched {
            let mut of_it: BTreeSet<Account> = BTreeSet::from([account.clone()]);
            if let Some(shown) = &shown
                && let Some(number) = shown.clusterer.number(&account.address)
            {
                let numbers = shown.clusterer.clusters().members(number);
                of_it.extend(numbers.into_iter().map(|number| shown.clusterer.account(number)));
            }
            for member in of_it {
                members.entry(member).or_default().push(account.to_string());
            }
        }
        let clusters = Clusters { watched, at: Instant::now(), members };
        self.clusters.insert(chain, clusters);
        Ok(())
    }
}
