//! What the guides promise to an integrator, run against a real server: the example exchange, and every
//! snippet of a guide that is marked `run`.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::server::Server;
use common::{Home, csv, evm, hash, root};
use serde_json::json;

/// `c0`, which is listed, pays `d0`, and `e0` pays `d1`; so is the address that the guides screen.
fn home() -> Home {
    let home = Home::new();
    let rows = [
        format!("{},{},{},2025-01-01T00:00:00Z,5", evm(0xc0), evm(0xd0), hash(1)),
        format!("{},{},{},2025-01-02T00:00:00Z,4", evm(0xe0), evm(0xd1), hash(2)),
    ];
    let table = home.write("moved.csv", csv(&[&rows[0], &rows[1]]));
    home.ok(&["import", "transfers-csv", &table, "--chain", "eip155:1"]);
    let listed = format!("{}\n0x098b716b8aaf21512996dc57eb0615e2383e2f96\n", evm(0xc0));
    let notice = home.write("notice.txt", listed);
    home.ok(&["lists", "import", "addresses", &notice, "--name", "FBI", "--date", "2025-02-26"]);
    home
}

/// Runs a program that asks the server; what it printed.
#[track_caller]
fn run(program: &str, args: &[&str], server: &Server, what: &str) -> (String, String) {
    let mut command = Command::new(program);
    command.args(args).env("INTERDICT_KEY", &server.key).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("INTERDICT_URL", format!("http://{}", server.address));
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, failed) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{what}: {said}\n{failed}");
    (said, failed)
}

#[test]
fn the_example_exchange_has_its_day() {
    let home = home();
    // It listens on this machine.
    home.write("interdict.toml", "[webhooks]\nallow_private = true\n");
    let server = Server::start(&home);
    let story = json!({
        "network": "eip155:1", "asset": "ETH",
        "clean": { "tx": hash(2), "to": evm(0xd1), "amount": 4 },
        "dirty": { "tx": hash(1), "to": evm(0xd0), "from": evm(0xc0), "amount": 5 },
    });
    let story = home.write("story.json", story.to_string());
    let day = root().join("examples/exchange/day.py");
    let day = day.to_str().expect("UTF-8");
    let (said, failed) = run("python3", &[day, &story], &server, "the example exchange");
    assert!(said.contains("\"webhooks\""), "{said}");
    eprint!("{failed}");
}

/// A snippet of a guide that is marked to be run.
struct Snippet {
    guide: &'static str,
    line: usize,
    language: String,
    text: String,
}

fn snippets(guide: &'static str) -> Vec<Snippet> {
    let text = common::read(root().join("docs/guides").join(guide));
    let (mut found, mut open): (Vec<Snippet>, bool) = (Vec::new(), false);
    for (at, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(mark) => {
                if let Some(language) = mark.strip_suffix(" run") {
                    let (language, text) = (language.to_string(), String::new());
                    found.push(Snippet { guide, line: at + 1, language, text });
                    open = true;
                }
            }
            None if open => {
                if let Some(snippet) = found.last_mut() {
                    snippet.text += line;
                    snippet.text.push('\n');
                }
            }
            None => {}
        }
    }
    found
}

#[test]
fn every_snippet_of_the_guides_runs() {
    let home = home();
    let server = Server::start(&home);
    let all: Vec<Snippet> = ["exchange.md", "api.md"].into_iter().flat_map(snippets).collect();
    let languages: Vec<&str> = all.iter().map(|snippet| snippet.language.as_str()).collect();
    for wanted in ["sh", "python", "ts"] {
        assert!(languages.contains(&wanted), "no snippet in {wanted}");
    }
    for (number, snippet) in all.iter().enumerate() {
        let what = format!("docs/guides/{}:{}", snippet.guide, snippet.line);
        let name = format!("snippet-{number}.{}", snippet.language);
        let file = home.write(&name, &snippet.text);
        match snippet.language.as_str() {
            "sh" => drop(run("bash", &["-euo", "pipefail", &file], &server, &what)),
            "python" => drop(run("python3", &[&file], &server, &what)),
            "ts" => typescript(&home, Path::new(&file), &server, &what),
            other => panic!("{what}: nobody knows how to run {other}"),
        }
    }
}

