//! What the issuers of tokens do to single holders: freeze, release, destroy.

use std::collections::BTreeMap;

use crate::{Address, Asset, Timestamp, TxId, U256};

/// A token's issuer acted on one holder: an event at this log index says so.
/// Only the contract of the asset itself can say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    pub tx: TxId,
    /// In the block on EVM chains, in the transaction on Tron; on Solana the instruction's number.
    pub log_index: u32,
    pub height: Option<u64>,
    pub time: Timestamp,
    pub asset: Asset,
    pub holder: Address,
    pub action: FreezeAction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FreezeAction {
    /// From here on the holder cannot move this asset.
    Freeze,
    Release,
    /// So many units of a frozen holder were destroyed. A transfer to nobody says the same.
    Destroy(U256),
}

/// Each action once, however many sources said it, in whatever order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freezes {
    all: BTreeMap<What, When>,
}

/// One action. What sources say of the same event differently are two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct What {
    tx: TxId,
    log_index: u32,
    asset: Asset,
    holder: Address,
    action: FreezeAction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct When {
    height: Option<u64>,
    time: Timestamp,
}

impl Freezes {
    /// A height that is told wins over none; of several heights, and of several times, the least.
    pub fn add(&mut self, freeze: Freeze) {
        let Freeze { tx, log_index, height, time, asset, holder, action } = freeze;
        let what = What { tx, log_index, asset, holder, action };
        let known = self.all.entry(what).or_insert(When { height, time });
        known.height = known.height.into_iter().chain(height).min();
        known.time = known.time.min(time);
    }

    /// In the order of time, then height, event in the block, and transaction.
    pub fn into_vec(self) -> Vec<Freeze> {
        let freeze = |(what, when): (What, When)| {
            let What { tx, log_index, asset, holder, action } = what;
            let When { height, time } = when;
            Freeze { tx, log_index, height, time, asset, holder, action }
        };
        let mut all: Vec<Freeze> = self.all.into_iter().map(freeze).collect();
        // Stable: what is equal here stays in the order of the map.
        all.sort_by_key(|freeze| (freeze.time, freeze.height, freeze.log_index));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chain, TxHash};

    fn freeze(n: u8, height: Option<u64>, second: i64, action: FreezeAction) -> Freeze {
        Freeze {
            tx: TxId { chain: Chain::ETHEREUM, hash: TxHash::new(&[n; 32]) },
            log_index: 3,
            height,
            time: Timestamp::from_second(second).expect("in range"),
            asset: Asset::token(Chain::ETHEREUM, Address::Evm([7; 20])),
            holder: Address::Evm([9; 20]),
            action,
        }
    }

    fn check(told: &[Freeze], expected: &[Freeze]) {
        for told in [told.to_vec(), told.iter().rev().cloned().collect()] {
            let mut freezes = Freezes::default();
            told.iter().chain(&told).cloned().for_each(|told| freezes.add(told));
            assert_eq!(freezes.into_vec(), expected);
        }
    }

    #[test]
    fn what_several_sources_say_is_one_action() {
        let (action, other) = (FreezeAction::Freeze, FreezeAction::Destroy(U256::from(5)));
        let told = [
            freeze(2, None, 20, action),
            freeze(2, Some(8), 21, action),
            freeze(1, Some(9), 30, other),
        ];
        check(&told, &[freeze(2, Some(8), 20, action), freeze(1, Some(9), 30, other)]);
    }

    #[test]
    fn what_they_say_differently_is_two() {
        let destroyed =
            |units: u64| freeze(1, Some(9), 30, FreezeAction::Destroy(U256::from(units)));
        check(&[destroyed(6), destroyed(5)], &[destroyed(5), destroyed(6)]);
    }
}
