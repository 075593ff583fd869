//! A server beside a store that somebody else writes: blocks come and go, lists change.

use case::db::Place;
use case::vault::Vault;
use case::watches::{NewWatch, Target};
use case::{EventId, freeze, outbox, watches};
use model::{
    Account, Address, Asset, BlockFact, Chain, Evidence, Fact, Identifier, ListVersion, Listing,
    ListingKind, Position, Severity, TimeSource, Transfer, TransferKind, TxHash, TxId, U256,
};
use store::{FollowedBlock, Following};

use super::*;
use crate::cell::exchange::transfers::{Asked, State, Way};
use crate::cell::exchange::{self, judging, transfers as registered};
use crate::cell::freezing;
use crate::cell::judge::Verdict;
use crate::commands::transfers::Finality;

const CHAIN: Chain = Chain::Evm(31337);
/// How long a customer is kept after their last act.
const KEPT: Duration = Duration::from_secs(100 * 24 * 3600);

fn account(n: u8) -> Account {
    Account { chain: CHAIN, address: Address::from_bytes(&[n; 20], CHAIN).unwrap() }
}

fn hash(n: u64, salt: u8) -> TxHash {
    let mut bytes = [salt; 32];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    TxHash::new(&bytes)
}

/// A payment: its transaction, who pays whom how much.
type Pays = (u64, u8, u8, u64);

fn fact(height: u64, (tx, from, to, amount): Pays) -> Fact {
    let transfer = Transfer {
        tx: TxId { chain: CHAIN, hash: hash(tx, 0xee) },
        position: Position::Call(Box::new([])),
        height: Some(height),
        tx_index: Some(0),
        time: time(height),
        time_source: TimeSource::Stated,
        from: Some(account(from).address),
        to: Some(account(to).address),
        asset: Asset::native(CHAIN),
        amount: U256::from(amount),
        kind: TransferKind::Value,
    };
    Fact::Transfer { transfer, evidence: Evidence::Transaction }
}

fn time(height: u64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + i64::try_from(height).unwrap() * 12).unwrap()
}

/// A block on the one below it; `salt` tells forks apart.
fn block(height: u64, (parent, salt): (u8, u8), pays: &[Pays]) -> FollowedBlock {
    let (own, parent) = (hash(height, salt), hash(height - 1, parent));
    let itself = BlockFact {
        chain: CHAIN,
        hash: Some(own),
        parent: Some(parent),
        height: Some(height),
        time: time(height),
        work: None,
    };
    let mut facts = vec![Fact::Block(itself)];
    facts.extend(pays.iter().map(|pays| fact(height, *pays)));
    let (chain, time, unseen) = (CHAIN, time(height), String::new());
    FollowedBlock { chain, height, hash: own, parent, time, unseen, facts }
}

struct Desk {
    folder: tempfile::TempDir,
    cell: Arc<Cell>,
    db: Arc<Db>,
    beside: Beside,
    customers: exchange::Customers,
}

impl Desk {
    fn open() -> (Desk, Following) {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Sqlite(folder.path().join("casework"));
        Desk::with(folder, &place)
    }

    /// Account 0xc0 is listed.
    fn with(folder: tempfile::TempDir, place: &Place) -> (Desk, Following) {
        let home = Home::choose(Some(folder.path().to_path_buf()));
        let mut store = home.open().unwrap();
        list(&mut store, "2025-01-01", &[0xc0]);
        let following = store.follow().unwrap();
        let db = Arc::new(case::open(place).unwrap());
        let customers = exchange::prepare(&db, &Vault::of([5; 32]), KEPT).unwrap();
        let cell = Cell::open(folder.path()).unwrap();
        let beside = Beside::open(folder.path(), db.clone()).unwrap();
        (Desk { folder, cell, db, beside, customers }, following)
    }

    fn look(&mut self) {
        self.cell.refresh().unwrap();
        self.beside.looked = None;
        self.beside.look(&self.cell).unwrap();
    }

    /// A server that stopped and started again.
    fn restart(&mut self) {
        self.beside = Beside::open(self.folder.path(), self.db.clone()).unwrap();
    }

