//! What every route has at hand.

use std::sync::Arc;
use std::time::Duration;

use case::db::{Db, DbError, Tx};
use case::personal::Holds;
use case::vault::Vault;
use case::{CaseError, PersonId};
use jiff::Timestamp;
use share::Reach;
use tokio::sync::{Semaphore, watch};

use crate::access::Access;
use crate::access::oidc::Oidc;
use crate::access::passkeys::Site;
use crate::drivers::{self, Drivers};
use crate::events::{Events, Feed, Outbox};
use crate::frame::load::Load;
use crate::frame::metrics::Metrics;
use crate::problem::Problem;

/// Cloned into every request.
#[derive(Clone)]
pub struct App {
    pub db: Arc<Db>,
    pub access: Arc<Access>,
    pub settings: Arc<Settings>,
    pub metrics: Arc<Metrics>,
    pub load: Arc<Load>,
    /// What is told as it happens, where something tells.
    pub events: Option<Arc<Events>>,
    /// What is done by the clock while the server runs.
    pub drivers: Arc<Drivers>,
    /// What may need somebody's data longer than their time.
    pub holds: Arc<Holds>,
    /// Threads that wait for the database; more would only wait for each other.
    blocking: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
}

/// What can be set; [`Settings::default`] is what holds where nothing is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Served under TLS: cookies are marked so, and browsers are told to stay with it.
    pub is_tls: bool,
    /// The longest body of a request, in bytes.
    pub body_bytes_max: usize,
    /// The longest a request may take; streams apart.
    pub timeout: Duration,
    /// Requests worked on at once; more are shed with 503.
    pub in_flight_max: usize,
    /// Connections open at once; more are closed.
    pub connections_max: usize,
    /// Streams of events open at once; more are refused with 503.
    pub streams_max: usize,
    /// A request that would start later than this after it came is shed.
    pub lag_max: Duration,
    /// Requests a second of a key that says nothing of its own.
    pub key_per_s: u32,
    /// Requests a second from one address without a key.
    pub address_per_s: u32,
    /// A session ends when it was not used for so long,
    pub session_idle: Duration,
    /// and after so long at the latest.
    pub session_max: Duration,
    /// Passwords hashed at once. Each takes 19 MiB and a core.
    pub hashes_at_once: usize,
    /// Seals secrets that must be read again. Without it none can be made.
    pub vault: Option<Arc<Vault>>,
    /// Where passkeys hold; none: there are none.
    pub passkeys: Option<Site>,
    /// Who else may say who somebody is.
    pub oidc: Option<Arc<Oidc>>,
    /// How long personal data are kept, and who ends it.
    pub retention: Retention,
    /// Where webhooks may go.
    pub reach: Reach,
    /// Every request goes to the log, not only what changes something or fails.
    pub log_all: bool,
    /// Nothing goes to the log: for tests.
    pub log_nothing: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            is_tls: false,
            body_bytes_max: 1 << 20,
            timeout: Duration::from_secs(30),
            in_flight_max: 2048,
            connections_max: 8192,
            streams_max: 4096,
            lag_max: Duration::from_millis(250),
            key_per_s: 20_000,
            address_per_s: 100,
            session_idle: Duration::from_secs(30 * 60),
            session_max: Duration::from_secs(12 * 3600),
            hashes_at_once: 2,
            vault: None,
            passkeys: None,
            oidc: None,
            retention: Retention::default(),
            reach: Reach::default(),
            log_all: false,
            log_nothing: false,
        }
    }
}

/// How long personal data are kept where nobody says otherwise, and whether the clock erases them then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub kept: Duration,
    /// The clock erases those whose time is over and whom nothing that is open holds.
    pub erases: bool,
}

impl Retention {
    /// FATF's recommendation 11: at least five years after the business relation ended.
    pub const DAYS: u64 = 5 * 366;
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { kept: Duration::from_secs(Retention::DAYS * 24 * 3600), erases: false }
    }
}

/// Questions to the database at once.
const BLOCKING_MAX: usize = 32;

impl App {
    /// Brings the tables of access to their newest form, and reads who is known.
    pub fn open(db: Arc<Db>, settings: Settings) -> Result<App, DbError> {
        case::migrate(&db)?;
        db.migrate("serve", crate::frame::idempotency::STEPS)?;
        let access = Access::open(db.clone(), &settings)?;
        Ok(App {
            db,
            access: Arc::new(access),
            metrics: Arc::new(Metrics::default()),
            events: None,
            drivers: Arc::new(drivers::of_casework()),
            holds: Arc::new(Holds::of_casework()),
            load: Arc::new(Load::new(&settings)),
            settings: Arc::new(settings),
            blocking: Arc::new(Semaphore::new(BLOCKING_MAX)),
            stopping: watch::Sender::new(false),
        })
    }

    /// Tells its listeners what casework tells.
    pub fn telling_casework(self) -> Result<App, Problem> {
        let outbox = Arc::new(Outbox::of(&self));
        self.telling(outbox)
    }

    /// Tells its listeners what this feed has.
    pub fn telling(mut self, feed: Arc<dyn Feed>) -> Result<App, Problem> {
        self.events = Some(Arc::new(Events::new(feed)?));
        Ok(self)
    }

    /// Does this too, again and again, while the server runs.
    #[must_use]
    pub fn driving(
        mut self,
        name: &'static str,
        drive: impl Fn(&App, Timestamp) -> Result<usize, drivers::Failed> + Send + Sync + 'static,
    ) -> App {
        self.drivers = Arc::new(self.drivers.with(name, drive));
        self
    }

    /// This too may need somebody's data longer than their time.
    #[must_use]
    pub fn holding(
        mut self,
        hold: impl Fn(&mut Tx<'_>, PersonId) -> Result<Option<String>, CaseError>
        + Send
        + Sync
        + 'static,
    ) -> App {
        self.holds = Arc::new((*self.holds).clone().and(hold));
        self
    }

    /// Counts of the routes that the server turned out to have.
    pub(crate) fn with_metrics(mut self, metrics: Metrics) -> App {
        self.metrics = Arc::new(metrics);
        self
    }

    pub fn vault(&self) -> Result<&Vault, Problem> {
        self.settings.vault.as_deref().ok_or_else(Problem::no_vault)
    }

    /// Does what waits (for the database, for a disk) on a thread of its own, few at once.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&App) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.blocking.clone().acquire_owned().await;
        let Ok(permit) = permit else { return Err(Problem::internal()) };
        let app = self.clone();
        // The permit goes along: a request that gave up does not free a thread that still works.
        let done = tokio::task::spawn_blocking(move || {
            let answer = work(&app);
            drop(permit);
            answer
        });
        done.await.unwrap_or_else(|_| Err(Problem::internal()))
    }

    /// True once the server is to stop: streams end then.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }
}
