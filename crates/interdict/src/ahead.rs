//! Reading ahead in a thread of its own: who unpacks a list need not wait for who understands it.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// What is handed over at a time, and how many wait: memory stays bounded whatever the input unpacks to.
const CHUNK_BYTES: usize = 256 << 10;
const WAITING_MAX: usize = 8;

pub struct Ahead {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    at: usize,
    is_over: bool,
}

impl Ahead {
    /// `open` runs in the thread, so that what it makes need not be sent there.
    pub fn new<R: Read>(open: impl FnOnce() -> io::Result<R> + Send + 'static) -> Ahead {
        let (sender, chunks) = sync_channel(WAITING_MAX);
        // Ends when its input does, or when nobody listens any more.
        std::thread::spawn(move || {
            let end = open().and_then(|input| pump(input, &sender));
            // A reader that went away needs no error.
            if let Err(error) = end {
                drop(sender.send(Err(error)));
            }
        });
        Ahead { chunks, chunk: Vec::new(), at: 0, is_over: false }
    }
}

fn pump(mut input: impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) -> io::Result<()> {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        let read = input.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk);
        let is_end = chunk.is_empty();
        // What came before an error is handed over before it.
        if !is_end && sender.send(Ok(chunk)).is_err() {
            return Ok(());
        }
        read?;
        if is_end {
            return Ok(());
        }
    }
}

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let count = ready.len().min(into.len());
        into[..count].copy_from_slice(&ready[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.chunk.len() && !self.is_over {
            match self.chunks.recv() {
                Ok(Ok(chunk)) => (self.chunk, self.at) = (chunk, 0),
                Ok(Err(error)) => {
                    self.is_over = true;
                    return Err(error);
                }
                Err(_) => self.is_over = true,
            }
        }
        Ok(&self.chunk[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at = (self.at + count).min(self.chunk.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_ahead_is_what_is_there() {
        for len in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 5 * CHUNK_BYTES + 3] {
            let bytes: Vec<u8> = (0u8..=250).cycle().take(len).collect();
            let input = io::Cursor::new(bytes.clone());
            let mut read = Vec::new();
            Ahead::new(move || Ok(input)).read_to_end(&mut read).expect("reads");
            assert_eq!(read, bytes, "{len}");
        }
    }

    #[test]
    fn an_error_comes_after_what_was_read_before_it_and_once() {
        struct Cut(u32);
        impl Read for Cut {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                self.0 += 1;
                match self.0 {
                    1 => {
                        into[..5].fill(7);
                        Ok(5)
                    }
                    _ => Err(io::Error::other("cut off")),
                }
            }
        }
        let mut ahead = Ahead::new(|| Ok(Cut(0)));
        let mut read = Vec::new();
        let error = ahead.read_to_end(&mut read).expect_err("it is cut");
        assert_eq!((error.to_string().as_str(), read.as_slice()), ("cut off", &[7; 5][..]));
        assert_eq!(ahead.read(&mut [0; 8]).expect("nothing more"), 0);
    }

    #[test]
    fn whoever_stops_reading_early_leaves_nothing_waiting() {
        let (told, hears) = sync_channel::<()>(0);
        struct Endless(SyncSender<()>);
        impl Read for Endless {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let _alive = &self.0;
                into.fill(1);
                Ok(into.len())
            }
        }
        let mut ahead = Ahead::new(move || Ok(Endless(told)));
        ahead.read_exact(&mut [0; 10]).expect("reads");
        drop(ahead);
        // The thread drops its input once it finds nobody listening.
        assert!(hears.recv().is_err());
    }
}
