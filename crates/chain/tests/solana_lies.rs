//! A Solana node that lies is refused with an error that says how; one that
//! groans is asked again.

mod made_solana;
mod node;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chain::solana::{Node, Options};
use chain::source::{Block, Internal, Kind, Lie, Limits, Source, SourceError};
use made_solana::{SLOT, block, payment, text};
use model::{Chain, SolanaNetwork};
use node::{Answer, serve};
use serde_json::{Value, json};

const GENESIS: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";

fn truth() -> Value {
    block(&[payment(1, 7), payment(2, 8)])
}

fn answer(block: &Value, method: &str, _: &Value) -> Answer {
    match method {
        "getGenesisHash" => Answer::Result(json!(GENESIS)),
        "getSlot" => Answer::Result(json!(SLOT)),
        "getBlock" => Answer::Result(block.clone()),
        _ => Answer::Error(-32601, "Method not found"),
    }
}

fn options(url: String) -> Options {
    let mut options = Options::new(url);
    options.chain = Some(Chain::SOLANA);
    options.poll = Duration::from_millis(1);
    options.bounds.body_max = 1 << 20;
    options.bounds.total = Duration::from_millis(500);
    let wait = Duration::from_millis(1);
    options.limits = Limits { at_once_max: 4, tries_max: 3, wait, wait_max: wait };
    options
}

async fn block_from(
    script: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static,
) -> Result<Block, SourceError> {
    Node::connect(&options(serve(script).await)).await?.block(SLOT).await
}

async fn told(change: impl FnOnce(&mut Value)) -> SourceError {
    let mut block = truth();
    change(&mut block);
    block_from(move |method, asked| answer(&block, method, asked)).await.expect_err("a lie")
}

async fn answered(with: impl Fn() -> Answer + Send + Sync + 'static) -> SourceError {
    let truth = truth();
    let block = block_from(move |method, asked| match method {
        "getBlock" => with(),
        _ => answer(&truth, method, asked),
    });
    block.await.expect_err("no good answer")
}

macro_rules! lies {
    ($error:expr, $pattern:pat) => {{
        let error = $error;
        assert!(matches!(error.lie(), Some($pattern)), "{error}");
        assert!(error.to_string().contains("cannot be true"), "{error}");
    }};
}

#[tokio::test]
async fn the_truth_is_believed() {
    let block = truth();
    let url = serve(move |method, asked| answer(&block, method, asked)).await;
    let node = Node::connect(&options(url)).await.expect("a node");
    let block = node.block(SLOT).await.expect("true");
    assert_eq!(node.header(SLOT).await.expect("true"), block.at);
    assert_eq!(node.tip().await.expect("true"), block.at);
    assert_eq!(node.finalized().await.expect("true"), Some(SLOT));
    assert_eq!(node.sees().internal, Internal::Told);
}

#[tokio::test]
async fn another_chain_is_refused_at_connect_and_later() {
    let block = truth();
    let asked_before = AtomicU32::new(0);
    let url = serve(move |method, asked| {
        if method == "getGenesisHash" && asked_before.fetch_add(1, Ordering::SeqCst) > 0 {
            return Answer::Result(json!("EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"));
        }
        answer(&block, method, asked)
    });
    let url = url.await;
    let node = Node::connect(&options(url.clone())).await.expect("the right chain at first");
    let error = node.tip().await.expect_err("another chain now");
    let Kind::WrongChain { expected, found } = error.kind else { panic!("{error}") };
    assert_eq!((expected, found), (Chain::SOLANA, Chain::Solana(SolanaNetwork::Devnet)));
    assert!(Node::connect(&options(url)).await.is_err());
    let own = serve(|_, _| Answer::Result(json!(text(&[7; 32])))).await;
    let error = Node::connect(&options(own)).await.err().expect("not known");
    assert!(matches!(error.kind, Kind::Refused(_)), "{error}");
}

