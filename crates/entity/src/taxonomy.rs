//! What concepts mean to each other: the taxonomy that labels speak.
//!
//! The ids and their one parent each are those of the concepts taxonomy 0.1.0 (Iknaio, derived from
//! INTERPOL's Darknet and Cryptocurrencies taxonomy), as `concepts.yaml` of graphsense-lib lists
//! them. What it lacks for following money has ids of our own, which begin with `interdict:`. A word
//! outside of it is kept with its label, and related to nothing.

/// Each concept with the broader one; of the first there is none.
const CONCEPTS: &[(&str, &str)] = &[
    ("concept", ""),
    ("unknown", "concept"),
    ("entity", "concept"),
    ("behaviour", "concept"),
    ("source", "concept"),
    ("item", "concept"),
    ("mention", "source"),
    ("website_mention", "mention"),
    ("forum_mention", "website_mention"),
    ("dark_web", "source"),
    ("abuse", "behaviour"),
    ("gray_usage", "behaviour"),
    ("white_usage", "behaviour"),
    ("deployer", "behaviour"),
    ("funder", "behaviour"),
    ("mixing", "gray_usage"),
    ("coinjoin", "mixing"),
    ("cold_wallet", "white_usage"),
    ("hot_wallet", "white_usage"),
    ("warm_wallet", "white_usage"),
    ("deposit_wallet", "white_usage"),
    ("white_list", "white_usage"),
    ("gov_white_list", "white_list"),
    ("sexual_abuse", "abuse"),
    ("child_sexual_abuse", "sexual_abuse"),
    ("violence", "abuse"),
    ("murder", "violence"),
    ("torture", "violence"),
    ("human_trafficking", "abuse"),
    ("scam", "abuse"),
    ("financial_crime", "abuse"),
    ("investment_fraud", "financial_crime"),
    ("ponzi_scheme", "investment_fraud"),
    ("pyramid_scheme", "ponzi_scheme"),
    ("money_laundering", "financial_crime"),
    ("payment_card_fraud", "financial_crime"),
    ("extortion", "abuse"),
    ("sextortion", "extortion"),
    ("ransomware", "extortion"),
    ("phishing", "abuse"),
    ("hacking", "abuse"),
    ("service_hack", "hacking"),
    ("account_hack", "hacking"),
    ("exploit", "hacking"),
    ("data_breach", "hacking"),
    ("social_engineering", "hacking"),
    ("malware", "hacking"),
    ("drugs", "abuse"),
    ("weapons", "abuse"),
    ("sanction", "abuse"),
    ("counterfeit", "abuse"),
    ("extremism", "abuse"),
    ("terrorism", "extremism"),
    ("terrorism_financing", "extremism"),
    ("black_list", "abuse"),
    ("gov_black_list", "black_list"),
    ("organization", "entity"),
    ("user", "entity"),
    ("service", "entity"),
    ("victim", "user"),
    ("perpetrator", "user"),
    ("donation", "user"),
    ("miner", "user"),
    ("exchange", "service"),
    ("wallet_service", "service"),
    ("escrow_wallet", "wallet_service"),
    ("ico_wallet", "wallet_service"),
    ("filesharing", "service"),
    ("index", "service"),
    ("market", "service"),
    ("messaging_service", "service"),
    ("mixing_service", "service"),
    ("mining_service", "service"),
    ("gambling", "service"),
    ("search_engine", "service"),
    ("shop", "service"),
    ("faucet", "service"),
    ("payment_processor", "service"),
    ("atm", "service"),
    ("hosting", "service"),
    ("vpn", "service"),
    ("nameservice", "service"),
    ("defi", "service"),
    ("defi_token", "defi"),
    ("defi_lending", "defi"),
    ("defi_dex", "defi"),
    ("defi_dex_pair", "defi_dex"),
    ("defi_derivative", "defi"),
    ("defi_bridge", "defi"),
    ("defi_dao", "defi"),
    ("defi_staking", "defi"),
    ("defi_custody", "defi"),
    ("collectible", "item"),
    // Ours.
    ("interdict:theft", "hacking"),
    ("interdict:hack_proceeds", "hacking"),
    ("interdict:state_actor", "perpetrator"),
    ("interdict:mule", "perpetrator"),
    ("interdict:otc_broker", "exchange"),
    ("interdict:instant_exchange", "exchange"),
    ("interdict:mining_pool", "mining_service"),
    ("interdict:bridge_usage", "gray_usage"),
    ("interdict:peel_chain", "gray_usage"),
    ("interdict:frozen", "black_list"),
];

pub fn is_known(id: &str) -> bool {
    broader(id).is_some()
}

/// The concept above it; empty for the topmost, none where it is no concept of the taxonomy.
pub fn broader(id: &str) -> Option<&'static str> {
    CONCEPTS.iter().find(|(known, _)| *known == id).map(|(_, broader)| *broader)
}

/// Is the one concept the other, or a narrower one? A word outside the taxonomy is only itself.
pub fn is_a(id: &str, other: &str) -> bool {
    let mut at = id;
    loop {
        if at == other {
            return true;
        }
        match broader(at) {
            Some(next) if !next.is_empty() => at = next,
            _ => return false,
        }
    }
}

/// Can both be meant by two people who mean the same thing?
pub fn are_kin(a: &str, b: &str) -> bool {
    is_a(a, b) || is_a(b, a)
}

/// Every id, in the order of the table.
pub fn ids() -> impl Iterator<Item = &'static str> {
    CONCEPTS.iter().map(|(id, _)| *id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_concept_is_there_once_and_leads_to_the_top() {
        let distinct: BTreeSet<&str> = ids().collect();
        assert_eq!(distinct.len(), CONCEPTS.len());
        for id in ids() {
            assert!(is_a(id, "concept"), "{id}");
        }
        let theirs = ids().filter(|id| !id.starts_with("interdict:")).count();
        assert_eq!(theirs, 93);
    }

    #[test]
    fn kin_lie_on_one_line_to_the_top() {
        assert!(are_kin("pyramid_scheme", "financial_crime") && !are_kin("pyramid_scheme", "scam"));
        assert!(are_kin("service", "exchange") && are_kin("exchange", "service"));
        assert!(!are_kin("exchange", "gambling"));
        assert!(!are_kin("etherscan:binance", "exchange"));
        assert!(are_kin("etherscan:binance", "etherscan:binance"));
    }
}
