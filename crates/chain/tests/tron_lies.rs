//! A Tron node that lies is refused with an error that says how; one that groans
//! is asked again.

mod made_tron;
mod node;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chain::secret::Secret;
use chain::source::{Block, Internal, Kind, Lie, Limits, Sees, Source, SourceError};
use chain::tron::{Node, Options};
use made_tron::{Made, OTHER, OWNER, transfer, trigger};
use model::{Chain, TronNetwork};
use node::{Answer, serve_paths};
use serde_json::{Value, json};

const HEIGHT: u64 = 50_000_011;

/// The main network's first block, less all but its id.
fn genesis() -> Value {
    json!({
        "blockID": "00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc",
        "block_header": { "raw_data": {
            "parentHash": "00".repeat(32),
        } },
    })
}

fn truth() -> Made {
    let mut called = trigger(&OWNER, &OTHER, 7, &[1], 1);
    called.info = json!({
        "fee": 500, "receipt": { "energy_fee": 400, "result": "SUCCESS" },
        "internal_transactions": [{
            "caller_address": format!("41{}", "bb".repeat(20)),
            "transferTo_address": format!("41{}", "aa".repeat(20)),
            "callValueInfo": [{ "callValue": 3 }], "note": "63616c6c",
        }],
    });
    made_tron::block(HEIGHT, &[transfer(&OWNER, &OTHER, 5, 0), called])
}

fn answer(made: &Made, path: &str, asked: &Value) -> Answer {
    let is_first = asked["num"] == json!(0) || asked["id_or_num"] == json!("0");
    let header = || {
        let mut header = made.block.clone();
        header.as_object_mut().expect("an object").remove("transactions");
        header
    };
    let body = match path {
        "/wallet/getblock" | "/wallet/getblockbynum" if is_first => genesis(),
        "/wallet/getblock" | "/walletsolidity/getblock" => header(),
        "/wallet/getblockbynum" | "/wallet/getnowblock" => made.block.clone(),
        "/wallet/gettransactioninfobyblocknum" => made.infos.clone(),
        _ => return Answer::Status(404, ""),
    };
    Answer::Body { text: body.to_string(), stated: None }
}

fn options(url: String) -> Options {
    let mut options = Options::new(url);
    options.chain = Some(Chain::TRON);
    options.internal = Some(Internal::Told);
    options.checks.ids = true;
    options.poll = Duration::from_millis(4);
    options.bounds.body_max = 1 << 20;
    options.bounds.total = Duration::from_millis(500);
    let wait = Duration::from_millis(1);
    options.limits = Limits { at_once_max: 4, tries_max: 3, wait, wait_max: wait };
    options
}

async fn node_of(
    script: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static,
) -> Result<Node, SourceError> {
    Node::connect(&options(serve_paths(script).await)).await
}

async fn block_from(
    script: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static,
) -> Result<Block, SourceError> {
    node_of(script).await?.block(HEIGHT).await
}

async fn told(change: impl FnOnce(&mut Made)) -> SourceError {
    let mut made = truth();
    change(&mut made);
    block_from(move |path, asked| answer(&made, path, asked)).await.expect_err("a lie")
}

/// The error that comes of answering one path so.
async fn answered(
    at: &'static str,
    with: impl Fn() -> Answer + Send + Sync + 'static,
) -> SourceError {
    let made = truth();
    let block =
        block_from(move |path, asked| if path == at { with() } else { answer(&made, path, asked) });
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
    let made = truth();
    let node = node_of(move |path, asked| answer(&made, path, asked)).await.expect("a node");
    let block = node.block(HEIGHT).await.expect("true");
    assert_eq!(block.at.height, HEIGHT);
    assert_eq!(node.header(HEIGHT).await.expect("true"), block.at);
    assert_eq!(node.tip().await.expect("true"), block.at);
    assert_eq!(node.finalized().await.expect("true"), Some(HEIGHT));
    assert_eq!(node.sees().internal, Internal::Told);
}

#[tokio::test]
async fn another_chain_is_refused_at_connect_and_later() {
    let made = truth();
    let first = AtomicU32::new(0);
    let mut shasta = genesis();
    shasta["blockID"] = json!("0000000000000000de1aa88295e1fcf982742f773e0419c5a9c134c994a9059e");
    let script = move |path: &str, asked: &Value| {
        let is_first = asked["id_or_num"] == json!("0");
        if is_first && first.fetch_add(1, Ordering::SeqCst) > 0 {
            return Answer::Body { text: shasta.to_string(), stated: None };
        }
        answer(&made, path, asked)
    };
    let url = serve_paths(script).await;
    let node = Node::connect(&options(url.clone())).await.expect("the right chain at first");
    let error = node.tip().await.expect_err("another chain now");
    let Kind::WrongChain { expected, found } = error.kind else { panic!("{error}") };
    assert_eq!((expected, found), (Chain::TRON, Chain::Tron(TronNetwork::Shasta)));
    assert!(Node::connect(&options(url)).await.is_err());
}

