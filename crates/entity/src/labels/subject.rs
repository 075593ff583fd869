//! Which address a label means, from its text and the network beside it.
//!
//! On a network that is followed, and where the address is valid there, the
//! label is said of that account alone. Elsewhere it is said of the identifier,
//! wherever that is valid, and the network is kept as it was written.

use model::{Account, Address, Chain, Identifier, Subject};

/// Network and asset symbols as packs write them.
const NETWORKS: &[(&str, Chain)] = &[
    ("BTC", Chain::BITCOIN),
    ("BITCOIN", Chain::BITCOIN),
    ("ETH", Chain::ETHEREUM),
    ("ETHEREUM", Chain::ETHEREUM),
    ("ERC20", Chain::ETHEREUM),
    ("BSC", Chain::BNB),
    ("BNB", Chain::BNB),
    ("BEP20", Chain::BNB),
    ("MATIC", Chain::POLYGON),
    ("POL", Chain::POLYGON),
    ("POLYGON", Chain::POLYGON),
    ("ARB", Chain::ARBITRUM),
    ("ARBITRUM", Chain::ARBITRUM),
    ("OP", Chain::OPTIMISM),
    ("OPTIMISM", Chain::OPTIMISM),
    ("BASE", Chain::BASE),
    ("AVAX", Chain::AVALANCHE),
    ("AVALANCHE", Chain::AVALANCHE),
    ("ETC", Chain::Evm(61)),
    ("FTM", Chain::Evm(250)),
    ("KCS", Chain::Evm(321)),
    ("TRX", Chain::TRON),
    ("TRON", Chain::TRON),
    ("TRC20", Chain::TRON),
    ("SOL", Chain::SOLANA),
    ("SOLANA", Chain::SOLANA),
];

pub fn chain_of(network: &str) -> Option<Chain> {
    let upper = network.to_ascii_uppercase();
    let named = NETWORKS.iter().find(|(name, _)| *name == upper).map(|(_, chain)| *chain);
    // CAIP-2, as our own packs write chains that have no symbol.
    named.or_else(|| network.contains(':').then(|| network.parse().ok()).flatten())
}

/// The word for a chain that [`chain_of`] reads: its first symbol, else CAIP-2.
pub fn network_of(chain: Chain) -> String {
    let symbol = NETWORKS.iter().find(|(_, named)| *named == chain);
    symbol.map_or_else(|| chain.to_string(), |(name, _)| (*name).to_string())
}

pub fn of_address(text: &str, network: &str) -> Subject {
    chain_of(network)
        .and_then(|chain| account(text, chain))
        .map_or_else(|| Subject::Identifier(identifier(text)), Subject::Account)
}

fn identifier(text: &str) -> Identifier {
    let exact = Identifier::parse(text);
    match account(text, Chain::ETHEREUM) {
        Some(account) if exact.families.is_empty() => Identifier::of(&account),
        _ => exact,
    }
}

/// A label names what it names whatever the case of its hex: on EVM chains a
/// wrong checksum does not lose it.
pub fn account(text: &str, chain: Chain) -> Option<Account> {
    let exact = Address::parse(text, chain).ok();
    let address = exact.or_else(|| {
        let is_evm = matches!(chain, Chain::Evm(_));
        is_evm.then(|| Address::parse(&text.to_ascii_lowercase(), chain).ok()).flatten()
    })?;
    Some(Account { chain, address })
}
