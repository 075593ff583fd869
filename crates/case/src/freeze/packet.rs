//! What goes out: one signed JSON file that says what to freeze, why, and how the value got there.
//!
//! [`of`] joins a draft with a trace's report (`interdict trace --format json`) and what is known of
//! requester and holder. It is kept unsigned ([`draft_text`]) until a second person approved it; then
//! [`seal`] signs the same packet. [`missing`] says what it lacks. [`verify`] reads it back without a network and names what
//! is wrong. A verified file is, byte for byte, what the packet inside writes: nothing is in it that
//! was not read.

mod missing;
mod path;

use std::collections::BTreeSet;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use model::{Account, Asset, Coverage, Date, Marking, Timestamp, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::clock::after;
use super::{FreezeId, FreezeRequest, FreezeState};
use crate::holders::jurisdictions;
use crate::holders::{Checked, Contact, Holder};

pub use missing::{Missing, missing};
pub use path::{Hop, Path};

pub const FORMAT: &str = "interdict-freeze-packet";
/// A packet that nobody has approved, and nobody signed.
pub const DRAFT_FORMAT: &str = "interdict-freeze-packet-draft";
pub const VERSION: u32 = 1;
const ALGORITHM: &str = "Ed25519 over the packet's SHA-256";
/// A packet with thousands of hops is a few megabytes.
pub const BYTES_MAX: usize = 64 << 20;

#[derive(Debug, thiserror::Error)]
pub enum PacketError {
    #[error(
        "the trace's report cannot be read; expected what `interdict trace --format json` writes"
    )]
    Report(#[source] serde_json::Error),
    #[error("the trace's report is {found}; expected {expected}")]
    Kind { found: String, expected: &'static str },
    #[error(
        "the request is {found}; its packet is made while it is drafted, so that who approves has read it"
    )]
    NotDrafted { found: String },
    #[error("this is a draft that nobody approved: it is not signed and must not go out")]
    Draft,
    #[error("this is no freeze packet")]
    Shape(#[source] serde_json::Error),
    #[error("the freeze packet was not accepted: {0}")]
    Changed(String),
}

/// What is asked, of whom, by whom, and what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packet {
    pub request: FreezeId,
    pub revision: i64,
    pub reference: Option<String>,
    pub title: String,
    pub marking: Marking,
    pub made_at: Timestamp,
    pub made_by: String,
    pub requester: Requester,
    pub addressee: Addressee,
    pub legal_basis: Vec<Basis>,
    pub deadline: Deadline,
    pub summary: String,
    pub assets: Vec<AssetName>,
    pub asks: Vec<Ask>,
    pub paths: Vec<Path>,
    pub evidence: Vec<Evidence>,
    pub snapshots: Vec<Coverage>,
    /// The taint policy of the trace.
    pub policy: String,
    pub remarks: Vec<String>,
}

/// Who asks. A holder checks them over a channel of their own: requests are forged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requester {
    pub name: String,
    pub organisation: String,
    /// Under what power they ask.
    pub authority: String,
    pub jurisdiction: String,
    pub contact: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addressee {
    pub name: String,
    pub kind: String,
    pub how: String,
    pub contact: Vec<String>,
    pub needs: Vec<String>,
    /// Where what is said of them comes from, when it was written down, and whether it was compared.
    pub source: String,
    pub date: Option<Date>,
    pub checked: Checked,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    pub law: String,
    /// Where it can be read, if the jurisdiction's row says.
    pub source: Option<String>,
    /// None: no row of the jurisdiction speaks of it.
    pub checked: Option<Checked>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    pub acknowledge_by: Timestamp,
    pub freeze_by: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetName {
    pub asset: Asset,
    pub symbol: Option<String>,
    pub decimals: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub account: Account,
    pub asset: Asset,
    /// Base units.
    pub amount: String,
}

/// A list or a collection of labels that the trace used, by the hash of its file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    pub kind: String,
    pub name: String,
    pub date: Option<String>,
    pub sha256: String,
}

