//! The words all formats share: amounts, times, names, and what a node is.

use std::collections::{BTreeMap, BTreeSet};

use model::amount::format_rounded;
use model::{Account, Asset, Direction, FindingKind, Role, Timestamp, U256};
use trace::gather::Stop;
use trace::report::{AssetRow, AssetTotals, Base, Crossed, EndpointKind, Node};
use trace::route::End;
use trace::settle::Cut;
use trace::{Policy, Report};

/// Amounts by asset.
pub type Sums = BTreeMap<Asset, U256>;

/// What a node means, the most telling meaning first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Source,
    Listed,
    Mixer,
    Bridge,
    Swap,
    Service,
    Cut,
    Resting,
    Passed,
    /// A Bitcoin transaction: inputs in, outputs out.
    Transaction,
    /// Several accounts drawn as one.
    Group,
}

/// A report with what is needed to speak of it.
pub struct Words<'a> {
    pub report: &'a Report,
    assets: BTreeMap<&'a Asset, &'a AssetRow>,
    nodes: BTreeMap<&'a Account, &'a Node>,
    /// Decimals that are enough for people, by asset.
    places: BTreeMap<&'a Asset, u8>,
    cut: BTreeSet<&'a Account>,
    names: BTreeMap<&'a Account, &'a str>,
}

impl<'a> Words<'a> {
    pub fn new(report: &'a Report) -> Words<'a> {
        let assets: BTreeMap<&Asset, &AssetRow> =
            report.assets.iter().map(|row| (&row.asset, row)).collect();
        let mut largest: BTreeMap<&Asset, U256> = BTreeMap::new();
        for edge in &report.edges {
            let known = largest.entry(&edge.asset).or_default();
            *known = (*known).max(edge.amount.0);
        }
        let places = assets
            .iter()
            .map(|(asset, row)| {
                let largest = largest.get(asset).copied().unwrap_or_default();
                (*asset, places(largest, row.decimals.unwrap_or(0)))
            })
            .collect();
        let ended = report.endpoints.iter();
        Words {
            report,
            assets,
            nodes: report.nodes.iter().map(|node| (&node.account, node)).collect(),
            places,
            cut: ended
                .clone()
                .filter(|end| end.kind == EndpointKind::Cut)
                .filter_map(|end| end.account.as_ref())
                .collect(),
            names: ended
                .filter_map(|end| Some((end.account.as_ref()?, end.name.as_deref()?)))
                .collect(),
        }
    }

    pub fn node(&self, account: &Account) -> Option<&'a Node> {
        self.nodes.get(account).copied()
    }

    pub fn decimals(&self, asset: &Asset) -> Option<u8> {
        self.assets.get(asset).and_then(|row| row.decimals)
    }

    /// The symbol as people know it. Anyone can write any symbol, so that of a contract
    /// outside the registry ends in a question mark.
    pub fn symbol(&self, asset: &Asset) -> String {
        let row = self.assets.get(asset);
        let symbol = row.and_then(|row| row.symbol.as_deref()).map(plain);
        match (symbol.filter(|symbol| !symbol.is_empty()), asset.contract()) {
            (Some(symbol), _) => {
                let is_genuine = row.is_some_and(|row| row.is_genuine);
                format!("{}{}", cut_to(&symbol, 16), if is_genuine { "" } else { "?" })
            }
            (None, Some(contract)) => {
                let token = Account { chain: asset.chain, address: contract.clone() };
                format!("token {}", token.short())
            }
            (None, None) => asset.to_string(),
        }
    }

    /// `98,047.89 ETH`: rounded, for people.
    pub fn amount(&self, asset: &Asset, base: U256) -> String {
        format!("{} {}", self.number(asset, base), self.unit(asset))
    }

    /// The number of [`Words::amount`] alone.
    pub fn number(&self, asset: &Asset, base: U256) -> String {
        let Some(decimals) = self.decimals(asset) else {
            return format_rounded(base, 0, 0);
        };
        let places = self.places.get(asset).copied().unwrap_or(decimals);
        let number = rounded(base, decimals, places);
        // Cents read as money does: 356.60.
        match number.split_once('.') {
            Some((_, fraction)) if places == 2 && fraction.len() == 1 => format!("{number}0"),
            _ => number,
        }
    }

