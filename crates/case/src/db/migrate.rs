//! Tables grow by steps that are only ever added; each part of casework counts its own.

use super::{Db, DbError};

/// SQL statements separated by `;`, done in one transaction.
pub type Migration = &'static str;

const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_version (component TEXT PRIMARY KEY, version BIGINT NOT NULL)";

pub fn run(db: &Db, component: &str, steps: &[Migration]) -> Result<(), DbError> {
    let known = i64::try_from(steps.len()).expect("steps are written by hand");
    db.write(|tx| -> Result<(), DbError> {
        // Writers come one at a time, so two servers that start at once do not both make the tables.
        tx.run(VERSIONS, &[])?;
        let found = tx
            .row("SELECT version FROM schema_version WHERE component = $1", &[component.into()])?
            .map_or(Ok(0), |row| row.int(0))?;
        if found > known {
            return Err(DbError::Newer { component: component.to_string(), found, known });
        }
        let done = usize::try_from(found).unwrap_or(0);
        for step in steps.iter().skip(done) {
            for statement in step.split(';').map(str::trim).filter(|part| !part.is_empty()) {
                let statement = match db.is_postgres() {
                    true => statement.replace("BLOB", "BYTEA"),
                    false => statement.to_string(),
                };
                tx.run(&statement, &[])?;
            }
        }
        tx.run(
            "INSERT INTO schema_version (component, version) VALUES ($1, $2) \
             ON CONFLICT (component) DO UPDATE SET version = excluded.version",
            &[component.into(), known.into()],
        )?;
        Ok(())
    })
}
