//! A list of one's own, as a table with a heading: whoever has no list in a known format writes one.
//!
//! | column | means |
//! |---|---|
//! | `id` | one of your own; rows of one id are one party |
//! | `kind` (`schema`) | `person`, `company`, `vessel`, `aircraft`, `asset` |
//! | `name`, `alias`, `weak_alias`, `previous_name`, `original_name` | |
//! | `wallet` (`address`, where it validates as one) | an address on a chain |
//! | `account` | a customer's number at a service |
//! | `token` (`contract`) | the contract of a banned asset, or its CAIP-19 |
//! | `asset` (`currency`) | the asset beside a wallet |
//! | `birth_date`, `birth_place`, `nationality`, `country`, `flag`, `gender` | |
//! | `passport`, `id_number`, `tax_number`, `registration_number`, `imo_number` | |
//! | `programme`, `listed_on` (`start_date`), `expires_on`, `remarks` (`reason`, `notes`) | |
//!
//! Other columns are passed over. Several values of a cell stand apart by `;` or by line breaks.

use std::io::BufRead;

use csv::StringRecord;
use model::{CountryKind, Date, ListingKind, NameKind, NameQuality, Party, PartyKind};

use super::dates::{self, Order};
use super::gather::{
    self, Gather, add_birth, add_country, add_document, add_name, add_remark, add_text, is_latin,
};
use super::table::{Columns, Table};
use super::{ListError, ParsedList};

/// The columns by their plain names, with the other words for them.
const WALLET: &[&str] = &["wallet", "cryptoaddress", "publickey"];
const NAMES: &[(&str, NameKind, NameQuality)] = &[
    ("name", NameKind::Primary, NameQuality::Good),
    ("alias", NameKind::Alias, NameQuality::Good),
    ("weakalias", NameKind::Alias, NameQuality::Low),
    ("previousname", NameKind::Former, NameQuality::Good),
    ("originalname", NameKind::Original, NameQuality::Good),
];
const COUNTRIES: &[(&str, CountryKind)] = &[
    ("nationality", CountryKind::Nationality),
    ("country", CountryKind::Residence),
    ("jurisdiction", CountryKind::Registration),
    ("flag", CountryKind::Flag),
];
const DOCUMENTS: &[(&str, &str)] = &[
    ("passport", "passport"),
    ("passportnumber", "passport"),
    ("idnumber", "identity number"),
    ("taxnumber", "tax number"),
    ("inncode", "INN"),
    ("ogrncode", "OGRN"),
    ("registrationnumber", "registration number"),
    ("imonumber", "IMO number"),
    ("mmsi", "MMSI"),
    ("swiftbic", "SWIFT/BIC"),
    ("leicode", "LEI"),
];

/// Reads the table as a version of a list that the caller names.
pub fn read(
    input: impl BufRead,
    list: &str,
    date: Date,
    file_hash: &str,
) -> Result<ParsedList, ListError> {
    let mut gather = Gather::new(list, date, file_hash);
    let mut table = Table::new(input, b',');
    let mut columns = None;
    while let Some((line, row)) = table.next()? {
        let Some(known) = &columns else {
            let heading = Columns::of(row);
            let says =
                ["name", "wallet", "cryptoaddress", "publickey", "address", "account", "token"];
            if !says.iter().any(|name| heading.has(name)) {
                return Err(ListError::at_line(
                    line,
                    "a heading with one of name, wallet, account and token",
                    row.iter().collect::<Vec<_>>().join(","),
                ));
            }
            columns = Some(heading);
            continue;
        };
        Row { columns: known, row }.take(&mut gather, line)?;
    }
    Ok(gather.finish())
}

struct Row<'a> {
    columns: &'a Columns,
    row: &'a StringRecord,
}

