//! From a text in any script to words that can be compared.
//!
//! Compatibility forms are resolved (NFKC), letters of every script are written in Latin ones by
//! `any_ascii`, marks and case are dropped. Syllables of Han and Hangul become words of their own. What
//! is known of a word (article, title, legal form, number) is its [`Class`].

use unicode_normalization::UnicodeNormalization;

use super::sound::{Bones, Sound, bones, korean, sound};
use super::words;

/// As many words of one text are compared; a bit each.
pub const WORDS_MAX: usize = 48;
/// Longer words are cut: edits are counted in one machine word.
pub const LETTERS_MAX: usize = 40;

/// A text, folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// In Latin letters.
    pub words: Vec<Word>,
    /// Sign by sign, where it is written in Han: two names in Han are compared so, since many signs
    /// share a sound.
    pub signs: Vec<Word>,
    /// Words beyond [`WORDS_MAX`] that are not compared.
    pub cut: usize,
}

/// One word, with the keys that spellings of it share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    pub origin: Origin,
    pub class: Class,
    pub sound: Sound,
    pub bones: Bones,
    pub korean: String,
}

/// How it was written, where that tells how to compare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    Latin,
    /// Arabic or Hebrew letters: short vowels are not written.
    Unvowelled,
    Hangul,
    /// A sign of Han by its sound: a part of a name, whatever Latin word it looks like.
    Pinyin,
    /// A sign of Han itself.
    Sign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    Name,
    /// Trading, Bank, Group.
    Generic,
    Number,
    Initial,
    /// al, bin, von.
    Particle,
    /// Dr, Sheikh, Haji.
    Title,
    /// Ltd, GmbH, OOO.
    Form,
}

/// Folds a name as it is written.
pub fn fold(text: &str) -> Folded {
    let mut folded = Folded::default();
    let (mut letters, mut han) = (0usize, 0usize);
    let mut words: Vec<(String, Origin)> = Vec::new();
    for raw in raw_words(text) {
        letters += raw.chars().filter(|c| c.is_alphabetic()).count();
        han += raw.chars().filter(|c| is_han(*c)).count();
        for sign in raw.chars().filter(|c| is_han(*c)).take(WORDS_MAX) {
            folded.signs.push(Word::sign(sign));
        }
        latin(&raw, &mut words);
        if words.len() > 4 * WORDS_MAX {
            break;
        }
    }
    if han * 2 <= letters {
        folded.signs.clear();
    }
    folded.signs.truncate(WORDS_MAX);
    let words = settle(&words);
    folded.cut = words.len().saturating_sub(WORDS_MAX);
    folded.words = words.into_iter().take(WORDS_MAX).map(|(text, o)| Word::new(text, o)).collect();
    folded
}

impl Word {
    pub(crate) fn new(mut text: String, origin: Origin) -> Word {
        text.truncate(LETTERS_MAX);
        let class = match (class(&text), origin) {
            (Class::Number, _) => Class::Number,
            (_, Origin::Pinyin | Origin::Hangul) => Class::Name,
            (class, _) => class,
        };
        let (sound, bones, korean) = (sound(&text), bones(&text), korean(&text));
        Word { text, origin, class, sound, bones, korean }
    }

    fn sign(sign: char) -> Word {
        Word {
            text: sign.to_string(),
            origin: Origin::Sign,
            class: Class::Name,
            sound: Sound::default(),
            bones: Bones::default(),
            korean: String::new(),
        }
    }
}

/// Neighbours that people write as one word: where they begin, how many they are, and what they make.
#[derive(Clone, Debug)]
pub(crate) struct Joined {
    pub start: usize,
    pub len: usize,
    pub word: Word,
}

