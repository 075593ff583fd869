//! Amounts for people: digits in, digits out, never a float.

/// `1234567` with 3 decimals is `1,234.567`. None where it is not a number of base units.
pub fn units(base: &str, decimals: u8) -> Option<String> {
    if base.is_empty() || !base.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let decimals = usize::from(decimals);
    let digits = base.trim_start_matches('0');
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    let fraction = fraction.trim_end_matches('0');
    let whole = grouped(whole);
    Some(if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") })
}

/// The sum of two amounts in base units, however long. What is not digits counts as nothing.
pub fn add(a: &str, b: &str) -> String {
    let digit = |text: &str, at: usize| {
        let byte = text.len().checked_sub(at + 1).map(|place| text.as_bytes()[place]);
        byte.filter(u8::is_ascii_digit).map_or(0, |byte| byte - b'0')
    };
    let mut carry = 0;
    let mut out = Vec::new();
    for at in 0..=a.len().max(b.len()) {
        let sum = digit(a, at) + digit(b, at) + carry;
        carry = sum / 10;
        out.push(char::from(b'0' + sum % 10));
    }
    let text: String = out.into_iter().rev().collect();
    let digits = text.trim_start_matches('0');
    if digits.is_empty() { "0".to_string() } else { digits.to_string() }
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_keep_every_digit() {
        let check = |base: &str, decimals, expected: &str| {
            assert_eq!(units(base, decimals).as_deref(), Some(expected), "{base} {decimals}");
        };
        check("0", 18, "0");
        check("1", 18, "0.000000000000000001");
        check("1234567", 3, "1,234.567");
        check("10000000000000000000000", 18, "10,000");
        check("0007", 0, "7");
        let largest = "1".repeat(77);
        let digits: String =
            units(&largest, 18).unwrap().chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits, largest);
    }

    #[test]
    fn sums_of_any_length_are_exact() {
        assert_eq!(add("999", "1"), "1000");
        assert_eq!(add("0", "0"), "0");
        assert_eq!(add(&"9".repeat(78), "1"), format!("1{}", "0".repeat(78)));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", "-1", "1.5", "1e5", "١"] {
            assert_eq!(units(text, 2), None, "{text}");
        }
    }
}
