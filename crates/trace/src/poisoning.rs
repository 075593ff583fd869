//! Address poisoning: transfers made to be mistaken for others.
//!
//! *What it sees.* Transfers of nothing; amounts too small to be a payment; tokens
//! that bear a genuine asset's symbol, in letters that look alike or the very same,
//! under another contract; addresses whose head and tail copy those of an address the
//! account really deals with.
//! *Why it matters.* Anyone can make a token contract emit an event that names a
//! thief as the sender. A trace that believed it would follow, and report to the
//! police, whoever the poisoner chose.
//! *When it is not.* Real value sent to a look-alike is not dropped: the money went
//! there, and the finding says it may be the victim of a poisoner. A small payment of a
//! genuine asset is accounted for (as cut), never lost.
//! *References.* Tsuchiya et al. 2025, "Blockchain Address Poisoning": 270 million
//! attempts, 17 million victims, 83.8 million USD.

use std::collections::BTreeMap;

use model::{
    Account, Address, Asset, AssetMeta, Finding, FindingKind, Registry, Severity, Timestamp,
    TransferKind, U256,
};

use crate::gather::{At, Gathered, NOBODY};

pub const RULE: &str = "poisoning/1";

/// Characters of head and tail that must agree, each and together. Eight hex digits
/// agree by chance once in 4 billion pairs.
const HEAD_MIN: usize = 3;
const TAIL_MIN: usize = 3;
const SUM_MIN: usize = 8;

/// A look-alike that got more than this share of what the real counterparty got is
/// followed: bait is small.
const BAIT_PERCENT: u64 = 1;

/// Amounts of more than 192 bits are a worthless token's counter. Keeping them out
/// also keeps every sum of a walk within 256 bits.
pub fn is_absurd(base: U256) -> bool {
    let [.., highest] = *base.as_limbs();
    highest != 0
}

/// Looks at one transfer by itself, once.
pub fn screen(at: At, gathered: &mut Gathered) {
    let row = &mut gathered.rows[at as usize];
    if std::mem::replace(&mut row.is_screened, true) || row.excluded.is_some() {
        return;
    }
    let Some((kind, why)) = suspicion(at, gathered) else { return };
    gathered.rows[at as usize].excluded = Some(kind);
    let transfer = gathered.transfer(at);
    let finding = Finding {
        kind,
        severity: severity(kind),
        rule: RULE.into(),
        accounts: [transfer.from_account(), transfer.to_account()].into_iter().flatten().collect(),
        transfers: vec![transfer.id()],
        why,
    };
    gathered.findings.push(finding);
}

fn severity(kind: FindingKind) -> Severity {
    match kind {
        FindingKind::Dust => Severity::Info,
        FindingKind::ZeroValue => Severity::Low,
        FindingKind::ImitationToken | FindingKind::AbsurdAmount | FindingKind::LookAlike => {
            Severity::Medium
        }
        // A look-back raises it, no walk does.
        FindingKind::NewlyListed => Severity::High,
    }
}

/// What makes one transfer suspicious by itself.
fn suspicion(at: At, gathered: &Gathered) -> Option<(FindingKind, String)> {
    let (row, amount) = (gathered.row_at(at), gathered.transfer(at).amount);
    // Of fees and rewards too: no sum of a walk may exceed 256 bits.
    if is_absurd(amount) {
        let why = "the amount is more than any asset has units";
        return Some((FindingKind::AbsurdAmount, why.into()));
    }
    if row.kind == TransferKind::Fee || row.kind == TransferKind::Reward {
        return None;
    }
    let asset = &gathered.asset_states[row.asset as usize];
    if let Some(why) = &asset.imitation {
        return Some((FindingKind::ImitationToken, why.clone()));
    }
    if amount.is_zero() {
        let why = "nothing was transferred, only an event was made";
        return Some((FindingKind::ZeroValue, why.into()));
    }
    if amount < asset.dust {
        return Some((FindingKind::Dust, "the amount is too small to be a payment".into()));
    }
    None
}

