//! Published lists, one file a format. Each reader gives one [`ParsedList`] or
//! an error that names the place; a list is never half read.

pub mod addresses;
pub mod countries;
pub mod dates;
mod error;
pub mod eu;
pub mod fbi;
pub mod ftm;
mod gather;
pub mod il;
pub mod issuer;
pub mod ofac;
pub mod own;
mod table;
pub mod uk;
pub mod un;
mod xml;
mod zip;

use std::io::{self, BufRead, BufReader, Cursor, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use model::{ListVersion, Listing, Party};

pub use error::{ListError, Place};

use crate::query::lookup_text;

/// One version of one list, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedList {
    pub version: ListVersion,
    /// In the order of the file.
    pub listings: Vec<Listing>,
    /// In the order of the file, each under an id of its own.
    pub parties: Vec<Party>,
    /// How many of the listings that are to be addresses validate in no known address format. They are
    /// kept and match their own text only.
    pub claims: usize,
    /// How many entries said again what an earlier one had said.
    pub duplicates: usize,
}

impl ParsedList {
    /// For a caller that knows the hash only once the file has been read.
    pub fn with_file_hash(mut self, file_hash: &str) -> ParsedList {
        self.stamp(|version| file_hash.clone_into(&mut version.file_hash));
        self
    }

    /// For a caller that calls the list otherwise than its reader does.
    pub fn with_name(mut self, list: &str) -> ParsedList {
        self.stamp(|version| list.clone_into(&mut version.list));
        self
    }

    fn stamp(&mut self, change: impl Fn(&mut ListVersion)) {
        change(&mut self.version);
        self.listings.iter_mut().for_each(|listing| change(&mut listing.version));
        self.parties.iter_mut().for_each(|party| change(&mut party.version));
    }
}

/// What makes two listings of one list the same entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Entry {
    identifier: String,
    asset_label: Option<String>,
    party: Option<String>,
}

impl Entry {
    /// The list's own id tells parties apart; a name may be respelled.
    pub(crate) fn of(listing: &Listing) -> Entry {
        Entry {
            identifier: lookup_text(&listing.identifier),
            asset_label: listing.asset_label.clone(),
            party: listing.party_id.clone().or_else(|| listing.party.clone()),
        }
    }
}

/// The most bytes a list unpacks to. OFAC's, the largest of the official ones, has 120 MB.
pub const UNPACKED_BYTES_MAX: u64 = 1 << 30;
/// The same of a file of FollowTheMoney entities: all that OpenSanctions gathers.
pub const ENTITIES_BYTES_MAX: u64 = 16 << 30;

/// The list itself, whether the bytes are plain, bzip2, gzip or a zip archive of one file, by
/// their first four. Nothing is read ahead, so memory stays small whatever the file unpacks to;
/// beyond `bytes_max` reading fails.
pub fn open_up_to<'a>(
    mut input: impl BufRead + 'a,
    bytes_max: u64,
) -> io::Result<Box<dyn BufRead + 'a>> {
    let mut head = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut head)?;
    let kind: [u8; 4] = std::array::from_fn(|at| head.get(at).copied().unwrap_or_default());
    let whole = Cursor::new(head).chain(input);
    let plain: Box<dyn Read + 'a> = match kind {
        [b'B', b'Z', b'h', _] => Box::new(MultiBzDecoder::new(whole)),
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(whole)),
        [b'P', b'K', 3, 4] => Box::new(zip::Only::open(whole)?),
        _ => Box::new(whole),
    };
    Ok(Box::new(BufReader::with_capacity(1 << 16, UpTo { input: plain, left: bytes_max })))
}

/// The same with the usual bound.
pub fn open<'a>(input: impl BufRead + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    open_up_to(input, UNPACKED_BYTES_MAX)
}

/// Fails where more comes than is let through.
struct UpTo<R> {
    input: R,
    left: u64,
}

impl<R: Read> Read for UpTo<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other("the list unpacks to more than is read")),
        }
        Ok(read)
    }
}
