//! Cases and their parts.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use case::cases::{
    self, Case, CaseChange, CaseFilter, CaseState, Link, NewCase, NewLink, NewTask, Note, Picked,
    Task,
};
use case::journal::{self, Entry, EntryFilter};
use case::{By, CaseError, CaseId, EvidenceId, LinkId, NoteId, Page, TaskId};
use model::Marking;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::desk::{self, Made, Reason, StateCounts};
use crate::access::Principal;
use crate::app::App;
use crate::extract::{Body, Path, Query};
use crate::page::PageQuery;
use crate::problem::Problem;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(counts))
        .routes(routes!(one, change))
        .routes(routes!(open))
        .routes(routes!(close))
        .routes(routes!(reopen))
        .routes(routes!(merge))
        .routes(routes!(notes, add_note))
        .routes(routes!(tasks, add_task))
        .routes(routes!(finish_task))
        .routes(routes!(links, add_link))
        .routes(routes!(unlink))
        .routes(routes!(split))
        .routes(routes!(history))
}

/// Something with a case that the caller sees.
pub async fn with<T: Send + 'static>(
    app: App,
    who: Principal,
    id: i64,
    act: impl FnOnce(&App, &By, CaseId) -> Result<T, CaseError> + Send + 'static,
) -> Result<T, Problem> {
    let act = move |app: &App, by: &By| act(app, by, CaseId(id));
    desk::act(app, who, id, desk::case_seen, act).await
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Narrow {
    /// `triage`, `open`, `closed`.
    state: Option<String>,
    assignee: Option<String>,
    team: Option<String>,
    /// Words, each of which begins some word of the case, its notes, its links.
    search: Option<String>,
}

/// Cases, the newest first
///
/// Those of teams that are not the caller's are not among them.
#[utoipa::path(get, path = "/v1/cases", tag = "cases", params(Narrow, PageQuery),
    responses((status = 200, body = Object), (status = 422, body = Problem)))]
async fn list(
    State(app): State<App>,
    who: Principal,
    Query(narrow): Query<Narrow>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Case>>, Problem> {
    let Narrow { state, assignee, team, search } = narrow;
    let state = state.map(|text| text.parse()).transpose()?;
    let part = desk::part(&query)?;
    let page = app.blocking(move |app| {
        let seen = desk::seen(app, &who);
        let filter = CaseFilter { state, assignee, team, search, seen };
        Ok(cases::list(&app.db, &filter, &part)?)
    });
    Ok(Json(page.await?))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "title": "Theft from a cold wallet", "marking": "TLP:AMBER" }))]
struct Create {
    title: String,
    #[serde(default)]
    summary: String,
    /// TLP 2.0: `TLP:CLEAR`, `TLP:GREEN`, `TLP:AMBER`, `TLP:AMBER+STRICT`, `TLP:RED`.
    #[schema(value_type = Option<String>)]
    marking: Option<Marking>,
    assignee: Option<String>,
    team: Option<String>,
}

/// A new case, in triage
#[utoipa::path(post, path = "/v1/cases", tag = "cases", request_body = Create,
    responses((status = 201, body = Object), (status = 422, body = Problem)))]
async fn create(
    State(app): State<App>,
    who: Principal,
    Body(asked): Body<Create>,
) -> Result<(StatusCode, Json<Case>), Problem> {
    let Create { title, summary, marking, assignee, team } = asked;
    let new = NewCase { title, summary, marking: marking.unwrap_or_default(), assignee, team };
    let case = app.blocking(move |app| {
        desk::is_team(app, new.team.as_deref())?;
        Ok(cases::create(&app.db, &desk::by(&who), &new)?)
    });
    Ok((StatusCode::CREATED, Json(case.await?)))
}

/// How many cases there are, by state
///
/// Those of teams that are not the caller's are not counted.
#[utoipa::path(get, path = "/v1/cases/counts", tag = "cases",
    responses((status = 200, body = StateCounts)))]
async fn counts(State(app): State<App>, who: Principal) -> Result<Json<StateCounts>, Problem> {
    let counts = app.blocking(move |app| Ok(cases::counts(&app.db, &desk::seen(app, &who))?));
    Ok(Json(StateCounts::of(counts.await?, CaseState::text)))
}

/// One case
#[utoipa::path(get, path = "/v1/cases/{case}", tag = "cases", params(("case" = i64, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn one(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<Case>, Problem> {
    app.blocking(move |app| desk::case_seen(app, &who, id)).await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Change {
    title: Option<String>,
    summary: Option<String>,
    #[schema(value_type = Option<String>)]
    marking: Option<Marking>,
    /// An empty text: nobody's.
    assignee: Option<String>,
    /// An empty text: seen by all.
    team: Option<String>,
}

