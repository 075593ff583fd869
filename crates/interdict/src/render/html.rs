//! The picture as one file that opens in any browser, without a network and without scripts.
//!
//! [`layout`] decides where everything stands, [`svg`] draws it, [`sections`] writes the
//! tables below. The script only adds comfort: paths that light up, search, filters, copying.

mod escape;
mod grid;
mod layout;
mod sections;
mod svg;

use std::collections::BTreeSet;

use model::Marking;
use trace::Report;

use self::escape::{html as escaped, json};
use self::layout::Picture;
use super::Heading;
use super::flow::Flow;
use super::words;
use super::words::{Class, Words, plain, plural, policy_meaning, second};

const CSS: &str = include_str!("html.css");
const JS: &str = include_str!("html.js");
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
/// Transfers told when a ribbon is pointed at.
const TOLD: usize = 30;

pub fn html(report: &Report, heading: &Heading) -> String {
    let words = Words::new(report);
    let flow = Flow::of(&words);
    let picture = Picture::of(&words, &flow);
    let title = escaped(&plain(&heading.title));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n"
    );
    out += &masthead(&words, heading, &title);
    out += "<main>\n";
    out += &view(&words, &flow, &picture);
    out += &sections::all(&words, &flow, &picture);
    out += "</main>\n";
    out += &format!(
        "<footer>Made by Interdict {} from public data and the labels named above. Times are UTC. Not found is not clean.</footer>\n",
        env!("CARGO_PKG_VERSION")
    );
    out += "<div id=\"tip\" hidden></div><div id=\"said\" role=\"status\" aria-live=\"polite\"></div>\n";
    out += &format!(
        "<script type=\"application/json\" id=\"data\">{}</script>\n<script>\n{JS}</script>\n</body>\n</html>\n",
        data(&words, &flow, &picture)
    );
    out
}

fn masthead(words: &Words, heading: &Heading, title: &str) -> String {
    let report = words.report;
    let way = if words.is_forward() { "Forward from" } else { "Backward from" };
    let sources: Vec<String> = report
        .sources
        .iter()
        .take(8)
        .map(|source| {
            let (text, chain) = words::source(source);
            let on = chain.map(|chain| format!(" on {}", escaped(&chain))).unwrap_or_default();
            let text = escaped(&text);
            format!("<code data-copy=\"{text}\">{text}</code>{on}")
        })
        .collect();
    let more = match report.sources.len().saturating_sub(8) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!(
        "<header>\n<div class=\"top\"><span class=\"brand\">Interdict</span>{}<button id=\"theme\" type=\"button\" class=\"needs-js\" title=\"Light or dark\" aria-label=\"Switch between light and dark\"><svg width=\"16\" height=\"16\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><circle cx=\"8\" cy=\"8\" r=\"6.2\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.4\"/><path d=\"M8 1.8a6.2 6.2 0 0 1 0 12.4z\" fill=\"currentColor\"/></svg></button></div>\n<h1>{title}</h1>\n{}<p class=\"lede\">{way} {}{more}</p>\n<p class=\"lede\"><b>Policy {}</b>: {}.</p>\n{}<div class=\"summary\">\n{}{}</div>\n</header>\n",
        marking(heading),
        summary(heading),
        sources.join(", "),
        report.policy,
        policy_meaning(report.policy),
        route(words),
        figures(words),
        sections::totals(words),
    )
}

/// In the colours the protocol gives it: <https://www.first.org/tlp/>.
fn marking(heading: &Heading) -> String {
    let Some(marking) = heading.marking else { return String::new() };
    let class = match marking {
        Marking::Clear => "clear",
        Marking::Green => "green",
        Marking::Amber | Marking::AmberStrict => "amber",
        Marking::Red => "red",
    };
    format!("<span class=\"tlp {class}\">{}</span>", marking.text())
}

fn summary(heading: &Heading) -> String {
    let text = plain(&heading.summary);
    match text.trim() {
        "" => String::new(),
        text => format!("<p class=\"about\">{}</p>\n", escaped(text)),
    }
}

/// The highest-value route in one line; the section of that name has it whole.
fn route(words: &Words) -> String {
    let names: Vec<String> =
        words.report.route.iter().map(|account| escaped(&words.name(account))).collect();
    if names.is_empty() {
        return String::new();
    }
    let arrow = if words.is_forward() { " → " } else { " ← " };
    format!(
        "<p class=\"lede\"><b>Route</b>: <span class=\"mono\">{}</span></p>\n",
        names.join(arrow)
    )
}

/// The few numbers to read first.
fn figures(words: &Words) -> String {
    let report = words.report;
    let first = report.edges.iter().filter_map(|edge| edge.time).min();
    let last = report.edges.iter().filter_map(|edge| edge.time).max();
    let depths: BTreeSet<u32> = report.nodes.iter().map(|node| node.depth).collect();
    let listed = match report.totals.listed {
        0 => String::new(),
        _ => words
            .listed()
            .split_once(' ')
            .map(|(_, by_depth)| by_depth.to_string())
            .unwrap_or_default(),
    };
    let day = |time: Option<model::Timestamp>| {
        time.map(|time| second(time).chars().take(10).collect()).unwrap_or_default()
    };
    let (first, last): (String, String) = (day(first), day(last));
    let days = if first == last { first } else { format!("{first} – {last}") };
    let spoofed: BTreeSet<_> =
        report.findings.iter().flat_map(|finding| &finding.transfers).collect();
    let figures: [(usize, &str, String); 5] = [
        (
            report.totals.accounts,
            "accounts",
            format!("{} deep", plural(depths.len().saturating_sub(1), "hop", "hops")),
        ),
        (report.totals.transfers, "transfers", days),
        (
            report.totals.listed,
            "listed addresses reached",
            listed.trim_matches(['(', ')']).to_string(),
        ),
        (report.totals.services, "services reached", String::new()),
        (
            report.findings.len(),
            "findings",
            if spoofed.is_empty() {
                String::new()
            } else {
                format!("on {}, kept out", plural(spoofed.len(), "transfer", "transfers"))
            },
        ),
    ];
    let items: String = figures
        .iter()
        .map(|(n, name, note)| {
            let class =
                if *name == "listed addresses reached" && *n > 0 { " class=\"alert\"" } else { "" };
            format!(
                "<div{class}><dt>{name}</dt><dd>{n}</dd><dd class=\"note\">{}</dd></div>\n",
                escaped(note)
            )
        })
        .collect();
    format!("<dl class=\"figures\">\n{items}</dl>\n")
}

