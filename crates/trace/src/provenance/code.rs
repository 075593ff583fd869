//! What is kept of an account, as bytes; and back, refusing whatever is not just that.
//!
//! Numbers are varints (LEB128), amounts their big-endian bytes behind their count, texts their
//! bytes behind their count. The first byte is the version.

use std::collections::BTreeMap;

use model::{Asset, Timestamp, TransferId, TxId, U256};

use super::{Dealing, Entry, Holding, Origin, Part, Parts};
use crate::exposure::Way;

const VERSION: u8 = 1;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what is kept of where value came from cannot be read: {what} at byte {at}")]
pub struct CodeError {
    pub what: &'static str,
    pub at: usize,
}

pub fn encode(entry: &Entry<TransferId>) -> Vec<u8> {
    let mut out = vec![VERSION];
    number(&mut out, entry.transfers);
    let assets: Vec<&Asset> = assets(entry);
    number(&mut out, assets.len() as u64);
    assets.iter().for_each(|asset| text(&mut out, &asset.to_string()));
    let place = |asset: &Asset| {
        assets.iter().position(|known| *known == asset).expect("every asset is among them") as u64
    };
    number(&mut out, entry.holdings.len() as u64);
    for (asset, holding) in &entry.holdings {
        number(&mut out, place(asset));
        amount(&mut out, holding.received);
        amount(&mut out, holding.sent);
        put_parts(&mut out, &holding.parts);
    }
    number(&mut out, entry.dealings.len() as u64);
    for ((asset, way, origin), dealing) in &entry.dealings {
        number(&mut out, place(asset));
        number(&mut out, u64::from(*way == Way::Out));
        number(&mut out, origin.0);
        amount(&mut out, dealing.base);
        number(&mut out, dealing.count);
        moment(&mut out, dealing.first);
        moment(&mut out, dealing.last);
        amount(&mut out, dealing.largest_base);
        put_id(&mut out, &dealing.largest);
    }
    out
}

pub fn decode(bytes: &[u8]) -> Result<Entry<TransferId>, CodeError> {
    let mut reader = Reader { bytes, at: 0 };
    if reader.byte()? != VERSION {
        return Err(reader.wrong("an unknown version"));
    }
    let mut entry = Entry { transfers: reader.number()?, ..Entry::default() };
    let mut assets: Vec<Asset> = Vec::new();
    for _ in 0..reader.number()? {
        let text = reader.text()?;
        assets.push(text.parse().map_err(|_| reader.wrong("no asset"))?);
    }
    entry.holdings = reader.holdings(&assets)?;
    for _ in 0..reader.number()? {
        let asset = reader.asset(&assets)?;
        let way = if reader.number()? == 0 { Way::In } else { Way::Out };
        let origin = Origin(reader.number()?);
        let dealing = Dealing {
            base: reader.amount()?,
            count: reader.number()?,
            first: reader.moment()?,
            last: reader.moment()?,
            largest_base: reader.amount()?,
            largest: reader.id()?,
        };
        entry.dealings.insert((asset, way, origin), dealing);
    }
    reader.end()?;
    Ok(entry)
}

/// The parts of an output.
pub fn encode_parts(parts: &Parts) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_parts(&mut out, parts);
    out
}

pub fn decode_parts(bytes: &[u8]) -> Result<Parts, CodeError> {
    let mut reader = Reader { bytes, at: 0 };
    if reader.byte()? != VERSION {
        return Err(reader.wrong("an unknown version"));
    }
    let parts = reader.parts()?;
    reader.end()?;
    Ok(parts)
}

fn assets(entry: &Entry<TransferId>) -> Vec<&Asset> {
    let mut assets: Vec<&Asset> = entry.holdings.keys().collect();
    assets.extend(entry.dealings.keys().map(|(asset, ..)| asset));
    assets.sort_unstable();
    assets.dedup();
    assets
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(0x80 | u8::try_from(value & 0x7f).expect("seven bits"));
        value >>= 7;
    }
    out.push(u8::try_from(value).expect("seven bits"));
}

fn amount(out: &mut Vec<u8>, base: U256) {
    let bytes: [u8; 32] = base.to_be_bytes();
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    number(out, (bytes.len() - first) as u64);
    out.extend_from_slice(&bytes[first..]);
}

