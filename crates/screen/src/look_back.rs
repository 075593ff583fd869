//! Newly listed: what did they do before, as far as it is stored?
//!
//! In: listings that are new, and the past. Out: for each account they name every stored transfer
//! that touches it, and for each listed token every stored transfer of it. The accounts of all
//! listings are asked for together, once a direction and chain; the tokens of a chain are found in
//! one run over it.
//!
//! An account of the same key in another form (the SegWit one of a listed P2PKH) counts and says
//! so. A P2PK output shows a key and not its hash: it is not found by an address.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use model::{
    Account, Address, Chain, Direction, Limits, Listing, ListingKind, Seek, Timestamp, Transfer,
    TransferId, View, ViewError, day_of,
};

use crate::answer::Match;
use crate::query::lookup_key;

/// The rule and its version, as findings name it.
pub const RULE: &str = "look-back/1";

/// So many accounts are asked for at once: their transfers are held in memory.
const ASKED_MAX: usize = 4096;

/// What is stored of one account, or of one token, that a listing names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    pub listing: Listing,
    /// The contract, of a token.
    pub account: Account,
    pub r#match: Match,
    /// In the order of time, each once.
    pub transfers: Vec<TransferId>,
    pub first: Timestamp,
    pub last: Timestamp,
    /// How many were made before the day the list gives, or the day of its version.
    pub before: usize,
}

/// Everything that the listings touch, in the order of chains and accounts.
pub fn run(view: &impl View, listings: &[&Listing]) -> Result<Vec<Touched>, ViewError> {
    let mut touched = Vec::new();
    for coverage in view.coverage()? {
        let of_kind = |is: fn(ListingKind) -> bool| wanted(listings, coverage.chain, is);
        touched.extend(accounts(view, &of_kind(|kind| kind == ListingKind::Address))?);
        touched.extend(tokens(view, coverage.chain, &of_kind(|kind| kind == ListingKind::Token))?);
    }
    Ok(touched)
}

/// Which listings name each account.
type Wanted<'a> = BTreeMap<Account, Vec<&'a Listing>>;

fn wanted<'a>(
    listings: &[&'a Listing],
    chain: Chain,
    is: impl Fn(ListingKind) -> bool,
) -> Wanted<'a> {
    let mut wanted = Wanted::new();
    for listing in listings.iter().filter(|listing| is(listing.kind)) {
        for account in lookup_key(&listing.identifier).accounts(chain) {
            wanted.entry(account).or_default().push(listing);
        }
    }
    wanted
}

fn accounts(view: &impl View, wanted: &Wanted<'_>) -> Result<Vec<Touched>, ViewError> {
    let all: Vec<&Account> = wanted.keys().collect();
    let mut touched = Vec::new();
    for accounts in all.chunks(ASKED_MAX) {
        let seeks: Vec<Seek> = accounts.iter().map(|a| Seek::all((*a).clone())).collect();
        let mut found: Vec<Vec<Transfer>> = vec![Vec::new(); seeks.len()];
        for direction in [Direction::Forward, Direction::Backward] {
            let expansion = view.expand(direction, &seeks, &Limits::NONE)?;
            for (transfers, reached) in found.iter_mut().zip(expansion.reached) {
                transfers.extend(reached.transfers);
            }
        }
        for (account, transfers) in accounts.iter().zip(found) {
            let of_it = wanted.get(*account).into_iter().flatten();
            touched.extend(of_it.filter_map(|listing| tell(listing, account, &transfers)));
        }
    }
    Ok(touched)
}

fn tokens(view: &impl View, chain: Chain, wanted: &Wanted<'_>) -> Result<Vec<Touched>, ViewError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut found: BTreeMap<&Address, Vec<Transfer>> =
        wanted.keys().map(|account| (&account.address, Vec::new())).collect();
    view.scan(chain, None, None, &mut |transfer| {
        let of_token = transfer.asset.contract().and_then(|contract| found.get_mut(contract));
        if let Some(transfers) = of_token {
            transfers.push(transfer.clone());
        }
        ControlFlow::Continue(())
    })?;
    let mut touched = Vec::new();
    for (account, listings) in wanted {
        let transfers = found.remove(&account.address).unwrap_or_default();
        touched.extend(listings.iter().filter_map(|listing| tell(listing, account, &transfers)));
    }
    Ok(touched)
}

/// Nothing where nothing is stored.
fn tell(listing: &Listing, account: &Account, transfers: &[Transfer]) -> Option<Touched> {
    let mut transfers: Vec<&Transfer> = transfers.iter().collect();
    transfers.sort_by(|a, b| a.cmp_time(b));
    // One that an account sends to itself is found in both directions.
    transfers.dedup_by_key(|transfer| transfer.id());
    let (first, last) = (transfers.first()?.time, transfers.last()?.time);
    let listed_on = listing.listed_on.unwrap_or(listing.version.date);
    // One whose checksum is wrong names no account; what was looked up are its own bytes.
    let named = listing.identifier.accounts();
    let names_it = named.is_empty() || named.iter().any(|named| named.address == account.address);
    Some(Touched {
        listing: listing.clone(),
        account: account.clone(),
        r#match: if names_it { Match::Address } else { Match::Key },
        before: transfers.iter().filter(|transfer| day_of(transfer.time) < listed_on).count(),
        transfers: transfers.into_iter().map(Transfer::id).collect(),
        first,
        last,
    })
}

impl Touched {
    /// What makes it the same finding when it is found again: with more transfers it is another.
    pub fn subject(&self) -> String {
        let Touched { listing, account, transfers, .. } = self;
        let party = listing.party_id.as_deref().or(listing.party.as_deref()).unwrap_or("-");
        let last = transfers.last().map(ToString::to_string).unwrap_or_default();
        format!(
            "{RULE} {} {party} {} {account} {} {last}",
            listing.version.list,
            listing.asset_label.as_deref().unwrap_or("-"),
            transfers.len()
        )
    }

    /// One sentence a person can check.
    pub fn why(&self) -> String {
        let Touched { listing, account, transfers, before, .. } = self;
        let who = listing.party.as_ref().map(|party| format!(" ({party})")).unwrap_or_default();
        let what = match listing.kind {
            ListingKind::Token => {
                format!("the token {}", account.address.checked_text(account.chain))
            }
            _ => account.address.checked_text(account.chain),
        };
        let how = match self.r#match {
            Match::Address => String::new(),
            Match::Key => format!(", the key of the listed {}", listing.written),
        };
        let count = match transfers.len() {
            1 => "1 stored transfer touches it".to_string(),
            n => format!("{n} stored transfers touch it"),
        };
        let since = match listing.listed_on {
            Some(day) => format!("listed on {day}"),
            None => format!("on the list of {}", listing.version.date),
        };
        format!(
            "{what}{how} is on {}{who}, {since}: {count}, {before} of them before that day",
            listing.version.list
        )
    }
}
