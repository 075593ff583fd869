-- What people decided about hits. Rows are added and never changed: the latest of a subject and a party
-- counts, and what was decided before stays known.

CREATE TABLE IF NOT EXISTS decision (
  id         INTEGER PRIMARY KEY,
  subject    TEXT NOT NULL,
  asked_hash TEXT NOT NULL,
  list       TEXT NOT NULL,
  party_id   TEXT NOT NULL,
  party      TEXT NOT NULL,
  party_hash TEXT NOT NULL,
  verdict    TEXT NOT NULL,
  reason     TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  decided_at INTEGER NOT NULL,
  expires_on TEXT
) STRICT;

CREATE INDEX IF NOT EXISTS decision_by_subject ON decision (subject, list, party_id);

-- Each hit says since when its party is listed.
CREATE INDEX IF NOT EXISTS party_in_by_party ON party_in (party);
