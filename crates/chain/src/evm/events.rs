//! Events: which of them move a token or say that an issuer froze a holder.
//!
//! Any contract may emit any event. That is harmless here: what an event says
//! is stated of the asset of the very contract that emitted it.

use std::sync::LazyLock;

use alloy_primitives::{address, keccak256};
use model::{Chain, FreezeAction, U256};

type Address = [u8; 20];
type Word = [u8; 32];

/// What one event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Moved(Moved),
    /// ERC-1155's TransferBatch: several tokens by one event.
    Batch(Vec<Moved>),
    Freeze {
        holder: Address,
        action: FreezeAction,
    },
    /// Called like a transfer, but not readable as one.
    Odd(&'static str),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// None: newly made, without the zero address said to be its sender.
    pub from: Option<Address>,
    pub to: Option<Address>,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Amount(U256),
    /// So many (one, but for ERC-1155) of the token with this id.
    Nft {
        id: U256,
        count: U256,
    },
}

impl What {
    /// An ERC-721 token.
    pub fn one(id: U256) -> What {
        What::Nft { id, count: U256::from(1) }
    }
}

/// keccak256("Transfer(address,address,uint256)"), of ERC-20 and ERC-721 alike.
pub const TRANSFER: Word = [
    0xdd, 0xf2, 0x52, 0xad, 0x1b, 0xe2, 0xc8, 0x9b, 0x69, 0xc2, 0xb0, 0x68, 0xfc, 0x37, 0x8d, 0xaa,
    0x95, 0x2b, 0xa7, 0xf1, 0x63, 0xc4, 0xa1, 0x16, 0x28, 0xf5, 0x5a, 0x4d, 0xf5, 0x23, 0xb3, 0xef,
];

/// Collectibles from before ERC-721 was settled, whose Transfer indexes nothing.
/// CryptoKitties: EIP-721 itself names it so, under "Backwards Compatibility".
const UNINDEXED: &[(Chain, Address)] =
    &[(Chain::ETHEREUM, address!("06012c8cf97bead5deae237070f9587f8e7a266d").into_array())];

/// Wrapped native coins of WETH9's kind: they say Deposit and Withdrawal where
/// others say Transfer from and to the zero address. The contracts are those of
/// the registry; Arbitrum's is of another kind and says Transfer.
const WRAPPED: &[(Chain, Address)] = &[
    (Chain::ETHEREUM, address!("c02aaa39b223fe8d0a0e5c4f27ead9083c756cc2").into_array()),
    (Chain::OPTIMISM, address!("4200000000000000000000000000000000000006").into_array()),
    (Chain::BASE, address!("4200000000000000000000000000000000000006").into_array()),
    (Chain::BNB, address!("bb4cdb9cbd36b01bd1cbaebf2de08d9173bc095c").into_array()),
    (Chain::POLYGON, address!("0d500b1d8e8ef31e21c99d1db9a6444d3adf1270").into_array()),
    (Chain::AVALANCHE, address!("b31f66aa3c1e785363f0875a1b74e27b85fd66c7").into_array()),
    (Chain::TRON, address!("891cdb91d149f23b1a45d9c5ca78a88d0cb44c18").into_array()),
];

struct Names {
    /// ERC-1155.
    single: Word,
    batch: Word,
    /// WETH9.
    deposit: Word,
    withdrawal: Word,
    /// Tether (USDT), `TetherToken.sol`.
    added_black_list: Word,
    removed_black_list: Word,
    destroyed_black_funds: Word,
    /// Circle (USDC), `Blacklistable.sol`.
    blacklisted: Word,
    un_blacklisted: Word,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    single: keccak256("TransferSingle(address,address,address,uint256,uint256)").0,
    batch: keccak256("TransferBatch(address,address,address,uint256[],uint256[])").0,
    deposit: keccak256("Deposit(address,uint256)").0,
    withdrawal: keccak256("Withdrawal(address,uint256)").0,
    added_black_list: keccak256("AddedBlackList(address)").0,
    removed_black_list: keccak256("RemovedBlackList(address)").0,
    destroyed_black_funds: keccak256("DestroyedBlackFunds(address,uint256)").0,
    blacklisted: keccak256("Blacklisted(address)").0,
    un_blacklisted: keccak256("UnBlacklisted(address)").0,
});

