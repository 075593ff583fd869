//! `cargo xtask demo`: from a fresh clone to a real theft, open in a browser.

mod desk;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, anyhow, bail};

use crate::{place, run, tools, web};

const CASE: &str = "cases/bybit-2025.toml";

pub fn run(args: &[String]) -> Result<ExitCode> {
    let (mut is_built, mut opens_browser) = (false, true);
    for arg in args {
        match arg.as_str() {
            "--no-build" => is_built = true,
            "--no-browser" => opens_browser = false,
            unknown => {
                bail!("demo has no option {unknown:?}; it has --no-build and --no-browser")
            }
        }
    }
    let demo = Demo::prepare()?;
    if !is_built {
        web::build_if_possible()?;
        build()?;
    }
    if !demo.binary.is_file() {
        bail!(
            "{} is not there; run `cargo xtask demo` without --no-build",
            place::shown(&demo.binary)
        );
    }
    demo.show()?;
    demo.say_what_next();
    desk::open(&demo, opens_browser)?;
    Ok(ExitCode::SUCCESS)
}

struct Demo {
    binary: PathBuf,
    home: PathBuf,
    picture: PathBuf,
    bundle: PathBuf,
}

impl Demo {
    fn prepare() -> Result<Demo> {
        tools::need_c_compiler()?;
        let case = place::root().join(CASE);
        if !case.is_file() {
            bail!("{CASE} is missing; it comes with the repository: `git checkout -- {CASE}`");
        }
        let folder = place::target().join("demo");
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(Demo {
            binary: place::target()
                .join("release")
                .join(format!("interdict{}", std::env::consts::EXE_SUFFIX)),
            home: folder.join("home"),
            picture: folder.join("bybit-2025.html"),
            bundle: folder.join("bybit-2025.bundle"),
        })
    }

    fn show(&self) -> Result<()> {
        // Kept, so that the desk knows its labels and prices too.
        step(
            "load the case and trace it under every policy",
            "the case file names each source it needs; `git status` shows whether one was changed",
            self.trace().args(["--keep", "--compare"]),
        )?;
        step(
            "draw the picture, and write the evidence as a signed bundle",
            "the folder named above must be writable; the signing key lies in the home folder",
            self.trace()
                .args(["--format", "html", "--out"])
                .arg(&self.picture)
                .arg("--bundle")
                .arg(&self.bundle),
        )?;
        step(
            "check the bundle as someone else would, offline",
            "this is a fault of Interdict: please report it",
            self.interdict().arg("verify").arg(&self.bundle),
        )
    }

    fn interdict(&self) -> Command {
        let mut command = run::program(&self.binary);
        command.arg("--home").arg(&self.home);
        command
    }

    fn trace(&self) -> Command {
        let mut command = self.interdict();
        command.args(["trace", "--case", CASE]);
        command
    }

    fn say_what_next(&self) {
        let binary = place::shown(&self.binary);
        println!(
            "
The picture (open it in any browser, no network needed):
  {picture}
The evidence, signed; anyone can check it with `interdict verify`:
  {bundle}

The same on files of your own:
  {binary} import transfers-csv my-transfers.csv --chain eip155:1
  {binary} trace 0x… --forward --compare
  {binary} trace 0x… --format html --out picture.html
What each command takes:
  {binary} help",
            picture = file_url(&self.picture),
            bundle = place::shown(&self.bundle),
        );
    }
}

fn build() -> Result<()> {
    step(
        "build Interdict (a first build takes some minutes)",
        "cargo's own message above says what is wrong; a missing network is the usual reason on a first build",
        run::cargo().args(["build", "--release", "--locked", "-p", "interdict"]),
    )
}

fn step(what: &str, help: &str, command: &mut Command) -> Result<()> {
    println!("\n── {what}\n   $ {}\n", run::shown(command));
    run::pass_through(command).map_err(|error| {
        anyhow!(
            "could not {what}
  {error:#}
  hint: {help}"
        )
    })
}

/// A path as a browser takes it.
fn file_url(path: &Path) -> String {
    let mut url = String::from("file://");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_spaces_is_a_link_a_terminal_can_open() {
        assert_eq!(file_url(Path::new("/a b/c.html")), "file:///a%20b/c.html");
    }
}
