//! A past on Solana: signed transactions, and a node that answers for them.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use model::{Address, Chain, Fact, TxHash};
use serde_json::{Value, json};

use crate::server::{Request, Response};
use crate::shapes::{PAGE, time_of, tip};
use crate::world::{FIRST, World};

pub const GENESIS: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
const TOKEN: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
const SYSTEM: [u8; 32] = [0; 32];
/// What everybody has before everything, of lamports and of the token.
const START: u64 = 1 << 60;

fn signer(who: u8) -> SigningKey {
    SigningKey::from_bytes(&[who + 1; 32])
}

pub fn address(who: u8) -> Address {
    Address::Solana(key(who))
}

fn key(who: u8) -> [u8; 32] {
    static KEYS: LazyLock<Vec<[u8; 32]>> =
        LazyLock::new(|| (0..=100).map(|who| signer(who).verifying_key().to_bytes()).collect());
    KEYS[usize::from(who)]
}

fn token_account(who: u8) -> [u8; 32] {
    [100 + who; 32]
}

fn mint() -> [u8; 32] {
    key(100)
}

fn text(key: [u8; 32]) -> String {
    Address::Solana(key).text(Chain::SOLANA)
}

fn token_program() -> [u8; 32] {
    let parsed = Address::parse(TOKEN, Chain::SOLANA).expect("an address");
    parsed.bytes().try_into().expect("32 bytes")
}

/// A transaction with what was there before it.
struct Made {
    slot: u64,
    id: String,
    keys: Vec<[u8; 32]>,
    bytes: Vec<u8>,
    meta: Value,
}

/// One movement, by whom it must be signed: (is it a token?, from, to, amount).
fn moves(world: &World, n: usize) -> Vec<(bool, u8, u8, u64)> {
    let tx = &world.txs[n];
    let own = (tx.value > 0).then_some((false, tx.from, tx.to, tx.value));
    let inner = tx.inner.iter().map(|(from, to, value)| (false, *from, *to, *value));
    let tokens = tx.tokens.iter().map(|(from, to, amount)| (true, *from, *to, *amount));
    own.into_iter().chain(inner).chain(tokens).collect()
}

/// Every transaction, carried out one after another.
fn made(world: &World) -> Vec<Made> {
    let mut lamports = [i128::from(START); 20];
    let mut tokens = [i128::from(START); 20];
    (0..world.txs.len()).map(|n| one(world, n, &mut lamports, &mut tokens)).collect()
}

