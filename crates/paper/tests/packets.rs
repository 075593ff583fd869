//! Packets are printed and read back.

// Outside of `#[test]` functions clippy does not see that this is a test.
#![allow(clippy::unwrap_used)]

use std::io::Write;

use paper::{PaperError, Printed, freeze_packet};
use serde_json::{Value, json};

const ACCOUNT: &str = "eip155:1:0xa4b2fd68593b6f34e51cb9edb66e71c1b4ab449e";
const ETH: &str = "eip155:1/slip44:60";

fn hop(n: usize) -> Value {
    json!({
        "time": "2025-02-21T14:29:47Z", "height": 21_895_319, "tx": format!("0x{n:064x}"),
        "position": "nth0", "from": ACCOUNT, "to": ACCOUNT, "asset": ETH,
        "amount": "10000000000000000000000", "tainted": "9999000000000000000001", "crossing": null,
    })
}

fn packet(asks: usize) -> Value {
    let asks: Vec<Value> = (0..asks)
        .map(|n| json!({ "account": format!("eip155:1:0x{n:040x}"), "asset": ETH, "amount": "1500000000000000000" }))
        .collect();
    json!({
        "format": "interdict-freeze-packet", "version": 1,
        "packet": {
            "request": 12, "revision": 1, "reference": "CASE-2025/0221",
            "title": "Theft from Bybit, 21 February 2025", "marking": "TLP:AMBER",
            "made_at": "2026-11-29T08:00:00Z", "made_by": "interdict 0.1.0",
            "requester": {
                "name": "محمد علی رضا", "organisation": "경찰청 사이버수사국 · 警察庁サイバー警察局 · 网络安全保卫局",
                "authority": "Зал суда, Αθήνα, תל אביב, ประเทศไทย", "jurisdiction": "KR",
                "contact": ["desk@example.org"],
            },
            "addressee": {
                "name": "Tether", "kind": "issuer", "how": "addBlackList(address)",
                "contact": [], "needs": ["Addresses and chain"],
            },
            "legal_basis": [{ "law": "18 U.S.C. § 981(b)", "source": "https://www.law.cornell.edu/uscode/text/18/981" }],
            "deadline": { "acknowledge_by": "2026-11-30T08:00:00Z", "freeze_by": "2026-12-02T08:00:00Z" },
            "summary": "Money was stolen.\nIt rests at these accounts.",
            "assets": [{ "asset": ETH, "symbol": "ETH", "decimals": 18 }],
            "asks": asks,
            "paths": [{ "to": ACCOUNT, "asset": ETH, "resting": "1500000000000000000", "hops": [hop(1), hop(2)], "note": null }],
            "evidence": [{ "kind": "list", "name": "fbi-psa250226", "date": "2025-02-26", "sha256": "f".repeat(64) }],
            "snapshots": [{ "chain": "eip155:1", "transfers": 223, "height_first": 1, "height_last": 2,
                            "time_first": null, "time_last": null, "is_complete": false }],
            "policy": "haircut", "remarks": ["Not found is not clean."],
        },
        "seal": { "algorithm": "Ed25519", "public_key": "ab".repeat(32), "sha256": "", "signature": "" },
    })
}

/// Prints, and keeps the file where a person can look at it if they say where.
fn print(name: &str, packet: &Value) -> Printed {
    let printed = freeze_packet(&packet.to_string()).unwrap();
    if let Ok(folder) = std::env::var("INTERDICT_PAPERS") {
        let path = std::path::Path::new(&folder).join(format!("{name}.pdf"));
        std::fs::File::create(path).unwrap().write_all(&printed.pdf).unwrap();
    }
    printed
}

fn text(printed: &Printed) -> String {
    printed.pages.iter().map(paper::Page::text).collect::<Vec<_>>().join("\n")
}

/// A line may be set in several runs: only its characters are compared.
fn dense(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '\u{200b}').collect()
}

