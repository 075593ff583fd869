//! The real binary beside a real Bitcoin node in regtest: what it lists is what the node has, in blocks and
//! waiting for one.
//!
//! The node is Bitcoin Knots: `cargo xtask tools` fetches it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut};
use model::{Address, BitcoinNetwork, Chain};
use serde_json::{Value, json};

use crate::anvil::{Running, pending, stored, terminate, wait_until};
use crate::bitcoind::Bitcoind;
use crate::bitcoind::coins::{Coin, Dice, Lock, Purse};
use crate::bitcoind::line::bad_connection;
use crate::bitcoind::story::{Story, satoshi};
use crate::common::Home;

const REGTEST: Chain = Chain::Bitcoin(BitcoinNetwork::Regtest);
const NAME: &str = "bitcoin-regtest";

/// A home that follows this node, as if it were at another port.
fn configure(home: &Home, node: &Bitcoind, port: u16) {
    let cookie = node.cookie();
    let text = format!(
        "[follow]\nwatch = \"watched.txt\"\npoll_ms = 100\n\n[[chain]]\nid = \"{NAME}\"\n\n\
         [[chain.node]]\nurl = \"http://127.0.0.1:{port}\"\nlogin_file = \"{}\"\n",
        cookie.display()
    );
    home.write("interdict.toml", text);
}

