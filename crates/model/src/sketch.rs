//! A small piece of the past, told as text, for tests and pages.
//!
//! ```text
//! # An account chain: one transfer a line, each its own transaction.
//! chain ethereum
//! thief -> a1      100 ETH   day 0
//! a1    -> cash1     4 ETH   day 0 +10m
//! a1    -> a2       96 ETH   day 0 +10m
//! a1    -> fee    0.01 ETH   day 0 +10m          # a fee paid by a1
//! a2    -> venue  50 USDX    day 0 +20m  tx swap # several lines may share one
//! venue -> a2     20 ETH     day 0 +20m  tx swap
//! token USDX decimals 6                          # declares a token, contract made up
//! token stETH at 0xae7ab96520de3a18e5e111b5eaab095312d7fe84
//! label exchange cash1                           # concepts: any of the taxonomy
//! label swap venue
//! price ETH 2700                                 # USD, every day of the sketch
//!
//! # Bitcoin: inputs => outputs; the rest is the fee.
//! chain bitcoin
//! t0: coinbase => miner 50 BTC               day 0
//! t1: t0:0 => a 20 BTC, b 29.9 BTC           day 0 +10m
//! t2: missing:3 + t1:1 => c 30 BTC           day 0 +20m
//! ```
//!
//! A name stands for an address made from it; text that is an address of the
//! chain is that address. Day 0 is 2025-01-01 in UTC. Times take `+90s`, `+10m`, `+2h`.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use sha2::{Digest, Sha256};

use crate::{
    Account, Address, Asset, AssetKind, AssetMeta, Chain, Confidence, Evidence, Fact, Freezable,
    Input, Label, Memory, Outpoint, Output, Position, Price, Prices, Subject, TimeSource,
    Timestamp, Transfer, TransferKind, TxHash, TxId, U256, UtxoTransaction, amount,
};

/// What a sketch tells.
#[derive(Clone, Debug, Default)]
pub struct Sketch {
    pub facts: Vec<Fact>,
    pub labels: Vec<Label>,
    pub prices: Prices,
    chain: Option<Chain>,
    tokens: BTreeMap<(Chain, String), (Asset, u8)>,
    counts: BTreeMap<TxId, u32>,
    times: Vec<Timestamp>,
    quotes: Vec<(Asset, u128)>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct SketchError {
    pub line: usize,
    pub why: String,
}

/// Reads a sketch.
pub fn parse(text: &str) -> Result<Sketch, SketchError> {
    let mut sketch = Sketch::default();
    // Tokens first: a line may use one that is declared below it.
    for pass in [Pass::Declare, Pass::Tell] {
        sketch.chain = None;
        for (at, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            sketch.read_line(line, pass).map_err(|why| SketchError { line: at + 1, why })?;
        }
    }
    sketch.spread_quotes();
    Ok(sketch)
}

#[derive(Clone, Copy, PartialEq)]
enum Pass {
    Declare,
    Tell,
}

impl Sketch {
    pub fn memory(&self) -> Memory {
        Memory::from_facts(self.facts.clone())
    }

    /// The account a name of the sketch stands for, on its last chain.
    pub fn account(&self, name: &str) -> Account {
        let chain = self.chain.unwrap_or(Chain::ETHEREUM);
        Account { chain, address: address(name, chain) }
    }

    /// The transaction a name of the sketch stands for, on its last chain.
    pub fn tx(&self, name: &str) -> TxId {
        tx_id(name, self.chain.unwrap_or(Chain::ETHEREUM))
    }

    pub fn asset(&self, symbol: &str) -> Option<Asset> {
        self.asset_of(self.chain?, symbol).map(|(asset, _)| asset)
    }

    fn read_line(&mut self, line: &str, pass: Pass) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match (words.as_slice(), pass) {
            ([], _) => Ok(()),
            (["chain", name], _) => {
                self.chain = Some(name.parse().map_err(|e: crate::ChainError| e.to_string())?);
                Ok(())
            }
            (["token", rest @ ..], Pass::Declare) => self.token(rest),
            (["token", ..], Pass::Tell) | (_, Pass::Declare) => Ok(()),
            (["label", concept, name], Pass::Tell) => self.label(concept, name),
            (["price", symbol, usd], Pass::Tell) => self.quote(symbol, usd),
            _ if line.contains("=>") => self.utxo(line),
            _ => self.transfer(&words),
        }
    }

    fn chain(&self) -> Result<Chain, String> {
        self.chain.ok_or_else(|| "expected a line `chain <name>` first".to_string())
    }

