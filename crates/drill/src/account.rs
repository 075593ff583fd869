//! Streams of account chains: EVM, Tron, Solana.
//!
//! Nobody ever sends what they do not hold: services and the first accounts are
//! funded in the block before the traffic, everybody else by whoever pays them.

mod crowd;
mod planted;
mod scribe;
mod traffic;

use model::Address;

use self::crowd::Crowd;
use self::scribe::Scribe;
use crate::block::Block;
use crate::draw::Draw;
use crate::names::Names;
use crate::pace::Pace;
use crate::profile::{Profile, Token, tokens};
use crate::services::{Crowding, Service, describe};
use crate::settings::Settings;
use crate::theft::Plot;
use crate::truth::Truth;

pub struct AccountStream {
    settings: Settings,
    profile: Profile,
    tokens: Vec<Token>,
    draw: Draw,
    pace: Pace,
    crowd: Crowd,
    crowding: Crowding,
    services: Vec<Books>,
    scribe: Scribe,
    plots: Vec<Plot>,
    blocks: u64,
    /// Transfers of blocks that were handed out.
    pub emitted: u64,
}

/// What a service holds.
struct Books {
    address: Address,
    native: u128,
    tokens: Vec<u128>,
}

/// Who sends or receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Party {
    Service(usize),
    /// By its place among the hot accounts.
    Account(usize),
}

/// A transaction's mean of transfers, for the pace; the traffic's weights make it so.
const TRANSFERS_PER_TX: (u64, u64) = (5, 2);

impl AccountStream {
    pub fn new(settings: Settings) -> AccountStream {
        let names = Names::new(settings.chain, settings.seed);
        let profile = Profile::of(settings.chain);
        let tokens = tokens(settings.chain, &names);
        let (many, few) = TRANSFERS_PER_TX;
        let services = (0..settings.services()).map(|rank| Books {
            address: names.address(rank as u64),
            native: 0,
            tokens: vec![0; tokens.len()],
        });
        AccountStream {
            draw: Draw::new(settings.seed, 0),
            pace: Pace::new(&profile, settings.transfers * few / many),
            crowd: Crowd::new(settings.accounts_hot),
            crowding: Crowding::new(settings.services()),
            services: services.collect(),
            scribe: Scribe::new(settings.chain, names, &tokens),
            plots: Plot::all(&settings, tokens.len()),
            blocks: 0,
            emitted: 0,
            settings,
            profile,
            tokens,
        }
    }

    pub fn next_block(&mut self) -> Option<&mut Block> {
        if self.emitted >= self.settings.transfers {
            return None;
        }
        if self.blocks == 0 {
            self.scribe.open_block(&self.pace);
            self.fund();
        } else {
            let room = self.pace.advance(&mut self.draw);
            self.scribe.open_block(&self.pace);
            self.fill(room);
        }
        self.blocks += 1;
        self.emitted = self.scribe.emitted;
        Some(&mut self.scribe.block)
    }

    fn fill(&mut self, room: u64) {
        for _ in 0..room {
            if self.scribe.emitted >= self.settings.transfers {
                return;
            }
            self.run_plots();
            self.transact();
        }
    }

    /// Coins to services and settlers, tokens to services.
    fn fund(&mut self) {
        self.scribe.begin();
        for rank in 0..self.services.len() {
            self.reward_service(rank);
        }
        for _ in 0..self.settings.settlers() {
            let place = self.crowd.add(&mut self.draw);
            let amount = self.draw.amount(self.profile.typical * 4);
            self.pay_in(place, amount);
            self.crowd.touch(place);
            let to = self.address(Party::Account(place));
            self.scribe.reward(to, amount);
        }
        self.scribe.begin();
        for rank in 0..self.services.len() {
            for token in 0..self.tokens.len() {
                self.issue(rank, token);
            }
        }
    }

    /// New coins for a service: at the start, and whenever it runs low.
    fn reward_service(&mut self, rank: usize) {
        let amount = self.endowment(rank, self.profile.typical);
        self.services[rank].native += amount;
        self.scribe.reward(self.services[rank].address.clone(), amount);
    }

    fn issue(&mut self, rank: usize, token: usize) {
        let amount = self.endowment(rank, self.tokens[token].typical);
        self.services[rank].tokens[token] += amount;
        self.scribe.token(token, None, Some(self.services[rank].address.clone()), amount);
    }

    /// The busiest hold most.
    fn endowment(&self, rank: usize, typical: u128) -> u128 {
        let weight = 40_000_000 / (rank as u128 + 1) + 100_000;
        typical * weight
    }

    fn address(&self, party: Party) -> Address {
        match party {
            Party::Service(rank) => self.services[rank].address.clone(),
            Party::Account(place) => self.scribe.names.address(self.crowd.slots[place].number),
        }
    }

    fn credit(&mut self, party: Party, token: Option<usize>, amount: u128) {
        match (party, token) {
            (Party::Service(rank), None) => self.services[rank].native += amount,
            (Party::Service(rank), Some(token)) => self.services[rank].tokens[token] += amount,
            (Party::Account(place), None) => self.pay_in(place, amount),
            (Party::Account(place), Some(token)) => {
                self.crowd.slots[place].take_token(token, amount);
                if self.crowd.slots[place].native >= self.profile.typical / 64 {
                    self.crowd.paid(place, true);
                }
            }
        }
    }

    fn pay_in(&mut self, place: usize, amount: u128) {
        let slot = &mut self.crowd.slots[place];
        slot.native += amount;
        let holds_token = slot.held > 0;
        if slot.native >= self.profile.typical / 64 {
            self.crowd.paid(place, false);
            if holds_token {
                self.crowd.paid(place, true);
            }
        }
    }

    pub fn services(&self) -> Vec<Service> {
        let one = |(rank, books): (usize, &Books)| {
            let (name, category) = describe(rank, false);
            let address = books.address.text(self.settings.chain);
            Service { name, category: category.to_string(), address }
        };
        self.services.iter().enumerate().map(one).collect()
    }

    pub fn truth(&self) -> Truth {
        let services = self.services();
        let theft = |plot: &Plot| {
            plot.record.theft(plot.purses(), &self.asset_of(plot), &self.scribe.names, &services)
        };
        Truth {
            version: 1,
            chain: self.settings.chain,
            seed: self.settings.seed,
            transfers: self.scribe.emitted,
            transactions: self.scribe.txs,
            blocks: self.blocks,
            thefts: self.plots.iter().filter_map(theft).collect(),
            services,
        }
    }
}
