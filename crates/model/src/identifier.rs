//! Identifiers as lists write them: any family, or none.
//!
//! A list's label is not a chain (its `USDT` may be Tron, EVM or Bitcoin), so an
//! identifier is read by its own form, and matched by its [`Key`]: the canonical
//! bytes that every text of the same key shares, on every chain it can live on.
//!
//! The codecs exclude each other by length, alphabet or checksum, but for one
//! pair: bech32 text of 43 or 44 characters that happens to avoid `0` and `l`
//! (some `btg1…`, upper-case `LTC1…`) is also 32 bytes in base58. Solana has no
//! checksum and the other has, so Solana is asked last and the first reading wins.

mod base58;
mod cashaddr;
mod key;
mod monero;
mod prefix;
mod segwit;
mod xrp;

use std::fmt;

use crate::{Account, BitcoinNetwork, Chain};

pub use self::key::{Key, KeyError};

/// What an identifier's text can be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identifier {
    /// Canonical text within the family: EVM in lower case, bech32 in lower case,
    /// Tron in base58, cashaddr in lower case behind `bitcoincash:`. A Bitcoin
    /// script that has no address is in CAIP-10, as bare hex says nothing. A
    /// claim's is as written, trimmed.
    pub text: String,
    /// Every family the text is valid in, in the order of [`Family`]; empty for
    /// a claim that validates nowhere.
    pub families: Vec<Family>,
    pub key: Key,
}

/// A coin's address format.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    Bitcoin,
    BitcoinTestnet,
    Evm,
    Tron,
    Solana,
    Litecoin,
    BitcoinCash,
    BitcoinSv,
    BitcoinGold,
    Dash,
    Dogecoin,
    Zcash,
    Monero,
    Xrp,
    Verge,
}

/// Where an address without a chain is looked for, best known first.
const FOLLOWED: &[Chain] = &[
    Chain::BITCOIN,
    Chain::Bitcoin(BitcoinNetwork::Testnet3),
    Chain::Bitcoin(BitcoinNetwork::Testnet4),
    Chain::Bitcoin(BitcoinNetwork::Signet),
    Chain::Bitcoin(BitcoinNetwork::Regtest),
    Chain::ETHEREUM,
    Chain::BNB,
    Chain::POLYGON,
    Chain::ARBITRUM,
    Chain::OPTIMISM,
    Chain::BASE,
    Chain::AVALANCHE,
    Chain::TRON,
    Chain::SOLANA,
];

impl Identifier {
    /// Reads whatever a list or a person writes, and never fails: what validates
    /// in no family is a claim. Checksums are verified. An address may stand
    /// behind its chain (CAIP-10, `bsc:0x…`) or in a payment URI (BIP 21, EIP-681);
    /// the identifier is then that of the address alone.
    pub fn parse(text: &str) -> Identifier {
        let text = text.trim();
        read_bare(text).or_else(|| read_prefixed(text)).unwrap_or_else(|| claim(text))
    }

    /// The identifier of an address on a chain, or of the script where Bitcoin
    /// has no address for it.
    pub fn of(account: &Account) -> Identifier {
        let bare = account.address.text(account.chain);
        if let Some(identifier) = read_bare(&bare)
            && identifier.can_be(account.chain)
        {
            return identifier;
        }
        Identifier {
            text: account.to_string(),
            families: vec![Family::of(account.chain)],
            key: Key::of(account),
        }
    }

    /// Can this very text be an address of this chain? The same key may live
    /// under other texts elsewhere: compare [`Key`]s for that.
    pub fn can_be(&self, chain: Chain) -> bool {
        // Test networks share base58 but not all of bech32, so they must be asked.
        let is_test = Family::of(chain) == Family::BitcoinTestnet;
        self.families.contains(&Family::of(chain)) && (!is_test || self.on(chain).is_some())
    }

    /// The accounts it names: one for each Bitcoin network it is valid on, and
    /// one for each other family, on the chain the family is named after.
    pub fn accounts(&self) -> Vec<Account> {
        let is_first = |chain: &Chain| !matches!(chain, Chain::Evm(_)) || *chain == Chain::ETHEREUM;
        FOLLOWED
            .iter()
            .filter(|chain| is_first(chain))
            .filter_map(|chain| self.on(*chain))
            .collect()
    }

    fn on(&self, chain: Chain) -> Option<Account> {
        if !self.families.contains(&Family::of(chain)) {
            return None;
        }
        match prefix::caip10(&self.text) {
            Some(account) => (account.chain == chain).then_some(account),
            None => Account::parse(&self.text, chain).ok(),
        }
    }
}

/// The accounts a person may mean by this text: the one on the chain it names
/// (`eip155:1:0x…`, `bsc:0x…`), else one on every followed chain it can be on.
pub fn candidates(text: &str) -> Vec<Account> {
    let identifier = Identifier::parse(text);
    if let Some(chain) = prefix::chain(text.trim())
        && let Some(account) = identifier.on(chain)
    {
        return vec![account];
    }
    FOLLOWED.iter().filter_map(|chain| identifier.on(*chain)).collect()
}

/// Reads an address that stands alone. Solana comes last: it has no checksum.
fn read_bare(text: &str) -> Option<Identifier> {
    const CODECS: &[fn(&str) -> Option<Identifier>] = &[
        base58::read,
        segwit::read,
        cashaddr::read,
        |text| followed(text, Chain::ETHEREUM),
        |text| followed(text, Chain::TRON),
        monero::read,
        xrp::read,
        |text| followed(text, Chain::SOLANA),
    ];
    /// The longest is Monero's integrated address, at 106; the base58 codecs
    /// take quadratic time.
    const LEN_MAX: usize = 128;

    if text.len() > LEN_MAX || !text.is_ascii() {
        return None;
    }
    CODECS.iter().find_map(|read| read(text))
}

fn followed(text: &str, chain: Chain) -> Option<Identifier> {
    let account = Account::parse(text, chain).ok()?;
    Some(Identifier {
        text: account.address.text(chain),
        families: vec![Family::of(chain)],
        key: Key::of(&account),
    })
}

fn read_prefixed(text: &str) -> Option<Identifier> {
    if let Some(account) = prefix::caip10(text) {
        return Some(Identifier::of(&account));
    }
    let (address, families) = prefix::uri(text)?;
    read_bare(address).filter(|found| found.families.iter().any(|family| families.contains(family)))
}

fn claim(text: &str) -> Identifier {
    Identifier { text: text.to_string(), families: Vec::new(), key: Key::Claim(text.to_string()) }
}

impl Family {
    /// The address format of a chain.
    pub fn of(chain: Chain) -> Family {
        match chain {
            Chain::BITCOIN => Family::Bitcoin,
            Chain::Bitcoin(_) => Family::BitcoinTestnet,
            Chain::Evm(_) => Family::Evm,
            Chain::Tron(_) => Family::Tron,
            Chain::Solana(_) => Family::Solana,
        }
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
