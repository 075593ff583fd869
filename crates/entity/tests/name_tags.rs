//! Name tags told in small.

use entity::labels::name_tags::NameTags;
use entity::labels::{LabelError, Origin, name_tags};
use model::Chain;

const A: &str = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96";

fn read(text: &str) -> Result<NameTags, LabelError> {
    let origin = Origin { name: "tags.json".to_string(), ..Origin::default() };
    name_tags::read(text.as_bytes(), Chain::ETHEREUM, &origin)
}

#[test]
fn a_tag_without_a_name_is_called_by_its_first_word() {
    let tags =
        read(&format!(r#"{{"{A}": {{"name": "", "labels": ["huobi", "x"]}}}}"#)).expect("tags");
    assert_eq!(tags.labels[0].name, "huobi");
    assert_eq!(tags.labels[0].concepts, ["exchange", "etherscan:huobi", "etherscan:x"]);
    assert_eq!(tags.labels[0].source, format!("https://etherscan.io/address/{}", A.to_lowercase()));
}

#[test]
fn a_wrong_checksum_is_taken_by_its_bytes_and_counted() {
    let wrong = A.replace("98B", "98b");
    let tags = read(&format!(r#"{{"{wrong}": {{"name": "x", "labels": []}}}}"#)).expect("tags");
    assert_eq!((tags.labels.len(), tags.wrong_checksums), (1, 1));
}

#[test]
fn an_error_names_its_line() {
    for (text, expected) in [
        (
            "{\n\"0x12\": {\"name\": \"x\", \"labels\": []}}",
            "tags.json:2: expected an address of ethereum, found \"0x12\"",
        ),
        ("{\n\"a\": {\"nam\": \"x\"}}", "tags.json:2:11: unknown field `nam`"),
        ("{\n\"a\": {\"name\": null}}", "tags.json:2:18: invalid type: null"),
        ("[]", "tags.json:1: invalid type: sequence"),
        ("", "tags.json:1: EOF"),
    ] {
        let error = read(text).expect_err("it is refused");
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

proptest::proptest! {
    /// Whatever a stranger sends, tags or an error come back.
    #[test]
    fn changed_bytes_never_panic(at in 0usize..90, byte: u8) {
        let mut text = format!(r#"{{"{A}": {{"name": "x", "labels": ["a", "b"]}}}}"#).into_bytes();
        if let Some(place) = text.get_mut(at) {
            *place = byte;
        }
        let _ = name_tags::read(&text, Chain::ETHEREUM, &Origin::default());
    }
}
