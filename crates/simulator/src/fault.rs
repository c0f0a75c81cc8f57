//! The faults that can be served: their table, their names with arguments, and the odds of a server-wide mix.
//! What each does to an answer is in `answer`, `usage` and `tamper`; this file only names them.

use std::fmt::{self, Write};
use std::str::FromStr;

use crate::rng::{self, Rng};

/// What the vendor bills when a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bills {
    /// Nothing was generated.
    Nothing,
    /// Input and what had been generated until the fault.
    Generated,
    /// The whole answer: the fault is in how it is told, not in what was done.
    Whole,
}

/// One row of the fault table.
#[derive(Clone, Copy, Debug)]
pub struct FaultInfo {
    /// The name in directives and `--faults`.
    pub name: &'static str,
    /// The argument after a colon, as shown in help; empty: none.
    pub arg: &'static str,
    /// What is seen on the wire.
    pub does: &'static str,
    /// What the vendor bills.
    pub bills: Bills,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arg {
    None,
    Number,
    Percent,
    Text,
    One(&'static [&'static str]),
}

macro_rules! faults {
    ($($variant:ident $name:literal $shown:literal $arg:expr, $bills:ident, $does:literal;)*) => {
        /// A kind of fault, without its argument.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum FaultKind { $($variant,)* }

        static TABLE: &[FaultInfo] =
            &[$(FaultInfo { name: $name, arg: $shown, does: $does, bills: Bills::$bills },)*];
        static KINDS: &[FaultKind] = &[$(FaultKind::$variant,)*];

        impl FaultKind {
            fn info(self) -> &'static FaultInfo {
                match self {
                    $(Self::$variant => {
                        static INFO: FaultInfo =
                            FaultInfo { name: $name, arg: $shown, does: $does, bills: Bills::$bills };
                        &INFO
                    })*
                }
            }

            const fn arg(self) -> Arg {
                match self { $(Self::$variant => $arg,)* }
            }
        }
    };
}

faults! {
    Rate "429" "seconds=1" Arg::Number, Nothing, "429 rate limit, `retry-after` in seconds";
    RateMs "429_ms" "ms=250" Arg::Number, Nothing, "429 rate limit, `retry-after-ms`";
    RateDate "429_date" "seconds=2" Arg::Number, Nothing, "429 rate limit, `retry-after` as an HTTP date";
    Quota "429_quota" "" Arg::None, Nothing, "money is gone: OpenAI 429 `insufficient_quota`, Anthropic 402 `billing_error`";
    Credit "400_credit" "" Arg::None, Nothing, "money is gone, told as a 400: \"credit balance is too low\"";
    Auth "401" "" Arg::None, Nothing, "401: the key is not known";
    NotFound "404" "" Arg::None, Nothing, "404: the model is not known";
    Context "400_context" "" Arg::None, Nothing, "400: the prompt is longer than the model's window";
    Server "500" "" Arg::None, Nothing, "500 with the vendor's error body";
    Unavailable "503" "" Arg::None, Nothing, "503: overloaded, the engine is not there";
    Overloaded "529" "" Arg::None, Nothing, "529 `overloaded_error`";
    ResetBefore "reset_before" "" Arg::None, Nothing, "TCP reset after the request was read, before the first byte";
    Close "close" "" Arg::None, Nothing, "connection closed without an answer";
    StallBefore "stall_before" "ms=for ever" Arg::Number, Whole, "nothing is sent, not even headers; after `ms` the answer comes";
    StallMid "stall_mid" "events=half" Arg::Number, Whole, "after `events` only keep-alives (OpenAI comments, Anthropic pings), for `stall_ms` or for ever";
    ResetMid "reset_mid" "events=half" Arg::Number, Generated, "TCP reset after `events` (a whole answer: after half of its bytes)";
    CutMid "cut_mid" "events=half" Arg::Number, Generated, "connection closed after `events`, no last chunk";
    CutHalf "cut_half" "" Arg::None, Generated, "closed inside an event, inside a UTF-8 character";
    CutBeforeUsage "cut_before_usage" "" Arg::None, Generated, "closed after the finish, before the usage";
    CutBeforeEnd "cut_before_end" "" Arg::None, Generated, "closed after the usage, before the end mark";
    EndEarly "end_early" "events=half" Arg::Number, Generated, "the stream ends cleanly after `events`: no finish, no usage, no end mark";
    NoUsage "no_usage" "" Arg::None, Whole, "usage is left out everywhere";
    UsageNull "usage_null" "" Arg::None, Whole, "usage is null where it should be told";
    UsageEvery "usage_every" "" Arg::None, Whole, "each content event carries the usage so far, the end carries all";
    UsageTwice "usage_twice" "" Arg::None, Whole, "the final usage comes twice (streams)";
    UsageZerosAfter "usage_zeros_after" "" Arg::None, Whole, "after the final usage comes one of zeros (streams)";
    UsageAfterEnd "usage_after_end" "" Arg::None, Whole, "the final usage comes after the end mark (streams)";
    UsageInChoice "usage_in_choice" "" Arg::None, Whole, "usage only inside `choices[0]` of the finish chunk (OpenAI streams)";
    UsageOff "usage_off" "percent=3" Arg::Percent, Whole, "claimed usage is off by `percent` of the truth, may be negative";
    UsageNegative "usage_negative" "" Arg::None, Whole, "claimed output is -5";
    UsageAbsurd "usage_absurd" "exp|big|huge|string|fraction" Arg::One(&["exp", "big", "huge", "string", "fraction"]), Whole,
        "claimed output is 1e400 (default), 2^53+1, 99999999999999999999, a string, a fraction";
    UsageTotal "usage_total" "" Arg::None, Whole, "the claimed total is 7 more than its parts (Anthropic: the cache split)";
    ErrorInStream "error_in_stream" "events=half" Arg::Number, Generated, "an error event after `events` of a 200 stream, then the end of the body";
    ErrorInBody "error_in_body" "" Arg::None, Nothing, "200 with an error object as the whole body";
    Html "html" "" Arg::None, Whole, "200 with a proxy's HTML page";
    TruncatedJson "truncated_json" "" Arg::None, Whole, "JSON cut in its middle, though HTTP ends well (a stream: one event of it)";
    BadUtf8 "bad_utf8" "" Arg::None, Whole, "bytes FF FE inside the text";
    OneByte "one_byte" "" Arg::None, Whole, "every byte in a write of its own, a millisecond after each sixteenth";
    Crlf "crlf" "" Arg::None, Whole, "CRLF line ends in the stream";
    HugeLine "huge_line" "bytes=10485760" Arg::Number, Whole, "one event (a whole answer: one field) of that many bytes";
    WrongType "wrong_type" "" Arg::None, Whole, "a stream under `application/json`, a whole answer under `text/plain`";
    WholeForStream "whole_for_stream" "" Arg::None, Whole, "a whole JSON answer to a request for a stream";
    ServedModel "served_model" "name=another-model" Arg::Text, Whole, "the answer names another model than was asked for";
    Tier "tier" "name=other" Arg::Text, Whole, "the service tier echoed is `name`, whatever was asked for";
    UnknownEvent "unknown_event" "" Arg::None, Whole, "an event of a type nobody knows in the middle of the stream";
    InputGrows "input_grows" "tokens=50" Arg::Number, Whole, "Anthropic streams: input told at the start is `tokens` lower than at the end";
    Drip "drip" "ms=1000" Arg::Number, Whole, "one byte every `ms`";
}

