//! The town on Bitcoin: payments with change, deposits, sweeps, batches, wages, consolidations, PayJoins.

use model::{Address, Input, Outpoint, Output, TxId, UtxoTransaction};

use super::{Blocks, KnownChange, KnownRound, Owner, OwnersSettings, OwnersTruth, Town, draw};
use crate::draw::Draw;
use crate::services::Service;

/// An output that its owner can spend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coin {
    pub tx: TxId,
    pub index: u32,
    pub value: u64,
    /// The number of its address.
    pub address: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    Legacy,
    Nested,
    Witness,
    Taproot,
}

pub(super) struct Wallet {
    pub name: String,
    pub script: Script,
    pub coins: Vec<Coin>,
    /// Coins for Whirlpool: about the pool's size, or exactly.
    pub mixing: Vec<Coin>,
    /// Where it is paid again, if it reuses.
    pub usual: Option<usize>,
    habits: Habits,
}

/// What makes rules of change err.
#[derive(Clone, Copy, Default)]
struct Habits {
    /// It is paid at one address, and its change goes there or back to an input.
    is_reusing: bool,
    /// It adds inputs that a payment does not need.
    is_careless: bool,
    /// Its first coins are of another kind than the addresses it makes now.
    has_moved_on: bool,
}

pub(super) struct World {
    pub draw: Draw,
    pub blocks: Blocks,
    pub wallets: Vec<Wallet>,
    /// Each address and whose it is.
    pub addresses: Vec<(Address, usize)>,
    pub changes: Vec<KnownChange>,
    pub rounds: Vec<KnownRound>,
    payjoins: Vec<String>,
    has_payjoins: bool,
    /// The first wallets are exchanges, then firms, then people.
    exchanges: usize,
    txs: u64,
}

const EXCHANGES: usize = 4;
const FIRMS: usize = 4;
const COIN: u64 = 100_000_000;
pub(super) const DUST: u64 = 1_000;
const TXS_PER_BLOCK: u32 = 40;

/// The Bitcoin town's first block: all four families exist.
const FIRST: &str = "2024-06-01T00:00:00Z";
const HEIGHT: u64 = 846_000;

pub(super) fn build(settings: &OwnersSettings) -> Town {
    let mut world = World {
        draw: draw(settings),
        blocks: Blocks::new(settings, FIRST, HEIGHT, 600),
        wallets: Vec::new(),
        addresses: Vec::new(),
        changes: Vec::new(),
        rounds: Vec::new(),
        payjoins: Vec::new(),
        has_payjoins: settings.has_payjoins,
        exchanges: EXCHANGES,
        txs: 0,
    };
    world.settle_in(settings.people);
    for number in 0..settings.transactions {
        if number.is_multiple_of(TXS_PER_BLOCK) {
            world.blocks.open();
        }
        world.act();
    }
    world.end(settings)
}

impl World {
    fn settle_in(&mut self, people: u32) {
        let wallets = EXCHANGES + FIRMS + usize::try_from(people).expect("a count");
        for number in 0..wallets {
            let name = match number {
                0..EXCHANGES => format!("exchange {}", number + 1),
                _ if number < EXCHANGES + FIRMS => format!("firm {}", number - EXCHANGES + 1),
                _ => format!("person {}", number - EXCHANGES - FIRMS + 1),
            };
            // Who mixes has the kinds of address that mixing takes.
            let is_mixer = self.mixers(wallets).contains(&number);
            let script = match self.draw.below(100) {
                0..45 => Script::Witness,
                45..65 if is_mixer => Script::Witness,
                45..65 => Script::Legacy,
                65..80 => Script::Nested,
                _ => Script::Taproot,
            };
            let habits = Habits {
                is_reusing: self.draw.permille(150),
                is_careless: self.draw.permille(150),
                has_moved_on: self.draw.permille(250) && !is_mixer,
            };
            let (coins, mixing) = (Vec::new(), Vec::new());
            self.wallets.push(Wallet { name, script, coins, mixing, usual: None, habits });
        }
        self.blocks.open();
        for wallet in 0..wallets {
            let is_person = wallet >= EXCHANGES + FIRMS;
            let coins = if is_person { self.draw.between(10, 25) } else { 60 };
            let typical = if is_person { COIN / 10 } else { COIN * 5 };
            let now = self.wallets[wallet].script;
            if self.wallets[wallet].habits.has_moved_on {
                self.wallets[wallet].script = Script::Legacy;
            }
            for _ in 0..coins {
                let value = self.value(typical);
                let paid = self.fresh(wallet);
                self.issue(&[(paid, value)]);
            }
            self.wallets[wallet].script = now;
        }
    }