fn one(world: &World, n: usize, lamports: &mut [i128; 20], tokens: &mut [i128; 20]) -> Made {
    let tx = &world.txs[n];
    let moves = moves(world, n);
    let mut signers = vec![tx.from];
    signers.extend(moves.iter().map(|(_, from, _, _)| *from));
    let mut seen = Vec::new();
    signers.retain(|who| !seen.contains(who) && (seen.push(*who), true).1);
    let mut keys: Vec<[u8; 32]> = signers.iter().map(|who| key(*who)).collect();
    let mut add = |key: [u8; 32]| {
        if !keys.contains(&key) {
            keys.push(key);
        }
    };
    for (is_token, from, to, _) in &moves {
        match is_token {
            true => [token_account(*from), token_account(*to)].into_iter().for_each(&mut add),
            false => add(key(*to)),
        }
    }
    let programs = [SYSTEM, token_program()];
    programs.into_iter().for_each(&mut add);
    let place = |key: [u8; 32]| {
        u8::try_from(keys.iter().position(|k| *k == key).expect("there")).expect("few")
    };
    let mut message = vec![u8::try_from(signers.len()).expect("few"), 0, 2];
    message.push(u8::try_from(keys.len()).expect("few"));
    keys.iter().for_each(|key| message.extend(key));
    message.extend([u8::try_from(n).expect("few") + 1; 32]);
    message.push(u8::try_from(moves.len()).expect("few"));
    for (is_token, from, to, amount) in &moves {
        let (program, accounts, data) = match is_token {
            true => {
                let accounts =
                    vec![place(token_account(*from)), place(token_account(*to)), place(key(*from))];
                (token_program(), accounts, [&[3][..], &amount.to_le_bytes()].concat())
            }
            false => {
                let data = [&2u32.to_le_bytes()[..], &amount.to_le_bytes()].concat();
                (SYSTEM, vec![place(key(*from)), place(key(*to))], data)
            }
        };
        message.push(place(program));
        message.push(u8::try_from(accounts.len()).expect("few"));
        message.extend(accounts);
        message.push(u8::try_from(data.len()).expect("few"));
        message.extend(data);
    }
    let mut bytes = vec![u8::try_from(signers.len()).expect("few")];
    for who in &signers {
        bytes.extend(signer(*who).sign(&message).to_bytes());
    }
    let id = TxHash::new(&<[u8; 64]>::try_from(&bytes[1..65]).expect("a signature"));
    bytes.extend(&message);
    let before = balances(&keys, lamports, tokens);
    lamports[usize::from(tx.from)] -= i128::from(tx.fee);
    if !tx.failed {
        for (is_token, from, to, amount) in &moves {
            let held = if *is_token { &mut *tokens } else { &mut *lamports };
            held[usize::from(*from)] -= i128::from(*amount);
            held[usize::from(*to)] += i128::from(*amount);
        }
    }
    let after = balances(&keys, lamports, tokens);
    let meta = json!({
        "err": tx.failed.then(|| json!({ "InstructionError": [0, { "Custom": 1 }] })), "fee": tx.fee,
        "status": if tx.failed { json!({ "Err": {} }) } else { json!({ "Ok": null }) },
        "innerInstructions": [], "logMessages": [], "rewards": [], "computeUnitsConsumed": 150,
        "loadedAddresses": { "writable": [], "readonly": [] },
        "preBalances": before.0, "postBalances": after.0,
        "preTokenBalances": before.1, "postTokenBalances": after.1,
    });
    Made { slot: world.height(n), id: id.text(Chain::SOLANA), keys, bytes, meta }
}

fn balances(
    keys: &[[u8; 32]],
    lamports: &[i128; 20],
    tokens: &[i128; 20],
) -> (Vec<u64>, Vec<Value>) {
    let held = |all: &[i128; 20], who: u8| u64::try_from(all[usize::from(who)]).expect("enough");
    let of = |key: &[u8; 32]| {
        (0..20).find(|who| self::key(*who) == *key).map_or(1, |who| held(lamports, who))
    };
    let token = |(at, key): (usize, &[u8; 32])| {
        let who = (0..20).find(|who| token_account(*who) == *key)?;
        let amount = held(tokens, who).to_string();
        Some(json!({
            "accountIndex": at, "mint": text(mint()), "owner": text(self::key(who)), "programId": TOKEN,
            "uiTokenAmount": { "amount": amount, "decimals": 6, "uiAmount": null, "uiAmountString": "1" },
        }))
    };
    (keys.iter().map(of).collect(), keys.iter().enumerate().filter_map(token).collect())
}

fn said(made: &Made) -> Value {
    json!({ "transaction": [STANDARD.encode(&made.bytes), "base64"], "meta": made.meta, "version": "legacy" })
}

/// What a node's blocks state.
pub fn facts(world: &World) -> Vec<Fact> {
    let all = made(world);
    let mut facts = Vec::new();
    for slot in all.iter().map(|one| one.slot).collect::<std::collections::BTreeSet<u64>>() {
        let own: Vec<Value> = all.iter().filter(|one| one.slot == slot).map(said).collect();
        let hash = |n: u64| text([u8::try_from(n - FIRST + 1).expect("few"); 32]);
        let block = json!({
            "blockhash": hash(slot), "previousBlockhash": hash(slot + 1), "parentSlot": slot - 1,
            "blockTime": time_of(slot), "rewards": [], "transactions": own,
        });
        let reading = chain::solana::Reading::default();
        let block = chain::solana::decode::block(world.chain, slot, &block.to_string(), reading);
        facts.extend(block.expect("true").facts);
    }
    facts
}

