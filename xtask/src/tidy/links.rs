//! Every relative link in our Markdown leads to a file.

use std::path::{Component, Path, PathBuf};

use super::{Fault, Tree};

pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in tree.with_extension("md") {
        let text = tree.text(file).unwrap_or_default();
        for (line, link) in links(&text) {
            if is_outside(&link) || leads_somewhere(tree, file, &link) {
                continue;
            }
            faults.push(format!("{file}:{line}: the link `{link}` leads nowhere"));
        }
    }
    faults
}

/// Every link with its line, in text outside of code.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut is_code = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
            continue;
        }
        if is_code {
            continue;
        }
        let line = without_code_spans(line);
        for (open, close) in [("](", ')'), ("src=\"", '"'), ("href=\"", '"'), ("srcset=\"", '"')] {
            for rest in line.split(open).skip(1) {
                let link = rest.split_once(close).map_or(rest, |(link, _)| link);
                // `[text](link "title")`
                let link = link.split_whitespace().next().unwrap_or_default();
                found.push((number, link.trim_matches(['<', '>']).to_string()));
            }
        }
        let reference = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        found.extend(reference.map(|(_, link)| (number, link.trim().to_string())));
    }
    found
}

fn without_code_spans(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("` `")
}

fn is_outside(link: &str) -> bool {
    link.is_empty() || link.starts_with('#') || link.contains("://") || link.starts_with("mailto:")
}

fn leads_somewhere(tree: &Tree, file: &str, link: &str) -> bool {
    let path = link.split(['#', '?']).next().unwrap_or_default();
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    match inside(&folder.join(path)) {
        Some(path) => tree.root.join(path).exists(),
        None => false,
    }
}

/// The path without `..`; none when it leaves the repository.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir => {
                if !plain.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample;

    #[test]
    fn links_are_followed_from_the_file_that_has_them() {
        let text = "[a](../STYLE.md#names) [b](no.md) [c](https://x.org) `[d](e.md)` <img src=\"pic.png\">\n\
                    ```\n[f](g.md)\n```\n[h]: ../../outside.md\n";
        let sample = sample::tree(&[("docs/a.md", text), ("STYLE.md", "")]);
        let faults = check(&sample.tree);
        let named: Vec<&str> = faults.iter().filter_map(|fault| fault.split('`').nth(1)).collect();
        assert_eq!(named, ["no.md", "pic.png", "../../outside.md"]);
    }
}
