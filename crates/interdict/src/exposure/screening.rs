//! One look-up an address: its exposure and its risk from what is kept.
//!
//! ```text
//! let marked = exposure::marked(book);
//! let rules = exposure::rules(home.path(), None)?;
//! let screening = Screening::open(home.path(), &store, marked, rules)?;   // once
//! let Screened { exposure, risk, unknown } = screening.screen(&account)?; // each
//! ```

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use model::{Account, Address, Asset, AssetMeta, Chain, Prices, Registry, View};
use store::Store;
use store::provenance::Provenance;
use store::snapshot::Snapshot;
use trace::exposure::{AsOf, Exposure, Marked, stored};
use trace::provenance::{Entry, Origin, OriginName, RULES, code};
use trace::risk::{Risk, Rules};

use super::{files, keep};

/// Unspent outputs of one Bitcoin address that are summed; one with more is a service.
const OUTPUTS_MAX: usize = 10_000;

/// Everything a screening needs, opened once.
pub struct Screening {
    marked: Arc<Marked>,
    rules: Rules,
    prices: Prices,
    snapshot: Snapshot,
    kept: BTreeMap<Chain, Kept>,
    /// Chains that are stored and of which nothing can be said, with why.
    without: BTreeMap<Chain, String>,
}

struct Kept {
    db: Provenance,
    names: BTreeMap<Origin, OriginName>,
    as_of: AsOf,
}

/// What is said of one address.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Screened {
    pub exposure: Option<Exposure>,
    pub risk: Option<Risk>,
    /// Why there is neither.
    pub unknown: Option<String>,
}

impl Screening {
    /// `marked`: everything known of addresses ([`super::marked`]).
    pub fn open(
        home: &Path,
        store: &Store,
        marked: impl Into<Arc<Marked>>,
        rules: Rules,
    ) -> Result<Screening> {
        let marked = marked.into();
        let (mut kept, mut without) = (BTreeMap::new(), BTreeMap::new());
        for coverage in store.coverage()? {
            let chain = coverage.chain;
            let update = "`interdict exposure update` works it out";
            let Some(db) = Provenance::open(home, chain)? else {
                let why =
                    format!("where value of {} came from is not kept: {update}", chain.name());
                without.insert(chain, why);
                continue;
            };
            let as_of = as_of(&db, &marked, &coverage)?;
            if db.notes()?.get("rules") != Some(&RULES.to_string()) {
                let why = format!("what is kept of {} follows other rules: {update}", chain.name());
                without.insert(chain, why);
                continue;
            }
            let names = keep::named(&db)?;
            kept.insert(chain, Kept { db, names, as_of });
        }
        let (prices, snapshot) = (latest(&super::prices(store)?), store.snapshot());
        Ok(Screening { marked, rules, prices, snapshot, kept, without })
    }

    pub fn marked(&self) -> &Marked {
        &self.marked
    }

    /// By what is kept; never walks.
    pub fn screen(&self, account: &Account) -> Result<Screened> {
        let Some(kept) = self.kept.get(&account.chain) else {
            let why = self.without.get(&account.chain).cloned();
            let none = || format!("no transfers of {} are stored", account.chain.name());
            let unknown = Some(why.unwrap_or_else(none));
            return Ok(Screened { exposure: None, risk: None, unknown });
        };
        let exposure = self.exposure(kept, account)?;
        let risk = self.rules.judge(&exposure);
        Ok(Screened { exposure: Some(exposure), risk: Some(risk), unknown: None })
    }

    fn exposure(&self, kept: &Kept, account: &Account) -> Result<Exposure> {
        let address = account.address.bytes();
        let doing = || format!("read what is kept of {account}");
        let entry = match kept.db.entry(address)? {
            Some(bytes) => code::decode(&bytes).with_context(doing)?,
            None => Entry::default(),
        };
        let (mut outputs, mut is_cut) = (Vec::new(), false);
        if account.chain.is_utxo() {
            let (rows, is_more) = kept.db.outputs_of(address, OUTPUTS_MAX)?;
            is_cut = is_more;
            for row in rows {
                outputs.push(code::decode_parts(&row).with_context(doing)?);
            }
        }
        let meta = |asset: &Asset| -> AssetMeta {
            let known = self.snapshot.assets(std::slice::from_ref(asset)).ok();
            let known = known.and_then(|all| all.into_iter().next());
            let shipped = || Registry::shipped().get(asset).cloned();
            let known = known.filter(|meta| meta.symbol.is_some()).or_else(shipped);
            known.unwrap_or_else(|| AssetMeta::unknown(asset.clone()))
        };
        let known = stored::Known {
            marked: &self.marked,
            registry: Registry::shipped(),
            prices: &self.prices,
            as_of: kept.as_of.clone(),
            meta: &meta,
            name: &|origin| kept.names.get(&origin).cloned(),
        };
        let mut exposure = stored::of(account, &entry, &outputs, &known);
        if is_cut {
            exposure.remarks.push(format!(
                "The address has more than {OUTPUTS_MAX} unspent outputs: what is held is summed over so many"
            ));
        }
        Ok(exposure)
    }

