//! Transfers as tables for other programs: Parquet and Arrow.
//!
//! One file a chain, in time order, written as the transfers are read: memory
//! holds one group of rows. The columns are those that `import transfers-parquet`
//! reads, so that an export can be taken in again; this crate's README lists them.

mod arrow;
mod parquet;

use std::fs::{self, File, OpenOptions};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use model::{
    Asset, AssetKind, AssetMeta, Chain, TimeSource, Timestamp, Transfer, TransferKind, View,
};

use crate::StoreError;
use crate::catalog::make_folder;
use crate::error::Doing;

/// Rows written together.
const GROUP_ROWS: usize = 1 << 16;

/// The form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    Parquet,
    /// The Arrow IPC file format, also known as Feather 2.
    Arrow,
}

/// What to export: everything, unless it says less. Both ends of the time are inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportRange {
    pub chain: Option<Chain>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Exported {
    pub file: PathBuf,
    pub chain: Chain,
    pub transfers: u64,
}

/// A column's name, type, and whether it may be empty.
struct Column {
    name: &'static str,
    kind: Kind,
    is_optional: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Whole,
    /// Nanoseconds since 1970, UTC.
    Time,
}

/// In the order of [`Group::push`].
const COLUMNS: &[Column] = &[
    column("chain", Kind::Text, false),
    column("tx_hash", Kind::Text, false),
    column("position", Kind::Text, false),
    column("block", Kind::Whole, true),
    column("tx_index", Kind::Whole, true),
    column("time", Kind::Time, true),
    column("time_source", Kind::Text, false),
    column("from", Kind::Text, true),
    column("to", Kind::Text, true),
    column("asset", Kind::Text, true),
    column("token_contract", Kind::Text, true),
    column("token_id", Kind::Text, true),
    column("amount_base", Kind::Text, false),
    column("decimals", Kind::Whole, true),
    column("kind", Kind::Text, false),
];

const fn column(name: &'static str, kind: Kind, is_optional: bool) -> Column {
    Column { name, kind, is_optional }
}

/// Some rows, column by column, every column as long as every other.
struct Group {
    columns: Vec<Values>,
    rows: usize,
}

enum Values {
    Text(Vec<Option<String>>),
    Whole(Vec<Option<i64>>),
}

/// Writes groups of rows to one file.
trait Table {
    fn write(&mut self, group: &Group) -> Result<(), StoreError>;
    fn finish(self: Box<Self>) -> Result<(), StoreError>;
}

/// Writes the transfers of a view into a folder, a file for each chain that has any.
pub fn export(
    view: &dyn View,
    format: ExportFormat,
    range: &ExportRange,
    out: &Path,
) -> Result<Vec<Exported>, StoreError> {
    make_folder(out)?;
    let held = view.coverage().map_err(StoreError::view)?.into_iter();
    let mut written = Vec::new();
    for chain in held.map(|held| held.chain).filter(|held| range.chain.is_none_or(|c| c == *held)) {
        let name = format!("transfers-{}.{}", crate::shelf::slug(chain), format.extension());
        let path = out.join(name);
        let part = path.with_extension("part");
        let transfers = export_chain(view, format, chain, range, &part)?;
        fs::rename(&part, &path).doing(|| format!("write {}", path.display()))?;
        written.push(Exported { file: path, chain, transfers });
    }
    Ok(written)
}

fn export_chain(
    view: &dyn View,
    format: ExportFormat,
    chain: Chain,
    range: &ExportRange,
    path: &Path,
) -> Result<u64, StoreError> {
    let file = create(path)?;
    let mut table: Box<dyn Table> = match format {
        ExportFormat::Parquet => Box::new(parquet::Parquet::start(file, path)?),
        ExportFormat::Arrow => Box::new(arrow::Arrow::start(file, path)?),
    };
    let mut group = Group::new();
    let mut transfers = 0;
    let mut failed = None;
    let mut metas = Metas { view, last: None };
    view.scan(chain, range.since, range.until, &mut |transfer| {
        transfers += 1;
        let pushed = metas.of(&transfer.asset).and_then(|meta| group.push(transfer, &meta));
        let written = pushed.and_then(|()| match group.rows < GROUP_ROWS {
            true => Ok(()),
            false => table.write(&std::mem::replace(&mut group, Group::new())),
        });
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })
    .map_err(StoreError::view)?;
    if let Some(error) = failed {
        return Err(error);
    }
    if group.rows > 0 {
        table.write(&group)?;
    }
    table.finish()?;
    Ok(transfers)
}

