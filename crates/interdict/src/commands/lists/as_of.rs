//! `interdict lists as-of`: which version of each list was in force on a day, and who was on it.

use std::process::ExitCode;

use anyhow::Result;
use model::Date;
use serde::Serialize;

use crate::cli::{ListAsOfArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;

#[derive(Serialize)]
struct Row {
    list: String,
    /// None before the first version kept: the list cannot say.
    date: Option<Date>,
    file_hash: Option<String>,
    /// Entries whose orders had not run out by then.
    entries: u64,
    /// Entries whose orders had.
    expired: u64,
    parties: u64,
    /// The next version kept, if any: until then this one holds.
    until: Option<Date>,
}

pub fn run(home: &Home, args: &ListAsOfArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let versions = store.list_versions()?;
    let mut rows = Vec::new();
    // They come by list and date.
    for of_list in versions.chunk_by(|a, b| a.version.list == b.version.list) {
        let after = of_list.partition_point(|row| row.version.date <= args.date);
        let until = of_list.get(after).map(|row| row.version.date);
        let in_force = after.checked_sub(1).map(|at| &of_list[at]);
        let listings = in_force.map(|row| store.listings_of(&row.version)).transpose()?;
        let listings = listings.unwrap_or_default();
        let expired = listings.iter().filter(|listing| listing.has_expired(args.date)).count();
        rows.push(Row {
            list: of_list[0].version.list.clone(),
            date: in_force.map(|row| row.version.date),
            file_hash: in_force.map(|row| row.version.file_hash.clone()),
            entries: (listings.len() - expired) as u64,
            expired: expired as u64,
            parties: in_force.map_or(0, |row| row.parties),
            until,
        });
    }
    match args.format {
        TextFormat::Json => out.json(&rows)?,
        TextFormat::Table => out.print(&text(&rows, args.date))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn text(rows: &[Row], day: Date) -> String {
    if rows.is_empty() {
        return "No lists yet. `interdict lists import` takes one in.\n".to_string();
    }
    let mut text = format!("In force on {day}:\n");
    for row in rows {
        text += &match row.date {
            Some(date) => {
                let expired = match row.expired {
                    0 => String::new(),
                    n => format!(", {n} run out"),
                };
                let until = row.until.map(|date| format!(", until {date}")).unwrap_or_default();
                format!(
                    "{:<24} of {date}{until}  {:>7} entries{expired}  {:>6} parties\n",
                    row.list, row.entries, row.parties
                )
            }
            None => format!("{:<24} not covered: no version that old is kept\n", row.list),
        };
    }
    text
}
