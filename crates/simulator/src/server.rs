//! The listener, its connections, and the handle that stops them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::SimConfig;
use crate::service;
use crate::truth::{TruthLog, TruthRecord};
use crate::wire::{Control, Wire};

/// What all requests of a simulated provider share.
pub(crate) struct Shared {
    pub(crate) config: SimConfig,
    pub(crate) truth: TruthLog,
    pub(crate) ordinal: AtomicU64,
    pub(crate) stopping: AtomicBool,
}

/// A running simulated provider. Dropping the handle stops it, too.
pub struct SimHandle {
    /// Where it listens.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl SimHandle {
    /// `http://127.0.0.1:port`, the base of both dialects' paths (`/v1/…`).
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The truth so far, in the order it was written; empty where `keep_truth` is off.
    pub fn truth(&self) -> Vec<TruthRecord> {
        self.shared.truth.records()
    }

    /// Requests received so far.
    pub fn received(&self) -> u64 {
        self.shared.ordinal.load(Ordering::Relaxed)
    }

    /// Stops listening and closes every connection; answers under way end as `stopped` in the truth.
    pub async fn stop(self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        let _ = self.stop.send(true);
        // A panic of the task was reported where it happened.
        let _ = self.task.await;
    }

    /// Waits until it stops, which it does by itself only when the listener fails.
    pub async fn finished(&mut self) {
        let _ = (&mut self.task).await;
    }
}

/// Serves simulated providers on a listener, on the current runtime.
/// # Errors
/// The file of the truth cannot be opened, or the listener has no address.
#[allow(clippy::unused_async)] // a caller awaits it: it must be called inside a runtime
pub async fn serve(listener: TcpListener, config: SimConfig) -> io::Result<SimHandle> {
    let addr = listener.local_addr()?;
    let truth = TruthLog::open(&config)?;
    let shared =
        Arc::new(Shared { config, truth, ordinal: AtomicU64::new(0), stopping: AtomicBool::new(false) });
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(accept(listener, Arc::clone(&shared), stopped));
    Ok(SimHandle { addr, shared, stop, task })
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    // Dropped at the end, it aborts every connection that is still open.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&shared)));
                }
                Err(error) => {
                    // Out of descriptors, most likely: wait for some to come back.
                    tracing::warn!(%error, "the simulator could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            _ = stopped.changed() => {
                shared.stopping.store(true, Ordering::Relaxed);
                connections.shutdown().await;
                return;
            }
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let control = Arc::new(Control::default());
    let wire = Wire::new(stream, Arc::clone(&control));
    let service =
        service_fn(move |request| service::answer(Arc::clone(&shared), Arc::clone(&control), request));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .serve_connection(wire, service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection to the simulator ended");
    }
}
