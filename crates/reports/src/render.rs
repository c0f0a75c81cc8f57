//! Reports and records as tables, JSON and CSV.

use std::str::FromStr;

use prices::Currency;
use tokens::Kind;

use crate::record::{CallRecord, RecordKind};
use crate::{QueryError, Report, Sums, csv, rfc3339};

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people: aligned columns.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

impl FromStr for Format {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        match text {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            other => Err(QueryError::Format(other.to_owned())),
        }
    }
}

impl Report {
    /// The report as text, with a line's end.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Table => self.table(),
            Format::Json => format!("{}\n", serde_json::to_string(self).unwrap_or_default()),
            Format::Csv => self.csv(),
        }
    }

    fn csv(&self) -> String {
        let columns = self.columns();
        let fields = self.query.by.iter().map(|by| by.name().to_owned());
        let mut text = csv::line(fields.chain(columns.iter().map(|column| column.name())));
        for row in &self.rows {
            let values = row.key.iter().map(ToString::to_string);
            text += &csv::line(values.chain(columns.iter().map(|column| column.exact(&row.sums))));
        }
        text
    }

    fn table(&self) -> String {
        let columns = self.columns();
        let mut lines: Vec<Vec<String>> = Vec::with_capacity(self.rows.len() + 2);
        let fields = self.query.by.iter().map(|by| by.name().to_owned());
        lines.push(fields.chain(columns.iter().map(|column| column.title())).collect());
        for row in &self.rows {
            let values = row.key.iter().map(|value| shown(value));
            lines.push(values.chain(columns.iter().map(|column| column.people(&row.sums))).collect());
        }
        let blanks = self.query.by.iter().enumerate().map(|(place, _)| if place == 0 { "total" } else { "" });
        let totals = columns.iter().map(|column| column.people(&self.totals));
        lines.push(blanks.map(str::to_owned).chain(totals).collect());
        format!("{}\n{}\n", aligned(&lines, self.query.by.len()), self.definition())
    }

    fn columns(&self) -> Vec<Column> {
        let kinds = self.totals.tokens.iter().map(|(kind, _)| Column::Tokens(kind));
        let money = self.totals.charge_nano.iter().map(|(currency, _)| Column::Charge(currency));
        let mut columns = vec![Column::Calls, Column::Attempts];
        match self.measure {
            crate::Measure::Volume => columns.extend(kinds.chain([Column::TokensTotal]).chain(money)),
            crate::Measure::Cost => {
                columns.extend(money.chain([Column::Unpriced, Column::TokensTotal]).chain(kinds));
            }
        }
        columns.push(Column::UnknownUsage);
        columns
    }
}

#[derive(Clone, Copy)]
enum Column {
    Calls,
    Attempts,
    Tokens(Kind),
    TokensTotal,
    Charge(Currency),
    Unpriced,
    UnknownUsage,
}

impl Column {
    fn name(self) -> String {
        match self {
            Self::Calls => "calls".to_owned(),
            Self::Attempts => "attempts".to_owned(),
            Self::Tokens(kind) => kind.name().to_owned(),
            Self::TokensTotal => "tokens_total".to_owned(),
            Self::Charge(currency) => format!("charge_nano_{currency}"),
            Self::Unpriced => "unpriced_attempts".to_owned(),
            Self::UnknownUsage => "unknown_usage_attempts".to_owned(),
        }
    }

    fn title(self) -> String {
        match self {
            Self::Charge(currency) => currency.to_string(),
            Self::TokensTotal => "tokens".to_owned(),
            Self::Unpriced => "unpriced".to_owned(),
            Self::UnknownUsage => "unknown".to_owned(),
            Self::Calls | Self::Attempts | Self::Tokens(_) => self.name(),
        }
    }

    fn exact(self, sums: &Sums) -> String {
        match self {
            Self::Calls => sums.calls.to_string(),
            Self::Attempts => sums.attempts.to_string(),
            Self::Tokens(kind) => sums.tokens.get(kind).to_string(),
            Self::TokensTotal => sums.tokens.total().to_string(),
            Self::Charge(currency) => sums.charge_nano.get(currency).to_string(),
            Self::Unpriced => sums.unpriced.attempts.to_string(),
            Self::UnknownUsage => sums.unknown_usage.attempts.to_string(),
        }
    }

