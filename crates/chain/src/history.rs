//! The past of an address, from who keeps such pasts: no node needed.
//!
//! A [`History`] is one provider's way to tell it: whether it is on the right
//! chain and up to which block its answers are final ([`Horizon`]), and the
//! rows of an address, a page at a time. [`read`] goes through the pages and
//! hands on facts and what is now known of that address: all of it up to a
//! block, or a part and why no more. A provider is taken at its word only where
//! its answers fit the question: rows that do not name the address asked for,
//! amounts no chain has, pages that never end are [`Lie`](crate::source::Lie)s,
//! and nothing of them is handed on.
//!
//! Whom to ask about is left to the caller: each question tells the provider
//! who is being looked at.

pub mod ask;
pub mod blockscout;
pub mod esplora;
pub mod etherscan;
mod evm;
mod json;
mod provider;
mod rows;
pub mod solana;
pub mod trongrid;

use std::collections::BTreeSet;
use std::future::Future;

use model::{Account, Chain, Fact, Timestamp};

pub use self::ask::{Budget, HistoryError, Key, Options};
pub use self::blockscout::Blockscout;
pub use self::esplora::Esplora;
pub use self::etherscan::Etherscan;
pub use self::provider::{Api, Provider};
pub use self::solana::Solana;
pub use self::trongrid::TronGrid;

use self::rows::{Collected, Row};
pub use self::rows::{Inside, Lack};

/// One provider's way to tell the past of an address.
pub trait History: Send + Sync {
    fn chain(&self) -> Chain;

    /// Kind and host: `esplora at https://…`. Never a key.
    fn name(&self) -> String;

    /// What it never shows, in words that follow "does not show".
    fn unseen(&self) -> &'static [&'static str];

    /// Checks that it is on its chain; up to where its answers cannot change any more.
    fn horizon(&self) -> impl Future<Output = Result<Horizon, HistoryError>> + Send;

    /// One page of rows. The first is asked for with [`Cursor::default`].
    fn page(
        &self,
        ask: &Ask,
        cursor: &Cursor,
    ) -> impl Future<Output = Result<Page, HistoryError>> + Send;

    /// What a transaction says of itself that its rows do not tell. Empty where it has
    /// nothing more to say.
    fn inside(&self, _lack: &Lack) -> impl Future<Output = Result<Inside, HistoryError>> + Send {
        std::future::ready(Ok(Inside::default()))
    }
}

/// The last block whose past is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    pub height: u64,
    pub time: Timestamp,
}

/// Whose past, and which part of it.
#[derive(Clone, Debug)]
pub struct Ask {
    pub account: Account,
    /// Everything up to there is known already.
    pub after: Option<Horizon>,
    pub until: Horizon,
    /// Rows read at most: an address with more is no person's.
    pub rows_max: u64,
}

/// Where in an address's past the next page begins. What it means is each provider's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Native value, internal value, tokens: most keep a list each.
    pub list: usize,
    pub at: Option<String>,
}

/// Part of an address's past.
#[derive(Debug, Default)]
pub struct Page {
    rows: Vec<Row>,
    /// What tells rows apart that are not asked for: not final yet, say.
    skipped: Vec<String>,
    /// None: this was all.
    next: Option<Cursor>,
    /// There is more, which this provider does not hand out.
    cut: Option<&'static str>,
}

/// What was told of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub account: Account,
    pub facts: Vec<Fact>,
    pub rows: u64,
    pub until: Horizon,
    /// None: every row up to the horizon.
    pub cut: Option<Cut>,
}

/// Why not everything is known of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// As many rows as were to be read.
    Rows,
    /// The provider hands out no more.
    Provider(&'static str),
}

/// Transactions of an address asked about by themselves, at most.
const INSIDE_MAX: usize = 64;

/// Pages that bring nothing new before their provider is taken for one that never ends.
const EMPTY_MAX: u32 = 3;

/// Reads the past of an address to its end, its cut, or the end of the budget.
///
/// # Errors
/// [`HistoryError::Budget`] says that it is unknown what was missed: nothing is handed on.
pub async fn read<H: History>(history: &H, ask: &Ask) -> Result<Told, HistoryError> {
    let mut collected = Collected::default();
    let mut cursor = Cursor::default();
    let mut asked = BTreeSet::new();
    let mut empty = 0;
    let mut cut = None;
    loop {
        if !asked.insert((cursor.list, cursor.at.clone())) {
            return Err(rows::lie(history.name(), ask, "its pages lead back to one another"));
        }
        let page = history.page(ask, &cursor).await?;
        let is_new = collected.skip(page.skipped) | collected.take(page.rows);
        cut = cut.or(page.cut.map(Cut::Provider));
        if collected.rows() > ask.rows_max {
            cut = Some(Cut::Rows);
            break;
        }
        let Some(next) = page.next else { break };
        empty = if is_new || next.list != cursor.list { 0 } else { empty + 1 };
        if empty > EMPTY_MAX {
            return Err(rows::lie(
                history.name(),
                ask,
                "its pages bring nothing new and never end",
            ));
        }
        cursor = next;
    }
    let rows = collected.rows();
    // Of an address cut for its many rows nothing is divided.
    if cut != Some(Cut::Rows) {
        place(history, ask, &mut collected).await?;
    }
    let facts = collected.into_facts();
    Ok(Told { account: ask.account.clone(), facts, rows, until: ask.until, cut })
}

/// Asks transactions themselves for the order their rows leave open. Where they are not
/// answered, it stays open, and the trace says so.
async fn place<H: History>(
    history: &H,
    ask: &Ask,
    collected: &mut Collected,
) -> Result<(), HistoryError> {
    for lack in collected.lacks(&ask.account.address).into_iter().take(INSIDE_MAX) {
        match history.inside(&lack).await {
            Ok(inside) => collected.place(&lack.tx, inside),
            Err(HistoryError::Source(error)) if error.lie().is_some() => return Err(error.into()),
            Err(_) => break,
        }
    }
    Ok(())
}
