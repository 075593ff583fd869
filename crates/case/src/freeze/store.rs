//! Freeze requests in the database: each step one transaction, with its entry in the journal and its
//! event for whoever listens.

use std::collections::BTreeMap;

use model::{Account, Marking, Timestamp, U256};
use serde_json::{Value as Json, json};

use super::{Clocks, FreezeDraft, FreezeId, FreezeItem, FreezeRequest, FreezeState, Told};
use crate::CaseError;
use crate::db::{Db, Row, Tx, Value};
use crate::holders::jurisdictions;
use crate::ids::CaseId;
use crate::page::{self, Cursor, Page, Part};
use crate::seen::Seen;
use crate::{By, micros, moment, moment_if};
use crate::{check, journal, outbox};

const ITEMS_MAX: usize = 2_000;
const CLOCK_MAX_S: i64 = 365 * 24 * 3600;
const COLUMNS: &str = "id, case_id, revision, state, title, marking, holder, jurisdiction, reference, \
    legal_basis, acknowledge_s, freeze_s, drafted_by, approved_by, reason, created, revised, approved, \
    sent, acknowledged, frozen, frozen_until, ended";

/// Writes down a request that nobody has approved.
pub fn draft(db: &Db, by: &By, draft: &FreezeDraft) -> Result<FreezeId, CaseError> {
    let clocks = looked_at(draft)?;
    db.write(|tx| draft_in(tx, by, draft, clocks))
}

/// Writes down several, all or none.
pub fn draft_all(db: &Db, by: &By, drafts: &[FreezeDraft]) -> Result<Vec<FreezeId>, CaseError> {
    let clocks = drafts.iter().map(looked_at).collect::<Result<Vec<_>, _>>()?;
    db.write(|tx| {
        drafts.iter().zip(&clocks).map(|(draft, clocks)| draft_in(tx, by, draft, *clocks)).collect()
    })
}

fn draft_in(
    tx: &mut Tx<'_>,
    by: &By,
    draft: &FreezeDraft,
    clocks: Clocks,
) -> Result<FreezeId, CaseError> {
    let id = FreezeId::next(tx)?;
    tx.run(
        "INSERT INTO freeze_request (id, revision, state, title, marking, holder, jurisdiction, \
             legal_basis, acknowledge_s, freeze_s, drafted_by, created, revised) \
             VALUES ($1, 1, 'drafted', '', '', '', '', '', 0, 0, $2, $3, $3)",
        &[id.into(), by.actor.as_str().into(), micros(by.at).into()],
    )?;
    fill(tx, by, id, draft, clocks)?;
    tell(tx, by, id, "freeze.drafted", &summary(draft))?;
    Ok(id)
}

/// Writes a draft anew. Whoever does can no longer approve it.
pub fn revise(db: &Db, by: &By, id: FreezeId, draft: &FreezeDraft) -> Result<(), CaseError> {
    let clocks = looked_at(draft)?;
    db.write(|tx| {
        let request = get_in(tx, id)?;
        if request.state != FreezeState::Drafted {
            return Err(refused(&request, "drafted"));
        }
        tx.run(
            "UPDATE freeze_request SET revision = revision + 1, revised = $2 WHERE id = $1",
            &[id.into(), micros(by.at).into()],
        )?;
        fill(tx, by, id, draft, clocks)?;
        tell(tx, by, id, "freeze.revised", &summary(draft))
    })
}

/// The second pair of eyes: of the revision that was read, by nobody who wrote it.
pub fn approve(db: &Db, by: &By, id: FreezeId, revision: i64) -> Result<(), CaseError> {
    db.write(|tx| {
        let request = get_in(tx, id)?;
        if request.state != FreezeState::Drafted {
            return Err(refused(&request, "drafted"));
        }
        if request.revision != revision {
            let found = format!("revision {revision}");
            return Err(CaseError::field("revision", found, format!("{}", request.revision)));
        }
        are_four_eyes(tx, by, &request)?;
        tx.run(
            "UPDATE freeze_request SET state = 'approved', approved = $2, approved_by = $3 WHERE id = $1",
            &[id.into(), micros(by.at).into(), by.actor.as_str().into()],
        )?;
        tell(tx, by, id, "freeze.approved", &json!({ "revision": revision }))
    })
}

