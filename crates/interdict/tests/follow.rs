//! Chains that fork, nodes that fail and lie, followers that are stopped anywhere: what the store holds
//! in the end is the chain.

#[path = "follow/anvil.rs"]
mod anvil;
#[path = "../../chain/tests/bitcoind/mod.rs"]
mod bitcoind;
#[path = "follow/cli.rs"]
mod cli;
mod common;
#[path = "follow/knots.rs"]
mod knots;
#[path = "follow/measure.rs"]
mod measure;
#[path = "follow/world.rs"]
mod world;

use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chain::source::Block;
use interdict::follow::nodes::Waits;
use interdict::follow::{
    ChainReport, Doing, Ended, Finality, Follower, Keeper, Node, Nodes, Plan, Room, Trouble,
};
use model::chain::SolanaNetwork;
use model::{Chain, Memory, Transfer, View};
use proptest::prelude::*;
use store::Store;
use tokio::sync::watch;
use world::{FakeNode, Faults, World};

const CHAIN: Chain = Chain::Evm(31_337);
const SOLANA: Chain = Chain::Solana(SolanaNetwork::Mainnet);
const UNDO: u64 = 32;

// -- whatever happens ----------------------------------------------------------------------

#[derive(Clone, Debug)]
enum Act {
    Mine(u64),
    Reorganise {
        depth: u64,
        count: u64,
    },
    /// A node does as badly as this, from now on.
    Faults {
        node: usize,
        failing: u64,
        slow_ms: u64,
        behind: u64,
        is_gone: bool,
    },
    /// The follower runs so long, and is then cut off where it stands.
    Kill {
        after_ms: u64,
    },
    /// The same, but it may finish.
    Stop {
        after_ms: u64,
    },
    /// The store is closed and opened again.
    Reopen,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (1u64..60).prop_map(Act::Mine),
        4 => (0u64..31, 0u64..34).prop_map(|(depth, count)| Act::Reorganise { depth, count }),
        3 => (0usize..3, 0u64..40, 0u64..300, 0u64..4, any::<bool>()).prop_map(
            |(node, failing, slow_ms, behind, is_gone)| {
                Act::Faults { node, failing, slow_ms, behind, is_gone }
            }
        ),
        5 => (1u64..2_000).prop_map(|after_ms| Act::Kill { after_ms }),
        2 => (1u64..4_000).prop_map(|after_ms| Act::Stop { after_ms }),
        1 => Just(Act::Reopen),
    ];
    prop::collection::vec(act, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn in_the_end_the_store_is_the_chain(
        seed in any::<u64>(),
        nodes in 1usize..4,
        from in 0u64..12,
        acts in acts(),
    ) {
        block_on(whatever_happens(CHAIN, seed, nodes, from, acts));
    }

    #[test]
    fn in_the_end_the_store_is_the_chain_of_slots(
        seed in any::<u64>(),
        nodes in 1usize..4,
        from in 0u64..12,
        acts in acts(),
    ) {
        block_on(whatever_happens(SOLANA, seed, nodes, from, acts));
    }
}

async fn whatever_happens(chain: Chain, seed: u64, nodes: usize, from: u64, acts: Vec<Act>) {
    let mut story = Story::new(chain, nodes, seed);
    story.from = from;
    story.world().mine(20);
    for act in acts {
        story.act(act).await;
    }
    story.calm();
    // Something of what is wanted is there in the end.
    story.world().mine(12);
    let ended = story.once().await;
    assert!(matches!(ended, Ended::AtTip), "{ended:?}");
    story.is_the_chain().await;
}

// -- stories -------------------------------------------------------------------------------

#[test]
fn a_chain_is_stored_and_followed() {
    block_on(async {
        let story = Story::new(CHAIN, 1, 1);
        story.world().mine(100);
        assert!(matches!(story.once().await, Ended::AtTip));
        story.is_the_chain().await;
        let report = story.report().await;
        assert_eq!(report.held.expect("a block").height, 100);
        assert_eq!((report.tip, report.last_final), (Some(100), Some(95)));
        assert_eq!((report.doing, report.blocks, report.last_error), (Doing::Stopped, 101, None));
        story.world().mine(3);
        story.world().reorganise(7, 9);
        assert!(matches!(story.once().await, Ended::AtTip));
        story.is_the_chain().await;
    });
}

