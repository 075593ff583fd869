//! Who can stop what a trace found, and the packet that asks them to.
//!
//! The requests themselves are routes of `serve`; what lies here needs the trace, the key of the home
//! or the typesetter.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use case::freeze::packet::Requester;
use case::freeze::{self, FreezeId, FreezeRequest, KeptPacket, Place, Plan};
use case::{CaseId, EvidenceId, cases};
use model::Marking;
use serde::{Deserialize, Serialize};
use serve::http::desk;
use serve::{App, Body, Path, Principal, Problem};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::cell::Cell;
use crate::cell::traces::{Done, Outcome};
use crate::home::Home;
use crate::packets::{self, Fault, Made, Traced};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(holders))
        .routes(routes!(draft))
        .routes(routes!(make, take))
        .routes(routes!(print))
}

/// A trace that is done and that the caller sees.
fn done(cell: &Cell, who: &Principal, id: u64) -> Result<Arc<Done>, Problem> {
    match super::traces::find(cell, who, id)?.outcome() {
        Outcome::Done(done) => Ok(done),
        _ => Err(Problem::conflict("the trace is not done: its state says how it goes")),
    }
}

fn faulty(fault: Fault) -> Problem {
    match fault {
        Fault::Case(error) => error.into(),
        Fault::Packet(error) => Problem::conflict(said(&error)),
        Fault::Paper(error) => Problem::invalid("packet", said(&error)),
    }
}

/// With its cause, where it has one.
fn said(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Where value rests by one trace, and who can stop it there.
#[derive(Serialize, ToSchema)]
struct Places {
    trace: u64,
    /// What somebody can stop comes first.
    #[schema(value_type = Vec<Object>, example = json!([{
        "account": "eip155:1:0x1542368a03ad1f03d96d51b414f4738961cf4443",
        "asset": "eip155:1/erc20:0xe6829d9a7ee3040e1276fa75293bde931859e8fa",
        "symbol": "cmETH", "decimals": 18, "amount": "15000000000000000000000", "depth": 1,
        "labels": [], "lists": ["fbi-psa250226 of 2025-02-26"],
        "holders": [{ "id": "mantle", "name": "Mantle (mETH, cmETH)", "kind": "issuer",
            "contact": { "kind": "unknown" }, "checked": "from_memory", "law": null }],
        "remarks": ["No label names a host of this account. That does not show that it has none."]
    }]))]
    places: Vec<Place>,
    /// Places whose value nobody that is known here can stop.
    of_nobody: usize,
}

/// Who can stop it: for each place where tainted value rests, its holders
///
/// Issuers first, then hosts, bridges and validators, each with contact, law and what they ask for as far
/// as it was established; `checked` says whether a row was compared with its source.
#[utoipa::path(get, path = "/v1/traces/{id}/holders", tag = "freezes", params(("id" = u64, Path)),
    responses((status = 200, body = Places), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn holders(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    who: Principal,
    Path(id): Path<u64>,
) -> Result<Json<Places>, Problem> {
    let found = app.blocking(move |_| {
        let places = places(&*done(&cell, &who, id)?)?;
        let of_nobody = places.iter().filter(|place| place.holders.is_empty()).count();
        Ok(Places { trace: id, places, of_nobody })
    });
    found.await.map(Json)
}

fn places(done: &Done) -> Result<Vec<Place>, Problem> {
    freeze::places(&done.report.to_string()).map_err(|error| Problem::conflict(said(&error)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "case": 1, "title": "Bybit theft, 21 February 2025", "jurisdiction": "US",
    "legal_basis": ["18 U.S.C. § 981(b)"], "marking": "TLP:AMBER"
}))]
struct Drafts {
    case: Option<i64>,
    /// Of each request, with its holder's name behind it.
    title: String,
    #[schema(value_type = Option<String>)]
    marking: Option<Marking>,
    /// ISO 3166-1, two letters: under whose law it is asked, which `legal_basis` is of.
    jurisdiction: String,
    reference: Option<String>,
    /// At least one: what the request rests on. None is made up here.
    legal_basis: Vec<String>,
    /// Only of these, by name or id; nothing: of each place's first holder, its issuer before its host.
    #[serde(default)]
    holders: Vec<String>,
}

