//! What Tron's blocks state: recorded ones, and made ones that show one thing each.

mod made_tron;

use std::path::Path;

use chain::source::{Block, Lie};
use chain::tron::{Checks, Replies, decode};
use made_tron::{Made, OTHER, OWNER, TIME, Tx, bytes, number, transfer, transfer_asset, trigger};
use model::{
    Address, Asset, AssetKind, Chain, Fact, FreezeAction, Memory, Position, Transfer, TransferKind,
    U256, hex,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const HEIGHT: u64 = 50_000_011;

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tron").join(name);
    std::fs::read_to_string(path).expect(name)
}

fn rows(table: &str) -> Vec<Value> {
    serde_json::from_str(&fixture(&format!("block_50000011/{table}.json"))).expect(table)
}

fn decoded(made: &Made) -> Result<Block, Lie> {
    let (block, infos) = (made.block.to_string(), made.infos.to_string());
    let height = made.block["block_header"]["raw_data"]["number"].as_u64().expect("a height");
    let replies = Replies { block: &block, infos: &infos };
    decode::block(Chain::TRON, height, &replies, Checks::default())
}

fn told(txs: &[Tx]) -> Vec<Fact> {
    decoded(&made_tron::block(HEIGHT, txs)).expect("true").facts
}

fn transfers(facts: &[Fact]) -> Vec<Transfer> {
    let transfer = |fact: &Fact| match fact {
        Fact::Transfer { transfer, .. } => Some(transfer.clone()),
        _ => None,
    };
    facts.iter().filter_map(transfer).collect()
}

fn oddities(facts: &[Fact]) -> Vec<String> {
    let odd = |fact: &Fact| match fact {
        Fact::Oddity(oddity) => Some(oddity.what.clone()),
        _ => None,
    };
    facts.iter().filter_map(odd).collect()
}

/// `from -> to: amount asset at position`, a line each.
fn story(facts: &[Fact]) -> Vec<String> {
    let name = |end: &Option<Address>| match end {
        None => "nobody".to_string(),
        Some(Address::Tron(OWNER)) => "owner".to_string(),
        Some(Address::Tron(OTHER)) => "other".to_string(),
        Some(address) => address.text(Chain::TRON),
    };
    let line = |t: &Transfer| {
        let asset = match &t.asset.kind {
            AssetKind::Native => "sun".to_string(),
            AssetKind::Trc10(id) => format!("of {id}"),
            kind => format!("{kind:?}"),
        };
        format!("{} -> {}: {} {asset} at {}", name(&t.from), name(&t.to), t.amount, t.position)
    };
    transfers(facts).iter().map(line).collect()
}

fn twenty(text: &str) -> [u8; 20] {
    hex::decode(text.trim_start_matches("0x")).expect("hex").try_into().expect("twenty bytes")
}

#[test]
fn recorded_headers_hash_to_their_ids() {
    let headers: Vec<Value> = serde_json::from_str(&fixture("headers.json")).expect("JSON");
    for header in headers {
        let at = decode::block_ref(&header.to_string(), None, Checks::default()).expect("true");
        let at = at.expect("a block");
        assert_eq!(header["blockID"], json!(at.hash.text(Chain::TRON)));
        for field in ["timestamp", "version", "witness_address"] {
            let mut changed = header.clone();
            let value = &mut changed["block_header"]["raw_data"][field];
            *value = value.as_i64().map_or(json!("4100"), |n| json!(n + 1));
            let lie = decode::block_ref(&changed.to_string(), None, Checks::default());
            assert!(matches!(lie, Err(Lie::WrongHash { .. })), "{field}");
        }
    }
    assert_eq!(decode::block_ref("{}", None, Checks::default()), Ok(None));
}

#[test]
fn a_recorded_block_of_java_tron_is_believed_down_to_its_root() {
    let (block, infos) = (fixture("block_165.json"), fixture("infos_165.json"));
    let replies = Replies { block: &block, infos: &infos };
    let block = decode::block(Chain::TRON, 165, &replies, Checks::default()).expect("true");
    assert_eq!(block.at.height, 165);
    assert_eq!(story(&block.facts), Vec::<String>::new());
}

#[test]
fn recorded_answers_about_transactions_are_read() {
    let infos: Vec<Value> = serde_json::from_str(&fixture("infos.json")).expect("JSON");
    let told = infos.into_iter().flat_map(|info| {
        let contract = twenty(&info["contract_address"].as_str().expect("text")[2..]);
        let mut tx = trigger(&OWNER, &contract, 0, &[1], 0);
        tx.info = info;
        told(&[tx])
    });
    let told: Vec<Fact> = told.collect();
    let story = story(&told);
    assert_eq!(story[0], "owner -> nobody: 2965000 sun at fee");
    assert!(story[1].contains("1000000 Token(") && story[1].ends_with("at log0"), "{}", story[1]);
    assert_eq!(story[2], "owner -> nobody: 676100 sun at fee");
    assert!(story[3].ends_with(": 1 sun at call_0"), "{}", story[3]);
}

