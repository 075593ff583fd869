//! Listens, and stops without breaking off an answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::guard::Peer;
use super::log::{self, Level};
use crate::access::Access;
use crate::app::App;

/// A router with its document, ready to listen.
pub struct Server {
    pub(super) app: App,
    pub(super) router: Router,
    pub(super) document: Bytes,
}

/// A head of a request, or a greeting of TLS, that takes longer is given up.
const GREETING: Duration = Duration::from_secs(10);
/// What is still worked on after so long is broken off.
const STOP: Duration = Duration::from_secs(20);
const WRITE_BEHIND_EVERY: Duration = Duration::from_secs(10);

impl Server {
    /// For tests, which send requests without a socket.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    pub fn app(&self) -> &App {
        &self.app
    }

    /// The OpenAPI document, as JSON.
    pub fn document(&self) -> &Bytes {
        &self.document
    }

    /// Answers until `stop`, then ends what was begun.
    pub async fn run(
        self,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let places = Arc::new(Semaphore::new(self.app.settings.connections_max));
        let graceful = GracefulShutdown::new();
        let load = self.app.load.clone();
        let watching = tokio::spawn(async move { load.watch().await });
        let looking = tokio::spawn(look(self.app.clone()));
        let writing = tokio::spawn(write_behind(self.app.clone()));
        let telling = tokio::spawn(crate::events::watch(self.app.clone()));
        let driving = tokio::spawn(crate::drivers::run(self.app.clone()));
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = &mut stop => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    not_accepted(&error).await;
                    continue;
                }
            };
            let Ok(place) = places.clone().try_acquire_owned() else {
                self.app.metrics.connections_refused.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            let (router, app) = (self.router.clone(), self.app.clone());
            let (watcher, tls) = (graceful.watcher(), tls.clone());
            tokio::spawn(async move {
                app.metrics.connections.fetch_add(1, Ordering::Relaxed);
                connection(stream, peer, tls, router, watcher).await;
                app.metrics.connections.fetch_sub(1, Ordering::Relaxed);
                drop(place);
            });
        }
        drop(listener);
        self.app.stop();
        let is_done = tokio::time::timeout(STOP, graceful.shutdown()).await.is_ok();
        // What it has begun is ended: a half of it is done again after the next start.
        drop(tokio::time::timeout(STOP, driving).await);
        for task in [watching, looking, writing, telling] {
            task.abort();
        }
        if !is_done {
            log::line(Level::Warn, "answers were broken off", json!({ "after_s": STOP.as_secs() }));
        }
        let app = self.app;
        let written = tokio::task::spawn_blocking(move || app.access.write_behind()).await;
        if let Ok(Err(error)) = written {
            log::failure("writing what was used last", &error);
        }
        Ok(())
    }
}

/// Out of files, most of the time: some will be closed.
async fn not_accepted(error: &io::Error) {
    let is_theirs =
        matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset);
    if !is_theirs {
        log::failure("accepting a connection", error);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    watcher: Watcher,
) {
    drop(stream.set_nodelay(true));
    let Some(tls) = tls else { return serve(stream, peer, router, watcher).await };
    // Who does not greet in time, or badly, is not answered.
    if let Ok(Ok(stream)) = tokio::time::timeout(GREETING, tls.accept(stream)).await {
        serve(stream, peer, router, watcher).await;
    }
}

async fn serve<S>(stream: S, peer: SocketAddr, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(GREETING)
        .max_buf_size(64 << 10)
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(64 << 10)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    // A connection that breaks is the other end's affair.
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    drop(watcher.watch(connection).await);
}

/// Notices what another process changed about people and keys.
async fn look(app: App) {
    loop {
        tokio::time::sleep(Access::LOOK_EVERY).await;
        let access = app.access.clone();
        let looked = tokio::task::spawn_blocking(move || access.look()).await;
        if let Ok(Err(error)) = looked {
            log::failure("looking for changes of users and keys", &error);
        }
    }
}

async fn write_behind(app: App) {
    loop {
        tokio::time::sleep(WRITE_BEHIND_EVERY).await;
        let access = app.access.clone();
        let written = tokio::task::spawn_blocking(move || access.write_behind()).await;
        if let Ok(Err(error)) = written {
            log::failure("writing what was used last", &error);
        }
    }
}
