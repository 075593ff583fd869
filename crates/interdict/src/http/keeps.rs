//! What the cell keeps: chains, and the lists that are looked through, with what changed on them.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use model::{Date, Timestamp, View};
use screen::change::{Change, Identified, Named};
use serde::Serialize;
use serve::{App, Path, Problem};
use store::Store;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cell::Cell;

/// Changes of a list that one answer tells; `interdict lists diff` tells all.
const CHANGES_MAX: usize = 500;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(status)).routes(routes!(lists)).routes(routes!(changes))
}

#[derive(Serialize, ToSchema)]
struct Status {
    chains: Vec<ChainKept>,
    lists: Vec<ListNow>,
}

#[derive(Serialize, ToSchema)]
struct ChainKept {
    /// CAIP-2.
    id: String,
    chain: String,
    transfers: u64,
    height_last: Option<u64>,
    #[schema(value_type = Option<String>, format = DateTime)]
    time_last: Option<Timestamp>,
    /// Is every block between the first and the last held whole?
    is_complete: bool,
}

/// The version of a list that is in force.
#[derive(Serialize, ToSchema)]
struct ListNow {
    list: String,
    #[schema(value_type = String, format = Date)]
    date: Date,
    entries: u64,
}

/// Which chains and lists are kept, and up to when
#[utoipa::path(get, path = "/v1/status", tag = "server", responses((status = 200, body = Status)))]
async fn status(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
) -> Result<Json<Status>, Problem> {
    let asked = |store: &Store| -> anyhow::Result<Status> {
        let chains = store.coverage()?.into_iter().map(|one| ChainKept {
            id: one.chain.to_string(),
            chain: one.chain.name(),
            transfers: one.transfers,
            height_last: one.height_last,
            time_last: one.time_last,
            is_complete: one.is_complete,
        });
        let lists = by_list(store)?.into_iter().filter_map(|list| {
            let now = list.versions.into_iter().next()?;
            Some(ListNow { list: list.list, date: now.date, entries: now.entries })
        });
        Ok(Status { chains: chains.collect(), lists: lists.collect() })
    };
    ask(app, cell, asked).await.map(Json)
}

#[derive(Serialize, ToSchema)]
struct Lists {
    lists: Vec<ListKept>,
}

#[derive(Serialize, ToSchema)]
struct ListKept {
    list: String,
    /// What people call it.
    name: String,
    /// The newest first.
    versions: Vec<VersionKept>,
}

#[derive(Serialize, ToSchema)]
struct VersionKept {
    #[schema(value_type = String, format = Date)]
    date: Date,
    entries: u64,
    parties: u64,
    /// Of the file it came from.
    sha256: String,
}

/// Every list that is looked through, with its versions
#[utoipa::path(get, path = "/v1/lists", tag = "screening", responses((status = 200, body = Lists)))]
async fn lists(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
) -> Result<Json<Lists>, Problem> {
    ask(app, cell, |store| Ok(Lists { lists: by_list(store)? })).await.map(Json)
}

fn by_list(store: &Store) -> anyhow::Result<Vec<ListKept>> {
    let mut rows = store.list_versions()?;
    rows.sort_by(|a, b| (&a.version.list, b.version.date).cmp(&(&b.version.list, a.version.date)));
    let mut lists: Vec<ListKept> = Vec::new();
    for row in rows {
        let version = VersionKept {
            date: row.version.date,
            entries: row.entries,
            parties: row.parties,
            sha256: row.version.file_hash,
        };
        match lists.last_mut().filter(|list| list.list == row.version.list) {
            Some(list) => list.versions.push(version),
            None => lists.push(ListKept {
                list: row.version.list,
                name: row.name,
                versions: vec![version],
            }),
        }
    }
    Ok(lists)
}

#[derive(Serialize, ToSchema)]
struct Changes {
    list: String,
    /// The version before; nothing where this is the first.
    #[schema(value_type = Option<String>, format = Date)]
    from: Option<Date>,
    #[schema(value_type = String, format = Date)]
    to: Date,
    added: usize,
    removed: usize,
    changed: usize,
    items: Vec<Item>,
    /// More changed than `items` tells.
    is_cut: bool,
}

#[derive(Serialize, ToSchema)]
struct Item {
    /// `added`, `removed` or `changed`.
    kind: &'static str,
    /// The identifier as the list writes it, or the party's number there.
    what: String,
    party: Option<String>,
}

/// What a version of a list changed of the one before
#[utoipa::path(get, path = "/v1/lists/{list}/changes/{date}", tag = "screening",
    params(("list" = String, Path), ("date" = String, Path, description = "Of the version: 2025-02-26")),
    responses((status = 200, body = Changes), (status = 404, body = Problem)))]
async fn changes(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    Path((list, date)): Path<(String, String)>,
) -> Result<Json<Changes>, Problem> {
    let date: Date =
        date.parse().map_err(|_| Problem::invalid("date", "expected a day such as 2025-02-26"))?;
    let found = ask(app, cell, move |store| told(store, list, date)).await?;
    found.map(Json).ok_or_else(|| Problem::not_found("no version of this list is of that day"))
}

fn told(store: &Store, list: String, date: Date) -> anyhow::Result<Option<Changes>> {
    let rows = store.list_versions()?.into_iter().map(|row| row.version);
    let mut versions: Vec<_> = rows.filter(|version| version.list == list).collect();
    versions.sort_by_key(|version| version.date);
    let Some(at) = versions.iter().position(|version| version.date == date) else {
        return Ok(None);
    };
    let now = &versions[at];
    let before = at.checked_sub(1).map(|at| &versions[at]);
    let (old, old_parties) = match before {
        Some(version) => (store.listings_of(version)?, store.parties_of(version)?),
        None => Default::default(),
    };
    let (new, new_parties) = (store.listings_of(now)?, store.parties_of(now)?);
    let change = Change::between((&old, &old_parties), (&new, &new_parties));
    let Change { parties, identifiers } = &change;
    let all = identified("added", &identifiers.added)
        .chain(named("added", parties.added.iter()))
        .chain(identified("removed", &identifiers.removed))
        .chain(named("removed", parties.removed.iter()))
        .chain(identified("changed", &identifiers.changed))
        .chain(named("changed", parties.changed.iter().map(|changed| &changed.party)));
    let mut items: Vec<Item> = all.take(CHANGES_MAX + 1).collect();
    let is_cut = items.len() > CHANGES_MAX;
    items.truncate(CHANGES_MAX);
    Ok(Some(Changes {
        list,
        from: before.map(|version| version.date),
        to: now.date,
        added: identifiers.added.len() + parties.added.len(),
        removed: identifiers.removed.len() + parties.removed.len(),
        changed: identifiers.changed.len() + parties.changed.len(),
        items,
        is_cut,
    }))
}

fn identified<'a>(kind: &'static str, all: &'a [Identified]) -> impl Iterator<Item = Item> + 'a {
    all.iter().map(move |one| Item { kind, what: one.written.clone(), party: one.party.clone() })
}

fn named<'a>(
    kind: &'static str,
    all: impl Iterator<Item = &'a Named> + 'a,
) -> impl Iterator<Item = Item> + 'a {
    all.map(move |one| Item { kind, what: one.id.clone(), party: one.name.clone() })
}

async fn ask<T: Send + 'static>(
    app: App,
    cell: Arc<Cell>,
    asked: impl FnOnce(&Store) -> anyhow::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    app.blocking(move |_| {
        cell.with_store(asked).map_err(|error| super::failed("what is kept", &error))
    })
    .await
}