/// What an event of this contract says; none of what is not known here.
pub fn read(chain: Chain, contract: &Address, topics: &[Word], data: &[u8]) -> Option<Event> {
    let (name, indexed) = topics.split_first()?;
    let names = &*NAMES;
    if *name == TRANSFER {
        return transfer(indexed, data).or_else(|| unindexed(chain, contract, indexed, data));
    }
    if *name == names.single {
        return Some(single(indexed, data).unwrap_or(Event::Odd("a TransferSingle event")));
    }
    if *name == names.batch {
        return Some(batch(indexed, data).unwrap_or(Event::Odd("a TransferBatch event")));
    }
    if *name == names.deposit || *name == names.withdrawal {
        let is_wrapped = WRAPPED.contains(&(chain, *contract));
        return is_wrapped.then(|| wrapped(*name == names.deposit, indexed, data)).flatten();
    }
    freeze(topics, data).map(|(holder, action)| Event::Freeze { holder, action })
}

/// Is this the name of an event by which an issuer does something to a holder?
pub fn is_freeze(name: &Word) -> bool {
    let names = &*NAMES;
    [
        names.added_black_list,
        names.blacklisted,
        names.removed_black_list,
        names.un_blacklisted,
        names.destroyed_black_funds,
    ]
    .contains(name)
}

/// Whom the issuer of a token did what to; none of any other event.
pub fn freeze(topics: &[Word], data: &[u8]) -> Option<(Address, FreezeAction)> {
    let (name, indexed) = topics.split_first()?;
    let names = &*NAMES;
    let action = if *name == names.added_black_list || *name == names.blacklisted {
        FreezeAction::Freeze
    } else if *name == names.removed_black_list || *name == names.un_blacklisted {
        FreezeAction::Release
    } else if *name == names.destroyed_black_funds {
        FreezeAction::Destroy(number(&arguments(indexed, data), 1)?)
    } else {
        return None;
    };
    Some((address_at(&arguments(indexed, data), 0)?, action))
}

/// A Transfer with its two addresses indexed: then 32 bytes beside them are the
/// amount of an ERC-20 token, and a third indexed word is an ERC-721 token's id.
pub fn transfer(indexed: &[Word], data: &[u8]) -> Option<Event> {
    let [from, to, rest @ ..] = indexed else { return None };
    let what = match rest {
        [] if data.len() == 32 => What::Amount(U256::from_be_slice(data)),
        [id] => What::one(U256::from_be_bytes(*id)),
        _ => return None,
    };
    let (Some(from), Some(to)) = (as_address(from), as_address(to)) else {
        return Some(Event::Odd("a Transfer event whose topics are not addresses is left out"));
    };
    Some(Event::Moved(Moved { from: Some(from), to: Some(to), what }))
}

/// With nothing indexed, or one thing, tokens and collectibles look alike.
fn unindexed(chain: Chain, contract: &Address, indexed: &[Word], data: &[u8]) -> Option<Event> {
    if indexed.len() > 1 {
        return None;
    }
    let odd = Event::Odd("a Transfer event that indexes less than two addresses is left out");
    if !UNINDEXED.contains(&(chain, *contract)) {
        return Some(odd);
    }
    let words = arguments(indexed, data);
    let (Some(from), Some(to), Some(id)) =
        (address_at(&words, 0), address_at(&words, 1), number(&words, 2))
    else {
        return Some(odd);
    };
    let what = What::one(id);
    Some(Event::Moved(Moved { from: Some(from), to: Some(to), what }))
}

/// operator, from, to; id, value. <https://eips.ethereum.org/EIPS/eip-1155>
fn single(indexed: &[Word], data: &[u8]) -> Option<Event> {
    let words = arguments(indexed, data);
    let (from, to) = (address_at(&words, 1)?, address_at(&words, 2)?);
    let what = What::Nft { id: number(&words, 3)?, count: number(&words, 4)? };
    Some(Event::Moved(Moved { from: Some(from), to: Some(to), what }))
}

/// operator, from, to; ids, values.
fn batch(indexed: &[Word], data: &[u8]) -> Option<Event> {
    let [_, from, to] = indexed else { return None };
    let (from, to) = (as_address(from)?, as_address(to)?);
    let (ids, counts) = (list(data, 0)?, list(data, 1)?);
    if ids.len() != counts.len() {
        return None;
    }
    let moved = ids.into_iter().zip(counts).map(|(id, count)| Moved {
        from: Some(from),
        to: Some(to),
        what: What::Nft { id, count },
    });
    Some(Event::Batch(moved.collect()))
}

