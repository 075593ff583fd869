//! The trace as a Graphviz graph: `dot -Tsvg`.
//!
//! Colours are those of the picture; shape and letter say the same without colour.

use trace::Report;

use super::flow::{Flow, Place, Spot, Stream};
use super::words::{Class, Passage, Words, cut_to, span};

pub fn dot(report: &Report) -> String {
    let words = Words::new(report);
    let flow = Flow::of(&words);
    let passages = Passage::all(report);
    let mut text = String::from(HEAD);
    for (at, place) in flow.places.iter().enumerate() {
        text += &node(&words, at, place, &passages);
    }
    text += &ranks(&flow);
    for stream in &flow.streams {
        text += &edge(&words, &flow, stream);
    }
    text + "}\n"
}

const HEAD: &str = r##"digraph trace {
  rankdir=LR;
  nodesep=0.12;
  ranksep=1.4;
  node [fontname="Helvetica", fontsize=10, style="filled", penwidth=0.8, color="#333333"];
  edge [fontname="Helvetica", fontsize=8, color="#66666699", arrowsize=0.6];
"##;

fn node(words: &Words, at: usize, place: &Place, passages: &[Passage]) -> String {
    let Spot::Account(account) = place.spot else {
        return format!(
            "  n{at} [label=\"\", tooltip={}, {}, width=0.12, height=0.12, fixedsize=true];\n",
            text(&format!("transaction {}", place.whole())),
            look(Class::Transaction),
        );
    };
    let mut lines = vec![format!("{}  {}", place.class.letter(), words.name(account))];
    if words.label(account).is_some() {
        lines.push(account.short());
    }
    lines.extend(words.lists(account).iter().map(|list| format!("listed: {list}")));
    for passage in passages.iter().filter(|passage| passage.account == account) {
        let (paid, received) = (words.amounts(&passage.paid), words.amounts(&passage.received));
        lines.push(format!("{paid} → {received}"));
        lines.push(passage.sureness());
    }
    let resting = place.resting();
    if resting.values().any(|base| !base.is_zero()) {
        let verb = words.meaning(Class::Resting);
        lines.push(format!("{verb}: {}", words.amounts(&resting)));
    }
    let lines: Vec<String> = lines.iter().map(|line| cut_to(line, 64)).collect();
    format!(
        "  n{at} [label={}, tooltip={}, {}];\n",
        text(&lines.join("\n")),
        text(&format!("{account}, {}", words.meaning(place.class))),
        look(place.class),
    )
}

fn look(class: Class) -> &'static str {
    match class {
        Class::Source => r##"shape=doubleoctagon, fillcolor="#1f2933", fontcolor="white""##,
        Class::Listed => r##"shape=octagon, fillcolor="#c44e00", fontcolor="white""##,
        Class::Mixer => r##"shape=hexagon, fillcolor="#cc79a7""##,
        Class::Bridge => r##"shape=cds, fillcolor="#7fcdb5""##,
        Class::Swap => r##"shape=diamond, fillcolor="#8fd0f5""##,
        Class::Service => r##"shape=house, fillcolor="#0072b2", fontcolor="white""##,
        Class::Cut => r##"shape=box, style="filled,dashed", fillcolor="#ffffff""##,
        Class::Resting => r##"shape=box, style="filled,rounded", fillcolor="#f3c25b""##,
        Class::Passed | Class::Group => r##"shape=box, fillcolor="#e7eaee""##,
        Class::Transaction => r##"shape=circle, fillcolor="#7b8794""##,
    }
}

/// Places of one depth stand below one another.
fn ranks(flow: &Flow) -> String {
    let mut steps: Vec<u32> = flow.places.iter().map(|place| place.step).collect();
    steps.sort_unstable();
    steps.dedup();
    let rank = |step: &u32| {
        let same = flow.places.iter().enumerate().filter(|(_, place)| place.step == *step);
        let names: Vec<String> = same.map(|(at, _)| format!("n{at}")).collect();
        format!("  {{ rank=same; {}; }}\n", names.join("; "))
    };
    steps.iter().map(rank).collect()
}

fn edge(words: &Words, flow: &Flow, stream: &Stream) -> String {
    let when = span(stream.first, stream.last);
    let tooltip = format!("{}, {when} UTC", words.exact(stream.asset, stream.tainted));
    format!(
        "  n{} -> n{} [label={}, tooltip={}, penwidth={:.2}];\n",
        stream.from,
        stream.to,
        text(&words.amount(stream.asset, stream.tainted)),
        text(&tooltip),
        0.6 + 7.4 * flow.share(stream.asset, stream.tainted),
    )
}

/// A quoted string of the DOT language; line breaks stay, everything else is taken as it is.
fn text(raw: &str) -> String {
    let mut quoted = String::from("\"");
    for c in raw.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            // Graphviz reads character references in labels.
            '&' => quoted.push_str("&amp;"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_label_ends_its_string() {
        assert_eq!(super::text("a\"];\\n&lt;"), r#""a\"];\\n&amp;lt;""#);
    }
}
