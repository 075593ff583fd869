//! P28, the race: an account moves what is asked to be frozen.
//!
//! *What it sees.* A transfer of an asked asset out of an account of a live request, from its approval
//! on. *Why it matters.* Between a request and its execution the holder of an account can see it coming;
//! 170 of 3,480 wallets that Tether blacklisted on Tron used that gap. *When it is not.* A sweep of an
//! exchange's own deposit address into its hot wallet moves value and keeps it in reach: the alert says
//! where it went, and a person judges. What a chain's waiting transactions say is not looked at here.
//! *References.* AMLBot, May 2025, on the delay of the multisignature.

use std::collections::BTreeMap;

use model::{Account, Address, Asset, Timestamp, Transfer, TransferKind, U256};

use super::{FreezeId, FreezeRequest, FreezeState};

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
    pub tx: String,
    pub position: String,
    pub time: Timestamp,
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
    for transfer in transfers.iter().filter(|transfer| is_payment(transfer)) {
        let Some(from) = &transfer.from else { continue };
        for (request, amount) in asked.get(&(from, &transfer.asset)).into_iter().flatten() {
            // What left before anybody asked is the trace's affair.
            let is_after = request.approved.is_none_or(|approved| transfer.time >= approved);
            if is_after && transfer.to.as_ref() != Some(from) {
                all.push(moved(request, transfer, from, *amount));
            }
        }
    }
    all.sort_by(|a, b| {
        (a.time, a.request, &a.tx, &a.position).cmp(&(b.time, b.request, &b.tx, &b.position))
    });
    all
}

fn is_payment(transfer: &Transfer) -> bool {
    transfer.kind == TransferKind::Value && !transfer.amount.is_zero()
}

fn moved(request: &FreezeRequest, transfer: &Transfer, from: &Address, asked: U256) -> Moved {
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
        tx: transfer.tx.hash_text(),
        position: transfer.position.to_string(),
        time: transfer.time,
    }
}
