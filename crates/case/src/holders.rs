//! Who can stop value at a place: the token's issuer, the host of the account, a bridge, validators.
//!
//! What is known of a place goes in: its asset, and what labels say of the account. Out comes who could
//! stop it, how, and what of their contact was established, from `data/holders.toml`; by which law,
//! from `data/jurisdictions.toml` ([`jurisdictions`]). A label is a claim: that none names a host
//! does not make an account unhosted, and the answer says so.

pub mod jurisdictions;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use model::{Asset, Date};
use serde::{Deserialize, Serialize};

const SHIPPED: &str = include_str!("../data/holders.toml");

/// In the order in which they are asked: an issuer stops a token wherever it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HolderKind {
    Issuer,
    Exchange,
    Custodian,
    Bridge,
    ValidatorSet,
    /// Somebody whom only a request names.
    Unknown,
}

/// Whether what a row says was held against its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// Written down from memory: look at the source before you rely on it.
    #[default]
    FromMemory,
    /// Compared with its source, or with a copy of it, on the row's date.
    Compared,
}

impl Checked {
    pub fn said(self) -> &'static str {
        match self {
            Checked::FromMemory => "written down from memory and not compared with its source",
            Checked::Compared => "compared with its source",
        }
    }
}

/// Somebody who can stop value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// None: a label names them, and nothing more is known here.
    pub id: Option<String>,
    pub name: String,
    pub kind: HolderKind,
    pub how: String,
    pub contact: Contact,
    /// What a request to them must carry, by their own word or public report.
    pub needs: Vec<String>,
    /// ISO 3166-1, where the source says under which law they stand.
    pub jurisdiction: Option<String>,
    pub source: String,
    pub date: Option<Date>,
    pub checked: Checked,
    /// What it was held against, where that was not the source itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    pub note: Option<String>,
    /// Why they are named: the asset is theirs, or a label says that the account lies with them.
    pub because: String,
}

/// Where public authorities reach a holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum Contact {
    Portal(String),
    Unknown,
}

/// What labels say of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pub name: String,
    /// The actor's id, where the label names one.
    pub actor: Option<String>,
    /// Concept ids of the taxonomy, as in `model::Label`.
    pub concepts: Vec<String>,
}

/// Who can stop an asset at an account, and what remains unsaid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    pub holders: Vec<Holder>,
    pub remarks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    holder: Vec<Row>,
    issued: Vec<Issued>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    name: String,
    kind: HolderKind,
    #[serde(default)]
    aliases: Vec<String>,
    jurisdiction: Option<String>,
    how: String,
    portal: Option<String>,
    needs: Vec<String>,
    source: String,
    date: Date,
    #[serde(default)]
    checked: Checked,
    against: Option<String>,
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Issued {
    holder: String,
    assets: Vec<Asset>,
}

struct Directory {
    rows: Vec<Row>,
    issuers: BTreeMap<Asset, usize>,
}

fn directory() -> &'static Directory {
    static DIRECTORY: LazyLock<Directory> =
        LazyLock::new(|| read(SHIPPED).expect("the shipped holders are tested to parse"));
    &DIRECTORY
}

fn read(text: &str) -> Result<Directory, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut issuers = BTreeMap::new();
    for issued in file.issued {
        let at = file.holder.iter().position(|row| row.id == issued.holder);
        let at = at.ok_or_else(|| format!("no holder {}", issued.holder))?;
        for asset in issued.assets {
            if issuers.insert(asset.clone(), at).is_some() {
                return Err(format!("{asset} has two issuers"));
            }
        }
    }
    Ok(Directory { rows: file.holder, issuers })
}

/// Who can stop this asset where it lies.
pub fn of(asset: &Asset, known: &[Known]) -> Answer {
    let directory = directory();
    let mut holders = Vec::new();
    let mut remarks = Vec::new();
    match directory.issuers.get(asset) {
        Some(at) => holders.push(directory.rows[*at].holder(format!("{asset} is their token"))),
        None if asset.is_native() => {}
        None => remarks.push(format!(
            "Who issued {asset}, and whether they can stop one holder, is not known here: look at its contract."
        )),
    }
    for label in known {
        if let Some(kind) = hosts(label) {
            let because = format!("a label says {:?}", label.name);
            let row = directory.rows.iter().find(|row| row.is_meant(label, kind));
            holders.push(match row {
                Some(row) => row.holder(because),
                None => unlisted(label, kind, because),
            });
        }
    }
    holders.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    holders.dedup_by(|a, b| a.kind == b.kind && a.name == b.name);
    if holders.is_empty() && asset.is_native() {
        remarks.push(
            "A native coin at an address that nobody hosts: nobody can stop it. It can be stopped where it arrives next."
                .into(),
        );
    }
    if !holders.iter().any(|holder| holder.kind != HolderKind::Issuer) {
        remarks.push(
            "No label names a host of this account. That does not show that it has none.".into(),
        );
    }
    Answer { holders, remarks }
}

