//! OFAC's lists: the SDN list and the consolidated list of everybody else, in each of the forms
//! they are published in.
//!
//! | form | files | reader |
//! |---|---|---|
//! | Advanced XML | `sdn_advanced.xml`, `cons_advanced.xml` | [`advanced`] |
//! | XML | `sdn.xml`, `consolidated.xml` | [`simple`] |
//! | CSV | `sdn.csv`, `alt.csv`, `add.csv`, `sdn_comments.csv`; `cons_*.csv` | [`csv`] |
//!
//! The id of a party is the same in all three. Source:
//! <https://ofac.treasury.gov/sanctions-list-service>.

pub mod advanced;
pub mod csv;
mod features;
pub mod simple;

use std::io::BufRead;

use super::xml::Xml;
use super::{ListError, ParsedList};

/// What we call the list of Specially Designated Nationals.
pub const LIST: &str = "ofac-sdn";
/// What we call the consolidated list of those who are not on it.
pub const CONSOLIDATED: &str = "ofac-cons";

/// What precedes the asset where an address stands.
const ADDRESS: &str = "Digital Currency Address";

/// Reads either XML form, unpacked already (see [`super::open`]).
pub fn read(input: impl BufRead, file_hash: &str) -> Result<ParsedList, ListError> {
    let xml = Xml::root(input, &["Sanctions", "sdnList"])?;
    match xml.name() {
        "sdnList" => simple::read(xml, file_hash),
        _ => advanced::read(xml, file_hash),
    }
}

/// The asset behind `Digital Currency Address - XBT`; nothing for what is no address.
fn asset_of(label: &str) -> Option<Option<String>> {
    let asset = label.trim().strip_prefix(ADDRESS)?.trim_start_matches([' ', '-']).trim();
    Some((!asset.is_empty()).then(|| asset.to_string()))
}

/// What kind of party OFAC's word names: `individual`, `Vessel`, and nothing for a company.
fn kind_of(word: &str) -> model::PartyKind {
    use model::PartyKind;
    match word.trim().to_lowercase().as_str() {
        "individual" => PartyKind::Person,
        "vessel" => PartyKind::Vessel,
        "aircraft" => PartyKind::Aircraft,
        "entity" | "" | "-0-" => PartyKind::Organisation,
        _ => PartyKind::Unknown,
    }
}