/// Two words; two around an article, with its l or without (`nur al din`: Nuraldin, Nuruddin); a run of
/// initials (`l x c`).
pub(crate) fn joins(words: &[Word]) -> Vec<Joined> {
    let is_initial = |word: &Word| word.class == Class::Initial;
    let mut joins = Vec::new();
    let mut join = |start: usize, parts: &[&str], len: usize| {
        let word = Word::new(parts.concat(), words[start].origin);
        joins.push(Joined { start, len, word });
    };
    for start in 0..words.len() {
        let rest = &words[start..];
        if rest.len() >= 2 && !(is_initial(&rest[0]) && is_initial(&rest[1])) {
            join(start, &[&rest[0].text, &rest[1].text], 2);
            if rest.len() >= 3 && rest[1].text == "al" {
                join(start, &[&rest[0].text, "al", &rest[2].text], 3);
                join(start, &[&rest[0].text, "a", &rest[2].text], 3);
            }
        }
        let begins = start == 0 || !is_initial(&words[start - 1]);
        let run: Vec<&str> = rest
            .iter()
            .take_while(|word| is_initial(word))
            .map(|word| word.text.as_str())
            .collect();
        if begins && run.len() >= 2 {
            join(start, &run, run.len());
        }
    }
    joins
}

/// Split at white space and punctuation; apostrophes and invisible signs are dropped.
fn raw_words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut script = None;
    for c in text.nfkc() {
        if is_dropped(c) {
            continue;
        }
        let is_mark = !c.is_alphanumeric() && is_combining(c);
        if !c.is_alphanumeric() && !is_mark {
            words.push(String::new());
            script = None;
            continue;
        }
        // Where two scripts meet, a word ends.
        let own = (!is_mark).then(|| script_of(c)).flatten();
        if own.is_some() && script.is_some() && own != script {
            words.push(String::new());
        }
        script = own.or(script);
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    Han,
    Hangul,
    Unvowelled,
    Other,
}

fn script_of(c: char) -> Option<Script> {
    if !c.is_alphabetic() {
        return None;
    }
    Some(match u32::from(c) {
        _ if is_han(c) => Script::Han,
        0x1100..=0x11ff | 0x3130..=0x318f | 0xac00..=0xd7af => Script::Hangul,
        0x0590..=0x05ff | 0x0600..=0x06ff | 0x0750..=0x077f | 0x08a0..=0x08ff => Script::Unvowelled,
        _ => Script::Other,
    })
}

fn is_han(c: char) -> bool {
    matches!(u32::from(c), 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x323af)
}

/// Vowel signs and accents belong to their word.
fn is_combining(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036f | 0x0483..=0x0489 | 0x0591..=0x05c7 | 0x0610..=0x061a
        | 0x064b..=0x065f | 0x0670 | 0x06d6..=0x06ed | 0x0900..=0x0dff | 0x0e31 | 0x0e34..=0x0e4e
        | 0x0f18..=0x0fbc | 0x102b..=0x109d | 0x17b4..=0x17dd | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff
        | 0x20d0..=0x20ff | 0xfe20..=0xfe2f)
}

fn is_dropped(c: char) -> bool {
    matches!(
        c,
        '\'' | '`' | '´' | '‘' | '’' | '‛' | 'ʻ' | 'ʼ' | 'ʽ' | 'ʾ' | 'ʿ' | 'ˈ' | '׳' | '״' | 'ـ'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}' | '\u{ad}'
    )
}

/// One raw word in Latin letters; signs and syllables become words of their own.
fn latin(raw: &str, words: &mut Vec<(String, Origin)>) {
    let script = raw.chars().find_map(script_of).unwrap_or(Script::Other);
    match script {
        Script::Han | Script::Hangul => {
            let origin = if script == Script::Hangul { Origin::Hangul } else { Origin::Pinyin };
            for c in raw.chars() {
                push(&any_ascii::any_ascii(c.encode_utf8(&mut [0; 4])), origin, words);
            }
        }
        Script::Unvowelled => unvowelled(raw, words),
        Script::Other => push(&any_ascii::any_ascii(raw), Origin::Latin, words),
    }
}

