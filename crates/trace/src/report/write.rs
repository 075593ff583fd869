//! How a report is written: from edges, books and findings to the contract's rows.
//!
//! Sums are kept by number and turned into rows at the end, in the order of the
//! accounts and assets themselves.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Account, Asset, AssetMeta, Book, Direction, Key, Role, TimeSource, Timestamp, Transfer, U256,
    View, ViewError,
};

use super::{
    AssetRow, AssetTotals, Base, CoverageReport, Crossed, CutRow, DepthAsset, DepthTotals,
    Endpoint, EndpointKind, FORMAT, Found, LabelRow, Limits, Link, ListingRow, Named, Node, Paid,
    Received, Report, TotalsReport, Unpriced, VERSION,
};
use crate::Policy;
use crate::gather::{Gathered, NOBODY, Stop};
use crate::ids::Ranks;
use crate::route::Walked;
use crate::settings::Settings;
use crate::settle::{Cut, Edge, EdgeLeg, Settled, Totals};

/// The report of a settled walk.
pub fn of_settled(
    view: &dyn View,
    book: &Book,
    settings: &Settings,
    gathered: &Gathered,
    settled: &Settled,
) -> Result<Report, ViewError> {
    let mut writer = Writer::new(view, book, settings, settings.policy, gathered)?;
    writer.edges(&settled.edges);
    let clean = writer.clean_edges(&settled.edges);
    writer.edges(&clean);
    writer.rest(&settled.resting);
    writer.totals(&settled.totals);
    writer.ends(settled);
    writer.left_sources();
    writer.crossings(settled);
    let mut report = writer.finish();
    report.worth = super::worth::worth(&report, settings);
    Ok(report)
}

/// The report of a highest-value route.
pub fn of_route(
    view: &dyn View,
    book: &Book,
    settings: &Settings,
    walked: &Walked,
) -> Result<Report, ViewError> {
    let edges: Vec<Edge> = walked
        .legs
        .iter()
        .map(|(leg, depth, base)| Edge { leg: *leg, depth: *depth, tainted: *base })
        .collect();
    let gathered = &walked.gathered;
    let mut writer = Writer::new(view, book, settings, Policy::HighestValue, gathered)?;
    if let [first, _, ..] = settings.sources.as_slice() {
        let note = format!("The highest-value route follows one way: from {first} only.");
        writer.report.coverage.notes.push(note);
    }
    let named = walked.route.iter().map(|account| gathered.accounts.get(*account).clone());
    writer.report.route = named.collect();
    writer.report.route_end = walked.end;
    let unpriced =
        walked.unpriced.iter().map(|(asset, date)| Unpriced { asset: asset.clone(), date: *date });
    writer.report.coverage.unpriced.extend(unpriced);
    // A route has its accounts even where nothing left them.
    for (depth, account) in (0u32..).zip(&walked.route) {
        writer.reach(*account, depth);
    }
    writer.edges(&edges);
    writer.leave_route(&walked.route);
    let mut report = writer.finish();
    report.worth = super::worth::worth(&report, settings);
    Ok(report)
}

struct Writer<'a> {
    book: &'a Book,
    gathered: &'a Gathered,
    direction: Direction,
    registry: &'a model::Registry,
    account_ranks: Ranks,
    asset_ranks: Ranks,
    /// By account; none where taint did not reach it.
    nodes: Vec<Option<Reached>>,
    /// By purse.
    sums: Vec<PurseSums>,
    edges: Vec<Line>,
    ends: Vec<End>,
    /// By depth and asset: how many arrived, how much, and how much of it tainted.
    depths: BTreeMap<(u32, u32), (usize, U256, U256)>,
    report: Report,
}

#[derive(Clone, Debug)]
struct Reached {
    depth: u32,
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
}

/// What went through one purse, where anything did.
#[derive(Clone, Debug, Default)]
struct PurseSums {
    received: Option<U256>,
    sent: Option<U256>,
    tainted: Option<U256>,
    resting: Option<U256>,
}

/// An edge with what it is ordered by first.
struct Line {
    time: Option<Timestamp>,
    height: Option<u64>,
    edge: Edge,
    asset: u32,
}