#[tokio::test]
async fn a_network_of_ones_own_is_refused_by_name() {
    let made = truth();
    let mut first = genesis();
    first["blockID"] = json!("0000000000000000".to_string() + &"12".repeat(24));
    let node = node_of(move |path, asked| match asked["id_or_num"] == json!("0") {
        true => Answer::Body { text: first.to_string(), stated: None },
        false => answer(&made, path, asked),
    });
    let error = node.await.err().expect("not known");
    assert!(matches!(error.kind, Kind::Refused(_)), "{error}");
}

#[tokio::test]
async fn a_header_that_is_not_the_one_asked_for_or_not_itself_is_a_lie() {
    let other = made_tron::block(HEIGHT + 1, &[]);
    lies!(
        told(|made| made.block = other.block).await,
        Lie::WrongHeight { asked: HEIGHT, given: 50_000_012 }
    );
    let change = |made: &mut Made, name: &str, value: Value| {
        made.block["block_header"]["raw_data"][name] = value;
    };
    let parent = format!("{:016x}{}", HEIGHT - 1, "11".repeat(24));
    lies!(told(|made| change(made, "parentHash", json!(parent))).await, Lie::WrongHash { .. });
    lies!(told(|made| change(made, "timestamp", json!(1))).await, Lie::WrongHash { .. });
    // A header true to its own id, and built on another height.
    let far = |made: &mut Made| {
        change(made, "parentHash", json!(format!("{:016x}{}", 7, "11".repeat(24))));
        made.block["blockID"] = json!(made_tron::id(&made.block["block_header"]["raw_data"]));
    };
    lies!(told(far).await, Lie::WrongParent { .. });
}

#[tokio::test]
async fn transactions_changed_left_out_or_added_are_lies() {
    let change = |made: &mut Made| {
        made.block["transactions"][0]["txID"] = made.block["transactions"][1]["txID"].clone();
    };
    lies!(told(change).await, Lie::WrongTransactionHash { .. });
    let change = |made: &mut Made| {
        made.block["transactions"].as_array_mut().expect("a list").pop();
        made.infos.as_array_mut().expect("a list").pop();
    };
    lies!(told(change).await, Lie::WrongRoot { what: "transactions", .. });
    let change = |made: &mut Made| {
        made.block["transactions"].as_array_mut().expect("a list").swap(0, 1);
    };
    lies!(told(change).await, Lie::WrongRoot { .. });
    let change = |made: &mut Made| {
        made.block["transactions"][1]["ret"] = json!([{ "contractRet": "REVERT" }])
    };
    lies!(told(change).await, Lie::WrongRoot { .. });
}

#[tokio::test]
async fn answers_about_other_transactions_or_another_outcome_are_lies() {
    let change = |made: &mut Made| {
        made.infos.as_array_mut().expect("a list").pop();
    };
    lies!(told(change).await, Lie::ReceiptCount { transactions: 2, receipts: 1 });
    let change = |made: &mut Made| made.infos[0]["id"] = json!("11".repeat(32));
    lies!(told(change).await, Lie::ReceiptOrder { index: 0, .. });
    let change = |made: &mut Made| made.infos[1]["id"] = made.infos[0]["id"].clone();
    lies!(told(change).await, Lie::ReceiptOrder { .. });
    lies!(told(|made| made.infos[1]["blockNumber"] = json!(5)).await, Lie::WrongHeight { .. });
    lies!(told(|made| made.infos[1]["blockTimeStamp"] = json!(5)).await, Lie::Transaction { .. });
    lies!(told(|made| made.infos[1]["result"] = json!("FAILED")).await, Lie::Transaction { .. });
    lies!(told(|made| made.infos[1]["fee"] = json!(-1)).await, Lie::Transaction { .. });
    lies!(told(|made| made.infos[1]["fee"] = json!(1.5)).await, Lie::NotJson(_));
}

#[tokio::test]
async fn answers_in_another_order_are_put_in_order() {
    let mut made = truth();
    let expected = {
        let made = made.clone();
        block_from(move |path, asked| answer(&made, path, asked)).await.expect("true")
    };
    made.infos.as_array_mut().expect("a list").reverse();
    let block = block_from(move |path, asked| answer(&made, path, asked)).await;
    assert_eq!(block.expect("true"), expected);
}

