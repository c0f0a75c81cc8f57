//! The truth: what was really received and served, written down by the one who knows. Books are held against it.

use std::fs::File;
use std::io::{self, Write};

use parking_lot::Mutex;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use tokens::Tokens;

use crate::config::SimConfig;

/// One line of the truth.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum TruthRecord {
    /// A request was read whole; nothing has been answered yet.
    Received(Received),
    /// What came of it. Written before the last byte of the answer is handed to the socket.
    Ended(Box<Ended>),
}

/// A request, as it came.
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// Number of the request, from 0, in the order of arrival.
    pub ordinal: u64,
    /// Unix time in milliseconds.
    pub at_ms: u64,
    /// The request's `x-client-request-id`.
    pub attempt_id: Option<String>,
    /// `openai-chat` or `anthropic-messages`.
    pub dialect: &'static str,
    /// The model asked for; absent where the body could not be read.
    pub model: Option<String>,
    /// A stream was asked for.
    pub stream: bool,
    /// Bytes of the request body.
    pub body_bytes: u64,
}

/// What came of a request.
#[derive(Clone, Debug, Serialize)]
pub struct Ended {
    /// As in its `received` line.
    pub ordinal: u64,
    /// Unix time in milliseconds.
    pub at_ms: u64,
    /// The request's `x-client-request-id`.
    pub attempt_id: Option<String>,
    /// `openai-chat` or `anthropic-messages`.
    pub dialect: &'static str,
    /// The model asked for.
    pub model: Option<String>,
    /// A stream was asked for.
    pub stream: bool,
    /// HTTP status answered; 0: none was.
    pub status: u16,
    /// Id of the answer; absent where there was none.
    pub response_id: Option<String>,
    /// The model that the answer names.
    pub served_model: Option<String>,
    /// The service tier that the answer names.
    pub service_tier: Option<String>,
    /// What was generated.
    pub tokens: Tokens,
    /// What the vendor bills.
    pub billed: Tokens,
    /// The last usage object that went out, as written; null where none did. A figure that is no JSON number for
    /// every reader (1e400) makes it a string.
    #[serde(serialize_with = "raw")]
    pub claimed: Option<String>,
    /// `complete`, `client_closed`, `fault:<name>`, `refused` (an error of the request's own) or `stopped`.
    pub end: String,
    /// The fault that was dealt to the request, with its argument, also where it did not end it.
    pub fault: Option<String>,
    /// Events (a whole answer: 1) handed to the socket.
    pub events_sent: u64,
}

// `serialize_with` hands over a reference to the field, whatever it is.
#[allow(clippy::ref_option)]
fn raw<S: Serializer>(claimed: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(text) = claimed else { return serializer.serialize_none() };
    if serde_json::from_str::<serde_json::Value>(text).is_err() {
        return serializer.serialize_str(text);
    }
    match RawValue::from_string(text.clone()) {
        Ok(value) => value.serialize(serializer),
        Err(_) => serializer.serialize_str(text),
    }
}

/// Where the truth goes.
pub(crate) struct TruthLog {
    file: Option<Mutex<File>>,
    memory: Option<Mutex<Vec<TruthRecord>>>,
}

impl TruthLog {
    pub(crate) fn open(config: &SimConfig) -> io::Result<Self> {
        let file = match &config.truth {
            Some(path) => {
                let opened = File::options().create(true).append(true).open(path);
                let named =
                    |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
                Some(Mutex::new(opened.map_err(named)?))
            }
            None => None,
        };
        Ok(Self { file, memory: config.keep_truth.then(Mutex::default) })
    }

    /// Nobody reads it: records need not be made.
    pub(crate) fn is_off(&self) -> bool {
        self.file.is_none() && self.memory.is_none()
    }

    pub(crate) fn write(&self, record: TruthRecord) {
        if let Some(file) = &self.file {
            // One write per line, unbuffered: the line is there if this process is killed right after.
            let written = serde_json::to_vec(&record).map_err(io::Error::from).and_then(|mut line| {
                line.push(b'\n');
                file.lock().write_all(&line)
            });
            if let Err(error) = written {
                tracing::error!(%error, "the truth could not be written");
            }
        }
        if let Some(memory) = &self.memory {
            memory.lock().push(record);
        }
    }

    pub(crate) fn records(&self) -> Vec<TruthRecord> {
        self.memory.as_ref().map(|memory| memory.lock().clone()).unwrap_or_default()
    }
}
