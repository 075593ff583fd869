//! The trace for a terminal: what it rests on, the money as a tree, what was met.

mod page;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use model::{Account, Asset};
use trace::report::{AssetTotals, Base, Comparison, EndpointKind, Node, Worth};
use trace::{Policy, Report};

use self::page::{Ink, Page, columns};
use super::flow::Flow;
use super::words;
use super::words::{
    Balance, Class, Passage, Sums, Words, add, bases, cut_reason, end_reason, finding_name, minute,
    plain, plural, policy_meaning, second, span,
};
use super::{Heading, Style};

/// Rows of one section at most; the other formats have them all.
const ROWS_MAX: usize = 60;

pub fn table(report: &Report, heading: Option<&Heading>, style: &Style) -> String {
    let words = Words::new(report);
    let flow = Flow::of(&words);
    let mut page = Page::new(style);
    if let Some(heading) = heading {
        about(&mut page, heading);
    }
    head(&mut page, &words);
    if report.policy == Policy::HighestValue {
        route(&mut page, &words, &flow);
    } else {
        page.heading(if words.is_forward() {
            "Where it went (times in UTC)"
        } else {
            "Where it came from (times in UTC)"
        });
        if flow.streams.is_empty() {
            page.plain("  Nothing moved, as far as the data knows.");
        }
        tree::tree(&mut page, &words, &flow);
    }
    listed(&mut page, &words);
    endpoints(&mut page, &words, EndpointKind::Service, "Reached services");
    let resting = if words.is_forward() { "Where it rests" } else { "Where it began" };
    endpoints(&mut page, &words, EndpointKind::Resting, resting);
    crossings(&mut page, &words);
    findings(&mut page, report);
    cut(&mut page, &words);
    if let Some(comparison) = &report.comparison {
        compare(&mut page, &words, comparison);
    }
    coverage(&mut page, &words);
    page.finish()
}

/// What a case file says of itself.
fn about(page: &mut Page, heading: &Heading) {
    let marking = heading.marking.map(|marking| format!("  {}", marking.text()));
    let title = format!("{}{}", plain(&heading.title), marking.unwrap_or_default());
    page.wrap(Ink::Bold, "", &title, 2);
    let summary = plain(&heading.summary);
    if !summary.trim().is_empty() {
        page.wrap(Ink::Plain, "", summary.trim(), 0);
    }
    page.plain("");
}

fn head(page: &mut Page, words: &Words) {
    let report = words.report;
    let way = if words.is_forward() { "Forward from" } else { "Backward from" };
    for (n, source) in report.sources.iter().enumerate().take(12) {
        let lead = if n == 0 { way.to_string() } else { " ".repeat(columns(way)) };
        let (text, chain) = words::source(source);
        let on = chain.map(|chain| format!(" on {chain}")).unwrap_or_default();
        page.wrap(Ink::Bold, "", &format!("{lead} {text}{on}"), columns(way) + 1);
    }
    if report.sources.len() > 12 {
        page.plain(&format!("  … and {} more sources", report.sources.len() - 12));
    }
    let policy = format!("Policy {}: {}", report.policy, policy_meaning(report.policy));
    page.wrap(Ink::Plain, "", &policy, 2);
    if let Some(limits) = limits(report) {
        page.plain(&limits);
    }
    let reached = format!(
        "{}, {}; listed addresses reached: {}",
        plural(report.totals.accounts, "account", "accounts"),
        plural(report.totals.transfers, "transfer", "transfers"),
        words.listed(),
    );
    page.wrap(Ink::Plain, "", &reached, 2);
    balances(page, words);
}

/// The bounds of the walk that a person set.
fn limits(report: &Report) -> Option<String> {
    let settings = &report.settings;
    let mut limits = Vec::new();
    limits.extend(
        settings.hops_max.map(|hops| format!("at most {}", plural(hops as usize, "hop", "hops"))),
    );
    limits.extend(settings.since.map(|time| format!("since {} UTC", second(time))));
    limits.extend(settings.until.map(|time| format!("until {} UTC", second(time))));
    (!limits.is_empty()).then(|| format!("Bounds: {}", limits.join(", ")))
}

