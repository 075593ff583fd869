//! What kind of output script an address is: the plainest mark a wallet leaves.

use model::Address;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScriptKind {
    PublicKey,
    PublicKeyHash,
    ScriptHash,
    WitnessKeyHash,
    WitnessScriptHash,
    Taproot,
    /// `OP_RETURN`: nobody owns it.
    Null,
    Other,
}

impl ScriptKind {
    /// Addresses of account chains have no script.
    pub fn of(address: &Address) -> ScriptKind {
        let Address::Bitcoin(script) = address else { return ScriptKind::Other };
        match &script[..] {
            [0x76, 0xa9, 0x14, hash @ .., 0x88, 0xac] if hash.len() == 20 => {
                ScriptKind::PublicKeyHash
            }
            [0xa9, 0x14, hash @ .., 0x87] if hash.len() == 20 => ScriptKind::ScriptHash,
            [0x00, 0x14, program @ ..] if program.len() == 20 => ScriptKind::WitnessKeyHash,
            [0x00, 0x20, program @ ..] if program.len() == 32 => ScriptKind::WitnessScriptHash,
            [0x51, 0x20, program @ ..] if program.len() == 32 => ScriptKind::Taproot,
            [33, key @ .., 0xac] if key.len() == 33 => ScriptKind::PublicKey,
            [65, key @ .., 0xac] if key.len() == 65 => ScriptKind::PublicKey,
            [0x6a, ..] => ScriptKind::Null,
            _ => ScriptKind::Other,
        }
    }
}

/// Can this be owned at all? Data, empty scripts and keyless anchors cannot.
pub fn can_be_owned(address: &Address) -> bool {
    const ANCHOR: [u8; 4] = [0x51, 0x02, 0x4e, 0x73];
    match address {
        Address::Bitcoin(script) => {
            !script.is_empty()
                && script[..] != ANCHOR
                && ScriptKind::of(address) != ScriptKind::Null
        }
        _ => true,
    }
}