    fn watch(&self, target: Target) {
        let new = NewWatch { name: "w".into(), severity: Severity::Low, target, team: None };
        watches::add(&self.db, &Beside::by(), &new).unwrap();
    }

    fn told(&self) -> Vec<String> {
        let all = outbox::events_after(&self.db, EventId(0), 1000).unwrap();
        all.into_iter().map(|event| event.kind).collect()
    }

    fn register(&self, user: &str, way: Way, tx: u64, to: u8) -> String {
        let asked = Asked {
            tx: TxId { chain: CHAIN, hash: hash(tx, 0xee) },
            account: account(to),
            output: None,
            asset: "ETH".into(),
            amount: "1".into(),
            way,
            time: None,
            senders: Vec::new(),
        };
        let by = By::new("key:exchange", Timestamp::now());
        let id = registered::id(&self.customers, &by.actor, &asked);
        let look = self.cell.with_store(|store| {
            let finality = Finality::of_all(store)?;
            let is_final = |height| finality.covers(CHAIN, height);
            let (now, view) = (self.cell.now(), store.snapshot());
            judging::look(&self.cell, &now, &view, &asked, &is_final, None)
        });
        registered::keep(&self.db, &by, &self.customers, (&id, user), &asked, &look.unwrap())
            .unwrap();
        id
    }

    fn kept(&self, id: &str) -> registered::Kept {
        registered::get(&self.db, id).unwrap().unwrap()
    }
}

fn list(store: &mut Store, date: &str, listed: &[u8]) {
    let version = ListVersion {
        list: "FBI".into(),
        date: date.parse().unwrap(),
        file_hash: date.to_string(),
    };
    let listing = |n: &u8| Listing {
        version: version.clone(),
        identifier: Identifier::parse(&account(*n).address_text()),
        written: account(*n).address_text(),
        asset_label: None,
        party: Some("Somebody".into()),
        party_id: Some("1".into()),
        programmes: Vec::new(),
        listed_on: None,
        expires_on: None,
        kind: ListingKind::Address,
    };
    let listings: Vec<Listing> = listed.iter().map(listing).collect();
    store.put_list(&version, "test", &listings, &[]).unwrap();
}

#[test]
fn a_payment_to_a_watched_address_is_one_alert_and_an_unwound_one_says_so() {
    let (mut desk, mut chain) = Desk::open();
    chain.append(&[block(1, (1, 1), &[(1, 1, 7, 5)])]).unwrap();
    desk.watch(Target::Account { account: account(7) });
    desk.look();
    assert_eq!(desk.told(), [""; 0], "what was stored before is the past");
    chain.append(&[block(2, (1, 1), &[(2, 1, 7, 5), (3, 1, 2, 5)])]).unwrap();
    desk.look();
    desk.look();
    assert_eq!(desk.told(), ["alert.raised"]);
    desk.restart();
    desk.look();
    assert_eq!(desk.told(), ["alert.raised"], "a restart tells nothing again");

    // The block goes; another one takes its place, which has the payment again, one block later.
    chain.unwind(CHAIN, 1).unwrap();
    chain.append(&[block(2, (1, 2), &[(3, 1, 2, 5)])]).unwrap();
    desk.look();
    assert_eq!(desk.told(), ["alert.raised", "alert.unwound"]);
    chain.append(&[block(3, (2, 2), &[(2, 1, 7, 5)])]).unwrap();
    desk.look();
    assert_eq!(desk.told(), ["alert.raised", "alert.unwound", "alert.seen_again"]);

    // The same payment in another block of a fork that came while nobody looked is no news.
    chain.unwind(CHAIN, 1).unwrap();
    let fork = [block(2, (1, 3), &[(2, 1, 7, 5)]), block(3, (3, 3), &[]), block(4, (3, 3), &[])];
    chain.append(&fork).unwrap();
    desk.restart();
    desk.look();
    assert_eq!(desk.told().len(), 3, "{:?}", desk.told());
    let held = watches::held(&desk.db, CHAIN).unwrap();
    assert_eq!(held.iter().map(|held| held.height).collect::<Vec<_>>(), [2]);
    chain.finalise_now(CHAIN, 3).unwrap();
    chain.append(&[block(5, (3, 3), &[])]).unwrap();
    desk.look();
    assert_eq!(watches::held(&desk.db, CHAIN).unwrap(), [], "final: nothing is kept of it");
}

