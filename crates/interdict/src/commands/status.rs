//! `interdict status`: what the home holds, and how chains are followed.

mod following;

use std::process::ExitCode;

use anyhow::Result;
use model::View;

use crate::cli::{StatusArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;

pub fn run(home: &Home, args: StatusArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let stats = store.stats()?;
    let coverage = store.coverage()?;
    let files = store.files()?;
    let following = following::rows(home, &store)?;
    if args.format == TextFormat::Json {
        let met = store.oddities(usize::MAX)?.into_iter().map(
            |row| serde_json::json!({ "file": row.file, "at": row.oddity.at, "what": row.oddity.what }),
        );
        let unresolved = store.unresolved(usize::MAX)?;
        let missing = unresolved
            .iter()
            .map(|tx| serde_json::json!({ "file": null, "at": tx.id, "what": missing(tx) }));
        let oddities: Vec<_> = met.chain(missing).collect();
        let files: Vec<_> = files
            .iter()
            .map(|file| serde_json::json!({ "name": file.name, "sha256": file.sha256, "read_as": file.purpose, "bytes": file.bytes }))
            .collect();
        out.json(&serde_json::json!({
            "home": home.path(), "stats": stats, "coverage": coverage, "files": files, "oddities": oddities,
            "following": following,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    out.print(&format!("home       {}\n", home.path().display()))?;
    out.print(&format!(
        "held       {} transfers, {} addresses, {} blocks from {} files, {} bytes\n",
        stats.transfers, stats.addresses, stats.blocks, stats.files, stats.bytes_on_disk
    ))?;
    for chain in coverage {
        let span = match (chain.time_first, chain.time_last) {
            (Some(first), Some(last)) => format!("{first} to {last}"),
            _ => "times unknown".to_string(),
        };
        out.print(&format!("{:<10} {} transfers, {span}\n", chain.chain.name(), chain.transfers))?;
    }
    for row in &following {
        out.print(&following::text(row))?;
    }
    for row in store.list_versions()? {
        out.print(&format!(
            "list       {} of {}, {} entries\n",
            row.version.list, row.version.date, row.entries
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What of a transaction is missing: the outputs it spends that are not held.
pub fn missing(tx: &model::UtxoTransaction) -> String {
    let outpoints: Vec<String> = tx
        .unresolved()
        .map(|outpoint| format!("{}:{}", outpoint.tx.hash_text(), outpoint.index))
        .collect();
    format!(
        "{} of {} inputs spend outputs whose transactions are not in the data: {}",
        outpoints.len(),
        tx.inputs.len(),
        outpoints.join(", ")
    )
}
