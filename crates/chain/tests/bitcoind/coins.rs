//! Coins of one key under every kind of lock, and payments between them.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::key::{Keypair, Secp256k1, TapTweak};
use bitcoin::opcodes::all::{OP_CHECKMULTISIG, OP_CHECKSIG, OP_RETURN};
use bitcoin::opcodes::{OP_0, OP_TRUE};
use bitcoin::script::{Builder, PushBytesBuf};
use bitcoin::secp256k1::{All, Message, SecretKey};
use bitcoin::sighash::{EcdsaSighashType, Prevouts, SighashCache, TapSighashType};
use bitcoin::{
    Amount, OutPoint, PublicKey, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness,
    transaction::Version,
};

/// Splitmix64: <https://prng.di.unimi.it/splitmix64.c>.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    pub fn index(&mut self, sides: usize) -> usize {
        usize::try_from(self.roll(sides as u64)).expect("below a length")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    Key,
    KeyHash,
    Multisig,
    ScriptHash,
    NestedWitness,
    WitnessKeyHash,
    WitnessScriptHash,
    Taproot,
    /// Anyone may spend it: not standard, but valid.
    Open,
}

impl Lock {
    pub const ALL: [Lock; 9] = [
        Lock::Key,
        Lock::KeyHash,
        Lock::Multisig,
        Lock::ScriptHash,
        Lock::NestedWitness,
        Lock::WitnessKeyHash,
        Lock::WitnessScriptHash,
        Lock::Taproot,
        Lock::Open,
    ];
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coin {
    pub at: OutPoint,
    pub out: TxOut,
    pub lock: Lock,
    /// The height from which it may be spent.
    pub ripe: u64,
}

pub struct Purse {
    secp: Secp256k1<All>,
    pair: Keypair,
}

impl Purse {
    pub fn new(n: u8) -> Purse {
        let secp = Secp256k1::new();
        let secret = SecretKey::from_slice(&[n; 32]).expect("a key");
        let pair = Keypair::from_secret_key(&secp, &secret);
        Purse { secp, pair }
    }

    fn key(&self) -> PublicKey {
        PublicKey::new(self.pair.public_key())
    }

    pub fn script(&self, lock: Lock) -> ScriptBuf {
        let key = self.key();
        let witness = key.wpubkey_hash().expect("compressed");
        match lock {
            Lock::Key => Builder::new().push_key(&key).push_opcode(OP_CHECKSIG).into_script(),
            Lock::KeyHash => ScriptBuf::new_p2pkh(&key.pubkey_hash()),
            Lock::Multisig => Builder::new()
                .push_int(1)
                .push_key(&key)
                .push_key(&key)
                .push_int(2)
                .push_opcode(OP_CHECKMULTISIG)
                .into_script(),
            Lock::ScriptHash => open().to_p2sh(),
            Lock::NestedWitness => ScriptBuf::new_p2wpkh(&witness).to_p2sh(),
            Lock::WitnessKeyHash => ScriptBuf::new_p2wpkh(&witness),
            Lock::WitnessScriptHash => open().to_p2wsh(),
            Lock::Taproot => ScriptBuf::new_p2tr(&self.secp, self.pair.x_only_public_key().0, None),
            Lock::Open => open(),
        }
    }

    /// Spends these to these scripts and pays the rest of the value in fees.
    pub fn pay(&self, coins: &[Coin], outputs: Vec<TxOut>) -> Transaction {
        let input = coins.iter().map(|coin| TxIn {
            previous_output: coin.at,
            script_sig: ScriptBuf::new(),
            // May be replaced.
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            witness: Witness::new(),
        });
        let mut tx = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: input.collect(),
            output: outputs,
        };
        let spent: Vec<TxOut> = coins.iter().map(|coin| coin.out.clone()).collect();
        for (index, coin) in coins.iter().enumerate() {
            let (script_sig, witness) = self.unlock(&tx, index, coin, &spent);
            tx.input[index].script_sig = script_sig;
            tx.input[index].witness = witness;
        }
        tx
    }