#[test]
fn a_chain_that_became_shorter_is_believed() {
    block_on(async {
        let story = Story::new(CHAIN, 1, 2);
        story.world().mine(60);
        story.once().await;
        story.world().reorganise(5, 0);
        assert!(matches!(story.once().await, Ended::AtTip));
        story.is_the_chain().await;
    });
}

#[test]
fn what_is_missing_below_is_filled() {
    block_on(async {
        let mut story = Story::new(CHAIN, 1, 3);
        story.world().mine(90);
        story.from = 40;
        story.once().await;
        story.is_the_chain().await;
        story.from = 7;
        story.once().await;
        story.is_the_chain().await;
    });
}

#[test]
fn where_nobody_says_from_where_a_chain_goes_on_as_it_was() {
    block_on(async {
        let mut story = Story::new(CHAIN, 1, 13);
        story.world().mine(90);
        story.from = 40;
        story.once().await;
        story.says_from = false;
        story.world().mine(9);
        story.once().await;
        story.is_the_chain().await;
        let report = story.report().await;
        assert_eq!((report.from, report.from_why), (Some(40), None));
    });
}

#[test]
fn where_nobody_says_from_where_a_short_chain_is_taken_whole_and_a_long_one_from_its_end() {
    block_on(async {
        for (chain, blocks, from) in [
            (Chain::Evm(777), 300, 0),
            // Final with six confirmations, its own block counted.
            (Chain::Evm(777), 20_050, 20_045),
            (CHAIN, 20_050, 0),
        ] {
            let mut story = Story::new(chain, 1, 14);
            story.world().mine(blocks);
            (story.says_from, story.from) = (false, from);
            assert!(matches!(story.once().await, Ended::AtTip));
            story.is_the_chain().await;
            let report = story.report().await;
            assert_eq!(report.from, Some(from));
            let why = report.from_why.unwrap_or_default();
            assert_eq!(why.contains("--from 0 takes everything"), from > 0, "{why:?}");
            story.world().reorganise(3, 40);
            assert!(matches!(story.once().await, Ended::AtTip));
            story.is_the_chain().await;
        }
    });
}

#[test]
fn a_fork_deeper_than_is_kept_is_refused_and_changes_nothing() {
    block_on(async {
        let story = Story::new(CHAIN, 1, 4);
        story.world().mine(200);
        story.once().await;
        let before = story.stored().await;
        story.world().reorganise(UNDO + 110, 160);
        let Ended::Failed(trouble) = story.once().await else { panic!("it is refused") };
        let said = trouble.to_string();
        for part in ["eip155:31337", "deeper than is kept", "node-0", "--home", "confirmations"] {
            assert!(said.contains(part), "expected {part:?} in: {said}");
        }
        assert!(matches!(trouble, Trouble::DeepFork { height, .. } if height < 200));
        assert_eq!(story.stored().await, before);
        assert_eq!(story.report().await.doing, Doing::Refused);
    });
}

#[test]
fn of_three_nodes_the_one_on_another_chain_is_set_aside() {
    block_on(async {
        let mut story = Story::new(CHAIN, 2, 5);
        story.world().mine(150);
        let mut other = story.world().fork(60, 99);
        other.mine(100);
        story.add_node("liar", other);
        // It has the longest chain, and so is believed at first.
        assert!(matches!(story.once().await, Ended::AtTip));
        story.is_the_chain().await;
        let report = story.report().await;
        let liar = report.nodes.iter().find(|node| node.node == "liar").expect("is listed");
        assert_eq!(liar.state, "set aside");
        let why = &liar.last_error.as_ref().expect("a reason").what;
        assert!(why.contains("2 others say"), "{why}");
    });
}

#[test]
fn two_nodes_that_disagree_make_nothing_final() {
    block_on(async {
        let mut story = Story::new(CHAIN, 1, 6);
        story.world().mine(150);
        let mut other = story.world().fork(60, 99);
        other.mine(90);
        story.add_node("other", other);
        let Ended::Failed(trouble) = story.once().await else { panic!("they disagree") };
        let said = trouble.to_string();
        for part in ["disagree about block", "node-0 says", "other says"] {
            assert!(said.contains(part), "expected {part:?} in: {said}");
        }
        assert!(story.stored().await.iter().all(|row| row.height.expect("followed") <= 60));
    });
}

