//! The money as a tree: every account once in full, under whoever paid it most.
//!
//! Of many siblings the largest are shown and the others summed up in one line. Which
//! accounts are shown is decided by value, the largest first, so that a tree of any size
//! stays one a person can read.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use model::Timestamp;

use super::super::flow::{Flow, Place, Spot};
use super::super::words::{Class, Passage, Sums, Words, add, cut_to, minute, plural};
use super::page::{Ink, Page, Span, columns, shortened};

/// Accounts shown in full at most.
const SHOWN_MAX: usize = 80;
/// Of one parent's children, so many are shown that lead on, and so many that do not.
const LEADING_MAX: usize = 8;
const LEAVES_MAX: usize = 3;

pub fn tree(page: &mut Page, words: &Words, flow: &Flow) {
    let plan = Plan::of(words, flow, page.width());
    let passages = Passage::all(words.report);
    let mut writer = Writer { page, words, flow, plan: &plan, passages: &passages, at: 0 };
    for root in &plan.roots {
        writer.root(*root);
    }
}

struct Plan {
    roots: Vec<usize>,
    /// Payments from a place on, the largest first.
    items: BTreeMap<usize, Vec<Item>>,
    shown: BTreeSet<usize>,
    /// Where in the text each shown place stands.
    order: BTreeMap<usize, usize>,
    levels_max: usize,
}

/// What one place passed to another.
#[derive(Clone)]
struct Item {
    place: usize,
    amounts: Sums,
    first: Option<Timestamp>,
    weight: u64,
    /// Is this the parent under which the place is shown in full?
    is_home: bool,
    /// Does anything go on from there in the tree?
    leads_on: bool,
}

impl Plan {
    fn of(words: &Words, flow: &Flow, width: usize) -> Plan {
        let mut items = items(words, flow);
        let roots = adopt(flow, &mut items);
        let leading: BTreeSet<usize> =
            items.iter().filter(|(_, items)| !items.is_empty()).map(|(at, _)| *at).collect();
        for item in items.values_mut().flatten() {
            item.leads_on = item.is_home && leading.contains(&item.place);
        }
        for siblings in items.values_mut() {
            siblings.sort_by(|a, b| {
                b.weight.cmp(&a.weight).then(a.first.cmp(&b.first)).then(a.place.cmp(&b.place))
            });
        }
        let levels_max = (width.saturating_sub(46) / 3).max(2);
        let mut plan =
            Plan { roots, items, shown: BTreeSet::new(), order: BTreeMap::new(), levels_max };
        plan.choose();
        for root in plan.roots.clone() {
            plan.number(root);
        }
        plan
    }

    /// The largest first, until there are enough.
    fn choose(&mut self) {
        let mut heap: BinaryHeap<(u64, std::cmp::Reverse<usize>, usize)> =
            self.roots.iter().map(|root| (u64::MAX, std::cmp::Reverse(*root), 0)).collect();
        while let Some((_, std::cmp::Reverse(place), level)) = heap.pop() {
            if self.shown.len() >= SHOWN_MAX || level > self.levels_max {
                continue;
            }
            self.shown.insert(place);
            let (kept, _) = self.split(place);
            for item in kept.iter().filter(|item| item.is_home) {
                heap.push((item.weight, std::cmp::Reverse(item.place), level + 1));
            }
        }
    }

    /// Payments worth a line of their own, and the others.
    fn split(&self, place: usize) -> (Vec<Item>, Vec<Item>) {
        let all = self.items.get(&place).cloned().unwrap_or_default();
        let (mut leading, mut leaves) = (0, 0);
        let (kept, rest): (Vec<Item>, Vec<Item>) = all.into_iter().partition(|item| {
            let count = if item.leads_on { &mut leading } else { &mut leaves };
            *count += 1;
            *count <= if item.leads_on { LEADING_MAX } else { LEAVES_MAX }
        });
        if rest.len() == 1 {
            return (kept.into_iter().chain(rest).collect(), Vec::new());
        }
        (kept, rest)
    }

    /// The lines below a place: those shown, and those summed up.
    fn lines(&self, place: usize) -> (Vec<Item>, Vec<Item>) {
        let (kept, mut rest) = self.split(place);
        let (kept, left): (Vec<Item>, Vec<Item>) =
            kept.into_iter().partition(|item| !item.is_home || self.shown.contains(&item.place));
        rest.extend(left);
        (kept, rest)
    }

    fn number(&mut self, place: usize) {
        let next = self.order.len();
        self.order.insert(place, next);
        for item in self.lines(place).0.iter().filter(|item| item.is_home) {
            self.number(item.place);
        }
    }
}

