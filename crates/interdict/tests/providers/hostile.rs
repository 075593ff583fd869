//! Replies that no honest and healthy provider gives.

use std::sync::atomic::{AtomicUsize, Ordering};

use chain::history::{Api, Ask, Budget, History, HistoryError, Provider, Told, etherscan};
use chain::source::{Kind, Lie};
use model::Chain;
use serde_json::{Value, json};

use crate::server::{Request, Response, Server};
use crate::world::{Coins, Tx, World};
use crate::{NEVER, on, options, runtime, shapes, solana, world_on};

const ALL: [Api; 5] = [Api::Esplora, Api::Etherscan, Api::Blockscout, Api::TronGrid, Api::Solana];

type Shape = Box<dyn Fn(&Request) -> Response + Send + Sync>;

fn world(api: Api) -> World {
    world_on(on(api), &[Tx::pay(1, 0, 500), Tx { fee: 3, ..Tx::pay(0, 2, 400) }])
}

fn shape(api: Api) -> Shape {
    let world = world(api);
    match api {
        Api::Esplora => {
            let steps = [(vec![], vec![0]), (vec![0], vec![1, 2])];
            Box::new(shapes::esplora(&Coins::new(Chain::BITCOIN, &steps)))
        }
        Api::Etherscan => Box::new(shapes::etherscan(&world)),
        Api::Blockscout => Box::new(shapes::blockscout(&world, false)),
        Api::TronGrid => Box::new(shapes::trongrid(&world)),
        Api::Solana => Box::new(solana::rpc(&world, false)),
    }
}

/// Is this a question about an address, not about the chain?
fn is_history(request: &Request) -> bool {
    ["/address", "/v1/accounts", "/api/v2/addresses"]
        .iter()
        .any(|part| request.path.starts_with(part))
        || request.query.get("module").is_some_and(|module| module == "account")
        || ["getSignatures", "getTokenAccounts", "getTransaction"]
            .iter()
            .any(|method| request.body.contains(method))
}

fn told(
    api: Api,
    answer: impl Fn(&Request) -> Response + Send + Sync + 'static,
) -> Result<Told, HistoryError> {
    let server = Server::new(answer);
    let mut options = options(&server, on(api), &Budget::new(NEVER));
    options.bounds.body_max = 1 << 20;
    runtime().block_on(async {
        let provider = Provider::new(api, &options)?;
        let until = provider.horizon().await?;
        let ask = Ask { account: world(api).account(0), after: None, until, rows_max: NEVER };
        chain::history::read(&provider, &ask).await
    })
}

/// Every answer about an address is changed like this.
fn changed(
    api: Api,
    change: impl Fn(Response) -> Response + Send + Sync + 'static,
) -> Result<Told, HistoryError> {
    let shape = shape(api);
    told(api, move |request| {
        let response = shape(request);
        if is_history(request) { change(response) } else { response }
    })
}

#[track_caller]
fn error(api: Api, told: Result<Told, HistoryError>) -> chain::source::SourceError {
    match told {
        Err(HistoryError::Source(error)) => {
            let text = format!("{error} {error:?}");
            assert!(!text.contains("s3cret"), "{api}: {text}");
            assert!(text.contains("127.0.0.1"), "{api}: {text}");
            error
        }
        other => panic!("{api}: {other:?}"),
    }
}

#[test]
fn who_asks_too_often_waits_and_is_answered() {
    for api in ALL {
        let (shape, asked) = (shape(api), AtomicUsize::new(0));
        let answer = told(api, move |request| match asked.fetch_add(1, Ordering::SeqCst) % 3 {
            0 => Response::status(429, "retry-after: 0\r\n"),
            1 if api == Api::Etherscan => Response::json(json!({
                "status": "0", "message": "NOTOK", "result": "Max calls per sec rate limit reached (3/sec)",
            })),
            1 => Response::status(503, ""),
            _ => shape(request),
        });
        assert_eq!(answer.expect("it is answered in the end").rows, 2, "{api}");
    }
}

