//! CoinJoins: real rounds, rounds made by hand, and what only looks like one.

mod real;
mod rounds;
mod twins;

use entity::coinjoin::{Family, NoPast, Round, recognise};
use model::{Address, Chain, Input, Outpoint, Output, Timestamp, TxHash, TxId, UtxoTransaction};

pub const DAY_2021: &str = "2021-08-21T00:00:00Z";
pub const DAY_2024: &str = "2024-09-01T00:00:00Z";

#[derive(Clone, Copy)]
pub enum Kind {
    Legacy,
    Witness,
    Taproot,
}

pub fn script(kind: Kind, number: u64) -> Address {
    let word = number.to_be_bytes();
    let twenty = [&[0xee; 12][..], &word].concat();
    let whole = [&[0xdd; 24][..], &word].concat();
    let script = match kind {
        Kind::Legacy => [&[0x76, 0xa9, 0x14], &twenty[..], &[0x88, 0xac]].concat(),
        Kind::Witness => [&[0x00, 0x14], &twenty[..]].concat(),
        Kind::Taproot => [&[0x51, 0x20], &whole[..]].concat(),
    };
    Address::Bitcoin(script.into())
}

/// A transaction of fresh addresses of one kind; only values count.
pub fn tx(day: &str, kind: Kind, inputs: &[u64], outputs: &[u64]) -> UtxoTransaction {
    let id = |byte: u8| TxId { chain: Chain::BITCOIN, hash: TxHash::new(&[byte; 32]) };
    let input = |(number, value): (u64, &u64)| Input {
        outpoint: Outpoint { tx: id(1), index: u32::try_from(number).expect("few") },
        previous: Some(Output { address: script(kind, number), value: *value }),
    };
    let output = |(number, value): (u64, &u64)| Output {
        address: script(kind, 1_000_000 + number),
        value: *value,
    };
    UtxoTransaction {
        id: id(2),
        height: None,
        index: None,
        time: day.parse::<Timestamp>().expect("a time"),
        block: None,
        inputs: (0..).zip(inputs).map(input).collect(),
        outputs: (0..).zip(outputs).map(output).collect(),
        is_coinbase: false,
    }
}

pub fn round(tx: &UtxoTransaction) -> Option<Round> {
    recognise(tx, &NoPast)
}

pub fn family(tx: &UtxoTransaction) -> Option<Family> {
    round(tx).map(|round| round.family)
}
