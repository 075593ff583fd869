//! `interdict risk`: what an exposure means, by rules that can be read.

mod backtest;

use std::process::ExitCode;

use anyhow::Result;
use trace::exposure::Exposure;
use trace::risk::{Reason, Risk, Rules};

use crate::cli::{RiskArgs, RiskCommand, RiskRulesArgs, TextFormat};
use crate::exposure;
use crate::home::Home;
use crate::out::Out;
use crate::render::plain;

const FIRED: u8 = 10;

pub fn run(home: &Home, args: RiskArgs, out: &Out) -> Result<ExitCode> {
    match args.command {
        Some(RiskCommand::Rules(args)) => return rules(home, &args, out),
        Some(RiskCommand::Backtest(args)) => return backtest::run(home, &args, out),
        None => {}
    }
    let store = home.open_existing()?;
    let rules = exposure::rules(home.path(), args.rules.as_deref())?;
    let exposure = super::exposure::of(home, &store, &args.addresses, &args.how, out)?;
    let risk = rules.judge(&exposure);
    match args.format {
        TextFormat::Json => {
            out.json(&serde_json::json!({ "risk": risk, "exposure": exposure }))?;
        }
        TextFormat::Table => out.print(&table(&risk, &exposure))?,
    }
    let is_fired = risk.severity.is_some();
    Ok(if is_fired { ExitCode::from(FIRED) } else { ExitCode::SUCCESS })
}

fn table(risk: &Risk, exposure: &Exposure) -> String {
    let mut text = String::new();
    for account in &risk.accounts {
        text += &format!("{account}\n");
    }
    text += &match risk.severity {
        Some(severity) => format!("{}\n", severity_name(severity).to_uppercase()),
        None => "no rule fired\n".to_string(),
    };
    risk.reasons.iter().for_each(|reason| text += &reason_lines(reason));
    for missing in &risk.not_evaluated {
        text += &format!("  not evaluated: {}: {}\n", plain(&missing.rule), plain(&missing.why));
    }
    let name = &risk.rules;
    let hash = name.hash.get(..12).unwrap_or(&name.hash);
    text += &format!("\nRules {} version {} ({hash}).\n", plain(&name.name), plain(&name.version));
    if let Some(as_of) = &exposure.as_of {
        text += &super::exposure::as_of_line(as_of);
    }
    for remark in &exposure.remarks {
        text += &format!("{}.\n", plain(remark));
    }
    text += "Not found is not clean.\n";
    text
}

fn reason_lines(reason: &Reason) -> String {
    let mut text = format!(
        "  {:6}  {} version {}: {}\n",
        severity_name(reason.severity),
        plain(&reason.rule),
        reason.version,
        plain(&reason.why)
    );
    text += &format!("          basis: {}\n", plain(&reason.basis));
    if let Some(id) = reason.evidence.first() {
        let more = reason.evidence.len() - 1;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        text += &format!("          evidence: {id}{more}\n");
    }
    text
}

fn severity_name(severity: model::Severity) -> &'static str {
    use model::Severity;
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
    }
}

fn rules(home: &Home, args: &RiskRulesArgs, out: &Out) -> Result<ExitCode> {
    if args.toml {
        out.print(Rules::SHIPPED)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rules = exposure::rules(home.path(), args.rules.as_deref())?;
    if args.format == TextFormat::Json {
        out.json(&serde_json::json!({ "rules": rules.name, "rule": rules.rules }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let name = &rules.name;
    out.print(&format!(
        "{} version {} ({})\n",
        plain(&name.name),
        plain(&name.version),
        name.hash
    ))?;
    for rule in &rules.rules {
        out.print(&format!(
            "{:6}  {} version {}: {}\n        {}\n        basis: {}\n",
            severity_name(rule.severity),
            plain(&rule.id),
            rule.version,
            plain(&rule.title),
            rule.categories.join(", "),
            plain(&rule.basis)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
