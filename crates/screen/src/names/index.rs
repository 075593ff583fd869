//! Every party that reaches the threshold, without scoring them all.
//!
//! Distinct words of all names stand in one dictionary. A word of the query is compared with all of
//! them: by keys where spellings must share one, else by edits, with a filter that lets every pair
//! through that is alike. Each name then has a bound: the weight of its words that match anything, held
//! against all of it, and the same for the query. The score is never above the bound, so names below it
//! need no look, and what is found is what scoring every name would find (see [`Names::exhaustive`]).

use std::collections::{BTreeMap, HashMap};

use model::{NameQuality, Party};

use super::facts::{self, NameQuery};
use super::fold::{Class, Joined, LETTERS_MAX, Origin, Word, fold, joins};
use super::likeness::{Pattern, edits_max, letters_of, likeness};
use super::score::{self, Join, Line, NAME_MOST, Piece};
use super::weight::Weights;

/// All names of the parties of the versions in force.
#[derive(Debug, Default)]
pub struct Names {
    parties: Vec<Party>,
    /// In order of name, with how many parties each has.
    lists: BTreeMap<String, usize>,
    /// The list of each party, by its place among `lists`.
    list_of: Vec<usize>,
    entries: Vec<Entry>,
    /// The entries of each party.
    by_party: Vec<std::ops::Range<usize>>,
    by_document: HashMap<String, Vec<u32>>,
    dictionary: Dictionary,
    weights: Weights,
}

/// A party that is named so, or nearly so.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'a> {
    pub party: &'a Party,
    /// Which of its names, by position.
    pub name: usize,
    pub score: f64,
    pub pieces: Vec<Piece>,
}

impl Found<'_> {
    /// The name that matched; of a party without names, its id.
    pub fn text(&self) -> &str {
        self.party.names.get(self.name).map_or(&self.party.id, |name| &name.text)
    }
}

/// One name of one party, in Latin letters or in signs of Han.
#[derive(Debug)]
struct Entry {
    party: u32,
    name: u32,
    form: Form,
    words: Box<[u32]>,
    joins: Box<[(u8, u8, u32)]>,
}

/// Names in Han are compared by their signs where both are written so, by sound where one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Latin,
    LatinOfSigns,
    Signs,
}

/// Distinct words, by every way to find them.
#[derive(Debug, Default)]
struct Dictionary {
    words: Vec<Word>,
    weights: Vec<f64>,
    ids: HashMap<(String, Origin), u32>,
    /// Where each stands as a word of its own, and where as several written as one.
    single: Vec<Vec<Place>>,
    joined: Vec<Vec<Place>>,
    by_sound: HashMap<String, Vec<u32>>,
    by_bones: HashMap<String, Vec<u32>>,
    by_korean: HashMap<String, Vec<u32>>,
    /// Initials, and words of their own that may stand behind one, by the first letter.
    by_first: HashMap<u8, Vec<u32>>,
    /// By count of letters.
    by_letters: Vec<Alphabet>,
}

/// Words of equally many letters.
#[derive(Clone, Debug, Default)]
struct Alphabet {
    /// Which letters, and the word.
    words: Vec<(u64, u32)>,
    /// The texts of all, one behind the other: a query is held against them in the order they lie in.
    texts: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    entry: u32,
    start: u8,
    len: u8,
}

const ORIGINS: [Origin; 5] =
    [Origin::Latin, Origin::Unvowelled, Origin::Hangul, Origin::Pinyin, Origin::Sign];

/// What of a name and a query may match.
#[derive(Clone, Copy, Default)]
struct Reach {
    query: u64,
    name: u64,
}

impl Names {
    /// Order of parties changes nothing but which of two equal scores stands first.
    pub fn new(mut parties: Vec<Party>) -> Names {
        parties.sort_by(|one, other| {
            (&one.version.list, &one.id, &one.version).cmp(&(
                &other.version.list,
                &other.id,
                &other.version,
            ))
        });
        let mut names = Names::default();
        for (at, party) in (0u32..).zip(&parties) {
            *names.lists.entry(party.version.list.clone()).or_default() += 1;
            names.file(at, party);
        }
        let place = |party: &Party| names.lists.keys().position(|list| *list == party.version.list);
        names.list_of = parties.iter().filter_map(place).collect();
        names.dictionary.weigh(&names.weights);
        names.parties = parties;
        names
    }

