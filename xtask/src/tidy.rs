//! The house rules of the tree, as a test.
//!
//! In: the files git knows or would add. Out: one line per fault, saying where
//! and what to do. `cargo xtask tidy` prints them; the test at the end of this
//! file fails on them.

mod edges;
mod files;
mod links;
mod purity;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::{generate, place};

/// Where a rule is broken, and how to mend it.
pub type Fault = String;

pub fn run() -> Result<ExitCode> {
    let faults = check(&place::root())?;
    for fault in &faults {
        println!("{fault}");
    }
    println!("tidy: {} broken", count(&faults));
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub fn count(faults: &[Fault]) -> String {
    match faults.len() {
        1 => "1 house rule".into(),
        n => format!("{n} house rules"),
    }
}

/// All faults of the tree, in the order of the rules.
pub fn check(root: &Path) -> Result<Vec<Fault>> {
    let tree = Tree::read(root)?;
    let mut faults = edges::check(&tree)?;
    faults.extend(purity::check(&tree)?);
    faults.extend(links::check(&tree));
    faults.extend(files::check(&tree));
    faults.extend(stale(&tree)?);
    Ok(faults)
}

fn stale(tree: &Tree) -> Result<Vec<Fault>> {
    let generated = generate::all(&tree.root)?.into_iter();
    let stale = generated.filter(|file| tree.text(file.path).as_deref() != Some(&file.text));
    Ok(stale.map(|file| format!("{}: not fresh; run `cargo xtask gen`", file.path)).collect())
}

/// The files of the repository.
pub struct Tree {
    pub root: PathBuf,
    /// Relative to the root, sorted. What git ignores is not among them.
    pub files: Vec<String>,
}

impl Tree {
    fn read(root: &Path) -> Result<Tree> {
        let mut git = Command::new("git");
        git.current_dir(root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]);
        let output = git.output().context("cannot run git, which lists the files to look at")?;
        if !output.status.success() {
            bail!("git cannot list the files: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let listed = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
        let mut files: Vec<String> =
            listed.split('\0').filter(|name| !name.is_empty()).map(String::from).collect();
        // Git still lists a file that was just deleted.
        files.retain(|file| root.join(file).is_file());
        files.sort();
        files.dedup();
        Ok(Tree { root: root.to_path_buf(), files })
    }

    /// The text of a file; none when it is missing or not text.
    pub fn text(&self, file: &str) -> Option<String> {
        std::fs::read_to_string(self.root.join(file)).ok()
    }

    pub fn with_extension(&self, extension: &str) -> impl Iterator<Item = &str> {
        let suffix = format!(".{extension}");
        self.files.iter().map(String::as_str).filter(move |file| file.ends_with(&suffix))
    }

    /// Names of the folders in `crates/` that hold a manifest.
    pub fn crates(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter_map(|file| {
            let name = file.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
            (!name.contains('/')).then_some(name)
        })
    }

    pub fn manifest(&self, name: &str) -> Result<toml::Table> {
        let path = if name == "xtask" {
            "xtask/Cargo.toml".into()
        } else {
            format!("crates/{name}/Cargo.toml")
        };
        let text = self.text(&path).with_context(|| format!("cannot read {path}"))?;
        text.parse().with_context(|| format!("{path} is not TOML"))
    }
}

/// Names in `[dependencies]` and `[build-dependencies]`, also per target. What
/// only tests use is not part of a crate.
pub fn dependencies(manifest: &toml::Table) -> Vec<String> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let per_target = targets.into_iter().flat_map(|t| t.values()).filter_map(toml::Value::as_table);
    std::iter::once(manifest)
        .chain(per_target)
        .flat_map(|table| ["dependencies", "build-dependencies"].map(|key| table.get(key)))
        .flatten()
        .filter_map(toml::Value::as_table)
        .flat_map(|table| table.keys().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        let faults = check(&place::root()).expect("the tree can be read");
        assert!(faults.is_empty(), "{} broken:\n{}", count(&faults), faults.join("\n"));
    }

    #[test]
    fn dependencies_are_found_wherever_cargo_allows_them() {
        let manifest = "
            [dependencies]
            a.workspace = true
            [dependencies.b]
            version = \"1\"
            [dev-dependencies]
            c = \"1\"
            [target.'cfg(unix)'.build-dependencies]
            d = \"1\"
        ";
        let mut found = dependencies(&manifest.parse().expect("TOML"));
        found.sort();
        assert_eq!(found, ["a", "b", "d"]);
    }
}

/// A small tree for the tests of the rules.
#[cfg(test)]
pub mod sample {
    use super::Tree;

    /// A folder that lives as long as the tree is looked at.
    pub struct Sample {
        pub tree: Tree,
        _folder: tempfile::TempDir,
    }

    pub fn tree(files: &[(&str, &str)]) -> Sample {
        let folder = tempfile::tempdir().expect("a folder for a test");
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("inside the folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        let files = files.iter().map(|(path, _)| path.to_string()).collect();
        Sample { tree: Tree { root: folder.path().to_path_buf(), files }, _folder: folder }
    }
}
