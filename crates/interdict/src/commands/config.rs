//! `interdict config check`: every value and where it came from.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::{ConfigArgs, ConfigCheckArgs, ConfigCommand, TextFormat};
use crate::config::{self, ChainConfig, Config, Flags, Login, NodeConfig, Origin, Set};
use crate::home::Home;
use crate::out::Out;

pub fn run(home: &Home, args: ConfigArgs, out: &Out) -> Result<ExitCode> {
    let ConfigCommand::Check(args) = args.command;
    check(home, args, out)
}

fn check(home: &Home, args: ConfigCheckArgs, out: &Out) -> Result<ExitCode> {
    let flags = Flags { config: args.config, ..Flags::default() };
    let config = Config::read(home.path(), &flags, &config::environment)?;
    let rows = rows(&config);
    if args.format == TextFormat::Json {
        let values: Vec<Value> = rows
            .iter()
            .map(|row| json!({ "name": row.name, "value": row.value, "from": row.origin }))
            .collect();
        out.json(&json!({ "file": config.file, "values": values }))?;
        return Ok(ExitCode::SUCCESS);
    }
    match &config.file {
        Some(file) => out.print(&format!("file {}\n", file.display()))?,
        None => out.print("no interdict.toml here or in the home\n")?,
    }
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or_default();
    for Row { name, value, origin } in &rows {
        out.print(&format!("{name:width$}  {value}  ({origin})\n"))?;
    }
    for chain in config.chains.iter().filter(|chain| chain.nodes.is_empty()) {
        out.warn(&format!("{} has no node: it cannot be followed", chain.chain.name()));
    }
    Ok(ExitCode::SUCCESS)
}

struct Row {
    name: String,
    value: String,
    origin: String,
}

fn rows(config: &Config) -> Vec<Row> {
    let follow = &config.follow;
    let watch = follow.watch.value.as_ref();
    let watch = Set {
        value: watch.map_or_else(|| "nothing".into(), |path| path.display().to_string()),
        origin: follow.watch.origin.clone(),
    };
    let rules = config.risk_rules.value.as_ref();
    let rules = Set {
        value: rules.map_or_else(|| "shipped".into(), |path| path.display().to_string()),
        origin: config.risk_rules.origin.clone(),
    };
    let mut rows = vec![
        row("follow.at_once", &follow.at_once),
        row("follow.facts", &follow.facts),
        row("follow.poll_ms", &follow.poll_ms),
        row("follow.derive_s", &follow.derive_s),
        row("follow.answer_s", &follow.answer_s),
        row("follow.watch", &watch),
        row("risk.rules", &rules),
    ];
    rows.extend(of_desk(config));
    for chain in &config.chains {
        rows.extend(of_chain(chain));
    }
    rows
}

fn of_desk(config: &Config) -> Vec<Row> {
    let serve = &config.serve;
    let file = |set: &Set<Option<PathBuf>>| Set {
        value: set.value.as_ref().map_or_else(|| "none".into(), |path| path.display().to_string()),
        origin: set.origin.clone(),
    };
    let mut secrets_key = file(&config.casework.secrets_key);
    if config.casework.secrets_key.value.is_none() {
        secrets_key.value = "keys/secrets.key in the home".into();
    }
    let text = |set: &Set<Option<String>>| Set {
        value: set.value.clone().unwrap_or_else(|| "none".into()),
        origin: set.origin.clone(),
    };
    let (issuer, oidc) = match &config.oidc {
        Some(oidc) => (oidc.settings.issuer.clone(), Origin::File),
        None => ("none".to_string(), Origin::Default),
    };
    // It may hold a password: only what kind of place it is.
    let database = &config.casework.database;
    let database = Set {
        value: match &database.value {
            None => "casework.sqlite in the home",
            Some(place) if place.reveal().contains("://") => "PostgreSQL",
            Some(_) => "a file",
        },
        origin: database.origin.clone(),
    };
    vec![
        row("serve.host", &serve.host),
        row("serve.port", &serve.port),
        row("serve.tls_cert", &file(&serve.tls_cert)),
        row("serve.tls_key", &file(&serve.tls_key)),
        row("serve.address_per_s", &serve.address_per_s),
        row("serve.key_per_s", &serve.key_per_s),
        row("serve.in_flight_max", &serve.in_flight_max),
        row("serve.connections_max", &serve.connections_max),
        row("serve.streams_max", &serve.streams_max),
        row("serve.session_idle_min", &serve.session_idle_min),
        row("serve.log_all", &serve.log_all),
        row("serve.origin", &text(&serve.origin)),
        row("serve.passkeys", &serve.passkeys),
        Row { name: "oidc.issuer".into(), value: issuer, origin: oidc.to_string() },
        row("casework.database", &database),
        row("casework.secrets_key", &secrets_key),
        row("webhooks.allow_private", &config.webhooks.allow_private),
        row("webhooks.at_once", &config.webhooks.at_once),
        row("webhooks.timeout_s", &config.webhooks.timeout_s),
        row("webhooks.dead_after_days", &config.webhooks.dead_after_days),
        row("retention.days", &config.retention.days),
        row("retention.erase", &config.retention.erase),
    ]
}

fn of_chain(chain: &ChainConfig) -> Vec<Row> {
    let name = |field: &str| format!("chain {} {field}", chain.chain.name());
    let from = Set {
        value: chain.from.value.map_or_else(|| "as is found".into(), |from| from.to_string()),
        origin: chain.from.origin.clone(),
    };
    let mut rows = vec![
        row(&name("from"), &from),
        row(&name("finality"), &chain.finality),
        row(&name("undo"), &chain.undo),
    ];
    rows.extend(chain.nodes.iter().map(|node| Row {
        name: name("node"),
        value: of_node(&node.value),
        origin: node.origin.to_string(),
    }));
    rows
}

fn of_node(node: &NodeConfig) -> String {
    let mut text = node.url.to_string();
    match &node.login {
        Some(Login::File(path)) => text += &format!(", logged in by {}", path.display()),
        Some(Login::Environment(name)) => text += &format!(", logged in by ${name}"),
        None => {}
    }
    if let Some(zmq) = &node.zmq {
        text += &format!(", told by {zmq}");
    }
    if let Some(solidity) = &node.solidity {
        text += &format!(", solidified blocks at {}", chain::source::shown_url(solidity));
    }
    if node.key.is_some() {
        text += ", with a key";
    }
    text
}

fn row<T: std::fmt::Display>(name: &str, set: &Set<T>) -> Row {
    Row { name: name.into(), value: set.value.to_string(), origin: set.origin.to_string() }
}
