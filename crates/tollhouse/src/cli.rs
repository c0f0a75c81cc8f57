//! What can be typed. Every command's help ends in an example; the tests run each of them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The gate that every token passes: one endpoint over every model provider, and the books are right.
#[derive(Debug, Parser)]
#[command(name = "tollhouse", version, about, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the gateway
    #[command(
        after_help = "Example: tollhouse serve --config tollhouse.toml\n\nWithout a configuration and without \
                            provider keys in the environment it starts simulated providers and says so."
    )]
    Serve(Serve),
    /// Serve with simulated providers and a real trace replayed as traffic
    #[command(after_help = "Example: tollhouse demo --speed 20 --calls 2000")]
    Demo(Demo),
    /// Validate the configuration: every problem with file, line, key and fix
    #[command(after_help = "Example: tollhouse check --config tollhouse.toml")]
    Check(Check),
    /// Create, list and revoke API keys
    #[command(subcommand)]
    Key(Key),
    /// List attempts with their story
    #[command(
        after_help = "Example: tollhouse calls --filter provider=sim-openai,status=ok --limit 20 --format json"
    )]
    Calls(Calls),
    /// How many tokens, and what they cost
    #[command(subcommand)]
    Report(Report),
    /// The charge of a usage, line by line
    #[command(
        after_help = "Example: tollhouse price --model sim-large --usage '{\"input\":1000,\"output\":200}'"
    )]
    Price(Price),
    /// Count the tokens of a text
    #[command(after_help = "Example: echo hello world | tollhouse count --model gpt-4o")]
    Count(Count),
    /// Start the simulated providers alone
    #[command(
        after_help = "Example: tollhouse simulate --listen 127.0.0.1:9001 --truth truth.ndjson --faults 429:0.02"
    )]
    Simulate(Simulate),
    /// The published benchmarks
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
    /// For spreadsheets
    Csv,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Configuration file; ./tollhouse.toml where it exists
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data folder; else ledger.dir of the configuration, else ./tollhouse-data
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address of the data plane [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Address of the admin API and the console [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDRESS")]
    pub admin_listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    pub serve: Serve,
    /// Times faster than the trace was recorded
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub speed: u32,
    /// Calls of the trace to replay; the trace has 14,453
    #[arg(long, default_value_t = 14_453)]
    pub calls: usize,
    /// Stop when the replay is done, after comparing the books with the trace; exit 1 if they differ
    #[arg(long)]
    pub once: bool,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Configuration file
    #[arg(long, value_name = "FILE", default_value = "tollhouse.toml")]
    pub config: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}

/// Where the books are.
#[derive(Clone, Debug, Args)]
pub struct Data {
    /// Data folder
    #[arg(long, value_name = "DIR", default_value = "tollhouse-data")]
    pub data: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum Key {
    /// Create a key; its secret is shown once
    #[command(
        after_help = "Example: tollhouse key create --project claims --app assistant --budget \"100 CNY/month\""
    )]
    Create(KeyCreate),
    /// List keys
    #[command(after_help = "Example: tollhouse key list --format json")]
    List {
        #[command(flatten)]
        data: Data,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        format: Shape,
    },
    /// Revoke a key: the next request with it is refused
    #[command(after_help = "Example: tollhouse key revoke key-abcd1234")]
    Revoke {
        /// The key's id
        id: String,
        #[command(flatten)]
        data: Data,
    },
}

#[derive(Debug, Args)]
pub struct KeyCreate {
    /// The project it belongs to
    #[arg(long)]
    pub project: String,
    /// Its id; made if absent
    #[arg(long)]
    pub id: Option<String>,
    /// The app that its calls are labelled with
    #[arg(long)]
    pub app: Option<String>,
    /// The domain that its calls are labelled with
    #[arg(long)]
    pub domain: Option<String>,
    /// Models that it may ask for, `*` at the end for any rest; all if absent
    #[arg(long, value_delimiter = ',')]
    pub models: Vec<String>,
    /// A budget of its own: AMOUNT CURRENCY/WINDOW
    #[arg(long, value_name = "\"100 CNY/month\"")]
    pub budget: Option<String>,
    /// Requests a minute
    #[arg(long)]
    pub rpm: Option<u64>,
    /// Tokens a minute
    #[arg(long)]
    pub tpm: Option<u64>,
    /// Calls at a time
    #[arg(long)]
    pub concurrency: Option<u64>,
    /// When it ends by itself (RFC 3339)
    #[arg(long)]
    pub expires: Option<String>,
    #[command(flatten)]
    pub data: Data,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}

