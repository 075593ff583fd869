//! Exposure: the stories, walked and stored, and the laws of both.

use std::collections::BTreeMap;

use model::sketch::{self, Sketch, units};
use model::{
    Account, Asset, AssetMeta, Book, Identifier, ListVersion, Listing, Memory, Prices, Registry,
    Transaction, Transfer, TransferId, U256, UtxoTransaction, View,
};

use super::world;
use crate::exposure::walk::{self, Ask};
use crate::exposure::{AsOf, Basis, Cap, Caps, Exposure, Flow, Marked, ServiceRow, Way, stored};
use crate::provenance::{Books, Entry, Output, Parts, block, code, sweep};
use crate::risk::Rules;
use crate::{Policy, TraceError};

pub fn marked(sketch: &Sketch) -> Marked {
    let mut book = Book::default();
    sketch.labels.iter().cloned().for_each(|label| book.add_label(label));
    Marked::new(book, 20)
}

/// The same with names on a list, each since a day where it says one.
fn listed(sketch: &Sketch, listed: &[(&str, Option<&str>)]) -> Marked {
    let mut book = Book::default();
    sketch.labels.iter().cloned().for_each(|label| book.add_label(label));
    for (name, date) in listed {
        book.add_listing(Listing {
            version: ListVersion {
                list: "ofac-sdn".into(),
                date: "2025-06-01".parse().expect("a date"),
                file_hash: "00".into(),
            },
            identifier: Identifier::of(&sketch.account(name)),
            written: (*name).to_string(),
            asset_label: None,
            party: Some((*name).to_string()),
            party_id: None,
            programmes: Vec::new(),
            listed_on: date.map(|date| date.parse().expect("a date")),
            expires_on: None,
            kind: model::ListingKind::default(),
        });
    }
    Marked::new(book, 20)
}

pub fn walked(memory: &Memory, marked: &Marked, accounts: Vec<Account>, caps: Caps) -> Exposure {
    walk::of(memory, marked, &Ask { caps, ..Ask::of(accounts) }).expect("an exposure")
}

/// What is kept of everything, by one sweep.
pub struct Kept {
    pub entries: BTreeMap<Account, Entry<TransferId>>,
    pub outputs: BTreeMap<TransferId, Output>,
    names: BTreeMap<crate::provenance::Origin, crate::provenance::OriginName>,
}

pub fn swept(memory: &Memory, marked: &Marked) -> Kept {
    let (mut entries, mut outputs) = (BTreeMap::new(), BTreeMap::new());
    let mut names = BTreeMap::new();
    for coverage in memory.coverage().expect("answers") {
        let mut columns = memory.columns(coverage.chain).expect("reads");
        let (books, read) =
            sweep::sweep(columns.as_mut(), marked, None, &mut |_| {}).expect("sweeps");
        assert_eq!(read.transfers, coverage.transfers);
        assert_eq!(books.transfers, coverage.transfers);
        sweep::resolve(&books, columns.as_ref(), &mut |kept| {
            entries.extend(kept.entries);
            outputs.extend(kept.outputs);
            Ok(())
        })
        .expect("names transfers");
        names.extend(books.names().clone());
    }
    Kept { entries, outputs, names }
}

impl Kept {
    pub fn exposure(&self, account: &Account, marked: &Marked) -> Exposure {
        let nothing = Entry::default();
        let entry = self.entries.get(account).unwrap_or(&nothing);
        let own = self.outputs.values().filter(|output| output.account == *account);
        let outputs: Vec<Parts> = own.map(|output| output.parts.clone()).collect();
        let as_of =
            AsOf { height: None, time: None, transfers: 0, labels: String::new(), stale: None };
        let known = stored::Known {
            marked,
            registry: Registry::shipped(),
            prices: &Prices::default(),
            as_of,
            meta: &|asset: &Asset| AssetMeta::unknown(asset.clone()),
            name: &|origin| self.names.get(&origin).cloned(),
        };
        stored::of(account, entry, &outputs, &known)
    }
}

#[track_caller]
fn flow(exposure: &Exposure, way: Way, basis: Basis) -> &Flow {
    let is_it = |flow: &&Flow| flow.direction == way && flow.basis == basis;
    exposure.flows.iter().find(is_it).expect("there is such a flow")
}

#[track_caller]
fn row<'a>(flow: &'a Flow, sketch: &Sketch, name: &str) -> &'a ServiceRow {
    let id = sketch.account(name).to_string();
    flow.services.iter().find(|row| row.service.id == id).expect("there is such a row")
}

