//! `interdict cost`: what compliance costs in a year, with and without Interdict.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use case::cost::{self, Assumptions, Business, Cost, Kind};

use crate::cli::{CostArgs, TextFormat};
use crate::out::Out;
use crate::render::plain;

pub fn run(args: &CostArgs, out: &Out) -> Result<ExitCode> {
    if args.show_assumptions {
        out.print(Assumptions::text())?;
        return Ok(ExitCode::SUCCESS);
    }
    let given = match &args.assumptions {
        None => Assumptions::shipped(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            Assumptions::read(&text).with_context(|| format!("cannot use {}", path.display()))?
        }
    };
    let given = given.with(&own(&args.set)?)?;
    let cost = cost::reckon(&business(args), &given)?;
    match args.format {
        TextFormat::Json => out.json(&cost)?,
        TextFormat::Table => out.print(&table(&cost))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn own(set: &[String]) -> Result<BTreeMap<String, f64>> {
    let read = |text: &String| -> Result<(String, f64)> {
        let expected = || format!("--set {text:?}: expected ID=VALUE, as licence_usd=60000");
        let (id, value) = text.split_once('=').with_context(expected)?;
        Ok((id.trim().to_string(), value.trim().parse().with_context(expected)?))
    };
    set.iter().map(read).collect()
}

fn business(args: &CostArgs) -> Business {
    let usual = Business::default();
    Business {
        staff: args.staff.unwrap_or(usual.staff),
        analysts: args.analysts.unwrap_or(usual.analysts),
        transfers_month: args.transfers_month.unwrap_or(usual.transfers_month),
        volume_month_usd: args.volume_month.unwrap_or(usual.volume_month_usd),
        custody_usd: args.custody.unwrap_or(usual.custody_usd),
        diligence_cases: args.diligence.unwrap_or(usual.diligence_cases),
        jurisdictions: match args.jurisdiction.is_empty() {
            true => usual.jurisdictions,
            false => args.jurisdiction.clone(),
        },
        licences: args.licences,
        in_place: args.in_place.iter().cloned().collect(),
    }
}

fn table(cost: &Cost) -> String {
    let mut text = format!("{:<28} {:>14} {:>14}\n", "USD a year", "without", "with Interdict");
    for part in &cost.parts {
        let (without, with) = (usd(part.without_usd), usd(part.with_usd));
        let _ = writeln!(text, "{:<28} {without:>14} {with:>14}", part.title);
        let _ = writeln!(text, "    {}", part.how);
    }
    let (without, with) = (usd(cost.without_usd), usd(cost.with_usd));
    let _ = writeln!(text, "{:<28} {without:>14} {with:>14}", "together");
    let saved = match cost.saved_usd >= 0.0 {
        true => format!("Interdict costs {} less", usd(cost.saved_usd)),
        false => format!("Interdict costs {} more", usd(-cost.saved_usd)),
    };
    let small = usd(cost.small_exchange_usd);
    let _ = writeln!(text, "{saved}. Said of a small exchange, all in all: {small}.\n");
    let level = format!("{:?}", cost.risk.level).to_lowercase();
    let _ = writeln!(
        text,
        "risk {level}, {:.0} of 100; reckoned with to be lost in a year: {}",
        cost.risk.score,
        usd(cost.risk.expected_loss_usd)
    );
    for gap in &cost.gaps {
        let mark = if gap.is_met { "in place" } else { "missing " };
        let _ = writeln!(text, "  {mark}  {}", plain(&gap.check.title));
        if !gap.is_met {
            let price = gap.cost_usd.map(|price| format!(" About {} a year.", usd(price)));
            let (why, act) = (plain(&gap.check.why), plain(&gap.check.act));
            let _ = writeln!(text, "            {why} {act}{}", price.unwrap_or_default());
        }
    }
    text.push_str("\nFigures\n");
    for figure in &cost.assumptions {
        let kind = match figure.kind {
            Kind::Published => "published",
            Kind::Stated => "stated, no publication found",
            Kind::Assumed => "assumed",
            Kind::Own => "yours",
        };
        let (id, unit) = (plain(&figure.id), plain(&figure.unit));
        let _ = writeln!(text, "  {id:<24} {:>12} {unit} ({kind})", figure.value);
    }
    for remark in &cost.remarks {
        let _ = writeln!(text, "{remark}");
    }
    text
}

/// Whole dollars, in groups of three.
fn usd(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if value < 0.0 && grouped != "0" { "-" } else { "" };
    format!("{sign}{grouped}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_grouped() {
        let all = [(0.0, "0"), (999.6, "1,000"), (1_234_567.0, "1,234,567"), (-0.2, "0")];
        for (value, text) in all {
            assert_eq!(usd(value), text);
        }
    }

    #[test]
    fn every_part_every_gap_and_every_figure_is_printed() {
        let given = Assumptions::shipped();
        let cost = cost::reckon(&Business::default(), &given).unwrap();
        let text = table(&cost);
        let titles = cost.parts.iter().map(|part| part.title.to_string());
        let gaps = cost.gaps.iter().map(|gap| gap.check.title.clone());
        let figures = given.figures.iter().map(|figure| figure.id.clone());
        for told in titles.chain(gaps).chain(figures) {
            assert!(text.contains(&told), "{told}");
        }
    }
}
