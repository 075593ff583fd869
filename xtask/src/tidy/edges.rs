//! Crates point only where the table in ARCHITECTURE.md lets them, and follow
//! the lints of the workspace.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use super::{Fault, Tree, dependencies};

const TABLE: &str = "ARCHITECTURE.md";

/// Which crates a crate may use.
#[derive(Debug, PartialEq, Eq)]
enum MayUse {
    All,
    Only(BTreeSet<String>),
}

pub fn check(tree: &Tree) -> Result<Vec<Fault>> {
    let text = tree.text(TABLE).with_context(|| format!("cannot read {TABLE}"))?;
    let table = parse_table(&text);
    let mut present: BTreeSet<String> = tree.crates().map(String::from).collect();
    if tree.files.iter().any(|file| file == "xtask/Cargo.toml") {
        present.insert("xtask".into());
    }
    let mut faults = Vec::new();
    for name in table.keys().filter(|name| !present.contains(*name)) {
        faults.push(format!("{TABLE}: the crate table names `{name}`, which is not in the tree"));
    }
    for name in &present {
        let manifest = tree.manifest(name)?;
        if !takes_workspace_lints(&manifest) && !repeats_lints(name, &manifest, tree)? {
            faults.push(format!("crate {name}: its manifest lacks `[lints] workspace = true`"));
        }
        let Some(may_use) = table.get(name) else {
            faults.push(format!("{TABLE}: the crate table does not name `{name}`"));
            continue;
        };
        for used in dependencies(&manifest).iter().filter(|used| present.contains(*used)) {
            if !may_use.lets(used) {
                faults.push(format!(
                    "crate {name}: uses `{used}`, which the crate table in {TABLE} does not allow; \
                     move the shared value into `model`, or discuss the new edge"
                ));
            }
        }
    }
    Ok(faults)
}

impl MayUse {
    fn parse(cell: &str) -> MayUse {
        match cell {
            "all" => MayUse::All,
            "–" | "-" | "" => MayUse::Only(BTreeSet::new()),
            names => MayUse::Only(names.split(',').map(|name| bare(name).to_string()).collect()),
        }
    }

    fn lets(&self, used: &str) -> bool {
        match self {
            MayUse::All => true,
            MayUse::Only(names) => names.contains(used),
        }
    }
}

fn takes_workspace_lints(manifest: &toml::Table) -> bool {
    let lints = manifest.get("lints").and_then(|lints| lints.get("workspace"));
    lints.and_then(toml::Value::as_bool) == Some(true)
}

/// `store` maps files into memory, which is unsafe: its lints are those of the workspace,
/// repeated, but that each use of `unsafe` may be allowed where it stands.
fn repeats_lints(name: &str, manifest: &toml::Table, tree: &Tree) -> Result<bool> {
    if name != "store" {
        return Ok(false);
    }
    let root: toml::Table = tree.text("Cargo.toml").unwrap_or_default().parse()?;
    let wanted = root.get("workspace").and_then(|workspace| workspace.get("lints"));
    let Some(mut wanted) = wanted.cloned() else { return Ok(false) };
    if let Some(rust) = wanted.get_mut("rust").and_then(toml::Value::as_table_mut) {
        rust.insert("unsafe_code".into(), "deny".into());
    }
    Ok(manifest.get("lints") == Some(&wanted))
}

/// The first table with a column `crate` and a column `may use`.
fn parse_table(text: &str) -> BTreeMap<String, MayUse> {
    let mut lines = text.lines();
    let columns = lines.find_map(|line| {
        let cells = cells(line)?;
        let at = |name| cells.iter().position(|cell| *cell == name);
        Some((at("crate")?, at("may use")?))
    });
    let Some((name_at, uses_at)) = columns else {
        return BTreeMap::new();
    };
    lines
        .map_while(cells)
        .filter(|row| !row.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | ':'))))
        .filter_map(|row| {
            Some((bare(row.get(name_at)?).to_string(), MayUse::parse(row.get(uses_at)?)))
        })
        .collect()
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

fn bare(name: &str) -> &str {
    name.trim().trim_matches('`')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample;

    const ARCHITECTURE: &str = "
| crate | holds | may use |
|---|---|---|
| `model` | words | – |
| `trace` | walks | model |
| `interdict` | commands | all |
";

    fn manifest(dependency: &str) -> String {
        format!("[lints]\nworkspace = true\n[dependencies]\n{dependency}.workspace = true\n")
    }

    fn faults(trace_uses: &str) -> Vec<Fault> {
        let sample = sample::tree(&[
            ("ARCHITECTURE.md", ARCHITECTURE),
            ("crates/model/Cargo.toml", &manifest("serde")),
            ("crates/trace/Cargo.toml", &manifest(trace_uses)),
            ("crates/interdict/Cargo.toml", &manifest("trace")),
        ]);
        check(&sample.tree).expect("the table is there")
    }

    #[test]
    fn only_the_store_may_repeat_the_lints_and_must_repeat_all() {
        let root = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n[workspace.lints.clippy]\ntodo = \"warn\"\n";
        let faults = |name: &str, lints: &str| {
            let table = format!("| crate | may use |\n|---|---|\n| `{name}` | – |\n");
            let path = format!("crates/{name}/Cargo.toml");
            let files = [("ARCHITECTURE.md", table.as_str()), ("Cargo.toml", root), (&path, lints)];
            let sample = sample::tree(&files);
            check(&sample.tree).expect("the table is there").len()
        };
        let all = "[lints.rust]\nunsafe_code = \"deny\"\n[lints.clippy]\ntodo = \"warn\"\n";
        let some = "[lints.rust]\nunsafe_code = \"deny\"\n";
        assert_eq!([faults("store", all), faults("store", some), faults("trace", all)], [0, 1, 1]);
    }

    #[test]
    fn allowed_edges_and_guests_pass() {
        assert_eq!(faults("model"), Vec::<Fault>::new());
        assert_eq!(faults("serde"), Vec::<Fault>::new());
    }

    #[test]
    fn an_edge_upwards_is_named() {
        let faults = faults("interdict");
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with("crate trace: uses `interdict`"), "{faults:?}");
    }

    #[test]
    fn a_crate_the_table_does_not_name_is_a_fault_and_so_is_a_missing_one() {
        let sample = sample::tree(&[
            ("ARCHITECTURE.md", "| crate | may use |\n|---|---|\n| `gone` | – |\n"),
            ("crates/new/Cargo.toml", "[package]\n"),
        ]);
        let faults = check(&sample.tree).expect("the table is there");
        assert_eq!(faults.len(), 3, "{faults:?}");
    }
}