fn balances(page: &mut Page, words: &Words) {
    let report = words.report;
    let books = words.books();
    if books.is_empty() {
        return;
    }
    page.blank();
    let symbols: Vec<String> = books.iter().map(|balance| words.symbol(balance.asset)).collect();
    let room = symbols.iter().map(|symbol| columns(symbol)).max().unwrap_or(0);
    for (balance, symbol) in books.iter().zip(&symbols) {
        let pad = " ".repeat(room - columns(symbol));
        let check = if balance.is_balanced { " ✓" } else { "" };
        let sentence = format!("{}{check}", balance.sentence(words));
        page.wrap(Ink::Plain, &format!("{symbol}{pad}  "), &sentence, room + 4);
    }
    if !report.conserves {
        let policy = report.policy;
        let note = format!("Policy {policy} counts value more than once: sums need not balance.");
        page.wrap(Ink::Faint, "", &note, 0);
    }
}

fn route(page: &mut Page, words: &Words, flow: &Flow) {
    let report = words.report;
    page.heading("The route (times in UTC)");
    for (n, account) in report.route.iter().enumerate() {
        if n > 0 {
            hop(page, words, flow, &report.route[n - 1], account);
        }
        let class = words.class(account);
        let mut tags: Vec<String> = words.label(account).into_iter().collect();
        tags.extend(words.lists(account).iter().map(|list| format!("listed: {list}")));
        if tags.is_empty() && matches!(class, Class::Source | Class::Mixer | Class::Service) {
            tags.push(words.meaning(class).to_string());
        }
        page.line(&[
            (Ink::Faint, format!("{:>2}. ", n + 1)),
            (Ink::Of(class), account.address_text()),
            (Ink::Of(class), format!("  {}", tags.join(", "))),
        ]);
    }
    if let Some(end) = report.route_end {
        page.wrap(Ink::Faint, "    ", end_reason(end), 4);
    }
}

fn hop(page: &mut Page, words: &Words, flow: &Flow, here: &Account, next: &Account) {
    let (from, to) = if words.is_forward() { (here, next) } else { (next, here) };
    let arrow = if words.is_forward() { "↓" } else { "↑" };
    let streams: Vec<_> = flow
        .streams
        .iter()
        .filter(|stream| flow.places[stream.from].account() == Some(from))
        .filter(|stream| flow.places[stream.to].account() == Some(to))
        .collect();
    if streams.is_empty() {
        return page.line(&[(Ink::Faint, format!("    {arrow}"))]);
    }
    let amounts: Sums =
        streams.iter().map(|stream| (stream.asset.clone(), stream.tainted)).collect();
    let transfers: usize = streams.iter().map(|stream| stream.links.len()).sum();
    let first = streams.iter().filter_map(|stream| stream.first).min();
    let last = streams.iter().filter_map(|stream| stream.last).max();
    page.wrap(Ink::Plain, &format!("    {arrow} "), &words.amounts(&amounts), 6);
    let when = format!("{}, {}", plural(transfers, "transfer", "transfers"), span(first, last));
    page.line(&[(Ink::Faint, format!("      {when}"))]);
}

fn listed(page: &mut Page, words: &Words) {
    let nodes: Vec<&Node> =
        words.report.nodes.iter().filter(|node| !node.listings.is_empty()).collect();
    page.heading(&format!("Listed addresses reached: {}", words.listed()));
    let mut groups: BTreeMap<(u32, String), Vec<&Node>> = BTreeMap::new();
    for node in &nodes {
        groups.entry((node.depth, listing(node))).or_default().push(node);
    }
    let mut left = ROWS_MAX;
    for ((depth, name), mut group) in groups {
        group.sort_by_key(|node| (node.first_seen, &node.account));
        page.wrap(Ink::Of(Class::Listed), "  ", &format!("depth {depth}: {name}"), 4);
        for node in group.iter().take(left) {
            account_line(page, words, &node.account, &bases(&node.tainted), node.first_seen);
        }
        if group.len() > left {
            page.plain(&format!("    … {} more", group.len() - left));
        }
        left = left.saturating_sub(group.len());
    }
}

