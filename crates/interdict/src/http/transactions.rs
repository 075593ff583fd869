//! One transaction: who paid whom in it.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use model::{Account, Timestamp, Transaction, TxId, UtxoTransaction, View};
use serde::Serialize;
use serve::{App, Path, Problem};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::addresses::{LabelShown, Metas, TransferRow, is_listed, labels};
use crate::cell::{Cell, Now};
use crate::commands::transfers::Finality;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(one))
}

#[derive(Serialize, ToSchema)]
struct TransactionShown {
    /// CAIP-2.
    chain: String,
    tx: String,
    height: Option<u64>,
    #[schema(value_type = Option<String>, format = DateTime)]
    time: Option<Timestamp>,
    is_final: bool,
    /// What it moved, in its order; of Bitcoin null.
    transfers: Option<Vec<TransferRow>>,
    /// Of Bitcoin: what it spends and what it pays, and never who paid whom.
    inputs: Option<Vec<LegShown>>,
    outputs: Option<Vec<LegShown>>,
    is_coinbase: Option<bool>,
    /// Satoshi; null where an input is not known.
    fee: Option<String>,
    /// Everybody in it that is labelled or listed.
    known: Vec<KnownShown>,
}

#[derive(Serialize, ToSchema)]
struct LegShown {
    index: u32,
    /// CAIP-10; null where the output that is spent is not stored.
    account: Option<String>,
    /// Satoshi.
    amount: Option<String>,
    /// Of an input: what it spends, `<hash>:<n>`.
    spends: Option<String>,
    /// Of an output: the transaction that spent it, where that is stored.
    spent_by: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct KnownShown {
    account: String,
    labels: Vec<LabelShown>,
    is_listed: bool,
}

/// A transaction
#[utoipa::path(get, path = "/v1/transactions/{chain}/{tx}", tag = "investigation",
    params(("chain" = String, Path, description = "CAIP-2, or a name"), ("tx" = String, Path)),
    responses((status = 200, body = TransactionShown), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn one(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Path((chain, tx)): Path<(String, String)>,
) -> Result<Json<TransactionShown>, Problem> {
    let chain = super::chain("chain", &chain)?;
    let expected = || Problem::invalid("tx", format!("expected a transaction's hash of {chain}"));
    let id = TxId::parse(&tx, chain).filter(|_| tx.len() <= 200).ok_or_else(expected)?;
    let shown = app.blocking(move |_| {
        let shown = cell.with_store(|store| shown(&cell.now(), store, id));
        shown.map_err(|error| super::failed("a transaction", &error))
    });
    let unknown = || Problem::not_found(format!("{id} is not stored"));
    shown.await?.map(Json).ok_or_else(unknown)
}

fn shown(now: &Now, store: &store::Store, id: TxId) -> anyhow::Result<Option<TransactionShown>> {
    let view = &now.snapshot;
    let finality = Finality::of_all(store)?;
    let Some(found) = view.transaction(&id)? else { return Ok(None) };
    Ok(Some(match found {
        Transaction::Account { transfers, .. } => {
            let metas = Metas::of(view, transfers.iter().map(|transfer| &transfer.asset))?;
            let ends = transfers.iter().flat_map(|t| [t.from_account(), t.to_account()]).flatten();
            let known = known(now, ends);
            let rows: Vec<TransferRow> =
                transfers.iter().map(|transfer| metas.row(transfer, &finality)).collect();
            let height = transfers.first().and_then(|transfer| transfer.height);
            TransactionShown {
                chain: id.chain.to_string(),
                tx: id.hash_text(),
                height,
                time: transfers.first().map(|transfer| transfer.time),
                is_final: finality.covers(id.chain, height),
                transfers: Some(rows),
                inputs: None,
                outputs: None,
                is_coinbase: None,
                fee: None,
                known,
            }
        }
        Transaction::Utxo(tx) => utxo(now, &finality, &tx)?,
    }))
}

fn utxo(now: &Now, finality: &Finality, tx: &UtxoTransaction) -> anyhow::Result<TransactionShown> {
    let chain = tx.id.chain;
    let account = |output: &model::Output| Account { chain, address: output.address.clone() };
    let numbers = |count: usize| (0..u32::try_from(count).unwrap_or(u32::MAX)).collect::<Vec<_>>();
    let outpoints = numbers(tx.outputs.len());
    let outpoints: Vec<_> =
        outpoints.into_iter().map(|index| model::Outpoint { tx: tx.id, index }).collect();
    let spends = now.snapshot.spends(&outpoints)?;
    let input = |(index, input): (u32, &model::Input)| LegShown {
        index,
        account: input.previous.as_ref().map(|output| account(output).to_string()),
        amount: input.previous.as_ref().map(|output| output.value.to_string()),
        spends: Some(format!("{}:{}", input.outpoint.tx.hash_text(), input.outpoint.index)),
        spent_by: None,
    };
    let output =
        |((index, output), spend): ((u32, &model::Output), &Option<model::Spend>)| LegShown {
            index,
            account: Some(account(output).to_string()),
            amount: Some(output.value.to_string()),
            spends: None,
            spent_by: spend.as_ref().map(|spend| spend.tx.hash_text()),
        };
    let ends = tx.inputs.iter().filter_map(|input| input.previous.as_ref()).chain(&tx.outputs);
    Ok(TransactionShown {
        chain: chain.to_string(),
        tx: tx.id.hash_text(),
        height: tx.height,
        time: (tx.time != Timestamp::UNIX_EPOCH).then_some(tx.time),
        is_final: finality.covers(chain, tx.height),
        transfers: None,
        inputs: Some((0..).zip(&tx.inputs).map(input).collect()),
        outputs: Some((0..).zip(&tx.outputs).zip(&spends).map(output).collect()),
        is_coinbase: Some(tx.is_coinbase),
        fee: tx.fee().map(|fee| fee.to_string()),
        known: known(now, ends.map(account)),
    })
}

/// Those of these that are labelled or listed, each once.
fn known(now: &Now, accounts: impl Iterator<Item = Account>) -> Vec<KnownShown> {
    let book = now.screener.book();
    let mut all: Vec<Account> = accounts.collect();
    all.sort();
    all.dedup();
    let shown = |account: &Account| KnownShown {
        account: account.to_string(),
        labels: labels(book, account),
        is_listed: is_listed(book, account),
    };
    all.iter().map(shown).filter(|known| known.is_listed || !known.labels.is_empty()).collect()
}
