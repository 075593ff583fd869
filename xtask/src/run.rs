//! Running other programs.

use std::io::{BufRead, BufReader, IsTerminal};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::place;

/// The cargo that runs us.
pub fn cargo() -> Command {
    program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A program that runs in the repository.
pub fn program(name: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(place::root());
    command
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let name = Path::new(command.get_program());
    let name = match name.file_name() {
        Some(file) if file == "cargo" || name.starts_with(place::tools()) => file.to_string_lossy(),
        _ => place::shown(name).into(),
    };
    let words = command.get_args().map(|arg| {
        let text = place::shown(Path::new(arg));
        if text.contains([' ', '(', '*']) { format!("'{text}'") } else { text }
    });
    std::iter::once(name.to_string()).chain(words).collect::<Vec<_>>().join(" ")
}

/// Runs it with our own terminal.
pub fn pass_through(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs it, shows what it says on stderr, and gives back the last line that
/// contains `mark`.
pub fn watch(command: &mut Command, mark: &str) -> Result<Option<String>> {
    // A pipe would take the colours away.
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut child =
        command.stderr(Stdio::piped()).spawn().with_context(|| cannot_start(command))?;
    let said = child.stderr.take().expect("stderr was piped one line above");
    let mut found = None;
    for line in BufReader::new(said).split(b'\n') {
        let line = line.with_context(|| format!("cannot read what `{}` says", shown(command)))?;
        let line = String::from_utf8_lossy(&line);
        eprintln!("{line}");
        if line.contains(mark) {
            found = Some(line.into_owned());
        }
    }
    let status = child.wait().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(found)
}

/// Runs it unseen. Says whether it succeeded, and all it said.
pub fn listen(command: &mut Command) -> Result<(bool, String)> {
    let output = command.output().with_context(|| cannot_start(command))?;
    let said = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

/// Is the program there at all?
pub fn exists(name: &str) -> bool {
    let quiet = program(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

fn cannot_start(command: &Command) -> String {
    format!("cannot run `{}`", shown(command))
}
