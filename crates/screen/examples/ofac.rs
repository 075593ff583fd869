//! Reads one OFAC file: `ofac sdn_advanced.xml.bz2`. For measuring time and memory.
#![allow(clippy::print_stdout)]

use std::fs::File;
use std::io::BufReader;

use screen::lists::{self, ofac};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("expected a path")?;
    let list = ofac::read(lists::open(BufReader::new(File::open(path)?))?, "")?;
    println!(
        "{} of {}: {} listings, {} claims, {} parties with {} names",
        list.version.list,
        list.version.date,
        list.listings.len(),
        list.claims,
        list.parties.len(),
        list.parties.iter().map(|party| party.names.len()).sum::<usize>()
    );
    for listing in list.listings.iter().filter(|listing| listing.identifier.families.is_empty()) {
        println!("claim: {listing:?}");
    }
    Ok(())
}
