//! The planted thefts of an account chain, carried out as payments.

use model::{Asset, TransferId};

use super::{AccountStream, Party};
use crate::draw::part;
use crate::theft::{Moved, Order, Place, Plot, Purse, Target};
use crate::truth::Step;

const GAS_VALUE: u64 = 21_000;
const GAS_TOKEN: u64 = 60_000;
/// Money rests where a coin's worth of fees would eat it.
const FEES_WORTH: u128 = 8;

/// One payment from a planted address.
struct Payment {
    from: u64,
    to: Payee,
    amount: u128,
    fee: u128,
}

#[derive(Clone, Copy)]
enum Payee {
    Planted(u64),
    Party(Party),
}

impl AccountStream {
    /// Does whatever the plots want done by now.
    pub(super) fn run_plots(&mut self) {
        let mut plots = std::mem::take(&mut self.plots);
        for plot in &mut plots {
            while let Some(order) = plot.next_order(self.scribe.emitted) {
                self.carry_out(plot, order);
            }
        }
        self.plots = plots;
    }

    fn carry_out(&mut self, plot: &mut Plot, order: Order) {
        match order {
            Order::Fund { to } => {
                let amount = self.typical(plot) * u128::from(plot.size);
                let id = self.service_pays(plot, to, amount);
                plot.record.other("funding", &id, amount);
                plot.arrived(Purse { address: to, amount, coin: (0, 0) });
            }
            Order::Take { from, to, percent } => self.take(plot, &from, to, percent),
            Order::Pass { step: Step::Merge, from, to } => self.merge(plot, from, to[0]),
            Order::Pass { step, from, to } => {
                for purse in from {
                    self.pass(plot, step, purse, &to);
                }
            }
            Order::CleanIn { to } => {
                let amount = self.typical(plot) * u128::from(plot.draw.between(1, 40));
                let id = self.service_pays(plot, to, amount);
                plot.record.other("clean-in", &id, amount);
                plot.arrived_clean(Purse { address: to, amount, coin: (0, 0) });
            }
            Order::CleanOut { from } => self.clean_out(plot, from),
        }
    }

    fn take(&mut self, plot: &mut Plot, from: &[Purse], to: u64, percent: u64) {
        let held: u128 = from.iter().map(|purse| purse.amount).sum();
        let victim = from[0].address;
        let fee = self.plot_fee(plot);
        let amount = part(held, percent, 100).min(held - self.own_fee(plot, fee));
        let payment = Payment { from: victim, to: Payee::Planted(to), amount, fee };
        self.pay(plot, Step::Theft, payment, 0);
        plot.arrived(Purse { address: to, amount, coin: (0, 0) });
    }

    /// Each purse pays in on its own: an account chain knows no other way.
    fn merge(&mut self, plot: &mut Plot, from: Vec<Purse>, to: Target) {
        let Place::Fresh(address) = to.place else { return };
        let mut amount = 0;
        for purse in from {
            let fee = self.plot_fee(plot);
            let own = self.own_fee(plot, fee);
            if purse.amount <= own * FEES_WORTH {
                plot.arrived(purse);
                continue;
            }
            let paid = purse.amount - own;
            let to = Payee::Planted(address);
            let payment = Payment { from: purse.address, to, amount: paid, fee };
            self.pay(plot, Step::Merge, payment, own);
            amount += paid;
        }
        if amount > 0 {
            plot.arrived(Purse { address, amount, coin: (0, 0) });
        }
    }

    fn pass(&mut self, plot: &mut Plot, step: Step, purse: Purse, to: &[Target]) {
        let fee = self.plot_fee(plot);
        let own = self.own_fee(plot, fee);
        let payments = to.len() as u128;
        if purse.amount <= own * payments * FEES_WORTH || purse.amount < payments * 100 {
            return plot.arrived(purse);
        }
        let total = purse.amount - own * payments;
        let parts: u64 = to.iter().map(|target| target.parts).sum();
        let mut left = total;
        for (at, target) in to.iter().enumerate() {
            let is_last = at + 1 == to.len();
            let amount = if is_last { left } else { part(total, target.parts, parts) };
            left -= amount;
            let to = match target.place {
                Place::Fresh(address) => Payee::Planted(address),
                Place::Service => Payee::Party(Party::Service(self.custodian(plot))),
            };
            self.pay(plot, step, Payment { from: purse.address, to, amount, fee }, own);
            if let Payee::Planted(address) = to {
                plot.arrived(Purse { address, amount, coin: (0, 0) });
            }
        }
    }

