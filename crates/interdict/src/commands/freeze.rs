//! `interdict freeze`: who can stop it, and the packet that asks them to.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use case::db::Db;
use case::freeze::packet::{self, Requester};
use case::freeze::{self, FreezeFilter, FreezeId, FreezeRequest, Place};
use case::holders::Contact;
use case::{By, CaseId, Part};
use model::amount::format_units;
use serve::Settings;
use serve::access::Access;

use super::serve::{open_casework, read_config};
use crate::cli::{CaseworkArgs, FreezeCommand, PacketArgs, TextFormat};
use crate::home::Home;
use crate::out::Out;
use crate::packets::{self, Traced};
use crate::render::plain;

/// As the journal names whoever takes a packet here.
const BY: &str = "command line";
/// The newest ones; the API has pages.
const LISTED_MAX: usize = 500;

pub fn run(home: &Home, command: FreezeCommand, out: &Out) -> Result<ExitCode> {
    match command {
        FreezeCommand::Holders { bundle, format } => holders(&bundle, format, out)?,
        FreezeCommand::List { case, format, casework } => {
            let filter = FreezeFilter { case: case.map(CaseId), ..FreezeFilter::default() };
            let part = Part { after: None, limit: LISTED_MAX };
            let db = open(home, &casework)?;
            list(&freeze::list(&db, &filter, &part)?.items, format, out)?;
        }
        FreezeCommand::Packet(args) => match &args.bundle {
            Some(bundle) => make(home, bundle, &args, out)?,
            None => take(home, &args, out)?,
        },
        FreezeCommand::Verify { file, key, format } => verify(&file, key.as_deref(), format, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn open(home: &Home, casework: &CaseworkArgs) -> Result<std::sync::Arc<Db>> {
    let db = open_casework(home, &read_config(home, casework)?)?;
    case::migrate(&db)?;
    Ok(db)
}

fn traced(file: &Path) -> Result<Traced> {
    let name = file.display();
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {name}"))?;
    Traced::of_bundle(&bytes).with_context(|| format!("{name} is refused"))
}

fn holders(bundle: &Path, format: TextFormat, out: &Out) -> Result<()> {
    let places = freeze::places(&traced(bundle)?.report)?;
    if format == TextFormat::Json {
        return out.json(&places);
    }
    let (stopped, of_nobody): (Vec<&Place>, Vec<&Place>) =
        places.iter().partition(|place| !place.holders.is_empty());
    for place in &stopped {
        out.print(&said_of(place))?;
    }
    out.print(&format!(
        "{} of {} places have somebody who can stop them; of the others nobody is known here\n",
        stopped.len(),
        stopped.len() + of_nobody.len(),
    ))?;
    Ok(())
}

fn said_of(place: &Place) -> String {
    let symbol = place.symbol.as_deref().map_or_else(|| place.asset.to_string(), plain);
    let amount = match place.decimals {
        Some(decimals) => format!("{} {symbol}", format_units(place.amount, decimals)),
        None => format!("{} base units of {}", place.amount, place.asset),
    };
    let mut text = format!("{amount} at {}\n", place.account);
    for stopper in &place.holders {
        let holder = &stopper.holder;
        let contact = match &holder.contact {
            Contact::Portal(portal) => portal.as_str(),
            Contact::Unknown => "contact unknown",
        };
        let checked = holder.checked.said();
        text += &format!(
            "  {}: {contact}; {}\n    {checked}: {}\n",
            plain(&holder.name),
            plain(&holder.because),
            holder.source
        );
    }
    text
}

fn list(found: &[FreezeRequest], format: TextFormat, out: &Out) -> Result<()> {
    if format == TextFormat::Json {
        return out.json(&found);
    }
    for request in found {
        let (id, state, revision) = (request.id, request.state, request.revision);
        let (holder, title) = (plain(&request.holder), plain(&request.title));
        let asks = request.items.len();
        out.print(&format!(
            "{id}  {state}, revision {revision}  {asks} asks of {holder}  {title}\n"
        ))?;
    }
    Ok(())
}

fn make(home: &Home, bundle: &Path, args: &PacketArgs, out: &Out) -> Result<()> {
    let (Some(file), Some(summary), Some(user)) = (&args.requester, &args.summary, &args.by) else {
        bail!("expected --requester, --summary and --by with --bundle");
    };
    let requester = requester(file)?;
    let db = open(home, &args.casework)?;
    let access = Access::open(db.clone(), &Settings::default())?;
    if access.known().user_named(user).is_none() {
        bail!("--by {user}: there is no such user: see `interdict user list`");
    }
    let traced = traced(bundle)?;
    let request = freeze::get(&db, FreezeId(args.freeze))?;
    let by = By::new(format!("person:{user}"), model::Timestamp::now());
    let made = packets::make(&db, &by, &request, &traced, &requester, summary)?;
    out.print(&format!(
        "the packet of freeze request {} is its revision {}: {} pages, sha256 {}\n",
        made.freeze, made.revision, made.pages, made.sha256
    ))?;
    for missing in &made.missing {
        out.print(&format!("  missing {}: {}\n", missing.field, plain(&missing.why)))?;
    }
    Ok(out.print("somebody else approves this revision; then it is signed\n")?)
}

fn requester(file: &Path) -> Result<Requester> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    toml::from_str(&text).with_context(|| format!("{}", file.display()))
}

fn take(home: &Home, args: &PacketArgs, out: &Out) -> Result<()> {
    let db = open(home, &args.casework)?;
    let request = freeze::get(&db, FreezeId(args.freeze))?;
    let by = By::new(BY, model::Timestamp::now());
    let kept = packets::take(&db, &by, &request, &home.signing_key()?)?;
    let kept = kept.ok_or_else(|| {
        anyhow!(
            "revision {} of freeze request {} has no packet: make one with --bundle",
            request.revision,
            request.id
        )
    })?;
    let printed = paper::freeze_packet(&kept.content)?;
    let folder = args.out.clone().unwrap_or_else(|| ".".into());
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let draft = if kept.signed.is_some() { "" } else { "-draft" };
    let json = folder.join(format!("freeze-{}{draft}.json", request.id));
    let pdf = json.with_extension("pdf");
    for (path, bytes) in [(&json, kept.content.as_bytes()), (&pdf, printed.pdf.as_slice())] {
        std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    out.print(&format!("{}\n{}\n", json.display(), pdf.display()))?;
    if kept.signed.is_none() {
        out.warn("it is a draft: nobody approved it, it is not signed and must not go out");
    }
    Ok(())
}

fn verify(file: &Path, key: Option<&str>, format: TextFormat, out: &Out) -> Result<()> {
    let name = file.display();
    let expected = key.map(super::verify::expected_key).transpose()?;
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let found = packet::verify(&text).with_context(|| format!("{name} is refused"))?;
    if let Some(expected) = expected.filter(|expected| *expected != found.public_key) {
        bail!("{name} is refused: signed by {}, expected {expected}", found.public_key);
    }
    let missing = packet::missing(&found.packet);
    if format == TextFormat::Json {
        return out.json(&serde_json::json!({
            "packet": found.packet, "public_key": found.public_key,
            "file_sha256": found.file_sha256, "missing": missing,
        }));
    }
    let packet = &found.packet;
    out.print(&format!(
        "{name}: the signature holds and nothing was changed
  request    {}, revision {}: {} ({})
  to         {}
  from       {}, {}
  asks       {} accounts
  sha256     {}, as at the foot of every page of its PDF
  signed by  {}
The signature says the file is as that key's owner wrote it, not who the owner is: compare
the key with one you got another way (`--key`).\n",
        packet.request,
        packet.revision,
        plain(&packet.title),
        packet.marking.text(),
        plain(&packet.addressee.name),
        plain(&packet.requester.name),
        plain(&packet.requester.organisation),
        packet.asks.len(),
        found.file_sha256,
        found.public_key,
    ))?;
    for missing in &missing {
        out.print(&format!("  missing {}: {}\n", missing.field, plain(&missing.why)))?;
    }
    Ok(())
}