/// Its types are checked and taken away by the compiler that `cargo xtask tools` fetches.
#[expect(clippy::print_stderr, reason = "what was left out is said")]
fn typescript(home: &Home, file: &Path, server: &Server, what: &str) {
    let Some(modules) = modules() else {
        eprintln!("NOT TESTED: {what} in TypeScript: the compiler could not be had");
        return;
    };
    let compiler = modules.join("typescript/bin/tsc");
    let out = home.path("compiled");
    let out_dir = out.to_str().expect("UTF-8");
    let roots = modules.join("@types");
    let args = [
        compiler.to_str().expect("UTF-8"),
        "--strict",
        "--target",
        "es2022",
        "--module",
        "commonjs",
        "--types",
        "node",
        "--typeRoots",
        roots.to_str().expect("UTF-8"),
        "--outDir",
        out_dir,
        file.to_str().expect("UTF-8"),
    ];
    run("node", &args, server, what);
    let name = file.with_extension("js");
    let compiled = out.join(name.file_name().expect("a name"));
    let (said, _) = run("node", &[compiled.to_str().expect("UTF-8")], server, what);
    assert!(said.contains("listed: "), "{what}: {said}");
}

/// Where INTERDICT_TYPESCRIPT says, or `cargo xtask tools` puts them. None where a test run found that
/// they cannot be had, which it said.
fn modules() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("INTERDICT_TYPESCRIPT") {
        return (path != "none").then(|| path.into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or(root().join("target"), |folder| root().join(folder));
    let path = target.join("tools/typescript/node_modules");
    assert!(
        path.exists(),
        "the TypeScript compiler is not at {}: `cargo xtask tools` fetches it with npm, or \
         INTERDICT_TYPESCRIPT names node_modules that have it",
        path.display()
    );
    Some(path)
}

#[test]
fn graphsenses_own_client_reads_what_is_served_in_its_shape() {
    let Some(python) = graphsense() else {
        eprintln!("NOT TESTED: what GraphSense's client reads: it could not be had");
        return;
    };
    let home = home();
    let server = Server::start(&home);
    let script = root().join("xtask/graphsense/read.py");
    let url = format!("http://{}", server.address);
    let (address, tx) = (evm(0xd0), hash(1));
    let args = [script.to_str().expect("UTF-8"), &url, &server.key, "eth", &address, &tx];
    let (said, _) = run(python.to_str().expect("UTF-8"), &args, &server, "GraphSense's client");
    let read: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(read["stats"]["currencies"][0]["name"], "eth", "{read}");
    assert_eq!(read["search"]["currencies"][0]["addresses"], json!([address]));
    let five = json!({ "value": 5_000_000_000_000_000_000_u64, "fiat_values": [] });
    assert_eq!(read["address"]["total_received"], five);
    assert_eq!(read["address"]["balance"], five);
    assert_eq!(read["address"]["in_degree"], 1);
    assert_eq!(read["txs"].as_array().expect("rows").len(), 1);
    assert_eq!(read["txs"][0]["from_address"], evm(0xc0));
    assert_eq!(read["neighbors"]["neighbors"][0]["value"], five);
    assert_eq!(read["neighbors"]["neighbors"][0]["address"]["address"], evm(0xc0));
    assert_eq!(read["tx"]["tx_hash"], tx);
    assert_eq!(read["tx"]["value"], five);
}

/// The interpreter that has it: where INTERDICT_GRAPHSENSE says, or `cargo xtask tools` puts it. None
/// where a test run found that it cannot be had, which it said.
fn graphsense() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("INTERDICT_GRAPHSENSE") {
        return (path != "none").then(|| path.into());
    }
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or(root().join("target"), |folder| root().join(folder));
    let path = target.join("tools/graphsense/bin/python");
    assert!(
        path.exists(),
        "GraphSense's client is not at {}: `cargo xtask tools` fetches it with pip, or \
         INTERDICT_GRAPHSENSE names a Python that has it",
        path.display()
    );
    Some(path)
}
