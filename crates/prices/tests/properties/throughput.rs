//! The hot path's two promises, coarsely: no allocation once warm (counted), and its time (printed; `--nocapture`).

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::time::Instant;

use prices::{Book, Moment, Tier};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: passes everything on to the system's allocator.
#[allow(unsafe_code)] // the only way to count allocations; in this test alone
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_warm_charge_allocates_nothing() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/price_cases.json");
    let cases: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let book = Book::parse(cases["book"].to_string().as_bytes()).unwrap();
    let at = Moment::at("2026-11-24T03:00:00Z".parse().unwrap());
    for (plan, usage) in [
        (
            "anthropic/claude-opus-5/global",
            r#"{"input": 20, "input_cached": 9000, "cache_write_5m": 800, "output": 300}"#,
        ),
        (
            "openai/gpt-5.6-luna/global",
            r#"{"input": 500, "input_cached": 1500, "output": 100, "reasoning": 400}"#,
        ),
        ("deepseek/deepseek-v4-pro/global", r#"{"input": 100, "input_cached": 50, "output": 10}"#),
    ] {
        let plan = book.plan(plan).unwrap();
        let used = serde_json::from_str(usage).unwrap();
        plan.charge(at, Tier::Standard, &used).unwrap();
        let (before, rounds, start) = (ALLOCATIONS.with(Cell::get), 200_000, Instant::now());
        for _ in 0..rounds {
            black_box(plan.charge(black_box(at), Tier::Standard, black_box(&used)).unwrap());
        }
        let each = start.elapsed().as_nanos() / rounds;
        assert_eq!(ALLOCATIONS.with(Cell::get), before, "{}", plan.id());
        println!("{}: {each} ns a charge", plan.id());
    }
}
