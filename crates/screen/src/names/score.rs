//! One query against one name: which word matches which, and what that is worth.
//!
//! Words are paired off, the most telling pair first. A pair weighs as much as its lighter side, so a
//! mistyped `Tradng` is as light as Trading. What is matched is held against all of the query and
//! against all of the name, and the two shares are averaged: a part that is missing on either side
//! counts by how much it tells. The pieces of a score add up to it.

use model::{NameQuality, Party};
use smallvec::SmallVec;

use super::facts::{self, NameQuery};
use super::fold::Word;
use super::likeness::{JOINED, LEAST, likeness};

/// What a name alone can reach: the rest is for births, countries and documents that agree, so that
/// hits of the same name can be ranked.
pub const NAME_MOST: f64 = 0.96;
/// What the share of the query that is matched counts; the rest goes to the share of the name. Two to one:
/// people leave parts of a name out more often than they make some up, and a query whose every word is
/// found must not fail for the one that the list says beside them.
pub const QUERY_SHARE: f64 = 0.67;
/// Parts in another order, where it is not family name first.
const OTHER_ORDER: f64 = 0.97;
/// What of a word's weight is missing where the other side has its initial only.
const INITIAL_REST: f64 = 0.5;
/// A name the list itself trusts little.
const WEAK_NAME: f64 = 0.95;

/// What the score is made of, in the order of the query.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Piece {
    pub query: Option<String>,
    pub matched: Option<String>,
    pub similarity: Similarity,
    /// How alike, from 0 to 1.
    pub likeness: f64,
    /// How much the words tell, from 0 to 1 each.
    pub weight: f64,
    /// Of the score; below 0 where it speaks against.
    pub contribution: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Similarity {
    Same,
    /// Spelled another way.
    Sound,
    /// Arabic or Hebrew, whose letters leave out short vowels.
    Unvowelled,
    /// Korean, romanised another way.
    Romanised,
    Initial,
    /// A few letters differ.
    Typo,
    /// Written as one word here, as several there.
    Joined,
    /// Nothing on the other side.
    None,
    OtherOrder,
    WeakName,
    BirthAgrees,
    BirthConflicts,
    CountryAgrees,
    CountryConflicts,
    DocumentAgrees,
    /// Of addresses: another text of the very one, or the same one.
    SameAddress,
    /// Of addresses: another one that the same key controls.
    SameKey,
}

/// One side: words with weights, and neighbours that may be written as one.
#[derive(Default)]
pub(crate) struct Line<'a> {
    pub words: SmallVec<[&'a Word; 8]>,
    pub weights: SmallVec<[f64; 8]>,
    pub joins: SmallVec<[Join<'a>; 8]>,
}

#[derive(Clone, Copy)]
pub(crate) struct Join<'a> {
    pub start: usize,
    pub len: usize,
    pub word: &'a Word,
}

/// Some neighbouring words of one side.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    start: usize,
    len: usize,
}

#[derive(Clone, Copy)]
struct Pair {
    query: Span,
    name: Span,
    likeness: f64,
    similarity: Similarity,
    weight: f64,
}

/// How well two lines of words fit.
pub(crate) struct Fit {
    /// From 0 to 1.
    pub score: f64,
    pairs: SmallVec<[Pair; 8]>,
    /// The weights that the pairs are held against.
    query_total: f64,
    name_total: f64,
    in_order: bool,
}

impl Span {
    pub fn mask(self) -> u64 {
        ((1 << self.len) - 1) << self.start
    }

