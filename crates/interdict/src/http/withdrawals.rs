//! May this leave? Asked before a withdrawal is signed, answered at once, kept before it is answered.
//!
//! Fields are named as integrators know them from Chainalysis KYT: `userId`, `network`, `asset`,
//! `address`, `attemptIdentifier`, `assetAmount`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use case::By;
use case::alerts::{AlertKind, AlertSubject, NewAlert};
use model::{Severity, Timestamp};
use serde::{Deserialize, Serialize};
use serve::{App, Body, Path, Principal, Problem, time};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cell::Cell;
use crate::cell::judge::{self, Reason, Verdict};
use crate::cell::screener::{self, Question};
use crate::cell::withdrawals::{self, Kept};
use crate::cli::ScreenKind;
use crate::commands::screen::Ask;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(check)).routes(routes!(get))
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Attempt {
    /// A pseudonym: never a name.
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Decided {
    id: String,
    attempt: Attempt,
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
    responses((status = 200, body = Decided)))]
async fn check(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    principal: Principal,
    Body(attempt): Body<Attempt>,
) -> Result<Json<Decided>, Problem> {
    let account = read(&attempt)?;
    super::screen::must_have_lists(&cell.now())?;
    let actor = principal.actor();
    let decide = move |app: &App| {
        let id = withdrawals::id(&actor, &attempt.user_id, &attempt.attempt_identifier);
        if let Some(kept) = withdrawals::get(&app.db, &id)? {
            return again(&kept, &attempt);
        }
        let decided = decide(&cell, id, &account, attempt.clone())
            .map_err(|error| super::failed("a withdrawal check", &error))?;
        let text = |value| serde_json::to_string(value).map_err(|_| Problem::internal());
        let verdict = serde_json::to_value(decided.verdict).map_err(|_| Problem::internal())?;
        let new = Kept {
            id: decided.id.clone(),
            actor,
            user: attempt.user_id.clone(),
            identifier: attempt.attempt_identifier.clone(),
            asked: serde_json::to_string(&attempt).map_err(|_| Problem::internal())?,
            verdict: verdict.as_str().unwrap_or_default().to_string(),
            answered: text(&decided)?,
            made_at: time::now(),
        };
        let alert = alert(&account, &decided)
            .map(|alert| (By::new(new.actor.as_str(), Timestamp::now()), alert));
        again(&withdrawals::keep(&app.db, &new, alert.as_ref())?, &attempt)
    };
    app.blocking(decide).await.map(Json)
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
    params(("id" = String, Path)), responses((status = 200, body = Decided)))]
async fn get(
    State(app): State<App>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Json<Decided>, Problem> {
    app.blocking(move |app| {
        let kept = withdrawals::get(&app.db, &id)?;
        // A key sees its own; people see all.
        let kept =
            kept.filter(|kept| principal.role().is_some() || kept.actor == principal.actor());
        let kept = kept.ok_or_else(|| Problem::not_found("no such withdrawal attempt"))?;
        serde_json::from_str(&kept.answered).map_err(|_| Problem::internal())
    })
    .await
    .map(Json)
}

/// The answer that is kept, if it is of the same request.
fn again(kept: &Kept, attempt: &Attempt) -> Result<Decided, Problem> {
    let decided: Decided = serde_json::from_str(&kept.answered).map_err(|_| Problem::internal())?;
    match decided.attempt == *attempt {
        true => Ok(decided),
        false => Err(Problem::conflict(
            "this attemptIdentifier was used for another withdrawal of this user",
        )),
    }
}

fn read(attempt: &Attempt) -> Result<model::Account, Problem> {
    let texts = [
        ("/userId", &attempt.user_id),
        ("/attemptIdentifier", &attempt.attempt_identifier),
        ("/asset", &attempt.asset),
    ];
    for (field, text) in texts {
        if text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
            return Err(Problem::invalid(field, "expected 1 to 200 bytes of text"));
        }
    }
    model::amount::parse_units(&attempt.asset_amount, 36)
        .map_err(|error| Problem::invalid("/assetAmount", error.to_string()))?;
    let network = attempt.network.to_lowercase();
    let chain: model::Chain = network
        .parse()
        .map_err(|error: model::ChainError| Problem::invalid("/network", error.to_string()))?;
    model::Account::parse(attempt.address.trim(), chain)
        .map_err(|error| Problem::invalid("/address", error.to_string()))
}

fn decide(
    cell: &Cell,
    id: String,
    account: &model::Account,
    attempt: Attempt,
) -> anyhow::Result<Decided> {
    let now = cell.now();
    let ask = Ask {
        text: account.to_string(),
        kind: ScreenKind::Address,
        births: Vec::new(),
        countries: Vec::new(),
        documents: Vec::new(),
        customer: None,
    };
    let question = Question { ask, as_of: None, weighs: false };
    let answer = screener::answer(cell, &now, &question)?;
    let kept = cell.exposure(account)?;
    let (verdict, reasons) = judge::judge(&answer, kept.as_ref());
    let searched = answer.searched.iter().map(|list| match list.list_date {
        Some(date) => format!("{} of {date}", list.list),
        None => format!("{} (not covered)", list.list),
    });
    Ok(Decided {
        id,
        attempt,
        verdict,
        reasons,
        searched: searched.collect(),
        checked_at: time::rfc3339(time::now()),
    })
}
