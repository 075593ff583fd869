//! Against a real node in regtest: thousands of random payments under every
//! kind of lock, with reorgs, restarts and a bad connection. What is read, by
//! every road, adds up to what the node itself says it has.

mod bitcoind;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use bitcoin::ScriptBuf;
use chain::bitcoin::{Files, Node, Options, Previous};
use chain::import::{self, Format, import_file, plan};
use chain::source::{Block, BlockRef, Kind, Source, SourceError};
use model::{BitcoinNetwork, Chain, Fact, Memory, Outpoint, U256, View};
use serde_json::json;

use bitcoind::Bitcoind;
use bitcoind::coins::Lock;
use bitcoind::line::bad_connection;
use bitcoind::story::{Story, satoshi};

const REGTEST: Chain = Chain::Bitcoin(BitcoinNetwork::Regtest);

/// The simplest follower there can be.
#[derive(Default)]
struct Follower {
    blocks: Vec<Block>,
    undone: usize,
}

impl Follower {
    async fn follow(&mut self, node: &Node) -> Result<(), SourceError> {
        let tip = node.tip().await?;
        while self.blocks.last().map(|block| block.at) != Some(tip) {
            let next = self.blocks.len() as u64;
            if next > tip.height {
                self.undo();
                continue;
            }
            let block = node.block(next).await?;
            if self.blocks.last().is_some_and(|last| last.at.hash != block.at.parent) {
                self.undo();
                continue;
            }
            assert_eq!(block.at.height, next);
            assert_eq!(node.header(next).await?, block.at);
            self.blocks.push(block);
        }
        Ok(())
    }

    fn undo(&mut self) {
        self.blocks.pop();
        self.undone += 1;
    }

    fn memory(&self) -> Memory {
        memory(&self.blocks)
    }
}

