//! The accounts that may still send: what they hold, and how popular they are.

use crate::draw::Draw;

pub struct Crowd {
    pub slots: Vec<Slot>,
    hot_max: usize,
    /// The last ends of transfers, each by its place: who is in it twice is found
    /// twice as often. A ring once it is full.
    urn: Vec<u32>,
    urn_at: usize,
    /// The last that were paid something worth sending on, by coins and by tokens:
    /// most accounts of the urn are empty, and asking them takes time.
    payers: [Ring; 2],
    number_next: u64,
    /// Who is just sending is not replaced.
    pub pinned: usize,
}

/// One account: coins, and tokens of one kind. Tokens of another kind that come
/// in are there, but never leave.
#[derive(Clone, Debug)]
pub struct Slot {
    pub number: u64,
    pub native: u128,
    pub held: u128,
    pub token: u8,
}

/// Numbers below are those of services.
const NUMBER_FIRST: u64 = 1 << 20;

/// So many ends are recent.
const RECENT: usize = 2_048;

impl Crowd {
    pub fn new(hot_max: u32) -> Crowd {
        Crowd {
            slots: Vec::new(),
            hot_max: usize::try_from(hot_max).expect("a 32-bit number"),
            urn: Vec::new(),
            urn_at: 0,
            payers: [Ring::default(), Ring::default()],
            number_next: NUMBER_FIRST,
            pinned: usize::MAX,
        }
    }

    /// A new account. When all places are taken, the poorer of two goes: it
    /// keeps what it holds and is not heard of again.
    pub fn add(&mut self, draw: &mut Draw) -> usize {
        let slot = Slot { number: self.number_next, native: 0, held: 0, token: 0 };
        self.number_next += 1;
        if self.slots.len() < self.hot_max {
            self.slots.push(slot);
            return self.slots.len() - 1;
        }
        let (one, other) = (draw.index(self.hot_max), draw.index(self.hot_max));
        let poorer = if self.slots[one].native <= self.slots[other].native { one } else { other };
        let place = if poorer == self.pinned { (poorer + 1) % self.hot_max } else { poorer };
        self.slots[place] = slot;
        place
    }

    /// By popularity; now and then one that was just seen.
    pub fn pick(&self, draw: &mut Draw) -> usize {
        let len = self.urn.len();
        let drawn = draw.bits();
        let at = if drawn & 7 < 2 {
            let back = 1 + usize::try_from((drawn >> 8) & (RECENT as u64 - 1)).expect("small");
            (self.urn_at + len - back.min(len)) % len
        } else {
            draw.index(len)
        };
        usize::try_from(self.urn[at]).expect("a place")
    }

    pub fn touch(&mut self, place: usize) {
        let place = u32::try_from(place).expect("places are counted in 32 bits");
        if self.urn.len() < self.hot_max * 2 {
            self.urn.push(place);
            self.urn_at = 0;
            return;
        }
        self.urn[self.urn_at] = place;
        self.urn_at = (self.urn_at + 1) % self.urn.len();
    }
}

/// The last places, so many at most.
#[derive(Default)]
struct Ring {
    places: Vec<u32>,
    at: usize,
}

/// What fits a processor's cache.
const PAYERS_MAX: usize = 1 << 16;

impl Ring {
    fn push(&mut self, place: u32) {
        if self.places.len() < PAYERS_MAX {
            self.places.push(place);
            return;
        }
        self.places[self.at] = place;
        self.at = (self.at + 1) % PAYERS_MAX;
    }
}

impl Crowd {
    /// Was just paid: coins, or tokens.
    pub fn paid(&mut self, place: usize, is_token: bool) {
        let place = u32::try_from(place).expect("places are counted in 32 bits");
        self.payers[usize::from(is_token)].push(place);
    }

    /// Who may have something to send; one in eight by popularity alone.
    pub fn pick_payer(&self, draw: &mut Draw, is_token: bool) -> usize {
        let places = &self.payers[usize::from(is_token)].places;
        if places.is_empty() || draw.permille(125) {
            return self.pick(draw);
        }
        usize::try_from(places[draw.index(places.len())]).expect("a place")
    }
}

impl Slot {
    pub fn take_token(&mut self, token: usize, amount: u128) {
        let token = u8::try_from(token).expect("few tokens");
        if self.held == 0 {
            self.token = token;
        }
        if self.token == token {
            self.held += amount;
        }
    }
}
