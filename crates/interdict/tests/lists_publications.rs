//! `interdict lists update` of OFAC's list, where the service also says what it published.

mod common;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use common::{Home, Run, rows, texts};
use serde_json::Value;

const XBT: &str = "149w62rY42aZBox8fGcmqNsXUzSStKeq8C";
const TRX: &str = "TFdTr9C3BqQrzKBXqSxJfAZFTh8UwBAfSg";

/// A server that answers by path until the test ends, and remembers what it was asked.
#[derive(Clone, Default)]
struct Server {
    answers: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = self.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let Ok(mut socket) = socket else { continue };
                let mut bytes = vec![0; 8192];
                let read = socket.read(&mut bytes).unwrap_or_default();
                let head = String::from_utf8_lossy(&bytes[..read]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_string();
                let answer = server.answers.lock().expect("a lock").get(&path).cloned();
                server.asked.lock().expect("a lock").push(path);
                let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec();
                let _ = socket.write_all(&answer.unwrap_or(missing));
            }
        });
        url
    }

    fn put(&self, path: &str, answer: impl Into<Vec<u8>>) {
        self.answers.lock().expect("a lock").insert(path.to_string(), answer.into());
    }

    /// What was asked since the last time.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().expect("a lock"))
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// The whole list in OFAC's enhanced form: each party with an id, a name and an address.
fn list(day: &str, parties: &[(&str, &str, &str)]) -> String {
    let entities: String =
        parties.iter().map(|(id, name, address)| entity(id, "", name, address)).collect();
    format!(
        "<sanctionsData><publicationInfo><dataAsOf>{day}T00:00:00</dataAsOf><filters><sanctionsLists>\
         <sanctionsList>SDN List</sanctionsList></sanctionsLists></filters></publicationInfo>\
         <entities>{entities}</entities></sanctionsData>"
    )
}

fn entity(id: &str, action: &str, name: &str, address: &str) -> String {
    let features = if address.is_empty() {
        String::new()
    } else {
        format!(
            "<features><feature><type>Digital Currency Address - XBT</type><value>{address}</value></feature></features>"
        )
    };
    format!(
        "<entity id=\"{id}\"{action}><generalInfo><entityType>Individual</entityType></generalInfo>\
         <sanctionsLists><sanctionsList datePublished=\"2026-01-05\">SDN List</sanctionsList></sanctionsLists>\
         <names><name><isPrimary>true</isPrimary><translations><translation>\
         <formattedFullName>{name}</formattedFullName></translation></translations></name></names>\
         {features}</entity>"
    )
}

fn delta(day: &str, entities: &str) -> String {
    format!(
        "<sanctionsData xmlns=\"https://www.treasury.gov/ofac/DeltaFile/1.0\"><publicationInfo>\
         <datePublished>{day}T00:00:00-04:00</datePublished><publicationType>Standard Action</publicationType>\
         </publicationInfo><entities>{entities}</entities></sanctionsData>"
    )
}

const ADD: &str = " action=\"add\"";
const REMOVE: &str = " action=\"remove\"";

/// Days of this year: the history is asked for by year.
fn day(month_and_day: &str) -> String {
    let year = model::day_of(model::Timestamp::now()).year();
    format!("{year}-{month_and_day}")
}

/// A service with one publication and the list after it, and a home that fetches from it.
struct Story {
    home: Home,
    server: Server,
    history: Vec<(u32, String)>,
}

impl Story {
    fn new(more: &str) -> Story {
        let (home, server) = (Home::new(), Server::default());
        let url = server.start();
        home.write(
            "interdict.toml",
            format!(
                "[lists.ofac]\nformat = \"ofac\"\nurl = \"{url}/list.xml\"\nchanges = \"{url}/changes\"\n{more}"
            ),
        );
        let mut story = Story { home, server, history: Vec::new() };
        story.publish(801, &day("01-05"), &entity("1", ADD, "DOE, Jane", XBT));
        story.whole(&day("01-05"), &[("1", "DOE, Jane", XBT), ("2", "ROE, Ann", "")]);
        story
    }

