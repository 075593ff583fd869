//! `bitcoin-blocks`: single raw blocks, and the `blk*.dat` files of a node.
//!
//! A block is stated as it stands: its header, and every transaction with what
//! it creates and which outputs it spends. What those held, which blocks lost
//! and how high a block without BIP 34 stands, the store finds out from all
//! files together, so files and blocks may come in any order.
//!
//! A block that contradicts itself (merkle root, proof of work, no coinbase) is
//! an error: it cannot be what the chain holds.

mod network;

use std::io::{BufRead, Cursor, Read};

use bitcoin::Block;
use model::{BitcoinNetwork, Chain};

use super::error::{ImportError, Place, Problem};
use super::run::Run;
use crate::bitcoin::block::{self, BYTES_MAX, Checked};
use crate::bitcoin::frames::{self, Frame, Frames};

pub fn import(
    reader: &mut dyn BufRead,
    is_framed: bool,
    run: &mut Run<'_>,
) -> Result<(), ImportError> {
    let unreadable = |e, run: &Run<'_>| ImportError::unreadable(&run.name, e);
    let mut head = Vec::new();
    (&mut *reader).take(4).read_to_end(&mut head).map_err(|e| unreadable(e, run))?;
    let key = run.key.unwrap_or_default();
    let has_magic = frames::network(&head, key).is_some();
    let mut whole = Cursor::new(head).chain(reader);
    if is_framed || has_magic {
        return import_frames(Frames::new(&run.name, &mut whole, key), run);
    }
    let mut bytes = Vec::new();
    whole.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| unreadable(e, run))?;
    if bytes.len() as u64 > BYTES_MAX {
        let what = "larger than a block can be; a blk file starts with its network's magic, which is not there";
        return Err(run.error(Some(Place::Byte(0)), None, Problem::other(what)));
    }
    let block = decode(&bytes, 0, run)?;
    let network = network::of_raw_block(&block, run)?;
    import_block(block, network, 0, run)
}

fn import_frames<R: BufRead>(mut frames: Frames<R>, run: &mut Run<'_>) -> Result<(), ImportError> {
    loop {
        let frame = frames.next_block()?;
        for (at, what) in frames.oddities.drain(..) {
            run.oddity(Some(Place::Byte(at)), what)?;
        }
        let Some(Frame { network, offset, bytes }) = frame else { return Ok(()) };
        let chain = Chain::Bitcoin(network);
        if let Some(given) = run.options.chain.filter(|given| *given != chain) {
            let what =
                format!("the block's magic says {}, --chain says {}", chain.name(), given.name());
            return Err(run.error(Some(Place::Byte(offset)), None, Problem::other(what)));
        }
        let block = decode(&bytes, offset, run)?;
        import_block(block, network, offset, run)?;
    }
}

fn decode(bytes: &[u8], offset: u64, run: &Run<'_>) -> Result<Block, ImportError> {
    block::decode(bytes)
        .map_err(|what| run.error(Some(Place::Byte(offset)), None, Problem::other(what)))
}

fn import_block(
    block: Block,
    network: BitcoinNetwork,
    offset: u64,
    run: &mut Run<'_>,
) -> Result<(), ImportError> {
    let hash = block.block_hash();
    let block = Checked::new(block, network).map_err(|what| {
        let problem = Problem::other(format!("block {hash}: {what}"));
        run.error(Some(Place::Byte(offset)), None, problem)
    })?;
    run.row();
    block.facts(block.stated_height()).try_for_each(|fact| run.state(fact))
}

#[cfg(test)]
mod tests;
