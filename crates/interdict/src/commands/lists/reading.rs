//! Files of a list, to what is in them: which tables belong together, and which form it is.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use screen::ParsedList;
use screen::lists::{self, eu, fbi, ftm, il, issuer, ofac, own, uk, un};

use super::keeping::Rules;
use crate::ahead::Ahead;
use crate::cli::ListFormat;
use crate::out::Out;

/// The files of one version of a list, the main one first.
pub struct Files {
    pub main: PathBuf,
    /// Tables that belong to it, by what they hold.
    others: Vec<(&'static str, PathBuf)>,
}

impl Files {
    /// The files that belong to this one, or the known ones of a folder.
    pub fn of(format: ListFormat, path: &Path) -> Result<Files> {
        let (mains, others): (&[&str], &[(&str, &str, &str)]) = match format {
            ListFormat::Ofac => (
                &[
                    "sdn_advanced.xml",
                    "sdn_enhanced.xml",
                    "sdn.csv",
                    "sdn.xml",
                    "cons_advanced.xml",
                    "cons_enhanced.xml",
                    "cons_prim.csv",
                    "consolidated.xml",
                ],
                &[
                    ("names", "sdn.csv", "alt.csv"),
                    ("addresses", "sdn.csv", "add.csv"),
                    ("comments", "sdn.csv", "sdn_comments.csv"),
                    ("names", "cons_prim.csv", "cons_alt.csv"),
                    ("addresses", "cons_prim.csv", "cons_add.csv"),
                    ("comments", "cons_prim.csv", "cons_comments.csv"),
                ],
            ),
            ListFormat::Il => (&["wallets.csv"], &[("orders", "wallets.csv", "releases.csv")]),
            _ => (&[], &[]),
        };
        let main = match path.is_dir() {
            false => path.to_path_buf(),
            true => {
                mains.iter().map(|name| path.join(name)).find(|path| path.is_file()).ok_or_else(
                    || {
                        anyhow!(
                            "{}: expected one of {} in this folder",
                            path.display(),
                            mains.join(", ")
                        )
                    },
                )?
            }
        };
        let name = main.file_name().map(|name| name.to_string_lossy().to_lowercase());
        let beside = |of: &str, other: &str| {
            let path = main.with_file_name(other);
            (name.as_deref() == Some(of) && path.is_file()).then_some(path)
        };
        let others = others
            .iter()
            .filter_map(|(what, of, other)| Some((*what, beside(of, other)?)))
            .collect();
        Ok(Files { main, others })
    }

    /// A table names no day it was issued on.
    pub fn is_table(&self) -> bool {
        let name = self.main.file_name().map(|name| name.to_string_lossy().to_lowercase());
        name.is_some_and(|name| name.contains(".csv"))
    }

    fn others(&self) -> impl Iterator<Item = &Path> {
        self.others.iter().map(|(_, path)| path.as_path())
    }

    /// Of all files together; of one file its own.
    pub fn hash(&self) -> Result<String> {
        let main = crate::commands::file_hash(&self.main)?;
        if self.others.is_empty() {
            return Ok(main);
        }
        let mut hash = sha2::Sha256::default();
        sha2::Digest::update(&mut hash, &main);
        for path in self.others() {
            sha2::Digest::update(&mut hash, crate::commands::file_hash(path)?);
        }
        Ok(model::hex::encode(&sha2::Digest::finalize(hash)))
    }

