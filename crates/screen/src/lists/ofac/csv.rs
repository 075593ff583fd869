//! OFAC's CSV: four tables that belong together, `sdn.csv` or `cons_prim.csv` first.
//!
//! | table | columns |
//! |---|---|
//! | `sdn.csv` | id, name, type, programme, title, call sign, vessel type, tonnage, gross tonnage, flag, owner, remarks |
//! | `alt.csv` | id, id of the name, type of the name, name, remarks |
//! | `add.csv` | id, id of the address, address, city and province, country, remarks |
//! | `sdn_comments.csv` | id, more of the remarks |
//!
//! `-0-` says nothing. Remarks that are too long go on in the last table, cut at any byte, in the
//! middle of an address too: they are put together before they are read. They hold birthdays,
//! documents, weak aliases in quotation marks, and the addresses. No table says when it was
//! issued, nor when a party was listed.

use std::collections::HashMap;
use std::io::BufRead;

use model::{CountryKind, Date, NameKind, NameQuality, Party, PartyName};

use super::simple::name_of;
use super::{LIST, asset_of};
use crate::lists::dates::{self, Order};
use crate::lists::gather::{
    self, Gather, add_birth, add_country, add_document, add_name, add_remark, add_text, joined,
};
use crate::lists::table::Table;
use crate::lists::{ListError, ParsedList};

/// The tables, each optional but the first.
pub struct Tables<R> {
    pub parties: R,
    pub names: Option<R>,
    pub addresses: Option<R>,
    pub comments: Option<R>,
}

/// Reads the list as of a day that the caller knows.
///
/// # Errors
/// A [`ListError`] names the line; the table is told by what was expected.
pub fn read<R: BufRead>(
    tables: Tables<R>,
    date: Date,
    file_hash: &str,
) -> Result<ParsedList, ListError> {
    let mut gather = Gather::new(LIST, date, file_hash);
    let comments = tables.comments.map(read_comments).transpose()?.unwrap_or_default();
    let mut names = tables.names.map(read_names).transpose()?.unwrap_or_default();
    let mut addresses = tables.addresses.map(read_addresses).transpose()?.unwrap_or_default();
    let mut table = Table::new(tables.parties, b',');
    while let Some((line, row)) = table.next()? {
        if row.len() < 12 {
            return Err(ListError::at_line(
                line,
                "the 12 columns of sdn.csv",
                format!("{} columns", row.len()),
            ));
        }
        let cell = |at: usize| said(row.get(at).unwrap_or_default());
        let id = cell(0);
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ListError::at_line(line, "the number of a party", format!("{id:?}")));
        }
        let mut party = gather.party(id, super::kind_of(cell(2)));
        let (last, first) = cell(1).split_once(", ").unwrap_or((cell(1), ""));
        let name = match party.kind {
            model::PartyKind::Person => name_of(last, first, party.kind),
            kind => name_of(cell(1), "", kind),
        };
        add_name(&mut party.names, PartyName { kind: NameKind::Primary, ..name });
        programmes(cell(3)).for_each(|text| add_text(&mut party.programmes, text));
        for (label, at) in
            [("Title", 4), ("Vessel type", 6), ("Tonnage", 7), ("Gross tonnage", 8), ("Owner", 10)]
        {
            if !cell(at).is_empty() {
                add_remark(&mut party, &format!("{label}: {}", cell(at)));
            }
        }
        add_document(&mut party.documents, "Vessel Call Sign", cell(5), "");
        add_country(&mut party.countries, CountryKind::Flag, cell(9));
        for name in names.remove(id).unwrap_or_default() {
            add_name(&mut party.names, name);
        }
        for (address, country) in addresses.remove(id).unwrap_or_default() {
            add_text(&mut party.addresses, &address);
            add_country(&mut party.countries, CountryKind::Residence, &country);
        }
        // Cut at any byte: nothing may stand between the two.
        let more = comments.get(id).map(String::as_str).unwrap_or_default();
        let remarks = format!("{}{more}", untrimmed(row.get(11).unwrap_or_default()));
        take_remarks(&mut gather, &mut party, &remarks);
        gather.add_party(party);
    }
    Ok(gather.finish())
}

fn said(cell: &str) -> &str {
    let cell = cell.trim();
    if cell == "-0-" { "" } else { cell }
}

/// A blank at its end may belong between two words that the cut took apart.
fn untrimmed(cell: &str) -> &str {
    let cell = cell.trim_end_matches('\r');
    if cell.trim() == "-0-" { "" } else { cell }
}

/// `SDGT] [IRAN`, `CYBER2; DPRK3`.
fn programmes(cell: &str) -> impl Iterator<Item = &str> {
    cell.split([']', '[', ';', ',']).map(str::trim).filter(|text| !text.is_empty())
}

fn read_comments<R: BufRead>(input: R) -> Result<HashMap<String, String>, ListError> {
    let mut comments: HashMap<String, String> = HashMap::new();
    let mut table = Table::new(input, b',');
    while let Some((line, row)) = table.next()? {
        let (Some(id), Some(more)) = (row.get(0), row.get(1)) else {
            return Err(ListError::at_line(line, "the 2 columns of sdn_comments.csv", "fewer"));
        };
        *comments.entry(id.trim().to_string()).or_default() += untrimmed(more);
    }
    Ok(comments)
}

