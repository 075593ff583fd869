//! What the importers' tests share: running one over bytes.

use std::io::{BufReader, Read};

use model::{Fact, Memory};

use super::{Format, ImportError, Options, Summary, import_reader};

pub fn facts_of(
    format: Format,
    name: &str,
    bytes: &[u8],
    options: &Options,
) -> Result<(Vec<Fact>, Summary), ImportError> {
    facts_in_chunks(format, name, bytes, options, bytes.len().max(1))
}

/// As [`facts_of`], read so many bytes at a time.
pub fn facts_in_chunks(
    format: Format,
    name: &str,
    bytes: &[u8],
    options: &Options,
    chunk: usize,
) -> Result<(Vec<Fact>, Summary), ImportError> {
    let mut facts = Vec::new();
    let mut reader = BufReader::with_capacity(chunk, bytes.take(u64::MAX));
    let summary = import_reader(format, name, &mut reader, options, &mut |_| {}, &mut |fact| {
        facts.push(fact);
        Ok(())
    })?;
    Ok((facts, summary))
}

pub fn on(chain: &str) -> Options {
    Options { chain: Some(chain.parse().expect("a chain")) }
}

/// What a store makes of the facts.
pub fn settled(facts: &[Fact]) -> Memory {
    Memory::from_facts(facts.iter().cloned())
}

pub fn oddities(facts: &[Fact]) -> Vec<String> {
    facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Oddity(oddity) => Some(format!("{}: {}", oddity.at, oddity.what)),
            _ => None,
        })
        .collect()
}

pub fn fixture(path: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(path)
}

pub fn read_fixture(path: &str) -> Vec<u8> {
    std::fs::read(fixture(path)).expect(path)
}