/// What only the caller knows.
#[derive(Clone, Debug)]
pub struct Circumstances<'a> {
    pub requester: &'a Requester,
    pub holder: &'a Holder,
    pub summary: &'a str,
    /// `interdict 0.1.0`.
    pub made_by: &'a str,
    pub now: Timestamp,
    /// What the report itself is from, such as a signed bundle, by the hash of its file.
    pub evidence: &'a [Evidence],
}

/// What of a trace's report a packet needs.
#[derive(Deserialize)]
struct Report {
    format: String,
    version: u32,
    policy: String,
    conserves: bool,
    direction: String,
    sources: Vec<String>,
    nodes: Vec<Node>,
    edges: Vec<path::Edge>,
    crossings: Vec<path::Crossed>,
    assets: Vec<ReportAsset>,
    coverage: Covered,
}

#[derive(Deserialize)]
struct Node {
    account: Account,
    resting: std::collections::BTreeMap<Asset, String>,
    tainted: std::collections::BTreeMap<Asset, String>,
    labels: Vec<LabelRow>,
    listings: Vec<ListingRow>,
}

#[derive(Deserialize)]
struct LabelRow {
    source: String,
    collection: String,
    date: Option<String>,
    file_hash: String,
}

#[derive(Deserialize)]
struct ListingRow {
    list: String,
    list_date: String,
    file_hash: String,
}

#[derive(Deserialize)]
struct ReportAsset {
    asset: Asset,
    symbol: Option<String>,
    decimals: Option<u8>,
}

#[derive(Deserialize)]
struct Covered {
    chains: Vec<Coverage>,
    notes: Vec<String>,
}

/// Joins a draft with the trace that found where its value rests. It is of the revision that keeping it
/// makes: the packet is a part of the draft.
pub fn of(
    request: &FreezeRequest,
    report: &str,
    said: &Circumstances<'_>,
) -> Result<Packet, PacketError> {
    if request.state != FreezeState::Drafted {
        return Err(PacketError::NotDrafted { found: request.state.to_string() });
    }
    let report: Report = serde_json::from_str(report).map_err(PacketError::Report)?;
    check_kind(&report)?;
    let routes = path::Routes::new(&report.sources, &report.edges, &report.crossings);
    let mut remarks = Vec::new();
    let mut paths = Vec::new();
    for item in &request.items {
        let node = report.nodes.iter().find(|node| node.account == item.account);
        let resting =
            node.and_then(|node| node.resting.get(&item.asset)).map_or("0", String::as_str);
        let tainted =
            node.and_then(|node| node.tainted.get(&item.asset)).map_or("0", String::as_str);
        if model::amount::parse_base(resting).is_ok_and(|resting| resting < item.asked) {
            remarks.push(format!(
                "Asked at {}: {} base units of {}; the trace finds {resting} tainted units resting there and {tainted} that ever arrived.",
                item.account, item.asked, item.asset
            ));
        }
        paths.push(routes.to(&item.account, &item.asset, resting));
    }
    if !report.conserves {
        remarks.push(format!(
            "The policy {} does not conserve value: amounts of several accounts may overlap.",
            report.policy
        ));
    }
    remarks.extend(report.coverage.notes.iter().cloned());
    Ok(Packet {
        request: request.id,
        revision: request.revision + 1,
        reference: request.reference.clone(),
        title: request.title.clone(),
        marking: request.marking,
        made_at: said.now,
        made_by: said.made_by.to_string(),
        requester: said.requester.clone(),
        addressee: addressee(said.holder),
        legal_basis: request
            .legal_basis
            .iter()
            .map(|law| basis(law, &request.jurisdiction))
            .collect(),
        deadline: Deadline {
            acknowledge_by: after(said.now, request.clocks.acknowledge_s),
            freeze_by: after(said.now, request.clocks.freeze_s),
        },
        summary: said.summary.to_string(),
        assets: assets(request, &report),
        asks: request
            .items
            .iter()
            .map(|item| Ask {
                account: item.account.clone(),
                asset: item.asset.clone(),
                amount: item.asked.to_string(),
            })
            .collect(),
        evidence: said.evidence.iter().cloned().chain(evidence(&paths, &report.nodes)).collect(),
        paths,
        snapshots: report.coverage.chains,
        policy: report.policy,
        remarks,
    })
}

