//! A node that lies is refused with an error that says how; one that groans is
//! asked again. Every case starts from recorded answers, which are true.

mod node;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chain::evm::{Node, Options};
use chain::source::{Internal, Kind, Lie, Limits, Source, SourceError};
use model::Chain;
use node::{Answer, serve};
use serde_json::{Value, json};

const HEIGHT: u64 = 1_755_635;

/// Recorded answers of a node, to be changed by a test.
#[derive(Clone)]
struct Truth {
    chain: Value,
    block: Value,
    receipts: Vec<Value>,
    /// Made by hand, after the transactions.
    nested: Value,
}

fn recorded(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/evm").join(name);
    let bytes = std::fs::read(path).expect(name);
    let answer: Value = serde_json::from_slice(&bytes).expect(name);
    answer["result"].clone()
}

fn truth() -> Truth {
    let block = recorded("block_0x1ac9f3.json");
    let txs = block["transactions"].as_array().expect("a list").iter();
    let nested = txs.map(|tx| {
        let call = json!({
            "type": "CALL", "from": tx["from"], "to": tx["to"], "value": tx["value"],
            "gas": tx["gas"], "gasUsed": "0x5208",
        });
        json!({ "txHash": tx["hash"], "result": call })
    });
    Truth {
        chain: json!("0x1"),
        nested: nested.collect(),
        block,
        receipts: ["receipt_0x2e3dcd.json", "receipt_0x9a5437.json"].map(recorded).into(),
    }
}

impl Truth {
    fn answer(&self, method: &str, _: &Value) -> Answer {
        match method {
            "eth_chainId" => Answer::Result(self.chain.clone()),
            "eth_getBlockByNumber" => Answer::Result(self.block.clone()),
            "eth_getBlockReceipts" => Answer::Result(json!(self.receipts)),
            "debug_traceBlockByHash" => Answer::Result(self.nested.clone()),
            _ => Answer::Error(-32601, "the method does not exist/is not available"),
        }
    }
}

fn options(url: String) -> Options {
    let mut options = Options::new(url);
    options.chain = Some(Chain::ETHEREUM);
    options.internal = Some(Internal::CallTracer);
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
    node.block(HEIGHT).await
}

/// The error that comes of changing the truth.
async fn told(change: impl FnOnce(&mut Truth)) -> SourceError {
    let mut truth = truth();
    change(&mut truth);
    let answer = block_from(move |method, params| truth.answer(method, params)).await;
    answer.expect_err("a lie")
}

/// The error that comes of answering one method so.
async fn answered(
    at: &'static str,
    answer: impl Fn() -> Answer + Send + Sync + 'static,
) -> SourceError {
    let truth = truth();
    let block = block_from(
        move |method, params| {
            if method == at { answer() } else { truth.answer(method, params) }
        },
    );
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
    let truth = truth();
    let block = block_from(move |method, params| truth.answer(method, params)).await;
    let block = block.expect("all is well");
    assert_eq!(block.at.height, HEIGHT);
    assert!(block.facts.len() > 5);
}

#[tokio::test]
async fn another_chain_is_refused_at_connect_and_later() {
    let error = told(|truth| truth.chain = json!("0x38")).await;
    let Kind::WrongChain { expected, found } = error.kind else { panic!("{error}") };
    assert_eq!((expected, found), (Chain::ETHEREUM, Chain::BNB));

    let asked = Arc::new(AtomicU32::new(0));
    let truth = truth();
    let script = move |method: &str, params: &Value| {
        if method == "eth_chainId" && asked.fetch_add(1, Ordering::SeqCst) > 0 {
            return Answer::Result(json!("0x38"));
        }
        truth.answer(method, params)
    };
    let node =
        Node::connect(&options(serve(script).await)).await.expect("the right chain at first");
    let error = node.tip().await.expect_err("another chain now");
    assert!(matches!(error.kind, Kind::WrongChain { .. }), "{error}");
}

#[tokio::test]
async fn a_header_that_is_not_the_one_asked_for_or_not_itself_is_a_lie() {
    let other = recorded("block_0x1ac9f2.json");
    lies!(
        told(|truth| truth.block = other).await,
        Lie::WrongHeight { asked: HEIGHT, given: 1_755_634 }
    );
    let parent = format!("0x{}", "11".repeat(32));
    lies!(told(|truth| truth.block["parentHash"] = json!(parent)).await, Lie::WrongHash { .. });
    lies!(told(|truth| truth.block["timestamp"] = json!("0x1")).await, Lie::WrongHash { .. });
    lies!(told(|truth| truth.block["gasUsed"] = json!("0x1")).await, Lie::WrongHash { .. });
}

