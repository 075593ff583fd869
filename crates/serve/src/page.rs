//! Listings come in pages: each says where the next begins.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Sent back as `cursor`, it asks for what follows; nothing: this was all.
    pub next: Option<String>,
}

/// How a listing is asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `next` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// How many at most: 1 to 500, 50 if nothing is said.
    #[serde(default)]
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
}

const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 500;
/// A cursor of ours is far shorter.
const CURSOR_LENGTH_MAX: usize = 1024;

impl PageQuery {
    pub fn limit(&self) -> Result<usize, Problem> {
        match self.limit.unwrap_or(LIMIT) {
            limit @ 1..=LIMIT_MAX => Ok(limit as usize),
            other => Err(Problem::invalid("limit", format!("{other}: expected 1 to {LIMIT_MAX}"))),
        }
    }

    /// What the page before ended with.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        self.cursor.as_deref().filter(|text| !text.is_empty()).map(decode).transpose()
    }
}

impl<T> Page<T> {
    /// Of one more row than `limit` was asked for, so that it is known whether more follow.
    pub fn of<K: Serialize>(mut rows: Vec<T>, limit: usize, key: impl Fn(&T) -> K) -> Page<T> {
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| has_more).map(|row| encode(&key(row)));
        Page { items: rows, next }
    }

    pub fn map<U>(self, shown: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(shown).collect(), next: self.next }
    }
}

/// A cursor: what the last row is sorted by, in a form nobody is tempted to write.
pub fn encode<K: Serialize>(key: &K) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
}

fn decode<K: DeserializeOwned>(text: &str) -> Result<K, Problem> {
    let wrong = || Problem::invalid("cursor", "expected `next` of an earlier page, unchanged");
    if text.len() > CURSOR_LENGTH_MAX {
        return Err(wrong());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    serde_json::from_slice(&bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_where_the_next_begins_and_the_last_says_nothing() {
        let page = Page::of(vec![1, 2, 3], 2, |row| *row);
        assert_eq!(page.items, [1, 2]);
        let query = PageQuery { cursor: page.next, limit: None };
        assert_eq!(query.after::<i32>().unwrap(), Some(2));
        assert_eq!(Page::of(vec![1, 2], 2, |row| *row).next, None);
    }

    #[test]
    fn a_cursor_that_was_made_up_is_refused() {
        for cursor in ["!", "bm90IGpzb24", &"A".repeat(5000)] {
            let query = PageQuery { cursor: Some(cursor.to_string()), limit: None };
            assert_eq!(query.after::<i64>().unwrap_err().status, 422);
        }
    }

    #[test]
    fn a_limit_beyond_what_is_allowed_is_refused() {
        for limit in [0, 501, u32::MAX] {
            assert!(PageQuery { cursor: None, limit: Some(limit) }.limit().is_err());
        }
    }
}
