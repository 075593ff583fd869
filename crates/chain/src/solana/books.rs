//! One transaction's books: every account's lamports and tokens, from what they
//! were before to what they are after.
//!
//! Instructions are gone through in order, as they were carried out. What the
//! balances show and no instruction explains is what programs did to accounts of
//! their own: paired where that can be done in one way only, else said to be odd.

use std::collections::BTreeMap;

use super::instructions::{Act, Owner};

/// A movement found, ends by account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// None: no instruction read here says so, the balances do.
    pub path: Option<Box<[u32]>>,
    pub what: What,
    pub from: Option<Holder>,
    pub to: Option<Holder>,
    pub amount: u64,
    /// Kept back by the token itself.
    pub is_fee: bool,
}

/// An asset: lamports, or the token of a mint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Lamports,
    Token([u8; 32]),
}

/// Who had it: an account itself, or the owner of a token account.
pub type Holder = [u8; 32];

/// A token account, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenAccount {
    pub mint: [u8; 32],
    pub owner: Option<[u8; 32]>,
}

/// Rent of a token account's 165 bytes, kept as lamports that are no tokens.
/// <https://solana.com/docs/core/accounts#rent>
const TOKEN_ACCOUNT_RENT: u64 = 2_039_280;

pub struct Books<'a> {
    pub keys: &'a [[u8; 32]],
    /// Known token accounts, by account, of this transaction and those before it.
    pub known: &'a mut BTreeMap<[u8; 32], TokenAccount>,
    pub wrapped: [u8; 32],
    lamports: Vec<i128>,
    tokens: Vec<i128>,
    /// Lamports an account of wrapped SOL got that are not its tokens yet.
    unsynced: Vec<i128>,
    pub moved: Vec<Moved>,
    pub frozen: Vec<(usize, Act)>,
    pub odd: Vec<String>,
}

/// What the node says was there.
pub struct Balances {
    pub lamports: Vec<u64>,
    /// By account: only token accounts.
    pub tokens: BTreeMap<usize, u64>,
}

