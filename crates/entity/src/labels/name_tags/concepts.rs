//! What an explorer's words mean in the taxonomy.
//!
//! The concept decides where a walk stops (see [`model::Label::role`]), so the
//! table is careful: a word like `binance` stands on the exchange's wallets, on
//! its token and on whoever attacked it. Only the first holds other people's
//! money. A token, a deployer, a verifier or a thief keeps its words and gets no
//! concept that would end a walk there.

/// The concept of these words, on names that contain one of `only` (all names,
/// where that is empty) and are none of `never`.
struct Rule {
    concept: &'static str,
    words: &'static [&'static str],
    only: &'static [&'static str],
    never: &'static [&'static [&'static str]],
}

/// Not the venue but its token.
const TOKENS: &[&str] = &["token", "tokens", "wrapped", "coin", "nft", "stablecoin"];
/// Not the venue but a part of it that no customer's money goes through.
const PARTS: &[&str] = &[
    "admin",
    "airdrop",
    "council",
    "dao",
    "delegate",
    "deployer",
    "distributor",
    "distribution",
    "foundation",
    "governance",
    "governor",
    "grants",
    "hasher",
    "impl",
    "instance",
    "library",
    "merkle",
    "multisig",
    "oracle",
    "registry",
    "rewards",
    "team",
    "timelock",
    "treasury",
    "trees",
    "verifier",
    "vesting",
    "voting",
];
/// Not the venue but its enemy.
const FOES: &[&str] =
    &["drainer", "exploit", "exploiter", "fake", "hack", "hacker", "phishing", "scam"];
/// Words that make every name a foe's.
const FOE_WORDS: &[&str] = &["phish-hack", "heist", "exploit", "compromised", "scam"];

const VENUE: &[&[&str]] = &[TOKENS, FOES];
const PROTOCOL: &[&[&str]] = &[TOKENS, FOES, PARTS];

const RULES: &[Rule] = &[
    Rule {
        concept: "exchange",
        words: &[
            "abcc",
            "ascendex",
            "bgogo",
            "binance",
            "binance-deposit",
            "bitcoin-suisse",
            "bitfinex",
            "bithumb",
            "bitmart",
            "bitmex",
            "bitstamp",
            "bittrex",
            "bybit",
            "changenow",
            "cobinhood",
            "coinbase",
            "coinbit",
            "coinhako",
            "coinlist",
            "coinmetro",
            "coinone",
            "coinsquare",
            "coss-io",
            "crex24",
            "crypto-com",
            "deribit",
            "digifinex",
            "exchange",
            "fiat-gateway",
            "ftx",
            "gate-io",
            "gbx",
            "gemini",
            "hitbtc",
            "hoo-com",
            "hotbit",
            "huobi",
            "korbit",
            "kraken",
            "kryptono",
            "kucoin",
            "latoken",
            "lcx-ag",
            "liquid",
            "okex",
            "okx",
            "paribu",
            "poloniex",
            "quadrigacx",
            "remitano",
            "resfinex",
            "shapeshift",
            "tidex",
            "topbtc",
            "trade-io",
            "upbit",
            "yunbi",
            "zb-com",
        ],
        only: &[],
        never: VENUE,
    },
    Rule { concept: "otc", words: &["otc"], only: &["otc", "desk"], never: VENUE },
    Rule {
        concept: "service",
        words: &["blockfi", "celsius-network", "nexo"],
        only: &[],
        never: VENUE,
    },
    Rule {
        concept: "mixing_service",
        words: &["ethereum-mixer", "mixer", "tornado-cash", "typhoon-cash"],
        only: &[],
        never: PROTOCOL,
    },
    Rule { concept: "defi_bridge", words: &["bridge"], only: &[], never: PROTOCOL },
    Rule {
        concept: "defi_bridge",
        words: &[
            "across-protocol",
            "arbitrum",
            "arbitrum-nova",
            "arbitrum-one",
            "aurora",
            "axelar",
            "celer-network",
            "connext",
            "gnosis-chain",
            "hop-protocol",
            "metis-andromeda",
            "multichain",
            "optimism",
            "poa-network",
            "polygon-matic",
            "rhino-fi",
            "starknet",
            "synapse",
            "wormhole",
        ],
        only: &["bridge", "cbridge", "gateway", "portal", "spokepool", "hubpool"],
        never: PROTOCOL,
    },
    Rule {
        concept: "defi_dex",
        words: &[
            "0x-protocol",
            "1inch",
            "airswap",
            "balancer",
            "bancor",
            "cow-protocol",
            "curve-fi",
            "dex",
            "dex-ag",
            "dutchx",
            "idex",
            "kyberswap",
            "loopring",
            "pancakeswap",
            "paraswap",
            "saddle-finance",
            "sushiswap",
            "swipeswap",
            "switcheo",
            "tokenlon",
            "uniswap",
        ],
        only: &[],
        never: PROTOCOL,
    },
    Rule {
        concept: "defi_lending",
        words: &["aave", "compound", "cream-finance", "liquity", "nuo-network"],
        only: &[],
        never: PROTOCOL,
    },
    Rule { concept: "defi_derivative", words: &["dydx", "mcdex"], only: &[], never: PROTOCOL },
    Rule {
        concept: "gambling",
        words: &["etheroll", "fomo3d", "gambling"],
        only: &[],
        never: PROTOCOL,
    },
    Rule {
        concept: "mining_service",
        words: &["f2pool", "miningpoolhub"],
        only: &[],
        never: VENUE,
    },
    Rule {
        concept: "mining_service",
        words: &["mining"],
        only: &["pool", "nanopool", "cruxpool", "ethermine", "sparkpool"],
        never: VENUE,
    },
    Rule { concept: "ico_wallet", words: &["ico-wallets"], only: &[], never: VENUE },
    Rule { concept: "deposit_wallet", words: &["binance-deposit"], only: &[], never: &[] },
    Rule { concept: "cold_wallet", words: &["cold-wallet"], only: &[], never: VENUE },
    Rule { concept: "hot_wallet", words: &["hot-wallet"], only: &[], never: VENUE },
    Rule { concept: "sanction", words: &["ofac-sanctions-lists"], only: &[], never: &[] },
    Rule { concept: "phishing", words: &["phish-hack"], only: &[], never: &[] },
    Rule { concept: "hacking", words: &["compromised", "exploit", "heist"], only: &[], never: &[] },
    Rule { concept: "scam", words: &["scam"], only: &[], never: &[] },
    Rule { concept: "donation", words: &["donate"], only: &[], never: &[] },
];

