//! Everything ever told of one transaction, kept so that it can be settled again.

use std::collections::BTreeSet;

use model::memory::Claim;
use model::{Chain, UtxoTransaction};

use super::Segment;
use crate::StoreError;

/// What all files ever said of one transaction. What traces cover is kept in the catalog, by height.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub claims: Vec<Claim>,
    pub utxo: Vec<UtxoTransaction>,
    pub is_failed: bool,
    /// The log indexes that move a non-fungible token.
    pub nft_logs: BTreeSet<u32>,
}

impl Told {
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty()
            && self.utxo.is_empty()
            && !self.is_failed
            && self.nft_logs.is_empty()
    }

    /// The inverse of [`Told::decode`], for claims of one chain.
    pub fn encode(&self) -> Vec<u8> {
        unimplemented!("segment::Told::encode")
    }

    pub fn decode(_bytes: &[u8], _chain: Chain) -> Result<Told, StoreError> {
        unimplemented!("segment::Told::decode")
    }
}

/// What was told of a transaction, from what is kept beside its rows or from the rows themselves.
/// Empty where this segment does not have it.
pub fn told_of(_segment: &Segment, _hash: &[u8]) -> Result<Told, StoreError> {
    unimplemented!("segment::told_of")
}
