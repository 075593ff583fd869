//! DuckDB: columns and whole queries.
//!
//! Its strength is bulk, so it gets bulk: rows are appended as they come, numbered
//! and sorted by SQL once all are there, and a hop of a trace is one join.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use duckdb::arrow::array::{
    Array, BinaryArray, Int64Array, RecordBatch, UInt8Array, UInt32Array, UInt64Array,
};
use duckdb::arrow::datatypes::{DataType, Field, Schema};
use duckdb::{Connection, params};

use crate::contender::{Contender, Traced};
use crate::digest::{Rows, Seen};
use crate::stream::{Address, Block, Recording, part};
use crate::sweep::{Move, NOBODY, Policy, Sweep, Swept};
use crate::truth::PAGE_ROWS;
use crate::walk::{PER_ACCOUNT, Step, walk};

/// One optimizer fails an assertion of its own on the query of a hop (1.5.6).
const START: &str = "
    SET threads = 2; SET memory_limit = '4GB'; SET enable_progress_bar = false;
    SET disabled_optimizers = 'top_n_window_elimination';
";

const RAW: &str = "
    CREATE TABLE raw.row (id UBIGINT, hash BLOB, height UINTEGER, time BIGINT,
        position UINTEGER, source BLOB, target BLOB, asset UTINYINT, hi UBIGINT, lo UBIGINT);
";

const FINISH: &str = "
    CREATE TABLE address AS
        SELECT (row_number() OVER (ORDER BY bytes) - 1)::UINTEGER AS id, bytes FROM (
            SELECT source AS bytes FROM raw.row WHERE source IS NOT NULL
            UNION SELECT target FROM raw.row WHERE target IS NOT NULL)
        ORDER BY bytes;
    CREATE TABLE tx AS
        SELECT (row_number() OVER (ORDER BY first) - 1)::UINTEGER AS id, * FROM (
            SELECT hash, min(id) AS first, min(height) AS height FROM raw.row GROUP BY hash)
        ORDER BY first;
    CREATE TABLE transfer AS
        SELECT r.id, x.id AS tx, s.id AS source, g.id AS target, r.position, r.asset, r.hi, r.lo,
            r.time
        FROM raw.row r JOIN tx x ON x.hash = r.hash
        LEFT JOIN address s ON s.bytes = r.source LEFT JOIN address g ON g.bytes = r.target
        ORDER BY r.id;
    CREATE TABLE sent AS SELECT * FROM transfer WHERE source IS NOT NULL ORDER BY source, id;
    CREATE TABLE received AS SELECT * FROM transfer WHERE target IS NOT NULL ORDER BY target, id;
    CHECKPOINT;
";

const WHOLE: &str = "x.hash, t.position, s.bytes, g.bytes, t.asset, t.hi, t.lo, t.time, x.height";
const JOINED: &str = "JOIN tx x ON x.id = t.tx
    LEFT JOIN address s ON s.id = t.source LEFT JOIN address g ON g.id = t.target";

pub struct Duck {
    db: Connection,
    raw: PathBuf,
    rows: u64,
    services: Vec<Address>,
    thief: Address,
    stolen_at: i64,
}

impl Duck {
    pub fn open(folder: &Path, head: &Recording) -> Result<Duck> {
        let db = Connection::open(folder.join("store.duckdb"))?;
        db.execute_batch(START)?;
        Ok(Duck {
            db,
            raw: folder.join("raw.duckdb"),
            rows: 0,
            services: head.services(),
            thief: head.thief(),
            stolen_at: head.stolen_at,
        })
    }

