//! The real binary beside a real EVM node: what it lists is what the node has.
//!
//! The node is anvil, at a pinned version: `cargo xtask tools` fetches it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use model::U256;
use serde_json::{Value, json};

use crate::common::anvil::Node;
use crate::common::{Home, Run};
use crate::world::Random;

const CHAIN: &str = "eip155:31337";

/// A node of its own for one test, and who pays there.
pub struct Anvil {
    node: Node,
    accounts: Vec<String>,
}

/// A follower that ends with the test, also where that fails.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Anvil {
    pub fn start() -> Option<Anvil> {
        let node = Node::start(&["--order", "fifo"])?;
        let accounts = node.ask("eth_accounts", json!([]));
        let accounts = crate::common::texts(&accounts, "").iter().map(|a| a.to_string()).collect();
        Some(Anvil { node, accounts })
    }

    pub fn url(&self) -> &str {
        &self.node.url
    }

    pub fn mine(&self, count: u64) {
        self.node.ask("anvil_mine", json!([format!("{count:#x}")]));
    }

    pub fn pay(&self, from: &str, to: &str, value: u64) {
        let tx = json!({ "from": from, "to": to, "value": format!("{value:#x}"), "gas": "0x5208" });
        self.node.ask("eth_sendTransaction", json!([tx]));
    }

    pub fn account(&self, random: &mut Random) -> &str {
        let at = usize::try_from(random.below(self.accounts.len() as u64)).expect("few");
        &self.accounts[at]
    }

    /// Some blocks of random payments.
    pub fn live(&self, blocks: u64, random: &mut Random) {
        for _ in 0..blocks {
            for _ in 0..random.below(5) {
                let (from, to) =
                    (self.account(random).to_string(), self.account(random).to_string());
                self.pay(&from, &to, random.below(1_000_000));
            }
            self.mine(1);
        }
    }

    pub fn tip(&self) -> u64 {
        number(&self.node.ask("eth_blockNumber", json!([]))).to()
    }

    fn balance(&self, account: &str, block: &str) -> U256 {
        number(&self.node.ask("eth_getBalance", json!([account, block])))
    }

    /// Every transaction the node has.
    fn transactions(&self) -> BTreeSet<String> {
        let block = |height: u64| {
            self.node.ask("eth_getBlockByNumber", json!([format!("{height:#x}"), false]))["transactions"]
                .clone()
        };
        let hashes = (0..=self.tip()).flat_map(|height| {
            crate::common::texts(&block(height), "")
                .iter()
                .map(|hash| hash.to_string())
                .collect::<Vec<_>>()
        });
        hashes.collect()
    }
}

fn number(value: &Value) -> U256 {
    value.as_str().expect("a number as text").parse().expect("a number")
}

#[test]
fn what_is_listed_is_what_the_node_has_through_forks_and_kills() {
    let Some(anvil) = Anvil::start() else { return };
    let home = Home::new();
    let mut random = Random::new(7);
    for round in 0..4 {
        anvil.live(20, &mut random);
        let before = anvil.node.ask("evm_snapshot", json!([]));
        anvil.live(1 + random.below(30), &mut random);
        if round == 2 {
            kill_while_it_follows(&home, &anvil);
        }
        once(&home, &anvil);
        is_the_nodes(&home, &anvil);
        anvil.node.ask("evm_revert", json!([before]));
        anvil.node.ask("evm_increaseTime", json!([60 + round]));
        anvil.live(random.below(35), &mut random);
        once(&home, &anvil);
        is_the_nodes(&home, &anvil);
    }
}

#[test]
fn a_new_block_is_listed_while_it_follows() {
    let Some(anvil) = Anvil::start() else { return };
    let home = Home::new();
    let mut random = Random::new(9);
    anvil.live(5, &mut random);
    let mut follow = Running(home.spawn(&["follow", "--chain", CHAIN, "--rpc", anvil.url()]));
    for _ in 0..4 {
        anvil.live(1, &mut random);
        let tip = anvil.tip();
        wait_until(&format!("block {tip}"), || stored(&home) == Some(tip));
        is_the_nodes(&home, &anvil);
    }
    let status = home.json(&["status", "--format", "json"]);
    let row = &status["following"][0];
    assert_eq!((row["is_running"].as_bool(), row["lag_blocks"].as_u64()), (Some(true), Some(0)));
    assert_eq!(row["coverage"][0]["first"], 0);
    terminate(&follow.0);
    let ended = follow.0.wait().expect("it ends");
    assert_eq!(ended.code(), Some(0), "told to stop is no failure");
    let status = home.json(&["status", "--format", "json"]);
    assert_eq!(status["following"][0]["is_running"], false);
    assert_eq!(status["following"][0]["follower"]["doing"], "stopped");
}

