//! What one place holds, and what leaves it first.
//!
//! A purse is filled with pieces, clean and tainted, and emptied by the policy.
//! More may leave than ever came in as far as the data knows: the rest came from
//! somewhere unseen and is clean.

use std::collections::VecDeque;

use model::U256;
use smallvec::SmallVec;

use crate::Policy;
use crate::share::share;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub base: U256,
    pub is_tainted: bool,
}

/// An amount on its way, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    pieces: SmallVec<[Piece; 2]>,
}

#[derive(Clone, Debug)]
pub enum Purse {
    /// Haircut and TIHO need only two sums.
    Mixed {
        clean: U256,
        tainted: U256,
        tainted_first: bool,
    },
    Queue {
        pieces: VecDeque<Piece>,
        last_first: bool,
    },
    Poison {
        base: U256,
        is_tainted: bool,
    },
}

impl Flow {
    pub fn tainted(base: U256) -> Flow {
        Flow::of(base, U256::ZERO)
    }

    pub fn clean(base: U256) -> Flow {
        Flow::of(U256::ZERO, base)
    }

    pub fn of(tainted: U256, clean: U256) -> Flow {
        let mut flow = Flow::default();
        flow.push(Piece { base: tainted, is_tainted: true });
        flow.push(Piece { base: clean, is_tainted: false });
        flow
    }

    pub fn taint(&self) -> U256 {
        self.sum(|piece| piece.is_tainted)
    }

    pub fn total(&self) -> U256 {
        self.sum(|_| true)
    }

    pub fn is_tainted(&self) -> bool {
        self.pieces.iter().any(|piece| piece.is_tainted)
    }

    pub fn push(&mut self, piece: Piece) {
        if piece.base.is_zero() {
            return;
        }
        match self.pieces.last_mut() {
            Some(last) if last.is_tainted == piece.is_tainted => {
                last.base = last.base.saturating_add(piece.base)
            }
            _ => self.pieces.push(piece),
        }
    }

    pub fn append(&mut self, other: Flow) {
        other.pieces.into_iter().for_each(|piece| self.push(piece));
    }

    /// Cuts `base` off the front; less when the flow is shorter.
    pub fn split_front(&mut self, base: U256) -> Flow {
        let mut front = Flow::default();
        let mut wanted = base;
        let mut whole = 0;
        for piece in &mut self.pieces {
            let taken = piece.base.min(wanted);
            front.push(Piece { base: taken, ..*piece });
            wanted -= taken;
            piece.base -= taken;
            if !piece.base.is_zero() {
                break;
            }
            whole += 1;
        }
        self.pieces.drain(..whole);
        front
    }

    fn sum(&self, counts: impl Fn(&Piece) -> bool) -> U256 {
        self.pieces
            .iter()
            .filter(|piece| counts(piece))
            .fold(U256::ZERO, |sum, piece| sum.saturating_add(piece.base))
    }
}

impl Purse {
    pub fn new(policy: Policy) -> Purse {
        match policy {
            Policy::Poison | Policy::HighestValue => {
                Purse::Poison { base: U256::ZERO, is_tainted: false }
            }
            Policy::Haircut => {
                Purse::Mixed { clean: U256::ZERO, tainted: U256::ZERO, tainted_first: false }
            }
            Policy::Tiho => {
                Purse::Mixed { clean: U256::ZERO, tainted: U256::ZERO, tainted_first: true }
            }
            Policy::Fifo => Purse::Queue { pieces: VecDeque::new(), last_first: false },
            Policy::Lifo => Purse::Queue { pieces: VecDeque::new(), last_first: true },
        }
    }

    pub fn put(&mut self, flow: Flow) {
        match self {
            Purse::Mixed { clean, tainted, .. } => {
                *tainted = tainted.saturating_add(flow.taint());
                *clean = clean.saturating_add(flow.total() - flow.taint());
            }
            Purse::Queue { pieces, .. } => pieces.extend(flow.pieces),
            Purse::Poison { base, is_tainted } => {
                *base = base.saturating_add(flow.total());
                *is_tainted |= flow.is_tainted();
            }
        }
    }

    /// Takes `base` out. What the purse does not hold is taken as clean value
    /// from somewhere unseen.
    pub fn take(&mut self, base: U256) -> Flow {
        let mut flow = match self {
            Purse::Mixed { clean, tainted, tainted_first } => {
                take_mixed(clean, tainted, *tainted_first, base)
            }
            Purse::Queue { pieces, last_first } => take_queued(pieces, base, *last_first),
            Purse::Poison { base: held, is_tainted } => {
                *held = held.saturating_sub(base);
                return if *is_tainted { Flow::tainted(base) } else { Flow::clean(base) };
            }
        };
        let unseen = base - flow.total();
        flow.push(Piece { base: unseen, is_tainted: false });
        flow
    }

    /// Tainted value still in it.
    pub fn taint(&self) -> U256 {
        match self {
            Purse::Mixed { tainted, .. } => *tainted,
            Purse::Queue { pieces, .. } => pieces
                .iter()
                .filter(|piece| piece.is_tainted)
                .fold(U256::ZERO, |sum, piece| sum.saturating_add(piece.base)),
            Purse::Poison { base, is_tainted } => {
                if *is_tainted {
                    *base
                } else {
                    U256::ZERO
                }
            }
        }
    }
}

fn take_mixed(clean: &mut U256, tainted: &mut U256, tainted_first: bool, base: U256) -> Flow {
    let held = clean.saturating_add(*tainted);
    let from_tainted = if base >= held {
        *tainted
    } else if tainted_first {
        base.min(*tainted)
    } else {
        share(base, *tainted, held)
    };
    let from_clean = (base - from_tainted).min(*clean);
    *tainted -= from_tainted;
    *clean -= from_clean;
    Flow::of(from_tainted, from_clean)
}

fn take_queued(pieces: &mut VecDeque<Piece>, base: U256, last_first: bool) -> Flow {
    let mut flow = Flow::default();
    let mut wanted = base;
    while !wanted.is_zero() {
        let next = if last_first { pieces.pop_back() } else { pieces.pop_front() };
        let Some(mut piece) = next else { break };
        let taken = piece.base.min(wanted);
        flow.push(Piece { base: taken, ..piece });
        wanted -= taken;
        piece.base -= taken;
        if !piece.base.is_zero() {
            if last_first { pieces.push_back(piece) } else { pieces.push_front(piece) }
        }
    }
    flow
}