    fn text(self, words: &[&Word]) -> String {
        let words = &words[self.start..self.start + self.len];
        words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn weight(self, weights: &[f64]) -> f64 {
        weights[self.start..self.start + self.len].iter().sum()
    }
}

/// Bits of the words at `start`, as many as `len`.
pub(crate) fn mask(start: usize, len: usize) -> u64 {
    Span { start, len }.mask()
}

/// Pairs the words of two lines off.
pub(crate) fn fit(query: &Line<'_>, name: &Line<'_>) -> Fit {
    let mut pairs = pairs(query, name);
    pairs.sort_by(|one, other| {
        let worth = |pair: &Pair| pair.weight * pair.likeness;
        worth(other)
            .total_cmp(&worth(one))
            .then(other.likeness.total_cmp(&one.likeness))
            .then((one.query, one.name).cmp(&(other.query, other.name)))
    });
    let (mut query_used, mut name_used) = (0u64, 0u64);
    pairs.retain(|pair| {
        let is_free = query_used & pair.query.mask() == 0 && name_used & pair.name.mask() == 0;
        if is_free {
            query_used |= pair.query.mask();
            name_used |= pair.name.mask();
        }
        is_free
    });
    pairs.sort_by_key(|pair| pair.query);
    let matched: f64 = pairs.iter().map(|pair| pair.weight).sum();
    let alike: f64 = pairs.iter().map(|pair| pair.weight * pair.likeness).sum();
    // An initial says little of the word it stands for: half of the rest is missing.
    let initials = || pairs.iter().filter(|pair| pair.similarity == Similarity::Initial);
    let rest = |weight: f64, pair: &Pair| INITIAL_REST * (weight - pair.weight).max(0.0);
    let query_rest: f64 =
        initials().map(|pair| rest(pair.query.weight(&query.weights), pair)).sum();
    let name_rest: f64 = initials().map(|pair| rest(pair.name.weight(&name.weights), pair)).sum();
    let query_total = matched + query_rest + left_over(&query.weights, query_used);
    let name_total = matched + name_rest + left_over(&name.weights, name_used);
    let in_order = is_in_order(&pairs);
    let mut score = 0.0;
    if matched > 0.0 {
        score = both(alike / query_total, alike / name_total);
    }
    if !in_order {
        score *= OTHER_ORDER;
    }
    Fit { score, pairs, query_total, name_total, in_order }
}

fn pairs(query: &Line<'_>, name: &Line<'_>) -> SmallVec<[Pair; 8]> {
    let mut pairs = SmallVec::new();
    let mut add = |q: Span, own: &Word, n: Span, their: &Word| {
        let (mut likeness, mut similarity) = likeness(own, their);
        if (q.len, n.len) != (1, 1) {
            likeness *= JOINED;
            similarity = Similarity::Joined;
        }
        if likeness < LEAST * JOINED {
            return;
        }
        let weight = q.weight(&query.weights).min(n.weight(&name.weights));
        pairs.push(Pair { query: q, name: n, likeness, similarity, weight });
    };
    let single = |start: usize| Span { start, len: 1 };
    for (i, own) in query.words.iter().enumerate() {
        for (j, their) in name.words.iter().enumerate() {
            add(single(i), own, single(j), their);
        }
        for join in &name.joins {
            add(single(i), own, Span { start: join.start, len: join.len }, join.word);
        }
    }
    for join in &query.joins {
        for (j, their) in name.words.iter().enumerate() {
            add(Span { start: join.start, len: join.len }, join.word, single(j), their);
        }
    }
    pairs
}

/// The shares of both sides in one.
pub(crate) fn both(query: f64, name: f64) -> f64 {
    QUERY_SHARE * query + (1.0 - QUERY_SHARE) * name
}

fn left_over(weights: &[f64], used: u64) -> f64 {
    let is_left = |at: usize| used & (1 << at) == 0;
    weights.iter().enumerate().filter(|(at, _)| is_left(*at)).map(|(_, weight)| weight).sum()
}

/// The same order, or the same begun at another part: `PUTIN, Vladimir` is Vladimir Putin.
fn is_in_order(pairs: &[Pair]) -> bool {
    let starts = pairs.iter().map(|pair| pair.name.start);
    let next = starts.clone().skip(1).chain(starts.clone().take(1));
    starts.zip(next).filter(|(here, next)| here > next).count() <= 1
}

/// The whole score of a name of a party, from 0 to 1, in ten-thousandths.
pub(crate) fn total(fit: f64, quality: NameQuality, query: &NameQuery, party: &Party) -> f64 {
    let judged = facts::judge(query, party);
    let sum = (NAME_MOST * fit * trust(quality) + judged.sum()).clamp(0.0, 1.0);
    rounded(if judged.has_document() { sum.max(facts::DOCUMENT) } else { sum })
}

pub(crate) fn trust(quality: NameQuality) -> f64 {
    if quality == NameQuality::Low { WEAK_NAME } else { 1.0 }
}

/// What the total is made of. The pieces add up to it, but for the rounding.
pub(crate) fn pieces(
    fit: &Fit,
    lines: (&Line<'_>, &Line<'_>),
    quality: NameQuality,
    query: &NameQuery,
    party: &Party,
) -> Vec<Piece> {
    let (own, their) = lines;
    let mut pieces: Vec<Piece> = Vec::new();
    let (mut query_used, mut name_used) = (0u64, 0u64);
    for pair in &fit.pairs {
        query_used |= pair.query.mask();
        name_used |= pair.name.mask();
        let alike = pair.weight * pair.likeness;
        pieces.push(Piece {
            query: Some(pair.query.text(&own.words)),
            matched: Some(pair.name.text(&their.words)),
            similarity: pair.similarity,
            likeness: pair.likeness,
            weight: pair.weight,
            contribution: NAME_MOST * both(alike / fit.query_total, alike / fit.name_total),
        });
    }
    pieces.extend(
        alone(own, query_used).map(|(text, weight)| Piece::alone(Some(text), None, weight)),
    );
    pieces.extend(
        alone(their, name_used).map(|(text, weight)| Piece::alone(None, Some(text), weight)),
    );
    let so_far = |pieces: &[Piece]| pieces.iter().map(|piece| piece.contribution).sum::<f64>();
    if !fit.in_order {
        pieces.push(Piece::remark(Similarity::OtherOrder, so_far(&pieces) * (OTHER_ORDER - 1.0)));
    }
    if quality == NameQuality::Low {
        pieces.push(Piece::remark(Similarity::WeakName, so_far(&pieces) * (WEAK_NAME - 1.0)));
    }
    pieces.extend(facts::judge(query, party).pieces(query, party));
    // A document speaks louder than the name: it makes up for what is missing.
    let missing = total(fit.score, quality, query, party) - so_far(&pieces);
    let is_document = |piece: &&mut Piece| piece.similarity == Similarity::DocumentAgrees;
    if let (true, Some(document)) = (missing > 0.0, pieces.iter_mut().find(is_document)) {
        document.contribution += missing;
    }
    for piece in &mut pieces {
        piece.likeness = rounded(piece.likeness);
        piece.weight = rounded(piece.weight);
        piece.contribution = rounded(piece.contribution);
    }
    pieces
}

fn alone<'a>(line: &'a Line<'_>, used: u64) -> impl Iterator<Item = (String, f64)> + 'a {
    let words = line.words.iter().zip(&line.weights).enumerate();
    words
        .filter(move |(at, _)| used & (1 << at) == 0)
        .map(move |(at, (_, weight))| (Span { start: at, len: 1 }.text(&line.words), *weight))
}

impl Piece {
    fn alone(query: Option<String>, matched: Option<String>, weight: f64) -> Piece {
        let similarity = Similarity::None;
        Piece { query, matched, similarity, likeness: 0.0, weight, contribution: 0.0 }
    }

    fn remark(similarity: Similarity, contribution: f64) -> Piece {
        let (likeness, weight) = (0.0, 0.0);
        Piece { query: None, matched: None, similarity, likeness, weight, contribution }
    }
}

/// To ten-thousandths: what is shown is what is compared.
pub(crate) fn rounded(score: f64) -> f64 {
    (score * 10_000.0).round() / 10_000.0
}
