//! The network of a raw block, which does not name it.

use bitcoin::Block;
use model::{BitcoinNetwork, Chain};

use crate::bitcoin::network;
use crate::import::error::{ImportError, Place, Problem};
use crate::import::run::Run;

/// A raw block does not name its network. A genesis block is known by its hash;
/// else the user says it; else the work tells mainnet from the others, which is
/// an assumption and said so.
pub fn of_raw_block(block: &Block, run: &mut Run<'_>) -> Result<BitcoinNetwork, ImportError> {
    let place = Some(Place::Byte(0));
    let genesis = network::of_genesis(block.block_hash());
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
    let Some(network) = network::guess(block) else {
        let what = "a raw block does not say its network, and too little work for mainnet went into this one: give --chain";
        return Err(run.error(place, None, Problem::other(what)));
    };
    let name = Chain::Bitcoin(network).name();
    run.oddity(place, format!("a raw block does not say its network: {name} assumed from its work; --chain says another"))?;
    Ok(network)
}