#[test]
fn a_used_up_day_is_said_and_not_tried_again() {
    let spent = json!({ "status": "0", "message": "NOTOK", "result": "Max daily rate limit reached. s3cret" });
    let told = changed(Api::Etherscan, move |_| Response::json(spent.clone()));
    let error = error(Api::Etherscan, told);
    assert!(
        matches!(&error.kind, Kind::Refused(what) if what.starts_with(etherscan::QUOTA)),
        "{error}"
    );
    assert!(!error.is_transient());
}

#[test]
fn a_wrong_key_is_said_without_the_key() {
    let said =
        json!({ "status": "0", "message": "NOTOK", "result": "Invalid API Key (#err2)|s3cret" });
    let told = changed(Api::Etherscan, move |_| Response::json(said.clone()));
    assert!(error(Api::Etherscan, told).to_string().contains("Invalid API Key"));
    for api in ALL {
        let told = changed(api, |_| Response::status(401, ""));
        assert!(error(api, told).to_string().contains("is there a key"), "{api}");
    }
}

#[test]
fn a_key_is_sent_where_the_provider_wants_it() {
    for api in ALL {
        let shape = shape(api);
        let told = told(api, move |request| {
            let in_query = request.query.values().any(|key| key == "s3cret");
            let is_sent = in_query || request.headers.contains("s3cret");
            if is_sent { shape(request) } else { Response::status(401, "") }
        });
        assert_eq!(told.expect("the key is there").rows, 2, "{api}");
    }
}

#[test]
fn an_answer_that_is_cut_is_refused() {
    for api in ALL {
        let told = changed(api, |mut response| {
            let half = response.body.len() / 2;
            response.body.truncate(half);
            response
        });
        assert!(matches!(error(api, told).lie(), Some(Lie::NotJson(_))), "{api}");
    }
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    for api in ALL {
        let told = changed(api, |response| Response { endless: true, ..response });
        assert!(matches!(error(api, told).lie(), Some(Lie::TooLarge { .. })), "{api}");
    }
}

#[test]
fn another_chain_is_refused_before_anything_is_asked() {
    for api in ALL {
        let shape = shape(api);
        let told = told(api, move |request| {
            assert!(!is_history(request), "asked about an address");
            let mut response = shape(request);
            response.body = response
                .body
                .replace("\"result\":\"0x1\"", "\"result\":\"0x2\"")
                .replace("\"chainId\":\"0x1\"", "\"chainId\":\"0x2\"")
                .replace(shapes::genesis(Chain::BITCOIN), shapes::genesis(Chain::ETHEREUM))
                .replace("2b6653dc", "cd8690dc")
                .replace(solana::GENESIS, "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG");
            response
        });
        let error = error(api, told);
        assert!(matches!(error.kind, Kind::WrongChain { .. }), "{api}: {error}");
    }
}

/// Of every row of an answer.
fn rows(response: Response, change: impl Fn(&mut Value)) -> Response {
    let mut value: Value = serde_json::from_str(&response.body).expect("JSON");
    let list = match &mut value {
        // Several questions at once.
        Value::Array(list) if list.iter().all(|one| one.get("jsonrpc").is_some()) => {
            list.iter_mut().map(|one| &mut one["result"]).for_each(change);
            return Response { body: value.to_string(), ..response };
        }
        Value::Array(list) => Some(list),
        other => ["items", "data", "result"]
            .into_iter()
            .find(|name| other.get(name).is_some_and(Value::is_array))
            .and_then(|name| other[name].as_array_mut()),
    };
    list.into_iter().flatten().for_each(change);
    Response { body: value.to_string(), ..response }
}

#[test]
fn rows_that_do_not_name_the_address_are_refused() {
    for api in ALL {
        let strangers = World { txs: Vec::new(), ..world(api) };
        let text = strangers.text(7);
        let hex = model::hex::encode(strangers.address(7).bytes());
        let own = model::hex::encode(world(api).address(0).bytes());
        let name = world(api).text(0);
        let told = changed(api, move |mut response| {
            response.body = response.body.replace(&name, &text).replace(&own, &hex);
            response
        });
        assert!(error(api, told).to_string().contains("not name"), "{api}");
    }
}