fn read_names<R: BufRead>(input: R) -> Result<HashMap<String, Vec<PartyName>>, ListError> {
    let mut names: HashMap<String, Vec<PartyName>> = HashMap::new();
    let mut table = Table::new(input, b',');
    while let Some((line, row)) = table.next()? {
        let (Some(id), Some(kind), Some(text)) = (row.get(0), row.get(2), row.get(3)) else {
            return Err(ListError::at_line(line, "the 5 columns of alt.csv", "fewer"));
        };
        let is_former = kind.trim().to_lowercase().starts_with("fka");
        let kind = if is_former { NameKind::Former } else { NameKind::Alias };
        let name = gather::name(said(text), kind, NameQuality::Good);
        names.entry(id.trim().to_string()).or_default().push(name);
    }
    Ok(names)
}

type Places = HashMap<String, Vec<(String, String)>>;

fn read_addresses<R: BufRead>(input: R) -> Result<Places, ListError> {
    let mut places = Places::new();
    let mut table = Table::new(input, b',');
    while let Some((line, row)) = table.next()? {
        let Some(id) = row.get(0).filter(|_| row.len() >= 5) else {
            return Err(ListError::at_line(line, "the 6 columns of add.csv", "fewer"));
        };
        let cell = |at: usize| said(row.get(at).unwrap_or_default());
        let whole = joined([cell(2), cell(3), cell(4)]);
        places.entry(id.trim().to_string()).or_default().push((whole, cell(4).to_string()));
    }
    Ok(places)
}

/// Reads what the remarks say, piece by piece; what is not understood stays as it is written.
fn take_remarks(gather: &mut Gather, party: &mut Party, remarks: &str) {
    let remarks = remarks.trim().trim_end_matches('.');
    let mut addresses = Vec::new();
    for piece in remarks.split("; ").map(str::trim).filter(|piece| !piece.is_empty()) {
        let bare = piece.trim_end_matches([';', '.']);
        let bare = bare.strip_prefix("alt. ").unwrap_or(bare);
        if let Some((label, written)) = address(bare) {
            addresses.push((label, written));
        } else if !take_fact(party, bare) {
            add_remark(party, piece);
        }
    }
    for (asset_label, written) in addresses {
        let mut listing = gather.listing(&written);
        listing.asset_label = asset_label;
        gather.add(gather::of_party(listing, party));
    }
}

/// `Digital Currency Address - XBT 1Boat…`.
fn address(piece: &str) -> Option<(Option<String>, String)> {
    let (label, written) = piece.rsplit_once(' ')?;
    let label = asset_of(label)?;
    Some((label, written.to_string()))
}

/// True where the piece is one of those that are understood.
fn take_fact(party: &mut Party, piece: &str) -> bool {
    let after = |word: &str| piece.strip_prefix(word).map(str::trim);
    if let Some(written) = after("DOB ") {
        add_birth(party, dates::read(written, Order::DayFirst), written);
    } else if let Some(place) = after("POB ") {
        add_text(&mut party.birth_places, place);
        add_last_country(party, CountryKind::Birth, place);
    } else if let Some(country) = after("nationality ").or_else(|| after("citizen ")) {
        add_country(&mut party.countries, CountryKind::Nationality, country);
    } else if let Some(gender) = after("Gender ") {
        party.gender = Some(gender.to_lowercase());
    } else if let Some(name) = after("a.k.a. ").or_else(|| after("f.k.a. ")) {
        let is_former = piece.starts_with('f');
        let kind = if is_former { NameKind::Former } else { NameKind::Alias };
        // Quotation marks are how this form says that an alias is weak.
        let quoted = name.strip_prefix('\'').and_then(|name| name.strip_suffix('\''));
        let quality = if quoted.is_some() { NameQuality::Low } else { NameQuality::Good };
        add_name(&mut party.names, gather::name(quoted.unwrap_or(name), kind, quality));
    } else if let Some((kind, number)) = document(piece) {
        let (number, rest) = number.split_once(" (").unwrap_or((number, ""));
        let country = rest.split(')').next().unwrap_or_default();
        add_document(&mut party.documents, kind, number, country);
    } else {
        return false;
    }
    true
}

fn add_last_country(party: &mut Party, kind: CountryKind, place: &str) {
    let last = place.rsplit(", ").next().unwrap_or(place);
    if crate::lists::countries::code(last).is_some() {
        add_country(&mut party.countries, kind, last);
    }
}

/// `Passport A1234567 (Iran)`, `Tax ID No. 7707083893 (Russia)`.
fn document(piece: &str) -> Option<(&str, &str)> {
    const KINDS: [&str; 16] = [
        "Email Address",
        "Website",
        "Phone Number",
        "Birth Certificate Number",
        "Passport",
        "National ID No.",
        "Tax ID No.",
        "Registration ID",
        "Registration Number",
        "Identification Number",
        "Company Number",
        "Cedula No.",
        "D.N.I.",
        "SWIFT/BIC",
        "Vessel Registration Identification",
        "National Foreign ID Number",
    ];
    let kind = KINDS.into_iter().find(|kind| piece.starts_with(kind))?;
    let number = piece[kind.len()..].strip_prefix(' ')?;
    (!number.is_empty()).then_some((&piece[..kind.len()], number))
}
