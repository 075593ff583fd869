//! Days of the calendar, and periods that stand for a birthday.

use std::io::BufRead;

use model::{Date, DateSpan};

use crate::lists::ListError;
use crate::lists::dates::{Parts, between};
use crate::lists::xml::Xml;

/// Nothing where the date is partial: a year alone is not a day.
pub fn read_date<R: BufRead>(xml: &mut Xml<R>) -> Result<Option<Date>, ListError> {
    let Some(Parts { year, month: Some(month), day: Some(day) }) = read_parts(xml)? else {
        return Ok(None);
    };
    let date = Date::new(year, month, day)
        .map_err(|_| xml.error("a day of the calendar", &format!("{year}-{month}-{day}")))?;
    Ok(Some(date))
}

/// From the first day its start may be to the last day its end may be.
pub fn read_period<R: BufRead>(xml: &mut Xml<R>) -> Result<Option<DateSpan>, ListError> {
    let mut whole: Option<DateSpan> = None;
    while xml.child()? {
        if !matches!(xml.name(), "Start" | "End") {
            xml.skip()?;
            continue;
        }
        let is_about = xml.is_true("Approximate")?;
        while xml.child()? {
            if !matches!(xml.name(), "From" | "To") {
                xml.skip()?;
                continue;
            }
            let span = read_parts(xml)?.and_then(|parts| parts.span(is_about, ""));
            whole = match (whole, span) {
                (Some(whole), Some(span)) => Some(between(whole, span)),
                (whole, span) => whole.or(span),
            };
        }
    }
    Ok(whole.map(|span| DateSpan { written: written(&span), ..span }))
}

/// As OFAC prints it in its other forms.
fn written(span: &DateSpan) -> String {
    let DateSpan { earliest, latest, .. } = span;
    let days = if earliest == latest {
        earliest.to_string()
    } else if *earliest == earliest.first_of_year() && *latest == earliest.last_of_year() {
        earliest.year().to_string()
    } else {
        format!("{earliest} to {latest}")
    };
    if span.is_about { format!("circa {days}") } else { days }
}

fn read_parts<R: BufRead>(xml: &mut Xml<R>) -> Result<Option<Parts>, ListError> {
    let (mut year, mut month, mut day) = (None, None, None);
    while xml.child()? {
        match xml.name() {
            "Year" => year = read_number::<i16, R>(xml)?,
            "Month" => month = read_number::<i8, R>(xml)?,
            "Day" => day = read_number::<i8, R>(xml)?,
            _ => xml.skip()?,
        }
    }
    Ok(year.map(|year| Parts { year, month, day }))
}

fn read_number<N: std::str::FromStr, R: BufRead>(xml: &mut Xml<R>) -> Result<Option<N>, ListError> {
    let text = xml.text()?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| xml.error("a number", &format!("{text:?}")))
}
