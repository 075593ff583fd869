//! Between what is worked out and what is kept: entries and outputs as bytes, by address.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use model::{Account, Address, Position, Transfer, TransferId, TxHash, UtxoTransaction};
use store::provenance::{BlockChange, NameRow, OutputKey, OutputRow, Provenance, Reach};
use trace::exposure::{Marked, ServiceKey};
use trace::provenance::{Books, Origin, OriginName, Output, Phase, block, code};

/// A block, or several that follow each other: either kind of chain has one of both.
#[derive(Default)]
pub struct BlockPart {
    pub transfers: Vec<Transfer>,
    pub transactions: Vec<UtxoTransaction>,
}

/// What a block makes of what is kept, to be appended.
pub fn change(
    kept: &Provenance,
    marked: &Marked,
    part: &BlockPart,
    reach: Reach,
) -> Result<BlockChange> {
    let chain = kept.chain();
    let mut books = Books::new(marked);
    let mut old: BTreeMap<Account, Vec<u8>> = BTreeMap::new();
    let mut touched = block::accounts(&part.transfers);
    touched.extend(block::utxo_accounts(&part.transactions));
    for account in touched {
        if let Some(bytes) = kept.entry(account.address.bytes())? {
            let entry =
                code::decode(&bytes).with_context(|| format!("read what is kept of {account}"))?;
            books.load(account.clone(), entry);
            old.insert(account, bytes);
        }
    }
    let mut spent = Vec::new();
    for id in block::utxo_spends(&part.transactions) {
        if let Some(row) = kept.output(&output_key(&id))? {
            let output = Output {
                account: account(chain, &row.address)?,
                parts: code::decode_parts(&row.parts)?,
            };
            books.load_output(id.clone(), output);
            spent.push(id);
        }
    }
    books.block(&part.transfers);
    books.utxo_block(&part.transactions);
    let mut change = BlockChange { reach, names: names(books.names()), ..BlockChange::default() };
    change.reach.transfers += books.transfers;
    for (account, entry) in books.entries() {
        let bytes = code::encode(entry);
        if old.get(account) != Some(&bytes) {
            change.entries.insert(account.address.bytes().to_vec(), bytes);
        }
    }
    for (account, said) in books.met() {
        change.marks.insert(account.address.bytes().to_vec(), said);
    }
    spent.iter().for_each(|id| drop(change.outputs.insert(output_key(id), None)));
    for (id, output) in books.outputs() {
        change.outputs.insert(output_key(id), Some(output_row(output)));
    }
    Ok(change)
}

pub fn output_key(id: &TransferId) -> OutputKey {
    let index = match id.position {
        Position::Output(index) => index,
        _ => u32::MAX,
    };
    OutputKey { tx: id.tx.hash, index }
}

pub fn output_row(output: &Output) -> OutputRow {
    let address = output.account.address.bytes().to_vec();
    OutputRow { address, parts: code::encode_parts(&output.parts) }
}

pub fn names(names: &BTreeMap<Origin, OriginName>) -> Vec<NameRow> {
    let row = |(origin, name): (&Origin, &OriginName)| NameRow {
        origin: origin.0,
        key: name.key.to_string(),
        phase: name.phase.letter().to_string(),
    };
    names.iter().map(row).collect()
}

/// The names as they are kept.
pub fn named(kept: &Provenance) -> Result<BTreeMap<Origin, OriginName>> {
    let mut names = BTreeMap::new();
    for row in kept.names()? {
        let key: ServiceKey =
            row.key.parse().with_context(|| format!("read the service {:?}", row.key))?;
        let phase = Phase::of_letter(&row.phase)
            .with_context(|| format!("read the phase {:?}", row.phase))?;
        names.insert(Origin(row.origin), OriginName { key, phase });
    }
    Ok(names)
}

fn account(chain: model::Chain, address: &[u8]) -> Result<Account> {
    let address = Address::from_bytes(address, chain).context("read an address that is kept")?;
    Ok(Account { chain, address })
}

/// Stands for the hash of blocks that are final, which nobody compares.
pub fn no_hash() -> TxHash {
    TxHash::new(&[0; 32])
}
