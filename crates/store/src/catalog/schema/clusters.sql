-- What an analyst took back of the clusters. The clusters themselves are derived and lie in files of their own.
CREATE TABLE IF NOT EXISTS cluster_exclusion (
  -- `tx:<CAIP-2 chain>:<hash>` or `rule:<name>`.
  what   TEXT NOT NULL PRIMARY KEY,
  reason TEXT NOT NULL,
  -- Seconds since 1970.
  at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
