//! CoinJoin rounds of the town, as each protocol makes them.

use std::cmp::Reverse;

use super::KnownRound;
use super::bitcoin::{Coin, DUST, Script, World};

const POOL: u64 = 1_000_000;

/// Somebody's inputs in a round.
struct Party {
    wallet: usize,
    coins: Vec<Coin>,
}

impl Party {
    fn held(&self) -> u64 {
        self.coins.iter().map(|coin| coin.value).sum()
    }
}

impl World {
    /// One base denomination that is no round amount; change; a fee to the coordinator.
    pub(super) fn wasabi1(&mut self) {
        let denomination = 9_870_000 + self.draw.below(1_150_000) / 7 * 7 + 3;
        let wanted = usize::try_from(self.draw.between(11, 24)).expect("few");
        let cost = 4_000;
        let parties = self.parties(wanted, 11, denomination + cost, 4, &[Script::Witness]);
        if parties.is_empty() {
            return;
        }
        let coordinator_fee = denomination / 33_333 * parties.len() as u64;
        let mut outputs = Vec::new();
        for party in &parties {
            let to = self.fresh(party.wallet);
            outputs.push((to, denomination));
            let change = party.held() - denomination - cost;
            if change > coordinator_fee + DUST {
                let back = self.fresh(party.wallet);
                outputs.push((back, change - coordinator_fee));
            }
        }
        // The coordinator is the last exchange here: somebody with addresses of the same kind.
        let coordinator = self.fresh_of(Script::Witness);
        outputs.push((coordinator, coordinator_fee * parties.len() as u64 + 7));
        self.shuffle(&mut outputs);
        let paid: u64 = outputs.iter().map(|(_, value)| value).sum();
        if paid + cost > parties.iter().map(Party::held).sum() {
            return self.give_back(parties);
        }
        self.finish("wasabi1", parties, &outputs, false);
    }

    /// Arbitrary amounts into standard denominations, everything in falling order.
    pub(super) fn wasabi2(&mut self) {
        let wanted = usize::try_from(self.draw.between(8, 30)).expect("few");
        let parties = self.parties(wanted, 8, 2_000_000, 6, &[Script::Witness, Script::Taproot]);
        let mut outputs = Vec::new();
        for party in &parties {
            let cost = 300 * party.coins.len() as u64 + 1_000;
            for value in decompose(party.held().saturating_sub(cost)) {
                let to = self.fresh(party.wallet);
                outputs.push((to, value));
            }
        }
        let inputs: usize = parties.iter().map(|party| party.coins.len()).sum();
        let mut values: Vec<u64> = outputs.iter().map(|(_, value)| *value).collect();
        values.sort_unstable();
        let repeated = values.chunk_by(|a, b| a == b).filter(|group| group.len() >= 2).count();
        if inputs < 12 || repeated < 2 {
            return self.give_back(parties);
        }
        outputs.sort_by_key(|(_, value)| Reverse(*value));
        self.finish("wasabi2", parties, &outputs, true);
    }

    /// Five of a pool: at least one mixes again, the others come in and pay.
    pub(super) fn whirlpool(&mut self) {
        let ready = |world: &World, wallet: usize| {
            world.wallets[wallet].script == Script::Witness
                && !world.wallets[wallet].mixing.is_empty()
        };
        let mut chosen: Vec<usize> =
            (0..self.wallets.len()).filter(|at| ready(self, *at)).collect();
        if chosen.len() < 8 {
            return self.premix();
        }
        self.shuffle(&mut chosen);
        chosen.truncate(5);
        let mut parties = Vec::new();
        for wallet in chosen {
            let coins = vec![self.wallets[wallet].mixing.swap_remove(0)];
            parties.push(Party { wallet, coins });
        }
        let again = parties.iter().filter(|party| party.held() == POOL).count();
        if again == 0 || again == parties.len() {
            for Party { wallet, mut coins } in parties {
                self.wallets[wallet].mixing.append(&mut coins);
            }
            return self.premix();
        }
        let wallets: Vec<usize> = parties.iter().map(|party| party.wallet).collect();
        let outputs: Vec<(usize, u64)> =
            wallets.iter().map(|wallet| (self.fresh(*wallet), POOL)).collect();
        self.finish("whirlpool", parties, &outputs, false);
        wallets.into_iter().for_each(|wallet| self.keep_for_mixing(wallet));
    }

