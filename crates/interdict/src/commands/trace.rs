//! `interdict trace`: where did it go, where did it come from.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use chain::history::Budget;
use model::{AssetKind, Book, Chain, Direction, Registry, U256, View, amount};
use store::Store;
use trace::{Method, MinValue, Policy, Report, Settings};

use crate::bundle;
use crate::case::Case;
use crate::cli::{TraceArgs, TraceFormat};
use crate::home::Home;
use crate::out::Out;
use crate::render::Heading;
use crate::{providers, render, source};

/// Transfers of an account that is walked through, where each page of them is a request.
const HUB_ASKED: u64 = 2_000;

pub fn run(home: &Home, args: TraceArgs, out: &Out) -> Result<ExitCode> {
    let case = args.case.as_deref().map(Case::read).transpose()?;
    let configs = providers::read(home.path())?;
    let store = match &case {
        Some(case) => {
            case.check()?;
            let mut store = home.open()?;
            case.load(&mut store, out)?;
            if args.keep {
                case.keep(&mut store, out)?;
            }
            store
        }
        // What is asked for is kept, so there is a home from now on.
        None if !configs.is_empty() && !args.offline => home.open()?,
        None => home.open_existing()?,
    };
    let mut book = super::labels::book(&store)?;
    if let Some(case) = &case {
        case.add_labels(&mut book)?;
    }
    let set_up: Vec<Chain> = configs.iter().map(|config| config.chain).collect();
    let mut settings = settings(&store, &args, case.as_ref(), &set_up)?;
    let asked = of_sources(configs, &settings);
    if asked.is_empty() {
        if let Some(unknown) = args.yes_ask.first() {
            bail!("--yes-ask {unknown}: no provider of this chain is set up in interdict.toml");
        }
        return trace_over(&store, &book, settings, case.as_ref(), home, &args, out);
    }
    settings.method = Method::Frontier;
    let asked = match args.offline {
        true => Vec::new(),
        false => providers::agree(asked, &args.yes_ask, &store, out)?,
    };
    let budget = Budget::new(args.requests);
    let open = providers::open(&asked, &budget)?;
    let wants = providers::Wants {
        book: &book,
        settings: &settings,
        refresh: args.refresh,
        requests: args.requests,
        is_offline: args.offline,
    };
    let view = providers::Fetching::new(store, open, budget, wants)?;
    let code = trace_over(&view, &book, settings.clone(), case.as_ref(), home, &args, out)?;
    if view.requests() > 0 {
        let who: Vec<String> = asked.iter().map(providers::ProviderConfig::who).collect();
        out.note(&format!("{} requests to {}", view.requests(), who.join(", ")));
    }
    Ok(code)
}

/// The providers of the chains the trace starts on.
fn of_sources(
    configs: Vec<providers::ProviderConfig>,
    settings: &Settings,
) -> Vec<providers::ProviderConfig> {
    let chains: Vec<Chain> = settings.sources.iter().map(Settings::source_chain).collect();
    configs.into_iter().filter(|config| chains.contains(&config.chain)).collect()
}

