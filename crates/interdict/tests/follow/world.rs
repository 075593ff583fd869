//! A made-up chain that forks as a test likes, and nodes that show it well or badly.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chain::source::{Block, BlockRef, Internal, Kind, Lie, Sees, SourceError};
use interdict::follow::Node;
use interdict::follow::node::Answer;
use model::{
    Address, Asset, BlockFact, Chain, Evidence, Fact, Position, TimeSource, Timestamp, Transfer,
    TransferKind, TxHash, TxId, U256,
};

/// The blocks that stand, by height. On a chain that skips heights some have none.
pub struct World {
    pub chain: Chain,
    blocks: BTreeMap<u64, Block>,
    random: Random,
    /// The highest block there ever was.
    pub highest: u64,
}

/// Numbers that look random and are the same each time.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// splitmix64: <https://prng.di.unimi.it/splitmix64.c>
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

impl World {
    /// A chain with its first block.
    pub fn new(chain: Chain, seed: u64) -> World {
        let mut random = Random::new(seed);
        let genesis = block(chain, 0, TxHash::new(&[0; 32]), &mut random);
        World { chain, blocks: BTreeMap::from([(0, genesis)]), random, highest: 0 }
    }

    pub fn mine(&mut self, count: u64) {
        for _ in 0..count {
            let (tip, parent) = (self.tip().at.height, self.tip().at.hash);
            let skipped = match self.chain {
                Chain::Solana(_) if self.random.below(4) == 0 => 1 + self.random.below(3),
                _ => 0,
            };
            // Below what is kept even an empty slot is final: no block comes there later.
            let least = match self.chain {
                Chain::Solana(_) => (self.highest + 1).saturating_sub(super::UNDO),
                _ => 0,
            };
            let height = (tip + 1 + skipped).max(least);
            let next = block(self.chain, height, parent, &mut self.random);
            self.highest = self.highest.max(next.at.height);
            self.blocks.insert(next.at.height, next);
        }
    }

    /// Takes back so many heights, and mines others.
    pub fn reorganise(&mut self, depth: u64, count: u64) {
        let to = self.tip().at.height.saturating_sub(depth);
        self.blocks.retain(|height, _| *height <= to || *height == 0);
        self.mine(count);
    }

    pub fn tip(&self) -> &Block {
        self.blocks.values().next_back().expect("the first block stays")
    }

    /// The block a chain with so many on top of it ends at.
    pub fn facts_from(&self, height: u64) -> Vec<Fact> {
        self.blocks.range(height..).flat_map(|(_, block)| block.facts.clone()).collect()
    }

    pub fn blocks(&self) -> Vec<Block> {
        self.blocks.values().cloned().collect()
    }

    /// The same chain up to here, to go its own way above.
    pub fn fork(&self, to: u64, seed: u64) -> World {
        let blocks = self.blocks.range(..=to).map(|(height, block)| (*height, block.clone()));
        World {
            chain: self.chain,
            blocks: blocks.collect(),
            random: Random::new(seed),
            highest: self.highest,
        }
    }
}

/// A block of a few payments among a few accounts. A transaction may come again in another block, as
/// those of a block that was taken back do.
fn block(chain: Chain, height: u64, parent: TxHash, random: &mut Random) -> Block {
    let mut bytes = [0; 32];
    for eight in bytes.chunks_mut(8) {
        eight.copy_from_slice(&random.next().to_le_bytes());
    }
    let hash = TxHash::new(&bytes);
    let time = Timestamp::from_second(1_700_000_000 + height.cast_signed() * 10).expect("in range");
    let at = BlockRef { height, hash, parent, time };
    let itself = BlockFact {
        chain,
        hash: Some(hash),
        parent: Some(parent),
        height: Some(height),
        time,
        work: None,
    };
    let mut facts = vec![Fact::Block(itself)];
    for index in 0..u32::try_from(random.below(4)).expect("few") {
        facts.push(payment(chain, &at, index, random));
    }
    Block { at, facts }
}

fn payment(chain: Chain, at: &BlockRef, index: u32, random: &mut Random) -> Fact {
    // Few enough that the same ones come on both sides of a fork.
    let mut hash = [0; 64];
    hash[..8].copy_from_slice(&at.height.to_be_bytes());
    hash[8] = u8::try_from(index).expect("few");
    hash[9] = u8::try_from(random.below(2)).expect("few");
    let length = if matches!(chain, Chain::Solana(_)) { 64 } else { 32 };
    let mut account = || {
        let byte = u8::try_from(random.below(9)).expect("few");
        match chain {
            Chain::Solana(_) => Address::Solana([byte; 32]),
            _ => Address::Evm([byte; 20]),
        }
    };
    let (from, to) = (account(), account());
    let transfer = Transfer {
        tx: TxId { chain, hash: TxHash::new(&hash[..length]) },
        position: Position::Call(Box::default()),
        height: Some(at.height),
        tx_index: Some(index),
        time: at.time,
        time_source: TimeSource::Stated,
        from: Some(from),
        to: Some(to),
        asset: Asset::native(chain),
        amount: U256::from(random.below(1_000)),
        kind: TransferKind::Value,
    };
    Fact::Transfer { transfer, evidence: Evidence::Transaction }
}