    /// The lists that parties come from, with how many.
    pub fn lists(&self) -> &BTreeMap<String, usize> {
        &self.lists
    }

    pub fn parties(&self) -> &[Party] {
        &self.parties
    }

    /// Every party that scores at least what `threshold` asks of its list, best first. No threshold
    /// leaves a list out.
    pub fn search(
        &self,
        query: &NameQuery,
        threshold: &dyn Fn(&str) -> Option<f64>,
    ) -> Vec<Found<'_>> {
        let wanted = self.wanted(threshold);
        let asked = self.asked(query);
        let lines = asked.lines();
        let mut best = Best::default();
        for document in &query.documents {
            for &party in self.by_document.get(document).into_iter().flatten() {
                for at in self.by_party[party as usize].clone() {
                    self.consider(at, query, &lines, &wanted, &mut best);
                }
            }
        }
        for line in lines.iter().flatten() {
            for (at, reach) in self.reach(line) {
                let entry = &self.entries[at];
                let Some(least) = self.least(&wanted, entry) else { continue };
                let is_own =
                    lines[entry.form.line()].as_ref().is_some_and(|own| std::ptr::eq(own, line));
                if is_own && self.may_reach(least, line, reach, entry, query) {
                    self.consider(at, query, &lines, &wanted, &mut best);
                }
            }
        }
        self.found(query, &lines, best)
    }

    /// The same by scoring every name: slow and obviously whole.
    pub fn exhaustive(
        &self,
        query: &NameQuery,
        threshold: &dyn Fn(&str) -> Option<f64>,
    ) -> Vec<Found<'_>> {
        let wanted = self.wanted(threshold);
        let asked = self.asked(query);
        let lines = asked.lines();
        let mut best = Best::default();
        for at in 0..self.entries.len() {
            self.consider(at, query, &lines, &wanted, &mut best);
        }
        self.found(query, &lines, best)
    }

    /// How well a query fits a name that need not be listed, by the weights of these lists.
    pub fn compare(&self, query: &NameQuery, name: &str) -> f64 {
        let listed = fold(name);
        let their = NameQuery { folded: listed, ..NameQuery::default() };
        let (own, their) = (self.asked(query), self.asked(&their));
        let both = own.lines().into_iter().zip(their.lines());
        let fits = both.filter_map(|(own, their)| Some(score::fit(&own?, &their?).score));
        score::rounded(fits.fold(0.0, f64::max) * NAME_MOST)
    }

    /// What the parties of each list must reach.
    fn wanted(&self, threshold: &dyn Fn(&str) -> Option<f64>) -> Vec<Option<f64>> {
        self.lists.keys().map(|list| threshold(list)).collect()
    }

    fn least(&self, wanted: &[Option<f64>], entry: &Entry) -> Option<f64> {
        wanted[self.list_of[entry.party as usize]]
    }

    fn file(&mut self, at: u32, party: &Party) {
        let begin = self.entries.len();
        let mut texts: Vec<&str> = Vec::new();
        for (name, listed) in (0u32..).zip(&party.names) {
            if texts.contains(&listed.text.as_str()) {
                continue;
            }
            texts.push(&listed.text);
            let folded = fold(&listed.text);
            let form = if folded.signs.is_empty() { Form::Latin } else { Form::LatinOfSigns };
            for (form, words) in [(form, &folded.words), (Form::Signs, &folded.signs)] {
                if !words.is_empty() {
                    let entry = self.dictionary.file(self.entries.len(), words, (at, name, form));
                    self.entries.push(entry);
                }
            }
        }
        if self.entries.len() == begin {
            // Known by a document only.
            let (words, joins) = (Box::default(), Box::default());
            self.entries.push(Entry { party: at, name: 0, form: Form::Latin, words, joins });
        }
        let own = &self.entries[begin..];
        let ids = own.iter().flat_map(|entry| entry.words.iter());
        self.weights.count(ids.map(|id| &self.dictionary.words[*id as usize]));
        self.by_party.push(begin..self.entries.len());
        for document in &party.documents {
            if let Some(number) = facts::number(&document.number) {
                let bearers = self.by_document.entry(number).or_default();
                if bearers.last() != Some(&at) {
                    bearers.push(at);
                }
            }
        }
    }

    /// Scores one name, and keeps it where it is the best of its party so far.
    fn consider(
        &self,
        at: usize,
        query: &NameQuery,
        lines: &Lines<'_>,
        wanted: &[Option<f64>],
        best: &mut Best,
    ) {
        let entry = &self.entries[at];
        let Some(least) = self.least(wanted, entry) else { return };
        let (party, quality) = self.of(entry);
        // A name that is not compared may still have the document.
        let fit = compared(query, lines, entry)
            .map_or(0.0, |line| score::fit(line, &self.line(entry)).score);
        let score = score::total(fit, quality, query, party);
        if score < least {
            return;
        }
        let rank = best.0.entry(entry.party).or_insert((score, at));
        if score > rank.0 || (score == rank.0 && at < rank.1) {
            *rank = (score, at);
        }
    }

    /// Could this name score so much? Whatever may match counts as the same, each side on its own, so
    /// that no score is above it. Documents are found by themselves.
    fn may_reach(
        &self,
        least: f64,
        line: &Line<'_>,
        reach: Reach,
        entry: &Entry,
        query: &NameQuery,
    ) -> bool {
        // Scores are rounded, so one just below may be shown as just there.
        const ROUNDING: f64 = 2e-4;
        let (party, quality) = self.of(entry);
        let name = entry.words.iter().map(|id| self.dictionary.weights[*id as usize]);
        let share =
            score::both(share(line.weights.iter().copied(), reach.query), share(name, reach.name));
        let most = NAME_MOST * share * score::trust(quality) + ROUNDING;
        most + facts::MOST >= least && most + facts::judge(query, party).sum() >= least
    }

    fn of(&self, entry: &Entry) -> (&Party, NameQuality) {
        let party = &self.parties[entry.party as usize];
        let name = party.names.get(entry.name as usize);
        (party, name.map_or(NameQuality::Unsaid, |name| name.quality))
    }

    fn found(&self, query: &NameQuery, lines: &Lines<'_>, best: Best) -> Vec<Found<'_>> {
        let mut found: Vec<Found<'_>> = Vec::new();
        for (score, at) in best.0.into_values() {
            let entry = &self.entries[at];
            let (party, quality) = self.of(entry);
            let their = self.line(entry);
            let nothing = Line::default();
            let own = compared(query, lines, entry).unwrap_or(&nothing);
            let fit = score::fit(own, &their);
            let pieces = score::pieces(&fit, (own, &their), quality, query, party);
            found.push(Found { party, name: entry.name as usize, score, pieces });
        }
        found.sort_by(|one, other| other.score.total_cmp(&one.score));
        found
    }

    fn line(&self, entry: &Entry) -> Line<'_> {
        let word = |id: &u32| &self.dictionary.words[*id as usize];
        let join = |(start, len, id): &(u8, u8, u32)| Join {
            start: usize::from(*start),
            len: usize::from(*len),
            word: word(id),
        };
        Line {
            words: entry.words.iter().map(word).collect(),
            weights: entry.words.iter().map(|id| self.dictionary.weights[*id as usize]).collect(),
            joins: entry.joins.iter().map(join).collect(),
        }
    }

    fn asked<'q>(&self, query: &'q NameQuery) -> Asked<'q> {
        let line = |words: &'q [Word]| AskedLine {
            words,
            weights: words.iter().map(|word| self.weights.of(word)).collect(),
            joins: joins(words),
        };
        Asked([line(&query.folded.words), line(&query.folded.signs)])
    }

    /// Every entry that any word of the query may match, in order.
    fn reach(&self, line: &Line<'_>) -> Vec<(usize, Reach)> {
        let mut reached = vec![Reach::default(); self.entries.len()];
        let mut touched: Vec<u32> = Vec::new();
        let mut touch = |place: &Place, query: u64| {
            let reach = &mut reached[place.entry as usize];
            if reach.query == 0 {
                touched.push(place.entry);
            }
            reach.query |= query;
            reach.name |= score::mask(usize::from(place.start), usize::from(place.len));
        };
        for (at, word) in line.words.iter().enumerate() {
            for id in self.dictionary.alike(word) {
                let id = id as usize;
                let places = self.dictionary.single[id].iter().chain(&self.dictionary.joined[id]);
                places.for_each(|place| touch(place, score::mask(at, 1)));
            }
        }
        for join in &line.joins {
            for id in self.dictionary.alike(join.word) {
                let places = &self.dictionary.single[id as usize];
                places.iter().for_each(|place| touch(place, score::mask(join.start, join.len)));
            }
        }
        touched.sort_unstable();
        touched.into_iter().map(|at| (at as usize, reached[at as usize])).collect()
    }
}

