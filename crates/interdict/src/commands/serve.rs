//! `interdict serve`: the desk.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use case::db::Db;
use serve::frame::{log, tls};
use serve::{App, Settings};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::cell::{self, Cell};
use crate::cli::{CaseworkArgs, ServeArgs};
use crate::config::{self, Config, Flags, Origin, Secret, Set, desk};
use crate::home::Home;
use crate::http;
use crate::out::Out;

pub fn run(home: &Home, args: ServeArgs, out: &Out) -> Result<ExitCode> {
    let config = read_config(home, &args.casework)?;
    let serve = with_flags(config.serve.clone(), &args);
    let acceptor = match (&serve.tls_cert.value, &serve.tls_key.value) {
        (Some(certificate), Some(key)) => Some(tls::acceptor(certificate, key)?),
        _ => None,
    };
    let settings = settings(&serve, acceptor.is_some());
    let app = App::open(open_casework(home, &config)?, settings)?;
    let app = app.telling_casework().map_err(said)?;
    let cell = Cell::open(home.path())?;
    let app = app.driving("frozen accounts that move", cell::freezing::drive(&cell));
    cell::watch(&cell, |error| log::failure("what is held in memory", error.as_ref()));
    let server = serve::frame::build(app.clone(), http::routes(&cell, &app.db)?)?;
    let runtime = Runtime::new().context("cannot start the tasks that answer")?;
    runtime.block_on(async {
        let address = SocketAddr::new(serve.host.value, serve.port.value);
        let listener = TcpListener::bind(address);
        let listener = listener.await.with_context(|| format!("cannot listen on {address}"))?;
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let origin = format!("{scheme}://{}", listener.local_addr()?);
        out.print(&format!("listening on {origin}\n"))?;
        if acceptor.is_none() && !serve.host.value.is_loopback() {
            out.warn("without TLS everybody on the way reads passwords and keys: use --tls-cert");
        }
        greet(&app, &origin, out)?;
        log::start();
        let stop = asked_to_stop().context("cannot listen for signals")?;
        server.run(listener, acceptor, stop).await.context("the server ended")
    })?;
    Ok(ExitCode::SUCCESS)
}

/// With nobody there, whoever starts the server is let in.
fn greet(app: &App, origin: &str, out: &Out) -> Result<()> {
    if !app.access.has_no_user() {
        return Ok(());
    }
    let secret = app.access.invite(None).map_err(said)?;
    out.print(&format!(
        "nobody may sign in yet: open this once, within a day, to become the administrator\n  \
         {origin}/#welcome={secret}\n"
    ))?;
    Ok(())
}

fn settings(serve: &desk::Serve, is_tls: bool) -> Settings {
    Settings {
        is_tls,
        address_per_s: serve.address_per_s.value,
        key_per_s: serve.key_per_s.value,
        session_idle: Duration::from_secs(serve.session_idle_min.value.saturating_mul(60)),
        log_all: serve.log_all.value,
        ..Settings::default()
    }
}

fn with_flags(mut serve: desk::Serve, args: &ServeArgs) -> desk::Serve {
    let flag = |name| Origin::Flag(name);
    if let Some(value) = args.port {
        serve.port = Set { value, origin: flag("--port") };
    }
    if let Some(value) = args.host {
        serve.host = Set { value, origin: flag("--host") };
    }
    if let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) {
        serve.tls_cert = Set { value: Some(certificate.clone()), origin: flag("--tls-cert") };
        serve.tls_key = Set { value: Some(key.clone()), origin: flag("--tls-key") };
    }
    serve
}

/// The configuration, with what was typed of casework.
pub fn read_config(home: &Home, args: &CaseworkArgs) -> Result<Config> {
    let flags = Flags { config: args.config.clone(), ..Flags::default() };
    let mut config = Config::read(home.path(), &flags, &config::environment)?;
    if let Some(place) = &args.database {
        desk::holds_no_password(place)?;
        let origin = Origin::Flag("--database");
        config.casework.database = Set { value: Some(Secret::new(place)), origin };
    }
    Ok(config)
}

pub fn open_casework(home: &Home, config: &Config) -> Result<Arc<Db>> {
    std::fs::create_dir_all(home.path())
        .with_context(|| format!("cannot make {}", home.path().display()))?;
    let place = config.casework.place(home.path())?;
    Ok(Arc::new(Db::open(&place).context("cannot open casework")?))
}

/// A problem as a person at a terminal reads it.
pub fn said(problem: serve::Problem) -> anyhow::Error {
    let field = problem.field.map(|field| format!("{field}: ")).unwrap_or_default();
    anyhow::anyhow!("{field}{}", problem.detail.unwrap_or_else(|| problem.title.to_string()))
}

#[cfg(unix)]
fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminated.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