impl<'a> Books<'a> {
    pub fn open(
        keys: &'a [[u8; 32]],
        known: &'a mut BTreeMap<[u8; 32], TokenAccount>,
        wrapped: [u8; 32],
        before: &Balances,
        fee: u64,
    ) -> Books<'a> {
        let mut lamports: Vec<i128> = before.lamports.iter().map(|n| i128::from(*n)).collect();
        if let Some(payer) = lamports.first_mut() {
            *payer -= i128::from(fee);
        }
        let mut tokens = vec![0; keys.len()];
        for (at, amount) in &before.tokens {
            tokens[*at] = i128::from(*amount);
        }
        let unsynced = vec![0; keys.len()];
        let (moved, frozen, odd) = (Vec::new(), Vec::new(), Vec::new());
        Books { keys, known, wrapped, lamports, tokens, unsynced, moved, frozen, odd }
    }

    /// Carries out what one instruction does. `nth` is its number in the transaction.
    pub fn act(&mut self, path: &[u32], nth: usize, act: Act) {
        match act {
            Act::Lamports { from, to, amount } => self.lamports(path, from, to, amount),
            Act::AllLamports { from, to } => {
                let all = self.left(from);
                self.lamports(path, from, to, all);
            }
            Act::TokenAccount { account, mint, owner } => self.opened(path, account, mint, owner),
            Act::Token { from, to, amount, fee } => self.token(path, from, to, amount, fee),
            Act::Mint { mint, to, amount } => {
                let mint = self.keys[mint];
                self.known.entry(self.keys[to]).or_insert(TokenAccount { mint, owner: None });
                self.change(to, amount, 0);
                self.tokens_moved(path, mint, None, Some(to), amount);
            }
            Act::Burn { from, amount } => {
                let Some(mint) = self.mint_of(&[from]) else { return };
                self.change(from, 0, amount);
                self.tokens_moved(path, mint, Some(from), None, amount);
            }
            Act::Close { account, to } => self.closed(path, account, to),
            Act::Sync { account } => self.synced(path, account),
            Act::NewOwner { account, owner } => self.given_away(path, account, owner),
            Act::Freeze { .. } => self.frozen.push((nth, act)),
        }
    }

    fn lamports(&mut self, path: &[u32], from: usize, to: usize, amount: u64) {
        self.lamports[from] -= i128::from(amount);
        self.lamports[to] += i128::from(amount);
        self.unsynced[to] += i128::from(amount);
        let (from, to) = (Some(self.keys[from]), Some(self.keys[to]));
        self.push(path, What::Lamports, from, to, amount, false);
    }

    fn left(&self, at: usize) -> u64 {
        u64::try_from(self.lamports[at].max(0)).unwrap_or(u64::MAX)
    }

    fn held(&self, at: usize) -> u64 {
        u64::try_from(self.tokens[at].max(0)).unwrap_or(u64::MAX)
    }

    fn opened(&mut self, path: &[u32], account: usize, mint: usize, owner: Owner) {
        let mint = self.keys[mint];
        let owner = match owner {
            Owner::At(at) => self.keys[at],
            Owner::Key(key) => key,
        };
        self.known.insert(self.keys[account], TokenAccount { mint, owner: Some(owner) });
        if mint == self.wrapped {
            // What it was given beyond its rent are tokens from the start.
            let amount = self.left(account).saturating_sub(TOKEN_ACCOUNT_RENT);
            self.wrap(path, account, amount);
        }
    }

    /// New tokens of wrapped SOL, for lamports that came before.
    fn wrap(&mut self, path: &[u32], account: usize, amount: u64) {
        self.unsynced[account] = 0;
        if amount > 0 {
            self.change(account, amount, 0);
            self.tokens_moved(path, self.wrapped, None, Some(account), amount);
        }
    }

    fn synced(&mut self, path: &[u32], account: usize) {
        let amount = u64::try_from(self.unsynced[account].max(0)).unwrap_or(u64::MAX);
        self.wrap(path, account, amount);
    }

    fn token(&mut self, path: &[u32], from: usize, to: usize, amount: u64, fee: u64) {
        let Some(mint) = self.mint_of(&[from, to]) else {
            self.odd.push("a token moved whose mint is not said".into());
            return;
        };
        let fee = fee.min(amount);
        self.change(from, 0, amount);
        self.change(to, amount - fee, 0);
        if mint == self.wrapped {
            // These tokens are the lamports: they go along, and are not stated twice.
            self.lamports[from] -= i128::from(amount);
            self.lamports[to] += i128::from(amount);
        }
        self.tokens_moved(path, mint, Some(from), Some(to), amount - fee);
        if fee > 0 {
            let from = Some(self.holder(from));
            self.push(path, What::Token(mint), from, None, fee, true);
        }
    }

    fn closed(&mut self, path: &[u32], account: usize, to: usize) {
        let is_wrapped = self.mint_of(&[account]) == Some(self.wrapped);
        let held = self.held(account);
        if is_wrapped && held > 0 {
            self.change(account, 0, held);
            self.tokens_moved(path, self.wrapped, Some(account), None, held);
        }
        let all = self.left(account);
        self.lamports(path, account, to, all);
    }

    /// A token account changed hands, with all that is in it.
    fn given_away(&mut self, path: &[u32], account: usize, owner: [u8; 32]) {
        let Some(mint) = self.mint_of(&[account]) else { return };
        let held = self.held(account);
        let before = self.holder(account);
        self.known.insert(self.keys[account], TokenAccount { mint, owner: Some(owner) });
        if held > 0 && before != owner {
            self.push(path, What::Token(mint), Some(before), Some(owner), held, false);
        }
    }

    fn change(&mut self, at: usize, plus: u64, minus: u64) {
        self.tokens[at] += i128::from(plus) - i128::from(minus);
    }

    fn mint_of(&self, places: &[usize]) -> Option<[u8; 32]> {
        places.iter().find_map(|at| self.known.get(&self.keys[*at])).map(|account| account.mint)
    }

    /// Who holds what is in a token account; itself where that is not known.
    fn holder(&self, at: usize) -> Holder {
        let key = self.keys[at];
        self.known.get(&key).and_then(|account| account.owner).unwrap_or(key)
    }

    fn tokens_moved(
        &mut self,
        path: &[u32],
        mint: [u8; 32],
        from: Option<usize>,
        to: Option<usize>,
        amount: u64,
    ) {
        let from = from.map(|at| self.holder(at));
        let to = to.map(|at| self.holder(at));
        self.push(path, What::Token(mint), from, to, amount, false);
    }

    fn push(
        &mut self,
        path: &[u32],
        what: What,
        from: Option<Holder>,
        to: Option<Holder>,
        amount: u64,
        is_fee: bool,
    ) {
        // From an account to itself, or between accounts of one owner: nothing changed hands.
        if amount > 0 && from != to {
            let path = Some(path.into());
            self.moved.push(Moved { path, what, from, to, amount, is_fee });
        }
    }

    /// Compares with what was there after, and states the rest.
    pub fn close(&mut self, after: &Balances) {
        let mut rests: BTreeMap<What, Vec<(Holder, i128)>> = BTreeMap::new();
        for (at, left) in after.lamports.iter().enumerate() {
            let rest = i128::from(*left) - self.lamports[at];
            if rest != 0 {
                rests.entry(What::Lamports).or_default().push((self.keys[at], rest));
            }
        }
        for at in 0..self.keys.len() {
            let held = i128::from(after.tokens.get(&at).copied().unwrap_or(0));
            let Some(mint) = self.mint_of(&[at]).filter(|_| held != self.tokens[at]) else {
                continue;
            };
            let rest = (self.holder(at), held - self.tokens[at]);
            rests.entry(What::Token(mint)).or_default().push(rest);
        }
        for (what, rest) in rests {
            self.rest(what, rest);
        }
    }

    fn rest(&mut self, what: What, rest: Vec<(Holder, i128)>) {
        let side = |is_from: bool| -> Vec<(Holder, u64)> {
            let own = rest.iter().filter(|(_, amount)| (*amount < 0) == is_from);
            own.map(|(who, n)| (*who, u64::try_from(n.unsigned_abs()).unwrap_or(u64::MAX)))
                .collect()
        };
        let (mut from, mut to) = (side(true), side(false));
        self.equal_pairs(what, &mut from, &mut to);
        match (&from[..], &to[..]) {
            ([], []) => {}
            // One gave all, or one got all: there is only one way to pair them.
            ([(one, gave)], all) if *gave == sum(all) => {
                for (who, amount) in all {
                    self.unsaid(what, Some(*one), Some(*who), *amount);
                }
            }
            (all, [(one, got)]) if *got == sum(all) => {
                for (who, amount) in all {
                    self.unsaid(what, Some(*who), Some(*one), *amount);
                }
            }
            // Tokens are made, destroyed or kept back as fees by programs too.
            (all, []) if what != What::Lamports => {
                for (who, amount) in all {
                    self.unsaid(what, Some(*who), None, *amount);
                }
            }
            ([], all) if what != What::Lamports => {
                for (who, amount) in all {
                    self.unsaid(what, None, Some(*who), *amount);
                }
            }
            (from, to) => {
                let odd = unpaired(what, from, to);
                self.odd.push(odd);
            }
        }
    }

    /// Where just one gave what just one got.
    fn equal_pairs(
        &mut self,
        what: What,
        from: &mut Vec<(Holder, u64)>,
        to: &mut Vec<(Holder, u64)>,
    ) {
        if from.len() < 2 || to.len() < 2 {
            return;
        }
        let mut count: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
        from.iter().for_each(|(_, n)| count.entry(*n).or_default().0 += 1);
        to.iter().for_each(|(_, n)| count.entry(*n).or_default().1 += 1);
        count.retain(|_, both| *both == (1, 1));
        for amount in count.keys() {
            let giver = from.iter().position(|(_, n)| n == amount).map(|at| from.remove(at).0);
            let taker = to.iter().position(|(_, n)| n == amount).map(|at| to.remove(at).0);
            self.unsaid(what, giver, taker, *amount);
        }
    }

    fn unsaid(&mut self, what: What, from: Option<Holder>, to: Option<Holder>, amount: u64) {
        if from != to && amount > 0 {
            self.moved.push(Moved { path: None, what, from, to, amount, is_fee: false });
        }
    }
}

fn sum(all: &[(Holder, u64)]) -> u64 {
    all.iter().fold(0, |sum, (_, amount)| sum.saturating_add(*amount))
}

fn unpaired(what: What, from: &[(Holder, u64)], to: &[(Holder, u64)]) -> String {
    const NAMED_MAX: usize = 8;
    let name = |key: &Holder| bs58::encode(key).into_string();
    let side = |all: &[(Holder, u64)]| {
        let mut parts: Vec<String> =
            all.iter().take(NAMED_MAX).map(|(who, n)| format!("{} {n}", name(who))).collect();
        if all.len() > NAMED_MAX {
            parts.push(format!("{} more", all.len() - NAMED_MAX));
        }
        parts.join(", ")
    };
    let what = match what {
        What::Lamports => "lamports".to_string(),
        What::Token(mint) => format!("tokens of {}", name(&mint)),
    };
    format!(
        "{what} moved by no instruction that is read, in more than one possible way, and left out: \
         less at {}; more at {}",
        side(from),
        side(to)
    )
}
