//! What a publication of OFAC's changed, and which publications there were.

use screen::lists::ofac::delta::{self, Action, Delta};
use screen::lists::{ListError, ofac};

const XBT: &str = "149w62rY42aZBox8fGcmqNsXUzSStKeq8C";
const TRX: &str = "TFdTr9C3BqQrzKBXqSxJfAZFTh8UwBAfSg";

/// Shaped as delta files are: an addition, a removal, a correction by its parts.
const FILE: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<sanctionsData xmlns="https://www.treasury.gov/ofac/DeltaFile/1.0">
  <publicationInfo><datePublished>2026-09-23T00:00:00-04:00</datePublished><publicationType>Standard Action</publicationType></publicationInfo>
  <entities>
    <entity id="58482" action="add">
      <generalInfo><entityType refId="600">Individual</entityType></generalInfo>
      <sanctionsLists><sanctionsList refId="91507" datePublished="2026-09-23">SDN List</sanctionsList></sanctionsLists>
      <sanctionsPrograms><sanctionsProgram id="64116" refId="91167">IFSR</sanctionsProgram></sanctionsPrograms>
      <names><name id="90481"><isPrimary>true</isPrimary><translations>
        <translation><isPrimary>true</isPrimary><script>Latin</script><formattedFullName>DOE,  Jane</formattedFullName></translation>
      </translations></name></names>
      <features>
        <feature id="1"><type featureTypeId="344">Digital Currency Address - XBT</type><value>149w62rY42aZBox8fGcmqNsXUzSStKeq8C</value></feature>
        <feature id="2"><type featureTypeId="14">Website</type><value>https://a.example</value></feature>
      </features>
    </entity>
    <entity id="7" action="remove">
      <sanctionsLists><sanctionsList>Sectoral Sanctions Identifications List</sanctionsList><sanctionsList>Consolidated List</sanctionsList></sanctionsLists>
      <features><feature id="3"><type>Digital Currency Address - XBT</type><value>gone</value></feature></features>
    </entity>
    <entity id="9640">
      <generalInfo><remarks action="update" oldValue="old wording">new wording</remarks></generalInfo>
      <features>
        <feature id="4" action="add"><type>Digital Currency Address - TRX</type><value>TFdTr9C3BqQrzKBXqSxJfAZFTh8UwBAfSg</value></feature>
        <feature id="5" action="remove"><type>Digital Currency Address - TRX</type><value>taken off</value></feature>
        <feature id="6"><type>Digital Currency Address - TRX</type><value>as it was</value></feature>
      </features>
    </entity>
  </entities>
</sanctionsData>
"#;

