//! What following costs, beside a real node. Not run by themselves:
//! `cargo test --release -p interdict --test follow -- --ignored --nocapture measure`.
//! `docs/operating/following.md` quotes what they print.

#![allow(clippy::print_stderr, reason = "it prints what it measures")]

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chain::http::{Bounds, Http};
use futures_util::{StreamExt, stream};
use interdict::config::{Config, Flags};
use interdict::follow::nodes::Waits;
use interdict::follow::{Ended, Follower, Keeper, Nodes, Plan, Room, dial};
use model::{BitcoinNetwork, Chain};
use serde_json::{Value, json};
use store::Store;
use tokio::sync::watch;

use crate::anvil::Anvil;
use crate::bitcoind::Bitcoind;
use crate::bitcoind::story::Story;
use crate::world::Random;

const EVM: Chain = Chain::Evm(31_337);
const REGTEST: Chain = Chain::Bitcoin(BitcoinNetwork::Regtest);
const AT_ONCE: usize = 32;
const BLOCKS: usize = 200;

// -- a new block -----------------------------------------------------------------------------------

/// From the node's answer that a block was made to its being seen by another reader of the store.
#[test]
#[ignore = "a measurement"]
fn measure_new_block_to_visible() {
    let Some(anvil) = Anvil::start() else { return };
    let mut random = Random::new(3);
    anvil.live(50, &mut random);
    for (how, url) in
        [("HTTP", anvil.url().to_string()), ("WebSocket", anvil.url().replace("http", "ws"))]
    {
        let mut make = || {
            for _ in 0..20 {
                let (from, to) = (anvil.account(&mut random), anvil.account(&mut random));
                anvil.pay(from, to, 1_000);
            }
            anvil.mine(1);
            anvil.tip()
        };
        block_to_visible(EVM, &format!("anvil, 20 payments a block, {how}"), &url, &mut make);
    }
}

#[test]
#[ignore = "a measurement"]
fn measure_new_bitcoin_block_to_visible() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for (publishes, how) in [(true, "ZeroMQ"), (false, "polled")] {
        let Some(node) = runtime.block_on(Bitcoind::start_with(publishes)) else { return };
        let mut story = runtime.block_on(Story::begin(&node, 5));
        for _ in 0..20 {
            runtime.block_on(story.block(&node, 100));
        }
        let url = with_login(&node);
        let mut make = || {
            runtime.block_on(story.block(&node, 100));
            story.height
        };
        let what = format!("Bitcoin Knots, 100 payments a block, {how}");
        block_to_visible(REGTEST, &what, &url, &mut make);
    }
}

fn block_to_visible(chain: Chain, what: &str, url: &str, make: &mut dyn FnMut() -> u64) {
    let home = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (stop, stopped) = watch::channel(false);
    let task = runtime.spawn(follower(chain, url, home.path(), false).run(stopped));
    let first = make();
    let mut reader = Store::open_existing(home.path()).expect("opens");
    is_visible(&mut reader, chain, first);
    let mut waited: Vec<Duration> = Vec::new();
    for _ in 0..BLOCKS {
        let height = make();
        let made = Instant::now();
        is_visible(&mut reader, chain, height);
        waited.push(made.elapsed());
    }
    stop.send_replace(true);
    runtime.block_on(task).expect("it ends");
    waited.sort();
    let [median, high, most] = [50, 99, 100].map(|share| waited[BLOCKS * share / 100 - 1]);
    eprintln!("{what}: median {median:?}, 99th percentile {high:?}, longest of {BLOCKS} {most:?}");
}

