//! Cashaddr: Bitcoin Cash's own form of a hash.
//!
//! Base32 with a 40-bit checksum over prefix and payload; people often leave the
//! prefix away. Source: the CashAddr and CashTokens specifications at
//! <https://github.com/bitcoincashorg/bitcoincash.org/blob/master/spec/cashaddr.md>
//! and <https://cashtokens.org/docs/spec/chip#cashaddress-token-support>.

use super::{Family, Identifier, Key};

const PREFIX: &str = "bitcoincash";
const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const CHECKSUM_LEN: usize = 8;
const SIZES: [usize; 8] = [20, 24, 28, 32, 40, 48, 56, 64];

pub fn read(text: &str) -> Option<Identifier> {
    let has_lower = text.bytes().any(|b| b.is_ascii_lowercase());
    let has_upper = text.bytes().any(|b| b.is_ascii_uppercase());
    if has_lower && has_upper {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let payload =
        lower.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix(':')).unwrap_or(&lower);
    let (kind, hash) = decode(PREFIX, payload)?;
    Some(Identifier {
        text: format!("{PREFIX}:{payload}"),
        families: vec![Family::BitcoinCash],
        key: key(kind, &hash)?,
    })
}

/// Types 2 and 3 say that the wallet takes tokens; the hash is the same.
fn key(kind: u8, hash: &[u8]) -> Option<Key> {
    match kind {
        0 | 2 => Some(Key::PublicKeyHash(hash.try_into().ok()?)),
        1 | 3 if hash.len() == 32 => Some(Key::of_long_script_hash(hash.try_into().ok()?)),
        1 | 3 => Some(Key::ScriptHash(hash.try_into().ok()?)),
        _ => None,
    }
}

/// The type and the hash of a payload, which must be in lower case.
fn decode(prefix: &str, payload: &str) -> Option<(u8, Vec<u8>)> {
    let digits = payload.bytes().map(digit).collect::<Option<Vec<u8>>>()?;
    let checked = prefix.bytes().map(|b| b & 31).chain([0]).chain(digits.iter().copied());
    if checksum(checked) != 0 {
        return None;
    }
    let bytes = bytes(digits.get(..digits.len().checked_sub(CHECKSUM_LEN)?)?)?;
    let (version, hash) = bytes.split_first()?;
    let is_sized = version & 0x80 == 0 && SIZES[usize::from(version & 7)] == hash.len();
    is_sized.then(|| (version >> 3, hash.to_vec()))
}

fn digit(letter: u8) -> Option<u8> {
    (0u8..).zip(ALPHABET).find(|(_, known)| **known == letter).map(|(digit, _)| digit)
}

/// The specification's `PolyMod`: zero over a valid text.
fn checksum(digits: impl Iterator<Item = u8>) -> u64 {
    const GENERATOR: [u64; 5] =
        [0x98_f2bc_8e61, 0x79_b76d_99e2, 0xf3_3e5f_b3c4, 0xae_2eab_e2a8, 0x1e_4f43_e470];
    let mut sum: u64 = 1;
    for digit in digits {
        let top = sum >> 35;
        sum = ((sum & 0x07_ffff_ffff) << 5) ^ u64::from(digit);
        for (bit, term) in GENERATOR.iter().enumerate() {
            if top >> bit & 1 == 1 {
                sum ^= term;
            }
        }
    }
    sum ^ 1
}

