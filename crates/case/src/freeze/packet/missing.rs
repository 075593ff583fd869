//! What a packet lacks: a holder who finds a gap sends it back, and hours are lost.

use serde::Serialize;

use super::Packet;
use crate::holders::{Checked, jurisdictions};

/// One thing that is not there, or not sure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Where in the packet: `/addressee/contact`.
    pub field: String,
    pub why: String,
}

/// What is missing from a packet, for whoever sends it. Nothing here stops it from being sent.
pub fn missing(packet: &Packet) -> Vec<Missing> {
    let mut all = Vec::new();
    let mut add = |field: &str, why: String| all.push(Missing { field: field.into(), why });
    let to = &packet.addressee;
    if to.contact.is_empty() {
        add("/addressee/contact", format!("where {} is reached was not established", to.name));
    }
    if to.checked == Checked::FromMemory {
        add("/addressee", format!("what is said of {} was {}", to.name, to.checked.said()));
    }
    if to.needs.is_empty() {
        add("/addressee/needs", format!("what {} asks for was not established", to.name));
    }
    if packet.requester.contact.is_empty() {
        add("/requester/contact", "nobody can answer: expected at least one way".into());
    }
    if packet.reference.is_none() {
        add("/reference", "no reference: an answer cannot name what it answers".into());
    }
    let place = &packet.requester.jurisdiction;
    if jurisdictions::of(place).is_none_or(|one| one.outside_msmt) {
        add("/requester/jurisdiction", format!("nothing is known here of the law of {place}"));
    }
    for (n, basis) in packet.legal_basis.iter().enumerate() {
        let why = match basis.checked {
            None => {
                "no row of the jurisdiction speaks of it: read it before it goes out".to_string()
            }
            Some(Checked::FromMemory) => format!("it was {}", Checked::FromMemory.said()),
            Some(Checked::Compared) => continue,
        };
        add(&format!("/legal_basis/{n}"), why);
    }
    for (n, path) in packet.paths.iter().enumerate() {
        if path.hops.is_empty() {
            add(&format!("/paths/{n}"), format!("no way from the theft to {} was found", path.to));
        }
        let asked = packet.asks.get(n).map_or("0", |ask| ask.amount.as_str());
        let base = |text: &str| model::amount::parse_base(text).unwrap_or_default();
        if base(&path.resting) < base(asked) {
            let why = format!("{asked} base units are asked, and the trace finds {}", path.resting);
            add(&format!("/asks/{n}"), why);
        }
    }
    for (n, snapshot) in packet.snapshots.iter().enumerate() {
        if !snapshot.is_complete {
            let why =
                format!("not every block of {} was held: value may have gone on", snapshot.chain);
            add(&format!("/snapshots/{n}"), why);
        }
    }
    all
}