#[test]
fn a_node_that_lies_is_refused_with_its_reason() {
    block_on(async {
        let mut story = Story::new(CHAIN, 1, 7);
        story.world().mine(50);
        story.nodes[0].set(Faults { lies: true, ..Faults::default() });
        let Ended::Failed(trouble) = story.once().await else { panic!("it lies") };
        assert!(trouble.to_string().contains("given block"), "{trouble}");
        assert_eq!(story.stored().await, []);
        // Beside an honest one it does no harm.
        let world = story.world.clone();
        story.nodes.push(FakeNode::new("honest", &world, 8));
        assert!(matches!(story.once().await, Ended::AtTip));
        story.is_the_chain().await;
    });
}

#[test]
fn a_node_that_speaks_of_blocks_it_has_not_is_left_alone() {
    block_on(async {
        let story = Story::new(CHAIN, 2, 9);
        story.world().mine(50);
        story.nodes[0].set(Faults { boasts: 1_000_000, ..Faults::default() });
        assert!(matches!(story.once().await, Ended::AtTip));
        story.is_the_chain().await;
    });
}

#[test]
fn a_node_that_is_not_there_is_said_to_be() {
    block_on(async {
        let story = Story::new(CHAIN, 1, 10);
        story.nodes[0].set(Faults { is_gone: true, ..Faults::default() });
        let Ended::Failed(trouble) = story.once().await else { panic!("nobody answers") };
        assert!(trouble.to_string().contains("no connection"), "{trouble}");
        let error = story.report().await.last_error.expect("it is noted");
        assert!(error.what.contains("node-0"), "{}", error.what);
    });
}

#[test]
fn while_it_follows_new_blocks_and_forks_are_taken_as_they_come() {
    block_on(async {
        let story = Story::new(CHAIN, 2, 11);
        story.world().mine(70);
        let (stop, stopped) = watch::channel(false);
        let follower = story.follower(false);
        let mut watched = follower.watch();
        let task = tokio::spawn(follower.run(stopped));
        for (depth, count) in [(0, 1), (0, 3), (2, 4), (20, 25), (1, 0)] {
            story.world().reorganise(depth, count);
            let tip = story.world().tip().at;
            let hash = tip.hash.text(CHAIN);
            let has_it = |report: &ChainReport| {
                report.doing == Doing::AtTip
                    && report.held.as_ref().is_some_and(|held| held.hash == hash)
            };
            let waiting = watched.wait_for(has_it);
            tokio::time::timeout(Duration::from_secs(10), waiting)
                .await
                .unwrap_or_else(|_| panic!("block {} did not come", tip.height))
                .expect("it runs");
            story.is_the_chain().await;
        }
        stop.send_replace(true);
        assert!(matches!(task.await.expect("it ends"), Ended::Stopped));
        assert_eq!(story.report().await.reorganisations, 3);
    });
}

#[test]
fn memory_is_bounded_while_it_catches_up() {
    block_on(async {
        let mut story = Story::new(CHAIN, 1, 12);
        story.room = Room { at_once: 4, facts: 6 };
        story.world().mine(300);
        assert!(matches!(story.once().await, Ended::AtTip));
        story.is_the_chain().await;
    });
}

// -- the stage -----------------------------------------------------------------------------

struct Story {
    world: Arc<Mutex<World>>,
    nodes: Vec<Arc<FakeNode>>,
    home: tempfile::TempDir,
    keeper: Option<Keeper>,
    from: u64,
    /// Else nobody does.
    says_from: bool,
    room: Room,
    chain: Chain,
}

fn block_on(story: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    // Time passes when everybody waits.
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(story);
}

impl Story {
    fn new(chain: Chain, nodes: usize, seed: u64) -> Story {
        let world = Arc::new(Mutex::new(World::new(chain, seed)));
        let node = |n: usize| FakeNode::new(&format!("node-{n}"), &world, seed ^ n as u64);
        let nodes = (0..nodes).map(node).collect();
        let home = tempfile::tempdir().expect("a folder");
        let room = Room::default();
        let mut story =
            Story { world, nodes, home, keeper: None, from: 0, says_from: true, room, chain };
        story.open();
        story
    }

    fn open(&mut self) {
        self.keeper = None;
        let store = Store::open(self.home.path()).expect("opens");
        self.keeper = Some(Keeper::new(store.follow().expect("may write")));
    }

