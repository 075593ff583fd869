//! A node made by hand: a small HTTP server that answers JSON-RPC as it is told.

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

pub type Script = dyn Fn(&str, &Value) -> Answer + Send + Sync;

/// Serves until the runtime of the test ends. Gives back the address.
pub async fn serve(script: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let script: Arc<Script> = Arc::new(script);
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
    let Some(question) = read(&mut stream).await? else { return Ok(()) };
    let method = question["method"].as_str().unwrap_or_default();
    let answer = script(method, &question["params"]);
    let id = &question["id"];
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

/// The JSON of one POST.
async fn read(stream: &mut TcpStream) -> std::io::Result<Option<Value>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        if let Some(body) = bytes.get(head.len() + 4..head.len() + 4 + length) {
            return Ok(serde_json::from_slice(body).ok());
        }
    }
}
