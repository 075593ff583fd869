//! How each chain is followed: read while the follower runs, and after it died.

use anyhow::Result;
use model::{Chain, Timestamp};
use serde::Serialize;
use store::{Followed, Store};

use crate::commands::follow::duration;
use crate::follow::{ChainReport, pending};
use crate::home::Home;

/// One chain, as `interdict status --format json` gives it.
#[derive(Debug, Serialize)]
pub struct Row {
    chain: Chain,
    /// The newest block that is stored.
    height: Option<u64>,
    hash: Option<String>,
    time: Option<Timestamp>,
    /// Blocks behind what its nodes said last, and how old the newest stored block is.
    lag_blocks: Option<u64>,
    lag_seconds: Option<i64>,
    /// Does the process that followed it last still do so?
    is_running: bool,
    last_final: Option<u64>,
    /// Blocks that can be undone.
    undoable: Option<Heights>,
    /// Heights that are held whole, with what of them the node could not see.
    coverage: Vec<Range>,
    /// When a block came last.
    appended: Option<Timestamp>,
    /// Why a node could not be asked what waits for a block, if so.
    pending_trouble: Option<String>,
    /// What the follower said of itself last.
    follower: Option<ChainReport>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Heights {
    first: u64,
    last: u64,
}

#[derive(Debug, Serialize)]
struct Range {
    first: u64,
    last: u64,
    not_seen: String,
}

pub fn rows(home: &Home, store: &Store) -> Result<Vec<Row>> {
    let writing = home.writing_process();
    Ok(store.followed()?.iter().map(|followed| row(followed, writing)).collect())
}

fn row(followed: &Followed, writing: Option<u32>) -> Row {
    let (tip, report) = (followed.tip, ChainReport::of(followed));
    let last_tip = report.as_ref().and_then(|report| report.tip);
    let lag = |tip: store::follow::Tip| Some(last_tip?.saturating_sub(tip.height));
    let time = tip.and_then(|tip| tip.time);
    let coverage = followed.ranges.iter().map(|range| Range {
        first: range.first,
        last: range.last,
        not_seen: range.unseen.clone(),
    });
    Row {
        chain: followed.chain,
        height: tip.map(|tip| tip.height),
        hash: tip.map(|tip| tip.hash.text(followed.chain)),
        time,
        lag_blocks: tip.and_then(lag),
        lag_seconds: time.map(|time| Timestamp::now().as_second() - time.as_second()),
        is_running: report.as_ref().is_some_and(|report| Some(report.process) == writing),
        last_final: report.as_ref().and_then(|report| report.last_final),
        undoable: followed
            .hot
            .as_ref()
            .map(|hot| Heights { first: *hot.start(), last: *hot.end() }),
        coverage: coverage.collect(),
        appended: followed.appended,
        pending_trouble: followed.notes.get(pending::TROUBLE).cloned(),
        follower: report,
    }
}

/// A few lines for people.
pub fn text(row: &Row) -> String {
    let name = row.chain.name();
    let held = match (row.height, &row.hash) {
        (Some(height), Some(hash)) => format!("block {height} {hash}"),
        _ => "no block yet".into(),
    };
    let mut text = format!("following  {name}: {held}{}\n", lag(row));
    let mut add = |line: String| text += &format!("           {line}\n");
    if let Some(report) = &row.follower {
        let doing = report.doing.text();
        add(match row.is_running {
            true => format!("process {} runs: {doing}{}", report.process, rate(report)),
            false => format!("no process follows it; the last one was {doing}, {}", report.updated),
        });
        let last_final = match row.last_final {
            Some(height) => format!("final up to {height}"),
            None => "nothing final yet".into(),
        };
        add(format!("{last_final} ({})", report.finality));
        if let Some(from) = report.from {
            add(format!("wanted from block {from} on"));
        }
    }
    for range in &row.coverage {
        let unseen = match range.not_seen.as_str() {
            "" => String::new(),
            unseen => format!("; not seen: {unseen}"),
        };
        add(format!("held whole: {} to {}{unseen}", range.first, range.last));
    }
    let Some(report) = &row.follower else { return text };
    if let Some(trouble) = &row.pending_trouble {
        add(format!("what waits for a block is not known: {trouble}"));
    }
    if let Some(error) = &report.last_error {
        add(format!("last error {}: {}", error.at, error.what));
    }
    for node in &report.nodes {
        let tip = node.tip.map_or_else(String::new, |tip| format!(", at {tip}"));
        add(format!(
            "node {}: {}{tip}, {} of {} failed",
            node.node, node.state, node.failed, node.asked
        ));
    }
    text
}

fn lag(row: &Row) -> String {
    let mut text = String::new();
    if let Some(blocks) = row.lag_blocks {
        text += &format!(", {} behind", crate::commands::import::count(blocks, "block", "blocks"));
    }
    if let Some(seconds) = row.lag_seconds.and_then(|seconds| u64::try_from(seconds).ok()) {
        text += &format!(", {} old", duration(seconds));
    }
    text
}

fn rate(report: &ChainReport) -> String {
    let mut text = String::new();
    if let Some(rate) = report.blocks_per_second {
        text += &format!(", {rate} blocks/s");
    }
    if let Some(left) = report.seconds_left {
        text += &format!(", {} left", duration(left));
    }
    text
}