fn eth(text: &str) -> U256 {
    units(text, 18)
}

const LAUNDERED: &str = "
    chain ethereum
    label theft thief
    label mixing_service mixer
    label exchange desk
    other -> x     30 ETH  day 0
    thief -> mixer 50 ETH  day 0
    mixer -> x     10 ETH  day 1
    x -> a         20 ETH  day 2
    thief -> a      5 ETH  day 3
    a -> y         10 ETH  day 4
    y -> desk       4 ETH  day 5
    a -> desk       5 ETH  day 6
";

#[test]
fn money_out_of_a_theft_and_a_mixer_into_an_exchange() {
    let sketch = sketch::parse(LAUNDERED).expect("a sketch");
    let marked = marked(&sketch);
    let a = sketch.account("a");
    let walked = walked(&sketch.memory(), &marked, vec![a.clone()], Caps::USUAL);

    let came = flow(&walked, Way::In, Basis::Moved);
    assert_eq!(came.total.0, eth("25"));
    let thief = row(came, &sketch, "thief");
    assert_eq!((thief.direct.0, thief.indirect.0), (eth("5"), U256::ZERO));
    assert_eq!((thief.hops_min, thief.transfers), (Some(1), Some(1)));
    // The mixer gave x a quarter of what x held.
    let mixer = row(came, &sketch, "mixer");
    assert_eq!((mixer.direct.0, mixer.indirect.0), (U256::ZERO, eth("5")));
    assert_eq!(mixer.hops_min, Some(2));
    assert_eq!(mixer.paths[0].transfers.len(), 2, "{:?}", mixer.paths);
    assert_eq!(mixer.paths[0].amount.0, eth("5"));
    assert_eq!(came.unlabelled.0, eth("15"), "what other gave");
    let categories: Vec<&str> = came.categories.iter().map(|row| row.category.as_str()).collect();
    assert_eq!(categories, ["mixing_service", "theft"]);

    let went = flow(&walked, Way::Out, Basis::Moved);
    let desk = row(went, &sketch, "desk");
    assert_eq!((desk.direct.0, desk.indirect.0), (eth("5"), eth("4")));
    assert_eq!(went.unlabelled.0, eth("6"), "still with y");
    assert!((desk.share - 0.6).abs() < 1e-6);
}

#[test]
fn what_is_stored_says_the_same_without_a_walk() {
    let sketch = sketch::parse(LAUNDERED).expect("a sketch");
    let marked = marked(&sketch);
    let kept = swept(&sketch.memory(), &marked);
    let exposure = kept.exposure(&sketch.account("a"), &marked);

    let came = flow(&exposure, Way::In, Basis::Counterparties);
    assert_eq!(row(came, &sketch, "thief").direct.0, eth("5"));
    assert_eq!(came.unlabelled.0, eth("20"));
    let went = flow(&exposure, Way::Out, Basis::Counterparties);
    assert_eq!(row(went, &sketch, "desk").direct.0, eth("5"));
    // Ten of 25 are left, of everything two fifths.
    let held = flow(&exposure, Way::In, Basis::Held);
    assert_eq!(held.total.0, eth("10"));
    let thief = row(held, &sketch, "thief");
    assert_eq!((thief.direct.0, thief.hops_min), (eth("2"), Some(1)));
    let mixer = row(held, &sketch, "mixer");
    assert_eq!((mixer.indirect.0, mixer.hops_min), (eth("2"), Some(2)));
    assert_eq!(held.unlabelled.0, eth("6"));
    // y got ten and sent four on.
    let held = kept.exposure(&sketch.account("y"), &marked);
    let held = flow(&held, Way::In, Basis::Held);
    assert_eq!(row(held, &sketch, "thief").indirect.0, eth("1.2"));
}

