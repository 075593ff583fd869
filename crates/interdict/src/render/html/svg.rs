//! The picture itself, as inline SVG that needs no script.

use model::amount::format_units;

use super::super::flow::Flow;
use super::super::words::{Class, Sums, Words, cut_to, second, span};
use super::escape::html;
use super::layout::{Bend, Card, Column, LINE, Line, Picture, Ribbon};

/// Transfers listed in a tooltip; the table below the picture has them all.
const TOLD: usize = 12;

pub fn svg(words: &Words, flow: &Flow, picture: &Picture) -> String {
    let (width, height) = (picture.width, picture.height);
    // On paper it is made to fit one page unless nobody could read it then.
    let fits = if height < 1500.0 { " class=\"fits\"" } else { "" };
    let mut out = format!(
        "<svg id=\"map\"{fits} width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"group\" aria-label=\"Money flow, hops from left to right\">\n<defs>{}</defs>\n",
        patterns()
    );
    for column in &picture.columns {
        out += &head(column);
    }
    out += "<g class=\"ribbons\">\n";
    for (at, ribbon) in picture.ribbons.iter().enumerate() {
        out += &self::ribbon(words, flow, picture, at, ribbon);
    }
    out += "</g>\n<g class=\"cards\">\n";
    for (at, card) in picture.cards.iter().enumerate() {
        out += &self::card(words, flow, at, card);
    }
    out + "</g>\n</svg>\n"
}

/// Hatching says "another asset", or "stays here", without colour.
fn patterns() -> String {
    let hatch = |class: &Class| {
        let slug = class.slug();
        format!(
            "<pattern id=\"h-{slug}\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"5\" height=\"5\" class=\"hb c-{slug}\"/><rect width=\"2\" height=\"5\" class=\"hf c-{slug}\"/></pattern>"
        )
    };
    Class::ALL.iter().map(hatch).collect()
}

fn head(column: &Column) -> String {
    if column.title.is_empty() {
        return String::new();
    }
    let x = column.x;
    let [count, when] = &column.notes;
    format!(
        "<g class=\"head\"><text x=\"{x:.1}\" y=\"14\" class=\"ht\">{}</text><text x=\"{x:.1}\" y=\"29\">{}</text><text x=\"{x:.1}\" y=\"43\">{}</text></g>\n",
        html(&column.title),
        html(count),
        html(when),
    )
}

fn ribbon(words: &Words, flow: &Flow, picture: &Picture, at: usize, ribbon: &Ribbon) -> String {
    let (from, to) = (&picture.cards[ribbon.from], &picture.cards[ribbon.to]);
    let mut class = format!("r c-{}", to.class.slug());
    if Some(ribbon.asset) != picture.scale.main {
        class += &format!(" other h-{}", to.class.slug());
    }
    if ribbon.bend != Bend::Onward {
        class += " bent";
    }
    if is_on_route(words, flow, from, to) {
        class += " route";
    }
    let value = format_units(ribbon.tainted, words.decimals(ribbon.asset).unwrap_or(0));
    let told = told(words, flow, picture, ribbon);
    format!(
        "<path id=\"r{at}\" class=\"{class}\" data-a=\"{}\" data-b=\"{}\" data-s=\"{}\" data-v=\"{value}\" d=\"{}\"><title>{}</title></path>\n",
        ribbon.from,
        ribbon.to,
        html(&words.symbol(ribbon.asset)),
        path(from, to, ribbon),
        html(&told),
    )
}

fn is_on_route(words: &Words, flow: &Flow, from: &Card, to: &Card) -> bool {
    let account = |card: &Card| flow.places[card.members[0]].account();
    let route = &words.report.route;
    route.windows(2).any(|pair| {
        let pair = if words.is_forward() { [&pair[0], &pair[1]] } else { [&pair[1], &pair[0]] };
        [account(from), account(to)] == pair.map(Some)
    })
}

/// `0x4766…86e2 → 0xa4b2…449e`, the sum, and the first transfers of it.
fn told(words: &Words, flow: &Flow, picture: &Picture, ribbon: &Ribbon) -> String {
    let (from, to) = (&picture.cards[ribbon.from], &picture.cards[ribbon.to]);
    let links: Vec<_> = ribbon.streams.iter().flat_map(|at| &flow.streams[*at].links).collect();
    let first = ribbon.streams.iter().filter_map(|at| flow.streams[*at].first).min();
    let last = ribbon.streams.iter().filter_map(|at| flow.streams[*at].last).max();
    let mut text = format!(
        "{} → {}\n{} in {} transfers, {} UTC",
        title(words, flow, from),
        title(words, flow, to),
        words.exact(ribbon.asset, ribbon.tainted),
        links.len(),
        span(first, last),
    );
    for link in links.iter().take(TOLD) {
        let when = link.time.map(second).unwrap_or_else(|| "time unknown".to_string());
        let amount = words.exact(ribbon.asset, link.tainted.0);
        text += &format!("\n{when}  {amount}  {}", cut_to(&link.tx, 14));
    }
    if links.len() > TOLD {
        text += &format!("\n… {} more", links.len() - TOLD);
    }
    text
}

