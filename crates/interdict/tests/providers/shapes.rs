//! A past as each provider tells it: fields, pages and manners as recorded from theirs.

use std::sync::atomic::{AtomicUsize, Ordering};

use model::Chain;
use serde_json::{Value, json};

use crate::server::{Request, Response};
use crate::world::{Coins, FIRST, World, height, time};

/// Rows of a page: few, so that there are many pages.
pub const PAGE: usize = 3;
/// Blocks on top of the last one.
const ABOVE: u64 = 100;

pub fn tip(txs: usize) -> u64 {
    FIRST + txs as u64 + ABOVE
}

pub fn time_of(height: u64) -> i64 {
    time(usize::try_from(height - FIRST).expect("few")).as_second()
}

/// Etherscan gives no more rows than asked for, here even fewer.
pub fn etherscan(world: &World) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
    let world = world.clone();
    move |request| {
        let ask = |name: &str| request.query.get(name).map(String::as_str).unwrap_or_default();
        let answer = match ask("action") {
            "eth_blockNumber" => json!({ "result": format!("0x{:x}", tip(world.txs.len())) }),
            "eth_getBlockByNumber" => {
                let height = u64::from_str_radix(&ask("tag")[2..], 16).expect("a height");
                json!({ "result": {
                    "number": ask("tag"), "timestamp": format!("0x{:x}", time_of(height)),
                    "transactions": [{ "chainId": "0x1" }],
                }})
            }
            "eth_getTransactionReceipt" => {
                let n = world.find(ask("txhash"));
                json!({ "jsonrpc": "2.0", "id": 1, "result": n.map(|n| receipt(&world, n)) })
            }
            action => {
                let who = world.who(ask("address"));
                let first: u64 = ask("startblock").parse().expect("a height");
                let last: u64 = ask("endblock").parse().expect("a height");
                let mut rows = Vec::new();
                for n in 0..world.txs.len() {
                    if (first..=last).contains(&world.height(n)) {
                        rows.extend(
                            who.into_iter().flat_map(|who| etherscan_rows(&world, n, who, action)),
                        );
                    }
                }
                let page: usize = ask("page").parse().expect("a page");
                let offset = ask("offset").parse::<usize>().expect("rows").min(1000);
                // A block is never cut here, else a page is as short as may be.
                let mut given: Vec<Value> = rows.into_iter().skip((page - 1) * offset).collect();
                if given.len() > PAGE {
                    let last = given[PAGE - 1]["blockNumber"].clone();
                    let more = given[PAGE..].iter().take_while(|row| row["blockNumber"] == last);
                    let end = PAGE + more.count();
                    given.truncate(end);
                }
                match given.is_empty() {
                    true => {
                        json!({ "status": "0", "message": "No transactions found", "result": [] })
                    }
                    false => json!({ "status": "1", "message": "OK", "result": given }),
                }
            }
        };
        Response::json(answer)
    }
}

fn etherscan_rows(world: &World, n: usize, who: u8, action: &str) -> Vec<Value> {
    let tx = &world.txs[n];
    let row = |from: u8, to: u8, value: u64| {
        json!({
            "blockNumber": world.height(n).to_string(), "timeStamp": world.time(n).as_second().to_string(),
            "hash": world.id(n).hash_text(), "transactionIndex": world.index(n).to_string(),
            "from": world.text(from), "to": world.text(to), "value": value.to_string(),
            "contractAddress": "", "gasUsed": tx.fee.to_string(), "gasPrice": "1",
            "isError": if tx.failed { "1" } else { "0" }, "txreceipt_status": if tx.failed { "0" } else { "1" },
        })
    };
    let names = |from: u8, to: u8| from == who || to == who;
    match action {
        "txlist" if tx.names(who) => vec![row(tx.from, tx.to, tx.value)],
        "txlistinternal" if !tx.failed => {
            let own = tx.inner.iter().filter(|(from, to, _)| names(*from, *to));
            own.map(|(from, to, value)| {
                let mut row = row(*from, *to, *value);
                let fields = row.as_object_mut().expect("an object");
                fields.remove("transactionIndex");
                fields.insert("type".into(), "call".into());
                fields.insert("traceId".into(), "0_1".into());
                row
            })
            .collect()
        }
        "tokentx" if !tx.failed => {
            let own = tx.tokens.iter().filter(|(from, to, _)| names(*from, *to));
            own.map(|(from, to, amount)| {
                let mut row = row(*from, *to, *amount);
                row["contractAddress"] = world.token().text(world.chain).into();
                row["tokenSymbol"] = "COIN".into();
                row["tokenDecimal"] = "6".into();
                row
            })
            .collect()
        }
        _ => Vec::new(),
    }
}

