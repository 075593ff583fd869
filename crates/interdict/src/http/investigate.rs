//! Who is behind it?

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::Value;
use serve::{App, Path, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cell::Cell;
use crate::commands::who;

const MEMBERS_MAX: usize = 100;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(entity))
}

/// Who is behind an address, how sure, and why
///
/// The answer is that of `interdict who --format json`, with up to 100 members of its cluster.
#[utoipa::path(get, path = "/v1/entities/{account}", tag = "investigation",
    params(("account" = String, Path, description = "CAIP-10")), responses((status = 200, body = Object)))]
async fn entity(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Path(text): Path<String>,
) -> Result<Json<Value>, Problem> {
    let account = super::account("account", &text)?;
    let book = cell.now().screener.book().clone();
    let answer = app
        .blocking(move |_| {
            let asked = |store: &store::Store| who::answer(store, &book, account, MEMBERS_MAX);
            cell.with_store(asked).map_err(|error| super::failed("an entity", &error))
        })
        .await?;
    serde_json::to_value(answer).map(Json).map_err(|_| Problem::internal())
}
