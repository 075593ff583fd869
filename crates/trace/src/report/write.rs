//! How a report is written: from edges, books and findings to the contract's rows.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Account, Asset, AssetMeta, Book, Direction, Key, Output, Role, TimeSource, Transfer, TxId,
    U256, View, ViewError,
};

use super::{
    AssetRow, AssetTotals, Base, CoverageReport, Crossed, CutRow, DepthAsset, DepthTotals,
    Endpoint, EndpointKind, FORMAT, Found, LabelRow, Limits, Link, ListingRow, Named, Node, Paid,
    Received, Report, TotalsReport, Unpriced, VERSION,
};
use crate::Policy;
use crate::gather::{Gathered, Stop, destination, origin};
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
    writer.edges(&clean_edges(gathered, settled, &writer.nodes, settings.direction));
    writer.rest(&settled.resting);
    writer.totals(&settled.totals);
    writer.ends(settled);
    writer.crossings(settled);
    Ok(writer.finish())
}

/// Followed transfers between accounts that taint reached, which carried none under this
/// policy: leaving them out would make an account look as if it had sent less.
fn clean_edges(
    gathered: &Gathered,
    settled: &Settled,
    nodes: &BTreeMap<Account, Node>,
    direction: Direction,
) -> Vec<Edge> {
    let tainted: BTreeSet<usize> = settled
        .edges
        .iter()
        .filter_map(|edge| if let EdgeLeg::Transfer(at) = edge.leg { Some(at) } else { None })
        .collect();
    let is_known =
        |account: Option<Account>| account.is_some_and(|account| nodes.contains_key(&account));
    gathered
        .depths
        .iter()
        .filter(|(at, _)| !tainted.contains(at))
        .filter(|(at, _)| {
            let transfer = &gathered.transfers[**at];
            let (from, to) = (origin(transfer, direction), destination(transfer, direction));
            from != to && is_known(from) && is_known(to)
        })
        .map(|(at, depth)| Edge { leg: EdgeLeg::Transfer(*at), depth: *depth, tainted: U256::ZERO })
        .collect()
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
    let mut writer = Writer::new(view, book, settings, Policy::HighestValue, &walked.gathered)?;
    if let [first, _, ..] = settings.sources.as_slice() {
        let note = format!("The highest-value route follows one way: from {first} only.");
        writer.report.coverage.notes.push(note);
    }
    writer.report.route = walked.route.clone();
    writer.report.route_end = walked.end;
    let unpriced =
        walked.unpriced.iter().map(|(asset, date)| Unpriced { asset: asset.clone(), date: *date });
    writer.report.coverage.unpriced.extend(unpriced);
    writer.seed_route(&walked.route);
    writer.edges(&edges);
    writer.leave_route(&walked.route);
    Ok(writer.finish())
}