/// Transactions made from the recorded rows: their bytes were not recorded.
fn of_rows() -> Vec<Tx> {
    let (logs, traces) = (rows("logs"), rows("traces"));
    let address = |row: &Value, name: &str| twenty(row[name].as_str().unwrap_or(&"00".repeat(20)));
    let made = rows("transactions").into_iter().map(|row| {
        let index = row["transaction_index"].as_i64().expect("a number");
        let (from, to) = (address(&row, "from_address"), address(&row, "to_address"));
        let value = row["value"].as_i64().expect("a number");
        let mut tx = match row["transaction_type"].as_i64() {
            Some(1) => transfer(&from, &to, value, index),
            // The rows do not say which tokens, nor how many.
            Some(2) => transfer_asset(b"1002000", &to, 0, index),
            Some(13) => Tx::new(13, &bytes(1, &made_tron::account(&to)), index),
            Some(31) => trigger(&from, &to, value, &[1], index),
            kind => Tx::new(kind.expect("a kind"), &bytes(1, &made_tron::account(&from)), index),
        };
        if row["transaction_type"] == json!(13) {
            tx.info["withdraw_amount"] = json!(value);
        }
        let own = logs.iter().filter(|log| log["tx_hash"] == row["tx_hash"]);
        let own = own.map(|log| {
            let topics = log["topics"].as_array().expect("a list").iter();
            json!({
                "address": bare(&log["address"]), "data": bare(&log["data"]),
                "topics": topics.map(bare).collect::<Vec<_>>(),
            })
        });
        tx.info["log"] = own.collect();
        let own = traces.iter().filter(|trace| trace["tx_hash"] == row["tx_hash"]);
        let own = own.map(|trace| {
            json!({
                "caller_address": format!("41{}", bare(&trace["caller_address"])),
                "transferTo_address": format!("41{}", bare(&trace["transferto_address"])),
                "callValueInfo": [{ "callValue": trace["call_value"] }],
                "note": hex::encode(trace["note"].as_str().expect("text").as_bytes()),
                "rejected": trace["rejected"],
            })
        });
        tx.info["internal_transactions"] = own.collect();
        tx
    });
    made.collect()
}

fn bare(value: &Value) -> String {
    value.as_str().expect("text").trim_start_matches("0x").to_string()
}

/// What the rows say, by place in the block: who gave whom how much of what.
fn expected() -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or("nobody".into(), |_| bare(value));
    let mut lines = Vec::new();
    for row in rows("transactions") {
        if row["value"] != json!(0) {
            let (from, to) = (text(&row["from_address"]), text(&row["to_address"]));
            lines.push(format!("{} {from} {to} {} sun", row["transaction_index"], row["value"]));
        }
    }
    for trace in rows("traces") {
        if trace["call_value"] != json!(0) {
            let (from, to) = (text(&trace["caller_address"]), text(&trace["transferto_address"]));
            lines.push(format!(
                "{} {from} {to} {} sun",
                trace["internal_index"], trace["call_value"]
            ));
        }
    }
    for log in rows("logs") {
        let topics: Vec<String> =
            log["topics"].as_array().expect("a list").iter().map(bare).collect();
        if topics.len() == 3 && topics[0].starts_with("ddf252ad") {
            let amount = U256::from_str_radix(&bare(&log["data"]), 16).expect("hex");
            let (from, to, token) = (&topics[1][24..], &topics[2][24..], bare(&log["address"]));
            let (index, log) = (&log["transaction_index"], &log["log_index"]);
            lines.push(format!("{index} {from} {to} {amount} {token} log{log}"));
        }
    }
    lines.sort();
    lines
}

