//! Whose account runs in which call: value can leave no other.
//!
//! A call runs the account it calls, a creation the one it makes, and borrowed
//! code (`DELEGATECALL`, `CALLCODE`) runs in the account that borrows it. What a
//! node says moved out of an account that was not running does not add up.

use alloy_primitives::Address;

/// The accounts that run, from the transaction's first call down to this one.
/// Calls come in the order in which they begin.
#[derive(Default)]
pub struct Running {
    /// None: not told, as of a creation that failed.
    accounts: Vec<Option<Address>>,
}

/// What a call is, as far as it tells whose account runs in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call or a creation.
    Plain,
    Borrowed,
    /// A self-destruction: nothing runs below it.
    Destroy,
}

/// One call with its place.
#[derive(Clone, Copy)]
pub struct Entered {
    pub depth: usize,
    pub kind: Kind,
    pub from: Option<Address>,
    pub to: Option<Address>,
}

impl Running {
    /// Goes on to this call. Gives back the account that ran above it where that
    /// is told and is not the one it is said to come from.
    pub fn enter(&mut self, call: Entered) -> Option<Address> {
        self.accounts.truncate(call.depth);
        // A call above may have been passed over: then nobody is known to run.
        self.accounts.resize(call.depth, None);
        let above = self.accounts.last().copied().flatten();
        self.accounts.push(match call.kind {
            Kind::Plain => call.to,
            Kind::Borrowed => call.from,
            Kind::Destroy => None,
        });
        above.filter(|above| call.from.is_some_and(|from| from != *above))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(n: u8) -> Option<Address> {
        Some(Address::repeat_byte(n))
    }

    #[test]
    fn value_leaves_the_account_that_runs() {
        let mut running = Running::default();
        let mut enter = |depth, kind, from, to| {
            running.enter(Entered { depth, kind, from: account(from), to: account(to) })
        };
        assert_eq!(enter(0, Kind::Plain, 1, 2), None);
        assert_eq!(enter(1, Kind::Borrowed, 2, 9), None);
        // Borrowed code runs in 2, not in 9.
        assert_eq!(enter(2, Kind::Plain, 2, 3), None);
        assert_eq!(enter(2, Kind::Plain, 9, 3), account(2));
        assert_eq!(enter(3, Kind::Destroy, 3, 1), None);
        assert_eq!(enter(1, Kind::Destroy, 1, 2), account(2));
        assert_eq!(enter(0, Kind::Plain, 5, 6), None);
        assert_eq!(enter(1, Kind::Plain, 6, 1), None);
    }
}
