//! A dearer service tier that a caller asks for is held for before the call: a budget cannot be passed by it.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test

use std::fs;
use std::time::Duration;

use e2e::{Books, Call, Dialect, Gateway, House, Simulator, house};
use serde_json::json;

/// The plan of this book charges twice the standard rates in the priority tier.
const BOOK: &str = include_str!("../../../books/openai.json");
const PLAN: &str = "openai/gpt-5.6-luna/global";

const OFFER: &str = r#"
[fx]
"USD/CNY" = { rate = "7", as_of = "2026-11-24T00:00:00Z" }

[[offers]]
id = "luna"
provider = "chat"
model = "gpt-5.6-luna"
site = "here"
price_plan = "openai/gpt-5.6-luna/global"
context_window = 272000
max_output = 16384
capabilities = ["stream", "tools"]

"#;

#[test]
fn a_hold_covers_the_tier_that_is_asked_for() {
    let simulator = Simulator::start(&[]);
    let house = House::new(simulator.address, &(house::budget("org", "org = \"acme\"", "1 USD") + OFFER));
    fs::write(house.config().with_file_name("openai.json"), BOOK).unwrap();
    let text = fs::read_to_string(house.config()).unwrap();
    fs::write(house.config(), text.replace("[\"book.json\"]", "[\"book.json\", \"openai.json\"]")).unwrap();
    let gateway = Gateway::start(&house);
    for tier in ["default", "priority"] {
        let call = Call::new(Dialect::Chat, false).simulate(json!({ "output_tokens": 500 }));
        let mut body = call.body();
        body["model"] = json!("gpt-5.6-luna");
        body["max_tokens"] = json!(500);
        body["service_tier"] = json!(tier);
        let socket = call.send_body(gateway.listen, body.to_string().as_bytes()).unwrap();
        let answer = e2e::http::Exchange::begin(socket).and_then(e2e::http::Exchange::whole).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let books = Books::at_rest(&house.data(), Duration::from_secs(5));
    let settled = books.settled();
    let of = |tier: &str| {
        let found = settled.values().find(|it| &*it.service_tier == tier);
        let found = found.unwrap_or_else(|| panic!("no attempt was served in tier {tier}"));
        assert_eq!(&*found.opened.offer.price_plan, PLAN);
        let (held, spent) = (found.opened.held[0].amount, found.spent[0].amount);
        assert!(spent <= held, "{tier}: spent {spent} of a hold of {held}");
        spent.0
    };
    // 500 output tokens alone: 1.20 USD a million standard, twice that in the priority tier.
    assert!(of("default") >= 600_000);
    assert!(of("priority") >= 1_200_000);
}
