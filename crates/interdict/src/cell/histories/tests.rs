//! A page after a page is the whole, whatever the size of pages and however many share a moment.

use model::sketch;
use proptest::prelude::*;

use super::*;

fn everything() -> Wanted {
    Wanted { way: None, since: None, until: None, asset: None, min_base: U256::ZERO }
}

fn walk(view: &dyn View, account: &Account, wanted: &Wanted, limit: usize) -> Vec<Transfer> {
    let (mut all, mut after) = (Vec::new(), None);
    for _ in 0..1000 {
        let part = page(view, account, wanted, after, limit).unwrap();
        assert!(!part.is_cut && part.transfers.len() <= limit);
        all.extend(part.transfers);
        match part.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
    panic!("pages without end");
}

proptest! {
    #[test]
    fn pages_put_together_are_all_of_it_the_newest_first(
        rows in proptest::collection::vec((0_usize..3, 0_usize..3, 0_u32..40), 1..40),
        limit in 1_usize..7,
        way in 0_usize..3,
    ) {
        let names = ["me", "you", "them"];
        let lines: Vec<String> = rows
            .iter()
            .map(|(from, to, hour)| format!("{} -> {} 1 ETH day {} +{}h", names[*from], names[*to], hour / 8, hour % 8))
            .collect();
        let sketch = sketch::parse(&format!("chain ethereum\n{}", lines.join("\n"))).unwrap();
        let (view, me) = (sketch.memory(), sketch.account("me"));
        let wanted = Wanted { way: [None, Some(Way::In), Some(Way::Out)][way], ..everything() };
        let found = walk(&view, &me, &wanted, limit);
        let mut expected = Vec::new();
        view.scan(me.chain, None, None, &mut |transfer| {
            let is_in = transfer.to_account().as_ref() == Some(&me) && way != 2;
            let is_out = transfer.from_account().as_ref() == Some(&me) && way != 1;
            if is_in || is_out {
                expected.push(transfer.clone());
            }
            std::ops::ControlFlow::Continue(())
        }).unwrap();
        expected.reverse();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn the_latest_of_many_that_were_sent_come_first() {
    let lines: Vec<String> =
        (0..3000).map(|n| format!("me -> you {}.5 ETH day {} +{}m", n, n / 100, n % 100)).collect();
    let sketch = sketch::parse(&format!("chain ethereum\n{}", lines.join("\n"))).unwrap();
    let (view, me) = (sketch.memory(), sketch.account("me"));
    let all = walk(&view, &me, &everything(), 50);
    assert_eq!(all.len(), 3000);
    assert!(all.windows(2).all(|pair| pair[0].time >= pair[1].time));
    let since = Wanted { since: Some("2025-01-20T00:00:00Z".parse().unwrap()), ..everything() };
    assert_eq!(walk(&view, &me, &since, 33).len(), 1100);
    let large = Wanted { min_base: sketch::units("2990", 18), ..everything() };
    assert_eq!(walk(&view, &me, &large, 3).len(), 10);
}

#[test]
fn neighbours_are_summed_by_whom_and_which_way() {
    let text = "
        chain ethereum
        me -> you 1 ETH day 0
        me -> you 2 ETH day 1
        you -> me 4 ETH day 2
        them -> me 5 USDX day 3
        me -> fee 0.1 ETH day 3
        token USDX decimals 6
    ";
    let sketch = sketch::parse(text).unwrap();
    let (view, me) = (sketch.memory(), sketch.account("me"));
    let found = neighbours(&view, &me, &everything()).unwrap();
    let rows: Vec<(Account, Way, u64)> =
        found.rows.iter().map(|row| (row.account.clone(), row.way, row.transfers)).collect();
    let mut expected = vec![
        (sketch.account("you"), Way::Out, 2),
        (sketch.account("you"), Way::In, 1),
        (sketch.account("them"), Way::In, 1),
    ];
    expected[1..].sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(rows, expected);
    assert!(!found.is_truncated);
    let sum = found.rows[0].sums.values().next().unwrap();
    assert_eq!(*sum, (sketch::units("3", 18), 2));
}

#[test]
fn on_bitcoin_the_others_of_a_transaction_are_neighbours() {
    let text = "
        chain bitcoin
        t0: coinbase => me 50 BTC                   day 0
        t1: t0:0 => you 20 BTC, me 29.9 BTC         day 0 +10m
        t2: t1:0 => me 19 BTC                       day 0 +20m
    ";
    let sketch = sketch::parse(text).unwrap();
    let found = neighbours(&sketch.memory(), &sketch.account("me"), &everything()).unwrap();
    let rows: Vec<(Way, u64)> = found.rows.iter().map(|row| (row.way, row.transfers)).collect();
    assert_eq!(rows.len(), 2);
    assert!(rows.contains(&(Way::Out, 1)) && rows.contains(&(Way::In, 1)));
}
