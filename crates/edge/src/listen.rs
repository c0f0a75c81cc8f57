//! The listener: accepts, bounds and serves HTTP/1.1 connections, and lets them finish at the end.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Semaphore, watch};

use crate::Body;

/// How long what was written may wait unread before its connection is closed (TCP_USER_TIMEOUT, tcp(7)).
const UNREAD_MAX: Duration = Duration::from_mins(1);

/// What one listener allows.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time; the next waits in the kernel's queue.
    pub connections: usize,
    /// Time to send a request's head (slow-loris).
    pub head_timeout: Duration,
    /// Header fields of one request.
    pub headers: usize,
    /// Bytes of one request's head.
    pub head_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            head_timeout: Duration::from_secs(15),
            headers: 100,
            head_bytes: 64 * 1024,
        }
    }
}

/// Tells listeners to stop: no new connection, no further request on an old one.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// Begins to stop.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Resolves once [`Stop::stop`] was called.
    pub async fn stopped(&self) {
        let mut receiver = self.0.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = receiver.wait_for(|stop| *stop).await;
    }
}

/// Connections that may wait to be accepted. The usual 128 turns a burst of callers away with a TCP reset, before
/// any code here could answer them; the kernel lowers it to its own limit (`net.core.somaxconn`).
const BACKLOG: u32 = 4_096;

/// Listens on an address, with room for a burst.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As `TcpListener::bind` does: a restart need not wait for the last connections' TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves connections until `stop`, then waits for those under way. The caller bounds that wait.
///
/// Dropping a client's connection drops the handler's future, or the body it answered with, at its next await:
/// a handler that must finish hands its work to a task of its own.
pub async fn serve<H, F>(listener: TcpListener, limits: Limits, stop: Stop, handler: H)
where
    H: Fn(http::Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = http::Response<Body>> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(limits.connections));
    let alive = watch::Sender::new(());
    let mut stopped = pin!(stop.stopped());
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stopped => break,
            accepted = accept(&listener, &room) => accepted,
        };
        let Some((stream, permit)) = accepted else { continue };
        let (handler, stop, alive) = (handler.clone(), stop.clone(), alive.subscribe());
        tokio::spawn(async move {
            connection(stream, limits, stop, handler).await;
            drop((permit, alive));
        });
    }
    drop(listener);
    alive.closed().await;
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    // The semaphore is never closed.
    let permit = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Tokens are worth more than full packets; a failure here only costs latency.
            let _ = stream.set_nodelay(true);
            // Somebody who does not read is let go by the kernel; without it, by nobody.
            let _ = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(UNREAD_MAX));
            Some((stream, permit))
        }
        Err(error) => {
            if !is_of_one_connection(&error) {
                // Out of descriptors or memory: wait for some to come back instead of spinning.
                tracing::warn!(%error, "cannot accept connections; trying again");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            None
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

async fn connection<H, F>(stream: tokio::net::TcpStream, limits: Limits, stop: Stop, handler: H)
where
    H: Fn(http::Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = http::Response<Body>> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answer = handler(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_headers(limits.headers)
        .max_buf_size(limits.head_bytes)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    let result = tokio::select! {
        biased;
        result = serving.as_mut() => result,
        () = stop.stopped() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = result {
        // A client that leaves or talks nonsense: its own affair, and answered by hyper where it can be.
        tracing::debug!(%error, "connection ended");
    }
}
