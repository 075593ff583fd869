//! What the ids of one file mean.

use std::collections::HashMap;
use std::io::BufRead;

use model::{PartKind, PartyKind};

use super::super::features::Feature;
use super::super::part_kind;
use crate::lists::ListError;
use crate::lists::xml::Xml;

#[derive(Default)]
pub struct References {
    /// Each with its label.
    pub features: HashMap<String, (String, Feature)>,
    pub details: HashMap<String, String>,
    pub document_types: HashMap<String, String>,
    pub countries: HashMap<String, String>,
    pub areas: HashMap<String, String>,
    /// Of parts of names; none says that the part is the whole name.
    pub part_kinds: HashMap<String, Option<PartKind>>,
    /// Scripts other than Latin, by BCP 47 where the code is one.
    pub scripts: HashMap<String, String>,
    pub primary_latin: Option<String>,
    pub former_name: Option<String>,
    pub programme: Option<String>,
    pub sdn_list: Option<String>,
    /// What each kind of party is called, and which wider one it belongs to.
    party_types: HashMap<String, String>,
    party_sub_types: HashMap<String, (String, String)>,
}

pub fn read_references<R: BufRead>(xml: &mut Xml<R>) -> Result<References, ListError> {
    let mut references = References::default();
    while xml.child()? {
        match xml.name() {
            "LegalBasisValues" => xml.skip()?,
            _ => read_values(xml, &mut references)?,
        }
    }
    Ok(references)
}

fn read_values<R: BufRead>(xml: &mut Xml<R>, references: &mut References) -> Result<(), ListError> {
    while xml.child()? {
        let kind = xml.name().to_string();
        let id = xml.required("ID")?;
        let attribute = match kind.as_str() {
            "PartySubType" => xml.attribute("PartyTypeID")?,
            "Script" => xml.attribute("ScriptCode")?,
            "AreaCode" => xml.attribute("Description")?,
            _ => None,
        };
        let text = xml.text()?;
        references.take(&kind, id, text, attribute.unwrap_or_default());
    }
    Ok(())
}

impl References {
    fn take(&mut self, kind: &str, id: String, text: String, attribute: String) {
        match (kind, text.as_str()) {
            ("FeatureType", label) => {
                let feature = Feature::of(label);
                self.features.insert(id, (text, feature));
            }
            ("DetailReference", _) => drop(self.details.insert(id, text)),
            ("IDRegDocType", _) => drop(self.document_types.insert(id, text)),
            ("Country", _) => drop(self.countries.insert(id, text)),
            ("AreaCode", code) => {
                let name = if attribute.is_empty() { code.to_string() } else { attribute };
                self.areas.insert(id, name);
            }
            ("NamePartType", name) => drop(self.part_kinds.insert(id, part_kind(name))),
            ("Script", "Latin") => {}
            ("Script", name) => drop(self.scripts.insert(id, script(&attribute, name))),
            ("AliasType", "F.K.A.") => self.former_name = Some(id),
            ("DocNameStatus", "Primary Latin") => self.primary_latin = Some(id),
            ("SanctionsType", "Program") => self.programme = Some(id),
            ("List", "SDN List") => self.sdn_list = Some(id),
            ("PartyType", _) => drop(self.party_types.insert(id, text)),
            ("PartySubType", _) => drop(self.party_sub_types.insert(id, (text, attribute))),
            _ => {}
        }
    }

    pub fn kind_of(&self, sub_type: Option<&str>) -> PartyKind {
        let Some((name, wider)) = sub_type.and_then(|id| self.party_sub_types.get(id)) else {
            return PartyKind::Unknown;
        };
        match (name.as_str(), self.party_types.get(wider).map(String::as_str)) {
            ("Vessel", _) => PartyKind::Vessel,
            ("Aircraft", _) => PartyKind::Aircraft,
            (_, Some("Individual")) => PartyKind::Person,
            (_, Some("Entity" | "Other Entity")) => PartyKind::Organisation,
            _ => PartyKind::Unknown,
        }
    }
}

fn script(code: &str, name: &str) -> String {
    if code.len() == 4 { format!("und-{code}") } else { name.to_string() }
}
