//! What is done by the clock while the server runs: reminders, what was snoozed, deadlines, the end of
//! retention where that is on, and whatever the binary adds with [`App::driving`].
//!
//! One task, one driver after another. Each may be done twice, by two servers or after a crash: what was
//! told is marked in the transaction that tells it. An error goes to the log and is counted, and the
//! others go on. The clock is given to [`tick`], so that tests have their own.

use std::error::Error;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use case::{By, alerts, cases, freeze, personal};
use jiff::Timestamp;

use crate::app::App;
use crate::frame::log;

pub type Failed = Box<dyn Error + Send + Sync>;
type Drive = Box<dyn Fn(&App, Timestamp) -> Result<usize, Failed> + Send + Sync>;

const EVERY: Duration = Duration::from_secs(10);
const RETENTION_EVERY_S: i64 = 3600;
/// As the journal names whoever acts by the clock.
const ACTOR: &str = "system";

#[derive(Default)]
pub struct Drivers(Vec<Arc<Driver>>);

struct Driver {
    name: &'static str,
    drive: Drive,
    done: AtomicU64,
    failed: AtomicU64,
}

impl Drivers {
    /// With one that does what is due at a moment and says of how many things.
    pub fn with(
        &self,
        name: &'static str,
        drive: impl Fn(&App, Timestamp) -> Result<usize, Failed> + Send + Sync + 'static,
    ) -> Drivers {
        let mut all = self.0.clone();
        let drive = Box::new(drive);
        all.push(Arc::new(Driver { name, drive, done: 0.into(), failed: 0.into() }));
        Drivers(all)
    }

    /// How much each has done, and how often it failed.
    pub fn counts(&self) -> Vec<(&'static str, u64, u64)> {
        let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
        self.0.iter().map(|one| (one.name, count(&one.done), count(&one.failed))).collect()
    }

    fn tell(&self, text: &mut String) {
        let named = [
            ("interdict_clock_done_total", "Things done by the clock."),
            ("interdict_clock_failed_total", "Times that failed what is done by the clock."),
        ];
        for (at, (name, help)) in named.into_iter().enumerate() {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
            for (driver, done, failed) in self.counts() {
                let value = [done, failed][at];
                let _ = writeln!(text, "{name}{{what=\"{driver}\"}} {value}");
            }
        }
    }
}

/// What casework itself must do.
pub fn of_casework() -> Drivers {
    let by = |at| By::new(ACTOR, at);
    Drivers::default()
        .with("freeze clocks", move |app, at| Ok(freeze::remind(&app.db, &by(at))?.len()))
        .with("snoozed alerts", move |app, at| Ok(alerts::wake(&app.db, &by(at))?.len()))
        .with("deadlines of cases", move |app, at| {
            Ok(cases::remind_deadlines(&app.db, &by(at))?.len())
        })
        .with("people whose retention ended", retention())
}

/// Erases them once an hour, where the server was told to.
fn retention() -> impl Fn(&App, Timestamp) -> Result<usize, Failed> + Send + Sync + 'static {
    let last: Mutex<Option<Timestamp>> = Mutex::default();
    move |app, at| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time =
            last.is_none_or(|last| at.as_second() - last.as_second() >= RETENTION_EVERY_S);
        if !app.settings.retention.erases || !is_time {
            return Ok(0);
        }
        let swept = personal::erase_due(&app.db, &By::new(ACTOR, at), &app.holds)?;
        *last = Some(at);
        Ok(swept.erased.len())
    }
}

/// Does once what is due now, all of it.
pub fn tick(app: &App, now: Timestamp) {
    for driver in &app.drivers.0 {
        let done = catch_unwind(AssertUnwindSafe(|| (driver.drive)(app, now)));
        let failed = match done {
            Ok(Ok(done)) => {
                driver.done.fetch_add(done as u64, Ordering::Relaxed);
                continue;
            }
            Ok(Err(error)) => error,
            Err(_) => "it panicked".into(),
        };
        driver.failed.fetch_add(1, Ordering::Relaxed);
        log::failure(driver.name, failed.as_ref());
    }
}

/// Until the server stops; what was begun is ended first.
pub(crate) async fn run(app: App) {
    let drivers = app.drivers.clone();
    app.metrics.add_extra(Box::new(move |text| drivers.tell(text)));
    let mut stopping = app.stopping();
    while !*stopping.borrow() {
        let at = app.clone();
        drop(tokio::task::spawn_blocking(move || tick(&at, Timestamp::now())).await);
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stopping.changed() => return,
        }
    }
}
