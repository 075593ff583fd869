//! The names of one identity.

use std::collections::HashMap;
use std::io::BufRead;

use model::{NameKind, NamePart, NameQuality, PartKind, PartyName};

use super::references::References;
use crate::lists::ListError;
use crate::lists::xml::Xml;

/// A name in one script, before it is known what the groups of its parts are.
struct Documented {
    is_primary: bool,
    is_latin: bool,
    is_former: bool,
    is_low: bool,
    language: Option<String>,
    /// Each with its group.
    parts: Vec<(Option<String>, String)>,
}

/// What each group of parts is; none where it is the whole name.
type Groups = HashMap<String, Option<PartKind>>;

/// In the order of the file; the primary one of the primary identity is marked so.
pub fn read_identity<R: BufRead>(
    xml: &mut Xml<R>,
    references: &References,
    is_primary: bool,
) -> Result<Vec<PartyName>, ListError> {
    let mut names = Vec::new();
    let mut groups = Groups::new();
    while xml.child()? {
        match xml.name() {
            "Alias" => read_alias(xml, references, &mut names)?,
            "NamePartGroups" => read_groups(xml, references, &mut groups)?,
            _ => xml.skip()?,
        }
    }
    names.retain(|name: &Documented| name.parts.iter().any(|(_, text)| !text.is_empty()));
    // Where nothing is said to be Latin, the first of the primary ones is.
    let primary = names
        .iter()
        .position(|name| name.is_primary && name.is_latin)
        .or_else(|| names.iter().position(|name| name.is_primary))
        .filter(|_| is_primary);
    let told = names.iter().enumerate();
    Ok(told.map(|(at, name)| name.tell(&groups, Some(at) == primary)).collect())
}

fn read_alias<R: BufRead>(
    xml: &mut Xml<R>,
    references: &References,
    names: &mut Vec<Documented>,
) -> Result<(), ListError> {
    let is_primary = xml.is_true("Primary")?;
    let is_low = xml.is_true("LowQuality")?;
    let kind = xml.attribute("AliasTypeID")?;
    let is_former = kind.is_some() && kind == references.former_name;
    while xml.child()? {
        if xml.name() != "DocumentedName" {
            xml.skip()?;
            continue;
        }
        let status = xml.attribute("DocNameStatusID")?;
        let mut name = Documented {
            is_primary,
            is_latin: status.is_some() && status == references.primary_latin,
            is_former,
            is_low,
            language: None,
            parts: Vec::new(),
        };
        while xml.child()? {
            if xml.name() != "DocumentedNamePart" {
                xml.skip()?;
                continue;
            }
            while xml.child()? {
                if xml.name() != "NamePartValue" {
                    xml.skip()?;
                    continue;
                }
                let script = xml.attribute("ScriptID")?;
                if let Some(script) = script.and_then(|id| references.scripts.get(&id)) {
                    name.language = Some(script.clone());
                }
                let group = xml.attribute("NamePartGroupID")?;
                name.parts.push((group, xml.text()?));
            }
        }
        names.push(name);
    }
    Ok(())
}

fn read_groups<R: BufRead>(
    xml: &mut Xml<R>,
    references: &References,
    groups: &mut Groups,
) -> Result<(), ListError> {
    while xml.child()? {
        while xml.child()? {
            let kind = xml.attribute("NamePartTypeID")?;
            if let (Some(kind), Some(id)) = (kind, xml.attribute("ID")?)
                && let Some(kind) = references.part_kinds.get(&kind)
            {
                groups.insert(id, *kind);
            }
            xml.skip()?;
        }
    }
    Ok(())
}

impl Documented {
    fn tell(&self, groups: &Groups, is_primary: bool) -> PartyName {
        let kind = match () {
            () if is_primary => NameKind::Primary,
            () if self.language.is_some() => NameKind::Original,
            () if self.is_former => NameKind::Former,
            () => NameKind::Alias,
        };
        let part = |(group, text): &(Option<String>, String)| {
            let kind = (*groups.get(group.as_ref()?)?)?;
            (!text.is_empty()).then(|| NamePart { kind, text: text.clone() })
        };
        PartyName {
            text: self.text(groups),
            kind,
            quality: if self.is_low { NameQuality::Low } else { NameQuality::Good },
            parts: self.parts.iter().filter_map(part).collect(),
            language: self.language.clone(),
        }
    }

    /// As OFAC prints it: `FAMILY NAMES, Given Names`, or the name of an entity
    /// as it stands, or what another script has in its own order.
    fn text(&self, groups: &Groups) -> String {
        let is_family = |group: &Option<String>| {
            let kind = group.as_ref().and_then(|group| groups.get(group));
            self.language.is_none() && kind == Some(&Some(PartKind::Family))
        };
        let join = |family: bool| {
            let parts = self.parts.iter().filter(|(group, _)| is_family(group) == family);
            parts
                .map(|(_, text)| text.as_str())
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let (family, given) = (join(true).to_uppercase(), join(false));
        match (family.is_empty(), given.is_empty()) {
            (true, _) => given,
            (_, true) => family,
            _ => format!("{family}, {given}"),
        }
    }
}