#[test]
fn values_that_no_chain_has_are_refused() {
    let absurd = "9".repeat(40);
    for api in ALL {
        for bad in [absurd.clone(), "-1".into(), "1e3".into(), "much".into(), "9".repeat(90)] {
            let shown = bad.clone();
            let told = changed(api, move |response| {
                rows(response, |row| {
                    for field in [
                        "/value",
                        "/vout/0/value",
                        "/raw_data/contract/0/parameter/value/call_value",
                        "/meta/fee",
                    ] {
                        if let Some(value) = row.pointer_mut(field) {
                            *value = bad.clone().into();
                        }
                    }
                })
            });
            assert!(error(api, told).lie().is_some(), "{api}: {shown}");
        }
    }
}

#[test]
fn rows_of_the_wrong_form_are_refused_with_their_field() {
    for api in ALL {
        for bad in [json!(null), json!([]), json!("x")] {
            let told = changed(api, move |response| rows(response, |row| *row = bad.clone()));
            let text = error(api, told).to_string();
            assert!(text.contains("missing"), "{api}: {text}");
        }
    }
}

#[test]
fn pages_that_never_end_are_refused() {
    let told_by = changed(Api::Blockscout, |response| {
        let mut value: Value = serde_json::from_str(&response.body).expect("JSON");
        value["next_page_params"] = json!({ "items_count": 0 });
        Response::json(value)
    });
    assert!(error(Api::Blockscout, told_by).to_string().contains("lead back"));
    let count = AtomicUsize::new(0);
    let told_by = changed(Api::TronGrid, move |response| {
        let mut value: Value = serde_json::from_str(&response.body).expect("JSON");
        let data = value["data"].as_array_mut().expect("a list");
        data.retain(|row| row.get("txID").is_some());
        value["meta"]["fingerprint"] = count.fetch_add(1, Ordering::SeqCst).to_string().into();
        Response::json(value)
    });
    assert!(error(Api::TronGrid, told_by).to_string().contains("never end"));
    let (shape, first) = (shape(Api::Solana), shape(Api::Solana));
    let told_by = told(Api::Solana, move |request| {
        // Whatever was asked to come before, the first page again.
        let mut asked: Value = serde_json::from_str(&request.body).expect("JSON");
        if asked["method"] != "getSignaturesForAddress" {
            return shape(request);
        }
        asked["params"][1].as_object_mut().expect("settings").remove("before");
        let again = Request { body: asked.to_string(), ..request.clone() };
        first(&again)
    });
    assert!(error(Api::Solana, told_by).to_string().contains("lead back"));
    let told_by = changed(Api::Esplora, |response| {
        rows(response, |row| row["txid"] = "ab".repeat(32).into())
    });
    assert!(error(Api::Esplora, told_by).lie().is_some());
}

#[test]
fn coins_from_nothing_are_refused() {
    let told = changed(Api::Esplora, |response| {
        rows(response, |row| {
            if row["vin"][0]["prevout"]["value"].is_number() {
                row["vin"][0]["prevout"]["value"] = 1.into();
            }
        })
    });
    assert!(error(Api::Esplora, told).to_string().contains("more than its inputs hold"));
}

#[test]
fn a_budget_that_ends_hands_nothing_on() {
    for api in ALL {
        let server = Server::new(shape(api));
        let budget = Budget::new(5);
        let options = options(&server, on(api), &budget);
        let ended = runtime().block_on(async {
            let provider = Provider::new(api, &options)?;
            let until = provider.horizon().await?;
            let ask = Ask { account: world(api).account(0), after: None, until, rows_max: NEVER };
            loop {
                chain::history::read(&provider, &ask).await?;
            }
            #[expect(unreachable_code, reason = "names the type")]
            Ok::<(), HistoryError>(())
        });
        assert!(matches!(ended, Err(HistoryError::Budget)), "{api}: {ended:?}");
        assert_eq!((budget.made(), server.asked()), (5, 5), "{api}");
    }
}

