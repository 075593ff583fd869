//! Israel's National Bureau for Counter Terror Financing: administrative seizure orders against
//! wallets and accounts at exchanges, as a table in Hebrew or English.
//!
//! | column | means |
//! |---|---|
//! | `שם מלא`, `full name` | the holder; often unknown |
//! | `תעודת זהות`, `id` | an identity number; a passport stands here as well |
//! | `דרכון`, `passport` | |
//! | `תאריך לידה`, `date of birth` | day first |
//! | `מספר זיהוי הארנק האלקטרוני/ יוזר`, `wallet/user id` | an address, or a customer's number at an exchange |
//! | `מטבע`, `currency` | |
//!
//! The heading of an order (`צ.ת 18/26`, `ASO 18/26`) is a row of its own; what follows is under it.
//! The second table, if there is one, says when an order was last changed and how long it holds:
//! orders run out after two years unless the property is forfeited. The table of wallets says no
//! date of its own.
//!
//! Source: <https://nbctf.mod.gov.il/en/seizures/Pages/Blockchain1.aspx>.

use std::collections::HashMap;
use std::io::BufRead;

use csv::StringRecord;
use model::{Date, ListingKind, NameKind, NameQuality, Party, PartyKind};

use super::dates::{self, Order};
use super::gather::{self, Gather, add_birth, add_document, add_name, add_text, one_line};
use super::table::{Columns, Table, plain};
use super::{ListError, ParsedList};
use crate::extract;
use crate::query::is_blank;

/// What we call the list.
pub const LIST: &str = "il-nbctf";

/// When an order was last changed, and the last day it holds.
#[derive(Clone, Copy, Debug, Default)]
struct Term {
    changed: Option<Date>,
    ends: Option<Date>,
}

/// Reads the table of wallets, with the table of orders if there is one, as of a day.
pub fn read<R: BufRead>(
    wallets: R,
    orders: Option<R>,
    date: Date,
    file_hash: &str,
) -> Result<ParsedList, ListError> {
    let terms = orders.map(read_terms).transpose()?.unwrap_or_default();
    let mut gather = Gather::new(LIST, date, file_hash);
    let mut table = Table::new(wallets, b',');
    let mut columns = None;
    let mut order = None;
    let mut count = 0;
    while let Some((line, row)) = table.next()? {
        let Some(known) = &columns else {
            columns = Some(heading(row).ok_or_else(|| {
                let found = row.iter().collect::<Vec<_>>().join(",");
                ListError::at_line(line, "a heading with a column of wallets", found)
            })?);
            continue;
        };
        if let Some(name) = order_of(row) {
            order = Some(name);
            continue;
        }
        count += 1;
        let row = Row { columns: known, row };
        let term = order.as_ref().and_then(|order| terms.get(order)).copied().unwrap_or_default();
        row.take(&mut gather, order.as_deref(), term, count);
    }
    if columns.is_none() {
        return Err(ListError::at_line(1, "a heading with a column of wallets", "an empty table"));
    }
    Ok(gather.finish())
}

/// The names of columns, whatever language they are in.
fn heading(row: &StringRecord) -> Option<Columns> {
    let name = |cell: &str| match plain(cell).as_str() {
        "שםמלא" | "fullname" | "name" => "name",
        "תעודתזהות" | "id" | "idnumber" | "identitynumber" => "id",
        "דרכון" | "passport" | "passportnumber" => "passport",
        "תאריךלידה" | "dateofbirth" | "birthdate" => "birth",
        "מטבע" | "currency" => "currency",
        wallet if wallet.contains("ארנק") || wallet.contains("wallet") => "wallet",
        _ => "",
    };
    let columns = Columns::of(&row.iter().map(name).collect());
    columns.has("wallet").then_some(columns)
}

/// `18/26` of `צ.ת 18/26`, `צ.ת - 34/23` or `Seizure order (ASO 43/25) of the Minister`, where
/// nothing else stands in the row.
fn order_of(row: &StringRecord) -> Option<String> {
    let mut cells = row.iter().map(str::trim).filter(|cell| !cell.is_empty());
    let only = cells.next().filter(|_| cells.next().is_none())?;
    let is_heading = only.starts_with("צ") || only.to_uppercase().contains("ASO");
    is_heading.then(|| number_of(only)).flatten()
}

