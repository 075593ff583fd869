//! Whatever facts come, in whatever order, files, runs and merges: the engine
//! shows what the model's memory shows.

use std::slice::from_ref;

mod common;
#[path = "common/engine.rs"]
mod engine;
#[path = "common/facts.rs"]
mod facts;

use common::{check_same, hash, time, tx};
use engine::Engine;
use facts::{fact, story};
use model::{
    BlockFact, Chain, Evidence, Fact, Memory, Position, TimeSource, Transfer, UtxoTransaction,
};
use proptest::prelude::*;

/// How the same story is imported.
#[derive(Clone, Debug)]
struct Way {
    files: Vec<usize>,
    run_rows: usize,
    segment_rows: u64,
    /// After each file: which layers a merge takes, and whether it is installed
    /// at once, after the next file, or the policy decides.
    merges: Vec<(Vec<u8>, u8)>,
}

fn way() -> impl Strategy<Value = Way> {
    let files = prop::collection::vec(1usize..14, 1..8);
    let merges = prop::collection::vec((prop::collection::vec(any::<u8>(), 1..6), 0u8..4), 1..6);
    (files, 1usize..12, 4u64..200, merges).prop_map(|(files, run_rows, segment_rows, merges)| Way {
        files,
        run_rows,
        segment_rows,
        merges,
    })
}

fn cases() -> u32 {
    std::env::var("ENGINE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn any_order_split_and_merge_shows_what_memory_does(
        (facts, told, _) in story(),
        way in way(),
    ) {
        check_way(&facts, &told, &way);
    }

    #[test]
    fn counts_are_what_there_is(facts in prop::collection::vec(fact(), 0..40), run_rows in 1usize..50) {
        let mut engine = Engine::new(run_rows, 100);
        let first = engine.import(&facts);
        let shown = engine.memory().transfers().len() as u64;
        prop_assert_eq!(first.transfers_new, shown);
        let second = engine.import(&facts);
        prop_assert_eq!(second.transfers_new, 0);
        prop_assert_eq!(second.unresolved_inputs, first.unresolved_inputs);
    }
}

fn check_way(facts: &[Fact], told: &[Fact], way: &Way) {
    let memory = Memory::from_facts(facts.iter().cloned());
    let mut engine = Engine::new(way.run_rows, way.segment_rows);
    let mut merges = way.merges.iter().cycle();
    let mut rest = told;
    for size in way.files.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (file, left) = rest.split_at(rest.len().min(*size));
        let (chosen, when) = merges.next().expect("some way to merge");
        let begun = if *when < 2 { engine.begin_merges(chosen) } else { Vec::new() };
        if *when == 0 {
            engine.install(begun);
            engine.import(file);
        } else {
            // What the file masks of the inputs is masked in what they became.
            engine.import(file);
            engine.install(begun);
        }
        if *when == 3 {
            engine.merge();
        }
        rest = left;
    }
    check_shown(&mut engine, &memory);
    engine.import(told);
    check_shown(&mut engine, &memory);
    let begun = engine.begin_merges(&[0]);
    engine.install(begun);
    check_shown(&mut engine, &memory);
}

/// Row by row and as a store answers.
fn check_shown(engine: &mut Engine, memory: &Memory) {
    check_same(&engine.memory(), memory);
    check_same(&engine.snapshot(), memory);
}

/// Tells facts in these files, one run each, and in one; both show what memory does.
fn check(files: &[&[Fact]]) -> Engine {
    let all: Vec<Fact> = files.concat();
    let memory = Memory::from_facts(all.clone());
    let mut whole = Engine::new(1000, 1000);
    whole.import(&all);
    check_shown(&mut whole, &memory);
    let mut engine = Engine::new(1000, 1000);
    for file in files {
        engine.import(file);
    }
    check_shown(&mut engine, &memory);
    engine
}

const ETH: Chain = Chain::ETHEREUM;
const BTC: Chain = Chain::BITCOIN;

/// One transfer of one transaction in block 3, its time stated.
fn row(n: u8, position: Position, evidence: Evidence) -> Fact {
    let facts = model::sketch::parse("chain ethereum\na -> b 1 ETH  day 0").expect("reads").facts;
    let transfer = facts.into_iter().find_map(|fact| match fact {
        Fact::Transfer { transfer, .. } => Some(transfer),
        _ => None,
    });
    let transfer = Transfer {
        tx: tx(ETH, n),
        position,
        height: Some(3),
        tx_index: None,
        time: time(1),
        time_source: TimeSource::Stated,
        ..transfer.expect("a transfer")
    };
    Fact::Transfer { transfer, evidence }
}

