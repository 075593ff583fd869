//! Whose address it is, as far as exposure asks: where a walk ends, and what it is then called.
//!
//! In: a book of labels and listings. Out: for an account its [`Who`], or nothing. An
//! account is *marked* where it is listed, where a label says that many people's money
//! mixes there ([`Role`]), or where a label says that it belongs to a crime
//! ([`CRIMES`]). Conflicting labels are all kept: each category with its own confidence.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Account, Book, Chain, Confidence, Date, Key, Label, Listing, Role, Subject, Timestamp,
};
use sha2::{Digest, Sha256};

/// The category of whatever is on a list.
pub const LISTED: &str = "listed";

/// Concepts of the GraphSense taxonomy (and `theft`, `stolen`, `hack`, ours) that say what an
/// address was used for. The walk ends there although it may be one person's wallet:
/// further back lie the victims.
pub const CRIMES: &[&str] = &[
    "abuse",
    "sexual_abuse",
    "child_sexual_abuse",
    "violence",
    "murder",
    "torture",
    "human_trafficking",
    "scam",
    "financial_crime",
    "investment_fraud",
    "ponzi_scheme",
    "pyramid_scheme",
    "money_laundering",
    "payment_card_fraud",
    "extortion",
    "sextortion",
    "ransomware",
    "phishing",
    "hacking",
    "service_hack",
    "account_hack",
    "exploit",
    "data_breach",
    "social_engineering",
    "malware",
    "drugs",
    "weapons",
    "sanction",
    "counterfeit",
    "extremism",
    "terrorism",
    "terrorism_financing",
    "black_list",
    "gov_black_list",
    "perpetrator",
    "theft",
    "stolen",
    "hack",
];

/// Labels this module adds so that a walk stops; never shown.
const STOPS: &str = "interdict: where exposure ends";

/// A book, and what of it ends an exposure.
#[derive(Clone, Debug)]
pub struct Marked {
    book: Book,
    confidence_min: u8,
    /// By actor: one account each of its labels is about is enough to name it.
    actors: BTreeMap<String, Vec<Label>>,
}

/// What an exposure is to: the key of its rows. A category is no part of it, so that a
/// service can be put in another without reading the past again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceKey {
    Actor(String),
    /// Also of every listed address, so that what is listed is never summed with what is not.
    Account(Account),
}

/// A counterparty as labels and lists describe it now.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Who {
    /// An actor's id, or the account.
    pub id: String,
    pub name: Option<String>,
    /// The one it is counted under: `listed` before crimes before kinds of service.
    pub category: String,
    /// All that is said of it, each with how sure that is (0 to 100).
    pub categories: BTreeMap<String, u8>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listings: Vec<Listed>,
    /// Packs and lists that say so.
    pub sources: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Listed {
    pub list: String,
    pub list_date: Date,
    pub file_hash: String,
    pub party: Option<String>,
    pub programmes: Vec<String>,
    /// As the list says; none: it does not, and before and after cannot be told apart.
    pub listed_on: Option<Date>,
}

impl Marked {
    /// Labels below `confidence_min` count for nothing.
    pub fn new(mut book: Book, confidence_min: u8) -> Marked {
        let mut stops: Vec<Subject> = Vec::new();
        let mut actors: BTreeMap<String, Vec<Label>> = BTreeMap::new();
        for label in book.all_labels().iter().filter(|l| l.confidence.level >= confidence_min) {
            if label.role() == Role::Other && is_crime(label) {
                stops.push(label.subject.clone());
            }
            if let Some(actor) = &label.actor
                && marks(label)
            {
                actors.entry(actor.clone()).or_default().push(label.clone());
            }
        }
        let listed = book.all_listings().iter();
        stops.extend(listed.map(|listing| Subject::Identifier(listing.identifier.clone())));
        stops.into_iter().for_each(|subject| book.add_label(stop(subject)));
        Marked { book, confidence_min, actors }
    }

    /// For the walk: it stops at whatever is marked.
    pub fn book(&self) -> &Book {
        &self.book
    }

    pub fn confidence_min(&self) -> u8 {
        self.confidence_min
    }

    /// None where nothing marks it.
    pub fn key(&self, account: &Account) -> Option<ServiceKey> {
        if !self.listings(account).is_empty() {
            return Some(ServiceKey::Account(account.clone()));
        }
        let labels = self.labels(account);
        let marking = labels.iter().find(|label| marks(label))?;
        Some(match &marking.actor {
            Some(actor) => ServiceKey::Actor(actor.clone()),
            None => ServiceKey::Account(account.clone()),
        })
    }

    /// When whoever has this key was listed: the earliest date any list gives.
    pub fn listed_on(&self, key: &ServiceKey) -> Option<Date> {
        let ServiceKey::Account(account) = key else { return None };
        self.listings(account).into_iter().filter_map(|listing| listing.listed_on).min()
    }

    /// Did this happen on or after the day it was listed? None: not listed, or nobody says when.
    pub fn is_after_listing(&self, key: &ServiceKey, time: Timestamp) -> Option<bool> {
        self.listed_on(key).map(|date| model::day_of(time) >= date)
    }

    /// How labels and lists describe a key now; a key that nothing marks any more keeps its id.
    pub fn who(&self, key: &ServiceKey) -> Who {
        match key {
            ServiceKey::Actor(actor) => {
                let labels: Vec<&Label> = self.actors.get(actor).into_iter().flatten().collect();
                described(format!("actor:{actor}"), &labels, Vec::new())
            }
            ServiceKey::Account(account) => {
                described(account.to_string(), &self.labels(account), self.listings(account))
            }
        }
    }

