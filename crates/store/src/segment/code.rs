//! Values as a segment keeps them: varints, times, amounts, positions, flags, assets. All exact.

use model::{
    Address, Asset, AssetKind, Chain, Evidence, Position, TimeSource, Timestamp, TransferKind, U256,
};

use super::RowFlags;

/// LEB128.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Reads what was put, in the same order; none where it is not there.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    pub(super) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(taken)
    }

    /// A length and so many bytes.
    pub(super) fn sized(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.varint()?).ok()?;
        self.bytes(len)
    }

    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part {
                return None;
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn varint_u32(&mut self) -> Option<u32> {
        u32::try_from(self.varint()?).ok()
    }
}

/// Flips the sign bit, so that seconds compare as unsigned numbers.
const EPOCH: u64 = 1 << 63;

/// Seconds rounded down, as an unsigned number that compares alike, and the nanoseconds above them.
pub(super) fn split_time(time: Timestamp) -> (u64, u32) {
    let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
    let (seconds, nanos) =
        if nanos < 0 { (seconds - 1, nanos + 1_000_000_000) } else { (seconds, nanos) };
    (seconds.cast_unsigned() ^ EPOCH, nanos.cast_unsigned())
}

pub(super) fn join_time(seconds: u64, nanos: u32) -> Option<Timestamp> {
    let nanos = i32::try_from(nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Timestamp::new((seconds ^ EPOCH).cast_signed(), nanos).ok()
}

/// An amount as mantissa and power of ten, where that fits; else whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AmountCode {
    Small { mantissa: u64, exponent: u8 },
    Wide(U256),
}

/// 10^77 is the largest power of ten below 2^256.
pub(super) const EXPONENT_MAX: u8 = 77;

const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut at = 1;
    while at < 20 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

impl AmountCode {
    pub(super) fn of(amount: U256) -> AmountCode {
        let Ok(small) = u64::try_from(amount) else { return AmountCode::of_wide(amount) };
        let (mantissa, zeros) = strip(small);
        AmountCode::Small { mantissa, exponent: zeros }
    }

    /// A number that ends in n zeros ends in at least n zero bits: most are told apart by that.
    fn of_wide(amount: U256) -> AmountCode {
        let mut rest = amount;
        let mut exponent = 0u8;
        loop {
            if let Ok(small) = u64::try_from(rest) {
                let (mantissa, zeros) = strip(small);
                return AmountCode::Small { mantissa, exponent: exponent + zeros };
            }
            let zero_bits = rest.trailing_zeros();
            let step = [16u8, 8, 4, 2, 1].into_iter().find(|step| {
                zero_bits >= usize::from(*step)
                    && (rest % U256::from(POWERS[usize::from(*step)])).is_zero()
            });
            let Some(step) = step else { return AmountCode::Wide(amount) };
            rest /= U256::from(POWERS[usize::from(step)]);
            exponent += step;
        }
    }

    pub(super) fn amount(self) -> Option<U256> {
        match self {
            AmountCode::Wide(amount) => Some(amount),
            AmountCode::Small { mantissa, exponent: 0 } => Some(U256::from(mantissa)),
            AmountCode::Small { mantissa, exponent } => power(exponent, mantissa),
        }
    }
}

fn power(exponent: u8, mantissa: u64) -> Option<U256> {
    if let Some(factor) = POWERS.get(usize::from(exponent)) {
        return Some(U256::from(u128::from(mantissa) * u128::from(*factor)));
    }
    if exponent > EXPONENT_MAX {
        return None;
    }
    U256::from(10u8).pow(U256::from(exponent)).checked_mul(U256::from(mantissa))
}

/// The number without the zeros it ends in, and how many these were.
fn strip(mut number: u64) -> (u64, u8) {
    if number == 0 {
        return (0, 0);
    }
    let mut zeros = 0;
    for step in [16u8, 8, 4, 2, 1] {
        let factor = POWERS[usize::from(step)];
        if number.trailing_zeros() >= u32::from(step) && number.is_multiple_of(factor) {
            number /= factor;
            zeros += step;
        }
    }
    (number, zeros)
}

/// A position as a number: its kind in the lowest three bits, its own number above. Calls of at most
/// [`STEPS_MAX`] steps below 16 are a number too, four bits a step behind a leading one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PositionCode {
    Short(u64),
    Long(Box<[u32]>),
}

/// The kind of a code whose number is where the path lies in the group's extra bytes.
pub(super) const LONG_CALL: u64 = 7;
const STEPS_MAX: usize = 7;

impl PositionCode {
    pub(super) fn of(position: &Position) -> PositionCode {
        let (kind, number) = match position {
            Position::Input(n) => (0, *n),
            Position::Output(n) => (1, *n),
            Position::Call(path) => match pack_path(path) {
                Some(packed) => (2, packed),
                None => return PositionCode::Long(path.clone()),
            },
            Position::Log(n) => (3, *n),
            Position::Reward(n) => (4, *n),
            Position::Fee => (5, 0),
            Position::Nth(n) => (6, *n),
        };
        PositionCode::Short(u64::from(number) << 3 | kind)
    }
}

