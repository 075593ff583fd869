-- Chains that are followed. Homes of format 2 made before this was there are given it when they are opened.

-- Ranges of heights that are held whole. The hashes are those at its ends, where they are known.
CREATE TABLE followed (
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
CREATE TABLE follow_note (
  chain TEXT NOT NULL,
  name  TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (chain, name)
) STRICT, WITHOUT ROWID;

-- When the last block came.
CREATE TABLE follow_time (
  chain   TEXT NOT NULL PRIMARY KEY,
  time    INTEGER NOT NULL,
  time_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
