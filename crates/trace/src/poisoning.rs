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
    Account, Asset, Finding, FindingKind, Registry, Severity, Timestamp, TransferKind, U256,
};

use crate::gather::{At, Gathered};

pub const RULE: &str = "poisoning/1";

/// Characters of head and tail that must agree, each and together. Eight hex digits
/// agree by chance once in 4 billion pairs.
const HEAD_MIN: usize = 3;
const TAIL_MIN: usize = 3;
const SUM_MIN: usize = 8;

/// A look-alike that got more than this share of what the real counterparty got is
/// followed: bait is small.
const BAIT_PERCENT: u64 = 1;

/// Amounts of more bits than this are a worthless token's counter. Keeping them out
/// also keeps every sum of a walk within 256 bits.
const ABSURD_BITS: usize = 192;

pub fn is_absurd(base: U256) -> bool {
    base >> ABSURD_BITS != U256::ZERO
}

#[derive(Debug, Default)]
pub struct Found {
    pub excluded: BTreeMap<At, FindingKind>,
    pub findings: Vec<Finding>,
}

/// Reads a ledger in time order; `account` is whose it is.
pub fn find(
    ledger: &[At],
    account: Option<&Account>,
    gathered: &Gathered,
    registry: &Registry,
) -> Found {
    let mut found = Found::default();
    for at in ledger.iter().filter(|at| !gathered.excluded.contains_key(at)) {
        if let Some((kind, why)) = suspicion(*at, gathered, registry) {
            found.exclude(*at, kind, why, gathered);
        }
    }
    if let Some(account) = account {
        look_alikes(account, ledger, gathered, &mut found);
    }
    found
}

impl Found {
    fn exclude(&mut self, at: At, kind: FindingKind, why: String, gathered: &Gathered) {
        let transfer = &gathered.transfers[at];
        self.excluded.insert(at, kind);
        self.findings.push(Finding {
            kind,
            severity: severity(kind),
            rule: RULE.into(),
            accounts: [transfer.from_account(), transfer.to_account()]
                .into_iter()
                .flatten()
                .collect(),
            transfers: vec![transfer.id()],
            why,
        });
    }
}

fn severity(kind: FindingKind) -> Severity {
    match kind {
        FindingKind::Dust => Severity::Info,
        FindingKind::ZeroValue => Severity::Low,
        FindingKind::ImitationToken | FindingKind::AbsurdAmount | FindingKind::LookAlike => {
            Severity::Medium
        }
    }
}

/// What makes one transfer suspicious by itself.
fn suspicion(at: At, gathered: &Gathered, registry: &Registry) -> Option<(FindingKind, String)> {
    let transfer = &gathered.transfers[at];
    // Of fees and rewards too: no sum of a walk may exceed 256 bits.
    if is_absurd(transfer.amount) {
        return Some((
            FindingKind::AbsurdAmount,
            "the amount is more than any asset has units".into(),
        ));
    }
    if transfer.kind == TransferKind::Fee || transfer.kind == TransferKind::Reward {
        return None;
    }
    if let Some((symbol, genuine)) = imitation(&transfer.asset, gathered, registry) {
        let why =
            format!("the token calls itself {symbol:?}, but {genuine} is kept by another contract");
        return Some((FindingKind::ImitationToken, why));
    }
    if transfer.amount.is_zero() {
        return Some((
            FindingKind::ZeroValue,
            "nothing was transferred, only an event was made".into(),
        ));
    }
    if transfer.amount < registry.dust(&transfer.asset) {
        return Some((FindingKind::Dust, "the amount is too small to be a payment".into()));
    }
    None
}

fn imitation(asset: &Asset, gathered: &Gathered, registry: &Registry) -> Option<(String, String)> {
    let symbol = gathered.metas.get(asset)?.symbol.clone()?;
    let genuine = registry.imitated_by(asset, &symbol)?;
    Some((symbol, genuine.symbol.clone().unwrap_or_else(|| genuine.asset.to_string())))
}

/// What an account had to do with one counterparty.
#[derive(Clone, Debug)]
struct Dealings {
    first: Timestamp,
    transfers: Vec<At>,
    genuine: Vec<At>,
    by_asset: BTreeMap<Asset, U256>,
}

