//! Honest tokens, tokens with powers, and traps: each beside its benign twin.

mod world;

use alloy_primitives::{Address, U256};
use token::report::Topic;
use token::trade::Verdict;
use token::{Check, Evidence, Weight, proxy};

use world::{OWNER, POOL, QUOTE, TOKEN, books, check, code, ether, world, world_v3};

fn of(name: &str) -> Check {
    check(&world(name), true)
}

fn verdict(check: &Check) -> Verdict {
    check.trade.as_ref().expect("it was tried").verdict.clone()
}

/// The powers found, with what came of trying them.
fn powers(check: &Check) -> Vec<(&str, &str)> {
    check.powers.iter().map(|power| (power.function.as_str(), power.tried)).collect()
}

#[track_caller]
fn says(check: &Check, weight: Weight, text: &str) {
    let found = check.statements.iter().any(|s| s.weight == weight && s.text.contains(text));
    let all: Vec<_> = check.statements.iter().map(|s| (s.weight, &s.text)).collect();
    assert!(found, "{weight:?} {text:?} is not among {all:#?}");
}

/// Nothing but what could not be found out goes without evidence, save what says that nothing was found.
#[track_caller]
fn is_evident(check: &Check) {
    for statement in &check.statements {
        let is_bare = statement.evidence.is_empty() && statement.weight != Weight::Unknown;
        assert!(!is_bare || statement.text.starts_with("no function is found"), "{statement:?}");
    }
}

#[test]
fn an_honest_token_is_bought_sent_on_and_sold_without_loss() {
    let check = of("Honest");
    is_evident(&check);
    assert_eq!(verdict(&check), Verdict::Sellable { wait_seconds: 0 });
    let trade = check.trade.as_ref().expect("tried");
    let taxes = [trade.buy_tax_bps, trade.transfer_tax_bps, trade.sell_tax_bps];
    assert_eq!(taxes, [Some(0), Some(0), Some(0)]);
    assert!(check.powers.is_empty(), "{:?}", check.powers);
    assert!(check.worst() < Weight::Danger, "{:#?}", check.statements);
    assert_eq!((check.symbol.as_deref(), check.decimals), (Some("TEST"), Some(18)));
    assert_eq!(check.supply.as_deref(), Some("1000000000000000000000000"));
    says(&check, Weight::Unknown, "is not in the registry");
}

#[test]
fn a_power_is_shown_to_work_for_who_holds_it() {
    assert_eq!(powers(&of("Mintable")), [("mint(address,uint256)", "by")]);
    assert_eq!(powers(&of("Pausable")), [("pause()", "by")]);
    let check = of("Mintable");
    assert_eq!(check.powers[0].detail, OWNER.to_string());
    says(&check, Weight::Caution, "can make more of it");
    assert_eq!(verdict(&check), Verdict::Sellable { wait_seconds: 0 });
    // A function of that name that stops nobody.
    let pretend = of("Pretend");
    assert_eq!(powers(&pretend), [("pause()", "refused")]);
    assert!(pretend.powers[0].detail.contains("changed nothing"), "{:?}", pretend.powers);
}

#[test]
fn what_anybody_may_do_is_a_danger_and_what_the_owner_may_is_not() {
    let open = of("OpenMint");
    assert_eq!(powers(&open), [("mint(address,uint256)", "by_anybody")]);
    says(&open, Weight::Danger, "anybody can make more of it");
    assert!(of("Mintable").worst() < Weight::Danger);
}

#[test]
fn an_owner_who_is_nobody_has_given_the_power_up() {
    let mut told = world("Mintable");
    told.slot(TOKEN, U256::from(3), U256::ZERO);
    let check = check(&told, true);
    assert_eq!(powers(&check), [("mint(address,uint256)", "refused")]);
    says(&check, Weight::Fact, "but its owner is nobody");
    says(&check, Weight::Fact, "owner() is nobody");
}

#[test]
fn an_owner_who_is_nobody_of_code_that_can_be_replaced_has_given_nothing_up() {
    let mut told = behind(proxy::minus_one("eip1967.proxy.implementation"), "Mintable");
    told.slot(TOKEN, U256::from(3), U256::ZERO);
    says(&check(&told, true), Weight::Caution, "nobody who was tried could use it now");
}

/// The token of the world as a proxy of the kind that has its code in this slot.
fn behind(slot: U256, name: &str) -> token::state::Told {
    let implementation = Address::repeat_byte(0x55);
    let mut told = world("Honest");
    told.code(TOKEN, code("Proxy1967"));
    told.code(implementation, code(name));
    books(&mut told, TOKEN);
    told.slot(TOKEN, slot, U256::from_be_slice(implementation.as_slice()));
    told
}