    /// A transaction zero: one owner's coin cut into pieces for the pool.
    fn premix(&mut self) {
        let wallet = self.mixer();
        if self.wallets[wallet].script != Script::Witness {
            return;
        }
        let (pieces, fee) = (3, 3_000);
        let Some(coins) = self.take(wallet, pieces * (POOL + 6_000) + fee + DUST, 5) else {
            return;
        };
        let held: u64 = coins.iter().map(|coin| coin.value).sum();
        let mut outputs = Vec::new();
        let mut left = held - fee;
        for piece in 0..pieces {
            // One is exactly the pool's size, so that there is something to mix again.
            let value = if piece == 0 { POOL } else { POOL + 5_000 };
            let to = self.fresh(wallet);
            outputs.push((to, value));
            left -= value;
        }
        let back = self.fresh(wallet);
        outputs.insert(0, (back, left));
        self.spend(&coins, &outputs);
        (0..pieces).for_each(|_| self.keep_for_mixing(wallet));
    }

    /// A taker buys equal outputs from makers, who keep their change and a little more.
    pub(super) fn joinmarket(&mut self) {
        let value = self.value(5_000_000).clamp(1_000_000, 20_000_000) | 1;
        let wanted = usize::try_from(self.draw.between(5, 9)).expect("few");
        let all = [Script::Legacy, Script::Nested, Script::Witness, Script::Taproot];
        let parties = self.parties(wanted, 5, value + 100_000, 3, &all);
        if parties.is_empty() {
            return;
        }
        let mut outputs = Vec::new();
        let mut gains = 0;
        let cost = 10_000;
        for (at, party) in parties.iter().enumerate().rev() {
            let to = self.fresh(party.wallet);
            outputs.push((to, value));
            // The first is the taker, and comes last here: it pays for all.
            let change = match at {
                0 => party.held() - value - gains - cost,
                _ => {
                    let gain = self.draw.between(100, 5_000);
                    gains += gain;
                    party.held() - value + gain
                }
            };
            let back = self.fresh(party.wallet);
            outputs.push((back, change));
        }
        self.shuffle(&mut outputs);
        self.finish("joinmarket", parties, &outputs, false);
    }

    /// Different people with enough of their own; none where there are too few.
    fn parties(
        &mut self,
        wanted: usize,
        least: usize,
        needed: u64,
        coins_most: usize,
        scripts: &[Script],
    ) -> Vec<Party> {
        let mut parties: Vec<Party> = Vec::new();
        for _ in 0..wanted * 6 {
            let wallet = self.mixer();
            let is_in = parties.iter().any(|party| party.wallet == wallet);
            if is_in || !scripts.contains(&self.wallets[wallet].script) || parties.len() == wanted {
                continue;
            }
            if let Some(coins) = self.take(wallet, needed, coins_most) {
                parties.push(Party { wallet, coins });
            }
        }
        if parties.len() < least {
            self.give_back(parties);
            return Vec::new();
        }
        parties
    }

    fn give_back(&mut self, parties: Vec<Party>) {
        for Party { wallet, mut coins } in parties {
            self.wallets[wallet].coins.append(&mut coins);
        }
    }

    fn fresh_of(&mut self, script: Script) -> usize {
        let owner = (0..self.wallets.len()).find(|at| self.wallets[*at].script == script);
        self.fresh(owner.expect("somebody has addresses of that kind"))
    }

    fn finish(
        &mut self,
        family: &str,
        parties: Vec<Party>,
        outputs: &[(usize, u64)],
        is_sorted: bool,
    ) {
        let mut coins: Vec<Coin> =
            parties.iter().flat_map(|party| party.coins.iter().copied()).collect();
        match is_sorted {
            true => coins.sort_by_key(|coin| Reverse(coin.value)),
            false => self.shuffle(&mut coins),
        }
        let tx = self.spend(&coins, outputs);
        let participants =
            parties.iter().map(|party| self.wallets[party.wallet].name.clone()).collect();
        self.rounds.push(KnownRound {
            tx: tx.hash_text(),
            family: family.to_string(),
            participants,
        });
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            let other = self.draw.index(at + 1);
            all.swap(at, other);
        }
    }
}

/// Into denominations, the largest first; what is left then is change, or goes to the miners where it is too little.
fn decompose(mut left: u64) -> Vec<u64> {
    const MOST: usize = 8;
    const LEAST: u64 = 5_000;
    let mut values = Vec::new();
    let mut denominations: Vec<u64> = Vec::new();
    for (first, base) in [(1u64, 2u64), (1, 3), (2, 3), (1, 10), (2, 10), (5, 10)] {
        let all = std::iter::successors(Some(first), |value| value.checked_mul(base));
        denominations.extend(all.filter(|v| (5_000..=134_375_000_000).contains(v)));
    }
    denominations.sort_unstable();
    denominations.dedup();
    for value in denominations.iter().rev() {
        while *value <= left && values.len() < MOST {
            values.push(*value);
            left -= value;
        }
    }
    values.extend((left >= LEAST).then_some(left));
    values
}
