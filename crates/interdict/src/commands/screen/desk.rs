//! Answers one question after another from one state of the store.
//!
//! Names of all parties are made ready when the first name is asked for; labels, and what was decided,
//! when they are first needed.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Result, bail};
use model::{Book, Date, ListVersion, View};
use screen::decided::Decisions;
use screen::names::{Names, Thresholds};
use screen::{Answer, Kind, Screen};
use serde_json::Value;
use store::Store;
use store::provenance::Provenance;

use super::Ask;
use crate::answers::{self, Kept};
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
        let mut answer = answers::answer(self, ask)?;
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
        weigh(screening, answer)
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
}

/// Joins exposure and risk to an answer: one of each for every chain of which it is kept.
pub fn weigh(screening: &Screening, answer: &mut Answer) -> Result<()> {
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

impl Kept for Desk<'_> {
    fn screen(&self) -> &Screen {
        &self.screen
    }

    fn versions(&self) -> &[ListVersion] {
        &self.versions
    }

    fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    fn as_of(&self) -> Date {
        self.as_of
    }

    fn today(&self) -> Date {
        self.today
    }

    fn view(&self) -> &dyn View {
        self.store
    }

    fn names(&self) -> Result<&Names> {
        if self.names.get().is_none() {
            let names = in_force(self.store, &self.thresholds, self.as_of)?;
            drop(self.names.set(names));
        }
        Ok(self.names.get().expect("it was made just now"))
    }

    fn book(&self) -> Result<&Book> {
        if self.book.get().is_none() {
            drop(self.book.set(crate::commands::labels::book(self.store)?));
        }
        Ok(self.book.get().expect("it was read just now"))
    }

    fn decisions(&self) -> Result<&Decisions> {
        if self.decisions.get().is_none() {
            drop(self.decisions.set(Decisions::new(self.store.decisions()?)));
        }
        Ok(self.decisions.get().expect("it was read just now"))
    }

    fn party_seen(&self, list: &str, id: &str) -> Result<Vec<Date>> {
        Ok(self.store.party_seen(list, id)?)
    }
}

/// Names of everybody in force on a day whose order has not run out.
pub fn in_force(store: &Store, thresholds: &Thresholds, as_of: Date) -> Result<Names> {
    let mut parties = store.parties_as_of(as_of)?;
    parties.retain(|party| {
        thresholds.of(&party.version.list).is_some()
            && party.expires_on.is_none_or(|last| last >= as_of)
    });
    Ok(Names::new(parties))
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
