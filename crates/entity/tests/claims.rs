//! What several sources say of one address, what was decided about it, and where they differ.

use entity::claims::{self, About, Claims};
use entity::standing;
use model::{
    Confidence, Correction, Identifier, Label, LabelChange, LabelEvent, Role, Subject, Timestamp,
};

fn says(collection: &str, name: &str, concepts: &[&str], actor: Option<&str>) -> Label {
    Label {
        subject: Subject::Identifier(Identifier::parse("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")),
        name: name.into(),
        concepts: concepts.iter().map(ToString::to_string).collect(),
        actor: actor.map(String::from),
        confidence: Confidence::named("trusted_provider").expect("a grade"),
        source: format!("https://example.org/{collection}"),
        collection: collection.into(),
        date: None,
        file_hash: String::new(),
        network: None,
        tag: Default::default(),
    }
}

fn of(labels: &[Label]) -> Claims<'_> {
    let labels: Vec<&Label> = labels.iter().collect();
    claims::of(&labels, "2025-06-01".parse().expect("a day"))
}

#[track_caller]
fn check(labels: &[Label], expected: &[About]) {
    let found = of(labels);
    let about: Vec<About> = found.disagreements.iter().map(|one| one.about).collect();
    assert_eq!(about, expected, "{:?}", found.disagreements);
}

#[test]
fn a_longer_name_and_a_narrower_concept_agree() {
    check(
        &[
            says("a", "Binance", &["exchange"], Some("binance")),
            says("b", "Binance 14", &["service", "hot_wallet"], Some("binance")),
            says("c", "binance.com hot wallet", &["etherscan:binance"], None),
        ],
        &[],
    );
}

#[test]
fn another_name_another_trade_or_another_actor_is_a_disagreement_with_its_sides() {
    let labels = [
        says("a", "Binance 14", &["exchange"], Some("binance")),
        says("b", "Huobi", &["gambling"], Some("huobi")),
        says("c", "Binance", &[], None),
    ];
    check(&labels, &[About::Name, About::Concept, About::Actor]);
    let found = of(&labels);
    let sides: Vec<&[String]> = found.disagreements[0].sides.iter().map(|s| &s.who[..]).collect();
    assert_eq!(sides, [&["a".to_string(), "c".to_string()][..], &["b".to_string()][..]]);
    assert_eq!(found.by_source.len(), 3, "nobody is merged");
}

#[test]
fn numbers_alone_tell_two_wallets_of_one_owner_from_nobody() {
    check(&[says("a", "Wallet 1", &[], None), says("b", "Wallet 2", &[], None)], &[About::Name]);
    check(&[says("a", "Kraken 1", &[], None), says("b", "Kraken 2", &[], None)], &[]);
}

fn decided(label: &Label, change: LabelChange) -> LabelEvent {
    LabelEvent {
        label: label.id(),
        subject: label.subject.to_string(),
        name: label.name.clone(),
        at: Timestamp::UNIX_EPOCH,
        by: "me".into(),
        why: "it is so".into(),
        change,
    }
}

#[test]
fn decisions_apply_in_their_order_and_to_their_claim_only() {
    let said = [says("a", "Binance", &["exchange"], None), says("b", "Huobi", &["exchange"], None)];
    let correct = LabelChange::Correct(Correction {
        name: Some("Kraken".into()),
        concepts: Some(vec!["gambling".into()]),
        ..Correction::default()
    });
    let dispute = LabelChange::Dispute { stops_walks: false };
    let mut events = vec![decided(&said[0], correct), decided(&said[0], dispute)];
    let apply = |events: &[LabelEvent]| {
        let mut labels = said.to_vec();
        standing::apply(&mut labels, events);
        labels
    };
    let labels = apply(&events);
    assert_eq!(labels[0].shown_name(), "Kraken (disputed)");
    assert_eq!((labels[0].role(), labels[1].role()), (Role::Other, Role::Service));
    assert_eq!(labels[1], said[1]);
    events.push(decided(&said[0], LabelChange::Lift));
    let labels = apply(&events);
    assert_eq!((labels[0].shown_name().as_str(), labels[0].role()), ("Kraken", Role::Service));
}
