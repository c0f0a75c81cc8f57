//! `tollhouse calls`: attempts and refusals with their story, from the ledger, also while the gateway runs.

use std::collections::{HashMap, VecDeque};

use ledger::{AttemptId, Entry, EntryBody};
use reports::{CallRecord, Filter, RECORD_COLUMNS, csv_cell, record_cells};

use crate::cli::{Calls, Shape};
use crate::failure::{Exit, Failure, Outcome};
use crate::{house, output};

pub fn run(args: &Calls) -> Outcome {
    let filter: Filter =
        args.filter.parse().map_err(|error| Failure::wrong(format_args!("--filter: {error}")))?;
    house::reader(&args.data.data)?; // before the heading: a table of nothing is no answer
    let heading = line(args.format, &RECORD_COLUMNS.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
    if args.format != Shape::Json {
        output::data(&heading)?;
    }
    if args.limit == 0 { all(args, &filter) } else { last(args, &filter) }?;
    Ok(Exit::Done)
}

/// Every record as it is read, and at the end the attempts that are open.
fn all(args: &Calls, filter: &Filter) -> Result<(), Failure> {
    let mut open = Open::default();
    let mut failed = None;
    house::scan(&args.data.data, &mut |entry| {
        if failed.is_none() && open.is_final(entry, filter) {
            failed = shown(entry, args.format).map(|text| output::data(&text)).and_then(Result::err);
        }
    })?;
    if let Some(failure) = failed {
        return Err(failure);
    }
    open.entries()
        .iter()
        .filter_map(|entry| shown(entry, args.format))
        .try_for_each(|text| output::data(&text))
}

/// The last records, oldest first.
fn last(args: &Calls, filter: &Filter) -> Result<(), Failure> {
    let (mut open, mut kept) = (Open::default(), VecDeque::new());
    house::scan(&args.data.data, &mut |entry| {
        if open.is_final(entry, filter) {
            kept.push_back(entry.clone());
            if kept.len() > args.limit {
                kept.pop_front();
            }
        }
    })?;
    kept.extend(open.entries());
    let surplus = kept.len().saturating_sub(args.limit);
    if kept.is_empty() {
        output::tell("no attempt passes; make a call, or widen --filter");
    }
    kept.iter()
        .skip(surplus)
        .filter_map(|entry| shown(entry, args.format))
        .try_for_each(|text| output::data(&text))
}

/// Attempts that were opened and not settled so far.
#[derive(Default)]
struct Open(HashMap<AttemptId, Entry>);

impl Open {
    /// Whether an entry is the last word on something that passes.
    fn is_final(&mut self, entry: &Entry, filter: &Filter) -> bool {
        let Some(record) = CallRecord::of(entry) else { return false };
        match &entry.body {
            EntryBody::Opened(opened) => {
                if filter.admits(&record) {
                    self.0.insert(opened.attempt_id, entry.clone());
                }
                false
            }
            EntryBody::Settled(settled) => {
                self.0.remove(&settled.opened.attempt_id);
                filter.admits(&record)
            }
            EntryBody::Refused(_) | EntryBody::Budget(_) | EntryBody::Admin(_) => filter.admits(&record),
        }
    }

    fn entries(self) -> Vec<Entry> {
        let mut entries: Vec<_> = self.0.into_values().collect();
        entries.sort_unstable_by_key(|entry| entry.seq);
        entries
    }
}

fn shown(entry: &Entry, format: Shape) -> Option<String> {
    let record = CallRecord::of(entry)?;
    Some(match format {
        Shape::Json => record.to_json(),
        Shape::Csv | Shape::Table => line(format, &record_cells(&record)),
    })
}

/// Widths of the table's columns; a longer cell pushes its line.
const WIDTHS: [usize; 16] = [27, 36, 7, 10, 12, 14, 14, 14, 8, 8, 8, 9, 14, 8, 16, 14];

fn line(format: Shape, cells: &[String]) -> String {
    if format == Shape::Csv {
        return cells.iter().map(|cell| csv_cell(cell)).collect::<Vec<_>>().join(",");
    }
    let padded = cells.iter().zip(WIDTHS).map(|(cell, width)| {
        let figure = cell.bytes().all(|byte| byte.is_ascii_digit())
            || matches!(cell.as_str(), "input" | "cached" | "output" | "reasoning" | "charge");
        if figure { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    });
    padded.collect::<Vec<_>>().join(" ").trim_end().to_owned()
}
