//! A server of one story: it answers as it is told, and counts what it is asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Clone)]
pub struct Request {
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: String,
    pub body: String,
}

pub struct Response {
    pub status: u16,
    pub headers: String,
    pub body: String,
    /// Sends blanks after the body until nobody listens.
    pub endless: bool,
}

impl Response {
    pub fn json(value: serde_json::Value) -> Response {
        Response::text(value.to_string())
    }

    pub fn text(body: impl Into<String>) -> Response {
        Response { status: 200, headers: String::new(), body: body.into(), endless: false }
    }

    pub fn status(status: u16, headers: &str) -> Response {
        Response { status, headers: headers.into(), body: "no".into(), endless: false }
    }
}

pub type Answer = dyn Fn(&Request) -> Response + Send + Sync;

pub struct Server {
    pub url: String,
    asked: Arc<AtomicUsize>,
    pub paths: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn new(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let asked = Arc::new(AtomicUsize::new(0));
        let paths = Arc::new(Mutex::new(Vec::new()));
        let answer: Arc<Answer> = Arc::new(answer);
        let (count, noted) = (asked.clone(), paths.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, count, noted) = (answer.clone(), count.clone(), noted.clone());
                std::thread::spawn(move || serve(stream, &*answer, &count, &noted));
            }
        });
        Server { url, asked, paths }
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// One request a connection.
fn serve(stream: TcpStream, answer: &Answer, count: &AtomicUsize, noted: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let target = line.split(' ').nth(1).unwrap_or("/").to_string();
    let mut headers = String::new();
    let mut length = 0;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) == 0 || header.trim().is_empty() {
            break;
        }
        let lower = header.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        headers += &header;
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let request = Request {
        path: path.to_string(),
        query: pairs.map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    count.fetch_add(1, Ordering::SeqCst);
    noted.lock().expect("nobody panics with it").push(target.clone());
    let response = answer(&request);
    let length = match response.endless {
        true => String::new(),
        false => format!("content-length: {}\r\n", response.body.len()),
    };
    let head = format!(
        "HTTP/1.1 {} X\r\nconnection: close\r\n{length}{}\r\n",
        response.status, response.headers
    );
    let mut stream = &stream;
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(response.body.as_bytes());
    while response.endless && stream.write_all(&[b' '; 4096]).is_ok() {}
}