/// Two people have seen it: one who wrote it, and another who approves.
fn are_four_eyes(tx: &mut Tx<'_>, by: &By, request: &FreezeRequest) -> Result<(), CaseError> {
    let refuse = |expected: String| Err(CaseError::field("approver", by.actor.as_str(), expected));
    if by.eyes().next().is_none() {
        return refuse("a person, or a key with a person behind it".into());
    }
    let sql = "SELECT actor FROM freeze_author WHERE request = $1 ORDER BY actor LIMIT 10000";
    let rows = tx.rows(sql, &[request.id.into()])?;
    let mut authors = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
    authors.push(&request.drafted_by);
    if by.all().any(|who| authors.contains(&who)) {
        let expected = "somebody who did not write this request, by their name or a key of theirs";
        return refuse(expected.into());
    }
    // Whoever made such a key may be the one who approves: nobody can tell.
    let sql = "SELECT is_nobodys FROM freeze_request WHERE id = $1";
    let row = tx.row(sql, &[request.id.into()])?;
    if row.map_or(Ok(1), |row| row.int(0))? != 0 {
        let expected = "a revision that a person wrote: this one is of a key with nobody behind it";
        return refuse(expected.into());
    }
    Ok(())
}

/// Takes a step of the table. Approving has its own door: [`approve`].
pub fn reach(
    db: &Db,
    by: &By,
    id: FreezeId,
    to: FreezeState,
    told: &Told,
) -> Result<(), CaseError> {
    check::text_if("reason", told.reason.as_deref(), 2000)?;
    db.write(|tx| {
        let request = get_in(tx, id)?;
        if to == FreezeState::Approved || !request.state.can_become(to) {
            return Err(not_next(&request, to));
        }
        let at = when(&request, by, told)?;
        match to {
            FreezeState::Drafted => back_to_draft(tx, by, id, told)?,
            FreezeState::Sent => set_time(tx, id, "sent", at)?,
            FreezeState::Acknowledged => set_time(tx, id, "acknowledged", at)?,
            FreezeState::Frozen => {
                set_time(tx, id, "frozen", at)?;
                set_until(tx, id, told.until, at)?;
                let whole = || request.items.iter().map(|item| item.asked).collect();
                frozen(tx, &request, &told.amounts.clone().unwrap_or_else(whole))?;
            }
            FreezeState::Extended => extended(tx, &request, told.until)?,
            FreezeState::Returned => {
                let amounts = told.amounts.as_ref().ok_or_else(|| {
                    CaseError::field("amounts", "nothing", "how much of each item came back")
                })?;
                recovered(tx, &request, amounts)?;
            }
            FreezeState::Refused | FreezeState::Withdrawn => needs_reason(told)?,
            FreezeState::Seized | FreezeState::Forfeited | FreezeState::Approved => {}
        }
        if to.next().is_empty() {
            set_time(tx, id, "ended", at)?;
        }
        tx.run(
            "UPDATE freeze_request SET state = $2, reason = COALESCE($3, reason) WHERE id = $1",
            &[id.into(), to.text().into(), told.reason.as_deref().into()],
        )?;
        let amounts: Option<Vec<String>> =
            told.amounts.as_ref().map(|all| all.iter().map(U256::to_string).collect());
        let payload = json!({
            "from": request.state.text(), "at": at, "until": told.until,
            "amounts": amounts, "reason": told.reason,
        });
        tell(tx, by, id, &format!("freeze.{to}"), &payload)
    })
}

/// A freeze is held until later: the state `extended`, once more where it already is.
pub fn extend(db: &Db, by: &By, id: FreezeId, until: Timestamp) -> Result<(), CaseError> {
    let told = Told { until: Some(until), ..Told::default() };
    reach(db, by, id, FreezeState::Extended, &told)
}

/// More was frozen after the first part. Never less: what was released is a request withdrawn.
pub fn record_frozen(db: &Db, by: &By, id: FreezeId, amounts: &[U256]) -> Result<(), CaseError> {
    db.write(|tx| {
        let request = get_in(tx, id)?;
        if !request.state.is_held() {
            return Err(refused(&request, "frozen or extended"));
        }
        frozen(tx, &request, amounts)?;
        let amounts: Vec<String> = amounts.iter().map(U256::to_string).collect();
        tell(tx, by, id, "freeze.amounts", &json!({ "amounts": amounts }))
    })
}

pub fn get(db: &Db, id: FreezeId) -> Result<FreezeRequest, CaseError> {
    db.read(|tx| get_in(tx, id))
}

