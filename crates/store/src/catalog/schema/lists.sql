-- As in format 1.

-- Lists, labels, actors: each version or collection kept or replaced whole.

CREATE TABLE list_version (
  id        INTEGER PRIMARY KEY,
  list      TEXT NOT NULL,
  date      TEXT NOT NULL,
  name      TEXT NOT NULL,
  file_hash TEXT NOT NULL,
  UNIQUE (list, date)
) STRICT;

CREATE TABLE listing (
  version     INTEGER NOT NULL REFERENCES list_version ON DELETE CASCADE,
  n           INTEGER NOT NULL,
  identifier  TEXT NOT NULL,
  families    TEXT NOT NULL,
  key         TEXT NOT NULL,
  written     TEXT NOT NULL,
  asset_label TEXT,
  party       TEXT,
  party_id    TEXT,
  programmes  TEXT NOT NULL,
  listed_on   TEXT,
  PRIMARY KEY (version, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE collection (
  id        INTEGER PRIMARY KEY,
  kind      TEXT NOT NULL,
  name      TEXT NOT NULL,
  file_hash TEXT NOT NULL,
  UNIQUE (kind, name)
) STRICT;

CREATE TABLE label (
  collection   INTEGER NOT NULL REFERENCES collection ON DELETE CASCADE,
  n            INTEGER NOT NULL,
  account      TEXT,
  tx           TEXT,
  identifier   TEXT,
  families     TEXT,
  key          TEXT,
  name         TEXT NOT NULL,
  concepts     TEXT NOT NULL,
  actor        TEXT,
  confidence   TEXT NOT NULL,
  level        INTEGER NOT NULL,
  source       TEXT NOT NULL,
  gathered_by  TEXT NOT NULL,
  date         TEXT,
  file_hash    TEXT NOT NULL,
  network      TEXT,
  PRIMARY KEY (collection, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE actor (
  collection    INTEGER NOT NULL REFERENCES collection ON DELETE CASCADE,
  n             INTEGER NOT NULL,
  id            TEXT NOT NULL,
  label         TEXT NOT NULL,
  uri           TEXT,
  categories    TEXT NOT NULL,
  jurisdictions TEXT NOT NULL,
  PRIMARY KEY (collection, n)
) STRICT, WITHOUT ROWID;
