-- What was added to labels, what was decided about them, and what tells miners apart.

-- Beside a label, where there is anything to say.
CREATE TABLE IF NOT EXISTS label_tag (
  collection         INTEGER NOT NULL REFERENCES collection ON DELETE CASCADE,
  n                  INTEGER NOT NULL,
  kind               TEXT NOT NULL,
  is_cluster_definer INTEGER NOT NULL,
  context            TEXT,
  valid_until        TEXT,
  is_own             INTEGER NOT NULL,
  PRIMARY KEY (collection, n)
) STRICT, WITHOUT ROWID;

-- Disputes and corrections, in the order they were decided. Only added to.
CREATE TABLE IF NOT EXISTS label_event (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  label   TEXT NOT NULL,
  subject TEXT NOT NULL,
  name    TEXT NOT NULL,
  time    INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  by      TEXT NOT NULL,
  why     TEXT NOT NULL,
  change  TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS label_event_stays BEFORE UPDATE ON label_event
BEGIN SELECT RAISE(ABORT, 'what was decided about a label is only added to'); END;
CREATE TRIGGER IF NOT EXISTS label_event_remains BEFORE DELETE ON label_event
BEGIN SELECT RAISE(ABORT, 'what was decided about a label is only added to'); END;

-- Texts that mining pools write into their blocks.
CREATE TABLE IF NOT EXISTS coinbase_tag (
  collection INTEGER NOT NULL REFERENCES collection ON DELETE CASCADE,
  n          INTEGER NOT NULL,
  text       TEXT NOT NULL,
  pool       TEXT NOT NULL,
  link       TEXT NOT NULL,
  PRIMARY KEY (collection, n)
) STRICT, WITHOUT ROWID;

-- What a miner wrote into a reward transaction. Its id commits to it, so that it is never taken back.
CREATE TABLE IF NOT EXISTS coinbase (
  chain  TEXT NOT NULL,
  tx     BLOB NOT NULL,
  script BLOB NOT NULL,
  PRIMARY KEY (chain, tx)
) STRICT, WITHOUT ROWID;
