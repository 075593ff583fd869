//! A process that imports and follows is killed again and again, wherever it happens to be. Each time the home
//! opens, is whole, and holds what was done before the kill, or that and the one step that was under way.
//!
//! `KILL_ROUNDS` says how often, `KILL_SEED` which story is told.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::{CHAINS, address, import, scan, time, tx};
use model::{
    Asset, BlockFact, Chain, Evidence, Fact, Input, Memory, Outpoint, Output, Position, TimeSource,
    Transfer, TransferKind, TxHash, U256, UtxoTransaction, View,
};
use store::ingest::Sizes;
use store::{FollowedBlock, Following, Gather, Store};

const SIZES: Sizes = Sizes { run_rows: 20, fan_out: 3, segment_rows: 2000, runs_max: 1 };
const GATHER: Gather = Gather { blocks: 4, transfers: 1000, facts: 60 };
const STEPS: usize = 60;

#[derive(Clone, Debug)]
enum Step {
    Import(Vec<Fact>),
    Append(Vec<FollowedBlock>),
    Unwind(Chain, u64),
    Finalise(Chain, u64),
    Backfill(Chain, Vec<FollowedBlock>),
    Compact,
}

/// What should be held after a step.
#[derive(Clone, Default)]
struct Held {
    facts: Vec<Fact>,
    blocks: BTreeMap<(Chain, u64), FollowedBlock>,
    first_hot: BTreeMap<Chain, u64>,
}

/// A story and what is held after each of its steps, the same for the same seed.
fn story(seed: u64) -> (Vec<Step>, Vec<Held>) {
    let mut random = Random(seed | 1);
    let (mut steps, mut after) = (Vec::new(), Vec::new());
    let mut held = Held::default();
    for made in 0..STEPS {
        let step = held.next(made, &mut random);
        held.take(&step);
        steps.push(step);
        after.push(held.clone());
    }
    (steps, after)
}

/// Where following begins; what is below is backfilled.
const START: u64 = 40;

impl Held {
    fn tip(&self, chain: Chain) -> Option<&FollowedBlock> {
        self.blocks.range((chain, 0)..=(chain, u64::MAX)).next_back().map(|(_, block)| block)
    }

    fn hot(&self, chain: Chain) -> Vec<u64> {
        let first = self.first_hot.get(&chain).copied().unwrap_or(START);
        let hot = self.blocks.range((chain, first)..=(chain, u64::MAX));
        hot.map(|((_, height), _)| *height).collect()
    }

    fn next(&self, made: usize, random: &mut Random) -> Step {
        let chain = CHAINS[random.below(2)];
        let hot = self.hot(chain);
        match random.below(12) {
            0..=2 => {
                Step::Import((0..random.below(60)).map(|_| fact(chain, None, random)).collect())
            }
            3..=6 => Step::Append(self.blocks_on_top(chain, made, random)),
            7 if !hot.is_empty() => {
                let first = hot[0].max(hot[hot.len() - 1].saturating_sub(3));
                Step::Unwind(chain, first - 1 + random.below(3) as u64)
            }
            8 | 9 if !hot.is_empty() => Step::Finalise(chain, hot[random.below(hot.len())]),
            11 => Step::Compact,
            _ => {
                let first = 1 + random.below(30) as u64;
                let heights = first..first + 1 + random.below(8) as u64;
                let block = |n| block(chain, n, hash(n), hash(n - 1), random);
                Step::Backfill(chain, heights.map(block).collect())
            }
        }
    }

    fn blocks_on_top(&self, chain: Chain, made: usize, random: &mut Random) -> Vec<FollowedBlock> {
        let tip = self.tip(chain).filter(|tip| tip.height >= START);
        let mut tip = tip.map_or((START - 1, hash(START - 1)), |tip| (tip.height, tip.hash));
        let mut blocks = Vec::new();
        for n in 0..1 + random.below(3) {
            let own = hash(1000 + (made * 8 + n) as u64);
            blocks.push(block(chain, tip.0 + 1, own, tip.1, random));
            tip = (tip.0 + 1, own);
        }
        blocks
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Import(facts) => self.facts.extend(facts.iter().cloned()),
            Step::Append(blocks) => {
                for block in blocks {
                    self.blocks.insert((block.chain, block.height), block.clone());
                }
            }
            Step::Backfill(_, blocks) => {
                for block in blocks {
                    // Told again, it tells both.
                    let known = self.blocks.entry((block.chain, block.height));
                    let known = known
                        .or_insert_with(|| FollowedBlock { facts: Vec::new(), ..block.clone() });
                    known.facts.extend(block.facts.iter().cloned());
                }
            }
            Step::Unwind(chain, to) => {
                self.blocks.retain(|(of, height), _| of != chain || height <= to);
            }
            Step::Finalise(chain, to) => drop(self.first_hot.insert(*chain, to + 1)),
            Step::Compact => {}
        }
    }

    fn shown(&self) -> String {
        let blocks = self.blocks.values().flat_map(|block| block.facts.iter().cloned());
        let memory = Memory::from_facts(self.facts.iter().cloned().chain(blocks));
        let heights = |chain: Chain| {
            let held = self.blocks.keys().filter(|(of, _)| *of == chain);
            held.map(|(_, height)| *height).collect()
        };
        shown(&memory, &CHAINS.map(heights), &CHAINS.map(|chain| self.hot(chain)))
    }
}

