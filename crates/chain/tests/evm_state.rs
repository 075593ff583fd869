//! The state of a block, and who publishes sources, from a node and a keeper made by hand.

mod node;

use chain::evm::Options;
use chain::evm::state::{FirstCode, StateReader};
use chain::published::{Keeper, Published};
use chain::source::{Kind, Limits, SourceError};
use model::{Chain, U256};
use node::{Answer, serve, serve_paths};
use serde_json::{Value, json};

const CODE: [u8; 20] = [0xc0; 20];

fn height(params: &Value, at: usize) -> u64 {
    let text = params[at].as_str().unwrap_or_default();
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or(1_000)
}

fn block(height: u64) -> Answer {
    Answer::Result(json!({
        "number": format!("{height:#x}"), "hash": format!("{:#066x}", height + 1),
        "timestamp": format!("{:#x}", height * 12), "baseFeePerGas": "0x7",
    }))
}

/// A chain of a thousand blocks with code at one address since one of them; state older than `kept`
/// is gone.
async fn serve_code(since: u64, kept: u64) -> String {
    serve(move |method, params| match method {
        "eth_chainId" => Answer::Result(json!("0x1")),
        "eth_getBlockByNumber" => block(height(params, 0)),
        "eth_getCode" if height(params, 1) < kept => Answer::Error(-32000, "missing trie node"),
        "eth_getCode" => {
            let is_there = height(params, 1) >= since;
            Answer::Result(json!(if is_there { "0x6001" } else { "0x" }))
        }
        "eth_getBalance" => Answer::Result(json!("0x5")),
        "eth_getTransactionCount" => Answer::Result(json!("0x2")),
        "eth_getStorageAt" => Answer::Result(json!(format!("{:#066x}", height(params, 1) + 40))),
        _ => Answer::Error(-32601, "the method does not exist"),
    })
    .await
}

async fn connect(url: &str) -> StateReader {
    StateReader::connect(&options(url), None).await.expect("it connects")
}

fn options(url: &str) -> Options {
    let limits = Limits { tries_max: 1, ..Limits::default() };
    Options { limits, ..Options::new(url) }
}

#[tokio::test]
async fn an_account_and_its_storage_are_those_of_one_block() {
    let reader = connect(&serve_code(3, 0).await).await;
    assert_eq!((reader.chain(), reader.block().height), (Chain::ETHEREUM, 1_000));
    let account = reader.account(CODE).await.expect("told");
    assert_eq!((account.balance, account.nonce), (U256::from(5), 2));
    assert_eq!(account.code, [0x60, 0x01]);
    assert_eq!(reader.storage(CODE, U256::from(2)).await.expect("told"), U256::from(42));
    assert!(reader.still_stands().await.expect("told"));
}

#[tokio::test]
async fn the_first_block_with_code_is_found_or_said_not_to_be_kept() {
    let first = |since, kept| async move {
        let reader = connect(&serve_code(since, kept).await).await;
        reader.first_code(CODE).await.expect("told")
    };
    for since in [0, 1, 517, 999, 1_000] {
        let FirstCode::Block(found) = first(since, 0).await else { panic!("{since}") };
        assert_eq!(found.height, since);
    }
    assert_eq!(first(1_001, 0).await, FirstCode::None);
    // The state of its first block is gone: since when it is there cannot be told.
    assert!(matches!(first(100, 400).await, FirstCode::NotKept { .. }));
    // Old state is gone, and the code came later: it can.
    let FirstCode::Block(found) = first(700, 400).await else { panic!("it is kept") };
    assert_eq!(found.height, 700);
}

#[tokio::test]
async fn what_no_contract_can_be_and_another_chain_are_refused() {
    let huge = format!("0x{}", "00".repeat((1 << 20) + 1));
    let url = serve(move |method, params| match method {
        "eth_chainId" => Answer::Result(json!("0x1")),
        "eth_getBlockByNumber" => block(height(params, 0)),
        "eth_getCode" => Answer::Result(json!(huge)),
        "eth_getStorageAt" => Answer::Result(json!("0x2a")),
        _ => Answer::Result(json!("0x0")),
    })
    .await;
    let reader = connect(&url).await;
    assert!(reader.account(CODE).await.expect_err("too large").lie().is_some());
    // A word has 32 bytes.
    assert!(reader.storage(CODE, U256::ZERO).await.expect_err("too short").lie().is_some());
    let wrong = Options { chain: Some(Chain::BNB), ..options(&url) };
    let error = StateReader::connect(&wrong, None).await.err().expect("another chain");
    assert!(matches!(error.kind, Kind::WrongChain { .. }), "{error}");
}

async fn published(keeper: &str, answer: Value) -> Result<Option<String>, SourceError> {
    let url =
        serve_paths(move |_, _| Answer::Body { text: answer.to_string(), stated: None }).await;
    let keeper: Keeper = keeper.parse().expect("a keeper");
    Published::new(keeper, &url, None).expect("an address").published(Chain::ETHEREUM, CODE).await
}

#[tokio::test]
async fn a_published_source_is_told_by_each_keeper_s_own_word() {
    let yes = [
        ("sourcify", json!({ "match": "exact_match", "compilation": { "name": "Coin" } })),
        ("blockscout", json!({ "is_verified": true, "name": "Coin" })),
        ("etherscan", json!({ "result": [{ "SourceCode": "contract", "ContractName": "Coin" }] })),
    ];
    for (keeper, answer) in yes {
        let found = published(keeper, answer).await.expect(keeper);
        assert_eq!(found.as_deref(), Some("Coin"), "{keeper}");
    }
    let no = [
        ("sourcify", json!({ "match": null })),
        ("blockscout", json!({ "message": "Not found" })),
        ("etherscan", json!({ "result": [{ "SourceCode": "", "ContractName": "" }] })),
    ];
    for (keeper, answer) in no {
        assert_eq!(published(keeper, answer).await.expect(keeper), None, "{keeper}");
    }
    // An error is not a no.
    let limited = json!({ "status": "0", "result": "Max rate limit reached" });
    let error = published("etherscan", limited).await.expect_err("no answer");
    assert!(error.to_string().contains("rate limit"), "{error}");
}
