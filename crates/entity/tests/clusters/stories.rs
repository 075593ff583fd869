//! The smallest story that shows each rule.

use entity::cluster::Excluded;
use entity::clusterer::{Clusterer, ServiceKind, Services};
use entity::heuristics::{Rule, Rules};
use model::sketch::{Sketch, parse};
use model::{Account, Fact, Transaction, View};

/// Takes a sketch in, in its order of time.
fn told(text: &str, rules: &[Rule]) -> (Sketch, Clusterer) {
    let sketch = parse(text).expect("a sketch");
    let chain = sketch.account("anybody").chain;
    let mut services = Services::default();
    for label in &sketch.labels {
        if let model::Subject::Account(account) = &label.subject {
            let is_exchange = label.concepts.iter().any(|concept| concept == "exchange");
            let kind = if is_exchange { ServiceKind::Exchange } else { ServiceKind::Other };
            services.add(&account.address, kind);
        }
    }
    let mut clusterer = Clusterer::new(chain, Rules::of(rules), services, Excluded::default());
    let memory = sketch.memory();
    for fact in &sketch.facts {
        match fact {
            Fact::Utxo(tx) => {
                let whole = memory.transaction(&tx.id).expect("in memory");
                let Some(Transaction::Utxo(whole)) = whole else { panic!("it was told") };
                clusterer.take_utxo(&whole);
            }
            Fact::Transfer { transfer, .. } => {
                clusterer.take_transfers(std::slice::from_ref(transfer))
            }
            _ => {}
        }
    }
    (sketch, clusterer)
}

fn together(told: &(Sketch, Clusterer), a: &str, b: &str) -> bool {
    let number = |name: &str| {
        let account: Account = told.0.account(name);
        told.1.number(&account.address).expect("it was met")
    };
    told.1.clusters().cluster(number(a)) == told.1.clusters().cluster(number(b))
}

const PAYMENT: &str = "
    chain bitcoin
    t0: coinbase => w1 3 BTC, w2 2 BTC, shop 1 BTC     day 0
    t1: t0:0 + t0:1 => shop 4 BTC, w3 0.98765432 BTC   day 1
";

#[test]
fn who_spends_together_is_one() {
    let story = told(PAYMENT, &[Rule::CoSpend]);
    assert!(together(&story, "w1", "w2"));
    assert!(!together(&story, "w1", "w3"), "change is not asked for");
    assert!(!together(&story, "w1", "shop"));
}

#[test]
fn each_rule_of_change_names_it_alone() {
    for rule in [Rule::ChangeOneTime, Rule::ChangeRound, Rule::ChangeOptimal, Rule::ChangeAgreed] {
        let story = told(PAYMENT, &[rule]);
        assert!(together(&story, "w1", "w3"), "{rule}");
        assert!(!together(&story, "w1", "shop"), "{rule}");
    }
    // Every name of a sketch is P2WPKH, so the type of address says nothing.
    assert!(!together(&told(PAYMENT, &[Rule::ChangeType]), "w1", "w3"));
}

#[test]
fn change_of_the_payers_kind_is_told_by_it() {
    let text = "
        chain bitcoin
        t0: coinbase => w1 3 BTC   day 0
        t1: t0:0 => 1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH 1.11111111 BTC, w2 1.87654321 BTC   day 1
    ";
    let story = told(text, &[Rule::ChangeType]);
    assert!(together(&story, "w1", "w2"));
}

#[test]
fn nothing_is_guessed_where_change_goes_back() {
    let text = "
        chain bitcoin
        t0: coinbase => w1 3 BTC                        day 0
        t1: t0:0 => fresh 1 BTC, w1 1.98765432 BTC      day 1
    ";
    for rule in [Rule::ChangeOneTime, Rule::ChangeRound, Rule::ChangeAgreed] {
        assert!(!together(&told(text, &[rule]), "w1", "fresh"), "{rule}");
    }
}

#[test]
fn a_chain_of_like_payments_shows_its_change() {
    let text = "
        chain bitcoin
        t0: coinbase => w1 10 BTC                                                day 0
        t1: t0:0 => shop 1 BTC, w2 8.9 BTC                                       day 1
        t2: t1:0 => till 0.9 BTC                                                 day 1 +1h
        t3: t1:1 => 1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH 1 BTC, w3 7.8 BTC          day 2
    ";
    let story = told(text, &[Rule::PeelChain]);
    assert!(together(&story, "w1", "w2"), "the shop's output ended, the other goes on");
    assert!(!together(&story, "w1", "shop"));
    assert!(!together(&story, "w1", "w3"), "nobody has spent that yet");
}

