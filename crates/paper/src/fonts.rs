//! The fonts that come with the program: names of people and places are written in many scripts.
//!
//! `fonts/SOURCES.md` says where each is from and under which licence.

use std::sync::LazyLock;

use typst::foundations::Bytes;
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;

macro_rules! files {
    ($($name:literal),+ $(,)?) => { [$(include_bytes!(concat!("../fonts/", $name, ".ttf"))),+] };
}

/// The order is that of the search for a character the main fonts lack.
const FILES: [&[u8]; 17] = files![
    "NotoSans-Regular",
    "NotoSans-Bold",
    "NotoSansMono-Regular",
    "NotoSansArabic-Regular",
    "NotoSansHebrew-Regular",
    "NotoSansArmenian-Regular",
    "NotoSansGeorgian-Regular",
    "NotoSansDevanagari-Regular",
    "NotoSansBengali-Regular",
    "NotoSansTamil-Regular",
    "NotoSansSinhala-Regular",
    "NotoSansThai-Regular",
    "NotoSansLao-Regular",
    "NotoSansKhmer-Regular",
    "NotoSansMyanmar-Regular",
    "NotoSansEthiopic-Regular",
    "DroidSansFallback",
];

pub struct Fonts {
    pub book: LazyHash<FontBook>,
    pub all: Vec<Font>,
}

pub fn shipped() -> &'static Fonts {
    static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
        let all: Vec<Font> = FILES.iter().flat_map(|file| Font::iter(Bytes::new(*file))).collect();
        let book = FontBook::from_infos(all.iter().map(|font| font.info().clone()));
        Fonts { book: LazyHash::new(book), all }
    });
    &FONTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_font() {
        assert_eq!(shipped().all.len(), FILES.len());
    }
}
