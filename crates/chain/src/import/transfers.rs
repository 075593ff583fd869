//! Tables of transfers, one a row, whatever file they stand in: what
//! `transfers-csv` and `transfers-parquet` have in common.
//!
//! The columns are documented in this crate's README. A row is one transfer with
//! [`Evidence::Row`]: the weakest there is, since nothing tells who wrote it.
//! Bitcoin rows that say which output each input spends make whole transactions
//! instead. Columns are looked up once; what rows repeat (the transaction, its
//! time, its asset) is read once and recognised after that.

mod ask;
mod assets;
mod spending;

use model::{
    Address, Chain, Evidence, Position, TimeSource, Timestamp, Transfer, TransferKind, TxHash,
    TxId, U256,
};

pub use self::ask::{Cells, Column};
pub use self::assets::shown_symbol;

use self::ask::Ask;
use self::assets::Assets;
use self::spending::Spending;
use super::error::{ImportError, Place, Problem, cut};
use super::fields::{Cell, Fields, Names};
use super::run::Run;
use crate::nth::Nth;

const FROM: Names<'_> = &["from", "from_address"];
const TO: Names<'_> = &["to", "to_address"];
const TX: Names<'_> = &["tx_hash", "tx", "txhash", "hash", "transaction_hash"];
const TIME: Names<'_> =
    &["time", "timestamp", "timestamp_utc", "block_timestamp", "time_utc", "date"];
const AMOUNT: Names<'_> = &["amount"];
const AMOUNT_BASE: Names<'_> = &["amount_base"];
const SYMBOL: Names<'_> = &["asset", "symbol", "token_symbol"];
const CONTRACT: Names<'_> = &["token_contract", "contract", "token_address", "contract_address"];
const CHAIN: Names<'_> = &["chain"];
const HEIGHT: Names<'_> = &["block", "height", "block_number"];
const TX_INDEX: Names<'_> = &["tx_index", "transaction_index"];
const POSITION: Names<'_> = &["position"];
const LOG_INDEX: Names<'_> = &["log_index"];
const DECIMALS: Names<'_> = &["decimals", "token_decimals"];
const KIND: Names<'_> = &["kind"];
const PREV_TX: Names<'_> = &["prev_tx"];
const PREV_INDEX: Names<'_> = &["prev_index"];

/// Enough for a call at the EVM's depth limit of 1024.
const POSITION_CHARS_MAX: usize = 8192;

/// Where each thing stands in a row.
struct Columns {
    from: Column,
    to: Column,
    tx: Column,
    time: Column,
    amount: Column,
    amount_base: Column,
    symbol: Column,
    contract: Column,
    chain: Column,
    height: Column,
    tx_index: Column,
    position: Column,
    log_index: Column,
    decimals: Column,
    kind: Column,
    prev_tx: Column,
    prev_index: Column,
}

/// A table being read.
pub struct Transfers {
    columns: Columns,
    nth: Nth,
    assets: Assets,
    last: Last,
    has_legs: bool,
    /// Where the table says what inputs spend.
    spending: Option<Spending>,
}

/// What the row before said: the next one often says the same.
#[derive(Default)]
struct Last {
    chain: Option<(String, Chain)>,
    tx: Option<(Vec<u8>, TxId)>,
    time: Option<(String, Timestamp)>,
}

const LEGS_ONLY: &str = "rows of Bitcoin do not say which output an input spends: they are kept, but a trace follows blocks only (bitcoin-blocks)";

impl Transfers {
    /// `find` knows the columns of the file by name; `header` is where they stand.
    pub fn open(
        find: &dyn Fn(&str) -> Option<usize>,
        header: Option<Place>,
        run: &Run<'_>,
    ) -> Result<Transfers, ImportError> {
        let columns = Columns::find(find);
        let required = [&columns.from, &columns.to, &columns.tx, &columns.time];
        let amount = (!columns.amount_base.is_there()).then_some(&columns.amount);
        for column in required.into_iter().chain(amount) {
            if !column.is_there() {
                let expected = format!("a column {}", column.names.join(" or "));
                let first = column.names.first().copied();
                return Err(run.error(header, first, Problem::missing(expected)));
            }
        }
        let tells_spent = columns.prev_tx.is_there() && columns.prev_index.is_there();
        Ok(Transfers {
            columns,
            nth: Nth::default(),
            assets: Assets::default(),
            last: Last::default(),
            has_legs: false,
            spending: tells_spent.then(Spending::default),
        })
    }

