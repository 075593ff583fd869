//! The nodes of one chain: who may be asked, who is asked first, and what to make of it when they say
//! different things.
//!
//! A node that does not answer is left alone for a moment that doubles each time. One that says what
//! cannot be true, or that others outvote, is set aside with its reason, for much longer.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use chain::source::{Block, BlockRef, Kind, SourceError};
use futures_util::StreamExt;
use futures_util::future::{join_all, select_all};
use futures_util::stream::FuturesUnordered;
use model::{Chain, Timestamp, TxHash};
use tokio::time::{Instant, timeout};

use super::node::{Node, unseen};
use super::report::{NodeReport, Said};
use super::trouble::Trouble;

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// One answer of a node, its own repetitions included.
    pub answer: Duration,
    /// Once a node has said its newest block, the others get so long.
    pub grace: Duration,
    /// The first rest of a node that did not answer; each further one is twice as long.
    pub rest: Duration,
    pub rest_max: Duration,
    /// The first rest of one that was set aside.
    pub aside: Duration,
    pub aside_max: Duration,
    /// Between two looks where a node neither tells nor waits by itself.
    pub poll: Duration,
}

impl Default for Waits {
    fn default() -> Waits {
        Waits {
            answer: Duration::from_secs(120),
            grace: Duration::from_millis(250),
            rest: Duration::from_millis(500),
            rest_max: Duration::from_secs(60),
            aside: Duration::from_secs(300),
            aside_max: Duration::from_secs(3600),
            poll: Duration::from_millis(400),
        }
    }
}

pub struct Nodes {
    chain: Chain,
    nodes: Vec<Watched>,
    waits: Waits,
}

struct Watched {
    node: Arc<dyn Node>,
    standing: Mutex<Standing>,
}

/// How a node has done so far.
#[derive(Default)]
struct Standing {
    tip: Option<u64>,
    asked: u64,
    failed: u64,
    failed_in_row: u32,
    set_aside: u32,
    /// Not asked before.
    rests_until: Option<Instant>,
    /// Why it was set aside, while it is.
    aside: Option<String>,
    last_error: Option<Said>,
}

/// The newest block of the chain, and the node that has it.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    pub leader: usize,
    pub tip: BlockRef,
}

/// What the nodes that answered say of one height.
enum Verdict {
    /// All of them the same, and how many they are.
    Agreed(TxHash),
    /// Most of them; the others are set aside now.
    Outvoted(TxHash),
    Split(String),
    Nobody,
}

impl Nodes {
    pub fn new(chain: Chain, nodes: Vec<Arc<dyn Node>>, waits: Waits) -> Nodes {
        let watched = |node| Watched { node, standing: Mutex::default() };
        Nodes { chain, nodes: nodes.into_iter().map(watched).collect(), waits }
    }

    pub fn chain(&self) -> Chain {
        self.chain
    }

    pub fn name(&self, node: usize) -> &str {
        self.nodes[node].node.name()
    }

    /// What this node does not see of a block; empty where that is not known.
    pub fn unseen(&self, node: usize) -> String {
        self.nodes[node].node.sees().map(unseen).unwrap_or_default()
    }

    /// The newest block, of the node that is furthest; the first named among equals.
    pub async fn look(&self) -> Result<Look, Trouble> {
        let ready = self.ready();
        if ready.is_empty() {
            return Err(self.nobody());
        }
        let ask = |at: usize| async move { (at, self.ask(at, self.nodes[at].node.tip()).await) };
        let mut asked: FuturesUnordered<_> = ready.into_iter().map(ask).collect();
        let mut best: Option<Look> = None;
        let mut failed = None;
        let mut until = None;
        loop {
            let next = match until {
                None => asked.next().await,
                Some(until) => tokio::time::timeout_at(until, asked.next()).await.unwrap_or(None),
            };
            match next {
                None => break,
                Some((_, Err(error))) => failed = Some(error),
                Some((leader, Ok(tip))) => {
                    self.standing(leader).tip = Some(tip.height);
                    let is_better = best
                        .is_none_or(|best| (tip.height, best.leader) > (best.tip.height, leader));
                    if is_better {
                        best = Some(Look { leader, tip });
                    }
                    until = until.or(Some(Instant::now() + self.waits.grace));
                }
            }
        }
        match (best, failed) {
            (Some(look), _) => Ok(look),
            (None, Some(error)) => Err(Trouble::Node(error)),
            (None, None) => Err(self.nobody()),
        }
    }

    pub async fn header(&self, node: usize, height: u64) -> Result<BlockRef, SourceError> {
        let header = self.ask(node, self.nodes[node].node.header(height)).await?;
        self.is_asked(node, height, header.height)?;
        Ok(header)
    }

    /// A block of one node, whichever branch that is on.
    pub async fn block(&self, node: usize, height: u64) -> Result<Block, SourceError> {
        let block = self.ask(node, self.nodes[node].node.block(height)).await?;
        self.is_asked(node, height, block.at.height)?;
        Ok(block)
    }

