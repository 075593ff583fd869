//! Writes the table of what the web's build made, `web/dist`, for `http/web.rs` to serve. Nothing was built:
//! the table is empty, and the server shows its plain page.
//!
//! A file lies there as it is, and beside it compressed as `.br` and `.gz` where that makes it smaller.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let dist = here.join("../../web/dist");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", dist.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("web.rs"), table(&dist)?)
}

fn table(dist: &Path) -> io::Result<String> {
    let names = names(dist)?;
    let mut text = String::from("&[\n");
    let is_plain = |name: &&String| !name.ends_with(".br") && !name.ends_with(".gz");
    for name in names.iter().filter(is_plain).filter(|name| *name != "README.md") {
        let bytes = |name: &str| format!("include_bytes!({:?})", dist.join(name));
        let packed = |suffix: &str| match names.contains(&format!("{name}{suffix}")) {
            true => format!("Some({})", bytes(&format!("{name}{suffix}"))),
            false => String::from("None"),
        };
        let (plain, br, gz) = (bytes(name), packed(".br"), packed(".gz"));
        let _ = writeln!(text, "File {{ name: {name:?}, plain: {plain}, br: {br}, gz: {gz} }},");
    }
    text.push(']');
    Ok(text)
}

/// The files there are, none where there is no folder.
fn names(dist: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let entries = match fs::read_dir(dist) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_file()
            && let Ok(name) = entry.file_name().into_string()
        {
            names.insert(name);
        }
    }
    Ok(names)
}