struct End {
    account: u32,
    kind: EndpointKind,
    asset: u32,
    base: U256,
}

/// An edge's two ends in numbers.
struct Ends {
    from: u32,
    to: u32,
    from_purse: u32,
    to_purse: u32,
    asset: u32,
}

impl<'a> Writer<'a> {
    fn new(
        view: &dyn View,
        book: &'a Book,
        settings: &'a Settings,
        policy: Policy,
        gathered: &'a Gathered,
    ) -> Result<Writer<'a>, ViewError> {
        let mut writer = Writer {
            book,
            gathered,
            direction: settings.direction,
            registry: &settings.registry,
            account_ranks: gathered.accounts.ranks(),
            asset_ranks: gathered.assets.ranks(),
            nodes: vec![None; gathered.accounts.len()],
            sums: vec![PurseSums::default(); gathered.purses.len()],
            edges: Vec::new(),
            ends: Vec::new(),
            depths: BTreeMap::new(),
            report: blank(settings, policy, coverage(view, gathered)?),
        };
        writer.report.findings =
            gathered.findings.iter().map(|finding| found(finding, gathered)).collect();
        writer
            .report
            .findings
            .sort_by(|a, b| (a.kind, &a.transfers, &a.why).cmp(&(b.kind, &b.transfers, &b.why)));
        for account in &gathered.source_accounts {
            writer.reach(*account, 0);
        }
        for out in &gathered.source_outs {
            if let Some((holder, _)) = gathered.out_states[*out as usize].holder {
                writer.reach(holder, 0);
            }
        }
        for row in gathered.rows.iter().filter(|row| row.is_forced) {
            let sender = row.origin(settings.direction);
            if sender != NOBODY {
                writer.reach(sender, 0);
            }
        }
        Ok(writer)
    }

    fn edges(&mut self, edges: &[Edge]) {
        self.edges.reserve(edges.len());
        for edge in edges {
            match edge.leg {
                EdgeLeg::Transfer(at) => {
                    let row = self.gathered.row_at(at);
                    let ends = Ends {
                        from: row.from,
                        to: row.to,
                        from_purse: row.from_purse,
                        to_purse: row.to_purse,
                        asset: row.asset,
                    };
                    self.edge(edge, self.gathered.transfer(at), &ends);
                }
                EdgeLeg::Input(..) | EdgeLeg::Output(..) => {
                    if let Some(leg) = leg_of(self.gathered, edge.leg) {
                        let ends = self.ends_of(&leg);
                        self.edge(edge, &leg, &ends);
                    }
                }
            }
        }
    }

    fn ends_of(&self, leg: &Transfer) -> Ends {
        let gathered = self.gathered;
        let known = "the walk numbers whoever holds an output, and the asset";
        let asset = gathered.assets.find(&leg.asset).expect(known);
        let number = |account: Option<Account>| {
            account.map_or(NOBODY, |account| gathered.accounts.find(&account).expect(known))
        };
        let purse = |account| gathered.purses.find(&(account, asset)).unwrap_or(NOBODY);
        let (from, to) = (number(leg.from_account()), number(leg.to_account()));
        Ends { from, to, from_purse: purse(from), to_purse: purse(to), asset }
    }

    fn edge(&mut self, edge: &Edge, transfer: &Transfer, ends: &Ends) {
        let is_forward = self.direction == Direction::Forward;
        let (from, from_purse, to, to_purse) = match is_forward {
            true => (ends.from, ends.from_purse, ends.to, ends.to_purse),
            false => (ends.to, ends.to_purse, ends.from, ends.from_purse),
        };
        let amount = transfer.amount;
        let time = (transfer.time_source != TimeSource::Unknown).then_some(transfer.time);
        if to != NOBODY {
            self.reach(to, edge.depth).see(time);
            let sums = &mut self.sums[to_purse as usize];
            *sums.received.get_or_insert_default() += amount;
            *sums.tainted.get_or_insert_default() += edge.tainted;
            let depth = self.depths.entry((edge.depth, ends.asset)).or_default();
            depth.0 += 1;
            depth.1 += amount;
            depth.2 += edge.tainted;
        }
        if from != NOBODY {
            self.reach(from, edge.depth).see(time);
            *self.sums[from_purse as usize].sent.get_or_insert_default() += amount;
        }
        let height = transfer.height;
        self.edges.push(Line { time, height, edge: edge.clone(), asset: ends.asset });
    }

    /// Followed transfers between accounts that taint reached, which carried none under this
    /// policy: leaving them out would make an account look as if it had sent less.
    fn clean_edges(&self, tainted: &[Edge]) -> Vec<Edge> {
        let mut is_tainted = vec![false; self.gathered.rows.len()];
        for edge in tainted {
            if let EdgeLeg::Transfer(at) = edge.leg {
                is_tainted[at as usize] = true;
            }
        }
        let is_known = |account: u32| account != NOBODY && self.nodes[account as usize].is_some();
        (0u32..)
            .zip(&self.gathered.rows)
            .zip(is_tainted)
            .filter(|((_, row), is_tainted)| {
                row.depth != 0
                    && !is_tainted
                    && row.from != row.to
                    && is_known(row.from)
                    && is_known(row.to)
            })
            .map(|((at, row), _)| Edge {
                leg: EdgeLeg::Transfer(at),
                depth: row.depth,
                tainted: U256::ZERO,
            })
            .collect()
    }

    fn reach(&mut self, account: u32, depth: u32) -> &mut Reached {
        let node = self.nodes[account as usize].get_or_insert(Reached {
            depth,
            first_seen: None,
            last_seen: None,
        });
        node.depth = node.depth.min(depth);
        node
    }

    fn rest(&mut self, resting: &[(u32, u32, U256)]) {
        for (account, asset, base) in resting {
            if self.nodes[*account as usize].is_some()
                && let Some(purse) = self.gathered.purses.find(&(*account, *asset))
            {
                *self.sums[purse as usize].resting.get_or_insert_default() += *base;
            }
        }
    }

    fn totals(&mut self, totals: &[Option<Totals>]) {
        let named =
            (0u32..).zip(totals).filter_map(|(asset, totals)| Some((asset, totals.as_ref()?)));
        let mut named: Vec<(u32, &Totals)> = named.collect();
        named.sort_by_key(|(asset, _)| self.asset_ranks.of_id(*asset));
        let rows = named.into_iter().map(|(asset, totals)| AssetTotals {
            asset: self.gathered.assets.get(asset).clone(),
            tainted_in: Base(totals.tainted_in),
            crossed_in: Base(totals.crossed_in),
            resting: Base(totals.resting),
            at_services: Base(totals.at_services),
            fees: Base(totals.fees),
            cut: Base(totals.cut),
            crossed_out: Base(totals.crossed_out),
        });
        self.report.totals.by_asset = rows.collect();
    }

    fn ends(&mut self, settled: &Settled) {
        for (kind, rows) in
            [(EndpointKind::Service, &settled.services), (EndpointKind::Resting, &settled.resting)]
        {
            let ends = rows.iter().map(|(account, asset, base)| End {
                account: *account,
                kind,
                asset: *asset,
                base: *base,
            });
            self.ends.extend(ends);
        }
        self.cuts(settled.cut.clone());
    }

    fn cuts(&mut self, mut cuts: Vec<(Cut, u32, u32, U256)>) {
        let ranks = (&self.account_ranks, &self.asset_ranks);
        cuts.sort_by_key(|(reason, account, asset, _)| {
            (*reason, ranks.0.of_id(*account), ranks.1.of_id(*asset))
        });
        for (reason, account, asset, base) in cuts {
            self.ends.push(End { account, kind: EndpointKind::Cut, asset, base });
            self.report.cut.push(CutRow {
                reason,
                account: self.account(account),
                asset: self.gathered.assets.get(asset).clone(),
                amount: Base(base),
            });
        }
    }

    /// A source the budget let nothing of in: how much it is nobody knows, so it says 0.
    fn left_sources(&mut self) {
        for source in &self.gathered.source_accounts {
            if self.gathered.states[*source as usize].stop != Some(Stop::Budget) {
                continue;
            }
            let account = self.gathered.accounts.get(*source);
            let note =
                format!("{account} was not followed: the budget let none of its transfers in.");
            self.report.coverage.notes.push(note);
            self.report.cut.push(CutRow {
                reason: Cut::Budget,
                account: Some(account.clone()),
                asset: Asset::native(account.chain),
                amount: Base(U256::ZERO),
            });
        }
        let key = |row: &CutRow| (row.reason, row.account.clone(), row.asset.clone());
        self.report.cut.sort_by_key(key);
    }

    fn account(&self, account: u32) -> Option<Account> {
        (account != NOBODY).then(|| self.gathered.accounts.get(account).clone())
    }

    fn name(&self, account: &Account) -> Option<String> {
        let label = self.book.labels(account).first().map(|label| label.shown_name());
        label.or_else(|| listings(self.book, account).first().map(|listing| listing.list.clone()))
    }

    fn crossings(&mut self, settled: &Settled) {
        let gathered = self.gathered;
        for (n, taints, out) in &settled.crossed {
            let crossing = &gathered.crossings[*n as usize];
            if out.is_zero() && taints.iter().all(|taint| taint.is_zero()) {
                continue;
            }
            let place = crossing.return_leg.or(crossing.before).map(|at| gathered.transfer(at));
            let paid = crossing.legs.iter().zip(taints).map(|(leg, taint)| Paid {
                venue: gathered.accounts.get(leg.venue).clone(),
                tx: gathered.transfer(leg.at).tx.hash_text(),
                asset: gathered.assets.get(leg.asset).clone(),
                amount: Base(leg.base),
                tainted: Base(*taint),
            });
            self.report.crossings.push(Crossed {
                account: gathered.accounts.get(crossing.account).clone(),
                kind: crossing.kind,
                confidence: crossing.confidence,
                why: crossing.why.clone(),
                time: place.map(|transfer| transfer.time),
                paid: paid.collect(),
                received: Received {
                    tx: crossing.return_leg.map(|at| gathered.transfer(at).tx.hash_text()),
                    asset: gathered.assets.get(crossing.out_asset).clone(),
                    amount: Base(crossing.out_base),
                    tainted: Base(*out),
                },
            });
        }
    }

    /// What the route's accounts sent elsewhere is not followed, and said so.
    fn leave_route(&mut self, route: &[u32]) {
        let mut left: BTreeMap<(u32, u32), U256> = BTreeMap::new();
        for line in &self.edges {
            let (ends, amount) = match line.edge.leg {
                EdgeLeg::Transfer(at) => {
                    let row = self.gathered.row_at(at);
                    (row.destination(self.direction), self.gathered.transfer(at).amount)
                }
                leg => {
                    let Some(leg) = leg_of(self.gathered, leg) else { continue };
                    let ends = self.ends_of(&leg);
                    (
                        if self.direction == Direction::Forward { ends.to } else { ends.from },
                        leg.amount,
                    )
                }
            };
            if ends != NOBODY && !route.contains(&ends) {
                *left.entry((ends, line.asset)).or_default() += amount;
            }
        }
        let left = left.into_iter();
        self.cuts(left.map(|((to, asset), base)| (Cut::NotHighest, to, asset, base)).collect());
    }

    fn finish(mut self) -> Report {
        let nodes = self.node_rows();
        self.report.assets = self.asset_rows();
        self.report.edges = self.links();
        self.report.endpoints = self.endpoints();
        let by_depth = self.depth_rows(&nodes);
        let report = &mut self.report;
        report.totals.accounts = nodes.len();
        report.totals.transfers = report.edges.len();
        report.totals.listed = nodes.iter().filter(|node| !node.listings.is_empty()).count();
        report.totals.services =
            nodes.iter().filter(|node| node.stop == Some(Stop::Service)).count();
        report.totals.by_depth = by_depth;
        report.nodes = nodes;
        self.report
    }

    fn node_rows(&self) -> Vec<Node> {
        let mut order: Vec<(u32, u32, u32)> = (0u32..)
            .zip(&self.nodes)
            .filter_map(|(account, node)| {
                Some((node.as_ref()?.depth, self.account_ranks.of_id(account), account))
            })
            .collect();
        order.sort_unstable();
        let mut place_of = vec![NOBODY; self.nodes.len()];
        let mut rows = Vec::with_capacity(order.len());
        for (place, (_, _, account)) in (0u32..).zip(&order) {
            place_of[*account as usize] = place;
            rows.extend(self.node_row(*account));
        }
        for (purse, sums) in (0u32..).zip(&self.sums) {
            let (account, asset) = *self.gathered.purses.get(purse);
            let Some(row) = rows.get_mut(place_of[account as usize] as usize) else { continue };
            let asset = self.gathered.assets.get(asset);
            for (into, base) in [
                (&mut row.received, sums.received),
                (&mut row.sent, sums.sent),
                (&mut row.tainted, sums.tainted),
                (&mut row.resting, sums.resting),
            ] {
                if let Some(base) = base {
                    into.insert(asset.clone(), Base(base));
                }
            }
        }
        rows
    }

    fn node_row(&self, account: u32) -> Option<Node> {
        let node = self.nodes[account as usize].as_ref()?;
        let state = &self.gathered.states[account as usize];
        let account = self.gathered.accounts.get(account);
        Some(Node {
            account: account.clone(),
            depth: node.depth,
            received: BTreeMap::new(),
            sent: BTreeMap::new(),
            tainted: BTreeMap::new(),
            resting: BTreeMap::new(),
            role: state.role.unwrap_or(Role::Other),
            stop: state.stop,
            first_seen: node.first_seen,
            last_seen: node.last_seen,
            labels: self.book.labels(account).into_iter().map(label).collect(),
            listings: listings(self.book, account),
        })
    }

    /// By time; what is of one moment in full.
    fn links(&mut self) -> Vec<Link> {
        let mut lines = std::mem::take(&mut self.edges);
        lines.sort_by_key(|line| (line.time, line.height));
        let mut links: Vec<Link> = Vec::with_capacity(lines.len());
        for line in &lines {
            match line.edge.leg {
                EdgeLeg::Transfer(at) => {
                    links.push(link(self.gathered.transfer(at), &line.edge));
                }
                leg => links.extend(leg_of(self.gathered, leg).map(|leg| link(&leg, &line.edge))),
            }
        }
        for moment in links.chunk_by_mut(|a, b| (a.time, a.height) == (b.time, b.height)) {
            if moment.len() > 1 {
                moment.sort_by(|a, b| {
                    (&a.tx, &a.position, &a.from, &a.to).cmp(&(&b.tx, &b.position, &b.from, &b.to))
                });
            }
        }
        links
    }

    fn endpoints(&mut self) -> Vec<Endpoint> {
        let mut ends = std::mem::take(&mut self.ends);
        ends.sort_by_key(|end| {
            let asset = self.asset_ranks.of_id(end.asset);
            let account = self.account_ranks.of_id(end.account);
            (end.kind, asset, std::cmp::Reverse(end.base), account)
        });
        let row = |end: End| {
            let account = self.account(end.account);
            Endpoint {
                name: account.as_ref().and_then(|account| self.name(account)),
                account,
                kind: end.kind,
                asset: self.gathered.assets.get(end.asset).clone(),
                amount: Base(end.base),
            }
        };
        ends.into_iter().map(row).collect()
    }

    fn depth_rows(&self, nodes: &[Node]) -> Vec<DepthTotals> {
        let mut at: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
        for node in nodes {
            let counts = at.entry(node.depth).or_default();
            counts.0 += 1;
            counts.1 += usize::from(!node.listings.is_empty());
        }
        let depths: Vec<_> = self.depths.iter().collect();
        depths
            .chunk_by(|a, b| a.0.0 == b.0.0)
            .map(|rows| {
                let depth = rows[0].0.0;
                let mut rows: Vec<_> =
                    rows.iter().map(|((_, asset), sums)| (*asset, **sums)).collect();
                rows.sort_by_key(|(asset, _)| self.asset_ranks.of_id(*asset));
                let (accounts, listed) = at.get(&depth).copied().unwrap_or_default();
                DepthTotals {
                    depth,
                    transfers: rows.iter().map(|(_, (transfers, ..))| transfers).sum(),
                    accounts,
                    listed,
                    by_asset: rows
                        .into_iter()
                        .map(|(asset, (_, amount, tainted))| DepthAsset {
                            asset: self.gathered.assets.get(asset).clone(),
                            amount: Base(amount),
                            tainted: Base(tainted),
                        })
                        .collect(),
                }
            })
            .collect()
    }

    /// Every asset an edge or a total names.
    fn asset_rows(&self) -> Vec<AssetRow> {
        let of_edges = self.edges.iter().map(|line| line.asset);
        let of_totals = self.report.totals.by_asset.iter();
        let of_totals = of_totals.filter_map(|row| self.gathered.assets.find(&row.asset));
        let mut named = vec![false; self.gathered.assets.len()];
        of_edges.chain(of_totals).for_each(|asset| named[asset as usize] = true);
        let mut named: Vec<u32> =
            (0u32..).zip(named).filter(|(_, is_named)| *is_named).map(|(asset, _)| asset).collect();
        named.sort_by_key(|asset| self.asset_ranks.of_id(*asset));
        named.into_iter().map(|asset| self.asset_row(asset)).collect()
    }

    fn asset_row(&self, id: u32) -> AssetRow {
        let asset = self.gathered.assets.get(id);
        let genuine = self.registry.get(asset);
        let unknown = AssetMeta::unknown(asset.clone());
        let told = self.gathered.asset_states[id as usize].meta.as_ref();
        let meta = genuine.or(told).unwrap_or(&unknown);
        AssetRow {
            asset: asset.clone(),
            symbol: meta.symbol.clone(),
            decimals: meta.decimals,
            freezable: meta.freezable,
            is_genuine: genuine.is_some(),
        }
    }
}

