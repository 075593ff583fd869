//! `interdict risk backtest`: what rules would have raised over the stored past.
//!
//! Every address that dealt with a marked one, or holds what came from one, is judged as of
//! one time, from a sweep in memory. Nothing is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use drill::Truth;
use model::{
    Account, Asset, AssetMeta, Book, Chain, Confidence, Coverage, Label, Prices, Registry,
    Severity, Subject, Timestamp, View,
};
use store::Store;
use trace::exposure::{AsOf, Exposure, Marked, stored};
use trace::provenance::sweep::{self, Until};
use trace::provenance::{KeptEntry, Parts};
use trace::risk::{Risk, Rules, RulesName};

use super::severity_name;
use crate::cli::{BacktestArgs, TextFormat};
use crate::exposure;
use crate::home::Home;
use crate::out::Out;
use crate::render::plain;

pub fn run(home: &Home, args: &BacktestArgs, out: &Out) -> Result<ExitCode> {
    let store = home.open_existing()?;
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        bail!("nothing lies between --from {from} and --to {to}");
    }
    let named = |path: Option<&Path>| match path {
        Some(path) if path.as_os_str() == "shipped" => Ok(Rules::shipped()),
        path => exposure::rules(home.path(), path),
    };
    let mut sets = vec![named(args.rules.as_deref())?];
    if let Some(against) = &args.against {
        sets.push(named(Some(against))?);
    }
    let truth = args.truth.as_deref().map(read_truth).transpose()?;
    let mut book = super::super::labels::book(&store)?;
    if let Some(truth) = &truth {
        label_thieves(truth, &mut book)?;
    }
    let past = Past { marked: exposure::marked(book), prices: exposure::prices(&store)?, store };
    let mut held = past.store.coverage()?;
    held.retain(|coverage| args.chain.is_none_or(|chain| coverage.chain == chain));
    if held.is_empty() {
        bail!("no transfers are stored that could be judged");
    }
    let mut raised = past.judge(&held, args.to, &sets, out)?;
    if let Some(from) = args.from {
        let before = past.judge(&held, Some(from), &sets, out)?;
        raised.iter_mut().zip(&before).for_each(|(raised, before)| raised.leave_out(before));
    }
    let stolen = truth.as_ref().map(stolen).transpose()?;
    let answer = Answer::of(&raised, stolen.as_ref(), args);
    match args.format {
        TextFormat::Json => out.json(&answer)?,
        TextFormat::Table => out.print(&answer.table())?,
    }
    Ok(ExitCode::SUCCESS)
}

struct Past {
    store: Store,
    marked: Marked,
    prices: Prices,
}

/// What one set of rules raised.
struct Raised {
    rules: Rules,
    judged: usize,
    /// By rule: addresses.
    by_rule: BTreeMap<String, BTreeSet<Account>>,
    severities: BTreeMap<Account, Severity>,
    not_evaluated: BTreeMap<String, usize>,
}

impl Raised {
    fn new(rules: &Rules) -> Raised {
        Raised {
            rules: rules.clone(),
            judged: 0,
            by_rule: BTreeMap::new(),
            severities: BTreeMap::new(),
            not_evaluated: BTreeMap::new(),
        }
    }

    fn take(&mut self, account: &Account, risk: &Risk) {
        self.judged += 1;
        for reason in &risk.reasons {
            self.by_rule.entry(reason.rule.clone()).or_default().insert(account.clone());
        }
        let missing: BTreeSet<&String> = risk.not_evaluated.iter().map(|one| &one.rule).collect();
        for rule in missing {
            *self.not_evaluated.entry(rule.clone()).or_default() += 1;
        }
        if let Some(severity) = risk.severity {
            self.severities.insert(account.clone(), severity);
        }
    }

    /// What was raised before already.
    fn leave_out(&mut self, before: &Raised) {
        for (rule, accounts) in &mut self.by_rule {
            if let Some(known) = before.by_rule.get(rule) {
                accounts.retain(|account| !known.contains(account));
            }
        }
        self.severities.retain(|account, severity| {
            before.severities.get(account).is_none_or(|known| known < severity)
        });
    }
}

impl Past {
    fn judge(
        &self,
        held: &[Coverage],
        to: Option<Timestamp>,
        sets: &[Rules],
        out: &Out,
    ) -> Result<Vec<Raised>> {
        let mut raised: Vec<Raised> = sets.iter().map(Raised::new).collect();
        for coverage in held {
            let doing = format!("judging {}", coverage.chain.name());
            let bar = out.count_bar(coverage.transfers, doing);
            self.each(coverage.chain, to, &mut |done| bar.set_position(done), &mut |exposure| {
                for raised in &mut raised {
                    let risk = raised.rules.judge(&exposure);
                    raised.take(&exposure.accounts[0], &risk);
                }
            })?;
            bar.finish_and_clear();
        }
        Ok(raised)
    }