    /// What came in clean goes to somebody of the crowd.
    fn clean_out(&mut self, plot: &mut Plot, from: u64) {
        let Some(purse) = plot.leaving_clean(from) else { return };
        let fee = self.plot_fee(plot);
        let own = self.own_fee(plot, fee);
        if purse.amount <= own {
            return;
        }
        let to = Payee::Party(Party::Account(self.crowd.pick(&mut plot.draw)));
        let amount = purse.amount - own;
        let id = self.transfer(plot, Payment { from, to, amount, fee });
        plot.record.other("clean-out", &id, amount);
    }

    /// A movement of stolen money; `own` of the fee comes out of it.
    fn pay(&mut self, plot: &mut Plot, step: Step, payment: Payment, own: u128) {
        let (from, amount) = (payment.from, payment.amount);
        let (to, service) = match payment.to {
            Payee::Planted(address) => (address, None),
            Payee::Party(Party::Service(rank)) => {
                let name = crate::services::describe(rank, false).0;
                (rank as u64, Some((rank, name)))
            }
            Payee::Party(Party::Account(place)) => (self.crowd.slots[place].number, None),
        };
        let id = self.transfer(plot, payment);
        let (height, time) = (self.pace.height, self.pace.time());
        let moved =
            Moved { step, id: &id, from: &[from], to, amount, fee: own, height, time, service };
        plot.record.moved(moved, &self.scribe.names, self.settings.chain);
    }

    /// The transaction itself, with gas brought first where the money is a token.
    fn transfer(&mut self, plot: &mut Plot, payment: Payment) -> TransferId {
        let Payment { from, to, amount, fee } = payment;
        if plot.token.is_some() {
            self.bring_gas(plot, from, fee);
        }
        let source = self.scribe.names.address(from);
        let target = match to {
            Payee::Planted(address) => self.scribe.names.address(address),
            Payee::Party(party) => self.address(party),
        };
        if let Payee::Party(party) = to {
            self.credit(party, plot.token, amount);
        }
        self.scribe.begin();
        match plot.token {
            None => self.scribe.value(source.clone(), target, amount),
            Some(token) => self.scribe.token(token, Some(source.clone()), Some(target), amount),
        }
        let id = self.scribe.last().id();
        self.scribe.fee(source, fee);
        id
    }

    /// Who holds tokens only has somebody send the fee.
    fn bring_gas(&mut self, plot: &mut Plot, to: u64, amount: u128) {
        let rank = self.custodian(plot);
        let fee = self.pace.fee(&mut plot.draw, GAS_VALUE);
        self.keep_native(rank, amount + fee);
        self.services[rank].native -= amount;
        self.scribe.begin();
        let (from, to) = (self.services[rank].address.clone(), self.scribe.names.address(to));
        self.scribe.value(from, to, amount);
        let id = self.scribe.last().id();
        self.charge_service(rank, fee);
        plot.record.other("gas", &id, amount);
    }

    fn service_pays(&mut self, plot: &mut Plot, to: u64, amount: u128) -> TransferId {
        let rank = plot.draw.index(5);
        let fee = self.plot_fee(plot);
        let (from, to) = (self.services[rank].address.clone(), self.scribe.names.address(to));
        self.scribe.begin();
        match plot.token {
            None => {
                self.keep_native(rank, amount + fee);
                self.services[rank].native -= amount;
                self.scribe.value(from, to, amount);
            }
            Some(token) => {
                self.keep_token(rank, token, amount);
                self.services[rank].tokens[token] -= amount;
                self.scribe.token(token, Some(from), Some(to), amount);
            }
        }
        let id = self.scribe.last().id();
        self.charge_service(rank, fee);
        id
    }

    /// A service that keeps what it gets: at a swap the money would go on.
    fn custodian(&mut self, plot: &mut Plot) -> usize {
        let rank = self.crowding.pick(&mut plot.draw);
        if crate::services::is_swap(rank) { rank - 1 } else { rank }
    }

    fn typical(&self, plot: &Plot) -> u128 {
        plot.token.map_or(self.profile.typical, |token| self.tokens[token].typical)
    }

    fn plot_fee(&self, plot: &mut Plot) -> u128 {
        let gas = if plot.token.is_some() { GAS_TOKEN } else { GAS_VALUE };
        self.pace.fee(&mut plot.draw, gas)
    }

    /// What the money itself pays of it: a token pays no fee.
    fn own_fee(&self, plot: &Plot, fee: u128) -> u128 {
        if plot.token.is_some() { 0 } else { fee }
    }

    pub(super) fn asset_of(&self, plot: &Plot) -> Asset {
        match plot.token {
            Some(token) => self.tokens[token].asset.clone(),
            None => Asset::native(self.settings.chain),
        }
    }
}
