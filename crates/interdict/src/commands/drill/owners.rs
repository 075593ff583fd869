//! A town whose every address has a known owner: written as files, or measured on.

use std::collections::HashMap;
use std::process::ExitCode;

use anyhow::{Context, Result};
use drill::owners::{OwnersSettings, Town};
use entity::cluster::Excluded;
use entity::clusterer::{Clusterer, ServiceKind, Services};
use entity::heuristics::change::{self, Payment};
use entity::heuristics::{Met, Rule, Rules};
use entity::measure::{Pairs, share};
use model::{Address, Chain, Output, UtxoTransaction};

use super::{CsvFile, Folder, LABELS, TRUTH, labels};
use crate::cli::{DrillMeasureArgs, DrillOwnersArgs, TextFormat, TownArgs};
use crate::out::Out;

pub fn write(args: &DrillOwnersArgs, out: &Out) -> Result<ExitCode> {
    let town = town(&args.town)?;
    let folder = Folder::take(&args.out)?;
    let name = folder.name(1, false);
    let fresh = folder.fresh(&name);
    let doing = || format!("cannot write {}", fresh.display());
    let mut file = CsvFile::create(&fresh, args.town.chain).with_context(doing)?;
    for block in &town.blocks {
        file.block(block).with_context(doing)?;
    }
    file.close().with_context(doing)?;
    folder.publish(&name)?;
    folder.write(LABELS, &labels(&town.truth.services, args.town.chain))?;
    let mut text = serde_json::to_string_pretty(&town.truth)?;
    text.push('\n');
    folder.write(TRUTH, &text)?;
    let addresses: usize = town.truth.owners.iter().map(|owner| owner.addresses.len()).sum();
    out.print(&format!(
        "{} owners of {addresses} addresses, {} CoinJoin rounds\n\
         {}: {name} for `interdict import transfers-csv`, {LABELS} for `interdict labels import tagpack`, {TRUTH}\n",
        town.truth.owners.len(),
        town.truth.rounds.len(),
        args.out.display(),
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn town(args: &TownArgs) -> Result<Town> {
    let small = |count: u64, what: &str| {
        u32::try_from(count).with_context(|| format!("{count} {what} are too many for a town"))
    };
    let settings = OwnersSettings {
        chain: args.chain,
        seed: args.seed,
        transactions: small(args.transactions, "transactions")?,
        people: small(args.people, "people")?,
        has_payjoins: true,
    };
    Ok(Town::build(&settings)?)
}

/// One rule alone, and what clusters come of it.
#[derive(Clone, Debug, serde::Serialize)]
struct Row {
    rules: String,
    precision: Option<f64>,
    recall: Option<f64>,
    #[serde(flatten)]
    pairs: Pairs,
    change: Option<ChangeRow>,
}

/// How a rule of change does, payment by payment.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
struct ChangeRow {
    /// Payments whose change is known.
    payments: u64,
    /// Of these, the rule named an output.
    named: u64,
    /// Of those, another than the change.
    wrong: u64,
    error: Option<f64>,
}

pub fn measure(args: &DrillMeasureArgs, out: &Out) -> Result<ExitCode> {
    let spinner = out.spinner("building a town");
    let town = town(&args.town)?;
    let mut rows = Vec::new();
    for (name, rules) in sets(args.town.chain) {
        spinner.set_message(format!("measuring {name}"));
        let pairs = pairs(&town, &rules)?;
        let change = match rules.as_slice() {
            [rule] if args.town.chain.is_utxo() => change_of(&town, *rule),
            _ => None,
        };
        let (precision, recall) = (pairs.precision(), pairs.recall());
        rows.push(Row { rules: name, precision, recall, pairs, change });
    }
    spinner.finish_and_clear();
    if args.format == TextFormat::Json {
        out.json(&serde_json::json!({ "format": "interdict-clusters-measured/1",
            "chain": args.town.chain, "seed": args.town.seed,
            "owners": town.truth.owners.len(), "rounds": town.truth.rounds.len(), "rules": rows }))?;
    } else {
        out.print(&table(&town, &rows))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Each rule alone, those usually on, and each guess beside these.
fn sets(chain: Chain) -> Vec<(String, Vec<Rule>)> {
    let is_of_bitcoin =
        |rule: &Rule| !matches!(rule, Rule::DepositReuse | Rule::SharedFunding | Rule::SameKey);
    let is_here = |rule: &Rule| match chain.is_utxo() {
        true => is_of_bitcoin(rule),
        false => matches!(rule, Rule::DepositReuse | Rule::SharedFunding),
    };
    let here: Vec<Rule> = Rule::ALL.into_iter().filter(is_here).collect();
    let mut sets: Vec<(String, Vec<Rule>)> =
        here.iter().map(|rule| (rule.to_string(), vec![*rule])).collect();
    sets.push(("usual".into(), Rule::USUAL.to_vec()));
    let guesses = here.into_iter().filter(|rule| !Rule::USUAL.contains(rule));
    sets.extend(
        guesses.map(|rule| (format!("usual + {rule}"), [&Rule::USUAL[..], &[rule]].concat())),
    );
    sets
}

fn pairs(town: &Town, rules: &[Rule]) -> Result<Pairs> {
    let chain = town.truth.chain;
    let mut services = Services::default();
    for service in &town.truth.services {
        services.add(&Address::parse(&service.address, chain)?, ServiceKind::Exchange);
    }
    let mut clusterer = Clusterer::new(chain, Rules::of(rules), services, Excluded::default());
    for block in &town.blocks {
        block.transactions.iter().for_each(|tx| clusterer.take_utxo(tx));
        let of_one = block.transfers.chunk_by(|a, b| a.tx == b.tx);
        of_one.for_each(|transfers| clusterer.take_transfers(transfers));
    }
    let mut known = Vec::new();
    for (owner, named) in town.truth.owners.iter().enumerate() {
        for text in &named.addresses {
            if let Some(number) = clusterer.number(&Address::parse(text, chain)?) {
                known.push((clusterer.clusters().cluster(number), owner));
            }
        }
    }
    Ok(Pairs::count(known))
}

/// Only rules of change name an output.
fn change_of(town: &Town, rule: Rule) -> Option<ChangeRow> {
    let is_of_change = rule.name().starts_with("change-");
    is_of_change.then_some(())?;
    let truth: HashMap<&str, u32> =
        town.truth.changes.iter().map(|known| (known.tx.as_str(), known.output)).collect();
    let (mut row, mut seen) = (ChangeRow::default(), HashMap::new());
    for tx in town.blocks.iter().flat_map(|block| &block.transactions) {
        let met: Vec<Met> = tx.outputs.iter().map(|output| meet(&mut seen, output)).collect();
        if let Some(change) = truth.get(tx.id.hash_text().as_str()) {
            judge(tx, &met, rule, *change, &mut row);
        }
    }
    row.error = share(row.wrong, row.named);
    Some(row)
}

fn meet(seen: &mut HashMap<Address, u32>, output: &Output) -> Met {
    let next = u32::try_from(seen.len()).unwrap_or(u32::MAX);
    let number = *seen.entry(output.address.clone()).or_insert(next);
    Met { number, is_fresh: number == next }
}

fn judge(tx: &UtxoTransaction, met: &[Met], rule: Rule, known: u32, row: &mut ChangeRow) {
    let inputs = tx.inputs.iter().filter_map(|input| input.previous.as_ref()).collect();
    let payment = Payment { inputs, outputs: &tx.outputs, met };
    row.payments += 1;
    if let Some((at, _)) = change::find(&payment, Rules::of(&[rule])) {
        row.named += 1;
        row.wrong += u64::from(at != known as usize);
    }
}

fn table(town: &Town, rows: &[Row]) -> String {
    let truth = &town.truth;
    let mut text = format!(
        "{} owners, {} CoinJoin rounds, {} PayJoins; seed {}\n\n{:<24}{:>11}{:>9}{:>12}{:>10}{:>10}\n",
        truth.owners.len(),
        truth.rounds.len(),
        truth.payjoins.len(),
        truth.seed,
        "rules",
        "precision",
        "recall",
        "named",
        "wrong",
        "error",
    );
    let percent = |part: Option<f64>| {
        part.map_or_else(|| "-".to_string(), |part| format!("{:.2} %", part * 100.0))
    };
    for row in rows {
        let (named, wrong, error) = match &row.change {
            Some(change) => {
                (change.named.to_string(), change.wrong.to_string(), percent(change.error))
            }
            None => Default::default(),
        };
        text += &format!(
            "{:<24}{:>11}{:>9}{named:>12}{wrong:>10}{error:>10}\n",
            row.rules,
            percent(row.precision),
            percent(row.recall),
        );
    }
    text + "\nOn made-up owners: no promise about a real chain.\n"
}