fn check_kind(report: &Report) -> Result<(), PacketError> {
    if report.format != "interdict-trace" || report.version != 1 {
        let found = format!("{} {}", report.format, report.version);
        return Err(PacketError::Kind { found, expected: "interdict-trace 1" });
    }
    if report.direction != "forward" {
        let found = report.direction.clone();
        return Err(PacketError::Kind {
            found,
            expected: "forward: from the theft to where it rests",
        });
    }
    Ok(())
}

fn addressee(holder: &Holder) -> Addressee {
    let contact = match &holder.contact {
        Contact::Portal(portal) => vec![portal.clone()],
        Contact::Unknown => Vec::new(),
    };
    let kind = serde_json::to_value(holder.kind).ok();
    Addressee {
        name: holder.name.clone(),
        kind: kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or("holder").to_string(),
        how: holder.how.clone(),
        contact,
        needs: holder.needs.clone(),
        source: holder.source.clone(),
        date: holder.date,
        checked: holder.checked,
    }
}

fn basis(law: &str, jurisdiction: &str) -> Basis {
    let row = jurisdictions::of(jurisdiction);
    let route = row.and_then(|row| row.routes.into_iter().find(|route| route.law == law));
    Basis {
        law: law.to_string(),
        checked: route.as_ref().map(|route| route.checked),
        source: route.map(|route| route.source),
    }
}

/// Names of the assets that are asked for or passed on the way.
fn assets(request: &FreezeRequest, report: &Report) -> Vec<AssetName> {
    let asked: BTreeSet<&Asset> = request.items.iter().map(|item| &item.asset).collect();
    let moved: BTreeSet<&Asset> = report.edges.iter().map(|edge| &edge.asset).collect();
    let name = |asset: &Asset| {
        let row = report.assets.iter().find(|row| row.asset == *asset);
        AssetName {
            asset: asset.clone(),
            symbol: row.and_then(|row| row.symbol.clone()),
            decimals: row.and_then(|row| row.decimals),
        }
    };
    asked.union(&moved).map(|asset| name(asset)).collect()
}

/// The lists and label files that speak of an account on the way.
fn evidence(paths: &[Path], nodes: &[Node]) -> Vec<Evidence> {
    let hops = || paths.iter().flat_map(|path| &path.hops);
    let on_the_way: BTreeSet<&Account> = paths
        .iter()
        .map(|path| &path.to)
        .chain(hops().filter_map(|hop| hop.from.as_ref()))
        .chain(hops().filter_map(|hop| hop.to.as_ref()))
        .collect();
    let mut all = BTreeSet::new();
    for node in nodes.iter().filter(|node| on_the_way.contains(&node.account)) {
        all.extend(node.listings.iter().map(|row| Evidence {
            kind: "list".into(),
            name: row.list.clone(),
            date: Some(row.list_date.clone()),
            sha256: row.file_hash.clone(),
        }));
        all.extend(node.labels.iter().map(|row| Evidence {
            kind: "label".into(),
            name: format!("{} ({})", row.collection, row.source),
            date: row.date.clone(),
            sha256: row.file_hash.clone(),
        }));
    }
    all.into_iter().collect()
}

/// The text of a packet that is not signed.
pub fn draft_text(packet: &Packet) -> Result<String, PacketError> {
    let unsigned =
        Unsigned { format: DRAFT_FORMAT.into(), version: VERSION, packet: packet.clone() };
    serde_json::to_string(&unsigned).map(|text| text + "\n").map_err(PacketError::Shape)
}

