//! Packets in the database: a part of the draft until a second person approved it, then signed once.

use ed25519_dalek::SigningKey;
use model::Timestamp;
use serde_json::json;

use super::packet::{self, Packet, PacketError};
use super::store::{get_in, is_author, refused, tell};
use super::{FreezeId, FreezeRequest, FreezeState};
use crate::act::{By, micros, moment};
use crate::db::{Db, Tx};
use crate::error::CaseError;

/// The packet of a revision, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptPacket {
    pub revision: i64,
    /// Of the packet's own text: the same before it is signed and after.
    pub sha256: String,
    pub made: Timestamp,
    /// When it was signed. None: its request is a draft, or nobody has taken it since it was approved.
    pub signed: Option<Timestamp>,
    /// The signed file, or the draft's text.
    pub content: String,
}

/// Makes a packet a part of the draft it was made of. The draft is a new revision by that: whoever
/// approves it approves the packet, and whoever made the packet cannot. Returns the packet's hash.
pub fn keep_packet(db: &Db, by: &By, packet: &Packet) -> Result<String, CaseError> {
    let (content, sha256) = written(packet)?;
    db.write(|tx| {
        let id = packet.request;
        let request = get_in(tx, id)?;
        if request.state != FreezeState::Drafted {
            return Err(refused(&request, "drafted"));
        }
        if packet.revision != request.revision + 1 {
            let found = format!("made of revision {}", packet.revision - 1);
            let expected =
                format!("one made of revision {}, which is the newest", request.revision);
            return Err(CaseError::field("packet", found, expected));
        }
        tx.run(
            "UPDATE freeze_request SET revision = $2, revised = $3 WHERE id = $1",
            &[id.into(), packet.revision.into(), micros(by.at).into()],
        )?;
        is_author(tx, by, id)?;
        tx.run(
            "INSERT INTO freeze_packet (request, revision, sha256, made, content) \
             VALUES ($1, $2, $3, $4, $5)",
            &[
                id.into(),
                packet.revision.into(),
                sha256.as_str().into(),
                micros(by.at).into(),
                content.as_str().into(),
            ],
        )?;
        let payload = json!({ "sha256": sha256, "revision": packet.revision });
        tell(tx, by, id, "freeze.packet", &payload)?;
        Ok(sha256.clone())
    })
}

fn written(packet: &Packet) -> Result<(String, String), CaseError> {
    let text = packet::draft_text(packet).map_err(unwritten)?;
    if text.len() > packet::BYTES_MAX {
        let found = format!("{} bytes", text.len());
        return Err(CaseError::field("packet", found, format!("at most {}", packet::BYTES_MAX)));
    }
    Ok((text, packet::hash_of(packet).map_err(unwritten)?))
}

fn unwritten(error: PacketError) -> CaseError {
    CaseError::Damaged(format!("a freeze packet: {error}"))
}

/// The packet of a request's newest revision. None: it has none.
pub fn packet_of(db: &Db, id: FreezeId) -> Result<Option<KeptPacket>, CaseError> {
    db.read(|tx| {
        let request = get_in(tx, id)?;
        kept(tx, &request)
    })
}

/// Signs the packet of a request that was approved, once: from then on it is the same bytes.
pub fn sign_packet(
    db: &Db,
    by: &By,
    id: FreezeId,
    key: &SigningKey,
) -> Result<Option<KeptPacket>, CaseError> {
    db.write(|tx| {
        let request = get_in(tx, id)?;
        let Some(found) = kept(tx, &request)? else { return Ok(None) };
        if found.signed.is_some() {
            return Ok(Some(found));
        }
        if request.approved.is_none() || request.state == FreezeState::Withdrawn {
            return Err(refused(&request, "approved"));
        }
        let packet = packet::of_draft(&found.content).map_err(unwritten)?;
        let content = packet::seal(packet, key).map_err(unwritten)?;
        tx.run(
            "UPDATE freeze_packet SET content = $3, signed = $4 WHERE request = $1 AND revision = $2",
            &[id.into(), found.revision.into(), content.as_str().into(), micros(by.at).into()],
        )?;
        let payload = json!({
            "revision": found.revision, "sha256": found.sha256,
            "file_sha256": packet::file_sha256(&content),
            "public_key": crate::check::hex(key.verifying_key().as_bytes()),
        });
        tell(tx, by, id, "freeze.packet_signed", &payload)?;
        kept(tx, &request)
    })
}

fn kept(tx: &mut Tx<'_>, request: &FreezeRequest) -> Result<Option<KeptPacket>, CaseError> {
    let row = tx.row(
        "SELECT sha256, made, signed, content FROM freeze_packet WHERE request = $1 AND revision = $2",
        &[request.id.into(), request.revision.into()],
    )?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(KeptPacket {
        revision: request.revision,
        sha256: row.text(0)?.to_string(),
        made: moment(row.int(1)?)?,
        signed: row.int_if(2)?.map(moment).transpose()?,
        content: row.text(3)?.to_string(),
    }))
}
