//! The picture in its four formats, on small stories.

use interdict::render::{self, Heading, Style};
use model::{
    Account, Book, Chain, Date, Direction, Identifier, Label, Listing, listing::ListVersion, sketch,
};
use trace::{Policy, Report, Settings, Source};

/// A theft that is cashed out, swapped, mixed and bridged, and comes back in part.
const THEFT: &str = "
    chain ethereum
    token USDX decimals 6
    thief -> a1    100 ETH     day 0
    a1    -> cash1   4 ETH     day 0 +10m
    a1    -> a2     95 ETH     day 0 +10m
    a1    -> fee  0.01 ETH     day 0 +10m
    a2    -> venue  50 ETH     day 0 +20m tx swap
    venue -> a2 135000 USDX    day 0 +20m tx swap
    a2    -> mix    10 ETH     day 1
    a2    -> br 100000 USDX    day 1 +1h
    a2    -> a1      3 ETH     day 2
    a1    -> a3      2 ETH     day 3
    label exchange cash1
    label swap venue
    label mixing_service mix
    label bridge br
    price ETH 2700
";

const COINS: &str = "
    chain bitcoin
    t0: coinbase => thief 50 BTC                           day 0
    t1: t0:0 => first 20 BTC, second 29.9 BTC              day 0 +10m
    t2: t1:0 => third 12 BTC, fourth 7.99 BTC              day 0 +20m
    t3: t1:1 + t2:0 => pot 41 BTC, change 0.8 BTC          day 1 +20m
    t4: t3:0 => shop1 10 BTC, shop2 10 BTC, shop3 20.9 BTC day 2
    label exchange shop2
";

fn titled(title: &str) -> Heading {
    Heading { title: title.into(), ..Heading::default() }
}

struct Story {
    sketch: sketch::Sketch,
    settings: Settings,
    listed: Vec<Account>,
}

impl Story {
    fn of(text: &str, from: &str) -> Story {
        let sketch = sketch::parse(text).expect("a sketch");
        let source = Source::Account(sketch.account(from));
        let mut settings = Settings::forward(vec![source], Policy::Fifo);
        settings.prices = sketch.prices.clone();
        Story { sketch, settings, listed: Vec::new() }
    }

    fn policy(mut self, policy: Policy) -> Story {
        self.settings.policy = policy;
        self
    }

    fn backward(mut self) -> Story {
        self.settings.direction = Direction::Backward;
        self
    }

    fn compared(mut self) -> Story {
        self.settings.compare = true;
        self
    }

    fn list(mut self, name: &str) -> Story {
        self.listed.push(self.sketch.account(name));
        self
    }

    fn label(mut self, change: impl Fn(&mut Label)) -> Story {
        self.sketch.labels.iter_mut().for_each(change);
        self
    }

    fn report(&self) -> Report {
        let mut book = Book::default();
        self.sketch.labels.iter().cloned().for_each(|label| book.add_label(label));
        for account in &self.listed {
            let text = account.address_text();
            book.add_listing(Listing {
                version: ListVersion {
                    list: "police-notice".into(),
                    date: Date::constant(2025, 2, 26),
                    file_hash: "00".repeat(32),
                },
                identifier: Identifier::parse(&text),
                written: text,
                asset_label: None,
                party: Some("The Thieves".into()),
                party_id: None,
                programmes: Vec::new(),
                listed_on: None,
                expires_on: None,
                kind: model::ListingKind::Address,
            });
        }
        trace::run(&self.sketch.memory(), &book, &self.settings).expect("a trace")
    }
}

fn stories() -> Vec<(&'static str, Report)> {
    let theft = || Story::of(THEFT, "thief").list("a2");
    vec![
        ("theft", theft().report()),
        ("theft_compared", theft().compared().report()),
        ("theft_route", theft().policy(Policy::HighestValue).report()),
        ("theft_poison", theft().policy(Policy::Poison).report()),
        ("cash_backward", Story::of(THEFT, "mix").policy(Policy::Haircut).backward().report()),
        ("coins", Story::of(COINS, "thief").policy(Policy::Haircut).report()),
        ("coins_backward", Story::of(COINS, "shop1").backward().report()),
        ("nothing", Story::of(THEFT, "nobody").report()),
        ("fan", fan().report()),
        ("hostile", hostile().report()),
    ]
}

/// Five hundred payments, some of which lead on.
fn fan() -> Story {
    let mut text = String::from("chain ethereum\nhub -> start 6000 ETH day 0\n");
    for n in 0..500 {
        text += &format!("start -> leaf{n} {} ETH day 0 +{n}m\n", 1 + n % 17);
    }
    for n in 0..60 {
        text += &format!("leaf{n} -> next{} 1 ETH day 1 +{n}m\n", n % 7);
    }
    Story::of(&text, "hub").list("leaf3").list("leaf499")
}

/// Names no list should have.
fn hostile() -> Story {
    Story::of(THEFT, "thief").label(|label| {
        label.name = match label.name.as_str() {
            "cash1" => "</title><script>alert(1)</script><img src=https://evil.example/x>".into(),
            "venue" => "=cmd|' /C calc'!A0".into(),
            "mix" => "\u{1b}[2J\u{202e}gnp\\\"]; evil [label=\"x".into(),
            _ => "取引所の名前がとても長い場合に端末の行からはみ出さないことを確かめる".into(),
        };
        label.source = "@import url(http://evil.example)".into();
    })
}

#[test]
fn the_table_reads_at_eighty_columns() {
    for (name, report) in stories() {
        if name != "fan" {
            insta::assert_snapshot!(format!("table_{name}"), table(&report, 80));
        }
    }
}

