//! Screening from memory: lists, labels and decisions as they are said now.
//!
//! An address is one look-up in an index of keys; nothing waits for a disk. A screener never changes:
//! when lists or labels do, another takes its place.

use std::cell::OnceCell;
use std::sync::{Arc, OnceLock};

use anyhow::Result;
use model::{Book, Date, ListVersion, Timestamp, View};
use screen::decided::Decisions;
use screen::names::{Names, Thresholds};
use screen::{Answer, Screen};
use store::Store;
use trace::exposure::Marked;

use super::{Cell, Now};
use crate::answers::{self, Kept};
use crate::cli::ScreenKind;
use crate::commands::screen::{Ask, weigh};
use crate::exposure;

pub struct Screener {
    screen: Screen,
    versions: Vec<ListVersion>,
    thresholds: Thresholds,
    book: Arc<Book>,
    decisions: Decisions,
    /// For exposures; made when the first is asked for.
    marked: OnceLock<Arc<Marked>>,
    said: String,
}

/// One question with its day.
#[derive(Clone, Debug)]
pub struct Question {
    pub ask: Ask,
    /// None: today.
    pub as_of: Option<Date>,
    /// Also what is kept of where its value came from.
    pub weighs: bool,
}

impl Question {
    /// Is this account listed or labelled today?
    pub fn address(account: &model::Account) -> Question {
        let ask = Ask::new(account.to_string(), ScreenKind::Address);
        Question { ask, as_of: None, weighs: false }
    }
}

impl Screener {
    pub fn read(store: &Store) -> Result<Screener> {
        // First: what is committed while the rest is read makes this one outdated, not wrong for ever.
        let said = store.said()?;
        let versions: Vec<ListVersion> =
            store.list_versions()?.into_iter().map(|row| row.version).collect();
        Ok(Screener {
            screen: Screen::new(&versions, store.listings()?),
            versions,
            thresholds: Thresholds::default(),
            book: Arc::new(crate::commands::labels::book(store)?),
            decisions: Decisions::new(store.decisions()?),
            marked: OnceLock::new(),
            said,
        })
    }

    /// Names what it was read from.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// Labels, and the listings of the latest version of each list.
    pub fn book(&self) -> &Arc<Book> {
        &self.book
    }

    pub fn marked(&self) -> Arc<Marked> {
        let make = || Arc::new(exposure::marked(Book::clone(&self.book)));
        self.marked.get_or_init(make).clone()
    }

    /// No list at all: then nothing that is asked is answered.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    pub fn versions(&self) -> &[ListVersion] {
        &self.versions
    }

    /// The answer, where lists and labels in memory give all of it: that of an address.
    pub fn at_once(&self, question: &Question) -> Option<Answer> {
        let ask = &question.ask;
        if question.weighs || !matches!(ask.kind, ScreenKind::Auto | ScreenKind::Address) {
            return None;
        }
        let answer = self.screen.screen(&ask.text, question.as_of.unwrap_or_else(today));
        answers::is_of_address(ask, &answer).then(|| self.labelled(answer))
    }

    /// The same as `interdict screen` says, with what labels know of an address.
    fn labelled(&self, mut answer: Answer) -> Answer {
        if answer.valid && answer.labels.is_empty() {
            answer.labels = answers::labels(&self.book, &answer.query);
        }
        answer
    }
}

/// Any answer; may wait for a disk.
pub fn answer(cell: &Cell, now: &Now, question: &Question) -> Result<Answer> {
    if let Some(answer) = now.screener.at_once(question) {
        return Ok(answer);
    }
    let as_of = question.as_of.unwrap_or_else(today);
    let at = At { cell, now, as_of, names: OnceCell::new() };
    let mut answer = answers::answer(&at, &question.ask)?;
    if answer.kind == screen::Kind::Address {
        answer = now.screener.labelled(answer);
        if question.weighs && answer.valid {
            cell.with_screening(|screening| weigh(screening, &mut answer))?;
        }
    }
    Ok(answer)
}

/// What is in memory, as of one day.
struct At<'a> {
    cell: &'a Cell,
    now: &'a Now,
    as_of: Date,
    names: OnceCell<Arc<Names>>,
}

impl Kept for At<'_> {
    fn screen(&self) -> &Screen {
        &self.now.screener.screen
    }

    fn versions(&self) -> &[ListVersion] {
        &self.now.screener.versions
    }

    fn thresholds(&self) -> &Thresholds {
        &self.now.screener.thresholds
    }

    fn as_of(&self) -> Date {
        self.as_of
    }

    fn today(&self) -> Date {
        today()
    }

    fn view(&self) -> &dyn View {
        &self.now.snapshot
    }

    fn names(&self) -> Result<&Names> {
        if self.names.get().is_none() {
            drop(self.names.set(self.cell.names(&self.now.screener, self.as_of)?));
        }
        Ok(self.names.get().expect("it was made just now"))
    }

    fn book(&self) -> Result<&Book> {
        Ok(&self.now.screener.book)
    }

    fn decisions(&self) -> Result<&Decisions> {
        Ok(&self.now.screener.decisions)
    }

    fn party_seen(&self, list: &str, id: &str) -> Result<Vec<Date>> {
        self.cell.with_store(|store| Ok(store.party_seen(list, id)?))
    }
}

pub fn today() -> Date {
    model::day_of(Timestamp::now())
}
