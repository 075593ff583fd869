//! Freeze packets: a request's draft joined with a trace, kept with it, printed.
//!
//! The chain is `case::freeze::packet::of` → `keep_packet` → (a second person approves) → `sign_packet`
//! → `paper::freeze_packet`. It lies in the binary because here alone the trace, the key of the home and
//! the typesetter meet; `serve` and `case` build without them.

use case::db::Db;
use case::freeze::packet::{self, Circumstances, Evidence, Missing, PacketError, Requester};
use case::freeze::{self, FreezeRequest, KeptPacket};
use case::{By, CaseError, holders};
use ed25519_dalek::SigningKey;
use model::hex;
use sha2::{Digest, Sha256};

use crate::bundle;
use crate::cell::traces::Done;

/// A trace's report, and the signed bundle that it is from.
pub struct Traced {
    pub report: String,
    pub evidence: Vec<Evidence>,
}

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Case(#[from] CaseError),
    #[error(transparent)]
    Packet(#[from] PacketError),
    #[error(transparent)]
    Paper(#[from] paper::PaperError),
}

/// What was made of a draft.
#[derive(Debug, serde::Serialize)]
pub struct Made {
    pub freeze: i64,
    /// The draft's new revision: whoever approves it approves the packet.
    pub revision: i64,
    /// Of the packet's own text, which the signature will be over.
    pub sha256: String,
    pub pages: usize,
    pub missing: Vec<Missing>,
}

impl Traced {
    pub fn of_done(done: &Done) -> Traced {
        Traced {
            report: done.report.to_string(),
            evidence: vec![evidence(&done.title, done.bundle.as_bytes())],
        }
    }

    /// Of a bundle's file, checked and computed again.
    pub fn of_bundle(bytes: &[u8]) -> anyhow::Result<Traced> {
        let (checked, report) = bundle::open(bytes)?;
        Ok(Traced { report: report.to_string(), evidence: vec![evidence(&checked.title, bytes)] })
    }
}

fn evidence(title: &str, bundle: &[u8]) -> Evidence {
    Evidence {
        kind: "trace, signed bundle".into(),
        name: title.to_string(),
        date: None,
        sha256: hex::encode(&Sha256::digest(bundle)),
    }
}

/// Makes the packet of a draft and keeps it with it.
pub fn make(
    db: &Db,
    by: &By,
    request: &FreezeRequest,
    traced: &Traced,
    requester: &Requester,
    summary: &str,
) -> Result<Made, Fault> {
    case::check::said("summary", summary, 20_000)?;
    checked(requester)?;
    let holder = holders::named(&request.holder);
    let made_by = bundle::made_by();
    let said = Circumstances {
        requester,
        holder: &holder,
        summary,
        made_by: &made_by,
        now: by.at,
        evidence: &traced.evidence,
    };
    let packet = packet::of(request, &traced.report, &said)?;
    // Printed before it is kept: what cannot be printed shall not be approved.
    let printed = paper::freeze_packet(&packet::draft_text(&packet)?)?;
    let mut missing = packet::missing(&packet);
    missing.extend(printed.missing.iter().map(|c| Missing {
        field: "/pdf".into(),
        why: format!("no font here has {c:?} (U+{:04X}): it stands as an empty box", u32::from(*c)),
    }));
    let sha256 = freeze::keep_packet(db, by, &packet)?;
    Ok(Made {
        freeze: request.id.0,
        revision: packet.revision,
        sha256,
        pages: printed.pages.len(),
        missing,
    })
}

fn checked(requester: &Requester) -> Result<(), CaseError> {
    case::check::said("requester/name", &requester.name, 300)?;
    case::check::said("requester/organisation", &requester.organisation, 300)?;
    case::check::said("requester/authority", &requester.authority, 1000)?;
    if holders::jurisdictions::of(&requester.jurisdiction).is_none() {
        let found = format!("{:?}", requester.jurisdiction);
        let expected = "two letters of ISO 3166-1";
        return Err(CaseError::field("requester/jurisdiction", found, expected));
    }
    if requester.contact.len() > 20 {
        let found = format!("{} lines", requester.contact.len());
        return Err(CaseError::field("requester/contact", found, "at most 20"));
    }
    requester.contact.iter().try_for_each(|line| case::check::said("requester/contact", line, 300))
}

/// The packet of a request's newest revision: the draft while it is one, else signed, once.
pub fn take(
    db: &Db,
    by: &By,
    request: &FreezeRequest,
    key: &SigningKey,
) -> Result<Option<KeptPacket>, CaseError> {
    match request.approved.is_some() && request.state != freeze::FreezeState::Withdrawn {
        true => freeze::sign_packet(db, by, request.id, key),
        false => freeze::packet_of(db, request.id),
    }
}
