//! Chains followed through the store: appended, unwound, made final, backfilled in any order, with files
//! between and the store opened again. What is shown is always what memory shows of the facts that remain.

mod common;
#[path = "common/facts.rs"]
#[allow(dead_code, reason = "each file of tests uses its part")]
mod facts;

use std::collections::BTreeMap;
use std::path::Path;

use common::{CHAINS, check_same, file, import, time};
use facts::fact;
use model::{BlockFact, Chain, Fact, Memory, Oddity, TxHash, View};
use proptest::prelude::*;
use store::ingest::Sizes;
use store::{FollowedBlock, Following, Gather, Store, StoreError};

const SIZES: Sizes = Sizes { run_rows: 6, fan_out: 2, segment_rows: 60, runs_max: 0 };
const GATHER: Gather = Gather { blocks: 3, transfers: 9, facts: 20 };
/// The first block that is followed at the tip; those below are backfilled.
const START: u64 = 20;

#[derive(Clone, Debug)]
enum Move {
    /// The facts of the next blocks, of whichever chain.
    Append(bool, Vec<Vec<Fact>>),
    /// How many blocks are dropped.
    Unwind(bool, usize),
    /// How many of the hot blocks are final, and whether that is now.
    Finalise(bool, usize, bool),
    /// Old blocks, from a height on.
    Backfill(bool, u64, Vec<Vec<Fact>>),
    /// Blocks above the last one, where all are final.
    CatchUp(bool, Vec<Vec<Fact>>),
    Flush,
    Import(Vec<Fact>),
    Reopen,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let told = |most| prop::collection::vec(prop::collection::vec(fact(), 0..6), 1..most);
    let chain = any::<bool>;
    let one = prop_oneof![
        6 => (chain(), told(3)).prop_map(|(is_eth, told)| Move::Append(is_eth, told)),
        2 => (chain(), 0usize..5).prop_map(|(is_eth, count)| Move::Unwind(is_eth, count)),
        3 => (chain(), 0usize..5, any::<bool>())
            .prop_map(|(is_eth, count, now)| Move::Finalise(is_eth, count, now)),
        3 => (chain(), 1..START, told(5))
            .prop_map(|(is_eth, first, told)| Move::Backfill(is_eth, first, told)),
        1 => (chain(), told(4)).prop_map(|(is_eth, told)| Move::CatchUp(is_eth, told)),
        1 => Just(Move::Flush),
        2 => prop::collection::vec(fact(), 0..12).prop_map(Move::Import),
        1 => Just(Move::Reopen),
    ];
    prop::collection::vec(one, 0..16)
}

fn cases(most: u32) -> u32 {
    let asked = std::env::var("ENGINE_CASES").ok().and_then(|cases| cases.parse().ok());
    asked.map_or(most, |asked: u32| asked.min(most * 10))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(150), ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_it_is_what_remains(moves in moves()) {
        let mut home = Home::new(None);
        for one in moves {
            home.make(one);
            home.check();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(20), ..ProptestConfig::default() })]

    #[test]
    fn another_process_sees_the_same_at_once(moves in moves()) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut home = Home::new(Some(folder.path()));
        let mut reader = Store::open(folder.path()).expect("opens");
        for one in moves {
            home.make(one);
            home.check();
            reader.refresh().expect("reads");
            check_same(&reader, &home.memory());
            assert_eq!(reader.followed().expect("reads"), home.store().followed().expect("reads"));
        }
    }
}

struct Home<'a> {
    path: Option<&'a Path>,
    following: Option<Following>,
    chains: [Known; 2],
    gathered: Vec<Fact>,
    made: u8,
}

/// What one chain should hold.
#[derive(Default)]
struct Known {
    /// Facts by height: a height that is told again keeps what it told.
    held: BTreeMap<u64, Vec<Fact>>,
    waiting: Vec<FollowedBlock>,
    hot: Vec<FollowedBlock>,
    tip: Option<(u64, TxHash)>,
}