    pub fn row(
        &mut self,
        file: &str,
        place: Place,
        cells: &dyn Cells,
        run: &mut Run<'_>,
    ) -> Result<(), ImportError> {
        run.row();
        let ask = Ask { fields: Fields { file, place, row: cells }, cells };
        let chain = self.chain(&ask, run)?;
        let asset = self.assets.of_row(&ask, &self.columns, chain)?;
        let position = self.position(&ask)?;
        let kind = kind(ask.text(&self.columns.kind)?.as_deref(), position.as_ref(), &ask)?;
        let asset = self.assets.with_decimals(asset, &ask, &self.columns)?;
        let amount = self.amount(&ask, &asset)?;
        let is_positioned = position.is_some();
        let mut transfer = Transfer {
            tx: self.tx(&ask, chain)?,
            position: position.unwrap_or(Position::Nth(0)),
            height: ask.whole(&self.columns.height)?,
            tx_index: ask.whole32(&self.columns.tx_index)?,
            time: self.time(&ask)?,
            time_source: TimeSource::Stated,
            from: address(&ask, &self.columns.from, chain)?,
            to: address(&ask, &self.columns.to, chain)?,
            asset: asset.asset().clone(),
            amount,
            kind,
        };
        check_ends(&ask.fields, &transfer, is_positioned)?;
        if chain.is_utxo()
            && let Some(spending) = &mut self.spending
        {
            let spent = spent(&ask, &self.columns, chain)?;
            return spending.leg(transfer, spent, &ask.fields, run);
        }
        if chain.is_utxo() && !self.has_legs {
            self.has_legs = true;
            run.oddity(Some(place), LEGS_ONLY)?;
        }
        if !is_positioned {
            transfer.position =
                if kind == TransferKind::Fee { Position::Fee } else { self.nth.next(&transfer) };
        }
        self.assets.describe(asset, &ask, &self.columns, run)?;
        run.transfer(transfer, Evidence::Row)
    }

    /// After the last row.
    pub fn finish(&mut self, run: &mut Run<'_>) -> Result<(), ImportError> {
        self.spending.as_mut().map_or(Ok(()), |spending| spending.flush(run))
    }

    fn chain(&mut self, ask: &Ask<'_>, run: &Run<'_>) -> Result<Chain, ImportError> {
        let Some(text) = ask.text(&self.columns.chain)? else {
            return run.options.chain.ok_or_else(|| {
                ask.fields.error(
                    CHAIN,
                    Problem::other(
                        "the file does not say its chain: give --chain, such as eip155:1",
                    ),
                )
            });
        };
        if let Some((known, chain)) = &self.last.chain
            && *known == text
        {
            return Ok(*chain);
        }
        let wrong = |_| ask.fields.wrong(CHAIN, "a chain such as eip155:1");
        let chain = text.parse().map_err(wrong)?;
        self.last.chain = Some((text.into_owned(), chain));
        Ok(chain)
    }

    fn tx(&mut self, ask: &Ask<'_>, chain: Chain) -> Result<TxId, ImportError> {
        let cell = ask.cell(&self.columns.tx);
        let bytes = match &cell {
            Cell::Text(text) => text.as_bytes(),
            Cell::Bytes(bytes) => bytes,
            _ => {
                return tx_of(ask, TX, cell, chain)?
                    .ok_or_else(|| ask.fields.missing(TX, "a transaction hash"));
            }
        };
        if let Some((known, tx)) = &self.last.tx
            && known == bytes
            && tx.chain == chain
        {
            return Ok(*tx);
        }
        // Text and bytes of one column never mix, so one cannot be taken for the other.
        let kept = bytes.to_vec();
        let tx = tx_of(ask, TX, cell, chain)?
            .ok_or_else(|| ask.fields.missing(TX, "a transaction hash"))?;
        self.last.tx = Some((kept, tx));
        Ok(tx)
    }

