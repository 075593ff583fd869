//! Blocks of a range, read many at once and handed on in order.
//!
//! What was read and waits for its turn is bounded: by how many facts it holds, as far as the blocks so
//! far let expect, and by how many blocks.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use chain::source::Block;
use tokio::task::JoinSet;

use super::node::skips_heights;
use super::nodes::Nodes;
use super::trouble::Trouble;

/// How much may be under way.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Blocks asked for at once.
    pub at_once: usize,
    /// Facts held in memory, about.
    pub facts: usize,
}

impl Default for Room {
    fn default() -> Room {
        Room { at_once: 32, facts: 200_000 }
    }
}

/// A block, and which node gave it.
pub struct Fetched {
    pub by: usize,
    pub block: Block,
}

pub struct Fetch {
    nodes: Arc<Nodes>,
    /// Only this node is asked: all blocks are of its branch.
    only: Option<usize>,
    room: Room,
    heights: RangeInclusive<u64>,
    /// The next to be handed on.
    next: u64,
    /// The next to be asked for; none when all were.
    ask: Option<u64>,
    asked: JoinSet<(u64, Result<Option<Fetched>, Trouble>)>,
    read: BTreeMap<u64, Option<Fetched>>,
    facts: usize,
    /// The largest block of late: what the next ones are expected to be.
    expected: usize,
}

impl Fetch {
    /// Of any node that answers.
    pub fn of_any(nodes: Arc<Nodes>, heights: RangeInclusive<u64>, room: Room) -> Fetch {
        Fetch::new(nodes, None, heights, room)
    }

    pub fn of_one(
        nodes: Arc<Nodes>,
        node: usize,
        heights: RangeInclusive<u64>,
        room: Room,
    ) -> Fetch {
        Fetch::new(nodes, Some(node), heights, room)
    }

    fn new(
        nodes: Arc<Nodes>,
        only: Option<usize>,
        heights: RangeInclusive<u64>,
        room: Room,
    ) -> Fetch {
        let next = *heights.start();
        Fetch {
            nodes,
            only,
            room,
            next,
            ask: (!heights.is_empty()).then_some(next),
            heights,
            asked: JoinSet::new(),
            read: BTreeMap::new(),
            facts: 0,
            expected: 0,
        }
    }

    /// The next block; heights without one are passed over. None at the end of the range.
    pub async fn next(&mut self) -> Result<Option<Fetched>, Trouble> {
        loop {
            self.fill();
            if let Some(read) = self.read.remove(&self.next) {
                self.next += 1;
                let Some(fetched) = read else { continue };
                self.facts -= fetched.block.facts.len();
                return Ok(Some(fetched));
            }
            let Some(done) = self.asked.join_next().await else { return Ok(None) };
            let (height, read) = done.map_err(|_| self.lost())?;
            let read = read?;
            if let Some(fetched) = &read {
                let facts = fetched.block.facts.len();
                self.facts += facts;
                self.expected = facts.max(self.expected - self.expected / 8);
            }
            self.read.insert(height, read);
        }
    }

    /// Is the next one here already, so that asking for it takes no time?
    pub fn is_next_here(&self) -> bool {
        self.read.get(&self.next).is_some_and(Option::is_some)
    }

    fn fill(&mut self) {
        while let Some(height) = self.ask.filter(|_| self.has_room()) {
            let (nodes, only) = (self.nodes.clone(), self.only);
            self.asked.spawn(async move { (height, read(&nodes, only, height).await) });
            self.ask = (height < *self.heights.end()).then(|| height + 1);
        }
    }

    fn has_room(&self) -> bool {
        let under_way = self.asked.len() + self.read.len();
        // The next one is always asked for, whatever it holds.
        under_way == 0
            || self.asked.len() < self.room.at_once
                && under_way < self.room.at_once * 8
                && self.facts + (self.asked.len() + 1) * self.expected <= self.room.facts
    }

    fn lost(&self) -> Trouble {
        Trouble::Replaced { chain: self.nodes.chain(), height: self.next }
    }
}

/// One that is not answered is asked for again before those that came after it are thrown away.
async fn read(nodes: &Nodes, only: Option<usize>, height: u64) -> Result<Option<Fetched>, Trouble> {
    let mut pause = PAUSE;
    loop {
        let read = read_once(nodes, only, height).await;
        let is_to_be_repeated = match &read {
            Err(Trouble::Node(error)) => error.is_transient(),
            // All rest for a moment; or one was behind.
            Err(Trouble::NoNode { all_aside: false, .. }) => true,
            Err(Trouble::Replaced { .. }) => only.is_none(),
            _ => false,
        };
        if !is_to_be_repeated || pause > PAUSE_MAX {
            return read;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

/// Between two times a block is asked for: four in all.
const PAUSE: Duration = Duration::from_millis(300);
const PAUSE_MAX: Duration = Duration::from_millis(1_200);

async fn read_once(
    nodes: &Nodes,
    only: Option<usize>,
    height: u64,
) -> Result<Option<Fetched>, Trouble> {
    let found = match only {
        None => nodes.any_block(height).await?,
        Some(node) => match nodes.block(node, height).await {
            Ok(block) => Some((node, block)),
            Err(error) if error.kind.is_absence() => None,
            Err(error) => return Err(Trouble::Node(error)),
        },
    };
    match found {
        Some((by, block)) => Ok(Some(Fetched { by, block })),
        None if skips_heights(nodes.chain()) => Ok(None),
        // It was there when the tip was looked at.
        None => Err(Trouble::Replaced { chain: nodes.chain(), height }),
    }
}
