//! Mining pools: both published forms say the same, and a block says who mined it.

use std::collections::BTreeSet;
use std::path::Path;

use entity::labels::mining_pools::{self, Pools};
use entity::labels::{LabelError, Origin};
use entity::miners::Miners;
use model::{Account, Address, Chain, CoinbaseTag, Role, Subject};

fn read(name: &str) -> Pools {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/labels/mining-pools");
    let bytes = std::fs::read(path.join(name)).expect("the fixture is there");
    let chain = match name.starts_with("signet") {
        true => "bip122:00000008819873e925422c1ff0f99f7c".parse().expect("signet"),
        false => Chain::BITCOIN,
    };
    mining_pools::read(&bytes, chain, &origin()).expect("a published file reads")
}

fn origin() -> Origin {
    Origin { name: "pools.json".into(), file_hash: "hash".into(), date: None }
}

fn refused(text: &str) -> LabelError {
    mining_pools::read(text.as_bytes(), Chain::BITCOIN, &origin()).expect_err(text)
}

#[test]
fn both_forms_say_the_same() {
    let (object, list) = (read("pools.json"), read("pool-list.json"));
    assert_eq!((object.labels.len(), object.tags.len()), (200, 171));
    let tags = |pools: &Pools| pools.tags.iter().cloned().collect::<BTreeSet<CoinbaseTag>>();
    assert_eq!(tags(&object), tags(&list));
    let labels = |pools: &Pools| {
        let all = pools.labels.iter().map(|label| (label.subject.to_string(), label.name.clone()));
        all.collect::<BTreeSet<_>>()
    };
    assert_eq!(labels(&object), labels(&list));
    assert!(object.short_tags.is_empty());
    assert!(object.labels.iter().all(|label| label.role() == Role::Service));
    read("signet-pools.json");
    read("signet-pool-list.json");
}

#[test]
fn a_block_is_mined_by_whom_its_tag_and_its_payout_name() {
    let pools = read("pools.json");
    let miners = Miners::new(pools.tags.clone(), &pools.labels);
    let payout = |pool: &str| -> Address {
        let label = pools.labels.iter().find(|label| label.name == pool).expect(pool);
        let Subject::Account(account) = &label.subject else { panic!("an account") };
        account.address.clone()
    };
    let script = |tag: &str| [b"\x03\x40\xd1\x0c", tag.as_bytes(), b"\x00\xff"].concat();

    let luxor = miners.attribute(Some(&script("/LUXOR/")), [&payout("Luxor")]);
    assert_eq!(luxor.pool(), Some("Luxor"));
    assert_eq!(luxor.by_payout, [("Luxor".to_string(), 0)]);
    // Anybody may write a tag: one that does not fit the payout is shown, not chosen.
    let forged = miners.attribute(Some(&script("/LUXOR/")), [&payout("AntPool")]);
    assert!(forged.pool().is_none() && forged.is_contradictory(), "{forged:?}");
    // Nobody known.
    let nobody = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa";
    let nobody = Account::parse(nobody, Chain::BITCOIN).expect("an address").address;
    let unknown = miners.attribute(Some(&script("The Times")), [&nobody]);
    assert!(unknown.pool().is_none() && !unknown.is_contradictory());
    // What the miner wrote may not be kept: the payout still tells.
    assert_eq!(miners.attribute(None, [&payout("Luxor")]).pool(), Some("Luxor"));
}

#[test]
fn a_malformed_file_is_refused_with_its_place() {
    let good = r#"{"payout_addresses": {}, "coinbase_tags": {}}"#;
    assert!(mining_pools::read(good.as_bytes(), Chain::BITCOIN, &origin()).is_ok());
    let of = |address: &str| {
        let pool = r#"{"name": "X", "link": "y"}"#;
        format!(r#"{{"payout_addresses": {{{address:?}: {pool}}}, "coinbase_tags": {{}}}}"#)
    };
    assert!(refused(&of("1nonsense")).problem.contains("expected an address"));
    let twice = r#"{"payout_addresses": {}, "coinbase_tags":
        {"/X/": {"name": "X", "link": ""}, "/X/": {"name": "Y", "link": ""}}}"#;
    let error = refused(twice);
    assert!(error.problem.contains("\"/X/\" twice") && error.place.line == 2, "{error}");
    assert!(refused(r#"{"payout_addresses": {}, "tags": {}}"#).problem.contains("tags"));
    assert!(refused("[{}]").problem.contains("id"));
    let long = "x".repeat(101);
    let long = format!(
        r#"{{"payout_addresses": {{}}, "coinbase_tags": {{{long:?}:
        {{"name": "X", "link": ""}}}}}}"#
    );
    assert!(refused(&long).problem.contains("at most 100"));
}
