//! `tollhouse bench gateway`: what a call costs with every step on, beside nginx as a plain reverse proxy, against the
//! same simulated provider, in the same run. nginx is the floor of relaying: it reads no body, counts nothing, writes
//! nothing down.
//!
//! Load, provider and this process share one processor, the gateway or nginx has the other to itself (where there are
//! two). CPU is the operating system's own account of the process, divided by the calls answered meanwhile.

use std::time::Duration;

use serde_json::json;

use super::load::{Load, Measured, Request, drive};
use super::peers::{Peers, start};
use crate::cli::{BenchGateway, Shape};
use crate::failure::{Exit, Failure, Outcome};
use crate::{house, output};

/// Events of a streamed answer.
const EVENTS: u32 = 64;
/// Connections for the latency figures: few enough that nobody queues.
const QUIET: u32 = 4;

/// One round's figures.
struct Round {
    nginx_call_us: f64,
    call_us: f64,
    nginx_event_us: f64,
    event_us: f64,
    added_p50_us: f64,
    added_p99_us: f64,
    calls_per_s: f64,
}

pub fn run(args: &BenchGateway) -> Outcome {
    let runtime = house::runtime()?;
    let peers = start()?;
    let idle = peers.gateway.resident_mb()?;
    let mut rounds = Vec::new();
    for number in 1..=args.rounds {
        let round = runtime.block_on(round(args, &peers))?;
        if args.format == Shape::Table {
            output::tell(format_args!(
                "round {number}: call {:.1} µs (nginx {:.1}), event {:.2} µs (nginx {:.2}), added p50 {:.0} µs",
                round.call_us, round.nginx_call_us, round.event_us, round.nginx_event_us, round.added_p50_us
            ));
        }
        rounds.push(round);
    }
    let busy = peers.gateway.resident_mb()?;
    let figure = |of: fn(&Round) -> f64| median(rounds.iter().map(of).collect());
    let figures = [
        ("cpu_ratio_nginx_call", figure(|it| it.call_us / it.nginx_call_us)),
        ("cpu_ratio_nginx_event", figure(|it| it.event_us / it.nginx_event_us)),
        ("cpu_us_call", figure(|it| it.call_us)),
        ("cpu_us_call_nginx", figure(|it| it.nginx_call_us)),
        ("cpu_us_event", figure(|it| it.event_us)),
        ("cpu_us_event_nginx", figure(|it| it.nginx_event_us)),
        ("added_p50_us", figure(|it| it.added_p50_us)),
        ("added_p99_us", figure(|it| it.added_p99_us)),
        ("calls_per_s", figure(|it| it.calls_per_s)),
        ("rss_idle_mb", idle),
        ("rss_busy_mb", busy),
    ];
    match args.format {
        Shape::Json => {
            let figures: serde_json::Map<_, _> =
                figures.iter().map(|(name, value)| ((*name).to_owned(), json!(rounded(*value)))).collect();
            output::data(&json!({ "figures": figures, "rounds": args.rounds }).to_string())?;
        }
        Shape::Csv => {
            let lines = figures.iter().map(|(name, value)| format!("{name},{}\n", rounded(*value)));
            output::data(&("figure,value\n".to_owned() + &lines.collect::<String>()))?;
        }
        Shape::Table => {
            for (name, value) in &figures {
                output::data(&format!("{name:<24} {value:>10.2}"))?;
            }
            output::tell(format_args!(
                "medians of {} rounds, {} s each measurement, {} connections",
                args.rounds, args.seconds, args.connections
            ));
        }
    }
    Ok(Exit::Done)
}

async fn round(args: &BenchGateway, peers: &Peers) -> Result<Round, Failure> {
    let time = Duration::from_secs(args.seconds.into());
    let load = |request: Request, connections: u32| Load { request, connections, time };
    let (whole, streamed) = (peers.request(false, EVENTS), peers.request(true, EVENTS));
    let calls = |to: u16| load(whole.to(to), args.connections);
    let streams = |to: u16| load(streamed.to(to), args.connections);
    let nginx_call = cpu(&peers.nginx, drive(calls(peers.nginx_port))).await?;
    let call = cpu(&peers.gateway, drive(calls(peers.gateway_port))).await?;
    let nginx_stream = cpu(&peers.nginx, drive(streams(peers.nginx_port))).await?;
    let stream = cpu(&peers.gateway, drive(streams(peers.gateway_port))).await?;
    let quiet = Load { time: time / 2, ..load(whole.to(peers.simulator_port), QUIET) };
    let direct = drive(quiet.clone()).await?;
    let through = drive(Load { request: whole.to(peers.gateway_port), ..quiet }).await?;
    let events = f64::from(EVENTS);
    Ok(Round {
        nginx_call_us: nginx_call.us_per_call,
        call_us: call.us_per_call,
        nginx_event_us: nginx_stream.us_per_call / events,
        event_us: stream.us_per_call / events,
        added_p50_us: through.percentile_us(50) - direct.percentile_us(50),
        added_p99_us: through.percentile_us(99) - direct.percentile_us(99),
        calls_per_s: call.calls_per_s,
    })
}

struct Cpu {
    us_per_call: f64,
    calls_per_s: f64,
}

/// The CPU time a process took for the calls that were answered meanwhile.
async fn cpu(
    process: &super::peers::Process,
    load: impl Future<Output = Result<Measured, Failure>>,
) -> Result<Cpu, Failure> {
    let before = process.cpu()?;
    let measured = load.await?;
    let spent = process.cpu()?.saturating_sub(before);
    let calls = measured.calls();
    if calls == 0 {
        return Err(Failure::could_not("no call was answered"));
    }
    #[allow(clippy::cast_precision_loss)] // counts of a benchmark
    let calls = calls as f64;
    Ok(Cpu {
        us_per_call: spent.as_secs_f64() * 1e6 / calls,
        calls_per_s: calls / measured.elapsed.as_secs_f64(),
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (Some(value), 1) => *value,
        (Some(upper), _) => {
            f64::midpoint(*upper, values.get(middle.saturating_sub(1)).copied().unwrap_or(*upper))
        }
        (None, _) => f64::NAN,
    }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