    fn act(&mut self) {
        match self.draw.below(1_000) {
            0..600 => self.pay(),
            600..690 => self.deposit(),
            690..750 => self.withdraw(),
            750..800 => self.sweep(),
            800..830 => self.wages(),
            830..880 => self.gather(),
            880..890 if self.has_payjoins => self.payjoin(),
            880..890 => self.pay(),
            890..898 => self.wasabi1(),
            898..904 => self.wasabi2(),
            904..930 => self.whirlpool(),
            930..945 => self.joinmarket(),
            _ => self.pay(),
        }
    }

    pub fn person(&mut self) -> usize {
        let first = self.exchanges + FIRMS;
        first + self.draw.index(self.wallets.len() - first)
    }

    /// Half of the people may mix; the others never do.
    fn mixers(&self, wallets: usize) -> std::ops::Range<usize> {
        let first = self.exchanges + FIRMS;
        first..first + (wallets - first) / 2
    }

    pub fn mixer(&mut self) -> usize {
        let mixers = self.mixers(self.wallets.len());
        mixers.start + self.draw.index(mixers.len())
    }

    pub fn value(&mut self, typical: u64) -> u64 {
        u64::try_from(self.draw.amount(u128::from(typical))).expect("a drawn amount is bounded")
    }

    /// A new address of a wallet.
    pub fn fresh(&mut self, wallet: usize) -> usize {
        let number = self.addresses.len();
        let address = self.script(self.wallets[wallet].script, number as u64);
        self.addresses.push((address, wallet));
        number
    }

    fn script(&self, script: Script, number: u64) -> Address {
        // The name's bytes, in the script of the wallet's kind.
        let bytes = self.blocks.names.block(number);
        let (twenty, whole) = (&bytes.bytes()[12..32], self.blocks.names.tx(number).hash);
        let script = match script {
            Script::Legacy => [&[0x76, 0xa9, 0x14], twenty, &[0x88, 0xac]].concat(),
            Script::Nested => [&[0xa9, 0x14], twenty, &[0x87]].concat(),
            Script::Witness => [&[0x00, 0x14], twenty].concat(),
            Script::Taproot => [&[0x51, 0x20], whole.bytes()].concat(),
        };
        Address::Bitcoin(script.into())
    }

    /// Where a wallet is paid: a fresh address, or its usual one.
    fn receiving(&mut self, wallet: usize) -> usize {
        if !self.wallets[wallet].habits.is_reusing {
            return self.fresh(wallet);
        }
        match self.wallets[wallet].usual {
            Some(address) => address,
            None => {
                let address = self.fresh(wallet);
                self.wallets[wallet].usual = Some(address);
                address
            }
        }
    }

    pub fn fee(&mut self, inputs: usize, outputs: usize) -> u64 {
        let size = 11 + 68 * inputs as u64 + 31 * outputs as u64;
        size * self.draw.between(2, 12)
    }

    /// Takes coins until they hold this much; puts them back where they do not.
    pub fn take(&mut self, wallet: usize, needed: u64, most: usize) -> Option<Vec<Coin>> {
        let (mut taken, mut sum) = (Vec::new(), 0);
        while sum < needed && taken.len() < most {
            let len = self.wallets[wallet].coins.len();
            if len == 0 {
                break;
            }
            let at = self.draw.index(len);
            let coin = self.wallets[wallet].coins.swap_remove(at);
            sum += coin.value;
            taken.push(coin);
        }
        if sum < needed {
            self.wallets[wallet].coins.append(&mut taken);
            return None;
        }
        // Most wallets add no input that the payment does not need.
        taken.sort_by_key(|coin| std::cmp::Reverse(coin.value));
        let is_careless = self.wallets[wallet].habits.is_careless;
        while let Some(last) = taken.last().copied()
            && !is_careless
            && taken.len() > 1
            && sum - last.value >= needed
        {
            sum -= last.value;
            taken.pop();
            self.wallets[wallet].coins.push(last);
        }
        Some(taken)
    }

