//! P28, the race: an account moves what is asked to be frozen.
//!
//! *What it sees.* A transfer of an asked asset out of an account of a live request, from its approval
//! on. *Why it matters.* Between a request and its execution the holder of an account can see it coming;
//! 170 of 3,480 wallets that Tether blacklisted on Tron used that gap. *When it is not.* A sweep of an
//! exchange's own deposit address into its hot wallet moves value and keeps it in reach: the alert says
//! where it went, and a person judges. What a chain's waiting transactions say is not looked at here.
//! *References.* AMLBot, May 2025, on the delay of the multisignature.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::{
    Account, Address, Asset, Equal, Timestamp, Transfer, TransferId, TransferKind, TxId, U256,
};
use sha2::{Digest, Sha256};

use super::{FreezeId, FreezeRequest, FreezeState};
use crate::check;

/// A transfer that takes out of reach what a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub request: FreezeId,
    pub state: FreezeState,
    pub account: Account,
    pub to: Option<Account>,
    pub asset: Asset,
    pub amount: U256,
    pub asked: U256,
    pub tx: TxId,
    pub position: String,
    /// Which of its transaction's moves it is: see [`Moves`].
    pub which: String,
    pub height: Option<u64>,
    pub time: Timestamp,
}

/// Names transfers within their transaction by what they do, and by which of equal ones they are.
///
/// A position will not do: that of an event counts in the block, and the same transaction has another
/// one once its block was replaced.
#[derive(Default)]
pub(super) struct Moves {
    numbers: HashMap<(TxId, Equal), u64>,
    seen: HashSet<TransferId>,
}

impl Moves {
    /// None: it is no payment, or was named already.
    pub(super) fn name(&mut self, transfer: &Transfer) -> Option<String> {
        let is_payment = transfer.kind == TransferKind::Value && !transfer.amount.is_zero();
        if !is_payment || !self.seen.insert(transfer.id()) {
            return None;
        }
        let nth = self.numbers.entry((transfer.tx, transfer.equal())).or_default();
        *nth += 1;
        let end = |address: &Option<Address>| match address {
            Some(address) => address.text(transfer.asset.chain),
            None => "-".into(),
        };
        let (from, to) = (end(&transfer.from), end(&transfer.to));
        let does = format!("{from} {to} {} {} {nth}", transfer.asset, transfer.amount);
        // A script can be as long as it likes.
        Some(check::hex(&Sha256::digest(does)))
    }
}

/// What of these transfers moves something that a live request asks for. Pure: the order of the
/// transfers and of the requests changes nothing.
pub fn moving(requests: &[FreezeRequest], transfers: &[Transfer]) -> Vec<Moved> {
    let mut asked: BTreeMap<(&Address, &Asset), Vec<(&FreezeRequest, U256)>> = BTreeMap::new();
    for request in requests.iter().filter(|request| request.state.is_live()) {
        for item in &request.items {
            let place = (&item.account.address, &item.asset);
            asked.entry(place).or_default().push((request, item.asked));
        }
    }
    let mut all = Vec::new();
    let mut moves = Moves::default();
    for transfer in transfers {
        let (Some(which), Some(from)) = (moves.name(transfer), &transfer.from) else { continue };
        for (request, amount) in asked.get(&(from, &transfer.asset)).into_iter().flatten() {
            // What left before anybody asked is the trace's affair.
            let is_after = request.approved.is_none_or(|approved| transfer.time >= approved);
            if is_after && transfer.to.as_ref() != Some(from) {
                all.push(moved(request, transfer, from, *amount, &which));
            }
        }
    }
    all.sort_by(|a, b| {
        let key = |moved: &Moved| (moved.time, moved.request, moved.tx);
        key(a).cmp(&key(b)).then_with(|| a.which.cmp(&b.which))
    });
    all
}

fn moved(
    request: &FreezeRequest,
    transfer: &Transfer,
    from: &Address,
    asked: U256,
    which: &str,
) -> Moved {
    let account =
        |address: &Address| Account { chain: transfer.asset.chain, address: address.clone() };
    Moved {
        request: request.id,
        state: request.state,
        account: account(from),
        to: transfer.to.as_ref().map(account),
        asset: transfer.asset.clone(),
        amount: transfer.amount,
        asked,
        tx: transfer.tx,
        position: transfer.position.to_string(),
        which: which.to_string(),
        height: transfer.height,
        time: transfer.time,
    }
}
