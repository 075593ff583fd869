//! `interdict store`: the home itself, whole or damaged, small or large, here or elsewhere.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chain::import::Format;
use model::Chain;
use store::{Checked, DamagedSegment, ExportRange, FileRow};

use crate::cli::{
    ExportFormat, StatusArgs, StoreArgs, StoreBackupArgs, StoreCheckArgs, StoreCommand,
    StoreExportArgs, StoreRestoreArgs, TextFormat,
};
use crate::commands::import;
use crate::home::{self, Home};
use crate::out::Out;

pub fn run(home: &Home, args: StoreArgs, out: &Out) -> Result<ExitCode> {
    match args.command {
        StoreCommand::Check(args) => check(home, &args, out),
        StoreCommand::Stats(args) => stats(home, &args, out),
        StoreCommand::Compact => compact(home, out),
        StoreCommand::Export(args) => export(home, &args, out),
        StoreCommand::Backup(args) => backup(home, &args, out),
        StoreCommand::Restore(args) => restore(home, &args, out),
    }
}

fn check(home: &Home, args: &StoreCheckArgs, out: &Out) -> Result<ExitCode> {
    let checked = look(home, out)?;
    if checked.is_whole() {
        out.print(&format!("{}\n", whole(&checked)))?;
        return Ok(ExitCode::SUCCESS);
    }
    for damage in &checked.damages {
        out.print(&format!("damaged: {}\n", damage.what))?;
        if let Some(segment) = &damage.segment {
            out.print(&held(segment))?;
        }
    }
    for file in &checked.lost {
        out.print(&format!("lost in part: {}: import it again\n", file.name))?;
    }
    if !args.repair {
        bail!(
            "{} is not whole: `interdict store check --repair` imports again what is damaged, \
             `interdict store restore` puts a backup in its place",
            home.path().display()
        );
    }
    repair(home, &checked, out)
}

fn look(home: &Home, out: &Out) -> Result<Checked> {
    let spinner = out.spinner("checking");
    let checked = store::check(home.path(), &mut |row| {
        spinner.set_message(format!("checking {}", row.file.as_deref().unwrap_or_default()));
    });
    spinner.finish_and_clear();
    Ok(checked?)
}

fn whole(checked: &Checked) -> String {
    let Checked { segments, transfers, bytes, .. } = checked;
    let segments = of_segments(*segments);
    format!("whole: {segments}, {transfers} transfers, {bytes} bytes of segments read")
}

fn of_segments(number: u64) -> String {
    super::import::count(number, "segment", "segments")
}

fn held(segment: &DamagedSegment) -> String {
    let mut text = format!("  held {segment}, of\n");
    for file in &segment.files {
        if file.is_followed() {
            text += &format!("    {}: a repair has them fetched again\n", file.name);
            continue;
        }
        text += &format!("    {} (sha256 {}, as {})\n", file.name, file.sha256, file.purpose);
    }
    text
}