#[test]
fn the_recorded_rows_are_what_a_block_made_of_them_states() {
    let facts = told(&of_rows());
    let end = |end: &Option<Address>| {
        end.as_ref().map_or("nobody".into(), |address| hex::encode(address.bytes()))
    };
    let line = |t: &Transfer| {
        let what = match t.asset.contract() {
            Some(contract) => format!("{} {}", hex::encode(contract.bytes()), t.position),
            None => "sun".into(),
        };
        let index = t.tx_index.expect("a place");
        format!("{index} {} {} {} {what}", end(&t.from), end(&t.to), t.amount)
    };
    let mut lines: Vec<String> = transfers(&facts).iter().map(line).collect();
    lines.sort();
    assert!(lines.len() > 250, "{}", lines.len());
    assert_eq!(lines, expected());
    let rewards: Vec<Transfer> =
        transfers(&facts).into_iter().filter(|t| t.kind == TransferKind::Reward).collect();
    assert_eq!(rewards.len(), 1);
    assert_eq!(Memory::from_facts(facts).transfers().len(), lines.len());
}

#[test]
fn a_failed_transaction_pays_and_moves_nothing() {
    let mut tx = trigger(&OWNER, &OTHER, 7, &[1], 0);
    tx.contract_ret = "REVERT";
    tx.info = json!({
        "fee": 500, "result": "FAILED", "receipt": { "energy_fee": 400, "net_fee": 100, "result": "REVERT" },
        "internal_transactions": [call(3, true)],
    });
    let facts = told(&[tx]);
    assert_eq!(story(&facts), ["owner -> nobody: 500 sun at fee"]);
    assert!(facts.iter().any(|fact| matches!(fact, Fact::Failed { .. })));
    assert_eq!(Memory::from_facts(facts).transfers().len(), 1);
}

fn call(value: i64, rejected: bool) -> Value {
    json!({
        "caller_address": hex::encode(&made_tron::account(&OTHER)),
        "transferTo_address": hex::encode(&made_tron::account(&OWNER)),
        "callValueInfo": [{ "callValue": value }], "note": hex::encode(b"call"), "rejected": rejected,
    })
}

#[test]
fn a_call_may_bring_trx_and_a_token_and_cause_more() {
    let parts = [
        bytes(1, &made_tron::account(&OWNER)),
        bytes(2, &made_tron::account(&OTHER)),
        number(3, 7),
        number(5, 9),
        number(6, 1_002_000),
    ];
    let mut tx = Tx::new(31, &parts.concat(), 0);
    tx.info = json!({ "internal_transactions": [call(1, true), call(3, false)] });
    assert_eq!(
        story(&told(&[tx])),
        [
            "owner -> other: 7 sun at call",
            "owner -> other: 9 of 1002000 at nth0",
            "other -> owner: 3 sun at call_1",
        ]
    );
}

#[test]
fn tokens_by_number_move_and_tokens_by_name_are_odd() {
    let facts = told(&[
        transfer_asset(b"1002000", &OTHER, 5, 0),
        transfer_asset(b"HuobiToken", &OTHER, 5, 1),
        transfer_asset(b"42", &OTHER, 5, 2),
    ]);
    assert_eq!(story(&facts), ["owner -> other: 5 of 1002000 at call"]);
    assert_eq!(oddities(&facts).len(), 2);
}

#[test]
fn stake_is_no_transfer_and_a_withdrawn_reward_is_one() {
    let stake = [number(2, 5_000_000), bytes(4, &made_tron::account(&OTHER))].concat();
    let owned = |kind: i64| {
        Tx::new(kind, &[bytes(1, &made_tron::account(&OWNER)), stake.clone()].concat(), kind)
    };
    let mut staked: Vec<Tx> = [4, 11, 12, 54, 55, 56, 57, 58, 59].map(owned).into();
    for tx in &mut staked {
        tx.info = json!({ "unfreeze_amount": 5, "withdraw_expire_amount": 6 });
    }
    let mut withdrawn = Tx::new(13, &bytes(1, &made_tron::account(&OWNER)), 0);
    withdrawn.info = json!({ "withdraw_amount": 77 });
    staked.push(withdrawn);
    let facts = told(&staked);
    assert_eq!(story(&facts), ["nobody -> owner: 77 sun at reward0"]);
    assert_eq!(oddities(&facts), Vec::<String>::new());
}

#[test]
fn a_change_of_permissions_names_who_holds_the_account_now() {
    let key = [bytes(1, &made_tron::account(&OTHER)), number(2, 1)].concat();
    let permission = [number(4, 1), bytes(7, &key)].concat();
    let parts = [bytes(1, &made_tron::account(&OWNER)), bytes(2, &permission)].concat();
    let odd = oddities(&told(&[Tx::new(46, &parts, 0)]));
    let (owner, other) =
        (Address::Tron(OWNER).text(Chain::TRON), Address::Tron(OTHER).text(Chain::TRON));
    assert_eq!(
        odd,
        [format!("permissions of {owner} changed: owner by {other} (weight 1) at threshold 1")]
    );
}

