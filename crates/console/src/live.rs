//! The live stream: server-sent events, a snapshot and then what changed, at most once an interval.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use edge::Body;
use http::{Response, StatusCode};
use reports::{Cursor, LiveView};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{Backend, ConsoleOptions, Problem, reply};

/// The streams that are open; there is room for so many.
pub(crate) struct Streams {
    room: Arc<Semaphore>,
    interval: Duration,
    life: Duration,
    stop: watch::Sender<bool>,
}

impl Streams {
    pub(crate) fn new(options: &ConsoleOptions) -> Self {
        let room = Arc::new(Semaphore::new(options.streams_max));
        let stop = watch::Sender::new(false);
        Self { room, interval: options.stream_interval, life: options.stream_life, stop }
    }

    /// Ends all streams, and those that are opened later at once: a listener that stops waits for its answers.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Opens a stream. An event is made when the last one was taken: a slow client gets fewer, larger ones, and
    /// holds one event of memory.
    pub(crate) fn open(
        &self,
        backend: &Arc<dyn Backend>,
        since: Option<Cursor>,
    ) -> Result<Response<Body>, Problem> {
        let permit = Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            Problem::new(503, "overloaded", "all live streams are taken")
                .fix("close another console, or wait a moment")
        })?;
        let (sender, receiver) = mpsc::channel(1);
        let backend = Arc::clone(backend);
        let mut ticks = interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let end = Instant::now() + self.life;
        let mut stop = self.stop.subscribe();
        let feed = async move {
            let mut since = since;
            while Instant::now() < end {
                ticks.tick().await;
                // Wait for room first, so that what is sent is not old.
                let Ok(Ok(slot)) = tokio::time::timeout_at(end, sender.reserve()).await else { break };
                let view = backend.live(since);
                since = Some(view.cursor);
                slot.send(event(&view));
            }
        };
        tokio::spawn(async move {
            tokio::select! {
                () = feed => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
            drop(permit);
        });
        Ok(reply::answer(StatusCode::OK, "text/event-stream", Body::Stream(receiver)))
    }
}

fn event(view: &LiveView) -> Bytes {
    // JSON in one line: it needs no further `data:` lines.
    Bytes::from(format!("event: live\ndata: {}\n\n", serde_json::to_string(view).unwrap_or_default()))
}
