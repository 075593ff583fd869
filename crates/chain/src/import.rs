//! Importers: files in, facts out.
//!
//! [`plan`] finds the files, [`import_file`] streams one of them into a sink.
//! Nothing is held in memory but what one record, one Bitcoin block or the
//! traces of a few EVM blocks need. A file that is not what its format promises
//! gives an [`ImportError`] that names the place; the caller then drops every
//! fact of that file. What is odd but readable becomes a [`model::Oddity`].
//!
//! Settling is left to the store: which source wins, which block stands, what
//! an input spends.

mod bitcoin_blocks;
mod cryo;
mod csv_table;
mod error;
mod ethereum_etl;
mod evm;
mod fields;
mod input;
mod json_lines;
mod plan;
mod run;
mod time;
mod transfers;
mod transfers_csv;
mod transfers_parquet;

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::str::FromStr;

use model::{Chain, Fact};
use parquet::file::reader::ChunkReader;

pub use self::error::{ImportError, Place, Problem, SinkError};
pub use self::evm::Table;
pub use self::plan::{SourceFile, plan};
pub use self::run::Summary;

use self::input::Input;
use self::run::Run;
use crate::bitcoin::frames;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    TransfersCsv,
    TransfersParquet,
    EthereumEtl,
    Cryo,
    BitcoinBlocks,
}

/// What the user says beside the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The chain of everything that does not name its own.
    pub chain: Option<Chain>,
}

/// Where facts go. An error of the sink ends the import.
pub type Sink<'a> = &'a mut dyn FnMut(Fact) -> Result<(), SinkError>;

/// Hears how many bytes of the file have been read so far.
pub type Progress<'a> = &'a mut dyn FnMut(u64);

/// Streams one file of a [`plan`].
pub fn import_file(
    format: Format,
    file: &SourceFile,
    options: &Options,
    progress: Progress<'_>,
    sink: Sink<'_>,
) -> Result<Summary, ImportError> {
    let name = file.path.display().to_string();
    let unreadable = |e| ImportError::unreadable(&name, e);
    let opened = File::open(&file.path).map_err(unreadable)?;
    let mut run = Run::new(&name, options, progress, sink);
    run.nft_contracts = file.nft_contracts.clone();
    run.key = file.key;
    if format.is_parquet() {
        let sha256 = input::sha256(opened.try_clone().map_err(unreadable)?).map_err(unreadable)?;
        parquet(format, opened, &mut run)?;
        return Ok(run.finish(sha256));
    }
    let is_framed = frames::is_named_blk(&file.path);
    stream(format, &mut BufReader::with_capacity(1 << 16, opened), is_framed, run)
}

/// Streams bytes that are not in a file. `name` stands for it in errors.
/// A `blk` file is recognised by its magic and taken as not obfuscated.
pub fn import_reader(
    format: Format,
    name: &str,
    reader: &mut dyn BufRead,
    options: &Options,
    progress: Progress<'_>,
    sink: Sink<'_>,
) -> Result<Summary, ImportError> {
    let mut run = Run::new(name, options, progress, sink);
    if format.is_parquet() {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(|e| ImportError::unreadable(name, e))?;
        let sha256 =
            input::sha256(bytes.as_slice()).map_err(|e| ImportError::unreadable(name, e))?;
        parquet(format, bytes::Bytes::from(bytes), &mut run)?;
        return Ok(run.finish(sha256));
    }
    stream(format, reader, frames::is_named_blk(Path::new(name)), run)
}

/// [`import_reader`] for bytes already at hand, as tests and fuzzers have them.
pub fn import_bytes(
    format: Format,
    name: &str,
    mut bytes: &[u8],
    options: &Options,
    sink: Sink<'_>,
) -> Result<Summary, ImportError> {
    import_reader(format, name, &mut bytes, options, &mut |_| {}, sink)
}

fn stream(
    format: Format,
    reader: &mut dyn BufRead,
    is_framed: bool,
    mut run: Run<'_>,
) -> Result<Summary, ImportError> {
    let mut input = Input::new(reader);
    run.read = input.counter();
    match format {
        Format::TransfersCsv => transfers_csv::import(&mut input, &mut run)?,
        Format::EthereumEtl => ethereum_etl::import(&mut input, &mut run)?,
        Format::BitcoinBlocks => bitcoin_blocks::import(&mut input, is_framed, &mut run)?,
        Format::Cryo | Format::TransfersParquet => {
            unreachable!("Parquet needs its end first and is not streamed")
        }
    }
    let sha256 = input.finish().map_err(|e| ImportError::unreadable(&run.name, e))?;
    Ok(run.finish(sha256))
}

fn parquet<R: ChunkReader + 'static>(
    format: Format,
    source: R,
    run: &mut Run<'_>,
) -> Result<(), ImportError> {
    match format {
        Format::TransfersParquet => transfers_parquet::import(source, run),
        _ => cryo::import(source, run),
    }
}

impl Format {
    pub const ALL: [Format; 5] = [
        Format::TransfersCsv,
        Format::TransfersParquet,
        Format::EthereumEtl,
        Format::Cryo,
        Format::BitcoinBlocks,
    ];

    fn is_parquet(self) -> bool {
        matches!(self, Format::Cryo | Format::TransfersParquet)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::TransfersCsv => "transfers-csv",
            Format::TransfersParquet => "transfers-parquet",
            Format::EthereumEtl => "ethereum-etl",
            Format::Cryo => "cryo",
            Format::BitcoinBlocks => "bitcoin-blocks",
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not an import format: expected transfers-csv, transfers-parquet, ethereum-etl, cryo or bitcoin-blocks"
)]
pub struct FormatError {
    pub text: String,
}

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Format, FormatError> {
        Format::ALL
            .into_iter()
            .find(|format| format.to_string() == text)
            .ok_or_else(|| FormatError { text: text.to_string() })
    }
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_read_their_own_text() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert!("csv".parse::<Format>().is_err());
    }
}
