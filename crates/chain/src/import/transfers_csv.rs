//! `transfers-csv`: anybody's table of transfers, one a row.
//!
//! The columns are documented in this crate's README. A row is one transfer with
//! [`Evidence::Row`]: the weakest there is, since nothing tells who wrote it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::BufRead;

use model::amount::{AmountError, parse_units};
use model::registry::look;
use model::{
    Address, Asset, AssetMeta, Chain, Evidence, Fact, Freezable, Position, Registry, TimeSource,
    Transfer, TransferKind, TxId, U256,
};

use super::csv_table::CsvTable;
use super::error::{ImportError, Place, Problem, cut};
use super::fields::{Fields, Names};
use super::nth::Nth;
use super::run::Run;

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

/// A symbol is shown to people; longer ones are cut.
const SYMBOL_CHARS_MAX: usize = 64;

/// Enough for a call at the EVM's depth limit of 1024.
const POSITION_CHARS_MAX: usize = 8192;

/// Where neither a column nor the registry tells, tokens have this many most often.
const DECIMALS_ASSUMED: u8 = 18;

pub fn import(reader: &mut dyn BufRead, run: &mut Run<'_>) -> Result<(), ImportError> {
    let mut table = CsvTable::open(&run.name, reader)?;
    for names in [FROM, TO, TX, TIME] {
        require_column(&table, names, run)?;
    }
    if !has_column(&table, AMOUNT_BASE) {
        require_column(&table, AMOUNT, run)?;
    }
    let name = run.name.clone();
    let mut seen = Seen::default();
    while let Some((place, row)) = table.next()? {
        run.row();
        import_row(&Fields { file: &name, place, row: &row }, &mut seen, run)?;
    }
    Ok(())
}

const LEGS_ONLY: &str = "rows of Bitcoin do not say which output an input spends: they are kept, but a trace follows blocks only (bitcoin-blocks)";

/// What earlier rows of this file told.
#[derive(Default)]
struct Seen {
    nth: Nth,
    assets: HashMap<Asset, AssetMeta>,
    has_legs: bool,
}

fn import_row(fields: &Fields<'_>, seen: &mut Seen, run: &mut Run<'_>) -> Result<(), ImportError> {
    let chain = chain(fields, run)?;
    let asset = asset(fields, chain)?;
    let position = position(fields)?;
    let kind = kind(fields, position.as_ref())?;
    let decimals = decimals(fields, &asset)?;
    let amount = amount(fields, decimals.unwrap_or(DECIMALS_ASSUMED))?;
    let mut transfer = Transfer {
        tx: tx(fields, chain)?,
        position: position.clone().unwrap_or(Position::Nth(0)),
        height: fields.whole(HEIGHT)?,
        tx_index: fields.whole32(TX_INDEX)?,
        time: fields.time(TIME)?.ok_or_else(|| fields.missing(TIME, "a time"))?,
        time_source: TimeSource::Stated,
        from: address(fields, FROM, chain)?,
        to: address(fields, TO, chain)?,
        asset: asset.clone(),
        amount,
        kind,
    };
    check_ends(fields, &transfer, position.as_ref())?;
    if transfer.tx.chain.is_utxo() && !seen.has_legs {
        seen.has_legs = true;
        run.oddity(Some(fields.place), LEGS_ONLY)?;
    }
    if position.is_none() {
        transfer.position =
            if kind == TransferKind::Fee { Position::Fee } else { seen.nth.next(&transfer) };
    }
    describe_asset(fields, asset, decimals, seen, run)?;
    run.transfer(transfer, Evidence::Row)
}

fn chain(fields: &Fields<'_>, run: &Run<'_>) -> Result<Chain, ImportError> {
    match fields.text(CHAIN)? {
        Some(text) => text.parse().map_err(|_| fields.wrong(CHAIN, "a chain such as eip155:1")),
        None => run.options.chain.ok_or_else(|| {
            fields.error(
                CHAIN,
                Problem::other("the file does not say its chain: give --chain, such as eip155:1"),
            )
        }),
    }
}

