//! A part of GraphSense's REST API, to be read by its clients: `/graphsense/{currency}/…`.
//!
//! Source: the OpenAPI of graphsense-lib 2.15 and what `graphsense-python` reads. Money is
//! `{"value": …, "fiat_values": []}`: a number of base units, however large, without prices. A client
//! takes `<server>/graphsense` for its host and `Bearer <key>` for its key.

mod shapes;

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use model::{
    Account, Asset, Chain, Timestamp, Transaction, Transfer, TransferKind, TxId, U256, View,
};
use serde::Deserialize;
use serve::{App, Path, Problem, Query};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cell::histories::{self, After, Totals, Wanted, Way};
use crate::cell::{Cell, Now};
use shapes::{
    Address, AddressTag, AddressTags, AddressTx, AddressTxs, CurrencyStats, Found, Neighbor,
    Neighbors, Search, Stats, Tx, TxAccount, TxSummary, TxUtxo, TxValue, Values,
};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(stats))
        .routes(routes!(search))
        .routes(routes!(address))
        .routes(routes!(tags))
        .routes(routes!(txs))
        .routes(routes!(neighbors))
        .routes(routes!(tx))
}

/// Transfers of a neighbour that its own totals are made of.
const NEIGHBOUR_HISTORY: usize = 1_000;
const HISTORY: usize = 50_000;
const PAGE: usize = 25;
const PAGE_MAX: usize = 100;

/// What GraphSense calls a chain: `btc`, `eth`, `trx`; others by their own names.
fn currency(chain: Chain) -> String {
    match chain {
        Chain::BITCOIN => "btc".into(),
        Chain::ETHEREUM => "eth".into(),
        Chain::TRON => "trx".into(),
        other => other.name(),
    }
}

fn time(time: Timestamp) -> i64 {
    time.as_second()
}

async fn read<T: Send + 'static>(
    app: &App,
    cell: Arc<Cell>,
    ask: impl FnOnce(&Now, &dyn View) -> anyhow::Result<Option<T>> + Send + 'static,
) -> Result<Json<T>, Problem> {
    let found = app.blocking(move |_| {
        let now = cell.now();
        ask(&now, &now.snapshot).map_err(|error| super::failed("a GraphSense request", &error))
    });
    let unknown = || Problem::not_found("it is not in what this server holds");
    found.await?.map(Json).ok_or_else(unknown)
}

/// What is held of each chain (GraphSense)
#[utoipa::path(get, path = "/graphsense/stats", tag = "graphsense",
    responses((status = 200, body = Object)))]
async fn stats(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
) -> Result<Json<Stats>, Problem> {
    read(&app, cell, |now, view| {
        let book = now.screener.book();
        let of = |held: model::Coverage| {
            let is_of = |label: &&model::Label| {
                matches!(&label.subject, model::Subject::Account(account) if account.chain == held.chain)
            };
            let labels: Vec<_> = book.all_labels().iter().filter(is_of).collect();
            CurrencyStats {
                name: currency(held.chain),
                network_type: if held.chain.is_utxo() { "utxo" } else { "account" },
                no_blocks: held.height_last.map_or(0, |last| last.saturating_add(1)),
                // Transfers are counted, not the rest: 0 is not known.
                no_txs: held.transfers,
                no_addresses: 0,
                no_entities: 0,
                no_address_relations: 0,
                no_labels: labels.len(),
                no_tagged_addresses: labels.len(),
                timestamp: held.time_last.map_or(0, time),
            }
        };
        let currencies = view.coverage()?.into_iter().map(of).collect();
        Ok(Some(Stats { currencies, version: env!("CARGO_PKG_VERSION") }))
    })
    .await
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// An address or a transaction's hash, whole; or the beginning of a label. Two characters at least.
    q: String,
    /// One chain alone.
    currency: Option<String>,
}

/// Addresses, transactions and labels (GraphSense)
#[utoipa::path(get, path = "/graphsense/search", tag = "graphsense", params(SearchQuery),
    responses((status = 200, body = Object), (status = 422, body = Problem)))]
