//! `[lists.<name>]` of `interdict.toml`: where lists are fetched from. None is, until it is set up.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::keeping::SHRINK_MAX;
use crate::cli::ListFormat;
use crate::config::Secret;
use crate::home::Home;
use crate::providers;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceFile {
    /// As `interdict lists import` calls it: ofac, un, eu, uk, il, fbi, issuer, ftm, csv, addresses.
    format: ListFormat,
    /// Where it is. Without a key.
    url: Option<String>,
    /// A file that holds the address, where a key stands in it, as the European Union's does.
    url_file: Option<PathBuf>,
    /// A variable of the environment that holds the address.
    url_env: Option<String>,
    /// A file that something else keeps up to date.
    path: Option<PathBuf>,
    /// What the list is called, where its format does not say.
    name: Option<String>,
    /// The most it may lose, in percent. 10.
    max_shrink: Option<u8>,
}

/// One list that is kept up to date.
#[derive(Debug)]
pub struct Source {
    /// As the configuration calls it.
    pub name: String,
    pub format: ListFormat,
    pub place: Place,
    pub list: Option<String>,
    pub max_shrink: u8,
}

#[derive(Debug)]
pub enum Place {
    Url(Secret),
    Path(PathBuf),
}

/// Those of the configuration, by name.
pub fn read(home: &Home) -> Result<Vec<Source>> {
    providers::each(home.path(), "lists", |name, value, folder| of_table(&name, value, folder))
}

fn of_table(name: &str, value: toml::Value, folder: &Path) -> Result<Source> {
    let file: SourceFile = value.try_into()?;
    let place = match (&file.url, &file.url_file, &file.url_env, &file.path) {
        (Some(url), None, None, None) => Place::Url(without_secret(url)?),
        (None, Some(path), None, None) => {
            let path = folder.join(path);
            let url = Secret::url_from_file(&path);
            Place::Url(url.with_context(|| format!("url_file: cannot read {}", path.display()))?)
        }
        (None, None, Some(variable), None) => {
            let text = std::env::var(variable).unwrap_or_default();
            if text.is_empty() {
                bail!("{variable} is not set in the environment");
            }
            Place::Url(Secret::url(&text))
        }
        (None, None, None, Some(path)) => Place::Path(folder.join(path)),
        _ => bail!("expected exactly one of url, url_file, url_env and path"),
    };
    let max_shrink = file.max_shrink.unwrap_or(SHRINK_MAX);
    if max_shrink > 100 {
        bail!("max_shrink: expected at most 100, in percent");
    }
    Ok(Source { name: name.to_string(), format: file.format, place, list: file.name, max_shrink })
}

/// A password or a key does not belong into the file. A query may be a key, so it goes elsewhere too.
fn without_secret(url: &str) -> Result<Secret> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') || ["token=", "key=", "secret="].iter().any(|word| rest.contains(word)) {
        bail!(
            "the address of {} holds a password or a key: put it into a file and name that with url_file, or into the environment with url_env",
            chain::source::shown_url(url)
        );
    }
    Ok(Secret::url(url))
}

impl Source {
    /// Where it comes from, as it may be shown: what is known of a copy is kept under it.
    pub fn shown(&self) -> String {
        match &self.place {
            Place::Url(url) => format!("{} at {url}", self.name),
            Place::Path(path) => format!("{} at {}", self.name, path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Source> {
        of_table("x", toml::Value::Table(toml::from_str(text)?), Path::new("/folder"))
    }

    #[test]
    fn a_list_has_one_place() {
        let source =
            parse("format = \"un\"\nurl = \"https://example.org/un.xml\"").expect("a list");
        assert!(matches!(source.place, Place::Url(_)));
        assert_eq!((source.shown().as_str(), source.max_shrink), ("x at https://example.org", 10));
        let source = parse("format = \"csv\"\npath = \"own.csv\"\nname = \"own\"").expect("a list");
        assert!(matches!(source.place, Place::Path(path) if path == Path::new("/folder/own.csv")));
        for (text, said) in [
            ("format = \"un\"", "exactly one of url"),
            ("format = \"un\"\nurl = \"https://a\"\npath = \"b\"", "exactly one of url"),
            ("format = \"interpol\"\npath = \"b\"", "interpol"),
            ("format = \"un\"\npath = \"b\"\nmax_shrink = 101", "at most 100"),
            ("format = \"un\"\npath = \"b\"\nuri = \"c\"", "uri"),
        ] {
            let error = format!("{:#}", parse(text).expect_err("is refused"));
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_key_in_the_file_is_refused_and_not_shown() {
        for url in ["https://me:sesame@host/x", "https://host/x?token=sesame"] {
            let text = format!("format = \"eu\"\nurl = \"{url}\"");
            let error = format!("{:#}", parse(&text).expect_err("is refused"));
            assert!(error.contains("url_file") && !error.contains("sesame"), "{error}");
        }
    }
}
