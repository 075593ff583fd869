//! The edges as CSV (RFC 4180), one movement of tainted value a row, in time order.
//!
//! | column | what |
//! |---|---|
//! | `chain` | CAIP-2 |
//! | `tx`, `position` | the transaction, and the place in it |
//! | `height`, `time` | the block, and RFC 3339 in UTC; empty where no source says |
//! | `from`, `to` | addresses; empty on Bitcoin, where the transaction is the other end |
//! | `asset`, `symbol` | CAIP-19, and what the asset calls itself |
//! | `amount`, `amount_base` | what moved: whole units (empty if decimals are unknown), base units |
//! | `tainted`, `tainted_base` | the tainted part of it, likewise |
//! | `depth` | hops from a source |
//! | `from_label`, `to_label` | the surest label, else the list the address is on |
//!
//! A cell that a spreadsheet could take for a formula gets a leading apostrophe.

use model::amount::format_units;
use model::{Account, Asset, U256};
use trace::Report;
use trace::report::Link;

use super::words::{Words, plain};

const COLUMNS: [&str; 16] = [
    "chain",
    "tx",
    "position",
    "height",
    "time",
    "from",
    "to",
    "asset",
    "symbol",
    "amount",
    "amount_base",
    "tainted",
    "tainted_base",
    "depth",
    "from_label",
    "to_label",
];

pub fn csv(report: &Report) -> String {
    let words = Words::new(report);
    let mut text = COLUMNS.join(",") + "\n";
    for link in &report.edges {
        let cells = row(&words, link).map(|cell| quoted(&cell));
        text += &(cells.join(",") + "\n");
    }
    text
}

fn row(words: &Words, link: &Link) -> [String; 16] {
    let address = |account: &Option<Account>| {
        account.as_ref().map(|account| account.address.text(account.chain)).unwrap_or_default()
    };
    let label = |account: &Option<Account>| {
        account.as_ref().and_then(|account| words.said(account)).unwrap_or_default()
    };
    let symbol = words.report.assets.iter().find(|row| row.asset == link.asset);
    [
        link.chain.to_string(),
        link.tx.clone(),
        link.position.clone(),
        link.height.map(|height| height.to_string()).unwrap_or_default(),
        link.time.map(|time| time.to_string()).unwrap_or_default(),
        address(&link.from),
        address(&link.to),
        link.asset.to_string(),
        symbol.and_then(|row| row.symbol.as_deref()).map(plain).unwrap_or_default(),
        units(words, &link.asset, link.amount.0),
        link.amount.0.to_string(),
        units(words, &link.asset, link.tainted.0),
        link.tainted.0.to_string(),
        link.depth.to_string(),
        label(&link.from),
        label(&link.to),
    ]
}

fn units(words: &Words, asset: &Asset, base: U256) -> String {
    words.decimals(asset).map(|decimals| format_units(base, decimals)).unwrap_or_default()
}

fn quoted(cell: &str) -> String {
    let guarded = match cell.chars().next() {
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') => format!("'{cell}"),
        _ => cell.to_string(),
    };
    if guarded.contains([',', '"', '\n', '\r', ';', '\'']) {
        return format!("\"{}\"", guarded.replace('"', "\"\""));
    }
    guarded
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
        assert_eq!(quoted("@sum"), "\"'@sum\"");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("0x12"), "0x12");
    }
}