#[test]
fn a_regulated_stablecoin_behind_a_proxy_has_powers_and_is_no_trap() {
    let slot = proxy::minus_one("eip1967.proxy.implementation");
    let mut told = behind(slot, "Regulated");
    let admin = Address::repeat_byte(0x66);
    let admin_slot = proxy::minus_one("eip1967.proxy.admin");
    told.slot(TOKEN, admin_slot, U256::from_be_slice(admin.as_slice()));
    let check = check(&told, true);
    is_evident(&check);
    let found = powers(&check);
    for function in ["mint(address,uint256)", "pause()", "blacklist(address)"] {
        assert!(found.contains(&(function, "by")), "{function}: {found:?}");
    }
    assert_eq!(verdict(&check), Verdict::Sellable { wait_seconds: 0 });
    assert!(check.worst() < Weight::Danger, "{:#?}", check.statements);
    assert_eq!(check.layers.len(), 2);
    says(&check, Weight::Caution, "which can be replaced");
    says(&check, Weight::Caution, &format!("is {admin}"));
    let asked: Vec<&str> = check.controllers.iter().map(|c| c.asked.as_str()).collect();
    assert_eq!(asked, ["owner()", "pauser()", "blacklister()"]);
}

#[test]
fn a_proxy_that_hides_where_it_leads_is_said_to_be_unknown() {
    let nowhere = behind(U256::from(99), "Regulated");
    let check = check(&nowhere, true);
    says(&check, Weight::Unknown, "not by a slot that is known");
    says(&check, Weight::Unknown, "so neither its powers");
}

#[test]
fn a_trap_is_one_however_it_is_built() {
    for (name, why) in [
        ("Honeypot", "TRANSFER_FROM_FAILED"),
        ("QuietHoneypot", "nothing arrived at the pool"),
        ("OriginTrap", "not now"),
    ] {
        let check = of(name);
        let Verdict::Honeypot { why: found } = verdict(&check) else {
            panic!("{name}: {:?}", check.trade)
        };
        assert!(found.contains(why), "{name}: {found}");
        says(&check, Weight::Danger, "could buy it and not sell it");
        is_evident(&check);
    }
}

#[test]
fn who_must_wait_is_no_victim() {
    let check = of("Cooldown");
    let Verdict::Sellable { wait_seconds } = verdict(&check) else { panic!("{:?}", check.trade) };
    assert_eq!(wait_seconds, 86_400);
    assert!(check.worst() < Weight::Danger);
}

#[test]
fn a_fee_is_measured_and_a_ruinous_one_is_a_danger() {
    let check = of("FeeOnTransfer");
    let trade = check.trade.as_ref().expect("tried");
    let taxes = [trade.buy_tax_bps, trade.transfer_tax_bps, trade.sell_tax_bps];
    assert_eq!(taxes, [Some(500), Some(500), Some(500)]);
    assert!(check.worst() < Weight::Danger);
    says(&check, Weight::Fact, "selling costs 5.00%");
    let ruinous = of("Ruinous");
    assert_eq!(verdict(&ruinous), Verdict::Sellable { wait_seconds: 0 });
    says(&ruinous, Weight::Danger, "selling costs 99.00%");
}

#[test]
fn a_v3_pool_is_traded_in_too() {
    let honest = check(&world_v3("Honest"), true);
    is_evident(&honest);
    assert_eq!(verdict(&honest), Verdict::Sellable { wait_seconds: 0 });
    let trade = honest.trade.as_ref().expect("tried");
    let taxes = [trade.buy_tax_bps, trade.transfer_tax_bps, trade.sell_tax_bps];
    assert_eq!(taxes, [Some(0), Some(0), Some(0)]);
    let steps: Vec<_> = trade.steps.iter().map(|step| step.step).collect();
    let all =
        ["buy", "approve the router", "give it to the pool", "take the other token", "send it on"];
    assert_eq!(steps, all);
    assert!(trade.steps.iter().all(|step| step.sent == step.arrived && step.refused.is_none()));
    says(&honest, Weight::Unknown, "cannot be read from a block's state");
    assert_eq!(honest.pools[0].kind, token::liquidity::Kind::V3);
}

/// The other way round: the pool calls its tokens first and second by their addresses.
#[test]
fn a_v3_pool_may_have_the_token_second() {
    let mut told = world_v3("FeeOnTransfer");
    told.slot(POOL, U256::from(0), U256::from_be_slice(QUOTE.as_slice()));
    told.slot(POOL, U256::from(1), U256::from_be_slice(TOKEN.as_slice()));
    let check = check(&told, true);
    let trade = check.trade.as_ref().expect("tried");
    let taxes = [trade.buy_tax_bps, trade.transfer_tax_bps, trade.sell_tax_bps];
    assert_eq!(taxes, [Some(500), Some(500), Some(500)], "{trade:#?}");
    assert_eq!(verdict(&check), Verdict::Sellable { wait_seconds: 0 });
}