/// `fbi-psa250226 of 2025-02-26, TraderTraitor (DPRK)`.
fn listing(node: &Node) -> String {
    let said: BTreeSet<String> = node
        .listings
        .iter()
        .map(|row| {
            let party = row.party.as_deref().map(|party| format!(", {}", plain(party)));
            format!("{} of {}{}", plain(&row.list), row.list_date, party.unwrap_or_default())
        })
        .collect();
    said.into_iter().collect::<Vec<_>>().join("; ")
}

/// A whole address with what it got and when, on two lines where one is too short.
fn account_line(
    page: &mut Page,
    words: &Words,
    account: &Account,
    amounts: &Sums,
    time: Option<model::Timestamp>,
) {
    let address = account.address_text();
    let amounts = words.amounts(amounts);
    let when = time.map(|time| format!("  {}", minute(time))).unwrap_or_default();
    let used = 4 + columns(&address) + columns(&when);
    let room = page.width().min(96);
    if used + 2 + columns(&amounts) <= room {
        let pad = " ".repeat(room - used - columns(&amounts));
        page.plain(&format!("    {address}{pad}{amounts}{when}"));
    } else {
        page.plain(&format!("    {address}{when}"));
        page.wrap(Ink::Plain, "      ", &amounts, 8);
    }
}

fn endpoints(page: &mut Page, words: &Words, kind: EndpointKind, title: &str) {
    const SHOWN: usize = 10;
    let mut ends: BTreeMap<Option<&Account>, Sums> = BTreeMap::new();
    let mut sums: Sums = BTreeMap::new();
    for end in words.report.endpoints.iter().filter(|end| end.kind == kind) {
        for map in [ends.entry(end.account.as_ref()).or_default(), &mut sums] {
            add(map, &end.asset, end.amount.0);
        }
    }
    if ends.is_empty() {
        return;
    }
    let accounts = plural(ends.len(), "account", "accounts");
    page.blank();
    page.wrap(Ink::Bold, "", &format!("{title}: {} at {accounts}", words.amounts(&sums)), 2);
    let mut rows: Vec<_> = ends.into_iter().collect();
    let most = |amounts: &Sums| {
        words.by_weight(amounts).first().map(|(asset, base)| words.whole(asset, *base))
    };
    rows.sort_by_key(|row| std::cmp::Reverse(most(&row.1)));
    for (account, amounts) in rows.iter().take(SHOWN) {
        let Some(account) = account else { continue };
        account_line(page, words, account, amounts, None);
        let said: Vec<String> = words.said(account).into_iter().collect();
        if kind == EndpointKind::Service && !said.is_empty() {
            page.line(&[(Ink::Of(words.class(account)), format!("      {}", said.join(", ")))]);
        }
    }
    if rows.len() > SHOWN {
        page.plain(&format!("    … {} more", rows.len() - SHOWN));
    }
}

fn crossings(page: &mut Page, words: &Words) {
    let passages = Passage::all(words.report);
    if passages.is_empty() {
        return;
    }
    page.heading("Crossings: one asset went in, another came out");
    for passage in passages {
        page.plain(&format!("    {}", passage.account.address_text()));
        let (paid, received) = (words.amounts(&passage.paid), words.amounts(&passage.received));
        page.wrap(Ink::Plain, "      ", &format!("{paid} → {received}"), 8);
        let sure = format!(
            "{}, in {}",
            passage.sureness(),
            plural(passage.crossings, "crossing", "crossings")
        );
        page.wrap(Ink::Faint, "      ", &sure, 8);
    }
}

fn findings(page: &mut Page, report: &Report) {
    if report.findings.is_empty() {
        return;
    }
    let mut kinds: BTreeMap<model::FindingKind, usize> = BTreeMap::new();
    let mut transfers = BTreeSet::new();
    for finding in &report.findings {
        *kinds.entry(finding.kind).or_default() += 1;
        transfers.extend(&finding.transfers);
    }
    let kinds: Vec<String> =
        kinds.into_iter().map(|(kind, n)| format!("{} {n}", finding_name(kind))).collect();
    page.heading(&format!(
        "Findings: {} on {}, kept out of the walk",
        report.findings.len(),
        plural(transfers.len(), "transfer", "transfers"),
    ));
    page.wrap(Ink::Plain, "  ", &kinds.join(", "), 4);
}

