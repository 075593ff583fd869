//! What an answer from what is kept costs. Not run with the others:
//! `cargo test --release -p interdict --test exposure -- --ignored --nocapture measure`.

use std::time::Instant;

use interdict::exposure::{Screening, marked};
use model::{Account, View};
use store::Store;
use trace::risk::Rules;

use super::common::Home;

#[test]
#[ignore = "it measures"]
fn measure_screening_by_what_is_kept() {
    let count = std::env::var("TRANSFERS").unwrap_or_else(|_| "200k".into());
    let home = Home::new();
    let generate = ["-q", "drill", "generate", "--transfers", &count, "--seed", "7"];
    home.ok(&[&generate[..], &["--chain", "ethereum", "--out", "drill"]].concat());
    home.ok(&["-q", "import", "transfers-csv", "drill"]);
    home.ok(&["-q", "labels", "import", "tagpack", "drill/labels.yaml"]);
    let start = Instant::now();
    print!("{}", home.ok(&["-q", "exposure", "update"]));
    println!("exposure update: {:.1?}, the process included", start.elapsed());

    let path = home.path("home");
    let store = Store::open_existing(&path).expect("opens");
    let book = store.book().expect("reads");
    let screening = Screening::open(&path, &store, marked(book), Rules::shipped()).expect("opens");
    let chain = store.coverage().expect("answers")[0].chain;
    let columns = store.columns(chain).expect("reads");
    let total = columns.account_count();
    let step = (total / 5_000).max(1);
    let accounts: Vec<Account> = (0..total)
        .step_by(step)
        .map(|n| columns.account(u32::try_from(n).expect("few")).expect("is there"))
        .collect();
    let mut micros: Vec<u128> = Vec::new();
    for account in &accounts {
        let start = Instant::now();
        let screened = screening.screen(account).expect("answers");
        assert!(screened.exposure.is_some());
        micros.push(start.elapsed().as_micros());
    }
    micros.sort_unstable();
    let at = |percent: usize| micros[(micros.len() - 1) * percent / 100];
    println!(
        "{} addresses of {total}: exposure and risk in {} us at the median, {} at 99 %, {} at most",
        micros.len(),
        at(50),
        at(99),
        at(100)
    );
}
