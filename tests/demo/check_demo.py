#!/usr/bin/env python3
"""Holds the demo's books against its trace and price book, with code of its own.

Runs `tollhouse demo --once` into a fresh data folder, reads every record back by `tollhouse calls`, and checks:

1. every call of the trace is settled exactly once, and nothing else is there;
2. tokens, call by call and in sum, are those of the trace's rows (crates/simulator/traces/azure2023_conv.csv.gz);
3. each charge equals, to the nano, the price book's rates (books/simulated.json) times the tokens, in exact fractions,
   rounded once, half to even;
4. `report volume` and `report cost` total to the same sums, each currency apart.

Nothing of Tollhouse is imported: the parser of the book, the arithmetic and the rounding are written here a second
time. `--self-test` alters the books in memory in a dozen ways and expects each to be found.

    python3 tests/demo/check_demo.py                    2,000 calls
    python3 tests/demo/check_demo.py --all              the whole trace, 14,453 calls
    python3 tests/demo/check_demo.py --self-test        and can it fail?

The binary: TOLLHOUSE_BIN, else target/release/tollhouse. Exit 0: the books are right; 1: they are not; 3: could not.
"""

import argparse
import collections
import copy
import csv
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from fractions import Fraction

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRACE = ROOT / "crates/simulator/traces/azure2023_conv.csv.gz"
BOOK = ROOT / "books/simulated.json"
PROMPT = {"input", "input_cached", "cache_write", "cache_write_5m", "cache_write_30m", "cache_write_1h", "cache_write_12h"}
OUTPUT = {"output", "reasoning"}
SHOWN = 10


class CouldNot(Exception):
    """The check could not be made: says nothing about the books."""


# --- what must be: trace and price book -----------------------------------------------------------------------------


def read_trace(calls):
    """The first `calls` rows as (input, output); all of them for None."""
    with gzip.open(TRACE, "rt", newline="") as file:
        rows = [(int(row["input_tokens"]), int(row["output_tokens"])) for row in csv.DictReader(file)]
    if calls is None:
        return rows
    if calls > len(rows):
        raise CouldNot(f"the trace has {len(rows)} calls, not {calls}")
    return rows[:calls]


def read_book():
    """Plans by id: (currency, models, rates by kind as exact nano a token, ids by kind). Refuses what it does not know."""
    book = json.loads(BOOK.read_text(), parse_float=str, parse_int=str)
    if book["format"] != "tollhouse-prices/1":
        raise CouldNot(f"{BOOK}: format {book['format']}")
    plans = {}
    for plan in book["plans"]:
        rates, ids = {}, {}
        for rate in plan["rates"]:
            unknown = set(rate) - {"id", "kind", "price", "per"}
            if unknown:
                raise CouldNot(f"{BOOK}: {plan['id']}: this check knows no {sorted(unknown)}; widen it")
            # A price is for `per` units, a million where nothing is said; a nano is 1e-9 of the currency.
            rates[rate["kind"]] = Fraction(rate["price"]) * 10**9 / int(rate.get("per", "1000000"))
            ids[rate["kind"]] = rate["id"]
        for kind, other in plan.get("same_as", {}).items():
            if kind not in rates and other in rates:
                rates[kind], ids[kind] = rates[other], ids[other]
        plans[plan["id"]] = (plan["currency"], plan["models"], rates, ids)
    return book["version"], plans


def half_even(exact):
    """An exact fraction as a whole number: the nearest, a tie to the even one."""
    below, rest = divmod(exact.numerator, exact.denominator)
    twice = 2 * rest - exact.denominator
    return below + (1 if twice > 0 or (twice == 0 and below % 2 == 1) else 0)


def charge(record, plans):
    """The charge of a record in nano by this code's arithmetic, and the currency."""
    currency, models, rates, _ = plans[record["price_plan"]]
    if record["priced_model"] not in models:
        raise KeyError(f"plan {record['price_plan']} has no model {record['priced_model']}")
    exact = sum((rates[kind] * int(count) for kind, count in record["tokens"].items() if int(count)), Fraction(0))
    return half_even(exact), currency


# --- what is: the books ---------------------------------------------------------------------------------------------


def binary():
    path = pathlib.Path(os.environ.get("TOLLHOUSE_BIN", ROOT / "target/release/tollhouse")).resolve()
    if not path.exists():
        raise CouldNot(f"no binary at {path}\n  fix: cargo build --release, or set TOLLHOUSE_BIN")
    return str(path)


