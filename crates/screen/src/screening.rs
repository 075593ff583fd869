//! Exact screening over every stored version of every list.
//!
//! Listings are filed under their key once; a question is one look-up in an index, then the
//! versions of each list say what was in force on the day.

use std::collections::{BTreeMap, HashMap};

use model::{Date, Key, ListVersion, Listing};

use crate::answer::{Answer, Hit, Kind, Match, Named, Searched};
use crate::index::KeyIndex;
use crate::lists::Entry;
use crate::names::{Piece, Similarity};
use crate::query::{Query, lookup_key, lookup_text};

/// Everything listed, on every stored version.
#[derive(Clone, Debug)]
pub struct Screen {
    /// In order of name.
    lists: Vec<List>,
    /// Those of one key in the order of their lists.
    records: Vec<Record>,
    /// Into [`Screen::records`].
    index: KeyIndex,
}

/// The records of each key while they are filed.
type ByKey = BTreeMap<Key, Vec<Record>>;

#[derive(Clone, Debug)]
struct List {
    name: String,
    /// In order of date; of two of one day, the one handed over later is in force.
    versions: Vec<Stored>,
}

#[derive(Clone, Debug)]
struct Stored {
    version: ListVersion,
    entries: usize,
}

/// One entry of one list through its versions.
#[derive(Clone, Debug)]
struct Record {
    /// Position in [`Screen::lists`].
    list: usize,
    entry: Entry,
    /// What each version that holds it says, by position in [`List::versions`].
    appearances: BTreeMap<usize, Listing>,
}

impl Default for Screen {
    fn default() -> Screen {
        Screen::new(&[], Vec::new())
    }
}

impl Screen {
    /// `versions` names every stored version, those that list nobody too.
    pub fn new(versions: &[ListVersion], listings: Vec<Listing>) -> Screen {
        let mut lists = lists(versions, &listings);
        let positions = positions(&lists);
        let mut by_key = ByKey::new();
        for listing in listings {
            if let Some(&(list, version)) = positions.get(&listing.version) {
                let records = by_key.entry(lookup_key(&listing.identifier)).or_default();
                lists[list].versions[version].entries += file(records, list, version, listing);
            }
        }
        let keys = by_key.iter().flat_map(|(key, records)| records.iter().map(move |_| key));
        let index = KeyIndex::new(keys);
        Screen { lists, records: by_key.into_values().flatten().collect(), index }
    }

    fn records(&self, key: &Key) -> impl Iterator<Item = &Record> {
        self.index.get(key).iter().map(|at| &self.records[*at as usize])
    }

    /// Reads the query and says what the lists in force on the day hold of it.
    pub fn screen(&self, query: &str, as_of: Date) -> Answer {
        let read = Query::parse(query);
        let searched = self.searched(as_of);
        let mut answer = Answer {
            query: query.to_string(),
            kind: Kind::Address,
            hits: Vec::new(),
            covered: !searched.is_empty() && searched.iter().all(|list| list.covered),
            searched,
            valid: !read.identifier.families.is_empty(),
            former: Vec::new(),
            cleared: Vec::new(),
            labels: Vec::new(),
            exposure: None,
            risk: None,
            note: read.note,
            identifier: Named {
                text: read.identifier.text.clone(),
                families: read.identifier.families.clone(),
            },
        };
        let text = lookup_text(&read.identifier);
        for record in self.records(&read.key) {
            let list = &self.lists[record.list];
            let Some(in_force) = list.in_force(as_of) else { continue };
            let Some((&latest, listing)) = record.appearances.range(..=in_force).next_back() else {
                continue;
            };
            let hit = hit(list, in_force, record, listing, &text);
            // An order that has run out by itself is history, whether the list still shows it or not.
            match latest == in_force && !listing.has_expired(as_of) {
                true => answer.hits.push(hit),
                false => answer.former.push(hit),
            }
        }
        answer
    }

    /// Is this key on any list in force on the day? The same as a hit, without the words.
    pub fn is_listed(&self, key: &Key, as_of: Date) -> bool {
        self.records(key).any(|record| {
            let in_force = self.lists[record.list].in_force(as_of);
            let listing = in_force.and_then(|version| record.appearances.get(&version));
            listing.is_some_and(|listing| !listing.has_expired(as_of))
        })
    }

