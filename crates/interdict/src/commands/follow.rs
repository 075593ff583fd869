//! `interdict follow`: chains kept at their tip, each in a task of its own.

mod show;

pub use show::duration;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use model::{Account, Chain};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::FollowArgs;
use crate::config::{self, ChainConfig, Config, Flags, Follow};
use crate::follow::nodes::{Waits, with_causes};
use crate::follow::{
    ChainReport, Deriving, Ended, Follower, Keeper, Nodes, Plan, Room, dial, mempool,
};
use crate::home::Home;
use crate::out::Out;
use show::Show;

/// With `--once`: how long to go on without a new block before giving up.
const PATIENCE: Duration = Duration::from_secs(90);

pub fn run(home: &Home, args: FollowArgs, out: &Out) -> Result<ExitCode> {
    let once = args.once;
    let config = Config::read(home.path(), &flags(args), &config::environment)?;
    is_enough(&config)?;
    let runtime = Runtime::new().context("cannot start the tasks that talk to nodes")?;
    // A slip in what was typed shows before a home is made for it.
    let chains = config.chains.iter().map(|chain| nodes(chain, &config.follow));
    let chains: Vec<Arc<Nodes>> = chains.collect::<Result<_>>()?;
    let watched = watched(&config)?;
    let keeper = Keeper::new(home.open()?.follow()?);
    // With --once what is derived is left to who asks: the tip is what was wanted.
    let every = Some(config.follow.derive_s.value).filter(|seconds| *seconds > 0 && !once);
    let deriving = every.map(|seconds| Deriving::start(home.path(), Duration::from_secs(seconds)));
    let ended = runtime.block_on(async {
        let followers = config.chains.iter().zip(chains).map(|(chain, nodes)| {
            Follower::new(plan(chain, &config.follow, once), nodes, keeper.clone())
        });
        // What waits for a block is of no use to who stops at the tip.
        let watched = if once { Vec::new() } else { watched };
        let _watching = watch_mempools(&config, watched, &keeper, out);
        follow(followers.collect(), out).await
    });
    // What was begun is finished: the store is not left in the middle of a commit.
    drop(runtime);
    drop(keeper);
    if let Some(why) = deriving.and_then(Deriving::stop) {
        out.warn(&why);
    }
    summarise(&ended?, once, out)
}

fn flags(args: FollowArgs) -> Flags {
    let FollowArgs { chain, rpc, from, finality, undo, config, .. } = args;
    Flags { config, chain, rpc, from, finality, undo }
}

fn is_enough(config: &Config) -> Result<()> {
    if config.chains.is_empty() {
        let found = config.file.as_deref().map_or(
            "there is no interdict.toml here or in the home".to_string(),
            |file: &std::path::Path| format!("{} names no chain", file.display()),
        );
        bail!("nothing to follow: {found}, and no --chain was given with an --rpc");
    }
    for chain in &config.chains {
        if chain.nodes.is_empty() {
            let name = chain.chain.name();
            bail!("{name} has no node: give one with --rpc, or in the configuration");
        }
    }
    Ok(())
}

fn nodes(chain: &ChainConfig, follow: &Follow) -> Result<Arc<Nodes>> {
    let nodes = chain.nodes.iter().map(|node| {
        dial::node(chain.chain, &node.value, follow)
            .with_context(|| format!("node {} of {}", node.value.url, chain.chain.name()))
    });
    let waits = Waits {
        answer: Duration::from_secs(follow.answer_s.value),
        poll: Duration::from_millis(follow.poll_ms.value),
        ..Waits::default()
    };
    Ok(Arc::new(Nodes::new(chain.chain, nodes.collect::<Result<_>>()?, waits)))
}

fn plan(chain: &ChainConfig, follow: &Follow, once: bool) -> Plan {
    Plan {
        chain: chain.chain,
        from: chain.from.value,
        finality: chain.finality.value,
        undo: chain.undo.value,
        room: Room { at_once: follow.at_once.value, facts: follow.facts.value },
        once,
        patience: PATIENCE,
    }
}