fn number_of(text: &str) -> Option<String> {
    let is_number = |word: &&str| {
        word.split_once('/').is_some_and(|(number, year)| {
            let is_digits = |part: &str| {
                !part.is_empty() && part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit())
            };
            is_digits(number) && is_digits(year)
        })
    };
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '/'));
    words.into_iter().find(is_number).map(str::to_string)
}

fn read_terms<R: BufRead>(input: R) -> Result<HashMap<String, Term>, ListError> {
    let mut terms: HashMap<String, Term> = HashMap::new();
    let mut table = Table::new(input, b',');
    while let Some((_, row)) = table.next()? {
        let cell = |at: usize| row.get(at).unwrap_or_default();
        let Some(order) = number_of(cell(0)) else { continue };
        let term = terms.entry(order).or_default();
        let changed = dates::whole(cell(1), Order::DayFirst);
        term.changed = term.changed.into_iter().chain(changed).min();
        // A forfeiture order in its place has no end.
        term.ends = term.ends.max(dates::whole(cell(2), Order::DayFirst));
    }
    Ok(terms)
}

struct Row<'a> {
    columns: &'a Columns,
    row: &'a StringRecord,
}

impl Row<'_> {
    fn cell(&self, name: &str) -> &str {
        let cell = self.columns.cell(self.row, name);
        if matches!(cell, "-" | "–" | "0") { "" } else { cell }
    }

    fn take(&self, gather: &mut Gather, order: Option<&str>, term: Term, count: usize) {
        let party = self.party(gather, order, term, count);
        let mut wallets: Vec<(String, ListingKind)> = Vec::new();
        for piece in self.cell("wallet").split([',', ';', '\n']) {
            // `rEb8… (Address tag 102334770)*`: the tag is whose it is at a service, not the address.
            let bare = piece.split('(').next().unwrap_or_default();
            let bare = bare.trim_matches(|c: char| is_blank(c) || c == '*');
            let found = extract::addresses(bare);
            if found.is_empty() && !bare.is_empty() {
                wallets.push((bare.to_string(), kind_of(bare)));
            }
            wallets.extend(found.into_iter().map(|a| (a.written, ListingKind::Address)));
        }
        let currency = self.cell("currency");
        for (written, kind) in wallets {
            let mut listing = gather.listing(&written);
            listing.kind = kind;
            listing.asset_label = (!currency.is_empty()).then(|| one_line(currency));
            listing.listed_on = term.changed;
            listing.expires_on = term.ends;
            listing.programmes = order.map(|order| format!("ASO {order}")).into_iter().collect();
            gather.add(match &party {
                Some(party) => gather::of_party(listing, party),
                None => listing,
            });
        }
        if let Some(party) = party {
            gather.add_party(party);
        }
    }

    /// Nobody where neither a name nor a document is known.
    fn party(
        &self,
        gather: &Gather,
        order: Option<&str>,
        term: Term,
        count: usize,
    ) -> Option<Party> {
        let (name, id, passport) = (self.cell("name"), self.cell("id"), self.cell("passport"));
        let own = [id, passport, name].into_iter().find(|text| !text.is_empty())?;
        // A number that a spreadsheet wrote as 9.46108E+11 is many people's.
        let is_rounded = own.contains("E+");
        let own = if is_rounded { format!("{own} row {count}") } else { one_line(own) };
        let mut party = gather.party(&own, PartyKind::Unknown);
        add_name(&mut party.names, gather::name(name, NameKind::Primary, NameQuality::Unsaid));
        add_document(&mut party.documents, "identity number", id, "");
        add_document(&mut party.documents, "passport", passport, "");
        let birth = self.cell("birth");
        add_birth(&mut party, dates::read(birth, Order::DayFirst), birth);
        if let Some(order) = order {
            add_text(&mut party.programmes, &format!("ASO {order}"));
        }
        party.listed_on = term.changed;
        party.expires_on = term.ends;
        if !birth.is_empty() {
            // Only people have a birthday.
            party.kind = PartyKind::Person;
        }
        Some(party)
    }
}

/// Digits alone are a customer's number; anything else meant to be an address and stays a claim.
fn kind_of(written: &str) -> ListingKind {
    let is_account = written.len() < 25;
    if is_account { ListingKind::Account } else { ListingKind::Address }
}