    /// New coins from nowhere: the town's first.
    fn issue(&mut self, outputs: &[(usize, u64)]) {
        self.transact(&[], outputs, true);
    }

    /// Coins in, outputs out, in this order.
    pub fn spend(&mut self, coins: &[Coin], outputs: &[(usize, u64)]) -> TxId {
        self.transact(coins, outputs, false)
    }

    fn transact(&mut self, coins: &[Coin], outputs: &[(usize, u64)], is_coinbase: bool) -> TxId {
        self.txs += 1;
        // Transactions are named apart from scripts, which use the same words.
        let id = self.blocks.names.tx(self.txs | 1 << 40);
        let inputs = coins.iter().map(|coin| {
            let address = self.addresses[coin.address].0.clone();
            let previous = Some(Output { address, value: coin.value });
            Input { outpoint: Outpoint { tx: coin.tx, index: coin.index }, previous }
        });
        let inputs: Vec<Input> = inputs.collect();
        let mut made = Vec::new();
        for ((address, value), index) in outputs.iter().zip(0..) {
            let (script, wallet) = self.addresses[*address].clone();
            made.push(Output { address: script, value: *value });
            let coin = Coin { tx: id, index, value: *value, address: *address };
            self.wallets[wallet].coins.push(coin);
        }
        let (time, height) = (self.blocks.time(), self.blocks.height);
        let block = self.blocks.last();
        let index = u32::try_from(block.transactions.len()).expect("a block's worth");
        block.transactions.push(UtxoTransaction {
            id,
            height: Some(height),
            index: Some(index),
            time,
            block: block.header.hash,
            inputs,
            outputs: made,
            is_coinbase,
        });
        id
    }

    /// The coin a transaction made last in a wallet, moved to those for mixing.
    pub fn keep_for_mixing(&mut self, wallet: usize) {
        if let Some(coin) = self.wallets[wallet].coins.pop() {
            self.wallets[wallet].mixing.push(coin);
        }
    }

    fn pay(&mut self) {
        let (payer, payee) = (self.person(), self.person());
        let firm = self.exchanges + self.draw.index(FIRMS);
        let payee = if payee == payer || self.draw.permille(250) { firm } else { payee };
        let to = self.receiving(payee);
        self.pay_to(payer, to);
    }

    fn deposit(&mut self) {
        let (payer, exchange) = (self.person(), self.draw.index(self.exchanges));
        let to = self.fresh(exchange);
        self.pay_to(payer, to);
    }

    fn pay_to(&mut self, payer: usize, to: usize) {
        let mut paid = self.value(COIN / 8);
        if self.draw.permille(400) {
            paid = (paid / 100_000).max(1) * 100_000;
        }
        let fee = self.fee(3, 2);
        let Some(coins) = self.take(payer, paid + fee, 6) else { return };
        let held: u64 = coins.iter().map(|coin| coin.value).sum();
        // Some keep a round amount and send the rest.
        let kept = (held - paid - fee) / 100_000 * 100_000;
        if self.draw.permille(30) && kept > 0 {
            paid = held - fee - kept;
        }
        let change = held - paid - fee;
        if change < DUST {
            self.spend(&coins, &[(to, paid)]);
            return;
        }
        let back = match self.wallets[payer].habits.is_reusing {
            true if self.draw.permille(500) => coins[0].address,
            true => self.receiving(payer),
            false => self.fresh(payer),
        };
        let mut outputs = [(to, paid), (back, change)];
        let is_last = self.draw.permille(500);
        if !is_last {
            outputs.reverse();
        }
        let tx = self.spend(&coins, &outputs);
        self.changes.push(KnownChange { tx: tx.hash_text(), output: u32::from(is_last) });
    }

