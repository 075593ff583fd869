-- Who is listed, and what was found when lists changed. Added to format 2.

-- What a list says of a party, kept once for all versions that say the same.
CREATE TABLE IF NOT EXISTS party (
  id   INTEGER PRIMARY KEY,
  list TEXT NOT NULL,
  -- The list's own id.
  name TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS party_by_name ON party (list, name);

CREATE TABLE IF NOT EXISTS party_in (
  version INTEGER NOT NULL REFERENCES list_version ON DELETE CASCADE,
  n       INTEGER NOT NULL,
  party   INTEGER NOT NULL REFERENCES party,
  PRIMARY KEY (version, n)
) STRICT, WITHOUT ROWID;

-- What of an entry format 1 did not have: the day its order runs out, and what kind it is.
CREATE TABLE IF NOT EXISTS listing_more (
  version    INTEGER NOT NULL REFERENCES list_version ON DELETE CASCADE,
  n          INTEGER NOT NULL,
  expires_on TEXT,
  kind       TEXT NOT NULL,
  PRIMARY KEY (version, n)
) STRICT, WITHOUT ROWID;

-- A version that was taken although it lost much: who said so, and why.
CREATE TABLE IF NOT EXISTS list_shrink (
  version INTEGER PRIMARY KEY REFERENCES list_version ON DELETE CASCADE,
  was     INTEGER NOT NULL,
  became  INTEGER NOT NULL,
  reason  TEXT NOT NULL
) STRICT;

-- Where a list is fetched from, and what its server said of the copy that is kept.
CREATE TABLE IF NOT EXISTS list_source (
  source     TEXT NOT NULL PRIMARY KEY,
  file_hash  TEXT NOT NULL,
  etag       TEXT,
  changed    TEXT,
  checked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Append-only: what was found is never unsaid.
CREATE TABLE IF NOT EXISTS finding (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  -- What makes it the same finding when it is found again.
  subject    TEXT NOT NULL UNIQUE,
  kind       TEXT NOT NULL,
  severity   TEXT NOT NULL,
  rule       TEXT NOT NULL,
  found_at   INTEGER NOT NULL,
  why        TEXT NOT NULL,
  -- JSON: accounts, transfers, and what it rests on.
  body       TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS finding_stays BEFORE DELETE ON finding
BEGIN SELECT RAISE(ABORT, 'a finding is never taken back'); END;
CREATE TRIGGER IF NOT EXISTS finding_is_as_found BEFORE UPDATE ON finding
BEGIN SELECT RAISE(ABORT, 'a finding is never changed'); END;
