//! Who mined a block: by what the miner wrote into its coinbase, and by whom it paid.
//!
//! Anybody may write a pool's tag, so that what it says is a claim. Where the tag and a known payout
//! address name different pools, both are given and nobody is chosen.

use std::collections::BTreeMap;

use model::{Address, CoinbaseTag, Label, Subject};

/// What is known of pools, ready to be asked about blocks.
#[derive(Clone, Debug, Default)]
pub struct Miners {
    tags: Vec<CoinbaseTag>,
    payouts: BTreeMap<Address, String>,
}

/// What one reward transaction says.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Mined {
    /// The pools whose tag it carries, with the tag; the longest tag first.
    pub by_tag: Vec<(String, String)>,
    /// The pools it pays, with the address's place among the outputs.
    pub by_payout: Vec<(String, usize)>,
}

impl Miners {
    /// Of the labels those count that name a mining pool's own address.
    pub fn new<'a>(
        mut tags: Vec<CoinbaseTag>,
        labels: impl IntoIterator<Item = &'a Label>,
    ) -> Miners {
        tags.sort_by(|a, b| b.text.len().cmp(&a.text.len()).then_with(|| a.cmp(b)));
        let mut payouts = BTreeMap::new();
        for label in labels {
            let is_pool = label.concepts.iter().any(|concept| concept == "interdict:mining_pool");
            if let (true, Subject::Account(account)) = (is_pool, &label.subject) {
                payouts.entry(account.address.clone()).or_insert_with(|| label.name.clone());
            }
        }
        Miners { tags, payouts }
    }

    /// `script` is the coinbase's, where it is known; `outputs` whom the transaction pays, in order.
    pub fn attribute<'a>(
        &self,
        script: Option<&[u8]>,
        outputs: impl IntoIterator<Item = &'a Address>,
    ) -> Mined {
        let mut mined = Mined::default();
        for tag in self.tags.iter().filter(|tag| holds(script.unwrap_or_default(), &tag.text)) {
            if mined.by_tag.iter().all(|(pool, _)| *pool != tag.pool) {
                mined.by_tag.push((tag.pool.clone(), tag.text.clone()));
            }
        }
        for (at, address) in outputs.into_iter().enumerate() {
            if let Some(pool) = self.payouts.get(address)
                && mined.by_payout.iter().all(|(known, _)| known != pool)
            {
                mined.by_payout.push((pool.clone(), at));
            }
        }
        mined
    }
}

impl Mined {
    /// The one pool that all of it names; none where nothing does, or not all the same.
    pub fn pool(&self) -> Option<&str> {
        let tags = self.by_tag.iter().map(|(pool, _)| pool.as_str());
        let mut all = tags.chain(self.by_payout.iter().map(|(pool, _)| pool.as_str()));
        let first = all.next()?;
        all.all(|other| other == first).then_some(first)
    }

    pub fn is_contradictory(&self) -> bool {
        self.pool().is_none() && !(self.by_tag.is_empty() && self.by_payout.is_empty())
    }
}

fn holds(script: &[u8], tag: &str) -> bool {
    !tag.is_empty() && script.windows(tag.len()).any(|window| window == tag.as_bytes())
}
