//! A socket in the file system (IPC): JSON values one after another, with
//! nothing between them that would tell how long they are.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::{Fault, Pipe};

const PIECE_BYTES: usize = 64 << 10;

pub async fn open(path: &str, pipe: Pipe) -> Result<(), Fault> {
    let stream = UnixStream::connect(path).await.map_err(|_| Fault::Gone("no connection"))?;
    tokio::spawn(pump(stream, pipe));
    Ok(())
}

async fn pump(stream: UnixStream, mut pipe: Pipe) {
    let (mut from, mut to) = stream.into_split();
    let mut cutter = Cutter { max: pipe.body_max, ..Cutter::default() };
    let mut piece = vec![0; PIECE_BYTES];
    let fault = 'talk: loop {
        tokio::select! {
            text = pipe.out.recv() => {
                let Some(text) = text else { return };
                if to.write_all(text.as_bytes()).await.is_err() {
                    break Fault::Gone("the connection broke");
                }
            }
            count = from.read(&mut piece) => {
                let mut rest = match count {
                    Ok(0) => break Fault::Gone("the node hung up"),
                    Ok(count) => &piece[..count],
                    Err(_) => break Fault::Gone("the connection broke"),
                };
                while !rest.is_empty() {
                    match cutter.take(&mut rest) {
                        Err(fault) => break 'talk fault,
                        Ok(None) => {}
                        Ok(Some(message)) => {
                            if pipe.into.send(Ok(message)).await.is_err() {
                                return;
                            }
                        }
                    }
                }
            }
        }
    };
    // Nobody there to hear it: nobody waits for it.
    let _ = pipe.into.send(Err(fault)).await;
}

/// Cuts bytes into JSON values, each looked at once.
#[derive(Default)]
struct Cutter {
    /// The value so far.
    value: Vec<u8>,
    max: usize,
    depth: usize,
    in_text: bool,
    is_escaped: bool,
}

impl Cutter {
    /// Takes bytes up to the end of a value, or all.
    fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let end = bytes.iter().position(|byte| self.ends_with(*byte));
        let (taken, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        *bytes = rest;
        if self.value.len() + taken.len() > self.max {
            return Err(Fault::TooLarge { max: self.max });
        }
        self.value.extend_from_slice(taken);
        if end.is_some() {
            return Ok(Some(std::mem::take(&mut self.value)));
        }
        if self.depth == 0 && !self.value.trim_ascii().is_empty() {
            return Err(Fault::NotJson("neither an object nor a list".into()));
        }
        // Space between two values.
        if self.depth == 0 {
            self.value.clear();
        }
        Ok(None)
    }

    fn ends_with(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' if self.in_text => self.is_escaped = true,
            b'"' => self.in_text = !self.in_text,
            _ if self.in_text => {}
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(cutter: &mut Cutter, mut bytes: &[u8]) -> Result<Vec<String>, Fault> {
        let mut values = Vec::new();
        while !bytes.is_empty() {
            let value = cutter.take(&mut bytes)?;
            values.extend(value.map(|value| String::from_utf8(value).expect("text")));
        }
        Ok(values)
    }

    proptest! {
        #[test]
        fn values_are_cut_alike_however_they_arrive(
            texts in prop::collection::vec("[a-z\"\\\\{}\\[\\]]{0,8}", 0..6),
            size in 1usize..9,
        ) {
            let values: Vec<String> =
                texts.iter().map(|text| serde_json::json!({ "a": [text] }).to_string()).collect();
            let stream = values.join("\n ") + "\n";
            let mut cutter = Cutter { max: 1000, ..Cutter::default() };
            let mut found = Vec::new();
            for piece in stream.as_bytes().chunks(size) {
                found.extend(cut(&mut cutter, piece).expect("well formed"));
            }
            let found: Vec<&str> = found.iter().map(|value| value.trim()).collect();
            prop_assert_eq!(found, values);
        }
    }

    #[test]
    fn what_does_not_end_is_not_kept() {
        let mut cutter = Cutter { max: 100, ..Cutter::default() };
        let endless = cut(&mut cutter, format!("{{\"{}", "a".repeat(200)).as_bytes());
        assert_eq!(endless, Err(Fault::TooLarge { max: 100 }));
        let mut cutter = Cutter { max: 100, ..Cutter::default() };
        assert!(matches!(cut(&mut cutter, b"hello"), Err(Fault::NotJson(_))));
        // Space between values is nothing, however much of it there is.
        let mut cutter = Cutter { max: 100, ..Cutter::default() };
        for _ in 0..9 {
            assert_eq!(cut(&mut cutter, &[b' '; 90]), Ok(vec![]));
        }
    }
}