fn title(words: &Words, flow: &Flow, card: &Card) -> String {
    let place = &flow.places[card.members[0]];
    match (card.class, place.account()) {
        (Class::Group, _) => card.name.clone(),
        (_, Some(account)) => words.name(account),
        (_, None) => format!("transaction {}", cut_to(&place.whole(), 14)),
    }
}

fn path(from: &Card, to: &Card, ribbon: &Ribbon) -> String {
    let width = ribbon.width.max(1.0);
    let (y0, y1) = (ribbon.y_from, ribbon.y_to);
    match ribbon.bend {
        Bend::Onward => band(from.x + from.width, y0, to.x, y1, width),
        Bend::Back => {
            let end = to.x + to.width;
            band(from.x, y0, end + 7.0, y1, width) + &arrow(end, y1 + width / 2.0, width)
        }
        Bend::Arc => {
            let x = from.x + from.width;
            let end = to.x + to.width;
            arc(x, y0, end + 7.0, y1, width) + &arrow(end, y1 + width / 2.0, width)
        }
    }
}

fn band(x0: f64, y0: f64, x1: f64, y1: f64, width: f64) -> String {
    let middle = f64::midpoint(x0, x1);
    let (z0, z1) = (y0 + width, y1 + width);
    format!(
        "M{x0:.1} {y0:.1}C{middle:.1} {y0:.1} {middle:.1} {y1:.1} {x1:.1} {y1:.1}L{x1:.1} {z1:.1}C{middle:.1} {z1:.1} {middle:.1} {z0:.1} {x0:.1} {z0:.1}Z"
    )
}

/// Out to the right and back: outer edge from the top of the upper end to the bottom of
/// the lower one, inner edge the way back.
fn arc(x0: f64, y0: f64, x1: f64, y1: f64, width: f64) -> String {
    let inner = (14.0 + (y1 - y0).abs() * 0.08).min(44.0);
    let outer = inner + width;
    let is_down = y0 <= y1;
    let (a, b) = if is_down { (y0, y1 + width) } else { (y0 + width, y1) };
    let (c, d) = if is_down { (y1, y0 + width) } else { (y1 + width, y0) };
    let reach = |x: f64, by: f64| x + by * 1.33;
    format!(
        "M{x0:.1} {a:.1}C{:.1} {a:.1} {:.1} {b:.1} {x1:.1} {b:.1}L{x1:.1} {c:.1}C{:.1} {c:.1} {:.1} {d:.1} {x0:.1} {d:.1}Z",
        reach(x0, outer),
        reach(x1, outer),
        reach(x1, inner),
        reach(x0, inner),
    )
}

/// A head that points left, where a ribbon comes in from the right.
fn arrow(x: f64, y: f64, width: f64) -> String {
    let half = width / 2.0 + 3.0;
    let (back, top, bottom) = (x + 7.0, y - half, y + half);
    format!("M{x:.1} {y:.1}L{back:.1} {top:.1}L{back:.1} {bottom:.1}Z")
}

fn card(words: &Words, flow: &Flow, at: usize, card: &Card) -> String {
    let place = &flow.places[card.members[0]];
    let about = about(words, flow, card);
    let label = about.lines().take(3).collect::<Vec<_>>().join(", ");
    // Several accounts have no address to copy, but a list to go to.
    let target = match card.class {
        Class::Group => format!("data-list=\"group-{}\"", card.column),
        _ => format!("data-copy=\"{}\"", html(&place.whole())),
    };
    let mut out = format!(
        "<g id=\"n{at}\" class=\"n c-{}\" tabindex=\"0\" role=\"button\" aria-label=\"{}\" {target}><title>{}</title>",
        card.class.slug(),
        html(&label),
        html(&about),
    );
    let (x, y, width, height) = (card.x, card.y, card.width, card.height);
    if card.class == Class::Transaction {
        out += &format!(
            "<rect class=\"dot\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\"/></g>\n"
        );
        return out;
    }
    out += &format!(
        "<rect class=\"box\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"3\"/><rect class=\"bar\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"4\" height=\"{height:.1}\"/>"
    );
    out += &rests(words, card);
    out += &badge(card.class, x + 14.0, y + 9.0);
    out += &written(card);
    out + "</g>\n"
}

/// Value that stays, at the end of its card; going backward it began there, so at the start.
fn rests(words: &Words, card: &Card) -> String {
    if card.rests <= 0.0 {
        return String::new();
    }
    let height = card.rests.min(card.height);
    let top = card.rests_at.clamp(card.y, card.y + card.height - height);
    format!(
        "<rect class=\"stays h-{}\" x=\"{:.1}\" y=\"{top:.1}\" width=\"8\" height=\"{height:.1}\"/>",
        card.class.slug(),
        if words.is_forward() { card.x + card.width } else { card.x - 8.0 },
    )
}