/// The best score of each party, and the entry it is of.
#[derive(Default)]
struct Best(BTreeMap<u32, (f64, usize)>);

/// The query's side in Latin letters and in signs, with what its neighbours make.
struct Asked<'q>([AskedLine<'q>; 2]);

struct AskedLine<'q> {
    words: &'q [Word],
    weights: Vec<f64>,
    joins: Vec<Joined>,
}

/// In Latin letters, and in signs.
type Lines<'l> = [Option<Line<'l>>; 2];

impl Asked<'_> {
    fn lines(&self) -> Lines<'_> {
        self.0.each_ref().map(|line| (!line.words.is_empty()).then(|| line.borrow()))
    }
}

impl AskedLine<'_> {
    fn borrow(&self) -> Line<'_> {
        Line {
            words: self.words.iter().collect(),
            weights: self.weights.iter().copied().collect(),
            joins: self
                .joins
                .iter()
                .map(|join| Join { start: join.start, len: join.len, word: &join.word })
                .collect(),
        }
    }
}

impl Form {
    /// Which line of a query it is compared with.
    fn line(self) -> usize {
        usize::from(self == Form::Signs)
    }
}

/// The line of the query that this name is compared with. A name in Han is compared by its signs with
/// a query in Han, and by its sound with any other.
fn compared<'l, 'w>(
    query: &NameQuery,
    lines: &'l Lines<'w>,
    entry: &Entry,
) -> Option<&'l Line<'w>> {
    if entry.form == Form::LatinOfSigns && !query.folded.signs.is_empty() {
        return None;
    }
    lines[entry.form.line()].as_ref()
}

