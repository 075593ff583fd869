//! What people do with an alert.

use model::Timestamp;
use serde_json::{Value as Json, json};

use super::list::get_in;
use super::{Alert, AlertState, severity_number};
use crate::act::{By, micros};
use crate::check;
use crate::db::{Db, Tx};
use crate::error::CaseError;
use crate::ids::{AlertId, CaseId};
use crate::{journal, outbox};

use AlertState::{Acknowledged, Closed, InCase, Open, Snoozed};

/// Somebody has seen it and looks into it.
pub fn acknowledge(db: &Db, by: &By, id: AlertId) -> Result<Alert, CaseError> {
    db.write(|tx| {
        let step = Step { from: &[Open, Snoozed], expected: "open or snoozed", to: Acknowledged };
        step.take(tx, by, id, None, None, "alert.acknowledged", &json!({}))
    })
}

/// Not now: it is open again at that time, or when [`wake`] is next called after it.
pub fn snooze(
    db: &Db,
    by: &By,
    id: AlertId,
    until: Timestamp,
    reason: &str,
) -> Result<Alert, CaseError> {
    check::said("reason", reason, 2000)?;
    if until <= by.at {
        return Err(CaseError::field("until", until.to_string(), format!("after {}", by.at)));
    }
    db.write(|tx| {
        let from = &[Open, Acknowledged, Snoozed];
        let step = Step { from, expected: "open, acknowledged or snoozed", to: Snoozed };
        let payload = json!({ "until": until, "reason": reason });
        step.take(tx, by, id, Some(reason), Some(until), "alert.snoozed", &payload)
    })
}

/// Opens what was snoozed until now or earlier; which those are.
pub fn wake(db: &Db, by: &By) -> Result<Vec<AlertId>, CaseError> {
    let sql = "SELECT id FROM alert WHERE state = 'snoozed' AND snoozed_until <= $1 \
               ORDER BY snoozed_until LIMIT 1000";
    let now = [micros(by.at).into()];
    if db.read(|tx| tx.row(sql, &now))?.is_none() {
        return Ok(Vec::new());
    }
    db.write(|tx| {
        let rows = tx.rows(sql, &now)?;
        let mut woken = Vec::with_capacity(rows.len());
        for row in rows {
            let id = AlertId(row.int(0)?);
            let step = Step { from: &[Snoozed], expected: "snoozed", to: Open };
            step.take(tx, by, id, None, None, "alert.woken", &json!({}))?;
            woken.push(id);
        }
        Ok(woken)
    })
}

/// A block that an alert told of was unwound: it says so from now on. `what` names the transaction.
pub fn unwind_in(tx: &mut Tx<'_>, by: &By, id: AlertId, what: &Json) -> Result<(), CaseError> {
    let text = check::json("unwound", what, 4096)?;
    if tx.run("UPDATE alert SET unwound = $2 WHERE id = $1", &[id.into(), text.into()])? == 0 {
        return Err(CaseError::missing("alert", id));
    }
    journal::append(tx, by, "alert.unwound", &format!("alert:{id}"), what)?;
    tell(tx, by, "alert.unwound", id)?;
    Ok(())
}

/// The case deals with it from now on.
pub fn take_into_case(db: &Db, by: &By, id: AlertId, case: CaseId) -> Result<Alert, CaseError> {
    db.write(|tx| take_into_case_in(tx, by, id, case))
}

/// The case deals with it from now on, in a transaction of the caller's. An alert is in one case.
pub fn take_into_case_in(
    tx: &mut Tx<'_>,
    by: &By,
    id: AlertId,
    case: CaseId,
) -> Result<Alert, CaseError> {
    crate::cases::must_take(tx, case)?;
    let step =
        Step { from: &[Open, Acknowledged, Snoozed, InCase], expected: "not closed", to: InCase };
    tx.run("UPDATE alert SET case_id = $2 WHERE id = $1", &[id.into(), case.into()])?;
    step.take(tx, by, id, None, None, "alert.taken_into_case", &json!({ "case": case }))
}

/// Done with, and why. A false positive says so: that is what rules are judged by.
pub fn close(
    db: &Db,
    by: &By,
    id: AlertId,
    reason: &str,
    is_false_positive: bool,
) -> Result<Alert, CaseError> {
    check::said("reason", reason, 2000)?;
    db.write(|tx| {
        let step = Step {
            from: &[Open, Acknowledged, Snoozed, InCase],
            expected: "not closed",
            to: Closed,
        };
        tx.run(
            "UPDATE alert SET is_false_positive = $2 WHERE id = $1",
            &[id.into(), i64::from(is_false_positive).into()],
        )?;
        let payload = json!({ "reason": reason, "is_false_positive": is_false_positive });
        step.take(tx, by, id, Some(reason), None, "alert.closed", &payload)
    })
}

