//! Where EVM chains differ.

use alloy_primitives::address;
use model::Chain;

/// What holds on one chain and not on every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Is a block's hash that of its header's fields as Ethereum orders them?
    pub has_plain_headers: bool,
    /// Do the header's roots cover what nodes give as transactions and receipts?
    pub has_roots: bool,
    pub fees: Fees,
}

/// Who gets the fees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fees {
    /// The block's producer all but the base fee, which is burnt.
    Producer,
    /// This account all of them, before the chain's contracts share them out.
    Account([u8; 20]),
    /// The sequencer what exceeds the base fee; vaults the rest.
    OpStack,
    /// Not established here: not stated.
    Unknown,
}

/// Ethereum, its test networks, and the test nodes anvil and geth.
const LIKE_ETHEREUM: &[u64] = &[1, 11_155_111, 17_000, 560_048, 31_337, 1_337];

/// OP Mainnet, Base, and their test networks.
const OP_STACK: &[u64] = &[10, 8_453, 11_155_420, 84_532];

/// Optimism's `Predeploys.sol`.
pub const BASE_FEE_VAULT: [u8; 20] =
    address!("4200000000000000000000000000000000000019").into_array();
pub const L1_FEE_VAULT: [u8; 20] =
    address!("420000000000000000000000000000000000001a").into_array();

pub const OPERATOR_FEE_VAULT: [u8; 20] =
    address!("420000000000000000000000000000000000001b").into_array();

/// `consensus.SystemAddress` in bnb-chain/bsc: fees gather there, and system
/// transactions of the same block take them on.
const BNB_SYSTEM: [u8; 20] = address!("fffffffffffffffffffffffffffffffffffffffe").into_array();

impl Rules {
    pub fn of(chain: Chain) -> Rules {
        let Chain::Evm(id) = chain else {
            return Rules { has_plain_headers: false, has_roots: false, fees: Fees::Unknown };
        };
        let fees = match id {
            56 | 97 => Fees::Account(BNB_SYSTEM),
            _ if LIKE_ETHEREUM.contains(&id) => Fees::Producer,
            _ if OP_STACK.contains(&id) => Fees::OpStack,
            _ => Fees::Unknown,
        };
        Rules {
            // Avalanche's headers have fields of their own, zkSync's are hashed otherwise.
            has_plain_headers: !matches!(id, 43_114 | 43_113 | 324 | 300),
            // Polygon's nodes list a transaction (state sync) that its roots leave out.
            has_roots: !matches!(id, 137 | 80_002 | 43_114 | 43_113 | 324 | 300),
            fees,
        }
    }
}
