//! Kept clusters: a line of JSON that says what they rest on, then the clusterer's own bytes.

use anyhow::Result;
use entity::cluster::Excluded;
use entity::clusterer::{Clusterer, ServiceKind, Services};
use entity::heuristics::Rules;
use model::Chain;
use sha2::{Digest, Sha256};
use store::Store;

/// Why clusters that were never built cannot be read.
pub const NEVER: &str = "they were never built";

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Head {
    pub format: String,
    /// Transfers that were read.
    pub scanned: u64,
    /// SHA-256 of the services that were known.
    pub services: String,
}

pub struct Kept {
    pub scanned: u64,
    pub clusterer: Clusterer,
    /// Why it should be built anew, though it can be read.
    pub stale: Option<&'static str>,
}

const FORMAT: &str = "interdict-clusters/1";

impl Head {
    pub fn of(scanned: u64, services: &Services) -> Head {
        Head { format: FORMAT.into(), scanned, services: hash(services) }
    }
}

/// Which addresses are services decides what is merged on account chains.
fn hash(services: &Services) -> String {
    let mut hash = Sha256::new();
    for (bytes, kind) in services.said() {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
        hash.update([u8::from(kind == ServiceKind::Exchange)]);
    }
    model::hex::encode(&hash.finalize())
}

pub fn name(chain: Chain) -> String {
    format!("clusters-{}", chain.to_string().replace(':', "-"))
}

pub fn write(store: &Store, head: &Head, clusterer: &Clusterer) -> Result<u64> {
    let mut line = serde_json::to_vec(head)?;
    line.push(b'\n');
    let bytes = store.put_derived(&name(clusterer.chain()), |put| {
        put(&line)?;
        clusterer.encode(&mut |piece| put(piece))
    })?;
    Ok(bytes)
}

/// # Errors
/// Why what is kept cannot be used, in words.
pub fn read(
    store: &Store,
    chain: Chain,
    services: &Services,
    excluded: &Excluded,
    rules: Option<Rules>,
) -> Result<Kept, String> {
    let bytes = store.derived(&name(chain)).map_err(|error| error.to_string())?;
    let bytes = bytes.ok_or(NEVER)?;
    let (head, rest) = split(&bytes).ok_or("they are in no format that is known")?;
    // On Bitcoin no heuristic asks who is a service.
    let is_stale = !chain.is_utxo() && head.services != hash(services);
    let (services, excluded) = (services.clone(), excluded.clone());
    let clusterer = Clusterer::decode(rest, chain, services, excluded);
    let clusterer = clusterer.map_err(|error| error.to_string())?;
    if rules.is_some_and(|rules| rules != clusterer.rules()) {
        return Err("other rules were asked for".into());
    }
    let stale = is_stale.then_some("labels of services changed");
    Ok(Kept { scanned: head.scanned, clusterer, stale })
}

/// The rules of kept clusters, even where they are to be built anew.
pub fn rules(store: &Store, chain: Chain) -> Option<Rules> {
    let bytes = store.derived(&name(chain)).ok()??;
    let (_, rest) = split(&bytes)?;
    let (services, excluded) = (Services::default(), Excluded::default());
    Clusterer::decode(rest, chain, services, excluded).ok().map(|kept| kept.rules())
}

fn split(bytes: &[u8]) -> Option<(Head, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let head: Head = serde_json::from_slice(&bytes[..end]).ok()?;
    (head.format == FORMAT).then_some((head, &bytes[end + 1..]))
}
