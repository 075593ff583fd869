//! The frame of a segment file: magic, sections and their directory, footer, head.

use model::{Chain, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use super::Head;
use super::bytes::{BLOCK, Checked, Part, Region};
use super::code::{Reader, join_time, put_varint, split_time};

/// The first eight bytes of a segment; the last is the version of the format.
pub(super) const MAGIC: &[u8; 8] = b"INTDSEG\x01";

pub(super) const FOOTER_LEN: usize = 56;

macro_rules! sections {
    ($($id:ident = $number:literal $name:literal,)+) => {
        /// What a section holds; the number is the file's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum SectionId { $($id = $number,)+ }

        impl SectionId {
            pub(super) const COUNT: usize = [$($number,)+].len();

            pub(super) fn name(self) -> &'static str {
                match self { $(SectionId::$id => $name,)+ }
            }

            fn of(number: u8) -> Option<SectionId> {
                match number { $($number => Some(SectionId::$id),)+ _ => None }
            }
        }
    };
}

sections! {
    Head = 0 "head",
    AddressBytes = 1 "addresses",
    AddressEnds = 2 "address ends",
    AddressRadix = 3 "address radix",
    AddressFilter = 4 "address filter",
    AssetBytes = 5 "assets",
    AssetEnds = 6 "asset ends",
    AssetRadix = 7 "asset radix",
    BlockBytes = 8 "block hashes",
    BlockEnds = 9 "block hash ends",
    BlockRadix = 10 "block hash radix",
    Entries = 11 "entries",
    Hashes = 12 "hashes",
    HashRadix = 13 "hash radix",
    HashPrints = 14 "hash prints",
    HashItems = 15 "hash entries",
    HashFilter = 16 "hash filter",
    Rows = 17 "rows",
    OutEnds = 18 "sent ends",
    Out = 19 "sent",
    InEnds = 20 "received ends",
    In = 21 "received",
    Externals = 22 "spent hashes",
    SpendRadix = 23 "spend radix",
    SpendPrints = 24 "spend prints",
    SpendItems = 25 "spend rows",
    OpenRadix = 26 "unresolved radix",
    OpenPrints = 27 "unresolved prints",
    OpenItems = 28 "unresolved rows",
    BlockEntryEnds = 29 "block entry ends",
    BlockEntries = 30 "block entries",
    BlockTimes = 31 "block times",
    ToldBytes = 32 "told claims",
    ToldEnds = 33 "told claim ends",
    ToldHeights = 34 "told heights",
}

#[derive(Clone, Copy, Debug)]
pub(super) struct SectionRecord {
    pub id: SectionId,
    pub start: u64,
    pub len: u64,
    /// How many things it holds, in its own count.
    pub items: u64,
}

/// A section as the reader knows it; absent ones are empty.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Section {
    pub part: Part,
    pub items: u64,
}

pub(super) struct Footer {
    pub directory_start: u64,
    /// The checksum table begins here; its blocks are those before.
    pub covered: u64,
    /// XXH3 of the table.
    pub sums: u64,
    /// Of the whole file.
    pub len: u64,
}

impl Footer {
    pub(super) fn encode(&self) -> [u8; FOOTER_LEN] {
        let mut bytes = [0; FOOTER_LEN];
        let fields = [self.directory_start, self.covered, self.sums, self.len, 0];
        for (slot, field) in bytes.chunks_exact_mut(8).zip(fields) {
            slot.copy_from_slice(&field.to_le_bytes());
        }
        let sum = xxh3_64(&bytes[..40]);
        bytes[40..48].copy_from_slice(&sum.to_le_bytes());
        bytes[48..].copy_from_slice(MAGIC);
        bytes
    }

