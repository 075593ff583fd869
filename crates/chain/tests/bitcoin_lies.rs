//! A node that lies is refused with an error that says how; one that groans is
//! asked again. Every case starts from recorded answers, which are true.

mod node;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chain::bitcoin::{Node, Options};
use chain::source::{Kind, Lie, Limits, Source, SourceError};
use model::{BitcoinNetwork, Chain, Fact};
use node::{Answer, serve};
use serde_json::{Value, json};

const BLOCK: &str = "block_1/rpc_response_getblock_\
                     00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048_2.json";
const OTHER: &str = "block_without_transactions/rpc_response_getblock_\
                     000000001aeae195809d120b5d66a39c83eb48792e068f8ea1fea19d84a4278a_2.json";
const GENESIS: &str = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
const TESTNET: &str = "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943";

fn recorded(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/bitcoin-etl").join(name);
    serde_json::from_slice(&std::fs::read(path).expect(name)).expect(name)
}

/// What a true node says of block 1.
fn truth(method: &str, params: &Value) -> Answer {
    let block = recorded(BLOCK);
    match (method, params[0].as_u64()) {
        ("getblockhash", Some(0)) => Answer::Result(json!(GENESIS)),
        ("getblockhash", Some(1)) | ("getbestblockhash", _) => {
            Answer::Result(block["hash"].clone())
        }
        ("getblockhash", _) => Answer::Error(-8, "Block height out of range"),
        ("getblock" | "getblockheader", _) => Answer::Result(block),
        _ => Answer::Error(-32601, "Method not found"),
    }
}

fn options(url: String) -> Options {
    let mut options = Options::new(url);
    options.bounds.body_max = 1 << 20;
    options.bounds.total = Duration::from_millis(500);
    let wait = Duration::from_millis(1);
    options.limits = Limits { at_once_max: 4, tries_max: 3, wait, wait_max: wait };
    options
}

async fn block_from(
    script: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static,
) -> Result<chain::source::Block, SourceError> {
    let node = Node::connect(&options(serve(script).await)).await?;
    node.block(1).await
}

async fn refuse(
    expected: &str,
    script: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static,
) -> SourceError {
    let error = block_from(script).await.expect_err(expected);
    let said = error.to_string();
    assert!(said.contains(expected), "{said}\n does not say: {expected}");
    assert!(said.starts_with("node http://127.0.0.1:"), "{said}");
    error
}

/// The truth, but for `getblock`.
async fn refuse_block(expected: &str, answer: fn(Value) -> Answer) -> SourceError {
    refuse(expected, move |method, params| match method {
        "getblock" => answer(recorded(BLOCK)),
        _ => truth(method, params),
    })
    .await
}

fn envelope(result: &Value) -> String {
    json!({ "id": 1, "result": result, "error": null }).to_string()
}

#[tokio::test]
async fn the_truth_is_taken() {
    let block = block_from(truth).await.expect("true");
    assert_eq!(block.at.height, 1);
    assert_eq!(block.at.parent.text(Chain::BITCOIN), GENESIS);
    let made = block.facts.iter().filter(|fact| matches!(fact, Fact::Utxo(tx) if tx.is_coinbase));
    assert_eq!(made.count(), 1);
    let node = Node::connect(&options(serve(truth).await)).await.expect("connects");
    assert_eq!(node.tip().await.expect("true"), block.at);
    assert_eq!(node.header(1).await.expect("true"), block.at);
}

