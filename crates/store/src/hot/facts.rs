//! What a followed block told, as the catalog keeps it: to settle it again, and to hand it on when it
//! is final.

use std::collections::BTreeMap;

use model::{Asset, AssetMeta, BlockFact, Chain, Fact, Freezable, Timestamp, TxHash, TxId};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::StoreError;
use crate::ingest::ChainState;
use crate::segment::told::Told;

/// A block's facts, by transaction.
#[derive(Default)]
pub(super) struct Kept {
    told: BTreeMap<TxId, Told>,
    rest: Rest,
}

/// What is not told of one transaction.
#[derive(Default, Serialize, Deserialize)]
struct Rest {
    blocks: Vec<KeptBlock>,
    covered: Vec<(Chain, u64)>,
    assets: Vec<KeptAsset>,
}

#[derive(Serialize, Deserialize)]
struct KeptBlock {
    chain: Chain,
    hash: Option<Vec<u8>>,
    parent: Option<Vec<u8>>,
    height: Option<u64>,
    time: Timestamp,
    work: Option<[u8; 32]>,
}

#[derive(Serialize, Deserialize)]
struct KeptAsset {
    asset: Asset,
    symbol: Option<String>,
    decimals: Option<u8>,
    freezable: Freezable,
}

impl Kept {
    pub(super) fn of(facts: &[Fact]) -> Kept {
        let mut kept = Kept::default();
        for fact in facts {
            kept.take(fact.clone());
        }
        kept
    }

    fn take(&mut self, fact: Fact) {
        match fact {
            Fact::Transfer { transfer, evidence } => {
                self.told(transfer.tx).claims.push((transfer, evidence));
            }
            Fact::Utxo(tx) => self.told(tx.id).utxo.push(tx),
            Fact::Failed { tx } => self.told(tx).is_failed = true,
            Fact::NftLog { tx, log_index } => drop(self.told(tx).nft_logs.insert(log_index)),
            Fact::Block(block) => self.rest.blocks.push(keep_block(&block)),
            Fact::TracesCover { chain, height } => self.rest.covered.push((chain, height)),
            Fact::Asset(meta) => self.rest.assets.push(keep_asset(meta)),
            // A coinbase is kept by its transaction, when the block first comes.
            Fact::Coinbase { .. } | Fact::Freeze(_) | Fact::Oddity(_) => {}
        }
    }

    fn told(&mut self, tx: TxId) -> &mut Told {
        self.told.entry(tx).or_default()
    }

    /// A chain's state learns what a block told of the chain as a whole.
    pub(super) fn teach(bytes: &[u8], state: &mut ChainState) -> Result<(), StoreError> {
        let rest = rest(&mut whole(bytes)?)?;
        for (_, height) in &rest.covered {
            state.covered.insert(*height);
        }
        state.headers.learn(rest.blocks.into_iter().map(block).collect());
        Ok(())
    }

    pub(super) fn into_facts(self) -> Vec<Fact> {
        let Rest { blocks, covered, assets } = self.rest;
        let mut facts: Vec<Fact> =
            blocks.into_iter().map(|kept| Fact::Block(block(kept))).collect();
        facts
            .extend(covered.into_iter().map(|(chain, height)| Fact::TracesCover { chain, height }));
        facts.extend(assets.into_iter().map(|kept| Fact::Asset(asset(kept))));
        for (tx, told) in self.told {
            let claims = told.claims.into_iter();
            facts.extend(claims.map(|(transfer, evidence)| Fact::Transfer { transfer, evidence }));
            facts.extend(told.utxo.into_iter().map(Fact::Utxo));
            facts.extend(told.is_failed.then_some(Fact::Failed { tx }));
            let logs = told.nft_logs.into_iter();
            facts.extend(logs.map(|log_index| Fact::NftLog { tx, log_index }));
        }
        facts
    }

