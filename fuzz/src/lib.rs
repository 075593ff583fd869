//! What the targets that import chain files share: the laws every importer keeps.

use std::io::BufReader;

use chain::import::{Format, ImportError, Options, Summary, import_bytes, import_reader};
use model::{BitcoinNetwork, Chain, Fact, Memory, View};

/// Larger files find nothing that smaller ones do not, only more slowly.
const BYTES_MAX: usize = 64 << 10;

/// Imports a file; the first byte chooses the `--chain` it is imported with.
pub fn import(format: Format, name: &str, bytes: &[u8]) {
    let Some((&choice, file)) = bytes.split_first() else { return };
    if file.len() > BYTES_MAX {
        return;
    }
    let options = Options { chain: chain(choice) };
    let mut facts = Vec::new();
    let whole = import_bytes(format, name, file, &options, &mut |fact| {
        facts.push(fact);
        Ok(())
    });
    let (in_pieces, again) = import_in_pieces(format, name, file, &options, choice);
    match (whole, again) {
        (Ok(whole), Ok(again)) => {
            assert_eq!(whole, again, "the pieces a file is read in change its summary");
            assert_eq!(facts, in_pieces, "the pieces a file is read in change its facts");
            settle(facts);
        }
        (Err(whole), Err(again)) => {
            assert_eq!(whole.to_string(), again.to_string());
        }
        (whole, again) => panic!("whole: {whole:?}, in pieces: {again:?}"),
    }
}

fn chain(choice: u8) -> Option<Chain> {
    const CHAINS: [Chain; 6] = [
        Chain::ETHEREUM,
        Chain::BNB,
        Chain::BITCOIN,
        Chain::Bitcoin(BitcoinNetwork::Regtest),
        Chain::TRON,
        Chain::SOLANA,
    ];
    CHAINS.get(usize::from(choice) % (CHAINS.len() + 1)).copied()
}

fn import_in_pieces(
    format: Format,
    name: &str,
    file: &[u8],
    options: &Options,
    choice: u8,
) -> (Vec<Fact>, Result<Summary, ImportError>) {
    let mut facts = Vec::new();
    let mut reader = BufReader::with_capacity(1 + usize::from(choice), file);
    let summary = import_reader(format, name, &mut reader, options, &mut |_| {}, &mut |fact| {
        facts.push(fact);
        Ok(())
    });
    (facts, summary)
}

/// A file imported twice is a file imported once, and the order of facts does not matter.
fn settle(facts: Vec<Fact>) {
    let once = Memory::from_facts(facts.iter().cloned());
    let twice = Memory::from_facts(facts.iter().chain(&facts).cloned());
    assert_eq!(once.transfers(), twice.transfers());
    let backwards = Memory::from_facts(facts.into_iter().rev());
    assert_eq!(once.transfers(), backwards.transfers());
    assert_eq!(once.coverage().expect("memory answers"), twice.coverage().expect("memory answers"));
}
