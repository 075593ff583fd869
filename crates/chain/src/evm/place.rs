//! Where a transfer of an EVM chain stands, the same from files and from nodes.

use model::{
    Address, Asset, AssetKind, Chain, Evidence, Fact, Freeze, FreezeAction, Position, TimeSource,
    Timestamp, Transfer, TransferKind, TxHash, TxId, U256,
};

use super::events::{Moved, What};

/// What every transfer of a transaction says alike.
#[derive(Clone, Copy)]
pub struct InTx {
    pub tx: TxId,
    pub height: Option<u64>,
    pub tx_index: Option<u32>,
    pub time: Timestamp,
    pub time_source: TimeSource,
}

impl InTx {
    pub fn native(
        &self,
        position: Position,
        from: Option<[u8; 20]>,
        to: Option<[u8; 20]>,
        amount: U256,
    ) -> Transfer {
        Transfer {
            tx: self.tx,
            position,
            height: self.height,
            tx_index: self.tx_index,
            time: self.time,
            time_source: self.time_source,
            from: from.map(Address::Evm),
            to: to.map(Address::Evm),
            asset: Asset::native(self.tx.chain),
            amount,
            kind: TransferKind::Value,
        }
    }

    /// A token of this contract, moved by the event at this log index.
    pub fn token(&self, contract: [u8; 20], log_index: u32, moved: &Moved) -> Transfer {
        let (chain, contract) = (self.tx.chain, Address::Evm(contract));
        let position = Position::Log(log_index);
        let mut transfer = self.native(position, moved.from, moved.to, U256::ZERO);
        match moved.what {
            What::Amount(amount) => {
                transfer.asset = Asset::token(chain, contract);
                transfer.amount = amount;
            }
            What::Nft { id, count } => {
                transfer.asset = Asset { chain, kind: AssetKind::Nft { contract, id } };
                transfer.amount = count;
                transfer.kind = TransferKind::Nft;
            }
        }
        transfer
    }

    /// What the issuer of this contract's token did to a holder, by the event at this log index.
    pub fn freeze(
        &self,
        contract: [u8; 20],
        log_index: u32,
        holder: [u8; 20],
        action: FreezeAction,
    ) -> Vec<Fact> {
        let asset = Asset::token(self.tx.chain, Address::Evm(contract));
        let mut facts = Vec::new();
        if let FreezeAction::Destroy(amount) = action {
            // Tether says no Transfer beside it.
            let mut transfer = self.native(Position::Log(log_index), Some(holder), None, amount);
            transfer.asset = asset.clone();
            facts.push(Fact::Transfer { transfer, evidence: Evidence::Log });
        }
        facts.push(Fact::Freeze(Freeze {
            tx: self.tx,
            log_index,
            height: self.height,
            time: self.time,
            asset,
            holder: Address::Evm(holder),
            action,
        }));
        facts
    }
}

/// Rewards, genesis and consensus withdrawals stand in no transaction. Their id
/// is the SHA-256 of `<what> <chain> <height>`, the same from every source (a
/// block's hash is not in all of them).
pub fn block_event(what: &str, chain: Chain, height: u64) -> TxId {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{what} {chain} {height}"));
    TxId { chain, hash: TxHash::new(&digest) }
}