/// As nodes give it, quantities in hex.
fn receipt(world: &World, n: usize) -> Value {
    let tx = &world.txs[n];
    let word = |who: u8| {
        format!("0x{}{}", "00".repeat(12), model::hex::encode(world.address(who).bytes()))
    };
    let tokens = if tx.failed { &[] } else { &tx.tokens[..] };
    let logs = (world.first_log(n)..).zip(tokens).map(|(at, (from, to, amount))| {
        json!({
            "address": world.token().text(world.chain), "logIndex": format!("{at:#x}"),
            "topics": [TRANSFER, word(*from), word(*to)], "data": format!("{amount:#066x}"), "removed": false,
        })
    });
    json!({
        "transactionHash": world.id(n).hash_text(), "blockNumber": format!("{:#x}", world.height(n)),
        "transactionIndex": format!("{:#x}", world.index(n)), "logs": logs.collect::<Vec<_>>(),
        "status": if tx.failed { "0x0" } else { "0x1" },
    })
}

/// Transfer(address,address,uint256).
const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

/// Calls in Parity's form, as Blockscout passes them on.
fn traces(world: &World, n: usize) -> Value {
    let tx = &world.txs[n];
    let call = |path: Vec<u32>, from: u8, to: u8, value: u64| {
        json!({
            "type": "call", "traceAddress": path, "subtraces": 0, "transactionHash": world.id(n).hash_text(),
            "action": { "callType": "call", "from": world.text(from), "to": world.text(to), "gas": "0x0",
                        "input": "0x", "value": format!("{value:#x}") },
            "result": { "gasUsed": "0x0", "output": "0x" },
        })
    };
    let inner =
        (0u32..).zip(&tx.inner).map(|(k, (from, to, value))| call(vec![k], *from, *to, *value));
    let mut calls: Vec<Value> = vec![call(vec![], tx.from, tx.to, tx.value)];
    calls.extend(inner);
    if tx.failed {
        calls[0]["error"] = "Reverted".into();
    }
    calls.into()
}

/// Pages by offset from the newest; with `drift` a new row comes before each page.
pub fn blockscout(
    world: &World,
    drift: bool,
) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
    let world = world.clone();
    let pushed = AtomicUsize::new(0);
    move |request| {
        if request.path == "/api/eth-rpc" {
            let asked: Value = serde_json::from_str(&request.body).expect("JSON");
            let result = match asked["method"].as_str() {
                Some("eth_chainId") => "0x1".to_string(),
                _ => format!("0x{:x}", tip(world.txs.len())),
            };
            return Response::json(json!({ "jsonrpc": "2.0", "id": 1, "result": result }));
        }
        let parts: Vec<&str> = request.path.trim_start_matches("/api/v2/").split('/').collect();
        if let ["blocks", height] = parts.as_slice() {
            let height: u64 = height.parse().expect("a height");
            let at = time_of(height);
            let stamp = model::Timestamp::from_second(at).expect("in range").to_string();
            return Response::json(json!({ "height": height, "timestamp": stamp }));
        }
        if let ["transactions", id, rest @ ..] = parts.as_slice() {
            let Some(n) = world.find(id) else { return Response::status(404, "") };
            return Response::json(match rest {
                ["raw-trace"] => traces(&world, n),
                _ => blockscout_rows(&world, n, world.height(n), world.txs[n].from, "transactions")
                    .remove(0),
            });
        }
        let ["addresses", address, list] = parts.as_slice() else {
            return Response::status(404, "");
        };
        let Some(who) = world.who(address) else {
            return Response { status: 404, ..Response::json(json!({ "message": "Not found" })) };
        };
        let mut rows: Vec<Value> = (0..world.txs.len())
            .flat_map(|n| blockscout_rows(&world, n, world.height(n), who, list))
            .collect();
        if drift && !world.txs.is_empty() {
            let count = pushed.fetch_add(1, Ordering::SeqCst) + 1;
            for k in 0..count {
                let height = tip(world.txs.len()) - 10 + k as u64;
                let new = blockscout_rows(&world, 0, height, who, list);
                // Where as much comes as a page holds, nobody ever gets to the end.
                rows.extend(new.into_iter().take(1).map(|mut row| {
                    row["transaction_hash"] = world.id(5000 + k).hash_text().into();
                    row["hash"] = row["transaction_hash"].clone();
                    row
                }));
            }
        }
        rows.reverse();
        let at: usize =
            request.query.get("items_count").map_or(0, |at| at.parse().expect("a count"));
        let next =
            (at + PAGE < rows.len()).then(|| json!({ "items_count": at + PAGE, "index": null }));
        let items: Vec<Value> = rows.into_iter().skip(at).take(PAGE).collect();
        Response::json(json!({ "items": items, "next_page_params": next }))
    }
}