    fn withdraw(&mut self) {
        let exchange = self.draw.index(self.exchanges);
        let customers = self.draw.between(1, 20);
        let mut outputs = Vec::new();
        for _ in 0..customers {
            let customer = self.person();
            let to = self.receiving(customer);
            outputs.push((to, self.value(COIN / 10)));
        }
        self.batch(exchange, outputs);
    }

    /// A firm pays the same to many.
    fn wages(&mut self) {
        let firm = self.exchanges + self.draw.index(FIRMS);
        let wage = if self.draw.permille(500) { COIN / 10 } else { self.value(COIN / 50) };
        let mut outputs = Vec::new();
        for _ in 0..self.draw.between(5, 20) {
            let person = self.person();
            outputs.push((self.fresh(person), wage));
        }
        self.batch(firm, outputs);
    }

    fn batch(&mut self, payer: usize, mut outputs: Vec<(usize, u64)>) {
        let paid: u64 = outputs.iter().map(|(_, value)| value).sum();
        let fee = self.fee(20, outputs.len() + 1);
        let Some(coins) = self.take(payer, paid + fee + DUST, 60) else { return };
        let held: u64 = coins.iter().map(|coin| coin.value).sum();
        let back = self.fresh(payer);
        let at = self.draw.index(outputs.len() + 1);
        outputs.insert(at, (back, held - paid - fee));
        let tx = self.spend(&coins, &outputs);
        let output = u32::try_from(at).expect("few outputs");
        self.changes.push(KnownChange { tx: tx.hash_text(), output });
    }

    fn sweep(&mut self) {
        let exchange = self.draw.index(self.exchanges);
        self.gather_of(exchange, 40);
    }

    fn gather(&mut self) {
        let person = self.person();
        self.gather_of(person, 8);
    }

    fn gather_of(&mut self, wallet: usize, most: usize) {
        let have = self.wallets[wallet].coins.len().min(most);
        if have < 2 {
            return;
        }
        let coins: Vec<Coin> = self.wallets[wallet].coins.drain(..have).collect();
        let held: u64 = coins.iter().map(|coin| coin.value).sum();
        let fee = self.fee(have, 1).min(held / 2);
        let to = self.fresh(wallet);
        self.spend(&coins, &[(to, held - fee)]);
    }

    /// The payee adds an input of theirs: BIP 78.
    fn payjoin(&mut self) {
        let (payer, payee) = (self.person(), self.person());
        if payer == payee {
            return;
        }
        let (paid, fee) = (self.value(COIN / 20), self.fee(3, 2));
        let Some(mut coins) = self.take(payer, paid + fee + DUST, 4) else { return };
        let held: u64 = coins.iter().map(|coin| coin.value).sum();
        let Some(theirs) = self.take(payee, 1, 1) else {
            return self.wallets[payer].coins.append(&mut coins);
        };
        let added: u64 = theirs.iter().map(|coin| coin.value).sum();
        coins.extend(theirs);
        let (to, back) = (self.fresh(payee), self.fresh(payer));
        let tx = self.spend(&coins, &[(to, paid + added), (back, held - paid - fee)]);
        self.payjoins.push(tx.hash_text());
    }

    fn end(self, settings: &OwnersSettings) -> Town {
        let mut owners: Vec<Owner> = self
            .wallets
            .iter()
            .map(|wallet| Owner { name: wallet.name.clone(), addresses: Vec::new() })
            .collect();
        for (address, wallet) in &self.addresses {
            owners[*wallet].addresses.push(address.text(settings.chain));
        }
        let services = (0..self.exchanges).filter_map(|number| {
            let owner = &owners[number];
            Some(Service {
                name: owner.name.clone(),
                category: "exchange".into(),
                address: owner.addresses.first()?.clone(),
            })
        });
        let services = services.collect();
        let World { blocks, changes, rounds, payjoins, .. } = self;
        let truth = OwnersTruth {
            version: 1,
            chain: settings.chain,
            seed: settings.seed,
            owners,
            changes,
            rounds,
            payjoins,
            services,
        };
        Town { blocks: blocks.blocks, truth }
    }
}
