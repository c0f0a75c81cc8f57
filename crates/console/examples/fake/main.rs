//! The console with made-up traffic: `cargo run -p console --example fake [PORT] [empty]`, then open the address it
//! prints. Nothing is called and nothing is kept.

#![allow(clippy::print_stdout)] // an example talks to its terminal
#![allow(clippy::indexing_slicing)] // indices are taken modulo the length

mod backend;
mod traffic;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use backend::{Fake, budget, key};
use console::{Backend, Console, ConsoleOptions, OfferView};
use ledger::{CallId, EntryBody, UnixMicros};
use tokio::net::TcpListener;
use traffic::{Dice, OFFERS};

const TOKEN: &str = "made-up-token";

fn now() -> UnixMicros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMicros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port = arguments.first().map_or(Ok(8081), |port| port.parse())?;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    let fake = Arc::new(Fake::new(now));
    if arguments.get(1).map(String::as_str) != Some("empty") {
        furnish(&fake)?;
        past(&fake, &mut Dice(7));
        tokio::spawn(present(Arc::clone(&fake)));
    }
    let options = ConsoleOptions::new(listener.local_addr()?);
    let console = Arc::new(Console::new(fake, TOKEN, &options));
    println!("http://{}/#token={TOKEN}", options.listen);
    let handler = move |request| {
        let console = Arc::clone(&console);
        async move { console.handle(request).await }
    };
    edge::serve(listener, edge::Limits::default(), edge::Stop::default(), handler).await;
    Ok(())
}

fn furnish(fake: &Fake) -> Result<(), console::Problem> {
    for (id, project, limit, spent, held) in [
        ("claims-month", "claims", "5000 CNY", 3_120_440_000_000, 12_310_000_000),
        ("radiology-month", "radiology", "800 CNY", 768_000_000_000, 21_000_000_000),
        ("line-7-month", "line-7", "120 USD", 4_018_223_000, 41_000_000),
    ] {
        fake.set_budget(id, budget(project, limit))?;
        fake.spend(id, spent, held);
    }
    for (project, app, domain) in [
        ("claims", "assistant", "finance"),
        ("radiology", "report-draft", "healthcare"),
        ("line-7", "fault-finder", "industrial"),
    ] {
        fake.create_key(key(project, app, domain))?;
    }
    fake.create_key(key("claims", "old-app", "finance"))?;
    fake.revoke_key("claims-old-app")?;
    for (provider, model, site, jurisdiction, ..) in OFFERS {
        fake.add_offer(OfferView {
            id: format!("{model}@{site}"),
            provider: provider.to_owned(),
            model: model.to_owned(),
            names: vec![model.to_owned()],
            site: site.to_owned(),
            jurisdiction: jurisdiction.to_owned(),
            price_plan: format!("{provider}/{model}"),
            enabled: true,
            health: if provider == "deepseek" { "open" } else { "ok" }.to_owned(),
            in_flight: 0,
        });
    }
    Ok(())
}

/// Five minutes of calls before the start.
fn past(fake: &Fake, dice: &mut Dice) {
    let start = now().0 - 300_000_000;
    for second in 0..300 {
        for _ in 0..dice.below(6) {
            let at = UnixMicros(start + second * 1_000_000);
            call(fake, dice, at);
        }
    }
}

/// A call that begins at an instant and is over a moment later; every 25th attempt falls to another offer first.
fn call(fake: &Fake, dice: &mut Dice, at: UnixMicros) {
    let id = CallId::new();
    if dice.below(60) == 0 {
        fake.append(at, traffic::refused(id));
        return;
    }
    let place = usize::try_from(dice.below(4)).unwrap_or(0);
    for number in 1..=2u32 {
        let sold = &OFFERS[(place + usize::try_from(number).unwrap_or(0)) % OFFERS.len()];
        let opened = traffic::opened(dice, at, id, number, sold);
        fake.append(at, EntryBody::Opened(Arc::clone(&opened)));
        let end = UnixMicros(at.0 + 400_000 + i64::try_from(dice.below(3_000_000)).unwrap_or(0));
        let settled = traffic::settled(dice, opened, end, sold);
        let failed = settled.status == ledger::AttemptStatus::ProviderError;
        let spent = settled.charge.map_or(0, |charge| i128::from(charge.0));
        fake.spend("claims-month", spent, 0);
        fake.append(UnixMicros(end.0.min(now().0)), EntryBody::Settled(Box::new(settled)));
        if !failed {
            break;
        }
    }
}

async fn present(fake: Arc<Fake>) {
    let mut dice = Dice(11);
    loop {
        call(&fake, &mut dice, UnixMicros(now().0 - 500_000));
        if dice.below(8) == 0 {
            let opened = traffic::opened(&mut dice, now(), CallId::new(), 1, &OFFERS[0]);
            fake.append(now(), EntryBody::Opened(opened));
        }
        tokio::time::sleep(Duration::from_millis(100 + dice.below(500))).await;
    }
}
