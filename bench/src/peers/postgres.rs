//! PostgreSQL: a private server on a private folder, reached through a socket.
//!
//! Whatever Debian (or the path) has is used; nothing is installed.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::{ToSql, Type};
use postgres::{Client, NoTls, Row};

use super::relational::{Batch, BlockRow, Relational, Tables, Visit, Whole, long, short};
use crate::contender::Contender;
use crate::stream::{Address, Recording};
use crate::sweep::{Move, NOBODY};

pub const SETTINGS: &str = "a private server through its socket; shared_buffers 1 GB, work_mem 64 MB, wal_level minimal, max_wal_size 8 GB, fsync and synchronous_commit on, jit off, random_page_cost 1.1; a batch is one transaction of binary COPY; covering indexes (source, id) and (target, id), hash indexes on hashes and addresses, all kept up while loading; VACUUM ANALYZE as its finish";

const SCHEMA: &str = "
    CREATE TABLE address (id int4 PRIMARY KEY, bytes bytea NOT NULL);
    CREATE INDEX address_number ON address USING hash (bytes);
    CREATE TABLE tx (id int4 PRIMARY KEY, hash bytea NOT NULL, first int8 NOT NULL);
    CREATE INDEX tx_number ON tx USING hash (hash);
    CREATE TABLE transfer (id int8 PRIMARY KEY, tx int4 NOT NULL, source int4, target int4,
        position int4 NOT NULL, asset int2 NOT NULL, amount bytea NOT NULL);
    CREATE INDEX sent ON transfer (source, id) INCLUDE (target);
    CREATE INDEX received ON transfer (target, id) INCLUDE (source);
    CREATE TABLE block (height int4 PRIMARY KEY, time int8, transfers int8, transactions int4,
        addresses int4);
";

const WHOLE: &str = "SELECT t.id, x.hash, s.bytes, g.bytes, t.asset, t.position, t.amount";
const JOINED: &str = "JOIN tx x ON x.id = t.tx
    LEFT JOIN address s ON s.id = t.source LEFT JOIN address g ON g.id = t.target";

/// Few enough that a plan by nested loops is the right one.
const ASKED_AT_ONCE: usize = 20_000;

/// The folder of the server's programs, the newest there is.
pub fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::env::split_paths(&path);
    found.into_iter().rev().chain(paths).find(|folder| folder.join("initdb").exists())
}

pub fn version() -> Option<String> {
    let said = Command::new(programs()?.join("postgres")).arg("--version").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    Some(said.trim().trim_start_matches("postgres (PostgreSQL) ").to_string())
}

pub fn open(folder: &Path, head: &Recording) -> Result<Box<dyn Contender>> {
    let server = Server::start(folder)?;
    let mut db = server.connect()?;
    if !server.is_old {
        db.batch_execute(SCHEMA)?;
    }
    Ok(Box::new(Relational::new(Elephant { db, server }, head)?))
}

/// A server that stops when it is dropped.
struct Server {
    process: Child,
    folder: PathBuf,
    is_old: bool,
}

