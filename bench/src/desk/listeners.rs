//! Who listens to events: many, for long, and all of them hear everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::ask;
use super::load;
use super::process::Desk;

pub struct Held {
    /// That were told to each.
    pub events: usize,
    /// Of the slowest listener, from the request that caused an event.
    pub worst_s: f64,
}

/// What an event must have reached everybody in.
const PATIENCE: Duration = Duration::from_secs(20);

/// Opens so many streams, causes an event every now and then, and sees each of them at each listener.
pub async fn hold(desk: &Desk, count: usize, lasts: Duration) -> Result<Held> {
    let (heard, mut hears) = unbounded_channel::<(String, Instant)>();
    let gone = Arc::new(AtomicUsize::new(0));
    for n in 0..count {
        let stream = listen(&desk.address, &desk.key).await;
        let stream = stream.with_context(|| format!("listener {n} of {count}"))?;
        tokio::spawn(hear(stream, heard.clone(), gone.clone()));
    }
    let started = Instant::now();
    let pause = (lasts / 10).min(Duration::from_secs(60));
    let mut held = Held { events: 0, worst_s: 0.0 };
    while started.elapsed() < lasts {
        let name = format!("held-{}", held.events);
        let caused = cause(desk, &name, held.events).await?;
        for at in 0..count {
            let next = tokio::time::timeout(PATIENCE, hears.recv()).await;
            let Ok(Some((_, when))) = next else {
                bail!("{at} of {count} listeners heard event {} within {PATIENCE:?}", held.events)
            };
            held.worst_s = held.worst_s.max(when.duration_since(caused).as_secs_f64());
        }
        held.events += 1;
        let left = lasts.saturating_sub(started.elapsed());
        tokio::time::sleep(pause.min(left)).await;
        let gone = gone.load(Ordering::Relaxed);
        ensure!(gone == 0, "{gone} of {count} streams ended after {:?}", started.elapsed());
    }
    Ok(held)
}

/// A withdrawal that is blocked raises an alert.
async fn cause(desk: &Desk, name: &str, number: usize) -> Result<Instant> {
    let to = ask::listed().nth(number).context("more events than listed addresses")?;
    let body = serde_json::json!({
        "userId": name, "network": "eip155:1", "asset": "ETH", "address": to,
        "attemptIdentifier": name, "assetAmount": "1",
    });
    let request = hyper::Request::post("/v1/withdrawal-attempts")
        .header("host", &desk.address)
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", desk.key))
        .body(http_body_util::Full::new(bytes::Bytes::from(body.to_string())))?;
    let caused = Instant::now();
    let answer = load::connect(&desk.address).await?.send_request(request).await?;
    ensure!(answer.status().is_success(), "a withdrawal: {}", answer.status());
    Ok(caused)
}

async fn listen(address: &str, key: &str) -> Result<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "GET /v1/events HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    ensure!(line.contains(" 200 "), "expected 200, got {line:?}");
    while line != "\r\n" {
        line.clear();
        ensure!(stream.read_line(&mut line).await? > 0, "the head of the answer was cut");
    }
    Ok(stream)
}

/// Each event once, by its first line of data.
async fn hear(
    mut stream: BufReader<TcpStream>,
    heard: UnboundedSender<(String, Instant)>,
    gone: Arc<AtomicUsize>,
) {
    let mut line = String::new();
    loop {
        line.clear();
        match stream.read_line(&mut line).await {
            Ok(read) if read > 0 => {
                if line.starts_with("id:") && heard.send((line.clone(), Instant::now())).is_err() {
                    return;
                }
            }
            _ => {
                gone.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }
}