/// Of all weight, what these bits hold.
fn share(weights: impl Iterator<Item = f64>, bits: u64) -> f64 {
    let (mut held, mut all) = (0.0, 0.0);
    for (at, weight) in weights.enumerate() {
        all += weight;
        if bits & (1 << at) != 0 {
            held += weight;
        }
    }
    if all > 0.0 { held / all } else { 0.0 }
}

impl Dictionary {
    fn file(&mut self, entry: usize, words: &[Word], of: (u32, u32, Form)) -> Entry {
        let entry = u32::try_from(entry).expect("fewer names than 2^32");
        let byte = |n: usize| u8::try_from(n).expect("a text has at most 48 words");
        let ids: Box<[u32]> = words.iter().map(|word| self.id(word)).collect();
        for (start, id) in ids.iter().enumerate() {
            self.single[*id as usize].push(Place { entry, start: byte(start), len: 1 });
        }
        let mut joined = Vec::new();
        for join in joins(words) {
            let id = self.id(&join.word);
            let (start, len) = (byte(join.start), byte(join.len));
            self.joined[id as usize].push(Place { entry, start, len });
            joined.push((start, len, id));
        }
        let (party, name, form) = of;
        Entry { party, name, form, words: ids, joins: joined.into() }
    }

    fn id(&mut self, word: &Word) -> u32 {
        let key = (word.text.clone(), word.origin);
        if let Some(&id) = self.ids.get(&key) {
            return id;
        }
        let id = u32::try_from(self.words.len()).expect("fewer words than 2^32");
        self.ids.insert(key, id);
        self.single.push(Vec::new());
        self.joined.push(Vec::new());
        if word.origin != Origin::Sign {
            self.find_later(id, word);
        }
        self.words.push(word.clone());
        id
    }