fn tx(fields: &Fields<'_>, chain: Chain) -> Result<TxId, ImportError> {
    let text = fields.text(TX)?.ok_or_else(|| fields.missing(TX, "a transaction hash"))?;
    let expected = format!("a transaction hash of {}", chain.name());
    TxId::parse(&text, chain).ok_or_else(|| fields.wrong(TX, &expected))
}

fn address(
    fields: &Fields<'_>,
    names: Names<'_>,
    chain: Chain,
) -> Result<Option<Address>, ImportError> {
    let Some(text) = fields.text(names)? else { return Ok(None) };
    // The text is cut before parsing: errors quote it.
    Address::parse(&cut(&text), chain).map(Some).map_err(|e| {
        fields.error(names, Problem::wrong(&text, format!("an address of {}: {}", e.chain, e.why)))
    })
}

/// Native unless a contract is named. A symbol that is not the native one and
/// has no contract is a mistake: taking it for native value would invent money.
fn asset(fields: &Fields<'_>, chain: Chain) -> Result<Asset, ImportError> {
    if let Some(contract) = address(fields, CONTRACT, chain)? {
        return Ok(Asset::token(chain, contract));
    }
    let native = Asset::native(chain);
    let known = Registry::shipped().get(&native).and_then(|meta| meta.symbol.as_deref());
    if let (Some(known), Some(symbol)) = (known, fields.text(SYMBOL)?)
        && look(known) != look(&symbol)
    {
        let expected = format!(
            "the contract of {:?}: only {known} has none on {}",
            cut(&symbol),
            chain.name()
        );
        return Err(fields.missing(CONTRACT, &expected));
    }
    Ok(native)
}

/// From the column, else the registry of genuine assets.
fn decimals(fields: &Fields<'_>, asset: &Asset) -> Result<Option<u8>, ImportError> {
    if let Some(number) = fields.whole(DECIMALS)? {
        let number = u8::try_from(number).ok().filter(|n| *n <= 77);
        return number
            .map(Some)
            .ok_or_else(|| fields.wrong(DECIMALS, "a number of decimals, 0 to 77"));
    }
    let known = Registry::shipped().get(asset).and_then(|meta| meta.decimals);
    let of_family = || asset.is_native().then(|| asset.chain.native_decimals()).flatten();
    Ok(known.or_else(of_family))
}

fn amount(fields: &Fields<'_>, decimals: u8) -> Result<U256, ImportError> {
    if let Some(amount) = fields.base(AMOUNT_BASE)? {
        return Ok(amount);
    }
    let text = fields.text(AMOUNT)?.ok_or_else(|| fields.missing(AMOUNT, "an amount"))?;
    parse_units(&text, decimals).map_err(|e| match e {
        AmountError::NotDecimal(_) => fields.wrong(AMOUNT, "a decimal number"),
        AmountError::TooLarge(_) => fields.wrong(AMOUNT, "an amount of 256 bits"),
        AmountError::TooFine { .. } => {
            fields.wrong(AMOUNT, &format!("an amount with at most {decimals} decimals"))
        }
    })
}

fn position(fields: &Fields<'_>) -> Result<Option<Position>, ImportError> {
    let log = fields.whole32(LOG_INDEX)?.map(Position::Log);
    let Some(text) = fields.text(POSITION)? else { return Ok(log) };
    let parsed =
        (text.len() <= POSITION_CHARS_MAX).then(|| text.parse::<Position>().ok()).flatten();
    let position = parsed
        .ok_or_else(|| fields.wrong(POSITION, "a position such as log12, call_0_1 or out0"))?;
    if log.is_some_and(|log| log != position) {
        return Err(fields.wrong(POSITION, "what log_index says"));
    }
    Ok(Some(position))
}

