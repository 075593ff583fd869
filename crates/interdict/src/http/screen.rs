//! Is it listed? Addresses from memory, at once; names, tokens and transactions on a thread of their own.

use std::sync::Arc;

use ::screen::Answer;
use axum::extract::State;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::Value;
use serve::{App, Body, Path, Problem};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cell::screener::{self, Question};
use crate::cell::{Cell, Now};
use crate::cli::ScreenKind;
use crate::commands::screen::{Ask, birth, country};

const BATCH_MAX: usize = 100;
const TEXT_BYTES_MAX: usize = 4096;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(one)).routes(routes!(batch)).routes(routes!(exposure))
}

/// One question: exactly one of `query`, `address`, `name`, `token`, `transaction`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskBody {
    /// Whatever it is: the answer says what it was taken for.
    query: Option<String>,
    /// Bare, CAIP-10, or in a payment URI.
    address: Option<String>,
    name: Option<String>,
    /// The contract of a token.
    token: Option<String>,
    /// The hash of a stored transaction: everybody in it is screened.
    transaction: Option<String>,
    /// With a name: `1965`, `1965-03` or `1965-03-12`.
    birth: Option<String>,
    /// With a name: two letters, or as lists write it.
    country: Option<String>,
    /// With a name: numbers of passports, registrations, vessels.
    #[serde(default)]
    documents: Vec<String>,
    /// Under what decisions about this name are kept.
    customer: Option<String>,
    /// The day whose lists are asked; today where nothing is said.
    #[schema(value_type = Option<String>, format = Date)]
    as_of: Option<model::Date>,
    /// Of an address: also say what is kept of where its value came from, and its risk. Waits for a disk.
    #[serde(default)]
    exposure: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BatchBody {
    /// At most 100.
    asks: Vec<AskBody>,
}

impl AskBody {
    fn question(self) -> Result<Question, Problem> {
        let kinds = [
            (self.query, ScreenKind::Auto),
            (self.address, ScreenKind::Address),
            (self.name, ScreenKind::Name),
            (self.token, ScreenKind::Token),
            (self.transaction, ScreenKind::Tx),
        ];
        let mut said = kinds.into_iter().filter_map(|(text, kind)| Some((text?, kind)));
        let (Some((text, kind)), None) = (said.next(), said.next()) else {
            let expected = "expected exactly one of query, address, name, token, transaction";
            return Err(Problem::invalid("/", expected));
        };
        let longest = self.documents.iter().chain([&text]).map(String::len).max();
        if longest.unwrap_or(0) > TEXT_BYTES_MAX || self.documents.len() > BATCH_MAX {
            let expected = format!("expected texts of at most {TEXT_BYTES_MAX} bytes");
            return Err(Problem::invalid("/", expected));
        }
        let wrong = |field: &str, error: anyhow::Error| Problem::invalid(field, error.to_string());
        let births = self.birth.iter().map(|text| birth(text)).collect::<anyhow::Result<_>>();
        let countries =
            self.country.iter().map(|text| country(text)).collect::<anyhow::Result<_>>();
        let ask = Ask {
            births: births.map_err(|error| wrong("/birth", error))?,
            countries: countries.map_err(|error| wrong("/country", error))?,
            documents: self.documents,
            customer: self.customer,
            ..Ask::new(text, kind)
        };
        Ok(Question { ask, as_of: self.as_of, weighs: self.exposure })
    }
}

/// Screen an address, a name, a token or a transaction
///
/// The answer is that of `interdict screen --format json`: `hits`, `former`, `cleared`, `searched`,
/// `covered`, `labels`, `note`. Not found is not clean.
#[utoipa::path(post, path = "/v1/screen", tag = "screening", request_body = AskBody,
    responses((status = 200, body = Object)))]
async fn one(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Body(body): Body<AskBody>,
) -> Result<Json<Answer>, Problem> {
    let question = body.question()?;
    let now = cell.now();
    must_have_lists(&now)?;
    if let Some(answer) = now.screener.at_once(&question) {
        return Ok(Json(answer));
    }
    let answers = app.blocking(move |_| answer_all(&cell, &now, &[question])).await?;
    answers.into_iter().next().map(Json).ok_or_else(Problem::internal)
}

/// Screen up to a hundred at once
///
/// The answers come in the order of the questions.
#[utoipa::path(post, path = "/v1/screen/batch", tag = "screening", request_body = BatchBody,
    responses((status = 200, body = Vec<Object>)))]
async fn batch(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Body(body): Body<BatchBody>,
) -> Result<Json<Vec<Answer>>, Problem> {
    if body.asks.len() > BATCH_MAX {
        return Err(Problem::invalid("/asks", format!("expected at most {BATCH_MAX}")));
    }
    let asks = body.asks.into_iter().map(AskBody::question);
    let questions = asks.collect::<Result<Vec<Question>, Problem>>()?;
    let now = cell.now();
    must_have_lists(&now)?;
    let answers = app.blocking(move |_| answer_all(&cell, &now, &questions)).await?;
    Ok(Json(answers))
}

fn answer_all(cell: &Cell, now: &Now, questions: &[Question]) -> Result<Vec<Answer>, Problem> {
    let answer = |question| screener::answer(cell, now, question);
    let all = questions.iter().map(answer).collect::<anyhow::Result<Vec<Answer>>>();
    all.map_err(|error| super::failed("a screening", &error))
}

/// Nothing looked through is no answer.
pub fn must_have_lists(now: &Now) -> Result<(), Problem> {
    match now.screener.is_empty() {
        false => Ok(()),
        true => Err(Problem::conflict("no list is kept: `interdict lists import` takes one in")),
    }
}

/// What an address had to do with, and its risk
///
/// From what `interdict exposure update` keeps; null where nothing is kept of any chain.
#[utoipa::path(get, path = "/v1/addresses/{account}/exposure", tag = "screening",
    params(("account" = String, Path, description = "CAIP-10")), responses((status = 200, body = Object)))]
async fn exposure(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Path(text): Path<String>,
) -> Result<Json<Value>, Problem> {
    let account = super::account("account", &text)?;
    let screened = app
        .blocking(move |_| {
            cell.exposure(&account).map_err(|error| super::failed("an exposure", &error))
        })
        .await?;
    serde_json::to_value(screened).map(Json).map_err(|_| Problem::internal())
}