/// A node's answers to several questions come in one list: all of them, each once.
#[test]
fn several_answers_at_once_are_each_of_a_question() {
    for (at, said) in [(0, "fewer answers"), (1, "no question"), (2, "no question")] {
        let told = changed(Api::Solana, move |response| {
            let mut value: Value = serde_json::from_str(&response.body).expect("JSON");
            if let Some(answers) = value.as_array_mut() {
                match at {
                    0 => drop(answers.pop()),
                    1 => answers[0]["id"] = 77.into(),
                    _ => answers[0]["id"] = answers[1]["id"].clone(),
                }
            }
            Response { body: value.to_string(), ..response }
        });
        assert!(error(Api::Solana, told).to_string().contains(said), "{said}");
    }
}

#[test]
fn a_node_that_takes_one_question_at_a_time_is_asked_so() {
    let shape = shape(Api::Solana);
    let told = told(Api::Solana, move |request| {
        if !request.body.starts_with('[') {
            return shape(request);
        }
        let error = json!({ "code": -32600, "message": "batch requests are not allowed" });
        Response::json(json!({ "jsonrpc": "2.0", "id": null, "error": error }))
    });
    assert_eq!(told.expect("it answers").rows, 2);
}

#[test]
fn what_a_node_does_not_keep_is_a_cut_and_said() {
    let cut = |method: &'static str, answer: Value| {
        let shape = shape(Api::Solana);
        let told = told(Api::Solana, move |request| {
            let asked: Value = serde_json::from_str(&request.body).expect("JSON");
            let one = |asked: &Value| {
                let mut said = answer.clone();
                said["id"] = asked["id"].clone();
                said
            };
            match &asked {
                Value::Array(all) if all[0]["method"] == method => {
                    Response::json(all.iter().map(one).collect::<Vec<_>>().into())
                }
                asked if asked["method"] == method => Response::json(one(asked)),
                _ => shape(request),
            }
        });
        match told.expect("it answers").cut {
            Some(chain::history::Cut::Provider(why)) => why,
            other => panic!("{method}: {other:?}"),
        }
    };
    let gone = json!({ "jsonrpc": "2.0", "result": null });
    assert!(cut("getTransaction", gone).contains("lists transactions it does not give"));
    let late = json!({ "jsonrpc": "2.0", "result": 250_000_000 });
    assert!(cut("getFirstAvailableBlock", late).contains("oldest blocks"));
    let error = json!({ "code": -32010, "message": "excluded from account secondary indexes" });
    let unlisted = json!({ "jsonrpc": "2.0", "error": error });
    assert!(cut("getTokenAccountsByOwner", unlisted).contains("token accounts"));
}

/// A signed transaction is what it is: no list and no node can change who paid whom.
#[test]
fn a_transaction_that_was_changed_or_exchanged_is_refused() {
    let changed_by = |change: fn(&mut Value)| {
        let told = changed(Api::Solana, move |response| rows(response, change));
        error(Api::Solana, told).to_string()
    };
    let slot = changed_by(|row| {
        if row.get("meta").is_some() {
            row["slot"] = 5.into();
        }
    });
    assert!(slot.contains("listed in"), "{slot}");
    let failed = changed_by(|row| {
        if row.get("meta").is_none() && row.get("signature").is_some() {
            row["err"] = json!({ "InsufficientFundsForRent": {} });
        }
    });
    assert!(failed.contains("list and transaction differ"), "{failed}");
    let bytes = changed_by(|row| {
        if let Some(text) = row.pointer_mut("/transaction/0") {
            let other = text.as_str().expect("text").replacen("A", "B", 40);
            *text = other.into();
        }
    });
    assert!(bytes.contains("cannot be true"), "{bytes}");
    let order = changed_by(|row| {
        if row.get("signature").is_some() {
            row["slot"] = (1_000_000 - row["slot"].as_u64().expect("a slot")).into();
        }
    });
    assert!(order.contains("newest first"), "{order}");
}