/// What a call of a token's contract asks to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub from: Address,
    pub to: Address,
    pub amount: U256,
}

/// ERC-20's `transfer(address,uint256)` and `transferFrom(address,address,uint256)`,
/// called by this account. <https://eips.ethereum.org/EIPS/eip-20>
pub fn asked(caller: Address, input: &[u8]) -> Option<Asked> {
    let (selector, arguments) = input.split_first_chunk::<4>()?;
    let words = self::arguments(&[], arguments);
    let (from, at) = match *selector {
        [0xa9, 0x05, 0x9c, 0xbb] => (caller, 0),
        [0x23, 0xb8, 0x72, 0xdd] => (address_at(&words, 0)?, 1),
        _ => return None,
    };
    Some(Asked { from, to: address_at(&words, at)?, amount: number(&words, at + 1)? })
}

fn wrapped(is_deposit: bool, indexed: &[Word], data: &[u8]) -> Option<Event> {
    let words = arguments(indexed, data);
    let holder = Some(address_at(&words, 0)?);
    let what = What::Amount(number(&words, 1)?);
    let (from, to) = if is_deposit { (None, holder) } else { (holder, None) };
    Some(Event::Moved(Moved { from, to, what }))
}

/// The arguments in order, where none is a list: contracts differ in which of
/// them they index, and those are always the first ones here.
fn arguments(indexed: &[Word], data: &[u8]) -> Vec<Word> {
    let plain = data.chunks_exact(32).take(8).map(|word| word.try_into().expect("32 bytes"));
    indexed.iter().copied().chain(plain).collect()
}

fn address_at(words: &[Word], at: usize) -> Option<Address> {
    as_address(words.get(at)?)
}

fn number(words: &[Word], at: usize) -> Option<U256> {
    words.get(at).map(|word| U256::from_be_bytes(*word))
}

pub fn as_address(word: &Word) -> Option<Address> {
    let (zeros, address) = word.split_at(12);
    (zeros == [0; 12]).then(|| address.try_into().ok()).flatten()
}

