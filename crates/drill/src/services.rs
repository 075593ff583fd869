//! Services: exchanges, merchants and others whose addresses are labelled.

use crate::draw::Draw;

/// A labelled address that serves many.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Service {
    pub name: String,
    /// A concept of the label taxonomy: `exchange`, `payment_processor` …
    pub category: String,
    pub address: String,
}

/// One of each ten, so that the busiest are of every kind.
const CATEGORIES: [(&str, &str); 10] = [
    ("exchange", "Exchange"),
    ("exchange", "Exchange"),
    ("payment_processor", "Payments"),
    ("exchange", "Exchange"),
    ("shop", "Merchant"),
    ("gambling", "Casino"),
    ("mining_service", "Pool"),
    ("exchange", "Exchange"),
    ("shop", "Merchant"),
    ("wallet_service", "Wallet"),
];

/// Those that swap, on account chains: every tenth.
const SWAP_PLACE: usize = 9;

/// Which of the services a transfer goes to or comes from: by Zipf's law, the
/// k-th busiest with a weight of 1/k.
pub struct Crowding {
    /// Cumulated weights.
    sums: Vec<u64>,
}

impl Crowding {
    pub fn new(count: usize) -> Crowding {
        const WEIGHT: u64 = 1 << 40;
        let sum = |sum: &mut u64, rank: u64| {
            *sum += WEIGHT / rank;
            Some(*sum)
        };
        Crowding { sums: (1..=count as u64).scan(0, sum).collect() }
    }

    pub fn len(&self) -> usize {
        self.sums.len()
    }

    pub fn pick(&self, draw: &mut Draw) -> usize {
        let total = self.sums.last().copied().unwrap_or(1);
        let drawn = draw.below(total);
        self.sums.partition_point(|sum| *sum <= drawn).min(self.sums.len() - 1)
    }

    /// A place to swap.
    pub fn pick_swap(&self, draw: &mut Draw) -> usize {
        let groups = self.len() / CATEGORIES.len();
        let rank = draw.index(groups.max(1)).min(draw.index(groups.max(1)));
        (rank * CATEGORIES.len() + SWAP_PLACE).min(self.len() - 1)
    }
}

/// On account chains; rank 0 never is one.
pub fn is_swap(rank: usize) -> bool {
    rank % CATEGORIES.len() == SWAP_PLACE
}

/// Its name and category, by rank. Swaps exist on account chains only.
pub fn describe(rank: usize, is_utxo: bool) -> (String, &'static str) {
    let place = rank % CATEGORIES.len();
    let (category, kind) =
        if is_swap(rank) && !is_utxo { ("defi_dex", "Swap") } else { CATEGORIES[place] };
    (format!("Drill {kind} {:03}", rank + 1), category)
}
