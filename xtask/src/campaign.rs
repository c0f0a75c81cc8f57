//! `cargo xtask campaign NAME`: one end-to-end test, run long, with a seed that repeats it.
//!
//! A campaign is listed only when its test exists: the table names the file.

use crate::run::{Done, Failure, cargo, root, run};
use crate::test;

struct Campaign {
    name: &'static str,
    /// `tests/e2e/tests/<name>.rs`; reads `CAMPAIGN_COUNT` and `CAMPAIGN_SEED`.
    test: &'static str,
    count: u32,
    what: &'static str,
}

const CAMPAIGNS: &[Campaign] = &[
    Campaign { name: "crash", test: "crash", count: 50, what: "kill -9 under 200 calls in flight" },
    Campaign { name: "hangup", test: "hangup", count: 500, what: "clients that leave at random points" },
    Campaign { name: "race", test: "race", count: 20, what: "500 calls racing three budgets" },
];

/// Runs the named campaign.
pub fn command(args: &[&str]) -> Done {
    let Some((name, options)) = args.split_first() else {
        for campaign in CAMPAIGNS {
            println!("{:8} {} (count {})", campaign.name, campaign.what, campaign.count);
        }
        return Ok(());
    };
    let Some(campaign) = CAMPAIGNS.iter().find(|campaign| campaign.name == *name) else {
        return Err(Failure::new(format!("no campaign `{name}`; `cargo xtask campaign` names them")));
    };
    let mut count = u64::from(campaign.count);
    let mut seed = 1;
    for option in options.chunks(2) {
        match option {
            ["--count", value] => count = number(value)?,
            ["--seed", value] => seed = number(value)?,
            _ => return Err(Failure::new(format!("not an option: {}", option.join(" ")))),
        }
    }
    test::build()?;
    let args =
        ["test", "--package", "e2e", "--test", campaign.test, "--", "--nocapture", "--test-threads", "1"];
    run(cargo(&args)
        .env("CAMPAIGN_COUNT", count.to_string())
        .env("CAMPAIGN_SEED", seed.to_string())
        .env("TOLLHOUSE_BIN", root().join("target/release/tollhouse")))
}

fn number(text: &str) -> Done<u64> {
    text.parse().map_err(|_| Failure::new(format!("not a number: {text}")))
}