fn cut(page: &mut Page, words: &Words) {
    if words.report.cut.is_empty() {
        return;
    }
    page.heading("Not followed, and why");
    for (reason, (amounts, places)) in cuts(words.report) {
        let text = format!(
            "{}: {} at {}",
            cut_reason(reason),
            words.amounts(&amounts),
            plural(places, "place", "places"),
        );
        page.wrap(Ink::Plain, "  ", &text, 4);
    }
}

/// By reason: how much, and at how many places.
pub fn cuts(report: &Report) -> BTreeMap<trace::settle::Cut, (Sums, usize)> {
    let mut cuts: BTreeMap<_, (Sums, BTreeSet<Option<&Account>>)> = BTreeMap::new();
    for row in &report.cut {
        let cut = cuts.entry(row.reason).or_default();
        add(&mut cut.0, &row.asset, row.amount.0);
        cut.1.insert(row.account.as_ref());
    }
    cuts.into_iter().map(|(reason, (amounts, at))| (reason, (amounts, at.len()))).collect()
}

fn compare(page: &mut Page, words: &Words, comparison: &Comparison) {
    page.heading("All policies over the same past");
    let head = ["policy", "accounts", "transfers", "listed", "conserves"].map(String::from);
    let rows: Vec<Vec<String>> = comparison
        .policies
        .iter()
        .map(|one| {
            vec![
                one.policy.to_string(),
                one.accounts.to_string(),
                one.transfers.to_string(),
                one.listed.to_string(),
                if one.conserves { "yes" } else { "no" }.to_string(),
            ]
        })
        .collect();
    page.columns(&head, &rows);
    for asset in words.report.totals.by_asset.iter().map(|totals| &totals.asset) {
        page.blank();
        compare_asset(page, words, comparison, asset);
    }
    ranges(page, words, comparison);
}

/// A column of one sum of the books.
pub type Sum = (&'static str, fn(&AssetTotals) -> Base);

pub const SUMS: [Sum; 7] = [
    ("tainted in", |totals| totals.tainted_in),
    ("crossed in", |totals| totals.crossed_in),
    ("resting", |totals| totals.resting),
    ("services", |totals| totals.at_services),
    ("fees", |totals| totals.fees),
    ("cut", |totals| totals.cut),
    ("crossed out", |totals| totals.crossed_out),
];

/// The sums of all policies, where they are the same.
pub fn alike<'a>(totals: &[(Policy, &'a AssetTotals)]) -> Option<&'a AssetTotals> {
    let [(_, first), _, ..] = totals else { return None };
    let is_same = |other: &AssetTotals| SUMS.iter().all(|(_, sum)| sum(first) == sum(other));
    totals.iter().all(|(_, other)| is_same(other)).then_some(*first)
}

fn compare_asset(page: &mut Page, words: &Words, comparison: &Comparison, asset: &Asset) {
    let totals: Vec<(Policy, &AssetTotals)> = comparison
        .policies
        .iter()
        .filter_map(|one| {
            Some((one.policy, one.by_asset.iter().find(|totals| totals.asset == *asset)?))
        })
        .collect();
    if let Some(first) = alike(&totals) {
        let sentence = Balance::of(words, first).sentence(words);
        let said = format!("every policy alike: {sentence}");
        return page.wrap(Ink::Plain, &format!("  {}  ", words.symbol(asset)), &said, 4);
    }
    let used: Vec<&Sum> = SUMS
        .iter()
        .filter(|(_, sum)| totals.iter().any(|(_, totals)| !sum(totals).0.is_zero()))
        .collect();
    let mut head = vec![words.symbol(asset)];
    head.extend(used.iter().map(|(name, _)| (*name).to_string()));
    let rows: Vec<Vec<String>> = totals
        .iter()
        .map(|(policy, totals)| {
            let numbers = used.iter().map(|(_, sum)| words.number_aligned(asset, sum(totals).0));
            std::iter::once(policy.to_string()).chain(numbers).collect()
        })
        .collect();
    if !page.columns(&head, &rows) {
        page.line(&[(Ink::Faint, format!("  {}", words.symbol(asset)))]);
        for (policy, totals) in totals {
            let sentence = Balance::of(words, totals).sentence(words);
            page.wrap(Ink::Plain, "  ", &format!("{policy}: {sentence}"), 4);
        }
    }
}

