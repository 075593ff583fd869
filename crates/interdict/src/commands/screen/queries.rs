//! What is asked: on the command line, a line each in a file, or a row each of a table.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use screen::names::{Birth, NameQuery};

use crate::cli::{ScreenArgs, ScreenKind};
use crate::out::Out;

const LINE_BYTES_MAX: u64 = 4096;
/// A notice is read whole; a longer one is no notice.
const TEXT_BYTES_MAX: u64 = 64 << 20;

/// One question.
#[derive(Clone, Debug)]
pub struct Ask {
    pub text: String,
    pub kind: ScreenKind,
    pub births: Vec<Birth>,
    pub countries: Vec<String>,
    pub documents: Vec<String>,
    /// Whose name it is: decisions are kept under it.
    pub customer: Option<String>,
}

impl Ask {
    /// With nothing said beside it.
    pub fn new(text: impl Into<String>, kind: ScreenKind) -> Ask {
        Ask {
            text: text.into(),
            kind,
            births: Vec::new(),
            countries: Vec::new(),
            documents: Vec::new(),
            customer: None,
        }
    }

    pub fn name_query(&self) -> NameQuery {
        let mut query = NameQuery::new(&self.text);
        for birth in &self.births {
            query = query.with_birth(birth.clone());
        }
        for country in &self.countries {
            query = query.with_country(country);
        }
        for document in &self.documents {
            query = query.with_document(document);
        }
        query
    }

    /// Under what decisions about it are kept.
    pub fn subject(&self) -> String {
        self.customer.clone().unwrap_or_else(|| self.text.trim().to_string())
    }
}

/// All questions, in order, read as they are answered.
pub struct Asks<'a>(Box<dyn Iterator<Item = Result<Ask>> + 'a>);

impl Iterator for Asks<'_> {
    type Item = Result<Ask>;

    fn next(&mut self) -> Option<Result<Ask>> {
        self.0.next()
    }
}

impl Asks<'_> {
    /// A file is gone through once before anything is answered: one that cannot be read to its end
    /// gives no half answer. Standard input is read once, so an error there ends a begun answer.
    pub fn open(args: &ScreenArgs, out: &Out) -> Result<Asks<'static>> {
        let model = Ask {
            text: String::new(),
            kind: args.kind,
            births: args.births.iter().map(|text| birth(text)).collect::<Result<_>>()?,
            countries: args.countries.iter().map(|text| country(text)).collect::<Result<_>>()?,
            documents: args.documents.clone(),
            customer: args.customer.clone(),
        };
        let Some(path) = &args.file else {
            let mut texts = args.queries.clone();
            if texts.is_empty() {
                texts.push(String::new());
            }
            return Ok(Asks(Box::new(
                texts.into_iter().map(move |text| Ok(Ask { text, ..model.clone() })),
            )));
        };
        if args.extract {
            return extracted(path, &model);
        }
        if path.as_os_str() == "-" {
            return from(BufReader::new(io::stdin()), path, args.csv, model);
        }
        let open = || -> Result<BufReader<File>> {
            let file =
                File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            Ok(BufReader::new(file))
        };
        let is_table = args.csv || (has_csv_name(path) && is_table(open()?, path, out)?);
        for ask in from(open()?, path, is_table, model.clone())? {
            ask?;
        }
        from(open()?, path, is_table, model)
    }
}

/// Every address of a text, in order, each once.
fn extracted(path: &Path, model: &Ask) -> Result<Asks<'static>> {
    let doing = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let input: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path).with_context(doing)?),
    };
    input.take(TEXT_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(doing)?;
    if bytes.len() as u64 > TEXT_BYTES_MAX {
        bail!("{}: longer than 64 MiB: expected a text such as a notice", path.display());
    }
    // What is no text around an address does not hide it.
    let text = String::from_utf8_lossy(&bytes);
    let found = screen::extract::addresses(&text).into_iter();
    let ask = |found: screen::extract::Found| Ask {
        text: found.written,
        kind: ScreenKind::Address,
        ..model.clone()
    };
    let asks: Vec<Result<Ask>> = found.map(|found| Ok(ask(found))).collect();
    Ok(Asks(Box::new(asks.into_iter())))
}

fn from(
    input: impl BufRead + 'static,
    path: &Path,
    is_table: bool,
    model: Ask,
) -> Result<Asks<'static>> {
    if is_table {
        return rows(input, path, model);
    }
    let lines = Lines { input, path: path.to_path_buf(), number: 0 };
    let ask = move |line: Result<String>| line.map(|text| Ask { text, ..model.clone() });
    Ok(Asks(Box::new(lines.map(ask))))
}

/// One query a line; blank lines do not count.
struct Lines<R> {
    input: R,
    path: PathBuf,
    number: u64,
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Result<String>> {
        loop {
            self.number += 1;
            let mut line = String::new();
            let read = self.input.by_ref().take(LINE_BYTES_MAX + 1).read_line(&mut line);
            match read {
                Err(error) => return Some(Err(unread(error, &self.path, self.number))),
                Ok(0) => return None,
                Ok(_) if line.len() as u64 > LINE_BYTES_MAX => {
                    return Some(Err(too_long(&self.path, self.number)));
                }
                Ok(_) => {}
            }
            let query = line.trim_start_matches('\u{feff}').trim();
            if !query.is_empty() {
                return Some(Ok(query.to_string()));
            }
        }
    }
}

