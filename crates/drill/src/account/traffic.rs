//! Ordinary traffic: who pays whom, in what, how much.

use super::{AccountStream, Party};

/// Units of gas, about as such transactions need them.
const GAS_VALUE: u64 = 21_000;
const GAS_TOKEN: u64 = 52_000;
const GAS_CALL: u64 = 140_000;
const GAS_PER_PAYEE: u64 = 26_000;

impl AccountStream {
    /// One transaction. The weights make 2.5 transfers a transaction, and 12 to
    /// 15 percent of what is paid have a service at an end.
    pub(super) fn transact(&mut self) {
        if self.scribe.txs.is_multiple_of(REWARD_EVERY) {
            self.reward_validator();
        }
        match self.draw.below(1_000) {
            0..30 => self.fail(),
            30..448 => self.pay_native(),
            448..835 => self.pay_token(),
            835..862 => self.swap(),
            862..882 => {
                let place = self.receiving_account();
                self.withdraw(place);
            }
            882..885 => self.pay_out(),
            885..963 => self.pay_many(),
            _ => self.call_contract(),
        }
    }

    /// Only the fee moves.
    fn fail(&mut self) {
        let fee = self.fee(GAS_TOKEN);
        let Some(sender) = self.sender(fee) else { return self.top_up() };
        self.scribe.begin();
        self.scribe.failed();
        self.charge(sender, fee);
    }

    fn pay_native(&mut self) {
        let fee = self.fee(GAS_VALUE);
        let Some(sender) = self.sender(fee) else { return self.top_up() };
        let receiver = self.receiver(sender);
        self.scribe.begin();
        self.send_native(sender, receiver, fee);
        self.charge(sender, fee);
    }

    fn pay_token(&mut self) {
        let fee = self.fee(GAS_TOKEN);
        let Some(sender) = self.token_sender(fee) else { return self.top_up() };
        let receiver = self.receiver(sender);
        self.scribe.begin();
        self.send_token(sender, receiver, 1);
        self.charge(sender, fee);
    }

    /// Coins to a place that swaps, tokens back; sometimes a cut for another.
    fn swap(&mut self) {
        let fee = self.fee(GAS_CALL);
        let Some(sender) = self.sender(fee) else { return self.top_up() };
        let venue = self.crowding.pick_swap(&mut self.draw);
        self.scribe.begin();
        self.send_native(sender, Party::Service(venue), fee);
        let token = self.pick_token();
        let amount = self.draw.amount(self.tokens[token].typical / 2);
        self.give_token(venue, token, Party::Account(sender), amount);
        if self.draw.permille(200) {
            let other = self.crowding.pick_swap(&mut self.draw);
            self.give_token(venue, token, Party::Service(other), amount / 256 + 1);
        }
        self.charge(sender, fee);
    }

    /// A value and two events, as contracts that are no service make them.
    fn call_contract(&mut self) {
        let fee = self.fee(GAS_CALL);
        let Some(sender) = self.token_sender(fee * 2) else { return self.top_up() };
        let (first, second) = (self.receiver(sender), self.receiver(sender));
        self.scribe.begin();
        self.send_native(sender, first, fee);
        for receiver in [first, second] {
            if self.crowd.slots[sender].held > 0 {
                self.send_token(sender, receiver, 2);
            }
        }
        self.charge(sender, fee);
    }

    /// One account pays many: wages, an airdrop.
    fn pay_many(&mut self) {
        let payees = self.draw.between(2, 8);
        let fee = self.fee(GAS_VALUE + GAS_PER_PAYEE * payees);
        let Some(sender) = self.token_sender(fee) else { return self.top_up() };
        self.scribe.begin();
        for _ in 0..payees {
            if self.crowd.slots[sender].held == 0 {
                break;
            }
            let receiver = self.receiver(sender);
            self.send_token(sender, receiver, payees);
        }
        self.charge(sender, fee);
    }

    /// A service pays one account.
    fn withdraw(&mut self, place: usize) {
        let fee = self.fee(GAS_VALUE);
        let rank = self.crowding.pick(&mut self.draw);
        self.scribe.begin();
        if self.draw.permille(500) {
            self.keep_native(rank, fee);
            let amount = self.payout(self.services[rank].native - fee, self.profile.typical);
            self.services[rank].native -= amount;
            self.pay_in(place, amount);
            let (from, to) =
                (self.address(Party::Service(rank)), self.address(Party::Account(place)));
            self.scribe.value(from, to, amount);
        } else {
            let token = self.pick_token();
            let amount = self.draw.amount(self.tokens[token].typical);
            self.give_token(rank, token, Party::Account(place), amount);
        }
        self.crowd.touch(place);
        self.charge_service(rank, fee);
    }

    /// A service pays many in one go.
    fn pay_out(&mut self) {
        let payees = u32::try_from(self.draw.between(4, 20)).expect("few");
        let fee = self.fee(GAS_VALUE + GAS_PER_PAYEE * u64::from(payees));
        let rank = self.crowding.pick(&mut self.draw);
        self.scribe.begin();
        for step in 0..payees {
            let place = self.receiving_account();
            self.keep_native(rank, fee);
            let amount = self.payout(self.services[rank].native - fee, self.profile.typical);
            self.services[rank].native -= amount;
            self.pay_in(place, amount);
            let (from, to) =
                (self.address(Party::Service(rank)), self.address(Party::Account(place)));
            self.scribe.inner_call(step, from, to, amount);
            self.crowd.touch(place);
        }
        self.charge_service(rank, fee);
    }

