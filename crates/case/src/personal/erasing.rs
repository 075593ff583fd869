//! Whose time is over, and how somebody is erased.

use std::fmt;
use std::sync::Arc;

use model::Timestamp;
use serde_json::{Value as Json, json};

use super::{Person, SELECT, get_in, person};
use crate::act::{By, micros};
use crate::check;
use crate::db::{Db, Tx};
use crate::error::CaseError;
use crate::ids::PersonId;
use crate::journal;

/// Says what that is still open needs somebody, if anything does.
pub type Hold = dyn Fn(&mut Tx<'_>, PersonId) -> Result<Option<String>, CaseError> + Send + Sync;

/// Everything that may need somebody's data longer than their time: nobody whom it holds is erased by
/// the clock, nor by one person.
#[derive(Clone)]
pub struct Holds(Vec<Arc<Hold>>);

impl Holds {
    /// A claim of theirs in a case that is not closed.
    pub fn of_casework() -> Holds {
        Holds(Vec::new()).and(claims)
    }

    /// This too.
    #[must_use]
    pub fn and(
        mut self,
        hold: impl Fn(&mut Tx<'_>, PersonId) -> Result<Option<String>, CaseError>
        + Send
        + Sync
        + 'static,
    ) -> Holds {
        self.0.push(Arc::new(hold));
        self
    }

    fn of(&self, tx: &mut Tx<'_>, id: PersonId) -> Result<Option<String>, CaseError> {
        for hold in &self.0 {
            if let Some(held) = hold(tx, id)? {
                return Ok(Some(held));
            }
        }
        Ok(None)
    }
}

impl fmt::Debug for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kinds of holds", self.0.len())
    }
}

fn claims(tx: &mut Tx<'_>, id: PersonId) -> Result<Option<String>, CaseError> {
    let sql = "SELECT f.number FROM case_claim c JOIN case_file f ON f.id = c.case_id \
               WHERE c.claimant = $1 AND f.state <> 'closed' ORDER BY f.id LIMIT 1";
    let row = tx.row(sql, &[format!("person:{id}").into()])?;
    row.map(|row| Ok(format!("a claim in case {}, which is not closed", row.text(0)?))).transpose()
}

/// Somebody whose retention has ended, and what still holds them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Due {
    #[serde(flatten)]
    pub person: Person,
    /// None: the clock erases them where it may, and any administrator can.
    pub held_by: Option<String>,
}

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Swept {
    pub erased: Vec<PersonId>,
    /// Their time is over, and something that is open needs them.
    pub held: Vec<PersonId>,
}

/// Looked at in one transaction.
const AT_ONCE: i64 = 200;
/// Shown at once.
const SHOWN_MAX: i64 = 1000;

/// Whose retention has ended, longest ago first, a thousand at most.
pub fn due(db: &Db, now: Timestamp, holds: &Holds) -> Result<Vec<Due>, CaseError> {
    db.read(|tx| {
        let people = due_after(tx, now, (i64::MIN, 0), SHOWN_MAX)?;
        let with = |person: Person| {
            let held_by = holds.of(tx, person.id)?;
            Ok(Due { person, held_by })
        };
        people.into_iter().map(with).collect()
    })
}

fn due_after(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (until, id): (i64, i64),
    limit: i64,
) -> Result<Vec<Person>, CaseError> {
    let sql = format!(
        "{SELECT} WHERE p.erased IS NULL AND p.retain_until <= $1 AND (p.retain_until, p.id) > ($2, $3) \
         ORDER BY p.retain_until, p.id LIMIT $4"
    );
    let values = [micros(now).into(), until.into(), id.into(), limit.into()];
    tx.rows(&sql, &values)?.iter().map(person).collect()
}

/// Erases everybody whose time is over and whom nothing holds, each with an entry in the journal.
pub fn erase_due(db: &Db, by: &By, holds: &Holds) -> Result<Swept, CaseError> {
    let (mut swept, mut after) = (Swept::default(), (i64::MIN, 0));
    loop {
        let page = db.read(|tx| due_after(tx, by.at, after, AT_ONCE))?;
        let Some(last) = page.last() else { break };
        after = (micros(last.retain_until), last.id.0);
        let (erased, held) = db.write(|tx| erase_page(tx, by, holds, &page))?;
        swept.erased.extend(erased);
        swept.held.extend(held);
    }
    if !swept.erased.is_empty() {
        db.flush_log()?;
    }
    Ok(swept)
}

