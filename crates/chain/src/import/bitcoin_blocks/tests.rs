//! Chains of blocks built by hand, and the real blocks of the fixtures.

use std::collections::BTreeMap;
use std::path::Path;

use bitcoin::consensus::serialize;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, CompactTarget, OutPoint, ScriptBuf, Transaction, Txid};
use model::{
    BitcoinNetwork, Chain, Fact, Memory, Outpoint, Transaction as Seen, TxId, U256,
    UtxoTransaction, View,
};
use proptest::prelude::*;

use super::*;
use crate::bitcoin::block::{SATOSHI_MAX, tx_hash};
use crate::bitcoin::frames::Key;
use crate::bitcoin::testing::{
    Miner, REGTEST_MAGIC, REWARD, framed, mine, out, script, scripts, seal, spend,
};
use crate::import::testing::{facts_in_chunks, facts_of, oddities, on, read_fixture, settled};
use crate::import::{Format, Options, Summary, import_file, plan};

fn id(tx: &Transaction) -> TxId {
    TxId { chain: Chain::Bitcoin(BitcoinNetwork::Regtest), hash: tx_hash(tx.compute_txid()) }
}

fn read(bytes: &[u8]) -> Result<(Vec<Fact>, Summary), ImportError> {
    facts_of(Format::BitcoinBlocks, "blk00000.dat", bytes, &Options::default())
}

fn memory(blocks: &[Block]) -> Memory {
    settled(&read(&framed(blocks)).expect("imports").0)
}

fn utxo(memory: &Memory, id: &TxId) -> Option<UtxoTransaction> {
    match memory.transaction(id).expect("in memory") {
        Some(Seen::Utxo(tx)) => Some(tx),
        _ => None,
    }
}

fn transactions(facts: &[Fact]) -> BTreeMap<TxId, UtxoTransaction> {
    let memory = settled(facts);
    let ids = facts.iter().filter_map(|fact| match fact {
        Fact::Utxo(tx) => Some(tx.id),
        _ => None,
    });
    ids.filter_map(|id| Some((id, utxo(&memory, &id)?))).collect()
}

fn check_error(bytes: &[u8], expected: &str) {
    let error = read(bytes).expect_err(expected).to_string();
    assert!(error.starts_with("blk00000.dat: byte "), "{error}");
    assert!(error.contains(expected), "{error}\n does not say: {expected}");
}

#[test]
fn every_script_type_is_created_and_spent_and_value_is_conserved() {
    let mut miner = Miner::new();
    let scripts = scripts();
    let minted = miner.mine(&script(1), vec![]).txdata.remove(0);
    let outputs: Vec<(ScriptBuf, u64)> =
        scripts.iter().map(|script| (script.clone(), 1_000)).collect();
    let spread = spend(&[out(&minted, 0)], &outputs);
    let outpoints: Vec<OutPoint> = (0..).take(scripts.len()).map(|n| out(&spread, n)).collect();
    let gathered = spend(&outpoints, &[(script(2), 11_500)]);
    miner.mine(&script(3), vec![spread.clone()]);
    miner.mine(&script(3), vec![gathered.clone()]);

    let memory = memory(&miner.blocks);
    let spread = utxo(&memory, &id(&spread)).expect("stands");
    let kept: Vec<&[u8]> = spread.outputs.iter().map(|output| output.address.bytes()).collect();
    assert_eq!(kept, scripts.iter().map(|script| script.as_bytes()).collect::<Vec<_>>());
    assert_eq!(spread.fee(), Some(U256::from(REWARD - 12_000)));
    let gathered = utxo(&memory, &id(&gathered)).expect("stands");
    assert_eq!(
        (gathered.value_in(), gathered.fee()),
        (Some(U256::from(12_000)), Some(U256::from(500)))
    );
    assert_eq!(gathered.height, Some(3));
    assert_eq!(gathered.index, Some(1));
}

#[test]
fn an_output_may_be_spent_in_its_own_block() {
    let mut miner = Miner::new();
    let minted = miner.mine(&script(1), vec![]).txdata.remove(0);
    let first = spend(&[out(&minted, 0)], &[(script(2), 700), (script(3), 200)]);
    let second = spend(&[out(&first, 1), out(&first, 0)], &[(script(4), 900)]);
    miner.mine(&script(1), vec![first.clone(), second.clone()]);

    let memory = memory(&miner.blocks);
    assert_eq!(utxo(&memory, &id(&second)).expect("stands").fee(), Some(U256::ZERO));
    let spends = memory.spends(&[Outpoint { tx: id(&first), index: 1 }]).expect("in memory");
    assert_eq!(spends[0].as_ref().map(|spend| (spend.tx, spend.input)), Some((id(&second), 0)));
}

