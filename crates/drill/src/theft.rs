//! A planted theft: what is done when, and what became of it.
//!
//! A [`Plot`] is the same on every chain. It says what to do next as [`Order`]s;
//! the stream carries them out in its own way (a payment each on account chains,
//! one transaction with many ends on Bitcoin) and reports what arrived.

mod record;

use std::collections::VecDeque;

use crate::draw::Draw;
use crate::settings::Settings;
use crate::truth::Step;

pub use self::record::{Moved, Record};

/// Numbers of planted addresses: out of reach of those of ordinary accounts.
const PLANTED: u64 = 1 << 60;
const ADDRESSES_PER_PLOT: u64 = 1 << 24;

/// Money at one planted address; on Bitcoin one output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purse {
    pub address: u64,
    pub amount: u128,
    /// The transaction's number and the output's; unused on account chains.
    pub coin: (u64, u32),
}

#[derive(Clone, Debug)]
pub enum Order {
    /// A service pays the victim.
    Fund {
        to: u64,
    },
    /// The theft: so many percent of what the victim has. The rest remains the victim's.
    Take {
        from: Vec<Purse>,
        to: u64,
        percent: u64,
    },
    Pass {
        step: Step,
        from: Vec<Purse>,
        to: Vec<Target>,
    },
    /// Money that was never stolen comes to an address of the thief, and leaves it again.
    CleanIn {
        to: u64,
    },
    CleanOut {
        from: u64,
    },
}

#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub place: Place,
    /// Its part of the whole, beside those of the others.
    pub parts: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Fresh(u64),
    Service,
}

pub struct Plot {
    pub draw: Draw,
    pub record: Record,
    /// Native, or the n-th token.
    pub token: Option<usize>,
    /// How much it is about, in common payments.
    pub size: u64,
    is_mixed: bool,
    phases: VecDeque<(u64, Phase)>,
    orders: VecDeque<Order>,
    /// Where the victim's, then the stolen money is.
    purses: Vec<Purse>,
    /// What came in clean and has not left.
    clean: Vec<Purse>,
    victim: u64,
    address_next: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Fund,
    Take,
    Hop,
    Split(u64),
    Peel,
    Merge(usize),
    CashOut,
}

/// One purse splits into few, and few of them: a plot stays a small part of the stream.
const PURSES_MAX: usize = 40;

impl Plot {
    /// All plots of a stream, spread over its first half.
    pub fn all(settings: &Settings, tokens: usize) -> Vec<Plot> {
        (0..settings.thefts()).map(|number| Plot::new(settings, number, tokens)).collect()
    }

    fn new(settings: &Settings, number: u64, tokens: usize) -> Plot {
        const NAME: u64 = 0x7468_6566_7400_0000;
        let mut draw = Draw::new(settings.seed, NAME + number);
        let victim = PLANTED + number * ADDRESSES_PER_PLOT;
        // Every third theft is of a token, every second has other traffic mixed in.
        let token = (number % 3 == 1 && tokens > 0).then(|| draw.index(tokens));
        let phases = schedule(&mut draw, settings, number);
        Plot {
            record: Record::new(number, victim),
            token,
            size: draw.between(200, 4_000),
            is_mixed: number % 2 == 1,
            phases,
            orders: VecDeque::new(),
            purses: Vec::new(),
            clean: Vec::new(),
            victim,
            address_next: victim + 1,
            draw,
        }
    }

    /// What is to be done once so many transfers are out; none until later.
    pub fn next_order(&mut self, emitted: u64) -> Option<Order> {
        loop {
            if let Some(order) = self.orders.pop_front() {
                return Some(order);
            }
            let (_, phase) = self.phases.pop_front_if(|(due, _)| *due <= emitted)?;
            self.begin(phase);
        }
    }

    /// Stolen money, or before the theft the victim's, rests here for now.
    pub fn arrived(&mut self, purse: Purse) {
        self.purses.push(purse);
    }

    pub fn arrived_clean(&mut self, purse: Purse) {
        self.clean.push(purse);
    }

    /// What came in clean at this address and is to leave again.
    pub fn leaving_clean(&mut self, address: u64) -> Option<Purse> {
        let at = self.clean.iter().position(|purse| purse.address == address)?;
        Some(self.clean.remove(at))
    }

    pub fn purses(&self) -> &[Purse] {
        &self.purses
    }

    fn begin(&mut self, phase: Phase) {
        let purses = std::mem::take(&mut self.purses);
        match phase {
            Phase::Fund => {
                self.purses = purses;
                self.orders.push_back(Order::Fund { to: self.victim });
            }
            Phase::Take if purses.is_empty() => self.phases.clear(),
            Phase::Take => {
                let percent = self.draw.between(60, 95);
                let to = self.fresh();
                self.orders.push_back(Order::Take { from: purses, to, percent });
            }
            Phase::Merge(many) => self.merge(purses, many),
            _ => self.each(phase, purses),
        }
    }

