//! What one instruction of the chain's own programs does to balances.
//!
//! Programs are known by their ids: System, Token, Token-2022, Stake, Vote.
//! What others do to accounts they own is seen in the balances alone.
//! Sources: the `solana-system-interface`, `spl-token-interface`,
//! `spl-token-2022-interface`, `solana-stake-interface` and
//! `solana-vote-interface` crates.

use super::message::Instruction;

/// What happens, by places among the transaction's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Lamports {
        from: usize,
        to: usize,
        amount: u64,
    },
    /// Every lamport that is there.
    AllLamports {
        from: usize,
        to: usize,
    },
    TokenAccount {
        account: usize,
        mint: usize,
        owner: Owner,
    },
    Token {
        from: usize,
        to: usize,
        amount: u64,
        fee: u64,
    },
    Mint {
        mint: usize,
        to: usize,
        amount: u64,
    },
    Burn {
        from: usize,
        amount: u64,
    },
    /// A token account ends: its lamports go to `to`.
    Close {
        account: usize,
        to: usize,
    },
    /// Lamports given to an account of wrapped SOL become its tokens.
    Sync {
        account: usize,
    },
    NewOwner {
        account: usize,
        owner: [u8; 32],
    },
    Freeze {
        account: usize,
        is_frozen: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    At(usize),
    Key([u8; 32]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    System,
    Token,
    Stake,
    Vote,
}

pub const SYSTEM: &str = "11111111111111111111111111111111";
pub const TOKEN: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
pub const TOKEN_2022: &str = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb";
pub const STAKE: &str = "Stake11111111111111111111111111111111111111";
pub const VOTE: &str = "Vote111111111111111111111111111111111111111";
/// The mint of wrapped SOL: its tokens are lamports of the token accounts.
pub const WRAPPED: &str = "So11111111111111111111111111111111111111112";

impl Program {
    pub fn of(key: &[u8; 32]) -> Option<Program> {
        use std::sync::LazyLock;
        static KNOWN: LazyLock<[([u8; 32], Program); 5]> = LazyLock::new(|| {
            let known = [
                (SYSTEM, Program::System),
                (TOKEN, Program::Token),
                (TOKEN_2022, Program::Token),
                (STAKE, Program::Stake),
                (VOTE, Program::Vote),
            ];
            known.map(|(text, program)| (constant(text), program))
        });
        KNOWN.iter().find(|(known, _)| known == key).map(|(_, program)| *program)
    }
}

/// A key written in this file.
pub fn constant(text: &str) -> [u8; 32] {
    super::replies::key(text).expect("the keys written here have 32 bytes")
}

/// What the instruction does; nothing where it moves nothing, or is too short
/// to be what it says (then it failed, and with it the transaction).
pub fn read(program: Program, instruction: &Instruction) -> Vec<Act> {
    let acts = match program {
        Program::System => system(instruction).map(|act| vec![act]),
        Program::Token => token(&instruction.accounts, &instruction.data),
        Program::Stake => stake(instruction).map(|act| vec![act]),
        Program::Vote => vote(instruction).map(|act| vec![act]),
    };
    acts.unwrap_or_default()
}

fn system(instruction: &Instruction) -> Option<Act> {
    let (accounts, data) = (&instruction.accounts, &instruction.data);
    let account = |n: usize| accounts.get(n).copied();
    let (from, to, amount) = match u32_at(data, 0)? {
        // CreateAccount, Transfer
        0 | 2 => (account(0)?, account(1)?, u64_at(data, 4)?),
        // CreateAccountWithSeed: base, seed, lamports
        3 => {
            let seed = usize::try_from(u64_at(data, 36)?).ok()?;
            (account(0)?, account(1)?, u64_at(data, 44usize.checked_add(seed)?)?)
        }
        // WithdrawNonceAccount
        5 => (account(0)?, account(1)?, u64_at(data, 4)?),
        // TransferWithSeed
        11 => (account(0)?, account(2)?, u64_at(data, 4)?),
        // CreateAccountAllowPrefund
        13 => (account(1)?, account(0)?, u64_at(data, 4)?),
        _ => return None,
    };
    Some(Act::Lamports { from, to, amount })
}

fn token(accounts: &[usize], data: &[u8]) -> Option<Vec<Act>> {
    let account = |n: usize| accounts.get(n).copied();
    let (tag, rest) = data.split_first()?;
    Some(vec![match tag {
        // InitializeAccount, 2 and 3
        1 => Act::TokenAccount {
            account: account(0)?,
            mint: account(1)?,
            owner: Owner::At(account(2)?),
        },
        16 | 18 => Act::TokenAccount {
            account: account(0)?,
            mint: account(1)?,
            owner: Owner::Key(rest.get(..32)?.try_into().ok()?),
        },
        // Transfer, TransferChecked
        3 => Act::Token { from: account(0)?, to: account(1)?, amount: u64_at(rest, 0)?, fee: 0 },
        12 => Act::Token { from: account(0)?, to: account(2)?, amount: u64_at(rest, 0)?, fee: 0 },
        // The extension for fees: TransferCheckedWithFee
        26 if rest.first() == Some(&1) => Act::Token {
            from: account(0)?,
            to: account(2)?,
            amount: u64_at(rest, 1)?,
            fee: u64_at(rest, 10)?,
        },
        // SetAuthority: the account's owner
        6 if rest.get(..2) == Some(&[2, 1]) => {
            Act::NewOwner { account: account(0)?, owner: rest.get(2..34)?.try_into().ok()? }
        }
        // MintTo, MintToChecked
        7 | 14 => Act::Mint { mint: account(0)?, to: account(1)?, amount: u64_at(rest, 0)? },
        // Burn, BurnChecked
        8 | 15 => Act::Burn { from: account(0)?, amount: u64_at(rest, 0)? },
        9 => Act::Close { account: account(0)?, to: account(1)? },
        // FreezeAccount, ThawAccount
        10 | 11 => Act::Freeze { account: account(0)?, is_frozen: *tag == 10 },
        17 => Act::Sync { account: account(0)? },
        255 => return batch(accounts, rest),
        _ => return None,
    }])
}

/// Several instructions in one: of each how many accounts and bytes it has.
fn batch(accounts: &[usize], data: &[u8]) -> Option<Vec<Act>> {
    let (mut accounts, mut data) = (accounts, data);
    let mut acts = Vec::new();
    while let [count, length, rest @ ..] = data {
        let (own, others) = accounts.split_at_checked(usize::from(*count))?;
        let (part, after) = rest.split_at_checked(usize::from(*length))?;
        // One within another is refused by the program.
        if part.first() != Some(&255) {
            acts.extend(token(own, part).unwrap_or_default());
        }
        (accounts, data) = (others, after);
    }
    Some(acts)
}

fn stake(instruction: &Instruction) -> Option<Act> {
    let (accounts, data) = (&instruction.accounts, &instruction.data);
    let (first, second) = (accounts.first().copied()?, accounts.get(1).copied()?);
    match u32_at(data, 0)? {
        // Split, Withdraw, MoveStake, MoveLamports
        3 | 4 | 16 | 17 => {
            Some(Act::Lamports { from: first, to: second, amount: u64_at(data, 4)? })
        }
        // Merge: the second into the first
        7 => Some(Act::AllLamports { from: second, to: first }),
        _ => None,
    }
}

fn vote(instruction: &Instruction) -> Option<Act> {
    let (accounts, data) = (&instruction.accounts, &instruction.data);
    // Withdraw
    if u32_at(data, 0)? != 3 {
        return None;
    }
    let (from, to) = (accounts.first().copied()?, accounts.get(1).copied()?);
    Some(Act::Lamports { from, to, amount: u64_at(data, 4)? })
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    let bytes = data.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}
