//! Deadlines of cases that come near or pass: each is told once.

use model::{Severity, Timestamp};
use serde_json::json;

use super::parts::{Deadline, deadline};
use crate::act::{By, micros};
use crate::alerts::{self, AlertKind, AlertSubject, NewAlert};
use crate::db::{Db, Tx};
use crate::error::CaseError;
use crate::{journal, outbox};

/// So long before a deadline it is told that it comes.
pub const NEAR_S: i64 = 24 * 3600;
const AT_ONCE: i64 = 1000;

/// What is told of a deadline, and once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Nearness {
    Near,
    Past,
}

/// Tells of deadlines that are less than a day away, and raises an alert for those that passed.
pub fn remind_deadlines(db: &Db, by: &By) -> Result<Vec<(Deadline, Nearness)>, CaseError> {
    let near = by.at.as_second().saturating_add(NEAR_S);
    let near = Timestamp::from_second(near).unwrap_or(Timestamp::MAX);
    let sql = "SELECT id, case_id, what, due, met FROM case_deadline WHERE met IS NULL \
               AND ((due <= $1 AND told < 1) OR (due <= $2 AND told < 2)) ORDER BY due, id LIMIT $3";
    let values = [micros(near).into(), micros(by.at).into(), AT_ONCE.into()];
    // Most of the time there is none, and a write is not worth asking.
    if db.read(|tx| tx.row(sql, &values))?.is_none() {
        return Ok(Vec::new());
    }
    db.write(|tx| {
        let rows = tx.rows(sql, &values)?;
        let mut told = Vec::with_capacity(rows.len());
        for row in &rows {
            let deadline = deadline(row)?;
            let how = if deadline.due <= by.at { Nearness::Past } else { Nearness::Near };
            tell_of(tx, by, &deadline, how)?;
            told.push((deadline, how));
        }
        Ok(told)
    })
}

fn tell_of(tx: &mut Tx<'_>, by: &By, deadline: &Deadline, how: Nearness) -> Result<(), CaseError> {
    let (level, act) = match how {
        Nearness::Near => (1_i64, "case.deadline_near"),
        Nearness::Past => (2, "case.deadline_past"),
    };
    tx.run(
        "UPDATE case_deadline SET told = $2 WHERE id = $1",
        &[deadline.id.into(), level.into()],
    )?;
    let subject = format!("case:{}", deadline.case);
    let body = json!({ "case": deadline.case, "deadline": deadline.id, "due": deadline.due });
    journal::append(tx, by, act, &subject, &body)?;
    outbox::tell(tx, by.at, act, &subject, &body)?;
    if how == Nearness::Near {
        return Ok(());
    }
    let title: String = format!("Past its deadline: {}", deadline.what).chars().take(500).collect();
    alerts::raise_in(
        tx,
        by,
        &NewAlert {
            kind: AlertKind::Deadline,
            severity: Severity::Medium,
            subject: AlertSubject::Case(deadline.case),
            group: format!("deadline:{}", deadline.id),
            title,
            evidence: body,
            team: None,
            case: Some(deadline.case),
        },
    )?;
    Ok(())
}