    /// Nobody at hand could pay: somebody gets what is needed to.
    fn top_up(&mut self) {
        let place = self.crowd.pick(&mut self.draw);
        self.withdraw(place);
    }

    fn reward_validator(&mut self) {
        let place = self.crowd.pick(&mut self.draw);
        let amount = self.draw.amount(self.profile.typical / 8);
        self.scribe.begin();
        self.pay_in(place, amount);
        let to = self.address(Party::Account(place));
        self.scribe.reward(to, amount);
    }

    fn send_native(&mut self, sender: usize, receiver: Party, fee: u128) {
        let held = self.crowd.slots[sender].native - fee;
        let amount = self.draw.share_of(held);
        self.crowd.slots[sender].native -= amount;
        let from = self.address(Party::Account(sender));
        let to = self.address(receiver);
        self.credit(receiver, None, amount);
        self.scribe.value(from, to, amount);
        self.touch(sender, receiver);
    }

    /// A share of one part in so many.
    fn send_token(&mut self, sender: usize, receiver: Party, parts: u64) {
        let slot = &mut self.crowd.slots[sender];
        let token = usize::from(slot.token);
        let amount = (self.draw.share_of(slot.held) / u128::from(parts)).max(1);
        slot.held -= amount;
        let from = self.address(Party::Account(sender));
        let to = self.address(receiver);
        self.credit(receiver, Some(token), amount);
        self.scribe.token(token, Some(from), Some(to), amount);
        self.touch(sender, receiver);
    }

    pub(super) fn give_token(&mut self, rank: usize, token: usize, to: Party, amount: u128) {
        self.keep_token(rank, token, amount);
        self.services[rank].tokens[token] -= amount;
        self.credit(to, Some(token), amount);
        let (from, to) = (self.address(Party::Service(rank)), self.address(to));
        self.scribe.token(token, Some(from), Some(to), amount);
    }

    fn charge(&mut self, sender: usize, fee: u128) {
        self.crowd.slots[sender].native -= fee;
        let from = self.address(Party::Account(sender));
        self.scribe.fee(from, fee);
    }

    pub(super) fn charge_service(&mut self, rank: usize, fee: u128) {
        self.keep_native(rank, fee);
        self.services[rank].native -= fee;
        self.scribe.fee(self.services[rank].address.clone(), fee);
    }

    /// New coins where a service has not enough for this and what may come.
    pub(super) fn keep_native(&mut self, rank: usize, needed: u128) {
        if self.services[rank].native < needed * 16 + self.profile.typical {
            self.reward_service(rank);
        }
    }

    pub(super) fn keep_token(&mut self, rank: usize, token: usize, needed: u128) {
        while self.services[rank].tokens[token] < needed {
            self.issue(rank, token);
        }
    }

    fn payout(&mut self, held: u128, typical: u128) -> u128 {
        self.draw.amount(typical).min(held / 16).max(1)
    }

    /// An account that can pay this fee and have something left; few are asked.
    fn sender(&mut self, fee: u128) -> Option<usize> {
        let mut asked = (0..TRIES).map(|_| self.crowd.pick_payer(&mut self.draw, false));
        let found = asked.find(|place| self.crowd.slots[*place].native > fee * 2)?;
        self.crowd.pinned = found;
        Some(found)
    }

    fn token_sender(&mut self, fee: u128) -> Option<usize> {
        let mut asked = (0..TRIES).map(|_| self.crowd.pick_payer(&mut self.draw, true));
        let can = |place: &usize| {
            let slot = &self.crowd.slots[*place];
            slot.held > 0 && slot.native > fee * 2
        };
        let found = asked.find(can)?;
        self.crowd.pinned = found;
        Some(found)
    }

    /// A service, somebody new, or somebody by popularity; not the sender.
    fn receiver(&mut self, sender: usize) -> Party {
        if self.draw.permille(SERVICES_PERMILLE) {
            return Party::Service(self.crowding.pick(&mut self.draw));
        }
        let place = self.receiving_account();
        if place != sender {
            return Party::Account(place);
        }
        Party::Service(self.crowding.pick(&mut self.draw))
    }

    fn receiving_account(&mut self) -> usize {
        if self.draw.permille(NEW_PERMILLE) {
            return self.new_account();
        }
        self.crowd.pick(&mut self.draw)
    }

    fn new_account(&mut self) -> usize {
        self.crowd.add(&mut self.draw)
    }

    /// Both were just seen; a new one enters the urn here.
    fn touch(&mut self, sender: usize, receiver: Party) {
        if let Party::Account(place) = receiver {
            self.crowd.touch(place);
        }
        if self.draw.permille(250) {
            self.crowd.touch(sender);
        }
    }

    fn pick_token(&mut self) -> usize {
        const FIRST_PERMILLE: u64 = 450;
        if self.draw.permille(FIRST_PERMILLE) { 0 } else { self.draw.index(self.tokens.len()) }
    }

    fn fee(&mut self, gas: u64) -> u128 {
        self.pace.fee(&mut self.draw, gas)
    }
}

const TRIES: u32 = 6;
const SERVICES_PERMILLE: u64 = 60;
const NEW_PERMILLE: u64 = 385;
const REWARD_EVERY: u64 = 128;