fn hash(n: u64) -> TxHash {
    TxHash::new(&[&n.to_be_bytes()[..], &[7; 24]].concat())
}

fn block(
    chain: Chain,
    height: u64,
    own: TxHash,
    parent: TxHash,
    random: &mut Random,
) -> FollowedBlock {
    let time = time(u8::try_from(height % 10).expect("small"));
    let itself = BlockFact {
        chain,
        hash: Some(own),
        parent: Some(parent),
        height: Some(height),
        time,
        work: None,
    };
    let mut facts: Vec<Fact> =
        (0..random.below(12)).map(|_| fact(chain, Some((height, own)), random)).collect();
    facts.push(Fact::Block(itself));
    FollowedBlock { chain, height, hash: own, parent, time, unseen: String::new(), facts }
}

/// Few addresses and transactions, so that much is told again.
fn fact(chain: Chain, at: Option<(u64, TxHash)>, random: &mut Random) -> Fact {
    let small = |random: &mut Random, most| u8::try_from(random.below(most)).expect("small");
    let id = tx(chain, small(random, 60));
    let when = time(small(random, 10));
    if chain.is_utxo() {
        let outpoint = Outpoint { tx: tx(chain, small(random, 60)), index: 0 };
        let output = |random: &mut Random| Output {
            address: address(chain, small(random, 6)),
            value: random.below(50) as u64,
        };
        return Fact::Utxo(UtxoTransaction {
            id,
            height: None,
            index: None,
            time: when,
            block: at.map(|at| at.1),
            inputs: vec![Input { outpoint, previous: None }],
            outputs: vec![output(random), output(random)],
            is_coinbase: false,
        });
    }
    let transfer = Transfer {
        tx: id,
        position: Position::Log(u32::from(small(random, 4))),
        height: at.map(|at| at.0),
        tx_index: None,
        time: when,
        time_source: TimeSource::Stated,
        from: Some(address(chain, small(random, 6))),
        to: Some(address(chain, small(random, 6))),
        asset: Asset::native(chain),
        amount: U256::from(random.below(50)),
        kind: TransferKind::Value,
    };
    Fact::Transfer { transfer, evidence: Evidence::Log }
}

struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most.max(1) as u64).expect("small")
    }
}

fn shown(view: &dyn View, held: &[Vec<u64>; 2], hot: &[Vec<u64>; 2]) -> String {
    let scans = CHAINS.map(|chain| scan(view, chain, None, None));
    let transactions = CHAINS.map(|chain| {
        let ids: Vec<_> = (0..60).map(|n| tx(chain, n)).collect();
        view.transactions(&ids).expect("answers")
    });
    format!("held {held:?}, hot {hot:?}\n{scans:#?}\n{transactions:#?}")
}

fn shown_of(store: &Store) -> String {
    let followed = store.followed().expect("reads");
    let of = |chain| followed.iter().find(move |followed| followed.chain == chain);
    let heights = |chain| {
        let ranges = of(chain).map(|followed| &followed.ranges);
        (0..400).filter(|height| ranges.is_some_and(|held| held.at(*height).is_some())).collect()
    };
    let hot = |chain| of(chain).and_then(|followed| followed.hot.clone()).into_iter().flatten();
    shown(store, &CHAINS.map(heights), &CHAINS.map(|chain| hot(chain).collect()))
}

/// The process that is killed: goes on with the story, and says each step it has done.
#[test]
#[ignore = "the test below runs it in a process of its own"]
fn a_process_tells_the_story() {
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let Ok(home) = std::env::var("KILL_HOME") else { return };
    let (seed, from): (u64, usize) =
        (var("KILL_SEED").parse().expect("a number"), var("KILL_FROM").parse().expect("a number"));
    let (steps, _) = story(seed);
    let mut following = Some(follow(open(Path::new(&home))));
    let mut out = std::io::stderr();
    for (at, step) in steps.into_iter().enumerate().skip(from) {
        run(&mut following, step, at);
        writeln!(out, "step {at}").expect("says so");
    }
}

