//! A freeze packet as it is read from its signed file, and as it is laid out.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::PaperError;
use crate::number;

const ASKS_MAX: usize = 2_000;
const HOPS_MAX: usize = 20_000;
const EVIDENCE_MAX: usize = 5_000;

#[derive(Deserialize)]
struct File {
    format: String,
    packet: Packet,
    /// A draft has none.
    seal: Option<Seal>,
}

/// What a packet that nobody approved calls itself.
const DRAFT_FORMAT: &str = "interdict-freeze-packet-draft";
const UNSIGNED: &str = "none: nobody approved this draft, and it is not signed";

#[derive(Deserialize)]
struct Seal {
    public_key: String,
}

/// What of a packet is printed: all of it. The crate `case` says what each part means.
#[derive(Deserialize)]
pub struct Packet {
    #[serde(skip)]
    public_key: String,
    #[serde(skip)]
    is_draft: bool,
    request: i64,
    reference: Option<String>,
    title: String,
    marking: String,
    made_at: String,
    made_by: String,
    requester: Requester,
    addressee: Addressee,
    legal_basis: Vec<Basis>,
    deadline: Deadline,
    summary: String,
    assets: Vec<Asset>,
    asks: Vec<Ask>,
    paths: Vec<Path>,
    evidence: Vec<Evidence>,
    snapshots: Vec<Snapshot>,
    policy: String,
    remarks: Vec<String>,
}

#[derive(Deserialize, Serialize)]
struct Requester {
    name: String,
    organisation: String,
    authority: String,
    jurisdiction: String,
    contact: Vec<String>,
}

#[derive(Deserialize, Serialize)]
struct Addressee {
    name: String,
    kind: String,
    how: String,
    contact: Vec<String>,
    needs: Vec<String>,
    #[serde(default)]
    source: String,
    #[serde(default)]
    date: Option<String>,
    /// `from_memory` or `compared`; in words on the sheet.
    #[serde(default)]
    checked: String,
}

#[derive(Deserialize, Serialize)]
struct Basis {
    law: String,
    source: Option<String>,
    #[serde(default)]
    checked: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Deadline {
    acknowledge_by: String,
    freeze_by: String,
}

#[derive(Deserialize)]
struct Asset {
    asset: String,
    symbol: Option<String>,
    decimals: Option<u8>,
}

#[derive(Deserialize)]
struct Ask {
    account: String,
    asset: String,
    amount: String,
}

#[derive(Deserialize)]
struct Path {
    to: String,
    asset: String,
    resting: String,
    hops: Vec<Hop>,
    note: Option<String>,
}

#[derive(Deserialize)]
struct Hop {
    time: Option<String>,
    height: Option<u64>,
    tx: String,
    position: String,
    from: Option<String>,
    to: Option<String>,
    asset: String,
    amount: String,
    tainted: String,
    crossing: Option<Crossing>,
}

#[derive(Deserialize)]
struct Crossing {
    kind: String,
    confidence: String,
    why: String,
}

#[derive(Deserialize, Serialize)]
struct Evidence {
    kind: String,
    name: String,
    date: Option<String>,
    sha256: String,
}

#[derive(Deserialize)]
struct Snapshot {
    chain: String,
    transfers: u64,
    height_first: Option<u64>,
    height_last: Option<u64>,
    time_last: Option<String>,
    is_complete: bool,
}

/// What the template reads: every value is a text that is printed as it is.
#[derive(Serialize)]
pub struct Sheet {
    is_draft: bool,
    sha256: String,
    public_key: String,
    request: String,
    reference: Option<String>,
    title: String,
    marking: String,
    made_at: String,
    made_by: String,
    requester: Requester,
    addressee: Addressee,
    legal_basis: Vec<Basis>,
    deadline: Deadline,
    summary: Vec<String>,
    asks: Vec<AskRow>,
    totals: Vec<String>,
    paths: Vec<PathRow>,
    evidence: Vec<Evidence>,
    snapshots: Vec<String>,
    policy: String,
    remarks: Vec<String>,
}

#[derive(Serialize)]
struct AskRow {
    account: String,
    asset: String,
    amount: String,
    base: String,
}

#[derive(Serialize)]
struct PathRow {
    to: String,
    resting: String,
    asset: String,
    hops: Vec<HopRow>,
    note: Option<String>,
}

#[derive(Serialize)]
struct HopRow {
    time: String,
    tx: String,
    from: String,
    to: String,
    amount: String,
    tainted: String,
    crossing: Option<String>,
}

impl Packet {
    pub(crate) fn parse(text: &str) -> Result<Packet, PaperError> {
        let File { format, mut packet, seal } =
            serde_json::from_str(text).map_err(PaperError::Packet)?;
        packet.is_draft = format == DRAFT_FORMAT;
        packet.public_key = match (seal, packet.is_draft) {
            (Some(seal), false) => seal.public_key,
            (None, true) => UNSIGNED.to_string(),
            _ => return Err(PaperError::Seal),
        };
        let hops = packet.paths.iter().map(|path| path.hops.len()).sum();
        let counts = [
            ("accounts to freeze", packet.asks.len(), ASKS_MAX),
            ("hops", hops, HOPS_MAX),
            ("pieces of evidence", packet.evidence.len(), EVIDENCE_MAX),
        ];
        for (what, found, most) in counts {
            if found > most {
                return Err(PaperError::TooMuch { what, found, most });
            }
        }
        Ok(packet)
    }