    /// What is looked through on a day, list by list.
    pub fn searched(&self, as_of: Date) -> Vec<Searched> {
        let of = |list: &List| {
            let stored = list.in_force(as_of).map(|version| &list.versions[version]);
            Searched {
                list: list.name.clone(),
                list_date: stored.map(|stored| stored.version.date),
                entries: stored.map_or(0, |stored| stored.entries),
                covered: stored.is_some(),
            }
        };
        self.lists.iter().map(of).collect()
    }
}

/// Where each version stands: its list, and its place there.
fn positions(lists: &[List]) -> HashMap<ListVersion, (usize, usize)> {
    let of_list = |(at, list): (usize, &List)| {
        let versions = list.versions.iter().enumerate();
        versions
            .map(move |(version, stored)| (stored.version.clone(), (at, version)))
            .collect::<Vec<_>>()
    };
    lists.iter().enumerate().flat_map(of_list).collect()
}

/// Puts a listing among those of its key; how many entries the version has more by it.
fn file(records: &mut Vec<Record>, list: usize, version: usize, listing: Listing) -> usize {
    let entry = Entry::of(&listing);
    let order = |record: &Record| (record.list, &record.entry).cmp(&(list, &entry));
    let at = records.binary_search_by(order).unwrap_or_else(|at| {
        records.insert(at, Record { list, entry, appearances: BTreeMap::new() });
        at
    });
    usize::from(records[at].appearances.insert(version, listing).is_none())
}

impl List {
    /// The latest version of that day or before it.
    fn in_force(&self, as_of: Date) -> Option<usize> {
        self.versions.partition_point(|stored| stored.version.date <= as_of).checked_sub(1)
    }
}

/// Every list with its versions; those only a listing names count as well.
fn lists(versions: &[ListVersion], listings: &[Listing]) -> Vec<List> {
    let mut by_name: BTreeMap<&str, Vec<&ListVersion>> = BTreeMap::new();
    for version in versions.iter().chain(listings.iter().map(|listing| &listing.version)) {
        let known = by_name.entry(&version.list).or_default();
        // Most listings follow one of the same version.
        if known.last() != Some(&version) && !known.contains(&version) {
            known.push(version);
        }
    }
    by_name
        .into_iter()
        .map(|(name, mut versions)| {
            versions.sort_by_key(|version| version.date);
            let stored = |version: &ListVersion| Stored { version: version.clone(), entries: 0 };
            List { name: name.to_string(), versions: versions.into_iter().map(stored).collect() }
        })
        .collect()
}

fn hit(list: &List, in_force: usize, record: &Record, listing: &Listing, text: &str) -> Hit {
    let date = |version: usize| list.versions.get(version).map(|stored| stored.version.date);
    let first = record.appearances.first_key_value().and_then(|(version, _)| date(*version));
    let (last, last_seen) = record
        .appearances
        .last_key_value()
        .and_then(|(version, _)| Some((*version, date(*version)?)))
        .expect("a record is made for an appearance");
    let is_same = lookup_text(&listing.identifier) == text;
    Hit {
        list: list.name.clone(),
        list_date: list.versions[in_force].version.date,
        party: listing.party.clone(),
        programme: (!listing.programmes.is_empty()).then(|| listing.programmes.join(", ")),
        asset_label: listing.asset_label.clone(),
        listed_on: listing.listed_on,
        first_seen: first.unwrap_or(last_seen),
        last_seen,
        absent_since: date(last + 1),
        delisted_on: listing.expires_on.and_then(|last| last.tomorrow().ok()),
        expires_on: listing.expires_on,
        listed_as: listing.kind,
        r#match: if is_same { Match::Address } else { Match::Key },
        written: listing.written.clone(),
        party_id: listing.party_id.clone(),
        score: 1.0,
        matched: listing.written.clone(),
        pieces: vec![Piece {
            query: Some(text.to_string()),
            matched: Some(listing.written.clone()),
            similarity: if is_same { Similarity::SameAddress } else { Similarity::SameKey },
            likeness: 1.0,
            weight: 1.0,
            contribution: 1.0,
        }],
        decision: None,
        counterparty: None,
    }
}