impl<'a> Row<'a> {
    fn one(&self, names: &[&str]) -> &'a str {
        self.columns.first(self.row, names)
    }

    fn each(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let cell = self.columns.cell(self.row, name);
        cell.split([';', '\n']).map(str::trim).filter(|part| !part.is_empty())
    }

    fn take(&self, gather: &mut Gather, line: u64) -> Result<(), ListError> {
        let party = self.party(gather, line)?;
        let mut listings = Vec::new();
        let token = ["token", "contract"].into_iter().flat_map(|name| self.each(name));
        token.for_each(|written| listings.push((written, ListingKind::Token)));
        self.each("account").for_each(|written| listings.push((written, ListingKind::Account)));
        let wallets = WALLET.iter().flat_map(|name| self.each(name));
        wallets.for_each(|written| listings.push((written, ListingKind::Address)));
        for written in self.each("address").filter(|text| is_address(text)) {
            listings.push((written, ListingKind::Address));
        }
        let label = self.one(&["asset", "currency"]);
        let label = (!label.is_empty()).then(|| label.to_string());
        for (written, kind) in listings {
            // A token may stand there as an asset: its contract is what a transfer names.
            let bare = written.rsplit('/').next().unwrap_or(written);
            let bare =
                ["erc20:", "trc20:", "token:"].iter().find_map(|kind| bare.strip_prefix(kind));
            let mut listing = gather.listing(bare.unwrap_or(written));
            listing.kind = kind;
            listing.asset_label.clone_from(&label);
            listing.programmes = party.programmes.clone();
            listing.listed_on = party.listed_on;
            listing.expires_on = party.expires_on;
            let is_known = !party.id.is_empty();
            gather.add(if is_known { gather::of_party(listing, &party) } else { listing });
        }
        if !party.id.is_empty() {
            gather.add_party(party);
        }
        Ok(())
    }

    /// One without an id where nothing in the row says who it is.
    fn party(&self, gather: &Gather, line: u64) -> Result<Party, ListError> {
        let id = match self.one(&["id"]) {
            "" => self.one(&["name"]),
            id => id,
        };
        let mut party = gather.party(id, kind_of(self.one(&["kind", "schema", "type"])));
        for (column, kind, quality) in NAMES {
            for text in self.each(column) {
                let kind = match kind {
                    NameKind::Alias if !is_latin(text) => NameKind::Original,
                    kind => *kind,
                };
                add_name(&mut party.names, gather::name(text, kind, *quality));
            }
        }
        for written in ["birthdate", "dob", "dateofbirth"].iter().flat_map(|name| self.each(name)) {
            add_birth(&mut party, dates::read(written, Order::DayFirst), written);
        }
        self.each("birthplace").for_each(|place| add_text(&mut party.birth_places, place));
        for (column, kind) in COUNTRIES {
            self.each(column).for_each(|text| add_country(&mut party.countries, *kind, text));
        }
        for (column, kind) in DOCUMENTS {
            self.each(column).for_each(|text| add_document(&mut party.documents, kind, text, ""));
        }
        let postal = self.each("address").filter(|text| !is_address(text));
        postal.for_each(|text| add_text(&mut party.addresses, text));
        let gender = self.one(&["gender"]).to_lowercase();
        party.gender = (!gender.is_empty()).then_some(gender);
        for column in ["programme", "program", "programkey"] {
            self.each(column).for_each(|text| add_text(&mut party.programmes, text));
        }
        party.listed_on = self.day(line, "listed_on", &["listedon", "startdate"])?;
        party.expires_on = self.day(line, "expires_on", &["expireson", "enddate"])?;
        for column in ["position", "remarks", "reason", "notes"] {
            add_remark(&mut party, self.columns.cell(self.row, column));
        }
        Ok(party)
    }

    /// A day on which something holds or ends must be one: guessing it would list or delist.
    fn day(&self, line: u64, what: &str, names: &[&str]) -> Result<Option<Date>, ListError> {
        match self.one(names) {
            "" => Ok(None),
            written => dates::whole(written, Order::DayFirst).map(Some).ok_or_else(|| {
                ListError::at_line(line, &format!("{what}: a day"), format!("{written:?}"))
            }),
        }
    }
}

fn is_address(text: &str) -> bool {
    text.len() >= 25 && !model::Identifier::parse(text).families.is_empty()
}

fn kind_of(word: &str) -> PartyKind {
    match word.to_lowercase().as_str() {
        "person" | "individual" => PartyKind::Person,
        "company" | "organisation" | "organization" | "entity" | "legalentity" | "publicbody" => {
            PartyKind::Organisation
        }
        "vessel" | "ship" => PartyKind::Vessel,
        "aircraft" | "airplane" => PartyKind::Aircraft,
        "asset" | "token" | "security" => PartyKind::Asset,
        _ => PartyKind::Unknown,
    }
}
