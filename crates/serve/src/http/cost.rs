//! What compliance costs a business, under assumptions that everybody sees.

use std::collections::BTreeMap;

use axum::Json;
use case::cost::{self, Assumptions, Business, Cost, CostError};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::Body;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(assumptions)).routes(routes!(reckon))
}

/// Every figure the calculator reckons with, its unit and source, and the checklist
#[utoipa::path(get, path = "/v1/cost/assumptions", tag = "cost", responses((status = 200, body = Object)))]
async fn assumptions() -> Json<Assumptions> {
    Json(Assumptions::shipped())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// A small exchange where nothing is said.
    #[serde(default)]
    #[schema(value_type = Object)]
    business: Business,
    /// Figures of one's own, by id.
    #[serde(default)]
    assumptions: BTreeMap<String, f64>,
}

/// What a year costs, part by part, with and without Interdict; the risk, the gaps, what to do
///
/// Nothing of it is kept.
#[utoipa::path(post, path = "/v1/cost", tag = "cost", request_body = Asked,
    responses((status = 200, body = Object), (status = 422, body = Problem)))]
async fn reckon(Body(asked): Body<Asked>) -> Result<Json<Cost>, Problem> {
    let refused = |error: CostError| {
        let field = match &error {
            CostError::NoCountry(_) => "/business/jurisdictions".to_string(),
            CostError::NoCheck(_) => "/business/in_place".to_string(),
            CostError::Absurd { id, .. } | CostError::Unknown(id) => format!("/assumptions/{id}"),
            CostError::Unread(_) | CostError::Missing(_) => "/assumptions".to_string(),
        };
        Problem::invalid(&field, error.to_string())
    };
    let given = Assumptions::shipped().with(&asked.assumptions).map_err(refused)?;
    cost::reckon(&asked.business, &given).map(Json).map_err(refused)
}