/// Other words, another marking, other people
#[utoipa::path(patch, path = "/v1/cases/{case}", tag = "cases", params(("case" = i64, Path)),
    request_body = Change,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn change(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Change>,
) -> Result<Json<Case>, Problem> {
    let emptied =
        |text: Option<String>| text.map(|text| Some(text).filter(|text| !text.is_empty()));
    let change = CaseChange {
        title: asked.title,
        summary: asked.summary,
        marking: asked.marking,
        assignee: emptied(asked.assignee),
        team: emptied(asked.team),
    };
    let done = app.blocking(move |app| {
        desk::case_seen(app, &who, id)?;
        desk::is_team(app, change.team.as_ref().and_then(|team| team.as_deref()))?;
        Ok(cases::change(&app.db, &desk::by(&who), CaseId(id), &change)?)
    });
    done.await.map(Json)
}

/// From triage to work
#[utoipa::path(post, path = "/v1/cases/{case}/open", tag = "cases", params(("case" = i64, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn open(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<Case>, Problem> {
    with(app, who, id, |app, by, id| cases::open(&app.db, by, id)).await.map(Json)
}

/// Done, and why
#[utoipa::path(post, path = "/v1/cases/{case}/close", tag = "cases", params(("case" = i64, Path)),
    request_body = Reason,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn close(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Reason>,
) -> Result<Json<Case>, Problem> {
    with(app, who, id, move |app, by, id| cases::close(&app.db, by, id, &asked.reason))
        .await
        .map(Json)
}

/// Closed too early, and why
#[utoipa::path(post, path = "/v1/cases/{case}/reopen", tag = "cases", params(("case" = i64, Path)),
    request_body = Reason,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn reopen(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Reason>,
) -> Result<Json<Case>, Problem> {
    with(app, who, id, move |app, by, id| cases::reopen(&app.db, by, id, &asked.reason))
        .await
        .map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "into": 1 }))]
struct Merge {
    /// The case that holds everything from then on.
    into: i64,
}

/// Everything of this case goes into another; this one points to it
#[utoipa::path(post, path = "/v1/cases/{case}/merge", tag = "cases", params(("case" = i64, Path)),
    request_body = Merge,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn merge(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Merge>,
) -> Result<Json<Case>, Problem> {
    let done = app.blocking(move |app| {
        desk::case_seen(app, &who, id)?;
        desk::case_seen(app, &who, asked.into)?;
        Ok(cases::merge(&app.db, &desk::by(&who), CaseId(id), CaseId(asked.into))?)
    });
    done.await.map(Json)
}

/// What was written of it
#[utoipa::path(get, path = "/v1/cases/{case}/notes", tag = "cases", params(("case" = i64, Path)),
    responses((status = 200, body = Vec<Object>), (status = 404, body = Problem)))]
