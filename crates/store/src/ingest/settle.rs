//! One transaction settled from everything ever told of it, by `model::memory`'s
//! rules, and whether its rows then say exactly what was told.

use std::cmp::Ordering;

use model::memory::{self, Claim, merge_transactions, place_transaction, settle_transaction};
use model::{Evidence, TimeSource, Timestamp, Transfer, UtxoTransaction};

use super::state::ChainState;
use super::times::Times;
use crate::StoreError;
use crate::segment::told::Told;

/// A transaction as it is shown from now on.
pub(super) struct Settled {
    pub(super) shown: Shown,
    /// Do the rows tell the claims again, and nothing else?
    pub(super) is_plain: bool,
}

pub(super) enum Shown {
    Rows(Vec<SettledRow>),
    Utxo(Box<Standing>),
}

pub(super) struct Standing {
    /// Each input with what it spends only where a source told that.
    pub(super) tx: UtxoTransaction,
    /// False: the height was found by placing the block.
    pub(super) is_height_told: bool,
}

pub(super) struct SettledRow {
    pub(super) transfer: Transfer,
    pub(super) evidence: Evidence,
    pub(super) is_time_told: bool,
}

/// Adds what is told anew. True when any of it was not known.
pub(super) fn add(known: &mut Told, new: Told) -> bool {
    let before = (known.claims.len(), known.utxo.len(), known.nft_logs.len(), known.is_failed);
    known.claims.extend(new.claims);
    known.claims.sort_by(cmp_claims);
    known.claims.dedup();
    for tx in new.utxo {
        if !known.utxo.contains(&tx) {
            known.utxo.push(tx);
        }
    }
    known.nft_logs.extend(new.nft_logs);
    known.is_failed |= new.is_failed;
    before != (known.claims.len(), known.utxo.len(), known.nft_logs.len(), known.is_failed)
}

/// A total order of content: nothing depends on the order of files.
fn cmp_claims((a, a_evidence): &Claim, (b, b_evidence): &Claim) -> Ordering {
    let evidence = |evidence: &Evidence| match evidence {
        Evidence::Row => 0,
        Evidence::Transaction => 1,
        Evidence::Trace => 2,
        Evidence::Log => 3u8,
    };
    a.cmp_time(b)
        .then_with(|| a.time_source.cmp(&b.time_source))
        .then_with(|| a.kind.cmp(&b.kind))
        .then_with(|| evidence(a_evidence).cmp(&evidence(b_evidence)))
}

pub(super) fn settle(
    told: &Told,
    state: &mut ChainState,
    times: &mut Times<'_>,
) -> Result<Settled, StoreError> {
    if let Some(standing) = standing(told, state) {
        let is_height_told =
            standing.height.is_some() && told.utxo.iter().any(|tx| tx.height == standing.height);
        let is_plain = told.utxo.len() == 1 && told.claims.is_empty() && has_no_marks(told);
        let standing = Box::new(Standing { tx: standing, is_height_told });
        return Ok(Settled { shown: Shown::Utxo(standing), is_plain });
    }
    settle_rows(told, state, times)
}

/// A Bitcoin transaction as the claims together tell it whose blocks stand.
fn standing(told: &Told, state: &mut ChainState) -> Option<UtxoTransaction> {
    let placed = told.utxo.iter().filter_map(|tx| {
        let place = tx.block.and_then(|block| state.headers.place(&block));
        place_transaction(tx.clone(), place.as_ref())
    });
    merge_transactions(placed.collect())
}

fn settle_rows(
    told: &Told,
    state: &ChainState,
    times: &mut Times<'_>,
) -> Result<Settled, StoreError> {
    let heights = told.claims.iter().filter_map(|(transfer, _)| transfer.height);
    let beside = memory::Told {
        is_failed: told.is_failed,
        nft_logs: told.nft_logs.clone(),
        covered: heights.filter(|height| state.covered.contains(*height)).collect(),
    };
    let settled = settle_transaction(told.claims.clone(), &beside);
    let mut is_plain =
        settled.len() == told.claims.len() && told.utxo.is_empty() && has_no_marks(told);
    let mut rows = Vec::with_capacity(settled.len());
    for mut transfer in settled {
        let claim = claim_of(&told.claims, &transfer);
        let evidence = claim.map_or(Evidence::Row, |(_, evidence)| *evidence);
        let is_dateless = is_dateless(transfer.time, transfer.time_source);
        let is_dated = times.date(&mut transfer)?;
        is_plain &= claim.is_some() && (!is_dated || is_dateless);
        rows.push(SettledRow { transfer, evidence, is_time_told: !is_dated });
    }
    Ok(Settled { shown: Shown::Rows(rows), is_plain })
}

/// The claim that says just this, of claims in the order of [`add`].
fn claim_of<'a>(claims: &'a [Claim], transfer: &Transfer) -> Option<&'a Claim> {
    let first = claims.partition_point(|(claim, _)| claim.cmp_time(transfer) == Ordering::Less);
    let alike = claims[first..].iter().take_while(|(claim, _)| claim.cmp_time(transfer).is_eq());
    alike.into_iter().find(|(claim, _)| claim == transfer)
}

/// A claim without any time: a block's may stand in its place, and the claim can
/// still be told again.
pub(super) fn is_dateless(time: Timestamp, source: TimeSource) -> bool {
    source == TimeSource::Unknown && time == Timestamp::UNIX_EPOCH
}

fn has_no_marks(told: &Told) -> bool {
    !told.is_failed && told.nft_logs.is_empty()
}
