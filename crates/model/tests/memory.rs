//! What several sources say of one past is settled by rules, never by order.

use std::collections::BTreeSet;

use model::{
    Account, Address, Asset, AssetKind, AssetMeta, BlockFact, Chain, Evidence, Fact, Freezable,
    Input, Memory, Outpoint, Output, Position, TimeSource, Timestamp, Transaction, Transfer,
    TransferKind, TxHash, TxId, U256, UtxoTransaction, View,
};
use proptest::prelude::*;

const ETH: Chain = Chain::ETHEREUM;
const BTC: Chain = Chain::BITCOIN;

fn id(chain: Chain, n: u8) -> TxId {
    TxId { chain, hash: hash(n) }
}

fn hash(n: u8) -> TxHash {
    TxHash::new(&[n; 32])
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn evm(n: u8) -> Address {
    Address::Evm([n; 20])
}

fn token() -> Asset {
    Asset::token(ETH, evm(0xcc))
}

/// Transaction 1 moves this much of a token from 1 to 2, at a stated time.
fn transfer(position: Position, amount: u64) -> Transfer {
    Transfer {
        tx: id(ETH, 1),
        position,
        height: Some(7),
        tx_index: None,
        time: at(100),
        time_source: TimeSource::Stated,
        from: Some(evm(1)),
        to: Some(evm(2)),
        asset: token(),
        amount: U256::from(amount),
        kind: TransferKind::Value,
    }
}

/// Native value of the transaction itself, or of one of its calls.
fn call(path: &[u32], amount: u64) -> Transfer {
    Transfer { asset: Asset::native(ETH), ..transfer(Position::Call(path.into()), amount) }
}

fn fee(amount: u64) -> Transfer {
    Transfer {
        to: None,
        asset: Asset::native(ETH),
        kind: TransferKind::Fee,
        ..transfer(Position::Fee, amount)
    }
}

fn said(evidence: Evidence, transfer: Transfer) -> Fact {
    Fact::Transfer { transfer, evidence }
}

fn row(n: u32, amount: u64) -> Fact {
    said(Evidence::Row, transfer(Position::Nth(n), amount))
}

fn log(n: u32, amount: u64) -> Fact {
    said(Evidence::Log, transfer(Position::Log(n), amount))
}

fn block(n: u8, parent: u8, height: Option<u64>) -> BlockFact {
    BlockFact {
        chain: BTC,
        hash: Some(hash(n)),
        parent: Some(hash(parent)),
        height,
        time: at(i64::from(n)),
        work: None,
    }
}

fn script(n: u8) -> Address {
    Address::Bitcoin([&[0, 20], &[n; 20][..]].concat().into())
}

/// A transaction in a block that spends outputs (transaction, index) to one output each.
fn utxo(n: u8, block: Option<u8>, spent: &[(u8, u32)], values: &[u64]) -> UtxoTransaction {
    let outpoint = |(tx, index): &(u8, u32)| Outpoint { tx: id(BTC, *tx), index: *index };
    let input = |spent| Input { outpoint: outpoint(spent), previous: None };
    UtxoTransaction {
        id: id(BTC, n),
        height: None,
        index: None,
        time: at(1000),
        block: block.map(hash),
        inputs: spent.iter().map(input).collect(),
        outputs: values.iter().map(|value| Output { address: script(n), value: *value }).collect(),
        is_coinbase: spent.is_empty(),
    }
}

/// The settled transfers as `position amount`, sorted.
fn settled(facts: &[Fact]) -> Vec<String> {
    let memory = Memory::from_facts(facts.iter().cloned());
    let tell = |transfer: &Transfer| format!("{} {}", transfer.position, transfer.amount);
    let mut told: Vec<String> = memory.transfers().iter().map(tell).collect();
    told.sort();
    told
}

fn check(facts: &[Fact], expected: &[&str]) {
    assert_eq!(settled(facts), expected);
    let backwards: Vec<Fact> = facts.iter().rev().cloned().collect();
    assert_eq!(settled(&backwards), expected, "in reverse order");
    assert_eq!(settled(&[facts, facts].concat()), expected, "told twice");
}

fn only(facts: &[Fact]) -> Transfer {
    match Memory::from_facts(facts.iter().cloned()).transfers() {
        [transfer] => transfer.clone(),
        other => panic!("expected one transfer, found {other:?}"),
    }
}

#[test]
fn the_nth_row_is_the_nth_equal_event() {
    check(&[row(0, 5), row(1, 5), log(9, 5), log(3, 5)], &["log3 5", "log9 5"]);
    check(&[row(0, 5), log(3, 5), log(9, 5)], &["log3 5", "log9 5"]);
    check(&[row(0, 5), row(1, 5), log(3, 5)], &["log3 5", "nth1 5"]);
    check(&[row(0, 5), row(1, 5)], &["nth0 5", "nth1 5"]);
}

#[test]
fn a_row_that_differs_is_another_transfer() {
    check(&[row(0, 5), log(3, 6)], &["log3 6", "nth0 5"]);
    let elsewhere = Transfer { to: Some(evm(3)), ..transfer(Position::Nth(0), 5) };
    check(&[said(Evidence::Row, elsewhere), log(3, 5)], &["log3 5", "nth0 5"]);
    let other = Transfer { tx: id(ETH, 2), ..transfer(Position::Nth(0), 5) };
    check(&[said(Evidence::Row, other), log(3, 5)], &["log3 5", "nth0 5"]);
}

#[test]
fn merging_fills_what_one_source_left_open() {
    let bare = Transfer {
        height: None,
        time: Timestamp::UNIX_EPOCH,
        time_source: TimeSource::Unknown,
        tx_index: Some(4),
        ..transfer(Position::Log(3), 5)
    };
    let merged = only(&[said(Evidence::Log, bare), row(0, 5)]);
    assert_eq!(merged, Transfer { tx_index: Some(4), ..transfer(Position::Log(3), 5) });
}

#[test]
fn traces_replace_the_transactions_own_value() {
    let covered = Fact::TracesCover { chain: ETH, height: 7 };
    let own = said(Evidence::Transaction, call(&[], 5));
    let paid = said(Evidence::Transaction, fee(1));
    let trace = |path: &[u32], amount| said(Evidence::Trace, call(path, amount));
    check(&[own.clone(), paid.clone()], &["call 5", "fee 1"]);
    check(
        &[own.clone(), paid.clone(), covered.clone(), trace(&[], 5), trace(&[0, 2], 3)],
        &["call 5", "call_0_2 3", "fee 1"],
    );
    // The traces know that the call moved nothing after all.
    check(&[own.clone(), paid, covered], &["fee 1"]);
    // Another block's traces say nothing of this one.
    check(&[own.clone(), Fact::TracesCover { chain: ETH, height: 8 }], &["call 5"]);
    check(&[own, Fact::TracesCover { chain: Chain::BNB, height: 7 }], &["call 5"]);
}

#[test]
fn traces_leave_events_and_rows_alone() {
    let covered = Fact::TracesCover { chain: ETH, height: 7 };
    check(&[log(3, 5), row(0, 6), covered], &["log3 5", "nth0 6"]);
}

#[test]
fn a_failed_transaction_moved_only_its_fee() {
    let failed = Fact::Failed { tx: id(ETH, 1) };
    let own = said(Evidence::Transaction, call(&[], 5));
    let paid = said(Evidence::Transaction, fee(1));
    check(&[own.clone(), paid.clone(), log(3, 5), row(0, 5), failed], &["fee 1"]);
    check(&[own, paid, Fact::Failed { tx: id(ETH, 2) }], &["call 5", "fee 1"]);
}

#[test]
fn an_nft_event_is_not_an_amount() {
    let nft = Fact::NftLog { tx: id(ETH, 1), log_index: 3 };
    check(&[log(3, 771_769), nft.clone()], &["log3 1"]);
    check(&[log(3, 771_769), row(0, 771_769), nft.clone()], &["log3 1"]);
    check(&[log(4, 5), nft.clone()], &["log4 5"]);

    let moved = only(&[log(3, 771_769), nft]);
    assert_eq!(moved.kind, TransferKind::Nft);
    assert_eq!(moved.asset.kind, AssetKind::Nft { contract: evm(0xcc), id: U256::from(771_769) });
}

#[test]
fn a_missing_time_is_its_blocks_or_that_of_an_earlier_one() {
    let unknown = Transfer {
        time: Timestamp::UNIX_EPOCH,
        time_source: TimeSource::Unknown,
        ..transfer(Position::Log(0), 5)
    };
    let fact = said(Evidence::Log, unknown.clone());
    let mined = |chain, height, second| {
        Fact::Block(BlockFact {
            chain,
            hash: None,
            parent: None,
            height: Some(height),
            time: at(second),
            work: None,
        })
    };
    let timed = |others: &[Fact]| {
        let found = only(&[std::slice::from_ref(&fact), others].concat());
        (found.time.as_second(), found.time_source)
    };
    assert_eq!(timed(&[mined(ETH, 7, 50)]), (50, TimeSource::Stated));
    assert_eq!(
        timed(&[mined(ETH, 5, 30), mined(ETH, 6, 40), mined(ETH, 8, 60)]),
        (40, TimeSource::Estimated)
    );
    assert_eq!(timed(&[mined(ETH, 8, 60), mined(Chain::BNB, 7, 50)]), (0, TimeSource::Unknown));

    // A row that states the time of the same block is as good as the block.
    let neighbour = Transfer { tx: id(ETH, 2), ..transfer(Position::Nth(0), 9) };
    let memory = Memory::from_facts([said(Evidence::Row, neighbour), fact]);
    assert!(
        memory.transfers().iter().all(|t| t.time == at(100) && t.time_source == TimeSource::Stated)
    );

    // A stated time is never overruled.
    let stated = only(&[log(0, 5), mined(ETH, 7, 50)]);
    assert_eq!(stated.time, at(100));
}

#[test]
fn only_blocks_that_stand_count() {
    // 1 - 2 - 3      Transaction 11 is in 2 and in the stale 9, 12 in 9 only.
    //   \- 9
    let blocks = [block(1, 0, Some(100)), block(2, 1, None), block(3, 2, None), block(9, 1, None)];
    let mut facts: Vec<Fact> = blocks.into_iter().map(Fact::Block).collect();
    facts.extend(
        [
            utxo(10, Some(1), &[], &[50]),
            utxo(11, Some(9), &[(10, 0)], &[49]),
            utxo(11, Some(2), &[(10, 0)], &[49]),
            utxo(12, Some(9), &[(11, 0)], &[48]),
            utxo(13, None, &[(11, 0), (99, 1)], &[47]),
        ]
        .map(Fact::Utxo),
    );
    check(&facts, &["in0 49", "in0 50", "out0 47", "out0 49", "out0 50"]);

    let memory = Memory::from_facts(facts);
    let transaction = |n| memory.transaction(&id(BTC, n)).expect("memory answers");
    let Some(Transaction::Utxo(eleven)) = transaction(11) else { panic!("11 stands") };
    assert_eq!((eleven.height, eleven.block), (Some(101), Some(hash(2))));
    assert_eq!(transaction(12), None);

    let outpoint = Outpoint { tx: id(BTC, 11), index: 0 };
    let spends = memory.spends(&[outpoint]).expect("memory answers");
    assert_eq!(spends[0].as_ref().map(|spend| spend.tx), Some(id(BTC, 13)));
}

#[test]
fn what_an_input_held_is_found_wherever_its_transaction_is_told() {
    let facts = [utxo(2, None, &[(1, 1)], &[3]), utxo(1, None, &[], &[2, 4])].map(Fact::Utxo);
    check(&facts, &["in0 4", "out0 2", "out0 3", "out1 4"]);
}

#[test]
fn rows_yield_to_the_bitcoin_transaction_itself() {
    let told = Transfer {
        tx: id(BTC, 1),
        from: None,
        to: Some(script(1)),
        asset: Asset::native(BTC),
        ..transfer(Position::Output(0), 2)
    };
    let row = said(Evidence::Row, told);
    check(std::slice::from_ref(&row), &["out0 2"]);
    check(&[row, Fact::Utxo(utxo(1, None, &[], &[2]))], &["out0 2"]);
}

#[test]
fn what_several_sources_say_of_a_block_adds_up() {
    // One knows its height, another its parent, a third its work.
    let unlinked = BlockFact { parent: None, ..block(2, 1, Some(101)) };
    let heavy = BlockFact { work: Some(U256::from(9).to_be_bytes()), ..block(2, 1, None) };
    let blocks = [block(1, 0, None), unlinked, heavy, block(3, 1, None), block(4, 3, None)];
    let mut facts: Vec<Fact> = blocks.into_iter().map(Fact::Block).collect();
    facts.extend([utxo(10, Some(1), &[], &[50]), utxo(11, Some(4), &[], &[60])].map(Fact::Utxo));
    check(&facts, &["out0 50"]);
    assert_eq!(only(&facts).height, Some(100));
}

/// Everything a view answers of the small world below.
#[derive(Debug, PartialEq)]
struct Answers {
    transfers: Vec<Transfer>,
    transactions: Vec<Option<Transaction>>,
    spends: Vec<Option<TxId>>,
    assets: Vec<AssetMeta>,
    sent: Vec<u64>,
}

fn answers(facts: impl IntoIterator<Item = Fact>) -> Answers {
    let memory = Memory::from_facts(facts);
    let ids: Vec<TxId> = [ETH, BTC].iter().flat_map(|c| (0..6).map(|n| id(*c, n))).collect();
    let transaction = |tx| memory.transaction(tx).expect("memory answers");
    let outpoints: Vec<Outpoint> =
        (0..6).flat_map(|n| [0, 1].map(|index| Outpoint { tx: id(BTC, n), index })).collect();
    let accounts: Vec<Account> = (0..4).map(|n| Account { chain: ETH, address: evm(n) }).collect();
    Answers {
        transfers: memory.transfers().to_vec(),
        transactions: ids.iter().map(transaction).collect(),
        spends: memory
            .spends(&outpoints)
            .expect("memory answers")
            .into_iter()
            .map(|spend| spend.map(|spend| spend.tx))
            .collect(),
        assets: memory.assets(&[token(), Asset::native(ETH)]).expect("memory answers"),
        sent: memory.degree(&accounts).expect("memory answers").iter().map(|d| d.sent).collect(),
    }
}

prop_compose! {
    fn any_position()(kind in 0..4, n in 0u32..3) -> Position {
        match kind {
            0 => Position::Nth(n),
            1 => Position::Log(n),
            2 => Position::Call(vec![n; n as usize].into()),
            _ => Position::Fee,
        }
    }
}

prop_compose! {
    fn any_transfer()(
        tx in 1u8..3,
        position in any_position(),
        ends in (1u8..3, 1u8..3),
        amount in 1u64..3,
        height in prop::option::of(6u64..9),
        tx_index in prop::option::of(0u32..2),
        second in 0i64..3,
        source in 0..3,
        is_native in any::<bool>(),
    ) -> Transfer {
        let is_fee = position == Position::Fee;
        let time_source =
            [TimeSource::Stated, TimeSource::Estimated, TimeSource::Unknown][source as usize];
        Transfer {
            tx: id(ETH, tx),
            height,
            tx_index,
            time: at(if time_source == TimeSource::Unknown { 0 } else { second }),
            time_source,
            from: Some(evm(ends.0)),
            to: Some(evm(ends.1)).filter(|_| !is_fee),
            asset: if is_native || is_fee { Asset::native(ETH) } else { token() },
            kind: if is_fee { TransferKind::Fee } else { TransferKind::Value },
            ..transfer(position, amount)
        }
    }
}

prop_compose! {
    fn any_utxo()(
        n in 1u8..6,
        block in prop::option::of(1u8..7),
        spent in prop::collection::vec((1u8..6, 0u32..2), 0..3),
        values in prop::collection::vec(1u64..4, 1..3),
        height in prop::option::of(100u64..103),
        second in 0i64..3,
    ) -> UtxoTransaction {
        UtxoTransaction { height, time: at(second), ..utxo(n, block, &spent, &values) }
    }
}

prop_compose! {
    fn any_block()(
        n in 1u8..7,
        parent in 0u8..7,
        height in prop::option::of(100u64..103),
        work in prop::option::of(1u8..4),
        second in 0i64..3,
        is_evm in any::<bool>(),
    ) -> BlockFact {
        let work = work.map(|work| U256::from(work).to_be_bytes());
        let told = BlockFact { work, time: at(second), ..block(n, parent, height) };
        if is_evm { BlockFact { chain: ETH, height: Some(u64::from(n)), ..told } } else { told }
    }
}

prop_compose! {
    fn any_meta()(symbol in prop::option::of("[AB]"), decimals in prop::option::of(6u8..8), freezable in 0..3) -> AssetMeta {
        let freezable = [Freezable::Yes, Freezable::No, Freezable::Unknown][freezable as usize];
        AssetMeta { asset: token(), symbol, decimals, freezable }
    }
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let evidence = prop::sample::select(vec![
        Evidence::Row,
        Evidence::Transaction,
        Evidence::Trace,
        Evidence::Log,
    ]);
    prop_oneof![
        8 => (any_transfer(), evidence).prop_map(|(transfer, evidence)| said(evidence, transfer)),
        4 => any_utxo().prop_map(Fact::Utxo),
        3 => any_block().prop_map(Fact::Block),
        1 => (6u64..9).prop_map(|height| Fact::TracesCover { chain: ETH, height }),
        1 => (1u8..3).prop_map(|n| Fact::Failed { tx: id(ETH, n) }),
        1 => (1u8..3, 0u32..3).prop_map(|(n, log_index)| Fact::NftLog { tx: id(ETH, n), log_index }),
        1 => any_meta().prop_map(Fact::Asset),
    ]
}

fn any_order() -> impl Strategy<Value = (Vec<Fact>, Vec<Fact>)> {
    prop::collection::vec(any_fact(), 0..24)
        .prop_flat_map(|facts| (Just(facts.clone()), Just(facts).prop_shuffle()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_order_of_facts_never_matters((facts, shuffled) in any_order()) {
        prop_assert_eq!(answers(facts), answers(shuffled));
    }

    #[test]
    fn the_same_facts_twice_change_nothing((facts, again) in any_order()) {
        let twice = [facts.clone(), again].concat();
        prop_assert_eq!(answers(facts), answers(twice));
    }

    #[test]
    fn transfers_are_told_apart_by_id_and_in_time_order((facts, _) in any_order()) {
        let memory = Memory::from_facts(facts);
        let transfers = memory.transfers();
        prop_assert!(transfers.is_sorted_by(|a, b| a.cmp_time(b).is_le()));
        let ids: BTreeSet<_> = transfers.iter().map(Transfer::id).collect();
        prop_assert_eq!(ids.len(), transfers.len());
    }
}
