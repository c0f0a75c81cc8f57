//! Readers of real traces: sizes and times of calls, to be replayed as traffic.
//!
//! A trace is a CSV, plain or gzipped, whose header names its columns. `input_tokens` and `output_tokens` must be
//! there; `arrival_ms`, `reasoning_tokens`, `prefix_tokens`, `app`, `model`, `session`, `turn` are read where they are;
//! others are passed over. Counts are inclusive: input contains the prefix, output contains reasoning.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::directive::Directive;

/// The Azure LLM inference trace of 2023, conversations: 14,453 calls in 41 minutes. See `traces/README.md`.
pub const AZURE_2023_CONV: &[u8] = include_bytes!("../traces/azure2023_conv.csv.gz");

/// A call of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceCall {
    /// Milliseconds since the start of the trace; 0 where it has no times.
    pub arrival_ms: u64,
    /// Prompt tokens, the cached prefix included.
    pub input_tokens: u64,
    /// Output tokens, reasoning included.
    pub output_tokens: u64,
    /// Reasoning tokens, part of the output.
    pub reasoning_tokens: u64,
    /// Leading prompt tokens that an ideal cache would have had.
    pub prefix_tokens: u64,
    /// Who called.
    pub app: Option<String>,
    /// The model called.
    pub model: Option<String>,
    /// The conversation.
    pub session: Option<String>,
    /// Place in the conversation, from 1.
    pub turn: Option<u64>,
}

impl TraceCall {
    /// What makes the simulator serve this call's sizes.
    pub fn directive(&self) -> Directive {
        Directive {
            input_tokens: Some(self.input_tokens),
            output_tokens: Some(self.output_tokens),
            reasoning_tokens: (self.reasoning_tokens > 0).then_some(self.reasoning_tokens),
            cached_tokens: self.prefix_tokens.min(self.input_tokens),
            ..Directive::default()
        }
    }
}

/// A trace that cannot be read, and where.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read or unpacked.
    #[error("line {line}: the trace cannot be read: {source}")]
    Unreadable {
        /// Line, from 1.
        line: u64,
        /// Why.
        source: std::io::Error,
    },
    /// A column that every trace has is not there.
    #[error("line 1: no column `{0}`\n  fix: the header must name input_tokens and output_tokens")]
    NoColumn(&'static str),
    /// A field is no number.
    #[error("line {line}: `{column}` is `{value}`, which is no whole number")]
    NoNumber {
        /// Line, from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// What is there.
        value: String,
    },
}

/// The calls of a trace, one at a time; ends after the first error.
pub struct Trace<'a> {
    input: Box<dyn BufRead + Send + 'a>,
    columns: HashMap<String, usize>,
    line: u64,
    text: String,
    failed: bool,
}

impl<'a> Trace<'a> {
    /// Opens a CSV, plain or gzipped, and reads its header.
    pub fn read(source: impl Read + Send + 'a) -> Result<Self, TraceError> {
        let mut source = BufReader::new(source);
        let unreadable = |source| TraceError::Unreadable { line: 1, source };
        let packed = source.fill_buf().map_err(unreadable)?.starts_with(&[0x1F, 0x8B]);
        let input: Box<dyn BufRead + Send + 'a> =
            if packed { Box::new(BufReader::new(MultiGzDecoder::new(source))) } else { Box::new(source) };
        let mut trace = Self { input, columns: HashMap::new(), line: 0, text: String::new(), failed: false };
        trace.next_line()?;
        let header = trace.text.trim_start_matches('\u{FEFF}').split(',');
        trace.columns = header.enumerate().map(|(at, name)| (name.trim().to_owned(), at)).collect();
        for needed in ["input_tokens", "output_tokens"] {
            if !trace.columns.contains_key(needed) {
                return Err(TraceError::NoColumn(needed));
            }
        }
        Ok(trace)
    }