#[test]
fn many_blocks_that_came_while_nobody_looked_are_all_looked_at() {
    let (mut desk, mut chain) = Desk::open();
    chain.append(&[block(1, (1, 1), &[])]).unwrap();
    desk.watch(Target::Account { account: account(7) });
    desk.look();
    let blocks: Vec<_> = (2..=1300)
        .map(|n| block(n, (1, 1), &if n % 400 == 0 { vec![(n, 1, 7, 5)] } else { Vec::new() }))
        .collect();
    chain.append(&blocks).unwrap();
    desk.look();
    let alerts = case::alerts::get(&desk.db, case::AlertId(1)).unwrap();
    assert_eq!(alerts.times, 3);
}

#[test]
fn a_registered_deposit_is_answered_when_its_block_comes_and_waits_again_when_it_goes() {
    let (desk, chain) = Desk::open();
    a_deposit_comes_and_goes(desk, chain);
    let server = case::trial::Server::start();
    let (desk, chain) = Desk::with(tempfile::tempdir().unwrap(), &server.place("exchange"));
    a_deposit_comes_and_goes(desk, chain);
}

fn a_deposit_comes_and_goes(mut desk: Desk, mut chain: Following) {
    chain.append(&[block(1, (1, 1), &[])]).unwrap();
    let id = desk.register("u-1", Way::Received, 9, 7);
    let first = desk.kept(&id);
    assert_eq!((first.judged.state, first.judged.verdict), (State::Waiting, None));
    chain.append(&[block(2, (1, 1), &[(9, 0xc0, 7, 5)])]).unwrap();
    desk.look();
    let kept = desk.kept(&id);
    assert_eq!(kept.judged.state, State::Answered);
    assert_eq!(kept.judged.verdict, Some(Verdict::Block), "{:?}", kept.judged);
    assert_eq!(kept.judged.counterparties, [account(0xc0)]);
    assert!(!kept.is_settled);
    assert_eq!(desk.told(), ["alert.raised", "transfer.answered"]);
    let ids = exchange::alerts_of(&desk.db, &id).unwrap();
    assert_eq!(ids.len(), 1);
    let of = |actor| exchange::alerts_of_customer(&desk.db, kept.customer, actor, 99, 9).unwrap();
    assert_eq!((of(Some("key:exchange")), of(None)), (ids.clone(), ids));
    assert_eq!(of(Some("key:other")), [], "another key's");
    let mine = registered::of_customer(&desk.db, kept.customer, None, None, 9).unwrap();
    assert_eq!(mine.iter().map(|kept| &kept.id).collect::<Vec<_>>(), [&id]);
    let before = Some((mine[0].registered_at, id.clone()));
    let none = registered::of_customer(&desk.db, kept.customer, None, before, 9).unwrap();
    assert!(none.is_empty());
    desk.look();
    assert_eq!(desk.told().len(), 2, "looking again tells nothing");

    chain.unwind(CHAIN, 1).unwrap();
    desk.look();
    let kept = desk.kept(&id);
    assert_eq!(kept.judged.state, State::Waiting);
    assert_eq!(kept.judged.reasons[0].rule, "unwound");
    assert_eq!(desk.told()[2..], ["alert.raised", "transfer.unwound"]);
    chain.append(&[block(2, (1, 2), &[]), block(3, (2, 2), &[(9, 0xc0, 7, 5)])]).unwrap();
    desk.look();
    assert_eq!(desk.kept(&id).judged.seen.unwrap().height, Some(3));
    assert_eq!(desk.told()[4..], ["transfer.answered"], "its alert stands");
    chain.append(&[block(4, (2, 2), &[])]).unwrap();
    chain.finalise_now(CHAIN, 3).unwrap();
    desk.look();
    assert!(desk.kept(&id).is_settled);
    assert_eq!(desk.told().len(), 5, "{:?}", desk.told());
}