async fn search(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Search>, Problem> {
    if query.q.chars().count() < 2 || query.q.len() > 200 {
        return Err(Problem::invalid("q", "expected 2 to 200 characters"));
    }
    let only = query.currency.as_deref().map(|text| super::chain("currency", text)).transpose()?;
    read(&app, cell, move |now, view| {
        let mut currencies = Vec::new();
        for held in view.coverage()? {
            if only.is_some_and(|only| only != held.chain) {
                continue;
            }
            let account = Account::parse(query.q.trim(), held.chain).ok();
            let account = account.filter(|account| is_known(view, account).unwrap_or(false));
            let id = TxId::parse(query.q.trim(), held.chain);
            let tx = match id {
                Some(id) => view.transaction(&id)?.map(|_| id.hash_text()),
                None => None,
            };
            currencies.push(Found {
                currency: currency(held.chain),
                addresses: account.iter().map(|it| it.address.text(it.chain)).collect(),
                txs: tx.into_iter().collect(),
            });
        }
        let start = query.q.to_lowercase();
        let labels = now.screener.book().all_labels().iter().map(|label| &label.name);
        let mut labels: Vec<String> = labels
            .filter(|name| name.to_lowercase().starts_with(&start))
            .take(1000)
            .cloned()
            .collect();
        labels.sort();
        labels.dedup();
        labels.truncate(10);
        Ok(Some(Search { currencies, labels, actors: Vec::new() }))
    })
    .await
}

fn is_known(view: &dyn View, account: &Account) -> anyhow::Result<bool> {
    let degree = view.degree(std::slice::from_ref(account))?;
    Ok(degree.first().is_some_and(|degree| degree.sent + degree.received > 0))
}

fn account(currency: &str, address: &str) -> Result<Account, Problem> {
    let chain = super::chain("currency", currency)?;
    if address.len() > 200 {
        return Err(Problem::invalid("address", "expected an address"));
    }
    Account::parse(address, chain).map_err(|error| Problem::invalid("address", error.to_string()))
}

/// An address, over all its time (GraphSense)
///
/// `aggregates_truncated` says where it has more transfers than were gone through: totals are lower
/// bounds then. `cluster` is always 0: clusters here are named by their first address, see
/// `GET /v1/entities/{account}`.
#[utoipa::path(get, path = "/graphsense/{currency}/addresses/{address}", tag = "graphsense",
    params(("currency" = String, Path), ("address" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn address(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Path((currency, address)): Path<(String, String)>,
) -> Result<Json<Address>, Problem> {
    let account = account(&currency, &address)?;
    read(&app, cell, move |_, view| match is_known(view, &account)? {
        true => shown(view, &account, HISTORY).map(Some),
        false => Ok(None),
    })
    .await
}

fn shown(view: &dyn View, account: &Account, most: usize) -> anyhow::Result<Address> {
    let totals = histories::totals(view, account, most)?;
    let native = Asset::native(account.chain);
    let sum = |sums: &std::collections::BTreeMap<Asset, U256>| {
        Values::of(sums.get(&native).copied().unwrap_or_default())
    };
    let summary = |transfer: &Transfer| TxSummary {
        height: transfer.height.unwrap_or(0),
        timestamp: time(transfer.time),
        tx_hash: transfer.tx.hash_text(),
    };
    let Totals { received, sent, first, last, .. } = &totals;
    let balance = received.get(&native).copied().unwrap_or_default();
    let balance = balance.saturating_sub(sent.get(&native).copied().unwrap_or_default());
    Ok(Address {
        currency: currency(account.chain),
        address: account.address.text(account.chain),
        entity: 0,
        cluster: 0,
        balance: Values::of(balance),
        total_received: sum(received),
        total_spent: sum(sent),
        first_tx: first.as_ref().map(summary),
        last_tx: last.as_ref().map(summary),
        in_degree: totals.payers,
        out_degree: totals.payees,
        no_incoming_txs: totals.incoming,
        no_outgoing_txs: totals.outgoing,
        aggregates_truncated: totals.is_truncated.then_some(true),
        total_tokens_received: tokens(view, received)?,
        total_tokens_spent: tokens(view, sent)?,
    })
}

/// By symbol, as GraphSense has them; by contract where a token has none or another has it too.
fn tokens(
    view: &dyn View,
    sums: &std::collections::BTreeMap<Asset, U256>,
) -> anyhow::Result<Option<std::collections::BTreeMap<String, Values>>> {
    let of: Vec<Asset> = sums.keys().filter(|asset| !asset.is_native()).cloned().collect();
    let metas = view.assets(&of)?;
    let mut all = std::collections::BTreeMap::new();
    for (asset, meta) in of.iter().zip(metas) {
        let genuine = model::Registry::shipped().get(asset).and_then(|meta| meta.symbol.clone());
        let name = genuine.or(meta.symbol).map(|symbol| symbol.to_lowercase());
        let name = name.filter(|name| !all.contains_key(name));
        let name = name.unwrap_or_else(|| asset.to_string());
        all.insert(name, Values::of(sums.get(asset).copied().unwrap_or_default()));
    }
    Ok((!all.is_empty()).then_some(all))
}

/// The labels of an address (GraphSense)
#[utoipa::path(get, path = "/graphsense/{currency}/addresses/{address}/tags", tag = "graphsense",
    params(("currency" = String, Path), ("address" = String, Path)),
    responses((status = 200, body = Object), (status = 422, body = Problem)))]
async fn tags(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Path((currency_said, address)): Path<(String, String)>,
) -> Result<Json<AddressTags>, Problem> {
    let account = account(&currency_said, &address)?;
    read(&app, cell, move |now, _| {
        let tag = |label: &&model::Label| AddressTag {
            label: label.name.clone(),
            tag_type: "actor",
            tagpack_title: label.collection.clone(),
            tagpack_is_public: false,
            currency: currency(account.chain),
            category: label.concepts.first().cloned(),
            concepts: label.concepts.clone(),
            actor: label.actor.clone(),
            source: label.source.clone(),
            confidence: label.confidence.id.clone(),
            confidence_level: label.confidence.level,
            address: account.address.text(account.chain),
            entity: 0,
            cluster: 0,
        };
        let address_tags = now.screener.book().labels(&account).iter().map(tag).collect();
        Ok(Some(AddressTags { address_tags, next_page: None }))
    })
    .await
}

/// How a list is asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// `in` or `out`.
    direction: Option<Way>,
    /// `next_page` of the page before.
    page: Option<String>,
    /// 1 to 100.
    pagesize: Option<usize>,
}

