//! Providers: third parties that tell the past of addresses where there is no node.
//!
//! Nothing is asked unless `interdict.toml` names a provider, and not before its
//! owner agreed that it learns which addresses are being looked at. [`config`]
//! reads who they are, [`consent`] asks, and [`Fetching`] is the view that asks
//! them for what a trace needs and keeps what they tell in the store.

mod config;
mod consent;
mod fetching;
mod known;
mod sources;

use std::sync::Arc;

use anyhow::Result;
use chain::history::{Budget, Provider};
use model::Chain;

pub(crate) use config::each;
pub use config::{PricesConfig, ProviderConfig, read, read_prices};
pub use consent::{agree, agree_prices};
pub use fetching::{Fetching, Wants};
pub use sources::{SourcesConfig, agree_sources, read_sources};

/// A provider that may be asked.
pub struct Open {
    pub provider: Provider,
    pub chain: Chain,
    pub at_once: usize,
}

/// Makes ready those of these chains; asks nothing yet.
pub fn open(configs: &[ProviderConfig], budget: &Arc<Budget>) -> Result<Vec<Open>> {
    let one = |config: &ProviderConfig| {
        let options = config.options(budget)?;
        Ok(Open {
            provider: Provider::new(config.api, &options)?,
            chain: config.chain,
            at_once: options.limits.at_once_max,
        })
    };
    configs.iter().map(one).collect()
}
