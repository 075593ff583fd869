//! Many values of one width at once.
//!
//! Eight values of w bits are w bytes, so each group of eight begins at a byte, and where in it each
//! value lies is known when this is compiled: one load, one shift and one mask a value.

use tantivy_bitpacker::BitUnpacker;

/// Values from number `at` on; `bytes` end with the last of them.
pub(super) fn unpack(width: u8, at: usize, bytes: &[u8], out: &mut [u64]) {
    let done = match at.is_multiple_of(8) {
        true => unpack_eights(width, at, bytes, out),
        false => 0,
    };
    let at = u32::try_from(at + done).expect("a group has 1024 rows");
    BitUnpacker::new(width).get_range(at, bytes, &mut out[done..]);
}

macro_rules! by_width {
    ($width:expr, $bytes:expr, $out:expr, [$($w:literal)+]) => {
        match $width {
            $($w => eights::<$w>($bytes, $out),)+
            _ => 0,
        }
    };
}

/// How many were unpacked: all eights but the last ones, whose loads would reach beyond the end.
fn unpack_eights(width: u8, at: usize, bytes: &[u8], out: &mut [u64]) -> usize {
    let Some(bytes) = bytes.get(at / 8 * usize::from(width)..) else { return 0 };
    by_width!(width, bytes, out, [
        1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28
        29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56
    ])
}

fn eights<const WIDTH: usize>(bytes: &[u8], out: &mut [u64]) -> usize {
    let (chunks, _) = out.as_chunks_mut::<8>();
    let mut done = 0;
    let mut left = bytes;
    for chunk in chunks {
        // The last of the eight is loaded from byte 7 * WIDTH / 8 on.
        let Some(window) = left.get(..7 * WIDTH / 8 + 8) else { break };
        for (n, value) in chunk.iter_mut().enumerate() {
            let bit = n * WIDTH;
            let word = window[bit / 8..][..8].try_into().expect("eight bytes");
            *value = u64::from_le_bytes(word) >> (bit % 8) & ((1 << WIDTH) - 1);
        }
        done += 8;
        left = &left[WIDTH..];
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_unpacks_as_one_by_one() {
        let bytes: Vec<u8> = (0..1024u32 * 7).map(|n| ((n * 167) >> 3).to_le_bytes()[0]).collect();
        for width in 1..=56u8 {
            let bytes = &bytes[..(1000 * usize::from(width)).div_ceil(8)];
            for (at, count) in [(0, 1000), (8, 100), (3, 50), (984, 16), (0, 7), (64, 64)] {
                let end = ((at + count) * usize::from(width)).div_ceil(8);
                let mut all = vec![0; count];
                unpack(width, at, &bytes[..end], &mut all);
                let one = BitUnpacker::new(width);
                let expected: Vec<u64> = (at..at + count)
                    .map(|n| one.get(u32::try_from(n).expect("small"), bytes))
                    .collect();
                assert_eq!(all, expected, "{width} bits, {count} from {at}");
            }
        }
    }
}
