//! What stands below the picture: every list the report has, as tables.

use std::collections::BTreeSet;

use model::Account;
use trace::report::{Comparison, Endpoint, Node};

use super::super::flow::Flow;
use super::super::table::{SUMS, alike, coverage_lines, cuts};
use super::super::words::{
    Balance, Class, Words, add, crossing_kind, cut_reason, end_reason, finding_name, plain, plural,
    second,
};
use super::escape::html;
use super::grid::{Cell, account, amount, code, count, number, table, text};
use super::layout::Picture;

pub fn all(words: &Words, flow: &Flow, picture: &Picture) -> String {
    let report = words.report;
    let mut out = String::new();
    out += &route(words);
    if let Some(comparison) = &report.comparison {
        out += &compare(words, comparison);
    }
    out += &listed(words);
    out += &endpoints(words);
    out += &crossings(words);
    out += &findings(words);
    out += &cut(words);
    out += &labels(words);
    out += &groups(words, flow, picture);
    out += &transfers(words);
    out + &coverage(words)
}

fn section(id: &str, title: &str, note: &str, body: &str) -> String {
    let note =
        if note.is_empty() { String::new() } else { format!("<p class=\"note\">{note}</p>") };
    format!("<section id=\"{id}\"><h2>{}</h2>{note}\n{body}</section>\n", html(title))
}

/// Folded: long, and rarely the first thing to read.
fn folded(id: &str, title: &str, body: &str) -> String {
    format!(
        "<section id=\"{id}\"><details><summary>{}</summary>\n{body}</details></section>\n",
        html(title)
    )
}

fn when(time: Option<model::Timestamp>) -> Cell {
    text(time.map(second).unwrap_or_else(|| "unknown".to_string()))
}

fn route(words: &Words) -> String {
    let report = words.report;
    if report.route.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<Cell>> = report
        .route
        .iter()
        .enumerate()
        .map(|(n, here)| {
            let seen = words.node(here).and_then(|node| node.first_seen);
            let lists = words.lists(here).join(", ");
            vec![count(n + 1), account(words, here), text(lists), when(seen)]
        })
        .collect();
    let note = report.route_end.map(end_reason).map(html).unwrap_or_default();
    let body = table(&["Step", "Account", "Lists", "First seen (UTC)"], &rows);
    section("route", "The route", &note, &body)
}

fn compare(words: &Words, comparison: &Comparison) -> String {
    let counts: Vec<Vec<Cell>> = comparison
        .policies
        .iter()
        .map(|one| {
            let mine = if one.policy == words.report.policy { " (shown above)" } else { "" };
            vec![
                text(format!("{}{mine}", one.policy)),
                count(one.accounts),
                count(one.transfers),
                count(one.listed),
                text(if one.conserves { "yes" } else { "no" }),
            ]
        })
        .collect();
    let head = ["Policy", "Accounts", "Transfers", "Listed", "Conserves value"];
    let mut body = format!("<div class=\"side\">{}", table(&head, &counts));
    let mut same = String::new();
    for totals in &words.report.totals.by_asset {
        let asset = &totals.asset;
        let of_asset: Vec<_> = comparison
            .policies
            .iter()
            .filter_map(|one| Some((one.policy, one.by_asset.iter().find(|t| t.asset == *asset)?)))
            .collect();
        if let Some(totals) = alike(&of_asset) {
            let sentence = Balance::of(words, totals).sentence(words);
            let symbol = html(&words.symbol(asset));
            same +=
                &format!("<li><b>{symbol}</b>: {}, whatever the policy</li>\n", html(&sentence));
            continue;
        }
        let used = |sum: &&super::super::table::Sum| {
            of_asset.iter().any(|(_, totals)| !sum.1(totals).0.is_zero())
        };
        let used: Vec<_> = SUMS.iter().filter(used).collect();
        let symbol = words.symbol(asset);
        let mut head: Vec<&str> = vec![&symbol];
        head.extend(used.iter().map(|(name, _)| *name));
        let rows: Vec<Vec<Cell>> = of_asset
            .iter()
            .map(|(policy, totals)| {
                let sums = used.iter().map(|(_, sum)| number(words, asset, sum(totals).0));
                std::iter::once(text(policy.to_string())).chain(sums).collect()
            })
            .collect();
        body += &table(&head, &rows);
    }
    body += "</div>\n";
    if !same.is_empty() {
        body += &format!("<ul>{same}</ul>\n");
    }
    body += &ranges(words, comparison);
    let note = "No policy is the truth; each is a convention. What all of them say is surest.";
    section("policies", "All policies over the same past", note, &body)
}

