//! The whole API, tried by Schemathesis as an administrator.
//!
//! A server of a small home is started on a port of its own; Schemathesis reads its OpenAPI document and
//! sends what it allows, and what it does not. An answer of 500 or above fails, and so does one that the
//! document does not have. What fails is printed with the `curl` that does it again.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::served::Served;
use crate::{place, run};

const SECONDS: &str = "120";
const SEED: &str = "20260305";

/// Left out, each for its reason.
const LEFT_OUT: [(&str, &str); 6] = [
    ("delete-v1-session", "ends the session that everything is tried with"),
    ("post-v1-session-password", "ends it too"),
    ("post-v1-users-user-reset", "ends it too, when it meets number 1"),
    ("post-v1-welcome", "makes a second administrator, beside whom the first can be locked"),
    ("get-v1-events", "never ends; its own tests listen"),
    ("get-metrics", "is no JSON, and grows with each route"),
];

/// What holds of every answer. Whether a bad request is refused as it should is for our own tests.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

pub fn try_all(python: &Path) -> Result<()> {
    let binary = binary()?;
    let folder = place::target().join("tmp/schemathesis");
    // What an earlier run left would be tried again.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", place::shown(&folder)))?;
    let interdict = Interdict { binary, home: folder.join("home") };
    interdict.fill()?;
    let server = Server::start(&interdict, &folder.join("server.log"))?;
    let session = server.sign_in()?;
    for (operation, why) in LEFT_OUT {
        println!("left out: {operation} {why}");
    }
    let mut schemathesis = run::program(python);
    schemathesis.args(["-m", "schemathesis.cli", "run"]);
    schemathesis.arg(format!("http://{}/openapi.json", server.address));
    schemathesis.args(["--seed", SEED, "--max-time", SECONDS, "--checks", CHECKS]);
    schemathesis.args(["--workers", "1", "--request-timeout", "30", "--max-failures", "20"]);
    schemathesis.args(["--generation-database", "none", "--suppress-health-check", "all"]);
    schemathesis.args(["--continue-on-failure", "--warnings", "off", "--no-color"]);
    schemathesis.args(["--report", "ndjson", "--report-dir"]).arg(folder.join("report"));
    for (name, value) in &session {
        schemathesis.arg("--header").arg(format!("{name}: {value}"));
    }
    for (operation, _) in LEFT_OUT {
        schemathesis.args(["--exclude-operation-id", operation]);
    }
    let tried = run::pass_through(&mut schemathesis);
    server.is_still_there(&session)?;
    tried.with_context(|| {
        format!("the server's own words are in {}", place::shown(&folder.join("server.log")))
    })
}

/// One that is named need not be built. Else the one that end-to-end tests run: built as they are, so
/// that nothing is built twice.
fn binary() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("INTERDICT_BINARY") {
        return Ok(named.into());
    }
    let mut build = run::cargo();
    build.args(["test", "--locked", "--workspace", "--test", "webhooks", "--no-run"]);
    run::pass_through(&mut build)?;
    Ok(place::target().join("debug").join(format!("interdict{}", std::env::consts::EXE_SUFFIX)))
}

struct Interdict {
    binary: PathBuf,
    home: PathBuf,
}

impl Interdict {
    fn command(&self) -> Command {
        let mut command = run::program(&self.binary);
        command.arg("--home").arg(&self.home);
        command
    }

    /// The case that comes with the project, with its lists, labels and transfers: there is something to
    /// find.
    fn fill(&self) -> Result<()> {
        let mut trace = self.command();
        let (is_done, said) =
            run::listen(trace.args(["trace", "--case", "cases/bybit-2025.toml"]))?;
        if !is_done {
            bail!("a home for the server cannot be filled:\n{said}");
        }
        Ok(())
    }
}

struct Server {
    _served: Served,
    address: String,
    link: String,
}

impl Server {
    fn start(interdict: &Interdict, log: &Path) -> Result<Server> {
        let log = std::fs::File::create(log)
            .with_context(|| format!("cannot write {}", place::shown(log)))?;
        let mut serve = interdict.command();
        serve.stderr(log);
        // As fast as it can be asked, and nothing is to leave this machine.
        serve.env("INTERDICT_ADDRESS_PER_S", "0").env("INTERDICT_KEY_PER_S", "0");
        let mut served = Served::start(serve)?;
        let address = served.origin.trim_start_matches("http://").to_string();
        let link = served.welcome()?;
        Ok(Server { _served: served, address, link })
    }

    /// The headers of a session of the first administrator.
    fn sign_in(&self) -> Result<Vec<(&'static str, String)>> {
        let body = format!(
            "{{\"secret\":\"{}\",\"name\":\"ada\",\"password\":\"a sentence of some length\"}}",
            self.link
        );
        let answer = self.ask("POST /v1/welcome", &[], &body)?;
        let between = |from: &str, to: char| {
            let (_, rest) = answer.split_once(from)?;
            Some(rest.split(to).next().unwrap_or_default().to_string())
        };
        let cookie = between("interdict=", ';').context("no cookie came")?;
        let csrf = between("\"csrf\":\"", '"').context("no token came")?;
        Ok(vec![("Cookie", format!("interdict={cookie}")), ("X-CSRF-Token", csrf)])
    }

    /// A run that was signed out half way has tried nothing since.
    fn is_still_there(&self, session: &[(&'static str, String)]) -> Result<()> {
        let answer = self.ask("GET /v1/session", session, "")?;
        if !answer.starts_with("HTTP/1.1 200") {
            let status = answer.lines().next().unwrap_or_default();
            bail!("after the run the session is gone ({status}): it tried less than it says");
        }
        Ok(())
    }

    fn ask(&self, line: &str, headers: &[(&'static str, String)], body: &str) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address)
            .with_context(|| format!("{} does not answer", self.address))?;
        let mut head = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let length = body.len();
        write!(
            stream,
            "{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}
