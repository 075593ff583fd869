//! Teams: a case with a team is seen by its team and by administrators.

use case::db::{DbError, Tx};

use super::{Access, acts, tables, users};
use crate::problem::{Fault, Problem};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    pub id: i64,
    pub name: String,
}

impl Access {
    pub fn add_team(&self, name: &str, by: &str) -> Result<i64, Problem> {
        users::check_name(name)?;
        let id = self.change(|tx| -> Result<i64, Fault> {
            let id = tables::next_id(tx, "teams")?;
            let added = tx.run(
                "INSERT INTO teams (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                &[id.into(), name.into()],
            )?;
            if added == 0 {
                let detail = format!("a team named {name} is there already");
                return Err(Problem::conflict(detail).field("name").into());
            }
            let payload = serde_json::json!({ "name": name });
            acts::write(tx, by, "team.added", &format!("team:{id}"), &payload)?;
            Ok(id)
        })?;
        Ok(id)
    }
}

pub(super) fn read(tx: &mut Tx<'_>) -> Result<Vec<Team>, DbError> {
    let rows = tx.rows("SELECT id, name FROM teams ORDER BY id", &[])?;
    rows.iter().map(|row| Ok(Team { id: row.int(0)?, name: row.text(1)?.to_string() })).collect()
}

/// Every one of them is there.
pub(super) fn check(tx: &mut Tx<'_>, teams: &[i64]) -> Result<(), Fault> {
    for team in teams {
        if tx.row("SELECT 1 FROM teams WHERE id = $1", &[(*team).into()])?.is_none() {
            return Err(Problem::invalid("team", format!("there is no team {team}")).into());
        }
    }
    Ok(())
}
