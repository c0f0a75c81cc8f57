//! A raw HTTP/1.1 client: sees chunks, cuts and resets as they are.

use std::io::ErrorKind;
use std::time::Duration;

use simulator::{Ended, Faults, SimConfig, SimHandle, TruthRecord, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What came back on the wire.
#[derive(Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub chunks: Vec<Vec<u8>>,
    /// HTTP's own end was seen: last chunk or full length.
    pub ended: bool,
    /// The connection was reset.
    pub reset: bool,
    /// How many reads it took.
    pub reads: usize,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The JSON of every `data:` line but `[DONE]`.
    pub fn events(&self) -> Vec<serde_json::Value> {
        let text = self.text();
        let data =
            text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
        data.map(|data| serde_json::from_str(data).unwrap_or_else(|e| panic!("{e}: {data}"))).collect()
    }

    /// The text of an OpenAI or Anthropic stream.
    pub fn streamed_text(&self) -> String {
        let piece = |event: &serde_json::Value| {
            let openai = event.pointer("/choices/0/delta/content");
            openai.or_else(|| event.pointer("/delta/text")).and_then(|t| t.as_str()).unwrap_or("").to_owned()
        };
        self.events().iter().map(piece).collect()
    }
}

pub async fn start(config: SimConfig) -> SimHandle {
    serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), config).await.unwrap()
}

pub async fn plain() -> SimHandle {
    start(SimConfig { created: Some(1_700_000_000), ..SimConfig::default() }).await
}

pub async fn faulty(spec: &str) -> SimHandle {
    start(SimConfig { faults: Faults::parse(spec).unwrap(), ..SimConfig::default() }).await
}

pub fn request(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: sim\r\nauthorization: Bearer k\r\nx-api-key: k\r\nanthropic-version: 2023-06-01\r\n\
         x-client-request-id: attempt-1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub async fn chat(sim: &SimHandle, body: &str) -> Reply {
    send(sim, &request("/v1/chat/completions", body)).await
}

pub async fn messages(sim: &SimHandle, body: &str) -> Reply {
    send(sim, &request("/v1/messages", body)).await
}

pub async fn send(sim: &SimHandle, raw: &str) -> Reply {
    let mut stream = TcpStream::connect(sim.addr).await.unwrap();
    stream.write_all(raw.as_bytes()).await.unwrap();
    read(&mut stream).await
}

/// Reads one answer, to its end or to the connection's.
pub async fn read(stream: &mut TcpStream) -> Reply {
    let mut reply = Reply::default();
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 1 << 16];
    let patience = Duration::from_secs(20);
    loop {
        if parse(&bytes, &mut reply) {
            return reply;
        }
        match tokio::time::timeout(patience, stream.read(&mut buffer)).await.expect("no answer in time") {
            Ok(0) => return reply,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                reply.reset = true;
                return reply;
            }
        }
        reply.reads += 1;
    }
}

/// Fills the reply from what came so far; `true` when HTTP says that this is all.
fn parse(bytes: &[u8], reply: &mut Reply) -> bool {
    let Some(head_end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { return false };
    let head = std::str::from_utf8(&bytes[..head_end]).unwrap();
    let mut lines = head.split("\r\n");
    reply.status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let split = |line: &str| line.split_once(": ").map(|(n, v)| (n.to_owned(), v.to_owned())).unwrap();
    reply.headers = lines.map(split).collect();
    let mut rest = &bytes[head_end + 4..];
    (reply.chunks, reply.body) = (Vec::new(), Vec::new());
    if let Some(length) = reply.header("content-length") {
        let length: usize = length.parse().unwrap();
        reply.body = rest.to_vec();
        reply.ended = rest.len() == length;
        return reply.ended;
    }
    while let Some(line) = rest.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        if size == 0 {
            reply.ended = true;
            return true;
        }
        let Some(chunk) = rest.get(line + 2..line + 2 + size) else { break };
        reply.chunks.push(chunk.to_vec());
        reply.body.extend_from_slice(chunk);
        let Some(next) = rest.get(line + 4 + size..) else { break };
        rest = next;
    }
    false
}

/// The last line of truth, once there is one of the kind `ended` for every request.
pub async fn ended(sim: &SimHandle) -> Ended {
    for _ in 0..400 {
        let truth = sim.truth();
        let ends: Vec<_> =
            truth.iter().filter_map(|r| if let TruthRecord::Ended(e) = r { Some(e) } else { None }).collect();
        if ends.len() as u64 == sim.received() && !ends.is_empty() {
            return ends.last().map(|&e| Ended::clone(e)).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no end in the truth: {:?}", sim.truth());
}
