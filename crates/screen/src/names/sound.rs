//! How words sound, in keys: spellings of one name in Latin letters, and names written without their
//! vowels, meet under one key.
//!
//! Keys decide what is compared more closely, by [`super::likeness`]; they are no verdict.

/// A key with each run of vowels as `*`, and which vowels the runs may stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sound {
    pub key: String,
    /// A run each: open, front, back, a bit each.
    pub vowels: Vec<u8>,
    /// The last letter alone, where it is a vowel: Maria, Mario.
    pub ending: u8,
    pub consonants: usize,
}

/// Consonants, and the vowels before each and after the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bones {
    pub key: String,
    /// One run more than the key has letters, apart by spaces.
    pub gaps: String,
}

fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

/// What a group of letters sounds like, and how many letters it takes. Longest first.
const SOUNDS: &[(&str, &str)] = &[
    ("tsch", "C"),
    ("tch", "C"),
    ("sch", "S"),
    ("dzh", "j"),
    ("dj", "j"),
    ("zh", "j"),
    ("ph", "f"),
    ("kh", "k"),
    ("gh", "g"),
    ("sh", "S"),
    ("ch", "C"),
    ("cz", "C"),
    ("th", "t"),
    ("dh", "d"),
    ("ck", "k"),
    ("ts", "z"),
    ("tz", "z"),
    ("ce", "se"),
    ("ci", "si"),
    ("cy", "sy"),
    ("x", "ks"),
    ("c", "k"),
    ("q", "k"),
    ("v", "f"),
];

/// `mohammed` and `muhammad` have one key, `m*h*m*d`; doubled letters count once.
pub fn sound(text: &str) -> Sound {
    let mut sound = Sound::default();
    let mut bytes = rewrite(text, SOUNDS);
    // Mute in French: Poutine.
    if bytes.len() > 4 && bytes.ends_with(b"e") && !is_vowel(bytes[bytes.len() - 2]) {
        bytes.pop();
    }
    let mut at_vowel = false;
    for (at, &letter) in bytes.iter().enumerate() {
        let is_last = at + 1 == bytes.len();
        if is_vowel(letter) || (letter == b'w' && at_vowel && !is_slavic_w(&bytes, at)) {
            if !at_vowel {
                sound.key.push('*');
                sound.vowels.push(0);
            }
            at_vowel = true;
            if let Some(run) = sound.vowels.last_mut() {
                *run |= vowel(letter);
            }
            sound.ending = if is_last { vowel(letter) } else { 0 };
            continue;
        }
        let letter = if letter == b'w' { b'f' } else { letter };
        // Mute: at the end (Abdullah), and after a consonant (Sindhi).
        if letter == b'h' && at > 0 && (is_last || !at_vowel) {
            continue;
        }
        at_vowel = false;
        if !sound.key.ends_with(char::from(letter)) {
            sound.key.push(char::from(letter));
            sound.consonants += 1;
        }
    }
    sound
}

/// French and English write w and ou for one another after a vowel; in Slavic names as German and
/// Polish write them, it is a v: Iwan, -owitsch.
fn is_slavic_w(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| bytes[before]);
    matches!(before, Some(b'o' | b'i')) && bytes.get(at + 1).is_some_and(|next| is_vowel(*next))
}

/// Open, front, back, a bit each; e may be heard as either of the first two.
fn vowel(letter: u8) -> u8 {
    match letter {
        b'a' => 0b001,
        b'e' => 0b011,
        b'i' | b'y' => 0b010,
        _ => 0b100,
    }
}

/// Arabic and Hebrew have no p beside b, no v beside f, and g is written as j, k or q.
const BONES: &[(&str, &str)] = &[
    ("tsch", "S"),
    ("tch", "S"),
    ("tsh", "S"),
    ("dhh", "d"),
    ("sch", "S"),
    ("dzh", "k"),
    ("dj", "k"),
    ("zh", "k"),
    ("ph", "f"),
    ("kh", "x"),
    ("gh", "k"),
    ("sh", "S"),
    ("ch", "S"),
    ("th", "t"),
    ("dh", "d"),
    ("ck", "k"),
    ("x", "ks"),
    ("p", "b"),
    ("v", "f"),
    ("g", "k"),
    ("j", "k"),
    ("q", "k"),
    ("c", "k"),
];