    fn publish(&mut self, id: u32, day: &str, entities: &str) {
        self.server.put(&format!("/changes/{id}"), ok(&delta(day, entities)));
        self.history.push((id, day.to_string()));
        self.put_history();
    }

    fn put_history(&self) {
        let row = |(id, day): &(u32, String)| {
            format!("{{\"publicationID\":{id},\"datePublished\":\"{day}T10:01:44.740051\"}}")
        };
        let rows: Vec<_> = self.history.iter().map(row).collect();
        let year = &day("")[..4];
        self.server.put(&format!("/changes/history/{year}"), ok(&format!("[{}]", rows.join(","))));
    }

    fn whole(&self, day: &str, parties: &[(&str, &str, &str)]) {
        self.server.put("/list.xml", ok(&list(day, parties)));
    }

    fn update(&self) -> Run {
        self.server.asked();
        self.home.run(&["lists", "update"])
    }

    fn json(&self) -> Value {
        let run = self.home.run(&["lists", "update", "--report", "json"]);
        serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {run:?}"))
    }

    fn has_asked_for_the_list(&self) -> bool {
        self.server.asked().iter().any(|path| path == "/list.xml")
    }

    /// Up to date with what `new` published.
    fn held(more: &str) -> Story {
        let story = Story::new(more);
        let run = story.update();
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
        assert!(run.stdout.contains("1 entry and 2 parties kept"), "{}", run.stdout);
        assert!(story.has_asked_for_the_list());
        story
    }
}

#[test]
fn nothing_published_is_nothing_fetched() {
    let story = Story::held("");
    let run = story.update();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("ofac: nothing published since"), "{}", run.stdout);
    assert!(run.stdout.contains("(publication 801)"), "{}", run.stdout);
    let year = &day("")[..4];
    assert_eq!(story.server.asked(), [format!("/changes/history/{year}")]);
    let json = story.json();
    assert_eq!(json[0]["is_unchanged"], true);
    assert_eq!(json[0]["publications"]["held"]["id"], "801");
}

#[test]
fn what_was_published_is_said_and_the_whole_list_is_fetched() {
    let mut story = Story::held("");
    story.publish(802, &day("01-12"), &entity("3", ADD, "MAX, Mad", TRX));
    let other = entity("9", ADD, "OTHER LIST", "").replace("SDN List", "Consolidated List");
    let more = format!(
        "{}{other}<entity id=\"1\"/><entity id=\"77\"/>",
        entity("2", REMOVE, "ROE, Ann", "")
    );
    story.publish(803, &day("01-19"), &more);
    story.whole(&day("01-19"), &[("1", "DOE, Jane", XBT), ("3", "MAX, Mad", TRX)]);
    let json = story.json();
    let news = &json[0]["publications"];
    assert_eq!(json[0]["error"], Value::Null, "{json}");
    assert_eq!(texts(&news["files"], "publication"), ["802", "803"]);
    assert_eq!(texts(&news["changes"], "id"), ["3", "2", "1"], "the other list's are not named");
    assert_eq!(texts(&news["changes"], "action"), ["added", "removed", "corrected"]);
    assert_eq!(news["changes"][0]["addresses"][0], TRX);
    assert_eq!(json[0]["kept"]["versions"][0]["entries"], 2);
    assert_eq!(story.home.run(&["screen", TRX]).code, 10);
    let again = story.update();
    assert!(again.stdout.contains("(publication 803)"), "{}", again.stdout);
    assert!(!story.has_asked_for_the_list());
}

#[test]
fn the_text_names_whom_it_concerns() {
    let mut story = Story::held("");
    story.publish(802, &day("01-12"), &entity("3", ADD, "MAX, \u{1b}[31mMad", TRX));
    story.whole(
        &day("01-12"),
        &[("1", "DOE, Jane", XBT), ("2", "ROE, Ann", ""), ("3", "MAX, Mad", TRX)],
    );
    let run = story.update();
    assert_eq!(run.code, 0, "{}", run.stderr);
    for part in ["1 added, 0 removed, 0 corrected, with 1 new addresses", "+ 3 MAX, "] {
        assert!(run.stdout.contains(part), "{}", run.stdout);
    }
    assert!(!run.stdout.contains('\u{1b}'), "{:?}", run.stdout);
}

