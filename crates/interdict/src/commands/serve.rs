//! `interdict serve`: the desk.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use case::db::Db;
use case::outbox::Pace;
use case::vault::Vault;
use serde_json::json;
use serve::access::oidc::Oidc;
use serve::access::passkeys::Site;
use serve::frame::{log, tls};
use serve::{App, Settings};
use share::sender::Said;
use share::{Reach, Sender, SenderSettings};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::cell::{self, Cell, beside};
use crate::cli::{CaseworkArgs, ServeArgs};
use crate::config::{self, Config, Flags, Origin, Secret, Set, desk};
use crate::home::Home;
use crate::http;
use crate::out::Out;

pub fn run(home: &Home, args: ServeArgs, out: &Out) -> Result<ExitCode> {
    let config = read_config(home, &args.casework)?;
    let serve = with_flags(config.serve.clone(), &args);
    let acceptor = match (&serve.tls_cert.value, &serve.tls_key.value) {
        (Some(certificate), Some(key)) => {
            let certificates = tls::Certificates::open(certificate, key)?;
            watch_certificates(&certificates);
            Some(certificates.acceptor()?)
        }
        _ => None,
    };
    let vault = Arc::new(home.vault(config.casework.secrets_key.value.as_deref())?);
    let settings = Settings {
        vault: Some(vault.clone()),
        reach: reach(&config),
        passkeys: passkeys(&serve),
        oidc: oidc(&config)?,
        retention: config.retention.setting(),
        ..settings(&serve, acceptor.is_some())
    };
    let app = App::open(open_casework(home, &config)?, settings)?;
    let app = app.telling_casework().map_err(said)?;
    let sender = sender(app.db.clone(), vault, &config)?;
    let cell = Cell::open(home.path())?;
    let app = app.holding(cell::exchange::customers::hold);
    let app = app.driving("frozen accounts that move", cell::freezing::drive(&cell));
    cell::watch(&cell, |error| log::failure("what is held in memory", error.as_ref()));
    let server = serve::frame::build(app.clone(), http::routes(&cell, &app)?)?;
    let counts = sender.counts();
    server.app().metrics.add_extra(Box::new(move |text| counts.write(text)));
    beside::run(&cell, app.db.clone(), |error| log::failure("beside requests", error.as_ref()));
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
        greet(&app, &opened_at(&serve, &origin, &listener)?, out)?;
        log::start();
        let stop = asked_to_stop().context("cannot listen for signals")?;
        let sending = tokio::spawn(sender.run(app.stopping()));
        let ended = server.run(listener, acceptor, stop).await.context("the server ended");
        // What is on its way is ended, or it would be sent twice.
        drop(sending.await);
        ended
    })?;
    Ok(ExitCode::SUCCESS)
}

fn reach(config: &Config) -> Reach {
    Reach { allow_private: config.webhooks.allow_private.value }
}

fn passkeys(serve: &desk::Serve) -> Option<Site> {
    Site::of(serve.origin.value.as_deref()?).filter(|_| serve.passkeys.value)
}

fn oidc(config: &Config) -> Result<Option<Arc<Oidc>>> {
    let Some(oidc) = &config.oidc else { return Ok(None) };
    let reach = Reach { allow_private: oidc.allow_private };
    let client = share::Client::new(reach, share::client::Bounds::default())?;
    Ok(Some(Arc::new(Oidc::new(oidc.settings.clone(), client))))
}

/// Tells webhooks; what goes wrong stands in the log, without addresses.
fn sender(db: Arc<Db>, vault: Arc<Vault>, config: &Config) -> Result<Sender> {
    let webhooks = &config.webhooks;
    let timeout = Duration::from_secs(webhooks.timeout_s.value);
    let days = webhooks.dead_after_days.value;
    let settings = SenderSettings {
        reach: reach(config),
        at_once: webhooks.at_once.value,
        timeout,
        pace: Pace {
            lease: timeout * 2,
            dead_after: Duration::from_secs(days.saturating_mul(24 * 3600)),
            ..Pace::default()
        },
        ..SenderSettings::default()
    };
    Ok(Sender::new(db, vault, settings, tell_log)?)
}

fn tell_log(said: Said<'_>) {
    match said {
        Said::Casework(error) => log::failure("telling webhooks", error),
        Said::Failed { due, problem, is_dead } => {
            let (level, message) = match is_dead {
                true => (log::Level::Error, "a webhook's delivery was given up"),
                false => (log::Level::Warn, "a webhook did not take an event"),
            };
            let fields = json!({
                "webhook": due.webhook, "delivery": due.delivery, "event": due.event.id,
                "kind": due.event.kind, "attempt": due.attempts + 1, "problem": problem,
            });
            log::line(level, message, fields);
        }
    }
}

/// Takes up certificates that were renewed, for as long as anybody uses them.
fn watch_certificates(certificates: &Arc<tls::Certificates>) {
    let certificates = Arc::downgrade(certificates);
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(tls::Certificates::LOOK_EVERY);
            let Some(certificates) = certificates.upgrade() else { return };
            match certificates.look() {
                Ok(false) => {}
                Ok(true) => {
                    log::line(log::Level::Info, "certificates were renewed", json!({}));
                }
                Err(error) => log::failure("reading renewed certificates; the old stay", &error),
            }
        }
    });
}

/// What a browser can open: the address that people type, where the server knows it. Nobody can go to
/// 0.0.0.0, which is every address of this machine.
fn opened_at(serve: &desk::Serve, origin: &str, listener: &TcpListener) -> Result<String> {
    if let Some(typed) = &serve.origin.value {
        return Ok(typed.clone());
    }
    let address = listener.local_addr()?;
    let scheme = origin.split("://").next().unwrap_or_default();
    Ok(match address.ip().is_unspecified() {
        true => format!("{scheme}://localhost:{}", address.port()),
        false => origin.to_string(),
    })
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
        in_flight_max: serve.in_flight_max.value,
        connections_max: serve.connections_max.value,
        streams_max: serve.streams_max.value,
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
