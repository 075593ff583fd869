//! `interdict transfers`: what is stored of a chain, transfer by transfer.
//!
//! Written as it is read: memory holds one transfer, however many there are.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

use anyhow::Result;
use model::amount::format_units;
use model::{Asset, AssetMeta, Chain, Position, TimeSource, Transfer, TransferKind, View};
use serde::Serialize;
use store::{Followed, Store};

use crate::cli::{TransfersArgs, TransfersFormat};
use crate::follow::ChainReport;
use crate::follow::pending::{self, PendingTransfer};
use crate::home::Home;
use crate::out::Out;

/// One line of JSON; the columns of CSV.
#[derive(Debug, Serialize)]
struct Row {
    chain: Chain,
    /// None for what a block pays out by itself: no transaction did it.
    tx: Option<String>,
    position: String,
    height: Option<u64>,
    tx_index: Option<u32>,
    time: Option<model::Timestamp>,
    time_source: TimeSource,
    kind: TransferKind,
    from: Option<String>,
    to: Option<String>,
    asset: String,
    /// Base units, as a decimal string.
    amount: String,
    r#final: bool,
}

pub fn run(home: &Home, args: &TransfersArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    if args.pending {
        return pending_ones(&store, args, out);
    }
    let finality = Finality::of_all(&store)?;
    let mut lines = Lines::new(args.format, &store, BufWriter::new(io::stdout().lock()));
    lines.head()?;
    let mut failed = None;
    let mut visit = |transfer: &Transfer| {
        let is_final = finality.covers(args.chain, transfer.height);
        match lines.line(transfer, is_final) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    match (args.from, args.to) {
        (None, None) => store.scan(args.chain, None, None, &mut visit)?,
        // Without a height nobody can say whether it is within heights.
        (from, to) => {
            let heights = from.unwrap_or(0)..=to.unwrap_or(u64::MAX);
            store.snapshot().scan_heights(args.chain, heights, &mut visit)?;
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(lines.out.flush().map(|()| ExitCode::SUCCESS)?),
    }
}

/// Which blocks of followed chains are final. What files told is: nobody takes it back.
pub struct Finality {
    chains: BTreeMap<Chain, Final>,
}

struct Final {
    /// The first block that can be undone.
    first_hot: Option<u64>,
    /// By the rule of its chain, final blocks that can still be undone included.
    last_final: Option<u64>,
}

impl Finality {
    pub fn of_all(store: &Store) -> Result<Finality> {
        let of = |followed: &Followed| Final {
            first_hot: followed.hot.as_ref().map(|hot| *hot.start()),
            last_final: ChainReport::of(followed).and_then(|report| report.last_final),
        };
        let chains = store.followed()?.iter().map(|known| (known.chain, of(known))).collect();
        Ok(Finality { chains })
    }

    pub fn covers(&self, chain: Chain, height: Option<u64>) -> bool {
        let Some(Final { first_hot: Some(first_hot), last_final }) = self.chains.get(&chain) else {
            return true;
        };
        let Some(height) = height else { return true };
        height < *first_hot || last_final.is_some_and(|last| height <= last)
    }
}

struct Lines<'a, W> {
    format: TransfersFormat,
    store: &'a Store,
    /// What is known of the asset of the last line: mostly that of the next one too.
    meta: Option<AssetMeta>,
    out: W,
}

impl<'a, W: Write> Lines<'a, W> {
    fn new(format: TransfersFormat, store: &'a Store, out: W) -> Lines<'a, W> {
        Lines { format, store, meta: None, out }
    }

    fn head(&mut self) -> Result<()> {
        match self.format {
            TransfersFormat::Csv => Ok(writeln!(self.out, "{}", COLUMNS.join(","))?),
            TransfersFormat::Json | TransfersFormat::Table => Ok(()),
        }
    }

    fn line(&mut self, transfer: &Transfer, is_final: bool) -> Result<()> {
        match self.format {
            TransfersFormat::Json => {
                // A reader that went away is known by the error of its pipe.
                let row = Row::of(transfer, is_final);
                serde_json::to_writer(&mut self.out, &row).map_err(io::Error::from)?;
                writeln!(self.out)?;
            }
            TransfersFormat::Csv => {
                writeln!(self.out, "{}", Row::of(transfer, is_final).cells().join(","))?;
            }
            TransfersFormat::Table => {
                let amount = self.amount(transfer)?;
                let line = table_line(&Row::of(transfer, is_final), &amount);
                writeln!(self.out, "{line}")?;
            }
        }
        Ok(())
    }

    /// In whole units with the symbol, where they are known.
    fn amount(&mut self, transfer: &Transfer) -> Result<String> {
        let meta = self.meta(&transfer.asset)?;
        let symbol = meta.symbol.as_deref().map(crate::render::plain);
        Ok(match (meta.decimals, symbol) {
            (Some(decimals), Some(symbol)) => {
                format!("{} {symbol}", format_units(transfer.amount, decimals))
            }
            _ => format!("{} of {}", transfer.amount, transfer.asset),
        })
    }

    fn meta(&mut self, asset: &Asset) -> Result<AssetMeta> {
        if let Some(meta) = self.meta.as_ref().filter(|meta| meta.asset == *asset) {
            return Ok(meta.clone());
        }
        let found = self.store.assets(std::slice::from_ref(asset))?;
        let meta = found.into_iter().next().unwrap_or_else(|| AssetMeta::unknown(asset.clone()));
        self.meta = Some(meta.clone());
        Ok(meta)
    }
}

const COLUMNS: [&str; 13] = [
    "chain",
    "tx",
    "position",
    "height",
    "tx_index",
    "time",
    "time_source",
    "kind",
    "from",
    "to",
    "asset",
    "amount",
    "final",
];

impl Row {
    fn of(transfer: &Transfer, is_final: bool) -> Row {
        let chain = transfer.tx.chain;
        let text = |address: &Option<model::Address>| address.as_ref().map(|a| a.text(chain));
        // A block's rewards hang on its hash, which is no transaction's.
        let is_of_block = matches!(transfer.position, Position::Reward(_));
        Row {
            chain,
            tx: (!is_of_block).then(|| transfer.tx.hash_text()),
            position: transfer.position.to_string(),
            height: transfer.height,
            tx_index: transfer.tx_index,
            time: (transfer.time_source != TimeSource::Unknown).then_some(transfer.time),
            time_source: transfer.time_source,
            kind: transfer.kind,
            from: text(&transfer.from),
            to: text(&transfer.to),
            asset: transfer.asset.to_string(),
            amount: transfer.amount.to_string(),
            r#final: is_final,
        }
    }

    /// In the order of [`COLUMNS`]. No cell holds a comma or a quote: they are numbers, identifiers
    /// and addresses.
    fn cells(&self) -> [String; 13] {
        fn text<T: ToString>(value: &Option<T>) -> String {
            value.as_ref().map(ToString::to_string).unwrap_or_default()
        }
        [
            self.chain.to_string(),
            text(&self.tx),
            self.position.clone(),
            text(&self.height),
            text(&self.tx_index),
            text(&self.time),
            word(&self.time_source),
            word(&self.kind),
            text(&self.from),
            text(&self.to),
            self.asset.clone(),
            self.amount.clone(),
            self.r#final.to_string(),
        ]
    }
}

/// The word an enumeration is in JSON.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn table_line(row: &Row, amount: &str) -> String {
    let height = row.height.map_or_else(|| "?".into(), |height| height.to_string());
    let time = row.time.map_or_else(|| "time unknown".into(), |time| time.to_string());
    let end = |end: &Option<String>| end.clone().unwrap_or_else(|| "-".into());
    let kind = word(&row.kind);
    let settled = if row.r#final { "" } else { ", not final" };
    let tx = row.tx.as_deref().unwrap_or("the block itself");
    format!(
        "{height}  {time}  {} -> {}  {amount}  {kind}{settled}  {tx} {}",
        end(&row.from),
        end(&row.to),
        row.position
    )
}

fn pending_ones(store: &Store, args: &TransfersArgs, out: &Out) -> Result<ExitCode> {
    for row in pending::noted(store, args.chain)?.transfers() {
        match args.format {
            TransfersFormat::Json => out.print(&(serde_json::to_string(row)? + "\n"))?,
            TransfersFormat::Csv | TransfersFormat::Table => out.print(&pending_line(row))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn pending_line(row: &PendingTransfer) -> String {
    let end = |end: &Option<String>| end.clone().unwrap_or_else(|| "-".into());
    let (from, to) = (end(&row.from), end(&row.to));
    let PendingTransfer { seen, amount, asset, tx, state, .. } = row;
    format!("{seen}  {from} -> {to}  {amount} of {asset}  {}  {tx}\n", state.text())
}
