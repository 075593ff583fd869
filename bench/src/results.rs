//! What was measured, kept as JSON: `target/bench/results.json`.
//!
//! A run replaces what it measured and leaves the rest, so that a long bench can be
//! done in parts. Each result says when it was measured.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::limits::Limits;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Results {
    pub format: String,
    pub machine: String,
    pub command: String,
    pub date: String,
    pub limits: Option<Limits>,
    /// By contender.
    pub versions: BTreeMap<String, String>,
    /// Who was not there, and why.
    pub missing: BTreeMap<String, String>,
    pub results: Vec<Measured>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// `1M`; empty for works without one.
    pub scale: String,
    pub transfers: u64,
    pub work: String,
    pub contender: String,
    pub date: String,
    /// Programs that wanted a processor when it began: above one, others disturbed it.
    pub load: f64,
    /// Why there is no number, where there is none.
    pub failure: Option<String>,
    pub numbers: BTreeMap<String, f64>,
}

impl Results {
    pub fn read(path: &Path) -> Result<Results> {
        if !path.exists() {
            return Ok(Results::default());
        }
        let text =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| {
            format!("{} is not a result of the bench; move it away", path.display())
        })
    }

    pub fn write(&self, path: &Path) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Takes the place of an older result of the same.
    pub fn put(&mut self, measured: Measured) {
        let key = |m: &Measured| (m.transfers, m.work.clone(), m.contender.clone());
        let same = key(&measured);
        self.results.retain(|old| key(old) != same);
        self.results.push(measured);
        self.results.sort_by_key(key);
    }

    pub fn find(&self, scale: &str, work: &str, contender: &str) -> Option<&Measured> {
        self.results.iter().find(|m| m.scale == scale && m.work == work && m.contender == contender)
    }

    /// The scales that have results, small ones first; works without a scale are "".
    pub fn scales(&self) -> Vec<(u64, String)> {
        let mut scales: Vec<(u64, String)> =
            self.results.iter().map(|m| (m.transfers, m.scale.clone())).collect();
        scales.sort();
        scales.dedup();
        scales
    }
}