/// Drops what is damaged and imports its files again: all of it, or nothing is touched.
fn repair(home: &Home, checked: &Checked, out: &Out) -> Result<ExitCode> {
    if let Some(damage) = checked.damages.iter().find(|damage| damage.segment.is_none()) {
        bail!(
            "the catalog itself is damaged ({}): put a backup back, or import into a new home",
            damage.what
        );
    }
    let segments: Vec<&DamagedSegment> =
        checked.damages.iter().filter_map(|damage| damage.segment.as_ref()).collect();
    let of_segments = segments.iter().flat_map(|segment| &segment.files);
    let mut files: Vec<&FileRow> = of_segments.chain(&checked.lost).collect();
    files.sort_by_key(|file| (&file.purpose, &file.sha256));
    files.dedup();
    let is_followed = files.iter().any(|file| file.is_followed());
    files.retain(|file| !file.is_followed());
    let missing: Vec<String> =
        files.iter().filter_map(|file| why_missing(file)).map(|why| format!("\n  {why}")).collect();
    if !missing.is_empty() {
        bail!(
            "nothing was changed, since these files are needed and not there as they were:{}",
            missing.concat()
        );
    }
    let rows: Vec<_> = segments.iter().map(|segment| segment.row.clone()).collect();
    store::drop_damaged(home.path(), &rows)?;
    import_again(home, &files, out)?;
    let checked = look(home, out)?;
    if !checked.is_whole() {
        bail!("{} is still not whole", home.path().display());
    }
    out.print(&format!("repaired: {} files imported again\n{}\n", files.len(), whole(&checked)))?;
    if is_followed {
        out.print("followed blocks were lost: `interdict follow` fetches them again\n")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn why_missing(file: &FileRow) -> Option<String> {
    let path = Path::new(&file.name);
    if !path.is_file() {
        return Some(format!("{}: not there", file.name));
    }
    match super::file_hash(path) {
        Ok(hash) if hash == file.sha256 => None,
        Ok(hash) => Some(format!("{}: has sha256 {hash}, had {}", file.name, file.sha256)),
        Err(error) => Some(format!("{error:#}")),
    }
}

/// Files of one kind are planned together, as they were: one may tell of another.
fn import_again(home: &Home, files: &[&FileRow], out: &Out) -> Result<()> {
    let mut store = home.open()?;
    let mut purposes: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        purposes.entry(&file.purpose).or_default().push(PathBuf::from(&file.name));
    }
    for (purpose, paths) in purposes {
        let (format, chain) = read_as(purpose)?;
        import::import_all(&mut store, format, &paths, chain, out)?;
    }
    Ok(())
}

/// What a file was read as: the other way round than an import notes it.
fn read_as(purpose: &str) -> Result<(Format, Option<Chain>)> {
    let (format, chain) = match purpose.split_once(' ') {
        Some((format, chain)) => (format, Some(chain)),
        None => (purpose, None),
    };
    let format = format.parse().with_context(|| format!("{purpose:?} is no format"))?;
    let chain = chain.map(str::parse).transpose();
    Ok((format, chain.with_context(|| format!("{purpose:?} names no chain"))?))
}

fn stats(home: &Home, args: &StatusArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let stats = store.stats()?;
    let layout = store.layout();
    let segments: u64 = layout.iter().map(|chain| chain.segments).sum();
    let per_transfer = |bytes: u64, transfers: u64| match transfers {
        0 => None,
        // For reading only: a ratio of two counts.
        _ => Some((bytes as f64 / transfers as f64 * 10.0).round() / 10.0),
    };
    let each = per_transfer(stats.bytes_on_disk, stats.transfers);
    if args.format == TextFormat::Json {
        out.json(&serde_json::json!({
            "transfers": stats.transfers,
            "addresses": stats.addresses,
            "segments": segments,
            "bytes_on_disk": stats.bytes_on_disk,
            "bytes_per_transfer": each,
            "blocks": stats.blocks,
            "files": stats.files,
            "chains": layout,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let each = each.map_or_else(String::new, |each| format!(", {each} a transfer"));
    out.print(&format!(
        "{} transfers, {} addresses, {}, {} bytes{each}\n",
        stats.transfers,
        stats.addresses,
        of_segments(segments),
        stats.bytes_on_disk
    ))?;
    for chain in layout {
        out.print(&format!(
            "{}: {} transfers in {}, {} bytes, {} transfers masked\n",
            chain.chain.name(),
            chain.transfers,
            of_segments(chain.segments),
            chain.bytes,
            chain.masked
        ))?;
        for (section, bytes) in chain.sections {
            out.print(&format!("  {section:<20} {bytes:>14}\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn compact(home: &Home, out: &Out) -> Result<ExitCode> {
    let mut store = home.open_existing()?;
    let spinner = out.spinner("compacting");
    let done = store.compact();
    spinner.finish_and_clear();
    let done = done?;
    out.print(&format!(
        "{} before, {} now; {} bytes before, {} now\n",
        of_segments(done.segments_before),
        done.segments_after,
        done.bytes_before,
        done.bytes_after
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn export(home: &Home, args: &StoreExportArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let format = match args.format {
        ExportFormat::Parquet => store::ExportFormat::Parquet,
        ExportFormat::Arrow => store::ExportFormat::Arrow,
    };
    let range = ExportRange { chain: args.chain, since: args.since, until: args.until };
    let spinner = out.spinner(format!("exporting to {}", args.out.display()));
    let written = store::export(&store.snapshot(), format, &range, &args.out);
    spinner.finish_and_clear();
    let written = written?;
    if written.is_empty() {
        out.warn("nothing is held of what was asked for: no file was written");
    }
    for file in written {
        out.print(&format!("{}: {} transfers\n", file.file.display(), file.transfers))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn backup(home: &Home, args: &StoreBackupArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let spinner = out.spinner(format!("copying to {}", args.out.display()));
    let copied = store.backup(&args.out, &[home::KEYS]);
    spinner.finish_and_clear();
    let copied = copied?;
    out.print(&format!(
        "{}: {}, {} bytes, with the keys that sign evidence\n",
        args.out.display(),
        of_segments(copied.segments),
        copied.bytes
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn restore(home: &Home, args: &StoreRestoreArgs, out: &Out) -> Result<ExitCode> {
    let spinner = out.spinner(format!("restoring {}", args.from.display()));
    let restored = store::restore(&args.from, home.path());
    spinner.finish_and_clear();
    out.print(&format!("{}: {}\n", home.path().display(), whole(&restored?)))?;
    Ok(ExitCode::SUCCESS)
}
