//! A node's answers about one block: header and transactions, receipts, traces,
//! parted by lines that hold nothing but `--`. The first byte chooses the chain,
//! the form of the traces, and whether hashes must fit.

#![no_main]

use chain::evm::{Fees, Receipts, Replies, Rules, Traces, decode};
use model::{Chain, Fact, Memory, TransferKind, U256};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, text)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    if text.len() > 64 << 10 {
        return;
    }
    let mut parts = text.splitn(3, "\n--\n");
    let block = parts.next().unwrap_or_default();
    let receipts = parts.next().unwrap_or_default();
    let traces = match (choice & 3, parts.next()) {
        (1, Some(traces)) => Traces::Flat(traces),
        (2, Some(traces)) => Traces::Nested(traces),
        _ => Traces::None,
    };
    let chain = if choice & 4 == 0 { Chain::ETHEREUM } else { Chain::OPTIMISM };
    let mut rules = Rules::of(chain);
    // A fuzzer finds no hash: with them it would never get beyond the header.
    rules.has_plain_headers = choice & 8 != 0;
    rules.has_roots = choice & 16 != 0;
    let Ok(at) = decode::block_ref(block, None, &rules) else { return };
    let replies = Replies { block, receipts: Receipts::Block(receipts), traces };
    let Ok(block) = decode::block(chain, at.height, &rules, &replies) else { return };
    assert_eq!(block.at, at);
    balance(&block.facts, &rules);
    let once = Memory::from_facts(block.facts.iter().cloned());
    let twice = Memory::from_facts(block.facts.iter().chain(&block.facts).cloned());
    assert_eq!(once.transfers(), twice.transfers());
});

/// What producers earned is no more than what senders paid.
fn balance(facts: &[Fact], rules: &Rules) {
    if rules.fees != Fees::Producer {
        return;
    }
    let fees = fees_of(facts);
    let (mut paid, mut earned) = (U256::ZERO, U256::ZERO);
    for fact in facts {
        let Fact::Transfer { transfer, .. } = fact else { continue };
        if transfer.kind == TransferKind::Fee {
            paid += transfer.amount;
        } else if transfer.tx == fees {
            earned += transfer.amount;
        }
    }
    assert!(earned <= paid, "producers earned {earned} of {paid} paid");
}

/// The id under which a block's earnings stand.
fn fees_of(facts: &[Fact]) -> model::TxId {
    let height = facts.iter().find_map(|fact| match fact {
        Fact::Block(block) => block.height,
        _ => None,
    });
    chain::evm::place::block_event(
        "fees",
        Chain::ETHEREUM,
        height.expect("a block says its height"),
    )
}
