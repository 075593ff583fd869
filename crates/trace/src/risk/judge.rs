//! One exposure against all rules.

use std::collections::BTreeMap;

use model::{Asset, Timestamp, U256, amount};

use super::rules::{Nearness, Rule, Rules, Side, When};
use super::{Counterparty, FORMAT, Figure, NotEvaluated, Reason, Risk, VERSION};
use crate::exposure::{Basis, Designation, Exposure, Flow, ServiceRow, Way, Who, share_of};
use crate::report::Base;

const SERVICES_MAX: usize = 10;
const EVIDENCE_MAX: usize = 20;

impl Rules {
    /// Judges an exposure. The same exposure and rules give the same answer.
    pub fn judge(&self, exposure: &Exposure) -> Risk {
        let latest = latest(exposure);
        let mut risk = Risk {
            format: FORMAT,
            version: VERSION,
            accounts: exposure.accounts.clone(),
            rules: self.name.clone(),
            severity: None,
            reasons: Vec::new(),
            not_evaluated: Vec::new(),
        };
        for rule in &self.rules {
            if rule.direction == Side::Own {
                risk.reasons.extend(own(rule, exposure));
                continue;
            }
            for (way, basis) in questions(rule) {
                let found = Found::of(rule, exposure, way, basis, latest);
                match found.verdict(rule) {
                    Verdict::No => {}
                    Verdict::Fires => risk.reasons.push(found.reason(rule, way, basis)),
                    Verdict::Unpriced => risk
                        .not_evaluated
                        .push(NotEvaluated { rule: rule.id.clone(), why: found.unpriced(way) }),
                }
            }
        }
        // A stable sort: rules of one severity stay in the order of the file.
        risk.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.severity));
        risk.severity = risk.reasons.first().map(|reason| reason.severity);
        risk
    }
}

/// Own dealings are read from what moved; what came through others from what moved or is held.
fn questions(rule: &Rule) -> Vec<(Way, Basis)> {
    let ways: &[Way] = match rule.direction {
        Side::Any => &[Way::In, Way::Out],
        Side::In => &[Way::In],
        Side::Out => &[Way::Out],
        Side::Own => &[],
    };
    let bases: &[Basis] = match rule.exposure {
        Nearness::Any => &[Basis::Moved, Basis::Counterparties, Basis::Held],
        Nearness::Direct => &[Basis::Moved, Basis::Counterparties],
        Nearness::Indirect => &[Basis::Moved, Basis::Held],
    };
    ways.iter().flat_map(|way| bases.iter().map(|basis| (*way, *basis))).collect()
}

/// The last own transfer with any counterparty.
fn latest(exposure: &Exposure) -> Option<Timestamp> {
    exposure.flows.iter().flat_map(|flow| &flow.services).filter_map(|row| row.last).max()
}

fn is_named(rule: &Rule, who: &Who) -> bool {
    let sure = |category: &String| {
        who.categories.get(category).is_some_and(|level| *level >= rule.confidence_min)
    };
    rule.categories.iter().any(sure)
}

fn own(rule: &Rule, exposure: &Exposure) -> Option<Reason> {
    let named: Vec<&Who> = exposure.own.iter().filter(|who| is_named(rule, who)).collect();
    if named.is_empty() {
        return None;
    }
    let services: Vec<Counterparty> = named.iter().map(|who| counterparty(who)).collect();
    let said: Vec<String> = named.iter().map(|who| told(who)).collect();
    Some(Reason {
        rule: rule.id.clone(),
        version: rule.version,
        title: rule.title.clone(),
        severity: rule.severity,
        basis: rule.basis.clone(),
        direction: None,
        of: None,
        figures: Vec::new(),
        usd: None,
        hops_min: None,
        services,
        evidence: Vec::new(),
        why: format!("{}: {}", rule.title, said.join("; ")),
    })
}

fn told(who: &Who) -> String {
    let sources: Vec<&str> = who.sources.iter().map(String::as_str).collect();
    let name = who.name.as_deref().unwrap_or(&who.id);
    format!("{name} ({}), says {}", who.category, sources.join(", "))
}

fn counterparty(who: &Who) -> Counterparty {
    Counterparty { id: who.id.clone(), name: who.name.clone(), category: who.category.clone() }
}

enum Verdict {
    No,
    Fires,
    /// It would have to be compared in USD, and there is no price.
    Unpriced,
}

