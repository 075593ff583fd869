//! The asset of a row: its name, its decimals, and what the file says of it.
//!
//! Rows repeat their assets. What a row says is settled once and then known by
//! the bytes it was said with.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use model::amount::{AmountError, parse_units};
use model::registry::look;
use model::{Asset, AssetMeta, Chain, Fact, Freezable, Registry, U256};

use super::ask::Ask;
use super::{AMOUNT, CONTRACT, Columns, DECIMALS, SYMBOL, address};
use crate::import::error::{ImportError, Place, Problem, cut};
use crate::import::fields::{Cell, Fields};
use crate::import::run::Run;

/// A symbol is shown to people; longer ones are cut.
const SYMBOL_CHARS_MAX: usize = 64;

/// Where neither a column nor the registry tells, tokens have this many most often.
const DECIMALS_ASSUMED: u8 = 18;

/// So many ways to say an asset are recognised; more are settled anew.
const SAID_MAX: usize = 1 << 12;

#[derive(Default)]
pub struct Assets {
    /// By what the rows said.
    said: HashMap<Vec<u8>, (Asset, Option<u8>)>,
    /// What the file told of each.
    told: HashMap<Asset, AssetMeta>,
    /// What the row at hand says.
    key: Vec<u8>,
}

/// The asset of one row.
pub struct Stated {
    asset: Asset,
    decimals: Option<u8>,
    /// An earlier row said just this, and it was dealt with.
    is_known: bool,
}

impl Stated {
    pub fn asset(&self) -> &Asset {
        &self.asset
    }

    /// In whole units.
    pub fn amount(&self, fields: &Fields<'_>) -> Result<U256, ImportError> {
        let decimals = self.decimals.unwrap_or(DECIMALS_ASSUMED);
        let text = fields.text(AMOUNT)?.ok_or_else(|| fields.missing(AMOUNT, "an amount"))?;
        parse_units(&text, decimals).map_err(|e| match e {
            AmountError::NotDecimal(_) => fields.wrong(AMOUNT, "a decimal number"),
            AmountError::TooLarge(_) => fields.wrong(AMOUNT, "an amount of 256 bits"),
            AmountError::TooFine { .. } => {
                fields.wrong(AMOUNT, &format!("an amount with at most {decimals} decimals"))
            }
        })
    }
}

impl Assets {
    pub fn of_row(
        &mut self,
        ask: &Ask<'_>,
        columns: &Columns,
        chain: Chain,
    ) -> Result<Stated, ImportError> {
        write_key(&mut self.key, ask, columns, chain);
        if let Some((asset, decimals)) = self.said.get(&self.key) {
            return Ok(Stated { asset: asset.clone(), decimals: *decimals, is_known: true });
        }
        let asset = asset(ask, columns, chain)?;
        Ok(Stated { asset, decimals: None, is_known: false })
    }

    /// From the column, else the registry of genuine assets.
    pub fn with_decimals(
        &self,
        stated: Stated,
        ask: &Ask<'_>,
        columns: &Columns,
    ) -> Result<Stated, ImportError> {
        if stated.is_known {
            return Ok(stated);
        }
        let asset = &stated.asset;
        if let Some(number) = ask.whole(&columns.decimals)? {
            let number = u8::try_from(number).ok().filter(|n| *n <= 77);
            let wrong = || ask.fields.wrong(DECIMALS, "a number of decimals, 0 to 77");
            return Ok(Stated { decimals: Some(number.ok_or_else(wrong)?), ..stated });
        }
        let known = Registry::shipped().get(asset).and_then(|meta| meta.decimals);
        let of_family = || asset.is_native().then(|| asset.chain.native_decimals()).flatten();
        Ok(Stated { decimals: known.or_else(of_family), ..stated })
    }