/// As what a labelled place can stop value.
fn hosts(label: &Known) -> Option<HolderKind> {
    let kind = |concept: &String| match concept.as_str() {
        "exchange" | "payment_processor" | "atm" => Some(HolderKind::Exchange),
        "defi_custody" | "wallet_service" | "escrow_wallet" => Some(HolderKind::Custodian),
        "defi_bridge" => Some(HolderKind::Bridge),
        _ => None,
    };
    label.concepts.iter().find_map(kind)
}

impl Row {
    /// By actor where there is one, else by the first words of the label: `Binance 14`.
    fn is_meant(&self, label: &Known, kind: HolderKind) -> bool {
        let is_bridge = |kind| matches!(kind, HolderKind::Bridge | HolderKind::ValidatorSet);
        if self.kind != kind && !(is_bridge(self.kind) && is_bridge(kind)) {
            return false;
        }
        let actor = label.actor.as_deref().map(slug);
        let name = slug(&label.name);
        self.aliases.iter().any(|alias| match &actor {
            Some(actor) => actor == alias,
            None => name
                .strip_prefix(alias.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-')),
        })
    }

    fn holder(&self, because: String) -> Holder {
        Holder {
            id: Some(self.id.clone()),
            name: self.name.clone(),
            kind: self.kind,
            how: self.how.clone(),
            contact: self.portal.clone().map_or(Contact::Unknown, Contact::Portal),
            needs: self.needs.clone(),
            jurisdiction: self.jurisdiction.clone(),
            source: self.source.clone(),
            date: Some(self.date),
            checked: self.checked,
            against: self.against.clone(),
            note: self.note.clone(),
            because,
        }
    }
}

/// Whom a request names: by name, id or alias, else somebody of whom nothing is known here.
pub fn named(name: &str) -> Holder {
    let because = "the request names them".to_string();
    let meant = slug(name);
    let row = directory().rows.iter().find(|row| {
        row.name == name
            || row.id == meant
            || row.aliases.contains(&meant)
            || slug(&row.name) == meant
    });
    match row {
        Some(row) => row.holder(because),
        None => Holder {
            source: "the request".into(),
            ..nobody_knows(name, HolderKind::Unknown, because)
        },
    }
}

fn unlisted(label: &Known, kind: HolderKind, because: String) -> Holder {
    nobody_knows(&label.name, kind, because)
}

fn nobody_knows(name: &str, kind: HolderKind, because: String) -> Holder {
    Holder {
        id: None,
        name: name.to_string(),
        kind,
        how: "A host can stop what lies with it. How this one does was not established.".into(),
        contact: Contact::Unknown,
        needs: Vec::new(),
        jurisdiction: None,
        source: "the label".into(),
        date: None,
        checked: Checked::FromMemory,
        against: None,
        note: None,
        because,
    }
}

/// Lower case, with `-` between words.
fn slug(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use model::Freezable;
    use model::registry::Registry;

    use super::*;

    fn asset(text: &str) -> Asset {
        text.parse().unwrap()
    }

    fn known(name: &str, concept: &str) -> Known {
        Known { name: name.into(), actor: None, concepts: vec![concept.into()] }
    }

    fn names(asset: &Asset, known: &[Known]) -> Vec<String> {
        of(asset, known).holders.into_iter().map(|holder| holder.name).collect()
    }

    #[test]
    fn the_issuer_comes_before_the_exchange() {
        let usdt = asset("tron:0x2b6653dc/trc20:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t");
        assert_eq!(names(&usdt, &[known("Binance 14", "exchange")]), ["Tether", "Binance"]);
    }

    #[test]
    fn nobody_stops_a_native_coin_that_nobody_hosts() {
        let eth = asset("eip155:1/slip44:60");
        let answer = of(&eth, &[known("Bybit exploiter", "hacking")]);
        assert!(answer.holders.is_empty());
        assert!(answer.remarks[0].contains("nobody can stop it"), "{:?}", answer.remarks);
    }

    #[test]
    fn a_name_that_only_begins_alike_is_another() {
        let eth = asset("eip155:1/slip44:60");
        let answer = of(&eth, &[known("Krakenfan pool", "exchange")]);
        assert_eq!(answer.holders[0].id, None);
        assert_eq!(answer.holders[0].contact, Contact::Unknown);
        // A victim's address is not an account at the exchange of that name.
        assert!(of(&eth, &[known("Binance", "victim")]).holders.is_empty());
    }

    #[test]
    fn an_unknown_token_is_said_to_be_unknown() {
        let token = asset("eip155:1/erc20:0x1111111111111111111111111111111111111111");
        let answer = of(&token, &[]);
        assert!(answer.holders.is_empty());
        assert!(answer.remarks[0].contains("not known here"));
        assert!(!answer.remarks.iter().any(|remark| remark.contains("nobody can stop")));
    }

    #[test]
    fn every_row_has_its_source_and_every_freezable_asset_its_issuer() {
        let directory = directory();
        for row in &directory.rows {
            assert!(row.source.starts_with("https://"), "{}", row.id);
            assert!(
                row.portal.as_ref().is_none_or(|portal| portal.starts_with("https://")),
                "{}",
                row.id
            );
        }
        let registry = Registry::shipped();
        for asset in directory.issuers.keys() {
            let freezable = registry.get(asset).map(|meta| meta.freezable);
            assert!(!matches!(freezable, Some(Freezable::No)), "{asset}");
        }
    }
}
