//! `interdict serve` as a child, and what it says when it starts.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};

/// A server that is stopped with us, also where we fail.
pub struct Served {
    pub child: Child,
    /// What it goes on to say. Kept open: a server whose output nobody reads any more stops.
    pub lines: Lines<BufReader<ChildStdout>>,
    /// Such as `http://127.0.0.1:8420`.
    pub origin: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Served {
    /// Starts it on a free port and waits until it listens.
    pub fn start(mut serve: Command) -> Result<Served> {
        serve.args(["serve", "--port", "0"]).stdout(Stdio::piped());
        let mut child = serve.spawn().context("cannot start `interdict serve`")?;
        let said = child.stdout.take().context("standard output is not piped")?;
        let lines = BufReader::new(said).lines();
        let mut served = Served { child, lines, origin: String::new() };
        served.origin = served.after("listening on ")?;
        Ok(served)
    }

    /// The secret of the link by which the first administrator chooses a name; only a home without one
    /// gives it.
    pub fn welcome(&mut self) -> Result<String> {
        self.after("#welcome=")
    }

    /// What follows a mark on the first line that has it.
    fn after(&mut self, mark: &str) -> Result<String> {
        loop {
            let line = self.lines.next().with_context(|| {
                format!("the server ended before it said {mark:?}: see what it said above")
            })?;
            if let Some((_, rest)) =
                line.context("the server's words are no text")?.split_once(mark)
            {
                return Ok(rest.trim().to_string());
            }
        }
    }
}