fn ranges(page: &mut Page, words: &Words, comparison: &Comparison) {
    let differing = comparison.ranges.iter().filter(|range| range.min != range.max);
    let mut ranges: Vec<_> = differing.collect();
    if ranges.is_empty() {
        return;
    }
    page.blank();
    let accounts: BTreeSet<&Account> = ranges.iter().map(|range| &range.account).collect();
    let n = plural(accounts.len(), "account gets", "accounts get");
    page.wrap(Ink::Plain, "  ", &format!("{n} more or less by policy; the widest:"), 4);
    ranges.sort_by_key(|range| {
        std::cmp::Reverse(words.whole(&range.asset, range.max.0 - range.min.0))
    });
    for range in ranges.iter().take(5) {
        let text = format!(
            "{} from {} to {}",
            range.account.short(),
            words.number(&range.asset, range.min.0),
            words.amount(&range.asset, range.max.0),
        );
        page.wrap(Ink::Plain, "    ", &text, 6);
    }
}

fn coverage(page: &mut Page, words: &Words) {
    page.heading("What the data covers");
    for line in coverage_lines(words) {
        page.wrap(Ink::Plain, "  ", &line, 4);
    }
}

/// A figure in USD with its price, the time of that, and who says so.
fn worth_line(words: &Words, worth: &Worth) -> String {
    let amount = words.amount(&worth.asset, worth.tainted.0);
    let Some(price) = &worth.price else {
        return format!("Of {amount} on {} no price is known.", worth.date);
    };
    let when = price.at.map_or_else(|| format!("the day {}", worth.date), |at| at.to_string());
    format!(
        "{amount} that left the sources on {} were worth {} USD, at {} USD of {when} ({}).",
        worth.date,
        price.usd,
        price.usd_unit,
        plain(&price.source)
    )
}

/// What the answer rests on, in sentences.
pub fn coverage_lines(words: &Words) -> Vec<String> {
    let coverage = &words.report.coverage;
    let mut lines: Vec<String> = coverage
        .chains
        .iter()
        .map(|chain| {
            let heights = match (chain.height_first, chain.height_last) {
                (Some(first), Some(last)) => format!(", blocks {first}–{last}"),
                _ => String::new(),
            };
            format!(
                "{}: {}{heights}, {} UTC, {}",
                chain.chain.name(),
                plural(
                    usize::try_from(chain.transfers).unwrap_or(usize::MAX),
                    "transfer",
                    "transfers"
                ),
                span(chain.time_first, chain.time_last),
                if chain.is_complete { "every block whole" } else { "not every block whole" },
            )
        })
        .collect();
    if coverage.accounts_incomplete > 0 {
        lines.push(format!(
            "For {} of {} walked, nothing says that the data has their whole history.",
            coverage.accounts_incomplete,
            plural(coverage.accounts_walked, "account", "accounts"),
        ));
    }
    let unpriced: Vec<String> = coverage
        .unpriced
        .iter()
        .map(|missing| format!("{} on {}", words.symbol(&missing.asset), missing.date))
        .collect();
    if !unpriced.is_empty() {
        lines.push(format!("No price was given for {}.", unpriced.join(", ")));
    }
    lines.extend(words.report.worth.iter().map(|worth| worth_line(words, worth)));
    if coverage.inputs_unresolved > 0 {
        let n = plural(coverage.inputs_unresolved, "input spends", "inputs spend");
        lines.push(format!("{n} an output that is not in the data."));
    }
    if coverage.times_unstated > 0 {
        let n = plural(coverage.times_unstated, "transfer has", "transfers have");
        lines.push(format!("{n} no time that a source states."));
    }
    lines.extend(coverage.notes.iter().map(|note| plain(note)));
    if !lines.iter().any(|line| line.contains("Not found is not clean")) {
        lines.push("Not found is not clean.".to_string());
    }
    lines
}