/// The list whose offset is the n-th word, as the contract ABI lays it out.
fn list(data: &[u8], nth: usize) -> Option<Vec<U256>> {
    let word = |at: usize| data.get(at..at.checked_add(32)?).map(U256::from_be_slice);
    let at = usize::try_from(word(nth * 32)?).ok()?;
    let len = usize::try_from(word(at)?).ok()?;
    let start = at.checked_add(32)?;
    let bytes = data.get(start..start.checked_add(len.checked_mul(32)?)?)?;
    Some(bytes.chunks_exact(32).map(U256::from_be_slice).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Address = [0xaa; 20];
    const B: Address = [0xbb; 20];

    fn word(address: Address) -> Word {
        let mut word = [0; 32];
        word[12..].copy_from_slice(&address);
        word
    }

    fn n(number: u64) -> Word {
        U256::from(number).to_be_bytes()
    }

    fn check(contract: Address, topics: &[Word], data: &[Word]) -> Option<Event> {
        read(Chain::ETHEREUM, &contract, topics, &data.concat())
    }

    fn moved(from: Option<Address>, to: Option<Address>, what: What) -> Option<Event> {
        Some(Event::Moved(Moved { from, to, what }))
    }

    #[test]
    fn the_number_of_topics_tells_tokens_from_collectibles() {
        let amount = What::Amount(U256::from(7));
        let nft = What::Nft { id: U256::from(7), count: U256::from(1) };
        assert_eq!(
            check([1; 20], &[TRANSFER, word(A), word(B)], &[n(7)]),
            moved(Some(A), Some(B), amount)
        );
        assert_eq!(
            check([1; 20], &[TRANSFER, word(A), word(B), n(7)], &[]),
            moved(Some(A), Some(B), nft)
        );
        let kitties = UNINDEXED[0].1;
        let data = [word(A), word(B), n(7)];
        assert_eq!(check(kitties, &[TRANSFER], &data), moved(Some(A), Some(B), nft));
        assert!(matches!(check([1; 20], &[TRANSFER], &data), Some(Event::Odd(_))));
        assert!(matches!(
            check([1; 20], &[TRANSFER, [0xff; 32], word(B)], &[n(7)]),
            Some(Event::Odd(_))
        ));
        assert_eq!(check([1; 20], &[[9; 32], word(A)], &[n(7)]), None);
    }

    #[test]
    fn a_batch_moves_several_tokens_and_a_crooked_one_none() {
        let topics = [NAMES.batch, word(A), word(A), word(B)];
        let data = [n(64), n(160), n(2), n(5), n(6), n(2), n(50), n(60)];
        let Some(Event::Batch(moved)) = check([1; 20], &topics, &data) else { panic!("a batch") };
        let whats: Vec<What> = moved.iter().map(|moved| moved.what).collect();
        let nft = |id, count| What::Nft { id: U256::from(id), count: U256::from(count) };
        assert_eq!(whats, [nft(5, 50), nft(6, 60)]);
        let crooked: &[&[Word]] = &[
            &[],
            &[n(64), n(160), n(2), n(5), n(6), n(1), n(50)],
            &[n(64), n(160), n(1 << 60), n(5)],
            &[[0xff; 32], n(0)],
        ];
        for data in crooked {
            assert!(matches!(check([1; 20], &topics, data), Some(Event::Odd(_))), "{data:?}");
        }
        let single = check([1; 20], &[NAMES.single, word(A), word(A), word(B)], &[n(5), n(50)]);
        assert_eq!(single, self::moved(Some(A), Some(B), nft(5, 50)));
    }

    #[test]
    fn only_the_wrapped_coin_itself_makes_units_by_deposit() {
        let weth = WRAPPED[0].1;
        let amount = What::Amount(U256::from(7));
        assert_eq!(check(weth, &[NAMES.deposit, word(A)], &[n(7)]), moved(None, Some(A), amount));
        assert_eq!(
            check(weth, &[NAMES.withdrawal, word(A)], &[n(7)]),
            moved(Some(A), None, amount)
        );
        assert_eq!(check([1; 20], &[NAMES.deposit, word(A)], &[n(7)]), None);
    }

    #[test]
    fn freezes_are_read_whether_the_holder_is_indexed_or_not() {
        let freeze = |holder, action| Some(Event::Freeze { holder, action });
        for (name, action) in [
            (NAMES.added_black_list, FreezeAction::Freeze),
            (NAMES.removed_black_list, FreezeAction::Release),
            (NAMES.blacklisted, FreezeAction::Freeze),
            (NAMES.un_blacklisted, FreezeAction::Release),
        ] {
            assert_eq!(check([1; 20], &[name], &[word(A)]), freeze(A, action));
            assert_eq!(check([1; 20], &[name, word(A)], &[]), freeze(A, action));
        }
        let destroyed = check([1; 20], &[NAMES.destroyed_black_funds], &[word(A), n(7)]);
        assert_eq!(destroyed, freeze(A, FreezeAction::Destroy(U256::from(7))));
    }

    #[test]
    fn what_a_call_asks_a_token_to_move_is_read() {
        let call = |name: &str, words: &[Word]| [&keccak256(name)[..4], &words.concat()].concat();
        let amount = U256::from(7);
        let transfer = call("transfer(address,uint256)", &[word(B), n(7)]);
        assert_eq!(asked(A, &transfer), Some(Asked { from: A, to: B, amount }));
        let from = call("transferFrom(address,address,uint256)", &[word(B), word(A), n(7)]);
        assert_eq!(asked([3; 20], &from), Some(Asked { from: B, to: A, amount }));
        for cut in 0..transfer.len() {
            assert_eq!(asked(A, &transfer[..cut]), None);
        }
    }

    #[test]
    fn names_hash_to_what_explorers_show() {
        // From etherscan.io: WETH9, OpenSea's storefront, TetherToken, FiatToken.
        for (name, hex) in [
            (NAMES.deposit, "e1fffcc4923d04b559f4d29a8bfc6cda04eb5b0d3c460751c2402c5c5cc9109c"),
            (NAMES.withdrawal, "7fcf532c15f0a6db0bd6d0e038bea71d30d808c7d98cb3bf7268a95bf5081b65"),
            (NAMES.single, "c3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"),
            (NAMES.batch, "4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"),
            (
                NAMES.added_black_list,
                "42e160154868087d6bfdc0ca23d96a1c1cfa32f1b72ba9ba27b69b98a0d819dc",
            ),
        ] {
            assert_eq!(alloy_primitives::hex::encode(name), hex);
        }
    }
}
