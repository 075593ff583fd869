-- Format 2. README.md of this crate says what each table and number means.

-- Rises with every commit that changes what a snapshot shows.
CREATE TABLE state (
  generation INTEGER NOT NULL
) STRICT;
INSERT INTO state VALUES (0);

-- What was imported, and what was strange in it.

CREATE TABLE file (
  id      INTEGER PRIMARY KEY,
  sha256  TEXT NOT NULL,
  purpose TEXT NOT NULL,
  name    TEXT NOT NULL,
  bytes   INTEGER NOT NULL,
  -- 1 where a repair dropped a part of it: it has to be read again.
  is_lost INTEGER NOT NULL DEFAULT 0,
  UNIQUE (sha256, purpose)
) STRICT;

CREATE TABLE oddity (
  id       INTEGER PRIMARY KEY,
  file     INTEGER NOT NULL REFERENCES file ON DELETE CASCADE,
  at       TEXT NOT NULL,
  what     TEXT NOT NULL,
  tx       TEXT,
  position TEXT,
  source   BLOB,
  target   BLOB,
  asset    TEXT,
  amount   BLOB,
  -- Of the followed block it was met in; none in files.
  height   INTEGER
) STRICT;
CREATE INDEX oddity_by_file ON oddity (file);

-- What files say that is small and concerns more than one transaction.

CREATE TABLE asset (
  caip19    TEXT NOT NULL PRIMARY KEY,
  symbol    TEXT,
  decimals  INTEGER,
  freezable INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE traces_cover (
  chain TEXT NOT NULL,
  first INTEGER NOT NULL,
  last  INTEGER NOT NULL,
  PRIMARY KEY (chain, first)
) STRICT, WITHOUT ROWID;

-- Heights of which any file told a block: how many are held, no more.
CREATE TABLE block_height (
  chain TEXT NOT NULL,
  first INTEGER NOT NULL,
  last  INTEGER NOT NULL,
  PRIMARY KEY (chain, first)
) STRICT, WITHOUT ROWID;

-- Gathered blocks of chains where headers decide what stands.
CREATE TABLE block (
  chain   TEXT NOT NULL,
  hash    BLOB NOT NULL,
  parent  BLOB,
  height  INTEGER,
  time    INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  work    BLOB
) STRICT;
CREATE INDEX block_by_hash ON block (chain, hash);

CREATE TABLE placed (
  chain  TEXT NOT NULL,
  hash   BLOB NOT NULL,
  height INTEGER,
  stands INTEGER NOT NULL,
  PRIMARY KEY (chain, hash)
) STRICT, WITHOUT ROWID;

-- The segments there are. A number is never given twice.

CREATE TABLE segment (
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  chain         TEXT NOT NULL,
  -- In the folder of segments; none for a hot block's, which lies in hot_block.
  file          TEXT UNIQUE,
  entries       INTEGER NOT NULL,
  rows          INTEGER NOT NULL,
  transfers     INTEGER NOT NULL,
  addresses     INTEGER NOT NULL,
  bytes         INTEGER NOT NULL,
  time_first    INTEGER,
  time_first_ns INTEGER,
  time_last     INTEGER,
  time_last_ns  INTEGER,
  height_first  INTEGER,
  height_last   INTEGER
) STRICT;

-- Nothing here is deleted by cascade: a mask that vanished unasked would show what it hid.
CREATE TABLE mask (
  by_segment INTEGER NOT NULL REFERENCES segment,
  on_segment INTEGER NOT NULL REFERENCES segment,
  entries    BLOB NOT NULL,
  -- How many transfers, and inputs that spend what is not held, it hides.
  transfers  INTEGER NOT NULL,
  unresolved INTEGER NOT NULL,
  PRIMARY KEY (by_segment, on_segment)
) STRICT, WITHOUT ROWID;
CREATE INDEX mask_by_on ON mask (on_segment);

CREATE TABLE segment_file (
  segment INTEGER NOT NULL REFERENCES segment ON DELETE CASCADE,
  file    INTEGER NOT NULL REFERENCES file,
  PRIMARY KEY (segment, file)
) STRICT, WITHOUT ROWID;
CREATE INDEX segment_file_by_file ON segment_file (file);

CREATE TABLE hot_block (
  segment INTEGER PRIMARY KEY REFERENCES segment,
  chain   TEXT NOT NULL,
  height  INTEGER NOT NULL,
  hash    BLOB NOT NULL,
  parent  BLOB NOT NULL,
  time    INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  -- What it tells of assets, where it does.
  assets  BLOB,
  UNIQUE (chain, hash)
) STRICT;
