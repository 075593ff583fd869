//! Answers to one question after another, from whatever keeps what they need: a command that opens the
//! store for them, or a server that holds it in memory.

use std::collections::BTreeMap;

use anyhow::Result;
use model::{
    Account, Address, Book, Chain, Date, ListVersion, ListingKind, Party, Transaction, TxHash,
    TxId, View,
};
use screen::decided::{self, Decisions};
use screen::names::{Found, NameQuery, Names, Thresholds};
use screen::{Answer, Hit, Kind, Labelled, Match, Named, Query, Screen, Searched};
use sha2::{Digest, Sha256};

use crate::cli::ScreenKind;
use crate::commands::screen::Ask;

/// What an answer is made of, as of one day.
pub trait Kept {
    fn screen(&self) -> &Screen;
    /// Every stored version of the lists that are searched.
    fn versions(&self) -> &[ListVersion];
    fn thresholds(&self) -> &Thresholds;
    fn as_of(&self) -> Date;
    /// Decisions run out by it, whatever day is asked about.
    fn today(&self) -> Date;
    fn view(&self) -> &dyn View;
    /// Everybody in force on the day whose order has not run out.
    fn names(&self) -> Result<&Names>;
    fn book(&self) -> Result<&Book>;
    fn decisions(&self) -> Result<&Decisions>;
    /// The days of the versions that hold a party.
    fn party_seen(&self, list: &str, id: &str) -> Result<Vec<Date>>;
}

/// Everything but exposure and risk.
pub fn answer(kept: &dyn Kept, ask: &Ask) -> Result<Answer> {
    match ask.kind {
        ScreenKind::Address => Ok(kept.screen().screen(&ask.text, kept.as_of())),
        ScreenKind::Name => name(kept, ask),
        ScreenKind::Tx => transaction(kept, &ask.text),
        ScreenKind::Token => token(kept, &ask.text),
        ScreenKind::Auto => guess(kept, ask),
    }
}

/// Is this asked about an address, so that lists alone answer it?
pub fn is_of_address(ask: &Ask, answer: &Answer) -> bool {
    match ask.kind {
        ScreenKind::Address => true,
        ScreenKind::Auto => {
            let is_found = !answer.hits.is_empty() || !answer.former.is_empty();
            answer.valid || is_found || Query::parse(&ask.text).is_looked_up_by_bytes()
        }
        _ => false,
    }
}

/// An address, where it is one or a list names this very text; a transaction, where it reads as
/// its hash; a name, where it reads as one. What was taken is said by `kind`.
fn guess(kept: &dyn Kept, ask: &Ask) -> Result<Answer> {
    let answer = kept.screen().screen(&ask.text, kept.as_of());
    if is_of_address(ask, &answer) {
        return Ok(answer);
    }
    if !transactions(&ask.text, &[]).is_empty() {
        return transaction(kept, &ask.text);
    }
    if reads_as_name(&ask.text) || (ask.text.is_empty() && !ask.documents.is_empty()) {
        return name(kept, ask);
    }
    Ok(answer)
}

fn name(kept: &dyn Kept, ask: &Ask) -> Result<Answer> {
    let names = kept.names()?;
    let query = ask.name_query();
    let searched = searched_names(kept, names);
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
    for found in names.search(&query, &|list| kept.thresholds().of(list)) {
        let mut hit = hit(kept, &found)?;
        hit.decision = decided(kept, &ask.subject(), &query, found.party)?;
        match hit.decision.as_ref().is_some_and(decided::Decided::is_cleared) {
            true => answer.cleared.push(hit),
            false => answer.hits.push(hit),
        }
    }
    Ok(answer)
}

fn decided(
    kept: &dyn Kept,
    subject: &str,
    query: &NameQuery,
    party: &Party,
) -> Result<Option<decided::Decided>> {
    let decisions = kept.decisions()?;
    if decisions.is_empty() {
        return Ok(None);
    }
    let (asked, listed) = hashes(query, party);
    Ok(decisions.about(subject, party, (&asked, &listed), kept.today()))
}

fn searched_names(kept: &dyn Kept, names: &Names) -> Vec<Searched> {
    let mut searched = kept.screen().searched(kept.as_of());
    for list in &mut searched {
        list.entries = names.lists().get(&list.list).copied().unwrap_or(0);
    }
    searched
}

fn hit(kept: &dyn Kept, found: &Found<'_>) -> Result<Hit> {
    let party = found.party;
    let list = &party.version.list;
    let seen = kept.party_seen(list, &party.id)?;
    let last_seen = seen.last().copied().unwrap_or(party.version.date);
    let dates = kept.versions().iter().filter(|version| version.list == *list);
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
fn transaction(kept: &dyn Kept, text: &str) -> Result<Answer> {
    let held: Vec<Chain> =
        kept.view().coverage()?.into_iter().map(|coverage| coverage.chain).collect();
    let mut answer = kept.screen().screen(text, kept.as_of());
    answer.kind = Kind::Tx;
    answer.valid = false;
    answer.hits.clear();
    answer.former.clear();
    answer.note = None;
    let mut known = Vec::new();
    for id in transactions(text, &held) {
        known.extend(kept.view().transaction(&id)?);
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
        let of_account = kept.screen().screen(&account, kept.as_of());
        screened += 1;
        let named = |mut hit: Hit| {
            hit.counterparty = Some(format!("{role} {account}"));
            hit
        };
        answer.hits.extend(of_account.hits.into_iter().map(named));
        answer.former.extend(of_account.former.into_iter().map(named));
    }
    answer.note = Some(format!("{screened} addresses that paid or were paid in it were screened"));
    Ok(answer)
}

/// A contract that is listed, or labelled. What else there is to know of a token is asked elsewhere.
fn token(kept: &dyn Kept, text: &str) -> Result<Answer> {
    let mut answer = kept.screen().screen(text, kept.as_of());
    answer.kind = Kind::Token;
    answer.labels = labels(kept.book()?, text);
    Ok(answer)
}

/// What is known of who holds an address, on whatever chain it may be.
pub fn labels(book: &Book, text: &str) -> Vec<Labelled> {
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
    labels
}

/// SHA-256 of what a question and a party say.
pub fn hashes(query: &NameQuery, party: &Party) -> (String, String) {
    let hash = |text: String| model::hex::encode(&Sha256::digest(text.as_bytes()));
    (hash(decided::text_of_query(query)), hash(decided::text_of_party(party)))
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
