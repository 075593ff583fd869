//! Labels as files for others: our own table, which loses nothing, and a TagPack.

use std::fmt::Write;

use model::{Label, Subject};

use super::super::subject::network_of;
use super::csv::COLUMNS;

/// The table that [`super::read_csv`] reads back.
pub fn csv(labels: &[Label]) -> String {
    let mut table = csv::Writer::from_writer(Vec::new());
    let written = table
        .write_record(COLUMNS)
        .and_then(|()| labels.iter().try_for_each(|label| table.write_record(record(label))));
    written.expect("memory takes every record, and all have one length");
    let bytes = table.into_inner().expect("memory is flushed");
    String::from_utf8(bytes).expect("what is written is text")
}

fn record(label: &Label) -> Vec<String> {
    let (address, tx, chain) = subject(label);
    let day = |date: Option<model::Date>| date.map(|date| date.to_string()).unwrap_or_default();
    vec![
        address,
        tx,
        chain,
        label.name.clone(),
        label.concepts.join(";"),
        label.actor.clone().unwrap_or_default(),
        label.confidence.id.clone(),
        label.source.clone(),
        day(label.date),
        day(label.tag.valid_until),
        label.tag.kind.name().to_string(),
        label.tag.is_cluster_definer.to_string(),
        label.tag.context.clone().unwrap_or_default(),
    ]
}

/// Address, transaction and chain, empty where there is none.
fn subject(label: &Label) -> (String, String, String) {
    match &label.subject {
        Subject::Account(account) => {
            (account.address.text(account.chain), String::new(), network_of(account.chain))
        }
        Subject::Transaction(tx) => (String::new(), tx.hash_text(), network_of(tx.chain)),
        Subject::Identifier(identifier) => {
            (identifier.text.clone(), String::new(), label.network.clone().unwrap_or_default())
        }
    }
}

/// A GraphSense TagPack. It has no field for the last day a label holds: that stays behind, and so
/// does an open network, which the format demands and which is written `ANY`.
pub fn tagpack(labels: &[Label], title: &str, creator: &str) -> String {
    let mut pack = format!("title: {}\ncreator: {}\ntags:\n", quoted(title), quoted(creator));
    if labels.is_empty() {
        pack = pack.replace("tags:\n", "tags: []\n");
    }
    for label in labels {
        tag(&mut pack, label).expect("text takes text");
    }
    pack
}

fn tag(pack: &mut String, label: &Label) -> std::fmt::Result {
    let (address, tx, chain) = subject(label);
    let (key, whom) = if tx.is_empty() { ("address", address) } else { ("tx_hash", tx) };
    let network = if chain.is_empty() { "ANY".to_string() } else { chain };
    writeln!(pack, "  - {key}: {}", quoted(&whom))?;
    let mut field = |name: &str, text: &str| writeln!(pack, "    {name}: {}", quoted(text));
    field("currency", &network)?;
    field("network", &network)?;
    field("label", &label.name)?;
    field("source", &label.source)?;
    field("confidence", &label.confidence.id)?;
    field("tag_type", label.tag.kind.name())?;
    if let Some(actor) = &label.actor {
        field("actor", actor)?;
    }
    if let Some(date) = label.date {
        field("lastmod", &date.to_string())?;
    }
    if let Some(context) = &label.tag.context {
        field("context", context)?;
    }
    if label.tag.is_cluster_definer {
        writeln!(pack, "    is_cluster_definer: true")?;
    }
    if !label.concepts.is_empty() {
        let concepts: Vec<String> = label.concepts.iter().map(|word| quoted(word)).collect();
        writeln!(pack, "    concepts: [{}]", concepts.join(", "))?;
    }
    Ok(())
}

/// A text of JSON is one of YAML, whatever it holds.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_string()).to_string()
}