    /// Every account something is kept of, with its exposure.
    pub fn each(&self, chain: Chain, visit: &mut dyn FnMut(Exposure)) -> Result<()> {
        let Some(kept) = self.kept.get(&chain) else { return Ok(()) };
        for address in kept.db.addresses()? {
            let address = Address::from_bytes(&address, chain).context("read a kept address")?;
            visit(self.exposure(kept, &Account { chain, address })?);
        }
        Ok(())
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }
}

/// Of each asset the one price an exposure takes: looking through all takes longer than all else.
fn latest(all: &Prices) -> Prices {
    let mut by_asset: BTreeMap<&Asset, &model::Price> = BTreeMap::new();
    for price in all.iter() {
        let known = by_asset.entry(&price.asset).or_insert(price);
        // Of equal ones the last counts, as where all are gone through.
        if price.starts() >= known.starts() {
            *known = price;
        }
    }
    let mut prices = Prices::default();
    by_asset.into_values().for_each(|price| prices.insert(price.clone()));
    prices
}

fn as_of(db: &Provenance, marked: &Marked, coverage: &model::Coverage) -> Result<AsOf> {
    let reach = db.reach()?;
    let labels = db.notes()?.get("marks").cloned().unwrap_or_default();
    let mut stale = outdated(db, marked)?;
    if stale.is_none()
        && (reach.transfers != coverage.transfers || reach.height < coverage.height_last)
    {
        stale = Some(format!(
            "{} transfers are stored, {} were read{}",
            coverage.transfers,
            reach.transfers,
            match (reach.height, coverage.height_last) {
                (Some(read), Some(held)) => format!(", up to block {read} of {held}"),
                _ => String::new(),
            }
        ));
    }
    Ok(AsOf { height: reach.height, time: reach.time, transfers: reach.transfers, labels, stale })
}

/// Why a sweep with the labels of now would come to something else; none: it would not. What
/// was found for the same files of labels is remembered, since it means asking for every
/// labelled address.
pub fn outdated(db: &Provenance, marked: &Marked) -> Result<Option<String>> {
    let notes = db.notes()?;
    if notes.get("rules") != Some(&RULES.to_string()) {
        return Ok(Some("it was kept by other rules".into()));
    }
    let files = files(marked);
    if notes.get("files") == Some(&files) {
        return Ok(None);
    }
    let known = notes.get("checked").and_then(|known| known.split_once(' '));
    if let Some((_, why)) = known.filter(|(of, _)| *of == files) {
        return Ok(Some(why.to_string()).filter(|why| !why.is_empty()));
    }
    let why = changed(db, marked)?;
    // Whoever writes just now keeps this from being noted: then it is looked for again.
    drop(match &why {
        Some(why) => db.put_note("checked", &format!("{files} {why}")),
        None => db
            .put_note("marks", &marked.digest(db.chain()))
            .and_then(|()| db.put_note("files", &files)),
    });
    Ok(why)
}

fn changed(db: &Provenance, marked: &Marked) -> Result<Option<String>> {
    if db.notes()?.get("marks") == Some(&marked.digest(db.chain())) {
        return Ok(None);
    }
    let mut new = 0;
    for account in marked.marked_accounts(db.chain()) {
        new += u64::from(db.entry(account.address.bytes())?.is_some());
    }
    if new > 0 {
        return Ok(Some(format!("{new} addresses with a past were labelled or listed since")));
    }
    let mut old = 0;
    for (address, said) in db.marks()? {
        let address = Address::from_bytes(&address, db.chain()).context("read a marked address")?;
        let account = Account { chain: db.chain(), address };
        old += u64::from(marked.said(&account).as_ref() != Some(&said));
    }
    Ok((old > 0).then(|| {
        format!(
            "{old} addresses are labelled or listed no longer, as another service, or since another day"
        )
    }))
}
