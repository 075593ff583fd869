//! Exposure from what is kept: no walk, one entry.
//!
//! Two kinds of flow: *counterparties* (what the address itself dealt with, in and out, ever)
//! and *held* (what it holds now, by where that came from). Where outgoing money went beyond the
//! first counterparty is not kept: that takes a walk.

use std::collections::BTreeMap;

use model::{Account, Asset, AssetMeta, Prices, Registry, TransferId, U256};

use super::marks::{Marked, ServiceKey};
use super::{
    AsOf, Basis, Cap, CutRow, Designation, Exposure, ExposureMethod, FORMAT, Flow, Path,
    ServiceRow, VERSION, Way,
};
use crate::Policy;
use crate::poisoning;
use crate::provenance::{Dealing, Entry, Holding, Origin, OriginName, Parts, Phase};
use crate::report::Base;

/// What is known besides the entry.
pub struct Known<'a> {
    pub marked: &'a Marked,
    pub registry: &'a Registry,
    pub prices: &'a Prices,
    pub as_of: AsOf,
    /// What is known of an asset.
    pub meta: &'a dyn Fn(&Asset) -> AssetMeta,
    /// Which service an origin stands for.
    pub name: &'a dyn Fn(Origin) -> Option<OriginName>,
}

/// The exposure of an account by its entry; an account nobody kept anything of never moved
/// anything as of then. `outputs`: on Bitcoin, the parts of its unspent outputs.
pub fn of(
    account: &Account,
    entry: &Entry<TransferId>,
    outputs: &[Parts],
    known: &Known<'_>,
) -> Exposure {
    let mut flows = Vec::new();
    for (asset, holding) in &entry.holdings {
        for way in [Way::In, Way::Out] {
            flows.push(counterparties(asset, holding, entry, way, known));
        }
        let mut parts = holding.parts.clone();
        if account.chain.is_utxo() {
            outputs.iter().cloned().for_each(|output| parts.append(output));
        }
        flows.push(held(asset, &parts, known));
    }
    flows.retain(|flow| !flow.total.0.is_zero());
    Exposure {
        format: FORMAT,
        version: VERSION,
        accounts: vec![account.clone()],
        method: ExposureMethod::Stored,
        policy: Policy::Haircut,
        caps: None,
        as_of: Some(known.as_of.clone()),
        own: known.marked.own(std::slice::from_ref(account)),
        flows,
        remarks: remarks(entry),
    }
}

fn remarks<R>(entry: &Entry<R>) -> Vec<String> {
    let mut remarks = vec![
        "Where outgoing money went beyond the first counterparty is not stored: --walk follows it"
            .to_string(),
    ];
    if entry.transfers > crate::provenance::HUB_TRANSFERS {
        remarks.push(
            "The address has so many transfers that it is taken for an unlabelled service".into(),
        );
    }
    remarks
}

fn start(asset: &Asset, way: Way, basis: Basis, known: &Known<'_>) -> Flow {
    let mut flow = Flow::new(way, basis, asset.clone());
    let meta = (known.meta)(asset);
    flow.is_imitation = poisoning::imitation(asset, &meta, known.registry).is_some();
    flow.symbol = meta.symbol;
    flow.decimals = meta.decimals;
    flow.price = super::price(known.prices, asset, None);
    flow
}

/// By service: its parts, by name. One the names lack keeps a key of its own number.
fn key_of(origin: Origin, known: &Known<'_>) -> OriginName {
    let unnamed = || OriginName {
        key: ServiceKey::Actor(format!("unnamed-{}", origin.0)),
        phase: Phase::Undated,
    };
    (known.name)(origin).unwrap_or_else(unnamed)
}