fn chain(is_eth: bool) -> Chain {
    CHAINS[usize::from(!is_eth)]
}

fn hash(n: u64) -> TxHash {
    TxHash::new(&[u8::try_from(n).expect("small"); 32])
}

fn block(chain: Chain, height: u64, own: TxHash, parent: TxHash, told: &[Fact]) -> FollowedBlock {
    let time = time(u8::try_from(height % 6).expect("small"));
    let mut facts: Vec<Fact> = told.iter().filter(|fact| is_of(fact, chain)).cloned().collect();
    let (own_hash, parent_hash) = (Some(own), Some(parent));
    facts.push(Fact::Block(BlockFact {
        chain,
        hash: own_hash,
        parent: parent_hash,
        height: Some(height),
        time,
        work: None,
    }));
    FollowedBlock { chain, height, hash: own, parent, time, unseen: String::new(), facts }
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

impl Home<'_> {
    fn new(path: Option<&Path>) -> Home<'_> {
        let store = match path {
            Some(path) => Store::open(path),
            None => Store::open_in_memory(),
        };
        let mut home = Home {
            path,
            following: None,
            chains: Default::default(),
            gathered: Vec::new(),
            made: 0,
        };
        home.follow(store.expect("opens"));
        home
    }

    fn follow(&mut self, mut store: Store) {
        store.set_sizes(SIZES);
        let mut following = store.follow().expect("nobody else writes");
        following.set_gather(GATHER);
        self.following = Some(following);
    }

    fn following(&mut self) -> &mut Following {
        self.following.as_mut().expect("it is open")
    }

    fn store(&self) -> &Store {
        self.following.as_ref().expect("it is open").store()
    }

    fn make(&mut self, one: Move) {
        match one {
            Move::Append(is_eth, told) => self.append(is_eth, &told),
            Move::Unwind(is_eth, count) => self.unwind(is_eth, count),
            Move::Finalise(is_eth, count, now) => self.finalise(is_eth, count, now),
            Move::Backfill(is_eth, first, told) => self.backfill(is_eth, first, &told),
            Move::CatchUp(is_eth, told) => self.catch_up(is_eth, &told),
            Move::Flush => {
                self.following().flush().expect("flushes");
                self.chains.iter_mut().for_each(Known::flush);
            }
            Move::Import(facts) => {
                let mut store = self.end();
                let name = format!("file {}", self.gathered.len());
                import(&mut store, &name, &facts);
                self.gathered.extend(facts);
                self.follow(store);
            }
            Move::Reopen => {
                let store = self.end();
                let Some(path) = self.path else { return self.follow(store) };
                drop(store);
                self.follow(Store::open(path).expect("opens again"));
            }
        }
    }

    /// What waits is lost.
    fn end(&mut self) -> Store {
        self.chains.iter_mut().for_each(|known| known.waiting.clear());
        self.following.take().expect("it is open").into_store()
    }

    fn next(&mut self, is_eth: bool, told: &[Vec<Fact>]) -> Vec<FollowedBlock> {
        let mut tip = self.chains[usize::from(!is_eth)].tip.unwrap_or((START - 1, hash(START - 1)));
        let mut blocks = Vec::new();
        for told in told {
            self.made += 1;
            let next = (tip.0 + 1, hash(100 + u64::from(self.made)));
            blocks.push(block(chain(is_eth), next.0, next.1, tip.1, told));
            tip = next;
        }
        blocks
    }

    fn append(&mut self, is_eth: bool, told: &[Vec<Fact>]) {
        let blocks = self.next(is_eth, told);
        self.following().append(&blocks).expect("follows");
        let known = &mut self.chains[usize::from(!is_eth)];
        if known.hot.is_empty() {
            known.flush();
        }
        known.tip = blocks.last().map(|block| (block.height, block.hash));
        known.hot.extend(blocks);
    }

    fn unwind(&mut self, is_eth: bool, count: usize) {
        let known = &mut self.chains[usize::from(!is_eth)];
        let Some((tip, _)) = known.tip else { return };
        let to = tip - count as u64;
        let is_final = known.hot.len() < count && !known.held.is_empty();
        let is_final = is_final && known.held.last_key_value().is_some_and(|held| *held.0 > to);
        let unwound = self.following.as_mut().expect("it is open").unwind(chain(is_eth), to);
        assert_eq!(unwound.is_err(), is_final, "{unwound:?}");
        if !is_final {
            while known.hot.last().is_some_and(|last| last.height > to) {
                let gone = known.hot.pop().expect("it was just there");
                known.tip = Some((gone.height - 1, gone.parent));
            }
        }
    }

    fn finalise(&mut self, is_eth: bool, count: usize, now: bool) {
        let known = &mut self.chains[usize::from(!is_eth)];
        let count = count.min(known.hot.len());
        let Some(up_to) = known.hot[..count].last().map(|block| block.height) else { return };
        let following = self.following.as_mut().expect("it is open");
        let is_done = if now {
            following.finalise_now(chain(is_eth), up_to)
        } else {
            following.finalise(chain(is_eth), up_to)
        };
        let is_done = is_done.expect("moves");
        assert!(is_done || (!now && count < GATHER.blocks));
        if is_done {
            let done: Vec<FollowedBlock> = known.hot.drain(..count).collect();
            done.into_iter().for_each(|block| known.hold(block));
        }
    }

    fn backfill(&mut self, is_eth: bool, first: u64, told: &[Vec<Fact>]) {
        let heights = first..START;
        let blocks: Vec<FollowedBlock> = heights
            .zip(told)
            .map(|(n, told)| block(chain(is_eth), n, hash(n), hash(n - 1), told))
            .collect();
        self.wait(is_eth, blocks);
    }

    fn catch_up(&mut self, is_eth: bool, told: &[Vec<Fact>]) {
        let known = &self.chains[usize::from(!is_eth)];
        if !known.hot.is_empty() || known.waiting.iter().any(|block| block.height >= START) {
            return;
        }
        let blocks = self.next(is_eth, told);
        self.chains[usize::from(!is_eth)].tip =
            blocks.last().map(|block| (block.height, block.hash));
        self.wait(is_eth, blocks);
        // Lost, it would leave a tip that is not there.
        self.make(Move::Flush);
    }

    fn wait(&mut self, is_eth: bool, blocks: Vec<FollowedBlock>) {
        let known = &mut self.chains[usize::from(!is_eth)];
        known.waiting.extend(blocks.iter().cloned());
        if known.waiting.iter().map(|block| block.facts.len()).sum::<usize>() >= GATHER.facts {
            known.flush();
        }
        let following = self.following.as_mut().expect("it is open");
        following.backfill(chain(is_eth), blocks).expect("fits");
    }

    fn check(&self) {
        let store = self.store();
        let memory = self.memory();
        check_same(store, &memory);
        assert_eq!(store.freezes_all(None).expect("reads"), memory.freezes());
        let following = self.following.as_ref().expect("it is open");
        let followed = store.followed().expect("reads");
        for (chain, known) in CHAINS.into_iter().zip(&self.chains) {
            let hot: Vec<(u64, TxHash)> =
                known.hot.iter().map(|block| (block.height, block.hash)).collect();
            assert_eq!(following.recent(chain), hot);
            let status = followed.iter().find(|status| status.chain == chain);
            let shown = |height| status.is_some_and(|status| status.ranges.at(height).is_some());
            let last = known.hot.last().map_or(0, |block| block.height).max(50);
            for height in 0..=last {
                let is_hot = known.hot.iter().any(|block| block.height == height);
                assert_eq!(shown(height), is_hot || known.held.contains_key(&height), "{height}");
            }
            let tip = following.tip(chain).map(|tip| (tip.height, tip.hash));
            let is_any = known.held.keys().any(|height| *height >= START) || !known.hot.is_empty();
            assert!(!is_any || tip == known.tip, "{tip:?}, expected {:?}", known.tip);
            check_whole(store, chain, known);
        }
        self.check_oddities();
    }

    fn check_oddities(&self) {
        let is_odd = |fact: &&Fact| matches!(fact, Fact::Oddity(_));
        let of_blocks = |known: &Known| {
            let held = known.held.values().flatten().filter(is_odd).count();
            held + known.hot.iter().flat_map(|block| &block.facts).filter(is_odd).count()
        };
        let odd: usize = self.chains.iter().map(of_blocks).sum();
        let odd = odd + self.gathered.iter().filter(is_odd).count();
        assert_eq!(self.store().oddities(1000).expect("reads").len(), odd);
    }

    fn memory(&self) -> Memory {
        let mut facts = self.gathered.clone();
        for known in &self.chains {
            facts.extend(known.held.values().flatten().cloned());
            facts.extend(known.hot.iter().flat_map(|block| block.facts.clone()));
        }
        Memory::from_facts(facts)
    }
}