    pub(crate) fn sheet(&self, text: &str) -> Sheet {
        let list = |texts: &[String]| texts.iter().map(|text| prose(text)).collect::<Vec<_>>();
        Sheet {
            is_draft: self.is_draft,
            sha256: hex(&Sha256::digest(text.as_bytes())),
            public_key: plain(&self.public_key),
            request: self.request.to_string(),
            reference: self.reference.as_deref().map(prose),
            title: prose(&self.title),
            marking: plain(&self.marking),
            made_at: plain(&self.made_at),
            made_by: prose(&self.made_by),
            requester: self.requester.plain(),
            addressee: self.addressee.plain(),
            legal_basis: self.legal_basis.iter().map(Basis::plain).collect(),
            deadline: Deadline {
                acknowledge_by: plain(&self.deadline.acknowledge_by),
                freeze_by: plain(&self.deadline.freeze_by),
            },
            summary: self.summary.lines().map(prose).collect(),
            asks: self.asks.iter().map(|ask| self.ask(ask)).collect(),
            totals: self.totals(),
            paths: self.paths.iter().map(|path| self.path(path)).collect(),
            evidence: self.evidence.iter().map(Evidence::plain).collect(),
            snapshots: self.snapshots.iter().map(Snapshot::line).collect(),
            policy: plain(&self.policy),
            remarks: list(&self.remarks),
        }
    }

    fn ask(&self, ask: &Ask) -> AskRow {
        AskRow {
            account: plain(&ask.account),
            asset: plain(&ask.asset),
            amount: self.amount(&ask.amount, &ask.asset),
            base: plain(&ask.amount),
        }
    }

    /// What is asked in all, by asset, in the order in which assets are first asked for.
    fn totals(&self) -> Vec<String> {
        let mut sums: Vec<(&str, String, usize)> = Vec::new();
        for ask in &self.asks {
            match sums.iter_mut().find(|(asset, _, _)| *asset == ask.asset) {
                Some((_, sum, accounts)) => {
                    *sum = number::add(sum, &ask.amount);
                    *accounts += 1;
                }
                None => sums.push((&ask.asset, ask.amount.clone(), 1)),
            }
        }
        let line = |(asset, sum, accounts): (&str, String, usize)| {
            let of = if accounts == 1 { "account" } else { "accounts" };
            // A sum may be longer than its column: it breaks between groups of digits.
            let sum = self.amount(&sum, asset).replace(',', ",\u{200b}");
            format!("{sum} in {accounts} {of}")
        };
        sums.into_iter().map(line).collect()
    }

    fn path(&self, path: &Path) -> PathRow {
        PathRow {
            to: plain(&path.to),
            resting: self.amount(&path.resting, &path.asset),
            asset: plain(&path.asset),
            hops: path.hops.iter().map(|hop| self.hop(hop)).collect(),
            note: path.note.as_deref().map(prose),
        }
    }

    fn hop(&self, hop: &Hop) -> HopRow {
        let height = hop.height.map_or(String::new(), |height| format!(", block {height}"));
        let time = hop.time.as_deref().unwrap_or("time not stated");
        // On Bitcoin one end of a leg is the transaction itself.
        let end = |account: &Option<String>| plain(account.as_deref().unwrap_or("the transaction"));
        HopRow {
            time: format!("{}{height}", plain(time)),
            tx: format!("{} ({})", plain(&hop.tx), plain(&hop.position)),
            from: end(&hop.from),
            to: end(&hop.to),
            amount: self.amount(&hop.amount, &hop.asset),
            tainted: self.amount(&hop.tainted, &hop.asset),
            crossing: hop.crossing.as_ref().map(|crossing| {
                let Crossing { kind, confidence, why } = crossing;
                plain(&format!("crossing ({kind}, confidence {confidence}): {why}"))
            }),
        }
    }