/// Opens a closed alert again, unless the same thing has a newer alert that is not closed.
pub fn reopen(db: &Db, by: &By, id: AlertId, reason: &str) -> Result<Alert, CaseError> {
    check::said("reason", reason, 2000)?;
    db.write(|tx| {
        let newer = tx.row(
            "SELECT b.id FROM alert a JOIN alert b ON b.equal_key = a.equal_key \
             WHERE a.id = $1 AND b.id <> $1 AND b.state <> 'closed' LIMIT 1",
            &[id.into()],
        )?;
        if let Some(row) = newer {
            let found = format!("closed, and alert {} tells of the same", row.int(0)?);
            return Err(CaseError::state("alert", id, found, "the only one of its kind"));
        }
        tx.run("UPDATE alert SET is_false_positive = 0 WHERE id = $1", &[id.into()])?;
        let step = Step { from: &[Closed], expected: "closed", to: Open };
        step.take(tx, by, id, None, None, "alert.reopened", &json!({ "reason": reason }))
    })
}

/// Gives it to somebody, or takes it from them.
pub fn assign(db: &Db, by: &By, id: AlertId, assignee: Option<&str>) -> Result<Alert, CaseError> {
    set(db, by, id, "assignee", assignee, "alert.assigned")
}

pub fn set_team(db: &Db, by: &By, id: AlertId, team: Option<&str>) -> Result<Alert, CaseError> {
    set(db, by, id, "team", team, "alert.given_to_team")
}

fn set(
    db: &Db,
    by: &By,
    id: AlertId,
    column: &'static str,
    value: Option<&str>,
    act: &str,
) -> Result<Alert, CaseError> {
    check::text_if(column, value, 100)?;
    db.write(|tx| {
        let before = get_in(tx, id)?;
        let sql = format!("UPDATE alert SET {column} = $2 WHERE id = $1");
        tx.run(&sql, &[id.into(), value.into()])?;
        if column == "team" {
            count(tx, &before, -1)?;
            count(tx, &Alert { team: value.map(str::to_string), ..before }, 1)?;
        }
        journal::append(tx, by, act, &format!("alert:{id}"), &json!({ column: value }))?;
        tell(tx, by, act, id)
    })
}

/// A change of state.
struct Step {
    from: &'static [AlertState],
    expected: &'static str,
    to: AlertState,
}

impl Step {
    #[expect(
        clippy::too_many_arguments,
        reason = "one act in one call, each argument of its own type"
    )]
    fn take(
        &self,
        tx: &mut Tx<'_>,
        by: &By,
        id: AlertId,
        reason: Option<&str>,
        until: Option<Timestamp>,
        act: &str,
        payload: &Json,
    ) -> Result<Alert, CaseError> {
        let before = get_in(tx, id)?;
        if !self.from.contains(&before.state) {
            return Err(CaseError::state("alert", id, before.state.text(), self.expected));
        }
        tx.run(
            "UPDATE alert SET state = $2, reason = $3, snoozed_until = $4 WHERE id = $1",
            &[id.into(), self.to.text().into(), reason.into(), until.map(micros).into()],
        )?;
        count(tx, &before, -1)?;
        count(tx, &Alert { state: self.to, ..before }, 1)?;
        journal::append(tx, by, act, &format!("alert:{id}"), payload)?;
        tell(tx, by, act, id)
    }
}

/// Tells listeners what an alert has become.
pub(super) fn tell(tx: &mut Tx<'_>, by: &By, kind: &str, id: AlertId) -> Result<Alert, CaseError> {
    let alert = get_in(tx, id)?;
    outbox::tell(tx, by.at, kind, &format!("alert:{id}"), &json!({ "alert": alert }))?;
    Ok(alert)
}

/// As many more of its team, state and severity.
pub(super) fn count(tx: &mut Tx<'_>, alert: &Alert, by: i64) -> Result<(), CaseError> {
    tx.run(
        "INSERT INTO alert_count (team, state, severity, number) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (team, state, severity) \
         DO UPDATE SET number = alert_count.number + excluded.number",
        &[
            alert.team.as_deref().unwrap_or_default().into(),
            alert.state.text().into(),
            severity_number(alert.severity).into(),
            by.into(),
        ],
    )?;
    Ok(())
}
