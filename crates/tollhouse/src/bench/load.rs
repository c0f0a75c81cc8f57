//! A load: connections that each send the same request again as soon as it is answered.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::failure::Failure;

/// What is sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub port: u16,
    pub secret: String,
    /// Sent in turn: no two calls in a row are alike.
    pub bodies: Arc<[Bytes]>,
}

impl Request {
    /// The same to another port.
    pub fn to(&self, port: u16) -> Self {
        Self { port, ..self.clone() }
    }
}

/// How it is sent.
#[derive(Clone, Debug)]
pub struct Load {
    pub request: Request,
    pub connections: u32,
    pub time: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Measured {
    latencies_us: Vec<u32>,
    pub elapsed: Duration,
}

impl Measured {
    /// Calls answered whole.
    pub fn calls(&self) -> usize {
        self.latencies_us.len()
    }

    /// A percentile of the time from sending to the last byte, µs.
    pub fn percentile_us(&self, percent: usize) -> f64 {
        let mut sorted = self.latencies_us.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(place).map_or(f64::NAN, |value| f64::from(*value))
    }
}

/// Drives a load to its end. A call that is not answered by 200 is an error: a benchmark of refusals measures nothing.
pub async fn drive(load: Load) -> Result<Measured, Failure> {
    let started = Instant::now();
    let mut connections = tokio::task::JoinSet::new();
    for _ in 0..load.connections {
        connections.spawn(connection(load.request.clone(), started + load.time));
    }
    let mut measured = Measured::default();
    while let Some(joined) = connections.join_next().await {
        let latencies = joined.map_err(Failure::could_not)??;
        measured.latencies_us.extend(latencies);
    }
    measured.elapsed = started.elapsed();
    Ok(measured)
}

async fn connection(request: Request, until: Instant) -> Result<Vec<u32>, Failure> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, request.port)).await.map_err(Failure::could_not)?;
    stream.set_nodelay(true).map_err(Failure::could_not)?;
    let (mut sender, driver) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(Failure::could_not)?;
    let driving = tokio::spawn(driver);
    let mut latencies = Vec::with_capacity(65_536);
    for body in request.bodies.iter().cycle() {
        if Instant::now() >= until {
            break;
        }
        let sent = Instant::now();
        let head = http::Request::builder()
            .method(http::Method::POST)
            .uri("/v1/chat/completions")
            .header(http::header::HOST, "127.0.0.1")
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::AUTHORIZATION, format!("Bearer {}", request.secret))
            .body(Full::new(body.clone()))
            .map_err(Failure::could_not)?;
        let answer = sender.send_request(head).await.map_err(Failure::could_not)?;
        let status = answer.status();
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(Failure::could_not)?;
            if status != http::StatusCode::OK {
                let text = frame.into_data().unwrap_or_default();
                return Err(Failure::could_not(format_args!(
                    "port {} answered {status}: {}",
                    request.port,
                    String::from_utf8_lossy(&text)
                )));
            }
        }
        latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    driving.abort();
    Ok(latencies)
}
