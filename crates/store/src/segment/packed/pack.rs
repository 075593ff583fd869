//! Many values of one width at once, as [`super::unpack`] reads them: the lowest bit first, padded to
//! a byte. Eight values of w bits are w bytes, so where in them each lies is known when this is compiled.

/// Appends values less `least`, each of which fits the width: 1 to 56, or 64.
pub(super) fn pack(width: u8, least: u64, values: &[u64], out: &mut Vec<u8>) {
    out.reserve(values.len() * usize::from(width) / 8 + 8);
    if width == 64 {
        values.iter().for_each(|value| out.extend_from_slice(&(value - least).to_le_bytes()));
        return;
    }
    pack_eights(width, least, values, out);
}

macro_rules! by_width {
    ($width:expr, $least:expr, $values:expr, $out:expr, [$($w:literal)+]) => {
        match $width {
            $($w => eights::<$w>($least, $values, $out),)+
            _ => unreachable!("columns have no such width"),
        }
    };
}

fn pack_eights(width: u8, least: u64, values: &[u64], out: &mut Vec<u8>) {
    by_width!(width, least, values, out, [
        1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28
        29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56
    ]);
}

fn eights<const WIDTH: usize>(least: u64, values: &[u64], out: &mut Vec<u8>) {
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        out.extend_from_slice(&eight::<WIDTH>(least, chunk)[..WIDTH]);
    }
    if !rest.is_empty() {
        let mut chunk = [least; 8];
        chunk[..rest.len()].copy_from_slice(rest);
        out.extend_from_slice(&eight::<WIDTH>(least, &chunk)[..(rest.len() * WIDTH).div_ceil(8)]);
    }
}

#[inline]
fn eight<const WIDTH: usize>(least: u64, values: &[u64; 8]) -> [u8; 64] {
    let mut bytes = [0; 64];
    let (mut word, mut filled, mut at) = (0u64, 0, 0);
    for value in values {
        let value = value - least;
        word |= value << filled;
        filled += WIDTH;
        if filled >= 64 {
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
            at += 8;
            filled -= 64;
            word = if filled == 0 { 0 } else { value >> (WIDTH - filled) };
        }
    }
    bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use tantivy_bitpacker::BitPacker;

    #[test]
    fn every_width_packs_as_one_by_one() {
        for width in (1..=56u8).chain([64]) {
            for count in [1, 7, 8, 9, 100, 1024u64] {
                let mask = u64::MAX >> (64 - width);
                let random = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ n << 40;
                let least = if width == 64 { 0 } else { 77 };
                let values: Vec<u64> = (1..=count).map(|n| least + (random(n) & mask)).collect();
                let mut all = vec![1, 2, 3];
                pack(width, least, &values, &mut all);
                let (mut packer, mut expected) = (BitPacker::new(), vec![1, 2, 3]);
                for value in &values {
                    packer.write(value - least, width, &mut expected).expect("memory");
                }
                packer.close(&mut expected).expect("memory");
                assert_eq!(all, expected, "{count} of {width} bits");
            }
        }
    }
}
