//! The evidence: every merge, and the transaction and rule that show it.
//!
//! Merges that joined what was joined are kept too: when one is taken back, another may still hold.

use model::TxHash;

use crate::heuristics::Rule;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub a: u32,
    pub b: u32,
    pub why: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    links: Vec<[u32; 3]>,
}

impl Links {
    pub fn len(&self) -> usize {
        self.links.len()
    }

    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    pub fn push(&mut self, link: Link) {
        self.links.push([link.a, link.b, link.why]);
    }

    pub fn get(&self, at: usize) -> Link {
        let [a, b, why] = self.links[at];
        Link { a, b, why }
    }

    pub fn iter(&self) -> impl Iterator<Item = Link> {
        self.links.iter().map(|[a, b, why]| Link { a: *a, b: *b, why: *why })
    }

    pub fn truncate(&mut self, len: usize) {
        self.links.truncate(len);
    }
}

/// Reasons: a rule and a transaction each. Hashes of one chain are equally long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whys {
    rules: Vec<Rule>,
    hashes: Vec<u8>,
    hash_bytes: usize,
}

impl Whys {
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The number of a reason. Those of one transaction come one after the other, so only the last is compared.
    pub fn put(&mut self, rule: Rule, tx: TxHash) -> u32 {
        if let Some(last) = self.rules.len().checked_sub(1)
            && self.rules[last] == rule
            && self.hash(last) == tx.bytes()
        {
            return number(last);
        }
        self.rules.push(rule);
        self.hash_bytes = tx.bytes().len();
        self.hashes.extend_from_slice(tx.bytes());
        number(self.rules.len() - 1)
    }

    fn hash(&self, at: usize) -> &[u8] {
        &self.hashes[at * self.hash_bytes..(at + 1) * self.hash_bytes]
    }

    /// # Panics
    /// When there is no such reason.
    pub fn get(&self, why: u32) -> (Rule, TxHash) {
        let at = why as usize;
        (self.rules[at], TxHash::new(self.hash(at)))
    }

    pub fn truncate(&mut self, len: usize) {
        self.rules.truncate(len);
        self.hashes.truncate(len * self.hash_bytes);
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("reasons are numbered in 32 bits")
}