#[test]
fn what_waits_for_a_block_is_listed_apart_until_it_is_in_one() {
    let Some(anvil) = Anvil::start() else { return };
    let home = Home::new();
    anvil.mine(3);
    let (from, to) = (&anvil.accounts[0], &anvil.accounts[1]);
    home.write("watched.txt", format!("# ours\n{to}\n"));
    home.write("interdict.toml", "[follow]\nwatch = \"watched.txt\"\n");
    let mut follow = Running(home.spawn(&["follow", "--chain", CHAIN, "--rpc", anvil.url()]));
    wait_until("block 3", || stored(&home) == Some(3));
    anvil.pay(from, to, 77);
    anvil.pay(from, &anvil.accounts[2], 78);
    wait_until("the payment", || pending(&home, CHAIN).len() == 1);
    let row = &pending(&home, CHAIN)[0];
    assert_eq!((&row["state"], &row["amount"]), (&json!("seen"), &json!("77")));
    assert_eq!(row["to"].as_str(), Some(to.to_lowercase().as_str()));
    let listed = home.ok(&["transfers", "--chain", CHAIN, "--format", "json"]);
    assert!(!listed.contains(row["tx"].as_str().expect("a hash")), "it did not happen yet");
    anvil.mine(1);
    wait_until("its block", || pending(&home, CHAIN)[0]["state"] == "confirmed");
    assert_eq!(pending(&home, CHAIN)[0]["height"], 4);
    terminate(&follow.0);
    assert_eq!(follow.0.wait().expect("it ends").code(), Some(0));
}

#[test]
fn where_the_first_node_fails_the_next_tells_what_waits() {
    let Some(anvil) = Anvil::start() else { return };
    let home = Home::new();
    anvil.mine(1);
    let (from, to) = (&anvil.accounts[0], &anvil.accounts[1]);
    home.write("watched.txt", format!("{to}\n"));
    home.write("interdict.toml", "[follow]\nwatch = \"watched.txt\"\n");
    // Nobody listens on the port of another service.
    let dead = "http://127.0.0.1:1";
    let args = ["follow", "--chain", CHAIN, "--rpc", dead, "--rpc", anvil.url()];
    let mut follow = Running(home.spawn(&args));
    wait_until("block 1", || stored(&home) == Some(1));
    anvil.pay(from, to, 79);
    wait_until("the payment", || pending(&home, CHAIN).len() == 1);
    assert_eq!(pending(&home, CHAIN)[0]["amount"], json!("79"));
    terminate(&follow.0);
    assert_eq!(follow.0.wait().expect("it ends").code(), Some(0));
}

pub fn pending(home: &Home, chain: &str) -> Vec<Value> {
    let args = ["transfers", "--chain", chain, "--pending", "--format", "json"];
    let listed = home.ok(&args);
    listed.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn once(home: &Home, anvil: &Anvil) -> Run {
    let run = home.run(&["follow", "--chain", CHAIN, "--rpc", anvil.url(), "--once"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains(&format!("stored up to the tip: block {}", anvil.tip())),
        "{}",
        run.stdout
    );
    run
}

/// Somewhere between the start and the tip.
fn kill_while_it_follows(home: &Home, anvil: &Anvil) {
    let mut follow = Running(home.spawn(&["follow", "--chain", CHAIN, "--rpc", anvil.url()]));
    std::thread::sleep(Duration::from_millis(300));
    follow.0.kill().expect("it runs");
    follow.0.wait().expect("it ends");
}

/// The same transactions, and the same change of every balance.
fn is_the_nodes(home: &Home, anvil: &Anvil) {
    let listed = home.ok(&["transfers", "--chain", CHAIN, "--format", "json"]);
    let rows: Vec<Value> =
        listed.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let txs: BTreeSet<String> =
        rows.iter().filter_map(|row| row["tx"].as_str().map(String::from)).collect();
    assert_eq!(txs, anvil.transactions());
    let mut places: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {} {}", row["height"], row["tx"], row["position"]))
        .collect();
    places.sort();
    places.dedup();
    assert_eq!(places.len(), rows.len(), "each transfer once");
    let mut moved: BTreeMap<&str, [U256; 2]> = BTreeMap::new();
    for row in &rows {
        let amount: U256 = row["amount"].as_str().expect("text").parse().expect("a number");
        for (end, at) in [("from", 0), ("to", 1)] {
            if let Some(account) = row[end].as_str() {
                moved.entry(account).or_default()[at] += amount;
            }
        }
    }
    for account in &anvil.accounts {
        let [sent, received] =
            moved.get(account.to_lowercase().as_str()).copied().unwrap_or_default();
        let (first, now) = (anvil.balance(account, "0x0"), anvil.balance(account, "latest"));
        assert_eq!(first + received - sent, now, "{account}");
    }
}

pub fn stored(home: &Home) -> Option<u64> {
    let run = home.run(&["status", "--format", "json"]);
    let status: Value = serde_json::from_str(&run.stdout).ok()?;
    status["following"][0]["height"].as_u64()
}

pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(120), "{what} did not come");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn terminate(process: &Child) {
    let kill = Command::new("kill").arg(process.id().to_string()).status().expect("kill runs");
    assert!(kill.success());
}