/// What to show; what is none does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FreezeFilter {
    pub case: Option<CaseId>,
    pub state: Option<FreezeState>,
    pub holder: Option<String>,
    pub jurisdiction: Option<String>,
    /// Of whom what is asked for is shown: a request is seen by whoever sees its case.
    pub seen: Seen,
}

impl FreezeFilter {
    fn narrow(&self, wheres: &mut Vec<String>, values: &mut Vec<Value>) {
        let mut is = |column: &str, value: Option<Value>| {
            if let Some(value) = value {
                values.push(value);
                wheres.push(format!("{column} = ${}", values.len()));
            }
        };
        is("case_id", self.case.map(Value::from));
        is("state", self.state.map(|state| state.text().into()));
        is("holder", self.holder.as_deref().map(Value::from));
        is("jurisdiction", self.jurisdiction.as_ref().map(|it| it.to_ascii_uppercase().into()));
        wheres.extend(self.seen.narrow("team", values).map(|of_teams| {
            format!("(case_id IS NULL OR case_id IN (SELECT id FROM case_file WHERE {of_teams}))")
        }));
    }
}

/// Newest first.
pub fn list(db: &Db, filter: &FreezeFilter, part: &Part) -> Result<Page<FreezeRequest>, CaseError> {
    let mut values: Vec<Value> = vec![part.after.map_or(i64::MAX, |cursor| cursor.id).into()];
    let mut wheres = vec!["id < $1".to_string()];
    filter.narrow(&mut wheres, &mut values);
    values.push(part.fetch().into());
    let sql = format!(
        "SELECT {COLUMNS} FROM freeze_request WHERE {} ORDER BY id DESC LIMIT ${}",
        wheres.join(" AND "),
        values.len()
    );
    let found = db.read(|tx| asked(tx, &sql, &values))?;
    Ok(part.page(found, |request: &FreezeRequest| Cursor { key: 0, id: request.id.0 }))
}

/// How many requests there are of each state.
pub fn counts(db: &Db, seen: &Seen) -> Result<Vec<(FreezeState, i64)>, CaseError> {
    let (mut values, mut wheres) = (Vec::new(), vec!["1 = 1".to_string()]);
    FreezeFilter { seen: seen.clone(), ..FreezeFilter::default() }.narrow(&mut wheres, &mut values);
    let sql = format!(
        "SELECT state, COUNT(*) FROM freeze_request WHERE {} GROUP BY state LIMIT 100",
        wheres.join(" AND ")
    );
    page::counted(db, &sql, &values)
}

/// Every request that was sent and is seen, in the order of their numbers: what figures are made of.
pub fn sent(db: &Db, filter: &FreezeFilter) -> Result<Vec<FreezeRequest>, CaseError> {
    let (mut values, mut wheres) = (Vec::new(), vec!["sent IS NOT NULL".to_string()]);
    filter.narrow(&mut wheres, &mut values);
    let sql = format!(
        "SELECT {COLUMNS} FROM freeze_request WHERE {} ORDER BY id LIMIT 100000",
        wheres.join(" AND ")
    );
    db.read(|tx| asked(tx, &sql, &values))
}

/// Every request a clock or a movement can concern: not ended, not yet seized.
pub fn live(db: &Db, seen: &Seen) -> Result<Vec<FreezeRequest>, CaseError> {
    db.read(|tx| live_in(tx, seen))
}

pub(super) fn live_in(tx: &mut Tx<'_>, seen: &Seen) -> Result<Vec<FreezeRequest>, CaseError> {
    let live = "state IN ('drafted', 'approved', 'sent', 'acknowledged', 'frozen', 'extended')";
    let (mut values, mut wheres) = (Vec::new(), vec![live.to_string()]);
    FreezeFilter { seen: seen.clone(), ..FreezeFilter::default() }.narrow(&mut wheres, &mut values);
    let sql = format!(
        "SELECT {COLUMNS} FROM freeze_request WHERE {} ORDER BY id LIMIT 100000",
        wheres.join(" AND ")
    );
    asked(tx, &sql, &values)
}

/// The items of several requests are asked for at once.
const ITEMS_AT_ONCE: usize = 200;

fn asked(tx: &mut Tx<'_>, sql: &str, values: &[Value]) -> Result<Vec<FreezeRequest>, CaseError> {
    let rows = tx.rows(sql, values)?;
    let mut found = rows.iter().map(request).collect::<Result<Vec<_>, _>>()?;
    for some in found.chunks_mut(ITEMS_AT_ONCE) {
        let ids: Vec<Value> = some.iter().map(|request| request.id.into()).collect();
        let mut of = items(tx, &ids)?;
        for request in some {
            request.items = of.remove(&request.id.0).unwrap_or_default();
        }
    }
    Ok(found)
}