#[tokio::test]
async fn transactions_changed_left_out_or_out_of_place_are_lies() {
    let change = |truth: &mut Truth| truth.block["transactions"][1]["value"] = json!("0x7");
    lies!(told(change).await, Lie::WrongTransactionHash { .. });
    let change = |truth: &mut Truth| {
        truth.block["transactions"].as_array_mut().expect("a list").pop();
    };
    lies!(told(change).await, Lie::WrongRoot { what: "transactions", .. });
    let change =
        |truth: &mut Truth| truth.block["transactions"][1]["transactionIndex"] = json!("0x0");
    lies!(told(change).await, Lie::Transaction { .. });
    // Over 256 bits.
    let huge = format!("0x1{}", "0".repeat(64));
    let change = |truth: &mut Truth| truth.block["transactions"][1]["value"] = json!(huge);
    lies!(told(change).await, Lie::NotJson(_));
}

#[tokio::test]
async fn receipts_missing_swapped_or_made_up_are_lies() {
    lies!(
        told(|truth| truth.receipts.truncate(1)).await,
        Lie::ReceiptCount { transactions: 2, receipts: 1 }
    );
    lies!(told(|truth| truth.receipts.swap(0, 1)).await, Lie::ReceiptOrder { index: 0, .. });
    let amount = format!("0x{}", "22".repeat(32));
    let change = |truth: &mut Truth| truth.receipts[0]["logs"][0]["data"] = json!(amount);
    lies!(told(change).await, Lie::WrongRoot { what: "receipts", .. });
    let change = |truth: &mut Truth| truth.receipts[0]["logs"][0]["logIndex"] = json!("0x9");
    lies!(told(change).await, Lie::LogOrder { expected: 0, found: 9, .. });
    let change = |truth: &mut Truth| truth.receipts[1]["gasUsed"] = json!("0x1");
    lies!(told(change).await, Lie::Transaction { .. });
    let change = |truth: &mut Truth| truth.receipts[1]["effectiveGasPrice"] = json!("0x4a817c801");
    lies!(told(change).await, Lie::Transaction { .. });
    let hash = format!("0x{}", "33".repeat(32));
    let change = |truth: &mut Truth| truth.receipts[1]["blockHash"] = json!(hash);
    lies!(told(change).await, Lie::WrongBlock { .. });
}

#[tokio::test]
async fn traces_that_do_not_fit_the_transactions_are_lies() {
    let change = |truth: &mut Truth| {
        truth.nested.as_array_mut().expect("a list").pop();
    };
    lies!(told(change).await, Lie::Traces(_));
    lies!(
        told(|truth| truth.nested[1]["result"]["value"] = json!("0x1")).await,
        Lie::TracesOf { .. }
    );
    let someone = json!(format!("0x{}", "44".repeat(20)));
    lies!(
        told(|truth| truth.nested[1]["result"]["from"] = someone.clone()).await,
        Lie::TracesOf { .. }
    );
    lies!(
        told(|truth| truth.nested[1]["txHash"] = truth.nested[0]["txHash"].clone()).await,
        Lie::TracesOf { .. }
    );
    lies!(
        told(|truth| truth.nested[0]["result"]["type"] = json!("GIFT")).await,
        Lie::TracesOf { .. }
    );
    let failed = |truth: &mut Truth| truth.nested[1] = json!({ "error": "execution timeout" });
    lies!(told(failed).await, Lie::TracesOf { .. });
}

#[tokio::test]
async fn answers_cut_short_endless_or_too_large_are_lies() {
    let whole = truth().block.to_string();
    let cut = whole[..whole.len() / 2].to_string();
    let block = "eth_getBlockByNumber";
    let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{cut}");
    let answer = move || Answer::Body { text: text.clone(), stated: None };
    lies!(answered(block, answer).await, Lie::NotJson(_));
    lies!(answered(block, || Answer::Endless).await, Lie::TooLarge { max: 1_048_576 });
    let answer = || Answer::Body { text: "{".into(), stated: Some(1 << 40) };
    lies!(answered(block, answer).await, Lie::TooLarge { .. });
    let answer = || Answer::Body { text: "{}".into(), stated: None };
    lies!(answered(block, answer).await, Lie::NotJson(_));
    let answer = || Answer::Body { text: "<html>".into(), stated: None };
    lies!(answered(block, answer).await, Lie::NotJson(_));
}

