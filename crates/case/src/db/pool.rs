//! Connections that wait for their next use.

use std::sync::{Mutex, PoisonError};

pub struct Pool<C> {
    idle: Mutex<Vec<C>>,
}

/// More are closed after use.
const IDLE_MAX: usize = 8;

impl<C> Pool<C> {
    pub fn new(first: C) -> Pool<C> {
        Pool { idle: Mutex::new(vec![first]) }
    }

    pub fn take<E>(&self, open: impl FnOnce() -> Result<C, E>) -> Result<C, E> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(open, Ok)
    }

    pub fn give_back(&self, connection: C) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
    }
}
