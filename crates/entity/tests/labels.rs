//! The published files, whole: every pack, every actor, every name tag.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use entity::labels::tagpack::TagPack;
use entity::labels::{Origin, actorpack, enrich, name_tags, tagpack};
use model::{Account, Chain, Label, Role, Subject};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/labels").join(name)
}

fn origin(name: &str) -> Origin {
    Origin { name: name.to_string(), file_hash: format!("hash of {name}"), date: None }
}

fn packs() -> BTreeMap<String, TagPack> {
    let folder = std::fs::read_dir(fixture("tagpacks/packs")).expect("the fixture is there");
    folder
        .map(|entry| {
            let path = entry.expect("a readable folder").path();
            let name =
                path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_string();
            let bytes = std::fs::read(&path).expect("a readable file");
            let pack = tagpack::read(&bytes, None, &origin(&name)).expect("a published pack reads");
            (name, pack)
        })
        .collect()
}

#[test]
fn every_published_pack_reads() {
    let packs = packs();
    assert_eq!(packs.len(), 29);
    let total = |of: fn(&TagPack) -> usize| packs.values().map(of).sum::<usize>();
    let kept = total(|pack| pack.labels.len());
    let duplicates = total(|pack| pack.duplicates);
    assert_eq!(kept + duplicates, 12_774, "one label or duplicate for each tag");
    let counts: Vec<String> = packs
        .iter()
        .map(|(name, pack)| {
            format!(
                "{name}: {} labels, {} duplicates, {} claims, {} without confidence",
                pack.labels.len(),
                pack.duplicates,
                pack.claims,
                pack.without_confidence
            )
        })
        .collect();
    insta::assert_snapshot!(counts.join("\n"));
    for label in packs.values().flat_map(|pack| &pack.labels) {
        assert!(!label.source.is_empty() && !label.name.is_empty(), "{label:?}");
        assert!(label.file_hash.starts_with("hash of "), "{label:?}");
        assert_eq!(label.network.is_some(), matches!(label.subject, Subject::Identifier(_)));
    }
    let first = |name: &str| packs[name].labels.first().cloned();
    insta::assert_debug_snapshot!([
        first("tornado_cash.yaml"),
        first("ronin_bridge.yaml"),
        first("exchange-wallets-huobi.yaml")
    ]);
}

#[test]
fn the_published_actors_speak_for_labels_without_concepts() {
    let bytes = std::fs::read(fixture("tagpacks/actors/graphsense.actorpack.yaml"))
        .expect("the fixture is there");
    let actors = actorpack::read(&bytes, &origin("actors")).expect("the published pack reads");
    assert_eq!(actors.len(), 3813);
    let binance = actors.iter().find(|actor| actor.id == "binance").expect("everybody knows it");
    insta::assert_debug_snapshot!(binance);

    let label = Label { concepts: Vec::new(), ..packs()["binance.yaml"].labels[0].clone() };
    let unknown = Label { actor: Some("nobody".to_string()), ..label.clone() };
    let own = Label { concepts: vec!["market".to_string()], ..label.clone() };
    let mut labels = [label, unknown, own];
    enrich(&mut labels, &actors);
    // It is an exchange and runs a DEX: a walk stops at its wallets.
    assert_eq!(labels[0].concepts, ["organization", "exchange", "mining_service"]);
    assert_eq!(labels[0].role(), Role::Service);
    assert!(labels[1].concepts.is_empty());
    assert_eq!(labels[2].concepts, ["market"]);
}

#[test]
fn the_published_name_tags_read() {
    let bytes = std::fs::read(fixture("etherscan/etherscan-combinedAllLabels.json"))
        .expect("the fixture is there");
    let tags = name_tags::read(&bytes, Chain::ETHEREUM, &origin("etherscan"))
        .expect("the published file reads");
    assert_eq!(tags.labels.len(), 29_945);
    let mut roles: BTreeMap<Role, usize> = BTreeMap::new();
    for label in &tags.labels {
        *roles.entry(label.role()).or_default() += 1;
    }
    let kucoin = Account::parse("0x689c56aef474df92d44a1b70850f808488f9769c", Chain::ETHEREUM)
        .expect("an address");
    let kucoin = tags.labels.iter().find(|label| label.subject == Subject::Account(kucoin.clone()));
    insta::assert_debug_snapshot!((tags.wrong_checksums, roles, kucoin));
}
