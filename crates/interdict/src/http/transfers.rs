//! Money that came to an exchange or left it: registered, answered when the chain shows it.
//!
//! Fields are named as integrators know them from Chainalysis KYT v2 (`userId`, `network`, `asset`,
//! `transferReference`, `direction`, `outputAddress`, `assetAmount`, `transferTimestamp`).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use case::alerts::Alert;
use model::{Account, Asset, Chain, Timestamp, TxId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serve::http::desk;
use serve::{App, Body, Path, Principal, Problem, time};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cell::Cell;
use crate::cell::exchange::transfers::{self, Asked, Kept, Seen, State as Of, Way};
use crate::cell::exchange::{self, Customers, judging};
use crate::cell::judge::{Reason, Verdict};
use crate::commands::transfers::Finality;

const SENDERS_MAX: usize = 100;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(register))
        .routes(routes!(get))
        .routes(routes!(alerts))
        .routes(routes!(exposures))
}

/// Its transaction and address are said by `tx` and `outputAddress`, or together by `transferReference`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "userId": "u-71", "network": "eip155:1", "asset": "eip155:1/slip44:60", "direction": "received",
    "tx": "0x8e4b0d4ac1ea1e8b4b5ab5a5d7b6f2f9c0c9e9d0c7a6b5f4e3d2c1b0a9f8e7d6",
    "outputAddress": "0x47666Fab8bd0Ac7003bce3f5C3585383F09486E2", "assetAmount": "1.5",
    "transferTimestamp": "2026-03-05T08:00:00Z",
}))]
struct TransferBody {
    /// The exchange's own reference of its customer: never a name. It is kept sealed.
    user_id: String,
    /// CAIP-2, or a name such as `ethereum`.
    network: String,
    /// CAIP-19, or a symbol.
    asset: String,
    /// `received` or `sent`.
    direction: Way,
    /// The transaction's hash.
    tx: Option<String>,
    /// The address that was paid.
    output_address: Option<String>,
    /// `<hash>:<address>`, in place of both.
    transfer_reference: Option<String>,
    /// Which output of a Bitcoin transaction.
    output_index: Option<u32>,
    /// In whole units, as text: `1.25`.
    asset_amount: String,
    #[schema(value_type = Option<String>, format = DateTime)]
    transfer_timestamp: Option<Timestamp>,
    /// Who sent it, where that is known before the chain shows it: they are screened at once.
    #[serde(default)]
    input_addresses: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransferShown {
    id: String,
    /// CAIP-2.
    network: String,
    asset: String,
    tx: String,
    output_address: String,
    output_index: Option<u32>,
    transfer_reference: String,
    direction: Way,
    asset_amount: String,
    transfer_timestamp: Option<String>,
    /// `waiting` until the store holds the transaction, then `answered`.
    state: Of,
    /// `allow`, `review` or `block`; null where nothing could be judged yet.
    verdict: Option<Verdict>,
    /// The gravest first; none where no rule spoke, which does not say that all is well.
    reasons: Vec<Reason>,
    /// Who was screened, CAIP-10.
    counterparties: Vec<String>,
    /// The lists that were looked through, with the dates of their versions.
    searched: Vec<String>,
    /// As the chain has it; null while it waits.
    seen: Option<Seen>,
    remarks: Vec<String>,
    registered_at: String,
    updated_at: String,
}

impl TransferShown {
    pub(super) fn of(kept: Kept) -> TransferShown {
        let Kept { id, asked, judged, registered_at, changed_at, .. } = kept;
        let (tx, output_address) = (asked.tx.hash_text(), asked.account.address_text());
        TransferShown {
            id,
            network: asked.tx.chain.to_string(),
            asset: asked.asset,
            transfer_reference: format!("{tx}:{output_address}"),
            tx,
            output_address,
            output_index: asked.output,
            direction: asked.way,
            asset_amount: asked.amount,
            transfer_timestamp: asked.time.map(|time| time.to_string()),
            state: judged.state,
            verdict: judged.verdict,
            reasons: judged.reasons,
            counterparties: judged.counterparties.iter().map(Account::to_string).collect(),
            searched: judged.searched,
            seen: judged.seen,
            remarks: judged.remarks,
            registered_at: time::rfc3339(registered_at),
            updated_at: time::rfc3339(changed_at),
        }
    }
}

impl TransferBody {
    fn read(self) -> Result<(String, Asked), Problem> {
        super::said("/userId", &self.user_id)?;
        super::said("/asset", &self.asset)?;
        super::amount("/assetAmount", &self.asset_amount)?;
        let chain = super::chain("/network", &self.network)?;
        if let Ok(asset) = self.asset.parse::<Asset>()
            && asset.chain != chain
        {
            return Err(Problem::invalid(
                "/asset",
                format!("it is of {}, not of {chain}", asset.chain),
            ));
        }
        let named = (self.tx, self.output_address, self.transfer_reference);
        let (tx, address) = match named {
            (Some(tx), Some(address), None) => (tx, address),
            (None, None, Some(reference)) => match reference.split_once(':') {
                Some((tx, address)) => (tx.to_string(), address.to_string()),
                None => {
                    return Err(Problem::invalid(
                        "/transferReference",
                        "expected <hash>:<address>",
                    ));
                }
            },
            _ => {
                let expected = "expected tx and outputAddress, or transferReference alone";
                return Err(Problem::invalid("/", expected));
            }
        };
        let tx = TxId::parse(tx.trim(), chain).ok_or_else(|| {
            Problem::invalid("/tx", format!("expected a transaction's hash of {chain}"))
        })?;
        let account = self::account("/outputAddress", &address, chain)?;
        if self.output_index.is_some() && !chain.is_utxo() {
            return Err(Problem::invalid("/outputIndex", format!("{chain} has no outputs")));
        }
        if self.input_addresses.len() > SENDERS_MAX {
            return Err(Problem::invalid(
                "/inputAddresses",
                format!("expected at most {SENDERS_MAX}"),
            ));
        }
        let sender = |(at, text): (usize, &String)| {
            self::account(&format!("/inputAddresses/{at}"), text, chain)
        };
        let senders = self.input_addresses.iter().enumerate().map(sender);
        let mut senders = senders.collect::<Result<Vec<Account>, Problem>>()?;
        senders.sort();
        senders.dedup();
        let asked = Asked {
            tx,
            account,
            output: self.output_index,
            asset: self.asset,
            amount: self.asset_amount,
            way: self.direction,
            time: self.transfer_timestamp,
            senders,
        };
        Ok((self.user_id, asked))
    }
}

fn account(field: &str, text: &str, chain: Chain) -> Result<Account, Problem> {
    if text.len() > 200 {
        return Err(Problem::invalid(field, "expected an address"));
    }
    Account::parse(text.trim(), chain).map_err(|error| Problem::invalid(field, error.to_string()))
}

/// Register a transfer that was received or sent
///
/// Answered at once as far as it is known, and for good when a followed chain shows it: `state` is
/// `answered` then, and the event `transfer.answered` tells. The same transfer (network, transaction,
/// output address) is registered once; registered again otherwise, it is refused with 409.
#[utoipa::path(post, path = "/v1/transfers", tag = "exchange", request_body = TransferBody,
    responses((status = 202, body = TransferShown), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn register(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Extension(key): Extension<Customers>,
    principal: Principal,
    Body(body): Body<TransferBody>,
) -> Result<Response, Problem> {
    let (user, asked) = body.read()?;
    super::screen::must_have_lists(&cell.now())?;
    let kept = app.blocking(move |app| {
        let by = desk::by(&principal);
        let id = transfers::id(&key, &by.actor, &asked);
        let kept = match transfers::get(&app.db, &id)? {
            Some(kept) => kept,
            None => {
                let look = cell.with_store(|store| {
                    let (now, finality) = (cell.now(), Finality::of_all(store)?);
                    let chain = asked.tx.chain;
                    let is_final = |height| finality.covers(chain, height);
                    judging::look(&cell, &now, &store.snapshot(), &asked, &is_final, None)
                });
                let look = look.map_err(|error| super::failed("a transfer", &error))?;
                transfers::keep(&app.db, &by, &key, (&id, &user), &asked, &look)?
            }
        };
        is_the_same(app, &key, &kept, &asked, &user)?;
        Ok(kept)
    });
    Ok((StatusCode::ACCEPTED, Json(TransferShown::of(kept.await?))).into_response())
}

fn is_the_same(
    app: &App,
    key: &Customers,
    kept: &Kept,
    asked: &Asked,
    user: &str,
) -> Result<(), Problem> {
    let customer = app.db.read(|tx| key.find(tx, user))?;
    if kept.asked == *asked && customer == Some(kept.customer) {
        return Ok(());
    }
    Err(Problem::conflict("this transfer was registered before, with other fields"))
}

/// A registered transfer, and what was found of it
#[utoipa::path(get, path = "/v1/transfers/{id}", tag = "exchange", params(("id" = String, Path)),
    responses((status = 200, body = TransferShown), (status = 404, body = Problem)))]
