//! Against a real node: random payments of every kind, decoded by every road,
//! add up to the balances the node itself gives.
//!
//! The node is anvil, at a pinned version: `cargo xtask tools` fetches it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chain::evm::pending::Watch;
use chain::evm::{Node, Options};
use chain::http::{Bounds, Http};
use chain::source::{Expected, Internal, Pending, PendingEvent, Source};
use model::{Address, Asset, Chain, Fact, Memory, Transfer, U256};
use serde_json::{Value, json};

const CHAIN: Chain = Chain::Evm(31_337);

/// A node of its own for one test; ends with it.
struct Anvil {
    process: Child,
    url: String,
    rpc: Http,
    folder: tempfile::TempDir,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Where INTERDICT_ANVIL says, or `cargo xtask tools` puts it. None where a test
/// run found that it cannot be had, which it said.
fn anvil_path() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("INTERDICT_ANVIL") {
        return (path != "none").then(|| path.into());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), |dir| root.join(dir));
    let path = target.join("tools/anvil/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");
    assert!(
        path.exists(),
        "anvil, the test node, is not at {}: `cargo xtask tools` fetches it with npm, or \
         INTERDICT_ANVIL names another anvil 1.7",
        path.display()
    );
    Some(path)
}

impl Anvil {
    fn start() -> Option<Anvil> {
        let folder = tempfile::tempdir().expect("a folder");
        Anvil::start_in(folder, "0")
    }

    /// Stops as on a restart of its machine, and starts again with all it knew.
    async fn restart(mut self) -> Anvil {
        let pid = self.process.id().to_string();
        // SIGINT: it keeps its state on the way out.
        Command::new("kill").args(["-INT", &pid]).status().expect("kill is everywhere");
        self.process.wait().expect("it ends");
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a folder"));
        let port = self.url.rsplit(':').next().expect("a port").to_string();
        Anvil::start_in(folder, &port).expect("it was there before")
    }