fn is_visible(reader: &mut Store, chain: Chain, height: u64) {
    loop {
        reader.refresh().expect("reads");
        let followed = reader.followed().expect("reads");
        let tip = followed.iter().find(|of| of.chain == chain).and_then(|of| of.tip);
        if tip.is_some_and(|tip| tip.height >= height) {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

// -- catching up -----------------------------------------------------------------------------------

/// Blocks a second while catching up, and those of a reader that only fetches the same answers.
#[test]
#[ignore = "a measurement"]
fn measure_backfill() {
    let Some(anvil) = Anvil::start() else { return };
    let mut random = Random::new(4);
    for _ in 0..1_000 {
        for _ in 0..random.below(40) {
            let (from, to) = (anvil.account(&mut random), anvil.account(&mut random));
            anvil.pay(from, to, 1_000);
        }
        anvil.mine(1);
    }
    let http = Http::new(anvil.url(), Bounds::default()).expect("an address");
    let fetch = |height: u64| {
        let http = &http;
        async move {
            let height = format!("{height:#x}");
            let block = ask(http, "eth_getBlockByNumber", json!([height, true])).await;
            let hash = block["result"]["hash"].clone();
            let receipts = ask_raw(http, "eth_getBlockReceipts", json!([hash]));
            let traces = ask_raw(http, "trace_block", json!([height]));
            tokio::join!(receipts, traces);
        }
    };
    backfill(EVM, "anvil", anvil.url(), 0..=anvil.tip(), &fetch);
}

#[test]
#[ignore = "a measurement"]
fn measure_bitcoin_backfill() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let Some(node) = runtime.block_on(Bitcoind::start()) else { return };
    let mut story = runtime.block_on(Story::begin(&node, 6));
    for _ in 0..1_200 {
        runtime.block_on(story.block(&node, 100));
    }
    let url = with_login(&node);
    let http = Http::new(&url, Bounds::default()).expect("an address");
    let fetch = |height: u64| {
        let http = &http;
        async move {
            let hash = ask(http, "getblockhash", json!([height])).await["result"].clone();
            ask_raw(http, "getblock", json!([hash, 3])).await;
        }
    };
    backfill(REGTEST, "Bitcoin Knots", &url, 0..=story.height, &fetch);
}

fn backfill<F: Future<Output = ()>>(
    chain: Chain,
    what: &str,
    url: &str,
    heights: RangeInclusive<u64>,
    fetch: &dyn Fn(u64) -> F,
) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let blocks = heights.end() - heights.start() + 1;
    for round in 0..4 {
        let bare = Instant::now();
        let read = stream::iter(heights.clone()).map(fetch).buffered(AT_ONCE);
        runtime.block_on(read.collect::<Vec<()>>());
        let bare = bare.elapsed();
        let home = tempfile::tempdir().expect("a folder");
        let ours = Instant::now();
        let (_stop, stopped) = watch::channel(false);
        let ended = runtime.block_on(follower(chain, url, home.path(), true).run(stopped));
        assert!(matches!(ended, Ended::AtTip), "{ended:?}");
        let ours = ours.elapsed();
        let share = bare.as_secs_f64() / ours.as_secs_f64() * 100.0;
        eprintln!(
            "{what}, round {round}: {blocks} blocks: fetched {bare:?}, stored {ours:?}, {share:.0} %"
        );
    }
}

async fn ask(http: &Http, method: &str, params: Value) -> Value {
    serde_json::from_slice(&ask_raw(http, method, params).await).expect("JSON")
}

async fn ask_raw(http: &Http, method: &str, params: Value) -> Vec<u8> {
    let question = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    http.post(question.to_string()).await.expect("answers")
}

// -- what both need --------------------------------------------------------------------------------

fn with_login(node: &Bitcoind) -> String {
    let login = std::fs::read_to_string(node.cookie()).expect("a cookie");
    format!("http://{login}@127.0.0.1:{}", node.port())
}

fn follower(chain: Chain, url: &str, home: &Path, once: bool) -> Follower {
    let flags = Flags { chain: Some(chain), rpc: vec![url.into()], ..Flags::default() };
    let config = Config::read(home, &flags, &config_of_nobody).expect("a configuration");
    let of = &config.chains[0];
    let node = dial::node(chain, &of.nodes[0].value, &config.follow).expect("a node");
    let store = Store::open(home).expect("opens");
    let plan = Plan {
        chain,
        from: Some(0),
        finality: of.finality.value,
        undo: of.undo.value,
        room: Room { at_once: AT_ONCE, ..Room::default() },
        once,
        patience: Duration::from_secs(60),
    };
    let waits =
        Waits { poll: Duration::from_millis(config.follow.poll_ms.value), ..Waits::default() };
    let nodes = Arc::new(Nodes::new(chain, vec![node], waits));
    Follower::new(plan, nodes, Keeper::new(store.follow().expect("may write")))
}

fn config_of_nobody(_: &str) -> Option<String> {
    None
}
