//! What is known beside a name: birth, country, documents. They confirm a name or speak against it; a
//! document that agrees finds its party by itself.

use model::{Date, DateSpan, Party, PartyCountry, PartyDocument};

use super::fold::{Folded, fold};
use super::score::{Piece, Similarity};

/// A document that agrees is worth at least this, whatever the name.
pub const DOCUMENT: f64 = 0.95;
const BIRTH_AGREES: f64 = 0.02;
const COUNTRY_AGREES: f64 = 0.01;
const DOCUMENT_AGREES: f64 = 0.01;
/// What all of these add at most.
pub const MOST: f64 = BIRTH_AGREES + COUNTRY_AGREES + DOCUMENT_AGREES;
const BIRTH_CONFLICTS: f64 = -0.12;
const COUNTRY_CONFLICTS: f64 = -0.02;
/// Shorter numbers are shared by chance.
const NUMBER_LETTERS_MIN: usize = 5;

/// Who is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameQuery {
    /// As it was asked.
    pub text: String,
    pub folded: Folded,
    pub births: Vec<Birth>,
    /// ISO 3166-1 alpha-2, or a name as lists write it; in upper case.
    pub countries: Vec<String>,
    /// Letters and digits only, in upper case.
    pub documents: Vec<String>,
}

/// A day of birth, known in full or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Birth {
    pub earliest: Date,
    pub latest: Date,
    pub written: String,
}

impl Birth {
    /// `1965`, `1965-03` or `1965-03-12`.
    pub fn parse(text: &str) -> Option<Birth> {
        let text = text.trim();
        let mut parts = text.split('-');
        let year = parts.next().filter(|year| year.len() == 4)?.parse::<i16>().ok()?;
        let month = parts.next().map(|part| part.parse::<i8>().ok());
        let day = parts.next().map(|part| part.parse::<i8>().ok());
        if parts.next().is_some() || month == Some(None) || day == Some(None) {
            return None;
        }
        let (month, day) = (month.flatten(), day.flatten());
        let earliest = Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?;
        let latest = match (month, day) {
            (None, _) => earliest.last_of_year(),
            (Some(_), None) => earliest.last_of_month(),
            _ => earliest,
        };
        Some(Birth { earliest, latest, written: text.to_string() })
    }
}

impl NameQuery {
    /// An IMO number in the text is taken for a document.
    pub fn new(text: &str) -> NameQuery {
        let mut query =
            NameQuery { text: text.to_string(), folded: fold(text), ..NameQuery::default() };
        query.documents.extend(imo_number(text));
        query
    }

    pub fn with_birth(mut self, birth: Birth) -> NameQuery {
        self.births.push(birth);
        self
    }

    pub fn with_country(mut self, country: &str) -> NameQuery {
        self.countries.push(country.trim().to_uppercase());
        self
    }

    pub fn with_document(mut self, document: &str) -> NameQuery {
        self.documents.extend(imo_number(document).or_else(|| number(document)));
        self
    }
}

/// The number of a vessel behind the letters IMO, where its check digit holds: the sum of six digits,
/// times seven down to two, ends in the seventh.
/// Source: IMO resolution A.1117(30).
pub fn imo_number(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    let behind = upper.split("IMO").skip(1);
    let mut digits = behind.map(|rest| {
        rest.chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    });
    digits.find(|digits| is_imo_number(digits))
}

fn is_imo_number(digits: &str) -> bool {
    let values: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(10)).collect();
    let [first @ .., check] = values.as_slice() else { return false };
    first.len() == 6
        && (2..=7u32).rev().zip(first).map(|(n, digit)| n * digit).sum::<u32>() % 10 == *check
}

/// Letters and digits, in upper case; nothing where they are too few to tell.
pub(crate) fn number(text: &str) -> Option<String> {
    let kept: String =
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
    let bare = match kept.strip_prefix("IMO") {
        Some(digits) if is_imo_number(digits) => digits.to_string(),
        _ => kept,
    };
    let has_digit = bare.chars().any(|c| c.is_ascii_digit());
    (has_digit && bare.chars().count() >= NUMBER_LETTERS_MIN).then_some(bare)
}

/// What of a party agrees and what conflicts; nothing where either side does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judged {
    birth: Option<Verdict>,
    country: Option<Verdict>,
    /// Which of the party's documents is the one asked for.
    document: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// With which of the party's, by position.
    Agrees(usize),
    Conflicts,
}

pub(crate) fn judge(query: &NameQuery, party: &Party) -> Judged {
    Judged {
        birth: birth(query, party),
        country: country(query, party),
        document: document(query, party),
    }
}

impl Judged {
    pub fn has_document(self) -> bool {
        self.document.is_some()
    }

    /// What is added to the score of the name.
    pub fn sum(self) -> f64 {
        let of = |verdict, agrees, conflicts| match verdict {
            Some(Verdict::Agrees(_)) => agrees,
            Some(Verdict::Conflicts) => conflicts,
            None => 0.0,
        };
        of(self.birth, BIRTH_AGREES, BIRTH_CONFLICTS)
            + of(self.country, COUNTRY_AGREES, COUNTRY_CONFLICTS)
            + if self.has_document() { DOCUMENT_AGREES } else { 0.0 }
    }

