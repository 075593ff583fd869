//! Rows and entries as columns for whoever reads all of them: a column at a time, nothing looked up.

use model::{Position, TransferKind, U256};

use super::{ASSET, ENTRY, EXPONENT, Extra, FLAGS, FROM, MANTISSA, POSITION, Rows, TO, WIDE};
use crate::segment::RowFlags;
use crate::segment::SweepColumns;
use crate::segment::bytes::{Checked, Region};
use crate::segment::code::short_position;
use crate::segment::packed::{GROUP, Group};

impl Rows {
    pub(in crate::segment) fn sweep(
        &self,
        region: &Region,
        group: usize,
        out: &mut SweepColumns,
    ) -> Checked<()> {
        let group = self.groups.group(region, group)?;
        let extra = Extra::read(region, &group)?;
        let mut values = [0; GROUP];
        let values = &mut values[..group.rows];
        let narrow = |column: usize, values: &mut [u64], less: u32, out: &mut Vec<u32>| {
            group.read(column, 0, values)?;
            out.clear();
            let mut all = 0;
            out.extend(values.iter().map(|value| {
                all |= *value;
                low(*value).wrapping_sub(less)
            }));
            match all >> 32 {
                0 => Ok(()),
                _ => Err(region.damage(0, "a row names what is not there")),
            }
        };
        narrow(ENTRY, values, 0, &mut out.entries)?;
        narrow(FROM, values, 1, &mut out.from)?;
        narrow(TO, values, 1, &mut out.to)?;
        narrow(ASSET, values, 0, &mut out.assets)?;
        extra.sweep_flags(region, &group, values, out)?;
        extra.sweep_amounts(region, &group, values, &mut out.amounts)
    }

    /// Where in its transaction a row stands; none for a call whose path is long.
    pub(in crate::segment) fn short_position(
        &self,
        region: &Region,
        row: u32,
    ) -> Checked<Option<Position>> {
        Ok(short_position(self.get(region, POSITION, row)?))
    }
}

impl Extra {
    fn sweep_flags(
        &self,
        region: &Region,
        group: &Group<'_>,
        values: &mut [u64],
        out: &mut SweepColumns,
    ) -> Checked<()> {
        let mut known: Vec<RowFlags> = Vec::new();
        for number in 0..self.flags.len as u64 / 2 {
            known.push(self.row_flags(region, number)?);
        }
        out.kinds.clear();
        out.has_hidden = known.iter().any(|flags| flags.is_hidden);
        out.has_previous = known.iter().any(|flags| flags.has_previous);
        out.flags.clear();
        if let [one] = known.as_slice() {
            out.kinds.resize(values.len(), one.kind);
            out.flags.resize(values.len(), *one);
            return Ok(());
        }
        group.read(FLAGS, 0, values)?;
        let mut is_odd = false;
        let mut flags = |number: &u64| {
            let flags = usize::try_from(*number).ok().and_then(|number| known.get(number));
            is_odd |= flags.is_none();
            flags.copied().unwrap_or(super::PLAIN)
        };
        out.flags.extend(values.iter().map(&mut flags));
        let kind = |flags: &RowFlags| -> TransferKind { flags.kind };
        out.kinds.extend(out.flags.iter().map(kind));
        match is_odd {
            false => Ok(()),
            true => Err(region.damage(self.flags.start, "a row has flags there are not")),
        }
    }

    fn sweep_amounts(
        &self,
        region: &Region,
        group: &Group<'_>,
        values: &mut [u64],
        out: &mut Vec<U256>,
    ) -> Checked<()> {
        let mut exponents = [0; GROUP];
        let exponents = &mut exponents[..values.len()];
        group.read(MANTISSA, 0, values)?;
        group.read(EXPONENT, 0, exponents)?;
        out.clear();
        if exponents.iter().all(|exponent| *exponent == 0) {
            out.extend(values.iter().map(|value| U256::from(*value)));
            return Ok(());
        }
        let odd = || region.damage(self.wide.start, "an amount cannot be read");
        for (mantissa, exponent) in values.iter().zip(exponents.iter()) {
            let amount = match SMALL.get(usize::try_from(*exponent).unwrap_or(usize::MAX)) {
                Some(power) if *exponent != WIDE => {
                    let [low, high] = product(*mantissa, *power);
                    U256::from_limbs([low, high, 0, 0])
                }
                _ => self.amount(region, *mantissa, *exponent)?.amount().ok_or_else(odd)?,
            };
            out.push(amount);
        }
        Ok(())
    }
}

/// Powers of ten below 2^64.
const SMALL: [u64; 20] = {
    let mut powers = [1; 20];
    let mut at = 1;
    while at < 20 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

#[inline]
#[allow(clippy::cast_possible_truncation, reason = "the two halves are what is wanted")]
fn product(a: u64, b: u64) -> [u64; 2] {
    let product = u128::from(a) * u128::from(b);
    [product as u64, (product >> 64) as u64]
}

#[inline]
#[allow(clippy::cast_possible_truncation, reason = "what is above is looked at apart")]
fn low(value: u64) -> u32 {
    value as u32
}