fn change(fact: Fact, change: impl FnOnce(&mut Transfer)) -> Fact {
    let Fact::Transfer { mut transfer, evidence } = fact else { panic!("not a transfer") };
    change(&mut transfer);
    Fact::Transfer { transfer, evidence }
}

fn dateless(fact: Fact) -> Fact {
    change(fact, |transfer| {
        transfer.time = model::Timestamp::UNIX_EPOCH;
        transfer.time_source = TimeSource::Unknown;
    })
}

fn own_value() -> Fact {
    row(1, Position::Call([].into()), Evidence::Transaction)
}

fn at_height(chain: Chain, height: u64, at: u8) -> Fact {
    let time = time(at);
    let (hash, parent) = (None, None);
    Fact::Block(BlockFact { chain, hash, parent, height: Some(height), time, work: None })
}

#[test]
fn traces_replace_what_an_earlier_file_said_of_their_block() {
    let cover = Fact::TracesCover { chain: ETH, height: 3 };
    let mut engine = check(&[&[own_value()], from_ref(&cover)]);
    assert_eq!(engine.memory().transfers(), []);
    // Only its own claim names the height: what is shown has none.
    let trace = change(row(1, Position::Log(1), Evidence::Log), |transfer| transfer.height = None);
    check(&[&[own_value(), trace], from_ref(&cover)]);
    check(&[&[cover], &[own_value()]]);
}

#[test]
fn a_failure_told_later_leaves_the_fee() {
    let fee = row(1, Position::Fee, Evidence::Transaction);
    let fee = change(fee, |transfer| {
        transfer.to = None;
        transfer.kind = model::TransferKind::Fee;
    });
    let failed = Fact::Failed { tx: tx(ETH, 1) };
    let mut engine = check(&[&[own_value(), fee.clone()], from_ref(&failed)]);
    assert_eq!(engine.memory().transfers().len(), 1);
    check(&[&[failed], &[own_value()], &[fee]]);
}

#[test]
fn an_nft_told_later_is_no_amount() {
    let token = |position| {
        change(row(1, position, Evidence::Log), |transfer| {
            transfer.asset = model::Asset::token(ETH, common::address(ETH, 10));
        })
    };
    let log = Fact::NftLog { tx: tx(ETH, 1), log_index: 2 };
    let known = [token(Position::Log(2)), token(Position::Nth(0))];
    let mut engine = check(&[&known, from_ref(&log)]);
    assert!(engine.memory().transfers()[0].asset.is_nft());
    check(&[&[log], &known]);
}

#[test]
fn a_block_dates_what_has_a_height_only() {
    let open = dateless(own_value());
    let mut engine = check(&[from_ref(&open), &[at_height(ETH, 3, 4)]]);
    assert_eq!(engine.memory().transfers()[0].time, time(4));
    // A block below gives an estimate, a later one below a better one, one above nothing.
    let below = [at_height(ETH, 1, 2), at_height(ETH, 2, 3), at_height(ETH, 4, 5)];
    let [one, two, four] = &below;
    let files: [&[Fact]; 4] = [from_ref(&open), from_ref(one), from_ref(two), from_ref(four)];
    let mut engine = check(&files);
    assert_eq!(engine.memory().transfers()[0].time_source, TimeSource::Estimated);
    assert_eq!(engine.memory().transfers()[0].time, time(3));
    // A stated claim of another transaction is as good as a block.
    check(&[&[open], &[row(2, Position::Log(0), Evidence::Log)]]);
}

#[test]
fn an_estimate_of_a_source_is_kept_beside_the_blocks_time() {
    let guess = change(own_value(), |transfer| transfer.time_source = TimeSource::Estimated);
    check(&[from_ref(&guess), &[at_height(ETH, 3, 4)], &[at_height(ETH, 3, 5)], from_ref(&guess)]);
}

fn block(n: u8, parent: u8, height: Option<u64>) -> Fact {
    Fact::Block(BlockFact {
        chain: BTC,
        hash: Some(hash(n)),
        parent: Some(hash(parent)),
        height,
        time: time(n),
        work: None,
    })
}

/// Each transaction of the sketch in block 2, and a transfer of it told as a row.
fn in_block(text: &str) -> Vec<Fact> {
    let mut facts = model::sketch::parse(&format!("chain bitcoin\n{text}")).expect("reads").facts;
    facts.retain(|fact| matches!(fact, Fact::Utxo(_)));
    for fact in &mut facts {
        if let Fact::Utxo(tx) = fact {
            (tx.block, tx.height, tx.index) = (Some(hash(2)), None, None);
        }
    }
    facts
}

