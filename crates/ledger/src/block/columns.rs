//! The numbers of groups, kinds and columns: the format's vocabulary. A number, once released, keeps its meaning
//! for ever; a new column gets a new number, at the end.

/// Groups of a block. A group is a run of columns over the same rows, with a checksum of its own.
pub mod group {
    /// Every entry: kind and instant.
    pub const COMMON: u64 = 1;
    /// Every `opened` and every `settled`, in the order of the entries: what was opened.
    pub const ATTEMPT: u64 = 2;
    /// Every `settled`: how it ended.
    pub const SETTLED: u64 = 3;
    /// Every `refused`.
    pub const REFUSED: u64 = 4;
    /// Every `budget`.
    pub const BUDGET: u64 = 5;
    /// Every `admin`.
    pub const ADMIN: u64 = 6;
}

/// Kinds of entries.
pub mod kind {
    /// `opened`.
    pub const OPENED: u64 = 1;
    /// `settled`.
    pub const SETTLED: u64 = 2;
    /// `refused`.
    pub const REFUSED: u64 = 3;
    /// `budget`.
    pub const BUDGET: u64 = 4;
    /// `admin`.
    pub const ADMIN: u64 = 5;
}

/// Columns of [`group::COMMON`].
pub mod common {
    pub const KIND: u64 = 1;
    pub const AT: u64 = 2;
}

/// Columns of [`group::ATTEMPT`].
pub mod attempt {
    pub const CALL_ID: u64 = 1;
    pub const ATTEMPT_ID: u64 = 2;
    pub const REQUEST_HASH: u64 = 3;
    pub const ATTEMPT: u64 = 4;
    /// Minus the entry's own `at`.
    pub const OPENED_AT: u64 = 5;
    /// org, project, key, app, domain, user.
    pub const LABELS: [u64; 6] = [6, 7, 8, 9, 10, 11];
    pub const REQUESTED_MODEL: u64 = 12;
    pub const OFFER: u64 = 13;
    pub const PROVIDER: u64 = 14;
    pub const MODEL: u64 = 15;
    pub const SITE: u64 = 16;
    pub const JURISDICTION: u64 = 17;
    pub const DIALECT: u64 = 18;
    pub const PRICE_PLAN: u64 = 19;
    pub const STREAMED: u64 = 20;
    pub const INPUT_ESTIMATE: u64 = 21;
    pub const OUTPUT_BOUND: u64 = 22;
    pub const FORESEEN_P50: u64 = 23;
    pub const FORESEEN_P90: u64 = 24;
    pub const FORESEEN_P99: u64 = 25;
    pub const HOLD: u64 = 26;
    pub const HOLD_CURRENCY: u64 = 27;
    /// Length of each row's list; then budget and amount of each item, the items of all lists one after another.
    pub const HELD: [u64; 3] = [28, 29, 30];
    pub const ROUTE_REASON: u64 = 31;
}

/// Columns of [`group::SETTLED`].
pub mod settled {
    /// 1: there is one. The value's own column holds 0 where there is none.
    pub const FIRST_TOKEN_KNOWN: u64 = 1;
    /// Minus the attempt's `opened_at`.
    pub const FIRST_TOKEN_AT: u64 = 2;
    /// Minus the entry's own `at`.
    pub const ENDED_AT: u64 = 3;
    pub const STATUS: u64 = 4;
    pub const HTTP_STATUS: u64 = 5;
    pub const ERROR_CLASS: u64 = 6;
    pub const FINISH_REASON: u64 = 7;
    pub const PROVIDER_RESPONSE_ID: u64 = 8;
    pub const SERVED_MODEL: u64 = 9;
    pub const PRICED_MODEL: u64 = 10;
    pub const SERVICE_TIER: u64 = 11;
    pub const PROVENANCE: u64 = 12;
    pub const RECOUNTED_KNOWN: u64 = 13;
    pub const RECOUNTED: u64 = 14;
    pub const CHARGE_KNOWN: u64 = 15;
    pub const CHARGE: u64 = 16;
    pub const CURRENCY: u64 = 17;
    pub const BOOK_VERSION: u64 = 18;
    pub const RATE_IDS: u64 = 19;
    /// As `attempt::HELD`.
    pub const SPENT: [u64; 3] = [20, 21, 22];
    pub const FLAGS: u64 = 23;
    pub const RAW_USAGE: u64 = 24;
    /// The first of the token columns: 100 is `input`, then in the order of `tokens::Kind::ALL`. All critical.
    pub const TOKENS: u64 = 100;
}

/// Columns of [`group::REFUSED`].
pub mod refused {
    pub const CALL_ID: u64 = 1;
    /// org, project, key, app, domain, user.
    pub const LABELS: [u64; 6] = [2, 3, 4, 5, 6, 7];
    pub const REQUESTED_MODEL: u64 = 8;
    pub const CODE: u64 = 9;
    pub const HTTP_STATUS: u64 = 10;
    pub const REASON: u64 = 11;
}

/// Columns of [`group::BUDGET`].
pub mod budget {
    pub const BUDGET: u64 = 1;
    pub const DEFINITION: u64 = 2;
    pub const ACTOR: u64 = 3;
}

/// Columns of [`group::ADMIN`].
pub mod admin {
    pub const ACTION: u64 = 1;
    pub const OBJECT: u64 = 2;
    pub const STATE: u64 = 3;
    pub const ACTOR: u64 = 4;
}

#[cfg(test)]
mod tests {
    /// The token columns are numbered by the place in `Kind::ALL`: a kind moved or put in between would change
    /// what written blocks mean.
    #[test]
    fn token_columns_keep_their_numbers() {
        let names: Vec<_> = tokens::Kind::ALL.iter().map(|kind| kind.name()).collect();
        let released = [
            "input",
            "input_cached",
            "cache_write_5m",
            "cache_write_30m",
            "cache_write_1h",
            "cache_write_12h",
            "cache_write",
            "output",
            "reasoning",
            "image_input",
            "audio_input",
            "video_input",
            "image_input_cached",
            "audio_input_cached",
            "image_output",
            "audio_output",
            "requests",
            "web_searches",
            "search_units",
            "audio_ms",
            "images",
            "cache_token_hours",
        ];
        assert_eq!(names.get(..released.len()), Some(&released[..]));
    }
}