    /// Whole units alone, to compare unlike amounts by.
    pub fn whole(&self, asset: &Asset, base: U256) -> U256 {
        base / U256::from(10).pow(U256::from(self.decimals(asset).unwrap_or(0)))
    }

    /// [`Words::number`] with all its decimals, so that a column of them lines up.
    pub fn number_aligned(&self, asset: &Asset, base: U256) -> String {
        let number = self.number(asset, base);
        let places = usize::from(self.places.get(asset).copied().unwrap_or(0));
        if base.is_zero() || number.starts_with('<') {
            return if base.is_zero() { "0".to_string() } else { number };
        }
        let has = number.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let dot = if has == 0 && places > 0 { "." } else { "" };
        format!("{number}{dot}{}", "0".repeat(places.saturating_sub(has)))
    }

    /// Every digit: `98,047.8948 ETH`.
    pub fn exact(&self, asset: &Asset, base: U256) -> String {
        {
            let decimals = self.decimals(asset).unwrap_or(0);
            format!("{} {}", format_rounded(base, decimals, decimals), self.unit(asset))
        }
    }

    /// The symbol, and where the decimals are unknown, that these are base units.
    fn unit(&self, asset: &Asset) -> String {
        match self.decimals(asset) {
            Some(_) => self.symbol(asset),
            None => format!("base units of {}", self.symbol(asset)),
        }
    }

    /// `90,375.55 stETH + 8,000 mETH`, the largest number first.
    pub fn amounts(&self, amounts: &Sums) -> String {
        let parts: Vec<String> = self
            .by_weight(amounts)
            .into_iter()
            .map(|(asset, base)| self.amount(asset, base))
            .collect();
        if parts.is_empty() { "nothing".to_string() } else { parts.join(" + ") }
    }

    /// The largest number first, zero left out.
    pub fn by_weight<'b>(&self, amounts: &'b Sums) -> Vec<(&'b Asset, U256)> {
        let mut parts: Vec<(&Asset, U256)> = amounts
            .iter()
            .filter(|(_, base)| !base.is_zero())
            .map(|(asset, base)| (asset, *base))
            .collect();
        parts.sort_by(|a, b| {
            self.whole(b.0, b.1).cmp(&self.whole(a.0, a.1)).then_with(|| a.0.cmp(b.0))
        });
        parts
    }

    /// The surest label, if anybody gave one.
    pub fn label(&self, account: &Account) -> Option<String> {
        let label = self.node(account)?.labels.first()?;
        Some(plain(&label.name)).filter(|name| !name.is_empty())
    }

    /// The surest label, else the list the account is on.
    pub fn said(&self, account: &Account) -> Option<String> {
        let listed = || Some(plain(&self.node(account)?.listings.first()?.list));
        let named = || self.names.get(account).map(|name| plain(name));
        self.label(account).or_else(listed).or_else(named)
    }

    /// What to call it in a picture: its label, else its address in short.
    pub fn name(&self, account: &Account) -> String {
        self.label(account).unwrap_or_else(|| account.short())
    }

    /// The lists it is on, each once.
    pub fn lists(&self, account: &Account) -> Vec<String> {
        let listings = self.node(account).map(|node| node.listings.as_slice()).unwrap_or_default();
        let lists: BTreeSet<String> = listings.iter().map(|row| plain(&row.list)).collect();
        lists.into_iter().collect()
    }

    pub fn class(&self, account: &Account) -> Class {
        let Some(node) = self.node(account) else { return Class::Passed };
        let by_role = match node.role {
            Role::Mixer => Some(Class::Mixer),
            Role::Bridge => Some(Class::Bridge),
            Role::Swap => Some(Class::Swap),
            Role::Service => Some(Class::Service),
            Role::Other => None,
        };
        match (node.stop, by_role) {
            _ if node.depth == 0 => Class::Source,
            _ if !node.listings.is_empty() => Class::Listed,
            (_, Some(class)) => class,
            (Some(Stop::Service), None) => Class::Service,
            (Some(_), None) => Class::Cut,
            (None, None) if rests_here(node) => Class::Resting,
            (None, None) if self.cut.contains(account) => Class::Cut,
            (None, None) => Class::Passed,
        }
    }

    /// The books worth showing, asset by asset.
    pub fn books(&self) -> Vec<Balance<'a>> {
        let all = self.report.totals.by_asset.iter().map(|totals| Balance::of(self, totals));
        all.filter(|balance| !balance.came.is_empty() || !balance.went.is_empty()).collect()
    }

    pub fn is_forward(&self) -> bool {
        self.report.direction == Direction::Forward
    }

    /// What a class means here. Going backward the trace starts where the value arrived, and
    /// what goes no further began there.
    pub fn meaning(&self, class: Class) -> &'static str {
        match class {
            Class::Source if !self.is_forward() => "start",
            Class::Resting if !self.is_forward() => "began here",
            class => class.word(),
        }
    }

    /// [`EndpointKind`] in words.
    pub fn ending(&self, kind: EndpointKind) -> &'static str {
        match kind {
            EndpointKind::Service => "at a service",
            EndpointKind::Resting if self.is_forward() => "rests",
            EndpointKind::Resting => "began here",
            EndpointKind::Cut => "not followed",
        }
    }

    /// `51 (41 at depth 1, 1 at depth 2, 9 at depth 3)`.
    pub fn listed(&self) -> String {
        let mut depths: BTreeMap<u32, usize> = BTreeMap::new();
        for node in self.report.nodes.iter().filter(|node| !node.listings.is_empty()) {
            *depths.entry(node.depth).or_default() += 1;
        }
        let parts: Vec<String> =
            depths.iter().map(|(depth, n)| format!("{n} at depth {depth}")).collect();
        match self.report.totals.listed {
            0 => "none".to_string(),
            n => format!("{n} ({})", parts.join(", ")),
        }
    }
}

