//! How long each listing takes where a desk is large: `case::trial::listings` at a million alerts.
//!
//! Ignored: filling takes minutes. `cargo xtask bench --only listings` measures it for the document.
//!
//!     cargo test --release -p case --test listings -- --ignored --nocapture
//!
//! `INTERDICT_LISTINGS_ALERTS` sets another number of alerts, and `INTERDICT_LISTINGS_DB` another place
//! (`postgres://…`, empty); nothing: SQLite in a temporary folder. `INTERDICT_LISTINGS_KEEP` names a folder
//! that becomes the home of a server with this desk, on which `web/tests/e2e/large.mjs` opens the pages.

#![allow(clippy::unwrap_used)]
#![allow(clippy::print_stderr, reason = "a measurement says what it measured")]

use case::db::Place;
use case::trial::listings::{self, AIM, Size};
use case::trial::on_both;

#[test]
#[ignore = "fills a million rows: run it in release"]
fn every_listing_of_a_large_desk_is_fast() {
    let alerts = std::env::var("INTERDICT_LISTINGS_ALERTS").ok();
    let alerts = alerts.map_or(Size::LARGE.alerts, |text| text.parse().unwrap());
    let size = Size { alerts, ..Size::LARGE };
    let folder = tempfile::tempdir().unwrap();
    let kept = std::env::var("INTERDICT_LISTINGS_KEEP").ok().map(std::path::PathBuf::from);
    let place = match std::env::var("INTERDICT_LISTINGS_DB") {
        Ok(place) => place.parse().unwrap(),
        Err(_) => {
            let home = kept.as_deref().unwrap_or(folder.path());
            std::fs::create_dir_all(home).unwrap();
            Place::Sqlite(home.join("casework.sqlite"))
        }
    };
    let db = case::open(&place).unwrap();
    listings::fill(&db, &size).unwrap();
    if kept.is_some() {
        listings::fill_for_pages(&db, &size).unwrap();
        // What was measured stays for the pages.
        if std::env::var_os("INTERDICT_LISTINGS_FILL_ONLY").is_some() {
            return;
        }
    }
    let timed = listings::measure(&db, size.samples).unwrap();
    for one in &timed {
        eprintln!("{:<44} median {:>10.1?}  p99 {:>10.1?}", one.name, one.median, one.p99);
    }
    let slow: Vec<_> = timed.iter().filter(|one| one.p99 >= AIM).collect();
    assert!(slow.is_empty(), "slower than {AIM:?}: {slow:#?}");
}

#[test]
fn every_listing_that_is_measured_answers_in_both_databases() {
    on_both(|db| {
        let size = Size { alerts: 300, cases: 100, samples: 3 };
        listings::fill(db, &size).unwrap();
        let timed = listings::measure(db, size.samples).unwrap();
        assert!(timed.iter().any(|one| one.name == "counts of alerts (two teams)"));
        assert!(timed.len() > 60, "{}", timed.len());
    });
}
