//! Answers one question after another from one state of the store.
//!
//! Names of all parties are made ready when the first name is asked for; labels, and what was decided,
//! when they are first needed.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Result, bail};
use model::{
    Account, Address, Book, Chain, Date, ListVersion, ListingKind, Party, Transaction, TxHash,
    TxId, View,
};
use screen::decided::{self, Decisions};
use screen::names::{Found, NameQuery, Names, Thresholds};
use screen::{Answer, Hit, Kind, Labelled, Match, Named, Query, Screen, Searched};
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::Store;
use store::provenance::Provenance;

use super::Ask;
use crate::cli::ScreenKind;
use crate::exposure::{self, Screening};
use crate::home::Home;

pub struct Desk<'a> {
    store: &'a Store,
    screen: Screen,
    versions: Vec<ListVersion>,
    thresholds: Thresholds,
    as_of: Date,
    today: Date,
    names: OnceCell<Names>,
    book: OnceCell<Book>,
    decisions: OnceCell<Decisions>,
    home: PathBuf,
    /// None where nothing is kept of where value came from.
    screening: OnceCell<Option<Screening>>,
}

impl<'a> Desk<'a> {
    pub fn open(
        store: &'a Store,
        home: &Home,
        thresholds: Thresholds,
        as_of: Date,
        today: Date,
    ) -> Result<Desk<'a>> {
        let mut versions: Vec<ListVersion> =
            store.list_versions()?.into_iter().map(|row| row.version).collect();
        if versions.is_empty() {
            bail!(
                "no list is kept in {}: `interdict lists import` takes one in",
                home.path().display()
            );
        }
        check_lists(&thresholds, &versions)?;
        let is_wanted = |list: &str| thresholds.of(list).is_some();
        versions.retain(|version| is_wanted(&version.list));
        let mut listings = store.listings()?;
        listings.retain(|listing| is_wanted(&listing.version.list));
        Ok(Desk {
            store,
            screen: Screen::new(&versions, listings),
            versions,
            thresholds,
            as_of,
            today,
            names: OnceCell::new(),
            book: OnceCell::new(),
            decisions: OnceCell::new(),
            home: home.path().to_path_buf(),
            screening: OnceCell::new(),
        })
    }

    pub fn answer(&self, ask: &Ask) -> Result<Answer> {
        let mut answer = match ask.kind {
            ScreenKind::Address => self.screen.screen(&ask.text, self.as_of),
            ScreenKind::Name => self.name(ask)?,
            ScreenKind::Tx => self.transaction(&ask.text)?,
            ScreenKind::Token => self.token(&ask.text)?,
            ScreenKind::Auto => self.guess(ask)?,
        };
        self.weigh(&mut answer)?;
        Ok(answer)
    }

    /// The one place where exposure and risk join an answer: one of each for every chain of which it
    /// is kept where value came from. Null where it is kept of none, and for what is no address.
    fn weigh(&self, answer: &mut Answer) -> Result<()> {
        if answer.kind != Kind::Address || !answer.valid {
            return Ok(());
        }
        let Some(screening) = self.screening()? else { return Ok(()) };
        let (mut exposures, mut risks) = (Vec::new(), Vec::new());
        for account in model::identifier::candidates(&answer.query) {
            let screened = screening.screen(&account)?;
            exposures.extend(screened.exposure.map(serde_json::to_value).transpose()?);
            risks.extend(screened.risk.map(serde_json::to_value).transpose()?);
        }
        answer.exposure = (!exposures.is_empty()).then_some(Value::Array(exposures));
        answer.risk = (!risks.is_empty()).then_some(Value::Array(risks));
        Ok(())
    }

    fn screening(&self) -> Result<Option<&Screening>> {
        if let Some(known) = self.screening.get() {
            return Ok(known.as_ref());
        }
        let mut is_kept = false;
        for coverage in self.store.coverage()? {
            is_kept |= Provenance::open(&self.home, coverage.chain)?.is_some();
        }
        // Labels take longer than an answer, and serve nothing here.
        let screening = match is_kept {
            true => {
                let marked = exposure::marked(self.store.book()?);
                let rules = exposure::rules(&self.home, None)?;
                Some(Screening::open(&self.home, self.store, marked, rules)?)
            }
            false => None,
        };
        Ok(self.screening.get_or_init(|| screening).as_ref())
    }

    /// An address, where it is one or a list names this very text; a transaction, where it reads as
    /// its hash; a name, where it reads as one. What was taken is said by `kind`.
    fn guess(&self, ask: &Ask) -> Result<Answer> {
        let answer = self.screen.screen(&ask.text, self.as_of);
        let reads_as_address = answer.valid || !answer.hits.is_empty() || !answer.former.is_empty();
        let is_mistyped = Query::parse(&ask.text).is_looked_up_by_bytes();
        if reads_as_address || is_mistyped {
            return Ok(answer);
        }
        if !transactions(&ask.text, &[]).is_empty() {
            return self.transaction(&ask.text);
        }
        if reads_as_name(&ask.text) || (ask.text.is_empty() && !ask.documents.is_empty()) {
            return self.name(ask);
        }
        Ok(answer)
    }

    fn name(&self, ask: &Ask) -> Result<Answer> {
        let names = self.names()?;
        let query = ask.name_query();
        let searched = self.searched_names(names);
        let mut answer = Answer {
            query: ask.text.clone(),
            kind: Kind::Name,
            covered: !searched.is_empty() && searched.iter().all(|list| list.covered),
            searched,
            hits: Vec::new(),
            valid: false,
            identifier: Named { text: words_of(&query), families: Vec::new() },
            former: Vec::new(),
            cleared: Vec::new(),
            labels: Vec::new(),
            exposure: None,
            risk: None,
            note: note(&query, ask),
        };
        for found in names.search(&query, &|list| self.thresholds.of(list)) {
            let mut hit = self.hit(&found)?;
            hit.decision = self.decided(&ask.subject(), &query, found.party)?;
            match hit.decision.as_ref().is_some_and(decided::Decided::is_cleared) {
                true => answer.cleared.push(hit),
                false => answer.hits.push(hit),
            }
        }
        Ok(answer)
    }

    fn decided(
        &self,
        subject: &str,
        query: &NameQuery,
        party: &Party,
    ) -> Result<Option<decided::Decided>> {
        if self.decisions.get().is_none() {
            drop(self.decisions.set(Decisions::new(self.store.decisions()?)));
        }
        let Some(decisions) = self.decisions.get().filter(|decisions| !decisions.is_empty()) else {
            return Ok(None);
        };
        let (asked, listed) = hashes(query, party);
        Ok(decisions.about(subject, party, (&asked, &listed), self.today))
    }

    /// Everybody in force on the day whose order has not run out.
    pub fn names(&self) -> Result<&Names> {
        if self.names.get().is_none() {
            let mut parties = self.store.parties_as_of(self.as_of)?;
            parties.retain(|party| {
                self.thresholds.of(&party.version.list).is_some()
                    && party.expires_on.is_none_or(|last| last >= self.as_of)
            });
            drop(self.names.set(Names::new(parties)));
        }
        Ok(self.names.get().expect("it was made just now"))
    }

    fn searched_names(&self, names: &Names) -> Vec<Searched> {
        let mut searched = self.screen.searched(self.as_of);
        for list in &mut searched {
            list.entries = names.lists().get(&list.list).copied().unwrap_or(0);
        }
        searched
    }

    fn hit(&self, found: &Found<'_>) -> Result<Hit> {
        let party = found.party;
        let list = &party.version.list;
        let seen = self.store.party_seen(list, &party.id)?;
        let last_seen = seen.last().copied().unwrap_or(party.version.date);
        let dates = self.versions.iter().filter(|version| version.list == *list);
        Ok(Hit {
            list: list.clone(),
            list_date: party.version.date,
            party: party.names.first().map(|name| name.text.clone()),
            programme: (!party.programmes.is_empty()).then(|| party.programmes.join(", ")),
            asset_label: None,
            listed_on: party.listed_on,
            first_seen: seen.first().copied().unwrap_or(party.version.date),
            last_seen,
            absent_since: dates.map(|version| version.date).filter(|date| *date > last_seen).min(),
            delisted_on: party.expires_on.and_then(|last| last.tomorrow().ok()),
            expires_on: party.expires_on,
            listed_as: ListingKind::Address,
            r#match: Match::Name,
            written: found.text().to_string(),
            party_id: Some(party.id.clone()),
            score: found.score,
            matched: found.text().to_string(),
            pieces: found.pieces.clone(),
            decision: None,
            counterparty: None,
        })
    }

    /// Everybody who paid or was paid in it.
    fn transaction(&self, text: &str) -> Result<Answer> {
        let held: Vec<Chain> =
            self.store.coverage()?.into_iter().map(|coverage| coverage.chain).collect();
        let mut answer = self.screen.screen(text, self.as_of);
        answer.kind = Kind::Tx;
        answer.valid = false;
        answer.hits.clear();
        answer.former.clear();
        answer.note = None;
        let mut known = Vec::new();
        for id in transactions(text, &held) {
            known.extend(self.store.transaction(&id)?);
        }
        if known.is_empty() {
            answer.covered = false;
            let why = if transactions(text, &[]).is_empty() {
                "no transaction of any known form"
            } else {
                "not in the store"
            };
            answer.note = Some(format!("{why}: nobody in it was screened"));
            return Ok(answer);
        }
        answer.valid = true;
        let mut screened = 0usize;
        for (account, role) in known.iter().flat_map(counterparties).collect::<BTreeMap<_, _>>() {
            let of_account = self.screen.screen(&account, self.as_of);
            screened += 1;
            let named = |mut hit: Hit| {
                hit.counterparty = Some(format!("{role} {account}"));
                hit
            };
            answer.hits.extend(of_account.hits.into_iter().map(named));
            answer.former.extend(of_account.former.into_iter().map(named));
        }
        answer.note =
            Some(format!("{screened} addresses that paid or were paid in it were screened"));
        Ok(answer)
    }

    /// A contract that is listed, or labelled. What else there is to know of a token is asked elsewhere.
    fn token(&self, text: &str) -> Result<Answer> {
        let mut answer = self.screen.screen(text, self.as_of);
        answer.kind = Kind::Token;
        if self.book.get().is_none() {
            drop(self.book.set(self.store.book()?));
        }
        let book = self.book.get().expect("it was read just now");
        let mut labels: Vec<Labelled> = Vec::new();
        for account in Query::parse(text).identifier.accounts() {
            for label in book.labels(&account) {
                let labelled = Labelled {
                    name: label.name.clone(),
                    concepts: label.concepts.clone(),
                    confidence: label.confidence.level,
                    source: label.source.clone(),
                };
                if !labels.contains(&labelled) {
                    labels.push(labelled);
                }
            }
        }
        answer.labels = labels;
        Ok(answer)
    }
}

