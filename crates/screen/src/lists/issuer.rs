//! The blacklists that issuers of stablecoins keep on chains: whose tokens are frozen.
//!
//! In: what the contracts said, as freezes, releases and destructions. Out: who is frozen after the
//! last of them, one list for each asset. A release takes a holder off; destroying what somebody
//! held does not.

use std::collections::BTreeMap;
use std::io::BufRead;

use model::{Account, Asset, Date, Freeze, FreezeAction, Timestamp, TxHash, TxId, U256, day_of};

use super::gather::Gather;
use super::table::{Columns, Table};
use super::{ListError, ParsedList};

/// What the list of an asset is called: `issuer-eip155-1-erc20-0xdac1…`.
pub fn list_name(asset: &Asset) -> String {
    let text = asset.to_string().to_lowercase();
    let slug: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("issuer-{slug}")
}

/// Who is frozen on a day: a version for each asset, in order. Without a day that of the last
/// event of all is taken; what happened later does not count.
///
/// The order of events within one moment is that of heights and logs; two sources that tell the
/// same event count once.
pub fn lists(freezes: &[Freeze], as_of: Option<Date>, file_hash: &str) -> Vec<ParsedList> {
    let Some(last) = freezes.iter().map(|freeze| freeze.time).max() else { return Vec::new() };
    let date = as_of.unwrap_or_else(|| day_of(last));
    let mut events: Vec<&Freeze> = freezes.iter().filter(|f| day_of(f.time) <= date).collect();
    events.sort_by(|a, b| order(a).cmp(&order(b)));
    events.dedup_by(|a, b| a.tx == b.tx && a.log_index == b.log_index && a.holder == b.holder);
    let mut assets: BTreeMap<String, Vec<&Freeze>> = BTreeMap::new();
    for event in events {
        assets.entry(list_name(&event.asset)).or_default().push(event);
    }
    let lists = assets.into_iter();
    lists.map(|(name, events)| list(&name, &events, date, file_hash)).collect()
}

fn order(freeze: &Freeze) -> (Timestamp, Option<u64>, u32) {
    (freeze.time, freeze.height, freeze.log_index)
}

fn list(name: &str, events: &[&Freeze], date: Date, file_hash: &str) -> ParsedList {
    // Since when each holder is frozen, and under which address.
    let mut frozen: BTreeMap<String, (Date, String)> = BTreeMap::new();
    for event in events {
        let holder = event.holder.text(event.asset.chain);
        match event.action {
            FreezeAction::Freeze => {
                let written = event.holder.checked_text(event.asset.chain);
                frozen.entry(holder).or_insert((day_of(event.time), written));
            }
            FreezeAction::Release => drop(frozen.remove(&holder)),
            FreezeAction::Destroy(_) => {}
        }
    }
    let mut gather = Gather::new(name, date, file_hash);
    let asset = events.first().map(|event| event.asset.to_string());
    for (since, written) in frozen.into_values() {
        let mut listing = gather.listing(&written);
        listing.asset_label.clone_from(&asset);
        listing.programmes = vec!["frozen by its issuer".to_string()];
        listing.listed_on = Some(since);
        gather.add(listing);
    }
    gather.finish()
}

/// Reads events from a table: `asset` (CAIP-19), `holder`, `action` (`freeze`, `release`,
/// `destroy`), `time`, `tx`, and where they are known `log_index`, `height` and `amount`.
pub fn read(input: impl BufRead) -> Result<Vec<Freeze>, ListError> {
    let mut table = Table::new(input, b',');
    let mut columns = None;
    let mut freezes = Vec::new();
    while let Some((line, row)) = table.next()? {
        let Some(known) = &columns else {
            let heading = Columns::of(row);
            for name in ["asset", "holder", "action", "time", "tx"] {
                if !heading.has(name) {
                    let expected = format!("a heading with the column {name}");
                    return Err(ListError::at_line(line, &expected, "none"));
                }
            }
            columns = Some(heading);
            continue;
        };
        let cell = |name: &str| known.cell(row, name);
        let wrong = |name: &str, expected: &str| {
            let found = format!("{:?}", cell(name));
            ListError::at_line(line, &format!("{name}: {expected}"), found)
        };
        let asset: Asset = cell("asset")
            .parse()
            .map_err(|_| wrong("asset", "an asset such as eip155:1/erc20:0x…"))?;
        let holder = Account::parse(cell("holder"), asset.chain)
            .map_err(|_| wrong("holder", "an address of the asset's chain"))?;
        let hash = TxHash::parse(cell("tx"), asset.chain)
            .ok_or_else(|| wrong("tx", "a transaction of the asset's chain"))?;
        let number = |name: &'static str| match cell(name) {
            "" => Ok(None),
            text => text.parse::<u64>().map(Some).map_err(|_| wrong(name, "a number")),
        };
        let log_index = number("logindex")?.unwrap_or_default();
        freezes.push(Freeze {
            tx: TxId { chain: asset.chain, hash },
            log_index: u32::try_from(log_index).map_err(|_| wrong("logindex", "a small number"))?,
            height: number("height")?,
            time: time(cell("time")).ok_or_else(|| wrong("time", "a moment"))?,
            holder: holder.address,
            action: match cell("action").to_lowercase().as_str() {
                "freeze" | "blacklist" | "block" => FreezeAction::Freeze,
                "release" | "unfreeze" | "unblacklist" | "unblock" => FreezeAction::Release,
                "destroy" => FreezeAction::Destroy(
                    U256::from_str_radix(cell("amount"), 10)
                        .map_err(|_| wrong("amount", "base units, in decimal"))?,
                ),
                _ => return Err(wrong("action", "freeze, release or destroy")),
            },
            asset,
        });
    }
    Ok(freezes)
}

/// A moment, or a day from its start.
fn time(text: &str) -> Option<Timestamp> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_string() };
    whole.parse().ok()
}
