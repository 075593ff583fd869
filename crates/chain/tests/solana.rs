//! What Solana's blocks state: recorded transactions, and made ones that show one thing each.

mod made_solana;

use std::path::Path;

use chain::solana::{Reading, decode};
use chain::source::{Block, Lie};
use made_solana::{FEE, SLOT, SYSTEM, Tx, block, key, pay, payment, text, token_program, tokens};
use model::{Address, AssetKind, Chain, Fact, Memory, Transfer, TransferKind};
use proptest::prelude::*;
use serde_json::{Value, json};

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/solana").join(name);
    serde_json::from_slice(&std::fs::read(path).expect(name)).expect(name)
}

fn decoded(block: &Value) -> Result<Block, Lie> {
    decode::block(Chain::SOLANA, SLOT, &block.to_string(), Reading::default())
}

fn told(txs: &[Tx]) -> Vec<Fact> {
    decoded(&block(txs)).expect("true").facts
}

fn transfers(facts: &[Fact]) -> Vec<Transfer> {
    let transfer = |fact: &Fact| match fact {
        Fact::Transfer { transfer, .. } => Some(transfer.clone()),
        _ => None,
    };
    facts.iter().filter_map(transfer).collect()
}

fn oddities(facts: &[Fact]) -> Vec<String> {
    let odd = |fact: &Fact| match fact {
        Fact::Oddity(oddity) => Some(oddity.what.clone()),
        _ => None,
    };
    facts.iter().filter_map(odd).collect()
}

/// `from -> to: amount asset at position`, a line each but for fees; keys by their first letters.
fn story(facts: &[Fact]) -> Vec<String> {
    let short = |address: &Address| address.text(Chain::SOLANA).chars().take(4).collect::<String>();
    let end = |end: &Option<Address>| end.as_ref().map_or("nobody".into(), short);
    let line = |t: &Transfer| {
        let asset = match &t.asset.kind {
            AssetKind::Token(mint) => format!("of {}", short(mint)),
            _ => "lamports".into(),
        };
        format!("{} -> {}: {} {asset} at {}", end(&t.from), end(&t.to), t.amount, t.position)
    };
    transfers(facts).iter().filter(|t| t.kind != TransferKind::Fee).map(line).collect()
}

/// A recorded `meta` in a transaction made for it. Accounts without a recorded
/// key are numbered; `own` says which place holds which program.
fn around(meta: Value, own: &[(usize, [u8; 32])]) -> Tx {
    let count = meta["preBalances"].as_array().expect("a list").len();
    let loaded = |name: &str| meta["loadedAddresses"][name].as_array().expect("a list").len();
    let (writable, readonly) = (loaded("writable"), loaded("readonly"));
    let mut keys: Vec<[u8; 32]> = (1..count - writable - readonly)
        .map(|n| [u8::try_from(n).expect("few") + 100; 32])
        .collect();
    for (at, key) in own {
        keys[at - 1] = *key;
    }
    let mut tx = Tx::new(1, keys);
    let as_u8 = |n: usize| u8::try_from(n).expect("few");
    tx.looked_up = (writable + readonly > 0).then_some((as_u8(writable), as_u8(readonly)));
    let groups = meta["innerInstructions"].as_array().expect("a list");
    let last = groups.iter().filter_map(|group| group["index"].as_u64()).max().unwrap_or(0);
    // Programs of their own, that call others.
    tx.instructions = (0..=last).map(|_| (1, vec![], vec![])).collect();
    tx.meta = meta;
    tx
}

#[test]
fn a_recorded_purchase_pays_four_and_gets_tokens() {
    let mut tx = around(fixture("simple_tx.json"), &[(7, SYSTEM), (11, token_program())]);
    tx.instructions.push((7, vec![0, 5], pay(10_000)));
    let facts = told(&[tx]);
    assert_eq!(oddities(&facts), Vec::<String>::new());
    let story = story(&facts);
    let amounts: Vec<&str> =
        story.iter().map(|line| line.split(": ").nth(1).expect("said")).collect();
    assert_eq!(
        amounts,
        [
            "5430576418647 of 3cBF at call_1_0",
            "1639908 lamports at call_1_1",
            "9839 lamports at call_1_2",
            "6560 lamports at call_1_3",
            "10000 lamports at call_2",
        ]
    );
    // From the owner of the pool's token account to the owner of the buyer's.
    assert!(story[0].starts_with("4CYh -> Ezug"), "{}", story[0]);
}

#[test]
fn recorded_calls_below_calls_have_their_paths() {
    // The token program is looked up.
    let facts = told(&[around(fixture("cpi_tx.json"), &[])]);
    assert_eq!(oddities(&facts), Vec::<String>::new());
    assert_eq!(
        story(&facts),
        [
            "7Z2Q -> BMCh: 9372599925000 of AFbX at call_3_0_0",
            "BMCh -> 7Z2Q: 1700985700449 of 7i5K at call_3_0_1",
            "7Z2Q -> 8psN: 80350075000 of AFbX at call_3_1",
        ]
    );
}