#[test]
fn what_the_data_lacks_stays_unresolved() {
    let mut miner = Miner::new();
    let minted = miner.mine(&script(1), vec![]).txdata.remove(0);
    let unknown = OutPoint::new(Txid::from_byte_array([9; 32]), 5);
    let spending = spend(&[out(&minted, 0), unknown], &[(script(2), 1)]);
    miner.mine(&script(1), vec![spending.clone()]);

    let spending = utxo(&memory(&miner.blocks), &id(&spending)).expect("stands");
    let unresolved: Vec<String> =
        spending.unresolved().map(|outpoint| outpoint.index.to_string()).collect();
    assert_eq!(unresolved, ["5"]);
    assert_eq!(spending.fee(), None);
}

#[test]
fn a_stale_block_does_not_count() {
    // genesis - 1 - 2 - 3
    //            \- 2'
    let mut miner = Miner::new();
    let one = miner.mine(&script(1), vec![]);
    let lost_tx = spend(&[out(&one.txdata[0], 0)], &[(script(9), 10)]);
    let won_tx = spend(&[out(&one.txdata[0], 0)], &[(script(8), 10)]);
    let lost = mine(&one, Some(2), &script(7), vec![lost_tx.clone()]);
    miner.mine(&script(2), vec![won_tx.clone()]);
    miner.mine(&script(2), vec![]);

    let mut blocks = miner.blocks.clone();
    blocks.insert(1, lost);
    let memory = memory(&blocks);
    assert!(utxo(&memory, &id(&won_tx)).is_some());
    assert!(utxo(&memory, &id(&lost_tx)).is_none());
}

#[test]
fn heights_come_from_neighbours_where_blocks_do_not_state_them() {
    let mut miner = Miner::new();
    let one = miner.mine(&script(1), vec![]);
    let two = mine(&one, None, &script(2), vec![]);
    let three = mine(&two, None, &script(3), vec![]);
    let (facts, _) = read(&framed(&[three.clone(), one, two])).expect("imports");
    let stated = facts.iter().filter_map(|fact| match fact {
        Fact::Block(block) => Some(block.height),
        _ => None,
    });
    assert_eq!(stated.collect::<Vec<_>>(), [None, Some(1), None]);
    assert_eq!(utxo(&settled(&facts), &id(&three.txdata[0])).expect("stands").height, Some(3));
}

#[test]
fn zeros_end_a_file_and_the_file_may_go_on_after_garbage() {
    let mut miner = Miner::new();
    miner.mine(&script(1), vec![]);
    let (first, second) = (framed(&miner.blocks[..1]), framed(&miner.blocks[1..]));

    let (facts, summary) =
        read(&[first.clone(), vec![0; 100], second.clone(), vec![0; 50_000]].concat())
            .expect("imports");
    assert_eq!((summary.blocks, oddities(&facts).len()), (2, 0));
    let (facts, summary) =
        read(&[first.clone(), b"rubbish".to_vec(), second].concat()).expect("imports");
    assert_eq!(summary.blocks, 2);
    let expected = format!("blk00000.dat: byte {}: no block starts here", first.len());
    assert!(oddities(&facts)[0].starts_with(&expected), "{:?}", oddities(&facts));
    assert_eq!(read(&[0; 1000]).expect("a fresh file").1.blocks, 0);
    assert_eq!(read(&[]).expect("an empty file").1.blocks, 0);
}

#[test]
fn a_file_the_node_is_writing_ends_early_and_says_so() {
    let mut miner = Miner::new();
    miner.mine(&script(1), vec![]);
    let whole = framed(&miner.blocks);
    let first = framed(&miner.blocks[..1]).len();
    for end in [first + 5, first + 8, first + 60, whole.len() - 1] {
        let (facts, summary) = read(&whole[..end]).expect("imports");
        assert_eq!(summary.blocks, 1, "cut at {end}");
        assert!(oddities(&facts)[0].contains("the file ends inside this block"));
    }
}