/// Streams between the same two places taken together, by the end nearer to the source.
fn items(words: &Words, flow: &Flow) -> BTreeMap<usize, Vec<Item>> {
    let mut pairs: BTreeMap<(usize, usize), Item> = BTreeMap::new();
    for stream in &flow.streams {
        let (near, far) =
            if words.is_forward() { (stream.from, stream.to) } else { (stream.to, stream.from) };
        let item = pairs.entry((near, far)).or_insert_with(|| Item {
            place: far,
            amounts: BTreeMap::new(),
            first: None,
            weight: 0,
            is_home: false,
            leads_on: false,
        });
        item.amounts.insert(stream.asset.clone(), stream.tainted);
        item.first = match (item.first, stream.first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        item.weight = item.weight.max(weight(flow.share(stream.asset, stream.tainted)));
    }
    let mut items: BTreeMap<usize, Vec<Item>> = BTreeMap::new();
    for ((near, _), item) in pairs {
        items.entry(near).or_default().push(item);
    }
    items
}

/// A share as a whole number, so that it has an order.
fn weight(share: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1e9")]
    let weight = (share.clamp(0.0, 1.0) * 1e9) as u64;
    weight
}

/// Gives every place its parent, and says which have none.
fn adopt(flow: &Flow, items: &mut BTreeMap<usize, Vec<Item>>) -> Vec<usize> {
    let mut parents: BTreeMap<usize, (usize, u64, Option<Timestamp>)> = BTreeMap::new();
    let mut adopted: BTreeSet<usize> = BTreeSet::new();
    for (near, siblings) in &*items {
        for item in siblings.iter().filter(|i| flow.places[*near].step < flow.places[i.place].step)
        {
            let better = parents.get(&item.place).is_none_or(|(_, weight, first)| {
                item.weight.cmp(weight).then(first.cmp(&item.first)).is_gt()
            });
            if better {
                parents.insert(item.place, (*near, item.weight, item.first));
                adopted.insert(item.place);
            }
        }
    }
    let mut roots: Vec<usize> =
        (0..flow.places.len()).filter(|at| flow.places[*at].step == 0).collect();
    adopted.extend(&roots);
    // Reached only from its own depth or a later one: under the first that is in the tree.
    loop {
        let late = items.iter().filter(|(near, _)| adopted.contains(near));
        let next = late
            .flat_map(|(near, siblings)| siblings.iter().map(|item| (*near, item)))
            .find(|(_, item)| !adopted.contains(&item.place))
            .map(|(near, item)| (near, item.place, item.weight, item.first));
        let Some((near, place, weight, first)) = next else { break };
        parents.insert(place, (near, weight, first));
        adopted.insert(place);
    }
    roots.extend((0..flow.places.len()).filter(|at| !adopted.contains(at)));
    for (near, siblings) in items.iter_mut() {
        for item in siblings {
            item.is_home = parents.get(&item.place).is_some_and(|(parent, ..)| parent == near)
                && flow.places[item.place].step != 0;
        }
    }
    roots
}

struct Writer<'a, 'p, 's> {
    page: &'a mut Page<'s>,
    words: &'a Words<'p>,
    flow: &'a Flow<'p>,
    plan: &'a Plan,
    passages: &'a [Passage<'p>],
    /// The number of the place being written, to tell above from below.
    at: usize,
}

