//! A token on a real node, checked by the real binary.
//!
//! The node is anvil, at a pinned version: `cargo xtask tools` fetches it.

mod common;

use std::collections::BTreeMap;

use alloy_primitives::{hex, keccak256};
use common::anvil::Node;
use common::{Home, Run, rows, texts};
use serde_json::{Value, json};

/// A node of its own for one test, and who pays there.
struct Anvil {
    node: Node,
    owner: String,
}

impl Anvil {
    fn start() -> Option<Anvil> {
        let node = Node::start(&[])?;
        let accounts = node.ask("eth_accounts", json!([]));
        Some(Anvil { node, owner: accounts[0].as_str().expect("one").to_string() })
    }

    /// Sends and mines; gives the receipt of what must succeed.
    fn send(&self, to: Option<&str>, data: &str) -> Value {
        let mut tx = json!({ "from": self.owner, "data": data, "gas": "0x989680" });
        if let Some(to) = to {
            tx["to"] = json!(to);
        }
        let hash = self.node.ask("eth_sendTransaction", json!([tx]));
        self.node.ask("anvil_mine", json!(["0x1"]));
        let receipt = self.node.ask("eth_getTransactionReceipt", json!([hash]));
        assert_eq!(receipt["status"], "0x1", "{receipt}");
        receipt
    }

    fn deploy(&self, name: &str, argument: Option<&str>) -> String {
        let code = format!("0x{}{}", code(name), argument.map(word).unwrap_or_default());
        self.send(None, &code)["contractAddress"].as_str().expect("created").to_string()
    }

    fn call(&self, to: &str, signature: &str, words: &[&str]) {
        let selector = hex::encode(&keccak256(signature)[..4]);
        let words: String = words.iter().map(|text| word(text)).collect();
        self.send(Some(to), &format!("0x{selector}{words}"));
    }

    /// A token of this code, another, and a pool of both.
    fn market(&self, name: &str) -> (String, String) {
        let (token, quote) = (self.deploy(name, None), self.deploy("Honest", None));
        let pool = self.deploy("Pair", None);
        self.call(&pool, "start(address,address)", &[&token, &quote]);
        for of in [&token, &quote] {
            // A thousand.
            self.call(of, "transfer(address,uint256)", &[&pool, "3635c9adc5dea00000"]);
        }
        self.call(&token, "setPool(address)", &[&pool]);
        let owner = self.owner.clone();
        self.call(&pool, "mint(address)", &[&owner]);
        (token, pool)
    }
}

impl Anvil {
    /// A token of this code in a pool that Uniswap's own factory made.
    fn market_v3(&self, factory: &str, name: &str) -> (String, String) {
        let created = self.send(None, factory);
        let factory = created["contractAddress"].as_str().expect("created");
        let (token, quote) = (self.deploy(name, None), self.deploy("Honest", None));
        let minter = self.deploy("Minter", None);
        self.call(factory, "createPool(address,address,uint24)", &[&token, &quote, "bb8"]);
        let selector = hex::encode(&keccak256("getPool(address,address,uint24)")[..4]);
        let data = format!("0x{selector}{}{}{}", word(&token), word(&quote), word("bb8"));
        let asked = json!([{ "to": factory, "data": data }, "latest"]);
        let answer = self.node.ask("eth_call", asked);
        let pool = format!("0x{}", &answer.as_str().expect("a word")[26..]);
        // One for one.
        self.call(&pool, "initialize(uint160)", &["1000000000000000000000000"]);
        for of in [&token, &quote] {
            // Five thousand.
            self.call(of, "transfer(address,uint256)", &[&minter, "10f0cf064dd59200000"]);
        }
        let low = format!("{}15a0", "f".repeat(60));
        let thousand = "3635c9adc5dea00000";
        let give = "give(address,int24,int24,uint128)";
        self.call(&minter, give, &[&pool, &low, "ea60", thousand]);
        self.call(&token, "setPool(address)", &[&pool]);
        (token, pool)
    }
}