#[tokio::test]
async fn a_block_that_contradicts_itself_is_a_lie() {
    lies!(told(|block| block["parentSlot"] = json!(SLOT)).await, Lie::WrongParent { .. });
    lies!(told(|block| block["blockhash"] = json!("0OIl")).await, Lie::NotJson(_));
    let swap = |block: &mut Value| {
        block["transactions"][0]["meta"] = json!(null);
    };
    lies!(told(swap).await, Lie::Transaction { .. });
    let balances = |block: &mut Value| {
        block["transactions"][0]["meta"]["postBalances"][1] = json!(u64::MAX);
    };
    lies!(told(balances).await, Lie::Transaction { .. });
    let fewer = |block: &mut Value| {
        block["transactions"][0]["meta"]["preBalances"].as_array_mut().expect("a list").pop();
    };
    lies!(told(fewer).await, Lie::Transaction { .. });
    let loaded = |block: &mut Value| {
        block["transactions"][0]["meta"]["loadedAddresses"] =
            json!({ "writable": [text(&[1; 32])], "readonly": [] });
    };
    lies!(told(loaded).await, Lie::Transaction { .. });
    let inner = |block: &mut Value| {
        block["transactions"][0]["meta"]["innerInstructions"] =
            json!([{ "index": 9, "instructions": [] }]);
    };
    lies!(told(inner).await, Lie::Transaction { .. });
    let far = |block: &mut Value| {
        block["transactions"][0]["meta"]["innerInstructions"] = json!([{ "index": 0,
            "instructions": [{ "programIdIndex": 200, "accounts": [], "data": "" }] }]);
    };
    lies!(told(far).await, Lie::Transaction { .. });
    let bytes = |block: &mut Value| {
        block["transactions"][0]["transaction"] = block["transactions"][1]["transaction"].clone();
        block["transactions"][0]["transaction"][0] = json!("AAAA");
    };
    lies!(told(bytes).await, Lie::Transaction { .. });
}

#[tokio::test]
async fn answers_cut_short_endless_or_too_large_are_lies() {
    let whole = json!({ "jsonrpc": "2.0", "id": 1, "result": truth() }).to_string();
    let cut = whole[..whole.len() / 2].to_string();
    lies!(
        answered(move || Answer::Body { text: cut.clone(), stated: None }).await,
        Lie::NotJson(_)
    );
    lies!(answered(|| Answer::Endless).await, Lie::TooLarge { max: 1_048_576 });
    lies!(answered(|| Answer::Body { text: "{}".into(), stated: None }).await, Lie::NotJson(_));
    lies!(
        answered(|| Answer::Body { text: "{".into(), stated: Some(1 << 40) }).await,
        Lie::TooLarge { .. }
    );
}

#[tokio::test]
async fn a_skipped_slot_is_told_from_one_that_is_not_there_yet() {
    let error = answered(|| Answer::Error(-32007, "Slot 5 was skipped, or missing")).await;
    assert!(matches!(error.kind, Kind::Skipped), "{error}");
    let error = answered(|| Answer::Error(-32009, "Slot 5 was skipped, or missing")).await;
    assert!(matches!(error.kind, Kind::Skipped), "{error}");
    let error = answered(|| Answer::Error(-32004, "Block not available for slot 5")).await;
    assert!(matches!(error.kind, Kind::NotFound), "{error}");
    let error = answered(|| Answer::Result(Value::Null)).await;
    assert!(matches!(error.kind, Kind::NotFound), "{error}");
}

#[tokio::test]
async fn what_may_pass_is_asked_again_and_what_will_not_is_refused() {
    let error = answered(|| Answer::Error(-32005, "Node is behind by 42 slots")).await;
    assert!(matches!(error.kind, Kind::Transient(_)), "{error}");
    let error = answered(|| Answer::Error(-32001, "Block 5 cleaned up")).await;
    assert!(matches!(error.kind, Kind::Refused(_)), "{error}");
    let error =
        answered(|| Answer::Error(-32015, "Transaction version (1) is not supported")).await;
    assert!(matches!(error.kind, Kind::Refused(_)), "{error}");
    let error = answered(|| Answer::Status(429, "retry-after: 7\r\n")).await;
    assert!(matches!(error.kind, Kind::RateLimited { .. }), "{error}");
    let error = answered(|| Answer::Silence).await;
    assert!(matches!(error.kind, Kind::Transient(_)), "{error}");
}
