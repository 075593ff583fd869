//! Real rounds and real ordinary transactions. The rounds may not be copied here: the checks that need them are
//! skipped, loudly, where they are absent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bitcoin_blocks::transactions;
use entity::coinjoin::Family;
use model::{Address, Chain, Input, Outpoint, Output, Timestamp, TxId, UtxoTransaction};

use crate::{family, round};

/// `INTERDICT_SHARED`, else a folder `shared` beside the checkout.
#[expect(clippy::print_stderr, reason = "who runs the tests is told what was left out")]
fn shared(file: &str) -> Option<String> {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let folder = std::env::var_os("INTERDICT_SHARED").map_or(beside, PathBuf::from);
    let path = folder.join("data/bitcoin/coinjoin").join(file);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("SKIPPED: {} is not there, set INTERDICT_SHARED to its folder", path.display());
    }
    text
}

/// `txid:::block:::index:::time:::inputs:::outputs`, see the folder's sources.
fn read(line: &str) -> UtxoTransaction {
    let fields: Vec<&str> = line.split(":::").collect();
    let tx = |text: &str| TxId::parse(text, Chain::BITCOIN).expect("a transaction");
    let output = |value: &str, script: &str| Output {
        address: Address::parse(script, Chain::BITCOIN).expect("a script"),
        value: value.parse().expect("satoshi"),
    };
    let input = |text: &str| {
        let parts: Vec<&str> = text.split('+').collect();
        let coin: Vec<&str> = parts[0].split('-').collect();
        let outpoint = Outpoint { tx: tx(coin[0]), index: coin[1].parse().expect("an index") };
        Input { outpoint, previous: Some(output(coin[2], parts[1])) }
    };
    let out = |text: &str| {
        let parts: Vec<&str> = text.split('+').collect();
        output(parts[0], parts[1])
    };
    UtxoTransaction {
        id: tx(fields[0]),
        height: None,
        index: None,
        time: Timestamp::from_second(fields[3].parse().expect("a time")).expect("a time"),
        block: None,
        inputs: fields[4].split("}{").map(input).collect(),
        outputs: fields[5].split("}{").map(out).collect(),
        is_coinbase: false,
    }
}

fn all_are(file: &str, expected: Family) -> Vec<UtxoTransaction> {
    let Some(text) = shared(file) else { return Vec::new() };
    let all: Vec<UtxoTransaction> = text.lines().map(read).collect();
    let missed: Vec<String> = all
        .iter()
        .filter(|tx| family(tx) != Some(expected))
        .map(|tx| format!("{}: {:?}", tx.id.hash_text(), family(tx)))
        .collect();
    assert!(missed.is_empty(), "{} of {}: {missed:#?}", missed.len(), all.len());
    all
}

/// Ten of them fit the published rule, and their change is as JoinMarket's makers': that is said. Two mix a round amount.
#[test]
fn every_real_wasabi_1_round_is_one() {
    let all = all_are("wasabi1_coinjoins.txt", Family::Wasabi1);
    let rivals = all.iter().filter(|tx| round(tx).is_some_and(|round| round.rival.is_some()));
    let mut rivals: Vec<String> = rivals.map(|tx| tx.id.hash_text()[..8].to_string()).collect();
    rivals.sort();
    let expected = [
        "1385206c", "34590da3", "485945aa", "5890d8cd", "7bcf14d5", "8b3b00e2", "a20733a7",
        "bb4d34cc", "d759e9a7", "ff6fa1c1",
    ];
    assert!(all.is_empty() || rivals == expected, "{rivals:?}");
}

/// Two of them have the shape, and pay nearly everything to one address: they are said to be doubtful.
#[test]
fn every_real_wasabi_2_round_is_one() {
    let all = all_are("wasabi2_coinjoins.txt", Family::Wasabi2);
    if all.is_empty() {
        return;
    }
    assert_eq!(all.iter().filter(|tx| tx.inputs.len() < 50).count(), 6);
    let doubtful = all.iter().filter(|tx| round(tx).is_some_and(|round| !round.doubts.is_empty()));
    let doubtful: Vec<String> = doubtful.map(|tx| tx.id.hash_text()[..8].to_string()).collect();
    assert_eq!(doubtful, ["91c9d1a1", "a4f995fd"]);
}