#[test]
fn a_payee_who_pays_on_alike_leaves_it_open() {
    let text = "
        chain bitcoin
        t0: coinbase => w1 10 BTC                   day 0
        t1: t0:0 => v1 4 BTC, w2 5.9 BTC            day 1
        t2: t1:0 => x 1 BTC, v2 2.9 BTC             day 2
        t3: t1:1 => y 1 BTC, w3 4.8 BTC             day 2
    ";
    let story = told(text, &[Rule::PeelChain]);
    assert!(!together(&story, "w1", "w2") && !together(&story, "w1", "v1"));
}

#[test]
fn one_key_in_two_scripts_is_one_owner() {
    let text = "
        chain bitcoin
        t0: coinbase => 1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH 3 BTC              day 0
        t1: t0:0 => bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 1 BTC, other 1.9 BTC   day 1
    ";
    let (legacy, witness) =
        ("1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4");
    assert!(together(&told(text, &[Rule::SameKey]), legacy, witness));
    assert!(!together(&told(text, &[Rule::CoSpend]), legacy, witness));
}

const DEPOSITS: &str = "
    chain ethereum
    label exchange hot
    label exchange hot2
    alice1 -> dep    5 ETH     day 0
    dep    -> hot    4.99 ETH  day 0 +2h
    alice2 -> dep    3 ETH     day 1
    dep    -> hot    2.99 ETH  day 1 +2h
";

#[test]
fn who_pays_one_deposit_address_is_one_customer() {
    let story = told(DEPOSITS, &[Rule::DepositReuse]);
    assert!(together(&story, "alice1", "alice2"));
    assert!(!together(&story, "alice1", "dep"), "the deposit address is the exchange's");
    assert!(!together(&story, "dep", "hot"));
}

#[test]
fn whoever_pays_others_is_no_deposit_address() {
    let friend = format!("chain ethereum\n dep -> friend 1 ETH day 0\n{DEPOSITS}");
    assert!(!together(&told(&friend, &[Rule::DepositReuse]), "alice1", "alice2"));
}

#[test]
fn a_trader_who_deposits_what_two_friends_paid_is_not_their_key() {
    let late = "
        chain ethereum
        label exchange hot
        alice -> mid  5 ETH     day 0
        mid   -> hot  4.99 ETH  day 3
        bob   -> mid  3 ETH     day 4
        mid   -> hot  2.99 ETH  day 8
    ";
    assert!(
        !together(&told(late, &[Rule::DepositReuse]), "alice", "bob"),
        "days later is no sweep"
    );
    let partial = late
        .replace("day 3", "day 0 +1h")
        .replace("4.99", "2")
        .replace("day 8", "day 4 +1h")
        .replace("2.99", "1");
    assert!(
        !together(&told(&partial, &[Rule::DepositReuse]), "alice", "bob"),
        "a part is no sweep"
    );
}

#[test]
fn a_stranger_cannot_join_a_customer_by_dust() {
    let text = "
        chain ethereum
        label exchange hot
        alice   -> dep 5 ETH      day 0
        dep     -> hot 4.99 ETH   day 0 +1h
        alice   -> dep 5 ETH      day 1
        mallory -> dep 0.001 ETH  day 1 +10m
        dep     -> hot 5 ETH      day 1 +1h
    ";
    assert!(!together(&told(text, &[Rule::DepositReuse]), "alice", "mallory"));
}

#[test]
fn tokens_nobody_vouches_for_say_nothing() {
    let text = DEPOSITS.replace("ETH", "FAKE").replace("label exchange hot2", "token FAKE");
    let story = told(&text, &[Rule::DepositReuse]);
    let account = story.0.account("alice1");
    assert_eq!(story.1.number(&account.address), None, "it was not even met");
}

#[test]
fn addresses_of_one_funder_that_pay_one_collector_are_one() {
    let text = "
        chain ethereum
        boss -> m1 1 ETH    day 0
        boss -> m2 1 ETH    day 0
        m1   -> sink 0.9 ETH  day 1
        m2   -> sink 0.9 ETH  day 1
    ";
    assert!(together(&told(text, &[Rule::SharedFunding]), "m1", "m2"));
    let shop = text.replace(
        "boss -> m1 1 ETH    day 0",
        "boss -> m1 1 ETH day 0\n stranger -> sink 1 ETH day 0",
    );
    assert!(!together(&told(&shop, &[Rule::SharedFunding]), "m1", "m2"), "others pay there too");
    let labelled = text.replace("chain ethereum", "chain ethereum\n label exchange boss");
    assert!(
        !together(&told(&labelled, &[Rule::SharedFunding]), "m1", "m2"),
        "an exchange funds everybody"
    );
}
