//! Bitcoin transactions of which an input spends what is not held.

use model::{Transaction, TxId, UtxoTransaction, View};

use crate::StoreError;
use crate::layers::Layer;
use crate::segment::{RowColumns, Segment};
use crate::store::current::Current;

/// By block and place in it, at most so many.
pub(super) fn transactions(
    current: &Current,
    limit: usize,
) -> Result<Vec<UtxoTransaction>, StoreError> {
    current.layers.must_read_all()?;
    let mut found: Vec<UtxoTransaction> = Vec::new();
    for chain in current.layers.chains().filter(|chain| chain.is_utxo()) {
        for layer in current.layers.visible(chain) {
            let ids: Vec<TxId> =
                entries(layer, limit)?.into_iter().map(|hash| TxId { chain, hash }).collect();
            for tx in current.snapshot.transactions(&ids).map_err(StoreError::view)? {
                if let Some(Transaction::Utxo(tx)) = tx {
                    found.push(tx);
                }
            }
        }
    }
    found.sort_by_key(|tx| (tx.time, tx.height, tx.index, tx.id));
    found.truncate(limit);
    Ok(found)
}

/// The first visible transactions of a layer with a hidden input, in time order.
fn entries(layer: &Layer, limit: usize) -> Result<Vec<model::TxHash>, StoreError> {
    let segment = &layer.segment;
    let mut found = Vec::new();
    let mut last = None;
    let mut columns = RowColumns::default();
    let is_any = layer.unresolved_inputs() > 0;
    for group in 0..segment.head().rows.div_ceil(Segment::GROUP) {
        if !is_any || found.len() >= limit {
            break;
        }
        segment.rows(group, &mut columns)?;
        for (entry, flags) in columns.entries.iter().zip(&columns.flags) {
            if flags.is_hidden && last != Some(*entry) && layer.is_visible(*entry) {
                last = Some(*entry);
                found.push(segment.entry_hash(*entry)?);
            }
        }
    }
    found.truncate(limit);
    Ok(found)
}