fn push(text: &str, origin: Origin, words: &mut Vec<(String, Origin)>) {
    let is_kept = |c: &char| c.is_ascii_alphanumeric();
    let text: String = text.chars().filter(is_kept).map(|c| c.to_ascii_lowercase()).collect();
    if !text.is_empty() {
        words.push((text, origin));
    }
}

/// Arabic writes the article and the servant's word together with what follows.
fn unvowelled(raw: &str, words: &mut Vec<(String, Origin)>) {
    const WHOLE: &[(&str, &str)] = &[
        ("الله", "allah"),
        ("اللہ", "allah"),
        ("عبد", "abd"),
        ("بن", "bin"),
        ("ابن", "bin"),
        ("بنت", "bint"),
        ("ابو", "abu"),
        ("أبو", "abu"),
        ("ال", "al"),
        ("آل", "al"),
        ("בן", "bin"),
    ];
    let fixed = |text: &str| (text.to_string(), Origin::Latin);
    if let Some((_, latin)) = WHOLE.iter().find(|(arabic, _)| *arabic == raw) {
        words.push(fixed(latin));
        return;
    }
    let after = |head: &str| raw.strip_prefix(head).filter(|rest| rest.chars().count() >= 3);
    if let Some(rest) = after("عبد").filter(|rest| rest.starts_with("ال")) {
        words.push(fixed("abd"));
        return unvowelled(rest, words);
    }
    if let Some(rest) = after("ال") {
        words.push(fixed("al"));
        return push(&any_ascii::any_ascii(rest), Origin::Unvowelled, words);
    }
    push(&any_ascii::any_ascii(raw), Origin::Unvowelled, words);
}

/// Words that stand for others, parts that belong together, legal forms.
fn settle(words: &[(String, Origin)]) -> Vec<(String, Origin)> {
    let mut out: Vec<(String, Origin)> = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        if let Some((form, taken)) = (at > 0).then(|| spelled_form(&words[at..])).flatten() {
            out.push((form.to_string(), Origin::Latin));
            at += taken;
            continue;
        }
        let (text, origin) = &words[at];
        let is_inside = at > 0 && at + 1 < words.len();
        at += 1;
        let short = words::SHORT.iter().find(|(short, _)| short == text);
        if let Some(servant) = servant_of(text) {
            out.push(("abd".to_string(), Origin::Latin));
            if !servant.is_empty() {
                out.push((servant.to_string(), *origin));
            }
        } else if is_article(text, is_inside) {
            out.push(("al".to_string(), Origin::Latin));
        } else if text == "ben" && is_inside {
            // A given name at the beginning, the son of at any other place.
            out.push(("bin".to_string(), Origin::Latin));
        } else if let Some((_, long)) = short {
            out.push(((*long).to_string(), *origin));
        } else {
            out.push((number(text), *origin));
        }
    }
    out
}

/// A legal form spelled letter by letter that begins here, and how many words it takes.
fn spelled_form(words: &[(String, Origin)]) -> Option<(&'static str, usize)> {
    let fits = |letters: &[&str]| {
        letters.len() <= words.len()
            && letters.iter().zip(words).all(|(letter, (word, _))| word == letter)
    };
    let found = words::SPELLED.iter().find(|(letters, _)| fits(letters));
    found.map(|(letters, form)| (*form, letters.len()))
}

/// What follows `Abdul`, `Abdel`: written together, or in the next word.
fn servant_of(text: &str) -> Option<&str> {
    let rest = words::SERVANT.iter().find_map(|head| text.strip_prefix(head))?;
    // Abdullah and its children are names of their own.
    let is_own = ["lah", "lae", "lay", "la"].iter().any(|own| rest.starts_with(own))
        && !rest.starts_with("lati");
    (rest.is_empty() || (rest.len() >= 4 && !is_own)).then_some(rest)
}