    #[expect(clippy::print_stderr, reason = "a test that tests nothing says so")]
    fn start_in(folder: tempfile::TempDir, port: &str) -> Option<Anvil> {
        let Some(path) = anvil_path() else {
            eprintln!("NOT TESTED: there is no anvil here, which `cargo xtask tools` fetches");
            return None;
        };
        let mut process = Command::new(path)
            .args(["--host", "127.0.0.1", "--port", port, "--no-mining", "--order", "fifo"])
            .arg("--ipc")
            .arg(folder.path().join("anvil.ipc"))
            .arg("--state")
            .arg(folder.path().join("state.json"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("anvil starts");
        let said = BufReader::new(process.stdout.take().expect("piped"));
        let mut lines = said.lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("Listening on ").map(String::from))
            .expect("anvil says where it listens");
        // It would stop at a full pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let url = format!("http://{}", address.trim());
        let rpc = Http::new(&url, Bounds::default()).expect("an address");
        Some(Anvil { process, url, rpc, folder })
    }

    fn ipc(&self) -> String {
        self.folder.path().join("anvil.ipc").display().to_string()
    }

    async fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = self.rpc.post(body.to_string()).await.expect(method);
        let mut answer: Value = serde_json::from_slice(&answer).expect(method);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    async fn mine(&self) {
        self.ask("anvil_mine", json!(["0x1"])).await;
    }

    async fn send(&self, from: &str, to: Option<&str>, value: u64, data: &str) -> String {
        let mut tx = json!({
            "from": from, "value": format!("{value:#x}"), "gas": "0x7a120", "data": data,
        });
        if let Some(to) = to {
            tx["to"] = json!(to);
        }
        self.ask("eth_sendTransaction", json!([tx])).await.as_str().expect("a hash").to_string()
    }

    /// Deploys code and gives back its address.
    async fn deploy(&self, from: &str, code: &str) -> String {
        let hash = self.send(from, None, 0, &init(code)).await;
        self.mine().await;
        let receipt = self.ask("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], "0x1");
        receipt["contractAddress"].as_str().expect("created").to_string()
    }

    async fn balance(&self, address: &Address, block: &str) -> U256 {
        let text = address.text(CHAIN);
        number(&self.ask("eth_getBalance", json!([text, block])).await)
    }

    async fn node(&self, url: &str, internal: Option<Internal>) -> Node {
        let mut options = Options::new(url);
        options.chain = Some(CHAIN);
        options.internal = internal;
        Node::connect(&options).await.expect("a node")
    }
}

fn number(value: &Value) -> U256 {
    value.as_str().expect("a number as text").parse().expect("a number")
}

/// Code that returns this code: PUSH1 len DUP1 PUSH1 9 PUSH0 CODECOPY PUSH0 RETURN.
fn init(code: &str) -> String {
    format!("0x60{:02x}8060095f395ff3{code}", code.len() / 2)
}

/// Gives its value on to the address in the data:
/// PUSH0 ×4, CALLVALUE, PUSH0 CALLDATALOAD, GAS, CALL, STOP.
const FORWARD: &str = "5f5f5f5f345f355af100";
/// The same after asking a built-in contract (identity) by STATICCALL.
const ASK_AND_FORWARD: &str = "5f5f5f5f60045afa505f5f5f5f345f355af100";
/// The same, and then fails: PUSH0 PUSH0 REVERT.
const FORWARD_AND_FAIL: &str = "5f5f5f5f345f355af15f5ffd";
/// PUSH0 CALLDATALOAD SELFDESTRUCT.
const DESTROY: &str = "5f35ff";
/// Creates an empty contract with its value: PUSH0 PUSH0 CALLVALUE CREATE STOP.
const CREATE: &str = "5f5f34f000";
/// LOG4 with topics from the first four words of the data, and the rest as its data.
const EMIT: &str = "608036038060805f376060356040356020355f35845fa400";
/// A token by the length of the data: (address) gives its balance; (address,
/// amount) moves from the caller, or fails; (address, amount, any) makes units.
/// Balances are kept at their address; moving and making say Transfer.
///
/// ```text
/// CALLDATASIZE 0x20 EQ @balance JUMPI  CALLDATASIZE 0x60 EQ @mint JUMPI
/// CALLER SLOAD  0x20 CALLDATALOAD  DUP2 DUP2 GT @fail JUMPI
/// SWAP1 SUB CALLER SSTORE
/// 0x20 CALLDATALOAD PUSH0 CALLDATALOAD SLOAD ADD PUSH0 CALLDATALOAD SSTORE
/// 0x20 CALLDATALOAD PUSH0 MSTORE  PUSH0 CALLDATALOAD CALLER TRANSFER 0x20 PUSH0 LOG3 STOP
/// :mint
/// 0x20 CALLDATALOAD PUSH0 CALLDATALOAD SLOAD ADD PUSH0 CALLDATALOAD SSTORE
/// 0x20 CALLDATALOAD PUSH0 MSTORE  PUSH0 CALLDATALOAD PUSH0 TRANSFER 0x20 PUSH0 LOG3 STOP
/// :balance PUSH0 CALLDATALOAD SLOAD PUSH0 MSTORE 0x20 PUSH0 RETURN
/// :fail PUSH0 PUSH0 REVERT
/// ```
const TOKEN: &str = "36602014608e57366060146055573354602035818111609857900333556020355f3554015f35556020355f525f35337fddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef60205fa3005b6020355f3554015f35556020355f525f355f7fddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef60205fa3005b5f35545f5260205ff35b5f5ffd";

fn word(address: &str) -> String {
    format!("{:0>64}", address.trim_start_matches("0x"))
}

fn amount(n: u64) -> String {
    format!("{n:064x}")
}

/// Of a run that is to be repeated, in INTERDICT_SEED.
#[expect(clippy::print_stdout, reason = "a random test says its seed")]
fn seed() -> u64 {
    let given = std::env::var("INTERDICT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or(0x1d7e_4d1c);
    println!("INTERDICT_SEED={seed}");
    seed
}

/// splitmix64: <https://prng.di.unimi.it/splitmix64.c>
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).expect("below a usize")
    }

    fn pick<'a>(&mut self, from: &'a [String]) -> &'a str {
        &from[self.below(from.len())]
    }
}