#[tokio::test]
async fn answers_cut_short_endless_or_too_large_are_lies() {
    let path = "/wallet/getblockbynum";
    let whole = truth().block.to_string();
    let cut = whole[..whole.len() / 2].to_string();
    lies!(
        answered(path, move || Answer::Body { text: cut.clone(), stated: None }).await,
        Lie::NotJson(_)
    );
    lies!(answered(path, || Answer::Endless).await, Lie::TooLarge { max: 1_048_576 });
    lies!(
        answered(path, || Answer::Body { text: "{".into(), stated: Some(1 << 40) }).await,
        Lie::TooLarge { .. }
    );
    lies!(
        answered(path, || Answer::Body { text: "<html>".into(), stated: None }).await,
        Lie::NotJson(_)
    );
}

#[tokio::test]
async fn what_may_pass_is_asked_again_and_what_will_not_is_refused() {
    let path = "/wallet/getblockbynum";
    let said = |text: &'static str| move || Answer::Body { text: text.into(), stated: None };
    let error = answered(path, said("{}")).await;
    assert!(matches!(error.kind, Kind::NotFound), "{error}");
    let limit = r#"{"Error":"The key exceeds the frequency limit(15), and the query server is suspended for 4 s"}"#;
    let error = answered(path, said(limit)).await;
    assert!(matches!(error.kind, Kind::RateLimited { .. }), "{error}");
    let error =
        answered(path, said(r#"{"Error":"class java.lang.NullPointerException : null"}"#)).await;
    assert!(matches!(error.kind, Kind::Transient(_)), "{error}");
    let error = answered(
        path,
        said(r#"{"Error":"this API is closed because this node is a lite fullnode"}"#),
    )
    .await;
    assert!(matches!(error.kind, Kind::NoMethod(_)), "{error}");
    let error = answered(path, || Answer::Silence).await;
    assert!(matches!(error.kind, Kind::Transient(_)), "{error}");
    let error = answered(path, || Answer::Status(429, "retry-after: 7\r\n")).await;
    let seven = Some(Duration::from_secs(7));
    assert!(matches!(error.kind, Kind::RateLimited { after } if after == seven), "{error}");
    let error = answered(path, || Answer::Status(401, "")).await;
    assert!(matches!(error.kind, Kind::Refused(_)), "{error}");
}

#[tokio::test]
async fn a_node_behind_by_a_moment_is_asked_again() {
    let made = truth();
    let asked_before = AtomicU32::new(0);
    let block = block_from(move |path, asked| {
        if path == "/wallet/gettransactioninfobyblocknum"
            && asked_before.fetch_add(1, Ordering::SeqCst) == 0
        {
            return Answer::Body { text: "[]".into(), stated: None };
        }
        answer(&made, path, asked)
    });
    assert_eq!(block.await.expect("in the end").at.height, HEIGHT);
}

#[tokio::test]
async fn an_old_node_without_headers_gives_whole_blocks() {
    let made = truth();
    let node = node_of(move |path, asked| match path {
        "/wallet/getblock" | "/walletsolidity/getblock" => Answer::Status(405, ""),
        "/wallet/getnodeinfo" => Answer::Body {
            text: json!({ "solidityBlock": "Num:49999992,ID:0000000002faf078" }).to_string(),
            stated: None,
        },
        _ => answer(&made, path, asked),
    });
    let node = node.await.expect("a node");
    assert_eq!(node.tip().await.expect("true").height, HEIGHT);
    assert_eq!(node.finalized().await.expect("said"), Some(49_999_992));
}

#[tokio::test]
async fn a_node_that_keeps_no_internal_transactions_says_so() {
    for (is_kept, expected) in [(true, Internal::Told), (false, Internal::Unseen)] {
        let mut made = truth();
        if !is_kept {
            made.infos[1].as_object_mut().expect("an object").remove("internal_transactions");
        }
        let url = serve_paths(move |path, asked| answer(&made, path, asked)).await;
        let mut options = options(url);
        options.internal = None;
        let node = Node::connect(&options).await.expect("a node");
        assert_eq!(node.sees(), Sees { internal: expected, tips: true });
    }
}

#[tokio::test]
async fn a_key_is_sent_and_never_shown() {
    let url = serve_paths(|_, _| Answer::Status(401, "")).await;
    let mut options = options(url.replace("http://", "http://user:secret@"));
    options.key = Some(Secret::new("secret"));
    let error = Node::connect(&options).await.err().expect("refused");
    let shown = format!("{error} {error:?} {:?}", options.key);
    assert!(!shown.contains("secret"), "{shown}");
}