fn is_article(text: &str, is_inside: bool) -> bool {
    words::ARTICLES.contains(&text) || (is_inside && words::MIDDLE_ARTICLES.contains(&text))
}

/// `5th` and `05` are 5.
fn number(text: &str) -> String {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_ordinal = matches!(&text[digits.len()..], "" | "st" | "nd" | "rd" | "th");
    if is_number && is_ordinal {
        let bare = digits.trim_start_matches('0');
        return if bare.is_empty() { "0".to_string() } else { bare.to_string() };
    }
    text.to_string()
}

fn class(text: &str) -> Class {
    if words::FORMS.contains(&text) {
        return Class::Form;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Class::Number;
    }
    if text.len() == 1 {
        return Class::Initial;
    }
    if words::PARTICLES.contains(&text) {
        return Class::Particle;
    }
    if words::TITLES.contains(&text) {
        return Class::Title;
    }
    if words::GENERIC.contains(&text) {
        return Class::Generic;
    }
    Class::Name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let words: Vec<String> = fold(text).words.into_iter().map(|word| word.text).collect();
        assert_eq!(words.join(" "), expected, "{text}");
    }

    #[test]
    fn marks_case_and_width_are_dropped() {
        check("Müller-Lüdenscheidt", "muller ludenscheidt");
        check("ＡＢＣ　Ｔｒａｄｉｎｇ", "abc trading");
        check("Muʿammar al-Qaḏḏāfī", "muammar al qaddafi");
        check("O\u{2019}Neil, Seán", "oneil sean");
        check("ПУ\u{301}ТИН Влади\u{301}мир", "putin vladimir");
        check("!!! ---", "");
    }

    #[test]
    fn arabic_parts_meet_their_latin_spellings() {
        check("Abdul Rahman", "abd rahman");
        check("Abdurrahman", "abd rahman");
        check("Abd ar-Rahman", "abd al rahman");
        check("Abdullah", "abdullah");
        check("Abdul Latif", "abd latif");
        check("Abdullatif", "abd latif");
        check("عبد الرحمن", "abd al rhmn");
        check("عبدالغفار", "abd al ghfr");
        check("أسامة بن لادن", "smh bin ldn");
        check("Ben Isa Ben Tarif", "ben isa bin tarif");
    }

    #[test]
    fn legal_forms_are_known_written_out_short_and_spelled() {
        for (text, expected) in [
            ("Westminster Holdings, Ltd.", "westminster holdings ltd"),
            ("OOO Westminster Holdings", "ooo westminster holdings"),
            ("Hikari Sp. z o.o.", "hikari ltd"),
            ("ООО «Газпром»", "ooo gazprom"),
            ("Logarcheo S.A. de C.V.", "logarcheo sa"),
        ] {
            check(text, expected);
            let forms = fold(text).words.into_iter().filter(|word| word.class == Class::Form);
            assert_eq!(forms.count(), 1, "{text}");
        }
        check("S. A. Smith", "s a smith");
    }

    #[test]
    fn syllables_are_words_and_signs_are_kept() {
        let folded = fold("习近平");
        assert_eq!(folded.signs.len(), 3);
        check("习近平", "xi jin ping");
        check("김정은", "gim jeong eun");
        check("Xi Jinping 习近平", "xi jinping xi jin ping");
        assert!(fold("Kim Jong Un").signs.is_empty());
    }

    #[test]
    fn numbers_lose_what_does_not_count() {
        check("5th Battalion", "5 battalion");
        check("Unit 007", "unit 7");
    }

    #[test]
    fn a_text_of_any_length_is_cut_and_says_so() {
        let folded = fold(&"word ".repeat(10_000));
        assert_eq!(folded.words.len(), WORDS_MAX);
        assert!(folded.cut > 0);
        assert_eq!(fold(&"w".repeat(10_000)).words[0].text.len(), LETTERS_MAX);
    }
}
