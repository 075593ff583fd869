//! No file speaks of the machine it was written on, and no source file is too
//! long to read.

use super::{Fault, Tree};

/// Split so that this file does not find itself.
const FOREIGN: &[&str] =
    &[concat!("/wo", "rk/"), concat!(".lib", "rary"), concat!("farm", "-bench")];

const SOURCES: &[&str] = &["rs", "ts", "tsx", "js", "css", "sh"];
const LINES_MAX: usize = 900;

pub fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    for file in &tree.files {
        let Some(text) = tree.text(file) else {
            continue;
        };
        for word in FOREIGN.iter().filter(|word| file.contains(**word) || text.contains(**word)) {
            let line = text.lines().position(|line| line.contains(word)).map_or(1, |at| at + 1);
            faults.push(format!("{file}:{line}: `{word}` means nothing on another machine"));
        }
        let lines = text.lines().count();
        if is_source(file) && lines > LINES_MAX {
            faults
                .push(format!("{file}: {lines} lines, more than {LINES_MAX}; it holds two things"));
        }
    }
    faults
}

fn is_source(file: &str) -> bool {
    file.rsplit_once('.').is_some_and(|(_, extension)| SOURCES.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample;

    #[test]
    fn a_foreign_word_and_a_long_source_are_found() {
        let path = format!("see {}x", FOREIGN[0]);
        let long = "// line\n".repeat(LINES_MAX + 1);
        let sample = sample::tree(&[("a.md", &path), ("b.rs", &long), ("c.csv", &long)]);
        let faults = check(&sample.tree);
        assert_eq!(faults.len(), 2, "{faults:?}");
    }
}