/// A node: lists newest first, a few a page; several questions at once are answered in
/// another order. With `drift` new transactions come on top of every list.
pub fn rpc(world: &World, drift: bool) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
    let (world, all) = (world.clone(), made(world));
    move |request| {
        let asked: Value = serde_json::from_str(&request.body).expect("JSON");
        let answer = |one: &Value| {
            let result = result(
                &world,
                &all,
                drift,
                one["method"].as_str().expect("a method"),
                &one["params"],
            );
            json!({ "jsonrpc": "2.0", "id": one["id"], "result": result })
        };
        Response::json(match asked.as_array() {
            Some(several) => several.iter().rev().map(answer).collect::<Vec<_>>().into(),
            None => answer(&asked),
        })
    }
}

fn result(world: &World, all: &[Made], drift: bool, method: &str, params: &Value) -> Value {
    let first = params[0].as_str().unwrap_or_default();
    match method {
        "getGenesisHash" => GENESIS.into(),
        "getFirstAvailableBlock" => 0.into(),
        "getSlot" => tip(all.len()).into(),
        "getBlockTime" => time_of(params[0].as_u64().expect("a slot")).into(),
        "getSignaturesForAddress" => {
            let own = all.iter().rev().filter(|one| one.keys.iter().any(|key| text(*key) == first));
            let new = (0..u64::from(drift)).map(|n| {
                let id = TxHash::new(&[u8::try_from(n + 200).expect("few"); 64]);
                listed(&id.text(Chain::SOLANA), tip(all.len()) + 5 + n, false)
            });
            let rows: Vec<Value> = new
                .chain(own.map(|one| listed(&one.id, one.slot, !one.meta["err"].is_null())))
                .collect();
            let before = params[1]["before"].as_str();
            let at = before.map_or(Some(0), |before| {
                rows.iter().position(|row| row["signature"] == before).map(|at| at + 1)
            });
            let limit =
                usize::try_from(params[1]["limit"].as_u64().expect("a limit")).expect("few");
            at.map_or(Vec::new(), |at| rows.into_iter().skip(at).take(limit.min(PAGE)).collect())
                .into()
        }
        "getTokenAccountsByOwner" => {
            let is_own = |who: &u8| text(key(*who)) == first && params[1]["programId"] == TOKEN;
            let value: Vec<Value> = (0..20).filter(is_own).map(token_row).collect();
            json!({ "context": { "apiVersion": "2.2.1", "slot": tip(all.len()) }, "value": value })
        }
        "getTransaction" => all.iter().find(|one| one.id == first).map_or(Value::Null, |one| {
            let mut answer = said(one);
            answer["slot"] = one.slot.into();
            answer["blockTime"] = time_of(one.slot).into();
            answer
        }),
        "getBlock" => {
            let slot = params[0].as_u64().expect("a slot");
            let own: Vec<&str> =
                all.iter().filter(|one| one.slot == slot).map(|one| one.id.as_str()).collect();
            json!({ "blockhash": text([1; 32]), "parentSlot": slot - 1, "blockTime": time_of(slot), "signatures": own })
        }
        other => panic!("asked {other} of {}", world.chain),
    }
}

fn listed(id: &str, slot: u64, failed: bool) -> Value {
    json!({
        "signature": id, "slot": slot, "blockTime": 1_740_000_000, "confirmationStatus": "finalized", "memo": null,
        "err": failed.then(|| json!({ "InstructionError": [0, { "Custom": 1 }] })),
    })
}

fn token_row(who: u8) -> Value {
    json!({
        "pubkey": text(token_account(who)),
        "account": {
            "lamports": 2_039_280, "owner": TOKEN, "executable": false, "rentEpoch": 18_446_744_073_709_551_615u64,
            "space": 165,
            "data": { "program": "spl-token", "space": 165, "parsed": { "type": "account", "info": {
                "isNative": false, "mint": text(mint()), "owner": text(key(who)), "state": "initialized",
                "tokenAmount": { "amount": "1", "decimals": 6, "uiAmount": 0.000_001, "uiAmountString": "0.000001" },
            }}},
        },
    })
}
