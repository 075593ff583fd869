//! Interdict's own store, through the functions its binary uses.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use model::{
    Account, Address, Asset, BlockFact, Book, Confidence, Direction, Evidence, Fact, Label, Limits,
    Position, Registry, Seek, Subject, TimeSource, Timestamp, Transfer, TransferKind, TxHash, TxId,
    U256, View,
};
use store::segment::Whole;
use store::snapshot::{Stand, Walk};
use store::{FileRecord, FollowedBlock, Following, Store};
use trace::Source;

use crate::contender::{Contender, Traced};
use crate::digest::{Rows, Seen};
use crate::stream::{self, Block, CHAIN, Recording, Row, position};
use crate::sweep::{Policy, Swept};
use crate::truth::PAGE_ROWS;
use crate::walk::{PER_ACCOUNT, Step, walk};

pub const SETTINGS: &str = "as it comes; a batch is one file taken in and committed; compacted as its finish; pages through `View`, whole transfers each time; traces by `Walk`, each row whole once";

pub struct Ours {
    home: PathBuf,
    /// Whoever follows the chain, beside the store that is read.
    head: Option<Following>,
    store: Store,
    assets: Vec<Asset>,
    services: Vec<stream::Address>,
    /// The services, as labels.
    book: Book,
    thief: stream::Address,
    stolen_at: i64,
    batches: u64,
}

impl Ours {
    pub fn open(folder: &Path, head: &Recording) -> Result<Ours> {
        let store = Store::open(folder)?;
        let assets: Result<Vec<Asset>, _> = head.assets.iter().map(|text| text.parse()).collect();
        Ok(Ours {
            home: folder.to_path_buf(),
            head: None,
            batches: store.files()?.len() as u64,
            store,
            assets: assets?,
            services: head.services(),
            book: book_of(&head.services()),
            thief: head.thief(),
            stolen_at: head.stolen_at,
        })
    }

    /// Takes the right to write when it is first asked for.
    fn following(&mut self) -> Result<&mut Following> {
        let head = match self.head.take() {
            Some(head) => head,
            None => Store::open(&self.home)?.follow()?,
        };
        Ok(self.head.insert(head))
    }

    fn add(&self, rows: &mut Rows, transfer: &Transfer) -> Result<()> {
        rows.add(&Seen {
            hash: transfer.tx.hash.bytes(),
            position: code(&transfer.position)?,
            from: transfer.from.as_ref().map(Address::bytes),
            to: transfer.to.as_ref().map(Address::bytes),
            asset: self.asset(&transfer.asset)?,
            amount: u128::try_from(transfer.amount)?,
            time: transfer.time.as_second(),
            height: u32::try_from(transfer.height.context("a transfer without a height")?)?,
        });
        Ok(())
    }

    /// Rows that were followed more than once are fetched once.
    fn whole_rows(&self, walk: &Walk<'_>, mut followed: Vec<u64>) -> Result<Rows> {
        followed.sort_unstable();
        let mut times: Vec<u64> = Vec::with_capacity(followed.len());
        times.extend(followed.chunk_by(|a, b| a == b).map(|same| same.len() as u64));
        followed.dedup();
        let mut rows = Rows::default();
        let mut failed = Ok(());
        walk.each_whole(&followed, |at, whole| {
            match self.seen(whole) {
                Ok(seen) => rows.add_times(&seen, times[at]),
                Err(error) => failed = Err(error),
            }
            Ok(())
        })?;
        failed.map(|()| rows)
    }

    fn seen<'a>(&self, whole: &Whole<'a>) -> Result<Seen<'a>> {
        Ok(Seen {
            hash: whole.hash,
            position: code(&whole.position)?,
            from: whole.from,
            to: whole.to,
            asset: self.asset(&whole.asset)?,
            amount: u128::try_from(whole.amount)?,
            time: whole.time.as_second(),
            height: u32::try_from(whole.height.context("a transfer without a height")?)?,
        })
    }

    fn asset(&self, asset: &Asset) -> Result<u8> {
        let at = self.assets.iter().position(|known| known == asset);
        Ok(u8::try_from(at.with_context(|| format!("{asset} is none of the stream's"))?)?)
    }
}

