//! Own labels: what is written is read back, a slip is named with its place.

use entity::labels::own::{read_csv, read_yaml, to_csv, to_tagpack};
use entity::labels::{LabelError, Origin, tagpack};
use model::{Chain, Confidence, Label, Role, Subject, TagKind};
use proptest::prelude::*;

fn origin() -> Origin {
    Origin { name: "ours".into(), file_hash: "hash".into(), date: None }
}

fn csv(text: &str) -> Result<Vec<Label>, LabelError> {
    read_csv(text.as_bytes(), "ours", &origin()).map(|read| read.labels)
}

const TABLE: &str = "\
address,chain,name,concepts,confidence,source,date,valid_until,is_cluster_definer,context
0x7f268357A8c2552623316e2562D90e642bB538E5,ethereum,Our hot wallet,exchange;hot_wallet,ownership,books,2025-01-02,2026-01-02,true,\"a, b\"
1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa,,Somebody,,heuristic,a guess,,,,
";

#[test]
fn a_table_becomes_labels_that_keep_all_it_says() {
    let labels = csv(TABLE).expect("it reads");
    let hot = &labels[0];
    assert!(matches!(&hot.subject, Subject::Account(account) if account.chain == Chain::ETHEREUM));
    assert_eq!(hot.role(), Role::Service);
    assert_eq!(hot.confidence.level, 100);
    assert_eq!(hot.tag.valid_until.map(|day| day.to_string()).as_deref(), Some("2026-01-02"));
    assert_eq!(hot.tag.context.as_deref(), Some("a, b"));
    assert!(hot.tag.is_cluster_definer && hot.tag.is_own);
    assert!(matches!(&labels[1].subject, Subject::Identifier(_)));
}

#[test]
fn yaml_says_once_what_all_share() {
    let text = "
title: Customers
chain: bitcoin
source: our books
confidence: ownership
labels:
  - address: 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa
    name: First
  - address: 12c6DSiU4Rq3P4ZxziKxzrL5LmMBrzjrJX
    name: Second
    confidence: heuristic
    kind: mention
    context: {case: 7, of: [a, b]}
  - address: 12c6DSiU4Rq3P4ZxziKxzrL5LmMBrzjrJX
    name: Second
";
    let read = read_yaml(text.as_bytes(), "file", &origin()).expect("it reads");
    assert_eq!((read.labels.len(), read.duplicates), (2, 1));
    let second = &read.labels[1];
    assert_eq!(second.collection, "Customers");
    assert_eq!((second.confidence.id.as_str(), second.tag.kind), ("heuristic", TagKind::Mention));
    assert_eq!(second.tag.context.as_deref(), Some(r#"{"case":7,"of":["a","b"]}"#));
}

#[test]
fn a_slip_is_named_with_its_line() {
    let slip = |from: &str, to: &str| {
        let error = csv(&TABLE.replace(from, to)).expect_err(to);
        (error.place.line, error.problem)
    };
    let (line, problem) = slip("heuristic", "sure");
    assert!(line == 3 && problem.contains("expected a confidence"), "{line}: {problem}");
    assert_eq!(slip("a guess", "").1, "expected a source, found none");
    assert!(slip("2025-01-02,", "last week,").1.contains("date: expected a day"));
    assert!(slip("context\n", "contexts\n").1.contains("\"contexts\""));
    assert!(slip("ethereum", "tron").1.contains("expected an address of tron"));
    assert!(slip(",true,", ",yes,").1.contains("expected true or false"));
    let yaml = "labels:\n  - name: X\n    addres: 1\n";
    let error = read_yaml(yaml.as_bytes(), "file", &origin()).expect_err("a slip");
    assert!(error.place.line >= 2 && error.problem.contains("addres"), "{error}");
    let none = read_yaml(b"labels:\n  - name: X\n", "file", &origin()).expect_err("a slip");
    assert!(none.place.line == 2 && none.problem.contains("neither"), "{none}");
}

fn texts() -> impl Strategy<Value = String> {
    // Whatever a person may type: quotes, separators, lines, other scripts.
    "[a-zA-Z0-9 ,;:'\"#\\-{}\\[\\]\u{e4}\u{4e2d}\u{1f41f}\n]{1,20}"
        .prop_map(|text| text.trim().to_string())
        .prop_filter("something", |text| !text.is_empty())
}

fn labels() -> impl Strategy<Value = Vec<Label>> {
    let day = (2015i16..2030, 1i8..=12, 1i8..=28)
        .prop_map(|(y, m, d)| model::Date::new(y, m, d).expect("a day"));
    let label = (
        any::<[u8; 20]>(),
        texts(),
        proptest::collection::btree_set("[a-z_]{1,12}", 0..3),
        0..Confidence::SCALE.len(),
        texts(),
        proptest::option::of(day.clone()),
        (proptest::option::of(texts()), any::<bool>(), 0..TagKind::ALL.len()),
    );
    let chains = [Chain::ETHEREUM, Chain::TRON, Chain::Evm(31_337)];
    let label = (label, 0..chains.len()).prop_map(move |(fields, chain)| {
        let (bytes, name, concepts, grade, source, date, (context, definer, kind)) = fields;
        let address = model::Address::from_bytes(&bytes, chains[chain]).expect("twenty bytes");
        let (id, level) = Confidence::SCALE[grade];
        Label {
            subject: Subject::Account(model::Account { chain: chains[chain], address }),
            name,
            concepts: concepts.into_iter().collect(),
            actor: None,
            confidence: Confidence { id: id.into(), level },
            source,
            collection: "ours".into(),
            date,
            file_hash: "hash".into(),
            network: None,
            tag: model::Tag {
                kind: TagKind::ALL[kind],
                is_cluster_definer: definer,
                context,
                is_own: true,
                ..Default::default()
            },
        }
    });
    proptest::collection::vec(label, 0..6)
}

proptest! {
    #[test]
    fn what_we_export_we_read_back(labels in labels()) {
        prop_assert_eq!(csv(&to_csv(&labels)).expect("our own table"), labels.clone());
        let pack = to_tagpack(&labels, "ours", "us");
        let read = tagpack::read(pack.as_bytes(), None, &origin()).expect("our own pack").labels;
        // A pack does not say whose labels they are.
        let mut expected = labels;
        expected.iter_mut().for_each(|label| label.tag.is_own = false);
        prop_assert_eq!(read, expected);
    }
}