#[test]
fn an_obfuscated_file_reads_with_the_key_beside_it() {
    let mut miner = Miner::new();
    miner.mine(&script(1), vec![]);
    let plain = [framed(&miner.blocks), vec![]].concat();
    let key = Key([0xfa, 2, 3, 4, 5, 6, 7, 8]);
    let mut hidden = plain.clone();
    key.apply(0, &mut hidden);
    // What the node only reserved is not obfuscated.
    hidden.extend([0; 1000]);

    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("blk00000.dat");
    std::fs::write(&path, &hidden).expect("written");
    std::fs::write(directory.path().join("rev00000.dat"), b"undo data").expect("written");
    let error = import_path(&path).expect_err("no key").to_string();
    assert!(error.contains("xor.dat"), "{error}");

    std::fs::write(directory.path().join("xor.dat"), key.0).expect("written");
    assert_eq!(import_path(&path).expect("imports"), read(&plain).expect("imports").0);
    let files = plan(Format::BitcoinBlocks, &[directory.path().to_path_buf()], &Options::default())
        .expect("a plan");
    assert_eq!(files.len(), 1, "neither the key nor undo data are blocks");

    std::fs::write(directory.path().join("xor.dat"), b"short").expect("written");
    assert!(import_path(&path).expect_err("bad key").to_string().contains("key of 8 bytes"));
}

fn import_path(path: &Path) -> Result<Vec<Fact>, ImportError> {
    let options = Options::default();
    let mut facts = Vec::new();
    for file in plan(Format::BitcoinBlocks, &[path.to_path_buf()], &options)? {
        import_file(Format::BitcoinBlocks, &file, &options, &mut |_| {}, &mut |fact| {
            facts.push(fact);
            Ok(())
        })?;
    }
    Ok(facts)
}

#[test]
fn blocks_that_contradict_themselves_are_refused() {
    let mut miner = Miner::new();
    let good = miner.mine(&script(1), vec![]);
    let refuse = |block: Block, expected: &str| check_error(&framed(&[block]), expected);

    let mut other_transactions = good.clone();
    other_transactions.txdata[0].output[0].value = Amount::from_sat(1);
    refuse(other_transactions, "its merkle root commits to");

    let mut no_work = good.clone();
    while no_work.header.validate_pow(no_work.header.target()).is_ok() {
        no_work.header.nonce += 1;
    }
    refuse(no_work, "does not meet its own proof of work");

    let mut easy = good.clone();
    easy.header.bits = CompactTarget::from_consensus(0x2100_ffff);
    refuse(easy, "its proof of work is less than bitcoin-regtest allows");

    let mut headless = good.clone();
    headless.txdata = vec![spend(&[out(&good.txdata[0], 0)], &[(script(1), 1)])];
    refuse(seal(headless), "its first transaction, and no other, must be a coinbase");

    let mut twice = good.clone();
    let again = spend(&[out(&good.txdata[0], 0)], &[(script(1), 1)]);
    twice.txdata.extend([again.clone(), again]);
    refuse(seal(twice), "it holds a transaction twice");

    let mut rich = good;
    rich.txdata[0].output[0].value = Amount::from_sat(SATOSHI_MAX + 1);
    refuse(seal(rich), "an output holds more than all bitcoin");
}

