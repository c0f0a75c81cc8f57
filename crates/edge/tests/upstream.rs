//! The upstream client against a listener that does what servers do: keep connections, close them, cut answers.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test fails by panicking

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use edge::{Dialed, Upstream, UpstreamOptions, read_limited};
use http_body_util::{BodyExt as _, Full};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

fn upstream() -> Upstream {
    Upstream::new(UpstreamOptions { allow_private_addresses: true, ..UpstreamOptions::default() })
}

fn request(to: SocketAddr) -> http::Request<Full<Bytes>> {
    let uri = format!("http://{to}/v1/x?y=1");
    http::Request::post(uri).body(Full::new(Bytes::from_static(b"hello"))).unwrap()
}

/// Reads one request (its body is `hello`); `None`: the other side closed.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"hello") {
        let mut piece = [0; 1024];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => text.extend_from_slice(&piece[..read]),
        }
    }
    Some(String::from_utf8(text).unwrap())
}

const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server that numbers its connections and answers each request by what `answer` gives; an empty answer closes.
async fn server(
    answer: fn(usize, usize) -> &'static [u8],
) -> (SocketAddr, mpsc::UnboundedReceiver<(usize, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for connection in 1.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            let seen = seen.clone();
            tokio::spawn(async move {
                for number in 1.. {
                    let Some(request) = read_request(&mut stream).await else { return };
                    let _ = seen.send((connection, request));
                    let bytes = answer(connection, number);
                    if bytes.is_empty() {
                        return;
                    }
                    stream.write_all(bytes).await.unwrap();
                    if bytes.ends_with(b"bye") {
                        return;
                    }
                }
            });
        }
    });
    (address, requests)
}

async fn body(answer: http::Response<edge::UpstreamBody>) -> Bytes {
    answer.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn a_connection_is_used_again_once_its_answer_was_read() {
    let (address, mut requests) = server(|_, _| WHOLE).await;
    let upstream = upstream();
    for _ in 0..3 {
        assert_eq!(body(upstream.send(request(address)).await.unwrap()).await, "ok");
    }
    for _ in 0..3 {
        let (connection, text) = requests.recv().await.unwrap();
        assert_eq!(connection, 1);
        assert!(text.starts_with("POST /v1/x?y=1 HTTP/1.1\r\n"), "{text}");
        assert!(text.to_lowercase().contains(&format!("host: {address}\r\n")), "{text}");
    }
}

#[tokio::test]
async fn an_answer_dropped_half_read_closes_its_connection() {
    let (address, mut requests) = server(|_, _| WHOLE).await;
    let upstream = upstream();
    drop(upstream.send(request(address)).await.unwrap());
    assert_eq!(body(upstream.send(request(address)).await.unwrap()).await, "ok");
    assert_eq!((requests.recv().await.unwrap().0, requests.recv().await.unwrap().0), (1, 2));
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_meanwhile_is_replaced() {
    let (address, mut requests) =
        server(
            |connection, _| {
                if connection == 1 { b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbye" } else { WHOLE }
            },
        )
        .await;
    let upstream = upstream();
    assert_eq!(body(upstream.send(request(address)).await.unwrap()).await, "bye");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(body(upstream.send(request(address)).await.unwrap()).await, "ok");
    assert_eq!((requests.recv().await.unwrap().0, requests.recv().await.unwrap().0), (1, 2));
}

#[tokio::test]
async fn a_request_that_may_have_been_seen_is_not_sent_again() {
    let (address, mut requests) = server(|_, _| b"").await;
    let failed = upstream().send(request(address)).await.unwrap_err();
    assert_eq!(failed.dialed, Dialed::MaybeSent);
    assert!(requests.recv().await.is_some());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(requests.try_recv().is_err(), "sent once only");
}

#[tokio::test]
async fn a_port_where_nobody_listens_saw_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let failed = upstream().send(request(address)).await.unwrap_err();
    assert_eq!(failed.dialed, Dialed::NotConnected);
    assert!(failed.to_string().contains(&address.to_string()), "{failed}");
}

#[tokio::test]
async fn what_arrived_together_is_there_together() {
    let answer: fn(usize, usize) -> &'static [u8] = |_, _| {
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"
    };
    let (address, _requests) = server(answer).await;
    let mut body = upstream().send(request(address)).await.unwrap().into_body();
    let mut seen = Vec::new();
    while let Some(frame) = body.frame().await {
        seen.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    assert_eq!(seen, b"abc");
}

#[tokio::test]
async fn a_chunked_answer_without_its_last_chunk_is_cut_not_ended() {
    let answer: fn(usize, usize) -> &'static [u8] =
        |_, _| b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nbye";
    let (address, _requests) = server(answer).await;
    let body = upstream().send(request(address)).await.unwrap().into_body();
    assert!(read_limited(body, 100, Duration::from_secs(5)).await.is_err());
}

#[tokio::test]
async fn a_name_that_leads_to_loopback_is_refused_unless_asked_for() {
    let (address, mut requests) = server(|_, _| WHOLE).await;
    let to = || {
        http::Request::post(format!("http://localhost:{}/", address.port()))
            .body(Full::new(Bytes::from("hello")))
    };
    let failed = Upstream::new(UpstreamOptions::default()).send(to().unwrap()).await.unwrap_err();
    assert!(failed.to_string().contains("allow_private_addresses"), "{failed}");
    assert!(requests.try_recv().is_err());
    assert_eq!(body(upstream().send(to().unwrap()).await.unwrap()).await, "ok");
}

/// Whoever drops a request before a connection took it knows that nothing was seen.
#[tokio::test]
async fn a_request_is_noted_as_sent_only_once_a_connection_takes_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let sent = AtomicBool::new(false);
    assert!(upstream().send_noting(request(closed), &sent).await.is_err());
    assert!(!sent.load(Ordering::Relaxed));
    // A server that never answers: the request is out when the wait is given up.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let upstream = upstream();
    let waiting = upstream.send_noting(request(silent), &sent);
    assert!(tokio::time::timeout(Duration::from_millis(200), waiting).await.is_err());
    assert!(sent.load(Ordering::Relaxed));
}