#[test]
fn a_contract_is_created_where_its_transaction_and_owner_say() {
    let parts = [
        bytes(1, &made_tron::account(&OWNER)),
        bytes(2, &[number(5, 9), bytes(4, &[0x60])].concat()),
    ];
    let tx = Tx::new(30, &parts.concat(), 0);
    let facts = told(std::slice::from_ref(&tx));
    let at = transfers(&facts)[0].to.clone().expect("a contract");
    let mut agreed = tx.clone();
    agreed.info = json!({ "contract_address": format!("41{}", hex::encode(at.bytes())) });
    assert_eq!(story(&told(&[agreed])), story(&facts));
    let mut other = tx;
    other.info = json!({ "contract_address": hex::encode(&made_tron::account(&OTHER)) });
    let lie = decoded(&made_tron::block(HEIGHT, &[other]));
    assert!(matches!(lie, Err(Lie::Transaction { .. })));
}

#[test]
fn a_new_token_is_its_issuers() {
    let parts = [
        bytes(1, &made_tron::account(&OWNER)),
        bytes(2, b"Some Token"),
        bytes(3, b"SOME"),
        number(4, 1000),
        number(7, 2),
    ];
    let mut tx = Tx::new(6, &parts.concat(), 0);
    tx.info = json!({ "assetIssueID": "1009999", "fee": 1_024_000_000 });
    let facts = told(&[tx]);
    assert_eq!(story(&facts)[1], "nobody -> owner: 1000 of 1009999 at call");
    let known = facts.iter().any(|fact| {
        matches!(fact, Fact::Asset(meta)
            if meta.symbol.as_deref() == Some("SOME") && meta.decimals == Some(2))
    });
    assert!(known);
}

fn event(contract: &[u8; 20], name: &str, topics: &[[u8; 20]], data: &[u64]) -> Value {
    let word = |address: &[u8; 20]| hex::encode(&[&[0; 12], &address[..]].concat());
    let name = hex::encode(alloy_primitives::keccak256(name).as_slice());
    let data: Vec<u8> = data.iter().flat_map(|n| U256::from(*n).to_be_bytes::<32>()).collect();
    json!({
        "address": hex::encode(contract), "data": hex::encode(&data),
        "topics": std::iter::once(name).chain(topics.iter().map(word)).collect::<Vec<_>>(),
    })
}

#[test]
fn freezes_of_the_issuer_are_facts_and_destroyed_funds_leave_their_holder() {
    let usdt = Address::parse("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", Chain::TRON).expect("valid");
    let contract: [u8; 20] = usdt.bytes().try_into().expect("twenty bytes");
    let mut tx = trigger(&OWNER, &contract, 0, &[1], 0);
    tx.info = json!({ "log": [
        event(&contract, "AddedBlackList(address)", &[OTHER], &[]),
        event(&contract, "DestroyedBlackFunds(address,uint256)", &[OTHER], &[55]),
        event(&contract, "RemovedBlackList(address)", &[OTHER], &[]),
        event(&contract, "Blacklisted(address)", &[OTHER], &[]),
        event(&contract, "UnBlacklisted(address)", &[OTHER], &[]),
    ] });
    let facts = told(&[tx]);
    let action = |fact: &Fact| match fact {
        Fact::Freeze(freeze) => {
            assert_eq!(freeze.holder, Address::Tron(OTHER));
            assert_eq!(freeze.asset, Asset::token(Chain::TRON, usdt.clone()));
            Some((freeze.log_index, freeze.action))
        }
        _ => None,
    };
    let actions: Vec<(u32, FreezeAction)> = facts.iter().filter_map(action).collect();
    assert_eq!(
        actions,
        [
            (0, FreezeAction::Freeze),
            (1, FreezeAction::Destroy(U256::from(55))),
            (2, FreezeAction::Release),
            (3, FreezeAction::Freeze),
            (4, FreezeAction::Release),
        ]
    );
    let gone = &transfers(&facts)[0];
    assert_eq!((gone.amount, gone.to.clone()), (U256::from(55), None));
}

#[test]
fn events_are_counted_over_the_whole_block() {
    let with = |nonce: i64| {
        let mut tx = trigger(&OWNER, &OTHER, 0, &[1], nonce);
        tx.info = json!({ "log": [
            event(&OTHER, "Other()", &[], &[]),
            event(&OTHER, "Transfer(address,address,uint256)", &[OWNER, OTHER], &[1]),
        ] });
        tx
    };
    let positions: Vec<Position> =
        transfers(&told(&[with(0), with(1)])).into_iter().map(|t| t.position).collect();
    assert_eq!(positions, [Position::Log(1), Position::Log(3)]);
}

