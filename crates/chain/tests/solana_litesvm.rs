//! Beside a real runtime: random transactions carried out by LiteSVM, read from
//! a node that answers for it, add up to the balances it gives in the end.
//!
//! `cargo xtask tools` fetches it from PyPI, pinned.

mod litesvm;

use std::collections::BTreeMap;
use std::path::Path;

use chain::http::{Bounds, Http};
use chain::solana::{Node, Options};
use chain::source::{Kind, Source};
use litesvm::{python, start};
use model::{Address, AssetKind, Chain, Fact, Memory, Position, Transfer};
use serde_json::{Value, json};

async fn truth(url: &str) -> Value {
    let http = Http::new(url, Bounds::default()).expect("an address");
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "truth", "params": [] });
    let answer = http.post(body.to_string()).await.expect("an answer");
    let mut answer: Value = serde_json::from_slice(&answer).expect("JSON");
    answer["result"].take()
}

/// Every block from the first to the newest, as a follower reads them.
async fn everything(node: &Node) -> Vec<Fact> {
    let tip = node.tip().await.expect("a tip");
    let (mut facts, mut before, mut skipped) = (Vec::new(), None, 0);
    for slot in 1001..=tip.height {
        match node.block(slot).await {
            Ok(block) => {
                let parent = before.replace(block.at.hash);
                assert!(parent.is_none_or(|parent| parent == block.at.parent), "slot {slot}");
                facts.extend(block.facts);
            }
            Err(error) => {
                assert!(matches!(error.kind, Kind::Skipped), "{error}");
                skipped += 1;
            }
        }
    }
    assert!(skipped > 0, "no slot was skipped: the seed tells too little");
    assert_eq!(before, Some(tip.hash));
    facts
}

fn text(address: &Address) -> String {
    address.text(Chain::SOLANA)
}

/// Adds up what transfers say.
#[derive(Default)]
struct Sums {
    lamports: BTreeMap<String, i128>,
    tokens: BTreeMap<String, i128>,
}

impl Sums {
    fn add(&mut self, transfer: &Transfer) {
        let amount = i128::try_from(transfer.amount.to::<u128>()).expect("64 bits");
        for (end, sign) in [(&transfer.from, -1), (&transfer.to, 1)] {
            let Some(end) = end else { continue };
            let sum = match &transfer.asset.kind {
                AssetKind::Token(mint) => {
                    self.tokens.entry(format!("{} {}", text(end), text(mint))).or_default()
                }
                _ => self.lamports.entry(text(end)).or_default(),
            };
            *sum += sign * amount;
        }
    }
}

async fn check(python: &Path, seed: u64) {
    let runtime = start(python, seed, 80);
    let mut options = Options::new(&runtime.url);
    options.chain = Some(Chain::SOLANA);
    options.reading.votes = true;
    let node = Node::connect(&options).await.expect("a node");
    let facts = everything(&node).await;
    let truth = truth(&runtime.url).await;
    let odd: Vec<&Fact> = facts.iter().filter(|fact| matches!(fact, Fact::Oddity(_))).collect();
    assert!(odd.is_empty(), "seed {seed}: {odd:?}");
    assert!(facts.iter().any(|fact| matches!(fact, Fact::Freeze(_))), "seed {seed}");
    assert!(facts.iter().any(|fact| matches!(fact, Fact::Failed { .. })), "seed {seed}");
    let stated = facts.iter().filter(|fact| matches!(fact, Fact::Transfer { .. })).count();
    let memory = Memory::from_facts(facts);
    assert_eq!(memory.transfers().len(), stated, "seed {seed}: some merged");
    assert!(
        memory
            .transfers()
            .iter()
            .any(|t| { matches!(&t.position, Position::Call(path) if path.len() > 1) })
    );
    let mut sums = Sums::default();
    memory.transfers().iter().for_each(|transfer| sums.add(transfer));
    for (key, both) in truth["lamports"].as_object().expect("a map") {
        // Lamports of wrapped SOL move as its tokens.
        if truth["wrapped"].as_array().expect("a list").contains(&json!(key)) {
            continue;
        }
        let change = both[1].as_i64().expect("a number") - both[0].as_i64().expect("a number");
        let sum = sums.lamports.get(key).copied().unwrap_or(0);
        assert_eq!(sum, i128::from(change), "seed {seed}: lamports of {key}");
    }
    sums.tokens.retain(|_, sum| *sum != 0);
    let tokens = truth["tokens"].as_object().expect("a map").iter();
    let tokens: BTreeMap<String, i128> = tokens
        .map(|(name, amount)| (name.clone(), amount.as_i64().expect("a number").into()))
        .filter(|(_, amount)| *amount != 0)
        .collect();
    assert_eq!(sums.tokens, tokens, "seed {seed}");
}

#[tokio::test]
async fn what_is_stated_adds_up_to_what_the_runtime_holds() {
    let Some(python) = python() else {
        eprintln!("NOT CHECKED against LiteSVM: it is missing; `cargo xtask tools` fetches it");
        return;
    };
    for seed in 0..4 {
        check(&python, seed).await;
    }
}
