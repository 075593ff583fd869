-- What issuers of tokens did to holders, each time it was told: files and blocks that say the same have a
-- row each, so that a block can be unwound.
CREATE TABLE IF NOT EXISTS freeze (
  chain     TEXT NOT NULL,
  holder    BLOB NOT NULL,
  asset     TEXT NOT NULL,
  tx        BLOB NOT NULL,
  log_index INTEGER NOT NULL,
  -- 0 frozen, 1 released, 2 destroyed.
  action    INTEGER NOT NULL,
  -- How much was destroyed; empty of the others.
  amount    BLOB NOT NULL,
  -- -1: not said.
  height    INTEGER NOT NULL,
  time      INTEGER NOT NULL,
  time_ns   INTEGER NOT NULL,
  -- Who said it. Of a followed chain one file stands for all blocks.
  file      INTEGER NOT NULL REFERENCES file,
  -- The height of the followed block that said it; -1: a file did.
  block     INTEGER NOT NULL,
  PRIMARY KEY (chain, holder, asset, tx, log_index, action, amount, height, time, time_ns, file, block)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS freeze_by_file ON freeze (file, block);

-- Of a followed chain there are many, and few of them are of the blocks that are unwound.
CREATE INDEX IF NOT EXISTS oddity_by_height ON oddity (file, height) WHERE height IS NOT NULL;
