//! Blocks of Solana made for a test: signed transactions, and what a node says of them.

#![allow(dead_code, reason = "each test uses its part")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};

pub const SYSTEM: [u8; 32] = [0; 32];
pub const SLOT: u64 = 250_000_000;
pub const FEE: u64 = 5000;

pub fn text(key: &[u8]) -> String {
    bs58::encode(key).into_string()
}

pub fn key(text: &str) -> [u8; 32] {
    let mut key = [0; 32];
    bs58::decode(text).onto(&mut key).expect("a key");
    key
}

pub fn token_program() -> [u8; 32] {
    key("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
}

/// A transaction of one signer, whose key is the first.
#[derive(Clone)]
pub struct Tx {
    pub payer: SigningKey,
    /// After the payer's.
    pub keys: Vec<[u8; 32]>,
    /// Program, accounts, data: places among all keys.
    pub instructions: Vec<(u8, Vec<u8>, Vec<u8>)>,
    /// How many keys a table gives, to write and to read. None: no version.
    pub looked_up: Option<(u8, u8)>,
    pub meta: Value,
}

impl Tx {
    /// Balances stay as they were, but for the fee, until the test says otherwise.
    pub fn new(seed: u8, keys: Vec<[u8; 32]>) -> Tx {
        let before: Vec<u64> = vec![1_000_000_000; keys.len() + 1];
        let mut tx = Tx {
            payer: SigningKey::from_bytes(&[seed; 32]),
            keys,
            instructions: Vec::new(),
            looked_up: None,
            meta: json!({ "err": null, "fee": FEE, "innerInstructions": [] }),
        };
        tx.meta["preBalances"] = json!(before);
        tx.meta["postBalances"] = json!(before);
        tx.change(0, -i64::try_from(FEE).expect("small"));
        tx
    }

    pub fn owner(&self) -> [u8; 32] {
        self.payer.verifying_key().to_bytes()
    }

    /// The balance after is so much more than before.
    pub fn change(&mut self, at: usize, by: i64) {
        let after = &mut self.meta["postBalances"][at];
        *after = json!(after.as_i64().expect("a number") + by);
    }

    fn message(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.looked_up.is_some() {
            out.push(0x80);
        }
        out.extend([1, 0, 0]);
        length(&mut out, self.keys.len() + 1);
        out.extend(self.owner());
        self.keys.iter().for_each(|key| out.extend(key));
        out.extend([9; 32]);
        length(&mut out, self.instructions.len());
        for (program, accounts, data) in &self.instructions {
            out.push(*program);
            length(&mut out, accounts.len());
            out.extend(accounts);
            length(&mut out, data.len());
            out.extend(data);
        }
        if let Some((writable, readonly)) = self.looked_up {
            out.extend([1]);
            out.extend([8; 32]);
            out.push(writable);
            out.extend(0..writable);
            out.push(readonly);
            out.extend(writable..writable + readonly);
        }
        out
    }

    pub fn bytes(&self) -> Vec<u8> {
        let message = self.message();
        let signature = self.payer.sign(&message).to_bytes();
        [&[1], &signature[..], &message].concat()
    }

    pub fn id(&self) -> String {
        text(&self.bytes()[1..65])
    }

    fn said(&self) -> Value {
        json!({ "transaction": [STANDARD.encode(self.bytes()), "base64"], "meta": self.meta })
    }
}

fn length(out: &mut Vec<u8>, length: usize) {
    let mut rest = length;
    loop {
        let low = u8::try_from(rest & 0x7f).expect("seven bits");
        rest >>= 7;
        if rest == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

pub fn block(txs: &[Tx]) -> Value {
    json!({
        "blockHeight": 230_000_000, "blockTime": 1_700_000_000, "parentSlot": SLOT - 1,
        "blockhash": text(&[3; 32]), "previousBlockhash": text(&[2; 32]), "rewards": [],
        "transactions": txs.iter().map(Tx::said).collect::<Vec<_>>(),
    })
}

pub fn pay(amount: u64) -> Vec<u8> {
    [&2u32.to_le_bytes()[..], &amount.to_le_bytes()].concat()
}

/// The payer pays, as it says.
pub fn payment(seed: u8, amount: u32) -> Tx {
    let mut tx = Tx::new(seed, vec![[0xbb; 32], SYSTEM]);
    tx.instructions = vec![(2, vec![0, 1], pay(amount.into()))];
    tx.change(0, -i64::from(amount));
    tx.change(1, amount.into());
    tx
}

/// What the node says an account holds of a token.
pub fn tokens(at: usize, mint: &[u8; 32], owner: &[u8; 32], amount: u64) -> Value {
    json!({
        "accountIndex": at, "mint": text(mint), "owner": text(owner),
        "uiTokenAmount": { "amount": amount.to_string(), "decimals": 6 },
    })
}
