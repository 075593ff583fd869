//! One transaction's place in its block and what stands where in it, from what a node
//! says all transactions of that block caused. For whoever knows rows of it already.

use model::{Address, Asset, AssetKind, Chain, Equal, Position, TxId};

use super::contracts::Coin;
use super::decode;
use super::internal;
use super::replies;
use crate::evm::events::{Event, What};
use crate::source::Lie;

/// What one transaction caused.
pub struct Inside {
    pub tx_index: u32,
    pub moved: Vec<(Equal, Position)>,
}

/// The block of a transaction, from `gettransactioninfobyid`; none where it is not known.
pub fn height(info: &str) -> Result<Option<u64>, Lie> {
    if info.trim() == "{}" {
        return Ok(None);
    }
    Ok(replies::infos(&format!("[{info}]"))?.first().and_then(|info| info.block_number))
}

/// From `gettransactioninfobyblocknum`. None: the transaction is not among them.
pub fn of(tx: &TxId, infos: &str) -> Result<Option<Inside>, Lie> {
    let infos = replies::infos(infos)?;
    let wanted = tx.hash_text();
    let Some(at) = infos.iter().position(|info| info.id == wanted) else { return Ok(None) };
    // Events are numbered through the block, those of failed transactions too.
    let first: usize = infos[..at].iter().map(|info| info.log.len()).sum();
    let info = &infos[at];
    let lie = |what: String| Lie::Transaction { tx: wanted.clone(), what };
    let mut moved = Vec::new();
    for given in internal::read(&info.internal_transactions).map_err(lie)?.moves {
        let equal = Equal {
            from: given.from.map(Address::Tron),
            to: Some(Address::Tron(given.to)),
            asset: coin(tx.chain, given.coin),
            amount: given.amount,
        };
        moved.push((equal, Position::Call(given.path)));
    }
    for (n, log) in info.log.iter().enumerate() {
        let Some(contract) = decode::twenty(&log.address) else { continue };
        let Some(Event::Moved(one)) = decode::event(tx.chain, &contract, log).map_err(lie)? else {
            continue;
        };
        let address = Address::Tron(contract);
        let (asset, amount) = match one.what {
            What::Amount(amount) => (Asset::token(tx.chain, address), amount),
            What::Nft { id, count } => {
                let kind = AssetKind::Nft { contract: address, id };
                (Asset { chain: tx.chain, kind }, count)
            }
        };
        let (from, to) = (one.from.map(Address::Tron), one.to.map(Address::Tron));
        moved.push((Equal { from, to, asset, amount }, Position::Log(number(first + n))));
    }
    Ok(Some(Inside { tx_index: number(at), moved }))
}

fn coin(chain: Chain, coin: Coin) -> Asset {
    match coin {
        Coin::Trx => Asset::native(chain),
        Coin::Trc10(id) => Asset { chain, kind: AssetKind::Trc10(id) },
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
