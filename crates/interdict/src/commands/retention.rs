//! `interdict retention`: people whose time is over, and their end.

use std::process::ExitCode;

use anyhow::Result;
use case::By;
use case::personal::{self, Due, Holds};
use model::Timestamp;

use super::casework::open;
use crate::cell::exchange::customers;
use crate::cli::{RetentionCommand, TextFormat};
use crate::home::Home;
use crate::out::Out;

/// As the journal names who acts here.
const BY: &str = "command line";

pub fn run(home: &Home, command: RetentionCommand, out: &Out) -> Result<ExitCode> {
    let holds = Holds::of_casework().and(customers::hold);
    match command {
        RetentionCommand::Due { format, casework } => {
            let db = open(home, &casework)?;
            let due = personal::due(&db, Timestamp::now(), &holds)?;
            match format {
                TextFormat::Json => out.json(&due)?,
                TextFormat::Table => out.print(&shown(&due))?,
            }
        }
        RetentionCommand::Erase { format, casework } => {
            let db = open(home, &casework)?;
            let swept = personal::erase_due(&db, &By::new(BY, Timestamp::now()), &holds)?;
            customers::forget_erased(&db)?;
            match format {
                TextFormat::Json => out.json(&swept)?,
                TextFormat::Table => {
                    let (erased, held) = (swept.erased.len(), swept.held.len());
                    out.print(&format!(
                        "{erased} erased, {held} held: `interdict retention due`\n"
                    ))?;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(due: &[Due]) -> String {
    if due.is_empty() {
        return "nobody's time is over\n".into();
    }
    let line = |due: &Due| {
        let held_by = due.held_by.as_deref().unwrap_or("nothing");
        format!("person {:8} until {}  held by {held_by}\n", due.person.id, due.person.retain_until)
    };
    due.iter().map(line).collect()
}