fn counterparties(
    asset: &Asset,
    holding: &Holding,
    entry: &Entry<TransferId>,
    way: Way,
    known: &Known<'_>,
) -> Flow {
    let mut flow = start(asset, way, Basis::Counterparties, known);
    let total = if way == Way::In { holding.received } else { holding.sent };
    flow.total = Base(total);
    let mut rows: BTreeMap<ServiceKey, Row> = BTreeMap::new();
    let mut known_sum = U256::ZERO;
    for ((of, to, origin), dealing) in &entry.dealings {
        if of == asset && *to == way {
            let name = key_of(*origin, known);
            rows.entry(name.key).or_default().deal(name.phase, dealing);
            known_sum += dealing.base;
        }
    }
    flow.services = rows.into_iter().map(|(key, row)| row.service(&key, known)).collect();
    flow.unlabelled = Base(total - known_sum);
    flow.close();
    flow
}

fn held(asset: &Asset, parts: &Parts, known: &Known<'_>) -> Flow {
    let mut flow = start(asset, Way::In, Basis::Held, known);
    flow.total = Base(parts.total());
    let mut rows: BTreeMap<ServiceKey, Row> = BTreeMap::new();
    for part in parts.iter() {
        match part.origin {
            Origin::UNSEEN => flow.unlabelled.0 += part.base,
            Origin::ISSUED => flow.issued.0 += part.base,
            Origin::OTHERS => {
                flow.cut.push(CutRow { cap: Cap::Services, amount: Base(part.base) });
            }
            Origin::HUB => flow.cut.push(CutRow { cap: Cap::Hub, amount: Base(part.base) }),
            origin => {
                let name = key_of(origin, known);
                rows.entry(name.key).or_default().hold(name.phase, part.hops, part.base);
            }
        }
    }
    flow.services = rows.into_iter().map(|(key, row)| row.service(&key, known)).collect();
    flow.close();
    flow
}

#[derive(Default)]
struct Row {
    direct: U256,
    indirect: U256,
    after: U256,
    after_direct: U256,
    hops_min: Option<u32>,
    dealt: Option<ServiceTimes>,
    largest: Option<(U256, TransferId)>,
}

struct ServiceTimes {
    count: u64,
    first: model::Timestamp,
    last: model::Timestamp,
}

impl Row {
    fn deal(&mut self, phase: Phase, dealing: &Dealing<TransferId>) {
        self.direct += dealing.base;
        self.late(phase, true, dealing.base);
        self.hops_min = Some(1);
        let times = self.dealt.get_or_insert(ServiceTimes {
            count: 0,
            first: dealing.first,
            last: dealing.last,
        });
        times.count += dealing.count;
        times.first = times.first.min(dealing.first);
        times.last = times.last.max(dealing.last);
        if self.largest.as_ref().is_none_or(|(base, _)| dealing.largest_base > *base) {
            self.largest = Some((dealing.largest_base, dealing.largest.clone()));
        }
    }

    fn hold(&mut self, phase: Phase, hops: u8, base: U256) {
        match hops {
            1 => self.direct += base,
            _ => self.indirect += base,
        }
        self.late(phase, hops == 1, base);
        let hops = u32::from(hops);
        self.hops_min = Some(self.hops_min.map_or(hops, |known| known.min(hops)));
    }

    fn late(&mut self, phase: Phase, is_direct: bool, base: U256) {
        if phase == Phase::After {
            self.after += base;
            self.after_direct += if is_direct { base } else { U256::ZERO };
        }
    }

    fn service(self, key: &ServiceKey, known: &Known<'_>) -> ServiceRow {
        let mut row = ServiceRow::new(known.marked.who(key));
        let whole = self.direct + self.indirect;
        row.direct = Base(self.direct);
        row.indirect = Base(self.indirect);
        row.hops_min = self.hops_min;
        row.transfers = self.dealt.as_ref().map(|times| times.count);
        row.first = self.dealt.as_ref().map(|times| times.first);
        row.last = self.dealt.as_ref().map(|times| times.last);
        row.designation = known.marked.listed_on(key).map(|date| Designation {
            date,
            before: Base(whole - self.after),
            after: Base(self.after),
            after_direct: Base(self.after_direct),
        });
        let path = self.largest.map(|(amount, id)| Path {
            amount: Base(amount),
            transfers: vec![id.to_string()],
            is_whole: true,
        });
        row.paths.extend(path);
        row
    }
}