impl Reached {
    fn see(&mut self, time: Option<Timestamp>) {
        let Some(time) = time else { return };
        self.first_seen = Some(self.first_seen.map_or(time, |first| first.min(time)));
        self.last_seen = Some(self.last_seen.map_or(time, |last| last.max(time)));
    }
}

fn blank(settings: &Settings, policy: Policy, coverage: CoverageReport) -> Report {
    let mut sources: Vec<String> = settings.sources.iter().map(ToString::to_string).collect();
    sources.sort();
    sources.dedup();
    Report {
        format: FORMAT,
        version: VERSION,
        policy,
        conserves: policy.conserves(),
        direction: settings.direction,
        sources,
        settings: Limits {
            since: settings.since,
            until: settings.until,
            hops_max: settings.hops_max,
            budget: settings.budget,
            hub_degree: settings.hub_degree,
            stop_confidence: settings.stop_confidence,
        },
        nodes: Vec::new(),
        edges: Vec::new(),
        route: Vec::new(),
        route_end: None,
        crossings: Vec::new(),
        endpoints: Vec::new(),
        findings: Vec::new(),
        assets: Vec::new(),
        totals: TotalsReport {
            by_asset: Vec::new(),
            by_depth: Vec::new(),
            accounts: 0,
            transfers: 0,
            listed: 0,
            services: 0,
        },
        coverage,
        cut: Vec::new(),
        worth: Vec::new(),
        comparison: None,
    }
}

