//! Shapes in words: what a value must be, and how one is written.

use crate::schema::Shape;

impl Shape {
    /// What a value of this shape is, with its article: for messages.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Table => "a table",
            Self::List => "a list of tables",
            Self::Named => "tables by name",
            Self::Id => "an id",
            Self::Text => "a string",
            Self::Texts => "a list of strings",
            Self::Flag => "true or false",
            Self::Count(..) => "a whole number",
            Self::Degrees(..) => "a number",
            Self::Decimal => "a decimal in quotes",
            Self::Duration => "a duration",
            Self::Size => "a size",
            Self::Money => "an amount of money",
            Self::Time => "an instant",
            Self::Address => "an address and a port",
            Self::Url => "a URL",
            Self::Urls => "a list of URLs",
            Self::Currency => "a currency",
            Self::Zone => "a time zone",
            Self::Country => "a country code",
            Self::Countries => "a list of country codes",
            Self::Place => "a place",
            Self::Variable => "the name of an environment variable",
            Self::File => "a path",
            Self::Files => "a list of paths",
            Self::Log => "a log level",
            Self::Kind => "a kind of provider",
            Self::Word(_) => "one of a few words",
            Self::Words(_) => "a list of words",
        }
    }

    /// A value of this shape, as TOML.
    pub(crate) fn example(self) -> String {
        let text = match self {
            Self::Table => "{ … }",
            Self::List => "[{ … }]",
            Self::Named => "{ NAME = { … } }",
            Self::Id => "\"main\"",
            Self::Text => "\"text\"",
            Self::Texts => "[\"one\", \"two\"]",
            Self::Flag => "true",
            Self::Count(..) => "100",
            Self::Degrees(..) => "37.51",
            Self::Decimal => "\"7.10\"",
            Self::Duration => "\"30s\"",
            Self::Size => "\"32 MiB\"",
            Self::Money => "\"100 CNY\"",
            Self::Time => "\"2027-12-31T00:00:00+08:00\"",
            Self::Address => "\"127.0.0.1:8080\"",
            Self::Url => "\"https://api.example.com/v1\"",
            Self::Urls => "[\"nats://127.0.0.1:4222\"]",
            Self::Currency => "\"CNY\"",
            Self::Zone => "\"Asia/Shanghai\"",
            Self::Country => "\"CN\"",
            Self::Countries => "[\"CN\", \"SG\"]",
            Self::Place => "\"CN-SH\"",
            Self::Variable => "\"NAME_OF_VARIABLE\"",
            Self::File => "\"path/to/file\"",
            Self::Files => "[\"books/*.json\"]",
            Self::Log => "\"info\"",
            Self::Kind => "\"openai\"",
            Self::Word(words) => return format!("{:?}", words.first().unwrap_or(&"")),
            Self::Words(words) => return format!("[{:?}]", words.first().unwrap_or(&"")),
        };
        text.to_owned()
    }
}
