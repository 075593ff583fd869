//! The bytes of a file as they are read: counted and hashed on the way.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use model::hex;
use sha2::{Digest, Sha256};

pub struct Input<'a> {
    reader: &'a mut dyn BufRead,
    hasher: Sha256,
    read: Rc<Cell<u64>>,
}

impl<'a> Input<'a> {
    pub fn new(reader: &'a mut dyn BufRead) -> Input<'a> {
        Input { reader, hasher: Sha256::new(), read: Rc::default() }
    }

    /// How many bytes have been read; shared, so that it can be looked at
    /// while a parser holds the input.
    pub fn counter(&self) -> Rc<Cell<u64>> {
        self.read.clone()
    }

    /// Reads what the importer left over and gives the hash of the whole file.
    pub fn finish(mut self) -> io::Result<String> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(hex::encode(&self.hasher.finalize()))
    }
}

impl Read for Input<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let len = available.len().min(into.len());
        into[..len].copy_from_slice(&available[..len]);
        self.consume(len);
        Ok(len)
    }
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    /// Bytes count as read, and are hashed, once they are consumed.
    fn consume(&mut self, len: usize) {
        let Ok(buffered) = self.reader.fill_buf() else { return };
        let taken = &buffered[..len.min(buffered.len())];
        self.hasher.update(taken);
        self.read.set(self.read.get() + taken.len() as u64);
        self.reader.consume(len);
    }
}

/// The hash of a file that is not streamed.
pub fn sha256(mut reader: impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(hex::encode(&hasher.finalize())),
            Ok(len) => hasher.update(&buffer[..len]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