def run(args, **more):
    return subprocess.run([binary(), *args], capture_output=True, text=True, stdin=subprocess.DEVNULL, **more)


def said(args):
    done = run(args)
    if done.returncode != 0:
        raise CouldNot(f"tollhouse {' '.join(args)}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


def demo(data, calls, speed):
    """Runs the demo to its end. Its own verdict is not asked: it comes from the code under test."""
    # Port 0: the kernel picks free ones.
    ports = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]
    args = ["demo", "--once", "--speed", str(speed), "--calls", str(calls), "--data", data, *ports]
    keyless = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    done = run(args, env=keyless, timeout=1800)
    if done.returncode not in (0, 1):
        raise CouldNot(f"tollhouse {' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.returncode


def read_books(data):
    lines = said(["calls", "--data", data, "--format", "json", "--limit", "0"]).splitlines()
    reports = {what: json.loads(said(["report", what, "--data", data, "--format", "json"])) for what in ("volume", "cost")}
    return [json.loads(line) for line in lines], reports


# --- one against the other ------------------------------------------------------------------------------------------


def check(records, reports, trace, version, plans):
    """Everything that is wrong, as sentences; empty: the books are right."""
    wrong = []
    settled = [record for record in records if record.get("kind") == "settled"]
    for record in records:
        if record.get("kind") != "settled":
            wrong.append(f"entry {record.get('sequence')}: a {record.get('kind')} record, all calls must be settled")
    for name in ("attempt_id", "call_id"):
        times = collections.Counter(record[name] for record in settled)
        wrong += [f"{name} {it} is in the books {count} times" for it, count in times.items() if count != 1]
    if len(settled) != len(trace):
        wrong.append(f"{len(settled)} settled attempts for {len(trace)} calls of the trace")

    sizes, sums, money = collections.Counter(), collections.Counter(), collections.Counter()
    for record in settled:
        where = f"attempt {record['attempt_id']}"
        tokens = {kind: int(count) for kind, count in record["tokens"].items()}
        strange = set(tokens) - PROMPT - OUTPUT
        if strange:
            wrong.append(f"{where}: kinds {sorted(strange)} are in no call of the trace")
        sizes[(sum(tokens.get(kind, 0) for kind in PROMPT), sum(tokens.get(kind, 0) for kind in OUTPUT))] += 1
        sums.update(tokens)
        if (record["status"], record["provenance"], record["flags"]) != ("ok", "provider_final", []):
            wrong.append(f"{where}: {record['status']}, {record['provenance']}, flags {record['flags']}")
        try:
            must, currency = charge(record, plans)
        except KeyError as missing:
            wrong.append(f"{where}: no rate in {BOOK.name}: {missing}")
            continue
        if record["charge_nano"] != str(must) or record["currency"] != currency:
            wrong.append(f"{where}: charged {record['charge_nano']} nano {record['currency']}, must be {must} {currency}: {tokens}")
        ids = plans[record["price_plan"]][3]
        if sorted(record["rule_ids"]) != sorted({ids[kind] for kind, count in tokens.items() if count}):
            wrong.append(f"{where}: names the rates {record['rule_ids']} for {tokens}")
        if record["price_book_version"] != version:
            wrong.append(f"{where}: priced by book {record['price_book_version']}, the book is {version}")
        money[currency] += must

    for size, count in (collections.Counter(trace) - sizes).items():
        wrong.append(f"{count} calls of {size[0]} input and {size[1]} output tokens are in the trace, not in the books")
    for size, count in (sizes - collections.Counter(trace)).items():
        wrong.append(f"{count} calls of {size[0]} input and {size[1]} output tokens are in the books, not in the trace")
    for what, kinds, must in (("input", PROMPT, sum(i for i, _ in trace)), ("output", OUTPUT, sum(o for _, o in trace))):
        total = sum(sums[kind] for kind in kinds)
        if total != must:
            wrong.append(f"{total} {what} tokens in the books, {must} in the trace")

    for what, report in reports.items():
        totals = report["totals"]
        tokens = {kind: int(count) for kind, count in totals["tokens"].items() if int(count)}
        if tokens != {kind: count for kind, count in sums.items() if count}:
            wrong.append(f"report {what} says {tokens}, the attempts sum to {dict(sums)}")
        if {currency: int(nano) for currency, nano in totals["charge_nano"].items()} != dict(money):
            wrong.append(f"report {what} says {totals['charge_nano']}, the book times the tokens is {dict(money)}")
        if (totals["calls"], totals["attempts"]) != (len(trace), len(trace)):
            wrong.append(f"report {what} says {totals['calls']} calls and {totals['attempts']} attempts")
    return wrong


def self_test(records, reports, trace, version, plans):
    """Alters the books one way after the other; the names of the alterations that nobody noticed."""
    middle = len(records) // 2

    def field(name, change):
        def alter(records, _reports):
            records[middle][name] = change(records[middle][name])

        return alter

    def token(records, _reports):
        # With its charge: only the trace can tell.
        records[middle]["tokens"]["output"] += 1
        records[middle]["charge_nano"] = str(charge(records[middle], plans)[0])

    def swapped(records, _reports):
        # Sums stay as they are; only call by call is it seen.
        one, other = records[middle]["tokens"], next(
            it["tokens"] for it in records if it["tokens"]["input"] != records[middle]["tokens"]["input"]
        )
        one["input"], other["input"] = other["input"], one["input"]
        for record in records:
            record["charge_nano"] = str(charge(record, plans)[0])

    def total(what, name, key):
        def alter(_records, reports):
            totals = reports[what]["totals"][name]
            totals[key] = str(int(totals[key]) + 1) if isinstance(totals[key], str) else totals[key] + 1

        return alter

    alterations = {
        "a charge one nano too high": field("charge_nano", lambda nano: str(int(nano) + 1)),
        "a charge one nano too low": field("charge_nano", lambda nano: str(int(nano) - 1)),
        "a charge in another currency": field("currency", lambda _: "EUR"),
        "a charge that is unknown": field("charge_nano", lambda _: None),
        "a rate that was not used": field("rule_ids", lambda ids: [*ids, "search"]),
        "another plan": field("price_plan", lambda plan: "sim/sonnet/us" if plan != "sim/sonnet/us" else "sim/large/us"),
        "another provenance": field("provenance", lambda _: "counted"),
        "one output token more": token,
        "two calls' inputs swapped": swapped,
        "an attempt twice": lambda records, _: records.append(copy.deepcopy(records[middle])),
        "an attempt missing": lambda records, _: records.pop(middle),
        "a call refused": field("kind", lambda _: "refused"),
        "a volume total one token off": total("volume", "tokens", "input"),
        "a cost total one nano off": total("cost", "charge_nano", "CNY"),
    }
    missed = []
    for name, alter in alterations.items():
        altered = copy.deepcopy((records, reports))
        alter(*altered)
        found = check(*altered, trace, version, plans)
        print(f"  {name}: {'found, ' + found[0] if found else 'NOT FOUND'}")
        if not found:
            missed.append(name)
    assert half_even(Fraction(5, 2)) == 2 and half_even(Fraction(7, 2)) == 4 and half_even(Fraction(8, 3)) == 3
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000, help="calls of the trace to replay (default 2,000)")
    parser.add_argument("--all", action="store_true", help="replay the whole trace")
    parser.add_argument("--speed", type=int, default=400, help="times faster than the trace (default 400)")
    parser.add_argument("--self-test", action="store_true", help="alter the books, and expect that it is found")
    args = parser.parse_args()
    trace = read_trace(None if args.all else args.calls)
    version, plans = read_book()
    with tempfile.TemporaryDirectory(prefix="tollhouse-demo-") as folder:
        data = str(pathlib.Path(folder) / "data")
        verdict = demo(data, len(trace), args.speed)
        records, reports = read_books(data)
    wrong = check(records, reports, trace, version, plans)
    if verdict == 1 and not wrong:
        wrong.append("the demo itself says that its books are wrong; this check finds nothing")
    if wrong:
        print(f"{len(wrong)} things are wrong:")
        for line in wrong[:SHOWN]:
            print(f"  {line}")
        if len(wrong) > SHOWN:
            print(f"  … and {len(wrong) - SHOWN} more")
        return 1
    charged = ", ".join(f"{nano} nano {currency}" for currency, nano in sorted(reports["cost"]["totals"]["charge_nano"].items()))
    print(
        f"{len(trace)} calls, {sum(i for i, _ in trace)} input and {sum(o for _, o in trace)} output tokens, {charged}: "
        "each call once, each charge exact, reports agree"
    )
    if args.self_test:
        missed = self_test(records, reports, trace, version, plans)
        if missed:
            print(f"self-test: not found: {', '.join(missed)}")
            return 1
        print("self-test: every alteration was found")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CouldNot, OSError, subprocess.TimeoutExpired) as error:
        print(f"check_demo: {error}", file=sys.stderr)
        sys.exit(3)
