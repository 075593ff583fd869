//! Followed blocks, unwound and followed again at random, with files gathered between and segments
//! merged below: what is shown is always what memory shows of the facts that remain.

mod common;
#[path = "common/facts.rs"]
#[allow(dead_code, reason = "each file of tests uses its part")]
mod facts;

use std::cell::RefCell;
use std::sync::Arc;

use common::{check_same, time};
use facts::fact;
use model::{BlockFact, Chain, Fact, Memory, TxHash};
use proptest::prelude::*;
use store::catalog::{Catalog, Writer};
use store::hot::{self, FollowedBlock};
use store::ingest::{Batch, Sizes};
use store::layers::Layers;
use store::merging;
use store::shelf::Shelf;
use store::snapshot::Snapshot;
use store::stage::{self, Stage};
use store::{FileRecord, StoreError};

const SIZES: Sizes = Sizes { run_rows: 6, fan_out: 2, segment_rows: 60, runs_max: 0 };

#[derive(Clone, Debug)]
enum Move {
    /// The facts of the next block, of whichever chain.
    Follow(bool, Vec<Fact>),
    /// How many blocks are dropped.
    Unwind(bool, usize),
    Gather(Vec<Fact>),
    Merge,
    /// How many blocks become final.
    Finalise(bool, usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let facts = |most| prop::collection::vec(fact(), 0..most);
    let one = prop_oneof![
        6 => (any::<bool>(), facts(8)).prop_map(|(is_eth, facts)| Move::Follow(is_eth, facts)),
        2 => (any::<bool>(), 0usize..4).prop_map(|(is_eth, count)| Move::Unwind(is_eth, count)),
        3 => facts(12).prop_map(Move::Gather),
        1 => Just(Move::Merge),
        1 => (any::<bool>(), 0usize..3).prop_map(|(is_eth, count)| Move::Finalise(is_eth, count)),
    ];
    prop::collection::vec(one, 0..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn after_any_reorg_it_is_what_remains(moves in moves()) {
        let mut home = Home::new();
        for one in moves {
            home.make(one);
            check_same(&home.snapshot(), &home.memory());
        }
    }

    #[test]
    fn the_followed_blocks_are_a_stage(
        below in prop::collection::vec(fact(), 0..12),
        told in prop::collection::vec(prop::collection::vec(fact(), 0..6), 0..5),
        is_eth in any::<bool>(),
    ) {
        let chain = chain(is_eth);
        let mut blocks: Vec<FollowedBlock> = Vec::new();
        for facts in told {
            let next = block(chain, blocks.last(), u8::try_from(blocks.len()).expect("few"), &facts);
            blocks.push(next);
        }
        let make = || {
            let mut home = Home::new();
            home.gather(&below);
            Following { home: RefCell::new(home), chain }
        };
        stage::check(&blocks, make, |following| shown(&following.home.get_mut().snapshot()));
    }
}

/// Everything a view says of the few accounts there are.
fn shown(snapshot: &Snapshot) -> String {
    use model::View;
    let scans = common::CHAINS.map(|chain| common::scan(snapshot, chain, None, None));
    let transactions = common::CHAINS.map(|chain| {
        let ids: Vec<_> = (0..10).map(|n| common::tx(chain, n)).collect();
        snapshot.transactions(&ids).expect("answers")
    });
    let assets = snapshot.assets(&common::assets()).expect("answers");
    format!("{scans:?} {transactions:?} {assets:?} {:?}", snapshot.coverage().expect("answers"))
}

struct Following {
    home: RefCell<Home>,
    chain: Chain,
}

impl Stage for Following {
    fn checkpoint(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.home.borrow_mut().layers().hot(self.chain).last().map(|block| block.height))
    }

    fn execute(&mut self, blocks: &[FollowedBlock]) -> Result<(), StoreError> {
        let home = self.home.get_mut();
        let layers = home.layers();
        hot::append(&mut home.catalog, &home.writer, &layers, blocks)
    }

    fn unwind(&mut self, to: Option<u64>) -> Result<(), StoreError> {
        let home = self.home.get_mut();
        let layers = home.layers();
        hot::unwind(&mut home.catalog, &home.writer, &layers, self.chain, to)
    }
}

struct Home {
    catalog: Catalog,
    writer: Arc<Writer>,
    shelf: Shelf,
    gathered: Vec<Fact>,
    /// By chain, the followed ones that are not final.
    followed: [Vec<FollowedBlock>; 2],
    made: u8,
}

fn chain(is_eth: bool) -> Chain {
    common::CHAINS[usize::from(!is_eth)]
}

/// A block on top of another, with what is told of its chain.
fn block(chain: Chain, parent: Option<&FollowedBlock>, n: u8, facts: &[Fact]) -> FollowedBlock {
    let height = parent.map_or(2, |parent| parent.height + 1);
    let hash = TxHash::new(&[100 + n; 32]);
    let parent = parent.map_or(common::hash(9), |parent| parent.hash);
    let time = time(n % 6);
    let mut all: Vec<Fact> = facts.iter().filter(|fact| is_of(fact, chain)).cloned().collect();
    all.push(Fact::Block(BlockFact {
        chain,
        hash: Some(hash),
        parent: Some(parent),
        height: Some(height),
        time,
        work: None,
    }));
    FollowedBlock { chain, height, hash, parent, time, unseen: String::new(), facts: all }
}

fn is_of(fact: &Fact, chain: Chain) -> bool {
    chain
        == match fact {
            Fact::Transfer { transfer, .. } => transfer.tx.chain,
            Fact::Utxo(tx) => tx.id.chain,
            Fact::Block(block) => block.chain,
            Fact::TracesCover { chain, .. } => *chain,
            Fact::Failed { tx } | Fact::NftLog { tx, .. } | Fact::Coinbase { tx, .. } => tx.chain,
            Fact::Asset(meta) => meta.asset.chain,
            Fact::Freeze(freeze) => freeze.tx.chain,
            Fact::Oddity(_) => chain,
        }
}

impl Home {
    fn new() -> Home {
        let catalog = Catalog::open_in_memory().expect("opens");
        let writer = catalog.writer("test").expect("nobody else writes");
        let shelf = Shelf::in_memory();
        Home { catalog, writer, shelf, gathered: Vec::new(), followed: Default::default(), made: 0 }
    }

