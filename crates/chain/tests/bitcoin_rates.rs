//! How fast blocks come, by every road, beside a reader that only fetches them.
//! Prints what it measures; `docs/operating/bitcoin.md` quotes it.

#![allow(clippy::print_stdout, reason = "it prints what it measures")]

mod bitcoind;

use std::time::{Duration, Instant};

use bitcoin::OutPoint;
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Amount, ScriptBuf, TxOut};
use chain::bitcoin::{Files, Node, Options, Previous};
use chain::http::{Bounds, Http};
use chain::source::Source;
use futures_util::StreamExt;
use futures_util::stream::iter;
use serde_json::{Value, json};

use bitcoind::Bitcoind;
use bitcoind::coins::{Coin, Dice, Lock, Purse};

const FIRST: u64 = 120;
const AT_ONCE: usize = 4;

/// Blocks of random payments on top of a hundred empty ones.
async fn prepare(node: &Bitcoind, blocks: u64, payments: usize) {
    let (purse, mut dice) = (Purse::new(7), Dice(5));
    let script = purse.script(Lock::WitnessKeyHash);
    let output = format!("raw({})", script.to_hex_string());
    node.ask("generatetodescriptor", json!([FIRST, output])).await;
    let mut coins = Vec::new();
    for height in 1..20 {
        coins.push(coinbase(node, height, &script).await);
    }
    for height in FIRST + 1..=FIRST + blocks {
        let mut raw = Vec::new();
        for _ in 0..payments {
            raw.extend(purse.random(&mut dice, &mut coins, height).map(|tx| serialize_hex(&tx)));
        }
        node.ask("generateblock", json!([output, raw])).await;
    }
}

async fn coinbase(node: &Bitcoind, height: u64, script: &ScriptBuf) -> Coin {
    let hash = node.ask("getblockhash", json!([height])).await;
    let block = node.ask("getblock", json!([hash, 1])).await;
    let txid = block["tx"][0].as_str().expect("an id").parse().expect("an id");
    let out = TxOut { value: Amount::from_int_btc(50), script_pubkey: script.clone() };
    Coin { at: OutPoint::new(txid, 0), out, lock: Lock::WitnessKeyHash, ripe: 0 }
}

/// Only fetches: the answers are not read.
async fn bare(node: &Bitcoind, heights: std::ops::RangeInclusive<u64>, verbosity: u8) -> usize {
    let login = std::fs::read_to_string(node.cookie()).expect("a cookie");
    let url = format!("http://{login}@127.0.0.1:{}", node.port());
    let http = Http::new(&url, Bounds::default()).expect("an address");
    let ask = async |method: &str, params: Value| {
        let question = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        http.post(question.to_string()).await.expect("answers")
    };
    let fetch = async |height: u64| {
        let hash: Value =
            serde_json::from_slice(&ask("getblockhash", json!([height])).await).expect("JSON");
        ask("getblock", json!([hash["result"], verbosity])).await.len()
    };
    iter(heights).map(fetch).buffered(AT_ONCE).fold(0, async |sum, len| sum + len).await
}

async fn decoded(node: &Node, heights: std::ops::RangeInclusive<u64>) -> usize {
    let read = async |height: u64| node.block(height).await.expect("reads").facts.len();
    iter(heights).map(read).buffered(AT_ONCE).fold(0, async |sum, len| sum + len).await
}

fn say(what: &str, blocks: u64, took: Duration, bytes: usize) {
    let rate = blocks as f64 / took.as_secs_f64();
    let bytes = bytes as f64 / 1e3 / blocks as f64;
    println!("{what:<42} {rate:>8.0} blocks/s {bytes:>9.0} kB a block");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn how_fast_blocks_come() {
    let Some(node) = Bitcoind::start().await else { return };
    let blocks = 60;
    prepare(&node, blocks, 400).await;
    let heights = FIRST + 1..=FIRST + blocks;
    for (previous, verbosity) in [(Previous::Asked, 3), (Previous::Held, 0)] {
        let source =
            Node::connect(&Options { previous, ..node.options() }).await.expect("connects");
        // Interleaved, so that both meet the same neighbours.
        let (mut fetching, mut reading, mut bytes) = (Duration::ZERO, Duration::ZERO, 0);
        for _ in 0..5 {
            let started = Instant::now();
            bytes = bare(&node, heights.clone(), verbosity).await;
            fetching += started.elapsed();
            let started = Instant::now();
            decoded(&source, heights.clone()).await;
            reading += started.elapsed();
        }
        say(&format!("getblock {verbosity}, fetched only"), blocks * 5, fetching, bytes * 5);
        say(&format!("getblock {verbosity}, read and checked"), blocks * 5, reading, bytes * 5);
        println!("share {:.2}", fetching.as_secs_f64() / reading.as_secs_f64());
    }
    let files = Files::open(node.folder(), None).expect("opens");
    for threads in [1, 2] {
        let started = Instant::now();
        for _ in 0..5 {
            let read = files.blocks(FIRST + 1, FIRST + blocks, threads);
            assert_eq!(read.filter(Result::is_ok).count() as u64, blocks);
        }
        say(&format!("block files, {threads} threads"), blocks * 5, started.elapsed(), 0);
    }
}