#[test]
fn a_block_that_falls_takes_its_transactions_along() {
    let told = in_block("t0: coinbase => a 50 BTC  day 0\nt1: t0:0 => b 50 BTC  day 1");
    let standing = [block(1, 0, None), block(2, 1, None)];
    let longer = [block(3, 1, None), block(4, 3, None)];
    let mut engine = check(&[&told, &standing, &longer]);
    assert_eq!(engine.memory().transfers(), []);
    let again = [block(5, 2, None), block(6, 5, None)];
    let mut engine = check(&[&standing, &told, &longer, &again]);
    assert_eq!(engine.memory().transfers().len(), 3);
}

#[test]
fn a_block_that_learns_its_height_tells_its_transactions() {
    let told = in_block("t0: coinbase => a 50 BTC  day 0");
    let mut engine = check(&[&[block(2, 1, None)], &told, &[block(1, 0, Some(7))]]);
    assert_eq!(engine.memory().transfers()[0].height, Some(8));
}

#[test]
fn rows_of_a_transaction_count_until_it_is_known_itself() {
    let told = in_block("t0: coinbase => a 50 BTC  day 0");
    let Fact::Utxo(known) = &told[0] else { panic!("not a transaction") };
    let leg = model::memory::legs(known).remove(0);
    let row = Fact::Transfer {
        transfer: Transfer { position: Position::Nth(0), ..leg },
        evidence: Evidence::Row,
    };
    let standing = [block(1, 0, None), block(2, 1, None)];
    let longer = [block(3, 1, None), block(4, 3, None)];
    let mut engine = check(&[from_ref(&row), &told, &standing]);
    assert_eq!(engine.memory().transfers()[0].position, Position::Output(0));
    let mut engine = check(&[&told, &[row], &standing, &longer]);
    assert_eq!(engine.memory().transfers()[0].position, Position::Nth(0));
}

#[test]
fn what_an_input_spends_may_come_later_and_change() {
    let told = in_block("t0: coinbase => a 50 BTC  day 0\nt1: t0:0 => b 50 BTC  day 1");
    let (made, spent) = (&told[..1], &told[1..]);
    let mut engine = check(&[spent, made]);
    assert_eq!(engine.memory().transfers().len(), 3);
    // Another source puts the output's transaction lower, and says another value.
    let Fact::Utxo(tx) = &made[0] else { panic!("not a transaction") };
    let mut other = UtxoTransaction { height: Some(1), ..tx.clone() };
    other.outputs[0].value = 7;
    let mut engine = check(&[made, spent, &[Fact::Utxo(other)]]);
    assert!(
        engine
            .memory()
            .transfers()
            .iter()
            .all(|leg| leg.amount != model::U256::from(7u8).pow(model::U256::from(9)))
    );
    assert_eq!(engine.memory().transfers()[1].amount, model::U256::from(7));
}

#[test]
fn what_is_known_is_not_written_again() {
    let facts =
        [own_value(), row(2, Position::Log(1), Evidence::Log), Fact::Failed { tx: tx(ETH, 3) }];
    let mut engine = Engine::new(1000, 1000);
    engine.import(&facts);
    let counts = engine.import(&facts);
    assert_eq!(engine.layers().base(ETH).len(), 1);
    assert_eq!((counts.transfers_new, counts.transfers_known, counts.transactions), (0, 2, 3));
}

#[test]
fn many_runs_of_a_file_count_as_one() {
    let mut facts: Vec<Fact> =
        (0..40).map(|n| row(n / 2, Position::Log(u32::from(n)), Evidence::Log)).collect();
    facts.push(Fact::Failed { tx: tx(ETH, 0) });
    let mut whole = Engine::new(1000, 1000);
    let mut split = Engine::new(3, 1000);
    assert_eq!(whole.import(&facts), split.import(&facts));
    assert_eq!(split.memory().transfers().len(), 38);
    assert!(split.layers().base(ETH).len() < 12, "runs of a file are merged among themselves");
}

#[test]
fn a_dropped_batch_leaves_nothing() {
    let facts: Vec<Fact> = (0..9).map(|n| row(n, Position::Log(0), Evidence::Log)).collect();
    let mut engine = Engine::new(2, 1000);
    engine.import(&facts[..3]);
    drop(engine.put(&facts));
    assert_eq!(engine.memory().transfers().len(), 3);
    assert_eq!(engine.import(&facts).transfers_new, 6);
}

#[test]
fn a_merge_hides_what_was_replaced_meanwhile() {
    let mut engine = Engine::new(1000, 1000);
    engine.import(&[own_value(), row(2, Position::Log(1), Evidence::Log)]);
    engine.import(&[row(4, Position::Log(1), Evidence::Log)]);
    let begun = engine.begin_merges(&[0]);
    engine.import(&[row(2, Position::Log(2), Evidence::Log)]);
    engine.install(begun);
    assert_eq!(engine.layers().base(ETH).len(), 2);
    assert_eq!(engine.memory().transfers().len(), 4);
}
