//! The end of the demo: the desk with the case in it, in a browser.
//!
//! The case is made over the API, by a key of the demo's own, once.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{CASE, Demo};
use crate::served::Served;
use crate::{place, run};

/// Serves the desk until it is stopped, with the case open in a browser.
pub fn open(demo: &Demo, opens_browser: bool) -> Result<()> {
    println!("\n── open the desk with the case in it\n");
    // A server that runs would know of a new key only a moment later.
    let key = key_of(demo)?;
    let mut server = Served::start(demo.interdict())?;
    let origin = server.origin.clone();
    let case = case_of(demo, &origin, key.as_deref())?;
    let mut link = format!("{origin}/#/cases/{case}");
    let is_new = nobody_yet(demo)?;
    if is_new {
        link = format!("{origin}/#welcome={}&then=/cases/{case}", server.welcome()?);
    }
    println!("The case, in your browser:\n  {link}");
    match is_new {
        true => println!("The link works once: it lets you choose a name and a password."),
        false => println!("Sign in with the name and password you chose the first time."),
    }
    println!("Everything stays on this machine. Stop with ctrl-C.");
    if opens_browser && !browse(&link) {
        println!("No browser could be opened from here: open the link yourself.");
    }
    // What else it says goes to the terminal; it ends when it is stopped.
    for line in server.lines.by_ref().map_while(Result::ok) {
        println!("{line}");
    }
    let status = server.child.wait().context("the server cannot be waited for")?;
    if !status.success() {
        bail!("the server ended with {status}");
    }
    Ok(())
}

fn nobody_yet(demo: &Demo) -> Result<bool> {
    let (_, said) = run::listen(demo.interdict().args(["--quiet", "user", "list"]))?;
    Ok(!said.contains("administrator"))
}

fn kept(demo: &Demo) -> std::path::PathBuf {
    demo.home.join("demo-case")
}

/// A key that makes the case; none where the case was made before.
fn key_of(demo: &Demo) -> Result<Option<String>> {
    if kept(demo).is_file() {
        return Ok(None);
    }
    let name = format!("demo-{}", std::process::id());
    let mut add = demo.interdict();
    add.args(["--quiet", "user", "key", "add", &name, "--scope", "cases"]);
    let output = add.output().context("cannot run `interdict user key add`")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let key = said.split_whitespace().find(|word| word.starts_with("idk_")).map(String::from);
    match key {
        Some(key) => Ok(Some(key)),
        None => bail!("no key was made: {said}{}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// The number of the case, which is made where it is not there.
fn case_of(demo: &Demo, origin: &str, key: Option<&str>) -> Result<u64> {
    let Some(key) = key else {
        let number = fs::read_to_string(kept(demo)).context("cannot read the case's number")?;
        return number.trim().parse().context("the case's number is none");
    };
    let case: toml::Table = fs::read_to_string(place::root().join(CASE))?.parse()?;
    let (title, source) = (text(&case, "title"), first_source(&case));
    let made = post(
        origin,
        key,
        "/v1/cases",
        &format!(
            r#"{{"title": {}, "summary": {}, "marking": "TLP:CLEAR"}}"#,
            json(&title),
            json(text(&case, "summary").trim())
        ),
    )?;
    let number = number_of(&made).with_context(|| format!("no case was made: {made}"))?;
    let links = [
        ("account", source.clone(), "where the money was"),
        ("route", flow(&source, &title, number), "the flow of the theft"),
    ];
    for (kind, target, note) in links {
        let body =
            format!(r#"{{"kind": "{kind}", "target": {}, "note": "{note}"}}"#, json(&target));
        post(origin, key, &format!("/v1/cases/{number}/links"), &body)?;
    }
    fs::write(kept(demo), number.to_string())
        .context("cannot write down the number of the case")?;
    Ok(number)
}

fn text(table: &toml::Table, key: &str) -> String {
    table.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_string()
}

fn first_source(case: &toml::Table) -> String {
    let sources = case.get("sources").and_then(toml::Value::as_array);
    let first = sources.and_then(|all| all.first()).and_then(toml::Value::as_str);
    first.unwrap_or_default().to_string()
}

fn flow(source: &str, title: &str, case: u64) -> String {
    let title = title.replace(' ', "+").replace(',', "%2C");
    format!("#/flow?s={source}&direction=forward&policy=haircut&title={title}&case={case}")
}

fn json(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c < ' ' => quoted += &format!("\\u{:04x}", u32::from(c)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// The number behind `"id":`, which comes first.
fn number_of(answer: &str) -> Option<u64> {
    let after = answer.split_once("\"id\":")?.1.trim_start();
    after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// One request; its body, if it was taken.
fn post(origin: &str, key: &str, path: &str, body: &str) -> Result<String> {
    let host = origin.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).with_context(|| format!("cannot reach {origin}"))?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).with_context(|| format!("{path} was not answered"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split_whitespace().nth(1).is_some_and(|status| status.starts_with('2')) {
        true => Ok(body.to_string()),
        false => bail!("{path} was refused: {answer}"),
    }
}

fn browse(link: &str) -> bool {
    let (program, first): (&str, &[&str]) = match std::env::consts::OS {
        "macos" => ("open", &[]),
        "windows" => ("cmd", &["/C", "start", ""]),
        _ => ("xdg-open", &[]),
    };
    let mut command = Command::new(program);
    command.args(first).arg(link).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_json_and_a_number_is_found() {
        assert_eq!(json("a \"b\"\n\\"), r#""a \"b\"\u000a\\""#);
        assert_eq!(number_of(r#"{"id":17,"number":"2026-000017"}"#), Some(17));
        assert_eq!(number_of("{}"), None);
    }
}