#[test]
fn before_and_after_the_listing_are_told_apart() {
    let text = "
        chain ethereum
        blocked -> a  10 ETH  day 1
        blocked -> a   7 ETH  day 9
        a -> b        17 ETH  day 10
    ";
    let sketch = sketch::parse(text).expect("a sketch");
    let a = vec![sketch.account("a")];
    let since = listed(&sketch, &[("blocked", Some("2025-01-10"))]);
    let walked_a = walked(&sketch.memory(), &since, a.clone(), Caps::USUAL);
    let designation = row(flow(&walked_a, Way::In, Basis::Moved), &sketch, "blocked").designation;
    let designation = designation.expect("it is listed since a day");
    assert_eq!((designation.before.0, designation.after.0), (eth("10"), eth("7")));
    let kept = swept(&sketch.memory(), &since);
    let of_a = kept.exposure(&a[0], &since);
    let row_a = row(flow(&of_a, Way::In, Basis::Counterparties), &sketch, "blocked");
    assert_eq!(row_a.designation, Some(designation));
    // With b it is indirect, and still told apart.
    let of_b = kept.exposure(&sketch.account("b"), &since);
    let row_b = row(flow(&of_b, Way::In, Basis::Held), &sketch, "blocked");
    let designation = row_b.designation.expect("it is listed since a day");
    assert_eq!((designation.before.0, designation.after.0), (eth("10"), eth("7")));
    assert_eq!((row_b.direct.0, row_b.service.category.as_str()), (U256::ZERO, "listed"));

    let undated = listed(&sketch, &[("blocked", None)]);
    let walked_a = walked(&sketch.memory(), &undated, a, Caps::USUAL);
    assert_eq!(row(flow(&walked_a, Way::In, Basis::Moved), &sketch, "blocked").designation, None);
}

#[test]
fn a_service_in_another_category_costs_nothing() {
    let sketch = sketch::parse(LAUNDERED).expect("a sketch");
    let before = marked(&sketch);
    let kept = swept(&sketch.memory(), &before);
    let renamed = LAUNDERED.replace("label mixing_service mixer", "label gambling mixer");
    let after = marked(&sketch::parse(&renamed).expect("a sketch"));
    assert_eq!(
        before.digest(model::Chain::ETHEREUM),
        after.digest(model::Chain::ETHEREUM),
        "nothing has to be read again"
    );
    let a = kept.exposure(&sketch.account("a"), &after);
    let held = flow(&a, Way::In, Basis::Held);
    assert_eq!(row(held, &sketch, "mixer").service.category, "gambling");
    // Another address marked is another past.
    let more = LAUNDERED.replace("chain ethereum", "chain ethereum\nlabel exchange other");
    let more = marked(&sketch::parse(&more).expect("a sketch"));
    assert_ne!(before.digest(model::Chain::ETHEREUM), more.digest(model::Chain::ETHEREUM));
}

#[test]
fn an_unlabelled_hub_cuts_and_says_how_much() {
    let mut text = String::from("chain ethereum\nlabel mixing_service mixer\n");
    text += "mixer -> hub 50 ETH day 0\n";
    for n in 0..30 {
        text += &format!("c{n} -> hub 1 ETH day 1\n");
    }
    text += "hub -> a 10 ETH day 2\n";
    let sketch = sketch::parse(&text).expect("a sketch");
    let caps = Caps { hub_degree: 20, ..Caps::USUAL };
    let marked = marked(&sketch);
    let of_a = walked(&sketch.memory(), &marked, vec![sketch.account("a")], caps);
    let came = flow(&of_a, Way::In, Basis::Moved);
    assert!(came.services.is_empty());
    assert_eq!((came.cut[0].cap, came.cut[0].amount.0), (Cap::Hub, eth("10")));
    let open = walked(&sketch.memory(), &marked, vec![sketch.account("a")], Caps::USUAL);
    let came = flow(&open, Way::In, Basis::Moved);
    assert_eq!(row(came, &sketch, "mixer").indirect.0, eth("6.25"));
}

#[test]
fn every_cap_says_what_it_cut() {
    let text = "
        chain ethereum
        label exchange desk
        desk -> a  10 ETH  day 0
        a -> b     10 ETH  day 10
        b -> c     10 ETH  day 20
        c -> d     10 ETH  day 30
    ";
    let sketch = sketch::parse(text).expect("a sketch");
    let marked = marked(&sketch);
    let cut = |caps: Caps| {
        let of_d = walked(&sketch.memory(), &marked, vec![sketch.account("d")], caps);
        let came = flow(&of_d, Way::In, Basis::Moved).clone();
        came.cut.iter().map(|row| (row.cap, row.amount.0)).collect::<Vec<_>>()
    };
    assert_eq!(cut(Caps::USUAL), []);
    assert_eq!(cut(Caps { hops: 2, ..Caps::USUAL }), [(Cap::Hops, eth("10"))]);
    assert_eq!(cut(Caps { days: Some(15), ..Caps::USUAL }), [(Cap::Time, eth("10"))]);
    assert_eq!(cut(Caps { transfers: 2, ..Caps::USUAL }), [(Cap::Work, eth("10"))]);
    assert_eq!(cut(Caps { share_e6: 2_000_000, ..Caps::USUAL }), [(Cap::Share, eth("10"))]);
}