fn trace_over(
    past: &dyn View,
    book: &Book,
    mut settings: Settings,
    case: Option<&Case>,
    home: &Home,
    args: &TraceArgs,
    out: &Out,
) -> Result<ExitCode> {
    if args.apart {
        return apart(past, book, &settings, args, out);
    }
    if args.bundle.is_some() {
        // What the walk asks for is what the bundle holds: it must ask for all of it.
        settings.method = Method::Frontier;
    }
    let spinner = out.spinner("following the money");
    let recorder = bundle::Recorder::new(past);
    let view: &dyn View = if args.bundle.is_some() { &recorder } else { past };
    let report = trace::run(view, book, &settings);
    spinner.finish_and_clear();
    let report = report?;
    let heading = heading(&report, case);
    write(&report, &heading, args, out)?;
    if let Some(path) = &args.bundle {
        let key = home.signing_key()?;
        let marking = heading.marking.unwrap_or_default();
        let past = recorder.into_past();
        let lines = bundle::write(&past, book, &settings, &report, &heading.title, marking, &key)?;
        save(path, &lines)?;
        out.note(&format!(
            "evidence written to {}; check it with `interdict verify {}`",
            path.display(),
            path.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Each source by itself: tables one after another, or an array of reports.
fn apart(
    view: &dyn View,
    book: &Book,
    settings: &Settings,
    args: &TraceArgs,
    out: &Out,
) -> Result<ExitCode> {
    if !matches!(args.format, TraceFormat::Table | TraceFormat::Json) {
        bail!(
            "--apart gives several reports, which go into a table or JSON: expected --format table or json"
        );
    }
    let one =
        |source: &trace::Source| Settings { sources: vec![source.clone()], ..settings.clone() };
    let thefts: Vec<Settings> = settings.sources.iter().map(one).collect();
    let spinner = out.spinner(format!("following {} thefts", thefts.len()));
    let reports: Result<Vec<Report>, _> =
        trace::run_many(view, book, &thefts).into_iter().collect();
    spinner.finish_and_clear();
    let reports = reports?;
    let text = if args.format == TraceFormat::Json {
        let mut text = serde_json::to_string_pretty(&reports)?;
        text.push('\n');
        text
    } else {
        let style = style(args, out);
        let tables: Vec<String> =
            reports.iter().map(|report| render::table(report, None, &style)).collect();
        tables.join("\n")
    };
    deliver(&text, args, out)?;
    Ok(ExitCode::SUCCESS)
}

fn settings(
    store: &Store,
    args: &TraceArgs,
    case: Option<&Case>,
    set_up: &[Chain],
) -> Result<Settings> {
    let said = case.map(|case| &case.file.settings);
    let chain = args.chain.or(case.and_then(|case| case.file.chain));
    let texts = match case {
        Some(case) if args.sources.is_empty() => &case.file.sources,
        _ => &args.sources,
    };
    let askable = if args.offline { &[] } else { set_up };
    let sources = texts
        .iter()
        .map(|text| source::find(store, text, chain, askable))
        .collect::<Result<Vec<_>>>()?;
    let policy = args.policy.or(said.and_then(|s| s.policy)).unwrap_or(Policy::Haircut);
    let mut settings = Settings::forward(sources, policy);
    settings.sources.sort();
    settings.sources.dedup();
    settings.direction = match (args.forward, args.backward, said.and_then(|s| s.direction)) {
        (_, true, _) => Direction::Backward,
        (true, _, _) | (_, _, None) => Direction::Forward,
        (_, _, Some(direction)) => direction,
    };
    settings.compare = args.compare;
    settings.method = args.method.unwrap_or_default();
    settings.hops_max = args.hops.or(said.and_then(|s| s.hops));
    settings.budget = args.budget.or(said.and_then(|s| s.budget)).unwrap_or(Settings::BUDGET);
    // Asking for all of a service's rows would use the budget up.
    let is_asked = settings.sources.iter().map(Settings::source_chain).any(|c| set_up.contains(&c));
    let hub = if is_asked { HUB_ASKED } else { Settings::HUB_DEGREE };
    settings.hub_degree = args.hub.or(said.and_then(|s| s.hub_degree)).unwrap_or(hub);
    settings.stop_confidence =
        said.and_then(|s| s.stop_confidence).unwrap_or(Settings::STOP_CONFIDENCE);
    store.prices()?.into_iter().for_each(|price| settings.prices.insert(price));
    settings.since = args.since;
    settings.until = args.until;
    if let Some(case) = case {
        settings.since = settings.since.or(case.since()?);
        settings.until = settings.until.or(case.until()?);
        settings.prices.prefer(&case.prices()?);
        settings.crossings = case.crossings()?;
    }
    if let (Some(since), Some(until)) = (settings.since, settings.until)
        && since > until
    {
        bail!("nothing lies between --since {since} and --until {until}");
    }
    let min_value = args.min_value.as_deref().or(said.and_then(|s| s.min_value.as_deref()));
    settings.min_value = min_value.map(|text| parse_min_value(text, &settings)).transpose()?;
    Ok(settings)
}

/// `100usd`, `0.5 ETH`, or a bare number of the source chain's native asset.
pub fn parse_min_value(text: &str, settings: &Settings) -> Result<MinValue> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, symbol) = (&text[..split], text[split..].trim());
    if symbol.eq_ignore_ascii_case("usd") {
        if settings.prices.iter().next().is_none() {
            bail!(
                "--min-value {text}: no price is known, so it would cut nothing: a case file or `interdict prices` gives prices, or name an amount such as `0.5 ETH`"
            );
        }
        return Ok(MinValue::UsdE12(
            amount::parse_units(number, 12).with_context(|| format!("--min-value {text}"))?,
        ));
    }
    let chain = settings.sources.first().map(Settings::source_chain);
    let wanted = |meta: &&model::AssetMeta| {
        let is_named =
            meta.symbol.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(symbol));
        Some(meta.asset.chain) == chain
            && if symbol.is_empty() { meta.asset.kind == AssetKind::Native } else { is_named }
    };
    let meta = Registry::shipped().iter().find(wanted).ok_or_else(|| {
        anyhow!(
            "--min-value {text}: expected `<number> <symbol>` of a known asset, or `<number>usd`"
        )
    })?;
    let base: U256 = amount::parse_units(number, meta.decimals.unwrap_or(0))
        .with_context(|| format!("--min-value {text}"))?;
    Ok(MinValue::Base { asset: meta.asset.clone(), base })
}

fn write(report: &Report, heading: &Heading, args: &TraceArgs, out: &Out) -> Result<()> {
    let text = match args.format {
        TraceFormat::Table => {
            render::table(report, args.case.is_some().then_some(heading), &style(args, out))
        }
        TraceFormat::Json => {
            let mut text = serde_json::to_string_pretty(report)?;
            text.push('\n');
            text
        }
        TraceFormat::Csv => render::csv(report),
        TraceFormat::Dot => render::dot(report),
        TraceFormat::Html => render::html(report, heading),
    };
    deliver(&text, args, out)
}

/// A file is read in any terminal.
fn style(args: &TraceArgs, out: &Out) -> render::Style {
    match args.out {
        Some(_) => render::Style { color: false, width: 80 },
        None => out.style(),
    }
}

fn deliver(text: &str, args: &TraceArgs, out: &Out) -> Result<()> {
    match &args.out {
        None => Ok(out.print(text)?),
        Some(path) => {
            save(path, text)?;
            out.note(&format!("written to {}", path.display()));
            Ok(())
        }
    }
}

/// Under another name first, so that a full disk never leaves half a file. What is no
/// plain file (a pipe, a terminal, `/dev/null`) is written to, never replaced.
fn save(path: &Path, text: &str) -> Result<()> {
    let doing = || format!("cannot write {}", path.display());
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    if fs::metadata(&whole).is_ok_and(|there| !there.is_file()) {
        return fs::write(&whole, text).with_context(doing);
    }
    let mut fresh = whole.as_os_str().to_owned();
    fresh.push(".part");
    fs::write(&fresh, text).with_context(doing)?;
    fs::rename(&fresh, &whole).with_context(doing)
}

fn heading(report: &Report, case: Option<&Case>) -> Heading {
    match case {
        Some(case) => Heading {
            title: case.file.title.clone(),
            summary: case.file.summary.clone(),
            marking: Some(case.file.marking),
        },
        None => Heading { title: title(report), ..Heading::default() },
    }
}

fn title(report: &Report) -> String {
    match report.sources.as_slice() {
        [one] => format!("Trace of {one}"),
        several => format!("Trace of {} sources", several.len()),
    }
}