    fn merge(&mut self, mut purses: Vec<Purse>, many: usize) {
        while !purses.is_empty() {
            let rest = purses.split_off(purses.len().min(many));
            let to = vec![Target { place: Place::Fresh(self.fresh()), parts: 1 }];
            let from = std::mem::replace(&mut purses, rest);
            match from.len() {
                1 => self.purses.extend(from),
                _ => self.orders.push_back(Order::Pass { step: Step::Merge, from, to }),
            }
        }
    }

    fn each(&mut self, phase: Phase, purses: Vec<Purse>) {
        let mut count = purses.len();
        for purse in purses {
            let Some((step, to)) = self.moves(phase, count) else {
                self.purses.push(purse);
                continue;
            };
            count += to.len() - 1;
            let is_mixed = self.is_mixed && self.draw.permille(300);
            let (address, from) = (purse.address, vec![purse]);
            if is_mixed {
                self.orders.push_back(Order::CleanIn { to: address });
            }
            self.orders.push_back(Order::Pass { step, from, to });
            if is_mixed {
                self.orders.push_back(Order::CleanOut { from: address });
            }
        }
    }

    /// Where one purse goes in this phase; none: it waits.
    fn moves(&mut self, phase: Phase, count: usize) -> Option<(Step, Vec<Target>)> {
        let service = |parts| Target { place: Place::Service, parts };
        match phase {
            Phase::Split(many) if count < PURSES_MAX => {
                let one = |_| Target {
                    place: Place::Fresh(self.fresh()),
                    parts: self.draw.between(50, 150),
                };
                Some((Step::Split, (0..many).map(one).collect()))
            }
            Phase::Hop if self.draw.permille(800) => {
                let rest = Target { place: Place::Fresh(self.fresh()), parts: 1 };
                Some((Step::Hop, vec![rest]))
            }
            Phase::Peel if self.draw.permille(700) => {
                let peeled = self.draw.between(3, 12);
                let rest = Target { place: Place::Fresh(self.fresh()), parts: 100 - peeled };
                Some((Step::Peel, vec![service(peeled), rest]))
            }
            Phase::CashOut if self.draw.permille(750) => Some((Step::CashOut, vec![service(1)])),
            _ => None,
        }
    }

    fn fresh(&mut self) -> u64 {
        self.address_next += 1;
        self.address_next - 1
    }
}

/// When each phase is due, in transfers of the stream.
fn schedule(draw: &mut Draw, settings: &Settings, number: u64) -> VecDeque<(u64, Phase)> {
    let total = settings.transfers;
    let place = 100 + 350 * number / settings.thefts() + draw.below(60);
    let start = total / 1_000 * place;
    let funding = total / 1_000 * 60;
    let mut phases = VecDeque::new();
    let funds = draw.between(2, 5);
    for part in 0..funds {
        phases.push_back((start - funding + funding * part / funds, Phase::Fund));
    }
    phases.push_back((start, Phase::Take));
    // Waiting is a gap of its own: some steps come after several times the usual one.
    let steps = steps(draw, number);
    let gaps: Vec<u64> =
        steps.iter().map(|_| draw.between(1, 4) * if draw.permille(200) { 6 } else { 1 }).collect();
    let span = total / 1_000 * draw.between(250, 400);
    let sum: u64 = gaps.iter().sum();
    let mut passed = 0;
    for (phase, gap) in steps.into_iter().zip(gaps) {
        passed += gap;
        phases.push_back((start + span / sum * passed, phase));
    }
    phases
}

/// Four ways that thefts are known to go, each with its own lengths.
fn steps(draw: &mut Draw, number: u64) -> Vec<Phase> {
    let mut steps = Vec::new();
    let mut add = |phase, times: u64| steps.extend((0..times).map(|_| phase));
    let many = |draw: &mut Draw, most| usize::try_from(draw.between(2, most)).expect("few");
    match number % 4 {
        0 => {
            add(Phase::Hop, draw.between(1, 3));
            add(Phase::Peel, draw.between(8, 20));
        }
        1 => {
            add(Phase::Split(draw.between(4, 12)), 1);
            add(Phase::Hop, draw.between(1, 3));
            add(Phase::Merge(many(draw, 6)), 2);
            add(Phase::Peel, draw.between(2, 5));
        }
        2 => {
            add(Phase::Split(draw.between(2, 4)), 2);
            add(Phase::Merge(many(draw, 4)), 1);
            add(Phase::Split(draw.between(2, 3)), 1);
            add(Phase::Merge(many(draw, 5)), 2);
        }
        _ => {
            add(Phase::Split(draw.between(2, 3)), draw.between(2, 3));
            add(Phase::Peel, draw.between(2, 4));
            add(Phase::Hop, draw.between(1, 2));
            add(Phase::Merge(many(draw, 4)), 1);
        }
    }
    add(Phase::CashOut, 1);
    steps
}