/// Did at least half of what came, of any asset, go no further?
fn rests_here(node: &Node) -> bool {
    node.resting.iter().any(|(asset, rests)| {
        let came = node.tainted.get(asset).copied().unwrap_or_default();
        !rests.0.is_zero() && rests.0 >= came.0.saturating_sub(rests.0)
    })
}

/// What came in and what it is accounted for as, of one asset; zeros left out.
pub struct Balance<'a> {
    pub asset: &'a Asset,
    pub came: Vec<(&'static str, U256)>,
    pub went: Vec<(&'static str, U256)>,
    pub is_balanced: bool,
}

impl<'a> Balance<'a> {
    pub fn of(words: &Words, totals: &'a AssetTotals) -> Balance<'a> {
        let seen = |parts: &[(&'static str, Base)]| -> Vec<(&'static str, U256)> {
            let there = parts.iter().filter(|(_, base)| !base.0.is_zero());
            there.map(|(name, base)| (*name, base.0)).collect()
        };
        let sum = |parts: &[(&'static str, U256)]| {
            parts.iter().try_fold(U256::ZERO, |sum, (_, base)| sum.checked_add(*base))
        };
        let came = seen(&[("tainted in", totals.tainted_in), ("crossed in", totals.crossed_in)]);
        let went = seen(&[
            (if words.is_forward() { "resting" } else { "at its origin" }, totals.resting),
            ("at services", totals.at_services),
            ("fees", totals.fees),
            ("cut", totals.cut),
            ("crossed out", totals.crossed_out),
        ]);
        let is_balanced = sum(&came).is_some() && sum(&came) == sum(&went);
        Balance { asset: &totals.asset, came, went, is_balanced }
    }

    /// `tainted in 400,001 + crossed in 98,047.89 = resting 498,048.89`, with spaces that do
    /// not break within a term.
    pub fn sentence(&self, words: &Words) -> String {
        let side = |parts: &[(&'static str, U256)]| {
            let named: Vec<String> = parts
                .iter()
                .map(|(name, base)| {
                    format!("{name} {}", words.number(self.asset, *base)).replace(' ', "\u{a0}")
                })
                .collect();
            if named.is_empty() { "nothing".to_string() } else { named.join(" + ") }
        };
        let equals = if self.is_balanced { "=" } else { "≠" };
        format!("{} {equals} {}", side(&self.came), side(&self.went))
    }
}

/// One account's swaps together: in `0xa4b2…449e`, forty legs say no more than their sum.
pub struct Passage<'a> {
    pub account: &'a Account,
    pub paid: Sums,
    pub received: Sums,
    pub kinds: BTreeSet<&'static str>,
    pub confidence: (f64, f64),
    pub crossings: usize,
}

impl<'a> Passage<'a> {
    pub fn all(report: &'a Report) -> Vec<Passage<'a>> {
        let mut by_account: BTreeMap<&Account, Passage> = BTreeMap::new();
        for crossed in &report.crossings {
            by_account
                .entry(&crossed.account)
                .or_insert_with(|| Passage::new(&crossed.account))
                .add(crossed);
        }
        by_account.into_values().collect()
    }

    fn new(account: &'a Account) -> Passage<'a> {
        Passage {
            account,
            paid: BTreeMap::new(),
            received: BTreeMap::new(),
            kinds: BTreeSet::new(),
            confidence: (1.0, 0.0),
            crossings: 0,
        }
    }

    fn add(&mut self, crossed: &Crossed) {
        for paid in &crossed.paid {
            add(&mut self.paid, &paid.asset, paid.amount.0);
        }
        add(&mut self.received, &crossed.received.asset, crossed.received.amount.0);
        self.kinds.insert(crossing_kind(crossed));
        self.confidence.0 = self.confidence.0.min(crossed.confidence);
        self.confidence.1 = self.confidence.1.max(crossed.confidence);
        self.crossings += 1;
    }

    /// `inferred, confidence 0.80`.
    pub fn sureness(&self) -> String {
        let kinds: Vec<&str> = self.kinds.iter().copied().collect();
        let (low, high) = self.confidence;
        let confidence = if (high - low).abs() < 0.005 {
            format!("{low:.2}")
        } else {
            format!("{low:.2}–{high:.2}")
        };
        format!("{}, confidence {confidence}", kinds.join(" and "))
    }
}

pub fn crossing_kind(crossed: &Crossed) -> &'static str {
    use trace::crossing::CrossingKind;
    match crossed.kind {
        CrossingKind::Seen => "seen",
        CrossingKind::Inferred => "inferred",
        CrossingKind::Declared => "declared",
    }
}

impl Class {
    pub const ALL: [Class; 11] = [
        Class::Source,
        Class::Listed,
        Class::Mixer,
        Class::Bridge,
        Class::Swap,
        Class::Service,
        Class::Cut,
        Class::Resting,
        Class::Passed,
        Class::Transaction,
        Class::Group,
    ];

    /// One letter that says the class where colour cannot.
    pub fn letter(self) -> &'static str {
        match self {
            Class::Source => "S",
            Class::Listed => "L",
            Class::Mixer => "M",
            Class::Bridge => "B",
            Class::Swap => "X",
            Class::Service => "V",
            Class::Cut => "C",
            Class::Resting => "R",
            Class::Passed => "P",
            Class::Transaction => "T",
            Class::Group => "+",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Class::Source => "source",
            Class::Listed => "listed",
            Class::Mixer => "mixer",
            Class::Bridge => "bridge",
            Class::Swap => "swap venue",
            Class::Service => "service",
            Class::Cut => "not followed",
            Class::Resting => "rests",
            Class::Passed => "passed on",
            Class::Transaction => "transaction",
            Class::Group => "several accounts",
        }
    }

    /// The name in style sheets.
    pub fn slug(self) -> &'static str {
        match self {
            Class::Source => "source",
            Class::Listed => "listed",
            Class::Mixer => "mixer",
            Class::Bridge => "bridge",
            Class::Swap => "swap",
            Class::Service => "service",
            Class::Cut => "cut",
            Class::Resting => "resting",
            Class::Passed => "passed",
            Class::Transaction => "tx",
            Class::Group => "group",
        }
    }
}

/// One line on what a policy does, without its name.
pub fn policy_meaning(policy: Policy) -> &'static str {
    match policy {
        Policy::Poison => "whatever a tainted account sends is tainted whole: an upper bound",
        Policy::Haircut => "every payment carries the account's mean share of taint",
        Policy::Fifo => "what came in first leaves first",
        Policy::Lifo => "what came in last leaves first",
        Policy::Tiho => "tainted value leaves first, to the largest destination first",
        Policy::HighestValue => "at each account, on to whoever got the most",
    }
}

pub fn end_reason(end: End) -> &'static str {
    match end {
        End::Hops => "The route ends here because no more hops were asked for.",
        End::Service => "The route ends at a labelled service.",
        End::Resting => "The route ends here: nothing is known to have left.",
        End::Circle => "The route ends here: it would only go back to where it has been.",
    }
}

pub fn cut_reason(cut: Cut) -> &'static str {
    match cut {
        Cut::Hops => "beyond the hops asked for",
        Cut::Budget => "the budget of transfers was used up",
        Cut::Hub => "too many transfers: likely an unlabelled service",
        Cut::MinValue => "below the least value asked for",
        Cut::Dust => "too little to be a payment",
        Cut::LookAlike => "sent to an address made to look like another",
        Cut::Burned => "destroyed",
        Cut::Issued => "newly issued",
        Cut::UnknownInput => "the spent output is not in the data",
        Cut::Window => "outside the window of time",
        Cut::NotHighest => "not the highest-value destination",
    }
}

