//! Providers against servers of this machine: what they tell is what a node would, their
//! rudeness and their lies are met, and a trace that asks is the trace over the whole past.

#[path = "../common/mod.rs"]
mod common;
mod hostile;
mod recorded;
mod server;
mod shapes;
mod solana;
mod world;

use std::sync::Arc;
use std::time::Duration;

use chain::history::{Api, Ask, Budget, History, Horizon, Key, Options, Provider, Told};
use chain::source::Limits;
use interdict::providers::{Fetching, Open, Wants};
use model::{Book, Chain, Fact, Memory, Position, Transfer, View};
use proptest::prelude::*;
use serde_json::Value;
use server::Server;
use store::Store;
use trace::{Method, Policy, Settings, Source};
use world::{Coins, Tx, World};

const NEVER: u64 = 1_000_000;

/// Asks without waiting.
fn options(server: &Server, chain: Chain, budget: &Arc<Budget>) -> Options {
    let mut options = Options::new(&server.url, chain, budget.clone());
    let wait = Duration::from_millis(1);
    options.limits = Limits { at_once_max: 3, tries_max: 4, wait, wait_max: wait };
    options.per_second = 0;
    options.key = Key::new("s3cret");
    options
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Each API with the past served in its shape.
fn served(world: &World, api: Api, drift: bool) -> Server {
    match api {
        Api::Etherscan => Server::new(shapes::etherscan(world)),
        Api::Blockscout => Server::new(shapes::blockscout(world, drift)),
        Api::TronGrid => Server::new(shapes::trongrid(world)),
        Api::Solana => Server::new(solana::rpc(world, drift)),
        Api::Esplora => unreachable!("Bitcoin has a past of its own"),
    }
}

/// Those that tell pasts of accounts.
const ACCOUNTS: [Api; 4] = [Api::Etherscan, Api::Blockscout, Api::TronGrid, Api::Solana];

fn on(api: Api) -> Chain {
    match api {
        Api::Esplora => Chain::BITCOIN,
        Api::TronGrid => Chain::TRON,
        Api::Solana => Chain::SOLANA,
        _ => Chain::ETHEREUM,
    }
}

fn asked(provider: &Provider, account: model::Account, rows_max: u64) -> Told {
    runtime()
        .block_on(async {
            let until = provider.horizon().await?;
            let ask = Ask { account, after: None, until, rows_max };
            chain::history::read(provider, &ask).await
        })
        .expect("it answers")
}

/// The transfers of an address as told, settled alone and together with a node's.
fn own(facts: Vec<Fact>, world: &World, who: u8) -> Vec<Transfer> {
    let address = Some(world.address(who));
    let memory = Memory::from_facts(facts);
    let is_own = |t: &&Transfer| t.from == address || t.to == address;
    memory.transfers().iter().filter(is_own).cloned().collect()
}

fn check_told(world: &World, api: Api, drift: bool) {
    let server = served(world, api, drift);
    let provider = Provider::new(api, &options(&server, on(api), &Budget::new(NEVER)));
    let provider = provider.expect("it can be asked");
    for who in 0..5 {
        let told = asked(&provider, world.account(who), NEVER);
        assert_eq!(told.cut, None);
        let plain = |t: &Transfer| (t.tx, t.equal(), t.time, t.kind);
        let mut alone: Vec<_> = own(told.facts.clone(), world, who).iter().map(plain).collect();
        let mut node: Vec<_> = own(world.facts(), world, who).iter().map(plain).collect();
        alone.sort_by_key(|row| format!("{row:?}"));
        node.sort_by_key(|row| format!("{row:?}"));
        assert_eq!(alone, node, "{api}: told alone, it is what the node says");
        // Provider and node together: the node's, nothing twice.
        let both: Vec<Fact> = world.facts().into_iter().chain(told.facts).collect();
        assert_eq!(
            own(both, world, who),
            own(world.facts(), world, who),
            "{api}: one transfer, one"
        );
    }
}

/// Payments, calls and events between five, several to a transaction and to a block.
fn txs() -> impl Strategy<Value = Vec<Tx>> {
    let who = 0u8..5;
    let moved = (who.clone(), who.clone(), 1u64..1000);
    let few = proptest::collection::vec(moved, 0..4);
    let tx = ((who.clone(), who, 0u64..1000), 0u64..20, 0u8..10, few.clone(), few, 0u8..3);
    let tx = tx.prop_map(|((from, to, value), fee, kind, inner, tokens, joins)| {
        let several =
            |all: Vec<(u8, u8, u64)>| all.into_iter().map(|(a, b, n)| (a, b, n * world::UNIT));
        let (mut inner, mut tokens): (Vec<_>, Vec<_>) =
            (several(inner).collect(), several(tokens).collect());
        match kind {
            0..3 => (inner, tokens) = (Vec::new(), Vec::new()),
            3..5 => inner.clear(),
            5..7 => tokens.clear(),
            // The same again.
            7 => inner.extend(inner.first().copied()),
            _ => {}
        }
        Tx { fee, inner, tokens, joins: joins == 0, failed: kind == 9, ..Tx::pay(from, to, value) }
    });
    proptest::collection::vec(tx, 1..14)
}

/// On a chain: no coin of Solana's comes near a wei's numbers.
fn world_on(chain: Chain, txs: &[Tx]) -> World {
    let mut txs = txs.to_vec();
    if matches!(chain, Chain::Solana(_)) {
        for tx in &mut txs {
            tx.value /= 1_000_000;
            tx.inner.iter_mut().chain(&mut tx.tokens).for_each(|(_, _, n)| *n /= 1_000_000);
        }
    }
    World { chain, txs }
}

proptest! {
    // A failure prints its case and a seed to come back to.
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn what_a_provider_tells_is_what_a_node_states(txs in txs()) {
        for api in ACCOUNTS {
            check_told(&world_on(on(api), &txs), api, false);
        }
    }

    #[test]
    fn rows_pushed_between_two_pages_leave_neither_gap_nor_double(txs in txs()) {
        for api in [Api::Blockscout, Api::Solana] {
            check_told(&world_on(on(api), &txs), api, true);
        }
    }

    #[test]
    fn a_trace_that_asks_is_the_trace_over_the_whole_past(txs in txs()) {
        for api in ACCOUNTS {
            let world = world_on(on(api), &txs);
            let server = served(&world, api, false);
            let source = Source::Account(world.account(0));
            check_trace(world.facts(), source, api, &server);
        }
    }

    #[test]
    fn a_trace_of_coins_that_asks_is_the_trace_over_the_whole_past(
        steps in proptest::collection::vec(
            (proptest::collection::vec(any::<u8>(), 0..3), proptest::collection::vec(0u8..5, 1..4)),
            1..14,
        ),
    ) {
        let coins = Coins::new(Chain::BITCOIN, &steps);
        let server = Server::new(shapes::esplora(&coins));
        let source = Source::Account(coins.world.account(0));
        check_trace(coins.facts(), source, Api::Esplora, &server);
    }
}

fn cases() -> u32 {
    std::env::var("PROVIDER_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(24)
}

/// Said where a trace rests on an order that nobody told.
const UNTOLD: &str = "in which order";

/// What a node states, less the one thing no list and no answer of Etherscan tells: which
/// call of its transaction a payment was.
fn forgotten(facts: &[Fact]) -> Vec<Fact> {
    let mut count: std::collections::BTreeMap<_, u32> = std::collections::BTreeMap::new();
    let mut facts = facts.to_vec();
    let mut forget = |transfer: &mut Transfer, is_call: bool| {
        let count = count.entry((transfer.tx, transfer.equal())).or_default();
        if is_call {
            transfer.position = Position::Nth(*count);
        }
        *count += 1;
    };
    let is_call = |t: &Transfer| matches!(&t.position, Position::Call(path) if !path.is_empty());
    // Equals with a position are counted first.
    for with_calls in [false, true] {
        for fact in &mut facts {
            if let Fact::Transfer { transfer, .. } = fact
                && is_call(transfer) == with_calls
            {
                forget(transfer, with_calls);
            }
        }
    }
    facts
}

/// Both ways and by every policy that divides, and again without a request. Where the
/// trace says that an order is not told, it is the trace over what is told; else the
/// trace over all a node states.
fn check_trace(facts: Vec<Fact>, source: Source, api: Api, server: &Server) {
    let told =
        Memory::from_facts(if api == Api::Etherscan { forgotten(&facts) } else { facts.clone() });
    let node = Memory::from_facts(facts);
    for direction in [model::Direction::Forward, model::Direction::Backward] {
        let folder = tempfile::tempdir().expect("a folder");
        for (n, policy) in [Policy::Haircut, Policy::Fifo, Policy::Lifo].into_iter().enumerate() {
            let mut settings = Settings::forward(vec![source.clone()], policy);
            settings.direction = direction;
            settings.method = Method::Frontier;
            let book = Book::default();
            let budget = Budget::new(NEVER);
            let options = options(server, on(api), &budget);
            let provider = Provider::new(api, &options).expect("it can be asked");
            let open = vec![Open { provider, chain: on(api), at_once: 3 }];
            let wants = Wants {
                book: &book,
                settings: &settings,
                refresh: false,
                requests: NEVER,
                is_offline: false,
            };
            let store = Store::open(folder.path()).expect("a store");
            let view = Fetching::new(store, open, budget, wants).expect("a view");
            let report = trace::run(&view, &book, &settings).expect("a trace");
            let expected = trace::run(&told, &book, &settings).expect("a trace");
            assert_eq!(bare(&report), bare(&expected), "{api}, {policy}: what is told");
            let is_untold = report.coverage.notes.iter().any(|note| note.contains(UNTOLD));
            assert_eq!(
                is_untold,
                expected.coverage.notes.iter().any(|note| note.contains(UNTOLD)),
                "{api}, {policy}"
            );
            if !is_untold {
                let whole = trace::run(&node, &book, &settings).expect("a trace");
                assert_eq!(bare(&report), bare(&whole), "{api}, {policy}: the whole past");
            }
            assert!(!is_untold || api == Api::Etherscan, "{api} tells all there is to know");
            if n > 0 {
                assert_eq!(view.requests(), 0, "{api}: what is known is not asked for again");
            }
        }
    }
}

/// What a report says of money: not whence it is known, nor the positions of what a
/// provider gives none for.
fn bare(report: &trace::Report) -> Value {
    let report = serde_json::to_value(report).expect("JSON");
    let mut edges: Vec<String> = Vec::new();
    for edge in report["edges"].as_array().expect("a list") {
        let mut edge = edge.clone();
        let edge_fields = edge.as_object_mut().expect("an object");
        // Rows of TronGrid's tokens name no block.
        for field in ["position", "height"] {
            edge_fields.remove(field);
        }
        edges.push(edge.to_string());
    }
    edges.sort();
    serde_json::json!({
        "nodes": report["nodes"], "edges": edges, "totals": report["totals"],
        "endpoints": report["endpoints"], "cut": report["cut"],
    })
}

#[test]
fn an_address_with_more_rows_than_are_read_is_cut_and_says_so() {
    for api in ACCOUNTS {
        let txs: Vec<Tx> = (0..12).map(|n| Tx::pay(0, 1 + n % 3, 5)).collect();
        let world = world_on(on(api), &txs);
        let server = served(&world, api, false);
        let provider = Provider::new(api, &options(&server, on(api), &Budget::new(NEVER)));
        let told = asked(&provider.expect("it can be asked"), world.account(0), 5);
        assert_eq!(told.cut, Some(chain::history::Cut::Rows), "{api}");
        assert!(told.rows > 5 && told.rows < 12, "{api}: {}", told.rows);
    }
}

#[test]
fn what_came_since_is_asked_for_alone() {
    for api in ACCOUNTS {
        let txs: Vec<Tx> = (0..9).map(|n| Tx::pay(0, 1, 5 + n)).collect();
        let world = world_on(on(api), &txs);
        let server = served(&world, api, false);
        let provider = Provider::new(api, &options(&server, on(api), &Budget::new(NEVER)));
        let provider = provider.expect("it can be asked");
        let told = runtime().block_on(async {
            let until = provider.horizon().await?;
            let after = Some(Horizon { height: world::height(6), time: world::time(6) });
            let ask = Ask { account: world.account(0), after, until, rows_max: NEVER };
            chain::history::read(&provider, &ask).await
        });
        assert_eq!(told.expect("it answers").rows, 2, "{api}");
    }
}

/// A payment from 0 to 1 to 2 to 3, with what it costs on the way.
fn chain_of_payments(chain: Chain) -> World {
    World {
        chain,
        txs: vec![Tx::pay(9, 0, 900), Tx::pay(0, 1, 900), Tx::pay(1, 2, 800), Tx::pay(2, 3, 700)],
    }
}

fn config(kind: &str, url: &str, chain: &str) -> String {
    format!(
        "[providers.here]\nkind = \"{kind}\"\nurl = \"{url}\"\nchain = \"{chain}\"\nper_second = 0\nkey_env = \"A_KEY\"\n"
    )
}

fn ask(home: &common::Home, args: &[&str]) -> common::Run {
    let mut command = home.command(args);
    common::Run::of(&command.env("A_KEY", "s3cret").output().expect("the binary runs"))
}

#[test]
fn a_trace_without_a_node_asks_once_and_only_whom_one_agreed_to() {
    let world = chain_of_payments(Chain::ETHEREUM);
    let server = Server::new(shapes::blockscout(&world, false));
    let home = common::Home::new();
    home.write("interdict.toml", config("blockscout", &server.url, "ethereum"));
    let source = world.text(0);

    let refused = ask(&home, &["trace", &source]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    for said in ["learns every address this trace looks at", "--yes-ask here", "nothing was asked"]
    {
        assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
    }
    assert_eq!(server.asked(), 0);

    let first = ask(&home, &["trace", &source, "--format", "json", "--yes-ask", "here"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    let report: Value = serde_json::from_str(&first.stdout).expect("JSON");
    let endpoint = &report["endpoints"][0];
    assert_eq!(endpoint["account"], world.account(3).to_string());
    assert_eq!(endpoint["amount"], (700 * world::UNIT).to_string());
    let notes = report["coverage"]["notes"].to_string();
    assert!(
        notes.contains("4 addresses or outputs are as blockscout at http://127.0.0.1"),
        "{notes}"
    );
    assert!(notes.contains("validators' withdrawals"), "{notes}");
    assert!(server.asked() > 0);
    assert!(!format!("{first:?}").contains("s3cret"));

    // Agreed to once, known once.
    let count = server.asked();
    let second = ask(&home, &["trace", &source, "--format", "json"]);
    assert_eq!(second.stdout, first.stdout);
    assert_eq!(server.asked(), count, "{:?}", server.paths.lock().expect("no panic"));
    let offline = ask(&home, &["trace", &source, "--format", "json", "--offline"]);
    assert_eq!(offline.stdout, first.stdout, "{}", offline.stderr);
    assert_eq!(server.asked(), count);
    let fresh = ask(&home, &["trace", &source, "--refresh"]);
    assert_eq!(fresh.code, 0, "{}", fresh.stderr);
    assert!(server.asked() > count);
    assert!(fresh.stdout.contains("as blockscout at"), "{}", fresh.stdout);
}

#[test]
fn where_the_budget_of_requests_ends_the_trace_says_what_it_did_not_see() {
    let world = chain_of_payments(Chain::ETHEREUM);
    let server = Server::new(shapes::blockscout(&world, false));
    let home = common::Home::new();
    home.write(
        "interdict.toml",
        config("blockscout", &server.url, "ethereum") + "consent = true\n",
    );
    // Three for the horizon, three lists an address.
    let args = ["trace", &world.text(0), "--format", "json", "--requests", "9"];
    let run = ask(&home, &args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(server.asked(), 9);
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let notes = report["coverage"]["notes"].to_string();
    let second = model::Account { ..world.account(2) }.address_text();
    assert!(notes.contains("the budget of 9 requests ended"), "{notes}");
    assert!(notes.contains(&second), "{notes}");
    // What was learned is kept: the next one goes on from there.
    let run = ask(&home, &["trace", &world.text(0), "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(report["endpoints"][0]["account"], world.account(3).to_string());
}

#[test]
fn coins_are_traced_along_their_outputs_and_a_bundle_holds_what_was_asked() {
    let steps =
        [(vec![], vec![0]), (vec![0], vec![1, 0]), (vec![0], vec![2, 3]), (vec![1], vec![4])];
    let coins = Coins::new(Chain::BITCOIN, &steps);
    let server = Server::new(shapes::esplora(&coins));
    let home = common::Home::new();
    home.write("interdict.toml", config("esplora", &server.url, "bitcoin") + "consent = true\n");
    let source = coins.world.id(1).hash_text();
    let run = ask(&home, &["trace", &source, "--bundle", "theft.bundle"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("as esplora at"), "{}", run.stdout);
    let asked = server.asked();
    home.ok(&["verify", "theft.bundle"]);
    let again = ask(&home, &["trace", &source]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(server.asked(), asked);
}

#[test]
fn a_service_is_never_asked_about() {
    let world = chain_of_payments(Chain::ETHEREUM);
    let server = Server::new(shapes::blockscout(&world, false));
    let home = common::Home::new();
    home.write(
        "interdict.toml",
        config("blockscout", &server.url, "ethereum") + "consent = true\n",
    );
    let tags = format!(
        "{{\"{}\": {{\"name\": \"Some Exchange\", \"labels\": [\"exchange\"]}}}}",
        world.text(1)
    );
    let tags = home.write("tags.json", tags);
    let labelled = home.run(&["labels", "import", "name-tags", &tags, "--chain", "ethereum"]);
    if labelled.code != 0 {
        panic!("{}", labelled.stderr);
    }
    let run = ask(&home, &["trace", &world.text(0), "--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let paths = server.paths.lock().expect("no panic");
    assert!(!paths.iter().any(|path| path.contains(&world.text(1))), "{paths:?}");
}

/// The view's answers of coverage are the store's.
#[test]
fn a_view_that_asks_says_what_it_holds() {
    let world = chain_of_payments(Chain::ETHEREUM);
    let server = Server::new(shapes::etherscan(&world));
    let budget = Budget::new(NEVER);
    let provider = Provider::new(Api::Etherscan, &options(&server, world.chain, &budget));
    let settings = Settings::forward(vec![Source::Account(world.account(0))], Policy::Fifo);
    let book = Book::default();
    let wants = Wants {
        book: &book,
        settings: &settings,
        refresh: false,
        requests: NEVER,
        is_offline: false,
    };
    let open =
        vec![Open { provider: provider.expect("it can be asked"), chain: world.chain, at_once: 1 }];
    let store = Store::open_in_memory().expect("a store");
    let view = Fetching::new(store, open, budget, wants).expect("a view");
    assert!(view.coverage().expect("an answer").is_empty());
    let degree = view.degree(&[world.account(0)]).expect("an answer");
    assert_eq!((degree[0].sent, degree[0].received), (1, 1));
    assert_eq!(view.coverage().expect("an answer")[0].transfers, 2);
}

#[test]
fn prices_are_asked_for_once_agreed_to_and_say_whence_they_are() {
    let server = Server::new(|request| {
        let is_known = request.path.starts_with("/coins/ethereum/market_chart/range");
        let row = |at: u64, usd: &str| format!("[{at},{usd}]");
        match (is_known, request.query["from"].as_str()) {
            (true, "1740096000") => server::Response::text(format!(
                "{{\"prices\":[{},{}]}}",
                row(1_740_096_000_000, "2741.593847561234567"),
                row(1_740_146_700_000, "2.8e3"),
            )),
            (true, _) => server::Response::text("{\"prices\":[[1740096000000,1]]}"),
            _ => server::Response::text("{\"error\":\"coin not found s3cret\"}"),
        }
    });
    let home = common::Home::new();
    let table = format!(
        "[prices.cg]\nkind = \"coingecko\"\nurl = \"{}\"\nkey_env = \"A_KEY\"\n",
        server.url
    );
    home.write("interdict.toml", table);
    let fetch = |id: &'static str, day: &'static str| {
        let asset = "eip155:1/slip44:60";
        vec!["prices", "fetch", "--asset", asset, "--id", id, "--from", day, "--to", day]
    };
    let refused = ask(&home, &fetch("ethereum", "2025-02-21"));
    assert!(refused.stderr.contains("was never agreed to"), "{}", refused.stderr);
    assert_eq!(server.asked(), 0);
    let told = ask(&home, &[fetch("ethereum", "2025-02-21"), vec!["--yes-ask"]].concat());
    assert_eq!(told.code, 0, "{}", told.stderr);
    let list = home.ok(&["prices", "list"]);
    assert!(
        list.contains("2025-02-21  2741.593847561234 USD  coingecko at http://127.0.0.1"),
        "{list}"
    );
    assert!(list.contains("2025-02-21T14:05:00Z  2800 USD"), "{list}");
    // Another day than asked for, and an error with the key in it.
    let lied = ask(&home, &fetch("ethereum", "2025-02-22"));
    assert!(lied.stderr.contains("not asked for"), "{}", lied.stderr);
    let unknown = ask(&home, &fetch("other", "2025-02-21"));
    assert!(unknown.stderr.contains("coin not found …"), "{}", unknown.stderr);
    assert!(!unknown.stderr.contains("s3cret"));
}