#[test]
fn hostile_frames_are_errors() {
    let frame = |len: u32, body: &[u8]| [&REGTEST_MAGIC, &len.to_le_bytes()[..], body].concat();
    check_error(&frame(u32::MAX, b""), r#""4294967295" is not a block's length"#);
    check_error(&frame(3, b"abc"), r#""3" is not a block's length"#);
    check_error(&frame(90, &[0xff; 90]), "not a block: ");
    check_error(b"\x01\x02\x03\x04\x05", "expected a network's magic");
    // A header, then a promise of 2^64 transactions.
    let promise = [&[0; 80][..], &[0xff; 9]].concat();
    check_error(&frame(89, &promise), "not a block: ");
    let error =
        facts_of(Format::BitcoinBlocks, "blk1.dat", &framed(&Miner::new().blocks), &on("bitcoin"));
    assert!(
        error
            .expect_err("another network")
            .to_string()
            .contains("magic says bitcoin-regtest, --chain says bitcoin")
    );
}

#[test]
fn a_raw_block_says_what_was_assumed_of_its_network() {
    let raw = |file: &str, options: &Options| {
        facts_of(
            Format::BitcoinBlocks,
            "block.raw",
            &read_fixture(&format!("bitcoin/{file}")),
            options,
        )
    };
    let (facts, summary) = raw(SMALL, &Options::default()).expect("imports");
    assert!(oddities(&facts)[0].contains("bitcoin assumed from its work"));
    assert_eq!(summary.chains.into_iter().collect::<Vec<_>>(), [Chain::BITCOIN]);

    let testnet = Chain::Bitcoin(BitcoinNetwork::Testnet3);
    let (_, summary) = raw(TESTNET, &Options::default()).expect("imports");
    assert_eq!(
        summary.chains.into_iter().collect::<Vec<_>>(),
        [testnet],
        "too little work for mainnet"
    );
    let (facts, _) = raw(TESTNET, &Options { chain: Some(testnet) }).expect("imports");
    assert!(oddities(&facts).is_empty());

    let genesis = serialize(&bitcoin::constants::genesis_block(bitcoin::Network::Testnet));
    let (facts, summary) =
        facts_of(Format::BitcoinBlocks, "b.raw", &genesis, &Options::default()).expect("imports");
    assert_eq!((oddities(&facts).len(), summary.chains.into_iter().next()), (0, Some(testnet)));
    let error = facts_of(Format::BitcoinBlocks, "b.raw", &genesis, &on("bitcoin"))
        .expect_err("another network");
    assert!(error.to_string().contains("is not the Bitcoin network of this block"));
}

const BIG: &str = "electrs_000000000000000002d249a3d89f63ef3fee203adcca7c24008c13fd854513f2.raw";
const SMALL: &str = "electrs_00000000000000001203c1ea455e38612bdf36e9967fdead11935c8e22283ecc.raw";
const TESTNET: &str = "testnet_0045e0b1.raw";

#[test]
fn the_real_blocks_conserve_value_where_their_inputs_are_known() {
    let mut known = 0;
    let mut unresolved = 0;
    for file in [BIG, SMALL, TESTNET] {
        let bytes = read_fixture(&format!("bitcoin/{file}"));
        let (facts, summary) =
            facts_of(Format::BitcoinBlocks, file, &bytes, &Options::default()).expect(file);
        let transactions = transactions(&facts);
        assert_eq!(transactions.len() as u64, summary.transactions);
        for tx in transactions.values().filter(|tx| !tx.is_coinbase) {
            if tx.unresolved().next().is_some() {
                unresolved += 1;
                continue;
            }
            known += 1;
            assert!(
                tx.fee().is_some_and(|fee| fee < U256::from(100_000_000)),
                "{}: fee {:?}",
                tx.id,
                tx.fee()
            );
        }
    }
    assert_eq!((known, unresolved), (248, 1618));
}

#[test]
fn the_real_blocks_know_their_height_and_hash() {
    for (file, height) in [(BIG, 437_303), (SMALL, 333_961)] {
        let bytes = read_fixture(&format!("bitcoin/{file}"));
        let (facts, summary) =
            facts_of(Format::BitcoinBlocks, file, &bytes, &on("bitcoin")).expect(file);
        let Some(Fact::Block(block)) = facts.first() else { panic!("a block comes first") };
        let hash = block.hash.expect("stated").text(block.chain);
        assert!(file.contains(&hash), "{hash}");
        assert_eq!(summary.rows, 1);
        assert_eq!(block.height, Some(height));
    }
}

fn story() -> Vec<Block> {
    let mut miner = Miner::new();
    let mut last = miner.mine(&script(1), vec![]).txdata.remove(0);
    for n in 2..7 {
        let paid = spend(&[out(&last, 0)], &[(script(n), 1_000 - u64::from(n))]);
        miner.mine(&script(n), vec![paid.clone()]);
        last = paid;
    }
    let stale = mine(&miner.blocks[3], Some(4), &script(99), vec![]);
    miner.blocks.push(stale);
    miner.blocks
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn order_files_chunks_and_repetition_do_not_matter(
        blocks in Just(story()).prop_shuffle(),
        cut in 0usize..8,
        chunk in 1usize..200,
    ) {
        let expected = memory(&story()).transfers().to_vec();
        prop_assert_eq!(memory(&blocks).transfers().to_vec(), expected.clone());

        let (a, b) = blocks.split_at(cut);
        let files = [read(&framed(b)).expect("imports").0, read(&framed(a)).expect("imports").0].concat();
        prop_assert_eq!(settled(&files).transfers().to_vec(), expected.clone());
        let twice = [files.clone(), files].concat();
        prop_assert_eq!(settled(&twice).transfers().to_vec(), expected);

        let bytes = framed(&blocks);
        let chunked = facts_in_chunks(Format::BitcoinBlocks, "blk00000.dat", &bytes, &Options::default(), chunk);
        prop_assert_eq!(chunked.expect("imports"), read(&bytes).expect("imports"));
    }

    #[test]
    fn no_bytes_panic(
        start in proptest::collection::vec(any::<u8>(), 0..40),
        flips in proptest::collection::vec((0usize..2000, any::<u8>()), 0..6),
    ) {
        let mut bytes = framed(&story());
        for (at, flip) in flips {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= flip;
            }
        }
        let _ = read(&bytes);
        let _ = facts_of(Format::BitcoinBlocks, "x.raw", &bytes[8.min(bytes.len())..], &Options::default());
        let _ = facts_of(Format::BitcoinBlocks, "x.raw", &start, &Options::default());
    }
}