    fn time(&mut self, ask: &Ask<'_>) -> Result<Timestamp, ImportError> {
        let cell = ask.cell(&self.columns.time);
        if let Cell::Time(time) = cell {
            return Ok(time);
        }
        if let (Cell::Text(text), Some((known, time))) = (&cell, &self.last.time)
            && text == known
        {
            return Ok(*time);
        }
        let time = ask.fields.time(TIME)?.ok_or_else(|| ask.fields.missing(TIME, "a time"))?;
        if let Cell::Text(text) = cell {
            self.last.time = Some((text.into_owned(), time));
        }
        Ok(time)
    }

    fn amount(&self, ask: &Ask<'_>, asset: &assets::Stated) -> Result<U256, ImportError> {
        if let Some(amount) = ask.base(&self.columns.amount_base)? {
            return Ok(amount);
        }
        asset.amount(&ask.fields)
    }

    fn position(&self, ask: &Ask<'_>) -> Result<Option<Position>, ImportError> {
        let log = ask.whole32(&self.columns.log_index)?.map(Position::Log);
        let Some(text) = ask.text(&self.columns.position)? else { return Ok(log) };
        let parsed =
            (text.len() <= POSITION_CHARS_MAX).then(|| text.parse::<Position>().ok()).flatten();
        let position = parsed.ok_or_else(|| {
            ask.fields.wrong(POSITION, "a position such as log12, call_0_1 or out0")
        })?;
        if log.is_some_and(|log| log != position) {
            return Err(ask.fields.wrong(POSITION, "what log_index says"));
        }
        Ok(Some(position))
    }
}

impl Columns {
    fn find(find: &dyn Fn(&str) -> Option<usize>) -> Columns {
        let column = |names| Column::find(names, find);
        Columns {
            from: column(FROM),
            to: column(TO),
            tx: column(TX),
            time: column(TIME),
            amount: column(AMOUNT),
            amount_base: column(AMOUNT_BASE),
            symbol: column(SYMBOL),
            contract: column(CONTRACT),
            chain: column(CHAIN),
            height: column(HEIGHT),
            tx_index: column(TX_INDEX),
            position: column(POSITION),
            log_index: column(LOG_INDEX),
            decimals: column(DECIMALS),
            kind: column(KIND),
            prev_tx: column(PREV_TX),
            prev_index: column(PREV_INDEX),
        }
    }
}

