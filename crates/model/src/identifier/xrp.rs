//! XRP Ledger: an account id in base58check of its own alphabet.
//!
//! Classic addresses begin with r. X-addresses pack the destination tag with the
//! account id; they keep their text, as the tag tells an exchange's customer, and
//! share the account's key. Test-network X-addresses (T…) are left out.
//! Sources: <https://xrpl.org/docs/references/protocol/data-types/base58-encodings>
//! and XLS-5d, <https://github.com/XRPLF/XRPL-Standards/discussions/6>.

use bs58::Alphabet;

use super::{Family, Identifier, Key};

const CLASSIC: &[u8] = &[0];
const EXTENDED: &[u8] = &[0x05, 0x44];

pub fn read(text: &str) -> Option<Identifier> {
    let bytes =
        bs58::decode(text).with_alphabet(Alphabet::RIPPLE).with_check(None).into_vec().ok()?;
    let account = classic(&bytes).or_else(|| extended(&bytes))?;
    Some(Identifier {
        text: text.to_string(),
        families: vec![Family::Xrp],
        key: Key::PublicKeyHash(account),
    })
}

fn classic(bytes: &[u8]) -> Option<[u8; 20]> {
    bytes.strip_prefix(CLASSIC)?.try_into().ok()
}

/// Account, a flag that says whether a tag follows, the tag in little endian.
fn extended(bytes: &[u8]) -> Option<[u8; 20]> {
    let (account, rest) = bytes.strip_prefix(EXTENDED)?.split_first_chunk::<20>()?;
    let is_valid = match rest {
        [0, tag @ ..] => tag == [0; 8],
        [1, tag @ ..] => tag.len() == 8 && tag[4..] == [0; 4],
        _ => false,
    };
    is_valid.then_some(*account)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> String {
        let found = read(text).unwrap_or_else(|| panic!("{text} is valid"));
        assert_eq!((found.text.as_str(), &found.families[..]), (text, &[Family::Xrp][..]));
        found.key.to_string()
    }

    #[test]
    fn classic_addresses_are_account_ids() {
        // Account zero, account one and the genesis account, from the documentation.
        assert_eq!(key("rrrrrrrrrrrrrrrrrrrrrhoLvTp"), format!("pkh:{}", "00".repeat(20)));
        assert_eq!(key("rrrrrrrrrrrrrrrrrrrrBZbvji"), format!("pkh:{}01", "00".repeat(19)));
        assert_eq!(
            key("rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"),
            "pkh:b5f762798a53d543a014caf8b297cff8f2f937e8"
        );
        // From OFAC's list.
        key("rnXyVQzgxZe7TR1EPzTkGj2jxH4LMJYh66");
    }

    #[test]
    fn an_extended_address_is_the_same_account() {
        for (classic, extended) in [
            // With the highest tag, and without one.
            (
                "rGWrZyQqhTp9Xu7G5Pkayo7bXjH4k4QYpf",
                "XVLhHMPHU98es4dbozjVtdWzVrDjtV18pX8yuPT7y4xaEHi",
            ),
            (
                "r9cZA1mLK5R5Am25ArfXFmqgNwjZgnfk59",
                "X7AcgcsBL6XDcUb289X4mJ8djcdyKaB5hJDWMArnXr61cqZ",
            ),
        ] {
            assert_eq!(key(classic), key(extended));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "r",
            "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTj",
            // A secret, and a test-network X-address.
            "snoPBrXtMeMyMHUVTgbuqAfg1SUTb",
            "T7oKJ3q7s94kDH6tpkBowhetT1JKfcfdSCmAXbS75iATyLD",
            "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