    fn find(&self, address: &Address) -> Result<Option<u32>> {
        let mut ask = self.db.prepare_cached("SELECT id FROM address WHERE bytes = ?")?;
        let mut rows = ask.query([&address[..]])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    fn services(&self) -> Result<Vec<u32>> {
        let found: Result<Vec<_>> = self.services.iter().map(|a| self.find(a)).collect();
        Ok(found?.into_iter().flatten().collect())
    }

    fn hop(&self, frontier: &[(u32, i64)], out: &mut Vec<(u64, u32, i64)>) -> Result<()> {
        self.db.execute_batch(
            "CREATE OR REPLACE TEMP TABLE frontier (account UINTEGER, since BIGINT)",
        )?;
        let accounts = UInt32Array::from_iter_values(frontier.iter().map(|(a, _)| *a));
        let since = Int64Array::from_iter_values(frontier.iter().map(|(_, since)| *since));
        let batch = batch(&[("account", Arc::new(accounts)), ("since", Arc::new(since))])?;
        self.append("frontier", batch)?;
        let mut ask = self.db.prepare_cached(&format!(
            "SELECT s.id, s.target, s.time
             FROM frontier f JOIN sent s ON s.source = f.account AND s.time >= f.since
             QUALIFY row_number() OVER (PARTITION BY s.source ORDER BY s.id) <= {PER_ACCOUNT}"
        ))?;
        for batch in ask.query_arrow([])? {
            let ids: &UInt64Array = column(&batch, 0)?;
            let to: &UInt32Array = column(&batch, 1)?;
            let times: &Int64Array = column(&batch, 2)?;
            out.extend((0..batch.num_rows()).map(|n| {
                let to = if to.is_valid(n) { to.value(n) } else { NOBODY };
                (ids.value(n), to, times.value(n))
            }));
        }
        Ok(())
    }

    /// Rows followed twice are counted twice.
    fn whole(&self, followed: &[(u64, u32, i64)]) -> Result<Rows> {
        self.db.execute_batch("CREATE OR REPLACE TEMP TABLE followed (id UBIGINT)")?;
        let ids = UInt64Array::from_iter_values(followed.iter().map(|(id, _, _)| *id));
        self.append("followed", batch(&[("id", Arc::new(ids))])?)?;
        let mut rows = Rows::default();
        let sql = format!("SELECT {WHOLE} FROM followed f JOIN transfer t ON t.id = f.id {JOINED}");
        for batch in self.db.prepare_cached(&sql)?.query_arrow([])? {
            add(&batch, &mut rows)?;
        }
        Ok(rows)
    }

    fn append(&self, table: &str, batch: RecordBatch) -> Result<()> {
        let mut appender = self.db.appender(table)?;
        appender.append_record_batch(batch)?;
        Ok(appender.flush()?)
    }
}

impl Contender for Duck {
    fn ingest(&mut self, blocks: &[Block]) -> Result<()> {
        if self.rows == 0 {
            self.db.execute_batch(&format!("ATTACH '{}' AS raw", self.raw.display()))?;
            self.db.execute_batch(RAW)?;
        }
        let batch = raw_batch(self.rows, blocks)?;
        self.rows += batch.num_rows() as u64;
        // An appender writes to the database that is in use.
        self.db.execute_batch("USE raw; BEGIN")?;
        self.append("row", batch)?;
        Ok(self.db.execute_batch("COMMIT; USE store")?)
    }

    fn finish(&mut self) -> Result<()> {
        self.db.execute_batch(FINISH)?;
        self.db.execute_batch("DETACH raw")?;
        Ok(std::fs::remove_file(&self.raw)?)
    }

    fn page(&mut self, address: &Address, is_sent: bool) -> Result<Rows> {
        let mut rows = Rows::default();
        let Some(account) = self.find(address)? else { return Ok(rows) };
        let (table, end, order) =
            if is_sent { ("sent", "source", "ASC") } else { ("received", "target", "DESC") };
        let mut ask = self.db.prepare_cached(&format!(
            "SELECT {WHOLE} FROM (SELECT * FROM {table} WHERE {end} = ? ORDER BY id {order}
             LIMIT {PAGE_ROWS}) t {JOINED}"
        ))?;
        for batch in ask.query_arrow(params![account])? {
            add(&batch, &mut rows)?;
        }
        Ok(rows)
    }

    fn trace(&mut self, source: &Address, since: i64, is_whole: bool) -> Result<Traced> {
        let services = self.services()?.into_iter().collect();
        let source = self.find(source)?.context("the source of a trace is not there")?;
        let mut followed = Vec::new();
        let arrivals = walk(source, since, &services, |frontier, steps| {
            let before = followed.len();
            self.hop(frontier, &mut followed)?;
            steps.extend(
                followed[before..]
                    .iter()
                    .map(|(_, to, time)| Step { to: (*to != NOBODY).then_some(*to), time: *time }),
            );
            Ok(())
        })?;
        let mut traced = Traced::default();
        if is_whole {
            traced.rows = self.whole(&followed)?;
        }
        self.db.execute_batch("CREATE OR REPLACE TEMP TABLE reached (id UINTEGER)")?;
        let ids = UInt32Array::from_iter_values(arrivals.keys().copied());
        self.append("reached", batch(&[("id", Arc::new(ids))])?)?;
        let sql = "SELECT a.id, a.bytes FROM reached r JOIN address a ON a.id = r.id";
        for batch in self.db.prepare_cached(sql)?.query_arrow([])? {
            let ids: &UInt32Array = column(&batch, 0)?;
            let bytes: &BinaryArray = column(&batch, 1)?;
            for n in 0..batch.num_rows() {
                traced.reached.add(&part(bytes.value(n), 0), arrivals[&ids.value(n)]);
            }
        }
        Ok(traced)
    }