impl Known {
    fn hold(&mut self, block: FollowedBlock) {
        self.held.entry(block.height).or_default().extend(block.facts);
    }

    fn flush(&mut self) {
        for block in std::mem::take(&mut self.waiting) {
            self.hold(block);
        }
    }
}

/// Whole is what is held from the first height to the last, no more and no less.
fn check_whole(store: &Store, chain: Chain, known: &Known) {
    let coverage = store.coverage().expect("answers");
    let Some(coverage) = coverage.iter().find(|coverage| coverage.chain == chain) else { return };
    let holds = |height: u64| {
        known.held.contains_key(&height) || known.hot.iter().any(|block| block.height == height)
    };
    let is_whole = match (coverage.height_first, coverage.height_last) {
        (Some(first), Some(last)) => (first..=last).all(holds),
        _ => false,
    };
    assert_eq!(coverage.is_complete, is_whole);
}

const ETH: Chain = Chain::ETHEREUM;

fn plain(height: u64) -> FollowedBlock {
    block(ETH, height, hash(height), hash(height - 1), &[])
}

fn blocks(heights: std::ops::RangeInclusive<u64>) -> Vec<FollowedBlock> {
    heights.map(plain).collect()
}

fn follow(home: &Path) -> Following {
    Store::open(home).and_then(Store::follow).expect("nobody else writes")
}