#[test]
fn what_is_signed_stands_on_the_paper_and_its_hash_on_every_page() {
    let packet = packet(1);
    let printed = print("small", &packet);
    let all = dense(&text(&printed));
    for said in [
        "Theft from Bybit, 21 February 2025",
        "1.5 ETH",
        "9,999.000000000000000001 ETH",
        ACCOUNT,
        "18 U.S.C. § 981(b)",
        "CASE-2025/0221",
        "TLP:AMBER",
        "2026-12-02T08:00:00Z",
        "addBlackList(address)",
        "fbi-psa250226",
        "Not found is not clean.",
        "not every block held",
    ] {
        assert!(all.contains(&dense(said)), "{said} is missing in {all}");
    }
    use sha2::{Digest, Sha256};
    let hash: String =
        Sha256::digest(packet.to_string().as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    for page in &printed.pages {
        assert!(dense(&page.text()).contains(&hash));
    }
    assert!(printed.pdf.starts_with(b"%PDF-"));
}

#[test]
fn a_draft_says_on_every_page_that_nobody_approved_it() {
    let mut draft = packet(60);
    draft["format"] = json!("interdict-freeze-packet-draft");
    assert!(
        matches!(freeze_packet(&draft.to_string()), Err(PaperError::Seal)),
        "a draft that is signed is neither"
    );
    draft.as_object_mut().unwrap().remove("seal");
    let printed = print("draft", &draft);
    assert!(printed.pages.len() > 1);
    for page in &printed.pages {
        assert!(dense(&page.text()).contains(&dense("DRAFT: approved by nobody")));
    }
    let all = dense(&text(&printed));
    assert!(
        all.contains(&dense("it is not signed"))
            && !all.contains(&dense("a freeze request can be forged"))
    );
    assert!(!dense(&text(&print("signed", &packet(60)))).contains("DRAFT"));
    draft["format"] = json!("interdict-freeze-packet");
    assert!(matches!(freeze_packet(&draft.to_string()), Err(PaperError::Seal)));
}

#[test]
fn what_is_known_of_the_addressee_is_printed_with_how_sure_it_is() {
    let mut packet = packet(1);
    packet["packet"]["addressee"]["source"] = json!("https://example.org/guidelines");
    packet["packet"]["addressee"]["checked"] = json!("from_memory");
    packet["packet"]["legal_basis"][0]["checked"] = json!("compared");
    let all = dense(&text(&print("known", &packet)));
    assert!(all.contains(&dense("from memory, not compared with its source")), "{all}");
    assert!(all.contains(&dense("(compared with its source)")), "{all}");
}

#[test]
fn names_in_other_scripts_have_their_characters() {
    let printed = print("scripts", &packet(1));
    assert!(printed.missing.is_empty(), "{:?}", printed.missing);
    let all = dense(&text(&printed));
    for name in ["محمد", "경찰청", "警察庁", "网络安全", "Αθήνα", "אביב"] {
        assert!(all.contains(name), "{name} in {all}");
    }
}

#[test]
fn a_character_no_font_has_is_reported() {
    let mut packet = packet(1);
    packet["packet"]["title"] = json!("cuneiform 𒀀");
    assert!(print("missing", &packet).missing.contains(&'𒀀'));
}

#[test]
fn equal_packets_are_equal_files() {
    let packet = packet(3);
    assert_eq!(print("equal", &packet).pdf, print("equal", &packet).pdf);
}

#[test]
fn two_hundred_addresses_and_the_longest_amount_fit_on_pages_with_numbers() {
    let mut packet = packet(200);
    packet["packet"]["asks"][7]["amount"] = json!("9".repeat(77));
    let printed = print("large", &packet);
    assert!(printed.pages.len() > 5, "{} pages", printed.pages.len());
    let all = dense(&text(&printed));
    assert!(all.contains(&"9".repeat(77)));
    for n in 0..200 {
        assert!(all.contains(&format!("0x{n:040x}")), "{n}");
    }
    for (n, page) in printed.pages.iter().enumerate() {
        let number = dense(&format!("page {} of {}", n + 1, printed.pages.len()));
        assert!(dense(&page.text()).contains(&number), "page {}", n + 1);
    }
}

#[test]
fn what_looks_like_markup_is_printed_and_not_obeyed() {
    let mut packet = packet(1);
    let hostile = "#panic(\"no\") *bold* $x$ #read(\"/etc/passwd\") \\ [";
    packet["packet"]["title"] = json!(hostile);
    assert!(dense(&text(&print("markup", &packet))).contains(&dense(hostile)));
}

#[test]
fn what_is_no_packet_or_too_much_is_refused() {
    assert!(matches!(freeze_packet("{}"), Err(PaperError::Packet(_))));
    assert!(matches!(freeze_packet(&packet(2_001).to_string()), Err(PaperError::TooMuch { .. })));
}
