//! Published lists, one file a format. Each reader gives one [`ParsedList`] or
//! an error that names the place; a list is never half read.

pub mod addresses;
mod error;
pub mod ofac;
mod xml;

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use bzip2::bufread::MultiBzDecoder;
use model::{Identifier, ListVersion, Listing};

pub use error::{ListError, Place};

use crate::query::{is_blank, lookup_text};

/// One version of one list, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedList {
    pub version: ListVersion,
    /// In the order of the file.
    pub listings: Vec<Listing>,
    /// How many of the listings validate in no known address format. They are
    /// kept and match their own text only.
    pub claims: usize,
    /// How many entries said again what an earlier one had said.
    pub duplicates: usize,
}

impl ParsedList {
    fn new(version: ListVersion) -> ParsedList {
        ParsedList { version, listings: Vec::new(), claims: 0, duplicates: 0 }
    }

    /// For a caller that knows the hash only once the file has been read.
    pub fn with_file_hash(mut self, file_hash: &str) -> ParsedList {
        file_hash.clone_into(&mut self.version.file_hash);
        for listing in &mut self.listings {
            file_hash.clone_into(&mut listing.version.file_hash);
        }
        self
    }

    fn listing(&self, written: &str) -> Listing {
        let written = written.trim_matches(is_blank);
        Listing {
            version: self.version.clone(),
            identifier: Identifier::parse(written),
            written: written.to_string(),
            asset_label: None,
            party: None,
            party_id: None,
            programmes: Vec::new(),
            listed_on: None,
        }
    }

    fn add(&mut self, listing: Listing, seen: &mut HashSet<Entry>) {
        if !seen.insert(Entry::of(&listing)) {
            self.duplicates += 1;
            return;
        }
        self.claims += usize::from(listing.identifier.families.is_empty());
        self.listings.push(listing);
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

/// The list itself, whether the bytes are plain or bzip2, by their first three.
/// Nothing is read ahead, so memory stays small whatever the file unpacks to.
pub fn open<'a>(mut input: impl BufRead + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    let mut head = Vec::with_capacity(3);
    input.by_ref().take(3).read_to_end(&mut head)?;
    let is_bzip2 = head == *b"BZh";
    let whole = Cursor::new(head).chain(input);
    Ok(if is_bzip2 {
        Box::new(BufReader::new(MultiBzDecoder::new(whole)))
    } else {
        Box::new(whole)
    })
}