    /// A block of any node, and who gave it; none where all that answered say there is none. The
    /// height spreads questions over those that are ready.
    pub async fn any_block(&self, height: u64) -> Result<Option<(usize, Block)>, Trouble> {
        let mut ready = self.ready();
        if ready.is_empty() {
            return Err(self.nobody());
        }
        let first = usize::try_from(height % ready.len() as u64).unwrap_or_default();
        ready.rotate_left(first);
        let mut failed = None;
        for node in ready {
            match self.block(node, height).await {
                Ok(block) => return Ok(Some((node, block))),
                Err(error) if error.kind.is_absence() => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(None), |error| Err(Trouble::Node(error)))
    }

    pub async fn finalized(&self, node: usize) -> Result<Option<u64>, SourceError> {
        self.ask(node, self.nodes[node].node.finalized()).await
    }

    /// Resolves when any node may have a new block.
    pub async fn changed(&self) {
        let ready = self.ready();
        if ready.is_empty() {
            return tokio::time::sleep(self.waits.poll).await;
        }
        let news = ready.into_iter().map(|at| {
            Box::pin(async move {
                if self.nodes[at].node.changed().await.is_err() {
                    tokio::time::sleep(self.waits.poll).await;
                }
            })
        });
        select_all(news).await;
    }

    /// Do the other nodes have this block too? An error where they do not and nobody can tell who is
    /// right. Those that do not answer are not counted.
    pub async fn confirm(&self, by: usize, height: u64, hash: TxHash) -> Result<(), Trouble> {
        let others: Vec<usize> = self.ready().into_iter().filter(|at| *at != by).collect();
        if others.is_empty() {
            return Ok(());
        }
        match self.judge(height, Some((by, hash)), &others).await {
            Verdict::Agreed(_) | Verdict::Nobody => Ok(()),
            Verdict::Outvoted(most) if most == hash => Ok(()),
            Verdict::Outvoted(_) => Err(Trouble::Replaced { chain: self.chain, height }),
            Verdict::Split(said) => Err(Trouble::Disagree { chain: self.chain, height, said }),
        }
    }

    /// The hash of a final block by the word of all nodes that answer.
    pub async fn agreed(&self, height: u64) -> Result<TxHash, Trouble> {
        match self.judge(height, None, &self.ready()).await {
            Verdict::Agreed(hash) | Verdict::Outvoted(hash) => Ok(hash),
            Verdict::Split(said) => Err(Trouble::Disagree { chain: self.chain, height, said }),
            Verdict::Nobody => Err(self.nobody()),
        }
    }

    /// Does another node have this block?
    pub async fn others_have(&self, than: usize, height: u64, hash: TxHash) -> bool {
        let others = self.ready().into_iter().filter(|at| *at != than);
        let headers = others.map(|at| self.header(at, height));
        let mut answers = join_all(headers).await.into_iter();
        answers.any(|header| header.is_ok_and(|header| header.hash == hash))
    }

    /// Leaves a node alone for a while that spoke of blocks it does not give.
    pub fn let_rest(&self, node: usize, why: String) {
        let mut standing = self.standing(node);
        standing.failed += 1;
        standing.failed_in_row += 1;
        standing.last_error = Some(Said::now(why));
        standing.rests_until = Some(Instant::now() + self.waits.rest_after(standing.failed_in_row));
    }

    /// A node said what is not so.
    pub fn set_aside(&self, node: usize, why: String) {
        let mut standing = self.standing(node);
        let now = Instant::now();
        if standing.aside.is_some() && standing.rests_until.is_some_and(|until| until > now) {
            return;
        }
        standing.set_aside += 1;
        let rest = self.waits.aside.saturating_mul(1 << (standing.set_aside - 1).min(16));
        standing.rests_until = Some(now + rest.min(self.waits.aside_max));
        standing.last_error = Some(Said::now(why.clone()));
        standing.aside = Some(why);
    }

    pub fn report(&self) -> Vec<NodeReport> {
        let of = |watched: &Watched| {
            let standing = watched.standing();
            let rests = standing.rests_until.is_some_and(|until| until > Instant::now());
            NodeReport {
                node: watched.node.name().to_string(),
                state: match (&standing.aside, rests) {
                    (Some(_), true) => "set aside",
                    (None, true) => "does not answer",
                    _ if standing.asked == 0 => "not asked yet",
                    _ => "answers",
                }
                .to_string(),
                tip: standing.tip,
                asked: standing.asked,
                failed: standing.failed,
                last_error: standing.last_error.clone(),
                unseen: watched.node.sees().map(unseen),
            }
        };
        self.nodes.iter().map(of).collect()
    }

    /// The earliest moment any of them may be asked again.
    pub fn rested(&self) -> Option<Instant> {
        self.nodes.iter().filter_map(|watched| watched.standing().rests_until).min()
    }

    /// Counts the hashes they give for a height; nodes in the minority are set aside.
    async fn judge(&self, height: u64, given: Option<(usize, TxHash)>, ask: &[usize]) -> Verdict {
        let headers = ask.iter().map(|at| async move { (*at, self.header(*at, height).await) });
        let answers = join_all(headers).await.into_iter();
        let said = answers.filter_map(|(at, header)| Some((at, header.ok()?.hash)));
        let mut votes: BTreeMap<TxHash, Vec<usize>> = BTreeMap::new();
        for (at, hash) in given.into_iter().chain(said) {
            votes.entry(hash).or_default().push(at);
        }
        let count: usize = votes.values().map(Vec::len).sum();
        let Some((most, voters)) = votes.iter().max_by_key(|(_, voters)| voters.len()) else {
            return Verdict::Nobody;
        };
        if voters.len() == count {
            return Verdict::Agreed(*most);
        }
        if voters.len() * 2 > count {
            let right = most.text(self.chain);
            for (hash, wrong) in votes.iter().filter(|(hash, _)| *hash != most) {
                let told = hash.text(self.chain);
                let why = format!(
                    "said that block {height} is {told}, where {} others say {right}",
                    voters.len()
                );
                wrong.iter().for_each(|at| self.set_aside(*at, why.clone()));
            }
            return Verdict::Outvoted(*most);
        }
        let each = votes.iter().flat_map(|(hash, voters)| {
            let hash = hash.text(self.chain);
            voters.iter().map(move |at| format!("{} says {hash}", self.name(*at)))
        });
        Verdict::Split(each.collect::<Vec<_>>().join(", "))
    }

    async fn ask<T>(
        &self,
        node: usize,
        answer: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        let answer = match timeout(self.waits.answer, answer).await {
            Ok(answer) => answer,
            Err(_) => {
                let within = format!("no answer within {} s", self.waits.answer.as_secs());
                Err(SourceError::new(self.name(node), Kind::Transient(within)).on(self.chain))
            }
        };
        let answer = answer.map_err(|error| match error.chain {
            Some(_) => error,
            None => error.on(self.chain),
        });
        self.learn(node, answer.as_ref().err());
        answer
    }

    fn learn(&self, node: usize, error: Option<&SourceError>) {
        let Some(error) = error else {
            let mut standing = self.standing(node);
            standing.asked += 1;
            standing.failed_in_row = 0;
            if standing.rests_until.is_none_or(|until| until <= Instant::now()) {
                (standing.rests_until, standing.aside) = (None, None);
            }
            return;
        };
        let mut standing = self.standing(node);
        standing.asked += 1;
        // A block that is not there is an answer.
        if error.kind.is_absence() {
            return;
        }
        standing.failed += 1;
        standing.failed_in_row += 1;
        let text = with_causes(error);
        standing.last_error = Some(Said::now(text.clone()));
        standing.rests_until = Some(Instant::now() + self.waits.rest_after(standing.failed_in_row));
        drop(standing);
        if matches!(error.kind, Kind::Lie(_) | Kind::WrongChain { .. } | Kind::Refused(_)) {
            self.set_aside(node, text);
        }
    }

    fn is_asked(&self, node: usize, asked: u64, given: u64) -> Result<(), SourceError> {
        if asked == given {
            return Ok(());
        }
        let lie = Kind::from(chain::source::Lie::WrongHeight { asked, given });
        let error = SourceError::new(self.name(node), lie).on(self.chain).at(asked);
        self.learn(node, Some(&error));
        Err(error)
    }

    /// Those that may be asked now, in the order they are named.
    fn ready(&self) -> Vec<usize> {
        let now = Instant::now();
        let is_ready = |at: &usize| self.standing(*at).rests_until.is_none_or(|until| until <= now);
        (0..self.nodes.len()).filter(is_ready).collect()
    }

    fn nobody(&self) -> Trouble {
        let why = |watched: &Watched| {
            let standing = watched.standing();
            let error = standing.aside.clone().or(standing.last_error.clone().map(|e| e.what));
            error.unwrap_or_else(|| format!("{} rests", watched.node.name()))
        };
        let reasons: Vec<String> = self.nodes.iter().map(why).collect();
        let all_aside = self.nodes.iter().all(|watched| watched.standing().aside.is_some());
        Trouble::NoNode { chain: self.chain, why: reasons.join("; "), all_aside }
    }

    fn standing(&self, node: usize) -> MutexGuard<'_, Standing> {
        self.nodes[node].standing()
    }
}

impl Waits {
    fn rest_after(&self, failed_in_row: u32) -> Duration {
        let times = 1 << failed_in_row.saturating_sub(1).min(16);
        self.rest.saturating_mul(times).min(self.rest_max)
    }
}

impl Watched {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().expect("nothing panics while it holds the lock")
    }
}

/// An error with what caused it, in one line.
pub fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let why = error.to_string();
        if !text.contains(&why) {
            text += &format!(": {why}");
        }
        cause = error.source();
    }
    text
}

impl Said {
    pub fn now(what: String) -> Said {
        Said { at: Timestamp::now(), what }
    }
}
