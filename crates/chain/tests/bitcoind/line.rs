//! A connection that breaks again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::coins::Dice;

/// Between us and the node: breaks every connection after so many bytes at most, often in the
/// middle of an answer, and lets some wait. Counts what it broke.
pub async fn bad_connection(port: u16, bytes_max: usize) -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let own = listener.local_addr().expect("bound").port();
    let broken = Arc::new(AtomicU64::new(0));
    let counter = broken.clone();
    tokio::spawn(async move {
        let mut dice = Dice(3);
        while let Ok((stream, _)) = listener.accept().await {
            let (is_slow, left) = (dice.roll(3) == 0, dice.index(bytes_max));
            let counter = counter.clone();
            tokio::spawn(async move {
                // Whoever had enough closes: no fault of the test.
                if let Ok(true) = pass_on(stream, port, is_slow, left).await {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    (own, broken)
}

/// Passes so many bytes of the node on. Was it cut off then?
async fn pass_on(
    mut here: TcpStream,
    port: u16,
    is_slow: bool,
    mut left: usize,
) -> std::io::Result<bool> {
    let mut there = TcpStream::connect(("127.0.0.1", port)).await?;
    let mut up = vec![0; 4096];
    let mut down = vec![0; 4096];
    loop {
        tokio::select! {
            count = here.read(&mut up) => match count? {
                0 => return Ok(false),
                count => there.write_all(&up[..count]).await?,
            },
            count = there.read(&mut down) => {
                let count = count?.min(left);
                if count == 0 {
                    return Ok(false);
                }
                if is_slow {
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
                left -= count;
                here.write_all(&down[..count]).await?;
                if left == 0 {
                    return Ok(true);
                }
            },
        }
    }
}