fn read(text: &str) -> Result<Delta, ListError> {
    delta::read(text.as_bytes())
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let error = read(text).expect_err("it is refused").to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_publication_says_whom_it_concerns() {
    let delta = read(FILE).expect("a delta file");
    assert_eq!(delta.published.to_string(), "2026-09-23");
    assert_eq!(delta.kind, "Standard Action");
    let told: Vec<_> =
        delta.changes.iter().map(|c| (c.id.as_str(), c.action, c.name.as_str())).collect();
    assert_eq!(
        told,
        [
            ("58482", Action::Added, "DOE, Jane"),
            ("7", Action::Removed, ""),
            ("9640", Action::Corrected, ""),
        ]
    );
    let lists: Vec<_> = delta.changes.iter().map(|c| c.lists.as_slice()).collect();
    assert_eq!(lists, [&[ofac::LIST][..], &[ofac::CONSOLIDATED], &[]]);
    let addresses: Vec<_> = delta.changes.iter().map(|c| c.addresses.as_slice()).collect();
    assert_eq!(addresses, [&[XBT.to_string()][..], &[], &[TRX.to_string()]]);
}

/// Programs that read the service call a correction by three words or by none.
#[test]
fn a_correction_has_several_words() {
    for word in ["update", "change", "modify"] {
        let text = FILE
            .replace("<entity id=\"9640\">", &format!("<entity id=\"9640\" action=\"{word}\">"));
        assert_eq!(read(&text).expect("a delta file"), read(FILE).expect("a delta file"));
    }
}

#[test]
fn what_is_no_delta_file_is_refused() {
    refused(&FILE.replace("action=\"add\"", "action=\"merge\""), "the action add or remove");
    refused(&FILE.replace("action=\"add\"", "action=\"\""), "the action add or remove");
    refused(&FILE.replace("DeltaFile/1.0", "DeltaFile/2.0"), "the namespace");
    refused(&FILE.replace(" xmlns=", " xmlns:d="), "the namespace");
    refused(&FILE.replace("sanctionsData", "sdnList"), "the root element sanctionsData");
    refused(&FILE.replace("2026-09-23T00", "some day T"), "a day in datePublished");
    refused(&FILE.replace("publicationInfo>", "about>"), "publicationInfo");
    refused(&FILE.replace("entities>", "things>"), "entities");
    refused(&FILE.replace("id=\"7\"", "id=\"9640\""), "each party once");
    refused(&FILE.replace("id=\"7\"", "id=\"\""), "the id of an entity");
    refused(&FILE.replace("<entity id=\"7\"", "<entity"), "the attribute id");
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aa\">]>";
    refused(&FILE.replace("?>\n<sanctionsData", &format!("?>{bomb}\n<sanctionsData")), "DOCTYPE");
    refused("<html><body>maintenance</body></html>", "the root element");
    for cut in (0..FILE.trim_end().len()).step_by(53) {
        assert!(read(&FILE[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_prefix_for_the_namespace_is_no_other_file() {
    let text = FILE
        .replace("<sanctionsData xmlns=", "<d:sanctionsData xmlns:d=")
        .replace("</sanctionsData>", "</d:sanctionsData>");
    assert_eq!(read(&text).expect("a delta file"), read(FILE).expect("a delta file"));
}

#[test]
fn the_history_of_a_year_and_of_a_day() {
    let rows = r#"[{"publicationID": 804, "datePublished": "2026-01-16T15:00:00"},
        {"publicationID": 803, "datePublished": "2026-01-16T10:01:44.740051"}]"#;
    let year = delta::history(rows.as_bytes()).expect("a history");
    let ids: Vec<_> = year.iter().map(|p| p.id.as_str()).collect();
    assert_eq!(ids, ["803", "804"], "the oldest first");
    assert_eq!(year[0].day().map(|day| day.to_string()).as_deref(), Some("2026-01-16"));
    let day = format!("{{\"publications\": {rows}}}");
    assert_eq!(delta::history(day.as_bytes()), Ok(year));
    assert_eq!(delta::history(b"[]"), Ok(Vec::new()));
}

#[test]
fn what_is_no_history_is_refused() {
    let row = |id: &str, time: &str| {
        format!("{{\"publicationID\": {id}, \"datePublished\": \"{time}\"}}")
    };
    let time = "2026-01-16T10:01:44.740051";
    for (text, expected) in [
        ("<html/>".to_string(), "expected a list of publicationID"),
        ("[1]".to_string(), "expected a list of publicationID"),
        ("[{\"publicationID\": 1}]".to_string(), "expected a list of publicationID"),
        (format!("[{}", row("1", time)), "expected a list of publicationID"),
        (format!("[{}]", row("\"../x\"", time)), "the id of a publication"),
        (format!("[{}]", row("\"\"", time)), "the id of a publication"),
        (format!("[{}]", row("1", "16 Jan 2026")), "expected a time"),
        (format!("[{}]", row("1", "2026-01-16T10:01:44-04:00")), "expected a time"),
        (format!("[{},{}]", row("1", time), row("1", time)), "1 again"),
        ("[".repeat(100_000), "expected a list of publicationID"),
    ] {
        let error = delta::history(text.as_bytes()).expect_err("it is refused");
        assert!(error.contains(expected), "{error}");
    }
}
