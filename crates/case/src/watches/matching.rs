//! Which transfers meet which watches. Pure.

use std::collections::{BTreeMap, HashMap};

use model::{Account, Transfer, TransferKind, TxId, U256};
use serde_json::json;

use super::{Known, Target, Watch};
use crate::alerts::{AlertKind, AlertSubject, NewAlert};
use crate::ids::WatchId;

/// Watches, ready to be asked about one transfer after another: those of accounts are found and not
/// tried.
pub struct Matcher<'w> {
    active: Vec<&'w Watch>,
    by_account: HashMap<&'w Account, Vec<usize>>,
    /// Those that every transfer is tried with.
    others: Vec<usize>,
}

/// A transaction that meets a watch, with the alert it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    pub watch: WatchId,
    pub tx: TxId,
    /// None where nobody knows it.
    pub height: Option<u64>,
    pub alert: NewAlert,
}

/// Transfers of one transaction that an alert names; more are counted.
const NAMED_MAX: usize = 20;

impl<'w> Matcher<'w> {
    pub fn new(watches: &'w [Watch]) -> Matcher<'w> {
        let active: Vec<&Watch> = watches.iter().filter(|watch| watch.is_active).collect();
        let mut by_account: HashMap<&Account, Vec<usize>> = HashMap::new();
        let mut others = Vec::new();
        for (at, watch) in active.iter().enumerate() {
            match &watch.target {
                Target::Account { account } => by_account.entry(account).or_default().push(at),
                Target::Frontier { accounts, .. } => accounts
                    .iter()
                    .for_each(|account| by_account.entry(account).or_default().push(at)),
                _ => others.push(at),
            }
        }
        Matcher { active, by_account, others }
    }

    pub fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// The watches that one transfer meets, in their order, each with what the alert is about.
    fn met(&self, transfer: &Transfer, known: &dyn Known) -> Vec<(&'w Watch, AlertSubject)> {
        let ends = Ends::of(transfer);
        let mut tried = self.others.clone();
        for end in [&ends.from, &ends.to].into_iter().flatten() {
            tried.extend(self.by_account.get(end).into_iter().flatten());
        }
        tried.sort_unstable();
        tried.dedup();
        let meets = |at: usize| {
            let watch = self.active[at];
            Some((watch, meets(watch, transfer, &ends, known)?))
        };
        tried.into_iter().filter_map(meets).collect()
    }

    /// What these transfers meet: a transaction meets a watch once, however many of its transfers do.
    /// Whole transactions must come, since what the rest of one would add is not known here.
    pub fn find(&self, transfers: &[Transfer], known: &dyn Known) -> Vec<Met> {
        let mut found: Vec<(Met, Vec<String>, usize)> = Vec::new();
        let mut places: BTreeMap<(WatchId, TxId), usize> = BTreeMap::new();
        for transfer in transfers {
            for (watch, subject) in self.met(transfer, known) {
                let place = *places.entry((watch.id, transfer.tx)).or_insert_with(|| {
                    let alert = alert(watch, transfer, subject);
                    let height = transfer.height;
                    let met = Met { watch: watch.id, tx: transfer.tx, height, alert };
                    found.push((met, Vec::new(), 0));
                    found.len() - 1
                });
                let (_, named, count) = &mut found[place];
                *count += 1;
                if named.len() < NAMED_MAX {
                    named.push(name_of(transfer));
                }
            }
        }
        let whole = |(mut met, named, count): (Met, Vec<String>, usize)| {
            if count > 1 {
                met.alert.evidence["transfers"] = json!(named);
                met.alert.evidence["transfers_count"] = json!(count);
            }
            met
        };
        found.into_iter().map(whole).collect()
    }
}

struct Ends {
    from: Option<Account>,
    to: Option<Account>,
}

impl Ends {
    fn of(transfer: &Transfer) -> Ends {
        Ends { from: transfer.from_account(), to: transfer.to_account() }
    }

    fn both(&self) -> impl Iterator<Item = &Account> {
        self.from.iter().chain(&self.to)
    }
}

/// The alerts that transfers give, in their order and for each in the order of watches.
pub fn match_transfers(
    watches: &[Watch],
    transfers: &[Transfer],
    known: &dyn Known,
) -> Vec<NewAlert> {
    let found = Matcher::new(watches).find(transfers, known);
    found.into_iter().map(|met| met.alert).collect()
}

/// What the alert is about, where the watch is met.
fn meets(
    watch: &Watch,
    transfer: &Transfer,
    ends: &Ends,
    known: &dyn Known,
) -> Option<AlertSubject> {
    let of_transfer = || AlertSubject::Transfer(name_of(transfer));
    let of_account = |account: &Account| AlertSubject::Account(account.clone());
    match &watch.target {
        Target::Account { account } => ends.both().find(|end| *end == account).map(of_account),
        Target::Entity { name } => ends
            .both()
            .any(|end| known.entities(end).contains(name))
            .then(|| AlertSubject::Entity(name.clone())),
        // What leaves is what matters: whatever arrives at a frontier was sent there by anybody.
        Target::Frontier { accounts, .. } => {
            ends.from.as_ref().filter(|from| accounts.contains(from)).map(of_account)
        }
        Target::Amount { asset, amount } => {
            let at_least = model::amount::parse_base(amount).ok()?;
            (transfer.asset == *asset && transfer.amount >= at_least).then(of_transfer)
        }
        Target::Usd { usd } => {
            let at_least = U256::from(*usd).saturating_mul(U256::from(1_000_000_000_000_u64));
            (known.usd_e12(transfer)? >= at_least).then(of_transfer)
        }
        // Whom a fee is paid to says nothing of who pays it.
        Target::Exposure { .. } if transfer.kind == TransferKind::Fee => None,
        Target::Exposure { category, basis_points } => ends
            .both()
            .find(|end| known.exposure(end, category).is_some_and(|share| share >= *basis_points))
            .map(of_account),
    }
}

fn alert(watch: &Watch, transfer: &Transfer, subject: AlertSubject) -> NewAlert {
    let (kind, case) = match &watch.target {
        Target::Account { .. } | Target::Entity { .. } => (AlertKind::Watch, None),
        Target::Frontier { case, .. } => (AlertKind::Frontier, Some(*case)),
        _ => (AlertKind::Rule, None),
    };
    let end = |account: Option<Account>| account.map(|account| account.to_string());
    NewAlert {
        kind,
        severity: watch.severity,
        subject,
        group: format!("watch:{}", watch.id),
        title: format!("{}: {} moved in {}", watch.name, transfer.asset, transfer.tx),
        evidence: json!({
            "watch": watch.id,
            "transfer": name_of(transfer),
            "time": transfer.time,
            "from": end(transfer.from_account()),
            "to": end(transfer.to_account()),
            "asset": transfer.asset.to_string(),
            "amount": transfer.amount.to_string(),
        }),
        team: watch.team.clone(),
        case,
    }
}

fn name_of(transfer: &Transfer) -> String {
    transfer.id().to_string()
}