    fn token(&mut self, words: &[&str]) -> Result<(), String> {
        let chain = self.chain()?;
        let [symbol, rest @ ..] = words else { return Err("expected `token <symbol>`".into()) };
        let mut contract = address(&format!("token {symbol}"), chain);
        let mut decimals = 18;
        for pair in rest.chunks(2) {
            match pair {
                ["at", text] => {
                    contract = Address::parse(text, chain).map_err(|e| e.to_string())?
                }
                ["decimals", n] => {
                    decimals = n.parse().map_err(|_| format!("{n:?} is no number of decimals"))?
                }
                _ => return Err(format!("unknown words {pair:?} after `token {symbol}`")),
            }
        }
        let asset = Asset::token(chain, contract);
        self.tokens.insert((chain, (*symbol).to_string()), (asset.clone(), decimals));
        let symbol = Some((*symbol).to_string());
        self.facts.push(Fact::Asset(AssetMeta {
            asset,
            symbol,
            decimals: Some(decimals),
            freezable: Freezable::Unknown,
        }));
        Ok(())
    }

    fn label(&mut self, concept: &str, name: &str) -> Result<(), String> {
        let chain = self.chain()?;
        self.labels.push(Label {
            subject: Subject::Account(Account { chain, address: address(name, chain) }),
            name: name.to_string(),
            concepts: vec![concept.to_string()],
            actor: None,
            confidence: Confidence::named("ownership").expect("a grade of the scale"),
            source: "sketch".into(),
            collection: "sketch".into(),
            date: None,
            file_hash: String::new(),
            network: None,
            tag: Default::default(),
        });
        Ok(())
    }

    fn quote(&mut self, symbol: &str, usd: &str) -> Result<(), String> {
        let (asset, _) =
            self.asset_of(self.chain()?, symbol).ok_or_else(|| format!("no asset {symbol:?}"))?;
        let scaled = amount::parse_units(usd, 12).map_err(|e| e.to_string())?;
        self.quotes.push((asset, scaled.try_into().map_err(|_| format!("{usd} is too large"))?));
        Ok(())
    }

    /// A price stands for every day something happens in the sketch.
    fn spread_quotes(&mut self) {
        for (asset, usd_e12) in &self.quotes {
            for time in &self.times {
                let date = time.to_zoned(jiff::tz::TimeZone::UTC).date();
                let price = Price {
                    asset: asset.clone(),
                    date,
                    at: None,
                    usd_e12: *usd_e12,
                    source: "sketch".into(),
                };
                self.prices.insert(price);
            }
        }
    }

    fn transfer(&mut self, words: &[&str]) -> Result<(), String> {
        let chain = self.chain()?;
        let [from, "->", to, number, symbol, when @ ..] = words else {
            return Err("expected `<from> -> <to> <amount> <asset> day <n>`".into());
        };
        let (time, rest) = time(when)?;
        let (asset, decimals) =
            self.asset_of(chain, symbol).ok_or_else(|| format!("no asset {symbol:?}"))?;
        let base = amount::parse_units(number, decimals).map_err(|e| e.to_string())?;
        let tx = match rest {
            [] => tx_id(&format!("line {}", self.facts.len()), chain),
            ["tx", name] => tx_id(name, chain),
            _ => return Err(format!("unknown words {rest:?} at the end")),
        };
        let is_fee = *to == "fee";
        let n = self.counts.entry(tx).or_insert(0);
        let position = if is_fee { Position::Fee } else { Position::Log(*n) };
        *n += 1;
        self.times.push(time);
        let transfer = Transfer {
            tx,
            position,
            height: None,
            tx_index: None,
            time,
            time_source: TimeSource::Stated,
            from: Some(address(from, chain)),
            to: (!is_fee).then(|| address(to, chain)),
            asset,
            amount: base,
            kind: if is_fee { TransferKind::Fee } else { TransferKind::Value },
        };
        self.facts.push(Fact::Transfer { transfer, evidence: Evidence::Log });
        Ok(())
    }

