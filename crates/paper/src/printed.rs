//! From a template and its data to pages, and what stands on them.

use std::collections::BTreeSet;

use typst::foundations::Smart;
use typst::layout::{Frame, FrameItem};
use typst_layout::PagedDocument;
use typst_pdf::PdfOptions;

use crate::PaperError;
use crate::world::World;

/// A document that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    pub pdf: Vec<u8>,
    pub pages: Vec<Page>,
    /// Characters that no font here has: they stand as empty boxes, and whoever sends it must know.
    pub missing: BTreeSet<char>,
}

/// What stands on a page, run by run as it was set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub runs: Vec<String>,
}

impl Page {
    pub fn text(&self) -> String {
        self.runs.join("\n")
    }
}

pub fn set(world: World) -> Result<Printed, PaperError> {
    let document = typst::compile::<PagedDocument>(&world).output;
    let printed = document.and_then(|document| {
        let options = PdfOptions {
            ident: Smart::Auto,
            creator: Smart::Custom(Some("interdict".to_string())),
            // A time would make equal packets unequal files.
            timestamp: None,
            ..PdfOptions::default()
        };
        let pdf = typst_pdf::pdf(&document, &options)?;
        let mut printed = Printed { pdf, pages: Vec::new(), missing: BTreeSet::new() };
        for page in document.pages() {
            let mut runs = Page::default();
            read(&page.frame, &mut runs, &mut printed.missing);
            printed.pages.push(runs);
        }
        Ok(printed)
    });
    // The typesetter remembers what it set: packets are confidential, and memory is bounded.
    typst::comemo::evict(0);
    printed.map_err(|errors| {
        let said: Vec<String> = errors.iter().map(|error| error.message.to_string()).collect();
        PaperError::Setting(said.join("; "))
    })
}

fn read(frame: &Frame, page: &mut Page, missing: &mut BTreeSet<char>) {
    for (_, item) in frame.items() {
        match item {
            FrameItem::Group(group) => read(&group.frame, page, missing),
            FrameItem::Text(text) => {
                page.runs.push(text.text.to_string());
                // Glyph 0 of every font is the box that stands for "I have no such character".
                for glyph in text.glyphs.iter().filter(|glyph| glyph.id == 0) {
                    let range = usize::from(glyph.range.start)..usize::from(glyph.range.end);
                    missing.extend(text.text.get(range).unwrap_or_default().chars());
                }
            }
            _ => {}
        }
    }
}