/// A cache in between, or a service that publishes its delta first.
#[test]
fn a_file_that_is_older_than_what_was_published_is_said_and_fetched_again() {
    let mut story = Story::held("");
    story.publish(802, &day("01-12"), &entity("3", ADD, "MAX, Mad", TRX));
    // Its day is new, its content is not.
    story.whole(&day("01-12"), &[("1", "DOE, Jane", XBT), ("2", "ROE, Ann", "")]);
    for _ in 0..2 {
        let run = story.update();
        assert_eq!(run.code, 1);
        assert!(run.stderr.contains("older than publication 802"), "{}", run.stderr);
        assert!(run.stderr.contains("+ 3 MAX, Mad"), "{}", run.stderr);
        assert!(run.stdout.contains("ofac: not up to date"), "{}", run.stdout);
        assert!(story.has_asked_for_the_list(), "it is asked for again");
    }
    // The party alone is not all that was added.
    story.whole(
        &day("01-12"),
        &[("1", "DOE, Jane", XBT), ("2", "ROE, Ann", ""), ("3", "MAX, Mad", "")],
    );
    let run = story.update();
    assert!(run.stderr.contains(&format!("{TRX} of 3")), "{}", run.stderr);
    story.whole(
        &day("01-13"),
        &[("1", "DOE, Jane", XBT), ("2", "ROE, Ann", ""), ("3", "MAX, Mad", TRX)],
    );
    assert_eq!(story.update().code, 0);
    assert!(story.update().stdout.contains("nothing published since"));
}

#[test]
fn a_server_that_says_its_file_is_the_same_is_not_believed_against_its_history() {
    let mut story = Story::held("");
    story.publish(802, &day("01-12"), &entity("2", REMOVE, "ROE, Ann", ""));
    // Without a known copy 304 is no answer, so the copy gets a name first.
    let named = ok(&list(&day("01-06"), &[("1", "DOE, Jane", XBT), ("2", "ROE, Ann", "")]));
    story.server.put("/list.xml", named.replace("Content-Length", "ETag: \"a\"\r\nContent-Length"));
    story.history.pop();
    story.history[0].0 = 800;
    story.put_history();
    story.server.put("/changes/800", ok(&delta(&day("01-05"), "")));
    let run = story.update();
    assert!(run.stderr.contains("publication 801 is not in the history"), "{}", run.stderr);
    assert_eq!(run.code, 0, "the whole file decides: {}", run.stderr);
    story.server.put("/list.xml", "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
    story.history.push((802, day("01-12")));
    story.put_history();
    let run = story.update();
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("publication 802 of"), "{}", run.stderr);
    assert!(run.stderr.contains("its file has not changed since: - 2 ROE, Ann"), "{}", run.stderr);
    // What concerns the other list only leaves this file as it is.
    let other = entity("9", ADD, "OTHER LIST", "").replace("SDN List", "Consolidated List");
    story.server.put("/changes/802", ok(&delta(&day("01-12"), &other)));
    assert_eq!(story.update().code, 0);
    assert!(story.update().stdout.contains("(publication 802)"));
}

