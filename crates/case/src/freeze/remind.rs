//! Tells people what a clock asks for, once for each step.

use model::{Severity, Timestamp};
use serde_json::json;

use super::store::{live, live_in, tell};
use super::{Due, DueKind, FreezeId, due};
use crate::CaseError;
use crate::alerts::{self, AlertKind, AlertSubject, NewAlert};
use crate::db::{Db, Tx};
use crate::freeze::FreezeRequest;
use crate::seen::Seen;
use crate::{By, micros};

/// Tells what is due at the moment of `by` and was not told before; says what it told.
pub fn remind(db: &Db, by: &By) -> Result<Vec<Due>, CaseError> {
    if due(&live(db, &Seen::All)?, by.at).is_empty() {
        return Ok(Vec::new());
    }
    db.write(|tx| {
        let requests = live_in(tx, &Seen::All)?;
        let mut told = Vec::new();
        for due in due(&requests, by.at) {
            let is_new = is_news(tx, due.request, due.kind.text(), due.deadline, due.level)?;
            let request = requests.iter().find(|request| request.id == due.request);
            if let (true, Some(request)) = (is_new, request) {
                tell_of(tx, by, request, due)?;
                told.push(due);
            }
        }
        Ok(told)
    })
}

/// False: it was told before.
fn is_news(
    tx: &mut Tx<'_>,
    request: FreezeId,
    kind: &str,
    deadline: Timestamp,
    level: i64,
) -> Result<bool, CaseError> {
    let met = tx.run(
        "INSERT INTO freeze_told (request, kind, deadline, level) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (request, kind, deadline, level) DO NOTHING",
        &[request.into(), kind.into(), micros(deadline).into(), level.into()],
    )?;
    Ok(met > 0)
}

fn tell_of(tx: &mut Tx<'_>, by: &By, request: &FreezeRequest, due: Due) -> Result<(), CaseError> {
    let evidence = json!({
        "request": due.request, "kind": due.kind, "level": due.level, "deadline": due.deadline,
    });
    let act = if due.level > 0 { "freeze.overdue" } else { "freeze.reminder" };
    tell(tx, by, due.request, act, &evidence)?;
    // A reminder is for whoever listens; an alert is for what is late.
    let (Some(item), true) = (request.items.first(), due.level > 0) else { return Ok(()) };
    let subject = request
        .case
        .map_or_else(|| AlertSubject::Account(item.account.clone()), AlertSubject::Case);
    let severity = if due.level > 1 { Severity::High } else { Severity::Medium };
    let title = format!(
        "Freeze request {} to {}: {} was due by {}",
        request.id,
        request.holder,
        due.kind.said(),
        due.deadline
    );
    let title: String = title.chars().take(500).collect();
    alerts::raise_in(
        tx,
        by,
        &NewAlert {
            kind: AlertKind::Freeze,
            severity,
            subject,
            group: format!("freeze:{}:{}", request.id, due.kind.text()),
            title,
            evidence,
            team: None,
            case: request.case,
        },
    )?;
    Ok(())
}

impl DueKind {
    pub fn text(self) -> &'static str {
        match self {
            DueKind::Approve => "approve",
            DueKind::Send => "send",
            DueKind::Acknowledge => "acknowledge",
            DueKind::Freeze => "freeze",
            DueKind::Expiry => "expiry",
        }
    }

    fn said(self) -> &'static str {
        match self {
            DueKind::Approve => "its approval",
            DueKind::Send => "its sending",
            DueKind::Acknowledge => "an acknowledgement",
            DueKind::Freeze => "the freeze",
            DueKind::Expiry => "an extension or a seizure",
        }
    }
}
