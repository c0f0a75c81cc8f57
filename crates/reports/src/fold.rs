//! The figures of a period: one pass over the ledger, one row per group.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use ledger::{AttemptId, AttemptStatus, CallId, Entry, EntryBody, Settled, UnixMicros};
use prices::Currency;
use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::record::CallRecord;
use crate::{By, Filter, Name, QueryError, Sums, rfc3339};

/// What a report is about; the figures are the same, what is shown first differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// How many tokens.
    Volume,
    /// What they cost.
    Cost,
}

impl Measure {
    /// The report's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Cost => "cost",
        }
    }
}

/// A question.
#[derive(Clone, Debug)]
pub struct Query {
    /// Fields to group by, in the order of the columns.
    pub by: Vec<By>,
    /// Attempts opened at or after this.
    pub from: Option<UnixMicros>,
    /// Attempts opened before this.
    pub to: Option<UnixMicros>,
    /// The zone of months, days and hours.
    pub zone: TimeZone,
    /// Which attempts.
    pub filter: Filter,
}

impl Default for Query {
    fn default() -> Self {
        Self { by: Vec::new(), from: None, to: None, zone: TimeZone::UTC, filter: Filter::default() }
    }
}

impl Query {
    /// Reads a question from its texts (empty: not said), as the command line and the admin API give them.
    pub fn read(by: &str, from: &str, to: &str, zone: &str, filter: &str) -> Result<Self, QueryError> {
        let zone = match zone.trim() {
            "" | "UTC" => TimeZone::UTC,
            zone => TimeZone::get(zone).map_err(|_| QueryError::Zone(zone.to_owned()))?,
        };
        let edge = |text: &str| match text.trim() {
            "" => Ok(None),
            text => crate::instant(text, &zone).map(Some),
        };
        let (from, to) = (edge(from)?, edge(to)?);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(QueryError::Period);
        }
        Ok(Self { by: By::list(by)?, from, to, filter: filter.parse()?, zone })
    }

    fn covers(&self, at: UnixMicros) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }
}

/// A report: rows and what they add up to.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it is about.
    pub measure: Measure,
    /// The question.
    pub query: Query,
    /// One row per group: by time where grouped by time, else the most tokens or charge first.
    pub rows: Vec<Row>,
    /// Everything counted. Its `calls` may be below the rows' sum: a call with attempts in two groups is in both.
    pub totals: Sums,
    /// Attempts under way: opened in the period, and not settled yet. They are in no other figure.
    pub in_flight: u64,
    /// Refused calls in the period that pass the filter. They are in no other figure.
    pub refused: u64,
}

/// The figures of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The values of the fields grouped by, in their order.
    pub key: Vec<Name>,
    /// The figures.
    pub sums: Sums,
}

/// Gives every entry of the ledger, in order, to the function it is handed.
pub type Scan<'a, E> = dyn FnMut(&mut dyn FnMut(&Entry)) -> Result<(), E> + 'a;

/// How many tokens: `scan` is called once.
pub fn volume<E>(scan: &mut Scan<'_, E>, query: Query) -> Result<Report, E> {
    report(scan, Measure::Volume, query)
}

/// What they cost: `scan` is called once.
pub fn cost<E>(scan: &mut Scan<'_, E>, query: Query) -> Result<Report, E> {
    report(scan, Measure::Cost, query)
}

fn report<E>(scan: &mut Scan<'_, E>, measure: Measure, query: Query) -> Result<Report, E> {
    let mut fold = Fold::new(query);
    scan(&mut |entry| fold.apply(entry))?;
    Ok(fold.finish(measure))
}

/// What is remembered of a call while more attempts of it may come.
#[derive(Default)]
struct OpenCall {
    /// Attempts under way, and whether the report is about them.
    open: Vec<(AttemptId, bool)>,
    /// Rows that the call is counted in.
    rows: Vec<usize>,
    /// The call is counted in the totals.
    counted: bool,
}

struct Fold {
    query: Query,
    places: HashMap<Vec<Name>, usize>,
    rows: Vec<Row>,
    totals: Sums,
    refused: u64,
    calls: HashMap<CallId, OpenCall>,
}

impl Fold {
    fn new(query: Query) -> Self {
        let (places, rows, calls) = (HashMap::new(), Vec::new(), HashMap::new());
        Self { query, places, rows, totals: Sums::default(), refused: 0, calls }
    }

    fn apply(&mut self, entry: &Entry) {
        match &entry.body {
            EntryBody::Opened(opened) => {
                let wanted = self.query.covers(opened.opened_at) && self.admits(entry);
                self.calls.entry(opened.call_id).or_default().open.push((opened.attempt_id, wanted));
            }
            EntryBody::Settled(settled) => self.settle(entry, settled),
            EntryBody::Refused(_) => {
                self.refused += u64::from(self.query.covers(entry.at) && self.admits(entry));
            }
            EntryBody::Budget(_) | EntryBody::Admin(_) => {}
        }
    }

