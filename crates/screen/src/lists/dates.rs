//! Days as lists write them: whole, in part, reversed, or about.
//!
//! What is not a day is no error: a list is not refused for somebody's unknown birthday.

use model::{Date, DateSpan};

/// How a date of three numbers with the year last is read: `12/03/1970`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    DayFirst,
    MonthFirst,
}

/// A year, and what else is known of the day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    pub year: i16,
    pub month: Option<i8>,
    pub day: Option<i8>,
}

impl Parts {
    /// Its first and last day. A day its month does not have stands for the month.
    pub fn span(self, is_about: bool, written: &str) -> Option<DateSpan> {
        let month = self.month.filter(|month| (1..=12).contains(month));
        let first = Date::new(self.year, month.unwrap_or(1), 1).ok()?;
        let last = Date::new(self.year, month.unwrap_or(12), 1).ok()?.last_of_month();
        let span = |earliest, latest, is_about| {
            let written = written.trim().to_string();
            Some(DateSpan { earliest, latest, is_about, written })
        };
        match (month, self.day.filter(|day| *day > 0)) {
            (Some(month), Some(day)) => match Date::new(self.year, month, day) {
                Ok(date) => span(date, date, is_about),
                Err(_) => span(first, last, true),
            },
            _ => span(first, last, is_about),
        }
    }
}

/// Reads one day or a range of days; nothing where no year is in it.
pub fn read(written: &str, order: Order) -> Option<DateSpan> {
    let text = written.trim().to_lowercase();
    let (text, is_about) = without_about(&text);
    let Some((from, to)) = range(text) else {
        return parts(text, order)?.span(is_about, written);
    };
    let (from, to) = (parts(from, order)?, parts(to, order)?);
    let (from, to) = (from.span(is_about, written)?, to.span(is_about, written)?);
    Some(between(from, to))
}

/// From the first day of one to the last of the other, whichever way round they stand.
pub fn between(from: DateSpan, to: DateSpan) -> DateSpan {
    DateSpan {
        earliest: from.earliest.min(to.earliest),
        latest: from.latest.max(to.latest),
        is_about: from.is_about || to.is_about,
        written: from.written,
    }
}

/// A day and nothing less.
pub fn whole(written: &str, order: Order) -> Option<Date> {
    let span = read(written, order)?;
    (span.earliest == span.latest && !span.is_about).then_some(span.earliest)
}

fn without_about(text: &str) -> (&str, bool) {
    for word in ["approximately", "approx.", "approx", "circa", "about", "around", "c.", "ca.", "~"]
    {
        if let Some(rest) = text.strip_prefix(word) {
            return (rest.trim(), true);
        }
    }
    (text, false)
}

/// `1960 to 1965`, `between 1960 and 1965`, `1960-1965`.
fn range(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("between").or_else(|| text.strip_prefix("from")).unwrap_or(text);
    for word in [" to ", " and ", " - ", "–"] {
        if let Some(pair) = text.split_once(word) {
            return Some(pair);
        }
    }
    let (from, to) = text.trim().split_once('-')?;
    let is_year = |part: &str| part.len() == 4 && part.bytes().all(|b| b.is_ascii_digit());
    (is_year(from) && is_year(to)).then_some((from, to))
}

/// What stands between the separators of a date.
#[derive(Clone, Copy)]
enum Piece {
    Year(i16),
    /// At most two digits; 0 is not known.
    Number(i8),
    Month(i8),
}

fn parts(text: &str, order: Order) -> Option<Parts> {
    // A time of day or a zone behind the date says nothing of a day: `2015-04-07-04:00`.
    let is_iso = |date: &&str| {
        date.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    };
    let date = text.trim().get(..10).filter(is_iso).unwrap_or(text);
    let pieces = pieces(date)?;
    let day_last = |year, month, day| Some(settle(year, month, day));
    match pieces.as_slice() {
        [Piece::Year(year)] => Some(Parts { year: *year, ..Parts::default() }),
        [Piece::Year(year), Piece::Number(month) | Piece::Month(month)]
        | [Piece::Number(month) | Piece::Month(month), Piece::Year(year)] => {
            day_last(*year, *month, 0)
        }
        [Piece::Year(year), Piece::Number(month) | Piece::Month(month), Piece::Number(day)] => {
            day_last(*year, *month, *day)
        }
        [Piece::Month(month), Piece::Number(day), Piece::Year(year)]
        | [Piece::Number(day), Piece::Month(month), Piece::Year(year)] => {
            day_last(*year, *month, *day)
        }
        [Piece::Number(first), Piece::Number(second), Piece::Year(year)] => match order {
            Order::DayFirst => day_last(*year, *second, *first),
            Order::MonthFirst => day_last(*year, *first, *second),
        },
        _ => None,
    }
}

