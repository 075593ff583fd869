//! A clusterer as bytes, and back.
//!
//! What is kept is what cannot be worked out again: addresses, merges with their reasons, rounds, and what
//! heuristics remember. Clusters are united anew from the merges, so that what was excluded meanwhile is left out.
//! Numbers are LEB128 varints, signed ones zigzag; amounts 32 bytes, big-endian. Only what is final is kept.

use model::{Chain, Timestamp, TxHash, U256};

use super::{Clusterer, Place, Services, Taken};
use crate::cluster::links::{Link, Links, Whys};
use crate::cluster::names::Names;
use crate::cluster::{Alarm, Clusters, Excluded};
use crate::coinjoin::{self, Family};
use crate::heuristics::deposit::{Arrived, Holder};
use crate::heuristics::funding::Collector;
use crate::heuristics::peel_chain::{Fate, Pending};
use crate::heuristics::{Rule, Rules};
use crate::script::ScriptKind;

/// Raised when the bytes mean something else.
const FORMAT: u64 = 1;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    #[error("kept clusters end early or hold what cannot be, at byte {at}")]
    Broken { at: usize },
    #[error("kept clusters were made by other rules: format {format}, versions {versions}")]
    Other { format: u64, versions: u64 },
}

/// The versions of all rules, as one number.
fn versions() -> u64 {
    let rules: u64 = Rule::ALL.iter().map(|rule| u64::from(rule.version())).sum();
    u64::from(coinjoin::VERSION) << 32 | rules
}

impl Clusterer {
    /// Hands its bytes over piece by piece.
    ///
    /// # Errors
    /// Whatever the receiver says.
    pub fn encode<E>(&self, sink: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        assert!(self.hot.is_empty(), "blocks that can be undone are not kept");
        let mut out = Out { buffer: Vec::new(), sink };
        for number in [FORMAT, versions(), u64::from(self.rules.bits())] {
            out.number(number)?;
        }
        self.encode_head(&mut out)?;
        self.encode_clusters(&mut out)?;
        self.encode_memory(&mut out)?;
        out.flush()
    }

    fn encode_head<E>(&self, out: &mut Out<'_, E>) -> Result<(), E> {
        let Taken { transactions, transfers, unsure } = self.taken;
        for number in [transactions, transfers, unsure] {
            out.number(number)?;
        }
        out.number(u64::from(self.last.is_some()))?;
        if let Some(Place { time, height, index, hash }) = &self.last {
            out.signed(time.as_second())?;
            out.signed(i64::from(time.subsec_nanosecond()))?;
            out.number(height.map_or(0, |height| height + 1))?;
            out.number(index.map_or(0, |index| u64::from(index) + 1))?;
            out.bytes(hash.bytes())?;
        }
        Ok(())
    }

    fn encode_clusters<E>(&self, out: &mut Out<'_, E>) -> Result<(), E> {
        out.count(self.names.len())?;
        for number in 0..self.names.len() {
            out.bytes(self.names.get(small(number)))?;
        }
        let (links, whys, alarms) = self.clusters.parts();
        out.count(whys.len())?;
        for why in 0..whys.len() {
            let (rule, hash) = whys.get(small(why));
            out.number(rule as u64)?;
            out.bytes(hash.bytes())?;
        }
        out.count(links.len())?;
        let mut before = 0;
        for Link { a, b, why } in links.iter() {
            out.number(u64::from(a))?;
            out.number(u64::from(b))?;
            out.number(u64::from(why - before))?;
            before = why;
        }
        out.count(alarms.len())?;
        for Alarm { why, smaller, larger } in alarms {
            for number in [*why, *smaller, *larger] {
                out.number(u64::from(number))?;
            }
        }
        Ok(())
    }

    /// What heuristics remember.
    fn encode_memory<E>(&self, out: &mut Out<'_, E>) -> Result<(), E> {
        out.count(self.rounds.len())?;
        for (hash, family) in self.rounds.sorted() {
            out.bytes(hash.bytes())?;
            out.number(*family as u64)?;
        }
        out.count(self.waiting.len())?;
        for (hash, pending) in self.waiting.sorted() {
            out.bytes(hash.bytes())?;
            out.signed(pending.time)?;
            out.number(kind_number(pending.kind))?;
            out.number(u64::from(pending.owner))?;
            for (output, fate) in pending.outputs {
                out.number(u64::from(output))?;
                out.number(fate as u64)?;
            }
        }
        out.count(self.assets.len())?;
        for asset in &self.assets {
            out.bytes(asset.to_string().as_bytes())?;
        }
        out.count(self.holders.len())?;
        for (address, holder) in self.holders.sorted() {
            out.number(u64::from(*address))?;
            out.holder(holder)?;
        }
        out.count(self.funders.len())?;
        for (address, funder) in self.funders.sorted() {
            out.number(u64::from(*address))?;
            out.number(u64::from(*funder))?;
        }
        out.count(self.collectors.len())?;
        for (address, Collector { funder, first }) in self.collectors.sorted() {
            for number in [*address, *funder, *first] {
                out.number(u64::from(number))?;
            }
        }
        Ok(())
    }

