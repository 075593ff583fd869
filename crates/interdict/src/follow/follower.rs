//! Follows one chain: looks, meets, fills, extends, settles, waits, and again.
//!
//! 1. *Look.* Which block is the newest, and which node has it?
//! 2. *Meet.* Is our newest block on that node's chain? Else take back to where it is.
//! 3. *Fill.* Whatever is missing up to the last block that will not change goes into the base.
//! 4. *Extend.* The rest goes on top, each the child of the one before.
//! 5. *Settle.* What is final by now moves from the top into the base.
//!
//! A step that fails changes nothing but what it had committed; the next one starts from what the store
//! holds.

mod fill;
mod from;
mod meet;
mod rate;
mod tip;

use std::hash::{BuildHasher, RandomState};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use model::{Chain, Timestamp, TxHash};
use store::follow::Tip;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::fetch::Room;
use super::finality::Finality;
use super::keeper::Keeper;
use super::nodes::{Look, Nodes, with_causes};
use super::report::{ChainReport, Doing, HeldBlock, NOTE, Said};
use super::trouble::{Then, Trouble};
use rate::Rate;

/// What is wanted of one chain.
#[derive(Clone, Debug)]
pub struct Plan {
    pub chain: Chain,
    /// The lowest block wanted; none: as `follower/from.rs` finds best.
    pub from: Option<u64>,
    pub finality: Finality,
    /// How many of the newest blocks can be undone, at least.
    pub undo: u64,
    pub room: Room,
    /// End at the tip.
    pub once: bool,
    /// With `once`: how long to go on without a new block before giving up.
    pub patience: Duration,
}

/// How it ended.
#[derive(Debug)]
pub enum Ended {
    /// Everything up to the tip is stored.
    AtTip,
    /// It was told to.
    Stopped,
    Failed(Trouble),
}

pub struct Follower {
    plan: Plan,
    /// The lowest block wanted, once it is known.
    from: Option<u64>,
    nodes: Arc<Nodes>,
    keeper: Keeper,
    report: ChainReport,
    /// To whom it is shown while it runs.
    shown: watch::Sender<ChainReport>,
    /// What the store holds; none when it has to be asked.
    held: Option<Held>,
    /// Were the gaps below looked for since the last error?
    is_filled: bool,
    /// Heights that were missing after they were last looked for.
    still_missing: u64,
    rate: Rate,
    tried: Tried,
}

/// What the store holds of the chain, as far as the next step needs it.
#[derive(Clone, Debug)]
struct Held {
    tip: Option<Tip>,
    last_final: Option<Tip>,
    /// Blocks that can be undone, ascending.
    recent: Vec<(u64, TxHash)>,
}

/// What went wrong since something went well.
struct Tried {
    /// Was any node ever reached?
    has_looked: bool,
    progress: Instant,
    at_once: u32,
    later: u32,
    /// Who was said to have the newest block.
    leader: Option<usize>,
    /// Looks at which every node's chain was shorter than ours.
    shorter: u32,
}

/// Where a step led.
enum Reached {
    Tip,
    /// There may be more to do at once.
    More,
}

/// So often in a row something is tried again without waiting.
const AT_ONCE_MAX: u32 = 5;
/// How long to wait before a second try, and at most.
const WAIT: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(30);
/// With nothing new, the note for others is still renewed so often.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
/// A step that took so long may have a new tip to go for.
const LONG: Duration = Duration::from_secs(5);

impl Follower {
    pub fn new(plan: Plan, nodes: Arc<Nodes>, keeper: Keeper) -> Follower {
        let now = Timestamp::now();
        let report = ChainReport {
            chain: plan.chain,
            process: std::process::id(),
            started: now,
            updated: now,
            doing: Doing::Starting,
            from: plan.from,
            from_why: None,
            finality: plan.finality.to_string(),
            undo: plan.undo,
            held: None,
            tip: None,
            last_final: None,
            blocks_per_second: None,
            seconds_left: None,
            blocks: 0,
            reorganisations: 0,
            last_error: None,
            nodes: nodes.report(),
        };
        let shown = watch::Sender::new(report.clone());
        Follower {
            from: plan.from,
            plan,
            nodes,
            keeper,
            report,
            shown,
            held: None,
            is_filled: false,
            still_missing: 0,
            rate: Rate::default(),
            tried: Tried::new(),
        }
    }

    /// How it is going, while it runs.
    pub fn watch(&self) -> watch::Receiver<ChainReport> {
        self.shown.subscribe()
    }