    pub fn pieces(self, query: &NameQuery, party: &Party) -> Vec<Piece> {
        let asked = |texts: Vec<&str>| texts.join(", ");
        let births = || asked(query.births.iter().map(|birth| birth.written.as_str()).collect());
        let countries = || asked(query.countries.iter().map(String::as_str).collect());
        let birth = self.birth.map(|verdict| match verdict {
            Verdict::Agrees(at) => {
                let written = party.births[at].written.clone();
                piece(births(), written, Similarity::BirthAgrees, BIRTH_AGREES)
            }
            Verdict::Conflicts => {
                let written =
                    asked(party.births.iter().map(|span| span.written.as_str()).collect());
                piece(births(), written, Similarity::BirthConflicts, BIRTH_CONFLICTS)
            }
        });
        let country = self.country.map(|verdict| match verdict {
            Verdict::Agrees(at) => {
                let written = party.countries[at].written.clone();
                piece(countries(), written, Similarity::CountryAgrees, COUNTRY_AGREES)
            }
            Verdict::Conflicts => {
                let codes = party.countries.iter().map(|country| country.code.as_str());
                let written = asked(codes.collect());
                piece(countries(), written, Similarity::CountryConflicts, COUNTRY_CONFLICTS)
            }
        });
        let document = self.document.map(|at| {
            let listed = &party.documents[at];
            let written = format!("{} {}", listed.kind, listed.number);
            let own = number(&listed.number).unwrap_or_default();
            piece(own, written, Similarity::DocumentAgrees, DOCUMENT_AGREES)
        });
        birth.into_iter().chain(country).chain(document).collect()
    }
}

/// Any of the births listed may be the right one. A year beside it, or three beside an "about", is
/// neither agreement nor conflict.
fn birth(query: &NameQuery, party: &Party) -> Option<Verdict> {
    if query.births.is_empty() || party.births.is_empty() {
        return None;
    }
    let agrees = |span: &DateSpan| {
        query.births.iter().any(|own| own.earliest <= span.latest && span.earliest <= own.latest)
    };
    if let Some(at) = party.births.iter().position(agrees) {
        return Some(Verdict::Agrees(at));
    }
    let is_near = |span: &DateSpan| {
        let years = if span.is_about { 3 } else { 1 };
        query.births.iter().any(|own| {
            own.earliest.year() <= span.latest.year().saturating_add(years)
                && span.earliest.year() <= own.latest.year().saturating_add(years)
        })
    };
    (!party.births.iter().any(is_near)).then_some(Verdict::Conflicts)
}

fn country(query: &NameQuery, party: &Party) -> Option<Verdict> {
    if query.countries.is_empty() || party.countries.is_empty() {
        return None;
    }
    let is_same = |listed: &PartyCountry| {
        let is = |own: &String| *own == listed.code || *own == listed.written.to_uppercase();
        query.countries.iter().any(is)
    };
    if let Some(at) = party.countries.iter().position(is_same) {
        return Some(Verdict::Agrees(at));
    }
    // Whether a code and a name mean one country is not known here.
    let has_codes = party.countries.iter().all(|listed| listed.code.len() == 2);
    let are_codes = query.countries.iter().all(|own| own.len() == 2);
    (has_codes && are_codes).then_some(Verdict::Conflicts)
}

fn document(query: &NameQuery, party: &Party) -> Option<usize> {
    if query.documents.is_empty() {
        return None;
    }
    let is_asked = |listed: &PartyDocument| {
        number(&listed.number).is_some_and(|number| query.documents.contains(&number))
    };
    party.documents.iter().position(is_asked)
}

fn piece(query: String, matched: String, similarity: Similarity, contribution: f64) -> Piece {
    let likeness = if contribution > 0.0 { 1.0 } else { 0.0 };
    Piece {
        query: Some(query),
        matched: Some(matched),
        similarity,
        likeness,
        weight: contribution.abs(),
        contribution,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn births_are_read_whole_or_in_part() {
        let check = |text: &str, earliest: &str, latest: &str| {
            let birth = Birth::parse(text).expect(text);
            assert_eq!(
                (birth.earliest.to_string(), birth.latest.to_string()),
                (earliest.into(), latest.into())
            );
        };
        check("1965", "1965-01-01", "1965-12-31");
        check("1964-02", "1964-02-01", "1964-02-29");
        check(" 1965-03-12 ", "1965-03-12", "1965-03-12");
        for text in ["", "65", "1965-13", "1965-02-30", "1965-1-1-1", "born 1965", "1965-"] {
            assert_eq!(Birth::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_imo_number_has_a_check_digit() {
        assert_eq!(imo_number("OCEANIC, IMO 9074729"), Some("9074729".into()));
        assert_eq!(imo_number("imo9074729"), Some("9074729".into()));
        assert_eq!(imo_number("IMO 9074728"), None);
        assert_eq!(imo_number("9074729"), None);
        assert_eq!(number("IMO 9074729"), number("9074729"));
        assert_eq!(number("A-123"), None);
        assert_eq!(number("passport"), None);
    }
}
