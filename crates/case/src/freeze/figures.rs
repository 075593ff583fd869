//! What came of it: asked, frozen, recovered, and how long it took, by partner and jurisdiction.

use std::collections::BTreeMap;

use model::{Asset, Prices, U256};
use serde::Serialize;

use super::{FreezeRequest, FreezeState, as_text};

/// Amounts of one asset in base units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sum {
    pub asset: Asset,
    #[serde(serialize_with = "as_text")]
    pub asked: U256,
    #[serde(serialize_with = "as_text")]
    pub frozen: U256,
    #[serde(serialize_with = "as_text")]
    pub recovered: U256,
    /// Frozen of asked, in ten-thousandths, rounded down.
    pub frozen_share_e4: u32,
    pub recovered_share_e4: u32,
    /// None: nobody gave a price of the day of sending, or the decimals.
    pub worth: Option<Worth>,
}

/// In USD scaled by 10^12, rounded down, at the price when each request was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Worth {
    #[serde(serialize_with = "as_text")]
    pub asked_usd_e12: U256,
    #[serde(serialize_with = "as_text")]
    pub frozen_usd_e12: U256,
    #[serde(serialize_with = "as_text")]
    pub recovered_usd_e12: U256,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// That were sent, whatever became of them.
    pub requests: usize,
    pub refused: usize,
    pub by_asset: Vec<Sum>,
    /// From sending to freezing, the lower of the two in the middle. None: nothing was frozen.
    pub median_seconds_to_freeze: Option<i64>,
    pub by_holder: BTreeMap<String, Figures>,
    pub by_jurisdiction: BTreeMap<String, Figures>,
}

/// Counts requests that were sent. Drafts asked nobody for anything.
pub fn figures(
    requests: &[FreezeRequest],
    prices: &Prices,
    decimals: impl Fn(&Asset) -> Option<u8>,
) -> Figures {
    let sent: Vec<&FreezeRequest> =
        requests.iter().filter(|request| request.sent.is_some()).collect();
    let mut all = counted(&sent, prices, &decimals);
    all.by_holder = grouped(&sent, |request| request.holder.clone(), prices, &decimals);
    all.by_jurisdiction = grouped(&sent, |request| request.jurisdiction.clone(), prices, &decimals);
    all
}

fn grouped(
    sent: &[&FreezeRequest],
    key: impl Fn(&FreezeRequest) -> String,
    prices: &Prices,
    decimals: &impl Fn(&Asset) -> Option<u8>,
) -> BTreeMap<String, Figures> {
    let mut groups: BTreeMap<String, Vec<&FreezeRequest>> = BTreeMap::new();
    for request in sent {
        groups.entry(key(request)).or_default().push(request);
    }
    groups.into_iter().map(|(key, group)| (key, counted(&group, prices, decimals))).collect()
}

fn counted(
    sent: &[&FreezeRequest],
    prices: &Prices,
    decimals: &impl Fn(&Asset) -> Option<u8>,
) -> Figures {
    let mut sums: BTreeMap<&Asset, Sum> = BTreeMap::new();
    for request in sent {
        for item in &request.items {
            let sum = sums.entry(&item.asset).or_insert_with(|| Sum {
                asset: item.asset.clone(),
                asked: U256::ZERO,
                frozen: U256::ZERO,
                recovered: U256::ZERO,
                frozen_share_e4: 0,
                recovered_share_e4: 0,
                worth: Some(Worth::default()),
            });
            // Amounts near 2^256 are nobody's; what would pass it stays at the largest.
            sum.asked = sum.asked.saturating_add(item.asked);
            sum.frozen = sum.frozen.saturating_add(item.frozen);
            sum.recovered = sum.recovered.saturating_add(item.recovered);
            let value =
                |base| prices.value_e12(&item.asset, base, decimals(&item.asset)?, request.sent?);
            sum.worth = sum.worth.take().and_then(|worth| {
                Some(Worth {
                    asked_usd_e12: worth.asked_usd_e12.saturating_add(value(item.asked)?),
                    frozen_usd_e12: worth.frozen_usd_e12.saturating_add(value(item.frozen)?),
                    recovered_usd_e12: worth
                        .recovered_usd_e12
                        .saturating_add(value(item.recovered)?),
                })
            });
        }
    }
    for sum in sums.values_mut() {
        sum.frozen_share_e4 = share_e4(sum.frozen, sum.asked);
        sum.recovered_share_e4 = share_e4(sum.recovered, sum.asked);
    }
    Figures {
        requests: sent.len(),
        refused: sent.iter().filter(|request| request.state == FreezeState::Refused).count(),
        by_asset: sums.into_values().collect(),
        median_seconds_to_freeze: median(sent),
        ..Figures::default()
    }
}

fn share_e4(part: U256, whole: U256) -> u32 {
    if whole.is_zero() {
        return 0;
    }
    let share = model::amount::share(U256::from(10_000), part, whole);
    u32::try_from(share).unwrap_or(10_000)
}

fn median(sent: &[&FreezeRequest]) -> Option<i64> {
    let mut seconds: Vec<i64> = sent
        .iter()
        .filter_map(|request| Some(request.frozen?.as_second() - request.sent?.as_second()))
        .collect();
    seconds.sort_unstable();
    seconds.get(seconds.len().checked_sub(1)? / 2).copied()
}
