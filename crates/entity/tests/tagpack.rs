//! TagPacks told in small: what tags inherit, and what is refused and where.

use entity::labels::tagpack::{self, TagPack};
use entity::labels::{LabelError, Origin};
use model::{Chain, Label, Subject};

const HEAD: &str =
    "title: T\ncreator: C\nsource: https://s\ncurrency: ETH\nlabel: L\nconfidence: forensic\n";
const A: &str = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96";

fn read(text: &str) -> Result<TagPack, LabelError> {
    let origin = Origin { name: "p.yaml".to_string(), ..Origin::default() };
    tagpack::read(text.as_bytes(), None, &origin)
}

fn tags(tags: &str) -> TagPack {
    read(&format!("{HEAD}tags:\n{tags}")).expect("a pack")
}

fn only(tags_text: &str) -> Label {
    let mut pack = tags(tags_text);
    assert_eq!(pack.labels.len(), 1, "{pack:?}");
    pack.labels.remove(0)
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    match read(text) {
        Ok(pack) => panic!("read {pack:?}"),
        Err(error) => assert!(error.to_string().starts_with(expected), "{error}"),
    }
}

#[test]
fn a_tag_inherits_and_overrides() {
    let pack = tags(&format!(
        "- address: '{A}'\n- address: '{A}'\n  label: Own\n  confidence: ownership\n"
    ));
    assert_eq!(pack.labels[0].name, "L");
    assert_eq!(pack.labels[0].confidence.id, "forensic");
    assert_eq!(pack.labels[1].name, "Own");
    assert_eq!(pack.labels[1].confidence.level, 100);
    assert_eq!(pack.labels[1].collection, "T");
}

#[test]
fn header_fields_may_follow_the_tags() {
    let pack = read(&format!("tags:\n- address: '{A}'\n{HEAD}")).expect("a pack");
    assert_eq!(pack.labels[0].name, "L");
}

#[test]
fn the_older_header_is_flattened() {
    let nested: String = HEAD.lines().map(|line| format!("  {line}\n")).collect();
    let pack =
        read(&format!("header:\n{nested}label: Outer\ntags:\n- address: '{A}'\n")).expect("a pack");
    assert_eq!((pack.title.as_str(), pack.labels[0].name.as_str()), ("T", "Outer"));
}

#[test]
fn an_included_header_comes_from_the_caller() {
    let text = format!("header: !include header.yaml\nlabel: Own\ntags:\n- address: '{A}'\n");
    let origin = Origin { name: "p.yaml".to_string(), ..Origin::default() };
    let pack = tagpack::read(text.as_bytes(), Some(HEAD.as_bytes()), &origin).expect("a pack");
    assert_eq!((pack.title.as_str(), pack.labels[0].name.as_str()), ("T", "Own"));
    refused(
        &text,
        "p.yaml: expected the text of the included \"header.yaml\" beside the pack, found none",
    );
}

/// One tag's abuse must not reach another's concepts.
#[test]
fn concepts_are_gathered_for_each_tag_alone() {
    let pack = read(&format!(
        "{HEAD}concepts: [exchange, defi]\ntags:\n- address: '{A}'\n  abuse: scam\n  category: defi\n- address: '{A}'\n  label: M\n"
    ));
    let pack = pack.expect("a pack");
    assert_eq!(pack.labels[0].concepts, ["defi", "exchange", "scam"]);
    assert_eq!(pack.labels[1].concepts, ["exchange", "defi"]);
}