struct Writer<'a> {
    book: &'a Book,
    gathered: &'a Gathered,
    direction: Direction,
    registry: &'a model::Registry,
    nodes: BTreeMap<Account, Node>,
    report: Report,
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
            nodes: BTreeMap::new(),
            report: blank(settings, policy, coverage(view, gathered)?),
        };
        writer.report.findings =
            gathered.findings.iter().map(|finding| found(finding, gathered)).collect();
        writer
            .report
            .findings
            .sort_by(|a, b| (a.kind, &a.transfers, &a.why).cmp(&(b.kind, &b.transfers, &b.why)));
        for account in &gathered.source_accounts {
            writer.node(account, 0);
        }
        for outpoint in &gathered.source_outpoints {
            if let Some(Output { address, .. }) = gathered.holders.get(outpoint) {
                writer.node(&Account { chain: outpoint.tx.chain, address: address.clone() }, 0);
            }
        }
        for at in &gathered.forced {
            if let Some(sender) = origin(&gathered.transfers[*at], settings.direction) {
                writer.node(&sender, 0);
            }
        }
        Ok(writer)
    }

    fn edges(&mut self, edges: &[Edge]) {
        for edge in edges {
            let Some(transfer) = transfer_of(self.gathered, edge.leg) else { continue };
            if let Some(to) = destination(&transfer, self.direction) {
                let node = self.node(&to, edge.depth);
                add(&mut node.received, &transfer.asset, transfer.amount);
                add(&mut node.tainted, &transfer.asset, edge.tainted);
                node.see(&transfer);
            }
            if let Some(from) = origin(&transfer, self.direction) {
                let node = self.node(&from, edge.depth);
                add(&mut node.sent, &transfer.asset, transfer.amount);
                node.see(&transfer);
            }
            self.report.edges.push(link(&transfer, edge));
        }
    }

    fn node(&mut self, account: &Account, depth: u32) -> &mut Node {
        if !self.nodes.contains_key(account) {
            let node = self.new_node(account, depth);
            self.nodes.insert(account.clone(), node);
        }
        let node = self.nodes.get_mut(account).expect("inserted above");
        node.depth = node.depth.min(depth);
        node
    }

    fn new_node(&self, account: &Account, depth: u32) -> Node {
        Node {
            account: account.clone(),
            depth,
            received: BTreeMap::new(),
            sent: BTreeMap::new(),
            tainted: BTreeMap::new(),
            resting: BTreeMap::new(),
            role: self.gathered.roles.get(account).copied().unwrap_or(Role::Other),
            stop: self.gathered.stops.get(account).copied(),
            first_seen: None,
            last_seen: None,
            labels: self.book.labels(account).into_iter().map(label).collect(),
            listings: listings(self.book, account),
        }
    }

    /// A route has its accounts even where nothing left them.
    fn seed_route(&mut self, route: &[Account]) {
        for (depth, account) in (0u32..).zip(route) {
            self.node(account, depth);
        }
    }

    fn rest(&mut self, resting: &BTreeMap<(Account, Asset), U256>) {
        for ((account, asset), base) in resting {
            if let Some(node) = self.nodes.get_mut(account) {
                add(&mut node.resting, asset, *base);
            }
        }
    }

    fn totals(&mut self, totals: &BTreeMap<Asset, Totals>) {
        self.report.totals.by_asset = totals
            .iter()
            .map(|(asset, totals)| AssetTotals {
                asset: asset.clone(),
                tainted_in: Base(totals.tainted_in),
                crossed_in: Base(totals.crossed_in),
                resting: Base(totals.resting),
                at_services: Base(totals.at_services),
                fees: Base(totals.fees),
                cut: Base(totals.cut),
                crossed_out: Base(totals.crossed_out),
            })
            .collect();
    }

    fn ends(&mut self, settled: &Settled) {
        for ((account, asset), base) in &settled.services {
            self.end(Some(account), EndpointKind::Service, asset, *base);
        }
        for ((account, asset), base) in &settled.resting {
            self.end(Some(account), EndpointKind::Resting, asset, *base);
        }
        for ((reason, account, asset), base) in &settled.cut {
            self.cut(*reason, account.as_ref(), asset, *base);
        }
    }

    fn cut(&mut self, reason: Cut, account: Option<&Account>, asset: &Asset, base: U256) {
        self.end(account, EndpointKind::Cut, asset, base);
        self.report.cut.push(CutRow {
            reason,
            account: account.cloned(),
            asset: asset.clone(),
            amount: Base(base),
        });
    }

    fn end(&mut self, account: Option<&Account>, kind: EndpointKind, asset: &Asset, base: U256) {
        let name = account.and_then(|account| self.name(account));
        self.report.endpoints.push(Endpoint {
            account: account.cloned(),
            kind,
            name,
            asset: asset.clone(),
            amount: Base(base),
        });
    }

    fn name(&self, account: &Account) -> Option<String> {
        let label = self.book.labels(account).first().map(|label| label.name.clone());
        label.or_else(|| listings(self.book, account).first().map(|listing| listing.list.clone()))
    }

    fn crossings(&mut self, settled: &Settled) {
        for (n, (taints, out)) in &settled.crossed {
            let crossing = &self.gathered.crossings[*n];
            if out.is_zero() && taints.iter().all(|taint| taint.is_zero()) {
                continue;
            }
            let place =
                crossing.return_leg.or(crossing.before).map(|at| &self.gathered.transfers[at]);
            let paid = crossing.legs.iter().zip(taints).map(|(leg, taint)| Paid {
                venue: leg.venue.clone(),
                tx: self.gathered.transfers[leg.at].tx.hash_text(),
                asset: leg.asset.clone(),
                amount: Base(leg.base),
                tainted: Base(*taint),
            });
            self.report.crossings.push(Crossed {
                account: crossing.account.clone(),
                kind: crossing.kind,
                confidence: crossing.confidence,
                why: crossing.why.clone(),
                time: place.map(|transfer| transfer.time),
                paid: paid.collect(),
                received: Received {
                    tx: crossing.return_leg.map(|at| self.gathered.transfers[at].tx.hash_text()),
                    asset: crossing.out_asset.clone(),
                    amount: Base(crossing.out_base),
                    tainted: Base(*out),
                },
            });
        }
    }

    /// What the route's accounts sent elsewhere is not followed, and said so.
    fn leave_route(&mut self, route: &[Account]) {
        let mut left: BTreeMap<(Account, Asset), U256> = BTreeMap::new();
        for link in &self.report.edges {
            let to = if self.direction == Direction::Forward { &link.to } else { &link.from };
            if let Some(to) = to.as_ref().filter(|to| !route.contains(to)) {
                *left.entry((to.clone(), link.asset.clone())).or_default() += link.amount.0;
            }
        }
        for ((account, asset), base) in left {
            self.cut(Cut::NotHighest, Some(&account), &asset, base);
        }
    }

    fn finish(mut self) -> Report {
        let mut nodes: Vec<Node> = self.nodes.into_values().collect();
        nodes.sort_by(|a, b| (a.depth, &a.account).cmp(&(b.depth, &b.account)));
        let report = &mut self.report;
        report.edges.sort_by(|a, b| {
            (a.time, a.height, &a.tx, &a.position, &a.from, &a.to).cmp(&(
                b.time,
                b.height,
                &b.tx,
                &b.position,
                &b.from,
                &b.to,
            ))
        });
        report.endpoints.sort_by(|a, b| {
            (a.kind, &a.asset, b.amount, &a.account).cmp(&(b.kind, &b.asset, a.amount, &b.account))
        });
        report.totals.accounts = nodes.len();
        report.totals.transfers = report.edges.len();
        report.totals.listed = nodes.iter().filter(|node| !node.listings.is_empty()).count();
        report.totals.services =
            nodes.iter().filter(|node| node.stop == Some(Stop::Service)).count();
        report.totals.by_depth = by_depth(&report.edges, &nodes, self.direction);
        report.assets = assets(report, self.gathered, self.registry);
        report.nodes = nodes;
        self.report
    }
}