#[test]
fn who_runs_from_a_freeze_is_told_once_over_a_reorganisation_and_taken_back_with_it() {
    let (mut desk, mut chain) = Desk::open();
    chain.append(&[block(1, (1, 1), &[(1, 1, 7, 5)])]).unwrap();
    let draft = freeze::FreezeDraft {
        case: None,
        title: "Theft".into(),
        marking: model::Marking::Amber,
        holder: "somebody".into(),
        jurisdiction: "NZ".into(),
        reference: None,
        legal_basis: vec!["a law".into()],
        clocks: None,
        asks: vec![(account(7), Asset::native(CHAIN), U256::from(5))],
    };
    let id = freeze::draft(&desk.db, &By::new("person:ada", time(1)), &draft).unwrap();
    freeze::approve(&desk.db, &By::new("person:bo", time(1)), id, 1).unwrap();
    let looked = freezing::Looked::default();
    let look = |desk: &mut Desk| {
        desk.look();
        let told = freezing::look(&desk.cell, &desk.db, &looked, time(9)).unwrap();
        let alerts: Vec<_> = desk.told().into_iter().filter(|k| k.starts_with("alert")).collect();
        (told, alerts)
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_string()).collect::<Vec<_>>();
    chain.append(&[block(2, (1, 1), &[(2, 7, 8, 3)])]).unwrap();
    assert_eq!(look(&mut desk), (1, words(&["alert.raised"])));
    // Another block at the same height has it too, at another time of day.
    chain.unwind(CHAIN, 1).unwrap();
    chain.append(&[block(2, (1, 2), &[(3, 1, 2, 5), (2, 7, 8, 3)])]).unwrap();
    assert_eq!(look(&mut desk), (0, words(&["alert.raised"])));
    // It stands one block later: that is no news either.
    chain.unwind(CHAIN, 1).unwrap();
    let later = [block(2, (1, 3), &[]), block(3, (3, 3), &[(2, 7, 8, 3)])];
    chain.append(&later).unwrap();
    assert_eq!(look(&mut desk), (0, words(&["alert.raised"])));
    assert_eq!(freeze::told_moves(&desk.db).unwrap()[0].height, Some(3));
    // It is gone, and comes back.
    chain.unwind(CHAIN, 2).unwrap();
    assert_eq!(look(&mut desk), (0, words(&["alert.raised", "alert.unwound"])));
    chain.append(&[block(3, (3, 4), &[(2, 7, 8, 3)])]).unwrap();
    let again = words(&["alert.raised", "alert.unwound", "alert.seen_again"]);
    assert_eq!(look(&mut desk), (1, again.clone()));
    // Its benign twin: what is final stays, and is not asked for again.
    chain.append(&[block(4, (4, 4), &[])]).unwrap();
    chain.finalise_now(CHAIN, 3).unwrap();
    assert_eq!(look(&mut desk), (0, again));
    assert_eq!(freeze::told_moves(&desk.db).unwrap(), []);
}

#[test]
fn a_deposit_that_pays_somebody_else_is_said() {
    let (desk, mut chain) = Desk::open();
    chain.append(&[block(1, (1, 1), &[(9, 1, 2, 5)])]).unwrap();
    desk.cell.refresh().unwrap();
    let id = desk.register("u-1", Way::Received, 9, 7);
    let judged = desk.kept(&id).judged;
    assert_eq!(judged.reasons[0].rule, "not-in-transaction");
    assert_eq!(judged.verdict, Some(Verdict::Review));
    // Its benign twin.
    let id = desk.register("u-1", Way::Received, 9, 2);
    let judged = desk.kept(&id).judged;
    assert_eq!((judged.verdict, judged.reasons.len()), (Some(Verdict::Allow), 0), "{judged:?}");
}

