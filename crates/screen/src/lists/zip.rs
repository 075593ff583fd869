//! A zip archive of one file, read as it comes.
//!
//! OFAC publishes its tables and XML so. Encrypted archives, those of several files, and other
//! methods than `stored` and `deflate` are refused; sums are checked.
//!
//! Reference: PKWARE's APPNOTE.TXT, 4.3.

use std::io::{self, BufRead, Read};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

/// The bytes of the only file.
pub struct Only<R: BufRead> {
    body: Body<R>,
    crc: Crc,
    /// What the header before the file says; none where it follows.
    told: Option<u32>,
}

enum Body<R: BufRead> {
    Deflated(Box<DeflateDecoder<R>>),
    Stored(io::Take<R>),
    Done,
}

impl<R: BufRead> Only<R> {
    pub fn open(mut input: R) -> io::Result<Only<R>> {
        let mut header = [0; 30];
        input.read_exact(&mut header)?;
        let short = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let long = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|n| header[at + n]));
        let (flags, method) = (short(6), short(8));
        let skipped = u64::from(short(26)) + u64::from(short(28));
        io::copy(&mut input.by_ref().take(skipped), &mut io::sink())?;
        if flags & 1 != 0 {
            return Err(wrong("the archive is encrypted"));
        }
        let is_told = flags & 8 == 0;
        let body = match method {
            0 if is_told => Body::Stored(input.take(u64::from(long(18)))),
            8 => Body::Deflated(Box::new(DeflateDecoder::new(input))),
            _ => return Err(wrong("the archive is packed by a method that is not read")),
        };
        Ok(Only { body, crc: Crc::new(), told: is_told.then(|| long(14)) })
    }

    /// After the last byte: its sum is right, and no other file comes.
    fn finish(&mut self) -> io::Result<()> {
        let mut rest = match std::mem::replace(&mut self.body, Body::Done) {
            Body::Deflated(decoder) => decoder.into_inner(),
            Body::Stored(taken) if taken.limit() > 0 => {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Body::Stored(taken) => taken.into_inner(),
            Body::Done => return Ok(()),
        };
        let told = match self.told {
            Some(told) => told,
            None => {
                let first = four(&mut rest)?;
                let told = if first == *b"PK\x07\x08" { four(&mut rest)? } else { first };
                // Two sizes, which the sum makes needless.
                four(&mut rest)?;
                four(&mut rest)?;
                u32::from_le_bytes(told)
            }
        };
        if told != self.crc.sum() {
            return Err(wrong("the archive is damaged: its sum is another"));
        }
        if four(&mut rest)? != *b"PK\x01\x02" {
            return Err(wrong("the archive holds more than one file"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Only<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.body {
            Body::Deflated(decoder) => decoder.read(buffer)?,
            Body::Stored(taken) => taken.read(buffer)?,
            Body::Done => return Ok(0),
        };
        match read {
            0 => self.finish().map(|()| 0),
            read => {
                self.crc.update(&buffer[..read]);
                Ok(read)
            }
        }
    }
}

fn four(input: &mut impl Read) -> io::Result<[u8; 4]> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive as common tools write it; `is_told` puts the sum before the file.
    fn archive(files: &[&[u8]], is_deflated: bool, is_told: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        for content in files {
            let mut crc = Crc::new();
            crc.update(content);
            let mut packed = Vec::new();
            match is_deflated {
                true => {
                    let level = flate2::Compression::default();
                    let mut encoder = flate2::bufread::DeflateEncoder::new(*content, level);
                    encoder.read_to_end(&mut packed).expect("packs");
                }
                false => packed.extend_from_slice(content),
            }
            let size = u32::try_from(packed.len()).expect("small");
            let of = |told: u32| if is_told { told } else { 0 };
            bytes.extend_from_slice(b"PK\x03\x04\x14\0");
            bytes.extend_from_slice(&[if is_told { 0 } else { 8 }, 0]);
            bytes.extend_from_slice(&[if is_deflated { 8 } else { 0 }, 0, 0, 0, 0, 0]);
            bytes.extend_from_slice(&of(crc.sum()).to_le_bytes());
            bytes.extend_from_slice(&of(size).to_le_bytes());
            bytes.extend_from_slice(&of(size).to_le_bytes());
            bytes.extend_from_slice(&[5, 0, 0, 0]);
            bytes.extend_from_slice(b"a.txt");
            bytes.extend_from_slice(&packed);
            if !is_told {
                bytes.extend_from_slice(b"PK\x07\x08");
                bytes.extend_from_slice(&crc.sum().to_le_bytes());
                bytes.extend_from_slice(&[0; 8]);
            }
        }
        bytes.extend_from_slice(b"PK\x01\x02 and so on");
        bytes
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        Only::open(bytes)?.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn the_only_file_is_read() {
        for (is_deflated, is_told) in [(true, true), (true, false), (false, true)] {
            let packed = archive(&[b"one line\n"], is_deflated, is_told);
            assert_eq!(read(&packed).expect("reads"), b"one line\n");
        }
    }

    #[test]
    fn what_is_cut_damaged_or_more_than_one_file_is_refused() {
        let whole = archive(&[b"one line\n"], true, true);
        let before_directory = whole.len() - b"PK\x01\x02 and so on".len();
        for end in 4..before_directory + 4 {
            assert!(read(&whole[..end]).is_err(), "cut at {end}");
        }
        let mut damaged = archive(&[b"one line\n"], false, true);
        let at = damaged.windows(3).position(|bytes| bytes == b"one").expect("it is there");
        damaged[at] = b'O';
        assert!(read(&damaged).is_err());
        let two = archive(&[b"one", b"two"], true, true);
        let error = read(&two).expect_err("two files").to_string();
        assert!(error.contains("more than one"), "{error}");
    }
}