    /// States what the row says of its asset, once.
    pub fn describe(
        &mut self,
        stated: Stated,
        ask: &Ask<'_>,
        columns: &Columns,
        run: &mut Run<'_>,
    ) -> Result<(), ImportError> {
        if stated.is_known {
            return Ok(());
        }
        let Stated { asset, decimals, .. } = stated;
        if self.said.len() >= SAID_MAX {
            self.said.clear();
        }
        self.said.insert(self.key.clone(), (asset.clone(), decimals));
        let symbol = ask.text(&columns.symbol)?.and_then(|text| symbol(&asset, &text));
        let needs_decimals = matches!(ask.cell(&columns.amount_base), Cell::Empty);
        let stated = decimals.or(needs_decimals.then_some(DECIMALS_ASSUMED));
        let freezable = Freezable::Unknown;
        let meta = AssetMeta { asset: asset.clone(), symbol, decimals: stated, freezable };
        let known = match self.told.entry(asset) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                new.insert(meta.clone());
                if decimals.is_none() && needs_decimals {
                    let what =
                        format!("nobody says how many decimals {} has: 18 assumed", meta.asset);
                    run.oddity(Some(ask.fields.place), what)?;
                }
                contradicted(&meta, ask.fields.place, run)?;
                return if meta.symbol.is_some() { run.state(Fact::Asset(meta)) } else { Ok(()) };
            }
        };
        if known.symbol.is_none() && meta.symbol.is_some() {
            known.symbol.clone_from(&meta.symbol);
            return run.state(Fact::Asset(meta));
        }
        Ok(())
    }
}

/// All that the asset, its decimals and its description follow from.
fn write_key(key: &mut Vec<u8>, ask: &Ask<'_>, columns: &Columns, chain: Chain) {
    key.clear();
    let (family, number) = match chain {
        Chain::Bitcoin(network) => (b'b', network as u64),
        Chain::Evm(id) => (b'e', id),
        Chain::Tron(network) => (b't', network as u64),
        Chain::Solana(network) => (b's', network as u64),
    };
    key.push(family);
    key.extend_from_slice(&number.to_le_bytes());
    for column in [&columns.contract, &columns.symbol, &columns.decimals, &columns.amount_base] {
        let cell = ask.cell(column);
        if std::ptr::eq(column, &columns.amount_base) {
            // Only whether it is there tells something of the asset.
            key.push(u8::from(!matches!(cell, Cell::Empty)));
            continue;
        }
        let (tag, number);
        let bytes: &[u8] = match &cell {
            Cell::Text(text) => {
                tag = b't';
                text.as_bytes()
            }
            Cell::Bytes(bytes) => {
                tag = b'b';
                bytes
            }
            Cell::Whole(whole) => {
                tag = b'n';
                number = whole.to_le_bytes();
                &number
            }
            Cell::Empty => {
                tag = b'-';
                &[]
            }
            // Refused when read, and so never known.
            Cell::Time(_) | Cell::Float | Cell::NotUtf8 => {
                tag = b'?';
                &[]
            }
        };
        key.push(tag);
        key.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        key.extend_from_slice(bytes);
    }
}

/// Native unless a contract is named. A symbol that is not the native one and
/// has no contract is a mistake: taking it for native value would invent money.
fn asset(ask: &Ask<'_>, columns: &Columns, chain: Chain) -> Result<Asset, ImportError> {
    if let Some(contract) = address(ask, &columns.contract, chain)? {
        return Ok(Asset::token(chain, contract));
    }
    let native = Asset::native(chain);
    let known = Registry::shipped().get(&native).and_then(|meta| meta.symbol.as_deref());
    if let (Some(known), Some(symbol)) = (known, ask.fields.text(SYMBOL)?)
        && look(known) != look(&symbol)
    {
        let expected = format!(
            "the contract of {:?}: only {known} has none on {}",
            cut(&symbol),
            chain.name()
        );
        return Err(ask.fields.error(CONTRACT, Problem::missing(expected)));
    }
    Ok(native)
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