fn coverage(view: &dyn View, gathered: &Gathered) -> Result<CoverageReport, ViewError> {
    let unpriced = gathered
        .unpriced
        .iter()
        .map(|(asset, date)| Unpriced { asset: asset.clone(), date: *date });
    let chains = view.coverage()?;
    let remarks = view.remarks();
    let mut notes = Vec::new();
    if chains.iter().any(|chain| !chain.is_complete) {
        let whence = if remarks.is_empty() { "files" } else { "files and providers" };
        notes.push(format!(
            "The data comes from {whence}: what they leave out was not seen. Not found is not clean."
        ));
    }
    notes.extend(remarks);
    let accounts_truncated = gathered.states.iter().filter(|state| state.is_truncated).count();
    if accounts_truncated > 0 {
        notes.push(format!(
            "{accounts_truncated} accounts have more transfers than the budget lets in: what was left out is not followed."
        ));
    }
    notes.extend(untold(gathered));
    let followed = gathered.rows.iter().zip(&gathered.transfers).filter(|(row, _)| row.depth != 0);
    Ok(CoverageReport {
        chains,
        accounts_incomplete: gathered.states.iter().filter(|state| state.is_incomplete).count(),
        accounts_walked: gathered.states.iter().filter(|state| state.is_walked).count(),
        accounts_truncated,
        unpriced: unpriced.collect(),
        inputs_unresolved: gathered.utxo.iter().flatten().map(|u| u.tx.unresolved().count()).sum(),
        times_unstated: followed
            .filter(|(_, transfer)| transfer.time_source != TimeSource::Stated)
            .count(),
        notes,
    })
}

