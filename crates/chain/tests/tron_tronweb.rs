//! Beside tronweb: addresses, transaction ids and what transactions say are the
//! same here and there.
//!
//! tronweb comes from npm, pinned, by `cargo xtask tools`.

mod made_tron;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chain::source::Block;
use chain::tron::{Checks, Replies, decode};
use made_tron::Tx;
use model::{Address, Chain, Fact, Transfer, U256, hex};
use serde_json::{Value, json};

const KINDS: [&str; 6] = [
    "TransferContract",
    "TransferAssetContract",
    "TriggerSmartContract",
    "CreateSmartContract",
    "WithdrawBalanceContract",
    "AccountPermissionUpdateContract",
];

/// Where `cargo xtask tools` puts it, or where INTERDICT_TRONWEB says.
fn tronweb() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), |dir| root.join(dir));
    let folder =
        std::env::var_os("INTERDICT_TRONWEB").map_or(target.join("tools/tronweb"), PathBuf::from);
    let has_node = Command::new("node").arg("--version").output().is_ok();
    (folder.join("node_modules/tronweb").is_dir() && has_node).then_some(folder)
}

fn ask(folder: &Path, question: &Value) -> Value {
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/tronweb/oracle.cjs");
    let mut process = Command::new("node")
        .arg(oracle)
        .env("NODE_PATH", folder.join("node_modules"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut into = process.stdin.take().expect("piped");
    into.write_all(question.to_string().as_bytes()).expect("it listens");
    drop(into);
    let answer = process.wait_with_output().expect("it ends");
    assert!(answer.status.success(), "tronweb refused");
    serde_json::from_slice(&answer.stdout).expect("JSON")
}

/// The n-th of a row of bytes that look random.
fn random(what: &str, n: usize) -> [u8; 32] {
    sha2::Digest::finalize(sha2::Digest::chain_update(
        <sha2::Sha256 as sha2::Digest>::new(),
        format!("{what} {n}"),
    ))
    .into()
}

fn account(what: &str, n: usize) -> [u8; 20] {
    random(what, n)[..20].try_into().expect("twenty of 32")
}

fn number(what: &str, n: usize) -> u64 {
    u64::from_be_bytes(random(what, n)[..8].try_into().expect("eight of 32"))
}

fn question() -> Value {
    let text = |what, n| json!(hex::encode(&made_tron::account(&account(what, n))));
    let transaction = |n: usize| {
        json!({
            "kind": KINDS[n % KINDS.len()], "owner": text("owner", n), "to": text("to", n),
            "amount": number("amount", n) % 1_000_000_000_000 + 1,
            "token": (1_000_001 + number("token", n) % 10_000).to_string(),
            "data": hex::encode(&random("data", n)),
            "block": {
                "ref_block_bytes": hex::encode(&random("ref", n)[..2]),
                "ref_block_hash": hex::encode(&random("ref", n)[2..10]),
                "expiration": 1_697_179_737_000u64, "timestamp": 1_697_179_677_000 + n,
            },
        })
    };
    json!({
        "addresses": (0..200).map(|n| text("address", n)).collect::<Vec<_>>(),
        "transactions": (0..120).map(transaction).collect::<Vec<_>>(),
    })
}

#[test]
fn addresses_ids_and_transfers_are_those_of_tronweb() {
    let Some(folder) = tronweb() else {
        eprintln!(
            "NOT CHECKED against tronweb: node or tronweb is missing; `cargo xtask tools` fetches it"
        );
        return;
    };
    let question = question();
    let answer = ask(&folder, &question);
    for (n, text) in answer["addresses"].as_array().expect("a list").iter().enumerate() {
        let address = Address::Tron(account("address", n));
        let text = text.as_str().expect("text");
        assert_eq!(address.text(Chain::TRON), text);
        assert_eq!(Address::parse(text, Chain::TRON), Ok(address));
    }
    let pairs = question["transactions"].as_array().expect("a list").iter();
    for (n, asked) in pairs.enumerate() {
        same(asked, &answer["transactions"][n]);
    }
}

/// One transaction as tronweb writes it, and what is read of it here.
fn same(asked: &Value, made: &Value) {
    let raw = hex::decode(made["raw_data_hex"].as_str().expect("hex")).expect("hex");
    let mut tx = Tx::of(raw);
    tx.said = Some(made["raw_data"].clone());
    assert_eq!(made["txID"], json!(hex::encode(&tx.id())));
    let kind = asked["kind"].as_str().expect("a kind");
    match kind {
        "WithdrawBalanceContract" => tx.info = json!({ "withdraw_amount": asked["amount"] }),
        "CreateSmartContract" => {
            tx.info = json!({ "contract_address": made["contract_address"] });
        }
        _ => {}
    }
    let block = read(&tx);
    let moved: Vec<&Transfer> = block
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Transfer { transfer, .. } => Some(transfer),
            _ => None,
        })
        .collect();
    if kind == "AccountPermissionUpdateContract" {
        assert!(moved.is_empty());
        return;
    }
    let [transfer] = moved[..] else { panic!("{kind}: {moved:?}") };
    let end = |name: &str| Address::parse(asked[name].as_str().expect("hex"), Chain::TRON).ok();
    let created = made["contract_address"].as_str();
    let (from, to) = match kind {
        "WithdrawBalanceContract" => (None, end("owner")),
        "CreateSmartContract" => {
            (end("owner"), Address::parse(created.expect("hex"), Chain::TRON).ok())
        }
        _ => (end("owner"), end("to")),
    };
    assert_eq!((&transfer.from, &transfer.to), (&from, &to), "{kind}");
    assert_eq!(transfer.amount, U256::from(asked["amount"].as_u64().expect("a number")));
    let asset = match kind {
        "TransferAssetContract" => format!("trc10:{}", asked["token"].as_str().expect("text")),
        _ => "slip44:195".to_string(),
    };
    assert!(transfer.asset.to_string().ends_with(&asset), "{}", transfer.asset);
}

fn read(tx: &Tx) -> Block {
    let made = made_tron::block(50_000_011, std::slice::from_ref(tx));
    let (block, infos) = (made.block.to_string(), made.infos.to_string());
    let replies = Replies { block: &block, infos: &infos };
    decode::block(Chain::TRON, 50_000_011, &replies, Checks::default()).expect("true")
}