fn ranges(words: &Words, comparison: &Comparison) -> String {
    let mut ranges: Vec<_> =
        comparison.ranges.iter().filter(|range| range.min != range.max).collect();
    if ranges.is_empty() {
        return String::new();
    }
    ranges.sort_by_key(|range| {
        std::cmp::Reverse(words.whole(&range.asset, range.max.0 - range.min.0))
    });
    let rows: Vec<Vec<Cell>> = ranges
        .iter()
        .map(|range| {
            let mut row = vec![
                account(words, &range.account),
                amount(words, &range.asset, range.min.0),
                amount(words, &range.asset, range.max.0),
            ];
            row.extend(range.by_policy.values().map(|base| number(words, &range.asset, base.0)));
            row
        })
        .collect();
    let policies = ranges[0].by_policy.keys().map(|policy| policy.name());
    let head: Vec<&str> = ["Account", "Least", "Most"].into_iter().chain(policies).collect();
    let accounts: BTreeSet<&Account> = ranges.iter().map(|range| &range.account).collect();
    let n = plural(accounts.len(), "account gets", "accounts get");
    format!(
        "<details><summary>{n} more or less taint by policy</summary>\n{}</details>\n",
        table(&head, &rows)
    )
}

fn listed(words: &Words) -> String {
    let mut nodes: Vec<&Node> =
        words.report.nodes.iter().filter(|node| !node.listings.is_empty()).collect();
    nodes.sort_by_key(|node| (node.depth, node.first_seen, &node.account));
    let rows: Vec<Vec<Cell>> = nodes
        .iter()
        .flat_map(|node| {
            node.listings.iter().map(|row| {
                let party = row.party.as_deref().map(plain).unwrap_or_default();
                let got = super::super::words::bases(&node.tainted);
                vec![
                    account(words, &node.account),
                    count(node.depth as usize),
                    Cell::Number(words.amounts(&got), words.amounts(&got)),
                    when(node.first_seen),
                    text(format!("{} of {}", plain(&row.list), row.list_date)),
                    text(party),
                ]
            })
        })
        .collect();
    if rows.is_empty() {
        let note =
            "None of the accounts in this trace is on a stored list. Not found is not clean.";
        return section("listed", "Listed addresses reached", note, "");
    }
    let head = ["Account", "Depth", "Tainted received", "First seen (UTC)", "List", "Party"];
    let title = format!("Listed addresses reached: {}", words.listed());
    section("listed", &title, "", &table(&head, &rows))
}

fn endpoints(words: &Words) -> String {
    let mut ends: Vec<&Endpoint> = words.report.endpoints.iter().collect();
    if ends.is_empty() {
        return String::new();
    }
    ends.sort_by(|a, b| {
        (a.kind, &a.asset, b.amount, &a.account).cmp(&(b.kind, &b.asset, a.amount, &b.account))
    });
    let rows: Vec<Vec<Cell>> = ends
        .iter()
        .map(|end| {
            vec![
                end.account.as_ref().map_or_else(|| text("not in the data"), |a| account(words, a)),
                text(words.ending(end.kind)),
                amount(words, &end.asset, end.amount.0),
                text(end.account.as_ref().map(|a| words.lists(a).join(", ")).unwrap_or_default()),
            ]
        })
        .collect();
    let head = ["Account", "Ending", "Amount", "Lists"];
    let (title, note) = if words.is_forward() {
        ("Where the value ended", "As far as this data goes: value may have moved on since.")
    } else {
        ("Where the value began", "As far as this data goes: it may have come from further back.")
    };
    section("endings", title, note, &table(&head, &rows))
}