/// Where shares rest on an order that nobody told.
fn untold(gathered: &Gathered) -> Option<String> {
    let untold = crate::order::untold(gathered);
    let first = untold.first()?;
    let count = match untold.len() {
        1 => "1 moment".to_string(),
        n => format!("{n} moments"),
    };
    Some(format!(
        "In {count} the data does not tell in which order an account got and gave (first at {}, \
         transaction {}): there what arrives is taken to come before what leaves, and amounts may \
         be divided otherwise than they were.",
        first.time,
        first.tx.hash_text()
    ))
}

/// A leg of a Bitcoin transaction as a transfer.
fn leg_of(gathered: &Gathered, leg: EdgeLeg) -> Option<Transfer> {
    let made =
        |tx: u32, position| model::memory::leg(&gathered.utxo[tx as usize].as_ref()?.tx, position);
    match leg {
        EdgeLeg::Transfer(_) => None,
        EdgeLeg::Input(tx, n) => made(tx, model::Position::Input(n)),
        EdgeLeg::Output(tx, n) => made(tx, model::Position::Output(n)),
    }
}

fn link(transfer: &Transfer, edge: &Edge) -> Link {
    Link {
        chain: transfer.tx.chain,
        tx: transfer.tx.hash_text(),
        position: transfer.position.to_string(),
        height: transfer.height,
        time: (transfer.time_source != TimeSource::Unknown).then_some(transfer.time),
        from: transfer.from_account(),
        to: transfer.to_account(),
        asset: transfer.asset.clone(),
        amount: Base(transfer.amount),
        tainted: Base(edge.tainted),
        depth: edge.depth,
    }
}

