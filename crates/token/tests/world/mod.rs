//! A small chain told by hand: one token, one pool, one other token.

use std::collections::BTreeMap;
use std::path::Path;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use model::{Asset, Book, Chain, Registry};
use token::state::Told;
use token::{Age, BlockContext, Check, Inputs, Verified};

pub const OWNER: Address = Address::repeat_byte(0x11);
pub const TOKEN: Address = Address::repeat_byte(0x22);
pub const QUOTE: Address = Address::repeat_byte(0x33);
pub const POOL: Address = Address::repeat_byte(0x44);

/// The contracts of `fixtures/token`, as deployed, by name.
pub fn code(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/token/Tokens.hex");
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    let all: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.nth(1)?))
        })
        .collect();
    alloy_primitives::hex::decode(all[name]).expect("hex").into()
}

/// Where a mapping keeps the value of an address.
pub fn of(slot: u64, who: Address) -> U256 {
    let key = [who.into_word().0, U256::from(slot).to_be_bytes::<32>()].concat();
    U256::from_be_bytes(keccak256(key).0)
}

pub fn ether(count: u64) -> U256 {
    U256::from(count) * U256::from(1_000_000_000_000_000_000u64)
}

fn word(address: Address) -> U256 {
    U256::from_be_slice(address.as_slice())
}

/// Gives a token its books: owner with half of a million, the pool with a thousand.
pub fn books(told: &mut Told, token: Address) {
    told.slot(token, of(0, OWNER), ether(500_000));
    told.slot(token, of(0, POOL), ether(1_000));
    told.slot(token, U256::from(2), ether(1_000_000));
    told.slot(token, U256::from(3), word(OWNER));
    told.slot(token, U256::from(4), word(POOL));
}

/// A chain with a token of this code, and a pool of it with an honest one.
pub fn world(name: &str) -> Told {
    let block = BlockContext {
        chain_id: 1,
        number: 20_000_000,
        hash: B256::repeat_byte(7),
        time: 1_700_000_000,
        base_fee: 7,
    };
    let mut told = Told::new(block);
    told.code(TOKEN, code(name));
    told.code(QUOTE, code("Honest"));
    told.code(POOL, code("Pair"));
    books(&mut told, TOKEN);
    books(&mut told, QUOTE);
    told.slot(POOL, of(0, OWNER), ether(1));
    told.slot(POOL, U256::from(1), ether(1));
    told.slot(POOL, U256::from(2), word(TOKEN));
    told.slot(POOL, U256::from(3), word(QUOTE));
    told.slot(POOL, U256::from(4), ether(1_000) | (ether(1_000) << 112usize));
    told
}

/// The same with a pool of the V3 kind.
pub fn world_v3(name: &str) -> Told {
    let mut told = world(name);
    told.slots.retain(|(at, _), _| *at != POOL);
    told.code(POOL, code("Pool3"));
    told.slot(POOL, U256::from(0), word(TOKEN));
    told.slot(POOL, U256::from(1), word(QUOTE));
    told.slot(POOL, U256::from(2), ether(1));
    told
}

pub fn asset() -> Asset {
    Asset::token(Chain::ETHEREUM, model::Address::Evm(TOKEN.0.0))
}

/// The whole check, with the pool named where there is one to be.
pub fn check(told: &Told, has_pool: bool) -> Check {
    check_at(told, if has_pool { &[POOL] } else { &[] })
}

/// The whole check, with these pools named.
pub fn check_at(told: &Told, pools: &[Address]) -> Check {
    let book = Book::default();
    let inputs = Inputs {
        asset: asset(),
        registry: Registry::shipped(),
        book: &book,
        view: None,
        declared: None,
        age: Age::Unknown { why: "not looked for".into() },
        verified: Verified::Unknown { why: "not asked".into() },
        pools: pools.to_vec(),
    };
    token::check(told, &inputs).expect("nothing is stored that could fail")
}