/// Reads what [`draft_text`] wrote.
pub fn of_draft(text: &str) -> Result<Packet, PacketError> {
    let unsigned: Unsigned = serde_json::from_str(text).map_err(PacketError::Shape)?;
    match unsigned.format == DRAFT_FORMAT && unsigned.version == VERSION {
        true => Ok(unsigned.packet),
        false => Err(PacketError::Changed("its format or version is another".into())),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unsigned {
    format: String,
    version: u32,
    packet: Packet,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    format: String,
    version: u32,
    packet: Packet,
    seal: Seal,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    algorithm: String,
    public_key: String,
    /// Of the packet's own text, as it stands in the file.
    sha256: String,
    signature: String,
}

/// A packet that was read back and found whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    pub packet: Packet,
    /// Hex. Whose it is, is not in the file: compare it with one you already trust.
    pub public_key: String,
    /// Of the whole file: what its PDF prints.
    pub file_sha256: String,
}

/// The signed file's text.
pub fn seal(packet: Packet, key: &SigningKey) -> Result<String, PacketError> {
    let sha256 = hash_of(&packet)?;
    let seal = Seal {
        algorithm: ALGORITHM.into(),
        public_key: hex::encode(key.verifying_key().as_bytes()),
        signature: hex::encode(&key.sign(&message(&sha256)).to_bytes()),
        sha256,
    };
    text(&Signed { format: FORMAT.into(), version: VERSION, packet, seal })
}

/// Reads a signed file and checks it; needs nothing but the file.
pub fn verify(file: &str) -> Result<Verified, PacketError> {
    let changed = |why: &str| PacketError::Changed(why.to_string());
    if file.len() > BYTES_MAX {
        return Err(changed("it is larger than 64 MiB"));
    }
    let signed: Signed = match serde_json::from_str(file) {
        Ok(signed) => signed,
        Err(_) if of_draft(file).is_ok() => return Err(PacketError::Draft),
        Err(error) => return Err(PacketError::Shape(error)),
    };
    if signed.format != FORMAT || signed.version != VERSION || signed.seal.algorithm != ALGORITHM {
        return Err(changed("its format, version or algorithm is another"));
    }
    // JSON can say a field twice or with other spaces: what is read must be all there is.
    if text(&signed)? != file {
        return Err(changed("it says more than is read, or writes it otherwise"));
    }
    if hash_of(&signed.packet)? != signed.seal.sha256 {
        return Err(changed("the packet is not the one that was signed: its hash differs"));
    }
    let key =
        hex::decode(&signed.seal.public_key).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let key = key.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
    let key = key.ok_or_else(|| changed("its public key is none"))?;
    let signature =
        hex::decode(&signed.seal.signature).and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    let signature = signature.ok_or_else(|| changed("its signature is none"))?;
    key.verify_strict(&message(&signed.seal.sha256), &Signature::from_bytes(&signature))
        .map_err(|_| changed("its signature does not match"))?;
    Ok(Verified {
        packet: signed.packet,
        public_key: signed.seal.public_key,
        file_sha256: file_sha256(file),
    })
}

/// What `sha256sum` says of the file.
pub fn file_sha256(file: &str) -> String {
    hex::encode(&Sha256::digest(file.as_bytes()))
}

/// Of the packet's own text: the same before it is signed and after, and what the seal signs.
pub fn hash_of(packet: &Packet) -> Result<String, PacketError> {
    let text = serde_json::to_string(packet).map_err(PacketError::Shape)?;
    Ok(hex::encode(&Sha256::digest(text.as_bytes())))
}

fn message(sha256: &str) -> Vec<u8> {
    format!("{FORMAT} {VERSION}\n{sha256}\n").into_bytes()
}

fn text(signed: &Signed) -> Result<String, PacketError> {
    serde_json::to_string(signed).map(|text| text + "\n").map_err(PacketError::Shape)
}
