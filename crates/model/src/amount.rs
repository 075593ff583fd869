//! Amounts: whole numbers of an asset's base unit.
//!
//! Nothing here is a float. Whole units (`1.5 ETH`) exist only as text, at the
//! edge where a person or a file says them.

use crate::{Asset, U256};

/// So many base units of this asset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    pub asset: Asset,
    pub base: U256,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("{0:?} is not a decimal number")]
    NotDecimal(String),
    #[error("{text:?} has more than {decimals} decimals")]
    TooFine { text: String, decimals: u8 },
    #[error("{0:?} does not fit 256 bits")]
    TooLarge(String),
}

/// Reads `12.5`, `0.1`, `1e-7` or `3.2E5` in whole units, exactly. Exponents
/// occur because spreadsheets and data frames write small numbers so.
pub fn parse_units(text: &str, decimals: u8) -> Result<U256, AmountError> {
    let not_decimal = || AmountError::NotDecimal(text.to_string());
    let (mantissa, exponent) = split_exponent(text).ok_or_else(not_decimal)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(not_decimal());
    }
    let fraction_len = i64::try_from(fraction.len()).map_err(|_| not_decimal())?;
    let shift = i64::from(decimals) + exponent - fraction_len;
    if shift >= 0 {
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Ok(U256::ZERO);
        }
        let zeros = usize::try_from(shift).map_err(|_| not_decimal())?;
        if digits.len() + zeros > 78 {
            return Err(AmountError::TooLarge(text.to_string()));
        }
        return parse_base(&format!("{digits}{}", "0".repeat(zeros)));
    }
    let cut = usize::try_from(-shift).map_err(|_| not_decimal())?;
    let (kept, lost) = digits.split_at(digits.len().saturating_sub(cut));
    if lost.bytes().any(|b| b != b'0') {
        return Err(AmountError::TooFine { text: text.to_string(), decimals });
    }
    parse_base(if kept.is_empty() { "0" } else { kept })
}

/// Reads a whole number of base units: decimal digits only.
pub fn parse_base(text: &str) -> Result<U256, AmountError> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(AmountError::NotDecimal(text.to_string()));
    }
    U256::from_str_radix(text, 10).map_err(|_| AmountError::TooLarge(text.to_string()))
}

/// Writes whole units without trailing zeros: `98048.8948`.
pub fn format_units(base: U256, decimals: u8) -> String {
    let digits = base.to_string();
    let decimals = usize::from(decimals);
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") }
}

/// Whole units for people: thousands grouped, at most `places` decimals,
/// rounded half up.
pub fn format_rounded(base: U256, decimals: u8, places: u8) -> String {
    let places = places.min(decimals);
    let unit = U256::from(10).pow(U256::from(decimals - places));
    let half = unit / U256::from(2);
    let rounded = base.saturating_add(half) / unit;
    let text = format_units(rounded, places);
    let (whole, fraction) =
        text.split_once('.').map_or((text.as_str(), None), |(w, f)| (w, Some(f)));
    let grouped = group_thousands(whole);
    fraction.map_or(grouped.clone(), |f| format!("{grouped}.{f}"))
}

/// `amount * part / whole`, rounded down; the product never overflows, and a
/// quotient over 256 bits (possible only where `part > whole`) is the largest number.
///
/// # Panics
/// When `whole` is zero.
pub fn share(amount: U256, part: U256, whole: U256) -> U256 {
    assert!(whole > U256::ZERO, "a share of nothing is undefined");
    type U512 = alloy_primitives::U512;
    let product = U512::from(amount) * U512::from(part);
    (product / U512::from(whole)).saturating_to()
}

fn split_exponent(text: &str) -> Option<(&str, i64)> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return Some((text, 0));
    };
    let exponent: i64 = exponent.parse().ok()?;
    (exponent.abs() <= 255).then_some((mantissa, exponent))
}

fn group_thousands(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> U256 {
        parse_base(text).expect("digits")
    }

    #[test]
    fn whole_units_read_exactly() {
        assert_eq!(parse_units("30375.54791768", 18), Ok(base("30375547917680000000000")));
        assert_eq!(parse_units("1e-7", 18), Ok(base("100000000000")));
        assert_eq!(parse_units("3.2E5", 0), Ok(base("320000")));
        assert_eq!(parse_units(".5", 8), Ok(base("50000000")));
        assert_eq!(parse_units("0.000", 2), Ok(U256::ZERO));
        assert_eq!(parse_units("1.230", 2), Ok(base("123")));
    }

    #[test]
    fn what_cannot_be_exact_is_refused() {
        assert!(matches!(parse_units("0.123", 2), Err(AmountError::TooFine { .. })));
        assert!(matches!(parse_units("-1", 2), Err(AmountError::NotDecimal(_))));
        assert!(matches!(parse_units("", 2), Err(AmountError::NotDecimal(_))));
        assert!(matches!(parse_units("1,000", 2), Err(AmountError::NotDecimal(_))));
        assert!(matches!(parse_units("1e300", 2), Err(AmountError::NotDecimal(_))));
        assert!(matches!(parse_units(&"9".repeat(70), 18), Err(AmountError::TooLarge(_))));
    }

    #[test]
    fn units_print_as_people_write_them() {
        assert_eq!(format_units(base("98048894800000000000000"), 18), "98048.8948");
        assert_eq!(format_units(base("5"), 8), "0.00000005");
        assert_eq!(format_units(base("7"), 0), "7");
        assert_eq!(format_rounded(base("401346768858404000000000"), 18, 2), "401,346.77");
        assert_eq!(format_rounded(base("999"), 0, 2), "999");
    }

    #[test]
    fn a_share_never_overflows() {
        assert_eq!(share(U256::MAX, U256::MAX, U256::MAX), U256::MAX);
        assert_eq!(share(base("10"), base("1"), base("3")), base("3"));
    }

    proptest::proptest! {
        #[test]
        fn text_and_base_are_inverse(limbs: [u64; 4], decimals in 0u8..40) {
            let amount = U256::from_limbs(limbs) >> 8usize;
            proptest::prop_assert_eq!(parse_units(&format_units(amount, decimals), decimals), Ok(amount));
        }
    }
}
