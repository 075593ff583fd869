//! Values as SQLite keeps them, and back, exactly.

use model::{Date, Evidence, Freezable, TimeSource, Timestamp, TransferKind, TxHash, U256};

use rusqlite::{Connection, Row};

use crate::StoreError;
use crate::error::Doing;

/// Seconds rounded down, and the nanoseconds above them: compares like the time.
pub(crate) type SplitTime = (i64, i64);

pub(crate) fn split_time(time: Timestamp) -> SplitTime {
    let (seconds, nanos) = (time.as_second(), i64::from(time.subsec_nanosecond()));
    if nanos < 0 { (seconds - 1, nanos + 1_000_000_000) } else { (seconds, nanos) }
}

pub(crate) fn join_time(seconds: i64, nanos: i64) -> Option<Timestamp> {
    Timestamp::new(seconds, i32::try_from(nanos).ok()?).ok()
}

/// SQLite's integers are signed; no chain comes near the difference.
pub(crate) fn height_in(height: u64) -> Result<i64, StoreError> {
    i64::try_from(height).map_err(|_| {
        StoreError::value("keep a block", format!("height {height} is beyond any chain"))
    })
}

pub(crate) fn heights_in(height: Option<u64>) -> Result<Option<i64>, StoreError> {
    height.map(height_in).transpose()
}

/// Big-endian in a fixed width, so that blobs compare like numbers.
pub(crate) fn amount_in(amount: U256) -> [u8; 32] {
    amount.to_be_bytes()
}

pub(crate) fn amount_out(bytes: &[u8]) -> Option<U256> {
    Some(U256::from_be_bytes::<32>(bytes.try_into().ok()?))
}

pub(crate) fn hash_out(bytes: &[u8]) -> Option<TxHash> {
    matches!(bytes.len(), 32 | 64).then(|| TxHash::new(bytes))
}

pub(crate) fn date_out(text: &str) -> Option<Date> {
    text.parse().ok()
}

pub(crate) fn read<T: rusqlite::types::FromSql>(row: &Row<'_>, at: usize) -> Result<T, StoreError> {
    row.get(at).doing(|| format!("read column {at} of a row"))
}

/// Every row of an answer.
pub(crate) fn read_all<T>(
    db: &Connection,
    sql: &str,
    with: impl rusqlite::Params,
    mut take: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let doing = || "read the store";
    let mut ask = db.prepare_cached(sql).doing(doing)?;
    let mut rows = ask.query(with).doing(doing)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().doing(doing)? {
        all.push(take(row)?);
    }
    Ok(all)
}

/// An enum as its place in a table that never changes order.
macro_rules! numbered {
    ($into:ident, $out:ident, $type:ty, [$($value:path),+ $(,)?]) => {
        pub(crate) fn $into(value: $type) -> i64 {
            let all = [$($value),+];
            let at = all.iter().position(|known| *known == value);
            at.and_then(|at| i64::try_from(at).ok()).expect("every value is in the table")
        }

        pub(crate) fn $out(number: i64) -> Option<$type> {
            [$($value),+].get(usize::try_from(number).ok()?).copied()
        }
    };
}

numbered!(
    kind_in,
    kind_out,
    TransferKind,
    [TransferKind::Value, TransferKind::Fee, TransferKind::Reward, TransferKind::Nft,]
);
numbered!(
    time_source_in,
    time_source_out,
    TimeSource,
    [TimeSource::Stated, TimeSource::Estimated, TimeSource::Unknown,]
);
numbered!(
    evidence_in,
    evidence_out,
    Evidence,
    [Evidence::Row, Evidence::Transaction, Evidence::Trace, Evidence::Log,]
);
numbered!(
    freezable_in,
    freezable_out,
    Freezable,
    [Freezable::Yes, Freezable::No, Freezable::Unknown,]
);

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn times_come_back_and_compare_alike(
            a in -377_705_023_201_000_000_000i128..=253_402_207_200_999_999_999,
            b in -377_705_023_201_000_000_000i128..=253_402_207_200_999_999_999,
        ) {
            let time = |nanos| Timestamp::from_nanosecond(nanos).expect("in range");
            let (a, b) = (time(a), time(b));
            let (seconds, nanos) = split_time(a);
            proptest::prop_assert_eq!(join_time(seconds, nanos), Some(a));
            proptest::prop_assert_eq!(split_time(a).cmp(&split_time(b)), a.cmp(&b));
        }

        #[test]
        fn amounts_come_back_and_compare_alike(a: [u64; 4], b: [u64; 4]) {
            let (a, b) = (U256::from_limbs(a), U256::from_limbs(b));
            proptest::prop_assert_eq!(amount_out(&amount_in(a)), Some(a));
            proptest::prop_assert_eq!(amount_in(a).cmp(&amount_in(b)), a.cmp(&b));
        }
    }
}