/// Why an asset is taken for an imitation; none where it is not.
pub fn imitation(asset: &Asset, meta: &AssetMeta, registry: &Registry) -> Option<String> {
    let symbol = meta.symbol.as_ref()?;
    let genuine = registry.imitated_by(asset, symbol)?;
    let name = genuine.symbol.clone().unwrap_or_else(|| genuine.asset.to_string());
    Some(format!("the token calls itself {symbol:?}, but {name} is kept by another contract"))
}

/// Head and tail of an address, as far as two must share them; none where it is shorter.
pub type Look = Option<[u8; HEAD_MIN + TAIL_MIN]>;

pub fn look_of(account: &Account) -> Look {
    if let Address::Evm(bytes) = &account.address {
        let digit = |n: usize| {
            let byte = bytes[n / 2];
            b"0123456789abcdef"
                [usize::from(if n.is_multiple_of(2) { byte >> 4 } else { byte & 15 })]
        };
        return Some([digit(0), digit(1), digit(2), digit(37), digit(38), digit(39)]);
    }
    let text = body(account);
    let text = text.as_bytes();
    let (head, tail) = (text.first_chunk::<HEAD_MIN>()?, text.last_chunk::<TAIL_MIN>()?);
    let mut look = [0; HEAD_MIN + TAIL_MIN];
    look[..HEAD_MIN].copy_from_slice(head);
    look[HEAD_MIN..].copy_from_slice(tail);
    Some(look)
}

/// What an account had to do with one counterparty.
#[derive(Clone, Debug)]
struct Dealings {
    account: u32,
    first: Timestamp,
    transfers: Vec<At>,
    genuine: Vec<At>,
    by_asset: BTreeMap<u32, U256>,
}

/// Finds those among an account's counterparties that look alike. Kept from ledger to
/// ledger, so that none of them has to make room anew.
#[derive(Debug, Default)]
pub struct Counterparties {
    /// By account: the ledger it was last met in.
    met: Vec<u32>,
    ledger: u32,
    looks: Vec<([u8; HEAD_MIN + TAIL_MIN], u32)>,
}

impl Counterparties {
    /// Reads a ledger in time order; `account` is whose it is.
    pub fn look_alikes(&mut self, account: u32, ats: &[At], gathered: &mut Gathered) {
        self.meet(account, ats, gathered);
        self.looks.sort_unstable();
        let alike = |group: &&[([u8; HEAD_MIN + TAIL_MIN], u32)]| group.len() > 1;
        let groups: Vec<Vec<u32>> = self
            .looks
            .chunk_by(|a, b| a.0 == b.0)
            .filter(alike)
            .map(|group| group.iter().map(|(_, other)| *other).collect())
            .collect();
        if groups.is_empty() {
            return;
        }
        let groups = dealings(account, groups, ats, gathered);
        for group in groups {
            for other in &group {
                let real = group
                    .iter()
                    .filter(|real| is_imitated_by(real, other, gathered))
                    .max_by_key(|real| score(real, other, gathered));
                if let Some(real) = real {
                    report(real, other, gathered);
                }
            }
        }
    }

    /// Everyone it dealt with, once, and how they look.
    fn meet(&mut self, account: u32, ats: &[At], gathered: &mut Gathered) {
        self.ledger += 1;
        self.looks.clear();
        self.met.resize(gathered.accounts.len(), 0);
        for at in ats {
            let row = gathered.row_at(*at);
            for other in [row.from, row.to] {
                if other == NOBODY || other == account {
                    continue;
                }
                if std::mem::replace(&mut self.met[other as usize], self.ledger) == self.ledger {
                    continue;
                }
                if let Some(look) = gathered.look(other) {
                    self.looks.push((look, other));
                }
            }
        }
    }
}

