//! Identifiers as lists and people write them.
//!
//! The addresses are on OFAC's list of 2025-11-19 unless said otherwise.

use model::identifier::candidates;
use model::{Account, BitcoinNetwork, Chain, Family, Identifier, Key};
use proptest::prelude::*;

use Family::*;

/// One text of each kind, its canonical text, and its families.
const SAMPLES: &[(&str, &str, &[Family])] = &[
    ("123WBUDmSJv4GctdVEz6Qq6z8nXSKrJ4KX", "", &[Bitcoin, BitcoinCash, BitcoinSv]),
    ("12sjrrhoFEsedNRhtgwvvRqjFTh8fZTDX9", "", &[Bitcoin, BitcoinCash, BitcoinSv]),
    ("3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC", "", &[Bitcoin, Litecoin, BitcoinCash, BitcoinSv]),
    ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "", &[Bitcoin]),
    (
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        &[Bitcoin],
    ),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "", &[Bitcoin]),
    ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "", &[BitcoinTestnet]),
    ("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "", &[BitcoinTestnet]),
    (
        "0x983a81ca6FB1e441266D2FbcB7D8E530AC2E05A2",
        "0x983a81ca6fb1e441266d2fbcb7d8e530ac2e05a2",
        &[Evm],
    ),
    ("0xb6f5ec1a0a9cd1526536d3f0426c429529471f40", "", &[Evm]),
    ("TAYhjpL8pPs8T84FSM329nffQpc6jD8GBM", "", &[Tron]),
    // Listed as Bitcoin.
    ("TUCsTq7TofTCJRRoHk6RvhMoS2mJLm5Yzq", "", &[Tron]),
    ("41a614f803b6fd780986a42c78ec9c7f77e6ded13c", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", &[Tron]),
    ("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "", &[Solana]),
    ("LNf2JDiuunBz7GMDKFYHN4rq5meXWxiwfb", "", &[Litecoin]),
    ("M8yFL6SFC6TreATegTyuSYkDfDRbisdpT3", "", &[Litecoin]),
    ("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "", &[Litecoin]),
    (
        "qpf2cphc5dkuclkqur7lhj2yuqq9pk3hmukle77vhq",
        "bitcoincash:qpf2cphc5dkuclkqur7lhj2yuqq9pk3hmukle77vhq",
        &[BitcoinCash],
    ),
    (
        "BITCOINCASH:QPF2CPHC5DKUCLKQUR7LHJ2YUQQ9PK3HMUKLE77VHQ",
        "bitcoincash:qpf2cphc5dkuclkqur7lhj2yuqq9pk3hmukle77vhq",
        &[BitcoinCash],
    ),
    ("GPwg61XoHqQPNmAucFACuQ5H9sGCDv9TpS", "", &[BitcoinGold]),
    ("XnPFsRWTaSgiVauosEwQ6dEitGYXgwznz2", "", &[Dash]),
    ("DFFJhnQNZf8rf67tYnesPu7MuGUpYtzv7Z", "", &[Dogecoin, Verge]),
    ("t1MMXtBrSp1XG38Lx9cePcNUCJj5vdWfUWL", "", &[Zcash]),
    (
        "8ANG5NBnApL94YAKRfCSaS7g2fjEi1DWVcFNTn3wQ5HpfsgtnusgxaXE24bbhXukTgF8esRnMsWaReRiqNbSBSbmRE5Nm5M",
        "",
        &[Monero],
    ),
    ("rnXyVQzgxZe7TR1EPzTkGj2jxH4LMJYh66", "", &[Xrp]),
    ("XVLhHMPHU98es4dbozjVtdWzVrDjtV18pX8yuPT7y4xaEHi", "", &[Xrp]),
    // Listed as Monero, but no address; and what only looks like something.
    ("5be5543ff73456ab9f2d207887e2af87322c651ea1a873c5b25b7ffae456c320", "", &[]),
    ("0xb6f5ec1a0a9cd1526536d3f0426c429529471f4", "", &[]),
    ("1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggv", "", &[]),
    ("user 1234", "", &[]),
    ("btc:1234", "", &[]),
    ("", "", &[]),
];

fn key(text: &str) -> Key {
    Identifier::parse(text).key
}

fn accounts(text: &str) -> Vec<String> {
    Identifier::parse(text).accounts().iter().map(Account::to_string).collect()
}

#[test]
fn each_text_is_read_in_its_families() {
    for (text, canonical, families) in SAMPLES {
        let found = Identifier::parse(&format!(" {text}\n"));
        let canonical = if canonical.is_empty() { text } else { canonical };
        assert_eq!(found.to_string(), *canonical);
        assert_eq!(found.families, *families, "{text}");
        assert_eq!(Identifier::parse(&found.text), found, "{text}");
        assert_eq!(found.key.to_string().parse::<Key>().as_ref(), Ok(&found.key));
        let is_claim = matches!(found.key, Key::Claim(_));
        assert_eq!(is_claim, families.is_empty(), "{text}");
    }
}

#[test]
fn one_key_is_found_under_every_text_it_has() {
    for same in [
        // The same public key on six chains and in two Bitcoin scripts.
        &[
            "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
            "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9",
            "bip122:000000000019d6689c085ae165831e93:210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798ac",
        ][..],
        &[
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "eip155:56:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "ethereum:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed@1?value=1e18",
            "ethereum:pay-0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "ethereum:0xdac17f958d2ee523a2206206994597c13d831ec7/transfer?uint256=1&address=0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "bsc:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "415aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        ],
        &[
            "1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu",
            "bitcoin:1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu?amount=0.1&label=x",
            "bitcoincash:1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu",
            "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a?amount=1",
            "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",
        ],
    ] {
        for text in same {
            assert_eq!(key(text), key(same[0]), "{text}");
        }
    }
}

#[test]
fn a_prefix_must_suit_what_stands_behind_it() {
    for text in [
        "bitcoin:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "ethereum:1BpEi6DfDAUFd7GtittLSdBeYJvcoaVggu",
        "eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
        "dogecoin:LNf2JDiuunBz7GMDKFYHN4rq5meXWxiwfb",
        "unknown:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "ethereum:",
        ":",
        "::",
    ] {
        assert_eq!(key(text), Key::Claim(text.to_string()));
    }
}

#[test]
fn a_script_without_address_keeps_its_chain() {
    let text = "bip122:000000000019d6689c085ae165831e93:6a0568656c6c6f";
    let found = Identifier::parse(text);
    assert_eq!((found.text.as_str(), &found.families[..]), (text, &[Bitcoin][..]));
    assert_eq!(accounts(text), [text]);
    assert_eq!(key("6a0568656c6c6f"), Key::Claim("6a0568656c6c6f".into()));
    assert!(found.can_be(Chain::BITCOIN));
    assert!(!found.can_be(Chain::Bitcoin(BitcoinNetwork::Signet)));
}

/// Bech32 of the right length may also be 32 bytes of base58. Its checksum
/// decides: Solana has none.
#[test]
fn a_checksum_beats_solana() {
    let program = |n: u32| {
        let mut program = vec![0x9c; 20];
        program[..4].copy_from_slice(&n.to_be_bytes());
        program
    };
    let hrp = bech32::Hrp::parse("ltc").expect("a prefix");
    let both = (0..)
        .map(|n| bech32::segwit::encode_v0(hrp, &program(n)).expect("a key hash").to_uppercase())
        .find(|text| Account::parse(text, Chain::SOLANA).is_ok())
        .expect("three in ten are");
    assert_eq!(Identifier::parse(&both).families, [Litecoin]);

    // Asked for by chain, it is Solana's all the same.
    let account = Account::parse(&both, Chain::SOLANA).expect("just found");
    let named = Identifier::parse(&account.to_string());
    assert_eq!((named.families, named.key), (vec![Solana], Key::of(&account)));
    assert_eq!(accounts(&account.to_string()), [account.to_string()]);
}

#[test]
fn identifiers_say_which_chains_they_can_be_on() {
    let check = |text: &str, chain: Chain, expected: bool| {
        assert_eq!(Identifier::parse(text).can_be(chain), expected, "{text} on {chain}");
    };
    let evm = "0xb6f5ec1a0a9cd1526536d3f0426c429529471f40";
    check(evm, Chain::ETHEREUM, true);
    check(evm, Chain::Evm(61), true);
    check(evm, Chain::TRON, false);
    let legacy = "12sjrrhoFEsedNRhtgwvvRqjFTh8fZTDX9";
    check(legacy, Chain::BITCOIN, true);
    check(legacy, Chain::Bitcoin(BitcoinNetwork::Testnet3), false);
    check(legacy, Chain::ETHEREUM, false);
    check("qpf2cphc5dkuclkqur7lhj2yuqq9pk3hmukle77vhq", Chain::BITCOIN, false);
    check("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", Chain::Bitcoin(BitcoinNetwork::Regtest), true);
    check("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", Chain::BITCOIN, false);
    let tb1 = "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx";
    check(tb1, Chain::Bitcoin(BitcoinNetwork::Signet), true);
    check(tb1, Chain::Bitcoin(BitcoinNetwork::Regtest), false);
    check("user 1234", Chain::BITCOIN, false);
}

#[test]
fn accounts_and_candidates_name_followed_chains() {
    let names = |accounts: Vec<Account>| {
        accounts.iter().map(|account| account.chain.name()).collect::<Vec<_>>().join(" ")
    };
    let check = |text: &str, accounts: &str, possible: &str| {
        assert_eq!(names(Identifier::parse(text).accounts()), accounts, "{text}");
        assert_eq!(names(candidates(text)), possible, "{text}");
    };
    let evms = "ethereum bnb polygon arbitrum optimism base avalanche";
    check("0xb6f5ec1a0a9cd1526536d3f0426c429529471f40", "ethereum", evms);
    check("eip155:100:0xb6f5ec1a0a9cd1526536d3f0426c429529471f40", "ethereum", "eip155:100");
    check("bsc:0xb6f5ec1a0a9cd1526536d3f0426c429529471f40", "ethereum", "bnb");
    check("ethereum:0xb6f5ec1a0a9cd1526536d3f0426c429529471f40@137/x", "ethereum", "polygon");
    check("TAYhjpL8pPs8T84FSM329nffQpc6jD8GBM", "tron", "tron");
    check("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "solana", "solana");
    check("12sjrrhoFEsedNRhtgwvvRqjFTh8fZTDX9", "bitcoin", "bitcoin");
    let tests = "bitcoin-testnet bitcoin-testnet4 bitcoin-signet";
    check("bitcoin:tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", tests, tests);
    check("LNf2JDiuunBz7GMDKFYHN4rq5meXWxiwfb", "", "");
    check("user 1234", "", "");
}

proptest! {
    #[test]
    fn a_flipped_character_is_another_key(
        sample in 0..SAMPLES.len(),
        at in any::<prop::sample::Index>(),
        letter in "[0-9A-Za-z]",
    ) {
        let text = SAMPLES[sample].0;
        prop_assume!(!text.is_empty());
        let at = at.index(text.len());
        prop_assume!(!text[at..=at].eq_ignore_ascii_case(&letter));
        let flipped = format!("{}{letter}{}", &text[..at], &text[at + 1..]);
        prop_assert_ne!(key(&flipped), key(text), "{}", flipped);
    }

    #[test]
    fn reading_twice_changes_nothing(text in "(|bitcoin:|eip155:1:|tron:0x2b6653dc:|bip122:000000000019d6689c085ae165831e93:| )([0-9a-zA-Z]{0,50}|.*)") {
        let found = Identifier::parse(&text);
        prop_assert_eq!(&Identifier::parse(&found.text), &found);
        prop_assert!(found.families.is_sorted());
        for account in found.accounts().iter().chain(&candidates(&text)) {
            prop_assert_eq!(Key::of(account), found.key.clone());
        }
    }

    #[test]
    fn the_identifier_of_an_account_is_found_on_its_chain(bytes in prop::collection::vec(any::<u8>(), 1..70), n in 0usize..5) {
        let chain = [Chain::BITCOIN, Chain::Bitcoin(BitcoinNetwork::Regtest), Chain::ETHEREUM, Chain::TRON, Chain::SOLANA][n];
        let len = match chain { Chain::Bitcoin(_) => bytes.len(), Chain::SOLANA => 32, _ => 20 };
        let mut bytes = bytes;
        bytes.resize(len, 7);
        let address = model::Address::from_bytes(&bytes, chain).expect("the family's length");
        let account = Account { chain, address };
        let found = Identifier::of(&account);
        prop_assert!(found.can_be(chain));
        prop_assert_eq!(&found.key, &Key::of(&account));
        prop_assert!(found.accounts().contains(&account));
        prop_assert_eq!(Identifier::parse(&account.to_string()), found);
    }
}