#[test]
fn what_no_instruction_says_is_paired_by_the_balances() {
    // The tip at the end of it is an instruction of the message, which was not recorded.
    let facts = told(&[around(fixture("nested_cpi_tx.json"), &[(12, token_program())])]);
    assert_eq!(oddities(&facts), Vec::<String>::new());
    let story = story(&facts);
    assert_eq!(story.len(), 3);
    assert!(story[0].contains("AzDB -> 9d9m: 1998271723 of 6p6x at call_1_0_0"), "{story:?}");
    assert!(story[2].contains("8781442 lamports at nth0"), "{story:?}");
}

#[test]
fn a_recorded_account_is_made_with_a_seed() {
    let instruction = fixture("create_with_seed_ix.json");
    let hex = instruction["data"].as_str().expect("hex");
    let lamports = 1_283_531_083;
    let mut tx = Tx::new(1, vec![[0xbb; 32], SYSTEM]);
    tx.instructions = vec![(2, vec![0, 1], model::hex::decode(hex).expect("hex"))];
    tx.meta["preBalances"][0] = json!(lamports + 1_000_000_000);
    tx.change(1, lamports);
    let facts = told(&[tx]);
    assert_eq!(oddities(&facts), Vec::<String>::new());
    assert!(story(&facts)[0].ends_with("1283531083 lamports at call_0"), "{:?}", story(&facts));
}

#[test]
fn a_failed_transaction_pays_and_moves_nothing() {
    let mut tx = payment(1, 7);
    tx.change(0, 7);
    tx.change(1, -7);
    tx.meta["err"] = json!({ "InstructionError": [0, { "Custom": 1 }] });
    let facts = told(&[tx]);
    assert!(facts.iter().any(|fact| matches!(fact, Fact::Failed { .. })));
    assert_eq!(story(&facts), Vec::<String>::new());
    assert_eq!(transfers(&facts).len(), 1);
    assert_eq!(transfers(&facts)[0].amount.to::<u64>(), FEE);
}

#[test]
fn what_two_gave_and_two_got_is_odd_and_names_them() {
    let mut tx = Tx::new(1, (1..5).map(|n| [n; 32]).collect());
    tx.instructions = vec![(4, vec![], vec![])];
    for (at, by) in [(0, -10), (1, -20), (2, 12), (3, 18)] {
        tx.change(at, by);
    }
    let facts = told(std::slice::from_ref(&tx));
    assert_eq!(story(&facts), Vec::<String>::new());
    let odd = oddities(&facts);
    assert!(odd.len() == 1 && odd[0].contains(&text(&[3; 32])), "{odd:?}");
    // One more way is the only way: equal amounts are pairs.
    tx.change(2, 8);
    tx.change(3, -8);
    assert_eq!(story(&told(&[tx])).len(), 2);
}

#[test]
fn lamports_from_nowhere_are_a_lie_and_lost_ones_are_odd() {
    let mut made = payment(1, 7);
    made.change(1, 1);
    assert!(matches!(decoded(&block(&[made])), Err(Lie::Transaction { .. })));
    let mut lost = payment(1, 7);
    lost.change(1, -1);
    assert!(!oddities(&told(&[lost])).is_empty());
}

#[test]
fn votes_are_left_out_unless_asked_for() {
    let vote = key("Vote111111111111111111111111111111111111111");
    let mut tx = Tx::new(1, vec![[0xbb; 32], vote]);
    tx.instructions = vec![(2, vec![1, 0], vec![14, 0, 0, 0])];
    let answer = block(&[tx]).to_string();
    for (votes, fees) in [(false, 0), (true, 1)] {
        let reading = Reading { votes, ..Reading::default() };
        let block = decode::block(Chain::SOLANA, SLOT, &answer, reading).expect("true");
        assert_eq!(transfers(&block.facts).len(), fees);
    }
}

#[test]
fn rewards_are_of_the_block_and_rent_is_taken() {
    let mut answer = block(&[]);
    answer["rewards"] = json!([
        { "pubkey": text(&[1; 32]), "lamports": 500, "postBalance": 900, "rewardType": "Fee" },
        { "pubkey": text(&[2; 32]), "lamports": -3, "postBalance": 5, "rewardType": "Rent" },
    ]);
    let facts = decoded(&answer).expect("true").facts;
    let kinds: Vec<TransferKind> = transfers(&facts).iter().map(|t| t.kind).collect();
    assert_eq!(kinds, [TransferKind::Reward, TransferKind::Fee]);
    assert!(transfers(&facts).iter().all(|t| t.tx.hash_text().parse::<String>().is_ok()));
    let id = transfers(&facts)[0].tx;
    assert_eq!(model::TxId::parse(&id.hash_text(), Chain::SOLANA), Some(id));
}

