//! Holders, and who people say they are.

use alloy_primitives::Address as EvmAddress;
use model::{Account, Address, Asset, ViewError};

use super::{Checking, Inputs};
use crate::control::is_nobody;
use crate::holders::{self, Ledger};
use crate::report::{Check, Evidence, HolderRow, Topic, Weight};
use crate::state::StateError;

/// Holders the store proposes, and those that are shown.
const PROPOSED_MAX: usize = 50;
const SHOWN_MAX: usize = 10;

pub fn ledgers(inputs: &Inputs<'_>, assets: &[Asset]) -> Result<Vec<Ledger>, ViewError> {
    match inputs.view {
        Some(view) => holders::ledgers(view, assets),
        None => Ok(Vec::new()),
    }
}

/// The names labels give an address, the surest first.
pub fn labels(inputs: &Inputs<'_>, address: EvmAddress) -> Vec<String> {
    of(inputs, &Address::Evm(address.0.0))
}

fn of(inputs: &Inputs<'_>, address: &Address) -> Vec<String> {
    let account = Account { chain: inputs.asset.chain, address: address.clone() };
    let mut names: Vec<String> =
        inputs.book.labels(&account).into_iter().map(model::Label::shown_name).collect();
    names.dedup();
    names
}

pub fn named(address: EvmAddress, labels: &[String]) -> String {
    match labels.first() {
        Some(name) => format!("{address} ({name})"),
        None => address.to_string(),
    }
}

fn store_evidence(ledger: &Ledger) -> Evidence {
    let height = |height: Option<u64>| height.map_or_else(|| "?".into(), |h| h.to_string());
    let (first, last) = (height(ledger.height_first), height(ledger.height_last));
    let whole = if ledger.is_complete { "every block" } else { "parts" };
    let what = format!("{} transfers of it, {whole} of {first} to {last}", ledger.transfers);
    Evidence::Store { what }
}

/// What the store alone says: amounts that transfers leave.
pub fn from_store(check: &mut Check, inputs: &Inputs<'_>, ledger: Option<&Ledger>) {
    let Some(ledger) = ledger.filter(|ledger| ledger.transfers > 0) else {
        check.unknown(Topic::Holders, "the store holds no transfer of it");
        return;
    };
    for (address, amount) in ledger.holders.iter().take(SHOWN_MAX) {
        check.holders.push(HolderRow {
            address: address.checked_text(inputs.asset.chain),
            amount: amount.to_string(),
            share_bps: None,
            is_contract: None,
            labels: of(inputs, address),
            is_asked: false,
        });
    }
    let text = format!(
        "{} holders by the stored transfers; {} accounts gave more than they are known to have got, so \
         that transfers are missing or it came into being elsewhere",
        ledger.holders.len(),
        ledger.below_zero
    );
    check.say(Topic::Holders, Weight::Fact, text, vec![store_evidence(ledger)]);
}

impl Checking<'_> {
    /// Asks the contract about the holders that the store, pools and controllers propose.
    pub fn holders(&mut self, ledger: Option<&Ledger>) -> Result<(), StateError> {
        let mut proposed: Vec<Address> = Vec::new();
        let known = ledger.map(|ledger| ledger.holders.as_slice()).unwrap_or_default();
        proposed.extend(known.iter().take(PROPOSED_MAX).map(|(address, _)| address.clone()));
        let pools = self.check.pools.iter().filter_map(|pool| pool.address.parse().ok());
        let others: Vec<EvmAddress> = self
            .control
            .controllers
            .iter()
            .map(|controller| controller.address)
            .chain(pools)
            .chain([EvmAddress::ZERO, DEAD, self.token])
            .collect();
        for address in others.into_iter().map(|address| Address::Evm(address.0.0)) {
            if !proposed.contains(&address) {
                proposed.push(address);
            }
        }
        let (asset, token) = (self.inputs.asset.clone(), self.token);
        let found = holders::ask(&mut self.sandbox, &asset, token, &proposed)?;
        self.check.supply = found.supply.map(|supply| supply.to_string());
        let Some(supply) = found.supply else {
            self.check.unknown(Topic::Holders, "it does not say its supply");
            return Ok(());
        };
        let is_nothing = supply.is_zero();
        let answer = Evidence::Call {
            to: token.to_string(),
            call: "totalSupply()".into(),
            answer: supply.to_string(),
        };
        let mut evidence = vec![answer];
        evidence.extend(ledger.map(store_evidence));
        for holder in found.holders.iter().take(SHOWN_MAX) {
            self.check.holders.push(HolderRow {
                address: holder.account.address_text(),
                amount: holder.amount.to_string(),
                share_bps: Some(holder.share_bps),
                is_contract: holder.is_contract,
                labels: of(self.inputs, &holder.account.address),
                is_asked: true,
            });
        }
        match is_nothing {
            true => self.check.say(Topic::Holders, Weight::Fact, "its supply is nothing", evidence),
            false => self.say_concentration(&found, evidence),
        }
        Ok(())
    }

    fn say_concentration(&mut self, found: &holders::Holdings, evidence: Vec<Evidence>) {
        let pools: Vec<&str> = self.check.pools.iter().map(|p| p.address.as_str()).collect();
        let can_sell = |holder: &&holders::Holder| {
            let text = holder.account.address_text();
            let is_gone = match &holder.account.address {
                Address::Evm(bytes) => is_nobody(EvmAddress::from(*bytes)),
                _ => false,
            };
            !is_gone && !pools.contains(&text.as_str())
        };
        let largest = found.holders.iter().find(can_sell);
        let weight = match largest {
            Some(holder) if holder.share_bps >= 5_000 => Weight::Caution,
            _ => Weight::Fact,
        };
        let mut text = match largest {
            Some(holder) => {
                let labels = of(self.inputs, &holder.account.address);
                let who = labels.first().map(|name| format!(" ({name})")).unwrap_or_default();
                let share = percent(holder.share_bps);
                let whom = holder.account.address_text();
                format!("the largest known holder, {whom}{who}, has {share} of the supply")
            }
            None => "no holder is known who could sell".to_string(),
        };
        let known = percent(found.known_bps);
        text += &format!("; the {} accounts that were asked have {known} of it", found.asked);
        self.check.say(Topic::Holders, weight, text, evidence);
        if found.known_bps > 10_100 {
            let text =
                "balances exceed the supply: the contract's own figures contradict each other";
            self.check.say(Topic::Holders, Weight::Danger, text, Vec::new());
        } else if found.known_bps < 9_900 {
            let rest = percent(10_000u64.saturating_sub(found.known_bps));
            let text = format!("who holds the other {rest} is not known here");
            self.check.unknown(Topic::Holders, text);
        }
    }
}

const DEAD: EvmAddress = alloy_primitives::address!("000000000000000000000000000000000000dEaD");

pub fn percent(bps: u64) -> String {
    format!("{}.{:02}%", bps / 100, bps % 100)
}