fn watched(config: &Config) -> Result<Vec<Account>> {
    let Some(path) = &config.follow.watch.value else { return Ok(Vec::new()) };
    let chains: Vec<Chain> = config.chains.iter().map(|chain| chain.chain).collect();
    Ok(mempool::watched(path, &chains)?.into_iter().collect())
}

/// A task for each chain on which anything is watched. They end with what is returned.
fn watch_mempools(
    config: &Config,
    watched: Vec<Account>,
    keeper: &Keeper,
    out: &Out,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for chain in &config.chains {
        let of_chain = watched.iter().filter(|account| account.chain == chain.chain);
        let addresses: Vec<_> = of_chain.map(|account| account.address.clone()).collect();
        if addresses.is_empty() {
            continue;
        }
        if !mempool::is_asked(chain.chain) {
            let name = chain.chain.name();
            out.note(&format!("{name}: what waits for a block is not asked for on this chain"));
            continue;
        }
        let nodes = chain.nodes.iter().map(|node| node.value.clone()).collect();
        let follow = config.follow.clone();
        tasks.spawn(mempool::run(chain.chain, nodes, follow, addresses, keeper.clone()));
    }
    tasks
}

/// How one chain ended, and how it stood then.
struct Chained {
    chain: Chain,
    ended: Ended,
    report: ChainReport,
}

async fn follow(followers: Vec<Follower>, out: &Out) -> Result<Vec<Chained>> {
    let (stop, stopped) = watch::channel(false);
    let mut show = Show::new(out, followers.iter().map(Follower::watch).collect());
    let mut tasks = JoinSet::new();
    for follower in followers {
        let (watched, stopped) = (follower.watch(), stopped.clone());
        tasks.spawn(async move {
            let ended = follower.run(stopped).await;
            let report = watched.borrow().clone();
            Chained { chain: report.chain, ended, report }
        });
    }
    let mut signals = Signals::new()?;
    let mut chains = Vec::new();
    loop {
        tokio::select! {
            () = signals.next() => {
                if *stop.borrow() {
                    bail!("told twice to stop: stopped at once");
                }
                out.note("stopping: what was begun is finished first");
                stop.send_replace(true);
            }
            done = tasks.join_next() => match done {
                Some(done) => {
                    let done = done.map_err(|error| anyhow!("a follower broke: {error}"))?;
                    if let Ended::Failed(trouble) = &done.ended {
                        out.warn(&format!("{} is not followed: {}", done.chain.name(), with_causes(trouble)));
                    }
                    chains.push(done);
                }
                None => break,
            },
            () = show.next() => {}
        }
    }
    show.end();
    chains.sort_by_key(|done| done.chain);
    Ok(chains)
}

fn summarise(chains: &[Chained], once: bool, out: &Out) -> Result<ExitCode> {
    for Chained { chain, ended, report } in chains {
        let name = chain.name();
        let held = match &report.held {
            Some(held) => format!("block {} {}", held.height, held.hash),
            None => "no block".into(),
        };
        let how = match ended {
            Ended::AtTip => "stored up to the tip",
            Ended::Stopped => "stopped",
            Ended::Failed(_) => "failed",
        };
        let last_final = match report.last_final {
            Some(height) => format!("final up to {height}"),
            None => "none final yet".into(),
        };
        let new = super::import::count(report.blocks, "new block", "new blocks");
        let undone = match report.reorganisations {
            0 => String::new(),
            count => {
                format!(", {}", super::import::count(count, "reorganisation", "reorganisations"))
            }
        };
        out.print(&format!("{name}: {how}: {held}, {last_final}, {new}{undone}\n"))?;
    }
    let failed: Vec<&Chained> = chains.iter().filter(|done| done.ended.is_failed()).collect();
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<String> = failed.iter().map(|done| done.chain.name()).collect();
    let what = if once { "could not be stored up to the tip" } else { "could not be followed" };
    bail!("{} {what}", names.join(", "));
}

/// What tells a process to stop.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        let doing = "cannot wait for signals";
        let terminate = signal(SignalKind::terminate()).context(doing)?;
        let interrupt = signal(SignalKind::interrupt()).context(doing)?;
        Ok(Signals { terminate, interrupt })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> Result<Signals> {
        Ok(Signals {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
