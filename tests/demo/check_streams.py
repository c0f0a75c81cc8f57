#!/usr/bin/env python3
"""Many streams at once through the gateway: no event is lost, doubled or out of order.

Starts `tollhouse serve` with its simulated providers, keeps 150 streams under way, and holds what each client read
against what it asked the provider to generate: every piece of content with its place, one finish, one usage with the
right figures, one end mark, the comment line behind it. Loss of one event in a million shows here and nowhere else:
the books may be right by the provider's usage while the client's text has a hole. A loaded machine finds more.

    python3 tests/demo/check_streams.py [--seconds 30] [--streams 150]

The binary: TOLLHOUSE_BIN, else target/release/tollhouse. Exit 0: nothing is missing; 1: something is; 3: could not.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHOWN = 10
INPUT = 97


def start(binary, data):
    """The gateway's process, its address, and a key's secret."""
    args = [binary, "serve", "--data", data, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]
    keyless = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    process = subprocess.Popen(args, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=data, env=keyless)
    address = secret = None
    for line in process.stderr:
        if found := re.match(r"gateway: +http://([^/\s]+)", line):
            address = found.group(1)
        if found := re.match(r"first key: (\S+)", line):
            secret = found.group(1)
            break
    if not (address and secret):
        raise OSError(f"tollhouse serve told no address or no key (exit {process.poll()})")
    # What it says later is read and dropped, or it would wait for room in the pipe.
    threading.Thread(target=lambda: [None for _ in process.stderr], daemon=True).start()
    return process, address, secret


def missing(stream, output):
    """What is wrong with a stream that should hold so many pieces of content, as words."""
    wrong = []
    behind = stream.split("data: [DONE]\n\n")
    if len(behind) != 2:
        wrong.append(f"{len(behind) - 1} end marks")
    elif not re.fullmatch(r": tollhouse call_id=\S+ charge=\S+ \S+ provenance=provider_final\n\n", behind[1]):
        wrong.append(f"behind the end mark: {behind[1]!r}")
    pieces, finishes, usages = 0, 0, []
    for event in behind[0].split("\n\n"):
        if not event:
            continue
        if not event.startswith("data: "):
            return [*wrong, f"an event is none: {event[:80]!r}"]
        chunk = json.loads(event[6:])
        if "error" in chunk:
            return [*wrong, f"an error: {chunk['error']['message']}"]
        if chunk.get("usage"):
            usages.append((chunk["usage"]["prompt_tokens"], chunk["usage"]["completion_tokens"]))
        for choice in chunk["choices"]:
            pieces += bool(choice["delta"].get("content"))
            finishes += choice["finish_reason"] is not None
    if pieces != output:
        wrong.append(f"{pieces} pieces of content, {output} were generated")
    if finishes != 1:
        wrong.append(f"{finishes} finish reasons")
    if usages != [(INPUT, output)]:
        wrong.append(f"usage {usages}, must be {(INPUT, output)}")
    return wrong


def client(address, secret, number, until, told):
    """Streams one after the other over one connection."""
    connection = http.client.HTTPConnection(address, timeout=60)
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    while time.monotonic() < until:
        number += 1
        output = 20 + number * 37 % 300
        body = {
            "model": "sim-small",
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": 1000,
            "messages": [{"role": "user", "content": " toll" * 90}],
            # A piece of content a token.
            "simulate": {"input_tokens": INPUT, "output_tokens": output, "token_ms": 3, "first_token_ms": 100},
        }
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
            answer = connection.getresponse()
            stream = answer.read().decode()
            wrong = missing(stream, output) if answer.status == 200 else [f"{answer.status}: {stream}"]
        except (OSError, http.client.HTTPException, ValueError) as error:
            wrong = [f"{type(error).__name__}: {error}"]
            connection.close()
        told.append((output, wrong))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--streams", type=int, default=150, help="streams under way at a time")
    args = parser.parse_args()
    binary = str(pathlib.Path(os.environ.get("TOLLHOUSE_BIN", ROOT / "target/release/tollhouse")).resolve())
    told = []
    with tempfile.TemporaryDirectory(prefix="tollhouse-streams-") as data:
        process, address, secret = start(binary, data)
        try:
            until = time.monotonic() + args.seconds
            run = [(address, secret, number * 1000, until, told) for number in range(args.streams)]
            threads = [threading.Thread(target=client, args=each) for each in run]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            process.terminate()
            process.wait()
    broken = [wrong for _, wrong in told if wrong]
    for wrong in broken[:SHOWN]:
        print(f"  {', '.join(wrong)}")
    if len(broken) > SHOWN:
        print(f"  … and {len(broken) - SHOWN} more")
    print(f"{len(told)} streams, {sum(output for output, _ in told)} pieces of content, {len(broken)} streams broken")
    if not told:
        raise OSError("no stream was read")
    return 1 if broken else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        print(f"check_streams: {error}", file=sys.stderr)
        sys.exit(3)