#[test]
fn a_chain_goes_on_where_it_stopped_and_a_fork_is_noticed() {
    let home = tempfile::tempdir().expect("a folder");
    let mut following = follow(home.path());
    following.backfill(ETH, blocks(1..=9)).expect("fits");
    following.append(&blocks(10..=14)).expect("follows what was backfilled");
    following.finalise_now(ETH, 12).expect("moves");
    drop(following);

    let mut following = follow(home.path());
    assert_eq!(following.recent(ETH), [(13, hash(13)), (14, hash(14))]);
    let last = following.last_final(ETH).expect("is there");
    assert_eq!((last.height, last.hash, last.is_final), (12, hash(12), true));
    let other = |height| block(ETH, height, hash(99), hash(98), &[]);
    let fork = following.append(&[other(15)]).expect_err("no child of block 14");
    assert!(matches!(fork, StoreError::Fork { height: 14, is_final: false, .. }), "{fork}");
    let text = following.unwind(ETH, 11).expect_err("final").to_string();
    assert!(text.contains("eip155:1") && text.contains("blocks up to 12 are final"), "{text}");
    following.unwind(ETH, 12).expect("unwinds");
    let fork = following.append(&[other(13)]).expect_err("no child of block 12");
    assert!(matches!(fork, StoreError::Fork { height: 12, is_final: true, .. }), "{fork}");
    assert_eq!(following.tip(ETH).map(|tip| tip.height), Some(12));

    drop(following);
    let mut following = follow(home.path());
    let fork = following.append(&[other(13)]).expect_err("no child of block 12");
    assert!(matches!(fork, StoreError::Fork { height: 12, is_final: true, .. }), "{fork}");
    let text = following.append(&[plain(12)]).expect_err("it is held").to_string();
    assert!(text.contains("blocks up to 12 are final"), "{text}");
    following.append(&blocks(13..=13)).expect("goes on");
    let status = following.store().followed().expect("reads").remove(0);
    assert_eq!(status.hot, Some(13..=13));
    assert_eq!(status.ranges.missing(0..=20), [0..=0, 14..=20]);
}