struct Contracts {
    forwarders: Vec<String>,
    destroyer: String,
    creator: String,
    token: String,
}

async fn deploy_all(anvil: &Anvil, from: &str) -> Contracts {
    let mut forwarders = Vec::new();
    for code in [FORWARD, ASK_AND_FORWARD, FORWARD_AND_FAIL] {
        forwarders.push(anvil.deploy(from, code).await);
    }
    Contracts {
        forwarders,
        destroyer: anvil.deploy(from, DESTROY).await,
        creator: anvil.deploy(from, CREATE).await,
        token: anvil.deploy(from, TOKEN).await,
    }
}

/// Sends random payments of every kind, some to a block.
async fn pay(anvil: &Anvil, contracts: &Contracts, random: &mut Random, count: usize) {
    let accounts = anvil.ask("eth_accounts", json!([])).await;
    let accounts: Vec<String> = serde_json::from_value(accounts).expect("addresses");
    let mut receivers = accounts.clone();
    receivers.extend((0..6u8).map(|n| Address::Evm([0xa0 + n; 20]).text(CHAIN)));
    receivers.extend(contracts.forwarders.clone());
    receivers.extend([contracts.destroyer.clone(), contracts.creator.clone()]);
    for n in 0..count {
        let from = random.pick(&accounts).to_string();
        let to = random.pick(&receivers).to_string();
        let value = random.below(1 << 40) as u64;
        let units = amount(random.below(1000) as u64);
        match random.below(9) {
            0 => anvil.send(&from, Some(&to), value, "0x").await,
            1..=3 => {
                let forwarder = random.pick(&contracts.forwarders).to_string();
                anvil.send(&from, Some(&forwarder), value, &format!("0x{}", word(&to))).await
            }
            4 => {
                let data = format!("0x{}", word(&to));
                anvil.send(&from, Some(&contracts.destroyer), value, &data).await
            }
            5 => anvil.send(&from, Some(&contracts.creator), value, "0x").await,
            6 => {
                let data = format!("0x{}{units}{}", word(&from), amount(0));
                anvil.send(&from, Some(&contracts.token), 0, &data).await
            }
            // Often more than is there: fails.
            7 => {
                let data = format!("0x{}{units}", word(&to));
                anvil.send(&from, Some(&contracts.token), 0, &data).await
            }
            // A contract that is created with value.
            _ => anvil.send(&from, None, value, &format!("0x{}", "00".repeat(n % 3))).await,
        };
        if random.below(4) == 0 {
            anvil.mine().await;
        }
    }
    anvil.mine().await;
}

async fn facts_of(node: &Node) -> Vec<Fact> {
    let tip = node.tip().await.expect("a tip").height;
    let mut facts = Vec::new();
    let mut parent = None;
    for height in 0..=tip {
        let block = node.block(height).await.expect("a true block");
        assert!(parent.is_none_or(|parent| parent == block.at.parent));
        parent = Some(block.at.hash);
        facts.extend(block.facts);
    }
    facts
}

/// As `assert_eq`, but shows the first difference alone.
#[track_caller]
fn same(a: &[Fact], b: &[Fact]) {
    for (a, b) in a.iter().zip(b) {
        assert_eq!(a, b);
    }
    assert_eq!(a.len(), b.len());
}

/// What each account received, less what it sent.
#[derive(Default)]
struct Change {
    received: U256,
    sent: U256,
}

