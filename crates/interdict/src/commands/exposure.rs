//! `interdict exposure`: what an address had to do with, and whom.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use model::{Account, Chain, View};
use store::Store;
use trace::Source;
use trace::exposure::walk::{self, Ask};
use trace::exposure::{Basis, Caps, Exposure, Flow, Marked, ServiceRow, Way};

use crate::cli::exposure::HowArgs;
use crate::cli::{ExposureArgs, ExposureCommand, ExposureUpdateArgs, Side, TextFormat};
use crate::exposure::{self, How, Screening, Updated};
use crate::home::Home;
use crate::out::Out;
use crate::render::plain;
use crate::source;

/// How often labels and lists are read again by an update that goes on.
const LABELS_EVERY: Duration = Duration::from_secs(60);

pub fn run(home: &Home, args: ExposureArgs, out: &Out) -> Result<ExitCode> {
    if let Some(ExposureCommand::Update(args)) = args.command {
        return update(home, &args, out);
    }
    let store = home.open_existing()?;
    let exposure = of(home, &store, &args.addresses, &args.how, out)?;
    match args.format {
        TextFormat::Json => out.json(&exposure)?,
        TextFormat::Table => out.print(&table(&exposure))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The exposure of the addresses that were typed, walked where that is asked for or needed.
pub fn of(
    home: &Home,
    store: &Store,
    addresses: &[String],
    how: &HowArgs,
    out: &Out,
) -> Result<Exposure> {
    let accounts = accounts(store, addresses, how.chain)?;
    let marked = exposure::marked(super::labels::book(store)?);
    let ways = match how.direction {
        None => vec![Way::In, Way::Out],
        Some(Side::In) => vec![Way::In],
        Some(Side::Out) => vec![Way::Out],
    };
    let [account] = accounts.as_slice() else {
        return walked(store, &marked, accounts, ways, how, out);
    };
    if how.walk {
        return walked(store, &marked, accounts, ways, how, out);
    }
    let rules = trace::risk::Rules::shipped();
    let screening = Screening::open(home.path(), store, marked, rules)?;
    let screened = screening.screen(account)?;
    match screened.exposure {
        Some(mut exposure) => {
            exposure.flows.retain(|flow| ways.contains(&flow.direction));
            Ok(exposure)
        }
        None => {
            out.note(&format!("{}; walking instead", screened.unknown.unwrap_or_default()));
            walked(store, screening.marked(), accounts, ways, how, out)
        }
    }
}

fn walked(
    store: &Store,
    marked: &Marked,
    accounts: Vec<Account>,
    ways: Vec<Way>,
    how: &HowArgs,
    out: &Out,
) -> Result<Exposure> {
    let ask = Ask {
        ways,
        policy: how.policy.unwrap_or(trace::Policy::Haircut),
        caps: caps(how)?,
        prices: exposure::prices(store)?,
        ..Ask::of(accounts)
    };
    let spinner = out.spinner("following the money");
    let exposure = walk::of(store, marked, &ask);
    spinner.finish_and_clear();
    Ok(exposure?)
}

fn caps(how: &HowArgs) -> Result<Caps> {
    let mut caps = Caps::USUAL;
    caps.hops = how.hops.unwrap_or(caps.hops);
    caps.days = how.days;
    caps.transfers = how.budget.unwrap_or(caps.transfers);
    caps.hub_degree = how.hub.unwrap_or(caps.hub_degree);
    if let Some(percent) = how.share {
        if !(0.0..=100.0).contains(&percent) {
            bail!("--share {percent}: expected 0 to 100 percent");
        }
        caps.share_e6 = format!("{:.0}", percent * 10_000.0).parse()?;
    }
    Ok(caps)
}

fn accounts(store: &Store, texts: &[String], chain: Option<Chain>) -> Result<Vec<Account>> {
    let mut accounts = Vec::new();
    for text in texts {
        match source::find(store, text, chain, &[])? {
            Source::Account(account) => accounts.push(account),
            other => bail!("{other} is no address: an exposure is that of addresses"),
        }
    }
    accounts.sort();
    accounts.dedup();
    if let (Some(first), Some(last)) = (accounts.first(), accounts.last())
        && first.chain != last.chain
    {
        bail!("{first} and {last} are of different chains: expected a cluster of one");
    }
    Ok(accounts)
}

fn update(home: &Home, args: &ExposureUpdateArgs, out: &Out) -> Result<ExitCode> {
    let mut store = home.open_existing()?;
    let mut marked = exposure::marked(super::labels::book(&store)?);
    let mut read = Instant::now();
    loop {
        let done = update_once(home, &store, &marked, args, out)?;
        let Some(seconds) = args.every else { return Ok(ExitCode::SUCCESS) };
        if done.iter().any(|one| one.how == How::Whole) {
            out.note("going on; new blocks are taken in as they come");
        }
        // Nothing is lost when it is killed: every step is one commit.
        thread::sleep(Duration::from_secs(seconds));
        store.refresh()?;
        if read.elapsed() >= LABELS_EVERY {
            marked = exposure::marked(super::labels::book(&store)?);
            read = Instant::now();
        }
    }
}

/// Says what was done; of those that go on, only where something was.
fn update_once(
    home: &Home,
    store: &Store,
    marked: &Marked,
    args: &ExposureUpdateArgs,
    out: &Out,
) -> Result<Vec<Updated>> {
    let mut held = store.coverage()?;
    if let Some(chain) = args.chain {
        held.retain(|coverage| coverage.chain == chain);
        if held.is_empty() {
            bail!("no transfers of {} are stored", chain.name());
        }
    }
    let mut done = Vec::new();
    for coverage in &held {
        let reading = format!("reading {}", coverage.chain.name());
        let bar = out.count_bar(coverage.transfers, reading);
        let told = &mut |done| bar.set_position(done);
        let one = exposure::update(home.path(), store, marked, coverage, args.whole, told);
        bar.finish_and_clear();
        done.push(one?);
    }
    if args.every.is_some() {
        done.retain(|one| one.how != How::Nothing);
    }
    match args.format {
        TextFormat::Json if args.every.is_some() && done.is_empty() => {}
        TextFormat::Json => out.json(&done)?,
        TextFormat::Table => done.iter().try_for_each(|one| out.print(&updated(one)))?,
    }
    Ok(done)
}

fn updated(done: &Updated) -> String {
    let how = match (done.how, &done.why) {
        (How::Nothing, _) => "up to date".to_string(),
        (How::Blocks, _) => "new blocks taken in".to_string(),
        (How::Whole, Some(why)) => format!("read whole ({why})"),
        (How::Whole, None) => "read whole".to_string(),
    };
    let up_to = done.height.map(|height| format!(", up to block {height}")).unwrap_or_default();
    format!("{}: {how}: {} transfers{up_to}\n", done.chain.name(), done.transfers)
}

fn table(exposure: &Exposure) -> String {
    let mut text = String::new();
    for account in &exposure.accounts {
        text += &format!("{account}\n");
    }
    for who in &exposure.own {
        let name = who.name.as_deref().unwrap_or(&who.id);
        text += &format!("  itself {}: {}\n", who.category, plain(name));
    }
    for flow in &exposure.flows {
        text += &flow_lines(flow);
    }
    if exposure.flows.is_empty() {
        text += "  nothing moved\n";
    }
    text += &format!("\nPolicy {}", exposure.policy);
    if let Some(caps) = &exposure.caps {
        let days = caps.days.map_or("all of time".into(), |days| format!("{days} days"));
        text += &format!(
            "; caps: {} hops, {days}, {:.4} % of a flow, {} transfers, hubs of {}",
            caps.hops,
            f64::from(caps.share_e6) / 1e4,
            caps.transfers,
            caps.hub_degree
        );
    }
    text += ".\n";
    if let Some(as_of) = &exposure.as_of {
        text += &as_of_line(as_of);
    }
    for remark in &exposure.remarks {
        text += &format!("{}.\n", plain(remark));
    }
    text += "Not found is not clean.\n";
    text
}

pub fn as_of_line(as_of: &trace::exposure::AsOf) -> String {
    let height = as_of.height.map(|height| format!(" block {height},")).unwrap_or_default();
    let labels = as_of.labels.get(..12).unwrap_or(&as_of.labels);
    let mut text = format!("As of{height} {} transfers, labels of {labels}.\n", as_of.transfers);
    if let Some(stale) = &as_of.stale {
        text += &format!("STALE: {stale}. `interdict exposure update` works it out anew.\n");
    }
    text
}

fn flow_lines(flow: &Flow) -> String {
    let head = match (flow.direction, flow.basis) {
        (Way::In, Basis::Held) => "Held now, by where it came from",
        (Way::In, Basis::Moved) => "Came in, followed to services",
        (Way::In, Basis::Counterparties) => "Came in, by counterparty",
        (Way::Out, Basis::Counterparties) => "Went out, by counterparty",
        (Way::Out, _) => "Went out, followed to services",
    };
    let usd =
        |usd: &Option<String>| usd.as_ref().map(|usd| format!(", {usd} USD")).unwrap_or_default();
    let mut text = format!("\n{head}: {}{}\n", amount(flow, flow.total.0), usd(&flow.usd));
    if flow.is_imitation {
        text += "  the token only calls itself so: it is worth nothing, and judged by no rule\n";
    }
    for row in &flow.services {
        text += &service_lines(flow, row);
    }
    let others = [
        ("no marked origin", flow.unlabelled.0),
        ("newly issued or burned", flow.issued.0),
        ("within the cluster", flow.internal.0),
        ("fees", flow.fees.0),
        ("became another asset", flow.crossed_out.0),
        ("came of another asset", flow.crossed_in.0),
    ];
    for (what, base) in others.iter().filter(|(_, base)| !base.is_zero()) {
        text += &format!("  {what}: {}\n", amount(flow, *base));
    }
    for cut in &flow.cut {
        text += &format!("  CUT by {}: {}\n", cap(cut.cap), amount(flow, cut.amount.0));
    }
    text
}

fn service_lines(flow: &Flow, row: &ServiceRow) -> String {
    let name = row.service.name.as_deref().unwrap_or(&row.service.id);
    let mut text = format!(
        "  {:6.2} %  {} ({}): {} direct, {} indirect",
        row.share * 100.0,
        plain(name),
        plain(&row.service.category),
        amount(flow, row.direct.0),
        amount(flow, row.indirect.0),
    );
    if let Some(usd) = &row.usd {
        text += &format!(", {usd} USD");
    }
    if let Some(hops) = row.hops_min {
        text += &format!(", {hops} hops at least");
    }
    text += "\n";
    if let Some(designation) = &row.designation {
        text += &format!(
            "            listed {}: {} before, {} after\n",
            designation.date,
            amount(flow, designation.before.0),
            amount(flow, designation.after.0)
        );
    }
    if let Some(path) = row.paths.first() {
        text += &format!("            by {}\n", path.transfers.join(" > "));
    }
    text
}

fn amount(flow: &Flow, base: model::U256) -> String {
    match flow.decimals {
        Some(decimals) => {
            let symbol = flow.symbol.as_deref().map(plain);
            let symbol = symbol.unwrap_or_else(|| flow.asset.to_string());
            format!("{} {symbol}", model::amount::format_units(base, decimals))
        }
        None => format!("{base} base units of {}", flow.asset),
    }
}

fn cap(cap: trace::exposure::Cap) -> &'static str {
    use trace::exposure::Cap;
    match cap {
        Cap::Hops => "the cap on hops",
        Cap::Time => "the cap on time",
        Cap::Share => "the cap on share",
        Cap::Work => "the cap on work",
        Cap::Hub => "an unlabelled hub",
        Cap::Dust => "dust or a look-alike address",
        Cap::Services => "the number of services kept apart",
    }
}