impl Writer<'_, '_, '_> {
    fn root(&mut self, root: usize) {
        let place = &self.flow.places[root];
        let mut spans = vec![(Ink::Of(place.class), self.title(place))];
        spans.extend(self.tags(place));
        self.page.line(&spans);
        self.below(root, "");
    }

    /// What is said of a place, and everything it passed on.
    fn below(&mut self, at: usize, prefix: &str) {
        self.at = self.plan.order.get(&at).copied().unwrap_or(self.at);
        let (kept, rest) = self.plan.lines(at);
        let bar = if kept.is_empty() && rest.is_empty() { "   " } else { "│  " };
        self.passage(at, &format!("{prefix}{bar}"));
        let numbers: Vec<Vec<String>> = kept.iter().map(|item| self.numbers(item)).collect();
        let room = numbers.iter().filter_map(|n| n.first()).map(|n| columns(n)).max().unwrap_or(0);
        for (n, (item, numbers)) in kept.iter().zip(&numbers).enumerate() {
            let is_last = n + 1 == kept.len() && rest.is_empty();
            self.item(item, numbers, room, prefix, is_last);
        }
        if !rest.is_empty() {
            self.rest(&rest, prefix);
        }
    }

    fn item(&mut self, item: &Item, numbers: &[String], room: usize, prefix: &str, is_last: bool) {
        let place = &self.flow.places[item.place];
        let (turn, down) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        let number = numbers.first().cloned().unwrap_or_default();
        let pad = " ".repeat(room.saturating_sub(columns(&number)));
        let when = item.first.map(minute).unwrap_or_else(|| "time unknown".to_string());
        let tags = if item.is_home {
            self.tags(place)
        } else {
            vec![(Ink::Faint, self.reference(item.place))]
        };
        let lead = format!("{prefix}{turn}");
        let tagged: usize = tags.iter().map(|(_, tag)| columns(tag)).sum();
        let used = columns(&lead) + room + columns(&when) + 4;
        let title = self.title(place);
        // What is said of it goes to the next line where a name cannot be cut any shorter.
        let is_apart = used + columns(&title).min(16) + tagged > self.page.width();
        let beside = if is_apart { 0 } else { tagged };
        let left = self.page.width().saturating_sub(used + beside);
        let title = shortened(&title, left.max(14));
        let mut spans: Vec<Span> = vec![
            (Ink::Faint, lead),
            (Ink::Plain, format!("{pad}{number}  ")),
            (Ink::Of(place.class), title),
            (Ink::Faint, format!("  {when}")),
        ];
        if !is_apart {
            spans.extend(tags.iter().cloned());
        }
        self.page.line(&spans);
        if is_apart {
            let under = (Ink::Faint, format!("{prefix}{down}{}", " ".repeat(room)));
            self.page.line(&[vec![under], tags].concat());
        }
        for more in numbers.iter().skip(1) {
            let pad = " ".repeat((room + 2).saturating_sub(columns(more) + 2));
            self.page.line(&[
                (Ink::Faint, format!("{prefix}{down}")),
                (Ink::Plain, format!("{pad}{more}")),
            ]);
        }
        if item.is_home && self.plan.shown.contains(&item.place) {
            self.below(item.place, &format!("{prefix}{down}"));
        }
    }

    fn rest(&mut self, rest: &[Item], prefix: &str) {
        let mut sums: Sums = BTreeMap::new();
        let mut places: BTreeSet<usize> = BTreeSet::new();
        for item in rest {
            places.insert(item.place);
            for (asset, base) in &item.amounts {
                add(&mut sums, asset, *base);
            }
        }
        let accounts: Vec<_> =
            places.iter().filter_map(|at| self.flow.places[*at].account()).collect();
        let listed: BTreeSet<String> =
            accounts.iter().flat_map(|account| self.words.lists(account)).collect();
        let n = accounts.iter().filter(|a| !self.words.lists(a).is_empty()).count();
        let side = if self.words.is_forward() { "to" } else { "from" };
        let what = if accounts.len() == places.len() {
            plural(places.len(), "account", "accounts")
        } else {
            plural(places.len(), "place", "places")
        };
        let mut text =
            format!("… {} more: {} {side} {what}", rest.len(), self.words.amounts(&sums));
        if n > 0 {
            let names: Vec<String> = listed.into_iter().collect();
            text += &format!(", {n} listed ({})", names.join(", "));
        }
        self.page.wrap(Ink::Faint, &format!("{prefix}└─ "), &text, columns(prefix) + 5);
    }

    fn passage(&mut self, at: usize, prefix: &str) {
        let account = self.flow.places[at].account();
        let Some(passage) = self.passages.iter().find(|p| Some(p.account) == account) else {
            return;
        };
        let paid = self.words.amounts(&passage.paid);
        let received = self.words.amounts(&passage.received);
        let ink = Ink::Of(Class::Swap);
        for text in [format!("⇄ {paid} → {received}"), format!("  {}", passage.sureness())] {
            self.page.line(&[(Ink::Faint, prefix.to_string()), (ink, text)]);
        }
    }

    fn numbers(&self, item: &Item) -> Vec<String> {
        let parts = self.words.by_weight(&item.amounts);
        parts.into_iter().map(|(asset, base)| self.words.amount(asset, base)).collect()
    }

    fn title(&self, place: &Place) -> String {
        match place.spot {
            Spot::Account(account) => shortened(&self.words.name(account), 28),
            Spot::Transaction(_, tx) => format!("tx {}", cut_to(tx, 12)),
        }
    }

    fn tags(&self, place: &Place) -> Vec<Span> {
        let Spot::Account(account) = place.spot else { return Vec::new() };
        let lists = self.words.lists(account);
        let mut tags = Vec::new();
        match place.class {
            Class::Passed => {}
            Class::Listed => tags.push(format!("listed: {}", lists.join(", "))),
            class => tags.push(self.words.meaning(class).to_string()),
        }
        if place.class != Class::Listed && !lists.is_empty() {
            tags.push(format!("listed: {}", lists.join(", ")));
        }
        let rests = place.resting();
        if !rests.values().all(|base| base.is_zero()) && place.class != Class::Resting {
            let verb = if self.words.is_forward() { "rests" } else { "began here" };
            let all = rests.iter().all(|(asset, base)| place.into.get(asset) == Some(base));
            let is_whole = all && place.out.values().all(|base| base.is_zero());
            let rests = self.words.amounts(&rests);
            tags.push(if is_whole { verb.to_string() } else { format!("{rests} {verb}") });
        }
        if tags.is_empty() {
            return Vec::new();
        }
        vec![(Ink::Of(place.class), format!("  {}", tags.join(", ")))]
    }

    fn reference(&self, place: usize) -> String {
        match self.plan.order.get(&place) {
            Some(order) if *order <= self.at => "  ↑ shown above".to_string(),
            Some(_) => "  ↓ shown below".to_string(),
            None => String::new(),
        }
    }
}