fn memory(blocks: &[Block]) -> Memory {
    Memory::from_facts(blocks.iter().flat_map(|block| block.facts.clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_is_what_the_node_has() {
    let Some(mut node) = Bitcoind::start().await else { return };
    let mut story = Story::begin(&node, 20_261_121).await;
    let source = Node::connect(&node.options()).await.expect("connects");
    let mut follower = Follower::default();
    let mut branches = Vec::new();
    for round in 0..60 {
        let payments = 20 + story.dice.roll(40);
        story.block(&node, payments).await;
        if story.dice.roll(6) == 0 {
            let depth = 1 + story.dice.roll(9);
            branches.push(story.reorg(&node, depth).await);
        }
        if round == 25 {
            node.stop().await;
            node.start_again().await;
        }
        if story.dice.roll(2) == 0 {
            follower.follow(&source).await.expect("follows");
        }
    }
    assert!(story.paid > 2_000, "{}", story.paid);
    // A branch that had lost gets longer than the one that stands.
    let deepest = branches.pop().expect("there were reorgs");
    follower.follow(&source).await.expect("follows");
    let first = node.ask("getblockheader", json!([deepest])).await;
    let height = first["height"].as_u64().expect("a height");
    let standing = node.ask("getblockhash", json!([height])).await;
    node.ask("invalidateblock", json!([standing])).await;
    node.ask("reconsiderblock", json!([deepest])).await;
    story.recall(&node).await;
    for _ in 0..20 {
        story.block(&node, 5).await;
    }
    node.ask("reconsiderblock", json!([standing])).await;
    follower.follow(&source).await.expect("follows");
    assert!(follower.undone > 20, "{} blocks undone", follower.undone);

    let memory = follower.memory();
    equals_the_nodes_view(&node, &follower, &memory, &story).await;
    other_roads_lead_to_the_same(&node, &follower, &memory).await;
}

/// Unspent outputs, sums and fees, block by block and script by script.
async fn equals_the_nodes_view(
    node: &Bitcoind,
    follower: &Follower,
    memory: &Memory,
    story: &Story,
) {
    let unspent = unspent(memory);
    let set = node.ask("gettxoutsetinfo", json!([])).await;
    let total: u64 = unspent.values().map(|(_, value)| value).sum();
    assert_eq!(set["bestblock"], json!(text(follower.blocks.last().expect("blocks").at)));
    assert_eq!(json!(unspent.len()), set["txouts"]);
    assert_eq!(satoshi(&set["total_amount"]), total);
    for lock in Lock::ALL {
        let script = story.purse.script(lock);
        let found =
            node.ask("scantxoutset", json!(["start", [format!("raw({:x})", script)]])).await;
        let found: BTreeMap<(String, u64), u64> = found["unspents"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|out| {
                let id = out["txid"].as_str().expect("an id").to_string();
                ((id, out["vout"].as_u64().expect("a number")), satoshi(&out["amount"]))
            })
            .collect();
        let ours: BTreeMap<(String, u64), u64> = unspent
            .iter()
            .filter(|(_, (held, _))| *held == script)
            .map(|(out, (_, value))| ((out.tx.hash_text(), u64::from(out.index)), *value))
            .collect();
        assert!(!ours.is_empty(), "{lock:?}");
        assert_eq!(ours, found, "{lock:?}");
    }
    for block in &follower.blocks {
        let stats = node.ask("getblockstats", json!([block.at.height])).await;
        let fees: U256 = transactions(block).filter_map(|tx| tx.fee()).sum();
        assert_eq!(json!(fees.to::<u64>()), stats["totalfee"], "block {}", block.at.height);
        assert_eq!(json!(transactions(block).count()), stats["txs"]);
        assert_eq!(json!(text(block.at)), stats["blockhash"]);
        assert!(transactions(block).all(|tx| tx.unresolved().next().is_none()));
    }
}

/// Raw blocks, the node's files by height, and the importer of those files.
async fn other_roads_lead_to_the_same(node: &Bitcoind, follower: &Follower, expected: &Memory) {
    let raw = Node::connect(&Options { previous: Previous::Held, ..node.options() }).await;
    let mut by_raw = Follower::default();
    by_raw.follow(&raw.expect("connects")).await.expect("follows");
    same(&by_raw.memory(), expected);

    let files = Files::open(node.folder(), Some(REGTEST)).expect("opens");
    assert!(files.stale() > 20);
    let tip = follower.blocks.last().expect("blocks").at;
    let files = files.ending_in(tip.hash).expect("the node's tip is there");
    assert_eq!(files.heights(), (0, tip.height));
    let by_file: Result<Vec<Block>, _> = files.blocks(0, tip.height, 3).collect();
    let by_file = by_file.expect("reads");
    assert!(by_file.iter().zip(&follower.blocks).all(|(a, b)| a.at == b.at));
    same(&memory(&by_file), expected);

    // The importer takes what has the most work to stand, as the node does.
    let folder = node.folder().join("regtest/blocks");
    let options = import::Options::default();
    let mut facts = Vec::new();
    for file in plan(Format::BitcoinBlocks, &[folder], &options).expect("a plan") {
        import_file(Format::BitcoinBlocks, &file, &options, &mut |_| {}, &mut |fact| {
            facts.push(fact);
            Ok(())
        })
        .expect("imports");
    }
    same(&Memory::from_facts(facts), expected);
}

fn same(a: &Memory, b: &Memory) {
    let (a, b) = (a.transfers(), b.transfers());
    assert_eq!(a.len(), b.len());
    let differing = a.iter().zip(b).find(|(a, b)| a != b);
    assert_eq!(differing, None);
}

fn transactions(block: &Block) -> impl Iterator<Item = &model::UtxoTransaction> {
    block.facts.iter().filter_map(|fact| match fact {
        Fact::Utxo(tx) => Some(tx),
        _ => None,
    })
}

/// As the node counts them: without the first block's, and what nobody can spend.
fn unspent(memory: &Memory) -> BTreeMap<Outpoint, (ScriptBuf, u64)> {
    let mut unspent = BTreeMap::new();
    for transfer in memory.transfers() {
        let model::Position::Output(index) = transfer.position else { continue };
        let outpoint = Outpoint { tx: transfer.tx, index };
        let script = ScriptBuf::from_bytes(transfer.to.as_ref().expect("an end").bytes().to_vec());
        let is_spent = memory.spends(&[outpoint]).expect("in memory")[0].is_some();
        if !is_spent && !script.is_op_return() && transfer.height != Some(0) {
            unspent.insert(outpoint, (script, transfer.amount.to()));
        }
    }
    unspent
}

fn text(at: BlockRef) -> String {
    at.hash.text(REGTEST)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_connection_costs_time_and_nothing_else() {
    let Some(node) = Bitcoind::start().await else { return };
    let mut story = Story::begin(&node, 11).await;
    for _ in 0..10 {
        story.block(&node, 20).await;
    }
    let (port, broken) = bad_connection(node.port(), 100_000).await;
    let source = Node::connect(&node.options_at(port)).await.expect("connects");
    let mut follower = Follower::default();
    follower.follow(&source).await.expect("follows");
    assert!(broken.load(Ordering::Relaxed) > 2);
    equals_the_nodes_view(&node, &follower, &follower.memory(), &story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_block_is_heard_of_by_news_and_by_looking() {
    for publishes in [true, false] {
        let Some(node) = Bitcoind::start_with(publishes).await else { return };
        let source = Node::connect(&node.options()).await.expect("connects");
        for height in 1..6 {
            node.ask("generatetodescriptor", json!([1, "raw(51)"])).await;
            while source.tip().await.expect("answers").height < height {
                source.changed().await.expect("waits");
            }
        }
        assert_eq!(source.tip().await.expect("answers").height, 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_cannot_answer_is_said_clearly() {
    let Some(node) = Bitcoind::start().await else { return };
    let source = Node::connect(&node.options()).await.expect("connects");
    assert_eq!(source.chain(), REGTEST);
    assert_eq!(source.finalized().await.expect("none"), None);
    let beyond = source.block(7).await.expect_err("no such block");
    assert!(matches!(beyond.kind, Kind::NotFound), "{beyond}");
    assert!(beyond.to_string().contains("getblockhash: block 7"), "{beyond}");
    let progress = source.progress().await.expect("answers");
    assert_eq!((progress.blocks, progress.pruned_below), (0, None));
    assert!(progress.is_catching_up, "its newest block is of 2011");

    let other = Options { chain: Some(Chain::BITCOIN), ..node.options() };
    let wrong = Node::connect(&other).await.err().expect("another chain").to_string();
    assert!(wrong.contains("expected"), "{wrong}");
    let stranger = Options {
        login: chain::bitcoin::Login::Address,
        ..Options::new(format!("http://someone:secret@127.0.0.1:{}", node.port()))
    };
    let refused = Node::connect(&stranger).await.err().expect("not let in");
    assert!(!format!("{refused:?} {stranger:?}").contains("secret"));
    assert!(refused.to_string().contains("key or password"), "{refused}");
}
