-- What providers were asked, and prices. Apart from what files and followed chains say.

-- What is known of an address (CAIP-10) or an output (transaction and number) from a provider.
CREATE TABLE IF NOT EXISTS fetched (
  subject  TEXT NOT NULL,
  provider TEXT NOT NULL,
  -- Known up to this block and its time.
  height   INTEGER NOT NULL,
  time     INTEGER NOT NULL,
  time_ns  INTEGER NOT NULL,
  rows     INTEGER NOT NULL,
  -- Why not everything up to there; none: everything.
  cut      TEXT,
  asked_at INTEGER NOT NULL,
  PRIMARY KEY (subject, provider)
) STRICT, WITHOUT ROWID;

-- Providers that may be told which addresses are looked at, since when.
CREATE TABLE IF NOT EXISTS consent (
  provider TEXT NOT NULL PRIMARY KEY,
  date     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS price (
  asset   TEXT NOT NULL,
  -- Seconds since 1970; of a day its start.
  time    INTEGER NOT NULL,
  is_day  INTEGER NOT NULL,
  -- USD a whole unit, scaled by 10^12, in decimal.
  usd_e12 TEXT NOT NULL,
  source  TEXT NOT NULL,
  PRIMARY KEY (asset, is_day, time, source)
) STRICT, WITHOUT ROWID;
