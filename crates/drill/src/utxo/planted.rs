//! The planted thefts of Bitcoin, each step one transaction.

use model::{Position, TransferId};

use super::wallets::Coin;
use super::{Payee, UtxoStream};
use crate::draw::part;
use crate::theft::{Moved, Order, Place, Plot, Purse, Target};
use crate::truth::Step;

/// Money rests where fees would eat it.
const FEES_WORTH: u64 = 8;

impl UtxoStream {
    /// Does whatever the plots want done by now.
    pub(super) fn run_plots(&mut self) {
        let mut plots = std::mem::take(&mut self.plots);
        for plot in &mut plots {
            while let Some(order) = plot.next_order(self.legs) {
                self.carry_out(plot, order);
            }
        }
        self.plots = plots;
    }

    fn carry_out(&mut self, plot: &mut Plot, order: Order) {
        match order {
            Order::Fund { to } => {
                let size = plot.size;
                if let Some(purse) = self.paid_by_service(plot, to, size, "funding") {
                    plot.arrived(purse);
                }
            }
            Order::Take { from, to, percent } => self.take(plot, &from, to, percent),
            Order::Pass { step, from, to } => self.pass(plot, step, from, &to),
            Order::CleanIn { to } => {
                let size = plot.draw.between(1, 40);
                if let Some(purse) = self.paid_by_service(plot, to, size, "clean-in") {
                    plot.arrived_clean(purse);
                }
            }
            Order::CleanOut { from } => self.clean_out(plot, from),
        }
    }

    fn paid_by_service(
        &mut self,
        plot: &mut Plot,
        to: u64,
        size: u64,
        what: &str,
    ) -> Option<Purse> {
        let typical = u64::try_from(self.profile.typical).expect("a payment fits");
        let value = typical * size;
        let rank = plot.draw.index(5);
        let tx = self.service_pays(rank, &[(Payee::Planted(to), value)])?;
        plot.record.other(what, &self.id(tx, 0), u128::from(value));
        Some(Purse { address: to, amount: u128::from(value), coin: (tx, 0) })
    }

    fn take(&mut self, plot: &mut Plot, from: &[Purse], to: u64, percent: u64) {
        let coins: Vec<Coin> = from.iter().map(coin).collect();
        let held: u64 = coins.iter().map(|coin| coin.value).sum();
        let fee = self.fee(coins.len(), 2);
        let stolen = part(u128::from(held), percent, 100);
        let value = u64::try_from(stolen).expect("no more than is held").min(held - fee);
        let victim = from[0].address;
        let payees = [(Payee::Planted(to), value), (Payee::Planted(victim), held - fee - value)];
        // The victim pays the fee and keeps the change.
        let tx = self.spend(&coins, &payees);
        self.note(plot, Step::Theft, from, (tx, 0), &payees[0], 0);
        plot.arrived(Purse { address: to, amount: u128::from(value), coin: (tx, 0) });
    }

    fn pass(&mut self, plot: &mut Plot, step: Step, from: Vec<Purse>, to: &[Target]) {
        let coins: Vec<Coin> = from.iter().map(coin).collect();
        let held: u64 = coins.iter().map(|coin| coin.value).sum();
        let fee = self.fee(coins.len(), to.len());
        if held <= fee * FEES_WORTH * to.len() as u64 {
            return from.into_iter().for_each(|purse| plot.arrived(purse));
        }
        let payees = self.payees(plot, to, held - fee);
        let tx = self.spend(&coins, &payees);
        for (payee, index) in payees.iter().zip(0..) {
            let fee = if index == 0 { fee } else { 0 };
            self.note(plot, step, &from, (tx, index), payee, fee);
            if let (Payee::Planted(address), value) = *payee {
                let amount = u128::from(value);
                plot.arrived(Purse { address, amount, coin: (tx, index) });
            }
        }
    }

    fn payees(&mut self, plot: &mut Plot, to: &[Target], total: u64) -> Vec<(Payee, u64)> {
        let parts: u64 = to.iter().map(|target| target.parts).sum();
        let mut left = total;
        let mut payees = Vec::with_capacity(to.len());
        for (at, target) in to.iter().enumerate() {
            let share = part(u128::from(total), target.parts, parts);
            let share = u64::try_from(share).expect("no more than the whole");
            let value = if at + 1 == to.len() { left } else { share };
            left -= value;
            let payee = match target.place {
                Place::Fresh(address) => Payee::Planted(address),
                Place::Service => Payee::Service(self.crowding.pick(&mut plot.draw)),
            };
            payees.push((payee, value));
        }
        payees
    }

    fn clean_out(&mut self, plot: &mut Plot, from: u64) {
        let Some(purse) = plot.leaving_clean(from) else { return };
        let coins = [coin(&purse)];
        let fee = self.fee(1, 1);
        let value = coins[0].value.saturating_sub(fee);
        if value < fee {
            return;
        }
        let place = self.wallets.pick(&mut plot.draw);
        let payee = Payee::Wallet(place, self.wallets.address(place));
        let tx = self.spend(&coins, &[(payee, value)]);
        plot.record.other("clean-out", &self.id(tx, 0), u128::from(value));
    }

    fn note(
        &self,
        plot: &mut Plot,
        step: Step,
        from: &[Purse],
        (tx, index): (u64, u32),
        (payee, value): &(Payee, u64),
        fee: u64,
    ) {
        let (to, service) = match *payee {
            Payee::Service(rank) => {
                (rank as u64, Some((rank, crate::services::describe(rank, true).0)))
            }
            Payee::Wallet(_, address) | Payee::Planted(address) => (address, None),
        };
        let from: Vec<u64> = from.iter().map(|purse| purse.address).collect();
        let id = self.id(tx, index);
        let (height, time) = (self.pace.height, self.pace.time());
        let (amount, fee) = (u128::from(*value), u128::from(fee));
        let moved = Moved { step, id: &id, from: &from, to, amount, fee, height, time, service };
        plot.record.moved(moved, &self.names, self.settings.chain);
    }

    fn id(&self, tx: u64, index: u32) -> TransferId {
        TransferId { tx: self.names.tx(tx), position: Position::Output(index), equal: None }
    }
}

fn coin(purse: &Purse) -> Coin {
    let (tx, index) = purse.coin;
    let value = u64::try_from(purse.amount).expect("an output's value");
    Coin { tx, index, value, address: purse.address }
}
