//! Everything known of identifiers, in memory: labels and listings by key.

use std::collections::HashMap;

use crate::{Account, Key, Label, Listing, Subject, TxId};

/// Labels and listings, found by the canonical bytes of an address.
#[derive(Clone, Debug, Default)]
pub struct Book {
    labels: Vec<Label>,
    listings: Vec<Listing>,
    labels_by_key: HashMap<Key, Vec<u32>>,
    labels_by_tx: HashMap<TxId, Vec<u32>>,
    listings_by_key: HashMap<Key, Vec<u32>>,
}

impl Book {
    pub fn add_label(&mut self, label: Label) {
        let at = position(self.labels.len());
        match &label.subject {
            Subject::Account(account) => {
                self.labels_by_key.entry(Key::of(account)).or_default().push(at);
            }
            Subject::Identifier(identifier) => {
                self.labels_by_key.entry(identifier.key.clone()).or_default().push(at);
            }
            Subject::Transaction(tx) => self.labels_by_tx.entry(*tx).or_default().push(at),
        }
        self.labels.push(label);
    }

    pub fn add_listing(&mut self, listing: Listing) {
        let at = position(self.listings.len());
        self.listings_by_key.entry(listing.identifier.key.clone()).or_default().push(at);
        self.listings.push(listing);
    }

    /// The labels of an account, the surest first; those said of another chain
    /// only are left out.
    pub fn labels(&self, account: &Account) -> Vec<&Label> {
        let mut found: Vec<&Label> = at(&self.labels, self.labels_by_key.get(&Key::of(account)))
            .filter(|label| match &label.subject {
                Subject::Account(named) => named == account,
                Subject::Identifier(identifier) => identifier.can_be(account.chain),
                Subject::Transaction(_) => false,
            })
            .collect();
        found.sort_by(|a, b| {
            b.confidence.level.cmp(&a.confidence.level).then_with(|| a.name.cmp(&b.name))
        });
        found
    }

    pub fn labels_of_transaction(&self, tx: &TxId) -> impl Iterator<Item = &Label> {
        at(&self.labels, self.labels_by_tx.get(tx))
    }

    /// Listings of the same key, on whatever chain the list names it.
    pub fn listings(&self, key: &Key) -> impl Iterator<Item = &Listing> {
        at(&self.listings, self.listings_by_key.get(key))
    }

    pub fn all_labels(&self) -> &[Label] {
        &self.labels
    }

    pub fn all_listings(&self) -> &[Listing] {
        &self.listings
    }
}

fn position(len: usize) -> u32 {
    u32::try_from(len).expect("a book holds fewer than four billion entries")
}

fn at<'a, T>(all: &'a [T], found: Option<&'a Vec<u32>>) -> impl Iterator<Item = &'a T> {
    found.into_iter().flatten().filter_map(|at| all.get(*at as usize))
}