fn text(out: &mut Vec<u8>, text: &str) {
    number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Seconds by zigzag, and nanoseconds.
fn moment(out: &mut Vec<u8>, time: Timestamp) {
    let seconds = time.as_second();
    number(out, ((seconds << 1) ^ (seconds >> 63)).cast_unsigned());
    number(
        out,
        u64::from(time.subsec_nanosecond().unsigned_abs()) << 1
            | u64::from(time.subsec_nanosecond() < 0),
    );
}

fn put_parts(out: &mut Vec<u8>, parts: &Parts) {
    number(out, parts.iter().count() as u64);
    for part in parts.iter() {
        number(out, part.origin.0);
        out.push(part.hops);
        amount(out, part.base);
    }
}

/// Without position, what it is equal to stands beside it.
fn put_id(out: &mut Vec<u8>, id: &TransferId) {
    text(out, &id.tx.to_string());
    text(out, &id.position.to_string());
    let Some(equal) = &id.equal else { return out.push(0) };
    out.push(1);
    let chain = id.tx.chain;
    for end in [&equal.from, &equal.to] {
        text(out, &end.as_ref().map(|address| address.text(chain)).unwrap_or_default());
    }
    text(out, &equal.asset.to_string());
    amount(out, equal.amount);
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn wrong(&self, what: &'static str) -> CodeError {
        CodeError { what, at: self.at }
    }

    fn byte(&mut self) -> Result<u8, CodeError> {
        let byte = self.bytes.get(self.at).copied();
        let byte = byte.ok_or_else(|| self.wrong("it ends too early"))?;
        self.at += 1;
        Ok(byte)
    }

    fn number(&mut self) -> Result<u64, CodeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return Err(self.wrong("a number beyond 64 bits"));
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.wrong("a number without an end"))
    }

    fn slice(&mut self) -> Result<&'a [u8], CodeError> {
        let len = usize::try_from(self.number()?).map_err(|_| self.wrong("too long a text"))?;
        let end = self.at.checked_add(len).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.wrong("it ends too early"))?;
        let slice = &self.bytes[self.at..end];
        self.at = end;
        Ok(slice)
    }

    fn text(&mut self) -> Result<&'a str, CodeError> {
        let slice = self.slice()?;
        std::str::from_utf8(slice).map_err(|_| self.wrong("no UTF-8"))
    }

    fn amount(&mut self) -> Result<U256, CodeError> {
        let slice = self.slice()?;
        if slice.len() > 32 || slice.first() == Some(&0) {
            return Err(self.wrong("no amount"));
        }
        Ok(U256::from_be_slice(slice))
    }

    fn moment(&mut self) -> Result<Timestamp, CodeError> {
        let zigzag = self.number()?;
        let seconds = (zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed());
        let nanos = self.number()?;
        let sign = if nanos & 1 == 1 { -1 } else { 1 };
        let nanos = i32::try_from(nanos >> 1).map_err(|_| self.wrong("no time"))? * sign;
        Timestamp::new(seconds, nanos).map_err(|_| self.wrong("no time"))
    }

    fn holdings(&mut self, assets: &[Asset]) -> Result<BTreeMap<Asset, Holding>, CodeError> {
        let mut holdings = BTreeMap::new();
        for _ in 0..self.number()? {
            let asset = self.asset(assets)?;
            let (received, sent) = (self.amount()?, self.amount()?);
            holdings.insert(asset, Holding { received, sent, parts: self.parts()? });
        }
        Ok(holdings)
    }

    fn parts(&mut self) -> Result<Parts, CodeError> {
        let mut parts = Parts::default();
        let mut sum = U256::ZERO;
        for _ in 0..self.number()? {
            let (origin, hops) = (Origin(self.number()?), self.byte()?);
            let base = self.amount()?;
            sum = sum.checked_add(base).ok_or_else(|| self.wrong("more than 256 bits"))?;
            parts.add(Part { origin, hops, base });
        }
        Ok(parts)
    }

    fn asset(&mut self, assets: &[Asset]) -> Result<Asset, CodeError> {
        let place = usize::try_from(self.number()?).ok().and_then(|at| assets.get(at));
        place.cloned().ok_or_else(|| self.wrong("no such asset"))
    }

    fn id(&mut self) -> Result<TransferId, CodeError> {
        let tx: TxId = self.text()?.parse().map_err(|_| self.wrong("no transaction"))?;
        let position = self.text()?.parse().map_err(|_| self.wrong("no position"))?;
        let equal = match self.byte()? {
            0 => None,
            _ => {
                let (from, to) = (self.end_of(tx.chain)?, self.end_of(tx.chain)?);
                let asset = self.text()?.parse().map_err(|_| self.wrong("no asset"))?;
                let amount = self.amount()?;
                Some(Box::new(model::transfer::Equal { from, to, asset, amount }))
            }
        };
        Ok(TransferId { tx, position, equal })
    }

    fn end_of(&mut self, chain: model::Chain) -> Result<Option<model::Address>, CodeError> {
        let text = self.text()?;
        if text.is_empty() {
            return Ok(None);
        }
        model::Address::parse(text, chain).map(Some).map_err(|_| self.wrong("no address"))
    }

    fn end(&self) -> Result<(), CodeError> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.wrong("more than it holds")) }
    }
}
