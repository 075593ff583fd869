//! How much memory this process, and those it started, take at most.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// In bytes. What is mapped from files is in `resident` only: the kernel may take
/// it away at any time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peak {
    pub anonymous: u64,
    pub resident: u64,
}

/// Looks ten times a second until it is dropped.
pub struct Memory {
    shared: Arc<Shared>,
    watcher: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    anonymous: AtomicU64,
    resident: AtomicU64,
    is_done: AtomicBool,
    others: Mutex<Vec<u32>>,
}

impl Memory {
    pub fn watch() -> Memory {
        let shared = Arc::new(Shared::default());
        let watched = shared.clone();
        let watcher = std::thread::spawn(move || {
            while !watched.is_done.load(Ordering::Relaxed) {
                watched.look();
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        Memory { shared, watcher: Some(watcher) }
    }

    /// Counts a server and its children too.
    pub fn also(&self, processes: Vec<u32>) {
        *self.shared.others.lock().expect("nobody panics holding it") = processes;
    }

    pub fn peak(&self) -> Peak {
        self.shared.look();
        Peak {
            anonymous: self.shared.anonymous.load(Ordering::Relaxed),
            resident: self.shared.resident.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.shared.is_done.store(true, Ordering::Relaxed);
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
}

impl Shared {
    fn look(&self) {
        let mut anonymous = status("self", "RssAnon:");
        let mut resident = status("self", "VmHWM:");
        let others = self.others.lock().expect("nobody panics holding it").clone();
        for server in others {
            for process in family(server) {
                // Shared buffers are memory, and each page of them counts once.
                let rollup = Path::new("/proc").join(process.to_string()).join("smaps_rollup");
                let own = ["Pss_Anon:", "Pss_Shmem:"];
                let bytes: u64 = own.iter().map(|name| field(&rollup, name)).sum();
                anonymous += bytes;
                resident += bytes;
            }
        }
        self.anonymous.fetch_max(anonymous, Ordering::Relaxed);
        self.resident.fetch_max(resident, Ordering::Relaxed);
    }
}

fn status(process: &str, name: &str) -> u64 {
    field(&Path::new("/proc").join(process).join("status"), name)
}

/// A field given in kB; 0 where it cannot be read.
fn field(file: &Path, name: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kb = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kb.unwrap_or(0) * 1024
}

fn family(server: u32) -> Vec<u32> {
    let tasks = format!("/proc/{server}/task/{server}/children");
    let children = std::fs::read_to_string(tasks).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
    std::iter::once(server).chain(children).collect()
}