fn label(label: &model::Label) -> LabelRow {
    LabelRow {
        name: label.shown_name(),
        concepts: label.concepts.clone(),
        confidence: label.confidence.id.clone(),
        confidence_level: label.confidence.level,
        source: label.source.clone(),
        collection: label.collection.clone(),
        date: label.date,
        file_hash: label.file_hash.clone(),
    }
}

fn listings(book: &Book, account: &Account) -> Vec<ListingRow> {
    if book.all_listings().is_empty() {
        return Vec::new();
    }
    let rows: BTreeSet<ListingRow> = book
        .listings(&Key::of(account))
        .map(|listing| ListingRow {
            list: listing.version.list.clone(),
            list_date: listing.version.date,
            party: listing.party.clone(),
            programme: (!listing.programmes.is_empty()).then(|| listing.programmes.join(", ")),
            asset_label: listing.asset_label.clone(),
            file_hash: listing.version.file_hash.clone(),
        })
        .collect();
    rows.into_iter().collect()
}

fn found(finding: &model::Finding, gathered: &Gathered) -> Found {
    let mut transfers: Vec<Named> =
        finding.transfers.iter().filter_map(|id| gathered.find(id)).map(named).collect();
    transfers.sort();
    Found {
        kind: finding.kind,
        severity: finding.severity,
        rule: finding.rule.clone(),
        accounts: finding.accounts.clone(),
        transfers,
        why: finding.why.clone(),
    }
}

fn named(transfer: &Transfer) -> Named {
    Named {
        chain: transfer.tx.chain,
        tx: transfer.tx.hash_text(),
        position: transfer.position.to_string(),
        time: (transfer.time_source != TimeSource::Unknown).then_some(transfer.time),
        from: transfer.from_account(),
        to: transfer.to_account(),
        asset: transfer.asset.clone(),
        amount: Base(transfer.amount),
    }
}