fn kind(fields: &Fields<'_>, position: Option<&Position>) -> Result<TransferKind, ImportError> {
    let implied = match position {
        Some(Position::Fee) => TransferKind::Fee,
        Some(Position::Reward(_)) => TransferKind::Reward,
        _ => TransferKind::Value,
    };
    match fields.text(KIND)?.as_deref() {
        None => Ok(implied),
        Some("value") => Ok(TransferKind::Value),
        Some("fee") => Ok(TransferKind::Fee),
        Some("reward") => Ok(TransferKind::Reward),
        Some(_) => Err(fields.wrong(KIND, "value, fee or reward")),
    }
}

/// Ends that contradict the position, the kind or the family of the chain.
fn check_ends(
    fields: &Fields<'_>,
    transfer: &Transfer,
    position: Option<&Position>,
) -> Result<(), ImportError> {
    let (from, to) = (transfer.from.is_some(), transfer.to.is_some());
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

/// States what the row says of its asset, once.
fn describe_asset(
    fields: &Fields<'_>,
    asset: Asset,
    decimals: Option<u8>,
    seen: &mut Seen,
    run: &mut Run<'_>,
) -> Result<(), ImportError> {
    let symbol = fields.text(SYMBOL)?.and_then(|text| symbol(&asset, &text));
    let needs_decimals = fields.text(AMOUNT_BASE)?.is_none();
    let stated = decimals.or(needs_decimals.then_some(DECIMALS_ASSUMED));
    let meta =
        AssetMeta { asset: asset.clone(), symbol, decimals: stated, freezable: Freezable::Unknown };
    let known = match seen.assets.entry(asset) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => {
            new.insert(meta.clone());
            if decimals.is_none() && needs_decimals {
                let what = format!("nobody says how many decimals {} has: 18 assumed", meta.asset);
                run.oddity(Some(fields.place), what)?;
            }
            contradicted(&meta, fields.place, run)?;
            return if meta.symbol.is_some() { run.state(Fact::Asset(meta)) } else { Ok(()) };
        }
    };
    if known.symbol.is_none() && meta.symbol.is_some() {
        known.symbol.clone_from(&meta.symbol);
        return run.state(Fact::Asset(meta));
    }
    Ok(())
}

/// Says so where the file's decimals are not those of the genuine asset.
fn contradicted(meta: &AssetMeta, place: Place, run: &mut Run<'_>) -> Result<(), ImportError> {
    let genuine = Registry::shipped().get(&meta.asset).and_then(|known| known.decimals);
    match (genuine, meta.decimals) {
        (Some(genuine), Some(stated)) if genuine != stated => run.oddity(
            Some(place),
            format!("{} has {genuine} decimals, the file says {stated}", meta.asset),
        ),
        _ => Ok(()),
    }
}

/// The native asset's own spelling, which the file was checked to mean; of
/// others what the file claims.
fn symbol(asset: &Asset, claimed: &str) -> Option<String> {
    let genuine = Registry::shipped().get(asset).filter(|_| asset.is_native());
    genuine.and_then(|meta| meta.symbol.clone()).or_else(|| shown_symbol(claimed))
}

/// The symbol as claimed, look-alike letters kept, control characters not.
pub fn shown_symbol(text: &str) -> Option<String> {
    let shown: String =
        text.trim().chars().filter(|c| !c.is_control()).take(SYMBOL_CHARS_MAX).collect();
    (!shown.is_empty()).then_some(shown)
}

fn has_column<R: BufRead>(table: &CsvTable<R>, names: Names<'_>) -> bool {
    names.iter().any(|name| table.has(name))
}

fn require_column<R: BufRead>(
    table: &CsvTable<R>,
    names: Names<'_>,
    run: &Run<'_>,
) -> Result<(), ImportError> {
    if has_column(table, names) {
        return Ok(());
    }
    let expected = format!("a column {}", names.join(" or "));
    Err(run.error(Some(Place::Line(1)), names.first().copied(), Problem::missing(expected)))
}

#[cfg(test)]
mod tests;