    fn find_later(&mut self, id: u32, word: &Word) {
        if word.sound.consonants >= 2 {
            self.by_sound.entry(word.sound.key.clone()).or_default().push(id);
        }
        if !word.bones.key.is_empty() {
            self.by_bones.entry(word.bones.key.clone()).or_default().push(id);
        }
        if !word.korean.is_empty() {
            self.by_korean.entry(word.korean.clone()).or_default().push(id);
        }
        if let (Class::Name | Class::Initial, Some(&first)) =
            (word.class, word.text.as_bytes().first())
        {
            self.by_first.entry(first).or_default().push(id);
        }
        let letters = word.text.len();
        if self.by_letters.len() <= letters {
            self.by_letters.resize(letters + 1, Alphabet::default());
        }
        let of = &mut self.by_letters[letters];
        of.words.push((letters_of(word.text.as_bytes()), id));
        of.texts.extend_from_slice(word.text.as_bytes());
    }

    fn weigh(&mut self, weights: &Weights) {
        self.weights = self.words.iter().map(|word| weights.of(word)).collect();
    }

    /// All words that are alike to this one, in order. None is left out: each way by which
    /// [`likeness`] finds two words alike is looked up here.
    fn alike(&self, word: &Word) -> Vec<u32> {
        let mut ids: Vec<u32> = Vec::new();
        for origin in ORIGINS {
            ids.extend(self.ids.get(&(word.text.clone(), origin)));
        }
        if word.origin != Origin::Sign {
            ids.extend(self.by_sound.get(&word.sound.key).into_iter().flatten());
            ids.extend(self.by_bones.get(&word.bones.key).into_iter().flatten());
            ids.extend(self.by_korean.get(&word.korean).into_iter().flatten());
            self.by_initial(word, &mut ids);
            self.by_edits(word, &mut ids);
        }
        ids.sort_unstable();
        ids.dedup();
        ids.retain(|id| likeness(word, &self.words[*id as usize]).0 > 0.0);
        ids
    }

    fn by_initial(&self, word: &Word, ids: &mut Vec<u32>) {
        let first = word.text.as_bytes().first();
        let behind = first.and_then(|first| self.by_first.get(first)).into_iter().flatten();
        let is_initial = |id: &&u32| self.words[**id as usize].class == Class::Initial;
        match word.class {
            Class::Initial => ids.extend(behind),
            Class::Name => ids.extend(behind.filter(is_initial)),
            _ => {}
        }
    }

    fn by_edits(&self, word: &Word, ids: &mut Vec<u32>) {
        let own = letters_of(word.text.as_bytes());
        let pattern = Pattern::of(word.text.as_bytes());
        let letters = word.text.len();
        let far = edits_max(LETTERS_MAX);
        for other in letters.saturating_sub(far)..=letters + far {
            let most = edits_max(letters.max(other));
            let longer_by = letters.abs_diff(other);
            let Some(of) = self.by_letters.get(other).filter(|_| longer_by <= most) else {
                continue;
            };
            // What makes one longer changes one letter, any other edit at most two.
            let changed_max = u32::try_from(2 * most - longer_by).unwrap_or(u32::MAX);
            let texts = of.texts.chunks_exact(other.max(1));
            for ((their, id), text) in of.words.iter().zip(texts) {
                let is_near = (own ^ their).count_ones() <= changed_max;
                if is_near && pattern.distance(text) <= most {
                    ids.push(*id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