/// Five-bit digits as bytes; what is left over must be short and zero.
fn bytes(digits: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(digits.len() * 5 / 8);
    let (mut held, mut bits) = (0u16, 0);
    for digit in digits {
        held = held << 5 | u16::from(*digit);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits).expect("the bits above were taken before"));
            held &= (1 << bits) - 1;
        }
    }
    (bits < 5 && held == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifier::base58;
    use alloy_primitives::hex;

    /// Legacy and cashaddr of the same hash, from the specification.
    const PAIRS: &[(&str, &str)] = &[
        (
            "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu",
            "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
        ),
        (
            "1KXrWXciRDZUpQwQmuM1DbwsKDLYAYsVLR",
            "bitcoincash:qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy",
        ),
        (
            "16w1D5WRVKJuZUsSRzdLp9w3YGcgoxDXb",
            "bitcoincash:qqq3728yw0y47sqn6l2na30mcw6zm78dzqre909m2r",
        ),
        (
            "3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC",
            "bitcoincash:ppm2qsznhks23z7629mms6s4cwef74vcwvn0h829pq",
        ),
        (
            "3LDsS579y7sruadqu11beEJoTjdFiFCdX4",
            "bitcoincash:pr95sy3j9xwd2ap32xkykttr4cvcu7as4yc93ky28e",
        ),
        (
            "31nwvkZwyPdgzjBJZXfDmSWsC4ZLKpYyUw",
            "bitcoincash:pqq3728yw0y47sqn6l2na30mcw6zm78dzq5ucqzc37",
        ),
    ];

    /// Larger vectors of the specification: text, type, payload.
    const LARGER: &[(&str, u8, &str)] = &[
        (
            "bitcoincash:qr6m7j9njldwwzlg9v7v53unlr4jkmx6eylep8ekg2",
            0,
            "f5bf48b397dae70be82b3cca4793f8eb2b6cdac9",
        ),
        (
            "bchtest:pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t",
            1,
            "f5bf48b397dae70be82b3cca4793f8eb2b6cdac9",
        ),
        (
            "pref:pr6m7j9njldwwzlg9v7v53unlr4jkmx6ey65nvtks5",
            1,
            "f5bf48b397dae70be82b3cca4793f8eb2b6cdac9",
        ),
        (
            "prefix:0r6m7j9njldwwzlg9v7v53unlr4jkmx6ey3qnjwsrf",
            15,
            "f5bf48b397dae70be82b3cca4793f8eb2b6cdac9",
        ),
        (
            "bitcoincash:q9adhakpwzztepkpwp5z0dq62m6u5v5xtyj7j3h2ws4mr9g0",
            0,
            "7adbf6c17084bc86c1706827b41a56f5ca32865925e946ea",
        ),
        (
            "bchtest:pgagf7w02x4wnz3mkwnchut2vxphjzccwxgjvvjmlsxqwkcvs7md7wt",
            1,
            "3a84f9cf51aae98a3bb3a78bf16a6183790b18719126325bfc0c075b",
        ),
        (
            "pref:pvch8mmxy0rtfrlarg7ucrxxfzds5pamg73h7370aa87d80gyhqxq4k9m7qf9",
            1,
            "3173ef6623c6b48ffd1a3dcc0cc6489b0a07bb47a37f47cfef4fe69de825c060",
        ),
        (
            "prefix:0nq8zwpj8cq05n7pytfmskuk9r4gzzel8qtsvwz79zdskftrzxtar994cgutavfklvwsvctzqy",
            15,
            "c07138323e00fa4fc122d3b85b9628ea810b3f381706385e289b0b25631197d194b5c238beb136fb",
        ),
        (
            "bitcoincash:qh3krj5607v3qlqh5c3wq3lrw3wnuxw0sp8dv0zugrrt5a3kj6ucysfz8kxwv2k53krr7n933jfsunqex2w82sl",
            0,
            "e361ca9a7f99107c17a622e047e3745d3e19cf804ed63c5c40c6ba763696b98241223d8ce62ad48d863f4cb18c930e4c",
        ),
        (
            "bchtest:pmvl5lzvdm6km38lgga64ek5jhdl7e3aqd9895wu04fvhlnare5937w4ywkq57juxsrhvw8ym5d8qx7sz7zz0zvcypqs6kgdsg2g",
            1,
            "d9fa7c4c6ef56dc4ff423baae6d495dbff663d034a72d1dc7d52cbfe7d1e6858f9d523ac0a7a5c34077638e4dd1a701bd017842789982041",
        ),
        (
            "pref:plg0x333p4238k0qrc5ej7rzfw5g8e4a4r6vvzyrcy8j3s5k0en7calvclhw46hudk5flttj6ydvjc0pv3nchp52amk97tqa5zygg96mg7pj3lh8",
            1,
            "d0f346310d5513d9e01e299978624ba883e6bda8f4c60883c10f28c2967e67ec77ecc7eeeaeafc6da89fad72d11ac961e164678b868aeeec5f2c1da08884175b",
        ),
    ];

    #[test]
    fn legacy_and_cashaddr_are_one_key() {
        for (legacy, cash) in PAIRS {
            let (_, bare) = cash.split_once(':').expect("prefixed");
            for text in [cash, bare, &cash.to_uppercase(), &bare.to_uppercase()] {
                let found = read(text).unwrap_or_else(|| panic!("{text} is valid"));
                assert_eq!(
                    (found.text.as_str(), &found.families[..]),
                    (*cash, &[Family::BitcoinCash][..])
                );
                assert_eq!(found.key, base58::read(legacy).expect(legacy).key, "{text}");
            }
        }
    }

    #[test]
    fn every_size_and_type_of_the_specification_decodes() {
        for (text, kind, payload) in LARGER {
            let (prefix, digits) = text.split_once(':').expect("prefixed");
            assert_eq!(
                decode(prefix, digits),
                Some((*kind, hex::decode(payload).expect("hex"))),
                "{text}"
            );
        }
    }

    #[test]
    fn checksums_of_the_specification_are_zero() {
        for text in [
            "prefix:x64nx6hz",
            "p:gpf8m4h7",
            "bitcoincash:qpzry9x8gf2tvdw0s3jn54khce6mua7lcw20ayyn",
            "bchtest:testnetaddress4d6njnut",
            "bchreg:555555555555555555555555555555555555555555555udxmlmrz",
        ] {
            let (prefix, digits) = text.split_once(':').expect("prefixed");
            let of_alphabet = |b| digit(b).expect("of the alphabet");
            let all =
                prefix.bytes().map(|b| b & 31).chain([0]).chain(digits.bytes().map(of_alphabet));
            assert_eq!(checksum(all), 0, "{text}");
            // Valid checksums, but no version, size and hash behind them.
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn other_networks_wrong_checksums_and_mixed_case_are_refused() {
        for text in [
            "",
            "bitcoincash:",
            "q",
            "bchtest:pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t",
            "pr6m7j9njldwwzlg9v7v53unlr4jkmx6eyvwc0uz5t",
            "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6q",
            "bitcoincash:Qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
            "BITCOINCASH:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
            "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6",
            // A key hash of 24 bytes is none.
            "bitcoincash:q9adhakpwzztepkpwp5z0dq62m6u5v5xtyj7j3h2ws4mr9g0",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