    /// The trace that is built in.
    pub fn azure_2023_conv() -> Result<Trace<'static>, TraceError> {
        Trace::read(AZURE_2023_CONV)
    }

    /// Reads a line without its end; `false` at the end of the file.
    fn next_line(&mut self) -> Result<bool, TraceError> {
        self.line += 1;
        self.text.clear();
        let read = self.input.read_line(&mut self.text);
        let read = read.map_err(|source| TraceError::Unreadable { line: self.line, source })?;
        self.text.truncate(self.text.trim_end().len());
        Ok(read > 0)
    }

    fn call(&self) -> Result<TraceCall, TraceError> {
        let fields: Vec<&str> = self.text.split(',').map(str::trim).collect();
        let field =
            |column: &str| fields.get(*self.columns.get(column)?).copied().filter(|field| !field.is_empty());
        let word = |column: &str| field(column).map(str::to_owned);
        let number = |column: &'static str| match field(column) {
            None => Ok(None),
            Some(value) => value.parse().map(Some).map_err(|_| self.no_number(column, value)),
        };
        let needed = |column: &'static str| number(column)?.ok_or_else(|| self.no_number(column, ""));
        Ok(TraceCall {
            arrival_ms: number("arrival_ms")?.unwrap_or(0),
            input_tokens: needed("input_tokens")?,
            output_tokens: needed("output_tokens")?,
            reasoning_tokens: number("reasoning_tokens")?.unwrap_or(0),
            prefix_tokens: number("prefix_tokens")?.unwrap_or(0),
            app: word("app"),
            model: word("model"),
            session: word("session"),
            turn: number("turn")?,
        })
    }

    fn no_number(&self, column: &'static str, value: &str) -> TraceError {
        TraceError::NoNumber { line: self.line, column, value: value.to_owned() }
    }
}

impl Iterator for Trace<'_> {
    type Item = Result<TraceCall, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            let read = match self.next_line() {
                Ok(true) if self.text.is_empty() => continue,
                Ok(true) => self.call(),
                Ok(false) => return None,
                Err(error) => Err(error),
            };
            self.failed = read.is_err();
            return Some(read);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `zcat azure2023_conv.csv.gz | tail -n +2 | awk -F, '{n++;i+=$2;o+=$3} END {print n,i,o}'`.
    #[test]
    fn the_trace_that_is_built_in_has_its_sums() {
        let calls: Vec<_> = Trace::azure_2023_conv().unwrap().map(Result::unwrap).collect();
        let sum = |count: fn(&TraceCall) -> u64| calls.iter().map(count).sum::<u64>();
        assert_eq!(
            (calls.len(), sum(|c| c.input_tokens), sum(|c| c.output_tokens)),
            (14_453, 17_181_419, 2_917_114)
        );
        assert!(calls.is_sorted_by_key(|call| call.arrival_ms));
    }

    #[test]
    fn columns_are_found_by_name() {
        let csv =
            "arrival_ms,input_tokens,output_tokens,app,reasoning_tokens\r\n360,4528,535,c56,283\r\n\r\n";
        let call = Trace::read(csv.as_bytes()).unwrap().next().unwrap().unwrap();
        let wanted = TraceCall {
            arrival_ms: 360,
            input_tokens: 4528,
            output_tokens: 535,
            reasoning_tokens: 283,
            app: Some("c56".to_owned()),
            ..TraceCall::default()
        };
        assert_eq!(call, wanted);
        assert_eq!(call.directive().reasoning_tokens, Some(283));
        let csv = "output_tokens,input_tokens,session,turn,prefix_tokens\n490,7322,2,1,512";
        let call = Trace::read(csv.as_bytes()).unwrap().next().unwrap().unwrap();
        assert_eq!((call.input_tokens, call.prefix_tokens, call.turn), (7322, 512, Some(1)));
    }

    #[test]
    fn errors_name_line_and_column() {
        let error = Trace::read("a,b\n1,2".as_bytes()).err().unwrap().to_string();
        assert!(error.contains("input_tokens"), "{error}");
        let mut trace = Trace::read("input_tokens,output_tokens\n1,2\n3,x\n5,6".as_bytes()).unwrap();
        assert!(trace.next().unwrap().is_ok());
        let error = trace.next().unwrap().unwrap_err().to_string();
        assert_eq!(error, "line 3: `output_tokens` is `x`, which is no whole number");
        assert!(trace.next().is_none());
    }
}