#[test]
fn a_subject_is_an_account_only_on_a_network_that_is_followed() {
    let account = |label: &Label| match &label.subject {
        Subject::Account(account) => Some(account.chain),
        _ => None,
    };
    let on = |network: &str, address: &str| {
        only(&format!("- address: '{address}'\n  network: {network}\n"))
    };
    assert_eq!(account(&on("eth", A)), Some(Chain::ETHEREUM));
    assert_eq!(account(&on("BSC", A)), Some(Chain::BNB));
    assert_eq!(account(&on("TRX", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t")), Some(Chain::TRON));
    // A wrong checksum does not lose the address.
    assert_eq!(account(&on("ETH", &A.replace("98B", "98b"))), Some(Chain::ETHEREUM));
    for (network, address) in
        [("BEP2", "bnb142q467df6jun6rt5u2ar58sp47hm5f9wvz2cvg"), ("USDT", A), ("TRX", A)]
    {
        let label = on(network, address);
        assert_eq!(account(&label), None);
        assert_eq!(label.network.as_deref(), Some(network));
    }
}

#[test]
fn a_transaction_is_a_subject_too() {
    let hash = "0x348a042dfedaf64400bf6660fe0ed523b373f172b7914985600d882ac09e0631";
    assert!(matches!(only(&format!("- tx_hash: '{hash}'\n")).subject, Subject::Transaction(_)));
    let pack = tags(&format!("- tx_hash: '{hash}'\n  network: EOS\n- address: '{A}'\n"));
    assert_eq!((pack.foreign_transactions, pack.labels.len()), (1, 1));
}

#[test]
fn dates_are_read_quoted_or_not() {
    for text in [
        "2023-08-16",
        "'2023-08-16'",
        "2023-8-16",
        "2023-08-16 12:18:52.619444",
        "2023-08-16T00:00:00Z",
    ] {
        let label = only(&format!("- address: '{A}'\n  lastmod: {text}\n"));
        assert_eq!(
            label.date.map(|date| date.to_string()).as_deref(),
            Some("2023-08-16"),
            "{text}"
        );
    }
}

#[test]
fn the_same_tag_twice_is_one_label() {
    let pack = tags(&format!("- address: '{A}'\n- address: '{A} '\n"));
    assert_eq!((pack.labels.len(), pack.duplicates), (1, 1));
}

#[test]
fn a_missing_confidence_is_the_lowest() {
    let text = format!("{HEAD}tags:\n- address: '{A}'\n").replace("confidence: forensic\n", "");
    let pack = read(&text).expect("a pack");
    assert_eq!((pack.labels[0].confidence.id.as_str(), pack.without_confidence), ("unknown", 1));
}

#[test]
fn merged_anchors_are_understood() {
    let text = format!("{HEAD}tags:\n- &a\n  address: '{A}'\n  actor: x\n- <<: *a\n  label: M\n");
    assert_eq!(read(&text).expect("a pack").labels[1].actor.as_deref(), Some("x"));
}

#[test]
fn an_error_names_its_line() {
    let tag = |fields: &str| format!("{HEAD}tags:\n- address: '{A}'\n{fields}");
    refused(&tag("  labl: x\n"), "p.yaml:9:9: expected a tag field, found \"labl\"");
    refused(&tag("  actor: x\n  actor: y\n"), "p.yaml:10:3: duplicate mapping key: actor");
    refused(&tag("  actor:\n"), "p.yaml:9:8: expected a text, found null");
    refused(&tag("  actor: ~\n"), "p.yaml:9:10: expected a text, found null");
    refused(&tag("  actor: \"a\\0b\"\n"), "p.yaml:9:10: expected a text, found a zero byte");
    refused(
        &tag("  lastmod: soon\n"),
        "p.yaml:9:12: expected a day such as 2023-08-16, found \"soon\"",
    );
    refused(&tag("  confidence: sure\n"), "p.yaml:8:3: expected a confidence of the scale");
    refused(&tag("  tx_hash: x\n"), "p.yaml:8:3: expected an address or a tx_hash, found both");
    refused(&tag("- label: x\n"), "p.yaml:9:3: expected an address or a tx_hash, found neither");
    refused(
        &tag("- tx_hash: 0x12\n"),
        "p.yaml:9:3: expected a transaction hash of ethereum, found \"0x12\"",
    );
    refused(
        &format!("colour: red\n{HEAD}tags: []\n"),
        "p.yaml:1:9: expected a header field, found \"colour\"",
    );
    refused(
        &tag("").replace("title: T\n", ""),
        "p.yaml: expected a title in the header, found none",
    );
    refused(HEAD, "p.yaml: expected a list of tags, found none");
    refused("", "p.yaml");
    refused("- a\n", "p.yaml:1:1");
    let origin = Origin { name: "p.yaml".to_string(), ..Origin::default() };
    let error = tagpack::read(b"title: T\n\xff", None, &origin).expect_err("it is refused");
    assert_eq!(error.to_string(), "p.yaml:2: expected UTF-8 text, found other bytes");
}

/// Ten aliases of ten aliases of ten …: refused before it is unfolded.
#[test]
fn an_alias_bomb_is_refused() {
    let mut text = format!("{HEAD}context:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..9 {
        let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
        text += &format!("  a{n}: &a{n} [{aliases}]\n");
    }
    text += "tags: []\n";
    assert!(read(&text).is_err());
}

#[test]
fn depth_is_bounded() {
    let deep = format!("{HEAD}context: {}{}\ntags: []\n", "[".repeat(10_000), "]".repeat(10_000));
    assert!(read(&deep).is_err());
}

proptest::proptest! {
    /// Whatever a stranger sends, a pack or an error comes back.
    #[test]
    fn changed_bytes_never_panic(at in 0usize..200, byte: u8) {
        let mut text = format!("{HEAD}tags:\n- address: '{A}'\n  concepts: [a, b]\n").into_bytes();
        if let Some(place) = text.get_mut(at) {
            *place = byte;
        }
        let _ = tagpack::read(&text, None, &Origin::default());
    }
}
