//! Random pasts and settings by seed: small, crowded, and with everything in them
//! that the walk treats apart.

use model::sketch::{self, Sketch};
use model::{
    AssetKind, Book, Direction, Fact, Memory, Outpoint, Position, TimeSource, Timestamp,
    TransferKind, U256,
};

use crate::{CrossingDecision, Declared, MinValue, Policy, Refused, Settings, Source};

pub struct World {
    pub memory: Memory,
    pub book: Book,
    pub settings: Settings,
}

/// Splitmix64: small, and the same everywhere.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[usize::try_from(self.below(from.len() as u64)).expect("an index")]
    }
}

/// Two that look alike, and plain names.
const REAL: &str = "0xcd1a4a457ca8b0931c3bf81df3cfa227adbdb6e9";
const COPY: &str = "0xcd17a436e020b8d01153fc4fb7fbe2177dfdb6e9";
const NAMES: [&str; 12] = ["thief", "a", "b", "c", "d", "e", "f", "g", "venue", "desk", REAL, COPY];

pub fn world(seed: u64) -> World {
    let mut dice = Dice::new(seed);
    if dice.one_in(3) { bitcoin(&mut dice) } else { account(&mut dice) }
}

fn account(dice: &mut Dice) -> World {
    let mut text = String::from(
        "chain ethereum\ntoken stX at 0x1111111111111111111111111111111111111111\n\
         token XYZ decimals 6\ntoken ETH2 decimals 18\nlabel swap venue\nlabel exchange desk\n",
    );
    if !dice.one_in(4) {
        text += "price ETH 2000\nprice stX 2100\n";
    }
    if dice.one_in(3) {
        text += "token USDT at 0x2f22686d82dded300c975e63b62efbe824c9d236\n";
    }
    let has_imitation = text.contains("token USDT");
    let names = &NAMES[..usize::try_from(4 + dice.below(9)).expect("an index")];
    let days = 1 + dice.below(6);
    for _ in 0..3 + dice.below(70) {
        let (from, mut to) = (dice.pick(names), dice.pick(names));
        if dice.one_in(9) {
            to = "fee";
        }
        let asset = match dice.below(8) {
            0 => "stX",
            1 | 2 => "XYZ",
            3 if has_imitation => "USDT",
            _ => "ETH",
        };
        let amount = match dice.below(12) {
            0 => "0".to_string(),
            1 => "0.000001".to_string(),
            _ => format!("{}.{:03}", dice.below(5), dice.below(1000)),
        };
        text += &format!(
            "{from} -> {to} {amount} {asset} day {} +{}m",
            dice.below(days),
            dice.below(3)
        );
        if to != "fee" && dice.one_in(3) {
            text += &format!(" tx t{}", dice.below(6));
        }
        text += "\n";
    }
    let mut sketch = sketch::parse(&text).expect("a sketch");
    roughen(&mut sketch, dice);
    let mut settings = settings(&sketch, dice);
    decide(&mut settings, &sketch, dice);
    finish(sketch, settings)
}

/// Places in blocks, missing places, missing times, burns, rewards, tokens that
/// are no amounts, and absurd amounts.
fn roughen(sketch: &mut Sketch, dice: &mut Dice) {
    let style = dice.below(4);
    let native = sketch.asset("ETH").expect("native");
    for fact in &mut sketch.facts {
        let Fact::Transfer { transfer, .. } = fact else { continue };
        let first = transfer.tx.hash.bytes()[0];
        if style > 0 {
            transfer.height = u64::try_from(transfer.time.as_second() / 60).ok();
            transfer.tx_index = Some(u32::from(first)).filter(|_| style > 1);
        }
        if style == 3 && dice.one_in(3) {
            transfer.position = Position::Nth(0);
            transfer.tx_index = None;
        }
        if style == 1 && dice.one_in(6) {
            transfer.time = Timestamp::UNIX_EPOCH;
            transfer.time_source = TimeSource::Unknown;
        }
        match dice.below(40) {
            0 => transfer.to = None,
            1 if transfer.to.is_some() && transfer.asset == native => {
                transfer.from = None;
                transfer.kind = TransferKind::Reward;
            }
            2 => transfer.amount = U256::MAX - U256::from(dice.below(9)),
            3 if !transfer.asset.is_native() && transfer.to.is_some() => {
                let contract = transfer.asset.contract().expect("a token").clone();
                transfer.asset.kind = AssetKind::Nft { contract, id: U256::from(dice.below(2)) };
                transfer.amount = U256::from(1);
                transfer.kind = TransferKind::Nft;
            }
            _ => {}
        }
    }
}

fn decide(settings: &mut Settings, sketch: &Sketch, dice: &mut Dice) {
    if dice.one_in(6) {
        settings.crossings.push(CrossingDecision::Refused(Refused {
            account: sketch.account("a"),
            from_asset: dice.one_in(2).then(|| sketch.asset("ETH").expect("native")),
            to_asset: None,
            reason: "test".into(),
        }));
    }
    if dice.one_in(4) {
        settings.crossings.push(CrossingDecision::Declared(Declared {
            account: sketch.account(dice.pick(&["a", "b", "c"])),
            venue: sketch.account(dice.pick(&["venue", "d", "e"])),
            from_asset: sketch.asset("ETH").expect("native"),
            from_base: sketch::units("1", 18),
            to_asset: sketch.asset("XYZ").expect("declared"),
            to_base: sketch::units("700", 6),
            time: at(dice.below(6)),
            reason: "test".into(),
        }));
    }
    settings.min_value = match dice.below(8) {
        0 => Some(MinValue::Base {
            asset: sketch.asset("ETH").expect("native"),
            base: sketch::units("1.5", 18),
        }),
        1 => Some(MinValue::UsdE12(sketch::units("1000", 12))),
        _ => None,
    };
}