fn crossings(words: &Words) -> String {
    let report = words.report;
    if report.crossings.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<Cell>> = report
        .crossings
        .iter()
        .map(|crossed| {
            let mut paid = std::collections::BTreeMap::new();
            let mut venues = BTreeSet::new();
            for one in &crossed.paid {
                add(&mut paid, &one.asset, one.amount.0);
                venues.insert(words.name(&one.venue));
            }
            let received = &crossed.received;
            let venues: Vec<String> = venues.into_iter().collect();
            vec![
                account(words, &crossed.account),
                when(crossed.time),
                Cell::Number(words.amounts(&paid), words.amounts(&paid)),
                amount(words, &received.asset, received.amount.0),
                amount(words, &received.asset, received.tainted.0),
                text(venues.join(", ")),
                text(format!("{}, {:.2}", crossing_kind(crossed), crossed.confidence)),
                text(plain(&crossed.why)),
            ]
        })
        .collect();
    let head = [
        "Account",
        "Time (UTC)",
        "Went in",
        "Came out",
        "Of it tainted",
        "Through",
        "Kind, confidence",
        "Why",
    ];
    let note = "A crossing is where one asset went in and another came out. An inferred one is a conclusion, not a record.";
    section("crossings", "Crossings", note, &table(&head, &rows))
}

fn findings(words: &Words) -> String {
    let report = words.report;
    if report.findings.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<Cell>> = report
        .findings
        .iter()
        .map(|finding| {
            let severity = format!("{:?}", finding.severity).to_lowercase();
            let transfer = finding.transfers.first();
            let target = transfer
                .and_then(|t| if words.is_forward() { t.to.as_ref() } else { t.from.as_ref() });
            vec![
                text(finding_name(finding.kind)),
                text(severity),
                target.or(finding.accounts.last()).map_or_else(|| text(""), |a| account(words, a)),
                when(transfer.and_then(|transfer| transfer.time)),
                text(plain(&finding.why)),
                code(transfer.map(|transfer| transfer.tx.as_str()).unwrap_or_default()),
            ]
        })
        .collect();
    let head = ["Kind", "Severity", "Account", "Time (UTC)", "Why", "Transaction"];
    let note =
        "These transfers were made to mislead. They are listed here and kept out of every walk.";
    section("findings", &format!("Findings: {}", report.findings.len()), note, &table(&head, &rows))
}

fn cut(words: &Words) -> String {
    let report = words.report;
    if report.cut.is_empty() {
        return String::new();
    }
    let sums: Vec<Vec<Cell>> = cuts(report)
        .into_iter()
        .map(|(reason, (amounts, places))| {
            let amounts = words.amounts(&amounts);
            vec![text(cut_reason(reason)), Cell::Number(amounts.clone(), amounts), count(places)]
        })
        .collect();
    let mut body = table(&["Reason", "Amount", "Places"], &sums);
    let rows: Vec<Vec<Cell>> = report
        .cut
        .iter()
        .map(|row| {
            vec![
                row.account.as_ref().map_or_else(|| text("not in the data"), |a| account(words, a)),
                text(cut_reason(row.reason)),
                amount(words, &row.asset, row.amount.0),
            ]
        })
        .collect();
    let all = table(&["Account", "Reason", "Amount"], &rows);
    body += &format!("<details><summary>Every place</summary>\n{all}</details>\n");
    section("cut", "Not followed, and why", "", &body)
}