    fn sweep(&mut self, policy: Policy) -> Result<Swept> {
        let services = self.services()?;
        let thief = self.find(&self.thief)?.context("the thief is not there")?;
        let accounts: u64 =
            self.db.query_row("SELECT count(*) FROM address", [], |row| row.get(0))?;
        let mut sweep = Sweep::new(policy, usize::try_from(accounts)?, thief, services);
        let mut ask = self.db.prepare_cached(&format!(
            "SELECT coalesce(source, {NOBODY})::UINTEGER, coalesce(target, {NOBODY})::UINTEGER,
             hi, lo, time FROM transfer WHERE asset = 0 ORDER BY id"
        ))?;
        for batch in ask.query_arrow([])? {
            let from: &UInt32Array = column(&batch, 0)?;
            let to: &UInt32Array = column(&batch, 1)?;
            let (hi, lo): (&UInt64Array, &UInt64Array) = (column(&batch, 2)?, column(&batch, 3)?);
            let times: &Int64Array = column(&batch, 4)?;
            for n in 0..batch.num_rows() {
                let amount = wide(hi.value(n), lo.value(n));
                let next = Move { from: from.value(n), to: to.value(n), amount };
                sweep.step(next, times.value(n) >= self.stolen_at);
            }
        }
        sweep.finish()
    }

    fn undo(&mut self, _blocks: u32) -> Result<()> {
        bail!("its sorted copies would have to be made anew")
    }
}

fn raw_batch(first: u64, blocks: &[Block]) -> Result<RecordBatch> {
    let rows: Vec<_> = blocks
        .iter()
        .flat_map(|block| block.each().map(move |(_, tx, row)| (block, tx, row)))
        .collect();
    let ends = |end: fn(&crate::stream::Row) -> Option<&Address>| {
        Arc::new(BinaryArray::from_iter(
            rows.iter().map(move |(_, _, row)| end(row).map(|a| &a[..])),
        ))
    };
    let hi = rows.iter().map(|(_, _, row)| u64::try_from(row.amount >> 64));
    let hi: Result<Vec<u64>, _> = hi.collect();
    let lo = rows.iter().map(|(_, _, row)| u64::try_from(row.amount & u128::from(u64::MAX)));
    let lo: Result<Vec<u64>, _> = lo.collect();
    batch(&[
        ("id", Arc::new(UInt64Array::from_iter_values(first..first + rows.len() as u64))),
        ("hash", Arc::new(BinaryArray::from_iter_values(rows.iter().map(|(_, tx, _)| tx.hash)))),
        ("height", Arc::new(UInt32Array::from_iter_values(rows.iter().map(|(b, _, _)| b.height)))),
        ("time", Arc::new(Int64Array::from_iter_values(rows.iter().map(|(b, _, _)| b.time)))),
        (
            "position",
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|(_, _, row)| row.position))),
        ),
        ("source", ends(|row| row.from.as_ref())),
        ("target", ends(|row| row.to.as_ref())),
        ("asset", Arc::new(UInt8Array::from_iter_values(rows.iter().map(|(_, _, row)| row.asset)))),
        ("hi", Arc::new(UInt64Array::from(hi?))),
        ("lo", Arc::new(UInt64Array::from(lo?))),
    ])
}

fn batch(columns: &[(&str, Arc<dyn Array>)]) -> Result<RecordBatch> {
    let field = |(name, column): &(&str, Arc<dyn Array>)| -> Field {
        let kind: &DataType = column.data_type();
        Field::new(*name, kind.clone(), true)
    };
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    let columns = columns.iter().map(|(_, column)| column.clone()).collect();
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

fn column<T: Array + 'static>(batch: &RecordBatch, at: usize) -> Result<&T> {
    let column = batch.column(at);
    column.as_any().downcast_ref().with_context(|| {
        format!("column {at} of an answer is {}, not as asked", column.data_type())
    })
}

fn wide(hi: u64, lo: u64) -> u128 {
    u128::from(hi) << 64 | u128::from(lo)
}

fn add(batch: &RecordBatch, rows: &mut Rows) -> Result<()> {
    let hash: &BinaryArray = column(batch, 0)?;
    let position: &UInt32Array = column(batch, 1)?;
    let (from, to): (&BinaryArray, &BinaryArray) = (column(batch, 2)?, column(batch, 3)?);
    let asset: &UInt8Array = column(batch, 4)?;
    let (hi, lo): (&UInt64Array, &UInt64Array) = (column(batch, 5)?, column(batch, 6)?);
    let time: &Int64Array = column(batch, 7)?;
    let height: &UInt32Array = column(batch, 8)?;
    for n in 0..batch.num_rows() {
        rows.add(&Seen {
            hash: hash.value(n),
            position: position.value(n),
            from: from.is_valid(n).then(|| from.value(n)),
            to: to.is_valid(n).then(|| to.value(n)),
            asset: asset.value(n),
            amount: wide(hi.value(n), lo.value(n)),
            time: time.value(n),
            height: height.value(n),
        });
    }
    Ok(())
}