/// A letter in a shape of its own.
pub fn badge(class: Class, x: f64, y: f64) -> String {
    let points = |list: &[(f64, f64)]| {
        let list: Vec<String> =
            list.iter().map(|(dx, dy)| format!("{:.1},{:.1}", x + dx, y + dy)).collect();
        format!("<polygon class=\"badge\" points=\"{}\"/>", list.join(" "))
    };
    let square = |radius: u32| {
        format!(
            "<rect class=\"badge\" x=\"{:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\" rx=\"{radius}\"/>",
            x - 6.0,
            y - 6.0
        )
    };
    let shape = match class {
        Class::Source => square(6),
        Class::Listed => points(&[
            (-2.9, -7.0),
            (2.9, -7.0),
            (7.0, -2.9),
            (7.0, 2.9),
            (2.9, 7.0),
            (-2.9, 7.0),
            (-7.0, 2.9),
            (-7.0, -2.9),
        ]),
        Class::Mixer => {
            points(&[(-3.7, -6.5), (3.7, -6.5), (7.4, 0.0), (3.7, 6.5), (-3.7, 6.5), (-7.4, 0.0)])
        }
        Class::Bridge => points(&[(-7.0, -6.0), (4.0, -6.0), (8.0, 0.0), (4.0, 6.0), (-7.0, 6.0)]),
        Class::Swap => points(&[(0.0, -8.0), (8.0, 0.0), (0.0, 8.0), (-8.0, 0.0)]),
        Class::Service => {
            points(&[(-6.5, -2.5), (0.0, -8.0), (6.5, -2.5), (6.5, 6.5), (-6.5, 6.5)])
        }
        Class::Resting => square(3),
        Class::Transaction => {
            return format!(
                "<rect class=\"dot\" x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"16\" rx=\"4\"/>",
                x - 4.0,
                y - 8.0
            );
        }
        Class::Cut | Class::Passed | Class::Group => square(0),
    };
    format!(
        "{shape}<text class=\"letter\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
        y + 3.4,
        class.letter()
    )
}

fn written(card: &Card) -> String {
    let (x, y) = (card.x + 27.0, card.y + 13.0);
    let right = card.x + card.width - 8.0;
    let is_address = card.name.starts_with("0x") || card.name.contains('…');
    let room = if card.amount.is_empty() { 26 } else { 26 - card.amount.chars().count().min(14) };
    let mut out = format!(
        "<text class=\"{}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
        if is_address { "name mono" } else { "name" },
        html(&cut_to(&card.name, room.max(14))),
    );
    if !card.amount.is_empty() {
        out += &format!(
            "<text class=\"num\" x=\"{right:.1}\" y=\"{y:.1}\">{}</text>",
            html(&card.amount)
        );
    }
    let mut y = y + 1.0;
    for line in &card.lines {
        y += LINE;
        out += &match line {
            Line::Said(text) => format!(
                "<text class=\"said mono\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
                html(&cut_to(text, 26))
            ),
            Line::Amount(verb, text) => format!(
                "<text class=\"said\" x=\"{x:.1}\" y=\"{y:.1}\">{verb}</text><text class=\"num\" x=\"{right:.1}\" y=\"{y:.1}\">{}</text>",
                html(&cut_to(text, 24))
            ),
            Line::Passage(text) => format!(
                "<text class=\"passage\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
                html(&cut_to(text, 30))
            ),
        };
    }
    out
}

/// Everything a hover says of a card, exact.
fn about(words: &Words, flow: &Flow, card: &Card) -> String {
    if card.class == Class::Group {
        return format!("{}: see the list below the picture", card.name);
    }
    let place = &flow.places[card.members[0]];
    let mut lines = vec![place.whole(), words.meaning(card.class).to_string()];
    if let Some(node) = place.node {
        let labels = node.labels.iter().map(|label| {
            super::super::words::plain(&format!(
                "{} ({}, {})",
                label.name, label.confidence, label.source
            ))
        });
        lines.extend(labels.take(4));
        lines.extend(words.lists(&node.account).iter().map(|list| format!("listed: {list}")));
    }
    let exact = |amounts: &Sums| -> Vec<String> {
        let parts = words.by_weight(amounts);
        parts.into_iter().map(|(asset, base)| words.exact(asset, base)).collect()
    };
    let rests = if words.is_forward() { "rests" } else { "began here" };
    for (verb, amounts) in
        [("tainted in", &place.into), ("tainted out", &place.out), (rests, &place.resting())]
    {
        let parts = exact(amounts);
        if !parts.is_empty() {
            lines.push(format!("{verb}: {}", parts.join(" + ")));
        }
    }
    if place.first.is_some() {
        lines.push(format!("{} UTC", span(place.first, place.last)));
    }
    lines.join("\n")
}
