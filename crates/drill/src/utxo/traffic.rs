//! Ordinary traffic: payments with change, payouts of services, consolidations.

use super::wallets::Coin;
use super::{Payee, UtxoStream};

/// Less is not worth an output.
const DUST: u64 = 546;

/// From so many outputs on they are gathered into one.
const SERVICE_COINS_MAX: usize = 80;
const WALLET_COINS_MAX: usize = 10;

impl UtxoStream {
    pub(super) fn transact(&mut self) {
        match self.draw.below(1_000) {
            0..935 => self.pay(),
            935..960 => self.pay_out_one(),
            _ => self.pay_out(),
        }
    }

    fn pay(&mut self) {
        let Some(place) = self.spender() else { return self.pay_out_one() };
        if self.wallets.coins(place).len() >= WALLET_COINS_MAX {
            return self.gather(place);
        }
        let held: u64 = self.wallets.coins(place).iter().map(|coin| coin.value).sum();
        let wanted = self.draw.share_of(u128::from(held));
        let wanted = u64::try_from(wanted).expect("no more than is held").max(DUST * 2);
        let mut coins = Vec::with_capacity(2);
        let fee_most = self.fee(WALLET_COINS_MAX, 2);
        let sum = self.wallets.take(place, wanted + fee_most, WALLET_COINS_MAX, &mut coins);
        let fee = self.fee(coins.len(), 2);
        let paid = wanted.min(sum - fee);
        let receiver = self.receiver();
        let change = sum - fee - paid;
        if change < DUST {
            self.spend(&coins, &[(receiver, paid)]);
            return;
        }
        let back = self.change(place);
        // Change comes first as often as last.
        let mut payees = [(receiver, paid), (back, change)];
        if self.draw.permille(500) {
            payees.reverse();
        }
        self.spend(&coins, &payees);
    }

    /// A wallet with something to spend; few are asked.
    fn spender(&mut self) -> Option<usize> {
        let least = self.fee(WALLET_COINS_MAX, 2) * 2 + DUST * 4;
        for _ in 0..8 {
            let place = self.wallets.pick(&mut self.draw);
            let held: u64 = self.wallets.coins(place).iter().map(|coin| coin.value).sum();
            if held > least {
                self.wallets.pinned = place;
                return Some(place);
            }
        }
        None
    }

    fn gather(&mut self, place: usize) {
        let mut coins = Vec::new();
        let sum = self.wallets.take(place, u64::MAX, WALLET_COINS_MAX * 2, &mut coins);
        let fee = self.fee(coins.len(), 1).min(sum / 2);
        let back = self.change(place);
        self.spend(&coins, &[(back, sum - fee)]);
    }

    fn pay_out_one(&mut self) {
        let payee = self.account();
        let value = self.amount(self.profile.typical * 2);
        let rank = self.crowding.pick(&mut self.draw);
        self.service_pays(rank, &[(payee, value)]);
    }

    fn pay_out(&mut self) {
        let many = self.draw.between(5, 30);
        let rank = self.crowding.pick(&mut self.draw);
        let mut payees = Vec::new();
        for _ in 0..many {
            let payee = self.account();
            payees.push((payee, self.amount(self.profile.typical)));
        }
        self.service_pays(rank, &payees);
    }

    /// Pays as asked, less where the service has less; with change.
    pub(super) fn service_pays(&mut self, rank: usize, payees: &[(Payee, u64)]) -> Option<u64> {
        let wanted: u64 = payees.iter().map(|(_, value)| value).sum();
        if self.services[rank].len() > SERVICE_COINS_MAX {
            self.gather_service(rank);
        }
        let mut coins: Vec<Coin> = Vec::new();
        let mut sum = 0;
        let fee_most = self.fee(SERVICE_COINS_MAX, payees.len() + 1);
        while sum < wanted + fee_most + DUST {
            let Some(coin) = self.services[rank].pop() else { break };
            sum += coin.value;
            coins.push(coin);
        }
        let fee = self.fee(coins.len(), payees.len() + 1);
        if sum < wanted + fee + DUST {
            // Too little: it keeps what it has, and the busiest pays.
            self.services[rank].append(&mut coins);
            return if rank == 0 { None } else { self.service_pays(0, payees) };
        }
        let mut payees = payees.to_vec();
        payees.push((Payee::Service(rank), sum - wanted - fee));
        Some(self.spend(&coins, &payees))
    }

    /// Many small deposits into one output.
    fn gather_service(&mut self, rank: usize) {
        let coins = std::mem::take(&mut self.services[rank]);
        let sum: u64 = coins.iter().map(|coin| coin.value).sum();
        let fee = self.fee(coins.len(), 1).min(sum / 2);
        self.spend(&coins, &[(Payee::Service(rank), sum - fee)]);
    }

    fn receiver(&mut self) -> Payee {
        const SERVICES_PERMILLE: u64 = 110;
        if self.draw.permille(SERVICES_PERMILLE) {
            return Payee::Service(self.crowding.pick(&mut self.draw));
        }
        self.account()
    }

    /// Somebody new, somebody known at a new address, or where they were paid before.
    fn account(&mut self) -> Payee {
        const NEW_PERMILLE: u64 = 330;
        const FRESH_PERMILLE: u64 = 80;
        if self.draw.permille(NEW_PERMILLE) {
            let (place, address) = self.wallets.add(&mut self.draw);
            return Payee::Wallet(place, address);
        }
        let place = self.wallets.pick(&mut self.draw);
        if self.draw.permille(FRESH_PERMILLE) {
            let address = self.wallets.fresh_address();
            self.wallets.move_to(place, address);
        }
        Payee::Wallet(place, self.wallets.address(place))
    }

    fn change(&mut self, place: usize) -> Payee {
        const FRESH_PERMILLE: u64 = 400;
        if self.draw.permille(FRESH_PERMILLE) {
            let address = self.wallets.fresh_address();
            self.wallets.move_to(place, address);
        }
        Payee::Wallet(place, self.wallets.address(place))
    }

    /// By size: an input has some 68 virtual bytes, an output 31.
    pub(super) fn fee(&mut self, inputs: usize, outputs: usize) -> u64 {
        let size = 11 + 68 * inputs as u64 + 31 * outputs as u64;
        u64::try_from(self.pace.fee(&mut self.draw, size)).expect("a fee is small")
    }
}