/// Every name a column of such a table may have.
pub fn column_names() -> impl Iterator<Item = &'static str> {
    [
        FROM,
        TO,
        TX,
        TIME,
        AMOUNT,
        AMOUNT_BASE,
        SYMBOL,
        CONTRACT,
        CHAIN,
        HEIGHT,
        TX_INDEX,
        POSITION,
        LOG_INDEX,
        DECIMALS,
        KIND,
        PREV_TX,
        PREV_INDEX,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// A transaction's hash as text or as its bytes.
fn tx_of(
    ask: &Ask<'_>,
    names: Names<'_>,
    cell: Cell<'_>,
    chain: Chain,
) -> Result<Option<TxId>, ImportError> {
    let wrong = || ask.fields.wrong(names, &format!("a transaction hash of {}", chain.name()));
    if let Cell::Bytes(bytes) = cell {
        let len = if matches!(chain, Chain::Solana(_)) { 64 } else { 32 };
        if bytes.len() == len {
            return Ok(Some(TxId { chain, hash: TxHash::new(bytes) }));
        }
        let text = std::str::from_utf8(bytes).ok();
        return text.and_then(|text| TxId::parse(text, chain)).map(Some).ok_or_else(wrong);
    }
    let Some(text) = ask.fields.text(names)? else { return Ok(None) };
    TxId::parse(&text, chain).map(Some).ok_or_else(wrong)
}

fn address(ask: &Ask<'_>, column: &Column, chain: Chain) -> Result<Option<Address>, ImportError> {
    let text = match ask.cell(column) {
        Cell::Bytes(bytes) => match address_of(bytes, chain) {
            Some(address) => return Ok(Some(address)),
            // Some writers give text without saying that it is any.
            None => std::str::from_utf8(bytes)
                .map_err(|_| {
                    ask.fields.wrong(column.names, &format!("an address of {}", chain.name()))
                })?
                .into(),
        },
        _ => match ask.text(column)? {
            Some(text) => text,
            None => return Ok(None),
        },
    };
    // The text is cut before parsing: errors quote it.
    let parsed = match text.len() {
        0..80 => Address::parse(&text, chain),
        _ => Address::parse(&cut(&text), chain),
    };
    parsed.map(Some).map_err(|e| {
        let expected = format!("an address of {}: {}", e.chain, e.why);
        ask.fields.error(column.names, Problem::wrong(&text, expected))
    })
}

/// Tron's bytes with or without their prefix.
fn address_of(bytes: &[u8], chain: Chain) -> Option<Address> {
    let bytes = match (chain, bytes) {
        (Chain::Tron(_), [0x41, rest @ ..]) if rest.len() == 20 => rest,
        _ => bytes,
    };
    Address::from_bytes(bytes, chain)
}

/// The output an input spends, where the row says it.
fn spent(
    ask: &Ask<'_>,
    columns: &Columns,
    chain: Chain,
) -> Result<Option<model::Outpoint>, ImportError> {
    let tx = tx_of(ask, PREV_TX, ask.cell(&columns.prev_tx), chain)?;
    let index = ask.whole32(&columns.prev_index)?;
    match (tx, index) {
        (None, None) => Ok(None),
        (Some(tx), Some(index)) => Ok(Some(model::Outpoint { tx, index })),
        (Some(_), None) => Err(ask.fields.missing(PREV_INDEX, "the number of the output spent")),
        (None, Some(_)) => Err(ask.fields.missing(PREV_TX, "the transaction of the output spent")),
    }
}

fn kind(
    text: Option<&str>,
    position: Option<&Position>,
    ask: &Ask<'_>,
) -> Result<TransferKind, ImportError> {
    let implied = match position {
        Some(Position::Fee) => TransferKind::Fee,
        Some(Position::Reward(_)) => TransferKind::Reward,
        _ => TransferKind::Value,
    };
    match text {
        None => Ok(implied),
        Some("value") => Ok(TransferKind::Value),
        Some("fee") => Ok(TransferKind::Fee),
        Some("reward") => Ok(TransferKind::Reward),
        Some(_) => Err(ask.fields.wrong(KIND, "value, fee or reward")),
    }
}

/// Ends that contradict the position, the kind or the family of the chain.
fn check_ends(
    fields: &Fields<'_>,
    transfer: &Transfer,
    is_positioned: bool,
) -> Result<(), ImportError> {
    let (from, to) = (transfer.from.is_some(), transfer.to.is_some());
    let position = is_positioned.then_some(&transfer.position);
    let is_leg = matches!(position, Some(Position::Input(_) | Position::Output(_)));
    let problem = |names, what: &str| Err(fields.error(names, Problem::other(what)));
    if transfer.tx.chain.is_utxo() && !is_leg {
        let what = "on Bitcoin a row is one input or output and needs its position (in0, out0): better import the blocks (bitcoin-blocks)";
        return problem(POSITION, what);
    }
    if !transfer.tx.chain.is_utxo() && is_leg {
        return problem(POSITION, "inputs and outputs exist on Bitcoin only");
    }
    match position {
        Some(Position::Input(_)) if to || !from => {
            problem(TO, "an input has a sender and no receiver")
        }
        Some(Position::Output(_)) if from || !to => {
            problem(FROM, "an output has a receiver and no sender")
        }
        _ if transfer.kind == TransferKind::Fee && to => {
            problem(TO, "a fee has no receiver: leave it empty")
        }
        _ if !from && !to => problem(FROM, "neither a sender nor a receiver"),
        _ => Ok(()),
    }
}