    fn people(self, sums: &Sums) -> String {
        match self {
            Self::Charge(currency) => decimal(sums.charge_nano.get(currency)),
            Self::Calls
            | Self::Attempts
            | Self::Tokens(_)
            | Self::TokensTotal
            | Self::Unpriced
            | Self::UnknownUsage => grouped(&self.exact(sums)),
        }
    }
}

/// The columns of the table and CSV of records; `record_cells` gives one row of them.
pub const RECORD_COLUMNS: &[&str] = &[
    "at",
    "call_id",
    "attempt",
    "project",
    "app",
    "model",
    "provider",
    "site",
    "input",
    "cached",
    "output",
    "reasoning",
    "charge",
    "currency",
    "provenance",
    "status",
];

/// A record as one row of [`RECORD_COLUMNS`]: exact figures, an empty cell where nothing is known. Control
/// characters are escaped, so that a label cannot write to the terminal.
pub fn record_cells(record: &CallRecord<'_>) -> Vec<String> {
    let attempt = record.attempt.as_ref();
    let ended = record.ended.as_ref();
    let tokens = |count: fn(&tokens::Tokens) -> u64| {
        ended.map_or_else(String::new, |it| count(&it.tokens).to_string())
    };
    let text = |text: Option<&str>| shown(text.unwrap_or_default());
    let status = match record.kind {
        RecordKind::Settled => ended.map(|it| it.status.name()),
        RecordKind::Opened => Some("open"),
        RecordKind::Refused => record.refusal.as_ref().map(|it| it.code),
    };
    vec![
        rfc3339(ended.map(|it| it.ended_at).or(attempt.map(|it| it.opened_at)).unwrap_or(record.at)),
        record.call_id.to_string(),
        attempt.map_or_else(String::new, |it| it.attempt.to_string()),
        shown(&record.labels.project),
        shown(&record.labels.app),
        text(Some(attempt.map_or(record.requested_model, |it| it.model))),
        text(attempt.map(|it| it.provider)),
        text(attempt.map(|it| it.site)),
        tokens(|it| it.prompt().saturating_sub(cached(it))),
        tokens(cached),
        tokens(|it| it.output().saturating_sub(it.get(Kind::Reasoning))),
        tokens(|it| it.get(Kind::Reasoning)),
        match ended.map(|it| it.charge_nano) {
            Some(Some(charge)) => charge.to_string(),
            Some(None) => "unknown".to_owned(),
            None => String::new(),
        },
        attempt.map_or_else(String::new, |it| it.currency.to_string()),
        text(ended.map(|it| it.provenance.name())),
        text(status),
    ]
}

/// Prompt tokens read from a cache, of every medium.
pub(crate) fn cached(tokens: &tokens::Tokens) -> u64 {
    [Kind::InputCached, Kind::ImageInputCached, Kind::AudioInputCached]
        .iter()
        .fold(0, |sum: u64, kind| sum.saturating_add(tokens.get(*kind)))
}

/// Rows as aligned text: the first `left` columns to the left, figures to the right.
fn aligned(lines: &[Vec<String>], left: usize) -> String {
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..lines.first().map_or(0, Vec::len)).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column < left { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

/// Text for a terminal: control characters escaped, `-` for nothing.
fn shown(text: &str) -> String {
    if text.is_empty() {
        return "-".to_owned();
    }
    text.chars()
        .map(|c| if c.is_control() { c.escape_unicode().to_string() } else { c.to_string() })
        .collect()
}

/// Units with all their decimals: 1_500_000_000 is `1.5`.
fn decimal(nano: i128) -> String {
    const UNIT: u128 = 1_000_000_000;
    let size = nano.unsigned_abs();
    let sign = if nano < 0 { "-" } else { "" };
    let text = format!("{:09}", size % UNIT);
    let fraction = text.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", grouped(&(size / UNIT).to_string()))
}

/// Digits in groups of three: `1,234,567`.
fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_for_people_are_exact() {
        for (nano, text) in [
            (0, "0"),
            (1, "0.000000001"),
            (1_500_000_000, "1.5"),
            (-2_000_000_000, "-2"),
            (1_234_567_000_000_000_000, "1,234,567,000"),
        ] {
            assert_eq!(decimal(nano), text);
        }
        assert_eq!(grouped("100"), "100");
        assert_eq!(grouped("1000"), "1,000");
    }

    #[test]
    fn a_label_cannot_write_to_the_terminal() {
        assert_eq!(shown("\u{1b}[2Jx\n"), "\\u{1b}[2Jx\\u{a}");
        assert_eq!(shown(""), "-");
    }
}
