//! The stream as `drill` makes it, in the rows the bench records.

use anyhow::{Context, Result, ensure};
use model::{Asset, Transfer};

use crate::peers::ours::code;
use crate::stream::{Address, Block, CHAIN, Row, Transaction};

/// `drill` ends a stream at a number of transfers; the tail must fit before it.
fn room_for_tail(transfers: u64) -> u64 {
    1_000 * u64::from(crate::stream::tail_blocks(transfers))
}

pub struct Stream {
    inner: drill::Stream,
    /// Numbered as they come; the chain's own is the first.
    assets: Vec<Asset>,
}

impl Stream {
    pub fn new(seed: u64, transfers: u64) -> Result<Stream> {
        let settings = drill::Settings::new(CHAIN, seed, transfers + room_for_tail(transfers));
        Ok(Stream { inner: drill::Stream::new(settings)?, assets: vec![Asset::native(CHAIN)] })
    }

    pub fn name(transfers: u64) -> String {
        format!("drill {} of {}", transfers, transfers + room_for_tail(transfers))
    }

    pub fn assets(&self) -> Vec<String> {
        self.assets.iter().map(ToString::to_string).collect()
    }

    pub fn services(&self) -> Result<Vec<Address>> {
        self.inner.services().iter().map(|service| parse(&service.address)).collect()
    }

    /// The first theft of the chain's own asset before this time: who took it, and when.
    pub fn theft(&self, before: i64) -> Result<(Address, i64)> {
        let truth = self.inner.truth();
        let native = |theft: &&drill::Theft| {
            let is_before = theft.time.is_some_and(|time| time.as_second() < before);
            theft.asset.is_native() && is_before
        };
        let first = truth.thefts.iter().filter(native).min_by_key(|theft| theft.time);
        let first = first.context("the stream ended before a theft of its own asset")?;
        let time = first.time.context("a theft without a time")?;
        Ok((parse(&first.thief)?, time.as_second()))
    }

    pub fn next_block(&mut self) -> Result<Block> {
        let block = self.inner.next_block().context("the stream ended before its tail")?;
        let height = block.header.height.context("a block without a height")?;
        let mut out = Block {
            height: u32::try_from(height)?,
            time: block.header.time.as_second(),
            ..Block::default()
        };
        let mut transfers: Vec<&Transfer> = block.transfers.iter().collect();
        transfers.sort_by(|a, b| a.cmp_time(b));
        let mut last = None;
        for transfer in transfers {
            ensure!(
                transfer.time == block.header.time,
                "a transfer at another time than its block"
            );
            if last != Some(transfer.tx) {
                let hash = crate::stream::part(transfer.tx.hash.bytes(), 0);
                out.transactions.push(Transaction { hash, rows: 0 });
                last = Some(transfer.tx);
            }
            out.transactions.last_mut().expect("was just pushed").rows += 1;
            out.rows.push(row(&mut self.assets, transfer)?);
        }
        Ok(out)
    }
}

fn row(assets: &mut Vec<Asset>, transfer: &Transfer) -> Result<Row> {
    let bytes = |address: &model::Address| crate::stream::part(address.bytes(), 0);
    let asset = match assets.iter().position(|known| *known == transfer.asset) {
        Some(at) => at,
        None => {
            assets.push(transfer.asset.clone());
            assets.len() - 1
        }
    };
    Ok(Row {
        from: transfer.from.as_ref().map(bytes),
        to: transfer.to.as_ref().map(bytes),
        asset: u8::try_from(asset).context("more assets than the bench numbers")?,
        position: code(&transfer.position)?,
        amount: u128::try_from(transfer.amount).context("an amount over 128 bits")?,
    })
}

fn parse(text: &str) -> Result<Address> {
    let address = model::Address::parse(text, CHAIN)?;
    Ok(crate::stream::part(address.bytes(), 0))
}
