//! Streams of Bitcoin: transactions that spend outputs and make new ones.
//!
//! Every input spends an output made earlier and not spent since. What inputs
//! hold beyond outputs is the fee, and the block's coinbase has it.

mod planted;
mod traffic;
mod wallets;

use model::{BlockFact, Input, Outpoint, Output, Timestamp, UtxoTransaction};

use self::wallets::{Coin, Wallets};
use crate::block::Block;
use crate::draw::Draw;
use crate::names::Names;
use crate::pace::Pace;
use crate::profile::Profile;
use crate::services::{Crowding, Service, describe};
use crate::settings::Settings;
use crate::theft::Plot;
use crate::truth::Truth;

pub struct UtxoStream {
    settings: Settings,
    profile: Profile,
    names: Names,
    draw: Draw,
    pace: Pace,
    wallets: Wallets,
    crowding: Crowding,
    /// What each service can spend, the oldest last.
    services: Vec<Vec<Coin>>,
    plots: Vec<Plot>,
    block: Block,
    /// Of the block being filled.
    fees: u64,
    coinbase: u64,
    legs: u64,
    txs: u64,
    blocks: u64,
    /// Inputs and outputs of blocks that were handed out.
    pub emitted: u64,
}

/// Where an output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Payee {
    Service(usize),
    /// A wallet's place, at this address of it.
    Wallet(usize, u64),
    Planted(u64),
}

/// A transaction's mean of inputs and outputs, for the pace.
const LEGS_PER_TX: u64 = 5;

/// New coins of a block. Source: the halving of April 2024.
const SUBSIDY: u64 = 312_500_000;

/// A block's header was found with about so many hashes: 2025's difficulty of 110 T.
const WORK: u128 = 110_000_000_000_000 << 32;

impl UtxoStream {
    pub fn new(settings: Settings) -> UtxoStream {
        let profile = Profile::of(settings.chain);
        let header = BlockFact {
            chain: settings.chain,
            hash: None,
            parent: None,
            height: None,
            time: Timestamp::UNIX_EPOCH,
            work: None,
        };
        UtxoStream {
            names: Names::new(settings.chain, settings.seed),
            draw: Draw::new(settings.seed, 0),
            pace: Pace::new(&profile, settings.transfers / LEGS_PER_TX),
            wallets: Wallets::new(settings.accounts_hot),
            crowding: Crowding::new(settings.services()),
            services: vec![Vec::new(); settings.services()],
            plots: Plot::all(&settings, 0),
            block: Block {
                header,
                transfers: Vec::new(),
                failed: Vec::new(),
                transactions: Vec::new(),
            },
            fees: 0,
            coinbase: 0,
            legs: 0,
            txs: 0,
            blocks: 0,
            emitted: 0,
            settings,
            profile,
        }
    }

    pub fn next_block(&mut self) -> Option<&mut Block> {
        if self.emitted >= self.settings.transfers {
            return None;
        }
        let is_first = self.blocks == 0;
        let room = if is_first { 0 } else { self.pace.advance(&mut self.draw) };
        self.open_block();
        for _ in 0..room {
            if self.legs >= self.settings.transfers {
                break;
            }
            self.run_plots();
            self.transact();
        }
        let outputs = if is_first { self.endow() } else { self.reward() };
        self.close_block(outputs);
        self.blocks += 1;
        self.emitted = self.legs;
        Some(&mut self.block)
    }

    /// The coinbase stands first, but what it pays is known last.
    fn open_block(&mut self) {
        let height = self.pace.height;
        let mut work = [0; 32];
        work[16..].copy_from_slice(&WORK.to_be_bytes());
        self.block.clear(BlockFact {
            chain: self.settings.chain,
            hash: Some(self.names.block(height)),
            parent: Some(self.names.block(height - 1)),
            height: Some(height),
            time: self.pace.time(),
            work: Some(work),
        });
        self.fees = 0;
        self.txs += 1;
        self.coinbase = self.txs;
        self.legs += 1;
        let coinbase = self.transaction(self.coinbase, Vec::new(), Vec::new());
        self.block.transactions.push(coinbase);
    }

    fn close_block(&mut self, outputs: Vec<Output>) {
        self.legs += outputs.len() as u64 - 1;
        let coinbase = &mut self.block.transactions[0];
        coinbase.is_coinbase = true;
        coinbase.outputs = outputs;
    }