impl Node {
    fn see(&mut self, transfer: &Transfer) {
        if transfer.time_source == TimeSource::Unknown {
            return;
        }
        let time = transfer.time;
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
        comparison: None,
    }
}

fn coverage(view: &dyn View, gathered: &Gathered) -> Result<CoverageReport, ViewError> {
    let unstated = |at: &&usize| gathered.transfers[**at].time_source != TimeSource::Stated;
    let unpriced = gathered
        .unpriced
        .iter()
        .map(|(asset, date)| Unpriced { asset: asset.clone(), date: *date });
    let chains = view.coverage()?;
    let mut notes = Vec::new();
    if chains.iter().any(|chain| !chain.is_complete) {
        notes.push(
            "The data comes from files: what they leave out was not seen. Not found is not clean."
                .to_string(),
        );
    }
    if !gathered.truncated.is_empty() {
        notes.push(format!(
            "{} accounts have more transfers than the budget lets in: what was left out is not followed.",
            gathered.truncated.len()
        ));
    }
    Ok(CoverageReport {
        chains,
        accounts_incomplete: gathered.incomplete.len(),
        accounts_walked: gathered.ledgers.len(),
        accounts_truncated: gathered.truncated.len(),
        unpriced: unpriced.collect(),
        inputs_unresolved: gathered.utxo.values().map(|tx| tx.unresolved().count()).sum(),
        times_unstated: gathered.depths.keys().filter(unstated).count(),
        notes,
    })
}

/// An edge's leg as a transfer; Bitcoin's are made from the transaction.
fn transfer_of(gathered: &Gathered, leg: EdgeLeg) -> Option<Transfer> {
    let made = |tx: &TxId, position| model::memory::leg(gathered.utxo.get(tx)?, position);
    match leg {
        EdgeLeg::Transfer(at) => gathered.transfers.get(at).cloned(),
        EdgeLeg::Input(tx, n) => made(&tx, model::Position::Input(n)),
        EdgeLeg::Output(tx, n) => made(&tx, model::Position::Output(n)),
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
        name: label.name.clone(),
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

/// How many arrive at one depth, and per asset how much and how much of it tainted.
type Depth = (usize, BTreeMap<Asset, (U256, U256)>);

fn by_depth(edges: &[Link], nodes: &[Node], direction: Direction) -> Vec<DepthTotals> {
    let mut depths: BTreeMap<u32, Depth> = BTreeMap::new();
    for edge in edges {
        let arrives = if direction == Direction::Forward { &edge.to } else { &edge.from };
        if arrives.is_none() {
            continue;
        }
        let depth = depths.entry(edge.depth).or_default();
        depth.0 += 1;
        let sums = depth.1.entry(edge.asset.clone()).or_default();
        sums.0 += edge.amount.0;
        sums.1 += edge.tainted.0;
    }
    let at = |depth: u32| nodes.iter().filter(move |node| node.depth == depth);
    depths
        .into_iter()
        .map(|(depth, (transfers, sums))| DepthTotals {
            depth,
            transfers,
            accounts: at(depth).count(),
            listed: at(depth).filter(|node| !node.listings.is_empty()).count(),
            by_asset: sums
                .into_iter()
                .map(|(asset, (amount, tainted))| DepthAsset {
                    asset,
                    amount: Base(amount),
                    tainted: Base(tainted),
                })
                .collect(),
        })
        .collect()
}

fn assets(report: &Report, gathered: &Gathered, registry: &model::Registry) -> Vec<AssetRow> {
    let named: BTreeSet<&Asset> = report
        .edges
        .iter()
        .map(|edge| &edge.asset)
        .chain(report.totals.by_asset.iter().map(|totals| &totals.asset))
        .collect();
    named
        .into_iter()
        .map(|asset| {
            let genuine = registry.get(asset);
            let unknown = AssetMeta::unknown(asset.clone());
            let meta = genuine.or_else(|| gathered.metas.get(asset)).unwrap_or(&unknown);
            AssetRow {
                asset: asset.clone(),
                symbol: meta.symbol.clone(),
                decimals: meta.decimals,
                freezable: meta.freezable,
                is_genuine: genuine.is_some(),
            }
        })
        .collect()
}

fn add(sums: &mut BTreeMap<Asset, Base>, asset: &Asset, base: U256) {
    sums.entry(asset.clone()).or_default().0 += base;
}
