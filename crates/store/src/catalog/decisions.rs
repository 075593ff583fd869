//! Decisions about hits, each kept for good.

use model::{Decision, Timestamp, Verdict};
use rusqlite::{Row, params};

use crate::StoreError;
use crate::catalog::Catalog;
use crate::catalog::lists::date;
use crate::code::read;
use crate::error::{Doing, In};

impl Catalog {
    /// Adds a decision after all others.
    pub fn add_decision(&self, decision: &Decision) -> Result<(), StoreError> {
        let doing = || format!("keep a decision about {}", decision.subject);
        let put = || {
            let db = self.write(&doing())?;
            db.execute(
                "INSERT INTO decision (subject, asked_hash, list, party_id, party, party_hash, verdict,
                    reason, decided_by, decided_at, expires_on)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    decision.subject,
                    decision.asked_hash,
                    decision.list,
                    decision.party_id,
                    decision.party,
                    decision.party_hash,
                    word(decision.verdict),
                    decision.reason,
                    decision.decided_by,
                    decision.decided_at.as_second(),
                    decision.expires_on.map(|date| date.to_string()),
                ],
            )
            .doing(doing)?;
            db.commit().doing(doing)
        };
        put().in_file(self.path.as_deref())
    }

    /// Every decision, in the order they were made.
    pub fn decisions(&self) -> Result<Vec<Decision>, StoreError> {
        self.read_all(
            "SELECT subject, asked_hash, list, party_id, party, party_hash, verdict, reason,
                    decided_by, decided_at, expires_on
             FROM decision ORDER BY id",
            decision,
        )
    }
}

const VERDICTS: [(Verdict, &str); 3] = [
    (Verdict::Cleared, "cleared"),
    (Verdict::Confirmed, "confirmed"),
    (Verdict::Withdrawn, "withdrawn"),
];

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Cleared => VERDICTS[0].1,
        Verdict::Confirmed => VERDICTS[1].1,
        Verdict::Withdrawn => VERDICTS[2].1,
    }
}

fn decision(row: &Row<'_>) -> Result<Decision, StoreError> {
    let wrong = |what: &str| StoreError::value("read a decision", format!("{what:?} is none"));
    let verdict: String = read(row, 6)?;
    let known = VERDICTS.iter().find(|(_, word)| *word == verdict);
    let expires_on: Option<String> = read(row, 10)?;
    Ok(Decision {
        subject: read(row, 0)?,
        asked_hash: read(row, 1)?,
        list: read(row, 2)?,
        party_id: read(row, 3)?,
        party: read(row, 4)?,
        party_hash: read(row, 5)?,
        verdict: known.map(|(verdict, _)| *verdict).ok_or_else(|| wrong(&verdict))?,
        reason: read(row, 7)?,
        decided_by: read(row, 8)?,
        decided_at: Timestamp::from_second(read(row, 9)?).map_err(|_| wrong("its time"))?,
        expires_on: expires_on.as_deref().map(date).transpose()?,
    })
}