    fn settle(&mut self, entry: &Entry, settled: &Settled) {
        let wanted = self.query.covers(settled.opened.opened_at) && self.admits(entry);
        let place = wanted.then(|| self.place(settled));
        let call = self.calls.entry(settled.opened.call_id).or_default();
        call.open.retain(|(attempt, _)| *attempt != settled.opened.attempt_id);
        if let Some((place, row)) = place.and_then(|place| self.rows.get_mut(place).map(|row| (place, row))) {
            row.sums.add(settled);
            self.totals.add(settled);
            if !call.rows.contains(&place) {
                call.rows.push(place);
                row.sums.calls += 1;
            }
            if !std::mem::replace(&mut call.counted, true) {
                self.totals.calls += 1;
            }
        }
        // No attempt follows a whole answer, a hang-up or a restart: the call can be forgotten, so that memory
        // grows with the calls under way and the failed ones, not with the ledger.
        let last = matches!(
            settled.status,
            AttemptStatus::Ok | AttemptStatus::ClientClosed | AttemptStatus::Recovered
        );
        if last && call.open.is_empty() {
            self.calls.remove(&settled.opened.call_id);
        }
    }

    fn place(&mut self, settled: &Settled) -> usize {
        let key: Vec<Name> = self.query.by.iter().map(|by| by.of(settled, &self.query.zone)).collect();
        let rows = &mut self.rows;
        *self.places.entry(key).or_insert_with_key(|key| {
            rows.push(Row { key: key.clone(), sums: Sums::default() });
            rows.len() - 1
        })
    }

    fn admits(&self, entry: &Entry) -> bool {
        self.query.filter.is_empty() || CallRecord::of(entry).is_some_and(|it| self.query.filter.admits(&it))
    }

    fn finish(self, measure: Measure) -> Report {
        let mut rows = self.rows;
        let currencies: Vec<Currency> =
            self.totals.charge_nano.iter().map(|(currency, _)| currency).collect();
        // By the first currency, then the next: amounts of two are never compared.
        let dearest = |sums: &Sums| -> Vec<i128> {
            currencies.iter().map(|currency| sums.charge_nano.get(*currency)).collect()
        };
        let by_time = self.query.by.iter().any(|by| by.is_time());
        rows.sort_by(|a, b| match (by_time, measure) {
            (true, _) => a.key.cmp(&b.key),
            (false, Measure::Volume) => {
                b.sums.tokens.total().cmp(&a.sums.tokens.total()).then_with(|| a.key.cmp(&b.key))
            }
            (false, Measure::Cost) => dearest(&b.sums).cmp(&dearest(&a.sums)).then_with(|| a.key.cmp(&b.key)),
        });
        let under_way = self.calls.values().flat_map(|call| &call.open).filter(|(_, wanted)| *wanted);
        let in_flight = under_way.fold(0, |sum, _| sum + 1);
        let (totals, refused) = (self.totals, self.refused);
        Report { measure, query: self.query, rows, totals, in_flight, refused }
    }
}

impl Report {
    /// What is counted, in words: printed with every report.
    pub fn definition(&self) -> String {
        let edge = |at: Option<UnixMicros>, open: &str| at.map_or_else(|| open.to_owned(), rfc3339);
        let zone = self.query.zone.iana_name().unwrap_or("UTC");
        format!(
            "Settled attempts opened from {from} until before {to}; months, days and hours in {zone}. \
             calls: distinct calls with such an attempt. tokens: by kind, each token in one kind. \
             charge_nano: 10^-9 of each currency, never added together; attempts without a known price have no \
             charge and are counted under unpriced. unknown_usage: attempts whose tokens nobody reported, estimated \
             on the safe side; they are in the other figures too. Not counted: {in_flight} attempts in flight, \
             {refused} refused calls.",
            from = edge(self.query.from, "the first entry"),
            to = edge(self.query.to, "the last entry"),
            in_flight = self.in_flight,
            refused = self.refused,
        )
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let rows: Vec<KeyedRow<'_>> = self
            .rows
            .iter()
            .map(|row| KeyedRow { key: (&self.query.by, &row.key), sums: &row.sums })
            .collect();
        let by: Vec<&str> = self.query.by.iter().map(|by| by.name()).collect();
        let mut object = to.serialize_struct("Report", 9)?;
        object.serialize_field("report", self.measure.name())?;
        object.serialize_field("by", &by)?;
        object.serialize_field("from", &self.query.from.map(rfc3339))?;
        object.serialize_field("to", &self.query.to.map(rfc3339))?;
        object.serialize_field("rows", &rows)?;
        object.serialize_field("totals", &self.totals)?;
        object.serialize_field("in_flight", &self.in_flight)?;
        object.serialize_field("refused", &self.refused)?;
        object.serialize_field("definition", &self.definition())?;
        object.end()
    }
}

#[derive(Serialize)]
struct KeyedRow<'a> {
    #[serde(flatten, serialize_with = "key")]
    key: (&'a [By], &'a [Name]),
    #[serde(flatten)]
    sums: &'a Sums,
}

fn key<S: Serializer>((by, values): &(&[By], &[Name]), to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(None)?;
    for (by, value) in by.iter().zip(*values) {
        map.serialize_entry(by.name(), &**value)?;
    }
    map.end()
}