/// Tells the journal and whoever listens, in the transaction of the step.
pub(super) fn tell(
    tx: &mut Tx<'_>,
    by: &By,
    id: FreezeId,
    act: &str,
    payload: &Json,
) -> Result<(), CaseError> {
    let subject = format!("freeze:{id}");
    journal::append(tx, by, act, &subject, payload)?;
    outbox::tell(tx, by.at, act, &subject, payload)?;
    Ok(())
}

fn looked_at(draft: &FreezeDraft) -> Result<Clocks, CaseError> {
    check::said("title", &draft.title, 500)?;
    check::said("holder", &draft.holder, 300)?;
    check::text_if("reference", draft.reference.as_deref(), 300)?;
    let jurisdiction = jurisdictions::of(&draft.jurisdiction).ok_or_else(|| {
        CaseError::field(
            "jurisdiction",
            format!("{:?}", draft.jurisdiction),
            "two letters of ISO 3166-1",
        )
    })?;
    if draft.legal_basis.is_empty() || draft.legal_basis.len() > 50 {
        let found = format!("{} entries", draft.legal_basis.len());
        return Err(CaseError::field("legal_basis", found, "1 to 50"));
    }
    for law in &draft.legal_basis {
        check::said("legal_basis", law, 1000)?;
    }
    if draft.asks.is_empty() || draft.asks.len() > ITEMS_MAX {
        let found = format!("{} items", draft.asks.len());
        return Err(CaseError::field("items", found, format!("1 to {ITEMS_MAX}")));
    }
    let mut seen = std::collections::BTreeSet::new();
    for (account, asset, amount) in &draft.asks {
        if account.chain != asset.chain {
            return Err(CaseError::field("items", format!("{asset} at {account}"), "one chain"));
        }
        if amount.is_zero() || !seen.insert((account, asset)) {
            let found = format!("{amount} of {asset} at {account}");
            return Err(CaseError::field("items", found, "an amount above 0, each place once"));
        }
    }
    let clocks = draft.clocks.unwrap_or_else(|| Clocks::of(&jurisdiction.code));
    for (field, seconds) in [("acknowledge_s", clocks.acknowledge_s), ("freeze_s", clocks.freeze_s)]
    {
        if !(60..=CLOCK_MAX_S).contains(&seconds) {
            return Err(CaseError::field(
                field,
                format!("{seconds} seconds"),
                "a minute to a year",
            ));
        }
    }
    Ok(clocks)
}

fn fill(
    tx: &mut Tx<'_>,
    by: &By,
    id: FreezeId,
    draft: &FreezeDraft,
    clocks: Clocks,
) -> Result<(), CaseError> {
    let laws = serde_json::to_string(&draft.legal_basis)
        .map_err(|error| CaseError::Damaged(error.to_string()))?;
    tx.run(
        "UPDATE freeze_request SET case_id = $2, title = $3, marking = $4, holder = $5, \
         jurisdiction = $6, reference = $7, legal_basis = $8, acknowledge_s = $9, freeze_s = $10 \
         WHERE id = $1",
        &[
            id.into(),
            draft.case.into(),
            draft.title.as_str().into(),
            draft.marking.text().into(),
            draft.holder.as_str().into(),
            draft.jurisdiction.to_ascii_uppercase().into(),
            draft.reference.as_deref().into(),
            laws.into(),
            clocks.acknowledge_s.into(),
            clocks.freeze_s.into(),
        ],
    )?;
    tx.run("DELETE FROM freeze_item WHERE request = $1", &[id.into()])?;
    for (number, (account, asset, amount)) in (0_i64..).zip(&draft.asks) {
        tx.run(
            "INSERT INTO freeze_item (request, number, account, asset, asked, frozen, recovered) \
             VALUES ($1, $2, $3, $4, $5, '0', '0')",
            &[
                id.into(),
                number.into(),
                account.to_string().into(),
                asset.to_string().into(),
                amount.to_string().into(),
            ],
        )?;
    }
    is_author(tx, by, id)
}

