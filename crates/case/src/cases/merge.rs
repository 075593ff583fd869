//! Two cases become one, or one becomes two. Nothing is lost: every part moves, none is deleted.

use serde_json::json;

use super::{Case, CaseState, NewCase, PARTS, create_in, must_take, told};
use crate::act::By;
use crate::db::Db;
use crate::error::CaseError;
use crate::ids::{CaseId, EvidenceId, LinkId, NoteId, TaskId};

/// What goes into the new case of a split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picked {
    pub links: Vec<LinkId>,
    pub evidence: Vec<EvidenceId>,
    pub notes: Vec<NoteId>,
    pub tasks: Vec<TaskId>,
}

/// Moves all of `from` into `into`; `from` is closed and points there ever after.
pub fn merge(db: &Db, by: &By, from: CaseId, into: CaseId) -> Result<Case, CaseError> {
    if from == into {
        return Err(CaseError::field("into", format!("case {into} itself"), "another case"));
    }
    db.write(|tx| {
        must_take(tx, from)?;
        must_take(tx, into)?;
        for table in PARTS {
            let sql = format!("UPDATE {table} SET case_id = $2 WHERE case_id = $1");
            tx.run(&sql, &[from.into(), into.into()])?;
        }
        tx.run("UPDATE alert SET case_id = $2 WHERE case_id = $1", &[from.into(), into.into()])?;
        // Who came here by way of an earlier merge is sent on in one step.
        tx.run(
            "UPDATE case_file SET merged_into = $2 WHERE id = $1 OR merged_into = $1",
            &[from.into(), into.into()],
        )?;
        tx.run(
            "UPDATE case_file SET state = $2, reason = 'merged' WHERE id = $1",
            &[from.into(), CaseState::Closed.text().into()],
        )?;
        told(tx, by, from, "case.merged", &json!({ "into": into }))?;
        told(tx, by, into, "case.took_in", &json!({ "from": from }))
    })
}

/// Makes a new case and moves what was picked there, alerts with their links.
pub fn split(
    db: &Db,
    by: &By,
    from: CaseId,
    new: &NewCase,
    picked: &Picked,
) -> Result<Case, CaseError> {
    let moves: [(&str, Vec<i64>); 4] = [
        ("case_link", picked.links.iter().map(|id| id.0).collect()),
        ("case_evidence", picked.evidence.iter().map(|id| id.0).collect()),
        ("case_note", picked.notes.iter().map(|id| id.0).collect()),
        ("case_task", picked.tasks.iter().map(|id| id.0).collect()),
    ];
    if moves.iter().all(|(_, ids)| ids.is_empty()) {
        return Err(CaseError::field("picked", "nothing", "a link, evidence, a note or a task"));
    }
    db.write(|tx| {
        must_take(tx, from)?;
        let made = create_in(tx, by, new)?.id;
        for (table, ids) in &moves {
            for id in ids {
                let sql = format!("UPDATE {table} SET case_id = $3 WHERE id = $1 AND case_id = $2");
                if tx.run(&sql, &[(*id).into(), from.into(), made.into()])? == 0 {
                    return Err(CaseError::missing(
                        "such part of this case",
                        format!("{table} {id}"),
                    ));
                }
            }
        }
        let targets = tx.rows(
            "SELECT target FROM case_link WHERE case_id = $1 AND kind = 'alert'",
            &[made.into()],
        )?;
        for row in targets {
            let alert: crate::ids::AlertId = row.text(0)?.parse()?;
            tx.run("UPDATE alert SET case_id = $2 WHERE id = $1", &[alert.into(), made.into()])?;
        }
        let payload = json!({
            "into": made, "links": picked.links, "evidence": picked.evidence,
            "notes": picked.notes, "tasks": picked.tasks,
        });
        told(tx, by, from, "case.split", &payload)?;
        told(tx, by, made, "case.split_off", &json!({ "from": from }))
    })
}
