//! Where everything stands in the picture: cards in columns, ribbons between them.
//!
//! Columns are hops, in the direction money moved; within one the first to receive stands
//! on top. A card is as tall as what flows through it and as what is written on it. A
//! ribbon is as wide as the tainted value of its stream, measured against the largest
//! stream of its asset. Assets have no common measure here, so the asset with the most
//! streams is drawn at full scale and the others at a smaller one, and the legend says so.

use std::collections::{BTreeMap, BTreeSet};

use model::{Asset, Timestamp, U256};

use super::super::flow::{Flow, Spot, Stream};
use super::super::words::{Class, Passage, Sums, Words, add, cut_to, plural, span};

pub const CARD_WIDTH: f64 = 196.0;
const DOT_WIDTH: f64 = 12.0;
pub const HEAD_HEIGHT: f64 = 56.0;
const MARGIN: f64 = 12.0;
const LINE_FIRST: f64 = 18.0;
pub const LINE: f64 = 14.0;
const SPACE: f64 = 4.0;
/// The largest stream of the main asset, and of every other, at most.
const FULL_MAIN: f64 = 72.0;
const FULL_OTHER: f64 = 24.0;
/// No card is made taller than this by what flows through it.
const THROUGH_MAX: f64 = 420.0;
/// Cards of one column; smaller accounts are drawn as one beyond it.
const CARDS_MAX: usize = 120;

pub struct Picture<'a> {
    pub columns: Vec<Column>,
    pub cards: Vec<Card>,
    pub ribbons: Vec<Ribbon<'a>>,
    pub width: f64,
    pub height: f64,
    pub scale: Scale<'a>,
}

pub struct Column {
    pub x: f64,
    pub width: f64,
    pub title: String,
    pub notes: [String; 2],
    step: u32,
}

pub struct Card {
    /// Places of the flow; several where they are drawn as one.
    pub members: Vec<usize>,
    pub class: Class,
    pub column: usize,
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
    pub name: String,
    pub amount: String,
    pub lines: Vec<Line>,
    /// Height of what stayed, drawn at the end of the card.
    pub rests: f64,
    pub rests_at: f64,
    arrived: Option<Timestamp>,
    flow_in: f64,
    flow_out: f64,
}

pub enum Line {
    Said(String),
    Amount(&'static str, String),
    Passage(String),
}

pub struct Ribbon<'a> {
    pub from: usize,
    pub to: usize,
    pub asset: &'a Asset,
    pub tainted: U256,
    pub streams: Vec<usize>,
    pub width: f64,
    pub y_from: f64,
    pub y_to: f64,
    pub bend: Bend,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bend {
    Onward,
    /// Between two cards of one column.
    Arc,
    /// To a column further left.
    Back,
}

/// Pixels for the largest stream of an asset.
pub struct Scale<'a> {
    pub main: Option<&'a Asset>,
    pub full_main: f64,
    pub full_other: f64,
}

impl<'a> Picture<'a> {
    pub fn of(words: &Words<'a>, flow: &Flow<'a>) -> Picture<'a> {
        let scale = Scale::of(flow);
        let (mut cards, mut ribbons) = draw(words, flow, &scale);
        let mut columns = columns(words, flow, &mut cards);
        bend(words.is_forward(), &mut cards, &mut ribbons);
        let height = stand(&mut cards, &ribbons, columns.len());
        let width = spread(&mut columns, &mut cards);
        attach(words.is_forward(), &mut cards, &mut ribbons);
        Picture { columns, cards, ribbons, width, height, scale }
    }
}

