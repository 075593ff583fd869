//! A check as people read it: by topic, the weightiest first, each with its evidence.

use model::{U256, amount};
use token::{Check, Evidence, Statement, Weight};

pub fn of(check: &Check) -> String {
    let mut text = head(check);
    let mut statements: Vec<&Statement> = check.statements.iter().collect();
    statements.sort_by_key(|statement| statement.topic);
    let mut topic = None;
    for statement in statements {
        if topic != Some(statement.topic) {
            text += &format!("{}\n", statement.topic.name());
            topic = Some(statement.topic);
        }
        text += &format!("  {} {}\n", mark(statement.weight), statement.text);
        for evidence in &statement.evidence {
            text += &format!("      {}\n", shortened(evidence));
        }
    }
    if !check.holders.is_empty() {
        text += "holders\n";
        for holder in &check.holders {
            let share = holder.share_bps.map_or_else(
                || "    ?".to_string(),
                |bps| format!("{:>3}.{:02}%", bps / 100, bps % 100),
            );
            let what = if holder.is_contract == Some(true) { "contract" } else { "" };
            let labels = holder.labels.join(", ");
            text += &format!(
                "  {share}  {}  {}  {what} {labels}\n",
                holder.address,
                units(check, &holder.amount)
            );
        }
    }
    text
}

fn head(check: &Check) -> String {
    let name = check.name.as_deref().unwrap_or("?");
    let symbol = check.symbol.as_deref().unwrap_or("?");
    let mut text = format!("{name} ({symbol})\n{}\n", check.asset);
    if let Some(supply) = &check.supply {
        text += &format!("supply {}\n", units(check, supply));
    }
    if let Some(block) = &check.block {
        text += &format!("as of block {} ({})\n", block.height, block.hash);
    }
    text
}

/// Whole units where the decimals are known, else base units.
fn units(check: &Check, base: &str) -> String {
    match (check.decimals, base.parse::<U256>()) {
        (Some(decimals), Ok(value)) => amount::format_units(value, decimals),
        _ => format!("{base} base units"),
    }
}

fn mark(weight: Weight) -> &'static str {
    match weight {
        Weight::Danger => "!!",
        Weight::Caution => "! ",
        Weight::Fact => "  ",
        Weight::Unknown => "? ",
    }
}

fn shortened(evidence: &Evidence) -> String {
    const CHARS_MAX: usize = 200;
    let text = evidence.to_string();
    match text.char_indices().nth(CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}