/// Concepts of the taxonomy first, then every word as it stood.
pub fn of(name: &str, words: &[String]) -> Vec<String> {
    let is_foe = words.iter().any(|word| FOE_WORDS.contains(&word.as_str()));
    let may_end_walks = |rule: &&Rule| !is_foe || rule.never.is_empty();
    let mut concepts: Vec<String> = Vec::new();
    for rule in RULES.iter().filter(may_end_walks).filter(|rule| rule.is_met(name, words)) {
        // A venue that is both keeps other people's money: the walk must stop there.
        let is_passage_of_exchange =
            rule.concept == "defi_dex" && concepts.iter().any(|c| c == "exchange");
        if !is_passage_of_exchange && !concepts.iter().any(|concept| concept == rule.concept) {
            concepts.push(rule.concept.to_string());
        }
    }
    concepts.extend(words.iter().map(|word| format!("etherscan:{word}")));
    concepts
}

impl Rule {
    fn is_met(&self, name: &str, words: &[String]) -> bool {
        if !words.iter().any(|word| self.words.contains(&word.as_str())) {
            return false;
        }
        let name = name.to_lowercase();
        let has = |names: &[&str]| parts(&name).any(|part| names.contains(&part));
        let is_refused = self.never.iter().any(|names| has(names))
            || (!self.never.is_empty() && is_token(&name));
        !is_refused && (self.only.is_empty() || has(self.only))
    }
}

/// `tornado.cash: mixer 1` is tornado, cash, mixer, 1.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty())
}

/// `HuobiPoolToken`, and `MCO (MCO)`: explorers end a token's name with its symbol.
fn is_token(name: &str) -> bool {
    parts(name).any(|part| part.ends_with("token"))
        || (name.trim_end().ends_with(')') && name.contains(" ("))
}

#[cfg(test)]
mod tests {
    use model::{Confidence, Label, Role, Subject};

    use super::*;

    #[track_caller]
    fn check(name: &str, words: &[&str], expected: Role) {
        let words: Vec<String> = words.iter().map(|word| (*word).to_string()).collect();
        let label = Label {
            subject: Subject::Identifier(model::Identifier::parse(name)),
            name: name.to_string(),
            concepts: of(name, &words),
            actor: None,
            confidence: Confidence::named("web_crawl").expect("a grade"),
            source: String::new(),
            collection: String::new(),
            date: None,
            file_hash: String::new(),
            network: None,
            tag: Default::default(),
        };
        assert_eq!(label.role(), expected, "{name}: {:?}", label.concepts);
        for word in &words {
            assert!(label.concepts.contains(&format!("etherscan:{word}")));
        }
    }

    #[test]
    fn venues_end_a_walk() {
        check("Binance 14", &["binance"], Role::Service);
        check("KuCoin 2", &["kucoin"], Role::Service);
        check("Crypto.com: MultiSig 4", &["crypto-com"], Role::Service);
        check("Wintermute: Binance Deposit", &["binance"], Role::Service);
        check("Tornado.Cash: Mixer 1", &["tornado-cash", "ofac-sanctions-lists"], Role::Mixer);
        check("Hop Protocol: WBTC Bridge", &["bridge", "hop-protocol"], Role::Bridge);
        check("SushiSwap: SUSHI-DUTAT", &["sushiswap"], Role::Swap);
        check("Nanopool", &["mining"], Role::Service);
        check("", &["huobi"], Role::Service);
    }

    #[test]
    fn tokens_parts_and_thieves_do_not() {
        check("HuobiToken (HT)", &["huobi", "otc"], Role::Other);
        check("MCO (MCO)", &["crypto-com"], Role::Other);
        check("Maximine Coin", &["mining"], Role::Other);
        check("HuobiPoolToken", &["huobi", "mining"], Role::Other);
        check("Injective Token", &["dex"], Role::Other);
        check("Binance Wrapped FIL", &["binance"], Role::Other);
        check("All.Me: Token Sale", &["token-sale"], Role::Other);
        check("Tornado.Cash: Withdraw Verifier", &["tornado-cash"], Role::Other);
        check("1inch: Deployer 2", &["1inch"], Role::Other);
        check("Optimism: Fraud Verifier", &["optimism"], Role::Other);
        check("Binance Exploiter 1", &["binance"], Role::Other);
        check("Anything", &["binance", "heist"], Role::Other);
        check("Republic (REN)", &["bridge"], Role::Other);
    }

    #[test]
    fn an_unknown_word_is_kept_as_it_stands() {
        assert_eq!(of("x", &["airdrop-hunter".to_string()]), ["etherscan:airdrop-hunter"]);
    }
}