#[tokio::test]
async fn what_may_pass_is_asked_again_and_what_will_not_is_refused() {
    let block = "eth_getBlockByNumber";
    let error = answered(block, || Answer::Silence).await;
    assert!(matches!(error.kind, Kind::Transient(_)), "{error}");
    // The head promises more than comes.
    let answer = || Answer::Body { text: "{".into(), stated: Some(10) };
    let error = answered(block, answer).await;
    assert!(matches!(error.kind, Kind::Transient(_)), "{error}");
    let error = answered(block, || Answer::Status(502, "")).await;
    assert!(matches!(error.kind, Kind::Transient(_)), "{error}");
    let error = answered(block, || Answer::Status(429, "retry-after: 7\r\n")).await;
    let seven = Some(Duration::from_secs(7));
    assert!(matches!(error.kind, Kind::RateLimited { after } if after == seven), "{error}");
    let error = answered(block, || Answer::Error(-32005, "limit exceeded")).await;
    assert!(matches!(error.kind, Kind::RateLimited { .. }), "{error}");
    for status in [401, 403, 302, 413] {
        let error =
            answered(block, move || Answer::Status(status, "location: http://x/\r\n")).await;
        assert!(matches!(error.kind, Kind::Refused(_)), "{error}");
    }
    let error = answered(block, || Answer::Result(Value::Null)).await;
    assert!(matches!(error.kind, Kind::NotFound), "{error}");
    let error = answered("eth_getBlockReceipts", || Answer::Result(Value::Null)).await;
    assert!(matches!(error.kind, Kind::NotFound), "{error}");
}

#[tokio::test]
async fn a_node_that_groans_twice_is_answered_by_in_the_end() {
    let groans = AtomicU32::new(0);
    let truth = truth();
    let block = block_from(move |method, params| {
        if method == "eth_getBlockReceipts" && groans.fetch_add(1, Ordering::SeqCst) < 2 {
            return Answer::Status(503, "");
        }
        truth.answer(method, params)
    });
    assert_eq!(block.await.expect("in the end").at.height, HEIGHT);
}

#[tokio::test]
async fn a_node_without_receipts_by_block_gives_them_one_by_one() {
    let truth = truth();
    let expected = {
        let truth = truth.clone();
        block_from(move |method, params| truth.answer(method, params)).await.expect("true")
    };
    let block = block_from(move |method, params| match method {
        "eth_getBlockReceipts" => Answer::Error(-32601, "the method does not exist"),
        "eth_getTransactionReceipt" => {
            let of = |receipt: &&Value| receipt["transactionHash"] == params[0];
            Answer::Result(truth.receipts.iter().find(of).cloned().unwrap_or_default())
        }
        _ => truth.answer(method, params),
    });
    assert_eq!(block.await.expect("true"), expected);
}

#[tokio::test]
async fn a_node_without_traces_says_so() {
    let truth = truth();
    let script = move |method: &str, params: &Value| match method {
        "debug_traceBlockByHash" => Answer::Error(-32601, "the method does not exist"),
        _ => truth.answer(method, params),
    };
    let mut options = options(serve(script).await);
    options.internal = None;
    let node = Node::connect(&options).await.expect("a node");
    assert_eq!(node.sees().internal, Internal::Unseen);
    let block = node.block(HEIGHT).await.expect("true");
    let covers = |fact: &model::Fact| matches!(fact, model::Fact::TracesCover { .. });
    assert!(!block.facts.iter().any(covers));
}

#[tokio::test]
async fn a_block_whose_state_the_node_gave_up_is_read_without_its_calls() {
    let truth = truth();
    let gone = "missing trie node 5e1f (path 0a) state 0x01 is not available";
    let block = block_from(move |method, params| match method {
        "debug_traceBlockByHash" => Answer::Error(-32000, gone),
        _ => truth.answer(method, params),
    });
    let facts = block.await.expect("true as far as it goes").facts;
    assert!(!facts.iter().any(|fact| matches!(fact, model::Fact::TracesCover { .. })));
    let is_said = facts.iter().any(|fact| {
        matches!(fact, model::Fact::Oddity(odd) if odd.what.contains("internal value is not seen"))
    });
    assert!(is_said, "{facts:?}");
}