    fn open(&self, what: &str) -> Result<Option<Box<dyn BufRead>>> {
        let path = self.others.iter().find(|(known, _)| *known == what).map(|(_, path)| path);
        path.map(|path| open(path, lists::UNPACKED_BYTES_MAX)).transpose()
    }
}

fn open(path: &Path, bytes_max: u64) -> Result<Box<dyn BufRead>> {
    let doing = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(doing)?;
    let mut input =
        Ahead::new(move || lists::open_up_to(BufReader::with_capacity(1 << 16, file), bytes_max));
    // What cannot even be opened is said here.
    input.fill_buf().with_context(doing)?;
    Ok(Box::new(input))
}

/// What the list is called, where its format does not say.
pub fn plain_name(path: &Path, name: Option<&str>) -> Result<String> {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    name.map(str::to_string).or(stem).ok_or_else(|| anyhow!("the list has no name: give --name"))
}

/// Can a version of this list come from this format?
pub fn is_of(format: ListFormat, list: &str, path: &Path, name: Option<&str>) -> bool {
    match format {
        ListFormat::Ofac => matches!(list, ofac::LIST | ofac::CONSOLIDATED),
        ListFormat::Un => list == un::LIST,
        ListFormat::Eu => list == eu::LIST,
        ListFormat::Uk => matches!(list, uk::LIST | uk::CONLIST),
        ListFormat::Il => list == il::LIST,
        ListFormat::Issuer => list.starts_with("issuer-"),
        ListFormat::Fbi | ListFormat::Ftm | ListFormat::Csv | ListFormat::Addresses => {
            plain_name(path, name).is_ok_and(|name| name == list)
        }
    }
}

/// Everything the files hold: one version, or of issuers one for each asset.
pub fn read(
    format: ListFormat,
    files: &Files,
    rules: &Rules<'_>,
    hash: &str,
    out: &Out,
) -> Result<Vec<ParsedList>> {
    let path = &files.main;
    let bytes_max = match format {
        ListFormat::Ftm => lists::ENTITIES_BYTES_MAX,
        _ => lists::UNPACKED_BYTES_MAX,
    };
    let mut input = open(path, bytes_max)?;
    let name = || plain_name(path, rules.name);
    let is_xml = is_xml(&mut input).with_context(|| format!("cannot read {}", path.display()))?;
    let today = |what: &str| {
        rules.date.unwrap_or_else(|| {
            out.warn(&format!(
                "{what} does not say the day it was issued; today is taken, --date says better"
            ));
            model::day_of(model::Timestamp::now())
        })
    };
    let list = match format {
        ListFormat::Ofac if is_xml => ofac::read_as(named_by_file(path), input, hash)?,
        ListFormat::Ofac => {
            if looks_binary(&mut input) {
                bail!("expected OFAC's XML or CSV");
            }
            let tables = ofac::csv::Tables {
                parties: input,
                names: files.open("names")?,
                addresses: files.open("addresses")?,
                comments: files.open("comments")?,
            };
            for (what, is_there) in [
                ("aliases (alt.csv)", tables.names.is_some()),
                ("addresses of parties (add.csv)", tables.addresses.is_some()),
                ("the rest of long remarks (sdn_comments.csv)", tables.comments.is_some()),
            ] {
                if !is_there {
                    out.warn(&format!("{}: without {what} beside it", path.display()));
                }
            }
            ofac::csv::read(tables, today("OFAC's CSV"), hash)?.with_name(named_by_file(path))
        }
        ListFormat::Un => un::read(input, hash)?,
        ListFormat::Eu => eu::read(input, hash)?,
        ListFormat::Uk if is_xml => uk::read(input, rules.date, hash)?,
        ListFormat::Uk => uk::conlist::read(input, rules.date, hash)?,
        ListFormat::Il => {
            let orders = files.open("orders")?;
            if orders.is_none() {
                out.warn("without releases.csv beside it nobody can say when orders run out");
            }
            il::read(input, orders, today("the table of wallets"), hash)?
        }
        ListFormat::Fbi => fbi::read(input, &name()?, rules.date, hash)?,
        ListFormat::Issuer => {
            let freezes = issuer::read(input)?;
            return Ok(issuer::lists(&freezes, rules.date, hash));
        }
        ListFormat::Ftm => ftm::read(input, &name()?, rules.date, hash)?,
        ListFormat::Csv => own::read(input, &name()?, today("a table of one's own"), hash)?,
        ListFormat::Addresses => {
            lists::addresses::read(input, &name()?, today("a plain list"), hash)?
        }
    };
    Ok(vec![list])
}

/// In plain XML and CSV the consolidated list looks like the other one: its files' names tell. The other
/// forms say which list they are, whatever their file is called.
fn named_by_file(path: &Path) -> &'static str {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
    let is_named = |name: &String| name.starts_with("cons_") || name.starts_with("consolidated");
    if name.as_ref().is_some_and(is_named) { ofac::CONSOLIDATED } else { ofac::LIST }
}

fn is_xml(input: &mut impl BufRead) -> std::io::Result<bool> {
    let head = input.fill_buf()?;
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    Ok(head.trim_ascii_start().first() == Some(&b'<'))
}

/// A table of OFAC's begins with a number.
fn looks_binary(input: &mut impl BufRead) -> bool {
    let head = input.fill_buf().unwrap_or_default();
    !head.trim_ascii_start().first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'"')
}