impl ListQuery {
    fn size(&self) -> Result<usize, Problem> {
        match self.pagesize.unwrap_or(PAGE) {
            size @ 1.. => Ok(size.min(PAGE_MAX)),
            _ => Err(Problem::invalid("pagesize", "expected 1 to 100")),
        }
    }

    fn after<K: serde::de::DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        serve::PageQuery { cursor: self.page.clone(), limit: None }.after()
    }

    fn wanted(&self) -> Wanted {
        let (since, until, asset) = (None, None, None);
        Wanted { way: self.direction, since, until, asset, min_base: U256::ZERO }
    }
}

/// The transfers of an address, the newest first (GraphSense)
///
/// On Bitcoin a row is a leg: what an input spends is negative.
#[utoipa::path(get, path = "/graphsense/{currency}/addresses/{address}/txs", tag = "graphsense",
    params(("currency" = String, Path), ("address" = String, Path), ListQuery),
    responses((status = 200, body = Object), (status = 422, body = Problem)))]
async fn txs(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Path((currency, address)): Path<(String, String)>,
    Query(query): Query<ListQuery>,
) -> Result<Json<AddressTxs>, Problem> {
    let account = account(&currency, &address)?;
    let (size, after) = (query.size()?, query.after::<After>()?);
    read(&app, cell, move |_, view| {
        let part = histories::page(view, &account, &query.wanted(), after, size)?;
        let row = |transfer: &Transfer| match account.chain.is_utxo() {
            true => AddressTx::Utxo(leg(transfer)),
            false => AddressTx::Account(account_tx(transfer)),
        };
        let next_page = part.next.as_ref().map(serve::page::encode);
        Ok(Some(AddressTxs { address_txs: part.transfers.iter().map(row).collect(), next_page }))
    })
    .await
}

fn leg(transfer: &Transfer) -> shapes::AddressTxUtxo {
    let value = Values::of(transfer.amount);
    shapes::AddressTxUtxo {
        tx_type: "utxo",
        tx_hash: transfer.tx.hash_text(),
        currency: currency(transfer.tx.chain),
        coinbase: false,
        height: transfer.height.unwrap_or(0),
        timestamp: time(transfer.time),
        value: if transfer.to.is_none() { value.negative() } else { value },
    }
}

fn account_tx(transfer: &Transfer) -> TxAccount {
    let chain = transfer.tx.chain;
    let text = |address: &Option<model::Address>| {
        address.as_ref().map_or_else(String::new, |address| address.text(chain))
    };
    let hash = transfer.tx.hash_text();
    // Sub-payments are named `_I<n>` (internal) and `_T<n>` (token).
    let (identifier, token_tx_id) = match &transfer.position {
        model::Position::Log(n) => (format!("{hash}_T{n}"), Some(*n)),
        model::Position::Call(path) if path.is_empty() => (hash.clone(), None),
        other => (format!("{hash}_I{other}"), None),
    };
    let is_native = transfer.asset.is_native();
    let contract = transfer.asset.contract().map(|contract| contract.text(chain));
    TxAccount {
        tx_type: "account",
        identifier,
        currency: contract.filter(|_| !is_native).unwrap_or_else(|| currency(chain)),
        network: currency(chain),
        tx_hash: hash,
        height: transfer.height.unwrap_or(0),
        timestamp: time(transfer.time),
        value: Values::of(transfer.amount),
        from_address: text(&transfer.from),
        to_address: text(&transfer.to),
        token_tx_id,
    }
}