impl<'a> Scale<'a> {
    fn of(flow: &Flow<'a>) -> Scale<'a> {
        let full = |asset: &Asset| if Some(asset) == flow.main { FULL_MAIN } else { FULL_OTHER };
        let through = |sums: &Sums| -> f64 {
            sums.iter().map(|(asset, base)| times(flow, asset, *base) * full(asset)).sum()
        };
        let most = flow
            .places
            .iter()
            .map(|place| through(&place.into).max(through(&place.out)))
            .fold(0.0, f64::max);
        let shrink = if most > THROUGH_MAX { THROUGH_MAX / most } else { 1.0 };
        Scale { main: flow.main, full_main: FULL_MAIN * shrink, full_other: FULL_OTHER * shrink }
    }

    /// A round amount of the main asset that is wide enough to see, and its width.
    pub fn sample(&self, flow: &Flow) -> Option<(U256, f64)> {
        let main = self.main?;
        let ten = U256::from(10);
        let mut base = U256::from(1);
        while base.checked_mul(ten).is_some() {
            for digit in [1u32, 2, 5] {
                let round = base * U256::from(digit);
                let width = self.pixels(flow, main, round);
                if width >= 6.0 {
                    return Some((round, width));
                }
            }
            base *= ten;
        }
        None
    }

    fn pixels(&self, flow: &Flow, asset: &Asset, base: U256) -> f64 {
        let full = if Some(asset) == self.main { self.full_main } else { self.full_other };
        times(flow, asset, base) * full
    }

    fn sum(&self, flow: &Flow, amounts: &Sums) -> f64 {
        amounts.iter().map(|(asset, base)| self.pixels(flow, asset, *base)).sum()
    }
}

/// How often the largest stream of the asset goes into this.
fn times(flow: &Flow, asset: &Asset, base: U256) -> f64 {
    const UNIT: u64 = 1_000_000;
    let Some(largest) = flow.largest.get(asset).filter(|largest| !largest.is_zero()) else {
        return 0.0;
    };
    let times = model::amount::share(U256::from(UNIT), base, *largest);
    f64::from(times.saturating_to::<u32>()) / 1_000_000.0
}

/// Cards and ribbons without a place yet.
fn draw<'a>(words: &Words<'a>, flow: &Flow<'a>, scale: &Scale<'a>) -> (Vec<Card>, Vec<Ribbon<'a>>) {
    let passages = Passage::all(words.report);
    let mut cards: Vec<Card> = Vec::new();
    let mut card_of: BTreeMap<usize, usize> = BTreeMap::new();
    for members in grouped(flow) {
        card_of.extend(members.iter().map(|place| (*place, cards.len())));
        cards.push(card(words, flow, scale, &passages, members));
    }
    for stream in &flow.streams {
        let to = &mut cards[card_of[&stream.to]];
        to.arrived = match (to.arrived, stream.first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    let mut ribbons: BTreeMap<(usize, usize, &Asset), Ribbon> = BTreeMap::new();
    for (at, stream) in flow.streams.iter().enumerate() {
        let (from, to) = (card_of[&stream.from], card_of[&stream.to]);
        let ribbon = ribbons
            .entry((from, to, stream.asset))
            .or_insert_with(|| Ribbon::between(from, to, stream));
        ribbon.tainted = ribbon.tainted.saturating_add(stream.tainted);
        ribbon.streams.push(at);
    }
    let mut ribbons: Vec<Ribbon> = ribbons.into_values().collect();
    for ribbon in &mut ribbons {
        ribbon.width = scale.pixels(flow, ribbon.asset, ribbon.tainted);
    }
    (cards, ribbons)
}

/// The places of each card, in order; the smallest of a crowded column together.
fn grouped(flow: &Flow) -> Vec<Vec<usize>> {
    let mut columns: BTreeMap<(u32, bool), Vec<usize>> = BTreeMap::new();
    for (at, place) in flow.places.iter().enumerate() {
        let is_tx = place.class == Class::Transaction;
        columns.entry((place.step, is_tx)).or_default().push(at);
    }
    let mut cards = Vec::new();
    for ((_, is_tx), mut places) in columns {
        if places.len() > CARDS_MAX && !is_tx {
            let telling = |at: usize| {
                matches!(flow.places[at].class, Class::Passed | Class::Resting | Class::Cut)
            };
            places.sort_by(|a, b| {
                let (one, other) = (flow.weight(&flow.places[*a]), flow.weight(&flow.places[*b]));
                telling(*a).cmp(&telling(*b)).then(other.total_cmp(&one)).then(a.cmp(b))
            });
            let rest = places.split_off(CARDS_MAX - 1);
            cards.push(rest);
        }
        cards.extend(places.into_iter().map(|place| vec![place]));
    }
    cards
}

fn card(
    words: &Words,
    flow: &Flow,
    scale: &Scale,
    passages: &[Passage],
    members: Vec<usize>,
) -> Card {
    let mut into = BTreeMap::new();
    let mut out = BTreeMap::new();
    let mut rests = BTreeMap::new();
    for place in members.iter().map(|at| &flow.places[*at]) {
        for (sums, amounts) in
            [(&mut into, &place.into), (&mut out, &place.out), (&mut rests, &place.resting())]
        {
            amounts.iter().for_each(|(asset, base)| add(sums, asset, *base));
        }
    }
    let first = &flow.places[members[0]];
    let class = if members.len() > 1 { Class::Group } else { first.class };
    let rests_px = scale.sum(flow, &rests);
    let mut card = Card {
        class,
        column: 0,
        x: 0.0,
        y: 0.0,
        width: if class == Class::Transaction { DOT_WIDTH } else { CARD_WIDTH },
        height: 0.0,
        name: String::new(),
        amount: String::new(),
        lines: Vec::new(),
        rests: if rests.values().all(|base| base.is_zero()) { 0.0 } else { rests_px.max(2.0) },
        rests_at: 0.0,
        arrived: None,
        flow_in: scale.sum(flow, &into) + if words.is_forward() { 0.0 } else { rests_px },
        flow_out: scale.sum(flow, &out) + if words.is_forward() { rests_px } else { 0.0 },
        members,
    };
    if class != Class::Transaction {
        write(words, flow, passages, &mut card, &into, &out, &rests);
    }
    let written = match (class, card.lines.len()) {
        (Class::Transaction, _) => DOT_WIDTH,
        (_, 0) => LINE_FIRST,
        (_, n) => LINE_FIRST + LINE * f64::from(u32::try_from(n).unwrap_or(u32::MAX)) + 4.0,
    };
    card.height = written.max(card.flow_in).max(card.flow_out);
    card
}

/// What a card says: name and amount on one line where that is all there is to say.
fn write(
    words: &Words,
    flow: &Flow,
    passages: &[Passage],
    card: &mut Card,
    into: &Sums,
    out: &Sums,
    rests: &Sums,
) {
    let place = &flow.places[card.members[0]];
    let account = place.account();
    card.name = match account {
        _ if card.class == Class::Group => {
            plural(card.members.len(), "more account", "more accounts")
        }
        Some(account) => words.name(account),
        None => String::new(),
    };
    let labelled = account.filter(|a| card.class != Class::Group && words.label(a).is_some());
    let passage = passages.iter().find(|p| Some(p.account) == account);
    let (verb, shown) = if into.is_empty() { ("sent", out) } else { ("received", into) };
    let parts = words.by_weight(shown);
    let is_source = card.class == Class::Source && !into.is_empty() && !out.is_empty();
    if let ([(asset, base)], None, None, false) = (parts.as_slice(), passage, labelled, is_source) {
        let amount = words.amount(asset, *base);
        if amount.chars().count() + card.name.chars().count() <= 26 {
            card.amount = amount;
        } else {
            card.lines.push(Line::Amount(verb, amount));
        }
    } else {
        card.lines.extend(labelled.map(|account| Line::Said(account.short())));
        let shown: &[(&'static str, &Sums)] =
            if is_source { &[("sent", out), ("received", into)] } else { &[(verb, shown)] };
        for (verb, amounts) in shown {
            let parts = words.by_weight(amounts);
            for (n, (asset, base)) in parts.iter().enumerate().take(4) {
                let verb = if n == 0 { verb } else { "" };
                card.lines.push(Line::Amount(verb, words.amount(asset, *base)));
            }
            if parts.len() > 4 {
                card.lines.push(Line::Amount("", format!("and {} more assets", parts.len() - 4)));
            }
        }
    }
    if let Some(account) = account.filter(|_| card.class == Class::Source) {
        let lists = words.lists(account);
        card.lines.extend(lists.iter().map(|list| Line::Said(format!("listed: {list}"))));
    }
    if let Some(passage) = passage {
        card.lines.extend(passage_lines(words, passage));
    }
    let has_room = !card.lines.is_empty() || card.flow_in.max(card.flow_out) > LINE_FIRST + LINE;
    let is_said = rests == into || rests == out || rests.values().all(|base| base.is_zero());
    if has_room && !is_said && card.class != Class::Group {
        let rest = if words.is_forward() { "rests" } else { "began here" };
        for (n, (asset, base)) in words.by_weight(rests).into_iter().enumerate().take(3) {
            let verb = if n == 0 { rest } else { "" };
            card.lines.push(Line::Amount(verb, words.amount(asset, base)));
        }
    }
}

fn passage_lines(words: &Words, passage: &Passage) -> Vec<Line> {
    let mut lines = Vec::new();
    for (sign, amounts) in [("⇄", &passage.paid), ("→", &passage.received)] {
        for (n, (asset, base)) in words.by_weight(amounts).into_iter().enumerate() {
            let sign = if n == 0 { sign } else { "+" };
            lines.push(Line::Passage(format!("{sign} {}", words.amount(asset, base))));
        }
    }
    lines.push(Line::Passage(passage.sureness().replace("confidence ", "")));
    lines
}

impl<'a> Ribbon<'a> {
    fn between(from: usize, to: usize, stream: &Stream<'a>) -> Ribbon<'a> {
        Ribbon {
            from,
            to,
            asset: stream.asset,
            tainted: U256::ZERO,
            streams: Vec::new(),
            width: 0.0,
            y_from: 0.0,
            y_to: 0.0,
            bend: Bend::Onward,
        }
    }
}

/// One column for every step anything stands at; backward, the source stands last.
fn columns(words: &Words, flow: &Flow, cards: &mut [Card]) -> Vec<Column> {
    let step_of = |card: &Card| flow.places[card.members[0]].step;
    let steps: BTreeSet<u32> = cards.iter().map(step_of).collect();
    let mut steps: Vec<u32> = steps.into_iter().collect();
    if !words.is_forward() {
        steps.reverse();
    }
    for card in cards.iter_mut() {
        card.column = steps.iter().position(|step| *step == step_of(card)).unwrap_or(0);
    }
    steps.iter().map(|step| column(words, flow, *step)).collect()
}

fn column(words: &Words, flow: &Flow, step: u32) -> Column {
    let here: Vec<_> = flow.places.iter().filter(|place| place.step == step).collect();
    let is_narrow = here.iter().all(|place| place.class == Class::Transaction);
    let title = match step / 2 {
        _ if is_narrow => String::new(),
        0 if words.is_forward() => "Source".to_string(),
        0 => "Start of the trace".to_string(),
        n if words.is_forward() => plural(n as usize, "transfer away", "transfers away"),
        n => plural(n as usize, "transfer before", "transfers before"),
    };
    let first = here.iter().filter_map(|place| place.first).min();
    let last = here.iter().filter_map(|place| place.last).max();
    let accounts = here.iter().filter(|place| matches!(place.spot, Spot::Account(_))).count();
    let listed = here
        .iter()
        .filter(|place| place.node.is_some_and(|node| !node.listings.is_empty()))
        .count();
    let count = match listed {
        0 => plural(accounts, "account", "accounts"),
        n => format!("{}, {n} listed", plural(accounts, "account", "accounts")),
    };
    let notes = if is_narrow { Default::default() } else { [count, span(first, last)] };
    Column {
        x: 0.0,
        width: if is_narrow { DOT_WIDTH } else { CARD_WIDTH },
        title: cut_to(&title, 32),
        notes,
        step,
    }
}

/// Which way each ribbon goes, and cards tall enough for all that meets them on one side.
fn bend(is_forward: bool, cards: &mut [Card], ribbons: &mut [Ribbon]) {
    let mut left: Vec<f64> = vec![0.0; cards.len()];
    let mut right: Vec<f64> = vec![0.0; cards.len()];
    for (at, card) in cards.iter().enumerate() {
        let side = if is_forward { &mut right } else { &mut left };
        side[at] += card.rests;
    }
    for ribbon in ribbons {
        let (from, to) = (cards[ribbon.from].column, cards[ribbon.to].column);
        ribbon.bend = match from.cmp(&to) {
            std::cmp::Ordering::Less => Bend::Onward,
            std::cmp::Ordering::Equal => Bend::Arc,
            std::cmp::Ordering::Greater => Bend::Back,
        };
        let starts = if ribbon.bend == Bend::Back { &mut left } else { &mut right };
        starts[ribbon.from] += ribbon.width;
        let ends = if ribbon.bend == Bend::Onward { &mut left } else { &mut right };
        ends[ribbon.to] += ribbon.width;
    }
    for (card, (left, right)) in cards.iter_mut().zip(left.into_iter().zip(right)) {
        card.height = card.height.max(left).max(right);
    }
}

/// Heights: each column from the top in the order of time, a short one moved down to
/// what it comes from.
fn stand(cards: &mut [Card], ribbons: &[Ribbon], columns: usize) -> f64 {
    let mut tallest: f64 = 0.0;
    let mut heights = vec![0.0; columns];
    for (column, height) in heights.iter_mut().enumerate() {
        let mut here: Vec<usize> =
            (0..cards.len()).filter(|at| cards[*at].column == column).collect();
        here.sort_by(|a, b| {
            let (one, other) = (&cards[*a], &cards[*b]);
            let is_last = |card: &Card| card.class == Class::Group;
            is_last(one)
                .cmp(&is_last(other))
                .then(one.arrived.cmp(&other.arrived))
                .then(other.flow_in.total_cmp(&one.flow_in))
                .then(one.members.cmp(&other.members))
        });
        let mut y = HEAD_HEIGHT;
        for at in here {
            cards[at].y = y;
            y += cards[at].height + SPACE;
        }
        *height = y - HEAD_HEIGHT;
        tallest = tallest.max(*height);
    }
    for (column, height) in heights.iter().enumerate() {
        let shift = drift(cards, ribbons, column).clamp(0.0, tallest - height);
        for card in cards.iter_mut().filter(|card| card.column == column) {
            card.y += shift;
        }
    }
    HEAD_HEIGHT + tallest + MARGIN
}

/// How far, on the mean, a column's value comes from below where it stands.
fn drift(cards: &[Card], ribbons: &[Ribbon], column: usize) -> f64 {
    let (mut sum, mut weight) = (0.0, 0.0);
    for ribbon in ribbons {
        let (from, to) = (&cards[ribbon.from], &cards[ribbon.to]);
        if to.column == column && from.column < column {
            let middle = |card: &Card| card.y + card.height / 2.0;
            sum += (middle(from) - middle(to)) * ribbon.width;
            weight += ribbon.width;
        }
    }
    if weight > 0.0 { sum / weight } else { 0.0 }
}

/// Widths: columns side by side, further apart where there are few.
fn spread(columns: &mut [Column], cards: &mut [Card]) -> f64 {
    let used: f64 = columns.iter().map(|column| column.width).sum();
    let gaps = f64::from(u32::try_from(columns.len().saturating_sub(1)).unwrap_or(u32::MAX));
    let has_dots = columns.iter().any(|column| column.step % 2 == 1);
    let (low, high) = if has_dots { (48.0, 120.0) } else { (76.0, 220.0) };
    let gap = ((1180.0 - used) / gaps.max(1.0)).clamp(low, high);
    let mut x = MARGIN;
    for column in columns.iter_mut() {
        column.x = x;
        x += column.width + gap;
    }
    for card in cards {
        card.x = columns[card.column].x;
    }
    // Room for arcs and for what stays, right of the last column.
    x - gap + 64.0
}

/// Where each ribbon meets its cards: in the order of the cards at the other end.
fn attach(is_forward: bool, cards: &mut [Card], ribbons: &mut [Ribbon]) {
    let mut left: Vec<Vec<(usize, bool)>> = vec![Vec::new(); cards.len()];
    let mut right: Vec<Vec<(usize, bool)>> = vec![Vec::new(); cards.len()];
    for (at, ribbon) in ribbons.iter().enumerate() {
        let starts = if ribbon.bend == Bend::Back { &mut left } else { &mut right };
        starts[ribbon.from].push((at, true));
        let ends = if ribbon.bend == Bend::Onward { &mut left } else { &mut right };
        ends[ribbon.to].push((at, false));
    }
    for at in 0..cards.len() {
        for (ports, is_right) in [(&mut left[at], false), (&mut right[at], true)] {
            let rests = if is_right == is_forward { cards[at].rests } else { 0.0 };
            place_ports(&mut cards[..], ribbons, at, ports, rests);
        }
    }
}

fn place_ports(
    cards: &mut [Card],
    ribbons: &mut [Ribbon],
    at: usize,
    ports: &mut [(usize, bool)],
    rests: f64,
) {
    ports.sort_by(|a, b| {
        let place = |(ribbon, is_start): (usize, bool)| {
            let ribbon = &ribbons[ribbon];
            let other = &cards[if is_start { ribbon.to } else { ribbon.from }];
            (other.y, other.column)
        };
        let (one, other) = (place(*a), place(*b));
        one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)).then(a.cmp(b))
    });
    let total: f64 = ports.iter().map(|(ribbon, _)| ribbons[*ribbon].width).sum::<f64>() + rests;
    let card = &mut cards[at];
    let mut y = card.y + (card.height - total).max(0.0) / 2.0;
    for (ribbon, is_start) in ports.iter() {
        let ribbon = &mut ribbons[*ribbon];
        if *is_start {
            ribbon.y_from = y
        } else {
            ribbon.y_to = y
        }
        y += ribbon.width;
    }
    if rests > 0.0 {
        card.rests_at = y;
    }
}
