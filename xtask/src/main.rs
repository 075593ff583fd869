//! The one entry point for people who build Interdict: `cargo xtask help`.
//!
//! Plain processes, run in order, each one named as it starts. Nothing here is
//! part of the product.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for the terminal talks to the terminal"
)]

mod api;
mod bench;
mod demo;
mod fuzz;
mod generate;
mod place;
mod run;
mod served;
mod test;
mod tidy;
mod tools;
mod web;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask <command>

  demo  [--no-build] [--no-browser]
                                  build Interdict, trace the Bybit theft, open it in a browser
  test  [--keep-going] [STEP…]    everything a change must pass; STEP runs only those named
  ci                              the same as test
  tidy                            only the house rules of the tree
  tools                           fetch what the tests run against
  web                             build the page that the server embeds
  gen                             rewrite the generated files
  fuzz  [--seconds N] [TARGET…]   run fuzz targets, 300 seconds each unless said otherwise
  bench [--scale 1M,10M] [--only WORK,…] [--peers NAME,…] [--smoke] [--keep]
                                  measure Interdict beside its peers: see bench/README.md
  help                            this text

CARGO_TARGET_DIR is respected. Tools this needs are kept in target/tools.
";

fn main() -> ExitCode {
    match dispatch(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<ExitCode> {
    let (command, rest) = args.split_first().map_or(("help", args), |(c, rest)| (c.as_str(), rest));
    if rest.iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    match command {
        "demo" => demo::run(rest),
        "test" | "ci" => test::run(rest),
        "tidy" => tidy::run(),
        "tools" => {
            println!("{}", place::shown(&tools::anvil()?));
            println!("{}", place::shown(&tools::tronweb()?));
            println!("{}", place::shown(&tools::uniswap()?));
            println!("{}", place::shown(&tools::litesvm()?));
            println!("{}", place::shown(&tools::schemathesis()?));
            println!("{}", place::shown(&tools::typescript()?));
            println!("{}", place::shown(&tools::graphsense()?));
            println!("{}", place::shown(&tools::knots::get()?));
            Ok(ExitCode::SUCCESS)
        }
        "web" => {
            web::build()?;
            Ok(ExitCode::SUCCESS)
        }
        "gen" => generate::run(),
        "fuzz" => fuzz::run(rest),
        "bench" => bench::run(rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        unknown => bail!("no command {unknown:?}; `cargo xtask help` lists them"),
    }
}
