//! Beside a real runtime: the pasts of accounts, asked for as of a provider, are what
//! the blocks of the same node state of them.
//!
//! `cargo xtask tools` fetches LiteSVM from PyPI, pinned.

mod litesvm;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chain::history::{Api, Ask, Budget, History, Options, Provider, read};
use chain::solana::{Node, Options as NodeOptions};
use chain::source::{Kind, Source};
use litesvm::{python, start};
use model::{Account, Address, AssetKind, Chain, Fact, Memory, Transfer, TxId};

/// What all blocks state.
async fn blocks(url: &str) -> Vec<Fact> {
    let mut options = NodeOptions::new(url);
    options.chain = Some(Chain::SOLANA);
    options.reading.votes = true;
    let node = Node::connect(&options).await.expect("a node");
    let tip = node.tip().await.expect("a tip");
    let mut facts = Vec::new();
    for slot in 1001..=tip.height {
        match node.block(slot).await {
            Ok(block) => facts.extend(block.facts),
            Err(error) => assert!(matches!(error.kind, Kind::Skipped), "{error}"),
        }
    }
    facts
}

fn own(memory: &Memory, address: &Address) -> BTreeMap<TxId, Vec<Transfer>> {
    let mut own: BTreeMap<TxId, Vec<Transfer>> = BTreeMap::new();
    for transfer in memory.transfers() {
        if transfer.from.as_ref() == Some(address) || transfer.to.as_ref() == Some(address) {
            // Lists do not say which of its slot's a transaction was.
            let transfer = Transfer { tx_index: None, ..transfer.clone() };
            own.entry(transfer.tx).or_default().push(transfer);
        }
    }
    own.values_mut().for_each(|all| all.sort_by(Transfer::cmp_time));
    own
}

async fn check(python: &Path, seed: u64) {
    let runtime = start(python, seed, 40);
    let node = Memory::from_facts(blocks(&runtime.url).await);
    let budget = Budget::new(u64::MAX);
    let mut options = Options::new(&runtime.url, Chain::SOLANA, budget);
    options.per_second = 0;
    let provider = Provider::new(Api::Solana, &options).expect("it can be asked");
    let until = provider.horizon().await.expect("a horizon");
    // Who signed something has a past of its own.
    let payers: BTreeSet<Address> = node
        .transfers()
        .iter()
        .filter(|t| t.kind == model::TransferKind::Fee && t.asset.is_native())
        .filter_map(|t| t.from.clone())
        .collect();
    assert!(payers.len() > 5, "seed {seed}");
    let (mut told_in_all, mut unseen) = (0, 0);
    for address in payers {
        let account = Account { chain: Chain::SOLANA, address: address.clone() };
        let ask = Ask { account, after: None, until, rows_max: u64::MAX };
        let told = read(&provider, &ask).await.expect("it answers");
        assert_eq!(told.cut, None, "seed {seed}");
        let told = own(&Memory::from_facts(told.facts), &address);
        for (tx, stated) in own(&node, &address) {
            match told.get(&tx) {
                Some(told) => assert_eq!(*told, stated, "seed {seed}: {}", tx.hash_text()),
                // A token account that was closed since is no longer listed as anybody's.
                None => {
                    unseen += 1;
                    let is_token = |t: &Transfer| matches!(t.asset.kind, AssetKind::Token(_));
                    assert!(stated.iter().all(is_token), "seed {seed}: {}", tx.hash_text());
                    assert!(
                        stated.iter().all(|t| t.to.as_ref() == Some(&address)),
                        "seed {seed}: what it sent it signed: {}",
                        tx.hash_text()
                    );
                }
            }
        }
        told_in_all += told.len();
    }
    assert!(told_in_all > 100 && unseen * 10 < told_in_all, "seed {seed}: {told_in_all}, {unseen}");
}

#[tokio::test]
async fn the_past_of_an_account_is_what_blocks_state_of_it() {
    let Some(python) = python() else {
        eprintln!("NOT CHECKED against LiteSVM: it is missing; `cargo xtask tools` fetches it");
        return;
    };
    for seed in 0..3 {
        check(&python, seed).await;
    }
}