fn open(home: &Path) -> Store {
    let mut store = Store::open(home).expect("opens");
    store.set_sizes(SIZES);
    store
}

fn follow(store: Store) -> Following {
    let mut following = store.follow().expect("nobody else writes");
    following.set_gather(GATHER);
    following
}

fn run(following: &mut Option<Following>, step: Step, at: usize) {
    let mut apart = |change: &mut dyn FnMut(&mut Store)| {
        let mut store = following.take().expect("it is there").into_store();
        change(&mut store);
        *following = Some(follow(store));
    };
    match step {
        Step::Import(facts) => {
            return apart(&mut |store| {
                import(store, &format!("file {at}"), &facts);
            });
        }
        Step::Compact => {
            return apart(&mut |store| {
                store.compact().expect("compacts");
            });
        }
        _ => {}
    }
    let following = following.as_mut().expect("it is there");
    match step {
        Step::Append(blocks) => following.append(&blocks).expect("follows"),
        Step::Unwind(chain, to) => following.unwind(chain, to).expect("unwinds"),
        Step::Finalise(chain, to) => {
            following.finalise_now(chain, to).expect("moves");
        }
        Step::Backfill(chain, blocks) => {
            following.backfill(chain, blocks).expect("fits");
            following.flush().expect("flushes");
        }
        Step::Import(_) | Step::Compact => {}
    }
}

#[test]
fn killed_anywhere_a_home_holds_what_was_done() {
    let number = |name: &str, usual: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
    };
    let rounds = number("KILL_ROUNDS", 24);
    let mut random = Random(number("KILL_SEED", 7) * 2 + 1);
    let (mut seed, mut killed) = (number("KILL_SEED", 7), 0);
    while killed < rounds {
        let folder = tempfile::tempdir().expect("a folder");
        let (_, after) = story(seed);
        let after: Vec<String> =
            std::iter::once(Held::default()).chain(after).map(|held| held.shown()).collect();
        let mut done = 0;
        while done < STEPS && killed < rounds {
            let said = tell_until_killed(folder.path(), seed, done, &mut random);
            killed += 1;
            done = check_home(folder.path(), &after, said, seed);
        }
        seed += 1;
    }
}

/// How many steps it said were done.
fn tell_until_killed(home: &Path, seed: u64, from: usize, random: &mut Random) -> usize {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "a_process_tells_the_story", "--ignored", "--nocapture"])
        .env("KILL_HOME", home)
        .env("KILL_SEED", seed.to_string())
        .env("KILL_FROM", from.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let mut done = from;
    let mut heard = Vec::new();
    let mut hear = |line: String, done: &mut usize| match line.strip_prefix("step ") {
        Some(at) => *done = at.parse::<usize>().expect("a number") + 1,
        None => heard.push(line),
    };
    for _ in 0..random.below(8) {
        let Some(line) = lines.next() else { break };
        hear(line.expect("reads"), &mut done);
    }
    std::thread::sleep(Duration::from_micros(random.below(20_000) as u64));
    child.kill().expect("kills");
    let status = child.wait().expect("waits");
    lines.map_while(Result::ok).for_each(|line| hear(line, &mut done));
    assert!(status.code().is_none_or(|code| code == 0), "{}", heard.join("\n"));
    done
}

/// The home is whole, and holds what it said, or one step more. How many steps that are.
fn check_home(home: &Path, after: &[String], said: usize, seed: u64) -> usize {
    let store = open(home);
    let found = shown_of(&store);
    drop(store);
    let checked = store::check(home, &mut |_| {}).expect("looks");
    assert!(checked.is_whole(), "seed {seed}, step {said}: {:?}", checked.damages);
    let done = [said, said + 1].into_iter().find(|at| after.get(*at) == Some(&found));
    let Some(done) = done else {
        let expected = &after[said];
        let line = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
        panic!("seed {seed}: after step {said} it holds something else, first {line:?}");
    };
    // Whoever writes next removes what the kill left.
    let mut store = open(home);
    drop(store.begin(&common::file("nothing")).expect("nobody else writes"));
    drop(store);
    let named = store::check(home, &mut |_| {}).expect("looks").segments;
    let there = fs::read_dir(home.join("segments")).map_or(0, |entries| entries.count() as u64);
    assert_eq!(there, named, "seed {seed}, step {said}");
    done
}
