//! OFAC's lists: the SDN list and the consolidated list of everybody else, in each of the forms
//! they are published in.
//!
//! | form | files | reader |
//! |---|---|---|
//! | Advanced XML | `sdn_advanced.xml`, `cons_advanced.xml` | [`advanced`] |
//! | XML | `sdn.xml`, `consolidated.xml` | [`simple`] |
//! | enhanced XML | `sdn_enhanced.xml`, `cons_enhanced.xml` | [`enhanced`] |
//! | CSV | `sdn.csv`, `alt.csv`, `add.csv`, `sdn_comments.csv`; `cons_*.csv` | [`csv`] |
//!
//! The id of a party is the same in all of them. What a publication changed is told by a
//! [`delta`], which is no list. Source: <https://ofac.treasury.gov/sanctions-list-service>.

pub mod advanced;
pub mod csv;
pub mod delta;
pub mod enhanced;
mod entity;
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

/// Reads any of the XML forms, unpacked already (see [`super::open`]).
pub fn read(input: impl BufRead, file_hash: &str) -> Result<ParsedList, ListError> {
    read_as(LIST, input, file_hash)
}

/// The same, where somebody knows which list it is. Only the plain XML does not say it itself.
pub fn read_as(list: &str, input: impl BufRead, file_hash: &str) -> Result<ParsedList, ListError> {
    let xml = Xml::root(input, &["Sanctions", "sdnList", enhanced::ROOT])?;
    match xml.name() {
        "sdnList" => simple::read(xml, list, file_hash),
        enhanced::ROOT => enhanced::read(xml, file_hash),
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

/// Of a part of a name; none says that the part is the whole name.
fn part_kind(name: &str) -> Option<model::PartKind> {
    use model::PartKind;
    match name {
        // Spanish usage: both are family names, as in ZAMBADA GARCIA, Ismael.
        "Last Name" | "Patronymic" | "Matronymic" => Some(PartKind::Family),
        "First Name" => Some(PartKind::Given),
        "Middle Name" => Some(PartKind::Patronymic),
        "Maiden Name" | "Nickname" => Some(PartKind::Other),
        _ => None,
    }
}

/// Since when, and under what, a party is listed.
#[derive(Clone, Debug, Default)]
struct Designation {
    listed_on: Option<model::Date>,
    programmes: Vec<String>,
    is_sdn: bool,
}

impl Designation {
    /// A party can stand on a sectoral list as well; the SDN list's own date
    /// goes first.
    fn take_in(&mut self, other: Designation) {
        let earlier = self.listed_on.into_iter().chain(other.listed_on).min();
        self.listed_on = match (self.is_sdn, other.is_sdn) {
            (true, false) => self.listed_on,
            (false, true) => other.listed_on,
            _ => earlier,
        };
        self.is_sdn |= other.is_sdn;
        other
            .programmes
            .into_iter()
            .for_each(|programme| super::gather::add_once(&mut self.programmes, programme));
    }
}