fn watch(home: &Home, purse: &Purse, locks: &[Lock]) {
    let text = |lock: &Lock| {
        let address = Address::Bitcoin(purse.script(*lock).as_bytes().into());
        format!("{}\n", address.text(REGTEST))
    };
    home.write("watched.txt", locks.iter().map(text).collect::<String>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_is_what_the_node_has_through_reorgs_restarts_and_kills() {
    let Some(mut node) = Bitcoind::start().await else { return };
    let home = Home::new();
    let mut story = Story::begin(&node, 20_261_129).await;
    watch(&home, &story.purse, &[Lock::WitnessKeyHash]);
    configure(&home, &node, node.port());
    let mut follow = Running(home.spawn(&["follow"]));
    for round in 0..16 {
        for _ in 0..=story.dice.roll(3) {
            let payments = 10 + story.dice.roll(30);
            story.block(&node, payments).await;
        }
        match round {
            // Deeper than six confirmations: a developer's chain is taken back as its owner likes.
            3 | 9 | 13 => {
                let depth = 1 + story.dice.roll(40);
                story.reorg(&node, depth).await;
            }
            6 | 14 => {
                node.stop().await;
                node.start_again().await;
            }
            11 => {
                follow.0.kill().expect("it runs");
                follow.0.wait().expect("it ends");
                let depth = 1 + story.dice.roll(12);
                story.reorg(&node, depth).await;
                follow = Running(home.spawn(&["follow"]));
            }
            _ => {}
        }
        if round % 8 == 7 {
            let tip = node.ask("getbestblockhash", json!([])).await;
            wait_until(&format!("block {tip}"), || newest(&home).as_ref() == Some(&tip));
            is_the_nodes(&home, &node).await;
        }
    }
    assert!(story.paid > 400, "{}", story.paid);
    terminate(&follow.0);
    assert_eq!(follow.0.wait().expect("it ends").code(), Some(0));

    // The rest through a connection that breaks.
    for _ in 0..30 {
        story.block(&node, 20).await;
    }
    let (port, broken) = bad_connection(node.port(), 350_000).await;
    configure(&home, &node, port);
    let run = home.run(&["follow", "--once"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    is_the_nodes(&home, &node).await;
    // And all of it through that, into another home.
    let other = Home::new();
    watch(&other, &story.purse, &[]);
    configure(&other, &node, port);
    let run = other.run(&["follow", "--once"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    is_the_nodes(&other, &node).await;
    assert!(broken.load(Ordering::Relaxed) > 5, "it broke now and then");
    let told = |home: &Home| home.ok(&["transfers", "--chain", NAME, "--format", "csv"]);
    let (ours, others) = (told(&home), told(&other));
    assert!(ours == others, "what was followed step by step is what was read at once");
}

fn newest(home: &Home) -> Option<Value> {
    let run = home.run(&["status", "--format", "json"]);
    let status: Value = serde_json::from_str(&run.stdout).ok()?;
    Some(status["following"][0]["hash"].clone())
}

fn listed(home: &Home, more: &[&str]) -> Vec<Value> {
    let args = [&["transfers", "--chain", NAME, "--format", "json"][..], more].concat();
    let listed = home.ok(&args);
    listed.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// Every leg of every transaction of every block, once, with what the node says was spent.
async fn is_the_nodes(home: &Home, node: &Bitcoind) {
    let mut ours: Vec<String> = listed(home, &[]).iter().map(leg).collect();
    ours.sort();
    let mut theirs = Vec::new();
    let tip = node.ask("getblockcount", json!([])).await.as_u64().expect("a height");
    for height in 0..=tip {
        theirs.extend(legs_of(node, height).await);
    }
    theirs.sort();
    let (a, b): (BTreeSet<_>, BTreeSet<_>) = (ours.iter().collect(), theirs.iter().collect());
    let differing: Vec<_> = a.symmetric_difference(&b).take(5).collect();
    assert!(differing.is_empty(), "{differing:#?}");
    assert_eq!(ours.len(), theirs.len(), "each once");
    // Some heights alone are the same rows.
    let some = listed(home, &["--from", &(tip - 20).to_string(), "--to", &(tip - 9).to_string()]);
    let mut some: Vec<String> = some.iter().map(leg).collect();
    some.sort();
    let mut theirs = Vec::new();
    for height in tip - 20..=tip - 9 {
        theirs.extend(legs_of(node, height).await);
    }
    theirs.sort();
    assert_eq!(some, theirs);
}

fn leg(row: &Value) -> String {
    let end = row["from"].as_str().or(row["to"].as_str()).expect("an end");
    let text = |name: &str| row[name].as_str().expect("text").to_string();
    format!("{} {} {} {end} {}", row["height"], text("tx"), text("position"), text("amount"))
}

async fn legs_of(node: &Bitcoind, height: u64) -> Vec<String> {
    let hash = node.ask("getblockhash", json!([height])).await;
    let block = node.ask("getblock", json!([hash, 3])).await;
    let mut legs = Vec::new();
    let leg = |tx: &Value, position: String, out: &Value| {
        let script = model::hex::decode(out["scriptPubKey"]["hex"].as_str().expect("hex"));
        let address = Address::Bitcoin(script.expect("hex").into()).text(REGTEST);
        let txid = tx["txid"].as_str().expect("an id");
        format!("{height} {txid} {position} {address} {}", satoshi(&out["value"]))
    };
    for tx in block["tx"].as_array().expect("a list") {
        for (n, input) in tx["vin"].as_array().expect("a list").iter().enumerate() {
            if input.get("coinbase").is_none() {
                legs.push(leg(tx, format!("in{n}"), &input["prevout"]));
            }
        }
        for (n, out) in tx["vout"].as_array().expect("a list").iter().enumerate() {
            legs.push(leg(tx, format!("out{n}"), out));
        }
    }
    legs
}

// -- what waits ------------------------------------------------------------------------------------

const LOCK: Lock = Lock::WitnessKeyHash;

/// Alice pays Bob, who is watched, from coins of hers; now and then twice from the same.
struct Payments {
    alice: Purse,
    bob: Purse,
    coins: Vec<Coin>,
    dice: Dice,
    /// By coin: how often it was spent.
    spent: Vec<u64>,
    /// Transactions that pay Bob, whether the node took them or not.
    to_bob: BTreeSet<String>,
    blocks: u64,
}

impl Payments {
    async fn begin(node: &Bitcoind, seed: u64) -> Payments {
        let (alice, bob) = (Purse::new(1), Purse::new(2));
        let script = alice.script(LOCK);
        let to = format!("raw({})", script.to_hex_string());
        node.ask("generatetodescriptor", json!([140, to])).await;
        let mut coins = Vec::new();
        for height in 1..=40 {
            let hash = node.ask("getblockhash", json!([height])).await;
            let block = node.ask("getblock", json!([hash, 1])).await;
            let txid = block["tx"][0].as_str().expect("an id").parse().expect("an id");
            let out = TxOut { value: Amount::from_int_btc(50), script_pubkey: script.clone() };
            coins.push(Coin { at: OutPoint::new(txid, 0), out, lock: LOCK, ripe: 0 });
        }
        let spent = vec![0; coins.len()];
        Payments { alice, bob, coins, dice: Dice(seed), spent, to_bob: BTreeSet::new(), blocks: 0 }
    }

    fn pay_bob(&mut self, coin: usize) -> Transaction {
        let tx = self.spend(coin, self.bob.script(LOCK));
        self.to_bob.insert(tx.compute_txid().to_string());
        tx
    }

    fn pay_herself(&mut self, coin: usize) -> Transaction {
        self.spend(coin, self.alice.script(LOCK))
    }

    /// With a fee that is higher each time.
    fn spend(&mut self, coin: usize, script_pubkey: ScriptBuf) -> Transaction {
        self.spent[coin] += 1;
        let value = Amount::from_sat(5_000_000_000 - 5_000 * self.spent[coin]);
        self.alice.pay(&[self.coins[coin].clone()], vec![TxOut { value, script_pubkey }])
    }

    /// What waits, or only what is given; no two blocks are alike.
    async fn mine(&mut self, node: &Bitcoind, only: Option<&[String]>) {
        self.blocks += 1;
        let mut script = String::from("51");
        for _ in 0..self.blocks {
            let _ = write!(script, "51");
        }
        let to = format!("raw({script})");
        match only {
            Some(raw) => node.ask("generateblock", json!([to, raw])).await,
            None => node.ask("generatetodescriptor", json!([1, to])).await,
        };
    }

    async fn something(&mut self, node: &mut Bitcoind) {
        let coin = self.dice.index(self.coins.len());
        match self.dice.roll(12) {
            // A first payment, or one that replaces it, or one that is refused: it was spent by a block.
            0..=5 => {
                let tx = self.pay_bob(coin);
                node.may_ask("sendrawtransaction", json!([serialize_hex(&tx), 0])).await;
            }
            6 | 7 => self.mine(node, None).await,
            // A block with another payment of the same coin, to nobody watched.
            8 => {
                let tx = serialize_hex(&self.pay_herself(coin));
                let to = json!(["raw(51)", [tx]]);
                if node.may_ask("generateblock", to).await.is_none() {
                    self.mine(node, Some(&[])).await;
                }
            }
            9 | 10 => {
                let depth = self.dice.roll(3);
                let tip = node.ask("getblockcount", json!([])).await.as_u64().expect("a height");
                let first = node.ask("getblockhash", json!([tip - depth])).await;
                node.ask("invalidateblock", json!([first])).await;
                for _ in 0..=depth + 1 {
                    let is_empty = self.dice.roll(2) == 0;
                    self.mine(node, is_empty.then_some(&[][..])).await;
                }
            }
            _ => {
                // It starts anew without what waited.
                node.stop().await;
                node.start_again().await;
            }
        }
    }
}

/// Each payment that was told of is what the node says it is now.
async fn states_are_the_nodes(
    home: &Home,
    node: &Bitcoind,
    to_bob: &BTreeSet<String>,
) -> Result<(), String> {
    let mempool = node.ask("getrawmempool", json!([])).await;
    let mempool =
        crate::common::texts(&mempool, "").iter().map(|id| id.to_string()).collect::<BTreeSet<_>>();
    let tip = node.ask("getblockcount", json!([])).await.as_u64().expect("a height");
    let mut mined = std::collections::BTreeMap::new();
    for height in 100..=tip {
        let hash = node.ask("getblockhash", json!([height])).await;
        let block = node.ask("getblock", json!([hash, 1])).await;
        for id in crate::common::texts(&block["tx"], "") {
            mined.insert(id.to_string(), height);
        }
    }
    let rows = pending(home, NAME);
    for row in &rows {
        let tx = row["tx"].as_str().expect("an id");
        let (state, height) = (row["state"].as_str().expect("a word"), row["height"].as_u64());
        let is_so = match (mempool.contains(tx), mined.get(tx)) {
            (true, _) => state == "seen",
            (false, Some(at)) => (state, height) == ("confirmed", Some(*at)),
            (false, None) => state == "replaced" || state == "dropped",
        };
        if !is_so {
            let at = mined.get(tx);
            return Err(format!("{row}: waits: {}, mined: {at:?}", mempool.contains(tx)));
        }
    }
    // Whatever waits was told.
    let told: BTreeSet<&str> = rows.iter().filter_map(|row| row["tx"].as_str()).collect();
    match mempool.intersection(to_bob).find(|id| !told.contains(id.as_str())) {
        Some(id) => Err(format!("{id} waits and was not told")),
        None => Ok(()),
    }
}

async fn what_waits(publishes: bool, seed: u64) {
    let Some(mut node) = Bitcoind::start_with(publishes).await else { return };
    let home = Home::new();
    let mut payments = Payments::begin(&node, seed).await;
    watch(&home, &payments.bob, &[LOCK]);
    configure(&home, &node, node.port());
    let mut follow = Running(home.spawn(&["follow"]));
    wait_until("block 140", || stored(&home) == Some(140));

    // The smallest story: seen, replaced, confirmed, and listed as a transfer only then.
    let cheap = payments.pay_bob(0);
    node.ask("sendrawtransaction", json!([serialize_hex(&cheap), 0])).await;
    let id = cheap.compute_txid().to_string();
    let state = |id: &str| -> Option<String> {
        let rows = pending(&home, NAME);
        let row = rows.iter().find(|row| row["tx"] == id)?;
        Some(row["state"].as_str()?.to_string())
    };
    wait_until("the payment", || state(&id).as_deref() == Some("seen"));
    let told = pending(&home, NAME);
    assert_eq!(told.len(), 2, "what it spends, and what it pays: {told:?}");
    assert!(!listed(&home, &[]).iter().any(|row| row["tx"] == id.as_str()), "it did not happen");
    let dear = payments.pay_bob(0);
    node.ask("sendrawtransaction", json!([serialize_hex(&dear), 0])).await;
    let by = dear.compute_txid().to_string();
    wait_until("its replacement", || state(&id).as_deref() == Some("replaced"));
    let rows = pending(&home, NAME);
    assert_eq!(
        rows.iter().find(|row| row["tx"] == id.as_str()).expect("is told")["by"],
        by.as_str()
    );
    payments.mine(&node, None).await;
    wait_until("its block", || state(&by).as_deref() == Some("confirmed"));
    wait_until("block 141", || stored(&home) == Some(141));
    assert!(listed(&home, &[]).iter().any(|row| row["tx"] == by.as_str()));

    for step in 0..40 {
        payments.something(&mut node).await;
        if step == 25 {
            follow.0.kill().expect("it runs");
            follow.0.wait().expect("it ends");
            for _ in 0..4 {
                payments.something(&mut node).await;
            }
            follow = Running(home.spawn(&["follow"]));
        }
    }
    let began = std::time::Instant::now();
    loop {
        match states_are_the_nodes(&home, &node, &payments.to_bob).await {
            Ok(()) => break,
            Err(said) => assert!(began.elapsed().as_secs() < 60, "{said}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let status = home.json(&["status", "--format", "json"]);
    assert_eq!(status["following"][0]["pending_trouble"], Value::Null);
    terminate(&follow.0);
    assert_eq!(follow.0.wait().expect("it ends").code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_on_bitcoin_is_told_by_news() {
    what_waits(true, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_on_bitcoin_is_told_by_looking() {
    what_waits(false, 6).await;
}