    /// The rest as JSON, then each transaction: its name and its claims, each after its length; then the key
    /// of all that, since the database does not notice a flipped bit.
    pub(super) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let rest = serde_json::to_vec(&self.rest)
            .map_err(|error| StoreError::value("keep a followed block", error.to_string()))?;
        let mut out = Vec::new();
        put(&mut out, &rest)?;
        for (tx, told) in &self.told {
            put(&mut out, tx.to_string().as_bytes())?;
            put(&mut out, &told.encode())?;
        }
        out.extend_from_slice(&xxh3_64(&out).to_le_bytes());
        Ok(out)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Kept, StoreError> {
        let mut left = whole(bytes)?;
        let rest = rest(&mut left)?;
        let mut told = BTreeMap::new();
        while !left.is_empty() {
            let name = std::str::from_utf8(take(&mut left)?).map_err(odd)?;
            let tx: TxId = name.parse().map_err(odd)?;
            told.insert(tx, Told::decode(take(&mut left)?, tx.chain)?);
        }
        Ok(Kept { told, rest })
    }

    /// What it tells of assets, as JSON; none where it tells nothing.
    pub(super) fn encode_assets(&self) -> Result<Option<Vec<u8>>, StoreError> {
        if self.rest.assets.is_empty() {
            return Ok(None);
        }
        let assets = serde_json::to_vec(&self.rest.assets);
        let assets = assets.map_err(|error| StoreError::value("keep assets", error.to_string()))?;
        Ok(Some(assets))
    }
}

pub(super) fn decode_assets(bytes: &[u8]) -> Result<Vec<AssetMeta>, StoreError> {
    let assets: Vec<KeptAsset> = serde_json::from_slice(bytes).map_err(odd)?;
    Ok(assets.into_iter().map(asset).collect())
}

/// Without the key, which must match.
fn whole(bytes: &[u8]) -> Result<&[u8], StoreError> {
    let (bytes, key) = bytes.split_last_chunk::<8>().ok_or_else(|| odd("it is cut"))?;
    let is_whole = xxh3_64(bytes) == u64::from_le_bytes(*key);
    is_whole.then_some(bytes).ok_or_else(|| odd("its bytes are not those that were written"))
}

fn rest(left: &mut &[u8]) -> Result<Rest, StoreError> {
    serde_json::from_slice(take(left)?).map_err(odd)
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), StoreError> {
    let len = u32::try_from(bytes.len())
        .map_err(|_| StoreError::value("keep a followed block", "it tells more than 4 GB"))?;
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

fn take<'a>(left: &mut &'a [u8]) -> Result<&'a [u8], StoreError> {
    let cut = || odd("it is cut");
    let (len, rest) = left.split_first_chunk::<4>().ok_or_else(cut)?;
    let (bytes, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize).ok_or_else(cut)?;
    *left = rest;
    Ok(bytes)
}

fn odd(why: impl ToString) -> StoreError {
    StoreError::value("read what a followed block told", why.to_string())
}

fn keep_block(block: &BlockFact) -> KeptBlock {
    let bytes = |hash: Option<TxHash>| hash.map(|hash| hash.bytes().to_vec());
    KeptBlock {
        chain: block.chain,
        hash: bytes(block.hash),
        parent: bytes(block.parent),
        height: block.height,
        time: block.time,
        work: block.work,
    }
}

fn block(kept: KeptBlock) -> BlockFact {
    let KeptBlock { chain, hash, parent, height, time, work } = kept;
    let [hash, parent] = [hash, parent].map(|bytes| {
        bytes.filter(|bytes| matches!(bytes.len(), 32 | 64)).map(|bytes| TxHash::new(&bytes))
    });
    BlockFact { chain, hash, parent, height, time, work }
}

fn keep_asset(meta: AssetMeta) -> KeptAsset {
    let AssetMeta { asset, symbol, decimals, freezable } = meta;
    KeptAsset { asset, symbol, decimals, freezable }
}

fn asset(kept: KeptAsset) -> AssetMeta {
    let KeptAsset { asset, symbol, decimals, freezable } = kept;
    AssetMeta { asset, symbol, decimals, freezable }
}
