//! Disputes and corrections over labels: rows that are only ever added, which the database itself
//! sees to.

use model::LabelEvent;
use rusqlite::params;

use crate::StoreError;
use crate::catalog::Catalog;
use crate::code::{join_time, read, split_time};
use crate::error::{Doing, In};

impl Catalog {
    /// Keeps what was decided, after everything that was decided before.
    pub fn add_label_event(&self, event: &LabelEvent) -> Result<(), StoreError> {
        let doing = || format!("keep what was decided about the label {}", event.label);
        let add = || {
            let change = serde_json::to_string(&event.change)
                .map_err(|error| StoreError::value(doing(), error.to_string()))?;
            let (time, time_ns) = split_time(event.at);
            let db = self.write(&doing())?;
            db.execute(
                "INSERT INTO label_event (label, subject, name, time, time_ns, by, why, change)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    event.label,
                    event.subject,
                    event.name,
                    time,
                    time_ns,
                    event.by,
                    event.why,
                    change
                ],
            )
            .doing(doing)?;
            db.commit().doing(doing)
        };
        add().in_file(self.path.as_deref())
    }

    /// Everything that was decided, in that order.
    pub fn label_events(&self) -> Result<Vec<LabelEvent>, StoreError> {
        self.read_all(
            "SELECT label, subject, name, time, time_ns, by, why, change FROM label_event ORDER BY id",
            |row| {
                let change: String = read(row, 7)?;
                let wrong = |error: serde_json::Error| {
                    StoreError::value("read what was decided about a label", error.to_string())
                };
                let no_time = || StoreError::value("read what was decided", "its time is none");
                Ok(LabelEvent {
                    label: read(row, 0)?,
                    subject: read(row, 1)?,
                    name: read(row, 2)?,
                    at: join_time(read(row, 3)?, read(row, 4)?).ok_or_else(no_time)?,
                    by: read(row, 5)?,
                    why: read(row, 6)?,
                    change: serde_json::from_str(&change).map_err(wrong)?,
                })
            },
        )
    }
}
