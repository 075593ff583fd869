//! A publisher made by hand; the real one is in `tests/bitcoin_mempool.rs`.

use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};

use super::*;

const WAIT: Duration = Duration::from_secs(20);

fn greeting() -> Vec<u8> {
    let mut bytes = vec![0; GREETING_BYTES];
    bytes[0] = 0xff;
    bytes[9] = 0x7f;
    bytes[10] = 3;
    bytes[11] = 1;
    bytes[12..16].copy_from_slice(b"NULL");
    bytes
}

fn ready() -> Vec<u8> {
    frame(COMMAND, b"\x05READY\x0bSocket-Type\0\0\0\x03PUB")
}

fn message(topic: &str, body: &[u8], number: u32) -> Vec<u8> {
    let long = |flags: u8, body: &[u8]| {
        [&[flags | LONG][..], &(body.len() as u64).to_be_bytes(), body].concat()
    };
    [frame(MORE, topic.as_bytes()), long(MORE, body), frame(0, &number.to_le_bytes())].concat()
}

/// Listens, sends these bytes to whoever comes, and gives back what they said.
async fn publish(bytes: Vec<u8>) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("tcp://{}", listener.local_addr().expect("bound"));
    let heard = tokio::spawn(async move {
        let (mut stream, _): (TcpStream, _) = listener.accept().await.expect("someone");
        // In small pieces: a frame need not come whole.
        for piece in bytes.chunks(7) {
            stream.write_all(piece).await.expect("sent");
            stream.flush().await.expect("sent");
        }
        let mut heard = vec![0; GREETING_BYTES + 27 + 11];
        stream.read_exact(&mut heard).await.expect("a greeting, ready, a subscription");
        heard
    });
    (address, heard)
}

async fn open(bytes: Vec<u8>) -> io::Result<Subscription> {
    let (address, _) = publish(bytes).await;
    Subscription::open(&address, &["sequence"], WAIT).await
}

/// A subscription past its greeting, and its publisher's end.
fn pair() -> (Subscription, DuplexStream) {
    let (ours, theirs) = tokio::io::duplex(64);
    let subscription = Subscription {
        wire: Box::new(ours),
        read: BytesMut::new(),
        parts: Vec::new(),
        next: HashMap::new(),
    };
    (subscription, theirs)
}

#[tokio::test]
async fn messages_come_in_order_and_lost_ones_are_noticed() {
    let said = [
        greeting(),
        ready(),
        message("sequence", &[&[7; 32][..], b"C"].concat(), 4),
        message("sequence", &[&[8; 32][..], b"A", &9_u64.to_le_bytes()].concat(), 5),
        message("hashblock", &[9; 32], 0),
        message("sequence", &[1; 300], 7),
    ];
    let (address, heard) = publish(said.concat()).await;
    let mut news = Subscription::open(&address, &["sequence"], WAIT).await.expect("opens");
    let first = news.next().await.expect("a message");
    assert_eq!((first.sequence(), first.has_gap), (Some(Sequence::Connected([7; 32])), false));
    assert!(first.is_of_blocks());
    let second = news.next().await.expect("a message");
    assert_eq!((second.sequence(), second.has_gap), (Some(Sequence::Added([8; 32], 9)), false));
    assert!(!second.is_of_blocks());
    assert!(news.next().await.expect("a message").is_of_blocks());
    let last = news.next().await.expect("a message");
    assert_eq!((last.sequence(), last.has_gap), (None, true));
    let heard = heard.await.expect("it listened");
    assert!(heard.ends_with(b"\x00\x09\x01sequence"), "{heard:?}");
}

#[tokio::test]
async fn what_is_no_publisher_is_refused() {
    let mut encrypted = greeting();
    encrypted[12..17].copy_from_slice(b"CURVE");
    for (bytes, expected) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".repeat(4), "no ZeroMQ publisher"),
        (encrypted, "encryption"),
        ([greeting(), frame(COMMAND, b"\x05ERROR\x02no")].concat(), "refuses"),
    ] {
        let error = open(bytes).await.err().expect(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_frame_without_end_is_refused_before_it_is_read() {
    for length in [FRAME_BYTES_MAX + 1, u64::MAX] {
        let (mut news, mut theirs) = pair();
        let head = [&[LONG][..], &length.to_be_bytes()].concat();
        theirs.write_all(&head).await.expect("sent");
        let error = news.next().await.expect_err("too long").to_string();
        assert!(error.contains("longer than a block"), "{error}");
    }
}

#[tokio::test]
async fn a_message_of_other_parts_is_refused() {
    for parts in [vec![frame(0, b"sequence")], vec![frame(MORE, b"x"); 4]] {
        let (mut news, mut theirs) = pair();
        theirs.write_all(&parts.concat()).await.expect("sent");
        assert!(news.next().await.is_err());
    }
}

#[tokio::test]
async fn a_call_that_was_dropped_in_the_middle_loses_nothing() {
    let (mut news, mut theirs) = pair();
    let message = message("hashblock", &[9; 32], 0);
    let (head, tail) = message.split_at(20);
    theirs.write_all(head).await.expect("sent");
    let halfway = tokio::time::timeout(Duration::from_millis(20), news.next()).await;
    assert!(halfway.is_err());
    theirs.write_all(tail).await.expect("sent");
    assert_eq!(news.next().await.expect("whole").body, [9; 32]);
}
