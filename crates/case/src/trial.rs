//! Databases for tests: a SQLite file, and a PostgreSQL that is started for the test and ends with it.

pub mod listings;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::db::{Db, Place};

/// A PostgreSQL of its own, on a socket in a private folder.
pub struct Server {
    folder: tempfile::TempDir,
}

/// Runs a test on SQLite and then on PostgreSQL.
///
/// # Panics
/// Where PostgreSQL is not installed: a test that is quietly left out proves nothing.
pub fn on_both(test: impl Fn(&Db)) {
    let folder = tempfile::tempdir().expect("a folder for a test");
    let place = Place::Sqlite(folder.path().join("casework.sqlite"));
    test(&crate::open(&place).expect("casework in SQLite"));
    let server = Server::start();
    test(&crate::open(&server.place("test")).expect("casework in PostgreSQL"));
}

impl Server {
    /// # Panics
    /// When it cannot be started.
    pub fn start() -> Server {
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").expect("a folder");
        let server = Server { folder };
        if is_root() {
            // PostgreSQL does not run as root.
            let path = server.folder.path();
            run(Command::new("chown").arg("postgres").arg(path));
        }
        run(server.tool("initdb").args(["--no-sync", "-A", "trust", "-U", "cell", "-E", "UTF8"]));
        server.run_again();
        server
    }

    /// Starts it on the data it had, after [`Server::kill`].
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn run_again(&self) {
        let socket = self.folder.path().display();
        let options = format!("-c listen_addresses='' -c unix_socket_directories='{socket}'");
        let log = self.folder.path().join("log");
        let is_started = || {
            let mut start = self.tool("pg_ctl");
            start.args(["start", "-w", "-t", "60", "-l"]).arg(&log).args(["-o", &options]);
            start.stdout(Stdio::null()).stderr(Stdio::null());
            start.status().is_ok_and(|status| status.success())
        };
        // After a kill it refuses to start until the last child of the old one has seen it.
        for _ in 0..50 {
            if is_started() {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("PostgreSQL does not start: {}", std::fs::read_to_string(&log).unwrap_or_default());
    }

    /// A database of this name, made when there is none.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn place(&self, database: &str) -> Place {
        let mut client = ::postgres::Client::connect(&self.url("postgres"), ::postgres::NoTls)
            .expect("the server answers");
        let is_there = client
            .query("SELECT 1 FROM pg_database WHERE datname = $1", &[&database])
            .expect("databases are listed");
        if is_there.is_empty() {
            client.batch_execute(&format!("CREATE DATABASE {database}")).expect("a database");
        }
        Place::Postgres(self.url(database))
    }

    fn url(&self, database: &str) -> String {
        let socket = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgresql://cell@{socket}/{database}")
    }

    /// Ends the whole server as a lost machine would, without a goodbye.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&self) {
        let file = self.folder.path().join("data/postmaster.pid");
        let text = std::fs::read_to_string(file).expect("the server says its number");
        let number = text.lines().next().expect("a number").to_string();
        // Its children end when they see that it is gone.
        run(Command::new("kill").args(["-9", &number]));
        std::thread::sleep(Duration::from_millis(300));
    }

    fn tool(&self, name: &str) -> Command {
        let program = bin().join(name);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"])
                .arg(program);
            command
        } else {
            Command::new(program)
        };
        command.arg("-D").arg(self.folder.path().join("data"));
        command.current_dir(self.folder.path());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = self.tool("pg_ctl");
        stop.args(["stop", "-m", "immediate", "-w"]).stdout(Stdio::null()).stderr(Stdio::null());
        drop(stop.status());
    }
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_done = status.as_ref().is_ok_and(std::process::ExitStatus::success);
    assert!(is_done, "{command:?} failed: {status:?}");
}

/// Where the programs of PostgreSQL are: `INTERDICT_POSTGRES_BIN`, else the newest of Debian's folders,
/// else the search path.
fn bin() -> PathBuf {
    if let Some(folder) = std::env::var_os("INTERDICT_POSTGRES_BIN") {
        return folder.into();
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin")).max().unwrap_or_default()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout == b"0\n")
}

/// A packet of a drafted request, from a report of a trace that found nothing.
pub fn packet(request: &crate::freeze::FreezeRequest) -> crate::freeze::packet::Packet {
    use crate::freeze::packet::{self, Circumstances, Requester};
    let report = serde_json::json!({
        "format": "interdict-trace", "version": 1, "policy": "fifo", "conserves": true,
        "direction": "forward", "sources": [], "nodes": [], "edges": [], "crossings": [],
        "assets": [], "coverage": { "chains": [], "notes": [] },
    });
    let requester = Requester {
        name: "Ada".into(),
        organisation: "Cell".into(),
        authority: "Officer".into(),
        jurisdiction: "NZ".into(),
        contact: Vec::new(),
    };
    let said = Circumstances {
        requester: &requester,
        holder: &crate::holders::named(&request.holder),
        summary: "Money was stolen.",
        made_by: "test",
        now: request.revised,
        evidence: &[],
    };
    packet::of(request, &report.to_string(), &said).expect("a draft has a packet")
}