/// A fault with its argument, such as `429:30` or `reset_mid:5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(crate) kind: FaultKind,
    arg: Option<String>,
}

impl Fault {
    /// Name without argument.
    pub fn name(&self) -> &'static str {
        self.kind.info().name
    }

    /// What the vendor bills when it strikes.
    pub fn bills(&self) -> Bills {
        self.kind.info().bills
    }

    pub(crate) fn number(&self) -> Option<u64> {
        self.arg.as_deref()?.parse().ok()
    }

    pub(crate) fn percent(&self) -> i64 {
        self.arg.as_deref().and_then(|arg| arg.parse().ok()).unwrap_or(3)
    }

    pub(crate) fn text<'a>(&'a self, default: &'a str) -> &'a str {
        self.arg.as_deref().unwrap_or(default)
    }

    fn parse(name: &str, arg: Option<&str>) -> Result<Self, String> {
        let kind = KINDS.iter().copied().find(|kind| kind.info().name == name).ok_or_else(|| {
            format!(
                "unknown fault `{name}`\n  fix: did you mean `{}`? The table of faults names them all",
                nearest(name)
            )
        })?;
        let info = kind.info();
        let Some(arg) = arg else { return Ok(Self { kind, arg: None }) };
        let fits = match kind.arg() {
            Arg::None => {
                return Err(format!(
                    "fault `{name}` takes no argument, `{arg}` was given\n  fix: write `{name}`"
                ));
            }
            Arg::Number => arg.parse::<u64>().is_ok(),
            Arg::Percent => arg.parse::<i32>().is_ok(),
            Arg::Text => !arg.is_empty(),
            Arg::One(list) => list.contains(&arg),
        };
        if fits {
            Ok(Self { kind, arg: Some(arg.to_owned()) })
        } else {
            Err(format!(
                "fault `{name}`: `{arg}` is no argument of it\n  fix: write `{name}` or `{name}:{}`",
                info.arg
            ))
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        self.arg.as_ref().map_or(Ok(()), |arg| write!(f, ":{arg}"))
    }
}

impl FromStr for Fault {
    type Err = String;

    /// `name` or `name:argument`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((name, arg)) => Self::parse(name, Some(arg)),
            None => Self::parse(text, None),
        }
    }
}

/// Faults dealt out over all traffic: each with its share of the calls, drawn by a seed and the call's number.
///
/// ```
/// let faults = simulator::Faults::parse("429:0.02,reset_mid:0.01:5,seed=7").unwrap();
/// assert!(!faults.is_empty());
/// assert!(simulator::Faults::parse("reset_mit:0.01").unwrap_err().contains("`reset_mid`"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    seed: u64,
    rules: Vec<(Fault, f64)>,
}