/// A month that cannot be one is the day: somebody wrote them the other way round.
fn settle(year: i16, month: i8, day: i8) -> Parts {
    let (month, day) =
        if month > 12 && (1..=12).contains(&day) { (day, month) } else { (month, day) };
    let known = |number: i8, most: i8| (1..=most).contains(&number).then_some(number);
    Parts { year, month: known(month, 12), day: known(day, 31) }
}

fn pieces(text: &str) -> Option<Vec<Piece>> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut pieces = Vec::new();
    for word in words {
        pieces.push(piece(word)?);
        if pieces.len() > 3 {
            return None;
        }
    }
    Some(pieces)
}

fn piece(word: &str) -> Option<Piece> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    const WHOLE: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    if matches!(word, "dd" | "mm" | "xx" | "00") {
        return Some(Piece::Number(0));
    }
    if word.bytes().all(|b| b.is_ascii_digit()) {
        return match word.len() {
            4 => word.parse().ok().filter(|year| (1000..3000).contains(year)).map(Piece::Year),
            1 | 2 => word.parse().ok().map(Piece::Number),
            _ => None,
        };
    }
    let is_month = |(short, whole): (&&str, &&str)| {
        word == *short || word == *whole || (word.len() == 4 && whole.starts_with(word))
    };
    let at = (1i8..).zip(MONTHS.iter().zip(WHOLE.iter())).find(|(_, names)| is_month(*names));
    at.map(|(number, _)| Piece::Month(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, expected: Option<(&str, &str, bool)>) {
        let found = read(written, Order::DayFirst)
            .map(|s| (s.earliest.to_string(), s.latest.to_string(), s.is_about));
        let expected = expected.map(|(from, to, about)| (from.to_string(), to.to_string(), about));
        assert_eq!(found, expected, "{written:?}");
    }

    /// Trap 8: partial and reversed dates.
    #[test]
    fn days_as_lists_write_them() {
        let day = |text| Some((text, text, false));
        check("1980-03-13", day("1980-03-13"));
        check("1980-03-13T00:00:00", day("1980-03-13"));
        check("2015-04-07-04:00", day("2015-04-07"));
        check("13/03/1980", day("1980-03-13"));
        check("13.3.1980", day("1980-03-13"));
        check("03/13/1980", day("1980-03-13"));
        check("22 Apr 1957", day("1957-04-22"));
        check("April 22, 1957", day("1957-04-22"));
        check("1971", Some(("1971-01-01", "1971-12-31", false)));
        check("dd/mm/1952", Some(("1952-01-01", "1952-12-31", false)));
        check("00/00/1952", Some(("1952-01-01", "1952-12-31", false)));
        check("dd/02/1952", Some(("1952-02-01", "1952-02-29", false)));
        check("Nov. 1973", Some(("1973-11-01", "1973-11-30", false)));
        check("circa 1960", Some(("1960-01-01", "1960-12-31", true)));
        check("1960 to 1965", Some(("1960-01-01", "1965-12-31", false)));
        check("between 1965 and 1960", Some(("1960-01-01", "1965-12-31", false)));
        check("1960-1965", Some(("1960-01-01", "1965-12-31", false)));
        check("31 Feb 1970", Some(("1970-02-01", "1970-02-28", true)));
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in ["", "unknown", "12/03", "0000-00-00", "99999", "1 2 3 1970", "Xyz 1970"] {
            check(text, None);
        }
    }

    #[test]
    fn an_american_table_writes_the_month_first() {
        let read = whole("04/05/1970", Order::MonthFirst).map(|date| date.to_string());
        assert_eq!(read.as_deref(), Some("1970-04-05"));
        assert_eq!(whole("1970", Order::MonthFirst), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_not(text in ".{0,40}") {
            let _ = read(&text, Order::DayFirst);
        }

        #[test]
        fn every_day_reads_back(year in 1000i16..3000, month in 1i8..=12, day in 1i8..=28) {
            let date = Date::new(year, month, day).expect("a day");
            proptest::prop_assert_eq!(whole(&date.to_string(), Order::DayFirst), Some(date));
            let reversed = format!("{day:02}/{month:02}/{year}");
            proptest::prop_assert_eq!(whole(&reversed, Order::DayFirst), Some(date));
        }
    }
}