/// With whom an address dealt (GraphSense)
///
/// `value` and `no_txs` are of the edge, the address in it has its own totals.
#[utoipa::path(get, path = "/graphsense/{currency}/addresses/{address}/neighbors", tag = "graphsense",
    params(("currency" = String, Path), ("address" = String, Path), ListQuery),
    responses((status = 200, body = Object), (status = 422, body = Problem)))]
async fn neighbors(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Path((currency, address)): Path<(String, String)>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Neighbors>, Problem> {
    let account = account(&currency, &address)?;
    if query.direction.is_none() {
        return Err(Problem::invalid("direction", "expected in or out"));
    }
    let (size, from) = (query.size()?, query.after::<usize>()?.unwrap_or(0));
    read(&app, cell, move |now, view| {
        let found = histories::neighbours(view, &account, &query.wanted())?;
        let end = from.saturating_add(size);
        let next_page = (end < found.rows.len()).then(|| serve::page::encode(&end));
        let mut neighbors = Vec::new();
        for row in found.rows.into_iter().skip(from).take(size) {
            let sums = row.sums.iter().map(|(asset, (sum, _))| (asset.clone(), *sum));
            let sums: std::collections::BTreeMap<Asset, U256> = sums.collect();
            let native = sums.get(&Asset::native(account.chain)).copied().unwrap_or_default();
            let labels = now.screener.book().labels(&row.account);
            neighbors.push(Neighbor {
                value: Values::of(native),
                token_values: tokens(view, &sums)?,
                no_txs: row.transfers,
                labels: labels.iter().map(|label| label.name.clone()).collect(),
                address: shown(view, &row.account, NEIGHBOUR_HISTORY)?,
            });
        }
        let neighbors_truncated = found.is_truncated.then_some(true);
        Ok(Some(Neighbors { neighbors, next_page, neighbors_truncated }))
    })
    .await
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TxQuery {
    /// With the addresses of inputs and outputs.
    #[serde(default)]
    include_io: Option<String>,
}

/// A transaction (GraphSense)
///
/// Of an account chain its own value; the other transfers of it are `GET /v1/transactions/{chain}/{tx}`.
#[utoipa::path(get, path = "/graphsense/{currency}/txs/{tx_hash}", tag = "graphsense",
    params(("currency" = String, Path), ("tx_hash" = String, Path), TxQuery),
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn tx(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Path((currency_said, hash)): Path<(String, String)>,
    Query(query): Query<TxQuery>,
) -> Result<Json<Tx>, Problem> {
    let chain = super::chain("currency", &currency_said)?;
    let id = TxId::parse(&hash, chain).filter(|_| hash.len() <= 200);
    let id = id.ok_or_else(|| Problem::invalid("tx_hash", "expected a transaction's hash"))?;
    let has_io = query.include_io.is_some_and(|text| text.eq_ignore_ascii_case("true"));
    read(&app, cell, move |_, view| {
        Ok(match view.transaction(&id)? {
            None => None,
            Some(Transaction::Account { transfers, .. }) => {
                let own = transfers.iter().find(|transfer| transfer.kind != TransferKind::Fee);
                own.map(account_tx).map(Tx::Account)
            }
            Some(Transaction::Utxo(tx)) => Some(Tx::Utxo(utxo(&tx, has_io))),
        })
    })
    .await
}

fn utxo(tx: &model::UtxoTransaction, has_io: bool) -> TxUtxo {
    let chain = tx.id.chain;
    let leg = |(index, output): (usize, &model::Output)| TxValue {
        address: vec![output.address.text(chain)],
        value: Values::of(U256::from(output.value)),
        index,
    };
    let spent = tx.inputs.iter().map(|input| input.previous.as_ref()).enumerate();
    let inputs: Vec<TxValue> =
        spent.filter_map(|(index, output)| Some(leg((index, output?)))).collect();
    let total = tx.inputs.iter().filter_map(|input| input.previous.as_ref());
    let total: U256 = total.map(|output| U256::from(output.value)).sum();
    TxUtxo {
        tx_type: "utxo",
        currency: currency(chain),
        tx_hash: tx.id.hash_text(),
        coinbase: tx.is_coinbase,
        height: tx.height.unwrap_or(0),
        no_inputs: tx.inputs.len(),
        no_outputs: tx.outputs.len(),
        timestamp: time(tx.time),
        total_input: Values::of(total),
        total_output: Values::of(tx.value_out()),
        inputs: has_io.then_some(inputs),
        outputs: has_io.then(|| tx.outputs.iter().enumerate().map(leg).collect()),
    }
}