#[test]
fn where_heights_are_skipped_the_last_final_block_is_known_by_its_own() {
    let chain = Chain::Solana(model::chain::SolanaNetwork::Mainnet);
    let slot = |height: u64, parent: u64| block(chain, height, hash(height), hash(parent), &[]);
    let home = tempfile::tempdir().expect("a folder");
    let mut following = follow(home.path());
    following.backfill(chain, vec![slot(3, 2), slot(5, 3)]).expect("fits");
    following.append(&[slot(9, 5), slot(12, 9), slot(13, 12)]).expect("follows");
    let last_final = |following: &Following| {
        let last = following.last_final(chain).expect("is there");
        (last.height, last.hash)
    };
    assert_eq!(last_final(&following), (5, hash(5)));
    // In a slot that was empty there is a block after all, and another branch on it.
    following.unwind(chain, 5).expect("unwinds");
    assert_eq!(following.tip(chain).map(|tip| (tip.height, tip.hash)), Some((5, hash(5))));
    assert_eq!(following.missing(chain, 3..=9), [6..=9]);
    following.append(&[slot(7, 5), slot(10, 7), slot(14, 10)]).expect("follows");
    assert_eq!(following.missing(chain, 3..=14), []);
    assert!(following.finalise_now(chain, 12).expect("moves"));
    assert_eq!(last_final(&following), (10, hash(10)));
    drop(following);

    let mut following = follow(home.path());
    assert_eq!(last_final(&following), (10, hash(10)));
    following.unwind(chain, 9).expect_err("final");
    following.unwind(chain, 10).expect("unwinds");
    following.append(&[slot(11, 10)]).expect("follows");
    let status = following.store().followed().expect("reads").remove(0);
    let held: Vec<_> = status.ranges.iter().map(|range| (range.first, range.last)).collect();
    assert_eq!(held, [(3, 11)], "as it is shown, one range");
}

/// Found by the test above.
#[test]
fn what_waits_knows_nothing_of_what_is_unwound() {
    let mut following = Store::open_in_memory().and_then(Store::follow).expect("opens");
    following.append(&blocks(20..=20)).expect("follows");
    following.backfill(ETH, blocks(1..=3)).expect("fits");
    following.unwind(ETH, 19).expect("unwinds");
    assert_eq!(following.missing(ETH, 1..=20), [4..=20]);
    let other = block(ETH, 20, hash(99), hash(19), &[]);
    following.backfill(ETH, vec![other]).expect("the other is gone");
    following.flush().expect("flushes");
    assert_eq!(following.tip(ETH).map(|tip| tip.hash), Some(hash(99)));
}

#[test]
fn ranges_that_do_not_fit_are_refused() {
    let mut following = Store::open_in_memory().and_then(Store::follow).expect("opens");
    following.backfill(ETH, blocks(20..=29)).expect("fits");
    let mut gap = blocks(10..=19);
    gap[9].hash = hash(99);
    let fork = following.backfill(ETH, gap).expect_err("block 20 has another parent");
    assert!(matches!(fork, StoreError::Fork { height: 19, .. }), "{fork}");
    following.flush().expect("flushes");
    assert_eq!(following.missing(ETH, 1..=29), [1..=19]);
    let mut broken = blocks(10..=19);
    broken[4].hash = hash(98);
    following.backfill(ETH, broken).expect_err("block 15 has another parent");
    following.backfill(ETH, blocks(10..=19)).expect("fits");
    assert_eq!(following.missing(ETH, 1..=29), [1..=9]);
    following.append(&blocks(31..=32)).expect("a gap may be left");
    let text = following.backfill(ETH, blocks(30..=31)).expect_err("31 is hot").to_string();
    assert!(text.contains("blocks from 31 on are hot"), "{text}");
    following.backfill(ETH, blocks(30..=30)).expect("fits both ends");
    following.flush().expect("flushes");
    assert_eq!(following.missing(ETH, 10..=33), [33..=33]);
}

