//! The story of one call: its attempts from opening to end, or its refusal.

use std::sync::Arc;

use ledger::{CallId, Entry, EntryBody, Labels, Opened, Refused, Seq, Settled, UnixMicros};
use serde::Serialize;

use crate::record::CallRecord;

/// Attempts kept of one call; policies allow far fewer.
const ATTEMPTS_MAX: usize = 32;

/// A call with its attempts in the order of opening. Serialises as
/// `{"call_id":…,"state":"open|settled|refused","attempts":[records…],"refusal":record|null}`.
#[derive(Clone, Debug)]
pub struct CallStory {
    call_id: CallId,
    labels: Arc<Labels>,
    attempts: Vec<Told>,
    refusal: Option<(Seq, UnixMicros, Box<Refused>)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) seq: Seq,
    pub(crate) at: UnixMicros,
    pub(crate) opened: Arc<Opened>,
    pub(crate) settled: Option<Box<Settled>>,
}

impl CallStory {
    /// The story that an entry begins; `None` for entries that are about no call.
    pub fn begin(entry: &Entry) -> Option<Self> {
        let (call_id, labels) = match &entry.body {
            EntryBody::Opened(opened) => (opened.call_id, &opened.labels),
            EntryBody::Settled(settled) => (settled.opened.call_id, &settled.opened.labels),
            EntryBody::Refused(refused) => (refused.call_id, &refused.labels),
            EntryBody::Budget(_) | EntryBody::Admin(_) => return None,
        };
        let mut story = Self { call_id, labels: labels.clone(), attempts: Vec::new(), refusal: None };
        story.add(entry);
        Some(story)
    }

    /// Takes an entry of the same call.
    pub fn add(&mut self, entry: &Entry) {
        let (seq, at) = (entry.seq, entry.at);
        match &entry.body {
            EntryBody::Opened(opened) => self.push(Told { seq, at, opened: opened.clone(), settled: None }),
            EntryBody::Settled(settled) => {
                let id = settled.opened.attempt_id;
                match self.attempts.iter_mut().find(|told| told.opened.attempt_id == id) {
                    Some(told) => {
                        (told.seq, told.at) = (seq, at);
                        told.settled = Some(settled.clone());
                    }
                    None => {
                        self.push(Told {
                            seq,
                            at,
                            opened: settled.opened.clone(),
                            settled: Some(settled.clone()),
                        });
                    }
                }
            }
            EntryBody::Refused(refused) => self.refusal = Some((seq, at, refused.clone())),
            EntryBody::Budget(_) | EntryBody::Admin(_) => {}
        }
    }

    fn push(&mut self, told: Told) {
        if self.attempts.len() < ATTEMPTS_MAX {
            self.attempts.push(told);
        }
    }

    /// The call.
    pub fn call_id(&self) -> CallId {
        self.call_id
    }

    /// Who called: a caller may be shown the calls of its own project only.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// `open`: an attempt is under way; `refused`: a refusal came last; else `settled`.
    pub fn state(&self) -> &'static str {
        if self.attempts.iter().any(|told| told.settled.is_none()) {
            "open"
        } else if self.refusal.is_some() {
            "refused"
        } else {
            "settled"
        }
    }

    pub(crate) fn attempts(&self) -> &[Told] {
        &self.attempts
    }

    pub(crate) fn refusal(&self) -> Option<&Refused> {
        self.refusal.as_ref().map(|(_, _, refused)| &**refused)
    }

    /// When the call was first written down.
    pub(crate) fn begun_at(&self) -> UnixMicros {
        let opened = self.attempts.first().map(|told| told.opened.opened_at);
        opened.or(self.refusal.as_ref().map(|(_, at, _)| *at)).unwrap_or_default()
    }

    /// The records of the call: attempts in order, then the refusal.
    pub fn records(&self) -> Vec<CallRecord<'_>> {
        let attempts = self.attempts.iter().map(Told::record);
        attempts
            .chain(self.refusal.as_ref().map(|(seq, at, it)| CallRecord::refused(*seq, *at, it)))
            .collect()
    }
}

impl Told {
    fn record(&self) -> CallRecord<'_> {
        match &self.settled {
            Some(settled) => CallRecord::settled(self.seq, self.at, settled),
            None => CallRecord::opened(self.seq, self.at, &self.opened),
        }
    }
}

impl Serialize for CallStory {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shape<'a> {
            call_id: CallId,
            state: &'static str,
            attempts: Vec<CallRecord<'a>>,
            refusal: Option<CallRecord<'a>>,
        }
        let attempts = self.attempts.iter().map(Told::record).collect();
        let refusal = self.refusal.as_ref().map(|(seq, at, it)| CallRecord::refused(*seq, *at, it));
        Shape { call_id: self.call_id, state: self.state(), attempts, refusal }.serialize(to)
    }
}