    fn keeper(&self) -> &Keeper {
        self.keeper.as_ref().expect("it is open")
    }

    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().expect("not poisoned")
    }

    fn add_node(&mut self, name: &str, world: World) {
        let world = Arc::new(Mutex::new(world));
        self.nodes.push(FakeNode::new(name, &world, 77));
    }

    async fn act(&mut self, act: Act) {
        match act {
            Act::Mine(count) => self.world().mine(count),
            Act::Reorganise { depth, count } => {
                let mut world = self.world();
                // Never deeper than is kept, measured from the highest block that anybody saw.
                let (tip, lowest) =
                    (world.tip().at.height, (world.highest + 1).saturating_sub(UNDO));
                world.reorganise(depth.min(tip.saturating_sub(lowest)), count);
            }
            Act::Faults { node, failing, slow_ms, behind, is_gone } => {
                let node = &self.nodes[node % self.nodes.len()];
                node.set(Faults { failing, slow_ms, behind, is_gone, ..Faults::default() });
            }
            Act::Kill { after_ms } => {
                let (_stop, stopped) = watch::channel(false);
                let run = self.follower(false).run(stopped);
                let _ = tokio::time::timeout(Duration::from_millis(after_ms), run).await;
            }
            Act::Stop { after_ms } => {
                let (stop, stopped) = watch::channel(false);
                let run = tokio::spawn(self.follower(false).run(stopped));
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
                stop.send_replace(true);
                let ended = run.await.expect("it ends");
                assert!(matches!(ended, Ended::Stopped), "{ended:?}");
            }
            Act::Reopen => {
                // What was begun is finished first.
                self.keeper().with(|_| ()).await;
                self.open();
            }
        }
    }

    fn calm(&self) {
        self.nodes.iter().for_each(|node| node.set(Faults::default()));
    }

    fn follower(&self, once: bool) -> Follower {
        let nodes = self.nodes.iter().map(|node| node.clone() as Arc<dyn Node>).collect();
        let nodes = Arc::new(Nodes::new(self.chain, nodes, Waits::default()));
        let plan = Plan {
            chain: self.chain,
            from: self.says_from.then_some(self.from),
            finality: Finality::Confirmations(NonZeroU64::new(6).expect("not zero")),
            undo: UNDO,
            room: self.room,
            once,
            patience: Duration::from_secs(60),
        };
        Follower::new(plan, nodes, self.keeper().clone())
    }

    async fn once(&self) -> Ended {
        let (_stop, stopped) = watch::channel(false);
        self.follower(true).run(stopped).await
    }

    async fn report(&self) -> ChainReport {
        let followed = self.keeper().with(|following| following.store().followed()).await;
        let followed = followed.expect("answers").into_iter().find(|of| of.chain == self.chain);
        ChainReport::of(&followed.expect("it is followed")).expect("a note")
    }

    async fn stored(&self) -> Vec<Transfer> {
        let chain = self.chain;
        self.keeper().with(move |following| scan(following.store(), chain)).await
    }

    /// Every transfer once, every block held, and nothing else.
    async fn is_the_chain(&self) {
        let (facts, blocks) = {
            let world = self.world();
            (world.facts_from(self.from), world.blocks())
        };
        let tip: &Block = blocks.last().expect("the first block stays");
        assert_eq!(self.stored().await, scan(&Memory::from_facts(facts), self.chain));
        let (chain, wanted) = (self.chain, self.from..=tip.at.height);
        let (held, missing) = self
            .keeper()
            .with(move |following| (following.tip(chain), following.missing(chain, wanted)))
            .await;
        assert_eq!(held.map(|held| held.hash), Some(tip.at.hash));
        // Heights below the lowest block that is wanted may have none.
        let has_block = |height: u64| blocks.iter().any(|block| block.at.height == height);
        let gaps: Vec<u64> = missing.into_iter().flatten().filter(|at| has_block(*at)).collect();
        assert_eq!(gaps, [] as [u64; 0]);
    }
}

fn scan(view: &dyn View, chain: Chain) -> Vec<Transfer> {
    let mut rows = Vec::new();
    let all = view.scan(chain, None, None, &mut |row| {
        rows.push(row.clone());
        std::ops::ControlFlow::Continue(())
    });
    all.expect("answers");
    rows
}
