//! `transfers-csv`: anybody's table of transfers, as CSV.

use std::io::BufRead;

use super::csv_table::CsvTable;
use super::error::{ImportError, Place};
use super::run::Run;
use super::transfers::Transfers;

pub fn import(reader: &mut dyn BufRead, run: &mut Run<'_>) -> Result<(), ImportError> {
    let mut table = CsvTable::open(&run.name, reader)?;
    let mut transfers = Transfers::open(&|name| table.at(name), Some(Place::Line(1)), run)?;
    let name = run.name.clone();
    while let Some((place, row)) = table.next()? {
        transfers.row(&name, place, &row, run)?;
    }
    transfers.finish(run)
}

#[cfg(test)]
mod tests;
