//! The lines of a bundle, and what they are read back into.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail};
use model::{
    Account, Address, Asset, AssetMeta, Book, Confidence, Coverage, Date, Degree, Direction,
    Freezable, Identifier, Input, Key, Label, ListVersion, Listing, ListingKind, Outpoint, Output,
    Position, Price, Prices, Registry, Subject, TimeSource, Timestamp, Transfer, TransferKind,
    TxHash, TxId, U256, UtxoTransaction, amount,
};
use serde::{Deserialize, Serialize};
use trace::{CrossingDecision, Declared, Method, MinValue, Policy, Refused, Settings, Source};

use super::past::Past;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Row {
    Head {
        format: String,
        version: u32,
        title: String,
        marking: String,
        made_by: String,
    },
    Settings(SettingsRow),
    Price {
        asset: Asset,
        date: Date,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
        usd_e12: String,
        source: String,
    },
    Refused {
        account: Account,
        from_asset: Option<Asset>,
        to_asset: Option<Asset>,
        reason: String,
    },
    Declared {
        account: Account,
        venue: Account,
        from_asset: Asset,
        from_base: String,
        to_asset: Asset,
        to_base: String,
        time: Timestamp,
        reason: String,
    },
    /// The registry of genuine assets the trace went by.
    Registry {
        assets: Vec<RegistryRow>,
    },
    Coverage {
        chains: Vec<Coverage>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remarks: Vec<String>,
    },
    Asset {
        asset: Asset,
        symbol: Option<String>,
        decimals: Option<u8>,
        freezable: Freezable,
    },
    Degree {
        account: Account,
        sent: u64,
        received: u64,
    },
    Transfer(Box<TransferRow>),
    Bitcoin(Box<BitcoinRow>),
    Label(Box<LabelRow>),
    Listing(Box<ListingRow>),
    Report {
        report: serde_json::Value,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsRow {
    sources: Vec<SourceRow>,
    direction: Direction,
    policy: Policy,
    compare: bool,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    hops_max: Option<u32>,
    min_value_asset: Option<Asset>,
    min_value_base: Option<String>,
    min_value_usd_e12: Option<String>,
    budget: usize,
    hub_degree: u64,
    stop_confidence: u8,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SourceRow {
    Account(Account),
    Transaction(TxId),
    Outpoint { tx: TxId, index: u32 },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryRow {
    id: Asset,
    symbol: String,
    decimals: u8,
    freezable: Freezable,
    dust: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferRow {
    tx: TxId,
    position: Position,
    height: Option<u64>,
    tx_index: Option<u32>,
    time: Timestamp,
    time_source: TimeSource,
    from: Option<String>,
    to: Option<String>,
    asset: Asset,
    amount: String,
    kind_of: TransferKind,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BitcoinRow {
    tx: TxId,
    height: Option<u64>,
    index: Option<u32>,
    time: Timestamp,
    block: Option<String>,
    is_coinbase: bool,
    inputs: Vec<InputRow>,
    outputs: Vec<OutputRow>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputRow {
    tx: TxId,
    index: u32,
    previous: Option<OutputRow>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputRow {
    /// The output script in hex.
    script: String,
    value: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRow {
    account: Account,
    name: String,
    concepts: Vec<String>,
    actor: Option<String>,
    confidence: String,
    level: u8,
    source: String,
    collection: String,
    date: Option<Date>,
    file_hash: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListingRow {
    version: ListVersion,
    account: Account,
    written: String,
    asset_label: Option<String>,
    party: Option<String>,
    party_id: Option<String>,
    programmes: Vec<String>,
    listed_on: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_on: Option<Date>,
    #[serde(default, skip_serializing_if = "is_address")]
    listed_as: ListingKind,
}

fn is_address(kind: &ListingKind) -> bool {
    *kind == ListingKind::Address
}

/// What a line is called where it is refused: its kind, and its transaction or account.
pub fn name(line: &str) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(line).ok();
    let text = |field: &str| {
        value.as_ref().and_then(|v| v.get(field)).and_then(|v| v.as_str()).map(crate::render::plain)
    };
    let kind = text("kind").unwrap_or_else(|| "unreadable".into());
    let of = text("tx").or_else(|| text("account")).or_else(|| text("asset"));
    of.map_or(kind.clone(), |of| format!("{kind} {of}"))
}

pub fn of_settings(settings: &Settings) -> Vec<Row> {
    let (mut asset, mut base, mut usd) = (None, None, None);
    match &settings.min_value {
        Some(MinValue::Base { asset: of, base: floor }) => {
            (asset, base) = (Some(of.clone()), Some(floor.to_string()))
        }
        Some(MinValue::UsdE12(floor)) => usd = Some(floor.to_string()),
        None => {}
    }
    let mut rows = vec![Row::Settings(SettingsRow {
        sources: settings.sources.iter().map(of_source).collect(),
        direction: settings.direction,
        policy: settings.policy,
        compare: settings.compare,
        since: settings.since,
        until: settings.until,
        hops_max: settings.hops_max,
        min_value_asset: asset,
        min_value_base: base,
        min_value_usd_e12: usd,
        budget: settings.budget,
        hub_degree: settings.hub_degree,
        stop_confidence: settings.stop_confidence,
    })];
    rows.extend(settings.prices.iter().map(|price| Row::Price {
        asset: price.asset.clone(),
        date: price.date,
        at: price.at,
        usd_e12: price.usd_e12.to_string(),
        source: price.source.clone(),
    }));
    rows.extend(settings.crossings.iter().map(of_decision));
    rows.push(Row::Registry { assets: of_registry(&settings.registry) });
    rows
}

fn of_source(source: &Source) -> SourceRow {
    match source {
        Source::Account(account) => SourceRow::Account(account.clone()),
        Source::Transaction(tx) => SourceRow::Transaction(*tx),
        Source::Outpoint(outpoint) => {
            SourceRow::Outpoint { tx: outpoint.tx, index: outpoint.index }
        }
    }
}

fn of_decision(decision: &CrossingDecision) -> Row {
    match decision.clone() {
        CrossingDecision::Refused(Refused { account, from_asset, to_asset, reason }) => {
            Row::Refused { account, from_asset, to_asset, reason }
        }
        CrossingDecision::Declared(declared) => Row::Declared {
            account: declared.account,
            venue: declared.venue,
            from_asset: declared.from_asset,
            from_base: declared.from_base.to_string(),
            to_asset: declared.to_asset,
            to_base: declared.to_base.to_string(),
            time: declared.time,
            reason: declared.reason,
        },
    }
}

fn of_registry(registry: &Registry) -> Vec<RegistryRow> {
    registry
        .iter()
        .map(|meta| RegistryRow {
            id: meta.asset.clone(),
            symbol: meta.symbol.clone().unwrap_or_default(),
            decimals: meta.decimals.unwrap_or_default(),
            freezable: meta.freezable,
            dust: registry.dust(&meta.asset).to_string(),
        })
        .collect()
}

pub fn of_past(past: &Past) -> Vec<Row> {
    let mut rows =
        vec![Row::Coverage { chains: past.coverage.clone(), remarks: past.remarks.clone() }];
    rows.extend(past.assets.iter().map(|meta| Row::Asset {
        asset: meta.asset.clone(),
        symbol: meta.symbol.clone(),
        decimals: meta.decimals,
        freezable: meta.freezable,
    }));
    let degrees = past.degrees.iter();
    rows.extend(degrees.map(|(account, degree)| Row::Degree {
        account: account.clone(),
        sent: degree.sent,
        received: degree.received,
    }));
    rows.extend(
        past.transfers.iter().map(|transfer| Row::Transfer(Box::new(of_transfer(transfer)))),
    );
    rows.extend(past.utxo.iter().map(|tx| Row::Bitcoin(Box::new(of_bitcoin(tx)))));
    rows
}

fn of_transfer(transfer: &Transfer) -> TransferRow {
    let text =
        |address: &Option<Address>| address.as_ref().map(|address| address.text(transfer.tx.chain));
    TransferRow {
        tx: transfer.tx,
        position: transfer.position.clone(),
        height: transfer.height,
        tx_index: transfer.tx_index,
        time: transfer.time,
        time_source: transfer.time_source,
        from: text(&transfer.from),
        to: text(&transfer.to),
        asset: transfer.asset.clone(),
        amount: transfer.amount.to_string(),
        kind_of: transfer.kind,
    }
}

fn of_bitcoin(tx: &UtxoTransaction) -> BitcoinRow {
    let output = |output: &Output| OutputRow {
        script: model::hex::encode(output.address.bytes()),
        value: output.value,
    };
    BitcoinRow {
        tx: tx.id,
        height: tx.height,
        index: tx.index,
        time: tx.time,
        block: tx.block.map(|block| block.text(tx.id.chain)),
        is_coinbase: tx.is_coinbase,
        inputs: tx
            .inputs
            .iter()
            .map(|input| InputRow {
                tx: input.outpoint.tx,
                index: input.outpoint.index,
                previous: input.previous.as_ref().map(output),
            })
            .collect(),
        outputs: tx.outputs.iter().map(output).collect(),
    }
}

/// Labels and listings of every account the past names.
pub fn of_book(book: &Book, past: &Past) -> Vec<Row> {
    let mut rows = Vec::new();
    for account in past.accounts() {
        for label in book.labels(&account) {
            rows.push(Row::Label(Box::new(LabelRow {
                account: account.clone(),
                name: label.name.clone(),
                concepts: label.concepts.clone(),
                actor: label.actor.clone(),
                confidence: label.confidence.id.clone(),
                level: label.confidence.level,
                source: label.source.clone(),
                collection: label.collection.clone(),
                date: label.date,
                file_hash: label.file_hash.clone(),
            })));
        }
        for listing in book.listings(&Key::of(&account)) {
            rows.push(Row::Listing(Box::new(ListingRow {
                version: listing.version.clone(),
                account: account.clone(),
                written: listing.written.clone(),
                asset_label: listing.asset_label.clone(),
                party: listing.party.clone(),
                party_id: listing.party_id.clone(),
                programmes: listing.programmes.clone(),
                listed_on: listing.listed_on,
                expires_on: listing.expires_on,
                listed_as: listing.kind,
            })));
        }
    }
    rows
}

/// A bundle read back.
pub struct Bundle {
    pub title: String,
    pub marking: String,
    pub made_by: String,
    pub settings: Settings,
    pub past: Past,
    pub book: Book,
    pub report: serde_json::Value,
}

#[derive(Default)]
pub struct Read {
    head: Option<(String, String, String)>,
    settings: Option<SettingsRow>,
    prices: Prices,
    crossings: Vec<CrossingDecision>,
    registry: Option<Registry>,
    coverage: Option<(Vec<Coverage>, Vec<String>)>,
    assets: Vec<AssetMeta>,
    degrees: BTreeMap<Account, Degree>,
    transfers: Vec<Transfer>,
    utxo: Vec<UtxoTransaction>,
    book: Book,
    report: Option<serde_json::Value>,
}

impl Read {
    pub fn take(&mut self, row: Row) -> Result<()> {
        if self.head.is_none() && !matches!(row, Row::Head { .. }) {
            bail!("expected the head first");
        }
        match row {
            Row::Head { format, version, title, marking, made_by } => {
                if format != super::FORMAT || version != super::VERSION {
                    bail!(
                        "expected {} {}, found {format} {version}",
                        super::FORMAT,
                        super::VERSION
                    );
                }
                once(&mut self.head, (title, marking, made_by), "head")?;
            }
            Row::Settings(settings) => once(&mut self.settings, settings, "settings")?,
            Row::Price { asset, date, at, usd_e12, source } => {
                let usd_e12 = usd_e12.parse().context("usd_e12")?;
                self.prices.insert(Price { asset, date, at, usd_e12, source });
            }
            Row::Refused { account, from_asset, to_asset, reason } => {
                self.crossings.push(CrossingDecision::Refused(Refused {
                    account,
                    from_asset,
                    to_asset,
                    reason,
                }));
            }
            Row::Declared {
                account,
                venue,
                from_asset,
                from_base,
                to_asset,
                to_base,
                time,
                reason,
            } => {
                self.crossings.push(CrossingDecision::Declared(Declared {
                    account,
                    venue,
                    from_asset,
                    from_base: base(&from_base)?,
                    to_asset,
                    to_base: base(&to_base)?,
                    time,
                    reason,
                }));
            }
            Row::Registry { assets } => once(&mut self.registry, registry(&assets)?, "registry")?,
            Row::Coverage { chains, remarks } => {
                once(&mut self.coverage, (chains, remarks), "coverage")?;
            }
            Row::Asset { asset, symbol, decimals, freezable } => {
                self.assets.push(AssetMeta { asset, symbol, decimals, freezable });
            }
            Row::Degree { account, sent, received } => {
                self.degrees.insert(account, Degree { sent, received });
            }
            Row::Transfer(row) => self.transfers.push(transfer(*row)?),
            Row::Bitcoin(row) => self.utxo.push(bitcoin(*row)?),
            Row::Label(row) => self.book.add_label(label(*row)),
            Row::Listing(row) => self.book.add_listing(listing(*row)),
            Row::Report { report } => once(&mut self.report, report, "report")?,
        }
        Ok(())
    }

    pub fn finish(self) -> Result<Bundle> {
        let (title, marking, made_by) = self.head.ok_or_else(|| anyhow!("it has no head"))?;
        let row = self.settings.ok_or_else(|| anyhow!("it has no settings"))?;
        let registry = self.registry.ok_or_else(|| anyhow!("it has no registry of assets"))?;
        let settings = settings(row, self.prices, self.crossings, registry)?;
        let report = self.report.ok_or_else(|| anyhow!("it has no report"))?;
        let (coverage, remarks) = self.coverage.ok_or_else(|| anyhow!("it has no coverage"))?;
        let mut past = Past::new(self.transfers, self.utxo, self.degrees, self.assets, coverage);
        past.remarks = remarks;
        Ok(Bundle { title, marking, made_by, settings, past, book: self.book, report })
    }
}

/// Of two, a reader may be shown one and the check another.
fn once<T>(place: &mut Option<T>, value: T, what: &str) -> Result<()> {
    if place.replace(value).is_some() {
        bail!("a second {what}");
    }
    Ok(())
}

fn settings(
    row: SettingsRow,
    prices: Prices,
    crossings: Vec<CrossingDecision>,
    registry: Registry,
) -> Result<Settings> {
    let min_value = match (row.min_value_asset, row.min_value_base, row.min_value_usd_e12) {
        (Some(asset), Some(floor), None) => Some(MinValue::Base { asset, base: base(&floor)? }),
        (None, None, Some(usd)) => Some(MinValue::UsdE12(base(&usd)?)),
        (None, None, None) => None,
        _ => bail!("settings: expected one least value or none"),
    };
    Ok(Settings {
        sources: row.sources.into_iter().map(source).collect(),
        direction: row.direction,
        policy: row.policy,
        compare: row.compare,
        since: row.since,
        until: row.until,
        hops_max: row.hops_max,
        min_value,
        budget: row.budget,
        hub_degree: row.hub_degree,
        stop_confidence: row.stop_confidence,
        prices,
        crossings,
        registry,
        method: Method::Frontier,
    })
}

fn source(row: SourceRow) -> Source {
    match row {
        SourceRow::Account(account) => Source::Account(account),
        SourceRow::Transaction(tx) => Source::Transaction(tx),
        SourceRow::Outpoint { tx, index } => Source::Outpoint(Outpoint { tx, index }),
    }
}

fn registry(rows: &[RegistryRow]) -> Result<Registry> {
    let entries = rows.iter().map(|row| {
        let meta = AssetMeta {
            asset: row.id.clone(),
            symbol: Some(row.symbol.clone()),
            decimals: Some(row.decimals),
            freezable: row.freezable,
        };
        Ok((meta, base(&row.dust)?))
    });
    Ok(Registry::from_entries(entries.collect::<Result<Vec<_>>>()?)?)
}

fn transfer(row: TransferRow) -> Result<Transfer> {
    let chain = row.tx.chain;
    let address = |text: Option<String>| text.map(|text| Address::parse(&text, chain)).transpose();
    Ok(Transfer {
        tx: row.tx,
        position: row.position,
        height: row.height,
        tx_index: row.tx_index,
        time: row.time,
        time_source: row.time_source,
        from: address(row.from)?,
        to: address(row.to)?,
        asset: row.asset,
        amount: base(&row.amount)?,
        kind: row.kind_of,
    })
}

fn bitcoin(row: BitcoinRow) -> Result<UtxoTransaction> {
    let chain = row.tx.chain;
    let output = |row: OutputRow| -> Result<Output> {
        let script = model::hex::decode(&row.script)
            .ok_or_else(|| anyhow!("{:?} is no script", row.script))?;
        let address =
            Address::from_bytes(&script, chain).ok_or_else(|| anyhow!("{chain} has no outputs"))?;
        Ok(Output { address, value: row.value })
    };
    let input = |row: InputRow| -> Result<Input> {
        let previous = row.previous.map(output).transpose()?;
        Ok(Input { outpoint: Outpoint { tx: row.tx, index: row.index }, previous })
    };
    let block = row
        .block
        .map(|text| TxHash::parse(&text, chain).ok_or_else(|| anyhow!("{text:?} is no block")));
    Ok(UtxoTransaction {
        id: row.tx,
        height: row.height,
        index: row.index,
        time: row.time,
        block: block.transpose()?,
        inputs: row.inputs.into_iter().map(input).collect::<Result<_>>()?,
        outputs: row.outputs.into_iter().map(output).collect::<Result<_>>()?,
        is_coinbase: row.is_coinbase,
    })
}

fn label(row: LabelRow) -> Label {
    Label {
        subject: Subject::Account(row.account),
        name: row.name,
        concepts: row.concepts,
        actor: row.actor,
        confidence: Confidence { id: row.confidence, level: row.level },
        source: row.source,
        collection: row.collection,
        date: row.date,
        file_hash: row.file_hash,
        network: None,
    }
}

fn listing(row: ListingRow) -> Listing {
    Listing {
        version: row.version,
        identifier: Identifier::of(&row.account),
        written: row.written,
        asset_label: row.asset_label,
        party: row.party,
        party_id: row.party_id,
        programmes: row.programmes,
        listed_on: row.listed_on,
        expires_on: row.expires_on,
        kind: row.listed_as,
    }
}

fn base(text: &str) -> Result<U256> {
    Ok(amount::parse_base(text)?)
}
