//! What an address did, when, and with whom.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use model::amount::{format_units, parse_base};
use model::{
    Account, Asset, AssetMeta, Book, FreezeAction, Key, Registry, TimeSource, Timestamp, Transfer,
    TransferKind, U256, View,
};
use serde::{Deserialize, Serialize};
use serve::{App, PageQuery, Path, Problem, Query};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cell::histories::{self, After, Wanted, Way};
use crate::cell::{Cell, Now};
use crate::commands::transfers::Finality;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(summary))
        .routes(routes!(transfers))
        .routes(routes!(neighbors))
}

/// A label, as far as a row needs it.
#[derive(Serialize, ToSchema)]
pub(super) struct LabelShown {
    name: String,
    concepts: Vec<String>,
    /// 0 to 100.
    confidence: u8,
    source: String,
}

/// The surest first.
pub(super) fn labels(book: &Book, account: &Account) -> Vec<LabelShown> {
    let shown = |label: &&model::Label| LabelShown {
        name: label.name.clone(),
        concepts: label.concepts.clone(),
        confidence: label.confidence.level,
        source: label.source.clone(),
    };
    let mut labels: Vec<LabelShown> = book.labels(account).iter().map(shown).collect();
    labels.sort_by(|a, b| b.confidence.cmp(&a.confidence).then_with(|| a.name.cmp(&b.name)));
    labels.truncate(20);
    labels
}

pub(super) fn is_listed(book: &Book, account: &Account) -> bool {
    book.listings(&Key::of(account)).next().is_some()
}

#[derive(Serialize, ToSchema)]
pub(super) struct TransferRow {
    /// CAIP-2.
    chain: String,
    tx: String,
    position: String,
    height: Option<u64>,
    #[schema(value_type = Option<String>, format = DateTime)]
    time: Option<Timestamp>,
    /// `value`, `fee`, `reward` or `nft`.
    #[schema(value_type = String)]
    kind: TransferKind,
    /// CAIP-10; null on Bitcoin where it comes out of the transaction.
    from: Option<String>,
    to: Option<String>,
    /// CAIP-19.
    asset: String,
    symbol: Option<String>,
    decimals: Option<u8>,
    /// Base units.
    amount: String,
    /// In whole units, where the decimals are known.
    amount_units: Option<String>,
    is_final: bool,
}

/// What is known of the assets of some rows, asked for at once.
pub(super) struct Metas(BTreeMap<Asset, AssetMeta>);

impl Metas {
    pub(super) fn of<'a>(
        view: &dyn View,
        assets: impl Iterator<Item = &'a Asset>,
    ) -> anyhow::Result<Metas> {
        let mut wanted: Vec<Asset> = assets.cloned().collect();
        wanted.sort();
        wanted.dedup();
        let found = view.assets(&wanted)?;
        let whole = |meta: AssetMeta| match (&meta.symbol, meta.decimals) {
            (Some(_), Some(_)) => meta,
            _ => Registry::shipped().get(&meta.asset).cloned().unwrap_or(meta),
        };
        Ok(Metas(wanted.into_iter().zip(found.into_iter().map(whole)).collect()))
    }

    fn get(&self, asset: &Asset) -> (Option<String>, Option<u8>) {
        let meta = self.0.get(asset);
        (meta.and_then(|meta| meta.symbol.clone()), meta.and_then(|meta| meta.decimals))
    }

    pub(super) fn row(&self, transfer: &Transfer, finality: &Finality) -> TransferRow {
        let (symbol, decimals) = self.get(&transfer.asset);
        let chain = transfer.tx.chain;
        TransferRow {
            chain: chain.to_string(),
            tx: transfer.tx.hash_text(),
            position: transfer.position.to_string(),
            height: transfer.height,
            time: (transfer.time_source != TimeSource::Unknown).then_some(transfer.time),
            kind: transfer.kind,
            from: transfer.from_account().map(|account| account.to_string()),
            to: transfer.to_account().map(|account| account.to_string()),
            asset: transfer.asset.to_string(),
            symbol,
            decimals,
            amount: transfer.amount.to_string(),
            amount_units: decimals.map(|decimals| format_units(transfer.amount, decimals)),
            is_final: finality.covers(chain, transfer.height),
        }
    }

    fn sum(&self, asset: &Asset, (amount, transfers): (U256, u64)) -> SumShown {
        let (symbol, decimals) = self.get(asset);
        SumShown {
            asset: asset.to_string(),
            amount: amount.to_string(),
            amount_units: decimals.map(|decimals| format_units(amount, decimals)),
            symbol,
            decimals,
            transfers,
        }
    }
}

#[derive(Serialize, ToSchema)]
struct SumShown {
    /// CAIP-19.
    asset: String,
    symbol: Option<String>,
    decimals: Option<u8>,
    /// Base units.
    amount: String,
    amount_units: Option<String>,
    transfers: u64,
}

