-- Transfers of watched addresses that nodes told before they were in a block, and what became of them. Apart from
-- everything that happened: no view shows them.
CREATE TABLE IF NOT EXISTS pending (
  chain         TEXT NOT NULL,
  tx            BLOB NOT NULL,
  -- 0: the transaction will or may move more than is known.
  is_whole      INTEGER NOT NULL,
  -- Which of the transaction's.
  n             INTEGER NOT NULL,
  -- None where it is known only once it is in a block.
  position      TEXT,
  source        BLOB,
  target        BLOB,
  asset         TEXT NOT NULL,
  amount        BLOB NOT NULL,
  first_seen    INTEGER NOT NULL,
  first_seen_ns INTEGER NOT NULL,
  last_seen     INTEGER NOT NULL,
  last_seen_ns  INTEGER NOT NULL,
  -- 0 waiting, 1 confirmed, 2 replaced, 3 dropped.
  state         INTEGER NOT NULL,
  -- When it came to be so; of what waits, none.
  since         INTEGER,
  since_ns      INTEGER,
  -- Of the block it is in.
  height        INTEGER,
  -- What replaced it, where that is known.
  by_tx         BLOB,
  PRIMARY KEY (chain, tx, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS pending_by_time ON pending (chain, first_seen, first_seen_ns);
CREATE INDEX IF NOT EXISTS pending_by_height ON pending (chain, height) WHERE height IS NOT NULL;