/// Draft the requests that a trace asks for, one for each holder
#[utoipa::path(post, path = "/v1/traces/{id}/freezes", tag = "freezes", params(("id" = u64, Path)),
    request_body = Drafts,
    responses((status = 201, body = Vec<Object>), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn draft(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    who: Principal,
    Path(id): Path<u64>,
    Body(asked): Body<Drafts>,
) -> Result<(StatusCode, Json<Vec<FreezeRequest>>), Problem> {
    let made = app.blocking(move |app| {
        if let Some(case) = asked.case {
            desk::case_seen(app, &who, case)?;
        }
        let plan = Plan {
            case: asked.case.map(CaseId),
            title: asked.title,
            marking: asked.marking.unwrap_or_default(),
            jurisdiction: asked.jurisdiction,
            reference: asked.reference,
            legal_basis: asked.legal_basis,
            holders: asked.holders,
        };
        let drafts = freeze::drafts(&places(&*done(&cell, &who, id)?)?, &plan)?;
        let ids = freeze::draft_all(&app.db, &desk::by(&who), &drafts)?;
        ids.into_iter().map(|id| Ok(freeze::get(&app.db, id)?)).collect()
    });
    Ok((StatusCode::CREATED, Json(made.await?)))
}

/// Who asks. A holder checks them over a channel of their own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Asker {
    name: String,
    organisation: String,
    /// Under what power they ask.
    authority: String,
    /// ISO 3166-1, two letters.
    jurisdiction: String,
    #[serde(default)]
    contact: Vec<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "trace": 1,
    "requester": { "name": "Ada Example", "organisation": "Example Cyber Crime Unit",
        "authority": "Investigating officer", "jurisdiction": "US", "contact": ["desk@example.org"] },
    "summary": "Stolen from a cold wallet on 21 February 2025; a part rests at the accounts below."
}))]
struct MakePacket {
    /// A trace that is done and still remembered: the number of `/v1/traces/{id}`.
    trace: Option<u64>,
    /// Or a bundle that was uploaded to the request's case as evidence: it is verified anew.
    evidence: Option<i64>,
    requester: Asker,
    /// What happened, for somebody who never heard of it.
    summary: String,
}

#[derive(Serialize, ToSchema)]
struct PacketMade {
    freeze: i64,
    /// The draft's new revision: whoever approves it approves the packet.
    revision: i64,
    /// SHA-256 of the packet, which the signature will be over.
    sha256: String,
    /// Of the PDF.
    pages: usize,
    /// What it lacks: a contact that is unknown, a law that was not compared, a character without a font.
    missing: Vec<PacketMissing>,
}

#[derive(Serialize, ToSchema)]
struct PacketMissing {
    field: String,
    why: String,
}

impl PacketMade {
    fn of(made: Made) -> PacketMade {
        let missing = made.missing.into_iter();
        PacketMade {
            freeze: made.freeze,
            revision: made.revision,
            sha256: made.sha256,
            pages: made.pages,
            missing: missing
                .map(|missing| PacketMissing { field: missing.field, why: missing.why })
                .collect(),
        }
    }
}