#[test]
fn json_that_says_otherwise_than_the_signed_bytes_is_a_lie() {
    let (owner, other) =
        (hex::encode(&made_tron::account(&OWNER)), hex::encode(&made_tron::account(&OTHER)));
    let with = |kind: &str, value: Value| {
        let mut tx = transfer(&OWNER, &OTHER, 5, 0);
        let parameter = json!({ "value": value });
        tx.said = Some(json!({ "contract": [{ "type": kind, "parameter": parameter }] }));
        decoded(&made_tron::block(HEIGHT, &[tx]))
    };
    let truth = json!({ "owner_address": owner, "to_address": other, "amount": 5 });
    with("TransferContract", truth.clone()).expect("true");
    for (field, value) in
        [("owner_address", json!(other)), ("to_address", json!(owner)), ("amount", json!(6))]
    {
        let mut changed = truth.clone();
        changed[field] = value;
        let lie = with("TransferContract", changed).expect_err(field);
        assert!(matches!(lie, Lie::Transaction { .. }), "{lie}");
    }
    assert!(with("TransferAssetContract", truth).is_err());
}

#[test]
fn impossible_amounts_are_lies() {
    for amount in [-1, 2_000_000_000_000_000_000] {
        let lie = decoded(&made_tron::block(HEIGHT, &[transfer(&OWNER, &OTHER, amount, 0)]));
        assert!(matches!(lie, Err(Lie::Transaction { .. })), "{amount}");
        let mut paid = transfer(&OWNER, &OTHER, 1, 0);
        paid.info = json!({ "fee": amount });
        assert!(decoded(&made_tron::block(HEIGHT, &[paid])).is_err());
    }
}

proptest! {
    #[test]
    fn what_is_given_is_stated_once_each(
        given in prop::collection::vec((any::<[u8; 20]>(), any::<[u8; 20]>(), 1i64..1_000_000_000), 0..20),
        fee in 0i64..1_000_000,
    ) {
        let txs: Vec<Tx> = (0i64..).zip(&given).map(|(n, (from, to, amount))| {
            let mut tx = transfer(from, to, *amount, n);
            tx.info = json!({ "fee": fee });
            tx
        }).collect();
        let facts = told(&txs);
        let moved: Vec<_> = transfers(&facts).into_iter()
            .filter(|t| t.kind == TransferKind::Value)
            .map(|t| (t.from, t.to, t.amount))
            .collect();
        let expected: Vec<_> = given.iter()
            .map(|(from, to, n)| (Some(Address::Tron(*from)), Some(Address::Tron(*to)), U256::from(*n)))
            .collect();
        prop_assert_eq!(moved, expected);
        let fees: U256 = transfers(&facts).iter()
            .filter(|t| t.kind == TransferKind::Fee).map(|t| t.amount).sum();
        prop_assert_eq!(fees, U256::from(fee) * U256::from(given.len()));
    }

    #[test]
    fn no_bytes_of_a_contract_make_the_reader_fail(kind in 0i64..60, contract: Vec<u8>, raw: Vec<u8>) {
        let _ = decoded(&made_tron::block(HEIGHT, &[Tx::new(kind, &contract, 0)]));
        let _ = decoded(&made_tron::block(HEIGHT, &[Tx::of(raw)]));
    }

    #[test]
    fn a_block_with_any_byte_changed_is_refused(at in 0usize..10_000, to in any::<u8>()) {
        let made = made_tron::block(HEIGHT, &[transfer(&OWNER, &OTHER, 5, 0), transfer(&OTHER, &OWNER, 6, 1)]);
        let mut raw = hex::decode(made.block["transactions"][0]["raw_data_hex"].as_str().expect("hex")).expect("hex");
        let at = at % raw.len();
        prop_assume!(raw[at] != to);
        raw[at] = to;
        let mut changed = made.clone();
        changed.block["transactions"][0]["raw_data_hex"] = json!(hex::encode(&raw));
        prop_assert!(decoded(&changed).is_err());
        // With an id that fits, the root does not.
        let id: [u8; 32] = sha2::Digest::finalize(sha2::Digest::chain_update(<sha2::Sha256 as sha2::Digest>::new(), &raw)).into();
        changed.block["transactions"][0]["txID"] = json!(hex::encode(&id));
        prop_assert!(decoded(&changed).is_err());
    }
}

#[test]
fn the_time_is_that_of_the_block() {
    let facts = told(&[transfer(&OWNER, &OTHER, 5, 0)]);
    assert!(transfers(&facts).iter().all(|t| t.time.as_millisecond() == TIME));
}
