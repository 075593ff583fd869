-- Where balances came from, of one chain. The README of this crate says what each is.

CREATE TABLE note (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What the sweep read; one row.
CREATE TABLE reach (
  height    INTEGER,
  hash      BLOB,
  time      INTEGER,
  time_ns   INTEGER,
  transfers INTEGER NOT NULL
) STRICT;

-- Blocks since, as they rise.
CREATE TABLE block (
  height    INTEGER NOT NULL PRIMARY KEY,
  hash      BLOB NOT NULL,
  time      INTEGER,
  time_ns   INTEGER,
  transfers INTEGER NOT NULL
) STRICT;

CREATE TABLE entry (
  address BLOB NOT NULL PRIMARY KEY,
  content BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE output (
  tx      BLOB NOT NULL,
  place   INTEGER NOT NULL,
  address BLOB NOT NULL,
  parts   BLOB NOT NULL,
  PRIMARY KEY (tx, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX output_by_address ON output (address);

CREATE TABLE name (
  origin INTEGER NOT NULL PRIMARY KEY,
  key    TEXT NOT NULL,
  phase  TEXT NOT NULL
) STRICT;

-- Marked addresses that were met, each with what was said of it: they have no entry.
CREATE TABLE mark (
  address BLOB NOT NULL PRIMARY KEY,
  said    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What was there before a block; none: nothing was.
CREATE TABLE old_entry (
  height  INTEGER NOT NULL,
  address BLOB NOT NULL,
  content BLOB,
  PRIMARY KEY (height, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE old_output (
  height  INTEGER NOT NULL,
  tx      BLOB NOT NULL,
  place   INTEGER NOT NULL,
  address BLOB,
  parts   BLOB,
  PRIMARY KEY (height, tx, place)
) STRICT, WITHOUT ROWID;