    /// Subsidy and fees, to one of the services that mine.
    fn reward(&mut self) -> Vec<Output> {
        const POOL: usize = 6;
        let value = SUBSIDY + self.fees;
        vec![self.make(self.coinbase, 0, Payee::Service(POOL), value)]
    }

    /// What services and the first wallets have before the traffic.
    fn endow(&mut self) -> Vec<Output> {
        let mut outputs = Vec::new();
        let coin = u64::try_from(self.profile.coin).expect("a coin fits");
        for rank in 0..self.services.len() {
            // 2 million coins by Zipf's law come to some 300,000 for the first.
            let value = coin * 250_000 / (rank as u64 + 1) + coin;
            let pieces = (400 / (rank as u64 + 1)).clamp(1, 40);
            for _ in 0..pieces {
                self.add_output(&mut outputs, Payee::Service(rank), value / pieces);
            }
        }
        for _ in 0..self.settings.settlers() {
            let (place, address) = self.wallets.add(&mut self.draw);
            let value = self.amount(self.profile.typical * 4);
            self.add_output(&mut outputs, Payee::Wallet(place, address), value);
        }
        outputs
    }

    fn add_output(&mut self, outputs: &mut Vec<Output>, payee: Payee, value: u64) {
        let index = u32::try_from(outputs.len()).expect("few outputs");
        let output = self.make(self.coinbase, index, payee, value);
        outputs.push(output);
    }

    /// A transaction of these coins, to these payees; what is over is the fee.
    fn spend(&mut self, coins: &[Coin], payees: &[(Payee, u64)]) -> u64 {
        self.txs += 1;
        let tx = self.txs;
        let inputs = coins.iter().map(|coin| self.input(coin)).collect();
        let value_in: u64 = coins.iter().map(|coin| coin.value).sum();
        let mut value_out = 0;
        let mut outputs = Vec::with_capacity(payees.len());
        for ((payee, value), index) in payees.iter().zip(0..) {
            value_out += value;
            outputs.push(self.make(tx, index, *payee, *value));
        }
        self.fees += value_in - value_out;
        self.legs += (coins.len() + payees.len()) as u64;
        let transaction = self.transaction(tx, inputs, outputs);
        self.block.transactions.push(transaction);
        tx
    }

    fn input(&self, coin: &Coin) -> Input {
        let outpoint = Outpoint { tx: self.names.tx(coin.tx), index: coin.index };
        let address = self.names.address(coin.address);
        Input { outpoint, previous: Some(Output { address, value: coin.value }) }
    }

    /// An output, remembered by whoever can spend it.
    fn make(&mut self, tx: u64, index: u32, payee: Payee, value: u64) -> Output {
        let coin = |address| Coin { tx, index, value, address };
        let address = match payee {
            Payee::Service(rank) => {
                self.services[rank].push(coin(rank as u64));
                rank as u64
            }
            Payee::Wallet(place, address) => {
                self.wallets.receive(place, coin(address));
                address
            }
            Payee::Planted(address) => address,
        };
        Output { address: self.names.address(address), value }
    }

    fn transaction(
        &self,
        number: u64,
        inputs: Vec<Input>,
        outputs: Vec<Output>,
    ) -> UtxoTransaction {
        let index = u32::try_from(self.block.transactions.len()).expect("a block's worth");
        UtxoTransaction {
            id: self.names.tx(number),
            height: self.block.header.height,
            index: Some(index),
            time: self.block.header.time,
            block: self.block.header.hash,
            inputs,
            outputs,
            is_coinbase: false,
        }
    }

    fn amount(&mut self, typical: u128) -> u64 {
        u64::try_from(self.draw.amount(typical)).expect("a drawn amount is bounded")
    }

    pub fn services(&self) -> Vec<Service> {
        let one = |rank: usize| {
            let (name, category) = describe(rank, true);
            let address = self.names.address(rank as u64).text(self.settings.chain);
            Service { name, category: category.to_string(), address }
        };
        (0..self.services.len()).map(one).collect()
    }

    pub fn truth(&self) -> Truth {
        let services = self.services();
        let asset = model::Asset::native(self.settings.chain);
        let theft = |plot: &Plot| plot.record.theft(plot.purses(), &asset, &self.names, &services);
        Truth {
            version: 1,
            chain: self.settings.chain,
            seed: self.settings.seed,
            transfers: self.legs,
            transactions: self.txs,
            blocks: self.blocks,
            thefts: self.plots.iter().filter_map(theft).collect(),
            services,
        }
    }
}