    /// The exposure of each address that anything marked concerns.
    fn each(
        &self,
        chain: Chain,
        to: Option<Timestamp>,
        told: &mut dyn FnMut(u64),
        visit: &mut dyn FnMut(Exposure),
    ) -> Result<()> {
        let mut columns = self.store.columns(chain)?;
        let until = to.map(Until::Time);
        let (books, read) = sweep::sweep(columns.as_mut(), &self.marked, until, told)?;
        let mut outputs: BTreeMap<Account, Vec<Parts>> = BTreeMap::new();
        for (_, output) in books.outputs() {
            outputs.entry(output.account.clone()).or_default().push(output.parts.clone());
        }
        let registry = Registry::shipped();
        let meta = |asset: &Asset| -> AssetMeta {
            let known = self.store.assets(std::slice::from_ref(asset)).ok();
            let known = known.and_then(|all| all.into_iter().next());
            known.unwrap_or_else(|| AssetMeta::unknown(asset.clone()))
        };
        let known = stored::Known {
            marked: &self.marked,
            registry,
            prices: &self.prices,
            as_of: AsOf {
                height: None,
                time: read.time_last,
                transfers: read.transfers,
                labels: String::new(),
                stale: None,
            },
            meta: &meta,
            name: &|origin| books.names().get(&origin).cloned(),
        };
        let nothing = Vec::new();
        sweep::resolve(&books, columns.as_ref(), &mut |kept| {
            for (account, entry) in &kept.entries {
                let own = outputs.get(account).unwrap_or(&nothing);
                if concerns(entry, own) {
                    visit(stored::of(account, entry, own, &known));
                }
            }
            Ok(())
        })?;
        Ok(())
    }
}

fn concerns(entry: &KeptEntry, outputs: &[Parts]) -> bool {
    let has_service = |parts: &Parts| parts.iter().any(|part| part.origin.is_service());
    !entry.dealings.is_empty()
        || entry.holdings.values().any(|holding| has_service(&holding.parts))
        || outputs.iter().any(has_service)
}

fn read_truth(path: &Path) -> Result<Truth> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{}: no drill's truth", path.display()))
}

/// As a case would: who took it is known, and nothing else.
fn label_thieves(truth: &Truth, book: &mut Book) -> Result<()> {
    for theft in &truth.thefts {
        book.add_label(Label {
            subject: Subject::Account(Account::parse(&theft.thief, truth.chain)?),
            name: theft.name.clone(),
            concepts: vec!["theft".into()],
            actor: None,
            confidence: Confidence { id: "ledger_immanent".into(), level: 100 },
            source: "truth of a drill".into(),
            collection: "truth of a drill".into(),
            date: None,
            file_hash: String::new(),
            network: None,
            tag: Default::default(),
        });
    }
    Ok(())
}

/// Everyone the stolen money came to, services and thieves left out.
fn stolen(truth: &Truth) -> Result<BTreeSet<Account>> {
    let mut stolen = BTreeSet::new();
    for theft in &truth.thefts {
        for hop in theft.hops.iter().filter(|hop| hop.service.is_none() && hop.to != theft.thief) {
            stolen.insert(Account::parse(&hop.to, truth.chain)?);
        }
    }
    Ok(stolen)
}

#[derive(serde::Serialize)]
struct Answer {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    sets: Vec<SetRow>,
    /// With two sets: addresses that only one of them raised, or raised higher.
    #[serde(skip_serializing_if = "Option::is_none")]
    compared: Option<Compared>,
    /// Of a drill: how many addresses the stolen money really came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    stolen: Option<usize>,
}

#[derive(serde::Serialize)]
struct SetRow {
    rules: RulesName,
    /// Addresses with any exposure, that were judged.
    judged: usize,
    raised: usize,
    by_severity: BTreeMap<&'static str, usize>,
    by_rule: Vec<RuleRow>,
}

#[derive(serde::Serialize)]
struct RuleRow {
    rule: String,
    version: u32,
    severity: Severity,
    raised: usize,
    /// For want of a price.
    not_evaluated: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    truth: Option<Against>,
}

/// What a rule raised, against where stolen money went. Money that was mixed with other money
/// is in both: who got a share of the mix is raised and is no victim's money for the truth.
#[derive(serde::Serialize)]
struct Against {
    right: usize,
    wrong: usize,
    missed: usize,
}

