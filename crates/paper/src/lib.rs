//! Documents as PDF: what a desk sends out, printed from what it signed.
//!
//! A signed packet's text goes in; pages come out. Nothing else is read: no file, no socket, no
//! clock, no font of the machine. Equal input gives equal bytes. What the packet says is data to the
//! typesetter and never markup, so a name cannot become an instruction.

mod fonts;
mod number;
mod packet;
mod printed;
mod world;

pub use packet::Packet;
pub use printed::{Page, Printed};

#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    #[error("this is not a freeze packet that can be printed")]
    Packet(#[source] serde_json::Error),
    #[error("expected a packet that is signed, or a draft that is not")]
    Seal,
    #[error("the packet has {found} {what}; at most {most} can be printed")]
    TooMuch { what: &'static str, found: usize, most: usize },
    /// The template does not fit what it was given: a mistake of ours.
    #[error("the document cannot be set: {0}")]
    Setting(String),
}

/// Prints a freeze packet, given as the text of its JSON file: signed, or a draft, which says so on
/// every page.
///
/// The SHA-256 of that text stands on every page, so paper and file can be held against each other.
/// It does not check the signature: who prints does that first.
pub fn freeze_packet(text: &str) -> Result<Printed, PaperError> {
    let packet = Packet::parse(text)?;
    let data = serde_json::to_vec(&packet.sheet(text)).map_err(PaperError::Packet)?;
    printed::set(world::World::new(include_str!("packet.typ"), data))
}
