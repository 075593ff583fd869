//! The wallets that may still spend, and the outputs they can spend.

use crate::draw::Draw;

/// An output nobody has spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coin {
    /// The number of its transaction.
    pub tx: u64,
    pub index: u32,
    pub value: u64,
    /// The number of its address.
    pub address: u64,
}

pub struct Wallets {
    wallets: Vec<Wallet>,
    hot_max: usize,
    /// The last ends of payments, as a ring: popularity.
    urn: Vec<u32>,
    urn_at: usize,
    address_next: u64,
    pub pinned: usize,
}

#[derive(Clone, Debug, Default)]
struct Wallet {
    coins: Vec<Coin>,
    /// Where it receives now.
    address: u64,
}

/// Numbers below are those of services.
const ADDRESS_FIRST: u64 = 1 << 20;

/// A wallet takes more room than an account; so many of them fit the same.
const ROOM: u32 = 4;

impl Wallets {
    pub fn new(accounts_hot: u32) -> Wallets {
        Wallets {
            wallets: Vec::new(),
            hot_max: usize::try_from(accounts_hot / ROOM).expect("a 32-bit number"),
            urn: Vec::new(),
            urn_at: 0,
            address_next: ADDRESS_FIRST,
            pinned: usize::MAX,
        }
    }

    /// A new wallet's place and its address. When all places are taken one is
    /// given up; its outputs stay unspent.
    pub fn add(&mut self, draw: &mut Draw) -> (usize, u64) {
        let address = self.fresh_address();
        if self.wallets.len() < self.hot_max {
            self.wallets.push(Wallet { coins: Vec::new(), address });
            return (self.wallets.len() - 1, address);
        }
        let (one, other) = (draw.index(self.hot_max), draw.index(self.hot_max));
        let held = |place: usize| self.wallets[place].coins.len();
        let poorer = if held(one) <= held(other) { one } else { other };
        let place = if poorer == self.pinned { (poorer + 1) % self.hot_max } else { poorer };
        self.wallets[place].coins.clear();
        self.wallets[place].address = address;
        (place, address)
    }

    pub fn fresh_address(&mut self) -> u64 {
        self.address_next += 1;
        self.address_next - 1
    }

    /// By popularity; now and then one that was just seen.
    pub fn pick(&self, draw: &mut Draw) -> usize {
        const RECENT: usize = 512;
        let len = self.urn.len();
        let at = if draw.permille(200) {
            let back = 1 + draw.index(RECENT.min(len));
            (self.urn_at + len - back) % len
        } else {
            draw.index(len)
        };
        usize::try_from(self.urn[at]).expect("a place")
    }

    pub fn address(&self, place: usize) -> u64 {
        self.wallets[place].address
    }

    pub fn move_to(&mut self, place: usize, address: u64) {
        self.wallets[place].address = address;
    }

    pub fn coins(&self, place: usize) -> &[Coin] {
        &self.wallets[place].coins
    }

    pub fn receive(&mut self, place: usize, coin: Coin) {
        self.wallets[place].coins.push(coin);
        let number = u32::try_from(place).expect("places are counted in 32 bits");
        if self.urn.len() < self.hot_max * 2 {
            self.urn.push(number);
            return;
        }
        self.urn[self.urn_at] = number;
        self.urn_at = (self.urn_at + 1) % self.urn.len();
    }

    /// Takes the last coins until they hold this much, so many at most.
    pub fn take(&mut self, place: usize, needed: u64, most: usize, taken: &mut Vec<Coin>) -> u64 {
        let mut sum = 0;
        while sum < needed && taken.len() < most {
            let Some(coin) = self.wallets[place].coins.pop() else { break };
            sum += coin.value;
            taken.push(coin);
        }
        sum
    }
}
