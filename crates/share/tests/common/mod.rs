//! Casework in a folder, and a receiver that behaves as it is told.

#![allow(clippy::unwrap_used, dead_code, reason = "in a test it is the assertion")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use case::alerts::{self, AlertKind, AlertSubject, NewAlert};
use case::db::{Db, Place};
use case::outbox::{self, Delivery, DeliveryState, NewWebhook, Pace};
use case::vault::Vault;
use case::{By, Part, WebhookId};
use model::{Severity, Timestamp};
use share::{Reach, Sender, SenderSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub struct Desk {
    pub db: Arc<Db>,
    pub vault: Arc<Vault>,
    _folder: tempfile::TempDir,
}

pub fn by() -> By {
    By::new("person:ada", Timestamp::now())
}

impl Desk {
    pub fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Sqlite(folder.path().join("casework.sqlite"));
        let (db, vault) = (case::open(&place).unwrap().into(), Vault::of([3; 32]).into());
        Desk { db, vault, _folder: folder }
    }

    pub fn hook(&self, url: &str) -> (WebhookId, String) {
        let new = NewWebhook { url: url.into(), ..NewWebhook::default() };
        outbox::add_webhook(&self.db, &by(), &new, &self.vault).unwrap()
    }

    pub fn raise(&self, group: &str) {
        let new = NewAlert {
            kind: AlertKind::Screening,
            severity: Severity::High,
            subject: AlertSubject::Name("Lazarus".into()),
            group: group.into(),
            title: "a name is listed".into(),
            evidence: serde_json::json!({ "group": group }),
            team: None,
            case: None,
        };
        alerts::raise(&self.db, &by(), &new).unwrap();
    }

    pub fn start(&self, settings: SenderSettings) -> Running {
        let sender = Sender::new(self.db.clone(), self.vault.clone(), settings, |_| {}).unwrap();
        let (stop, stopped) = watch::channel(false);
        let counts = sender.counts();
        Running { task: tokio::spawn(sender.run(stopped)), stop, counts }
    }

    pub fn deliveries(&self, webhook: WebhookId) -> Vec<Delivery> {
        let part = Part { after: None, limit: 500 };
        outbox::deliveries(&self.db, webhook, None, &part).unwrap().items
    }

    /// Waits until every delivery is in this state.
    pub async fn until_all(&self, webhook: WebhookId, state: DeliveryState) -> Vec<Delivery> {
        for _ in 0..1500 {
            let all = self.deliveries(webhook);
            if all.iter().all(|delivery| delivery.state == state) {
                return all;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("after half a minute: {:?}", self.deliveries(webhook));
    }
}

pub struct Running {
    pub task: JoinHandle<()>,
    pub stop: watch::Sender<bool>,
    pub counts: Arc<share::sender::Counts>,
}

/// Milliseconds where a server waits minutes.
pub fn quick() -> SenderSettings {
    SenderSettings {
        reach: Reach { allow_private: true },
        at_once: 4,
        timeout: Duration::from_millis(400),
        look_every: Duration::from_millis(10),
        pace: Pace {
            lease: Duration::from_secs(1),
            wait_first: Duration::from_millis(10),
            wait_max: Duration::from_millis(100),
            pause_max: Duration::from_millis(40),
            dead_after: Duration::from_secs(3600),
        },
        ..SenderSettings::default()
    }
}

/// What a receiver does with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    Takes,
    Fails,
    Redirects,
    /// Reads, and says nothing.
    Hangs,
    /// Says 200 and never ends.
    Endless,
    /// Closes before it has said anything.
    Closes,
    /// Says what is no HTTP.
    Babbles,
}

#[derive(Clone, Debug)]
pub struct Request {
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    pub did: Does,
}

pub struct Receiver {
    pub url: String,
    pub seen: Arc<Mutex<Vec<Request>>>,
}

impl Receiver {
    /// `does` is asked for each request: the how many-th it is, and what it holds.
    pub async fn start(does: impl Fn(usize, &str) -> Does + Send + Sync + 'static) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (kept, does) = (seen.clone(), Arc::new(does));
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let (kept, does) = (kept.clone(), does.clone());
                tokio::spawn(async move {
                    let decide = |number, body: &str| does(number, body);
                    drop(answer(socket, &kept, &decide).await);
                });
            }
        });
        Receiver { url, seen }
    }

    pub fn taken(&self) -> Vec<Request> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|request| request.did == Does::Takes).cloned().collect()
    }
}

async fn answer(
    mut socket: TcpStream,
    seen: &Mutex<Vec<Request>>,
    does: &(dyn Fn(usize, &str) -> Does + Sync),
) -> std::io::Result<()> {
    loop {
        let Some((headers, body)) = read(&mut socket).await? else { return Ok(()) };
        let did = {
            let mut seen = seen.lock().unwrap();
            let did = does(seen.len(), &String::from_utf8_lossy(&body));
            seen.push(Request { headers, body, did });
            did
        };
        let said: &[u8] = match did {
            Does::Takes => b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
            Does::Fails => b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n",
            Does::Redirects => {
                b"HTTP/1.1 302 Away\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
            }
            Does::Endless => b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            Does::Babbles => b"SSH-2.0-OpenSSH\r\n\r\n",
            Does::Closes => return Ok(()),
            Does::Hangs => {
                tokio::time::sleep(Duration::from_secs(30)).await;
                return Ok(());
            }
        };
        socket.write_all(said).await?;
        if did == Does::Endless {
            loop {
                socket.write_all(b"400\r\n").await?;
                socket.write_all(&[b'x'; 1024]).await?;
                socket.write_all(b"\r\n").await?;
            }
        }
    }
}

type Read = Option<(BTreeMap<String, String>, Vec<u8>)>;

async fn read(socket: &mut TcpStream) -> std::io::Result<Read> {
    let mut text = Vec::new();
    let end = loop {
        if let Some(end) = text.windows(4).position(|part| part == b"\r\n\r\n") {
            break end;
        }
        if socket.read_buf(&mut text).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&text[..end]).to_string();
    let headers: BTreeMap<String, String> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_string()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
    while text.len() < end + 4 + length {
        socket.read_buf(&mut text).await?;
    }
    Ok(Some((headers, text[end + 4..].to_vec())))
}