#[test]
fn a_cluster_deals_with_others_and_not_with_itself() {
    let text = "
        chain ethereum
        label exchange desk
        desk -> a  10 ETH  day 0
        a -> b     10 ETH  day 1
        b -> desk   4 ETH  day 2
    ";
    let sketch = sketch::parse(text).expect("a sketch");
    let both = vec![sketch.account("a"), sketch.account("b")];
    let exposure = walked(&sketch.memory(), &marked(&sketch), both, Caps::USUAL);
    let came = flow(&exposure, Way::In, Basis::Moved);
    assert_eq!(row(came, &sketch, "desk").direct.0, eth("10"));
    let went = flow(&exposure, Way::Out, Basis::Moved);
    assert_eq!(row(went, &sketch, "desk").direct.0, eth("4"));
    assert_eq!(went.internal.0, eth("6"), "it rests within");
}

#[test]
fn a_policy_that_adds_up_to_nothing_is_refused() {
    let sketch = sketch::parse(LAUNDERED).expect("a sketch");
    let ask = Ask { policy: Policy::Poison, ..Ask::of(vec![sketch.account("a")]) };
    let refused = walk::of(&sketch.memory(), &marked(&sketch), &ask);
    assert!(matches!(refused, Err(TraceError::NotConserved { .. })));
}

const COINS: &str = "
    chain bitcoin
    label mixing_service mixer
    label exchange desk
    t0: coinbase => mixer 50 BTC                day 0
    u0: coinbase => other 50 BTC                day 0
    t1: t0:0 => x 10 BTC, mixer 40 BTC          day 1
    u1: u0:0 => x 30 BTC, other 20 BTC          day 1
    t2: t1:0 + u1:0 => a 20 BTC, x 19.9 BTC     day 2
    t3: t2:0 => desk 5 BTC, a 15 BTC            day 3
";

#[test]
fn on_bitcoin_inputs_flow_together_and_outputs_take_their_share() {
    let sketch = sketch::parse(COINS).expect("a sketch");
    let marked = marked(&sketch);
    let a = sketch.account("a");
    let kept = swept(&sketch.memory(), &marked);
    let of_a = kept.exposure(&a, &marked);
    let held = flow(&of_a, Way::In, Basis::Held);
    assert_eq!(held.total.0, units("15", 8));
    assert_eq!(row(held, &sketch, "mixer").indirect.0, units("3.75", 8));
    assert_eq!(held.issued.0, units("11.25", 8));
    let went = flow(&of_a, Way::Out, Basis::Counterparties);
    assert_eq!(row(went, &sketch, "desk").direct.0, units("5", 8));
    let of_x = kept.exposure(&sketch.account("x"), &marked);
    let came = flow(&of_x, Way::In, Basis::Counterparties);
    assert_eq!(row(came, &sketch, "mixer").direct.0, units("10", 8));

    let walked = walked(&sketch.memory(), &marked, vec![a], Caps::USUAL);
    let came = flow(&walked, Way::In, Basis::Moved);
    assert!(row(came, &sketch, "mixer").indirect.0 > units("4.9", 8));
    assert!(!row(came, &sketch, "mixer").paths[0].transfers.is_empty());
}

/// What is known block by block: on account chains each moment, on Bitcoin a few
/// transactions at a time, parents first.
fn blocks(memory: &Memory) -> Vec<(Vec<Transfer>, Vec<UtxoTransaction>)> {
    let mut ids: Vec<_> = memory.transfers().iter().map(|transfer| transfer.tx).collect();
    ids.sort_unstable();
    ids.dedup();
    let all = memory.transactions(&ids).expect("answers").into_iter().flatten();
    let utxo = all.filter_map(|tx| match tx {
        Transaction::Utxo(tx) => Some(tx),
        Transaction::Account { .. } => None,
    });
    let utxo = block::in_order(utxo.collect());
    if !utxo.is_empty() {
        return utxo.chunks(3).map(|some| (Vec::new(), some.to_vec())).collect();
    }
    let moments = memory.transfers().chunk_by(|a, b| a.time == b.time);
    moments.map(|moment| (moment.to_vec(), Vec::new())).collect()
}