    fn utxo(&mut self, line: &str) -> Result<(), String> {
        let chain = self.chain()?;
        let shape =
            || "expected `<tx>: <tx>:<n> + … => <name> <amount> BTC, … day <n>`".to_string();
        let (name, rest) = line.split_once(": ").ok_or_else(shape)?;
        let (ins, rest) = rest.split_once("=>").ok_or_else(shape)?;
        let (outs, when) = rest.split_once(" day ").ok_or_else(shape)?;
        let when = format!("day {when}");
        let (time, _) = time(&when.split_whitespace().collect::<Vec<_>>())?;
        let is_coinbase = ins.trim() == "coinbase";
        let inputs = if is_coinbase {
            Vec::new()
        } else {
            ins.split('+').map(|i| input(i, chain)).collect::<Result<_, _>>()?
        };
        let outputs = outs.split(',').map(|o| output(o, chain)).collect::<Result<_, _>>()?;
        self.times.push(time);
        self.facts.push(Fact::Utxo(UtxoTransaction {
            id: tx_id(name, chain),
            height: None,
            index: None,
            time,
            block: None,
            inputs,
            outputs,
            is_coinbase,
        }));
        Ok(())
    }

    fn asset_of(&self, chain: Chain, symbol: &str) -> Option<(Asset, u8)> {
        if let Some(token) = self.tokens.get(&(chain, symbol.to_string())) {
            return Some(token.clone());
        }
        crate::Registry::shipped()
            .iter()
            .find(|meta| meta.asset.chain == chain && meta.symbol.as_deref() == Some(symbol))
            .filter(|meta| matches!(meta.asset.kind, AssetKind::Native | AssetKind::Token(_)))
            .map(|meta| (meta.asset.clone(), meta.decimals.unwrap_or(18)))
    }
}

fn input(text: &str, chain: Chain) -> Result<Input, String> {
    let (tx, index) =
        text.trim().split_once(':').ok_or_else(|| format!("expected <tx>:<n>, found {text:?}"))?;
    let index = index.parse().map_err(|_| format!("{index:?} is no output number"))?;
    Ok(Input { outpoint: Outpoint { tx: tx_id(tx, chain), index }, previous: None })
}

fn output(text: &str, chain: Chain) -> Result<Output, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [name, number, "BTC"] = words.as_slice() else {
        return Err(format!("expected `<name> <amount> BTC`, found {text:?}"));
    };
    let value = amount::parse_units(number, 8).map_err(|e| e.to_string())?;
    let value = value.try_into().map_err(|_| format!("{number} is too large"))?;
    Ok(Output { address: address(name, chain), value })
}

/// `day 3 +10m`, and what stands behind it.
fn time<'a>(words: &'a [&'a str]) -> Result<(Timestamp, &'a [&'a str]), String> {
    let ["day", day, rest @ ..] = words else { return Err("expected `day <n>`".into()) };
    let day: i64 = day.parse().map_err(|_| format!("{day:?} is no day"))?;
    let start: Timestamp = "2025-01-01T00:00:00Z".parse().expect("a valid time");
    let seconds = day.checked_mul(86_400).ok_or("the day is too far")?;
    let mut time =
        start.checked_add(SignedDuration::from_secs(seconds)).map_err(|e| e.to_string())?;
    let mut rest = rest;
    if let [plus, after @ ..] = rest
        && let Some(length) = plus.strip_prefix('+')
    {
        time = time.checked_add(duration(length)?).map_err(|e| e.to_string())?;
        rest = after;
    }
    Ok((time, rest))
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let error = || format!("{text:?} is no length of time such as 10m");
    let unit = text.chars().last().ok_or_else(error)?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| error())?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return Err(error()),
    };
    number.checked_mul(seconds).map(SignedDuration::from_secs).ok_or_else(error)
}

fn tx_id(name: &str, chain: Chain) -> TxId {
    TxId::parse(name, chain)
        .unwrap_or_else(|| TxId { chain, hash: TxHash::new(&digest("tx", name)) })
}

fn address(name: &str, chain: Chain) -> Address {
    if let Ok(address) = Address::parse(name, chain) {
        return address;
    }
    let digest = digest("address", name);
    let bytes = match chain {
        Chain::Evm(_) | Chain::Tron(_) => digest[..20].to_vec(),
        Chain::Solana(_) => digest.to_vec(),
        // A witness v0 key hash: OP_0, then a push of twenty bytes.
        Chain::Bitcoin(_) => [&[0x00, 0x14], &digest[..20]].concat(),
    };
    Address::from_bytes(&bytes, chain).expect("made with the family's length")
}

fn digest(kind: &str, name: &str) -> [u8; 32] {
    Sha256::digest(format!("interdict sketch {kind} {name}")).into()
}

/// An amount in base units from whole units, for tests.
///
/// # Panics
/// When the text is no such amount.
pub fn units(text: &str, decimals: u8) -> U256 {
    amount::parse_units(text, decimals).expect("a test's amount")
}
