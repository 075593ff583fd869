-- What the reference keeps: also the tables of transfers of a home of format 1.

-- Names: each said once, then by number.

CREATE TABLE chain (
  id    INTEGER PRIMARY KEY,
  caip2 TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE account (
  id      INTEGER PRIMARY KEY,
  chain   INTEGER NOT NULL REFERENCES chain,
  address BLOB NOT NULL,
  UNIQUE (chain, address)
) STRICT;

CREATE TABLE tx (
  id        INTEGER PRIMARY KEY,
  chain     INTEGER NOT NULL REFERENCES chain,
  hash      BLOB NOT NULL,
  is_failed INTEGER NOT NULL DEFAULT 0,
  UNIQUE (chain, hash)
) STRICT;

CREATE TABLE asset (
  id        INTEGER PRIMARY KEY,
  caip19    TEXT NOT NULL UNIQUE,
  symbol    TEXT,
  decimals  INTEGER,
  freezable INTEGER NOT NULL DEFAULT 2
) STRICT;

-- What files say, as they say it.

CREATE TABLE file (
  id      INTEGER PRIMARY KEY,
  sha256  TEXT,
  purpose TEXT NOT NULL,
  name    TEXT NOT NULL,
  bytes   INTEGER NOT NULL,
  UNIQUE (sha256, purpose)
) STRICT;

CREATE TABLE claim (
  id          INTEGER PRIMARY KEY,
  file        INTEGER NOT NULL REFERENCES file,
  tx          INTEGER NOT NULL REFERENCES tx,
  position    TEXT NOT NULL,
  height      INTEGER,
  tx_index    INTEGER,
  time        INTEGER NOT NULL,
  time_ns     INTEGER NOT NULL,
  time_source INTEGER NOT NULL,
  source      INTEGER REFERENCES account,
  target      INTEGER REFERENCES account,
  asset       INTEGER NOT NULL REFERENCES asset,
  amount      BLOB NOT NULL,
  kind        INTEGER NOT NULL,
  evidence    INTEGER NOT NULL
) STRICT;
CREATE INDEX claim_by_tx ON claim (tx, position, amount);
CREATE INDEX claim_replaceable ON claim (height) WHERE evidence = 1;

CREATE TABLE traces_cover (
  chain  INTEGER NOT NULL REFERENCES chain,
  height INTEGER NOT NULL,
  PRIMARY KEY (chain, height)
) STRICT, WITHOUT ROWID;

CREATE TABLE nft_log (
  tx        INTEGER NOT NULL REFERENCES tx,
  log_index INTEGER NOT NULL,
  PRIMARY KEY (tx, log_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE block (
  id      INTEGER PRIMARY KEY,
  file    INTEGER NOT NULL REFERENCES file,
  chain   INTEGER NOT NULL REFERENCES chain,
  hash    BLOB,
  parent  BLOB,
  height  INTEGER,
  time    INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  work    BLOB
) STRICT;
CREATE INDEX block_by_hash ON block (chain, hash, height);

CREATE TABLE utxo_claim (
  id          INTEGER PRIMARY KEY,
  file        INTEGER NOT NULL REFERENCES file,
  tx          INTEGER NOT NULL REFERENCES tx,
  height      INTEGER,
  tx_index    INTEGER,
  time        INTEGER NOT NULL,
  time_ns     INTEGER NOT NULL,
  block       BLOB,
  is_coinbase INTEGER NOT NULL,
  -- Derived: is this the claim the transaction is read from, and how many of
  -- its inputs spend what is not held?
  is_chosen   INTEGER NOT NULL DEFAULT 0,
  unresolved  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX utxo_claim_by_tx ON utxo_claim (tx);
CREATE INDEX utxo_claim_by_block ON utxo_claim (block) WHERE block IS NOT NULL;
CREATE INDEX utxo_claim_unresolved ON utxo_claim (unresolved) WHERE unresolved > 0;

CREATE TABLE utxo_input (
  claim   INTEGER NOT NULL REFERENCES utxo_claim,
  n       INTEGER NOT NULL,
  prev_tx INTEGER NOT NULL REFERENCES tx,
  prev_n  INTEGER NOT NULL,
  account INTEGER REFERENCES account,
  value   INTEGER,
  PRIMARY KEY (claim, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX utxo_input_by_outpoint ON utxo_input (prev_tx, prev_n);

CREATE TABLE utxo_output (
  claim   INTEGER NOT NULL REFERENCES utxo_claim,
  n       INTEGER NOT NULL,
  account INTEGER NOT NULL REFERENCES account,
  value   INTEGER NOT NULL,
  PRIMARY KEY (claim, n)
) STRICT, WITHOUT ROWID;

-- Derived from the above at every commit.

CREATE TABLE placed (
  chain  INTEGER NOT NULL REFERENCES chain,
  hash   BLOB NOT NULL,
  height INTEGER,
  stands INTEGER NOT NULL,
  PRIMARY KEY (chain, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE height_time (
  chain   INTEGER NOT NULL REFERENCES chain,
  height  INTEGER NOT NULL,
  time    INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  PRIMARY KEY (chain, height)
) STRICT, WITHOUT ROWID;

CREATE TABLE transfer (
  id          INTEGER PRIMARY KEY,
  tx          INTEGER NOT NULL REFERENCES tx,
  chain       INTEGER NOT NULL REFERENCES chain,
  position    TEXT NOT NULL,
  height      INTEGER,
  tx_index    INTEGER,
  time        INTEGER NOT NULL,
  time_ns     INTEGER NOT NULL,
  time_source INTEGER NOT NULL,
  -- Does no source state its time, so that a block may?
  time_open   INTEGER NOT NULL,
  source      INTEGER REFERENCES account,
  target      INTEGER REFERENCES account,
  asset       INTEGER NOT NULL REFERENCES asset,
  amount      BLOB NOT NULL,
  kind        INTEGER NOT NULL
) STRICT;
CREATE INDEX transfer_by_source ON transfer (source, time, time_ns, height, tx_index) WHERE source IS NOT NULL;
CREATE INDEX transfer_by_target ON transfer (target, time, time_ns, height, tx_index) WHERE target IS NOT NULL;
CREATE INDEX transfer_by_time ON transfer (chain, time, time_ns, height, tx_index, time_source);
CREATE INDEX transfer_by_tx ON transfer (tx);
CREATE INDEX transfer_open ON transfer (chain, height) WHERE time_open = 1;
