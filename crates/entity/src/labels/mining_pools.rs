//! Mining pools: the addresses they pay out from, and what they write into their blocks.
//!
//! Two forms are read: `pools.json`, an object of `payout_addresses` and `coinbase_tags`, and
//! `pool-list.json`, an array of pools with theirs.
//! Source: <https://github.com/bitcoin-data/mining-pools>.

use std::fmt;
use std::marker::PhantomData;

use model::{Account, Chain, CoinbaseTag, Confidence, Label, Subject};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::error::Place;
use super::{LabelError, Origin};

const BYTES_MAX: usize = 16 << 20;
/// A shorter text would be found in many blocks by chance.
const TAG_BYTES_MIN: usize = 3;
/// No coinbase is longer.
const TAG_BYTES_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pools {
    /// Of the payout addresses, in the order of the file.
    pub labels: Vec<Label>,
    pub tags: Vec<CoinbaseTag>,
    /// Tags too short to tell anything: left out.
    pub short_tags: Vec<String>,
}

/// Reads either form. Addresses are of `chain`.
pub fn read(bytes: &[u8], chain: Chain, origin: &Origin) -> Result<Pools, LabelError> {
    if bytes.len() > BYTES_MAX {
        let problem = format!("expected at most {BYTES_MAX} bytes, found {}", bytes.len());
        return Err(error(origin, problem));
    }
    let is_list = bytes.trim_ascii_start().first() == Some(&b'[');
    let parsed = match is_list {
        true => serde_json::from_slice(bytes).map(|pools: Vec<Pool>| of_list(pools)),
        false => serde_json::from_slice(bytes).map(|file: File| of_object(file)),
    };
    let (addresses, tags) = parsed.map_err(|e| LabelError {
        file: origin.name.clone(),
        place: Place { line: e.line() as u64, column: e.column() as u64 },
        problem: problem(&e),
    })?;
    let mut pools = Pools { labels: Vec::new(), tags: Vec::new(), short_tags: Vec::new() };
    for (address, named) in addresses {
        pools.labels.push(label(&address, named, chain, origin)?);
    }
    for (text, named) in tags {
        pools.add_tag(text, named, origin)?;
    }
    Ok(pools)
}

impl Pools {
    fn add_tag(&mut self, text: String, named: Named, origin: &Origin) -> Result<(), LabelError> {
        if text.len() > TAG_BYTES_MAX {
            let found = text.len();
            let problem =
                format!("expected a tag of at most {TAG_BYTES_MAX} bytes, found one of {found}");
            return Err(error(origin, problem));
        }
        if text.len() < TAG_BYTES_MIN {
            self.short_tags.push(text);
            return Ok(());
        }
        self.tags.push(CoinbaseTag { text, pool: named.name, link: named.link });
        Ok(())
    }
}

fn label(address: &str, named: Named, chain: Chain, origin: &Origin) -> Result<Label, LabelError> {
    let account = Account::parse(address, chain)
        .map_err(|e| error(origin, format!("expected an address: {e}")))?;
    Ok(Label {
        subject: Subject::Account(account),
        name: named.name,
        concepts: vec!["mining_service".into(), "interdict:mining_pool".into()],
        actor: None,
        confidence: Confidence::named("trusted_provider").expect("a grade of the scale"),
        source: named.link,
        collection: "mining pools".into(),
        date: origin.date,
        file_hash: origin.file_hash.clone(),
        network: None,
        tag: Default::default(),
    })
}

type Told = (Vec<(String, Named)>, Vec<(String, Named)>);

fn of_object(file: File) -> Told {
    (file.payout_addresses.0, file.coinbase_tags.0)
}

fn of_list(pools: Vec<Pool>) -> Told {
    let mut told = Told::default();
    for Pool { name, link, addresses, tags, .. } in pools {
        let named = Named { name, link };
        told.0.extend(addresses.into_iter().map(|address| (address, named.clone())));
        told.1.extend(tags.into_iter().map(|tag| (tag, named.clone())));
    }
    told
}

fn error(origin: &Origin, problem: String) -> LabelError {
    LabelError { file: origin.name.clone(), place: Place::default(), problem }
}

/// The parser's words without the place, which stands in front.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_string()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    payout_addresses: Pairs<Named>,
    coinbase_tags: Pairs<Named>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    link: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pool {
    #[serde(rename = "id")]
    _id: u64,
    name: String,
    addresses: Vec<String>,
    tags: Vec<String>,
    link: String,
}

/// The entries of an object in their order; a key that comes twice is refused.
struct Pairs<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Pairs<T>, D::Error> {
        struct PairsVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for PairsVisitor<T> {
            type Value = Pairs<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs<T>, M::Error> {
                let mut seen = std::collections::HashSet::new();
                let mut pairs = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, T>()? {
                    if !seen.insert(key.clone()) {
                        return Err(M::Error::custom(format_args!(
                            "expected each key once, found {key:?} twice"
                        )));
                    }
                    pairs.push((key, value));
                }
                Ok(Pairs(pairs))
            }
        }

        from.deserialize_map(PairsVisitor(PhantomData))
    }
}