fn look_alikes(account: &Account, ledger: &[At], gathered: &Gathered, found: &mut Found) {
    let dealings = dealings(account, ledger, gathered, found);
    let mut alike: BTreeMap<(String, String), Vec<&Account>> = BTreeMap::new();
    for other in dealings.keys() {
        let text = body(other);
        if let (Some(head), Some(tail)) =
            (text.get(..HEAD_MIN), text.get(text.len().saturating_sub(TAIL_MIN)..))
        {
            alike.entry((head.to_string(), tail.to_string())).or_default().push(other);
        }
    }
    for group in alike.values().filter(|group| group.len() > 1) {
        for other in group {
            let real = group
                .iter()
                .filter(|real| is_imitated_by(&dealings, real, other))
                .max_by_key(|real| score(real, other));
            if let Some(real) = real {
                report(real, other, &dealings, gathered, found);
            }
        }
    }
}

fn dealings(
    account: &Account,
    ledger: &[At],
    gathered: &Gathered,
    found: &Found,
) -> BTreeMap<Account, Dealings> {
    let mut dealings: BTreeMap<Account, Dealings> = BTreeMap::new();
    for at in ledger {
        let transfer = &gathered.transfers[*at];
        let others = [transfer.from_account(), transfer.to_account()];
        for other in others.into_iter().flatten().filter(|other| other != account) {
            let deal = dealings.entry(other).or_insert_with(|| Dealings {
                first: transfer.time,
                transfers: Vec::new(),
                genuine: Vec::new(),
                by_asset: BTreeMap::new(),
            });
            deal.transfers.push(*at);
            if !found.excluded.contains_key(at) && !gathered.excluded.contains_key(at) {
                deal.genuine.push(*at);
                let sum = deal.by_asset.entry(transfer.asset.clone()).or_default();
                *sum = sum.saturating_add(transfer.amount);
            }
        }
    }
    dealings
}

/// Is `other` made to look like `real`? The real one was there first, or got all the value.
fn is_imitated_by(dealings: &BTreeMap<Account, Dealings>, real: &Account, other: &Account) -> bool {
    let (Some(true_one), Some(copy)) = (dealings.get(real), dealings.get(other)) else {
        return false;
    };
    if real == other || score(real, other) < SUM_MIN || true_one.genuine.is_empty() {
        return false;
    }
    copy.genuine.is_empty()
        || (true_one.first < copy.first && is_bait(true_one, copy))
        || (true_one.first < copy.first && !is_bait(copy, true_one))
}

/// Did the copy get no more than a trifle of what the real one got, in every asset?
fn is_bait(real: &Dealings, copy: &Dealings) -> bool {
    copy.by_asset.iter().all(|(asset, base)| {
        let real = real.by_asset.get(asset).copied().unwrap_or_default();
        *base <= model::amount::share(real, U256::from(BAIT_PERCENT), U256::from(100))
    })
}

fn report(
    real: &Account,
    copy: &Account,
    dealings: &BTreeMap<Account, Dealings>,
    gathered: &Gathered,
    found: &mut Found,
) {
    let (Some(true_one), Some(deal)) = (dealings.get(real), dealings.get(copy)) else { return };
    let is_bait = is_bait(true_one, deal);
    if is_bait {
        found.excluded.extend(deal.genuine.iter().map(|at| (*at, FindingKind::LookAlike)));
    }
    let what = if is_bait {
        "kept out of the walk"
    } else {
        "but it moved real value, which is followed: it may have deceived the sender"
    };
    found.findings.push(Finding {
        kind: FindingKind::LookAlike,
        severity: if is_bait { Severity::Medium } else { Severity::High },
        rule: RULE.into(),
        accounts: vec![copy.clone(), real.clone()],
        transfers: deal.transfers.iter().map(|at| gathered.transfers[*at].id()).collect(),
        why: format!(
            "{} looks like {} ({}); {what}",
            copy.address_text(),
            real.address_text(),
            shared(real, copy)
        ),
    });
}

fn shared(a: &Account, b: &Account) -> String {
    let (head, tail) = head_and_tail(a, b);
    format!("first {head} and last {tail} characters are the same")
}

fn score(a: &Account, b: &Account) -> usize {
    let (head, tail) = head_and_tail(a, b);
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
