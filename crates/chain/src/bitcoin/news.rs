//! When to look: told by the node's publisher, else after a while.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::Node;
use super::zmq::{Notice, Subscription};
use crate::source::SourceError;

/// Where to listen, and to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub address: String,
    pub topic: &'static str,
}

/// Topics that tell of blocks, the slightest first.
pub const OF_BLOCKS: [&str; 3] = ["sequence", "hashblock", "rawblock"];

/// The only topic that tells all of the mempool.
pub const OF_MEMPOOL: [&str; 1] = ["sequence"];

/// A publisher may fall silent without a word: look now and then, and this much
/// more seldom than without one.
const SILENCE: u32 = 10;

pub struct News {
    place: Option<Place>,
    open: Option<Subscription>,
    poll: Duration,
    timeout: Duration,
}

/// What came of waiting.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Notice(Notice),
    /// Anything may have happened: nothing is told, or something went unheard.
    Unknown,
}

impl News {
    pub fn new(poll: Duration, timeout: Duration) -> News {
        News { place: None, open: None, poll, timeout }
    }

    pub fn listen_at(&mut self, place: Option<Place>) {
        self.place = place;
    }

    /// Resolves when there may be a new tip.
    pub async fn of_blocks(&mut self) {
        loop {
            match self.next().await {
                Heard::Notice(notice) if !notice.is_of_blocks() && !notice.has_gap => {}
                Heard::Notice(_) | Heard::Unknown => return,
            }
        }
    }

    /// Connects where it can and is not: what is asked for after that is news.
    pub async fn open(&mut self) -> bool {
        if self.open.is_none()
            && let Some(place) = &self.place
        {
            self.open = Subscription::open(&place.address, &[place.topic], self.timeout).await.ok();
        }
        self.open.is_some()
    }

    /// The next notice. A subscription that broke is [`Heard::Unknown`] at once,
    /// and so is a new one: what was said before it went unheard.
    pub async fn next(&mut self) -> Heard {
        if self.open.is_none() {
            if self.open().await {
                return Heard::Unknown;
            }
            tokio::time::sleep(self.poll).await;
            return Heard::Unknown;
        }
        let Some(open) = self.open.as_mut() else { return Heard::Unknown };
        match tokio::time::timeout(self.poll * SILENCE, open.next()).await {
            Ok(Ok(notice)) => Heard::Notice(notice),
            Ok(Err(_)) => {
                self.open = None;
                Heard::Unknown
            }
            Err(_) => Heard::Unknown,
        }
    }
}

#[derive(Deserialize)]
struct Publisher {
    #[serde(rename = "type")]
    kind: String,
    address: String,
}

/// Where the node publishes the first of these topics that it does publish:
/// the address that was configured, else the one it says, where that is its own
/// host. A node cannot send us elsewhere.
pub async fn publisher(node: &Node, topics: &[&'static str]) -> Result<Option<Place>, SourceError> {
    let said: Vec<Publisher> = match node.ask("getzmqnotifications", json!([])).await {
        Ok(reply) => node.read(&reply)?,
        Err(error) if error.is_transient() => return Err(error),
        // Built without, or not to be told to this user.
        Err(_) => Vec::new(),
    };
    for topic in topics {
        let name = format!("pub{topic}");
        let Some(publisher) = said.iter().find(|publisher| publisher.kind == name) else {
            continue;
        };
        let said = on_own_host(&publisher.address, node.rpc.node());
        if let Some(address) = node.zmq.clone().or(said) {
            return Ok(Some(Place { address, topic }));
        }
    }
    Ok(None)
}

/// The publisher's address as it is reached from here.
fn on_own_host(address: &str, node: &str) -> Option<String> {
    let host = host_of(node.split_once("://")?.1);
    let place = address.strip_prefix("tcp://")?;
    let port = place.rsplit_once(':')?.1;
    let is_own = match host_of(place) {
        "0.0.0.0" | "*" | "[::]" => true,
        published if is_loopback(published) => is_loopback(host),
        published => published == host,
    };
    is_own.then(|| format!("tcp://{host}:{port}"))
}

fn host_of(place: &str) -> &str {
    match place.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => place,
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "[::1]") || host.starts_with("127.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, node: &str, expected: Option<&str>) {
        assert_eq!(on_own_host(address, node).as_deref(), expected, "{address} of {node}");
    }

    #[test]
    fn a_node_is_believed_where_it_publishes_only_of_its_own_host() {
        check("tcp://127.0.0.1:28332", "http://127.0.0.1:8332", Some("tcp://127.0.0.1:28332"));
        check("tcp://127.0.0.1:28332", "http://localhost:8332", Some("tcp://localhost:28332"));
        check("tcp://0.0.0.0:28332", "http://10.1.2.3:8332", Some("tcp://10.1.2.3:28332"));
        check("tcp://*:28332", "http://node.example", Some("tcp://node.example:28332"));
        check("tcp://10.1.2.3:28332", "http://10.1.2.3:8332", Some("tcp://10.1.2.3:28332"));
        // Its loopback is not ours, and others are not it.
        check("tcp://127.0.0.1:28332", "http://10.1.2.3:8332", None);
        check("tcp://10.9.9.9:22", "http://10.1.2.3:8332", None);
        check("ipc:///tmp/zmq", "http://127.0.0.1:8332", None);
        check("tcp://127.0.0.1", "http://127.0.0.1:8332", None);
    }
}
