//! The tables of who is known.

use case::backup::Table;
use case::db::{DbError, Migration, Tx};

pub const STEPS: &[Migration] = &[
    "
CREATE TABLE access_version (id BIGINT PRIMARY KEY, version BIGINT NOT NULL);
INSERT INTO access_version (id, version) VALUES (1, 1);
CREATE TABLE users (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    password TEXT,
    totp BLOB,
    totp_new BLOB,
    totp_step BIGINT NOT NULL,
    is_locked BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    signed_in_at BIGINT
);
CREATE TABLE teams (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE members (
    user_id BIGINT NOT NULL REFERENCES users (id),
    team_id BIGINT NOT NULL REFERENCES teams (id),
    PRIMARY KEY (user_id, team_id)
);
CREATE TABLE api_keys (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    hash BLOB NOT NULL UNIQUE,
    hint TEXT NOT NULL,
    scopes TEXT NOT NULL,
    team_id BIGINT REFERENCES teams (id),
    per_s BIGINT,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    used_at BIGINT
);
CREATE TABLE sessions (
    hash BLOB PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    made_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
CREATE TABLE invitations (
    hash BLOB PRIMARY KEY,
    user_id BIGINT REFERENCES users (id),
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
)
",
    "
ALTER TABLE api_keys ADD COLUMN owner BIGINT;
CREATE TABLE lockouts (
    hash BLOB PRIMARY KEY,
    name_hash BLOB NOT NULL,
    count BIGINT NOT NULL,
    until BIGINT NOT NULL,
    last BIGINT NOT NULL
);
CREATE INDEX lockouts_by_name ON lockouts (name_hash);
CREATE TABLE refused (id BIGINT PRIMARY KEY, unknown_names BIGINT NOT NULL);
INSERT INTO refused (id, unknown_names) VALUES (1, 0)
",
    "
CREATE TABLE passkeys (
    id BIGINT PRIMARY KEY,
    user_id BIGINT NOT NULL REFERENCES users (id),
    credential BLOB UNIQUE,
    public_key BLOB NOT NULL,
    counter BIGINT NOT NULL,
    name TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    used_at BIGINT,
    is_removed BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX passkeys_by_user ON passkeys (user_id);
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    PRIMARY KEY (issuer, subject)
)
",
];

/// What a backup of casework holds of access: not sessions, links and pauses, which last minutes or hours.
pub const BACKUP: &[Table] = &[
    Table {
        name: "users",
        key: &["id"],
        columns: &[
            "id",
            "name",
            "role",
            "password",
            "totp",
            "totp_new",
            "totp_step",
            "is_locked",
            "made_at",
            "signed_in_at",
        ],
    },
    Table { name: "teams", key: &["id"], columns: &["id", "name"] },
    Table { name: "members", key: &["user_id", "team_id"], columns: &["user_id", "team_id"] },
    Table {
        name: "api_keys",
        key: &["id"],
        columns: &[
            "id",
            "name",
            "hash",
            "hint",
            "scopes",
            "team_id",
            "per_s",
            "made_by",
            "made_at",
            "expires_at",
            "revoked_at",
            "used_at",
            "owner",
        ],
    },
    Table {
        name: "passkeys",
        key: &["id"],
        columns: &[
            "id",
            "user_id",
            "credential",
            "public_key",
            "counter",
            "name",
            "made_at",
            "used_at",
            "is_removed",
        ],
    },
    Table {
        name: "identities",
        key: &["issuer", "subject"],
        columns: &["issuer", "subject", "user_id"],
    },
];

pub fn version(tx: &mut Tx<'_>) -> Result<i64, DbError> {
    tx.row("SELECT version FROM access_version WHERE id = 1", &[])?
        .ok_or_else(|| DbError::Shape("access_version has lost its row".into()))?
        .int(0)
}

pub fn raise_version(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.run("UPDATE access_version SET version = version + 1 WHERE id = 1", &[]).map(drop)
}

/// The next number of a table. Rows are never deleted there, so no number comes twice.
pub fn next_id(tx: &mut Tx<'_>, table: &str) -> Result<i64, DbError> {
    let row = tx.row(&format!("SELECT COALESCE(MAX(id), 0) + 1 FROM {table}"), &[])?;
    row.ok_or_else(|| DbError::Shape(format!("no answer about {table}")))?.int(0)
}

#[cfg(test)]
mod tests {
    use case::db::{Db, Place};

    use super::*;

    /// Whoever adds a column or a table is told here.
    #[test]
    fn a_backup_holds_every_column_of_what_lasts() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&Place::Sqlite(folder.path().join("casework.sqlite"))).unwrap();
        db.migrate("access", STEPS).unwrap();
        let left_out = [
            "access_version",
            "sessions",
            "invitations",
            "lockouts",
            "refused",
            "schema_version",
            "idempotency",
        ];
        let sql = "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                   WHERE m.type = 'table' ORDER BY m.name, c.cid";
        let rows = db.read(|tx| tx.rows(sql, &[])).unwrap();
        let there: Vec<(String, String)> = rows
            .iter()
            .map(|row| (row.text(0).unwrap().to_string(), row.text(1).unwrap().to_string()))
            .filter(|(table, _)| !left_out.contains(&table.as_str()))
            .collect();
        let held = |table: &Table| {
            let name = table.name.to_string();
            table.columns.iter().map(move |column| (name.clone(), (*column).to_string()))
        };
        let mut held: Vec<(String, String)> = BACKUP.iter().flat_map(held).collect();
        held.sort();
        let mut there = there;
        there.sort();
        assert_eq!(there, held);
    }
}
