//! Which files to import, in which order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Chain;

use super::error::{ImportError, Problem};
use super::evm::Table;
use super::{Format, Options, cryo, ethereum_etl};
use crate::bitcoin::frames::{self, Key};

/// One file of a plan, with what other files of the plan say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    pub path: PathBuf,
    pub bytes: u64,
    /// What an `ethereum-etl` or `cryo` file holds; none for the other formats.
    pub table: Option<Table>,
    pub(crate) nft_contracts: Arc<BTreeSet<[u8; 20]>>,
    pub(crate) key: Option<Key>,
}

/// A directory deeper than this is a loop of links.
const DEPTH_MAX: usize = 16;

/// Expands directories and puts files in an order that depends on the files
/// alone, not on how the paths were given: what others need comes first. A file
/// named twice is taken once. Inside a directory only files with the format's
/// extension count, hidden ones never; a file named outright always does.
pub fn plan(
    format: Format,
    paths: &[PathBuf],
    options: &Options,
) -> Result<Vec<SourceFile>, ImportError> {
    check_chain(format, options)?;
    let mut found = BTreeMap::new();
    for path in paths {
        let before = found.len();
        expand(format, path, 0, &mut found)?;
        if found.len() == before && path.is_dir() && !holds_any(format, path, &found) {
            let what = format!("a directory without any file of {format}");
            return Err(ImportError::new(
                &path.display().to_string(),
                None,
                None,
                Problem::other(what),
            ));
        }
    }
    let keys = take_keys(format, &mut found)?;
    let mut files = Vec::new();
    for path in found.into_values() {
        files.push(describe(format, path, &keys)?);
    }
    share_nft_contracts(format, &mut files)?;
    files.sort_by(|a, b| (a.table, &a.path).cmp(&(b.table, &b.path)));
    Ok(files)
}

/// Some formats are of one family of chains.
fn check_chain(format: Format, options: &Options) -> Result<(), ImportError> {
    let Some(chain) = options.chain else { return Ok(()) };
    let fits = match format {
        Format::TransfersCsv | Format::TransfersParquet => true,
        Format::EthereumEtl | Format::Cryo => matches!(chain, Chain::Evm(_)),
        Format::BitcoinBlocks => chain.is_utxo(),
    };
    if fits {
        return Ok(());
    }
    let what = format!("{format} files are not of {}", chain.name());
    Err(ImportError::new("--chain", None, None, Problem::other(what)))
}

/// Real path to the path as given: the least of those that name one file.
type Found = BTreeMap<PathBuf, PathBuf>;

fn expand(format: Format, path: &Path, depth: usize, found: &mut Found) -> Result<(), ImportError> {
    let name = path.display().to_string();
    let unreadable = |e| ImportError::unreadable(&name, e);
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        let real = fs::canonicalize(path).map_err(unreadable)?;
        let given = found.entry(real).or_insert_with(|| path.to_path_buf());
        if path < given.as_path() {
            *given = path.to_path_buf();
        }
        return Ok(());
    }
    if depth == DEPTH_MAX {
        let what = format!("more than {DEPTH_MAX} directories deep: is it a loop of links?");
        return Err(ImportError::new(&name, None, None, Problem::other(what)));
    }
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?.path();
        if entry.is_dir() && !is_hidden(&entry) || belongs(format, &entry) {
            expand(format, &entry, depth + 1, found)?;
        }
    }
    Ok(())
}

/// Were this directory's files found already, under another path?
fn holds_any(format: Format, directory: &Path, found: &Found) -> bool {
    let mut own = Found::new();
    expand(format, directory, 0, &mut own).is_ok()
        && own.keys().any(|real| found.contains_key(real))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// Is this file of a directory one of the format's?
fn belongs(format: Format, path: &Path) -> bool {
    let extension =
        path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let extensions: &[&str] = match format {
        Format::TransfersCsv => &["csv", "tsv"],
        Format::EthereumEtl => &["csv", "json", "jsonl", "ndjson"],
        Format::TransfersParquet | Format::Cryo => &["parquet"],
        // Beside blk files a node keeps rev files, which are not blocks.
        Format::BitcoinBlocks => {
            let is_block = frames::is_named_blk(path) || frames::is_named_key(path);
            return is_block || extensions_of_blocks(&extension);
        }
    };
    !is_hidden(path) && extensions.contains(&extension.as_str())
}

fn extensions_of_blocks(extension: &str) -> bool {
    matches!(extension, "raw" | "bin" | "block" | "blk")
}

/// Obfuscation keys by directory, their files taken out of what is to be imported.
#[derive(Default)]
struct Keys(BTreeMap<PathBuf, Key>);

impl Keys {
    /// The key beside the file, else the only one that was named.
    fn of(&self, path: &Path) -> Result<Option<Key>, ImportError> {
        let directory = path.parent().map(Path::to_path_buf).unwrap_or_default();
        if let Some(key) = self.0.get(&directory) {
            return Ok(Some(*key));
        }
        let beside = directory.join("xor.dat");
        if beside.is_file() {
            return frames::read_key(&beside).map(Some);
        }
        let mut named = self.0.values();
        Ok(named.next().copied().filter(|_| named.next().is_none()))
    }
}

fn take_keys(format: Format, found: &mut Found) -> Result<Keys, ImportError> {
    let mut keys = Keys::default();
    if format != Format::BitcoinBlocks {
        return Ok(keys);
    }
    for path in found.values().filter(|path| frames::is_named_key(path)) {
        let directory = path.parent().map(Path::to_path_buf).unwrap_or_default();
        keys.0.insert(directory, frames::read_key(path)?);
    }
    found.retain(|_, path| !frames::is_named_key(path));
    Ok(keys)
}

fn describe(format: Format, path: PathBuf, keys: &Keys) -> Result<SourceFile, ImportError> {
    let name = path.display().to_string();
    let bytes = fs::metadata(&path).map_err(|e| ImportError::unreadable(&name, e))?.len();
    let table = match format {
        Format::EthereumEtl => Some(ethereum_etl::detect(&path)?),
        Format::Cryo => Some(cryo::detect(&path)?),
        Format::TransfersCsv | Format::TransfersParquet | Format::BitcoinBlocks => None,
    };
    let key = if format == Format::BitcoinBlocks { keys.of(&path)? } else { None };
    Ok(SourceFile { path, bytes, table, nft_contracts: Arc::default(), key })
}

/// Tables of contracts say which tokens are ERC-721; those of token transfers
/// need to know it, since they do not tell an id from an amount.
fn share_nft_contracts(format: Format, files: &mut [SourceFile]) -> Result<(), ImportError> {
    if format != Format::EthereumEtl {
        return Ok(());
    }
    let mut contracts = BTreeSet::new();
    for file in files.iter().filter(|file| file.table == Some(Table::Contracts)) {
        ethereum_etl::read_nft_contracts(&file.path, &mut contracts)?;
    }
    let contracts = Arc::new(contracts);
    for file in files {
        file.nft_contracts = contracts.clone();
    }
    Ok(())
}