#[derive(Debug, Args)]
pub struct Calls {
    /// Only these: NAME=VALUE, comma separated (provider, model, project, app, key, status, provenance, call_id …)
    #[arg(long, default_value = "")]
    pub filter: String,
    /// The last N; 0: all
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
    #[command(flatten)]
    pub data: Data,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}

#[derive(Debug, Subcommand)]
pub enum Report {
    /// Tokens by kind, with the counting definition
    #[command(after_help = "Example: tollhouse report volume --by provider,model,day")]
    Volume(ReportArgs),
    /// Charges, each currency apart
    #[command(after_help = "Example: tollhouse report cost --by project,app --from 2026-11-01 --format csv")]
    Cost(ReportArgs),
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Group by, comma separated: provider, model, site, domain, app, project, key, org, day, hour …
    #[arg(long, default_value = "")]
    pub by: String,
    /// From this instant (RFC 3339, or a date)
    #[arg(long, default_value = "")]
    pub from: String,
    /// To this instant, exclusive
    #[arg(long, default_value = "")]
    pub to: String,
    /// Time zone of days and hours (IANA)
    #[arg(long, default_value = "UTC")]
    pub zone: String,
    /// Only these: NAME=VALUE, comma separated
    #[arg(long, default_value = "")]
    pub filter: String,
    #[command(flatten)]
    pub data: Data,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["plan", "model"]))]
pub struct Price {
    /// Price book; the built-in books if absent
    #[arg(long, value_name = "FILE")]
    pub book: Option<PathBuf>,
    /// Price plan
    #[arg(long, value_name = "ID")]
    pub plan: Option<String>,
    /// Model, instead of a plan
    #[arg(long)]
    pub model: Option<String>,
    /// Provider of the model
    #[arg(long, requires = "model")]
    pub provider: Option<String>,
    /// Site of the offer
    #[arg(long, requires = "model")]
    pub site: Option<String>,
    /// Instant (RFC 3339); now if absent
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Service tier: standard, batch, flex or priority
    #[arg(long, default_value = "standard")]
    pub tier: String,
    /// Tokens and units by kind, as JSON: {"input":1000,"output":200}
    #[arg(long, value_name = "JSON")]
    pub usage: String,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}

#[derive(Debug, Args)]
pub struct Count {
    /// The model whose tokenizer is used
    #[arg(long)]
    pub model: String,
    /// Text file; standard input if absent
    pub file: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}

#[derive(Debug, Args)]
pub struct Simulate {
    /// Address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9001")]
    pub listen: SocketAddr,
    /// Faults dealt over all traffic, each with its share: `429:0.02,reset_mid:0.01:5`; see `--list-faults`
    #[arg(long, default_value = "")]
    pub faults: String,
    /// Print the faults that can be had, and end
    #[arg(long)]
    pub list_faults: bool,
    /// Write down here what was really served, a JSON object a line
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Seed of texts, sizes and faults
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Time to the first token, ms
    #[arg(long, default_value_t = 0)]
    pub first_token_ms: u64,
    /// Time per further token, ms
    #[arg(long, default_value_t = 0)]
    pub token_ms: u64,
    /// What a hang-up is billed: stop (what was generated until it was seen) or full
    #[arg(long, default_value = "stop")]
    pub billing: String,
}

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// CPU per call and per streamed event against nginx, latency added, memory
    #[command(
        after_help = "Example: tollhouse bench gateway --format json\n\nNeeds nginx (Debian: apt-get install nginx)."
    )]
    Gateway(BenchGateway),
}

#[derive(Debug, Args)]
pub struct BenchGateway {
    /// The reverse proxy to compare with
    #[arg(long, default_value = "nginx", value_parser = ["nginx"])]
    pub peer: String,
    /// Rounds; the median is printed
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub rounds: u32,
    /// Seconds a measurement
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub seconds: u32,
    /// Connections that keep the gateway busy
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Shape,
}