async fn notes(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<Vec<Note>>, Problem> {
    with(app, who, id, |app, _, id| cases::notes(&app.db, id)).await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddNote {
    text: String,
}

/// Write a note
#[utoipa::path(post, path = "/v1/cases/{case}/notes", tag = "cases", params(("case" = i64, Path)),
    request_body = AddNote,
    responses((status = 201, body = Made), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn add_note(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<AddNote>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let add = move |app: &App, by: &By, id| cases::add_note(&app.db, by, id, &asked.text);
    Ok(desk::made(with(app, who, id, add).await?.0))
}

/// What is to be done
#[utoipa::path(get, path = "/v1/cases/{case}/tasks", tag = "cases", params(("case" = i64, Path)),
    responses((status = 200, body = Vec<Object>), (status = 404, body = Problem)))]
async fn tasks(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<Vec<Task>>, Problem> {
    with(app, who, id, |app, _, id| cases::tasks(&app.db, id)).await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddTask {
    title: String,
    assignee: Option<String>,
    due: Option<String>,
}

/// Something to be done
#[utoipa::path(post, path = "/v1/cases/{case}/tasks", tag = "cases", params(("case" = i64, Path)),
    request_body = AddTask,
    responses((status = 201, body = Made), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn add_task(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<AddTask>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let due = asked.due.map(|text| desk::moment("due", &text)).transpose()?;
    let new = NewTask { title: asked.title, assignee: asked.assignee, due };
    let add = move |app: &App, by: &By, id| cases::add_task(&app.db, by, id, &new);
    Ok(desk::made(with(app, who, id, add).await?.0))
}

/// It is done
#[utoipa::path(post, path = "/v1/cases/{case}/tasks/{task}/finish", tag = "cases",
    params(("case" = i64, Path), ("task" = i64, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn finish_task(
    State(app): State<App>,
    who: Principal,
    Path((id, task)): Path<(i64, i64)>,
) -> Result<StatusCode, Problem> {
    let finish = move |app: &App, by: &By, id| cases::finish_task(&app.db, by, id, TaskId(task));
    with(app, who, id, finish).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What belongs to it: alerts, routes, entities, accounts, transfers
#[utoipa::path(get, path = "/v1/cases/{case}/links", tag = "cases", params(("case" = i64, Path)),
    responses((status = 200, body = Vec<Object>), (status = 404, body = Problem)))]
async fn links(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Json<Vec<Link>>, Problem> {
    with(app, who, id, |app, _, id| cases::links(&app.db, id)).await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "kind": "account", "target": "eip155:1:0x47666fab8bd0ac7003bce3f5c3585383f09486e2" }))]
struct AddLink {
    /// `alert`, `route`, `entity`, `account`, `transfer`, `freeze`.
    kind: String,
    target: String,
    /// Why it belongs here.
    #[serde(default)]
    note: String,
}

/// This belongs to it
#[utoipa::path(post, path = "/v1/cases/{case}/links", tag = "cases", params(("case" = i64, Path)),
    request_body = AddLink,
    responses((status = 201, body = Made), (status = 404, body = Problem), (status = 422, body = Problem)))]
async fn add_link(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<AddLink>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let new = NewLink { kind: asked.kind.parse()?, target: asked.target, note: asked.note };
    let add = move |app: &App, by: &By, id| cases::link(&app.db, by, id, &new);
    Ok(desk::made(with(app, who, id, add).await?.0))
}

/// It does not belong to it; an alert stays in the case
#[utoipa::path(delete, path = "/v1/cases/{case}/links/{link}", tag = "cases",
    params(("case" = i64, Path), ("link" = i64, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
async fn unlink(
    State(app): State<App>,
    who: Principal,
    Path((id, link)): Path<(i64, i64)>,
) -> Result<StatusCode, Problem> {
    let unlink = move |app: &App, by: &By, id| cases::unlink(&app.db, by, id, LinkId(link));
    with(app, who, id, unlink).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "title": "The second theft", "links": [3], "notes": [5] }))]
struct Split {
    title: String,
    #[serde(default)]
    summary: String,
    /// What goes along, by its number; at least one thing. Alerts go with their links.
    #[serde(default)]
    links: Vec<i64>,
    #[serde(default)]
    evidence: Vec<i64>,
    #[serde(default)]
    notes: Vec<i64>,
    #[serde(default)]
    tasks: Vec<i64>,
}

/// Takes a part out into a case of its own, with the marking and the team of this one
#[utoipa::path(post, path = "/v1/cases/{case}/split", tag = "cases", params(("case" = i64, Path)),
    request_body = Split,
    responses((status = 201, body = Object), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
async fn split(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<Split>,
) -> Result<(StatusCode, Json<Case>), Problem> {
    let picked = Picked {
        links: asked.links.into_iter().map(LinkId).collect(),
        evidence: asked.evidence.into_iter().map(EvidenceId).collect(),
        notes: asked.notes.into_iter().map(NoteId).collect(),
        tasks: asked.tasks.into_iter().map(TaskId).collect(),
    };
    let (title, summary) = (asked.title, asked.summary);
    let made = app.blocking(move |app| {
        // What was for few eyes is for as few afterwards.
        let Case { marking, team, assignee, .. } = desk::case_seen(app, &who, id)?;
        let new = NewCase { title, summary, marking, assignee, team };
        Ok(cases::split(&app.db, &desk::by(&who), CaseId(id), &new, &picked)?)
    });
    Ok((StatusCode::CREATED, Json(made.await?)))
}

/// What was done with it and by whom, the newest first
#[utoipa::path(get, path = "/v1/cases/{case}/history", tag = "cases",
    params(("case" = i64, Path), PageQuery),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn history(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<i64>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Entry>>, Problem> {
    let part = desk::part(&query)?;
    let list = move |app: &App, _: &By, id: CaseId| {
        let filter = EntryFilter { subject: Some(format!("case:{id}")), actor: None };
        journal::list(&app.db, &filter, &part)
    };
    with(app, who, id, list).await.map(Json)
}