fn fact(
    assets: &[Asset],
    block: &Block,
    index: u32,
    tx: &stream::Transaction,
    row: &Row,
) -> Result<Fact> {
    let (position, kind, evidence) = placed(row.position);
    let transfer = Transfer {
        tx: TxId { chain: CHAIN, hash: TxHash::new(&tx.hash) },
        position,
        height: Some(u64::from(block.height)),
        tx_index: Some(index),
        time: Timestamp::from_second(block.time)?,
        time_source: TimeSource::Stated,
        from: row.from.map(Address::Evm),
        to: row.to.map(Address::Evm),
        asset: assets[usize::from(row.asset)].clone(),
        amount: U256::from(row.amount),
        kind,
    };
    Ok(Fact::Transfer { transfer, evidence })
}

fn followed(assets: &[Asset], block: &Block) -> Result<FollowedBlock> {
    let hash = |height: u32| {
        let mut bytes = [7; 32];
        bytes[..4].copy_from_slice(&height.to_be_bytes());
        TxHash::new(&bytes)
    };
    let (hash, parent) = (hash(block.height), hash(block.height - 1));
    let (height, time) = (u64::from(block.height), Timestamp::from_second(block.time)?);
    let itself = BlockFact {
        chain: CHAIN,
        hash: Some(hash),
        parent: Some(parent),
        height: Some(height),
        time,
        work: None,
    };
    let transfers: Result<Vec<Fact>> =
        block.each().map(|(index, tx, row)| fact(assets, block, index, tx, row)).collect();
    let facts = std::iter::once(Fact::Block(itself)).chain(transfers?).collect();
    let unseen = String::new();
    Ok(FollowedBlock { chain: CHAIN, height, hash, parent, time, unseen, facts })
}

fn placed(code: u32) -> (Position, TransferKind, Evidence) {
    let number = code & position::NUMBER;
    match code - number {
        position::CALL => (Position::Call([number].into()), TransferKind::Value, Evidence::Trace),
        position::LOG => (Position::Log(number), TransferKind::Value, Evidence::Log),
        position::REWARD => (Position::Reward(number), TransferKind::Reward, Evidence::Row),
        position::FEE => (Position::Fee, TransferKind::Fee, Evidence::Transaction),
        _ => (Position::Call([].into()), TransferKind::Value, Evidence::Transaction),
    }
}

/// A position as the stream numbers them.
pub fn code(position: &Position) -> Result<u32> {
    Ok(match position {
        Position::Call(path) => match path[..] {
            [] => position::VALUE,
            [step] => position::CALL | step,
            _ => bail!("a call of depth {} is more than the bench numbers", path.len()),
        },
        Position::Log(number) => position::LOG | number,
        Position::Reward(number) => position::REWARD | number,
        Position::Fee => position::FEE,
        other => bail!("{other} is no position of an account chain's stream"),
    })
}

fn book_of(services: &[stream::Address]) -> Book {
    let mut book = Book::default();
    for service in services {
        book.add_label(Label {
            subject: Subject::Account(account(service)),
            name: "a service".into(),
            concepts: vec!["exchange".into()],
            actor: None,
            confidence: Confidence { id: "ownership".into(), level: 100 },
            source: "drill".into(),
            collection: "drill".into(),
            date: None,
            file_hash: String::new(),
            network: None,
            tag: Default::default(),
        });
    }
    book
}

fn account(address: &stream::Address) -> Account {
    Account { chain: CHAIN, address: Address::Evm(*address) }
}

fn bytes(address: &Address) -> stream::Address {
    stream::part(address.bytes(), 0)
}

fn limits(per_account: usize) -> Limits {
    Limits { per_account, ..Limits::NONE }
}

impl Contender for Ours {
    fn ingest(&mut self, blocks: &[Block]) -> Result<()> {
        self.batches += 1;
        let name = format!("batch-{}", self.batches);
        let file = FileRecord { name, purpose: format!("bench {CHAIN}"), bytes: 0 };
        let mut batch = self.store.begin(&file)?;
        for block in blocks {
            for (index, tx, row) in block.each() {
                batch.put(&fact(&self.assets, block, index, tx, row)?)?;
            }
        }
        batch.commit(&format!("{:064x}", self.batches))?;
        Ok(())
    }