    fn decode(bytes: &[u8; FOOTER_LEN]) -> Option<Footer> {
        let field =
            |at: usize| u64::from_le_bytes(bytes[at * 8..][..8].try_into().expect("eight bytes"));
        let is_whole = field(5) == xxh3_64(&bytes[..40]) && field(4) == 0 && bytes[48..] == *MAGIC;
        is_whole.then(|| Footer {
            directory_start: field(0),
            covered: field(1),
            sums: field(2),
            len: field(3),
        })
    }
}

const RECORD_LEN: usize = 25;

pub(super) fn encode_directory(sections: &[SectionRecord]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(sections.len() * RECORD_LEN);
    for section in sections {
        bytes.push(section.id as u8);
        for field in [section.start, section.len, section.items] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
    }
    bytes
}

/// Reads footer and directory, and makes the region ready to be read.
pub(super) fn open(region: &mut Region) -> Checked<[Section; SectionId::COUNT]> {
    let bytes = region.all();
    let len = bytes.len();
    if len < MAGIC.len() || bytes[..7] != MAGIC[..7] {
        return Err(region.damage(0, "it is no segment"));
    }
    if bytes[7] != MAGIC[7] {
        let why = format!("it has format {}, this interdict reads {}", bytes[7], MAGIC[7]);
        return Err(region.damage(7, why));
    }
    let footer = bytes.last_chunk::<FOOTER_LEN>().and_then(Footer::decode);
    let Some(footer) = footer.filter(|footer| footer.len == len as u64) else {
        return Err(region.damage(len, "its end is missing or damaged"));
    };
    let frame = || region.damage(len - FOOTER_LEN, "its footer does not fit the file");
    let covered = usize::try_from(footer.covered).map_err(|_| frame())?;
    let directory_start = usize::try_from(footer.directory_start).map_err(|_| frame())?;
    let sums = Part { start: covered, len: covered.div_ceil(BLOCK).saturating_mul(4) };
    let is_fitting = covered.checked_add(sums.len).and_then(|end| end.checked_add(FOOTER_LEN))
        == Some(len)
        && (MAGIC.len()..=covered).contains(&directory_start);
    if !is_fitting {
        return Err(frame());
    }
    if xxh3_64(&bytes[sums.start..][..sums.len]) != footer.sums {
        return Err(region.damage(sums.start, "its checksums are damaged"));
    }
    region.cover(covered, sums);
    let directory = Part { start: directory_start, len: covered - directory_start };
    let (sections, names) = read_directory(region, directory)?;
    region.name_sections(names);
    Ok(sections)
}

type Named = Vec<(&'static str, Part)>;

fn read_directory(
    region: &Region,
    directory: Part,
) -> Checked<([Section; SectionId::COUNT], Named)> {
    let mut sections = [Section::default(); SectionId::COUNT];
    let mut names = Vec::new();
    let bytes = region.read(directory, 0, directory.len)?;
    let (records, rest) = bytes.as_chunks::<RECORD_LEN>();
    if !rest.is_empty() {
        return Err(region.damage(directory.start, "its directory is cut"));
    }
    for record in records {
        let field = |at: usize| {
            u64::from_le_bytes(record[1 + at * 8..][..8].try_into().expect("eight bytes"))
        };
        let odd = || region.damage(directory.start, "its directory names what it does not have");
        let id = SectionId::of(record[0]).ok_or_else(odd)?;
        let start = usize::try_from(field(0)).map_err(|_| odd())?;
        let len = usize::try_from(field(1)).map_err(|_| odd())?;
        let is_inside = start.checked_add(len).is_some_and(|end| end <= directory.start);
        if !is_inside {
            return Err(odd());
        }
        let part = Part { start, len };
        names.push((id.name(), part));
        sections[id as usize] = Section { part, items: field(2) };
    }
    Ok((sections, names))
}

/// What of a chain the transfers of a segment cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Lowest and highest.
    pub heights: Option<(u64, u64)>,
    /// First and last of those that anybody knows.
    pub times: Option<(Timestamp, Timestamp)>,
}