/// What of an exposure a rule is about.
#[derive(Default)]
struct Found<'a> {
    rows: Vec<(&'a ServiceRow, U256)>,
    figures: BTreeMap<Asset, (&'a str, Figure)>,
    usd_e12: U256,
    has_unpriced: bool,
    hops_min: Option<u32>,
}

impl<'a> Found<'a> {
    fn of(
        rule: &Rule,
        exposure: &'a Exposure,
        way: Way,
        basis: Basis,
        latest: Option<Timestamp>,
    ) -> Found<'a> {
        let mut found = Found::default();
        let asked =
            |flow: &&Flow| flow.direction == way && flow.basis == basis && !flow.is_imitation;
        for flow in exposure.flows.iter().filter(asked) {
            let mut sum = U256::ZERO;
            for row in &flow.services {
                let base = amount_of(rule, row, basis);
                if base.is_zero() || !is_named(rule, &row.service) || !is_near(rule, row, latest) {
                    continue;
                }
                sum += base;
                found.rows.push((row, base));
                found.hops_min = found.hops_min.into_iter().chain(row.hops_min).min();
            }
            found.add(flow, sum);
        }
        found
    }

    fn add(&mut self, flow: &'a Flow, sum: U256) {
        if sum.is_zero() {
            return;
        }
        let usd_e12 = flow.usd_e12(sum);
        match usd_e12 {
            Some(usd) => self.usd_e12 = self.usd_e12.saturating_add(usd),
            None => self.has_unpriced = true,
        }
        let figure = Figure {
            asset: flow.asset.clone(),
            amount: Base(sum),
            share: share_of(sum, flow.total.0 + flow.crossed_in.0),
            usd: usd_e12.map(dollars),
        };
        let symbol = flow.symbol.as_deref().unwrap_or("base units");
        self.figures.insert(flow.asset.clone(), (symbol, figure));
    }

    fn verdict(&self, rule: &Rule) -> Verdict {
        if self.figures.is_empty() {
            return Verdict::No;
        }
        let share = self.figures.values().map(|(_, figure)| figure.share).fold(0.0, f64::max);
        if rule.share_min.is_some_and(|least| share < least) {
            return Verdict::No;
        }
        match rule.usd_min {
            Some(least) if self.usd_e12 < scaled(least) => {
                if self.has_unpriced {
                    Verdict::Unpriced
                } else {
                    Verdict::No
                }
            }
            _ => Verdict::Fires,
        }
    }

    fn unpriced(&self, way: Way) -> String {
        let missing = self.figures.values().filter(|(_, figure)| figure.usd.is_none());
        let missing: Vec<String> = missing.map(|(_, figure)| figure.asset.to_string()).collect();
        format!("no price is known of {}, {}", missing.join(", "), side(way))
    }

    fn reason(mut self, rule: &Rule, way: Way, basis: Basis) -> Reason {
        // Of several assets no amounts compare; shares of a flow do.
        self.rows.sort_by(|a, b| {
            b.0.share.total_cmp(&a.0.share).then_with(|| a.0.service.id.cmp(&b.0.service.id))
        });
        let why = self.why(rule, way, basis);
        let mut services: Vec<Counterparty> = Vec::new();
        for (row, _) in &self.rows {
            let one = counterparty(&row.service);
            if !services.contains(&one) && services.len() < SERVICES_MAX {
                services.push(one);
            }
        }
        let paths = self.rows.iter().flat_map(|(row, _)| &row.paths);
        let mut evidence: Vec<String> = Vec::new();
        for id in paths.flat_map(|path| &path.transfers) {
            if !evidence.contains(id) && evidence.len() < EVIDENCE_MAX {
                evidence.push(id.clone());
            }
        }
        let is_priced = self.figures.values().any(|(_, figure)| figure.usd.is_some());
        Reason {
            rule: rule.id.clone(),
            version: rule.version,
            title: rule.title.clone(),
            severity: rule.severity,
            basis: rule.basis.clone(),
            direction: Some(way),
            of: Some(basis),
            usd: is_priced.then(|| dollars(self.usd_e12)),
            hops_min: self.hops_min,
            figures: self.figures.into_values().map(|(_, figure)| figure).collect(),
            services,
            evidence,
            why,
        }
    }

    fn why(&self, rule: &Rule, way: Way, basis: Basis) -> String {
        let amounts: Vec<String> = self
            .figures
            .values()
            .map(|(symbol, figure)| {
                let usd = figure.usd.as_ref().map(|usd| format!(", {usd} USD"));
                let (percent, usd) = (figure.share * 100.0, usd.unwrap_or_default());
                format!("{} base units of {symbol} ({percent:.2} %{usd})", figure.amount.0)
            })
            .collect();
        let mut names: Vec<&str> = Vec::new();
        for (row, _) in &self.rows {
            let name = row.service.name.as_deref().unwrap_or(&row.service.id);
            if !names.contains(&name) && names.len() < SERVICES_MAX {
                names.push(name);
            }
        }
        let of = match basis {
            Basis::Moved | Basis::Counterparties => side(way),
            Basis::Held => "of what is held",
        };
        format!("{}: {} {of}; {}", rule.title, amounts.join(", "), names.join(", "))
    }
}

fn side(way: Way) -> &'static str {
    match way {
        Way::In => "of what came in",
        Way::Out => "of what went out",
    }
}

/// What of a row the rule asks for. Where own dealings are told apart, what is held adds
/// nothing to them: it came by one of them.
fn amount_of(rule: &Rule, row: &ServiceRow, basis: Basis) -> U256 {
    let mut parts = [row.direct.0, row.indirect.0];
    if let Some(Designation { after, after_direct, .. }) = &row.designation {
        let late = [after_direct.0, after.0 - after_direct.0];
        match rule.designation {
            When::Any => {}
            When::After => parts = late,
            When::Before => parts = [parts[0] - late[0], parts[1] - late[1]],
            When::Undated => return U256::ZERO,
        }
    } else if matches!(rule.designation, When::After | When::Before) {
        return U256::ZERO;
    }
    match (rule.exposure, basis) {
        (Nearness::Direct, _) => parts[0],
        (Nearness::Indirect, _) | (Nearness::Any, Basis::Held) => parts[1],
        (Nearness::Any, _) => parts[0] + parts[1],
    }
}

fn is_near(rule: &Rule, row: &ServiceRow, latest: Option<Timestamp>) -> bool {
    let is_near = rule.hops_max.is_none_or(|most| row.hops_min.is_none_or(|hops| hops <= most));
    let is_recent = match (rule.days_max, row.last, latest) {
        (Some(days), Some(last), Some(latest)) => {
            latest.as_second() - last.as_second() <= i64::from(days) * 24 * 3600
        }
        _ => true,
    };
    is_near && is_recent
}

fn dollars(usd_e12: U256) -> String {
    amount::format_units(usd_e12 / U256::from(10u64.pow(10)), 2)
}

/// USD as rules write them, scaled by 10^12.
fn scaled(usd: f64) -> U256 {
    let text = format!("{usd:.6}");
    amount::parse_units(&text, 12).unwrap_or(U256::MAX)
}