/// How badly a node does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Of a hundred questions so many are not answered.
    pub failing: u64,
    /// An answer takes up to so many milliseconds.
    pub slow_ms: u64,
    /// It knows so many of the newest blocks not yet.
    pub behind: u64,
    /// It speaks of so many blocks more than there are.
    pub boasts: u64,
    /// It is not there.
    pub is_gone: bool,
    /// It gives other blocks than it is asked for.
    pub lies: bool,
}

pub struct FakeNode {
    name: String,
    world: Arc<Mutex<World>>,
    faults: Mutex<Faults>,
    random: Mutex<Random>,
}

impl FakeNode {
    pub fn new(name: &str, world: &Arc<Mutex<World>>, seed: u64) -> Arc<FakeNode> {
        Arc::new(FakeNode {
            name: name.into(),
            world: world.clone(),
            faults: Mutex::default(),
            random: Mutex::new(Random::new(seed)),
        })
    }

    pub fn set(&self, faults: Faults) {
        *self.faults.lock().expect("not poisoned") = faults;
    }

    fn faults(&self) -> Faults {
        *self.faults.lock().expect("not poisoned")
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("not poisoned")
    }

    fn below(&self, end: u64) -> u64 {
        self.random.lock().expect("not poisoned").below(end)
    }

    fn error(&self, kind: Kind) -> SourceError {
        SourceError::new(&self.name, kind).on(self.world().chain)
    }

    async fn answer<T>(
        &self,
        height: Option<u64>,
        find: impl FnOnce(&World) -> Option<T>,
    ) -> Result<T, SourceError> {
        let faults = self.faults();
        tokio::time::sleep(Duration::from_millis(1 + self.below(faults.slow_ms + 1))).await;
        if faults.is_gone {
            return Err(self.error(Kind::Transient("no connection".into())));
        }
        if faults.lies {
            let asked = height.unwrap_or_default();
            let lie = Kind::from(Lie::WrongHeight { asked, given: asked + 1 });
            return Err(self.error(lie));
        }
        if self.below(100) < faults.failing {
            let kind = match self.below(4) {
                0 => Kind::RateLimited { after: None },
                1 => Kind::NotFound,
                _ => Kind::Transient("the connection broke".into()),
            };
            // A tip is always there.
            let is_tip = height.is_none() && matches!(kind, Kind::NotFound);
            let kind = if is_tip { Kind::Transient("a timeout".into()) } else { kind };
            return Err(self.error(kind));
        }
        let world = self.world();
        let found = find(&world);
        let is_skipped = matches!(world.chain, Chain::Solana(_))
            && height.is_some_and(|height| height <= self.last(&world));
        drop(world);
        let absence = if is_skipped { Kind::Skipped } else { Kind::NotFound };
        found.ok_or_else(|| self.error(absence))
    }

    /// The newest block this node knows.
    fn last(&self, world: &World) -> u64 {
        let last = world.tip().at.height.saturating_sub(self.faults().behind);
        world.blocks.range(..=last).next_back().map_or(0, |(height, _)| *height)
    }

    fn known(&self, world: &World, height: u64) -> Option<Block> {
        world.blocks.get(&height).filter(|_| height <= self.last(world)).cloned()
    }
}

impl Node for FakeNode {
    fn name(&self) -> &str {
        &self.name
    }

    fn sees(&self) -> Option<Sees> {
        Some(Sees { internal: Internal::Plain, tips: true })
    }

    fn tip(&self) -> Answer<'_, BlockRef> {
        Box::pin(self.answer(None, move |world| {
            let last = self.last(world);
            let mut tip = self.known(world, last)?.at;
            let boasts = self.faults().boasts;
            if boasts > 0 {
                tip.height += boasts;
                tip.hash = TxHash::new(&[0xbb; 32]);
                tip.parent = TxHash::new(&[0xba; 32]);
            }
            Some(tip)
        }))
    }

    fn header(&self, height: u64) -> Answer<'_, BlockRef> {
        Box::pin(self.answer(Some(height), move |world| Some(self.known(world, height)?.at)))
    }

    fn block(&self, height: u64) -> Answer<'_, Block> {
        Box::pin(self.answer(Some(height), move |world| self.known(world, height)))
    }

    fn finalized(&self) -> Answer<'_, Option<u64>> {
        Box::pin(self.answer(None, |world| Some(Some(world.tip().at.height.saturating_sub(12)))))
    }

    fn changed(&self) -> Answer<'_, ()> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(())
        })
    }
}
