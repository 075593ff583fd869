//! What is kept, and what changed on lists, asked of a real server.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use common::Home;
use serde_json::Value;

#[test]
fn lists_are_told_with_their_versions_and_what_each_changed() {
    let home = Home::new();
    let one = "0x09278b36863bE4cCd3d0c22d643E8062D7a11377";
    let two = "0x098B716B8Aaf21512996dC57EB0615e2383E2f96";
    let three = "0x47666fab8bd0ac7003bce3f5c3585383f09486e2";
    for (date, addresses) in [("2025-02-26", [one, two]), ("2025-03-05", [two, three])] {
        let file = home.write("notice.txt", format!("{}\n", addresses.join("\n")));
        home.ok(&["lists", "import", "addresses", &file, "--name", "notice", "--date", date]);
    }
    let key = home.ok(&["user", "key", "add", "k", "--scope", "screen"]);
    let mut child = home.spawn(&["serve", "--port", "0"]);
    let mut said = BufReader::new(child.stdout.take().expect("it was piped"));
    let mut line = String::new();
    said.read_line(&mut line).expect("the server says where it listens");
    let address = line.trim().strip_prefix("listening on http://").expect("an address").to_string();
    let ask = |path: &str| get(&address, key.trim(), path);

    let (status, kept) = ask("/v1/status");
    assert_eq!((status, kept["lists"][0]["date"].as_str()), (200, Some("2025-03-05")));
    let (_, lists) = ask("/v1/lists");
    let versions = lists["lists"][0]["versions"].as_array().expect("versions");
    let dates: Vec<&str> = versions.iter().filter_map(|one| one["date"].as_str()).collect();
    assert_eq!(dates, ["2025-03-05", "2025-02-26"], "the newest first");

    let (_, changes) = ask("/v1/lists/notice/changes/2025-03-05");
    assert_eq!((&changes["added"], &changes["removed"]), (&1.into(), &1.into()));
    assert_eq!(changes["from"], "2025-02-26");
    let told: Vec<String> = changes["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| format!("{} {}", item["kind"], item["what"]).to_lowercase())
        .collect();
    assert!(told.contains(&format!("\"added\" \"{three}\"")), "{told:?}");
    assert!(told.contains(&format!("\"removed\" \"{one}\"").to_lowercase()), "{told:?}");
    let (_, first) = ask("/v1/lists/notice/changes/2025-02-26");
    assert_eq!((&first["from"], &first["added"]), (&Value::Null, &2.into()));
    for (path, status) in [("notice/changes/2025-03-04", 404), ("notice/changes/soon", 422)] {
        assert_eq!(ask(&format!("/v1/lists/{path}")).0, status, "{path}");
    }
    drop(child.kill());
    drop(child.wait());
}

/// A machine that is busy with other tests sheds: then it is asked again, as it says.
fn get(address: &str, key: &str, path: &str) -> (u16, Value) {
    for _ in 0..60 {
        let mut stream = TcpStream::connect(address).expect("the server answers");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\r\n"
        )
        .expect("the server reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the server answers");
        let status = answer.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
        if status != 503 {
            let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            return (status, serde_json::from_str(body).unwrap_or_default());
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    panic!("the server sheds for half a minute");
}