const COLUMNS: &str = "query (or name, address), kind, birth, country, document, customer";

fn has_csv_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

/// A file called `.csv` may still hold a query a line, as lists of addresses do.
fn is_table(mut input: impl BufRead, path: &Path, out: &Out) -> Result<bool> {
    let mut head = String::new();
    let read = input.by_ref().take(LINE_BYTES_MAX).read_line(&mut head);
    if read.is_err() {
        return Ok(false);
    }
    let heads: Vec<String> = head.split(',').map(column).collect();
    let is_table = heads.iter().any(|head| is_query(head));
    if !is_table && heads.len() > 1 {
        let file = path.display();
        out.note(&format!("{file}: no column query, name or address: read as one query a line"));
    }
    Ok(is_table)
}

fn is_query(column: &str) -> bool {
    matches!(column, "query" | "name" | "full_name" | "address")
}

fn column(head: &str) -> String {
    head.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\u{feff}').to_lowercase()
}

fn rows(input: impl BufRead + 'static, path: &Path, model: Ask) -> Result<Asks<'static>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
    let path = path.to_path_buf();
    let heads: Vec<String> =
        reader.headers().map_err(|error| unread_row(&error, &path))?.iter().map(column).collect();
    if !heads.iter().any(|head| is_query(head)) {
        bail!("{}: line 1: expected columns {COLUMNS}", path.display());
    }
    let ask = move |row: csv::Result<csv::StringRecord>| {
        let row = row.map_err(|error| unread_row(&error, &path))?;
        let line = row.position().map_or(0, csv::Position::line);
        if row.as_slice().len() as u64 > LINE_BYTES_MAX {
            return Err(too_long(&path, line));
        }
        row_ask(&heads, &row, &model).with_context(|| format!("{}: line {line}", path.display()))
    };
    let is_asked = |ask: &Result<Ask>| {
        ask.as_ref().map_or(true, |ask| !ask.text.is_empty() || !ask.documents.is_empty())
    };
    Ok(Asks(Box::new(reader.into_records().map(ask).filter(is_asked))))
}

/// Columns of other names are passed over: a table of customers has many.
fn row_ask(heads: &[String], row: &csv::StringRecord, model: &Ask) -> Result<Ask> {
    let mut ask = model.clone();
    for (head, field) in heads.iter().zip(row).filter(|(_, field)| !field.is_empty()) {
        match head.as_str() {
            column if is_query(column) => {
                ask.text = field.to_string();
                if column != "query" && model.kind == ScreenKind::Auto {
                    let is_address = column == "address";
                    ask.kind = if is_address { ScreenKind::Address } else { ScreenKind::Name };
                }
            }
            "kind" => {
                ask.kind =
                    <ScreenKind as clap::ValueEnum>::from_str(field, true).map_err(|_| {
                        anyhow!("kind: expected address, name, tx, token or auto, found {field:?}")
                    })?;
            }
            "birth" | "birth_date" | "date_of_birth" => ask.births.push(birth(field)?),
            "country" => ask.countries.push(country(field)?),
            "document" => ask.documents.push(field.to_string()),
            "customer" => ask.customer = Some(field.to_string()),
            _ => {}
        }
    }
    Ok(ask)
}

pub fn birth(text: &str) -> Result<Birth> {
    Birth::parse(text)
        .ok_or_else(|| anyhow!("birth: expected 1965, 1965-03 or 1965-03-12, found {text:?}"))
}

/// A code in two letters; a name is left as it is, and compared with what lists write.
pub fn country(text: &str) -> Result<String> {
    let text = text.trim();
    let is_word = text.chars().all(|c| !c.is_control() && !c.is_ascii_digit());
    if text.chars().count() < 2 || !is_word {
        bail!("country: expected two letters such as KP, or a name, found {text:?}");
    }
    let code = screen::lists::countries::code(text);
    Ok(code.map_or_else(|| text.to_string(), str::to_string))
}

fn too_long(path: &Path, number: u64) -> anyhow::Error {
    anyhow!("{}: line {number}: expected at most {LINE_BYTES_MAX} bytes", path.display())
}

fn unread(error: io::Error, path: &Path, number: u64) -> anyhow::Error {
    if error.kind() == io::ErrorKind::InvalidData {
        return anyhow!("{}: line {number}: expected UTF-8 text", path.display());
    }
    anyhow::Error::new(error).context(format!("cannot read {}", path.display()))
}

fn unread_row(error: &csv::Error, path: &Path) -> anyhow::Error {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => {
            anyhow!("{}: line {line}: expected UTF-8 text", path.display())
        }
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            anyhow!("{}: line {line}: expected {expected_len} fields, found {len}", path.display())
        }
        _ => anyhow!("{}: line {line}: {error}", path.display()),
    }
}