/// SHA-256 of what a question and a party say.
pub fn hashes(query: &NameQuery, party: &Party) -> (String, String) {
    let hash = |text: String| model::hex::encode(&Sha256::digest(text.as_bytes()));
    (hash(decided::text_of_query(query)), hash(decided::text_of_party(party)))
}

fn check_lists(thresholds: &Thresholds, versions: &[ListVersion]) -> Result<()> {
    let kept: BTreeSet<&str> = versions.iter().map(|version| version.list.as_str()).collect();
    let only = thresholds.only.iter().flatten().map(|list| ("--lists", list));
    let named = only.chain(thresholds.by_list.keys().map(|list| ("--threshold", list)));
    for (option, list) in named {
        if !kept.contains(list.as_str()) {
            let kept: Vec<&str> = kept.into_iter().collect();
            bail!("{option}: no list {list:?} is kept; there are {}", kept.join(", "));
        }
    }
    Ok(())
}

/// Each address with what it did.
fn counterparties(transaction: &Transaction) -> Vec<(String, &'static str)> {
    let mut found: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    let mut note = |account: Account, paid: bool| {
        let roles = found.entry(account.to_string()).or_default();
        if paid { roles.0 = true } else { roles.1 = true }
    };
    match transaction {
        Transaction::Account { id, transfers } => {
            let of = |address: &Address| Account { chain: id.chain, address: address.clone() };
            for transfer in transfers {
                transfer.from.iter().for_each(|from| note(of(from), true));
                transfer.to.iter().for_each(|to| note(of(to), false));
            }
        }
        Transaction::Utxo(transaction) => {
            let chain = transaction.id.chain;
            let of = |address: &Address| Account { chain, address: address.clone() };
            for input in &transaction.inputs {
                input.previous.iter().for_each(|output| note(of(&output.address), true));
            }
            transaction.outputs.iter().for_each(|output| note(of(&output.address), false));
        }
    }
    let role = |roles| match roles {
        (true, true) => "paid and was paid",
        (true, false) => "paid",
        _ => "was paid",
    };
    found.into_iter().map(|(account, roles)| (account, role(roles))).collect()
}

