//! What somebody says an address is.

mod event;

use sha2::{Digest, Sha256};

use crate::{Account, Date, Identifier, TxId};

pub use self::event::{Correction, LabelChange, LabelEvent};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub subject: Subject,
    /// The name: `Binance 14`.
    pub name: String,
    /// Concept ids of the taxonomy (`exchange`, `mixing_service`), most telling first.
    pub concepts: Vec<String>,
    /// The actor's id, where an ActorPack has one.
    pub actor: Option<String>,
    pub confidence: Confidence,
    /// Where the claim comes from, preferably an address to look it up.
    pub source: String,
    /// Who gathered it: a pack's title, a file's name.
    pub collection: String,
    pub date: Option<Date>,
    /// SHA-256 of the file it came from, in hex.
    pub file_hash: String,
    /// The network as the source wrote it, where the identifier leaves it open.
    pub network: Option<String>,
    pub tag: Tag,
}

/// What belongs to a label beside the claim itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tag {
    pub kind: TagKind,
    /// Its source says it of the whole cluster, not of this address alone.
    pub is_cluster_definer: bool,
    /// What the source adds, as JSON or in its own words.
    pub context: Option<String>,
    /// The last day it holds, where its source says one.
    pub valid_until: Option<Date>,
    /// Written by this cell, not taken from others.
    pub is_own: bool,
    /// What this cell decided about it. Never stored with the label: it follows from the
    /// [`LabelEvent`]s.
    pub standing: Standing,
}

/// What a label says something about.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TagKind {
    /// Who is behind the address.
    #[default]
    Actor,
    Event,
    Attribute,
    /// The address was merely named somewhere.
    Mention,
}

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    #[default]
    Undisputed,
    /// Somebody objected. It is still shown, and ends a walk only where that was set.
    Disputed { stops_walks: bool },
}

/// A text that a mining pool writes into the coinbase of its blocks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CoinbaseTag {
    pub text: String,
    pub pool: String,
    /// The pool's own page.
    pub link: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// This account on this chain only.
    Account(Account),
    /// An identifier wherever it is valid.
    Identifier(Identifier),
    Transaction(TxId),
}

/// How much a label weighs, 0 to 100, with the name of its grade.
/// Source: GraphSense TagPack confidence scale.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Confidence {
    pub id: String,
    pub level: u8,
}

/// What a labelled address means to a walk.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Many people's money mixes here: the walk stops and says so.
    Service,
    /// A service that gives another asset back to whoever sends one.
    Swap,
    Bridge,
    Mixer,
    /// Known, but the money can be followed on.
    Other,
}

impl Confidence {
    /// The named grades, best first.
    pub const SCALE: &'static [(&'static str, u8)] = &[
        ("override", 100),
        ("ownership", 100),
        ("ledger_immanent", 100),
        ("manual_transaction", 90),
        ("service_api", 70),
        ("forensic_investigation", 70),
        ("authority_data", 60),
        ("trusted_provider", 50),
        ("service_data", 50),
        ("forensic", 50),
        ("untrusted_transaction", 40),
        ("web_crawl", 20),
        ("heuristic", 10),
        ("unknown", 5),
    ];

    pub fn named(id: &str) -> Option<Confidence> {
        Confidence::SCALE
            .iter()
            .find(|(name, _)| *name == id)
            .map(|(name, level)| Confidence { id: (*name).to_string(), level: *level })
    }
}

/// Concepts whose addresses hold many people's money. A walk that went through
/// one would follow everybody.
const SERVICES: &[&str] = &[
    "exchange",
    "wallet_service",
    "escrow_wallet",
    "ico_wallet",
    "market",
    "mining_service",
    "gambling",
    "payment_processor",
    "atm",
    "shop",
    "faucet",
    "hosting",
    "service",
    "defi",
    "defi_token",
    "defi_lending",
    "defi_derivative",
    "defi_dao",
    "defi_staking",
    "defi_custody",
    "otc",
    "payment",
    "instant_exchange",
];
const MIXERS: &[&str] = &["mixing_service", "mixing", "coinjoin", "mixer"];
const BRIDGES: &[&str] = &["defi_bridge", "bridge"];
const SWAPS: &[&str] = &["swap", "defi_dex", "dex", "swap_venue", "aggregator"];