    fn page(&mut self, address: &stream::Address, is_sent: bool) -> Result<Rows> {
        let direction = if is_sent { Direction::Forward } else { Direction::Backward };
        let seek = Seek::all(account(address));
        let found = self.store.expand(direction, &[seek], &limits(PAGE_ROWS))?;
        let mut rows = Rows::default();
        for transfer in found.reached.iter().flat_map(|reached| &reached.transfers) {
            self.add(&mut rows, transfer)?;
        }
        Ok(rows)
    }

    /// By numbers, as the peers do it; the rows are fetched whole when all are known.
    fn trace(&mut self, source: &stream::Address, since: i64, is_whole: bool) -> Result<Traced> {
        let snapshot = self.store.snapshot();
        let mut over = snapshot.walk(CHAIN);
        let mut services = HashSet::new();
        for service in &self.services {
            services.extend(over.number(&account(service))?);
        }
        let source = over.number(&account(source))?;
        let source = source.context("the source of a trace is not there")?;
        let mut followed: Vec<u64> = Vec::new();
        let (mut found, mut times) = (Vec::new(), Vec::new());
        let arrivals = walk(source, since, &services, |frontier, steps| {
            let mut stands = Vec::with_capacity(frontier.len());
            for (account, since) in frontier {
                let bound = Some(Timestamp::from_second(*since)?);
                stands.push(Stand { account: *account, after: None, bound });
            }
            found.clear();
            times.clear();
            over.neighbours(Direction::Forward, &stands, PER_ACCOUNT, &mut found)?;
            over.times(&found, &mut times)?;
            followed.extend(found.iter().map(|step| step.ordinal));
            steps.extend(found.iter().zip(&times).map(|(step, time)| Step {
                to: (step.to != Walk::NOBODY).then_some(step.to),
                time: time.as_second(),
            }));
            Ok(())
        })?;
        let mut traced = Traced::default();
        if is_whole {
            traced.rows = self.whole_rows(&over, followed)?;
        }
        let mut numbers: Vec<u32> = arrivals.keys().copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            traced.reached.add(&bytes(&over.account(number)?.address), arrivals[&number]);
        }
        Ok(traced)
    }

    fn sweep(&mut self, policy: Policy) -> Result<Swept> {
        let mut columns = self.store.columns(CHAIN)?;
        let policy = match policy {
            Policy::Haircut => trace::Policy::Haircut,
            Policy::Poison => trace::Policy::Poison,
        };
        let theft = trace::Settings {
            since: Some(Timestamp::from_second(self.stolen_at)?),
            hub_degree: u64::MAX,
            // No dust: the loops of the peers know none.
            registry: Registry::from_entries([])?,
            ..trace::Settings::forward(vec![Source::Account(account(&self.thief))], policy)
        };
        let swept = trace::sweep::taint(&mut *columns, &self.book, &[theft])?;
        let native = columns.assets().iter().position(Asset::is_native);
        let native = native.context("nothing native moved")?;
        let totals = swept[0].totals[native].as_ref().context("nothing native was tainted")?;
        Ok(Swept {
            tainted_in: totals.tainted_in.to_string(),
            resting: totals.resting.to_string(),
            at_services: totals.at_services.to_string(),
            fees: totals.fees.to_string(),
        })
    }

    fn finish(&mut self) -> Result<()> {
        self.store.compact()?;
        Ok(())
    }

    fn follow(&mut self, block: &Block) -> Result<()> {
        let followed = followed(&self.assets, block)?;
        self.following()?.append(&[followed])?;
        self.store.refresh()?;
        Ok(())
    }

    /// All that is followed, which is as many as were.
    fn undo(&mut self, blocks: u32) -> Result<()> {
        let following = self.following()?;
        let followed = following.recent(CHAIN);
        let count = followed.len();
        ensure!(count == blocks as usize, "{count} blocks are followed, not {blocks}");
        let lowest = followed.first().map_or(1, |(height, _)| *height);
        following.unwind(CHAIN, lowest - 1)?;
        self.store.refresh()?;
        Ok(())
    }
}