fn blockscout_rows(world: &World, n: usize, height: u64, who: u8, list: &str) -> Vec<Value> {
    let tx = &world.txs[n];
    let stamp = model::Timestamp::from_second(time_of(height)).expect("in range").to_string();
    let ends = |from: u8, to: u8| {
        json!({
            "block_number": height, "timestamp": stamp, "from": { "hash": world.text(from) },
            "to": { "hash": world.text(to) }, "transaction_hash": world.id(n).hash_text(),
        })
    };
    let names = |from: u8, to: u8| from == who || to == who;
    match list {
        "transactions" if tx.names(who) => {
            let mut row = ends(tx.from, tx.to);
            row["hash"] = row["transaction_hash"].clone();
            row["position"] = world.index(n).into();
            row["value"] = tx.value.to_string().into();
            row["fee"] = json!({ "type": "actual", "value": tx.fee.to_string() });
            row["status"] = if tx.failed { "error" } else { "ok" }.into();
            vec![row]
        }
        "internal-transactions" => {
            let own = (1..).zip(&tx.inner).filter(|(_, (from, to, _))| names(*from, *to));
            own.map(|(index, (from, to, value))| {
                let mut row = ends(*from, *to);
                row["index"] = index.into();
                row["transaction_index"] = world.index(n).into();
                row["type"] = "call".into();
                row["success"] = (!tx.failed).into();
                row["value"] = value.to_string().into();
                row
            })
            .collect()
        }
        "token-transfers" if !tx.failed => {
            let all = (world.first_log(n)..).zip(&tx.tokens);
            let own = all.filter(|(_, (from, to, _))| names(*from, *to));
            own.map(|(log, (from, to, amount))| {
                let mut row = ends(*from, *to);
                row["log_index"] = log.into();
                row["token_type"] = "ERC-20".into();
                row["token"] = json!({
                    "address_hash": world.token().text(world.chain), "symbol": "COIN", "decimals": "6",
                });
                row["total"] = json!({ "decimals": "6", "value": amount.to_string() });
                row
            })
            .collect()
        }
        _ => Vec::new(),
    }
}

