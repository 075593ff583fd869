//! Lists changed: what newly listed addresses did before.
//!
//! What `interdict lists look-back` found in the store is raised as it was found. Whom the exchange dealt
//! with is screened again, from memory: who is listed now and was not when they were screened is an
//! alert, with the transfers and withdrawals it concerns.

use anyhow::Result;
use case::alerts::{AlertKind, AlertSubject, NewAlert};
use case::db::Row;
use case::{AlertId, CaseError, alerts};
use model::{Account, Severity};
use serde_json::{Value, json};
use store::FindingRow;

use super::Beside;
use crate::cell::Now;
use crate::cell::exchange::judging::named_by;
use crate::cell::exchange::{self, Of};
use crate::cell::screener::Question;

const PAGE: usize = 500;
/// Transfers and attempts that one alert names.
const NAMED_MAX: usize = 100;
const FINDINGS: &str = "findings";

/// Raises what look-backs found since the last look.
pub fn findings(beside: &Beside) -> Result<()> {
    loop {
        let after = exchange::position(&beside.db, FINDINGS)?;
        let after: i64 = after.and_then(|text| text.parse().ok()).unwrap_or(0);
        let found = beside.store.findings_after(after, PAGE)?;
        let Some((last, _)) = found.last() else { return Ok(()) };
        let by = Beside::by();
        beside.db.write(|tx| {
            for (_, finding) in &found {
                if let Some(alert) = of_finding(finding) {
                    alerts::raise_in(tx, &by, &alert)?;
                }
            }
            exchange::put_position_in(tx, FINDINGS, &last.to_string())
        })?;
    }
}

fn of_finding(finding: &FindingRow) -> Option<NewAlert> {
    let mut body: Value = serde_json::from_str(&finding.body).ok()?;
    let account: Account = body["account"].as_str()?.parse().ok()?;
    let text = |field: &str| body[field].as_str().unwrap_or("-").to_string();
    let party = match text("party_id").as_str() {
        "-" => text("party"),
        id => id.to_string(),
    };
    let group: String = format!("look-back {} {party}", text("list")).chars().take(500).collect();
    if let Some(transfers) = body["transfers"].as_array_mut() {
        let count = transfers.len();
        transfers.truncate(NAMED_MAX);
        body["transfers_count"] = json!(count);
    }
    Some(NewAlert {
        kind: AlertKind::LookBack,
        severity: finding.severity,
        subject: AlertSubject::Account(account),
        group,
        title: finding.why.chars().take(500).collect(),
        evidence: json!({ "rule": finding.rule, "found": body }),
        team: None,
        case: None,
    })
}

/// A counterparty of the exchange, in one transfer or attempt.
struct Party {
    account: String,
    subject: String,
    lists: Vec<String>,
}

/// Screens everybody the exchange dealt with by the lists of now.
pub fn parties(beside: &Beside, now: &Now) -> Result<()> {
    let (mut account, mut subject) = (String::new(), String::new());
    loop {
        let sql = "SELECT account, subject, lists FROM exchange_party \
                   WHERE (account, subject) > ($1, $2) ORDER BY account, subject LIMIT $3";
        let limit = i64::try_from(PAGE).unwrap_or(0);
        let values = [account.as_str().into(), subject.as_str().into(), limit.into()];
        let rows = beside.db.read(|tx| tx.rows(sql, &values))?;
        let page = rows.iter().map(party).collect::<Result<Vec<Party>, CaseError>>()?;
        for party in &page {
            again(beside, now, party)?;
        }
        match page.last() {
            Some(last) if page.len() == PAGE => {
                (account, subject) = (last.account.clone(), last.subject.clone());
            }
            _ => return Ok(()),
        }
    }
}

fn party(row: &Row) -> Result<Party, CaseError> {
    let lists = row.text(2)?.lines().map(str::to_string).collect();
    Ok(Party { account: row.text(0)?.to_string(), subject: row.text(1)?.to_string(), lists })
}

fn again(beside: &Beside, now: &Now, party: &Party) -> Result<()> {
    let Ok(account) = party.account.parse::<Account>() else { return Ok(()) };
    let Some(answer) = now.screener.at_once(&Question::address(&account)) else { return Ok(()) };
    let lists = named_by(&answer);
    if lists == party.lists {
        return Ok(());
    }
    let new: Vec<&String> = lists.iter().filter(|list| !party.lists.contains(list)).collect();
    let by = Beside::by();
    beside.db.write(|tx| {
        exchange::put_party_in(tx, &party.subject, &account, &lists)?;
        if new.is_empty() {
            return Ok(());
        }
        let Some((actor, customer)) = whose(tx, &party.subject)? else { return Ok(()) };
        let of = Of { subject: &party.subject, actor: &actor, customer };
        let hits: Vec<_> = answer.hits.iter().filter(|hit| new.contains(&&hit.list)).collect();
        let names: Vec<&str> = new.iter().map(|list| list.as_str()).collect();
        let alert = NewAlert {
            kind: AlertKind::LookBack,
            severity: Severity::High,
            subject: AlertSubject::Account(account.clone()),
            group: format!("dealt with {}", names.join(" ")),
            title: format!("{account} is on {} since a customer dealt with it", names.join(", ")),
            evidence: json!({ "dealt": party.subject, "hits": hits }),
            team: None,
            case: None,
        };
        exchange::raise_in(tx, &by, of, &alert).map(|_: AlertId| ())
    })?;
    Ok(())
}

/// Who registered a transfer or an attempt, and for whom.
fn whose(tx: &mut case::db::Tx<'_>, subject: &str) -> Result<Option<(String, i64)>, CaseError> {
    for table in ["exchange_transfer", "withdrawal_attempt"] {
        let sql = format!("SELECT actor, customer FROM {table} WHERE id = $1");
        if let Some(row) = tx.row(&sql, &[subject.into()])?
            && let Some(customer) = row.int_if(1)?
        {
            return Ok(Some((row.text(0)?.to_string(), customer)));
        }
    }
    Ok(None)
}