impl Server {
    fn start(folder: &Path) -> Result<Server> {
        let programs = programs().context("PostgreSQL is not installed")?;
        let data = folder.join("data");
        let is_old = data.join("PG_VERSION").exists();
        let user = unprivileged()?;
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(folder, Some(uid), Some(gid))?;
        }
        if !is_old {
            let mut make = as_user(programs.join("initdb"), user);
            make.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--username=bench", "-D"]);
            let made = make.arg(&data).output()?;
            if !made.status.success() {
                bail!("initdb: {}", String::from_utf8_lossy(&made.stderr).trim());
            }
        }
        let mut server = as_user(programs.join("postgres"), user);
        server.arg("-D").arg(&data).arg("-k").arg(folder);
        for setting in [
            "listen_addresses=",
            "shared_buffers=1GB",
            "work_mem=64MB",
            "maintenance_work_mem=256MB",
            "wal_level=minimal",
            "max_wal_senders=0",
            "max_wal_size=8GB",
            "checkpoint_timeout=30min",
            "jit=off",
            "random_page_cost=1.1",
            "effective_cache_size=8GB",
        ] {
            server.args(["-c", setting]);
        }
        let log = std::fs::File::create(folder.join("log"))?;
        let process = server.stdout(Stdio::null()).stderr(log).spawn()?;
        Ok(Server { process, folder: folder.to_path_buf(), is_old })
    }

    fn connect(&self) -> Result<Client> {
        let settings = format!("host={} user=bench dbname=postgres", self.folder.display());
        let started = Instant::now();
        loop {
            match Client::connect(&settings, NoTls) {
                Ok(client) => return Ok(client),
                Err(error) if started.elapsed() > Duration::from_secs(60) => {
                    return Err(error).context("PostgreSQL does not answer; see its log");
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // The fast shutdown: what is committed stays.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        }
        let _ = self.process.wait();
    }
}

/// PostgreSQL refuses to run as root; Debian's own user takes its place.
fn unprivileged() -> Result<Option<(u32, u32)>> {
    if !rustix::process::getuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let line = users.lines().find(|line| line.starts_with("postgres:"));
    let mut fields = line.context("there is no user postgres to run it as")?.split(':').skip(2);
    let mut number = || fields.next().and_then(|field| field.parse().ok());
    match (number(), number()) {
        (Some(uid), Some(gid)) => Ok(Some((uid, gid))),
        _ => bail!("/etc/passwd does not say the numbers of postgres"),
    }
}

fn as_user(program: PathBuf, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    // Its own group, so that an interrupt of ours does not tear it down half way.
    command.process_group(0).current_dir("/");
    command
}

struct Elephant {
    db: Client,
    server: Server,
}

impl Tables for Elephant {
    fn blocks(&mut self) -> Result<Vec<BlockRow>> {
        let sql =
            "SELECT height, time, transfers, transactions, addresses FROM block ORDER BY height";
        let block = |row: &Row| BlockRow {
            height: row.get::<_, i32>(0).cast_unsigned(),
            time: row.get(1),
            transfers: row.get::<_, i64>(2).cast_unsigned(),
            transactions: row.get::<_, i32>(3).cast_unsigned(),
            addresses: row.get::<_, i32>(4).cast_unsigned(),
        };
        Ok(self.db.query(sql, &[])?.iter().map(block).collect())
    }

    fn find(&mut self, sorted: &[Address]) -> Result<Vec<Option<u32>>> {
        let mut found = Vec::with_capacity(sorted.len());
        for part in sorted.chunks(ASKED_AT_ONCE) {
            let asked: Vec<&[u8]> = part.iter().map(|address| &address[..]).collect();
            let sql = "SELECT a.id FROM unnest($1::bytea[]) WITH ORDINALITY AS q(bytes, n)
                       LEFT JOIN address a ON a.bytes = q.bytes ORDER BY q.n";
            let rows = self.db.query(sql, &[&asked])?;
            let id = |row: &Row| row.get::<_, Option<i32>>(0).map(i32::cast_unsigned);
            found.extend(rows.iter().map(id));
        }
        Ok(found)
    }

    fn write(&mut self, batch: &Batch) -> Result<()> {
        let mut transaction = self.db.transaction()?;
        let out = transaction.copy_in("COPY address FROM STDIN BINARY")?;
        let mut out = BinaryCopyInWriter::new(out, &[Type::INT4, Type::BYTEA]);
        for (id, bytes) in (batch.before.addresses..).zip(&batch.addresses) {
            out.write(&[&id.cast_signed(), &&bytes[..]])?;
        }
        out.finish()?;
        let out = transaction.copy_in("COPY tx FROM STDIN BINARY")?;
        let mut out = BinaryCopyInWriter::new(out, &[Type::INT4, Type::BYTEA, Type::INT8]);
        for (id, (hash, first)) in (batch.before.transactions..).zip(&batch.transactions) {
            out.write(&[&id.cast_signed(), &&hash[..], &first.cast_signed()])?;
        }
        out.finish()?;
        write_transfers(&mut transaction, batch)?;
        let out = transaction.copy_in("COPY block FROM STDIN BINARY")?;
        let types = [Type::INT4, Type::INT8, Type::INT8, Type::INT4, Type::INT4];
        let mut out = BinaryCopyInWriter::new(out, &types);
        for block in &batch.blocks {
            out.write(&[
                &block.height.cast_signed(),
                &block.time,
                &block.transfers.cast_signed(),
                &block.transactions.cast_signed(),
                &block.addresses.cast_signed(),
            ])?;
        }
        out.finish()?;
        Ok(transaction.commit()?)
    }

    fn finish(&mut self) -> Result<()> {
        // One at a time: several in one text would be a transaction, which VACUUM refuses.
        self.db.batch_execute("VACUUM ANALYZE")?;
        Ok(self.db.batch_execute("CHECKPOINT")?)
    }

    fn sent(
        &mut self,
        frontier: &[(u32, u64)],
        limit: usize,
        out: &mut Vec<(u64, u32)>,
    ) -> Result<()> {
        let accounts: Vec<i32> = frontier.iter().map(|(a, _)| a.cast_signed()).collect();
        let firsts: Vec<i64> = frontier.iter().map(|(_, first)| first.cast_signed()).collect();
        let statement = self.db.prepare(&format!(
            "SELECT p.id, p.target FROM unnest($1::int4[], $2::int8[]) AS f(account, first)
             CROSS JOIN LATERAL (SELECT id, target FROM transfer
                 WHERE source = f.account AND id >= f.first ORDER BY id LIMIT {limit}) p"
        ))?;
        for row in self.db.query(&statement, &[&accounts, &firsts])? {
            let to = row.get::<_, Option<i32>>(1).map_or(NOBODY, i32::cast_unsigned);
            out.push((row.get::<_, i64>(0).cast_unsigned(), to));
        }
        Ok(())
    }

    fn page(&mut self, account: u32, is_sent: bool, limit: usize, visit: Visit<'_>) -> Result<()> {
        let (end, order) = if is_sent { ("source", "ASC") } else { ("target", "DESC") };
        let sql = format!(
            "{WHOLE} FROM (SELECT * FROM transfer WHERE {end} = $1 ORDER BY id {order} LIMIT {limit}) t {JOINED}"
        );
        let statement = self.db.prepare(&sql)?;
        show(&self.db.query(&statement, &[&account.cast_signed()])?, visit);
        Ok(())
    }

    fn rows(&mut self, sorted: &[u64], visit: Visit<'_>) -> Result<()> {
        let sql = format!(
            "{WHOLE} FROM unnest($1::int8[]) AS q(id) JOIN transfer t ON t.id = q.id {JOINED} ORDER BY t.id"
        );
        let statement = self.db.prepare(&sql)?;
        for part in sorted.chunks(ASKED_AT_ONCE) {
            let asked: Vec<i64> = part.iter().map(|id| id.cast_signed()).collect();
            show(&self.db.query(&statement, &[&asked])?, visit);
        }
        Ok(())
    }

    fn addresses(&mut self, sorted: &[u32]) -> Result<Vec<Address>> {
        let asked: Vec<i32> = sorted.iter().map(|id| id.cast_signed()).collect();
        let sql = "SELECT a.bytes FROM unnest($1::int4[]) AS q(id) JOIN address a ON a.id = q.id
                   ORDER BY a.id";
        let rows = self.db.query(sql, &[&asked])?;
        Ok(rows.iter().map(|row| crate::stream::part(row.get::<_, &[u8]>(0), 0)).collect())
    }

    fn scan(&mut self, asset: u8, visit: &mut dyn FnMut(u64, Move)) -> Result<()> {
        let sql = "SELECT id, source, target, amount FROM transfer WHERE asset = $1 ORDER BY id";
        let asset = i16::from(asset);
        let asked: [&(dyn ToSql + Sync); 1] = [&asset];
        let mut rows = self.db.query_raw(sql, asked)?;
        while let Some(row) = rows.next()? {
            let end = |at| row.get::<_, Option<i32>>(at).map_or(NOBODY, i32::cast_unsigned);
            let next = Move { from: end(1), to: end(2), amount: long(row.get(3)) };
            visit(row.get::<_, i64>(0).cast_unsigned(), next);
        }
        Ok(())
    }

    fn undo(&mut self, keep: &BlockRow) -> Result<()> {
        let mut transaction = self.db.transaction()?;
        let transfers = keep.transfers.cast_signed();
        let (txs, addresses) = (keep.transactions.cast_signed(), keep.addresses.cast_signed());
        transaction.execute("DELETE FROM transfer WHERE id >= $1", &[&transfers])?;
        transaction.execute("DELETE FROM tx WHERE id >= $1", &[&txs])?;
        transaction.execute("DELETE FROM address WHERE id >= $1", &[&addresses])?;
        let height = keep.height.cast_signed();
        transaction.execute("DELETE FROM block WHERE height > $1", &[&height])?;
        Ok(transaction.commit()?)
    }

    /// Tables and indexes alone: the log and the server's own tables would drown them.
    fn bytes(&mut self) -> Result<Option<u64>> {
        let sql = "SELECT sum(pg_total_relation_size(oid))::int8 FROM pg_class
                   WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
        Ok(Some(self.db.query_one(sql, &[])?.get::<_, i64>(0).cast_unsigned()))
    }

    fn processes(&self) -> Vec<u32> {
        vec![self.server.process.id()]
    }
}

fn write_transfers(transaction: &mut postgres::Transaction<'_>, batch: &Batch) -> Result<()> {
    let out = transaction.copy_in("COPY transfer FROM STDIN BINARY")?;
    let types =
        [Type::INT8, Type::INT4, Type::INT4, Type::INT4, Type::INT4, Type::INT2, Type::BYTEA];
    let mut out = BinaryCopyInWriter::new(out, &types);
    for (id, record) in (batch.before.transfers..).zip(&batch.transfers) {
        let (bytes, zeros) = short(record.amount);
        let end = |end: u32| (end != NOBODY).then_some(end.cast_signed());
        out.write(&[
            &id.cast_signed(),
            &record.transaction.cast_signed(),
            &end(record.from),
            &end(record.to),
            &record.position.cast_signed(),
            &i16::from(record.asset),
            &&bytes[zeros..],
        ])?;
    }
    out.finish()?;
    Ok(())
}

fn show(rows: &[Row], visit: Visit<'_>) {
    for row in rows {
        let whole = Whole {
            hash: row.get(1),
            from: row.get(2),
            to: row.get(3),
            asset: u8::try_from(row.get::<_, i16>(4)).expect("we wrote less than 256"),
            position: row.get::<_, i32>(5).cast_unsigned(),
            amount: long(row.get(6)),
        };
        visit(row.get::<_, i64>(0).cast_unsigned(), &whole);
    }
}
