//! The life of a freeze request: which state follows which.

use std::fmt;
use std::str::FromStr;

use crate::CaseError;

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum FreezeState {
    Drafted,
    /// By somebody who did not draft it.
    Approved,
    Sent,
    Acknowledged,
    /// All or a part of it.
    Frozen,
    /// Frozen, and the time of it was made longer.
    Extended,
    Seized,
    Forfeited,
    /// What was recovered went back to whom it belongs.
    Returned,
    /// The holder will not.
    Refused,
    /// We no longer ask, or let go.
    Withdrawn,
}

use FreezeState::*;

impl FreezeState {
    pub const ALL: [FreezeState; 11] = [
        Drafted,
        Approved,
        Sent,
        Acknowledged,
        Frozen,
        Extended,
        Seized,
        Forfeited,
        Returned,
        Refused,
        Withdrawn,
    ];

    /// The table. What is not in it does not happen.
    pub fn next(self) -> &'static [FreezeState] {
        match self {
            Drafted => &[Approved, Withdrawn],
            // Back to the draft: what was approved is not what shall go out.
            Approved => &[Drafted, Sent, Withdrawn],
            Sent => &[Acknowledged, Frozen, Refused, Withdrawn],
            Acknowledged => &[Frozen, Refused, Withdrawn],
            Frozen | Extended => &[Extended, Seized, Forfeited, Returned, Withdrawn],
            Seized => &[Forfeited, Returned],
            Forfeited => &[Returned],
            Returned | Refused | Withdrawn => &[],
        }
    }

    pub fn can_become(self, to: FreezeState) -> bool {
        self.next().contains(&to)
    }

    /// The value is asked for or held: whoever moves it must be seen.
    pub fn is_live(self) -> bool {
        matches!(self, Approved | Sent | Acknowledged | Frozen | Extended)
    }

    pub fn is_held(self) -> bool {
        matches!(self, Frozen | Extended)
    }

    pub fn text(self) -> &'static str {
        match self {
            Drafted => "drafted",
            Approved => "approved",
            Sent => "sent",
            Acknowledged => "acknowledged",
            Frozen => "frozen",
            Extended => "extended",
            Seized => "seized",
            Forfeited => "forfeited",
            Returned => "returned",
            Refused => "refused",
            Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for FreezeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl FromStr for FreezeState {
    type Err = CaseError;

    fn from_str(text: &str) -> Result<FreezeState, CaseError> {
        FreezeState::ALL.into_iter().find(|state| state.text() == text).ok_or_else(|| {
            CaseError::field("state", format!("{text:?}"), "a state of a freeze request")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_reached_and_an_end_is_an_end() {
        for state in FreezeState::ALL {
            assert_eq!(state.text().parse::<FreezeState>().unwrap(), state);
            let reached = FreezeState::ALL.iter().any(|from| from.can_become(state));
            assert!(reached, "{state}");
            let is_end = matches!(state, Returned | Refused | Withdrawn);
            assert_eq!(state.next().is_empty(), is_end, "{state}");
        }
    }

    #[test]
    fn nothing_is_sent_that_was_not_approved() {
        let before: Vec<_> =
            FreezeState::ALL.into_iter().filter(|from| from.can_become(Sent)).collect();
        assert_eq!(before, [Approved]);
    }
}
