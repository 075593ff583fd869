//! May this leave? Asked before a withdrawal is signed, answered at once, kept before it is answered.
//!
//! Fields are named as integrators know them from Chainalysis KYT: `userId`, `network`, `asset`,
//! `address`, `attemptIdentifier`, `assetAmount`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use case::alerts::{AlertKind, AlertSubject, NewAlert};
use model::Severity;
use serde::{Deserialize, Serialize};
use serve::http::desk;
use serve::{App, Body, Path, Principal, Problem, time};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cell::Cell;
use crate::cell::exchange::Customers;
use crate::cell::exchange::judging::{named_by, searched_of};
use crate::cell::exchange::withdrawals::{self, Kept, New};
use crate::cell::judge::{self, Reason, Verdict};
use crate::cell::screener::{self, Question};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(check)).routes(routes!(get))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "userId": "u-71", "network": "ethereum", "asset": "ETH", "attemptIdentifier": "w-1",
    "address": "0x098b716b8aaf21512996dc57eb0615e2383e2f96", "assetAmount": "1.5",
}))]
struct Attempt {
    /// The exchange's own reference of its customer: never a name. It is kept sealed.
    user_id: String,
    /// CAIP-2, or a name such as `ethereum`.
    network: String,
    /// A symbol, or CAIP-19.
    asset: String,
    /// Where it is to go.
    address: String,
    /// The caller's own name of it: the same attempt is answered once.
    attempt_identifier: String,
    /// In whole units, as text: `1.25`.
    asset_amount: String,
}

/// What was asked, without whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AttemptAsked)]
pub(super) struct Asked {
    network: String,
    asset: String,
    address: String,
    attempt_identifier: String,
    asset_amount: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Decided {
    id: String,
    attempt: Asked,
    verdict: Verdict,
    /// The gravest first; none where no rule spoke, which does not say that all is well.
    reasons: Vec<Reason>,
    /// The lists that were looked through, with the dates of their versions.
    searched: Vec<String>,
    checked_at: String,
}

/// May this withdrawal be signed?
///
/// `block`: it must not. `review`: somebody should look first. `allow`: no rule spoke. The answer is
/// kept before it is given; the same `attemptIdentifier` of the same user gets the same answer.
#[utoipa::path(post, path = "/v1/withdrawal-attempts", tag = "exchange", request_body = Attempt,
    responses((status = 200, body = Decided), (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn check(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Extension(key): Extension<Customers>,
    principal: Principal,
    Body(attempt): Body<Attempt>,
) -> Result<Json<Decided>, Problem> {
    let account = read(&attempt)?;
    super::screen::must_have_lists(&cell.now())?;
    let Attempt { user_id, network, asset, address, attempt_identifier, asset_amount } = attempt;
    let asked = Asked { network, asset, address, attempt_identifier, asset_amount };
    let decide = move |app: &App| {
        let by = desk::by(&principal);
        let id = withdrawals::id(&key, &by.actor, &user_id, &asked.attempt_identifier);
        if let Some(kept) = withdrawals::get(&app.db, &id)? {
            return again(&kept, &asked);
        }
        let (decided, lists) = decide(&cell, id, &account, asked.clone())
            .map_err(|error| super::failed("a withdrawal check", &error))?;
        let new = New {
            kept: kept(&by.actor, &decided)?,
            user: &user_id,
            to: &account,
            lists: &lists,
            alert: alert(&account, &decided),
        };
        again(&withdrawals::keep(&app.db, &by, &key, &new)?, &asked)
    };
    app.blocking(decide).await.map(Json)
}

fn kept(actor: &str, decided: &Decided) -> Result<Kept, Problem> {
    let verdict = serde_json::to_value(decided.verdict).map_err(|_| Problem::internal())?;
    Ok(Kept {
        id: decided.id.clone(),
        actor: actor.to_string(),
        identifier: decided.attempt.attempt_identifier.clone(),
        asked: serde_json::to_string(&decided.attempt).map_err(|_| Problem::internal())?,
        verdict: verdict.as_str().unwrap_or_default().to_string(),
        answered: serde_json::to_string(decided).map_err(|_| Problem::internal())?,
        made_at: time::now(),
    })
}

/// What a person must see: the same reasons for the same address are one alert, counted.
fn alert(account: &model::Account, decided: &Decided) -> Option<NewAlert> {
    let (severity, done) = match decided.verdict {
        judge::Verdict::Allow => return None,
        judge::Verdict::Review => (Severity::Medium, "to be looked at"),
        judge::Verdict::Block => (Severity::High, "stopped"),
    };
    let rules: BTreeSet<&str> = decided.reasons.iter().map(|reason| reason.rule.as_str()).collect();
    let rules: Vec<&str> = rules.into_iter().collect();
    Some(NewAlert {
        kind: AlertKind::Screening,
        severity,
        subject: AlertSubject::Account(account.clone()),
        group: format!("withdrawal {}", rules.join(" ")),
        title: format!("a withdrawal to {account} was {done}"),
        // Who the customer is stays with the attempt.
        evidence: serde_json::json!({
            "attempt": decided.id, "reasons": decided.reasons, "searched": decided.searched,
        }),
        team: None,
        case: None,
    })
}

/// What was asked and answered
#[utoipa::path(get, path = "/v1/withdrawal-attempts/{id}", tag = "exchange",
    params(("id" = String, Path)),
    responses((status = 200, body = Decided), (status = 404, body = Problem)))]
async fn get(
    State(app): State<App>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<Decided>, Problem> {
    app.blocking(move |app| {
        super::is_name("withdrawal attempt", &id)?;
        let kept = withdrawals::get(&app.db, &id)?;
        // A key sees its own; people see all.
        let kept =
            kept.filter(|kept| principal.role().is_some() || kept.actor == principal.actor());
        shown(&kept.ok_or_else(|| Problem::not_found("no such withdrawal attempt"))?)
    })
    .await
    .map(Json)
}

/// The answer that is kept, if it is of the same request.
fn again(kept: &Kept, asked: &Asked) -> Result<Decided, Problem> {
    let decided = shown(kept)?;
    match decided.attempt == *asked {
        true => Ok(decided),
        false => Err(Problem::conflict(
            "this attemptIdentifier was used for another withdrawal of this user",
        )),
    }
}

pub(super) fn shown(kept: &Kept) -> Result<Decided, Problem> {
    serde_json::from_str(&kept.answered).map_err(|_| Problem::internal())
}

fn read(attempt: &Attempt) -> Result<model::Account, Problem> {
    super::said("/userId", &attempt.user_id)?;
    super::said("/attemptIdentifier", &attempt.attempt_identifier)?;
    super::said("/asset", &attempt.asset)?;
    super::amount("/assetAmount", &attempt.asset_amount)?;
    let chain = super::chain("/network", &attempt.network)?;
    model::Account::parse(attempt.address.trim(), chain)
        .map_err(|error| Problem::invalid("/address", error.to_string()))
}

fn decide(
    cell: &Cell,
    id: String,
    account: &model::Account,
    attempt: Asked,
) -> anyhow::Result<(Decided, Vec<String>)> {
    let now = cell.now();
    let answer = screener::answer(cell, &now, &Question::address(account))?;
    let kept = cell.exposure(account)?;
    let (verdict, reasons) = judge::judge(&answer, kept.as_ref());
    let (searched, checked_at) = (searched_of(&answer), time::rfc3339(time::now()));
    let decided = Decided { id, attempt, verdict, reasons, searched, checked_at };
    Ok((decided, named_by(&answer)))
}