/// The transactions a text may mean: the chain it names, or any of these. Without any, those of one
/// chain of each family, to tell whether it reads as one at all.
fn transactions(text: &str, held: &[Chain]) -> Vec<TxId> {
    let text = text.trim();
    if let Ok(id) = text.parse::<TxId>() {
        return vec![id];
    }
    let families = [Chain::ETHEREUM, Chain::BITCOIN];
    let chains = if held.is_empty() { &families[..] } else { held };
    let of = |chain: &Chain| TxHash::parse(text, *chain).map(|hash| TxId { chain: *chain, hash });
    chains.iter().filter_map(of).collect()
}

/// Letters and what stands between the parts of a name; numbers only beside other words.
fn reads_as_name(text: &str) -> bool {
    let has_letters = text.chars().filter(|c| c.is_alphabetic()).take(2).count() == 2;
    let is_kept = |c: char| {
        !c.is_control() && !matches!(c, '_' | '=' | '@' | '#' | '<' | '>' | '{' | '}' | '\\' | '|')
    };
    let has_digits = text.chars().any(char::is_numeric);
    let has_spaces = text.trim().chars().any(char::is_whitespace);
    has_letters && text.chars().all(is_kept) && (!has_digits || has_spaces)
}

fn words_of(query: &NameQuery) -> String {
    query.folded.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn note(query: &NameQuery, ask: &Ask) -> Option<String> {
    let mut notes = Vec::new();
    if ask.kind == ScreenKind::Auto {
        notes.push("no valid address of any known format: read as a name".to_string());
    }
    if query.folded.cut > 0 {
        notes.push(format!("the last {} words were not compared", query.folded.cut));
    }
    if query.folded.words.is_empty() && query.documents.is_empty() {
        notes.push("no letter or number in it: nothing was compared".to_string());
    }
    let has_imo = ask.text.to_ascii_uppercase().contains("IMO ");
    if has_imo && screen::names::imo_number(&ask.text).is_none() {
        notes.push(
            "the check digit of the IMO number does not hold: only the name was compared".into(),
        );
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}
