//! Values that are one of a few words.

/// An enum whose variants are written as words.
pub(crate) trait Word: Copy + 'static {
    /// Every variant.
    const ALL: &'static [Self];
    /// Their words, in the same order.
    const NAMES: &'static [&'static str];
}

/// Declares an enum with its words: the schema, the reader and the documentation take them from here.
macro_rules! words {
    ($($(#[$doc:meta])* pub enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// The word for it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl $crate::words::Word for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];
            const NAMES: &'static [&'static str] = &[$($word,)+];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    )+};
}

words! {
    /// How much a call's data must be guarded, the least strict first.
    pub enum DataClass {
        /// Anybody may see it.
        Public = "public",
        /// The house's own.
        Internal = "internal",
        /// Of a person.
        Personal = "personal",
        /// What a law calls important.
        Important = "important",
    }

    /// The span of a budget, in its time zone.
    pub enum Window {
        /// The clock hour.
        Hour = "hour",
        /// The day.
        Day = "day",
        /// Monday to Sunday.
        Week = "week",
        /// The calendar month.
        Month = "month",
        /// For ever.
        Total = "total",
    }

    /// What an exhausted budget does.
    pub enum Mode {
        /// Refuses the call.
        Enforce = "enforce",
        /// Lets it pass and says so.
        Warn = "warn",
    }

    /// How much a call holds before it is made.
    pub enum HoldRule {
        /// The model's output limit, or the caller's `max_tokens`: what it can cost at the most.
        Max = "max",
        /// The 99th percentile that foresight gives.
        P99 = "p99",
    }

    /// How far from its site a call may run.
    pub enum InferenceScope {
        /// In the site's region.
        InRegion = "in-region",
        /// In the site's country.
        Country = "country",
        /// Anywhere.
        Global = "global",
        /// Nobody says: to be treated as [`Global`](Self::Global).
        Unknown = "unknown",
    }

    /// What an offer can do beyond text in and text out.
    pub enum Capability {
        /// Answers as a stream.
        Stream = "stream",
        /// Tool calls.
        Tools = "tools",
        /// Answers by a JSON schema.
        JsonSchema = "json_schema",
        /// Images in.
        Vision = "vision",
        /// Reasoning controls.
        Reasoning = "reasoning",
        /// Audio in or out.
        Audio = "audio",
    }

    /// How a policy chooses among the lawful and able.
    pub enum Objective {
        /// The least foreseen charge.
        Cost = "cost",
        /// The shortest time to the first token.
        Latency = "latency",
        /// The order in which the model names its offers.
        Ordered = "ordered",
        /// By weights. Not in this version.
        Weighted = "weighted",
        /// By what earns its price. Not in this version.
        Value = "value",
    }

    /// What happens to a call whose price is not known.
    pub enum OnUnknown {
        /// It is refused.
        Refuse = "refuse",
        /// It is made and charged as unknown. Not in this version.
        Warn = "warn",
    }

    /// What of prompts and answers the ledger keeps.
    pub enum Content {
        /// Nothing.
        None = "none",
        /// Their hashes. Not in this version.
        Hashes = "hashes",
        /// The text. Not in this version.
        Full = "full",
    }

    /// Which names of the OpenTelemetry GenAI conventions are used.
    pub enum Semconv {
        /// Today's.
        Current = "current",
        /// Today's and those before. Not in this version.
        CurrentAndOlder = "current+older",
    }
}

/// What happens to a provider's answer when the client hangs up.
impl Word for dialects::Hangup {
    const ALL: &'static [Self] = &[Self::Cancel, Self::Drain];
    const NAMES: &'static [&'static str] = &[Self::Cancel.name(), Self::Drain.name()];
}