#[test]
fn a_trap_shows_in_a_v3_pool_and_a_fee_is_none() {
    for (name, why) in [
        ("Honeypot", "TRANSFER_FROM_FAILED"),
        ("QuietHoneypot", "nothing arrived at the pool"),
        ("OriginTrap", "not now"),
    ] {
        let check = check(&world_v3(name), true);
        let Verdict::Honeypot { why: found } = verdict(&check) else {
            panic!("{name}: {:?}", check.trade)
        };
        assert!(found.contains(why), "{name}: {found}");
        says(&check, Weight::Danger, "could buy it and not sell it");
    }
    let fee = check(&world_v3("FeeOnTransfer"), true);
    assert_eq!(verdict(&fee), Verdict::Sellable { wait_seconds: 0 });
    says(&fee, Weight::Fact, "selling costs 5.00%");
    let ruinous = check(&world_v3("Ruinous"), true);
    says(&ruinous, Weight::Danger, "selling costs 99.00%");
    let Verdict::Sellable { wait_seconds } = verdict(&check(&world_v3("Cooldown"), true)) else {
        panic!("it waits")
    };
    assert_eq!(wait_seconds, 86_400);
}

#[test]
fn a_pool_that_cannot_be_traded_in_says_nothing_of_the_token() {
    let mut told = world_v3("Honest");
    told.slot(POOL, U256::from(2), U256::ZERO);
    let alone = check(&told, true);
    assert!(
        matches!(verdict(&alone), Verdict::Unknown { why } if why.contains("no position covers"))
    );
    // Another pool, which holds less.
    let other = Address::repeat_byte(0x45);
    let pair = world("Honest");
    told.code(other, world::code("Pair"));
    for ((_, slot), value) in pair.slots.iter().filter(|((at, _), _)| *at == POOL) {
        told.slot(other, *slot, *value);
    }
    let less = world::ether(100);
    for token in [TOKEN, QUOTE] {
        told.slot(token, world::of(0, other), less);
    }
    told.slot(other, U256::from(4), less | (less << 112usize));
    let both = world::check_at(&told, &[POOL, other]);
    assert_eq!(verdict(&both), Verdict::Sellable { wait_seconds: 0 });
    assert_eq!(both.trade.and_then(|trade| trade.pool), Some(other.to_string()));
}

#[test]
fn another_s_symbol_in_letters_that_look_alike_is_an_imitation() {
    let check = of("Imitation");
    says(&check, Weight::Danger, "but USDT is another contract");
    let statement = check.statements.iter().find(|s| s.topic == Topic::Identity).expect("said");
    assert!(
        matches!(&statement.evidence[0], Evidence::Registry { asset } if asset.contains("dac17f"))
    );
}

#[test]
fn without_a_pool_sending_is_tried() {
    let honest = check(&world("Honest"), false);
    assert_eq!(verdict(&honest), Verdict::Sendable);
    says(&honest, Weight::Unknown, "no pool is found");
    let mut paused = world("Pausable");
    paused.slot(TOKEN, U256::from(4), U256::ONE << 160usize);
    let paused = check(&paused, false);
    assert!(matches!(verdict(&paused), Verdict::NotSendable { why } if why.contains("paused")));
}

#[test]
fn who_can_empty_the_pool_is_said_and_what_is_burnt_is_not_his() {
    let mut told = world("Honest");
    let dead = "0x000000000000000000000000000000000000dead".parse().expect("an address");
    told.slot(POOL, world::of(0, dead), ether(3));
    told.slot(POOL, U256::from(1), ether(4));
    let check = check(&told, true);
    let pool = &check.pools[0];
    assert_eq!((pool.burnt_bps, pool.locked_bps), (Some(7_500), Some(0)));
    says(&check, Weight::Fact, "75.00% of the pool's token is burnt");
    says(&check, Weight::Fact, &format!("{OWNER} can take out 25.00% of the pool"));
    told.slot(POOL, U256::from(1), ether(8));
    let check = world::check(&told, true);
    says(&check, Weight::Unknown, "who holds the other 50.00% of the pool's token");
}

#[test]
fn an_address_without_code_is_no_token() {
    let mut told = world("Honest");
    told.accounts.remove(&TOKEN);
    let check = check(&told, true);
    says(&check, Weight::Danger, "there is no contract at this address");
    assert!(check.trade.is_none());
}

#[test]
fn the_same_state_gives_the_same_answer() {
    let (first, second) = (of("Regulated"), of("Regulated"));
    assert_eq!(first, second);
    let json = serde_json::to_string(&first).expect("it is written");
    assert!(json.contains("\"version\":1"));
}