    fn make(&mut self, one: Move) {
        match one {
            Move::Follow(is_eth, facts) => {
                self.made += 1;
                let (chain, at) = (chain(is_eth), usize::from(!is_eth));
                let next = block(chain, self.followed[at].last(), self.made, &facts);
                let layers = self.layers();
                let (catalog, writer) = (&mut self.catalog, &self.writer);
                hot::append(catalog, writer, &layers, std::slice::from_ref(&next))
                    .expect("follows");
                self.followed[at].push(next);
            }
            Move::Unwind(is_eth, count) => {
                let followed = &mut self.followed[usize::from(!is_eth)];
                followed.truncate(followed.len().saturating_sub(count));
                let to = followed.last().map(|block| block.height);
                let layers = self.layers();
                let (catalog, writer) = (&mut self.catalog, &self.writer);
                hot::unwind(catalog, writer, &layers, chain(is_eth), to).expect("unwinds");
            }
            Move::Gather(facts) => self.gather(&facts),
            Move::Merge => self.merge(),
            Move::Finalise(is_eth, count) => self.finalise(is_eth, count),
        }
    }

    fn gather(&mut self, facts: &[Fact]) {
        let layers = self.layers();
        let record = FileRecord { name: "facts".into(), purpose: "test".into(), bytes: 7 };
        let (writer, shelf) = (self.writer.clone(), self.shelf.clone());
        let mut batch = Batch::begin(&self.catalog, writer, shelf, layers, record, SIZES);
        facts.iter().for_each(|fact| batch.put(fact).expect("puts"));
        batch.commit(&format!("file {}", self.gathered.len())).expect("commits");
        self.gathered.extend_from_slice(facts);
    }

    fn merge(&mut self) {
        while let Some(merging) = merging::next(&self.layers(), &SIZES) {
            let written = merging.write(&self.writer, &self.shelf).expect("merges");
            let (catalog, writer, shelf) = (&mut self.catalog, &self.writer, &self.shelf);
            merging::install(catalog, writer, shelf, &merging, written).expect("installs");
        }
    }

    fn finalise(&mut self, is_eth: bool, count: usize) {
        let (chain, at) = (chain(is_eth), usize::from(!is_eth));
        let count = count.min(self.followed[at].len());
        let Some(last) = self.followed[at][..count].last().map(|block| block.height) else {
            return;
        };
        let layers = self.layers();
        let facts = hot::final_facts(&self.catalog, &layers, chain, last).expect("reads");
        self.gather(&facts);
        check_same(&self.snapshot(), &self.memory());
        let layers = self.layers();
        let (catalog, writer) = (&mut self.catalog, &self.writer);
        hot::drop_final(catalog, writer, &layers, chain, last).expect("drops");
        self.followed[at].drain(..count);
    }

    fn layers(&mut self) -> Layers {
        let state = self.catalog.state().expect("reads");
        self.shelf.layers(&state).expect("opens").expect("nobody merged meanwhile")
    }

    fn snapshot(&mut self) -> Snapshot {
        let state = self.catalog.state().expect("reads");
        Snapshot::new(&self.layers(), hot::assets(&state).expect("reads"), None)
    }

    fn memory(&self) -> Memory {
        let followed = self.followed.iter().flatten().flat_map(|block| block.facts.clone());
        Memory::from_facts(self.gathered.iter().cloned().chain(followed))
    }
}