/// The code to deploy of Uniswap's factory of V3 pools, which `cargo xtask tools` fetches: its licence lets
/// us test with it, and not ship it.
#[expect(clippy::print_stderr, reason = "a test that tests nothing says so")]
fn uniswap_factory() -> Option<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), |d| root.join(d));
    let folder = std::env::var_os("INTERDICT_UNISWAP")
        .map_or(target.join("tools/uniswap"), std::path::PathBuf::from);
    let artifact = "node_modules/@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json";
    let Ok(text) = std::fs::read_to_string(folder.join(artifact)) else {
        eprintln!("NOT TESTED: there is no Uniswap here, which `cargo xtask tools` fetches");
        return None;
    };
    let artifact: Value = serde_json::from_str(&text).expect("JSON");
    Some(artifact["bytecode"].as_str().expect("code").to_string())
}

/// The code to deploy of a contract of `fixtures/token`.
fn code(name: &str) -> String {
    let text = common::read(common::fixture("token/Tokens.hex"));
    let all: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.next()?))
        })
        .collect();
    all[name].to_string()
}

/// A number or an address in hex, as an argument.
fn word(text: &str) -> String {
    format!("{:0>64}", text.trim_start_matches("0x").to_lowercase())
}

fn check(home: &Home, anvil: &Anvil, token: &str, more: &[&str]) -> (i32, Value) {
    let args = [&["token", token, "--rpc", &anvil.node.url, "--format", "json"], more].concat();
    let Run { code, stdout, stderr } = home.run(&args);
    let answer = serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stderr}"));
    (code, answer)
}

#[track_caller]
fn says(answer: &Value, weight: &str, text: &str) {
    let found = rows(&answer["statements"]).iter().any(|row| {
        row["weight"] == weight && row["text"].as_str().is_some_and(|t| t.contains(text))
    });
    assert!(found, "{weight} {text:?} is not in {answer:#}");
}

#[test]
fn an_honest_token_and_a_trap_on_a_real_node() {
    let Some(anvil) = Anvil::start() else { return };
    let home = Home::new();
    let (honest, pool) = anvil.market("Honest");
    let (code, answer) = check(&home, &anvil, &honest, &["--pool", &pool]);
    assert_eq!(code, 0, "{answer:#}");
    says(&answer, "fact", "could buy it and sell it again");
    says(&answer, "caution", "can take out 100.00% of the pool");
    says(&answer, "caution", "its code is there since block 1,");
    assert_eq!(answer["block"]["height"], 8);
    assert_eq!(answer["holders"][0]["share_bps"], 9_990);

    let (trap, pool) = anvil.market("Honeypot");
    let (code, answer) = check(&home, &anvil, &trap, &["--pool", &pool]);
    assert_eq!(code, 10);
    says(&answer, "danger", "could buy it and not sell it");
    // Nothing was sent to the node: its newest block is still the last of the market.
    assert_eq!(anvil.node.ask("eth_blockNumber", json!([])), "0x10");
}

#[test]
fn a_regulated_token_behind_a_proxy_has_powers_and_is_no_trap() {
    let Some(anvil) = Anvil::start() else { return };
    let home = Home::new();
    let code = anvil.deploy("Regulated", None);
    let proxy = anvil.deploy("Proxy1967", Some(&code));
    let labels = format!(
        "address,name,concepts,confidence,source\n{},The issuer,organization,ownership,us\n",
        anvil.owner
    );
    home.ok(&["labels", "import", "own-csv", &home.write("ours.csv", labels)]);
    let (exit, answer) = check(&home, &anvil, &proxy, &[]);
    assert_eq!(exit, 0, "{answer:#}");
    says(&answer, "caution", "a proxy (EIP-1967)");
    says(&answer, "caution", "(The issuer)");
    assert_eq!(answer["layers"].as_array().map(Vec::len), Some(2));
    let functions = texts(&answer["powers"], "function");
    assert!(functions.contains(&"blacklist(address)"), "{functions:?}");
}