    /// Whole units with the asset's name where both are known, else base units of its identifier.
    fn amount(&self, base: &str, asset: &str) -> String {
        let known = self.assets.iter().find(|known| known.asset == asset);
        let decimals = known.and_then(|known| known.decimals);
        let symbol = known.and_then(|known| known.symbol.as_deref());
        let units = decimals.and_then(|decimals| number::units(base, decimals));
        match (units, symbol) {
            (Some(units), Some(symbol)) => format!("{units} {}", plain(symbol)),
            (Some(units), None) => format!("{units} units of {}", plain(asset)),
            (None, _) => format!("{} base units of {}", plain(base), plain(asset)),
        }
    }
}

impl Requester {
    fn plain(&self) -> Requester {
        Requester {
            name: prose(&self.name),
            organisation: prose(&self.organisation),
            authority: prose(&self.authority),
            jurisdiction: prose(&self.jurisdiction),
            contact: self.contact.iter().map(|line| prose(line)).collect(),
        }
    }
}

impl Addressee {
    fn plain(&self) -> Addressee {
        Addressee {
            name: prose(&self.name),
            kind: prose(&self.kind),
            how: prose(&self.how),
            contact: match self.contact.is_empty() {
                true => {
                    vec!["contact unknown here: establish it over a channel of your own".into()]
                }
                false => self.contact.iter().map(|line| prose(line)).collect(),
            },
            needs: self.needs.iter().map(|line| prose(line)).collect(),
            source: safe(&self.source, SOURCE_RUN),
            date: self.date.as_deref().map(plain),
            checked: said_of(&self.checked).to_string(),
        }
    }
}

impl Basis {
    fn plain(&self) -> Basis {
        Basis {
            law: prose(&self.law),
            source: self.source.as_deref().map(|source| safe(source, SOURCE_RUN)),
            checked: self.checked.as_deref().map(|checked| said_of(checked).to_string()),
        }
    }
}

/// How sure what is said of a holder or a law is.
fn said_of(checked: &str) -> &'static str {
    match checked {
        "compared" => "compared with its source",
        _ => "from memory, not compared with its source",
    }
}

impl Evidence {
    fn plain(&self) -> Evidence {
        Evidence {
            kind: prose(&self.kind),
            name: prose(&self.name),
            date: self.date.as_deref().map(plain),
            sha256: plain(&self.sha256),
        }
    }
}

impl Snapshot {
    fn line(&self) -> String {
        let height = |height: Option<u64>| height.map_or("?".to_string(), |h| h.to_string());
        let whole = if self.is_complete { "every block held" } else { "not every block held" };
        let last = self.time_last.as_deref().unwrap_or("time not stated");
        plain(&format!(
            "{}: {} transfers, blocks {} to {} (last at {last}), {whole}",
            self.chain,
            self.transfers,
            height(self.height_first),
            height(self.height_last),
        ))
    }
}

/// An address or a hash in the small type of their lines; the longest known has 88 characters.
const CODE_RUN: usize = 110;
const SOURCE_RUN: usize = 80;
const PROSE_RUN: usize = 30;

/// Addresses, hashes, amounts, times: copied from paper into a search, so never broken where it fits.
fn plain(text: &str) -> String {
    safe(text, CODE_RUN)
}

/// Names and sentences.
fn prose(text: &str) -> String {
    safe(text, PROSE_RUN)
}

/// Text from outside as it may be printed. Characters that steer the direction of writing or are
/// not seen could make an address or an amount look like another: they are named instead. A longer
/// run without a space gets places where a line may break.
fn safe(text: &str, run_max: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = 0;
    for c in text.chars() {
        run = if c.is_whitespace() { 0 } else { run + 1 };
        if run > run_max {
            out.push('\u{200b}');
            run = 1;
        }
        match c {
            '\n' | '\t' | '\r' => out.push(' '),
            c if c.is_control() || steers(c) => out.push_str(&format!("[U+{:04X}]", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Not the joiners, which some scripts need to be written right.
fn steers(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{061c}' | '\u{feff}')
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_the_direction_of_writing_is_named() {
        assert_eq!(plain("a\u{202e}b"), "a[U+202E]b");
        assert_eq!(plain("علی\u{200c}رضا"), "علی\u{200c}رضا");
        assert_eq!(plain("a\u{0}b\nc"), "a[U+0000]b c");
    }

    #[test]
    fn a_run_without_end_can_be_broken() {
        assert_eq!(prose(&"x".repeat(70)).matches('\u{200b}').count(), 2);
        let longest = "0x".to_string() + &"f".repeat(64);
        assert_eq!(plain(&longest), longest);
    }
}