fn view(words: &Words, flow: &Flow, picture: &Picture) -> String {
    if flow.streams.is_empty() {
        return "<section id=\"picture\"><p class=\"empty\">Nothing moved, as far as the data knows. Not found is not clean.</p></section>\n".to_string();
    }
    let assets: BTreeSet<String> =
        flow.streams.iter().map(|stream| words.symbol(stream.asset)).collect();
    let main = flow.main.map(|asset| words.symbol(asset)).unwrap_or_default();
    let options: String = assets
        .iter()
        .map(|symbol| {
            let selected = if *symbol == main { " selected" } else { "" };
            format!("<option{selected}>{}</option>", escaped(symbol))
        })
        .collect();
    format!(
        "<section id=\"picture\" aria-label=\"The picture\">\n<div class=\"tools needs-js\"><input id=\"find\" type=\"search\" placeholder=\"Find an address or label\" aria-label=\"Find an address or label\"><label>Hide streams below <input id=\"least\" type=\"number\" min=\"0\" step=\"any\" placeholder=\"0\"> <select id=\"unit\" aria-label=\"Asset\">{options}</select></label><span class=\"hint\">Point for details. Click an account to hold its paths and copy its address.</span></div>\n{}<div class=\"canvas\">\n{}</div>\n</section>\n",
        legend(words, flow, picture),
        svg::svg(words, flow, picture),
    )
}

fn legend(words: &Words, flow: &Flow, picture: &Picture) -> String {
    let classes: BTreeSet<Class> = picture.cards.iter().map(|card| card.class).collect();
    let mut out = String::from("<ul class=\"legend\">\n");
    for class in classes {
        out += &format!(
            "<li><svg class=\"key c-{}\" width=\"18\" height=\"18\" viewBox=\"-9 -9 18 18\" aria-hidden=\"true\">{}</svg>{}</li>\n",
            class.slug(),
            svg::badge(class, 0.0, 0.0),
            words.meaning(class),
        );
    }
    if picture.cards.iter().any(|card| card.rests > 0.0) {
        out += "<li><svg class=\"key c-resting\" width=\"10\" height=\"18\" viewBox=\"0 0 10 18\" aria-hidden=\"true\"><rect class=\"stays h-resting\" x=\"1\" y=\"1\" width=\"8\" height=\"16\"/></svg>";
        out += if words.is_forward() { "stays here</li>\n" } else { "began here</li>\n" };
    }
    out += &scale(words, flow, picture);
    out + "</ul>\n"
}

/// What width means, asset by asset.
fn scale(words: &Words, flow: &Flow, picture: &Picture) -> String {
    let mut out = String::new();
    let measure = |class: &str, height: f64| {
        format!(
            "<svg class=\"key\" width=\"22\" height=\"{height:.1}\" aria-hidden=\"true\"><rect class=\"measure {class}\" width=\"22\" height=\"{height:.1}\"/></svg>"
        )
    };
    if let (Some(main), Some((base, width))) = (picture.scale.main, picture.scale.sample(flow)) {
        let amount = escaped(&words.amount(main, base));
        out += &format!("<li>{}this wide: {amount}</li>\n", measure("c-passed", width.min(40.0)));
    }
    if flow.largest.len() > 1 {
        out += &format!(
            "<li>{}another asset, as wide as its share of its own largest stream: compare widths within one asset only</li>\n",
            measure("h-passed", 8.0)
        );
    }
    out
}

/// What the script needs beside the picture: the transfers behind each ribbon.
fn data(words: &Words, flow: &Flow, picture: &Picture) -> String {
    let ribbons: Vec<String> = picture
        .ribbons
        .iter()
        .map(|ribbon| {
            let links = ribbon.streams.iter().flat_map(|at| &flow.streams[*at].links);
            let mut links: Vec<_> = links.collect();
            links.sort_by_key(|link| (link.time, &link.tx, &link.position));
            let told: Vec<String> = links
                .iter()
                .take(TOLD)
                .map(|link| {
                    let time = link.time.map(second).unwrap_or_default();
                    let amount = words.exact(ribbon.asset, link.tainted.0);
                    format!("[{},{},{}]", json(&time), json(&link.tx), json(&amount))
                })
                .collect();
            format!(
                "{{\"sum\":{},\"n\":{},\"t\":[{}]}}",
                json(&words.exact(ribbon.asset, ribbon.tainted)),
                links.len(),
                told.join(",")
            )
        })
        .collect();
    format!("{{\"ribbons\":[{}]}}", ribbons.join(","))
}
