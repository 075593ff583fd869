//! `interdict token`: is it what it claims, and what can be done to who holds it?

mod node;
mod table;

use std::fs;
use std::process::ExitCode;

use alloy_primitives::Address;
use anyhow::{Context, Result, anyhow, bail};
use model::{Account, Asset, Book, Chain, Registry, View, identifier};
use store::Store;
use token::declared::{self, Declared};
use token::{Age, Check, Inputs, Verified, Weight};

use crate::cli::{TextFormat, TokenArgs};
use crate::home::Home;
use crate::out::Out;
use crate::providers;

/// Something traps or deceives.
const DANGER: u8 = 10;

pub fn run(home: &Home, args: &TokenArgs, out: &Out) -> Result<ExitCode> {
    let declared = read_declared(args)?;
    let node = args.rpc.as_deref().map(|url| node::Node::connect(url, args)).transpose()?;
    let chain = args.chain.or_else(|| node.as_ref().map(node::Node::chain));
    let asset = asset(&args.contract, chain)?;
    if let Some(other) = declared.as_ref().filter(|file| file.contract != asset) {
        bail!("the declarations are of {}, not of {asset}", other.contract);
    }
    if let Some(node) = node.as_ref().filter(|node| node.chain() != asset.chain) {
        bail!("{asset} is asked about, but the node is on {}", node.chain().name());
    }
    let store = open_store(home)?;
    let book = match &store {
        Some(store) => super::labels::book(store)?,
        None => Book::default(),
    };
    let pools = args.pool.iter().map(|text| evm(text, asset.chain)).collect::<Result<_>>()?;
    let inputs = Inputs {
        registry: Registry::shipped(),
        book: &book,
        view: store.as_ref().map(|store| store as &dyn View),
        declared: declared.as_ref(),
        age: node.as_ref().map_or_else(
            || Age::Unknown { why: "no node was asked".into() },
            |node| node.age(&asset, out),
        ),
        verified: verified(home, store.as_ref(), &asset, args, out)?,
        pools,
        asset,
    };
    let check = match &node {
        Some(node) => {
            let check = token::check(node, &inputs)?;
            node.must_still_stand()?;
            check
        }
        None => token::without_state(&inputs)?,
    };
    show(&check, args.format, out)
}

fn show(check: &Check, format: TextFormat, out: &Out) -> Result<ExitCode> {
    match format {
        TextFormat::Json => out.json(check)?,
        TextFormat::Table => out.print(&table::of(check))?,
    }
    Ok(match check.worst() {
        Weight::Danger => ExitCode::from(DANGER),
        _ => ExitCode::SUCCESS,
    })
}

/// A home that is not there yet knows nothing; that is no error here.
fn open_store(home: &Home) -> Result<Option<Store>> {
    match home.has_store() {
        true => home.open_existing().map(Some),
        false => Ok(None),
    }
}

fn read_declared(args: &TokenArgs) -> Result<Option<Declared>> {
    let Some(path) = &args.declared else { return Ok(None) };
    let file = path.display().to_string();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
    Ok(Some(declared::read(&file, &text)?))
}

/// The token a person means: CAIP-19, CAIP-10, or an address and its chain.
fn asset(text: &str, chain: Option<Chain>) -> Result<Asset> {
    if let Ok(asset) = text.parse::<Asset>() {
        if asset.contract().is_none() {
            bail!("{asset} is no contract");
        }
        return Ok(asset);
    }
    let account = match chain {
        Some(chain) => text.parse::<Account>().or_else(|_| Account::parse(text, chain))?,
        None => {
            let all = identifier::candidates(text);
            match all.as_slice() {
                [one] => one.clone(),
                [] => bail!("{text:?} is no address, CAIP-10 or CAIP-19"),
                [first, ..] if matches!(first.chain, Chain::Evm(_)) => {
                    bail!("{text} may be on several chains: say --chain, or give a node")
                }
                [first, ..] => first.clone(),
            }
        }
    };
    if matches!(account.chain, Chain::Bitcoin(_)) {
        bail!("{} has no token contracts", account.chain.name());
    }
    Ok(Asset::token(account.chain, account.address))
}

fn evm(text: &str, chain: Chain) -> Result<Address> {
    match Account::parse(text, chain)?.address {
        model::Address::Evm(bytes) => Ok(Address::from(bytes)),
        _ => Err(anyhow!("--pool {text}: only pools of EVM chains are read")),
    }
}

fn verified(
    home: &Home,
    store: Option<&Store>,
    asset: &Asset,
    args: &TokenArgs,
    out: &Out,
) -> Result<Verified> {
    let unknown = |why: &str| Ok(Verified::Unknown { why: why.into() });
    let configs = providers::read_sources(home.path())?;
    let Some(config) = configs.iter().find(|config| config.chain.is_none_or(|c| c == asset.chain))
    else {
        return unknown("no service of published sources is set up");
    };
    let Some(model::Address::Evm(address)) = asset.contract() else {
        return unknown("only contracts of EVM chains are asked about");
    };
    if !providers::agree_sources(config, &args.yes_ask, store, home, out)? {
        return unknown("the service that is set up was never agreed to");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let service = config.service()?;
    match runtime.block_on(service.published(asset.chain, *address)) {
        Ok(Some(name)) => Ok(Verified::Yes { provider: config.who(), name: Some(name) }),
        Ok(None) => Ok(Verified::No { provider: config.who() }),
        Err(error) => Ok(Verified::Unknown { why: error.to_string() }),
    }
}