#[tokio::test]
async fn another_block_or_a_changed_one_is_refused() {
    let another = refuse_block("given block", |_| Answer::Result(recorded(OTHER))).await;
    assert!(matches!(another.lie(), Some(Lie::WrongBlock { .. })));
    assert_eq!((another.method, another.height), (Some("getblock"), Some(1)));
    let parent = refuse_block("hashes to", |mut block| {
        block["previousblockhash"] = json!(TESTNET);
        Answer::Result(block)
    });
    assert!(matches!(parent.await.lie(), Some(Lie::WrongHash { .. })));
    refuse_block("merkle root", |mut block| {
        let hex = block["tx"][0]["hex"].as_str().expect("hex").replace("f2052a01", "f2052a02");
        block["tx"][0]["hex"] = json!(hex);
        Answer::Result(block)
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_cut_short_or_has_no_end_is_refused() {
    let cut = |block: Value| {
        let text = envelope(&block);
        Answer::Body { text: text[..text.len() / 2].to_string(), stated: None }
    };
    assert!(matches!(refuse_block("not the JSON", cut).await.lie(), Some(Lie::NotJson(_))));
    refuse_block("the connection broke", |block| {
        let text = envelope(&block);
        Answer::Body { stated: Some(text.len() + 7), text }
    })
    .await;
    let endless = refuse_block("over 1048576 bytes", |_| Answer::Endless).await;
    assert!(matches!(endless.lie(), Some(Lie::TooLarge { .. })));
    let deep = |_| Answer::Body { text: "[".repeat(100_000), stated: None };
    refuse_block("not the JSON", deep).await;
}

#[tokio::test]
async fn another_network_is_refused_also_when_it_comes_later() {
    let other = |first: &'static str| {
        move |method: &str, params: &Value| match (method, params[0].as_u64()) {
            ("getblockhash", Some(0)) => Answer::Result(json!(first)),
            _ => truth(method, params),
        }
    };
    let testnet = Chain::Bitcoin(BitcoinNetwork::Testnet3);
    let mut wanted = options(serve(other(TESTNET)).await);
    wanted.chain = Some(Chain::BITCOIN);
    let error = Node::connect(&wanted).await.err().expect("testnet").kind;
    assert!(
        matches!(error, Kind::WrongChain { expected: Chain::BITCOIN, found } if found == testnet)
    );
    let unknown = "11".repeat(32);
    refuse("of no Bitcoin network known", other(unknown.leak())).await;

    // After a silence the node is another one.
    let asked = Arc::new(AtomicU32::new(0));
    let changing = move |method: &str, params: &Value| match (method, params[0].as_u64()) {
        ("getblock", _) if asked.fetch_add(1, Ordering::Relaxed) == 0 => Answer::Silence,
        ("getblockhash", Some(0)) if asked.load(Ordering::Relaxed) > 0 => {
            Answer::Result(json!(TESTNET))
        }
        _ => truth(method, params),
    };
    let node = Node::connect(&options(serve(changing).await)).await.expect("mainnet at first");
    let error = node.block(1).await.expect_err("testnet now");
    assert!(matches!(error.kind, Kind::WrongChain { .. }), "{error}");
}

#[tokio::test]
async fn a_node_that_groans_is_asked_again() {
    for groan in [
        || Answer::Error(-28, "Loading block index…"),
        || Answer::Status(503, ""),
        || Answer::Status(429, "retry-after: 0\r\n"),
        || Answer::Silence,
    ] {
        let asked = Arc::new(AtomicU32::new(0));
        let counter = asked.clone();
        let block = block_from(move |method, params| match method {
            "getblock" if counter.fetch_add(1, Ordering::Relaxed) == 0 => groan(),
            _ => truth(method, params),
        });
        assert_eq!(block.await.expect("at last").at.height, 1);
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
    let error = refuse_block("the node is starting: Verifying", |_| {
        Answer::Error(-28, "Verifying blocks…")
    });
    assert!(error.await.is_transient());
}

#[tokio::test]
async fn what_the_node_does_not_have_is_said() {
    let pruned = |_| Answer::Error(-1, "Block not available (pruned data)");
    assert!(!refuse_block("is pruned and no longer has this block", pruned).await.is_transient());
    let beyond = refuse("not there", |method, params| match (method, params[0].as_u64()) {
        ("getblockhash", Some(1)) => Answer::Error(-8, "Block height out of range"),
        _ => truth(method, params),
    });
    assert!(matches!(beyond.await.kind, Kind::NotFound));
    assert!(matches!(
        refuse("key or password", |_, _| Answer::Status(401, "")).await.kind,
        Kind::Refused(_)
    ));
}