    fn unlock(
        &self,
        tx: &Transaction,
        index: usize,
        coin: &Coin,
        spent: &[TxOut],
    ) -> (ScriptBuf, Witness) {
        let key = self.key();
        let nothing = ScriptBuf::new;
        match coin.lock {
            Lock::Open => (nothing(), Witness::new()),
            Lock::ScriptHash => (pushes(&[open().as_bytes()]), Witness::new()),
            Lock::WitnessScriptHash => (nothing(), Witness::from_slice(&[open().as_bytes()])),
            Lock::Key => (pushes(&[&self.legacy(tx, index, coin)]), Witness::new()),
            Lock::KeyHash => {
                (pushes(&[&self.legacy(tx, index, coin), &key.to_bytes()]), Witness::new())
            }
            Lock::Multisig => {
                let signature = push(&self.legacy(tx, index, coin));
                let script = Builder::new().push_opcode(OP_0).push_slice(signature).into_script();
                (script, Witness::new())
            }
            Lock::WitnessKeyHash => (nothing(), self.witness(tx, index, coin)),
            Lock::NestedWitness => {
                let inner = self.script(Lock::WitnessKeyHash);
                (pushes(&[inner.as_bytes()]), self.witness(tx, index, coin))
            }
            Lock::Taproot => {
                let hash = SighashCache::new(tx)
                    .taproot_key_spend_signature_hash(
                        index,
                        &Prevouts::All(spent),
                        TapSighashType::Default,
                    )
                    .expect("an input");
                let pair = self.pair.tap_tweak(&self.secp, None).to_keypair();
                let message = Message::from_digest(hash.to_byte_array());
                let signature = self.secp.sign_schnorr_no_aux_rand(&message, &pair);
                (nothing(), Witness::from_slice(&[signature.as_ref()]))
            }
        }
    }

    fn legacy(&self, tx: &Transaction, index: usize, coin: &Coin) -> Vec<u8> {
        let all = EcdsaSighashType::All;
        let hash = SighashCache::new(tx)
            .legacy_signature_hash(index, &coin.out.script_pubkey, all.to_u32())
            .expect("an input");
        self.sign(Message::from_digest(hash.to_byte_array()))
    }

    fn witness(&self, tx: &Transaction, index: usize, coin: &Coin) -> Witness {
        let inner = self.script(Lock::WitnessKeyHash);
        let all = EcdsaSighashType::All;
        let hash = SighashCache::new(tx)
            .p2wpkh_signature_hash(index, &inner, coin.out.value, all)
            .expect("an input");
        let signature = self.sign(Message::from_digest(hash.to_byte_array()));
        Witness::from_slice(&[signature, self.key().to_bytes()])
    }

    fn sign(&self, message: Message) -> Vec<u8> {
        let signature = self.secp.sign_ecdsa(&message, &self.pair.secret_key());
        bitcoin::ecdsa::Signature::sighash_all(signature).to_vec()
    }

    /// A payment from one to three ripe coins, which it takes, to one to six
    /// outputs of any lock, and a fee. Now and then a note that nobody can spend.
    pub fn random(
        &self,
        dice: &mut Dice,
        coins: &mut Vec<Coin>,
        height: u64,
    ) -> Option<Transaction> {
        let mut spent = Vec::new();
        for _ in 0..=dice.roll(3) {
            let ripe: Vec<usize> = (0..coins.len()).filter(|n| coins[*n].ripe <= height).collect();
            if ripe.is_empty() {
                break;
            }
            spent.push(coins.swap_remove(ripe[dice.index(ripe.len())]));
        }
        let mut left: u64 = spent.iter().map(|coin| coin.out.value.to_sat()).sum();
        left = left.checked_sub(dice.roll(5_000) + 1_000).filter(|left| *left > 20_000)?;
        let mut outputs = Vec::new();
        let mut locks = Vec::new();
        let count = dice.roll(6) + 1;
        for n in 0..count {
            let value = if n + 1 == count { left } else { 1_000 + dice.roll(left / 2) };
            if value > left || left - value < 2_000 && n + 1 < count {
                continue;
            }
            left -= value;
            let lock = Lock::ALL[dice.index(Lock::ALL.len())];
            locks.push(lock);
            outputs
                .push(TxOut { value: Amount::from_sat(value), script_pubkey: self.script(lock) });
        }
        let made = locks.len();
        if dice.roll(8) == 0 {
            outputs.push(TxOut { value: Amount::ZERO, script_pubkey: note() });
        }
        let tx = self.pay(&spent, outputs);
        let txid = tx.compute_txid();
        for (n, lock) in locks.iter().enumerate().take(made) {
            let at = OutPoint::new(txid, u32::try_from(n).expect("few"));
            coins.push(Coin { at, out: tx.output[n].clone(), lock: *lock, ripe: height });
        }
        Some(tx)
    }
}

pub fn note() -> ScriptBuf {
    Builder::new().push_opcode(OP_RETURN).push_slice(b"a note").into_script()
}

fn open() -> ScriptBuf {
    Builder::new().push_opcode(OP_TRUE).into_script()
}

fn push(bytes: &[u8]) -> PushBytesBuf {
    PushBytesBuf::try_from(bytes.to_vec()).expect("short")
}

fn pushes(parts: &[&[u8]]) -> ScriptBuf {
    let add = |script: Builder, part: &&[u8]| script.push_slice(push(part));
    parts.iter().fold(Builder::new(), add).into_script()
}