fn labels(words: &Words) -> String {
    let rows: Vec<Vec<Cell>> = words
        .report
        .nodes
        .iter()
        .flat_map(|node| node.labels.iter().map(move |label| (node, label)))
        .map(|(node, label)| {
            let address = node.account.address_text();
            vec![
                code(&address),
                text(plain(&label.name)),
                text(plain(&label.concepts.join(", "))),
                text(format!("{} ({})", plain(&label.confidence), label.confidence_level)),
                text(plain(&label.source)),
                text(plain(&label.collection)),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let head = ["Account", "Label", "Concepts", "Confidence", "Source", "Collection"];
    folded("labels", &plural(rows.len(), "label", "labels"), &table(&head, &rows))
}

/// Who is behind "n more accounts".
fn groups(words: &Words, flow: &Flow, picture: &Picture) -> String {
    let mut out = String::new();
    for card in picture.cards.iter().filter(|card| card.class == Class::Group) {
        let rows: Vec<Vec<Cell>> = card
            .members
            .iter()
            .filter_map(|at| {
                let place = &flow.places[*at];
                let here = place.account()?;
                let amounts = words.amounts(&place.into);
                Some(vec![
                    account(words, here),
                    Cell::Number(amounts.clone(), amounts),
                    when(place.first),
                    text(words.lists(here).join(", ")),
                ])
            })
            .collect();
        let column = picture.columns[card.column].title.to_lowercase();
        let title = format!("{} drawn as one, {column}", card.name);
        let head = ["Account", "Tainted received", "First seen (UTC)", "Lists"];
        let id = format!("group-{}", card.column);
        out += &folded(&id, &title, &table(&head, &rows));
    }
    out
}

fn transfers(words: &Words) -> String {
    let report = words.report;
    if report.edges.is_empty() {
        return String::new();
    }
    let end = |account: Option<&Account>| {
        account.map_or_else(
            || text("the transaction"),
            |a| {
                Cell::Account(format!(
                    "<code data-copy=\"{}\" title=\"{}\">{}</code>",
                    html(&a.address_text()),
                    html(&a.address_text()),
                    html(&words.name(a))
                ))
            },
        )
    };
    let rows: Vec<Vec<Cell>> = report
        .edges
        .iter()
        .take(super::grid::ROWS_MAX + 1)
        .map(|link| {
            vec![
                when(link.time),
                count(link.depth as usize),
                end(link.from.as_ref()),
                end(link.to.as_ref()),
                amount(words, &link.asset, link.amount.0),
                amount(words, &link.asset, link.tainted.0),
                code(&link.tx),
            ]
        })
        .collect();
    let head = ["Time (UTC)", "Depth", "From", "To", "Amount", "Of it tainted", "Transaction"];
    let title =
        format!("All {} of the picture", plural(report.edges.len(), "transfer", "transfers"));
    folded("transfers", &title, &table(&head, &rows))
}

fn coverage(words: &Words) -> String {
    let report = words.report;
    let mut lines = coverage_lines(words);
    let settings = &report.settings;
    let bound = |name: &str, time: Option<model::Timestamp>| {
        time.map(|time| format!("{name} {} UTC", second(time)))
    };
    let mut bounds = vec![match settings.hops_max {
        Some(hops) => format!("at most {}", plural(hops as usize, "hop", "hops")),
        None => "any number of hops".to_string(),
    }];
    bounds.extend(bound("since", settings.since));
    bounds.extend(bound("until", settings.until));
    bounds.push(format!("at most {}", plural(settings.budget, "transfer", "transfers")));
    bounds.push(format!("labels stop the walk from confidence {}", settings.stop_confidence));
    lines.push(format!("Bounds of the walk: {}.", bounds.join(", ")));
    let items: String = lines.iter().map(|line| format!("<li>{}</li>\n", html(line))).collect();
    section("coverage", "What the data covers", "", &format!("<ul>{items}</ul>\n"))
}

/// The books, asset by asset.
pub fn totals(words: &Words) -> String {
    let report = words.report;
    let books = words.books();
    if books.is_empty() {
        return String::new();
    }
    let rows: String = books
        .iter()
        .map(|balance| {
            let check = match (balance.is_balanced, report.conserves) {
                (true, _) => "<span class=\"ok\">✓ balances</span>",
                (false, false) => "<span class=\"note\">counts value more than once</span>",
                (false, true) => "<span class=\"bad\">✗ does not balance</span>",
            };
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{check}</td></tr>\n",
                html(&words.symbol(balance.asset)),
                html(&balance.sentence(words)),
            )
        })
        .collect();
    format!("<div class=\"scroll\"><table class=\"books\"><tbody>\n{rows}</tbody></table></div>\n")
}