/// A block at a time, through bytes, as a store keeps them.
fn appended(memory: &Memory, marked: &Marked) -> (BTreeMap<Account, Entry<TransferId>>, usize) {
    let mut entries: BTreeMap<Account, Vec<u8>> = BTreeMap::new();
    let mut outputs: BTreeMap<TransferId, Output> = BTreeMap::new();
    for (transfers, utxo) in blocks(memory) {
        let mut books = Books::new(marked);
        let mut touched = block::accounts(&transfers);
        touched.extend(block::utxo_accounts(&utxo));
        for account in touched {
            if let Some(bytes) = entries.get(&account) {
                books.load(account, code::decode(bytes).expect("what was encoded"));
            }
        }
        for id in block::utxo_spends(&utxo) {
            if let Some(output) = outputs.remove(&id) {
                books.load_output(id, output);
            }
        }
        books.block(&transfers);
        books.utxo_block(&utxo);
        for (account, entry) in books.entries() {
            entries.insert(account.clone(), code::encode(entry));
        }
        outputs.extend(books.outputs().map(|(id, output)| (id.clone(), output.clone())));
    }
    let read = |(account, bytes): (Account, Vec<u8>)| {
        (account, code::decode(&bytes).expect("what was encoded"))
    };
    (entries.into_iter().map(read).collect(), outputs.len())
}

#[test]
fn block_by_block_comes_to_what_one_sweep_comes_to() {
    for seed in 0..400 {
        let world = world::world(seed);
        let marked = Marked::new(world.book, 20);
        let kept = swept(&world.memory, &marked);
        let (mut appended, outputs) = appended(&world.memory, &marked);
        let mut expected = kept.entries.clone();
        assert_eq!(outputs, kept.outputs.len(), "seed {seed}");
        // Where blocks' times do not rise, which of equally large transfers comes first is open.
        let is_utxo = expected.keys().any(|account| account.chain.is_utxo());
        for entry in expected.values_mut().chain(appended.values_mut()).filter(|_| is_utxo) {
            let some = world.memory.transfers()[0].id();
            entry.dealings.values_mut().for_each(|dealing| dealing.largest = some.clone());
        }
        assert!(appended == expected, "seed {seed}: not the same entries");
    }
}

#[test]
fn what_is_kept_adds_up_and_so_does_every_exposure() {
    for seed in 0..400 {
        let world = world::world(seed);
        let marked = Marked::new(world.book, 20);
        let kept = swept(&world.memory, &marked);
        let accounts: Vec<Account> = kept.entries.keys().take(6).cloned().collect();
        for account in &accounts {
            // `close` asserts it; a flow that does not balance panics.
            assert!(kept.exposure(account, &marked).flows.iter().all(Flow::balances));
        }
        let hops = u32::try_from(seed % 7).expect("small");
        let caps = Caps { hops, days: (seed % 3 == 0).then_some(2), ..Caps::USUAL };
        for account in accounts {
            let of = walked(&world.memory, &marked, vec![account], caps.clone());
            assert!(of.flows.iter().all(Flow::balances), "seed {seed}");
        }
    }
}

/// A crowd with two services, one transfer a minute.
fn crowd(seed: u64) -> Sketch {
    const NAMES: [&str; 9] = ["mixer", "desk", "a", "b", "c", "d", "e", "f", "g"];
    let mut dice = world::Dice::new(seed);
    let mut text =
        String::from("chain ethereum\nlabel mixing_service mixer\nlabel exchange desk\n");
    for minute in 0..5 + dice.below(40) {
        let (from, to) = (dice.pick(&NAMES), dice.pick(&NAMES));
        text += &format!("{from} -> {to} {} ETH day 0 +{minute}m\n", 1 + dice.below(20));
    }
    sketch::parse(&text).expect("a sketch")
}

#[test]
fn walked_and_stored_agree_where_everything_received_is_still_held() {
    let (mut compared, mut services) = (0, 0);
    for seed in 0..300 {
        let sketch = crowd(seed);
        let memory = sketch.memory();
        let marked = marked(&sketch);
        let kept = swept(&memory, &marked);
        for (account, entry) in &kept.entries {
            if entry.holdings.values().any(|holding| !holding.sent.is_zero()) {
                continue;
            }
            let stored = kept.exposure(account, &marked);
            let caps = Caps { hops: 1000, share_e6: 0, ..Caps::USUAL };
            let walked = walked(&memory, &marked, vec![account.clone()], caps);
            let held = flow(&stored, Way::In, Basis::Held);
            let moved = flow(&walked, Way::In, Basis::Moved);
            assert_eq!((moved.total, moved.cut.len()), (held.total, 0), "seed {seed}");
            compared += 1;
            for row in &held.services {
                services += 1;
                let other = moved.services.iter().find(|r| r.service.id == row.service.id);
                let other = other.expect("the walk finds it too");
                // A walk counts as few as time allows, also where that money had left by then.
                assert!(other.hops_min <= row.hops_min, "seed {seed}");
                for (one, other) in
                    [(row.direct.0, other.direct.0), (row.indirect.0, other.indirect.0)]
                {
                    // Each of them rounds at every transfer.
                    assert!(
                        one.abs_diff(other) < U256::from(1000u64),
                        "seed {seed}: {one}, {other}"
                    );
                }
            }
        }
    }
    assert!(compared > 50 && services > 50, "{compared} and {services} are too few");
}

