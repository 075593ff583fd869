//! `interdict clusters`: built, shown, explained, taken back.

use std::process::ExitCode;

use anyhow::{Result, bail};
use entity::cluster::Step;
use entity::clusterer::Clusterer;
use entity::heuristics::{Rule, Rules};
use model::{Account, Book, Chain, Timestamp, TxId};
use store::{Exclusion, Store};

use super::labels::book;
use crate::cli::{
    ClustersArgs, ClustersBuildArgs, ClustersCommand, ClustersExcludeArgs, ClustersExplainArgs,
    ClustersMembersArgs, StatusArgs, TextFormat,
};
use crate::clusters::{self, Shown, services};
use crate::home::Home;
use crate::out::Out;
use crate::render::plain;
use crate::source;

pub fn run(home: &Home, args: ClustersArgs, out: &Out) -> Result<ExitCode> {
    match args.command {
        ClustersCommand::Build(args) => build(home, &args, out),
        ClustersCommand::Status(args) => status(home, &args, out),
        ClustersCommand::Explain(args) => explain(home, &args, out),
        ClustersCommand::Exclude(args) => exclude(home, &args, out),
        ClustersCommand::Members(args) => members(home, &args, out),
    }
}

fn build(home: &Home, args: &ClustersBuildArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let book = book(&store)?;
    let rules = (!args.rules.is_empty()).then(|| Rules::of(&args.rules));
    let chains = match args.chain {
        Some(chain) => vec![chain],
        None => clusters::chains(&store)?,
    };
    if chains.is_empty() {
        bail!("no transfers are kept yet: `interdict import` takes them in");
    }
    let mut all = Vec::new();
    for chain in chains {
        let spinner = out.spinner(format!("clustering {}", chain.name()));
        let services = services::of(&book, chain);
        let built = clusters::build(&store, chain, rules, services, args.anew);
        spinner.finish_and_clear();
        let built = built?;
        if let Some(why) = built.anew.as_ref().filter(|why| *why != "they were never built") {
            out.note(&format!("{}: built anew, since {why}", chain.name()));
        }
        if args.format == TextFormat::Table {
            out.print(&format!(
                "{}: {} transactions taken in, {} bytes kept\n",
                chain.name(),
                built.transactions,
                built.bytes
            ))?;
        }
        all.push(built);
    }
    if args.format == TextFormat::Json {
        out.json(&all)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The clusters of a chain; says what would make them where there are none.
pub fn shown(store: &Store, book: &Book, chain: Chain, out: &Out) -> Result<Shown> {
    let Some(shown) = clusters::read(store, chain, services::of(book, chain))? else {
        bail!("{} has no clusters yet: `interdict clusters build` makes them", chain.name());
    };
    shown.remarks.iter().for_each(|remark| out.warn(remark));
    Ok(shown)
}

/// An address that is in the store.
pub fn account(store: &Store, text: &str, chain: Option<Chain>) -> Result<Account> {
    match source::find(store, text, chain, &[])? {
        trace::Source::Account(account) => Ok(account),
        _ => bail!("{} is no address", plain(text)),
    }
}

/// Its number among those that are clustered.
pub fn number(clusterer: &Clusterer, account: &Account) -> Result<u32> {
    match clusterer.number(&account.address) {
        Some(number) => Ok(number),
        None => bail!(
            "{account} moved nothing that is clustered: only fees, tokens nobody vouches for, or nothing yet"
        ),
    }
}

fn status(home: &Home, args: &StatusArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let book = book(&store)?;
    let mut rows = Vec::new();
    for chain in clusters::chains(&store)? {
        if let Some(shown) = clusters::read(&store, chain, services::of(&book, chain))? {
            rows.push(ChainRow::of(&shown));
        }
    }
    let exclusions = store.exclusions()?;
    if args.format == TextFormat::Json {
        let exclusions: Vec<_> = exclusions
            .iter()
            .map(|one| serde_json::json!({ "what": one.what, "reason": one.reason, "at": one.at }))
            .collect();
        out.json(&serde_json::json!({ "format": "interdict-clusters/1", "chains": rows, "excluded": exclusions }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if rows.is_empty() {
        out.print("No clusters yet. `interdict clusters build` makes them.\n")?;
    }
    for row in &rows {
        out.print(&row.text())?;
    }
    for one in exclusions {
        out.print(&format!("excluded   {}: {} ({})\n", one.what, plain(&one.reason), one.at))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(serde::Serialize)]
struct ChainRow {
    chain: Chain,
    rules: Vec<&'static str>,
    transactions: u64,
    as_of: Option<Timestamp>,
    addresses: usize,
    /// Of more than one address.
    clusters: u64,
    clustered: u64,
    largest: Vec<LargeRow>,
    rounds: std::collections::BTreeMap<&'static str, u64>,
    unsure: u64,
    flagged: Vec<FlagRow>,
    remarks: Vec<String>,
}

#[derive(serde::Serialize)]
struct LargeRow {
    cluster: Account,
    size: u32,
}

/// A merge of two clusters that were both large.
#[derive(serde::Serialize)]
struct FlagRow {
    tx: TxId,
    rule: &'static str,
    smaller: u32,
    larger: u32,
}

impl ChainRow {
    fn of(shown: &Shown) -> ChainRow {
        const LARGEST: usize = 5;
        let clusterer = &shown.clusterer;
        let (chain, clusters) = (clusterer.chain(), clusterer.clusters());
        let (count, clustered) = clusters.count();
        let large =
            |(lowest, size): (u32, u32)| LargeRow { cluster: clusterer.account(lowest), size };
        let mut rounds = std::collections::BTreeMap::new();
        for (_, family) in clusterer.rounds() {
            *rounds.entry(family.name()).or_default() += 1;
        }
        let flag = |(alarm, rule, hash): (entity::cluster::Alarm, Rule, _)| FlagRow {
            tx: TxId { chain, hash },
            rule: rule.name(),
            smaller: alarm.smaller,
            larger: alarm.larger,
        };
        ChainRow {
            chain,
            rules: clusterer.rules().iter().map(Rule::name).collect(),
            transactions: clusterer.taken().transactions,
            as_of: clusterer.last().map(|place| place.time),
            addresses: clusters.len(),
            clusters: count,
            clustered,
            largest: clusters.largest(LARGEST).into_iter().map(large).collect(),
            rounds,
            unsure: clusterer.taken().unsure,
            flagged: clusters.alarms().map(flag).collect(),
            remarks: shown.remarks.clone(),
        }
    }

    fn text(&self) -> String {
        let as_of = self.as_of.map_or_else(String::new, |time| format!(" to {time}"));
        let mut text = format!(
            "{:<10} {} addresses, {} of them in {} clusters; {} transactions{as_of}\n           rules {}\n",
            self.chain.name(),
            self.addresses,
            self.clustered,
            self.clusters,
            self.transactions,
            self.rules.join(", "),
        );
        for row in &self.largest {
            text += &format!(
                "           {:>8} addresses with {}\n",
                row.size,
                row.cluster.address_text()
            );
        }
        if !self.rounds.is_empty() {
            let rounds = self.rounds.iter().map(|(family, count)| format!("{count} {family}"));
            let rounds: Vec<String> = rounds.collect();
            text += &format!(
                "           CoinJoin rounds, which merge nothing: {}\n",
                rounds.join(", ")
            );
        }
        if self.unsure > 0 {
            text += &format!(
                "           {} transactions could be rounds, were their inputs known: they merge nothing\n",
                self.unsure
            );
        }
        for flag in &self.flagged {
            text += &format!(
                "FLAGGED    {} joined {} and {} addresses by {}; `interdict clusters exclude` takes it back\n",
                flag.tx, flag.smaller, flag.larger, flag.rule
            );
        }
        self.remarks.iter().for_each(|remark| text += &format!("           {remark}\n"));
        text
    }
}

fn explain(home: &Home, args: &ClustersExplainArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let (a, b) = (account(&store, &args.a, args.chain)?, account(&store, &args.b, args.chain)?);
    if a.chain != b.chain {
        bail!("{a} and {b} are on two chains: `interdict who` says where one key signed on both");
    }
    let shown = shown(&store, &book(&store)?, a.chain, out)?;
    let clusterer = &shown.clusterer;
    let path = clusterer.clusters().explain(number(clusterer, &a)?, number(clusterer, &b)?);
    let steps: Vec<StepRow> =
        path.iter().flatten().map(|step| StepRow::of(clusterer, step)).collect();
    if args.format == TextFormat::Json {
        out.json(&serde_json::json!({ "format": "interdict-explain/1", "a": a, "b": b,
            "is_one_cluster": path.is_some(), "steps": steps, "remarks": shown.remarks }))?;
    } else {
        out.print(&path_text(&a, &b, path.is_some(), &steps))?;
    }
    Ok(if path.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One merge, as it is shown.
#[derive(serde::Serialize)]
pub struct StepRow {
    a: Account,
    b: Account,
    rule: String,
    confidence: u8,
    tx: TxId,
    caveat: &'static str,
}

impl StepRow {
    pub fn of(clusterer: &Clusterer, step: &Step) -> StepRow {
        StepRow {
            a: clusterer.account(step.a),
            b: clusterer.account(step.b),
            rule: format!("{}/{}", step.rule, step.rule.version()),
            confidence: step.rule.confidence(),
            tx: TxId { chain: clusterer.chain(), hash: step.tx },
            caveat: step.rule.caveat(),
        }
    }
}

fn path_text(a: &Account, b: &Account, is_one: bool, steps: &[StepRow]) -> String {
    if !is_one {
        return format!(
            "{} and {} are of different clusters: nothing that counts joins them.\n",
            a.address_text(),
            b.address_text()
        );
    }
    let mut text = format!("{}\n", a.address_text());
    for step in steps {
        text += &format!(
            "  {} ({}), in {}\n    {}\n{}\n",
            step.rule,
            step.confidence,
            step.tx.hash_text(),
            step.caveat,
            step.b.address_text(),
        );
    }
    text
}

fn exclude(home: &Home, args: &ClustersExcludeArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let what = match args.what.parse::<Rule>() {
        Ok(rule) => format!("rule:{rule}"),
        Err(_) => match source::find(&store, &args.what, args.chain, &[])? {
            trace::Source::Transaction(tx) => format!("tx:{tx}"),
            _ => bail!("{} is no transaction and no rule", plain(&args.what)),
        },
    };
    let is_changed = if args.include {
        store.remove_exclusion(&what)?
    } else {
        let reason = args.reason.clone().unwrap_or_default();
        let at = Timestamp::from_second(Timestamp::now().as_second())?;
        store.put_exclusion(&Exclusion { what: what.clone(), reason, at })?
    };
    out.print(&match (is_changed, args.include) {
        (true, true) => format!("{what} counts again.\n"),
        (true, false) => format!("{what} counts no more.\n"),
        (false, true) => format!("{what} was not excluded: nothing changed.\n"),
        (false, false) => format!("{what} is excluded already: nothing changed.\n"),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn members(home: &Home, args: &ClustersMembersArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    let account = account(&store, &args.address, args.chain)?;
    let shown = shown(&store, &book(&store)?, account.chain, out)?;
    let clusterer = &shown.clusterer;
    let members = clusterer.clusters().members(number(clusterer, &account)?);
    let members: Vec<Account> =
        members.into_iter().map(|member| clusterer.account(member)).collect();
    if args.format == TextFormat::Json {
        out.json(&serde_json::json!({ "format": "interdict-members/1", "account": account,
            "cluster": members.first(), "members": members, "remarks": shown.remarks }))?;
    } else {
        let text: String =
            members.iter().map(|member| format!("{}\n", member.address_text())).collect();
        out.print(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}