#[test]
fn no_line_of_the_table_is_too_long() {
    for (name, report) in stories() {
        for width in [60, 80, 120] {
            for line in table(&report, width).lines() {
                assert!(columns(line) <= width, "{name} at {width}: {line:?}");
            }
        }
    }
}

#[test]
fn a_tree_of_any_size_stays_short() {
    let lines = table(&fan().report(), 80).lines().count();
    assert!(lines < 160, "{lines} lines");
}

#[test]
fn colour_only_adds() {
    for (name, report) in stories() {
        let coloured = render::table(&report, None, &Style { color: true, width: 80 });
        let mut bare = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once("\u{1b}[") {
            bare += before;
            rest = after.split_once('m').expect("the end of a colour").1;
        }
        bare += rest;
        let trimmed =
            |text: &str| text.lines().map(|line| line.trim_end().to_string()).collect::<Vec<_>>();
        assert_eq!(trimmed(&bare), trimmed(&table(&report, 80)), "{name}");
    }
}

#[test]
fn edges_as_csv() {
    for (name, report) in stories() {
        if ["theft", "coins", "hostile"].contains(&name) {
            insta::assert_snapshot!(format!("csv_{name}"), render::csv(&report));
        }
    }
}

#[test]
fn the_graph_as_dot() {
    for (name, report) in stories() {
        if ["theft", "coins", "hostile"].contains(&name) {
            insta::assert_snapshot!(format!("dot_{name}"), render::dot(&report));
        }
    }
}

#[test]
fn the_page_asks_for_nothing_from_outside() {
    for (name, report) in stories() {
        let page = render::html(&report, &titled("<b>A title</b>"));
        for wanting in ["http://", "https://", "src=", "@import", "<link", "<img", "<b>A title"] {
            assert!(!page.contains(wanting), "{name} has {wanting:?}");
        }
        assert!(page.contains("default-src 'none'"), "{name}");
        let style = page.split_once("</style>").expect("a style sheet").0;
        assert_eq!(style.matches("url(").count(), style.matches("url(#").count(), "{name}");
    }
}

#[test]
fn a_case_says_what_it_is_and_who_may_see_it() {
    let report = hostile().report();
    let heading = Heading {
        title: "A theft".into(),
        summary: "Told by <b>somebody</b>.".into(),
        marking: Some(model::Marking::AmberStrict),
    };
    let page = render::html(&report, &heading);
    assert!(page.contains("<span class=\"tlp amber\">TLP:AMBER+STRICT</span>"));
    assert!(page.contains("<p class=\"about\">Told by &lt;b&gt;somebody&lt;&#47;b&gt;.</p>"));
    let tree = render::table(&report, Some(&heading), &Style { color: false, width: 80 });
    assert!(tree.starts_with("A theft  TLP:AMBER+STRICT\nTold by <b>somebody</b>.\n\n"), "{tree}");

    let bare = render::html(&report, &titled("A theft"));
    assert!(!bare.contains("class=\"tlp") && !bare.contains("class=\"about"));
}

#[test]
fn what_strangers_wrote_stays_text() {
    let page = render::html(&hostile().report(), &titled("</script>"));
    assert_eq!(page.matches("<script").count(), 2, "our data and our script, no other");
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(page.contains("&lt;script&gt;alert(1)"));
    for text in [page, table(&hostile().report(), 80), render::csv(&hostile().report())] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    }
}

#[test]
fn every_element_of_the_page_is_closed() {
    for (name, report) in stories() {
        let page = render::html(&report, &titled("Title"));
        for tag in
            ["g", "svg", "section", "table", "tr", "td", "details", "div", "ul", "text", "pattern"]
        {
            let open = page.matches(&format!("<{tag} ")).count()
                + page.matches(&format!("<{tag}>")).count();
            let closed = page.matches(&format!("</{tag}>")).count();
            assert_eq!(open, closed, "{name}: <{tag}>");
        }
    }
}

#[test]
fn the_picture_is_always_the_same() {
    let (one, other) = (hostile().report(), hostile().report());
    assert_eq!(render::html(&one, &titled("Title")), render::html(&other, &titled("Title")));
}

#[test]
fn a_crowded_column_is_drawn_with_its_largest_and_all_listed() {
    let report = fan().report();
    let page = render::html(&report, &titled("Fan"));
    assert!(page.matches("class=\"n c-").count() < 150);
    assert!(page.contains("381 more accounts"));
    assert_eq!(page.matches("class=\"n c-listed\"").count(), 2);
    for node in &report.nodes {
        assert!(page.contains(&node.account.address_text()), "{}", node.account);
    }
}

#[test]
fn an_address_without_a_label_is_shortened_alike_everywhere() {
    let report = Story::of(THEFT, "thief").report();
    let account = Account::parse(
        &sketch::parse(THEFT).expect("a sketch").account("a3").address_text(),
        Chain::ETHEREUM,
    )
    .expect("an address");
    let short = account.short();
    for text in [table(&report, 80), render::dot(&report), render::html(&report, &titled("Title"))]
    {
        assert!(text.contains(&short), "{short}");
    }
}

fn table(report: &Report, width: usize) -> String {
    render::table(report, None, &Style { color: false, width })
}

/// Columns of a terminal, East Asian characters counted twice.
fn columns(line: &str) -> usize {
    let wide = |c: char| matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xd7a3 | 0xf900..=0xfaff | 0xff00..=0xff60);
    line.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}
