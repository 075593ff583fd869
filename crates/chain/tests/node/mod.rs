//! A node made by hand: a small HTTP server that answers as it is told.

#![allow(dead_code, reason = "each test uses its part")]

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How the node answers one question.
pub enum Answer {
    Result(Value),
    Error(i64, &'static str),
    /// This body, of this length as far as its head says.
    Body {
        text: String,
        stated: Option<usize>,
    },
    /// A status with these header lines and no body.
    Status(u16, &'static str),
    /// Bytes without end.
    Endless,
    Silence,
}

type Script = dyn Fn(&str, &Value) -> (Answer, Value) + Send + Sync;

/// Serves JSON-RPC, asked by method and parameters, until the runtime of the
/// test ends. Gives back the address.
pub async fn serve(script: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static) -> String {
    serve_all(Arc::new(move |_, question: &Value| {
        let method = question["method"].as_str().unwrap_or_default();
        (script(method, &question["params"]), question["id"].clone())
    }))
    .await
}

/// The same, asked by the path and the body of the question.
pub async fn serve_paths(
    script: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static,
) -> String {
    serve_all(Arc::new(move |path, question: &Value| (script(path, question), Value::Null))).await
}

async fn serve_all(script: Arc<Script>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let script = script.clone();
            // A client that had enough closes the connection: no fault of the test.
            tokio::spawn(async move { talk(stream, &script).await.ok() });
        }
    });
    format!("http://{address}")
}

async fn talk(mut stream: TcpStream, script: &Arc<Script>) -> std::io::Result<()> {
    let Some((path, question)) = read(&mut stream).await? else { return Ok(()) };
    let (answer, id) = script(&path, &question);
    let (text, stated) = match answer {
        Answer::Result(result) => {
            (json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string(), None)
        }
        Answer::Error(code, message) => {
            let error = json!({ "code": code, "message": message });
            (json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string(), None)
        }
        Answer::Body { text, stated } => (text, stated),
        Answer::Status(status, lines) => {
            let head = format!(
                "HTTP/1.1 {status} said\r\n{lines}content-length: 0\r\nconnection: close\r\n\r\n"
            );
            return stream.write_all(head.as_bytes()).await;
        }
        Answer::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"result\":\"").await?;
            loop {
                stream.write_all(&[b'a'; 4096]).await?;
            }
        }
        Answer::Silence => {
            tokio::time::sleep(std::time::Duration::from_secs(60)).await;
            return Ok(());
        }
    };
    let length = stated.unwrap_or(text.len());
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(text.as_bytes()).await
}

/// Path and JSON of one question.
async fn read(stream: &mut TcpStream) -> std::io::Result<Option<(String, Value)>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let path = head.split(' ').nth(1).unwrap_or_default().to_string();
        let lower = head.to_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        if let Some(body) = bytes.get(head.len() + 4..head.len() + 4 + length) {
            return Ok(Some((path, serde_json::from_slice(body).unwrap_or_default())));
        }
    }
}
