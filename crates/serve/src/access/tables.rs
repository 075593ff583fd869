//! The tables of who is known.

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