#[test]
fn whoever_is_listed_later_raises_an_alert_of_those_who_dealt_with_them() {
    let (mut desk, mut chain) = Desk::open();
    chain.append(&[block(1, (1, 1), &[(9, 0xd0, 7, 5)])]).unwrap();
    desk.cell.refresh().unwrap();
    let id = desk.register("u-1", Way::Received, 9, 7);
    desk.look();
    assert_eq!(exchange::alerts_of(&desk.db, &id).unwrap(), []);
    let mut store = chain.into_store();
    list(&mut store, "2025-02-01", &[0xc0, 0xd0]);
    desk.look();
    desk.look();
    let ids = exchange::alerts_of(&desk.db, &id).unwrap();
    assert_eq!(ids.len(), 1);
    let alert = case::alerts::get(&desk.db, ids[0]).unwrap();
    assert_eq!(alert.kind, case::alerts::AlertKind::LookBack);
    assert_eq!(alert.times, 1);
    assert_eq!(alert.evidence["dealt"], id.as_str());
}

#[test]
fn who_the_customer_is_stands_nowhere_in_the_clear_and_goes_with_their_key() {
    let (mut desk, mut chain) = Desk::open();
    chain.append(&[block(1, (1, 1), &[(9, 0xc0, 7, 5)])]).unwrap();
    desk.cell.refresh().unwrap();
    let user = "customer-hunter2";
    let id = desk.register(user, Way::Received, 9, 7);
    let customer = desk.kept(&id).customer;
    let find = |desk: &Desk| desk.db.read(|tx| desk.customers.find(tx, user)).unwrap();
    assert_eq!(find(&desk), Some(customer));
    let mut all = Vec::new();
    let tables = [case::backup::TABLES, exchange::TABLES].concat();
    case::backup::write(&desk.db, &tables, Timestamp::now(), &mut all).unwrap();
    let all = String::from_utf8(all).unwrap();
    assert!(!all.contains("hunter2"), "a backup holds it sealed, with its key beside it");
    assert!(all.contains("exchange_customer") && all.contains(&id));

    let person = desk
        .db
        .read(|tx| {
            let sql = "SELECT person FROM exchange_customer WHERE id = $1";
            let row = tx.row(sql, &[customer.into()])?.unwrap();
            Ok::<_, case::CaseError>(case::PersonId(row.int(0)?))
        })
        .unwrap();
    // Their time is over. While an alert of theirs is open, nobody is erased by the clock.
    let holds = case::personal::Holds::of_casework().and(exchange::customers::hold);
    let ended = By::new(ACTOR, Timestamp::now() + KEPT + KEPT);
    let before = By::new(ACTOR, Timestamp::now() + KEPT / 2);
    assert_eq!(case::personal::erase_due(&desk.db, &before, &holds).unwrap().held, []);
    let swept = case::personal::erase_due(&desk.db, &ended, &holds).unwrap();
    assert_eq!((swept.erased, swept.held), (vec![], vec![person]));
    let due = case::personal::due(&desk.db, ended.at, &holds).unwrap();
    assert_eq!(due[0].held_by.as_deref(), Some("alert 1, which is not closed"));
    for alert in exchange::alerts_of(&desk.db, &id).unwrap() {
        case::alerts::close(&desk.db, &Beside::by(), alert, "looked at", false).unwrap();
    }
    let swept = case::personal::erase_due(&desk.db, &ended, &holds).unwrap();
    assert_eq!((swept.erased, swept.held), (vec![person], vec![]));
    assert!(case::journal::verify_stored(&desk.db).unwrap().is_ok());
    desk.look();
    assert_eq!(find(&desk), None);
    let left = desk.db.read(|tx| tx.rows("SELECT reference FROM exchange_customer", &[])).unwrap();
    assert_eq!(left[0].bytes_if(0).unwrap(), None, "the hash went too");
    assert!(registered::get(&desk.db, &id).unwrap().is_some(), "the transfer stays");
    // Who comes back is another customer.
    let again = desk.register(user, Way::Received, 10, 7);
    assert_ne!(desk.kept(&again).customer, customer);
}
