//! What following costs, beside a real node. Not run by themselves:
//! `cargo test --release -p interdict --test follow -- --ignored --nocapture measure`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chain::evm;
use futures_util::{StreamExt, stream};
use interdict::config::{Config, Flags};
use interdict::follow::nodes::Waits;
use interdict::follow::{ChainReport, Ended, Follower, Keeper, Nodes, Plan, Room, dial};
use model::Chain;
use store::Store;
use tokio::sync::watch;

use crate::anvil::Anvil;
use crate::world::Random;

const CHAIN: Chain = Chain::Evm(31_337);
const AT_ONCE: usize = 32;

/// From the node's answer that a block was mined to its being committed, so that any process sees it.
#[test]
#[ignore = "a measurement"]
fn measure_new_block_to_visible() {
    let Some(anvil) = Anvil::start() else { return };
    let mut random = Random::new(3);
    anvil.live(50, &mut random);
    let home = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (stop, stopped) = watch::channel(false);
    let follower = follower(&anvil.url, home.path(), false);
    let mut watched = follower.watch();
    let task = runtime.spawn(follower.run(stopped));
    let mut waited: Vec<Duration> = Vec::new();
    for _ in 0..100 {
        for _ in 0..20 {
            let (from, to) = (anvil.account(&mut random), anvil.account(&mut random));
            anvil.pay(from, to, 1_000);
        }
        anvil.mine(1);
        let (tip, mined) = (anvil.tip(), Instant::now());
        let is_held =
            |report: &ChainReport| report.held.as_ref().is_some_and(|held| held.height >= tip);
        runtime.block_on(watched.wait_for(is_held)).expect("it runs");
        waited.push(mined.elapsed());
    }
    stop.send_replace(true);
    runtime.block_on(task).expect("it ends");
    waited.sort();
    eprintln!("block to visible: median {:?}, 99th of 100 {:?}", waited[50], waited[98]);
}

/// Blocks a second while catching up, and those of a reader that keeps nothing.
#[test]
#[ignore = "a measurement"]
fn measure_backfill() {
    let Some(anvil) = Anvil::start() else { return };
    let mut random = Random::new(4);
    anvil.live(1_500, &mut random);
    let tip = anvil.tip();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for round in 0..3 {
        let bare = Instant::now();
        runtime.block_on(async {
            let mut options = evm::Options::new(&anvil.url);
            options.limits.at_once_max = AT_ONCE;
            let node = Arc::new(evm::Node::connect(&options).await.expect("a node"));
            let read = stream::iter(0..=tip).map(|height| {
                let node = node.clone();
                async move {
                    use chain::source::Source;
                    tokio::spawn(async move { node.block(height).await }).await
                }
            });
            let mut read = read.buffered(AT_ONCE);
            while let Some(block) = read.next().await {
                block.expect("no panic").expect("a block");
            }
        });
        let bare = bare.elapsed();
        let home = tempfile::tempdir().expect("a folder");
        let ours = Instant::now();
        let (_stop, stopped) = watch::channel(false);
        let follower = follower(&anvil.url, home.path(), true);
        let ended = runtime.block_on(follower.run(stopped));
        assert!(matches!(ended, Ended::AtTip), "{ended:?}");
        let ours = ours.elapsed();
        let share = bare.as_secs_f64() / ours.as_secs_f64() * 100.0;
        eprintln!("round {round}: {tip} blocks: bare {bare:?}, stored {ours:?}, {share:.0} %");
    }
}

fn follower(url: &str, home: &std::path::Path, once: bool) -> Follower {
    let flags = Flags { chain: Some(CHAIN), rpc: vec![url.into()], ..Flags::default() };
    let config = Config::read(home, &flags, &config_of_nobody).expect("a configuration");
    let chain = &config.chains[0];
    let node = dial::node(CHAIN, &chain.nodes[0].value, &config.follow).expect("a node");
    let store = Store::open(home).expect("opens");
    let plan = Plan {
        chain: CHAIN,
        from: 0,
        finality: chain.finality.value,
        undo: chain.undo.value,
        room: Room { at_once: AT_ONCE, ..Room::default() },
        once,
        patience: Duration::from_secs(60),
    };
    let waits =
        Waits { poll: Duration::from_millis(config.follow.poll_ms.value), ..Waits::default() };
    let nodes = Arc::new(Nodes::new(CHAIN, vec![node], waits));
    Follower::new(plan, nodes, Keeper::new(store.follow().expect("may write")))
}

fn config_of_nobody(_: &str) -> Option<String> {
    None
}