    /// Reading bytes that were kept, without what is excluded now.
    ///
    /// # Errors
    /// When they are no such bytes, or were made by rules of another version.
    pub fn decode(
        bytes: &[u8],
        chain: Chain,
        services: Services,
        excluded: Excluded,
    ) -> Result<Clusterer, CodeError> {
        let mut from = Reading { bytes, at: 0 };
        let (format, found) = (from.number()?, from.number()?);
        if (format, found) != (FORMAT, versions()) {
            return Err(CodeError::Other { format, versions: found });
        }
        let bits = u16::try_from(from.number()?).ok().and_then(Rules::from_bits);
        let rules = bits.ok_or_else(|| from.broken())?;
        let mut clusterer = Clusterer::new(chain, rules, services, Excluded::default());
        clusterer.decode_head(&mut from)?;
        clusterer.decode_clusters(&mut from, excluded)?;
        clusterer.decode_memory(&mut from)?;
        if from.at != bytes.len() {
            return Err(from.broken());
        }
        Ok(clusterer)
    }

    fn decode_head(&mut self, from: &mut Reading<'_>) -> Result<(), CodeError> {
        let (transactions, transfers, unsure) = (from.number()?, from.number()?, from.number()?);
        self.taken = Taken { transactions, transfers, unsure };
        if from.number()? == 0 {
            return Ok(());
        }
        let (seconds, nanos) = (from.signed()?, from.signed()?);
        let nanos = i32::try_from(nanos).map_err(|_| from.broken())?;
        let time = Timestamp::new(seconds, nanos).map_err(|_| from.broken())?;
        let height = from.number()?.checked_sub(1);
        let index = from.number()?.checked_sub(1).map(u32::try_from).transpose();
        let index = index.map_err(|_| from.broken())?;
        self.last = Some(Place { time, height, index, hash: from.hash()? });
        Ok(())
    }

    fn decode_clusters(
        &mut self,
        from: &mut Reading<'_>,
        excluded: Excluded,
    ) -> Result<(), CodeError> {
        let mut names = Names::default();
        for _ in 0..from.count()? {
            let name = from.slice()?;
            let is_new = names.meet(name).is_fresh;
            let is_address = model::Address::from_bytes(name, self.chain).is_some();
            (is_new && is_address).then_some(()).ok_or_else(|| from.broken())?;
        }
        let mut whys = Whys::default();
        let mut hash_bytes = None;
        for at in 0..from.count()? {
            let rule = u8::try_from(from.number()?).ok().and_then(Rule::numbered);
            let (rule, hash) = (rule.ok_or_else(|| from.broken())?, from.hash()?);
            let is_alike = *hash_bytes.get_or_insert(hash.bytes().len()) == hash.bytes().len();
            let is_new = is_alike && whys.put(rule, hash) as usize == at;
            is_new.then_some(()).ok_or_else(|| from.broken())?;
        }
        let mut links = Links::default();
        let mut before: u32 = 0;
        for _ in 0..from.count()? {
            let (a, b) = (from.small()?, from.small()?);
            before = before.checked_add(from.small()?).ok_or_else(|| from.broken())?;
            links.push(Link { a, b, why: before });
        }
        let mut alarms = Vec::new();
        for _ in 0..from.count()? {
            let (why, smaller, larger) = (from.small()?, from.small()?, from.small()?);
            alarms.push(Alarm { why, smaller, larger });
        }
        let clusters = Clusters::from_parts(names.len(), links, whys, alarms, excluded);
        self.clusters = clusters.ok_or_else(|| from.broken())?;
        self.names = names;
        Ok(())
    }

    fn decode_memory(&mut self, from: &mut Reading<'_>) -> Result<(), CodeError> {
        for _ in 0..from.count()? {
            let (hash, number) = (from.hash()?, from.number()?);
            let family = Family::ALL.into_iter().find(|family| *family as u64 == number);
            self.rounds.set(hash, Some(family.ok_or_else(|| from.broken())?));
        }
        for _ in 0..from.count()? {
            let hash = from.hash()?;
            let pending = from.pending(self.names.len())?;
            self.waiting.set(hash, Some(pending));
        }
        for _ in 0..from.count()? {
            let text = std::str::from_utf8(from.slice()?).map_err(|_| from.broken())?;
            self.assets.push(text.parse().map_err(|_| from.broken())?);
        }
        for _ in 0..from.count()? {
            let (address, holder) =
                (from.member(self.names.len())?, from.holder(self.names.len())?);
            self.holders.set(address, Some(holder));
        }
        for _ in 0..from.count()? {
            let (address, funder) = (from.small()?, from.small()?);
            self.funders.set(address, Some(funder));
        }
        for _ in 0..from.count()? {
            let address = from.small()?;
            let (funder, first) = (from.small()?, from.member(self.names.len())?);
            self.collectors.set(address, Some(Collector { funder, first }));
        }
        Ok(())
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).expect("it is numbered in 32 bits")
}

const KINDS: [ScriptKind; 8] = [
    ScriptKind::PublicKey,
    ScriptKind::PublicKeyHash,
    ScriptKind::ScriptHash,
    ScriptKind::WitnessKeyHash,
    ScriptKind::WitnessScriptHash,
    ScriptKind::Taproot,
    ScriptKind::Null,
    ScriptKind::Other,
];

