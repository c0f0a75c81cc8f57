//! A small HTTP/1.1 client on a bare socket: one request a connection; it sees each part as it comes, knows whether
//! the answer ended as HTTP says, and hangs up when it is dropped.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// An answer whose head has come.
pub struct Exchange {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    socket: BufReader<TcpStream>,
    framing: Framing,
}

enum Framing {
    Length(usize),
    Chunked,
    ToTheEnd,
    Done,
}

/// An answer read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
}

/// Sends a request whole and does not wait for the answer.
pub fn send(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(to)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(Duration::from_mins(1)))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\n");
    if !body.is_empty() || method == "POST" {
        head += &format!("content-length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    socket.write_all(head.as_bytes())?;
    socket.write_all(body)?;
    Ok(socket)
}

/// Sends a request and waits for the head of its answer.
pub fn ask(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Exchange> {
    Exchange::begin(send(to, method, path, headers, body)?)
}

impl Exchange {
    /// Reads the head of an answer.
    pub fn begin(socket: TcpStream) -> io::Result<Self> {
        let mut socket = BufReader::new(socket);
        let first = line(&mut socket)?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| bad(&format!("no status line: {first}")))?;
        let mut headers = Vec::new();
        loop {
            let line = line(&mut socket)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| bad(&line))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let find =
            |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let framing = match (find("transfer-encoding"), find("content-length")) {
            (Some("chunked"), _) => Framing::Chunked,
            (_, Some(length)) => Framing::Length(length.parse().map_err(|_| bad("content-length"))?),
            _ => Framing::ToTheEnd,
        };
        Ok(Self { status, headers, socket, framing })
    }

    /// The next part of the body; `None` at its proper end.
    /// # Errors  The connection ended or broke before the body did.
    pub fn part(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self.framing {
            Framing::Done => Ok(None),
            Framing::Length(0) => {
                self.framing = Framing::Done;
                Ok(None)
            }
            Framing::Length(left) => {
                let mut part = vec![0; left.min(64 * 1024)];
                let read = self.socket.read(&mut part)?;
                if read == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                part.truncate(read);
                self.framing = Framing::Length(left - read);
                Ok(Some(part))
            }
            Framing::ToTheEnd => {
                let mut part = vec![0; 64 * 1024];
                let read = self.socket.read(&mut part)?;
                part.truncate(read);
                Ok((read > 0).then_some(part))
            }
            Framing::Chunked => {
                let size = line(&mut self.socket)?;
                let size = usize::from_str_radix(size.trim(), 16).map_err(|_| bad(&size))?;
                let mut part = vec![0; size];
                self.socket.read_exact(&mut part)?;
                line(&mut self.socket)?;
                if size == 0 {
                    self.framing = Framing::Done;
                    return Ok(None);
                }
                Ok(Some(part))
            }
        }
    }

    /// The rest, to its proper end.
    pub fn whole(mut self) -> io::Result<Answer> {
        let mut body = Vec::new();
        while let Some(part) = self.part()? {
            body.extend_from_slice(&part);
        }
        Ok(Answer { status: self.status, headers: self.headers, body })
    }

    /// Reads at least `bytes` of the body, if it has so many, and hangs up.
    pub fn hang_up_after(mut self, bytes: usize) -> io::Result<Vec<u8>> {
        let mut seen = Vec::new();
        while seen.len() < bytes {
            match self.part()? {
                Some(part) => seen.extend_from_slice(&part),
                None => break,
            }
        }
        drop(self.socket.get_ref().shutdown(Shutdown::Both));
        Ok(seen)
    }
}

impl Answer {
    /// A header's value.
    pub fn header(&self, wanted: &str) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `Null` where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

fn line(socket: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if socket.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
