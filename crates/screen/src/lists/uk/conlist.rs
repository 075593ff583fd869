//! OFSI's consolidated list as CSV, frozen since 28 January 2026: read for what was listed before.
//!
//! The first row says when it was last updated, the second names the columns, and each further row
//! is one name of a group. Several values of a cell are numbered: `(1) Iran (2) Iraq`.

use std::io::BufRead;

use csv::StringRecord;
use model::{CountryKind, Date, NameKind, NameQuality, Party, PartyKind};

use super::{CONLIST, kind_of, named};
use crate::lists::dates::{self, Order};
use crate::lists::gather::{
    self, Gather, add_birth, add_country, add_document, add_name, add_remark, add_text, joined,
};
use crate::lists::table::{Columns, Table, plain};
use crate::lists::{ListError, ParsedList};

/// Reads the whole list.
pub fn read(
    input: impl BufRead,
    date: Option<Date>,
    file_hash: &str,
) -> Result<ParsedList, ListError> {
    let mut table = Table::new(input, b',');
    let (mut issued, mut columns, mut gather) = (None, None, None);
    while let Some((line, row)) = table.next()? {
        let Some(known) = &columns else {
            let first = row.get(0).unwrap_or_default().trim_start_matches('\u{feff}');
            if plain(first) == "lastupdated" {
                issued = dates::whole(row.get(1).unwrap_or_default(), Order::DayFirst);
                continue;
            }
            let heading = Columns::of(row);
            if !(heading.has("groupid") && heading.has("name6")) {
                return Err(ListError::at_line(line, "a heading with Name 6 and Group ID", first));
            }
            let date = date.or(issued).ok_or_else(|| {
                ListError::at_line(line, "`Last Updated` with a day before the heading", "none")
            })?;
            gather = Some(Gather::new(CONLIST, date, file_hash));
            columns = Some(heading);
            continue;
        };
        let Some(gather) = &mut gather else { continue };
        let id = known.cell(row, "groupid");
        if id.is_empty() {
            return Err(ListError::at_line(line, "a Group ID", "none"));
        }
        let party = Row { columns: known, row }.party(gather.party(id, PartyKind::Unknown));
        gather.add_addresses_of(&party);
        gather.add_party(party);
    }
    gather.map(Gather::finish).ok_or_else(|| {
        ListError::at_line(1, "a heading with Name 6 and Group ID", "the end of the file")
    })
}

struct Row<'a> {
    columns: &'a Columns,
    row: &'a StringRecord,
}

impl Row<'_> {
    fn cell(&self, name: &str) -> &str {
        self.columns.cell(self.row, name)
    }

    fn party(&self, mut party: Party) -> Party {
        party.kind = kind_of(self.columns.first(self.row, &["grouptype", "grouptypedescription"]));
        let cells = ["name1", "name2", "name3", "name4", "name5", "name6"].map(|n| self.cell(n));
        let (name_type, quality) = (self.cell("aliastype"), self.cell("aliasquality"));
        add_name(&mut party.names, named(&cells, name_type, quality, party.kind));
        let original = self.cell("namenonlatinscript");
        add_name(&mut party.names, gather::name(original, NameKind::Original, NameQuality::Good));
        for written in items(self.columns.first(self.row, &["dob", "individualdateofbirth"])) {
            add_birth(&mut party, dates::read(written, Order::DayFirst), written);
        }
        let town = self.cell("townofbirth");
        items(town).for_each(|place| add_text(&mut party.birth_places, place));
        for (column, kind) in [
            ("countryofbirth", CountryKind::Birth),
            ("nationality", CountryKind::Nationality),
            ("country", CountryKind::Residence),
        ] {
            items(self.cell(column)).for_each(|c| add_country(&mut party.countries, kind, c));
        }
        for (column, kind) in [
            ("passportnumber", "Passport"),
            ("nationalidentificationnumber", "National identifier"),
            ("uksanctionslistref", "UK Sanctions List reference"),
        ] {
            items(self.cell(column)).for_each(|n| add_document(&mut party.documents, kind, n, ""));
        }
        let address = [
            "address1",
            "address2",
            "address3",
            "address4",
            "address5",
            "address6",
            "postzipcode",
            "country",
        ];
        add_text(&mut party.addresses, &joined(address.map(|column| self.cell(column))));
        add_text(&mut party.programmes, self.columns.first(self.row, &["regime", "regimename"]));
        party.listed_on = dates::whole(self.cell("listedon"), Order::DayFirst);
        for (column, label) in
            [("title", "Title: "), ("position", "Position: "), ("otherinformation", "")]
        {
            let text = self.cell(column);
            if !text.is_empty() {
                add_remark(&mut party, &format!("{label}{text}"));
            }
        }
        party
    }
}

/// `(1) Iran (2) Iraq` is two; anything else is one.
fn items(cell: &str) -> impl Iterator<Item = &str> {
    let is_numbered = cell.trim_start().starts_with("(1)");
    let parts: Vec<&str> = if is_numbered {
        cell.split('(')
            .filter_map(|part| part.split_once(')'))
            .filter(|(number, _)| number.bytes().all(|b| b.is_ascii_digit()))
            .map(|(_, text)| text)
            .collect()
    } else {
        vec![cell]
    };
    parts.into_iter().map(str::trim).filter(|text| !text.is_empty())
}