    /// Until told to stop, or with `once` until the tip is stored.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) -> Ended {
        self.recall().await;
        let ended = loop {
            let step = tokio::select! {
                biased;
                () = told(&mut stop) => break Ended::Stopped,
                step = self.advance() => step,
            };
            let ended = match step {
                Ok(Reached::More) => None,
                Ok(Reached::Tip) if self.plan.once => Some(Ended::AtTip),
                Ok(Reached::Tip) => self.wait_for_news(&mut stop).await,
                Err(trouble) => self.bear(trouble, &mut stop).await,
            };
            if let Some(ended) = ended {
                break ended;
            }
        };
        self.finish(ended).await
    }

    /// One step towards the tip.
    async fn advance(&mut self) -> Result<Reached, Trouble> {
        let began = Instant::now();
        let look = self.nodes.look().await?;
        self.tried.has_looked = true;
        self.tried.leader = Some(look.leader);
        self.report.tip = Some(look.tip.height);
        self.choose_from(&look).await?;
        if !self.meet(&look).await? {
            return Ok(Reached::More);
        }
        if !self.is_filled || self.is_far_behind(&look) {
            self.fill(&look).await?;
        }
        self.extend(&look).await?;
        self.settle(&look).await?;
        let is_late = began.elapsed() > LONG;
        Ok(if is_late { Reached::More } else { Reached::Tip })
    }

    /// Beyond this, blocks that are final already may be among those that are missing.
    fn is_far_behind(&self, look: &Look) -> bool {
        const NEAR: u64 = 8;
        let tip = self.held.as_ref().and_then(|held| held.tip);
        tip.is_none_or(|tip| look.tip.height.saturating_sub(tip.height) > NEAR)
    }

    async fn held(&mut self) -> Held {
        if let Some(held) = &self.held {
            return held.clone();
        }
        let chain = self.plan.chain;
        let read = self.keeper.with(move |following| Held {
            tip: following.tip(chain),
            last_final: following.last_final(chain),
            recent: following.recent(chain),
        });
        let held = read.await;
        self.report.held = held.tip.map(|tip| HeldBlock {
            height: tip.height,
            hash: tip.hash.text(chain),
            time: tip.time,
        });
        self.held = Some(held.clone());
        held
    }

    /// The last error of an earlier run is still worth knowing.
    async fn recall(&mut self) {
        let chain = self.plan.chain;
        let followed = self.keeper.with(move |following| following.store().followed()).await;
        let notes = followed.unwrap_or_default().into_iter().find(|of| of.chain == chain);
        self.recall_from(notes.as_ref());
        if let Some(earlier) = notes.as_ref().and_then(ChainReport::of) {
            self.report.last_error = earlier.last_error;
            self.report.last_final = earlier.last_final;
        }
        self.publish(Doing::Starting).await;
    }

    async fn wait_for_news(&mut self, stop: &mut watch::Receiver<bool>) -> Option<Ended> {
        self.publish(Doing::AtTip).await;
        let nodes = self.nodes.clone();
        tokio::select! {
            biased;
            () = told(stop) => return Some(Ended::Stopped),
            () = nodes.changed() => {}
            () = sleep(SIGN_OF_LIFE) => {}
        }
        None
    }

    /// Something went wrong: again at once, after a while, or never.
    async fn bear(&mut self, trouble: Trouble, stop: &mut watch::Receiver<bool>) -> Option<Ended> {
        self.held = None;
        self.is_filled = false;
        self.report.last_error = Some(Said::now(with_causes(&trouble)));
        match trouble.then() {
            Then::Never => return Some(Ended::Failed(trouble)),
            Then::AtOnce if self.tried.at_once < AT_ONCE_MAX => {
                self.tried.at_once += 1;
                return None;
            }
            Then::AtOnce => {
                // It speaks of blocks that it does not give, or that do not fit: others first.
                if let Some(leader) = self.tried.leader {
                    self.nodes.let_rest(leader, with_causes(&trouble));
                }
            }
            Then::Later => {}
        }
        if self.plan.once {
            // An address with a slip in it is said sooner.
            let part = if self.tried.has_looked { 1 } else { 6 };
            let is_over = self.tried.progress.elapsed() > self.plan.patience / part;
            if is_over || trouble.is_hopeless() {
                return Some(Ended::Failed(trouble));
            }
        }
        self.publish(Doing::Waiting).await;
        let until = Instant::now() + self.tried.wait();
        let rested = matches!(trouble, Trouble::NoNode { .. }).then(|| self.nodes.rested());
        let until = rested.flatten().map_or(until, |rested| rested.max(until));
        tokio::select! {
            biased;
            () = told(stop) => Some(Ended::Stopped),
            () = sleep_until(until) => None,
        }
    }

    /// Blocks were stored.
    fn progress(&mut self, blocks: usize) {
        self.report.blocks += blocks as u64;
        self.tried = Tried { has_looked: true, ..Tried::new() };
    }

    /// Shows how it goes, here and to other processes.
    async fn publish(&mut self, doing: Doing) {
        self.held().await;
        self.show(doing);
        let (chain, text) = (self.plan.chain, self.report.text());
        let note =
            move |following: &mut store::Following| following.note(chain, &[(NOTE, Some(&text))]);
        // A remark that could not be noted is no reason to stop.
        let _ = self.keeper.with(note).await;
    }

    fn show(&mut self, doing: Doing) {
        self.report.doing = doing;
        self.report.updated = Timestamp::now();
        self.report.nodes = self.nodes.report();
        self.shown.send_replace(self.report.clone());
    }

    async fn finish(mut self, ended: Ended) -> Ended {
        let flushed = self.keeper.with(store::Following::flush).await;
        let ended = match (ended, flushed) {
            (Ended::AtTip | Ended::Stopped, Err(error)) => Ended::Failed(Trouble::Store(error)),
            (ended, _) => ended,
        };
        self.publish(match &ended {
            Ended::AtTip | Ended::Stopped => Doing::Stopped,
            Ended::Failed(trouble) if trouble.then() == Then::Never => Doing::Refused,
            Ended::Failed(_) => Doing::Failed,
        })
        .await;
        ended
    }

    fn wanted(&self, to: u64) -> RangeInclusive<u64> {
        self.lowest()..=to
    }
}

impl Tried {
    fn new() -> Tried {
        let progress = Instant::now();
        Tried { has_looked: false, progress, at_once: 0, later: 0, leader: None, shorter: 0 }
    }

    /// Twice as long each time, a random part of it, so that many do not come back at one moment.
    fn wait(&mut self) -> Duration {
        let wait = WAIT.saturating_mul(1 << self.later.min(16)).min(WAIT_MAX);
        self.later += 1;
        let share = u32::try_from(RandomState::new().hash_one(0) % 1024).expect("below 1024");
        wait / 2 + wait / 2 * share / 1024
    }
}

async fn told(stop: &mut watch::Receiver<bool>) {
    // Whoever could tell is gone: then nobody will.
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