/// Make the packet of a draft from a trace
///
/// The packet is a part of the draft, which is a new revision by it: whoever approves that revision
/// approves the packet, and whoever made the packet cannot. It may be made anew until then. It is signed
/// when it is first taken after the approval.
#[utoipa::path(post, path = "/v1/freezes/{freeze}/packet", tag = "freezes", params(("freeze" = i64, Path)),
    request_body = MakePacket,
    responses((status = 201, body = PacketMade), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
async fn make(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    who: Principal,
    Path(id): Path<i64>,
    Body(asked): Body<MakePacket>,
) -> Result<(StatusCode, Json<PacketMade>), Problem> {
    let made = app.blocking(move |app| {
        let request = desk::freeze_seen(app, &who, id)?;
        let traced = match (asked.trace, asked.evidence) {
            (Some(trace), None) => Traced::of_done(&*done(&cell, &who, trace)?),
            (None, Some(evidence)) => uploaded(app, &request, evidence)?,
            _ => return Err(Problem::invalid("/trace", "expected either a trace or evidence")),
        };
        let Asker { name, organisation, authority, jurisdiction, contact } = asked.requester;
        let requester = Requester { name, organisation, authority, jurisdiction, contact };
        let by = desk::by(&who);
        let made = packets::make(&app.db, &by, &request, &traced, &requester, &asked.summary);
        made.map(PacketMade::of).map_err(faulty)
    });
    Ok((StatusCode::CREATED, Json(made.await?)))
}

/// A bundle among the evidence of the request's case.
fn uploaded(app: &App, request: &FreezeRequest, evidence: i64) -> Result<Traced, Problem> {
    let wrong = |why: String| Problem::invalid("/evidence", why);
    let case = request.case.ok_or_else(|| wrong("the request is of no case".into()))?;
    let bytes = cases::evidence_bytes(&app.db, case, EvidenceId(evidence))?;
    let bytes =
        bytes.ok_or_else(|| wrong("its bytes are kept elsewhere: expected a bundle".into()))?;
    Traced::of_bundle(&bytes).map_err(|error| wrong(format!("expected a bundle: {error:#}")))
}

/// The packet of a request, as one signed JSON file
///
/// A draft's packet is not signed and says that it is a draft. `interdict freeze verify` checks a signed
/// one offline.
#[utoipa::path(get, path = "/v1/freezes/{freeze}/packet", tag = "freezes", params(("freeze" = i64, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn take(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Response, Problem> {
    let kept = app.blocking(move |app| packet(app, &cell, &who, id)).await?;
    Ok(named(id, &kept, "application/json", "json", kept.content.clone().into_bytes()))
}

/// The packet of a request, printed; the hash of its JSON stands on every page
#[utoipa::path(get, path = "/v1/freezes/{freeze}/packet.pdf", tag = "freezes", params(("freeze" = i64, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/pdf"), (status = 404, body = Problem)))]
async fn print(
    State(app): State<App>,
    Extension(cell): Extension<Arc<Cell>>,
    who: Principal,
    Path(id): Path<i64>,
) -> Result<Response, Problem> {
    let (kept, pdf) = app
        .blocking(move |app| {
            let kept = packet(app, &cell, &who, id)?;
            let printed = paper::freeze_packet(&kept.content);
            let printed = printed.map_err(|error| super::failed("printing", &error.into()))?;
            Ok((kept, printed.pdf))
        })
        .await?;
    Ok(named(id, &kept, "application/pdf", "pdf", pdf))
}

fn packet(app: &App, cell: &Cell, who: &Principal, id: i64) -> Result<KeptPacket, Problem> {
    let request = desk::freeze_seen(app, who, id)?;
    let key = Home::choose(Some(cell.home().to_path_buf())).signing_key();
    let key = key.map_err(|error| super::failed("the signing key", &error))?;
    let found = packets::take(&app.db, &desk::by(who), &request, &key)?;
    let none = || {
        format!("revision {} of freeze request {} has no packet", request.revision, FreezeId(id))
    };
    found.ok_or_else(|| Problem::not_found(none()))
}

/// A file that is saved rather than shown.
fn named(id: i64, kept: &KeptPacket, kind: &str, ending: &str, bytes: Vec<u8>) -> Response {
    let draft = if kept.signed.is_some() { "" } else { "-draft" };
    let name = format!("attachment; filename=\"freeze-{id}{draft}.{ending}\"");
    let headers = [(header::CONTENT_TYPE, kind.to_string()), (header::CONTENT_DISPOSITION, name)];
    (headers, bytes).into_response()
}
