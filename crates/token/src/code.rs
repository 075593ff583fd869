//! What a contract's bytes tell without running them: which functions it answers to, and whether it
//! runs another's code.
//!
//! A function is found where the contract compares the caller's selector with one of its own and
//! jumps: so a selector that the contract merely sends to somebody else is none. Compilers write that
//! in a handful of ways, which are known here; some (Vyper's hash tables) are not, and then nothing is
//! claimed.

use std::collections::BTreeMap;

use alloy_primitives::{B256, keccak256};

mod op {
    pub const SUB: u8 = 0x03;
    pub const EQ: u8 = 0x14;
    pub const ISZERO: u8 = 0x15;
    pub const XOR: u8 = 0x18;
    pub const JUMPI: u8 = 0x57;
    pub const PUSH1: u8 = 0x60;
    pub const PUSH3: u8 = 0x62;
    pub const PUSH4: u8 = 0x63;
    pub const PUSH32: u8 = 0x7f;
    pub const DUP1: u8 = 0x80;
    pub const DUP16: u8 = 0x8f;
    pub const DELEGATECALL: u8 = 0xf4;
    pub const SELFDESTRUCT: u8 = 0xff;
}

/// What the bytes of one contract say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    pub bytes: usize,
    pub hash: B256,
    /// Its functions, each with the place in the code where the caller's selector is compared with it.
    pub functions: BTreeMap<[u8; 4], usize>,
    /// Where it runs another contract's code as its own.
    pub delegates_at: Option<usize>,
    /// Where it can remove itself.
    pub destructs_at: Option<usize>,
}

/// One instruction: its place, its code and what it pushes.
struct Step<'a> {
    at: usize,
    op: u8,
    pushed: &'a [u8],
}

impl Code {
    pub fn read(bytes: &[u8]) -> Code {
        let steps = steps(&bytes[..end_of_code(bytes)]);
        let first = |wanted: u8| steps.iter().find(|step| step.op == wanted).map(|step| step.at);
        let mut functions = BTreeMap::new();
        for n in 0..steps.len() {
            if let Some(selector) = compared(&steps, n) {
                functions.entry(selector).or_insert(steps[n].at);
            }
        }
        Code {
            bytes: bytes.len(),
            hash: keccak256(bytes),
            functions,
            delegates_at: first(op::DELEGATECALL),
            destructs_at: first(op::SELFDESTRUCT),
        }
    }

    /// Can its functions be told at all?
    pub fn is_understood(&self) -> bool {
        !self.functions.is_empty()
    }

    /// Where it answers to a function.
    pub fn answers(&self, signature: &str) -> Option<usize> {
        self.functions.get(&crate::abi::selector(signature)).copied()
    }
}

/// The selector that an instruction pushes to be compared: `PUSH4 s [DUPn] EQ|XOR|SUB [ISZERO]
/// PUSH dest JUMPI`. A selector that begins with a zero byte is pushed as three.
fn compared(steps: &[Step<'_>], n: usize) -> Option<[u8; 4]> {
    let step = steps.get(n)?;
    let selector = match (step.op, step.pushed) {
        (op::PUSH4, pushed) => <[u8; 4]>::try_from(pushed).ok()?,
        // Three bytes are pushed for many reasons: here the caller's selector must be copied for it.
        (op::PUSH3, [a, b, c]) if n > 0 && is_dup(steps.get(n - 1)?) => [0, *a, *b, *c],
        _ => return None,
    };
    let mut rest = steps[n + 1..].iter().peekable();
    rest.next_if(|step| is_dup(step));
    rest.next_if(|step| matches!(step.op, op::EQ | op::XOR | op::SUB))?;
    rest.next_if(|step| step.op == op::ISZERO);
    rest.next_if(|step| (op::PUSH1..=op::PUSH3).contains(&step.op))?;
    rest.next_if(|step| step.op == op::JUMPI)?;
    Some(selector)
}

fn is_dup(step: &Step<'_>) -> bool {
    (op::DUP1..=op::DUP16).contains(&step.op)
}

fn steps(code: &[u8]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut at = 0;
    while let Some(&op) = code.get(at) {
        let width = match op {
            op::PUSH1..=op::PUSH32 => usize::from(op - op::PUSH1) + 1,
            _ => 0,
        };
        let end = (at + 1 + width).min(code.len());
        steps.push(Step { at, op, pushed: &code[at + 1..end] });
        at += 1 + width;
    }
    steps
}

/// Compilers put a note behind the code: a CBOR map, then its length in two bytes.
fn end_of_code(bytes: &[u8]) -> usize {
    let Some(length) = bytes.last_chunk::<2>().map(|end| usize::from(u16::from_be_bytes(*end)))
    else {
        return bytes.len();
    };
    let Some(start) = bytes.len().checked_sub(length + 2) else { return bytes.len() };
    match bytes.get(start) {
        // A map of one to five entries.
        Some(0xa1..=0xa5) if length > 0 => start,
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(hex: &str, expected: &[&str]) {
        let bytes = alloy_primitives::hex::decode(hex).expect("hex");
        let code = Code::read(&bytes);
        let found: Vec<String> = code.functions.keys().map(alloy_primitives::hex::encode).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_function_is_one_that_is_compared_and_jumped_to() {
        // DUP1 PUSH4 EQ PUSH2 JUMPI, as solc writes it.
        check("8063a9059cbb1461004557", &["a9059cbb"]);
        // PUSH4 DUP2 XOR PUSH2 JUMPI, as Vyper does.
        check("6370a08231811861004557", &["70a08231"]);
        // PUSH3 for a selector that begins with a zero.
        check("806206fdde1461004557", &["0006fdde"]);
        // Sent to somebody else, or compared without a jump: none.
        check("63a9059cbb60e01b5f5260045ff1", &[]);
        check("63a9059cbb1460005260206000f3", &[]);
        // Inside of what is pushed it is no instruction.
        check("6a8063a9059cbb1461004557", &[]);
    }

    #[test]
    fn what_stands_behind_the_code_is_not_code() {
        // A note of eleven bytes that holds a comparison.
        check("00a28063a9059cbb1461004557000c", &[]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let code = Code::read(&bytes);
            prop_assert_eq!(code.bytes, bytes.len());
            for (selector, at) in &code.functions {
                let found = &bytes[*at + 1..*at + 5];
                prop_assert!(found == selector || found[..3] == selector[1..]);
            }
        }
    }
}
