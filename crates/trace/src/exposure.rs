//! What an address, or a cluster of them, is exposed to.
//!
//! Value that came in, and value that went out, by the service it came from or went to:
//! *direct* where the two dealt with each other, *indirect* where unmarked addresses lie
//! between, as far as the first marked one on each way. [`walk::of`] follows the money for it, by the
//! trace's own walk and settling; [`stored::of`] reads what [`crate::provenance`] keeps, and
//! never walks. Both give an [`Exposure`].
//!
//! Every flow is accounted for to the base unit ([`Flow::balances`]): what moved is what came
//! from services, what has no known origin, what was newly issued, fees, and what a cap cut.

pub mod marks;
mod paths;
pub mod stored;
pub mod walk;

use model::{Account, Asset, Date, Prices, Timestamp, U256, amount};

pub use self::marks::{Listed, Marked, ServiceKey, Who};
use crate::Policy;
use crate::report::Base;

pub const FORMAT: &str = "interdict-exposure";
pub const VERSION: u32 = 1;

#[derive(Clone, Debug, serde::Serialize)]
pub struct Exposure {
    pub format: &'static str,
    pub version: u32,
    /// One address, or those of a cluster.
    pub accounts: Vec<Account>,
    pub method: ExposureMethod,
    pub policy: Policy,
    /// None of what is stored: its sweep has no caps but how many services it keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caps: Option<Caps>,
    /// Of what is stored: up to when it is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
    /// What marks the addresses themselves, where anything does.
    pub own: Vec<Who>,
    /// By direction, basis and asset.
    pub flows: Vec<Flow>,
    /// What everyone who reads it must know.
    pub remarks: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExposureMethod {
    Walk,
    Stored,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    In,
    Out,
}

/// What the amounts of a flow are parts of.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Everything that moved, followed to services by a walk.
    Moved,
    /// Everything that moved, by counterparty alone: nothing indirect is known.
    Counterparties,
    /// What is held now, by where it came from.
    Held,
}

/// How far a walk goes. Where one ended it, the flow says how much.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Caps {
    /// Transfers away at most.
    pub hops: u32,
    /// Days before the first and after the last own transfer; none: all of time.
    pub days: Option<u32>,
    /// Transfers that cannot carry this share of the flow, in millionths, are not
    /// followed. Not on Bitcoin, where outputs go with their transaction.
    pub share_e6: u32,
    /// Transfers gathered at most.
    pub transfers: usize,
    /// An unlabelled account with more transfers is taken for a service nobody labelled.
    pub hub_degree: u64,
}

/// Up to where stored provenance is true.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AsOf {
    pub height: Option<u64>,
    pub time: Option<Timestamp>,
    /// Transfers that were read.
    pub transfers: u64,
    /// Names the marks it was made with.
    pub labels: String,
    /// Why it is not what a new sweep would say; none: it is.
    pub stale: Option<String>,
}

#[derive(Clone, Debug, serde::Serialize)]
pub struct Flow {
    pub direction: Way,
    pub basis: Basis,
    pub asset: Asset,
    pub symbol: Option<String>,
    pub decimals: Option<u8>,
    /// Calls itself what another contract is: its amounts are worth nothing.
    pub is_imitation: bool,
    /// What values in USD are computed with; none: nobody gave a price.
    pub price: Option<Quote>,
    pub total: Base,
    pub usd: Option<String>,
    /// The largest first.
    pub services: Vec<ServiceRow>,
    pub categories: Vec<CategoryRow>,
    /// No marked origin (outward: it rests with unmarked addresses).
    pub unlabelled: Base,
    /// Newly made; outward: burned.
    pub issued: Base,
    /// Moved among the addresses of the cluster.
    pub internal: Base,
    pub fees: Base,
    /// Became of, and became, another asset at a swap that was followed.
    pub crossed_in: Base,
    pub crossed_out: Base,
    pub cut: Vec<CutRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Quote {
    /// Of a whole unit.
    pub usd_unit: String,
    pub date: Date,
    pub source: String,
    #[serde(skip)]
    pub usd_e12: u128,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ServiceRow {
    pub service: Who,
    pub direct: Base,
    pub indirect: Base,
    /// Of the flow's total, 0 to 1.
    pub share: f64,
    pub usd: Option<String>,
    /// Fewest transfers between, the last included. A walk counts what time allows: the money itself
    /// may have gone a longer way, where an address was emptied and filled again.
    pub hops_min: Option<u32>,
    /// Own transfers with it.
    pub transfers: Option<u64>,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// Of a listed counterparty whose date is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub designation: Option<Designation>,
    /// The largest first.
    pub paths: Vec<Path>,
}

/// Value that moved at the listed counterparty before it was listed, and from that day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Designation {
    pub date: Date,
    pub before: Base,
    pub after: Base,
    /// Of what came after, the direct part.
    pub after_direct: Base,
}

/// One way the money took, from the address asked about.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Path {
    /// What of the flow its narrowest transfer carried.
    pub amount: Base,
    /// Ids, from the address asked about to the service.
    pub transfers: Vec<String>,
    /// False where it begins behind a swap, whose other side is in `crossed_out`.
    pub is_whole: bool,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct CategoryRow {
    pub category: String,
    pub direct: Base,
    pub indirect: Base,
    pub share: f64,
    pub usd: Option<String>,
    pub services: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CutRow {
    pub cap: Cap,
    pub amount: Base,
}

/// What ended a way before a marked address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    Hops,
    Time,
    Share,
    Work,
    /// So many transfers that it must be a service nobody labelled.
    Hub,
    /// Too little to be a payment, or sent to an address made to look like another.
    Dust,
    /// More services than are kept for one balance: the smallest are one sum.
    Services,
}

impl Caps {
    pub const USUAL: Caps =
        Caps { hops: 10, days: None, share_e6: 100, transfers: 100_000, hub_degree: 20_000 };
}

impl Flow {
    pub(crate) fn new(direction: Way, basis: Basis, asset: Asset) -> Flow {
        Flow {
            direction,
            basis,
            asset,
            symbol: None,
            decimals: None,
            is_imitation: false,
            price: None,
            total: Base::default(),
            usd: None,
            services: Vec::new(),
            categories: Vec::new(),
            unlabelled: Base::default(),
            issued: Base::default(),
            internal: Base::default(),
            fees: Base::default(),
            crossed_in: Base::default(),
            crossed_out: Base::default(),
            cut: Vec::new(),
        }
    }