/// Whoever wrote any of it cannot approve it. What nobody's eyes saw last is nobody's.
pub(super) fn is_author(tx: &mut Tx<'_>, by: &By, id: FreezeId) -> Result<(), CaseError> {
    let is_nobodys = i64::from(by.eyes().next().is_none());
    let sql = "UPDATE freeze_request SET is_nobodys = $2 WHERE id = $1";
    tx.run(sql, &[id.into(), is_nobodys.into()])?;
    for who in by.all() {
        tx.run(
            "INSERT INTO freeze_author (request, actor) VALUES ($1, $2) ON CONFLICT (request, actor) DO NOTHING",
            &[id.into(), who.into()],
        )?;
    }
    Ok(())
}

/// For the journal: what is asked of whom, and nobody's personal data.
fn summary(draft: &FreezeDraft) -> Json {
    let asks: Vec<Json> = draft
        .asks
        .iter()
        .map(|(account, asset, amount)| {
            json!({ "account": account, "asset": asset, "amount": amount.to_string() })
        })
        .collect();
    json!({
        "case": draft.case, "holder": draft.holder,
        "jurisdiction": draft.jurisdiction, "items": asks,
    })
}

/// What happened is told later than it happened, never before the step before it.
fn when(request: &FreezeRequest, by: &By, told: &Told) -> Result<Timestamp, CaseError> {
    let at = told.at.unwrap_or(by.at);
    let before = [request.approved, request.sent, request.acknowledged, request.frozen];
    let earliest = before.into_iter().flatten().max().unwrap_or(request.created);
    if at > by.at || at < earliest {
        let expected = format!("between {earliest} and {}", by.at);
        return Err(CaseError::field("at", at.to_string(), expected));
    }
    Ok(at)
}

fn set_time(tx: &mut Tx<'_>, id: FreezeId, column: &str, at: Timestamp) -> Result<(), CaseError> {
    let sql = format!("UPDATE freeze_request SET {column} = $2 WHERE id = $1");
    tx.run(&sql, &[id.into(), micros(at).into()])?;
    Ok(())
}

fn set_until(
    tx: &mut Tx<'_>,
    id: FreezeId,
    until: Option<Timestamp>,
    after: Timestamp,
) -> Result<(), CaseError> {
    let Some(until) = until else { return Ok(()) };
    if until <= after {
        return Err(CaseError::field("until", until.to_string(), format!("after {after}")));
    }
    set_time(tx, id, "frozen_until", until)
}

fn extended(
    tx: &mut Tx<'_>,
    request: &FreezeRequest,
    until: Option<Timestamp>,
) -> Result<(), CaseError> {
    let after = request.frozen_until.or(request.frozen).unwrap_or(request.created);
    if until.is_none() {
        return Err(CaseError::field("until", "nothing", format!("a time after {after}")));
    }
    set_until(tx, request.id, until, after)
}

fn back_to_draft(tx: &mut Tx<'_>, by: &By, id: FreezeId, told: &Told) -> Result<(), CaseError> {
    needs_reason(told)?;
    tx.run(
        "UPDATE freeze_request SET revision = revision + 1, revised = $2, approved = NULL, \
         approved_by = NULL WHERE id = $1",
        &[id.into(), micros(by.at).into()],
    )?;
    Ok(())
}

fn needs_reason(told: &Told) -> Result<(), CaseError> {
    if told.reason.is_some() {
        return Ok(());
    }
    Err(CaseError::field("reason", "nothing", "why"))
}

fn frozen(tx: &mut Tx<'_>, request: &FreezeRequest, amounts: &[U256]) -> Result<(), CaseError> {
    fits(request, amounts, |item| (item.frozen, item.asked))?;
    if amounts.iter().all(U256::is_zero) {
        return Err(CaseError::field(
            "amounts",
            "nothing frozen",
            "an amount above 0 of some item",
        ));
    }
    set_amounts(tx, request.id, "frozen", amounts)
}

fn recovered(tx: &mut Tx<'_>, request: &FreezeRequest, amounts: &[U256]) -> Result<(), CaseError> {
    fits(request, amounts, |item| (item.recovered, item.frozen))?;
    set_amounts(tx, request.id, "recovered", amounts)
}

/// One amount for each item, within what may be said of it.
fn fits(
    request: &FreezeRequest,
    amounts: &[U256],
    range: impl Fn(&FreezeItem) -> (U256, U256),
) -> Result<(), CaseError> {
    if amounts.len() != request.items.len() {
        let found = format!("{} amounts", amounts.len());
        return Err(CaseError::field("amounts", found, format!("{}", request.items.len())));
    }
    for (item, amount) in request.items.iter().zip(amounts) {
        let (least, most) = range(item);
        if *amount < least || *amount > most {
            let found = format!("{amount} of {} at {}", item.asset, item.account);
            return Err(CaseError::field("amounts", found, format!("{least} to {most}")));
        }
    }
    Ok(())
}