#[test]
fn an_account_given_away_gives_its_tokens() {
    let (mint, old, new) = ([0x33; 32], [0x44; 32], [0x55; 32]);
    let mut tx = Tx::new(1, vec![[0xbb; 32], token_program()]);
    let data = [&[6, 2, 1], &new[..]].concat();
    tx.instructions = vec![(2, vec![1, 0], data)];
    tx.meta["preTokenBalances"] = json!([tokens(1, &mint, &old, 70)]);
    tx.meta["postTokenBalances"] = json!([tokens(1, &mint, &new, 70)]);
    let facts = told(&[tx]);
    assert_eq!(oddities(&facts), Vec::<String>::new());
    let [given] = &transfers(&facts)[1..] else { panic!("{facts:?}") };
    assert_eq!(
        (&given.from, &given.to),
        (&Some(Address::Solana(old)), &Some(Address::Solana(new)))
    );
    assert_eq!(given.amount.to::<u64>(), 70);
}

#[test]
fn tokens_that_come_from_nowhere_are_stated_as_new() {
    let (mint, who) = ([0x33; 32], [0x44; 32]);
    let mut tx = Tx::new(1, vec![[0xbb; 32], [0xcc; 32]]);
    tx.instructions = vec![(2, vec![], vec![])];
    tx.meta["postTokenBalances"] = json!([tokens(1, &mint, &who, 70)]);
    let facts = told(&[tx]);
    assert!(transfers(&facts)[1].from.is_none());
    assert_eq!(transfers(&facts)[1].to, Some(Address::Solana(who)));
}

#[test]
fn a_transaction_changed_anywhere_was_not_signed() {
    let tx = payment(1, 7);
    decoded(&block(std::slice::from_ref(&tx))).expect("true");
    let bytes = tx.bytes();
    for at in [5, 70, 110, bytes.len() - 1] {
        use base64::Engine as _;
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let mut answer = block(std::slice::from_ref(&tx));
        let text = base64::engine::general_purpose::STANDARD.encode(changed);
        answer["transactions"][0]["transaction"][0] = json!(text);
        assert!(decoded(&answer).is_err(), "{at}");
    }
}

proptest! {
    #[test]
    fn payments_are_stated_once_each(amounts in prop::collection::vec(1u32..1_000_000, 1..8)) {
        let txs: Vec<Tx> = (1u8..).zip(&amounts).map(|(seed, amount)| payment(seed, *amount)).collect();
        let facts = told(&txs);
        let paid: Vec<u64> = transfers(&facts).iter()
            .filter(|t| t.kind == TransferKind::Value)
            .map(|t| t.amount.to())
            .collect();
        prop_assert_eq!(paid, amounts.iter().map(|n| u64::from(*n)).collect::<Vec<_>>());
        prop_assert_eq!(Memory::from_facts(facts).transfers().len(), amounts.len() * 2);
    }

    #[test]
    fn no_instruction_makes_the_reader_fail_and_what_it_states_is_what_balances_show(
        data: Vec<u8>,
        accounts in prop::collection::vec(0u8..4, 0..6),
        program in 0usize..5,
        changes in prop::array::uniform3(-50i64..50),
    ) {
        let programs = [
            SYSTEM,
            token_program(),
            key("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"),
            key("Stake11111111111111111111111111111111111111"),
            key("Vote111111111111111111111111111111111111111"),
        ];
        let mut tx = Tx::new(1, vec![[0xbb; 32], [0xcc; 32], programs[program]]);
        tx.instructions = vec![(3, accounts, data)];
        for (at, by) in changes.iter().enumerate() {
            tx.change(at, *by);
        }
        let rest: i64 = changes.iter().sum();
        tx.change(0, -rest);
        let reading = Reading { votes: true, ..Reading::default() };
        let answer = block(std::slice::from_ref(&tx)).to_string();
        let block = decode::block(Chain::SOLANA, SLOT, &answer, reading).expect("readable");
        if oddities(&block.facts).is_empty() {
            for (at, key) in [(1, [0xbb; 32]), (2, [0xcc; 32])] {
                let sum: i128 = transfers(&block.facts).iter()
                    .filter(|t| t.asset.is_native())
                    .map(|t| {
                        let amount = i128::try_from(t.amount.to::<u128>()).expect("64 bits");
                        let is = |end: &Option<Address>| i128::from(*end == Some(Address::Solana(key)));
                        amount * (is(&t.to) - is(&t.from))
                    })
                    .sum();
                prop_assert_eq!(sum, i128::from(changes[at]));
            }
        }
    }

    #[test]
    fn no_bytes_make_the_reader_fail(bytes: Vec<u8>) {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        let mut answer = block(&[payment(1, 7)]);
        answer["transactions"][0]["transaction"][0] = json!(text);
        prop_assert!(decoded(&answer).is_err());
    }
}