#[test]
fn bytes_that_are_no_entry_are_refused() {
    let sketch = sketch::parse(LAUNDERED).expect("a sketch");
    let kept = swept(&sketch.memory(), &marked(&sketch));
    for entry in kept.entries.values() {
        let bytes = code::encode(entry);
        assert_eq!(&code::decode(&bytes).expect("reads"), entry);
        for end in 0..bytes.len() {
            assert!(code::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(code::decode(&longer).is_err());
    }
}

fn judged(text: &str, listed_names: &[(&str, Option<&str>)], name: &str) -> Vec<String> {
    let sketch = sketch::parse(text).expect("a sketch");
    let marked = listed(&sketch, listed_names);
    let rules = Rules::shipped();
    let account = sketch.account(name);
    let walked =
        rules.judge(&walked(&sketch.memory(), &marked, vec![account.clone()], Caps::USUAL));
    let stored = rules.judge(&swept(&sketch.memory(), &marked).exposure(&account, &marked));
    for risk in [&walked, &stored] {
        assert_eq!(risk.severity.is_some(), !risk.reasons.is_empty(), "never one alone");
        let is_own = |rule: &str| rule.starts_with("own-");
        assert!(risk.reasons.iter().all(|r| is_own(&r.rule) || !r.figures.is_empty()));
    }
    let ids = |risk: &crate::risk::Risk| {
        let mut ids: Vec<String> = risk.reasons.iter().map(|reason| reason.rule.clone()).collect();
        ids.sort();
        ids.dedup();
        ids
    };
    assert_eq!(ids(&walked), ids(&stored), "{name}: walked and stored");
    ids(&walked)
}

#[test]
fn the_shipped_rules_name_what_they_are_for() {
    let text = "
        chain ethereum
        label theft thief
        label mixing_service mixer
        thief -> stolen    10 ETH  day 0
        stolen -> second   10 ETH  day 1
        mixer -> mixed     10 ETH  day 0
        blocked -> paid     1 ETH  day 40
        blocked -> early    1 ETH  day 0
    ";
    let list = [("blocked", Some("2025-02-01"))];
    assert_eq!(judged(text, &list, "stolen"), Vec::<String>::from(["stolen-direct".into()]));
    assert_eq!(judged(text, &list, "second"), ["stolen-indirect"]);
    assert_eq!(judged(text, &list, "mixed"), ["mixing-direct"]);
    assert_eq!(judged(text, &list, "paid"), ["listed-direct-after"]);
    assert_eq!(judged(text, &list, "early"), ["listed-direct-before"]);
    assert_eq!(judged(text, &list, "blocked"), ["own-listed"]);
    assert_eq!(judged(text, &list, "thief"), ["own-crime"]);
}

#[test]
fn ordinary_people_raise_nothing() {
    // Paid monthly, who buys at an exchange and cashes out; a miner; and one to whom somebody
    // who once mixed a little paid for something.
    let text = "
        chain ethereum
        label exchange desk
        label mining_service pool
        label mixing_service mixer
        employer -> worker  3 ETH  day 0
        employer -> worker  3 ETH  day 30
        worker -> desk      5 ETH  day 31
        desk -> user       20 ETH  day 1
        user -> friend      2 ETH  day 2
        user -> desk       10 ETH  day 3
        pool -> miner       1 ETH  day 1
        pool -> miner       1 ETH  day 2
        miner -> desk       2 ETH  day 3
        mixer -> once       1 ETH  day 4
        desk -> once       99 ETH  day 5
        once -> shop       10 ETH  day 6
    ";
    for name in ["worker", "user", "friend", "miner", "once", "shop"] {
        assert_eq!(judged(text, &[], name), Vec::<String>::new(), "{name}");
    }
}
