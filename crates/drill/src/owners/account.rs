//! The town on an account chain: people with several addresses, and exchanges that sweep deposit addresses.
//!
//! A person pays deposits from any of their addresses to the one the exchange gave them; the exchange sweeps it within
//! hours to its hot wallet, which is labelled. Some people fund addresses of their own that later pay into one more of
//! theirs. Firms pay wages, and a shop nobody labelled is paid by anybody.

use model::{Address, Asset, Position, TimeSource, Transfer, TransferKind, U256};

use super::{Blocks, Owner, OwnersSettings, OwnersTruth, Town, draw};
use crate::draw::Draw;
use crate::services::Service;

struct Person {
    owner: usize,
    addresses: Vec<Address>,
    /// At each exchange where they have an account.
    deposits: Vec<Option<Address>>,
    /// Funded addresses that will pay into the collector, and it.
    funded: Vec<Address>,
    collector: Option<Address>,
}

struct World {
    draw: Draw,
    blocks: Blocks,
    asset: Asset,
    owners: Vec<Owner>,
    people: Vec<Person>,
    hot: Vec<Address>,
    firms: Vec<Address>,
    shop: Address,
    /// Deposits to sweep: exchange, deposit address, amount, in how many transactions' time.
    waiting: Vec<(usize, Address, u128, u32)>,
    names_next: u64,
    txs: u64,
}

const EXCHANGES: usize = 4;
const ETHER: u128 = 1_000_000_000_000_000_000;

pub(super) fn build(settings: &OwnersSettings) -> Town {
    let mut world = World {
        draw: draw(settings),
        blocks: Blocks::new(settings, "2024-06-01T00:00:00Z", 20_000_000, 120),
        asset: Asset::native(settings.chain),
        owners: Vec::new(),
        people: Vec::new(),
        hot: Vec::new(),
        firms: Vec::new(),
        shop: Address::Evm([0; 20]),
        waiting: Vec::new(),
        names_next: 0,
        txs: 0,
    };
    world.settle_in(settings.people);
    for number in 0..settings.transactions {
        if number.is_multiple_of(12) {
            world.blocks.open();
        }
        world.act();
    }
    world.end(settings)
}

impl World {
    fn settle_in(&mut self, people: u32) {
        for number in 0..EXCHANGES {
            let owner = self.owner(format!("exchange {}", number + 1));
            let hot = self.address(owner);
            self.hot.push(hot);
        }
        for number in 0..4 {
            let owner = self.owner(format!("firm {}", number + 1));
            let address = self.address(owner);
            self.firms.push(address);
        }
        let owner = self.owner("shop".into());
        self.shop = self.address(owner);
        for number in 0..people {
            let owner = self.owner(format!("person {}", number + 1));
            let many = self.draw.between(1, 4);
            let addresses = (0..many).map(|_| self.address(owner)).collect();
            let deposits = vec![None; EXCHANGES];
            self.people.push(Person {
                owner,
                addresses,
                deposits,
                funded: Vec::new(),
                collector: None,
            });
        }
    }

    fn owner(&mut self, name: String) -> usize {
        self.owners.push(Owner { name, addresses: Vec::new() });
        self.owners.len() - 1
    }

    fn address(&mut self, owner: usize) -> Address {
        self.names_next += 1;
        let address = self.blocks.names.address(self.names_next);
        self.owners[owner].addresses.push(address.text(self.blocks.chain));
        address
    }

    fn act(&mut self) {
        self.waiting.iter_mut().for_each(|(.., left)| *left = left.saturating_sub(1));
        if let Some(at) = self.waiting.iter().position(|(.., left)| *left == 0) {
            let (exchange, deposit, amount, _) = self.waiting.swap_remove(at);
            let gas = ETHER / 2_000;
            let hot = self.hot[exchange].clone();
            return self.send(&deposit, &hot, amount.saturating_sub(gas).max(1));
        }
        match self.draw.below(100) {
            0..35 => self.pay(),
            35..65 => self.deposit(),
            65..78 => self.withdraw(),
            78..84 => self.wage(),
            84..90 => self.buy(),
            90..95 => self.fund(),
            _ => self.collect(),
        }
    }

    fn amount(&mut self, typical: u128) -> u128 {
        self.draw.amount(typical)
    }

    fn person(&mut self) -> usize {
        self.draw.index(self.people.len())
    }

