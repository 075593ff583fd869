//! The stream of events.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Principal;
use crate::app::App;
use crate::events;
use crate::extract::Query;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(listen))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Listen {
    /// As the header `Last-Event-ID`, for those who cannot set one; 0 is from the beginning.
    after: Option<i64>,
}

/// Events as they happen (server-sent events)
///
/// A listener that was away sends `Last-Event-ID`, as browsers do, and gets first what it missed.
#[utoipa::path(get, path = "/v1/events", tag = "events",
    params(Listen, ("Last-Event-ID" = Option<i64>, Header, description = "The last event that was seen")),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
async fn listen(
    State(app): State<App>,
    who: Principal,
    headers: HeaderMap,
    Query(asked): Query<Listen>,
) -> Result<Response, Problem> {
    let from = match headers.get("last-event-id") {
        None => asked.after,
        Some(value) => {
            let number = value.to_str().ok().and_then(|text| text.trim().parse().ok());
            let expected = "expected the id of an event of this stream";
            Some(number.ok_or_else(|| Problem::invalid("Last-Event-ID", expected))?)
        }
    };
    if from.is_some_and(|from| from < 0) {
        return Err(Problem::invalid("after", "expected 0 or the id of an event"));
    }
    Ok(events::stream(&app, who.sees(), from)?.into_response())
}