async fn get(
    State(app): State<App>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<TransferShown>, Problem> {
    let kept = app.blocking(move |app| find(app, &principal, &id));
    Ok(Json(TransferShown::of(kept.await?)))
}

#[derive(Serialize, ToSchema)]
pub(super) struct AlertsShown {
    /// As `GET /v1/alerts/{alert}` shows them.
    #[schema(value_type = Vec<Object>)]
    alerts: Vec<Alert>,
}

/// The alerts that a transfer raised
#[utoipa::path(get, path = "/v1/transfers/{id}/alerts", tag = "exchange", params(("id" = String, Path)),
    responses((status = 200, body = AlertsShown), (status = 404, body = Problem)))]
async fn alerts(
    State(app): State<App>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<AlertsShown>, Problem> {
    let alerts = app.blocking(move |app| {
        let kept = find(app, &principal, &id)?;
        let ids = exchange::alerts_of(&app.db, &kept.id)?;
        read_alerts(app, &principal, &ids)
    });
    Ok(Json(AlertsShown { alerts: alerts.await? }))
}

/// Those that the caller may see.
pub(super) fn read_alerts(
    app: &App,
    principal: &Principal,
    ids: &[case::AlertId],
) -> Result<Vec<Alert>, Problem> {
    let seen = desk::seen(app, principal);
    let all = ids.iter().map(|id| Ok(case::alerts::get(&app.db, *id)?));
    let mut all = all.collect::<Result<Vec<Alert>, Problem>>()?;
    all.retain(|alert| seen.has(alert.team.as_deref()));
    Ok(all)
}

#[derive(Serialize, ToSchema)]
struct ExposuresShown {
    id: String,
    /// Each counterparty with its exposure (`interdict-exposure`) and risk, as they were when it was
    /// answered; `screened` is null where nothing is kept (`interdict exposure update`).
    #[schema(value_type = Vec<Object>)]
    exposures: Value,
}

/// What the counterparties of a transfer had to do with
#[utoipa::path(get, path = "/v1/transfers/{id}/exposures", tag = "exchange", params(("id" = String, Path)),
    responses((status = 200, body = ExposuresShown), (status = 404, body = Problem)))]
async fn exposures(
    State(app): State<App>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<ExposuresShown>, Problem> {
    let kept = app.blocking(move |app| find(app, &principal, &id)).await?;
    let exposures = serde_json::from_str(&kept.exposures).map_err(|_| Problem::internal())?;
    Ok(Json(ExposuresShown { id: kept.id, exposures }))
}

/// A key sees its own; people see all.
fn find(app: &App, principal: &Principal, id: &str) -> Result<Kept, Problem> {
    super::is_name("transfer", id)?;
    let kept = transfers::get(&app.db, id)?;
    let is_seen = |kept: &Kept| principal.role().is_some() || kept.actor == principal.actor();
    kept.filter(is_seen).ok_or_else(|| Problem::not_found("no such transfer is registered"))
}
