//! What somebody typed, read as an identifier.
//!
//! A typing error must not become a silent "not listed": an EVM address whose
//! checksum is wrong is looked up by its bytes, and the asker is told.

use model::{Account, Address, Chain, Identifier, Key};

/// A query, ready to be looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub identifier: Identifier,
    /// What to look up: the identifier's own key, or that of its bytes.
    pub key: Key,
    pub note: Option<String>,
}

impl Query {
    /// Reads an address as people paste it: alone, behind its chain, or in a
    /// payment URI. The chain narrows nothing: a key is the same wherever it lives.
    pub fn parse(text: &str) -> Query {
        let identifier = Identifier::parse(text.trim_matches(is_blank));
        if !identifier.families.is_empty() {
            return Query { key: identifier.key.clone(), identifier, note: None };
        }
        if let Some(address) = evm_without_checksum(&identifier) {
            let expected = address.checked_text(Chain::ETHEREUM);
            let note = format!(
                "the checksum does not match: these bytes are written {expected}, so a digit may be mistyped; looked up by its bytes"
            );
            return Query { key: lookup_key(&identifier), identifier, note: Some(note) };
        }
        let note = "no valid address of any known format: compared as text only".to_string();
        Query { key: identifier.key.clone(), identifier, note: Some(note) }
    }
}

impl Query {
    /// Is only its checksum wrong?
    pub fn is_looked_up_by_bytes(&self) -> bool {
        self.key != self.identifier.key
    }
}

/// The key to file an identifier under: that of its bytes where only an EVM
/// checksum keeps them from being an address, in lists as in queries.
pub(crate) fn lookup_key(identifier: &Identifier) -> Key {
    match evm_without_checksum(identifier) {
        Some(address) => Key::of(&Account { chain: Chain::ETHEREUM, address }),
        None => identifier.key.clone(),
    }
}

/// The canonical text under which two spellings of one address meet.
pub(crate) fn lookup_text(identifier: &Identifier) -> String {
    match evm_without_checksum(identifier) {
        Some(address) => Identifier::parse(&address.text(Chain::ETHEREUM)).text,
        None => identifier.text.clone(),
    }
}

fn evm_without_checksum(identifier: &Identifier) -> Option<Address> {
    if !identifier.families.is_empty() {
        return None;
    }
    let bare = identifier.text.rsplit(':').next()?;
    Address::parse(&bare.to_ascii_lowercase(), Chain::ETHEREUM).ok()
}

/// White space, and the invisible characters that copying drags along, into
/// lists as into queries.
pub(crate) fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}