    /// Is every base unit accounted for, by service and by category?
    pub fn balances(&self) -> bool {
        let sum = |amounts: &mut dyn Iterator<Item = U256>| {
            amounts.fold(U256::ZERO, |sum, base| sum + base)
        };
        let services = sum(&mut self.services.iter().map(|row| row.direct.0 + row.indirect.0));
        let categories = sum(&mut self.categories.iter().map(|row| row.direct.0 + row.indirect.0));
        let cut = sum(&mut self.cut.iter().map(|row| row.amount.0));
        let others = self.unlabelled.0 + self.issued.0 + self.internal.0 + self.fees.0;
        services == categories
            && self.total.0 + self.crossed_in.0 == services + others + cut + self.crossed_out.0
    }

    /// Sorts rows, sums categories, values everything.
    pub(crate) fn close(&mut self) {
        self.services.sort_by(|a, b| {
            let whole = |row: &ServiceRow| row.direct.0 + row.indirect.0;
            whole(b).cmp(&whole(a)).then_with(|| a.service.id.cmp(&b.service.id))
        });
        let whole = self.total.0 + self.crossed_in.0;
        let mut categories: Vec<CategoryRow> = Vec::new();
        for row in &mut self.services {
            row.share = share_of(row.direct.0 + row.indirect.0, whole);
            let name = &row.service.category;
            if !categories.iter().any(|known| known.category == *name) {
                categories.push(CategoryRow::new(name));
            }
            let sum = categories.iter_mut().find(|known| known.category == *name);
            let sum = sum.expect("it was put there");
            sum.direct.0 += row.direct.0;
            sum.indirect.0 += row.indirect.0;
            sum.services += 1;
        }
        categories.iter_mut().for_each(|row| {
            row.share = share_of(row.direct.0 + row.indirect.0, whole);
        });
        categories.sort_by(|a, b| {
            let whole = |row: &CategoryRow| row.direct.0 + row.indirect.0;
            whole(b).cmp(&whole(a)).then_with(|| a.category.cmp(&b.category))
        });
        self.categories = categories;
        self.cut.retain(|row| !row.amount.0.is_zero());
        self.cut.sort_by_key(|row| row.cap);
        self.value();
        assert!(self.balances(), "an exposure of {} does not add up: {self:?}", self.asset);
    }

    fn value(&mut self) {
        let (Some(price), Some(decimals)) = (&self.price, self.decimals) else { return };
        let usd = |base: U256| usd(base, decimals, price.usd_e12);
        self.usd = usd(self.total.0);
        for row in &mut self.services {
            row.usd = usd(row.direct.0 + row.indirect.0);
        }
        for row in &mut self.categories {
            row.usd = usd(row.direct.0 + row.indirect.0);
        }
    }

    /// The value of some of it, in USD scaled by 10^12, rounded down.
    pub fn usd_e12(&self, base: U256) -> Option<U256> {
        let (price, decimals) = (self.price.as_ref()?, self.decimals?);
        let unit = U256::from(10).checked_pow(U256::from(decimals))?;
        Some(amount::share(base, U256::from(price.usd_e12), unit))
    }
}

impl CategoryRow {
    fn new(category: &str) -> CategoryRow {
        CategoryRow {
            category: category.to_string(),
            direct: Base::default(),
            indirect: Base::default(),
            share: 0.0,
            usd: None,
            services: 0,
        }
    }
}

/// Dollars and cents, rounded down.
fn usd(base: U256, decimals: u8, usd_e12: u128) -> Option<String> {
    let unit = U256::from(10).checked_pow(U256::from(decimals))?;
    let value = amount::share(base, U256::from(usd_e12), unit);
    Some(amount::format_units(value / U256::from(10u64.pow(10)), 2))
}

/// A part of a whole as a fraction, exact to a millionth.
pub(crate) fn share_of(part: U256, whole: U256) -> f64 {
    if whole.is_zero() {
        return 0.0;
    }
    let millionths = amount::share(U256::from(1_000_000u64), part.min(whole), whole);
    f64::from(u32::try_from(millionths).unwrap_or(1_000_000)) / 1e6
}

/// The latest price of an asset that is not later than a moment.
pub(crate) fn price(prices: &Prices, asset: &Asset, until: Option<Timestamp>) -> Option<Quote> {
    let known = prices.iter().filter(|price| price.asset == *asset);
    let known = known.filter(|price| until.is_none_or(|until| price.starts() <= until));
    let latest = known.max_by_key(|price| price.starts())?;
    Some(Quote {
        usd_unit: amount::format_units(U256::from(latest.usd_e12), 12),
        date: latest.date,
        source: latest.source.clone(),
        usd_e12: latest.usd_e12,
    })
}
