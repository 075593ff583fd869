//! A WebSocket.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header::AUTHORIZATION};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{Fault, Pipe};
use crate::http::use_ring;

type Stream = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

pub async fn open(url: &str, pipe: Pipe) -> Result<(), Fault> {
    use_ring();
    let config = WebSocketConfig::default()
        .max_message_size(Some(pipe.body_max))
        .max_frame_size(Some(pipe.body_max));
    // Errors of the library may show the address, and with it a key: they are not kept.
    let mut request =
        url.into_client_request().map_err(|_| Fault::Refused("not an address of a node".into()))?;
    if let Some(login) = login(url) {
        request.headers_mut().insert(AUTHORIZATION, login);
    }
    let connected = tokio_tungstenite::connect_async_with_config(request, Some(config), true);
    let (stream, _) = connected.await.map_err(|error| refusal(&error))?;
    tokio::spawn(pump(stream, pipe));
    Ok(())
}

/// User and password that stand in the address, as HTTP sends them.
fn login(url: &str) -> Option<HeaderValue> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (login, _) = authority.rsplit_once('@')?;
    let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(login))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn refusal(error: &tungstenite::Error) -> Fault {
    match error {
        tungstenite::Error::Http(answer) if answer.status().is_client_error() => Fault::Refused(
            format!("HTTP status {}: is there a key or password to give?", answer.status()),
        ),
        _ => Fault::Gone("no connection"),
    }
}

async fn pump(mut stream: Stream, mut pipe: Pipe) {
    let fault = loop {
        tokio::select! {
            text = pipe.out.recv() => {
                let Some(text) = text else { return };
                if stream.send(Message::text(text)).await.is_err() {
                    break Fault::Gone("the connection broke");
                }
            }
            message = stream.next() => {
                let bytes = match message {
                    Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
                    Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                    Some(Ok(Message::Close(_))) | None => break Fault::Gone("the node hung up"),
                    Some(Err(tungstenite::Error::Capacity(_))) => {
                        break Fault::TooLarge { max: pipe.body_max };
                    }
                    Some(Err(_)) => break Fault::Gone("the connection broke"),
                };
                if pipe.into.send(Ok(bytes)).await.is_err() {
                    return;
                }
            }
        }
    };
    // Nobody there to hear it: nobody waits for it.
    let _ = pipe.into.send(Err(fault)).await;
}
