//! The mean share: `amount * part / whole`, rounded down.
//!
//! A haircut takes one for each tainted transfer, and base units of 18 decimals leave 64 bits at
//! 18 coins, their products 128 bits at some hundred. So the common case, where `part` is of `whole`
//! and all are of at most 128 bits, is divided limb by limb.

use model::U256;

/// [`model::amount::share`], quickly where the numbers are short. Nothing of nothing is refused as
/// there.
pub fn share(amount: U256, part: U256, whole: U256) -> U256 {
    if part == whole && !whole.is_zero() {
        return amount;
    }
    let short = |base: U256| u128::try_from(base).ok();
    match (short(amount), short(part), short(whole)) {
        (Some(amount), Some(part), Some(whole)) if part < whole => {
            U256::from(share_short(amount, part, whole))
        }
        _ => model::amount::share(amount, part, whole),
    }
}

/// The same of 128 bits, where `part` is at most `whole` and `whole` is not 0: never more than
/// `amount`.
#[inline]
pub fn share_short(amount: u128, part: u128, whole: u128) -> u128 {
    debug_assert!(part <= whole && whole > 0, "{part} is not a part of {whole}");
    let zeros = whole.leading_zeros();
    if zeros >= 64 {
        return short_divided(amount, low(part), low(whole));
    }
    let [n4, n3, n2, n1] = shifted(product(amount, part), zeros);
    let divisor = whole << zeros;
    let (above, rest) = divide(join(n4, n3), n2, divisor);
    let (below, _) = divide(rest, n1, divisor);
    join(above, below)
}

/// Where `whole` is one limb, and so `part` is.
#[inline]
fn short_divided(amount: u128, part: u64, whole: u64) -> u128 {
    let whole = u128::from(whole);
    let lower = u128::from(low(amount)) * u128::from(part);
    if high(amount) == 0 {
        return lower / whole;
    }
    let upper = u128::from(high(amount)) * u128::from(part) + u128::from(high(lower));
    let rest = upper % whole;
    let below = join(low(rest), low(lower)) / whole;
    ((upper / whole) << 64) | below
}

/// The product as limbs, the highest first.
#[inline]
fn product(a: u128, b: u128) -> [u64; 4] {
    let times = |a: u64, b: u64| u128::from(a) * u128::from(b);
    let lowest = times(low(a), low(b));
    let cross = times(high(a), low(b)) + u128::from(high(lowest));
    let other = times(low(a), high(b)) + u128::from(low(cross));
    let highest = times(high(a), high(b)) + u128::from(high(cross)) + u128::from(high(other));
    [high(highest), low(highest), low(other), low(lowest)]
}

/// Fewer than 64 bits to the left; the bits that leave are 0.
#[inline]
fn shifted(limbs: [u64; 4], bits: u32) -> [u64; 4] {
    let upper = join(limbs[0], limbs[1]) << bits;
    let between = high(join(limbs[1], limbs[2]) << bits);
    let lower = join(limbs[2], limbs[3]) << bits;
    [high(upper), between, high(lower), low(lower)]
}

/// Three limbs by two, of which the highest bit is set and which are more than the upper two: Knuth,
/// The Art of Computer Programming 2, 4.3.1, algorithm D. The quotient is one limb.
#[inline]
fn divide(upper: u128, lowest: u64, divisor: u128) -> (u64, u128) {
    let first = u128::from(high(divisor));
    // One too large at most after this, two before.
    let mut guess = match u128::from(high(upper)) >= first {
        true => u128::from(u64::MAX),
        false => upper / first,
    };
    let mut over = upper - guess * first;
    while high(over) == 0 && guess * u128::from(low(divisor)) > join(low(over), lowest) {
        guess -= 1;
        over += first;
    }
    // Of three limbs only the lower two differ from 0 in the end.
    let taken = guess.wrapping_mul(divisor);
    let rest = join(low(upper), lowest).wrapping_sub(taken);
    match rest < divisor {
        true => (low(guess), rest),
        false => (low(guess - 1), rest.wrapping_add(divisor)),
    }
}

#[inline]
fn high(wide: u128) -> u64 {
    low(wide >> 64)
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lower limb is what is asked for")]
fn low(wide: u128) -> u64 {
    wide as u64
}

#[inline]
fn join(high: u64, low: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of every length, with limbs that are full, empty, or near it.
    fn number() -> impl Strategy<Value = u128> {
        let limb = prop_oneof![Just(0u64), Just(u64::MAX), Just(1 << 63), any::<u64>(), 0u64..4];
        (limb.clone(), limb, 0u32..128).prop_map(|(high, low, bits)| join(high, low) >> bits)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn a_short_share_is_the_share(amount in number(), a in number(), b in number()) {
            let (part, whole) = (a.min(b), a.max(b).max(1));
            let plain = model::amount::share(U256::from(amount), U256::from(part), U256::from(whole));
            prop_assert_eq!(U256::from(share_short(amount, part, whole)), plain);
            prop_assert_eq!(share(U256::from(amount), U256::from(part), U256::from(whole)), plain);
        }
    }
}