#[derive(serde::Serialize)]
struct Compared {
    both: usize,
    only_first: usize,
    only_second: usize,
    higher_in_first: usize,
    higher_in_second: usize,
    /// Some of those that only one raised.
    examples_first: Vec<Account>,
    examples_second: Vec<Account>,
}

impl Answer {
    fn of(raised: &[Raised], stolen: Option<&BTreeSet<Account>>, args: &BacktestArgs) -> Answer {
        let compared = match raised {
            [first, second] => Some(compare(&first.severities, &second.severities)),
            _ => None,
        };
        Answer {
            from: args.from,
            to: args.to,
            sets: raised.iter().map(|one| set_row(one, stolen)).collect(),
            compared,
            stolen: stolen.map(BTreeSet::len),
        }
    }

    fn table(&self) -> String {
        let mut text = String::new();
        for set in &self.sets {
            let name = &set.rules;
            text += &format!(
                "{} version {}: {} of {} addresses with any exposure\n",
                plain(&name.name),
                plain(&name.version),
                set.raised,
                set.judged
            );
            for (severity, count) in &set.by_severity {
                text += &format!("  {count:>8}  {severity}\n");
            }
            for row in &set.by_rule {
                text += &format!(
                    "  {:>8}  {} version {} ({})",
                    row.raised,
                    plain(&row.rule),
                    row.version,
                    severity_name(row.severity)
                );
                if row.not_evaluated > 0 {
                    text += &format!(", {} not evaluated", row.not_evaluated);
                }
                if let Some(truth) = &row.truth {
                    text += &format!(
                        ": {} got stolen money, {} did not, {} who did are missed",
                        truth.right, truth.wrong, truth.missed
                    );
                }
                text += "\n";
            }
        }
        if let Some(compared) = &self.compared {
            text += &format!(
                "Both {}; only the first {}, only the second {}; higher in the first {}, in the second {}.\n",
                compared.both,
                compared.only_first,
                compared.only_second,
                compared.higher_in_first,
                compared.higher_in_second
            );
        }
        if let Some(stolen) = self.stolen {
            text += &format!("Stolen money came to {stolen} addresses that are no service.\n");
        }
        text
    }
}

fn set_row(raised: &Raised, stolen: Option<&BTreeSet<Account>>) -> SetRow {
    let mut by_severity: BTreeMap<&'static str, usize> = BTreeMap::new();
    for severity in raised.severities.values() {
        *by_severity.entry(severity_name(*severity)).or_default() += 1;
    }
    let nobody = BTreeSet::new();
    let by_rule = raised.rules.rules.iter().map(|rule| {
        let found = raised.by_rule.get(&rule.id).unwrap_or(&nobody);
        let is_theft = rule.categories.iter().any(|category| category == "theft");
        let truth = stolen.filter(|_| is_theft).map(|stolen| Against {
            right: found.intersection(stolen).count(),
            wrong: found.difference(stolen).count(),
            missed: stolen.difference(found).count(),
        });
        RuleRow {
            rule: rule.id.clone(),
            version: rule.version,
            severity: rule.severity,
            raised: found.len(),
            not_evaluated: raised.not_evaluated.get(&rule.id).copied().unwrap_or_default(),
            truth,
        }
    });
    SetRow {
        rules: raised.rules.name.clone(),
        judged: raised.judged,
        raised: raised.severities.len(),
        by_severity,
        by_rule: by_rule.collect(),
    }
}

fn compare(first: &BTreeMap<Account, Severity>, second: &BTreeMap<Account, Severity>) -> Compared {
    const EXAMPLES: usize = 10;
    let only = |one: &BTreeMap<Account, Severity>, other: &BTreeMap<Account, Severity>| {
        one.keys().filter(|account| !other.contains_key(*account)).cloned().collect::<Vec<_>>()
    };
    let higher = |one: &BTreeMap<Account, Severity>, other: &BTreeMap<Account, Severity>| {
        let in_both = one.iter().filter_map(|(a, severity)| Some((severity, other.get(a)?)));
        in_both.filter(|(one, other)| one > other).count()
    };
    let (mut only_first, mut only_second) = (only(first, second), only(second, first));
    let (count_first, count_second) = (only_first.len(), only_second.len());
    only_first.truncate(EXAMPLES);
    only_second.truncate(EXAMPLES);
    Compared {
        both: first.len() - count_first,
        only_first: count_first,
        only_second: count_second,
        higher_in_first: higher(first, second),
        higher_in_second: higher(second, first),
        examples_first: only_first,
        examples_second: only_second,
    }
}
