//! Requests at times fixed before, over connections that stay open.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::StatusCode;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::ask::Ask;

pub struct Load {
    pub address: String,
    /// Requests a second.
    pub rate: u64,
    pub lasts: Duration,
    pub asks: Vec<Ask>,
    pub connections: usize,
}

/// What came of it.
#[derive(Default)]
pub struct Told {
    pub good: u64,
    /// 429 and 503.
    pub shed: u64,
    /// The first of what should not have been, and how many.
    wrong: Option<String>,
    wrongs: u64,
    /// From when it was to be sent to the last byte, in seconds; of good answers.
    latencies: Vec<f32>,
    seconds: f64,
}

/// Where nothing else is said.
pub const CONNECTIONS: usize = 128;
/// So many requests are released together: a sleep shorter than this is not kept.
const STEP: Duration = Duration::from_micros(500);
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(10);

/// When it is to be sent, and which.
type Ticket = (Instant, usize);

impl Load {
    pub async fn send(&self) -> Result<Told> {
        let local = tokio::task::LocalSet::new();
        local.run_until(self.send_here()).await
    }

    async fn send_here(&self) -> Result<Told> {
        let told = Rc::new(RefCell::new(Told::default()));
        let asks: Rc<[Ask]> = self.asks.clone().into();
        let (mut lines, mut tasks) = (Vec::new(), Vec::new());
        for _ in 0..self.connections {
            let sender = connect(&self.address).await?;
            let (line, tickets) = unbounded_channel();
            lines.push(line);
            let line =
                Line { address: self.address.clone(), asks: asks.clone(), told: told.clone() };
            tasks.push(tokio::task::spawn_local(line.work(sender, tickets)));
        }
        let (rate, lasts, count) = (self.rate, self.lasts, self.asks.len());
        let started = Instant::now();
        let clock = std::thread::spawn(move || release(&lines, rate, lasts, count));
        for task in tasks {
            task.await??;
        }
        clock.join().map_err(|_| anyhow::anyhow!("the clock stopped"))?;
        let mut told = Rc::into_inner(told).context("a connection still works")?.into_inner();
        told.seconds = started.elapsed().as_secs_f64();
        told.latencies.sort_unstable_by(f32::total_cmp);
        Ok(told)
    }
}

/// Hands out tickets when they are due, whether or not anybody is free.
fn release(lines: &[UnboundedSender<Ticket>], rate: u64, lasts: Duration, asks: usize) {
    let started = Instant::now();
    let all = rate * u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX) / 1000;
    let every = 1.0 / rate as f64;
    let mut next = 0u64;
    while next < all {
        let now = started.elapsed();
        while next < all {
            let due = Duration::from_secs_f64(next as f64 * every);
            if due > now {
                break;
            }
            let n = usize::try_from(next).unwrap_or(0);
            // A connection that failed says so itself.
            let _ = lines[n % lines.len()].send((started + due, n % asks));
            next += 1;
        }
        std::thread::sleep(STEP);
    }
}

struct Line {
    address: String,
    asks: Rc<[Ask]>,
    told: Rc<RefCell<Told>>,
}

impl Line {
    async fn work(
        self,
        mut sender: SendRequest<Full<Bytes>>,
        mut tickets: UnboundedReceiver<Ticket>,
    ) -> Result<()> {
        while let Some((due, n)) = tickets.recv().await {
            let ask = &self.asks[n];
            let answered =
                tokio::time::timeout(PATIENCE, one(&mut sender, ask, &self.address)).await;
            let answered = answered.map_err(|_| anyhow::anyhow!("no answer within {PATIENCE:?}"));
            match answered.and_then(|answered| answered) {
                Ok((status, body)) => self.told.borrow_mut().take(ask, status, &body, due),
                Err(error) => {
                    self.told.borrow_mut().wrong(format!("{error:#}"));
                    sender = connect(&self.address).await?;
                }
            }
        }
        Ok(())
    }
}

async fn one(
    sender: &mut SendRequest<Full<Bytes>>,
    ask: &Ask,
    address: &str,
) -> Result<(StatusCode, Bytes)> {
    sender.ready().await.context("the connection was closed")?;
    let answer = sender.send_request(ask.request(address)?).await?;
    let status = answer.status();
    Ok((status, answer.into_body().collect().await?.to_bytes()))
}

pub async fn connect(address: &str) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await;
    let stream = stream.with_context(|| format!("cannot reach {address}"))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // How it ends, the sender is told.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

impl Told {
    fn take(&mut self, ask: &Ask, status: StatusCode, body: &[u8], due: Instant) {
        match status {
            StatusCode::OK if ask.is_answered(body) => {
                self.good += 1;
                self.latencies.push(due.elapsed().as_secs_f32());
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => self.shed += 1,
            _ => self.wrong(format!("{status}: {}", String::from_utf8_lossy(body))),
        }
    }

    fn wrong(&mut self, what: String) {
        self.wrongs += 1;
        self.wrong.get_or_insert(what);
    }

    /// Every request was answered as it should be.
    pub fn all_good(self) -> Result<Told> {
        self.only_shed()?;
        ensure!(self.shed == 0, "{} of {} requests were shed", self.shed, self.shed + self.good);
        Ok(self)
    }

    /// Some may have been refused, and none was answered wrongly or not at all.
    pub fn only_shed(&self) -> Result<()> {
        if let Some(wrong) = &self.wrong {
            bail!("{} of {} went wrong, the first: {wrong}", self.wrongs, self.wrongs + self.good);
        }
        ensure!(self.good > 0, "nothing was answered");
        Ok(())
    }

    pub fn lasted(&self) -> f64 {
        self.seconds
    }

    /// Seconds.
    pub fn quantile(&self, of: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = (last as f64 * of).round() as usize;
        self.latencies.get(at).map_or(0.0, |latency| f64::from(*latency))
    }

    /// The round with the median 99th percentile.
    pub fn middle(mut rounds: Vec<Told>) -> Told {
        rounds.sort_by(|a, b| a.quantile(0.99).total_cmp(&b.quantile(0.99)));
        let at = rounds.len() / 2;
        rounds.swap_remove(at)
    }
}