pub fn trongrid(world: &World) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
    let world = world.clone();
    let header = |number: u64, id: String| {
        let at = if number == 0 { 0 } else { time_of(number) * 1000 };
        json!({ "blockID": id, "block_header": { "raw_data": { "number": number, "timestamp": at } } })
    };
    move |request| {
        if request.path == "/wallet/getblockbynum" {
            let id = "00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc";
            return Response::json(header(0, id.into()));
        }
        if request.path == "/walletsolidity/getnowblock" {
            return Response::json(header(tip(world.txs.len()), "00".repeat(32)));
        }
        let asked: Value = serde_json::from_str(&request.body).unwrap_or_default();
        if request.path == "/walletsolidity/gettransactioninfobyid" {
            let n = asked["value"].as_str().and_then(|id| world.find(id));
            return Response::json(n.map_or(json!({}), |n| tron_info(&world, n)));
        }
        if request.path == "/walletsolidity/gettransactioninfobyblocknum" {
            let of_block = |n: &usize| Some(world.height(*n)) == asked["num"].as_u64();
            let infos = (0..world.txs.len()).filter(of_block).map(|n| tron_info(&world, n));
            return Response::json(infos.collect::<Vec<_>>().into());
        }
        let parts: Vec<&str> =
            request.path.trim_start_matches("/v1/accounts/").splitn(2, '/').collect();
        let [address, list] = parts.as_slice() else { return Response::status(404, "") };
        let ask = |name: &str| request.query.get(name).map(String::as_str).unwrap_or_default();
        let first: i64 = ask("min_timestamp").parse().expect("a time");
        let last: i64 = ask("max_timestamp").parse().expect("a time");
        let mut rows = Vec::new();
        for n in 0..world.txs.len() {
            if (first..=last).contains(&(world.time(n).as_second() * 1000)) {
                let who = world.who(address);
                rows.extend(who.into_iter().flat_map(|who| trongrid_rows(&world, n, who, list)));
            }
        }
        let at: usize = ask("fingerprint").parse().unwrap_or(0);
        let mut meta = json!({ "at": 1 });
        if at + PAGE < rows.len() {
            meta["fingerprint"] = (at + PAGE).to_string().into();
        }
        let data: Vec<Value> = rows.into_iter().skip(at).take(PAGE).collect();
        Response::json(json!({ "data": data, "success": true, "meta": meta }))
    }
}

fn tron_hex(world: &World, who: u8) -> String {
    format!("41{}", model::hex::encode(world.address(who).bytes()))
}

/// What a node says a transaction caused.
fn tron_info(world: &World, n: usize) -> Value {
    let tx = &world.txs[n];
    let word =
        |who: u8| format!("{}{}", "00".repeat(12), model::hex::encode(world.address(who).bytes()));
    let tokens = if tx.failed { &[] } else { &tx.tokens[..] };
    let log = tokens.iter().map(|(from, to, amount)| {
        json!({
            "address": model::hex::encode(world.token().bytes()), "data": format!("{amount:064x}"),
            "topics": [TRANSFER.trim_start_matches("0x"), word(*from), word(*to)],
        })
    });
    let internal = tx.inner.iter().map(|(from, to, value)| {
        json!({
            "hash": "00".repeat(32), "caller_address": tron_hex(world, *from), "rejected": tx.failed,
            "transferTo_address": tron_hex(world, *to), "callValueInfo": [{ "callValue": value }], "note": "63616c6c",
        })
    });
    json!({
        "id": world.id(n).hash_text(), "fee": tx.fee, "blockNumber": world.height(n),
        "blockTimeStamp": world.time(n).as_second() * 1000, "contractResult": [""], "receipt": {},
        "log": log.collect::<Vec<_>>(), "internal_transactions": internal.collect::<Vec<_>>(),
    })
}

fn trongrid_rows(world: &World, n: usize, who: u8, list: &str) -> Vec<Value> {
    let tx = &world.txs[n];
    let at = world.time(n).as_second() * 1000;
    let hex = |who: u8| tron_hex(world, who);
    let names = |from: u8, to: u8| from == who || to == who;
    let mut rows = Vec::new();
    if list == "transactions" && tx.names(who) {
        rows.push(json!({
            "txID": world.id(n).hash_text(), "blockNumber": world.height(n), "block_timestamp": at,
            "ret": [{ "contractRet": if tx.failed { "REVERT" } else { "SUCCESS" }, "fee": tx.fee }],
            "raw_data": { "contract": [{ "type": "TriggerSmartContract", "parameter": { "value": {
                "owner_address": hex(tx.from), "contract_address": hex(tx.to), "call_value": tx.value,
            }}}]},
        }));
    }
    if list == "transactions" {
        let own = (0..).zip(&tx.inner).filter(|(_, (from, to, _))| names(*from, *to));
        rows.extend(own.map(|(k, (from, to, value)): (u32, _)| {
            json!({
                "internal_tx_id": format!("{n}-{k}"), "tx_id": world.id(n).hash_text(),
                "block_timestamp": at, "from_address": hex(*from), "to_address": hex(*to),
                "data": { "note": "63616c6c", "rejected": tx.failed, "call_value": { "_": value } },
            })
        }));
    }
    if list == "transactions/trc20" && !tx.failed {
        let own = tx.tokens.iter().filter(|(from, to, _)| names(*from, *to));
        rows.extend(own.map(|(from, to, amount)| {
            json!({
                "transaction_id": world.id(n).hash_text(), "block_timestamp": at, "type": "Transfer",
                "from": world.text(*from), "to": world.text(*to), "value": amount.to_string(),
                "token_info": { "symbol": "COIN", "decimals": 6, "address": world.token().text(world.chain) },
            })
        }));
    }
    rows
}