/// Sixty transactions that spend outputs of Wasabi rounds. Two of them are JoinMarket rounds, by the arithmetic of
/// their makers: 5,000,000,000 in, 1,000,000,000 equal, 4,000,018,000 back, and the like.
#[test]
fn what_comes_after_a_round_is_none() {
    let Some(text) = shared("wasabi1_postmix_txs.txt") else { return };
    let found: BTreeMap<String, Family> = text
        .lines()
        .map(read)
        .filter_map(|tx| Some((tx.id.hash_text()[..8].to_string(), family(&tx)?)))
        .collect();
    let expected = [("2b10d825", Family::JoinMarket), ("7b0b0a59", Family::JoinMarket)];
    let expected: BTreeMap<String, Family> =
        expected.into_iter().map(|(tx, family)| (tx.to_string(), family)).collect();
    assert_eq!(found, expected);
}

/// What an input spent is mostly not in these blocks. So each transaction is also tried with inputs that would
/// suit a round best: as many P2WPKH ones as there are outputs, each worth the largest equal output or more.
#[test]
fn no_transaction_of_the_real_blocks_is_one() {
    let mut tried = 0;
    for (file, day) in [
        (
            "electrs_000000000000000002d249a3d89f63ef3fee203adcca7c24008c13fd854513f2.raw",
            "2016-12-01",
        ),
        (
            "electrs_00000000000000001203c1ea455e38612bdf36e9967fdead11935c8e22283ecc.raw",
            "2015-06-01",
        ),
        ("testnet_0045e0b1.raw", "2016-12-01"),
    ] {
        for tx in transactions(file) {
            assert_eq!(family(&tx), None, "{}", tx.id);
            for day in [day, "2021-08-21", "2024-09-01"] {
                let kind = crate::Kind::Witness;
                let values: Vec<u64> = tx.outputs.iter().map(|output| output.value).collect();
                let most = values.iter().copied().max().unwrap_or(0);
                let inputs: Vec<u64> =
                    (0..values.len() as u64).map(|at| most + 1_000 + at * 37).collect();
                let suited = crate::tx(&format!("{day}T00:00:00Z"), kind, &inputs, &values);
                let found = family(&suited);
                assert!(found.is_none(), "{} with inputs that suit: {found:?}", tx.id);
                tried += 1;
            }
        }
    }
    assert!(tried > 3_000, "{tried}");
}

mod bitcoin_blocks {
    //! Raw blocks, by the field's own library.

    use bitcoin::consensus::encode::deserialize;
    use model::{
        Address, Chain, Input, Outpoint, Output, Timestamp, TxHash, TxId, UtxoTransaction,
    };

    fn id(txid: &bitcoin::Txid) -> TxId {
        let mut bytes: [u8; 32] = *txid.as_ref();
        bytes.reverse();
        TxId { chain: Chain::BITCOIN, hash: TxHash::new(&bytes) }
    }

    pub fn transactions(file: &str) -> Vec<UtxoTransaction> {
        let path = format!("{}/../../fixtures/bitcoin/{file}", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(&path).expect("the fixture is there");
        let block: bitcoin::Block = deserialize(&bytes).expect("a block");
        let time = Timestamp::from_second(i64::from(block.header.time)).expect("a time");
        let mut all: Vec<UtxoTransaction> = Vec::new();
        let mut made = std::collections::HashMap::new();
        for tx in &block.txdata {
            let id_here = id(&tx.compute_txid());
            let outputs: Vec<Output> = tx
                .output
                .iter()
                .map(|output| Output {
                    address: Address::Bitcoin(output.script_pubkey.as_bytes().into()),
                    value: output.value.to_sat(),
                })
                .collect();
            for (output, index) in outputs.iter().zip(0..) {
                made.insert(Outpoint { tx: id_here, index }, output.clone());
            }
            let inputs = tx.input.iter().map(|input| {
                let previous = &input.previous_output;
                let outpoint = Outpoint { tx: id(&previous.txid), index: previous.vout };
                Input { outpoint, previous: made.get(&outpoint).cloned() }
            });
            all.push(UtxoTransaction {
                id: id_here,
                height: None,
                index: None,
                time,
                block: None,
                inputs: inputs.collect(),
                outputs,
                is_coinbase: tx.is_coinbase(),
            });
        }
        all
    }
}