/// The consonants alone, with what stands between them.
pub fn bones(text: &str) -> Bones {
    let mut bones = Bones::default();
    let bytes = rewrite(text, BONES);
    for (at, &letter) in bytes.iter().enumerate() {
        let is_last = at + 1 == bytes.len();
        if is_vowel(letter) || letter == b'w' {
            bones.gaps.push(char::from(letter));
        } else if letter == b'h' && is_last && at > 0 {
            // A mute ending, written or not.
        } else if !(bones.key.ends_with(char::from(letter)) && bones.gaps.ends_with(' ')) {
            bones.key.push(char::from(letter));
            bones.gaps.push(' ');
        }
    }
    bones
}

/// Could the first, written without short vowels, be the second? Long vowels that are written must be
/// there, in order: w for o and u, y for e and i.
pub fn is_unvowelled(without: &Bones, with: &Bones) -> bool {
    let gaps = || without.gaps.split(' ').zip(with.gaps.split(' '));
    without.key == with.key
        && gaps().all(|(written, spoken)| {
            let mut spoken = spoken.bytes();
            written.bytes().all(|letter| spoken.any(|vowel| is_long_vowel(letter, vowel)))
        })
}

fn is_long_vowel(letter: u8, vowel: u8) -> bool {
    match letter {
        b'w' => matches!(vowel, b'w' | b'u' | b'o'),
        b'y' => matches!(vowel, b'y' | b'i' | b'e'),
        _ => matches!(vowel, b'a' | b'e'),
    }
}

/// Korean has several romanisations: Kim and Gim, Jong and Jeong, Park and Bak. Consonants alone.
pub fn korean(text: &str) -> String {
    const CONSONANTS: &[(&str, &str)] = &[
        ("ng", "N"),
        ("ch", "j"),
        ("sh", "s"),
        ("kk", "k"),
        ("tt", "t"),
        ("pp", "p"),
        ("ss", "s"),
        ("jj", "j"),
        ("g", "k"),
        ("d", "t"),
        ("b", "p"),
        ("c", "k"),
        ("r", "l"),
    ];
    let bytes = rewrite(text, CONSONANTS);
    let is_kept = |letter: &u8| !is_vowel(*letter) && *letter != b'w';
    bytes.into_iter().filter(is_kept).map(char::from).collect()
}

/// Replaces the first group that fits at each place; all else stays.
fn rewrite(text: &str, groups: &[(&str, &str)]) -> Vec<u8> {
    let mut rest = text;
    let mut out = Vec::with_capacity(text.len() + 2);
    while !rest.is_empty() {
        match groups.iter().find(|(group, _)| rest.starts_with(group)) {
            Some((group, sound)) => {
                out.extend_from_slice(sound.as_bytes());
                rest = &rest[group.len()..];
            }
            None => {
                out.push(rest.as_bytes()[0]);
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_have_one_key() {
        for (one, other) in [
            ("muhammad", "mohamed"),
            ("yusuf", "youssef"),
            ("vladimir", "wladimir"),
            ("abdullah", "abdallah"),
            ("putin", "poutine"),
            ("ivanovich", "iwanowitsch"),
            ("mueller", "muller"),
            ("jamal", "djamel"),
        ] {
            assert_eq!(sound(one).key, sound(other).key, "{one} {other}");
        }
        assert_ne!(sound("salman").key, sound("sulayman").key);
    }

    #[test]
    fn a_name_without_its_vowels_is_known_by_its_bones() {
        let check = |without: &str, with: &str| is_unvowelled(&bones(without), &bones(with));
        for (without, with) in [
            ("mhmd", "muhammad"),
            ("ywsf", "yusuf"),
            ("ly", "ali"),
            ("fldymyr", "vladimir"),
            ("bwtyn", "putin"),
            ("rhmn", "rahman"),
            ("hsyn", "hussein"),
            ("hsn", "hasan"),
        ] {
            assert!(check(without, with), "{without} {with}");
        }
        assert!(!check("hsyn", "hasan"), "the long vowel of Hussein is not in Hasan");
        assert!(!check("ywsf", "yasif"), "the long u is not there");
    }

    #[test]
    fn korean_romanisations_meet() {
        for (one, other) in [("kim", "gim"), ("jong", "jeong"), ("un", "eun"), ("choi", "choe")] {
            assert_eq!(korean(one), korean(other), "{one} {other}");
        }
    }
}