impl Faults {
    /// Reads `name:share[:argument],…[,seed=N]`; a share is a number from 0 to 1, all together at most 1.
    /// # Errors
    /// A sentence that says what is wrong and how to write it.
    pub fn parse(spec: &str) -> Result<Self, String> {
        let mut faults = Self::default();
        for item in spec.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            if let Some(seed) = item.strip_prefix("seed=") {
                faults.seed = seed.parse().map_err(|_| {
                    format!(
                        "`{item}`: the seed is no whole number from 0 to {}\n  fix: write `seed=7`",
                        u64::MAX
                    )
                })?;
                continue;
            }
            let mut parts = item.splitn(3, ':');
            let name = parts.next().unwrap_or_default();
            let share = parts.next();
            let fault = Fault::parse(name, parts.next()).map_err(|error| format!("`{item}`: {error}"))?;
            let share =
                share.and_then(|share| share.parse::<f64>().ok()).filter(|share| (0.0..=1.0).contains(share));
            let Some(share) = share else {
                return Err(format!(
                    "`{item}`: no share of the calls from 0 to 1\n  fix: write `{name}:0.02` for 2 %"
                ));
            };
            faults.rules.push((fault, share));
        }
        let sum: f64 = faults.rules.iter().map(|(_, share)| share).sum();
        if sum > 1.0 + 1e-9 {
            return Err(format!(
                "the shares add up to {sum}, more than every call\n  fix: lower them to at most 1 together"
            ));
        }
        Ok(faults)
    }

    /// No fault is ever dealt out.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The fault of the call with this number; the same for the same seed and number.
    pub(crate) fn draw(&self, ordinal: u64) -> Option<&Fault> {
        if self.rules.is_empty() {
            return None;
        }
        let mut drawn = Rng(rng::hash(self.seed, &[&ordinal.to_le_bytes()])).share();
        self.rules.iter().find_map(|(fault, share)| {
            drawn -= share;
            (drawn < 0.0).then_some(fault)
        })
    }
}

/// Every fault, in the order of help.
pub fn fault_table() -> &'static [FaultInfo] {
    TABLE
}

/// The fault table as text for `--help`, one fault a line.
pub fn fault_help() -> String {
    let mut help = String::new();
    for info in TABLE {
        let name =
            if info.arg.is_empty() { info.name.to_owned() } else { format!("{}[:{}]", info.name, info.arg) };
        let _ = writeln!(help, "  {name:<42} {}", info.does);
    }
    help
}

/// The table's name that is fewest edits away.
fn nearest(name: &str) -> &'static str {
    let named = TABLE.iter().map(|info| info.name);
    named.min_by_key(|known| edits(name, known)).unwrap_or("429")
}

/// Levenshtein distance in characters.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (before, left) in from.chars().enumerate() {
        let mut next = vec![before + 1];
        for ((right, diagonal), above) in to.iter().zip(&row).zip(row.iter().skip(1)) {
            let beside = next.last().copied().unwrap_or(0);
            next.push((diagonal + usize::from(left != *right)).min(above + 1).min(beside + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_lead_back() {
        for (info, kind) in TABLE.iter().zip(KINDS) {
            assert_eq!(info.name.parse::<Fault>().unwrap().kind, *kind, "{}", info.name);
            assert_eq!(TABLE.iter().filter(|other| other.name == info.name).count(), 1);
            assert!(fault_help().contains(info.does));
        }
    }

    #[test]
    fn mistakes_name_their_fix() {
        for (spec, said) in [
            ("rest_mid:0.1", "did you mean `reset_mid`"),
            ("429", "write `429:0.02`"),
            ("429:2", "write `429:0.02`"),
            ("429:-0.1", "from 0 to 1"),
            ("429:0.1:soon", "429:seconds=1"),
            ("html:0.1:3", "takes no argument"),
            ("usage_absurd:0.1:odd", "exp|big|huge|string|fraction"),
            ("429:0.6,500:0.6", "more than every call"),
            ("seed=x", "write `seed=7`"),
        ] {
            let error = Faults::parse(spec).unwrap_err();
            assert!(error.contains(said), "{spec}: {error}");
            assert!(error.contains("fix:"), "{error}");
        }
        assert!(Faults::parse("").unwrap().is_empty());
    }

    /// 10,000 draws at 2 % and 10 %: within four standard deviations (14 and 30) of 200 and 1,000.
    #[test]
    fn shares_are_kept_and_repeat() {
        let faults = Faults::parse("429:0.02, reset_mid:0.1:5 ,seed=7").unwrap();
        let drawn: Vec<_> = (0..10_000).map(|n| faults.draw(n).map(ToString::to_string)).collect();
        let count = |name: &str| drawn.iter().filter(|d| d.as_deref() == Some(name)).count();
        assert!((144..=256).contains(&count("429")), "{}", count("429"));
        assert!((880..=1120).contains(&count("reset_mid:5")), "{}", count("reset_mid:5"));
        assert_eq!(drawn, (0..10_000).map(|n| faults.draw(n).map(ToString::to_string)).collect::<Vec<_>>());
    }
}
