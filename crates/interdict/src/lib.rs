//! How people use Interdict: the command line.
//!
//! [`cli`] says what can be typed, one file of [`commands`] does each command, and
//! [`render`] writes answers for people. Here alone the parts meet: importers give facts,
//! the store keeps them ([`follow`] from nodes, as [`config`] says), labels and lists become a book, the trace reads both.

mod ahead;
mod answers;
pub mod bundle;
pub mod case;
pub mod cell;
pub mod cli;
pub mod clusters;
mod commands;
pub mod config;
pub mod exposure;
pub mod follow;
mod home;
pub mod http;
mod out;
mod packets;
pub mod providers;
pub mod render;
mod source;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::home::Home;
use crate::out::Out;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let out = Out::new(cli.quiet, cli.color);
    match run(cli, &out) {
        Ok(code) => code,
        Err(error) if out::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            out.error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli, out: &Out) -> anyhow::Result<ExitCode> {
    let home = Home::choose(cli.home);
    match cli.command {
        Command::Import(args) => commands::import::run(&home, args, out),
        Command::Lists(args) => commands::lists::run(&home, args, out),
        Command::Labels(args) => commands::labels::run(&home, args, out),
        Command::Follow(args) => commands::follow::run(&home, args, out),
        Command::Transfers(args) => commands::transfers::run(&home, &args, out),
        Command::Freezes(args) => commands::freezes::run(&home, &args, out),
        Command::Freeze(args) => commands::freeze::run(&home, args.command, out),
        Command::Config(args) => commands::config::run(&home, args, out),
        Command::Prices(args) => commands::prices::run(&home, args, out),
        Command::Trace(args) => commands::trace::run(&home, *args, out),
        Command::Who(args) => commands::who::run(&home, &args, out),
        Command::Clusters(args) => commands::clusters::run(&home, args, out),
        Command::Exposure(args) => commands::exposure::run(&home, args, out),
        Command::Risk(args) => commands::risk::run(&home, args, out),
        Command::Token(args) => commands::token::run(&home, &args, out),
        Command::Screen(args) => commands::screen::run(&home, *args, out),
        Command::Decisions(args) => commands::decisions::run(&home, args, out),
        Command::Cost(args) => commands::cost::run(&args, out),
        Command::Serve(args) => commands::serve::run(&home, args, out),
        Command::User(args) => commands::user::run(&home, args.command, out),
        Command::Case(args) => commands::casework::case(&home, args.command, out),
        Command::Journal(args) => commands::casework::journal(&home, args.command, out),
        Command::Retention(args) => commands::retention::run(&home, args.command, out),
        Command::Verify(args) => commands::verify::run(args, out),
        Command::Status(args) => commands::status::run(&home, args, out),
        Command::Store(args) => commands::store::run(&home, args, out),
        Command::Drill(args) => commands::drill::run(args, out),
        Command::Completions(args) => commands::completions::run(args, out),
    }
}