pub fn esplora(coins: &Coins) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
    let coins = coins.clone();
    let hash = |n: u64| format!("{n:064x}");
    move |request| {
        let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
        let world = &coins.world;
        match parts.as_slice() {
            ["block-height", "0"] => Response::text(genesis(world.chain)),
            ["block-height", height] => Response::text(hash(height.parse().expect("a height"))),
            ["blocks", "tip", "height"] => Response::text(tip(coins.txs.len()).to_string()),
            ["block", id] => {
                let height = u64::from_str_radix(id, 16).expect("one of ours");
                Response::json(json!({ "height": height, "timestamp": time_of(height) }))
            }
            ["tx", id] => match (0..coins.txs.len()).find(|n| world.id(*n).hash_text() == *id) {
                Some(n) => Response::json(esplora_tx(&coins, n)),
                None => Response { status: 404, ..Response::text("Transaction not found") },
            },
            ["tx", id, "outspends"] => {
                let of = coins.txs.iter().find(|tx| tx.id.hash_text() == *id);
                let outputs = of.map_or(0, |tx| tx.outputs.len());
                let line = |index: usize| esplora_spend(&coins, id, index);
                Response::json((0..outputs).map(line).collect::<Vec<_>>().into())
            }
            ["address", address, "txs", "chain", rest @ ..] => {
                let who = world.who(address);
                let own: Vec<usize> = (0..coins.txs.len())
                    .rev()
                    .filter(|n| who.is_some_and(|who| coins.names(*n, who)))
                    .collect();
                let after = rest
                    .first()
                    .and_then(|last| own.iter().position(|n| world.id(*n).hash_text() == *last));
                let given = own.into_iter().skip(after.map_or(0, |at| at + 1)).take(PAGE);
                Response::json(given.map(|n| esplora_tx(&coins, n)).collect::<Vec<_>>().into())
            }
            _ => Response::status(404, ""),
        }
    }
}

pub fn genesis(chain: Chain) -> &'static str {
    match chain {
        Chain::BITCOIN => "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
        _ => "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
    }
}

fn esplora_spend(coins: &Coins, id: &str, index: usize) -> Value {
    let spends = |n: &usize| {
        let inputs = coins.txs[*n].inputs.iter();
        let mut own = inputs.map(|i| (i.outpoint.tx.hash_text(), i.outpoint.index as usize));
        own.any(|(tx, at)| tx == id && at == index)
    };
    match (0..coins.txs.len()).find(spends) {
        None => json!({ "spent": false }),
        Some(n) => json!({
            "spent": true, "txid": coins.txs[n].id.hash_text(), "vin": 0,
            "status": { "confirmed": true, "block_height": height(n) },
        }),
    }
}

fn esplora_tx(coins: &Coins, n: usize) -> Value {
    let tx = &coins.txs[n];
    let output = |output: &model::Output| json!({ "scriptpubkey": model::hex::encode(output.address.bytes()), "value": output.value });
    let mut vin: Vec<Value> = tx
        .inputs
        .iter()
        .map(|input| {
            json!({
                "txid": input.outpoint.tx.hash_text(), "vout": input.outpoint.index, "is_coinbase": false,
                "prevout": input.previous.as_ref().map(output),
            })
        })
        .collect();
    if tx.is_coinbase {
        vin.push(json!({ "txid": "00".repeat(32), "vout": u32::MAX, "prevout": null, "is_coinbase": true }));
    }
    let block = tx.block.map(|block| block.text(tx.id.chain));
    json!({
        "txid": tx.id.hash_text(), "vin": vin, "vout": tx.outputs.iter().map(output).collect::<Vec<_>>(),
        "status": {
            "confirmed": true, "block_height": height(n), "block_time": time(n).as_second(), "block_hash": block,
        },
    })
}