fn set_amounts(
    tx: &mut Tx<'_>,
    id: FreezeId,
    column: &str,
    amounts: &[U256],
) -> Result<(), CaseError> {
    let sql = format!("UPDATE freeze_item SET {column} = $3 WHERE request = $1 AND number = $2");
    for (number, amount) in (0_i64..).zip(amounts) {
        tx.run(&sql, &[id.into(), number.into(), amount.to_string().into()])?;
    }
    Ok(())
}

pub(super) fn refused(request: &FreezeRequest, expected: &'static str) -> CaseError {
    CaseError::state("freeze request", request.id, request.state.text(), expected)
}

fn not_next(request: &FreezeRequest, to: FreezeState) -> CaseError {
    let next: Vec<&str> = request.state.next().iter().map(|state| state.text()).collect();
    let expected = match next.is_empty() {
        true => format!("nothing: {} is an end", request.state),
        false => format!("one of {} (approving has its own act)", next.join(", ")),
    };
    CaseError::field("state", format!("{to} after {}", request.state), expected)
}

pub(super) fn get_in(tx: &mut Tx<'_>, id: FreezeId) -> Result<FreezeRequest, CaseError> {
    let sql = format!("SELECT {COLUMNS} FROM freeze_request WHERE id = $1");
    let found = asked(tx, &sql, &[id.into()])?.pop();
    found.ok_or_else(|| CaseError::missing("freeze request", id))
}

/// Without its items.
fn request(row: &Row) -> Result<FreezeRequest, CaseError> {
    let id = FreezeId(row.int(0)?);
    let marking: Marking = serde_json::from_value(Json::String(row.text(5)?.to_string()))
        .map_err(|_| damaged(id, "marking"))?;
    let text = |at: usize| row.text_if(at).map(|text| text.map(str::to_string));
    Ok(FreezeRequest {
        id,
        case: row.int_if(1)?.map(CaseId),
        revision: row.int(2)?,
        state: row.text(3)?.parse()?,
        title: row.text(4)?.to_string(),
        marking,
        holder: row.text(6)?.to_string(),
        jurisdiction: row.text(7)?.to_string(),
        reference: text(8)?,
        legal_basis: serde_json::from_str(row.text(9)?).map_err(|_| damaged(id, "legal basis"))?,
        clocks: Clocks { acknowledge_s: row.int(10)?, freeze_s: row.int(11)? },
        items: Vec::new(),
        drafted_by: row.text(12)?.to_string(),
        approved_by: text(13)?,
        reason: text(14)?,
        created: moment(row.int(15)?)?,
        revised: moment(row.int(16)?)?,
        approved: moment_if(row.int_if(17)?)?,
        sent: moment_if(row.int_if(18)?)?,
        acknowledged: moment_if(row.int_if(19)?)?,
        frozen: moment_if(row.int_if(20)?)?,
        frozen_until: moment_if(row.int_if(21)?)?,
        ended: moment_if(row.int_if(22)?)?,
    })
}

fn items(tx: &mut Tx<'_>, ids: &[Value]) -> Result<BTreeMap<i64, Vec<FreezeItem>>, CaseError> {
    let places: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
    let rows = tx.rows(
        &format!(
            "SELECT request, account, asset, asked, frozen, recovered FROM freeze_item \
             WHERE request IN ({}) ORDER BY request, number",
            places.join(", ")
        ),
        ids,
    )?;
    let mut all: BTreeMap<i64, Vec<FreezeItem>> = BTreeMap::new();
    for row in &rows {
        let request = row.int(0)?;
        all.entry(request).or_default().push(item(FreezeId(request), row)?);
    }
    Ok(all)
}

fn item(id: FreezeId, row: &Row) -> Result<FreezeItem, CaseError> {
    let amount = |at| model::amount::parse_base(row.text(at)?).map_err(|_| damaged(id, "amount"));
    Ok(FreezeItem {
        account: row.text(1)?.parse::<Account>().map_err(|_| damaged(id, "account"))?,
        asset: row.text(2)?.parse().map_err(|_| damaged(id, "asset"))?,
        asked: amount(3)?,
        frozen: amount(4)?,
        recovered: amount(5)?,
    })
}

fn damaged(id: FreezeId, what: &str) -> CaseError {
    CaseError::Damaged(format!("the {what} of freeze request {id} cannot be read"))
}
