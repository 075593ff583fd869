//! Same key: two addresses that one key controls.
//!
//! On Bitcoin a public key may be paid as P2PK, P2PKH and P2WPKH: three scripts, one key. On EVM chains an address
//! is the same key everywhere, *if it is a key*: a contract at the same address of another chain may be another
//! contract. So an address joins its twin on another chain only where both paid for a transaction, which only
//! the key can sign. Bitcoin Cash shares Bitcoin's key hashes; it is not followed, and labels and listings of
//! it meet Bitcoin's by [`model::Key`].
//!
//! P2SH that wraps P2WPKH is not told apart: its script is not known before it is spent.

use model::{Account, Address, Chain, Key};

use crate::script::ScriptKind;

/// Scripts that the key of this one also opens. None of a kind without a single key.
pub fn other_forms(address: &Address) -> Vec<Address> {
    let kind = ScriptKind::of(address);
    let has_key = matches!(
        kind,
        ScriptKind::PublicKey | ScriptKind::PublicKeyHash | ScriptKind::WitnessKeyHash
    );
    if !has_key {
        return Vec::new();
    }
    let account = Account { chain: Chain::BITCOIN, address: address.clone() };
    let Key::PublicKeyHash(hash) = Key::of(&account) else { return Vec::new() };
    let legacy = [&[0x76, 0xa9, 0x14], &hash[..], &[0x88, 0xac]].concat();
    let witness = [&[0x00, 0x14], &hash[..]].concat();
    let forms = [legacy, witness].map(|script| Address::Bitcoin(script.into()));
    forms.into_iter().filter(|form| form != address).collect()
}

/// The same key on another chain of the family, if it can be one.
pub fn twin(account: &Account, chain: Chain) -> Option<Account> {
    let is_evm = matches!((account.chain, chain), (Chain::Evm(_), Chain::Evm(_)));
    (is_evm && account.chain != chain).then(|| Account { chain, address: account.address.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_three_scripts() {
        let read = |text| Address::parse(text, Chain::BITCOIN).expect("reads");
        let legacy = read("1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH");
        let witness = read("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4");
        let bare = read("210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798ac");
        assert_eq!(other_forms(&legacy), std::slice::from_ref(&witness));
        assert_eq!(other_forms(&witness), std::slice::from_ref(&legacy));
        assert_eq!(other_forms(&bare), [legacy, witness]);
        assert!(other_forms(&read("3CWFddi6m4ndiGyKqzYvsFYagqDLPVMTzC")).is_empty());
    }
}
