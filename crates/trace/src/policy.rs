//! The taint policies: what part of a mixed purse leaves first.

use std::fmt;
use std::str::FromStr;

/// How taint spreads where clean and tainted value met. No policy is the truth;
/// each is a convention with its own literature, so every answer names its own.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Whatever a tainted purse sends is tainted whole (Möser et al. 2014). An
    /// upper bound that explodes; the only policy here that does not conserve value,
    /// beside highest-value.
    Poison,
    /// Each payment carries the purse's mean share of taint (Möser et al. 2014).
    Haircut,
    /// What came first leaves first: Clayton's case, 1816 (Anderson et al. 2018).
    Fifo,
    /// What came last leaves first.
    Lifo,
    /// Tainted value leaves before clean, to the largest destination of a
    /// transaction first (Tironsakkul et al. 2019).
    Tiho,
    /// Follow the destination that got the most, hop by hop.
    HighestValue,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a taint policy: expected one of poison, haircut, fifo, lifo, tiho, highest-value"
)]
pub struct PolicyError {
    pub text: String,
}

impl Policy {
    pub const ALL: [Policy; 6] = [
        Policy::Poison,
        Policy::Haircut,
        Policy::Fifo,
        Policy::Lifo,
        Policy::Tiho,
        Policy::HighestValue,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Policy::Poison => "poison",
            Policy::Haircut => "haircut",
            Policy::Fifo => "fifo",
            Policy::Lifo => "lifo",
            Policy::Tiho => "tiho",
            Policy::HighestValue => "highest-value",
        }
    }

    /// Does tainted in equal resting + services + fees + cut?
    pub fn conserves(self) -> bool {
        !matches!(self, Policy::Poison | Policy::HighestValue)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Policy, PolicyError> {
        Policy::ALL
            .into_iter()
            .find(|policy| policy.name() == text)
            .ok_or_else(|| PolicyError { text: text.to_string() })
    }
}
