//! `interdict verify`: the evidence again, offline.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use model::hex;

use crate::bundle;
use crate::cli::{TextFormat, VerifyArgs};
use crate::out::Out;

pub fn run(args: VerifyArgs, out: &Out) -> Result<ExitCode> {
    let name = args.file.display();
    let expected = args.key.as_deref().map(expected_key).transpose()?;
    let bytes = std::fs::read(&args.file).with_context(|| format!("cannot read {name}"))?;
    let checked = bundle::verify(&bytes).with_context(|| format!("{name} is refused"))?;
    if let Some(expected) = expected.filter(|expected| *expected != checked.public_key) {
        bail!("{name} is refused: signed by {}, expected {expected}", checked.public_key);
    }
    if args.format == TextFormat::Json {
        out.json(&checked)?;
        return Ok(ExitCode::SUCCESS);
    }
    out.print(&format!(
        "{name}: the signature holds and the route was re-computed from the {} transfers inside
  title      {} ({})
  policy     {}, {} accounts, {} transfers with taint
  lists      {}
  made by    {}
  signed by  {}
The signature says the file is as that key's owner wrote it, not who the owner is: compare
the key with one you got another way (`--key`).\n",
        checked.transfers,
        crate::render::plain(&checked.title),
        checked.marking,
        checked.policy,
        checked.accounts,
        checked.tainted_transfers,
        if checked.lists.is_empty() { "none".to_string() } else { checked.lists.join(", ") },
        crate::render::plain(&checked.made_by),
        checked.public_key,
    ))?;
    Ok(ExitCode::SUCCESS)
}

pub fn expected_key(text: &str) -> Result<String> {
    let key = text.trim().to_ascii_lowercase();
    match hex::decode(&key) {
        Some(bytes) if bytes.len() == 32 => Ok(key),
        _ => bail!("--key {text:?}: expected a public key of 64 hex digits"),
    }
}