/// What is known of the asset of the last row: mostly the same as the next one's.
struct Metas<'a> {
    view: &'a dyn View,
    last: Option<AssetMeta>,
}

impl Metas<'_> {
    fn of(&mut self, asset: &Asset) -> Result<AssetMeta, StoreError> {
        if let Some(meta) = self.last.as_ref().filter(|meta| meta.asset == *asset) {
            return Ok(meta.clone());
        }
        let found = self.view.assets(std::slice::from_ref(asset)).map_err(StoreError::view)?;
        let meta = found.into_iter().next().unwrap_or_else(|| AssetMeta::unknown(asset.clone()));
        self.last = Some(meta.clone());
        Ok(meta)
    }
}

impl Group {
    fn new() -> Group {
        let columns = COLUMNS.iter().map(|column| match column.kind {
            Kind::Text => Values::Text(Vec::new()),
            Kind::Whole | Kind::Time => Values::Whole(Vec::new()),
        });
        Group { columns: columns.collect(), rows: 0 }
    }

    fn push(&mut self, transfer: &Transfer, meta: &AssetMeta) -> Result<(), StoreError> {
        let chain = transfer.tx.chain;
        let (contract, id) = match &transfer.asset.kind {
            AssetKind::Native => (None, None),
            AssetKind::Token(contract) => (Some(contract.text(chain)), None),
            AssetKind::Trc10(id) => (None, Some(id.to_string())),
            AssetKind::Nft { contract, id } => (Some(contract.text(chain)), Some(id.to_string())),
        };
        let text = |address: &Option<model::Address>| address.as_ref().map(|a| a.text(chain));
        let mut row = Row { columns: self.columns.iter_mut() };
        row.text(Some(chain.to_string()));
        row.text(Some(transfer.tx.hash_text()));
        row.text(Some(transfer.position.to_string()));
        row.whole(transfer.height.map(u64::cast_signed));
        row.whole(transfer.tx_index.map(i64::from));
        row.whole(time(transfer)?);
        row.text(Some(time_source(transfer.time_source).into()));
        row.text(text(&transfer.from));
        row.text(text(&transfer.to));
        row.text(meta.symbol.clone());
        row.text(contract);
        row.text(id);
        row.text(Some(transfer.amount.to_string()));
        row.whole(meta.decimals.map(i64::from));
        row.text(Some(kind(transfer.kind).into()));
        self.rows += 1;
        Ok(())
    }
}

/// The columns of one row that are still to be filled.
struct Row<'a> {
    columns: std::slice::IterMut<'a, Values>,
}

impl Row<'_> {
    fn text(&mut self, value: Option<String>) {
        match self.columns.next() {
            Some(Values::Text(values)) => values.push(value),
            _ => unreachable!("the columns are in the order they are filled"),
        }
    }

    fn whole(&mut self, value: Option<i64>) {
        match self.columns.next() {
            Some(Values::Whole(values)) => values.push(value),
            _ => unreachable!("the columns are in the order they are filled"),
        }
    }
}

impl ExportFormat {
    fn extension(self) -> &'static str {
        match self {
            ExportFormat::Parquet => "parquet",
            ExportFormat::Arrow => "arrow",
        }
    }
}

/// A time nobody knows is empty, not 1970.
fn time(transfer: &Transfer) -> Result<Option<i64>, StoreError> {
    if transfer.time_source == TimeSource::Unknown {
        return Ok(None);
    }
    i64::try_from(transfer.time.as_nanosecond()).map(Some).map_err(|_| {
        let doing = format!("export {}", transfer.tx);
        StoreError::value(doing, format!("{} is beyond what tables can say", transfer.time))
    })
}

fn time_source(source: TimeSource) -> &'static str {
    match source {
        TimeSource::Stated => "stated",
        TimeSource::Estimated => "estimated",
        TimeSource::Unknown => "unknown",
    }
}

fn kind(kind: TransferKind) -> &'static str {
    match kind {
        TransferKind::Value => "value",
        TransferKind::Fee => "fee",
        TransferKind::Reward => "reward",
        TransferKind::Nft => "nft",
    }
}

fn create(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).doing(|| format!("write {}", path.display()))
}
