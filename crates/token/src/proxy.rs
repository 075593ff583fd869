//! Whose code a contract really runs: proxies of the known kinds, followed to the end.
//!
//! EIP-1167 (minimal), EIP-1967 (implementation, beacon, admin), EIP-1822 (UUPS), and the slots of
//! OpenZeppelin's first upgrades, which USDC on Ethereum still has.

use alloy_primitives::{Address, U256, keccak256};

use crate::abi;
use crate::code::Code;
use crate::sandbox::Sandbox;
use crate::state::StateError;

/// More layers than that are followed by nobody.
const LAYERS_MAX: usize = 4;

/// One contract of the chain from the token's own address to the code that runs.
#[derive(Clone, Debug)]
pub struct Layer {
    pub address: Address,
    pub code: Code,
    /// How it hands on; none where it runs its own code.
    pub next: Option<Hand>,
    /// Who may change whom it hands on to, where a slot says it, with that slot.
    pub admin: Option<(Address, U256)>,
}

/// How a proxy finds the code it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hand {
    pub kind: Kind,
    pub to: Address,
    /// Where it is written, where it is in storage.
    pub slot: Option<U256>,
    /// The beacon that was asked.
    pub beacon: Option<Address>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// EIP-1167: the address is in the code and cannot change.
    Minimal,
    Eip1967,
    Eip1967Beacon,
    Eip1822,
    /// `org.zeppelinos.proxy.implementation`.
    OpenZeppelinOld,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Minimal => "a minimal proxy (EIP-1167)",
            Kind::Eip1967 => "a proxy (EIP-1967)",
            Kind::Eip1967Beacon => "a proxy with a beacon (EIP-1967)",
            Kind::Eip1822 => "a proxy (EIP-1822)",
            Kind::OpenZeppelinOld => "a proxy (OpenZeppelin's first kind)",
        }
    }

    pub fn can_change(self) -> bool {
        self != Kind::Minimal
    }
}

/// The token's layers, itself first. Never empty.
pub fn layers(sandbox: &mut Sandbox<'_>, token: Address) -> Result<Vec<Layer>, StateError> {
    let mut layers: Vec<Layer> = Vec::new();
    let mut at = token;
    loop {
        let bytes = sandbox.code(at)?;
        let code = Code::read(&bytes);
        let next = hand(sandbox, at, &bytes, &code)?;
        let admin = match next {
            Some(_) => admin(sandbox, at)?,
            None => None,
        };
        let to = next.as_ref().map(|hand| hand.to);
        layers.push(Layer { address: at, code, next, admin });
        match to {
            Some(to) if layers.len() < LAYERS_MAX && layers.iter().all(|l| l.address != to) => {
                at = to;
            }
            _ => return Ok(layers),
        }
    }
}

fn hand(
    sandbox: &mut Sandbox<'_>,
    at: Address,
    bytes: &[u8],
    code: &Code,
) -> Result<Option<Hand>, StateError> {
    if let Some(to) = minimal(bytes) {
        return Ok(Some(Hand { kind: Kind::Minimal, to, slot: None, beacon: None }));
    }
    if code.delegates_at.is_none() {
        return Ok(None);
    }
    let slots = [
        (Kind::Eip1967, minus_one("eip1967.proxy.implementation")),
        (Kind::Eip1822, hashed("PROXIABLE")),
        (Kind::OpenZeppelinOld, hashed("org.zeppelinos.proxy.implementation")),
    ];
    for (kind, slot) in slots {
        if let Some(to) = address_in(sandbox, at, slot)? {
            return Ok(Some(Hand { kind, to, slot: Some(slot), beacon: None }));
        }
    }
    let slot = minus_one("eip1967.proxy.beacon");
    let Some(beacon) = address_in(sandbox, at, slot)? else { return Ok(None) };
    let answer = sandbox.ask(beacon, "implementation()", &[])?;
    let to = answer.ok().and_then(|answer| abi::address(&answer)).filter(|to| !to.is_zero());
    let hand = |to| Hand { kind: Kind::Eip1967Beacon, to, slot: Some(slot), beacon: Some(beacon) };
    Ok(to.map(hand))
}

fn admin(sandbox: &mut Sandbox<'_>, at: Address) -> Result<Option<(Address, U256)>, StateError> {
    for slot in [minus_one("eip1967.proxy.admin"), hashed("org.zeppelinos.proxy.admin")] {
        if let Some(admin) = address_in(sandbox, at, slot)? {
            return Ok(Some((admin, slot)));
        }
    }
    Ok(None)
}

/// The address a slot holds; none where it is empty, or holds something else.
fn address_in(
    sandbox: &mut Sandbox<'_>,
    at: Address,
    slot: U256,
) -> Result<Option<Address>, StateError> {
    let word = sandbox.slot(at, slot)?;
    Ok(abi::address_of(word).filter(|address| !address.is_zero()))
}

/// The target of a minimal proxy: the standard bytes around an address, long or short form.
pub fn minimal(bytes: &[u8]) -> Option<Address> {
    const HEAD: &[u8] = &[0x36, 0x3d, 0x3d, 0x37, 0x3d, 0x3d, 0x3d, 0x36, 0x3d];
    const TAIL: &[u8] = &[0x5a, 0xf4, 0x3d, 0x82, 0x80, 0x3e, 0x90, 0x3d, 0x91, 0x60];
    let rest = bytes.strip_prefix(HEAD)?;
    let (push, rest) = rest.split_first()?;
    // PUSH20, or a shorter push for an address that begins with zeros.
    let width = usize::from(push.checked_sub(0x5f)?);
    if !(1..=20).contains(&width) || rest.len() < width {
        return None;
    }
    let (address, rest) = rest.split_at(width);
    if !rest.starts_with(TAIL) || rest.len() > TAIL.len() + 5 {
        return None;
    }
    Some(Address::left_padding_from(address))
}

pub fn hashed(text: &str) -> U256 {
    U256::from_be_bytes(keccak256(text.as_bytes()).0)
}

/// EIP-1967 takes one off, so that nobody knows what hashes to it.
pub fn minus_one(text: &str) -> U256 {
    hashed(text) - U256::ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_standards() {
        let slot = |text: &str| text.parse::<U256>().expect("a word");
        assert_eq!(
            minus_one("eip1967.proxy.implementation"),
            slot("0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc")
        );
        assert_eq!(
            minus_one("eip1967.proxy.beacon"),
            slot("0xa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6cb3582b35133d50")
        );
        assert_eq!(
            hashed("PROXIABLE"),
            slot("0xc5f16f0fcc639fa48a6947836d9850f504798523bf8c9a3a87d5876cf622bcf7")
        );
        assert_eq!(
            hashed("org.zeppelinos.proxy.implementation"),
            slot("0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3")
        );
    }

    #[test]
    fn a_minimal_proxy_is_its_bytes_and_nothing_else() {
        let to = "bebebebebebebebebebebebebebebebebebebebe";
        let code = format!("363d3d373d3d3d363d73{to}5af43d82803e903d91602b57fd5bf3");
        let bytes = alloy_primitives::hex::decode(&code).expect("hex");
        assert_eq!(minimal(&bytes), Some(Address::repeat_byte(0xbe)));
        let short = "363d3d373d3d3d363d61bebe5af43d82803e903d91601957fd5bf3";
        let short = alloy_primitives::hex::decode(short).expect("hex");
        assert_eq!(minimal(&short), Some(Address::left_padding_from(&[0xbe, 0xbe])));
        assert_eq!(minimal(&bytes[..30]), None);
        assert_eq!(minimal(&[bytes.clone(), vec![0; 40]].concat()), None);
    }
}
