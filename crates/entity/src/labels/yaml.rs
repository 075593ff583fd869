//! YAML from a stranger: typed, bounded, and with the place of every error.
//!
//! Duplicate keys are errors, aliases may repeat a header but not multiply a
//! file, and no text is null or holds a zero byte.

use std::fmt;

use model::Date;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};

use super::error::{LabelError, Place};

/// A million tags of ten fields.
const NODES_MAX: usize = 25_000_000;
const BYTES_MAX: usize = 200 << 20;
const DEPTH_MAX: usize = 32;
/// What aliases may repeat, all together.
const REPLAYED_EVENTS_MAX: usize = 100_000;

pub fn read<T: DeserializeOwned>(file: &str, bytes: &[u8]) -> Result<T, LabelError> {
    let error = |place, problem| LabelError { file: file.to_string(), place, problem };
    if bytes.len() > BYTES_MAX {
        return Err(error(
            Place::default(),
            format!("expected at most {BYTES_MAX} bytes, found {}", bytes.len()),
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let before = &bytes[..e.valid_up_to()];
        let lines = before.split(|byte| *byte == b'\n').count();
        error(
            Place { line: lines as u64, column: 0 },
            "expected UTF-8 text, found other bytes".to_string(),
        )
    })?;
    serde_saphyr::from_str_with_options(text, options()).map_err(|e| {
        let e = e.without_snippet();
        let place = e
            .location()
            .map_or(Place::default(), |at| Place { line: at.line(), column: at.column() });
        error(place, problem(&e.to_string()))
    })
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 2 * NODES_MAX,
            max_nodes: NODES_MAX,
            max_depth: DEPTH_MAX,
            max_documents: 1,
            max_total_scalar_bytes: BYTES_MAX,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_recorded_anchor_events: REPLAYED_EVENTS_MAX,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: REPLAYED_EVENTS_MAX,
            max_replay_stack_depth: 4,
        },
        with_snippet: false,
    }
}

/// The parser's words, without the place (we say it in front) and its advice.
fn problem(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let ends = [" at line ", ", set DuplicateKeyPolicy"];
    ends.iter().fold(first, |text, end| text.split(end).next().unwrap_or_default()).to_string()
}

/// A text that is there: not null, and without zero bytes. Blanks around it go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        match text {
            None => Err(D::Error::custom("expected a text, found null")),
            Some(text) if text.contains('\0') => {
                Err(D::Error::custom("expected a text, found a zero byte"))
            }
            Some(text) => Ok(Text(text.trim().to_string())),
        }
    }
}

/// A list of texts, none of them null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(pub Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Texts, D::Error> {
        let texts = Vec::<Text>::deserialize(from)?;
        Ok(Texts(texts.into_iter().map(|text| text.0).filter(|text| !text.is_empty()).collect()))
    }
}

/// A day, quoted or not, whatever hour follows it: `2023-08-16 12:18:52.619444`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(pub Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Day, D::Error> {
        let Text(text) = Text::deserialize(from)?;
        read_day(&text).map(Day).ok_or_else(|| D::Error::custom(NotADay(text)))
    }
}

fn read_day(text: &str) -> Option<Date> {
    let day = text.split(['T', 't', ' ']).next()?;
    let mut numbers = day.splitn(3, '-');
    let (year, month, day) = (numbers.next()?, numbers.next()?, numbers.next()?);
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

struct NotADay(String);

impl fmt::Display for NotADay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a day such as 2023-08-16, found {:?}", self.0)
    }
}
