//! Passwords: argon2id, 19 MiB and two passes each, a few at once.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use crate::problem::Problem;

const LENGTH_MIN: usize = 12;
/// In bytes: a longer one only costs time.
const LENGTH_MAX: usize = 512;
/// Requests that wait for their turn; more are told to come back.
const WAITING_MAX: usize = 64;

pub struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Of a password nobody has: compared where there is no user, so that it takes as long.
    nobody: String,
}

impl Passwords {
    pub fn new(at_once: usize) -> Passwords {
        Passwords {
            turns: Arc::new(Semaphore::new(at_once.max(1))),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            nobody: hash(&super::secret::make("")),
        }
    }

    pub async fn hash(&self, password: String) -> Result<String, Problem> {
        self.in_turn(move || hash(&password)).await
    }

    /// `known` is none where there is no such user, or one without a password.
    pub async fn is_right(&self, password: String, known: Option<String>) -> Result<bool, Problem> {
        let is_known = known.is_some();
        let known = known.unwrap_or_else(|| self.nobody.clone());
        let is_right = self.in_turn(move || matches(&password, &known)).await?;
        Ok(is_right && is_known)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(_place) = self.waiting.clone().try_acquire_owned() else {
            return Err(Problem::overloaded());
        };
        let Ok(turn) = self.turns.clone().acquire_owned().await else {
            return Err(Problem::internal());
        };
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|_| Problem::internal())
    }
}

/// Of a person's own choice: long enough, and not their name.
pub fn check(password: &str, name: &str) -> Result<(), Problem> {
    let length = password.chars().count();
    if length < LENGTH_MIN || password.len() > LENGTH_MAX {
        let detail =
            format!("expected at least {LENGTH_MIN} characters, at most {LENGTH_MAX} bytes");
        return Err(Problem::invalid("password", detail));
    }
    let lower = password.to_lowercase();
    let mut letters: Vec<char> = lower.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if letters.len() < 5 || (name.len() > 3 && lower.replace(name, "").chars().count() < 8) {
        let detail = "too easy to guess: it repeats few characters, or the name";
        return Err(Problem::invalid("password", detail));
    }
    Ok(())
}

fn hash(password: &str) -> String {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.expect("argon2 hashes any password with its own settings").to_string()
}

fn matches(password: &str, known: &str) -> bool {
    let Ok(known) = PasswordHash::new(known) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &known).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_somebody_is_right() {
        let passwords = Passwords::new(2);
        let known = passwords.hash("correct horse battery".into()).await.unwrap();
        assert!(known.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let right = |password: &str, known: Option<&String>| {
            passwords.is_right(password.to_string(), known.cloned())
        };
        assert!(right("correct horse battery", Some(&known)).await.unwrap());
        assert!(!right("correct horse batterz", Some(&known)).await.unwrap());
        assert!(!right("correct horse battery", None).await.unwrap());
    }

    #[test]
    fn what_is_easy_to_guess_is_refused() {
        for password in ["short", "aaaaaaaaaaaaaaaa", "ada-lovelace1", &"x1y2z3".repeat(100)] {
            assert!(check(password, "ada-lovelace").is_err(), "{password}");
        }
        assert!(check("a sentence of some length", "ada-lovelace").is_ok());
    }
}
