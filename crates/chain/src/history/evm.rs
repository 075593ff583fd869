//! What rows of EVM chains have in common, whoever writes them.

use model::{
    Account, Address, Asset, AssetKind, AssetMeta, Evidence, Fact, Freezable, Position, TimeSource,
    Timestamp, Transfer, TransferKind, TxId, U256,
};

use super::Ask;
use super::json::Wrong;
use super::rows::{Moved, Place};

/// More than any native coin has units: no chain's supply comes near 2^120.
const NATIVE_BITS_MAX: usize = 120;

/// Where and when.
#[derive(Clone, Copy, Debug)]
pub struct InTx {
    pub tx: TxId,
    pub height: u64,
    pub tx_index: Option<u32>,
    pub time: Timestamp,
}

/// A token as a row names it.
pub struct Token {
    pub contract: Address,
    pub symbol: Option<String>,
    pub decimals: Option<u8>,
}

impl InTx {
    /// Is it of the part that was asked for? None: it is beyond what is final, or known.
    pub fn is_asked(&self, ask: &Ask) -> Result<bool, Wrong> {
        if self.height <= ask.until.height && self.time > ask.until.time {
            return Err(format!(
                "block {} is of {}, later than block {} of {}",
                self.height, self.time, ask.until.height, ask.until.time
            ));
        }
        let is_known = ask.after.is_some_and(|after| self.height <= after.height);
        Ok(self.height <= ask.until.height && !is_known)
    }

    pub fn native(&self, from: Address, to: Address, amount: U256) -> Result<Transfer, Wrong> {
        if amount.bit_len() > NATIVE_BITS_MAX {
            return Err(format!("{amount} base units of the native coin cannot be"));
        }
        let asset = Asset::native(self.tx.chain);
        Ok(self.transfer(Some(from), Some(to), asset, amount))
    }

    pub fn fee(&self, from: Address, amount: U256) -> Result<Moved, Wrong> {
        let mut transfer = self.native(from.clone(), from, amount)?;
        transfer.to = None;
        transfer.kind = TransferKind::Fee;
        transfer.position = Position::Fee;
        Ok(Moved { transfer, place: Place::Own, evidence: Evidence::Transaction })
    }

    /// A token's events write the zero address for nobody.
    pub fn token(&self, from: Address, to: Address, contract: &Token, amount: U256) -> Transfer {
        let asset = Asset::token(self.tx.chain, contract.contract.clone());
        self.transfer(somebody(from), somebody(to), asset, amount)
    }

    pub fn nft(
        &self,
        from: Address,
        to: Address,
        token: &Token,
        id: U256,
        count: U256,
    ) -> Transfer {
        let contract = token.contract.clone();
        let asset = Asset { chain: self.tx.chain, kind: AssetKind::Nft { contract, id } };
        let mut transfer = self.transfer(somebody(from), somebody(to), asset, count);
        transfer.kind = TransferKind::Nft;
        transfer
    }

    fn transfer(
        &self,
        from: Option<Address>,
        to: Option<Address>,
        asset: Asset,
        amount: U256,
    ) -> Transfer {
        Transfer {
            tx: self.tx,
            position: Position::Call(Box::new([])),
            height: Some(self.height),
            tx_index: self.tx_index,
            time: self.time,
            time_source: TimeSource::Stated,
            from,
            to,
            asset,
            amount,
            kind: TransferKind::Value,
        }
    }
}

impl Token {
    /// What the provider says of it; a symbol is as its contract claims.
    pub fn meta(&self, chain: model::Chain) -> Option<Fact> {
        if self.symbol.is_none() && self.decimals.is_none() {
            return None;
        }
        Some(Fact::Asset(AssetMeta {
            asset: Asset::token(chain, self.contract.clone()),
            symbol: self.symbol.clone(),
            decimals: self.decimals,
            freezable: Freezable::Unknown,
        }))
    }
}

/// Does a row name the address that was asked for?
pub fn names(account: &Account, ends: &[Option<&Address>]) -> Result<(), Wrong> {
    if ends.iter().flatten().any(|end| **end == account.address) {
        return Ok(());
    }
    Err(format!("a row that does not name {}", account.address_text()))
}

pub fn somebody(address: Address) -> Option<Address> {
    (address.bytes() != [0; 20]).then_some(address)
}
