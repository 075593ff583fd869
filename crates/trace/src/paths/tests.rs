//! The smallest story that shows each behaviour of the search for ways.

use model::Book;
use model::sketch::{self, Sketch};
use proptest::prelude::*;

use super::*;

fn told(text: &str) -> (Sketch, Book) {
    let sketch = sketch::parse(text).expect("a sketch");
    let mut book = Book::default();
    sketch.labels.iter().cloned().for_each(|label| book.add_label(label));
    (sketch, book)
}

fn run(text: &str, change: impl Fn(&mut PathSettings)) -> (Paths, Vec<String>) {
    let (sketch, book) = told(text);
    let mut settings = PathSettings::new(sketch.account("a"), sketch.account("z"));
    change(&mut settings);
    let paths = find(&sketch.memory(), &book, &settings).expect("an answer");
    let names = ["a", "b", "c", "d", "e", "z"];
    let name = |account: &Account| {
        let is_it = |name: &&&str| sketch.account(name) == *account;
        names.iter().find(is_it).map_or("?", |name| *name)
    };
    let said = |route: &Route| route.accounts.iter().map(name).collect::<Vec<_>>().join(" ");
    let routes = paths.routes.iter().map(said).collect();
    (paths, routes)
}

fn check(text: &str, expected: &[&str]) -> Paths {
    let (paths, routes) = run(text, |_| {});
    assert_eq!(routes, expected);
    paths
}

const TWO: &str = "
    chain ethereum
    a -> b 5 ETH day 0
    b -> z 4 ETH day 1
    a -> z 1 ETH day 3
    b -> z 1 ETH day 5
";

#[test]
fn the_shortest_way_comes_first_and_parallel_payments_are_one_step() {
    let paths = check(TWO, &["a z", "a b z"]);
    assert!(paths.is_complete);
    let step = &paths.routes[1].steps[1];
    assert_eq!(step.payments, 2);
    assert_eq!(step.amount.0, model::sketch::units("4", 18), "the earliest that can follow");
}

#[test]
fn money_does_not_go_back_in_time() {
    check(
        "
        chain ethereum
        b -> z 4 ETH day 0
        a -> b 5 ETH day 1
        ",
        &[],
    );
}

#[test]
fn an_earlier_arrival_by_a_longer_way_opens_what_left_before() {
    check(
        "
        chain ethereum
        a -> c 1 ETH day 5
        a -> b 1 ETH day 0
        b -> c 1 ETH day 1
        c -> z 1 ETH day 2
        ",
        &["a b c z"],
    );
}

#[test]
fn a_longer_way_over_accounts_that_all_arrived_before_is_found() {
    check(
        "
        chain ethereum
        a -> b 1 ETH day 0
        a -> d 1 ETH day 0
        b -> z 1 ETH day 2
        d -> b 1 ETH day 2
        ",
        &["a b z", "a d b z"],
    );
}

#[test]
fn it_does_not_walk_through_a_service_and_says_where_it_ended() {
    let text = "
        chain ethereum
        a -> c 1 ETH day 0
        c -> z 1 ETH day 1
        label exchange c
    ";
    let paths = check(text, &[]);
    assert_eq!(paths.stops.len(), 1);
    assert!(!paths.is_complete);
    // Its benign twin has no label.
    check(&text.replace("label exchange c", ""), &["a c z"]);
}

#[test]
fn a_service_is_found_where_it_is_the_target() {
    check("chain ethereum\na -> z 1 ETH day 0\nlabel exchange z", &["a z"]);
}

#[test]
fn what_bounds_it_bounds_it() {
    let hops = |n| run(TWO, |settings| settings.hops_max = n).1;
    assert_eq!(hops(1), ["a z"]);
    let (paths, routes) = run(TWO, |settings| settings.routes_max = 1);
    assert_eq!((routes.len(), paths.is_complete), (1, false));
    let until = |day: &str| {
        run(TWO, |settings| {
            settings.until = Some(format!("2025-01-0{day}T12:00:00Z").parse().expect("a time"))
        })
        .1
    };
    assert_eq!(until("2"), ["a b z"]);
    let (_, routes) = run(TWO, |settings| settings.min_base = model::sketch::units("3", 18));
    assert_eq!(routes, ["a b z"]);
    let (paths, _) = run(TWO, |settings| settings.budget = 0);
    assert!(!paths.is_complete);
    let (_, routes) = run(TWO, |settings| settings.target = settings.source.clone());
    assert_eq!(routes, [""; 0]);
}

#[test]
fn on_bitcoin_it_goes_from_outputs_to_outputs() {
    let paths = check(
        "
        chain bitcoin
        t0: coinbase => a 50 BTC            day 0
        t1: t0:0 => b 20 BTC, a 29.9 BTC    day 0 +10m
        t2: t1:0 => z 19 BTC                day 0 +20m
        ",
        &["a b z"],
    );
    assert_eq!(paths.routes[0].steps[0].position.to_string(), "out0");
    assert_eq!(paths.remarks.len(), 1);
}

proptest! {
    /// Against every row of accounts, tried one by one.
    #[test]
    fn it_finds_the_ways_that_trying_all_rows_finds(
        rows in proptest::collection::vec((0_usize..5, 0_usize..5, 0_u32..6), 0..12),
    ) {
        let names = ["a", "b", "c", "d", "z"];
        let lines = rows.iter().filter(|(from, to, _)| from != to);
        let lines = lines.map(|(from, to, day)| format!("{} -> {} 1 ETH day {day}", names[*from], names[*to]));
        let text = format!("chain ethereum\n{}", lines.collect::<Vec<_>>().join("\n"));
        let (_, mut found) = run(&text, |settings| settings.routes_max = 1000);
        let mut expected = Vec::new();
        let mut way = vec![0];
        walk(&rows, &names, &mut way, 0, &mut expected);
        expected.sort();
        expected.dedup();
        found.sort();
        prop_assert_eq!(found, expected);
    }
}

fn walk(
    rows: &[(usize, usize, u32)],
    names: &[&str],
    way: &mut Vec<usize>,
    day: u32,
    out: &mut Vec<String>,
) {
    let Some(at) = way.last().copied() else { return };
    if at == 4 {
        out.push(way.iter().map(|n| names[*n]).collect::<Vec<_>>().join(" "));
        return;
    }
    if way.len() > 4 {
        return;
    }
    for (from, to, when) in rows {
        if *from == at && *when >= day && !way.contains(to) {
            way.push(*to);
            walk(rows, names, way, *when, out);
            way.pop();
        }
    }
}
