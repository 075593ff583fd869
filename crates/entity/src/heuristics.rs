//! Why two addresses may be one owner's: one file per heuristic.
//!
//! In: a transaction, and what the past says of its addresses ([`Met`]). Out: [`Merge`]s, each with its rule.
//! Every rule looks only backward, so that what it says of a transaction never changes: transactions
//! taken in block by block or all at once come to the same.
//!
//! | rule | on | of | error |
//! |---|---|---|---|
//! | `co-spend` | yes | Bitcoin | PayJoin, unrecognised CoinJoins |
//! | `same-key` | yes | Bitcoin scripts of one key; EVM keys that signed on two chains | none known |
//! | `deposit-reuse` | yes | account chains | custodians behind one deposit address |
//! | `change-…`, `peel-chain`, `shared-funding` | no | | measured: see the crate's README |

pub mod change;
pub mod co_spend;
pub mod deposit;
pub mod funding;
pub mod peel_chain;
pub mod same_key;

use std::fmt;
use std::str::FromStr;

/// Which heuristic says it. The number is what a stored file keeps: it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    CoSpend = 0,
    SameKey = 1,
    DepositReuse = 2,
    ChangeOneTime = 3,
    ChangeType = 4,
    ChangeRound = 5,
    ChangeOptimal = 6,
    ChangeAgreed = 7,
    PeelChain = 8,
    SharedFunding = 9,
}

impl Rule {
    pub const ALL: [Rule; 10] = [
        Rule::CoSpend,
        Rule::SameKey,
        Rule::DepositReuse,
        Rule::ChangeOneTime,
        Rule::ChangeType,
        Rule::ChangeRound,
        Rule::ChangeOptimal,
        Rule::ChangeAgreed,
        Rule::PeelChain,
        Rule::SharedFunding,
    ];

    /// Those that are on where nobody says otherwise.
    pub const USUAL: [Rule; 3] = [Rule::CoSpend, Rule::SameKey, Rule::DepositReuse];

    pub fn name(self) -> &'static str {
        match self {
            Rule::CoSpend => "co-spend",
            Rule::SameKey => "same-key",
            Rule::DepositReuse => "deposit-reuse",
            Rule::ChangeOneTime => "change-one-time",
            Rule::ChangeType => "change-type",
            Rule::ChangeRound => "change-round",
            Rule::ChangeOptimal => "change-optimal",
            Rule::ChangeAgreed => "change-agreed",
            Rule::PeelChain => "peel-chain",
            Rule::SharedFunding => "shared-funding",
        }
    }

    /// Raised when the rule would say otherwise of the same transactions.
    pub fn version(self) -> u32 {
        1
    }

    /// How much a merge by this rule weighs, 0 to 100, on the scale of labels: a judgement, not a frequency.
    pub fn confidence(self) -> u8 {
        match self {
            Rule::SameKey => 100,
            Rule::CoSpend => 90,
            Rule::ChangeAgreed | Rule::PeelChain | Rule::DepositReuse => 70,
            Rule::ChangeOptimal | Rule::ChangeType => 50,
            Rule::ChangeOneTime | Rule::ChangeRound | Rule::SharedFunding => 40,
        }
    }

    /// What must be known of it wherever it is evidence.
    pub fn caveat(self) -> &'static str {
        match self {
            Rule::CoSpend => crate::coinjoin::PAYJOIN,
            Rule::SameKey => "one key controls both",
            Rule::DepositReuse => {
                "whoever shares an exchange account, or a custodian that pays it for others, looks the same"
            }
            Rule::ChangeOneTime
            | Rule::ChangeType
            | Rule::ChangeRound
            | Rule::ChangeOptimal
            | Rule::ChangeAgreed => "a guess which output is change; the payee may be taken for it",
            Rule::PeelChain => "a guess from how two transactions in a row look alike",
            Rule::SharedFunding => "a payer of many who all pay one shop looks the same",
        }
    }

    pub fn numbered(number: u8) -> Option<Rule> {
        Rule::ALL.into_iter().find(|rule| *rule as u8 == number)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no clustering rule: expected one of {names}", names = names())]
pub struct RuleError {
    pub text: String,
}

fn names() -> String {
    Rule::ALL.map(Rule::name).join(", ")
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Rule, RuleError> {
        let found = Rule::ALL.into_iter().find(|rule| rule.name() == text);
        found.ok_or_else(|| RuleError { text: text.to_string() })
    }
}

/// Rules that are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    bits: u16,
}

impl Rules {
    pub fn of(rules: &[Rule]) -> Rules {
        Rules { bits: rules.iter().fold(0, |bits, rule| bits | 1 << *rule as u16) }
    }

    pub fn has(self, rule: Rule) -> bool {
        self.bits & (1 << rule as u16) != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Rule> {
        Rule::ALL.into_iter().filter(move |rule| self.has(*rule))
    }

    pub fn bits(self) -> u16 {
        self.bits
    }

    /// None: a rule of a later version is among them.
    pub fn from_bits(bits: u16) -> Option<Rules> {
        (bits >> Rule::ALL.len() == 0).then_some(Rules { bits })
    }
}

impl Default for Rules {
    fn default() -> Rules {
        Rules::of(&Rule::USUAL)
    }
}

/// An address as a heuristic sees it: its number in order of first appearance, and whether this is that appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Met {
    pub number: u32,
    pub is_fresh: bool,
}

/// Two addresses that a rule says are one owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge {
    pub a: u32,
    pub b: u32,
    pub rule: Rule,
}
