//! `interdict case` and `interdict journal`: casework saved, brought back, and checked offline.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use case::By;
use case::backup::{self, Table};
use case::db::Db;
use case::journal::{self, Head};
use model::Timestamp;
use serve::{App, Settings};

use super::serve::{open_casework, read_config};
use crate::cell::exchange::{self, Customers};
use crate::cli::{CaseCommand, CaseworkArgs, JournalCommand, TextFormat};
use crate::home::Home;
use crate::out::Out;

pub fn case(home: &Home, command: CaseCommand, out: &Out) -> Result<ExitCode> {
    match command {
        CaseCommand::Backup { out: file, casework } => {
            let db = open(home, &casework)?;
            let rows =
                into_new(&file, |to| Ok(backup::write(&db, &tables(), Timestamp::now(), to)?))?;
            out.print(&format!("{rows} rows of casework written to {}\n", file.display()))?;
        }
        CaseCommand::Reseal { casework } => {
            let db = open(home, &casework)?;
            let config = read_config(home, &casework)?;
            let vault = home.vault(config.casework.secrets_key.value.as_deref())?;
            let by = By::new("command line", Timestamp::now());
            let count = Customers::anew(&db, &by, &vault)?;
            out.print(&format!("{count} customers are found by a new secret\n"))?;
        }
        CaseCommand::Restore { file, casework } => {
            let db = open(home, &casework)?;
            let name = file.display();
            let lines = File::open(&file).with_context(|| format!("cannot read {name}"))?;
            let rows = backup::restore(&db, &tables(), &mut BufReader::new(lines))
                .with_context(|| format!("{name} was not restored, and nothing was changed"))?;
            match journal::verify_stored(&db)? {
                Ok(head) => {
                    let head = head.as_ref().map_or_else(|| "empty".into(), said);
                    out.print(&format!("{rows} rows restored; the journal is whole: {head}\n"))?;
                }
                Err(broken) => {
                    bail!("{rows} rows were restored, and the journal is not whole: {broken}")
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub fn journal(home: &Home, command: JournalCommand, out: &Out) -> Result<ExitCode> {
    match command {
        JournalCommand::Export { out: file, casework } => {
            let db = open(home, &casework)?;
            let head = match &file {
                Some(file) => into_new(file, |to| Ok(journal::export(&db, to)?))?,
                None => {
                    let mut lines = Vec::new();
                    let head = journal::export(&db, &mut lines)?;
                    out.print(&String::from_utf8_lossy(&lines))?;
                    head
                }
            };
            let head = head.as_ref().map_or_else(|| "empty".into(), said);
            out.note(&format!("head {head}: write it down elsewhere, for `journal verify --head`"));
        }
        JournalCommand::Verify { file, head, format } => {
            let expected = head.as_deref().map(read_head).transpose()?;
            let name = file.display();
            let text =
                std::fs::read_to_string(&file).with_context(|| format!("cannot read {name}"))?;
            let head = journal::verify(text.lines(), expected.as_ref())
                .with_context(|| format!("{name} is not whole"))?;
            match format {
                TextFormat::Json => out.json(&serde_json::json!({ "head": head }))?,
                TextFormat::Table => {
                    let head = head.as_ref().map_or_else(|| "empty".into(), said);
                    out.print(&format!("{name} is whole: {head}\n"))?;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// As `--head` reads it.
fn said(head: &Head) -> String {
    format!("{}:{}", head.seq, head.hash)
}

fn read_head(text: &str) -> Result<Head> {
    let parts = text.split_once(':').and_then(|(seq, hash)| {
        let seq = seq.parse().ok().filter(|seq| *seq > 0)?;
        let is_hash = hash.len() == 64 && hash.bytes().all(|c| c.is_ascii_hexdigit());
        is_hash.then(|| Head { seq, hash: hash.to_ascii_lowercase() })
    });
    parts
        .ok_or_else(|| anyhow!("--head {text:?}: expected a number and 64 hex digits, as 17:3b6a…"))
}

/// Casework with every table of every part.
pub(super) fn open(home: &Home, casework: &CaseworkArgs) -> Result<Arc<Db>> {
    let db = open_casework(home, &read_config(home, casework)?)?;
    App::open(db.clone(), Settings::default())?;
    // The tables alone: a restore brings the secret by which customers are found.
    db.migrate(exchange::COMPONENT, exchange::STEPS)?;
    Ok(db)
}

/// What people and programs did and may do; not what lasts minutes: sessions, links, answers kept for a
/// write that is sent again.
fn tables() -> Vec<Table> {
    [backup::TABLES, serve::access::BACKUP, exchange::TABLES].concat()
}

/// Writes a file that is not there yet, readable by its owner only. Half of one does not stay.
fn into_new<T>(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let doing = || format!("cannot write {}", path.display());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).with_context(doing)?;
    let mut to = BufWriter::new(file);
    let written = write(&mut to).and_then(|written| {
        let file = to.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(written)
    });
    if written.is_err() {
        drop(std::fs::remove_file(path));
    }
    written.with_context(doing)
}
