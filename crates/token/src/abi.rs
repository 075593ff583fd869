//! Calls as contracts read them, and their answers. Answers are a stranger's bytes.

use alloy_primitives::{Address, Bytes, U256, keccak256};

/// Texts of tokens are shown, so that they are cut here.
const TEXT_BYTES_MAX: usize = 256;

/// The first four bytes of a function's hash: `transfer(address,uint256)`.
pub fn selector(signature: &str) -> [u8; 4] {
    let hash = keccak256(signature.as_bytes());
    [hash[0], hash[1], hash[2], hash[3]]
}

/// A call of a function whose arguments are one word each.
pub fn call(signature: &str, words: &[U256]) -> Bytes {
    let mut data = selector(signature).to_vec();
    words.iter().for_each(|word| data.extend_from_slice(&word.to_be_bytes::<32>()));
    data.into()
}

pub fn word_of(address: Address) -> U256 {
    U256::from_be_slice(address.as_slice())
}

/// The address in a word; none where the word is no address.
pub fn address_of(word: U256) -> Option<Address> {
    let bytes = word.to_be_bytes::<32>();
    bytes[..12].iter().all(|byte| *byte == 0).then(|| Address::from_slice(&bytes[12..]))
}

/// The n-th word of an answer.
pub fn word(answer: &[u8], n: usize) -> Option<U256> {
    let start = n.checked_mul(32)?;
    answer.get(start..start.checked_add(32)?).map(U256::from_be_slice)
}

/// An answer that is one address.
pub fn address(answer: &[u8]) -> Option<Address> {
    address_of(word(answer, 0)?)
}

/// An answer that is a text, or as the oldest tokens have it, 32 bytes of text. What cannot be
/// shown of it is replaced.
pub fn text(answer: &[u8]) -> Option<String> {
    if answer.len() == 32 {
        let end = answer.iter().position(|byte| *byte == 0).unwrap_or(32);
        return Some(shown(&answer[..end]));
    }
    let offset = usize::try_from(word(answer, 0)?).ok()?;
    let rest = answer.get(offset..)?;
    let length = usize::try_from(word(rest, 0)?).ok()?;
    let end = length.checked_add(32)?;
    let bytes = rest.get(32..end)?;
    Some(shown(&bytes[..bytes.len().min(TEXT_BYTES_MAX)]))
}

fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Did a `transfer` or `approve` say yes? Tokens of the old kind answer nothing.
pub fn is_yes(answer: &[u8]) -> bool {
    answer.is_empty() || word(answer, 0).is_some_and(|word| !word.is_zero())
}

/// Why a call was reverted, in the words of the contract where it gives any.
pub fn reason(answer: &[u8]) -> String {
    let rest = answer.get(4..).unwrap_or_default();
    match answer.get(..4) {
        None if answer.is_empty() => "no reason given".into(),
        Some(head) if head == selector("Error(string)") => {
            text(rest).map_or_else(|| "a reason that cannot be read".into(), |t| format!("{t:?}"))
        }
        Some(head) if head == selector("Panic(uint256)") => {
            let code = word(rest, 0).unwrap_or_default();
            format!("panic {code:#x}")
        }
        Some(head) => format!("error 0x{}", alloy_primitives::hex::encode(head)),
        None => format!("0x{}", alloy_primitives::hex::encode(answer)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_those_everybody_uses() {
        assert_eq!(selector("transfer(address,uint256)"), [0xa9, 0x05, 0x9c, 0xbb]);
        assert_eq!(selector("balanceOf(address)"), [0x70, 0xa0, 0x82, 0x31]);
        assert_eq!(selector("Error(string)"), [0x08, 0xc3, 0x79, 0xa0]);
    }

    #[test]
    fn a_text_is_read_in_both_forms_and_a_lie_about_its_length_is_none() {
        let mut dynamic = vec![0u8; 96];
        (dynamic[31], dynamic[63]) = (32, 4);
        dynamic[64..68].copy_from_slice(b"USD\n");
        assert_eq!(text(&dynamic).as_deref(), Some("USD\u{fffd}"));
        let mut fixed = [0u8; 32];
        fixed[..3].copy_from_slice(b"MKR");
        assert_eq!(text(&fixed).as_deref(), Some("MKR"));
        dynamic[62] = 0xff;
        assert_eq!(text(&dynamic), None);
        dynamic[0] = 0xff;
        assert_eq!(text(&dynamic), None);
    }

    #[test]
    fn a_reason_is_told_whatever_it_is() {
        let mut error = selector("Error(string)").to_vec();
        error.extend([0u8; 96]);
        (error[4 + 31], error[4 + 63], error[4 + 64]) = (32, 1, b'K');
        assert_eq!(reason(&error), "\"K\"");
        assert_eq!(reason(&[]), "no reason given");
        assert_eq!(reason(&[1, 2, 3, 4]), "error 0x01020304");
        assert_eq!(reason(&[1]), "0x01");
        assert_eq!(reason(&error[..10]), "a reason that cannot be read");
    }
}