pub(super) fn encode_head(head: &Head) -> Vec<u8> {
    let mut bytes = Vec::new();
    let chain = head.chain.to_string();
    put_varint(&mut bytes, chain.len() as u64);
    bytes.extend_from_slice(chain.as_bytes());
    let counts = [
        head.entries,
        head.rows,
        head.transfers,
        head.addresses,
        head.assets,
        head.unresolved_inputs,
        head.told,
    ];
    for count in counts {
        put_varint(&mut bytes, u64::from(count));
    }
    bytes.push(u8::from(head.has_nft) | u8::from(head.has_utxo) << 1);
    put_time(&mut bytes, head.time_first);
    put_time(&mut bytes, head.time_last);
    put_heights(&mut bytes, head.heights);
    put_heights(&mut bytes, head.open_heights);
    if let Some(Shown { heights, times }) = head.shown {
        put_heights(&mut bytes, heights);
        put_time(&mut bytes, times.map(|times| times.0));
        put_time(&mut bytes, times.map(|times| times.1));
    }
    bytes
}

fn put_time(bytes: &mut Vec<u8>, time: Option<Timestamp>) {
    bytes.push(u8::from(time.is_some()));
    if let Some(time) = time {
        let (seconds, nanos) = split_time(time);
        put_varint(bytes, seconds);
        put_varint(bytes, u64::from(nanos));
    }
}

fn put_heights(bytes: &mut Vec<u8>, heights: Option<(u64, u64)>) {
    bytes.push(u8::from(heights.is_some()));
    if let Some((low, high)) = heights {
        put_varint(bytes, low);
        put_varint(bytes, high);
    }
}

pub(super) fn decode_head(bytes: &[u8]) -> Option<Head> {
    let mut reader = Reader::new(bytes);
    let len = usize::try_from(reader.varint()?).ok()?;
    let chain: Chain = std::str::from_utf8(reader.bytes(len)?).ok()?.parse().ok()?;
    let mut counts = [0u32; 7];
    for count in &mut counts {
        *count = reader.varint_u32()?;
    }
    let [entries, rows, transfers, addresses, assets, unresolved_inputs, told] = counts;
    let flags = reader.byte()?;
    let (time_first, time_last) = (read_time(&mut reader)?, read_time(&mut reader)?);
    let (heights, open_heights) = (read_heights(&mut reader)?, read_heights(&mut reader)?);
    // The first segments say no more.
    let shown = if reader.is_at_end() { None } else { Some(read_shown(&mut reader)?) };
    let head = Head {
        chain,
        entries,
        rows,
        transfers,
        addresses,
        assets,
        time_first,
        time_last,
        heights,
        open_heights,
        shown,
        unresolved_inputs,
        told,
        has_nft: flags & 1 != 0,
        has_utxo: flags & 2 != 0,
    };
    reader.is_at_end().then_some(head)
}

fn read_time(reader: &mut Reader) -> Option<Option<Timestamp>> {
    Some(match reader.byte()? {
        0 => None,
        _ => Some(join_time(reader.varint()?, reader.varint_u32()?)?),
    })
}

fn read_heights(reader: &mut Reader) -> Option<Option<(u64, u64)>> {
    Some(match reader.byte()? {
        0 => None,
        _ => Some((reader.varint()?, reader.varint()?)),
    })
}

fn read_shown(reader: &mut Reader) -> Option<Shown> {
    let heights = read_heights(reader)?;
    let (first, last) = (read_time(reader)?, read_time(reader)?);
    Some(Shown { heights, times: first.zip(last) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_of_the_first_segments_is_read() {
        let mut head = Head::empty(Chain::ETHEREUM);
        (head.rows, head.heights) = (7, Some((3, 5)));
        assert_eq!(decode_head(&encode_head(&head)), Some(head.clone()));
        head.shown = None;
        assert_eq!(decode_head(&encode_head(&head)), Some(head));
    }
}