fn changes(transfers: &[Transfer], asset: &Asset) -> BTreeMap<Address, Change> {
    let mut changes: BTreeMap<Address, Change> = BTreeMap::new();
    for transfer in transfers.iter().filter(|transfer| transfer.asset == *asset) {
        if let Some(from) = &transfer.from {
            changes.entry(from.clone()).or_default().sent += transfer.amount;
        }
        if let Some(to) = &transfer.to {
            changes.entry(to.clone()).or_default().received += transfer.amount;
        }
    }
    changes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_payments_add_up_to_the_nodes_own_balances() {
    let Some(anvil) = Anvil::start() else { return };
    let first = anvil.ask("eth_accounts", json!([])).await[0].as_str().expect("one").to_string();
    let contracts = deploy_all(&anvil, &first).await;
    pay(&anvil, &contracts, &mut Random(seed()), 1000).await;

    let node = anvil.node(&anvil.url, None).await;
    assert_eq!(node.sees().internal, Internal::TraceBlock);
    let facts = facts_of(&node).await;
    let odd: Vec<&Fact> = facts.iter().filter(|fact| matches!(fact, Fact::Oddity(_))).collect();
    assert!(odd.is_empty(), "{odd:?}");
    let count = |is: fn(&Fact) -> bool| facts.iter().filter(|fact| is(fact)).count();
    assert!(count(|fact| matches!(fact, Fact::Failed { .. })) > 10);
    let past = Memory::from_facts(facts.iter().cloned());
    let is_deep = |transfer: &&Transfer| matches!(&transfer.position, model::Position::Call(path) if !path.is_empty());
    assert!(past.transfers().iter().filter(is_deep).count() > 30);

    let native = changes(past.transfers(), &Asset::native(CHAIN));
    assert!(native.len() > 20);
    for (address, change) in native {
        let (start, end) =
            (anvil.balance(&address, "0x0").await, anvil.balance(&address, "latest").await);
        let (left, right) = (start + change.received, end + change.sent);
        assert_eq!(left, right, "{address:?}");
    }
    let contract = Address::parse(&contracts.token, CHAIN).expect("an address");
    let tokens = changes(past.transfers(), &Asset::token(CHAIN, contract));
    assert!(tokens.len() > 10);
    for (address, change) in tokens {
        // The zero address holds nothing: units come from it when they are made.
        if address == Address::Evm([0; 20]) {
            continue;
        }
        let data = format!("0x{}", word(&address.text(CHAIN)));
        let call = json!([{ "to": contracts.token, "data": data }, "latest"]);
        let end = number(&anvil.ask("eth_call", call).await);
        assert_eq!(change.received, end + change.sent, "{address:?}");
    }

    // Every other road tells the same.
    let tracer = anvil.node(&anvil.url, Some(Internal::CallTracer)).await;
    same(&facts_of(&tracer).await, &facts);
    let ipc = anvil.node(&anvil.ipc(), None).await;
    same(&facts_of(&ipc).await, &facts);
    let socket = anvil.node(&anvil.url.replace("http", "ws"), None).await;
    same(&facts_of(&socket).await, &facts);

    // Without traces, what contracts move is missing and nothing else.
    let blind = anvil.node(&anvil.url, Some(Internal::Unseen)).await;
    let seen = Memory::from_facts(facts_of(&blind).await);
    let missing: Vec<Transfer> =
        past.transfers().iter().filter(|transfer| !is_deep(transfer)).cloned().collect();
    assert_eq!(seen.transfers(), missing);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_block_is_told_by_a_subscription_and_found_by_polling() {
    let Some(anvil) = Anvil::start() else { return };
    for url in [anvil.url.replace("http", "ws"), anvil.ipc(), anvil.url.clone()] {
        let mut options = Options::new(url);
        options.poll = Duration::from_millis(50);
        let node = Node::connect(&options).await.expect("a node");
        assert_eq!(node.chain(), CHAIN);
        let before = node.tip().await.expect("a tip");
        anvil.mine().await;
        tokio::time::timeout(Duration::from_secs(5), node.changed())
            .await
            .expect("told")
            .expect("well");
        let after = node.tip().await.expect("a tip");
        assert_eq!(after.height, before.height + 1);
        assert_eq!(after.parent, before.hash);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collectibles_and_batches_come_through_a_real_node() {
    let Some(anvil) = Anvil::start() else { return };
    let first = anvil.ask("eth_accounts", json!([])).await[0].as_str().expect("one").to_string();
    let emitter = anvil.deploy(&first, EMIT).await;
    let topic = |text: &str| alloy_primitives::hex::encode(alloy_primitives::keccak256(text));
    let (a, b) = (word(&"aa".repeat(20)), word(&"bb".repeat(20)));
    let collectible =
        format!("0x{}{a}{b}{}", topic("Transfer(address,address,uint256)"), amount(9));
    let words: String = [64, 160, 2, 5, 6, 2, 50, 60].map(amount).concat();
    let batch = "TransferBatch(address,address,address,uint256[],uint256[])";
    let batch = format!("0x{}{a}{a}{b}{words}", topic(batch));
    anvil.send(&first, Some(&emitter), 0, &collectible).await;
    anvil.send(&first, Some(&emitter), 0, &batch).await;
    anvil.mine().await;
    let node = anvil.node(&anvil.url, None).await;
    let past = Memory::from_facts(facts_of(&node).await);
    let nfts: BTreeSet<(String, U256)> = past
        .transfers()
        .iter()
        .filter(|transfer| transfer.asset.is_nft())
        .map(|transfer| (transfer.asset.to_string(), transfer.amount))
        .collect();
    let asset = |id: u64| format!("{CHAIN}/erc721:{}/{id}", emitter.to_lowercase());
    let expected = [(9, 1u64), (5, 50), (6, 60)].map(|(id, n)| (asset(id), U256::from(n)));
    assert_eq!(nfts, BTreeSet::from(expected));
}

/// The blocks of one branch from the first on, as a follower holds them.
#[derive(Default)]
struct Branch {
    blocks: Vec<chain::source::Block>,
    undone: usize,
}

impl Branch {
    /// Gives up what the node no longer has, and reads on to its tip.
    async fn follow(&mut self, node: &Node) {
        let tip = node.tip().await.expect("a tip");
        while let Some(last) = self.blocks.last() {
            let stands = last.at.height <= tip.height
                && node.header(last.at.height).await.expect("a header").hash == last.at.hash;
            if stands {
                break;
            }
            self.blocks.pop();
            self.undone += 1;
        }
        for height in self.blocks.len() as u64..=tip.height {
            let block = node.block(height).await.expect("a true block");
            if let Some(last) = self.blocks.last() {
                assert_eq!(block.at.parent, last.at.hash);
            }
            self.blocks.push(block);
        }
        assert_eq!(self.blocks.last().map(|block| block.at), Some(tip));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_reorg_undoes_is_read_anew() {
    let Some(anvil) = Anvil::start() else { return };
    let first = anvil.ask("eth_accounts", json!([])).await[0].as_str().expect("one").to_string();
    let contracts = deploy_all(&anvil, &first).await;
    let mut random = Random(seed());
    let node = anvil.node(&anvil.url.replace("http", "ws"), None).await;
    let mut branch = Branch::default();
    for round in 0..12 {
        let before = anvil.ask("evm_snapshot", json!([])).await;
        pay(&anvil, &contracts, &mut random, 15).await;
        branch.follow(&node).await;
        let depth = 1 + random.below(3);
        match round % 4 {
            0 => drop(anvil.ask("anvil_reorg", json!([depth, []])).await),
            1 => drop(anvil.ask("anvil_rollback", json!([depth])).await),
            2 => drop(anvil.ask("evm_revert", json!([before])).await),
            _ => {}
        }
        if random.below(2) == 0 {
            branch.follow(&node).await;
        }
    }
    branch.follow(&node).await;
    assert!(branch.undone > 6, "{} undone", branch.undone);
    let held: Vec<Fact> = branch.blocks.into_iter().flat_map(|block| block.facts).collect();
    same(&held, &facts_of(&anvil.node(&anvil.url, None).await).await);
    let native = changes(Memory::from_facts(held).transfers(), &Asset::native(CHAIN));
    for (address, change) in native {
        let (start, end) =
            (anvil.balance(&address, "0x0").await, anvil.balance(&address, "latest").await);
        assert_eq!(start + change.received, end + change.sent, "{address:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_restarts_is_read_on_by_whichever_way() {
    let Some(mut anvil) = Anvil::start() else { return };
    let first = anvil.ask("eth_accounts", json!([])).await[0].as_str().expect("one").to_string();
    let urls = [anvil.url.clone(), anvil.url.replace("http", "ws"), anvil.ipc()];
    let mut nodes = Vec::new();
    for url in urls {
        let mut options = Options::new(url);
        options.poll = Duration::from_millis(50);
        let node = Node::connect(&options).await.expect("a node");
        nodes.push((node, Branch::default()));
    }
    for round in 0..3 {
        for _ in 0..3 {
            anvil.send(&first, Some(&first), round + 1, "0x").await;
            anvil.mine().await;
        }
        for (node, branch) in &mut nodes {
            branch.follow(node).await;
        }
        anvil = anvil.restart().await;
        for (node, branch) in &mut nodes {
            branch.follow(node).await;
            assert_eq!(branch.undone, 0);
        }
        // News come again.
        for (node, _) in &nodes {
            let tip = node.tip().await.expect("a tip").height;
            anvil.mine().await;
            let told = async {
                while node.tip().await.expect("a tip").height == tip {
                    node.changed().await.expect("well");
                }
            };
            tokio::time::timeout(Duration::from_secs(10), told).await.expect("told");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_seen_and_then_replaced_dropped_or_confirmed() {
    let Some(anvil) = Anvil::start() else { return };
    let accounts = anvil.ask("eth_accounts", json!([])).await;
    let accounts: Vec<String> = serde_json::from_value(accounts).expect("addresses");
    let [payer, watched, other] = [0, 1, 2].map(|n| accounts[n].to_lowercase());
    let token = anvil.deploy(&payer, TOKEN).await.to_lowercase();
    let address = |text: &str| Address::parse(text, CHAIN).expect("an address");
    let node = anvil.node(&anvil.url, None).await;
    let mut watch = Watch::of([address(&watched)]);
    let send = async |nonce: u64, to: &str, value: u64, price: u64, data: &str| {
        let tx = json!({
            "from": payer, "to": to, "value": format!("{value:#x}"), "nonce": format!("{nonce:#x}"),
            "gas": "0x186a0", "gasPrice": format!("{:#x}", price * 10_000_000_000), "data": data,
        });
        let hash = anvil.ask("eth_sendTransaction", json!([tx])).await;
        hash.as_str().expect("a hash").to_string()
    };
    let id = |hash: &str| {
        let bytes = alloy_primitives::hex::decode(hash).expect("hex");
        model::TxId { chain: CHAIN, hash: model::TxHash::new(&bytes) }
    };
    let seen = |hash: &str, amount: u64, asset: Asset| {
        let (from, to) = (Some(address(&payer)), Some(address(&watched)));
        let moved = Expected { position: None, from, to, asset, amount: U256::from(amount) };
        PendingEvent::Seen(Pending { tx: id(hash), moves: vec![moved], is_whole: false })
    };
    let native = Asset::native(CHAIN);

    let first = send(1, &watched, 5, 1, "0x").await;
    send(2, &other, 6, 1, "0x").await;
    let data = format!("0xa9059cbb{}{}", word(&watched), amount(9));
    let tokens = send(3, &token, 0, 1, &data).await;
    let asset = Asset::token(CHAIN, address(&token));
    let told = node.pending(&mut watch).await.expect("well");
    assert_eq!(told, [seen(&first, 5, native.clone()), seen(&tokens, 9, asset)]);
    assert_eq!(node.pending(&mut watch).await.expect("well"), []);

    let second = send(1, &watched, 7, 2, "0x").await;
    let told = node.pending(&mut watch).await.expect("well");
    let replaced = PendingEvent::Replaced { tx: id(&first), by: Some(id(&second)) };
    assert_eq!(told, [replaced, seen(&second, 7, native)]);

    anvil.ask("anvil_dropTransaction", json!([tokens])).await;
    let told = node.pending(&mut watch).await.expect("well");
    assert_eq!(told, [PendingEvent::Dropped { tx: id(&tokens) }]);

    anvil.mine().await;
    let tip = node.tip().await.expect("a tip");
    let told = node.pending(&mut watch).await.expect("well");
    let (height, block) = (tip.height, tip.hash);
    assert_eq!(told, [PendingEvent::Confirmed { tx: id(&second), height, block }]);
    assert!(watch.waiting().is_empty());
}
