//! `interdict freezes`: what issuers did, as the store holds it.

mod common;

use common::Home;
use model::{
    Address, Asset, AssetMeta, Chain, Fact, Freezable, Freeze, FreezeAction, Timestamp, TxHash,
    TxId, U256,
};
use store::{FollowedBlock, Store};

const HOLDER: &str = "0x1111111111111111111111111111111111111111";

fn usdx() -> Asset {
    Asset::token(Chain::ETHEREUM, Address::Evm([0xaa; 20]))
}

fn freeze(height: u8, holder: u8, action: FreezeAction) -> Fact {
    Fact::Freeze(Freeze {
        tx: TxId { chain: Chain::ETHEREUM, hash: TxHash::new(&[height; 32]) },
        log_index: 4,
        height: Some(u64::from(height)),
        time: Timestamp::from_second(1_700_000_000 + i64::from(height)).expect("in range"),
        asset: usdx(),
        holder: Address::Evm([holder; 20]),
        action,
    })
}

fn block(height: u8, facts: Vec<Fact>) -> FollowedBlock {
    let hash = |n: u8| TxHash::new(&[100 + n; 32]);
    let time = Timestamp::from_second(1_700_000_000 + i64::from(height)).expect("in range");
    FollowedBlock {
        chain: Chain::ETHEREUM,
        height: u64::from(height),
        hash: hash(height),
        parent: hash(height - 1),
        time,
        unseen: String::new(),
        facts,
    }
}

/// Two final blocks and one that is not.
fn home() -> Home {
    let home = Home::new();
    let store = Store::open(&home.path("home")).expect("opens");
    let mut following = store.follow().expect("nobody else writes");
    let meta = AssetMeta {
        asset: usdx(),
        symbol: Some("USDX".into()),
        decimals: Some(6),
        freezable: Freezable::Yes,
    };
    let blocks = [
        block(7, vec![Fact::Asset(meta), freeze(7, 0x11, FreezeAction::Freeze)]),
        block(8, vec![freeze(8, 0x22, FreezeAction::Freeze)]),
        block(9, vec![freeze(9, 0x11, FreezeAction::Destroy(U256::from(2_500_000)))]),
    ];
    following.append(&blocks).expect("follows");
    following.finalise_now(Chain::ETHEREUM, 8).expect("moves");
    home
}

#[test]
fn each_is_listed_with_its_event_and_whether_it_is_final() {
    let rows = home().json(&["freezes", "--format", "json"]);
    let rows = rows.as_array().expect("a list");
    let told = |n: usize, name: &str| rows[n][name].to_string();
    let column = |name: &str| (0..rows.len()).map(|n| told(n, name)).collect::<Vec<_>>();
    assert_eq!(column("action"), ["\"freeze\"", "\"freeze\"", "\"destroy\""]);
    assert_eq!(column("amount"), ["null", "null", "\"2500000\""]);
    assert_eq!(column("final"), ["true", "true", "false"]);
    assert_eq!(column("height"), ["7", "8", "9"]);
    assert_eq!(rows[2]["asset"], usdx().to_string());
    assert_eq!((&rows[2]["holder"], &rows[2]["symbol"]), (&HOLDER.into(), &"USDX".into()));
    assert_eq!((&rows[2]["chain"], &rows[2]["log_index"]), (&"eip155:1".into(), &4.into()));
}

#[test]
fn one_holder_or_one_chain_may_be_asked() {
    let home = home();
    let count = |more: &[&str]| {
        let rows = home.json(&[&["freezes", "--format", "json"], more].concat());
        rows.as_array().expect("a list").len()
    };
    assert_eq!(count(&["--address", HOLDER]), 2);
    assert_eq!(count(&["--address", &format!("eip155:1:{HOLDER}")]), 2);
    assert_eq!(count(&["--address", HOLDER, "--chain", "ethereum"]), 2);
    assert_eq!(count(&["--address", HOLDER, "--chain", "polygon"]), 0);
    assert_eq!((count(&["--chain", "ethereum"]), count(&["--chain", "tron"])), (3, 0));
    home.refuses(&["freezes", "--address", "0x12"], &["0x12", "no address of any chain"]);
    let on_tron = ["freezes", "--address", HOLDER, "--chain", "tron"];
    home.refuses(&on_tron, &[HOLDER, "is not an address of tron"]);
    let other = format!("eip155:1:{HOLDER}");
    home.refuses(&["freezes", "--address", &other, "--chain", "polygon"], &["another chain"]);
}

#[test]
fn the_table_says_what_was_done_and_that_none_is_not_never() {
    let table = home().ok(&["freezes", "--address", HOLDER]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("7  2023-11-14T22:13:27Z  0x1111"), "{table}");
    assert!(lines[0].contains("frozen in USDX eip155:1/erc20:0xaaaa"), "{table}");
    assert!(lines[1].contains("2.5 of 0x1111") && lines[1].contains(", not final"), "{table}");
    let nothing = home().ok(&["freezes", "--chain", "tron"]);
    assert!(nothing.contains("None is held") && nothing.contains("status"), "{nothing}");
}

#[test]
fn lists_are_made_of_what_is_final_and_say_what_is_missing() {
    let home = home();
    let run = home.run(&["lists", "issuers"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("issuer-eip155-1-erc20-0xaaaa"), "{}", run.stdout);
    assert!(run.stdout.contains("2 entries"), "{}", run.stdout);
    assert!(run.stderr.contains("is missing here"), "{}", run.stderr);
    let hit = home.run(&["screen", HOLDER]);
    assert_eq!(hit.code, 10, "{}", hit.stdout);
    assert!(hit.stdout.contains("frozen by its issuer"), "{}", hit.stdout);
    let again = home.ok(&["lists", "issuers"]);
    assert!(again.contains("nothing changed"), "{again}");
    home.refuses(&["lists", "issuers", "--chain", "tron"], &["no freeze of", "follow"]);
}

#[test]
fn a_release_takes_its_holder_off_the_next_version() {
    let home = home();
    home.ok(&["lists", "issuers"]);
    let store = Store::open(&home.path("home")).expect("opens");
    let mut following = store.follow().expect("nobody else writes");
    let blocks = [block(10, vec![freeze(10, 0x11, FreezeAction::Release)]), block(11, vec![])];
    following.append(&blocks).expect("follows");
    following.finalise_now(Chain::ETHEREUM, 11).expect("moves");
    drop(following);
    // The same day: the later state takes the place of the earlier.
    assert!(home.ok(&["lists", "issuers"]).contains("1 entry"));
    assert_eq!(home.run(&["screen", HOLDER]).code, 0);
}