#[tokio::test]
async fn a_key_in_the_address_is_in_no_error() {
    let url = serve(|_, _| Answer::Status(401, "")).await;
    let url = url.replace("http://", "http://user:secret@") + "/v3/secret?key=secret";
    let error = Node::connect(&options(url)).await.err().expect("refused");
    let mut text = format!("{error} {error:?}");
    let closed = "http://user:secret@127.0.0.1:1/secret?key=secret".to_string();
    let unreachable = Node::connect(&options(closed)).await.err().expect("nobody there");
    text += &format!("{unreachable} {unreachable:?}");
    let socket = Node::connect(&options("ws://user:secret@127.0.0.1:1/secret".into())).await;
    text += &format!("{:?}", socket.err().expect("nobody there"));
    assert!(!text.contains("secret"), "{text}");
}

/// A node at a socket in the file system: what it says to each connection, in
/// turn, as the answers to the questions it hears.
fn local_node(
    folder: &Path,
    connections: Vec<Vec<&'static str>>,
) -> (String, tokio::task::JoinHandle<()>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let path = folder.join("node.ipc");
    let listener = tokio::net::UnixListener::bind(&path).expect("a socket");
    let serving = tokio::spawn(async move {
        for answers in connections {
            let (mut stream, _) = listener.accept().await.expect("somebody asks");
            let mut heard = [0; 4096];
            for answer in answers {
                let count = stream.read(&mut heard).await.unwrap_or(0);
                let asked: Value = serde_json::from_slice(&heard[..count]).unwrap_or_default();
                let answer = answer.replace("ID", &asked["id"].to_string());
                if answer.starts_with("ENDLESS") {
                    let _ = stream.write_all(b"{\"result\":\"").await;
                    while stream.write_all(&[b'a'; 4096]).await.is_ok() {}
                } else {
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            }
        }
    });
    (path.display().to_string(), serving)
}

const ETHEREUM: &str = r#"{"id":ID,"result":"0x1"}"#;
const NO_METHOD: &str = r#"{"id":ID,"error":{"code":-32601,"message":"method not found"}}"#;

#[tokio::test]
async fn a_local_socket_is_read_no_further_than_its_bound_and_opened_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _serving) = local_node(
        folder.path(),
        vec![
            vec![ETHEREUM, NO_METHOD, "ENDLESS"],
            // Opened again, the chain is asked for first.
            vec![ETHEREUM, "hello"],
            vec![ETHEREUM, r#"{"id":ID,"result":null}"#],
        ],
    );
    let mut options = options(path);
    options.limits.tries_max = 1;
    let node = Node::connect(&options).await.expect("a node");
    lies!(node.header(1).await.expect_err("endless"), Lie::TooLarge { max: 1_048_576 });
    lies!(node.header(1).await.expect_err("no JSON"), Lie::NotJson(_));
    let error = node.header(1).await.expect_err("no such block");
    assert!(matches!(error.kind, Kind::NotFound), "{error}");
}

#[tokio::test]
async fn a_node_that_is_another_one_after_a_pause_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = r#"{"id":ID,"result":"0x38"}"#;
    let (path, _serving) =
        local_node(folder.path(), vec![vec![ETHEREUM, NO_METHOD], vec![other, other]]);
    let node = Node::connect(&options(path)).await.expect("a node");
    let error = node.block(HEIGHT).await.expect_err("another chain");
    let Kind::WrongChain { expected, found } = error.kind else { panic!("{error}") };
    assert_eq!((expected, found), (Chain::ETHEREUM, Chain::BNB));
}

#[tokio::test]
async fn what_waits_is_read_from_the_next_block_where_there_is_no_pool_and_cannot_be_made_up() {
    use chain::evm::pending::Watch;
    use chain::source::PendingEvent;
    let truth = truth();
    let watch = || {
        let sender = truth.block["transactions"][1]["from"].as_str().expect("text");
        Watch::of([model::Address::parse(sender, Chain::ETHEREUM).expect("an address")])
    };
    let script = truth.clone();
    let url = serve(move |method, params| script.answer(method, params)).await;
    let node = Node::connect(&options(url)).await.expect("a node");
    let told = node.pending(&mut watch()).await.expect("well");
    assert!(matches!(told.as_slice(), [PendingEvent::Seen(_), ..]), "{told:?}");

    let mut script = truth.clone();
    script.block["transactions"][1]["value"] = json!("0x7");
    let url = serve(move |method, params| script.answer(method, params)).await;
    let node = Node::connect(&options(url)).await.expect("a node");
    let error = node.pending(&mut watch()).await.expect_err("made up");
    lies!(error, Lie::WrongTransactionHash { .. });
}