impl Label {
    /// The strongest meaning any of its concepts gives it; none while it is disputed, unless it was
    /// set to hold meanwhile.
    pub fn role(&self) -> Role {
        if self.tag.standing == (Standing::Disputed { stops_walks: false }) {
            return Role::Other;
        }
        let has = |names: &[&str]| self.concepts.iter().any(|c| names.contains(&c.as_str()));
        match () {
            () if has(MIXERS) => Role::Mixer,
            () if has(BRIDGES) => Role::Bridge,
            () if has(SWAPS) => Role::Swap,
            () if has(SERVICES) => Role::Service,
            () => Role::Other,
        }
    }
}

impl Label {
    /// Names the claim: what is said of whom, by which source. The same in every version of a pack
    /// that says it, so that a dispute outlives an update. Twenty hex digits.
    pub fn id(&self) -> String {
        let subject = self.subject.to_string();
        let mut hash = Sha256::new();
        for part in [&subject, &self.name, &self.source] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        crate::hex::encode(&hash.finalize()[..10])
    }

    /// Its name, and that it is disputed where it is.
    pub fn shown_name(&self) -> String {
        match self.tag.standing {
            Standing::Undisputed => self.name.clone(),
            Standing::Disputed { .. } => format!("{} (disputed)", self.name),
        }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Subject::Account(account) => write!(f, "{account}"),
            Subject::Identifier(identifier) => write!(f, "{identifier}"),
            Subject::Transaction(tx) => write!(f, "{tx}"),
        }
    }
}

impl TagKind {
    pub const ALL: [TagKind; 4] =
        [TagKind::Actor, TagKind::Event, TagKind::Attribute, TagKind::Mention];

    /// As TagPacks write it.
    pub fn name(self) -> &'static str {
        match self {
            TagKind::Actor => "actor",
            TagKind::Event => "event",
            TagKind::Attribute => "attribute",
            TagKind::Mention => "mention",
        }
    }

    pub fn named(name: &str) -> Option<TagKind> {
        TagKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Chain;

    fn label() -> Label {
        let account = Account::parse("0x7f268357a8c2552623316e2562d90e642bb538e5", Chain::ETHEREUM);
        Label {
            subject: Subject::Account(account.expect("an address")),
            name: "X".into(),
            concepts: vec!["exchange".into()],
            actor: None,
            confidence: Confidence::named("web_crawl").expect("a grade"),
            source: "s".into(),
            collection: "c".into(),
            date: None,
            file_hash: String::new(),
            network: None,
            tag: Tag::default(),
        }
    }

    #[test]
    fn a_disputed_label_ends_no_walk_unless_it_was_set_so() {
        let mut label = label();
        assert_eq!(label.role(), Role::Service);
        label.tag.standing = Standing::Disputed { stops_walks: false };
        assert_eq!((label.role(), label.shown_name().as_str()), (Role::Other, "X (disputed)"));
        label.tag.standing = Standing::Disputed { stops_walks: true };
        assert_eq!(label.role(), Role::Service);
    }

    #[test]
    fn a_claim_keeps_its_id_while_what_is_known_of_it_changes() {
        let (label, mut other) = (label(), label());
        other.confidence = Confidence::named("ownership").expect("a grade");
        other.file_hash = "ab".into();
        assert_eq!(label.id(), other.id());
        // Lengths are hashed too: text cannot move from one part to the next.
        let (mut left, mut right) = (label.clone(), label.clone());
        (left.name, left.source) = ("ab".into(), "c".into());
        (right.name, right.source) = ("a".into(), "bc".into());
        assert_ne!(left.id(), right.id());
    }
}
