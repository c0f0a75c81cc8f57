//! `tollhouse calls`: attempts and refusals with their story, from the ledger, also while the gateway runs.

use std::collections::{HashMap, VecDeque};

use ledger::{AttemptId, Entry, EntryBody};
use reports::{CallRecord, Filter, RECORD_COLUMNS, csv_cell, record_cells};

use crate::cli::{Calls, Shape};
use crate::failure::{Exit, Failure, Outcome};
use crate::{house, output};

pub fn run(args: &Calls) -> Outcome {
    let filter: Filter = args.filter.parse().map_err(|error| Failure::wrong(format_args!("--filter: {error}")))?;
    let records = last(args, &filter)?;
    match args.format {
        Shape::Json => {
            for record in &records {
                output::data(&record.json)?;
            }
        }
        Shape::Csv => {
            let mut text = RECORD_COLUMNS.map(csv_cell).join(",") + "\n";
            for record in &records {
                text += &record.cells.iter().map(|cell| csv_cell(cell)).collect::<Vec<_>>().join(",");
                text.push('\n');
            }
            output::data(&text)?;
        }
        Shape::Table if records.is_empty() => output::tell("no attempt passes; make a call, or widen --filter"),
        Shape::Table => {
            for record in &records {
                output::data(&record.line)?;
            }
        }
    }
    Ok(Exit::Done)
}

/// One record in the three shapes (only the wanted one is filled).
#[derive(Default)]
struct Shown {
    json: String,
    cells: Vec<String>,
    line: String,
}

/// The last `limit` records that pass, oldest first. An attempt that was settled is shown settled, not opened.
fn last(args: &Calls, filter: &Filter) -> Result<VecDeque<Shown>, Failure> {
    let mut kept: VecDeque<Entry> = VecDeque::new();
    let mut open: HashMap<AttemptId, Entry> = HashMap::new();
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    house::scan(&args.data.data, &mut |entry| {
        let Some(record) = CallRecord::of(entry) else { return };
        match &entry.body {
            EntryBody::Opened(opened) => {
                if filter.admits(&record) {
                    open.insert(opened.attempt_id, entry.clone());
                }
                return;
            }
            EntryBody::Settled(settled) => drop(open.remove(&settled.opened.attempt_id)),
            EntryBody::Refused(_) | EntryBody::Budget(_) | EntryBody::Admin(_) => {}
        }
        if filter.admits(&record) {
            kept.push_back(entry.clone());
            if kept.len() > limit {
                kept.pop_front();
            }
        }
    })?;
    let mut still_open: Vec<_> = open.into_values().collect();
    still_open.sort_unstable_by_key(|entry| entry.seq);
    kept.extend(still_open);
    let surplus = kept.len().saturating_sub(limit);
    Ok(kept.iter().skip(surplus).filter_map(|entry| CallRecord::of(entry)).map(|it| shown(&it, args.format)).collect())
}

fn shown(record: &CallRecord<'_>, format: Shape) -> Shown {
    match format {
        Shape::Json => Shown { json: record.to_json(), ..Shown::default() },
        Shape::Csv => Shown { cells: record_cells(record), ..Shown::default() },
        Shape::Table => Shown { line: reports::record_line(record), ..Shown::default() },
    }
}