const FATES: [Fate; 3] = [Fate::Unspent, Fate::GoesOn, Fate::Ends];

fn kind_number(kind: ScriptKind) -> u64 {
    kind as u64
}

struct Out<'a, E> {
    buffer: Vec<u8>,
    sink: &'a mut dyn FnMut(&[u8]) -> Result<(), E>,
}

impl<E> Out<'_, E> {
    const PIECE: usize = 1 << 20;

    fn number(&mut self, mut number: u64) -> Result<(), E> {
        loop {
            let [low, ..] = number.to_le_bytes();
            number >>= 7;
            if number == 0 {
                self.buffer.push(low & 0x7f);
                break;
            }
            self.buffer.push(low | 0x80);
        }
        if self.buffer.len() >= Self::PIECE { self.flush() } else { Ok(()) }
    }

    fn count(&mut self, count: usize) -> Result<(), E> {
        self.number(count as u64)
    }

    fn signed(&mut self, number: i64) -> Result<(), E> {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), E> {
        self.count(bytes.len())?;
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn holder(&mut self, holder: &Holder) -> Result<(), E> {
        self.number(u64::from(holder.is_other))?;
        self.number(holder.customer.map_or(0, |customer| u64::from(customer) + 1))?;
        for paid in &holder.waiting {
            self.number(u64::from(paid.is_some()))?;
            if let Some(Arrived { from, asset, amount, time }) = paid {
                self.number(u64::from(*from))?;
                self.number(u64::from(*asset))?;
                self.bytes(&amount.to_be_bytes::<32>())?;
                self.signed(*time)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), E> {
        let flushed = (self.sink)(&self.buffer);
        self.buffer.clear();
        flushed
    }
}

struct Reading<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reading<'a> {
    fn broken(&self) -> CodeError {
        CodeError::Broken { at: self.at }
    }

    fn number(&mut self) -> Result<u64, CodeError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or_else(|| self.broken())?;
            self.at += 1;
            let low = u64::from(byte & 0x7f);
            number |= low
                .checked_shl(shift)
                .filter(|n| n >> shift == low)
                .ok_or_else(|| self.broken())?;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.broken())
    }

    fn signed(&mut self) -> Result<i64, CodeError> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    fn small(&mut self) -> Result<u32, CodeError> {
        u32::try_from(self.number()?).map_err(|_| self.broken())
    }

    /// The number of an address that there is.
    fn member(&mut self, addresses: usize) -> Result<u32, CodeError> {
        let number = self.small()?;
        ((number as usize) < addresses).then_some(number).ok_or_else(|| self.broken())
    }

    /// How many things follow: no more than there are bytes.
    fn count(&mut self) -> Result<usize, CodeError> {
        let count = usize::try_from(self.number()?).map_err(|_| self.broken())?;
        (count <= self.bytes.len() - self.at).then_some(count).ok_or_else(|| self.broken())
    }

    fn slice(&mut self) -> Result<&'a [u8], CodeError> {
        let count = self.count()?;
        let slice = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(slice)
    }

    fn hash(&mut self) -> Result<TxHash, CodeError> {
        let slice = self.slice()?;
        let is_hash = matches!(slice.len(), 32 | 64);
        is_hash.then(|| TxHash::new(slice)).ok_or_else(|| self.broken())
    }

    fn pending(&mut self, addresses: usize) -> Result<Pending, CodeError> {
        let (time, kind) = (self.signed()?, self.number()?);
        let kind = KINDS.into_iter().find(|known| kind_number(*known) == kind);
        let kind = kind.ok_or_else(|| self.broken())?;
        let owner = self.member(addresses)?;
        let mut outputs = [(0, Fate::Unspent); 2];
        for output in &mut outputs {
            let (address, fate) = (self.small()?, self.number()?);
            let fate = FATES.into_iter().find(|known| *known as u64 == fate);
            let fate = fate.ok_or_else(|| self.broken())?;
            let is_sound = (address as usize) < addresses || fate == Fate::Ends;
            *output = is_sound.then_some((address, fate)).ok_or_else(|| self.broken())?;
        }
        Ok(Pending { time, kind, owner, outputs })
    }

    fn holder(&mut self, addresses: usize) -> Result<Holder, CodeError> {
        let is_other = self.number()? != 0;
        let customer = match self.number()?.checked_sub(1).map(u32::try_from) {
            None => None,
            Some(Ok(customer)) if (customer as usize) < addresses => Some(customer),
            Some(_) => return Err(self.broken()),
        };
        let mut waiting = [None; 2];
        for paid in &mut waiting {
            if self.number()? == 0 {
                continue;
            }
            let (from, asset) = (self.member(addresses)?, self.small()?);
            let amount: [u8; 32] = self.slice()?.try_into().map_err(|_| self.broken())?;
            let (amount, time) = (U256::from_be_bytes(amount), self.signed()?);
            *paid = Some(Arrived { from, asset, amount, time });
        }
        Ok(Holder { waiting, customer, is_other })
    }
}
