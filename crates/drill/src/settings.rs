//! What to generate.

use model::Chain;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub chain: Chain,
    pub seed: u64,
    /// The stream ends with the transaction that reaches this many. On Bitcoin
    /// an input or an output counts as one.
    pub transfers: u64,
    /// Accounts that may still send. Older ones keep what they hold for ever.
    /// Each takes some 60 bytes.
    pub accounts_hot: u32,
}

/// Enough for the service ends and the smallest theft to be told apart from the rest.
pub const TRANSFERS_MIN: u64 = 1_000;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("{found} transfers are too few for a stream: expected at least {TRANSFERS_MIN}")]
    TooFewTransfers { found: u64 },
    #[error("{found} hot accounts are too few: expected at least 1000")]
    TooFewAccounts { found: u32 },
}

impl Settings {
    pub fn new(chain: Chain, seed: u64, transfers: u64) -> Settings {
        Settings { chain, seed, transfers, accounts_hot: 1 << 22 }
    }

    pub fn check(&self) -> Result<(), SettingsError> {
        if self.transfers < TRANSFERS_MIN {
            return Err(SettingsError::TooFewTransfers { found: self.transfers });
        }
        if self.accounts_hot < 1_000 {
            return Err(SettingsError::TooFewAccounts { found: self.accounts_hot });
        }
        Ok(())
    }

    /// A thousand, fewer in a short stream: their funding must not be most of it.
    pub(crate) fn services(&self) -> usize {
        usize::try_from((self.transfers / 100).clamp(10, 1_000)).expect("at most a thousand")
    }

    /// Accounts that hold something before the first block of traffic.
    pub(crate) fn settlers(&self) -> u64 {
        (self.transfers / 100).clamp(20, 5_000)
    }

    /// Several, but never so many that they are the traffic.
    pub(crate) fn thefts(&self) -> u64 {
        (self.transfers / 2_500).clamp(1, 8)
    }
}