/// What the account had to do with each of these, in their own order.
fn dealings(
    account: u32,
    groups: Vec<Vec<u32>>,
    ats: &[At],
    gathered: &Gathered,
) -> Vec<Vec<Dealings>> {
    let mut places: BTreeMap<u32, Option<Dealings>> =
        groups.iter().flatten().map(|other| (*other, None)).collect();
    for at in ats {
        let row = gathered.row_at(*at);
        for other in [row.from, row.to].into_iter().filter(|other| *other != account) {
            let Some(deal) = places.get_mut(&other) else { continue };
            let deal = deal.get_or_insert_with(|| Dealings {
                account: other,
                first: row.time,
                transfers: Vec::new(),
                genuine: Vec::new(),
                by_asset: BTreeMap::new(),
            });
            deal.transfers.push(*at);
            if row.excluded.is_none() {
                deal.genuine.push(*at);
                let sum = deal.by_asset.entry(row.asset).or_default();
                *sum = sum.saturating_add(gathered.transfer(*at).amount);
            }
        }
    }
    let known = &gathered.accounts;
    let mut told = Vec::new();
    for mut group in groups {
        group.sort_by(|a, b| known.get(*a).cmp(known.get(*b)));
        told.push(group.into_iter().filter_map(|other| places.remove(&other).flatten()).collect());
    }
    told
}

/// Is the copy made to look like the real one? That was there first, or got all the value.
fn is_imitated_by(real: &Dealings, copy: &Dealings, gathered: &Gathered) -> bool {
    if real.account == copy.account
        || score(real, copy, gathered) < SUM_MIN
        || real.genuine.is_empty()
    {
        return false;
    }
    copy.genuine.is_empty()
        || (real.first < copy.first && is_bait(real, copy))
        || (real.first < copy.first && !is_bait(copy, real))
}

/// Did the copy get no more than a trifle of what the real one got, in every asset?
fn is_bait(real: &Dealings, copy: &Dealings) -> bool {
    copy.by_asset.iter().all(|(asset, base)| {
        let real = real.by_asset.get(asset).copied().unwrap_or_default();
        *base <= model::amount::share(real, U256::from(BAIT_PERCENT), U256::from(100))
    })
}

fn report(real: &Dealings, copy: &Dealings, gathered: &mut Gathered) {
    let is_bait = is_bait(real, copy);
    if is_bait {
        for at in &copy.genuine {
            gathered.rows[*at as usize].excluded = Some(FindingKind::LookAlike);
        }
    }
    let what = if is_bait {
        "kept out of the walk"
    } else {
        "but it moved real value, which is followed: it may have deceived the sender"
    };
    let known = &gathered.accounts;
    let (real, other) = (known.get(real.account), known.get(copy.account));
    let finding = Finding {
        kind: FindingKind::LookAlike,
        severity: if is_bait { Severity::Medium } else { Severity::High },
        rule: RULE.into(),
        accounts: vec![other.clone(), real.clone()],
        transfers: gathered.ids(&copy.transfers),
        why: format!(
            "{} looks like {} ({}); {what}",
            other.address_text(),
            real.address_text(),
            shared(real, other)
        ),
    };
    gathered.findings.push(finding);
}

fn shared(a: &Account, b: &Account) -> String {
    let (head, tail) = head_and_tail(a, b);
    format!("first {head} and last {tail} characters are the same")
}

fn score(a: &Dealings, b: &Dealings, gathered: &Gathered) -> usize {
    let known = &gathered.accounts;
    let (head, tail) = head_and_tail(known.get(a.account), known.get(b.account));
    if head >= HEAD_MIN && tail >= TAIL_MIN { head + tail } else { 0 }
}

fn head_and_tail(a: &Account, b: &Account) -> (usize, usize) {
    let (a, b) = (body(a), body(b));
    let head = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let tail = a.bytes().rev().zip(b.bytes().rev()).take_while(|(x, y)| x == y).count();
    (head, tail)
}

/// The part of an address a forger has to search for: without the family's prefix.
fn body(account: &Account) -> String {
    let text = account.address.text(account.chain);
    let prefix = ["0x", "bc1q", "bc1p", "tb1q", "tb1p", "T", "1", "3"]
        .into_iter()
        .find(|p| text.starts_with(p));
    prefix.map_or(text.clone(), |prefix| text[prefix.len()..].to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_by_bytes_is_that_of_the_text() {
        let text = "0xa4b2fd68593b6f34e51cb9edb66e71c1b4ab449e";
        let account = Account::parse(text, model::Chain::ETHEREUM).expect("an address");
        assert_eq!(look_of(&account), Some(*b"a4b49e"));
    }
}