/// Somebody may have been kept longer, or been erased, since they were found.
fn erase_page(
    tx: &mut Tx<'_>,
    by: &By,
    holds: &Holds,
    page: &[Person],
) -> Result<(Vec<PersonId>, Vec<PersonId>), CaseError> {
    let (mut erased, mut held) = (Vec::new(), Vec::new());
    for found in page {
        let person = get_in(tx, found.id)?;
        if person.erased.is_some() || person.retain_until > by.at {
            continue;
        }
        if holds.of(tx, person.id)?.is_some() {
            held.push(person.id);
            continue;
        }
        let payload = json!({ "reason": "their retention ended", "ended": person.retain_until });
        destroy(tx, by, person.id, &payload)?;
        erased.push(person.id);
    }
    Ok((erased, held))
}

/// Destroys key, salt and ciphertext, once somebody's time is over and nothing holds them. Before, it is
/// only asked for: somebody else has to [`agree`]. What has become of them.
pub fn erase(
    db: &Db,
    by: &By,
    id: PersonId,
    reason: &str,
    holds: &Holds,
) -> Result<Person, CaseError> {
    check::said("reason", reason, 2000)?;
    let person = db.write(|tx| {
        let person = must_be_kept(tx, id)?;
        let held_by = holds.of(tx, id)?;
        if person.retain_until > by.at || held_by.is_some() {
            ask(tx, by, &person, reason, held_by)?;
        } else {
            destroy(tx, by, id, &json!({ "reason": reason, "ended": person.retain_until }))?;
        }
        get_in(tx, id)
    })?;
    // The key must leave SQLite's log too, not only its tables.
    db.flush_log()?;
    Ok(person)
}

fn must_be_kept(tx: &mut Tx<'_>, id: PersonId) -> Result<Person, CaseError> {
    let person = get_in(tx, id)?;
    match person.erased {
        Some(_) => Err(CaseError::state("person", id, "erased", "kept")),
        None => Ok(person),
    }
}

fn ask(
    tx: &mut Tx<'_>,
    by: &By,
    person: &Person,
    reason: &str,
    held_by: Option<String>,
) -> Result<(), CaseError> {
    let id = person.id;
    if person.asked.is_some() {
        let expected = "not asked for yet: somebody else agrees, or the time ends";
        return Err(CaseError::state("the erasure of person", id, "asked for", expected));
    }
    let people: Vec<&str> = by.eyes().collect();
    tx.run(
        "INSERT INTO person_erasure (person, asked_by, people, reason, asked) \
         VALUES ($1, $2, $3, $4, $5)",
        &[
            id.into(),
            by.actor.as_str().into(),
            people.join("\n").into(),
            reason.into(),
            micros(by.at).into(),
        ],
    )?;
    let payload = json!({ "reason": reason, "ends": person.retain_until, "held_by": held_by });
    journal::append(tx, by, "person.erasure_asked", &format!("person:{id}"), &payload)?;
    Ok(())
}

/// The second pair of eyes: erases somebody before their time, as another person asked.
pub fn agree(db: &Db, by: &By, id: PersonId) -> Result<Person, CaseError> {
    let person = db.write(|tx| {
        let person = must_be_kept(tx, id)?;
        let sql = "SELECT people FROM person_erasure WHERE person = $1";
        let Some(asked) = person.asked else {
            let found = "not asked for";
            return Err(CaseError::state("the erasure of person", id, found, "asked for"));
        };
        let row = tx.row(sql, &[id.into()])?.ok_or_else(|| CaseError::missing("person", id))?;
        let askers: Vec<&str> = row.text(0)?.lines().collect();
        let mut eyes = by.eyes().peekable();
        if askers.is_empty() || eyes.peek().is_none() || eyes.any(|who| askers.contains(&who)) {
            let expected = "another person than the one who asked for it";
            return Err(CaseError::field("approver", by.actor.as_str(), expected));
        }
        let payload = json!({
            "reason": asked.reason, "asked_by": asked.by, "asked": asked.at,
            "ends": person.retain_until,
        });
        destroy(tx, by, id, &payload)?;
        get_in(tx, id)
    })?;
    db.flush_log()?;
    Ok(person)
}

/// What is left says only that somebody was here.
fn destroy(tx: &mut Tx<'_>, by: &By, id: PersonId, payload: &Json) -> Result<(), CaseError> {
    tx.run("DELETE FROM person_key WHERE person = $1", &[id.into()])?;
    tx.run("DELETE FROM person_erasure WHERE person = $1", &[id.into()])?;
    tx.run(
        "UPDATE person SET nonce = NULL, ciphertext = NULL, erased = $2 WHERE id = $1",
        &[id.into(), micros(by.at).into()],
    )?;
    journal::append(tx, by, "person.erased", &format!("person:{id}"), payload)?;
    Ok(())
}
