//! Serving an open house: two listeners, signals, reload, and an orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use console::{Console, ConsoleOptions};
use edge::{Limits, Stop};
use tokio::net::TcpListener;

use super::backend::Desk;
use super::{House, Sourced, reload};
use crate::failure::{Exit, Failure, Outcome};
use crate::output;

/// Connections to the admin address at a time.
const ADMIN_CONNECTIONS: usize = 256;

/// A house with its listeners bound, not yet serving.
pub struct Serving {
    house: Arc<House>,
    sourced: Sourced,
    data: TcpListener,
    admin: TcpListener,
    console: Arc<Console>,
    grace: Duration,
}

/// Binds the listeners. Whatever cannot be had is told before a call is taken.
pub async fn serve(house: House, sourced: Sourced, token: &str) -> Result<Serving, Failure> {
    let server = &sourced.loaded.config.server;
    let (data, admin) = (bind(server.listen)?, bind(server.admin_listen)?);
    let listen = admin.local_addr().map_err(Failure::could_not)?;
    house.folder.note_running(listen)?;
    let house = Arc::new(house);
    let desk = Arc::new(Desk::new(&house));
    let console = Arc::new(Console::new(desk, token, &ConsoleOptions::new(listen)));
    let grace = server.shutdown_grace;
    Ok(Serving { house, sourced, data, admin, console, grace })
}

fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    edge::bind(address).map_err(|error| {
        Failure::could_not(format_args!("cannot listen on {address}: {error}\n  fix: free the port, or choose another by --listen / --admin-listen"))
    })
}

impl Serving {
    /// The data plane's address.
    pub fn listen(&self) -> Result<SocketAddr, Failure> {
        self.data.local_addr().map_err(Failure::could_not)
    }

    /// The admin address.
    pub fn admin_listen(&self) -> Result<SocketAddr, Failure> {
        self.admin.local_addr().map_err(Failure::could_not)
    }

    /// The open house.
    pub fn house(&self) -> &Arc<House> {
        &self.house
    }

    /// Serves until `until` resolves or the ledger fails, then ends: no new call, calls under way finish within the
    /// grace and are then settled as if their clients had left, the ledger is closed.
    pub async fn run(self, until: impl Future<Output = Result<(), Failure>>) -> Outcome {
        let stop = Stop::default();
        let gateway = Arc::clone(&self.house.gateway);
        let data = tokio::spawn(edge::serve(self.data, Limits::default(), stop.clone(), move |request| {
            gateway::handle(Arc::clone(&gateway), request)
        }));
        let console = Arc::clone(&self.console);
        let limits = Limits { connections: ADMIN_CONNECTIONS, ..Limits::default() };
        let admin = tokio::spawn(edge::serve(self.admin, limits, stop.clone(), move |request| {
            let console = Arc::clone(&console);
            async move { console.handle(request).await }
        }));
        let reloading = tokio::spawn(reload::watch(Arc::clone(&self.house), self.sourced));
        let exit = tokio::select! {
            told = until => { told?; Exit::Done }
            cause = self.house.ledger.poisoned_wait() => {
                output::tell(format_args!("tollhouse: the ledger failed, and nothing more is taken: {cause}\n  fix: mend the disk, then start again; what is durable is kept"));
                Exit::CouldNot
            }
        };
        reloading.abort();
        stop.stop();
        self.console.stop();
        let grace = if exit == Exit::Done { self.grace } else { Duration::from_secs(1) };
        self.house.gateway.finish(grace).await;
        // Every call is settled; connections have a moment to see the end of their answers.
        let _ = tokio::time::timeout(Duration::from_secs(2), async { drop((data.await, admin.await)) }).await;
        self.house.folder.note_stopped();
        let ledger = self.house.ledger.clone();
        let closed = tokio::task::spawn_blocking(move || ledger.close()).await;
        match closed {
            Ok(Ok(())) => Ok(exit),
            Ok(Err(error)) => Err(Failure::could_not(error)),
            Err(error) => Err(Failure::could_not(format_args!("closing the ledger: {error}"))),
        }
    }
}