#[derive(Serialize, ToSchema)]
struct AddressShown {
    /// CAIP-10.
    account: String,
    labels: Vec<LabelShown>,
    is_listed: bool,
    /// Transfers that it sent, fees among them, and received.
    sent: u64,
    received: u64,
    /// Null where it moved nothing that is stored.
    first: Option<TransferRow>,
    last: Option<TransferRow>,
    /// What issuers did to it, as followed blocks or files tell; the latest last.
    freezes: Vec<FreezeShown>,
    /// What of its chain is held: not found is not clean.
    #[schema(value_type = Option<Object>)]
    coverage: Option<model::Coverage>,
}

#[derive(Serialize, ToSchema)]
struct FreezeShown {
    asset: String,
    /// `freeze`, `release` or `destroy`.
    action: &'static str,
    /// Base units that were destroyed.
    amount: Option<String>,
    height: Option<u64>,
    tx: String,
}

/// An address at a glance
///
/// Who is behind it is `GET /v1/entities/{account}`; what it had to do with,
/// `GET /v1/addresses/{account}/exposure`.
#[utoipa::path(get, path = "/v1/addresses/{account}", tag = "investigation",
    params(("account" = String, Path, description = "CAIP-10")),
    responses((status = 200, body = AddressShown), (status = 422, body = Problem)))]
async fn summary(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Path(text): Path<String>,
) -> Result<Json<AddressShown>, Problem> {
    let account = super::account("account", &text)?;
    let shown = app.blocking(move |_| {
        let shown = cell.with_store(|store| shown(&cell.now(), store, &account));
        shown.map_err(|error| super::failed("an address", &error))
    });
    shown.await.map(Json)
}

fn shown(now: &Now, store: &store::Store, account: &Account) -> anyhow::Result<AddressShown> {
    let (view, book) = (&now.snapshot, now.screener.book());
    let degree = view.degree(std::slice::from_ref(account))?;
    let degree = degree.first().copied().unwrap_or_default();
    let wanted = Wanted { way: None, since: None, until: None, asset: None, min_base: U256::ZERO };
    let last = histories::page(view, account, &wanted, None, 1)?.transfers.into_iter().next();
    let first = histories::first(view, account)?;
    let assets = first.iter().chain(&last).map(|transfer| &transfer.asset);
    let (metas, finality) = (Metas::of(view, assets)?, Finality::of_all(store)?);
    let freeze = |freeze: model::Freeze| FreezeShown {
        asset: freeze.asset.to_string(),
        action: match freeze.action {
            FreezeAction::Freeze => "freeze",
            FreezeAction::Release => "release",
            FreezeAction::Destroy(_) => "destroy",
        },
        amount: match freeze.action {
            FreezeAction::Destroy(amount) => Some(amount.to_string()),
            FreezeAction::Freeze | FreezeAction::Release => None,
        },
        height: freeze.height,
        tx: freeze.tx.hash_text(),
    };
    Ok(AddressShown {
        account: account.to_string(),
        labels: labels(book, account),
        is_listed: is_listed(book, account),
        sent: degree.sent,
        received: degree.received,
        first: first.map(|transfer| metas.row(&transfer, &finality)),
        last: last.map(|transfer| metas.row(&transfer, &finality)),
        freezes: store.freezes(account)?.into_iter().map(freeze).collect(),
        coverage: view.coverage()?.into_iter().find(|held| held.chain == account.chain),
    })
}

/// Which transfers are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Narrow {
    /// `in` or `out`; both if nothing is said.
    direction: Option<Way>,
    /// CAIP-19.
    asset: Option<String>,
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Base units; of an account chain together with an asset.
    min: Option<String>,
}

impl Narrow {
    fn wanted(self, account: &Account) -> Result<Wanted, Problem> {
        super::is_window(self.since, self.until)?;
        let asset = self.asset.as_deref().map(str::parse::<Asset>).transpose();
        let asset = asset.map_err(|error| Problem::invalid("asset", error.to_string()))?;
        if asset.as_ref().is_some_and(|asset| asset.chain != account.chain) {
            return Err(Problem::invalid("asset", "it is of another chain than the address"));
        }
        let min_base = match &self.min {
            None => U256::ZERO,
            Some(_) if asset.is_none() && !account.chain.is_utxo() => {
                let expected = "expected an asset beside it: of which base units?";
                return Err(Problem::invalid("min", expected));
            }
            Some(text) => {
                parse_base(text).map_err(|error| Problem::invalid("min", error.to_string()))?
            }
        };
        let Narrow { direction: way, since, until, .. } = self;
        Ok(Wanted { way, since, until, asset, min_base })
    }
}

#[derive(Serialize, ToSchema)]
struct TransfersShown {
    /// The newest first.
    items: Vec<TransferRow>,
    /// Sent back as `cursor`, it asks for what follows; nothing: this was all.
    next: Option<String>,
    /// More transfers lie in one moment than can be gone through: some are missing.
    is_cut: bool,
}