pub fn finding_name(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::ZeroValue => "zero-value transfer",
        FindingKind::Dust => "dust",
        FindingKind::ImitationToken => "imitation token",
        FindingKind::AbsurdAmount => "absurd amount",
        FindingKind::LookAlike => "look-alike address",
        FindingKind::NewlyListed => "newly listed",
    }
}

/// A source as people write it: the address, and the chain it is on.
pub fn source(text: &str) -> (String, Option<String>) {
    match text.parse::<Account>() {
        Ok(account) => (account.address_text(), Some(account.chain.name())),
        Err(_) => (plain(text), None),
    }
}

/// `2025-02-21 14:29:47`, UTC; say the zone beside it.
pub fn second(time: Timestamp) -> String {
    time.to_string().chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

/// `2025-02-21 14:29`, UTC; say the zone beside it.
pub fn minute(time: Timestamp) -> String {
    second(time).chars().take(16).collect()
}

/// `2025-02-21 14:29 – 14:56`, the second day left out where it is the first.
pub fn span(first: Option<Timestamp>, last: Option<Timestamp>) -> String {
    let (Some(first), Some(last)) = (first, last) else { return "time unknown".to_string() };
    let (first, last) = (minute(first), minute(last));
    if first == last {
        return first;
    }
    let same_day = first.get(..10) == last.get(..10);
    let last = if same_day { last.get(11..).unwrap_or_default().to_string() } else { last };
    format!("{first} – {last}")
}

pub fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", format_rounded(U256::from(n), 0, 0), if n == 1 { one } else { many })
}