#[test]
fn holders_come_from_the_store_and_their_balances_from_the_contract() {
    let Some(anvil) = Anvil::start() else { return };
    let home = Home::new();
    let token = anvil.deploy("Honest", None);
    let friend = format!("0x{}", "ab".repeat(20));
    anvil.call(&token, "transfer(address,uint256)", &[&friend, "d3c21bcecceda1000000"]);
    home.ok(&["follow", "--chain", "eip155:31337", "--rpc", &anvil.node.url, "--once"]);
    let (_, answer) = check(&home, &anvil, &token, &[]);
    let holders = rows(&answer["holders"]);
    assert_eq!(holders.len(), 1, "{holders:?}");
    assert_eq!(holders[0]["share_bps"], 10_000);
    assert_eq!(holders[0]["is_asked"], true);
    says(&answer, "caution", "has 100.00% of the supply");
    // Without a node the store alone speaks, and says what it cannot.
    let text = home.json(&["token", &token, "--chain", "eip155:31337", "--format", "json"]);
    says(&text, "unknown", "no node was asked");
    assert_eq!(text["holders"][0]["is_asked"], false);
}

#[test]
fn what_is_declared_is_shown_with_who_said_so_and_a_slip_is_named() {
    let Some(anvil) = Anvil::start() else { return };
    let home = Home::new();
    let token = anvil.deploy("Honest", None);
    let file = |contract: &str| {
        format!(
            "contract = \"eip155:31337/erc20:{contract}\"\n[[declared]]\ntopic = \"audit\"\n\
             says = \"no open finding\"\nsource = \"https://example.org\"\nby = \"A. Analyst\"\n\
             on = 2026-03-01\n"
        )
    };
    let path = home.write("token.toml", file(&token));
    let (_, answer) = check(&home, &anvil, &token, &["--declared", &path]);
    says(&answer, "fact", "declared of an audit, not checked: no open finding");
    says(&answer, "unknown", "nothing is declared of the team");
    let other = home.write("other.toml", file(&format!("0x{}", "cd".repeat(20))));
    let args = ["token", &token, "--rpc", &anvil.node.url, "--declared", &other];
    assert!(home.error(&args).contains("the declarations are of"));
    let few = ["token", &token, "--rpc", &anvil.node.url, "--requests", "2", "--format", "json"];
    let few: Value = serde_json::from_str(&home.run(&few).stdout).expect("JSON");
    says(&few, "unknown", "the questions to the node are used up");
}

#[test]
fn an_address_that_may_be_on_several_chains_needs_one() {
    let home = Home::new();
    let error = home.error(&["token", "0xdac17f958d2ee523a2206206994597c13d831ec7"]);
    assert!(error.contains("may be on several chains"), "{error}");
    assert!(home.error(&["token", "nonsense"]).contains("is no address"));
}

#[test]
fn a_token_is_bought_and_sold_in_a_real_v3_pool() {
    let (Some(factory), Some(anvil)) = (uniswap_factory(), Anvil::start()) else { return };
    let home = Home::new();
    let (honest, pool) = anvil.market_v3(&factory, "Honest");
    let (code, answer) = check(&home, &anvil, &honest, &["--pool", &pool]);
    assert_eq!(code, 0, "{answer:#}");
    says(&answer, "fact", "could buy it and sell it again");
    says(&answer, "unknown", "cannot be read from a block's state");
    assert_eq!(answer["trade"]["sell_tax_bps"], 0);

    let (fee, pool) = anvil.market_v3(&factory, "FeeOnTransfer");
    let (_, answer) = check(&home, &anvil, &fee, &["--pool", &pool]);
    says(&answer, "fact", "could buy it and sell it again");
    says(&answer, "fact", "selling costs 5.00%");

    for (name, why) in [("Honeypot", "TRANSFER_FROM_FAILED"), ("QuietHoneypot", "nothing arrived")]
    {
        let (trap, pool) = anvil.market_v3(&factory, name);
        let (code, answer) = check(&home, &anvil, &trap, &["--pool", &pool]);
        assert_eq!(code, 10, "{name}: {answer:#}");
        says(&answer, "danger", "could buy it and not sell it");
        says(&answer, "danger", why);
    }
}