/// The transfers of an address, the newest first
///
/// On Bitcoin these are legs: inputs that spend its outputs, and outputs it received. Any number of
/// them, a page at a time.
#[utoipa::path(get, path = "/v1/addresses/{account}/transfers", tag = "investigation",
    params(("account" = String, Path, description = "CAIP-10"), Narrow, PageQuery),
    responses((status = 200, body = TransfersShown), (status = 422, body = Problem)))]
async fn transfers(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Path(text): Path<String>,
    Query(narrow): Query<Narrow>,
    Query(query): Query<PageQuery>,
) -> Result<Json<TransfersShown>, Problem> {
    let account = super::account("account", &text)?;
    let wanted = narrow.wanted(&account)?;
    let (limit, after) = (query.limit()?, query.after::<After>()?);
    let shown = app.blocking(move |_| {
        let shown = cell.with_store(|store| {
            let (now, finality) = (cell.now(), Finality::of_all(store)?);
            let part = histories::page(&now.snapshot, &account, &wanted, after, limit)?;
            let assets = part.transfers.iter().map(|transfer| &transfer.asset);
            let metas = Metas::of(&now.snapshot, assets)?;
            let row = |transfer: &Transfer| metas.row(transfer, &finality);
            let items = part.transfers.iter().map(row).collect();
            let next = part.next.as_ref().map(serve::page::encode);
            Ok(TransfersShown { items, next, is_cut: part.is_cut })
        });
        shown.map_err(|error| super::failed("transfers of an address", &error))
    });
    shown.await.map(Json)
}

#[derive(Serialize, ToSchema)]
struct NeighborShown {
    /// CAIP-10.
    account: String,
    /// `in`: it paid the address; `out`: the address paid it.
    direction: Way,
    labels: Vec<LabelShown>,
    is_listed: bool,
    transfers: u64,
    #[schema(value_type = String, format = DateTime)]
    first: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last: Timestamp,
    /// By asset.
    values: Vec<SumShown>,
}

#[derive(Serialize, ToSchema)]
struct NeighborsShown {
    /// The most transfers first.
    items: Vec<NeighborShown>,
    next: Option<String>,
    /// All that were found, on all pages.
    total: usize,
    /// Transfers that were gone through.
    transfers: usize,
    /// A hub: it has more transfers than are gone through, and these are the neighbours of a part of
    /// its history, from `first` to `last`. Ask for a window of time.
    is_truncated: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    first: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last: Option<Timestamp>,
    remarks: Vec<String>,
}

/// With whom an address dealt
///
/// Summed by counterparty and direction, with their labels. Fees and transfers of nothing are left out.
/// Of a hub only a part is gone through, and that is said.
#[utoipa::path(get, path = "/v1/addresses/{account}/neighbors", tag = "investigation",
    params(("account" = String, Path, description = "CAIP-10"), Narrow, PageQuery),
    responses((status = 200, body = NeighborsShown), (status = 422, body = Problem)))]
async fn neighbors(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Path(text): Path<String>,
    Query(narrow): Query<Narrow>,
    Query(query): Query<PageQuery>,
) -> Result<Json<NeighborsShown>, Problem> {
    let account = super::account("account", &text)?;
    let wanted = narrow.wanted(&account)?;
    let (limit, from) = (query.limit()?, query.after::<usize>()?.unwrap_or(0));
    let shown = app.blocking(move |_| {
        let shown = neighbors_of(&cell.now(), &account, &wanted, from, limit);
        shown.map_err(|error| super::failed("neighbours", &error))
    });
    shown.await.map(Json)
}

fn neighbors_of(
    now: &Now,
    account: &Account,
    wanted: &Wanted,
    from: usize,
    limit: usize,
) -> anyhow::Result<NeighborsShown> {
    let (view, book) = (&now.snapshot, now.screener.book());
    let found = histories::neighbours(view, account, wanted)?;
    let total = found.rows.len();
    let rows: Vec<_> = found.rows.into_iter().skip(from).take(limit).collect();
    let metas = Metas::of(view, rows.iter().flat_map(|row| row.sums.keys()))?;
    let item = |row: histories::Neighbour| NeighborShown {
        labels: labels(book, &row.account),
        is_listed: is_listed(book, &row.account),
        account: row.account.to_string(),
        direction: row.way,
        transfers: row.transfers,
        first: row.first,
        last: row.last,
        values: row.sums.iter().map(|(asset, sum)| metas.sum(asset, *sum)).collect(),
    };
    let mut remarks = Vec::new();
    if account.chain.is_utxo() {
        remarks.push("on Bitcoin a neighbour is whoever is on the other side of a transaction: what they put in or got, whoever paid whom".to_string());
    }
    let end = from.saturating_add(rows.len());
    Ok(NeighborsShown {
        items: rows.into_iter().map(item).collect(),
        next: (end < total).then(|| serve::page::encode(&end)),
        total,
        transfers: found.transfers,
        is_truncated: found.is_truncated,
        first: found.first,
        last: found.last,
        remarks,
    })
}