    fn any_address(&mut self, person: usize) -> Address {
        let at = self.draw.index(self.people[person].addresses.len());
        self.people[person].addresses[at].clone()
    }

    fn pay(&mut self) {
        let (one, other) = (self.person(), self.person());
        let (from, to) = (self.any_address(one), self.any_address(other));
        if from != to {
            let amount = self.amount(ETHER / 4);
            self.send(&from, &to, amount);
        }
    }

    fn deposit(&mut self) {
        let (person, exchange) = (self.person(), self.draw.index(EXCHANGES));
        if self.people[person].deposits[exchange].is_none() {
            let deposit = self.address(exchange);
            self.people[person].deposits[exchange] = Some(deposit);
        }
        let Some(deposit) = self.people[person].deposits[exchange].clone() else { return };
        let from = self.any_address(person);
        let amount = self.amount(ETHER) + ETHER / 10;
        self.send(&from, &deposit, amount);
        let left = u32::try_from(self.draw.between(1, 40)).expect("few");
        self.waiting.push((exchange, deposit, amount, left));
    }

    fn withdraw(&mut self) {
        let (person, exchange) = (self.person(), self.draw.index(EXCHANGES));
        let (from, to) = (self.hot[exchange].clone(), self.any_address(person));
        let amount = self.amount(ETHER);
        self.send(&from, &to, amount);
    }

    fn wage(&mut self) {
        let at = self.draw.index(self.firms.len());
        let person = self.person();
        let (from, to) = (self.firms[at].clone(), self.any_address(person));
        let amount = self.amount(ETHER);
        self.send(&from, &to, amount);
    }

    fn buy(&mut self) {
        let person = self.person();
        let (from, to) = (self.any_address(person), self.shop.clone());
        let amount = self.amount(ETHER / 20);
        self.send(&from, &to, amount);
    }

    /// Somebody funds a fresh address of theirs.
    fn fund(&mut self) {
        let person = self.person();
        let owner = self.people[person].owner;
        let fresh = self.address(owner);
        let from = self.people[person].addresses[0].clone();
        let amount = self.amount(ETHER / 2);
        self.send(&from, &fresh, amount);
        self.people[person].funded.push(fresh);
    }

    /// Funded addresses pay into one that is theirs too.
    fn collect(&mut self) {
        let first = self.person();
        let len = self.people.len();
        let found =
            (0..len).map(|at| (first + at) % len).find(|at| self.people[*at].funded.len() >= 2);
        let Some(person) = found else { return self.fund() };
        let owner = self.people[person].owner;
        if self.people[person].collector.is_none() {
            let collector = self.address(owner);
            self.people[person].collector = Some(collector);
        }
        let Some(to) = self.people[person].collector.clone() else { return };
        for from in std::mem::take(&mut self.people[person].funded) {
            self.send(&from, &to, ETHER / 10);
        }
    }

    /// One transaction: value and fee.
    fn send(&mut self, from: &Address, to: &Address, amount: u128) {
        self.txs += 1;
        let tx = self.blocks.names.tx(self.txs);
        let (time, height) = (self.blocks.time(), self.blocks.height);
        let asset = self.asset.clone();
        let block = self.blocks.last();
        let index = u32::try_from(block.transfers.len() / 2).expect("a block's worth");
        let leg = |position, to: Option<&Address>, amount: u128, kind| Transfer {
            tx,
            position,
            height: Some(height),
            tx_index: Some(index),
            time,
            time_source: TimeSource::Stated,
            from: Some(from.clone()),
            to: to.cloned(),
            asset: asset.clone(),
            amount: U256::from(amount),
            kind,
        };
        let value = leg(Position::Call([].into()), Some(to), amount, TransferKind::Value);
        let fee = leg(Position::Fee, None, 21_000 * 20_000_000_000, TransferKind::Fee);
        block.transfers.extend([value, fee]);
    }

    fn end(self, settings: &OwnersSettings) -> Town {
        let World { owners, blocks, hot, .. } = self;
        let services = hot.iter().zip(&owners).map(|(hot, owner)| Service {
            name: owner.name.clone(),
            category: "exchange".into(),
            address: hot.text(settings.chain),
        });
        let truth = OwnersTruth {
            version: 1,
            chain: settings.chain,
            seed: settings.seed,
            services: services.collect(),
            owners,
            changes: Vec::new(),
            rounds: Vec::new(),
            payjoins: Vec::new(),
        };
        Town { blocks: blocks.blocks, truth }
    }
}
