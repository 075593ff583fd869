//! The log: one JSON object a line on standard error.
//!
//! Of a request it has the route, not the path: paths and bodies hold names and addresses of
//! customers. Who acted is named by what casework calls them. A thread writes; when it cannot keep up,
//! lines are lost and counted, and no request waits.

use std::error::Error;
use std::io::Write;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use serde_json::{Value, json};

const WAITING_MAX: usize = 8192;

static LINES: OnceLock<SyncSender<String>> = OnceLock::new();

/// Lines before the first call are not written: a test, a command that only asks.
pub fn start() {
    LINES.get_or_init(|| {
        let (sender, lines) = sync_channel(WAITING_MAX);
        std::thread::spawn(move || write_all(&lines));
        sender
    });
}

fn write_all(lines: &Receiver<String>) {
    let mut waiting = String::new();
    while let Ok(line) = lines.recv() {
        waiting.push_str(&line);
        // What has come meanwhile goes out with it.
        while waiting.len() < 1 << 16 {
            let Ok(line) = lines.try_recv() else { break };
            waiting.push_str(&line);
        }
        drop(std::io::stderr().lock().write_all(waiting.as_bytes()));
        waiting.clear();
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Level {
    Info,
    Warn,
    Error,
}

/// False: there was no room for it.
pub fn line(level: Level, message: &str, fields: Value) -> bool {
    let Some(lines) = LINES.get() else { return true };
    let mut line = json!({
        "at": jiff::Timestamp::now().to_string(),
        "level": match level {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        },
        "message": message,
    });
    if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
        line.extend(fields);
    }
    !matches!(lines.try_send(format!("{line}\n")), Err(TrySendError::Full(_)))
}

/// Something of ours failed: with every cause.
pub fn failure(what: &str, error: &dyn Error) {
    let mut causes = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    line(Level::Error, "failed", json!({ "what": what, "causes": causes }));
}