/// None for a code that no position has.
pub(super) fn short_position(code: u64) -> Option<Position> {
    let number = u32::try_from(code >> 3).ok()?;
    Some(match code & 7 {
        0 => Position::Input(number),
        1 => Position::Output(number),
        2 => Position::Call(unpack_path(number)),
        3 => Position::Log(number),
        4 => Position::Reward(number),
        5 if number == 0 => Position::Fee,
        6 => Position::Nth(number),
        _ => return None,
    })
}

/// The empty path is 0, so that a transaction's own value costs nothing.
fn pack_path(path: &[u32]) -> Option<u32> {
    let is_short = path.len() <= STEPS_MAX && path.iter().all(|step| *step < 16);
    is_short.then(|| match path {
        [] => 0,
        _ => path.iter().fold(1, |packed, step| packed << 4 | step),
    })
}

fn unpack_path(packed: u32) -> Box<[u32]> {
    if packed == 0 {
        return [].into();
    }
    let steps = (u32::BITS - 1 - packed.leading_zeros()) / 4;
    (0..steps).rev().map(|step| packed >> (4 * step) & 15).collect()
}

pub(super) fn put_path(out: &mut Vec<u8>, path: &[u32]) {
    put_varint(out, path.len() as u64);
    for step in path {
        put_varint(out, u64::from(*step));
    }
}

pub(super) fn read_path(reader: &mut Reader) -> Option<Box<[u32]>> {
    let len = reader.varint()?;
    // Not collected by length: a wrong one must not ask for memory that is not there.
    let mut path = Vec::new();
    for _ in 0..len {
        path.push(reader.varint_u32()?);
    }
    Some(path.into())
}

impl RowFlags {
    pub(super) fn code(self) -> u16 {
        let kind = match self.kind {
            TransferKind::Value => 0,
            TransferKind::Fee => 1,
            TransferKind::Reward => 2,
            TransferKind::Nft => 3,
        };
        let time_source = match self.time_source {
            TimeSource::Stated => 0,
            TimeSource::Estimated => 1,
            TimeSource::Unknown => 2,
        };
        let evidence = match self.evidence {
            Evidence::Row => 0,
            Evidence::Transaction => 1,
            Evidence::Trace => 2,
            Evidence::Log => 3,
        };
        let bits = [self.is_time_told, self.is_hidden, self.is_previous_told, self.has_previous];
        let bits = (6..).zip(bits).fold(0, |all, (at, bit)| all | u16::from(bit) << at);
        kind | time_source << 2 | evidence << 4 | bits
    }

    pub(super) fn from_code(code: u16) -> Option<RowFlags> {
        let bit = |at: u32| code >> at & 1 == 1;
        Some(RowFlags {
            kind: match code & 3 {
                0 => TransferKind::Value,
                1 => TransferKind::Fee,
                2 => TransferKind::Reward,
                _ => TransferKind::Nft,
            },
            time_source: match code >> 2 & 3 {
                0 => TimeSource::Stated,
                1 => TimeSource::Estimated,
                2 => TimeSource::Unknown,
                _ => return None,
            },
            evidence: match code >> 4 & 3 {
                0 => Evidence::Row,
                1 => Evidence::Transaction,
                2 => Evidence::Trace,
                _ => Evidence::Log,
            },
            is_time_told: bit(6),
            is_hidden: bit(7),
            is_previous_told: bit(8),
            has_previous: bit(9),
        })
        .filter(|_| code < 1 << 10)
    }
}

/// Says an asset and nothing else. One of another chain than the segment's carries that chain.
pub(super) fn put_asset(out: &mut Vec<u8>, asset: &Asset, chain: Chain) {
    let foreign = asset.chain != chain;
    let kind = match &asset.kind {
        AssetKind::Native => 0,
        AssetKind::Token(_) => 1,
        AssetKind::Nft { .. } => 2,
        AssetKind::Trc10(_) => 3,
    };
    out.push(kind | u8::from(foreign) << 7);
    if foreign {
        let text = asset.chain.to_string();
        put_varint(out, text.len() as u64);
        out.extend_from_slice(text.as_bytes());
    }
    let put_address = |out: &mut Vec<u8>, address: &Address| {
        put_varint(out, address.bytes().len() as u64);
        out.extend_from_slice(address.bytes());
    };
    match &asset.kind {
        AssetKind::Native => {}
        AssetKind::Token(contract) => put_address(out, contract),
        AssetKind::Nft { contract, id } => {
            put_address(out, contract);
            out.extend_from_slice(&id.to_be_bytes::<32>());
        }
        AssetKind::Trc10(id) => put_varint(out, *id),
    }
}

pub(super) fn read_asset(reader: &mut Reader, chain: Chain) -> Option<Asset> {
    let kind = reader.byte()?;
    let chain = match kind & 0x80 {
        0 => chain,
        _ => std::str::from_utf8(reader.sized()?).ok()?.parse().ok()?,
    };
    let kind = match kind & 0x7f {
        0 => AssetKind::Native,
        1 => AssetKind::Token(Address::from_bytes(reader.sized()?, chain)?),
        2 => {
            let contract = Address::from_bytes(reader.sized()?, chain)?;
            let id = U256::from_be_bytes::<32>(reader.bytes(32)?.try_into().ok()?);
            AssetKind::Nft { contract, id }
        }
        3 => AssetKind::Trc10(reader.varint()?),
        _ => return None,
    };
    Some(Asset { chain, kind })
}
