//! News from a node's ZeroMQ publisher.
//!
//! The part of ZMTP 3.0 that a subscriber without encryption needs, over TCP or
//! a local socket: <https://rfc.zeromq.org/spec/23/>. Frames are bounded, since
//! whoever publishes states their length. The crate `zeromq` (0.6) reserves
//! whatever length is stated, so that one frame ends the program.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

trait Wire: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Wire for T {}

/// An open subscription. Dropping a call to [`Subscription::next`] loses nothing.
pub struct Subscription {
    wire: Box<dyn Wire>,
    read: BytesMut,
    parts: Vec<Vec<u8>>,
    /// By topic, the number the next message should have.
    next: HashMap<Vec<u8>, u32>,
}

/// One message of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub topic: String,
    pub body: Vec<u8>,
    /// Messages of this topic were lost before this one.
    pub has_gap: bool,
}

/// What a message of the topic `sequence` says. Source: Bitcoin Core, `doc/zmq.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {
    Connected([u8; 32]),
    Disconnected([u8; 32]),
    /// With the mempool's own count, which `getrawmempool` tells too.
    Added([u8; 32], u64),
    Removed([u8; 32], u64),
}

/// A raw block is the longest message there is.
const FRAME_BYTES_MAX: u64 = 4_000_000;

/// Topic, body, number.
const PARTS: usize = 3;

const GREETING_BYTES: usize = 64;
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

impl Subscription {
    /// `tcp://host:port` or `ipc:///path`. What is published before this
    /// returns is not heard.
    pub async fn open(
        address: &str,
        topics: &[&str],
        timeout: Duration,
    ) -> io::Result<Subscription> {
        let open = async {
            let wire = dial(address).await?;
            let mut subscription = Subscription {
                wire,
                read: BytesMut::new(),
                parts: Vec::new(),
                next: HashMap::new(),
            };
            subscription.greet().await?;
            for topic in topics {
                let frame = frame(0, &[&[1], topic.as_bytes()].concat());
                subscription.wire.write_all(&frame).await?;
            }
            subscription.wire.flush().await?;
            Ok(subscription)
        };
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the publisher does not answer");
        tokio::time::timeout(timeout, open).await.map_err(late)?
    }

    /// The next message.
    pub async fn next(&mut self) -> io::Result<Notice> {
        loop {
            let Some((flags, body)) = self.take_frame()? else {
                self.read_more().await?;
                continue;
            };
            if flags & COMMAND != 0 {
                continue;
            }
            self.parts.push(body);
            if self.parts.len() > PARTS {
                return Err(broken("a message of more than topic, body and number"));
            }
            if flags & MORE == 0 {
                let parts = std::mem::take(&mut self.parts);
                return self.notice(parts);
            }
        }
    }

    fn notice(&mut self, parts: Vec<Vec<u8>>) -> io::Result<Notice> {
        let [topic, body, number] = <[Vec<u8>; PARTS]>::try_from(parts)
            .map_err(|_| broken("a message of less than topic, body and number"))?;
        let number: [u8; 4] =
            number.try_into().map_err(|_| broken("a message's number is not of four bytes"))?;
        let number = u32::from_le_bytes(number);
        let expected = self.next.insert(topic.clone(), number.wrapping_add(1));
        let has_gap = expected.is_some_and(|expected| expected != number);
        let topic = String::from_utf8(topic).map_err(|_| broken("a topic that is no text"))?;
        Ok(Notice { topic, body, has_gap })
    }

    async fn greet(&mut self) -> io::Result<()> {
        let mut greeting = [0; GREETING_BYTES];
        greeting[0] = 0xff;
        greeting[9] = 0x7f;
        greeting[10] = 3;
        greeting[12..16].copy_from_slice(b"NULL");
        self.wire.write_all(&greeting).await?;
        while self.read.len() < GREETING_BYTES {
            self.read_more().await?;
        }
        let theirs = self.read.split_to(GREETING_BYTES);
        if theirs[0] != 0xff || theirs[9] & 1 == 0 || theirs[10] < 3 {
            return Err(broken("this is no ZeroMQ publisher of version 3 or later"));
        }
        if !theirs[12..32].starts_with(b"NULL\0") {
            return Err(broken("the publisher wants encryption or a password"));
        }
        let ready = [&b"\x05READY\x0bSocket-Type"[..], &3_u32.to_be_bytes(), b"SUB"].concat();
        self.wire.write_all(&frame(COMMAND, &ready)).await?;
        let (flags, body) = loop {
            match self.take_frame()? {
                Some(frame) => break frame,
                None => self.read_more().await?,
            }
        };
        if flags & COMMAND == 0 || !body.starts_with(b"\x05READY") {
            return Err(broken("the publisher refuses subscribers"));
        }
        Ok(())
    }

    /// The flags and the body of a frame that is here whole.
    fn take_frame(&mut self) -> io::Result<Option<(u8, Vec<u8>)>> {
        let Some(flags) = self.read.first().copied() else { return Ok(None) };
        let (head, length) = if flags & LONG == 0 {
            let Some(length) = self.read.get(1) else { return Ok(None) };
            (2, u64::from(*length))
        } else {
            let Some(length) = self.read.get(1..9) else { return Ok(None) };
            (9, u64::from_be_bytes(length.try_into().expect("eight bytes were taken")))
        };
        if length > FRAME_BYTES_MAX {
            return Err(broken("a frame longer than a block can be"));
        }
        let length = usize::try_from(length).expect("a block's length fits");
        if self.read.len() < head + length {
            return Ok(None);
        }
        self.read.advance(head);
        Ok(Some((flags, self.read.split_to(length).to_vec())))
    }

    async fn read_more(&mut self) -> io::Result<()> {
        match self.wire.read_buf(&mut self.read).await? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the publisher closed")),
            _ => Ok(()),
        }
    }
}

impl Notice {
    /// Does it say that the chain may have another tip now?
    pub fn is_of_blocks(&self) -> bool {
        match self.topic.as_str() {
            "hashblock" | "rawblock" => true,
            _ => {
                matches!(self.sequence(), Some(Sequence::Connected(_) | Sequence::Disconnected(_)))
            }
        }
    }

    /// What a message of this topic says; none of other topics, or of one that
    /// says something else.
    pub fn sequence(&self) -> Option<Sequence> {
        if self.topic != "sequence" {
            return None;
        }
        let (hash, rest) = self.body.split_first_chunk::<32>()?;
        let (label, count) = rest.split_first()?;
        let count = || Some(u64::from_le_bytes(count.try_into().ok()?));
        match label {
            b'C' => Some(Sequence::Connected(*hash)),
            b'D' => Some(Sequence::Disconnected(*hash)),
            b'A' => Some(Sequence::Added(*hash, count()?)),
            b'R' => Some(Sequence::Removed(*hash, count()?)),
            _ => None,
        }
    }
}

async fn dial(address: &str) -> io::Result<Box<dyn Wire>> {
    if let Some(place) = address.strip_prefix("tcp://") {
        let stream = TcpStream::connect(place).await?;
        stream.set_nodelay(true)?;
        return Ok(Box::new(stream));
    }
    #[cfg(unix)]
    if let Some(path) = address.strip_prefix("ipc://") {
        return Ok(Box::new(tokio::net::UnixStream::connect(path).await?));
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "expected tcp://host:port or ipc:///path"))
}

/// A short frame: all we send.
fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let length = u8::try_from(body.len()).expect("greetings and topics are short");
    [&[flags, length], body].concat()
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests;