#[test]
fn what_a_node_could_not_see_is_kept_with_the_blocks() {
    let mut following = Store::open_in_memory().and_then(Store::follow).expect("opens");
    let unseen = |mut blocks: Vec<FollowedBlock>| {
        blocks.iter_mut().for_each(|block| block.unseen = "internal value".into());
        blocks
    };
    following.backfill(ETH, unseen(blocks(1..=9))).expect("fits");
    following.append(&[unseen(blocks(10..=10)), blocks(11..=12)].concat()).expect("follows");
    let ranges = |following: &Following| {
        let ranges = following.store().followed().expect("reads").remove(0).ranges;
        let shown = |range: &store::FollowedRange| (range.first, range.last, range.unseen.clone());
        ranges.iter().map(shown).collect::<Vec<_>>()
    };
    let not = "internal value".to_string();
    assert_eq!(ranges(&following), [(1, 10, not.clone()), (11, 12, String::new())]);
    // A better node tells some of them again; a worse one changes nothing.
    following.backfill(ETH, blocks(1..=5)).expect("fits");
    following.backfill(ETH, unseen(blocks(3..=4))).expect("fits");
    following.flush().expect("flushes");
    let expected = [(1, 5, String::new()), (6, 10, not), (11, 12, String::new())];
    assert_eq!(ranges(&following), expected);
}

#[test]
fn another_process_reads_how_a_chain_is_followed() {
    let home = tempfile::tempdir().expect("a folder");
    let mut following = follow(home.path());
    let mut reader = Store::open(home.path()).expect("opens");
    let odd = Oddity { at: "block 10".into(), what: "odd".into(), transfer: None };
    let told = block(ETH, 10, hash(10), hash(9), &[Fact::Oddity(odd)]);
    following.append(&[told]).expect("follows");
    following.note(ETH, &[("node", Some("local")), ("error", Some("timed out"))]).expect("notes");
    following.note(ETH, &[("error", None)]).expect("notes");
    reader.refresh().expect("reads");
    let status = reader.followed().expect("reads").remove(0);
    assert_eq!(status.tip.map(|tip| tip.height), Some(10));
    assert!(status.appended.is_some());
    assert_eq!(status.notes.into_iter().collect::<Vec<_>>(), [("node".into(), "local".into())]);
    let stats = reader.stats().expect("counts");
    assert_eq!((stats.blocks, stats.files), (1, 0));
    assert_eq!(reader.oddities(9).expect("reads").len(), 1);

    following.finalise_now(ETH, 10).expect("moves");
    reader.refresh().expect("reads");
    assert_eq!(reader.stats().expect("counts").blocks, 1);
    assert_eq!(reader.oddities(9).expect("reads").len(), 1);
    let error = reader.begin(&file("other.csv")).err().expect("refused").to_string();
    assert!(error.contains("follow chains"), "{error}");
}

/// A chain that reorganises waits for nothing but its own commit.
#[test]
fn unwinding_leaves_it_to_the_next_commit_to_tidy_sqlites_log() {
    let home = tempfile::tempdir().expect("a folder");
    let mut following = follow(home.path());
    let database = home.path().join("interdict.sqlite");
    let bytes = || std::fs::read(&database).expect("reads");
    let mut tidied = 0;
    for round in 0..150u64 {
        let before = bytes();
        let own = TxHash::new(&[round.to_le_bytes(); 4].concat());
        following.append(&[block(ETH, 20, own, hash(19), &[])]).expect("follows");
        let after = bytes();
        tidied += u32::from(before != after);
        following.unwind(ETH, 19).expect("unwinds");
        assert_eq!(bytes(), after, "round {round}");
    }
    assert!(tidied > 0, "the log is tidied by commits that may take their time");
}
