//! `[lists.<name>]` of `interdict.toml`: where lists are fetched from. None is, until it is set up.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chain::download::Redirects;
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
    /// Of OFAC: where its publications are asked for, on the same host; `off` asks for none.
    changes: Option<String>,
    /// The hosts that redirects may lead to, beside that of the address.
    redirects: Option<Vec<String>>,
}

/// OFAC's Sanctions List Service, which says what it published.
const SERVICE: &str = "https://sanctionslistservice.ofac.treas.gov";
/// Where it keeps its files.
const STORAGE: &str = "wc2h-sls-prod-public-published.s3.us-gov-west-1.amazonaws.com";

/// One list that is kept up to date.
#[derive(Debug)]
pub struct Source {
    /// As the configuration calls it.
    pub name: String,
    pub format: ListFormat,
    pub place: Place,
    pub list: Option<String>,
    pub max_shrink: u8,
    pub redirects: Redirects,
    pub changes: Option<Changes>,
}

/// A service that says what was published.
#[derive(Debug)]
pub struct Changes {
    /// Without a slash at its end.
    pub url: String,
    /// Where its files may lie.
    pub redirects: Redirects,
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
    let changes = changes_of(&file, &place)?;
    let redirects = file.redirects.map_or(Redirects::Anywhere, Redirects::Hosts);
    Ok(Source {
        name: name.to_string(),
        format: file.format,
        place,
        list: file.name,
        max_shrink,
        redirects,
        changes,
    })
}

/// Only the host that a list is fetched from is asked what it published.
fn changes_of(file: &SourceFile, place: &Place) -> Result<Option<Changes>> {
    let of_list = match place {
        Place::Url(url) if file.format == ListFormat::Ofac => {
            chain::source::shown_url(url.reveal())
        }
        _ => match &file.changes {
            Some(_) => bail!("changes: only OFAC's lists that are fetched by url have it"),
            None => return Ok(None),
        },
    };
    let is_service = of_list == SERVICE;
    let url = match file.changes.as_deref() {
        Some("off") => return Ok(None),
        Some(url) => url.trim_end_matches('/').to_string(),
        None if is_service => format!("{SERVICE}/changes"),
        None => return Ok(None),
    };
    if chain::source::shown_url(&url) != of_list || url.contains(['?', '#', '@']) {
        bail!("changes: expected an address at {of_list}, where the list is, without a query");
    }
    let known = if is_service { vec![STORAGE.to_string()] } else { Vec::new() };
    let redirects = Redirects::Hosts(file.redirects.clone().unwrap_or(known));
    Ok(Some(Changes { url, redirects }))
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
    fn publications_are_asked_of_the_host_of_the_list_only() {
        let changes = |more: &str| {
            let text = format!("format = \"ofac\"\n{more}");
            parse(&text)
                .map(|source| source.changes.map(|changes| (changes.url, changes.redirects)))
        };
        let at = |url: &str| format!("url = \"{url}/api/download/SDN_ADVANCED.ZIP\"\n");
        let (url, redirects) = changes(&at(SERVICE)).expect("a list").expect("it is known");
        assert_eq!(url, "https://sanctionslistservice.ofac.treas.gov/changes");
        assert_eq!(redirects, Redirects::Hosts(vec![STORAGE.to_string()]));
        let named = format!("{}redirects = [\"a.example\"]", at(SERVICE));
        let (_, redirects) = changes(&named).expect("a list").expect("it is known");
        assert_eq!(redirects, Redirects::Hosts(vec!["a.example".to_string()]));
        assert_eq!(changes(&format!("{}changes = \"off\"", at(SERVICE))).expect("a list"), None);
        let mirror = at("https://mirror.example");
        assert_eq!(changes(&mirror).expect("a list"), None, "a mirror says nothing of the kind");
        let named = format!("{mirror}changes = \"https://mirror.example/changes/\"");
        let (url, redirects) = changes(&named).expect("a list").expect("it is named");
        assert_eq!(url, "https://mirror.example/changes");
        assert_eq!(redirects, Redirects::Hosts(Vec::new()));
        for wrong in [
            format!("{mirror}changes = \"https://other.example/changes\""),
            format!("{mirror}changes = \"http://mirror.example/changes\""),
            format!("{mirror}changes = \"https://me@mirror.example/changes\""),
            format!("{mirror}changes = \"https://mirror.example/changes?key=1\""),
            "path = \"sdn.xml\"\nchanges = \"https://mirror.example\"".to_string(),
        ] {
            let error = format!("{:#}", changes(&wrong).expect_err("is refused"));
            assert!(error.contains("changes: "), "{error}");
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
