//! A transaction's bytes: signatures, and the message that was signed.
//!
//! Source: <https://solana.com/docs/core/transactions>, and the `solana-message`
//! and `solana-short-vec` crates for the layout.

use ed25519_dalek::{Signature, VerifyingKey};

/// Keys, instructions, and who pays, of a transaction.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// The first is the transaction's id.
    pub signatures: Vec<[u8; 64]>,
    /// Those written in the message; looked-up ones follow them.
    pub keys: Vec<[u8; 32]>,
    pub instructions: Vec<Instruction>,
    /// How many keys are looked up in tables, writable and read-only.
    pub looked_up: (usize, usize),
    /// Where the signed part begins.
    signed_from: usize,
    /// How many of the keys signed.
    signers: usize,
}

/// One instruction. Numbers are places among the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    pub program: usize,
    pub accounts: Vec<usize>,
    pub data: Vec<u8>,
}

/// Set in the first byte of a message that has a version.
const VERSIONED: u8 = 0x80;

impl Message {
    /// Reads a whole transaction. The error says what is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Message, String> {
        let mut reader = Reader { bytes, at: 0 };
        let count = reader.length()?;
        let signatures =
            (0..count).map(|_| reader.array()).collect::<Result<Vec<[u8; 64]>, _>>()?;
        let signed_from = reader.at;
        let first = reader.byte()?;
        let is_versioned = first & VERSIONED != 0;
        if is_versioned && first != VERSIONED {
            return Err(format!("version {}, where only 0 is known", first & !VERSIONED));
        }
        let signers = usize::from(if is_versioned { reader.byte()? } else { first });
        reader.take(2)?;
        let count = reader.length()?;
        let keys = (0..count).map(|_| reader.array()).collect::<Result<Vec<[u8; 32]>, _>>()?;
        reader.take(32)?;
        let count = reader.length()?;
        let instructions =
            (0..count).map(|_| reader.instruction()).collect::<Result<Vec<_>, String>>()?;
        let looked_up = if is_versioned { reader.lookups()? } else { (0, 0) };
        if reader.at != bytes.len() {
            return Err(format!("{} bytes after its end", bytes.len() - reader.at));
        }
        if signatures.is_empty() || signatures.len() != signers || keys.len() < signers {
            return Err("its signatures are not as many as its signers".into());
        }
        Ok(Message { signatures, keys, instructions, looked_up, signed_from, signers })
    }

    /// Did each signer sign these bytes?
    pub fn is_signed(&self, bytes: &[u8]) -> bool {
        let signed = &bytes[self.signed_from..];
        self.signatures.iter().zip(&self.keys[..self.signers]).all(|(signature, key)| {
            let key = VerifyingKey::from_bytes(key);
            key.is_ok_and(|key| {
                key.verify_strict(signed, &Signature::from_bytes(signature)).is_ok()
            })
        })
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).ok_or("a length beyond all bytes")?;
        let taken = self.bytes.get(self.at..end).ok_or("it ends too early")?;
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        Ok(self.take(N)?.try_into().expect("as many were taken"))
    }

    /// Seven bits a byte, three bytes at most.
    fn length(&mut self) -> Result<usize, String> {
        let mut length = 0;
        for shift in [0, 7, 14] {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                // Each element has a byte at least: no list is longer than what is left.
                let is_possible = length <= self.bytes.len();
                return is_possible.then_some(length).ok_or_else(|| "a list too long".into());
            }
        }
        Err("a length of over three bytes".into())
    }

    fn places(&mut self) -> Result<Vec<usize>, String> {
        let count = self.length()?;
        Ok(self.take(count)?.iter().map(|place| usize::from(*place)).collect())
    }

    fn instruction(&mut self) -> Result<Instruction, String> {
        let program = usize::from(self.byte()?);
        let accounts = self.places()?;
        let count = self.length()?;
        Ok(Instruction { program, accounts, data: self.take(count)?.to_vec() })
    }

    /// So many keys from each table, to write and to read.
    fn lookups(&mut self) -> Result<(usize, usize), String> {
        let (mut writable, mut readonly) = (0, 0);
        for _ in 0..self.length()? {
            self.take(32)?;
            writable += self.places()?.len();
            readonly += self.places()?.len();
        }
        Ok((writable, readonly))
    }
}