/// Text from outside as one line of visible characters: controls, line breaks, marks that
/// turn the direction of reading and characters nobody sees are taken out.
pub fn plain(text: &str) -> String {
    let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    let kept: String = spaced.filter(|c| !is_unseen(*c)).collect();
    kept.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// At most so many characters, the last an ellipsis where some were left out.
pub fn cut_to(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_string();
    }
    let kept: String = text.chars().take(chars.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Adds to a sum by asset.
pub fn add(sums: &mut Sums, asset: &Asset, base: U256) {
    let sum = sums.entry(asset.clone()).or_default();
    *sum = sum.saturating_add(base);
}

pub fn bases(amounts: &BTreeMap<Asset, Base>) -> Sums {
    amounts.iter().map(|(asset, base)| (asset.clone(), base.0)).collect()
}

/// Rounded, but what is there never reads as nothing.
fn rounded(base: U256, decimals: u8, places: u8) -> String {
    let text = format_rounded(base, decimals, places);
    if text == "0" && !base.is_zero() {
        let places = places.min(decimals);
        return match places {
            0 => "<1".to_string(),
            n => format!("<0.{}1", "0".repeat(usize::from(n) - 1)),
        };
    }
    text
}

/// The larger the amounts, the fewer decimals anybody reads.
fn places(largest: U256, decimals: u8) -> u8 {
    let whole = largest / U256::from(10).pow(U256::from(decimals));
    let wanted = match whole {
        whole if whole >= U256::from(100) => 2,
        whole if whole >= U256::from(1) => 4,
        _ => 8,
    };
    wanted.min(decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_becomes_one_visible_line() {
        assert_eq!(plain("a\u{1b}[31m\n\tb\u{202e}c\u{200b}"), "a[31m bc");
        assert_eq!(plain("  Ünïcödé  ЕТН "), "Ünïcödé ЕТН");
    }

    #[test]
    fn what_is_there_never_reads_as_nothing() {
        assert_eq!(rounded(U256::from(1), 18, 2), "<0.01");
        assert_eq!(rounded(U256::ZERO, 18, 2), "0");
        assert_eq!(rounded(U256::from(1), 8, 8), "0.00000001");
    }
}
