//! What strangers may send instead of a list: refused, with bounded memory.

mod common;

use std::io::{self, BufRead, BufReader, Read, Write};

use common::day;
use screen::lists::{self, ListError, eu, fbi, ftm, il, issuer, ofac, own, uk, un};

type Reader = fn(Box<dyn BufRead>) -> Result<(), ListError>;

/// Every reader there is.
const READERS: &[(&str, Reader)] = &[
    ("ofac", |input| ofac::read(input, "").map(drop)),
    ("ofac csv", |input| {
        let none: Option<Box<dyn BufRead>> = None;
        let tables =
            ofac::csv::Tables { parties: input, names: none, addresses: None, comments: None };
        ofac::csv::read(tables, day("2025-01-01"), "").map(drop)
    }),
    ("un", |input| un::read(input, "").map(drop)),
    ("eu", |input| eu::read(input, "").map(drop)),
    ("uk", |input| uk::read(input, None, "").map(drop)),
    ("uk conlist", |input| uk::conlist::read(input, None, "").map(drop)),
    ("il", |input| il::read(input, None, day("2025-01-01"), "").map(drop)),
    ("fbi", |input| fbi::read(input, "x", Some(day("2025-01-01")), "").map(drop)),
    ("issuer", |input| issuer::read(input).map(drop)),
    ("ftm", |input| ftm::read(input, "x", Some(day("2025-01-01")), "").map(drop)),
    ("csv", |input| own::read(input, "x", day("2025-01-01"), "").map(drop)),
    ("addresses", |input| lists::addresses::read(input, "x", day("2025-01-01"), "").map(drop)),
    ("ofac delta", |input| ofac::delta::read(input).map(drop)),
];

/// Counts what is read of an endless input: a reader that held it would be noticed before memory is.
struct Counted<R> {
    input: R,
    read: u64,
}

/// No reader holds more than this of one piece; the largest is a notice, read whole.
const READ_MAX: u64 = 64 << 20;

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.read += read as u64;
        assert!(self.read < READ_MAX, "a reader goes on reading");
        Ok(read)
    }
}

fn endless(start: &'static [u8], byte: u8) -> Box<dyn BufRead> {
    let input = start.chain(io::repeat(byte).take(10 << 30));
    Box::new(BufReader::new(Counted { input, read: 0 }))
}

#[test]
fn ten_gigabytes_of_one_byte_are_refused() {
    for (name, read) in READERS {
        for byte in [0, b' ', b'a', b'"', b'<', b'{', b',', b'['] {
            assert!(read(endless(b"", byte)).is_err(), "{name}: {byte}");
        }
    }
}

#[test]
fn an_endless_piece_inside_of_a_list_is_refused() {
    for (name, read, start) in [
        ("un", READERS[2].1, b"<CONSOLIDATED_LIST dateGenerated=\"2026-01-01\"><A>".as_slice()),
        (
            "eu",
            READERS[3].1,
            b"<export generationDate=\"2026-01-01\"><sanctionEntity euReferenceNumber=\"",
        ),
        ("uk", READERS[4].1, b"<Designations><Designation><UniqueID>"),
        ("uk conlist", READERS[5].1, b"Name 6,Group ID\n"),
        ("il", READERS[6].1, b"name,wallet\n\"x"),
        ("csv", READERS[10].1, b"name,wallet\n\"x"),
        (
            "ofac enhanced",
            READERS[0].1,
            b"<sanctionsData><publicationInfo><dataAsOf>2026-01-01</dataAsOf></publicationInfo><entities><entity id=\"1\"><names>",
        ),
        (
            "ofac delta",
            READERS[12].1,
            b"<sanctionsData xmlns=\"https://www.treasury.gov/ofac/DeltaFile/1.0\"><entities><entity id=\"1\" action=\"",
        ),
    ] {
        assert!(read(endless(start, b'x')).is_err(), "{name}");
    }
}

/// Zeros pack by a factor of a million.
#[test]
fn zeros_behind_bzip2_gzip_and_more_of_them_are_refused() {
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..100 {
        bzip2.write_all(&zeros).expect("packs");
        gzip.write_all(&zeros).expect("packs");
    }
    for packed in [bzip2.finish().expect("packs"), gzip.finish().expect("packs")] {
        // Streams one behind the other are one: as many as there are to be had.
        let many: &'static [u8] = Box::leak(packed.repeat(4).into_boxed_slice());
        for (name, read) in READERS {
            let input = lists::open(many).expect("it has a head");
            assert!(read(input).is_err(), "{name}");
        }
        let mut all = lists::open_up_to(many, 1 << 20).expect("it has a head");
        let read = io::copy(&mut all, &mut io::sink());
        assert!(read.is_err(), "more than it is let through");
    }
}

#[test]
fn entity_bombs_are_refused() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]>";
    for (name, read, root) in [
        ("ofac", READERS[0].1, "<Sanctions>&b;</Sanctions>"),
        ("ofac enhanced", READERS[0].1, "<sanctionsData>&b;</sanctionsData>"),
        (
            "ofac delta",
            READERS[12].1,
            "<sanctionsData xmlns=\"https://www.treasury.gov/ofac/DeltaFile/1.0\">&b;</sanctionsData>",
        ),
        (
            "un",
            READERS[2].1,
            "<CONSOLIDATED_LIST dateGenerated=\"2026-01-01\">&b;</CONSOLIDATED_LIST>",
        ),
        ("eu", READERS[3].1, "<export generationDate=\"2026-01-01\">&b;</export>"),
        ("uk", READERS[4].1, "<Designations>&b;</Designations>"),
    ] {
        for text in [format!("{bomb}{root}"), root.to_string()] {
            let input = io::Cursor::new(text.into_bytes());
            assert!(read(Box::new(input)).is_err(), "{name}");
        }
    }
}

#[test]
fn other_encodings_are_refused() {
    let utf16: Vec<u8> =
        "\u{feff}name,wallet\nÄ,x\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin = b"Name 6,Group ID,name,wallet,asset,holder,action,time,tx\n\xe9,\xe9,\xe9,\xe9,\xe9,\xe9,\xe9,\xe9,\xe9\n".to_vec();
    for (name, read) in READERS {
        for bytes in [utf16.clone(), latin.clone()] {
            assert!(read(Box::new(io::Cursor::new(bytes))).is_err(), "{name}");
        }
    }
}

#[test]
fn an_element_of_too_many_is_refused() {
    let many = "<a/>".repeat(60_000);
    let text = format!(
        "<Designations><Designation><UniqueID>1</UniqueID>{many}</Designation></Designations>"
    );
    let error = uk::read(text.as_bytes(), None, "").expect_err("refused").to_string();
    assert!(error.contains("at most 50000 elements"), "{error}");
}
