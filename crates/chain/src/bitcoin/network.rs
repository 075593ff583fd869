//! Bitcoin's networks: how each is told, and what its blocks may be.

use bitcoin::consensus::Params;
use bitcoin::{Block, BlockHash, Target};
use model::BitcoinNetwork;

const ALL: [BitcoinNetwork; 5] = [
    BitcoinNetwork::Mainnet,
    BitcoinNetwork::Testnet3,
    BitcoinNetwork::Testnet4,
    BitcoinNetwork::Signet,
    BitcoinNetwork::Regtest,
];

/// From when on mainnet's difficulty was always above: unix seconds, difficulty.
/// July 2011 (1.5 million, never below 1 million since), September 2014
/// (27 billion), 2018 (1.9 trillion).
const MAINNET_DIFFICULTY: [(u32, f64); 3] =
    [(1_309_478_400, 1e6), (1_409_529_600, 1e10), (1_514_764_800, 1e12)];

/// Testnet4's genesis; before it only testnet3 had blocks of such little work.
const TESTNET4_START: u32 = 1_714_777_860;

/// What the network's messages, and the blocks in a node's files, begin with.
/// Source: Bitcoin Core, `chainparams.cpp`; signet's is that of the default one.
const MAGIC: [([u8; 4], BitcoinNetwork); 5] = [
    ([0xf9, 0xbe, 0xb4, 0xd9], BitcoinNetwork::Mainnet),
    ([0x0b, 0x11, 0x09, 0x07], BitcoinNetwork::Testnet3),
    ([0x1c, 0x16, 0x3f, 0x28], BitcoinNetwork::Testnet4),
    ([0x0a, 0x03, 0xcf, 0x40], BitcoinNetwork::Signet),
    ([0xfa, 0xbf, 0xb5, 0xda], BitcoinNetwork::Regtest),
];

pub fn of_magic(magic: [u8; 4]) -> Option<BitcoinNetwork> {
    MAGIC.iter().find(|(known, _)| *known == magic).map(|(_, network)| *network)
}

/// The network whose first block this is. Custom signets share theirs with the
/// default one.
pub fn of_genesis(hash: BlockHash) -> Option<BitcoinNetwork> {
    ALL.into_iter().find(|network| genesis(*network) == hash)
}

/// Mainnet, or a test network, by the work that went into a block.
pub fn guess(block: &Block) -> Option<BitcoinNetwork> {
    let target = block.header.target();
    if target > target_max(BitcoinNetwork::Signet) {
        return Some(BitcoinNetwork::Regtest);
    }
    if target > target_max(BitcoinNetwork::Mainnet) {
        return Some(BitcoinNetwork::Signet);
    }
    let time = block.header.time;
    let least = MAINNET_DIFFICULTY
        .iter()
        .rev()
        .find(|(since, _)| time >= *since)
        .map_or(0.0, |(_, least)| *least);
    if block.header.difficulty_float() >= least {
        return Some(BitcoinNetwork::Mainnet);
    }
    (time < TESTNET4_START).then_some(BitcoinNetwork::Testnet3)
}

/// The least work a network accepts, as the greatest hash.
pub fn target_max(network: BitcoinNetwork) -> Target {
    Params::new(library(network)).max_attainable_target
}

/// The height a block's coinbase states (BIP 34), or a genesis block's 0.
///
/// On mainnet heights bind since block 227,931. Before, some blocks of version 2
/// state others; such a height is either below that or far above what ten
/// minutes a block allow.
pub fn height(block: &Block, network: BitcoinNetwork) -> Option<u64> {
    if genesis(network) == block.block_hash() {
        return Some(0);
    }
    let height = block.bip34_block_height().ok().or_else(|| small_height(block))?;
    let (first, last) = match network {
        BitcoinNetwork::Mainnet => (227_931, mainnet_height_max(block.header.time)),
        // Test networks had storms of blocks: no bound by time holds there.
        BitcoinNetwork::Testnet3 => (21_111, 100_000_000),
        BitcoinNetwork::Testnet4 | BitcoinNetwork::Signet | BitcoinNetwork::Regtest => {
            (1, 100_000_000)
        }
    };
    (first..=last).contains(&height).then_some(height)
}

/// Heights 1 to 16 are an opcode of their own, as early blocks of test networks
/// have them, which the library does not read.
fn small_height(block: &Block) -> Option<u64> {
    let opcode = *block.coinbase()?.input.first()?.script_sig.as_bytes().first()?;
    let is_versioned = block.header.version >= bitcoin::block::Version::TWO;
    (is_versioned && (0x51..=0x60).contains(&opcode)).then(|| u64::from(opcode - 0x50))
}

/// A tenth more than one block every ten minutes since the genesis block of
/// 3 January 2009: the chain has been some four per cent ahead.
fn mainnet_height_max(time: u32) -> u64 {
    let minutes = u64::from(time.saturating_sub(1_231_006_505)) / 60;
    minutes / 10 * 11 / 10
}

/// New coins a block may make, in satoshi: half as many after each interval.
/// Source: Bitcoin Core, `GetBlockSubsidy`.
pub fn subsidy(height: u64, network: BitcoinNetwork) -> u64 {
    let interval = match network {
        BitcoinNetwork::Regtest => 150,
        _ => 210_000,
    };
    let halvings = u32::try_from(height / interval).unwrap_or(u32::MAX);
    (50 * 100_000_000_u64).checked_shr(halvings).unwrap_or(0)
}

fn genesis(network: BitcoinNetwork) -> BlockHash {
    bitcoin::constants::genesis_block(Params::new(library(network))).block_hash()
}

fn library(network: BitcoinNetwork) -> bitcoin::Network {
    match network {
        BitcoinNetwork::Mainnet => bitcoin::Network::Bitcoin,
        BitcoinNetwork::Testnet3 => bitcoin::Network::Testnet,
        BitcoinNetwork::Testnet4 => bitcoin::Network::Testnet4,
        BitcoinNetwork::Signet => bitcoin::Network::Signet,
        BitcoinNetwork::Regtest => bitcoin::Network::Regtest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_coins_there_will_ever_be_are_a_little_less_than_21_million() {
        let all: u64 =
            (0..64).map(|era| 210_000 * subsidy(era * 210_000, BitcoinNetwork::Mainnet)).sum();
        assert_eq!(all, 2_099_999_997_690_000);
        assert_eq!(subsidy(839_999, BitcoinNetwork::Mainnet), 625_000_000);
        assert_eq!(subsidy(840_000, BitcoinNetwork::Mainnet), 312_500_000);
        assert_eq!(subsidy(150, BitcoinNetwork::Regtest), 2_500_000_000);
        assert_eq!(subsidy(u64::MAX, BitcoinNetwork::Regtest), 0);
    }
}
