//! OFAC's enhanced XML, `SDN_ENHANCED.XML` and `CONS_ENHANCED.XML`: each party whole, one after the other.
//!
//! ```text
//! sanctionsData
//!   publicationInfo   dataAsOf; filters/sanctionsLists/sanctionsList, filters/sanctionsPrograms
//!   referenceValues, featureTypes
//!   entities/entity id   generalInfo, sanctionsLists, sanctionsPrograms, names, addresses, features,
//!                        identityDocuments, relationships: see `entity`
//! ```
//!
//! The file says itself which list it is. One that was made for some programmes, or for a part of the
//! consolidated list, is refused: as a version of a list it would take everybody else off. The texts stand
//! beside the ids of reference values, which are not looked up.
//!
//! Known from: the schema, as programs are generated from it
//! (`pkg/csl_us/gen/ENHANCED_XML` of moov-io/watchman), and clippings of the published files in the
//! tests of others. No published file was at hand.

use std::io::BufRead;

use model::Date;

use super::{CONSOLIDATED, LIST, entity, features};
use crate::lists::dates::{self, Order};
use crate::lists::gather::Gather;
use crate::lists::xml::Xml;
use crate::lists::{ListError, ParsedList};

pub(super) const ROOT: &str = "sanctionsData";

/// How the file calls the two lists.
pub(super) const SDN: &str = "SDN List";
pub(super) const CONS: &str = "Consolidated List";

/// Reads the whole list; its root is open.
pub fn read<R: BufRead>(mut xml: Xml<R>, file_hash: &str) -> Result<ParsedList, ListError> {
    if xml.namespace()? == super::delta::NAMESPACE {
        return Err(xml.error("a whole list", "a delta file, which says only what changed"));
    }
    let mut about = None;
    let mut read = None;
    while xml.child()? {
        match xml.name() {
            "publicationInfo" => about = Some(read_info(&mut xml)?),
            "entities" => {
                let Some(info) = about.take() else {
                    return Err(xml.error("publicationInfo before entities", "none"));
                };
                if read.is_some() {
                    return Err(xml.error("one element entities", "another"));
                }
                read = Some(read_entities(&mut xml, info, file_hash)?);
            }
            _ => xml.skip()?,
        }
    }
    let list = read.ok_or_else(|| xml.error("entities", "none in the whole file"))?;
    xml.end()?;
    Ok(list)
}

struct Info {
    date: Date,
    /// Where the file says it.
    list: Option<&'static str>,
}

fn read_info<R: BufRead>(xml: &mut Xml<R>) -> Result<Info, ListError> {
    let info = xml.tree()?;
    let written = info.told("dataAsOf");
    let date = dates::whole(written, Order::MonthFirst);
    let date = date.ok_or_else(|| xml.error("a day in dataAsOf", &format!("{written:?}")))?;
    let filters = |group: &str, name: &str| {
        let found = info.each("filters").flat_map(|filters| filters.within(group, name));
        found.map(|node| node.text.clone()).collect::<Vec<_>>()
    };
    let programmes = filters("sanctionsPrograms", "sanctionsProgram");
    if !programmes.is_empty() {
        let found = format!("the part of it under {}", programmes.join(", "));
        return Err(xml.error("a whole list", &found));
    }
    let lists = filters("sanctionsLists", "sanctionsList");
    let has = |list: &str| lists.iter().any(|name| name == list);
    let list = match (has(SDN), has(CONS)) {
        (true, false) => Some(LIST),
        (false, true) => Some(CONSOLIDATED),
        (false, false) if lists.is_empty() => None,
        _ => {
            let expected = format!("either of {SDN} and {CONS}, whole");
            return Err(xml.error(&expected, &lists.join(", ")));
        }
    };
    Ok(Info { date, list })
}

fn read_entities<R: BufRead>(
    xml: &mut Xml<R>,
    info: Info,
    file_hash: &str,
) -> Result<ParsedList, ListError> {
    let mut gather = Gather::new(info.list.unwrap_or(LIST), info.date, file_hash);
    let (mut on_sdn, mut on_others) = (false, false);
    while xml.child()? {
        if xml.name() != "entity" {
            xml.skip()?;
            continue;
        }
        if let Some(action) = xml.attribute("action")? {
            return Err(xml.error("a party of a whole list", &format!("the action {action:?}")));
        }
        let id = xml.required("id")?;
        let node = xml.tree()?;
        if id.trim().is_empty() {
            return Err(xml.error("the id of an entity", "an empty one"));
        }
        let told = entity::read(&node, gather.party(&id, model::PartyKind::Unknown));
        on_sdn |= told.is_sdn;
        on_others |= !told.is_sdn && told.is_on_list;
        features::put(&mut gather, told.party, told.addresses);
    }
    let list = gather.finish();
    match (info.list, on_sdn, on_others) {
        (Some(_), ..) | (None, true, false) | (None, false, false) => Ok(list),
        (None, false, true) => Ok(list.with_name(CONSOLIDATED)),
        (None, true, true) => {
            let found = "parties of both, and no filter that says which it is";
            Err(xml.error(&format!("either of {SDN} and {CONS}"), found))
        }
    }
}
