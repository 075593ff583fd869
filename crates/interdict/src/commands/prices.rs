//! `interdict prices`: what a whole unit was worth, when, and who says so.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use chain::prices::CoinGecko;
use model::{Price, amount};

use crate::cli::{
    PriceFetchArgs, PriceImportArgs, PriceListArgs, PricesArgs, PricesCommand, TextFormat,
};
use crate::home::Home;
use crate::out::Out;
use crate::providers::{self, PricesConfig};

pub fn run(home: &Home, args: PricesArgs, out: &Out) -> Result<ExitCode> {
    match args.command {
        PricesCommand::Import(args) => import(home, &args, out),
        PricesCommand::Fetch(args) => fetch(home, &args, out),
        PricesCommand::List(args) => list(home, &args, out),
    }
}

fn import(home: &Home, args: &PriceImportArgs, out: &Out) -> Result<ExitCode> {
    let file = args.path.display().to_string();
    let bytes = fs::read(&args.path).with_context(|| format!("cannot read {file}"))?;
    let prices = chain::prices::read_csv(&file, &bytes, &args.asset, &args.source)?;
    let store = home.open()?;
    let changed = store.put_prices(&prices)?;
    out.print(&format!("{file}: {} prices, {changed} new or changed\n", prices.len()))?;
    Ok(ExitCode::SUCCESS)
}

fn fetch(home: &Home, args: &PriceFetchArgs, out: &Out) -> Result<ExitCode> {
    if args.from > args.to {
        bail!("no day lies between --from {} and --to {}", args.from, args.to);
    }
    let configs = providers::read_prices(home.path())?;
    let is_wanted =
        |config: &&PricesConfig| args.service.as_ref().is_none_or(|n| config.name == *n);
    let config = configs.iter().find(is_wanted).ok_or_else(|| {
        anyhow!("no such service of prices is set up: expected [prices.<name>] in interdict.toml")
    })?;
    let store = home.open()?;
    providers::agree_prices(config, args.yes_ask, &store, out)?;
    let service = CoinGecko::new(&config.url, config.key()?, &args.asset)?;
    // The day stands in the price itself; when it was asked decides nothing.
    let source = format!("{}, {}", service.name(), args.id);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = service.prices(&args.asset, &args.id, (args.from, args.to), &source);
    let prices = runtime.block_on(asked)?;
    let changed = store.put_prices(&prices)?;
    out.print(&format!("{}: {} prices, {changed} new or changed\n", service.name(), prices.len()))?;
    Ok(ExitCode::SUCCESS)
}

fn list(home: &Home, args: &PriceListArgs, out: &Out) -> Result<ExitCode> {
    let mut prices = home.open_existing()?.prices()?;
    prices.retain(|price| args.asset.as_ref().is_none_or(|asset| price.asset == *asset));
    if args.format == TextFormat::Json {
        let rows: Vec<_> = prices
            .iter()
            .map(|price| {
                serde_json::json!({
                    "asset": price.asset, "date": price.date, "at": price.at,
                    "usd": usd(price), "source": price.source,
                })
            })
            .collect();
        out.json(&rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    if prices.is_empty() {
        out.print("No prices. `interdict prices import` takes them in.\n")?;
    }
    for price in &prices {
        let when = price.at.map_or_else(|| price.date.to_string(), |at| at.to_string());
        out.print(&format!("{}  {when}  {} USD  {}\n", price.asset, usd(price), price.source))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn usd(price: &Price) -> String {
    amount::format_units(model::U256::from(price.usd_e12), 12)
}
