//! What is kept of where balances came from: brought up to date, and asked.
//!
//! [`trace::provenance`] works it out, [`store::provenance`] keeps it, and here both meet.
//! [`Screening`] is for whoever screens: it opens everything once, and answers an address
//! with its exposure and its risk by one look-up, never by a walk. [`update`] reads what is new.

mod keep;
mod screening;
mod stage;
mod update;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use model::{Book, ListVersion};
use sha2::{Digest, Sha256};
use store::Store;
use trace::exposure::Marked;
use trace::risk::Rules;

pub use screening::{Screened, Screening};
pub use stage::ProvenanceStage;
pub use update::{How, Updated, update};

use crate::config::{self, Config, Flags};

/// Labels below this count for nothing, as in a trace.
pub const CONFIDENCE_MIN: u8 = trace::Settings::STOP_CONFIDENCE;

/// Everything known of addresses, ready to end an exposure.
pub fn marked(book: Book) -> Marked {
    Marked::new(book, CONFIDENCE_MIN)
}

/// The rules asked for: a file that is named, else that of the configuration, else the shipped.
pub fn rules(home: &Path, named: Option<&Path>) -> Result<Rules> {
    let path = match named {
        Some(path) => Some(path.to_path_buf()),
        None => configured(home)?,
    };
    match path {
        Some(path) => read_rules(&path),
        None => Ok(Rules::shipped()),
    }
}

pub fn read_rules(path: &Path) -> Result<Rules> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Rules::parse(&path.display().to_string(), &text)?)
}

fn configured(home: &Path) -> Result<Option<PathBuf>> {
    let config = Config::read(home, &Flags::default(), &config::environment)?;
    Ok(config.risk_rules.value)
}

/// Names the files of labels and lists as they are now: while it stays, no mark changed.
fn files(marked: &Marked) -> String {
    let labels = marked.book().all_labels().iter();
    let mut files: Vec<String> =
        labels.map(|label| format!("{} {}", label.collection, label.file_hash)).collect();
    let versions = marked.book().all_listings().iter().map(|listing| &listing.version);
    files.extend(
        versions.map(|ListVersion { list, date, file_hash }| format!("{list} {date} {file_hash}")),
    );
    files.sort();
    files.dedup();
    model::hex::encode(&Sha256::digest(files.join("\n").as_bytes()))
}

/// The prices a home holds.
pub fn prices(store: &Store) -> Result<model::Prices> {
    let mut prices = model::Prices::default();
    store.prices()?.into_iter().for_each(|price| prices.insert(price));
    Ok(prices)
}
