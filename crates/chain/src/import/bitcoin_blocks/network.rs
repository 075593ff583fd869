//! What a block tells of its network and height.

use bitcoin::Block;
use bitcoin::Target;
use bitcoin::consensus::Params;
use model::{BitcoinNetwork, Chain};

use crate::import::error::{ImportError, Place, Problem};
use crate::import::run::Run;

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

/// A raw block does not name its network. A genesis block is known by its hash;
/// else the user says it; else the work tells mainnet from the others, which is
/// an assumption and said so.
pub fn of_raw_block(block: &Block, run: &mut Run<'_>) -> Result<BitcoinNetwork, ImportError> {
    let place = Some(Place::Byte(0));
    let genesis = ALL.into_iter().find(|network| is_genesis(block, *network));
    match run.options.chain {
        Some(Chain::Bitcoin(given)) if genesis.is_none_or(|genesis| genesis == given) => {
            return Ok(given);
        }
        Some(given) => {
            let what = format!("{given} is not the Bitcoin network of this block");
            return Err(run.error(place, None, Problem::other(what)));
        }
        None => {}
    }
    if let Some(genesis) = genesis {
        return Ok(genesis);
    }
    let Some(network) = guess(block) else {
        let what = "a raw block does not say its network, and too little work for mainnet went into this one: give --chain";
        return Err(run.error(place, None, Problem::other(what)));
    };
    let name = Chain::Bitcoin(network).name();
    run.oddity(place, format!("a raw block does not say its network: {name} assumed from its work; --chain says another"))?;
    Ok(network)
}

fn guess(block: &Block) -> Option<BitcoinNetwork> {
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
    if is_genesis(block, network) {
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

fn is_genesis(block: &Block, network: BitcoinNetwork) -> bool {
    bitcoin::constants::genesis_block(Params::new(library(network))).block_hash()
        == block.block_hash()
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