/// Each transaction spends some of the outputs still unspent.
fn bitcoin(dice: &mut Dice) -> World {
    const NAMES: [&str; 8] = ["thief", "a", "b", "c", "d", "e", "desk", "f"];
    let mut text = String::from("chain bitcoin\nlabel exchange desk\n");
    let mut unspent: Vec<(String, u64)> = Vec::new();
    for n in 0..4 {
        text += &format!("c{n}: coinbase => {} 0.01 BTC, thief 0.01 BTC day 0\n", NAMES[n + 1]);
        unspent.extend([(format!("c{n}:0"), 1_000_000), (format!("c{n}:1"), 1_000_000)]);
    }
    for at in 0..2 + dice.below(30) {
        let mut ins: Vec<String> = Vec::new();
        let mut total = 0;
        if dice.one_in(6) {
            ins.push(format!("gone{at}:0"));
        }
        for _ in 0..1 + dice.below(3) {
            if !unspent.is_empty() {
                let pick = usize::try_from(dice.below(unspent.len() as u64)).expect("an index");
                let (outpoint, value) = unspent.swap_remove(pick);
                ins.push(outpoint);
                total += value;
            }
        }
        let left = total - dice.below(20).min(total);
        let outs: Vec<(u64, &str)> =
            (0..1 + dice.below(3)).map(|_| (1 + dice.below(99), dice.pick(&NAMES))).collect();
        let weight: u64 = outs.iter().map(|(w, _)| w).sum();
        let mut said = Vec::new();
        for (n, (w, name)) in outs.iter().enumerate() {
            let value =
                if dice.one_in(12) { 100.min(left * w / weight) } else { left * w / weight };
            unspent.push((format!("t{at}:{n}"), value));
            said.push(format!("{name} {} BTC", model::amount::format_units(U256::from(value), 8)));
        }
        // Times of blocks do not always rise.
        let day = (at / 3 + 1).saturating_sub(u64::from(dice.one_in(7)) * 2);
        text += &format!("t{at}: {} => {} day {day}\n", ins.join(" + "), said.join(", "));
    }
    let mut sketch = sketch::parse(&text).expect("a sketch");
    if dice.one_in(2) {
        for fact in &mut sketch.facts {
            if let Fact::Utxo(tx) = fact {
                tx.height = u64::try_from(tx.time.as_second() / 600).ok();
                tx.index = Some(u32::from(tx.id.hash.bytes()[0]));
            }
        }
    }
    let settings = settings(&sketch, dice);
    finish(sketch, settings)
}

fn settings(sketch: &Sketch, dice: &mut Dice) -> Settings {
    let thief = Source::Account(sketch.account("thief"));
    let sources = match dice.below(8) {
        0 => vec![thief, Source::Account(sketch.account("c"))],
        1 => some_transaction(sketch, dice).map_or(vec![thief], |source| vec![source]),
        2 => vec![Source::Account(sketch.account(dice.pick(&["a", "b", "desk", "venue"])))],
        3 => some_output(sketch, dice).map_or(vec![thief], |source| vec![source]),
        _ => vec![thief],
    };
    let mut settings = Settings::forward(sources, Policy::Haircut);
    settings.prices = sketch.prices.clone();
    if dice.one_in(3) {
        settings.direction = Direction::Backward;
    }
    settings.hops_max = dice.one_in(4).then(|| u32::try_from(1 + dice.below(4)).expect("few"));
    settings.since = dice.one_in(5).then(|| at(dice.below(3)));
    settings.until = dice.one_in(5).then(|| at(1 + dice.below(5)));
    if dice.one_in(6) {
        settings.budget = usize::try_from(1 + dice.below(40)).expect("few");
    }
    if dice.one_in(6) {
        settings.hub_degree = 5 + dice.below(15);
    }
    settings
}

fn some_transaction(sketch: &Sketch, dice: &mut Dice) -> Option<Source> {
    let all: Vec<Source> = sketch
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Transfer { transfer, .. } => Some(Source::Transaction(transfer.tx)),
            Fact::Utxo(tx) => Some(Source::Transaction(tx.id)),
            _ => None,
        })
        .collect();
    all.get(usize::try_from(dice.next() % all.len().max(1) as u64).ok()?).cloned()
}

fn some_output(sketch: &Sketch, dice: &mut Dice) -> Option<Source> {
    let all: Vec<Source> = sketch
        .facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Utxo(tx) => Some(Source::Outpoint(Outpoint { tx: tx.id, index: 0 })),
            _ => None,
        })
        .collect();
    all.get(usize::try_from(dice.next() % all.len().max(1) as u64).ok()?).cloned()
}

/// A day of the sketch.
fn at(day: u64) -> Timestamp {
    let start: Timestamp = "2025-01-01T00:00:00Z".parse().expect("a time");
    start + jiff_seconds(day)
}

fn jiff_seconds(day: u64) -> std::time::Duration {
    std::time::Duration::from_secs(day * 86_400)
}

fn finish(sketch: Sketch, settings: Settings) -> World {
    let mut book = Book::default();
    sketch.labels.iter().cloned().for_each(|label| book.add_label(label));
    World { memory: Memory::from_facts(sketch.facts), book, settings }
}