/// Whatever is wrong with what is said of publications: it is said, and the whole file decides.
#[test]
fn what_cannot_be_told_has_the_whole_file_fetched() {
    let good = delta(&day("01-12"), &entity("3", ADD, "MAX, Mad", TRX));
    let whole = ok(&good);
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("cut", whole.as_bytes()[..whole.len() - 40].to_vec(), "connection broke"),
        ("short", ok(&good[..good.len() - 40]).into(), "expected"),
        ("namespace", ok(&good.replace("DeltaFile/1.0", "DeltaFile/9.0")).into(), "the namespace"),
        ("action", ok(&good.replace("\"add\"", "\"merge\"")).into(), "the action add or remove"),
        ("another day", ok(&good.replace("01-12", "01-11")).into(), "its delta file of"),
        ("page", ok("<html><body>maintenance</body></html>").into(), "the root element"),
        (
            "bomb",
            ok(&format!("<!DOCTYPE x [<!ENTITY a \"aaaa\">]>{}", good.replace("MAX", "&a;"))).into(),
            "DOCTYPE",
        ),
        (
            "endless",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\nConnection: close\r\n\r\n ".to_vec(),
            "more than 67108864 bytes",
        ),
        ("gone", b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n".to_vec(), "404"),
        (
            "redirect",
            b"HTTP/1.1 302 Found\r\nLocation: http://localhost:9/x?Signature=sesame\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
            "a redirect to localhost",
        ),
    ];
    for (what, answer, said) in cases {
        let mut story = Story::held("");
        story.publish(802, &day("01-12"), "");
        story.server.put("/changes/802", answer);
        story.whole(&day("01-12"), &[("1", "DOE, Jane", XBT), ("3", "MAX, Mad", TRX)]);
        let run = story.update();
        assert_eq!(run.code, 0, "{what}: {}", run.stderr);
        assert!(run.stderr.contains("publication 802: "), "{what}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{what}: {}", run.stderr);
        assert!(!run.stderr.contains("sesame"), "{what}: {}", run.stderr);
        assert!(run.stdout.contains("2 entries and 2 parties kept"), "{what}: {}", run.stdout);
        // It was not read, so nobody relies on it.
        story.update();
        assert!(story.has_asked_for_the_list(), "{what}");
    }
}

#[test]
fn a_history_that_is_none_has_the_whole_file_fetched() {
    let year = &day("")[..4];
    let path = format!("/changes/history/{year}");
    for (answer, said) in [
        (ok("<html/>"), "expected a list of publicationID"),
        (ok("[{\"publicationID\":\"../../x\",\"datePublished\":\"2026-01-05T10:01:44\"}]"), "the id"),
        ("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_string(), "500"),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://localhost:9/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                .to_string(),
            "a redirect to localhost",
        ),
    ] {
        let story = Story::held("");
        story.server.put(&path, answer);
        story.whole(&day("01-12"), &[("1", "DOE, Jane", XBT), ("3", "MAX, Mad", TRX)]);
        let run = story.update();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stderr.contains(said), "{}", run.stderr);
        assert!(run.stdout.contains("2 entries and 2 parties kept"), "{}", run.stdout);
    }
}

#[test]
fn storage_elsewhere_must_be_named() {
    let storage = Server::default();
    let url = storage.start().replace("127.0.0.1", "localhost");
    storage.put(
        "/a_delta.xml?Signature=sesame",
        ok(&delta(&day("01-12"), &entity("2", REMOVE, "", ""))),
    );
    let mut story = Story::held("redirects = [\"localhost\"]\n");
    story.publish(802, &day("01-12"), "");
    story.server.put(
        "/changes/802",
        format!(
            "HTTP/1.1 302 Found\r\nLocation: {url}/a_delta.xml?Signature=sesame\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ),
    );
    story.whole(&day("01-12"), &[("1", "DOE, Jane", XBT)]);
    let run = story.update();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(run.stdout.contains("0 added, 1 removed"), "{}", run.stdout);
    assert_eq!(storage.asked().len(), 1);
}

/// Somebody imports another file by hand: what was published since is not known of it.
#[test]
fn another_version_in_force_is_not_taken_for_the_fetched_one() {
    let story = Story::held("");
    let file = story.home.write("other.xml", list(&day("01-20"), &[("1", "DOE, Jane", XBT)]));
    story.home.ok(&["lists", "import", "ofac", &file]);
    let run = story.update();
    assert!(run.stderr.contains("not the file that was fetched"), "{}", run.stderr);
    assert!(story.has_asked_for_the_list());
    assert_eq!(rows(&story.home.json(&["lists", "status", "--format", "json"])).len(), 2);
}