    /// The mark of an account in one line, with the day it was listed: what a sweep rests on.
    pub fn said(&self, account: &Account) -> Option<String> {
        let key = self.key(account)?;
        let date = self.listed_on(&key).map(|date| date.to_string()).unwrap_or_default();
        Some(format!("{key} {date}"))
    }

    /// What marks these accounts themselves, each once.
    pub fn own(&self, accounts: &[Account]) -> Vec<Who> {
        let keys: BTreeSet<ServiceKey> = accounts.iter().filter_map(|one| self.key(one)).collect();
        keys.iter().map(|key| self.who(key)).collect()
    }

    /// Names the marks that this chain's past can meet: another digest, another past. The
    /// categories are no part of it; dates of listings are, since they part before from after.
    pub fn digest(&self, chain: Chain) -> String {
        let mut lines: BTreeSet<String> = BTreeSet::new();
        for account in self.marked_accounts(chain) {
            if let Some(said) = self.said(&account) {
                lines.insert(format!("{account} {said}"));
            }
        }
        let mut hash = Sha256::new();
        lines.iter().for_each(|line| hash.update(format!("{line}\n")));
        model::hex::encode(&hash.finalize())
    }

    /// Every account of a chain that is marked.
    pub fn marked_accounts(&self, chain: Chain) -> BTreeSet<Account> {
        let labels = self.book.all_labels().iter();
        let labels = labels.filter(|label| label.confidence.level >= self.confidence_min);
        labels
            .filter(|label| marks(label) || label.collection == STOPS)
            .flat_map(|label| accounts_of(&label.subject, chain))
            .collect()
    }

    fn listings(&self, account: &Account) -> Vec<&Listing> {
        let all = self.book.listings(&Key::of(account)).collect::<Vec<_>>();
        all.into_iter().filter(|listing| listing.identifier.can_be(account.chain)).collect()
    }

    fn labels(&self, account: &Account) -> Vec<&Label> {
        let mut labels = self.book.labels(account);
        labels.retain(|label| {
            label.confidence.level >= self.confidence_min && label.collection != STOPS
        });
        labels
    }
}

impl std::fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ServiceKey::Actor(actor) => write!(f, "actor:{actor}"),
            ServiceKey::Account(account) => write!(f, "{account}"),
        }
    }
}

impl std::str::FromStr for ServiceKey {
    type Err = model::AddressError;

    fn from_str(text: &str) -> Result<ServiceKey, model::AddressError> {
        match text.strip_prefix("actor:") {
            Some(actor) => Ok(ServiceKey::Actor(actor.to_string())),
            None => text.parse().map(ServiceKey::Account),
        }
    }
}

fn accounts_of(subject: &Subject, chain: Chain) -> Vec<Account> {
    match subject {
        Subject::Account(account) if account.chain == chain => vec![account.clone()],
        Subject::Identifier(identifier) if identifier.can_be(chain) => identifier
            .accounts()
            .into_iter()
            .filter_map(|account| Account::parse(&account.address.text(account.chain), chain).ok())
            .collect(),
        _ => Vec::new(),
    }
}

fn is_crime(label: &Label) -> bool {
    label.concepts.iter().any(|concept| CRIMES.contains(&concept.as_str()))
}

fn marks(label: &Label) -> bool {
    label.collection != STOPS && (label.role() != Role::Other || is_crime(label))
}

fn stop(subject: Subject) -> Label {
    Label {
        subject,
        name: String::new(),
        concepts: vec!["service".into()],
        actor: None,
        confidence: Confidence { id: "override".into(), level: 100 },
        source: STOPS.into(),
        collection: STOPS.into(),
        date: None,
        file_hash: String::new(),
        network: None,
        tag: Default::default(),
    }
}

fn described(id: String, labels: &[&Label], listings: Vec<&Listing>) -> Who {
    let mut categories: BTreeMap<String, u8> = BTreeMap::new();
    for label in labels {
        for concept in &label.concepts {
            let known = categories.entry(concept.clone()).or_default();
            *known = (*known).max(label.confidence.level);
        }
    }
    if !listings.is_empty() {
        categories.insert(LISTED.into(), 100);
    }
    let mut sources: BTreeSet<String> = labels.iter().map(|l| l.collection.clone()).collect();
    sources.extend(listings.iter().map(|listing| listing.version.list.clone()));
    let mut listed: Vec<Listed> = listings.iter().map(|listing| listed(listing)).collect();
    listed.sort();
    listed.dedup();
    let party = listings.iter().find_map(|listing| listing.party.clone());
    let name = labels.iter().find(|label| marks(label)).map(|label| label.name.clone());
    Who {
        id,
        name: party.or(name),
        category: primary(labels, !listings.is_empty()),
        categories,
        listings: listed,
        sources,
    }
}

fn listed(listing: &Listing) -> Listed {
    let mut programmes = listing.programmes.clone();
    programmes.sort();
    Listed {
        list: listing.version.list.clone(),
        list_date: listing.version.date,
        file_hash: listing.version.file_hash.clone(),
        party: listing.party.clone(),
        programmes,
        listed_on: listing.listed_on,
    }
}

/// The category value is counted under: once, so that sums add up.
fn primary(labels: &[&Label], is_listed: bool) -> String {
    if is_listed {
        return LISTED.into();
    }
    let concepts = || labels.iter().flat_map(|label| &label.concepts);
    let crime = concepts().find(|concept| CRIMES.contains(&concept.as_str()));
    let service = || {
        let telling = labels.iter().find(|label| label.role() != Role::Other)?;
        telling.concepts.iter().find(|concept| {
            let one = Label { concepts: vec![(*concept).clone()], ..(*telling).clone() };
            one.role() == telling.role()
        })
    };
    crime.or_else(service).or_else(|| concepts().next()).map_or("unknown", String::as_str).into()
}
