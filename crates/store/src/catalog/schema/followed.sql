-- Chains that are followed. Homes of format 2 that lack any of it are given it when they are opened.

-- Ranges of heights that are held whole. The hashes are those at its ends, where they are known.
CREATE TABLE IF NOT EXISTS followed (
  chain   TEXT NOT NULL,
  first   INTEGER NOT NULL,
  last    INTEGER NOT NULL,
  parent  BLOB,
  hash    BLOB,
  time    INTEGER,
  time_ns INTEGER,
  unseen  TEXT NOT NULL,
  PRIMARY KEY (chain, first)
) STRICT, WITHOUT ROWID;

-- What whoever follows notes for others to read.
CREATE TABLE IF NOT EXISTS follow_note (
  chain TEXT NOT NULL,
  name  TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (chain, name)
) STRICT, WITHOUT ROWID;

-- When the last block came.
CREATE TABLE IF NOT EXISTS follow_time (
  chain   TEXT NOT NULL PRIMARY KEY,
  time    INTEGER NOT NULL,
  time_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What followed blocks told, and their segments. Apart, so that a block is dropped without touching it: what no
-- block has any more is cleared later.
CREATE TABLE IF NOT EXISTS hot_content (
  segment INTEGER PRIMARY KEY,
  facts   BLOB NOT NULL,
  content BLOB NOT NULL
) STRICT;
